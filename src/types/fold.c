/*-------------------------------------------------------------------------
 *
 * fold.c
 *		Reading what people type: UTF-8, full-width forms, blanks and
 *		separators.
 *
 * Chinese input methods produce full-width letters and digits (U+FF01 to
 * U+FF5E mirror ASCII), the ideographic space U+3000 and a variety of
 * dashes; documents are copied with no-break spaces.  All of these are folded
 * here, so that the parsers see plain ASCII.
 *
 *-------------------------------------------------------------------------
 */
#include "types/types_private.h"

/*
 * Classes of a byte for crm_alnum_collect; other values are the character.
 * Those of the middle two are bad unless the style takes them.
 */
#define ALNUM_BAD			0
#define ALNUM_SEPARATOR		1
#define ALNUM_POINT			2	/* a separator in a VAT number */
#define ALNUM_SIGN			3	/* itself in a VAT number */
#define ALNUM_MULTIBYTE		4

#define A ALNUM_SEPARATOR
#define P ALNUM_POINT
#define S ALNUM_SIGN
#define M ALNUM_MULTIBYTE
#define M16 M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M

static const unsigned char alnum_class[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, A, A, A, A, A, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	A, 0, 0, 0, 0, 0, 0, 0, 0, 0, S, S, 0, A, P, P,
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 0, 0, 0, 0, 0, 0,
	0, 'A', 'B', 'C', 'D', 'E', 'F', 'G',
	'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
	'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 0, 0, 0, 0, 0,
	0, 'A', 'B', 'C', 'D', 'E', 'F', 'G',
	'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
	'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 0, 0, 0, 0, 0,
	M16, M16, M16, M16, M16, M16, M16, M16
};

#undef A
#undef P
#undef S
#undef M
#undef M16

/*
 * Decodes the character at str, which has at least one byte left.  Returns
 * its length in bytes; a byte that begins no valid sequence is returned as
 * U+FFFD of length 1, so that a caller always moves on.
 */
int
crm_utf8_decode(const char *str, size_t length, uint32_t *c)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *) str;
	uint32_t	code;
	int			n;

	if (s[0] < 0x80)
	{
		*c = s[0];
		return 1;
	}
	*c = 0xFFFD;
	if (s[0] >= 0xF0 && s[0] < 0xF5)
		n = 4;
	else if (s[0] >= 0xE0 && s[0] < 0xF0)
		n = 3;
	else if (s[0] >= 0xC2 && s[0] < 0xE0)
		n = 2;
	else
		return 1;
	if ((size_t) n > length)
		return 1;
	code = s[0] & (0xFFu >> (n + 1));
	for (int i = 1; i < n; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 1;
		code = (code << 6) | (s[i] & 0x3F);
	}
	if (code < least[n] || code > 0x10FFFF ||
		(code >= 0xD800 && code <= 0xDFFF))
		return 1;
	*c = code;
	return n;
}

/* Writes c as UTF-8; out has room for four bytes.  Returns the length. */
int
crm_utf8_encode(uint32_t c, char *out)
{
	unsigned char *o = (unsigned char *) out;

	if (c < 0x80)
	{
		o[0] = (unsigned char) c;
		return 1;
	}
	if (c < 0x800)
	{
		o[0] = (unsigned char) (0xC0 | (c >> 6));
		o[1] = (unsigned char) (0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000)
	{
		o[0] = (unsigned char) (0xE0 | (c >> 12));
		o[1] = (unsigned char) (0x80 | ((c >> 6) & 0x3F));
		o[2] = (unsigned char) (0x80 | (c & 0x3F));
		return 3;
	}
	o[0] = (unsigned char) (0xF0 | (c >> 18));
	o[1] = (unsigned char) (0x80 | ((c >> 12) & 0x3F));
	o[2] = (unsigned char) (0x80 | ((c >> 6) & 0x3F));
	o[3] = (unsigned char) (0x80 | (c & 0x3F));
	return 4;
}

/*
 * Returns the ASCII character that c stands for: a full-width form, a blank
 * (as ' ') or a dash (as '-'); c itself if it stands for none.
 */
uint32_t
crm_full_width_fold(uint32_t c)
{
	if (c >= 0xFF01 && c <= 0xFF5E)
		return c - 0xFEE0;
	if (c == 0x3000 || c == 0x00A0 || c == 0x202F ||
		(c >= 0x2000 && c <= 0x200A))
		return ' ';
	if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212)
		return '-';
	return c;
}

/* Is c a blank: ASCII white space, no-break space, ideographic space? */
bool
crm_is_blank(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= 9 && c <= 13);
	return crm_full_width_fold(c) == ' ';
}

