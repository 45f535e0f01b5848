/*-------------------------------------------------------------------------
 *
 * probe.h
 *		Looking for other rows while a row is written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_PROBE_H
#define CRM_PROBE_H

#include "rules/set_rule.h"

typedef struct Probe Probe;

#endif							/* CRM_PROBE_H */
