/*-------------------------------------------------------------------------
 *
 * guard.h
 *		The ledger is only appended to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_GUARD_H
#define CRM_GUARD_H

extern void crm_guard_init(void);

/* Calls "work", which may change and drop what the guard protects. */
extern void crm_guard_lift(void (*work) (void *), void *arg);

#endif							/* CRM_GUARD_H */
