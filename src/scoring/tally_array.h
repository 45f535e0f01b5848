/*-------------------------------------------------------------------------
 *
 * tally_array.h
 *		Sums by cell as arrays of bigint.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_TALLY_ARRAY_H
#define CRM_TALLY_ARRAY_H

#include "postgres.h"

/* The sums as an array; false, for NULL, if all are zero. */
extern bool crm_tally_array(const int64 *sums, int ncells, Datum *datum);

/* The sums of an array, NULL standing for zeros; false if it has others. */
extern bool crm_tally_read(Datum datum, bool isnull, int64 *sums, int ncells);

#endif							/* CRM_TALLY_ARRAY_H */
