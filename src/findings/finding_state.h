/*-------------------------------------------------------------------------
 *
 * finding_state.h
 *		The state machine of findings, and the columns that it knows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_FINDING_STATE_H
#define CRM_FINDING_STATE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/tuplestore.h"

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

/* Sets a value of the finding to a copy; it must not be the present value. */
extern void crm_state_set(FindingMachine *machine, StateColumn column,
						  Datum value);

/* Sets a value of the finding to one of the event, which may be NULL. */
extern void crm_state_take(FindingMachine *machine, StateColumn column,
						   EventColumn from);

/* Applies the event to the finding. */
extern void crm_finding_apply(FindingMachine *machine);

#endif							/* CRM_FINDING_STATE_H */
