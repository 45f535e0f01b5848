/*-------------------------------------------------------------------------
 *
 * verify.c
 *		Verification of the ledger: verify_ledger().
 *
 * Everything is read under one snapshot, and nothing is written, so that it
 * runs on a standby.  Parts run in subtransactions of their own: an error in
 * one is told as INCOMPLETE, and the others go on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/verify_private.h"

PG_FUNCTION_INFO_V1(crmaudit_verify_ledger);

/* Columns of verify_ledger(). */
enum FaultColumn
{
	FAULT_STATUS,
	FAULT_BLOCK_ID,
	FAULT_XID,
	FAULT_ORD,
	FAULT_TARGET,
	FAULT_ROW_KEY,
	FAULT_DETAIL,
	FAULT_COLUMNS
};

void
crm_fault_add(Faults *faults, const Fault *fault)
{
	Datum		values[FAULT_COLUMNS] = {0};
	bool		nulls[FAULT_COLUMNS] = {false};

	values[FAULT_STATUS] = CStringGetTextDatum(fault->status);
	values[FAULT_BLOCK_ID] = Int64GetDatum(fault->block_id);
	nulls[FAULT_BLOCK_ID] = fault->block_id == 0;
	values[FAULT_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(fault->xid));
	nulls[FAULT_XID] = fault->xid == 0;
	values[FAULT_ORD] = Int32GetDatum(fault->ord);
	nulls[FAULT_ORD] = fault->ord == 0;
	values[FAULT_TARGET] = ObjectIdGetDatum(fault->target);
	nulls[FAULT_TARGET] = !OidIsValid(fault->target);
	values[FAULT_ROW_KEY] = JsonbPGetDatum(fault->row_key);
	nulls[FAULT_ROW_KEY] = fault->row_key == NULL;
	if (fault->detail)
		values[FAULT_DETAIL] = CStringGetTextDatum(fault->detail);
	nulls[FAULT_DETAIL] = fault->detail == NULL;
	tuplestore_putvalues(faults->store, faults->desc, values, nulls);
	faults->count++;
}

/* Suspect rows ------------------------------------------------------------- */

typedef struct SuspectKey
{
	int64		key_hash;
	int64		table_id;		/* as wide, so that there is no padding */
} SuspectKey;

struct SuspectKeys
{
	HTAB	   *keys;
};

SuspectKeys *
crm_suspects_create(void)
{
	SuspectKeys *suspects = palloc(sizeof(SuspectKeys));
	HASHCTL		ctl;

	ctl.keysize = sizeof(SuspectKey);
	ctl.entrysize = sizeof(SuspectKey);
	ctl.hcxt = CurrentMemoryContext;
	suspects->keys = hash_create("crmaudit suspect keys", 64, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return suspects;
}

void
crm_suspects_add(SuspectKeys *suspects, int32 table_id, int64 key_hash)
{
	SuspectKey	key = {key_hash, table_id};

	(void) hash_search(suspects->keys, &key, HASH_ENTER, NULL);
}

bool
crm_suspects_has(const SuspectKeys *suspects, int32 table_id, int64 key_hash)
{
	SuspectKey	key = {key_hash, table_id};

	return suspects &&
		hash_search(suspects->keys, &key, HASH_FIND, NULL) != NULL;
}

/* The hash of a row's key, as ledger_key has it. */
int64
crm_key_hash(int32 table_id, Jsonb *row_key)
{
	return DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended,
											 JsonbPGetDatum(row_key),
											 Int64GetDatum((int64) table_id)));
}

/* The digest ------------------------------------------------------------- */

static void
digest_error(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid digest"),
			 errdetail("%s", detail),
			 errhint("Give a digest as crmaudit.ledger_digest() or a sink gave it.")));
}

/* A member of the digest as text; NULL if it has none. */
static char *
digest_member(Jsonb *digest, const char *name)
{
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(digest) ||
		getKeyJsonValueFromContainer(&digest->root, name, strlen(name),
									 &value) == NULL)
		return NULL;
	if (value.type == jbvString)
		return pnstrdup(value.val.string.val, value.val.string.len);
	if (value.type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(value.val.numeric)));
	return NULL;
}

/* The block that a digest is of. */
static int64
digest_block(Jsonb *digest)
{
	char	   *block = digest_member(digest, "block");
	char	   *hash = digest_member(digest, "hash");
	char	   *end;
	int64		result;

	if (block == NULL || hash == NULL)
		digest_error("It has no block, or no hash.");
	result = strtoll(block, &end, 10);
	if (*end != '\0' || result <= 0)
		digest_error("Its block is not a number.");
	if (strlen(hash) != 2 * CRM_HASH_BYTES ||
		strspn(hash, "0123456789abcdefABCDEF") != 2 * CRM_HASH_BYTES)
		digest_error("Its hash is not of 64 hexadecimal digits.");
	return result;
}

