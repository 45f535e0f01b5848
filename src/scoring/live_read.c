/*-------------------------------------------------------------------------
 *
 * live_read.c
 *		Scores as they are now: the last baseline and what was written since.
 *
 * No table of the CRM is read, so that the figures cost what there are of
 * cells and of deltas that wait to be folded.  Whoever may call these
 * functions sees the figures of all tables; they hold no row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "rules/rules_private.h"
#include "scoring/live_private.h"

PG_FUNCTION_INFO_V1(crmaudit_live_table_score);
PG_FUNCTION_INFO_V1(crmaudit_live_column_scores);
PG_FUNCTION_INFO_V1(crmaudit_live_owner_scores);
PG_FUNCTION_INFO_V1(crmaudit_live_owner_cells);

/* A table's sums as the reader sees them; NULL if there is no baseline. */
static ScoreSums *
sums_now(Oid target, bool owners)
{
	ScoreSums  *sums = crm_sums_read(target, GetActiveSnapshot(), owners, NULL);

	if (!sums->is_swept)
		return NULL;
	crm_sums_add_own(sums);
	return sums;
}

/*
 * Whether the figures follow every write: no other rules are in force, and
 * nothing was left uncounted.
 */
static bool
sums_are_live(const ScoreSums *sums)
{
	TargetSource source;

	return !sums->is_stale && crm_catalog_target(sums->target, &source) &&
		source.rule_set_version == sums->rules->rule_set_version &&
		source.live_scores;
}

/*
 * The cells of a table, or of an owner's rows, as they are: those that writes
 * change, and of the others what the last sweep said.
 */
static ScoreTally *
cells_now(const RuleSet *rules, const ScoreTally *now, const ScoreTally *full)
{
	int			ncells = rules->ncells;
	ScoreTally *cells = crm_tally_create(ncells);

	for (int i = 0; i < ncells; i++)
	{
		const ScoreTally *from = rules->cells[i].is_live ? now : full;

		/* an emptied table has no score */
		if (now->rows <= 0)
			continue;
		cells->assessed[i] = from->assessed[i];
		cells->failed[i] = from->failed[i];
		cells->lost[i] = from->lost[i];
	}
	return cells;
}

/*
 * Share of rows without a violation: by the live rules it is counted; what the
 * others add is the last sweep's ratio.
 */
static bool
clean_row_rate(const ScoreTally *now, const ScoreTally *base,
			   const ScoreTally *full, Datum *datum)
{
	double		ratio;

	if (full->clean == base->clean || base->clean == 0)
		return crm_ratio_datum(now->clean, now->rows, datum);
	ratio = (double) full->clean / base->clean;
	return crm_ratio_datum((int64) (now->clean * ratio), now->rows, datum);
}

/*
 * Share of evaluations that ran; other rules than live ones ran as often for
 * a row as in the last sweep.
 */
static bool
coverage(const ScoreTally *now, const ScoreTally *base, const ScoreTally *full,
		 Datum *datum)
{
	int64		evaluations = now->evaluations;
	int64		errors = now->errors;

	if (base->rows > 0)
	{
		double		growth = (double) now->rows / base->rows;

		evaluations += (full->evaluations - base->evaluations) * growth;
		errors += (full->errors - base->errors) * growth;
	}
	return crm_ratio_datum(evaluations - errors, evaluations, datum);
}

/*
 * crmaudit.live_table_score(target regclass): rows, score, clean_row_rate,
 * coverage, rule_set_version, as_of, stale, deltas; NULL before the first
 * sweep.
 */
