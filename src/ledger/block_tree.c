/*-------------------------------------------------------------------------
 *
 * block_tree.c
 *		The tree of a block: months over transactions over entries.
 *
 * Entries stream by in the order of their transactions, which may touch
 * several months.  Each month grows a tree of its own.
 *
 * Memory: one PeriodTree per month, whatever the number of entries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "ledger/block_tree.h"
#include "ledger/ledger_store.h"

void
crm_block_tree_begin(BlockTree *tree, TransactionDone done, void *arg)
{
	memset(tree, 0, sizeof(BlockTree));
	tree->memory = CurrentMemoryContext;
	tree->done = done;
	tree->arg = arg;
}

/* Makes the tree of a month, at its place in the order of time. */
static PeriodTree *
period_make(BlockTree *tree, TimestampTz at, int place)
{
	MemoryContext old = MemoryContextSwitchTo(tree->memory);
	PeriodTree *period = palloc(sizeof(PeriodTree));

	period->start = crm_ledger_month_start(at);
	period->end = crm_ledger_month_end(at);
	period->entries = 0;
	crm_merkle_begin(&period->transactions);
	crm_merkle_begin(&period->leaves);

	/* months are few; a block rarely has more than two */
	tree->periods = tree->periods ?
		repalloc(tree->periods, (tree->nperiods + 1) * sizeof(PeriodTree *)) :
		palloc(sizeof(PeriodTree *));
	memmove(&tree->periods[place + 1], &tree->periods[place],
			(tree->nperiods - place) * sizeof(PeriodTree *));
	tree->periods[place] = period;
	tree->nperiods++;
	MemoryContextSwitchTo(old);
	return period;
}

static PeriodTree *
period_find(BlockTree *tree, TimestampTz at)
{
	int			place = tree->nperiods;

	while (place > 0 && tree->periods[place - 1]->start > at)
		place--;
	if (place > 0 && at < tree->periods[place - 1]->end)
		return tree->periods[place - 1];
	return period_make(tree, at, place);
}

/* Hangs the transaction at hand below its months. */
static void
transaction_end(BlockTree *tree)
{
	for (int i = 0; i < tree->nperiods; i++)
	{
		PeriodTree *period = tree->periods[i];
		uint8		root[CRM_HASH_BYTES];

		if (period->leaves.count == 0)
			continue;
		crm_merkle_root(&period->leaves, root);
		crm_merkle_add(&period->transactions, root);
		tree->done(tree->arg, period, tree->xid, root);
		crm_merkle_begin(&period->leaves);
	}
}

void
crm_block_tree_add(BlockTree *tree, uint64 xid, TimestampTz at,
				   const uint8 *leaf)
{
	if (tree->entries == 0 || tree->xid != xid)
	{
		transaction_end(tree);
		tree->xid = xid;
		tree->transactions++;
	}
	if (tree->current == NULL || at < tree->current->start ||
		at >= tree->current->end)
		tree->current = period_find(tree, at);
	crm_merkle_add(&tree->current->leaves, leaf);
	tree->current->entries++;
	if (tree->entries == 0 || at > tree->last_at)
		tree->last_at = at;
	tree->entries++;
}

/* Gives the roots of the months and of the block. */
void
crm_block_tree_end(BlockTree *tree)
{
	MerkleStack stack;

	transaction_end(tree);
	crm_merkle_begin(&stack);
	for (int i = 0; i < tree->nperiods; i++)
	{
		crm_merkle_root(&tree->periods[i]->transactions,
						tree->periods[i]->root);
		crm_merkle_add(&stack, tree->periods[i]->root);
	}
	crm_merkle_root(&stack, tree->root);
}
