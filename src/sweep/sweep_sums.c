/*-------------------------------------------------------------------------
 *
 * sweep_sums.c
 *		What a sweep counts, by the owners of rows.
 *
 * The scan adds a row to its owner's sums only; those of the table are the sum
 * of them.  What the kinds that look at other rows find afterwards is entered
 * in both.
 *
 * Memory: two tallies for each owner, in SweepTable.context; one where all
 * rules are immutable.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "sweep/sweep.h"

/* Called for each owner's sums; "owner" is NULL for rows that have none. */
typedef void (*SumsVisit) (SweepTable *sweep, const char *owner,
						   SweepSums *sums, void *argument);

/* Makes empty sums, in the current memory context. */
void
crm_sweep_sums_create(SweepTable *sweep, SweepSums *sums)
{
	sums->live = crm_tally_create(sweep->ruleset->ncells);
	sums->full = sweep->full_is_live ? sums->live :
		crm_tally_create(sweep->ruleset->ncells);
}

/* The sums of an owner's rows. */
SweepSums *
crm_sweep_owner_sums(SweepTable *sweep, const char *owner)
{
	OwnerEntry *entry;
	bool		found;

	entry = hash_search(sweep->owners, owner, HASH_ENTER, &found);
	if (!found)
	{
		MemoryContext old = MemoryContextSwitchTo(sweep->context);

		crm_sweep_sums_create(sweep, &entry->sums);
		MemoryContextSwitchTo(old);
	}
	return &entry->sums;
}

/* The sums that the row in the leaf's slot belongs to. */
SweepSums *
crm_sweep_row_sums(SweepTable *sweep, SweepLeaf *leaf)
{
	char		owner[CRM_OWNER_MAX];

	if (leaf->ruleset->owner == NULL ||
		!crm_score_owner(leaf->ruleset, leaf->slot, owner))
		return &sweep->ownerless;
	return crm_sweep_owner_sums(sweep, owner);
}

static void
sums_visit(SweepTable *sweep, SumsVisit visit, void *argument)
{
	HASH_SEQ_STATUS status;
	OwnerEntry *entry;

	if (sweep->ownerless.live->rows > 0 || sweep->owners == NULL)
		visit(sweep, NULL, &sweep->ownerless, argument);
	if (sweep->owners == NULL)
		return;
	hash_seq_init(&status, sweep->owners);
	while ((entry = hash_seq_search(&status)) != NULL)
		visit(sweep, entry->owner, &entry->sums, argument);
}

static void
add_full(SweepTable *sweep, const char *owner, SweepSums *sums, void *argument)
{
	crm_tally_add(sweep->full_tally, sums->full, sweep->ruleset->ncells);
}

/* Adds up what the scan counted. */
void
crm_sweep_sums_total(SweepTable *sweep)
{
	sums_visit(sweep, add_full, NULL);
}

static void
add_errors(SweepTable *sweep, const char *owner, SweepSums *sums,
		   void *argument)
{
	sums->full->errors += (int64) (*(double *) argument * sums->full->rows);
}

/*
 * A rule failed to run on so many rows after it was counted.  Of which owners
 * they are was not noted: each has his share by rows.
 */
void
crm_sweep_sums_failed(SweepTable *sweep, int64 errors)
{
	double		share = sweep->full_tally->rows > 0 ?
	(double) errors / sweep->full_tally->rows : 0;

	sweep->full_tally->errors += errors;
	sums_visit(sweep, add_errors, &share);
}

static void
drop_cells(SweepTable *sweep, const char *owner, SweepSums *sums,
		   void *argument)
{
	crm_tally_drop_cells(sums->full, argument);
}

/*
 * Leaves out the cells of rules that failed to run as a whole: the scan counted
 * their rows as if they passed.
 */
void
crm_sweep_sums_drop_failed(SweepTable *sweep)
{
	bool	   *judged = palloc0((sweep->nrules + 1) * sizeof(bool));
	bool	   *failed = palloc0((sweep->nrules + 1) * sizeof(bool));
	Bitmapset  *cells;

	for (int i = 0; i < sweep->nrules; i++)
	{
		failed[i] = sweep->rules[i].failed;
		judged[i] = sweep->rules[i].selected && !failed[i];
	}
	cells = crm_failed_cells(sweep->ruleset, judged, failed);
	crm_tally_drop_cells(sweep->full_tally, cells);
	sums_visit(sweep, drop_cells, cells);
	bms_free(cells);
	pfree(judged);
	pfree(failed);
}

/* A rule that the table breaks. */
typedef struct TableViolation
{
	const Rule *rule;
	RuleOutcome outcome;
} TableViolation;

static void
sums_violate(SweepTable *sweep, const char *owner, SweepSums *sums,
			 void *argument)
{
	TableViolation *violation = argument;

	crm_tally_violate(sums->full, violation->rule, violation->outcome);
}

/* Has a rule that the table as a whole breaks cost all rows of its cells. */
void
crm_sweep_sums_violate(SweepTable *sweep, const Rule *rule,
					   RuleOutcome outcome)
{
	TableViolation violation = {rule, outcome};

	crm_tally_violate(sweep->full_tally, rule, outcome);
	sums_visit(sweep, sums_violate, &violation);
}

static void
add_owner(SweepTable *sweep, const char *owner, SweepSums *sums,
		  void *argument)
{
	ScoreBaseline *baseline = argument;
	OwnerTally *tally = &baseline->owners[baseline->nowners++];

	tally->owner = owner;
	tally->row_tally = sums->live;
	tally->full_tally = sums->full;
	crm_tally_add(baseline->row_tally, sums->live, sweep->ruleset->ncells);
}

/* Makes the baseline's list of owners, and its sums. */
void
crm_sweep_sums_baseline(SweepTable *sweep, ScoreBaseline *baseline)
{
	int			size = 1 + (sweep->owners ? hash_get_num_entries(sweep->owners) : 0);

	baseline->row_tally = crm_tally_create(sweep->ruleset->ncells);
	baseline->full_tally = sweep->full_tally;
	baseline->owners = palloc(size * sizeof(OwnerTally));
	baseline->nowners = 0;
	sums_visit(sweep, add_owner, baseline);
}
