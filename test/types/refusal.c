/*-------------------------------------------------------------------------
 *
 * refusal.c
 *		A megabyte is refused in microseconds, whatever it is made of.
 *
 * Built as vectors.c is.  Prints what takes longer, and fails then.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "types/types.h"

#define MEGABYTE		(1024 * 1024)

/* No parser reads beyond a kilobyte of it, hence far below this. */
#define MICROSECONDS_MAX	5.0

/* The best of many calls: other work on the machine only ever adds. */
#define CALLS			200

static double
microseconds(const CrmIdentifier *kind, const char *str,
			 const CrmOptions *options, CrmValue *value)
{
	double		best = 0;

	for (int i = 0; i < CALLS; i++)
	{
		struct timespec start;
		struct timespec end;
		double		time;

		clock_gettime(CLOCK_MONOTONIC, &start);
		kind->check(str, MEGABYTE, options, value);
		clock_gettime(CLOCK_MONOTONIC, &end);
		time = (double) (end.tv_sec - start.tv_sec) * 1e6 +
			(double) (end.tv_nsec - start.tv_nsec) / 1e3;
		if (i == 0 || time < best)
			best = time;
	}
	return best;
}

int
main(void)
{
	/* what a parser passes over, collects, or looks for the end of */
	static const char *const fillings[] = {
		"1", " ", "-", "a", "@", "a@b.", "a.", "\"", "+", "GB82",
		"\xE3\x80\x80", "\xEF\xBC\x91", "\xEF\xBC\xA0", "\xC3\xA9", "e\xCC\x81",
		"\xFF"
	};
	const CrmOptions options = {.region = "CN",.want_canonical = true,.multiple = true};
	char	   *str = malloc(MEGABYTE);
	bool		ok = true;

	if (str == NULL)
		return 1;
	for (size_t f = 0; f < sizeof(fillings) / sizeof(fillings[0]); f++)
	{
		size_t		n = strlen(fillings[f]);

		for (size_t at = 0; at < MEGABYTE; at += n)
			memcpy(str + at, fillings[f], n < MEGABYTE - at ? n : MEGABYTE - at);
		for (int k = 0; k < crm_identifier_count; k++)
		{
			CrmValue	value;
			double		time = microseconds(&crm_identifiers[k], str,
											&options, &value);

			if (value.verdict == CRM_INVALID && time <= MICROSECONDS_MAX)
				continue;
			printf("%s: a megabyte of \"%s\": verdict %d, %.1f microseconds\n",
				   crm_identifiers[k].name, fillings[f], (int) value.verdict, time);
			ok = false;
		}
	}
	free(str);
	return ok ? 0 : 1;
}
