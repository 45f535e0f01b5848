/*-------------------------------------------------------------------------
 *
 * profile_scan.c
 *		crmaudit.profile_columns(): one pass over a relation that gathers what
 *		its columns hold.
 *
 * The relation is read by a cursor through SPI, with the rights of the caller:
 * row-level security holds, and columns that he may not read are left out.
 * Counts are over all rows; what is dear, the shapes and the kinds of
 * identifiers, over a sample, which the seed and the order of the rows decide.
 * All that is gathered lives in the caller's context, values of a batch of
 * rows in one that is reset for each.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "fixed_output.h"
#include "profile/profile.h"
#include "types/type_sql.h"

PG_FUNCTION_INFO_V1(crmaudit_profile_columns);

/* Rows read at a time. */
#define PROFILE_BATCH	1000

/* Shapes that are shown. */
#define SHAPES_SHOWN	5

/* A column, and what was gathered of it. */
typedef struct ColumnProfile
{
	AttrNumber	attnum;
	const char *name;
	Oid			typid;
	int32		typmod;
	Oid			collation;
	int16		typlen;
	bool		typbyval;
	bool		is_bpchar;
	ProfileClass class;
	FmgrInfo   *hash;			/* NULL: distinct values are not counted */
	FmgrInfo   *compare;		/* of dates and numbers */
	Datum		reference;		/* zero, today or now */
	int64		nulls;
	int64		blanks;
	int64		below;			/* values below the reference */
	int64		above;
	bool		has_range;
	Datum		min;
	Datum		max;
	int			min_length;
	int			max_length;
	DistinctCount *distinct;
	TextProfile *text;			/* of text columns */
} ColumnProfile;

typedef struct TableProfile
{
	int			ncolumns;
	ColumnProfile *columns;
	int64		rows;
	int64		sampled;
	uint64		seed;
	uint64		threshold;		/* a row is sampled if its hash is not above */
	MemoryContext context;
	MemoryContext batch;
} TableProfile;

/* The columns of the SQL function. */
enum
{
	OUT_ATTNUM,
	OUT_NAME,
	OUT_TYPE,
	OUT_CLASS,
	OUT_ROWS,
	OUT_NULLS,
	OUT_BLANKS,
	OUT_DISTINCT,
	OUT_EXACT,
	OUT_MIN_LENGTH,
	OUT_MAX_LENGTH,
	OUT_MIN_VALUE,
	OUT_MAX_VALUE,
	OUT_BELOW,
	OUT_ABOVE,
	OUT_SAMPLED,
	OUT_PATTERNS,
	OUT_SHAPE,
	OUT_VERDICTS,
	OUT_CONTENTS,
	OUT_VALUES,
	OUT_COLUMNS
};

/* Decides how values of the column's type are looked at. */
static ProfileClass
column_class(ColumnProfile *column)
{
	Oid			base = getBaseType(column->typid);

	column->is_bpchar = base == BPCHAROID;
	if (column->is_bpchar || IsBinaryCoercible(base, TEXTOID))
		return PROFILE_TEXT;
	switch (base)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return PROFILE_DATE;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return PROFILE_INTEGER;
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return PROFILE_NUMBER;
		case BOOLOID:
			return PROFILE_BOOLEAN;
		default:
			return PROFILE_OTHER;
	}
}

