/*-------------------------------------------------------------------------
 *
 * phone_text.c
 *		From what was typed to the digits of a phone number.
 *
 * Nearly all input is ASCII digits, blanks and a few punctuation marks, with +
 * before them; read_plain() takes that in one pass.  Everything else goes by
 * way of symbols, one byte a character, on which the steps of libphonenumber
 * are repeated in its order: RFC 3966 parameters, the text around the number,
 * a second number, viability, the extension, letters.
 *
 *-------------------------------------------------------------------------
 */
#include "types/phone_private.h"

/* Classes of a byte for read_plain(). */
enum
{
	OTHER,
	DIGIT,
	PUNCTUATION
};

/* A macro, since pg_bsd_indent does not know ranges. */
#define PLAIN_CLASSES \
	['0' ... '9'] = DIGIT, [' '] = PUNCTUATION, \
	['-'] = PUNCTUATION, ['.'] = PUNCTUATION, ['/'] = PUNCTUATION, \
	['('] = PUNCTUATION, [')'] = PUNCTUATION, ['['] = PUNCTUATION, \
	[']'] = PUNCTUATION

static const unsigned char plain_class[256] = {PLAIN_CLASSES};

/* The digit of a telephone's key for each letter. */
static const char keypad[] = "22233344455566677778889999";

/*
 * Reads input of ASCII digits and punctuation.  Returns false if it holds
 * anything else, or too few digits to tell without a closer look.
 */
static bool
read_plain(PhoneText *text)
{
	const char *str = text->str;
	size_t		length = text->length;
	size_t		at = 0;
	int			n = 0;

	if (length > PHONE_INPUT_MAX)
		return false;
	text->has_plus = false;
	while (at < length && plain_class[(unsigned char) str[at]] == PUNCTUATION)
		at++;
	if (at < length && str[at] == '+')
	{
		text->has_plus = true;
		while (at < length && str[at] == '+')
			at++;
	}
	text->start = at;
	for (; at < length; at++)
	{
		int			class = plain_class[(unsigned char) str[at]];

		if (class == DIGIT)
			text->digits[n++] = str[at];
		else if (class != PUNCTUATION)
			return false;
	}
	text->ndigits = n;
	text->is_plain = true;
	text->letter = -1;
	text->has_extension = false;
	return n >= 3;
}

/*
 * Can the first n symbols be a phone number?  If not, *wrong becomes the
 * symbol that cannot be part of one; n if there are just too few digits.
 */
static bool
is_viable(const unsigned char *s, int n, int *wrong)
{
	int			i = 0;
	int			ndigits = 0;

	*wrong = n;
	if (n == 2 && crm_is_digit((char) s[0]) && crm_is_digit((char) s[1]))
		return true;
	while (i < n && s[i] == '+')
		i++;
	for (; i < n && ndigits < 3; i++)
	{
		if (crm_is_digit((char) s[i]))
			ndigits++;
		else if (!crm_symbol_is_punctuation(s[i]))
			break;
	}
	*wrong = i;
	if (ndigits < 3)
		return false;
	for (int from = i;; i++)
	{
		if (i == n)
			return true;
		if (!crm_symbol_is_punctuation(s[i]) && !crm_symbol_is_letter(s[i]) &&
			!crm_is_digit((char) s[i]))
		{
			*wrong = i;

			/* unless an extension begins here or before */
			for (int j = from; j <= i; j++)
			{
				if (!crm_is_digit((char) s[j]) &&
					crm_phone_extension_at(s, n, j))
					return true;
			}
			return false;
		}
	}
}

/* Blames what keeps the symbols from being a number. */
static bool
blame_symbol(const PhoneText *text, const PhoneSymbols *symbols, int wrong,
			 CrmValue *value)
{
	size_t		at = symbols->at[wrong];
	size_t		left = text->length - at;
	uint32_t	c;
	int			n;

	if (wrong >= symbols->n)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
						0, text->length);
		return false;
	}
	n = crm_utf8_decode(text->str + at, left, &c);
	if (wrong > 0 && (crm_phone_mark_at(text->str + at, left) > 0 ||
					  c == '#' || c == 0xFF03))
		crm_value_blame(value, CRM_INVALID, CRM_REASON_EXTENSION, at, left);
	else if (wrong > 0 && (c == ',' || c == ';' || c == 0x3001 ||
						   c == 0xFF0C || c == 0xFF1B))
		crm_value_blame(value, CRM_INVALID, CRM_REASON_SEVERAL_VALUES,
						0, text->length);
	else
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_CHARACTER,
						at, (size_t) n);
	return false;
}

/* Cuts the extension off, if there is one. */
static void
strip_extension(PhoneText *text, PhoneSymbols *symbols)
{
	int			wrong;

	for (int i = 0; i < symbols->n; i++)
	{
		if (crm_is_digit((char) symbols->symbol[i]) ||
			!crm_phone_extension_at(symbols->symbol, symbols->n, i))
			continue;
		if (is_viable(symbols->symbol, i, &wrong))
		{
			symbols->n = i;
			text->has_extension = true;
		}
		return;
	}
}

