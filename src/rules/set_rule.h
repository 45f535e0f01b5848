/*-------------------------------------------------------------------------
 *
 * set_rule.h
 *		What the kinds that look at other rows share: other tables, equality,
 *		and SQL about columns.
 *
 * Names and operators in SQL are qualified: a plan is made anew under
 * whatever search_path then holds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SET_RULE_H
#define CRM_SET_RULE_H

#include "rules/rules_private.h"
#include "rules/set_kind.h"
#include "types/normal_form.h"

/* A table that a rule looks into besides its own. */
typedef struct OtherTable
{
	Oid			relid;
	char	   *name;			/* qualified and quoted */
} OtherTable;

/* Pairs of a column of another table and one of the row, to be equal. */
typedef struct ColumnPair
{
	char	   *other_name;
	Oid			other_type;		/* below domains */
	AttrNumber	other_attnum;
	int			own;			/* index into the rule's columns */
	Oid			own_type;		/* below domains */
	Oid			equality;		/* operator: other = own */
} ColumnPair;

extern void crm_other_kind_require(Oid relid, Oid target, const char *name);
extern void crm_other_rows_require(Oid relid, Oid target,
								   const char *sql_name);
extern void crm_other_table_find(RuleCompile *context, const char *name,
								 OtherTable *table);
extern void crm_other_table_check(RuleCompile *context, const OtherTable *table,
								  char **columns, int ncolumns);
extern AttrNumber crm_other_column(const OtherTable *table, const char *column,
								   Oid *type);
extern void crm_column_pair_compile(RuleCompile *context, const Rule *rule,
									const OtherTable *table,
									const char *other_name, int own,
									ColumnPair *pair);
extern int	crm_rule_add_column(RuleCompile *context, Rule *rule,
								const char *spec);

extern void crm_rule_set_probe(Rule *rule, bool has_index, const char *missing);

/* The type's name if it is one of our identifier types, or NULL. */
extern const char *crm_identifier_type_name(Oid typid);

extern bool crm_type_is_trusted(Oid typid);

extern Oid	crm_type_equality(Oid typid);

/* SQL of a column, of a row called "alias". */
extern void crm_append_column(StringInfo sql, const RuleColumn *column,
							  const char *alias);

/* As text, in the normal form if there is one. */
extern void crm_append_normal(StringInfo sql, const CrmNormalForm *form,
							  const char *column_sql, Oid typid);
extern void crm_append_literal(StringInfo sql, const char *literal);

#endif							/* CRM_SET_RULE_H */
