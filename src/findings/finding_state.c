/*-------------------------------------------------------------------------
 *
 * finding_state.c
 *		What the events of findings come to: the one state machine.
 *
 * crmaudit.findings_of() reads a cursor of events, those of a finding one
 * after the other and in order, each with the finding as it is stored, its
 * sweep and what its rule says of due dates.  Which events there are is up
 * to whoever opens the cursor: those not folded yet, or all up to a time.
 *
 * Memory: one finding at a time, in a context of its own, in which what an
 * event replaces is freed; the result spills beyond work_mem.
 *
 * Anybody may hand in a cursor of his own: columns are found by name, their
 * types are checked, and no event has a value that cannot be NULL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "compat.h"

/* Events fetched at a time. */
#define EVENTS_BATCH	100

/* Columns of crmaudit.finding_state. */
typedef enum StateColumn
{
	STATE_ID,
	STATE_TARGET,
	STATE_RULE_ID,
	STATE_ROW_KEY,
	STATE_RULE_VERSION,
	STATE_COLUMN_NAME,
	STATE_REASON,
	STATE_VERDICT,
	STATE_SEVERITY,
	STATE_GROUP_KEY,
	STATE_USERNAME,
	STATE_RUN_ID,
	STATE_STATUS,
	STATE_OPENED_ID,
	STATE_OPENED_AT,
	STATE_FIRST_SEEN,
	STATE_LAST_SEEN,
	STATE_OCCURRENCES,
	STATE_REOPENED,
	STATE_ASSIGNEE,
	STATE_DISTRIBUTED_AT,
	STATE_DUE_AT,
	STATE_ACKNOWLEDGED_AT,
	STATE_ACKNOWLEDGED_BY,
	STATE_RESOLVED_AT,
	STATE_RESOLVED_BY,
	STATE_RESOLUTION,
	STATE_EVIDENCE,
	STATE_VERIFIED_AT,
	STATE_VERIFIED_BY,
	STATE_VERIFIED_FOR,
	STATE_WAIVED_UNTIL,
	STATE_WAIVED_BY,
	STATE_APPROVED_BY,
	STATE_ANSWERS,
	STATE_ESCALATED_AT,
	STATE_ESCALATED_TO,
	STATE_LAST_XID,
	STATE_LAST_INCARNATION,
	STATE_CHANGED_AT,
	STATE_COLUMNS
} StateColumn;

/* Columns of the cursor. */
typedef enum EventColumn
{
	EVENT_TARGET,
	EVENT_RULE,
	EVENT_ROW,
	EVENT_ID,
	EVENT_AT,
	EVENT_EVENT,
	EVENT_REQUIRED,				/* those above are never NULL */
	EVENT_XID = EVENT_REQUIRED,
	EVENT_INCARNATION,
	EVENT_RULE_VERSION,
	EVENT_COLUMN_NAME,
	EVENT_VERDICT,
	EVENT_REASON,
	EVENT_SEVERITY,
	EVENT_USERNAME,
	EVENT_GROUP_KEY,
	EVENT_PERSON,
	EVENT_ASSIGNEE,
	EVENT_DUE_AT,
	EVENT_NOTE,
	EVENT_VALID_UNTIL,
	EVENT_APPROVED_BY,
	EVENT_DEPARTMENT,
	EVENT_FOLDED,
	EVENT_RUN_ID,
	EVENT_SNAPSHOT,
	EVENT_SWEPT_IN,
	EVENT_IS_OVERTAKEN,
	EVENT_DUE,
	EVENT_DUE_FROM,
	EVENT_VERIFY_BY,
	EVENT_COLUMNS
} EventColumn;

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

typedef enum FindingStatus
{
	STATUS_NONE,				/* nothing that counts has happened yet */
	STATUS_UNSEEN,
	STATUS_OPEN,
	STATUS_ACKNOWLEDGED,
	STATUS_RESOLVED,
	STATUS_VERIFIED,
	STATUS_FALSE_POSITIVE,
	STATUS_WAIVED,
	STATUS_COUNT
} FindingStatus;

static const char *const status_words[STATUS_COUNT] = {
	NULL, "unseen", "open", "acknowledged", "resolved", "verified",
	"false_positive", "waived"
};