/* Zero of a type of numbers; for dates today, for timestamps now. */
static Datum
column_reference(Oid typid)
{
	Oid			base = getBaseType(typid);
	Oid			input;
	Oid			ioparam;

	if (base == DATEOID)
		return DateADTGetDatum(crm_today());
	if (base == TIMESTAMPTZOID)
		return TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	if (base == TIMESTAMPOID)
		return DirectFunctionCall1(timestamptz_timestamp,
								   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	getTypeInputInfo(base, &input, &ioparam);
	return OidInputFunctionCall(input, "0", ioparam, -1);
}

static void
column_init(ColumnProfile *column, Form_pg_attribute attr)
{
	TypeCacheEntry *type;

	column->attnum = attr->attnum;
	column->name = pstrdup(NameStr(attr->attname));
	column->typid = attr->atttypid;
	column->typmod = attr->atttypmod;
	column->collation = attr->attcollation;
	column->typlen = attr->attlen;
	column->typbyval = attr->attbyval;
	column->class = column_class(column);
	type = lookup_type_cache(column->typid,
							 TYPECACHE_HASH_EXTENDED_PROC_FINFO | TYPECACHE_CMP_PROC_FINFO);
	if (OidIsValid(type->hash_extended_proc_finfo.fn_oid))
		column->hash = &type->hash_extended_proc_finfo;
	if (column->class == PROFILE_DATE || column->class == PROFILE_INTEGER ||
		column->class == PROFILE_NUMBER)
	{
		column->compare = &type->cmp_proc_finfo;
		column->reference = column_reference(column->typid);
	}
	if (column->class == PROFILE_TEXT)
		column->text = crm_text_profile_create();
	if (column->hash)
		column->distinct = crm_distinct_create(column->class == PROFILE_TEXT ||
											   column->class == PROFILE_INTEGER ||
											   column->class == PROFILE_BOOLEAN);
}

/* Opens what can be read row by row. */
static Relation
profile_open(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);

	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			return rel;
	}
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot profile relation \"%s\"",
					RelationGetRelationName(rel)),
			 errdetail("It is neither a table nor a view.")));
}

/* Gathers the columns that the user may read. */
static void
profile_columns_init(TableProfile *profile, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool		reads_all = pg_class_aclcheck(RelationGetRelid(rel), GetUserId(),
											  ACL_SELECT) == ACLCHECK_OK;

	profile->columns = palloc0((desc->natts + 1) * sizeof(ColumnProfile));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped &&
			(reads_all ||
			 pg_attribute_aclcheck(RelationGetRelid(rel), attr->attnum,
								   GetUserId(), ACL_SELECT) == ACLCHECK_OK))
			column_init(&profile->columns[profile->ncolumns++], attr);
	}
}

/*
 * FROM what: children by inheritance are tables of their own, partitions are
 * not.
 */
static char *
relation_source(Relation rel)
{
	return psprintf("%s%s",
					rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
											   RelationGetRelationName(rel)));
}

