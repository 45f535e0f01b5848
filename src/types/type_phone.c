/*-------------------------------------------------------------------------
 *
 * type_phone.c
 *		What a phone number tells, and how it is written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "types/phone.h"
#include "types/type_sql.h"

PG_FUNCTION_INFO_V1(crmaudit_phone_country_code);
PG_FUNCTION_INFO_V1(crmaudit_phone_national_number);
PG_FUNCTION_INFO_V1(crmaudit_phone_region);
PG_FUNCTION_INFO_V1(crmaudit_phone_number_type);
PG_FUNCTION_INFO_V1(crmaudit_phone_national_format);
PG_FUNCTION_INFO_V1(crmaudit_phone_international_format);

/* What the first argument tells; input has seen to it that it is readable. */
static CrmPhone
phone_argument(FunctionCallInfo fcinfo)
{
	CrmPhone	phone;

	if (!crm_phone_describe(PG_GETARG_INT64(0), &phone))
		elog(ERROR, "phone is not readable");
	return phone;
}

/* crmaudit.country_code(phone) */
Datum
crmaudit_phone_country_code(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(phone_argument(fcinfo).calling_code);
}

/* crmaudit.national_number(phone) */
Datum
crmaudit_phone_national_number(PG_FUNCTION_ARGS)
{
	CrmPhone	phone = phone_argument(fcinfo);

	PG_RETURN_TEXT_P(cstring_to_text(phone.national));
}

/* crmaudit.region(phone): NULL unless the number is valid. */
Datum
crmaudit_phone_region(PG_FUNCTION_ARGS)
{
	CrmPhone	phone = phone_argument(fcinfo);

	if (phone.region[0] == '\0' || phone.type == CRM_PHONE_UNKNOWN)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(phone.region));
}

/* crmaudit.number_type(phone) */
Datum
crmaudit_phone_number_type(PG_FUNCTION_ARGS)
{
	CrmPhone	phone = phone_argument(fcinfo);

	PG_RETURN_TEXT_P(cstring_to_text(crm_phone_type_name(phone.type)));
}

static Datum
phone_format(FunctionCallInfo fcinfo, bool international)
{
	char		text[CRM_PHONE_FORMAT_MAX];
	int			length = crm_phone_format(PG_GETARG_INT64(0), international,
										  text);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(text, length));
}

/* crmaudit.national_format(phone) */
Datum
crmaudit_phone_national_format(PG_FUNCTION_ARGS)
{
	return phone_format(fcinfo, false);
}

/* crmaudit.international_format(phone) */
Datum
crmaudit_phone_international_format(PG_FUNCTION_ARGS)
{
	return phone_format(fcinfo, true);
}
