/*-------------------------------------------------------------------------
 *
 * sweep_set.c
 *		Kinds that look at other rows: after the scan, who breaks them.
 *
 * Groups.  For each row the scan left one number: a hash of its value above,
 * the row's number below.  Sorted, rows of one value lie together, and most
 * rows alone.  Only those that do not are read again, and their values
 * compared.  A number is eight bytes, so that ten million rows sort in
 * seconds, and within work_mem (tuplesort spills).
 *
 * Queries run as SQL under the sweep's snapshot.
 *
 * Violations of both are sorted by row, so that each row is read once: its
 * score with all of them is computed exactly, whatever shares a cell.
 *
 * Rights: all is evaluated with those of the table's owner, who defined it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "findings/group_key.h"
#include "json_object.h"
#include "rules/rules_private.h"
#include "sweep/sweep.h"

/* Rows of a query that are fetched at a time. */
#define QUERY_BATCH	1000

/* Columns of a violation on its way to its row. */
enum
{
	VIOLATION_LOCATION,
	VIOLATION_RULE,
	VIOLATION_STATE,
	VIOLATION_REASON,
	VIOLATION_GROUP_KEY,
	VIOLATION_COLUMN_NAME,
	VIOLATION_ROW_KEY,			/* where no row of the table has it */
	VIOLATION_COLUMNS
};

/* Place of violations that no row of the table has: they come last. */
#define NO_LOCATION		PG_INT64_MAX

/* What is done after the scan. */
typedef struct SetFinish
{
	SweepTable *sweep;
	Tuplesortstate *violations; /* by row */
	TupleDesc	desc;
	TupleTableSlot *slot;
	TupleTableSlot *put_slot;
	bool		any;
	MemoryContext context;		/* reset for each group, or batch */
} SetFinish;

/* A row of a group. */
typedef struct GroupMember
{
	int64		location;
	uint64		value_hash;		/* a second hash: tells values apart */
	uint64		customer_hash;
} GroupMember;

/* Prepares to collect the values of group rules, where they are sorted. */
void
crm_sweep_groups_begin(SweepTable *sweep)
{
	int			ngroups = 0;

	sweep->groups = palloc0((sweep->nrules + 1) * sizeof(SweepGroup));
	for (int i = 0; i < sweep->nrules; i++)
	{
		const Rule *rule = sweep->rules[i].rule;

		if (!sweep->rules[i].selected || rule->set == NULL ||
			rule->set->value == NULL)
			continue;
		sweep->groups[ngroups].rule = i;
		sweep->rules[i].group = ngroups++;
	}
	sweep->ngroups = ngroups;
	for (int i = 0; i < ngroups && !sweep->in_worker; i++)
		sweep->groups[i].sort =
			tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false,
								  Max(work_mem / ngroups, 64), NULL,
								  TUPLESORT_NONE);
}

/* Adds a value, here or on its way to the leader. */
void
crm_sweep_group_put(SweepTable *sweep, SweepGroup *group, int64 item)
{
	if (group->sort)
	{
		tuplesort_putdatum(group->sort, Int64GetDatum(item), false);
		return;
	}
	if (group->buffer == NULL)
		group->buffer = MemoryContextAlloc(sweep->context,
										   CRM_GROUP_BUFFER * sizeof(int64));
	group->buffer[group->nbuffered++] = item;
	if (group->nbuffered == CRM_GROUP_BUFFER)
		sweep->emit_group(sweep, group);
}

