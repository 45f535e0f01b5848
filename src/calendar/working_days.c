/*-------------------------------------------------------------------------
 *
 * working_days.c
 *		SQL functions that count with working-day calendars.
 *
 * A day begins and ends in the calendar's time zone, whatever the session's.
 * A result rests on no day of a year that the calendar does not know.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "crmaudit.h"

PG_FUNCTION_INFO_V1(crmaudit_is_working_day);
PG_FUNCTION_INFO_V1(crmaudit_add_working_days);
PG_FUNCTION_INFO_V1(crmaudit_working_days_between);
PG_FUNCTION_INFO_V1(crmaudit_day_of);
PG_FUNCTION_INFO_V1(crmaudit_end_of_day);
PG_FUNCTION_INFO_V1(crmaudit_due_at);
PG_FUNCTION_INFO_V1(crmaudit_due_date);

/* The calendar that an argument names, the default one if it is NULL. */
static WorkingCalendar *
calendar_arg(FunctionCallInfo fcinfo, int arg, bool missing_ok)
{
	char		buffer[64];
	text	   *name;
	int			length;

	if (PG_ARGISNULL(arg))
		return crm_calendar_get(NULL, missing_ok);
	name = PG_GETARG_TEXT_PP(arg);
	length = VARSIZE_ANY_EXHDR(name);
	if (length >= (int) sizeof(buffer))
		return crm_calendar_get(text_to_cstring(name), missing_ok);
	memcpy(buffer, VARDATA_ANY(name), length);
	buffer[length] = '\0';
	return crm_calendar_get(buffer, missing_ok);
}

static void
pg_attribute_noreturn()
error_date_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("date out of range")));
}

/* Raises an error if the calendar does not know all years of these days. */
static void
require_years(WorkingCalendar *calendar, DateADT from, DateADT to)
{
	int			year;

	if (crm_calendar_unknown_year(calendar, from, to, &year))
		crm_calendar_error_year(calendar, year);
}

/* Raises an error for an infinite date. */
static DateADT
finite_date_arg(FunctionCallInfo fcinfo, int arg)
{
	DateADT		day = PG_GETARG_DATEADT(arg);

	if (DATE_NOT_FINITE(day))
		error_date_range();
	return day;
}

/* crmaudit.is_working_day(day date, calendar text) returns boolean */
Datum
crmaudit_is_working_day(PG_FUNCTION_ARGS)
{
	WorkingCalendar *calendar;
	DateADT		day;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	calendar = calendar_arg(fcinfo, 1, false);
	day = finite_date_arg(fcinfo, 0);
	require_years(calendar, day, day);
	PG_RETURN_BOOL(crm_calendar_count(calendar, day) >
				   crm_calendar_count(calendar, day - 1));
}

/* crmaudit.add_working_days(day date, n int, calendar text) returns date */
Datum
crmaudit_add_working_days(PG_FUNCTION_ARGS)
{
	WorkingCalendar *calendar;
	DateADT		day;
	DateADT		result;
	int			n;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	day = PG_GETARG_DATEADT(0);
	n = PG_GETARG_INT32(1);
	calendar = calendar_arg(fcinfo, 2, false);
	if (DATE_NOT_FINITE(day))
		PG_RETURN_DATEADT(day);
	if (!crm_calendar_add(calendar, day, n, &result))
		error_date_range();
	if (n > 0)
		require_years(calendar, day + 1, result);
	else if (n < 0)
		require_years(calendar, result, day - 1);
	PG_RETURN_DATEADT(result);
}

/*
 * crmaudit.working_days_between(from_date date, to_date date, calendar text)
 * returns int: those after the first day, up to and including the second;
 * negative if the second is the earlier one.
 */
Datum
crmaudit_working_days_between(PG_FUNCTION_ARGS)
{
	WorkingCalendar *calendar;
	DateADT		from;
	DateADT		to;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	calendar = calendar_arg(fcinfo, 2, false);
	from = finite_date_arg(fcinfo, 0);
	to = finite_date_arg(fcinfo, 1);
	require_years(calendar, Min(from, to) + 1, Max(from, to));
	PG_RETURN_INT32((int32) (crm_calendar_count(calendar, to) -
							 crm_calendar_count(calendar, from)));
}

DateADT
crm_day_of(TimestampTz at, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;

	if (timestamp2tm(at, &offset, &tm, &fsec, NULL, zone) != 0)
		error_date_range();
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

TimestampTz
crm_end_of_day(DateADT day, pg_tz *zone)
{
	struct pg_tm tm = {0};
	TimestampTz result;
	int			offset;

	j2date(day + 1 + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday);
	offset = DetermineTimeZoneOffset(&tm, zone);
	if (!IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday) ||
		tm2timestamp(&tm, 0, &offset, &result) != 0 ||
		!IS_VALID_TIMESTAMP(result))
		error_date_range();
	return result;
}

