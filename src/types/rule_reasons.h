/*-------------------------------------------------------------------------
 *
 * rule_reasons.h
 *		Reason codes of the rule kinds; see reason.h for the form.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_RULE_REASONS_H
#define CRM_RULE_REASONS_H

#define CRM_RULE_REASONS(X) \
	X(MISSING, "missing", "is missing", "缺失", \
	  NULL, NULL) \
	X(BLANK, "blank", "is blank", "为空白", \
	  NULL, NULL) \
	X(ALL_MISSING, "all_missing", "at least one of these must be filled", "至少须填写其中一项", \
	  NULL, NULL) \
	X(NO_MATCH, "no_match", "does not match the pattern", "与规定的格式不符", \
	  NULL, NULL) \
	X(SHORTER, "shorter", "has too few characters", "字数过少", \
	  NULL, NULL) \
	X(LONGER, "longer", "has too many characters", "字数过多", \
	  NULL, NULL) \
	X(CHARACTER_NOT_ALLOWED, "character_not_allowed", "has a character that is not allowed", "含有不允许的字符", \
	  NULL, NULL) \
	X(CHARACTER_FORBIDDEN, "character_forbidden", "has a forbidden character", "含有禁用的字符", \
	  NULL, NULL) \
	X(BELOW_MINIMUM, "below_minimum", "is below the minimum", "低于最小值", \
	  NULL, NULL) \
	X(ABOVE_MAXIMUM, "above_maximum", "is above the maximum", "高于最大值", \
	  NULL, NULL) \
	X(NOT_IN_SET, "not_in_set", "is not one of the permitted values", "不在允许的取值之内", \
	  NULL, NULL) \
	X(NOT_IN_LIST, "not_in_list", "is not in the list", "不在清单之内", \
	  NULL, NULL) \
	X(IN_LIST, "in_list", "is in the list of unwanted values", "在排除清单之内", \
	  NULL, NULL) \
	X(PLACEHOLDER, "placeholder", "is a placeholder, not a real value", "是占位或虚假的值", \
	  "Enter the real value, or leave the column empty.", "请填写真实的值，或者留空。") \
	X(PLACEHOLDER_SUSPECTED, "placeholder_suspected", "looks like a placeholder", "疑似占位的值", \
	  NULL, NULL) \
	X(WRONG_ORDER, "wrong_order", "the first date is after the second", "前一日期晚于后一日期", \
	  NULL, NULL) \
	X(IN_FUTURE, "in_future", "is in the future", "在将来", \
	  NULL, NULL) \
	X(TOO_OLD, "too_old", "is older than permitted", "超过规定的期限", \
	  NULL, NULL) \
	X(NOT_A_DATE, "not_a_date", "is not a date", "不是日期", \
	  NULL, NULL) \
	X(NOT_A_NUMBER, "not_a_number", "is not a number", "不是数字", \
	  NULL, NULL) \
	X(BIRTH_DATE_DIFFERS, "birth_date_differs", "the birth date differs from the one in the ID number", "出生日期与证件号码不符", \
	  NULL, NULL) \
	X(SEX_DIFFERS, "sex_differs", "the sex differs from the one in the ID number", "性别与证件号码不符", \
	  NULL, NULL) \
	X(SEX_UNKNOWN_CODE, "sex_unknown_code", "the code for the sex is not known", "性别代码无法识别", \
	  NULL, NULL) \
	X(NOT_EQUAL, "not_equal", "the columns differ", "两列的值不同", \
	  NULL, NULL) \
	X(NOT_DIFFERENT, "not_different", "the columns are equal", "两列的值相同", \
	  NULL, NULL) \
	X(CONDITION_FALSE, "condition_false", "the condition of the rule does not hold", "不满足规则的条件", \
	  NULL, NULL) \
	X(CHANGED, "changed", "must not be changed", "不得更改", \
	  NULL, NULL) \
	X(TRANSITION, "transition", "may not change from its old value to the new one", "不允许这样的状态变更", \
	  NULL, NULL) \
	X(NOT_CHANGED_TOGETHER, "not_changed_together", "must be changed together", "须同时更改", \
	  NULL, NULL) \
	X(DIFFERS_FROM_TABLE, "differs_from_table", "differs from the other table", "与另一张表的值不同", \
	  NULL, NULL) \
	X(MISSING_IN_TABLE, "missing_in_table", "has no row in the other table", "在另一张表中没有对应的记录", \
	  NULL, NULL) \
	X(MISSING_HERE, "missing_here", "stands in the other table only", "只存在于另一张表中", \
	  NULL, NULL) \
	X(DEPENDENCY_MINORITY, "dependency_minority", "most rows with the same value say otherwise", "与同值的多数记录不一致", \
	  NULL, NULL) \
	X(DEPENDENCY_UNCLEAR, "dependency_unclear", "rows with the same value disagree, and none prevails", "同值的记录互不一致，且没有多数", \
	  NULL, NULL) \
	X(SPELLING_VARIANT, "spelling_variant", "is rare, and one character away from a frequent value", "罕见，且与常见的值只差一个字", \
	  NULL, NULL) \
	X(NOT_FRESH, "not_fresh", "the latest value is older than permitted", "最新的值已超过规定的期限", \
	  NULL, NULL) \
	X(TOO_FEW_ROWS, "too_few_rows", "the table has too few rows", "表的行数过少", \
	  NULL, NULL) \
	X(TOO_MANY_ROWS, "too_many_rows", "the table has too many rows", "表的行数过多", \
	  NULL, NULL) \
	X(TOO_MANY_NULLS, "too_many_nulls", "is missing in too many rows", "空值的比例过高", \
	  NULL, NULL) \
	X(DISTRIBUTION_SHIFTED, "distribution_shifted", "the distribution of values is not that of the baseline", "取值的分布偏离基线", \
	  "If the change is meant, take a new baseline with crmaudit.baseline().", "如属正常变化，请用 crmaudit.baseline() 重新取基线。") \
	X(NOT_UNIQUE, "not_unique", "stands in another row too", "与其他行重复", \
	  NULL, NULL) \
	X(SHARED_VALUE, "shared_value", "is shared with another customer", "与其他客户共用", \
	  NULL, NULL) \
	X(STAFF_CONTACT, "staff_contact", "is the contact of a member of staff", "是销售人员（员工）的联系方式", \
	  "Enter the customer's own contact.", "请填写客户本人的联系方式。") \
	X(AGENCY_CONTACT, "agency_contact", "is the contact of an agency", "是代理机构的联系方式", \
	  "Enter the customer's own contact.", "请填写客户本人的联系方式。") \
	X(AGENCY_STAFF_CONTACT, "agency_staff_contact", "is the contact of an agency's staff", "是代理机构人员的联系方式", \
	  "Enter the customer's own contact.", "请填写客户本人的联系方式。") \
	X(RELATIVE_CONTACT, "relative_contact", "is the contact of a relative of staff", "是销售人员亲属的联系方式", \
	  "Enter the customer's own contact.", "请填写客户本人的联系方式。") \
	X(NO_REFERENCE, "no_reference", "stands in no row of the other table", "在被引用的表中不存在", \
	  NULL, NULL) \
	X(NO_RELATED, "no_related", "too few related rows", "缺少相关记录", \
	  NULL, NULL) \
	X(SCORE_DROPPED, "score_dropped", "the score has fallen by more than is permitted", "评分下降超过允许的幅度", \
	  "crmaudit.run_rule shows which rules fail more often than in the sweep before.", "crmaudit.run_rule 显示哪些规则的违反次数比上次检查多。") \
	X(OVERDUE, "overdue", "was not done in time", "逾期未办", \
	  NULL, NULL) \
	X(OUTSIDE_HOURS, "outside_hours", "a call was made outside the advised hours", "拨打时间不在建议时段内", \
	  NULL, NULL) \
	X(RULE_ERROR, "rule_error", "the rule itself failed", "规则本身执行出错", \
	  "The rule needs mending: see crmaudit.rule_status.", "请修正该规则，参见 crmaudit.rule_status。")

#endif							/* CRM_RULE_REASONS_H */
