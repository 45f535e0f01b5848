/*-------------------------------------------------------------------------
 *
 * type_mask.c
 *		crmaudit.mask(): an identifier as somebody may see it who need not
 *		know it.
 *
 * What stays readable suffices to recognise a value that one has before one,
 * and not to guess it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "types/type_sql.h"

#define MASK_CHARACTER	'*'

/* A card number of 12 digits has no more between the first 6 and the last 4. */
#define HIDDEN_MIN		2

/* What of a canonical form stays readable. */
typedef struct MaskShape
{
	CrmCheckFunc check;
	int			first;			/* characters */
	int			last;
} MaskShape;

/*
 * bank_card: what PCI DSS 3.4 allows to show.  A phone number's first digits
 * are counted from its end, since calling codes differ in length.
 */
static const MaskShape mask_shapes[] = {
	{crm_bank_card_check, 6, 4},
	{crm_iban_check, 4, 4},
	{crm_lei_check, 4, 4},
	{crm_phone_check, -8, 4},
	{crm_resident_id_check, 3, 4},
	{crm_uscc_check, 4, 4},
	{crm_vat_id_check, 2, 3}
};

PG_FUNCTION_INFO_V1(crmaudit_mask_value);

/*
 * Returns the length in bytes of the first "count" characters of UTF-8; a byte
 * that begins no character counts as one.
 */
static int
clip(const char *data, int length, int count)
{
	int			at = 0;

	while (at < length && count > 0)
	{
		at++;
		while (at < length && (data[at] & 0xC0) == 0x80)
			at++;
		count--;
	}
	return at;
}

/*
 * Hides the characters between the first and the last that may be seen.  Of a
 * text too short for that, half is hidden.
 */
static text *
mask_middle(const char *data, int length, int first, int last)
{
	int			count = 0;
	int			start;
	int			end;
	char	   *masked;
	char	   *out;

	for (int at = 0; at < length; at += clip(data + at, length - at, 1))
		count++;
	if (first < 0)
		first = Max(count + first, 1);
	if (first + last > count - HIDDEN_MIN)
	{
		first = Min(first, count / 4);
		last = Min(last, count / 4);
	}
	start = clip(data, length, first);
	end = clip(data, length, count - last);
	out = masked = palloc(length + count + 1);
	memcpy(out, data, start);
	out += start;
	memset(out, MASK_CHARACTER, count - first - last);
	out += count - first - last;
	memcpy(out, data + end, length - end);
	out += length - end;
	return crm_text_from_utf8(masked, out - masked);
}

/* The first character of the local part, and the domain. */
static text *
mask_email(const char *data, int length)
{
	int			at = length;
	int			first = clip(data, length, 1);
	StringInfoData masked;

	while (at > 0 && data[at - 1] != '@')
		at--;
	if (at <= first)
		return mask_middle(data, length, 1, 0);
	initStringInfo(&masked);
	appendBinaryStringInfo(&masked, data, first);
	appendStringInfoString(&masked, "***@");
	appendBinaryStringInfo(&masked, data + at, length - at);
	return crm_text_from_utf8(masked.data, masked.len);
}

/* Masks a canonical form, which is in the server encoding. */
static text *
mask_canonical(CrmCheckFunc check, const char *data, int length)
{
	crm_text_to_utf8(&data, &length);
	for (int i = 0; i < lengthof(mask_shapes); i++)
	{
		if (mask_shapes[i].check == check)
			return mask_middle(data, length, mask_shapes[i].first,
							   mask_shapes[i].last);
	}
	return mask_email(data, length);
}

#define MASK_TEXT(type) \
PG_FUNCTION_INFO_V1(crmaudit_mask_##type); \
Datum \
crmaudit_mask_##type(PG_FUNCTION_ARGS) \
{ \
	text	   *value = PG_GETARG_TEXT_PP(0); \
\
	PG_RETURN_TEXT_P(mask_canonical(crm_##type##_check, VARDATA_ANY(value), \
									VARSIZE_ANY_EXHDR(value))); \
}

#define MASK_NUMBER(type) \
PG_FUNCTION_INFO_V1(crmaudit_mask_##type); \
Datum \
crmaudit_mask_##type(PG_FUNCTION_ARGS) \
{ \
	char		text[CRM_NUMBER_TEXT_MAX]; \
	int			length = crm_##type##_unpack(PG_GETARG_INT64(0), text); \
\
	PG_RETURN_TEXT_P(mask_canonical(crm_##type##_check, text, length)); \
}

MASK_TEXT(email)
MASK_TEXT(iban)
MASK_TEXT(lei)
MASK_TEXT(uscc)
MASK_TEXT(vat_id)
MASK_NUMBER(bank_card)
MASK_NUMBER(phone)
MASK_NUMBER(resident_id)

/*
 * crmaudit.mask(kind, value): the same of a value in text; one that is no
 * identifier is masked all the same.
 */
Datum
crmaudit_mask_value(PG_FUNCTION_ARGS)
{
	text	   *kind = PG_GETARG_TEXT_PP(0);
	text	   *input = PG_GETARG_TEXT_PP(1);
	const CrmIdentifier *identifier =
	crm_identifier_require(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind));

	PG_RETURN_TEXT_P(mask_canonical(identifier->check, VARDATA_ANY(input),
									VARSIZE_ANY_EXHDR(input)));
}
