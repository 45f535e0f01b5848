/*-------------------------------------------------------------------------
 *
 * score_ddl.h
 *		Notices that rows come, go or change without a row trigger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SCORE_DDL_H
#define CRM_SCORE_DDL_H

#include "postgres.h"

extern void crm_score_ddl_init(void);

/* Of the lists of values that rules of a table use, and what is in them. */
extern int64 crm_lists_digest(Oid target);

#endif							/* CRM_SCORE_DDL_H */
