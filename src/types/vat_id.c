/*-------------------------------------------------------------------------
 *
 * vat_id.c
 *		VAT numbers of the member states of the European Union, Northern
 *		Ireland (XI), the United Kingdom, Norway and Switzerland.
 *
 * A prefix says the country, a table the shapes of its numbers and which
 * function checks them; see vat_id_business.c and vat_id_person.c.  The
 * prefixes are those of Council Directive 2006/112/EC, article 215, by which
 * Greece has EL.  Norway and Switzerland mark a number as one of VAT by a
 * suffix, which Switzerland writes in any of its languages: the canonical
 * form has the German one, so that one number has one form.
 *
 *-------------------------------------------------------------------------
 */
#include "types/vat_id.h"

#define D5 "ddddd"
#define D8 D5 "ddd"
#define D9 D8 "d"
#define D10 D5 D5
#define D11 D10 "d"

/*
 * Sorted by prefix.  The columns are those of VatCountry; a second line has
 * modulus, number of weights, and weights of a check by a weighted sum.
 */
static const VatCountry vat_countries[] = {
	{"AT", 0, 0, crm_vat_austria, {"U" D8}},
	{"BE", 10, 9, crm_vat_belgium, {D10}},
	{"BG", 0, 0, crm_vat_bulgaria, {D9, D10}},
	{"CHE", 0, 0, crm_vat_sum, {D9}, {"MWST", "TVA", "IVA", "TPV"},
	11, 9, {5, 4, 3, 2, 7, 6, 5, 4, 1}},
	{"CY", 0, 0, crm_vat_cyprus, {D8 "a"}},
	{"CZ", 0, 0, crm_vat_czechia, {D8, D9, D10}},
	{"DE", 0, 0, crm_vat_mod11_10, {"n" D8}},
	{"DK", 0, 0, crm_vat_sum, {"n" D5 "dd"}, {NULL},
	11, 8, {2, 7, 6, 5, 4, 3, 2, 1}},
	{"EE", 0, 0, crm_vat_sum, {D9}, {NULL},
	10, 9, {3, 7, 1, 3, 7, 1, 3, 7, 1}},
	{"EL", 9, 8, crm_vat_sum_mod_10, {D9}, {NULL},
	11, 8, {256, 128, 64, 32, 16, 8, 4, 2}},
	{"ES", 0, 0, crm_vat_spain, {D8 "a", "a" D5 "ddx"}},
	{"FI", 0, 0, crm_vat_sum, {D8}, {NULL},
	11, 8, {7, 9, 10, 5, 8, 4, 2, 1}},
	{"FR", 0, 0, crm_vat_france, {"xx" D9}},
	{"GB", 0, 0, crm_vat_united_kingdom, {D9, D9 "ddd", "GDddd", "HAddd"}},
	{"HR", 0, 0, crm_vat_mod11_10, {D11}},
	{"HU", 0, 0, crm_vat_sum, {D8}, {NULL},
	10, 8, {9, 7, 3, 1, 9, 7, 3, 1}},
	{"IE", 0, 0, crm_vat_ireland, {D5 "dda", D5 "ddaa",
	"ds" D5 "a", "ds" D5 "aa"}},
	{"IT", 0, 0, crm_vat_italy, {D11}},
	{"LT", 0, 0, crm_vat_lithuania, {D5 "dd1d", D10 "1d"}},
	{"LU", 0, 0, crm_vat_luxembourg, {D8}},
	{"LV", 0, 0, crm_vat_latvia, {D11}},
	{"MT", 0, 0, crm_vat_sum, {"n" D5 "dd"}, {NULL},
	37, 8, {3, 4, 6, 7, 8, 9, 10, 1}},
	{"NL", 12, 4, crm_vat_netherlands, {D9 "Bdd"}},
	{"NO", 0, 0, crm_vat_sum, {D9}, {"MVA"},
	11, 9, {3, 2, 7, 6, 5, 4, 3, 2, 1}},
	{"PL", 0, 0, crm_vat_sum, {D10}, {NULL},
	11, 10, {6, 5, 7, 2, 3, 4, 5, 6, 7, -1}},
	{"PT", 0, 0, crm_vat_sum_mod_10, {"n" D8}, {NULL},
	11, 8, {-9, -8, -7, -6, -5, -4, -3, -2}},
	{"RO", 0, 0, crm_vat_romania, {"nd????????", "n" D11 "d"}, {NULL},
	11, 9, {-7, -5, -3, -2, -1, -7, -5, -3, -2}},
	{"SE", 0, 0, crm_vat_sweden, {D10 "01"}},
	{"SI", 0, 0, crm_vat_slovenia, {"n" D5 "dd"}},
	{"SK", 0, 0, crm_vat_slovakia, {D10}},
	{"XI", 0, 0, crm_vat_united_kingdom, {D9, D9 "ddd", "GDddd", "HAddd"}}
};

