/*-------------------------------------------------------------------------
 *
 * explain_value.c
 *		crmaudit.explain_value(): what a rule of kind format says of a value,
 *		and why.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "rules/kinds_format.h"
#include "rules/rules_private.h"

/* What stands behind the columns of check_value(). */
#define EXPLAIN_POSITION	ANSWER_COLUMNS
#define EXPLAIN_SUGGESTION	(ANSWER_COLUMNS + 1)
#define EXPLAIN_COLUMNS		(ANSWER_COLUMNS + 2)

PG_FUNCTION_INFO_V1(crmaudit_explain_value);

/* Counts characters of UTF-8, from 1 on, up to the byte at "offset". */
static int
character_position(const char *data, int offset)
{
	int			position = 1;

	for (int i = 0; i < offset; i++)
		position += !IS_HIGHBIT_SET(data[i]) || (data[i] & 0xC0) == 0xC0;
	return position;
}

/*
 * Is the canonical form something to suggest in place of the input?  Not where
 * an extension would be lost.
 */
static bool
is_suggestion(const CrmValue *value, const char *data, int length)
{
	return value->canonical_length > 0 && !value->has_extension &&
		(value->verdict != CRM_INVALID || value->is_mended) &&
		(value->canonical_length != length ||
		 memcmp(value->canonical, data, length) != 0);
}

/*
 * crmaudit.explain_value(value, params): the columns of check_value(), position
 * and suggestion.  params are those of a format rule; the
 * ones about the row (region_column, none, normalise) change nothing.
 */
Datum
crmaudit_explain_value(PG_FUNCTION_ARGS)
{
	CrmOptions	options;
	CrmValue	value;
	CrmCheckFunc check;
	text	   *suggestion = NULL;
	Jsonb	   *params;
	text	   *input = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(input);
	int			length = VARSIZE_ANY_EXHDR(input);
	TupleDesc	desc;
	Datum		values[EXPLAIN_COLUMNS];
	bool		nulls[EXPLAIN_COLUMNS];

	params = PG_GETARG_JSONB_P(1);
	if (!JB_ROOT_IS_OBJECT(params))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameters of a rule must be a json object")));
	check = crm_format_options(params, &options);
	options.want_canonical = true;
	options.today = crm_today_yyyymmdd();
	crm_text_to_utf8(&data, &length);
	check(data, length, &options, &value);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	crm_answer_fill(check, &value, data, values, nulls);
	nulls[EXPLAIN_POSITION] = nulls[ANSWER_PART];
	values[EXPLAIN_POSITION] =
		Int32GetDatum(character_position(data, value.part_start));
	if (is_suggestion(&value, data, length))
		suggestion = crm_text_from_canonical(check, &value);
	nulls[EXPLAIN_SUGGESTION] = suggestion == NULL;
	values[EXPLAIN_SUGGESTION] = PointerGetDatum(suggestion);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
