/*-------------------------------------------------------------------------
 *
 * ledger_proof.c
 *		Aggregates over hash trees, and commitments: what proofs are made of.
 *
 * Memory: a state holds a few hashes per level of the tree, in the
 * aggregate's context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "ledger/leaf.h"
#include "ledger/ledger_store.h"
#include "ledger/merkle.h"

/* No path is longer: each level doubles the leaves. */
#define MAX_LEVELS	64

/* A tree, and the way from one of its leaves up. */
typedef struct MerklePath
{
	MerkleStack stack;			/* first, as merkle_accum() takes it */
	int			place;			/* node of the stack above the leaf; -1: none */
	int			length;
	bool		is_left[MAX_LEVELS];	/* where the sibling stands */
	uint8		siblings[MAX_LEVELS][CRM_HASH_BYTES];
} MerklePath;

PG_FUNCTION_INFO_V1(crmaudit_merkle_accum);
PG_FUNCTION_INFO_V1(crmaudit_merkle_final);
PG_FUNCTION_INFO_V1(crmaudit_merkle_path_accum);
PG_FUNCTION_INFO_V1(crmaudit_merkle_path_final);
PG_FUNCTION_INFO_V1(crmaudit_entry_commitments);

/* The aggregate's state, made at the first row. */
static void *
aggregate_state(FunctionCallInfo fcinfo, Size size)
{
	MemoryContext memory;

	if (!AggCheckCallContext(fcinfo, &memory))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return PG_ARGISNULL(0) ? MemoryContextAllocZero(memory, size) :
		PG_GETARG_POINTER(0);
}

/* The hash of a row; NULL is no leaf. */
static const uint8 *
hash_argument(FunctionCallInfo fcinfo)
{
	bytea	   *hash = PG_GETARG_BYTEA_PP(1);

	if (VARSIZE_ANY_EXHDR(hash) != CRM_HASH_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a leaf of a hash tree must have %d bytes",
						CRM_HASH_BYTES)));
	return (uint8 *) VARDATA_ANY(hash);
}

static Datum
root_datum(const MerkleStack *stack)
{
	bytea	   *result = palloc(VARHDRSZ + CRM_HASH_BYTES);

	SET_VARSIZE(result, VARHDRSZ + CRM_HASH_BYTES);
	crm_merkle_root(stack, (uint8 *) VARDATA(result));
	return PointerGetDatum(result);
}

/* merkle_root(hash bytea): transition and final function */
Datum
crmaudit_merkle_accum(PG_FUNCTION_ARGS)
{
	MerkleStack *stack = aggregate_state(fcinfo, sizeof(MerkleStack));

	if (!PG_ARGISNULL(1))
		crm_merkle_add(stack, hash_argument(fcinfo));
	PG_RETURN_POINTER(stack);
}

Datum
crmaudit_merkle_final(PG_FUNCTION_ARGS)
{
	MerkleStack empty;

	if (!PG_ARGISNULL(0))
		return root_datum((MerkleStack *) PG_GETARG_POINTER(0));
	crm_merkle_begin(&empty);
	return root_datum(&empty);
}

static void
tree_path_step(MerklePath *path, bool is_left, const uint8 *sibling)
{
	path->is_left[path->length] = is_left;
	memcpy(path->siblings[path->length++], sibling, CRM_HASH_BYTES);
}

/*
 * The same as crm_merkle_add(), noting the sibling whenever the subtree with
 * the leaf becomes part of a larger one.
 */
