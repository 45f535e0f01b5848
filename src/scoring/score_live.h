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

/* Tallies of the rows that have the same owner; NULL: none is known. */
typedef struct OwnerTally
{
	const char *owner;
	ScoreTally *row_tally;
	ScoreTally *full_tally;		/* may be the same */
} OwnerTally;

/* What a full sweep of a table found. */
typedef struct ScoreBaseline
{
	int64		run_id;			/* 0: of no run */
	ScoreTally *row_tally;		/* by the rule set's live_rules; what live
								 * deltas are added to */
	ScoreTally *full_tally;		/* by all kinds */
	int			nowners;		/* both, by owner */
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
 * Readies the table for a sweep by this transaction.  The caller holds the
 * table's sweep lock, and takes the sweep's snapshot afterwards.
 */
extern void crm_score_before_sweep(const RuleSet *ruleset);

/*
 * Makes what the sweep found the table's baseline, and removes the deltas
 * that were visible to its snapshot; what the transaction itself changed so
 * far counts as seen.
 */
extern void crm_score_store_baseline(const RuleSet *ruleset,
									 const ScoreBaseline *baseline,
									 Snapshot snapshot);

/* From score_row.c: figures as numeric; false if there is nothing to share. */
extern bool crm_ratio_datum(int64 part, int64 whole, Datum *datum);
extern bool crm_cell_score_datum(int64 lost, int64 assessed, Datum *datum);

#endif							/* CRM_SCORE_LIVE_H */
