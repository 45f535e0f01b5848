/*-------------------------------------------------------------------------
 *
 * score_segment.c
 *		Scores of a table's rows by the values of a column.
 *
 * The table is scanned with the rights of the user, and each row judged by the
 * rules about a row by itself.  What kinds that look at other rows say of it
 * was found by the last full sweep: they are taken from the findings that are
 * held now, as far as the rule is still of the version that was swept.  A
 * finding says something about rows that the user may not see, so that only
 * those who may read findings, and the owner of the table, have them counted;
 * for others the score is by rules about a row by itself.
 *
 * Memory: 56 bytes for each finding of kinds that look at other rows, and for
 * each that is waived; two tallies for each value of the column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog_scan.h"
#include "rules/rules_private.h"
#include "rules/set_kind.h"
#include "scoring/row_judge.h"
#include "scoring/row_scan.h"
#include "scoring/score_live.h"

/* Findings that are fetched at a time. */
#define FINDING_BATCH	1000

/* Bytes of a value that tell segments apart, with the terminator. */
#define SEGMENT_VALUE	256

typedef struct SegmentKey
{
	char		value[SEGMENT_VALUE];
} SegmentKey;

typedef struct Segment
{
	SegmentKey	key;
	ScoreTally *tally;
	ScoreTally *adjusted;		/* as if waived findings were valid; NULL if
								 * there are none */
} Segment;

/* A finding; the row's key by two hashes. */
typedef struct HeldFinding
{
	uint64		hash;
	uint64		second_hash;
	int			rule;			/* index into the rule set's */
	RuleOutcome outcome;
	bool		is_waived;
	Bitmapset  *cells;			/* see crm_row_score_violate() */
} HeldFinding;

/* What the last full sweep says of a rule about other rows. */
typedef enum SweptState
{
	SWEPT_NOT,					/* nothing */
	SWEPT_JUDGED,
	SWEPT_FAILED				/* its query could not run */
} SweptState;

/* Measures of a table by the values of a column, under way. */
typedef struct Segments
{
	RowJudge   *judge;
	RuleColumn	column;
	HTAB	   *segments;		/* by value */
	Segment		nulls;			/* rows without one */
	MemoryContext context;
	bool		sees_findings;	/* the user may have them counted */
	int64		run_id;			/* the last full sweep; 0: none */
	SweptState *swept;			/* by rule */
	bool	   *assessed;		/* scratch, by rule: of the row */
	int64		nheld;
	int64		size;
	HeldFinding *held;			/* in order of the hashes */
	List	   *table_held;		/* those of the table as a whole */
	bool		any_waived;
	Bitmapset  *failed_cells;	/* nothing is known of them */
	RowScore   *adjusted;		/* scratch */
} Segments;

PG_FUNCTION_INFO_V1(crmaudit_measure_segments);

/* Findings ------------------------------------------------------------------- */

