/*-------------------------------------------------------------------------
 *
 * seal_block.c
 *		One block in the making: its tree, and the rows beside it.
 *
 * Entries stream through the tree; each transaction that is complete becomes
 * a row of ledger_transaction, each key a row of ledger_key.  Keys are sorted
 * by their hash, so that their index takes them page by page.
 *
 * Memory: constant in the number of entries; the sort spills to disk.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"
#include "utils/xid8.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/block_tree.h"
#include "ledger/seal.h"

/* Columns of crmaudit.ledger_key. */
typedef enum KeyColumn
{
	KEY_TABLE_ID,
	KEY_ORD,
	KEY_HASH,
	KEY_BLOCK_ID,
	KEY_XID,
	KEY_COLUMNS
} KeyColumn;

#define TRANSACTION_COLUMNS	5

struct BlockDraft
{
	Snapshot	snapshot;
	int64		domain;
	int64		block_id;
	BlockTree	tree;
	MemoryContext row_memory;
	BulkRows   *transactions;	/* these are begun with the first entry */
	BulkRows   *keys;
	Tuplesortstate *sort;
	TupleTableSlot *sort_slot;
};

/* Writes the row of ledger_transaction. */
static void
transaction_done(void *arg, const PeriodTree *period, uint64 xid,
				 const uint8 *root)
{
	BlockDraft *draft = arg;
	Datum		values[TRANSACTION_COLUMNS];
	bool		nulls[TRANSACTION_COLUMNS] = {false};
	union
	{
		bytea		header;
		char		bytes[VARHDRSZ + CRM_HASH_BYTES];
	}			datum;

	SET_VARSIZE(&datum, sizeof(datum.bytes));
	memcpy(VARDATA(&datum), root, CRM_HASH_BYTES);
	values[0] = Int64GetDatum(draft->block_id);
	values[1] = DateADTGetDatum((DateADT) (period->start / USECS_PER_DAY));
	values[2] = FullTransactionIdGetDatum(FullTransactionIdFromU64(xid));
	values[3] = Int32GetDatum((int32) period->leaves.count);
	values[4] = PointerGetDatum(&datum);
	crm_bulk_add(draft->transactions, values, nulls);
}

BlockDraft *
crm_draft_begin(Snapshot snapshot, int64 domain, int64 block_id)
{
	BlockDraft *draft = palloc0(sizeof(BlockDraft));

	draft->snapshot = snapshot;
	draft->domain = domain;
	draft->block_id = block_id;
	draft->row_memory = AllocSetContextCreate(CurrentMemoryContext,
											  "crmaudit sealed entry",
											  ALLOCSET_DEFAULT_SIZES);
	crm_block_tree_begin(&draft->tree, transaction_done, draft);
	return draft;
}

/* Opens what the first entry needs. */
static void
draft_open(BlockDraft *draft)
{
	AttrNumber	column = KEY_HASH + 1;
	Oid			operator = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	draft->transactions = crm_bulk_begin("ledger_transaction");
	draft->keys = crm_bulk_begin("ledger_key");
	draft->sort_slot = MakeSingleTupleTableSlot(crm_bulk_desc(draft->keys),
												&TTSOpsVirtual);
	draft->sort = tuplesort_begin_heap(crm_bulk_desc(draft->keys), 1, &column,
									   &operator, &collation, &nulls_first,
									   maintenance_work_mem, NULL,
									   TUPLESORT_NONE);
}

/* Has the key of an entry sorted. */
static void
key_put(BlockDraft *draft, const LedgerEntry *entry)
{
	Datum	   *values = draft->sort_slot->tts_values;
	Datum		hash = DirectFunctionCall2(jsonb_hash_extended,
										   JsonbPGetDatum(entry->row_key),
										   Int64GetDatum((int64) entry->table_id));

	ExecClearTuple(draft->sort_slot);
	values[KEY_TABLE_ID] = Int32GetDatum(entry->table_id);
	values[KEY_ORD] = Int32GetDatum(entry->ord);
	values[KEY_HASH] = hash;
	values[KEY_BLOCK_ID] = Int64GetDatum(draft->block_id);
	values[KEY_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(entry->xid));
	memset(draft->sort_slot->tts_isnull, false, KEY_COLUMNS * sizeof(bool));
	ExecStoreVirtualTuple(draft->sort_slot);
	tuplesort_puttupleslot(draft->sort, draft->sort_slot);
}

