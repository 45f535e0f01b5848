/*-------------------------------------------------------------------------
 *
 * verify_live.c
 *		The tables against what the ledger says of them.
 *
 * First the entries S and T are looked for, which tell from where on entries
 * count and under what names.  The first stage then adds up, for each table
 * and some thousands of groups of its rows, the hashes of all new values less
 * those of all old ones, and subtracts the rows that are there.  Nobody who
 * does not know the seed can make a wrong row disappear in such a sum, and the
 * order of entries does not matter.  Where it is not zero, or where it says
 * nothing, since values changed without an entry, the second stage folds the
 * entries of each row (verify_fold.c).
 *
 * Memory: half of work_mem for the sums, and work_mem for the sort.
 *
 * Locking: AccessShareLock on the ledger's partitions and on the tables, to
 * the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/ledger_store.h"
#include "ledger/verify_live.h"

PG_FUNCTION_INFO_V1(crmaudit_verify_live);

/* Groups of rows in the first stage, for each table: powers of two. */
#define MIN_BUCKETS		64
#define MAX_BUCKETS		65536

/* Rows that a filter of keys is made for. */
#define FILTER_ROWS		1000000

/* What a pass over the ledger does with an entry. */
typedef void (*EntryVisitor) (LiveRun *run, LiveTable *table,
							  TupleTableSlot *slot, void *arg);

/* What a pass over a table does with a row. */
typedef void (*RowVisitor) (LiveRun *run, LiveTable *table,
							TrackedTable *tracked, TupleTableSlot *slot,
							void *arg);

/* Scratch of the passes. */
typedef struct PassState
{
	uint64	   *new;
	uint64	   *old;
	LiveSort   *sort;
} PassState;

static LedgerPosition
slot_position(TupleTableSlot *slot)
{
	LedgerPosition position;

	position.at = DatumGetTimestampTz(slot->tts_values[ENTRY_AT]);
	position.xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot->tts_values[ENTRY_XID]));
	position.ord = DatumGetInt32(slot->tts_values[ENTRY_ORD]);
	return position;
}

static Jsonb *
slot_jsonb(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? NULL :
		DatumGetJsonbP(slot->tts_values[column]);
}

/* Reads the rest of an entry, in the row's memory context. */
static void
entry_read(TupleTableSlot *slot, LiveEntry *entry)
{
	slot_getsomeattrs(slot, ENTRY_COMMITMENTS + 1);
	entry->position = slot_position(slot);
	entry->incarnation = DatumGetInt64(slot->tts_values[ENTRY_INCARNATION]);
	entry->table_id = DatumGetInt32(slot->tts_values[ENTRY_TABLE_ID]);
	entry->op = DatumGetChar(slot->tts_values[ENTRY_OP]);
	entry->row_key = slot_jsonb(slot, ENTRY_ROW_KEY);
	entry->old = slot_jsonb(slot, ENTRY_OLD);
	entry->new = slot_jsonb(slot, ENTRY_NEW);
	entry->commitments = slot_jsonb(slot, ENTRY_COMMITMENTS);
}

/* Whether an entry says something of a table that is judged. */
static LiveTable *
entry_table(LiveRun *run, TupleTableSlot *slot)
{
	LiveTable  *table;

	slot_getsomeattrs(slot, ENTRY_OP + 1);
	table = crm_live_table_find(run, DatumGetInt32(slot->tts_values[ENTRY_TABLE_ID]));
	if (table == NULL || !table->is_readable)
		return NULL;
	/* what came with a dump belongs to rows of another database */
	if (table->is_builtin &&
		crm_incarnation_domain(DatumGetInt64(slot->tts_values[ENTRY_INCARNATION])) != run->domain)
		return NULL;
	return table;
}

/* Shows all entries of the tables to a visitor, in no order. */
static void
ledger_pass(LiveRun *run, EntryVisitor visit, void *arg)
{
	Oid			root = crm_relation_oid("ledger_entry");
	ListCell   *cell;

	LockRelationOid(root, AccessShareLock);
	foreach(cell, find_all_inheritors(root, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(cell), NoLock);
		TupleTableSlot *slot;
		TableScanDesc scan;

		if (rel->rd_rel->relkind != RELKIND_RELATION)
		{
			table_close(rel, NoLock);
			continue;
		}
		crm_ledger_check_entry_layout(rel);
		slot = table_slot_create(rel, NULL);
		scan = table_beginscan(rel, run->snapshot, 0, NULL);
		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			LiveTable  *table = entry_table(run, slot);
			MemoryContext old;

			CHECK_FOR_INTERRUPTS();
			if (table == NULL)
				continue;
			MemoryContextReset(run->row_memory);
			old = MemoryContextSwitchTo(run->row_memory);
			visit(run, table, slot, arg);
			MemoryContextSwitchTo(old);
		}
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		table_close(rel, NoLock);
	}
}