typedef enum EventKind
{
	KIND_SEEN,
	KIND_GONE,
	KIND_TRUNCATED,
	KIND_DISABLED,
	KIND_DROPPED,
	KIND_DISTRIBUTED,
	KIND_ASSIGNED,
	KIND_ACKNOWLEDGED,
	KIND_RESOLVED,
	KIND_VERIFIED,
	KIND_FALSE_POSITIVE,
	KIND_WAIVED,
	KIND_REOPENED,
	KIND_ANSWERED,
	KIND_ESCALATED,
	KIND_COUNT
} EventKind;

static const char *const kind_words[KIND_COUNT] = {
	"seen", "gone", "truncated", "disabled", "dropped", "distributed",
	"assigned", "acknowledged", "resolved", "verified", "false_positive",
	"waived", "reopened", "answered", "escalated"
};

/* What a finding that ended is said to be. */
static const char *const end_words[] = {
	[KIND_GONE] = "repaired or deleted",
	[KIND_TRUNCATED] = "table truncated",
	[KIND_DISABLED] = "rule disabled",
	[KIND_DROPPED] = "rule dropped"
};

/* What a reopened finding forgets. */
static const StateColumn forgotten[] = {
	STATE_DISTRIBUTED_AT, STATE_ACKNOWLEDGED_AT, STATE_ACKNOWLEDGED_BY,
	STATE_RESOLVED_AT, STATE_RESOLVED_BY, STATE_RESOLUTION, STATE_EVIDENCE,
	STATE_VERIFIED_AT, STATE_WAIVED_UNTIL, STATE_WAIVED_BY,
	STATE_APPROVED_BY, STATE_ESCALATED_AT, STATE_ESCALATED_TO
};

typedef struct FindingMachine
{
	MemoryContext lasting;		/* as long as the call */

	/* the finding */
	TupleDesc	desc;
	AttrNumber	attnums[STATE_COLUMNS];
	MemoryContext context;
	bool		has_finding;
	FindingStatus status;		/* instead of the column */
	Datum		values[STATE_COLUMNS];
	bool		nulls[STATE_COLUMNS];

	/* the event */
	int			event_natts;
	AttrNumber	event_attnums[EVENT_COLUMNS];
	Datum	   *event_values;	/* of all columns of the cursor */
	bool	   *event_nulls;
	EventKind	kind;
	Datum		event[EVENT_COLUMNS];
	bool		lacks[EVENT_COLUMNS];

	/* the last due date: those of a sweep are all the same */
	FmgrInfo	due_function;
	char	   *due_words;		/* NULL: none yet */
	TimestampTz due_since;
	TimestampTz due;
	bool		no_due;

	/* the result */
	Tuplestorestate *store;
	Datum		statuses[STATUS_COUNT];
	Datum	   *all_values;
	bool	   *all_nulls;
} FindingMachine;

PG_FUNCTION_INFO_V1(crmaudit_findings_of);

static Form_pg_attribute
state_attribute(const FindingMachine *machine, StateColumn column)
{
	return TupleDescAttr(machine->desc, machine->attnums[column] - 1);
}

/* Forgets a value of the finding. */
static void
state_clear(FindingMachine *machine, StateColumn column)
{
	if (!machine->nulls[column] && !state_attribute(machine, column)->attbyval)
		pfree(DatumGetPointer(machine->values[column]));
	machine->nulls[column] = true;
	machine->values[column] = (Datum) 0;
}

/* Sets a value of the finding to a copy; it must not be the present value. */
static void
state_set(FindingMachine *machine, StateColumn column, Datum value)
{
	Form_pg_attribute attribute = state_attribute(machine, column);
	MemoryContext old;

	state_clear(machine, column);
	old = MemoryContextSwitchTo(machine->context);
	machine->values[column] = datumCopy(value, attribute->attbyval,
										attribute->attlen);
	machine->nulls[column] = false;
	MemoryContextSwitchTo(old);
}

static void
state_set_text(FindingMachine *machine, StateColumn column, const char *word)
{
	MemoryContext old = MemoryContextSwitchTo(machine->context);

	state_clear(machine, column);
	machine->values[column] = CStringGetTextDatum(word);
	machine->nulls[column] = false;
	MemoryContextSwitchTo(old);
}

/* Sets a value of the finding to one of the event, which may be NULL. */
static void
state_take(FindingMachine *machine, StateColumn column, EventColumn from)
{
	if (machine->lacks[from])
		state_clear(machine, column);
	else
		state_set(machine, column, machine->event[from]);
}

