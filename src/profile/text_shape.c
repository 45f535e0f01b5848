/*-------------------------------------------------------------------------
 *
 * text_shape.c
 *		The shape of a text: what kinds of characters it is made of.
 *
 * Shapes tell nothing of a value but its form: A and a stand for letters, 9
 * for a digit, U+6C49 for a Chinese character, all else for itself; a number
 * in braces says how many in a row.  Input is UTF-8.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/hsearch.h"

#include "profile/profile.h"

static const char han_sign[] = "\xE6\xB1\x89";	/* U+6C49 */

/* Decodes a character of valid UTF-8, and gives its length. */
static uint32
character_read(const char *data, int length, int *size)
{
	const unsigned char *at = (const unsigned char *) data;

	if (at[0] < 0x80)
	{
		*size = 1;
		return at[0];
	}
	if (at[0] < 0xE0 && length >= 2)
	{
		*size = 2;
		return (at[0] & 0x1F) << 6 | (at[1] & 0x3F);
	}
	if (at[0] < 0xF0 && length >= 3)
	{
		*size = 3;
		return (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F);
	}
	*size = Min(4, length);
	if (*size < 4)
		return 0xFFFD;
	return (at[0] & 0x07) << 18 | (at[1] & 0x3F) << 12 |
		(at[2] & 0x3F) << 6 | (at[3] & 0x3F);
}

static bool
is_han(uint32 code)
{
	return (code >= 0x4E00 && code <= 0x9FFF) ||
		(code >= 0x3400 && code <= 0x4DBF) ||
		(code >= 0xF900 && code <= 0xFAFF) ||
		(code >= 0x20000 && code <= 0x3FFFF) || code == 0x3007;
}

/*
 * The sign that stands for a character.  Beyond ASCII there are letters, but
 * for the blocks of punctuation and symbols.
 */
static const char *
character_sign(uint32 code, const char *data, int *length)
{
	*length = 1;
	if (code < 0x80)
	{
		if (code >= '0' && code <= '9')
			return "9";
		if (code >= 'A' && code <= 'Z')
			return "A";
		if (code >= 'a' && code <= 'z')
			return "a";
		/* a control character would make no readable shape */
		return code < ' ' || code == 0x7F ? "?" : data;
	}
	if (is_han(code))
	{
		*length = 3;
		return han_sign;
	}
	if (code >= 0xC0 && !(code >= 0x2000 && code <= 0x2BFF) &&
		!(code >= 0x3000 && code <= 0x303F) &&
		!(code >= 0xFF00 && code <= 0xFFEF))
		return "a";
	*length = code < 0x800 ? 2 : 3;
	return data;
}

/* Appends a run of the same sign; false if there is no room. */
static bool
shape_append(char *shape, int *used, const char *sign, int size, int run)
{
	char		text[32];
	int			length;

	memcpy(text, sign, size);
	length = run > 1 ? size + snprintf(text + size, sizeof(text) - size, "{%d}", run) : size;
	if (*used + length > SHAPE_MAX - 4)
		return false;
	memcpy(shape + *used, text, length);
	*used += length;
	return true;
}

/* Writes the shape of a value, padded with zeros. */
static void
shape_write(const char *data, int length, char *shape)
{
	const char *sign = NULL;
	int			sign_size = 0;
	int			run = 0;
	int			used = 0;
	int			at = 0;

	memset(shape, 0, SHAPE_MAX);
	while (at < length)
	{
		int			size;
		int			next_size;
		uint32		code = character_read(data + at, length - at, &size);
		const char *next = character_sign(code, data + at, &next_size);

		if (run > 0 && next_size == sign_size &&
			memcmp(next, sign, sign_size) == 0)
			run++;
		else
		{
			if (run > 0 && !shape_append(shape, &used, sign, sign_size, run))
				break;
			sign = next;
			sign_size = next_size;
			run = 1;
		}
		at += size;
	}
	if (at < length || !shape_append(shape, &used, sign, sign_size, run))
		memcpy(shape + used, "...", 3);
}

