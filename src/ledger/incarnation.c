/*-------------------------------------------------------------------------
 *
 * incarnation.c
 *		The life of the database that transaction ids belong to.
 *
 * Writers compute it without asking anyone: 40 bits of a hash of the system
 * identifier, the database and the ledger's own OID, then the timeline.  It
 * changes by a restore, a promotion, a point-in-time recovery, pg_upgrade,
 * CREATE DATABASE ... TEMPLATE and CREATE EXTENSION.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/inval.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/ledger.h"
#include "ledger/merkle.h"

PG_FUNCTION_INFO_V1(crmaudit_ledger_incarnation);

/* The domain, and the ledger it was computed for; invalid: not at present. */
static Oid	computed_for = InvalidOid;
static int64 domain;

/* The ledger may have gone. */
static void
relcache_callback(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == computed_for)
		computed_for = InvalidOid;
}

void
crm_incarnation_init(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}

/*
 * The present incarnation; positive.  Asked for by writers, and by readers on
 * a standby, whose timeline is the one that is replayed.
 */
int64
crm_ledger_incarnation(void)
{
	TimeLineID	timeline;

	if (!OidIsValid(computed_for))
	{
		Oid			ledger = crm_relation_oid("ledger_entry");
		uint64		parts[3];
		uint8		digest[CRM_HASH_BYTES];
		uint64		hash;

		parts[0] = pg_hton64(GetSystemIdentifier());
		parts[1] = pg_hton64((uint64) MyDatabaseId);
		parts[2] = pg_hton64((uint64) ledger);
		crm_sha256(parts, sizeof(parts), digest);
		memcpy(&hash, digest, sizeof(hash));
		/* one bit less, so that it is positive */
		domain = pg_ntoh64(hash) >> (CRM_TIMELINE_BITS + 1);
		computed_for = ledger;
	}
	if (RecoveryInProgress())
		(void) GetXLogReplayRecPtr(&timeline);
	else
		timeline = GetWALInsertionTimeLine();
	return domain << CRM_TIMELINE_BITS |
		(timeline & ((1 << CRM_TIMELINE_BITS) - 1));
}

Datum
crmaudit_ledger_incarnation(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(crm_ledger_incarnation());
}