static void
state_set_empty_array(FindingMachine *machine, StateColumn column)
{
	MemoryContext old = MemoryContextSwitchTo(machine->context);

	state_clear(machine, column);
	machine->values[column] = PointerGetDatum(construct_empty_array(TEXTOID));
	machine->nulls[column] = false;
	MemoryContextSwitchTo(old);
}

/* Appends a text of the event, which may be NULL, to an array. */
static void
state_append(FindingMachine *machine, StateColumn column, EventColumn from)
{
	ArrayBuildState *build;
	Datum		array;

	if (machine->nulls[column])
		build = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	else
	{
		ArrayType  *before = DatumGetArrayTypePCopy(machine->values[column]);
		Datum	   *values;
		bool	   *nulls;
		int			count;

		deconstruct_array(before, TEXTOID, -1, false, TYPALIGN_INT, &values,
						  &nulls, &count);
		build = initArrayResult(TEXTOID, CurrentMemoryContext, false);
		for (int i = 0; i < count; i++)
			build = accumArrayResult(build, values[i], nulls[i], TEXTOID,
									 CurrentMemoryContext);
	}
	build = accumArrayResult(build, machine->event[from], machine->lacks[from],
							 TEXTOID, CurrentMemoryContext);
	array = makeArrayResult(build, CurrentMemoryContext);
	state_set(machine, column, array);
}

/* A number, which is never NULL once a finding is there. */
static int64
state_number(const FindingMachine *machine, StateColumn column)
{
	if (machine->nulls[column])
		return 0;
	return state_columns[column].typid == INT8OID ?
		DatumGetInt64(machine->values[column]) :
		DatumGetInt32(machine->values[column]);
}

static void
state_count(FindingMachine *machine, StateColumn column)
{
	int64		count = state_number(machine, column) + 1;

	state_set(machine, column, state_columns[column].typid == INT8OID ?
			  Int64GetDatum(count) : Int32GetDatum((int32) count));
}

/* The day of the event. */
static DateADT
event_day(const FindingMachine *machine)
{
	return DatumGetDateADT(DirectFunctionCall1(timestamptz_date,
											   machine->event[EVENT_AT]));
}

static bool
is_waived_on(const FindingMachine *machine, DateADT day)
{
	return !machine->nulls[STATE_WAIVED_UNTIL] &&
		DatumGetDateADT(machine->values[STATE_WAIVED_UNTIL]) >= day;
}

/* Whether the event's rule reckons due dates from when a finding is opened. */
static bool
due_from_opening(const FindingMachine *machine)
{
	if (machine->lacks[EVENT_DUE])
		return false;
	if (machine->lacks[EVENT_DUE_FROM])
		return true;
	return strcmp(TextDatumGetCString(machine->event[EVENT_DUE_FROM]),
				  "distributed") != 0;
}

/* Sets when a finding that is open since then is due. */
static void
set_due(FindingMachine *machine, TimestampTz since)
{
	char	   *words;

	if (!due_from_opening(machine))
	{
		state_clear(machine, STATE_DUE_AT);
		return;
	}
	words = TextDatumGetCString(machine->event[EVENT_DUE]);
	if (machine->due_words == NULL || machine->due_since != since ||
		strcmp(machine->due_words, words) != 0)
	{
		LOCAL_FCINFO(call, 2);
		Datum		due;

		InitFunctionCallInfoData(*call, &machine->due_function, 2,
								 DEFAULT_COLLATION_OID, NULL, NULL);
		call->args[0].value = TimestampTzGetDatum(since);
		call->args[0].isnull = false;
		call->args[1].value = machine->event[EVENT_DUE];
		call->args[1].isnull = false;
		due = FunctionCallInvoke(call);
		machine->due = call->isnull ? 0 : DatumGetTimestampTz(due);
		machine->no_due = call->isnull;
		if (machine->due_words)
			pfree(machine->due_words);
		machine->due_words = MemoryContextStrdup(machine->lasting, words);
		machine->due_since = since;
	}
	if (machine->no_due)
		state_clear(machine, STATE_DUE_AT);
	else
		state_set(machine, STATE_DUE_AT, TimestampTzGetDatum(machine->due));
}

