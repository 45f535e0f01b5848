/*-------------------------------------------------------------------------
 *
 * verify_chain.c
 *		Verification of blocks: their hashes, their links, their trees.
 *
 * Blocks, their months and their transactions are read side by side in the
 * order of blocks.  One alteration is told once: where a hash was edited, what
 * it is compared with decides what it ought to be.
 *
 * Memory: constant; a block's own lasts until the next.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "ledger/merkle.h"
#include "ledger/verify_private.h"

/* Columns of the query over ledger_block. */
enum BlockColumn
{
	BLOCK_ID = 1,
	BLOCK_VERSION,
	BLOCK_INCARNATION,
	BLOCK_SNAPSHOT,
	BLOCK_ENTRIES,
	BLOCK_TRANSACTIONS,
	BLOCK_ENTRIES_TOTAL,
	BLOCK_LAST_AT,
	BLOCK_LSN,
	BLOCK_SEALED_AT,
	BLOCK_ROOT,
	BLOCK_COVERAGE,
	BLOCK_COVERAGE_HASH,
	BLOCK_PREVIOUS_HASH,
	BLOCK_HASH
};

/* A block as it is stored, and what its hash ought to be. */
typedef struct ChainBlock
{
	LedgerBlock block;
	int			version;
	uint8		computed[CRM_HASH_BYTES];
	bool		is_faulty;		/* a fault of its own was told */
} ChainBlock;

static void
block_fault(ChainRun *run, ChainBlock *item, const char *status,
			const char *detail)
{
	Fault		fault = {status};

	if (item->is_faulty)
		return;
	item->is_faulty = true;
	run->nblock_faults++;
	crm_doubt_blocks(run, item->block.block_id, item->block.block_id);
	fault.block_id = item->block.block_id;
	fault.detail = pstrdup(detail);
	crm_fault_add(run->faults, &fault);
}

static bool
hash_same(const uint8 *a, const uint8 *b)
{
	return memcmp(a, b, CRM_HASH_BYTES) == 0;
}

/* Reads the present row of ledger_block. */
static void
block_read(const RowCursor *cursor, ChainBlock *item)
{
	LedgerBlock *block = &item->block;
	bool		isnull;
	Datum		value;

	memset(item, 0, sizeof(ChainBlock));
	block->block_id = DatumGetInt64(crm_cursor_get(cursor, BLOCK_ID, NULL));
	item->version = DatumGetInt16(crm_cursor_get(cursor, BLOCK_VERSION, NULL));
	block->incarnation = DatumGetInt64(crm_cursor_get(cursor, BLOCK_INCARNATION, NULL));
	value = crm_cursor_get(cursor, BLOCK_SNAPSHOT, &isnull);
	block->snapshot = isnull ? NULL : TextDatumGetCString(value);
	block->entries = DatumGetInt64(crm_cursor_get(cursor, BLOCK_ENTRIES, NULL));
	block->transactions = DatumGetInt64(crm_cursor_get(cursor, BLOCK_TRANSACTIONS, NULL));
	block->entries_total = DatumGetInt64(crm_cursor_get(cursor, BLOCK_ENTRIES_TOTAL, NULL));
	value = crm_cursor_get(cursor, BLOCK_LAST_AT, &isnull);
	block->has_last_at = !isnull;
	block->last_at = isnull ? 0 : DatumGetTimestampTz(value);
	block->lsn = DatumGetLSN(crm_cursor_get(cursor, BLOCK_LSN, NULL));
	block->sealed_at = DatumGetTimestampTz(crm_cursor_get(cursor, BLOCK_SEALED_AT, NULL));
	crm_cursor_hash(cursor, BLOCK_ROOT, block->root);
	crm_cursor_hash(cursor, BLOCK_COVERAGE_HASH, block->coverage_hash);
	crm_cursor_hash(cursor, BLOCK_PREVIOUS_HASH, block->previous_hash);
	crm_cursor_hash(cursor, BLOCK_HASH, block->hash);
	crm_block_hash(block, item->computed);
}

/* Whether what the block says it recorded is what it hashed. */
static bool
coverage_is_right(const RowCursor *cursor, const ChainBlock *item,
				  const ChainBlock *previous)
{
	bool		isnull;
	Datum		value = crm_cursor_get(cursor, BLOCK_COVERAGE, &isnull);
	uint8		hash[CRM_HASH_BYTES];
	char	   *words;

	if (isnull)
		return previous->is_faulty ||
			previous->block.block_id != item->block.block_id - 1 ||
			hash_same(item->block.coverage_hash, previous->block.coverage_hash);
	words = TextDatumGetCString(value);
	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		words = pg_server_to_any(words, strlen(words), PG_UTF8);
	crm_sha256(words, strlen(words), hash);
	return hash_same(item->block.coverage_hash, hash);
}

