/*-------------------------------------------------------------------------
 *
 * seal.c
 *		crmaudit.seal(): what was committed since the last block becomes one.
 *
 * A block holds the entries that its snapshot sees and that of the block
 * before does not.  Neither ids nor times would do: a transaction that began
 * early may commit late.  The snapshot is taken after the lock, so that it sees
 * the block before, and is never older than that one's.
 *
 * Entries of an earlier life of the database that no block holds, for it was
 * restored or copied, go into a closing block first.
 *
 * Locking: ShareUpdateExclusiveLock on ledger_block, kept to the end of the
 * transaction, holds off other sealers and nobody else.
 *
 * Memory: a context of its own, deleted at the end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/digest_sink.h"
#include "ledger/merkle.h"
#include "ledger/seal.h"

/* The least time between empty blocks. */
#define HEARTBEAT_MS	60000

/* What all blocks of one call share. */
typedef struct Sealing
{
	Snapshot	snapshot;
	SealSnapshot present;
	LedgerBlock head;			/* the newest block; id 0: there is none */
	Jsonb	   *coverage;
	uint8		coverage_hash[CRM_HASH_BYTES];
} Sealing;

PG_FUNCTION_INFO_V1(crmaudit_seal);

static void
check_may_seal(void)
{
	PreventCommandIfReadOnly("crmaudit.seal()");
	PreventCommandIfParallelMode("crmaudit.seal()");
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot seal the ledger at isolation level REPEATABLE READ or SERIALIZABLE"),
				 errdetail("A block needs a snapshot that is newer than the block before."),
				 errhint("Seal at isolation level READ COMMITTED.")));
	if (crm_ledger_has_entries())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot seal the ledger in a transaction that has written entries"),
				 errdetail("They would be sealed before they are committed."),
				 errhint("Commit first.")));
}

/* Runs a query with one argument; false if there is no row. */
static bool
fetch(const char *query, int64 argument)
{
	Oid			type = INT8OID;
	Datum		value = Int64GetDatum(argument);

	if (SPI_execute_with_args(query, 1, &type, &value, NULL, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the ledger's blocks");
	return SPI_processed > 0;
}

/* A column of a row that was fetched. */
static Datum
fetched(uint64 row, int column, bool *is_null)
{
	bool		ignored;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, is_null ? is_null : &ignored);
}

static void
fetched_hash(int column, uint8 *hash)
{
	bytea	   *bytes = DatumGetByteaPP(fetched(0, column, NULL));

	if (VARSIZE_ANY_EXHDR(bytes) != CRM_HASH_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("newest block of the ledger is damaged"),
				 errhint("See crmaudit.verify_ledger().")));
	memcpy(hash, VARDATA_ANY(bytes), CRM_HASH_BYTES);
}

/* Reads of the newest block what the next one continues. */
static void
head_read(LedgerBlock *head)
{
	memset(head, 0, sizeof(LedgerBlock));
	if (!fetch("SELECT block_id, incarnation, entries_total, sealed_at, coverage_hash, hash"
			   " FROM crmaudit.ledger_block ORDER BY block_id DESC LIMIT 1", 0))
		return;
	head->block_id = DatumGetInt64(fetched(0, 1, NULL));
	head->incarnation = DatumGetInt64(fetched(0, 2, NULL));
	head->entries_total = DatumGetInt64(fetched(0, 3, NULL));
	head->sealed_at = DatumGetTimestampTz(fetched(0, 4, NULL));
	fetched_hash(5, head->coverage_hash);
	fetched_hash(6, head->hash);
}

/* What is recorded at present, and the hash of its text. */
static void
coverage_read(Sealing *sealing)
{
	char	   *text;
	char	   *utf8;

	if (!fetch("SELECT crmaudit.ledger_coverage()", 0))
		elog(ERROR, "could not read the ledger's coverage");
	sealing->coverage = DatumGetJsonbPCopy(fetched(0, 1, NULL));
	text = JsonbToCString(NULL, &sealing->coverage->root,
						  VARSIZE(sealing->coverage));
	utf8 = GetDatabaseEncoding() == PG_SQL_ASCII ? text :
		pg_server_to_any(text, strlen(text), PG_UTF8);
	crm_sha256(utf8, strlen(utf8), sealing->coverage_hash);
}

/* The snapshot of a domain's last block; false if it has none. */
static bool
last_snapshot(int64 domain, SealSnapshot *snapshot)
{
	bool		is_null;
	Datum		value;

	if (!fetch("SELECT crmaudit.last_snapshot($1)", domain))
		elog(ERROR, "could not read the ledger's snapshots");
	value = fetched(0, 1, &is_null);
	if (is_null)
		return false;
	crm_snapshot_parse(snapshot,
					   DatumGetCString(DirectFunctionCall1(pg_snapshot_out,
														   value)));
	return true;
}