/* What a finding that is there always has. */
static void
finding_begin(FindingMachine *machine, int64 occurrences)
{
	if (machine->nulls[STATE_ID])
		state_take(machine, STATE_ID, EVENT_ID);
	state_set(machine, STATE_OCCURRENCES, Int64GetDatum(occurrences));
	state_set(machine, STATE_REOPENED, Int32GetDatum(0));
	state_set(machine, STATE_ANSWERS, Int32GetDatum(0));
	state_set_empty_array(machine, STATE_VERIFIED_BY);
	state_set_empty_array(machine, STATE_VERIFIED_FOR);
}

static void
forget_resolution(FindingMachine *machine)
{
	state_clear(machine, STATE_RESOLVED_AT);
	state_clear(machine, STATE_RESOLVED_BY);
	state_clear(machine, STATE_RESOLUTION);
}

/*
 * Whether the event counts, and notes who spoke last: what a sweep did not
 * see is not undone by it.
 */
static bool
event_counts(FindingMachine *machine)
{
	if (machine->lacks[EVENT_RUN_ID])
	{
		state_take(machine, STATE_LAST_XID, EVENT_XID);
		state_take(machine, STATE_LAST_INCARNATION, EVENT_INCARNATION);
		return true;
	}
	if (machine->status == STATUS_NONE && !machine->lacks[EVENT_IS_OVERTAKEN] &&
		DatumGetBool(machine->event[EVENT_IS_OVERTAKEN]))
		return false;
	if (!machine->nulls[STATE_LAST_XID] && !machine->lacks[EVENT_XID] &&
		!machine->nulls[STATE_LAST_INCARNATION] &&
		!machine->lacks[EVENT_SWEPT_IN] && !machine->lacks[EVENT_SNAPSHOT] &&
		!FullTransactionIdEquals(DatumGetFullTransactionId(machine->values[STATE_LAST_XID]),
								 DatumGetFullTransactionId(machine->event[EVENT_XID])) &&
		DatumGetInt64(machine->values[STATE_LAST_INCARNATION]) ==
		DatumGetInt64(machine->event[EVENT_SWEPT_IN]) &&
		!DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot,
										  machine->values[STATE_LAST_XID],
										  machine->event[EVENT_SNAPSHOT])))
		return false;
	state_take(machine, STATE_RUN_ID, EVENT_RUN_ID);
	return true;
}

/* A waiver that was over before the event: open since then. */
static void
end_waiver(FindingMachine *machine)
{
	Datum		next_day;
	Datum		since;

	if (machine->status != STATUS_WAIVED || machine->nulls[STATE_WAIVED_UNTIL] ||
		is_waived_on(machine, event_day(machine)))
		return;
	next_day = DirectFunctionCall2(date_pli, machine->values[STATE_WAIVED_UNTIL],
								   Int32GetDatum(1));
	since = DirectFunctionCall1(date_timestamptz, next_day);
	machine->status = STATUS_OPEN;
	state_take(machine, STATE_OPENED_ID, EVENT_ID);
	state_set(machine, STATE_OPENED_AT, since);
	set_due(machine, DatumGetTimestampTz(since));
	state_clear(machine, STATE_WAIVED_UNTIL);
	state_clear(machine, STATE_WAIVED_BY);
	state_clear(machine, STATE_APPROVED_BY);
	state_clear(machine, STATE_EVIDENCE);
}

/* Whether the event's version of the rule is another than the finding's. */
static bool
is_other_version(const FindingMachine *machine)
{
	return !machine->nulls[STATE_RULE_VERSION] &&
		!machine->lacks[EVENT_RULE_VERSION] &&
		DatumGetInt32(machine->values[STATE_RULE_VERSION]) !=
		DatumGetInt32(machine->event[EVENT_RULE_VERSION]);
}

/* Whether the event is about another group than the finding. */
static bool
is_other_group(const FindingMachine *machine)
{
	return !machine->nulls[STATE_GROUP_KEY] && !machine->lacks[EVENT_GROUP_KEY] &&
		!DatumGetBool(DirectFunctionCall2Coll(texteq, DEFAULT_COLLATION_OID,
											  machine->values[STATE_GROUP_KEY],
											  machine->event[EVENT_GROUP_KEY]));
}

