/*-------------------------------------------------------------------------
 *
 * sweep_lock.c
 *		The lock that a sweep holds on its table.
 *
 * An advisory lock of a class that SQL cannot take: of the table itself a
 * sweep needs no lock that would keep others from changing it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "sweep/sweep_lock.h"

/* What pg_locks shows as classid and objsubid. */
#define SWEEP_LOCK_CLASS	0x63726D61	/* "crma" */
#define SWEEP_LOCK_KIND		3

PG_FUNCTION_INFO_V1(crmaudit_try_sweep_lock);

bool
crm_sweep_lock(Oid target)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, SWEEP_LOCK_CLASS, target,
						 SWEEP_LOCK_KIND);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * crmaudit.try_sweep_lock(target regclass) returns boolean
 */
Datum
crmaudit_try_sweep_lock(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(crm_sweep_lock(PG_GETARG_OID(0)));
}
