/*-------------------------------------------------------------------------
 *
 * rule_trial.c
 *		crmaudit.try_rules(): counts what rules would say of a relation's rows,
 *		without defining them.
 *
 * The relation need not be protected.  It is read by a cursor through SPI with
 * the rights of the caller, and SQL in the rules, which is the caller's own,
 * runs with them too.  Only the columns that the rules read are fetched.
 * Rules live in the caller's context; a row's values in one that is reset.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "rules/rules_private.h"

PG_FUNCTION_INFO_V1(crmaudit_try_rules);

/* Rows read at a time. */
#define TRIAL_BATCH		1000

/* A rule on trial, and what it said so far. */
typedef struct TrialRule
{
	Rule		rule;
	int64		assessed;
	int64		failed;
	int64		suspect;
	int64		errors;
} TrialRule;

typedef struct Trial
{
	RuleSet		ruleset;		/* without rules: what they are evaluated in */
	int			nrules;
	TrialRule  *rules;
	Bitmapset  *attnums;		/* that they read */
	int64		rows;
	TupleTableSlot *slot;
	MemoryContext row_context;
} Trial;

/* Raises the error of what is no array of rules. */
static void
refuse_rules(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rules to try must be a json array of objects, each with \"name\" and \"kind\""),
			 errhint("They are written as import_rules() takes them.")));
}

/* The member of a rule, or NULL; null counts as absent. */
static JsonbValue *
member_get(JsonbContainer *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name),
													 NULL);

	return value && value->type == jbvNull ? NULL : value;
}

/* The member as text; NULL if it is absent, an error if it is none. */
static char *
member_text(JsonbContainer *object, const char *name)
{
	JsonbValue *value = member_get(object, name);

	if (value == NULL)
		return NULL;
	if (value->type != jbvString)
		refuse_rules();
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* The member "columns". */
static void
member_columns(JsonbContainer *object, RuleSource *source)
{
	JsonbValue *value = member_get(object, "columns");
	JsonbContainer *array;

	if (value == NULL)
		return;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		refuse_rules();
	array = value->val.binary.data;
	source->ncolumns = JsonContainerSize(array);
	source->columns = palloc((source->ncolumns + 1) * sizeof(char *));
	for (int i = 0; i < source->ncolumns; i++)
	{
		JsonbValue *column = getIthJsonbValueFromContainer(array, i);

		if (column->type != jbvString)
			refuse_rules();
		source->columns[i] = pnstrdup(column->val.string.val,
									  column->val.string.len);
	}
}

/* Reads a rule as import_rules() does; other members do not matter here. */
static void
source_read(const JsonbValue *one, RuleSource *source)
{
	JsonbContainer *object;
	JsonbValue *params;

	memset(source, 0, sizeof(*source));
	if (one->type != jbvBinary || !JsonContainerIsObject(one->val.binary.data))
		refuse_rules();
	object = one->val.binary.data;
	source->name = member_text(object, "name");
	source->kind = member_text(object, "kind");
	if (source->name == NULL || source->kind == NULL)
		refuse_rules();
	source->columns = palloc0(sizeof(char *));
	member_columns(object, source);
	params = member_get(object, "params");
	if (params && (params->type != jbvBinary ||
				   !JsonContainerIsObject(params->val.binary.data)))
		refuse_rules();
	source->params = params ? JsonbValueToJsonb(params) :
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	source->condition = member_text(object, "condition");
	if (source->condition && source->condition[0] == '\0')
		source->condition = NULL;
	source->valid_from = DATEVAL_NOBEGIN;
	source->valid_until = DATEVAL_NOEND;
}

/* Compiles the rules of the array. */
static void
trial_compile(Trial *trial, Relation rel, Jsonb *rules)
{
	JsonbContainer *array = &rules->root;
	RuleCompile context = {rel, RelationGetRelationName(rel), NULL, false, RelationGetRelid(rel), NIL, false};

	if (!JsonContainerIsArray(array) || JsonContainerIsScalar(array))
		refuse_rules();
	trial->nrules = JsonContainerSize(array);
	trial->rules = palloc0((trial->nrules + 1) * sizeof(TrialRule));
	for (int i = 0; i < trial->nrules; i++)
	{
		Rule	   *rule = &trial->rules[i].rule;
		RuleSource *source = palloc(sizeof(RuleSource));

		source_read(getIthJsonbValueFromContainer(array, i), source);
		context.source = source;
		rule->name = source->name;
		crm_rule_compile(&context, rule);
		/* of an UPDATE there is nothing to see in a row */
		if (!rule->kind_level_row)
			rule->eval = NULL;
		if (rule->eval)
			trial->attnums = bms_add_members(trial->attnums, rule->attnums);
	}
}

/* Evaluates the rules on the row in the slot. */
static void
trial_judge(Trial *trial)
{
	RuleRow		row = {trial->slot, NULL, &trial->ruleset};

	crm_ruleset_begin_row(&trial->ruleset);
	for (int i = 0; i < trial->nrules; i++)
	{
		TrialRule  *one = &trial->rules[i];
		RuleOutcome outcome;

		if (one->rule.eval == NULL)
			continue;
		outcome = crm_rule_eval_guarded(&one->rule, &row);
		one->assessed += outcome.state == RULE_PASSED ||
			outcome.state == RULE_SUSPECT || outcome.state == RULE_FAILED;
		one->failed += outcome.state == RULE_FAILED;
		one->suspect += outcome.state == RULE_SUSPECT;
		one->errors += outcome.state == RULE_ERROR;
	}
}

/*
 * Puts the values that were fetched, in the order of their attribute numbers,
 * where the relation has them.
 */
static void
trial_store(Trial *trial, HeapTuple tuple, TupleDesc desc, Datum *values,
			bool *nulls)
{
	int			member = -1;
	int			next = 0;

	heap_deform_tuple(tuple, desc, values, nulls);
	ExecClearTuple(trial->slot);
	while ((member = bms_next_member(trial->attnums, member)) >= 0)
	{
		trial->slot->tts_values[member - 1] = values[next];
		trial->slot->tts_isnull[member - 1] = nulls[next++];
	}
	ExecStoreVirtualTuple(trial->slot);
}

/* Judges the rows that SPI fetched. */
static void
trial_batch(Trial *trial, Datum *values, bool *nulls)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(trial->row_context);

		trial->rows++;
		trial_store(trial, SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values,
					nulls);
		trial_judge(trial);
		MemoryContextSwitchTo(old);
		MemoryContextReset(trial->row_context);
	}
}