/* crmaudit.day_of(at timestamptz, calendar text) returns date */
Datum
crmaudit_day_of(PG_FUNCTION_ARGS)
{
	WorkingCalendar *calendar;
	TimestampTz at;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	calendar = calendar_arg(fcinfo, 1, false);
	at = PG_GETARG_TIMESTAMPTZ(0);
	if (TIMESTAMP_IS_NOBEGIN(at))
		PG_RETURN_DATEADT(DATEVAL_NOBEGIN);
	if (TIMESTAMP_IS_NOEND(at))
		PG_RETURN_DATEADT(DATEVAL_NOEND);
	PG_RETURN_DATEADT(crm_day_of(at, crm_calendar_zone(calendar)));
}

/* crmaudit.end_of_day(day date, calendar text) returns timestamptz */
Datum
crmaudit_end_of_day(PG_FUNCTION_ARGS)
{
	WorkingCalendar *calendar;
	DateADT		day;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	calendar = calendar_arg(fcinfo, 1, false);
	day = PG_GETARG_DATEADT(0);
	if (DATE_IS_NOBEGIN(day))
		PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
	if (DATE_IS_NOEND(day))
		PG_RETURN_TIMESTAMPTZ(DT_NOEND);
	PG_RETURN_TIMESTAMPTZ(crm_end_of_day(day, crm_calendar_zone(calendar)));
}

/*
 * Reads "N working day(s)", at most four digits, with white space around it;
 * false if the text is something else.
 */
static bool
read_working_days(const char *text, int *days)
{
	const char *unit = " working day";
	int			digits = 0;

	*days = 0;
	while (isspace((unsigned char) *text))
		text++;
	for (; *text >= '0' && *text <= '9'; text++, digits++)
	{
		if (digits == 4)
			return false;
		*days = *days * 10 + (*text - '0');
	}
	if (digits == 0 || strncmp(text, unit, strlen(unit)) != 0)
		return false;
	text += strlen(unit);
	if (*text == 's')
		text++;
	while (isspace((unsigned char) *text))
		text++;
	return *text == '\0';
}

/* Reads an interval; what is none is an error that says what is meant. */
static Interval *
read_interval(char *text)
{
	MemoryContext context = CurrentMemoryContext;
	Interval   *interval = NULL;

	PG_TRY();
	{
		interval = DatumGetIntervalP(DirectFunctionCall3(interval_in,
														 CStringGetDatum(text),
														 ObjectIdGetDatum(InvalidOid),
														 Int32GetDatum(-1)));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		/* raised below: the error of the input function says less */
		interval = NULL;
	}
	PG_END_TRY();
	if (interval == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"due\" is not a length of time: \"%s\"", text),
				 errhint("It reads like \"3 working days\" or \"36 hours\".")));
	return interval;
}

/* Adds an interval whose days and months are those of the time zone. */
static TimestampTz
add_interval(TimestampTz since, const Interval *interval, const char *zone)
{
	Interval	days = *interval;
	Interval	hours = {0};
	Datum		name = CStringGetTextDatum(zone);
	Datum		at = TimestampTzGetDatum(since);

	if (days.month == 0 && days.day == 0)
		return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													   at, IntervalPGetDatum(interval)));
	hours.time = days.time;
	days.time = 0;
	at = DirectFunctionCall2(timestamptz_zone, name, at);
	at = DirectFunctionCall2(timestamp_pl_interval, at, IntervalPGetDatum(&days));
	at = DirectFunctionCall2(timestamp_zone, name, at);
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, at,
												   IntervalPGetDatum(&hours)));
}

/* What due_at() and due_date() share; the latter is NULL for a year unknown. */
static Datum
due(FunctionCallInfo fcinfo, bool unknown_ok)
{
	WorkingCalendar *calendar;
	TimestampTz since;
	char	   *length;
	int			n;
	int			year;
	DateADT		day;
	DateADT		result;
	Interval   *interval = NULL;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	since = PG_GETARG_TIMESTAMPTZ(0);
	length = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!read_working_days(length, &n))
		interval = read_interval(length);
	calendar = calendar_arg(fcinfo, 2, unknown_ok);
	if (calendar == NULL)
		PG_RETURN_NULL();
	if (TIMESTAMP_NOT_FINITE(since))
		PG_RETURN_TIMESTAMPTZ(since);
	if (interval != NULL)
		PG_RETURN_TIMESTAMPTZ(add_interval(since, interval,
										   crm_calendar_zone_name(calendar)));
	day = crm_day_of(since, crm_calendar_zone(calendar));
	if (!crm_calendar_add(calendar, day, n, &result))
		error_date_range();
	if (crm_calendar_unknown_year(calendar, day + 1, result, &year))
	{
		if (unknown_ok)
			PG_RETURN_NULL();
		crm_calendar_error_year(calendar, year);
	}
	PG_RETURN_TIMESTAMPTZ(crm_end_of_day(result, crm_calendar_zone(calendar)));
}

/* crmaudit.due_at(since timestamptz, due text, calendar text) returns timestamptz */
Datum
crmaudit_due_at(PG_FUNCTION_ARGS)
{
	return due(fcinfo, false);
}

/* crmaudit.due_date(since timestamptz, due text, calendar text) returns timestamptz */
Datum
crmaudit_due_date(PG_FUNCTION_ARGS)
{
	return due(fcinfo, true);
}
