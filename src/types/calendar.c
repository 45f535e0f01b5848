/*-------------------------------------------------------------------------
 *
 * calendar.c
 *		Birth dates in identifiers of people.
 *
 *-------------------------------------------------------------------------
 */
#include "types/types_private.h"

/* Does this day exist in the Gregorian calendar, from the year 1 on? */
bool
crm_date_exists(int year, int month, int day)
{
	static const unsigned char days[13] = {
		0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	int			last;

	if (year < 1 || month < 1 || month > 12 || day < 1)
		return false;
	last = days[month];
	if (month == 2 &&
		(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))
		last = 29;
	return day <= last;
}