static Datum
hash_datum(const uint8 *hash)
{
	bytea	   *result = palloc(VARHDRSZ + CRM_HASH_BYTES);

	SET_VARSIZE(result, VARHDRSZ + CRM_HASH_BYTES);
	memcpy(VARDATA(result), hash, CRM_HASH_BYTES);
	return PointerGetDatum(result);
}

/* Registers a block's incarnation; of an earlier one only its id is known. */
static void
incarnation_write(const LedgerBlock *block)
{
	static Oid	types[] = {INT8OID, INT8OID, INT4OID, OIDOID, OIDOID, INT8OID,
	BYTEAOID};
	bool		is_present = block->snapshot != NULL;
	Datum		values[lengthof(types)];

	values[0] = Int64GetDatum(block->incarnation);
	values[1] = Int64GetDatum(is_present ? (int64) GetSystemIdentifier() : 0);
	values[2] = Int32GetDatum((int32) (block->incarnation &
									   ((1 << CRM_TIMELINE_BITS) - 1)));
	values[3] = ObjectIdGetDatum(is_present ? MyDatabaseId : InvalidOid);
	values[4] = ObjectIdGetDatum(is_present ? crm_relation_oid("ledger_entry") :
								 InvalidOid);
	values[5] = Int64GetDatum(block->block_id);
	values[6] = hash_datum(block->previous_hash);
	if (SPI_execute_with_args("INSERT INTO crmaudit.ledger_incarnation"
							  " (incarnation, system_identifier, timeline, database, ledger, first_block, previous_hash)"
							  " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (incarnation) DO NOTHING",
							  lengthof(types), types, values, NULL, false,
							  0) != SPI_OK_INSERT)
		elog(ERROR, "could not write crmaudit.ledger_incarnation");
}

static void
block_write(Sealing *sealing, const LedgerBlock *block)
{
	static Oid	types[] = {INT8OID, INT2OID, INT8OID, PG_SNAPSHOTOID, INT8OID,
		INT8OID, INT8OID, TIMESTAMPTZOID, PG_LSNOID, TIMESTAMPTZOID, BYTEAOID,
	JSONBOID, BYTEAOID, BYTEAOID, BYTEAOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types) + 1];

	memset(nulls, ' ', lengthof(types));
	nulls[lengthof(types)] = '\0';
	values[0] = Int64GetDatum(block->block_id);
	values[1] = Int16GetDatum(CRM_LEDGER_VERSION);
	values[2] = Int64GetDatum(block->incarnation);
	if (block->snapshot)
		values[3] = DirectFunctionCall1(pg_snapshot_in,
										CStringGetDatum(block->snapshot));
	else
		nulls[3] = 'n';
	values[4] = Int64GetDatum(block->entries);
	values[5] = Int64GetDatum(block->transactions);
	values[6] = Int64GetDatum(block->entries_total);
	values[7] = TimestampTzGetDatum(block->last_at);
	if (!block->has_last_at)
		nulls[7] = 'n';
	values[8] = LSNGetDatum(block->lsn);
	values[9] = TimestampTzGetDatum(block->sealed_at);
	values[10] = hash_datum(block->root);
	values[11] = JsonbPGetDatum(sealing->coverage);
	if (memcmp(block->coverage_hash, sealing->head.coverage_hash,
			   CRM_HASH_BYTES) == 0)
		nulls[11] = 'n';
	values[12] = hash_datum(block->coverage_hash);
	values[13] = hash_datum(block->previous_hash);
	values[14] = hash_datum(block->hash);
	if (SPI_execute_with_args("INSERT INTO crmaudit.ledger_block"
							  " (block_id, version, incarnation, snapshot, entries, transactions, entries_total, last_at, lsn,"
							  " sealed_at, root, coverage, coverage_hash, previous_hash, hash)"
							  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
							  lengthof(types), types, values, nulls, false,
							  0) != SPI_OK_INSERT)
		elog(ERROR, "could not write crmaudit.ledger_block");
}

/* Links a block to the head, and makes it the head. */
static void
block_link(Sealing *sealing, LedgerBlock *block)
{
	LedgerBlock *head = &sealing->head;

	block->entries_total = head->entries_total + block->entries;
	block->lsn = GetXLogInsertRecPtr();
	block->sealed_at = GetCurrentTimestamp();
	memcpy(block->coverage_hash, sealing->coverage_hash, CRM_HASH_BYTES);
	memcpy(block->previous_hash, head->hash, CRM_HASH_BYTES);
	crm_block_hash(block, block->hash);
	if (block->incarnation != head->incarnation)
		incarnation_write(block);
	block_write(sealing, block);
	*head = *block;
}

