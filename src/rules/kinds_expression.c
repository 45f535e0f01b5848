/*-------------------------------------------------------------------------
 *
 * kinds_expression.c
 *		The kind expression: boolean SQL over the row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "rules/rules_private.h"

static const RuleParam expression_params[] = {
	{"sql", PARAM_TEXT, true},
	{NULL}
};

static void
expression_compile(RuleCompile *context, Rule *rule)
{
	rule->state = crm_rule_expression(context,
									  crm_param_text(context->source, "sql"),
									  "rule expression", rule);
	rule->is_guarded = true;
}

static RuleOutcome
expression_eval(const Rule *rule, const RuleRow *row)
{
	bool		isnull;
	bool		result = crm_expression_eval(rule->state, row, &isnull);

	if (isnull)
		return RULE_SKIP;
	return result ? RULE_PASS : RULE_FAIL(CONDITION_FALSE);
}

const RuleKind crm_kind_expression = {
	"expression", LEVEL_ROW, 0, -1, expression_params, CRM_CONSISTENCY,
	"an expression that is NULL passes",
	"it holds that {sql}", "满足条件 {sql}",
	expression_compile, expression_eval
};
