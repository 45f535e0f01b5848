/*-------------------------------------------------------------------------
 *
 * dqscore.h
 *		The type dqscore: an overall score and one per dimension.
 *
 * Scores run from 0 to 100 and are kept in ten-thousandths of a point, so
 * that text form and comparison are exact; -1 stands for "not assessed".
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_DQSCORE_H
#define CRM_DQSCORE_H

#include "crmaudit.h"

#define DQSCORE_UNITS	10000	/* units of one point */
#define DQSCORE_MAX		(100 * DQSCORE_UNITS)
#define DQSCORE_NULL	(-1)

/* Overall, then the dimensions in the order of CrmDimension. */
#define DQSCORE_PARTS	(1 + CRM_DIMENSIONS)

typedef struct DqScore
{
	int32		parts[DQSCORE_PARTS];
} DqScore;

#define DatumGetDqScoreP(d)		((DqScore *) DatumGetPointer(d))
#define PG_GETARG_DQSCORE_P(n)	DatumGetDqScoreP(PG_GETARG_DATUM(n))

/* A ratio between 0 and 1 as a part. */
static inline int32
dqscore_part(double ratio)
{
	return (int32) (ratio * DQSCORE_MAX + 0.5);
}

#endif							/* CRM_DQSCORE_H */
