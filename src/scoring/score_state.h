/*-------------------------------------------------------------------------
 *
 * score_state.h
 *		Formulas of a row's and a table's score.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SCORE_STATE_H
#define CRM_SCORE_STATE_H

#include "rules/rule.h"
#include "scoring/dqscore.h"

/* What one row gave a cell. */
typedef struct CellScore
{
	bool		assessed;
	double		risk;			/* the largest of its rules' */
} CellScore;

/* What one row gave. */
typedef struct RowScore
{
	CellScore  *cells;			/* by index into RuleSet.cells */
	int			violations;		/* of severity warning or more */
	int			evaluations;
	int			errors;			/* rules that failed to run */
	bool		critical;		/* a critical rule is broken */
} RowScore;

extern RowScore *crm_row_score_create(const RuleSet *ruleset);
extern void crm_row_score_begin(const RuleSet *ruleset, RowScore *score);
extern void crm_row_score_add(const Rule *rule, RuleOutcome outcome,
							  RowScore *score);
extern void crm_row_score_finish(const RuleSet *ruleset, const RowScore *score,
								 DqScore *result);

/* Weighted means: of cells by dimension, and of dimensions. */
extern void crm_score_means(const RuleSet *ruleset, const double *ratios,
							const bool *assessed, DqScore *result);

#endif							/* CRM_SCORE_STATE_H */
