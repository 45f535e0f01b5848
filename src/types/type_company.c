/*-------------------------------------------------------------------------
 *
 * type_company.c
 *		What a uscc tells of an organisation, and a bank_card of its issuer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "crmaudit.h"
#include "types/bank_card.h"
#include "types/type_sql.h"
#include "types/uscc.h"

#define NATIONAL_AREA	100000

PG_FUNCTION_INFO_V1(crmaudit_uscc_authority);
PG_FUNCTION_INFO_V1(crmaudit_uscc_organisation_type);
PG_FUNCTION_INFO_V1(crmaudit_uscc_area_name);
PG_FUNCTION_INFO_V1(crmaudit_bank_card_issuer);
PG_FUNCTION_INFO_V1(crmaudit_bank_card_card_type);
PG_FUNCTION_INFO_V1(crmaudit_bank_card_brand);

/* The canonical form of the first argument, 18 characters. */
static const char *
uscc_argument(FunctionCallInfo fcinfo)
{
	return VARDATA_ANY(PG_GETARG_TEXT_PP(0));
}

/* Words in the language of crmaudit.language. */
static Datum
words_or_null(FunctionCallInfo fcinfo, CrmUsccWords words)
{
	if (words.english == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(crm_words(words.english, words.chinese)));
}

/* crmaudit.authority(uscc) */
Datum
crmaudit_uscc_authority(PG_FUNCTION_ARGS)
{
	return words_or_null(fcinfo, crm_uscc_authority(uscc_argument(fcinfo)));
}

/* crmaudit.organisation_type(uscc) */
Datum
crmaudit_uscc_organisation_type(PG_FUNCTION_ARGS)
{
	return words_or_null(fcinfo, crm_uscc_type(uscc_argument(fcinfo)));
}

/* crmaudit.area_name(uscc): as it is, or was last. */
Datum
crmaudit_uscc_area_name(PG_FUNCTION_ARGS)
{
	int			area = crm_uscc_area(uscc_argument(fcinfo));
	static const char *const national = "国家登记机关";
	text	   *name = area == NATIONAL_AREA ?
	crm_text_from_utf8_or_null(national, strlen(national)) :
	crm_area_name_text(area, 0);

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(name);
}

/* What the first argument tells. */
static CrmCard
card_argument(FunctionCallInfo fcinfo)
{
	char		text[CRM_NUMBER_TEXT_MAX];
	int			length = crm_bank_card_unpack(PG_GETARG_INT64(0), text);
	CrmCard		card;

	crm_bank_card_describe(text, length, &card);
	return card;
}

/* A UTF-8 constant as text; NULL if there is none. */
static Datum
name_or_null(FunctionCallInfo fcinfo, const char *name)
{
	text	   *value = name ?
	crm_text_from_utf8_or_null(name, strlen(name)) : NULL;

	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(value);
}

/*
 * crmaudit.issuer(bank_card): the bank's Chinese name; its short name where
 * the server encoding has no Chinese.
 */
Datum
crmaudit_bank_card_issuer(PG_FUNCTION_ARGS)
{
	CrmCard		card = card_argument(fcinfo);
	Datum		issuer = name_or_null(fcinfo, card.issuer);

	if (fcinfo->isnull)
	{
		fcinfo->isnull = false;
		issuer = name_or_null(fcinfo, card.issuer_code);
	}
	return issuer;
}

/* crmaudit.card_type(bank_card) */
Datum
crmaudit_bank_card_card_type(PG_FUNCTION_ARGS)
{
	return name_or_null(fcinfo, crm_card_type_name(card_argument(fcinfo).type));
}

/* crmaudit.brand(bank_card) */
Datum
crmaudit_bank_card_brand(PG_FUNCTION_ARGS)
{
	return name_or_null(fcinfo, card_argument(fcinfo).brand);
}
