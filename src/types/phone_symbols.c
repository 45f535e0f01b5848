/*-------------------------------------------------------------------------
 *
 * phone_symbols.c
 *		The characters of a value that holds a phone number, and where in it
 *		the number stands.
 *
 * A symbol is one byte for each character: ASCII is itself, digits of all
 * scripts are ASCII digits, and what else matters is one of PHONE_SYM_*.
 *
 *-------------------------------------------------------------------------
 */
#include "types/phone_private.h"

/* Returns the symbol for a character. */
static unsigned char
symbol_of(uint32_t c)
{
	if (c < 0x80)
		return (unsigned char) c;
	if (c >= 0x0660 && c <= 0x0669)
		return (unsigned char) (c - 0x0660 + '0');
	if (c >= 0x06F0 && c <= 0x06F9)
		return (unsigned char) (c - 0x06F0 + '0');
	if (c >= 0xFF10 && c <= 0xFF19)
		return (unsigned char) (c - 0xFF10 + '0');
	if ((c >= 0x2010 && c <= 0x2015) || c == 0xFF0D || c == 0xFF0F)
		return PHONE_SYM_PUNCTUATION;
	/* letters of the words for "extension", in both cases */
	if ((c >= 0xFF21 && c <= 0xFF3A) || (c >= 0x0410 && c <= 0x042F))
		c += 0x20;
	switch (c)
	{
		case 0xFF0B:
			return '+';
		case 0x00A0:
			return PHONE_SYM_NO_BREAK;
		case 0xFF0E:
			return PHONE_SYM_FULL_STOP;
		case 0xFF5E:
			return PHONE_SYM_WIDE_TILDE;
		case 0x2212:			/* minus sign */
		case 0x30FC:			/* Katakana prolonged sound mark */
		case 0x00AD:			/* soft hyphen */
		case 0x200B:			/* zero width space */
		case 0x2060:			/* word joiner */
		case 0x3000:			/* ideographic space */
		case 0xFF08:			/* full-width brackets */
		case 0xFF09:
		case 0xFF3B:
		case 0xFF3D:
		case 0x2053:			/* swung dash */
		case 0x223C:			/* tilde operator */
			return PHONE_SYM_PUNCTUATION;
		case 0xFF03:
			return PHONE_SYM_WIDE_HASH;
		case 0xFF45:
			return PHONE_SYM_WIDE_E;
		case 0xFF58:
			return PHONE_SYM_WIDE_X;
		case 0xFF54:
			return PHONE_SYM_WIDE_T;
		case 0xFF4E:
			return PHONE_SYM_WIDE_N;
		case 0xFF49:
			return PHONE_SYM_WIDE_I;
		case 0x0301:
			return PHONE_SYM_ACUTE;
		case 0x00F3:
		case 0x00D3:
			return PHONE_SYM_O_ACUTE;
		case 0x0434:
			return PHONE_SYM_DE;
		case 0x043E:
			return PHONE_SYM_O;
		case 0x0431:
			return PHONE_SYM_BE;
		default:
			break;
	}
	/* signs of Chinese and of full-width text, invisible characters */
	if ((c >= 0x2000 && c <= 0x206F) || (c >= 0x3001 && c <= 0x303F) ||
		(c >= 0xFF01 && c <= 0xFF65))
		return PHONE_SYM_STOP;
	return PHONE_SYM_OTHER;
}

/* May the symbol stand between digits? */
bool
crm_symbol_is_punctuation(unsigned char symbol)
{
	switch (symbol)
	{
		case '-':
		case 'x':
		case 'X':
		case ' ':
		case '(':
		case ')':
		case '.':
		case '[':
		case ']':
		case '/':
		case '~':
		case '*':
		case PHONE_SYM_NO_BREAK:
		case PHONE_SYM_FULL_STOP:
		case PHONE_SYM_WIDE_TILDE:
		case PHONE_SYM_PUNCTUATION:
			return true;
		default:
			return false;
	}
}

/* Makes the symbols of the input; returns false if there are too many. */
bool
crm_symbols_make(const char *str, size_t length, PhoneSymbols *symbols)
{
	size_t		at = 0;
	int			units = 0;

	symbols->n = 0;
	while (at < length)
	{
		uint32_t	c;
		int			n = crm_utf8_decode(str + at, length - at, &c);

		units += c >= 0x10000 ? 2 : 1;
		if (units > PHONE_INPUT_MAX)
			return false;
		symbols->symbol[symbols->n] = symbol_of(c);
		symbols->at[symbols->n++] = (uint16_t) at;
		at += (size_t) n;
	}
	symbols->at[symbols->n] = (uint16_t) length;
	return true;
}

