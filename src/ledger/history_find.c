/*-------------------------------------------------------------------------
 *
 * history_find.c
 *		Entries of some rows of a table, found without reading the ledger.
 *
 * Sealed entries are found by ledger_key, where an entry without a key stands
 * under the key null, and then by transaction and position in the partition of
 * the block's months.  All others are the tail: what was not visible to the
 * snapshot of the last block.  While there is no block of this life of the
 * database, that is everything of it, and what an earlier life left unsealed.
 *
 * A query over all partitions would take longer to plan than this takes.
 *
 * Locking: AccessShareLock on the relations that are read, to the end of the
 * transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/xid8.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/history.h"
#include "ledger/ledger_store.h"

/* How far clocks may have been set back between a block and an entry. */
#define CLOCK_TOLERANCE	(USECS_PER_DAY)

/* Columns that the functions return. */
#define FOUND_COLUMNS	5

/* A partition of ledger_entry or ledger_context. */
typedef struct Partition
{
	Oid			relid;
	TimestampTz month;			/* DT_NOBEGIN: it is of no month */
	Relation	rel;			/* NULL: not opened yet */
	Oid			index;			/* over xid and number */
	AttrNumber	number;			/* ord, or context */
} Partition;

typedef struct Partitions
{
	int			count;
	Partition  *list;
} Partitions;

/* The last block. */
typedef struct LastBlock
{
	bool		is_there;
	int64		domain;
	Datum		snapshot;		/* 0: a closing block */
	TimestampTz sealed_at;
} LastBlock;

typedef struct Finder Finder;

struct Finder
{
	Snapshot	snapshot;
	int32		table_id;
	int			nkeys;
	Jsonb	  **keys;
	Partitions	entries;
	Partitions	contexts;
	LastBlock	last;
	int64		here;			/* domain */
	MemoryContext memory;		/* of one entry */

	/* what is done with an entry; "block_id" is 0 if it is not sealed */
	void		(*emit) (Finder *finder, int64 block_id, Partition *partition,
						 Datum *values, bool *nulls);
	Tuplestorestate *store;
	TupleDesc	desc;
	TupleDesc	entry_desc;
	int			nrenamed;		/* found renamings of columns */
	struct FoundRename *renamed;
};

typedef struct FoundRename
{
	TimestampTz at;
	uint64		xid;
	Jsonb	   *names;
} FoundRename;

PG_FUNCTION_INFO_V1(crmaudit_find_entries);
PG_FUNCTION_INFO_V1(crmaudit_find_row_entries);

/* Partitions ------------------------------------------------------------- */

/* The month of a partition named parent_YYYYMM. */
static TimestampTz
month_of_name(const char *name, const char *parent)
{
	int			size = strlen(parent);
	int			number;

	if (name == NULL || strncmp(name, parent, size) != 0 || name[size] != '_' ||
		strlen(name) != size + 7 || strspn(name + size + 1, "0123456789") != 6)
		return DT_NOBEGIN;
	number = atoi(name + size + 1);
	if (number % 100 < 1 || number % 100 > 12 || number < 200001)
		return DT_NOBEGIN;
	return (date2j(number / 100, number % 100, 1) - POSTGRES_EPOCH_JDATE) *
		USECS_PER_DAY;
}

static void
partitions_list(Partitions *partitions, const char *parent, AttrNumber number)
{
	List	   *children = find_inheritance_children(crm_relation_oid(parent),
													 NoLock);
	ListCell   *cell;

	partitions->list = palloc0((list_length(children) + 1) * sizeof(Partition));
	foreach(cell, children)
	{
		Partition  *partition = &partitions->list[partitions->count++];

		partition->relid = lfirst_oid(cell);
		partition->month = month_of_name(get_rel_name(partition->relid), parent);
		partition->number = number;
	}
}

/* The index over xid and number; InvalidOid if somebody dropped it. */
static Oid
index_find(Relation rel, AttrNumber xid, AttrNumber number)
{
	Oid			result = InvalidOid;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indnatts == 2 && index->rd_index->indisvalid &&
			index->rd_index->indkey.values[0] == xid &&
			index->rd_index->indkey.values[1] == number)
			result = RelationGetRelid(index);
		index_close(index, NoLock);
	}
	return result;
}

/* Opens a partition; false if it was dropped meanwhile. */
static bool
partition_open(Partition *partition)
{
	if (partition->rel)
		return true;
	partition->rel = try_relation_open(partition->relid, AccessShareLock);
	if (partition->rel == NULL)
		return false;
	if (partition->number == ENTRY_ORD + 1)
		crm_ledger_check_entry_layout(partition->rel);
	else
		crm_ledger_check_context_layout(partition->rel);
	partition->index = index_find(partition->rel,
								  partition->number == ENTRY_ORD + 1 ?
								  ENTRY_XID + 1 : CONTEXT_XID + 1,
								  partition->number);
	return true;
}

