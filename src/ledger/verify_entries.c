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
#include "ledger/verify_walk.h"

/* The month of a time, as its first day. */
DateADT
crm_verify_period(TimestampTz at)
{
	return (DateADT) (crm_ledger_month_start(at) / USECS_PER_DAY);
}

/*
 * Keeps a fault until the block's end: if it is ledger_transaction that was
 * altered, the entries are not at fault.
 */
static void
fault_defer(EntryWalk *walk, const Fault *fault, bool is_in_tree)
{
	MemoryContext old = MemoryContextSwitchTo(walk->block_memory);
	DeferredFault *item = palloc(sizeof(DeferredFault));

	item->fault = *fault;
	item->is_in_tree = is_in_tree;
	if (fault->row_key)
		item->fault.row_key = (Jsonb *) DatumGetPointer(datumCopy(JsonbPGetDatum(fault->row_key),
																  false, -1));
	if (fault->detail)
		item->fault.detail = pstrdup(fault->detail);
	walk->deferred = lappend(walk->deferred, item);
	MemoryContextSwitchTo(old);
}

/* The row of an entry at fault must not be judged by it. */
static void
entry_suspect(EntryWalk *walk, const LedgerEntry *entry)
{
	walk->is_faulty = true;
	if (entry->row_key)
		crm_suspects_add(walk->run->suspects, entry->table_id,
						 crm_key_hash(entry->table_id, entry->row_key));
	/* its key may be what was altered */
	if (walk->block_id != 0)
		crm_doubt_entries(walk->run, entry->xid, entry->ord, entry->ord);
}

/* Tells a fault of an entry; one that too many seem to be, later. */
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
		fault_defer(walk, &fault, entry->ord > walk->last_ord);
	else
		crm_fault_add(walk->run->faults, &fault);
	entry_suspect(walk, entry);
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
	/* in which month an entry of which number was, is known to nobody */
	if (is_whole || first == 0)
		crm_doubt_entries(walk->run, xid, 1, PG_INT32_MAX);
	else
		crm_doubt_entries(walk->run, xid, first, last);
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

/* Puts an entry's hash into the tree of its month. */
static void
seen_add(EntryWalk *walk, const LedgerEntry *entry)
{
	DateADT		period = crm_verify_period(entry->at);
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
	if (walk->block_id != 0 && period_find(walk, period) < 0)
		walk->nstray++;
	for (int j = 0; j < walk->nperiods; j++)
	{
		if (walk->periods[j].period == period)
			walk->periods[j].seen++;
	}
}

/* Tells that a transaction's root is wrong, though its entries look right. */
static void
transaction_fault(EntryWalk *walk)
{
	Fault		fault = {"MODIFIED_ENTRY"};

	walk->is_faulty = true;
	fault.block_id = walk->block_id;
	fault.xid = walk->xid;
	fault.ord = walk->nentries == 1 ? walk->last_ord : 0;
	fault.detail = psprintf("an entry and its hash were altered together; the transaction has " INT64_FORMAT " entries",
							walk->nentries);
	fault_defer(walk, &fault, false);
	crm_doubt_entries(walk->run, walk->xid, 1, PG_INT32_MAX);
}

/* What was seen of the transaction in a month; NULL if nothing was. */
static const SeenPeriod *
seen_find(const EntryWalk *walk, DateADT period)
{
	for (int i = 0; i < walk->nseen; i++)
	{
		if (walk->seen[i].period == period)
			return &walk->seen[i];
	}
	return NULL;
}

