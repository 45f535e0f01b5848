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

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
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
	EState	   *estate;
	ResultRelInfo *target;
	BulkInsertState bulk;
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
	rows->estate = CreateExecutorState();
	rows->target = makeNode(ResultRelInfo);
	InitResultRelInfo(rows->target, rows->rel, 1, NULL, 0);
	ExecOpenIndices(rows->target, false);
	rows->bulk = GetBulkInsertState();
	return rows;
}

TupleDesc
crm_bulk_desc(BulkRows *rows)
{
	return RelationGetDescr(rows->rel);
}

static void
bulk_flush(BulkRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(rows->batch);

	if (rows->count > 0)
	{
		heap_multi_insert(rows->rel, rows->slots, rows->count,
						  GetCurrentCommandId(true), 0, rows->bulk);
		for (int i = 0; i < rows->count; i++)
		{
			crm_insert_index_tuples(rows->target, rows->slots[i],
									rows->estate);
			ResetPerTupleExprContext(rows->estate);
			ExecClearTuple(rows->slots[i]);
		}
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
		rows->slots[rows->nslots++] = table_slot_create(rows->rel, NULL);
	old = MemoryContextSwitchTo(rows->batch);
	ExecForceStoreHeapTuple(heap_form_tuple(RelationGetDescr(rows->rel),
											values, nulls),
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
	FreeBulkInsertState(rows->bulk);
	ExecCloseIndices(rows->target);
	FreeExecutorState(rows->estate);
	table_close(rows->rel, NoLock);
	MemoryContextDelete(rows->batch);
	pfree(rows);
}