/* Runs a query on our own tables, as their owner, and passes its rows on. */
static void
own_query(Segments *segments, const char *sql, int nargs, Oid *types,
		  Datum *values, void (*put) (Segments *segments, HeapTuple tuple,
									  TupleDesc desc))
{
	int			guc_level = NewGUCNestLevel();
	Oid			userid;
	int			security;
	Portal		portal;

	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(crm_relation_owner(crm_relation_oid("run")),
						   security | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, sql, nargs, types, values, NULL,
									   true, CURSOR_OPT_NO_SCROLL);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FINDING_BATCH);
		if (SPI_processed == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		for (uint64 i = 0; i < SPI_processed; i++)
			put(segments, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	AtEOXact_GUC(true, guc_level);
	SetUserIdAndSecContext(userid, security);
}

/* The index of the rule with that id; -1 if it is not in force. */
static int
rule_index(const RuleSet *ruleset, int64 id)
{
	for (int i = 0; i < ruleset->nall; i++)
	{
		if (ruleset->rules[i].id == id && ruleset->rules[i].broken == NULL)
			return i;
	}
	return -1;
}

static Datum
get_datum(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(tuple, desc, column, &isnull);

	if (isnull)
		elog(ERROR, "column %d of a finding is NULL", column);
	return datum;
}

/* A rule of the last full sweep: run, rule, version, whether it failed. */
static void
put_swept(Segments *segments, HeapTuple tuple, TupleDesc desc)
{
	const RuleSet *ruleset = segments->judge->ruleset;
	int			i = rule_index(ruleset, DatumGetInt64(get_datum(tuple, desc, 2)));

	segments->run_id = DatumGetInt64(get_datum(tuple, desc, 1));
	if (i >= 0 && ruleset->rules[i].set != NULL &&
		ruleset->rules[i].version == DatumGetInt32(get_datum(tuple, desc, 3)))
		segments->swept[i] = DatumGetBool(get_datum(tuple, desc, 4)) ?
			SWEPT_FAILED : SWEPT_JUDGED;
}

/* Two hashes of a row's key. */
static void
key_hash(Jsonb *key, uint64 *hash, uint64 *second_hash)
{
	*hash = DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended,
											  JsonbPGetDatum(key), Int64GetDatum(0)));
	if (second_hash)
		*second_hash = DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended,
														 JsonbPGetDatum(key), Int64GetDatum(1)));
}

/*
 * A finding: rule, key, verdict, reason, column, whether it is waived.
 */
static void
put_held(Segments *segments, HeapTuple tuple, TupleDesc desc)
{
	const RuleSet *ruleset = segments->judge->ruleset;
	HeldFinding finding = {0};
	char	   *verdict = SPI_getvalue(tuple, desc, 3);
	char	   *reason = SPI_getvalue(tuple, desc, 4);
	Jsonb	   *key = DatumGetJsonbP(get_datum(tuple, desc, 2));
	const Rule *rule;
	MemoryContext old;

	finding.rule = rule_index(ruleset, DatumGetInt64(get_datum(tuple, desc, 1)));
	if (finding.rule < 0 || verdict == NULL || reason == NULL)
		return;
	rule = &ruleset->rules[finding.rule];
	finding.outcome.state = strcmp(verdict, "invalid") == 0 ? RULE_FAILED :
		strcmp(verdict, "suspect") == 0 ? RULE_SUSPECT : RULE_ERROR;
	finding.outcome.reason = crm_reason_find(reason);
	/* a row of the other table, which has none here */
	if (finding.outcome.state == RULE_ERROR ||
		finding.outcome.reason == CRM_REASON_MISSING_HERE)
		return;
	finding.is_waived = DatumGetBool(get_datum(tuple, desc, 6));
	segments->any_waived |= finding.is_waived;
	key_hash(key, &finding.hash, &finding.second_hash);
	old = MemoryContextSwitchTo(segments->context);
	if (rule->set && rule->set->concerns)
		finding.cells = rule->set->concerns(rule, ruleset, finding.outcome,
											SPI_getvalue(tuple, desc, 5));
	if (JB_ROOT_COUNT(key) == 0)
	{
		HeldFinding *of_table = palloc(sizeof(HeldFinding));

		*of_table = finding;
		segments->table_held = lappend(segments->table_held, of_table);
	}
	else
	{
		if (segments->nheld == segments->size)
		{
			segments->size = Max(segments->size * 2, 64);
			segments->held = segments->held == NULL ?
				palloc(segments->size * sizeof(HeldFinding)) :
				repalloc_huge(segments->held,
							  segments->size * sizeof(HeldFinding));
		}
		segments->held[segments->nheld++] = finding;
	}
	MemoryContextSwitchTo(old);
}

static int
held_order(const void *a, const void *b)
{
	const HeldFinding *first = a;
	const HeldFinding *second = b;

	if (first->hash != second->hash)
		return first->hash < second->hash ? -1 : 1;
	return first->second_hash < second->second_hash ? -1 :
		first->second_hash > second->second_hash;
}

