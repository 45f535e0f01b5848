/*-------------------------------------------------------------------------
 *
 * tracked.c
 *		Tracked tables, as capture needs them: cached per relation.
 *
 * Lifetime: as in rule_cache.c.  An entry is never removed; the callback only
 * clears "valid"; what was compiled before is freed when the transaction
 * ends, for a trigger may be using it.  A change of tracked_table sends the
 * relcache message of its target (trigger rules_changed()).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "catalog_scan.h"
#include "crmaudit.h"
#include "ledger/tracked.h"

struct TrackedEntry
{
	Oid			relid;			/* hash key */
	bool		valid;
	TrackedTable *table;		/* NULL: not tracked */
};

/* A row of tracked_table. */
typedef struct TrackedSource
{
	Oid			target;
	int32		table_id;
	bool		require_reason;
	int			nkeys;
	char	  **keys;
	int			nhashed;
	char	  **hashed;
	int			nexclude;
	char	  **exclude;
	int			npersonal;
	char	  **personal;
} TrackedSource;

static HTAB *tracked_cache = NULL;
static TrackedTable *stale_tables = NULL;

static void
relcache_callback(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	TrackedEntry *entry;

	if (OidIsValid(relid))
	{
		entry = hash_search(tracked_cache, &relid, HASH_FIND, NULL);
		if (entry)
			entry->valid = false;
		return;
	}
	hash_seq_init(&status, tracked_cache);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->valid = false;
}

static void
xact_callback(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	while (stale_tables != NULL)
	{
		TrackedTable *table = stale_tables;

		stale_tables = table->next_stale;
		MemoryContextDelete(table->context);
	}
}

void
crm_tracked_init(void)
{
	HASHCTL		ctl;

	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(TrackedEntry);
	ctl.hcxt = CacheMemoryContext;
	tracked_cache = hash_create("crmaudit tracked tables", 64, &ctl,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	RegisterXactCallback(xact_callback, NULL);
}

TrackedEntry *
crm_tracked_entry(Oid relid)
{
	TrackedEntry *entry;
	bool		found;

	entry = hash_search(tracked_cache, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->table = NULL;
	}
	return entry;
}

/* Reads the row of a relation that is tracked itself. */
static bool
source_read(Oid relid, TrackedSource *source)
{
	CatalogScan scan;
	bool		isnull;
	bool		found;

	if (!crm_catalog_scan_begin(&scan, "tracked_table",
								"tracked_table_target_key", "target", F_OIDEQ,
								ObjectIdGetDatum(relid)))
		return false;
	found = crm_catalog_scan_next(&scan) &&
		DatumGetBool(crm_catalog_get(&scan, "tracked", &isnull));
	if (found)
	{
		source->target = relid;
		source->table_id = DatumGetInt32(crm_catalog_get(&scan, "table_id",
														 &isnull));
		source->require_reason =
			DatumGetBool(crm_catalog_get(&scan, "require_reason", &isnull));
		source->keys = crm_catalog_get_texts(&scan, "key", &source->nkeys);
		source->hashed = crm_catalog_get_texts(&scan, "hashed_key",
											   &source->nhashed);
		source->exclude = crm_catalog_get_texts(&scan, "exclude",
												&source->nexclude);
		source->personal = crm_catalog_get_texts(&scan, "personal",
												 &source->npersonal);
	}
	crm_catalog_scan_end(&scan);
	return found;
}

/* Reads the row of the tracked table that a relation belongs to. */
static bool
source_find(Oid relid, TrackedSource *source)
{
	ListCell   *cell;

	if (source_read(relid, source))
		return true;
	if (!get_rel_relispartition(relid))
		return false;
	foreach(cell, get_partition_ancestors(relid))
	{
		if (source_read(lfirst_oid(cell), source))
			return true;
	}
	return false;
}

Oid
crm_tracked_target_of(Oid relid)
{
	TrackedSource source;

	return source_find(relid, &source) ? source.target : InvalidOid;
}

/* Names of the personal columns, as entries carry them. */
static ArrayType *
personal_names(const RowImage *image)
{
	Datum	   *names = palloc(image->ncolumns * sizeof(Datum) + 1);
	int			count = 0;

	for (int i = 0; i < image->ncolumns; i++)
	{
		if (image->columns[i].is_personal)
			names[count++] = CStringGetTextDatum(image->columns[i].name);
	}
	return construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Compiles what is tracked of a relation, in the current memory context. */
static TrackedTable *
tracked_compile(Relation rel, const TrackedSource *source)
{
	TrackedTable *table = palloc0(sizeof(TrackedTable));

	table->context = CurrentMemoryContext;
	table->target = source->target;
	table->table_id = source->table_id;
	table->require_reason = source->require_reason;
	crm_row_key_compile(&table->key, rel, source->keys, source->nkeys,
						source->hashed, source->nhashed);
	crm_image_compile(&table->image, rel, source->exclude, source->nexclude,
					  source->personal, source->npersonal);
	table->max_attnum = Max(table->key.max_attnum, table->image.max_attnum);
	table->marked = palloc0(table->image.ncolumns + 1);
	table->is_key = palloc0(table->image.ncolumns + 1);
	for (int i = 0; i < table->image.ncolumns; i++)
	{
		for (int j = 0; j < table->key.ncolumns; j++)
			table->is_key[i] |= table->key.columns[j].attnum ==
				table->image.columns[i].attnum;
	}
	if (table->image.has_personal)
		table->personal = personal_names(&table->image);
	return table;
}

static void
entry_rebuild(TrackedEntry *entry, Relation rel)
{
	TrackedSource source;
	MemoryContext context;
	MemoryContext old;

	if (entry->table)
	{
		entry->table->next_stale = stale_tables;
		stale_tables = entry->table;
		entry->table = NULL;
	}
	/* a message that arrives meanwhile clears this again */
	entry->valid = true;
	context = AllocSetContextCreate(CurTransactionContext,
									"crmaudit tracked table",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (source_find(RelationGetRelid(rel), &source))
			entry->table = tracked_compile(rel, &source);
	}
	PG_CATCH();
	{
		entry->valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	if (entry->table)
		MemoryContextSetParent(context, CacheMemoryContext);
	else
		MemoryContextDelete(context);
}

TrackedTable *
crm_tracked_get(TrackedEntry *entry, Relation rel)
{
	if (!entry->valid)
		entry_rebuild(entry, rel);
	return entry->table;
}

TrackedTable *
crm_tracked_lookup(Relation rel)
{
	return crm_tracked_get(crm_tracked_entry(RelationGetRelid(rel)), rel);
}
