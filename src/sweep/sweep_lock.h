/*-------------------------------------------------------------------------
 *
 * sweep_lock.h
 *		The lock that a sweep holds on its table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SWEEP_LOCK_H
#define CRM_SWEEP_LOCK_H

#include "postgres.h"

/*
 * Takes the lock until the transaction ends; false if another transaction has
 * it.  Readers and writers of the table do not look at it: only sweeps, and
 * whoever folds score deltas of the table, take it.
 */
extern bool crm_sweep_lock(Oid target);

#endif							/* CRM_SWEEP_LOCK_H */