/* Sets the byte range that is left of str without blanks at its ends. */
void
crm_trim(const char *str, size_t length, size_t *start, size_t *end)
{
	size_t		first = 0;
	size_t		last = length;
	uint32_t	c;

	while (first < last)
	{
		int			n = crm_utf8_decode(str + first, last - first, &c);

		if (!crm_is_blank(c))
			break;
		first += (size_t) n;
	}
	while (last > first)
	{
		size_t		previous = last - 1;

		while (previous > first &&
			   ((unsigned char) str[previous] & 0xC0) == 0x80)
			previous--;
		crm_utf8_decode(str + previous, last - previous, &c);
		if (!crm_is_blank(c))
			break;
		last = previous;
	}
	*start = first;
	*end = last;
}

/*
 * Reads the character at str as crm_alnum_collect sees it in this style: sets
 * *kept to the upper-case letter or digit, to a sign that belongs to the
 * identifier, to ALNUM_SEPARATOR or to ALNUM_BAD.  Returns its length.
 */
static int
alnum_read(const char *str, size_t length, AlnumStyle style,
		   unsigned char *kept)
{
	uint32_t	c = (unsigned char) str[0];
	int			n = 1;

	if (c >= 0x80)
	{
		n = crm_utf8_decode(str, length, &c);
		c = crm_full_width_fold(c);
	}
	*kept = c < 0x80 ? alnum_class[c] : ALNUM_BAD;
	if (*kept == ALNUM_POINT)
		*kept = style == ALNUM_VAT ? ALNUM_SEPARATOR : ALNUM_BAD;
	else if (*kept == ALNUM_SIGN)
		*kept = style == ALNUM_VAT ? (unsigned char) c : ALNUM_BAD;
	return n;
}

/*
 * The part of crm_alnum_collect that deals with dressed-up input, from byte
 * "at" on.
 */
static bool
alnum_collect_rest(const char *str, size_t length, size_t at,
				   AlnumText *alnum, CrmValue *value)
{
	unsigned char kept;
	int			n;

	alnum->is_plain = false;
	for (; at < length; at += (size_t) n)
	{
		n = alnum_read(str + at, length - at, alnum->style, &kept);
		if (kept == ALNUM_SEPARATOR)
			continue;
		if (kept == ALNUM_BAD)
		{
			crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_CHARACTER,
							at, (size_t) n);
			return false;
		}
		if (alnum->length == CRM_ALNUM_MAX)
		{
			crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
							0, length);
			return false;
		}
		alnum->changed[alnum->length++] = (char) kept;
	}
	if (alnum->length == 0)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BLANK, 0, length);
		return false;
	}
	return true;
}

/*
 * Collects the letters and digits of the input, upper-case and half-width,
 * and drops blanks and dashes; the style says what else is taken.  Returns
 * false, with the blame set, if there is any other character, more than
 * CRM_ALNUM_MAX of them, or none.
 */
bool
crm_alnum_collect_style(const char *str, size_t length, AlnumStyle style,
						AlnumText *alnum, CrmValue *value)
{
	size_t		plain_max;
	size_t		i;

	alnum->style = style;
	alnum->text = alnum->changed;
	alnum->length = 0;
	alnum->is_plain = true;
	if (length > CRM_INPUT_MAX)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH, 0, length);
		return false;
	}
	plain_max = length < CRM_ALNUM_MAX ? length : CRM_ALNUM_MAX;
	for (i = 0; i < plain_max; i++)
	{
		unsigned char kept = alnum_class[(unsigned char) str[i]];

		if (kept <= ALNUM_MULTIBYTE)
			break;
		alnum->changed[i] = (char) kept;
	}
	alnum->length = (int) i;
	if (i == length && i > 0)
		return true;
	return alnum_collect_rest(str, length, i, alnum, value);
}

/*
 * Sets a verdict that blames "count" characters of the collected text, from
 * "index" on, and says where they stand in the input.
 */
void
crm_alnum_blame(const char *str, size_t length, const AlnumText *alnum,
				CrmValue *value, CrmVerdict verdict, CrmReason reason,
				int index, int count)
{
	size_t		start = 0;
	size_t		end = 0;
	int			seen = 0;
	int			n;
	unsigned char kept;

	if (alnum->is_plain)
	{
		crm_value_blame(value, verdict, reason,
						(size_t) index, (size_t) count);
		return;
	}
	for (size_t at = 0; at < length && seen < index + count; at += (size_t) n)
	{
		n = alnum_read(str + at, length - at, alnum->style, &kept);
		if (kept == ALNUM_SEPARATOR)
			continue;
		if (seen == index)
			start = at;
		end = at + (size_t) n;
		seen++;
	}
	crm_value_blame(value, verdict, reason, start, end - start);
}
