/*-------------------------------------------------------------------------
 *
 * kinds_compare.c
 *		Kinds that compare two values: of two columns (columns_equal,
 *		columns_differ), or of a row before and after an UPDATE (immutable,
 *		transition, changed_together).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/value.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "json_object.h"
#include "rules/rules_private.h"

typedef struct EqualState
{
	bool		by_operator;	/* not by their text */
	FmgrInfo	equal;
} EqualState;

typedef struct ImmutableState
{
	bool		once_set;		/* may be set while it is NULL */
} ImmutableState;

/* A permitted change; NULL stands for SQL NULL. */
typedef struct Transition
{
	char	   *from;
	char	   *to;
} Transition;

typedef struct TransitionState
{
	int			count;
	Transition *allowed;
	bool		names_null;		/* some pair begins with NULL */
} TransitionState;

typedef struct TogetherState
{
	bool		if_first;		/* only a change of the first column asks for
								 * the others */
} TogetherState;

static const RuleParam immutable_params[] = {
	{"once_set", PARAM_BOOLEAN, false},
	{NULL}
};

static const RuleParam transition_params[] = {
	{"allow", PARAM_PAIRS, true},
	{NULL}
};

static const RuleParam together_params[] = {
	{"if_first", PARAM_BOOLEAN, false},
	{NULL}
};

static const RuleParam no_params[] = {{NULL}};

/*
 * Two texts, and the value of a path, are compared as text.  Other types need
 * an operator = that takes both as they are: by their text, 5 and 5.0 or a
 * date and its midnight would differ.
 */
static void
columns_compile(RuleCompile *context, Rule *rule)
{
	EqualState *state = palloc0(sizeof(EqualState));
	const RuleColumn *first = &rule->columns[0];
	const RuleColumn *second = &rule->columns[1];

	if (first->npath == 0 && second->npath == 0 &&
		!(crm_column_is_text(first) && crm_column_is_text(second) &&
		  first->typid != second->typid))
	{
		Oid			equal = compatible_oper_opid(list_make1(makeString("=")),
												 getBaseType(first->typid),
												 getBaseType(second->typid),
												 true);

		if (!OidIsValid(equal))
			crm_column_type_error(context, second,
								  psprintf("two columns that the operator = compares without a cast; \"%s\" is of type %s",
										   first->spec,
										   format_type_be(first->typid)));
		fmgr_info(get_opcode(equal), &state->equal);
		state->by_operator = true;
	}
	rule->state = state;
}

/* Compares the two columns: 1 equal, 0 different, -1 if either is NULL. */
static int
columns_compare(const Rule *rule, const RuleRow *row)
{
	EqualState *state = rule->state;
	const char *first;
	const char *second;
	int			first_length;
	int			second_length;

	if (state->by_operator)
	{
		bool		first_null;
		bool		second_null;
		Datum		a = crm_column_datum(&rule->columns[0], row->slot, &first_null);
		Datum		b = crm_column_datum(&rule->columns[1], row->slot, &second_null);

		if (first_null || second_null)
			return -1;
		return DatumGetBool(FunctionCall2Coll(&state->equal,
											  rule->columns[0].collation, a, b));
	}
	if (!crm_column_text(&rule->columns[0], row->slot, &first, &first_length) ||
		!crm_column_text(&rule->columns[1], row->slot, &second, &second_length))
		return -1;
	return first_length == second_length &&
		memcmp(first, second, first_length) == 0;
}

static RuleOutcome
columns_equal_eval(const Rule *rule, const RuleRow *row)
{
	int			equal = columns_compare(rule, row);

	if (equal < 0)
		return RULE_SKIP;
	return equal ? RULE_PASS : RULE_FAIL(NOT_EQUAL);
}

static RuleOutcome
columns_differ_eval(const Rule *rule, const RuleRow *row)
{
	int			equal = columns_compare(rule, row);

	if (equal < 0)
		return RULE_SKIP;
	return equal ? RULE_FAIL(NOT_DIFFERENT) : RULE_PASS;
}

/*
 * Text of a column before and after.  Values of a path are compared as text,
 * so that a change elsewhere in the json is none.
 */
static bool
path_changed(const RuleColumn *column, const RuleRow *row)
{
	const char *before;
	const char *after;
	int			before_length;
	int			after_length;
	bool		had = crm_column_text(column, row->old, &before, &before_length);
	bool		has = crm_column_text(column, row->slot, &after, &after_length);

	if (!had || !has)
		return had != has;
	return before_length != after_length ||
		memcmp(before, after, before_length) != 0;
}

/* Whether an UPDATE changes the value of a column. */
static bool
column_changed(const RuleColumn *column, const RuleRow *row)
{
	bool		was_null;
	bool		is_null;
	Datum		before = crm_column_datum(column, row->old, &was_null);
	Datum		after = crm_column_datum(column, row->slot, &is_null);

	if (was_null || is_null)
		return was_null != is_null;
	if (datum_image_eq(before, after, column->typbyval, column->typlen))
		return false;
	return column->npath == 0 || path_changed(column, row);
}

static void
immutable_compile(RuleCompile *context, Rule *rule)
{
	ImmutableState *state = palloc(sizeof(ImmutableState));

	state->once_set = crm_param_bool(context->source, "once_set", false);
	rule->state = state;
}

