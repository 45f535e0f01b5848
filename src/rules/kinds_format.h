/*-------------------------------------------------------------------------
 *
 * kinds_format.h
 *		What normalisation and check_value() need of the format kind.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_KINDS_FORMAT_H
#define CRM_KINDS_FORMAT_H

#include "rules/rule.h"

extern char *crm_format_canonical(const Rule *rule, const RuleRow *row);
extern const CrmIdentifier *crm_identifier_require(const char *name);
extern bool crm_region_code(const char *data, int length, char *region);

#endif							/* CRM_KINDS_FORMAT_H */
