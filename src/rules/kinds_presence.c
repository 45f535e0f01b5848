/*-------------------------------------------------------------------------
 *
 * kinds_presence.c
 *		Kinds about whether something is there: required, not_blank,
 *		at_least_one_of.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "rules/rules_private.h"

static const RuleParam no_params[] = {{NULL}};

/* Length of the white space character at "data", or 0 if it is none. */
static int
blank_length(const unsigned char *data, int length)
{
	if (data[0] == ' ' || (data[0] >= '\t' && data[0] <= '\r'))
		return 1;
	/* no-break space U+00A0 */
	if (length >= 2 && data[0] == 0xC2 && data[1] == 0xA0)
		return 2;
	/* ideographic space U+3000; U+2000 to U+200B, U+202F, U+FEFF */
	if (length >= 3 && data[0] == 0xE3 && data[1] == 0x80 && data[2] == 0x80)
		return 3;
	if (length >= 3 && data[0] == 0xE2 && data[1] == 0x80 &&
		((data[2] >= 0x80 && data[2] <= 0x8B) || data[2] == 0xAF))
		return 3;
	if (length >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF)
		return 3;
	return 0;
}

static bool
is_blank(const char *data, int length)
{
	const unsigned char *at = (const unsigned char *) data;

	while (length > 0)
	{
		int			blank = blank_length(at, length);

		if (blank == 0)
			return false;
		at += blank;
		length -= blank;
	}
	return true;
}

static RuleOutcome
required_eval(const Rule *rule, const RuleRow *row)
{
	const RuleColumn *column = &rule->columns[0];
	const char *data;
	int			length;

	if (column->npath == 0)
		return row->slot->tts_isnull[column->attnum - 1] ?
			RULE_FAIL(MISSING) : RULE_PASS;
	return crm_column_text(column, row->slot, &data, &length) ? RULE_PASS
		: RULE_FAIL(MISSING);
}

static RuleOutcome
not_blank_eval(const Rule *rule, const RuleRow *row)
{
	const char *data;
	int			length;

	/* a date or a number has no blanks */
	if (rule->columns[0].value_class != VALUE_TEXT &&
		rule->columns[0].value_class != VALUE_OTHER)
		return required_eval(rule, row);
	if (!crm_column_utf8(&rule->columns[0], row->slot, &data, &length))
		return RULE_FAIL(MISSING);
	return is_blank(data, length) ? RULE_FAIL(BLANK) : RULE_PASS;
}

static RuleOutcome
at_least_one_of_eval(const Rule *rule, const RuleRow *row)
{
	const char *data;
	int			length;

	for (int i = 0; i < rule->ncolumns; i++)
	{
		if (crm_column_utf8(&rule->columns[i], row->slot, &data, &length) &&
			!is_blank(data, length))
			return RULE_PASS;
	}
	return RULE_FAIL(ALL_MISSING);
}

const RuleKind crm_kind_required = {
	"required", LEVEL_ROW, 1, 1, no_params, CRM_COMPLETENESS,
	"NULL fails",
	"{columns} is filled", "{columns} 已填写",
	NULL, required_eval
};

const RuleKind crm_kind_not_blank = {
	"not_blank", LEVEL_ROW, 1, 1, no_params, CRM_COMPLETENESS,
	"NULL, empty text and white space (also full-width) fail",
	"{columns} is filled and not blank", "{columns} 已填写且不为空白",
	NULL, not_blank_eval
};

const RuleKind crm_kind_at_least_one_of = {
	"at_least_one_of", LEVEL_ROW, 2, -1, no_params, CRM_COMPLETENESS,
	"fails if all are NULL or blank",
	"at least one of {columns} is filled", "{columns} 至少填写一项",
	NULL, at_least_one_of_eval
};
