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
#include "rules/rule_value.h"
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
	CrmReason	reason;
	int			self;			/* reference to its own table: index into the
								 * rule's columns of what is referenced */
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

/* Prepares the probe: as many related rows as there must be. */
static void
related_prepare(const Rule *rule, const RelatedState *state,
				const RuleSet *ruleset)
{
	ProbeSql	sql;

	crm_probe_sql_begin(&sql);
	appendStringInfo(&sql.text, "SELECT 1 FROM %s AS this_row WHERE ",
					 state->table.name);
	for (int i = 0; i < state->npairs; i++)
	{
		const ColumnPair *pair = &state->pairs[i];

		if (i > 0)
			appendStringInfoString(&sql.text, " AND ");
		generate_operator_clause(&sql.text,
								 psprintf("this_row.%s",
										  quote_identifier(pair->other_name)),
								 pair->other_type, pair->equality,
								 crm_probe_sql_arg(&sql, pair->own_type),
								 pair->own_type);
	}
	sql.has_conditions = state->condition != NULL;
	if (state->condition)
		appendStringInfo(&sql.text, " AND (%s)", state->condition);
	appendStringInfo(&sql.text, " LIMIT %d", state->min);
	crm_probe_prepare(state->probe, ruleset, &sql);
}

/* Adds the row's value of a pair; false if it is NULL. */
static bool
pair_arg(const Rule *rule, const ColumnPair *pair, TupleTableSlot *slot,
		 ProbeArgs *args)
{
	const RuleColumn *column = &rule->columns[pair->own];
	const char *data;
	int			length;

	if (column->npath == 0)
	{
		if (slot->tts_isnull[column->attnum - 1])
			return false;
		crm_probe_arg(args, slot->tts_values[column->attnum - 1], false);
		return true;
	}
	if (!crm_column_text(column, slot, &data, &length))
		return false;
	crm_probe_arg_text(args, data, length);
	return true;
}

/* Whether a row of a tree refers to itself. */
static bool
refers_to_itself(const Rule *rule, const RelatedState *state,
				 TupleTableSlot *slot)
{
	const char *own;
	const char *other;
	int			own_length;
	int			other_length;

	return state->self >= 0 &&
		crm_column_text(&rule->columns[0], slot, &own, &own_length) &&
		crm_column_text(&rule->columns[state->self], slot, &other,
						&other_length) &&
		own_length == other_length && memcmp(own, other, own_length) == 0;
}

/* Of both kinds; they differ in what NULL means. */
static RuleOutcome
related_eval(const Rule *rule, const RuleRow *row)
{
	const RelatedState *state = rule->state;
	ProbeArgs	args;

	if (!crm_probe_is_prepared(state->probe))
		related_prepare(rule, state, row->ruleset);
	crm_probe_args_begin(state->probe, &args);
	for (int i = 0; i < state->npairs; i++)
	{
		if (!pair_arg(rule, &state->pairs[i], row->slot, &args))
			return state->reason == CRM_REASON_NO_REFERENCE ? RULE_SKIP :
				RULE_OUTCOME(RULE_FAILED, state->reason);
	}
	if (refers_to_itself(rule, state, row->slot) ||
		crm_probe_run(state->probe, row->ruleset, &args,
					  state->min) >= state->min)
		return RULE_PASS;
	return RULE_OUTCOME(RULE_FAILED, state->reason);
}

/* Looks for an index to probe; without one only sweeps evaluate the rule. */
static void
related_compile_probe(RuleCompile *context, Rule *rule, RelatedState *state)
{
	char	   *missing = NULL;
	char	  **names = palloc(state->npairs * sizeof(char *));
	Oid		   *operators = palloc(state->npairs * sizeof(Oid));
	bool		found;

	for (int i = 0; i < state->npairs; i++)
	{
		names[i] = state->pairs[i].other_name;
		operators[i] = state->pairs[i].equality;
	}
	found = crm_probe_match_columns(context, rule, state->table.relid, names,
									operators, state->npairs, &missing);
	crm_rule_set_probe(rule, found, missing);
	state->probe = crm_probe_create();
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
	state->reason = CRM_REASON_NO_REFERENCE;
	state->self = state->table.relid == context->target ?
		crm_rule_add_column(context, rule, state->pairs[0].other_name) : -1;
	rule->state = state;
	related_compile_probe(context, rule, state);
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
	state->reason = CRM_REASON_NO_RELATED;
	state->self = -1;
	rule->state = state;
	related_compile_probe(context, rule, state);
}

/* Contract in rule_value.h. */
const char *
crm_rule_other_table(const Rule *rule)
{
	const RelatedState *state = rule->state;

	return get_rel_name(state->table.relid);
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
	reference_compile, related_eval, false, &reference_set
};

const RuleKind crm_kind_has_related = {
	"has_related", LEVEL_SET, 0, -1, related_params, CRM_COMPLETENESS,
	"a NULL key has no related rows",
	"there are related rows in {table}", "在 {table} 中有相关记录",
	has_related_compile, related_eval, false, &has_related_set
};
