/*-------------------------------------------------------------------------
 *
 * verify_table.c
 *		Tracked tables as the comparison with the ledger finds them.
 *
 * Settings are read in the run's snapshot, columns are those of now.  Where
 * the two do not belong together, for somebody altered or emptied the table
 * in between, it cannot be judged, and a fault INCOMPLETE says so.
 *
 * Locking: AccessShareLock on all tables and partitions, kept to the end of
 * the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/verify_live.h"

/* Settings that must be those of the snapshot: they go with the columns. */
static const char *const shape_columns[] = {
	"target", "tracked", "key", "hashed_key", "exclude", "columns"
};

#define SHAPE_COLUMNS	lengthof(shape_columns)

static const char *const table_changed =
"the table or its tracking was changed meanwhile, and it was not compared";

/* Reports that a table, or some of it, was not compared. */
static void
incomplete(LiveRun *run, LiveTable *table, const char *detail)
{
	Fault		fault;

	memset(&fault, 0, sizeof(fault));
	fault.status = "INCOMPLETE";
	fault.target = table->target;
	fault.detail = unconstify(char *, detail);
	crm_fault_add(run->faults, &fault);
}

static Datum
slot_column(Relation rel, TupleTableSlot *slot, const char *name, bool *isnull)
{
	return slot_getattr(slot, get_attnum(RelationGetRelid(rel), name), isnull);
}

static int
table_order(const void *a, const void *b)
{
	const LiveTable *first = a;
	const LiveTable *second = b;

	return first->table_id < second->table_id ? -1 :
		first->table_id > second->table_id;
}

LiveTable *
crm_live_table_find(LiveRun *run, int32 table_id)
{
	LiveTable	wanted;

	if (run->last && run->last->table_id == table_id)
		return run->last;
	wanted.table_id = table_id;
	run->last = bsearch(&wanted, run->tables, run->ntables, sizeof(LiveTable),
						table_order);
	return run->last;
}

/* Reads tracked_table, in order of table_id. */
static void
tables_read(LiveRun *run, Relation rel, Oid only_target)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, run->snapshot, 0, NULL);
	int			size = 16;

	run->tables = palloc0(size * sizeof(LiveTable));
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		LiveTable  *table;
		bool		isnull;
		Datum		target = slot_column(rel, slot, "target", &isnull);

		if (isnull ||
			(OidIsValid(only_target) && DatumGetObjectId(target) != only_target) ||
			!DatumGetBool(slot_column(rel, slot, "tracked", &isnull)))
			continue;
		if (run->ntables == size)
		{
			size *= 2;
			run->tables = repalloc_huge(run->tables, size * sizeof(LiveTable));
		}
		table = &run->tables[run->ntables++];
		memset(table, 0, sizeof(LiveTable));
		table->target = DatumGetObjectId(target);
		table->table_id = DatumGetInt32(slot_column(rel, slot, "table_id",
													&isnull));
		table->is_builtin = DatumGetBool(slot_column(rel, slot, "builtin",
													 &isnull));
		table->baselined_at = DatumGetTimestampTz(slot_column(rel, slot,
															  "baselined_at",
															  &isnull));
		table->has_baseline = !isnull && !table->is_builtin;
		table->is_readable = true;
		table->start.at = DT_NOBEGIN;
		table->known_since = DT_NOBEGIN;
		table->first_change = DT_NOEND;
		table->last_baseline = DT_NOBEGIN;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	if (run->ntables > 0)
		qsort(run->tables, run->ntables, sizeof(LiveTable), table_order);
}

/* Whether two rows of tracked_table tell the same of a table. */
static bool
same_shape(Relation rel, TupleTableSlot *a, TupleTableSlot *b)
{
	for (int i = 0; i < SHAPE_COLUMNS; i++)
	{
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel),
										shape_columns[i]);
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel),
											   attnum - 1);
		bool		a_null;
		bool		b_null;
		Datum		first = slot_getattr(a, attnum, &a_null);
		Datum		second = slot_getattr(b, attnum, &b_null);

		if (a_null || b_null)
		{
			if (a_null != b_null)
				return false;
			continue;
		}
		if (attr->attlen == -1)
		{
			first = PointerGetDatum(PG_DETOAST_DATUM(first));
			second = PointerGetDatum(PG_DETOAST_DATUM(second));
		}
		if (!datumIsEqual(first, second, attr->attbyval, attr->attlen))
			return false;
	}
	return true;
}

/* Finds the row of a table; false if there is none. */
static bool
tracked_row(Relation rel, Snapshot snapshot, int32 table_id,
			TupleTableSlot *slot)
{
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	bool		found = false;

	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;

		found = DatumGetInt32(slot_column(rel, slot, "table_id",
										  &isnull)) == table_id;
	}
	if (found)
		ExecMaterializeSlot(slot);
	table_endscan(scan);
	return found;
}

/* Whether a table is tracked as it was in the run's snapshot. */
static bool
is_as_in_snapshot(LiveRun *run, Relation rel, LiveTable *table)
{
	Snapshot	latest = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *before = table_slot_create(rel, NULL);
	TupleTableSlot *now = table_slot_create(rel, NULL);
	bool		same;

	same = tracked_row(rel, run->snapshot, table->table_id, before) &&
		tracked_row(rel, latest, table->table_id, now) &&
		same_shape(rel, before, now);
	ExecDropSingleTupleTableSlot(before);
	ExecDropSingleTupleTableSlot(now);
	UnregisterSnapshot(latest);
	return same;
}

