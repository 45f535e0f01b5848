/*-------------------------------------------------------------------------
 *
 * fixed_output.h
 *		The text of a value, whatever the session's settings.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_FIXED_OUTPUT_H
#define CRM_FIXED_OUTPUT_H

#include "postgres.h"

#include "fmgr.h"

extern char *crm_fixed_output(FmgrInfo *output, Datum datum);

#endif							/* CRM_FIXED_OUTPUT_H */
