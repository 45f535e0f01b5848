/*-------------------------------------------------------------------------
 *
 * score_rebase.c
 *		A baseline of live scores without a sweep.
 *
 * After a restore, or when something was not counted, one scan by the kinds
 * about a row by itself makes live scores exact again.  What kinds that look
 * at other rows, or at the clock, said in the last sweep stays.
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
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "rules/rules_private.h"
#include "scoring/live_private.h"
#include "scoring/row_scan.h"
#include "scoring/score_delta.h"
#include "sweep/sweep_lock.h"

/* A table that is being counted. */
typedef struct Rebase
{
	RuleSet    *ruleset;
	TupleTableSlot *slot;
	RowScore   *live;
	RowScore   *full;
	ScoreSums	sums;			/* by owner: "now" and "full" */
	MemoryContext context;		/* of the tallies */
} Rebase;

PG_FUNCTION_INFO_V1(crmaudit_rebase_scores);

/* Judges the row in the slot; false if it does not count. */
static bool
rebase_judge(Rebase *rebase)
{
	RuleSet    *ruleset = rebase->ruleset;
	RuleRow		row = {rebase->slot, NULL, ruleset};

	crm_ruleset_begin_row(ruleset);
	if (!crm_ruleset_live_guarded(ruleset, &row))
		return false;
	crm_row_score_begin(ruleset, rebase->live);
	crm_row_score_begin(ruleset, rebase->full);
	for (int i = 0; i < ruleset->nrules; i++)
	{
		const Rule *rule = &ruleset->rules[i];
		RuleOutcome outcome;

		if (rule->broken)
		{
			rebase->full->evaluations++;
			rebase->full->errors++;
		}
		if (rule->broken || !rule->kind_level_row)
			continue;
		outcome = crm_rule_eval_guarded(rule, &row);
		crm_row_score_add(rule, outcome, rebase->full);
		if (rule->is_immutable)
			crm_row_score_add(rule, outcome, rebase->live);
	}
	return true;
}

static void
rebase_row(void *argument, HeapTupleHeader header)
{
	Rebase	   *rebase = argument;
	RuleSet    *ruleset = rebase->ruleset;
	HeapTupleData tuple;
	char		owner[CRM_OWNER_MAX];
	bool		has_owner;
	OwnerSum   *sum;
	MemoryContext old;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = ruleset->relid;
	tuple.t_data = header;
	ExecStoreHeapTuple(&tuple, rebase->slot, false);
	slot_getsomeattrs(rebase->slot, rebase->slot->tts_tupleDescriptor->natts);
	if (rebase_judge(rebase))
	{
		has_owner = ruleset->owner &&
			crm_score_owner(ruleset, rebase->slot, owner);
		old = MemoryContextSwitchTo(rebase->context);
		sum = crm_sums_owner(&rebase->sums, has_owner ? owner : NULL);
		MemoryContextSwitchTo(old);
		crm_tally_add_row(sum->now, rebase->live, ruleset->ncells, 1);
		crm_tally_add_row(sum->full, rebase->full, ruleset->ncells, 1);
	}
	ExecClearTuple(rebase->slot);
}

/*
 * Scans as the table's owner, whose policies must not hide rows: a score is
 * of the whole table.
 */
static void
rebase_scan(Rebase *rebase, Relation rel, Snapshot snapshot)
{
	Oid			userid;
	int			security;
	int			nest = NewGUCNestLevel();

	(void) set_config_option("row_security", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(crm_relation_owner(RelationGetRelid(rel)),
						   security | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	PushActiveSnapshot(snapshot);
	crm_scan_rows(rel, rebase_row, rebase);
	PopActiveSnapshot();
	SetUserIdAndSecContext(userid, security);
	AtEOXact_GUC(false, nest);
}

/* The file of a relation, as the snapshot has it; 0 if it has none. */
static Oid
file_of(Oid relid, Snapshot snapshot)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			file;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ClassOidIndexId, true, snapshot, 1, &key);
	tuple = systable_getnext(scan);
	file = HeapTupleIsValid(tuple) ?
		((Form_pg_class) GETSTRUCT(tuple))->relfilenode : InvalidOid;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return file;
}

static void
add_nothing(void *argument, int version, const char *owner,
			const ScoreTally *tally, int ncells)
{
}

/* Whether this transaction emptied the whole table: then it knows all deltas. */
static bool
emptied_here(Oid target)
{
	bool		truncated;
	bool		stale;

	crm_score_own(target, add_nothing, NULL, &truncated, &stale);
	return truncated;
}

static int64
count_deltas(Oid target, Snapshot snapshot)
{
	return crm_sums_read(target, snapshot, false, NULL)->ndeltas;
}

/*
 * TRUNCATE knows no snapshot: where a partition was emptied since this
 * transaction's, by others or by itself, the scan misses rows that deltas
 * which the snapshot does not see add, or take out.
 */
static void
require_whole(Oid target, Snapshot snapshot)
{
	SnapshotData before = *snapshot;
	Snapshot	latest;
	ListCell   *cell;

	if (!IsolationUsesXactSnapshot() ||
		get_rel_relkind(target) != RELKIND_PARTITIONED_TABLE ||
		emptied_here(target))
		return;
	latest = RegisterSnapshot(GetLatestSnapshot());
	before.curcid = FirstCommandId;
	foreach(cell, find_all_inheritors(target, AccessShareLock, NULL))
	{
		Oid			file = file_of(lfirst_oid(cell), &before);

		if (OidIsValid(file) && file != file_of(lfirst_oid(cell), latest) &&
			count_deltas(target, snapshot) != count_deltas(target, latest))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access to relation \"%s\" due to a concurrent TRUNCATE",
							get_rel_name(target)),
					 errdetail("A partition was emptied after this transaction's snapshot was taken."),
					 errhint("Count it in a transaction of its own, at READ COMMITTED.")));
	}
	UnregisterSnapshot(latest);
}