/* Counts the rows, so that a sample can be drawn in the next pass. */
static int64
rows_count(Relation rel)
{
	char	   *query = psprintf("SELECT pg_catalog.count(*) FROM %s",
								 relation_source(rel));
	bool		isnull;

	if (SPI_execute(query, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not count rows");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
}

/* The length of a text in characters; most texts are UTF-8. */
static int
characters(const char *data, int length)
{
	int			count = 0;

	if (GetDatabaseEncoding() != PG_UTF8)
		return pg_mbstrlen_with_len(data, length);
	for (int i = 0; i < length; i++)
		count += ((unsigned char) data[i] & 0xC0) != 0x80;
	return count;
}

/* Empty, or blanks of ASCII, no-break or full-width. */
static bool
is_blank(const char *data, int length)
{
	for (int i = 0; i < length;)
	{
		unsigned char c = data[i];

		if (c == ' ' || (c >= '\t' && c <= '\r'))
			i++;
		else if (c == 0xC2 && i + 1 < length && (unsigned char) data[i + 1] == 0xA0)
			i += 2;
		else if (c == 0xE3 && i + 2 < length &&
				 (unsigned char) data[i + 1] == 0x80 &&
				 (unsigned char) data[i + 2] == 0x80)
			i += 3;
		else
			return false;
	}
	return true;
}

static void
text_add(ColumnProfile *column, Datum datum, bool is_sampled)
{
	text	   *value = DatumGetTextPP(datum);
	const char *data = VARDATA_ANY(value);
	int			length = VARSIZE_ANY_EXHDR(value);
	int			chars;

	if (column->is_bpchar)
		length = bpchartruelen(unconstify(char *, data), length);
	if (is_blank(data, length))
	{
		column->blanks++;
		return;
	}
	chars = characters(data, length);
	if (!column->has_range)
		column->min_length = column->max_length = chars;
	column->has_range = true;
	column->min_length = Min(column->min_length, chars);
	column->max_length = Max(column->max_length, chars);
	crm_distinct_add(column->distinct,
					 DatumGetUInt64(hash_any_extended((const unsigned char *) data, length, 0)),
					 data, length);
	if (is_sampled)
	{
		if (GetDatabaseEncoding() != PG_UTF8)
			crm_text_to_utf8(&data, &length);
		crm_text_profile_add(column->text, data, length, chars);
	}
}

/* Keeps the smallest and the largest, and counts by the reference. */
static void
range_add(ColumnProfile *column, Datum datum, MemoryContext context)
{
	int			order = DatumGetInt32(FunctionCall2Coll(column->compare, InvalidOid,
														datum, column->reference));
	MemoryContext old;

	column->below += order < 0;
	column->above += order > 0;
	if (column->has_range &&
		DatumGetInt32(FunctionCall2Coll(column->compare, InvalidOid,
										datum, column->min)) >= 0 &&
		DatumGetInt32(FunctionCall2Coll(column->compare, InvalidOid,
										datum, column->max)) <= 0)
		return;
	old = MemoryContextSwitchTo(context);
	if (!column->has_range ||
		DatumGetInt32(FunctionCall2Coll(column->compare, InvalidOid,
										datum, column->min)) < 0)
		column->min = datumCopy(datum, column->typbyval, column->typlen);
	if (!column->has_range ||
		DatumGetInt32(FunctionCall2Coll(column->compare, InvalidOid,
										datum, column->max)) > 0)
		column->max = datumCopy(datum, column->typbyval, column->typlen);
	column->has_range = true;
	MemoryContextSwitchTo(old);
}

static int64
integer_value(Oid typid, Datum datum)
{
	switch (getBaseType(typid))
	{
		case INT2OID:
			return DatumGetInt16(datum);
		case INT4OID:
			return DatumGetInt32(datum);
		default:
			return DatumGetInt64(datum);
	}
}

/* Counts a value of any other type than text. */
static void
distinct_add(ColumnProfile *column, Datum datum)
{
	uint64		hash = DatumGetUInt64(FunctionCall2Coll(column->hash, column->collation,
														datum, Int64GetDatum(0)));
	char		digits[32] = "";

	if (column->distinct->keeps_values)
	{
		if (column->class == PROFILE_BOOLEAN)
			strcpy(digits, DatumGetBool(datum) ? "true" : "false");
		else
			snprintf(digits, sizeof(digits), INT64_FORMAT,
					 integer_value(column->typid, datum));
	}
	crm_distinct_add(column->distinct, hash, digits, strlen(digits));
}

static void
column_add(ColumnProfile *column, Datum datum, bool isnull, bool is_sampled,
		   MemoryContext context)
{
	if (isnull)
	{
		column->nulls++;
		return;
	}
	if (column->class == PROFILE_TEXT)
	{
		text_add(column, datum, is_sampled);
		return;
	}
	if (column->compare)
		range_add(column, datum, context);
	if (column->hash)
		distinct_add(column, datum);
}

/* Whether the row of that number is in the sample. */
static bool
row_is_sampled(const TableProfile *profile)
{
	return profile->threshold == PG_UINT64_MAX ||
		DatumGetUInt64(hash_uint32_extended((uint32) profile->rows,
											profile->seed)) <= profile->threshold;
}

static void
batch_add(TableProfile *profile, Datum *values, bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(profile->batch);

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		is_sampled = row_is_sampled(profile);

		profile->rows++;
		profile->sampled += is_sampled;
		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values,
						  nulls);
		for (int j = 0; j < profile->ncolumns; j++)
			column_add(&profile->columns[j], values[j], nulls[j], is_sampled,
					   profile->context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(profile->batch);
}

/* Reads all rows. */
static void
profile_scan(TableProfile *profile, Relation rel, int64 sample)
{
	StringInfoData query;
	Portal		portal;
	int64		rows;
	Datum	   *values = palloc((profile->ncolumns + 1) * sizeof(Datum));
	bool	   *nulls = palloc((profile->ncolumns + 1) * sizeof(bool));

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < profile->ncolumns; i++)
		appendStringInfo(&query, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(profile->columns[i].name));
	appendStringInfo(&query, " FROM %s", relation_source(rel));
	SPI_connect();
	rows = rows_count(rel);
	profile->threshold = rows <= sample ? PG_UINT64_MAX :
		(uint64) ((double) sample / rows * (double) PG_UINT64_MAX);
	portal = SPI_cursor_open_with_args(NULL, query.data, 0, NULL, NULL, NULL,
									   true, CURSOR_OPT_NO_SCROLL);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, PROFILE_BATCH);
		if (SPI_processed == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		batch_add(profile, values, nulls);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/* Appends a string to json; what the server's encoding lacks shows as "?". */
static void
json_append_utf8(StringInfo json, const char *data, int length)
{
	text	   *converted = GetDatabaseEncoding() == PG_UTF8 ? NULL :
	crm_text_from_utf8_or_null(data, length);

	if (GetDatabaseEncoding() == PG_UTF8)
		escape_json(json, pnstrdup(data, length));
	else
		escape_json(json, converted ? text_to_cstring(converted) : "?");
}

static Datum
json_datum(StringInfo json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json->data));
}

