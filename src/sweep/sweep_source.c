/*-------------------------------------------------------------------------
 *
 * sweep_source.c
 *		The rows of a table that a rule looks at, as SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sweep/sweep.h"

/*
 * A FROM item, named this_row, of the rows of "rel" that count and for which
 * the rule's condition holds, with all columns, tableoid and ctid.  Stored
 * SQL calls the row this_row too.
 */
char *
crm_sweep_source(const RuleSet *ruleset, const Rule *rule, Relation rel)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "(SELECT this_row.tableoid, this_row.ctid, this_row.* FROM %s%s AS this_row",
					 rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));
	if (ruleset->live)
		appendStringInfo(&sql, " WHERE (%s)", ruleset->live_sql);
	if (rule->condition)
		appendStringInfo(&sql, " %s (%s)", ruleset->live ? "AND" : "WHERE",
						 rule->condition_sql);
	appendStringInfoString(&sql, ") AS this_row");
	return sql.data;
}
