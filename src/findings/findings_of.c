/*-------------------------------------------------------------------------
 *
 * findings_of.c
 *		Findings from a cursor of their events.
 *
 * The events of a finding come one after the other and in order, each with
 * the finding as it is stored, its sweep and what its rule says of due dates.
 * Which events there are is up to whoever opens the cursor: those not folded
 * yet, or all up to a time.
 *
 * Memory: one finding at a time, in a context that is reset for the next; so
 * many events as are fetched at once; the result spills beyond work_mem.
 *
 * Anybody may hand in a cursor of his own: columns are found by name, their
 * types are checked, and no event has a value that cannot be NULL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "compat.h"
#include "findings/finding_state.h"

/* Events fetched at a time. */
#define EVENTS_BATCH	100

/* A column of a table or a cursor; no type: whichever the table has. */
typedef struct NamedColumn
{
	const char *name;
	Oid			typid;
} NamedColumn;

static const NamedColumn state_columns[STATE_COLUMNS] = {
	{"id", INT8OID}, {"target", REGCLASSOID}, {"rule_id", INT8OID},
	{"row_key", JSONBOID}, {"rule_version", INT4OID},
	{"column_name", TEXTOID}, {"reason", TEXTOID}, {"verdict", TEXTOID},
	{"severity", InvalidOid}, {"group_key", TEXTOID},
	{"username", NAMEOID}, {"run_id", INT8OID}, {"status", TEXTOID},
	{"opened_id", INT8OID}, {"opened_at", TIMESTAMPTZOID},
	{"first_seen", TIMESTAMPTZOID}, {"last_seen", TIMESTAMPTZOID},
	{"occurrences", INT8OID}, {"reopened", INT4OID}, {"assignee", TEXTOID},
	{"distributed_at", TIMESTAMPTZOID}, {"due_at", TIMESTAMPTZOID},
	{"acknowledged_at", TIMESTAMPTZOID}, {"acknowledged_by", TEXTOID},
	{"resolved_at", TIMESTAMPTZOID}, {"resolved_by", TEXTOID},
	{"resolution", TEXTOID}, {"evidence", TEXTOID},
	{"verified_at", TIMESTAMPTZOID}, {"verified_by", TEXTARRAYOID},
	{"verified_for", TEXTARRAYOID}, {"waived_until", DATEOID},
	{"waived_by", TEXTOID}, {"approved_by", TEXTOID}, {"answers", INT4OID},
	{"escalated_at", TIMESTAMPTZOID}, {"escalated_to", TEXTOID},
	{"last_xid", XID8OID}, {"last_incarnation", INT8OID},
	{"changed_at", TIMESTAMPTZOID}
};

static const NamedColumn event_columns[EVENT_COLUMNS] = {
	{"of_target", REGCLASSOID}, {"of_rule", INT8OID}, {"of_row", JSONBOID},
	{"id", INT8OID}, {"at", TIMESTAMPTZOID}, {"event", TEXTOID},
	{"xid", XID8OID}, {"incarnation", INT8OID}, {"rule_version", INT4OID},
	{"column_name", TEXTOID}, {"verdict", TEXTOID}, {"reason", TEXTOID},
	{"severity", InvalidOid}, {"username", NAMEOID}, {"group_key", TEXTOID},
	{"person", TEXTOID}, {"assignee", TEXTOID}, {"due_at", TIMESTAMPTZOID},
	{"note", TEXTOID}, {"valid_until", DATEOID}, {"approved_by", TEXTOID},
	{"department", TEXTOID}, {"folded", InvalidOid}, {"run_id", INT8OID},
	{"snapshot", PG_SNAPSHOTOID}, {"swept_in", INT8OID},
	{"is_overtaken", BOOLOID}, {"due", TEXTOID}, {"due_from", TEXTOID},
	{"verify_by", TEXTARRAYOID}
};

static const char *const status_words[STATUS_COUNT] = {
	NULL, "unseen", "open", "acknowledged", "resolved", "verified",
	"false_positive", "waived"
};

static const char *const kind_words[KIND_COUNT] = {
	"seen", "gone", "truncated", "disabled", "dropped", "distributed",
	"assigned", "acknowledged", "resolved", "verified", "false_positive",
	"waived", "reopened", "answered", "escalated"
};

