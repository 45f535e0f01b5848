/*-------------------------------------------------------------------------
 *
 * rule_eval.c
 *		Evaluates one compiled rule on one row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "rules/rules_private.h"

/* Whether a condition holds; NULL counts as false, as in WHERE. */
static bool
condition_holds(ExprState *condition, TupleTableSlot *slot,
				ExprContext *econtext)
{
	bool		isnull;
	Datum		result;

	econtext->ecxt_scantuple = slot;
	result = ExecEvalExprSwitchContext(condition, econtext, &isnull);
	return !isnull && DatumGetBool(result);
}

/*
 * Evaluates the rule; an error of its SQL propagates.  The caller skips rules
 * that are broken, or that only the sweep evaluates.
 */
RuleOutcome
crm_rule_eval(const Rule *rule, const RuleRow *row)
{
	/* a rule with a condition is guarded; the gate calls others itself */
	if (rule->condition &&
		!condition_holds(rule->condition, row->slot, row->econtext))
		return RULE_SKIP;
	return rule->eval(rule, row);
}

/*
 * Whether an error tells of the moment (a cancelled statement, a lock, memory
 * or stack that ran out) and not of the SQL that met it.
 */
bool
crm_error_is_transient(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
			return true;
		default:
			return sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
				sqlerrcode == ERRCODE_STATEMENT_TOO_COMPLEX;
	}
}

/*
 * Runs "func"; returns NULL, or the message of the error that it raised,
 * unless that is transient.  A subtransaction makes it safe to go on; it
 * writes nothing, so that it takes no xid.  In parallel mode there are none,
 * and every error propagates.
 */
char *
crm_run_guarded(GuardedFunc func, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile message = NULL;

	if (IsInParallelMode())
	{
		func(arg);
		return NULL;
	}
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		func(arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* first, or the session is left in it */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (crm_error_is_transient(error->sqlerrcode))
			ReThrowError(error);
		message = pstrdup(error->message);
		FreeErrorData(error);
	}
	PG_END_TRY();
	return message;
}

/* What is evaluated under guard: a rule, or a target's live condition. */
typedef struct GuardedEval
{
	const Rule *rule;
	const RuleSet *ruleset;
	const RuleRow *row;
	RuleOutcome outcome;
	bool		live;
} GuardedEval;

static void
run_rule(void *arg)
{
	GuardedEval *eval = arg;

	eval->outcome = crm_rule_eval(eval->rule, eval->row);
}

static void
run_live(void *arg)
{
	GuardedEval *eval = arg;

	eval->live = crm_ruleset_live(eval->ruleset, eval->row);
}

/* As crm_rule_eval(), but an error of the rule's SQL becomes RULE_ERROR. */
RuleOutcome
crm_rule_eval_guarded(const Rule *rule, const RuleRow *row)
{
	GuardedEval eval = {.rule = rule,.row = row};

	if (!rule->is_guarded)
		return crm_rule_eval(rule, row);
	if (crm_run_guarded(run_rule, &eval) != NULL)
		return RULE_OUTCOME(RULE_ERROR, CRM_REASON_RULE_ERROR);
	return eval.outcome;
}

/* Whether the target's live condition holds for the row's slot. */
bool
crm_ruleset_live(const RuleSet *ruleset, const RuleRow *row)
{
	return ruleset->live == NULL ||
		condition_holds(ruleset->live, row->slot, row->econtext);
}

/* Likewise; where the condition fails the row counts as live. */
bool
crm_ruleset_live_guarded(const RuleSet *ruleset, const RuleRow *row)
{
	GuardedEval eval = {.ruleset = ruleset,.row = row};

	if (ruleset->live == NULL)
		return true;
	return crm_run_guarded(run_live, &eval) == NULL ? eval.live : true;
}
