/*-------------------------------------------------------------------------
 *
 * phone.c
 *		Phone numbers, ITU-T E.164: the verdict.
 *
 * A number is valid if libphonenumber's isValidNumber() says so, with the
 * metadata of phone_table.h.  Of the others, one that differs from the mobile
 * numbers of its country in its range only is suspect, since ranges are opened
 * faster than metadata is published.
 *
 * The canonical form is E.164 with +.  It is always its own canonical form,
 * with the same verdict, whatever the region: what is stored by the type must
 * come back from a dump.
 *
 *-------------------------------------------------------------------------
 */
#include "types/phone_private.h"

/*
 * Writes the canonical form, if an int64 can hold its digits.  The number is
 * storable if it has as many digits as some number has; a service number of
 * three digits is not.
 */
static void
set_canonical(CrmValue *value, const CrmOptions *options,
			  const PhoneNumber *number)
{
	static const char largest[] = "9223372036854775807";
	char		text[PHONE_NATIONAL_ROOM + 8];
	int			code = number->code->code;
	bool		is_storable = number->length >= CRM_PHONE_NATIONAL_MIN;
	int			at = 0;

	if (!options->want_canonical ||
		(!is_storable && value->verdict == CRM_INVALID))
		return;
	text[at++] = '+';
	if (code >= 100)
		text[at++] = (char) ('0' + code / 100);
	if (code >= 10)
		text[at++] = (char) ('0' + code / 10 % 10);
	text[at++] = (char) ('0' + code % 10);
	memcpy(text + at, number->national, (size_t) number->length);
	at += number->length;
	if (at - 1 > CRM_PHONE_DIGITS_MAX ||
		(at - 1 == CRM_PHONE_DIGITS_MAX &&
		 memcmp(text + 1, largest, CRM_PHONE_DIGITS_MAX) > 0))
		return;
	crm_value_set_canonical(value, options, text, at);
	value->is_storable = is_storable;
}

/* May the text hold two numbers, which were read as one? */
static bool
has_slash(const PhoneText *text)
{
	return memchr(text->str, '/', text->length) != NULL;
}

/* Sets the verdict on a number that is in no plan. */
static void
blame_number(const PhoneText *text, const PhoneNumber *number, CrmValue *value)
{
	const PhoneCode *code = number->code;
	int			length = number->length;
	int			nunknown = crm_phone_unknown_digits(code, number->national,
													length);
	bool		is_mobile = nunknown > 0 &&
	(code->mobile[number->national[0] - '0'] >> length & 1);
	CrmVerdict	verdict = is_mobile ? CRM_SUSPECT : CRM_INVALID;
	CrmReason	reason = CRM_REASON_BAD_LENGTH;

	if (text->letter >= 0 && !is_mobile)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_CHARACTER,
						(size_t) text->letter, 1);
		return;
	}
	if (!is_mobile && crm_phone_is_local(number))
		reason = CRM_REASON_AREA_CODE_NEEDED;
	else if (nunknown > 0 && (code->lengths >> length & 1))
		reason = CRM_REASON_PREFIX_UNKNOWN;
	else if (has_slash(text))
		reason = CRM_REASON_SEVERAL_VALUES;

	if (reason == CRM_REASON_PREFIX_UNKNOWN && number->from >= 0)
		crm_phone_blame(text, value, verdict, reason, number->from,
						number->from + nunknown - 1);
	else
		crm_value_blame(value, verdict, reason, 0, text->length);
}

/* Says that a number without + has no region to be read in. */
static void
blame_region(const CrmOptions *options, size_t length, CrmValue *value)
{
	crm_value_blame(value, CRM_INVALID, options->region[0] == '\0' ?
					CRM_REASON_COUNTRY_CODE_NEEDED : CRM_REASON_REGION_UNKNOWN,
					0, length);
}

/* Do the rule's parameters allow the number, whatever its plan says? */
static bool
is_allowed(const PhoneNumber *number, const CrmOptions *options,
		   bool is_of_area)
{
	return is_of_area ||
		(options->service_numbers && crm_phone_is_service(number));
}

/*
 * Judges a number whose parts are known.  Where reading its E.164 form would
 * change it again, what that ends at is stored, and is what must be in the
 * plan; but a number that only this makes valid is not, and cannot be stored.
 */
static void
judge_number(const PhoneText *text, PhoneNumber *number,
			 const CrmOptions *options, CrmValue *value)
{
	bool		is_of_area = options->area[0] != '\0' &&
	crm_phone_complete(number, options->area);
	PhoneNumber settled = *number;
	bool		is_stable = crm_phone_settle(&settled);
	uint16_t	plan = number->code->plan;
	bool		is_valid;

	is_valid = crm_phone_walk(plan, number->national, number->length) != 0;
	if (!number->is_settled)
	{
		bool		was_valid = is_valid;

		is_valid = crm_phone_walk(plan, settled.national, settled.length) != 0;
		is_stable = is_stable && is_valid == was_valid;
	}
	/* what settles at a local number would be completed when read again */
	if (options->area[0] != '\0' && !is_of_area)
	{
		PhoneNumber completed = settled;

		is_stable = is_stable && !crm_phone_complete(&completed, options->area);
	}
	if (!is_stable)
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
						0, text->length);
	else
	{
		if (!is_valid && !is_allowed(&settled, options, is_of_area))
			blame_number(text, &settled, value);
		set_canonical(value, options, &settled);
	}
}

/* Judges one number. */
void
crm_phone_check_one(const char *str, size_t length,
					const CrmOptions *options, CrmValue *value)
{
	PhoneText	text;
	PhoneNumber number;
	const PhoneRegion *region;

	crm_value_init(value);
	if (!crm_phone_read(str, length, options, &text, value))
		return;
	region = crm_phone_find_region(options->region);
	if (!text.has_plus && region == NULL)
	{
		blame_region(options, length, value);
		return;
	}
	value->has_extension = text.has_extension;
	if (!crm_phone_parse(&text, region, &number, value))
	{
		if (value->reason == CRM_REASON_BAD_LENGTH && has_slash(&text))
			value->reason = CRM_REASON_SEVERAL_VALUES;
		return;
	}
	judge_number(&text, &number, options, value);
}

/*
 * Judges a phone number; without + or international prefix it is read in the
 * region of the options.
 */
void
crm_phone_check(const char *str, size_t length,
				const CrmOptions *options, CrmValue *value)
{
	if (options->multiple)
		crm_phone_check_several(str, length, options, value);
	else
		crm_phone_check_one(str, length, options, value);
}
