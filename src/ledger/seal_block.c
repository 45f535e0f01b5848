/*-------------------------------------------------------------------------
 *
 * seal_block.c
 *		One block in the making: its tree, and the rows beside it.
 *
 * Entries stream through the tree; each transaction that is complete becomes
 * a row of ledger_transaction, each key a row of ledger_key.  Keys are written
 * in the order of their hash, so that their index takes them page by page.
 *
 * Memory: constant in the number of entries.  Keys are gathered and sorted up
 * to maintenance_work_mem, then written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
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

/* A row of ledger_key to be. */
typedef struct GatheredKey
{
	int64		hash;
	uint64		xid;
	int32		table_id;
	int32		ord;
} GatheredKey;

struct BlockDraft
{
	Snapshot	snapshot;
	int64		domain;
	int64		block_id;
	BlockTree	tree;
	BulkRows   *transactions;	/* these two are begun with the first entry */
	BulkRows   *keys;
	GatheredKey *gathered;
	Size		ngathered;
	Size		gathered_size;
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
	crm_block_tree_begin(&draft->tree, transaction_done, draft);
	return draft;
}

static int
key_order(const void *a, const void *b)
{
	const GatheredKey *first = a;
	const GatheredKey *second = b;

	if (first->hash != second->hash)
		return first->hash < second->hash ? -1 : 1;
	if (first->xid != second->xid)
		return first->xid < second->xid ? -1 : 1;
	return first->ord < second->ord ? -1 : first->ord > second->ord;
}

/* Writes the keys that were gathered. */
static void
keys_write(BlockDraft *draft)
{
	Datum		values[KEY_COLUMNS];
	bool		nulls[KEY_COLUMNS] = {false};

	if (draft->ngathered == 0)
		return;
	qsort(draft->gathered, draft->ngathered, sizeof(GatheredKey), key_order);
	values[KEY_BLOCK_ID] = Int64GetDatum(draft->block_id);
	for (Size i = 0; i < draft->ngathered; i++)
	{
		const GatheredKey *key = &draft->gathered[i];

		CHECK_FOR_INTERRUPTS();
		values[KEY_TABLE_ID] = Int32GetDatum(key->table_id);
		values[KEY_ORD] = Int32GetDatum(key->ord);
		values[KEY_HASH] = Int64GetDatum(key->hash);
		values[KEY_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(key->xid));
		crm_bulk_add(draft->keys, values, nulls);
	}
	draft->ngathered = 0;
}

/* Makes room for one key more, or writes those that are there. */
static void
keys_make_room(BlockDraft *draft)
{
	Size		limit = (Size) maintenance_work_mem * 1024 / sizeof(GatheredKey);

	if (draft->ngathered < draft->gathered_size)
		return;
	if (draft->gathered_size * 2 > limit)
		keys_write(draft);
	else
	{
		draft->gathered_size *= 2;
		draft->gathered = repalloc_huge(draft->gathered,
										draft->gathered_size * sizeof(GatheredKey));
	}
}

/* Opens what the first entry needs. */
static void
draft_open(BlockDraft *draft)
{
	draft->transactions = crm_bulk_begin("ledger_transaction");
	draft->keys = crm_bulk_begin("ledger_key");
	draft->gathered_size = 1024;
	draft->gathered = palloc(draft->gathered_size * sizeof(GatheredKey));
}

/*
 * Has the key of an entry sorted.  What concerns a table as a whole stands
 * under the key null, so that readers of one row find it too.
 */
static void
key_gather(BlockDraft *draft, const LedgerEntry *entry)
{
	GatheredKey *key;
	Datum		row_key = entry->row_key ? JsonbPGetDatum(entry->row_key) :
	DirectFunctionCall1(jsonb_in, CStringGetDatum("null"));
	Datum		hash = DirectFunctionCall2(jsonb_hash_extended, row_key,
										   Int64GetDatum((int64) entry->table_id));

	keys_make_room(draft);
	key = &draft->gathered[draft->ngathered++];
	key->hash = DatumGetInt64(hash);
	key->xid = entry->xid;
	key->table_id = entry->table_id;
	key->ord = entry->ord;
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
		if (present && entry->xid != checked)
		{
			checked = entry->xid;
			is_running = crm_snapshot_is_running(present, checked);
		}
		/* the sealing transaction sees its own rows */
		if (is_running)
			continue;
		if (draft->keys == NULL)
			draft_open(draft);
		crm_block_tree_add(&draft->tree, entry->xid, entry->at, entry->leaf);
		key_gather(draft, entry);
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
	if (draft->keys)
	{
		crm_bulk_end(draft->transactions);
		keys_write(draft);
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
