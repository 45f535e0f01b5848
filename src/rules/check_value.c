/*-------------------------------------------------------------------------
 *
 * check_value.c
 *		crmaudit.check_value() and is_valid(): the identifier parsers in SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "rules/kinds_format.h"
#include "rules/rules_private.h"

PG_FUNCTION_INFO_V1(crmaudit_check_value);
PG_FUNCTION_INFO_V1(crmaudit_is_valid);

/*
 * Judges the value of arguments kind, value, region; false if kind or value
 * is NULL.  *data is the value in UTF-8.
 */
static bool
check_arguments(FunctionCallInfo fcinfo, bool want_canonical, CrmValue *value,
				const char **data)
{
	const CrmIdentifier *identifier;
	CrmOptions	options = {.want_canonical = want_canonical};
	text	   *input;
	int			length;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	identifier = crm_identifier_require(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	input = PG_GETARG_TEXT_PP(1);
	if (!PG_ARGISNULL(2))
	{
		text	   *region = PG_GETARG_TEXT_PP(2);

		if (VARSIZE_ANY_EXHDR(region) > 0 &&
			!crm_region_code(VARDATA_ANY(region), VARSIZE_ANY_EXHDR(region),
							 options.region))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("region \"%s\" is not a two-letter code",
							text_to_cstring(region)),
					 errhint("Regions are ISO 3166-1 alpha-2 codes, such as CN.")));
	}
	options.today = crm_today_yyyymmdd();
	*data = VARDATA_ANY(input);
	length = VARSIZE_ANY_EXHDR(input);
	crm_text_to_utf8(data, &length);
	identifier->check(*data, length, &options, value);
	return true;
}

/* UTF-8 of a parser as text in the server encoding. */
static Datum
utf8_text(const char *data, int length)
{
	char	   *server = pg_any_to_server(pnstrdup(data, length), length, PG_UTF8);

	return CStringGetTextDatum(server);
}

/*
 * crmaudit.check_value(kind, value, region): verdict, reason, part,
 * canonical, message.
 */
Datum
crmaudit_check_value(PG_FUNCTION_ARGS)
{
	CrmValue	value;
	const char *data;
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (!check_arguments(fcinfo, true, &value, &data))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(crm_verdict_names[value.verdict]);
	nulls[1] = nulls[4] = value.reason == CRM_REASON_NONE;
	if (!nulls[1])
	{
		values[1] = CStringGetTextDatum(crm_reason_words[value.reason].code);
		values[4] = CStringGetTextDatum(crm_reason_text(value.reason));
	}
	nulls[2] = value.part_length == 0;
	if (!nulls[2])
		values[2] = utf8_text(data + value.part_start, value.part_length);
	nulls[3] = value.verdict == CRM_INVALID || value.canonical_length == 0;
	if (!nulls[3])
		values[3] = utf8_text(value.canonical, value.canonical_length);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* crmaudit.is_valid(kind, value, region): verdict = 'valid'. */
Datum
crmaudit_is_valid(PG_FUNCTION_ARGS)
{
	CrmValue	value;
	const char *data;

	if (!check_arguments(fcinfo, false, &value, &data))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(value.verdict == CRM_VALID);
}
