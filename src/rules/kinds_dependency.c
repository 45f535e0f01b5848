/*-------------------------------------------------------------------------
 *
 * kinds_dependency.c
 *		Kinds that hold a value against what the other rows say:
 *		functional_dependency, spelling_variant.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "rules/rule_sql.h"
#include "rules/rules_private.h"
#include "rules/set_kind.h"

/* The determined column is behind the rule's own in rule->columns. */
typedef struct DependencyState
{
	double		min_share;
} DependencyState;

/* A number of rows, or a share of them. */
typedef struct Threshold
{
	double		value;
	bool		is_share;
} Threshold;

typedef struct SpellingState
{
	Threshold	frequent;
	Threshold	rare;
} SpellingState;

/*
 * Without parameters a value is frequent that one row in a hundred has, and
 * rare that not more than one in a thousand has.
 */
#define SPELLING_FREQUENT	0.01
#define SPELLING_RARE		0.001

/*
 * Of a small table the shares would be a row or two: so many rows of a value
 * are frequent at least, and so few are rare whatever their share is, if the
 * frequent value has ten times as many.
 */
#define SPELLING_FREQUENT_ROWS	10
#define SPELLING_RARE_ROWS		3
#define SPELLING_RATIO			10

static const RuleParam dependency_params[] = {
	{"determines", PARAM_TEXT, true},
	{"min_share", PARAM_SCALAR, false},
	{NULL}
};

static const RuleParam spelling_params[] = {
	{"frequent", PARAM_SCALAR, false},
	{"rare", PARAM_SCALAR, false},
	{NULL}
};

/* Reads a number; -1 if it is none. */
static double
number_read(const RuleSource *source, const char *name, double otherwise)
{
	JsonbValue *value = crm_param(source, name);

	if (value == NULL)
		return otherwise;
	if (value->type != jbvNumeric)
		return -1;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value->val.numeric)));
}

/* Raises an error unless values of the column can be grouped and compared. */
static void
require_groupable(RuleCompile *context, const RuleColumn *column)
{
	if (crm_sql_equal(column->typid) == NULL)
		crm_column_type_error(context, column,
							  "columns of a type with an operator =");
}

static void
dependency_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	DependencyState *state = palloc(sizeof(DependencyState));
	RuleColumn *determined;

	state->min_share = number_read(source, "min_share", 0.5);
	if (!(state->min_share >= 0.5 && state->min_share < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"min_share\" of rule kind \"%s\" must be a number from 0.5 to less than 1",
						source->kind)));
	rule->columns = repalloc(rule->columns,
							 (rule->ncolumns + 1) * sizeof(RuleColumn));
	determined = &rule->columns[rule->ncolumns];
	crm_column_resolve(context->rel, crm_param_text(source, "determines"),
					   determined);
	rule->attnums = bms_add_member(rule->attnums, determined->attnum);
	rule->is_guarded |= determined->npath > 0 && !determined->is_jsonb;
	for (int i = 0; i <= rule->ncolumns; i++)
	{
		require_groupable(context, &rule->columns[i]);
		if (i < rule->ncolumns &&
			strcmp(rule->columns[i].spec, determined->spec) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" cannot determine itself",
							determined->spec)));
	}
	rule->state = state;
}

/* Rows with a NULL among the columns, or in the determined one, pass. */
static bool
dependency_assesses(const Rule *rule, const RuleRow *row)
{
	for (int i = 0; i <= rule->ncolumns; i++)
	{
		const char *data;
		int			length;
		bool		isnull;

		(void) crm_column_datum(&rule->columns[i], row->slot, &isnull);
		if (isnull)
			return false;
		if (rule->columns[i].npath > 0 &&
			!crm_column_text(&rule->columns[i], row->slot, &data, &length))
			return false;
	}
	return true;
}

/*
 * Counts the pairs of values once, and reads the table again only for the rows
 * of groups with more than one pair.  What most rows of a group say is taken
 * for right, and the others break the rule; where nothing prevails, all of
 * them are suspect, for nobody knows which are right.
 */
