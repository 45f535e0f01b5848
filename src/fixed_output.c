/*-------------------------------------------------------------------------
 *
 * fixed_output.c
 *		The text of a value, whatever the session's settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgtime.h"
#include "utils/bytea.h"
#include "utils/datetime.h"
#include "utils/float.h"

#include "compat.h"
#include "fixed_output.h"

/*
 * The output function's text, under settings that are the same for everyone.
 * They are set directly: to go through the GUCs would cost more than the row.
 */
char *
crm_fixed_output(FmgrInfo *output, Datum datum)
{
	static pg_tz *utc = NULL;
	int			date_style = DateStyle;
	int			interval_style = IntervalStyle;
	int			float_digits = extra_float_digits;
	int			bytea_style = bytea_output;
	pg_tz	   *timezone = session_timezone;
	char	   *volatile text = NULL;

	if (utc == NULL)
		utc = pg_tzset("UTC");
	PG_TRY();
	{
		DateStyle = USE_ISO_DATES;
		IntervalStyle = INTSTYLE_POSTGRES;
		extra_float_digits = 1;
		bytea_output = BYTEA_OUTPUT_HEX;
		session_timezone = utc;
		text = OutputFunctionCall(output, datum);
	}
	PG_FINALLY();
	{
		DateStyle = date_style;
		IntervalStyle = interval_style;
		extra_float_digits = float_digits;
		bytea_output = bytea_style;
		session_timezone = timezone;
	}
	PG_END_TRY();
	return text;
}
