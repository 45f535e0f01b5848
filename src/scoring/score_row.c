/*-------------------------------------------------------------------------
 *
 * score_row.c
 *		violations(), score() and the measures of a table: rules evaluated on
 *		rows as they stand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "rules/rules_private.h"
#include "scoring/row_judge.h"
#include "scoring/row_scan.h"
#include "scoring/score_live.h"

PG_FUNCTION_INFO_V1(crmaudit_violations);
PG_FUNCTION_INFO_V1(crmaudit_score);
PG_FUNCTION_INFO_V1(crmaudit_measure_table);
PG_FUNCTION_INFO_V1(crmaudit_measure_columns);

/* Raises the error of an argument that is no row of a protected table. */
static void
refuse_row(const char *function)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("argument of %s() must be a row of a protected table",
					function),
			 errhint("For example: SELECT crmaudit.%s(t) FROM crm.customer AS t;",
					 function)));
}

/* Prepares to judge rows of a table, in the current memory context. */
RowJudge *
crm_judge_create(Relation rel, RuleSet *ruleset)
{
	RowJudge   *judge = palloc(sizeof(RowJudge));

	judge->ruleset = ruleset;
	judge->serial = ruleset->serial;
	judge->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(rel)),
										   &TTSOpsHeapTuple);
	judge->score = crm_row_score_create(ruleset);
	judge->outcomes = palloc0((ruleset->nrules + 1) * sizeof(RuleOutcome));
	judge->owner = crm_relation_owner(ruleset->target);
	return judge;
}

/*
 * Rules are evaluated with the rights of the table's owner: who writes a row
 * trusts him, as with a CHECK, but who reads a score lends him nothing.  An
 * error restores the rights with the transaction.
 */
void
crm_judge_enter(RowJudge *judge)
{
	GetUserIdAndSecContext(&judge->userid, &judge->security);
	SetUserIdAndSecContext(judge->owner,
						   judge->security | SECURITY_RESTRICTED_OPERATION);
}

void
crm_judge_leave(RowJudge *judge)
{
	SetUserIdAndSecContext(judge->userid, judge->security);
}

/* Puts a composite datum's row into the judge's slot. */
void
crm_judge_set_row(RowJudge *judge, HeapTupleHeader header, HeapTuple tuple)
{
	tuple->t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple->t_self);
	tuple->t_tableOid = judge->ruleset->relid;
	tuple->t_data = header;
	ExecStoreHeapTuple(tuple, judge->slot, false);
	slot_getsomeattrs(judge->slot, judge->slot->tts_tupleDescriptor->natts);
	crm_ruleset_begin_row(judge->ruleset);
}

/* Whether the rule says something of a row by itself. */
static bool
rule_judges_rows(const Rule *rule)
{
	return rule->broken == NULL && rule->kind_level_row;
}

/*
 * Evaluates all rules about a row by itself on the row in the slot, into
 * judge->outcomes and judge->score; returns false if the row does not count.
 */
bool
crm_judge_row(RowJudge *judge)
{
	RuleSet    *ruleset = judge->ruleset;
	RuleRow		row = {judge->slot, NULL, ruleset};
	bool		is_live;

	crm_row_score_begin(ruleset, judge->score);
	crm_judge_enter(judge);
	is_live = crm_ruleset_live_guarded(ruleset, &row);
	for (int i = 0; is_live && i < ruleset->nrules; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		if (rule_judges_rows(rule))
		{
			judge->outcomes[i] = crm_rule_eval_guarded(rule, &row);
			crm_row_score_add(rule, judge->outcomes[i], judge->score);
		}
		else if (rule->broken)
		{
			judge->score->evaluations++;
			judge->score->errors++;
		}
	}
	crm_judge_leave(judge);
	return is_live;
}

/* The row that is the argument; what "anyelement" took may be anything. */
static HeapTupleHeader
row_argument(FunctionCallInfo fcinfo, const char *function)
{
	Oid			typid = get_fn_expr_argtype(fcinfo->flinfo, 0);

	if (!OidIsValid(typid) || !type_is_rowtype(typid))
		refuse_row(function);
	return PG_GETARG_HEAPTUPLEHEADER(0);
}

