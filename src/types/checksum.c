/*-------------------------------------------------------------------------
 *
 * checksum.c
 *		Check digit systems that several identifiers share: ISO 7064 MOD 97-10
 *		and MOD 11,10, Luhn's formula, weighted sums.
 *
 *-------------------------------------------------------------------------
 */
#include "types/types_private.h"

/* The width in which Luhn's formula is computed. */
#define LUHN_WIDTH	24

/*
 * Returns the number with what text spells behind it; letters count as 10 to
 * 35, two digits each.
 */
static inline uint64_t
append_characters(uint64_t number, const char *text, int length)
{
	for (int i = 0; i < length; i++)
	{
		char		c = text[i];

		if (crm_is_digit(c))
			number = number * 10 + (uint64_t) (c - '0');
		else
			number = number * 100 + (uint64_t) (c - 'A' + 10);
	}
	return number;
}

/*
 * Returns the remainder modulo 97 of the number that text spells (letters
 * count as 10 to 35, two digits each), continued from "remainder".  text
 * holds upper-case letters and digits only.
 */
int
crm_mod97(const char *text, int length, int remainder)
{
	uint64_t	number = (uint64_t) remainder;

	/* eight letters, behind a remainder, are less than 97 * 100^8 */
	for (; length >= 8; length -= 8, text += 8)
	{
		uint64_t	bytes = crm_load_eight(text);

		number %= 97;
		if (crm_eight_are_digits(bytes))
			number = number * 100000000 +
				crm_eight_number(bytes - CRM_EIGHT('0'), 10);
		else
			number = append_characters(number, text, 8);
	}
	return (int) (append_characters(number % 97, text, length) % 97);
}

/*
 * Are these two characters check digits that the computation can yield?  It
 * gives 98 minus a remainder of 0 to 96, hence 02 to 98; 00, 01 and 99 are
 * congruent to some of them but never issued.
 */
bool
crm_check_digits_ok(const char *digits)
{
	int			number = (digits[0] - '0') * 10 + (digits[1] - '0');

	return number >= 2 && number <= 98;
}

/* Returns the sum of the digits, each times its weight. */
int
crm_weighted_sum(const char *digits, const int16_t *weights, int count)
{
	int			sum = 0;

	for (int i = 0; i < count; i++)
		sum += (digits[i] - '0') * weights[i];
	return sum;
}

/*
 * Returns the sum of Luhn's formula (ISO/IEC 7812-1, annex B): the second
 * digit from the right and every other one before it are doubled, and the
 * digits of what results added.  A number with a right check digit gives a
 * multiple of ten.  There are at most LUHN_WIDTH digits; zeros before them
 * change nothing, so that all numbers are brought to that width.
 */
int
crm_luhn_sum(const char *digits, int length)
{
	char		padded[LUHN_WIDTH];
	uint64_t	sums = 0;

	memset(padded, '0', LUHN_WIDTH);
	memcpy(padded + LUHN_WIDTH - length, digits, (size_t) length);
	for (int i = 0; i < LUHN_WIDTH; i += 8)
	{
		uint64_t	bytes = crm_load_eight(padded + i) - CRM_EIGHT('0');
		uint64_t	doubled = bytes & UINT64_C(0x00FF00FF00FF00FF);
		uint64_t	carries = crm_eight_at_least(doubled, 5) >> 7;

		sums += bytes + doubled - carries * 9;
	}
	/* no byte has more than 27, all of them no more than 216 */
	return (int) (sums * CRM_EIGHT(1) >> 56);
}

/* Is the last digit right by ISO 7064 MOD 11,10? */
bool
crm_mod11_10_ok(const char *digits, int length)
{
	int			product = 10;

	for (int i = 0; i < length - 1; i++)
	{
		int			sum = (product + digits[i] - '0') % 10;

		product = (sum == 0 ? 10 : sum) * 2 % 11;
	}
	return (product + digits[length - 1] - '0') % 10 == 1;
}