/* The most frequent shapes, with their shares. */
static Datum
patterns_datum(const TextProfile *text)
{
	StringInfoData json;
	int			count;
	ShapeCount **shapes = crm_shapes_sorted(text->shapes, &count);

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < Min(count, SHAPES_SHOWN); i++)
	{
		appendStringInfo(&json, "%s{\"pattern\": ", i > 0 ? ", " : "");
		json_append_utf8(&json, shapes[i]->shape,
						 strnlen(shapes[i]->shape, SHAPE_MAX));
		appendStringInfo(&json, ", \"share\": %.4f}",
						 (double) shapes[i]->rows / text->values);
	}
	appendStringInfoChar(&json, ']');
	return json_datum(&json);
}

/* The most frequent shape as a regular expression; false if it has none. */
static bool
shape_datum(const TextProfile *text, Datum *datum)
{
	StringInfoData regex;
	int			count;
	ShapeCount **shapes = crm_shapes_sorted(text->shapes, &count);

	initStringInfo(&regex);
	if (count > 0)
		crm_shape_regex(shapes[0], &regex);
	if (regex.len == 0)
		return false;
	*datum = CStringGetTextDatum(regex.data);
	return true;
}

/* How well numbers fit a region: more of them are valid than by chance. */
static double
phone_fit(const KindProbe *probe)
{
	return probe->valid - crm_probe_chance(probe) + probe->grouped * 0.5;
}

/*
 * How many values passed as which kind of identifier, or as a date.  Of a
 * phone the region that fits best, above what random digits would.
 */
