/*-------------------------------------------------------------------------
 *
 * rule_param.c
 *		Parameters of a rule: a json object, read by name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "json_object.h"
#include "rules/rules_private.h"

/* What the error context says of a parameter's value. */
typedef struct ParamContext
{
	const char *kind;
	const char *name;
} ParamContext;

/* Returns the parameter, or NULL if it is absent or null. */
JsonbValue *
crm_param(const RuleSource *source, const char *name)
{
	JsonbValue *value;

	value = getKeyJsonValueFromContainer(&source->params->root, name,
										 strlen(name), NULL);
	return value == NULL || value->type == jbvNull ? NULL : value;
}

char *
crm_param_text(const RuleSource *source, const char *name)
{
	JsonbValue *value = crm_param(source, name);

	return value ? crm_json_scalar_text(value) : NULL;
}

bool
crm_param_bool(const RuleSource *source, const char *name, bool otherwise)
{
	JsonbValue *value = crm_param(source, name);

	return value ? value->val.boolean : otherwise;
}

int
crm_param_int(const RuleSource *source, const char *name, int otherwise)
{
	JsonbValue *value = crm_param(source, name);

	return value ?
		DatumGetInt32(DirectFunctionCall1(numeric_int4,
										  NumericGetDatum(value->val.numeric)))
		: otherwise;
}

/* Returns the scalars of an array parameter as text; null elements are NULL. */
char	  **
crm_param_texts(const RuleSource *source, const char *name, int *count)
{
	JsonbValue *value = crm_param(source, name);
	JsonbContainer *array;
	char	  **texts;

	*count = 0;
	if (value == NULL)
		return NULL;
	array = value->val.binary.data;
	texts = palloc0((JsonContainerSize(array) + 1) * sizeof(char *));
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
		texts[(*count)++] =
			crm_json_scalar_text(getIthJsonbValueFromContainer(array, i));
	return texts;
}

static void
param_error_context(void *arg)
{
	ParamContext *context = arg;

	errcontext("parameter \"%s\" of rule kind \"%s\"", context->name,
			   context->kind);
}

/*
 * Reads the text of a parameter as a value of the type; an error of the
 * type's input function names the parameter in its context.
 */
Datum
crm_param_read(const RuleSource *source, const char *name, char *text,
			   Oid typid)
{
	ParamContext context = {source->kind, name};
	ErrorContextCallback callback;
	Oid			input;
	Oid			ioparam;
	Datum		value;

	callback.callback = param_error_context;
	callback.arg = &context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	getTypeInputInfo(typid, &input, &ioparam);
	value = OidInputFunctionCall(input, text, ioparam, -1);
	error_context_stack = callback.previous;
	return value;
}

/* Raises the error of a kind that needs one of two parameters. */
void
crm_param_either_error(const char *kind, const char *name, const char *other)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rule kind \"%s\" requires parameter \"%s\" or \"%s\"",
					kind, name, other)));
}

/* Raises the error of bounds between which nothing lies. */
void
crm_param_bounds_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parameter \"min\" is greater than \"max\"")));
}
