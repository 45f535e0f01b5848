/*-------------------------------------------------------------------------
 *
 * phone_parse.c
 *		From digits to calling code and national number.
 *
 * A number that begins with + or with the region's international prefix names
 * its country.  Any other is national; but people also write the calling code
 * without +, so that a number which fits the region only without its own
 * calling code is taken for that.  Then the prefix of national notation goes.
 * The order of these steps and their conditions are those of libphonenumber,
 * since its verdict depends on them.
 *
 *-------------------------------------------------------------------------
 */
#include "types/phone_private.h"

/* Can numbers of the region have this length, other than within an area? */
static bool
has_length(const PhoneRegion *region, int length)
{
	return length < 32 && (region->lengths >> length & 1);
}

/*
 * Is the number longer than every number of the region?  A local length is
 * never too long.
 */
static bool
is_too_long(const PhoneRegion *region, int length)
{
	if (length >= 32)
		return true;
	return !(region->local_lengths >> length & 1) &&
		region->lengths >> length == 0;
}

/*
 * Takes the prefix of national notation off, unless what is left has a length
 * that only local numbers or none have.
 */
static void
strip_national(const PhoneRegion *region, const char *digits, int length,
			   PhoneSpan *span)
{
	crm_phone_strip_prefix(region, digits, length, span);
	if (span->digits != digits && !has_length(region, span->length) &&
		!is_too_long(region, span->length))
	{
		span->digits = digits;
		span->length = length;
	}
}

/*
 * Does the number begin with the region's own calling code, without +?  That
 * is so if it fits the region only without it.  Sets *span to what follows.
 */
static bool
has_own_code(const PhoneText *text, const PhoneRegion *region,
			 PhoneSpan *span)
{
	const char *digits = text->digits;
	int			length = text->ndigits;
	int			ncode;
	const PhoneCode *code = crm_phone_find_code(digits, length, &ncode);

	if (code == NULL || code->code != region->calling_code)
		return false;
	crm_phone_strip_prefix(region, digits + ncode, length - ncode, span);
	if (is_too_long(region, length))
		return true;
	return crm_phone_walk(region->general, digits, length) == 0 &&
		crm_phone_walk(region->general, span->digits, span->length) != 0;
}

/*
 * Finds the calling code that begins at digit "at", and what follows it.
 * Returns NULL, with the blame set, if there is none.
 */
static const PhoneCode *
read_code(const PhoneText *text, int at, int *from, CrmValue *value)
{
	const PhoneCode *code;
	int			left = text->ndigits - at;
	int			ncode;

	if (left <= 2)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
						0, text->length);
		return NULL;
	}
	code = crm_phone_find_code(text->digits + at, left, &ncode);
	if (code == NULL)
		crm_phone_blame(text, value, CRM_INVALID,
						CRM_REASON_CALLING_CODE_UNKNOWN, at, at + 2);
	else
		*from = at + ncode;
	return code;
}

/*
 * Finds the calling code of a number that names it: after +, or after the
 * region's international prefix, or after both.
 */
static const PhoneCode *
read_international(const PhoneText *text, const PhoneRegion *region, int idd,
				   int *from, CrmValue *value)
{
	const PhoneCode *code = read_code(text, idd, from, value);

	if (code == NULL && idd == 0 && region != NULL &&
		value->reason == CRM_REASON_CALLING_CODE_UNKNOWN)
	{
		idd = crm_phone_strip_idd(region, text->digits, text->ndigits);
		if (idd > 0)
		{
			code = read_code(text, idd, from, value);
			if (code != NULL)
				crm_value_init(value);
		}
	}
	return code;
}

/*
 * Repeats taking the prefix of national notation off, as reading the E.164
 * form would, until nothing changes.  Returns false if that does not end.
 */
bool
crm_phone_settle(PhoneNumber *number)
{
	const PhoneRegion *region = &crm_phone_regions[number->code->main_region];

	if (number->is_settled)
		return true;
	for (int round = 0; round < PHONE_NATIONAL_MAX; round++)
	{
		PhoneSpan	span;

		strip_national(region, number->national, number->length, &span);
		if (span.digits == number->national ||
			(span.length == number->length &&
			 memcmp(span.digits, number->national,
					(size_t) span.length) == 0))
			return true;
		if (span.length > PHONE_NATIONAL_MAX)
			return false;
		if (span.digits == span.buffer)
			number->from = -1;
		else if (number->from >= 0)
			number->from += (int) (span.digits - number->national);
		memmove(number->national, span.digits, (size_t) span.length);
		number->length = span.length;
	}
	return false;
}

/*
 * Splits the text into calling code and national number, read in the region
 * if it names no country; the region may be NULL.  Returns false, with the
 * blame set, if that cannot be done.
 */
bool
crm_phone_parse(const PhoneText *text, const PhoneRegion *region,
				PhoneNumber *number, CrmValue *value)
{
	const char *digits = text->digits;
	int			length = text->ndigits;
	int			idd = 0;
	int			from = 0;
	PhoneSpan	own;
	PhoneSpan	span;

	number->code = NULL;
	if (!text->has_plus && region != NULL)
		idd = crm_phone_strip_idd(region, digits, length);
	if (text->has_plus || idd > 0)
	{
		number->code = read_international(text, region, idd, &from, value);
		if (number->code == NULL)
			return false;
		digits += from;
		length -= from;
	}
	else if (has_own_code(text, region, &own))
	{
		number->code = crm_phone_code_of(region->calling_code);
		digits = own.digits;
		length = own.length;
	}
	if (number->code != NULL)
		region = &crm_phone_regions[number->code->main_region];
	else
		number->code = crm_phone_code_of(region->calling_code);

	if (length >= PHONE_NATIONAL_MIN)
		strip_national(region, digits, length, &span);
	if (length < PHONE_NATIONAL_MIN || span.length < PHONE_NATIONAL_MIN ||
		span.length > PHONE_NATIONAL_MAX)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
						0, text->length);
		return false;
	}
	memcpy(number->national, span.digits, (size_t) span.length);
	number->length = span.length;
	number->is_settled = span.digits == digits &&
		region == &crm_phone_regions[number->code->main_region];
	number->from = -1;
	if (span.digits >= text->digits &&
		span.digits < text->digits + text->ndigits)
		number->from = (int) (span.digits - text->digits);
	return true;
}