static void
partitions_close(Partitions *partitions)
{
	for (int i = 0; i < partitions->count; i++)
	{
		if (partitions->list[i].rel)
			relation_close(partitions->list[i].rel, NoLock);
	}
}

/* Finding ---------------------------------------------------------------- */

/* Whether an entry is of one of the rows. */
static bool
entry_matches(const Finder *finder, Datum *values, bool *nulls)
{
	Jsonb	   *key;

	if (DatumGetInt32(values[ENTRY_TABLE_ID]) != finder->table_id)
		return false;
	key = nulls[ENTRY_ROW_KEY] ? NULL : DatumGetJsonbP(values[ENTRY_ROW_KEY]);
	for (int i = 0; i < finder->nkeys; i++)
	{
		if (key == NULL ? JB_ROOT_IS_SCALAR(finder->keys[i]) :
			compareJsonbContainers(&key->root, &finder->keys[i]->root) == 0)
			return true;
	}
	return false;
}

/* Whether an entry of the tail is in no block. */
static bool
is_unsealed(const Finder *finder, int64 domain, Datum xid)
{
	const LastBlock *last = &finder->last;

	if (domain == finder->here || !last->is_there)
		return true;
	/* what came before the last block's life was closed before it began */
	return domain == last->domain && last->domain != finder->here &&
		last->snapshot != (Datum) 0 &&
		!DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot, xid,
										  last->snapshot));
}

/*
 * Emits the entries of a partition with a transaction id, and position if it
 * is not 0, or, if "from", with that id and all above.  "domain" is that of
 * the block; 0 looks for what is not sealed.
 */
static bool
partition_find(Finder *finder, Partition *partition, Datum xid, bool from,
			   int32 ord, int64 block_id, int64 domain)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (!partition_open(partition))
		return false;
	ScanKeyInit(&keys[0], ENTRY_XID + 1,
				from ? BTGreaterEqualStrategyNumber : BTEqualStrategyNumber,
				from ? F_XID8GE : F_XID8EQ, xid);
	ScanKeyInit(&keys[1], ENTRY_ORD + 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(ord));
	scan = systable_beginscan(partition->rel, partition->index,
							  OidIsValid(partition->index), finder->snapshot,
							  ord ? 2 : 1, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[ENTRY_COLUMNS];
		bool		nulls[ENTRY_COLUMNS];
		MemoryContext old = MemoryContextSwitchTo(finder->memory);
		int64		entry_domain;

		heap_deform_tuple(tuple, RelationGetDescr(partition->rel), values, nulls);
		entry_domain = crm_incarnation_domain(DatumGetInt64(values[ENTRY_INCARNATION]));
		if (entry_matches(finder, values, nulls) &&
			(domain ? entry_domain == domain :
			 is_unsealed(finder, entry_domain, values[ENTRY_XID])))
		{
			finder->emit(finder, block_id, partition, values, nulls);
			found = true;
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(finder->memory);
		CHECK_FOR_INTERRUPTS();
	}
	systable_endscan(scan);
	return found;
}

/* Begins a scan of one of our tables by a column of an index. */
static SysScanDesc
begin_scan(Finder *finder, Relation rel, const char *index, AttrNumber column,
		   RegProcedure equal, Datum value)
{
	ScanKeyData key;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, equal, value);
	return systable_beginscan(rel, crm_relation_oid(index), true,
							  finder->snapshot, 1, &key);
}

/* A column of a tuple by its name. */
static Datum
column_get(Relation rel, HeapTuple tuple, const char *name, bool *isnull)
{
	return heap_getattr(tuple, get_attnum(RelationGetRelid(rel), name),
						RelationGetDescr(rel), isnull);
}

/* The domain of a block; 0 if it is not there. */
static int64
block_domain(Finder *finder, Relation blocks, int64 block_id)
{
	SysScanDesc scan = begin_scan(finder, blocks, "ledger_block_pkey", 1,
								  F_INT8EQ, Int64GetDatum(block_id));
	HeapTuple	tuple = systable_getnext(scan);
	bool		isnull;
	int64		domain = !HeapTupleIsValid(tuple) ? 0 :
	crm_incarnation_domain(DatumGetInt64(column_get(blocks, tuple, "incarnation",
													&isnull)));

	systable_endscan(scan);
	return domain;
}

/*
 * Finds a sealed entry: in the partitions of the block's months, or, if it is
 * not there, in all the others.
 */