/* Returns where the word first stands, from "from" on; -1 if nowhere. */
int
crm_symbols_find(const PhoneSymbols *symbols, int from, const char *word)
{
	int			n = (int) strlen(word);

	for (int i = from; i + n <= symbols->n; i++)
	{
		if (memcmp(symbols->symbol + i, word, (size_t) n) == 0)
			return i;
	}
	return -1;
}

/* Leaves the symbols from "first" up to "last" (exclusive). */
static void
keep(PhoneSymbols *symbols, int first, int last)
{
	int			n = last > first ? last - first : 0;

	memmove(symbols->symbol, symbols->symbol + first, (size_t) n);
	memmove(symbols->at, symbols->at + first,
			sizeof(symbols->at[0]) * (size_t) (n + 1));
	symbols->n = n;
}

/*
 * Is this the value of a phone-context: a number with +, or a domain name
 * whose last label begins with a letter?
 */
static bool
is_context(const unsigned char *s, int n)
{
	int			ndigits = 0;
	int			label = 0;

	if (n > 0 && s[0] == '+')
	{
		for (int i = 1; i < n; i++)
		{
			if (crm_is_digit((char) s[i]))
				ndigits++;
			else if (memchr("-.()", s[i], 4) == NULL)
				return false;
		}
		return ndigits > 0;
	}
	if (n > 0 && s[n - 1] == '.')
		n--;
	for (int i = 0; i < n; i++)
	{
		bool		is_alnum = crm_symbol_is_letter(s[i]) || crm_is_digit((char) s[i]);

		if (!is_alnum && s[i] != '-' && s[i] != '.')
			return false;
		if ((i == label || i == n - 1 || s[i + 1] == '.') && !is_alnum)
			return false;
		if (s[i] == '.')
			label = i + 1;
	}
	return label < n && crm_symbol_is_letter(s[label]);
}

/*
 * Puts the phone-context before the number, if it is one, as RFC 3966 says;
 * "at" is where ";phone-context=" stands.
 */
bool
crm_symbols_apply_context(PhoneSymbols *symbols, int at)
{
	static const char tel[] = "tel:";
	PhoneSymbols whole = *symbols;
	int			context = at + (int) strlen(";phone-context=");
	int			end = crm_symbols_find(symbols, context, ";");
	int			first = crm_symbols_find(symbols, 0, tel);
	int			ncontext;
	int			n;

	if (end < 0)
		end = symbols->n;
	ncontext = end - context;
	if (!is_context(symbols->symbol + context, ncontext))
		return false;
	first = first < 0 ? 0 : first + (int) strlen(tel);
	if (symbols->symbol[context] != '+')
		ncontext = 0;
	n = at > first ? at - first : 0;
	memcpy(symbols->symbol, whole.symbol + context, (size_t) ncontext);
	memcpy(symbols->at, whole.at + context,
		   sizeof(whole.at[0]) * (size_t) ncontext);
	memcpy(symbols->symbol + ncontext, whole.symbol + first, (size_t) n);
	memcpy(symbols->at + ncontext, whole.at + first,
		   sizeof(whole.at[0]) * (size_t) n);
	symbols->n = ncontext + n;
	symbols->at[symbols->n] = whole.at[at];
	return true;
}

/*
 * Leaves the number that stands in the text: from the first + or digit on,
 * without what is neither letter nor digit at its end and without a second
 * number.  As in libphonenumber's JavaScript, letters are those of ASCII;
 * returns true if words of another script were cut off.
 */
bool
crm_symbols_extract(PhoneSymbols *symbols)
{
	bool		has_words = false;

	const unsigned char *s = symbols->symbol;
	int			first = 0;
	int			last = symbols->n;

	while (first < last && s[first] != '+' && !crm_is_digit((char) s[first]))
		first++;
	while (last > first && s[last - 1] != '#' && !crm_symbol_is_letter(s[last - 1]) &&
		   !crm_is_digit((char) s[last - 1]))
	{
		last--;
		has_words |= s[last] == PHONE_SYM_OTHER;
	}
	for (int i = first; i < last; i++)
	{
		int			next = i + 1;

		if (s[i] != '/' && s[i] != '\\')
			continue;
		while (next < last && s[next] == ' ')
			next++;
		if (next < last && s[next] == 'x')
			last = i;
	}
	keep(symbols, first, last);
	return has_words;
}