/* Begins to sort violations by row. */
static void
violations_begin(SetFinish *finish)
{
	static AttrNumber keys[] = {VIOLATION_LOCATION + 1, VIOLATION_RULE + 1};
	static Oid	operators[] = {Int8LessOperator, Int4LessOperator};
	static Oid	collations[] = {InvalidOid, InvalidOid};
	static bool nulls_first[] = {false, false};
	TupleDesc	desc = CreateTemplateTupleDesc(VIOLATION_COLUMNS);

	TupleDescInitEntry(desc, VIOLATION_LOCATION + 1, "location", INT8OID, -1, 0);
	TupleDescInitEntry(desc, VIOLATION_RULE + 1, "rule", INT4OID, -1, 0);
	TupleDescInitEntry(desc, VIOLATION_STATE + 1, "state", INT4OID, -1, 0);
	TupleDescInitEntry(desc, VIOLATION_REASON + 1, "reason", INT4OID, -1, 0);
	TupleDescInitEntry(desc, VIOLATION_GROUP_KEY + 1, "group_key", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, VIOLATION_COLUMN_NAME + 1, "column_name", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, VIOLATION_ROW_KEY + 1, "row_key", JSONBOID, -1, 0);
	finish->desc = desc;
	finish->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	finish->put_slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	finish->violations = tuplesort_begin_heap(desc, lengthof(keys), keys,
											  operators, collations,
											  nulls_first, work_mem, NULL,
											  TUPLESORT_NONE);
}

/* Adds a violation of a row, or of none (NO_LOCATION, and its key). */
static void
violation_put(SetFinish *finish, int64 location, int rule, RuleOutcome outcome,
			  const char *group_key, const char *column_name,
			  const Jsonb *row_key)
{
	TupleTableSlot *slot = finish->put_slot;
	ResourceOwner resowner = CurrentResourceOwner;
	MemoryContext old = MemoryContextSwitchTo(finish->sweep->row_context);

	/* what is sorted must not go with the subtransaction of a query */
	CurrentResourceOwner = finish->sweep->resowner;
	ExecClearTuple(slot);
	slot->tts_values[VIOLATION_LOCATION] = Int64GetDatum(location);
	slot->tts_values[VIOLATION_RULE] = Int32GetDatum(rule);
	slot->tts_values[VIOLATION_STATE] = Int32GetDatum(outcome.state);
	slot->tts_values[VIOLATION_REASON] = Int32GetDatum(outcome.reason);
	memset(slot->tts_isnull, 0, VIOLATION_COLUMNS * sizeof(bool));
	slot->tts_isnull[VIOLATION_GROUP_KEY] = group_key == NULL;
	if (group_key)
		slot->tts_values[VIOLATION_GROUP_KEY] = CStringGetTextDatum(group_key);
	slot->tts_isnull[VIOLATION_COLUMN_NAME] = column_name == NULL;
	if (column_name)
		slot->tts_values[VIOLATION_COLUMN_NAME] = CStringGetTextDatum(column_name);
	slot->tts_isnull[VIOLATION_ROW_KEY] = row_key == NULL;
	if (row_key)
		slot->tts_values[VIOLATION_ROW_KEY] = JsonbPGetDatum(row_key);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(finish->violations, slot);
	CurrentResourceOwner = resowner;
	MemoryContextSwitchTo(old);
	MemoryContextReset(finish->sweep->row_context);
	finish->any = true;
}

/* A violation that no row of the table has: by the table, or by a key. */
static void
emit_without_row(SetFinish *finish, int rule, RuleOutcome outcome,
				 const Jsonb *row_key, const char *column_name)
{
	SweepTable *sweep = finish->sweep;
	SweepFinding finding = {rule, outcome};

	finding.row_key = row_key;
	finding.column_name = column_name;
	sweep->emit(sweep, &finding);
	sweep->totals.findings++;
	sweep->rules[rule].failures++;
}

/* The row's rule of that id. */
static const Rule *
leaf_rule(const SweepLeaf *leaf, const Rule *rule)
{
	for (int i = 0; i < leaf->ruleset->nall; i++)
	{
		if (leaf->ruleset->rules[i].id == rule->id)
			return &leaf->ruleset->rules[i];
	}
	return NULL;
}

static uint64
bytes_hash(const char *data, int length)
{
	return hash_bytes_extended((const unsigned char *) data, length,
							   UINT64CONST(0x9E3779B97F4A7C15));
}

