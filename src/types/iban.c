/*-------------------------------------------------------------------------
 *
 * iban.c
 *		International bank account numbers, ISO 13616-1.
 *
 * Country code (2), check digits by ISO 7064 MOD 97-10 (2), and the national
 * account number (BBAN) whose length and structure each country registers.
 * Some countries have check digits of their own in the BBAN; those of BE, ES,
 * ME and NO are part of the verdict, because each is used for all accounts.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/iban_table.h"
#include "types/types_private.h"

#define IBAN_COUNTRIES \
	((int) (sizeof(iban_countries) / sizeof(iban_countries[0])))

#define BBAN_AT				4

/* Returns the country of these two letters, or NULL. */
static const IbanCountry *
find_country(const char *text)
{
	int			low = 0;
	int			high = IBAN_COUNTRIES - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const char *code = iban_countries[middle].code;
		int			order = (text[0] - code[0]) * 256 + (text[1] - code[1]);

		if (order == 0)
			return &iban_countries[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
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

		for (; at < end; at++)
		{
			if ((r->kind == 'n' && !crm_is_digit(text[at])) ||
				(r->kind == 'a' && crm_is_digit(text[at])))
				return at;
		}
	}
	return -1;
}

/* Sum of digits times weights. */
static int
weighted_sum(const char *digits, const unsigned char *weights, int count)
{
	int			sum = 0;

	for (int i = 0; i < count; i++)
		sum += (digits[i] - '0') * weights[i];
	return sum;
}

/* Spain: one check digit for bank and branch, one for the account. */
static bool
spain_ok(const char *bban)
{
	static const unsigned char weights[10] = {1, 2, 4, 8, 5, 10, 9, 7, 3, 6};
	int			bank = 11 - weighted_sum(bban, weights + 2, 8) % 11;
	int			account = 11 - weighted_sum(bban + 10, weights, 10) % 11;

	/* 10 is written 1, and 11 is written 0 */
	bank = bank == 11 ? 0 : bank == 10 ? 1 : bank;
	account = account == 11 ? 0 : account == 10 ? 1 : account;
	return bban[8] - '0' == bank && bban[9] - '0' == account;
}

/* Norway: modulo 11 over the eleven digits, 10 is not issued. */
static bool
norway_ok(const char *bban)
{
	static const unsigned char weights[11] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1};

	return weighted_sum(bban, weights, 11) % 11 == 0;
}

/* Belgium: the first ten digits modulo 97, 0 written as 97. */
static bool
belgium_ok(const char *bban)
{
	int			expected = crm_mod97(bban, 10, 0);
	int			given = (bban[10] - '0') * 10 + (bban[11] - '0');

	return given == (expected == 0 ? 97 : expected);
}

/*
 * Are the national check digits right?  Sets *at and *count to where they
 * stand in the BBAN; true for countries whose digits are not looked at.
 */
static bool
national_check_ok(const IbanCountry *country, const char *bban,
				  int *at, int *count)
{
	*count = 2;
	if (memcmp(country->code, "BE", 2) == 0)
	{
		*at = 10;
		return belgium_ok(bban);
	}
	if (memcmp(country->code, "ES", 2) == 0)
	{
		*at = 8;
		return spain_ok(bban);
	}
	if (memcmp(country->code, "ME", 2) == 0)
	{
		*at = 16;
		return crm_mod97(bban, 18, 0) == 1;
	}
	if (memcmp(country->code, "NO", 2) == 0)
	{
		*at = 10;
		*count = 1;
		return norway_ok(bban);
	}
	return true;
}

/*
 * Judges the check digits, of the whole and of the BBAN.  Returns false, with
 * the blame set, if one is wrong.
 */
static bool
check_digits(const char *str, size_t length, const AlnumText *alnum,
			 const IbanCountry *country, CrmValue *value)
{
	const char *text = alnum->text;
	CrmReason	reason = CRM_REASON_NONE;
	int			at = 2;
	int			count = 2;
	int			remainder;

	remainder = crm_mod97(text + BBAN_AT, alnum->length - BBAN_AT, 0);
	remainder = crm_mod97(text, BBAN_AT, remainder);
	if (remainder != 1)
		reason = CRM_REASON_CHECK_DIGIT;
	else if (!crm_check_digits_ok(text + 2))
		reason = CRM_REASON_CHECK_DIGIT_RANGE;
	else if (!national_check_ok(country, text + BBAN_AT, &at, &count))
	{
		reason = CRM_REASON_NATIONAL_CHECK_DIGIT;
		at += BBAN_AT;
	}
	if (reason == CRM_REASON_NONE)
		return true;
	crm_alnum_blame(str, length, alnum, value, CRM_INVALID, reason, at, count);
	return false;
}

/*
 * Judges an IBAN.  Countries that use IBANs without having registered their
 * structure are suspect.
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
	if (!check_digits(str, length, &alnum, country, value))
		return;
	if (!country->is_registered)
		crm_alnum_blame(str, length, &alnum, value, CRM_SUSPECT,
						CRM_REASON_COUNTRY_NOT_REGISTERED, 0, 2);
	crm_value_set_canonical(value, options, alnum.text, alnum.length);
}
