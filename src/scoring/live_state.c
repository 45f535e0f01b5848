/*-------------------------------------------------------------------------
 *
 * live_state.c
 *		State of a table's scores: read, brought up to date, written.
 *
 * crmaudit.score_state has a row for each table: the last baseline, with the
 * deltas that were folded into it, and the cells that it is by.
 * crmaudit.score_owner has the same sums by owner.  Both and the deltas are
 * scanned under one snapshot, so that a delta counts exactly once.
 *
 * Locking: whoever writes them holds the table's sweep lock, and uses a
 * snapshot taken since; readers need nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog_scan.h"
#include "rules/rules_private.h"
#include "scoring/live_private.h"
#include "scoring/score_delta.h"
#include "scoring/tally_array.h"

/* Columns of crmaudit.score_state, in this order. */
typedef enum StateColumn
{
	STATE_TARGET,
	STATE_RUN_ID,
	STATE_VERSION,
	STATE_AS_OF,
	STATE_LISTS,
	STATE_STALE,
	STATE_ROWS,
	STATE_CLEAN,
	STATE_EVALUATIONS,
	STATE_ERRORS,
	STATE_ASSESSED,
	STATE_FAILED,
	STATE_LOST,
	STATE_BASE_ROWS,
	STATE_BASE_CLEAN,
	STATE_BASE_EVALUATIONS,
	STATE_BASE_ERRORS,
	STATE_FULL_CLEAN,
	STATE_FULL_EVALUATIONS,
	STATE_FULL_ERRORS,
	STATE_FULL_ASSESSED,
	STATE_FULL_FAILED,
	STATE_FULL_LOST,
	STATE_CELL_COLUMNS,
	STATE_CELL_DIMENSIONS,
	STATE_CELL_WEIGHTS,
	STATE_CELL_LIVE
} StateColumn;

static const char *const state_columns[] = {
	"target", "run_id", "rule_set_version", "as_of", "lists", "stale", "rows", "clean",
	"evaluations", "errors", "assessed", "failed", "lost", "base_rows",
	"base_clean", "base_evaluations", "base_errors", "full_clean",
	"full_evaluations", "full_errors", "full_assessed", "full_failed",
	"full_lost", "cell_columns", "cell_dimensions", "cell_weights",
	"cell_is_live"
};

#define STATE_COLUMNS	((int) lengthof(state_columns))

/* Columns of crmaudit.score_owner, in this order. */
typedef enum OwnerColumn
{
	OWNER_TARGET,
	OWNER_OWNER,
	OWNER_ROWS,
	OWNER_CLEAN,
	OWNER_EVALUATIONS,
	OWNER_ERRORS,
	OWNER_ASSESSED,
	OWNER_FAILED,
	OWNER_LOST,
	OWNER_BASE_ROWS,
	OWNER_BASE_CLEAN,
	OWNER_BASE_EVALUATIONS,
	OWNER_BASE_ERRORS,
	OWNER_FULL_CLEAN,
	OWNER_FULL_EVALUATIONS,
	OWNER_FULL_ERRORS,
	OWNER_FULL_ASSESSED,
	OWNER_FULL_FAILED,
	OWNER_FULL_LOST
} OwnerColumn;

static const char *const owner_columns[] = {
	"target", "owner", "rows", "clean", "evaluations", "errors", "assessed",
	"failed", "lost", "base_rows", "base_clean", "base_evaluations",
	"base_errors", "full_clean", "full_evaluations", "full_errors",
	"full_assessed", "full_failed", "full_lost"
};

#define OWNER_COLUMNS	((int) lengthof(owner_columns))

/* Reading -------------------------------------------------------------------- */

/* Opens a scan of a table's rows, in the order of the index. */
static SysScanDesc
scan_begin(CatalogScan *scan, const char *relname, Relation *index,
		   const char *indexname, Oid target, Snapshot snapshot)
{
	Oid			relid = crm_relation_oid(relname);
	ScanKeyData key;

	if (!OidIsValid(relid))
		elog(ERROR, "crmaudit.%s does not exist", relname);
	scan->rel = table_open(relid, AccessShareLock);
	*index = index_open(crm_relation_oid(indexname), AccessShareLock);
	ScanKeyInit(&key, get_attnum(relid, "target"), BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(target));
	scan->scan = systable_beginscan_ordered(scan->rel, *index, snapshot, 1, &key);
	return scan->scan;
}

