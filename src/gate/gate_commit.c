/*-------------------------------------------------------------------------
 *
 * gate_commit.c
 *		Rules with "timing":"commit".
 *
 * Applications write a phone as typed and format it later in the same
 * transaction.  When a row breaks such a rule as it is written, the gate
 * remembers row key and rule; if the row is stored, row_awaits_commit(), the
 * WHEN condition of the deferred constraint trigger zz_crmaudit_commit, has
 * an event queued for it.  At commit the row's last version is judged by the
 * remembered rules; versions that a later statement replaced are passed over.
 *
 * Lifetime: what is remembered belongs to the transaction; each rule carries
 * its subtransaction, and the abort of a subtransaction drops its own.
 *
 * Memory: a hash in a context below TopTransactionContext, made when the
 * first row needs it.  Rows that break no commit rule cost nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "findings/finding.h"
#include "gate/gate.h"

/* Identity of a row: two 64-bit hashes of its key tell rows apart. */
typedef struct AwaitingKey
{
	Oid			target;
	uint32		padding;		/* zero: keys are compared as bytes */
	uint64		hash1;
	uint64		hash2;
} AwaitingKey;

/* A rule that a row awaits. */
typedef struct AwaitedRule
{
	int64		rule_id;
	SubTransactionId subid;
	bool		is_found;		/* SET CONSTRAINTS judged it, and found it */
} AwaitedRule;

/* A row that awaits judgement at commit. */
typedef struct AwaitingRow
{
	AwaitingKey key;
	int			nrules;
	int			size;
	AwaitedRule *rules;
} AwaitingRow;

static MemoryContext awaiting_context = NULL;
static HTAB *awaiting_rows = NULL;

/* What the row that is about to be stored will await. */
static AwaitingKey pending_key;
static int	npending = 0;
static int	pending_size = 0;
static int64 *pending_rules = NULL;

PG_FUNCTION_INFO_V1(crmaudit_row_awaits_commit);
PG_FUNCTION_INFO_V1(crmaudit_commit_gate);

static void
awaiting_key_fill(AwaitingKey *key, Oid target, const Jsonb *row_key)
{
	const unsigned char *data = (const unsigned char *) VARDATA_ANY(row_key);
	int			length = VARSIZE_ANY_EXHDR(row_key);

	memset(key, 0, sizeof(*key));
	key->target = target;
	key->hash1 = hash_bytes_extended(data, length, 0);
	key->hash2 = hash_bytes_extended(data, length, UINT64CONST(0x9E3779B97F4A7C15));
}

static void
pending_add(int64 rule_id)
{
	if (npending == pending_size)
	{
		pending_size = pending_size ? pending_size * 2 : 16;
		pending_rules = pending_rules ?
			repalloc(pending_rules, pending_size * sizeof(int64)) :
			MemoryContextAlloc(CacheMemoryContext,
							   pending_size * sizeof(int64));
	}
	pending_rules[npending++] = rule_id;
}

/* Forgets what was remembered for a row that was not stored. */
void
crm_commit_begin(void)
{
	npending = 0;
}

/* Remembers that the row about to be stored must be judged at commit. */
void
crm_commit_remember(const RuleSet *ruleset, const Rule *rule,
					const Jsonb *row_key)
{
	if (npending == 0)
		awaiting_key_fill(&pending_key, ruleset->target, row_key);
	pending_add(rule->id);
}

/* Whether a row of that key awaits judgement by the rule. */
bool
crm_commit_awaits(const RuleSet *ruleset, const Rule *rule,
				  const Jsonb *row_key)
{
	AwaitingKey key;
	AwaitingRow *row;

	if (awaiting_rows == NULL)
		return false;
	awaiting_key_fill(&key, ruleset->target, row_key);
	row = hash_search(awaiting_rows, &key, HASH_FIND, NULL);
	for (int i = 0; row != NULL && i < row->nrules; i++)
	{
		if (row->rules[i].rule_id == rule->id)
			return true;
	}
	return false;
}

/*
 * Lets the new version of a row await what the old one does: it was written
 * by this transaction, so that every commit rule it broke must hold at last.
 */
void
crm_commit_carry(const RuleSet *ruleset, TupleTableSlot *old,
				 TupleTableSlot *new)
{
	AwaitingKey key;
	AwaitingRow *row;

	if (awaiting_rows == NULL || ruleset->ncommit == 0)
		return;
	awaiting_key_fill(&key, ruleset->target, crm_row_key(&ruleset->key, old));
	row = hash_search(awaiting_rows, &key, HASH_FIND, NULL);
	if (row == NULL)
		return;
	if (npending == 0)
		awaiting_key_fill(&pending_key, ruleset->target,
						  crm_row_key(&ruleset->key, new));
	for (int i = 0; i < row->nrules; i++)
		pending_add(row->rules[i].rule_id);
}

