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

/* The characters of the input, or of a part of it. */
typedef struct Symbols
{
	int			n;
	unsigned char symbol[PHONE_INPUT_MAX + 2];
	uint16_t	at[PHONE_INPUT_MAX + 2];	/* byte where the symbol stands */
} Symbols;

/* Classes of a byte for read_plain(). */
enum
{
	OTHER,
	DIGIT,
	PUNCTUATION,
	PLUS
};

#define PLAIN_CLASSES \
	['0' ... '9'] = DIGIT, ['+'] = PLUS, [' '] = PUNCTUATION, \
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

/* Returns the symbol for a character; 0 if no phone number has it. */
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

static bool
is_letter(unsigned char symbol)
{
	return (unsigned) ((symbol | 0x20) - 'a') < 26;
}

/* May the symbol stand between digits? */
static bool
is_punctuation(unsigned char symbol)
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

/* Makes the symbols of the input; false if there are too many. */
static bool
make_symbols(const char *str, size_t length, Symbols *symbols)
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
static int
find_word(const Symbols *symbols, int from, const char *word)
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
keep(Symbols *symbols, int first, int last)
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
		bool		is_alnum = is_letter(s[i]) || crm_is_digit((char) s[i]);

		if (!is_alnum && s[i] != '-' && s[i] != '.')
			return false;
		if ((i == label || i == n - 1 || s[i + 1] == '.') && !is_alnum)
			return false;
		if (s[i] == '.')
			label = i + 1;
	}
	return label < n && is_letter(s[label]);
}

/*
 * Puts the phone-context before the number, if it is one, as RFC 3966 says;
 * "at" is where ";phone-context=" stands.
 */
static bool
apply_context(Symbols *symbols, int at)
{
	static const char tel[] = "tel:";
	Symbols		whole = *symbols;
	int			context = at + (int) strlen(";phone-context=");
	int			end = find_word(symbols, context, ";");
	int			first = find_word(symbols, 0, tel);
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
static bool
extract_number(Symbols *symbols)
{
	bool		has_words = false;

	const unsigned char *s = symbols->symbol;
	int			first = 0;
	int			last = symbols->n;

	while (first < last && s[first] != '+' && !crm_is_digit((char) s[first]))
		first++;
	while (last > first && s[last - 1] != '#' && !is_letter(s[last - 1]) &&
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
		else if (!is_punctuation(s[i]))
			break;
	}
	*wrong = i;
	if (ndigits < 3)
		return false;
	for (int from = i;; i++)
	{
		if (i == n)
			return true;
		if (!is_punctuation(s[i]) && !is_letter(s[i]) &&
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
blame_symbol(const PhoneText *text, const Symbols *symbols, int wrong,
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
strip_extension(PhoneText *text, Symbols *symbols)
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
collect_digits(PhoneText *text, const Symbols *symbols)
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
		nletters += is_letter(symbols->symbol[j]);
	for (; i < symbols->n; i++)
	{
		unsigned char s = symbols->symbol[i];

		if (nletters >= 3 && is_letter(s))
			s = (unsigned char) keypad[(s | 0x20) - 'a'];
		if (is_letter(s) && (s | 0x20) != 'x' && text->letter < 0)
			text->letter = symbols->at[i];
		if (!crm_is_digit((char) s))
			continue;
		text->positions[text->ndigits] = symbols->at[i];
		text->digits[text->ndigits++] = (char) s;
	}
}

/* Does str begin with a full-width colon, or the Chinese word for "number"? */
static bool
is_mark_dress(const char *str)
{
	return strncmp(str, "\xEF\xBC\x9A", 3) == 0 ||
		strncmp(str, "\xE5\x8F\xB7", 3) == 0 ||
		strncmp(str, "\xE8\x99\x9F", 3) == 0;
}

/*
 * With the rule parameter for it: cuts off a Chinese word for "extension" and
 * the digits after it.  Returns false, with the blame set, if something else
 * follows the word.
 */
static bool
cut_mark(PhoneText *text, Symbols *symbols, CrmValue *value)
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
			else if (!is_punctuation(s) && s != ':' && s != '#' &&
					 !is_mark_dress(text->str + symbols->at[last]))
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
	Symbols		symbols;
	int			context;
	int			isub;
	int			wrong;

	text->has_extension = false;
	if (text->length > 4 * PHONE_INPUT_MAX ||
		!make_symbols(text->str, text->length, &symbols))
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
						0, text->length);
		return false;
	}
	if (options->extension_marks && !cut_mark(text, &symbols, value))
		return false;
	context = find_word(&symbols, 0, ";phone-context=");
	if (context < 0)
		text->has_extension |= extract_number(&symbols);
	else if (!apply_context(&symbols, context))
	{
		size_t		at = symbols.at[context];

		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_CHARACTER,
						at, text->length - at);
		return false;
	}
	isub = find_word(&symbols, 0, ";isub=");
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
