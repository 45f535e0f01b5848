/*-------------------------------------------------------------------------
 *
 * verify_keys.c
 *		Verification of ledger_key, by which row_history() finds entries.
 *
 * No hash of a block covers it, for it can be had from the entries.  All of it
 * is held against all of them by two sums.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/verify_private.h"

/* Columns of ledger_key, in the order of 60-ledger.sql. */
typedef enum KeyColumn
{
	KEY_TABLE_ID,
	KEY_ORD,
	KEY_HASH,
	KEY_BLOCK_ID,
	KEY_XID,
	KEY_COLUMNS
} KeyColumn;

/* A row of it; all of one width, so that there is no padding. */
typedef struct KeyRow
{
	int64		table_id;
	int64		ord;
	int64		key_hash;
	int64		block_id;
	uint64		xid;
} KeyRow;

void
crm_keys_begin(KeySums *keys)
{
	memset(keys, 0, sizeof(KeySums));
	if (!pg_strong_random(keys->seeds, sizeof(keys->seeds)))
		elog(ERROR, "could not generate random values");
}

static void
key_add(const KeySums *keys, const KeyRow *row, uint64 *sums)
{
	for (int i = 0; i < 2; i++)
		sums[i] += hash_bytes_extended((const unsigned char *) row,
									   sizeof(KeyRow), keys->seeds[i]);
}

/* Counts the row that an entry should have. */
void
crm_keys_expect(KeySums *keys, const LedgerEntry *entry, int64 block_id)
{
	KeyRow		row;

	row.table_id = entry->table_id;
	row.ord = entry->ord;
	row.key_hash = crm_key_hash(entry->table_id, entry->row_key);
	row.block_id = block_id;
	row.xid = entry->xid;
	key_add(keys, &row, keys->expected);
}

/* Tells if ledger_key is not what the entries that were read make it. */
void
crm_verify_keys(ChainRun *run)
{
	KeySums    *keys = &run->keys;
	Relation	rel = table_open(crm_relation_oid("ledger_key"),
								 AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, run->snapshot, 0, NULL);
	int64		last_block = 0;
	Fault		fault = {"BLOCK_HASH_MISMATCH"};

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		KeyRow		row;

		CHECK_FOR_INTERRUPTS();
		slot_getsomeattrs(slot, KEY_COLUMNS);
		row.table_id = DatumGetInt32(slot->tts_values[KEY_TABLE_ID]);
		row.ord = DatumGetInt32(slot->tts_values[KEY_ORD]);
		row.key_hash = DatumGetInt64(slot->tts_values[KEY_HASH]);
		row.block_id = DatumGetInt64(slot->tts_values[KEY_BLOCK_ID]);
		row.xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot->tts_values[KEY_XID]));
		last_block = Max(last_block, row.block_id);
		key_add(keys, &row, keys->found);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	if (memcmp(keys->found, keys->expected, sizeof(keys->found)) == 0)
		return;
	fault.detail = "ledger_key was altered: row_history() does not find all entries, or too many";
	if (last_block > run->head)
	{
		fault.status = "TAIL_TRUNCATED";
		fault.block_id = last_block;
		fault.detail = "the block is gone: its rows of ledger_key are still there";
		run->is_truncated = true;
	}
	crm_fault_add(run->faults, &fault);
}
