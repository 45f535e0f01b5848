/*-------------------------------------------------------------------------
 *
 * properties.c
 *		What check characters promise, tried on thousands of made-up values:
 *		no single wrong character and no two neighbours that changed places
 *		pass where the standard's formula catches them.
 *
 * Build and run, from the top of the source tree:
 *
 *	cc -std=gnu11 -O2 -Isrc -o properties test/types/properties.c \
 *		$(find src/types -name "[a-z]*.c") -lidn2
 *	./properties [VALUES]
 *
 * The check characters of the made-up values are computed here, digit by digit
 * as the standards describe it and not as the parsers do.  Of every value all
 * single errors and all transpositions are tried.  The formula here decides
 * whether the changed value still checks; if it does not, the verdict must not
 * be valid.  Where the standard promises that the formula catches all errors of
 * a sort, none may slip through.  The canonical form of every value, changed or
 * not, that has one must be its own canonical form.
 *
 * Prints a line for each kind; the status is 1 if one has failed.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/types.h"

#define VALUE_MAX		40
#define DIGITS			"0123456789"
#define LETTERS			"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* GB 32100 leaves out I, O, S, V and Z. */
#define CREDIT_ALPHABET	DIGITS "ABCDEFGHJKLMNPQRTUWXY"

typedef struct Kind
{
	const char *name;			/* of the identifier */
	const char *alphabet;		/* what a wrong character can be */
	void		(*make) (char *value);
	bool		(*checks) (const char *value);

	/* does the standard promise to catch one in place of the other? */
	bool		(*promises_single) (char one, char other);
	/* ... and two neighbours that changed places? */
	bool		(*promises_swap) (char one, char other);
} Kind;

/* What was seen of a kind. */
typedef struct Tally
{
	long		values;
	long		singles;
	long		swaps;
	long		missed;			/* valid though the formula says no */
	long		slipped;		/* the formula breaks its promise */
	long		unstable;		/* canonical form is no fixed point */
	long		refused;		/* made-up values that are not valid */
} Tally;

static uint64_t random_state = 20261127;

/* Returns a number below "bound": the same ones in every run. */
static unsigned
random_below(unsigned bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (unsigned) (random_state >> 33) % bound;
}

/* Writes "count" characters of the alphabet, and terminates. */
static void
random_text(char *out, const char *alphabet, int count)
{
	for (int i = 0; i < count; i++)
		out[i] = alphabet[random_below((unsigned) strlen(alphabet))];
	out[count] = '\0';
}

/* Sets the last character to the one of the alphabet that checks. */
static void
complete(char *value, const char *alphabet, bool (*checks) (const char *))
{
	size_t		last = strlen(value) - 1;

	for (const char *c = alphabet; *c != '\0'; c++)
	{
		value[last] = *c;
		if (checks(value))
			return;
	}
	value[0] = '\0';			/* there is none */
}

static int
position(const char *alphabet, char c)
{
	const char *found = strchr(alphabet, c);

	return found ? (int) (found - alphabet) : -1;
}

/* Luhn: from the right, every second digit doubled, its digits summed. */
static bool
card_checks(const char *value)
{
	int			sum = 0;
	bool		is_doubled = false;

	for (size_t i = strlen(value); i-- > 0;)
	{
		int			digit = value[i] - '0';

		if (is_doubled)
			digit = digit * 2 / 10 + digit * 2 % 10;
		sum += digit;
		is_doubled = !is_doubled;
	}
	return sum % 10 == 0;
}

/* Under the prefixes of some debit cards a wrong digit is suspect. */
static void
card_make(char *value)
{
	random_text(value, DIGITS, 12 + (int) random_below(8));
	value[0] = (char) ('1' + random_below(9));
	complete(value, DIGITS, card_checks);
}

/* ISO 7064 MOD 11-2: weights are powers of 2 from the right. */
static bool
resident_id_checks(const char *value)
{
	int			weight = 1;
	int			sum = 0;

	for (int i = 17; i >= 0; i--)
	{
		int			digit = value[i] == 'X' ? 10 : value[i] - '0';

		if (digit == 10 && i < 17)
			return false;
		sum += digit * weight;
		weight = weight * 2 % 11;
	}
	return sum % 11 == 1;
}

