/*-------------------------------------------------------------------------
 *
 * rule_catalog.c
 *		Reads the configuration tables.
 *
 * They are scanned directly: whoever writes a protected table needs no right
 * on them, no plan is made, and the snapshot is the catalog's, so that a rule
 * holds from the moment its change is committed, as a CHECK does.  Columns
 * are looked up by name, for library and script may differ in version.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "rules/rules_private.h"

/* An open scan of one of our tables. */
typedef struct CatalogScan
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
} CatalogScan;

/*
 * Opens a scan of a table for the rows whose key column equals "key", through
 * the index of that name; false if the extension is not there.
 */
static bool
catalog_scan_begin(CatalogScan *scan, const char *relname, const char *index,
				   const char *column, RegProcedure equal, Datum key)
{
	Oid			relid = crm_relation_oid(relname);
	ScanKeyData scankey;

	if (!OidIsValid(relid))
		return false;
	scan->rel = table_open(relid, AccessShareLock);
	if (column)
	{
		AttrNumber	attnum = get_attnum(relid, column);

		ScanKeyInit(&scankey, attnum, BTEqualStrategyNumber, equal, key);
		/* the index is in the order of the column's collation */
		scankey.sk_collation =
			TupleDescAttr(RelationGetDescr(scan->rel), attnum - 1)->attcollation;
	}
	scan->scan = systable_beginscan(scan->rel,
									index ? crm_relation_oid(index) : InvalidOid,
									index != NULL, NULL, column ? 1 : 0,
									&scankey);
	return true;
}

static bool
catalog_scan_next(CatalogScan *scan)
{
	scan->tuple = systable_getnext(scan->scan);
	return HeapTupleIsValid(scan->tuple);
}

static void
catalog_scan_end(CatalogScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->rel, AccessShareLock);
}

/* The column's datum of the current row. */
static Datum
catalog_get(CatalogScan *scan, const char *column, bool *isnull)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(scan->rel), column);

	if (attnum == InvalidAttrNumber)
		elog(ERROR, "column \"%s\" of crmaudit.%s does not exist", column,
			 RelationGetRelationName(scan->rel));
	return heap_getattr(scan->tuple, attnum, RelationGetDescr(scan->rel),
						isnull);
}