/* The row was seen to break the rule; returns whether the finding opens. */
static bool
apply_seen(FindingMachine *machine)
{
	bool		opens = false;

	if (machine->status <= STATUS_UNSEEN)
	{
		finding_begin(machine, 1);
		state_take(machine, STATE_FIRST_SEEN, EVENT_AT);
		opens = true;
	}
	else
	{
		state_count(machine, STATE_OCCURRENCES);
		if (machine->status == STATUS_RESOLVED || machine->status == STATUS_VERIFIED)
		{
			if (!machine->nulls[STATE_WAIVED_UNTIL] &&
				is_waived_on(machine, event_day(machine)))
			{
				machine->status = STATUS_WAIVED;
				forget_resolution(machine);
			}
			else
			{
				state_count(machine, STATE_REOPENED);
				opens = true;
			}
		}
		else if (machine->status == STATUS_FALSE_POSITIVE)
		{
			/* it was about the group, and the row is in another one now */
			opens = is_other_group(machine);
		}
	}
	if (opens)
		set_due(machine, DatumGetTimestampTz(machine->event[EVENT_AT]));
	else if (is_other_version(machine) && machine->nulls[STATE_DISTRIBUTED_AT] &&
			 (machine->status == STATUS_OPEN ||
			  machine->status == STATUS_ACKNOWLEDGED))
		set_due(machine, DatumGetTimestampTz(machine->nulls[STATE_OPENED_AT] ?
											 machine->event[EVENT_AT] :
											 machine->values[STATE_OPENED_AT]));
	state_take(machine, STATE_LAST_SEEN, EVENT_AT);
	state_take(machine, STATE_RULE_VERSION, EVENT_RULE_VERSION);
	state_take(machine, STATE_COLUMN_NAME, EVENT_COLUMN_NAME);
	state_take(machine, STATE_REASON, EVENT_REASON);
	state_take(machine, STATE_VERDICT, EVENT_VERDICT);
	state_take(machine, STATE_SEVERITY, EVENT_SEVERITY);
	state_take(machine, STATE_GROUP_KEY, EVENT_GROUP_KEY);
	state_take(machine, STATE_USERNAME, EVENT_USERNAME);
	return opens;
}

/* What it is about is no longer there; a sweep only notices what others did. */
static void
apply_end(FindingMachine *machine)
{
	if (machine->status != STATUS_OPEN && machine->status != STATUS_ACKNOWLEDGED &&
		machine->status != STATUS_WAIVED)
		return;
	machine->status = STATUS_RESOLVED;
	state_set_text(machine, STATE_RESOLUTION, end_words[machine->kind]);
	state_take(machine, STATE_RESOLVED_AT, EVENT_AT);
	if (machine->lacks[EVENT_RUN_ID])
		state_take(machine, STATE_RESOLVED_BY, EVENT_PERSON);
	else
		state_clear(machine, STATE_RESOLVED_BY);
}

/* A person says that it is done, or that it never was so. */
static void
apply_resolution(FindingMachine *machine, FindingStatus status, const char *word)
{
	machine->status = status;
	state_set_text(machine, STATE_RESOLUTION, word);
	state_take(machine, STATE_RESOLVED_AT, EVENT_AT);
	state_take(machine, STATE_RESOLVED_BY, EVENT_PERSON);
	state_take(machine, STATE_EVIDENCE, EVENT_NOTE);
}

/* It is verified when all departments that the rule names have done so. */
static void
apply_verified(FindingMachine *machine)
{
	if (machine->status != STATUS_RESOLVED)
		return;
	state_append(machine, STATE_VERIFIED_BY, EVENT_PERSON);
	state_append(machine, STATE_VERIFIED_FOR, EVENT_DEPARTMENT);
	if (machine->lacks[EVENT_VERIFY_BY] ||
		DatumGetBool(OidFunctionCall2Coll(F_ARRAYCONTAINS, DEFAULT_COLLATION_OID,
										  machine->values[STATE_VERIFIED_FOR],
										  machine->event[EVENT_VERIFY_BY])))
	{
		machine->status = STATUS_VERIFIED;
		state_take(machine, STATE_VERIFIED_AT, EVENT_AT);
	}
}

static void
apply_waived(FindingMachine *machine)
{
	machine->status = STATUS_WAIVED;
	forget_resolution(machine);
	state_take(machine, STATE_WAIVED_UNTIL, EVENT_VALID_UNTIL);
	state_take(machine, STATE_WAIVED_BY, EVENT_PERSON);
	state_take(machine, STATE_APPROVED_BY, EVENT_APPROVED_BY);
	state_take(machine, STATE_EVIDENCE, EVENT_NOTE);
}