static bool
scan_next(CatalogScan *scan)
{
	scan->tuple = systable_getnext_ordered(scan->scan, ForwardScanDirection);
	return HeapTupleIsValid(scan->tuple);
}

static void
scan_end(CatalogScan *scan, Relation index)
{
	systable_endscan_ordered(scan->scan);
	index_close(index, AccessShareLock);
	table_close(scan->rel, AccessShareLock);
}

/* A number of the current row, 0 for NULL. */
static int64
get_int64(CatalogScan *scan, const char *column)
{
	bool		isnull;
	Datum		datum = crm_catalog_get(scan, column, &isnull);

	return isnull ? 0 : DatumGetInt64(datum);
}

/* Sums by cell of the current row; false if they are by other cells. */
static bool
get_sums(CatalogScan *scan, const char *column, int64 *sums, int ncells)
{
	bool		isnull;
	Datum		datum = crm_catalog_get(scan, column, &isnull);

	return crm_tally_read(datum, isnull, sums, ncells);
}

/* The sums by live rules of the current row; false if by other cells. */
static bool
get_tally(CatalogScan *scan, ScoreTally *tally, int ncells)
{
	tally->rows = get_int64(scan, "rows");
	tally->clean = get_int64(scan, "clean");
	tally->evaluations = get_int64(scan, "evaluations");
	tally->errors = get_int64(scan, "errors");
	return get_sums(scan, "assessed", tally->assessed, ncells) &&
		get_sums(scan, "failed", tally->failed, ncells) &&
		get_sums(scan, "lost", tally->lost, ncells);
}

/*
 * The totals of the baseline, and the sums by all rules then, of the current
 * row; false if by other cells.
 */
static bool
get_baseline(CatalogScan *scan, ScoreTally *base, ScoreTally *full, int ncells)
{
	base->rows = get_int64(scan, "base_rows");
	base->clean = get_int64(scan, "base_clean");
	base->evaluations = get_int64(scan, "base_evaluations");
	base->errors = get_int64(scan, "base_errors");
	full->rows = base->rows;
	full->clean = get_int64(scan, "full_clean");
	full->evaluations = get_int64(scan, "full_evaluations");
	full->errors = get_int64(scan, "full_errors");
	return get_sums(scan, "full_assessed", full->assessed, ncells) &&
		get_sums(scan, "full_failed", full->failed, ncells) &&
		get_sums(scan, "full_lost", full->lost, ncells);
}

/* The cells that the current row is by, as a rule set without rules. */
static RuleSet *
get_rules(CatalogScan *scan)
{
	RuleSet    *rules = palloc0(sizeof(RuleSet));
	int			count;
	char	  **columns = crm_catalog_get_texts(scan, "cell_columns", &rules->ncells);
	char	  **dimensions = crm_catalog_get_texts(scan, "cell_dimensions", &count);
	bool		isnull;
	Datum	   *weights;
	Datum	   *live;
	int			nweights;
	int			nlive;

	deconstruct_array(DatumGetArrayTypeP(crm_catalog_get(scan, "cell_weights", &isnull)),
					  FLOAT4OID, 4, true, TYPALIGN_INT, &weights, NULL,
					  &nweights);
	deconstruct_array(DatumGetArrayTypeP(crm_catalog_get(scan, "cell_is_live", &isnull)),
					  BOOLOID, 1, true, TYPALIGN_CHAR, &live, NULL, &nlive);
	if (count != rules->ncells || nweights != count || nlive != count)
		elog(ERROR, "cells in crmaudit.score_state are damaged");
	rules->cells = palloc0((count + 1) * sizeof(ScoreCell));
	for (int i = 0; i < count; i++)
	{
		int			dimension = crm_dimension_find(dimensions[i]);

		if (dimension < 0)
			elog(ERROR, "dimension \"%s\" in crmaudit.score_state does not exist",
				 dimensions[i]);
		rules->cells[i].column = columns[i];
		rules->cells[i].dimension = dimension;
		rules->cells[i].weight = DatumGetFloat4(weights[i]);
		rules->cells[i].is_live = DatumGetBool(live[i]);
	}
	crm_catalog_dimension_weights(rules->dimension_weights);
	return rules;
}

