/*-------------------------------------------------------------------------
 *
 * gate_trigger.c
 *		The triggers on a protected table.
 *
 * zz_crmaudit_gate (BEFORE ROW) judges a row and remembers what it found.
 * That a row was really stored is told by the WHEN condition row_stored() of
 * zz_crmaudit_stored (AFTER ROW): it is evaluated per stored row, but is true
 * only for the first row with findings, so that one AFTER event a statement
 * writes them all.  Under ON CONFLICT DO NOTHING the gate fires for rows that
 * are then skipped, which is why it has no other effect.
 *
 * An UPDATE that moves a row to another partition fires BEFORE UPDATE, BEFORE
 * DELETE and (on the target) BEFORE INSERT.  What the UPDATE found is kept,
 * and confirmed when the INSERT is stored.
 *
 * They are ENABLE ALWAYS, for what replication writes counts in the scores;
 * otherwise it passes: see gate_replica().
 *
 * A row's old version is judged too, but only by rules that the change can
 * have mended, so that the gate knows a repair without reading findings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/rel.h"

#include "findings/finding.h"
#include "gate/gate.h"
#include "guc.h"
#include "scoring/score_delta.h"

/* How far a row on its way to another partition has come. */
typedef enum MoveState
{
	MOVE_NONE,
	MOVE_POSSIBLE,				/* a partition's row is being updated */
	MOVE_DELETED,				/* and was deleted by the same UPDATE */
	MOVE_INSERTED				/* and is being inserted elsewhere */
} MoveState;

static struct
{
	MoveState	state;
	Oid			relid;
	Oid			target;
	ItemPointerData tid;
}			move = {MOVE_NONE}; /* ends with its statement, at the latest */

/* One firing of the gate. */
typedef struct GateCall
{
	const RuleSet *ruleset;
	Relation	rel;
	CrmMode		mode;
	RuleRow		row;			/* the new version, with the old beside it */
	RuleRow		before;			/* the old version, by itself */
	bool		row_is_live;
	bool		before_is_live;
	bool		any_changed;	/* of what rules read */
	bool		key_changed;
	TupleTableSlot *own_slot;	/* of the normalised row, or NULL */
	Jsonb	   *row_key;		/* of either version, when it is needed */
	Jsonb	   *before_key;
	List	   *violations;		/* that refuse the row */
} GateCall;

PG_FUNCTION_INFO_V1(crmaudit_gate);
PG_FUNCTION_INFO_V1(crmaudit_row_stored);
PG_FUNCTION_INFO_V1(crmaudit_stored);

static void
xact_callback(XactEvent event, void *arg)
{
	move.state = MOVE_NONE;
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		move.state = MOVE_NONE;
}

void
crm_gate_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
	crm_commit_init();
	crm_truncate_init();
}

/* The mode in force: the table's, unless a superuser overrides it. */
CrmMode
crm_effective_mode(const RuleSet *ruleset)
{
	if (crm_guc_mode == CRM_OVERRIDE_OFF || ruleset->mode == CRM_MODE_OFF)
		return CRM_MODE_OFF;
	if (crm_guc_mode == CRM_OVERRIDE_OBSERVE)
		return CRM_MODE_OBSERVE;
	if (ruleset->mode == CRM_MODE_QUARANTINE && crm_guc_refuse_quarantined)
		return CRM_MODE_ENFORCE;
	return ruleset->mode;
}

static Jsonb *
call_row_key(GateCall *call)
{
	if (call->row_key == NULL)
		call->row_key = crm_row_key(&call->ruleset->key, call->row.slot);
	return call->row_key;
}

static Jsonb *
call_before_key(GateCall *call)
{
	if (call->before_key == NULL)
		call->before_key = crm_row_key(&call->ruleset->key, call->before.slot);
	return call->before_key;
}

/* Whether a violation of the rule is an error in this mode. */
static bool
call_refuses(const GateCall *call, const Rule *rule)
{
	return call->mode >= CRM_MODE_QUARANTINE && rule->severity >= CRM_ERROR;
}

/* Evaluates the n-th rule on the new version; scores want to know it too. */
static inline RuleOutcome
call_eval(const GateCall *call, int n)
{
	const Rule *rule = &call->ruleset->rules[n];
	RuleOutcome outcome = !rule->is_guarded ?
	rule->eval(rule, &call->row) :
	crm_gate_eval(call->ruleset, rule, &call->row,
				  call->mode == CRM_MODE_ENFORCE &&
				  rule->severity >= CRM_ERROR && !rule->at_commit);

	call->ruleset->after[n] = outcome;
	return outcome;
}

