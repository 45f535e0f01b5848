/*-------------------------------------------------------------------------
 *
 * sweep_source.h
 *		The rows that a rule looks at, as SQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SWEEP_SOURCE_H
#define CRM_SWEEP_SOURCE_H

#include "rules/rule.h"

/*
 * The FROM item, named this_row, of the rows of "rel" that count and for which
 * the rule's condition holds, with tableoid, ctid and all columns; in the
 * current memory context.
 */
extern char *crm_sweep_source(const RuleSet *ruleset, const Rule *rule,
							  Relation rel);

/*
 * The rule in force of that name, and the rule set that it is of; an error if
 * there is none, or if the user may not read the table.
 */
extern Rule *crm_rule_require(Relation rel, const char *name,
							  RuleSet **ruleset);

#endif							/* CRM_SWEEP_SOURCE_H */
