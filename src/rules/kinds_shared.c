/*-------------------------------------------------------------------------
 *
 * kinds_shared.c
 *		Kinds about values that rows share: unique, shared_value.
 *
 * Rows are grouped by a value as bytes: the normal form where the rule, or
 * the column's type, says what the value is; else the text of the column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "fixed_output.h"
#include "rules/probe.h"
#include "rules/set_rule.h"

static const RuleParam unique_params[] = {
	{"type", PARAM_TEXT, false},
	{"region", PARAM_TEXT, false},
	{NULL}
};

static const RuleParam shared_params[] = {
	{"max_customers", PARAM_INTEGER, false},
	{"type", PARAM_TEXT, false},
	{"region", PARAM_TEXT, false},
	{"customer", PARAM_TEXT, false},
	{NULL}
};

/* How the text of a column tells equal values. */
typedef enum TextReading
{
	READ_AS_IS,
	READ_LOWER,					/* citext */
	READ_NUMERIC,				/* 1.0 is 1.00 */
	READ_FIXED					/* whatever the session's settings */
} TextReading;

typedef struct SharedState
{
	CrmNormalForm form;
	bool		has_form;
	bool		blank_is_none;	/* shared_value: blank text is no value */
	int			max_customers;
	int			customer;		/* index into the rule's columns, or -1 */
	TextReading *readings;		/* of all columns */
	ProbeMatch	match;
	Probe	   *probe;
} SharedState;

/* How values of a column's type are read. */
static TextReading
column_reading(const RuleColumn *column)
{
	Oid			base = getBaseType(column->typid);

	if (column->npath > 0 || crm_identifier_type_name(base) != NULL)
		return READ_AS_IS;
	if (base == NUMERICOID)
		return READ_NUMERIC;
	if (column->value_class == VALUE_NUMBER)
		return READ_AS_IS;
	if (column->value_class != VALUE_TEXT)
		return READ_FIXED;
	return strcmp(format_type_be(base), "citext") == 0 ||
		strstr(format_type_be(base), ".citext") != NULL ?
		READ_LOWER : READ_AS_IS;
}

/* The value of a column as bytes; false if it is NULL. */
static bool
column_bytes(const RuleColumn *column, TextReading reading,
			 TupleTableSlot *slot, const char **data, int *length)
{
	bool		isnull;
	Datum		datum;

	switch (reading)
	{
		case READ_AS_IS:
			return crm_column_text(column, slot, data, length);
		case READ_LOWER:
			if (!crm_column_text(column, slot, data, length))
				return false;
			*data = str_tolower(*data, *length, DEFAULT_COLLATION_OID);
			break;
		case READ_NUMERIC:
			datum = crm_column_datum(column, slot, &isnull);
			if (isnull)
				return false;
			*data = numeric_normalize(DatumGetNumeric(datum));
			break;
		case READ_FIXED:
			datum = crm_column_datum(column, slot, &isnull);
			if (isnull)
				return false;
			*data = crm_fixed_output(unconstify(FmgrInfo *, &column->output),
									 datum);
			break;
	}
	*length = strlen(*data);
	return true;
}

/* Whether all of it is white space. */
static bool
is_blank_text(const char *data, int length)
{
	CrmNormalForm form = {.kind = NORMAL_TEXT};
	const char *normal;

	/* what begins with an ASCII character that is none is not blank */
	if (length > 0 && data[0] > ' ')
		return false;
	return !crm_normal_value(&form, data, length, &normal, &length);
}

/* The value of one column. */
static bool
single_value(const Rule *rule, const SharedState *state,
			 TupleTableSlot *slot, const char **data, int *length)
{
	if (!column_bytes(&rule->columns[0], state->readings[0], slot, data,
					  length))
		return false;
	if (state->has_form)
		return crm_normal_value(&state->form, *data, *length, data, length);
	return !state->blank_is_none || !is_blank_text(*data, *length);
}

/* The values of several columns, each after its length. */
static bool
joint_value(const Rule *rule, const SharedState *state, TupleTableSlot *slot,
			const char **data, int *length)
{
	StringInfoData joint;

	for (int i = 0; i < rule->ncolumns; i++)
	{
		if (rule->columns[i].npath == 0 &&
			slot->tts_isnull[rule->columns[i].attnum - 1])
			return false;
	}
	initStringInfo(&joint);
	for (int i = 0; i < rule->ncolumns; i++)
	{
		const char *one;
		int			size;

		if (!column_bytes(&rule->columns[i], state->readings[i], slot, &one,
						  &size))
			return false;
		appendBinaryStringInfo(&joint, (char *) &size, sizeof(size));
		appendBinaryStringInfo(&joint, one, size);
	}
	*data = joint.data;
	*length = joint.len;
	return true;
}

