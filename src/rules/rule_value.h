/*-------------------------------------------------------------------------
 *
 * rule_value.h
 *		What other parts may ask of a rule's columns and kind.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_RULE_VALUE_H
#define CRM_RULE_VALUE_H

#include "rules/rule.h"

/* The value as text, for a user who may see it; NULL if it is NULL. */
extern char *crm_column_show(const RuleColumn *column, TupleTableSlot *slot);

extern const char *crm_rule_kind_name(const Rule *rule);

/* Name of the table that a reference refers to. */
extern const char *crm_rule_other_table(const Rule *rule);

#endif							/* CRM_RULE_VALUE_H */
