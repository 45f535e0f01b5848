/*-------------------------------------------------------------------------
 *
 * vat_id_business.c
 *		Check digits of VAT numbers that say nothing of a person.
 *
 * Sources: "VAT identification numbers: algorithms" of the European
 * Commission (DG TAXUD) and "Konstruktionsregeln der UID" of the Austrian
 * finance ministry, which describe the same computations country by country;
 * where a function has another source, its comment names it.  What those
 * rules leave open is decided as widely used validators do.
 *
 *-------------------------------------------------------------------------
 */
#include "types/vat_id.h"

/*
 * A weighted sum over all digits, the check digit among them, is divisible by
 * the modulus; a modulus beyond 11 has two check digits.
 */
VatFault
crm_vat_sum(const VatCountry *country, const char *number, int length)
{
	int			sum = crm_weighted_sum(number, country->weights, length);
	int			count = country->modulus > 11 ? 2 : 1;

	return crm_vat_checked(sum % country->modulus == 0, length - count, count);
}

/*
 * The check digit is the weighted sum of the others modulo 11, and 0 if that
 * is 10.  The weights belong to the last digits of a shorter number.
 */
VatFault
crm_vat_sum_mod_10(const VatCountry *country, const char *number, int length)
{
	int			count = length - 1;
	const int16_t *weights = country->weights + country->nweights - count;
	int			remainder = crm_weighted_sum(number, weights, count) % 11;

	if (remainder < 0)
		remainder += 11;
	return crm_vat_checked(remainder % 10 == number[count] - '0', count, 1);
}

/* Germany, Croatia: ISO 7064 MOD 11,10. */
VatFault
crm_vat_mod11_10(const VatCountry *country, const char *number, int length)
{
	return crm_vat_checked(crm_mod11_10_ok(number, length), length - 1, 1);
}

/* Austria: Luhn's sum of the seven digits, 4 and the check digit give 10. */
VatFault
crm_vat_austria(const VatCountry *country, const char *number, int length)
{
	int			sum = crm_luhn_sum(number + 1, 7) + 4 + number[8] - '0';

	return crm_vat_checked(sum % 10 == 0, 8, 1);
}

/* Belgium: 97 less the first eight digits modulo 97. */
VatFault
crm_vat_belgium(const VatCountry *country, const char *number, int length)
{
	int			front = crm_digits_number(number, 8);
	int			given = crm_digits_number(number + 8, 2);

	if (front == 0)
		return crm_vat_refused(CRM_REASON_BAD_CHARACTER, 0, 8);
	return crm_vat_checked((front + given) % 97 == 0, 8, 2);
}

/*
 * Cyprus: digits in odd places are replaced by a table, and the sum modulo 26
 * is a letter.  Numbers in 12 are not given out.
 */
VatFault
crm_vat_cyprus(const VatCountry *country, const char *number, int length)
{
	static const unsigned char odd[10] = {1, 0, 5, 7, 9, 13, 15, 17, 19, 21};
	int			sum = 0;

	if (number[0] == '1' && number[1] == '2')
		return crm_vat_refused(CRM_REASON_PREFIX_UNKNOWN, 0, 2);
	for (int i = 0; i < 8; i += 2)
		sum += odd[number[i] - '0'] + (number[i + 1] - '0');
	return crm_vat_checked(sum % 26 == number[8] - 'A', 8, 1);
}

/* The place of a character among those of the French key: no I, no O. */
static int
french_key_value(char c)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
	const char *found = strchr(alphabet, c);

	return found == NULL ? -1 : (int) (found - alphabet);
}

/*
 * Is the key of two characters right for this company (SIREN)?  The old key
 * is numeric; of the new one either character is a letter.
 */
static bool
french_key_ok(const char *key, int company)
{
	int			first = french_key_value(key[0]);
	int			second = french_key_value(key[1]);
	int			check;

	if (first < 0 || second < 0)
		return false;
	if (first < 10 && second < 10)
		return first * 10 + second == (12 + 3 * (company % 97)) % 97;
	if (first < 10)
		check = first * 24 + second - 10;
	else
		check = first * 34 + second - 100;
	return (company + 1 + check / 11) % 11 == check % 11;
}

/*
 * France: a key of two characters and the SIREN, which has a check digit by
 * Luhn's formula, except in Monaco, where it begins with 000.
 */
VatFault
crm_vat_france(const VatCountry *country, const char *number, int length)
{
	const char *company = number + 2;

	if (memcmp(company, "000", 3) != 0 && crm_luhn_sum(company, 9) % 10 != 0)
		return crm_vat_checked(false, 10, 1);
	return crm_vat_checked(french_key_ok(number, crm_digits_number(company, 9)),
						   0, 2);
}

/*
 * Ireland: a weighted sum modulo 23 gives a letter; a second letter counts
 * too, where W is 0.  The old form has a letter or a sign in the second
 * place, and its first digit counts as if it stood last; a second letter
 * after it, which no rule foresees, is let pass as elsewhere.
 */
