/*-------------------------------------------------------------------------
 *
 * verify_suspects.c
 *		Rows that must not be judged by their entries, for some entry of theirs
 *		is at fault.
 *
 * An entry that is missing, or whose key may be forged, does not tell whose it
 * is; ledger_key does.
 *
 * Memory: grows with the number of faults.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/xid8.h"

#include "compat.h"
#include "ledger/verify_private.h"

/* With more entries in doubt all of their transactions are. */
#define DOUBTS_EXACT	10000

#define KEYS_BATCH	1000

/* Entries of a transaction that are in doubt, or blocks. */
typedef struct DoubtfulEntries
{
	uint64		xid;
	int32		first;
	int32		last;
} DoubtfulEntries;

typedef struct DoubtfulBlocks
{
	int64		first;
	int64		last;
} DoubtfulBlocks;

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

/* The hash of a row's key, as ledger_key has it; NULL for no row's. */
int64
crm_key_hash(int32 table_id, Jsonb *row_key)
{
	Datum		key = row_key ? JsonbPGetDatum(row_key) :
	DirectFunctionCall1(jsonb_in, CStringGetDatum("null"));

	return DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended, key,
											 Int64GetDatum((int64) table_id)));
}

/* What is in doubt --------------------------------------------------------- */

void
crm_doubt_entries(ChainRun *run, uint64 xid, int32 first, int32 last)
{
	MemoryContext old = MemoryContextSwitchTo(run->memory);
	DoubtfulEntries *item = palloc(sizeof(DoubtfulEntries));

	item->xid = xid;
	item->first = first;
	item->last = last;
	run->doubtful = lappend(run->doubtful, item);
	MemoryContextSwitchTo(old);
}

void
crm_doubt_blocks(ChainRun *run, int64 first, int64 last)
{
	MemoryContext old = MemoryContextSwitchTo(run->memory);
	DoubtfulBlocks *item = palloc(sizeof(DoubtfulBlocks));

	item->first = first;
	item->last = last;
	run->doubtful_blocks = lappend(run->doubtful_blocks, item);
	MemoryContextSwitchTo(old);
}

/* Fills the arrays by which ledger_key is asked. */
static void
doubts_convert(ChainRun *run, Datum *values)
{
	int			nentries = list_length(run->doubtful);
	int			nblocks = list_length(run->doubtful_blocks);
	bool		is_exact = nentries <= DOUBTS_EXACT;
	Datum	   *arrays[5];
	ListCell   *cell;

	for (int i = 0; i < 5; i++)
		arrays[i] = palloc((Max(nentries, nblocks) + 1) * sizeof(Datum));
	foreach(cell, run->doubtful)
	{
		DoubtfulEntries *item = lfirst(cell);
		int			i = foreach_current_index(cell);

		arrays[0][i] = FullTransactionIdGetDatum(FullTransactionIdFromU64(item->xid));
		arrays[1][i] = Int32GetDatum(is_exact ? item->first : PG_INT32_MIN);
		arrays[2][i] = Int32GetDatum(is_exact ? item->last : PG_INT32_MAX);
	}
	foreach(cell, run->doubtful_blocks)
	{
		DoubtfulBlocks *item = lfirst(cell);
		int			i = foreach_current_index(cell);

		arrays[3][i] = Int64GetDatum(item->first);
		arrays[4][i] = Int64GetDatum(item->last);
	}
	values[0] = PointerGetDatum(construct_array(arrays[0], nentries, XID8OID, sizeof(uint64),
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	for (int i = 1; i <= 2; i++)
		values[i] = PointerGetDatum(construct_array(arrays[i], nentries, INT4OID, sizeof(int32),
													true, TYPALIGN_INT));
	for (int i = 3; i <= 4; i++)
		values[i] = PointerGetDatum(construct_array(arrays[i], nblocks, INT8OID, sizeof(int64),
													FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Marks the rows that entries in doubt belong to, and those in blocks in doubt. */
void
crm_verify_suspects(ChainRun *run)
{
	static Oid	types[] = {XID8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID,
	INT8ARRAYOID, INT8ARRAYOID};
	Datum		values[lengthof(types)];
	Portal		portal;

	if (run->doubtful == NIL && run->doubtful_blocks == NIL)
		return;
	doubts_convert(run, values);
	portal = SPI_cursor_open_with_args(NULL,
									   "SELECT k.table_id, k.key_hash FROM crmaudit.ledger_key k"
									   " WHERE EXISTS (SELECT FROM unnest($1, $2, $3) AS d(xid, first, last)"
									   " WHERE d.xid = k.xid AND k.ord BETWEEN d.first AND d.last)"
									   " UNION ALL SELECT k.table_id, k.key_hash FROM crmaudit.ledger_key k"
									   " JOIN unnest($4, $5) AS b(first, last) ON k.block_id BETWEEN b.first AND b.last",
									   lengthof(types), types, values, NULL,
									   true, 0);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, KEYS_BATCH);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple	tuple = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			bool		isnull;

			crm_suspects_add(run->suspects,
							 DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull)),
							 DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull)));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}