/* Forgets outcomes of the row before. */
static void
call_begin_outcomes(const RuleSet *ruleset)
{
	memset(ruleset->after, 0xFF, ruleset->nrules * sizeof(RuleOutcome));
	memset(ruleset->before, 0xFF, ruleset->nrules * sizeof(RuleOutcome));
}

/*
 * Whether the old version awaits its judgement by this rule at commit: until
 * then it is neither found nor gone.
 */
static bool
call_awaited_before(GateCall *call, const Rule *rule)
{
	return rule->at_commit && call->before.slot != NULL &&
		crm_commit_awaits(call->ruleset, rule, call_before_key(call));
}

/*
 * Whether the old version broke the rule.  A rule that fails on it is no
 * error: it must be possible to mend, or delete, the row.
 */
static bool
call_broke_before(const GateCall *call, const Rule *rule)
{
	RuleOutcome *outcome = &call->ruleset->before[rule - call->ruleset->rules];

	if (call->before.slot == NULL || !call->before_is_live ||
		!(rule->kind_level_row || rule->is_set))
		return false;
	if (outcome->state == RULE_UNKNOWN)
		*outcome = crm_rule_eval_guarded(rule, &call->before);
	return crm_outcome_violates(*outcome);
}

/* Remembers that the old version's finding of this rule is gone. */
static void
call_gone(GateCall *call, const Rule *rule)
{
	crm_finding_remember(call->ruleset, rule, FINDING_GONE, RULE_PASS,
						 call->mode, call_before_key(call), NULL);
}

/* Follows up an outcome that call_judge() could not pass over. */
static void
call_follow_up(GateCall *call, const Rule *rule, RuleOutcome outcome,
			   bool may_refuse)
{
	bool		awaited = call_awaited_before(call, rule);

	if (!crm_outcome_violates(outcome))
	{
		if (!awaited && call_broke_before(call, rule))
			call_gone(call, rule);
		return;
	}
	if (may_refuse && !rule->at_commit && call_refuses(call, rule) &&
		(outcome.state == RULE_ERROR ||
		 crm_outcome_severity(rule, outcome) >= CRM_ERROR))
	{
		Violation  *violation = palloc(sizeof(Violation));

		violation->rule = rule;
		violation->outcome = outcome;
		call->violations = lappend(call->violations, violation);
		return;
	}
	if (!awaited && (call->key_changed || rule->at_commit) &&
		call_broke_before(call, rule))
		call_gone(call, rule);
	if (rule->at_commit && (may_refuse || awaited))
		crm_commit_remember(call->ruleset, rule, call_row_key(call));
	else
		crm_finding_remember(call->ruleset, rule, FINDING_SEEN, outcome,
							 call->mode, call_row_key(call), &call->row);
}

/*
 * Does what follows from the new version's outcome: a violation refuses the
 * row or becomes a finding; where there is none, the old version's is gone.
 */
static inline void
call_judge(GateCall *call, const Rule *rule, RuleOutcome outcome,
		   bool may_refuse)
{
	if (crm_outcome_violates(outcome) || call->before.slot != NULL)
		call_follow_up(call, rule, outcome, may_refuse);
}

/* Evaluates all rules on a row that is inserted, or became live. */
static void
call_judge_all(GateCall *call)
{
	const RuleSet *ruleset = call->ruleset;

	for (int i = 0; i < ruleset->nrules; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		if (rule->broken == NULL &&
			(rule->kind_level_row || rule->is_set || call->row.old != NULL))
			call_judge(call, rule, call_eval(call, i), true);
	}
}

/* Evaluates the rules that an UPDATE affects. */
static void
call_judge_changed(GateCall *call)
{
	const RuleSet *ruleset = call->ruleset;

	for (int i = 0; i < ruleset->nrules; i++)
	{
		const Rule *rule = &ruleset->rules[i];
		bool		affected;

		if (rule->broken)
			continue;
		affected = crm_rule_is_affected(ruleset, rule);
		/* a new key carries the findings of the old one with it */
		if (affected || call->key_changed)
			call_judge(call, rule, call_eval(call, i), affected);
	}
}

/* Remembers that the findings of a deleted (or no longer live) row are gone. */
static void
call_judge_gone(GateCall *call)
{
	const RuleSet *ruleset = call->ruleset;

	if (!call->before_is_live)
		return;
	for (int i = 0; i < ruleset->nrules; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		if (rule->broken == NULL && !call_awaited_before(call, rule) &&
			call_broke_before(call, rule))
			call_gone(call, rule);
	}
}

/*
 * Compares what the rules read of the two versions, into ruleset->changed;
 * returns whether anything of it changed.
 */
