/*-------------------------------------------------------------------------
 *
 * iban.c
 *		International bank account numbers, ISO 13616-1.
 *
 * Country code (2), check digits by ISO 7064 MOD 97-10 (2), and the national
 * account number (BBAN) whose length and structure each country registers.
 * Some countries have check digits of their own in the BBAN, see
 * iban_national.c; those of BE, ES, ME and NO are part of validity, as in
 * other validators, and the others are looked at where a rule asks for it.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/iban_national.h"
#include "types/iban_table.h"
#include "types/types_private.h"

#define BBAN_AT				4

/* Returns the country of these two characters, or NULL. */
static const IbanCountry *
find_country(const char *text)
{
	unsigned	first = (unsigned) (text[0] - 'A');
	unsigned	second = (unsigned) (text[1] - 'A');
	int			place;

	if (first >= 26 || second >= 26)
		return NULL;
	place = iban_country_index[first * 26 + second];
	return place > 0 ? &iban_countries[place - 1] : NULL;
}

/* Returns the position of the first character that breaks the structure. */
static int
find_bad_character(const char *text, const IbanCountry *country)
{
	int			at = BBAN_AT;

	for (int i = 2; i < BBAN_AT; i++)
	{
		if (!crm_is_digit(text[i]))
			return i;
	}
	for (int run = 0; run < 3; run++)
	{
		const IbanRun *r = &country->runs[run];
		int			end = at + r->count;

		if (r->kind == 'c' ||
			(r->kind == 'n' && r->count >= 8 &&
			 crm_are_digits(text + at, r->count)))
			at = end;
		for (; at < end; at++)
		{
			if ((r->kind == 'n' && !crm_is_digit(text[at])) ||
				(r->kind == 'a' && crm_is_digit(text[at])))
				return at;
		}
	}
	return -1;
}

/*
 * Judges the check digits of the whole.  Returns false, with the blame set,
 * if they are wrong.
 */
static bool
check_digits(const char *str, size_t length, const AlnumText *alnum,
			 CrmValue *value)
{
	const char *text = alnum->text;
	CrmReason	reason;
	int			remainder;

	remainder = crm_mod97(text + BBAN_AT, alnum->length - BBAN_AT, 0);
	remainder = crm_mod97(text, BBAN_AT, remainder);
	if (remainder != 1)
		reason = CRM_REASON_CHECK_DIGIT;
	else if (!crm_check_digits_ok(text + 2))
		reason = CRM_REASON_CHECK_DIGIT_RANGE;
	else
		return true;
	crm_alnum_blame(str, length, alnum, value, CRM_INVALID, reason, 2, 2);
	return false;
}

/*
 * Judges what the country says of its accounts: the national check digits,
 * and whether it is in the registry.
 */
static void
check_national(const char *str, size_t length, const AlnumText *alnum,
			   const CrmOptions *options, const IbanCountry *country,
			   CrmValue *value)
{
	const char *bban = alnum->text + BBAN_AT;
	CrmVerdict	verdict = CRM_INVALID;
	const IbanNational *fault;

	fault = crm_iban_validity_fault(country->code, bban);
	if (fault == NULL && options->national_check)
	{
		verdict = CRM_SUSPECT;
		fault = crm_iban_national_fault(country->code, bban);
	}
	if (fault != NULL)
		crm_alnum_blame(str, length, alnum, value, verdict,
						CRM_REASON_NATIONAL_CHECK_DIGIT,
						BBAN_AT + fault->blame_from, fault->blame_length);
	else if (!country->is_registered)
		crm_alnum_blame(str, length, alnum, value, CRM_SUSPECT,
						CRM_REASON_COUNTRY_NOT_REGISTERED, 0, 2);
}

/*
 * Judges an IBAN.  Countries that use IBANs without having registered their
 * structure are suspect, and so are national check digits that only a rule
 * asks for.
 */
void
crm_iban_check(const char *str, size_t length,
			   const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;
	const IbanCountry *country;
	int			bad;

	crm_value_init(value);
	if (!crm_alnum_collect(str, length, &alnum, value))
		return;
	country = alnum.length > BBAN_AT ? find_country(alnum.text) : NULL;
	if (alnum.length <= BBAN_AT ||
		(country != NULL && alnum.length != country->length))
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH, 0, length);
		return;
	}
	if (country == NULL)
	{
		crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
						CRM_REASON_COUNTRY_UNKNOWN, 0, 2);
		return;
	}
	bad = find_bad_character(alnum.text, country);
	if (bad >= 0)
	{
		crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
						CRM_REASON_BAD_CHARACTER, bad, 1);
		return;
	}
	if (!check_digits(str, length, &alnum, value))
		return;
	check_national(str, length, &alnum, options, country, value);
	if (value->verdict != CRM_INVALID)
		crm_value_set_canonical(value, options, alnum.text, alnum.length);
}