/*
 * Opens the table whose row type the composite argument has.  The judge is
 * kept for the statement, unless the rules change.
 */
static RowJudge *
judge_of_row(FunctionCallInfo fcinfo, HeapTupleHeader header,
			 const char *function)
{
	RowJudge   *judge = fcinfo->flinfo->fn_extra;
	Oid			relid = get_typ_typrelid(HeapTupleHeaderGetTypeId(header));
	Relation	rel;
	RuleSet    *ruleset;
	MemoryContext old;

	if (!OidIsValid(relid))
		refuse_row(function);
	rel = table_open(relid, AccessShareLock);
	ruleset = crm_ruleset_lookup(rel);
	if (ruleset == NULL)
		refuse_row(function);
	if (judge == NULL || judge->serial != ruleset->serial)
	{
		old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		judge = crm_judge_create(rel, ruleset);
		fcinfo->flinfo->fn_extra = judge;
		MemoryContextSwitchTo(old);
	}
	table_close(rel, AccessShareLock);
	return judge;
}

/* A row of violations(), one for each column of the rule. */
static void
put_violation(ReturnSetInfo *rsinfo, const Rule *rule, RuleOutcome outcome,
			  const char *column)
{
	Datum		values[8];
	bool		nulls[8] = {false};

	values[0] = Int64GetDatum(rule->id);
	values[1] = CStringGetTextDatum(rule->name);
	nulls[2] = column == NULL;
	values[2] = column ? CStringGetTextDatum(column) : (Datum) 0;
	values[3] = DirectFunctionCall2(enum_in,
									CStringGetDatum(crm_severity_names[crm_outcome_severity(rule, outcome)]),
									ObjectIdGetDatum(TupleDescAttr(rsinfo->setDesc, 3)->atttypid));
	values[4] = CStringGetTextDatum(crm_dimension_names[rule->dimension]);
	values[5] = CStringGetTextDatum(outcome.state == RULE_ERROR ? "error" :
									outcome.state == RULE_SUSPECT ? "suspect" : "invalid");
	values[6] = CStringGetTextDatum(crm_reason_words[outcome.reason].code);
	values[7] = CStringGetTextDatum(rule->message ? rule->message :
									crm_reason_text(outcome.reason));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * crmaudit.violations(anyelement): what is wrong with a row, a line for each
 * rule and column.
 */
Datum
crmaudit_violations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HeapTupleHeader header = row_argument(fcinfo, "violations");
	RowJudge   *judge = judge_of_row(fcinfo, header, "violations");
	HeapTupleData tuple;
	RuleRow		row;
	bool		is_live;

	InitMaterializedSRF(fcinfo, 0);
	crm_judge_set_row(judge, header, &tuple);
	row.slot = judge->slot;
	row.old = NULL;
	row.ruleset = judge->ruleset;
	crm_judge_enter(judge);
	is_live = crm_ruleset_live_guarded(judge->ruleset, &row);
	for (int i = 0; is_live && i < judge->ruleset->nrules; i++)
	{
		const Rule *rule = &judge->ruleset->rules[i];
		RuleOutcome outcome;

		if (!rule_judges_rows(rule))
			continue;
		outcome = crm_rule_eval_guarded(rule, &row);
		if (!crm_outcome_violates(outcome))
			continue;
		for (int j = 0; j < rule->ncolumns; j++)
			put_violation(rsinfo, rule, outcome, rule->columns[j].spec);
		if (rule->ncolumns == 0)
			put_violation(rsinfo, rule, outcome, NULL);
	}
	crm_judge_leave(judge);
	return (Datum) 0;
}

/*
 * crmaudit.score(anyelement): the score of a row; "-" if nothing was assessed
 * or the row does not count.
 */
