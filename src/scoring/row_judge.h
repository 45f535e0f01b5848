/*-------------------------------------------------------------------------
 *
 * row_judge.h
 *		Rows as they stand, judged by the rules about a row by itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_ROW_JUDGE_H
#define CRM_ROW_JUDGE_H

#include "scoring/score_state.h"

/* A table's rules, and a slot to judge its rows in. */
typedef struct RowJudge
{
	RuleSet    *ruleset;
	uint64		serial;			/* of the rule set: after the transaction its
								 * address may be another's */
	TupleTableSlot *slot;
	RowScore   *score;
	RuleOutcome *outcomes;		/* of the rules about a row by itself, by
								 * index into ruleset->rules */
	Oid			owner;			/* of the table */
	Oid			userid;			/* whose rights crm_judge_leave() restores */
	int			security;
} RowJudge;

extern RowJudge *crm_judge_create(Relation rel, RuleSet *ruleset);
extern void crm_judge_enter(RowJudge *judge);
extern void crm_judge_leave(RowJudge *judge);
extern void crm_judge_set_row(RowJudge *judge, HeapTupleHeader header,
							  HeapTuple tuple);
extern bool crm_judge_row(RowJudge *judge);

#endif							/* CRM_ROW_JUDGE_H */