PG_FUNCTION_INFO_V1(crmaudit_findings_of);

/* Hands on the finding, if there is one. */
static void
finding_finish(FindingMachine *machine)
{
	if (!machine->has_finding || machine->status == STATUS_NONE)
		return;
	for (int i = 0; i < STATE_COLUMNS; i++)
	{
		machine->all_values[machine->attnums[i] - 1] = machine->values[i];
		machine->all_nulls[machine->attnums[i] - 1] = machine->nulls[i];
	}
	machine->all_values[machine->attnums[STATE_STATUS] - 1] =
		machine->statuses[machine->status];
	machine->all_nulls[machine->attnums[STATE_STATUS] - 1] = false;
	tuplestore_putvalues(machine->store, machine->desc, machine->all_values,
						 machine->all_nulls);
}

/* Takes the finding as it is stored. */
static void
take_folded(FindingMachine *machine)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(machine->event[EVENT_FOLDED]);
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, machine->desc, machine->all_values,
					  machine->all_nulls);
	for (int i = 0; i < STATE_COLUMNS; i++)
	{
		if (!machine->all_nulls[machine->attnums[i] - 1])
			crm_state_set(machine, i, machine->all_values[machine->attnums[i] - 1]);
	}
	memset(machine->all_nulls, true, machine->desc->natts * sizeof(bool));
	if (!machine->nulls[STATE_STATUS])
	{
		char	   *word = TextDatumGetCString(machine->values[STATE_STATUS]);

		for (int i = STATUS_UNSEEN; i < STATUS_COUNT; i++)
		{
			if (strcmp(word, status_words[i]) == 0)
				machine->status = i;
		}
		pfree(word);
	}
}

/* Begins the finding that the event is about. */
static void
finding_start(FindingMachine *machine)
{
	MemoryContextReset(machine->context);
	machine->has_finding = true;
	machine->status = STATUS_NONE;
	for (int i = 0; i < STATE_COLUMNS; i++)
	{
		machine->values[i] = (Datum) 0;
		machine->nulls[i] = true;
	}
	if (!machine->lacks[EVENT_FOLDED])
		take_folded(machine);
	if (machine->nulls[STATE_TARGET])
		crm_state_take(machine, STATE_TARGET, EVENT_TARGET);
	if (machine->nulls[STATE_RULE_ID])
		crm_state_take(machine, STATE_RULE_ID, EVENT_RULE);
	if (machine->nulls[STATE_ROW_KEY])
		crm_state_take(machine, STATE_ROW_KEY, EVENT_ROW);
}

/* Takes the event of a row of the cursor; returns whether it is one. */
static bool
take_event(FindingMachine *machine, HeapTuple tuple, TupleDesc desc)
{
	const struct varlena *word;
	int			length;

	heap_deform_tuple(tuple, desc, machine->event_values, machine->event_nulls);
	for (int i = 0; i < EVENT_COLUMNS; i++)
	{
		machine->event[i] = machine->event_values[machine->event_attnums[i] - 1];
		machine->lacks[i] = machine->event_nulls[machine->event_attnums[i] - 1];
		if (i < EVENT_REQUIRED && machine->lacks[i])
			return false;
	}
	word = PG_DETOAST_DATUM_PACKED(machine->event[EVENT_EVENT]);
	length = VARSIZE_ANY_EXHDR(word);
	for (int i = 0; i < KIND_COUNT; i++)
	{
		if ((int) strlen(kind_words[i]) == length &&
			memcmp(kind_words[i], VARDATA_ANY(word), length) == 0)
		{
			machine->kind = i;
			return true;
		}
	}
	return false;
}

/* Whether the event is about another finding than the one before. */
static bool
is_other_finding(const FindingMachine *machine)
{
	if (!machine->has_finding ||
		DatumGetObjectId(machine->values[STATE_TARGET]) !=
		DatumGetObjectId(machine->event[EVENT_TARGET]) ||
		DatumGetInt64(machine->values[STATE_RULE_ID]) !=
		DatumGetInt64(machine->event[EVENT_RULE]))
		return true;
	return !datum_image_eq(machine->values[STATE_ROW_KEY],
						   machine->event[EVENT_ROW], false, -1) &&
		!DatumGetBool(DirectFunctionCall2(jsonb_eq,
										  machine->values[STATE_ROW_KEY],
										  machine->event[EVENT_ROW]));
}

