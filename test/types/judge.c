/*-------------------------------------------------------------------------
 *
 * judge.c
 *		Prints what the identifier parsers say of values, for scripts.
 *
 *	./judge [-l] [-t YYYYMMDD] <VALUES >ANSWERS
 *
 * Built as vectors.c is.  A line of standard input holds kind, region and
 * value, parted by tabs; the value is escaped as COPY's text format does.  The
 * answer is a line with verdict, reason and canonical form.  -t sets the day
 * of today, -l lists the kinds.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "types/types.h"

/* Prints a value, escaped again. */
static void
print_cell(const char *str, int length)
{
	for (int i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) str[i];

		if (c == '\\')
			fputs("\\\\", stdout);
		else if (c < ' ' || c == 0x7F)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

static void
judge_line(char *line, int32_t today)
{
	static const char *const verdicts[] = {"valid", "suspect", "invalid"};
	CrmOptions	options = {.want_canonical = true,.today = today};
	CrmValue	value;
	const CrmIdentifier *kind;
	char	   *cells[3];

	if (split(line, cells, 3) != 3 ||
		(kind = crm_identifier_find(cells[0])) == NULL)
	{
		puts("unknown\t\t");
		return;
	}
	if (strlen(cells[1]) == 2)
		memcpy(options.region, cells[1], 3);
	kind->check(cells[2], unescape(cells[2]), &options, &value);
	printf("%s\t%s\t", verdicts[value.verdict],
		   crm_reason_words[value.reason].code);
	print_cell(value.canonical, value.canonical_length);
	putchar('\n');
}

int
main(int argc, char **argv)
{
	char	   *line = NULL;
	size_t		size = 0;
	int32_t		today = 0;

	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
			today = (int32_t) strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "-l") == 0)
		{
			for (int k = 0; k < crm_identifier_count; k++)
				puts(crm_identifiers[k].name);
			return 0;
		}
	}
	while (getline(&line, &size, stdin) > 0)
		judge_line(line, today);
	free(line);
	return 0;
}
