/*-------------------------------------------------------------------------
 *
 * kinds_staff.c
 *		The kind not_staff_contact: a customer's contact that is that of
 *		staff, an agency, its staff, or a relative of them (D5).
 *
 * The tables that hold those contacts are named by the rule, or mapped for
 * the whole database in crmaudit.staff_source.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "json_object.h"
#include "rules/probe.h"
#include "rules/set_rule.h"

static const RuleParam staff_params[] = {
	{"staff", PARAM_OBJECTS, false},
	{"type", PARAM_TEXT, false},
	{"region", PARAM_TEXT, false},
	{NULL}
};

/* Whose contact it is, and what a customer who has it is told of. */
static const struct
{
	const char *relation;
	CrmReason	reason;
}			relations[] = {
	{"self", CRM_REASON_STAFF_CONTACT},
	{"agency", CRM_REASON_AGENCY_CONTACT},
	{"agency staff", CRM_REASON_AGENCY_STAFF_CONTACT},
	{"relative", CRM_REASON_RELATIVE_CONTACT}
};

/* A column that holds contacts of staff. */
typedef struct StaffColumn
{
	OtherTable	table;
	char	   *column;
	AttrNumber	attnum;
	Oid			type;			/* below domains */
	CrmReason	reason;
	ProbeMatch	match;
	Probe	   *probe;
} StaffColumn;

typedef struct StaffState
{
	CrmNormalForm form;
	int			ncolumns;
	StaffColumn *columns;
} StaffState;

static bool
staff_group_value(const Rule *rule, const RuleRow *row, const char **data,
				  int *length)
{
	const StaffState *state = rule->state;

	return crm_column_text(&rule->columns[0], row->slot, data, length) &&
		crm_normal_value(&state->form, *data, *length, data, length);
}

static bool
staff_assesses(const Rule *rule, const RuleRow *row)
{
	const StaffState *state = rule->state;
	const char *data;
	int			length;

	return state->ncolumns > 0 &&
		crm_column_text(&rule->columns[0], row->slot, &data, &length);
}

/* Appends one SELECT of contacts and what they are, in order. */
static void
append_staff(StringInfo sql, const StaffState *state, int i)
{
	const StaffColumn *column = &state->columns[i];

	appendStringInfo(sql, "%sSELECT %d AS ord, ", i > 0 ? " UNION ALL " : "",
					 i);
	crm_append_literal(sql, crm_reason_words[column->reason].code);
	appendStringInfoString(sql, " AS reason, ");
	crm_append_normal(sql, &state->form,
					  psprintf("staff.%s", quote_identifier(column->column)),
					  column->type);
	appendStringInfo(sql, " AS value FROM %s AS staff", column->table.name);
}

/*
 * SetKind.query: a row is told once, by the first column that has its value.
 */
static char *
staff_query(const Rule *rule, const RuleSet *ruleset, const char *source)
{
	const StaffState *state = rule->state;
	StringInfoData sql;
	StringInfoData own;

	initStringInfo(&own);
	crm_append_column(&own, &rule->columns[0], "this_row");
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT customer.tableoid, customer.ctid, 'invalid'::pg_catalog.text AS verdict, staff.reason, customer.value AS group_value "
						   "FROM (SELECT this_row.tableoid, this_row.ctid, ");
	crm_append_normal(&sql, &state->form, own.data, rule->columns[0].typid);
	appendStringInfo(&sql, " AS value FROM %s) AS customer JOIN (SELECT DISTINCT ON (contact.value) contact.value, contact.reason FROM (",
					 source);
	for (int i = 0; i < state->ncolumns; i++)
		append_staff(&sql, state, i);
	if (state->ncolumns == 0)
		appendStringInfoString(&sql, "SELECT 0 AS ord, NULL::pg_catalog.text AS reason, NULL::pg_catalog.text AS value");
	appendStringInfoString(&sql, ") AS contact WHERE contact.value IS NOT NULL ORDER BY contact.value, contact.ord) AS staff "
						   "ON staff.value OPERATOR(pg_catalog.=) customer.value");
	return sql.data;
}

