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
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "compat.h"
#include "crmaudit.h"
#include "json_object.h"
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
	return crm_json_scalar_text(&value);
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
				 "SELECT NULL::oid, max(o.block_id), format('%s blocks are gone: what belongs to them is still there', count(DISTINCT o.block_id))"
				 " FROM (SELECT block_id FROM crmaudit.ledger_block_partition"
				 " UNION SELECT block_id FROM crmaudit.ledger_transaction t"
				 " WHERE t.block_id > (SELECT coalesce(max(b.block_id), 0) FROM crmaudit.ledger_block b)"
				 " UNION SELECT first_block FROM crmaudit.ledger_incarnation) o"
				 " WHERE o.block_id > (SELECT coalesce(max(b.block_id), 0) FROM crmaudit.ledger_block b)"
				 " HAVING count(*) > 0");
	run->is_truncated = run->faults->count > before;
	if (run->is_truncated)
		crm_doubt_blocks(run, run->head + 1, PG_INT64_MAX);
}

/* Lives of the database, as they are registered; a faulty block has been told. */
static void
lives_verify(ChainRun *run)
{
	if (run->nblock_faults > 0 || run->is_truncated)
		return;
	query_faults(run->faults, "CHAIN_GAP",
				 "SELECT NULL::oid, coalesce(f.first_block, i.first_block), 'ledger_incarnation does not say how this life of the database was linked'"
				 " FROM (SELECT incarnation, min(block_id) AS first_block FROM crmaudit.ledger_block GROUP BY incarnation) f"
				 " FULL JOIN crmaudit.ledger_incarnation i USING (incarnation)"
				 " LEFT JOIN crmaudit.ledger_block b ON b.block_id = f.first_block"
				 " WHERE (i.first_block, i.previous_hash) IS DISTINCT FROM (f.first_block, b.previous_hash)");
}

/* An entry names its context by number: there must be one of that. */
static void
contexts_verify(ChainRun *run)
{
	query_faults(run->faults, "EXTRA_ENTRY",
				 "SELECT NULL::oid, NULL::bigint, format('context %s of transaction %s is there %s times', context, xid, count(*))"
				 " FROM crmaudit.ledger_context GROUP BY incarnation, xid, context HAVING count(*) > 1");
}

/* Only if nothing was told: whatever is wrong with entries is with keys too. */
static void
keys_verify(ChainRun *run)
{
	if (run->first_block <= 1 && run->faults->count == 0)
		crm_verify_keys(run);
}

static void
coverage_verify(ChainRun *run)
{
	query_faults(run->faults, "COVERAGE_GAP",
				 "SELECT f.relation::oid, NULL::bigint, format('trigger %s is %s', f.trigger_name, f.fault)"
				 " FROM crmaudit.tracked_table t, crmaudit.ledger_trigger_faults(t.target) f WHERE t.tracked AND t.target IS NOT NULL");
}

/* Months that were pruned, and in which month that was. */
static void
pruned_read(ChainRun *run)
{
	if (SPI_execute("SELECT period, date_trunc('month', pruned_at AT TIME ZONE 'UTC')::date FROM crmaudit.ledger_pruned",
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read crmaudit.ledger_pruned");
	run->pruned = MemoryContextAllocZero(run->memory,
										 (SPI_processed + 1) * sizeof(PrunedMonth));
	run->npruned = SPI_processed;
	for (int i = 0; i < run->npruned; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;

		run->pruned[i].period =
			DatumGetDateADT(SPI_getbinval(tuple, desc, 1, &isnull));
		run->pruned[i].pruned_in =
			DatumGetDateADT(SPI_getbinval(tuple, desc, 2, &isnull));
	}
}

/*
 * That a month was pruned is an entry, unless the month of that was pruned in
 * its turn.
 */
static void
prunings_verify(ChainRun *run)
{
	for (int i = 0; i < run->npruned; i++)
	{
		const PrunedMonth *month = &run->pruned[i];
		Fault		fault = {"MISSING_ENTRY"};

		if (run->first_block > 1 || month->is_recorded ||
			(month->pruned_in > month->period &&
			 crm_pruned_find(run, month->pruned_in)))
			continue;
		fault.detail = psprintf("no entry records that %s was pruned",
								crm_month_words(month->period));
		crm_fault_add(run->faults, &fault);
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

/* Which table each table_id stands for. */
static void
targets_read(ChainRun *run)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(int32);
	ctl.entrysize = sizeof(TrackedTarget);
	ctl.hcxt = run->memory;
	run->targets = hash_create("crmaudit tracked tables", 64, &ctl,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (SPI_execute("SELECT table_id, target FROM crmaudit.tracked_table WHERE target IS NOT NULL",
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read crmaudit.tracked_table");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		int32		table_id = DatumGetInt32(SPI_getbinval(tuple, desc, 1,
														   &isnull));
		TrackedTarget *item = hash_search(run->targets, &table_id, HASH_ENTER,
										  NULL);

		item->target = DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &isnull));
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
	targets_read(run);
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
}

static void
live_verify(ChainRun *run)
{
	if (!crm_ledger_is_flushed())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this statement has changed rows in an outer block, and their entries are not written yet")));
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
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(memory);
		CurrentResourceOwner = owner;
		/* who cuts the run short gets no answer that could be taken for one */
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
			ReThrowError(error);
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
	CommandCounterIncrement();
	run->memory = CurrentMemoryContext;
	run->faults = &faults;
	run->suspects = crm_suspects_create();
	crm_keys_begin(&run->keys);
	run->own_xid = FullTransactionIdIsValid(own) ? U64FromFullTransactionId(own) : 0;
	run->first_block = PG_ARGISNULL(2) ? 1 : PG_GETARG_INT64(2);
	run->last_block = PG_ARGISNULL(3) ? PG_INT64_MAX : PG_GETARG_INT64(3);
	if (incremental)
		run->first_block = digest_block(digest) + 1;
	else if (digest)
		(void) digest_block(digest);
	run->digest = digest;
	if (!is_range)
		crm_verify_live_lock(InvalidOid);
	run->snapshot = RegisterSnapshot(run_snapshot());
	PushActiveSnapshot(run->snapshot);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(run->memory);
	part_run(run, "blocks and entries", chain_verify);
	if (!is_range)
		part_run(run, "blocks", orphans_verify);
	if (digest)
		part_run(run, "digest", digest_verify);
	if (!is_range)
	{
		part_run(run, "lives of the database", lives_verify);
		part_run(run, "months pruned", prunings_verify);
		part_run(run, "contexts", contexts_verify);
		part_run(run, "keys", keys_verify);
		part_run(run, "rows at fault", crm_verify_suspects);
		part_run(run, "triggers", coverage_verify);
	}
	/* without the newest entries the tables cannot be as recorded */
	if (!is_range && !run->is_truncated)
		part_run(run, "tables", live_verify);
	SPI_finish();
	PopActiveSnapshot();
	UnregisterSnapshot(run->snapshot);
	return (Datum) 0;
}
