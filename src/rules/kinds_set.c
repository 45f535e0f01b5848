/*-------------------------------------------------------------------------
 *
 * kinds_set.c
 *		Kinds that look at other rows, or at a table as a whole.
 *
 * They can be defined and are listed, so that a pack is complete; only the
 * sweep will evaluate them.  Until then rule_status shows them as waiting,
 * and the gate passes them over (eval is NULL).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "rules/rules_private.h"

static const RuleParam no_params[] = {{NULL}};

const RuleKind crm_kind_duplicate = {
	"duplicate", LEVEL_SET, 1, -1, no_params, CRM_UNIQUENESS,
	"NULL columns are not compared",
	"no other row is the same customer by {columns}",
	"按 {columns} 没有重复的客户",
	NULL, NULL
};
