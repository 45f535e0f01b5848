/*-------------------------------------------------------------------------
 *
 * deadline.c
 *		By when something must have happened, and at which hours it may.
 *
 * Minutes and hours end to the second; days and longer end with the day, at
 * 24:00 in the time zone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "crmaudit.h"

PG_FUNCTION_INFO_V1(crmaudit_deadline);
PG_FUNCTION_INFO_V1(crmaudit_known_deadline);
PG_FUNCTION_INFO_V1(crmaudit_within_hours);

typedef enum LengthUnit
{
	UNIT_MINUTE,
	UNIT_HOUR,
	UNIT_DAY,
	UNIT_WORKING_DAY,
	UNIT_WEEK,
	UNIT_MONTH,
	UNIT_YEAR
} LengthUnit;

static const char *const unit_names[] = {
	"minute", "hour", "day", "working day", "week", "month", "year"
};

/* Reads "N unit" or "N units"; at most six digits. */
static void
read_length(const char *text, int *count, LengthUnit *unit)
{
	const char *at = text;
	int			digits = 0;

	*count = 0;
	for (; *at >= '0' && *at <= '9' && digits < 6; at++, digits++)
		*count = *count * 10 + (*at - '0');
	if (digits > 0 && *at == ' ')
	{
		at++;
		for (int i = 0; i < lengthof(unit_names); i++)
		{
			Size		length = strlen(unit_names[i]);

			if (strncmp(at, unit_names[i], length) == 0 &&
				(at[length] == '\0' || strcmp(at + length, "s") == 0))
			{
				*unit = (LengthUnit) i;
				return;
			}
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a length of time", text),
			 errhint("It reads like \"24 hours\", \"5 working days\" or \"1 month\": a number and minutes, hours, days, working days, weeks, months or years.")));
}

/* The day so many months later; the last of the month where there is none. */
static DateADT
add_months(DateADT day, int months)
{
	int			year;
	int			month;
	int			mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	month += months - 1;
	year += month / 12;
	month = month % 12 + 1;
	mday = Min(mday, day_tab[isleap(year)][month - 1]);
	if (!IS_VALID_JULIAN(year, month, mday))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("date out of range")));
	return date2j(year, month, mday) - POSTGRES_EPOCH_JDATE;
}

/* The time zone that an argument names, the calendar's if it is NULL. */
static pg_tz *
zone_arg(FunctionCallInfo fcinfo, int arg, WorkingCalendar *calendar)
{
	char		name[TZ_STRLEN_MAX + 1];
	pg_tz	   *zone;

	if (PG_ARGISNULL(arg))
		return crm_calendar_zone(calendar);
	text_to_cstring_buffer(PG_GETARG_TEXT_PP(arg), name, sizeof(name));
	zone = pg_tzset(name);
	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name)));
	return zone;
}

static WorkingCalendar *
named_calendar(FunctionCallInfo fcinfo, int arg)
{
	return crm_calendar_get(PG_ARGISNULL(arg) ? NULL :
							text_to_cstring(PG_GETARG_TEXT_PP(arg)), false);
}

/* What deadline() and known_deadline() share; the latter is NULL for a year unknown. */
static Datum
deadline(FunctionCallInfo fcinfo, bool unknown_ok)
{
	TimestampTz since;
	int			count;
	int			year;
	LengthUnit	unit;
	WorkingCalendar *calendar;
	pg_tz	   *zone;
	DateADT		day;
	DateADT		last;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	since = PG_GETARG_TIMESTAMPTZ(0);
	read_length(text_to_cstring(PG_GETARG_TEXT_PP(1)), &count, &unit);
	if (TIMESTAMP_NOT_FINITE(since))
		PG_RETURN_TIMESTAMPTZ(since);
	if (unit == UNIT_MINUTE || unit == UNIT_HOUR)
	{
		if (pg_add_s64_overflow(since, count * (unit == UNIT_HOUR ? USECS_PER_HOUR : USECS_PER_MINUTE), &since) ||
			!IS_VALID_TIMESTAMP(since))
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("timestamp out of range")));
		PG_RETURN_TIMESTAMPTZ(since);
	}
	calendar = named_calendar(fcinfo, 2);
	zone = zone_arg(fcinfo, 3, calendar);
	day = crm_day_of(since, zone);
	switch (unit)
	{
		case UNIT_WORKING_DAY:
			if (!crm_calendar_add(calendar, day, count, &last))
			{
				if (unknown_ok)
					PG_RETURN_NULL();
				ereport(ERROR,
						(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						 errmsg("date out of range")));
			}
			if (crm_calendar_unknown_year(calendar, day + 1, last, &year))
			{
				if (unknown_ok)
					PG_RETURN_NULL();
				crm_calendar_error_year(calendar, year);
			}
			break;
		case UNIT_WEEK:
			last = day + 7 * count;
			break;
		case UNIT_MONTH:
			last = add_months(day, count);
			break;
		case UNIT_YEAR:
			last = add_months(day, 12 * count);
			break;
		default:
			last = day + count;
	}
	PG_RETURN_TIMESTAMPTZ(crm_end_of_day(last, zone));
}

