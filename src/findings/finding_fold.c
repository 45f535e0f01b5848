/*-------------------------------------------------------------------------
 *
 * finding_fold.c
 *		What folding and working off findings cannot do in SQL.
 *
 * Locking: a step on a finding takes an advisory lock, of a class that SQL
 * cannot take, until its transaction ends, so that two persons cannot both
 * take it.  Findings share a fixed number of locks: a list of any length
 * fits into the lock table.  They are taken in order, so that there is no
 * deadlock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/xid8.h"

/* What pg_locks shows as classid and objsubid. */
#define FINDING_LOCK_CLASS	0x63726D61	/* "crma" */
#define FINDING_LOCK_KIND	4

#define FINDING_LOCKS		64

PG_FUNCTION_INFO_V1(crmaudit_next_xid);
PG_FUNCTION_INFO_V1(crmaudit_lock_findings);

/*
 * crmaudit.next_xid() returns xid8
 *
 * The upper bound of a snapshot is not enough: a transaction that has an id
 * can be beyond it while no later one has ended.
 */
Datum
crmaudit_next_xid(PG_FUNCTION_ARGS)
{
	PG_RETURN_FULLTRANSACTIONID(ReadNextFullTransactionId());
}

/*
 * crmaudit.lock_findings(ids bigint[]) returns void
 */
Datum
crmaudit_lock_findings(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *ids;
	bool	   *nulls;
	int			count;
	uint64		wanted = 0;

	deconstruct_array(array, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &ids, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			wanted |= UINT64CONST(1) << ((uint64) DatumGetInt64(ids[i]) % FINDING_LOCKS);
	}
	for (int i = 0; i < FINDING_LOCKS; i++)
	{
		LOCKTAG		tag;

		if ((wanted & (UINT64CONST(1) << i)) == 0)
			continue;
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, FINDING_LOCK_CLASS, i,
							 FINDING_LOCK_KIND);
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
	}
	PG_RETURN_VOID();
}
