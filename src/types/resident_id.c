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
#include "types/types_private.h"

#define ID_LENGTH			18
#define ID_LENGTH_LEGACY	15

#define AREA_LENGTH			6
#define BIRTH_AT			6
#define ORDER_AT			14
#define CHECK_AT			17

/* Nobody born before this year can have received an 18-digit number. */
#define FIRST_BIRTH_YEAR	1880

/*
 * Order codes from this on were kept, in the 15-digit form, for people over
 * a hundred years old, whose birth year has 18 before its two digits.
 */
#define CENTENARIAN_ORDER	996

/* What has been read of a number; all 18 characters are in "text". */
typedef struct ResidentId
{
	const char *str;			/* the input */
	size_t		str_length;
	AlnumText  *alnum;
	bool		is_legacy;
	char		text[ID_LENGTH + 1];
} ResidentId;

static const char check_characters[] = "10X98765432";

/*
 * Returns the check character of the first 17 digits (ISO 7064 MOD 11-2: the
 * weights are powers of 2 modulo 11).
 */
static char
check_character(const char *digits)
{
	static const unsigned char weights[17] = {
		7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2
	};
	unsigned	sum = 0;

	for (int i = 0; i < 17; i++)
		sum += weights[i] * (unsigned) (digits[i] - '0');
	return check_characters[sum % 11];
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
	for (int i = 0; i < length; i++)
	{
		if (crm_is_digit(text[i]) || (i == ndigits && text[i] == 'X'))
			continue;
		crm_alnum_blame(id->str, id->str_length, id->alnum, value,
						CRM_INVALID, CRM_REASON_BAD_CHARACTER, i, 1);
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
	return true;
}

/*
 * Reads birth date and sex into "value".  Returns false, with the blame set,
 * if the date is impossible.
 */
static bool
read_person(const ResidentId *id, const CrmOptions *options, CrmValue *value)
{
	int			year = crm_digits_number(id->text + BIRTH_AT, 4);
	int			month = crm_digits_number(id->text + BIRTH_AT + 4, 2);
	int			day = crm_digits_number(id->text + BIRTH_AT + 6, 2);
	int32_t		date = year * 10000 + month * 100 + day;

	if (!crm_date_exists(year, month, day))
	{
		blame(id, value, CRM_INVALID, CRM_REASON_BIRTH_DATE_IMPOSSIBLE,
			  BIRTH_AT, 8);
		return false;
	}
	value->birth_date = date;
	value->sex = (id->text[ORDER_AT + 2] - '0') % 2 == 1 ? 'M' : 'F';
	if (year < FIRST_BIRTH_YEAR)
	{
		blame(id, value, CRM_INVALID, CRM_REASON_BIRTH_DATE_TOO_EARLY,
			  BIRTH_AT, 8);
		return false;
	}
	if (options->today != 0 && date > options->today)
	{
		blame(id, value, CRM_INVALID, CRM_REASON_BIRTH_DATE_IN_FUTURE,
			  BIRTH_AT, 8);
		return false;
	}
	return true;
}

/*
 * Judges the area code of a foreigner's permit: 9, province, nationality.
 * Returns false, with the blame set, if the number cannot be.
 */
static bool
check_foreigner(const ResidentId *id, CrmValue *value)
{
	if (id->is_legacy || !crm_province_is_known(crm_digits_number(id->text + 1, 2)))
	{
		blame(id, value, CRM_INVALID, CRM_REASON_PROVINCE_UNKNOWN, 0, 3);
		return false;
	}
	if (!crm_nationality_is_known(crm_digits_number(id->text + 3, 3)))
		blame(id, value, CRM_SUSPECT, CRM_REASON_NATIONALITY_UNKNOWN, 3, 3);
	return true;
}

/*
 * Judges the area code.  Returns false, with the blame set, if the number
 * cannot be; sets a suspicion if the code is doubtful.
 */
static bool
check_area(const ResidentId *id, CrmValue *value)
{
	int			area = crm_digits_number(id->text, AREA_LENGTH);
	int			last_year;

	if (id->text[0] == '9')
		return check_foreigner(id, value);
	if (!crm_province_is_known(area / 10000))
	{
		blame(id, value, CRM_INVALID, CRM_REASON_PROVINCE_UNKNOWN, 0, 2);
		return false;
	}
	last_year = crm_area_last_year(area);
	if (last_year == CRM_AREA_NONE)
		blame(id, value, CRM_SUSPECT, CRM_REASON_AREA_UNKNOWN,
			  0, AREA_LENGTH);
	else if (last_year < value->birth_date / 10000)
		blame(id, value, CRM_SUSPECT, CRM_REASON_AREA_NOT_IN_FORCE,
			  0, AREA_LENGTH);
	return true;
}

/*
 * Judges a resident ID number.  Birth date and sex are set whenever they
 * could be read, whatever the verdict.
 */
void
crm_resident_id_check(const char *str, size_t length,
					  const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;
	ResidentId	id;

	crm_value_init(value);
	if (!crm_alnum_collect(str, length, &alnum, value))
		return;
	id.str = str;
	id.str_length = length;
	id.alnum = &alnum;
	if (!read_shape(&id, value) || !read_person(&id, options, value))
		return;
	if (check_character(id.text) != id.text[CHECK_AT])
	{
		blame(&id, value, CRM_INVALID, CRM_REASON_CHECK_DIGIT, CHECK_AT, 1);
		return;
	}
	if (!check_area(&id, value))
		return;
	if (id.is_legacy && value->verdict == CRM_VALID)
		crm_value_blame(value, CRM_SUSPECT, CRM_REASON_LEGACY_15, 0, length);
	crm_value_set_canonical(value, options, id.text, ID_LENGTH);
}
