/*-------------------------------------------------------------------------
 *
 * resident_id.c
 *		Chinese resident ID numbers, GB 11643-1999.
 *
 * Eighteen characters: area code (6), birth date (8), order code (3, odd for
 * men), check character by ISO 7064 MOD 11-2.  The fifteen-digit form of
 * GB 11643-1989, without century and check character, lost force in 2013.
 *
 * Two documents share the numbering: residence permits of people from
 * Hong Kong (810000), Macao (820000) and Taiwan (830000), and since 2023 the
 * permanent residence ID of foreigners, which has 9, the province (2), and
 * the numeric ISO 3166-1 code of the nationality (3) in place of the area.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/area.h"
#include "types/resident_id.h"
#include "types/types_private.h"

#define ID_LENGTH			18
#define ID_LENGTH_LEGACY	15

#define AREA_LENGTH			6
#define BIRTH_AT			6
#define CHECK_AT			17

/* Nobody born before this year can have received an 18-digit number. */
#define FIRST_BIRTH_YEAR	1880

/*
 * Order codes from this on were kept, in the 15-digit form, for people over
 * a hundred years old, whose birth year has 18 before its two digits.
 */
#define CENTENARIAN_ORDER	996

/* The number of 17 digits, and what the fields at its end are worth. */
#define NUMBER_MAX			INT64_C(99999999999999999)
#define BIRTH_UNIT			1000	/* after it: the order code */
#define AREA_UNIT			INT64_C(100000000000)	/* and the birth date */

/* What has been read of a number; all 18 characters are in "text". */
typedef struct ResidentId
{
	const char *str;			/* the input */
	size_t		str_length;
	AlnumText  *alnum;
	bool		is_legacy;
	char		text[ID_LENGTH + 1];
	int64_t		number;			/* the first 17 digits */
} ResidentId;

static const char check_characters[] = "10X98765432";

/*
 * Returns the check character of the first 17 digits, by ISO 7064 MOD 11-2:
 * the digit in place i counts 2 to the power of 17 - i, so that the sum is
 * twice the number that the digits spell in base 2.
 */
static char
check_character(const char *digits)
{
	uint64_t	first = crm_load_eight(digits) - CRM_EIGHT('0');
	uint64_t	second = crm_load_eight(digits + 8) - CRM_EIGHT('0');
	uint32_t	number;

	number = crm_eight_number(first, 2) << 8;
	number = (number + crm_eight_number(second, 2)) << 1;
	number += (uint32_t) (digits[16] - '0');
	return check_characters[number * 2 % 11];
}

/* Returns the birth date, yyyymmdd, in the first 17 digits. */
static int32_t
birth_date_of(int64_t number17)
{
	return (int32_t) (number17 % AREA_UNIT / BIRTH_UNIT);
}

/* Does this day, yyyymmdd, exist? */
static bool
date_exists(int32_t date)
{
	return crm_date_exists(date / 10000, date / 100 % 100, date % 100);
}

/*
 * Sets a verdict that blames characters of the 18-digit form, which stand two
 * places further left in the 15-digit form (or, the century, nowhere).
 */
static void
blame(const ResidentId *id, CrmValue *value, CrmVerdict verdict,
	  CrmReason reason, int index, int count)
{
	if (id->is_legacy && index >= BIRTH_AT)
	{
		if (index == BIRTH_AT)
			count -= 2;
		else
			index -= 2;
	}
	crm_alnum_blame(id->str, id->str_length, id->alnum, value,
					verdict, reason, index, count);
}

/* Returns where the first of these characters is that is no digit, or count. */
static int
find_bad_character(const char *text, int count)
{
	int			i = 0;

	while (i < count && crm_is_digit(text[i]))
		i++;
	return i;
}

/*
 * Brings the collected characters into the 18-character form.  Returns false,
 * with the blame set, if length or characters are wrong.
 */
static bool
read_shape(ResidentId *id, CrmValue *value)
{
	const char *text = id->alnum->text;
	int			length = id->alnum->length;
	int			ndigits;

	if (length != ID_LENGTH && length != ID_LENGTH_LEGACY)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
						0, id->str_length);
		return false;
	}
	id->is_legacy = (length == ID_LENGTH_LEGACY);
	ndigits = id->is_legacy ? length : length - 1;
	if (!crm_are_digits(text, ndigits) ||
		(!id->is_legacy && !crm_is_digit(text[CHECK_AT]) &&
		 text[CHECK_AT] != 'X'))
	{
		crm_alnum_blame(id->str, id->str_length, id->alnum, value,
						CRM_INVALID, CRM_REASON_BAD_CHARACTER,
						find_bad_character(text, ndigits), 1);
		return false;
	}
	if (id->is_legacy)
	{
		bool		is_centenarian;

		is_centenarian = crm_digits_number(text + 12, 3) >= CENTENARIAN_ORDER &&
			crm_digits_number(text + BIRTH_AT, 2) >= FIRST_BIRTH_YEAR % 100;
		memcpy(id->text, text, AREA_LENGTH);
		memcpy(id->text + BIRTH_AT, is_centenarian ? "18" : "19", 2);
		memcpy(id->text + BIRTH_AT + 2, text + BIRTH_AT, 9);
		id->text[CHECK_AT] = check_character(id->text);
	}
	else
		memcpy(id->text, text, ID_LENGTH);
	id->text[ID_LENGTH] = '\0';
	id->number = crm_resident_id_number(id->text);
	return true;
}

/*
 * Reads birth date and sex into "value".  Returns false, with the blame set,
 * if the date is impossible.
 */