/* Whether a block without entries has something to say. */
static bool
is_worth_a_block(const Sealing *sealing, bool automatic)
{
	return memcmp(sealing->coverage_hash, sealing->head.coverage_hash,
				  CRM_HASH_BYTES) != 0 ||
		(automatic &&
		 TimestampDifferenceExceeds(sealing->head.sealed_at,
									GetCurrentTimestamp(), HEARTBEAT_MS));
}

/* Seals what the present domain has of new entries. */
static void
seal_present(Sealing *sealing, int64 incarnation, bool automatic)
{
	int64		domain = crm_incarnation_domain(incarnation);
	BlockDraft *draft = crm_draft_begin(sealing->snapshot, domain,
										sealing->head.block_id + 1);
	SealSnapshot previous;
	bool		has_previous = last_snapshot(domain, &previous);
	LedgerBlock block = {0};

	crm_draft_take(draft, has_previous ? &previous : NULL, &sealing->present);
	crm_draft_finish(draft, &block);
	if (block.entries == 0 && !is_worth_a_block(sealing, automatic))
		return;
	block.incarnation = incarnation;
	block.snapshot = crm_snapshot_text(&sealing->present);
	block_link(sealing, &block);
}

/* Seals what is left of an earlier domain. */
static void
seal_earlier(Sealing *sealing, int64 incarnation)
{
	int64		domain = crm_incarnation_domain(incarnation);
	BlockDraft *draft = crm_draft_begin(sealing->snapshot, domain,
										sealing->head.block_id + 1);
	SealSnapshot previous;
	bool		has_previous = last_snapshot(domain, &previous);
	LedgerBlock block = {0};

	crm_draft_take(draft, has_previous ? &previous : NULL, NULL);
	crm_draft_finish(draft, &block);
	if (block.entries == 0)
		return;
	block.incarnation = incarnation;
	block_link(sealing, &block);
}

/* Closes earlier domains, before the present one's first block. */
static void
seal_all_earlier(Sealing *sealing, int64 incarnation)
{
	int64	   *incarnations;
	int			count;

	(void) fetch("SELECT incarnation FROM crmaudit.unclosed_incarnations($1)",
				 incarnation);
	count = SPI_processed;
	incarnations = palloc(Max(count, 1) * sizeof(int64));
	for (int i = 0; i < count; i++)
		incarnations[i] = DatumGetInt64(fetched(i, 1, NULL));
	for (int i = 0; i < count; i++)
		seal_earlier(sealing, incarnations[i]);
}

/* Seals what there is under "snapshot"; returns whether it made a block. */
static bool
seal_under(Snapshot snapshot, bool automatic, int64 *block_id)
{
	Sealing    *sealing = palloc0(sizeof(Sealing));
	int64		incarnation = crm_ledger_incarnation();
	int64		first;

	if (automatic &&
		!fetch("SELECT WHERE crmaudit.may_begin_life($1)", incarnation))
		return false;
	sealing->snapshot = snapshot;
	crm_snapshot_convert(&sealing->present, snapshot);
	head_read(&sealing->head);
	first = sealing->head.block_id;
	coverage_read(sealing);
	seal_all_earlier(sealing, incarnation);
	seal_present(sealing, incarnation, automatic);
	*block_id = sealing->head.block_id;
	return *block_id > first;
}

int64
crm_seal(bool automatic)
{
	Oid			lock = crm_relation_oid("ledger_block");
	MemoryContext memory;
	MemoryContext old;
	Snapshot	snapshot;
	int64		block_id = 0;
	bool		is_sealed;

	check_may_seal();
	if (!automatic)
		LockRelationOid(lock, ShareUpdateExclusiveLock);
	else if (!ConditionalLockRelationOid(lock, ShareUpdateExclusiveLock))
		return 0;

	memory = AllocSetContextCreate(CurrentMemoryContext, "crmaudit seal",
								   ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	old = MemoryContextSwitchTo(memory);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	PushActiveSnapshot(snapshot);
	is_sealed = seal_under(snapshot, automatic, &block_id);
	PopActiveSnapshot();
	UnregisterSnapshot(snapshot);
	if (is_sealed)
	{
		/* makes the block visible to a call that follows */
		CommandCounterIncrement();
		/* a digest must not outlive its block in a crash */
		ForceSyncCommit();
		crm_digest_remember();
	}
	MemoryContextSwitchTo(old);
	SPI_finish();
	MemoryContextDelete(memory);
	return is_sealed ? block_id : 0;
}

/* crmaudit.seal() returns bigint */
Datum
crmaudit_seal(PG_FUNCTION_ARGS)
{
	int64		block_id = crm_seal(false);

	if (block_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(block_id);
}
