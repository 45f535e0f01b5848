/*-------------------------------------------------------------------------
 *
 * reason.h
 *		Every reason code, with its words in English and Chinese.
 *
 * A reason code is stable: findings store it, applications may branch on it.
 * Each entry is X(NAME, "code", english, chinese, hint, chinese hint); the
 * words are a clause that stands after "column "mail": " and takes no final
 * period; a hint is a full sentence that says what mends the value, or NULL.
 *
 * value_reasons.h lists what the identifier parsers say of a value,
 * rule_reasons.h what the rule kinds say of a row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_REASON_H
#define CRM_REASON_H

#include "types/rule_reasons.h"
#include "types/value_reasons.h"

#define CRM_REASON_ENUM(name, code, en, zh, hint, hint_zh)	CRM_REASON_##name,

typedef enum CrmReason
{
	CRM_REASON_NONE,
	CRM_VALUE_REASONS(CRM_REASON_ENUM)
	CRM_RULE_REASONS(CRM_REASON_ENUM)
	CRM_REASON_COUNT
} CrmReason;

/* The words of a reason; all strings are UTF-8 constants. */
typedef struct CrmReasonWords
{
	const char *code;
	const char *english;
	const char *chinese;
	const char *hint;			/* NULL if none */
	const char *hint_chinese;
} CrmReasonWords;

extern const CrmReasonWords crm_reason_words[CRM_REASON_COUNT];

/* The reason of that code; CRM_REASON_NONE if there is none. */
extern CrmReason crm_reason_find(const char *code);

#endif							/* CRM_REASON_H */