/* Holds the chain against a digest that was kept elsewhere. */
static void
digest_verify(ChainRun *run)
{
	Faults	   *faults = run->faults;
	Jsonb	   *digest = run->digest;
	Fault		fault = {NULL};
	uint8		hash[CRM_HASH_BYTES];
	Oid			type = INT8OID;
	Datum		value;
	bool		isnull;
	bytea	   *stored;

	fault.block_id = digest_block(digest);
	value = Int64GetDatum(fault.block_id);
	hex_decode(digest_member(digest, "hash"), 2 * CRM_HASH_BYTES,
			   (char *) hash);
	if (SPI_execute_with_args("SELECT hash FROM crmaudit.ledger_block WHERE block_id = $1",
							  1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read crmaudit.ledger_block");
	if (SPI_processed == 0)
	{
		fault.status = "TAIL_TRUNCATED";
		fault.detail = "the digest's block is not there";
		if (!run->is_truncated)
			crm_fault_add(faults, &fault);
		run->is_truncated = true;
		return;
	}
	stored = DatumGetByteaPP(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 1, &isnull));
	if (VARSIZE_ANY_EXHDR(stored) != CRM_HASH_BYTES ||
		memcmp(VARDATA_ANY(stored), hash, CRM_HASH_BYTES) != 0)
	{
		fault.status = "DIGEST_MISMATCH";
		fault.detail = "the block has another hash than the digest";
		crm_fault_add(faults, &fault);
	}
}

/* The parts of a run ------------------------------------------------------- */

/* Adds a fault for each row that a query gives: target, block, detail. */
static void
query_faults(Faults *faults, const char *status, const char *query)
{
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not query the ledger");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Fault		fault = {status};
		bool		isnull;
		Datum		value = SPI_getbinval(tuple, desc, 1, &isnull);

		fault.target = isnull ? InvalidOid : DatumGetObjectId(value);
		value = SPI_getbinval(tuple, desc, 2, &isnull);
		fault.block_id = isnull ? 0 : DatumGetInt64(value);
		fault.detail = SPI_getvalue(tuple, desc, 3);
		crm_fault_add(faults, &fault);
	}
}

/* Rows beside blocks that are not there. */
static void
orphans_verify(ChainRun *run)
{
	int64		before = run->faults->count;

	query_faults(run->faults, "TAIL_TRUNCATED",
				 "SELECT NULL::oid, max(o.block_id), format('%s blocks are gone: their months and transactions are still there', count(DISTINCT o.block_id))"
				 " FROM (SELECT block_id FROM crmaudit.ledger_block_partition"
				 " UNION SELECT block_id FROM crmaudit.ledger_transaction t"
				 " WHERE t.block_id > (SELECT coalesce(max(b.block_id), 0) FROM crmaudit.ledger_block b)) o"
				 " WHERE o.block_id > (SELECT coalesce(max(b.block_id), 0) FROM crmaudit.ledger_block b)"
				 " HAVING count(*) > 0");
	run->is_truncated = run->faults->count > before;
}

static void
coverage_verify(ChainRun *run)
{
	query_faults(run->faults, "COVERAGE_GAP",
				 "SELECT f.relation::oid, NULL::bigint, format('trigger %s is %s', f.trigger_name, f.fault)"
				 " FROM crmaudit.tracked_table t, crmaudit.ledger_trigger_faults(t.target) f WHERE t.tracked AND t.target IS NOT NULL");
}

/*
 * Months that were pruned, if any ever was: those of which the ledger says so
 * by an entry S, which only goes when the month that holds it is pruned too.
 * A row of ledger_pruned without it is no excuse for entries that are gone.
 */