/* Reads the row of crmaudit.score_state. */
static void
read_state(ScoreSums *sums, CatalogScan *scan)
{
	bool		isnull;
	Datum		version = crm_catalog_get(scan, "rule_set_version", &isnull);
	int			ncells;

	sums->has_row = true;
	sums->tuple = heap_copytuple(scan->tuple);
	if (isnull)
		return;
	sums->is_swept = true;
	sums->rules = get_rules(scan);
	sums->rules->rule_set_version = DatumGetInt32(version);
	ncells = sums->rules->ncells;
	sums->run_id = get_int64(scan, "run_id");
	sums->lists = get_int64(scan, "lists");
	sums->as_of = DatumGetTimestampTz(crm_catalog_get(scan, "as_of", &isnull));
	sums->is_stale = DatumGetBool(crm_catalog_get(scan, "stale", &isnull));
	sums->now = crm_tally_create(ncells);
	sums->base = crm_tally_create(0);
	sums->full = crm_tally_create(ncells);
	if (!get_tally(scan, sums->now, ncells) ||
		!get_baseline(scan, sums->base, sums->full, ncells))
		elog(ERROR, "sums in crmaudit.score_state are damaged");
}

/* The sums of an owner. */
OwnerSum *
crm_sums_owner(ScoreSums *sums, const char *owner)
{
	OwnerKey	key;
	OwnerSum   *sum;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.has_owner = owner != NULL;
	if (owner)
		strlcpy(key.owner, owner, CRM_OWNER_MAX);
	sum = hash_search(sums->owners, &key, HASH_ENTER, &found);
	if (!found)
	{
		ItemPointerSetInvalid(&sum->tid);
		sum->is_changed = false;
		sum->now = crm_tally_create(sums->rules->ncells);
		sum->base = crm_tally_create(0);
		sum->full = crm_tally_create(sums->rules->ncells);
	}
	return sum;
}