static void
resident_id_make(char *value)
{
	static const char *const areas[] = {
		"110105", "310104", "440305", "510104", "650102", "810000"
	};

	snprintf(value, VALUE_MAX, "%s%04u%02u%02u%03uX",
			 areas[random_below(6)], 1985 + random_below(35),
			 1 + random_below(12), 1 + random_below(28), random_below(1000));
	complete(value, DIGITS "X", resident_id_checks);
}

/* GB 32100: weights are powers of 3 modulo 31. */
static bool
uscc_checks(const char *value)
{
	int			weight = 1;
	int			sum = 0;

	for (int i = 0; i < 18; i++)
	{
		int			character = position(CREDIT_ALPHABET, value[i]);

		if (character < 0)
			return false;
		if (i == 17)
			weight = 1;
		sum += character * weight;
		weight = weight * 3 % 31;
	}
	return sum % 31 == 0;
}

static void
uscc_make(char *value)
{
	static const int weights[8] = {3, 7, 9, 10, 5, 8, 4, 2};
	char		organisation[10];
	int			sum = 0;

	random_text(organisation, CREDIT_ALPHABET, 8);
	for (int i = 0; i < 8; i++)
		sum += weights[i] * position(DIGITS LETTERS, organisation[i]);
	sum = 11 - sum % 11;
	snprintf(value, VALUE_MAX, "91510104%s%c0", organisation,
			 sum == 10 ? 'X' : (char) ('0' + sum % 11));
	complete(value, CREDIT_ALPHABET, uscc_checks);
}

/* ISO 7064 MOD 97-10 of a text whose letters are two digits each. */
static int
modulo_97(const char *text)
{
	int			remainder = 0;

	for (; *text != '\0'; text++)
	{
		int			number = position(DIGITS LETTERS, *text);

		remainder = (number < 10 ? remainder * 10 : remainder * 100) + number;
		remainder %= 97;
	}
	return remainder;
}

static bool
lei_checks(const char *value)
{
	return modulo_97(value) == 1;
}

static void
lei_make(char *value)
{
	char		body[19];
	char		zeros[VALUE_MAX];

	random_text(body, DIGITS LETTERS, 18);
	snprintf(zeros, sizeof(zeros), "%s00", body);
	snprintf(value, VALUE_MAX, "%s%02d", body, 98 - modulo_97(zeros));
}

/* The first four characters are read after the others. */
static bool
iban_checks(const char *value)
{
	char		turned[VALUE_MAX];

	snprintf(turned, sizeof(turned), "%s%.4s", value + 4, value);
	return modulo_97(turned) == 1;
}

/* German and British accounts: no national check digits. */
static void
iban_make(char *value)
{
	char		turned[VALUE_MAX];
	char		account[19];
	char		bank[5] = "";
	const char *country = "DE";

	if (random_below(2) == 0)
	{
		country = "GB";
		random_text(bank, LETTERS, 4);
		random_text(account, DIGITS, 14);
	}
	else
		random_text(account, DIGITS, 18);
	snprintf(turned, sizeof(turned), "%s%s%s00", bank, account, country);
	snprintf(value, VALUE_MAX, "%s%02d%s%s", country, 98 - modulo_97(turned),
			 bank, account);
}

static bool
always(char one, char other)
{
	(void) one;
	(void) other;
	return true;
}

/* Luhn's formula sums 09 and 90 alike. */
static bool
unless_0_and_9(char one, char other)
{
	return one + other != '0' + '9' || (one != '0' && other != '0');
}

/*
 * A letter is two digits to MOD 97-10, so that it can stand for a digit, and
 * B1 for 1B, without being noticed.
 */
static bool
if_alike(char one, char other)
{
	return (one >= 'A') == (other >= 'A');
}