static void
staff_prepare(const StaffState *state, const StaffColumn *column,
			  const RuleSet *ruleset)
{
	ProbeSql	sql;

	crm_probe_sql_begin(&sql);
	appendStringInfo(&sql.text, "SELECT 1 FROM %s AS this_row WHERE ",
					 column->table.name);
	crm_probe_sql_match(&sql, column->match, &state->form,
						psprintf("this_row.%s",
								 quote_identifier(column->column)),
						column->type);
	appendStringInfoString(&sql.text, " LIMIT 1");
	crm_probe_prepare(column->probe, ruleset, &sql);
}

/*
 * Adds the value as one of our types; false if it is none, and therefore in
 * no column of the type.
 */
static bool
staff_arg_typed(const StaffState *state, const StaffColumn *column,
				const char *normal, int length, ProbeArgs *args)
{
	CrmOptions	options = {.want_canonical = true};
	CrmValue	value;
	const char *utf8 = normal;
	Oid			input;
	Oid			ioparam;

	crm_text_to_utf8(&utf8, &length);
	state->form.identifier->check(utf8, length, &options, &value);
	if (!value.is_storable || value.has_extension)
		return false;
	getTypeInputInfo(column->type, &input, &ioparam);
	crm_probe_arg(args, OidInputFunctionCall(input, unconstify(char *, normal),
											 ioparam, -1), false);
	return true;
}

/* Whether a column of staff has the row's value. */
static bool
staff_has(const Rule *rule, const StaffColumn *column, const RuleRow *row,
		  const char *normal, int length)
{
	const StaffState *state = rule->state;
	ProbeArgs	args;

	if (!crm_probe_is_prepared(column->probe))
		staff_prepare(state, column, row->ruleset);
	crm_probe_args_begin(column->probe, &args);
	if (column->match == MATCH_SPELLINGS)
	{
		const char *data;
		int			size;

		(void) crm_column_text(&rule->columns[0], row->slot, &data, &size);
		crm_probe_arg(&args, crm_probe_spellings(&state->form, data, size,
												 normal, length), false);
	}
	else if (column->match == MATCH_NORMAL)
		crm_probe_arg_text(&args, normal, length);
	else if (!staff_arg_typed(state, column, normal, length, &args))
		return false;
	return crm_probe_run(column->probe, row->ruleset, &args, 1) > 0;
}

static RuleOutcome
staff_eval(const Rule *rule, const RuleRow *row)
{
	const StaffState *state = rule->state;
	const char *normal;
	int			length;

	if (!staff_group_value(rule, row, &normal, &length))
		return RULE_SKIP;
	for (int i = 0; i < state->ncolumns; i++)
	{
		if (staff_has(rule, &state->columns[i], row,
					  pnstrdup(normal, length), length))
			return RULE_OUTCOME(RULE_FAILED, state->columns[i].reason);
	}
	return RULE_PASS;
}

/*
 * Looks for indexes to probe: where a column of staff has none, only sweeps
 * evaluate the rule.
 */
static void
staff_compile_probes(RuleCompile *context, Rule *rule, StaffState *state)
{
	char	   *missing = NULL;
	bool		served = true;

	for (int i = 0; i < state->ncolumns && served; i++)
	{
		StaffColumn *column = &state->columns[i];

		column->match = crm_probe_match(context, rule, column->table.relid,
										column->column, &state->form, &missing);
		served = column->match != MATCH_NONE;
		column->probe = crm_probe_create();
	}
	crm_rule_set_probe(rule, served && state->ncolumns > 0, missing);
	if (state->ncolumns == 0)
		rule->no_probe = psprintf("no column with values of type %s is mapped by crmaudit.map_staff()",
								  state->form.type);
}

