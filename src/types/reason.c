/*-------------------------------------------------------------------------
 *
 * reason.c
 *		The words of every reason code, in the order of CrmReason.
 *
 *-------------------------------------------------------------------------
 */
#include <stddef.h>

#include "types/reason.h"

#define CRM_REASON_ENTRY(name, code, en, zh, hint, hint_zh) \
	{code, en, zh, hint, hint_zh},

/* Indexed by CrmReason; the first entry stands for "no reason". */
const CrmReasonWords crm_reason_words[CRM_REASON_COUNT] = {
	{"", "", "", NULL, NULL},
	CRM_VALUE_REASONS(CRM_REASON_ENTRY)
	CRM_RULE_REASONS(CRM_REASON_ENTRY)
};
