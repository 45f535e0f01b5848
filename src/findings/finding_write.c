/*-------------------------------------------------------------------------
 *
 * finding_write.c
 *		Appends finding events, in bulk.
 *
 * The gate remembers a row's events before the row is stored, and confirms
 * them when it is; what was remembered for a row that ON CONFLICT skipped is
 * forgotten.  Confirmed events are written when the statement ends, by the
 * one AFTER event that the first of them causes, when there are many, and
 * before commit.
 *
 * Lifetime: the buffer belongs to the transaction; each event carries its
 * subtransaction, and the abort of a subtransaction drops its events.
 *
 * Memory: the buffer lives in a context of its own below
 * TopTransactionContext, reset whenever the buffer is empty.
 *
 * Locking: only RowExclusiveLock on crmaudit.finding_event.  Nothing is ever
 * updated, so that no writer waits for another, or fails to serialise.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "bulk_insert.h"
#include "findings/finding.h"
#include "guc.h"

/* Confirmed events that are written before the statement ends. */
#define FINDINGS_MANY	1000

/* Rows handed to one multi-insert. */
#define FINDINGS_BATCH	100

typedef struct RememberedEvent
{
	SubTransactionId subid;
	CommandId	command;
	int64		rule_id;		/* 0: concerns the whole target */
	int			rule_version;
	Oid			target;
	const char *event;
	const char *verdict;
	const char *reason;
	const char *mode;
	CrmSeverity severity;
	Jsonb	   *row_key;
	char	   *column_name;
} RememberedEvent;

/* Columns of crmaudit.finding_event that are written, in this order. */
typedef enum EventColumn
{
	EVENT_ID,
	EVENT_AT,
	EVENT_XID,
	EVENT_RULE_ID,
	EVENT_RULE_VERSION,
	EVENT_TARGET,
	EVENT_ROW_KEY,
	EVENT_COLUMN_NAME,
	EVENT_EVENT,
	EVENT_VERDICT,
	EVENT_REASON,
	EVENT_SEVERITY,
	EVENT_MODE,
	EVENT_USERNAME,
	EVENT_ACTOR
} EventColumn;

static const char *const event_columns[] = {
	"id", "at", "xid", "rule_id", "rule_version", "target", "row_key",
	"column_name", "event", "verdict", "reason", "severity", "mode",
	"username", "actor"
};

#define EVENT_COLUMNS	((int) lengthof(event_columns))

/* What is the same for all rows of one flush. */
typedef struct EventWriter
{
	Relation	rel;
	Oid			sequence;
	int			natts;
	AttrNumber	attnums[EVENT_COLUMNS];
	Datum		severities[CRM_SEVERITIES];
	Datum		username;
	TimestampTz at;
} EventWriter;

static MemoryContext finding_context = NULL;
static RememberedEvent *events = NULL;
static int	nevents = 0;
static int	nconfirmed = 0;
static int	events_size = 0;

/* Whether an AFTER event that will flush is queued, and by whom. */
static bool flush_scheduled = false;
static SubTransactionId scheduled_by = InvalidSubTransactionId;

/* Empties the buffer. */
static void
buffer_reset(void)
{
	nevents = 0;
	nconfirmed = 0;
	events = NULL;
	events_size = 0;
	if (finding_context)
		MemoryContextReset(finding_context);
}

/* Adds an event to the buffer, not yet confirmed. */
static RememberedEvent *
buffer_add(void)
{
	if (finding_context == NULL)
		finding_context = AllocSetContextCreate(TopTransactionContext,
												"crmaudit findings",
												ALLOCSET_DEFAULT_SIZES);
	if (nevents == events_size)
	{
		events_size = events_size ? events_size * 2 : 16;
		events = events ?
			repalloc_huge(events, events_size * sizeof(RememberedEvent)) :
			MemoryContextAlloc(finding_context,
							   events_size * sizeof(RememberedEvent));
	}
	memset(&events[nevents], 0, sizeof(RememberedEvent));
	events[nevents].subid = GetCurrentSubTransactionId();
	events[nevents].command = GetCurrentCommandId(false);
	return &events[nevents++];
}

/* Forgets what was remembered for a row that was not stored. */
void
crm_findings_forget(void)
{
	if (nevents == nconfirmed)
		return;
	/* freed one by one: a statement may skip any number of rows */
	while (nevents > nconfirmed)
	{
		RememberedEvent *item = &events[--nevents];

		if (item->row_key)
			pfree(item->row_key);
		if (item->column_name)
			pfree(item->column_name);
	}
	if (nevents == 0)
		buffer_reset();
}

/* The column that an event names: the rule's first. */
static const char *
rule_column_name(const Rule *rule)
{
	return rule->ncolumns > 0 ? rule->columns[0].spec : NULL;
}

