/*-------------------------------------------------------------------------
 *
 * type_email.c
 *		The parts and other forms of an email.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "types/email.h"
#include "types/type_sql.h"

PG_FUNCTION_INFO_V1(crmaudit_email_local_part);
PG_FUNCTION_INFO_V1(crmaudit_email_domain);
PG_FUNCTION_INFO_V1(crmaudit_email_ascii_form);
PG_FUNCTION_INFO_V1(crmaudit_email_match_key);

/* The position of the last @ sign: a quoted local part may hold others. */
static int
at_sign(const char *data, int length)
{
	int			at = length - 1;

	while (at > 0 && data[at] != '@')
		at--;
	return at;
}

/* crmaudit.local_part(email) */
Datum
crmaudit_email_local_part(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(value);
	int			at = at_sign(data, VARSIZE_ANY_EXHDR(value));

	PG_RETURN_TEXT_P(cstring_to_text_with_len(data, at));
}

/* crmaudit.domain(email) */
Datum
crmaudit_email_domain(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(value);
	int			length = VARSIZE_ANY_EXHDR(value);
	int			at = at_sign(data, length);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(data + at + 1,
											  length - at - 1));
}

/* crmaudit.ascii_form(email): with A-labels. */
Datum
crmaudit_email_ascii_form(PG_FUNCTION_ARGS)
{
	CrmOptions	options = {.want_canonical = true,.ascii_domain = true};
	CrmValue	address;
	text	   *value = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(value);
	int			length = VARSIZE_ANY_EXHDR(value);

	crm_text_to_utf8(&data, &length);
	crm_email_check(data, length, &options, &address);
	PG_RETURN_TEXT_P(crm_text_from_utf8(address.canonical,
										address.canonical_length));
}

/* crmaudit.match_key(email) */
Datum
crmaudit_email_match_key(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(value);
	int			length = VARSIZE_ANY_EXHDR(value);
	char		key[CRM_CANONICAL_MAX + 1];

	crm_text_to_utf8(&data, &length);
	length = crm_email_match_key(data, length, key);
	PG_RETURN_TEXT_P(crm_text_from_utf8(key, length));
}
