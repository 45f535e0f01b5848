/*-------------------------------------------------------------------------
 *
 * ledger_scan.c
 *		Entries of the ledger with their contexts, in order, over all
 *		partitions.
 *
 * Each partition is read by its own index on (xid, ord), and the streams are
 * merged: a transaction may lie in two months, and partitions of the past get
 * no rows, so that nearly always one stream alone moves.  Contexts are looked
 * up, and those of recent entries kept.
 *
 * Memory: a scan lives in a context of its own, under the one it was begun in.
 * What is detoasted for a row goes into another, which is reset for each.
 *
 * Locking: AccessShareLock on the parents, partitions and indexes, kept to the
 * end of the transaction.  The partitions are listed after the caller took its
 * snapshot, so that none is missing that has a row visible in it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "common/hashfn.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "compat.h"
#include "crmaudit.h"
#include "ledger/ledger_scan.h"
#include "ledger/ledger_store.h"

#define SCAN_KEYS	2

/* Sessions write side by side, each with a context that its entries share. */
#define CONTEXTS_KEPT	256

/* The rows of one partition. */
typedef struct PartitionStream
{
	Relation	heap;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	uint64		xid;			/* of the row in the slot */
	int32		number;			/* its ord or context */
} PartitionStream;

/* The rows of all partitions of ledger_entry, or of ledger_context. */
typedef struct StreamMerge
{
	bool		is_open;
	int			number_column;	/* second column of the index, from 0 */
	int			nstreams;
	PartitionStream *streams;
	binaryheap *queue;			/* streams that have a row, least first */
	PartitionStream *current;	/* which gave the last row */
} StreamMerge;

/* A context that was asked for, or that it is missing. */
typedef struct ScannedContext
{
	bool		is_used;
	bool		is_found;
	int64		incarnation;
	uint64		xid;
	int32		number;
	MemoryContext memory;		/* made when the place is used first */
	LedgerContext context;
} ScannedContext;

struct LedgerScan
{
	MemoryContext memory;
	MemoryContext row_memory;
	Snapshot	snapshot;
	int64		domain;
	uint64		end_xid;
	bool		leaves_only;
	StrangeEntries *strangers;
	StreamMerge entries;
	StreamMerge contexts;
	LedgerEntry entry;
	bool		has_entry;
	ScannedContext known[CONTEXTS_KEPT];
};

/* Order of the queue, which gives the greatest first. */
static int
stream_order(Datum a, Datum b, void *arg)
{
	const PartitionStream *first = (PartitionStream *) DatumGetPointer(a);
	const PartitionStream *second = (PartitionStream *) DatumGetPointer(b);

	if (first->xid != second->xid)
		return first->xid < second->xid ? 1 : -1;
	if (first->number != second->number)
		return first->number < second->number ? 1 : -1;
	return 0;
}

static bool
is_stream_index(Relation index, int number_column)
{
	Form_pg_index form = index->rd_index;

	/* both tables have xid as their second column */
	StaticAssertStmt((int) ENTRY_XID == (int) CONTEXT_XID,
					 "xid is the same column of both");
	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid &&
		form->indnkeyatts >= 2 &&
		form->indkey.values[0] == ENTRY_XID + 1 &&
		form->indkey.values[1] == number_column + 1 &&
		RelationGetIndexPredicate(index) == NIL;
}

/* Opens the index by which a partition is read. */
static Relation
stream_index_open(Relation heap, int number_column)
{
	List	   *indexes = RelationGetIndexList(heap);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (is_stream_index(index, number_column))
		{
			list_free(indexes);
			return index;
		}
		index_close(index, AccessShareLock);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("partition \"%s\" of the ledger has no index on (xid, %s)",
					RelationGetRelationName(heap),
					NameStr(TupleDescAttr(RelationGetDescr(heap),
										  number_column)->attname)),
			 errhint("crmaudit.maintain() creates it.")));
	return NULL;
}

/* Opens all partitions of one of the two tables. */
static void
merge_open(LedgerScan *scan, StreamMerge *merge, const char *parent,
		   int number_column, void (*check_layout) (Relation))
{
	MemoryContext old = MemoryContextSwitchTo(scan->memory);
	Oid			root = crm_relation_oid(parent);
	List	   *oids;
	ListCell   *cell;

	LockRelationOid(root, AccessShareLock);
	oids = find_all_inheritors(root, AccessShareLock, NULL);
	merge->number_column = number_column;
	merge->nstreams = 0;
	merge->streams = palloc0(list_length(oids) * sizeof(PartitionStream));
	foreach(cell, oids)
	{
		PartitionStream *stream = &merge->streams[merge->nstreams];
		Relation	heap = table_open(lfirst_oid(cell), NoLock);

		if (heap->rd_rel->relkind != RELKIND_RELATION)
		{
			table_close(heap, NoLock);
			continue;
		}
		check_layout(heap);
		stream->heap = heap;
		stream->index = stream_index_open(heap, number_column);
		stream->scan = index_beginscan(heap, stream->index, scan->snapshot,
									   NULL, SCAN_KEYS, 0);
		stream->slot = table_slot_create(heap, NULL);
		merge->nstreams++;
	}
	list_free(oids);
	merge->queue = binaryheap_allocate(Max(merge->nstreams, 1), stream_order,
									   NULL);
	merge->is_open = true;
	MemoryContextSwitchTo(old);
}

