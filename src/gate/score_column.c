/*-------------------------------------------------------------------------
 *
 * score_column.c
 *		Keeps a column of the CRM's own table filled with the row's score.
 *
 * The column has the role "score".  What a statement writes into it is
 * replaced; it is NULL where nothing was assessed, or the row does not count.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#include "gate/gate.h"
#include "scoring/score_state.h"

extern Datum crmaudit_dqscore_to_numeric(PG_FUNCTION_ARGS);

/* Computes the row's score, from outcomes that are known as far as they are. */
static void
row_score(const RuleSet *ruleset, const RuleRow *row, RuleOutcome *known,
		  DqScore *score)
{
	RowScore   *sums = crm_row_score_create(ruleset);

	for (int i = 0; i < ruleset->nrules; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		if (rule->broken || !rule->kind_level_row)
			continue;
		if (known[i].state == RULE_UNKNOWN)
			known[i] = crm_rule_eval_guarded(rule, row);
		crm_row_score_add(rule, known[i], sums);
	}
	crm_row_score_finish(ruleset, sums, score);
}

/* The score as a value of the column. */
static Datum
score_datum(const RuleColumn *column, const DqScore *score)
{
	double		points = score->parts[0] / (double) DQSCORE_UNITS;

	switch (column->typid)
	{
		case NUMERICOID:
			return DirectFunctionCall2(numeric,
									   DirectFunctionCall1(crmaudit_dqscore_to_numeric,
														   PointerGetDatum(score)),
									   Int32GetDatum(column->typmod));
		case FLOAT4OID:
			return Float4GetDatum((float4) points);
		case FLOAT8OID:
			return Float8GetDatum(points);
		case INT2OID:
			return Int16GetDatum((int16) (points + 0.5));
		case INT4OID:
			return Int32GetDatum((int32) (points + 0.5));
		case INT8OID:
			return Int64GetDatum((int64) (points + 0.5));
		default:
			return PointerGetDatum(score);
	}
}

/* Whether an UPDATE writes something else into the column. */
static bool
column_is_changed(const RuleColumn *column, const RuleRow *row)
{
	int			i = column->attnum - 1;

	if (row->old->tts_isnull[i] || row->slot->tts_isnull[i])
		return row->old->tts_isnull[i] != row->slot->tts_isnull[i];
	return !datum_image_eq(row->old->tts_values[i], row->slot->tts_values[i],
						   column->typbyval, column->typlen);
}

/*
 * Returns the tuple with the score in it.  "any_changed": the row is new, or
 * something that rules read is.
 */
HeapTuple
crm_fill_score(const RuleSet *ruleset, Relation rel, const RuleRow *row,
			   bool row_is_live, bool any_changed, HeapTuple tuple)
{
	const RuleColumn *column = ruleset->score;
	int			attnum = column->attnum;
	DqScore    *score = palloc(sizeof(DqScore));
	bool		isnull = true;
	Datum		value = (Datum) 0;

	if (!any_changed && !column_is_changed(column, row))
		return tuple;
	if (!any_changed)
		row_is_live = crm_gate_live(ruleset, row, false);
	if (row_is_live)
	{
		row_score(ruleset, row, ruleset->after, score);
		isnull = score->parts[0] == DQSCORE_NULL;
		if (!isnull)
			value = score_datum(column, score);
	}
	return heap_modify_tuple_by_cols(tuple, RelationGetDescr(rel), 1, &attnum,
									 &value, &isnull);
}
