/*-------------------------------------------------------------------------
 *
 * email.c
 *		E-mail addresses: RFC 5321 with internationalised addresses (RFC 6531)
 *		and domains (IDNA 2008).
 *
 * Nearly all addresses are plain: ASCII, a dot-atom, a domain of ordinary
 * labels.  Those are recognised in one pass by is_plain_address(); whatever
 * it does not recognise is taken apart at leisure, by check_address().
 *
 * The canonical form has the domain in lower case and as U-labels, and the
 * local part in NFC, otherwise as it was written: case may matter there.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/email.h"
#include "types/email_domain.h"
#include "types/types_private.h"

/*
 * RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3 (a path without its brackets).
 * The first counts characters: mail systems that take UTF-8 local parts do so,
 * although the RFC, written for ASCII, says octets.
 */
#define LOCAL_MAX			64
#define ADDRESS_MAX			254

/* Returns whether c may stand in a dot-atom, apart from dots (RFC 5322). */
static inline bool
is_atom_character(unsigned char c)
{
	return crm_email_class[c] & EMAIL_ATOM;
}

/*
 * Is this a plain address, free of all that needs explaining?  Sets *at to
 * the position of the @ sign.  False says nothing of the address.
 */
static bool
is_plain_address(const char *str, size_t length, size_t *at)
{
	size_t		i = 0;

	if (length > ADDRESS_MAX)
		return false;
	for (;; i++)
	{
		if (i >= length)
			return false;
		if (is_atom_character((unsigned char) str[i]))
			continue;
		if (str[i] != '.' && str[i] != '@')
			return false;
		/* neither may follow a dot or begin the address */
		if (i == 0 || str[i - 1] == '.')
			return false;
		if (str[i] == '@')
			break;
	}
	if (i > LOCAL_MAX)
		return false;
	*at = i;
	return crm_domain_is_plain(str + i + 1, length - i - 1);
}

/* Sets the canonical form of an address whose parts are canonical. */
static void
set_canonical(CrmValue *value, const CrmOptions *options,
			  const char *local, size_t local_length,
			  const char *domain, size_t domain_length)
{
	if (!options->want_canonical)
		return;
	memcpy(value->canonical, local, local_length);
	value->canonical[local_length] = '@';
	memcpy(value->canonical + local_length + 1, domain, domain_length);
	value->canonical_length = (int) (local_length + 1 + domain_length);
	value->canonical[value->canonical_length] = '\0';
	value->is_storable = true;
}

/* Sets a suspicion unless there is one already. */
static void
suspect(CrmValue *value, CrmReason reason, size_t start, size_t length)
{
	if (value->verdict == CRM_VALID)
		crm_value_blame(value, CRM_SUSPECT, reason, start, length);
}

/*
 * Returns the length of the quoted string at str, quotes included, or 0 if it
 * is not one (RFC 5321: printable ASCII, UTF-8, and backslash before any
 * printable ASCII).
 */
static size_t
quoted_length(const char *str, size_t length)
{
	for (size_t i = 1; i < length; i++)
	{
		unsigned char c = (unsigned char) str[i];

		if (c == '"')
			return i + 1;
		if (c == '\\')
		{
			i++;
			if (i >= length)
				return 0;
			c = (unsigned char) str[i];
			if (c >= 0x80)
				return 0;
		}
		if (c < ' ' || c == 0x7F)
			return 0;
	}
	return 0;
}

/*
 * Finds the first character of a dot-atom, perhaps with characters beyond
 * ASCII, that may not be there.  Returns its length, 0 if there is none.
 */
static int
find_bad_local(const char *local, size_t length, size_t *at)
{
	for (size_t i = 0; i < length;)
	{
		uint32_t	c;
		int			n = crm_utf8_decode(local + i, length - i, &c);
		bool		is_bad;

		if (c < 0x80)
			is_bad = c != '.' && !is_atom_character((unsigned char) c);
		else
			is_bad = (c == 0xFFFD && n == 1) || crm_unicode_is_invisible(c) ||
				(i == 0 && crm_unicode_is_mark(c));
		if (is_bad)
		{
			*at = i;
			return n;
		}
		i += (size_t) n;
	}
	return 0;
}

/* Has the dot-atom a dot at an end, or two in a row?  Sets where. */
static bool
find_bad_dot(const char *str, size_t length, size_t *at)
{
	for (size_t i = 0; i < length; i++)
	{
		if (str[i] == '.' &&
			(i == 0 || i == length - 1 || str[i + 1] == '.'))
		{
			*at = i;
			return true;
		}
	}
	return false;
}

/* Counts the characters of valid UTF-8. */
static int
count_characters(const char *str, int length)
{
	int			n = 0;

	for (int i = 0; i < length; i++)
		n += ((unsigned char) str[i] & 0xC0) != 0x80;
	return n;
}