static void
sealed_find(Finder *finder, Relation periods, int64 block_id, int64 domain,
			Datum xid, int32 ord)
{
	bool	   *tried = palloc0(finder->entries.count * sizeof(bool) + 1);
	SysScanDesc scan = begin_scan(finder, periods, "ledger_block_partition_pkey",
								  1, F_INT8EQ, Int64GetDatum(block_id));
	HeapTuple	tuple;
	bool		isnull;
	bool		found = false;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TimestampTz month = (TimestampTz) DatumGetDateADT(column_get(periods, tuple,
																	 "period", &isnull)) *
		USECS_PER_DAY;

		for (int i = 0; i < finder->entries.count && !found; i++)
		{
			Partition  *partition = &finder->entries.list[i];

			if (partition->month != month || tried[i])
				continue;
			tried[i] = true;
			found = partition_find(finder, partition, xid, false, ord,
								   block_id, domain);
		}
	}
	systable_endscan(scan);
	for (int i = 0; i < finder->entries.count && !found; i++)
	{
		if (!tried[i])
			found = partition_find(finder, &finder->entries.list[i], xid, false,
								   ord, block_id, domain);
	}
	pfree(tried);
}

/* Finds what ledger_key knows. */
static void
find_sealed(Finder *finder)
{
	Relation	keys = table_open(crm_relation_oid("ledger_key"), AccessShareLock);
	Relation	blocks = table_open(crm_relation_oid("ledger_block"), AccessShareLock);
	Relation	periods = table_open(crm_relation_oid("ledger_block_partition"),
									 AccessShareLock);
	AttrNumber	column = get_attnum(RelationGetRelid(keys), "key_hash");
	Datum	   *hashes = palloc(finder->nkeys * sizeof(Datum) + 1);

	for (int i = 0; i < finder->nkeys; i++)
	{
		SysScanDesc scan;
		HeapTuple	tuple;
		bool		isnull;
		bool		is_done = false;

		hashes[i] = DirectFunctionCall2(jsonb_hash_extended,
										JsonbPGetDatum(finder->keys[i]),
										Int64GetDatum(finder->table_id));
		for (int j = 0; j < i; j++)
			is_done |= DatumGetInt64(hashes[j]) == DatumGetInt64(hashes[i]);
		if (is_done)
			continue;
		scan = begin_scan(finder, keys, "ledger_key_hash", column, F_INT8EQ,
						  hashes[i]);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			int64		block_id = DatumGetInt64(column_get(keys, tuple, "block_id",
															&isnull));
			int64		domain;

			if (DatumGetInt32(column_get(keys, tuple, "table_id", &isnull)) !=
				finder->table_id)
				continue;
			domain = block_domain(finder, blocks, block_id);
			if (domain)
				sealed_find(finder, periods, block_id, domain,
							column_get(keys, tuple, "xid", &isnull),
							DatumGetInt32(column_get(keys, tuple, "ord", &isnull)));
		}
		systable_endscan(scan);
	}
	table_close(keys, NoLock);
	table_close(blocks, NoLock);
	table_close(periods, NoLock);
}