/* SetKind.value: what rows are grouped by. */
static bool
shared_group_value(const Rule *rule, const RuleRow *row, const char **data,
				   int *length)
{
	const SharedState *state = rule->state;

	return rule->ncolumns == 1 ?
		single_value(rule, state, row->slot, data, length) :
		joint_value(rule, state, row->slot, data, length);
}

static int
shared_limit(const Rule *rule)
{
	return ((const SharedState *) rule->state)->max_customers;
}

/* SetKind.customer: false where each row is a customer of its own. */
static bool
shared_customer(const Rule *rule, const RuleRow *row, const char **data,
				int *length)
{
	const SharedState *state = rule->state;

	return state->customer >= 0 &&
		column_bytes(&rule->columns[state->customer],
					 state->readings[state->customer], row->slot, data, length);
}

/* Appends that the columns have the row's values, by arguments. */
static void
append_match(ProbeSql *sql, const Rule *rule, const SharedState *state)
{
	for (int i = 0; i < rule->ncolumns; i++)
	{
		StringInfoData column;

		initStringInfo(&column);
		crm_append_column(&column, &rule->columns[i], "this_row");
		if (i > 0)
			appendStringInfoString(&sql->text, " AND ");
		crm_probe_sql_match(sql, state->match, &state->form, column.data,
							rule->columns[i].typid);
	}
}

/*
 * Prepares the probe: other rows with the value, or other customers.  A row
 * that names no customer is one by itself.
 */
static void
shared_prepare(const Rule *rule, const SharedState *state,
			   const RuleSet *ruleset)
{
	ProbeSql	sql;
	StringInfoData customer;

	initStringInfo(&customer);
	crm_probe_sql_begin(&sql);
	if (state->customer < 0)
		appendStringInfoString(&sql.text, "SELECT 1 FROM ");
	else
	{
		crm_append_column(&customer, &rule->columns[state->customer],
						  "this_row");
		appendStringInfo(&sql.text, "SELECT DISTINCT COALESCE('=' OPERATOR(pg_catalog.||) (%s)::pg_catalog.text, "
						 "(this_row.tableoid)::pg_catalog.text OPERATOR(pg_catalog.||) (this_row.ctid)::pg_catalog.text) FROM ",
						 customer.data);
	}
	crm_probe_sql_own_table(&sql, ruleset);
	appendStringInfoString(&sql.text, " WHERE ");
	append_match(&sql, rule, state);
	if (state->customer >= 0)
		appendStringInfo(&sql.text, " AND ((%s)::pg_catalog.text OPERATOR(pg_catalog.<>) %s) IS NOT FALSE",
						 customer.data, crm_probe_sql_arg(&sql, TEXTOID));
	crm_probe_sql_counts(&sql, rule, ruleset);
	appendStringInfo(&sql.text, " LIMIT %d", state->max_customers);
	crm_probe_prepare(state->probe, ruleset, &sql);
}

/* The arguments that append_match() took. */
static void
match_args(const Rule *rule, const SharedState *state, TupleTableSlot *slot,
		   const char *normal, int normal_length, ProbeArgs *args)
{
	const char *data;
	int			length;

	for (int i = 0; i < rule->ncolumns; i++)
	{
		const RuleColumn *column = &rule->columns[i];

		if (state->match == MATCH_NORMAL)
			crm_probe_arg_text(args, normal, normal_length);
		else if (state->match == MATCH_SPELLINGS)
		{
			(void) crm_column_text(column, slot, &data, &length);
			crm_probe_arg(args, crm_probe_spellings(&state->form, data, length,
													normal, normal_length),
						  false);
		}
		else if (column->npath > 0)
		{
			(void) crm_column_text(column, slot, &data, &length);
			crm_probe_arg_text(args, data, length);
		}
		else
			crm_probe_arg(args, slot->tts_values[column->attnum - 1], false);
	}
}

/* Whether too many other rows, or customers, have the row's value. */
static RuleOutcome
shared_eval(const Rule *rule, const RuleRow *row)
{
	const SharedState *state = rule->state;
	ProbeArgs	args;
	const char *normal;
	int			length;

	if (!shared_group_value(rule, row, &normal, &length))
		return RULE_SKIP;
	if (!crm_probe_is_prepared(state->probe))
		shared_prepare(rule, state, row->ruleset);
	crm_probe_args_begin(state->probe, &args);
	match_args(rule, state, row->slot, normal, length, &args);
	if (state->customer >= 0)
	{
		const char *data;
		int			size;

		if (crm_column_text(&rule->columns[state->customer], row->slot, &data,
							&size))
			crm_probe_arg_text(&args, data, size);
		else
			crm_probe_arg(&args, (Datum) 0, true);
	}
	crm_probe_args_own_keys(&args, row);
	if (crm_probe_run(state->probe, row->ruleset, &args,
					  state->max_customers) < state->max_customers)
		return RULE_PASS;
	return RULE_OUTCOME(RULE_FAILED, rule->kind->set->group_reason);
}

