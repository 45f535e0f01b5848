/*-------------------------------------------------------------------------
 *
 * rule_sql.h
 *		SQL made of a rule: what the sweep runs for kinds that look at other
 *		rows.
 *
 * It is run with search_path = pg_catalog, pg_temp, and shown to analysts,
 * whose search_path is another: every name is qualified, and so is every
 * operator.  All strings are made in the current memory context.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_RULE_SQL_H
#define CRM_RULE_SQL_H

#include "rules/rule.h"

/* An operator of pg_catalog. */
#define CRM_SQL_OP(name)	"OPERATOR(pg_catalog." name ")"

/* Two values in SQL, and how they are compared. */
typedef struct SqlPair
{
	char	   *first;
	char	   *second;
	char	   *equal;			/* the operator */
} SqlPair;

/*
 * The rows of a table, as FROM names them: with those of its partitions, and
 * without those of children by inheritance, which are tables of their own, as
 * the gate has it.
 */
extern char *crm_sql_rows(Relation rel);

/*
 * The FROM item this_row of the rows for which "where" holds, or of all: with
 * tableoid, ctid and all columns.
 */
extern char *crm_sql_source(Relation rel, const char *where);

/* The value of a rule's column in a row named "alias". */
extern char *crm_sql_column(const RuleColumn *column, const char *alias);

/* The same as text; with COLLATE "C", which is all that equality needs. */
extern char *crm_sql_column_text(const RuleColumn *column, const char *alias);

extern char *crm_sql_type(Oid typid);

/* The operator = of a type that can be grouped by; NULL if it has none. */
extern char *crm_sql_equal(Oid typid);

/*
 * Brings two values of different tables into forms that can be compared: as
 * they are, as numbers, or as text, where an empty string counts as NULL, for
 * to some systems it is.  False if their types have nothing in common.
 */
extern bool crm_sql_pair(SqlPair *pair, const char *first, Oid first_type,
						 const char *second, Oid second_type, bool is_key);

#endif							/* CRM_RULE_SQL_H */