static void
last_block_read(Finder *finder)
{
	Relation	blocks = table_open(crm_relation_oid("ledger_block"), AccessShareLock);
	Relation	index = index_open(crm_relation_oid("ledger_block_pkey"), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(blocks, index, finder->snapshot,
												  0, NULL);
	HeapTuple	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	LastBlock  *last = &finder->last;
	bool		isnull;

	last->is_there = HeapTupleIsValid(tuple);
	if (last->is_there)
	{
		Datum		snapshot;

		last->domain = crm_incarnation_domain(DatumGetInt64(column_get(blocks, tuple,
																	   "incarnation",
																	   &isnull)));
		last->sealed_at = DatumGetTimestampTz(column_get(blocks, tuple, "sealed_at",
														 &isnull));
		snapshot = column_get(blocks, tuple, "snapshot", &isnull);
		last->snapshot = isnull ? (Datum) 0 :
			PointerGetDatum(PG_DETOAST_DATUM_COPY(snapshot));
	}
	systable_endscan_ordered(scan);
	index_close(index, NoLock);
	table_close(blocks, NoLock);
}

/* Transaction ids of a snapshot that were in progress. */
static ArrayType *
snapshot_in_progress(Datum snapshot)
{
	/* xmin:xmax:xip,xip; the struct is not public */
	char	   *text = DatumGetCString(DirectFunctionCall1(pg_snapshot_out, snapshot));
	char	   *list = strrchr(text, ':') + 1;
	char	   *word;
	Datum	   *ids = palloc((strlen(list) + 1) * sizeof(Datum));
	int			count = 0;

	for (word = strtok(list, ","); word; word = strtok(NULL, ","))
		ids[count++] = DirectFunctionCall1(xid8in, CStringGetDatum(word));
	return construct_array(ids, count, XID8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/* Finds what no block holds. */
static void
find_tail(Finder *finder)
{
	const LastBlock *last = &finder->last;
	Datum		xmax = FullTransactionIdGetDatum(FullTransactionIdFromU64(0));
	TimestampTz since = DT_NOBEGIN;
	Datum	   *ids = NULL;
	bool	   *nulls;
	int			nids = 0;

	if (last->is_there && last->domain == finder->here &&
		last->snapshot != (Datum) 0)
	{
		xmax = DirectFunctionCall1(pg_snapshot_xmax, last->snapshot);
		/* transactions that began after the block wrote after it */
		since = last->sealed_at - CLOCK_TOLERANCE;
		deconstruct_array(snapshot_in_progress(last->snapshot), XID8OID, 8,
						  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ids, &nulls, &nids);
	}
	for (int i = 0; i < finder->entries.count; i++)
	{
		Partition  *partition = &finder->entries.list[i];

		for (int j = 0; j < nids; j++)
			partition_find(finder, partition, ids[j], false, 0, 0, 0);
		if (partition->month == DT_NOBEGIN ||
			crm_ledger_month_end(partition->month) > since)
			partition_find(finder, partition, xmax, true, 0, 0, 0);
	}
}

static Finder *
finder_create(int32 table_id, ArrayType *keys)
{
	Finder	   *finder = palloc0(sizeof(Finder));
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	/* the scans below ask for no rights */
	if (pg_class_aclcheck(crm_relation_oid("ledger_entry"), GetUserId(),
						  ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, "ledger_entry");
	finder->snapshot = GetActiveSnapshot();
	finder->table_id = table_id;
	finder->here = crm_incarnation_domain(crm_ledger_incarnation());
	finder->memory = AllocSetContextCreate(CurrentMemoryContext,
										   "crmaudit entry of the ledger",
										   ALLOCSET_DEFAULT_SIZES);
	deconstruct_array(keys, JSONBOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &count);
	finder->keys = palloc((count + 1) * sizeof(Jsonb *));
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			finder->keys[finder->nkeys++] = DatumGetJsonbP(elements[i]);
	}
	partitions_list(&finder->entries, "ledger_entry", ENTRY_ORD + 1);
	partitions_list(&finder->contexts, "ledger_context", CONTEXT_CONTEXT + 1);
	last_block_read(finder);
	return finder;
}

/* Contexts --------------------------------------------------------------- */

/* Fills session user, current user and application of an entry's context. */
static bool
context_read(Finder *finder, Partition *partition, Datum *entry, Datum *values,
			 bool *nulls)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (!partition_open(partition))
		return false;
	ScanKeyInit(&keys[0], CONTEXT_XID + 1, BTEqualStrategyNumber, F_XID8EQ,
				entry[ENTRY_CONTEXT_XID]);
	ScanKeyInit(&keys[1], CONTEXT_CONTEXT + 1, BTEqualStrategyNumber, F_INT4EQ,
				entry[ENTRY_CONTEXT]);
	scan = systable_beginscan(partition->rel, partition->index,
							  OidIsValid(partition->index), finder->snapshot, 2,
							  keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		columns[CONTEXT_COLUMNS];
		bool		missing[CONTEXT_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(partition->rel), columns,
						  missing);
		if (DatumGetInt64(columns[CONTEXT_INCARNATION]) !=
			DatumGetInt64(entry[ENTRY_INCARNATION]))
			continue;
		found = true;
		values[0] = PointerGetDatum(PG_DETOAST_DATUM_COPY(columns[CONTEXT_SESSION_USERNAME]));
		values[1] = PointerGetDatum(PG_DETOAST_DATUM_COPY(columns[CONTEXT_CURRENT_USERNAME]));
		nulls[0] = nulls[1] = false;
		nulls[2] = missing[CONTEXT_APPLICATION_NAME];
		if (!nulls[2])
			values[2] = PointerGetDatum(PG_DETOAST_DATUM_COPY(columns[CONTEXT_APPLICATION_NAME]));
	}
	systable_endscan(scan);
	return found;
}

/* The same from the partition of the entry's month, or else from any. */
static void
context_find(Finder *finder, const Partition *of_entry, Datum *entry,
			 Datum *values, bool *nulls)
{
	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < finder->contexts.count; i++)
		{
			Partition  *partition = &finder->contexts.list[i];

			if ((partition->month == of_entry->month) == (pass == 0) &&
				context_read(finder, partition, entry, values, nulls))
				return;
		}
	}
}

