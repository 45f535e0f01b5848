/*-------------------------------------------------------------------------
 *
 * phone.c
 *		Phone numbers, ITU-T E.164.
 *
 * A number is international (it begins with + or an international prefix,
 * then a calling code) or national, read in the region of the options.  What
 * is checked is the shape: calling code, length by region, trunk prefix; and
 * for China the structure of mobile, fixed and service numbers.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/phone_table.h"
#include "types/types_private.h"

#define PHONE_REGIONS \
	((int) (sizeof(phone_regions) / sizeof(phone_regions[0])))

/* E.164 allows 15 digits; trunk and international prefixes come on top. */
#define E164_MAX			15
#define E164_MIN			7
#define DIGITS_MAX			24

#define CALLING_CODE_CHINA	86

/* The digits of the input, and what has been found about them. */
typedef struct PhoneText
{
	const char *str;
	size_t		length;
	bool		has_plus;
	bool		has_separator;	/* one that may stand between two numbers */
	int			ndigits;
	char		digits[DIGITS_MAX + 1];
} PhoneText;

/* A number split into its parts; the national number has no prefix. */
typedef struct PhoneNumber
{
	int			calling_code;
	const char *national;
	int			length;			/* of the national number */
} PhoneNumber;

/* Returns the region's plan, or NULL. */
static const PhoneRegion *
find_region(const char *region)
{
	int			low = 0;
	int			high = PHONE_REGIONS - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const char *code = phone_regions[middle].region;
		int			order = (region[0] - code[0]) * 256 +
		(region[1] - code[1]);

		if (order == 0)
			return &phone_regions[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Blames the whole value. */
static void
blame_all(const PhoneText *phone, CrmValue *value, CrmVerdict verdict,
		  CrmReason reason)
{
	crm_value_blame(value, verdict, reason, 0, phone->length);
}

/*
 * Returns the digit that c is, or -1: ASCII, full-width (folded by the
 * caller), Arabic-Indic and extended Arabic-Indic.
 */
static int
digit_value(uint32_t c)
{
	if (c >= '0' && c <= '9')
		return (int) (c - '0');
	if (c >= 0x0660 && c <= 0x0669)
		return (int) (c - 0x0660);
	if (c >= 0x06F0 && c <= 0x06F9)
		return (int) (c - 0x06F0);
	return -1;
}

/* Does an extension begin at this character, after the number? */
static bool
begins_extension(const PhoneText *phone, size_t at, uint32_t c)
{
	const char *rest = phone->str + at;
	size_t		length = phone->length - at;

	if (phone->ndigits == 0)
		return false;
	if (c == '#' || c == 'x' || c == 'X' || c == 0x8F6C || c == 0x8F49)
		return true;			/* the last two are "transfer" in Chinese */
	if (c == 'e' || c == 'E')
		return length >= 3 && (rest[1] | 0x20) == 'x' &&
			(rest[2] | 0x20) == 't';
	if (c == ';')
		return length >= 5 && memcmp(rest, ";ext=", 5) == 0;
	return c == 0x5206 && length >= 6 &&	/* "extension" in Chinese */
		memcmp(rest + 3, "\xE6\x9C\xBA", 3) == 0;
}

/*
 * Takes a character that is no digit.  Returns false, with the blame set, if
 * it does not belong into a phone number.
 */
static bool
take_other(PhoneText *phone, size_t at, int n, uint32_t c, CrmValue *value)
{
	switch (c)
	{
		case '+':
			if (phone->ndigits > 0)
				break;
			phone->has_plus = true;
			return true;
		case '/':
		case ',':
		case 0x3001:
			phone->has_separator = true;
			if (c == '/')
				return true;
			break;
		case '-':
		case '.':
		case '(':
		case ')':
		case '[':
		case ']':
		case 0x00AD:
		case 0x2060:
			return true;
		default:
			if (crm_is_blank(c))
				return true;
			break;
	}
	if (begins_extension(phone, at, c))
		crm_value_blame(value, CRM_INVALID, CRM_REASON_EXTENSION,
						at, phone->length - at);
	else if ((c == ',' || c == ';' || c == 0x3001) && phone->ndigits > 0)
		blame_all(phone, value, CRM_INVALID, CRM_REASON_SEVERAL_VALUES);
	else
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_CHARACTER,
						at, (size_t) n);
	return false;
}

/* Collects the digits; returns false, with the blame set, if it cannot. */
static bool
read_digits(PhoneText *phone, CrmValue *value)
{
	size_t		at = 0;

	/* RFC 3966 */
	if (phone->length > 4 && (phone->str[0] | 0x20) == 't' &&
		(phone->str[1] | 0x20) == 'e' && (phone->str[2] | 0x20) == 'l' &&
		phone->str[3] == ':')
		at = 4;
	while (at < phone->length)
	{
		uint32_t	c = (unsigned char) phone->str[at];
		int			n = 1;
		int			digit;

		if (c >= 0x80)
		{
			n = crm_utf8_decode(phone->str + at, phone->length - at, &c);
			c = crm_full_width_fold(c);
		}
		digit = digit_value(c);
		if (digit < 0)
		{
			if (!take_other(phone, at, n, c, value))
				return false;
		}
		else if (phone->ndigits == DIGITS_MAX)
		{
			blame_all(phone, value, CRM_INVALID, phone->has_separator ?
					  CRM_REASON_SEVERAL_VALUES : CRM_REASON_BAD_LENGTH);
			return false;
		}
		else
			phone->digits[phone->ndigits++] = (char) ('0' + digit);
		at += (size_t) n;
	}
	if (phone->ndigits == 0)
	{
		blame_all(phone, value, CRM_INVALID, CRM_REASON_BAD_LENGTH);
		return false;
	}
	phone->digits[phone->ndigits] = '\0';
	return true;
}

/* Can a national number have this length and this first digit? */
static inline bool
plan_fits(const PhonePlan *plan, const char *national, int length)
{
	return length > 0 && length < 32 && (plan->lengths >> length & 1) &&
		(plan->first_digits >> (national[0] - '0') & 1);
}

/*
 * Removes a trunk prefix, if the number begins with one and the rest fits the
 * plan.
 */
static void
strip_trunk(PhoneNumber *number, const PhonePlan *plan)
{
	const char *trunk = plan->trunk;

	while (*trunk != '\0')
	{
		int			n = (int) strcspn(trunk, "|");

		if (number->length > n &&
			memcmp(number->national, trunk, (size_t) n) == 0 &&
			plan_fits(plan, number->national + n, number->length - n))
		{
			number->national += n;
			number->length -= n;
			return;
		}
		trunk += n;
		trunk += (*trunk == '|');
	}
}

/*
 * Reads the calling code that begins at digit "at".  Returns its entry, or
 * NULL if there is none.  No code is the beginning of another.
 */
static const PhoneCode *
read_calling_code(const PhoneText *phone, int at, PhoneNumber *number)
{
	int			code = 0;

	for (int n = 1; n <= 3 && at + n <= phone->ndigits; n++)
	{
		int			index;

		code = code * 10 + (phone->digits[at + n - 1] - '0');
		if (code == 0)
			return NULL;
		index = phone_code_index[code];
		if (index == 0)
			continue;
		number->calling_code = code;
		number->national = phone->digits + at + n;
		number->length = phone->ndigits - at - n;
		return &phone_codes[index - 1];
	}
	return NULL;
}

/*
 * Judges a Chinese national number, without trunk prefix, by the numbering
 * plan of the ministry (MIIT): mobile numbers of 11 digits from 13 to 19,
 * fixed lines with area code 10 or 2x (and 8 digits) or of three digits (and 7
 * or 8), 400 and 800 services, information lines 160 and 168, and the short
 * service numbers 95xxx and 96xxx.
 */
static CrmReason
check_china(const PhoneNumber *number)
{
	const char *digits = number->national;
	int			length = number->length;

	if (digits[0] == '1' && length == 11)
		return digits[1] >= '3' ? CRM_REASON_NONE : CRM_REASON_PREFIX_UNKNOWN;
	if (digits[0] == '1' && digits[1] == '6' && length == 8)
		return CRM_REASON_NONE;
	if (memcmp(digits, "400", 3) == 0 || memcmp(digits, "800", 3) == 0)
		return length == 10 ? CRM_REASON_NONE : CRM_REASON_BAD_LENGTH;
	if (digits[0] == '9' && (digits[1] == '5' || digits[1] == '6') &&
		length >= 5 && length <= 8)
		return CRM_REASON_NONE;
	if ((digits[0] == '1' && digits[1] == '0') || digits[0] == '2')
		return length == 10 ? CRM_REASON_NONE : CRM_REASON_BAD_LENGTH;
	if (digits[0] >= '3')
	{
		if (length == 10 || length == 11)
			return CRM_REASON_NONE;
		if (length == 7 || length == 8)
			return CRM_REASON_AREA_CODE_NEEDED;
	}
	return CRM_REASON_BAD_LENGTH;
}

/* Judges a number whose parts are known. */
static void
check_number(const PhoneText *phone, const PhoneNumber *number,
			 const PhonePlan *plan, CrmValue *value)
{
	CrmReason	reason = CRM_REASON_NONE;

	if (number->length < 3)
		reason = CRM_REASON_BAD_LENGTH;
	else if (number->calling_code == CALLING_CODE_CHINA)
		reason = check_china(number);
	else if (!(number->length < 32 && (plan->lengths >> number->length & 1)))
		reason = CRM_REASON_BAD_LENGTH;
	else if (!plan_fits(plan, number->national, number->length))
		reason = CRM_REASON_PREFIX_UNKNOWN;

	if (reason == CRM_REASON_BAD_LENGTH && phone->has_separator)
		reason = CRM_REASON_SEVERAL_VALUES;

	/* plans grow new prefixes, but not where 0 leads out of the plan */
	if (reason == CRM_REASON_PREFIX_UNKNOWN && number->national[0] != '0')
		blame_all(phone, value, CRM_SUSPECT, reason);
	else if (reason != CRM_REASON_NONE)
		blame_all(phone, value, CRM_INVALID, reason);
}

/*
 * Splits an international number, whose calling code begins at digit "at".
 * Returns false, with the blame set, if there is no such code.
 */
static bool
read_international(const PhoneText *phone, int at, PhoneNumber *number,
				   CrmValue *value)
{
	const PhoneCode *code = read_calling_code(phone, at, number);

	if (code == NULL)
	{
		blame_all(phone, value, CRM_INVALID,
				  CRM_REASON_CALLING_CODE_UNKNOWN);
		return false;
	}
	/* people write +44 (0)20 ...; but the prefix may also be a first digit */
	if (!plan_fits(&code->plan, number->national, number->length))
		strip_trunk(number, &code->plan);
	check_number(phone, number, &code->plan, value);
	return value->verdict != CRM_INVALID;
}

/*
 * Splits a national number of the region.  The calling code may stand before
 * it without +, if the number is none otherwise.
 */
static bool
read_national(const PhoneText *phone, const PhoneRegion *region,
			  PhoneNumber *number, CrmValue *value)
{
	PhoneNumber with_code;
	CrmValue	second;

	number->calling_code = region->calling_code;
	number->national = phone->digits;
	number->length = phone->ndigits;
	strip_trunk(number, &region->plan);
	check_number(phone, number, &region->plan, value);
	if (value->verdict != CRM_INVALID)
		return true;
	if (read_calling_code(phone, 0, &with_code) != NULL &&
		with_code.calling_code == region->calling_code)
	{
		crm_value_init(&second);
		strip_trunk(&with_code, &region->plan);
		check_number(phone, &with_code, &region->plan, &second);
		if (second.verdict == CRM_VALID)
		{
			*number = with_code;
			crm_value_init(value);
			return true;
		}
	}
	return false;
}

/*
 * Returns how many digits of international prefix the number begins with; a
 * calling code, which never begins with 0, must follow.
 */
static int
international_prefix(const PhoneText *phone, const PhoneRegion *region)
{
	const char *prefix = region ? region->international : "00";
	int			n = (int) strlen(prefix);

	if (n > 0 && phone->ndigits > n &&
		memcmp(phone->digits, prefix, (size_t) n) == 0 &&
		phone->digits[n] != '0')
		return n;
	return 0;
}

/* Writes "+", calling code and national number. */
static void
set_canonical(CrmValue *value, const CrmOptions *options,
			  const PhoneNumber *number)
{
	char		text[DIGITS_MAX + 8];
	int			at = 0;

	if (!options->want_canonical)
		return;
	text[at++] = '+';
	if (number->calling_code >= 100)
		text[at++] = (char) ('0' + number->calling_code / 100);
	if (number->calling_code >= 10)
		text[at++] = (char) ('0' + number->calling_code / 10 % 10);
	text[at++] = (char) ('0' + number->calling_code % 10);
	memcpy(text + at, number->national, (size_t) number->length);
	crm_value_set_canonical(value, options, text, at + number->length);
}

/*
 * Judges a phone number; without + or international prefix it is read in the
 * region of the options.  The canonical form is E.164 with +.
 */
void
crm_phone_check(const char *str, size_t length,
				const CrmOptions *options, CrmValue *value)
{
	PhoneText	phone = {.str = str,.length = length};
	PhoneNumber number;
	const PhoneRegion *region = NULL;
	int			prefix;
	bool		ok;

	crm_value_init(value);
	if (length > CRM_INPUT_MAX)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH, 0, length);
		return;
	}
	if (!read_digits(&phone, value))
		return;
	if (options->region[0] != '\0')
		region = find_region(options->region);
	prefix = phone.has_plus ? 0 : international_prefix(&phone, region);
	if (phone.has_plus || prefix > 0)
		ok = read_international(&phone, prefix, &number, value);
	else if (region != NULL)
		ok = read_national(&phone, region, &number, value);
	else
	{
		blame_all(&phone, value, CRM_INVALID, options->region[0] == '\0' ?
				  CRM_REASON_COUNTRY_CODE_NEEDED : CRM_REASON_REGION_UNKNOWN);
		ok = false;
	}
	if (ok)
		set_canonical(value, options, &number);
}