/* Whether the block follows the one before. */
static void
block_check_link(ChainRun *run, ChainBlock *item, const ChainBlock *previous)
{
	const LedgerBlock *block = &item->block;
	static const uint8 zeros[CRM_HASH_BYTES];
	Fault		fault = {"CHAIN_GAP"};

	fault.block_id = block->block_id;
	if (block->block_id != previous->block.block_id + 1)
	{
		fault.detail = psprintf("blocks before it are missing, from " INT64_FORMAT " on",
								previous->block.block_id + 1);
		run->nblock_faults++;
		crm_doubt_blocks(run, previous->block.block_id + 1,
						 block->block_id - 1);
		crm_fault_add(run->faults, &fault);
		return;
	}
	if (block->block_id == 1 ? !hash_same(block->previous_hash, zeros) :
		!hash_same(block->previous_hash, previous->block.hash) &&
		!hash_same(block->previous_hash, previous->computed))
	{
		fault.detail = pstrdup("is not linked to the block before");
		/* an edited link is an edited block */
		if (hash_same(block->hash, item->computed))
		{
			run->nblock_faults++;
			crm_fault_add(run->faults, &fault);
		}
	}
}

/* What the block says of itself. */
static void
block_check_hash(ChainRun *run, ChainBlock *item, const ChainBlock *previous)
{
	const LedgerBlock *block = &item->block;

	if (!hash_same(block->hash, item->computed) ||
		item->version != CRM_LEDGER_VERSION)
		block_fault(run, item, "BLOCK_HASH_MISMATCH",
					"the block is not what was hashed");
	if (!coverage_is_right(&run->blocks, item, previous))
		block_fault(run, item, "BLOCK_HASH_MISMATCH",
					"what it says was recorded is not what was hashed");
	if (block->block_id == previous->block.block_id + 1 &&
		!previous->is_faulty &&
		block->entries_total != previous->block.entries_total + block->entries)
		block_fault(run, item, "BLOCK_HASH_MISMATCH",
					"entries do not add up with the block before");
}