/*
 * crmaudit.deadline(since timestamptz, within text, calendar text,
 *					 time_zone text) returns timestamptz
 */
Datum
crmaudit_deadline(PG_FUNCTION_ARGS)
{
	return deadline(fcinfo, false);
}

/*
 * crmaudit.known_deadline(since timestamptz, within text, calendar text,
 *						   time_zone text) returns timestamptz
 */
Datum
crmaudit_known_deadline(PG_FUNCTION_ARGS)
{
	return deadline(fcinfo, true);
}

/* Reads "HH:MM" in minutes of the day; false if it is something else. */
static bool
read_minutes(const char **at, int *minutes)
{
	const char *text = *at;

	if (!(isdigit((unsigned char) text[0]) && isdigit((unsigned char) text[1]) &&
		  text[2] == ':' && isdigit((unsigned char) text[3]) &&
		  isdigit((unsigned char) text[4])))
		return false;
	*minutes = ((text[0] - '0') * 10 + text[1] - '0') * 60 +
		(text[3] - '0') * 10 + text[4] - '0';
	*at = text + 5;
	return text[3] < '6' && *minutes <= 24 * 60;
}

static bool
is_working(WorkingCalendar *calendar, DateADT day)
{
	return crm_calendar_count(calendar, day) > crm_calendar_count(calendar, day - 1);
}

/*
 * crmaudit.within_hours(at timestamptz, hours text, calendar text,
 *						 time_zone text) returns boolean
 *
 * hours: "10:00-11:00,14:00-16:00", both ends included, with "workdays "
 * before it where days off do not count.  NULL on a day of a year that the
 * calendar does not know.
 */
Datum
crmaudit_within_hours(PG_FUNCTION_ARGS)
{
	static const char workdays[] = "workdays ";
	TimestampTz at;
	char	   *hours;
	const char *place;
	bool		only_workdays;
	bool		inside = false;
	bool		is_midnight = false;
	WorkingCalendar *calendar;
	pg_tz	   *zone;
	struct pg_tm tm = {0};
	fsec_t		fsec = 0;
	int			offset;
	int64		second = 0;
	DateADT		day = 0;
	int			year;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	at = PG_GETARG_TIMESTAMPTZ(0);
	hours = text_to_cstring(PG_GETARG_TEXT_PP(1));
	calendar = named_calendar(fcinfo, 2);
	zone = zone_arg(fcinfo, 3, calendar);
	if (!TIMESTAMP_NOT_FINITE(at))
	{
		if (timestamp2tm(at, &offset, &tm, &fsec, NULL, zone) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("timestamp out of range")));
		second = (tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec;
		day = crm_day_of(at, zone);
	}
	only_workdays = strncmp(hours, workdays, strlen(workdays)) == 0;
	place = hours + (only_workdays ? strlen(workdays) : 0);
	for (;;)
	{
		int			from;
		int			to;

		if (!read_minutes(&place, &from) || *place++ != '-' ||
			!read_minutes(&place, &to) || from >= to ||
			(*place != ',' && *place != '\0'))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" are no hours of the day", hours),
					 errhint("They read like \"workdays 10:00-11:00,14:00-16:00\" or \"09:00-11:00\".")));
		/* the last second is 16:00:00 */
		if (second >= from * 60 && (second < to * 60 || (second == to * 60 && fsec == 0)))
			inside = true;
		/* 24:00 is when the next day begins */
		if (to == 24 * 60 && !TIMESTAMP_NOT_FINITE(at) && at == crm_end_of_day(day - 1, zone))
			is_midnight = true;
		if (*place++ == '\0')
			break;
		while (*place == ' ')
			place++;
	}
	if (TIMESTAMP_NOT_FINITE(at))
		PG_RETURN_NULL();
	if (only_workdays)
	{
		if (crm_calendar_unknown_year(calendar, day - is_midnight, day, &year))
			PG_RETURN_NULL();
		inside = inside && is_working(calendar, day);
		is_midnight = is_midnight && is_working(calendar, day - 1);
	}
	PG_RETURN_BOOL(inside || is_midnight);
}