/* The reason of a relation, or an error that lists all. */
static CrmReason
relation_reason(const char *relation)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(relations); i++)
	{
		if (strcmp(relations[i].relation, relation) == 0)
			return relations[i].reason;
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 relations[i].relation);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("relation of staff \"%s\" does not exist", relation),
			 errhint("Relations are: %s.", names.data)));
}

/*
 * Adds a column of contacts.  Its values become text, for which a type that
 * somebody made could run his code.
 */
static void
staff_add(RuleCompile *context, StaffState *state, const char *table,
		  const char *column, const char *relation)
{
	StaffColumn *staff = &state->columns[state->ncolumns++];

	crm_other_table_find(context, table, &staff->table);
	staff->column = pstrdup(column);
	staff->attnum = crm_other_column(&staff->table, column, &staff->type);
	staff->reason = relation_reason(relation);
	crm_other_table_check(context, &staff->table, &staff->column, 1);
	if (!crm_type_is_trusted(staff->type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("contacts of staff cannot be of type %s: column \"%s\" of relation %s",
						format_type_be(staff->type), column,
						staff->table.name)));
}

/* A member of one of the objects in "staff", which must be a string. */
static char *
staff_member(JsonbContainer *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name,
													 strlen(name), NULL);

	if (value == NULL || value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("each object in parameter \"staff\" must have a string \"%s\"",
						name),
				 errhint("For example: {\"table\": \"staff\", \"column\": \"phone\", \"relation\": \"self\"}.")));
	return crm_json_scalar_text(value);
}

/* Reads the parameter "staff". */
static void
staff_read_param(RuleCompile *context, StaffState *state, JsonbValue *staff)
{
	JsonbContainer *array = staff->val.binary.data;
	uint32		count = JsonContainerSize(array);

	state->columns = palloc0((count + 1) * sizeof(StaffColumn));
	for (uint32 i = 0; i < count; i++)
	{
		JsonbContainer *object =
		getIthJsonbValueFromContainer(array, i)->val.binary.data;

		staff_add(context, state, staff_member(object, "table"),
				  staff_member(object, "column"),
				  staff_member(object, "relation"));
	}
}

/* Takes what is mapped for the whole database, of the rule's type. */
static void
staff_read_mapping(RuleCompile *context, StaffState *state)
{
	List	   *sources = crm_catalog_staff(state->form.type);
	ListCell   *cell;

	state->columns = palloc0((list_length(sources) + 1) * sizeof(StaffColumn));
	foreach(cell, sources)
	{
		StaffSource *source = lfirst(cell);
		char	   *name = get_rel_name(source->relid);

		/* being dropped, or left from a table that was */
		if (name == NULL)
			continue;
		name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(source->relid)),
										  name);
		staff_add(context, state, name, source->column, source->relation);
	}
}

static void
not_staff_contact_compile(RuleCompile *context, Rule *rule)
{
	StaffState *state = palloc0(sizeof(StaffState));
	char	   *type = crm_param_text(context->source, "type");
	const char *own = crm_identifier_type_name(getBaseType(rule->columns[0].typid));
	JsonbValue *staff = crm_param(context->source, "staff");

	crm_normal_form_require(type ? type : own ? own : "text",
							crm_param_text(context->source, "region"),
							&state->form);
	if (staff)
		staff_read_param(context, state, staff);
	else
		staff_read_mapping(context, state);
	rule->group_type = state->form.type;
	rule->group_value = staff_group_value;
	rule->state = state;
	staff_compile_probes(context, rule, state);
}

static const SetKind staff_set = {
	.assesses = staff_assesses,
	.query = staff_query
};

const RuleKind crm_kind_not_staff_contact = {
	"not_staff_contact", LEVEL_SET, 1, 1, staff_params, CRM_ACCURACY,
	"NULL and blank text pass",
	"{columns} is not the contact of staff, an agency or their relatives",
	"{columns} 不是销售人员、代理机构或其亲属的联系方式",
	not_staff_contact_compile, staff_eval, false, &staff_set
};
