/*-------------------------------------------------------------------------
 *
 * ledger_worker.h
 *		The background worker: seals the ledger, writes rejections, keeps
 *		partitions ahead.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_LEDGER_WORKER_H
#define CRM_LEDGER_WORKER_H

#include "worker_state.h"

/* How often an idle database is visited, for a heartbeat and for old work. */
#define CRM_HEARTBEAT_MS	60000


/* From ledger_worker.c */
extern void crm_worker_init(void);
extern void crm_worker_signals(void);

/* From worker_database.c: the function of a worker in one database. */
extern PGDLLEXPORT void crmaudit_worker_main(Datum database) pg_attribute_noreturn();

#endif							/* CRM_LEDGER_WORKER_H */
