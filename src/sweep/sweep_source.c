/*-------------------------------------------------------------------------
 *
 * sweep_source.c
 *		The rows that a rule looks at, as SQL, and crmaudit.rule_query(): the
 *		SQL that finds what breaks a rule.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "rules/rule_sql.h"
#include "rules/rule_value.h"
#include "rules/set_kind.h"
#include "sweep/sweep_source.h"

PG_FUNCTION_INFO_V1(crmaudit_rule_query);

/* Contract in sweep_source.h. */
char *
crm_sweep_source(const RuleSet *ruleset, const Rule *rule, Relation rel)
{
	const char *live = ruleset->live_sql;
	const char *condition = rule->condition_sql;

	if (live && condition)
		return crm_sql_source(rel, psprintf("(%s) AND (%s)", live, condition));
	return crm_sql_source(rel, live ? live : condition);
}

/* Finds an enabled rule of the table, or raises an error. */
static Rule *
rule_find(RuleSet *ruleset, Relation rel, const char *name)
{
	for (int i = 0; ruleset && i < ruleset->nall; i++)
	{
		Rule	   *rule = &ruleset->rules[i];

		if (strcmp(rule->name, name) != 0)
			continue;
		if (rule->broken)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("rule \"%s\" of relation \"%s\" is broken", name,
							RelationGetRelationName(rel)),
					 errdetail("%s", rule->broken)));
		return rule;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("rule \"%s\" of relation \"%s\" is not in force", name,
					RelationGetRelationName(rel)),
			 errhint("crmaudit.rule_status lists the rules, and their state.")));
}

/* Contract in sweep_source.h. */
Rule *
crm_rule_require(Relation rel, const char *name, RuleSet **ruleset)
{
	if (pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(rel->rd_rel->relkind),
					   RelationGetRelationName(rel));
	*ruleset = crm_ruleset_lookup(rel);
	return rule_find(*ruleset, rel, name);
}

/*
 * SQL of a kind that judges the table by how many rows have values: the same
 * counts.
 */
static char *
count_query(const Rule *rule, const char *source)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT pg_catalog.count(*) AS rows, "
						   "pg_catalog.count(*)");
	for (int i = 0; i < rule->ncolumns; i++)
		appendStringInfo(&sql, "%s%s IS NOT NULL",
						 i == 0 ? " FILTER (WHERE " : " AND ",
						 crm_sql_column(&rule->columns[i], "this_row"));
	appendStringInfo(&sql, "%s AS assessed\nFROM %s",
					 rule->ncolumns > 0 ? ")" : "", source);
	return sql.data;
}

/*
 * crmaudit.rule_query(target regclass, rule text)
 *
 * The SQL that the sweep runs for a rule.  It may show values of a baseline,
 * so that whoever asks must be able to read the table.
 */
Datum
crmaudit_rule_query(PG_FUNCTION_ARGS)
{
	Oid			target = PG_GETARG_OID(0);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Relation	rel = table_open(target, AccessShareLock);
	RuleSet    *ruleset;
	Rule	   *rule = crm_rule_require(rel, name, &ruleset);
	const SetKind *set = crm_rule_set_kind(rule);
	char	   *sql = NULL;

	if (set && set->query)
		sql = set->query(rule, ruleset, crm_sweep_source(ruleset, rule, rel));
	else if (set && set->judge)
		sql = count_query(rule, crm_sweep_source(ruleset, rule, rel));
	table_close(rel, NoLock);
	if (sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rule kind \"%s\" is evaluated without SQL",
						crm_rule_kind_name(rule)),
				 errhint("crmaudit.violations() judges rows; the sweep finds all.")));
	PG_RETURN_TEXT_P(cstring_to_text(sql));
}
