/*-------------------------------------------------------------------------
 *
 * verify_history.c
 *		What became of a table's columns and of its tracking, by its entries S
 *		and T: from where on entries of rows count, and which values no entry
 *		holds.
 *
 * Memory: entries S are kept for the run; only changes of columns and calls of
 * track() and untrack() are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/datum.h"
#include "utils/memutils.h"

#include "compat.h"
#include "ledger/verify_live.h"

/* Field of an entry S; NULL if it has none. */
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
crm_live_history(LiveTable *table)
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
