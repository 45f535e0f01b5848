/*-------------------------------------------------------------------------
 *
 * verify.h
 *		Verification of the ledger: against itself, and against the tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_VERIFY_H
#define CRM_VERIFY_H

#include "utils/snapshot.h"
#include "utils/tuplestore.h"

#include "ledger/ledger.h"

/* Where faults go: rows of verify_ledger(). */
typedef struct Faults
{
	Tuplestorestate *store;
	TupleDesc	desc;
	int64		count;
} Faults;

/* A fault; what is 0 or NULL is unknown, and so is a block 0. */
typedef struct Fault
{
	const char *status;
	int64		block_id;
	uint64		xid;
	int32		ord;
	Oid			target;
	Jsonb	   *row_key;
	char	   *detail;
} Fault;

extern void crm_fault_add(Faults *faults, const Fault *fault);

/*
 * Rows that must not be judged by their entries, for some entry of theirs is
 * at fault: (table_id, jsonb_hash_extended(row_key, table_id)).
 */
typedef struct SuspectKeys SuspectKeys;

extern SuspectKeys *crm_suspects_create(void);
extern void crm_suspects_add(SuspectKeys *suspects, int32 table_id,
							 int64 key_hash);
extern bool crm_suspects_has(const SuspectKeys *suspects, int32 table_id,
							 int64 key_hash);
extern int64 crm_key_hash(int32 table_id, Jsonb *row_key);

/*
 * From verify_live.c: the tables against what the ledger says of them.
 *
 * Who locks the tables before taking the snapshot will not be told that one
 * was altered or emptied meanwhile (INCOMPLETE); until the end of the
 * transaction nobody can do either.
 */
extern void crm_verify_live_lock(Oid only_target);
extern void crm_verify_live(Faults *faults, Snapshot snapshot,
							const SuspectKeys *suspects, Oid only_target);

#endif							/* CRM_VERIFY_H */
