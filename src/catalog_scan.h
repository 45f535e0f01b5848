/*-------------------------------------------------------------------------
 *
 * catalog_scan.h
 *		Scans of our configuration tables, without SPI.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_CATALOG_SCAN_H
#define CRM_CATALOG_SCAN_H

#include "access/genam.h"
#include "access/htup.h"
#include "utils/relcache.h"

/* An open scan of one of our tables. */
typedef struct CatalogScan
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
} CatalogScan;

extern bool crm_catalog_scan_begin(CatalogScan *scan, const char *relname,
								   const char *index, const char *column,
								   RegProcedure equal, Datum key);
extern bool crm_catalog_scan_next(CatalogScan *scan);
extern void crm_catalog_scan_end(CatalogScan *scan);

/* Of the current row; texts are copied, NULL gives NULL. */
extern Datum crm_catalog_get(CatalogScan *scan, const char *column,
							 bool *isnull);
extern char *crm_catalog_get_text(CatalogScan *scan, const char *column);
extern char **crm_catalog_get_texts(CatalogScan *scan, const char *column,
									int *count);

#endif							/* CRM_CATALOG_SCAN_H */
