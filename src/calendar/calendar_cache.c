/*-------------------------------------------------------------------------
 *
 * calendar_cache.c
 *		Backend-local copies of the calendars, and counting with them.
 *
 * Days of which working or not follows from the weekday are not kept.  The
 * others are, sorted, each with the sum of what it and those before it add to
 * or take from the count that follows from weekdays.  The number of working
 * days up to a day is then an arithmetic expression and a binary search,
 * whatever the distance, and the n-th working day a binary search over that.
 *
 * Lifetime: an entry is never removed; the callback only marks it, and the
 * next look-up reads it anew.  Nobody keeps a pointer to an entry while user
 * code runs.
 *
 * Memory: entries live in CacheMemoryContext, the days of each in a context
 * of its own below it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "calendar/calendar.h"
#include "catalog_scan.h"
#include "crmaudit.h"
#include "guc.h"

/* Longest name of a calendar. */
#define CALENDAR_NAME_LENGTH	64

/* A Monday from which weeks are counted: 2000-01-03. */
#define SOME_MONDAY		((DateADT) 2)

/* A day of which working or not does not follow from the weekday. */
typedef struct SpecialDay
{
	DateADT		day;
	bool		is_working;
	bool		builtin;
	int			sum;			/* +1 or -1 for this and each one before */
} SpecialDay;

struct WorkingCalendar
{
	char		name[CALENDAR_NAME_LENGTH]; /* hash key */
	bool		valid;
	bool		exists;
	MemoryContext context;
	pg_tz	   *zone;			/* NULL: the session's */
	char	   *zone_name;
	bool		has_years;		/* knows only the years below */
	int			first_year;
	int			last_year;
	int			nyears;			/* and those that were added */
	int		   *years;
	int			days_of_week[8];	/* working days of the first N from Monday */
	int			nspecial;
	SpecialDay *special;		/* sorted by day */
};

static HTAB *calendars = NULL;
static Oid	calendar_relid = InvalidOid;
static uint64 invalidations = 0;

PG_FUNCTION_INFO_V1(crmaudit_calendar_changed);

/* Marks all calendars if "relid" is their table, or InvalidOid (everything). */
static void
relcache_callback(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	WorkingCalendar *calendar;

	if (OidIsValid(relid) && relid != calendar_relid)
		return;
	invalidations++;
	hash_seq_init(&status, calendars);
	while ((calendar = hash_seq_search(&status)) != NULL)
		calendar->valid = false;
}

void
crm_calendar_init(void)
{
	HASHCTL		ctl;

	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	ctl.keysize = CALENDAR_NAME_LENGTH;
	ctl.entrysize = sizeof(WorkingCalendar);
	ctl.hcxt = CacheMemoryContext;
	calendars = hash_create("crmaudit calendars", 8, &ctl,
							HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}

/*
 * crmaudit.calendar_changed(): statement trigger on the tables of calendars.
 * The message names one of them, whichever was changed.
 */
Datum
crmaudit_calendar_changed(PG_FUNCTION_ARGS)
{
	Oid			relid = crm_relation_oid("calendar");

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"calendar_changed")));
	if (OidIsValid(relid))
		CacheInvalidateRelcacheByRelid(relid);
	return PointerGetDatum(NULL);
}

/* By day; of two rows for one, the company's own comes last. */
static int
special_compare(const void *a, const void *b)
{
	const SpecialDay *left = a;
	const SpecialDay *right = b;

	if (left->day != right->day)
		return left->day < right->day ? -1 : 1;
	return (int) right->builtin - (int) left->builtin;
}

/* Weekday, 0 for Monday. */
static int
weekday_of(DateADT day)
{
	int			rest = (day - SOME_MONDAY) % 7;

	return rest < 0 ? rest + 7 : rest;
}

static bool
weekday_works(const WorkingCalendar *calendar, int weekday)
{
	return calendar->days_of_week[weekday + 1] > calendar->days_of_week[weekday];
}