/* Notes an entry of a domain that nobody knows. */
static void
stranger_note(StrangeEntries *strangers, int64 incarnation,
			  TupleTableSlot *slot)
{
	for (int i = 0; i < strangers->nknown; i++)
	{
		if (strangers->known[i] == crm_incarnation_domain(incarnation))
			return;
	}
	strangers->xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot->tts_values[ENTRY_XID]));
	strangers->ord = DatumGetInt32(slot->tts_values[ENTRY_ORD]);
	strangers->count++;
}

/* Moves a stream to its next row of the domain; false at its end. */
static bool
stream_advance(LedgerScan *scan, StreamMerge *merge, PartitionStream *stream)
{
	TupleTableSlot *slot = stream->slot;

	while (index_getnext_slot(stream->scan, ForwardScanDirection, slot))
	{
		int64		incarnation;

		CHECK_FOR_INTERRUPTS();
		slot_getsomeattrs(slot, merge->number_column + 1);
		incarnation = DatumGetInt64(slot->tts_values[ENTRY_INCARNATION]);
		if (crm_incarnation_domain(incarnation) != scan->domain)
		{
			if (scan->strangers && merge == &scan->entries)
				stranger_note(scan->strangers, incarnation, slot);
			continue;
		}
		stream->xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot->tts_values[ENTRY_XID]));
		stream->number = DatumGetInt32(slot->tts_values[merge->number_column]);
		return true;
	}
	return false;
}

/* Starts all streams at the first row of a range of transactions. */
static void
merge_restart(LedgerScan *scan, StreamMerge *merge, uint64 first_xid)
{
	ScanKeyData keys[SCAN_KEYS];

	ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_XID8GE,
				FullTransactionIdGetDatum(FullTransactionIdFromU64(first_xid)));
	ScanKeyInit(&keys[1], 1, BTLessStrategyNumber, F_XID8LT,
				FullTransactionIdGetDatum(FullTransactionIdFromU64(scan->end_xid)));
	merge->current = NULL;
	binaryheap_reset(merge->queue);
	for (int i = 0; i < merge->nstreams; i++)
	{
		PartitionStream *stream = &merge->streams[i];

		index_rescan(stream->scan, keys, SCAN_KEYS, NULL, 0);
		if (stream_advance(scan, merge, stream))
			binaryheap_add_unordered(merge->queue, PointerGetDatum(stream));
	}
	binaryheap_build(merge->queue);
}

/* The stream that has the next row; NULL at the end. */
static PartitionStream *
merge_next(LedgerScan *scan, StreamMerge *merge)
{
	if (merge->current)
	{
		/* its row was in use until now */
		if (stream_advance(scan, merge, merge->current))
			binaryheap_replace_first(merge->queue,
									 PointerGetDatum(merge->current));
		else
			(void) binaryheap_remove_first(merge->queue);
	}
	merge->current = binaryheap_empty(merge->queue) ? NULL :
		(PartitionStream *) DatumGetPointer(binaryheap_first(merge->queue));
	return merge->current;
}

static void
merge_close(StreamMerge *merge)
{
	for (int i = 0; i < merge->nstreams; i++)
	{
		PartitionStream *stream = &merge->streams[i];

		ExecDropSingleTupleTableSlot(stream->slot);
		index_endscan(stream->scan);
		index_close(stream->index, NoLock);
		table_close(stream->heap, NoLock);
	}
}

LedgerScan *
crm_ledger_scan_begin(Snapshot snapshot, int64 domain, uint64 first_xid,
					  uint64 end_xid)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext,
												 "crmaudit ledger scan",
												 ALLOCSET_DEFAULT_SIZES);
	LedgerScan *scan = MemoryContextAllocZero(memory, sizeof(LedgerScan));

	scan->memory = memory;
	scan->row_memory = AllocSetContextCreate(memory,
											 "crmaudit ledger entry",
											 ALLOCSET_DEFAULT_SIZES);
	scan->snapshot = RegisterSnapshot(snapshot);
	scan->domain = domain;
	merge_open(scan, &scan->entries, "ledger_entry", ENTRY_ORD,
			   crm_ledger_check_entry_layout);
	crm_ledger_scan_restart(scan, first_xid, end_xid);
	return scan;
}

void
crm_ledger_scan_leaves_only(LedgerScan *scan)
{
	scan->leaves_only = true;
}

