/*-------------------------------------------------------------------------
 *
 * ledger_buffer.c
 *		The backend's buffer of entries and contexts.
 *
 * It is written when it holds much, when the outermost statement ends, and
 * before commit or prepare; what of the transaction reads the ledger has it
 * written first.
 *
 * Lifetime: the buffer belongs to the transaction; each row carries its
 * subtransaction, and the abort of a subtransaction drops its rows.  What was
 * captured outside the current subtransaction is not written within it, for
 * it would be lost with it.
 *
 * Memory: a context of its own below TopTransactionContext, reset whenever
 * the buffer is empty.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "ledger/capture.h"
#include "ledger/ledger_store.h"
#include "ledger/ledger_write.h"

/* What is buffered before it is written in the middle of a statement. */
#define BUFFER_ROWS		1000
#define BUFFER_BYTES	(1024 * 1024)

/* Rows for one of the two partitioned tables. */
typedef struct LedgerBuffer
{
	const char *parent;
	LedgerTarget target;
	TupleDesc	desc;
	LedgerRow  *rows;
	int			count;
	int			size;
} LedgerBuffer;

static LedgerBuffer entries = {"ledger_entry"};
static LedgerBuffer contexts = {"ledger_context"};
static MemoryContext buffer_context = NULL;
static Size buffer_bytes = 0;

/* Whether the transaction is being committed, and nobody will flush. */
static bool is_bypassed = false;

static ExecutorFinish_hook_type previous_finish = NULL;
static ProcessUtility_hook_type previous_utility = NULL;
static Node *present_utility = NULL;

/* Types of the columns, in the order of the enums in ledger_store.h. */
static const Oid entry_types[] = {
	INT8OID, XID8OID, TIMESTAMPTZOID, XID8OID, INT4OID, REGCLASSOID, INT4OID,
	INT4OID, CHAROID, XID8OID, JSONBOID, JSONBOID, JSONBOID, TEXTOID, TEXTOID, TEXTOID,
	TEXTARRAYOID, BYTEAOID, JSONBOID, BYTEAOID
};
static const Oid context_types[] = {
	INT8OID, XID8OID, TIMESTAMPTZOID, INT4OID, TEXTOID, TEXTOID, TEXTOID,
	TEXTOID, TEXTOID, TEXTOID, BYTEAOID
};

StaticAssertDecl(lengthof(entry_types) == ENTRY_COLUMNS,
				 "every column of ledger_entry has a type");
StaticAssertDecl(lengthof(context_types) == CONTEXT_COLUMNS,
				 "every column of ledger_context has a type");

static TupleDesc
desc_make(const Oid *types, int count)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	TupleDesc	desc = CreateTemplateTupleDesc(count);

	for (int i = 0; i < count; i++)
		TupleDescInitEntry(desc, i + 1, NULL, types[i], -1, 0);
	MemoryContextSwitchTo(old);
	return desc;
}

/* Empties the buffer of what is at or after the given positions. */
static void
buffer_cut(int entries_left, int contexts_left)
{
	entries.count = entries_left;
	contexts.count = contexts_left;
	if (entries_left > 0 || contexts_left > 0)
		return;
	entries.rows = contexts.rows = NULL;
	entries.size = contexts.size = 0;
	buffer_bytes = 0;
	if (buffer_context)
		MemoryContextReset(buffer_context);
}