HTAB *
crm_shapes_create(void)
{
	HASHCTL		control = {.keysize = SHAPE_MAX,.entrysize = sizeof(ShapeCount),
	.hcxt = CurrentMemoryContext};

	return hash_create("crmaudit shapes", 32, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Counts the shape of a value, which is not empty. */
void
crm_shape_add(HTAB *shapes, const char *data, int length)
{
	char		shape[SHAPE_MAX];
	ShapeCount *entry;
	bool		found;

	if (length > SHAPE_VALUE_MAX)
		return;
	shape_write(data, length, shape);
	entry = hash_search(shapes, shape,
						hash_get_num_entries(shapes) < SHAPES_MAX ? HASH_ENTER : HASH_FIND,
						&found);
	if (entry == NULL)
		return;
	if (!found)
	{
		entry->rows = 0;
		entry->length = 0;
		if (length <= SHAPE_LETTERS_MAX)
		{
			entry->length = length;
			memcpy(entry->letters, data, length);
		}
	}
	entry->rows++;
	/* of one shape, but letters beyond ASCII differ in size */
	if (entry->length != length)
		entry->length = 0;
	for (int i = 0; i < entry->length; i++)
	{
		if (entry->letters[i] != data[i])
			entry->letters[i] = '\0';
	}
}

static int
shape_compare(const void *a, const void *b)
{
	const ShapeCount *first = *(ShapeCount *const *) a;
	const ShapeCount *second = *(ShapeCount *const *) b;

	if (first->rows != second->rows)
		return first->rows > second->rows ? -1 : 1;
	return memcmp(first->shape, second->shape, SHAPE_MAX);
}

/* The shapes, the most frequent first. */
ShapeCount **
crm_shapes_sorted(HTAB *shapes, int *count)
{
	HASH_SEQ_STATUS scan;
	ShapeCount *entry;
	ShapeCount **sorted = palloc((hash_get_num_entries(shapes) + 1) *
								 sizeof(ShapeCount *));

	*count = 0;
	hash_seq_init(&scan, shapes);
	while ((entry = hash_seq_search(&scan)) != NULL)
		sorted[(*count)++] = entry;
	qsort(sorted, *count, sizeof(ShapeCount *), shape_compare);
	return sorted;
}

/*
 * Appends a regular expression for a shape of ASCII characters; letters that
 * are the same in all values stand for themselves.  Nothing is appended where
 * there is none.
 */
void
crm_shape_regex(const ShapeCount *shape, StringInfo regex)
{
	int			at = 0;

	if (shape->length == 0)
		return;
	for (const char *p = shape->shape; *p != '\0'; p++)
	{
		if ((unsigned char) *p >= 0x80 || *p == '?')
			return;
	}
	appendStringInfoChar(regex, '^');
	for (const char *p = shape->shape; *p != '\0' && at < shape->length;)
	{
		char		sign = *p++;
		int			run = 1;
		int			same = 0;

		if (*p == '{' && isdigit((unsigned char) p[1]))
		{
			run = atoi(p + 1);
			p = strchr(p, '}') + 1;
		}
		/* letters that never change come first, as in a prefix */
		while (same < run && isalpha((unsigned char) sign) &&
			   shape->letters[at + same] != '\0')
			appendStringInfoChar(regex, shape->letters[at + same++]);
		if (same < run)
		{
			if (isalpha((unsigned char) sign))
				appendStringInfoString(regex, sign == 'A' ? "[A-Z]" : "[a-z]");
			else if (sign == '9')
				appendStringInfoString(regex, "[0-9]");
			else if (sign == ' ' || sign == '-' || sign == '_' || sign == '/' ||
					 sign == '@' || sign == '#' || sign == ':' || sign == ',')
				appendStringInfoChar(regex, sign);
			else
				appendStringInfo(regex, "\\%c", sign);
			if (run - same > 1)
				appendStringInfo(regex, "{%d}", run - same);
		}
		at += run;
	}
	appendStringInfoChar(regex, '$');
}