/* A step of somebody who works it off; returns whether the finding opens. */
static bool
apply_step(FindingMachine *machine)
{
	switch (machine->kind)
	{
		case KIND_DISTRIBUTED:
			state_take(machine, STATE_ASSIGNEE, EVENT_ASSIGNEE);
			state_take(machine, STATE_DISTRIBUTED_AT, EVENT_AT);
			if (!machine->lacks[EVENT_DUE_AT])
				state_take(machine, STATE_DUE_AT, EVENT_DUE_AT);
			state_clear(machine, STATE_ESCALATED_AT);
			state_clear(machine, STATE_ESCALATED_TO);
			break;
		case KIND_ASSIGNED:
			state_take(machine, STATE_ASSIGNEE, EVENT_ASSIGNEE);
			break;
		case KIND_ACKNOWLEDGED:
			if (machine->status == STATUS_OPEN)
				machine->status = STATUS_ACKNOWLEDGED;
			state_take(machine, STATE_ACKNOWLEDGED_AT, EVENT_AT);
			state_take(machine, STATE_ACKNOWLEDGED_BY, EVENT_PERSON);
			break;
		case KIND_RESOLVED:
			apply_resolution(machine, STATUS_RESOLVED, "worked off");
			break;
		case KIND_VERIFIED:
			apply_verified(machine);
			break;
		case KIND_FALSE_POSITIVE:
			apply_resolution(machine, STATUS_FALSE_POSITIVE, "false positive");
			break;
		case KIND_WAIVED:
			apply_waived(machine);
			break;
		case KIND_REOPENED:
			state_count(machine, STATE_REOPENED);
			state_clear(machine, STATE_WAIVED_UNTIL);
			set_due(machine, DatumGetTimestampTz(machine->event[EVENT_AT]));
			return true;
		case KIND_ANSWERED:
			state_count(machine, STATE_ANSWERS);
			break;
		case KIND_ESCALATED:
			state_take(machine, STATE_ESCALATED_AT, EVENT_AT);
			state_take(machine, STATE_ESCALATED_TO, EVENT_ASSIGNEE);
			break;
		default:
			break;
	}
	return false;
}

static void
finding_open(FindingMachine *machine)
{
	machine->status = STATUS_OPEN;
	state_take(machine, STATE_OPENED_ID, EVENT_ID);
	state_take(machine, STATE_OPENED_AT, EVENT_AT);
	if (state_number(machine, STATE_OCCURRENCES) <= 1 &&
		state_number(machine, STATE_REOPENED) <= 0)
		return;
	for (int i = 0; i < (int) lengthof(forgotten); i++)
		state_clear(machine, forgotten[i]);
	state_set_empty_array(machine, STATE_VERIFIED_BY);
	state_set_empty_array(machine, STATE_VERIFIED_FOR);
}

/* Applies the event to the finding. */
static void
apply_event(FindingMachine *machine)
{
	bool		opens = false;

	if (!event_counts(machine))
		return;
	if (machine->nulls[STATE_CHANGED_AT] ||
		DatumGetTimestampTz(machine->values[STATE_CHANGED_AT]) <
		DatumGetTimestampTz(machine->event[EVENT_AT]))
		state_take(machine, STATE_CHANGED_AT, EVENT_AT);
	end_waiver(machine);
	if (machine->kind == KIND_SEEN)
		opens = apply_seen(machine);
	else if (machine->status == STATUS_NONE)
	{
		/* a sweep that began earlier may still report it */
		if (machine->kind == KIND_GONE && machine->lacks[EVENT_RUN_ID])
		{
			finding_begin(machine, 0);
			machine->status = STATUS_UNSEEN;
		}
	}
	else if (machine->status == STATUS_UNSEEN)
		return;
	else if (machine->kind <= KIND_DROPPED)
		apply_end(machine);
	else
		opens = apply_step(machine);
	if (opens)
		finding_open(machine);
}

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
			state_set(machine, i, machine->all_values[machine->attnums[i] - 1]);
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
		state_take(machine, STATE_TARGET, EVENT_TARGET);
	if (machine->nulls[STATE_RULE_ID])
		state_take(machine, STATE_RULE_ID, EVENT_RULE);
	if (machine->nulls[STATE_ROW_KEY])
		state_take(machine, STATE_ROW_KEY, EVENT_ROW);
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
		state_attribute(machine, STATE_SEVERITY)->atttypid ||
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
			apply_event(machine);
		}
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(scratch);
		CHECK_FOR_INTERRUPTS();
	}
	finding_finish(machine);
	SPI_finish();
	return (Datum) 0;
}
