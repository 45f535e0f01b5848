/*-------------------------------------------------------------------------
 *
 * verify_cursor.c
 *		Rows of a query, fetched in batches.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "miscadmin.h"

#include "compat.h"
#include "ledger/verify_private.h"

#define CURSOR_BATCH	1000

/* Fetches a batch, and stands at its first row. */
static void
cursor_fetch(RowCursor *cursor)
{
	if (cursor->table)
		SPI_freetuptable(cursor->table);
	SPI_cursor_fetch(cursor->portal, true, CURSOR_BATCH);
	cursor->table = SPI_tuptable;
	cursor->row = 0;
	cursor->at_end = SPI_processed == 0;
}

/* Opens a query with one argument, and stands at its first row. */
void
crm_cursor_open(RowCursor *cursor, const char *query, int64 argument)
{
	Oid			type = INT8OID;
	Datum		value = Int64GetDatum(argument);

	cursor->table = NULL;
	cursor->portal = SPI_cursor_open_with_args(NULL, query, 1, &type, &value,
											   NULL, true, 0);
	cursor_fetch(cursor);
}

void
crm_cursor_next(RowCursor *cursor)
{
	CHECK_FOR_INTERRUPTS();
	if (++cursor->row >= cursor->table->numvals)
		cursor_fetch(cursor);
}

/* A column of the present row; the columns count from 1. */
Datum
crm_cursor_get(const RowCursor *cursor, int column, bool *isnull)
{
	bool		ignored;

	return SPI_getbinval(cursor->table->vals[cursor->row],
						 cursor->table->tupdesc, column,
						 isnull ? isnull : &ignored);
}

/* A column that holds a hash; one of the wrong size is taken as zeros. */
void
crm_cursor_hash(const RowCursor *cursor, int column, uint8 *hash)
{
	bytea	   *bytes = DatumGetByteaPP(crm_cursor_get(cursor, column, NULL));

	if (VARSIZE_ANY_EXHDR(bytes) == CRM_HASH_BYTES)
		memcpy(hash, VARDATA_ANY(bytes), CRM_HASH_BYTES);
	else
		memset(hash, 0, CRM_HASH_BYTES);
}

void
crm_cursor_close(RowCursor *cursor)
{
	if (cursor->table)
		SPI_freetuptable(cursor->table);
	SPI_cursor_close(cursor->portal);
}