static const Kind kinds[] = {
	{"bank_card", DIGITS, card_make, card_checks, always, unless_0_and_9},
	{"resident_id", DIGITS "X", resident_id_make, resident_id_checks,
	always, always},
	{"uscc", CREDIT_ALPHABET, uscc_make, uscc_checks, always, always},
	{"iban", DIGITS LETTERS, iban_make, iban_checks, if_alike, if_alike},
	{"lei", DIGITS LETTERS, lei_make, lei_checks, if_alike, if_alike}
};

/* Is the canonical form its own?  True if there is none. */
static bool
is_stable(const CrmIdentifier *identifier, const CrmOptions *options,
		  const CrmValue *value)
{
	CrmValue	again;

	if (value->canonical_length == 0)
		return value->verdict == CRM_INVALID;
	identifier->check(value->canonical, (size_t) value->canonical_length,
					  options, &again);
	return again.verdict == value->verdict &&
		strcmp(again.canonical, value->canonical) == 0;
}

/* Judges a value that an error was made in. */
static void
try_changed(const Kind *kind, const CrmIdentifier *identifier,
			const char *changed, bool is_promised, Tally *tally)
{
	CrmOptions	options = {.want_canonical = true,.today = 20261127};
	CrmValue	value;
	bool		checks = kind->checks(changed);

	identifier->check(changed, strlen(changed), &options, &value);
	if (!is_stable(identifier, &options, &value))
		tally->unstable++;
	if (checks && is_promised)
		tally->slipped++;
	if (!checks && value.verdict == CRM_VALID)
	{
		if (tally->missed++ == 0)
			printf("%s: %s is valid\n", kind->name, changed);
	}
}

/* Tries all errors of one value. */
static void
try_value(const Kind *kind, const CrmIdentifier *identifier,
		  const char *made, Tally *tally)
{
	size_t		length = strlen(made);
	char		changed[VALUE_MAX];

	strcpy(changed, made);
	for (size_t i = 0; i < length; i++)
	{
		for (const char *c = kind->alphabet; *c != '\0'; c++)
		{
			if (*c == made[i])
				continue;
			changed[i] = *c;
			try_changed(kind, identifier, changed,
						kind->promises_single(made[i], *c), tally);
			tally->singles++;
		}
		changed[i] = made[i];
		if (i + 1 == length || made[i] == made[i + 1])
			continue;
		changed[i] = made[i + 1];
		changed[i + 1] = made[i];
		try_changed(kind, identifier, changed,
					kind->promises_swap(made[i], made[i + 1]), tally);
		tally->swaps++;
		changed[i] = made[i];
		changed[i + 1] = made[i + 1];
	}
}

/* Tries "count" values of a kind; returns whether all is well. */
static bool
try_kind(const Kind *kind, long count)
{
	const CrmIdentifier *identifier = crm_identifier_find(kind->name);
	CrmOptions	options = {.want_canonical = true,.today = 20261127};
	CrmValue	value;
	Tally		tally = {0};
	char		made[VALUE_MAX];
	bool		ok;

	while (tally.values < count)
	{
		kind->make(made);
		if (made[0] == '\0')
			continue;
		tally.values++;
		identifier->check(made, strlen(made), &options, &value);
		if (value.verdict != CRM_VALID || strcmp(value.canonical, made) != 0)
		{
			if (tally.refused++ == 0)
				printf("%s: %s is not valid\n", kind->name, made);
		}
		try_value(kind, identifier, made, &tally);
	}
	ok = tally.missed + tally.slipped + tally.unstable + tally.refused == 0;
	printf("%-12s %s: %ld values, %ld single errors, %ld transpositions; "
		   "%ld missed, %ld slipped through the formula, "
		   "%ld unstable, %ld refused\n",
		   kind->name, ok ? "ok" : "FAILED", tally.values, tally.singles,
		   tally.swaps, tally.missed, tally.slipped, tally.unstable,
		   tally.refused);
	return ok;
}

int
main(int argc, char **argv)
{
	long		count = argc > 1 ? atol(argv[1]) : 2000;
	bool		ok = true;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		ok = try_kind(&kinds[i], count) && ok;
	return ok ? 0 : 1;
}