/*
 * Judges the local part, which begins at "start" of the input, and writes its
 * canonical form.  Returns the length of that, or -1 with the blame set.
 */
static int
check_local(const char *str, size_t start, size_t length,
			char canonical[ADDRESS_MAX], CrmValue *value)
{
	const char *local = str + start;
	size_t		at;
	int			n;

	if (length == 0)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_LOCAL_PART_EMPTY,
						start, 1);
		return -1;
	}
	if (local[0] == '"' && quoted_length(local, length) == length)
		suspect(value, CRM_REASON_LOCAL_PART_QUOTED, start, length);
	else if ((n = find_bad_local(local, length, &at)) > 0)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_CHARACTER,
						start + at, (size_t) n);
		return -1;
	}
	else if (find_bad_dot(local, length, &at))
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_LOCAL_PART_DOT,
						start + at, 1);
		return -1;
	}
	n = crm_nfc_normalise(local, length, canonical, ADDRESS_MAX);
	if (n < 0 || count_characters(canonical, n) > LOCAL_MAX)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_LOCAL_PART_TOO_LONG,
						start, length);
		return -1;
	}
	return n;
}

/* Returns the position of c in a range of bytes, or "end". */
static size_t
find_byte(const char *str, size_t start, size_t end, char c)
{
	const char *found = memchr(str + start, c, end - start);

	return found ? (size_t) (found - str) : end;
}

/* Is there, in this range, what people write between two values? */
static bool
has_list_separator(const char *str, size_t start, size_t end)
{
	for (size_t i = start; i < end;)
	{
		uint32_t	c;

		i += (size_t) crm_utf8_decode(str + i, end - i, &c);
		c = crm_full_width_fold(c);
		if (c == ',' || c == ';' || c == '/' || c == '|' ||
			c == 0x3001 || crm_is_blank(c))
			return true;
	}
	return false;
}

/*
 * Finds the @ sign that parts the address.  Returns "end", with the blame
 * set, if there is none, or more than one.
 */
static size_t
find_at_sign(const char *str, size_t start, size_t end, CrmValue *value)
{
	size_t		quoted = 0;
	size_t		at;
	size_t		second;

	if (str[start] == '"')
		quoted = quoted_length(str + start, end - start);
	at = find_byte(str, start + quoted, end, '@');
	if (at == end)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_NO_AT_SIGN, 0, 0);
		return end;
	}
	second = find_byte(str, at + 1, end, '@');
	if (second < end)
	{
		if (has_list_separator(str, at, second))
			crm_value_blame(value, CRM_INVALID, CRM_REASON_SEVERAL_VALUES,
							start, end - start);
		else
			crm_value_blame(value, CRM_INVALID, CRM_REASON_SEVERAL_AT_SIGNS,
							second, 1);
		return end;
	}
	return at;
}

/* Judges the address that stands from "start" to "end" of the input. */
static void
check_address(const char *str, size_t start, size_t end,
			  const CrmOptions *options, CrmValue *value)
{
	char		local[ADDRESS_MAX];
	EmailDomain domain;
	size_t		at;
	int			local_length;

	at = find_at_sign(str, start, end, value);
	if (at == end)
		return;
	local_length = check_local(str, start, at - start, local, value);
	if (local_length < 0 ||
		!crm_domain_check(str, at + 1, end - at - 1, &domain, value))
		return;
	if (local_length + 1 + domain.ascii_length > ADDRESS_MAX ||
		local_length + 1 + domain.length > ADDRESS_MAX)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_TOO_LONG,
						start, end - start);
		return;
	}
	if (options->role_accounts &&
		crm_email_is_role_account(local, (size_t) local_length))
		suspect(value, CRM_REASON_ROLE_ACCOUNT, start, at - start);
	if (options->ascii_domain)
		set_canonical(value, options, local, (size_t) local_length,
					  domain.ascii, (size_t) domain.ascii_length);
	else
		set_canonical(value, options, local, (size_t) local_length,
					  domain.text, (size_t) domain.length);
}

/*
 * Mends a value that is invalid for the reason that has been set: the address
 * from "start" to "end" is certainly meant, if it is one.
 */
static void
mend(const char *str, size_t start, size_t end, const CrmOptions *options,
	 CrmValue *value)
{
	CrmValue	inner;

	if (!options->want_canonical || start >= end)
		return;
	crm_value_init(&inner);
	check_address(str, start, end, options, &inner);
	if (inner.verdict == CRM_INVALID)
		return;
	value->is_mended = true;
	value->canonical_length = inner.canonical_length;
	memcpy(value->canonical, inner.canonical,
		   (size_t) inner.canonical_length + 1);
}

