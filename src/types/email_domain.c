/*-------------------------------------------------------------------------
 *
 * email_domain.c
 *		The domain of an e-mail address: shape, IDNA 2008, special names.
 *
 * Domains with characters beyond ASCII or with A-labels go through libidn2,
 * with the mapping of UTS #46 (non-transitional) that browsers and mail
 * programs apply.  libidn2 allocates; what it returns is freed before
 * anything else is called.
 *
 *-------------------------------------------------------------------------
 */
#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "types/email_domain.h"

/*
 * A domain in ASCII, and where it stands in the input: from "start" on, if
 * is_exact byte by byte, otherwise (it has been converted) as a whole.
 */
typedef struct AsciiDomain
{
	const char *text;
	size_t		length;
	size_t		start;
	size_t		input_length;
	bool		is_exact;
} AsciiDomain;

#define T EMAIL_ATOM
#define D (EMAIL_ATOM | EMAIL_ALNUM)
#define L (EMAIL_ATOM | EMAIL_ALNUM | EMAIL_LETTER)

const unsigned char crm_email_class[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, T, 0, T, T, T, T, T, 0, 0, T, T, 0, T, 0, T,
	D, D, D, D, D, D, D, D, D, D, 0, 0, 0, T, 0, T,
	0, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
	L, L, L, L, L, L, L, L, L, L, L, 0, 0, 0, T, T,
	T, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
	L, L, L, L, L, L, L, L, L, L, L, T, T, T, T, 0
};

#undef T
#undef D
#undef L

/* Is c an ASCII letter or digit? */
static inline bool
is_alnum(char c)
{
	return crm_email_class[(unsigned char) c] & EMAIL_ALNUM;
}

/* Is c an ASCII letter? */
static inline bool
is_letter(char c)
{
	return crm_email_class[(unsigned char) c] & EMAIL_LETTER;
}

/* Lower-cases ASCII letters in place. */
void
crm_ascii_lower(char *str, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (str[i] >= 'A' && str[i] <= 'Z')
			str[i] = (char) (str[i] | 0x20);
	}
}

/* Is str, of any case, the lower-case word? */
static bool
equals_word(const char *str, size_t length, const char *word)
{
	for (size_t i = 0; i < length; i++)
	{
		char		c = str[i];

		if (c >= 'A' && c <= 'Z')
			c = (char) (c | 0x20);
		if (c != word[i])
			return false;
	}
	return word[length] == '\0';
}

/*
 * Is this top-level label one of the special-use names (RFC 6761, RFC 6762,
 * RFC 7686, arpa by RFC 3172) under which nobody receives mail?  "example" is
 * one too, but addresses in documents and tests are made with it.
 */
static bool
is_special_use(const char *label, size_t length)
{
	switch (length)
	{
		case 4:
			return equals_word(label, length, "arpa") ||
				equals_word(label, length, "test");
		case 5:
			return equals_word(label, length, "local") ||
				equals_word(label, length, "onion");
		case 7:
			return equals_word(label, length, "invalid");
		case 9:
			return equals_word(label, length, "localhost");
		default:
			return false;
	}
}

/*
 * Is this a domain of two or more ordinary ASCII labels, under an ordinary
 * top-level name?  False says nothing of the domain.
 */
bool
crm_domain_is_plain(const char *domain, size_t length)
{
	size_t		label = 0;		/* where the present label begins */

	for (size_t i = 0; i < length; i++)
	{
		if (is_alnum(domain[i]))
			continue;
		if (i == label)
			return false;
		if (domain[i] == '.')
		{
			if (domain[i - 1] == '-' || i - label > LABEL_MAX)
				return false;
			label = i + 1;
		}
		else if (domain[i] != '-' ||
				 (i == label + 3 && domain[i - 1] == '-'))
			return false;
	}
	if (label == 0 || label == length || length - label > LABEL_MAX)
		return false;
	return is_letter(domain[length - 1]) &&
		!is_special_use(domain + label, length - label);
}

/*
 * Judges one label of an ASCII domain.  Returns the reason why it cannot be,
 * and sets *bad to the character to blame, or to "length" to blame all.
 */
