/*-------------------------------------------------------------------------
 *
 * crmaudit.h
 *		Words that every part of the extension shares: severities,
 *		dimensions, modes, and how our own relations are found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRMAUDIT_H
#define CRMAUDIT_H

#include "postgres.h"

#include "utils/date.h"

#include "compat.h"
#include "types/types.h"

/* In the order of the SQL enum crmaudit.severity. */
typedef enum CrmSeverity
{
	CRM_INFO,
	CRM_WARNING,
	CRM_ERROR,
	CRM_CRITICAL
} CrmSeverity;

#define CRM_SEVERITIES	4

/* In the order of crmaudit.dimension.ordinal, and of a dqscore's parts. */
typedef enum CrmDimension
{
	CRM_COMPLETENESS,
	CRM_VALIDITY,
	CRM_CONSISTENCY,
	CRM_UNIQUENESS,
	CRM_TIMELINESS,
	CRM_ACCURACY
} CrmDimension;

#define CRM_DIMENSIONS	6

/* What the gate does with a violation. */
typedef enum CrmMode
{
	CRM_MODE_OFF,
	CRM_MODE_OBSERVE,
	CRM_MODE_QUARANTINE,
	CRM_MODE_ENFORCE
} CrmMode;

extern const char *const crm_severity_names[CRM_SEVERITIES];
extern const char *const crm_dimension_names[CRM_DIMENSIONS];
extern const char *const crm_verdict_names[3];

/* Each returns -1 if the name is none of them. */
extern int	crm_severity_find(const char *name);
extern int	crm_dimension_find(const char *name);
extern int	crm_mode_find(const char *name);
extern const char *crm_mode_name(CrmMode mode);

/* OID of one of our relations, or InvalidOid while the extension is absent. */
extern Oid	crm_relation_oid(const char *relname);

/*
 * Words of a message: "english" or "chinese" (UTF-8 constants), by the GUC
 * crmaudit.language, in the server encoding.  Where that encoding has no
 * Chinese, English it is.
 */
extern const char *crm_words(const char *english, const char *chinese);
extern bool crm_speaks_chinese(void);

/* The words of a reason, and its hint (NULL if none), likewise. */
extern const char *crm_reason_text(CrmReason reason);
extern const char *crm_reason_hint(CrmReason reason);

/*
 * Today in the session's time zone, by the transaction's clock; and dates as
 * the identifier parsers take them, yyyymmdd, 0 for what has no such form.
 */
extern DateADT crm_today(void);
extern int32 crm_today_yyyymmdd(void);
extern int32 crm_date_yyyymmdd(DateADT date);

/* The client's address, "[local]", or NULL for a process of the server. */
extern char *crm_client_address(void);

#endif							/* CRMAUDIT_H */