static bool
call_compare(GateCall *call)
{
	const RuleSet *ruleset = call->ruleset;
	TupleDesc	desc = RelationGetDescr(call->rel);
	TupleTableSlot *old = call->before.slot;
	TupleTableSlot *new = call->row.slot;
	bool		any = false;

	for (int i = 0; i < ruleset->nread; i++)
	{
		AttrNumber	attnum = ruleset->read_attnums[i];
		Form_pg_attribute attr = TupleDescAttr(desc, attnum - 1);
		bool		was_null = old->tts_isnull[attnum - 1];
		bool		is_null = new->tts_isnull[attnum - 1];
		bool		changed;

		if (was_null || is_null)
			changed = was_null != is_null;
		else
			changed = !datum_image_eq(old->tts_values[attnum - 1],
									  new->tts_values[attnum - 1],
									  attr->attbyval, attr->attlen);
		ruleset->changed[attnum] = changed;
		any |= changed;
	}
	for (int i = 0; i < ruleset->key.ncolumns; i++)
		call->key_changed |= ruleset->changed[ruleset->key.columns[i].attnum];
	return any;
}

/* Judges an UPDATE; the slots are deformed. */
static void
call_judge_update(GateCall *call)
{
	call->any_changed = call_compare(call);
	if (!call->any_changed && !crm_guc_strict_update)
		return;
	call->row_is_live = crm_gate_live(call->ruleset, &call->row,
									  call->mode == CRM_MODE_ENFORCE);
	call->before_is_live = crm_gate_live(call->ruleset, &call->before, false);
	if (!call->row_is_live)
		call_judge_gone(call);
	else if (crm_guc_strict_update || !call->before_is_live)
		call_judge_all(call);
	else
		call_judge_changed(call);
}

/* Does with the row what mode and violations ask for; NULL skips it. */
static HeapTuple
call_decide(GateCall *call, HeapTuple tuple, bool is_update)
{
	if (call->violations == NIL)
		return tuple;
	crm_findings_forget();
	crm_commit_begin();
	if (call->mode == CRM_MODE_ENFORCE)
		crm_gate_refuse(call->ruleset, &call->row, call->violations);
	crm_quarantine_put(call->ruleset, call->rel,
					   is_update ? call->before.slot : NULL, tuple,
					   is_update ? call_before_key(call) : call_row_key(call),
					   call->violations);
	return NULL;
}

/* Writes canonical forms back, and judges the row as it is then. */
static HeapTuple
call_normalise(GateCall *call, HeapTuple tuple)
{
	HeapTuple	normalised;

	if (!call->ruleset->has_normalise)
		return tuple;
	normalised = crm_normalise(call->ruleset, call->rel, &call->row, tuple);
	if (normalised == tuple)
		return tuple;
	call->own_slot = MakeSingleTupleTableSlot(RelationGetDescr(call->rel),
											  &TTSOpsHeapTuple);
	call->row.slot = call->own_slot;
	ExecStoreHeapTuple(normalised, call->row.slot, false);
	slot_getsomeattrs(call->row.slot, call->ruleset->max_attnum);
	return normalised;
}

static HeapTuple
gate_insert(GateCall *call, TriggerData *trigdata)
{
	HeapTuple	tuple = trigdata->tg_trigtuple;

	call->row.slot = trigdata->tg_trigslot;
	slot_getsomeattrs(call->row.slot, call->ruleset->max_attnum);
	tuple = call_normalise(call, tuple);
	call->row_is_live = crm_gate_live(call->ruleset, &call->row,
									  call->mode == CRM_MODE_ENFORCE);
	if (call->row_is_live)
		call_judge_all(call);
	tuple = call_decide(call, tuple, false);
	if (tuple != NULL && call->row_is_live && call->ruleset->counts_live)
		crm_score_insert(call->ruleset, &call->row);
	if (tuple != NULL && call->ruleset->score)
		tuple = crm_fill_score(call->ruleset, call->rel, &call->row,
							   call->row_is_live, true, tuple);
	return tuple;
}

/*
 * Nothing is checked, nor counted: unless the row is as it was for the rules,
 * the scores do not know it.
 */
static void
gate_off(GateCall *call, TriggerData *trigdata)
{
	if (!call->ruleset->counts_live)
		return;
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		call->row.slot = trigdata->tg_newslot;
		call->before.slot = trigdata->tg_trigslot;
		slot_getsomeattrs(call->row.slot, call->ruleset->max_attnum);
		slot_getsomeattrs(call->before.slot, call->ruleset->max_attnum);
		if (!call_compare(call))
			return;
	}
	crm_score_mark_stale(call->ruleset->target);
}

