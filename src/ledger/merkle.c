/*-------------------------------------------------------------------------
 *
 * merkle.c
 *		Hash trees of RFC 6962, section 2.1, built while leaves stream by.
 *
 * A node is SHA-256(0x01 || left || right); an odd node is promoted, never
 * doubled; the root of an empty tree is the hash of nothing.  Leaves arrive
 * as hashes: their 0x00 is leaf.c's matter.
 *
 * Memory: a stack holds one hash per level, whatever the number of leaves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "ledger/merkle.h"

#define NODE_TAG	0x01

/*
 * Makes the context of the hash, which lives as long as the backend: to make
 * one costs more than to hash a node.  It belongs to a resource owner of its
 * own, for that of a transaction would free it.
 */
static pg_cryptohash_ctx *
hash_context(void)
{
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext old;
	pg_cryptohash_ctx *context;

	CurrentResourceOwner = ResourceOwnerCreate(NULL, "crmaudit");
	/* without OpenSSL it is allocated in the current memory context */
	old = MemoryContextSwitchTo(TopMemoryContext);
	context = pg_cryptohash_create(PG_SHA256);
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
	if (context == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return context;
}

void
crm_sha256(const void *data, size_t size, uint8 *digest)
{
	static pg_cryptohash_ctx *context = NULL;

	if (context == NULL)
		context = hash_context();
	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, data, size) < 0 ||
		pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute a SHA-256 digest");
}

void
crm_merkle_begin(MerkleStack *stack)
{
	stack->count = 0;
	stack->depth = 0;
}

void
crm_merkle_node(const uint8 *left, const uint8 *right, uint8 *node)
{
	uint8		message[1 + 2 * CRM_HASH_BYTES];

	message[0] = NODE_TAG;
	memcpy(message + 1, left, CRM_HASH_BYTES);
	memcpy(message + 1 + CRM_HASH_BYTES, right, CRM_HASH_BYTES);
	crm_sha256(message, sizeof(message), node);
}

/* Adds the next leaf; two complete subtrees of one size become one. */
void
crm_merkle_add(MerkleStack *stack, const uint8 *hash)
{
	memcpy(stack->nodes[stack->depth++], hash, CRM_HASH_BYTES);
	stack->count++;
	for (uint64 n = stack->count; (n & 1) == 0; n >>= 1)
	{
		stack->depth--;
		crm_merkle_node(stack->nodes[stack->depth - 1], stack->nodes[stack->depth],
						stack->nodes[stack->depth - 1]);
	}
}

/* Gives the root of what has been added; more may be added afterwards. */
void
crm_merkle_root(const MerkleStack *stack, uint8 *root)
{
	if (stack->depth == 0)
	{
		crm_sha256("", 0, root);
		return;
	}
	memcpy(root, stack->nodes[stack->depth - 1], CRM_HASH_BYTES);
	for (int i = stack->depth - 2; i >= 0; i--)
		crm_merkle_node(stack->nodes[i], root, root);
}