/* Reads the days of the week that are off, by ISO number. */
static void
read_weekend(WorkingCalendar *calendar, CatalogScan *scan)
{
	bool		isnull;
	Datum		datum = crm_catalog_get(scan, "weekend", &isnull);
	Datum	   *elements;
	int			count;
	bool		off[7] = {false};

	deconstruct_array(DatumGetArrayTypePCopy(datum), INT4OID, sizeof(int32),
					  true, TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		off[DatumGetInt32(elements[i]) - 1] = true;
	calendar->days_of_week[0] = 0;
	for (int i = 0; i < 7; i++)
		calendar->days_of_week[i + 1] = calendar->days_of_week[i] + !off[i];
}

/* Reads the calendar's own row. */
static void
read_calendar(WorkingCalendar *calendar)
{
	CatalogScan scan;
	bool		isnull;

	if (!crm_catalog_scan_begin(&scan, "calendar", "calendar_pkey", "calendar",
								F_TEXTEQ, CStringGetTextDatum(calendar->name)))
		return;
	if (crm_catalog_scan_next(&scan))
	{
		calendar->exists = true;
		calendar->zone_name = crm_catalog_get_text(&scan, "time_zone");
		calendar->first_year =
			DatumGetInt32(crm_catalog_get(&scan, "first_year", &isnull));
		calendar->has_years = !isnull;
		calendar->last_year =
			DatumGetInt32(crm_catalog_get(&scan, "last_year", &isnull));
		read_weekend(calendar, &scan);
	}
	crm_catalog_scan_end(&scan);
}

/* Reads the years that were added to it. */
static void
read_years(WorkingCalendar *calendar)
{
	CatalogScan scan;
	bool		isnull;
	int			room = 8;

	if (!crm_catalog_scan_begin(&scan, "calendar_year", "calendar_year_pkey",
								"calendar", F_TEXTEQ,
								CStringGetTextDatum(calendar->name)))
		return;
	calendar->years = palloc(room * sizeof(int));
	while (crm_catalog_scan_next(&scan))
	{
		if (calendar->nyears == room)
		{
			room *= 2;
			calendar->years = repalloc(calendar->years, room * sizeof(int));
		}
		calendar->years[calendar->nyears++] =
			DatumGetInt32(crm_catalog_get(&scan, "year", &isnull));
	}
	crm_catalog_scan_end(&scan);
}

/* Keeps, of the days that were read, one each, if its weekday misleads. */
static void
special_settle(WorkingCalendar *calendar)
{
	int			kept = 0;
	int			sum = 0;

	qsort(calendar->special, calendar->nspecial, sizeof(SpecialDay),
		  special_compare);
	for (int i = 0; i < calendar->nspecial; i++)
	{
		SpecialDay *one = &calendar->special[i];

		if (i + 1 < calendar->nspecial && one[1].day == one->day)
			continue;
		if (one->is_working == weekday_works(calendar, weekday_of(one->day)))
			continue;
		sum += one->is_working ? 1 : -1;
		one->sum = sum;
		calendar->special[kept++] = *one;
	}
	calendar->nspecial = kept;
}

/* Reads holidays and working weekends. */
static void
read_days(WorkingCalendar *calendar)
{
	CatalogScan scan;
	int			room = 64;

	if (!crm_catalog_scan_begin(&scan, "calendar_day", "calendar_day_pkey",
								"calendar", F_TEXTEQ,
								CStringGetTextDatum(calendar->name)))
		return;
	calendar->special = palloc(room * sizeof(SpecialDay));
	while (crm_catalog_scan_next(&scan))
	{
		SpecialDay *one;
		bool		isnull;

		if (calendar->nspecial == room)
		{
			room *= 2;
			calendar->special = repalloc(calendar->special,
										 room * sizeof(SpecialDay));
		}
		one = &calendar->special[calendar->nspecial++];
		one->day = DatumGetDateADT(crm_catalog_get(&scan, "day", &isnull));
		one->is_working =
			DatumGetBool(crm_catalog_get(&scan, "is_working", &isnull));
		one->builtin = DatumGetBool(crm_catalog_get(&scan, "builtin", &isnull));
	}
	crm_catalog_scan_end(&scan);
	special_settle(calendar);
}

static void
calendar_load(WorkingCalendar *calendar)
{
	uint64		invalidations_before = invalidations;
	MemoryContext old;

	if (calendar->context)
		MemoryContextReset(calendar->context);
	else
		calendar->context = AllocSetContextCreate(CacheMemoryContext,
												  "crmaudit calendar",
												  ALLOCSET_SMALL_SIZES);
	calendar->exists = false;
	calendar->zone_name = NULL;
	calendar->zone = NULL;
	calendar->nyears = 0;
	calendar->nspecial = 0;
	calendar_relid = crm_relation_oid("calendar");
	old = MemoryContextSwitchTo(calendar->context);
	read_calendar(calendar);
	if (calendar->exists)
	{
		read_years(calendar);
		read_days(calendar);
	}
	MemoryContextSwitchTo(old);
	if (calendar->zone_name)
	{
		calendar->zone = pg_tzset(calendar->zone_name);
		if (calendar->zone == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("time zone \"%s\" of calendar \"%s\" is not known here",
							calendar->zone_name, calendar->name)));
	}
	/* a message may have come meanwhile, about what the scan did not see */
	calendar->valid = invalidations == invalidations_before;
}

