/*-------------------------------------------------------------------------
 *
 * gate_truncate.c
 *		TRUNCATE of a protected table, or of partitions of it.
 *
 * Where the whole table is emptied, all that was found and counted is void.
 * Where a partition is, its rows are read and leave one by one, as if they
 * were deleted.
 *
 * zz_crmaudit_truncate (BEFORE, statement) is on the protected table and on
 * each of its partitions that has rows.  A command fires all triggers BEFORE,
 * in the order of its tables, empties the tables, and fires those AFTER: so a
 * partition's trigger can tell that the whole is emptied, too, unless the
 * partition was named first; then its rows leave, and the whole is void.
 * zz_crmaudit_truncated (AFTER) on the protected table says that the command
 * is over.  The table is locked for this transaction alone meanwhile; but a
 * trigger of a table that is named later in the command, and writes rows into
 * this one BEFORE it is emptied, goes unnoticed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "findings/finding.h"
#include "gate/gate.h"
#include "scoring/score_delta.h"

/* A protected table that a running command empties as a whole. */
typedef struct EmptiedWhole
{
	Oid			target;
	SubTransactionId subid;
	struct EmptiedWhole *outer; /* noted earlier */
} EmptiedWhole;

/* In TopTransactionContext. */
static EmptiedWhole *emptied = NULL;

PG_FUNCTION_INFO_V1(crmaudit_truncating);
PG_FUNCTION_INFO_V1(crmaudit_truncated);

static void
emptied_note(Oid target)
{
	EmptiedWhole *note = MemoryContextAlloc(TopTransactionContext,
											sizeof(EmptiedWhole));

	note->target = target;
	note->subid = GetCurrentSubTransactionId();
	note->outer = emptied;
	emptied = note;
}

static bool
emptied_has(Oid target)
{
	for (EmptiedWhole *note = emptied; note; note = note->outer)
	{
		if (note->target == target)
			return true;
	}
	return false;
}

static void
emptied_forget(Oid target)
{
	EmptiedWhole **link = &emptied;

	while (*link)
	{
		EmptiedWhole *note = *link;

		if (note->target != target)
		{
			link = &note->outer;
			continue;
		}
		*link = note->outer;
		pfree(note);
	}
}

/* All rows of a protected table go. */
static void
whole_leaves(const RuleSet *ruleset, CrmMode mode)
{
	emptied_note(ruleset->target);
	if (ruleset->counts_live)
		crm_score_truncated(ruleset->target);
	if (mode != CRM_MODE_OFF && !crm_is_replica())
		crm_finding_truncated(ruleset->target);
}

/*
 * The rows of a partition go.  TRUNCATE knows no snapshot: what others have
 * committed since this transaction's goes too.  In mode off rows are not
 * judged: that there is one is enough to know that scores do not follow.
 */
static void
partition_leaves(const RuleSet *ruleset, Relation rel, CrmMode mode)
{
	TupleTableSlot *slot;
	TableScanDesc scan;
	Snapshot	snapshot;
	MemoryContext row_context;

	if ((mode == CRM_MODE_OFF || crm_is_replica()) && !ruleset->counts_live)
		return;
	row_context = AllocSetContextCreate(CurrentMemoryContext,
										"crmaudit truncated row",
										ALLOCSET_DEFAULT_SIZES);
	slot = table_slot_create(rel, NULL);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	/* rules that look at other rows see the same ones */
	PushActiveSnapshot(snapshot);
	scan = table_beginscan(rel, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(row_context);

		CHECK_FOR_INTERRUPTS();
		if (mode == CRM_MODE_OFF)
			crm_score_mark_stale(ruleset->target);
		else
			crm_gate_row_leaves(ruleset, rel, mode, slot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
		if (mode == CRM_MODE_OFF)
			break;
	}
	table_endscan(scan);
	PopActiveSnapshot();
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(row_context);
	crm_findings_flush();
}

/*
 * crmaudit.truncating(): the statement trigger zz_crmaudit_truncate.
 */
Datum
crmaudit_truncating(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	RuleSet    *ruleset;

	crm_trigger_check(fcinfo, "truncating", "BEFORE", "STATEMENT");
	rel = trigdata->tg_relation;
	ruleset = crm_ruleset_lookup(rel);
	if (ruleset == NULL)
		return PointerGetDatum(NULL);
	if (RelationGetRelid(rel) == ruleset->target)
		whole_leaves(ruleset, crm_effective_mode(ruleset));
	else if (rel->rd_rel->relkind == RELKIND_RELATION &&
			 !emptied_has(ruleset->target))
		partition_leaves(ruleset, rel, crm_effective_mode(ruleset));
	return PointerGetDatum(NULL);
}

/*
 * crmaudit.truncated(): the statement trigger zz_crmaudit_truncated.
 */
Datum
crmaudit_truncated(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	crm_trigger_check(fcinfo, "truncated", "AFTER", "STATEMENT");
	emptied_forget(RelationGetRelid(trigdata->tg_relation));
	return PointerGetDatum(NULL);
}

static void
xact_callback(XactEvent event, void *arg)
{
	/* notes go with TopTransactionContext */
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		emptied = NULL;
}

/* A command that failed is over. */
static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (emptied && emptied->subid >= subid)
	{
		EmptiedWhole *note = emptied;

		emptied = note->outer;
		pfree(note);
	}
}

void
crm_truncate_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}
