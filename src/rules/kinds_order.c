/*-------------------------------------------------------------------------
 *
 * kinds_order.c
 *		Kinds about order and time: range, date_order, not_future, max_age.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "rules/rules_private.h"

/* Bounds of a range, in the column's type or (for text) numeric. */
typedef struct RangeState
{
	bool		has_min;
	bool		has_max;
	Datum		min;
	Datum		max;
	bool		text_as_number;
	FmgrInfo	compare;
	Oid			collation;
} RangeState;

typedef struct OrderState
{
	bool		strict;
} OrderState;

typedef struct AgeState
{
	Interval   *interval;
	TimestampTz computed_for;
	TimestampTz oldest;
} AgeState;

static const RuleParam range_params[] = {
	{"min", PARAM_SCALAR, false},
	{"max", PARAM_SCALAR, false},
	{NULL}
};

static const RuleParam order_params[] = {
	{"strict", PARAM_BOOLEAN, false},
	{NULL}
};

static const RuleParam age_params[] = {
	{"interval", PARAM_INTERVAL, true},
	{NULL}
};

static const RuleParam no_params[] = {{NULL}};

/* Reads a bound in the type that values are compared in. */
static Datum
bound_read(const RuleSource *source, const char *param,
		   const RuleColumn *column, bool as_number)
{
	return crm_param_read(source, param, crm_param_text(source, param),
						  as_number ? NUMERICOID : getBaseType(column->typid));
}

static void
range_compile(RuleCompile *context, Rule *rule)
{
	const RuleColumn *column = &rule->columns[0];
	RangeState *state = palloc0(sizeof(RangeState));
	JsonbValue *min = crm_param(context->source, "min");
	JsonbValue *max = crm_param(context->source, "max");
	TypeCacheEntry *type;

	if (min == NULL && max == NULL)
		crm_param_either_error("range", "min", "max");
	state->text_as_number = crm_column_is_text(column) &&
		(min == NULL || min->type == jbvNumeric) &&
		(max == NULL || max->type == jbvNumeric);
	type = lookup_type_cache(state->text_as_number ? NUMERICOID : column->typid,
							 TYPECACHE_CMP_PROC_FINFO);
	if (!OidIsValid(type->cmp_proc_finfo.fn_oid))
		crm_column_type_error(context, column, "a column of an ordered type");
	fmgr_info(type->cmp_proc_finfo.fn_oid, &state->compare);
	state->collation = column->collation;
	state->has_min = min != NULL;
	state->has_max = max != NULL;
	if (min)
		state->min = bound_read(context->source, "min", column,
								state->text_as_number);
	if (max)
		state->max = bound_read(context->source, "max", column,
								state->text_as_number);
	if (min && max &&
		DatumGetInt32(FunctionCall2Coll(&state->compare, state->collation,
										state->min, state->max)) > 0)
		crm_param_bounds_error();
	rule->state = state;
}

/* Whether numeric_in() will take the text, digits and at most one point. */
static bool
text_is_number(const char *text)
{
	bool		has_digit = false;
	bool		has_point = false;

	if (*text == '-' || *text == '+')
		text++;
	for (; *text; text++)
	{
		if (*text >= '0' && *text <= '9')
			has_digit = true;
		else if (*text == '.' && !has_point)
			has_point = true;
		else
			return false;
	}
	return has_digit;
}

/*
 * Gives the datum to compare; RULE_PASSED if there is one, otherwise the
 * outcome of the rule.
 */
static RuleOutcome
range_value(const Rule *rule, const RuleRow *row, Datum *datum)
{
	const RangeState *state = rule->state;
	const RuleColumn *column = &rule->columns[0];
	const char *data;
	int			length;
	char	   *text;
	bool		isnull;

	if (!state->text_as_number && column->npath == 0)
	{
		*datum = crm_column_datum(column, row->slot, &isnull);
		return isnull ? RULE_SKIP : RULE_PASS;
	}
	if (!crm_column_text(column, row->slot, &data, &length) || length == 0)
		return RULE_SKIP;
	text = pnstrdup(data, length);
	if (!state->text_as_number)
	{
		*datum = CStringGetTextDatum(text);
		return RULE_PASS;
	}
	if (length > 1000 || !text_is_number(text))
		return RULE_DOUBT(NOT_A_NUMBER);
	*datum = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
								 ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	return RULE_PASS;
}

static RuleOutcome
range_eval(const Rule *rule, const RuleRow *row)
{
	RangeState *state = rule->state;
	Datum		datum;
	RuleOutcome outcome = range_value(rule, row, &datum);

	if (outcome.state != RULE_PASSED)
		return outcome;
	if (state->has_min &&
		DatumGetInt32(FunctionCall2Coll(&state->compare, state->collation,
										datum, state->min)) < 0)
		return RULE_FAIL(BELOW_MINIMUM);
	if (state->has_max &&
		DatumGetInt32(FunctionCall2Coll(&state->compare, state->collation,
										datum, state->max)) > 0)
		return RULE_FAIL(ABOVE_MAXIMUM);
	return RULE_PASS;
}