/* Reads a row of a group anew; false if it has no value. */
static bool
member_read(SetFinish *finish, int rule, int64 location, GroupMember *member,
			char **group_key)
{
	SweepTable *sweep = finish->sweep;
	SweepLeaf  *leaf;
	const Rule *own;
	RuleRow		row;
	const char *data;
	int			length;

	MemoryContext old;
	bool		has_value;

	if (!crm_sweep_fetch(sweep, location, &leaf))
		return false;
	old = MemoryContextSwitchTo(sweep->row_context);
	MemoryContextReset(sweep->row_context);
	own = leaf_rule(leaf, sweep->rules[rule].rule);
	slot_getsomeattrs(leaf->slot, leaf->ruleset->max_attnum);
	row.slot = leaf->slot;
	row.old = NULL;
	row.ruleset = leaf->ruleset;
	has_value = own != NULL && own->set->value(own, &row, &data, &length);
	if (!has_value)
	{
		MemoryContextSwitchTo(old);
		return false;
	}
	member->location = location;
	member->value_hash = bytes_hash(data, length);
	if (group_key)
	{
		MemoryContextSwitchTo(old);
		*group_key = crm_group_key(own->group_type, data, length);
		MemoryContextSwitchTo(sweep->row_context);
	}
	member->customer_hash = own->set->customer &&
		own->set->customer(own, &row, &data, &length) ?
		bytes_hash(data, length) : hash_bytes_uint32_extended((uint32) location, location >> 32);
	MemoryContextSwitchTo(old);
	return true;
}

static int
member_order(const void *a, const void *b)
{
	const GroupMember *first = a;
	const GroupMember *second = b;

	if (first->value_hash != second->value_hash)
		return first->value_hash < second->value_hash ? -1 : 1;
	if (first->customer_hash != second->customer_hash)
		return first->customer_hash < second->customer_hash ? -1 : 1;
	return first->location < second->location ? -1 : first->location > second->location;
}

/* Has all rows of one value violate, if there are too many customers among them. */
static void
value_judge(SetFinish *finish, int rule, const GroupMember *members, int count)
{
	const Rule *own = finish->sweep->rules[rule].rule;
	RuleOutcome outcome = {RULE_FAILED, own->set->group_reason};
	int			customers = 1;
	char	   *group_key = NULL;
	GroupMember first;

	for (int i = 1; i < count; i++)
		customers += members[i].customer_hash != members[i - 1].customer_hash;
	if (customers <= own->set->limit(own) ||
		!member_read(finish, rule, members[0].location, &first, &group_key))
		return;
	for (int i = 0; i < count; i++)
		violation_put(finish, members[i].location, rule, outcome, group_key,
					  NULL, NULL);
}

/* Judges rows whose values have the same hash, most likely the same value. */
static void
group_judge(SetFinish *finish, int rule, const int64 *locations, int count)
{
	MemoryContext old = MemoryContextSwitchTo(finish->context);
	GroupMember *members = MemoryContextAllocHuge(finish->context,
												  count * sizeof(GroupMember));
	int			nmembers = 0;
	int			begin = 0;

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		nmembers += member_read(finish, rule, locations[i], &members[nmembers],
								NULL);
	}
	qsort(members, nmembers, sizeof(GroupMember), member_order);
	for (int i = 1; i <= nmembers; i++)
	{
		if (i < nmembers && members[i].value_hash == members[begin].value_hash)
			continue;
		if (i - begin > 1)
			value_judge(finish, rule, members + begin, i - begin);
		begin = i;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(finish->context);
}