static char *
dependency_query(const Rule *rule, const RuleSet *ruleset, const char *source)
{
	const DependencyState *state = rule->state;
	StringInfoData columns;		/* values of a row, named x1, x2, ... y */
	StringInfoData names;		/* x1, x2, ... */
	StringInfoData filled;
	StringInfoData group;
	StringInfoData same;
	StringInfoData sql;

	initStringInfo(&columns);
	initStringInfo(&names);
	initStringInfo(&filled);
	initStringInfo(&group);
	initStringInfo(&same);
	initStringInfo(&sql);
	for (int i = 0; i <= rule->ncolumns; i++)
	{
		const RuleColumn *column = &rule->columns[i];
		char	   *name = i < rule->ncolumns ? psprintf("x%d", i + 1) : "y";
		const char *comma = i > 0 ? ", " : "";

		appendStringInfo(&columns, "%s%s AS %s", comma,
						 crm_column_is_text(column) ?
						 crm_sql_column_text(column, "this_row") :
						 crm_sql_column(column, "this_row"), name);
		appendStringInfo(&filled, "%s%s IS NOT NULL", i > 0 ? " AND " : "", name);
		appendStringInfo(&same, "%sr.%s %s p.%s", i > 0 ? " AND " : "", name,
						 crm_column_is_text(column) ? CRM_SQL_OP("=") :
						 crm_sql_equal(column->typid), name);
		if (i == rule->ncolumns)
			break;
		appendStringInfo(&names, "%s%s", comma, name);
		appendStringInfo(&group, "%s(r.%s)::pg_catalog.text", comma, name);
	}
	appendStringInfo(&sql,
					 "WITH pair AS (\n"
					 "\tSELECT g.*, pg_catalog.max(g.n) OVER same AS most,\n"
					 "\t\tpg_catalog.sum(g.n) OVER same AS total, pg_catalog.count(*) OVER same AS variants\n"
					 "\tFROM (SELECT %s, y, pg_catalog.count(*) AS n\n"
					 "\t\tFROM (SELECT %s FROM %s) AS v\n"
					 "\t\tWHERE %s\n"
					 "\t\tGROUP BY %s, y) AS g\n"
					 "\tWINDOW same AS (PARTITION BY %s)),\n",
					 names.data, columns.data, source, filled.data, names.data,
					 names.data);
	appendStringInfo(&sql,
					 "bad AS MATERIALIZED (\n"
					 "\tSELECT p.*, p.most " CRM_SQL_OP(">") " (%s " CRM_SQL_OP("*") " p.total) AS prevails\n"
					 "\tFROM pair AS p\n"
					 "\tWHERE p.variants " CRM_SQL_OP(">") " 1\n"
					 "\t\tAND (p.n " CRM_SQL_OP("<") " p.most OR NOT p.most " CRM_SQL_OP(">") " (%s " CRM_SQL_OP("*") " p.total)))\n",
					 psprintf("%.17g", state->min_share),
					 psprintf("%.17g", state->min_share));
	appendStringInfo(&sql,
					 "SELECT r.tableoid, r.ctid, CASE WHEN p.prevails THEN 'invalid' ELSE 'suspect' END AS verdict,\n"
					 "\tCASE WHEN p.prevails THEN 'dependency_minority' ELSE 'dependency_unclear' END AS reason,\n"
					 "\tpg_catalog.concat_ws(E'\\x1f', %s) AS group_value\n"
					 "FROM (SELECT tableoid, ctid, %s FROM %s) AS r\n"
					 "JOIN bad AS p ON %s",
					 group.data, columns.data, source, same.data);
	return sql.data;
}

/* Reads a threshold: a share of the rows below 1, a number of rows from 1 on. */
static Threshold
threshold_read(const RuleSource *source, const char *name, double otherwise)
{
	double		value = number_read(source, name, otherwise);

	if (!(value > 0 && (value < 1 || (value == rint(value) && value <= 1e15))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" of rule kind \"%s\" must be a share of the rows, or a number of rows",
						name, source->kind),
				 errhint("0.01 is one row in a hundred, 100 is a hundred rows.")));
	return (Threshold)
	{
		value, value < 1
	};
}

