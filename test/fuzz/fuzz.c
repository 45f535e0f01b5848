/*-------------------------------------------------------------------------
 *
 * fuzz.c
 *		Gives the identifier parsers whatever libFuzzer comes up with, and
 *		aborts when an answer breaks what types.h promises.
 *
 * test/fuzz/run builds and runs it.  Nothing here knows a single kind: what
 * crm_identifiers lists is fuzzed.  An input is a header of HEADER bytes and
 * the value:
 *
 *	0		the kind, unless CRM_FUZZ_KIND in the environment names one
 *	1		a bit for each flag of CrmOptions, and for "today"
 *	2, 3	the region: letters by their low bits, none below '0'
 *	4		whether there is an area code; whether check digits are repaired
 *
 * Random bytes hardly ever have right check digits, so that the properties of
 * good values would be tried on the seeds only.  Where the header asks for it
 * the check digits that a parser blames are therefore put right, and the value
 * is judged again.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/types.h"

#define HEADER			5

/* Bits of byte 1. */
#define ASCII_DOMAIN	0x01
#define ROLE_ACCOUNTS	0x02
#define NATIONAL_CHECK	0x04
#define MULTIPLE		0x08
#define SERVICE_NUMBERS	0x10
#define EXTENSION_MARKS	0x20
#define TODAY			0x80

/* Bits of byte 4. */
#define AREA			0x01
#define REPAIR			0x02

/* Check digits are put right as often as a value can have several sets. */
#define REPAIRS_MAX		3

/* What is being tried, for the message when a property does not hold. */
typedef struct Trial
{
	const CrmIdentifier *kind;
	const CrmOptions *options;
	const char *str;
	size_t		length;
	const CrmValue *value;
} Trial;

static const CrmIdentifier *only_kind = NULL;

/* libFuzzer's own interface; it has no header. */
extern int	LLVMFuzzerInitialize(int *argc, char ***argv);
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
print_bytes(const char *label, const char *str, size_t length)
{
	fprintf(stderr, "  %s \"", label);
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) str[i];

		if (c >= ' ' && c < 0x7F && c != '\\')
			fputc(c, stderr);
		else
			fprintf(stderr, "\\x%02X", c);
	}
	fputs("\"\n", stderr);
}

static void
print_answer(const char *label, const CrmValue *value)
{
	fprintf(stderr, "  %s: verdict %d, reason \"%s\", part %d+%d, storable %d, mended %d\n",
			label, (int) value->verdict,
			(unsigned) value->reason < CRM_REASON_COUNT ?
			crm_reason_words[value->reason].code : "?",
			value->part_start, value->part_length,
			value->is_storable, value->is_mended);
	if (value->canonical_length >= 0 &&
		value->canonical_length <= CRM_CANONICAL_MAX)
		print_bytes("canonical", value->canonical,
					(size_t) value->canonical_length);
}

/* Aborts, with the value in question, unless the property holds. */
static void
require(bool holds, const char *property, const Trial *trial,
		const CrmValue *again)
{
	const CrmOptions *options = trial->options;

	if (holds)
		return;
	fprintf(stderr, "PROPERTY BROKEN: %s\n  kind %s, region \"%s\", today %d,"
			" area \"%s\"%s%s%s%s%s%s\n", property, trial->kind->name,
			options->region, (int) options->today, options->area,
			options->ascii_domain ? ", ascii_domain" : "",
			options->role_accounts ? ", role_accounts" : "",
			options->national_check ? ", national_check" : "",
			options->multiple ? ", multiple" : "",
			options->service_numbers ? ", service_numbers" : "",
			options->extension_marks ? ", extension_marks" : "");
	print_bytes("value", trial->str, trial->length);
	print_answer("answer", trial->value);
	if (again)
		print_answer("second answer", again);
	abort();
}

/* Judges an exact copy, so that a read past its end is seen. */
static void
judge(const CrmIdentifier *kind, const char *str, size_t length,
	  const CrmOptions *options, CrmValue *value)
{
	char	   *copy = malloc(length > 0 ? length : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, str, length);

	/* what a parser does not set must not be read: make it stand out */
	memset(value, 0xA5, sizeof(*value));
	kind->check(copy, length, options, value);
	free(copy);
}

/*
 * Returns the length of the UTF-8 character at str, 0 if it is none.  Written
 * apart from the parsers' own decoder, which is under test.
 */
