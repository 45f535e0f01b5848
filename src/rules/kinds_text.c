/*-------------------------------------------------------------------------
 *
 * kinds_text.c
 *		Kinds about the text of a value: regex, length, in_set, in_list,
 *		not_in_list.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "rules/rules_private.h"

/* A compiled pattern, released with the rule set's context. */
typedef struct RegexState
{
	regex_t		regex;
	MemoryContextCallback callback;
} RegexState;

typedef struct LengthState
{
	int			min;
	int			max;
} LengthState;

/* Permitted values: sorted texts, or datums of the column's type. */
typedef struct SetState
{
	int			count;
	char	  **texts;
	Datum	   *datums;
	FmgrInfo	equal;
	Oid			collation;
} SetState;

typedef struct ListState
{
	ValueList  *list;
	bool		by_domain;
} ListState;

static const RuleParam regex_params[] = {
	{"pattern", PARAM_TEXT, true},
	{NULL}
};

static const RuleParam length_params[] = {
	{"min", PARAM_INTEGER, false},
	{"max", PARAM_INTEGER, false},
	{NULL}
};

static const RuleParam set_params[] = {
	{"values", PARAM_SCALARS, true},
	{NULL}
};

static const RuleParam list_params[] = {
	{"list", PARAM_TEXT, true},
	{"part", PARAM_TEXT, false},
	{NULL}
};

static void
regex_release(void *arg)
{
	pg_regfree((regex_t *) arg);
}

/* Raises an error unless column 0 is text, or a path. */
static void
require_text(RuleCompile *context, Rule *rule)
{
	if (!crm_column_is_text(&rule->columns[0]))
		crm_column_type_error(context, &rule->columns[0], "a text column");
}

static void
regex_compile(RuleCompile *context, Rule *rule)
{
	RegexState *state = palloc0(sizeof(RegexState));
	char	   *pattern = crm_param_text(context->source, "pattern");
	int			length = strlen(pattern);
	pg_wchar   *wide = palloc((length + 1) * sizeof(pg_wchar));
	Oid			collation = rule->columns[0].collation;
	int			code;

	require_text(context, rule);
	length = pg_mb2wchar_with_len(pattern, wide, length);
	code = pg_regcomp(&state->regex, wide, length, REG_ADVANCED | REG_NOSUB,
					  OidIsValid(collation) ? collation : C_COLLATION_OID);
	if (code != REG_OKAY)
	{
		char		message[100];

		pg_regerror(code, &state->regex, message, sizeof(message));
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
				 errmsg("invalid regular expression in parameter \"pattern\": %s",
						message),
				 errhint("The pattern is read as the operator ~ reads it.")));
	}
	state->callback.func = regex_release;
	state->callback.arg = &state->regex;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &state->callback);
	rule->state = state;
}

static RuleOutcome
regex_eval(const Rule *rule, const RuleRow *row)
{
	RegexState *state = rule->state;
	const char *data;
	int			length;
	pg_wchar	buffer[128];
	pg_wchar   *wide = buffer;
	int			code;

	if (!crm_column_text(&rule->columns[0], row->slot, &data, &length))
		return RULE_SKIP;
	if (length >= (int) lengthof(buffer))
		wide = palloc((length + 1) * sizeof(pg_wchar));
	length = pg_mb2wchar_with_len(data, wide, length);
	code = pg_regexec(&state->regex, wide, length, 0, NULL, 0, NULL, 0);
	if (code == REG_OKAY)
		return RULE_PASS;
	if (code != REG_NOMATCH)
	{
		char		message[100];

		CHECK_FOR_INTERRUPTS();
		pg_regerror(code, &state->regex, message, sizeof(message));
		elog(ERROR, "regular expression failed: %s", message);
	}
	return RULE_FAIL(NO_MATCH);
}

static void
length_compile(RuleCompile *context, Rule *rule)
{
	LengthState *state = palloc(sizeof(LengthState));

	require_text(context, rule);
	if (crm_param(context->source, "min") == NULL &&
		crm_param(context->source, "max") == NULL)
		crm_param_either_error("length", "min", "max");
	state->min = crm_param_int(context->source, "min", 0);
	state->max = crm_param_int(context->source, "max", INT_MAX);
	if (state->min > state->max)
		crm_param_bounds_error();
	rule->state = state;
}

static RuleOutcome
length_eval(const Rule *rule, const RuleRow *row)
{
	const LengthState *state = rule->state;
	const char *data;
	int			length;

	if (!crm_column_text(&rule->columns[0], row->slot, &data, &length))
		return RULE_SKIP;
	/* bytes bound characters from above, which often spares the count */
	if (length > state->max || length < state->min ||
		(state->min > 0 && length < state->min * MAX_MULTIBYTE_CHAR_LEN))
		length = pg_mbstrlen_with_len(data, length);
	if (length < state->min)
		return RULE_FAIL(SHORTER);
	return length > state->max ? RULE_FAIL(LONGER) : RULE_PASS;
}

