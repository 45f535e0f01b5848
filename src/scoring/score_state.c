/*-------------------------------------------------------------------------
 *
 * score_state.c
 *		Formulas of a row's and a table's score.
 *
 * A cell is a column in a dimension.  In a row it has 1 - max(risk(severity)
 * x f) over its rules, where f is 0, 1/2 or 1 for valid, suspect, invalid.
 * Rules with nothing to check are left out; so are rules that fail to run,
 * which lower the coverage instead.  A dimension is the mean of its assessed
 * cells by weight, the row 100 times the mean of its assessed dimensions by
 * weight.  In a table a cell is the ratio of the sum to the number of rows
 * where it was assessed (X = A/B of ISO/IEC 25024), then the same means.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "scoring/score_state.h"

/* Above which no row with a critical violation scores. */
#define CRITICAL_CAP	(49 * DQSCORE_UNITS)

/* By severity: how much of a cell a violation costs, in units. */
static const uint8 severity_risk[CRM_SEVERITIES] = {0, 2, 6, 8};

/* Makes room for a row's score, in the current memory context. */
RowScore *
crm_row_score_create(const RuleSet *ruleset)
{
	RowScore   *score = palloc0(sizeof(RowScore));

	score->cells = palloc0(ruleset->ncells + 1);
	return score;
}

/* Begins another row. */
void
crm_row_score_begin(const RuleSet *ruleset, RowScore *score)
{
	uint8	   *cells = score->cells;

	memset(cells, 0, ruleset->ncells);
	memset(score, 0, sizeof(RowScore));
	score->cells = cells;
}

int
crm_outcome_risk(const Rule *rule, RuleOutcome outcome)
{
	int			risk = severity_risk[rule->severity];

	return outcome.state == RULE_FAILED ? risk :
		outcome.state == RULE_SUSPECT ? risk / 2 : 0;
}

/*
 * Enters a violation of a rule whose evaluation was counted before.  It costs
 * those of the rule's cells that are in "cells"; NULL: all.
 */
void
crm_row_score_violate(const Rule *rule, RuleOutcome outcome,
					  const Bitmapset *cells, RowScore *score)
{
	uint8		risk = crm_outcome_risk(rule, outcome);

	score->violations += rule->severity >= CRM_WARNING;
	score->critical |= rule->severity == CRM_CRITICAL &&
		outcome.state == RULE_FAILED;
	for (int i = 0; i < rule->ncells; i++)
	{
		uint8	   *cell = &score->cells[rule->cells[i]];

		if (cells == NULL || bms_is_member(rule->cells[i], cells))
			*cell = Max(*cell, 1 + risk);
	}
}

/* Enters what one rule said of the row. */
void
crm_row_score_add(const Rule *rule, RuleOutcome outcome, RowScore *score)
{
	if (outcome.state == RULE_NOT_ASSESSED)
		return;
	score->evaluations++;
	if (outcome.state == RULE_ERROR)
	{
		score->errors++;
		return;
	}
	if (outcome.state != RULE_PASSED)
	{
		crm_row_score_violate(rule, outcome, NULL, score);
		return;
	}
	for (int i = 0; i < rule->ncells; i++)
	{
		uint8	   *cell = &score->cells[rule->cells[i]];

		*cell = Max(*cell, 1);
	}
}

void
crm_row_score_copy(const RuleSet *ruleset, RowScore *to, const RowScore *from)
{
	uint8	   *cells = to->cells;

	memcpy(cells, from->cells, ruleset->ncells);
	*to = *from;
	to->cells = cells;
}

/* Makes an empty tally of so many cells, in one piece. */
ScoreTally *
crm_tally_create(int ncells)
{
	ScoreTally *tally = palloc0(MAXALIGN(sizeof(ScoreTally)) +
								3 * ncells * sizeof(int64));

	tally->assessed = (int64 *) ((char *) tally + MAXALIGN(sizeof(ScoreTally)));
	tally->failed = tally->assessed + ncells;
	tally->lost = tally->failed + ncells;
	return tally;
}

/* Empties a tally that crm_tally_create() made. */
void
crm_tally_clear(ScoreTally *tally, int ncells)
{
	tally->rows = 0;
	tally->clean = 0;
	tally->evaluations = 0;
	tally->errors = 0;
	memset(tally->assessed, 0, 3 * ncells * sizeof(int64));
}

/* Whether it says nothing. */
bool
crm_tally_is_empty(const ScoreTally *tally, int ncells)
{
	if (tally->rows != 0 || tally->clean != 0 || tally->evaluations != 0 ||
		tally->errors != 0)
		return false;
	for (int i = 0; i < ncells; i++)
	{
		if (tally->assessed[i] != 0 || tally->failed[i] != 0 ||
			tally->lost[i] != 0)
			return false;
	}
	return true;
}

