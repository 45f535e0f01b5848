/*-------------------------------------------------------------------------
 *
 * image.c
 *		Images of rows, as the ledger stores them.
 *
 * A value becomes what does not depend on the session: numbers with all their
 * digits, times in ISO 8601 and UTC, everything else by its output function
 * under fixed settings.  A NULL column is left out, and so is the json value
 * null.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "compat.h"
#include "ledger/image.h"

static ImageKind
kind_of_type(Oid typid)
{
	switch (typid)
	{
		case BOOLOID:
			return IMAGE_BOOL;
		case INT2OID:
			return IMAGE_INT2;
		case INT4OID:
			return IMAGE_INT4;
		case INT8OID:
		case MONEYOID:
			/* money's output function depends on lc_monetary */
			return IMAGE_INT8;
		case OIDOID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGNAMESPACEOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGROLEOID:
		case REGTYPEOID:
			return IMAGE_OID;
		case NUMERICOID:
			return IMAGE_NUMERIC;
		case FLOAT4OID:
			return IMAGE_FLOAT4;
		case FLOAT8OID:
			return IMAGE_FLOAT8;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
		case XMLOID:
			return IMAGE_TEXT;
		case NAMEOID:
			return IMAGE_NAME;
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return IMAGE_DATETIME;
		case BYTEAOID:
			return IMAGE_BYTEA;
		case JSONBOID:
			return IMAGE_JSONB;
		default:
			return IMAGE_OUTPUT;
	}
}

static bool
is_listed(const char *name, char **names, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static int
column_order(const void *a, const void *b)
{
	const ImageColumn *first = a;
	const ImageColumn *second = b;

	return crm_json_name_order(first->name, first->name_size,
							   second->name, second->name_size);
}

void
crm_image_compile(RowImage *image, Relation rel, char **exclude, int nexclude,
				  char **personal, int npersonal)
{
	TupleDesc	desc = RelationGetDescr(rel);

	memset(image, 0, sizeof(RowImage));
	image->columns = palloc0((desc->natts + 1) * sizeof(ImageColumn));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		ImageColumn *column = &image->columns[image->ncolumns];
		Oid			output;
		bool		is_varlena;

		if (attr->attisdropped ||
			is_listed(NameStr(attr->attname), exclude, nexclude))
			continue;
		/* a virtual generated column is not stored */
		if (attr->attgenerated != '\0' &&
			attr->attgenerated != ATTRIBUTE_GENERATED_STORED)
			continue;
		column->name = pstrdup(NameStr(attr->attname));
		column->name_size = strlen(column->name);
		column->attnum = i + 1;
		column->typid = getBaseType(attr->atttypid);
		column->typlen = attr->attlen;
		column->typbyval = attr->attbyval;
		column->kind = kind_of_type(column->typid);
		column->is_personal = is_listed(column->name, personal, npersonal);
		getTypeOutputInfo(attr->atttypid, &output, &is_varlena);
		fmgr_info(output, &column->output);
		image->has_personal |= column->is_personal;
		image->max_attnum = column->attnum;
		image->ncolumns++;
	}
	qsort(image->columns, image->ncolumns, sizeof(ImageColumn), column_order);
	image->values = palloc((image->ncolumns + 1) * sizeof(JsonbValue));
}

static void
value_string(JsonbValue *value, char *text, int size)
{
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = size;
}

static void
value_int(JsonbValue *value, int64 number)
{
	value->type = jbvNumeric;
	value->val.numeric = int64_to_numeric(number);
}

/* A number that numeric holds but json does not is a string. */
static void
value_numeric(JsonbValue *value, Numeric number)
{
	if (numeric_is_nan(number) || numeric_is_inf(number))
	{
		char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out,
															   NumericGetDatum(number)));

		value_string(value, text, strlen(text));
		return;
	}
	value->type = jbvNumeric;
	value->val.numeric = number;
}

/* The shortest text that reads as the same number. */
static void
value_float(JsonbValue *value, double number, bool is_single)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(number))
		value_string(value, "NaN", 3);
	else if (isinf(number))
		value_string(value, number > 0 ? "Infinity" : "-Infinity",
					 number > 0 ? 8 : 9);
	else
	{
		if (is_single)
			float_to_shortest_decimal_buf((float) number, text);
		else
			double_to_shortest_decimal_buf(number, text);
		value->type = jbvNumeric;
		value->val.numeric =
			DatumGetNumeric(DirectFunctionCall3(numeric_in,
												CStringGetDatum(text),
												ObjectIdGetDatum(InvalidOid),
												Int32GetDatum(-1)));
	}
}

static void
value_jsonb(JsonbValue *value, Jsonb *jsonb)
{
	if (JB_ROOT_IS_SCALAR(jsonb))
	{
		(void) JsonbExtractScalar(&jsonb->root, value);
		return;
	}
	value->type = jbvBinary;
	value->val.binary.data = &jsonb->root;
	value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
}

