/*-------------------------------------------------------------------------
 *
 * verify_entries.c
 *		Verification of entries: what they hold, and that none is missing or
 *		was put in.
 *
 * The entries of a block are those that its snapshot sees and that of the
 * block before does not, exactly as the sealer took them.  Their hashes are
 * computed anew, and what they make is held against ledger_transaction, and
 * that against the roots of months.
 *
 * One alteration is told once.  An entry whose hash is wrong explains that its
 * transaction's root is; so do entries that are missing or too many.  A root
 * that is wrong though all entries look right means that an entry and its hash
 * were edited together.
 *
 * Memory: constant in the number of entries; grows with that of faults.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/xid8.h"

#include "compat.h"
#include "ledger/ledger_store.h"
#include "ledger/merkle.h"
#include "ledger/verify_private.h"

/* What is seen of the transaction at hand in one month. */
typedef struct SeenPeriod
{
	DateADT		period;
	MerkleStack leaves;
} SeenPeriod;

/* What ledger_transaction says of it in one month. */
typedef struct StoredPeriod
{
	DateADT		period;
	uint8		root[CRM_HASH_BYTES];
} StoredPeriod;

/* A transaction lies in two months at most, but for a forger. */
#define SEEN_PERIODS	4

/* The walk through the entries of one block, or of what is not sealed. */
typedef struct EntryWalk
{
	ChainRun   *run;
	int64		block_id;		/* 0: not sealed */
	int64		domain;
	VerifiedPeriod *periods;
	int			nperiods;
	MerkleStack *roots;			/* of each month's transactions, as stored */
	int64	   *stored;			/* and how many entries these have */
	MemoryContext memory;		/* for an entry, reset for each */

	MerkleStack *seen_roots;	/* the same of transactions as they are */
	List	   *deferred;		/* faults that ledger_transaction tells of */
	MemoryContext block_memory;
	bool		is_uncertain;	/* an earlier block of the domain is at fault */
	bool		has_pruned;		/* some month of the block is gone by right */
	bool		is_present;		/* the domain is the database's present one */
	SealSnapshot now;			/* then: what has ended by now */

	/* the transaction at hand */
	uint64		xid;			/* 0: none */
	int			nstored;		/* what ledger_transaction says of it */
	StoredPeriod stored_periods[SEEN_PERIODS];
	int64		expected;		/* entries by that; -1: it is not there */
	int32		last_ord;
	int64		nentries;
	bool		is_faulty;		/* a fault was told that explains its root */
	int			nseen;
	SeenPeriod	seen[SEEN_PERIODS];

	/* the context at hand */
	const LedgerContext *context;
	uint64		context_xid;
	int32		context_number;
	uint8		context_leaf[CRM_HASH_BYTES];
	bool		context_is_right;
} EntryWalk;

static DateADT
period_of(TimestampTz at)
{
	return (DateADT) (crm_ledger_month_start(at) / USECS_PER_DAY);
}

/*
 * Keeps a fault until the block's end: if it is ledger_transaction that was
 * altered, the entries are not at fault.
 */
static void
fault_defer(EntryWalk *walk, const Fault *fault)
{
	MemoryContext old = MemoryContextSwitchTo(walk->block_memory);
	Fault	   *copy = palloc(sizeof(Fault));

	*copy = *fault;
	if (fault->row_key)
		copy->row_key = (Jsonb *) DatumGetPointer(datumCopy(JsonbPGetDatum(fault->row_key),
															false, -1));
	if (fault->detail)
		copy->detail = pstrdup(fault->detail);
	walk->deferred = lappend(walk->deferred, copy);
	MemoryContextSwitchTo(old);
}

