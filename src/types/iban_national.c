/*-------------------------------------------------------------------------
 *
 * iban_national.c
 *		National check digits in IBANs.
 *
 * Before IBANs each country had account numbers of its own, many with check
 * digits, which stand in the BBAN.  The IBAN's own digits find all that these
 * find, except where somebody computed an IBAN from a wrong account number.
 *
 * Sources: the IBAN registry (ISO 13616-2) for the structures; the
 * computations are those that national banks publish and that "International
 * Bank Account Number" in Wikipedia compiles under "National check digits".
 * Every row holds for the registry's example of its country, or for examples
 * in public use where there is none: test/sql/types_iban.sql has them.
 *
 * Left out, because no one computation holds for a country's accounts: AT, CH,
 * DE, DK, GB, LU, SE and others, where it depends on the bank.
 *
 *-------------------------------------------------------------------------
 */
#include "types/iban_national.h"
#include "types/types_private.h"

/* ISO 7064 MOD 97-10 over the whole. */
static bool
mod97_ok(const char *text, int length)
{
	return crm_mod97(text, length, 0) == 1;
}

/* ISO 7064 MOD 11,10. */
static bool
mod11_10_ok(const char *text, int length)
{
	return crm_mod11_10_ok(text, length);
}

/* Luhn's formula. */
static bool
luhn_ok(const char *text, int length)
{
	return crm_luhn_sum(text, length) % 10 == 0;
}

/*
 * The key of the French RIB, which French-speaking countries took over: the
 * whole is divisible by 97.  Letters stand for the digits 1 to 9 in three
 * rows; the third, from S on, begins with 2.
 */
static bool
rib_ok(const char *text, int length)
{
	static const char digits[] = "12345678912345678923456789";
	int			remainder = 0;

	for (int i = 0; i < length; i++)
	{
		char		c = text[i];

		if (!crm_is_digit(c))
			c = digits[c - 'A'];
		remainder = (remainder * 10 + (c - '0')) % 97;
	}
	return remainder == 0;
}

/* Belgium: the first ten digits modulo 97, 0 written as 97. */
static bool
belgium_ok(const char *text, int length)
{
	int			expected = crm_mod97(text, 10, 0);

	return crm_digits_number(text + 10, 2) == (expected == 0 ? 97 : expected);
}

/* Spain: one check digit for bank and branch, one for the account. */
static bool
spain_ok(const char *text, int length)
{
	static const int16_t weights[10] = {1, 2, 4, 8, 5, 10, 9, 7, 3, 6};
	int			bank = 11 - crm_weighted_sum(text, weights + 2, 8) % 11;
	int			account = 11 - crm_weighted_sum(text + 10, weights, 10) % 11;

	/* 10 is written 1, and 11 is written 0 */
	bank = bank == 11 ? 0 : bank == 10 ? 1 : bank;
	account = account == 11 ? 0 : account == 10 ? 1 : account;
	return text[8] - '0' == bank && text[9] - '0' == account;
}

/*
 * Norway's accounts and Iceland's personal numbers: weights 2 to 7 from the
 * right, modulo 11; a check digit of 10 is not issued.
 */
static bool
weights_2_to_7_ok(const char *text, int length)
{
	static const int16_t weights[11] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1};

	return crm_weighted_sum(text, weights + 11 - length, length) % 11 == 0;
}

/* Czechia, Slovakia: powers of 2 from the right, modulo 11. */
static bool
powers_of_2_ok(const char *text, int length)
{
	static const int16_t weights[10] = {6, 3, 7, 9, 10, 5, 8, 4, 2, 1};

	return crm_weighted_sum(text, weights + 10 - length, length) % 11 == 0;
}

/* Albania, Hungary: weights 9, 7, 3, 1 again and again, modulo 10. */
static bool
weights_9731_ok(const char *text, int length)
{
	static const int16_t weights[16] = {
		9, 7, 3, 1, 9, 7, 3, 1, 9, 7, 3, 1, 9, 7, 3, 1
	};

	return crm_weighted_sum(text, weights, length) % 10 == 0;
}

/* Poland: weights 3, 9, 7, 1 on the number of bank and branch, modulo 10. */
static bool
weights_3971_ok(const char *text, int length)
{
	static const int16_t weights[8] = {3, 9, 7, 1, 3, 9, 7, 1};

	return crm_weighted_sum(text, weights, length) % 10 == 0;
}

/* Estonia: weights 7, 3, 1 from the right of all but the bank, modulo 10. */
static bool
weights_731_ok(const char *text, int length)
{
	static const int16_t weights[14] = {
		7, 1, 3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7, 1
	};

	return crm_weighted_sum(text, weights, length) % 10 == 0;
}

/*
 * Netherlands: the eleven-test.  Giro accounts, which had at most seven
 * digits, never had one.
 */
static bool
eleven_test_ok(const char *text, int length)
{
	static const int16_t weights[10] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1};

	return memcmp(text, "000", 3) == 0 ||
		crm_weighted_sum(text, weights, length) % 11 == 0;
}

/*
 * Italy, San Marino: the CIN, a letter before the 22 characters that it is
 * computed from; those in odd places count by a table.
 */
