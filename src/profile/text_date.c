/*-------------------------------------------------------------------------
 *
 * text_date.c
 *		Whether a text is a date, and in which form it is written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "profile/profile.h"

/* Reads up to "most" digits; returns how many. */
static int
number_read(const char **at, const char *end, int most, int *number)
{
	int			digits = 0;

	*number = 0;
	while (*at < end && digits < most && isdigit((unsigned char) **at))
	{
		*number = *number * 10 + (*(*at)++ - '0');
		digits++;
	}
	return digits;
}

static bool
is_month(int number)
{
	return number >= 1 && number <= 12;
}

static bool
is_day(int number)
{
	return number >= 1 && number <= 31;
}

static bool
is_year(int number)
{
	return number >= 1800 && number <= 2199;
}

/* A time of day may follow. */
static bool
rest_is_time(const char *at, const char *end)
{
	if (at == end)
		return true;
	if (*at != ' ' && *at != 'T')
		return false;
	for (at++; at < end; at++)
	{
		if (!isdigit((unsigned char) *at) && strchr(":. +-Z", *at) == NULL)
			return false;
	}
	return true;
}

static bool
literal_read(const char **at, const char *end, const char *literal)
{
	int			length = strlen(literal);

	if (end - *at < length || memcmp(*at, literal, length) != 0)
		return false;
	*at += length;
	return true;
}

/* The name of a month, or its first three letters. */
static bool
month_read(const char **at, const char *end)
{
	static const char *const months[] = {
		"january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december"
	};

	for (int i = 0; i < lengthof(months); i++)
	{
		int			length = 0;

		while (*at + length < end && months[i][length] != '\0' &&
			   tolower((unsigned char) (*at)[length]) == months[i][length])
			length++;
		if (length >= 3 && (months[i][length] == '\0' || length == 3 ||
							(length == 4 && i == 8)) &&
			(*at + length == end || !isalpha((unsigned char) (*at)[length])))
		{
			*at += length;
			return true;
		}
	}
	return false;
}

/* What stands between the parts of a date with a month's name. */
static void
separators_skip(const char **at, const char *end)
{
	while (*at < end && (**at == ' ' || **at == '-' || **at == '.' ||
						 **at == ',' || **at == '/'))
		(*at)++;
}

/* 31-May-24, 31 May 2024, May 31, 2024 */
static bool
is_date_with_month(const char *at, const char *end)
{
	int			day;
	int			year;
	int			digits;
	bool		month_first = isalpha((unsigned char) *at);

	if (month_first && !month_read(&at, end))
		return false;
	separators_skip(&at, end);
	if (number_read(&at, end, 2, &day) == 0 || !is_day(day))
		return false;
	separators_skip(&at, end);
	if (!month_first && !month_read(&at, end))
		return false;
	separators_skip(&at, end);
	digits = number_read(&at, end, 4, &year);
	return (digits == 2 || (digits == 4 && is_year(year))) &&
		rest_is_time(at, end);
}

/* With the Chinese words for year, month and day. */
static bool
is_chinese_date(const char *at, const char *end)
{
	int			number;

	return number_read(&at, end, 4, &number) == 4 && is_year(number) &&
		literal_read(&at, end, "\xE5\xB9\xB4") &&
		number_read(&at, end, 2, &number) > 0 && is_month(number) &&
		literal_read(&at, end, "\xE6\x9C\x88") &&
		number_read(&at, end, 2, &number) > 0 && is_day(number) &&
		literal_read(&at, end, "\xE6\x97\xA5") && at == end;
}

/* Two numbers, then a separator, then a third: 31.5.2024, 5/31/24 */
static bool
is_numeric_date(const char *at, const char *end)
{
	int			first;
	int			second;
	int			year;
	int			digits;
	char		separator;

	if (number_read(&at, end, 2, &first) == 0 || at == end)
		return false;
	separator = *at++;
	if (separator != '/' && separator != '.' && separator != '-')
		return false;
	if (number_read(&at, end, 2, &second) == 0 || at == end || *at++ != separator)
		return false;
	digits = number_read(&at, end, 4, &year);
	return (digits == 2 || (digits == 4 && is_year(year))) &&
		is_day(first) && is_day(second) &&
		(is_month(first) || is_month(second)) && rest_is_time(at, end);
}

static DateForm
date_from_year(const char *at, const char *end)
{
	const char *start = at;
	int			year;
	int			month;
	int			day;
	char		separator;

	if (number_read(&at, end, 4, &year) != 4 || !is_year(year) || at == end)
		return DATE_FORM_NONE;
	separator = *at;
	if (separator == '-' || separator == '/' || separator == '.')
	{
		at++;
		if (number_read(&at, end, 2, &month) > 0 && is_month(month) &&
			at < end && *at++ == separator &&
			number_read(&at, end, 2, &day) > 0 && is_day(day) &&
			rest_is_time(at, end))
			return DATE_FORM_ISO;
		return DATE_FORM_NONE;
	}
	if (number_read(&at, end, 2, &month) == 2 && is_month(month) &&
		number_read(&at, end, 2, &day) == 2 && is_day(day) &&
		rest_is_time(at, end))
		return DATE_FORM_COMPACT;
	return is_chinese_date(start, end) ? DATE_FORM_CHINESE : DATE_FORM_NONE;
}

/* The form of a date, or none; a plausible day is asked for, not a true one. */
DateForm
crm_date_form(const char *data, int length)
{
	const char *end = data + length;
	DateForm	form;

	if (length < 6 || length > 40)
		return DATE_FORM_NONE;
	if (isdigit((unsigned char) data[0]))
	{
		form = date_from_year(data, end);
		if (form != DATE_FORM_NONE)
			return form;
		if (is_numeric_date(data, end))
			return DATE_FORM_NUMERIC;
	}
	return is_date_with_month(data, end) ? DATE_FORM_MONTH : DATE_FORM_NONE;
}