/* The query that reads what the rules need; a row is counted without columns. */
static char *
trial_query(Trial *trial, Relation rel)
{
	StringInfoData query;
	int			member = -1;
	const char *separator = "";

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	while ((member = bms_next_member(trial->attnums, member)) >= 0)
	{
		appendStringInfo(&query, "%s%s", separator,
						 quote_identifier(NameStr(TupleDescAttr(RelationGetDescr(rel), member - 1)->attname)));
		separator = ", ";
	}
	appendStringInfo(&query, " FROM %s%s",
					 rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));
	return query.data;
}

static void
trial_scan(Trial *trial, Relation rel)
{
	int			natts = RelationGetDescr(rel)->natts;
	Datum	   *values = palloc((natts + 1) * sizeof(Datum));
	bool	   *nulls = palloc((natts + 1) * sizeof(bool));
	char	   *query = trial_query(trial, rel);
	Portal		portal;

	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, true,
									   CURSOR_OPT_NO_SCROLL);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, TRIAL_BATCH);
		if (SPI_processed == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		trial_batch(trial, values, nulls);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/* What rules are evaluated in, though the relation may not be protected. */
static void
trial_init(Trial *trial, Relation rel)
{
	RuleSet    *ruleset = &trial->ruleset;
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(rel));

	memset(trial, 0, sizeof(*trial));
	ruleset->context = CurrentMemoryContext;
	ruleset->relid = ruleset->target = RelationGetRelid(rel);
	ruleset->target_name = pstrdup(RelationGetRelationName(rel));
	ruleset->econtext = CreateStandaloneExprContext();
	trial->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	memset(trial->slot->tts_isnull, true, desc->natts * sizeof(bool));
	trial->row_context = AllocSetContextCreate(CurrentMemoryContext,
											   "crmaudit trial row",
											   ALLOCSET_DEFAULT_SIZES);
}

/*
 * crmaudit.try_rules(target regclass, rules jsonb): a row for each rule, in
 * their order.
 */
Datum
crmaudit_try_rules(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	Trial		trial;

	InitMaterializedSRF(fcinfo, 0);
	trial_init(&trial, rel);
	trial_compile(&trial, rel, PG_GETARG_JSONB_P(1));
	trial_scan(&trial, rel);
	for (int i = 0; i < trial.nrules; i++)
	{
		const TrialRule *one = &trial.rules[i];
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(one->rule.name);
		values[1] = Int64GetDatum(trial.rows);
		values[2] = Int64GetDatum(one->assessed);
		values[3] = Int64GetDatum(one->failed);
		values[4] = Int64GetDatum(one->suspect);
		values[5] = Int64GetDatum(one->errors);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	FreeExprContext(trial.ruleset.econtext, true);
	ExecDropSingleTupleTableSlot(trial.slot);
	table_close(rel, NoLock);
	return (Datum) 0;
}
