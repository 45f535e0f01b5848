/*-------------------------------------------------------------------------
 *
 * uscc.c
 *		Unified social credit codes of Chinese organisations, GB 32100-2015.
 *
 * Eighteen characters: registering authority (1), type of organisation (1),
 * area code (6), organisation code of GB 11714 (9, the last its own check
 * character), check character modulo 31.  The letters I, O, S, V and Z are
 * not used.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/area.h"
#include "types/types_private.h"

#define USCC_LENGTH			18
#define AREA_AT				2
#define AREA_LENGTH			6
#define ORGANISATION_AT		8
#define ORGANISATION_CHECK_AT	16
#define CHECK_AT			17

/*
 * The value of a character in GB 32100's alphabet plus one, 0 for what is not
 * in it.
 */
static const unsigned char alphabet_value[128] = {
	['0'] = 1,['1'] = 2,['2'] = 3,['3'] = 4,['4'] = 5,
	['5'] = 6,['6'] = 7,['7'] = 8,['8'] = 9,['9'] = 10,
	['A'] = 11,['B'] = 12,['C'] = 13,['D'] = 14,['E'] = 15,['F'] = 16,
	['G'] = 17,['H'] = 18,['J'] = 19,['K'] = 20,['L'] = 21,['M'] = 22,
	['N'] = 23,['P'] = 24,['Q'] = 25,['R'] = 26,['T'] = 27,['U'] = 28,
	['W'] = 29,['X'] = 30,['Y'] = 31
};

/*
 * Returns the position of the first character that cannot stand where it
 * does, or -1.  The area code is of digits; the authority may be a letter.
 */
static int
find_bad_character(const char *text)
{
	for (int i = 0; i < USCC_LENGTH; i++)
	{
		if (alphabet_value[(unsigned char) text[i]] == 0)
			return i;
		if (i >= 1 && i < ORGANISATION_AT && !crm_is_digit(text[i]))
			return i;
	}
	return -1;
}

/* Is the check character of the whole right?  Weights: 3^i modulo 31. */
static bool
check_character_ok(const char *text)
{
	static const unsigned char weights[17] = {
		1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28
	};
	unsigned	sum = 0;
	unsigned	last = alphabet_value[(unsigned char) text[CHECK_AT]] - 1u;

	for (int i = 0; i < CHECK_AT; i++)
		sum += weights[i] * (alphabet_value[(unsigned char) text[i]] - 1u);
	return (sum + last) % 31 == 0;
}

/*
 * Is the check character of the organisation code right?  GB 11714 counts
 * letters as 10 to 35 of the full alphabet.
 */
static bool
organisation_check_ok(const char *code)
{
	static const unsigned char weights[8] = {3, 7, 9, 10, 5, 8, 4, 2};
	static const char check_characters[] = "0X987654321";
	int			sum = 0;

	for (int i = 0; i < 8; i++)
	{
		int			digit = crm_is_digit(code[i]) ?
		code[i] - '0' : code[i] - 'A' + 10;

		sum += weights[i] * digit;
	}
	return code[8] == check_characters[sum % 11];
}

/*
 * Is this type of organisation assigned to the registering authority?  GB
 * 32100-2015 with its later amendment; 9 is "other" where it is used.
 */
static bool
authority_is_known(char authority, char type)
{
	const char *types;

	switch (authority)
	{
		case '1':				/* establishment of public bodies */
		case '5':				/* civil affairs */
		case 'N':				/* agriculture */
			types = "1239";
			break;
		case '9':				/* market supervision */
			types = "123";
			break;
		case '2':				/* foreign affairs */
		case '4':				/* culture */
		case '8':				/* trade unions */
		case 'A':				/* armed forces */
			types = "19";
			break;
		case '3':				/* justice */
			types = "123459";
			break;
		case '6':				/* tourism */
		case '7':				/* religion */
			types = "129";
			break;
		case 'Y':				/* others */
			types = "1";
			break;
		default:
			return false;
	}
	return strchr(types, type) != NULL;
}

/*
 * Companies registered in Xiamen before 2016 hold codes of this form whose
 * check character was computed in another way; they are real.
 */
static bool
is_xiamen_exception(const char *text)
{
	return text[0] == '9' && text[1] >= '1' && text[1] <= '3' &&
		memcmp(text + AREA_AT, "3502", 4) == 0 &&
		memcmp(text + ORGANISATION_AT, "M000", 4) == 0;
}

/*
 * People write their ID number where the code is asked for; it has the same
 * length.  Says so in place of the blame that has been set.
 */
static void
tell_resident_id(const char *str, size_t length, const CrmOptions *options,
				 CrmValue *value)
{
	CrmOptions	plain = *options;
	CrmValue	as_id;

	plain.want_canonical = false;
	crm_resident_id_check(str, length, &plain, &as_id);
	if (as_id.verdict == CRM_VALID)
		crm_value_blame(value, CRM_INVALID, CRM_REASON_IS_RESIDENT_ID,
						0, length);
}

/*
 * Judges a code whose shape and check character are right: what the lists of
 * areas and authorities say can only make it suspect.
 */
static void
check_content(const char *str, size_t length, const AlnumText *alnum,
			  CrmValue *value)
{
	const char *text = alnum->text;
	int			area = 0;

	for (int i = AREA_AT; i < ORGANISATION_AT; i++)
		area = area * 10 + (text[i] - '0');

	/* 100000 stands for registration with the national authority */
	if (!authority_is_known(text[0], text[1]))
		crm_alnum_blame(str, length, alnum, value, CRM_SUSPECT,
						CRM_REASON_AUTHORITY_UNKNOWN, 0, 2);
	else if (!organisation_check_ok(text + ORGANISATION_AT))
		crm_alnum_blame(str, length, alnum, value, CRM_SUSPECT,
						CRM_REASON_ORGANISATION_CHECK_DIGIT,
						ORGANISATION_CHECK_AT, 1);
	else if (area != 100000 && crm_area_last_year(area) == CRM_AREA_NONE)
		crm_alnum_blame(str, length, alnum, value, CRM_SUSPECT,
						CRM_REASON_AREA_UNKNOWN, AREA_AT, AREA_LENGTH);
}

/*
 * Judges a credit code.  Its area may have been abolished: codes outlive it.
 */
void
crm_uscc_check(const char *str, size_t length,
			   const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;
	int			bad;

	crm_value_init(value);
	if (!crm_alnum_collect(str, length, &alnum, value))
		return;
	if (alnum.length != USCC_LENGTH)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH, 0, length);
		return;
	}
	bad = find_bad_character(alnum.text);
	if (bad >= 0)
	{
		crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
						CRM_REASON_BAD_CHARACTER, bad, 1);
		return;
	}
	if (check_character_ok(alnum.text))
		check_content(str, length, &alnum, value);
	else if (is_xiamen_exception(alnum.text))
		crm_alnum_blame(str, length, &alnum, value, CRM_SUSPECT,
						CRM_REASON_CHECK_DIGIT_EXCEPTION, CHECK_AT, 1);
	else
	{
		crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
						CRM_REASON_CHECK_DIGIT, CHECK_AT, 1);
		tell_resident_id(str, length, options, value);
		return;
	}
	crm_value_set_canonical(value, options, alnum.text, USCC_LENGTH);
}