#define VAT_COUNTRIES \
	((int) (sizeof(vat_countries) / sizeof(vat_countries[0])))

/* Regions whose numbers have the prefix of another country, and Greece. */
static const char vat_aliases[][2][3] = {
	{"GR", "EL"},
	{"IM", "GB"},
	{"MC", "FR"}
};

/*
 * A value that is taken apart: the national number in a form of its own, and
 * where it stands in the collected text.
 */
typedef struct VatNumber
{
	const VatCountry *country;
	int			offset;			/* of the number's first character in the
								 * collected text; less than 0 before zeros
								 * that were put there */
	int			first;			/* and of the first that the value has */
	bool		has_suffix;
	int			length;
	char		text[CRM_ALNUM_MAX + 1];
} VatNumber;

/* Returns the country whose prefix begins with these two letters, or NULL. */
static const VatCountry *
find_country(const char *code)
{
	int			low = 0;
	int			high = VAT_COUNTRIES - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const char *prefix = vat_countries[middle].prefix;
		int			order = (code[0] - prefix[0]) * 256 + code[1] - prefix[1];

		if (order == 0)
			return &vat_countries[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Likewise, where one code may stand for another. */
static const VatCountry *
find_country_of_region(const char *region)
{
	if (region[0] == '\0')
		return NULL;
	for (size_t i = 0; i < sizeof(vat_aliases) / sizeof(vat_aliases[0]); i++)
	{
		if (memcmp(region, vat_aliases[i][0], 2) == 0)
			return find_country(vat_aliases[i][1]);
	}
	return find_country(region);
}

/*
 * Finds the country, by the prefix or else by the default region, and where
 * the number begins.  Returns a fault in positions of the collected text.
 */
static VatFault
find_prefix(const AlnumText *alnum, const CrmOptions *options,
			VatNumber *number)
{
	const char *text = alnum->text;
	const VatCountry *country = NULL;
	int			length = 0;

	if (alnum->length >= 2)
		country = memcmp(text, "GR", 2) == 0 ? find_country("EL")
			: find_country(text);
	number->country = country;
	if (country != NULL)
	{
		for (length = 2; country->prefix[length] != '\0'; length++)
		{
			if (length >= alnum->length)
				return crm_vat_refused(CRM_REASON_BAD_LENGTH, 0, 0);
			if (text[length] != country->prefix[length])
				return crm_vat_refused(CRM_REASON_BAD_CHARACTER, length, 1);
		}
	}
	else
		number->country = find_country_of_region(options->region);
	number->offset = length;
	if (number->country != NULL)
		return crm_vat_checked(true, 0, 0);
	if (alnum->length >= 2 && !crm_is_digit(text[0]) && !crm_is_digit(text[1]))
		return crm_vat_refused(CRM_REASON_COUNTRY_UNKNOWN, 0, 2);
	return crm_vat_refused(CRM_REASON_COUNTRY_PREFIX_NEEDED, 0, 0);
}

/*
 * Copies the national number, without suffix and with the zeros before it
 * that were left out.
 */
static void
read_number(const AlnumText *alnum, VatNumber *number)
{
	const VatCountry *country = number->country;
	const char *text = alnum->text + number->offset;
	int			length = alnum->length - number->offset;
	int			zeros = 0;

	number->has_suffix = false;
	for (int i = 0; i < VAT_SUFFIXES && country->suffixes[i] != NULL; i++)
	{
		int			count = (int) strlen(country->suffixes[i]);

		if (length > count &&
			memcmp(text + length - count, country->suffixes[i],
				   (size_t) count) == 0)
		{
			length -= count;
			number->has_suffix = true;
			break;
		}
	}
	if (length < country->padded && length >= country->padded_from)
		zeros = country->padded - length;
	memset(number->text, '0', (size_t) zeros);
	memcpy(number->text + zeros, text, (size_t) length);
	number->text[zeros + length] = '\0';
	number->length = zeros + length;
	number->first = number->offset;
	number->offset -= zeros;
}

/* Is c what this character of a shape stands for? */
static bool
shape_takes(char shape, char c)
{
	switch (shape)
	{
		case 'd':
		case '?':
			return crm_is_digit(c);
		case 'n':
			return crm_is_digit(c) && c != '0';
		case 'a':
			return c >= 'A' && c <= 'Z';
		case 'x':
			return crm_is_digit(c) || (c >= 'A' && c <= 'Z');
		case 's':
			return !crm_is_digit(c);
		default:
			return c == shape;
	}
}

/*
 * Compares the number with the shapes of its country.  Blames the length if
 * none has it, or the first character that the best of them does not take.
 */
static VatFault
check_shape(const VatNumber *number)
{
	const char *const *shapes = number->country->shapes;
	int			best = -1;

	for (int i = 0; i < VAT_SHAPES && shapes[i] != NULL; i++)
	{
		int			full = (int) strlen(shapes[i]);
		int			same = 0;

		if (number->length > full ||
			(number->length < full && shapes[i][number->length] != '?'))
			continue;
		while (same < number->length &&
			   shape_takes(shapes[i][same], number->text[same]))
			same++;
		if (same == number->length)
			return crm_vat_checked(true, 0, 0);
		if (same > best)
			best = same;
	}
	if (best < 0)
		return crm_vat_refused(CRM_REASON_BAD_LENGTH, 0, 0);
	return crm_vat_refused(CRM_REASON_BAD_CHARACTER, best, 1);
}

/*
 * What makes a right number suspect: the suffix is missing, the prefix is not
 * the proper one, or it is British where British numbers are not at home.
 * In positions of the collected text.
 */
static VatFault
find_doubt(const AlnumText *alnum, const CrmOptions *options,
		   const VatNumber *number)
{
	const VatCountry *country = number->country;
	VatFault	fault = {CRM_REASON_NONE, CRM_SUSPECT, 0, 2};

	if (country->suffixes[0] != NULL && !number->has_suffix)
	{
		fault.reason = CRM_REASON_VAT_SUFFIX_NEEDED;
		fault.count = 0;
	}
	else if (memcmp(country->prefix, "EL", 2) == 0 &&
			 memcmp(alnum->text, "GR", 2) == 0)
		fault.reason = CRM_REASON_COUNTRY_PREFIX_GREECE;
	else if (memcmp(country->prefix, "GB", 2) == 0 &&
			 find_country_of_region(options->region) != country)
		fault.reason = CRM_REASON_COUNTRY_LEFT_UNION;
	return fault;
}

/* Sets the canonical form: prefix, number, the suffix if it has one. */
static void
set_canonical(const VatNumber *number, const CrmOptions *options,
			  CrmValue *value)
{
	const VatCountry *country = number->country;
	char		text[CRM_ALNUM_MAX + 16];
	int			length = (int) strlen(country->prefix);

	memcpy(text, country->prefix, (size_t) length);
	memcpy(text + length, number->text, (size_t) number->length);
	length += number->length;
	if (number->has_suffix)
	{
		int			count = (int) strlen(country->suffixes[0]);

		memcpy(text + length, country->suffixes[0], (size_t) count);
		length += count;
	}
	crm_value_set_canonical(value, options, text, length);
}

/* Blames part of the collected text, or the whole value. */
static void
blame(const char *str, size_t length, const AlnumText *alnum,
	  const VatFault *fault, CrmValue *value)
{
	if (fault->reason == CRM_REASON_BAD_LENGTH)
		crm_value_blame(value, fault->verdict, fault->reason, 0, length);
	else if (fault->count == 0)
		crm_value_blame(value, fault->verdict, fault->reason, 0, 0);
	else
		crm_alnum_blame(str, length, alnum, value, fault->verdict,
						fault->reason, fault->at, fault->count);
}

/* Moves what a check blames to where it stands in the collected text. */
static void
place_fault(const VatNumber *number, VatFault *fault)
{
	int			end = number->offset + fault->at + fault->count;

	fault->at += number->offset;
	if (fault->at < number->first)
		fault->at = number->first;
	fault->count = end > fault->at ? end - fault->at : 0;
}

/*
 * Judges a VAT number.  options->region is the country of a value that has no
 * prefix, and makes British numbers a matter of course.
 */
void
crm_vat_id_check(const char *str, size_t length,
				 const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;
	VatNumber	number;
	VatFault	fault;

	crm_value_init(value);
	if (!crm_alnum_collect_style(str, length, ALNUM_VAT, &alnum, value))
		return;
	fault = find_prefix(&alnum, options, &number);
	if (fault.reason == CRM_REASON_NONE)
	{
		read_number(&alnum, &number);
		fault = check_shape(&number);
		if (fault.reason == CRM_REASON_NONE)
			fault = number.country->check(number.country, number.text,
										  number.length);
		place_fault(&number, &fault);
	}
	if (fault.reason == CRM_REASON_NONE)
		fault = find_doubt(&alnum, options, &number);
	if (fault.reason != CRM_REASON_NONE)
		blame(str, length, &alnum, &fault, value);
	/* an office that is in no list yet speaks for a newer list */
	if (value->verdict != CRM_INVALID ||
		value->reason == CRM_REASON_OFFICE_UNKNOWN)
		set_canonical(&number, options, value);
}
