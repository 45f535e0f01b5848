/*-------------------------------------------------------------------------
 *
 * ledger_scan.h
 *		Entries of the ledger with their contexts, in order, over all
 *		partitions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_LEDGER_SCAN_H
#define CRM_LEDGER_SCAN_H

#include "utils/snapshot.h"

#include "ledger/ledger.h"

typedef struct LedgerScan LedgerScan;

/*
 * Begins a scan of the entries of one domain whose transaction ids are in
 * [first_xid, end_xid), visible in "snapshot", in the order of xid and ord.
 * Takes AccessShareLock on the ledger until the transaction ends.
 */
extern LedgerScan *crm_ledger_scan_begin(Snapshot snapshot, int64 domain,
										 uint64 first_xid, uint64 end_xid);

/*
 * From now on only what sealing needs is read: the columns of fixed length,
 * row_key and leaf.  The others are NULL.
 */
extern void crm_ledger_scan_leaves_only(LedgerScan *scan);

/* Scans another range, without opening everything again. */
extern void crm_ledger_scan_restart(LedgerScan *scan, uint64 first_xid,
									uint64 end_xid);

/* Entries that belong to none of the domains that are known. */
typedef struct StrangeEntries
{
	int			nknown;
	int64	   *known;
	int64		count;
	uint64		xid;			/* of the last one */
	int32		ord;
} StrangeEntries;

/* Has entries of other domains counted that the scan passes on its way. */
extern void crm_ledger_scan_watch(LedgerScan *scan, StrangeEntries *strangers);

/* The next entry, valid until the next call; NULL at the end. */
extern const LedgerEntry *crm_ledger_scan_next(LedgerScan *scan);

/*
 * The context of the entry just given; NULL if there is none.  Valid until the
 * next call.
 */
extern const LedgerContext *crm_ledger_scan_context(LedgerScan *scan);

extern void crm_ledger_scan_end(LedgerScan *scan);

#endif							/* CRM_LEDGER_SCAN_H */