/* Shows all rows of a table to a visitor. */
static void
table_pass(LiveRun *run, LiveTable *table, RowVisitor visit, void *arg)
{
	ListCell   *cell;
	ListCell   *image;

	forboth(cell, table->relations, image, table->images)
	{
		Relation	rel = relation_open(lfirst_oid(cell), NoLock);
		TrackedTable *tracked = lfirst(image);
		TupleTableSlot *slot = table_slot_create(rel, NULL);
		TableScanDesc scan = table_beginscan(rel, run->snapshot, 0, NULL);

		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			MemoryContext old;

			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(run->row_memory);
			old = MemoryContextSwitchTo(run->row_memory);
			slot_getsomeattrs(slot, tracked->max_attnum);
			visit(run, table, tracked, slot, arg);
			MemoryContextSwitchTo(old);
		}
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		relation_close(rel, NoLock);
	}
}

/* Looks for what tells how other entries are to be read. */
static void
visit_schema(LiveRun *run, LiveTable *table, TupleTableSlot *slot, void *arg)
{
	LiveEntry	entry;
	char		op = DatumGetChar(slot->tts_values[ENTRY_OP]);

	table->entries++;
	if (op != CRM_OP_SCHEMA && op != CRM_OP_TRUNCATE)
		return;
	entry_read(slot, &entry);
	crm_live_schema_entry(run, table, &entry);
}

/* Whether an entry speaks of a row, and still counts. */
static bool
counts(const LiveTable *table, const LedgerPosition *position, char op)
{
	return op != CRM_OP_SCHEMA && op != CRM_OP_TRUNCATE &&
		position_compare(position, &table->start) > 0;
}

/* Whether the key is of something that a restore makes anew. */
static bool
key_has_oid(const LiveTable *table)
{
	const RowKey *key = &table->tracked->key;

	for (int i = 0; i < key->ncolumns; i++)
	{
		if (key->columns[i].typid == REGCLASSOID)
			return true;
	}
	return false;
}

/*
 * The identity of an entry's row.  A key of other columns than now names a row
 * of which nothing is known.
 */
static bool
entry_identity(LiveRun *run, LiveTable *table, NameMap *names,
			   const LiveEntry *entry, RowIdentity *identity)
{
	if (entry->row_key != NULL &&
		!(is_foreign(run, entry) && key_has_oid(table)) &&
		crm_live_identity(run, table, names, entry->row_key, identity))
		return true;
	table->known_since = Max(table->known_since, entry->position.at);
	return false;
}

/* Adds a row to the sum of its group. */
static void
sum_add(LiveRun *run, LiveTable *table, const RowIdentity *identity,
		const uint64 *hashes, uint64 sign)
{
	uint64	   *sum = &table->sums[identity->first & (run->nbuckets - 1)];
	uint64		added = hash_mix(identity->second);

	for (int i = 0; i < table->ncolumns; i++)
	{
		if (hashes[i] != VALUE_ABSENT)
			added += hash_mix(hashes[i] + identity->second);
	}
	*sum += sign * added;
}

/* Adds the values that changed, without the row itself. */
static void
sum_change(LiveRun *run, LiveTable *table, const RowIdentity *identity,
		   const uint64 *new, const uint64 *old)
{
	uint64	   *sum = &table->sums[identity->first & (run->nbuckets - 1)];

	for (int i = 0; i < table->ncolumns; i++)
	{
		if (new[i] != VALUE_ABSENT)
			*sum += hash_mix(new[i] + identity->second);
		if (old[i] != VALUE_ABSENT)
			*sum -= hash_mix(old[i] + identity->second);
	}
}

/*
 * Sums of a table say nothing if a baseline repeats what is known: one that
 * came after changes, or a second one.
 */
static void
watch_baselines(LiveTable *table, const LiveEntry *entry)
{
	if (entry->op == CRM_OP_BASELINE)
	{
		if (table->baseline_xid != 0 &&
			table->baseline_xid != entry->position.xid)
			table->is_whole = true;
		table->baseline_xid = entry->position.xid;
		table->last_baseline = Max(table->last_baseline, entry->position.at);
	}
	else
		table->first_change = Min(table->first_change, entry->position.at);
	if (table->first_change <= table->last_baseline)
		table->is_whole = true;
}