/* The column's text, copied; NULL if it is NULL. */
static char *
catalog_get_text(CatalogScan *scan, const char *column)
{
	bool		isnull;
	Datum		datum = catalog_get(scan, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(datum);
}

/* The column's array of texts, copied. */
static char **
catalog_get_texts(CatalogScan *scan, const char *column, int *count)
{
	bool		isnull;
	Datum		datum = catalog_get(scan, column, &isnull);
	Datum	   *elements;
	char	  **texts;

	*count = 0;
	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypePCopy(datum), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, NULL, count);
	texts = palloc((*count + 1) * sizeof(char *));
	for (int i = 0; i < *count; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	return texts;
}

/* Whether the relation itself is protected. */
static bool
is_protected(Oid relid)
{
	CatalogScan scan;
	bool		found;

	if (!catalog_scan_begin(&scan, "protected_table", "protected_table_pkey",
							"target", F_OIDEQ, ObjectIdGetDatum(relid)))
		return false;
	found = catalog_scan_next(&scan);
	catalog_scan_end(&scan);
	return found;
}

/*
 * Returns the protected table that a relation belongs to: itself, or one of
 * the partitioned tables above it; InvalidOid if there is none.  The one
 * place that answers this question.
 */
Oid
crm_target_of(Oid relid)
{
	ListCell   *cell;

	if (is_protected(relid))
		return relid;
	if (!get_rel_relispartition(relid))
		return InvalidOid;
	foreach(cell, get_partition_ancestors(relid))
	{
		if (is_protected(lfirst_oid(cell)))
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/* Reads the settings of a protected table; false if it is none. */
bool
crm_catalog_target(Oid target, TargetSource *source)
{
	CatalogScan scan;
	bool		found;

	if (!catalog_scan_begin(&scan, "protected_table", "protected_table_pkey",
							"target", F_OIDEQ, ObjectIdGetDatum(target)))
		return false;
	found = catalog_scan_next(&scan);
	if (found)
	{
		source->target = target;
		source->mode = crm_mode_find(catalog_get_text(&scan, "mode"));
		source->error_style =
			strcmp(catalog_get_text(&scan, "error_style"), "native") == 0 ?
			ERROR_STYLE_NATIVE : ERROR_STYLE_RULE;
		source->live = catalog_get_text(&scan, "live");
		source->keys = catalog_get_texts(&scan, "key", &source->nkeys);
		source->hashed_keys = catalog_get_texts(&scan, "hashed_key",
												&source->nhashed);
	}
	catalog_scan_end(&scan);
	return found;
}

/* Reads the current row of crmaudit.rule. */
static RuleSource *
rule_source_read(CatalogScan *scan)
{
	RuleSource *source = palloc0(sizeof(RuleSource));
	bool		isnull;
	Datum		datum;
	char	   *dimension;

	source->id = DatumGetInt64(catalog_get(scan, "id", &isnull));
	source->version = DatumGetInt32(catalog_get(scan, "version", &isnull));
	source->name = catalog_get_text(scan, "name");
	source->kind = catalog_get_text(scan, "kind");
	source->columns = catalog_get_texts(scan, "columns", &source->ncolumns);
	source->params = DatumGetJsonbPCopy(catalog_get(scan, "params", &isnull));
	datum = catalog_get(scan, "severity", &isnull);
	source->severity =
		crm_severity_find(DatumGetCString(DirectFunctionCall1(enum_out, datum)));
	dimension = catalog_get_text(scan, "dimension");
	source->dimension = crm_dimension_find(dimension);
	source->weight = DatumGetFloat4(catalog_get(scan, "weight", &isnull));
	source->condition = catalog_get_text(scan, "condition");
	source->message = catalog_get_text(scan, "message");
	datum = catalog_get(scan, "valid_from", &isnull);
	source->valid_from = isnull ? DATEVAL_NOBEGIN : DatumGetDateADT(datum);
	datum = catalog_get(scan, "valid_until", &isnull);
	source->valid_until = isnull ? DATEVAL_NOEND : DatumGetDateADT(datum);
	return source;
}

static int
rule_source_compare(const ListCell *a, const ListCell *b)
{
	int64		first = ((RuleSource *) lfirst(a))->id;
	int64		second = ((RuleSource *) lfirst(b))->id;

	return first < second ? -1 : first > second;
}

/* Returns the enabled rules of a protected table, in the order of their ids. */
List *
crm_catalog_rules(Oid target)
{
	CatalogScan scan;
	List	   *rules = NIL;
	bool		isnull;

	if (!catalog_scan_begin(&scan, "rule", "rule_target_name_key", "target",
							F_OIDEQ, ObjectIdGetDatum(target)))
		return NIL;
	while (catalog_scan_next(&scan))
	{
		if (DatumGetBool(catalog_get(&scan, "enabled", &isnull)))
			rules = lappend(rules, rule_source_read(&scan));
	}
	catalog_scan_end(&scan);
	list_sort(rules, rule_source_compare);
	return rules;
}

/* Sets the weights that a table states. */
static void
dimension_weights_read(const char *relname, double *weights)
{
	CatalogScan scan;
	bool		isnull;

	if (!catalog_scan_begin(&scan, relname, NULL, NULL, InvalidOid, 0))
		return;
	while (catalog_scan_next(&scan))
	{
		int			dimension = crm_dimension_find(catalog_get_text(&scan, "dimension"));

		if (dimension >= 0)
			weights[dimension] =
				DatumGetFloat4(catalog_get(&scan, "weight", &isnull));
	}
	catalog_scan_end(&scan);
}

/* Reads the weight of each dimension: the default, or the override. */
void
crm_catalog_dimension_weights(double *weights)
{
	memset(weights, 0, CRM_DIMENSIONS * sizeof(double));
	dimension_weights_read("dimension", weights);
	dimension_weights_read("dimension_weight", weights);
}

/* Reads the secret that row keys holding identifiers are hashed with. */
char *
crm_catalog_salt(void)
{
	CatalogScan scan;
	char	   *salt = NULL;

	if (!catalog_scan_begin(&scan, "key_salt", NULL, NULL, InvalidOid, 0))
		return NULL;
	if (catalog_scan_next(&scan))
		salt = catalog_get_text(&scan, "salt");
	catalog_scan_end(&scan);
	return salt;
}

/* Reads the values of a list. */
char	  **
crm_catalog_list(const char *list, int *count)
{
	CatalogScan scan;
	char	  **values = palloc(64 * sizeof(char *));
	int			size = 64;

	*count = 0;
	if (!catalog_scan_begin(&scan, "value_list", "value_list_pkey", "list",
							F_TEXTEQ, CStringGetTextDatum(list)))
		return values;
	while (catalog_scan_next(&scan))
	{
		if (*count == size)
		{
			size *= 2;
			values = repalloc(values, size * sizeof(char *));
		}
		values[(*count)++] = catalog_get_text(&scan, "value");
	}
	catalog_scan_end(&scan);
	return values;
}
