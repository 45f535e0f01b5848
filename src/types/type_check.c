/*-------------------------------------------------------------------------
 *
 * type_check.c
 *		crmaudit.check_value() and is_valid(): the identifier parsers in SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "crmaudit.h"
#include "types/type_sql.h"

PG_FUNCTION_INFO_V1(crmaudit_check_value);
PG_FUNCTION_INFO_V1(crmaudit_is_valid);
PG_FUNCTION_INFO_V1(crmaudit_comparable_value);

/* Names of the identifier types, for a hint. */
static char *
identifier_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < crm_identifier_count; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 crm_identifiers[i].name);
	return names.data;
}

/* Contract in type_sql.h. */
const CrmIdentifier *
crm_identifier_require(const char *name, int length)
{
	for (int i = 0; i < crm_identifier_count; i++)
	{
		const CrmIdentifier *identifier = &crm_identifiers[i];

		/* called for every value: most names differ in their first letter */
		if (length > 0 && identifier->name[0] == name[0] &&
			strncmp(identifier->name, name, length) == 0 &&
			identifier->name[length] == '\0')
			return identifier;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("identifier type \"%s\" does not exist",
					pnstrdup(name, length)),
			 errhint("Identifier types are: %s.", identifier_names())));
}

/* Contract in type_sql.h. */
bool
crm_region_code(const char *data, int length, char *region)
{
	region[0] = '\0';
	if (length != 2)
		return false;
	region[0] = pg_ascii_toupper((unsigned char) data[0]);
	region[1] = pg_ascii_toupper((unsigned char) data[1]);
	region[2] = '\0';
	return region[0] >= 'A' && region[0] <= 'Z' &&
		region[1] >= 'A' && region[1] <= 'Z';
}

/* Contract in type_sql.h. */
void
crm_region_require(const char *data, int length, char *region)
{
	if (!crm_region_code(data, length, region))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("region \"%s\" is not a two-letter code",
						pnstrdup(data, length)),
				 errhint("Regions are ISO 3166-1 alpha-2 codes, such as CN.")));
}

/*
 * Judges the value of arguments kind, value, region; returns the kind, NULL
 * if kind or value is.  *data is the value in UTF-8.
 */
static const CrmIdentifier *
check_arguments(FunctionCallInfo fcinfo, bool want_canonical, CrmValue *value,
				const char **data)
{
	CrmOptions	options = {.want_canonical = want_canonical};
	const CrmIdentifier *identifier;
	text	   *kind;
	text	   *input;
	int			length;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return NULL;
	kind = PG_GETARG_TEXT_PP(0);
	identifier = crm_identifier_require(VARDATA_ANY(kind),
										VARSIZE_ANY_EXHDR(kind));
	input = PG_GETARG_TEXT_PP(1);
	if (!PG_ARGISNULL(2))
	{
		text	   *region = PG_GETARG_TEXT_PP(2);

		if (VARSIZE_ANY_EXHDR(region) > 0)
			crm_region_require(VARDATA_ANY(region), VARSIZE_ANY_EXHDR(region),
							   options.region);
	}
	/* the clock matters to these only */
	if (identifier->check == crm_resident_id_check ||
		identifier->check == crm_uscc_check)
		options.today = crm_today_yyyymmdd();
	*data = VARDATA_ANY(input);
	length = VARSIZE_ANY_EXHDR(input);
	crm_text_to_utf8(data, &length);
	identifier->check(*data, length, &options, value);
	return identifier;
}

/* Contract in type_sql.h. */
void
crm_answer_fill(CrmCheckFunc check, const CrmValue *value, const char *data,
				Datum *values, bool *nulls)
{
	text	   *canonical = NULL;

	nulls[ANSWER_VERDICT] = false;
	values[ANSWER_VERDICT] =
		CStringGetTextDatum(crm_verdict_names[value->verdict]);
	nulls[ANSWER_REASON] = nulls[ANSWER_MESSAGE] =
		value->reason == CRM_REASON_NONE;
	if (!nulls[ANSWER_REASON])
	{
		values[ANSWER_REASON] =
			CStringGetTextDatum(crm_reason_words[value->reason].code);
		values[ANSWER_MESSAGE] =
			CStringGetTextDatum(crm_reason_text(value->reason));
	}
	nulls[ANSWER_PART] = value->part_length == 0 ||
		value->part_length > CRM_PART_MAX;
	if (!nulls[ANSWER_PART])
		values[ANSWER_PART] =
			PointerGetDatum(crm_text_from_utf8(data + value->part_start,
											   value->part_length));
	if (value->verdict != CRM_INVALID && value->canonical_length > 0)
		canonical = crm_text_from_canonical(check, value);
	nulls[ANSWER_CANONICAL] = canonical == NULL;
	values[ANSWER_CANONICAL] = PointerGetDatum(canonical);
}

/* crmaudit.check_value(kind, value, region): the columns of an answer. */
Datum
crmaudit_check_value(PG_FUNCTION_ARGS)
{
	const CrmIdentifier *identifier;
	CrmValue	value;
	const char *data;
	TupleDesc	desc;
	Datum		values[ANSWER_COLUMNS];
	bool		nulls[ANSWER_COLUMNS];

	identifier = check_arguments(fcinfo, true, &value, &data);
	if (identifier == NULL)
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	crm_answer_fill(identifier->check, &value, data, values, nulls);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* crmaudit.is_valid(kind, value, region): verdict = 'valid'. */
Datum
crmaudit_is_valid(PG_FUNCTION_ARGS)
{
	CrmValue	value;
	const char *data;

	if (check_arguments(fcinfo, false, &value, &data) == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(value.verdict == CRM_VALID);
}

/*
 * crmaudit.comparable_value(kind, value, region): the canonical form, or the
 * value itself if it has none; NULL for an empty string.
 */
Datum
crmaudit_comparable_value(PG_FUNCTION_ARGS)
{
	const CrmIdentifier *identifier;
	CrmValue	value;
	const char *data;
	text	   *canonical = NULL;

	identifier = check_arguments(fcinfo, true, &value, &data);
	if (identifier == NULL || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) == 0)
		PG_RETURN_NULL();
	if (value.verdict != CRM_INVALID && value.canonical_length > 0)
		canonical = crm_text_from_canonical(identifier->check, &value);
	PG_RETURN_TEXT_P(canonical ? canonical : PG_GETARG_TEXT_PP(1));
}
