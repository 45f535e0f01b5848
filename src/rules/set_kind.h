/*-------------------------------------------------------------------------
 *
 * set_kind.h
 *		What a kind that looks at other rows, or at a table as a whole, tells
 *		the sweep.
 *
 * The sweep reads a table once.  For each row that counts, and for which the
 * rule's condition holds, it asks every rule of such a kind whether it
 * assesses the row.  Then there are three ways to find violations, and a kind
 * has one of them:
 *
 * - group: value() gives what rows are grouped by.  The sweep finds rows with
 *	 the same value (by a hash of it, in one sort), counts the customers among
 *	 them, and every row of a group of more than limit() violates.
 * - query: SQL, run after the scan under the same snapshot with the rights of
 *	 the table's owner, that gives the rows that violate.
 * - judge: the outcome for the whole table from how many rows there are, and
 *	 how many of them counts() is true of; a finding then has the empty key {}.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SET_KIND_H
#define CRM_SET_KIND_H

#include "rules/rule.h"

typedef struct SetKind
{
	/* Whether the rule assesses the row; NULL: if no column of it is NULL. */
	bool		(*assesses) (const Rule *rule, const RuleRow *row);

	/*
	 * The row's value as bytes to compare, which live as long as the row;
	 * false if it has none, and passes.  One source of values only
	 * (normalised where the rule says of which type it is).
	 */
	bool		(*value) (const Rule *rule, const RuleRow *row,
						  const char **data, int *length);

	/* How many customers may share a value. */
	int			(*limit) (const Rule *rule);

	/*
	 * Who the row's customer is, as bytes; NULL or false: each row is a
	 * customer of its own.
	 */
	bool		(*customer) (const Rule *rule, const RuleRow *row,
							 const char **data, int *length);

	/* Of a row in a group that is too large. */
	CrmReason	group_reason;

	/*
	 * SQL that gives the violations as columns (tableoid oid, ctid tid,
	 * verdict text, reason text, group_value text): verdict is invalid or
	 * suspect, reason a reason code, group_value what rows of a group share,
	 * or NULL; tableoid and ctid NULL: the table as a whole.  "source" is a
	 * FROM item, "(SELECT tableoid, ctid, ... ) AS this_row", of the rows
	 * that count and for which the condition holds, with all columns of the
	 * table.  All names must be qualified, operators too.  Optional columns:
	 * column_name text (where it is not the rule's first), and, with tableoid
	 * NULL, row_key jsonb (of a row that is not in the table).
	 */
	char	   *(*query) (const Rule *rule, const RuleSet *ruleset,
						  const char *source);

	/*
	 * The cells, as indexes into RuleSet.cells, that a violation costs which
	 * names these columns (separated by ", "); NULL: all of the rule's.
	 */
	Bitmapset  *(*concerns) (const Rule *rule, const RuleSet *ruleset,
							 RuleOutcome outcome, const char *column_name);

	/*
	 * Of the whole table, by how many rows there are for which the condition
	 * holds, and of how many of them counts() is true; RULE_SKIP if there is
	 * nothing to judge.
	 */
	RuleOutcome (*judge) (const Rule *rule, int64 rows, int64 counted);
	bool		(*counts) (const Rule *rule, const RuleRow *row);
} SetKind;

#endif							/* CRM_SET_KIND_H */
