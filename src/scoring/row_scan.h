/*-------------------------------------------------------------------------
 *
 * row_scan.h
 *		All rows of a table, for those who judge them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_ROW_SCAN_H
#define CRM_ROW_SCAN_H

#include "rules/rule.h"

/* Gets each row as a composite datum, in a context that is then reset. */
typedef void (*RowScanPut) (void *argument, HeapTupleHeader row);

/*
 * Scans the table under the active snapshot, with the rights of the user, so
 * that row-level security holds.
 */
extern void crm_scan_rows(Relation rel, RowScanPut put, void *argument);

/* Opens a protected table, or raises an error. */
extern Relation crm_scan_open(Oid relid, RuleSet **ruleset);

#endif							/* CRM_ROW_SCAN_H */
