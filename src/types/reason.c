/*-------------------------------------------------------------------------
 *
 * reason.c
 *		The words of every reason code, in the order of CrmReason.
 *
 *-------------------------------------------------------------------------
 */
#include <stddef.h>
#include <string.h>

#include "types/reason.h"

#define CRM_REASON_ENTRY(name, code, en, zh, hint, hint_zh) \
	{code, en, zh, hint, hint_zh},

/* Indexed by CrmReason; the first entry stands for "no reason". */
const CrmReasonWords crm_reason_words[CRM_REASON_COUNT] = {
	{"", "", "", NULL, NULL},
	CRM_VALUE_REASONS(CRM_REASON_ENTRY)
	CRM_RULE_REASONS(CRM_REASON_ENTRY)
};

CrmReason
crm_reason_find(const char *code)
{
	for (int i = 1; i < CRM_REASON_COUNT; i++)
	{
		if (strcmp(crm_reason_words[i].code, code) == 0)
			return i;
	}
	return CRM_REASON_NONE;
}
