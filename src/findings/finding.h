/*-------------------------------------------------------------------------
 *
 * finding.h
 *		Findings as writers leave them: remembered, confirmed, appended.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_FINDING_H
#define CRM_FINDING_H

#include "rules/rule.h"

/* What a writer tells of a rule and a row. */
typedef enum FindingEvent
{
	FINDING_SEEN,				/* the row breaks the rule */
	FINDING_GONE				/* it did, and no longer does, or is deleted */
} FindingEvent;

extern void crm_findings_init(void);
extern void crm_findings_forget(void);
extern void crm_finding_remember(const RuleSet *ruleset, const Rule *rule,
								 FindingEvent event, RuleOutcome outcome,
								 CrmMode mode, Jsonb *row_key,
								 const RuleRow *row);
extern bool crm_findings_confirm(void);
extern void crm_findings_keep(void);
extern void crm_findings_flush(void);
extern void crm_findings_flush_if_many(void);
extern void crm_finding_truncated(Oid target);

#endif							/* CRM_FINDING_H */