static void
buffer_add(LedgerBuffer *buffer, Datum *values, bool *nulls, TimestampTz at)
{
	MemoryContext old;
	LedgerRow  *row;

	if (buffer_context == NULL)
		buffer_context = AllocSetContextCreate(TopTransactionContext,
											   "crmaudit ledger",
											   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(buffer_context);
	if (buffer->count == buffer->size)
	{
		buffer->size = buffer->size ? buffer->size * 2 : 16;
		buffer->rows = buffer->rows ?
			repalloc_huge(buffer->rows, buffer->size * sizeof(LedgerRow)) :
			palloc(buffer->size * sizeof(LedgerRow));
	}
	row = &buffer->rows[buffer->count];
	row->tuple = heap_form_tuple(buffer->desc, values, nulls);
	row->subid = GetCurrentSubTransactionId();
	row->at = at;
	buffer->count++;
	buffer_bytes += row->tuple->t_len;
	MemoryContextSwitchTo(old);
}

void
crm_ledger_buffer_entry(const LedgerEntry *entry)
{
	Datum		values[ENTRY_COLUMNS];
	bool		nulls[ENTRY_COLUMNS];

	if (entries.desc == NULL)
		entries.desc = desc_make(entry_types, ENTRY_COLUMNS);
	crm_ledger_entry_values(entry, values, nulls);
	buffer_add(&entries, values, nulls, entry->at);
	if (entries.count >= BUFFER_ROWS || buffer_bytes >= BUFFER_BYTES ||
		is_bypassed)
		crm_ledger_flush();
}

void
crm_ledger_buffer_context(const LedgerContext *context)
{
	Datum		values[CONTEXT_COLUMNS];
	bool		nulls[CONTEXT_COLUMNS];

	if (contexts.desc == NULL)
		contexts.desc = desc_make(context_types, CONTEXT_COLUMNS);
	crm_ledger_context_values(context, values, nulls);
	buffer_add(&contexts, values, nulls, context->at);
}

/* Position of the first row that belongs to the current subtransaction. */
static int
first_of(const LedgerBuffer *buffer, SubTransactionId subid)
{
	int			first = buffer->count;

	while (first > 0 && buffer->rows[first - 1].subid >= subid)
		first--;
	return first;
}

static void
buffer_write(LedgerBuffer *buffer, int first)
{
	if (first < buffer->count)
		crm_ledger_write(buffer->parent, &buffer->target, buffer->desc,
						 buffer->rows + first, buffer->count - first);
}

/*
 * Writes what the current subtransaction has captured.  May be called in any
 * memory context, with or without an active snapshot.
 */
void
crm_ledger_flush(void)
{
	SubTransactionId subid;
	MemoryContext work;
	MemoryContext old;
	bool		push;
	int			first_entry;
	int			first_context;

	if (entries.count == 0 && contexts.count == 0)
		return;
	subid = GetCurrentSubTransactionId();
	first_entry = first_of(&entries, subid);
	first_context = first_of(&contexts, subid);
	if (first_entry == entries.count && first_context == contexts.count)
		return;
	work = AllocSetContextCreate(CurrentMemoryContext, "crmaudit ledger flush",
								 ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	push = !ActiveSnapshotSet();
	if (push)
		PushActiveSnapshot(GetTransactionSnapshot());
	buffer_write(&contexts, first_context);
	buffer_write(&entries, first_entry);
	if (push)
		PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	buffer_cut(first_entry, first_context);
}

/* Whether there is nothing that only a transaction further out can write. */
bool
crm_ledger_is_flushed(void)
{
	return entries.count == 0 && contexts.count == 0;
}

/* Drops what an aborted subtransaction has captured. */
void
crm_ledger_buffer_abort(SubTransactionId subid)
{
	buffer_cut(first_of(&entries, subid), first_of(&contexts, subid));
}

/*
 * From here on every entry is written at once: another library may change rows
 * in a callback before commit that is called after ours.
 */
void
crm_ledger_buffer_bypass(void)
{
	is_bypassed = true;
}

/* The buffer's context goes with TopTransactionContext. */
void
crm_ledger_buffer_forget(void)
{
	is_bypassed = false;
	buffer_context = NULL;
	buffer_cut(0, 0);
}

/* The end of a statement that a client sent. */
static void
executor_finish(QueryDesc *query)
{
	if (previous_finish)
		previous_finish(query);
	else
		standard_ExecutorFinish(query);
	if (entries.count > 0 && ActivePortal &&
		query->sourceText == ActivePortal->sourceText)
		crm_ledger_flush();
}

/* The utility command that runs at present; NULL if the hook did not see it. */
Node *
crm_ledger_utility_statement(void)
{
	return present_utility;
}

/* COPY, TRUNCATE, EXECUTE, CALL: the end of a command that a client sent. */
static void
process_utility(PlannedStmt *statement, const char *source, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *receiver,
				QueryCompletion *completion)
{
	bool		is_transaction = IsA(statement->utilityStmt, TransactionStmt);
	Node	   *outer = present_utility;

	present_utility = statement->utilityStmt;
	PG_TRY();
	{
		if (previous_utility)
			previous_utility(statement, source, read_only_tree, context,
							 params, environment, receiver, completion);
		else
			standard_ProcessUtility(statement, source, read_only_tree,
									context, params, environment, receiver,
									completion);
	}
	PG_FINALLY();
	{
		present_utility = outer;
	}
	PG_END_TRY();
	if (entries.count > 0 && context == PROCESS_UTILITY_TOPLEVEL &&
		!is_transaction && IsTransactionState())
		crm_ledger_flush();
}

/* A partition may have come or gone. */
static void
relcache_callback(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == entries.target.parent)
		entries.target.is_valid = false;
	if (!OidIsValid(relid) || relid == contexts.target.parent)
		contexts.target.is_valid = false;
}

void
crm_ledger_buffer_init(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	previous_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = executor_finish;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
