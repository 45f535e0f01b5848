/*-------------------------------------------------------------------------
 *
 * phone_extension.c
 *		Where an extension begins.
 *
 * Works on symbols, one byte for each character, as phone_symbols.c makes
 * them.
 *
 *-------------------------------------------------------------------------
 */
#include "types/phone_private.h"

/* Longest extensions, by how sure it is that one is meant. */
#define EXTENSION_EXPLICIT	20	/* after a word */
#define EXTENSION_DIALLED	15	/* after ,, or ; which dial it */
#define EXTENSION_AMBIGUOUS 9	/* after x, #, ~ or a comma */
#define EXTENSION_BARE		6	/* digits with # after them */

/* The symbol at i in lower case and half width; 0 at the end. */
static int
peek(const unsigned char *symbols, int n, int i)
{
	int			c = i < n ? symbols[i] : 0;

	if (c >= 'A' && c <= 'Z')
		return c | 0x20;
	return c;
}

/* Skips symbols of the set; returns where the first other one is. */
static int
skip(const unsigned char *symbols, int n, int i, const char *set)
{
	while (i < n && strchr(set, symbols[i]) != NULL && symbols[i] != 0)
		i++;
	return i;
}

/* Returns where the word ends, if it stands at i; else 0. */
static int
word_at(const unsigned char *symbols, int n, int i, const char *word)
{
	for (; *word != '\0'; word++, i++)
	{
		if (peek(symbols, n, i) != (unsigned char) *word)
			return 0;
	}
	return i;
}

/* Do one to "max" digits and perhaps a # stand at i, and nothing after? */
static bool
ends_in_digits(const unsigned char *symbols, int n, int i, int max,
			   bool needs_hash)
{
	int			first = i;

	while (i < n && crm_is_digit((char) symbols[i]))
		i++;
	if (i == first || i - first > max)
		return false;
	if (i < n && symbols[i] == '#')
		return i + 1 == n;
	return i == n && !needs_hash;
}

/* What may stand between label and extension. */
static int
skip_after_label(const unsigned char *symbols, int n, int i)
{
	if (i < n && (symbols[i] == ':' || symbols[i] == '.' ||
				  symbols[i] == PHONE_SYM_FULL_STOP))
		i++;
	return skip(symbols, n, i, " \t,-" PHONE_SYM_NO_BREAK_STR);
}

/* Returns where "ext", "extension", "xtn" ... ends, if it stands at i. */
static int
skip_ext(const unsigned char *symbols, int n, int i)
{
	int			end;

	if (peek(symbols, n, i) == 'e')
		i++;
	i = word_at(symbols, n, i, "xt");
	if (i == 0)
		return 0;
	end = word_at(symbols, n, i, "ensi");
	if (end != 0)
	{
		int			c = peek(symbols, n, end);

		if (c == 'o' && peek(symbols, n, end + 1) == PHONE_SYM_ACUTE)
			i = end + 2;
		else if (c == 'o' || c == PHONE_SYM_O_ACUTE)
			i = end + 1;
	}
	if (peek(symbols, n, i) == 'n')
		i++;
	return i;
}

/* Returns where an unmistakable label ends, if one stands at i; else 0. */
static int
skip_explicit(const unsigned char *symbols, int n, int i)
{
	static const char dob[] = {(char) PHONE_SYM_DE, (char) PHONE_SYM_O,
	(char) PHONE_SYM_BE, '\0'};
	int			end = skip_ext(symbols, n, i);

	if (end == 0)
		end = word_at(symbols, n, i, dob);
	if (end == 0)
		end = word_at(symbols, n, i, "anexo");
	if (end != 0)
		return end;

	/* the same word in full width, in its short form */
	if (i < n && symbols[i] == PHONE_SYM_WIDE_E)
		i++;
	if (i + 1 >= n || symbols[i] != PHONE_SYM_WIDE_X ||
		symbols[i + 1] != PHONE_SYM_WIDE_T)
		return 0;
	i += 2;
	return i < n && symbols[i] == PHONE_SYM_WIDE_N ? i + 1 : i;
}

/* Returns where x, #, ~ or "int" ends, if one stands at i; else 0. */
static int
skip_ambiguous(const unsigned char *symbols, int n, int i)
{
	int			c = peek(symbols, n, i);

	if (c == 'x' || c == '#' || c == '~' || c == PHONE_SYM_WIDE_X ||
		c == PHONE_SYM_WIDE_HASH || c == PHONE_SYM_WIDE_TILDE)
		return i + 1;
	if (c == PHONE_SYM_WIDE_I)
		return i + 2 < n && symbols[i + 1] == PHONE_SYM_WIDE_N &&
			symbols[i + 2] == PHONE_SYM_WIDE_T ? i + 3 : 0;
	return word_at(symbols, n, i, "int");
}

/* Is what stands at "at" an extension, up to the end of the symbols? */
bool
crm_phone_extension_at(const unsigned char *symbols, int n, int at)
{
	int			i;
	int			end;

	end = word_at(symbols, n, at, ";ext=");
	if (end != 0 && end < n &&
		ends_in_digits(symbols, n, end, EXTENSION_EXPLICIT, false) &&
		symbols[n - 1] != '#')
		return true;

	i = skip(symbols, n, at, " \t," PHONE_SYM_NO_BREAK_STR);
	end = skip_explicit(symbols, n, i);
	if (end != 0 && ends_in_digits(symbols, n,
								   skip_after_label(symbols, n, end),
								   EXTENSION_EXPLICIT, false))
		return true;
	end = skip_ambiguous(symbols, n, i);
	if (end != 0 && ends_in_digits(symbols, n,
								   skip_after_label(symbols, n, end),
								   EXTENSION_AMBIGUOUS, false))
		return true;

	i = skip(symbols, n, at, " -");
	if (i > at && ends_in_digits(symbols, n, i, EXTENSION_BARE, true))
		return true;

	i = skip(symbols, n, at, " \t" PHONE_SYM_NO_BREAK_STR);
	if (i < n && (symbols[i] == ';' || word_at(symbols, n, i, ",,") != 0))
	{
		end = symbols[i] == ';' ? i + 1 : i + 2;
		if (ends_in_digits(symbols, n, skip_after_label(symbols, n, end),
						   EXTENSION_DIALLED, false))
			return true;
	}
	end = skip(symbols, n, i, ",");
	return end > i && ends_in_digits(symbols, n,
									 skip_after_label(symbols, n, end),
									 EXTENSION_AMBIGUOUS, false);
}

/*
 * Returns the length in bytes of the Chinese word for "extension" or
 * "transfer" that str begins with; 0 if none.
 */
size_t
crm_phone_mark_at(const char *str, size_t length)
{
	static const char *const marks[] = {
		"\xE8\xBD\xAC\xE6\x8E\xA5", /* zhuanjie */
		"\xE8\xBD\x89\xE6\x8E\xA5",
		"\xE8\xBD\xAC\xE5\x88\x86\xE6\x9C\xBA", /* zhuan fenji */
		"\xE8\xBD\x89\xE5\x88\x86\xE6\xA9\x9F",
		"\xE8\xBD\xAC",			/* zhuan */
		"\xE8\xBD\x89",
		"\xE5\x88\x86\xE6\x9C\xBA", /* fenji */
		"\xE5\x88\x86\xE6\xA9\x9F",
		"\xE5\x86\x85\xE7\xBA\xBF", /* neixian */
		"\xE5\x85\xA7\xE7\xB7\x9A"
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
	{
		size_t		n = strlen(marks[i]);

		if (n <= length && memcmp(str, marks[i], n) == 0)
			return n;
	}
	return 0;
}