Datum
crmaudit_live_table_score(PG_FUNCTION_ARGS)
{
	ScoreSums  *sums = sums_now(PG_GETARG_OID(0), false);
	DqScore		score;
	TupleDesc	desc;
	bool		is_live;
	Datum		values[8];
	bool		nulls[8] = {false};

	if (sums == NULL)
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	is_live = sums_are_live(sums);
	crm_tally_score(sums->rules, cells_now(sums->rules, sums->now, sums->full),
					&score);
	values[0] = Int64GetDatum(sums->now->rows);
	values[1] = PointerGetDatum(&score);
	nulls[1] = score.parts[0] == DQSCORE_NULL;
	nulls[2] = !clean_row_rate(sums->now, sums->base, sums->full, &values[2]);
	nulls[3] = !coverage(sums->now, sums->base, sums->full, &values[3]);
	values[4] = Int32GetDatum(sums->rules->rule_set_version);
	values[5] = TimestampTzGetDatum(is_live ?
									GetCurrentTransactionStartTimestamp() :
									sums->as_of);
	values[6] = BoolGetDatum(sums->is_stale);
	values[7] = Int64GetDatum(sums->ndeltas);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/*
 * crmaudit.live_column_scores(target regclass): a row for each column and
 * dimension.
 */
Datum
crmaudit_live_column_scores(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ScoreSums  *sums = sums_now(PG_GETARG_OID(0), false);
	ScoreTally *cells;

	InitMaterializedSRF(fcinfo, 0);
	if (sums == NULL)
		return (Datum) 0;
	cells = cells_now(sums->rules, sums->now, sums->full);
	for (int i = 0; i < sums->rules->ncells; i++)
	{
		const ScoreCell *cell = &sums->rules->cells[i];
		Datum		values[8];
		bool		nulls[8] = {false};

		values[0] = CStringGetTextDatum(cell->column);
		values[1] = CStringGetTextDatum(crm_dimension_names[cell->dimension]);
		values[2] = Int64GetDatum(cells->assessed[i]);
		values[3] = Int64GetDatum(cells->failed[i]);
		nulls[4] = !crm_cell_score_datum(cells->lost[i], cells->assessed[i],
										 &values[4]);
		values[5] = Int64GetDatum(cells->lost[i]);
		values[6] = Float4GetDatum(cell->weight);
		values[7] = BoolGetDatum(cell->is_live);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * crmaudit.live_owner_scores(target regclass): a row for each owner.  One who
 * had no rows at the last sweep has no figures of the rules that are not live.
 */
Datum
crmaudit_live_owner_scores(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ScoreSums  *sums = sums_now(PG_GETARG_OID(0), true);
	HASH_SEQ_STATUS status;
	OwnerSum   *sum;

	InitMaterializedSRF(fcinfo, 0);
	if (sums == NULL)
		return (Datum) 0;
	hash_seq_init(&status, sums->owners);
	while ((sum = hash_seq_search(&status)) != NULL)
	{
		DqScore		score;
		Datum		values[5];
		bool		nulls[5] = {false};

		if (sum->now->rows == 0)
			continue;
		crm_tally_score(sums->rules,
						cells_now(sums->rules, sum->now, sum->full), &score);
		nulls[0] = !sum->key.has_owner;
		if (sum->key.has_owner)
			values[0] = CStringGetTextDatum(sum->key.owner);
		values[1] = Int64GetDatum(sum->now->rows);
		values[2] = PointerGetDatum(&score);
		nulls[2] = score.parts[0] == DQSCORE_NULL;
		nulls[3] = !clean_row_rate(sum->now, sum->base, sum->full, &values[3]);
		nulls[4] = !coverage(sum->now, sum->base, sum->full, &values[4]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * crmaudit.live_owner_cells(target regclass): a row for each owner, column and
 * dimension.
 */
Datum
crmaudit_live_owner_cells(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ScoreSums  *sums = sums_now(PG_GETARG_OID(0), true);
	HASH_SEQ_STATUS status;
	OwnerSum   *sum;

	InitMaterializedSRF(fcinfo, 0);
	if (sums == NULL)
		return (Datum) 0;
	hash_seq_init(&status, sums->owners);
	while ((sum = hash_seq_search(&status)) != NULL)
	{
		ScoreTally *cells = cells_now(sums->rules, sum->now, sum->full);

		for (int i = 0; i < sums->rules->ncells; i++)
		{
			const ScoreCell *cell = &sums->rules->cells[i];
			Datum		values[6];
			bool		nulls[6] = {false};

			if (cells->assessed[i] <= 0)
				continue;
			nulls[0] = !sum->key.has_owner;
			if (sum->key.has_owner)
				values[0] = CStringGetTextDatum(sum->key.owner);
			values[1] = CStringGetTextDatum(cell->column);
			values[2] = CStringGetTextDatum(crm_dimension_names[cell->dimension]);
			values[3] = Int64GetDatum(cells->assessed[i]);
			values[4] = Int64GetDatum(cells->lost[i]);
			values[5] = Float4GetDatum(cell->weight);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
								 nulls);
		}
		pfree(cells);
	}
	return (Datum) 0;
}