static void
tree_path_add(MerklePath *path, const uint8 *hash, bool is_proved)
{
	MerkleStack *stack = &path->stack;
	int			top = stack->depth;

	/* what the new leaf will be merged with, from the top down */
	if (is_proved && path->place < 0)
		path->place = top;
	for (uint64 n = stack->count + 1; (n & 1) == 0; n >>= 1)
		top--;
	if (path->place >= top && stack->depth > top)
	{
		uint8		node[CRM_HASH_BYTES];

		/* merged subtrees are those from "top" on, and then the leaf */
		memcpy(node, hash, CRM_HASH_BYTES);
		for (int i = stack->depth - 1; i >= top; i--)
		{
			if (path->place == i + 1)
				tree_path_step(path, true, stack->nodes[i]);
			else if (path->place == i)
				tree_path_step(path, false, node);
			if (path->place == i + 1)
				path->place = i;
			crm_merkle_node(stack->nodes[i], node, node);
		}
	}
	crm_merkle_add(stack, hash);
}

/* merkle_path(hash bytea, is_proved boolean): transition and final function */
Datum
crmaudit_merkle_path_accum(PG_FUNCTION_ARGS)
{
	MerklePath *path = aggregate_state(fcinfo, sizeof(MerklePath));

	if (PG_ARGISNULL(0))
		path->place = -1;
	if (!PG_ARGISNULL(1))
		tree_path_add(path, hash_argument(fcinfo),
					  !PG_ARGISNULL(2) && PG_GETARG_BOOL(2));
	PG_RETURN_POINTER(path);
}

static void
push_hex(JsonbParseState **state, JsonbIteratorToken token,
		 const uint8 *hash)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.len = 2 * CRM_HASH_BYTES;
	value.val.string.val = palloc(2 * CRM_HASH_BYTES);
	hex_encode((const char *) hash, CRM_HASH_BYTES, value.val.string.val);
	pushJsonbValue(state, token, &value);
}

static void
push_key(JsonbParseState **state, const char *name, int size)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, name);
	value.val.string.len = size;
	pushJsonbValue(state, WJB_KEY, &value);
}

Datum
crmaudit_merkle_path_final(PG_FUNCTION_ARGS)
{
	MerklePath	path;
	MerkleStack *stack = &path.stack;
	JsonbParseState *state = NULL;
	uint8		node[CRM_HASH_BYTES];

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	/* the state stays as it is, for a window may go on */
	memcpy(&path, PG_GETARG_POINTER(0), sizeof(path));
	if (path.place < 0)
		PG_RETURN_NULL();

	/* complete subtrees are merged from the smallest up */
	memcpy(node, stack->nodes[stack->depth - 1], CRM_HASH_BYTES);
	for (int i = stack->depth - 2; i >= 0; i--)
	{
		if (path.place == i)
			tree_path_step(&path, false, node);
		else if (path.place > i)
			tree_path_step(&path, true, stack->nodes[i]);
		crm_merkle_node(stack->nodes[i], node, node);
	}

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < path.length; i++)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		if (path.is_left[i])
			push_key(&state, "left", 4);
		else
			push_key(&state, "right", 5);
		push_hex(&state, WJB_VALUE, path.siblings[i]);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY,
													   NULL)));
}

/* crmaudit.entry_commitments(entry) returns jsonb */
Datum
crmaudit_entry_commitments(PG_FUNCTION_ARGS)
{
	TupleTableSlot *slot = crm_ledger_row_slot(PG_GETARG_HEAPTUPLEHEADER(0));
	LedgerEntry entry;
	LedgerCommitment *list;
	uint32		count;
	JsonbParseState *state = NULL;
	JsonbValue *result;

	crm_ledger_entry_read(slot, &entry);
	count = crm_entry_commitments(&entry, &list);
	if (count == 0)
	{
		ExecDropSingleTupleTableSlot(slot);
		PG_RETURN_NULL();
	}
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (uint32 i = 0; i < count; i++)
	{
		if (i == 0 || list[i].side != list[i - 1].side)
		{
			push_key(&state, list[i].side == CRM_SIDE_OLD ? "old" : "new", 3);
			pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		}
		push_key(&state, list[i].name, list[i].name_size);
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_key(&state, "c", 1);
		push_hex(&state, WJB_VALUE, list[i].hash);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
		if (i + 1 == count || list[i].side != list[i + 1].side)
			pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	ExecDropSingleTupleTableSlot(slot);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(result));
}