static Datum
verdicts_datum(const TextProfile *text)
{
	static const char *const form_names[DATE_FORMS] = {
		NULL, "iso", "compact", "numeric", "month", "chinese"
	};
	StringInfoData json;
	const KindProbe *phone = NULL;
	int64		dates = text->values - text->forms[DATE_FORM_NONE];

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < text->nprobes; i++)
	{
		const KindProbe *probe = &text->probes[i];

		if (probe->given_up || probe->valid + probe->suspect == 0)
			continue;
		if (probe->kind->check == crm_phone_check)
		{
			if (phone == NULL || phone_fit(probe) > phone_fit(phone))
				phone = probe;
			continue;
		}
		appendStringInfo(&json, "\"%s\": {\"tried\": " INT64_FORMAT ", \"valid\": " INT64_FORMAT ", \"suspect\": " INT64_FORMAT "}, ",
						 probe->kind->name, probe->tried, probe->valid,
						 probe->suspect);
	}
	if (phone)
		appendStringInfo(&json, "\"phone\": {\"tried\": " INT64_FORMAT ", \"valid\": " INT64_FORMAT ", \"suspect\": " INT64_FORMAT ", \"chance\": " INT64_FORMAT ", \"region\": \"%s\"}, ",
						 phone->tried, phone->valid, phone->suspect,
						 (int64) crm_probe_chance(phone), phone->options.region);
	if (dates > 0)
	{
		appendStringInfo(&json, "\"date\": {\"tried\": " INT64_FORMAT ", \"valid\": " INT64_FORMAT,
						 text->values, dates);
		for (int i = DATE_FORM_NONE + 1; i < DATE_FORMS; i++)
			appendStringInfo(&json, ", \"%s\": " INT64_FORMAT, form_names[i],
							 text->forms[i]);
		appendStringInfoString(&json, "}, ");
	}
	if (json.len > 1)
		json.len -= 2;
	json.data[json.len] = '\0';
	appendStringInfoChar(&json, '}');
	return json_datum(&json);
}

/* How many of the sampled values are made of what, and their usual length. */
static Datum
contents_datum(const TextProfile *text)
{
	int			usual = 0;

	for (int i = 1; i < LENGTHS_MAX; i++)
	{
		if (text->lengths[i] > text->lengths[usual])
			usual = i;
	}
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf(
																  "{\"codes\": " INT64_FORMAT ", \"digits\": " INT64_FORMAT ", \"separators\": " INT64_FORMAT
																  ", \"spaced\": " INT64_FORMAT ", \"han\": " INT64_FORMAT ", \"length\": %d, \"of_length\": " INT64_FORMAT
																  ", \"shapes\": %ld}",
																  text->codes, text->with_digits, text->with_separators,
																  text->spaced, text->han, usual, text->lengths[usual],
																  hash_get_num_entries(text->shapes))));
}

static int
seen_compare(const void *a, const void *b)
{
	const SeenValue *first = *(SeenValue *const *) a;
	const SeenValue *second = *(SeenValue *const *) b;

	if (first->rows != second->rows)
		return first->rows > second->rows ? -1 : 1;
	return strcmp(first->value, second->value);
}

/* The values of a column that has few, the most frequent first. */
static Datum
values_datum(const DistinctCount *distinct)
{
	SeenValue **sorted = palloc((distinct->count + 1) * sizeof(SeenValue *));
	StringInfoData json;
	int			count = 0;

	for (int i = 0; i < distinct->size; i++)
	{
		if (distinct->slots[i].hash != 0)
			sorted[count++] = &distinct->slots[i];
	}
	qsort(sorted, count, sizeof(SeenValue *), seen_compare);
	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < count; i++)
	{
		appendStringInfo(&json, "%s{\"value\": ", i > 0 ? ", " : "");
		escape_json(&json, sorted[i]->value);
		appendStringInfo(&json, ", \"rows\": " INT64_FORMAT "}", sorted[i]->rows);
	}
	appendStringInfoChar(&json, ']');
	return json_datum(&json);
}

/* A number or date as text, whatever the session's settings. */
static Datum
value_text_datum(const ColumnProfile *column, Datum datum)
{
	Oid			output;
	bool		is_varlena;
	FmgrInfo	function;

	getTypeOutputInfo(column->typid, &output, &is_varlena);
	fmgr_info(output, &function);
	return CStringGetTextDatum(crm_fixed_output(&function, datum));
}

