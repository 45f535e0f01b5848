/*-------------------------------------------------------------------------
 *
 * score_delta.h
 *		What a transaction changes in the scores of protected tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SCORE_DELTA_H
#define CRM_SCORE_DELTA_H

#include "scoring/score_state.h"

/*
 * What the row that is about to be stored, or deleted, changes.  Outcomes
 * that the gate has not left in ruleset->after and ruleset->before are found
 * here; the slots are deformed up to max_attnum.
 */
extern void crm_score_insert(const RuleSet *ruleset, const RuleRow *row);
extern void crm_score_update(const RuleSet *ruleset, const RuleRow *row,
							 bool row_is_live, const RuleRow *before,
							 bool before_is_live);
extern void crm_score_delete(const RuleSet *ruleset, const RuleRow *before);

/* It was stored; it was not. */
extern void crm_score_confirm(void);
extern void crm_score_forget(void);

/* All rows of the table are gone. */
extern void crm_score_truncated(Oid target);

/* Rows of the table change, or changed, and nobody counts them. */
extern void crm_score_mark_stale(Oid target);

/*
 * A baseline now holds what the transaction changed so far; returns whether a
 * TRUNCATE was among that.
 */
extern bool crm_score_cover(Oid target);

/*
 * What the transaction changed and has not written yet, for a reader of the
 * table's scores.  Call by call, "add" gets what belongs to an owner; "start"
 * says that what was before does not count any more.
 */
typedef void (*ScoreAdd) (void *argument, int version, const char *owner,
						  const ScoreTally *tally, int ncells);

extern void crm_score_own(Oid target, ScoreAdd add, void *argument,
						  bool *truncated, bool *stale);

extern void crm_score_delta_init(void);

#endif							/* CRM_SCORE_DELTA_H */