/* Collects the digits; three letters or more stand for digits. */
static void
collect_digits(PhoneText *text, const PhoneSymbols *symbols)
{
	int			i = 0;
	int			nletters = 0;

	while (i < symbols->n && symbols->symbol[i] == '+')
		i++;
	text->has_plus = i > 0;
	text->is_plain = false;
	text->letter = -1;
	text->ndigits = 0;
	for (int j = i; j < symbols->n; j++)
		nletters += crm_symbol_is_letter(symbols->symbol[j]);
	for (; i < symbols->n; i++)
	{
		unsigned char s = symbols->symbol[i];

		if (nletters >= 3 && crm_symbol_is_letter(s))
			s = (unsigned char) keypad[(s | 0x20) - 'a'];
		if (crm_symbol_is_letter(s) && (s | 0x20) != 'x' && text->letter < 0)
			text->letter = symbols->at[i];
		if (!crm_is_digit((char) s))
			continue;
		text->positions[text->ndigits] = symbols->at[i];
		text->digits[text->ndigits++] = (char) s;
	}
}

/* Does str begin with a full-width colon, or the Chinese word for "number"? */
static bool
is_mark_dress(const char *str, size_t length)
{
	return length >= 3 &&
		(memcmp(str, "\xEF\xBC\x9A", 3) == 0 ||
		 memcmp(str, "\xE5\x8F\xB7", 3) == 0 ||
		 memcmp(str, "\xE8\x99\x9F", 3) == 0);
}

/*
 * With the rule parameter for it: cuts off a Chinese word for "extension" and
 * the digits after it.  Returns false, with the blame set, if something else
 * follows the word.
 */
static bool
cut_mark(PhoneText *text, PhoneSymbols *symbols, CrmValue *value)
{
	for (int i = 1; i < symbols->n; i++)
	{
		size_t		at = symbols->at[i];
		size_t		n = crm_phone_mark_at(text->str + at, text->length - at);
		int			last = i;
		bool		has_digits = false;

		if (n == 0)
			continue;
		while (last < symbols->n && symbols->at[last] < at + n)
			last++;
		for (; last < symbols->n; last++)
		{
			unsigned char s = symbols->symbol[last];

			if (crm_is_digit((char) s))
				has_digits = true;
			else if (!crm_symbol_is_punctuation(s) && s != ':' && s != '#' &&
					 !is_mark_dress(text->str + symbols->at[last],
									text->length - symbols->at[last]))
				break;
		}
		if (!has_digits || last < symbols->n)
		{
			crm_value_blame(value, CRM_INVALID, CRM_REASON_EXTENSION,
							at, text->length - at);
			return false;
		}
		text->has_extension = true;
		symbols->n = i;
		return true;
	}
	return true;
}

/* Reads input of any kind. */
static bool
read_dressed(PhoneText *text, const CrmOptions *options, CrmValue *value)
{
	PhoneSymbols symbols;
	int			context;
	int			isub;
	int			wrong;

	text->has_extension = false;
	if (text->length > 4 * PHONE_INPUT_MAX ||
		!crm_symbols_make(text->str, text->length, &symbols))
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
						0, text->length);
		return false;
	}
	if (options->extension_marks && !cut_mark(text, &symbols, value))
		return false;
	context = crm_symbols_find(&symbols, 0, ";phone-context=");
	if (context < 0)
		text->has_extension |= crm_symbols_extract(&symbols);
	else if (!crm_symbols_apply_context(&symbols, context))
	{
		size_t		at = symbols.at[context];

		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_CHARACTER,
						at, text->length - at);
		return false;
	}
	isub = crm_symbols_find(&symbols, 0, ";isub=");
	if (isub > 0)
		symbols.n = isub;
	if (symbols.n == 0)
	{
		size_t		first;
		size_t		last;

		crm_trim(text->str, text->length, &first, &last);
		crm_value_blame(value, CRM_INVALID, first == last ?
						CRM_REASON_BLANK : CRM_REASON_BAD_CHARACTER,
						0, text->length);
		return false;
	}
	if (!is_viable(symbols.symbol, symbols.n, &wrong))
		return blame_symbol(text, &symbols, wrong, value);
	strip_extension(text, &symbols);
	collect_digits(text, &symbols);
	return true;
}

/*
 * Reads what was typed into *text.  Returns false, with the blame set, if it
 * cannot be a phone number.
 */
bool
crm_phone_read(const char *str, size_t length, const CrmOptions *options,
			   PhoneText *text, CrmValue *value)
{
	text->str = str;
	text->length = length;
	return read_plain(text) || read_dressed(text, options, value);
}

/* Returns the byte at which a digit of the text stands. */
static size_t
digit_position(const PhoneText *text, int index)
{
	size_t		at = text->start;

	if (!text->is_plain)
		return text->positions[index];
	for (;; at++)
	{
		if (crm_is_digit(text->str[at]) && index-- == 0)
			return at;
	}
}

/* Sets a verdict that blames the digits from "first" to "last". */
void
crm_phone_blame(const PhoneText *text, CrmValue *value, CrmVerdict verdict,
				CrmReason reason, int first, int last)
{
	size_t		start;
	size_t		end;
	uint32_t	c;

	if (last >= text->ndigits)
		last = text->ndigits - 1;
	if (first > last)
		first = last;
	start = digit_position(text, first);
	end = digit_position(text, last);

	/* a phone-context stands after the number that it comes before */
	if (end < start)
	{
		start = 0;
		end = text->length;
	}
	else
		end += (size_t) crm_utf8_decode(text->str + end, text->length - end,
										&c);
	crm_value_blame(value, verdict, reason, start, end - start);
}
