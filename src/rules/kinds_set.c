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

static const RuleParam matches_params[] = {
	{"table", PARAM_TEXT, true},
	{"key", PARAM_OBJECT, true},
	{"columns", PARAM_OBJECT, true},
	{NULL}
};

static const RuleParam freshness_params[] = {
	{"interval", PARAM_INTERVAL, true},
	{NULL}
};

static const RuleParam count_params[] = {
	{"min", PARAM_INTEGER, false},
	{"max", PARAM_INTEGER, false},
	{NULL}
};

static const RuleParam fraction_params[] = {
	{"max", PARAM_SCALAR, true},
	{NULL}
};

const RuleKind crm_kind_matches_table = {
	"matches_table", LEVEL_SET, 0, -1, matches_params, CRM_CONSISTENCY,
	"NULL equals NULL",
	"the same customer has the same data in {table}",
	"同一客户的数据与 {table} 一致",
	NULL, NULL
};

const RuleKind crm_kind_duplicate = {
	"duplicate", LEVEL_SET, 1, -1, no_params, CRM_UNIQUENESS,
	"NULL columns are not compared",
	"no other row is the same customer by {columns}",
	"按 {columns} 没有重复的客户",
	NULL, NULL
};

const RuleKind crm_kind_freshness = {
	"freshness", LEVEL_TABLE, 1, 1, freshness_params, CRM_TIMELINESS,
	"NULL is passed over",
	"the latest {columns} is not older than {interval}",
	"最新的 {columns} 距今不超过 {interval}",
	NULL, NULL
};

const RuleKind crm_kind_row_count = {
	"row_count", LEVEL_TABLE, 0, 0, count_params, CRM_COMPLETENESS,
	"not concerned",
	"the table has {min} to {max} rows", "表的行数在 {min} 到 {max} 之间",
	NULL, NULL
};

const RuleKind crm_kind_null_fraction = {
	"null_fraction", LEVEL_TABLE, 1, 1, fraction_params, CRM_COMPLETENESS,
	"counts NULL",
	"at most {max} of {columns} is NULL", "{columns} 的空值比例不超过 {max}",
	NULL, NULL
};

const RuleKind crm_kind_distribution = {
	"distribution", LEVEL_TABLE, 1, 1, no_params, CRM_CONSISTENCY,
	"NULL is a value like any other",
	"the distribution of {columns} is that of its baseline",
	"{columns} 的分布与基线一致",
	NULL, NULL
};
