/*-------------------------------------------------------------------------
 *
 * row_scan.c
 *		All rows of a table, for those who judge them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "scoring/row_scan.h"

/* Rows read from a table at a time. */
#define SCAN_BATCH	1000

Relation
crm_scan_open(Oid relid, RuleSet **ruleset)
{
	Relation	rel = table_open(relid, AccessShareLock);

	*ruleset = crm_ruleset_lookup(rel);
	if (*ruleset == NULL || (*ruleset)->relid != (*ruleset)->target)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" is not protected",
						RelationGetRelationName(rel)),
				 errhint("Protect it first, with crmaudit.protect().")));
	return rel;
}

/* Passes on the rows that SPI fetched, whole-row values in column 1. */
static void
put_batch(RowScanPut put, void *argument, MemoryContext row_context)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(row_context);
		bool		isnull;
		Datum		row = SPI_getbinval(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 1, &isnull);

		put(argument, DatumGetHeapTupleHeader(row));
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
}

/*
 * Whole-row values keep dropped columns, so that attribute numbers are the
 * relation's.  The alias is none that a CRM gives a column, which would hide
 * the row.  Children by inheritance are tables of their own.
 */
void
crm_scan_rows(Relation rel, RowScanPut put, void *argument)
{
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "crmaudit scanned row",
													  ALLOCSET_DEFAULT_SIZES);
	char	   *query;
	Portal		portal;

	query = psprintf("SELECT \"crmaudit measured row\" FROM %s%s AS \"crmaudit measured row\"",
					 rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));
	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, true,
									   CURSOR_OPT_NO_SCROLL);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, SCAN_BATCH);
		if (SPI_processed == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		put_batch(put, argument, row_context);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	MemoryContextDelete(row_context);
}
