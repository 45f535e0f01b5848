/*-------------------------------------------------------------------------
 *
 * kinds_related.c
 *		Kinds about rows of another table: reference, has_related.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "json_object.h"
#include "rules/probe.h"
#include "rules/set_rule.h"

static const RuleParam reference_params[] = {
	{"table", PARAM_TEXT, true},
	{"column", PARAM_TEXT, true},
	{NULL}
};

static const RuleParam related_params[] = {
	{"table", PARAM_TEXT, true},
	{"key", PARAM_OBJECT, true},
	{"condition", PARAM_TEXT, false},
	{"min", PARAM_INTEGER, false},
	{NULL}
};

typedef struct RelatedState
{
	OtherTable	table;
	int			npairs;
	ColumnPair *pairs;
	char	   *condition;		/* over a row of the table, or NULL */
	int			min;
	Probe	   *probe;
} RelatedState;

/* Appends "related.a = this_row.b AND ...". */
static void
append_pairs(StringInfo sql, const Rule *rule, const RelatedState *state)
{
	for (int i = 0; i < state->npairs; i++)
	{
		const ColumnPair *pair = &state->pairs[i];
		StringInfoData own;

		initStringInfo(&own);
		crm_append_column(&own, &rule->columns[pair->own], "this_row");
		if (i > 0)
			appendStringInfoString(sql, " AND ");
		generate_operator_clause(sql,
								 psprintf("related.%s",
										  quote_identifier(pair->other_name)),
								 pair->other_type, pair->equality,
								 own.data, pair->own_type);
	}
}

/*
 * Appends the related rows as a FROM item.  The condition names columns
 * without their table, and the row as a whole this_row.
 */
static void
append_related(StringInfo sql, const RelatedState *state)
{
	if (state->condition == NULL)
		appendStringInfo(sql, "%s AS related", state->table.name);
	else
		appendStringInfo(sql,
						 "(SELECT this_row.* FROM %s AS this_row WHERE (%s)) AS related",
						 state->table.name, state->condition);
}

/* What every query of these kinds selects. */
static void
append_select(StringInfo sql, const char *reason, const char *source)
{
	appendStringInfoString(sql, "SELECT this_row.tableoid, this_row.ctid, 'invalid'::pg_catalog.text AS verdict, ");
	crm_append_literal(sql, reason);
	appendStringInfo(sql, " AS reason, NULL::pg_catalog.text AS group_value FROM %s",
					 source);
}