/* SQL functions ------------------------------------------------------------ */

static void
emit_row(Finder *finder, int64 block_id, Partition *partition, Datum *values,
		 bool *nulls)
{
	Datum		row[FOUND_COLUMNS];
	bool		missing[FOUND_COLUMNS] = {false, true, true, true, false};

	row[0] = Int64GetDatum(block_id);
	missing[0] = block_id == 0;
	context_find(finder, partition, values, &row[1], &missing[1]);
	row[4] = HeapTupleGetDatum(heap_form_tuple(finder->entry_desc, values, nulls));
	tuplestore_putvalues(finder->store, finder->desc, row, missing);
}

/* Keeps what an entry S says of renamed columns. */
static void
emit_rename(Finder *finder, int64 block_id, Partition *partition, Datum *values,
			bool *nulls)
{
	MemoryContext old;
	FoundRename rename;
	Jsonb	   *details;
	Datum		names;
	int			at;

	if (DatumGetChar(values[ENTRY_OP]) != CRM_OP_SCHEMA || nulls[ENTRY_NEW])
		return;
	details = DatumGetJsonbP(values[ENTRY_NEW]);
	if (!JB_ROOT_IS_OBJECT(details))
		return;
	old = MemoryContextSwitchTo(GetMemoryChunkContext(finder));
	if (crm_history_renamed(details, &names))
	{
		rename.at = DatumGetTimestampTz(values[ENTRY_AT]);
		rename.xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[ENTRY_XID]));
		rename.names = DatumGetJsonbP(names);
		finder->renamed = finder->renamed ?
			repalloc(finder->renamed, (finder->nrenamed + 1) * sizeof(FoundRename)) :
			palloc(sizeof(FoundRename));
		/* the latest first */
		for (at = finder->nrenamed++; at > 0 &&
			 (finder->renamed[at - 1].at < rename.at ||
			  (finder->renamed[at - 1].at == rename.at &&
			   finder->renamed[at - 1].xid < rename.xid)); at--)
			finder->renamed[at] = finder->renamed[at - 1];
		finder->renamed[at] = rename;
	}
	MemoryContextSwitchTo(old);
}

static void
find_all(FunctionCallInfo fcinfo, Finder *finder)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	parent = table_open(crm_relation_oid("ledger_entry"), AccessShareLock);

	finder->emit = emit_row;
	finder->store = rsinfo->setResult;
	finder->desc = rsinfo->setDesc;
	finder->entry_desc = BlessTupleDesc(CreateTupleDescCopy(RelationGetDescr(parent)));
	table_close(parent, NoLock);
	find_sealed(finder);
	find_tail(finder);
	partitions_close(&finder->entries);
	partitions_close(&finder->contexts);
}

/* crmaudit.find_entries(wanted, keys) */
Datum
crmaudit_find_entries(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	find_all(fcinfo, finder_create(PG_GETARG_INT32(0), PG_GETARG_ARRAYTYPE_P(1)));
	return (Datum) 0;
}

/*
 * crmaudit.find_row_entries(wanted, keys): the same under all names that the
 * key's columns ever had, and what happened to the table as a whole.
 */
Datum
crmaudit_find_row_entries(PG_FUNCTION_ARGS)
{
	Finder	   *finder;
	Jsonb	   *null = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														  CStringGetDatum("null")));
	Jsonb	  **keys;
	int			nkeys;

	InitMaterializedSRF(fcinfo, 0);
	finder = finder_create(PG_GETARG_INT32(0), PG_GETARG_ARRAYTYPE_P(1));
	keys = finder->keys;
	nkeys = finder->nkeys;
	finder->keys = &null;
	finder->nkeys = 1;
	finder->emit = emit_rename;
	find_sealed(finder);
	find_tail(finder);

	finder->keys = palloc(((Size) nkeys * (finder->nrenamed + 1) + 1) * sizeof(Jsonb *));
	finder->nkeys = 0;
	for (int i = 0; i < nkeys; i++)
	{
		Jsonb	   *key = keys[i];

		finder->keys[finder->nkeys++] = key;
		for (int j = 0; j < finder->nrenamed; j++)
		{
			Jsonb	   *former = crm_history_former_names(key, finder->renamed[j].names);

			if (compareJsonbContainers(&former->root, &key->root) != 0)
				finder->keys[finder->nkeys++] = former;
			key = former;
		}
	}
	finder->keys[finder->nkeys++] = null;
	find_all(fcinfo, finder);
	return (Datum) 0;
}
