/*-------------------------------------------------------------------------
 *
 * rule_column.c
 *		Columns of a rule: how they are named, found and read.
 *
 * A column is named as it stands in the catalog (no quotes), or is a path
 * into a json or jsonb column: profile->>email, emails->0->>address.  The
 * value of a path is text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

#include "rules/rule_value.h"
#include "rules/rules_private.h"

/* Attribute of that name that a rule may read, or 0. */
static AttrNumber
attribute_find(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped && strcmp(NameStr(attr->attname), name) == 0)
			return attr->attnum;
	}
	return InvalidAttrNumber;
}

/* The attribute's part of a spec: all of it, or what is before "->". */
static char *
spec_attribute(const char *spec)
{
	const char *arrow = strstr(spec, "->");
	int			length = arrow ? arrow - spec : strlen(spec);

	while (length > 0 && spec[length - 1] == ' ')
		length--;
	return pnstrdup(spec, length);
}

/* Names of a relation's columns, for a hint. */
static char *
relation_columns(TupleDesc desc)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped)
			continue;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 NameStr(attr->attname));
	}
	return names.data;
}

/*
 * Returns the attribute number of a column spec in "rel", where a path stands
 * for its json column; raises an error if there is no such column.
 */
AttrNumber
crm_column_attnum(Relation rel, const char *spec)
{
	TupleDesc	desc = RelationGetDescr(rel);
	AttrNumber	attnum = attribute_find(desc, spec);

	if (attnum == InvalidAttrNumber && strstr(spec, "->") != NULL)
		attnum = attribute_find(desc, spec_attribute(spec));
	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						spec_attribute(spec), RelationGetRelationName(rel)),
				 errhint("Its columns are: %s.", relation_columns(desc))));
	return attnum;
}

/* Returns the spec after its column was renamed; itself if it names another. */
char *
crm_column_rename(const char *spec, const char *from, const char *to)
{
	const char *arrow;

	if (strcmp(spec, from) == 0)
		return pstrdup(to);
	arrow = strstr(spec, "->");
	if (arrow != NULL && strcmp(spec_attribute(spec), from) == 0)
		return psprintf("%s%s", to, arrow);
	return pstrdup(spec);
}

/* One step of a path, from "start" up to the next arrow. */
static void
path_step_parse(const char *start, int length, PathStep *step)
{
	while (length > 0 && start[0] == ' ')
	{
		start++;
		length--;
	}
	while (length > 0 && start[length - 1] == ' ')
		length--;
	if (length >= 2 && start[0] == '\'' && start[length - 1] == '\'')
	{
		start++;
		length -= 2;
	}
	step->key = pnstrdup(start, length);
	step->key_length = length;
	start = step->key + (step->key[0] == '-');
	length = strlen(start);
	step->is_index = length > 0 && length < 9 &&
		strspn(start, "0123456789") == (size_t) length;
	if (step->is_index)
		step->index = atoi(step->key);
}

/* Parses the path that follows the attribute in "spec". */
static void
path_parse(const char *spec, RuleColumn *column)
{
	const char *at = strstr(spec, "->");
	int			count = 0;

	for (const char *p = at; p != NULL; p = strstr(p + 2, "->"))
		count++;
	column->path = palloc0(count * sizeof(PathStep));
	while (at != NULL)
	{
		const char *start = at + (at[2] == '>' ? 3 : 2);
		const char *next = strstr(start, "->");
		int			length = next ? next - start : strlen(start);
		PathStep   *step = &column->path[column->npath++];

		path_step_parse(start, length, step);
		if (step->key_length == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column path \"%s\" has an empty step", spec),
					 errhint("A path reads like profile->>email or emails->0->>address.")));
		at = next;
	}
}

/* Sets how values of the type are read. */
static void
column_classify(RuleColumn *column)
{
	Oid			base = getBaseType(column->typid);
	Oid			output;
	bool		is_varlena;

	column->is_bpchar = base == BPCHAROID;
	if (base == DATEOID)
		column->value_class = VALUE_DATE;
	else if (base == TIMESTAMPOID)
		column->value_class = VALUE_TIMESTAMP;
	else if (base == TIMESTAMPTZOID)
		column->value_class = VALUE_TIMESTAMPTZ;
	else if (column->is_bpchar || IsBinaryCoercible(base, TEXTOID))
		column->value_class = VALUE_TEXT;
	else
		column->value_class = TypeCategory(base) == TYPCATEGORY_NUMERIC ?
			VALUE_NUMBER : VALUE_OTHER;
	column->is_plain_text = column->value_class == VALUE_TEXT &&
		!column->is_bpchar && column->npath == 0;
	getTypeOutputInfo(column->typid, &output, &is_varlena);
	fmgr_info(output, &column->output);
}

