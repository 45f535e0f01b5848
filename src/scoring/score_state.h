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

/* Risks are counted in eighths, so that sums of them are exact. */
#define CRM_RISK_UNITS	8

/* What one row gave. */
typedef struct RowScore
{
	uint8	   *cells;			/* by index into RuleSet.cells: 0 if not
								 * assessed, else 1 + the largest risk of its
								 * rules in units */
	int			violations;		/* of severity warning or more */
	int			evaluations;
	int			errors;			/* rules that failed to run */
	bool		critical;		/* a critical rule is broken */
} RowScore;

/* Sums over rows.  Tallies of the same rule set can be added and subtracted. */
typedef struct ScoreTally
{
	int64		rows;			/* that count */
	int64		clean;			/* without a violation */
	int64		evaluations;
	int64		errors;
	int64	   *assessed;		/* by cell: rows */
	int64	   *failed;			/* rows with a risk */
	int64	   *lost;			/* sum of risks, in units */
} ScoreTally;

extern RowScore *crm_row_score_create(const RuleSet *ruleset);
extern void crm_row_score_begin(const RuleSet *ruleset, RowScore *score);
extern void crm_row_score_add(const Rule *rule, RuleOutcome outcome,
							  RowScore *score);

/* Risk of an outcome, in units; 0 unless it is a violation. */
extern int	crm_outcome_risk(const Rule *rule, RuleOutcome outcome);

extern void crm_row_score_violate(const Rule *rule, RuleOutcome outcome,
								  const Bitmapset *cells, RowScore *score);
extern void crm_row_score_copy(const RuleSet *ruleset, RowScore *to,
							   const RowScore *from);
extern void crm_row_score_finish(const RuleSet *ruleset, const RowScore *score,
								 DqScore *result);

extern ScoreTally *crm_tally_create(int ncells);
extern void crm_tally_clear(ScoreTally *tally, int ncells);
extern bool crm_tally_is_empty(const ScoreTally *tally, int ncells);
extern void crm_tally_add_row(ScoreTally *tally, const RowScore *score,
							  int ncells, int sign);
extern void crm_tally_add(ScoreTally *tally, const ScoreTally *other,
						  int ncells);
extern void crm_tally_violate(ScoreTally *tally, const Rule *rule,
							  RuleOutcome outcome);
extern Bitmapset *crm_failed_cells(const RuleSet *ruleset, const bool *judged,
								   const bool *failed);
extern void crm_tally_drop_cells(ScoreTally *tally, const Bitmapset *cells);
extern void crm_tally_score(const RuleSet *ruleset, const ScoreTally *tally,
							DqScore *result);

/* Weighted means: of cells by dimension, and of dimensions. */
extern void crm_score_means(const RuleSet *ruleset, const double *ratios,
							const bool *assessed, DqScore *result);

#endif							/* CRM_SCORE_STATE_H */
