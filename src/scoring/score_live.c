/*-------------------------------------------------------------------------
 *
 * score_live.c
 *		Scores that follow every write: baselines stored, deltas folded.
 *
 * A sweep stores what it found as baseline, and removes the deltas that its
 * snapshot saw.  Folding adds deltas to the state, and removes them.  Both
 * hold the table's sweep lock, so that they never meet; writers only append
 * deltas, readers add up what they see, and nobody waits.
 *
 * A sweep in a transaction whose snapshot is older than the state (REPEATABLE
 * READ) would bring back what was; it fails as an UPDATE of a row that was
 * changed since would.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog_scan.h"
#include "rules/rules_private.h"
#include "scoring/live_private.h"
#include "scoring/score_ddl.h"
#include "scoring/score_delta.h"
#include "sweep/sweep_lock.h"

PG_FUNCTION_INFO_V1(crmaudit_fold_scores);
PG_FUNCTION_INFO_V1(crmaudit_mark_scores_stale);

bool
crm_score_owner(const RuleSet *ruleset, TupleTableSlot *slot, char *owner)
{
	const char *data;
	int			length;

	if (!crm_column_text(ruleset->owner, slot, &data, &length))
		return false;
	length = pg_mbcliplen(data, length, CRM_OWNER_MAX - 1);
	memcpy(owner, data, length);
	owner[length] = '\0';
	return true;
}

/* Deletes deltas by their places. */
static void
deltas_delete(List *tids)
{
	Relation	rel = table_open(crm_relation_oid("score_delta"), RowExclusiveLock);
	ListCell   *cell;

	foreach(cell, tids)
		CatalogTupleDelete(rel, (ItemPointer) lfirst(cell));
	table_close(rel, NoLock);
}

/*
 * What this transaction changed counts as seen when the baseline is stored,
 * so that nothing need be written before.  Partitions are locked before the
 * snapshot is taken: one that is truncated in between would be counted as
 * empty, while the snapshot does not see the delta that takes its rows out.
 */
void
crm_score_before_sweep(const RuleSet *ruleset)
{
	crm_score_forget();
	if (get_rel_relkind(ruleset->target) == RELKIND_PARTITIONED_TABLE)
		(void) find_all_inheritors(ruleset->target, AccessShareLock, NULL);
}

/* Whether the state was written by somebody whom the snapshot does not see. */
static bool
state_is_newer(const ScoreSums *latest, Snapshot snapshot)
{
	TransactionId xmin;

	if (!latest->has_row || HeapTupleHeaderXminFrozen(latest->tuple->t_data))
		return false;
	xmin = HeapTupleHeaderGetXmin(latest->tuple->t_data);
	return !TransactionIdIsCurrentTransactionId(xmin) &&
		XidInMVCCSnapshot(xmin, snapshot);
}

/* Replaces what is there of owners by the baseline's. */
static void
baseline_set_owners(ScoreSums *sums, const ScoreBaseline *baseline)
{
	for (int i = 0; i < baseline->nowners; i++)
	{
		OwnerSum   *sum = crm_sums_owner(sums, baseline->owners[i].owner);

		crm_tally_add(sum->now, baseline->owners[i].row_tally,
					  sums->rules->ncells);
		crm_tally_add(sum->base, baseline->owners[i].row_tally, 0);
		crm_tally_add(sum->full, baseline->owners[i].full_tally,
					  sums->rules->ncells);
		sum->is_changed = true;
	}
}

/* Copies a tally. */
static ScoreTally *
tally_copy(const ScoreTally *tally, int ncells)
{
	ScoreTally *copy = crm_tally_create(ncells);

	crm_tally_add(copy, tally, ncells);
	return copy;
}

/* Replaces all rows of crmaudit.score_owner: they may be by other cells. */
static void
owners_delete(Oid target, Snapshot snapshot)
{
	CatalogScan scan;

	if (!crm_catalog_scan_begin(&scan, "score_owner", "score_owner_target",
								"target", F_OIDEQ, ObjectIdGetDatum(target)))
		return;
	while (crm_catalog_scan_next(&scan))
		CatalogTupleDelete(scan.rel, &scan.tuple->t_self);
	crm_catalog_scan_end(&scan);
}

