/*-------------------------------------------------------------------------
 *
 * finding_state.c
 *		What the events of findings come to: the one state machine.
 *
 * An event with what it needs, the finding as it was, and rules about what
 * becomes of it.  Who reads the events, and hands on the finding, is in
 * findings_of.c.
 *
 * Memory: the values of the finding are copies in a context of its own; what
 * an event replaces is freed, so that any number of events may come.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "compat.h"
#include "findings/finding_state.h"

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
void
crm_state_set(FindingMachine *machine, StateColumn column, Datum value)
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
void
crm_state_take(FindingMachine *machine, StateColumn column, EventColumn from)
{
	if (machine->lacks[from])
		state_clear(machine, column);
	else
		crm_state_set(machine, column, machine->event[from]);
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
	crm_state_set(machine, column, array);
}

/* A number, which is never NULL once a finding is there. */
static int64
state_number(const FindingMachine *machine, StateColumn column)
{
	if (machine->nulls[column])
		return 0;
	return column == STATE_OCCURRENCES ?
		DatumGetInt64(machine->values[column]) :
		DatumGetInt32(machine->values[column]);
}

static void
state_count(FindingMachine *machine, StateColumn column)
{
	int64		count = state_number(machine, column) + 1;

	crm_state_set(machine, column, column == STATE_OCCURRENCES ?
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
		crm_state_set(machine, STATE_DUE_AT, TimestampTzGetDatum(machine->due));
}

/* What a finding that is there always has. */
static void
finding_begin(FindingMachine *machine, int64 occurrences)
{
	if (machine->nulls[STATE_ID])
		crm_state_take(machine, STATE_ID, EVENT_ID);
	crm_state_set(machine, STATE_OCCURRENCES, Int64GetDatum(occurrences));
	crm_state_set(machine, STATE_REOPENED, Int32GetDatum(0));
	crm_state_set(machine, STATE_ANSWERS, Int32GetDatum(0));
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
		crm_state_take(machine, STATE_LAST_XID, EVENT_XID);
		crm_state_take(machine, STATE_LAST_INCARNATION, EVENT_INCARNATION);
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
	crm_state_take(machine, STATE_RUN_ID, EVENT_RUN_ID);
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
	crm_state_take(machine, STATE_OPENED_ID, EVENT_ID);
	crm_state_set(machine, STATE_OPENED_AT, since);
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
		crm_state_take(machine, STATE_FIRST_SEEN, EVENT_AT);
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
	crm_state_take(machine, STATE_LAST_SEEN, EVENT_AT);
	crm_state_take(machine, STATE_RULE_VERSION, EVENT_RULE_VERSION);
	crm_state_take(machine, STATE_COLUMN_NAME, EVENT_COLUMN_NAME);
	crm_state_take(machine, STATE_REASON, EVENT_REASON);
	crm_state_take(machine, STATE_VERDICT, EVENT_VERDICT);
	crm_state_take(machine, STATE_SEVERITY, EVENT_SEVERITY);
	crm_state_take(machine, STATE_GROUP_KEY, EVENT_GROUP_KEY);
	crm_state_take(machine, STATE_USERNAME, EVENT_USERNAME);
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
	crm_state_take(machine, STATE_RESOLVED_AT, EVENT_AT);
	if (machine->lacks[EVENT_RUN_ID])
		crm_state_take(machine, STATE_RESOLVED_BY, EVENT_PERSON);
	else
		state_clear(machine, STATE_RESOLVED_BY);
}

/* A person says that it is done, or that it never was so. */
static void
apply_resolution(FindingMachine *machine, FindingStatus status, const char *word)
{
	machine->status = status;
	state_set_text(machine, STATE_RESOLUTION, word);
	crm_state_take(machine, STATE_RESOLVED_AT, EVENT_AT);
	crm_state_take(machine, STATE_RESOLVED_BY, EVENT_PERSON);
	crm_state_take(machine, STATE_EVIDENCE, EVENT_NOTE);
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
		crm_state_take(machine, STATE_VERIFIED_AT, EVENT_AT);
	}
}

static void
apply_waived(FindingMachine *machine)
{
	machine->status = STATUS_WAIVED;
	forget_resolution(machine);
	crm_state_take(machine, STATE_WAIVED_UNTIL, EVENT_VALID_UNTIL);
	crm_state_take(machine, STATE_WAIVED_BY, EVENT_PERSON);
	crm_state_take(machine, STATE_APPROVED_BY, EVENT_APPROVED_BY);
	crm_state_take(machine, STATE_EVIDENCE, EVENT_NOTE);
}

/* A step of somebody who works it off; returns whether the finding opens. */
static bool
apply_step(FindingMachine *machine)
{
	switch (machine->kind)
	{
		case KIND_DISTRIBUTED:
			crm_state_take(machine, STATE_ASSIGNEE, EVENT_ASSIGNEE);
			crm_state_take(machine, STATE_DISTRIBUTED_AT, EVENT_AT);
			if (!machine->lacks[EVENT_DUE_AT])
				crm_state_take(machine, STATE_DUE_AT, EVENT_DUE_AT);
			state_clear(machine, STATE_ESCALATED_AT);
			state_clear(machine, STATE_ESCALATED_TO);
			break;
		case KIND_ASSIGNED:
			crm_state_take(machine, STATE_ASSIGNEE, EVENT_ASSIGNEE);
			break;
		case KIND_ACKNOWLEDGED:
			if (machine->status == STATUS_OPEN)
				machine->status = STATUS_ACKNOWLEDGED;
			crm_state_take(machine, STATE_ACKNOWLEDGED_AT, EVENT_AT);
			crm_state_take(machine, STATE_ACKNOWLEDGED_BY, EVENT_PERSON);
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
			crm_state_take(machine, STATE_ESCALATED_AT, EVENT_AT);
			crm_state_take(machine, STATE_ESCALATED_TO, EVENT_ASSIGNEE);
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
	crm_state_take(machine, STATE_OPENED_ID, EVENT_ID);
	crm_state_take(machine, STATE_OPENED_AT, EVENT_AT);
	if (state_number(machine, STATE_OCCURRENCES) <= 1 &&
		state_number(machine, STATE_REOPENED) <= 0)
		return;
	for (int i = 0; i < (int) lengthof(forgotten); i++)
		state_clear(machine, forgotten[i]);
	state_set_empty_array(machine, STATE_VERIFIED_BY);
	state_set_empty_array(machine, STATE_VERIFIED_FOR);
}

/* Applies the event to the finding. */
void
crm_finding_apply(FindingMachine *machine)
{
	bool		opens = false;

	if (!event_counts(machine))
		return;
	if (machine->nulls[STATE_CHANGED_AT] ||
		DatumGetTimestampTz(machine->values[STATE_CHANGED_AT]) <
		DatumGetTimestampTz(machine->event[EVENT_AT]))
		crm_state_take(machine, STATE_CHANGED_AT, EVENT_AT);
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