/*
 * Is the name beside the address, from "start" to "end", the address again,
 * perhaps in quotes?  Mail programs write it so when they know no name.
 */
static bool
is_name_the_address(const char *str, size_t start, size_t end,
					const char *address, size_t length)
{
	while (start < end && strchr(" \t\"'", str[end - 1]) != NULL)
		end--;
	while (start < end && strchr(" \t\"'", str[start]) != NULL)
		start++;
	return end - start == length && memcmp(str + start, address, length) == 0;
}

/*
 * Is this a name and an address between < and >, or a link?  Then the blame is
 * set, and value->canonical is the address if that is one.
 */
static bool
check_wrapped(const char *str, size_t start, size_t end,
			  const CrmOptions *options, CrmValue *value)
{
	static const char scheme[] = "mailto:";
	const size_t scheme_length = sizeof(scheme) - 1;
	size_t		open = find_byte(str, start, end, '<');

	if (str[end - 1] == '>' && open < end)
	{
		const char *inner = str + open + 1;
		size_t		length = end - open - 2;

		if (memchr(inner, '@', length) == NULL ||
			memchr(inner, '<', length) != NULL ||
			(find_byte(str, start, open, '@') < open &&
			 !is_name_the_address(str, start, open, inner, length)))
			return false;
		crm_value_blame(value, CRM_INVALID, CRM_REASON_DISPLAY_NAME,
						start, open + 1 - start);
		mend(str, open + 1, end - 1, options, value);
		return true;
	}
	if (end - start > scheme_length)
	{
		char		head[sizeof(scheme)];

		memcpy(head, str + start, scheme_length);
		crm_ascii_lower(head, scheme_length);
		if (memcmp(head, scheme, scheme_length) != 0)
			return false;
		crm_value_blame(value, CRM_INVALID, CRM_REASON_MAILTO,
						start, scheme_length);
		/* in a link, % begins an escape (RFC 6068) */
		start += scheme_length;
		if (find_byte(str, start, end, '%') == end)
			mend(str, start, find_byte(str, start, end, '?'), options, value);
		return true;
	}
	return false;
}

/*
 * An address without @ sign may have been typed in full-width characters.
 * Returns true if it is an address when folded, and suspect then.
 */
static bool
check_full_width(const char *str, size_t start, size_t end,
				 const CrmOptions *options, CrmValue *value)
{
	char		folded[CRM_INPUT_MAX];
	size_t		length = 0;

	for (size_t i = start; i < end;)
	{
		uint32_t	c;
		int			n = crm_utf8_decode(str + i, end - i, &c);

		if (crm_full_width_fold(c) != c)
			length += (size_t) crm_utf8_encode(crm_full_width_fold(c),
											   folded + length);
		else
		{
			memcpy(folded + length, str + i, (size_t) n);
			length += (size_t) n;
		}
		i += (size_t) n;
	}
	if (length == end - start)
		return false;			/* there was nothing to fold */
	crm_value_init(value);
	check_address(folded, 0, length, options, value);
	if (value->verdict == CRM_INVALID)
		return false;
	crm_value_blame(value, CRM_SUSPECT, CRM_REASON_FULL_WIDTH,
					start, end - start);
	return true;
}

/* Judges an e-mail address.  Blanks around it make it suspect. */
void
crm_email_check(const char *str, size_t length,
				const CrmOptions *options, CrmValue *value)
{
	size_t		start;
	size_t		end;
	size_t		at;

	crm_value_init(value);
	if (is_plain_address(str, length, &at))
	{
		if (options->role_accounts && crm_email_is_role_account(str, at))
			suspect(value, CRM_REASON_ROLE_ACCOUNT, 0, at);
		if (!options->want_canonical)
			return;
		set_canonical(value, options, str, at,
					  str + at + 1, length - at - 1);
		crm_ascii_lower(value->canonical + at + 1, length - at - 1);
		return;
	}
	if (length > CRM_INPUT_MAX)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_TOO_LONG, 0, length);
		return;
	}
	crm_trim(str, length, &start, &end);
	if (start == end)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BLANK, 0, length);
		return;
	}
	if (check_wrapped(str, start, end, options, value))
		return;
	check_address(str, start, end, options, value);
	if (value->reason == CRM_REASON_NO_AT_SIGN &&
		!check_full_width(str, start, end, options, value))
		crm_value_blame(value, CRM_INVALID, CRM_REASON_NO_AT_SIGN, 0, length);
	if (start > 0)
		suspect(value, CRM_REASON_SURROUNDING_BLANKS, 0, start);
	else if (end < length)
		suspect(value, CRM_REASON_SURROUNDING_BLANKS, end, length - end);
}