VatFault
crm_vat_ireland(const VatCountry *country, const char *number, int length)
{
	static const int16_t weights[7] = {8, 7, 6, 5, 4, 3, 2};
	static const char letters[] = "WABCDEFGHIJKLMNOPQRSTUV";
	const char *second = length == 9 ? strchr(letters, number[8]) : letters;
	int			sum;

	if (second == NULL)
		return crm_vat_refused(CRM_REASON_BAD_CHARACTER, 8, 1);
	if (crm_is_digit(number[1]))
		sum = crm_weighted_sum(number, weights, 7) +
			9 * (int) (second - letters);
	else
		sum = crm_weighted_sum(number + 2, weights + 1, 5) +
			(number[0] - '0') * weights[6];
	return crm_vat_checked(number[7] == letters[sum % 23], 7, 1);
}

/* Italy: number of the company, code of the tax office, Luhn's check digit. */
VatFault
crm_vat_italy(const VatCountry *country, const char *number, int length)
{
	int			office = crm_digits_number(number + 7, 3);

	if (memcmp(number, "0000000", 7) == 0)
		return crm_vat_refused(CRM_REASON_BAD_CHARACTER, 0, 7);
	if (crm_luhn_sum(number, length) % 10 != 0)
		return crm_vat_checked(false, length - 1, 1);
	if (!(office >= 1 && office <= 100) && office != 120 && office != 121 &&
		office != 888 && office != 999)
		return crm_vat_refused(CRM_REASON_OFFICE_UNKNOWN, 7, 3);
	return crm_vat_checked(true, length - 1, 1);
}

/*
 * Lithuania: weights 1, 2, ... 9, 1, 2 ... modulo 11; if that is 10, weights
 * that begin with 3, and 10 is written 0.
 */
VatFault
crm_vat_lithuania(const VatCountry *country, const char *number, int length)
{
	static const int16_t weights[13] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4};
	int			count = length - 1;
	int			check = crm_weighted_sum(number, weights, count) % 11;

	if (check == 10)
		check = crm_weighted_sum(number, weights + 2, count) % 11 % 10;
	return crm_vat_checked(check == number[count] - '0', count, 1);
}

/* Luxembourg: the first six digits modulo 89. */
VatFault
crm_vat_luxembourg(const VatCountry *country, const char *number, int length)
{
	return crm_vat_checked(crm_digits_number(number, 6) % 89 ==
						   crm_digits_number(number + 6, 2), 6, 2);
}

/*
 * Netherlands: the eleven-test of the tax number, which is all that numbers
 * of companies have; those of sole traders, since 2020, hide it, and the
 * whole with its prefix is 1 modulo 97 (Belastingdienst, btw-id).
 */
VatFault
crm_vat_netherlands(const VatCountry *country, const char *number, int length)
{
	static const int16_t weights[9] = {9, 8, 7, 6, 5, 4, 3, 2, -1};
	int			remainder;

	if (memcmp(number, "000000000", 9) == 0)
		return crm_vat_refused(CRM_REASON_BAD_CHARACTER, 0, 9);
	if (memcmp(number + 10, "00", 2) == 0)
		return crm_vat_refused(CRM_REASON_BAD_CHARACTER, 10, 2);
	if (crm_weighted_sum(number, weights, 9) % 11 == 0)
		return crm_vat_checked(true, 8, 1);
	remainder = crm_mod97("NL", 2, 0);
	return crm_vat_checked(crm_mod97(number, length, remainder) == 1, 8, 1);
}

/* Slovenia: 11 less a weighted sum modulo 11; 10 is written 0, 11 never. */
VatFault
crm_vat_slovenia(const VatCountry *country, const char *number, int length)
{
	static const int16_t weights[7] = {8, 7, 6, 5, 4, 3, 2};
	int			check = 11 - crm_weighted_sum(number, weights, 7) % 11;

	return crm_vat_checked(check != 11 && check % 10 == number[7] - '0', 7, 1);
}

/* Sweden: Luhn's check digit, then 01. */
VatFault
crm_vat_sweden(const VatCountry *country, const char *number, int length)
{
	return crm_vat_checked(crm_luhn_sum(number, 10) % 10 == 0, 9, 1);
}

/*
 * United Kingdom: departments GD000 to GD499, health authorities HA500 to
 * HA999; else two digits that bring a weighted sum to a multiple of 97, or 55
 * short of one.  The latter range (HMRC's "9755") begins with 100.  What
 * exceeds a multiple by 55 is in no rule, but passes elsewhere.
 */
VatFault
crm_vat_united_kingdom(const VatCountry *country, const char *number,
					   int length)
{
	static const int16_t weights[9] = {8, 7, 6, 5, 4, 3, 2, 10, 1};
	int			remainder;
	bool		is_right;

	if (length == 5)
	{
		bool		is_health = number[0] == 'H';

		return is_health == (number[2] >= '5') ? crm_vat_checked(true, 2, 3)
			: crm_vat_refused(CRM_REASON_PREFIX_UNKNOWN, 2, 3);
	}
	remainder = crm_weighted_sum(number, weights, 9) % 97;
	is_right = remainder == 0 ||
		(number[0] != '0' && (remainder == 97 - 55 || remainder == 55));
	return crm_vat_checked(is_right, 7, 2);
}