static char *
reference_query(const Rule *rule, const RuleSet *ruleset, const char *source)
{
	const RelatedState *state = rule->state;
	StringInfoData sql;

	initStringInfo(&sql);
	append_select(&sql, crm_reason_words[CRM_REASON_NO_REFERENCE].code,
				  source);
	appendStringInfoString(&sql, " WHERE ");
	crm_append_column(&sql, &rule->columns[0], "this_row");
	appendStringInfo(&sql, " IS NOT NULL AND NOT EXISTS (SELECT FROM %s AS related WHERE ",
					 state->table.name);
	append_pairs(&sql, rule, state);
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

static char *
has_related_query(const Rule *rule, const RuleSet *ruleset,
				  const char *source)
{
	const RelatedState *state = rule->state;
	StringInfoData sql;

	initStringInfo(&sql);
	append_select(&sql, crm_reason_words[CRM_REASON_NO_RELATED].code, source);
	if (state->min == 1)
	{
		appendStringInfoString(&sql, " WHERE NOT EXISTS (SELECT FROM ");
		append_related(&sql, state);
		appendStringInfoString(&sql, " WHERE ");
		append_pairs(&sql, rule, state);
		appendStringInfoChar(&sql, ')');
		return sql.data;
	}
	appendStringInfoString(&sql, " LEFT JOIN (SELECT ");
	for (int i = 0; i < state->npairs; i++)
		appendStringInfo(&sql, "related.%s, ",
						 quote_identifier(state->pairs[i].other_name));
	appendStringInfoString(&sql, "pg_catalog.count(*) AS \"?rows\" FROM ");
	append_related(&sql, state);
	appendStringInfoString(&sql, " GROUP BY ");
	for (int i = 0; i < state->npairs; i++)
		appendStringInfo(&sql, "%s%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&sql, ") AS related ON ");
	append_pairs(&sql, rule, state);
	appendStringInfo(&sql, " WHERE COALESCE(related.\"?rows\", 0) OPERATOR(pg_catalog.<) %d",
					 state->min);
	return sql.data;
}

/* Of has_related: a row whose key is NULL has no related rows. */
static bool
assesses_always(const Rule *rule, const RuleRow *row)
{
	return true;
}

/* Names of the pairs' columns in the other table. */
static char **
other_names(const RelatedState *state)
{
	char	  **names = palloc(state->npairs * sizeof(char *));

	for (int i = 0; i < state->npairs; i++)
		names[i] = state->pairs[i].other_name;
	return names;
}

static void
reference_compile(RuleCompile *context, Rule *rule)
{
	RelatedState *state = palloc0(sizeof(RelatedState));

	crm_other_table_find(context, crm_param_text(context->source, "table"),
						 &state->table);
	state->npairs = 1;
	state->pairs = palloc0(sizeof(ColumnPair));
	crm_column_pair_compile(context, rule, &state->table,
							crm_param_text(context->source, "column"), 0,
							&state->pairs[0]);
	crm_other_table_check(context, &state->table, other_names(state), 1);
	state->min = 1;
	rule->state = state;
}

/* Reads the parameter "key": columns of the other table, and the row's. */
static void
related_compile_key(RuleCompile *context, Rule *rule, RelatedState *state)
{
	JsonbContainer *key = crm_param(context->source, "key")->val.binary.data;
	JsonbIterator *iterator = JsonbIteratorInit(key);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;

	state->pairs = palloc0((JsonContainerSize(key) + 1) * sizeof(ColumnPair));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
		{
			int			own;

			if (value.type != jbvString)
				break;
			own = crm_rule_add_column(context, rule,
									  crm_json_scalar_text(&value));
			crm_column_pair_compile(context, rule, &state->table, name, own,
									&state->pairs[state->npairs++]);
		}
	}
	if (token != WJB_DONE || state->npairs == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"key\" must map columns of relation %s to columns of relation \"%s\"",
						state->table.name,
						RelationGetRelationName(context->rel)),
				 errhint("For example: {\"customer\": \"id\"}.")));
}

static void
has_related_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	RelatedState *state = palloc0(sizeof(RelatedState));

	crm_other_table_find(context, crm_param_text(source, "table"),
						 &state->table);
	related_compile_key(context, rule, state);
	state->min = crm_param_int(source, "min", 1);
	if (state->min < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be at least 1", "min")));
	state->condition = crm_param_text(source, "condition");
	if (state->condition)
	{
		Relation	other = table_open(state->table.relid, NoLock);
		Bitmapset  *attnums = NULL;

		(void) crm_expression_parse(other, RelationGetRelationName(other),
									state->condition, "related condition",
									&attnums);
		table_close(other, NoLock);
	}
	/* a condition may read any column */
	crm_other_table_check(context, &state->table,
						  state->condition ? NULL : other_names(state),
						  state->npairs);
	rule->state = state;
}

static const SetKind reference_set = {
	.query = reference_query
};

static const SetKind has_related_set = {
	.assesses = assesses_always,
	.query = has_related_query
};

const RuleKind crm_kind_reference = {
	"reference", LEVEL_SET, 1, 1, reference_params, CRM_CONSISTENCY,
	"NULL passes",
	"{columns} stands in {table}", "{columns} 存在于 {table}",
	reference_compile, NULL, false, &reference_set
};

const RuleKind crm_kind_has_related = {
	"has_related", LEVEL_SET, 0, -1, related_params, CRM_COMPLETENESS,
	"a NULL key has no related rows",
	"there are related rows in {table}", "在 {table} 中有相关记录",
	has_related_compile, NULL, false, &has_related_set
};