static RuleOutcome
immutable_eval(const Rule *rule, const RuleRow *row)
{
	const ImmutableState *state = rule->state;

	if (row->old == NULL)
		return RULE_SKIP;
	for (int i = 0; i < rule->ncolumns; i++)
	{
		const RuleColumn *column = &rule->columns[i];
		const char *data;
		int			length;

		if (!column_changed(column, row))
			continue;
		if (state->once_set &&
			!crm_column_text(column, row->old, &data, &length))
			continue;
		return RULE_FAIL(CHANGED);
	}
	return RULE_PASS;
}

static void
transition_compile(RuleCompile *context, Rule *rule)
{
	TransitionState *state = palloc0(sizeof(TransitionState));
	JsonbContainer *pairs = crm_param(context->source, "allow")->val.binary.data;

	state->allowed = palloc(JsonContainerSize(pairs) * sizeof(Transition));
	for (uint32 i = 0; i < JsonContainerSize(pairs); i++)
	{
		JsonbValue *pair = getIthJsonbValueFromContainer(pairs, i);
		JsonbContainer *ends = pair->val.binary.data;
		Transition *allowed = &state->allowed[state->count++];

		allowed->from = crm_json_scalar_text(getIthJsonbValueFromContainer(ends, 0));
		allowed->to = crm_json_scalar_text(getIthJsonbValueFromContainer(ends, 1));
		if (allowed->from == NULL)
			state->names_null = true;
	}
	rule->state = state;
}

/* Whether one end of a permitted change is the given value. */
static bool
end_matches(const char *end, bool has_value, const char *data, int length)
{
	if (end == NULL || !has_value)
		return end == NULL && !has_value;
	return strlen(end) == (size_t) length && memcmp(end, data, length) == 0;
}

static RuleOutcome
transition_eval(const Rule *rule, const RuleRow *row)
{
	const TransitionState *state = rule->state;
	const RuleColumn *column = &rule->columns[0];
	const char *before;
	const char *after;
	int			before_length = 0;
	int			after_length = 0;
	bool		had;
	bool		has;

	if (row->old == NULL)
		return RULE_SKIP;
	had = crm_column_text(column, row->old, &before, &before_length);
	has = crm_column_text(column, row->slot, &after, &after_length);
	if (!had && (!has || !state->names_null))
		return RULE_PASS;
	if (had && has && before_length == after_length &&
		memcmp(before, after, before_length) == 0)
		return RULE_PASS;
	for (int i = 0; i < state->count; i++)
	{
		const Transition *allowed = &state->allowed[i];

		if (end_matches(allowed->from, had, before, before_length) &&
			end_matches(allowed->to, has, after, after_length))
			return RULE_PASS;
	}
	return RULE_FAIL(TRANSITION);
}

static void
changed_together_compile(RuleCompile *context, Rule *rule)
{
	TogetherState *state = palloc(sizeof(TogetherState));

	state->if_first = crm_param_bool(context->source, "if_first", false);
	rule->state = state;
}

static RuleOutcome
changed_together_eval(const Rule *rule, const RuleRow *row)
{
	const TogetherState *state = rule->state;
	int			changed = 0;

	if (row->old == NULL)
		return RULE_SKIP;
	if (state->if_first && !column_changed(&rule->columns[0], row))
		return RULE_PASS;
	for (int i = 0; i < rule->ncolumns; i++)
		changed += column_changed(&rule->columns[i], row);
	return changed == 0 || changed == rule->ncolumns ? RULE_PASS
		: RULE_FAIL(NOT_CHANGED_TOGETHER);
}

const RuleKind crm_kind_columns_equal = {
	"columns_equal", LEVEL_ROW, 2, 2, no_params, CRM_CONSISTENCY,
	"passes if either is NULL",
	"{1} equals {2}", "{1} 与 {2} 相同",
	columns_compile, columns_equal_eval
};

const RuleKind crm_kind_columns_differ = {
	"columns_differ", LEVEL_ROW, 2, 2, no_params, CRM_CONSISTENCY,
	"passes if either is NULL",
	"{1} differs from {2}", "{1} 与 {2} 不同",
	columns_compile, columns_differ_eval
};

const RuleKind crm_kind_immutable = {
	"immutable", LEVEL_UPDATE, 1, -1, immutable_params, CRM_CONSISTENCY,
	"with \"once_set\", NULL may be filled once",
	"{columns} does not change", "{columns} 不变更",
	immutable_compile, immutable_eval
};

const RuleKind crm_kind_transition = {
	"transition", LEVEL_UPDATE, 1, 1, transition_params, CRM_CONSISTENCY,
	"from NULL all is allowed unless a pair begins with null",
	"{columns} changes only as {allow}", "{columns} 只按 {allow} 变更",
	transition_compile, transition_eval
};

const RuleKind crm_kind_changed_together = {
	"changed_together", LEVEL_UPDATE, 2, -1, together_params, CRM_TIMELINESS,
	"NULL is a value like any other",
	"{columns} change together", "{columns} 同时变更",
	changed_together_compile, changed_together_eval
};
