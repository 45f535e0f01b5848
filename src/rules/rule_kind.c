/*-------------------------------------------------------------------------
 *
 * rule_kind.c
 *		The catalogue of rule kinds, and the check of a rule against it.
 *
 * A kind is one RuleKind in a kinds_*.c file; crmaudit.rule_kind is a view
 * over the list below, so that the library is the only place that says what
 * a kind takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "rules/rule_value.h"
#include "json_object.h"
#include "rules/rules_private.h"

const RuleKind *const crm_rule_kinds[] = {
	&crm_kind_required,
	&crm_kind_not_blank,
	&crm_kind_at_least_one_of,
	&crm_kind_format,
	&crm_kind_regex,
	&crm_kind_length,
	&crm_kind_charset,
	&crm_kind_range,
	&crm_kind_in_set,
	&crm_kind_in_list,
	&crm_kind_not_in_list,
	&crm_kind_placeholder,
	&crm_kind_date_order,
	&crm_kind_not_future,
	&crm_kind_max_age,
	&crm_kind_id_matches_birth_date,
	&crm_kind_id_matches_sex,
	&crm_kind_columns_equal,
	&crm_kind_columns_differ,
	&crm_kind_expression,
	&crm_kind_immutable,
	&crm_kind_transition,
	&crm_kind_changed_together,
	&crm_kind_unique,
	&crm_kind_shared_value,
	&crm_kind_not_staff_contact,
	&crm_kind_reference,
	&crm_kind_matches_table,
	&crm_kind_has_related,
	&crm_kind_duplicate,
	&crm_kind_freshness,
	&crm_kind_row_count,
	&crm_kind_null_fraction,
	&crm_kind_distribution
};

const int	crm_rule_kind_count = lengthof(crm_rule_kinds);

/* Parameters that every kind takes. */
static const RuleParam common_params[] = {
	{"timing", PARAM_TEXT, false},
	{"due", PARAM_TEXT, false},
	{"from", PARAM_TEXT, false},
	{"not_after", PARAM_TEXT, false},
	{"verify_by", PARAM_SCALARS, false},
	{NULL}
};

static const char *const level_names[] = {"row", "update", "set", "table"};

static const char *const param_type_names[] = {
	"a string", "an integer", "true or false", "a string or a number",
	"an interval", "an array of strings or numbers",
	"an array of pairs of strings", "an object"
};

PG_FUNCTION_INFO_V1(crmaudit_rule_kinds);

/* Returns the kind of that name, or NULL. */
const RuleKind *
crm_rule_kind_find(const char *name)
{
	for (int i = 0; i < crm_rule_kind_count; i++)
	{
		if (strcmp(crm_rule_kinds[i]->name, name) == 0)
			return crm_rule_kinds[i];
	}
	return NULL;
}

/* Names of all kinds, for a hint. */
static char *
kind_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < crm_rule_kind_count; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 crm_rule_kinds[i]->name);
	return names.data;
}

/* Names of a kind's parameters, for a hint. */
static char *
param_names(const RuleKind *kind)
{
	StringInfoData names;

	initStringInfo(&names);
	for (const RuleParam *param = kind->params; param->name; param++)
		appendStringInfo(&names, "%s, ", param->name);
	for (const RuleParam *param = common_params; param->name; param++)
		appendStringInfo(&names, "%s%s", param == common_params ? "" : ", ",
						 param->name);
	return names.data;
}

static const RuleParam *
param_find(const RuleParam *params, const char *name)
{
	for (; params->name; params++)
	{
		if (strcmp(params->name, name) == 0)
			return params;
	}
	return NULL;
}

/* Whether every element of a json array is a string or a number. */
static bool
array_is_scalars(JsonbContainer *array)
{
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(array, i);

		if (value->type != jbvString && value->type != jbvNumeric)
			return false;
	}
	return true;
}

/* Whether every element is an array of two strings or nulls. */
static bool
array_is_pairs(JsonbContainer *array)
{
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *pair = getIthJsonbValueFromContainer(array, i);

		if (pair->type != jbvBinary ||
			!JsonContainerIsArray(pair->val.binary.data) ||
			JsonContainerSize(pair->val.binary.data) != 2)
			return false;
		for (int j = 0; j < 2; j++)
		{
			JsonbValue *end = getIthJsonbValueFromContainer(pair->val.binary.data, j);

			if (end->type != jbvString && end->type != jbvNull)
				return false;
		}
	}
	return true;
}

/* Whether a number has no fraction, and no more digits than an int4. */
static bool
numeric_is_int4(Numeric number)
{
	Datum		as_double = DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(number));
	double		value = DatumGetFloat8(as_double);

	return value >= PG_INT32_MIN && value <= PG_INT32_MAX &&
		value == floor(value);
}

