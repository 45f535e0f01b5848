/*-------------------------------------------------------------------------
 *
 * nfc.c
 *		Unicode normalisation form C (UAX #15) of short strings, and the
 *		categories of characters.
 *
 * RFC 6532 asks for NFC in addresses.  The server has a normaliser of its own,
 * but it allocates and cannot be used apart from the server.
 *
 *-------------------------------------------------------------------------
 */
#include "types/types_private.h"
#include "types/unicode_table.h"

#define LENGTH_OF(array)	((int) (sizeof(array) / sizeof((array)[0])))

/* The longest input, in characters; decomposition makes at most four of one */
#define NFC_INPUT_MAX		256

/* Hangul syllables are composed by computation (UAX #15, section 10). */
#define HANGUL_S			0xAC00
#define HANGUL_L			0x1100
#define HANGUL_V			0x1161
#define HANGUL_T			0x11A7
#define HANGUL_NL			19
#define HANGUL_NV			21
#define HANGUL_NT			28
#define HANGUL_NS			(HANGUL_NL * HANGUL_NV * HANGUL_NT)

/* Characters before this one are in NFC wherever they stand. */
#define NFC_FIRST_DOUBTFUL	0x300

/* Returns the value of the range that holds c, or 0. */
static int
range_value(const UnicodeRange *ranges, int nranges, uint32_t c)
{
	int			low = 0;
	int			high = nranges - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (c < ranges[middle].first)
			high = middle - 1;
		else if (c > ranges[middle].last)
			low = middle + 1;
		else
			return ranges[middle].value;
	}
	return 0;
}

/* Returns the canonical combining class of c, 0 for starters. */
static int
combining_class(uint32_t c)
{
	return range_value(unicode_combining, LENGTH_OF(unicode_combining), c);
}

/* Is c a combining mark (general category M)? */
bool
crm_unicode_is_mark(uint32_t c)
{
	return range_value(unicode_categories,
					   LENGTH_OF(unicode_categories), c) == 'M';
}

/*
 * Is c no visible character: control, format, unassigned, private use, or
 * white space (general categories C and Z)?  For characters beyond ASCII.
 */
bool
crm_unicode_is_invisible(uint32_t c)
{
	return range_value(unicode_categories,
					   LENGTH_OF(unicode_categories), c) == 'F';
}

/* Appends the full canonical decomposition of c; returns how many it has. */
static int
decompose(uint32_t c, uint32_t *out)
{
	int			low = 0;
	int			high = LENGTH_OF(unicode_decompositions) - 1;
	int			n = 0;

	if (c >= HANGUL_S && c < HANGUL_S + HANGUL_NS)
	{
		uint32_t	s = c - HANGUL_S;

		out[n++] = HANGUL_L + s / (HANGUL_NV * HANGUL_NT);
		out[n++] = HANGUL_V + s % (HANGUL_NV * HANGUL_NT) / HANGUL_NT;
		if (s % HANGUL_NT != 0)
			out[n++] = HANGUL_T + s % HANGUL_NT;
		return n;
	}
	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const UnicodeDecomposition *d = &unicode_decompositions[middle];

		if (c == d->composed)
		{
			for (; n < 4 && d->parts[n] != 0; n++)
				out[n] = d->parts[n];
			return n;
		}
		if (c < d->composed)
			high = middle - 1;
		else
			low = middle + 1;
	}
	out[0] = c;
	return 1;
}

/* Returns the primary composite of two characters, or 0. */
static uint32_t
compose(uint32_t first, uint32_t second)
{
	int			low = 0;
	int			high = LENGTH_OF(unicode_compositions) - 1;

	if (first >= HANGUL_L && first < HANGUL_L + HANGUL_NL &&
		second >= HANGUL_V && second < HANGUL_V + HANGUL_NV)
		return HANGUL_S + ((first - HANGUL_L) * HANGUL_NV +
						   (second - HANGUL_V)) * HANGUL_NT;
	if (first >= HANGUL_S && first < HANGUL_S + HANGUL_NS &&
		(first - HANGUL_S) % HANGUL_NT == 0 &&
		second > HANGUL_T && second < HANGUL_T + HANGUL_NT)
		return first + (second - HANGUL_T);
	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const UnicodeComposition *c = &unicode_compositions[middle];

		if (first == c->first && second == c->second)
			return c->composed;
		if (first < c->first || (first == c->first && second < c->second))
			high = middle - 1;
		else
			low = middle + 1;
	}
	return 0;
}

/* Puts runs of combining marks into canonical order, in place. */
static void
reorder_marks(uint32_t *chars, int n)
{
	for (int i = 1; i < n; i++)
	{
		uint32_t	c = chars[i];
		int			class = combining_class(c);
		int			j = i;

		if (class == 0)
			continue;
		while (j > 0 && combining_class(chars[j - 1]) > class)
		{
			chars[j] = chars[j - 1];
			j--;
		}
		chars[j] = c;
	}
}

/* Composes decomposed, ordered characters in place; returns the new count. */
static int
compose_all(uint32_t *chars, int n)
{
	int			kept = 0;
	int			starter = -1;	/* where the last starter stands */
	int			last_class = 0; /* class of the last character kept after it */

	for (int i = 0; i < n; i++)
	{
		uint32_t	c = chars[i];
		int			class = combining_class(c);
		uint32_t	composite = 0;

		if (starter >= 0 &&
			(kept - 1 == starter || (last_class != 0 && last_class < class)))
			composite = compose(chars[starter], c);
		if (composite != 0)
		{
			chars[starter] = composite;
			continue;
		}
		if (class == 0)
			starter = kept;
		last_class = class;
		chars[kept++] = c;
	}
	return kept;
}

/*
 * Writes the NFC form of valid UTF-8 to out, without terminator.  Returns its
 * length, or -1 if the input is too long or out too small.
 */
int
crm_nfc_normalise(const char *str, size_t length, char *out, size_t out_size)
{
	uint32_t	chars[NFC_INPUT_MAX * 4];
	bool		is_doubtful = false;
	int			n = 0;
	size_t		written = 0;

	if (length > NFC_INPUT_MAX)
		return -1;
	for (size_t i = 0; i < length;)
	{
		uint32_t	c;

		i += (size_t) crm_utf8_decode(str + i, length - i, &c);
		is_doubtful = is_doubtful || c >= NFC_FIRST_DOUBTFUL;
		n += decompose(c, chars + n);
	}
	/* reordering moves marks only, and there are none before U+0300 */
	if (is_doubtful)
		reorder_marks(chars, n);
	n = compose_all(chars, n);
	for (int i = 0; i < n; i++)
	{
		if (written + 4 > out_size)
			return -1;
		written += (size_t) crm_utf8_encode(chars[i], out + written);
	}
	return (int) written;
}
