/*-------------------------------------------------------------------------
 *
 * live_private.h
 *		What the files of live scores share: a table's state.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_LIVE_PRIVATE_H
#define CRM_LIVE_PRIVATE_H

#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/hsearch.h"

#include "scoring/score_live.h"

/* An owner's rows. */
typedef struct OwnerKey
{
	bool		has_owner;
	char		owner[CRM_OWNER_MAX];
} OwnerKey;

typedef struct OwnerSum
{
	OwnerKey	key;
	ItemPointerData tid;		/* of its row, or invalid */
	bool		is_changed;
	ScoreTally *now;			/* as in ScoreSums, of the owner's rows */
	ScoreTally *base;
	ScoreTally *full;
} OwnerSum;

/*
 * State of a table's scores: the baseline with the deltas that were added.
 * "rules" is no more than version, cells and weights.
 */
typedef struct ScoreSums
{
	Oid			target;
	bool		has_row;		/* there is a row of crmaudit.score_state */
	bool		is_swept;		/* there is a baseline */
	bool		is_stale;		/* something was not counted */
	HeapTuple	tuple;			/* that row */
	RuleSet    *rules;
	TimestampTz as_of;			/* of the baseline */
	int64		run_id;
	int64		lists;			/* digest of the lists that rules used */
	int64		ndeltas;		/* that were added */
	ScoreTally *now;			/* by live rules */
	ScoreTally *base;			/* the same at the time of the baseline:
								 * totals */
	ScoreTally *full;			/* by all kinds, at that time */
	HTAB	   *owners;			/* or NULL if nobody asked */
} ScoreSums;

/* From live_state.c */
extern ScoreSums *crm_sums_read(Oid target, Snapshot snapshot, bool owners,
								List **delta_tids);
extern void crm_sums_add_own(ScoreSums *sums);
extern void crm_sums_clear(ScoreSums *sums);
extern void crm_sums_write(ScoreSums *sums);
extern HTAB *crm_owners_create(void);
extern OwnerSum *crm_sums_owner(ScoreSums *sums, const char *owner);

#endif							/* CRM_LIVE_PRIVATE_H */