/* Whether a relation has the files that it had in the run's snapshot. */
static bool
has_same_files(LiveRun *run, Relation rel)
{
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		same = true;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(rel)));
	scan = systable_beginscan(classes, ClassOidIndexId, true, run->snapshot, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		same = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode ==
			rel->rd_rel->relfilenode;
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	return same;
}

/*
 * Whether a partitioned table still has the partitions that it had in the
 * run's snapshot; one that came since tells by its table's settings.
 */
static bool
has_all_partitions(LiveRun *run, Oid relid, List *relations)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		all = true;

	ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsParentIndexId, true,
							  run->snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		all &= list_member_oid(relations,
							   ((Form_pg_inherits) GETSTRUCT(tuple))->inhrelid);
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return all;
}

/* Makes sure that the columns of a partition are those of its table. */
static bool
has_same_columns(const LiveTable *table, const TrackedTable *leaf)
{
	const RowImage *a = &table->tracked->image;
	const RowImage *b = &leaf->image;

	if (a->ncolumns != b->ncolumns ||
		leaf->key.ncolumns != table->tracked->key.ncolumns)
		return false;
	for (int i = 0; i < a->ncolumns; i++)
	{
		if (strcmp(a->columns[i].name, b->columns[i].name) != 0)
			return false;
	}
	return true;
}

/* Looks at one relation of a table. */
static void
relation_load(LiveRun *run, LiveTable *table, Oid relid, List *relations)
{
	Relation	rel = try_relation_open(relid, NoLock);
	TrackedTable *tracked;

	if (rel == NULL)
		return;
	tracked = crm_tracked_lookup(rel);
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		/* has no rows of its own */
		if (!has_all_partitions(run, relid, relations))
		{
			table->is_readable = false;
			incomplete(run, table, table_changed);
		}
	}
	else if (rel->rd_rel->relkind != RELKIND_RELATION)
	{
		table->lacks_rows = true;
		incomplete(run, table,
				   psprintf("partition \"%s\" is not an ordinary table and was not compared",
							RelationGetRelationName(rel)));
	}
	else if (tracked == NULL || tracked->table_id != table->table_id ||
			 !has_same_columns(table, tracked))
	{
		table->is_readable = false;
		incomplete(run, table,
				   psprintf("relation \"%s\" is not tracked as its table is, and was not compared",
							RelationGetRelationName(rel)));
	}
	else if (!has_same_files(run, rel))
	{
		table->is_readable = false;
		incomplete(run, table,
				   psprintf("relation \"%s\" was emptied or rewritten meanwhile, and was not compared",
							RelationGetRelationName(rel)));
	}
	else
	{
		table->relations = lappend_oid(table->relations, relid);
		table->images = lappend(table->images, tracked);
	}
	relation_close(rel, NoLock);
}

/* Opens a table, and lists what holds its rows. */
static void
table_load(LiveRun *run, Relation tracked_table, LiveTable *table)
{
	Relation	rel = try_relation_open(table->target, AccessShareLock);
	List	   *relations;
	ListCell   *cell;

	if (rel == NULL)
	{
		table->is_readable = false;
		incomplete(run, table, "the table does not exist any more");
		return;
	}
	relations = find_all_inheritors(table->target, AccessShareLock, NULL);
	table->tracked = crm_tracked_lookup(rel);
	relation_close(rel, NoLock);
	if (table->tracked == NULL ||
		table->tracked->table_id != table->table_id ||
		!is_as_in_snapshot(run, tracked_table, table))
	{
		table->is_readable = false;
		incomplete(run, table, table_changed);
		return;
	}
	if (table->tracked->key.ncolumns == 0)
	{
		table->is_readable = false;
		incomplete(run, table,
				   "the table has none of the columns that identified its rows");
		return;
	}
	foreach(cell, relations)
	{
		Oid			relid = lfirst_oid(cell);

		/* a child by inheritance is a table of its own */
		if (relid == table->target || get_rel_relispartition(relid))
			relation_load(run, table, relid, relations);
	}
	crm_live_seeds(run, table);
}

void
crm_live_tables_load(LiveRun *run, Oid only_target)
{
	Relation	rel = table_open(crm_relation_oid("tracked_table"),
								 AccessShareLock);

	tables_read(run, rel, only_target);
	for (int i = 0; i < run->ntables; i++)
		table_load(run, rel, &run->tables[i]);
	table_close(rel, NoLock);
}

/* Locks the tracked tables, or one, and their partitions. */
void
crm_verify_live_lock(Oid only_target)
{
	Relation	rel = table_open(crm_relation_oid("tracked_table"),
								 AccessShareLock);
	LiveRun		run;

	memset(&run, 0, sizeof(run));
	run.snapshot = RegisterSnapshot(GetLatestSnapshot());
	tables_read(&run, rel, only_target);
	UnregisterSnapshot(run.snapshot);
	for (int i = 0; i < run.ntables; i++)
	{
		Relation	table = try_relation_open(run.tables[i].target,
											  AccessShareLock);

		if (table == NULL)
			continue;
		list_free(find_all_inheritors(run.tables[i].target, AccessShareLock,
									  NULL));
		relation_close(table, NoLock);
	}
	pfree(run.tables);
	table_close(rel, NoLock);
}
