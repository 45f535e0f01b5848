/*-------------------------------------------------------------------------
 *
 * sweep_scan.c
 *		A sweep's pass over the rows of a relation: every rule about a row by
 *		itself is evaluated, and every kind that looks at other rows takes
 *		what it needs.
 *
 * SQL of a rule can fail.  A subtransaction for every rule and row would cost
 * more than most rules, so one is open for many rows; when a rule fails, the
 * row alone is judged again with a subtransaction for each rule.  A row has
 * no effect on what is counted before all of its rules are evaluated.  In a
 * worker there are no subtransactions: the error ends the parallel attempt.
 *
 * Memory: what a row needs is in a context that is reset for each row.
 *
 * Resources: pins of the scan belong to the sweep, not to the subtransaction
 * that happens to be open.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "rules/rule_value.h"
#include "sweep/sweep.h"

/* Rows judged in one subtransaction. */
#define GUARD_ROWS	1000

/* Rows after which progress is told. */
#define PROGRESS_ROWS	1000

/* Opens the subtransaction that many rows share. */
static void
guard_open(SweepTable *sweep)
{
	MemoryContext context = CurrentMemoryContext;

	BeginInternalSubTransaction(NULL);
	sweep->guard_resowner = CurrentResourceOwner;
	CurrentResourceOwner = sweep->resowner;
	MemoryContextSwitchTo(context);
	sweep->guard_is_open = true;
	sweep->guard_rows = 0;
}

/* Ends it, if it is open. */
void
crm_sweep_guard_close(SweepTable *sweep)
{
	MemoryContext context = CurrentMemoryContext;

	if (!sweep->guard_is_open)
		return;
	sweep->guard_is_open = false;
	CurrentResourceOwner = sweep->guard_resowner;
	ReleaseCurrentSubTransaction();
	CurrentResourceOwner = sweep->resowner;
	MemoryContextSwitchTo(context);
}

/* Evaluates the rules of the plan that run SQL, and says if the row counts. */
static bool
judge_guarded(SweepTable *sweep, SweepLeaf *leaf, const RuleRow *row,
			  bool one_by_one)
{
	const RuleSet *ruleset = leaf->ruleset;

	if (one_by_one ? !crm_ruleset_live_guarded(ruleset, row) :
		!crm_ruleset_live(ruleset, row))
		return false;
	for (int i = 0; i < leaf->nplan; i++)
	{
		const Rule *rule = &ruleset->rules[leaf->plan[i]];

		if (!rule->is_guarded)
			continue;
		sweep->outcomes[i] = one_by_one ? crm_rule_eval_guarded(rule, row) :
			crm_rule_eval(rule, row);
	}
	for (int i = 0; i < leaf->nset; i++)
	{
		const Rule *rule = &ruleset->rules[leaf->set[i]];

		if (!rule->is_guarded)
			continue;
		/* what is asked is whether it can be judged */
		sweep->outcomes[leaf->nplan + i] = one_by_one ?
			crm_rule_condition_guarded(rule, row) :
			crm_rule_condition(rule, row);
	}
	return true;
}

/* The same, where one of them may fail. */
static bool
judge_with_guard(SweepTable *sweep, SweepLeaf *leaf, const RuleRow *row)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool is_live = false;
	volatile bool failed = false;

	if (sweep->in_worker)
		return judge_guarded(sweep, leaf, row, false);
	if (sweep->guard_is_open && sweep->guard_rows >= GUARD_ROWS)
		crm_sweep_guard_close(sweep);
	if (!sweep->guard_is_open)
		guard_open(sweep);
	sweep->guard_rows++;
	CurrentResourceOwner = sweep->guard_resowner;
	PG_TRY();
	{
		is_live = judge_guarded(sweep, leaf, row, false);
		CurrentResourceOwner = sweep->resowner;
	}
	PG_CATCH();
	{
		int			sqlstate;

		MemoryContextSwitchTo(context);
		sqlstate = geterrcode();
		if (crm_error_cancels(sqlstate))
			PG_RE_THROW();
		FlushErrorState();
		sweep->guard_is_open = false;
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = sweep->resowner;
		failed = true;
	}
	PG_END_TRY();
	return failed ? judge_guarded(sweep, leaf, row, true) : is_live;
}

/* Passes a violation of the row in the leaf's slot on. */
static void
emit_violation(SweepTable *sweep, SweepLeaf *leaf, int index,
			   RuleOutcome outcome, Jsonb **row_key)
{
	SweepFinding finding = {index, outcome};

	if (*row_key == NULL)
		*row_key = crm_row_key(&leaf->ruleset->key, leaf->slot);
	finding.row_key = *row_key;
	sweep->emit(sweep, &finding);
	sweep->totals.findings++;
}

/* Counts, and passes on, what the rules about the row by itself said. */
static void
enter_outcomes(SweepTable *sweep, SweepLeaf *leaf, bool emits)
{
	Jsonb	   *row_key = NULL;

	crm_row_score_begin(leaf->ruleset, sweep->live_score);
	for (int i = 0; i < leaf->nplan; i++)
	{
		const Rule *rule = &leaf->ruleset->rules[leaf->plan[i]];
		RuleOutcome outcome = sweep->outcomes[i];

		if (i == leaf->nimmutable)
			crm_row_score_copy(leaf->ruleset, sweep->full_score,
							   sweep->live_score);
		if (outcome.state == RULE_NOT_ASSESSED)
			continue;
		crm_row_score_add(rule, outcome, i < leaf->nimmutable ?
						  sweep->live_score : sweep->full_score);
		if (emits)
		{
			SweepRule  *swept = &sweep->rules[leaf->indexes[leaf->plan[i]]];

			swept->assessed++;
			if (outcome.state == RULE_PASSED)
				continue;
			swept->failures += outcome.state != RULE_ERROR;
			swept->errors += outcome.state == RULE_ERROR;
			emit_violation(sweep, leaf, leaf->indexes[leaf->plan[i]], outcome,
						   &row_key);
		}
	}
	if (leaf->nimmutable == leaf->nplan)
		crm_row_score_copy(leaf->ruleset, sweep->full_score, sweep->live_score);
	sweep->full_score->evaluations += leaf->nbroken;
	sweep->full_score->errors += leaf->nbroken;
}

