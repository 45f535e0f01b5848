/*-------------------------------------------------------------------------
 *
 * catalog_scan.c
 *		Scans of our configuration tables, without SPI.
 *
 * Whoever writes a protected table needs no right on them, no plan is made,
 * and the snapshot is the catalog's.  Columns are looked up by name, for
 * library and script may differ in version.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog_scan.h"
#include "crmaudit.h"

/*
 * Opens a scan of a table for the rows whose key column equals "key", through
 * the index of that name; false if the extension is not there.
 */
bool
crm_catalog_scan_begin(CatalogScan *scan, const char *relname, const char *index,
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
		/* an index on text is in the database's order, not in that of "C" */
		scankey.sk_collation =
			TupleDescAttr(RelationGetDescr(scan->rel), attnum - 1)->attcollation;
	}
	scan->scan = systable_beginscan(scan->rel,
									index ? crm_relation_oid(index) : InvalidOid,
									index != NULL, NULL, column ? 1 : 0,
									&scankey);
	return true;
}

bool
crm_catalog_scan_next(CatalogScan *scan)
{
	scan->tuple = systable_getnext(scan->scan);
	return HeapTupleIsValid(scan->tuple);
}

void
crm_catalog_scan_end(CatalogScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->rel, AccessShareLock);
}

/* The column's datum of the current row. */
Datum
crm_catalog_get(CatalogScan *scan, const char *column, bool *isnull)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(scan->rel), column);

	if (attnum == InvalidAttrNumber)
		elog(ERROR, "column \"%s\" of crmaudit.%s does not exist", column,
			 RelationGetRelationName(scan->rel));
	return heap_getattr(scan->tuple, attnum, RelationGetDescr(scan->rel),
						isnull);
}

/* The column's text, copied; NULL if it is NULL. */
char *
crm_catalog_get_text(CatalogScan *scan, const char *column)
{
	bool		isnull;
	Datum		datum = crm_catalog_get(scan, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(datum);
}

/* The column's array of texts, copied. */
char	  **
crm_catalog_get_texts(CatalogScan *scan, const char *column, int *count)
{
	bool		isnull;
	Datum		datum = crm_catalog_get(scan, column, &isnull);
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
