/*-------------------------------------------------------------------------
 *
 * verify_walk.h
 *		The walk through the entries of one block, or of what is not sealed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_VERIFY_WALK_H
#define CRM_VERIFY_WALK_H

#include "ledger/merkle.h"
#include "ledger/verify_private.h"

/* What is seen of the transaction at hand in one month. */
typedef struct SeenPeriod
{
	DateADT		period;
	MerkleStack leaves;
	uint8		root[CRM_HASH_BYTES];	/* set at the end */
} SeenPeriod;

/* What ledger_transaction says of it in one month. */
typedef struct StoredPeriod
{
	DateADT		period;
	int32		entries;
	uint8		root[CRM_HASH_BYTES];
} StoredPeriod;

/* A transaction lies in two months at most, but for a forger. */
#define SEEN_PERIODS	4

/* A fault of a number, which is told once the block's roots are known. */
typedef struct DeferredFault
{
	Fault		fault;
	bool		is_in_tree;		/* its entry was hung into a tree */
} DeferredFault;

typedef struct EntryWalk
{
	ChainRun   *run;
	int64		block_id;		/* 0: not sealed */
	int64		domain;
	VerifiedPeriod *periods;
	int			nperiods;
	MerkleStack *roots;			/* of each month's transactions, as stored */
	int64	   *stored;			/* and how many entries these have */
	MemoryContext memory;		/* for an entry, reset for each */

	MerkleStack *seen_roots;	/* the same of transactions as they are */
	List	   *deferred;		/* of DeferredFault */
	int64		nstray;			/* entries of months that the block has not */
	MemoryContext block_memory;
	bool		is_uncertain;	/* an earlier block of the domain is at fault */
	bool		has_pruned;		/* some month of the block is gone by right */
	bool		periods_are_right;	/* the list of the block's months */
	bool		stored_is_wrong;	/* ledger_transaction was altered */
	bool		is_present;		/* the domain is the database's present one */
	SealSnapshot now;			/* then: what has ended by now */

	/* the transaction at hand */
	uint64		xid;			/* 0: none */
	int			nstored;		/* what ledger_transaction says of it */
	StoredPeriod stored_periods[SEEN_PERIODS];
	int64		expected;		/* entries by that; -1: it is not there */
	int32		last_ord;
	int64		nentries;
	bool		is_faulty;		/* a fault was told that explains its root */
	int			nseen;
	SeenPeriod	seen[SEEN_PERIODS];
	int			first_deferred; /* of its faults, in "deferred" */
	int			first_missing;	/* and in the run's list */

	/* the table at hand */
	int32		table_id;
	Oid			target;			/* InvalidOid: it is not known */

	/* the context at hand */
	const LedgerContext *context;
	uint64		context_xid;
	int32		context_number;
	uint8		context_leaf[CRM_HASH_BYTES];
	bool		context_is_right;
} EntryWalk;

/* From verify_entry.c: what is wrong with an entry; NULL if nothing is. */
extern const char *crm_entry_problem(EntryWalk *walk, LedgerScan *scan,
									 const LedgerEntry *entry, bool *is_told);
extern void crm_pruning_note(ChainRun *run, const LedgerEntry *entry);

#endif							/* CRM_VERIFY_WALK_H */