/* Enters a row (sign 1), or takes it out again (-1). */
void
crm_tally_add_row(ScoreTally *tally, const RowScore *score, int ncells,
				  int sign)
{
	tally->rows += sign;
	tally->clean += score->violations == 0 ? sign : 0;
	tally->evaluations += sign * score->evaluations;
	tally->errors += sign * score->errors;
	for (int i = 0; i < ncells; i++)
	{
		uint8		cell = score->cells[i];

		if (cell == 0)
			continue;
		tally->assessed[i] += sign;
		if (cell > 1)
		{
			tally->failed[i] += sign;
			tally->lost[i] += sign * (cell - 1);
		}
	}
}

/* Adds one tally to another. */
void
crm_tally_add(ScoreTally *tally, const ScoreTally *other, int ncells)
{
	tally->rows += other->rows;
	tally->clean += other->clean;
	tally->evaluations += other->evaluations;
	tally->errors += other->errors;
	for (int i = 0; i < ncells; i++)
	{
		tally->assessed[i] += other->assessed[i];
		tally->failed[i] += other->failed[i];
		tally->lost[i] += other->lost[i];
	}
}

/* Has a rule that the table as a whole breaks cost all rows of its cells. */
void
crm_tally_violate(ScoreTally *tally, const Rule *rule, RuleOutcome outcome)
{
	int			risk = crm_outcome_risk(rule, outcome);

	for (int i = 0; i < rule->ncells; i++)
	{
		int			cell = rule->cells[i];

		tally->lost[cell] = Max(tally->lost[cell], risk * tally->assessed[cell]);
		if (risk > 0)
			tally->failed[cell] = tally->assessed[cell];
	}
}

/*
 * The cells of rules that failed to run as a whole, unless another rule on
 * them was judged: nothing is known of them.
 */
Bitmapset *
crm_failed_cells(const RuleSet *ruleset, const bool *judged, const bool *failed)
{
	Bitmapset  *cells = NULL;

	for (int i = 0; i < ruleset->nall; i++)
	{
		for (int j = 0; failed[i] && j < ruleset->rules[i].ncells; j++)
			cells = bms_add_member(cells, ruleset->rules[i].cells[j]);
	}
	for (int i = 0; i < ruleset->nall; i++)
	{
		for (int j = 0; judged[i] && j < ruleset->rules[i].ncells; j++)
			cells = bms_del_member(cells, ruleset->rules[i].cells[j]);
	}
	return cells;
}

/* Has cells not be assessed. */
void
crm_tally_drop_cells(ScoreTally *tally, const Bitmapset *cells)
{
	int			cell = -1;

	while ((cell = bms_next_member(cells, cell)) >= 0)
		tally->assessed[cell] = tally->failed[cell] = tally->lost[cell] = 0;
}

/* Computes a table's score. */
void
crm_tally_score(const RuleSet *ruleset, const ScoreTally *tally,
				DqScore *result)
{
	int			ncells = ruleset->ncells;
	double	   *ratios = palloc0((ncells + 1) * sizeof(double));
	bool	   *assessed = palloc0((ncells + 1) * sizeof(bool));

	for (int i = 0; i < ncells; i++)
	{
		assessed[i] = tally->assessed[i] > 0;
		if (assessed[i])
			ratios[i] = 1 - (double) tally->lost[i] /
				(CRM_RISK_UNITS * (double) tally->assessed[i]);
	}
	crm_score_means(ruleset, ratios, assessed, result);
	pfree(ratios);
	pfree(assessed);
}

void
crm_score_means(const RuleSet *ruleset, const double *ratios,
				const bool *assessed, DqScore *result)
{
	double		sums[CRM_DIMENSIONS] = {0};
	double		weights[CRM_DIMENSIONS] = {0};
	double		sum = 0;
	double		weight = 0;

	for (int i = 0; i < ruleset->ncells; i++)
	{
		const ScoreCell *cell = &ruleset->cells[i];

		if (!assessed[i])
			continue;
		sums[cell->dimension] += cell->weight * ratios[i];
		weights[cell->dimension] += cell->weight;
	}
	for (int i = 0; i < CRM_DIMENSIONS; i++)
	{
		result->parts[1 + i] = DQSCORE_NULL;
		if (weights[i] == 0)
			continue;
		result->parts[1 + i] = dqscore_part(sums[i] / weights[i]);
		sum += ruleset->dimension_weights[i] * sums[i] / weights[i];
		weight += ruleset->dimension_weights[i];
	}
	result->parts[0] = weight > 0 ? dqscore_part(sum / weight) : DQSCORE_NULL;
}

/* Computes the row's score. */
void
crm_row_score_finish(const RuleSet *ruleset, const RowScore *score,
					 DqScore *result)
{
	double	   *ratios = palloc((ruleset->ncells + 1) * sizeof(double));
	bool	   *assessed = palloc((ruleset->ncells + 1) * sizeof(bool));

	for (int i = 0; i < ruleset->ncells; i++)
	{
		assessed[i] = score->cells[i] > 0;
		ratios[i] = assessed[i] ?
			1 - (score->cells[i] - 1) / (double) CRM_RISK_UNITS : 0;
	}
	crm_score_means(ruleset, ratios, assessed, result);
	if (score->critical && result->parts[0] > CRITICAL_CAP)
		result->parts[0] = CRITICAL_CAP;
	pfree(ratios);
	pfree(assessed);
}