/* Tells a fault of an entry; its row must not be judged by it. */
static void
entry_fault(EntryWalk *walk, const LedgerEntry *entry, const char *status,
			const char *detail, bool is_deferred)
{
	Fault		fault = {status};

	fault.block_id = walk->block_id;
	fault.xid = entry->xid;
	fault.ord = entry->ord;
	fault.target = entry->target;
	fault.row_key = entry->row_key;
	fault.detail = unconstify(char *, detail);
	if (is_deferred)
		fault_defer(walk, &fault);
	else
		crm_fault_add(walk->run->faults, &fault);
	walk->is_faulty = true;
	if (entry->row_key)
		crm_suspects_add(walk->run->suspects, entry->table_id,
						 crm_key_hash(entry->table_id, entry->row_key));
}

static bool
text_same(const text * a, const text * b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* Computes the hash of the entry's context, unless it is that of the last. */
static void
context_verify(EntryWalk *walk, LedgerScan *scan, const LedgerEntry *entry)
{
	const LedgerContext *context = crm_ledger_scan_context(scan);

	if (context && context == walk->context &&
		walk->context_xid == context->xid &&
		walk->context_number == context->context)
		return;
	walk->context = context;
	if (context == NULL)
		return;
	walk->context_xid = context->xid;
	walk->context_number = context->context;
	crm_context_hash(context, walk->context_leaf);
	walk->context_is_right = memcmp(walk->context_leaf, context->leaf,
									CRM_HASH_BYTES) == 0;
}

/* Computes the entry's hash; NULL if it is right, else what is not. */
static const char *
entry_problem(EntryWalk *walk, LedgerScan *scan, const LedgerEntry *entry)
{
	const LedgerContext *context;
	uint8		leaf[CRM_HASH_BYTES];

	context_verify(walk, scan, entry);
	context = walk->context;
	if (context == NULL)
		return "its context is missing";
	crm_leaf_hash(entry, walk->context_leaf, leaf);
	if (memcmp(leaf, entry->leaf, CRM_HASH_BYTES) != 0)
		return walk->context_is_right ? "it is not what was hashed" :
			"its context is not what was hashed";
	if (!walk->context_is_right)
		return "the hash of its context was altered";
	if (!text_same(entry->actor, context->actor) ||
		!text_same(entry->reason, context->reason) ||
		!text_same(entry->client, context->client))
		return "actor, reason or client are not those of its context";
	return NULL;
}

/* Remembers entries that are not there, and tells of them at the end. */
static void
missing_add(EntryWalk *walk, uint64 xid, int32 first, int32 last,
			bool is_whole, DateADT period)
{
	MemoryContext old = MemoryContextSwitchTo(walk->run->memory);
	MissingEntries *missing = palloc(sizeof(MissingEntries));

	missing->xid = xid;
	missing->first = first;
	missing->last = last;
	missing->is_whole = is_whole;
	missing->period = period;
	walk->run->missing = lappend(walk->run->missing, missing);
	walk->is_faulty = true;
	MemoryContextSwitchTo(old);
}

/* Puts an entry's hash into the tree of its month. */
static void
seen_add(EntryWalk *walk, const LedgerEntry *entry)
{
	DateADT		period = period_of(entry->at);
	int			i = 0;

	while (i < walk->nseen && walk->seen[i].period != period)
		i++;
	if (i == SEEN_PERIODS)
	{
		entry_fault(walk, entry, "EXTRA_ENTRY",
					"its transaction would lie in too many months", false);
		return;
	}
	if (i == walk->nseen)
	{
		walk->nseen++;
		walk->seen[i].period = period;
		crm_merkle_begin(&walk->seen[i].leaves);
	}
	crm_merkle_add(&walk->seen[i].leaves, entry->leaf);
	for (int j = 0; j < walk->nperiods; j++)
	{
		if (walk->periods[j].period == period)
			walk->periods[j].seen++;
	}
}

/* Place of a month in the block's; -1 if it is not there. */
static int
period_find(const EntryWalk *walk, DateADT period)
{
	for (int i = 0; i < walk->nperiods; i++)
	{
		if (walk->periods[i].period == period)
			return i;
	}
	return -1;
}

/* Tells that a transaction's root is wrong, though its entries look right. */
static void
transaction_fault(EntryWalk *walk)
{
	Fault		fault = {"MODIFIED_ENTRY"};
	MemoryContext old;
	uint64	   *xid;

	walk->is_faulty = true;
	fault.block_id = walk->block_id;
	fault.xid = walk->xid;
	fault.ord = walk->nentries == 1 ? walk->last_ord : 0;
	fault.detail = psprintf("an entry and its hash were altered together; the transaction has " INT64_FORMAT " entries",
							walk->nentries);
	fault_defer(walk, &fault);
	old = MemoryContextSwitchTo(walk->run->memory);
	xid = palloc(sizeof(uint64));
	*xid = walk->xid;
	walk->run->doubtful = lappend(walk->run->doubtful, xid);
	MemoryContextSwitchTo(old);
}

/* Whether what was seen of a transaction in a month has the stored root. */
static bool
period_is_right(const EntryWalk *walk, const StoredPeriod *stored)
{
	uint8		root[CRM_HASH_BYTES];

	for (int i = 0; i < walk->nseen; i++)
	{
		if (walk->seen[i].period != stored->period)
			continue;
		crm_merkle_root(&walk->seen[i].leaves, root);
		return memcmp(root, stored->root, CRM_HASH_BYTES) == 0;
	}
	return false;
}

/* Whether ledger_transaction stands at a row of the walk's block. */
static bool
stored_is_here(const EntryWalk *walk)
{
	const RowCursor *cursor = &walk->run->transactions;

	return !cursor->at_end &&
		DatumGetInt64(crm_cursor_get(cursor, 1, NULL)) == walk->block_id;
}

static uint64
stored_xid(const EntryWalk *walk)
{
	return U64FromFullTransactionId(DatumGetFullTransactionId(crm_cursor_get(&walk->run->transactions,
																			 3, NULL)));
}

/* Takes the present row of ledger_transaction, and goes on; how many entries. */
static int32
stored_take(EntryWalk *walk, StoredPeriod *stored)
{
	RowCursor  *cursor = &walk->run->transactions;
	int32		entries = DatumGetInt32(crm_cursor_get(cursor, 4, NULL));
	int			i;

	stored->period = DatumGetDateADT(crm_cursor_get(cursor, 2, NULL));
	crm_cursor_hash(cursor, 5, stored->root);
	i = period_find(walk, stored->period);
	if (i >= 0)
	{
		crm_merkle_add(&walk->roots[i], stored->root);
		walk->stored[i] += entries;
	}
	crm_cursor_next(cursor);
	return entries;
}

/* Passes transactions that should be there before an id, and are not. */
static void
stored_pass_missing(EntryWalk *walk, uint64 xid)
{
	while (stored_is_here(walk) && stored_xid(walk) < xid)
	{
		uint64		missing = stored_xid(walk);
		StoredPeriod stored;
		int32		entries = stored_take(walk, &stored);

		missing_add(walk, missing, 1, entries, true, stored.period);
	}
}

/* Ends the transaction at hand. */
static void
transaction_end(EntryWalk *walk)
{
	if (walk->xid == 0 || walk->block_id == 0)
		return;
	for (int i = 0; i < walk->nseen; i++)
	{
		int			period = period_find(walk, walk->seen[i].period);
		uint8		root[CRM_HASH_BYTES];

		crm_merkle_root(&walk->seen[i].leaves, root);
		if (period >= 0)
			crm_merkle_add(&walk->seen_roots[period], root);
	}
	if (walk->expected < 0)
		return;
	if (walk->has_pruned)
	{
		if (walk->nentries < walk->expected)
			missing_add(walk, walk->xid, 0, walk->expected - walk->nentries - 1,
						false, 0);
	}
	else if (walk->last_ord < walk->expected)
		missing_add(walk, walk->xid, walk->last_ord + 1, walk->expected, false,
					0);
	for (int i = 0; i < walk->nstored && !walk->is_faulty; i++)
	{
		if (!period_is_right(walk, &walk->stored_periods[i]))
			transaction_fault(walk);
	}
}

/* Begins a transaction, with what the block says of it. */
static void
transaction_begin(EntryWalk *walk, uint64 xid)
{
	transaction_end(walk);
	walk->xid = xid;
	walk->last_ord = 0;
	walk->nentries = 0;
	walk->is_faulty = false;
	walk->nseen = 0;
	walk->nstored = 0;
	walk->expected = -1;
	if (walk->block_id == 0)
		return;
	stored_pass_missing(walk, xid);
	walk->is_faulty = false;
	while (stored_is_here(walk) && stored_xid(walk) == xid)
	{
		StoredPeriod stored;
		int32		entries = stored_take(walk, &stored);

		walk->expected = Max(walk->expected, 0) + entries;
		if (walk->nstored < SEEN_PERIODS)
			walk->stored_periods[walk->nstored++] = stored;
	}
}

/* Why an entry of what is not sealed cannot be; NULL if it can. */
static const char *
tail_problem(const EntryWalk *walk, const LedgerEntry *entry)
{
	Datum		status;

	LOCAL_FCINFO(fcinfo, 1);

	if (!walk->is_present || entry->xid == walk->run->own_xid)
		return NULL;
	if (entry->xid >= walk->now.xmax)
		return "its transaction has not begun";
	if (crm_snapshot_is_running(&walk->now, entry->xid))
		return "its transaction is running";
	if (RecoveryInProgress())
		return NULL;
	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = FullTransactionIdGetDatum(FullTransactionIdFromU64(entry->xid));
	fcinfo->args[0].isnull = false;
	status = pg_xact_status(fcinfo);
	if (!fcinfo->isnull &&
		strcmp(TextDatumGetCString(status), "aborted") == 0)
		return "its transaction was rolled back";
	return NULL;
}

/* Why an entry does not belong where it is; NULL if it does. */
static const char *
extra_problem(EntryWalk *walk, const LedgerEntry *entry)
{
	int			period = period_find(walk, period_of(entry->at));

	if (walk->block_id == 0)
	{
		const char *problem = walk->nentries == 0 ?
		tail_problem(walk, entry) : NULL;

		if (problem)
			return problem;
	}
	else if (walk->expected < 0)
		return "the block does not have its transaction";
	else if (!walk->has_pruned && entry->ord > walk->expected)
		return "its transaction has fewer entries";
	if (entry->ord <= walk->last_ord)
		return "its transaction has another entry of this number";
	if (period >= 0 && walk->periods[period].is_pruned)
		return "its month was pruned";
	return NULL;
}

/* Verifies one entry. */
static void
entry_verify(EntryWalk *walk, LedgerScan *scan, const LedgerEntry *entry)
{
	const char *problem;

	if (entry->xid != walk->xid)
		transaction_begin(walk, entry->xid);
	/* it may belong to a block that is not there, or is not to be believed */
	if (walk->is_uncertain && walk->block_id != 0 && walk->expected < 0)
		return;
	problem = extra_problem(walk, entry);
	if (problem)
	{
		entry_fault(walk, entry, "EXTRA_ENTRY", problem, walk->block_id != 0);
		if (walk->block_id != 0 && entry->ord > walk->last_ord)
		{
			walk->last_ord = entry->ord;
			seen_add(walk, entry);
		}
		return;
	}
	if (entry->ord > walk->last_ord + 1 && !walk->has_pruned)
		missing_add(walk, walk->xid, walk->last_ord + 1, entry->ord - 1, false,
					0);
	walk->last_ord = entry->ord;
	walk->nentries++;
	problem = entry_problem(walk, scan, entry);
	if (problem)
		entry_fault(walk, entry, "MODIFIED_ENTRY", problem, false);
	seen_add(walk, entry);
}

/* Verifies the entries of a range that "present" sees. */
static void
range_verify(EntryWalk *walk, LedgerScan *scan, const SealSnapshot *present)
{
	const LedgerEntry *entry;
	uint64		checked = 0;
	bool		is_running = false;

	while ((entry = crm_ledger_scan_next(scan)) != NULL)
	{
		MemoryContext old;

		if (present && entry->xid != checked)
		{
			checked = entry->xid;
			is_running = crm_snapshot_is_running(present, checked);
		}
		if (is_running)
			continue;
		old = MemoryContextSwitchTo(walk->memory);
		entry_verify(walk, scan, entry);
		MemoryContextSwitchTo(old);
		MemoryContextReset(walk->memory);
	}
}

/* Walks through what "present" sees and "previous" does not. */
static void
walk_entries(EntryWalk *walk, const SealSnapshot *previous,
			 const SealSnapshot *present)
{
	LedgerScan *scan = crm_ledger_scan_begin(walk->run->snapshot, walk->domain,
											 0, 0);

	crm_ledger_scan_watch(scan, &walk->run->strangers);
	for (int i = 0; i < previous->nrunning; i++)
	{
		if (present && crm_snapshot_is_running(present, previous->running[i]))
			continue;
		crm_ledger_scan_restart(scan, previous->running[i],
								previous->running[i] + 1);
		range_verify(walk, scan, present);
	}
	crm_ledger_scan_restart(scan, previous->xmax,
							present ? present->xmax : PG_UINT64_MAX);
	range_verify(walk, scan, present);
	transaction_end(walk);
	crm_ledger_scan_end(scan);
}

/* Tells of entries that are missing, from the first of the list on. */
static void
missing_tell(EntryWalk *walk, int first)
{
	for (int i = 0; i < walk->nperiods; i++)
	{
		const VerifiedPeriod *period = &walk->periods[i];
		Fault		fault = {"MISSING_ENTRY"};

		if (period->is_pruned || period->entries == 0 || period->seen > 0)
			continue;
		fault.block_id = walk->block_id;
		fault.detail = psprintf("all " INT64_FORMAT " entries of %s are missing",
								period->entries,
								DatumGetCString(DirectFunctionCall1(date_out,
																	DateADTGetDatum(period->period))));
		crm_fault_add(walk->run->faults, &fault);
	}
	for (int i = first; i < list_length(walk->run->missing); i++)
	{
		const MissingEntries *missing = list_nth(walk->run->missing, i);
		Fault		fault = {"MISSING_ENTRY"};
		int			period = missing->is_whole ?
		period_find(walk, missing->period) : -1;

		/* told already, or gone by right */
		if (period >= 0 && (walk->periods[period].is_pruned ||
							walk->periods[period].seen == 0))
			continue;
		fault.block_id = walk->block_id;
		fault.xid = missing->xid;
		fault.ord = missing->first;
		if (missing->last != missing->first)
			fault.detail = psprintf("%d entries are missing",
									missing->last - missing->first + 1);
		fault_defer(walk, &fault);
	}
}

/* Whether trees over transactions have the roots of the block's months. */
static bool
roots_are_right(const EntryWalk *walk, const MerkleStack *roots)
{
	for (int i = 0; i < walk->nperiods; i++)
	{
		uint8		root[CRM_HASH_BYTES];

		crm_merkle_root(&roots[i], root);
		if (!walk->periods[i].is_pruned &&
			memcmp(root, walk->periods[i].root, CRM_HASH_BYTES) != 0)
			return false;
	}
	return true;
}

/* Ends a block; what is wrong with ledger_transaction, or NULL. */
static const char *
walk_conclude(EntryWalk *walk)
{
	bool		stored_right = roots_are_right(walk, walk->roots);
	ListCell   *cell;

	for (int i = 0; i < walk->nperiods; i++)
		stored_right &= walk->periods[i].is_pruned ||
			walk->stored[i] == walk->periods[i].entries;
	/* the entries are all there, and it is the list of transactions that lies */
	if (!stored_right && roots_are_right(walk, walk->seen_roots))
		return "its transactions are not those that make its months";
	foreach(cell, walk->deferred)
		crm_fault_add(walk->run->faults, lfirst(cell));
	return stored_right ? NULL :
		"the roots of its transactions do not make those of its months";
}

/*
 * Verifies the entries of a block, whose "present" snapshot is NULL if it
 * closes its domain.  Returns what is wrong with ledger_transaction, or NULL.
 */
const char *
crm_verify_block_entries(ChainRun *run, const LedgerBlock *block,
						 VerifiedDomain *domain, const SealSnapshot *present,
						 VerifiedPeriod *periods, int nperiods)
{
	EntryWalk  *walk = palloc0(sizeof(EntryWalk));
	int			first_missing = list_length(run->missing);
	const char *problem;

	walk->run = run;
	walk->block_id = block->block_id;
	walk->domain = domain->domain;
	walk->periods = periods;
	walk->nperiods = nperiods;
	walk->roots = palloc((nperiods + 1) * sizeof(MerkleStack));
	walk->seen_roots = palloc((nperiods + 1) * sizeof(MerkleStack));
	walk->stored = palloc0((nperiods + 1) * sizeof(int64));
	walk->block_memory = CurrentMemoryContext;
	walk->is_uncertain = domain->is_uncertain;
	for (int i = 0; i < nperiods; i++)
	{
		crm_merkle_begin(&walk->roots[i]);
		crm_merkle_begin(&walk->seen_roots[i]);
		walk->has_pruned |= periods[i].is_pruned;
	}
	walk->memory = AllocSetContextCreate(CurrentMemoryContext,
										 "crmaudit verified entry",
										 ALLOCSET_DEFAULT_SIZES);
	/* rows of blocks that are not there */
	while (!run->transactions.at_end &&
		   DatumGetInt64(crm_cursor_get(&run->transactions, 1, NULL)) < block->block_id)
		crm_cursor_next(&run->transactions);
	walk_entries(walk, &domain->previous, present);
	stored_pass_missing(walk, PG_UINT64_MAX);
	missing_tell(walk, first_missing);
	problem = walk_conclude(walk);
	MemoryContextDelete(walk->memory);
	return problem;
}

/*
 * Verifies entries of a domain that no block holds: by themselves, for there
 * is nothing yet to hold them against.
 */
void
crm_verify_tail(ChainRun *run, VerifiedDomain *domain, bool is_present)
{
	EntryWalk  *walk = palloc0(sizeof(EntryWalk));
	int			first_missing = list_length(run->missing);

	walk->run = run;
	walk->domain = domain->domain;
	walk->is_present = is_present;
	crm_snapshot_convert(&walk->now, run->snapshot);
	walk->memory = AllocSetContextCreate(CurrentMemoryContext,
										 "crmaudit verified entry",
										 ALLOCSET_DEFAULT_SIZES);
	walk->block_memory = CurrentMemoryContext;
	walk_entries(walk, &domain->previous, NULL);
	missing_tell(walk, first_missing);
	(void) walk_conclude(walk);
	MemoryContextDelete(walk->memory);
}

/* Ids of transactions, as an array of xid8. */
static Datum
xid_array(List *missing, List *doubtful)
{
	int			count = list_length(missing) + list_length(doubtful);
	Datum	   *xids = palloc(count * sizeof(Datum));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, missing)
		xids[n++] = FullTransactionIdGetDatum(FullTransactionIdFromU64(((MissingEntries *) lfirst(cell))->xid));
	foreach(cell, doubtful)
		xids[n++] = FullTransactionIdGetDatum(FullTransactionIdFromU64(*(uint64 *) lfirst(cell)));
	return PointerGetDatum(construct_array(xids, count, XID8OID, sizeof(uint64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * Marks the rows of which entries are missing or doubtful: ledger_key knows
 * their keys.
 */
void
crm_verify_suspects(ChainRun *run)
{
	Oid			type = XID8ARRAYOID;
	Datum		xids;

	if (run->missing == NIL && run->doubtful == NIL)
		return;
	xids = xid_array(run->missing, run->doubtful);
	if (SPI_execute_with_args("SELECT table_id, key_hash FROM crmaudit.ledger_key WHERE xid = ANY ($1)",
							  1, &type, &xids, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read crmaudit.ledger_key");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;

		crm_suspects_add(run->suspects,
						 DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull)),
						 DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull)));
	}
}
