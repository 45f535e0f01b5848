/*-------------------------------------------------------------------------
 *
 * score_live.h
 *		Scores that follow every write: the last sweep's baseline, and what
 *		transactions changed since.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SCORE_LIVE_H
#define CRM_SCORE_LIVE_H

#include "scoring/score_state.h"

#include "utils/snapshot.h"

/* Bytes of an owner's name that are told apart, with the terminator. */
#define CRM_OWNER_MAX	200

/* A tally of the rows that have the same owner; NULL: none is known. */
typedef struct OwnerTally
{
	char	   *owner;
	ScoreTally *tally;
} OwnerTally;

/* What a full sweep of a table found. */
typedef struct ScoreBaseline
{
	int64		run_id;
	ScoreTally *row_tally;		/* by kinds about a row by itself; what live
								 * deltas are added to */
	ScoreTally *full_tally;		/* by all kinds */
	int			nowners;		/* row_tally, by owner */
	OwnerTally *owners;
} ScoreBaseline;

extern void crm_score_live_init(void);

/*
 * Writes the name of the owner of the row in "slot", cut to CRM_OWNER_MAX;
 * false if it has none.  The rule set has an owner column.
 */
extern bool crm_score_owner(const RuleSet *ruleset, TupleTableSlot *slot,
							char *owner);

/*
 * Readies the table for a sweep by this transaction: what it changed itself
 * is written as a delta, so that the sweep's snapshot, taken afterwards,
 * covers it.  The caller holds the table's sweep lock.
 */
extern void crm_score_before_sweep(const RuleSet *ruleset);

/*
 * Makes what the sweep found the table's baseline, and removes the deltas
 * that were visible to its snapshot.
 */
extern void crm_score_store_baseline(const RuleSet *ruleset,
									 const ScoreBaseline *baseline,
									 Snapshot snapshot);

#endif							/* CRM_SCORE_LIVE_H */