/* Hands the row's value to those who bring equal ones together. */
static void
collect_value(SweepTable *sweep, SweepLeaf *leaf, const Rule *rule,
			  const RuleRow *row, SweepGroup *group)
{
	const char *data;
	int			length;
	int			bits = sweep->location_bits;
	uint64		hash;

	if (!rule->set->value(rule, row, &data, &length))
		return;
	hash = hash_bytes_extended((const unsigned char *) data, length, 0);
	crm_sweep_group_put(sweep, group,
						(int64) ((hash >> bits) << bits |
								 crm_sweep_location(sweep, leaf, &leaf->slot->tts_tid)));
}

/* Enters a row for the kinds that look at other rows: so far it passes. */
static void
enter_sets(SweepTable *sweep, SweepLeaf *leaf, const RuleRow *row, bool emits)
{
	for (int i = 0; i < leaf->nset; i++)
	{
		const Rule *rule = &leaf->ruleset->rules[leaf->set[i]];
		SweepRule  *swept = &sweep->rules[leaf->indexes[leaf->set[i]]];

		if (rule->is_guarded &&
			sweep->outcomes[leaf->nplan + i].state != RULE_PASSED)
		{
			swept->errors += emits &&
				sweep->outcomes[leaf->nplan + i].state == RULE_ERROR;
			continue;
		}
		swept->rows += emits;
		if (emits && rule->set->counts)
			swept->counted += rule->set->counts(rule, row);
		if (!crm_rule_assesses(rule, row))
			continue;
		crm_row_score_add(rule, RULE_PASS, sweep->full_score);
		if (!emits)
			continue;
		swept->assessed++;
		if (swept->group >= 0)
			collect_value(sweep, leaf, rule, row,
						  &sweep->groups[swept->group]);
	}
}

/*
 * Judges the row in the leaf's slot, and leaves its scores in live_score and
 * full_score; false if it does not count.  If "emits" it is counted and its
 * violations are passed on.
 */
bool
crm_sweep_judge(SweepTable *sweep, SweepLeaf *leaf, bool emits)
{
	const RuleSet *ruleset = leaf->ruleset;
	RuleRow		row = {leaf->slot, NULL, ruleset};
	MemoryContext old = MemoryContextSwitchTo(sweep->row_context);
	bool		is_live = true;

	MemoryContextReset(sweep->row_context);
	slot_getsomeattrs(leaf->slot, ruleset->max_attnum);
	if (ruleset->has_guarded || ruleset->live)
	{
		crm_ruleset_begin_row(ruleset);
		is_live = judge_with_guard(sweep, leaf, &row);
	}
	if (is_live)
	{
		for (int i = 0; i < leaf->nplan; i++)
		{
			const Rule *rule = &ruleset->rules[leaf->plan[i]];

			if (!rule->is_guarded)
				sweep->outcomes[i] = rule->eval(rule, &row);
		}
		enter_outcomes(sweep, leaf, emits);
		enter_sets(sweep, leaf, &row, emits);
	}
	MemoryContextSwitchTo(old);
	return is_live;
}

/* Counts a row that was judged. */
void
crm_sweep_count_row(SweepTable *sweep, SweepLeaf *leaf)
{
	int			ncells = sweep->ruleset->ncells;
	SweepSums  *sums = crm_sweep_row_sums(sweep, leaf);

	sweep->totals.rows++;
	crm_tally_add_row(sums->live, sweep->live_score, ncells, 1);
	if (!sweep->full_is_live)
		crm_tally_add_row(sums->full, sweep->full_score, ncells, 1);
}

/* Tells how far the scan has come. */
static void
report_progress(SweepTable *sweep, SweepTotals *reported, int64 *blocks)
{
	SweepProgress *progress = sweep->progress;

	CHECK_FOR_INTERRUPTS();
	if (progress == NULL)
		return;
	pg_atomic_fetch_add_u64(&progress->rows,
							sweep->totals.rows - reported->rows);
	pg_atomic_fetch_add_u64(&progress->findings,
							sweep->totals.findings - reported->findings);
	pg_atomic_fetch_add_u64(&progress->blocks_done, *blocks);
	*blocks = 0;
	*reported = sweep->totals;
}

/* Reads a relation, or a worker's part of it, and judges its rows. */
void
crm_sweep_scan_leaf(SweepTable *sweep, SweepLeaf *leaf, TableScanDesc scan)
{
	SweepTotals reported = sweep->totals;
	BlockNumber last_block = InvalidBlockNumber;
	int64		blocks = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, leaf->slot))
	{
		BlockNumber block = ItemPointerGetBlockNumber(&leaf->slot->tts_tid);

		blocks += block != last_block;
		last_block = block;
		if (crm_sweep_judge(sweep, leaf, true))
			crm_sweep_count_row(sweep, leaf);
		if (++sweep->totals.scanned % PROGRESS_ROWS == 0)
			report_progress(sweep, &reported, &blocks);
	}
	report_progress(sweep, &reported, &blocks);
	crm_sweep_guard_close(sweep);
}
