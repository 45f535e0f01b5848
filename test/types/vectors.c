/*-------------------------------------------------------------------------
 *
 * vectors.c
 *		Compares the identifier parsers with labelled values.
 *
 * Build and run, from the top of the source tree:
 *
 *	cc -std=gnu11 -O2 -Isrc -o vectors test/types/vectors.c \
 *		$(find src/types -name "*.c" ! -name "type_*.c") -lidn2
 *	./vectors [-v] DIRECTORY/cn_id.tsv DIRECTORY/email.tsv ...
 *
 * Each file is tab separated, with a header and cells escaped as COPY's text
 * format does; the kind is taken from the file's name.  The columns used are
 * value, expected (valid, invalid), canonical, note; region, number_region and
 * number_type of phones; birth_date and sex of resident IDs.
 *
 * A row that the label calls valid agrees if the verdict is valid and the
 * canonical form is the label's; one that it calls invalid agrees if the
 * verdict is not valid.  Rows whose note begins with "disputed:" are counted
 * apart.  "lenient:" and "strict:" rows may be refused or accepted, but the
 * canonical form must be right: those are counted as dressed.  With -v the
 * rows that do not agree are printed, to standard output.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cells.h"
#include "types/phone.h"
#include "types/types.h"

#define COLUMNS_MAX		16

/* How many rows agree, of how many. */
typedef struct Tally
{
	int			agree;
	int			all;
} Tally;

/* Where the columns of a file stand; -1 if it has none. */
typedef struct Columns
{
	int			value;
	int			expected;
	int			canonical;
	int			note;
	int			region;
	int			birth_date;
	int			sex;
	int			number_region;
	int			number_type;
} Columns;

static bool is_verbose = false;

/* Returns the column of that name, or -1. */
static int
find_column(char **cells, int ncells, const char *name)
{
	for (int i = 0; i < ncells; i++)
	{
		if (strcmp(cells[i], name) == 0)
			return i;
	}
	return -1;
}

/* Returns the kind whose values a file of this name holds, or NULL. */
static const CrmIdentifier *
kind_of_file(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	if (strncmp(name, "cn_id", 5) == 0)
		return crm_identifier_find("resident_id");
	if (strncmp(name, "bankcard", 8) == 0)
		return crm_identifier_find("bank_card");
	if (strcmp(name, "vat.tsv") == 0)
		return crm_identifier_find("vat_id");
	for (int i = 0; i < crm_identifier_count; i++)
	{
		if (strncmp(name, crm_identifiers[i].name,
					strlen(crm_identifiers[i].name)) == 0)
			return &crm_identifiers[i];
	}
	return NULL;
}

/* Do birth date and sex, where the row gives them, agree? */
static bool
person_agrees(const CrmValue *value, char **cells, const Columns *columns)
{
	char		date[32] = "";

	if (columns->birth_date < 0 || cells[columns->birth_date][0] == '\0')
		return true;
	snprintf(date, sizeof(date), "%04d-%02d-%02d",
			 (int) (value->birth_date / 10000),
			 (int) (value->birth_date / 100 % 100),
			 (int) (value->birth_date % 100));
	return strcmp(date, cells[columns->birth_date]) == 0 &&
		value->sex == cells[columns->sex][0];
}

/* Do region and type of a phone number, where the row gives them, agree? */
static bool
phone_agrees(const CrmValue *value, char **cells, const Columns *columns)
{
	CrmPhone	phone;
	const char *type;
	const char *label;

	if (columns->number_type < 0 || cells[columns->number_type][0] == '\0')
		return true;
	if (!crm_phone_describe(strtoll(value->canonical, NULL, 10), &phone))
		return false;

	/* the label is in upper case */
	type = crm_phone_type_name(phone.type);
	label = cells[columns->number_type];
	while (*type != '\0' && *label == (*type >= 'a' ? *type - 32 : *type))
		type++, label++;
	return *type == '\0' && *label == '\0' &&
		strcmp(phone.region, cells[columns->number_region]) == 0;
}

/* Does the answer agree with a row of no prefix? */
static bool
row_agrees(const CrmValue *value, char **cells, const Columns *columns)
{
	if (strcmp(cells[columns->expected], "invalid") == 0)
		return value->verdict != CRM_VALID;
	if (!person_agrees(value, cells, columns) ||
		!phone_agrees(value, cells, columns))
		return false;

	/* three-valued verdicts on which the labels have no opinion */
	if (value->verdict != CRM_VALID &&
		value->reason != CRM_REASON_LEGACY_15 &&
		value->reason != CRM_REASON_AREA_NOT_IN_FORCE)
		return false;
	return cells[columns->canonical][0] == '\0' ||
		strcmp(value->canonical, cells[columns->canonical]) == 0;
}

/* Does the answer agree with a row whose value is dressed up? */
static bool
dressed_row_agrees(const CrmValue *value, char **cells,
				   const Columns *columns)
{
	return value->verdict == CRM_INVALID ||
		strcmp(cells[columns->expected], "invalid") == 0 ||
		strcmp(value->canonical, cells[columns->canonical]) == 0;
}

/*
 * Checks that the canonical form is its own canonical form, without a region,
 * and is judged no worse than the value; not invalid where it mends the value.
 */
static bool
is_fixed_point(const CrmIdentifier *kind, const CrmOptions *options,
			   const CrmValue *value)
{
	CrmVerdict	worst = value->is_mended ? CRM_SUSPECT : value->verdict;
	CrmOptions	plain = *options;
	CrmValue	again;

	plain.region[0] = '\0';
	if (value->canonical_length == 0)
		return value->verdict == CRM_INVALID;
	kind->check(value->canonical, (size_t) value->canonical_length,
				&plain, &again);
	return again.verdict <= worst && again.is_storable &&
		strcmp(again.canonical, value->canonical) == 0;
}

