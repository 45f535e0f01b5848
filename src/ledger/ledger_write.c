/*-------------------------------------------------------------------------
 *
 * ledger_write.c
 *		The way of entries and contexts into their partitions.
 *
 * Rows go straight into the partition of their time, in bulk, as COPY would
 * put them.  Which partition that is, is remembered until the partitioned
 * table changes.  Where there is no partition at all, which is only so before
 * crmaudit.maintain() has run, one is made on the spot.
 *
 * Locking: RowExclusiveLock on the partition, AccessShareLock on the
 * partitioned table while the partition is looked for.  Nobody waits for
 * another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/ledger_store.h"
#include "ledger/ledger_write.h"
#include "rules/rule.h"

/* Rows handed to one multi-insert. */
#define LEDGER_BATCH	200

/* The partition that a time belongs to; InvalidOid if there is none. */
static Oid
partition_of(Relation parent, TimestampTz at)
{
	PartitionDesc partitions = RelationGetPartitionDesc(parent, true);
	PartitionKey key = RelationGetPartitionKey(parent);
	PartitionBoundInfo bounds = partitions->boundinfo;
	Datum		value = TimestampTzGetDatum(at);
	bool		is_equal;
	int			index;

	if (partitions->nparts == 0)
		return InvalidOid;
	index = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
										  bounds, 1, &value, &is_equal);
	index = bounds->indexes[index + 1];
	if (index < 0)
		index = bounds->default_index;
	return index < 0 ? InvalidOid : partitions->oids[index];
}

/* Makes the default partition, as the ledger's owner. */
static void
partition_make(const char *parent)
{
	Oid			userid;
	int			security;
	char	   *command = psprintf("SELECT crmaudit.create_ledger_partition('crmaudit.%s', NULL)",
								   parent);

	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(crm_relation_owner(crm_relation_oid(parent)),
						   security | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute(command, false, 1) != SPI_OK_SELECT ||
		SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not create a partition of crmaudit.%s", parent);
	SetUserIdAndSecContext(userid, security);
}

/* Opens the partitioned table, with a partition for everything. */
static Relation
parent_open(const char *parent)
{
	Oid			relid = crm_relation_oid(parent);
	Relation	rel;

	if (!OidIsValid(relid))
		elog(ERROR, "crmaudit.%s does not exist", parent);
	rel = table_open(relid, AccessShareLock);
	if (RelationGetPartitionDesc(rel, true)->nparts > 0)
		return rel;
	/* nothing can be attached to what this session has open */
	table_close(rel, NoLock);
	partition_make(parent);
	return table_open(relid, AccessShareLock);
}

/* Finds the partition of a time, and locks it. */
static Oid
partition_find(const char *parent, TimestampTz at)
{
	Relation	root = parent_open(parent);
	Oid			relid = partition_of(root, at);

	if (!OidIsValid(relid))
		elog(ERROR, "crmaudit.%s has no partition for now", parent);
	LockRelationOid(relid, RowExclusiveLock);
	table_close(root, NoLock);
	return relid;
}

/*
 * Opens the partition of a time.  The lock on the partition is enough to rely
 * on what is remembered: who detaches it needs a stronger one, and his message
 * has arrived when the lock is ours.
 */
static Relation
partition_open(const char *parent, LedgerTarget *target, TimestampTz at)
{
	if (target->is_valid && at >= target->month_start && at < target->month_end)
	{
		LockRelationOid(target->relid, RowExclusiveLock);
		if (target->is_valid)
			return table_open(target->relid, NoLock);
		UnlockRelationOid(target->relid, RowExclusiveLock);
	}
	target->month_start = crm_ledger_month_start(at);
	target->month_end = crm_ledger_month_end(at);
	target->parent = crm_relation_oid(parent);
	/* a message that arrives meanwhile clears this again */
	target->is_valid = true;
	target->relid = partition_find(parent, at);
	return table_open(target->relid, NoLock);
}

/* The index on xid and number, if the partition has it and no other. */
static Relation
only_index(Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	Relation	index;
	Form_pg_index form;

	if (list_length(indexes) != 1)
		return NULL;
	index = index_open(linitial_oid(indexes), RowExclusiveLock);
	form = index->rd_index;
	if (index->rd_rel->relam == BTREE_AM_OID && form->indnatts == 2 &&
		form->indkey.values[0] == ENTRY_XID + 1 &&
		form->indkey.values[1] == (RelationGetDescr(rel)->natts == ENTRY_COLUMNS ?
								   ENTRY_ORD : CONTEXT_CONTEXT) + 1 &&
		!form->indisunique && form->indisready &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return index;
	index_close(index, RowExclusiveLock);
	return NULL;
}

/* Adds rows to the one index, without the executor's help. */
static void
index_write(Relation rel, Relation index, const LedgerRow *rows,
			const ItemPointerData *tids, int count)
{
	IndexInfo  *info = makeNode(IndexInfo);
	bool		nulls[2] = {false, false};

	info->ii_NumIndexAttrs = 2;
	info->ii_NumIndexKeyAttrs = 2;
	info->ii_ReadyForInserts = true;
	info->ii_Am = BTREE_AM_OID;
	for (int i = 0; i < count; i++)
	{
		Datum		values[2];
		ItemPointerData tid = tids[i];

		values[0] = FullTransactionIdGetDatum(FullTransactionIdFromU64(rows[i].xid));
		values[1] = Int32GetDatum(rows[i].number);
		index_insert(index, values, nulls, &tid, rel, UNIQUE_CHECK_NO, false,
					 info);
	}
	pfree(info);
}

/* Adds rows to whatever indexes there are. */
static void
indexes_write(Relation rel, TupleTableSlot **slots, int count)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);

	InitResultRelInfo(target, rel, 1, NULL, 0);
	ExecOpenIndices(target, false);
	for (int i = 0; i < count; i++)
	{
		slots[i]->tts_tableOid = RelationGetRelid(rel);
		crm_insert_index_tuples(target, slots[i], estate);
		ResetPerTupleExprContext(estate);
	}
	ExecCloseIndices(target);
	FreeExecutorState(estate);
}

