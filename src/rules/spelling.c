/*-------------------------------------------------------------------------
 *
 * spelling.c
 *		Values that differ in one character: misspellings, but not numbers.
 *
 * One edit inserts, deletes or replaces a character, or swaps two neighbours.
 * Two values that are one edit apart have a spelling key in common: keys are
 * hashes of a value and of all that is left of it when a character is taken
 * away.  (Replaced: the same is left without either.  Inserted: what is left
 * without it is the other value.  Swapped: without one of the two, the other
 * is left.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "types/type_sql.h"

/* A longer value is a text, not a name that people misspell. */
#define SPELLING_CHARACTERS	100

/* The characters that an edit touches: one, or two. */
typedef struct Edit
{
	int			count;			/* 0: the values are not one edit apart */
	pg_wchar	touched[2];
} Edit;

/*
 * Characters that number things, or tell places with the same name apart:
 * what differs in these alone is another thing, not the same misspelt.
 */
static const pg_wchar ordinals[] = {
	0x3007, 0x96F6,				/* zero */
	0x4E00, 0x4E8C, 0x4E09, 0x56DB, 0x4E94, /* one to five */
	0x516D, 0x4E03, 0x516B, 0x4E5D, 0x5341, /* six to ten */
	0x767E, 0x5343, 0x4E07, 0x4E24, /* hundred, thousand, myriad, two */
	0x7532, 0x4E59, 0x4E19, 0x4E01, /* the first four heavenly stems */
	0x4E1C, 0x5357, 0x897F, 0x5317, 0x4E2D, /* east, south, west, north,
											 * middle */
	0x4E0A, 0x4E0B, 0x5DE6, 0x53F3, 0x524D, 0x540E, /* above to behind */
	0x5927, 0x5C0F				/* big, small */
};

PG_FUNCTION_INFO_V1(crmaudit_spelling_keys);
PG_FUNCTION_INFO_V1(crmaudit_one_edit_apart);
PG_FUNCTION_INFO_V1(crmaudit_is_spelling_variant);

static bool
is_digit(pg_wchar c)
{
	return (c >= '0' && c <= '9') || (c >= 0xFF10 && c <= 0xFF19);
}

static bool
is_ordinal(pg_wchar c)
{
	for (int i = 0; i < lengthof(ordinals); i++)
	{
		if (ordinals[i] == c)
			return true;
	}
	return is_digit(c);
}

/*
 * Reads at most "size" characters as Unicode code points; the number of
 * characters, or size + 1 if there are more.
 */
static int
read_characters(text * value, pg_wchar *characters, int size)
{
	const char *data = VARDATA_ANY(value);
	int			length = VARSIZE_ANY_EXHDR(value);
	int			count = 0;

	crm_text_to_utf8(&data, &length);
	for (int i = 0; i < length;)
	{
		const unsigned char *at = (const unsigned char *) data + i;
		int			size_here = pg_utf_mblen(at);

		if (count == size || i + size_here > length)
			return size + 1;
		characters[count++] = utf8_to_unicode(at);
		i += size_here;
	}
	return count;
}

/* What makes "b" of "a" in one edit. */
static Edit
edit_find(const pg_wchar *a, int a_count, const pg_wchar *b, int b_count)
{
	Edit		edit = {0};
	int			shorter = Min(a_count, b_count);
	int			prefix = 0;
	int			suffix = 0;
	int			a_rest;
	int			b_rest;

	while (prefix < shorter && a[prefix] == b[prefix])
		prefix++;
	while (suffix < shorter - prefix &&
		   a[a_count - 1 - suffix] == b[b_count - 1 - suffix])
		suffix++;
	a_rest = a_count - prefix - suffix;
	b_rest = b_count - prefix - suffix;
	if (a_rest + b_rest == 1)
	{
		edit.count = 1;
		edit.touched[0] = a_rest == 1 ? a[prefix] : b[prefix];
	}
	else if ((a_rest == 1 && b_rest == 1) ||
			 (a_rest == 2 && b_rest == 2 && a[prefix] == b[prefix + 1] &&
			  a[prefix + 1] == b[prefix]))
	{
		edit.count = 2;
		edit.touched[0] = a[prefix];
		edit.touched[1] = b[prefix];
	}
	return edit;
}

/* The edit between the two arguments. */
static Edit
edit_of_arguments(FunctionCallInfo fcinfo)
{
	pg_wchar	a[SPELLING_CHARACTERS];
	pg_wchar	b[SPELLING_CHARACTERS];
	int			a_count = read_characters(PG_GETARG_TEXT_PP(0), a,
										  SPELLING_CHARACTERS);
	int			b_count = read_characters(PG_GETARG_TEXT_PP(1), b,
										  SPELLING_CHARACTERS);

	if (a_count > SPELLING_CHARACTERS || b_count > SPELLING_CHARACTERS)
		return (Edit)
	{
		0
	};
	return edit_find(a, a_count, b, b_count);
}

/*
 * crmaudit.one_edit_apart(text, text): whether one edit makes one value of the
 * other; not of values of more than a hundred characters, nor of equal ones.
 */
Datum
crmaudit_one_edit_apart(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(edit_of_arguments(fcinfo).count > 0);
}

/*
 * crmaudit.is_spelling_variant(text, text): whether they are one edit apart,
 * and it touches no digit, and not only characters that number or place.
 */
Datum
crmaudit_is_spelling_variant(PG_FUNCTION_ARGS)
{
	Edit		edit = edit_of_arguments(fcinfo);
	int			nordinals = 0;

	if (edit.count == 0)
		PG_RETURN_BOOL(false);
	for (int i = 0; i < edit.count; i++)
	{
		if (is_digit(edit.touched[i]))
			PG_RETURN_BOOL(false);
		nordinals += is_ordinal(edit.touched[i]);
	}
	PG_RETURN_BOOL(nordinals < edit.count);
}

static uint64
hash_characters(const pg_wchar *characters, int count)
{
	return hash_bytes_extended((const unsigned char *) characters,
							   count * sizeof(pg_wchar), 0);
}

/*
 * crmaudit.spelling_keys(text) returns bigint[]: without repetitions of
 * neighbours, which a doubled character makes; empty for a value of less than
 * two characters, or more than a hundred.
 */
Datum
crmaudit_spelling_keys(PG_FUNCTION_ARGS)
{
	pg_wchar	characters[SPELLING_CHARACTERS];
	pg_wchar	left[SPELLING_CHARACTERS];
	Datum		keys[SPELLING_CHARACTERS + 1];
	int			count = read_characters(PG_GETARG_TEXT_PP(0), characters,
										SPELLING_CHARACTERS);
	int			nkeys = 0;

	if (count < 2 || count > SPELLING_CHARACTERS)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	keys[nkeys++] = Int64GetDatum((int64) hash_characters(characters, count));
	memcpy(left, characters + 1, (count - 1) * sizeof(pg_wchar));
	for (int i = 0; i < count; i++)
	{
		/* left is the value without its character i */
		if (i > 0)
			left[i - 1] = characters[i - 1];
		if (i == 0 || characters[i] != characters[i - 1])
			keys[nkeys++] = Int64GetDatum((int64) hash_characters(left, count - 1));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(keys, nkeys, INT8OID, 8,
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