static void
awaiting_open(void)
{
	HASHCTL		ctl;

	if (awaiting_rows)
		return;
	awaiting_context = AllocSetContextCreate(TopTransactionContext,
											 "crmaudit commit",
											 ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(AwaitingKey);
	ctl.entrysize = sizeof(AwaitingRow);
	ctl.hcxt = awaiting_context;
	awaiting_rows = hash_create("crmaudit rows awaiting commit", 256, &ctl,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Lets a row await a rule. */
static void
awaiting_add(AwaitingRow *row, int64 rule_id)
{
	for (int i = 0; i < row->nrules; i++)
	{
		if (row->rules[i].rule_id == rule_id)
			return;
	}
	if (row->nrules == row->size)
	{
		row->size = row->size ? row->size * 2 : 4;
		row->rules = row->rules ?
			repalloc(row->rules, row->size * sizeof(AwaitedRule)) :
			MemoryContextAlloc(awaiting_context,
							   row->size * sizeof(AwaitedRule));
	}
	row->rules[row->nrules].rule_id = rule_id;
	row->rules[row->nrules].is_found = false;
	row->rules[row->nrules++].subid = GetCurrentSubTransactionId();
}

/*
 * crmaudit.row_awaits_commit(): the WHEN condition of zz_crmaudit_commit.
 * Records what the gate remembered; true if there is anything.
 */
Datum
crmaudit_row_awaits_commit(PG_FUNCTION_ARGS)
{
	AwaitingRow *row;
	bool		found;

	if (npending == 0)
		PG_RETURN_BOOL(false);
	awaiting_open();
	row = hash_search(awaiting_rows, &pending_key, HASH_ENTER, &found);
	if (!found)
	{
		row->nrules = 0;
		row->size = 0;
		row->rules = NULL;
	}
	for (int i = 0; i < npending; i++)
		awaiting_add(row, pending_rules[i]);
	npending = 0;
	PG_RETURN_BOOL(true);
}

static const Rule *
ruleset_find_rule(const RuleSet *ruleset, int64 rule_id)
{
	for (int i = 0; i < ruleset->nrules; i++)
	{
		if (ruleset->rules[i].id == rule_id)
			return &ruleset->rules[i];
	}
	return NULL;
}

/* Judges the surviving version of a row by one rule. */
static List *
commit_judge(const RuleSet *ruleset, const Rule *rule, AwaitedRule *awaited,
			 const RuleRow *row, CrmMode mode, Jsonb *row_key,
			 List *violations)
{
	bool		refuses = mode == CRM_MODE_ENFORCE && rule->severity >= CRM_ERROR;
	RuleOutcome outcome = crm_gate_eval(ruleset, rule, row, refuses);

	if (!crm_outcome_violates(outcome))
	{
		if (awaited->is_found)
			crm_finding_remember(ruleset, rule, FINDING_GONE, RULE_PASS, mode,
								 row_key, NULL);
		awaited->is_found = false;
		return violations;
	}
	if (refuses && crm_outcome_severity(rule, outcome) >= CRM_ERROR)
	{
		Violation  *violation = palloc(sizeof(Violation));

		violation->rule = rule;
		violation->outcome = outcome;
		return lappend(violations, violation);
	}
	crm_finding_remember(ruleset, rule, FINDING_SEEN, outcome, mode, row_key,
						 row);
	awaited->is_found = true;
	return violations;
}

/* Judges a row by all the rules that it awaits. */
static void
commit_judge_row(const RuleSet *ruleset, TupleTableSlot *slot, CrmMode mode)
{
	RuleRow		row = {slot, NULL, ruleset};
	Jsonb	   *row_key;
	AwaitingKey key;
	AwaitingRow *awaiting;
	List	   *violations = NIL;

	slot_getsomeattrs(slot, ruleset->max_attnum);
	row_key = crm_row_key(&ruleset->key, slot);
	awaiting_key_fill(&key, ruleset->target, row_key);
	awaiting = awaiting_rows ?
		hash_search(awaiting_rows, &key, HASH_FIND, NULL) : NULL;
	if (awaiting == NULL)
		return;
	crm_ruleset_begin_row(ruleset);
	crm_findings_forget();
	crm_findings_flush_if_many();
	if (crm_gate_live(ruleset, &row, mode == CRM_MODE_ENFORCE))
	{
		for (int i = 0; i < awaiting->nrules; i++)
		{
			const Rule *rule = ruleset_find_rule(ruleset,
												 awaiting->rules[i].rule_id);

			if (rule && rule->broken == NULL && rule->eval)
				violations = commit_judge(ruleset, rule, &awaiting->rules[i],
										  &row, mode, row_key, violations);
		}
	}
	if (violations != NIL)
		crm_gate_refuse(ruleset, &row, violations);
	crm_findings_keep();
}

/*
 * crmaudit.commit_gate(): the deferred constraint trigger
 * zz_crmaudit_commit.
 */
Datum
crmaudit_commit_gate(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	RuleSet    *ruleset;
	TupleTableSlot *slot;
	CrmMode		mode;

	crm_trigger_check(fcinfo, "commit_gate", "AFTER", "ROW");
	/* a COMMIT takes no lock that would bring changes of rules with it */
	AcceptInvalidationMessages();
	ruleset = crm_ruleset_lookup(trigdata->tg_relation);
	if (ruleset == NULL)
		return PointerGetDatum(NULL);
	mode = crm_effective_mode(ruleset);
	slot = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newslot : trigdata->tg_trigslot;

	/* as RI does: another event stands for the version that replaced this */
	if (mode != CRM_MODE_OFF &&
		table_tuple_satisfies_snapshot(trigdata->tg_relation, slot,
									   SnapshotSelf))
		commit_judge_row(ruleset, slot, mode);
	return PointerGetDatum(NULL);
}

static void
xact_callback(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	/* the hash goes with TopTransactionContext */
	awaiting_context = NULL;
	awaiting_rows = NULL;
	npending = 0;
}

/* Drops what an aborted subtransaction, and those in it, remembered. */
static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	HASH_SEQ_STATUS status;
	AwaitingRow *row;

	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	if (awaiting_rows == NULL)
		return;
	hash_seq_init(&status, awaiting_rows);
	while ((row = hash_seq_search(&status)) != NULL)
	{
		int			kept = 0;

		for (int i = 0; i < row->nrules; i++)
		{
			if (row->rules[i].subid < subid)
				row->rules[kept++] = row->rules[i];
		}
		row->nrules = kept;
	}
}

void
crm_commit_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}