/*
 * What replication brings was accepted by the publisher: it is stored as it
 * is, and nothing is found; but it counts.  A move between partitions comes as
 * DELETE and INSERT.
 */
static void
gate_replica(GateCall *call, TriggerData *trigdata)
{
	const RuleSet *ruleset = call->ruleset;
	bool		is_insert = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);

	if (!ruleset->counts_live)
		return;
	call_begin_outcomes(ruleset);
	if (!is_insert)
	{
		call->before.slot = trigdata->tg_trigslot;
		slot_getsomeattrs(call->before.slot, ruleset->max_attnum);
		call->before_is_live = crm_gate_live(ruleset, &call->before, false);
	}
	if (!TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
	{
		call->row.slot = is_insert ? trigdata->tg_trigslot :
			trigdata->tg_newslot;
		call->row.old = call->before.slot;
		slot_getsomeattrs(call->row.slot, ruleset->max_attnum);
		call->row_is_live = crm_gate_live(ruleset, &call->row, false);
	}
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		if (call_compare(call))
			crm_score_update(ruleset, &call->row, call->row_is_live,
							 &call->before, call->before_is_live);
	}
	else if (is_insert && call->row_is_live)
		crm_score_insert(ruleset, &call->row);
	else if (!is_insert && call->before_is_live)
		crm_score_delete(ruleset, &call->before);
}

/* Expects that the row may be on its way to another partition. */
static void
move_begin(const GateCall *call, TriggerData *trigdata)
{
	move.state = MOVE_POSSIBLE;
	move.relid = RelationGetRelid(trigdata->tg_relation);
	move.target = call->ruleset->target;
	move.tid = trigdata->tg_trigtuple->t_self;
}

static HeapTuple
gate_update(GateCall *call, TriggerData *trigdata)
{
	HeapTuple	tuple = trigdata->tg_newtuple;

	call->row.slot = trigdata->tg_newslot;
	call->row.old = trigdata->tg_trigslot;
	call->before.slot = trigdata->tg_trigslot;
	slot_getsomeattrs(call->row.slot, call->ruleset->max_attnum);
	slot_getsomeattrs(call->before.slot, call->ruleset->max_attnum);
	tuple = call_normalise(call, tuple);
	call_begin_outcomes(call->ruleset);
	call_judge_update(call);
	crm_commit_carry(call->ruleset, call->before.slot, call->row.slot);
	tuple = call_decide(call, tuple, true);
	if (tuple != NULL && call->any_changed && call->ruleset->counts_live)
		crm_score_update(call->ruleset, &call->row, call->row_is_live,
						 &call->before, call->before_is_live);
	if (tuple != NULL && call->ruleset->score)
		tuple = crm_fill_score(call->ruleset, call->rel, &call->row,
							   call->row_is_live, call->any_changed, tuple);
	if (tuple != NULL && trigdata->tg_relation->rd_rel->relispartition)
		move_begin(call, trigdata);
	return tuple;
}

/* The row in the slot goes, and its findings, if they are wanted. */
static void
gate_delete(GateCall *call, TupleTableSlot *slot, bool with_findings)
{
	call->before.slot = slot;
	slot_getsomeattrs(call->before.slot, call->ruleset->max_attnum);
	call->before_is_live = crm_gate_live(call->ruleset, &call->before, false);
	call_begin_outcomes(call->ruleset);
	if (with_findings)
		call_judge_gone(call);
	if (call->before_is_live && call->ruleset->counts_live)
		crm_score_delete(call->ruleset, &call->before);
}

/* Forgets a row that was not stored, and begins with this one. */
static inline void
call_begin(GateCall *call, const RuleSet *ruleset, Relation rel, CrmMode mode)
{
	memset(call, 0, sizeof(*call));
	call->rel = rel;
	call->ruleset = ruleset;
	call->mode = mode;
	call->row.ruleset = ruleset;
	call->before.ruleset = ruleset;
	crm_findings_forget();
	crm_commit_begin();
	crm_score_forget();
	if (mode == CRM_MODE_OFF)
		return;
	crm_findings_flush_if_many();
	if (ruleset->has_guarded || ruleset->live)
		crm_ruleset_begin_row(ruleset);
}

void
crm_gate_row_leaves(const RuleSet *ruleset, Relation rel, CrmMode mode,
					TupleTableSlot *slot)
{
	GateCall	call;

	call_begin(&call, ruleset, rel, mode);
	gate_delete(&call, slot, !crm_is_replica());
	crm_score_confirm();
	crm_findings_keep();
}

/* The tuple that lets the statement go on with the row. */
static HeapTuple
trigger_row(TriggerData *trigdata)
{
	return TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
}

