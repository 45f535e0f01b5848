/*-------------------------------------------------------------------------
 *
 * json_object.c
 *		Builds a jsonb object from fields whose order is known beforehand.
 *
 * JsonbValueToJsonb() sorts, and copies every value through a growing buffer;
 * for an image of a row that is a third of the cost.  The layout is that of
 * utils/jsonb.h, written by one pass for the size and one for the contents.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "json_object.h"

int
crm_json_name_order(const char *a, int a_size, const char *b, int b_size)
{
	if (a_size != b_size)
		return a_size < b_size ? -1 : 1;
	return memcmp(a, b, a_size);
}

/* Space of a value that begins at an offset of the object. */
static size_t
value_size(const JsonbValue *value, size_t offset)
{
	switch (value->type)
	{
		case jbvNull:
		case jbvBool:
			return 0;
		case jbvString:
			return value->val.string.len;
		case jbvNumeric:
			return INTALIGN(offset) - offset + VARSIZE_ANY(value->val.numeric);
		case jbvBinary:
			return INTALIGN(offset) - offset + value->val.binary.len;
		default:
			elog(ERROR, "unexpected json value of type %d", (int) value->type);
	}
	return 0;
}

static JEntry
value_type(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return JENTRY_ISNULL;
		case jbvBool:
			return value->val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
		case jbvString:
			return JENTRY_ISSTRING;
		case jbvNumeric:
			return JENTRY_ISNUMERIC;
		default:
			return JENTRY_ISCONTAINER;
	}
}

/* Copies a value to its place, and clears what aligns it. */
static void
value_copy(const JsonbValue *value, char *base, size_t offset, size_t size)
{
	size_t		start = INTALIGN(offset);

	switch (value->type)
	{
		case jbvString:
			memcpy(base + offset, value->val.string.val, size);
			break;
		case jbvNumeric:
			memset(base + offset, 0, start - offset);
			memcpy(base + start, value->val.numeric, size - (start - offset));
			break;
		case jbvBinary:
			memset(base + offset, 0, start - offset);
			memcpy(base + start, value->val.binary.data,
				   size - (start - offset));
			break;
		default:
			break;
	}
}

/* Every JB_OFFSET_STRIDE'th entry holds the end offset instead of a length. */
static JEntry
entry_make(JEntry type, int index, size_t size, size_t end)
{
	if (index % JB_OFFSET_STRIDE == 0)
		return type | JENTRY_HAS_OFF | end;
	return type | size;
}

static void
too_large(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("row is too large for its image in the ledger"),
			 errdetail("The limit of a jsonb object is %u bytes.",
					   (unsigned) JENTRY_OFFLENMASK),
			 errhint("Exclude a large column: crmaudit.track(..., exclude => ARRAY[...]).")));
}

Jsonb *
crm_json_object(const JsonField *fields, int count)
{
	size_t		header = offsetof(JsonbContainer, children) +
	2 * count * sizeof(JEntry);
	size_t		size = 0;
	size_t		names = 0;
	size_t		offset;
	Jsonb	   *result;
	JEntry	   *entries;
	char	   *base;

	/* offsets count from the end of the header, which is aligned */
	for (int i = 0; i < count; i++)
		names += fields[i].name_size;
	size = names;
	for (int i = 0; i < count; i++)
		size += value_size(fields[i].value, size);
	if (size > JENTRY_OFFLENMASK)
		too_large();

	result = palloc(VARHDRSZ + header + size);
	SET_VARSIZE(result, VARHDRSZ + header + size);
	result->root.header = count | JB_FOBJECT;
	entries = result->root.children;
	base = (char *) (entries + 2 * count);
	offset = 0;
	for (int i = 0; i < count; i++)
	{
		memcpy(base + offset, fields[i].name, fields[i].name_size);
		offset += fields[i].name_size;
		entries[i] = entry_make(JENTRY_ISSTRING, i, fields[i].name_size,
								offset);
	}
	for (int i = 0; i < count; i++)
	{
		size_t		value = value_size(fields[i].value, offset);

		value_copy(fields[i].value, base, offset, value);
		offset += value;
		entries[count + i] = entry_make(value_type(fields[i].value), count + i,
										value, offset);
	}
	return result;
}

char *
crm_json_scalar_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return NULL;
	}
}