/*
 * Whether the user may have findings counted: like whoever reads them, or as
 * the owner of the table, with whose rights they were found.
 */
static bool
sees_findings(const RowJudge *judge)
{
	return has_privs_of_role(GetUserId(), judge->owner) ||
		pg_class_aclcheck(crm_relation_oid("finding"), GetUserId(),
						  ACL_SELECT) == ACLCHECK_OK;
}

/*
 * Reads what the last full sweep, and the gate since, found of kinds that look
 * at other rows, and what is waived.  A waived finding that the last sweep did
 * not see again is none any more.
 */
static void
read_findings(Segments *segments)
{
	const RuleSet *ruleset = segments->judge->ruleset;
	Oid			types[] = {OIDOID, INT8ARRAYOID, INT8OID};
	Datum		values[lengthof(types)];
	Datum	   *ids = palloc((ruleset->nall + 1) * sizeof(Datum));
	int			nids = 0;
	bool	   *judged = palloc0((ruleset->nall + 1) * sizeof(bool));
	bool	   *failed = palloc0((ruleset->nall + 1) * sizeof(bool));

	segments->swept = palloc0((ruleset->nall + 1) * sizeof(SweptState));
	segments->assessed = palloc0((ruleset->nall + 1) * sizeof(bool));
	segments->adjusted = crm_row_score_create(ruleset);
	segments->sees_findings = sees_findings(segments->judge);
	if (!segments->sees_findings)
		return;
	values[0] = ObjectIdGetDatum(ruleset->target);
	own_query(segments,
			  "SELECT r.run_id, r.rule_id, r.rule_version, r.rows = 0 AND r.errors > 0 FROM crmaudit.run_rule r"
			  " WHERE r.run_id = (SELECT max(h.run_id) FROM crmaudit.score_history h WHERE h.target = $1)",
			  1, types, values, put_swept);
	for (int i = 0; i < ruleset->nall; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		if (segments->swept[i] == SWEPT_JUDGED)
			ids[nids++] = Int64GetDatum(rule->id);
		failed[i] = segments->swept[i] == SWEPT_FAILED;
		judged[i] = segments->swept[i] == SWEPT_JUDGED ||
			(rule->broken == NULL && rule->kind_level_row);
	}
	segments->failed_cells = crm_failed_cells(ruleset, judged, failed);
	values[1] = PointerGetDatum(construct_array(ids, nids, INT8OID, 8,
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[2] = Int64GetDatum(segments->run_id);
	own_query(segments,
			  "SELECT f.rule_id, f.row_key, f.verdict, f.reason, f.column_name, f.status = 'waived' FROM crmaudit.finding f"
			  " WHERE f.target = $1 AND CASE WHEN f.rule_id <> ALL ($2) THEN f.status = 'waived'"
			  " ELSE f.status NOT IN ('resolved', 'verified') AND (f.status IN ('open', 'acknowledged') OR f.run_id IS NULL OR f.run_id >= $3) END",
			  lengthof(types), types, values, put_held);
	if (segments->nheld > 1)
		qsort(segments->held, segments->nheld, sizeof(HeldFinding), held_order);
}

/* The findings of the row in the judge's slot; returns how many. */
static int64
row_held(Segments *segments, HeldFinding **first)
{
	Jsonb	   *key;
	HeldFinding wanted;
	int64		low = 0;
	int64		high = segments->nheld;
	int64		count = 0;

	if (segments->nheld == 0)
		return 0;
	key = crm_row_key(&segments->judge->ruleset->key, segments->judge->slot);
	key_hash(key, &wanted.hash, NULL);
	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (segments->held[middle].hash < wanted.hash)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == segments->nheld || segments->held[low].hash != wanted.hash)
		return 0;
	key_hash(key, &wanted.hash, &wanted.second_hash);
	while (low < segments->nheld && held_order(&segments->held[low], &wanted) < 0)
		low++;
	*first = &segments->held[low];
	while (low + count < segments->nheld &&
		   held_order(&segments->held[low + count], &wanted) == 0)
		count++;
	return count;
}

/* Judging ---------------------------------------------------------------------- */

/* Enters the rules about other rows that assess the row: so far it passes. */
static void
enter_sets(Segments *segments)
{
	RowJudge   *judge = segments->judge;
	const RuleSet *ruleset = judge->ruleset;
	RuleRow		row = {judge->slot, NULL, ruleset};

	crm_judge_enter(judge);
	for (int i = 0; i < ruleset->nall; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		segments->assessed[i] = segments->swept[i] != SWEPT_NOT &&
			(!rule->is_guarded ||
			 crm_rule_condition_guarded(rule, &row).state == RULE_PASSED) &&
			crm_rule_assesses(rule, &row);
		if (!segments->assessed[i])
			continue;
		crm_row_score_add(rule, RULE_PASS, judge->score);
		judge->score->errors += segments->swept[i] == SWEPT_FAILED;
	}
	crm_judge_leave(judge);
}

/*
 * The row's score if what is waived were valid, into segments->adjusted: all
 * rules enter anew, with a pass in place of what is waived.
 */
static void
adjust_row(Segments *segments, const HeldFinding *held, int64 nheld)
{
	RowJudge   *judge = segments->judge;
	const RuleSet *ruleset = judge->ruleset;

	crm_row_score_begin(ruleset, segments->adjusted);
	for (int i = 0; i < ruleset->nall; i++)
	{
		const Rule *rule = &ruleset->rules[i];
		RuleOutcome outcome = RULE_PASS;
		bool		is_waived = false;

		for (int64 j = 0; j < nheld; j++)
			is_waived |= held[j].rule == i && held[j].is_waived;
		if (i < ruleset->nrules && rule->broken == NULL && rule->kind_level_row)
			outcome = judge->outcomes[i];
		else if (!segments->assessed[i])
			continue;
		crm_row_score_add(rule, is_waived && crm_outcome_violates(outcome) ?
						  RULE_PASS : outcome, segments->adjusted);
	}
	for (int64 j = 0; j < nheld; j++)
	{
		if (segments->assessed[held[j].rule] && !held[j].is_waived)
			crm_row_score_violate(&ruleset->rules[held[j].rule],
								  held[j].outcome, held[j].cells,
								  segments->adjusted);
	}
}

/* The segment of the row in the judge's slot. */
static Segment *
segment_of_row(Segments *segments)
{
	int			ncells = segments->judge->ruleset->ncells;
	const char *data;
	int			length;
	SegmentKey	key;
	Segment    *segment = &segments->nulls;
	bool		found = true;
	MemoryContext old = MemoryContextSwitchTo(segments->context);

	if (crm_column_text(&segments->column, segments->judge->slot, &data,
						&length))
	{
		memset(&key, 0, sizeof(key));
		length = pg_mbcliplen(data, length, SEGMENT_VALUE - 1);
		memcpy(key.value, data, length);
		segment = hash_search(segments->segments, &key, HASH_ENTER, &found);
	}
	if (!found || segment->tally == NULL)
	{
		segment->tally = crm_tally_create(ncells);
		segment->adjusted = segments->any_waived ? crm_tally_create(ncells) : NULL;
	}
	MemoryContextSwitchTo(old);
	return segment;
}

static void
segment_row(void *argument, HeapTupleHeader header)
{
	Segments   *segments = argument;
	RowJudge   *judge = segments->judge;
	int			ncells = judge->ruleset->ncells;
	HeapTupleData tuple;

	crm_judge_set_row(judge, header, &tuple);
	if (crm_judge_row(judge))
	{
		Segment    *segment = segment_of_row(segments);
		HeldFinding *held = NULL;
		int64		nheld;
		bool		any_waived = false;

		enter_sets(segments);
		nheld = row_held(segments, &held);
		for (int64 i = 0; i < nheld; i++)
		{
			any_waived |= held[i].is_waived;
			if (segments->assessed[held[i].rule])
				crm_row_score_violate(&judge->ruleset->rules[held[i].rule],
									  held[i].outcome, held[i].cells,
									  judge->score);
		}
		crm_tally_add_row(segment->tally, judge->score, ncells, 1);
		if (any_waived)
			adjust_row(segments, held, nheld);
		if (segment->adjusted)
			crm_tally_add_row(segment->adjusted, any_waived ?
							  segments->adjusted : judge->score, ncells, 1);
	}
	ExecClearTuple(judge->slot);
}

/* Results ------------------------------------------------------------------------ */

static void
put_segment(Segments *segments, ReturnSetInfo *rsinfo, const char *value,
			Segment *segment)
{
	const RuleSet *ruleset = segments->judge->ruleset;
	ScoreTally *tally = segment->tally;
	ScoreTally *adjusted = segment->adjusted ? segment->adjusted : tally;
	DqScore		score;
	DqScore		adjusted_score;
	Datum		values[6];
	bool		nulls[6] = {false};
	ListCell   *cell;

	foreach(cell, segments->table_held)
	{
		HeldFinding *held = lfirst(cell);
		const Rule *rule = &ruleset->rules[held->rule];

		if (segments->swept[held->rule] != SWEPT_JUDGED)
			continue;
		crm_tally_violate(tally, rule, held->outcome);
		if (segment->adjusted && !held->is_waived)
			crm_tally_violate(segment->adjusted, rule, held->outcome);
	}
	crm_tally_drop_cells(tally, segments->failed_cells);
	crm_tally_drop_cells(adjusted, segments->failed_cells);
	crm_tally_score(ruleset, tally, &score);
	crm_tally_score(ruleset, adjusted, &adjusted_score);
	nulls[0] = value == NULL;
	if (value)
		values[0] = CStringGetTextDatum(value);
	values[1] = Int64GetDatum(tally->rows);
	values[2] = PointerGetDatum(&score);
	nulls[2] = score.parts[0] == DQSCORE_NULL;
	nulls[3] = !crm_ratio_datum(tally->clean, tally->rows, &values[3]);
	nulls[4] = !crm_ratio_datum(tally->evaluations - tally->errors,
								tally->evaluations, &values[4]);
	values[5] = PointerGetDatum(&adjusted_score);
	nulls[5] = !segments->sees_findings ||
		adjusted_score.parts[0] == DQSCORE_NULL;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * crmaudit.measure_segments(target regclass, column_name text): a row per
 * value of the column.
 */
Datum
crmaudit_measure_segments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Segments	segments = {0};
	RuleSet    *ruleset;
	Relation	rel = crm_scan_open(PG_GETARG_OID(0), &ruleset);
	HASHCTL		ctl;
	HASH_SEQ_STATUS status;
	Segment    *segment;

	InitMaterializedSRF(fcinfo, 0);
	segments.judge = crm_judge_create(rel, ruleset);
	crm_column_resolve(rel, text_to_cstring(PG_GETARG_TEXT_PP(1)),
					   &segments.column);
	segments.context = CurrentMemoryContext;
	ctl.keysize = sizeof(SegmentKey);
	ctl.entrysize = sizeof(Segment);
	ctl.hcxt = CurrentMemoryContext;
	segments.segments = hash_create("crmaudit segments", 64, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	read_findings(&segments);
	crm_scan_rows(rel, segment_row, &segments);
	if (segments.nulls.tally)
		put_segment(&segments, rsinfo, NULL, &segments.nulls);
	hash_seq_init(&status, segments.segments);
	while ((segment = hash_seq_search(&status)) != NULL)
		put_segment(&segments, rsinfo, segment->key.value, segment);
	table_close(rel, AccessShareLock);
	return (Datum) 0;
}