/* Remembers an event of the row that is about to be stored. */
void
crm_finding_remember(const RuleSet *ruleset, const Rule *rule,
					 FindingEvent event, RuleOutcome outcome, CrmMode mode,
					 Jsonb *row_key)
{
	RememberedEvent *item = buffer_add();
	MemoryContext old = MemoryContextSwitchTo(finding_context);
	const char *column = rule_column_name(rule);

	item->rule_id = rule->id;
	item->rule_version = rule->version;
	item->target = ruleset->target;
	item->mode = crm_mode_name(mode);
	item->severity = crm_outcome_severity(rule, outcome);
	item->event = event == FINDING_SEEN ? "seen" : "gone";
	if (event == FINDING_SEEN)
	{
		item->verdict = outcome.state == RULE_ERROR ? "error" :
			crm_verdict_names[outcome.state == RULE_SUSPECT ?
							  CRM_SUSPECT : CRM_INVALID];
		item->reason = crm_reason_words[outcome.reason].code;
	}
	item->row_key = (Jsonb *) datumCopy(JsonbPGetDatum(row_key), false, -1);
	item->column_name = column ? pstrdup(column) : NULL;
	MemoryContextSwitchTo(old);
}

/*
 * Confirms what was remembered; returns whether the caller must see to it
 * that crm_findings_flush() is called when the statement ends.
 */
bool
crm_findings_confirm(void)
{
	if (nevents == nconfirmed)
		return false;
	nconfirmed = nevents;
	if (flush_scheduled)
		return false;
	flush_scheduled = true;
	scheduled_by = GetCurrentSubTransactionId();
	return true;
}

/*
 * Confirms what was remembered; it is written before commit at the latest.
 * The statement that follows SET CONSTRAINTS is another command.
 */
void
crm_findings_keep(void)
{
	if (nevents > nconfirmed)
		(void) GetCurrentCommandId(true);
	nconfirmed = nevents;
}

/* Remembers, and confirms, that a protected table was truncated. */
void
crm_finding_truncated(Oid target)
{
	RememberedEvent *item;

	crm_findings_forget();
	item = buffer_add();
	item->target = target;
	item->event = "truncated";
	nconfirmed = nevents;
	crm_findings_flush();
}

/* Opens the table, and looks up what all rows share. */
static void
writer_open(EventWriter *writer)
{
	Oid			relid = crm_relation_oid("finding_event");
	Oid			severity_type;

	if (!OidIsValid(relid))
		elog(ERROR, "crmaudit.finding_event does not exist");
	writer->rel = table_open(relid, RowExclusiveLock);
	writer->sequence = crm_relation_oid("finding_event_id_seq");
	writer->natts = RelationGetDescr(writer->rel)->natts;
	for (int i = 0; i < EVENT_COLUMNS; i++)
	{
		writer->attnums[i] = get_attnum(relid, event_columns[i]);
		if (writer->attnums[i] == InvalidAttrNumber)
			elog(ERROR, "column \"%s\" of crmaudit.finding_event does not exist",
				 event_columns[i]);
	}
	severity_type = get_atttype(relid, writer->attnums[EVENT_SEVERITY]);
	for (int i = 0; i < CRM_SEVERITIES; i++)
		writer->severities[i] =
			DirectFunctionCall2(enum_in, CStringGetDatum(crm_severity_names[i]),
								ObjectIdGetDatum(severity_type));
	writer->username =
		DirectFunctionCall1(namein,
							CStringGetDatum(GetUserNameFromId(GetSessionUserId(),
															  false)));
	writer->at = GetCurrentStatementStartTimestamp();
}

static void
writer_set(EventWriter *writer, Datum *values, bool *nulls, EventColumn column,
		   Datum value)
{
	values[writer->attnums[column] - 1] = value;
	nulls[writer->attnums[column] - 1] = false;
}

static void
writer_set_text(EventWriter *writer, Datum *values, bool *nulls,
				EventColumn column, const char *text)
{
	if (text)
		writer_set(writer, values, nulls, column, CStringGetTextDatum(text));
}

/* Forms the tuple of one event. */
static HeapTuple
event_tuple(EventWriter *writer, const RememberedEvent *item)
{
	Datum	   *values = palloc0(writer->natts * sizeof(Datum));
	bool	   *nulls = palloc(writer->natts * sizeof(bool));

	memset(nulls, true, writer->natts * sizeof(bool));
	/* before the id: who folds relies on it that ids belong to known xids */
	writer_set(writer, values, nulls, EVENT_XID,
			   FullTransactionIdGetDatum(GetTopFullTransactionId()));
	writer_set(writer, values, nulls, EVENT_ID,
			   Int64GetDatum(nextval_internal(writer->sequence, false)));
	writer_set(writer, values, nulls, EVENT_AT, TimestampTzGetDatum(writer->at));
	writer_set(writer, values, nulls, EVENT_TARGET,
			   ObjectIdGetDatum(item->target));
	writer_set(writer, values, nulls, EVENT_USERNAME, writer->username);
	writer_set_text(writer, values, nulls, EVENT_EVENT, item->event);
	if (item->rule_id != 0)
	{
		writer_set(writer, values, nulls, EVENT_RULE_ID,
				   Int64GetDatum(item->rule_id));
		writer_set(writer, values, nulls, EVENT_RULE_VERSION,
				   Int32GetDatum(item->rule_version));
		writer_set(writer, values, nulls, EVENT_ROW_KEY,
				   JsonbPGetDatum(item->row_key));
		writer_set(writer, values, nulls, EVENT_SEVERITY,
				   writer->severities[item->severity]);
	}
	writer_set_text(writer, values, nulls, EVENT_COLUMN_NAME,
					item->column_name);
	writer_set_text(writer, values, nulls, EVENT_VERDICT, item->verdict);
	writer_set_text(writer, values, nulls, EVENT_REASON, item->reason);
	writer_set_text(writer, values, nulls, EVENT_MODE, item->mode);
	if (crm_guc_actor != NULL && crm_guc_actor[0] != '\0')
		writer_set_text(writer, values, nulls, EVENT_ACTOR, crm_guc_actor);
	return heap_form_tuple(RelationGetDescr(writer->rel), values, nulls);
}

