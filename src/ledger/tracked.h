/*-------------------------------------------------------------------------
 *
 * tracked.h
 *		Tracked tables, as capture needs them: cached per relation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_TRACKED_H
#define CRM_TRACKED_H

#include "utils/array.h"

#include "ledger/image.h"
#include "row_key.h"

/* A relation whose rows go into the ledger. */
typedef struct TrackedTable
{
	MemoryContext context;		/* owns everything below */
	struct TrackedTable *next_stale;
	Oid			target;			/* the tracked table: the relation or its root */
	int32		table_id;
	bool		require_reason;
	RowKey		key;
	RowImage	image;
	AttrNumber	max_attnum;
	bool	   *is_key;			/* by position in image.columns */
	bool	   *marked;			/* scratch of an UPDATE, likewise */
	ArrayType  *personal;		/* names of personal columns, or NULL */
} TrackedTable;

typedef struct TrackedEntry TrackedEntry;

extern void crm_tracked_init(void);

/* The cache's entry of a relation, which stays where it is for ever. */
extern TrackedEntry *crm_tracked_entry(Oid relid);

/*
 * What is tracked of a relation, or NULL.  The result stays usable until the
 * transaction ends.
 */
extern TrackedTable *crm_tracked_get(TrackedEntry *entry, Relation rel);
extern TrackedTable *crm_tracked_lookup(Relation rel);

/*
 * The tracked table that a relation belongs to: itself or a partitioned table
 * above it; InvalidOid if there is none.
 */
extern Oid	crm_tracked_target_of(Oid relid);

#endif							/* CRM_TRACKED_H */
