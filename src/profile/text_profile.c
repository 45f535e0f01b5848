/*-------------------------------------------------------------------------
 *
 * text_profile.c
 *		What the sampled values of a text column look like: shapes, lengths,
 *		dates, and which kind of identifier they are.
 *
 * A profile lives in the context in which it was created.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"

#include "profile/profile.h"

/* A kind is given up after so many values of which hardly one passes. */
#define HOPELESS_AFTER	500
#define HOPELESS_SHARE	0.03
#define PRUNE_AFTER		2000

/* Random numbers held against a region for each of the first values. */
#define CHANCE_VARIANTS	4

/* No identifier is longer, in bytes. */
#define IDENTIFIER_MAX	340

/*
 * Regions that numbers without a calling code are tried with, after none at
 * all.  With more of them some digits would fit some plan.
 */
static const char *const phone_regions[] = {
	"", "CN", "US", "GB", "DE", "FR", "IT", "ES", "CH", "JP", "IN", "AU"
};

static void
probe_add(TextProfile *profile, const CrmIdentifier *kind, const char *region)
{
	KindProbe  *probe = &profile->probes[profile->nprobes++];

	probe->kind = kind;
	strcpy(probe->options.region, region);
	probe->options.today = crm_today_yyyymmdd();
}

TextProfile *
crm_text_profile_create(void)
{
	TextProfile *profile = palloc0(sizeof(TextProfile));

	profile->shapes = crm_shapes_create();
	profile->probes = palloc0((crm_identifier_count + lengthof(phone_regions)) *
							  sizeof(KindProbe));
	for (int i = 0; i < crm_identifier_count; i++)
	{
		const CrmIdentifier *kind = &crm_identifiers[i];

		if (kind->check != crm_phone_check)
			probe_add(profile, kind, "");
		else
		{
			for (int j = 0; j < lengthof(phone_regions); j++)
				probe_add(profile, kind, phone_regions[j]);
		}
	}
	return profile;
}

/* Replaces each digit by another that the value, its place and n decide. */
static void
digits_replace(const char *data, int length, int n, char *other)
{
	uint64		state = DatumGetUInt64(hash_any_extended((const unsigned char *) data,
														 length, n));

	for (int i = 0; i < length; i++)
	{
		state = state * UINT64CONST(6364136223846793005) + 1;
		other[i] = data[i] >= '0' && data[i] <= '9' ?
			'0' + (state >> 33) % 10 : data[i];
	}
}

/* Three digits, three and four, with something between: North America. */
static bool
is_grouped_3_3_4(const char *data, int length)
{
	int			groups[4] = {0};
	int			count = 0;

	for (int i = 0; i < length; i++)
	{
		if (data[i] >= '0' && data[i] <= '9')
			groups[count]++;
		else if (groups[count] > 0 && ++count == lengthof(groups))
			return false;
	}
	return groups[0] == 3 && groups[1] == 3 && groups[2] == 4 &&
		groups[3] == 0;
}

/*
 * That a number is valid in a region says little where any digits would be:
 * numbers with other digits tell how many.
 */
static void
probe_try_chance(KindProbe *probe, const char *data, int length, int variants)
{
	char		other[IDENTIFIER_MAX];
	CrmValue	value;

	for (int i = 0; i < variants; i++)
	{
		digits_replace(data, length, i, other);
		probe->kind->check(other, length, &probe->options, &value);
		probe->chance_tried++;
		probe->chance_valid += value.verdict == CRM_VALID;
	}
	if (strcmp(probe->options.region, "US") == 0)
		probe->grouped += is_grouped_3_3_4(data, length);
}

/* Holds a value against a kind. */
static void
probe_try(KindProbe *probe, const char *data, int length, bool is_early)
{
	CrmValue	value;

	probe->tried++;
	if (length > IDENTIFIER_MAX)
		return;
	if (probe->kind->check == crm_phone_check && (is_early || probe->tried % 16 == 0))
		probe_try_chance(probe, data, length, is_early ? CHANCE_VARIANTS : 1);
	probe->kind->check(data, length, &probe->options, &value);
	probe->valid += value.verdict == CRM_VALID;
	probe->suspect += value.verdict == CRM_SUSPECT;
	if (probe->tried == HOPELESS_AFTER &&
		probe->valid + probe->suspect < HOPELESS_SHARE * HOPELESS_AFTER)
		probe->given_up = true;
}

/*
 * Of a phone's regions only those are worth trying further that are near the
 * best.
 */
static void
probes_prune(TextProfile *profile)
{
	int64		best = 0;

	for (int i = 0; i < profile->nprobes; i++)
	{
		if (profile->probes[i].kind->check == crm_phone_check)
			best = Max(best, profile->probes[i].valid);
	}
	for (int i = 0; i < profile->nprobes; i++)
	{
		KindProbe  *probe = &profile->probes[i];

		if (probe->kind->check == crm_phone_check && probe->valid < best * 0.8)
			probe->given_up = true;
	}
}

/* Counts what kinds of characters a value is made of. */
static void
characters_count(TextProfile *profile, const char *data, int length)
{
	bool		is_code = true;
	bool		is_han = length >= 3;
	bool		has_digit = false;
	bool		has_separator = false;
	bool		has_blank = false;

	for (int i = 0; i < length; i++)
	{
		unsigned char c = data[i];

		if (c >= 0x80)
		{
			is_code = false;
			/* first bytes of U+4000 to U+9FFF; what follows them */
			is_han &= (c >= 0xE4 && c <= 0xE9) || (c & 0xC0) == 0x80;
			continue;
		}
		is_han = false;
		if (c >= '0' && c <= '9')
			has_digit = true;
		else if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				 c == '_' || c == '.' || c == '/')
			continue;
		else if (c == '-' || c == '+' || c == '(' || c == ')')
		{
			has_separator = true;
			is_code &= c == '-';
		}
		else
		{
			is_code = false;
			/* neither the first nor the last character */
			if (c == ' ' && i > 0 && i < length - 1)
				has_blank = true;
		}
	}
	profile->codes += is_code;
	profile->han += is_han;
	profile->with_digits += has_digit;
	profile->with_separators += has_digit && (has_separator || has_blank);
	profile->spaced += has_blank;
}

/* Adds a value, in UTF-8, that is not blank and has so many characters. */
void
crm_text_profile_add(TextProfile *profile, const char *data, int length,
					 int chars)
{
	bool		is_early = profile->values < HOPELESS_AFTER;

	profile->values++;
	profile->lengths[Min(chars, LENGTHS_MAX)]++;
	characters_count(profile, data, length);
	crm_shape_add(profile->shapes, data, length);
	profile->forms[crm_date_form(data, length)]++;
	for (int i = 0; i < profile->nprobes; i++)
	{
		if (!profile->probes[i].given_up)
			probe_try(&profile->probes[i], data, length, is_early);
	}
	if (profile->values == PRUNE_AFTER)
		probes_prune(profile);
}