static void
value_bytea(JsonbValue *value, bytea *bytes)
{
	int			size = VARSIZE_ANY_EXHDR(bytes);
	char	   *text = palloc(2 + 2 * (size_t) size);

	text[0] = '\\';
	text[1] = 'x';
	hex_encode(VARDATA_ANY(bytes), size, text + 2);
	value_string(value, text, 2 + 2 * size);
}

void
crm_image_value(ImageColumn *column, Datum datum, JsonbValue *value)
{
	const int	utc = 0;
	text	   *string;
	char	   *words;

	switch (column->kind)
	{
		case IMAGE_BOOL:
			value->type = jbvBool;
			value->val.boolean = DatumGetBool(datum);
			break;
		case IMAGE_INT2:
			value_int(value, DatumGetInt16(datum));
			break;
		case IMAGE_INT4:
			value_int(value, DatumGetInt32(datum));
			break;
		case IMAGE_INT8:
			value_int(value, DatumGetInt64(datum));
			break;
		case IMAGE_OID:
			value_int(value, DatumGetObjectId(datum));
			break;
		case IMAGE_NUMERIC:
			value_numeric(value, DatumGetNumeric(datum));
			break;
		case IMAGE_FLOAT4:
			value_float(value, DatumGetFloat4(datum), true);
			break;
		case IMAGE_FLOAT8:
			value_float(value, DatumGetFloat8(datum), false);
			break;
		case IMAGE_TEXT:
			string = DatumGetTextPP(datum);
			value_string(value, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
			break;
		case IMAGE_NAME:
			words = NameStr(*DatumGetName(datum));
			value_string(value, words, strlen(words));
			break;
		case IMAGE_DATETIME:
			words = palloc(MAXDATELEN + 1);
			JsonEncodeDateTime(words, datum, column->typid, &utc);
			value_string(value, words, strlen(words));
			break;
		case IMAGE_BYTEA:
			value_bytea(value, DatumGetByteaPP(datum));
			break;
		case IMAGE_JSONB:
			value_jsonb(value, DatumGetJsonbP(datum));
			break;
		case IMAGE_OUTPUT:
			words = crm_fixed_output(&column->output, datum);
			value_string(value, words, strlen(words));
			break;
	}
}

Jsonb *
crm_image_make(RowImage *image, TupleTableSlot *slot, const bool *marked,
			   bool *personal)
{
	JsonField	fields[MaxTupleAttributeNumber];
	int			count = 0;

	for (int i = 0; i < image->ncolumns; i++)
	{
		ImageColumn *column = &image->columns[i];
		JsonbValue *value = &image->values[count];

		if ((marked && !marked[i]) || slot->tts_isnull[column->attnum - 1])
			continue;
		crm_image_value(column, slot->tts_values[column->attnum - 1], value);
		if (value->type == jbvNull)
			continue;
		fields[count].name = column->name;
		fields[count].name_size = column->name_size;
		fields[count].value = value;
		*personal |= column->is_personal;
		count++;
	}
	return crm_json_object(fields, count);
}

/*
 * Whether two stored values are the same.  An out-of-line value that was not
 * touched is the same TOAST pointer; a value stored anew is read.
 */
static bool
stored_same(const ImageColumn *column, Datum old, Datum new)
{
	struct varlena *first;
	struct varlena *second;
	bool		same;

	if (column->typlen != -1)
		return datumIsEqual(old, new, column->typbyval, column->typlen);
	first = (struct varlena *) DatumGetPointer(old);
	second = (struct varlena *) DatumGetPointer(new);
	if (first == second ||
		(VARSIZE_ANY(first) == VARSIZE_ANY(second) &&
		 memcmp(first, second, VARSIZE_ANY(first)) == 0))
		return true;
	if (VARATT_IS_EXTENDED(first) || VARATT_IS_EXTENDED(second))
	{
		first = PG_DETOAST_DATUM_PACKED(old);
		second = PG_DETOAST_DATUM_PACKED(new);
	}
	same = VARSIZE_ANY_EXHDR(first) == VARSIZE_ANY_EXHDR(second) &&
		memcmp(VARDATA_ANY(first), VARDATA_ANY(second),
			   VARSIZE_ANY_EXHDR(first)) == 0;
	return same;
}

bool
crm_image_compare(const RowImage *image, TupleTableSlot *old,
				  TupleTableSlot *new, bool *marked)
{
	bool		any = false;

	for (int i = 0; i < image->ncolumns; i++)
	{
		const ImageColumn *column = &image->columns[i];
		int			at = column->attnum - 1;

		if (old->tts_isnull[at] || new->tts_isnull[at])
			marked[i] = old->tts_isnull[at] != new->tts_isnull[at];
		else
			marked[i] = !stored_same(column, old->tts_values[at],
									 new->tts_values[at]);
		any |= marked[i];
	}
	return any;
}
