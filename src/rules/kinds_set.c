/*-------------------------------------------------------------------------
 *
 * kinds_set.c
 *		The kind duplicate, which nothing evaluates yet.
 *
 * It can be defined and is listed.  rule_status shows its rules as waiting;
 * gate and sweep pass them over (neither "eval" nor a SetKind).
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
