/*-------------------------------------------------------------------------
 *
 * delta_write.c
 *		Appends what a transaction changed to crmaudit.score_delta.
 *
 * What has a smaller id than that a table was truncated does not count any
 * more; what has the same id does.  An id is the time at which it is written,
 * in microseconds: the transaction still has the table locked then, so that
 * their order is the order of effect.  It is not of a sequence, for nextval()
 * would take lastval() from the application.
 *
 * Within a session ids grow whatever the clock does.  Where the clock is put
 * back between two sessions, one of which truncates, and before the deltas of
 * the first are folded, they are taken in the wrong order: what was written
 * before the TRUNCATE is counted still, or what was written after it is not.
 * Only a sweep, rebase_scores() or another TRUNCATE makes that good.  Without
 * a TRUNCATE their order does not matter.
 *
 * Locking: only RowExclusiveLock on crmaudit.score_delta.  Nothing is ever
 * updated, so that no writer waits for another, or fails to serialise.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "bulk_insert.h"
#include "scoring/delta_private.h"
#include "scoring/tally_array.h"

/* Rows handed to one multi-insert. */
#define DELTAS_BATCH	100

/* Columns of crmaudit.score_delta, in this order. */
typedef enum DeltaColumn
{
	DELTA_ID,
	DELTA_XID,
	DELTA_TARGET,
	DELTA_OWNER,
	DELTA_VERSION,
	DELTA_ROWS,
	DELTA_CLEAN,
	DELTA_EVALUATIONS,
	DELTA_ERRORS,
	DELTA_ASSESSED,
	DELTA_FAILED,
	DELTA_LOST,
	DELTA_TRUNCATED,
	DELTA_STALE,
	DELTA_AT
} DeltaColumn;

static const char *const delta_columns[] = {
	"id", "xid", "target", "owner", "rule_set_version", "rows", "clean",
	"evaluations", "errors", "assessed", "failed", "lost", "truncated",
	"stale", "at"
};

#define DELTA_COLUMNS	((int) lengthof(delta_columns))

/* What is the same for all rows, and those that wait to be written. */
typedef struct DeltaWriter
{
	Relation	rel;
	CatalogIndexState indexes;
	int			natts;
	const AttrNumber *attnums;
	Datum		id;
	Datum		xid;
	Datum		at;
	TupleTableSlot *slots[DELTAS_BATCH];
	int			nslots;			/* that exist */
	int			nrows;			/* that wait */
	MemoryContext context;		/* of slots */
	MemoryContext batch;		/* of rows */
} DeltaWriter;

/*
 * Where the table has its columns.  Kept for the session, for a transaction
 * may be a single row: what a column's number is does not change.
 */
static const AttrNumber *
delta_attnums(Oid relid)
{
	static Oid	known = InvalidOid;
	static AttrNumber attnums[DELTA_COLUMNS];

	if (known == relid)
		return attnums;
	known = InvalidOid;
	for (int i = 0; i < DELTA_COLUMNS; i++)
	{
		attnums[i] = get_attnum(relid, delta_columns[i]);
		if (attnums[i] == InvalidAttrNumber)
			elog(ERROR, "column \"%s\" of crmaudit.score_delta does not exist",
				 delta_columns[i]);
	}
	known = relid;
	return attnums;
}

/* The id of what is written now; greater than all before in this session. */
static int64
next_id(void)
{
	static int64 last = 0;

	last = Max(last + 1, GetCurrentTimestamp());
	return last;
}

/* Opens the table; false if there is none. */
static bool
writer_open(DeltaWriter *writer)
{
	Oid			relid = crm_relation_oid("score_delta");

	memset(writer, 0, sizeof(*writer));
	/* the transaction drops the extension */
	if (!OidIsValid(relid))
		return false;
	writer->context = CurrentMemoryContext;
	writer->batch = AllocSetContextCreate(CurrentMemoryContext,
										  "crmaudit score deltas",
										  ALLOCSET_DEFAULT_SIZES);
	writer->rel = table_open(relid, RowExclusiveLock);
	writer->natts = RelationGetDescr(writer->rel)->natts;
	writer->attnums = delta_attnums(relid);
	writer->indexes = CatalogOpenIndexes(writer->rel);
	writer->id = Int64GetDatum(next_id());
	writer->xid = FullTransactionIdGetDatum(GetTopFullTransactionId());
	writer->at = TimestampTzGetDatum(GetCurrentStatementStartTimestamp());
	return true;
}

/* Writes the rows that wait. */
static void
writer_flush(DeltaWriter *writer)
{
	if (writer->nrows == 0)
		return;
	crm_bulk_insert(writer->rel, writer->slots, writer->nrows,
					writer->indexes);
	for (int i = 0; i < writer->nrows; i++)
		ExecClearTuple(writer->slots[i]);
	writer->nrows = 0;
	MemoryContextReset(writer->batch);
}

static void
writer_close(DeltaWriter *writer)
{
	writer_flush(writer);
	for (int i = 0; i < writer->nslots; i++)
		ExecDropSingleTupleTableSlot(writer->slots[i]);
	CatalogCloseIndexes(writer->indexes);
	table_close(writer->rel, NoLock);
}

