/*-------------------------------------------------------------------------
 *
 * sweep.c
 *		crmaudit.sweep_table(): audits what is already in a table.
 *
 * A sweep is one transaction: it reads under one snapshot, and writes when it
 * has read.  Readers and writers of the table are not blocked, nor do they
 * block it.  What they write meanwhile is after the snapshot: events say by
 * their run as of when they speak.
 *
 * Locking: AccessShareLock on the table; the table's sweep lock, so that there
 * is one sweep of it at a time, and nobody folds its score deltas meanwhile.
 * The snapshot is taken after the lock.
 *
 * Rights: who calls it must be allowed to read the whole table.  Rules are
 * evaluated with the rights of the table's owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/cost.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "sweep/sweep.h"
#include "sweep/sweep_lock.h"

/* Most workers that a sweep starts. */
#define SWEEP_WORKERS_MAX	64

PG_FUNCTION_INFO_V1(crmaudit_sweep_table);

/* Raises an error unless the caller sees all rows of a protected table. */
static void
require_sweepable(Oid target)
{
	Relation	rel = table_open(target, AccessShareLock);
	RuleSet    *ruleset = crm_ruleset_lookup(rel);
	char	   *name = RelationGetRelationName(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot sweep relation \"%s\"", name),
				 errdetail("It is no table with rows of its own."),
				 errhint("Sweep the tables that its rows are in.")));
	if (ruleset == NULL || ruleset->target != target)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" is not protected", name),
				 ruleset ? errhint("It is a partition of \"%s\", which is swept as a whole.",
								   ruleset->target_name) :
				 errhint("Protect it first, with crmaudit.protect().")));
	if (pg_class_aclcheck(target, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(rel->rd_rel->relkind),
					   name);
	if (check_enable_rls(target, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot sweep relation \"%s\" because of its row-level security",
						name),
				 errdetail("Its policies hide rows from role \"%s\".",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Sweep it as its owner, or as a role with BYPASSRLS.")));
	table_close(rel, NoLock);
}

/* Which rules to evaluate, in the order of the rule set; NULL: all. */
static bool *
select_rules(const RuleSet *ruleset, ArrayType *names)
{
	bool	   *selected;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (names == NULL)
		return NULL;
	selected = palloc0((ruleset->nall + 1) * sizeof(bool));
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &count);
	for (int i = 0; i < count; i++)
	{
		char	   *name = nulls[i] ? "" : TextDatumGetCString(elements[i]);
		bool		found = false;

		for (int j = 0; j < ruleset->nall; j++)
		{
			if (strcmp(ruleset->rules[j].name, name) != 0)
				continue;
			selected[j] = true;
			found = true;
		}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("rule \"%s\" of relation \"%s\" does not exist, or is not in force",
							name, ruleset->target_name),
					 errhint("crmaudit.rule_status shows its rules.")));
	}
	return selected;
}

/* Scans all rows in this process. */
static void
scan_serial(SweepTable *sweep)
{
	for (int i = 0; i < sweep->nleaves; i++)
	{
		SweepLeaf  *leaf = &sweep->leaves[i];
		TableScanDesc scan;

		crm_sweep_leaf_open(sweep, leaf);
		scan = table_beginscan(leaf->rel, sweep->snapshot, 0, NULL);
		crm_sweep_scan_leaf(sweep, leaf, scan);
		table_endscan(scan);
		crm_sweep_leaf_close(leaf);
	}
}

/* Opens a sweep in this process, ready to scan. */
static SweepTable *
sweep_begin(Oid target, const bool *selected, int nselected, Snapshot snapshot,
			SweepProgress *progress, bool some_rows)
{
	SweepTable *sweep = crm_sweep_open(target, selected, nselected, snapshot,
									   false);
	int64		blocks = 0;

	/* which rows share a value shows only in all of them */
	for (int i = 0; some_rows && i < sweep->nrules; i++)
		sweep->rules[i].selected &= !sweep->rules[i].rule->is_set;
	sweep->progress = progress;
	crm_sweep_sink_open(sweep);
	crm_sweep_groups_begin(sweep);
	for (int i = 0; i < sweep->nleaves; i++)
		blocks += sweep->leaves[i].nblocks;
	if (progress)
	{
		pg_atomic_write_u64(&progress->blocks_total, blocks);
		pg_atomic_write_u64(&progress->blocks_done, 0);
		pg_atomic_write_u64(&progress->rows, 0);
		pg_atomic_write_u64(&progress->findings, 0);
	}
	return sweep;
}

