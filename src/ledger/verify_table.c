/*-------------------------------------------------------------------------
 *
 * verify_table.c
 *		Tracked tables as the comparison with the ledger finds them, and what
 *		became of their columns.
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

void
crm_live_incomplete(LiveRun *run, LiveTable *table, const char *detail)
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
			crm_live_incomplete(run, table, table_changed);
		}
	}
	else if (rel->rd_rel->relkind != RELKIND_RELATION)
	{
		table->lacks_rows = true;
		crm_live_incomplete(run, table,
							psprintf("partition \"%s\" is not an ordinary table and was not compared",
									 RelationGetRelationName(rel)));
	}
	else if (tracked == NULL || tracked->table_id != table->table_id ||
			 !has_same_columns(table, tracked))
	{
		table->is_readable = false;
		crm_live_incomplete(run, table,
							psprintf("relation \"%s\" is not tracked as its table is, and was not compared",
									 RelationGetRelationName(rel)));
	}
	else if (!has_same_files(run, rel))
	{
		table->is_readable = false;
		crm_live_incomplete(run, table,
							psprintf("relation \"%s\" was emptied or rewritten meanwhile, and was not compared",
									 RelationGetRelationName(rel)));
	}
	else
		table->relations = lappend_oid(table->relations, relid);
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
		crm_live_incomplete(run, table, "the table does not exist any more");
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
		crm_live_incomplete(run, table, table_changed);
		return;
	}
	if (table->tracked->key.ncolumns == 0)
	{
		table->is_readable = false;
		crm_live_incomplete(run, table,
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

/* Text of a field of an entry S; NULL if it has none. */
static JsonbValue *
details_get(Jsonb *details, const char *name, JsonbValue *buffer)
{
	if (details == NULL || !JB_ROOT_IS_OBJECT(details))
		return NULL;
	return getKeyJsonValueFromContainer(&details->root, name, strlen(name),
										buffer);
}

static bool
is_action(Jsonb *details, const char *action)
{
	JsonbValue	buffer;
	JsonbValue *value = details_get(details, "action", &buffer);

	return value != NULL && value->type == jbvString &&
		value->val.string.len == strlen(action) &&
		memcmp(value->val.string.val, action, strlen(action)) == 0;
}

/* Keeps an entry S or T that changes what other entries mean. */
void
crm_live_schema_entry(LiveRun *run, LiveTable *table, const LiveEntry *entry)
{
	SchemaEntry *kept;
	MemoryContext old;

	if (entry->op == CRM_OP_TRUNCATE)
	{
		if (position_compare(&table->start, &entry->position) < 0)
			table->start = entry->position;
		return;
	}
	if (!is_action(entry->new, "alter") && !is_action(entry->new, "track") &&
		!is_action(entry->new, "untrack"))
		return;
	old = MemoryContextSwitchTo(run->memory);
	kept = palloc(sizeof(SchemaEntry));
	kept->position = entry->position;
	kept->details = (Jsonb *) DatumGetPointer(datumCopy(PointerGetDatum(entry->new),
														false, -1));
	table->schema_entries = lappend(table->schema_entries, kept);
	MemoryContextSwitchTo(old);
}

static int
schema_entry_order(const ListCell *a, const ListCell *b)
{
	const SchemaEntry *first = lfirst(a);
	const SchemaEntry *second = lfirst(b);

	return position_compare(&first->position, &second->position);
}

/* The texts of an array in "container"; NIL if there is none. */
static List *
names_get(JsonbValue *container, const char *name)
{
	JsonbValue	buffer;
	JsonbValue *array;
	List	   *names = NIL;

	if (container == NULL || container->type != jbvBinary ||
		!JsonContainerIsObject(container->val.binary.data))
		return NIL;
	array = getKeyJsonValueFromContainer(container->val.binary.data, name,
										 strlen(name), &buffer);
	if (array == NULL || array->type != jbvBinary ||
		!JsonContainerIsArray(array->val.binary.data))
		return NIL;
	for (int i = 0; i < JsonContainerSize(array->val.binary.data); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(array->val.binary.data, i);

		if (value->type == jbvString)
			names = lappend(names, pnstrdup(value->val.string.val,
											value->val.string.len));
	}
	return names;
}

static void
root_value(Jsonb *jsonb, JsonbValue *value)
{
	value->type = jbvBinary;
	value->val.binary.data = &jsonb->root;
	value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
}

