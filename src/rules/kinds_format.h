/*-------------------------------------------------------------------------
 *
 * kinds_format.h
 *		What normalisation and explain_value() need of the format kind.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_KINDS_FORMAT_H
#define CRM_KINDS_FORMAT_H

#include "rules/rule.h"

extern CrmCheckFunc crm_format_options(Jsonb *params, CrmOptions *options);
extern char *crm_format_canonical(const Rule *rule, const RuleRow *row);

#endif							/* CRM_KINDS_FORMAT_H */