/* A month by its first day, whatever the session's DateStyle. */
char *
crm_month_words(DateADT period)
{
	int			year;
	int			month;
	int			day;

	j2date(period + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return psprintf("%04d-%02d", year, month);
}

/* A month that was pruned; NULL if it was not. */
PrunedMonth *
crm_pruned_find(const ChainRun *run, DateADT period)
{
	for (int i = 0; i < run->npruned; i++)
	{
		if (run->pruned[i].period == period)
			return &run->pruned[i];
	}
	return NULL;
}

/* Reads the block's months, and holds their roots against the block's. */
static VerifiedPeriod *
periods_read(ChainRun *run, ChainBlock *item, int *count)
{
	VerifiedPeriod *periods = palloc(sizeof(VerifiedPeriod));
	MerkleStack stack;
	uint8		root[CRM_HASH_BYTES];
	int64		entries = 0;
	RowCursor  *cursor = &run->periods;

	*count = 0;
	crm_merkle_begin(&stack);
	while (!cursor->at_end &&
		   DatumGetInt64(crm_cursor_get(cursor, 1, NULL)) <= item->block.block_id)
	{
		VerifiedPeriod *period = &periods[*count];

		if (DatumGetInt64(crm_cursor_get(cursor, 1, NULL)) == item->block.block_id)
		{
			period->period = DatumGetDateADT(crm_cursor_get(cursor, 2, NULL));
			period->entries = DatumGetInt64(crm_cursor_get(cursor, 3, NULL));
			period->transactions = DatumGetInt64(crm_cursor_get(cursor, 4, NULL));
			crm_cursor_hash(cursor, 5, period->root);
			period->is_pruned = crm_pruned_find(run, period->period) != NULL;
			period->seen = 0;
			entries += period->entries;
			crm_merkle_add(&stack, period->root);
			(*count)++;
			periods = repalloc(periods, (*count + 1) * sizeof(VerifiedPeriod));
		}
		crm_cursor_next(cursor);
	}
	crm_merkle_root(&stack, root);
	if (!hash_same(root, item->block.root) || entries != item->block.entries)
		block_fault(run, item, "BLOCK_HASH_MISMATCH",
					"the roots of its months do not make its root");
	/* a root does not name its month, but the block's hash covers the last */
	if (*count == 0 ? item->block.has_last_at :
		!item->block.has_last_at ||
		periods[*count - 1].period != crm_verify_period(item->block.last_at))
		block_fault(run, item, "BLOCK_HASH_MISMATCH",
					"its months are not those of its entries");
	return periods;
}

/* The domain a block belongs to. */
static VerifiedDomain *
domain_of(ChainRun *run, int64 domain)
{
	ListCell   *cell;
	VerifiedDomain *result;

	foreach(cell, run->domains)
	{
		result = lfirst(cell);
		if (result->domain == domain)
			return result;
	}
	result = palloc0(sizeof(VerifiedDomain));
	result->domain = domain;
	run->domains = lappend(run->domains, result);
	return result;
}

/* What a block holds that is not to be believed, the next one seems to hold. */
static void
domains_doubt(ChainRun *run)
{
	ListCell   *cell;

	foreach(cell, run->domains)
		((VerifiedDomain *) lfirst(cell))->is_uncertain = true;
}

/* Verifies one block, whose row is the present one. */
static void
block_verify(ChainRun *run, ChainBlock *item,
			 const ChainBlock *previous)
{
	MemoryContext block_context = CurrentMemoryContext;
	LedgerBlock *block = &item->block;
	VerifiedDomain *domain;
	SealSnapshot present;
	VerifiedPeriod *periods;
	int			nperiods;

	block_check_link(run, item, previous);
	block_check_hash(run, item, previous);
	periods = periods_read(run, item, &nperiods);

	MemoryContextSwitchTo(run->memory);
	domain = domain_of(run, crm_incarnation_domain(block->incarnation));
	/* without a block's snapshot nobody knows what is in it, and in the next */
	if (block->block_id != previous->block.block_id + 1)
		domain->is_uncertain = true;
	if (!hash_same(block->hash, item->computed))
	{
		/* its incarnation may be what was edited */
		domains_doubt(run);
		MemoryContextSwitchTo(block_context);
		return;
	}
	if (block->snapshot)
		crm_snapshot_parse(&present, block->snapshot);
	MemoryContextSwitchTo(block_context);
	if (block->block_id >= run->first_block)
	{
		const char *problem =
		crm_verify_block_entries(run, block, domain,
								 block->snapshot ? &present : NULL,
								 periods, nperiods, !item->is_faulty);

		if (problem)
			block_fault(run, item, "BLOCK_HASH_MISMATCH", problem);
	}
	domain->is_uncertain = false;
	if (domain->previous.running)
		pfree(domain->previous.running);
	if (block->snapshot)
		domain->previous = present;
	else
	{
		domain->previous.running = NULL;
		domain->is_closed = true;
	}
}

/*
 * Verifies the chain from its first block on, and the entries of the blocks
 * that the run is to read.
 */
void
crm_verify_chain(ChainRun *run)
{
	MemoryContext contexts[2];
	ChainBlock	items[2];
	int			present = 0;

	memset(items, 0, sizeof(items));
	for (int i = 0; i < 2; i++)
		contexts[i] = AllocSetContextCreate(run->memory, "crmaudit block",
											ALLOCSET_DEFAULT_SIZES);
	crm_cursor_open(&run->blocks,
					"SELECT block_id, version, incarnation, snapshot::text, entries, transactions, entries_total, last_at, lsn,"
					" sealed_at, root, coverage::text, coverage_hash, previous_hash, hash"
					" FROM crmaudit.ledger_block WHERE block_id <= $1 ORDER BY block_id",
					run->last_block);
	crm_cursor_open(&run->periods,
					"SELECT block_id, period, entries, transactions, root FROM crmaudit.ledger_block_partition"
					" WHERE block_id <= $1 ORDER BY block_id, period",
					run->last_block);
	crm_cursor_open(&run->transactions,
					"SELECT block_id, period, xid, entries, root FROM crmaudit.ledger_transaction"
					" WHERE block_id >= $1 ORDER BY block_id, xid, period",
					run->first_block);
	while (!run->blocks.at_end)
	{
		MemoryContextReset(contexts[present]);
		MemoryContextSwitchTo(contexts[present]);
		block_read(&run->blocks, &items[present]);
		block_verify(run, &items[present], &items[1 - present]);
		run->head = items[present].block.block_id;
		MemoryContextSwitchTo(run->memory);
		crm_cursor_next(&run->blocks);
		present = 1 - present;
	}
	crm_cursor_close(&run->transactions);
	crm_cursor_close(&run->periods);
	crm_cursor_close(&run->blocks);
	for (int i = 0; i < 2; i++)
		MemoryContextDelete(contexts[i]);
}
