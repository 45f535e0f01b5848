/*-------------------------------------------------------------------------
 *
 * phone_format.c
 *		What is known of a stored phone number, and how it is written.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>

#include "types/phone_private.h"

static const char *const type_names[] = {
	"unknown", "fixed_line", "mobile", "fixed_line_or_mobile", "toll_free",
	"premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan",
	"voicemail"
};

/* Returns the SQL word for a type. */
const char *
crm_phone_type_name(CrmPhoneType type)
{
	return type_names[type];
}

/*
 * Splits a stored number: returns its calling code and sets the digits of the
 * national number, terminated; NULL if it begins with none.
 */
static const PhoneCode *
split_number(int64_t number, char national[CRM_PHONE_DIGITS_MAX + 1],
			 int *length)
{
	const PhoneCode *code;
	char		digits[CRM_PHONE_DIGITS_MAX];
	int			at = CRM_PHONE_DIGITS_MAX;
	int			ncode;

	for (; number > 0; number /= 10)
		digits[--at] = (char) ('0' + number % 10);
	code = crm_phone_find_code(digits + at, CRM_PHONE_DIGITS_MAX - at, &ncode);
	if (code == NULL)
		return NULL;
	*length = CRM_PHONE_DIGITS_MAX - at - ncode;
	memcpy(national, digits + at + ncode, (size_t) *length);
	national[*length] = '\0';
	return code;
}

/*
 * Takes a stored number apart.  Region and type are those of libphonenumber;
 * where the plan does not know the number, the region is set only if the
 * calling code has no other.
 */
bool
crm_phone_describe(int64_t number, CrmPhone *phone)
{
	const PhoneCode *code = split_number(number, phone->national,
										 &phone->national_length);
	uint16_t	label;

	if (code == NULL)
		return false;
	phone->calling_code = code->code;
	label = crm_phone_walk(code->plan, phone->national,
						   phone->national_length);
	phone->type = (CrmPhoneType) (label & 15);
	phone->region[0] = '\0';
	if (label != 0)
		strcpy(phone->region, crm_phone_regions[(label >> 4) - 1].id);
	else if (code->nregions == 1)
		strcpy(phone->region, crm_phone_regions[code->main_region].id);
	return true;
}

/*
 * Writes the digits into the template, in which $1 stands for the first group;
 * returns the length.
 */
static int
fill_template(const PhoneFormat *format, const char *national, char *out)
{
	const char *template = crm_phone_templates + format->template;
	char	   *end = out;

	for (; *template != '\0'; template++)
	{
		int			before = 0;
		int			group;

		if (*template != '$')
		{
			*end++ = *template;
			continue;
		}
		group = *++template - '1';
		for (int i = 0; i < group; i++)
			before += format->groups[i];
		memcpy(end, national + before, format->groups[group]);
		end += format->groups[group];
	}
	return (int) (end - out);
}

/* Writes a stored number in national or international format. */
int
crm_phone_format(int64_t number, bool international,
				 char out[CRM_PHONE_FORMAT_MAX])
{
	char		national[CRM_PHONE_DIGITS_MAX + 1];
	const PhoneFormatPair *pair;
	const PhoneCode *code;
	int			length;
	int			index;
	int			at = 0;

	code = split_number(number, national, &length);
	if (code == NULL)
		return 0;
	pair = &crm_phone_format_pairs[crm_phone_walk(code->format, national,
												  length)];
	index = international ? pair->international : pair->national;
	if (international)
		at = snprintf(out, CRM_PHONE_FORMAT_MAX, "+%d ", code->code);
	if (index != 0)
		at += fill_template(&crm_phone_formats[index], national, out + at);
	else
	{
		memcpy(out + at, national, (size_t) length);
		at += length;
	}
	out[at] = '\0';
	return at;
}