static void
pruned_read(ChainRun *run)
{
	if (!OidIsValid(crm_relation_oid("ledger_pruned")))
		return;
	if (SPI_execute("WITH RECURSIVE proven AS ("
					" SELECT p.period FROM crmaudit.ledger_pruned p"
					" JOIN (SELECT (f.entry).op, (f.entry).new FROM crmaudit.find_entries(0, '{\"null\"}') f) e"
					" ON e.op = 'S' AND e.new @> pg_catalog.jsonb_build_object('action', 'prune', 'period', p.period, 'entries', p.entries)"
					" UNION SELECT p.period FROM proven v JOIN crmaudit.ledger_pruned p ON p.period < v.period"
					" AND pg_catalog.date_trunc('month', p.pruned_at AT TIME ZONE 'UTC') <= v.period)"
					" SELECT period FROM proven", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read crmaudit.ledger_pruned");
	run->pruned = MemoryContextAlloc(run->memory,
									 (SPI_processed + 1) * sizeof(DateADT));
	run->npruned = SPI_processed;
	for (int i = 0; i < run->npruned; i++)
	{
		bool		isnull;

		run->pruned[i] =
			DatumGetDateADT(SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull));
	}
}

/*
 * The domains that entries may belong to: those of blocks, and the present
 * one.  Before the present one is sealed, earlier ones may have no block yet.
 */
static void
domains_read(ChainRun *run, int64 present)
{
	StrangeEntries *strangers = &run->strangers;
	Oid			type = INT8OID;
	Datum		value = Int64GetDatum(present);

	if (SPI_execute_with_args("SELECT incarnation >> 24 FROM crmaudit.ledger_block UNION SELECT $1"
							  " UNION SELECT incarnation >> 24 FROM crmaudit.ledger_entry"
							  " WHERE NOT EXISTS (SELECT FROM crmaudit.ledger_block b WHERE b.incarnation >> 24 = $1)",
							  1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read crmaudit.ledger_block");
	strangers->known = MemoryContextAlloc(run->memory,
										  SPI_processed * sizeof(int64));
	strangers->nknown = SPI_processed;
	for (int i = 0; i < strangers->nknown; i++)
	{
		bool		isnull;

		strangers->known[i] =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 1, &isnull));
	}
}

/* Tells of entries of a domain that never was. */
static void
strangers_tell(ChainRun *run)
{
	Fault		fault = {"EXTRA_ENTRY"};

	if (run->strangers.count == 0)
		return;
	fault.xid = run->strangers.xid;
	fault.ord = run->strangers.ord;
	fault.detail = psprintf(INT64_FORMAT " entries are of a life that the database never had",
							run->strangers.count);
	crm_fault_add(run->faults, &fault);
}

/* Blocks, their entries, and entries that no block holds. */
static void
chain_verify(ChainRun *run)
{
	int64		domain = crm_incarnation_domain(crm_ledger_incarnation());
	bool		found = false;
	ListCell   *cell;

	pruned_read(run);
	domains_read(run, domain);
	crm_verify_chain(run);
	if (run->last_block < PG_INT64_MAX)
		return;
	foreach(cell, run->domains)
	{
		VerifiedDomain *item = lfirst(cell);

		found |= item->domain == domain;
		if (!item->is_closed)
			crm_verify_tail(run, item, item->domain == domain);
	}
	if (!found)
	{
		VerifiedDomain *item = palloc0(sizeof(VerifiedDomain));

		item->domain = domain;
		crm_verify_tail(run, item, true);
	}
	strangers_tell(run);
	crm_verify_suspects(run);
}

static void
live_verify(ChainRun *run)
{
	crm_verify_live(run->faults, run->snapshot, run->suspects, InvalidOid);
}

/* Runs a part in a subtransaction; an error is told as INCOMPLETE. */
static void
part_run(ChainRun *run, const char *what, void (*part) (ChainRun *))
{
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		part(run);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(memory);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		Fault		fault = {"INCOMPLETE"};
		ErrorData  *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		/* who cuts the run short gets no answer that could be taken for one */
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(memory);
		CurrentResourceOwner = owner;
		fault.detail = psprintf("%s: %s", what, error->message);
		crm_fault_add(run->faults, &fault);
	}
	PG_END_TRY();
}

/* The snapshot that everything is read under. */
static Snapshot
run_snapshot(void)
{
	return IsolationUsesXactSnapshot() ? GetTransactionSnapshot() :
		GetLatestSnapshot();
}

/*
 * crmaudit.verify_ledger(digest jsonb, incremental boolean, first_block bigint,
 * last_block bigint) returns table (...)
 */
Datum
crmaudit_verify_ledger(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Jsonb	   *digest = PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0);
	bool		incremental = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	bool		is_range = !PG_ARGISNULL(2) || !PG_ARGISNULL(3);
	ChainRun   *run = palloc0(sizeof(ChainRun));
	FullTransactionId own = GetTopFullTransactionIdIfAny();
	Faults		faults;

	if (incremental && digest == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("an incremental verification needs a digest"),
				 errdetail("Blocks up to the digest's are taken as verified before."),
				 errhint("Give the digest that you kept when you verified last.")));
	InitMaterializedSRF(fcinfo, 0);
	faults.store = result->setResult;
	faults.desc = result->setDesc;
	faults.count = 0;
	crm_ledger_flush();
	run->memory = CurrentMemoryContext;
	run->faults = &faults;
	run->suspects = crm_suspects_create();
	run->own_xid = FullTransactionIdIsValid(own) ? U64FromFullTransactionId(own) : 0;
	run->first_block = PG_ARGISNULL(2) ? 1 : PG_GETARG_INT64(2);
	run->last_block = PG_ARGISNULL(3) ? PG_INT64_MAX : PG_GETARG_INT64(3);
	if (incremental)
		run->first_block = digest_block(digest) + 1;
	else if (digest)
		(void) digest_block(digest);
	run->digest = digest;
	run->snapshot = RegisterSnapshot(run_snapshot());
	PushActiveSnapshot(run->snapshot);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(run->memory);
	part_run(run, "blocks and entries", chain_verify);
	if (!is_range)
	{
		part_run(run, "blocks", orphans_verify);
		part_run(run, "triggers", coverage_verify);
	}
	if (digest)
		part_run(run, "digest", digest_verify);
	/* without the newest entries the tables cannot be as recorded */
	if (!is_range && !run->is_truncated)
		part_run(run, "tables", live_verify);
	SPI_finish();
	PopActiveSnapshot();
	UnregisterSnapshot(run->snapshot);
	return (Datum) 0;
}