/*
 * Whether this firing continues the move of a row between partitions, which
 * was judged when its UPDATE fired.
 */
static bool
move_goes_on(TriggerData *trigdata, const RuleSet *ruleset)
{
	if (move.state == MOVE_POSSIBLE &&
		TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) &&
		move.relid == RelationGetRelid(trigdata->tg_relation) &&
		ItemPointerEquals(&move.tid, &trigdata->tg_trigtuple->t_self))
	{
		move.state = MOVE_DELETED;
		return true;
	}
	if (move.state == MOVE_DELETED &&
		TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) &&
		move.target == ruleset->target)
	{
		move.state = MOVE_INSERTED;
		return true;
	}
	move.state = MOVE_NONE;
	return false;
}

static void
move_forget(void *arg)
{
	move.state = MOVE_NONE;
}

/*
 * Has a move forgotten when the statement ends: the row that is expected may
 * not come, where a trigger that fires later skips it.
 */
static void
move_watch(FmgrInfo *flinfo)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(flinfo->fn_mcxt,
															 sizeof(*callback));

	callback->func = move_forget;
	MemoryContextRegisterResetCallback(flinfo->fn_mcxt, callback);
}

/*
 * Raises an error unless the function is called as the trigger it is for:
 * "timing" is BEFORE or AFTER, "level" is ROW or STATEMENT.
 */
void
crm_trigger_check(FunctionCallInfo fcinfo, const char *function,
				  const char *timing, const char *level)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						function)));
	if ((timing[0] == 'B') != (TRIGGER_FIRED_BEFORE(trigdata->tg_event) != 0) ||
		(level[0] == 'R') != (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired %s %s", function,
						timing, level),
				 errhint("Let crmaudit.protect() create the trigger.")));
}

/*
 * crmaudit.gate(): the BEFORE ROW trigger zz_crmaudit_gate.
 */
Datum
crmaudit_gate(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	RuleSetEntry *entry = fcinfo->flinfo ? fcinfo->flinfo->fn_extra : NULL;
	RuleSet    *ruleset;
	GateCall	call;
	HeapTuple	result;

	if (entry == NULL)
	{
		crm_trigger_check(fcinfo, "gate", "BEFORE", "ROW");
		entry = crm_ruleset_entry(RelationGetRelid(trigdata->tg_relation));
		if (fcinfo->flinfo)
			fcinfo->flinfo->fn_extra = entry;
		if (fcinfo->flinfo && trigdata->tg_relation->rd_rel->relispartition)
			move_watch(fcinfo->flinfo);
	}
	ruleset = crm_ruleset_get(entry, trigdata->tg_relation);
	if (ruleset == NULL)
		return PointerGetDatum(trigger_row(trigdata));
	if (move.state != MOVE_NONE && move_goes_on(trigdata, ruleset))
		return PointerGetDatum(trigger_row(trigdata));

	call_begin(&call, ruleset, trigdata->tg_relation,
			   crm_effective_mode(ruleset));
	if (call.mode == CRM_MODE_OFF)
	{
		gate_off(&call, trigdata);
		return PointerGetDatum(trigger_row(trigdata));
	}
	if (crm_is_replica())
	{
		gate_replica(&call, trigdata);
		return PointerGetDatum(trigger_row(trigdata));
	}

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		result = gate_insert(&call, trigdata);
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		result = gate_update(&call, trigdata);
	else
	{
		gate_delete(&call, trigdata->tg_trigslot, true);
		result = trigdata->tg_trigtuple;
	}
	if (call.own_slot)
		ExecDropSingleTupleTableSlot(call.own_slot);
	return PointerGetDatum(result);
}

/*
 * crmaudit.row_stored(): the WHEN condition of zz_crmaudit_stored.  Confirms
 * what the gate remembered; true if an AFTER event must be queued to write
 * it.  Outside a trigger it is false, and does nothing.
 */
Datum
crmaudit_row_stored(PG_FUNCTION_ARGS)
{
	if (move.state == MOVE_DELETED)
		PG_RETURN_BOOL(false);	/* half of a move */
	move.state = MOVE_NONE;
	crm_score_confirm();
	PG_RETURN_BOOL(crm_findings_confirm());
}

/*
 * crmaudit.stored(): the AFTER ROW trigger zz_crmaudit_stored.  Fires once,
 * after all rows of the statement, and writes what they left.
 */
Datum
crmaudit_stored(PG_FUNCTION_ARGS)
{
	crm_trigger_check(fcinfo, "stored", "AFTER", "ROW");
	crm_findings_flush();
	return PointerGetDatum(NULL);
}
