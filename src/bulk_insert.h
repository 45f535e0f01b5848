/*-------------------------------------------------------------------------
 *
 * bulk_insert.h
 *		Rows in bulk into our own tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_BULK_INSERT_H
#define CRM_BULK_INSERT_H

#include "catalog/indexing.h"
#include "executor/tuptable.h"
#include "utils/rel.h"

/* Inserts the heap tuples in slots, with their entries in plain indexes. */
extern void crm_bulk_insert(Relation rel, TupleTableSlot **slots, int count,
							CatalogIndexState indexes);

#endif							/* CRM_BULK_INSERT_H */