/* First stage: an entry. */
static void
visit_entry_sum(LiveRun *run, LiveTable *table, TupleTableSlot *slot,
				void *arg)
{
	PassState  *state = arg;
	LedgerPosition position = slot_position(slot);
	LiveEntry	entry;
	RowIdentity identity;
	NameMap    *names;

	if (table->is_whole ||
		!counts(table, &position, DatumGetChar(slot->tts_values[ENTRY_OP])))
		return;
	entry_read(slot, &entry);
	watch_baselines(table, &entry);
	names = crm_live_names(table, &position);
	if (entry.commitments != NULL ||
		(table->has_oids && is_foreign(run, &entry)) ||
		!entry_identity(run, table, names, &entry, &identity))
		table->is_whole = true;
	if (table->is_whole)
		return;
	if (entry.op == CRM_OP_UPDATE)
	{
		crm_live_image(run, table, names, entry.new, state->new);
		crm_live_image(run, table, names, entry.old, state->old);
		sum_change(run, table, &identity, state->new, state->old);
		return;
	}
	crm_live_image(run, table, names,
				   entry.op == CRM_OP_DELETE ? entry.old : entry.new,
				   state->new);
	sum_add(run, table, &identity, state->new,
			entry.op == CRM_OP_DELETE ? -1 : 1);
}

/* The identity of a row that is there. */
static Jsonb *
row_identity(LiveRun *run, LiveTable *table, TrackedTable *tracked,
			 TupleTableSlot *slot, RowIdentity *identity)
{
	Jsonb	   *key = crm_row_key(&tracked->key, slot);

	if (!crm_live_identity(run, table, crm_live_names(table, NULL), key,
						   identity))
		elog(ERROR, "key of a row of relation \"%s\" has another form than tracking says",
			 get_rel_name(table->target));
	return key;
}

/* First stage: a row that is there. */
static void
visit_row_sum(LiveRun *run, LiveTable *table, TrackedTable *tracked,
			  TupleTableSlot *slot, void *arg)
{
	PassState  *state = arg;
	RowIdentity identity;

	row_identity(run, table, tracked, slot, &identity);
	crm_live_row(run, table, tracked, slot, state->new);
	sum_add(run, table, &identity, state->new, -1);
}

/* Whether a row goes into the second stage. */
static bool
is_sorted(LiveRun *run, const LiveTable *table, const RowIdentity *identity)
{
	return table->is_sorted &&
		(table->is_whole ||
		 table->sums[identity->first & (run->nbuckets - 1)] != 0);
}

/* Second stage: an entry. */
static void
visit_entry_sort(LiveRun *run, LiveTable *table, TupleTableSlot *slot,
				 void *arg)
{
	PassState  *state = arg;
	LedgerPosition position = slot_position(slot);
	LiveEntry	entry;
	RowIdentity identity;
	NameMap    *names;

	if (!table->is_sorted ||
		!counts(table, &position, DatumGetChar(slot->tts_values[ENTRY_OP])))
		return;
	entry_read(slot, &entry);
	names = crm_live_names(table, &position);
	if (!entry_identity(run, table, names, &entry, &identity) ||
		!is_sorted(run, table, &identity))
		return;
	if (table->keys)
		bloom_add_element(table->keys, (unsigned char *) &identity,
						  sizeof(identity));
	crm_live_sort_entry(state->sort, table, &entry, &identity, names);
}

/* Second stage: a row that is there. */
static void
visit_row_sort(LiveRun *run, LiveTable *table, TrackedTable *tracked,
			   TupleTableSlot *slot, void *arg)
{
	PassState  *state = arg;
	RowIdentity identity;
	Jsonb	   *key = row_identity(run, table, tracked, slot, &identity);

	if (!is_sorted(run, table, &identity))
		return;
	if (table->keys && bloom_lacks_element(table->keys,
										   (unsigned char *) &identity,
										   sizeof(identity)))
		return;
	crm_live_row(run, table, tracked, slot, state->new);
	crm_live_sort_row(state->sort, table, &identity, key, state->new);
}

/* As many groups as half of work_mem has room for. */
static int
bucket_count(const LiveRun *run)
{
	Size		room = work_mem * (Size) 512 / sizeof(uint64) /
	Max(run->ntables, 1);

	return Min(Max(pg_prevpower2_32((uint32) Min(room, MAX_BUCKETS)),
				   MIN_BUCKETS), MAX_BUCKETS);
}