static CrmReason
check_label(const char *label, size_t length, size_t *bad)
{
	*bad = length;
	if (length == 0)
		return CRM_REASON_DOMAIN_DOT;
	for (size_t i = 0; i < length; i++)
	{
		*bad = i;
		if (!is_alnum(label[i]) && label[i] != '-')
			return CRM_REASON_BAD_CHARACTER;
	}
	if (label[0] == '-' || label[length - 1] == '-')
	{
		*bad = label[0] == '-' ? 0 : length - 1;
		return CRM_REASON_DOMAIN_HYPHEN;
	}
	*bad = length;
	return length > LABEL_MAX ? CRM_REASON_LABEL_TOO_LONG : CRM_REASON_NONE;
}

/* Is this label of a kind that IDNA reserves: "--" in third place? */
static bool
is_reserved_label(const char *label, size_t length)
{
	return length >= 4 && label[2] == '-' && label[3] == '-' &&
		!equals_word(label, 4, "xn--");
}

/* Sets a canonical domain that has no U-labels. */
static void
set_ascii(EmailDomain *domain, const char *text, size_t length)
{
	memcpy(domain->text, text, length);
	crm_ascii_lower(domain->text, length);
	memcpy(domain->ascii, domain->text, length);
	domain->length = domain->ascii_length = (int) length;
}

/* Sets a suspicion unless there is one already. */
static void
suspect(CrmValue *value, CrmReason reason, size_t start, size_t length)
{
	if (value->verdict == CRM_VALID)
		crm_value_blame(value, CRM_SUSPECT, reason, start, length);
}

/* Blames a label, or the character "bad" of it (see check_label). */
static void
blame_label(const AsciiDomain *domain, size_t label, size_t label_length,
			size_t bad, CrmReason reason, CrmValue *value)
{
	if (!domain->is_exact)
		crm_value_blame(value, CRM_INVALID, reason,
						domain->start, domain->input_length);
	else if (bad < label_length)
		crm_value_blame(value, CRM_INVALID, reason,
						domain->start + label + bad, 1);
	else if (label_length > 0)
		crm_value_blame(value, CRM_INVALID, reason,
						domain->start + label, label_length);
	else
	{
		/* an empty label: blame a dot beside it */
		crm_value_blame(value, CRM_INVALID, reason,
						domain->start + (label > 0 ? label - 1 : 0), 1);
	}
}

/* Sets the suspicions that the top-level label, from "top" on, gives. */
static void
judge_top_level(const AsciiDomain *domain, size_t top, CrmValue *value)
{
	const char *label = domain->text + top;
	size_t		length = domain->length - top;
	CrmReason	reason;

	if (is_special_use(label, length))
		reason = CRM_REASON_DOMAIN_SPECIAL_USE;
	else if (top == 0)
		reason = CRM_REASON_DOMAIN_DOTLESS;
	else if (!is_letter(label[length - 1]) &&
			 !(length > 4 && equals_word(label, 4, "xn--")))
		reason = CRM_REASON_TOP_LEVEL_DOMAIN;
	else
		return;
	suspect(value, reason, domain->start, domain->input_length);
}

/*
 * Judges an ASCII domain.  Returns false, with the blame set, if it cannot be.
 */
static bool
check_ascii(const AsciiDomain *domain, CrmValue *value)
{
	size_t		label = 0;

	for (size_t i = 0; i <= domain->length; i++)
	{
		size_t		bad;
		CrmReason	reason;

		if (i < domain->length && domain->text[i] != '.')
			continue;
		reason = check_label(domain->text + label, i - label, &bad);
		if (reason != CRM_REASON_NONE)
		{
			blame_label(domain, label, i - label, bad, reason, value);
			return false;
		}
		if (is_reserved_label(domain->text + label, i - label))
			suspect(value, CRM_REASON_DOMAIN_RESERVED_LABEL,
					domain->start, domain->input_length);
		if (i < domain->length)
			label = i + 1;
	}
	judge_top_level(domain, label, value);
	return true;
}

/*
 * Judges an address literal, "[192.0.2.1]" or "[IPv6:2001:db8::1]".  Always
 * suspect if it is one: nobody's customer has such an address.
 */
static bool
check_literal(const char *literal, size_t length, size_t start,
			  EmailDomain *domain, CrmValue *value)
{
	char		text[64];
	char		address[16];
	size_t		text_length = length >= 2 ? length - 2 : 0;
	bool		ok = false;

	if (text_length > 0 && text_length < sizeof(text) &&
		literal[length - 1] == ']')
	{
		memcpy(text, literal + 1, text_length);
		text[text_length] = '\0';
		if (strlen(text) != text_length)
			ok = false;			/* holds a zero byte */
		else if (text_length > 5 && equals_word(text, 5, "ipv6:"))
			ok = inet_pton(AF_INET6, text + 5, address) == 1;
		else
			ok = inet_pton(AF_INET, text, address) == 1;
	}
	if (!ok)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_CHARACTER,
						start, length);
		return false;
	}
	suspect(value, CRM_REASON_DOMAIN_LITERAL, start, length);
	memcpy(domain->text, literal, length);
	memcpy(domain->ascii, literal, length);
	domain->length = domain->ascii_length = (int) length;
	return true;
}

