/*-------------------------------------------------------------------------
 *
 * sweep_write.c
 *		What a sweep leaves in our tables: finding events, its run, the score.
 *
 * Violations wait in a tuplestore, which spills beyond work_mem, until the
 * scan is over; SQL then reads it under the name crmaudit_found.
 *
 * Rights: tables of ours are read and written as their owner; who may sweep
 * is decided by who may call the function.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "rules/rules_private.h"
#include "sweep/sweep.h"

/* Columns of crmaudit_found. */
enum
{
	FOUND_RULE_ID,
	FOUND_RULE_VERSION,
	FOUND_ROW_KEY,
	FOUND_COLUMN_NAME,
	FOUND_VERDICT,
	FOUND_REASON,
	FOUND_SEVERITY,
	FOUND_GROUP_KEY,
	FOUND_COLUMNS
};

/* Where violations wait. */
typedef struct FoundSink
{
	TupleDesc	desc;
	Tuplestorestate *store;
} FoundSink;

static const struct
{
	const char *name;
	Oid			typid;
}			found_columns[FOUND_COLUMNS] = {
	{"rule_id", INT8OID},
	{"rule_version", INT4OID},
	{"row_key", JSONBOID},
	{"column_name", TEXTOID},
	{"verdict", TEXTOID},
	{"reason", TEXTOID},
	{"severity", TEXTOID},
	{"group_key", TEXTOID}
};

/* A text, or NULL. */
static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Keeps a violation until it can be written. */
static void
sink_put(SweepTable *sweep, const SweepFinding *finding)
{
	FoundSink  *sink = sweep->sink;
	const Rule *rule = sweep->rules[finding->rule].rule;
	RuleOutcome outcome = finding->outcome;
	Datum		values[FOUND_COLUMNS];
	bool		nulls[FOUND_COLUMNS] = {false};
	MemoryContext old = MemoryContextSwitchTo(sweep->emit_context);

	values[FOUND_RULE_ID] = Int64GetDatum(rule->id);
	values[FOUND_RULE_VERSION] = Int32GetDatum(rule->version);
	values[FOUND_ROW_KEY] = JsonbPGetDatum(finding->row_key);
	set_text(values, nulls, FOUND_COLUMN_NAME, finding->column_name ? finding->column_name :
			 rule->ncolumns > 0 ? rule->columns[0].spec : NULL);
	set_text(values, nulls, FOUND_VERDICT, outcome.state == RULE_ERROR ? "error" :
			 crm_verdict_names[outcome.state == RULE_SUSPECT ? CRM_SUSPECT : CRM_INVALID]);
	set_text(values, nulls, FOUND_REASON, crm_reason_words[outcome.reason].code);
	set_text(values, nulls, FOUND_SEVERITY,
			 crm_severity_names[crm_outcome_severity(rule, outcome)]);
	set_text(values, nulls, FOUND_GROUP_KEY, finding->group_key);
	tuplestore_putvalues(sink->store, sink->desc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(sweep->emit_context);
}

/* Readies the place where violations wait. */
void
crm_sweep_sink_open(SweepTable *sweep)
{
	FoundSink  *sink = palloc(sizeof(FoundSink));

	sink->desc = CreateTemplateTupleDesc(FOUND_COLUMNS);
	for (int i = 0; i < FOUND_COLUMNS; i++)
		TupleDescInitEntry(sink->desc, i + 1, found_columns[i].name,
						   found_columns[i].typid, -1, 0);
	sink->store = tuplestore_begin_heap(false, false, work_mem);
	sweep->sink = sink;
	sweep->emit = sink_put;
	sweep->emit_context = AllocSetContextCreate(CurrentMemoryContext,
												"crmaudit sweep finding",
												ALLOCSET_SMALL_SIZES);
}

/* Gives up what lies in files. */
void
crm_sweep_sink_close(SweepTable *sweep)
{
	FoundSink  *sink = sweep->sink;

	tuplestore_end(sink->store);
	for (int i = 0; i < sweep->ngroups; i++)
	{
		if (sweep->groups[i].sort)
			tuplesort_end(sweep->groups[i].sort);
		sweep->groups[i].sort = NULL;
	}
}

/* The one column of a store of row keys. */
TupleDesc
crm_sweep_key_desc(void)
{
	static TupleDesc desc = NULL;

	if (desc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		desc = CreateTemplateTupleDesc(1);
		TupleDescInitEntry(desc, 1, "row_key", JSONBOID, -1, 0);
		MemoryContextSwitchTo(old);
	}
	return desc;
}

/* Lets SQL of the present SPI connection read a store by a name. */
void
crm_sweep_register(const char *name, TupleDesc desc, Tuplestorestate *store)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));
	int			rc;

	tuplestore_rescan(store);
	relation->md.name = pstrdup(name);
	relation->md.tupdesc = desc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = tuplestore_tuple_count(store);
	relation->reldata = store;
	rc = SPI_register_relation(relation);
	if (rc != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed: %s", SPI_result_code_string(rc));
}

