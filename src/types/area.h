/*-------------------------------------------------------------------------
 *
 * area.h
 *		Administrative division codes of China, as ID numbers and credit codes
 *		hold them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_AREA_H
#define CRM_AREA_H

#include <stdbool.h>
#include <stddef.h>

#define CRM_AREA_NONE		0	/* no such code is known */
#define CRM_AREA_IN_FORCE	9999

/* Room for the longest full name and its terminator, in bytes. */
#define CRM_AREA_NAME_SIZE	128

/*
 * Returns the last year in which the six-digit code was in force, or one of
 * the values above.
 */
extern int	crm_area_last_year(int area);

/* Is this the two-digit code of a province (or of a permit's origin)? */
extern bool crm_province_is_known(int province);

/* Is this a numeric country code of ISO 3166-1? */
extern bool crm_nationality_is_known(int nationality);

/*
 * Writes the full Chinese name of the area, from the province down, as it was
 * in that year (0: as it is, or was last), in UTF-8 and terminated.  A year
 * before the code came into force, or between two uses of it, gives the next
 * name.  Of a foreigner's permit (9 and five digits) it is the province.
 *
 * Returns the length in bytes, or 0, with an empty string, if the code is not
 * known or the name does not fit in "size" (CRM_AREA_NAME_SIZE always does).
 */
extern int	crm_area_name(int area, int year, char *out, size_t size);

#endif							/* CRM_AREA_H */
