/*-------------------------------------------------------------------------
 *
 * phone_practice.c
 *		What people in China write into a phone column, by rule parameters.
 *
 * libphonenumber calls local numbers, the short numbers of services and two
 * numbers in one field invalid.  Rules may allow them; each parameter does one
 * thing, and without them nothing here is called but crm_phone_is_local().
 *
 *-------------------------------------------------------------------------
 */
#include "types/phone_private.h"

#define CALLING_CODE_CHINA	86

/*
 * Service numbers by the numbering plan of the ministry (MIIT): emergency and
 * enquiry, carriers' hotlines, lines of government, banks and companies.  d
 * stands for a digit.  The long 400 and 800 numbers are in libphonenumber's
 * plan, but not all their ranges.
 */
static const char *const services[] = {
	"110", "112", "114", "117", "119", "120", "122",
	"100dd", "101dd", "12ddd", "116ddd", "118ddd", "1010dddd",
	"95ddd", "95dddd", "95ddddd", "95dddddd", "96ddd", "96dddd", "96ddddd",
	"96dddddd",
	"400ddddddd", "800ddddddd"
};

/* A field with several numbers holds no more than this. */
#define SEVERAL_MAX			16

/* Is it a Chinese service number? */
bool
crm_phone_is_service(const PhoneNumber *number)
{
	if (number->code->code != CALLING_CODE_CHINA)
		return false;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
	{
		const char *service = services[i];
		int			at = 0;

		while (at < number->length && service[at] != '\0' &&
			   (service[at] == 'd' || service[at] == number->national[at]))
			at++;
		if (at == number->length && service[at] == '\0')
			return true;
	}
	return false;
}

/* Can the digits be a Chinese number without area code? */
static bool
is_chinese_local(const char *digits, int length)
{
	return (length == 7 || length == 8) && digits[0] >= '2' &&
		digits[0] <= '8';
}

/*
 * May it be a number that lacks its area code?  The lengths that
 * libphonenumber calls local in China are those of service numbers.
 */
bool
crm_phone_is_local(const PhoneNumber *number)
{
	if (number->code->code == CALLING_CODE_CHINA)
		return is_chinese_local(number->national, number->length);
	return number->code->local_lengths >> number->length & 1;
}

/*
 * Puts the area code before a Chinese local number.  Returns whether the
 * number is one of that area then; it stays as it was if it is none, or has
 * its area code already.
 */
bool
crm_phone_complete(PhoneNumber *number, const char *area)
{
	int			narea = (int) strlen(area);

	if (number->code->code != CALLING_CODE_CHINA)
		return false;
	if (!crm_phone_is_local(number) ||
		number->length + narea > PHONE_NATIONAL_MAX)
		return number->length > narea &&
			memcmp(number->national, area, (size_t) narea) == 0 &&
			is_chinese_local(number->national + narea,
							 number->length - narea);
	memmove(number->national + narea, number->national,
			(size_t) number->length);
	memcpy(number->national, area, (size_t) narea);
	number->length += narea;
	number->is_settled = false;
	number->from = -1;
	return true;
}

/*
 * Returns the length of the character at str if it may part two numbers;
 * else 0.
 */
static size_t
separator_at(const char *str, size_t length)
{
	static const char *const wide[] = {
		"\xE3\x80\x81",			/* ideographic comma */
		"\xEF\xBC\x8C", "\xEF\xBC\x8F", "\xEF\xBC\x9B"	/* , / ; full-width */
	};

	if (*str == '/' || *str == ',' || *str == ';')
		return 1;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
	{
		if (length >= 3 && memcmp(str, wide[i], 3) == 0)
			return 3;
	}
	return 0;
}

/* Do parameters of RFC 3966 begin here?  They are no second number. */
static bool
begins_parameters(const char *str, size_t length)
{
	return (length >= 5 && memcmp(str, ";ext=", 5) == 0) ||
		(length >= 6 && memcmp(str, ";isub=", 6) == 0) ||
		(length >= 15 && memcmp(str, ";phone-context=", 15) == 0);
}

/*
 * Adds the answer on one of several numbers, which stands at byte "start", to
 * that on the field.  The worst verdict counts, the first of its kind.
 */
static void
add_answer(CrmValue *whole, const CrmValue *one, size_t start, int index,
		   bool *has_all)
{
	int			at = whole->canonical_length;

	if (index == 0 || one->verdict > whole->verdict)
		crm_value_blame(whole, one->verdict, one->reason,
						start + (size_t) one->part_start,
						(size_t) one->part_length);
	if (one->canonical_length == 0 ||
		at + 1 + one->canonical_length > CRM_CANONICAL_MAX)
		*has_all = false;
	else
	{
		if (at > 0)
			whole->canonical[at++] = '/';
		memcpy(whole->canonical + at, one->canonical,
			   (size_t) one->canonical_length + 1);
		whole->canonical_length = at + one->canonical_length;
	}
	whole->has_extension |= one->has_extension;
	whole->is_storable = index == 0 && one->is_storable;
}

/*
 * Judges a field that may hold several numbers, each alone.  The canonical
 * form is that of each, joined by a slash, unless one is invalid; only one
 * number is storable.
 */
void
crm_phone_check_several(const char *str, size_t length,
						const CrmOptions *options, CrmValue *value)
{
	bool		has_all = true;
	int			count = 0;
	size_t		start = 0;

	crm_value_init(value);
	if (length > CRM_INPUT_MAX)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH, 0, length);
		return;
	}
	for (size_t at = 0; at <= length; at++)
	{
		CrmValue	one;
		size_t		n = 0;
		size_t		first;
		size_t		last;

		if (at < length)
		{
			n = separator_at(str + at, length - at);
			if (n == 0 || begins_parameters(str + at, length - at))
				continue;
		}
		crm_trim(str + start, at - start, &first, &last);
		if (first < last)
		{
			if (count == SEVERAL_MAX)
			{
				crm_value_init(value);
				crm_value_blame(value, CRM_INVALID,
								CRM_REASON_SEVERAL_VALUES, 0, length);
				return;
			}
			crm_phone_check_one(str + start, at - start, options, &one);
			add_answer(value, &one, start, count++, &has_all);
		}
		if (n > 0)
			at += n - 1;
		start = at + 1;
	}
	if (count == 0)
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BLANK, 0, length);
	if (!has_all || (value->verdict == CRM_INVALID && !value->is_storable))
	{
		value->canonical_length = 0;
		value->canonical[0] = '\0';
	}
}
