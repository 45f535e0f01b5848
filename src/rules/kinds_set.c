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

static const RuleParam shared_params[] = {
	{"max_customers", PARAM_INTEGER, false},
	{"type", PARAM_TEXT, false},
	{"region", PARAM_TEXT, false},
	{NULL}
};

static const RuleParam staff_params[] = {
	{"type", PARAM_TEXT, false},
	{NULL}
};

static const RuleParam reference_params[] = {
	{"table", PARAM_TEXT, true},
	{"column", PARAM_TEXT, true},
	{NULL}
};

static const RuleParam related_params[] = {
	{"table", PARAM_TEXT, true},
	{"key", PARAM_OBJECT, true},
	{"condition", PARAM_TEXT, false},
	{"min", PARAM_INTEGER, false},
	{NULL}
};

const RuleKind crm_kind_unique = {
	"unique", LEVEL_SET, 1, -1, no_params, CRM_UNIQUENESS,
	"rows with a NULL pass",
	"{columns} stands in one row only", "{columns} 不重复",
	NULL, NULL
};

const RuleKind crm_kind_shared_value = {
	"shared_value", LEVEL_SET, 1, 1, shared_params, CRM_UNIQUENESS,
	"NULL passes",
	"{columns} is not shared with other customers",
	"{columns} 不与其他客户共用",
	NULL, NULL
};

const RuleKind crm_kind_not_staff_contact = {
	"not_staff_contact", LEVEL_SET, 1, 1, staff_params, CRM_ACCURACY,
	"NULL passes",
	"{columns} is not the contact of staff, an agency or their relatives",
	"{columns} 不是销售人员、代理机构或其亲属的联系方式",
	NULL, NULL
};

const RuleKind crm_kind_reference = {
	"reference", LEVEL_SET, 1, 1, reference_params, CRM_CONSISTENCY,
	"NULL passes",
	"{columns} stands in {table}", "{columns} 存在于 {table}",
	NULL, NULL
};

const RuleKind crm_kind_has_related = {
	"has_related", LEVEL_SET, 0, -1, related_params, CRM_COMPLETENESS,
	"a NULL key has no related rows",
	"there are related rows in {table}", "在 {table} 中有相关记录",
	NULL, NULL
};

const RuleKind crm_kind_duplicate = {
	"duplicate", LEVEL_SET, 1, -1, no_params, CRM_UNIQUENESS,
	"NULL columns are not compared",
	"no other row is the same customer by {columns}",
	"按 {columns} 没有重复的客户",
	NULL, NULL
};