/*
 * Scans by workers where that is possible; returns how many there were.  SQL
 * of a rule that fails there, or a rule that cannot be compiled, ends them,
 * and 0 says that the caller must begin anew.
 */
static int
scan_parallel(SweepTable *sweep, int nworkers)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile int launched = 0;

	if (nworkers == 0 || IsInParallelMode() ||
		!crm_sweep_parallel_is_safe(sweep))
		return 0;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		launched = crm_sweep_scan_parallel(sweep, nworkers);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (crm_error_cancels(geterrcode()))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		launched = 0;
	}
	PG_END_TRY();
	return launched;
}

/* Judges all rows. */
static SweepTable *
sweep_all(Oid target, const bool *selected, int nselected, Snapshot snapshot,
		  SweepProgress *progress, SweepRequest *request)
{
	SweepTable *sweep = sweep_begin(target, selected, nselected, snapshot,
									progress, false);
	int			launched = scan_parallel(sweep, request->workers);

	if (launched == 0)
	{
		if (request->workers > 0)
		{
			crm_sweep_sink_close(sweep);
			sweep = sweep_begin(target, selected, nselected, snapshot, progress,
								false);
		}
		scan_serial(sweep);
	}
	request->workers = launched;
	crm_sweep_sums_total(sweep);
	crm_sweep_sets_finish(sweep);
	return sweep;
}

/* What changed since the last run, by what is told. */
typedef struct ChangedSince
{
	char	   *snapshot;		/* of the last run: ask the ledger */
	TimestampTz at;				/* or else the column */
	char	   *column;
} ChangedSince;

/* Judges some of the rows: a sample, or what changed ("since" is given). */
static SweepTable *
sweep_some(Oid target, const bool *selected, int nselected, Snapshot snapshot,
		   SweepProgress *progress, const SweepRequest *request,
		   const ChangedSince *since, SweepChoice *choice)
{
	SweepTable *sweep = sweep_begin(target, selected, nselected, snapshot,
									progress, true);
	Tuplestorestate *changed = NULL;
	char	   *query;

	if (since == NULL)
		query = crm_sweep_sample_query(sweep, request->sample_percent,
									   request->seed, request->stratum);
	else if (since->snapshot)
	{
		changed = crm_sweep_changed_keys(sweep, since->snapshot);
		query = crm_sweep_changed_query(sweep);
	}
	else
		query = crm_sweep_updated_query(sweep, since->column, since->at);
	crm_sweep_choose(sweep, choice, query, changed);
	crm_sweep_sums_total(sweep);
	return sweep;
}

/* Checks, and reads, the arguments that say what is wanted. */
static void
read_request(FunctionCallInfo fcinfo, SweepRequest *request)
{
	request->rules = PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1);
	request->sample_percent = PG_ARGISNULL(2) ? 100 : PG_GETARG_FLOAT4(2);
	request->seed = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT64(3);
	request->stratum = PG_ARGISNULL(4) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(4));
	request->workers = PG_ARGISNULL(5) ? max_parallel_workers_per_gather :
		PG_GETARG_INT32(5);
	if (!(request->sample_percent > 0 && request->sample_percent <= 100))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sample_percent must be greater than 0, and 100 at most")));
	if (request->stratum && request->sample_percent == 100)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a stratum needs a sample"),
				 errhint("Set sample_percent below 100.")));
	if (request->workers < 0 || request->workers > SWEEP_WORKERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("workers must be between 0 and %d", SWEEP_WORKERS_MAX)));
}

/* Refuses what is not one of the ways to say what changed. */
static bool
read_changed(FunctionCallInfo fcinfo, ChangedSince *since)
{
	if (PG_ARGISNULL(6) && PG_ARGISNULL(7))
		return false;
	if (PG_ARGISNULL(6) && PG_ARGISNULL(8))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("changed_at needs changed_column"),
				 errhint("crmaudit.sweep_changed() finds out by itself.")));
	if (!PG_ARGISNULL(6))
		since->snapshot = OidOutputFunctionCall(F_PG_SNAPSHOT_OUT,
												PG_GETARG_DATUM(6));
	if (!PG_ARGISNULL(7))
		since->at = PG_GETARG_TIMESTAMPTZ(7);
	if (!PG_ARGISNULL(8))
		since->column = text_to_cstring(PG_GETARG_TEXT_PP(8));
	return true;
}

