/*-------------------------------------------------------------------------
 *
 * ledger_write.c
 *		The way of entries and contexts into their partitions.
 *
 * Rows go straight into the partition of their time, in bulk, as COPY would
 * put them.  Where there is no partition at all, which is only so before
 * crmaudit.maintain() has run, they are made on the spot.
 *
 * Locking: AccessShareLock on the partitioned table, RowExclusiveLock on the
 * partition.  Nobody waits for another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/ledger_write.h"
#include "rules/rule.h"

/* Rows handed to one multi-insert. */
#define LEDGER_BATCH	1000

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

/* Opens the partition of a time. */
static Relation
partition_open(Relation parent, TimestampTz at)
{
	Oid			relid = partition_of(parent, at);

	if (!OidIsValid(relid))
		elog(ERROR, "crmaudit.%s has no partition for now",
			 RelationGetRelationName(parent));
	return table_open(relid, RowExclusiveLock);
}

/* Writes rows of one partition. */
static void
partition_write(Relation rel, TupleDesc desc, const LedgerRow *rows, int count)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);
	TupleTableSlot **slots = palloc(count * sizeof(TupleTableSlot *));
	BulkInsertState bulk = count > 1 ? GetBulkInsertState() : NULL;

	InitResultRelInfo(target, rel, 1, NULL, 0);
	ExecOpenIndices(target, false);
	for (int i = 0; i < count; i++)
	{
		slots[i] = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
		ExecStoreHeapTuple(rows[i].tuple, slots[i], false);
	}
	heap_multi_insert(rel, slots, count, GetCurrentCommandId(true), 0, bulk);
	for (int i = 0; i < count; i++)
	{
		slots[i]->tts_tableOid = RelationGetRelid(rel);
		crm_insert_index_tuples(target, slots[i], estate);
		ResetPerTupleExprContext(estate);
	}
	for (int i = 0; i < count; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	if (bulk)
		FreeBulkInsertState(bulk);
	ExecCloseIndices(target);
	FreeExecutorState(estate);
}

/*
 * Writes rows, which are in the order of their making, to the partitions of
 * crmaudit."parent".
 */
void
crm_ledger_write(const char *parent, TupleDesc desc, const LedgerRow *rows,
				 int count)
{
	Relation	root = parent_open(parent);

	while (count > 0)
	{
		Relation	rel = partition_open(root, rows[0].at);
		int			size = 1;

		while (size < count && size < LEDGER_BATCH &&
			   (rows[size].at == rows[0].at ||
				partition_of(root, rows[size].at) == RelationGetRelid(rel)))
			size++;
		partition_write(rel, desc, rows, size);
		table_close(rel, NoLock);
		rows += size;
		count -= size;
	}
	table_close(root, NoLock);
}