/* Becomes the owner of our tables; returns whom to become again. */
static Oid
own_tables(int *security)
{
	Oid			userid;

	GetUserIdAndSecContext(&userid, security);
	SetUserIdAndSecContext(crm_relation_owner(crm_relation_oid("run")),
						   *security | SECURITY_LOCAL_USERID_CHANGE);
	return userid;
}

/* Runs a statement; returns how many rows it concerned. */
static uint64
run_sql(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	int			rc = SPI_execute_with_args(sql, nargs, types, values, nulls,
										   false, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

/*
 * The keys of rows that changed since a snapshot, by the ledger; NULL if it
 * does not record the table, or the snapshot is of another life of the
 * database.
 */
Tuplestorestate *
crm_sweep_changed_keys(SweepTable *sweep, const char *snapshot)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	Oid			types[2] = {OIDOID, TEXTOID};
	Datum		values[2] = {ObjectIdGetDatum(sweep->target),
	CStringGetTextDatum(snapshot)};
	int			security;
	Oid			userid = own_tables(&security);

	SPI_connect();
	run_sql("SELECT row_key FROM crmaudit.changed_keys($1, $2::pg_catalog.pg_snapshot)",
			2, types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		key = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
										1, &isnull);

		tuplestore_putvalues(store, crm_sweep_key_desc(), &key, &isnull);
	}
	SPI_finish();
	SetUserIdAndSecContext(userid, security);
	return store;
}

/* Writes the row of crmaudit.run; returns its id. */
static int64
write_run(SweepTable *sweep, const SweepRequest *request, const DqScore *score)
{
	Oid			dqscore = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
										  CStringGetDatum("dqscore"),
										  ObjectIdGetDatum(get_namespace_oid("crmaudit", false)));
	Oid			types[] = {OIDOID, TIMESTAMPTZOID, TEXTOID, INT8OID, INT8OID,
		dqscore, INT8OID, INT8OID, INT8OID, INT4OID, TEXTARRAYOID, FLOAT8OID,
	INT8OID, TEXTOID, INT4OID, TEXTOID, BOOLOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	bool		isnull;
	int64		id;
	const ScoreTally *tally = sweep->full_tally;
	Datum		snapshot;

	memset(nulls, ' ', sizeof(nulls));
	PushActiveSnapshot(sweep->snapshot);
	snapshot = CStringGetTextDatum(OidOutputFunctionCall(F_PG_SNAPSHOT_OUT,
														 OidFunctionCall0(F_PG_CURRENT_SNAPSHOT)));
	PopActiveSnapshot();
	values[0] = ObjectIdGetDatum(sweep->target);
	values[1] = TimestampTzGetDatum(request->started_at);
	values[2] = CStringGetTextDatum(request->status);
	values[3] = Int64GetDatum(sweep->totals.rows);
	values[4] = Int64GetDatum(sweep->totals.findings);
	values[5] = PointerGetDatum(score);
	nulls[5] = request->rules || score->parts[0] == DQSCORE_NULL ? 'n' : ' ';
	values[6] = Int64GetDatum(tally->clean);
	values[7] = Int64GetDatum(tally->evaluations);
	values[8] = Int64GetDatum(tally->errors);
	values[9] = Int32GetDatum(sweep->ruleset->rule_set_version);
	values[10] = PointerGetDatum(request->rules);
	nulls[10] = request->rules ? ' ' : 'n';
	values[11] = Float8GetDatum(request->sample_percent);
	values[12] = Int64GetDatum(request->seed);
	values[13] = request->stratum ? CStringGetTextDatum(request->stratum) : (Datum) 0;
	nulls[13] = request->stratum ? ' ' : 'n';
	values[14] = Int32GetDatum(request->workers);
	values[15] = snapshot;
	values[16] = BoolGetDatum(request->is_full);
	run_sql("WITH run AS (INSERT INTO crmaudit.run (target, started_at, finished_at, status, rows, failures, score, clean_row_rate, coverage, rule_set_version, rules, sample_percent, seed, stratum, workers, snapshot)"
			" VALUES ($1, $2, clock_timestamp(), $3, $4, $5, $6::numeric, trunc($7::numeric / nullif($4, 0), 4), trunc(($8 - $9)::numeric / nullif($8, 0), 4), $10, $11, $12, $13, $14, $15, $16::pg_snapshot) RETURNING *),"
			" history AS (INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score, clean_row_rate, coverage)"
			" SELECT id, target, finished_at, rule_set_version, rows, $6, clean_row_rate, coverage FROM run WHERE $17)"
			" SELECT id FROM run",
			lengthof(types), types, values, nulls);
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									 SPI_tuptable->tupdesc, 1, &isnull));
	return id;
}

