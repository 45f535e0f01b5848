/*-------------------------------------------------------------------------
 *
 * leaf.h
 *		The hashes of entries, contexts and blocks: doc/ledger-format.md.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_LEAF_H
#define CRM_LEAF_H

#include "ledger/ledger.h"

/* Domains of hashes: the first byte of what is hashed; 0x01 is a tree's node. */
#define CRM_HASH_LEAF		0x00
#define CRM_HASH_COMMITMENT	0x02
#define CRM_HASH_BLOCK		0x03
#define CRM_HASH_SALT		0x04
#define CRM_HASH_CONTEXT	0x05

/* Kinds of values in an image. */
#define CRM_VALUE_STRING	's'
#define CRM_VALUE_NUMBER	'n'
#define CRM_VALUE_BOOLEAN	'b'
#define CRM_VALUE_JSON		'j'

/* The two images of an entry. */
#define CRM_SIDE_OLD		'o'
#define CRM_SIDE_NEW		'n'

/* The hash of a context, of an entry, of a block. */
extern void crm_context_hash(const LedgerContext *context, uint8 *hash);
extern void crm_leaf_hash(const LedgerEntry *entry, const uint8 *context_leaf,
						  uint8 *hash);

/* A block, as it is hashed. */
typedef struct LedgerBlock
{
	int64		block_id;
	int64		incarnation;
	const char *snapshot;		/* text of pg_snapshot; NULL in a closing
								 * block */
	int64		entries;
	int64		transactions;
	int64		entries_total;
	TimestampTz last_at;		/* 0 is hashed where there is none */
	bool		has_last_at;
	uint64		lsn;
	TimestampTz sealed_at;
	uint8		root[CRM_HASH_BYTES];
	uint8		coverage_hash[CRM_HASH_BYTES];
	uint8		previous_hash[CRM_HASH_BYTES];
	uint8		hash[CRM_HASH_BYTES];
} LedgerBlock;

extern void crm_block_hash(const LedgerBlock *block, uint8 *hash);

/* The salt of one personal column, and the commitment to its value. */
extern void crm_column_salt(const uint8 *salt, const char *name, int name_size,
							char side, uint8 *column_salt);
extern void crm_column_commitment(const uint8 *column_salt, const char *name,
								  int name_size, char side,
								  const JsonbValue *value, uint8 *commitment);

/* The commitment to a personal column of one image. */
typedef struct LedgerCommitment
{
	const char *name;
	int			name_size;
	char		side;
	uint8		hash[CRM_HASH_BYTES];
} LedgerCommitment;

/* Those of an entry, palloc'd, old before new; NULL if none is personal. */
extern uint32 crm_entry_commitments(const LedgerEntry *entry,
									LedgerCommitment **list);

#endif							/* CRM_LEAF_H */
