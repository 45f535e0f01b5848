/*-------------------------------------------------------------------------
 *
 * seal.h
 *		Sealing: entries become blocks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SEAL_H
#define CRM_SEAL_H

#include "utils/rel.h"

#include "ledger/leaf.h"
#include "ledger/ledger_scan.h"

/*
 * Seals what has been committed since the last block, in the current
 * transaction, which must be at READ COMMITTED and have no entries.  Returns
 * the newest block's id, or 0 if there was nothing to seal.
 *
 * "automatic" is for the worker: it does not wait for another sealer, it writes
 * an empty block once a minute, and it does not begin a new life of the ledger
 * while the database looks as if it were being restored.
 */
extern int64 crm_seal(bool automatic);

/* Rows on their way into a table, in bulk: seal_rows.c. */
typedef struct BulkRows BulkRows;

extern BulkRows *crm_bulk_begin(const char *relname);
extern void crm_bulk_add(BulkRows *rows, Datum *values, bool *nulls);
extern void crm_bulk_end(BulkRows *rows);

/* A snapshot, as the types pg_snapshot and xid8 tell it. */
typedef struct SealSnapshot
{
	uint64		xmin;
	uint64		xmax;
	int			nrunning;
	uint64	   *running;		/* ascending */
} SealSnapshot;

/* Block building: seal_block.c. */
typedef struct BlockDraft BlockDraft;

extern BlockDraft *crm_draft_begin(Snapshot snapshot, int64 domain,
								   int64 block_id);
extern void crm_draft_take(BlockDraft *draft, const SealSnapshot *previous,
						   const SealSnapshot *present);
extern void crm_draft_finish(BlockDraft *draft, LedgerBlock *block);

/* Snapshots: seal_snapshot.c. */
extern void crm_snapshot_convert(SealSnapshot *result, Snapshot snapshot);
extern void crm_snapshot_parse(SealSnapshot *result, const char *text);
extern char *crm_snapshot_text(const SealSnapshot *snapshot);
extern bool crm_snapshot_is_running(const SealSnapshot *snapshot, uint64 xid);

#endif							/* CRM_SEAL_H */