/* Checks one row and counts it. */
static void
check_row(const CrmIdentifier *kind, char **cells, const Columns *columns,
		  Tally *plain, Tally *dressed, Tally *disputed)
{
	static const char *const verdicts[] = {"valid", "suspect", "invalid"};
	CrmOptions	options = {.want_canonical = true};
	CrmValue	value;
	Tally	   *tally = plain;
	bool		agrees;
	const char *note = cells[columns->note];
	char	   *copy;
	size_t		length = unescape(cells[columns->value]);

	unescape(cells[columns->canonical]);
	if (columns->region >= 0 && strlen(cells[columns->region]) == 2)
		memcpy(options.region, cells[columns->region], 3);

	/* an exact copy, so that the sanitizer sees a read past its end */
	copy = malloc(length + (length == 0));
	if (copy == NULL)
		abort();
	memcpy(copy, cells[columns->value], length);
	kind->check(copy, length, &options, &value);
	agrees = row_agrees(&value, cells, columns);
	if (strncmp(note, "disputed:", 9) == 0)
		tally = disputed;
	else if (strncmp(note, "lenient:", 8) == 0 ||
			 strncmp(note, "strict:", 7) == 0)
	{
		tally = dressed;
		agrees = dressed_row_agrees(&value, cells, columns);
	}
	if (!is_fixed_point(kind, &options, &value))
	{
		printf("not a fixed point: %s\n", cells[columns->value]);
		agrees = false;
	}
	tally->all++;
	tally->agree += agrees;
	if (!agrees && is_verbose)
		printf("%s\t%s\t%s\t%s %s\t%s\t%s\t%s\n",
			   kind->name, cells[columns->value], options.region,
			   verdicts[value.verdict], crm_reason_words[value.reason].code,
			   value.canonical, cells[columns->canonical], note);
	free(copy);
}

/*
 * Measures the parser on all values of the file: the best of some rounds, in
 * nanoseconds a value.
 */
static double
measure(const CrmIdentifier *kind, char **values, char (*regions)[3],
		int nvalues)
{
	CrmOptions	options = {.want_canonical = true};
	CrmValue	value;
	double		best = 0;

	for (int round = 0; round < 100 && nvalues > 0; round++)
	{
		struct timespec start;
		struct timespec end;
		double		time;

		clock_gettime(CLOCK_MONOTONIC, &start);
		for (int i = 0; i < nvalues; i++)
		{
			memcpy(options.region, regions[i], 3);
			kind->check(values[i], strlen(values[i]), &options, &value);
		}
		clock_gettime(CLOCK_MONOTONIC, &end);
		time = (double) (end.tv_sec - start.tv_sec) * 1e9 +
			(double) (end.tv_nsec - start.tv_nsec);
		if (round == 0 || time < best)
			best = time;
	}
	return nvalues > 0 ? best / nvalues : 0;
}

/* Reads a whole file of vectors and prints one line about it. */
static bool
check_file(const char *path)
{
	enum
	{
		ROWS_MAX = 20000
	};
	static char line[16384];
	static char *values[ROWS_MAX];
	static char regions[ROWS_MAX][3];
	int			nvalues = 0;
	char	   *cells[COLUMNS_MAX];
	Columns		columns;
	Tally		plain = {0},
				dressed = {0},
				disputed = {0};
	const CrmIdentifier *kind = kind_of_file(path);
	FILE	   *file = fopen(path, "r");
	int			ncells;

	if (kind == NULL || file == NULL ||
		fgets(line, sizeof(line), file) == NULL)
	{
		fprintf(stderr, "%s: cannot be read, or of no known kind\n", path);
		return false;
	}
	ncells = split(line, cells, COLUMNS_MAX);
	columns.value = find_column(cells, ncells, "value");
	columns.expected = find_column(cells, ncells, "expected");
	columns.canonical = find_column(cells, ncells, "canonical");
	columns.note = find_column(cells, ncells, "note");
	columns.region = find_column(cells, ncells, "region");
	columns.birth_date = find_column(cells, ncells, "birth_date");
	columns.sex = find_column(cells, ncells, "sex");
	columns.number_region = find_column(cells, ncells, "number_region");
	columns.number_type = find_column(cells, ncells, "number_type");
	while (fgets(line, sizeof(line), file) != NULL)
	{
		if (split(line, cells, COLUMNS_MAX) != ncells)
			continue;
		if (nvalues < ROWS_MAX &&
			strcmp(cells[columns.expected], "valid") == 0)
		{
			memset(regions[nvalues], 0, 3);
			if (columns.region >= 0)
				snprintf(regions[nvalues], 3, "%.2s", cells[columns.region]);
			values[nvalues++] = strdup(cells[columns.value]);
		}
		check_row(kind, cells, &columns, &plain, &dressed, &disputed);
	}
	fclose(file);
	printf("%-12s plain %5d of %5d (%6.2f %%)  dressed %4d of %4d  "
		   "disputed %4d of %4d  %4.0f ns\n",
		   kind->name, plain.agree, plain.all,
		   100.0 * plain.agree / (plain.all > 0 ? plain.all : 1),
		   dressed.agree, dressed.all, disputed.agree, disputed.all,
		   measure(kind, values, regions, nvalues));
	for (int i = 0; i < nvalues; i++)
		free(values[i]);
	return true;
}

/* Checks the files named in the arguments. */
int
main(int argc, char **argv)
{
	bool		ok = true;

	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "-v") == 0)
			is_verbose = true;
		else
			ok = check_file(argv[i]) && ok;
	}
	return ok ? 0 : 1;
}