static bool
read_person(const ResidentId *id, CrmValue *value)
{
	int32_t		date = birth_date_of(id->number);

	if (!date_exists(date))
	{
		blame(id, value, CRM_INVALID, CRM_REASON_BIRTH_DATE_IMPOSSIBLE,
			  BIRTH_AT, 8);
		return false;
	}
	value->birth_date = date;
	value->sex = id->number % 2 == 1 ? 'M' : 'F';
	if (date < FIRST_BIRTH_YEAR * 10000)
	{
		blame(id, value, CRM_INVALID, CRM_REASON_BIRTH_DATE_TOO_EARLY,
			  BIRTH_AT, 8);
		return false;
	}
	return true;
}

/*
 * Judges the area code of a foreigner's permit: 9, province, nationality.
 * The 15-digit form had no such numbers.
 */
static void
check_foreigner(const ResidentId *id, CrmValue *value)
{
	if (id->is_legacy || !crm_province_is_known(crm_digits_number(id->text + 1, 2)))
		blame(id, value, CRM_INVALID, CRM_REASON_PROVINCE_UNKNOWN, 0, 3);
	else if (!crm_nationality_is_known(crm_digits_number(id->text + 3, 3)))
		blame(id, value, CRM_SUSPECT, CRM_REASON_NATIONALITY_UNKNOWN, 3, 3);
}

/*
 * Judges what the lists of areas say: an unknown province makes the number
 * invalid, a doubtful code suspect.
 */
static void
check_area(const ResidentId *id, CrmValue *value)
{
	int			area = (int) (id->number / AREA_UNIT);
	int			last_year;

	if (id->text[0] == '9')
	{
		check_foreigner(id, value);
		return;
	}
	if (!crm_province_is_known(area / 10000))
	{
		blame(id, value, CRM_INVALID, CRM_REASON_PROVINCE_UNKNOWN, 0, 2);
		return;
	}
	last_year = crm_area_last_year(area);
	if (last_year == CRM_AREA_NONE)
		blame(id, value, CRM_SUSPECT, CRM_REASON_AREA_UNKNOWN,
			  0, AREA_LENGTH);
	else if (last_year < value->birth_date / 10000)
		blame(id, value, CRM_SUSPECT, CRM_REASON_AREA_NOT_IN_FORCE,
			  0, AREA_LENGTH);
}

/*
 * Judges a resident ID number.  Birth date and sex are set whenever they
 * could be read, whatever the verdict.
 *
 * A province that no list knows and a birth date in the future are invalid,
 * yet storable: a list can be corrected, and a day comes.
 */
void
crm_resident_id_check(const char *str, size_t length,
					  const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;
	ResidentId	id;
	bool		is_in_future;
	bool		checks;

	crm_value_init(value);
	if (!crm_alnum_collect(str, length, &alnum, value))
		return;
	id.str = str;
	id.str_length = length;
	id.alnum = &alnum;
	if (!read_shape(&id, value) || !read_person(&id, value))
		return;
	is_in_future = options->today != 0 && value->birth_date > options->today;
	checks = check_character(id.text) == id.text[CHECK_AT];
	if (is_in_future)
		blame(&id, value, CRM_INVALID, CRM_REASON_BIRTH_DATE_IN_FUTURE,
			  BIRTH_AT, 8);
	else if (!checks)
		blame(&id, value, CRM_INVALID, CRM_REASON_CHECK_DIGIT, CHECK_AT, 1);
	else
		check_area(&id, value);
	if (id.is_legacy && value->verdict == CRM_VALID)
		crm_value_blame(value, CRM_SUSPECT, CRM_REASON_LEGACY_15, 0, length);

	/* 15 digits from 9 on would become a number of another kind */
	if (checks && !(id.is_legacy && id.text[0] == '9'))
		crm_value_set_canonical(value, options, id.text, ID_LENGTH);
}

/* Contracts of the rest in resident_id.h. */
int64_t
crm_resident_id_number(const char *canonical)
{
	uint64_t	first = crm_load_eight(canonical) - CRM_EIGHT('0');
	uint64_t	second = crm_load_eight(canonical + 8) - CRM_EIGHT('0');
	int64_t		number = crm_eight_number(first, 10);

	number = number * 100000000 + crm_eight_number(second, 10);
	number = number * 10 + (canonical[16] - '0');
	return number;
}

bool
crm_resident_id_is_storable(int64_t number17)
{
	if (number17 < 0 || number17 > NUMBER_MAX)
		return false;
	return birth_date_of(number17) >= FIRST_BIRTH_YEAR * 10000 &&
		date_exists(birth_date_of(number17));
}

int
crm_resident_id_nationality(int64_t number17)
{
	int			area = (int) (number17 / AREA_UNIT);

	return area >= 900000 ? area % 1000 : 0;
}

bool
crm_resident_id_describe(int64_t number17, CrmPerson *person)
{
	if (!crm_resident_id_is_storable(number17))
		return false;
	person->area = (int) (number17 / AREA_UNIT);
	person->birth_date = birth_date_of(number17);
	person->sex = number17 % 2 == 1 ? 'M' : 'F';
	person->nationality = crm_resident_id_nationality(number17);
	person->kind = CRM_PERSON_CITIZEN;
	if (person->area >= 900000)
	{
		person->kind = CRM_PERSON_FOREIGNER;
		person->area = person->area / 1000 % 100 * 10000;
	}
	else if (person->area >= 810000 && person->area < 840000)
		person->kind = CRM_PERSON_PERMIT;
	return true;
}

void
crm_resident_id_text(int64_t number17, char out[19])
{
	for (int i = CHECK_AT - 1; i >= 0; i--)
	{
		out[i] = (char) ('0' + number17 % 10);
		number17 /= 10;
	}
	out[CHECK_AT] = check_character(out);
	out[ID_LENGTH] = '\0';
}
