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
#include "rules/set_kind.h"

/* A rule's SQL that is running. */
typedef struct RunningSql
{
	Oid			relid;
	struct RunningSql *outer;
} RunningSql;

static RunningSql *running_sql = NULL;	/* the innermost */

/*
 * Begins another row.  SQL of a rule can call a function which has the same
 * rules evaluated, as crmaudit.score() does; that is an error, for expressions
 * are not reentrant, and it need not end.
 */
void
crm_ruleset_begin_row(const RuleSet *ruleset)
{
	for (RunningSql *sql = running_sql; sql != NULL; sql = sql->outer)
	{
		if (sql->relid == ruleset->relid)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("rules of relation \"%s\" are being evaluated already",
							ruleset->target_name),
					 errhint("SQL of a rule must not have the rules of the same table evaluated.")));
	}
	ResetExprContext(ruleset->econtext);
}

/* Runs SQL of a rule, which gives a boolean, on the row. */
bool
crm_expression_eval(ExprState *expression, const RuleRow *row, bool *isnull)
{
	ExprContext *econtext = row->ruleset->econtext;
	RunningSql	sql = {row->ruleset->relid, running_sql};
	volatile Datum result = (Datum) 0;

	econtext->ecxt_scantuple = row->slot;
	running_sql = &sql;
	PG_TRY();
	{
		result = ExecEvalExprSwitchContext(expression, econtext, isnull);
	}
	PG_FINALLY();
	{
		running_sql = sql.outer;
	}
	PG_END_TRY();
	return DatumGetBool(result);
}

/* Whether a condition holds; NULL counts as false, as in WHERE. */
static bool
condition_holds(ExprState *condition, const RuleRow *row)
{
	bool		isnull;
	bool		result = crm_expression_eval(condition, row, &isnull);

	return !isnull && result;
}

/*
 * Evaluates the rule; an error of its SQL propagates.  The caller skips rules
 * that are broken, or that only the sweep evaluates.
 */
RuleOutcome
crm_rule_eval(const Rule *rule, const RuleRow *row)
{
	/* a rule with a condition is guarded; the gate calls others itself */
	if (rule->condition && !condition_holds(rule->condition, row))
		return RULE_SKIP;
	return rule->eval(rule, row);
}

/*
 * Runs "func"; returns NULL, or the message of the error it raised.  A
 * subtransaction makes that safe; it writes nothing, so that it takes no xid.
 * In parallel mode there are none, and the error propagates; so does one that
 * tells nothing of a rule.
 */
char *
crm_run_guarded(GuardedFunc func, void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile message = NULL;

	if (IsInParallelMode())
	{
		func(argument);
		return NULL;
	}
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		func(argument);
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
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (crm_error_cancels(error->sqlerrcode))
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
eval_rule(void *argument)
{
	GuardedEval *eval = argument;

	eval->outcome = crm_rule_eval(eval->rule, eval->row);
}

static void
eval_live(void *argument)
{
	GuardedEval *eval = argument;

	eval->live = crm_ruleset_live(eval->ruleset, eval->row);
}

/* As crm_rule_eval(), but an error of the rule's SQL becomes RULE_ERROR. */
RuleOutcome
crm_rule_eval_guarded(const Rule *rule, const RuleRow *row)
{
	GuardedEval eval = {.rule = rule,.row = row};

	if (!rule->is_guarded)
		return crm_rule_eval(rule, row);
	if (crm_run_guarded(eval_rule, &eval) != NULL)
		return RULE_OUTCOME(RULE_ERROR, CRM_REASON_RULE_ERROR);
	return eval.outcome;
}

/*
 * Of a rule that looks at other rows: whether its condition holds (passed, or
 * not assessed).  What it reads of the row is read here once, where an error
 * can be caught: a json value may be none that text can hold.
 */
RuleOutcome
crm_rule_condition(const Rule *rule, const RuleRow *row)
{
	const char *data;
	int			length;

	if (rule->condition && !condition_holds(rule->condition, row))
		return RULE_SKIP;
	if (rule->is_guarded && crm_rule_assesses(rule, row) && rule->set->value)
		(void) rule->set->value(rule, row, &data, &length);
	if (rule->is_guarded && rule->set->counts)
		(void) rule->set->counts(rule, row);
	return RULE_PASS;
}

static void
eval_condition(void *argument)
{
	GuardedEval *eval = argument;

	eval->outcome = crm_rule_condition(eval->rule, eval->row);
}

/* Likewise; an error of its SQL becomes RULE_ERROR. */
RuleOutcome
crm_rule_condition_guarded(const Rule *rule, const RuleRow *row)
{
	GuardedEval eval = {.rule = rule,.row = row};

	if (crm_run_guarded(eval_condition, &eval) != NULL)
		return RULE_OUTCOME(RULE_ERROR, CRM_REASON_RULE_ERROR);
	return eval.outcome;
}

/* Whether a rule that looks at other rows says something of this one. */
bool
crm_rule_assesses(const Rule *rule, const RuleRow *row)
{
	if (rule->set && rule->set->assesses)
		return rule->set->assesses(rule, row);
	for (int i = 0; i < rule->ncolumns; i++)
	{
		const char *data;
		int			length;

		if (rule->columns[i].npath == 0 ?
			row->slot->tts_isnull[rule->columns[i].attnum - 1] :
			!crm_column_text(&rule->columns[i], row->slot, &data, &length))
			return false;
	}
	return true;
}

/* Whether the target's live condition holds for the row's slot. */
bool
crm_ruleset_live(const RuleSet *ruleset, const RuleRow *row)
{
	return ruleset->live == NULL ||
		condition_holds(ruleset->live, row);
}

/* Likewise; where the condition fails the row counts as live. */
bool
crm_ruleset_live_guarded(const RuleSet *ruleset, const RuleRow *row)
{
	GuardedEval eval = {.ruleset = ruleset,.row = row};

	if (ruleset->live == NULL)
		return true;
	return crm_run_guarded(eval_live, &eval) == NULL ? eval.live : true;
}
