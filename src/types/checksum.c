/*-------------------------------------------------------------------------
 *
 * checksum.c
 *		ISO 7064 MOD 97-10, which IBAN and LEI share.
 *
 *-------------------------------------------------------------------------
 */
#include "types/types_private.h"

/*
 * Returns the remainder modulo 97 of the number that text spells (letters
 * count as 10 to 35, two digits each), continued from "remainder".  text
 * holds upper-case letters and digits only.
 */
int
crm_mod97(const char *text, int length, int remainder)
{
	uint64_t	number = (uint64_t) remainder;

	for (int i = 0; i < length; i++)
	{
		char		c = text[i];

		if (crm_is_digit(c))
			number = number * 10 + (uint64_t) (c - '0');
		else
			number = number * 100 + (uint64_t) (c - 'A' + 10);
		/* the division is the slow part: do it as seldom as possible */
		if (number > UINT64_MAX / 1000)
			number %= 97;
	}
	return (int) (number % 97);
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
