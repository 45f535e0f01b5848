/*-------------------------------------------------------------------------
 *
 * merkle.h
 *		Hash trees of RFC 6962, section 2.1, built while leaves stream by.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_MERKLE_H
#define CRM_MERKLE_H

#include "ledger/ledger.h"

/* What is known of a tree: the roots of its complete subtrees, largest first. */
typedef struct MerkleStack
{
	uint64		count;			/* leaves so far */
	int			depth;
	uint8		nodes[64][CRM_HASH_BYTES];
} MerkleStack;

extern void crm_merkle_begin(MerkleStack *stack);
extern void crm_merkle_add(MerkleStack *stack, const uint8 *hash);
extern void crm_merkle_root(const MerkleStack *stack, uint8 *root);

/* The node over two others; "node" may be one of them. */
extern void crm_merkle_node(const uint8 *left, const uint8 *right, uint8 *node);

/* SHA-256 of one piece of memory; the context of the hash is used again. */
extern void crm_sha256(const void *data, size_t size, uint8 *digest);

#endif							/* CRM_MERKLE_H */