/* Looks for an index to probe; without one only sweeps evaluate the rule. */
static void
shared_compile_probe(RuleCompile *context, Rule *rule, SharedState *state)
{
	char	   *missing = NULL;

	if (rule->ncolumns == 1)
		state->match = crm_probe_match(context, rule, context->target,
									   rule->columns[0].spec,
									   state->has_form ? &state->form : NULL,
									   &missing);
	else
	{
		char	  **columns = palloc(rule->ncolumns * sizeof(char *));
		Oid		   *operators = palloc(rule->ncolumns * sizeof(Oid));
		bool		has_path = false;

		for (int i = 0; i < rule->ncolumns; i++)
		{
			columns[i] = rule->columns[i].spec;
			operators[i] = crm_type_equality(getBaseType(rule->columns[i].typid));
			has_path |= rule->columns[i].npath > 0;
		}
		if (!has_path &&
			crm_probe_match_columns(context, rule, context->target, columns,
									operators, rule->ncolumns, &missing))
			state->match = MATCH_EQUAL;
	}
	crm_rule_set_probe(rule, state->match != MATCH_NONE, missing);
	state->probe = crm_probe_create();
}

/* What unique and shared_value have in common. */
static SharedState *
shared_compile_value(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	SharedState *state = palloc0(sizeof(SharedState));
	char	   *type = crm_param_text(source, "type");
	char	   *region = crm_param_text(source, "region");
	const char *own = crm_identifier_type_name(getBaseType(rule->columns[0].typid));

	if (type == NULL && region != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"region\" requires parameter \"type\"")));
	if (type != NULL && rule->ncolumns > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"type\" is about one column, not %d",
						rule->ncolumns)));
	if (type != NULL)
		crm_normal_form_require(type, region, &state->form);
	/* one of our types is normalised already */
	state->has_form = type != NULL &&
		(own == NULL || strcmp(own, type) != 0 || rule->columns[0].npath > 0);
	rule->group_type = type != NULL ? state->form.type :
		own != NULL && rule->ncolumns == 1 ? own : "text";
	rule->group_value = shared_group_value;
	state->max_customers = 1;
	state->customer = -1;
	rule->state = state;
	return state;
}

static void
shared_compile_readings(Rule *rule, SharedState *state)
{
	state->readings = palloc(rule->nallcolumns * sizeof(TextReading));
	for (int i = 0; i < rule->nallcolumns; i++)
		state->readings[i] = column_reading(&rule->columns[i]);
}

static void
unique_compile(RuleCompile *context, Rule *rule)
{
	SharedState *state = shared_compile_value(context, rule);

	shared_compile_readings(rule, state);
	shared_compile_probe(context, rule, state);
}

static void
shared_value_compile(RuleCompile *context, Rule *rule)
{
	SharedState *state = shared_compile_value(context, rule);
	char	   *customer = crm_param_text(context->source, "customer");

	state->max_customers = crm_param_int(context->source, "max_customers", 1);
	if (state->max_customers < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be at least 1",
						"max_customers")));
	state->blank_is_none = true;
	if (customer)
		state->customer = crm_rule_add_column(context, rule, customer);
	shared_compile_readings(rule, state);
	shared_compile_probe(context, rule, state);
}

static const SetKind unique_set = {
	.value = shared_group_value,
	.limit = shared_limit,
	.group_reason = CRM_REASON_NOT_UNIQUE
};

static const SetKind shared_value_set = {
	.value = shared_group_value,
	.limit = shared_limit,
	.customer = shared_customer,
	.group_reason = CRM_REASON_SHARED_VALUE
};

const RuleKind crm_kind_unique = {
	"unique", LEVEL_SET, 1, -1, unique_params, CRM_UNIQUENESS,
	"rows with a NULL pass",
	"{columns} stands in one row only", "{columns} 不重复",
	unique_compile, shared_eval, false, &unique_set
};

const RuleKind crm_kind_shared_value = {
	"shared_value", LEVEL_SET, 1, 1, shared_params, CRM_UNIQUENESS,
	"NULL and blank text pass",
	"{columns} is not shared with other customers",
	"{columns} 不与其他客户共用",
	shared_value_compile, shared_eval, false, &shared_value_set
};