/* Nothing of before counts any more, and nothing is known of the rows. */
static void
history_forget(LiveTable *table, const LedgerPosition *position)
{
	if (position_compare(&table->start, position) < 0)
		table->start = *position;
	table->known_since = Max(table->known_since, position->at);
}

static void
unknown_add(LiveTable *table, const LedgerPosition *position, int epoch,
			const char *name)
{
	int			column = crm_live_column(table, epoch, name, strlen(name));

	if (column < 0)
		return;
	if (table->nunknown == table->unknown_size)
	{
		table->unknown_size = Max(8, 2 * table->unknown_size);
		table->unknown = table->unknown ?
			repalloc_huge(table->unknown,
						  table->unknown_size * sizeof(UnknownColumn)) :
			palloc(table->unknown_size * sizeof(UnknownColumn));
	}
	table->unknown[table->nunknown].position = *position;
	table->unknown[table->nunknown++].column = column;
}

/* The place of a column in the key; -1 if it is not of it. */
static int
key_column(LiveTable *table, int column)
{
	RowKey	   *key = &table->tracked->key;

	for (int i = 0; i < key->ncolumns; i++)
	{
		if (column >= 0 &&
			strcmp(key->columns[i].name,
				   table->tracked->image.columns[column].name) == 0)
			return i;
	}
	return -1;
}

/* Columns that were added or changed have values that no entry holds. */
static void
history_alter(LiveTable *table, int change)
{
	const LedgerPosition *position = &table->changes[change].position;
	JsonbValue	columns;
	ListCell   *cell;

	root_value(table->changes[change].columns, &columns);
	foreach(cell, names_get(&columns, "added"))
		unknown_add(table, position, change + 1, lfirst(cell));
	foreach(cell, names_get(&columns, "changed"))
	{
		const char *name = lfirst(cell);
		int			key = key_column(table,
									 crm_live_column(table, change + 1, name,
													 strlen(name)));

		unknown_add(table, position, change + 1, name);
		/* a number stays what it is; other keys may read otherwise now */
		if (key >= 0 && !table->tracked->key.columns[key].is_number)
			history_forget(table, position);
	}
}

static bool
is_name_in(List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

/*
 * Columns of "before", by their names in the change "since", that are recorded
 * again, for "now" does not exclude them.
 */
static void
history_exclude(LiveTable *table, const LedgerPosition *position, int epoch,
				List *before, int since, List *now)
{
	ListCell   *cell;

	foreach(cell, before)
	{
		const char *name = lfirst(cell);
		int			column = crm_live_column(table, since, name, strlen(name));
		bool		still = false;
		ListCell   *other;

		if (column < 0)
			continue;
		foreach(other, now)
			still |= crm_live_column(table, epoch, lfirst(other),
									 strlen(lfirst(other))) == column;
		if (!still && !is_name_in(now, name))
			unknown_add(table, position, since, name);
	}
}

/*
 * Makes sense of the entries S of a table, when all of them are there.
 */
void
crm_live_history(LiveRun *run, LiveTable *table)
{
	int			count = list_length(table->schema_entries);
	List	   *excluded = NIL;
	int			since = -1;		/* changes before "excluded" was said */
	int			change = 0;
	ListCell   *cell;

	list_sort(table->schema_entries, schema_entry_order);
	table->changes = palloc0((count + 1) * sizeof(ColumnChange));
	foreach(cell, table->schema_entries)
	{
		SchemaEntry *entry = lfirst(cell);
		JsonbValue	buffer;
		JsonbValue *columns = details_get(entry->details, "columns", &buffer);

		if (!is_action(entry->details, "alter") || columns == NULL ||
			columns->type != jbvBinary ||
			!JsonContainerIsObject(columns->val.binary.data))
			continue;
		table->changes[table->nchanges].position = entry->position;
		table->changes[table->nchanges++].columns = JsonbValueToJsonb(columns);
	}
	table->maps = palloc0((table->nchanges + 1) * sizeof(NameMap));
	foreach(cell, table->schema_entries)
	{
		SchemaEntry *entry = lfirst(cell);

		if (is_action(entry->details, "untrack"))
		{
			history_forget(table, &entry->position);
			since = -1;
		}
		else if (is_action(entry->details, "track"))
		{
			JsonbValue	root;
			List	   *now;

			root_value(entry->details, &root);
			now = names_get(&root, "exclude");
			if (since >= 0)
				history_exclude(table, &entry->position, change, excluded,
								since, now);
			excluded = now;
			since = change;
		}
		else if (change < table->nchanges &&
				 position_compare(&table->changes[change].position,
								  &entry->position) == 0)
			history_alter(table, change++);
	}
}