/* Writes rows of one partition through slots that are used again. */
static void
batch_write(Relation rel, Relation index, TupleTableSlot **slots,
			const LedgerRow *rows, int count, BulkInsertState bulk)
{
	ItemPointerData tids[LEDGER_BATCH];

	for (int i = 0; i < count; i++)
		ExecStoreHeapTuple(rows[i].tuple, slots[i], false);
	heap_multi_insert(rel, slots, count, GetCurrentCommandId(true), 0, bulk);
	if (index)
	{
		for (int i = 0; i < count; i++)
			tids[i] = slots[i]->tts_tid;
		index_write(rel, index, rows, tids, count);
	}
	else
		indexes_write(rel, slots, count);
	for (int i = 0; i < count; i++)
		ExecClearTuple(slots[i]);
}

/* Writes rows of one partition. */
static void
partition_write(Relation rel, TupleDesc desc, const LedgerRow *rows, int count)
{
	Relation	index = only_index(rel);
	int			nslots = Min(count, LEDGER_BATCH);
	TupleTableSlot *slots[LEDGER_BATCH];
	BulkInsertState bulk;

	if (count == 1 && index)
	{
		heap_insert(rel, rows->tuple, GetCurrentCommandId(true), 0, NULL);
		index_write(rel, index, rows, &rows->tuple->t_self, 1);
		index_close(index, NoLock);
		return;
	}
	bulk = GetBulkInsertState();
	for (int i = 0; i < nslots; i++)
		slots[i] = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	for (int i = 0; i < count; i += LEDGER_BATCH)
		batch_write(rel, index, slots, rows + i, Min(count - i, LEDGER_BATCH),
					bulk);
	for (int i = 0; i < nslots; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	FreeBulkInsertState(bulk);
	if (index)
		index_close(index, NoLock);
}

/*
 * Writes rows, which are in the order of their making, to the partitions of
 * crmaudit."parent".
 */
void
crm_ledger_write(const char *parent, LedgerTarget *target, TupleDesc desc,
				 const LedgerRow *rows, int count)
{
	while (count > 0)
	{
		Relation	rel = partition_open(parent, target, rows[0].at);
		int			size = 1;

		while (size < count && rows[size].at >= target->month_start &&
			   rows[size].at < target->month_end)
			size++;
		partition_write(rel, desc, rows, size);
		table_close(rel, NoLock);
		rows += size;
		count -= size;
	}
}
