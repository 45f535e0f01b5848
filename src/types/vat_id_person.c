/*-------------------------------------------------------------------------
 *
 * vat_id_person.c
 *		Check digits of VAT numbers in countries where people who trade under
 *		their own names use their personal number, which holds a birth date in
 *		most.
 *
 * Sources: those of vat_id_business.c.  A date is checked for existence only;
 * whether it lies in the future is left to registers, since a century cannot
 * be told everywhere.
 *
 *-------------------------------------------------------------------------
 */
#include "types/vat_id.h"

/* Bulgaria, 9 digits: modulo 11, in a second pass with weights two higher. */
static bool
bulgarian_company_ok(const char *number)
{
	static const int16_t weights[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	int			check = crm_weighted_sum(number, weights, 8) % 11;

	if (check == 10)
		check = crm_weighted_sum(number, weights + 2, 8) % 11 % 10;
	return check == number[8] - '0';
}

/*
 * Is this a Bulgarian personal number (EGN)?  Months count from 21 in the
 * 19th century and from 41 in the 21st.
 */
static bool
bulgarian_citizen_ok(const char *number)
{
	static const int16_t weights[9] = {2, 4, 8, 5, 10, 9, 7, 3, 6};
	int			year = crm_digits_number(number, 2);
	int			month = crm_digits_number(number + 2, 2);

	year += month > 40 ? 2000 : month > 20 ? 1800 : 1900;
	month -= month > 40 ? 40 : month > 20 ? 20 : 0;
	return crm_date_exists(year, month, crm_digits_number(number + 4, 2)) &&
		crm_weighted_sum(number, weights, 9) % 11 % 10 == number[9] - '0';
}

/*
 * Bulgaria: a company, or a citizen, a foreigner or another person, whose
 * numbers of ten digits have check digits of three kinds.
 */
VatFault
crm_vat_bulgaria(const VatCountry *country, const char *number, int length)
{
	static const int16_t foreigner[9] = {21, 19, 17, 13, 11, 9, 7, 3, 1};
	static const int16_t other[10] = {4, 3, 2, 7, 6, 5, 4, 3, 2, 1};
	bool		is_right;

	if (length == 9)
		return crm_vat_checked(bulgarian_company_ok(number), 8, 1);
	is_right = bulgarian_citizen_ok(number) ||
		crm_weighted_sum(number, foreigner, 9) % 10 == number[9] - '0' ||
		crm_weighted_sum(number, other, 10) % 11 == 0;
	return crm_vat_checked(is_right, 9, 1);
}

/*
 * The birth number (rodné číslo) of Czechia and Slovakia: date, serial, and
 * since 1954 a check digit that makes the whole divisible by 11; until 1984 it
 * was 0 where 10 would be needed, later such serials were left out.  Women's
 * months count from 51; either may be 20 higher when a day's serials were used
 * up.
 */
static VatFault
birth_number(const char *number, int length)
{
	int			year = 1900 + crm_digits_number(number, 2);
	int			month = crm_digits_number(number + 2, 2) % 50 % 20;
	int			check;

	if (length == 9)
	{
		if (year >= 1980)
			year -= 100;
		if (year > 1953)
			return crm_vat_refused(CRM_REASON_BAD_LENGTH, 0, length);
	}
	else if (year < 1954)
		year += 100;
	if (!crm_date_exists(year, month, crm_digits_number(number + 4, 2)))
		return crm_vat_refused(CRM_REASON_BIRTH_DATE_IMPOSSIBLE, 0, 6);
	if (length == 9)
		return crm_vat_checked(true, 8, 1);
	check = crm_digits_number(number, 9) % 11;
	if (check == 10 && year < 1985)
		check = 0;
	return crm_vat_checked(check == number[9] - '0', 9, 1);
}

/*
 * Czechia: companies have 8 digits, the first not 9; 9 digits that begin with
 * 6 are of people who have no birth number; others are birth numbers.
 */
VatFault
crm_vat_czechia(const VatCountry *country, const char *number, int length)
{
	static const int16_t weights[7] = {8, 7, 6, 5, 4, 3, 2};
	int			sum;

	if (length == 8)
	{
		if (number[0] == '9')
			return crm_vat_refused(CRM_REASON_PREFIX_UNKNOWN, 0, 1);
		sum = crm_weighted_sum(number, weights, 7) % 11;
		return crm_vat_checked((11 - sum) % 10 == number[7] - '0', 7, 1);
	}
	if (length == 9 && number[0] == '6')
	{
		sum = crm_weighted_sum(number + 1, weights, 7) % 11;
		return crm_vat_checked((8 + sum) % 10 == number[8] - '0', 8, 1);
	}
	return birth_number(number, length);
}

/*
 * Latvia: companies begin with 4 or higher; a person's number begins with day,
 * month, year and century (0 is the 19th).  Since 2017 it begins with 32
 * instead and tells no date, which few other programs know: suspect.
 */
VatFault
crm_vat_latvia(const VatCountry *country, const char *number, int length)
{
	static const int16_t company[11] = {9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1};
	static const int16_t person[10] = {10, 5, 8, 4, 2, 1, 6, 3, 7, 9};
	int			year = 1800 + (number[6] - '0') * 100 +
	crm_digits_number(number + 4, 2);
	int			check;
	VatFault	fault;

	if (number[0] > '3')
		return crm_vat_checked(crm_weighted_sum(number, company, 11) % 11 == 3,
							   10, 1);
	check = (1 + crm_weighted_sum(number, person, 10)) % 11 % 10;
	fault = crm_vat_checked(check == number[10] - '0', 10, 1);
	if (!crm_date_exists(year, crm_digits_number(number + 2, 2),
						 crm_digits_number(number, 2)))
	{
		bool		is_new = memcmp(number, "32", 2) == 0;

		if (!is_new)
			return crm_vat_refused(CRM_REASON_BIRTH_DATE_IMPOSSIBLE, 0, 7);
		if (fault.reason == CRM_REASON_NONE)
		{
			fault = crm_vat_refused(CRM_REASON_BIRTH_DATE_IMPOSSIBLE, 0, 6);
			fault.verdict = CRM_SUSPECT;
		}
	}
	return fault;
}

/*
 * The Romanian personal number (CNP): sex and century, date, county, serial,
 * check digit modulo 11, where 10 is written 1.  The county is not checked:
 * codes were added more than once.
 */
static VatFault
romanian_person(const char *number)
{
	static const int16_t weights[12] = {2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9};
	static const short centuries[10] = {
		1900, 1900, 1900, 1800, 1800, 2000, 2000, 1900, 1900, 1900
	};
	int			year = centuries[number[0] - '0'] +
	crm_digits_number(number + 1, 2);
	int			check;

	if (!crm_date_exists(year, crm_digits_number(number + 3, 2),
						 crm_digits_number(number + 5, 2)))
		return crm_vat_refused(CRM_REASON_BIRTH_DATE_IMPOSSIBLE, 1, 6);
	check = crm_weighted_sum(number, weights, 12) % 11;
	return crm_vat_checked((check == 10 ? 1 : check) == number[12] - '0',
						   12, 1);
}

/* Romania: companies by a weighted sum, people by their personal number. */
VatFault
crm_vat_romania(const VatCountry *country, const char *number, int length)
{
	if (length == 13)
		return romanian_person(number);
	return crm_vat_sum_mod_10(country, number, length);
}

/*
 * Slovakia: a birth number; or a number that is divisible by 11, does not
 * begin with 0, and has 2, 3, 4, 7, 8 or 9 in the third place.
 */
VatFault
crm_vat_slovakia(const VatCountry *country, const char *number, int length)
{
	int			remainder;

	if (birth_number(number, length).reason == CRM_REASON_NONE)
		return crm_vat_checked(true, 9, 1);
	if (number[0] == '0')
		return crm_vat_refused(CRM_REASON_BAD_CHARACTER, 0, 1);
	if (strchr("234789", number[2]) == NULL)
		return crm_vat_refused(CRM_REASON_BAD_CHARACTER, 2, 1);
	remainder = crm_digits_number(number, 9) % 11;
	return crm_vat_checked((remainder * 10 + number[9] - '0') % 11 == 0, 9, 1);
}

/*
 * Spain, of people: 8 digits (DNI) or a letter and 7 digits (NIE, or K, L and
 * M for those without either) modulo 23 give the letter at the end.
 */
static bool
spanish_person_ok(const char *number)
{
	static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
	int			value = crm_digits_number(number + 1, 7);

	if (crm_is_digit(number[0]))
		value += (number[0] - '0') * 10000000;
	else if (number[0] >= 'X')
		value += (number[0] - 'X') * 10000000;
	return number[8] == letters[value % 23];
}

/*
 * Spain: a person (DNI, NIE), or a company (CIF): a letter that says of what
 * kind, 7 digits, and Luhn's check digit or the letter that stands for it.
 * Which of the two a kind has is not checked: registers hold exceptions.
 */
VatFault
crm_vat_spain(const VatCountry *country, const char *number, int length)
{
	static const char people[] = "0123456789KLMXYZ";
	static const char companies[] = "ABCDEFGHJNPQRSUVW";
	char		digits[8];

	if (strchr(people, number[0]) != NULL)
		return crm_vat_checked(spanish_person_ok(number), 8, 1);
	if (strchr(companies, number[0]) == NULL)
		return crm_vat_refused(CRM_REASON_PREFIX_UNKNOWN, 0, 1);
	memcpy(digits, number + 1, 8);
	if (digits[7] >= 'A' && digits[7] <= 'I')
		digits[7] = (char) ('1' + (digits[7] - 'A'));
	else if (digits[7] == 'J')
		digits[7] = '0';
	else if (!crm_is_digit(digits[7]))
		return crm_vat_refused(CRM_REASON_BAD_CHARACTER, 8, 1);
	return crm_vat_checked(crm_luhn_sum(digits, 8) % 10 == 0, 8, 1);
}
