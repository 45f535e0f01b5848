/*-------------------------------------------------------------------------
 *
 * verify_private.h
 *		What the files of the chain's verification share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_VERIFY_PRIVATE_H
#define CRM_VERIFY_PRIVATE_H

#include "executor/spi.h"
#include "utils/date.h"
#include "utils/hsearch.h"

#include "ledger/leaf.h"
#include "ledger/ledger_scan.h"
#include "ledger/seal.h"
#include "ledger/verify.h"

/* Rows of a query, fetched in batches: verify_cursor.c. */
typedef struct RowCursor
{
	Portal		portal;
	SPITupleTable *table;
	uint64		row;			/* present row, from 0 */
	bool		at_end;
} RowCursor;

extern void crm_cursor_open(RowCursor *cursor, const char *query,
							int64 argument);
extern void crm_cursor_next(RowCursor *cursor);
extern Datum crm_cursor_get(const RowCursor *cursor, int column, bool *isnull);
extern void crm_cursor_hash(const RowCursor *cursor, int column, uint8 *hash);
extern void crm_cursor_close(RowCursor *cursor);

/* What a block holds of a month, as ledger_block_partition says. */
typedef struct VerifiedPeriod
{
	DateADT		period;
	int64		entries;
	int64		transactions;
	uint8		root[CRM_HASH_BYTES];
	bool		is_pruned;
	int64		seen;			/* entries that are there */
} VerifiedPeriod;

/* A row of ledger_pruned. */
typedef struct PrunedMonth
{
	DateADT		period;
	DateADT		pruned_in;		/* the month in which it was */
	bool		is_recorded;	/* by an entry */
} PrunedMonth;

/* The table that a table_id stands for; one that was dropped is not there. */
typedef struct TrackedTarget
{
	int32		table_id;
	Oid			target;
} TrackedTarget;

/* The name of a context within a domain. */
typedef struct ContextKey
{
	uint64		xid;
	int64		number;			/* as wide, so that there is no padding */
} ContextKey;

/*
 * What ledger_key should hold and does: sums, under a seed that nobody knows,
 * in which the order does not count.  verify_keys.c.
 */
typedef struct KeySums
{
	uint64		seeds[2];
	uint64		expected[2];
	uint64		found[2];
} KeySums;

extern void crm_keys_begin(KeySums *keys);
extern void crm_keys_expect(KeySums *keys, const LedgerEntry *entry,
							int64 block_id);

/* A run of verification over the chain. */
typedef struct ChainRun
{
	MemoryContext memory;		/* lasts as long as the run */
	Faults	   *faults;
	SuspectKeys *suspects;
	Jsonb	   *digest;			/* one that was kept elsewhere, or NULL */
	uint64		own_xid;		/* 0: none */
	int64		head;			/* last block that is there */
	bool		is_truncated;	/* that was told */
	Snapshot	snapshot;
	int64		first_block;	/* entries are read from this block on */
	int64		last_block;		/* and to this one */
	RowCursor	blocks;
	RowCursor	periods;
	RowCursor	transactions;
	int			npruned;
	PrunedMonth *pruned;
	List	   *domains;		/* of VerifiedDomain */
	StrangeEntries strangers;
	List	   *missing;		/* of MissingEntries */
	List	   *doubtful;		/* entries whose rows must not be judged */
	List	   *doubtful_blocks;	/* likewise */
	int64		nblock_faults;
	KeySums		keys;
	HTAB	   *targets;		/* of TrackedTarget, by table_id */
	HTAB	   *contexts;		/* at fault, by ContextKey */
} ChainRun;

/* A domain, as far as its blocks go. */
typedef struct VerifiedDomain
{
	int64		domain;
	bool		is_closed;
	bool		is_uncertain;	/* a block after "previous" is at fault */
	SealSnapshot previous;		/* of its last block; xmax 0: none */
} VerifiedDomain;

/* Entries of a transaction that are not there. */
typedef struct MissingEntries
{
	uint64		xid;
	int32		first;			/* 0: a pruned month hides their numbers */
	int32		last;
	bool		is_whole;		/* all that the transaction had in a month: */
	DateADT		period;
} MissingEntries;

/* From verify_chain.c */
extern char *crm_month_words(DateADT period);
extern PrunedMonth *crm_pruned_find(const ChainRun *run, DateADT period);
extern void crm_verify_chain(ChainRun *run);

/* From verify_entries.c */
extern const char *crm_verify_block_entries(ChainRun *run, const LedgerBlock *block,
											VerifiedDomain *domain,
											const SealSnapshot *present,
											VerifiedPeriod *periods, int nperiods,
											bool periods_are_right);
extern DateADT crm_verify_period(TimestampTz at);
extern void crm_verify_tail(ChainRun *run, VerifiedDomain *domain,
							bool is_present);

/* From verify_keys.c */
extern void crm_verify_keys(ChainRun *run);

/* From verify_suspects.c */
extern void crm_doubt_entries(ChainRun *run, uint64 xid, int32 first,
							  int32 last);
extern void crm_doubt_blocks(ChainRun *run, int64 first, int64 last);
extern void crm_verify_suspects(ChainRun *run);

#endif							/* CRM_VERIFY_PRIVATE_H */
