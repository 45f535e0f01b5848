/*-------------------------------------------------------------------------
 *
 * area_name.c
 *		Names of administrative divisions, by code and year.
 *
 * The table has the name of each province, prefecture and county alone.  A
 * full name is put together from the rows of "pp0000", "pppp00" and "pppppp"
 * that were in force in the year: the list of codes gives every change of a
 * name above as a change of its own.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/area.h"
#include "types/area_name_table.h"

#define PREFIX_FIRST		1100
#define YEAR_BASE			1900

/* The year in which "as it is" is looked up. */
#define YEAR_LATEST			9999

/* Number of the name 市辖区 in the table. */
#define NAME_URBAN_DISTRICTS	0

#define NAME_NONE			(-1)

#define PREFIXES \
	((int) (sizeof(area_row_start) / sizeof(area_row_start[0])) - 1)

/*
 * X(first two digits, name).  They have no counties, so that they are not in
 * the table; 71 stands in old numbers of people from Taiwan, the others on
 * permits.  In a macro because the indenter spoils some Chinese characters.
 */
#define SPECIAL_REGIONS(X) \
	X(71, "台湾省") \
	X(81, "香港特别行政区") \
	X(82, "澳门特别行政区") \
	X(83, "台湾省")

/* The name under construction. */
typedef struct NameBuffer
{
	char	   *out;
	size_t		size;
	size_t		length;
	bool		is_full;
} NameBuffer;

/* Appends bytes and terminates; sets is_full if there is no room. */
static void
append(NameBuffer *buffer, const char *bytes, size_t length)
{
	if (buffer->is_full || buffer->length + length >= buffer->size)
	{
		buffer->is_full = true;
		return;
	}
	memcpy(buffer->out + buffer->length, bytes, length);
	buffer->length += length;
	buffer->out[buffer->length] = '\0';
}

/* Appends the name of this number. */
static void
append_name(NameBuffer *buffer, int name)
{
	append(buffer, area_names + area_name_at[name],
		   (size_t) (area_name_at[name + 1] - area_name_at[name]));
}

/*
 * Returns the number of the name that exactly this code had in the year, or
 * NAME_NONE if there is no such code.  The rows of a code are in order and
 * do not overlap.
 */
static int
find_name(int area, int year)
{
	int			prefix = area / 100 - PREFIX_FIRST;
	int			found = NAME_NONE;

	if (prefix < 0 || prefix >= PREFIXES)
		return NAME_NONE;
	for (int i = area_row_start[prefix]; i < area_row_start[prefix + 1]; i++)
	{
		const AreaRow *row = &area_rows[i];

		if (row->county != area % 100)
			continue;
		if (found != NAME_NONE && row->first_year + YEAR_BASE > year)
		{
			const AreaRow *before = row - 1;

			/* between two uses the next one counts, in an unbroken row not */
			if (before->last_year == 0 ||
				before->last_year + YEAR_BASE >= year)
				break;
			return row->name;
		}
		found = row->name;
	}
	return found;
}

/* Appends the name of a region that the table does not have. */
static void
append_special(NameBuffer *buffer, int province)
{
#define SPECIAL_CASE(code, name) \
	if (province == (code)) \
		append(buffer, name, sizeof(name) - 1);
	SPECIAL_REGIONS(SPECIAL_CASE)
#undef SPECIAL_CASE
}

/* Appends what stands below the province; false if there is no such code. */
static bool
append_below_province(NameBuffer *buffer, int area, int year)
{
	int			county = find_name(area, year);
	int			prefecture = NAME_NONE;

	if (area / 100 % 100 != 0 && area % 100 != 0)
		prefecture = find_name(area / 100 * 100, year);
	/* aggregates of a municipality or province govern nothing */
	if (prefecture < AREA_AGGREGATES)
		prefecture = NAME_NONE;
	if (county == NAME_NONE && prefecture != NAME_NONE && area % 100 == 1)
		county = NAME_URBAN_DISTRICTS;
	if (county == NAME_NONE)
		return false;
	if (prefecture != NAME_NONE)
		append_name(buffer, prefecture);
	append_name(buffer, county);
	return true;
}

/* Contract in area.h. */
int
crm_area_name(int area, int year, char *out, size_t size)
{
	NameBuffer	buffer = {out, size, 0, false};
	int			province;

	if (size == 0)
		return 0;
	out[0] = '\0';
	if (year == 0)
		year = YEAR_LATEST;
	if (area >= 900000 && area <= 999999)
		area = area / 1000 % 100 * 10000;
	province = find_name(area / 10000 * 10000, year);
	if (province != NAME_NONE)
		append_name(&buffer, province);
	else if (area % 10000 == 0)
		append_special(&buffer, area / 10000);
	if (province != NAME_NONE && area % 10000 != 0 &&
		!append_below_province(&buffer, area, year))
		buffer.is_full = true;
	if (buffer.is_full)
	{
		out[0] = '\0';
		return 0;
	}
	return (int) buffer.length;
}