static void
first_stage(LiveRun *run, PassState *state)
{
	ledger_pass(run, visit_schema, NULL);
	for (int i = 0; i < run->ntables; i++)
	{
		LiveTable  *table = &run->tables[i];

		if (!table->is_readable)
			continue;
		crm_live_history(table);
		/* only some rows are known, or some values are not */
		table->is_whole = !table->has_baseline || table->nunknown > 0 ||
			table->lacks_rows;
		table->sums = palloc0(run->nbuckets * sizeof(uint64));
	}
	ledger_pass(run, visit_entry_sum, state);
	for (int i = 0; i < run->ntables; i++)
	{
		LiveTable  *table = &run->tables[i];

		if (!table->is_readable)
			continue;
		if (!table->is_whole)
			table_pass(run, table, visit_row_sum, state);
		table->is_sorted = table->is_whole;
		for (int j = 0; j < run->nbuckets && !table->is_whole; j++)
			table->is_sorted |= table->sums[j] != 0;
	}
}

static void
second_stage(LiveRun *run, PassState *state)
{
	bool		any = false;

	for (int i = 0; i < run->ntables; i++)
	{
		LiveTable  *table = &run->tables[i];

		/* of rows that no entry knows there is nothing to say */
		if (!table->has_baseline)
			table->is_sorted &= table->entries > 0;
		if (!table->has_baseline && table->is_sorted)
			table->keys = bloom_create(Min(table->entries, FILTER_ROWS),
									   Max(work_mem / run->ntables, 1024),
									   run->seed);
		any |= table->is_sorted;
	}
	if (!any)
		return;
	state->sort = crm_live_sort_begin(run);
	ledger_pass(run, visit_entry_sort, state);
	for (int i = 0; i < run->ntables; i++)
	{
		LiveTable  *table = &run->tables[i];

		table->has_baseline &= table->baselined_at > table->known_since;
		if (table->is_sorted)
			table_pass(run, table, visit_row_sort, state);
	}
	crm_live_sort_judge(state->sort);
}

/*
 * Reports rows of tracked tables that are not as the ledger says, "only_target"
 * alone if it is valid.  Rows in "suspects" (NULL: none) are not judged.
 */
void
crm_verify_live(Faults *faults, Snapshot snapshot,
				const SuspectKeys *suspects, Oid only_target)
{
	LiveRun		run;
	PassState	state;
	int			widest = 1;
	MemoryContext old;

	memset(&run, 0, sizeof(run));
	memset(&state, 0, sizeof(state));
	run.memory = AllocSetContextCreate(CurrentMemoryContext,
									   "crmaudit tables against ledger",
									   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(run.memory);
	run.row_memory = AllocSetContextCreate(run.memory, "crmaudit compared row",
										   ALLOCSET_DEFAULT_SIZES);
	run.snapshot = RegisterSnapshot(snapshot);
	run.faults = faults;
	run.suspects = suspects;
	run.domain = crm_incarnation_domain(crm_ledger_incarnation());
	if (!pg_strong_random(&run.seed, sizeof(run.seed)))
		elog(ERROR, "could not generate random values");
	crm_live_tables_load(&run, only_target);
	run.nbuckets = bucket_count(&run);
	for (int i = 0; i < run.ntables; i++)
		widest = Max(widest, run.tables[i].ncolumns);
	state.new = palloc(widest * sizeof(uint64));
	state.old = palloc(widest * sizeof(uint64));
	first_stage(&run, &state);
	second_stage(&run, &state);
	UnregisterSnapshot(run.snapshot);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(run.memory);
}

/*
 * crmaudit.verify_live(target regclass DEFAULT NULL) returns rows as
 * verify_ledger() does.  The tables are compared as they are now, with this
 * session's own entries.
 */
Datum
crmaudit_verify_live(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			target = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	Snapshot	snapshot;
	Faults		faults;

	if (!PG_ARGISNULL(0) &&
		(!OidIsValid(target) || crm_tracked_target_of(target) != target))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" is not tracked",
						DatumGetCString(DirectFunctionCall1(regclassout,
															ObjectIdGetDatum(target)))),
				 errhint("Partitions are compared with the table that is tracked.")));
	InitMaterializedSRF(fcinfo, 0);
	faults.store = rsinfo->setResult;
	faults.desc = rsinfo->setDesc;
	faults.count = 0;
	crm_ledger_flush();
	CommandCounterIncrement();
	crm_verify_live_lock(target);
	snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() ?
								GetTransactionSnapshot() : GetLatestSnapshot());
	crm_verify_live(&faults, snapshot, NULL, target);
	UnregisterSnapshot(snapshot);
	return (Datum) 0;
}