/*
 * By command, and in a command what is gone before what was seen: where keys
 * change hands, the row that left a key speaks before the one that took it.
 */
static int
event_order(const void *a, const void *b)
{
	const RememberedEvent *first = &events[*(const int *) a];
	const RememberedEvent *second = &events[*(const int *) b];
	bool		first_seen = first->verdict != NULL;
	bool		second_seen = second->verdict != NULL;

	if (first->command != second->command)
		return first->command < second->command ? -1 : 1;
	if (first_seen != second_seen)
		return first_seen ? 1 : -1;
	return *(const int *) a < *(const int *) b ? -1 : 1;
}

/* Writes up to FINDINGS_BATCH events, through slots that are used again. */
static void
write_batch(EventWriter *writer, CatalogIndexState indexes,
			TupleTableSlot **slots, const int *order, int count)
{
	for (int i = 0; i < count; i++)
		ExecStoreHeapTuple(event_tuple(writer, &events[order[i]]), slots[i],
						   false);
	crm_bulk_insert(writer->rel, slots, count, indexes);
	for (int i = 0; i < count; i++)
		ExecClearTuple(slots[i]);
}

/*
 * Index of the first event to write.  What belongs to a statement outside the
 * current subtransaction must not be lost with it, and waits.
 */
static int
flush_begin(void)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	int			first = nconfirmed;

	while (first > 0 && events[first - 1].subid >= subid)
		first--;
	return first;
}

/* Writes confirmed events; the caller may be in any memory context. */
void
crm_findings_flush(void)
{
	EventWriter writer;
	CatalogIndexState indexes;
	TupleTableSlot *slots[FINDINGS_BATCH] = {NULL};
	MemoryContext work;
	MemoryContext batch;
	MemoryContext old;
	int			begin = flush_begin();
	int			end = nconfirmed;
	int		   *order;

	if (begin == 0)
		flush_scheduled = false;
	if (begin == end)
		return;

	work = AllocSetContextCreate(CurrentMemoryContext, "crmaudit flush",
								 ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	order = palloc((end - begin) * sizeof(int));
	for (int i = begin; i < end; i++)
		order[i - begin] = i;
	qsort(order, end - begin, sizeof(int), event_order);
	writer_open(&writer);
	indexes = CatalogOpenIndexes(writer.rel);
	PushActiveSnapshot(GetTransactionSnapshot());
	batch = AllocSetContextCreate(work, "crmaudit flush batch",
								  ALLOCSET_DEFAULT_SIZES);
	for (int first = begin; first < end; first += FINDINGS_BATCH)
	{
		int			size = Min(FINDINGS_BATCH, end - first);

		for (int i = 0; i < size; i++)
		{
			if (slots[i] == NULL)
				slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(writer.rel),
													&TTSOpsHeapTuple);
		}
		MemoryContextSwitchTo(batch);
		write_batch(&writer, indexes, slots, order + (first - begin), size);
		MemoryContextSwitchTo(work);
		MemoryContextReset(batch);
	}
	PopActiveSnapshot();
	for (int i = 0; i < FINDINGS_BATCH && slots[i]; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	CatalogCloseIndexes(indexes);
	table_close(writer.rel, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);

	/* what is remembered but not confirmed stays */
	memmove(events + begin, events + end,
			(nevents - end) * sizeof(RememberedEvent));
	nevents -= end - begin;
	nconfirmed = begin;
	if (nevents == 0)
		buffer_reset();
}

/* Bounds the buffer of a statement that finds a great deal. */
void
crm_findings_flush_if_many(void)
{
	if (nconfirmed >= FINDINGS_MANY)
	{
		bool		scheduled = flush_scheduled;

		crm_findings_flush();
		flush_scheduled = scheduled;
	}
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			crm_findings_forget();
			crm_findings_flush();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			/* the context goes with TopTransactionContext */
			finding_context = NULL;
			buffer_reset();
			flush_scheduled = false;
			break;
		default:
			break;
	}
}

/*
 * Drops the events of an aborted subtransaction.  While one is ending, every
 * greater id belongs to one nested in it.
 */
static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	if (flush_scheduled && scheduled_by >= subid)
		flush_scheduled = false;
	while (nevents > 0 && events[nevents - 1].subid >= subid)
		nevents--;
	nconfirmed = Min(nconfirmed, nevents);
}

void
crm_findings_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}
