/*-------------------------------------------------------------------------
 *
 * calendar.h
 *		Working-day calendars, as other parts use them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_CALENDAR_H
#define CRM_CALENDAR_H

#include "postgres.h"

#include "pgtime.h"
#include "utils/date.h"

#include "compat.h"

typedef struct WorkingCalendar WorkingCalendar;

extern void crm_calendar_init(void);

/*
 * Returns the calendar of that name, the default one for NULL.  It stays
 * usable until invalidation messages are processed, so that the caller must
 * not run user code meanwhile.  One that does not exist is NULL if
 * "missing_ok", an error otherwise.
 */
extern WorkingCalendar *crm_calendar_get(const char *name, bool missing_ok);

/* Its time zone; NULL: the session's.  And the name of the zone. */
extern pg_tz *crm_calendar_zone(WorkingCalendar *calendar);
extern const char *crm_calendar_zone_name(WorkingCalendar *calendar);

/*
 * The first year among those of the days from "from" to "to" that the
 * calendar does not know; false if it knows them all.
 */
extern bool crm_calendar_unknown_year(WorkingCalendar *calendar, DateADT from,
									  DateADT to, int *year);
extern void crm_calendar_error_year(WorkingCalendar *calendar,
									int year) pg_attribute_noreturn();

/*
 * Working days up to and including "day", counted from some day that is the
 * same for all calls: only differences mean something.
 */
extern int64 crm_calendar_count(WorkingCalendar *calendar, DateADT day);

/*
 * The working day "n" after "day", or before it for a negative "n"; false if
 * it is beyond the dates there are.  Years are not looked at.
 */
extern bool crm_calendar_add(WorkingCalendar *calendar, DateADT day, int n,
							 DateADT *result);

/*
 * The day of a finite moment in a time zone, and when a finite day ends there:
 * as the next begins.
 */
extern DateADT crm_day_of(TimestampTz at, pg_tz *zone);
extern TimestampTz crm_end_of_day(DateADT day, pg_tz *zone);

#endif							/* CRM_CALENDAR_H */
