/*-------------------------------------------------------------------------
 *
 * gate_error.c
 *		The one error of a refused row, and that of a rule which fails.
 *
 * Values of the row do not appear, for errors end up in logs, unless
 * crmaudit.show_values is on and the user may read the column anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "gate/gate.h"
#include "guc.h"
#include "rules/rule_value.h"

/* The rule's columns in quotes, separated by commas. */
static char *
rule_columns(const Rule *rule)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < rule->ncolumns; i++)
		appendStringInfo(&columns, "%s\"%s\"", i > 0 ? ", " : "",
						 rule->columns[i].spec);
	return columns.data;
}

/* What is wrong, in words: the rule's own message, or the reason's. */
const char *
crm_violation_words(const Violation *violation)
{
	return violation->rule->message ? violation->rule->message :
		crm_reason_text(violation->outcome.reason);
}

/* The primary message; "more" is how many violations follow the first. */
static char *
primary_message(const RuleSet *ruleset, const Rule *rule, int more)
{
	StringInfoData message;
	const char *format;

	initStringInfo(&message);
	appendStringInfo(&message,
					 crm_words("new row for relation \"%s\" violates rule \"%s\"",
							   "关系 \"%s\" 的新行违反规则 \"%s\""),
					 ruleset->target_name, rule->name);
	if (rule->ncolumns > 0)
	{
		format = rule->ncolumns == 1 ?
			crm_words(" (column %s)", "（列 %s）") :
			crm_words(" (columns %s)", "（列 %s）");
		appendStringInfo(&message, format, rule_columns(rule));
	}
	if (more > 0)
		appendStringInfo(&message,
						 crm_words(" and %d more", "，另有 %d 处"), more);
	return message.data;
}

/*
 * Whether the user may see the value of an attribute of the new row.  The
 * rights are those on the protected table: a partition is read through it.
 */
static bool
may_see(const RuleSet *ruleset, AttrNumber attnum)
{
	Oid			target = ruleset->target;
	Oid			user = GetUserId();

	if (!crm_guc_show_values ||
		check_enable_rls(target, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (target != ruleset->relid)
		attnum = get_attnum(target, get_attname(ruleset->relid, attnum, false));
	return pg_class_aclcheck(target, user, ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(target, attnum, user,
							  ACL_SELECT) == ACLCHECK_OK;
}

/* Whether the user may see all of them. */
static bool
may_see_all(const RuleSet *ruleset, Bitmapset *attnums)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(attnums, attnum)) >= 0)
	{
		if (!may_see(ruleset, attnum))
			return false;
	}
	return true;
}

/* Appends the values of the rule's columns that the user may see. */
static void
append_values(StringInfo detail, const RuleSet *ruleset, const Rule *rule,
			  TupleTableSlot *slot)
{
	for (int i = 0; i < rule->ncolumns; i++)
	{
		const RuleColumn *column = &rule->columns[i];
		char	   *value;

		if (!may_see(ruleset, column->attnum))
			continue;
		value = crm_column_show(column, slot);
		appendStringInfo(detail, crm_words(" (%s is %s)", "（%s 为 %s）"),
						 column->spec, value ? value : "NULL");
	}
}

/* One line per violation, up to crmaudit.max_reported. */
static char *
detail_message(const RuleSet *ruleset, TupleTableSlot *slot, List *violations)
{
	StringInfoData detail;
	ListCell   *cell;
	int			count = 0;

	initStringInfo(&detail);
	foreach(cell, violations)
	{
		const Violation *violation = lfirst(cell);
		const Rule *rule = violation->rule;
		const char *format;

		if (count == crm_guc_max_reported)
		{
			appendStringInfo(&detail,
							 crm_words("\n%d more violations are not shown.",
									   "\n另有 %d 处违反未列出。"),
							 list_length(violations) - count);
			break;
		}
		if (count++ > 0)
			appendStringInfoChar(&detail, '\n');
		if (rule->ncolumns == 0)
			format = crm_words("Rule \"%s\"%s: %s", "规则 \"%s\"%s：%s");
		else if (rule->ncolumns == 1)
			format = crm_words("Rule \"%s\", column %s: %s",
							   "规则 \"%s\"，列 %s：%s");
		else
			format = crm_words("Rule \"%s\", columns %s: %s",
							   "规则 \"%s\"，列 %s：%s");
		appendStringInfo(&detail, format, rule->name, rule_columns(rule),
						 crm_violation_words(violation));
		append_values(&detail, ruleset, rule, slot);
		appendStringInfoString(&detail, crm_words(".", "。"));
	}
	return detail.data;
}

/*
 * What frameworks parse of the errors of a constraint: "Key (column)=(value)
 * already exists.".  NULL where the first violation has no such form.
 */
static char *
native_detail(const RuleSet *ruleset, const Rule *rule, TupleTableSlot *slot)
{
	const char *kind = crm_rule_kind_name(rule);
	bool		is_unique = strcmp(kind, "unique") == 0;
	StringInfoData names;
	StringInfoData values;

	if (ruleset->error_style != ERROR_STYLE_NATIVE ||
		(!is_unique && strcmp(kind, "reference") != 0))
		return NULL;
	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < rule->ncolumns; i++)
	{
		const RuleColumn *column = &rule->columns[i];
		const char *comma = i > 0 ? ", " : "";
		char	   *value = may_see(ruleset, column->attnum) ?
		crm_column_show(column, slot) : NULL;

		appendStringInfo(&names, "%s%s", comma, column->spec);
		appendStringInfo(&values, "%s%s", comma, value ? value : "***");
	}
	return is_unique ?
		psprintf("Key (%s)=(%s) already exists.", names.data, values.data) :
		psprintf("Key (%s)=(%s) is not present in table \"%s\".", names.data,
				 values.data, crm_rule_other_table(rule));
}

