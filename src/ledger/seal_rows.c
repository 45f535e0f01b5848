/*-------------------------------------------------------------------------
 *
 * seal_rows.c
 *		Rows on their way into one of the sealer's tables, in bulk.
 *
 * Memory: a batch of rows, in a context of its own below the caller's, which
 * is reset for each batch.
 *
 * Locking: RowExclusiveLock on the table, kept to the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "executor/tuptable.h"
#include "utils/memutils.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/seal.h"

/* Rows handed to one multi-insert. */
#define BULK_BATCH	1000

struct BulkRows
{
	MemoryContext batch;
	Relation	rel;
	TupleDesc	desc;			/* a copy: to pin one for each slot is slow */
	CatalogIndexState indexes;
	TupleTableSlot *slots[BULK_BATCH];
	int			nslots;
	int			count;
};

BulkRows *
crm_bulk_begin(const char *relname)
{
	BulkRows   *rows = palloc0(sizeof(BulkRows));

	rows->batch = AllocSetContextCreate(CurrentMemoryContext,
										"crmaudit sealed rows",
										ALLOCSET_DEFAULT_SIZES);
	rows->rel = table_open(crm_relation_oid(relname), RowExclusiveLock);
	rows->desc = CreateTupleDescCopy(RelationGetDescr(rows->rel));
	rows->indexes = CatalogOpenIndexes(rows->rel);
	return rows;
}

static void
bulk_flush(BulkRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(rows->batch);

	if (rows->count > 0)
	{
		CatalogTuplesMultiInsertWithInfo(rows->rel, rows->slots, rows->count,
										 rows->indexes);
		for (int i = 0; i < rows->count; i++)
			ExecClearTuple(rows->slots[i]);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->batch);
	rows->count = 0;
}

void
crm_bulk_add(BulkRows *rows, Datum *values, bool *nulls)
{
	MemoryContext old;

	if (rows->count == rows->nslots)
		rows->slots[rows->nslots++] =
			MakeSingleTupleTableSlot(rows->desc, &TTSOpsHeapTuple);
	old = MemoryContextSwitchTo(rows->batch);
	ExecStoreHeapTuple(heap_form_tuple(rows->desc, values, nulls),
					   rows->slots[rows->count++], false);
	MemoryContextSwitchTo(old);
	if (rows->count == BULK_BATCH)
		bulk_flush(rows);
}

void
crm_bulk_end(BulkRows *rows)
{
	bulk_flush(rows);
	for (int i = 0; i < rows->nslots; i++)
		ExecDropSingleTupleTableSlot(rows->slots[i]);
	CatalogCloseIndexes(rows->indexes);
	table_close(rows->rel, NoLock);
	MemoryContextDelete(rows->batch);
	pfree(rows);
}