/* Fills what is told of text columns only. */
static void
text_row(const ColumnProfile *column, Datum *values, bool *nulls)
{
	nulls[OUT_MIN_LENGTH] = nulls[OUT_MAX_LENGTH] = !column->has_range;
	values[OUT_MIN_LENGTH] = Int32GetDatum(column->min_length);
	values[OUT_MAX_LENGTH] = Int32GetDatum(column->max_length);
	nulls[OUT_SAMPLED] = false;
	values[OUT_SAMPLED] = Int64GetDatum(column->text->values);
	if (column->text->values == 0)
		return;
	nulls[OUT_PATTERNS] = nulls[OUT_VERDICTS] = nulls[OUT_CONTENTS] = false;
	values[OUT_PATTERNS] = patterns_datum(column->text);
	nulls[OUT_SHAPE] = !shape_datum(column->text, &values[OUT_SHAPE]);
	values[OUT_VERDICTS] = verdicts_datum(column->text);
	values[OUT_CONTENTS] = contents_datum(column->text);
}

static void
column_row(const TableProfile *profile, const ColumnProfile *column,
		   Datum *values, bool *nulls)
{
	static const char *const class_names[] = {
		"text", "date", "integer", "number", "boolean", "other"
	};

	memset(nulls, true, OUT_COLUMNS);
	for (int i = OUT_ATTNUM; i <= OUT_BLANKS; i++)
		nulls[i] = false;
	values[OUT_ATTNUM] = Int16GetDatum(column->attnum);
	values[OUT_NAME] = CStringGetTextDatum(column->name);
	values[OUT_TYPE] = CStringGetTextDatum(format_type_with_typemod(column->typid,
																	column->typmod));
	values[OUT_CLASS] = CStringGetTextDatum(class_names[column->class]);
	values[OUT_ROWS] = Int64GetDatum(profile->rows);
	values[OUT_NULLS] = Int64GetDatum(column->nulls);
	values[OUT_BLANKS] = Int64GetDatum(column->blanks);
	if (column->distinct)
	{
		nulls[OUT_DISTINCT] = nulls[OUT_EXACT] = false;
		values[OUT_DISTINCT] = Int64GetDatum(crm_distinct_result(column->distinct));
		values[OUT_EXACT] = BoolGetDatum(!column->distinct->has_estimate);
		if (column->distinct->keeps_values)
		{
			nulls[OUT_VALUES] = false;
			values[OUT_VALUES] = values_datum(column->distinct);
		}
	}
	if (column->text)
		text_row(column, values, nulls);
	if (column->compare && column->has_range)
	{
		nulls[OUT_MIN_VALUE] = nulls[OUT_MAX_VALUE] = false;
		nulls[OUT_BELOW] = nulls[OUT_ABOVE] = false;
		values[OUT_MIN_VALUE] = value_text_datum(column, column->min);
		values[OUT_MAX_VALUE] = value_text_datum(column, column->max);
		values[OUT_BELOW] = Int64GetDatum(column->below);
		values[OUT_ABOVE] = Int64GetDatum(column->above);
	}
}

/*
 * crmaudit.profile_columns(target regclass, sample int, seed bigint): a row
 * for each column that the user may read.
 */
Datum
crmaudit_profile_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	rel = profile_open(PG_GETARG_OID(0));
	TableProfile profile = {.seed = (uint64) PG_GETARG_INT64(2)};

	if (PG_GETARG_INT32(1) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a sample must have at least one row")));
	InitMaterializedSRF(fcinfo, 0);
	profile.context = CurrentMemoryContext;
	profile.batch = AllocSetContextCreate(CurrentMemoryContext,
										  "crmaudit profile batch",
										  ALLOCSET_DEFAULT_SIZES);
	profile_columns_init(&profile, rel);
	profile_scan(&profile, rel, PG_GETARG_INT32(1));
	for (int i = 0; i < profile.ncolumns; i++)
	{
		Datum		values[OUT_COLUMNS];
		bool		nulls[OUT_COLUMNS];

		column_row(&profile, &profile.columns[i], values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	table_close(rel, NoLock);
	return (Datum) 0;
}