/* Writes what each rule said. */
static void
write_run_rules(SweepTable *sweep, const SweepRequest *request, int64 run_id,
				bool is_sample)
{
	Oid			types[] = {INT8OID, INT8OID, INT4OID, INT8OID, INT8OID,
	INT8OID, BOOLOID};
	SPIPlanPtr	plan = SPI_prepare("INSERT INTO crmaudit.run_rule (run_id, rule_id, rule_version, rows, failures, errors, failure_rate, rate_low, rate_high)"
								   " SELECT $1, $2, $3, $4, $5, $6, round(least($5, $4)::numeric / nullif($4, 0), 6),"
								   " CASE WHEN $7 THEN round(w.low, 6) ELSE round(least($5, $4)::numeric / nullif($4, 0), 6) END,"
								   " CASE WHEN $7 THEN round(w.high, 6) ELSE round(least($5, $4)::numeric / nullif($4, 0), 6) END"
								   " FROM crmaudit.wilson_interval(least($5, $4), $4) w",
								   lengthof(types), types);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	for (int i = 0; i < sweep->nrules; i++)
	{
		const SweepRule *swept = &sweep->rules[i];
		Datum		values[lengthof(types)];

		if (!swept->selected)
			continue;
		values[0] = Int64GetDatum(run_id);
		values[1] = Int64GetDatum(swept->rule->id);
		values[2] = Int32GetDatum(swept->rule->version);
		values[3] = Int64GetDatum(swept->assessed);
		values[4] = Int64GetDatum(swept->failures);
		values[5] = Int64GetDatum(swept->errors);
		values[6] = BoolGetDatum(is_sample);
		if (SPI_execute_plan(plan, values, NULL, false, 0) < 0)
			elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(SPI_result));
	}
}

/* Writes what a sample saw of each stratum. */
static void
write_strata(int64 run_id, const SweepChoice *choice)
{
	Oid			types[] = {INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID};

	for (int i = 0; i < choice->nstrata; i++)
	{
		const SweepStratum *stratum = &choice->strata[i];
		Datum		values[lengthof(types)];

		values[0] = Int64GetDatum(run_id);
		values[1] = stratum->value ? CStringGetTextDatum(stratum->value) : (Datum) 0;
		values[2] = Int64GetDatum(stratum->total);
		values[3] = Int64GetDatum(stratum->rows);
		values[4] = Int64GetDatum(stratum->failures);
		run_sql("INSERT INTO crmaudit.run_stratum (run_id, stratum, total, rows, failed_rows, failure_rate, rate_low, rate_high)"
				" SELECT $1, $2, $3, $4, $5, round($5::numeric / nullif($4, 0), 6), round(w.low, 6), round(w.high, 6) FROM crmaudit.wilson_interval($5, $4) w",
				lengthof(types), types, values, stratum->value ? "     " : " n   ");
	}
}