/* Sorts a rule's values, and judges those that stand in several rows. */
static void
group_finish(SetFinish *finish, SweepGroup *group)
{
	int			bits = finish->sweep->location_bits;
	int64		mask = (INT64CONST(1) << bits) - 1;
	int			size = 1024;
	int64	   *locations = palloc(size * sizeof(int64));
	int			count = 0;
	uint64		hash = 0;
	Datum		datum;
	bool		isnull;

	tuplesort_performsort(group->sort);
	while (crm_tuplesort_getdatum(group->sort, &datum, &isnull))
	{
		uint64		item = (uint64) DatumGetInt64(datum);

		if (count > 0 && item >> bits != hash)
		{
			if (count > 1)
				group_judge(finish, group->rule, locations, count);
			count = 0;
		}
		if (count == size)
		{
			size *= 2;
			locations = repalloc_huge(locations, size * sizeof(int64));
		}
		hash = item >> bits;
		locations[count++] = (int64) (item & mask);
	}
	if (count > 1)
		group_judge(finish, group->rule, locations, count);
	tuplesort_end(group->sort);
	group->sort = NULL;
	pfree(locations);
}

/* A column of a query's row, as text; NULL if it is NULL or not there. */
static char *
query_text(HeapTuple tuple, TupleDesc desc, const char *name)
{
	int			column = SPI_fnumber(desc, name);

	return column > 0 ? SPI_getvalue(tuple, desc, column) : NULL;
}

/* The outcome that a query states, in words. */
static RuleOutcome
query_outcome(const Rule *rule, HeapTuple tuple, TupleDesc desc)
{
	char	   *verdict = query_text(tuple, desc, "verdict");
	char	   *reason = query_text(tuple, desc, "reason");
	RuleOutcome outcome = {RULE_FAILED, CRM_REASON_NONE};

	if (verdict && strcmp(verdict, "suspect") == 0)
		outcome.state = RULE_SUSPECT;
	if (reason)
		outcome.reason = crm_reason_find(reason);
	if (outcome.reason == CRM_REASON_NONE)
		elog(ERROR, "rule \"%s\" gave unknown reason \"%s\"", rule->name,
			 reason ? reason : "");
	return outcome;
}

/* Enters a row that a query gave. */
static void
query_row(SetFinish *finish, int index, HeapTuple tuple, TupleDesc desc)
{
	SweepTable *sweep = finish->sweep;
	const Rule *rule = sweep->rules[index].rule;
	RuleOutcome outcome = query_outcome(rule, tuple, desc);
	char	   *group_value = query_text(tuple, desc, "group_value");
	char	   *column_name = query_text(tuple, desc, "column_name");
	char	   *row_key = query_text(tuple, desc, "row_key");
	bool		isnull;
	Datum		relid = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "tableoid"), &isnull);
	Datum		tid;

	if (isnull)
	{
		Jsonb	   *key = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
															 CStringGetDatum(row_key ? row_key : "{}")));

		if (row_key)
			key = crm_row_key_hide(&sweep->ruleset->key, key);
		violation_put(finish, NO_LOCATION, index, outcome, NULL, column_name,
					  key);
		return;
	}
	tid = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "ctid"), &isnull);
	for (int i = 0; i < sweep->nleaves; i++)
	{
		if (sweep->leaves[i].relid == DatumGetObjectId(relid))
			violation_put(finish,
						  crm_sweep_location(sweep, &sweep->leaves[i],
											 (ItemPointer) DatumGetPointer(tid)),
						  index, outcome,
						  group_value ? crm_group_key(rule->group_type,
													  group_value, strlen(group_value)) : NULL,
						  column_name, NULL);
	}
}