WorkingCalendar *
crm_calendar_get(const char *name, bool missing_ok)
{
	WorkingCalendar *calendar = NULL;
	bool		found;

	if (name == NULL)
		name = crm_guc_calendar;
	/* an entry is never removed: none for a name that cannot be */
	if (strlen(name) < CALENDAR_NAME_LENGTH)
	{
		calendar = hash_search(calendars, name, HASH_ENTER, &found);
		if (!found)
		{
			calendar->valid = false;
			calendar->context = NULL;
		}
		if (!calendar->valid)
			calendar_load(calendar);
		if (calendar->exists)
			return calendar;
	}
	if (!missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("calendar \"%s\" does not exist", name),
				 errhint("crmaudit.calendar lists those that do; crmaudit.add_calendar() makes one.")));
	return NULL;
}

pg_tz *
crm_calendar_zone(WorkingCalendar *calendar)
{
	return calendar->zone ? calendar->zone : session_timezone;
}

const char *
crm_calendar_zone_name(WorkingCalendar *calendar)
{
	return pg_get_timezone_name(crm_calendar_zone(calendar));
}

static bool
year_is_known(const WorkingCalendar *calendar, int year)
{
	if (year >= calendar->first_year && year <= calendar->last_year)
		return true;
	for (int i = 0; i < calendar->nyears; i++)
	{
		if (calendar->years[i] == year)
			return true;
	}
	return false;
}

static int
year_of(DateADT date)
{
	int			year;
	int			month;
	int			day;

	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return year;
}

bool
crm_calendar_unknown_year(WorkingCalendar *calendar, DateADT from, DateADT to,
						  int *year)
{
	int			last;

	if (!calendar->has_years || from > to)
		return false;
	last = year_of(to);
	for (*year = year_of(from); *year <= last; (*year)++)
	{
		if (!year_is_known(calendar, *year))
			return true;
	}
	return false;
}

void
crm_calendar_error_year(WorkingCalendar *calendar, int year)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("calendar \"%s\" does not know the year %d",
					calendar->name, year),
			 errdetail("Which of its days are off cannot be told from those of other years."),
			 errhint("Add it with its days off: SELECT crmaudit.add_calendar_year(%s, %d, ARRAY[...]::date[], ARRAY[...]::date[]).",
					 quote_literal_cstr(calendar->name), year)));
}

/* The sum of the special days up to and including "day". */
static int
special_sum(const WorkingCalendar *calendar, DateADT day)
{
	int			low = 0;
	int			high = calendar->nspecial;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (calendar->special[middle].day <= day)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? calendar->special[low - 1].sum : 0;
}

int64
crm_calendar_count(WorkingCalendar *calendar, DateADT day)
{
	int64		days = (int64) day - SOME_MONDAY + 1;
	int			rest = (int) (days % 7);

	if (rest < 0)
		rest += 7;
	return (days - rest) / 7 * calendar->days_of_week[7] +
		calendar->days_of_week[rest] + special_sum(calendar, day);
}

bool
crm_calendar_add(WorkingCalendar *calendar, DateADT day, int n,
				 DateADT *result)
{
	int64		steps = n < 0 ? -(int64) n : n;
	int64		reach;
	int64		wanted;
	int64		low;
	int64		high;

	if (n == 0)
	{
		*result = day;
		return true;
	}
	/* so many weeks have that many working days, were all special days off */
	reach = ((steps + calendar->nspecial) / calendar->days_of_week[7] + 2) * 7;
	low = n > 0 ? (int64) day + 1 : (int64) day - reach;
	high = n > 0 ? (int64) day + reach : (int64) day - 1;
	if (low < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE ||
		high >= DATE_END_JULIAN - POSTGRES_EPOCH_JDATE)
		return false;
	wanted = n > 0 ? crm_calendar_count(calendar, day) + n :
		crm_calendar_count(calendar, day - 1) + n + 1;
	/* the first day on which the count is reached */
	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (crm_calendar_count(calendar, (DateADT) middle) >= wanted)
			high = middle;
		else
			low = middle + 1;
	}
	*result = (DateADT) low;
	return true;
}