void
crm_ledger_scan_watch(LedgerScan *scan, StrangeEntries *strangers)
{
	scan->strangers = strangers;
}

/* What an index allocates while it is scanned lasts as long as the scan. */
void
crm_ledger_scan_restart(LedgerScan *scan, uint64 first_xid, uint64 end_xid)
{
	MemoryContext old = MemoryContextSwitchTo(scan->memory);

	scan->end_xid = end_xid;
	scan->has_entry = false;
	merge_restart(scan, &scan->entries, first_xid);
	MemoryContextSwitchTo(old);
}

const LedgerEntry *
crm_ledger_scan_next(LedgerScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->memory);
	PartitionStream *stream = merge_next(scan, &scan->entries);

	scan->has_entry = stream != NULL;
	if (stream)
	{
		MemoryContextReset(scan->row_memory);
		MemoryContextSwitchTo(scan->row_memory);
		if (scan->leaves_only)
			crm_ledger_entry_read_leaf(stream->slot, &scan->entry);
		else
			crm_ledger_entry_read(stream->slot, &scan->entry);
	}
	MemoryContextSwitchTo(old);
	return stream ? &scan->entry : NULL;
}

/* Looks for a context in one partition. */
static bool
stream_seek_context(PartitionStream *stream, const ScannedContext *known)
{
	TupleTableSlot *slot = stream->slot;
	ScanKeyData keys[SCAN_KEYS];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_XID8EQ,
				FullTransactionIdGetDatum(FullTransactionIdFromU64(known->xid)));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(known->number));
	index_rescan(stream->scan, keys, SCAN_KEYS, NULL, 0);
	while (index_getnext_slot(stream->scan, ForwardScanDirection, slot))
	{
		slot_getsomeattrs(slot, CONTEXT_INCARNATION + 1);
		if (DatumGetInt64(slot->tts_values[CONTEXT_INCARNATION]) ==
			known->incarnation)
			return true;
	}
	return false;
}

/*
 * Looks for a context in all partitions, first where the one before was: it is
 * of the same month as its entry.
 */
static PartitionStream *
context_seek(StreamMerge *contexts, const ScannedContext *known)
{
	PartitionStream *before = contexts->current;

	if (before && stream_seek_context(before, known))
		return before;
	for (int i = 0; i < contexts->nstreams; i++)
	{
		PartitionStream *stream = &contexts->streams[i];

		if (stream != before && stream_seek_context(stream, known))
			return stream;
	}
	return NULL;
}

static text *
text_copy(text * value)
{
	return value ? (text *) DatumGetPointer(datumCopy(PointerGetDatum(value),
													  false, -1)) : NULL;
}

/* Reads a context, which outlives the row of its stream. */
static void
context_fetch(LedgerScan *scan, ScannedContext *known)
{
	LedgerContext *context = &known->context;
	PartitionStream *stream;
	MemoryContext old = MemoryContextSwitchTo(scan->memory);

	if (!scan->contexts.is_open)
		merge_open(scan, &scan->contexts, "ledger_context", CONTEXT_CONTEXT,
				   crm_ledger_check_context_layout);
	stream = context_seek(&scan->contexts, known);
	MemoryContextSwitchTo(old);
	known->is_found = stream != NULL;
	if (stream == NULL)
		return;
	scan->contexts.current = stream;
	if (known->memory)
		MemoryContextReset(known->memory);
	else
		known->memory = AllocSetContextCreate(scan->memory,
											  "crmaudit ledger context",
											  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(known->memory);
	crm_ledger_context_read(stream->slot, context);
	context->actor = text_copy(context->actor);
	context->session_username = text_copy(context->session_username);
	context->current_username = text_copy(context->current_username);
	context->client = text_copy(context->client);
	context->application_name = text_copy(context->application_name);
	context->reason = text_copy(context->reason);
	MemoryContextSwitchTo(old);
}

const LedgerContext *
crm_ledger_scan_context(LedgerScan *scan)
{
	const LedgerEntry *entry = &scan->entry;
	ScannedContext *known;

	if (!scan->has_entry)
		return NULL;
	known = &scan->known[murmurhash32((uint32) entry->context_xid ^
									  (uint32) entry->context << 16) %
						 CONTEXTS_KEPT];
	if (!known->is_used || known->xid != entry->context_xid ||
		known->number != entry->context ||
		known->incarnation != entry->incarnation)
	{
		known->is_used = true;
		known->incarnation = entry->incarnation;
		known->xid = entry->context_xid;
		known->number = entry->context;
		context_fetch(scan, known);
	}
	return known->is_found ? &known->context : NULL;
}

void
crm_ledger_scan_end(LedgerScan *scan)
{
	merge_close(&scan->entries);
	merge_close(&scan->contexts);
	UnregisterSnapshot(scan->snapshot);
	MemoryContextDelete(scan->memory);
}
