/*-------------------------------------------------------------------------
 *
 * ledger_write.h
 *		The backend's buffer of entries and contexts, and its way into the
 *		partitions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_LEDGER_WRITE_H
#define CRM_LEDGER_WRITE_H

#include "access/htup.h"
#include "access/tupdesc.h"

#include "ledger/ledger.h"

/* Rows that await being written to one of the two partitioned tables. */
typedef struct LedgerRow
{
	SubTransactionId subid;
	TimestampTz at;				/* decides the partition */
	HeapTuple	tuple;
} LedgerRow;

/* The partition of one of them that was written last. */
typedef struct LedgerTarget
{
	bool		is_valid;
	Oid			parent;
	Oid			relid;
	TimestampTz month_start;
	TimestampTz month_end;
} LedgerTarget;

/*
 * Whether a dump is being restored into the ledger.  What is recorded then
 * could be lost.
 */
extern bool crm_ledger_is_restored(void);

extern void crm_ledger_write(const char *parent, LedgerTarget *target,
							 TupleDesc desc, const LedgerRow *rows, int count);

/* What the buffer holds, as a tuple of either table. */
extern void crm_ledger_buffer_entry(const LedgerEntry *entry);
extern void crm_ledger_buffer_context(const LedgerContext *context);

/* From ledger_context.c: who acts, from where and why. */
typedef struct CurrentContext
{
	uint64		xid;			/* transaction that wrote it */
	int32		number;
	text	   *actor;
	text	   *reason;
	text	   *client;
	uint8		leaf[CRM_HASH_BYTES];
} CurrentContext;

extern const CurrentContext *crm_context_current(int64 incarnation, uint64 xid,
												 TimestampTz at);
extern void crm_context_subxact_abort(SubTransactionId subid);
extern void crm_context_xact_end(bool committed);

#endif							/* CRM_LEDGER_WRITE_H */