static size_t
utf8_length(const unsigned char *s, size_t length)
{
	size_t		n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 :
		s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;

	if (n > length)
		return 0;
	for (size_t i = 1; i < n; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
		(s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return n;
}

static bool
is_utf8(const char *str, size_t length)
{
	for (size_t i = 0; i < length;)
	{
		size_t		n = utf8_length((const unsigned char *) str + i, length - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/*
 * Does a parameter let in what the kind's type does not take: several numbers,
 * or short ones that mean something in their region only?
 */
static bool
lets_in_more(const CrmOptions *options)
{
	return options->multiple || options->service_numbers;
}

/* What holds of every answer, taken by itself. */
static void
check_answer(const Trial *trial)
{
	const CrmValue *value = trial->value;
	size_t		canonical_length = (size_t) value->canonical_length;

	require(value->verdict == CRM_VALID || value->verdict == CRM_SUSPECT ||
			value->verdict == CRM_INVALID, "the verdict is one", trial, NULL);
	require((unsigned) value->reason < CRM_REASON_COUNT,
			"the reason is one", trial, NULL);
	require((value->verdict == CRM_VALID) == (value->reason == CRM_REASON_NONE),
			"what is not valid has a reason, and nothing else", trial, NULL);
	require(value->part_start >= 0 && value->part_length >= 0 &&
			(size_t) value->part_start <= trial->length &&
			(size_t) value->part_length <= trial->length - (size_t) value->part_start,
			"the part lies in the value", trial, NULL);
	require(value->verdict != CRM_VALID || value->part_length == 0,
			"a valid value has no part to blame", trial, NULL);

	/* check_value() returns the part as text */
	if (is_utf8(trial->str, trial->length))
		require(is_utf8(trial->str + value->part_start, (size_t) value->part_length),
				"the part has whole characters", trial, NULL);

	require(value->canonical_length >= 0 &&
			value->canonical_length <= CRM_CANONICAL_MAX,
			"the canonical form fits", trial, NULL);
	require(value->canonical[canonical_length] == '\0' &&
			strlen(value->canonical) == canonical_length,
			"the canonical form is terminated", trial, NULL);
	require(is_utf8(value->canonical, canonical_length),
			"the canonical form is UTF-8", trial, NULL);
	require(value->sex == 0 || value->sex == 'M' || value->sex == 'F',
			"the sex is one", trial, NULL);
	require(value->birth_date == 0 ||
			(value->birth_date > 101 && value->birth_date <= 99991231),
			"the birth date is one", trial, NULL);
	if (!trial->options->want_canonical)
	{
		require(canonical_length == 0 && !value->is_storable && !value->is_mended,
				"nobody asked for the canonical form", trial, NULL);
		return;
	}
	require(value->verdict == CRM_INVALID || value->is_storable ||
			lets_in_more(trial->options),
			"what is not invalid is storable", trial, NULL);
	require(!value->is_mended || value->verdict == CRM_INVALID,
			"only what is invalid is mended", trial, NULL);
	require((canonical_length > 0) ==
			(value->is_storable || value->is_mended ||
			 value->verdict != CRM_INVALID),
			"what is storable or mended has a canonical form, and nothing else",
			trial, NULL);
}

/* Do two answers say the same, the canonical form apart? */
static bool
same_verdict(const CrmValue *a, const CrmValue *b)
{
	return a->verdict == b->verdict && a->reason == b->reason &&
		a->part_start == b->part_start && a->part_length == b->part_length &&
		a->birth_date == b->birth_date && a->sex == b->sex;
}

static bool
same_canonical(const CrmValue *a, const CrmValue *b)
{
	return a->canonical_length == b->canonical_length &&
		memcmp(a->canonical, b->canonical, (size_t) a->canonical_length) == 0;
}

/* The second judgement of a value says the same as the first. */
static void
check_repeatable(const Trial *trial)
{
	CrmOptions	options = *trial->options;
	CrmValue	again;

	judge(trial->kind, trial->str, trial->length, &options, &again);
	require(same_verdict(trial->value, &again) &&
			same_canonical(trial->value, &again),
			"the same value has the same answer", trial, &again);
	options.want_canonical = false;
	judge(trial->kind, trial->str, trial->length, &options, &again);
	require(same_verdict(trial->value, &again),
			"the wish for a canonical form changes no verdict", trial, &again);
}

/*
 * The canonical form of what a type takes is complete: it is read without
 * region and without the parameters of a rule, as the type reads it, and is
 * its own canonical form.  It is judged no worse than the value; better, if
 * that was doubtful because of its dress; but a service number is one only
 * for who asks for them.  What a parameter lets in is read with it again, in
 * its region.
 */
static void
check_fixed_point(const Trial *trial)
{
	const CrmOptions *given = trial->options;
	const CrmValue *value = trial->value;
	bool		is_typed = value->is_storable || value->is_mended;
	CrmOptions	options = {
		.want_canonical = true,
		.ascii_domain = given->ascii_domain,
		.service_numbers = given->service_numbers,
		.today = given->today
	};
	CrmValue	again;

	memcpy(options.area, given->area, sizeof(options.area));
	/* a phone carries its country, and where VAT is paid is the rule's matter */
	if (trial->kind->check == crm_vat_id_check)
		memcpy(options.region, given->region, sizeof(options.region));
	if (!is_typed)
		options = *given;
	judge(trial->kind, value->canonical, (size_t) value->canonical_length,
		  &options, &again);
	require(again.is_storable || !is_typed,
			"the canonical form is storable", trial, &again);
	require(same_canonical(value, &again),
			"the canonical form is a fixed point", trial, &again);
	require(again.verdict <= value->verdict,
			"the canonical form is judged no worse", trial, &again);
	if (value->is_mended)
		require(again.verdict != CRM_INVALID,
				"what is mended is not invalid", trial, &again);

	/* the two canonical forms of a domain lead to each other */
	options.ascii_domain = !options.ascii_domain;
	judge(trial->kind, value->canonical, (size_t) value->canonical_length,
		  &options, &again);
	require(again.is_storable || !is_typed,
			"the other canonical form is storable", trial, &again);
	options.ascii_domain = !options.ascii_domain;
	judge(trial->kind, again.canonical, (size_t) again.canonical_length,
		  &options, &again);
	require(same_canonical(value, &again),
			"the other canonical form leads back", trial, &again);
}

/* Judges a value, and all that is promised about it. */
static void
check_value(const CrmIdentifier *kind, const char *str, size_t length,
			const CrmOptions *options, CrmValue *value)
{
	Trial		trial = {kind, options, str, length, value};

	judge(kind, str, length, options, value);
	check_answer(&trial);
	check_repeatable(&trial);
	if (value->canonical_length > 0)
		check_fixed_point(&trial);
}

/* Is it about check digits that the value is blamed, and only one or two? */
static bool
check_digits_blamed(const CrmValue *value)
{
	return (value->reason == CRM_REASON_CHECK_DIGIT ||
			value->reason == CRM_REASON_CHECK_DIGIT_RANGE ||
			value->reason == CRM_REASON_NATIONAL_CHECK_DIGIT ||
			value->reason == CRM_REASON_ORGANISATION_CHECK_DIGIT) &&
		(value->part_length == 1 || value->part_length == 2);
}

/*
 * Tries other characters in place of the check digits that are blamed.
 * Returns true if with some of them the blame is another.
 */
static bool
repair(const CrmIdentifier *kind, char *str, size_t length,
	   const CrmOptions *options, CrmValue *value)
{
	static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	CrmReason	reason = value->reason;
	int			at = value->part_start;
	bool		is_pair = value->part_length == 2;
	int			tries = is_pair ? 100 : 36;

	for (int i = 0; i < tries; i++)
	{
		if (is_pair)
		{
			str[at] = characters[i / 10];
			str[at + 1] = characters[i % 10];
		}
		else
			str[at] = characters[i];
		kind->check(str, length, options, value);
		if (value->reason != reason &&
			value->reason != CRM_REASON_BAD_CHARACTER &&
			value->reason != CRM_REASON_CHECK_DIGIT_RANGE)
			return true;
	}
	return false;
}

/* Reads the options from the header. */
static void
read_header(const uint8_t *header, CrmOptions *options)
{
	*options = (CrmOptions)
	{
		.want_canonical = true,
		.ascii_domain = (header[1] & ASCII_DOMAIN) != 0,
		.role_accounts = (header[1] & ROLE_ACCOUNTS) != 0,
		.national_check = (header[1] & NATIONAL_CHECK) != 0,
		.multiple = (header[1] & MULTIPLE) != 0,
		.service_numbers = (header[1] & SERVICE_NUMBERS) != 0,
		.extension_marks = (header[1] & EXTENSION_MARKS) != 0,
		.today = (header[1] & TODAY) != 0 ? 20260101 : 0
	};
	if (header[2] >= '0')
	{
		/* 'A' is 0x41: letters stand for themselves */
		options->region[0] = (char) ('A' + ((header[2] & 0x1F) + 25) % 26);
		options->region[1] = (char) ('A' + ((header[3] & 0x1F) + 25) % 26);
	}
	if (header[4] & AREA)
		strcpy(options->area, header[4] & 0x40 ? "28" : "755");
}

/* Names the kinds if CRM_FUZZ_KIND is "list", else takes the one it names. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("CRM_FUZZ_KIND");

	(void) argc;
	(void) argv;
	if (name == NULL || name[0] == '\0')
		return 0;
	if (strcmp(name, "list") == 0)
	{
		for (int i = 0; i < crm_identifier_count; i++)
			puts(crm_identifiers[i].name);
		exit(0);
	}
	only_kind = crm_identifier_find(name);
	if (only_kind == NULL)
	{
		fprintf(stderr, "there is no kind \"%s\"\n", name);
		exit(2);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const CrmIdentifier *kind = only_kind;
	CrmOptions	options;
	CrmValue	value;
	size_t		length;
	char	   *str;

	if (size < HEADER)
		return 0;
	if (kind == NULL)
		kind = &crm_identifiers[data[0] % crm_identifier_count];
	read_header(data, &options);
	length = size - HEADER;
	check_value(kind, (const char *) data + HEADER, length, &options, &value);
	if ((data[4] & REPAIR) == 0 || !check_digits_blamed(&value))
		return 0;

	str = malloc(length);
	if (str == NULL)
		abort();
	memcpy(str, data + HEADER, length);
	for (int i = 0; i < REPAIRS_MAX && check_digits_blamed(&value); i++)
	{
		if (!repair(kind, str, length, &options, &value))
			break;
	}
	check_value(kind, str, length, &options, &value);
	free(str);
	return 0;
}