static bool
cin_ok(const char *text, int length)
{
	static const unsigned char odd[26] = {
		1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20,
		11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23
	};
	int			sum = 0;

	for (int i = 1; i < length; i++)
	{
		char		c = text[i];
		int			value = crm_is_digit(c) ? c - '0' : c - 'A';

		sum += i % 2 == 1 ? odd[value] : value;
	}
	return text[0] - 'A' == sum % 26;
}

/* Those that are part of an IBAN's validity. */
static const IbanNational validity[] = {
	{"BE", 0, 12, 10, 2, belgium_ok},
	{"ES", 0, 20, 8, 2, spain_ok},
	{"ME", 0, 18, 16, 2, mod97_ok},
	{"NO", 0, 11, 10, 1, weights_2_to_7_ok}
};

/* The others, sorted by code; a country with two parts has two rows. */
static const IbanNational national[] = {
	{"AL", 0, 8, 7, 1, weights_9731_ok},
	{"AO", 0, 21, 19, 2, mod97_ok},
	{"BA", 0, 16, 14, 2, mod97_ok},
	{"BF", 0, 24, 22, 2, rib_ok},
	{"BI", 0, 23, 21, 2, rib_ok},
	{"BJ", 0, 24, 22, 2, rib_ok},
	{"CF", 0, 23, 21, 2, rib_ok},
	{"CG", 0, 23, 21, 2, rib_ok},
	{"CI", 0, 24, 22, 2, rib_ok},
	{"CM", 0, 23, 21, 2, rib_ok},
	{"CV", 0, 21, 19, 2, mod97_ok},
	{"CZ", 4, 6, 9, 1, powers_of_2_ok},
	{"CZ", 10, 10, 19, 1, powers_of_2_ok},
	{"DJ", 0, 23, 21, 2, rib_ok},
	{"EE", 2, 14, 15, 1, weights_731_ok},
	{"FI", 0, 14, 13, 1, luhn_ok},
	{"FR", 0, 23, 21, 2, rib_ok},
	{"GA", 0, 23, 21, 2, rib_ok},
	{"GQ", 0, 23, 21, 2, rib_ok},
	{"HR", 0, 7, 6, 1, mod11_10_ok},
	{"HR", 7, 10, 16, 1, mod11_10_ok},
	{"HU", 0, 8, 7, 1, weights_9731_ok},
	/* the check digit is the eighth or the last, by the account's length */
	{"HU", 8, 16, 8, 16, weights_9731_ok},
	{"IS", 12, 9, 20, 1, weights_2_to_7_ok},
	{"IT", 0, 23, 0, 1, cin_ok},
	{"KM", 0, 23, 21, 2, rib_ok},
	{"MA", 0, 24, 22, 2, rib_ok},
	{"MC", 0, 23, 21, 2, rib_ok},
	{"MG", 0, 23, 21, 2, rib_ok},
	{"MK", 0, 15, 13, 2, mod97_ok},
	{"ML", 0, 24, 22, 2, rib_ok},
	{"MR", 0, 23, 21, 2, rib_ok},
	{"MZ", 0, 21, 19, 2, mod97_ok},
	{"NE", 0, 24, 22, 2, rib_ok},
	{"NL", 4, 10, 13, 1, eleven_test_ok},
	{"PL", 0, 8, 7, 1, weights_3971_ok},
	{"PT", 0, 21, 19, 2, mod97_ok},
	{"RS", 0, 18, 16, 2, mod97_ok},
	{"SI", 0, 15, 13, 2, mod97_ok},
	{"SK", 4, 6, 9, 1, powers_of_2_ok},
	{"SK", 10, 10, 19, 1, powers_of_2_ok},
	{"SM", 0, 23, 0, 1, cin_ok},
	{"SN", 0, 24, 22, 2, rib_ok},
	{"ST", 0, 21, 19, 2, mod97_ok},
	{"TD", 0, 23, 21, 2, rib_ok},
	{"TG", 0, 24, 22, 2, rib_ok},
	{"TL", 0, 19, 17, 2, mod97_ok},
	{"TN", 0, 20, 18, 2, rib_ok},
	{"XK", 0, 16, 14, 2, mod97_ok}
};

#define VALIDITY_ROWS	((int) (sizeof(validity) / sizeof(validity[0])))
#define NATIONAL_ROWS	((int) (sizeof(national) / sizeof(national[0])))

/* Does the account number pass this check? */
static bool
row_ok(const IbanNational *row, const char *bban)
{
	return row->check(bban + row->from, row->length);
}

/*
 * Returns the check among those of validity that the account number fails, or
 * NULL.  The BBAN has the structure that the country registered.
 */
const IbanNational *
crm_iban_validity_fault(const char *code, const char *bban)
{
	for (int i = 0; i < VALIDITY_ROWS; i++)
	{
		if (memcmp(validity[i].code, code, 2) == 0)
			return row_ok(&validity[i], bban) ? NULL : &validity[i];
	}
	return NULL;
}

/* Returns the first row of the country, or of the next that has one. */
static int
find_first(const char *code)
{
	int			low = 0;
	int			high = NATIONAL_ROWS;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (memcmp(national[middle].code, code, 2) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Likewise, the first failed check among those that a rule asks for. */
const IbanNational *
crm_iban_national_fault(const char *code, const char *bban)
{
	for (int i = find_first(code); i < NATIONAL_ROWS; i++)
	{
		if (memcmp(national[i].code, code, 2) != 0)
			break;
		if (!row_ok(&national[i], bban))
			return &national[i];
	}
	return NULL;
}