/* Takes the entries of a range; what "present" does not see is left. */
static void
draft_take_range(BlockDraft *draft, LedgerScan *scan,
				 const SealSnapshot *present)
{
	const LedgerEntry *entry;
	uint64		checked = 0;
	bool		is_running = false;

	while ((entry = crm_ledger_scan_next(scan)) != NULL)
	{
		MemoryContext old;

		if (present && entry->xid != checked)
		{
			checked = entry->xid;
			is_running = crm_snapshot_is_running(present, checked);
		}
		/* the sealing transaction sees its own rows */
		if (is_running)
			continue;
		if (draft->sort == NULL)
			draft_open(draft);
		crm_block_tree_add(&draft->tree, entry->xid, entry->at, entry->leaf);
		if (entry->row_key == NULL)
			continue;
		old = MemoryContextSwitchTo(draft->row_memory);
		key_put(draft, entry);
		MemoryContextSwitchTo(old);
		MemoryContextReset(draft->row_memory);
	}
}

/*
 * Takes the entries that "present" sees and "previous" does not.  NULL for
 * "previous": nothing is sealed yet; for "present": all have ended.
 *
 * What was running is looked for id by id, so that a transaction that has been
 * open for days does not have all since then read again.
 */
void
crm_draft_take(BlockDraft *draft, const SealSnapshot *previous,
			   const SealSnapshot *present)
{
	uint64		end = present ? present->xmax : PG_UINT64_MAX;
	LedgerScan *scan = crm_ledger_scan_begin(draft->snapshot, draft->domain,
											 0, 0);

	crm_ledger_scan_leaves_only(scan);
	for (int i = 0; previous && i < previous->nrunning; i++)
	{
		uint64		xid = previous->running[i];

		if (present && crm_snapshot_is_running(present, xid))
			continue;
		crm_ledger_scan_restart(scan, xid, xid + 1);
		draft_take_range(draft, scan, present);
	}
	crm_ledger_scan_restart(scan, previous ? previous->xmax : 0, end);
	draft_take_range(draft, scan, present);
	crm_ledger_scan_end(scan);
}

/* Writes the sorted keys. */
static void
keys_write(BlockDraft *draft)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(crm_bulk_desc(draft->keys),
													&TTSOpsMinimalTuple);

	tuplesort_performsort(draft->sort);
	while (tuplesort_gettupleslot(draft->sort, true, false, slot, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		crm_bulk_add(draft->keys, slot->tts_values, slot->tts_isnull);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplesort_end(draft->sort);
}

/* Writes the row of ledger_block_partition. */
static void
period_write(BlockDraft *draft, const PeriodTree *period)
{
	static Oid	types[] = {INT8OID, DATEOID, INT8OID, INT8OID, BYTEAOID};
	Datum		values[lengthof(types)];
	bytea	   *root = palloc(VARHDRSZ + CRM_HASH_BYTES);

	SET_VARSIZE(root, VARHDRSZ + CRM_HASH_BYTES);
	memcpy(VARDATA(root), period->root, CRM_HASH_BYTES);
	values[0] = Int64GetDatum(draft->block_id);
	values[1] = DateADTGetDatum((DateADT) (period->start / USECS_PER_DAY));
	values[2] = Int64GetDatum(period->entries);
	values[3] = Int64GetDatum((int64) period->transactions.count);
	values[4] = PointerGetDatum(root);
	if (SPI_execute_with_args("INSERT INTO crmaudit.ledger_block_partition (block_id, period, entries, transactions, root)"
							  " VALUES ($1, $2, $3, $4, $5)",
							  lengthof(types), types, values, NULL, false,
							  0) != SPI_OK_INSERT)
		elog(ERROR, "could not write crmaudit.ledger_block_partition");
}

/*
 * Writes the rows beside the block, and fills in of "block" what they say.
 * The caller is connected to SPI.
 */
void
crm_draft_finish(BlockDraft *draft, LedgerBlock *block)
{
	crm_block_tree_end(&draft->tree);
	if (draft->sort)
	{
		crm_bulk_end(draft->transactions);
		keys_write(draft);
		ExecDropSingleTupleTableSlot(draft->sort_slot);
		crm_bulk_end(draft->keys);
	}
	for (int i = 0; i < draft->tree.nperiods; i++)
		period_write(draft, draft->tree.periods[i]);
	block->block_id = draft->block_id;
	block->entries = draft->tree.entries;
	block->transactions = draft->tree.transactions;
	block->has_last_at = draft->tree.entries > 0;
	block->last_at = draft->tree.last_at;
	memcpy(block->root, draft->tree.root, CRM_HASH_BYTES);
}
