/*-------------------------------------------------------------------------
 *
 * rule_date.c
 *		Dates and timestamps of a row, also where the column is text.
 *
 * Text is read as yyyy-mm-dd (also with "/" or "." or nothing between),
 * whatever DateStyle says: a rule must not depend on a session's settings.
 * A timestamp without time zone is taken in the session's time zone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "rules/rules_private.h"

PG_FUNCTION_INFO_V1(crmaudit_read_date);

/* Reads exactly "count" digits at *at; -1 if they are not there. */
static int
digits_read(const char **at, const char *end, int count)
{
	int			number = 0;

	if (end - *at < count)
		return -1;
	for (int i = 0; i < count; i++, (*at)++)
	{
		if (**at < '0' || **at > '9')
			return -1;
		number = number * 10 + (**at - '0');
	}
	return number;
}

/* One or two digits, as people write months and days. */
static int
number_read(const char **at, const char *end)
{
	int			number = digits_read(at, end, 1);

	if (number >= 0 && *at < end && **at >= '0' && **at <= '9')
		number = number * 10 + (*(*at)++ - '0');
	return number;
}

/* Reads a date; what follows a blank or "T" (a time of day) is passed over. */
static bool
date_read(const char *data, int length, DateADT *date)
{
	const char *end = data + length;
	const char *at = data;
	int			year;
	int			month;
	int			day;

	while (at < end && *at == ' ')
		at++;
	year = digits_read(&at, end, 4);
	if (at < end && (*at == '-' || *at == '/' || *at == '.'))
	{
		char		separator = *at++;

		month = number_read(&at, end);
		if (at >= end || *at++ != separator)
			return false;
		day = number_read(&at, end);
	}
	else
	{
		month = digits_read(&at, end, 2);
		day = digits_read(&at, end, 2);
	}
	if (at < end && *at != ' ' && *at != 'T')
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
		day > day_tab[isleap(year)][month - 1])
		return false;
	*date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* Gives the value of a column as a date. */
DateReading
crm_column_date(const RuleColumn *column, TupleTableSlot *slot, DateADT *date)
{
	bool		isnull;
	Datum		datum;
	const char *data;
	int			length;

	if (column->value_class == VALUE_TEXT)
	{
		if (!crm_column_text(column, slot, &data, &length))
			return DATE_IS_NULL;
		while (length > 0 && data[length - 1] == ' ')
			length--;
		if (length == 0)
			return DATE_IS_NULL;
		return date_read(data, length, date) ? DATE_READ : DATE_UNREADABLE;
	}
	datum = crm_column_datum(column, slot, &isnull);
	if (isnull)
		return DATE_IS_NULL;
	if (column->value_class == VALUE_DATE)
		*date = DatumGetDateADT(datum);
	else if (column->value_class == VALUE_TIMESTAMP)
		*date = DatumGetDateADT(DirectFunctionCall1(timestamp_date, datum));
	else
		*date = DatumGetDateADT(DirectFunctionCall1(timestamptz_date, datum));
	return DATE_READ;
}

/*
 * Gives the value as a timestamp; a date is its beginning.  What no timestamp
 * can say is infinity.
 */
DateReading
crm_column_timestamp(const RuleColumn *column, TupleTableSlot *slot,
					 TimestampTz *timestamp)
{
	bool		isnull;
	Datum		datum;
	DateADT		date;
	DateReading reading;
	int			overflow;

	if (column->value_class == VALUE_TIMESTAMPTZ ||
		column->value_class == VALUE_TIMESTAMP)
	{
		datum = crm_column_datum(column, slot, &isnull);
		if (isnull)
			return DATE_IS_NULL;
		*timestamp = column->value_class == VALUE_TIMESTAMPTZ ?
			DatumGetTimestampTz(datum) :
			timestamp2timestamptz_opt_overflow(DatumGetTimestamp(datum),
											   &overflow);
		return DATE_READ;
	}
	reading = crm_column_date(column, slot, &date);
	if (reading == DATE_READ)
		*timestamp = date2timestamptz_opt_overflow(date, &overflow);
	return reading;
}

/* Raises an error unless column n of the rule can be read as a date. */
void
crm_column_require_date(RuleCompile *context, Rule *rule, int n)
{
	const RuleColumn *column = &rule->columns[n];

	if (column->value_class == VALUE_NUMBER ||
		column->value_class == VALUE_OTHER)
		crm_column_type_error(context, column,
							  "a date, a timestamp, or text that holds a date");
}

/* crmaudit.read_date(text): the date, or NULL if it cannot be read. */
Datum
crmaudit_read_date(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(value);
	int			length = VARSIZE_ANY_EXHDR(value);
	DateADT		date;

	while (length > 0 && data[length - 1] == ' ')
		length--;
	if (!date_read(data, length, &date))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(date);
}