/* Whether what was seen of a transaction in a month has the stored root. */
static bool
period_is_right(const EntryWalk *walk, const StoredPeriod *stored)
{
	const SeenPeriod *seen = seen_find(walk, stored->period);

	return seen && memcmp(seen->root, stored->root, CRM_HASH_BYTES) == 0;
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

/*
 * Takes the present row of ledger_transaction, and goes on.  Returns whether
 * it can be believed, as one of a month that the block does not have cannot.
 */
static bool
stored_take(EntryWalk *walk, StoredPeriod *stored)
{
	RowCursor  *cursor = &walk->run->transactions;
	int			i;

	stored->period = DatumGetDateADT(crm_cursor_get(cursor, 2, NULL));
	stored->entries = DatumGetInt32(crm_cursor_get(cursor, 4, NULL));
	crm_cursor_hash(cursor, 5, stored->root);
	crm_cursor_next(cursor);
	i = period_find(walk, stored->period);
	if (i < 0)
	{
		walk->stored_is_wrong |= walk->periods_are_right;
		return !walk->periods_are_right;
	}
	crm_merkle_add(&walk->roots[i], stored->root);
	walk->stored[i] += stored->entries;
	return true;
}

/* Passes transactions that should be there before an id, and are not. */
static void
stored_pass_missing(EntryWalk *walk, uint64 xid)
{
	while (stored_is_here(walk) && stored_xid(walk) < xid)
	{
		uint64		missing = stored_xid(walk);
		StoredPeriod stored;

		if (stored_take(walk, &stored))
			missing_add(walk, missing, 1, stored.entries, true, stored.period);
	}
}

/* Computes the transaction's roots as they are. */
static void
seen_conclude(EntryWalk *walk)
{
	for (int i = 0; i < walk->nseen; i++)
	{
		SeenPeriod *seen = &walk->seen[i];
		int			period = period_find(walk, seen->period);

		crm_merkle_root(&seen->leaves, seen->root);
		if (period >= 0)
			crm_merkle_add(&walk->seen_roots[period], seen->root);
	}
}

/*
 * Looks once more at faults of numbers.  If there are as many entries as there
 * should be, none is missing or too many, but some have another number.  If
 * the roots are right and the numbers of entries are not, it is those that
 * were altered.
 */
static void
numbers_reconsider(EntryWalk *walk)
{
	List	   *deferred = walk->deferred;
	bool		counts_are_right = walk->nstored == walk->nseen;
	bool		roots_are_right = walk->nstored == walk->nseen;
	MemoryContext old;

	for (int i = 0; i < walk->nstored; i++)
	{
		const StoredPeriod *stored = &walk->stored_periods[i];
		const SeenPeriod *seen = seen_find(walk, stored->period);

		counts_are_right &= seen && seen->leaves.count == stored->entries;
		roots_are_right &= period_is_right(walk, stored);
	}
	if (!counts_are_right && !roots_are_right)
		return;
	if (list_length(walk->run->missing) > walk->first_missing)
		crm_doubt_entries(walk->run, walk->xid, 1, PG_INT32_MAX);
	walk->run->missing = list_truncate(walk->run->missing,
									   walk->first_missing);
	walk->stored_is_wrong |= !counts_are_right;
	old = MemoryContextSwitchTo(walk->block_memory);
	walk->deferred = list_truncate(list_copy(deferred), walk->first_deferred);
	for (int i = walk->first_deferred; i < list_length(deferred); i++)
	{
		DeferredFault *item = list_nth(deferred, i);

		if (item->is_in_tree && !counts_are_right)
			continue;
		if (item->is_in_tree)
		{
			item->fault.status = "MODIFIED_ENTRY";
			item->fault.detail = "its number was altered";
		}
		walk->deferred = lappend(walk->deferred, item);
	}
	MemoryContextSwitchTo(old);
}

/* Ends the transaction at hand. */
static void
transaction_end(EntryWalk *walk)
{
	List	  **missing = &walk->run->missing;

	if (walk->xid == 0 || walk->block_id == 0)
		return;
	seen_conclude(walk);
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
	if (list_length(*missing) > walk->first_missing ||
		list_length(walk->deferred) > walk->first_deferred)
		numbers_reconsider(walk);
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
	walk->first_deferred = list_length(walk->deferred);
	walk->first_missing = list_length(walk->run->missing);
	while (stored_is_here(walk) && stored_xid(walk) == xid)
	{
		StoredPeriod stored;

		walk->expected = Max(walk->expected, 0);
		if (!stored_take(walk, &stored))
			continue;
		walk->expected += Max(stored.entries, 0);
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
	int			period = period_find(walk, crm_verify_period(entry->at));

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
	bool		is_told;

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
	problem = crm_entry_problem(walk, scan, entry, &is_told);
	if (problem && is_told)
		entry_suspect(walk, entry);
	else if (problem)
		entry_fault(walk, entry, "MODIFIED_ENTRY", problem, false);
	else
		crm_pruning_note(walk->run, entry);
	seen_add(walk, entry);
	if (walk->block_id != 0)
		crm_keys_expect(&walk->run->keys, entry, walk->block_id);
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

		/* nor if they only seem to be of another month */
		if (!walk->periods_are_right || period->is_pruned ||
			period->entries <= walk->nstray || period->seen > 0)
			continue;
		fault.block_id = walk->block_id;
		fault.detail = psprintf("all " INT64_FORMAT " entries of %s are missing",
								period->entries,
								crm_month_words(period->period));
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
							(walk->periods_are_right &&
							 walk->periods[period].seen == 0)))
			continue;
		fault.block_id = walk->block_id;
		fault.xid = missing->xid;
		fault.ord = missing->first;
		if (missing->last != missing->first)
			fault.detail = psprintf("%d entries are missing",
									missing->last - missing->first + 1);
		fault_defer(walk, &fault, false);
	}
}

/*
 * Whether trees over transactions have the roots of the block's months, but
 * for those that are gone with their transactions.
 */
static bool
roots_are_right(const EntryWalk *walk, const MerkleStack *roots)
{
	for (int i = 0; i < walk->nperiods; i++)
	{
		const VerifiedPeriod *period = &walk->periods[i];
		uint8		root[CRM_HASH_BYTES];

		if (period->is_pruned ||
			(period->seen == 0 && walk->roots[i].count == 0))
			continue;
		crm_merkle_root(&roots[i], root);
		if (roots[i].count != period->transactions ||
			memcmp(root, period->root, CRM_HASH_BYTES) != 0)
			return false;
	}
	return true;
}

/* Ends a block; what is wrong with ledger_transaction, or NULL. */
static const char *
walk_conclude(EntryWalk *walk)
{
	bool		stored_right = !walk->stored_is_wrong &&
	roots_are_right(walk, walk->roots);
	ListCell   *cell;

	for (int i = 0; i < walk->nperiods; i++)
		stored_right &= walk->periods[i].is_pruned ||
			walk->roots[i].count == 0 ||
			walk->stored[i] == walk->periods[i].entries;
	/* the entries are all there, and it is the list of transactions that lies */
	if (!stored_right && roots_are_right(walk, walk->seen_roots))
		return "its transactions are not those that make its months";
	foreach(cell, walk->deferred)
		crm_fault_add(walk->run->faults,
					  &((DeferredFault *) lfirst(cell))->fault);
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
						 VerifiedPeriod *periods, int nperiods,
						 bool periods_are_right)
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
	walk->periods_are_right = periods_are_right;
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
