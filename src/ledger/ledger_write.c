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

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
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
#include "utils/timestamp.h"

#include "bulk_insert.h"
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

/* Whether all indexes can be written as those of a catalog are. */
static bool
indexes_are_plain(const ResultRelInfo *target)
{
	for (int i = 0; i < target->ri_NumIndices; i++)
	{
		const IndexInfo *info = target->ri_IndexRelationInfo[i];

		if (info->ii_Expressions != NIL || info->ii_Predicate != NIL ||
			info->ii_ExclusionOps != NULL || !info->ii_ReadyForInserts)
			return false;
	}
	return true;
}

/*
 * Writes rows to a partition that was given indexes of another kind, whose
 * expressions are prepared once, in the executor's state.
 */
static void
batch_write(Relation rel, ResultRelInfo *target, EState *estate,
			TupleTableSlot **slots, int count)
{
	for (int i = 0; i < count; i++)
	{
		simple_table_tuple_insert(rel, slots[i]);
		crm_insert_index_tuples(target, slots[i], estate);
		ResetPerTupleExprContext(estate);
	}
}

/* Writes rows of one partition, through slots that are used again. */
static void
partition_write(Relation rel, TupleDesc desc, const LedgerRow *rows, int count)
{
	CatalogIndexState indexes = CatalogOpenIndexes(rel);
	bool		plain = indexes_are_plain(indexes);
	int			nslots = Min(count, LEDGER_BATCH);
	TupleTableSlot *slots[LEDGER_BATCH];
	EState	   *estate;

	if (count == 1 && plain)
	{
		CatalogTupleInsertWithInfo(rel, rows->tuple, indexes);
		CatalogCloseIndexes(indexes);
		return;
	}
	estate = plain ? NULL : CreateExecutorState();
	for (int i = 0; i < nslots; i++)
		slots[i] = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	for (int first = 0; first < count; first += LEDGER_BATCH)
	{
		int			size = Min(count - first, LEDGER_BATCH);

		for (int i = 0; i < size; i++)
			ExecStoreHeapTuple(rows[first + i].tuple, slots[i], false);
		if (plain)
			crm_bulk_insert(rel, slots, size, indexes);
		else
			batch_write(rel, indexes, estate, slots, size);
		for (int i = 0; i < size; i++)
			ExecClearTuple(slots[i]);
	}
	for (int i = 0; i < nslots; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	if (estate)
		FreeExecutorState(estate);
	CatalogCloseIndexes(indexes);
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

/*
 * Whether a dump is being restored: the partition of now has neither an index
 * nor the guard against TRUNCATE.  pg_restore makes these after the rows have
 * come, before which it may empty the partition.
 */
static bool
partition_awaits_rows(const char *parent, TimestampTz at)
{
	Relation	rel = table_open(partition_find(parent, at), NoLock);
	bool		result = !rel->rd_rel->relhasindex &&
	(rel->trigdesc == NULL || !rel->trigdesc->trig_truncate_before_statement);

	table_close(rel, NoLock);
	return result;
}

bool
crm_ledger_is_restored(void)
{
	TimestampTz now = GetCurrentTimestamp();

	return partition_awaits_rows("ledger_entry", now) ||
		partition_awaits_rows("ledger_context", now);
}