/* Adds a row; the tally is NULL of one that only says what happened. */
static void
writer_put(DeltaWriter *writer, const TallyKey *key, const ScoreTally *tally,
		   int ncells, bool truncated, bool stale)
{
	MemoryContext old = MemoryContextSwitchTo(writer->batch);
	Datum		given[DELTA_COLUMNS] = {0};
	bool		absent[DELTA_COLUMNS] = {false};
	Datum	   *values = palloc0(writer->natts * sizeof(Datum));
	bool	   *nulls = palloc(writer->natts * sizeof(bool));

	given[DELTA_ID] = writer->id;
	given[DELTA_XID] = writer->xid;
	given[DELTA_TARGET] = ObjectIdGetDatum(key->target);
	absent[DELTA_OWNER] = !key->has_owner;
	if (key->has_owner)
		given[DELTA_OWNER] = CStringGetTextDatum(key->owner);
	given[DELTA_VERSION] = Int32GetDatum(key->version);
	given[DELTA_ROWS] = Int64GetDatum(tally ? tally->rows : 0);
	given[DELTA_CLEAN] = Int64GetDatum(tally ? tally->clean : 0);
	given[DELTA_EVALUATIONS] = Int64GetDatum(tally ? tally->evaluations : 0);
	given[DELTA_ERRORS] = Int64GetDatum(tally ? tally->errors : 0);
	absent[DELTA_ASSESSED] = !tally ||
		!crm_tally_array(tally->assessed, ncells, &given[DELTA_ASSESSED]);
	absent[DELTA_FAILED] = !tally ||
		!crm_tally_array(tally->failed, ncells, &given[DELTA_FAILED]);
	absent[DELTA_LOST] = !tally ||
		!crm_tally_array(tally->lost, ncells, &given[DELTA_LOST]);
	given[DELTA_TRUNCATED] = BoolGetDatum(truncated);
	given[DELTA_STALE] = BoolGetDatum(stale);
	given[DELTA_AT] = writer->at;

	memset(nulls, true, writer->natts * sizeof(bool));
	for (int i = 0; i < DELTA_COLUMNS; i++)
	{
		values[writer->attnums[i] - 1] = given[i];
		nulls[writer->attnums[i] - 1] = absent[i];
	}
	if (writer->nrows == writer->nslots)
	{
		MemoryContextSwitchTo(writer->context);
		writer->slots[writer->nslots++] =
			MakeSingleTupleTableSlot(RelationGetDescr(writer->rel),
									 &TTSOpsHeapTuple);
		MemoryContextSwitchTo(writer->batch);
	}
	ExecStoreHeapTuple(heap_form_tuple(RelationGetDescr(writer->rel), values,
									   nulls),
					   writer->slots[writer->nrows++], false);
	MemoryContextSwitchTo(old);
	if (writer->nrows == DELTAS_BATCH)
		writer_flush(writer);
}

/* Writes the tallies that "chosen" has, which may be all; drops them. */
static void
write_tallies(DeltaWriter *writer, bool (*chosen) (const TallyEntry *entry))
{
	HASH_SEQ_STATUS status;
	TallyEntry *entry;

	/* markers first, and of them what was before the rest */
	for (int pass = 0; pass < 2; pass++)
	{
		hash_seq_init(&status, crm_tallies());
		while ((entry = hash_seq_search(&status)) != NULL)
		{
			TallyFrame *frame = entry->top;

			if ((entry->key.version != CRM_MARKER_VERSION) != pass ||
				frame == NULL || (chosen && !chosen(entry)))
				continue;
			/* the transaction may have dropped it */
			if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(entry->key.target)))
			{
				if (frame->truncated)
					writer_put(writer, &entry->key, NULL, 0, true, false);
				if (frame->stale)
					writer_put(writer, &entry->key, NULL, 0, false, true);
				if (!crm_tally_is_empty(frame->tally, entry->ncells))
					writer_put(writer, &entry->key, frame->tally,
							   entry->ncells, false, false);
			}
			if (frame->below == NULL)
				crm_frame_drop(frame);
			else
			{
				/* it may cover */
				crm_tally_clear(frame->tally, entry->ncells);
				frame->truncated = false;
				frame->stale = false;
			}
		}
	}
}

static void
deltas_write(bool (*chosen) (const TallyEntry *entry))
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "crmaudit score write",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	DeltaWriter writer;

	if (writer_open(&writer))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		write_tallies(&writer, chosen);
		writer_close(&writer);
		PopActiveSnapshot();
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

/* Writes all, before the transaction commits or is prepared. */
void
crm_deltas_write(void)
{
	deltas_write(NULL);
}

/*
 * What the current subtransaction changed; not where one around it truncated
 * the table, for that has to be written first.
 */
static bool
may_write_early(const TallyEntry *entry)
{
	TallyKey	key;
	TallyEntry *marker;

	if (entry->top->subid != GetCurrentSubTransactionId())
		return false;
	memset(&key, 0, sizeof(key));
	key.target = entry->key.target;
	key.version = CRM_MARKER_VERSION;
	marker = hash_search(crm_tallies(), &key, HASH_FIND, NULL);
	for (TallyFrame *frame = marker ? marker->top : NULL; frame;
		 frame = frame->below)
	{
		if (frame->truncated && frame->subid != GetCurrentSubTransactionId())
			return false;
	}
	return true;
}

/* Bounds the memory of a transaction that changes rows of many owners. */
void
crm_deltas_write_early(void)
{
	deltas_write(may_write_early);
}