static void
date_order_compile(RuleCompile *context, Rule *rule)
{
	OrderState *state = palloc0(sizeof(OrderState));

	crm_column_require_date(context, rule, 0);
	crm_column_require_date(context, rule, 1);
	state->strict = crm_param_bool(context->source, "strict", false);
	rule->state = state;
}

/* Whether a column's value is a day, not a moment. */
static bool
column_is_day(const RuleColumn *column)
{
	return column->value_class == VALUE_DATE ||
		column->value_class == VALUE_TEXT;
}

static RuleOutcome
date_order_eval(const Rule *rule, const RuleRow *row)
{
	const OrderState *state = rule->state;
	DateReading first;
	DateReading second;
	int64		from;
	int64		to;

	if (column_is_day(&rule->columns[0]) || column_is_day(&rule->columns[1]))
	{
		DateADT		from_date = 0;
		DateADT		to_date = 0;

		first = crm_column_date(&rule->columns[0], row->slot, &from_date);
		second = crm_column_date(&rule->columns[1], row->slot, &to_date);
		from = from_date;
		to = to_date;
	}
	else
	{
		first = crm_column_timestamp(&rule->columns[0], row->slot, &from);
		second = crm_column_timestamp(&rule->columns[1], row->slot, &to);
	}
	if (first == DATE_IS_NULL || second == DATE_IS_NULL)
		return RULE_SKIP;
	if (first == DATE_UNREADABLE || second == DATE_UNREADABLE)
		return RULE_DOUBT(NOT_A_DATE);
	return from < to || (from == to && !state->strict) ? RULE_PASS
		: RULE_FAIL(WRONG_ORDER);
}

static void
not_future_compile(RuleCompile *context, Rule *rule)
{
	crm_column_require_date(context, rule, 0);
}

static RuleOutcome
not_future_eval(const Rule *rule, const RuleRow *row)
{
	const RuleColumn *column = &rule->columns[0];
	DateADT		date;
	TimestampTz timestamp;

	if (column_is_day(column))
	{
		switch (crm_column_date(column, row->slot, &date))
		{
			case DATE_IS_NULL:
				return RULE_SKIP;
			case DATE_UNREADABLE:
				return RULE_DOUBT(NOT_A_DATE);
			case DATE_READ:
				break;
		}
		return date > crm_today() ? RULE_FAIL(IN_FUTURE) : RULE_PASS;
	}
	if (crm_column_timestamp(column, row->slot, &timestamp) != DATE_READ)
		return RULE_SKIP;

	/*
	 * A default of clock_timestamp() is later than the transaction's start,
	 * so that the clock itself decides, but only where it must be asked.
	 */
	return timestamp > GetCurrentTransactionStartTimestamp() &&
		timestamp > GetCurrentTimestamp() ? RULE_FAIL(IN_FUTURE) : RULE_PASS;
}

static void
max_age_compile(RuleCompile *context, Rule *rule)
{
	AgeState   *state = palloc0(sizeof(AgeState));

	crm_column_require_date(context, rule, 0);
	state->interval =
		DatumGetIntervalP(crm_param_read(context->source, "interval",
										 crm_param_text(context->source, "interval"),
										 INTERVALOID));
	rule->state = state;
}

static RuleOutcome
max_age_eval(const Rule *rule, const RuleRow *row)
{
	AgeState   *state = rule->state;
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	TimestampTz timestamp;

	switch (crm_column_timestamp(&rule->columns[0], row->slot, &timestamp))
	{
		case DATE_IS_NULL:
			return RULE_SKIP;
		case DATE_UNREADABLE:
			return RULE_DOUBT(NOT_A_DATE);
		case DATE_READ:
			break;
	}
	if (state->computed_for != now)
	{
		state->oldest =
			DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
													TimestampTzGetDatum(now),
													IntervalPGetDatum(state->interval)));
		state->computed_for = now;
	}
	return timestamp < state->oldest ? RULE_FAIL(TOO_OLD) : RULE_PASS;
}

const RuleKind crm_kind_range = {
	"range", LEVEL_ROW, 1, 1, range_params, CRM_VALIDITY,
	"NULL passes",
	"{columns} is between {min} and {max}",
	"{columns} 在 {min} 与 {max} 之间",
	range_compile, range_eval
};

const RuleKind crm_kind_date_order = {
	"date_order", LEVEL_ROW, 2, 2, order_params, CRM_CONSISTENCY,
	"passes if either is NULL",
	"{1} is not after {2}", "{1} 不晚于 {2}",
	date_order_compile, date_order_eval
};

const RuleKind crm_kind_not_future = {
	"not_future", LEVEL_ROW, 1, 1, no_params, CRM_VALIDITY,
	"NULL passes",
	"{columns} is not in the future", "{columns} 不在将来",
	not_future_compile, not_future_eval, true
};

const RuleKind crm_kind_max_age = {
	"max_age", LEVEL_ROW, 1, 1, age_params, CRM_TIMELINESS,
	"NULL passes",
	"{columns} is not older than {interval}",
	"{columns} 距今不超过 {interval}",
	max_age_compile, max_age_eval, true
};