/* Fills "column" from a spec; raises an error a definer understands. */
void
crm_column_resolve(Relation rel, const char *spec, RuleColumn *column)
{
	AttrNumber	attnum = crm_column_attnum(rel, spec);
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	Oid			base = getBaseType(attr->atttypid);

	if (attr->attgenerated)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot define a rule on generated column \"%s\"",
						NameStr(attr->attname)),
				 errdetail("Its value is computed after the rules are checked."),
				 errhint("Define the rule on the columns that it is computed from.")));

	memset(column, 0, sizeof(*column));
	column->spec = pstrdup(spec);
	column->attnum = attnum;
	column->typid = attr->atttypid;
	column->typmod = attr->atttypmod;
	column->collation = attr->attcollation;
	column->typlen = attr->attlen;
	column->typbyval = attr->attbyval;
	if (strcmp(NameStr(attr->attname), spec) != 0)
	{
		if (base != JSONBOID && base != JSONOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" is not json or jsonb, so it has no path \"%s\"",
							NameStr(attr->attname), spec),
					 errhint("A path leads into a json or jsonb column; its type is %s.",
							 format_type_be(attr->atttypid))));
		path_parse(spec, column);
		column->is_jsonb = base == JSONBOID;
		column->typid = TEXTOID;
		column->typmod = -1;
		column->collation = DEFAULT_COLLATION_OID;
	}
	column_classify(column);
}

bool
crm_column_is_text(const RuleColumn *column)
{
	return column->value_class == VALUE_TEXT;
}

/* Raises the error of a column whose type does not suit the rule's kind. */
void
crm_column_type_error(RuleCompile *context, const RuleColumn *column,
					  const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("rule kind \"%s\" cannot be applied to column \"%s\" of type %s",
					context->source->kind, column->spec,
					format_type_be(column->typid)),
			 errhint("It takes %s.", wanted)));
}

/* Text of a json value; false if it is null. */
static bool
json_value_text(JsonbValue *value, const char **data, int *length)
{
	switch (value->type)
	{
		case jbvNull:
			return false;
		case jbvString:
			*data = value->val.string.val;
			*length = value->val.string.len;
			return true;
		case jbvNumeric:
			*data = DatumGetCString(DirectFunctionCall1(numeric_out,
														NumericGetDatum(value->val.numeric)));
			break;
		case jbvBool:
			*data = value->val.boolean ? "true" : "false";
			break;
		default:
			*data = JsonbToCString(NULL, value->val.binary.data,
								   value->val.binary.len);
	}
	*length = strlen(*data);
	return true;
}

/* Walks the path of a jsonb column; false if it leads nowhere, or to null. */
static bool
jsonb_path_text(const RuleColumn *column, Datum datum, const char **data,
				int *length)
{
	JsonbContainer *container = &DatumGetJsonbP(datum)->root;
	JsonbValue *value = NULL;

	for (int i = 0; i < column->npath; i++)
	{
		const PathStep *step = &column->path[i];

		if (container == NULL)
			return false;
		if (JsonContainerIsObject(container))
			value = getKeyJsonValueFromContainer(container, step->key,
												 step->key_length, NULL);
		else if (JsonContainerIsArray(container) && step->is_index &&
				 !JsonContainerIsScalar(container))
			value = getIthJsonbValueFromContainer(container,
												  step->index + (step->index < 0 ?
																 JsonContainerSize(container) : 0));
		else
			return false;
		if (value == NULL)
			return false;
		container = value->type == jbvBinary ? value->val.binary.data : NULL;
	}
	return value != NULL && json_value_text(value, data, length);
}

/* The same for a json column, through the core function. */
static bool
json_path_text(const RuleColumn *column, Datum datum, const char **data,
			   int *length)
{
	Datum	   *keys = palloc(column->npath * sizeof(Datum));
	Datum		value;
	text	   *result;

	LOCAL_FCINFO(fcinfo, 2);

	for (int i = 0; i < column->npath; i++)
		keys[i] = PointerGetDatum(cstring_to_text(column->path[i].key));
	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = datum;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value =
		PointerGetDatum(construct_array(keys, column->npath, TEXTOID, -1,
										false, TYPALIGN_INT));
	fcinfo->args[1].isnull = false;
	value = json_extract_path_text(fcinfo);
	if (fcinfo->isnull)
		return false;
	result = DatumGetTextPP(value);
	*data = VARDATA_ANY(result);
	*length = VARSIZE_ANY_EXHDR(result);
	return true;
}

/*
 * crm_column_text() of a value that is not plain text; false if a path leads
 * to nothing.
 */
bool
crm_column_convert(const RuleColumn *column, Datum datum, const char **data,
				   int *length)
{
	if (column->npath > 0)
		return column->is_jsonb ?
			jsonb_path_text(column, datum, data, length) :
			json_path_text(column, datum, data, length);
	if (column->is_bpchar)
	{
		text	   *value = DatumGetTextPP(datum);

		*data = VARDATA_ANY(value);
		*length = bpchartruelen(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
		return true;
	}
	*data = OutputFunctionCall(unconstify(FmgrInfo *, &column->output), datum);
	*length = strlen(*data);
	return true;
}

/* The value as text, for a user who may see it; NULL if it is NULL. */
char *
crm_column_show(const RuleColumn *column, TupleTableSlot *slot)
{
	const char *data;
	int			length;

	if (!crm_column_text(column, slot, &data, &length))
		return NULL;
	return pnstrdup(data, length);
}