/* Runs a rule's query, as the owner of the table. */
static void
query_run(SetFinish *finish, int index)
{
	SweepTable *sweep = finish->sweep;
	const Rule *rule = sweep->rules[index].rule;
	Relation	rel = table_open(sweep->target, NoLock);
	char	   *sql = rule->set->query(rule, sweep->ruleset,
									   crm_sweep_source(sweep->ruleset, rule, rel));
	int			guc_level = NewGUCNestLevel();
	Portal		portal;
	SPIPlanPtr	plan;

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	SPI_connect();
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		MemoryContext old;

		SPI_cursor_fetch(portal, true, QUERY_BATCH);
		if (SPI_processed == 0)
			break;
		old = MemoryContextSwitchTo(finish->context);
		for (uint64 i = 0; i < SPI_processed; i++)
			query_row(finish, index, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		MemoryContextSwitchTo(old);
		MemoryContextReset(finish->context);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	AtEOXact_GUC(true, guc_level);
	table_close(rel, NoLock);
}

/* A query to run under guard. */
typedef struct GuardedQuery
{
	SetFinish  *finish;
	int			index;
} GuardedQuery;

static void
query_run_argument(void *argument)
{
	GuardedQuery *query = argument;

	query_run(query->finish, query->index);
}

/*
 * The same, where it may fail: a foreign server that is away must not keep
 * the other rules from being swept.  Nothing is known then of the rule's rows.
 */
static void
query_run_guarded(SetFinish *finish, int index)
{
	SweepRule  *swept = &finish->sweep->rules[index];
	GuardedQuery query = {finish, index};

	if (crm_run_guarded(query_run_argument, &query) == NULL)
		return;
	swept->failed = true;
	swept->errors += swept->assessed;
	crm_sweep_sums_failed(finish->sweep, swept->assessed);
	swept->assessed = 0;
	swept->failures = 0;
}

/* A rule on the table as a whole, by what was counted. */
static void
judge_table(SetFinish *finish, int index)
{
	SweepTable *sweep = finish->sweep;
	const Rule *rule = sweep->rules[index].rule;
	RuleOutcome outcome = rule->set->judge(rule, sweep->rules[index].rows,
										   sweep->rules[index].counted);

	if (!crm_outcome_violates(outcome))
		return;
	emit_without_row(finish, index, outcome, crm_json_object(NULL, 0), NULL);
	crm_sweep_sums_violate(sweep, rule, outcome);
}

/* Passes the violations of the row in the leaf's slot on, and mends its score. */
static void
row_finish(SetFinish *finish, SweepLeaf *leaf, SweepFinding *findings,
		   int count)
{
	SweepTable *sweep = finish->sweep;
	int			ncells = sweep->ruleset->ncells;
	ScoreTally *owner_tally;
	MemoryContext old;
	Jsonb	   *row_key;

	if (!crm_sweep_judge(sweep, leaf, false))
		return;
	old = MemoryContextSwitchTo(sweep->row_context);
	row_key = crm_row_key(&leaf->ruleset->key, leaf->slot);
	owner_tally = crm_sweep_row_sums(sweep, leaf)->full;
	crm_tally_add_row(owner_tally, sweep->full_score, ncells, -1);
	crm_tally_add_row(sweep->full_tally, sweep->full_score, ncells, -1);
	for (int i = 0; i < count; i++)
	{
		const Rule *rule = sweep->rules[findings[i].rule].rule;
		RuleOutcome outcome = findings[i].outcome;
		Bitmapset  *cells = rule->set->concerns == NULL ? NULL :
		rule->set->concerns(rule, sweep->ruleset, outcome,
							findings[i].column_name);

		findings[i].row_key = row_key;
		sweep->emit(sweep, &findings[i]);
		sweep->totals.findings++;
		sweep->rules[findings[i].rule].failures++;
		crm_row_score_violate(rule, outcome, cells, sweep->full_score);
	}
	crm_tally_add_row(owner_tally, sweep->full_score, ncells, 1);
	crm_tally_add_row(sweep->full_tally, sweep->full_score, ncells, 1);
	MemoryContextSwitchTo(old);
}

/* Reads a violation out of the sort, into the context of its row. */
static void
violation_read(SetFinish *finish, SweepFinding *finding)
{
	MemoryContext old = MemoryContextSwitchTo(finish->context);
	Datum	   *values = finish->slot->tts_values;
	bool	   *isnull = finish->slot->tts_isnull;

	finding->rule = DatumGetInt32(values[VIOLATION_RULE]);
	finding->outcome.state = DatumGetInt32(values[VIOLATION_STATE]);
	finding->outcome.reason = DatumGetInt32(values[VIOLATION_REASON]);
	finding->group_key = isnull[VIOLATION_GROUP_KEY] ? NULL :
		TextDatumGetCString(values[VIOLATION_GROUP_KEY]);
	finding->column_name = isnull[VIOLATION_COLUMN_NAME] ? NULL :
		TextDatumGetCString(values[VIOLATION_COLUMN_NAME]);
	finding->row_key = isnull[VIOLATION_ROW_KEY] ? NULL :
		DatumGetJsonbPCopy(values[VIOLATION_ROW_KEY]);
	MemoryContextSwitchTo(old);
}

/* Passes a violation on that no row of the table has. */
static void
rowless_finish(SetFinish *finish)
{
	SweepTable *sweep = finish->sweep;
	SweepFinding finding;

	violation_read(finish, &finding);
	emit_without_row(finish, finding.rule, finding.outcome, finding.row_key,
					 finding.column_name);
	if (JB_ROOT_COUNT(unconstify(Jsonb *, finding.row_key)) == 0)
		crm_sweep_sums_violate(sweep, sweep->rules[finding.rule].rule,
							   finding.outcome);
	MemoryContextReset(finish->context);
}

/* Brings the violations of each row together. */
static void
violations_finish(SetFinish *finish)
{
	SweepTable *sweep = finish->sweep;
	SweepFinding *findings = palloc0((sweep->nrules + 1) * sizeof(SweepFinding));
	int			count = 0;
	int64		location = -1;
	bool		more = true;

	tuplesort_performsort(finish->violations);
	while (more)
	{
		int64		next = NO_LOCATION;
		int			rule = -1;

		CHECK_FOR_INTERRUPTS();
		more = tuplesort_gettupleslot(finish->violations, true, true,
									  finish->slot, NULL);
		if (more)
		{
			slot_getallattrs(finish->slot);
			next = DatumGetInt64(finish->slot->tts_values[VIOLATION_LOCATION]);
			rule = DatumGetInt32(finish->slot->tts_values[VIOLATION_RULE]);
		}
		if (next != location || !more)
		{
			SweepLeaf  *leaf;

			if (count > 0 && crm_sweep_fetch(sweep, location, &leaf))
				row_finish(finish, leaf, findings, count);
			MemoryContextReset(finish->context);
			count = 0;
			location = next;
		}
		if (!more || sweep->rules[rule].failed)
			continue;
		if (next == NO_LOCATION)
			rowless_finish(finish);
		else if (count == 0 || findings[count - 1].rule != rule)
			violation_read(finish, &findings[count++]);
	}
	crm_sweep_guard_close(sweep);
	pfree(findings);
}

/* Finds the violations of all kinds that look at other rows. */
void
crm_sweep_sets_finish(SweepTable *sweep)
{
	SetFinish	finish = {.sweep = sweep};

	finish.context = AllocSetContextCreate(CurrentMemoryContext,
										   "crmaudit sweep set",
										   ALLOCSET_DEFAULT_SIZES);
	violations_begin(&finish);
	crm_sweep_progress_phase(sweep->progress, SWEEP_GROUPING);
	for (int i = 0; i < sweep->ngroups; i++)
		group_finish(&finish, &sweep->groups[i]);
	crm_sweep_progress_phase(sweep->progress, SWEEP_QUERYING);
	for (int i = 0; i < sweep->nrules; i++)
	{
		const Rule *rule = sweep->rules[i].rule;

		if (!sweep->rules[i].selected || rule->set == NULL)
			continue;
		if (rule->set->query)
			query_run_guarded(&finish, i);
	}
	if (finish.any)
		violations_finish(&finish);
	for (int i = 0; i < sweep->nrules; i++)
	{
		if (sweep->rules[i].selected && sweep->rules[i].rule->set &&
			sweep->rules[i].rule->set->judge)
			judge_table(&finish, i);
	}
	crm_sweep_sums_drop_failed(sweep);
	tuplesort_end(finish.violations);
	ExecDropSingleTupleTableSlot(finish.slot);
	ExecDropSingleTupleTableSlot(finish.put_slot);
	MemoryContextDelete(finish.context);
}