/* Appends what was found, and what is no longer there. */
static void
write_events(SweepTable *sweep, int64 run_id, const SweepChoice *choice)
{
	FoundSink  *sink = sweep->sink;
	Oid			types[] = {INT8OID, OIDOID, INT8ARRAYOID};
	Datum	   *ids = palloc((sweep->nrules + 1) * sizeof(Datum));
	int			nids = 0;
	Datum		values[lengthof(types)];

	/* where a rule failed, nothing is known of the rows it did not see */
	for (int i = 0; i < sweep->nrules; i++)
	{
		if (sweep->rules[i].selected && !sweep->rules[i].failed)
			ids[nids++] = Int64GetDatum(sweep->rules[i].rule->id);
	}
	values[0] = Int64GetDatum(run_id);
	values[1] = ObjectIdGetDatum(sweep->target);
	values[2] = PointerGetDatum(construct_array(ids, nids, INT8OID, 8,
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	crm_sweep_register("crmaudit_found", sink->desc, sink->store);
	if (choice)
		crm_sweep_register("crmaudit_judged", crm_sweep_key_desc(), choice->keys);

	/*
	 * What is gone comes first: else the findings would be reckoned with all
	 * that is found now, which makes no difference to it.
	 */
	run_sql(psprintf("INSERT INTO crmaudit.finding_event (rule_id, rule_version, target, row_key, column_name, event, run_id)"
					 " SELECT f.rule_id, f.rule_version, f.target, f.row_key, f.column_name, 'gone', $1"
					 " FROM crmaudit.finding f WHERE f.target = $2 AND f.rule_id = ANY ($3) AND f.status IN ('open', 'acknowledged')"
					 " AND NOT EXISTS (SELECT FROM crmaudit_found n WHERE n.rule_id = f.rule_id AND n.row_key = f.row_key)%s",
					 choice ? " AND f.row_key IN (SELECT j.row_key FROM crmaudit_judged j)" : ""),
			lengthof(types), types, values, NULL);
	run_sql("INSERT INTO crmaudit.finding_event (rule_id, rule_version, target, row_key, column_name, event, verdict, reason, severity, run_id, group_key)"
			" SELECT n.rule_id, n.rule_version, $2, n.row_key, n.column_name, 'seen', n.verdict, n.reason, n.severity::crmaudit.severity, $1, n.group_key"
			" FROM crmaudit_found n WHERE $3 IS NOT NULL",
			lengthof(types), types, values, NULL);
}

/* Writes all that the sweep found; returns the id of its run. */
int64
crm_sweep_write(SweepTable *sweep, const SweepRequest *request,
				const SweepChoice *choice)
{
	ScoreBaseline baseline = {0};
	DqScore		score;
	int			security;
	int			guc_level = NewGUCNestLevel();
	Oid			userid;

	crm_sweep_progress_phase(sweep->progress, SWEEP_WRITING);
	crm_sweep_sums_baseline(sweep, &baseline);
	crm_tally_score(sweep->ruleset, sweep->full_tally, &score);
	userid = own_tables(&security);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);

	/*
	 * of what is found there are no statistics: do not guess that it is
	 * little
	 */
	(void) set_config_option("enable_nestloop", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	/* nor take more for what is found than work_mem */
	(void) set_config_option("hash_mem_multiplier", "1", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	baseline.run_id = write_run(sweep, request, &score);
	write_run_rules(sweep, request, baseline.run_id,
					strcmp(request->status, "sample") == 0);
	if (choice && strcmp(request->status, "sample") == 0)
		write_strata(baseline.run_id, choice);
	write_events(sweep, baseline.run_id, choice);
	SPI_finish();
	if (request->is_full)
		crm_score_store_baseline(sweep->ruleset, &baseline, sweep->snapshot);
	AtEOXact_GUC(true, guc_level);
	SetUserIdAndSecContext(userid, security);
	return baseline.run_id;
}
