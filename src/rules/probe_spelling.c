/*-------------------------------------------------------------------------
 *
 * probe_spelling.c
 *		Usual spellings of one value, to look it up in a plain index.
 *
 * A best effort: what is spelled otherwise is found by the sweep, and by an
 * index on the normal form.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "rules/probe.h"
#include "types/phone.h"

/* Room for the spellings of a value. */
#define SPELLINGS_MAX	24

typedef struct Spellings
{
	int			count;
	Datum		texts[SPELLINGS_MAX];
} Spellings;

/* Each is looked up on its own: none twice. */
static void
add_spelling(Spellings *spellings, const char *data, int length)
{
	for (int i = 0; i < spellings->count; i++)
	{
		text	   *other = DatumGetTextPP(spellings->texts[i]);

		if (VARSIZE_ANY_EXHDR(other) == length &&
			memcmp(VARDATA_ANY(other), data, length) == 0)
			return;
	}
	if (spellings->count < SPELLINGS_MAX)
		spellings->texts[spellings->count++] =
			PointerGetDatum(cstring_to_text_with_len(data, length));
}

static void
add_string(Spellings *spellings, const char *string)
{
	add_spelling(spellings, string, strlen(string));
}

/* As before, without certain characters. */
static void
add_without(Spellings *spellings, const char *string, const char *unwanted)
{
	char	   *copy = palloc(strlen(string) + 1);
	char	   *end = copy;

	for (; *string; string++)
	{
		if (strchr(unwanted, *string) == NULL)
			*end++ = *string;
	}
	*end = '\0';
	add_string(spellings, copy);
}

/* A Chinese mobile number in groups of 3, 4 and 4. */
static void
add_groups(Spellings *spellings, const char *prefix, const char *digits,
		   char between)
{
	add_string(spellings, psprintf("%s%.3s%c%.4s%c%.4s", prefix, digits,
								   between, digits + 3, between, digits + 7));
}

static void
add_chinese_mobile(Spellings *spellings, const char *digits)
{
	add_groups(spellings, "", digits, ' ');
	add_groups(spellings, "", digits, '-');
	add_groups(spellings, "+86 ", digits, ' ');
	add_groups(spellings, "+86-", digits, '-');
	add_string(spellings, psprintf("+86-%s", digits));
	add_string(spellings, psprintf("86-%s", digits));
}

/* A Chinese number with an area code, which "format" sets apart. */
static void
add_chinese_landline(Spellings *spellings, const char *format)
{
	const char *blank = strchr(format, ' ');
	char	   *area;
	char	   *rest;
	char	   *end;

	if (blank == NULL)
		return;
	area = pnstrdup(format, blank - format);
	end = rest = palloc(strlen(blank) + 1);
	for (; *blank; blank++)
	{
		if (*blank != ' ')
			*end++ = *blank;
	}
	*end = '\0';
	add_string(spellings, psprintf("%s-%s", area, rest));
	add_string(spellings, psprintf("(%s)%s", area, rest));
	add_string(spellings, psprintf("%s %s", area, rest));
	if (area[0] == '0')
	{
		add_string(spellings, psprintf("+86-%s-%s", area + 1, rest));
		add_string(spellings, psprintf("86-%s-%s", area + 1, rest));
	}
}

/* Spellings of a phone number in E.164 form. */
static void
add_phone(Spellings *spellings, const char *e164)
{
	int64		number = crm_phone_pack(e164, strlen(e164));
	CrmPhone	phone;
	char		format[CRM_PHONE_FORMAT_MAX];

	add_string(spellings, e164 + 1);
	add_string(spellings, psprintf("00%s", e164 + 1));
	if (!crm_phone_describe(number, &phone))
		return;
	add_string(spellings, phone.national);
	add_string(spellings, psprintf("+%d %s", phone.calling_code, phone.national));
	if (crm_phone_format(number, true, format) > 0)
		add_string(spellings, format);
	if (crm_phone_format(number, false, format) > 0)
	{
		add_string(spellings, format);
		add_without(spellings, format, " ");
		add_without(spellings, format, " -()");
	}
	if (phone.calling_code == 86 && phone.type == CRM_PHONE_MOBILE &&
		phone.national_length == 11)
		add_chinese_mobile(spellings, phone.national);
	else if (phone.calling_code == 86 &&
			 crm_phone_format(number, false, format) > 0)
		add_chinese_landline(spellings, format);
}

/* The value in groups of four, as cards show it. */
static void
add_in_fours(Spellings *spellings, const char *digits)
{
	char	   *grouped = palloc(strlen(digits) * 2 + 1);
	char	   *end = grouped;

	for (int i = 0; digits[i]; i++)
	{
		if (i > 0 && i % 4 == 0)
			*end++ = ' ';
		*end++ = digits[i];
	}
	*end = '\0';
	add_string(spellings, grouped);
}

/*
 * Returns text[]: spellings of the value "data", whose normal form is
 * "normal".
 */
Datum
crm_probe_spellings(const CrmNormalForm *form, const char *data, int length,
					const char *normal, int normal_length)
{
	Spellings	spellings = {0};
	char	   *string = pnstrdup(normal, normal_length);

	add_spelling(&spellings, data, length);
	add_string(&spellings, string);
	add_string(&spellings, asc_tolower(string, normal_length));
	add_string(&spellings, asc_toupper(string, normal_length));
	if (form->identifier && form->identifier->check == crm_phone_check &&
		string[0] == '+')
		add_phone(&spellings, string);
	else if (form->kind == NORMAL_ACCOUNT ||
			 (form->identifier &&
			  (form->identifier->check == crm_bank_card_check ||
			   form->identifier->check == crm_iban_check)))
		add_in_fours(&spellings, string);
	return PointerGetDatum(construct_array(spellings.texts, spellings.count,
										   TEXTOID, -1, false, TYPALIGN_INT));
}