HTAB *
crm_owners_create(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(OwnerKey);
	ctl.entrysize = sizeof(OwnerSum);
	ctl.hcxt = CurrentMemoryContext;
	return hash_create("crmaudit score owners", 64, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Reads the rows of crmaudit.score_owner. */
static void
read_owners(ScoreSums *sums, Snapshot snapshot)
{
	CatalogScan scan;
	Relation	index;

	sums->owners = crm_owners_create();
	scan_begin(&scan, "score_owner", &index, "score_owner_target",
			   sums->target, snapshot);
	while (scan_next(&scan))
	{
		OwnerSum   *sum = crm_sums_owner(sums, crm_catalog_get_text(&scan, "owner"));

		sum->tid = scan.tuple->t_self;
		if (!get_tally(&scan, sum->now, sums->rules->ncells) ||
			!get_baseline(&scan, sum->base, sum->full, sums->rules->ncells))
			elog(ERROR, "sums in crmaudit.score_owner are damaged");
	}
	scan_end(&scan, index);
}

/* Adds what was changed in the rows of one owner. */
static void
sums_add(ScoreSums *sums, const char *owner, const ScoreTally *tally)
{
	crm_tally_add(sums->now, tally, sums->rules->ncells);
	if (sums->owners)
	{
		OwnerSum   *sum = crm_sums_owner(sums, owner);

		crm_tally_add(sum->now, tally, sums->rules->ncells);
		sum->is_changed = true;
	}
}

/* All rows are gone, and with them what was counted. */
void
crm_sums_clear(ScoreSums *sums)
{
	HASH_SEQ_STATUS status;
	OwnerSum   *sum;

	sums->is_stale = false;
	crm_tally_clear(sums->now, sums->rules->ncells);
	crm_tally_clear(sums->base, 0);
	crm_tally_clear(sums->full, sums->rules->ncells);
	if (sums->owners == NULL)
		return;
	hash_seq_init(&status, sums->owners);
	while ((sum = hash_seq_search(&status)) != NULL)
	{
		crm_tally_clear(sum->now, sums->rules->ncells);
		crm_tally_clear(sum->base, 0);
		crm_tally_clear(sum->full, sums->rules->ncells);
		sum->is_changed = true;
	}
}

/* Adds the current row of crmaudit.score_delta. */
static void
add_delta(ScoreSums *sums, CatalogScan *scan, ScoreTally *scratch)
{
	bool		isnull;
	int			version = DatumGetInt32(crm_catalog_get(scan, "rule_set_version", &isnull));

	if (DatumGetBool(crm_catalog_get(scan, "truncated", &isnull)))
		crm_sums_clear(sums);
	else if (DatumGetBool(crm_catalog_get(scan, "stale", &isnull)) ||
			 version != sums->rules->rule_set_version ||
			 !get_tally(scan, scratch, sums->rules->ncells))
		sums->is_stale = true;
	else
		sums_add(sums, crm_catalog_get_text(scan, "owner"), scratch);
}

/*
 * Reads a table's state with all deltas under the snapshot, in the current
 * memory context.  Gathers the places of the deltas if "delta_tids" is given.
 */
ScoreSums *
crm_sums_read(Oid target, Snapshot snapshot, bool owners, List **delta_tids)
{
	ScoreSums  *sums = palloc0(sizeof(ScoreSums));
	CatalogScan scan;
	Relation	index;
	ScoreTally *scratch = NULL;
	MemoryContext row_context;

	sums->target = target;
	scan_begin(&scan, "score_state", &index, "score_state_pkey", target,
			   snapshot);
	if (scan_next(&scan))
		read_state(sums, &scan);
	scan_end(&scan, index);
	if (owners && sums->is_swept)
		read_owners(sums, snapshot);
	if (sums->is_swept)
		scratch = crm_tally_create(sums->rules->ncells);

	row_context = AllocSetContextCreate(CurrentMemoryContext,
										"crmaudit score delta",
										ALLOCSET_DEFAULT_SIZES);
	scan_begin(&scan, "score_delta", &index, "score_delta_target", target,
			   snapshot);
	while (scan_next(&scan))
	{
		sums->ndeltas++;
		if (delta_tids)
		{
			ItemPointer tid = palloc(sizeof(ItemPointerData));

			*tid = scan.tuple->t_self;
			*delta_tids = lappend(*delta_tids, tid);
		}
		if (sums->is_swept)
			add_delta(sums, &scan, scratch);
	}
	scan_end(&scan, index);
	MemoryContextDelete(row_context);
	return sums;
}

/* Adds a tally of this transaction. */
static void
add_own(void *argument, int version, const char *owner,
		const ScoreTally *tally, int ncells)
{
	ScoreSums  *sums = argument;

	if (version == sums->rules->rule_set_version &&
		ncells == sums->rules->ncells)
		sums_add(sums, owner, tally);
	else if (!crm_tally_is_empty(tally, ncells))
		sums->is_stale = true;
}

static void
add_nothing(void *argument, int version, const char *owner,
			const ScoreTally *tally, int ncells)
{
}

/* Adds what this transaction changed, and will write before it commits. */
void
crm_sums_add_own(ScoreSums *sums)
{
	bool		truncated;
	bool		stale;

	if (!sums->is_swept)
		return;
	crm_score_own(sums->target, add_nothing, NULL, &truncated, &stale);
	if (truncated)
		crm_sums_clear(sums);
	sums->is_stale |= stale;
	crm_score_own(sums->target, add_own, sums, &truncated, &stale);
}

/* Writing ---------------------------------------------------------------------- */

/* Looks up where the relation has its columns. */
static void
find_columns(Relation rel, const char *const *columns, int ncolumns,
			 AttrNumber *attnums)
{
	for (int i = 0; i < ncolumns; i++)
	{
		attnums[i] = get_attnum(RelationGetRelid(rel), columns[i]);
		if (attnums[i] == InvalidAttrNumber)
			elog(ERROR, "column \"%s\" of crmaudit.%s does not exist",
				 columns[i], RelationGetRelationName(rel));
	}
}

/* Arranges values, given in another order, as the relation has them. */
static HeapTuple
form_tuple(Relation rel, const AttrNumber *attnums, int ncolumns,
		   const Datum *given, const bool *absent)
{
	int			natts = RelationGetDescr(rel)->natts;
	Datum	   *values = palloc0(natts * sizeof(Datum));
	bool	   *nulls = palloc(natts * sizeof(bool));
	HeapTuple	tuple;

	memset(nulls, true, natts * sizeof(bool));
	for (int i = 0; i < ncolumns; i++)
	{
		values[attnums[i] - 1] = given[i];
		nulls[attnums[i] - 1] = absent[i];
	}
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	pfree(values);
	pfree(nulls);
	return tuple;
}

/* The cells, as four arrays. */
static void
set_cells(const RuleSet *rules, Datum *given)
{
	int			n = rules->ncells;
	Datum	   *columns = palloc((n + 1) * sizeof(Datum));
	Datum	   *dimensions = palloc((n + 1) * sizeof(Datum));
	Datum	   *weights = palloc((n + 1) * sizeof(Datum));
	Datum	   *live = palloc((n + 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
	{
		columns[i] = CStringGetTextDatum(rules->cells[i].column);
		dimensions[i] = CStringGetTextDatum(crm_dimension_names[rules->cells[i].dimension]);
		weights[i] = Float4GetDatum(rules->cells[i].weight);
		live[i] = BoolGetDatum(rules->cells[i].is_live);
	}
	given[STATE_CELL_COLUMNS] =
		PointerGetDatum(construct_array(columns, n, TEXTOID, -1, false, TYPALIGN_INT));
	given[STATE_CELL_DIMENSIONS] =
		PointerGetDatum(construct_array(dimensions, n, TEXTOID, -1, false, TYPALIGN_INT));
	given[STATE_CELL_WEIGHTS] =
		PointerGetDatum(construct_array(weights, n, FLOAT4OID, 4, true, TYPALIGN_INT));
	given[STATE_CELL_LIVE] =
		PointerGetDatum(construct_array(live, n, BOOLOID, 1, true, TYPALIGN_CHAR));
}

/* Writes the row of crmaudit.score_state. */
static void
write_state(ScoreSums *sums)
{
	Relation	rel = table_open(crm_relation_oid("score_state"), RowExclusiveLock);
	Datum		given[STATE_COLUMNS] = {0};
	bool		absent[STATE_COLUMNS];
	AttrNumber	attnums[STATE_COLUMNS];
	HeapTuple	tuple;

	for (int i = 0; i < STATE_COLUMNS; i++)
		absent[i] = !sums->is_swept && i != STATE_TARGET && i != STATE_STALE;
	given[STATE_TARGET] = ObjectIdGetDatum(sums->target);
	given[STATE_STALE] = BoolGetDatum(sums->is_stale);
	if (sums->is_swept)
	{
		int			n = sums->rules->ncells;

		absent[STATE_RUN_ID] = sums->run_id == 0;
		given[STATE_RUN_ID] = Int64GetDatum(sums->run_id);
		given[STATE_VERSION] = Int32GetDatum(sums->rules->rule_set_version);
		given[STATE_AS_OF] = TimestampTzGetDatum(sums->as_of);
		given[STATE_LISTS] = Int64GetDatum(sums->lists);
		given[STATE_ROWS] = Int64GetDatum(sums->now->rows);
		given[STATE_CLEAN] = Int64GetDatum(sums->now->clean);
		given[STATE_EVALUATIONS] = Int64GetDatum(sums->now->evaluations);
		given[STATE_ERRORS] = Int64GetDatum(sums->now->errors);
		absent[STATE_ASSESSED] = !crm_tally_array(sums->now->assessed, n, &given[STATE_ASSESSED]);
		absent[STATE_FAILED] = !crm_tally_array(sums->now->failed, n, &given[STATE_FAILED]);
		absent[STATE_LOST] = !crm_tally_array(sums->now->lost, n, &given[STATE_LOST]);
		given[STATE_BASE_ROWS] = Int64GetDatum(sums->base->rows);
		given[STATE_BASE_CLEAN] = Int64GetDatum(sums->base->clean);
		given[STATE_BASE_EVALUATIONS] = Int64GetDatum(sums->base->evaluations);
		given[STATE_BASE_ERRORS] = Int64GetDatum(sums->base->errors);
		given[STATE_FULL_CLEAN] = Int64GetDatum(sums->full->clean);
		given[STATE_FULL_EVALUATIONS] = Int64GetDatum(sums->full->evaluations);
		given[STATE_FULL_ERRORS] = Int64GetDatum(sums->full->errors);
		absent[STATE_FULL_ASSESSED] = !crm_tally_array(sums->full->assessed, n, &given[STATE_FULL_ASSESSED]);
		absent[STATE_FULL_FAILED] = !crm_tally_array(sums->full->failed, n, &given[STATE_FULL_FAILED]);
		absent[STATE_FULL_LOST] = !crm_tally_array(sums->full->lost, n, &given[STATE_FULL_LOST]);
		set_cells(sums->rules, given);
	}
	find_columns(rel, state_columns, STATE_COLUMNS, attnums);
	tuple = form_tuple(rel, attnums, STATE_COLUMNS, given, absent);
	if (sums->has_row)
		CatalogTupleUpdate(rel, &sums->tuple->t_self, tuple);
	else
		CatalogTupleInsert(rel, tuple);
	table_close(rel, NoLock);
}

/*
 * Leaves of what the last sweep said of an owner's rows only what is read:
 * nothing of cells that writes change, and nothing at all where the rules that
 * are not live have nothing to say.  Returns whether something is left.
 */
static bool
owner_trim(const RuleSet *rules, OwnerSum *sum)
{
	bool		is_left = sum->full->clean != sum->base->clean ||
	sum->full->evaluations != sum->base->evaluations ||
	sum->full->errors != sum->base->errors;

	for (int i = 0; i < rules->ncells; i++)
	{
		if (rules->cells[i].is_live)
			sum->full->assessed[i] = sum->full->failed[i] = sum->full->lost[i] = 0;
		is_left |= sum->full->assessed[i] != 0;
	}
	if (!is_left)
	{
		crm_tally_clear(sum->base, 0);
		crm_tally_clear(sum->full, rules->ncells);
	}
	return is_left;
}

/* Writes what changed of crmaudit.score_owner. */
static void
write_owners(ScoreSums *sums)
{
	Relation	rel = table_open(crm_relation_oid("score_owner"), RowExclusiveLock);
	AttrNumber	attnums[OWNER_COLUMNS];
	HASH_SEQ_STATUS status;
	OwnerSum   *sum;

	find_columns(rel, owner_columns, OWNER_COLUMNS, attnums);
	hash_seq_init(&status, sums->owners);
	while ((sum = hash_seq_search(&status)) != NULL)
	{
		int			n = sums->rules->ncells;
		Datum		given[OWNER_COLUMNS] = {0};
		bool		absent[OWNER_COLUMNS] = {false};
		HeapTuple	tuple;

		if (!sum->is_changed)
			continue;
		/* an owner without rows may get some again */
		if (!owner_trim(sums->rules, sum) && crm_tally_is_empty(sum->now, n))
		{
			if (ItemPointerIsValid(&sum->tid))
				CatalogTupleDelete(rel, &sum->tid);
			continue;
		}
		given[OWNER_TARGET] = ObjectIdGetDatum(sums->target);
		absent[OWNER_OWNER] = !sum->key.has_owner;
		if (sum->key.has_owner)
			given[OWNER_OWNER] = CStringGetTextDatum(sum->key.owner);
		given[OWNER_ROWS] = Int64GetDatum(sum->now->rows);
		given[OWNER_CLEAN] = Int64GetDatum(sum->now->clean);
		given[OWNER_EVALUATIONS] = Int64GetDatum(sum->now->evaluations);
		given[OWNER_ERRORS] = Int64GetDatum(sum->now->errors);
		absent[OWNER_ASSESSED] = !crm_tally_array(sum->now->assessed, n, &given[OWNER_ASSESSED]);
		absent[OWNER_FAILED] = !crm_tally_array(sum->now->failed, n, &given[OWNER_FAILED]);
		absent[OWNER_LOST] = !crm_tally_array(sum->now->lost, n, &given[OWNER_LOST]);
		given[OWNER_BASE_ROWS] = Int64GetDatum(sum->base->rows);
		given[OWNER_BASE_CLEAN] = Int64GetDatum(sum->base->clean);
		given[OWNER_BASE_EVALUATIONS] = Int64GetDatum(sum->base->evaluations);
		given[OWNER_BASE_ERRORS] = Int64GetDatum(sum->base->errors);
		given[OWNER_FULL_CLEAN] = Int64GetDatum(sum->full->clean);
		given[OWNER_FULL_EVALUATIONS] = Int64GetDatum(sum->full->evaluations);
		given[OWNER_FULL_ERRORS] = Int64GetDatum(sum->full->errors);
		absent[OWNER_FULL_ASSESSED] = !crm_tally_array(sum->full->assessed, n, &given[OWNER_FULL_ASSESSED]);
		absent[OWNER_FULL_FAILED] = !crm_tally_array(sum->full->failed, n, &given[OWNER_FULL_FAILED]);
		absent[OWNER_FULL_LOST] = !crm_tally_array(sum->full->lost, n, &given[OWNER_FULL_LOST]);
		tuple = form_tuple(rel, attnums, OWNER_COLUMNS, given, absent);
		if (ItemPointerIsValid(&sum->tid))
			CatalogTupleUpdate(rel, &sum->tid, tuple);
		else
			CatalogTupleInsert(rel, tuple);
		heap_freetuple(tuple);
	}
	table_close(rel, NoLock);
}

/* Writes state and owners, which were read with the snapshot of now. */
void
crm_sums_write(ScoreSums *sums)
{
	write_state(sums);
	if (sums->owners)
		write_owners(sums);
}