/*
 * Finds columns by name; returns false if one is missing, or has another type
 * than it should have.
 */
static bool
find_columns(const NamedColumn *columns, int count, TupleDesc desc,
			 AttrNumber *attnums)
{
	for (int i = 0; i < count; i++)
	{
		int			attnum = SPI_fnumber(desc, columns[i].name);

		if (attnum <= 0 ||
			(OidIsValid(columns[i].typid) &&
			 SPI_gettypeid(desc, attnum) != columns[i].typid))
			return false;
		attnums[i] = attnum;
	}
	return true;
}

/* Readies all but the cursor. */
static FindingMachine *
machine_create(ReturnSetInfo *result)
{
	static const Oid due_types[] = {TIMESTAMPTZOID, TEXTOID};
	FindingMachine *machine = palloc0(sizeof(FindingMachine));
	List	   *due_name = list_make2(makeString(pstrdup("crmaudit")),
									  makeString(pstrdup("finding_due")));

	machine->lasting = CurrentMemoryContext;
	machine->context = AllocSetContextCreate(CurrentMemoryContext,
											 "crmaudit finding",
											 ALLOCSET_SMALL_SIZES);
	machine->store = result->setResult;
	machine->desc = result->setDesc;
	if (!find_columns(state_columns, STATE_COLUMNS, machine->desc,
					  machine->attnums))
		elog(ERROR, "crmaudit.finding_state has not the columns it should have");
	for (int i = STATUS_UNSEEN; i < STATUS_COUNT; i++)
		machine->statuses[i] = CStringGetTextDatum(status_words[i]);
	machine->all_values = palloc0(machine->desc->natts * sizeof(Datum));
	machine->all_nulls = palloc(machine->desc->natts * sizeof(bool));
	memset(machine->all_nulls, true, machine->desc->natts * sizeof(bool));
	fmgr_info(LookupFuncName(due_name, lengthof(due_types), due_types, false),
			  &machine->due_function);
	return machine;
}

/* Looks the columns of the cursor up; what it lacks, no event can have. */
static void
machine_attach(FindingMachine *machine, Portal portal)
{
	TupleDesc	desc = portal->tupDesc;

	if (desc == NULL ||
		!find_columns(event_columns, EVENT_COLUMNS, desc, machine->event_attnums) ||
		SPI_gettypeid(desc, machine->event_attnums[EVENT_SEVERITY]) !=
		SPI_gettypeid(machine->desc, machine->attnums[STATE_SEVERITY]) ||
		SPI_gettypeid(desc, machine->event_attnums[EVENT_FOLDED]) !=
		machine->desc->tdtypeid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cursor \"%s\" does not return events of findings", portal->name),
				 errhint("crmaudit.findings_of() is part of crmaudit.finding; read that.")));
	machine->event_values = MemoryContextAlloc(machine->lasting,
											   desc->natts * sizeof(Datum));
	machine->event_nulls = MemoryContextAlloc(machine->lasting,
											  desc->natts * sizeof(bool));
}

/*
 * crmaudit.findings_of(events refcursor) returns setof crmaudit.finding_state
 */
Datum
crmaudit_findings_of(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	FindingMachine *machine;
	MemoryContext scratch;
	Portal		portal;

	InitMaterializedSRF(fcinfo, 0);
	machine = machine_create((ReturnSetInfo *) fcinfo->resultinfo);
	scratch = AllocSetContextCreate(CurrentMemoryContext,
									"crmaudit finding event",
									ALLOCSET_SMALL_SIZES);
	SPI_connect();
	portal = SPI_cursor_find(name);
	if (portal == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_CURSOR),
				 errmsg("cursor \"%s\" does not exist", name)));
	machine_attach(machine, portal);
	MemoryContextSwitchTo(scratch);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, EVENTS_BATCH);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			if (!take_event(machine, SPI_tuptable->vals[i], SPI_tuptable->tupdesc))
				continue;
			if (is_other_finding(machine))
			{
				finding_finish(machine);
				finding_start(machine);
			}
			crm_finding_apply(machine);
		}
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(scratch);
		CHECK_FOR_INTERRUPTS();
	}
	finding_finish(machine);
	SPI_finish();
	return (Datum) 0;
}
