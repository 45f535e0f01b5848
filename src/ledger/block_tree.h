/*-------------------------------------------------------------------------
 *
 * block_tree.h
 *		The tree of a block: months over transactions over entries.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_BLOCK_TREE_H
#define CRM_BLOCK_TREE_H

#include "ledger/merkle.h"

/* What a block holds of a month. */
typedef struct PeriodTree
{
	TimestampTz start;			/* the month, UTC */
	TimestampTz end;
	int64		entries;
	MerkleStack transactions;
	MerkleStack leaves;			/* of the transaction at hand */
	uint8		root[CRM_HASH_BYTES];	/* set at the end */
} PeriodTree;

/* Called for what a transaction, now complete, has in a month. */
typedef void (*TransactionDone) (void *arg, const PeriodTree *period,
								 uint64 xid, const uint8 *root);

typedef struct BlockTree
{
	MemoryContext memory;
	TransactionDone done;
	void	   *arg;
	PeriodTree **periods;		/* in order of time */
	int			nperiods;
	PeriodTree *current;
	uint64		xid;
	int64		entries;
	int64		transactions;
	TimestampTz last_at;		/* of all entries */
	uint8		root[CRM_HASH_BYTES];	/* set at the end */
} BlockTree;

/* "tree" lives in the current memory context, and so do its months. */
extern void crm_block_tree_begin(BlockTree *tree, TransactionDone done,
								 void *arg);

/* Entries come in the order of xid and ord. */
extern void crm_block_tree_add(BlockTree *tree, uint64 xid, TimestampTz at,
							   const uint8 *leaf);
extern void crm_block_tree_end(BlockTree *tree);

#endif							/* CRM_BLOCK_TREE_H */