/* Marks the cells that rules which look at other rows count in. */
static bool
find_set_cells(const RuleSet *ruleset, bool *is_set)
{
	bool		any = false;

	for (int i = 0; i < ruleset->nall; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		for (int j = 0; rule->is_set && j < rule->ncells; j++)
		{
			is_set[rule->cells[j]] = true;
			any = true;
		}
	}
	return any;
}

/*
 * Keeps what the last baseline says of cells that this scan does not judge in
 * full, and how much those rules took off the clean rows.
 */
static void
tally_carry(const Rebase *rebase, const bool *is_set, const ScoreTally *now,
			ScoreTally *full, const ScoreTally *last_base,
			const ScoreTally *last_full)
{
	if (last_base->rows == 0)
		return;
	for (int i = 0; i < rebase->ruleset->ncells; i++)
	{
		if (!is_set[i])
			continue;
		full->assessed[i] = last_full->assessed[i];
		full->failed[i] = last_full->failed[i];
		full->lost[i] = last_full->lost[i];
	}
	if (last_base->clean > 0)
		full->clean = now->clean * (double) last_full->clean /
			last_base->clean;
}

/*
 * The last baseline of the same rules, if there are kinds that this scan does
 * not judge; else NULL.
 */
static ScoreSums *
rebase_last(const Rebase *rebase, bool *is_set)
{
	RuleSet    *ruleset = rebase->ruleset;
	Snapshot	snapshot;
	ScoreSums  *last;

	if (!find_set_cells(ruleset, is_set))
		return NULL;
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	last = crm_sums_read(ruleset->target, snapshot, true, NULL);
	UnregisterSnapshot(snapshot);
	if (!last->is_swept || last->rules->ncells != ruleset->ncells ||
		last->rules->rule_set_version != ruleset->rule_set_version)
		return NULL;
	return last;
}

/*
 * Lists the tallies by owner, adds them up, and has each keep what the last
 * baseline says of it.
 */
static void
rebase_sum_up(Rebase *rebase, ScoreBaseline *baseline)
{
	int			ncells = rebase->ruleset->ncells;
	bool	   *is_set = palloc0((ncells + 1) * sizeof(bool));
	ScoreSums  *last = rebase_last(rebase, is_set);
	HASH_SEQ_STATUS status;
	OwnerSum   *sum;

	baseline->row_tally = crm_tally_create(ncells);
	baseline->full_tally = crm_tally_create(ncells);
	baseline->owners = palloc((hash_get_num_entries(rebase->sums.owners) + 1) *
							  sizeof(OwnerTally));
	hash_seq_init(&status, rebase->sums.owners);
	while ((sum = hash_seq_search(&status)) != NULL)
	{
		OwnerTally *owner = &baseline->owners[baseline->nowners++];

		owner->owner = sum->key.has_owner ? sum->key.owner : NULL;
		owner->row_tally = sum->now;
		owner->full_tally = sum->full;
		crm_tally_add(baseline->row_tally, sum->now, ncells);
		crm_tally_add(baseline->full_tally, sum->full, ncells);
		if (last)
		{
			OwnerSum   *before = crm_sums_owner(last, owner->owner);

			tally_carry(rebase, is_set, sum->now, sum->full, before->base,
						before->full);
		}
	}
	if (last)
		tally_carry(rebase, is_set, baseline->row_tally, baseline->full_tally,
					last->base, last->full);
}

/*
 * crmaudit.rebase_scores(target regclass) returns bigint: the rows that count
 */
Datum
crmaudit_rebase_scores(PG_FUNCTION_ARGS)
{
	Oid			target = PG_GETARG_OID(0);
	ScoreBaseline baseline = {0};
	Rebase		rebase = {0};
	Relation	rel;
	Snapshot	snapshot;
	AclResult	right;

	PreventCommandIfReadOnly("crmaudit.rebase_scores()");
	PreventCommandIfParallelMode("crmaudit.rebase_scores()");
	rel = crm_scan_open(target, &rebase.ruleset);
	right = pg_class_aclcheck(target, GetUserId(), ACL_SELECT);
	if (right != ACLCHECK_OK)
		aclcheck_error(right, OBJECT_TABLE, RelationGetRelationName(rel));
	if (!crm_sweep_lock(target))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("relation \"%s\" is being swept",
						RelationGetRelationName(rel)),
				 errhint("The sweep will store new scores.")));
	crm_score_before_sweep(rebase.ruleset);
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	rebase.context = CurrentMemoryContext;
	rebase.slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(rel)),
										   &TTSOpsHeapTuple);
	rebase.live = crm_row_score_create(rebase.ruleset);
	rebase.full = crm_row_score_create(rebase.ruleset);
	rebase.sums.rules = rebase.ruleset;
	rebase.sums.owners = crm_owners_create();
	require_whole(target, snapshot);
	rebase_scan(&rebase, rel, snapshot);

	rebase_sum_up(&rebase, &baseline);
	crm_score_store_baseline(rebase.ruleset, &baseline, snapshot);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(rebase.slot);
	table_close(rel, NoLock);
	PG_RETURN_INT64(baseline.row_tally->rows);
}