/* Hints that are known, each once; NULL if there is none. */
static char *
hint_message(List *violations)
{
	StringInfoData hint;
	ListCell   *cell;

	initStringInfo(&hint);
	foreach(cell, violations)
	{
		const char *one = crm_reason_hint(((Violation *) lfirst(cell))->outcome.reason);

		if (one && strstr(hint.data, one) == NULL)
			appendStringInfo(&hint, "%s%s", hint.len > 0 ? "\n" : "", one);
	}
	return hint.len > 0 ? hint.data : NULL;
}

/*
 * SQLSTATE of the error: what frameworks parse, if the table asks for that,
 * decided by the first violation.  Never one that clients retry.
 */
static int
violation_sqlstate(const RuleSet *ruleset, const Rule *rule)
{
	const char *kind = crm_rule_kind_name(rule);

	if (ruleset->error_style == ERROR_STYLE_NATIVE)
	{
		if (strcmp(kind, "required") == 0 || strcmp(kind, "not_blank") == 0)
			return ERRCODE_NOT_NULL_VIOLATION;
		if (strcmp(kind, "unique") == 0)
			return ERRCODE_UNIQUE_VIOLATION;
		if (strcmp(kind, "reference") == 0)
			return ERRCODE_FOREIGN_KEY_VIOLATION;
	}
	return ERRCODE_CHECK_VIOLATION;
}

/* Records that a row which breaks rules is refused, and raises the error. */
void
crm_gate_refuse(const RuleSet *ruleset, const RuleRow *row, List *violations)
{
	const Rule *rule = ((Violation *) linitial(violations))->rule;
	char	   *hint = hint_message(violations);
	char	   *detail = native_detail(ruleset, rule, row->slot);

	if (detail == NULL)
		detail = detail_message(ruleset, row->slot, violations);
	else if (list_length(violations) > 1)
		detail = psprintf("%s\n%s", detail,
						  detail_message(ruleset, row->slot, violations));
	crm_rejection_record(ruleset, row, violations);
	ereport(ERROR,
			(errcode(violation_sqlstate(ruleset, rule)),
			 errmsg_internal("%s", primary_message(ruleset, rule,
												   list_length(violations) - 1)),
			 errdetail_internal("%s", detail),
			 hint ? errhint("%s", hint) : 0,
			 err_generic_string(PG_DIAG_SCHEMA_NAME, ruleset->target_schema),
			 err_generic_string(PG_DIAG_TABLE_NAME, ruleset->target_name),
			 rule->ncolumns > 0 ?
			 err_generic_string(PG_DIAG_COLUMN_NAME, rule->columns[0].spec) : 0,
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, rule->name)));
}

/*
 * Raises the error of a rule whose SQL failed, or of the live condition if
 * "rule" is NULL.  What the SQL said may hold a value of the row.
 */
static void
refuse_failing(const RuleSet *ruleset, const RuleRow *row, const Rule *rule,
			   MemoryContext context)
{
	const char *what = rule ? "rule" : "condition";
	const char *name = rule ? rule->name : "live";
	Bitmapset  *attnums = rule ? rule->attnums : ruleset->live_attnums;
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (crm_error_cancels(error->sqlerrcode))
		PG_RE_THROW();
	FlushErrorState();
	crm_rejection_record_error(ruleset, row, rule);
	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg("%s \"%s\" of relation \"%s\" could not be evaluated",
					what, name, ruleset->target_name),
			 crm_guc_show_values && may_see_all(ruleset, attnums) ?
			 errdetail_internal("%s", error->message) :
			 errdetail("Its SQL failed with SQLSTATE %s.",
					   unpack_sql_state(error->sqlerrcode)),
			 errhint("Mend it with crmaudit.alter_rule() or crmaudit.protect(), or write while crmaudit.mode is \"observe\"."),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, ruleset->target_schema),
			 err_generic_string(PG_DIAG_TABLE_NAME, ruleset->target_name),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, name)));
}

/*
 * Evaluates a rule.  If its SQL fails that is an error which names the rule
 * where the rule refuses rows, otherwise the outcome RULE_ERROR.
 */
RuleOutcome
crm_gate_eval(const RuleSet *ruleset, const Rule *rule, const RuleRow *row,
			  bool refuses)
{
	MemoryContext context = CurrentMemoryContext;
	volatile RuleOutcome outcome = RULE_SKIP;

	if (!rule->is_guarded)
		return crm_rule_eval(rule, row);
	if (!refuses)
		return crm_rule_eval_guarded(rule, row);
	PG_TRY();
	{
		RuleOutcome result = crm_rule_eval(rule, row);

		outcome.state = result.state;
		outcome.reason = result.reason;
	}
	PG_CATCH();
	{
		refuse_failing(ruleset, row, rule, context);
	}
	PG_END_TRY();
	return RULE_OUTCOME(outcome.state, outcome.reason);
}

/*
 * Whether the row counts at all.  If the live condition fails that is an
 * error where rows are refused; otherwise the row counts.
 */
bool
crm_gate_live(const RuleSet *ruleset, const RuleRow *row, bool refuses)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool live = true;

	if (ruleset->live == NULL)
		return true;
	if (!refuses)
		return crm_ruleset_live_guarded(ruleset, row);
	PG_TRY();
	{
		live = crm_ruleset_live(ruleset, row);
	}
	PG_CATCH();
	{
		refuse_failing(ruleset, row, NULL, context);
	}
	PG_END_TRY();
	return live;
}