/* Whether a parameter's value is of the type its kind takes. */
static bool
param_fits(const JsonbValue *value, ParamType type)
{
	JsonbContainer *container;

	switch (type)
	{
		case PARAM_TEXT:
		case PARAM_INTERVAL:
			return value->type == jbvString;
		case PARAM_INTEGER:
			return value->type == jbvNumeric &&
				numeric_is_int4(value->val.numeric);
		case PARAM_BOOLEAN:
			return value->type == jbvBool;
		case PARAM_SCALAR:
			return value->type == jbvString || value->type == jbvNumeric;
		case PARAM_SCALARS:
		case PARAM_PAIRS:
			if (value->type != jbvBinary)
				return false;
			container = value->val.binary.data;
			if (!JsonContainerIsArray(container))
				return false;
			return type == PARAM_PAIRS ? array_is_pairs(container)
				: array_is_scalars(container);
		case PARAM_OBJECT:
			return value->type == jbvBinary &&
				JsonContainerIsObject(value->val.binary.data);
	}
	return false;
}

/* Checks one parameter that a definer gave. */
static void
param_check(const RuleSource *source, const RuleKind *kind, const char *name)
{
	const RuleParam *param = param_find(kind->params, name);
	JsonbValue *value = crm_param(source, name);

	if (param == NULL)
		param = param_find(common_params, name);
	if (param == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule kind \"%s\" has no parameter \"%s\"",
						kind->name, name),
				 errhint("Its parameters are: %s.", param_names(kind))));
	if (value != NULL && !param_fits(value, param->type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" of rule kind \"%s\" must be %s",
						name, kind->name, param_type_names[param->type])));
	if (value != NULL && param->type == PARAM_INTERVAL)
		(void) crm_param_read(source, name, crm_json_scalar_text(value),
							  INTERVALOID);
}

/* Checks the timing that a definer asks for. */
static void
timing_check(const RuleSource *source, const RuleKind *kind)
{
	char	   *timing = crm_param_text(source, "timing");

	if (timing == NULL || strcmp(timing, "write") == 0)
		return;
	if (strcmp(timing, "commit") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule timing \"%s\" does not exist", timing),
				 errhint("Timings are: write, commit.")));
	if (kind->level == LEVEL_UPDATE || kind->level == LEVEL_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rule kind \"%s\" cannot be checked at commit",
						kind->name),
				 errdetail("It is not about a row as it stands.")));
}

/*
 * Checks a rule's number of columns and its parameters against its kind;
 * what depends on the columns' types is left to the kind's compile().
 */
void
crm_rule_kind_check(const RuleSource *source, const RuleKind *kind)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (kind == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule kind \"%s\" does not exist", source->kind),
				 errhint("Rule kinds are: %s.", kind_names())));
	if (source->ncolumns < kind->min_columns ||
		(kind->max_columns >= 0 && source->ncolumns > kind->max_columns))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 kind->max_columns == kind->min_columns ?
				 errmsg_plural("rule kind \"%s\" takes %d column, not %d",
							   "rule kind \"%s\" takes %d columns, not %d",
							   kind->min_columns, kind->name,
							   kind->min_columns, source->ncolumns) :
				 errmsg_plural("rule kind \"%s\" takes at least %d column, not %d",
							   "rule kind \"%s\" takes at least %d columns, not %d",
							   kind->min_columns, kind->name,
							   kind->min_columns, source->ncolumns)));

	iterator = JsonbIteratorInit(&source->params->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			param_check(source, kind, pnstrdup(value.val.string.val,
											   value.val.string.len));
	}
	for (const RuleParam *param = kind->params; param->name; param++)
	{
		if (param->required && crm_param(source, param->name) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("rule kind \"%s\" requires parameter \"%s\"",
							kind->name, param->name),
					 errdetail("It must be %s.",
							   param_type_names[param->type])));
	}
	timing_check(source, kind);
}

/* The kind's parameters as a json object: name to what it must be. */
static Datum
kind_params_datum(const RuleKind *kind)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (const RuleParam *param = kind->params; param->name; param++)
		appendStringInfo(&json, "%s\"%s\": \"%s%s\"",
						 param == kind->params ? "" : ", ", param->name,
						 param_type_names[param->type],
						 param->required ? ", required" : "");
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/*
 * crmaudit.rule_kinds(): a row per kind; the view crmaudit.rule_kind.
 */
Datum
crmaudit_rule_kinds(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < crm_rule_kind_count; i++)
	{
		const RuleKind *kind = crm_rule_kinds[i];
		Datum		values[9];
		bool		nulls[9] = {false};

		values[0] = CStringGetTextDatum(kind->name);
		values[1] = CStringGetTextDatum(level_names[kind->level]);
		values[2] = Int32GetDatum(kind->min_columns);
		values[3] = Int32GetDatum(kind->max_columns);
		nulls[3] = kind->max_columns < 0;
		values[4] = kind_params_datum(kind);
		values[5] = CStringGetTextDatum(crm_dimension_names[kind->dimension]);
		values[6] = CStringGetTextDatum(kind->nulls);
		values[7] = CStringGetTextDatum(kind->english);
		values[8] = CStringGetTextDatum(kind->chinese);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The SQL name of the rule's kind. */
const char *
crm_rule_kind_name(const Rule *rule)
{
	return rule->kind->name;
}