void
crm_score_store_baseline(const RuleSet *ruleset, const ScoreBaseline *baseline,
						 Snapshot snapshot)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "crmaudit score baseline",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	Oid			target = ruleset->target;
	Snapshot	latest = RegisterSnapshot(GetLatestSnapshot());
	ScoreSums  *sums;
	List	   *tids = NIL;
	TargetSource source;
	bool		truncated;

	/* unprotected meanwhile */
	if (!crm_catalog_target(target, &source))
	{
		UnregisterSnapshot(latest);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(work);
		return;
	}
	sums = crm_sums_read(target, latest, false, NULL);
	if (state_is_newer(sums, snapshot))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access to the scores of relation \"%s\" due to a concurrent sweep",
						ruleset->target_name),
				 errdetail("Its scores were stored or folded after this transaction's snapshot was taken."),
				 errhint("Sweep in a transaction of its own, at READ COMMITTED.")));
	truncated = crm_score_cover(target);
	/* a TRUNCATE of this transaction saw all that was committed before */
	(void) crm_sums_read(target, truncated ? latest : snapshot, false, &tids);
	deltas_delete(tids);
	owners_delete(target, latest);

	sums->is_swept = true;
	sums->is_stale = false;
	sums->rules = (RuleSet *) ruleset;
	sums->as_of = GetCurrentTimestamp();
	sums->run_id = baseline->run_id;
	sums->lists = crm_lists_digest(target);
	sums->now = tally_copy(baseline->row_tally, ruleset->ncells);
	sums->base = tally_copy(baseline->row_tally, 0);
	sums->full = tally_copy(baseline->full_tally, ruleset->ncells);
	sums->owners = crm_owners_create();
	baseline_set_owners(sums, baseline);
	crm_sums_write(sums);
	CommandCounterIncrement();
	UnregisterSnapshot(latest);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

/*
 * The snapshot that deltas of a table, which is locked, are folded under: that
 * of now, but in a transaction with a snapshot of its own that one, for
 * whoever counts the table in it must find what was folded.  InvalidSnapshot
 * if others folded or counted since.
 */
static Snapshot
fold_snapshot(Oid target)
{
	Snapshot	latest = RegisterSnapshot(GetLatestSnapshot());
	Snapshot	snapshot;
	bool		is_newer;

	if (!IsolationUsesXactSnapshot())
		return latest;
	snapshot = GetTransactionSnapshot();
	is_newer = state_is_newer(crm_sums_read(target, latest, false, NULL),
							  snapshot);
	UnregisterSnapshot(latest);
	return is_newer ? InvalidSnapshot : RegisterSnapshot(snapshot);
}

/* Adds a table's deltas to its state; returns how many there were. */
static int64
fold_target(Oid target)
{
	Snapshot	snapshot;
	ScoreSums  *sums;
	List	   *tids = NIL;
	TargetSource source;

	/* a sweep is at work, or another folds */
	if (!crm_sweep_lock(target))
		return 0;
	snapshot = fold_snapshot(target);
	if (snapshot == InvalidSnapshot)
		return 0;
	sums = crm_sums_read(target, snapshot, true, &tids);
	if (tids != NIL && !crm_catalog_target(target, &source))
		deltas_delete(tids);
	else if (tids != NIL)
	{
		/* also without a baseline, so that deltas do not pile up */
		crm_sums_write(sums);
		deltas_delete(tids);
		CommandCounterIncrement();
	}
	UnregisterSnapshot(snapshot);
	return list_length(tids);
}

/* The tables that have deltas. */
static List *
delta_targets(void)
{
	CatalogScan scan;
	List	   *targets = NIL;
	bool		isnull;

	if (!crm_catalog_scan_begin(&scan, "score_delta", NULL, NULL, InvalidOid, 0))
		return NIL;
	while (crm_catalog_scan_next(&scan))
		targets = list_append_unique_oid(targets,
										 DatumGetObjectId(crm_catalog_get(&scan, "target", &isnull)));
	crm_catalog_scan_end(&scan);
	/* always in the same order */
	list_sort(targets, list_oid_cmp);
	return targets;
}

/*
 * crmaudit.fold_scores() returns bigint
 */
Datum
crmaudit_fold_scores(PG_FUNCTION_ARGS)
{
	int64		folded = 0;
	ListCell   *cell;

	PreventCommandIfReadOnly("crmaudit.fold_scores()");
	PreventCommandIfParallelMode("crmaudit.fold_scores()");
	foreach(cell, delta_targets())
	{
		MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
												   "crmaudit score fold",
												   ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(work);

		folded += fold_target(lfirst_oid(cell));
		MemoryContextSwitchTo(old);
		MemoryContextDelete(work);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_INT64(folded);
}

/*
 * crmaudit.mark_scores_stale(target regclass) returns void
 */
Datum
crmaudit_mark_scores_stale(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("crmaudit.mark_scores_stale()");
	PreventCommandIfParallelMode("crmaudit.mark_scores_stale()");
	crm_score_mark_stale(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

void
crm_score_live_init(void)
{
	crm_score_delta_init();
	crm_score_ddl_init();
}