/* Does the domain need libidn2: bytes beyond ASCII, or an A-label? */
static bool
is_idn(const char *domain, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if ((unsigned char) domain[i] >= 0x80)
			return true;
		if ((i == 0 || domain[i - 1] == '.') && length - i > 4 &&
			equals_word(domain + i, 4, "xn--"))
			return true;
	}
	return false;
}

/*
 * Does every label hold by the contextual rules of RFC 5892 (middle dot only
 * between two l, and the like)?  Lookup leaves some of them to registration.
 */
static bool
labels_are_registrable(const char *domain)
{
	char		label[CRM_CANONICAL_MAX + 1];
	uint8_t    *registered = NULL;

	while (*domain != '\0')
	{
		size_t		length = strcspn(domain, ".");

		memcpy(label, domain, length);
		label[length] = '\0';
		if (is_idn(label, length))
		{
			if (idn2_register_u8((const uint8_t *) label, NULL,
								 &registered, 0) != IDN2_OK)
				return false;
			idn2_free(registered);
		}
		domain += length;
		domain += (*domain == '.');
	}
	return true;
}

/* Copies what libidn2 returned, frees it; false if there is no room. */
static bool
take_idn(char *returned, char *out, size_t out_size, int *length)
{
	size_t		n = strlen(returned);
	bool		fits = n < out_size;

	if (fits)
	{
		memcpy(out, returned, n + 1);
		*length = (int) n;
	}
	idn2_free(returned);
	return fits;
}

/*
 * Converts an internationalised domain to A-labels and to canonical U-labels.
 * Returns false if it is no such name.
 */
static bool
convert_idn(const char *str, size_t length, EmailDomain *domain)
{
	char		source[CRM_INPUT_MAX + 1];
	uint8_t    *looked_up = NULL;
	char	   *unicode = NULL;

	memcpy(source, str, length);
	source[length] = '\0';
	if (strlen(source) != length)
		return false;
	if (idn2_lookup_u8((const uint8_t *) source, &looked_up,
					   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	if (!take_idn((char *) looked_up, domain->ascii, DOMAIN_MAX + 1,
				  &domain->ascii_length))
		return false;
	if (idn2_to_unicode_8z8z(domain->ascii, &unicode, 0) != IDN2_OK)
		return false;
	return take_idn(unicode, domain->text, sizeof(domain->text),
					&domain->length) &&
		labels_are_registrable(domain->text);
}

/*
 * Judges a domain that needs libidn2, and sets *domain.  Returns false, with
 * the blame set, if it cannot be.
 */
static bool
check_idn(const char *text, size_t start, size_t length,
		  EmailDomain *domain, CrmValue *value)
{
	AsciiDomain converted = {domain->ascii, 0, start, length, false};

	if (!convert_idn(text, length, domain))
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_DOMAIN_NOT_IDNA,
						start, length);
		return false;
	}
	converted.length = (size_t) domain->ascii_length;
	return check_ascii(&converted, value);
}

/*
 * Judges the domain that begins at "start" of the input and has "length"
 * bytes, at most CRM_INPUT_MAX.  Returns false, with the blame set, if it
 * cannot be; otherwise sets *domain, perhaps with a suspicion.
 */
bool
crm_domain_check(const char *str, size_t start, size_t length,
				 EmailDomain *domain, CrmValue *value)
{
	const char *text = str + start;
	AsciiDomain plain = {text, length, start, length, true};

	if (length == 0)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_DOMAIN_EMPTY,
						start - 1, 1);
		return false;
	}
	if (text[0] == '[')
		return check_literal(text, length, start, domain, value);
	if (is_idn(text, length))
		return check_idn(text, start, length, domain, value);
	if (!check_ascii(&plain, value))
		return false;
	if (length > DOMAIN_MAX)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_DOMAIN_TOO_LONG,
						start, length);
		return false;
	}
	set_ascii(domain, text, length);
	return true;
}