/* Sweeps the table, whose lock is held, in a memory context of its own. */
static int64
sweep_run(Oid target, SweepRequest *request, const ChangedSince *since)
{
	SweepChoice choice = {0};
	Relation	rel = table_open(target, AccessShareLock);
	RuleSet    *ruleset = crm_ruleset_lookup(rel);
	bool	   *selected = select_rules(ruleset, request->rules);
	SweepTable *sweep;
	SweepProgress *progress;
	Snapshot	snapshot;
	int			security;
	Oid			userid;
	int64		run_id;

	table_close(rel, NoLock);
	crm_score_before_sweep(ruleset);
	CommandCounterIncrement();
	request->started_at = GetCurrentTimestamp();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	PushActiveSnapshot(snapshot);
	progress = crm_sweep_progress_begin(target);
	/* as the owner, whose own policies must not hide rows from him here */
	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(crm_relation_owner(target),
						   security | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	if (since || request->sample_percent < 100)
	{
		request->workers = 0;
		sweep = sweep_some(target, selected, ruleset->nall, snapshot, progress,
						   request, since, &choice);
	}
	else
		sweep = sweep_all(target, selected, ruleset->nall, snapshot, progress,
						  request);
	SetUserIdAndSecContext(userid, security);
	for (int i = 0; i < sweep->nleaves; i++)
		crm_sweep_leaf_close(&sweep->leaves[i]);
	PopActiveSnapshot();
	run_id = crm_sweep_write(sweep, request, choice.keys ? &choice : NULL);
	crm_sweep_sink_close(sweep);
	if (choice.keys)
		tuplestore_end(choice.keys);
	UnregisterSnapshot(snapshot);
	crm_sweep_progress_end(progress);
	return run_id;
}

/*
 * The same; an error ends the subtransactions that a sweep has opened, for
 * whoever catches it ends his own.
 */
static int64
sweep_run_safely(Oid target, SweepRequest *request, const ChangedSince *since)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resowner = CurrentResourceOwner;
	int			level = GetCurrentTransactionNestLevel();
	volatile int64 run_id = 0;

	PG_TRY();
	{
		run_id = sweep_run(target, request, since);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		if (GetCurrentTransactionNestLevel() <= level)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		while (GetCurrentTransactionNestLevel() > level)
			RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = resowner;
		ReThrowError(error);
	}
	PG_END_TRY();
	return run_id;
}

/*
 * crmaudit.sweep_table(target regclass, rules text[], sample_percent real,
 *						seed bigint, stratum text, workers int,
 *						changed_since pg_snapshot, changed_at timestamptz,
 *						changed_column text)
 *
 * Audits a table, all of it unless a sample or what changed is asked for, and
 * returns the id of the run.  An older snapshot would not show what others
 * have found since, so that the level is READ COMMITTED.
 */
Datum
crmaudit_sweep_table(PG_FUNCTION_ARGS)
{
	Oid			target;
	SweepRequest request = {.status = "completed"};
	ChangedSince since = {0};
	bool		is_changed;
	int64		run_id;
	MemoryContext context;
	MemoryContext old;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	target = PG_GETARG_OID(0);
	PreventCommandIfReadOnly("sweep()");
	PreventCommandIfParallelMode("sweep()");
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("sweeps run in transactions of level READ COMMITTED only")));
	read_request(fcinfo, &request);
	is_changed = read_changed(fcinfo, &since);
	require_sweepable(target);
	if (!crm_sweep_lock(target))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("relation \"%s\" is being swept already",
						get_rel_name(target)),
				 errhint("crmaudit.sweep_progress shows how far it has come.")));
	if (is_changed)
		request.status = "changed rows";
	else if (request.sample_percent < 100)
		request.status = "sample";
	request.is_full = !is_changed && request.sample_percent == 100 &&
		request.rules == NULL;

	context = AllocSetContextCreate(CurrentMemoryContext, "crmaudit sweep",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	run_id = sweep_run_safely(target, &request, is_changed ? &since : NULL);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	PG_RETURN_INT64(run_id);
}