static void
spelling_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	SpellingState *state = palloc(sizeof(SpellingState));

	if (!crm_column_is_text(&rule->columns[0]))
		crm_column_type_error(context, &rule->columns[0], "a text column");
	state->frequent = threshold_read(source, "frequent", SPELLING_FREQUENT);
	state->rare = threshold_read(source, "rare", SPELLING_RARE);
	if (state->frequent.is_share == state->rare.is_share &&
		state->rare.value >= state->frequent.value)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"rare\" must be less than \"frequent\"")));
	rule->state = state;
}

/* A threshold in rows; of "total" rows if it is a share, but "least" of them. */
static char *
threshold_sql(const Threshold *threshold, int least)
{
	if (!threshold->is_share)
		return psprintf("%.0f", threshold->value);
	return psprintf("(SELECT GREATEST(%d, pg_catalog.sum(t.n) " CRM_SQL_OP("*") " %.17g) FROM value AS t)",
					least, threshold->value);
}

/*
 * Values one edit apart have a spelling key in common, so that the join is on
 * equality, and does not compare every rare value with every frequent one.
 */
static char *
spelling_query(const Rule *rule, const RuleSet *ruleset, const char *source)
{
	const SpellingState *state = rule->state;
	char	   *value = crm_sql_column_text(&rule->columns[0], "this_row");
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "WITH value AS MATERIALIZED (\n"
					 "\tSELECT v.value, pg_catalog.count(*) AS n\n"
					 "\tFROM (SELECT %s AS value FROM %s) AS v\n"
					 "\tWHERE v.value IS NOT NULL GROUP BY v.value),\n",
					 value, source);
	appendStringInfo(&sql,
					 "frequent AS (\n"
					 "\tSELECT v.value, v.n, k.key FROM value AS v CROSS JOIN LATERAL pg_catalog.unnest(crmaudit.spelling_keys(v.value)) AS k(key)\n"
					 "\tWHERE v.n " CRM_SQL_OP(">=") " %s),\n"
					 "rare AS (\n"
					 "\tSELECT v.value, v.n, k.key FROM value AS v CROSS JOIN LATERAL pg_catalog.unnest(crmaudit.spelling_keys(v.value)) AS k(key)\n"
					 "\tWHERE v.n " CRM_SQL_OP("<=") " %s),\n",
					 threshold_sql(&state->frequent, SPELLING_FREQUENT_ROWS),
					 threshold_sql(&state->rare, SPELLING_RARE_ROWS));
	appendStringInfo(&sql,
					 "variant AS MATERIALIZED (\n"
					 "\tSELECT DISTINCT ON (r.value) r.value, f.value AS likely\n"
					 "\tFROM rare AS r JOIN frequent AS f ON f.key " CRM_SQL_OP("=") " r.key AND f.n " CRM_SQL_OP("%s") " (r.n " CRM_SQL_OP("*") " %d)\n"
					 "\tWHERE crmaudit.is_spelling_variant(r.value, f.value)\n"
					 "\tORDER BY r.value, f.n DESC, f.value)\n"
					 "SELECT r.tableoid, r.ctid, 'suspect' AS verdict, 'spelling_variant' AS reason, v.likely AS group_value\n"
					 "FROM (SELECT tableoid, ctid, %s AS value FROM %s) AS r\n"
					 "JOIN variant AS v ON v.value " CRM_SQL_OP("=") " r.value",
					 state->rare.is_share ? ">=" : ">",
					 state->rare.is_share ? SPELLING_RATIO : 1, value, source);
	return sql.data;
}

static const SetKind dependency_set = {
	.assesses = dependency_assesses,
	.query = dependency_query
};

static const SetKind spelling_set = {.query = spelling_query};

const RuleKind crm_kind_functional_dependency = {
	"functional_dependency", LEVEL_SET, 1, -1, dependency_params, CRM_CONSISTENCY,
	"rows with a NULL pass",
	"{columns} determines {determines}", "{columns} 决定 {determines}",
	dependency_compile, NULL, false, &dependency_set
};

const RuleKind crm_kind_spelling_variant = {
	"spelling_variant", LEVEL_SET, 1, 1, spelling_params, CRM_VALIDITY,
	"NULL passes",
	"{columns} is not a misspelling of a frequent value",
	"{columns} 不是常见值的误写",
	spelling_compile, NULL, false, &spelling_set
};
