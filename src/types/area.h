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

#define CRM_AREA_NONE		0	/* no such code is known */
#define CRM_AREA_IN_FORCE	9999

/*
 * Returns the last year in which the six-digit code was in force, or one of
 * the values above.
 */
extern int	crm_area_last_year(int area);

/* Is this the two-digit code of a province (or of a permit's origin)? */
extern bool crm_province_is_known(int province);

/* Is this a numeric country code of ISO 3166-1? */
extern bool crm_nationality_is_known(int nationality);

#endif							/* CRM_AREA_H */