Datum
crmaudit_score(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header = row_argument(fcinfo, "score");
	RowJudge   *judge = judge_of_row(fcinfo, header, "score");
	HeapTupleData tuple;
	DqScore    *result = palloc(sizeof(DqScore));

	crm_judge_set_row(judge, header, &tuple);
	(void) crm_judge_row(judge);
	crm_row_score_finish(judge->ruleset, judge->score, result);
	if (result->parts[0] == DQSCORE_NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/* A measure of a table under way. */
typedef struct Measuring
{
	RowJudge   *judge;
	ScoreTally *measure;
} Measuring;

static void
measure_row(void *argument, HeapTupleHeader header)
{
	Measuring  *measuring = argument;
	RowJudge   *judge = measuring->judge;
	HeapTupleData tuple;

	crm_judge_set_row(judge, header, &tuple);
	if (crm_judge_row(judge))
		crm_tally_add_row(measuring->measure, judge->score,
						  judge->ruleset->ncells, 1);
	ExecClearTuple(judge->slot);
}

/* Scans a table, and gathers its measures in the current memory context. */
static ScoreTally *
measure_scan(Relation rel, RowJudge *judge)
{
	Measuring	measuring = {judge, crm_tally_create(judge->ruleset->ncells)};

	crm_scan_rows(rel, measure_row, &measuring);
	return measuring.measure;
}

/* Opens the protected table of the first argument, or raises an error. */
static Relation
measure_open(FunctionCallInfo fcinfo, RowJudge **judge)
{
	RuleSet    *ruleset;
	Relation	rel = crm_scan_open(PG_GETARG_OID(0), &ruleset);

	*judge = crm_judge_create(rel, ruleset);
	return rel;
}

/* A ratio as numeric with four decimals, rounded down: 1 is all of them; false if there is nothing to share. */
bool
crm_ratio_datum(int64 part, int64 whole, Datum *datum)
{
	if (whole == 0)
		return false;
	*datum = DirectFunctionCall3(numeric_in,
								 CStringGetDatum(psprintf("%d.%04d", (int) (part / whole),
														  (int) (part % whole * 10000 / whole))),
								 ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	return true;
}

/* The score of a cell, from 0 to 100, with four decimals. */
bool
crm_cell_score_datum(int64 lost, int64 assessed, Datum *datum)
{
	double		score;

	if (assessed <= 0)
		return false;
	score = 100 - 100.0 * lost / (CRM_RISK_UNITS * (double) assessed);
	*datum = DirectFunctionCall3(numeric_in,
								 CStringGetDatum(psprintf("%.4f", score)),
								 ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	return true;
}

/*
 * crmaudit.measure_table(target regclass): rows, score, clean-row rate and
 * coverage of a table as it is now, by a scan of it.
 */
Datum
crmaudit_measure_table(PG_FUNCTION_ARGS)
{
	RowJudge   *judge;
	Relation	rel = measure_open(fcinfo, &judge);
	ScoreTally *measure = measure_scan(rel, judge);
	DqScore		score;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false};

	crm_tally_score(judge->ruleset, measure, &score);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(measure->rows);
	values[1] = PointerGetDatum(&score);
	nulls[1] = score.parts[0] == DQSCORE_NULL;
	nulls[2] = !crm_ratio_datum(measure->clean, measure->rows, &values[2]);
	nulls[3] = !crm_ratio_datum(measure->evaluations - measure->errors,
								measure->evaluations, &values[3]);
	table_close(rel, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/*
 * crmaudit.measure_columns(target regclass): a row per column and dimension.
 */
Datum
crmaudit_measure_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RowJudge   *judge;
	Relation	rel = measure_open(fcinfo, &judge);
	ScoreTally *measure = measure_scan(rel, judge);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < judge->ruleset->ncells; i++)
	{
		const ScoreCell *cell = &judge->ruleset->cells[i];
		Datum		values[5];
		bool		nulls[5] = {false};
		int64		assessed = measure->assessed[i];

		values[0] = CStringGetTextDatum(cell->column);
		values[1] = CStringGetTextDatum(crm_dimension_names[cell->dimension]);
		values[2] = Int64GetDatum(assessed);
		values[3] = Int64GetDatum(measure->failed[i]);
		nulls[4] = !crm_cell_score_datum(measure->lost[i], assessed, &values[4]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	table_close(rel, AccessShareLock);
	return (Datum) 0;
}