static int
text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Reads the permitted values as datums of the column's type. */
static void
set_read_datums(SetState *state, const RuleSource *source,
				const RuleColumn *column)
{
	TypeCacheEntry *type = lookup_type_cache(column->typid,
											 TYPECACHE_EQ_OPR_FINFO);

	if (!OidIsValid(type->eq_opr_finfo.fn_oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("type %s of column \"%s\" has no equality operator",
						format_type_be(column->typid), column->spec)));
	fmgr_info(type->eq_opr_finfo.fn_oid, &state->equal);
	state->collation = column->collation;
	state->datums = palloc(state->count * sizeof(Datum));
	for (int i = 0; i < state->count; i++)
		state->datums[i] = crm_param_read(source, "values", state->texts[i],
										  getBaseType(column->typid));
}

static void
in_set_compile(RuleCompile *context, Rule *rule)
{
	SetState   *state = palloc0(sizeof(SetState));

	state->texts = crm_param_texts(context->source, "values", &state->count);
	if (crm_column_is_text(&rule->columns[0]))
		qsort(state->texts, state->count, sizeof(char *), text_compare);
	else
		set_read_datums(state, context->source, &rule->columns[0]);
	rule->state = state;
}

/* Whether the text is one of the sorted values. */
static bool
set_has_text(const SetState *state, const char *data, int length)
{
	int			low = 0;
	int			high = state->count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const char *text = state->texts[middle];
		int			order = strncmp(data, text, length);

		if (order == 0 && text[length] == '\0')
			return true;
		if (order > 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return false;
}

static RuleOutcome
in_set_eval(const Rule *rule, const RuleRow *row)
{
	SetState   *state = rule->state;
	const RuleColumn *column = &rule->columns[0];
	const char *data;
	int			length;
	bool		isnull;
	Datum		datum;

	if (state->datums == NULL)
	{
		if (!crm_column_text(column, row->slot, &data, &length))
			return RULE_SKIP;
		return set_has_text(state, data, length) ? RULE_PASS
			: RULE_FAIL(NOT_IN_SET);
	}
	datum = crm_column_datum(column, row->slot, &isnull);
	if (isnull)
		return RULE_SKIP;
	for (int i = 0; i < state->count; i++)
	{
		if (DatumGetBool(FunctionCall2Coll(&state->equal, state->collation,
										   datum, state->datums[i])))
			return RULE_PASS;
	}
	return RULE_FAIL(NOT_IN_SET);
}

static void
list_compile(RuleCompile *context, Rule *rule)
{
	ListState  *state = palloc0(sizeof(ListState));
	char	   *part = crm_param_text(context->source, "part");

	if (part != NULL && strcmp(part, "domain") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a value has no part \"%s\"", part),
				 errhint("The only part is: domain (of an e-mail address).")));
	state->by_domain = part != NULL;
	state->list = crm_value_list_get(crm_param_text(context->source, "list"));
	rule->state = state;
}

/* Whether the value (or its domain) is in the list; -1 if there is none. */
static int
list_find(const Rule *rule, const RuleRow *row)
{
	const ListState *state = rule->state;
	const char *data;
	int			length;

	if (!crm_column_text(&rule->columns[0], row->slot, &data, &length) ||
		length == 0)
		return -1;
	return state->by_domain ?
		crm_value_list_has_domain(state->list, data, length) :
		crm_value_list_has(state->list, data, length);
}

static RuleOutcome
in_list_eval(const Rule *rule, const RuleRow *row)
{
	int			found = list_find(rule, row);

	if (found < 0)
		return RULE_SKIP;
	return found ? RULE_PASS : RULE_FAIL(NOT_IN_LIST);
}

static RuleOutcome
not_in_list_eval(const Rule *rule, const RuleRow *row)
{
	int			found = list_find(rule, row);

	if (found < 0)
		return RULE_SKIP;
	return found ? RULE_FAIL(IN_LIST) : RULE_PASS;
}

const RuleKind crm_kind_regex = {
	"regex", LEVEL_ROW, 1, 1, regex_params, CRM_VALIDITY,
	"NULL passes",
	"{columns} matches the pattern {pattern}",
	"{columns} 符合模式 {pattern}",
	regex_compile, regex_eval
};

const RuleKind crm_kind_length = {
	"length", LEVEL_ROW, 1, 1, length_params, CRM_VALIDITY,
	"NULL passes",
	"{columns} has {min} to {max} characters",
	"{columns} 的字数在 {min} 到 {max} 之间",
	length_compile, length_eval
};

const RuleKind crm_kind_in_set = {
	"in_set", LEVEL_ROW, 1, 1, set_params, CRM_VALIDITY,
	"NULL passes",
	"{columns} is one of {values}", "{columns} 取值于 {values}",
	in_set_compile, in_set_eval
};

const RuleKind crm_kind_in_list = {
	"in_list", LEVEL_ROW, 1, 1, list_params, CRM_VALIDITY,
	"NULL and the empty string pass",
	"{columns} is in the list {list}", "{columns} 在清单 {list} 之内",
	list_compile, in_list_eval
};

const RuleKind crm_kind_not_in_list = {
	"not_in_list", LEVEL_ROW, 1, 1, list_params, CRM_VALIDITY,
	"NULL and the empty string pass",
	"{columns} is not in the list {list}", "{columns} 不在清单 {list} 之内",
	list_compile, not_in_list_eval
};
