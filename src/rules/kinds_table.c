/*-------------------------------------------------------------------------
 *
 * kinds_table.c
 *		Kinds that say something of a table as a whole: freshness, row_count,
 *		null_fraction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "rules/rule_sql.h"
#include "rules/rules_private.h"
#include "rules/set_kind.h"

/* Bounds of a row count; -1 if open. */
typedef struct CountState
{
	int64		min;
	int64		max;
} CountState;

typedef struct FractionState
{
	double		max;
} FractionState;

static const RuleParam freshness_params[] = {
	{"interval", PARAM_INTERVAL, true},
	{NULL}
};

static const RuleParam count_params[] = {
	{"min", PARAM_INTEGER, false},
	{"max", PARAM_INTEGER, false},
	{NULL}
};

static const RuleParam fraction_params[] = {
	{"max", PARAM_SCALAR, true},
	{NULL}
};

/* The interval, as SQL of a fixed form. */
static void
freshness_compile(RuleCompile *context, Rule *rule)
{
	char	   *text = crm_param_text(context->source, "interval");
	Datum		interval = crm_param_read(context->source, "interval", text,
										  INTERVALOID);

	crm_column_require_date(context, rule, 0);
	if (DatumGetBool(DirectFunctionCall2(interval_le, interval,
										 DirectFunctionCall3(interval_in,
															 CStringGetDatum("0"),
															 ObjectIdGetDatum(InvalidOid),
															 Int32GetDatum(-1)))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"interval\" must be greater than zero")));
	rule->state = text;
}

/*
 * The latest value that is not in the future, which would hide that nothing
 * comes any more.  A date counts as fresh as long as any hour of it is.
 */
static char *
freshness_query(const Rule *rule, const RuleSet *ruleset, const char *source)
{
	const RuleColumn *column = &rule->columns[0];
	char	   *value = crm_sql_column(column, "this_row");
	char	   *now = "pg_catalog.now()";
	char	   *since = psprintf("(%s " CRM_SQL_OP("-") " %s::pg_catalog.interval)",
								 now, quote_literal_cstr(rule->state));
	bool		is_day = column->value_class == VALUE_DATE;

	if (crm_column_is_text(column))
	{
		value = psprintf("crmaudit.read_date((%s)::pg_catalog.text)", value);
		is_day = true;
	}
	if (is_day)
		since = psprintf("%s::pg_catalog.date", since);
	return psprintf("SELECT NULL::pg_catalog.oid AS tableoid, NULL::pg_catalog.tid AS ctid,\n"
					"\t'invalid' AS verdict, 'not_fresh' AS reason, NULL::pg_catalog.text AS group_value\n"
					"FROM (SELECT pg_catalog.max(v.value) AS latest\n"
					"\tFROM (SELECT %s AS value FROM %s) AS v\n"
					"\tWHERE v.value " CRM_SQL_OP("<=") " %s) AS f\n"
					"WHERE f.latest " CRM_SQL_OP("<") " %s",
					value, source, now, since);
}

static void
row_count_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	CountState *state = palloc(sizeof(CountState));

	if (crm_param(source, "min") == NULL && crm_param(source, "max") == NULL)
		crm_param_either_error("row_count", "min", "max");
	for (int i = 0; i < 2; i++)
	{
		const char *name = i == 0 ? "min" : "max";

		if (crm_param_int(source, name, 0) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"%s\" of rule kind \"%s\" must not be negative",
							name, "row_count")));
	}
	state->min = crm_param_int(source, "min", -1);
	state->max = crm_param_int(source, "max", -1);
	if (state->min >= 0 && state->max >= 0 && state->min > state->max)
		crm_param_bounds_error();
	rule->state = state;
}

static RuleOutcome
row_count_judge(const Rule *rule, int64 rows, int64 counted)
{
	const CountState *state = rule->state;

	if (state->min >= 0 && rows < state->min)
		return RULE_FAIL(TOO_FEW_ROWS);
	if (state->max >= 0 && rows > state->max)
		return RULE_FAIL(TOO_MANY_ROWS);
	return RULE_PASS;
}

static void
null_fraction_compile(RuleCompile *context, Rule *rule)
{
	FractionState *state = palloc(sizeof(FractionState));
	JsonbValue *max = crm_param(context->source, "max");

	state->max = max->type != jbvNumeric ? -1 :
		DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
										   NumericGetDatum(max->val.numeric)));
	if (!(state->max >= 0 && state->max <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"max\" of rule kind \"null_fraction\" must be a number from 0 to 1"),
				 errhint("For 5 percent write 0.05.")));
	rule->state = state;
}

/* NULL is what it is about, so that rows with one are assessed too. */
static bool
null_fraction_assesses(const Rule *rule, const RuleRow *row)
{
	return true;
}

static bool
null_fraction_counts(const Rule *rule, const RuleRow *row)
{
	const RuleColumn *column = &rule->columns[0];
	const char *data;
	int			length;
	bool		isnull;

	if (column->npath > 0)
		return !crm_column_text(column, row->slot, &data, &length);
	(void) crm_column_datum(column, row->slot, &isnull);
	return isnull;
}

static RuleOutcome
null_fraction_judge(const Rule *rule, int64 rows, int64 counted)
{
	const FractionState *state = rule->state;

	if (rows == 0)
		return RULE_SKIP;
	/* 0.29 of 100 rows are 28.999999999999996 */
	return counted > state->max * rows * (1 + 1e-12) ?
		RULE_FAIL(TOO_MANY_NULLS) : RULE_PASS;
}

static const SetKind freshness_set = {.query = freshness_query};
static const SetKind row_count_set = {.judge = row_count_judge};
static const SetKind null_fraction_set = {
	.assesses = null_fraction_assesses,
	.judge = null_fraction_judge,
	.counts = null_fraction_counts
};

const RuleKind crm_kind_freshness = {
	"freshness", LEVEL_TABLE, 1, 1, freshness_params, CRM_TIMELINESS,
	"NULL is passed over",
	"the latest {columns} is not older than {interval}",
	"最新的 {columns} 距今不超过 {interval}",
	freshness_compile, NULL, true, &freshness_set
};

const RuleKind crm_kind_row_count = {
	"row_count", LEVEL_TABLE, 0, 0, count_params, CRM_COMPLETENESS,
	"not concerned",
	"the table has {min} to {max} rows", "表的行数在 {min} 到 {max} 之间",
	row_count_compile, NULL, false, &row_count_set
};

const RuleKind crm_kind_null_fraction = {
	"null_fraction", LEVEL_TABLE, 1, 1, fraction_params, CRM_COMPLETENESS,
	"counts NULL",
	"at most {max} of {columns} is NULL", "{columns} 的空值比例不超过 {max}",
	null_fraction_compile, NULL, false, &null_fraction_set
};
