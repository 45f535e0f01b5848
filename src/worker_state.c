/*-------------------------------------------------------------------------
 *
 * worker_state.c
 *		Shared memory of sessions and the background worker.
 *
 * Sessions mark their database when they commit what they wrote, so that the
 * worker need not start a process to find that there is nothing to do, and
 * leave there what the gate refused.
 *
 * Rejections lie in records of one size.  Free ones form a list, and so do
 * those of each database, in the order they came: a database whose worker
 * fails does not keep others' from being written.  It can fill three quarters
 * of the records at most, for as many as a third of its own must be free.
 *
 * Locking: the LWLock "crmaudit" guards which databases there are and how the
 * worker fares in each.  A spinlock guards the lists.  A record that is in a
 * list does not change, but for "next" of the last one, so that the one worker
 * of a database reads its records without the lock.
 *
 * Lifetime: until the server stops, or restarts after a crash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "compat.h"
#include "guc.h"
#include "worker_state.h"

/* Name of the shared memory and of its lock. */
#define STATE_NAME	"crmaudit"

WorkerState *crm_worker_state = NULL;
bool		crm_is_worker = false;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* The session's own database, once it is found. */
static WorkerDatabase *my_database = NULL;

/* The generation in which it was not. */
static uint32 missed_generation = 0;

PG_FUNCTION_INFO_V1(crmaudit_worker_pid);
PG_FUNCTION_INFO_V1(crmaudit_worker_status);

static Size
state_size(void)
{
	return add_size(offsetof(WorkerState, records),
					mul_size(crm_guc_rejection_buffer, sizeof(Rejection)));
}

static void
request_hook(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(state_size());
	RequestNamedLWLockTranche(STATE_NAME, 1);
}

static void
state_fill(WorkerState *state)
{
	memset(state, 0, offsetof(WorkerState, records));
	state->lock = &GetNamedLWLockTranche(STATE_NAME)->lock;
	pg_atomic_init_u32(&state->generation, 1);
	SpinLockInit(&state->ring_lock);
	for (int i = 0; i < CRM_WORKER_DATABASES; i++)
		pg_atomic_init_u32(&state->databases[i].has_work, 0);
	state->nrecords = crm_guc_rejection_buffer;
	state->nfree = state->nrecords;
	state->free = 0;
	for (int i = 0; i < state->nrecords; i++)
		state->records[i].next = i + 1 < state->nrecords ? i + 1 : -1;
}

static void
startup_hook(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	crm_worker_state = ShmemInitStruct(STATE_NAME, state_size(), &found);
	if (!found)
		state_fill(crm_worker_state);
	LWLockRelease(AddinShmemInitLock);
}

/* Marks the database for the worker, after each commit that wrote. */
static void
xact_callback(XactEvent event, void *arg)
{
	WorkerDatabase *database;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE)
		return;
	if (crm_worker_state == NULL || crm_is_worker ||
		!OidIsValid(MyDatabaseId) ||
		!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return;
	database = crm_worker_my_database();
	/* read first: the line is shared by all sessions of the database */
	if (database && pg_atomic_read_u32(&database->has_work) == 0)
		pg_atomic_write_u32(&database->has_work, 1);
}

void
crm_worker_state_init(void)
{
	CRM_REQUEST_SHMEM(previous_request_hook, request_hook);
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_hook;
	RegisterXactCallback(xact_callback, NULL);
}

bool
crm_database_is_chosen(const char *name)
{
	char	   *copy = pstrdup(crm_guc_databases);
	List	   *names = NIL;
	ListCell   *cell;
	bool		result;

	/* its check hook has found no fault */
	(void) SplitGUCList(copy, ',', &names);
	result = names == NIL;
	foreach(cell, names)
		result |= strcmp(lfirst(cell), name) == 0;
	list_free(names);
	pfree(copy);
	return result;
}

/* Gives up the place of a database that is dropped. */
void
crm_worker_database_forget(WorkerDatabase *database)
{
	crm_rejection_remove(database, database->nwaiting, false);
	LWLockAcquire(crm_worker_state->lock, LW_EXCLUSIVE);
	database->oid = InvalidOid;
	LWLockRelease(crm_worker_state->lock);
}

/* The place of a database, or else a free one; the caller holds the lock. */
static WorkerDatabase *
place_find(Oid oid)
{
	WorkerDatabase *result = NULL;

	for (int i = 0; i < CRM_WORKER_DATABASES; i++)
	{
		WorkerDatabase *database = &crm_worker_state->databases[i];

		if (database->oid == oid)
			return database;
		if (result == NULL && !OidIsValid(database->oid))
			result = database;
	}
	return result;
}

static void
place_fill(WorkerDatabase *database, Oid oid)
{
	database->oid = oid;
	database->is_watched = true;
	database->has_extension = false;
	database->phase = WORKER_NONE;
	database->pid = 0;
	database->started_at = 0;
	database->sealed_at = 0;
	database->maintained_at = 0;
	database->failed_at = 0;
	database->nfailures = 0;
	database->maintain_failed = false;
	database->maintain_put_off = false;
	database->error[0] = '\0';
	database->first = -1;
	database->last = -1;
	database->nwaiting = 0;
	database->nwritten = 0;
	database->ndropped = 0;
	/* what was written before is not known */
	pg_atomic_write_u32(&database->has_work, 1);
}

WorkerDatabase *
crm_worker_database(Oid oid, bool create)
{
	WorkerDatabase *database;

	LWLockAcquire(crm_worker_state->lock, create ? LW_EXCLUSIVE : LW_SHARED);
	database = place_find(oid);
	if (database && database->oid != oid)
	{
		if (create)
		{
			place_fill(database, oid);
			database->generation =
				pg_atomic_add_fetch_u32(&crm_worker_state->generation, 1);
		}
		else
			database = NULL;
	}
	LWLockRelease(crm_worker_state->lock);
	return database;
}

WorkerDatabase *
crm_worker_my_database(void)
{
	uint32		generation;

	if (my_database)
		return my_database;
	generation = pg_atomic_read_u32(&crm_worker_state->generation);
	if (generation == missed_generation)
		return NULL;
	my_database = crm_worker_database(MyDatabaseId, false);
	missed_generation = generation;
	return my_database;
}

/* Adds a rejection to those of a database, or counts that it could not. */
void
crm_rejection_put(WorkerDatabase *database, const Rejection *rejection)
{
	WorkerState *state = crm_worker_state;
	bool		is_half_full = false;

	SpinLockAcquire(&state->ring_lock);
	if (database->nwaiting >= 3 * (int64) state->nfree)
		database->ndropped++;
	else
	{
		int			place = state->free;
		Rejection  *record = &state->records[place];

		state->free = record->next;
		state->nfree--;
		*record = *rejection;
		record->next = -1;
		if (database->nwaiting++ == 0)
			database->first = place;
		else
			state->records[database->last].next = place;
		database->last = place;
		is_half_full = state->nfree == state->nrecords / 2;
	}
	SpinLockRelease(&state->ring_lock);
	if (!database->has_extension)
		database->has_extension = true;
	if (is_half_full)
	{
		Latch	   *latch = state->launcher_latch;

		if (latch)
			SetLatch(latch);
	}
}

/*
 * Gives up to "size" of a database's rejections, oldest first, and returns
 * how many.  They stay until they are removed.
 */
int
crm_rejection_peek(WorkerDatabase *database, const Rejection **batch, int size)
{
	WorkerState *state = crm_worker_state;
	int			place;
	int			count;

	SpinLockAcquire(&state->ring_lock);
	place = database->first;
	count = Min(size, database->nwaiting);
	SpinLockRelease(&state->ring_lock);
	for (int i = 0; i < count; i++)
	{
		batch[i] = &state->records[place];
		/* that of the last one may be set at this moment, and is not used */
		place = batch[i]->next;
	}
	return count;
}

/* Removes the oldest rejections of a database, written or not. */
void
crm_rejection_remove(WorkerDatabase *database, int count, bool is_written)
{
	WorkerState *state = crm_worker_state;
	int			last = database->first;

	if (count == 0)
		return;
	for (int i = 1; i < count; i++)
		last = state->records[last].next;
	SpinLockAcquire(&state->ring_lock);
	{
		int			rest = state->records[last].next;

		state->records[last].next = state->free;
		state->free = database->first;
		state->nfree += count;
		database->first = rest;
		database->nwaiting -= count;
		if (is_written)
			database->nwritten += count;
		else
			database->ndropped += count;
	}
	SpinLockRelease(&state->ring_lock);
}

/* crmaudit.worker_pid() returns int */
Datum
crmaudit_worker_pid(PG_FUNCTION_ARGS)
{
	if (crm_worker_state == NULL || crm_worker_state->launcher_pid == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(crm_worker_state->launcher_pid);
}

/* In the order of crmaudit.worker_status(). */
typedef enum StatusColumn
{
	STATUS_DATABASE,
	STATUS_HAS_EXTENSION,
	STATUS_PID,
	STATUS_LAST_RUN,
	STATUS_LAST_SEAL,
	STATUS_LAST_MAINTAIN,
	STATUS_FAILURES,
	STATUS_LAST_ERROR,
	STATUS_LAST_ERROR_AT,
	STATUS_WAITING,
	STATUS_WRITTEN,
	STATUS_DROPPED,
	STATUS_COLUMNS
} StatusColumn;

static void
status_time(Datum *values, bool *nulls, StatusColumn column, TimestampTz time)
{
	values[column] = TimestampTzGetDatum(time);
	nulls[column] = time == 0;
}

/* An error's text, which may be in the encoding of another database. */
static char *
error_text(const char *error)
{
	char	   *result = pstrdup(error);

	if (!pg_verifymbstr(result, strlen(result), true))
	{
		for (char *at = result; *at; at++)
		{
			if (IS_HIGHBIT_SET(*at))
				*at = '?';
		}
	}
	return result;
}

/* Adds the row of a database, given a copy of its place. */
static void
status_add(ReturnSetInfo *result, const WorkerDatabase *database)
{
	char	   *name = get_database_name(database->oid);
	Datum		values[STATUS_COLUMNS];
	bool		nulls[STATUS_COLUMNS] = {false};

	if (name == NULL)			/* just dropped */
		return;
	values[STATUS_DATABASE] = DirectFunctionCall1(namein,
												  CStringGetDatum(name));
	values[STATUS_HAS_EXTENSION] = BoolGetDatum(database->has_extension);
	values[STATUS_PID] = Int32GetDatum(database->pid);
	nulls[STATUS_PID] = database->pid == 0;
	status_time(values, nulls, STATUS_LAST_RUN, database->started_at);
	status_time(values, nulls, STATUS_LAST_SEAL, database->sealed_at);
	status_time(values, nulls, STATUS_LAST_MAINTAIN, database->maintained_at);
	values[STATUS_FAILURES] = Int32GetDatum(database->nfailures);
	values[STATUS_LAST_ERROR] = CStringGetTextDatum(error_text(database->error));
	nulls[STATUS_LAST_ERROR] = database->error[0] == '\0';
	status_time(values, nulls, STATUS_LAST_ERROR_AT, database->failed_at);
	values[STATUS_WAITING] = Int32GetDatum(database->nwaiting);
	values[STATUS_WRITTEN] = Int64GetDatum(database->nwritten);
	values[STATUS_DROPPED] = Int64GetDatum(database->ndropped);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* crmaudit.worker_status() returns a row for each database that is watched */
Datum
crmaudit_worker_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	WorkerState *state = crm_worker_state;
	WorkerDatabase *copies;
	int			count = 0;

	InitMaterializedSRF(fcinfo, 0);
	if (state == NULL)
		return (Datum) 0;
	copies = palloc(CRM_WORKER_DATABASES * sizeof(WorkerDatabase));
	LWLockAcquire(state->lock, LW_SHARED);
	for (int i = 0; i < CRM_WORKER_DATABASES; i++)
	{
		WorkerDatabase *database = &state->databases[i];

		if (!OidIsValid(database->oid) ||
			!(database->is_watched || database->nwaiting > 0))
			continue;
		SpinLockAcquire(&state->ring_lock);
		copies[count++] = *database;
		SpinLockRelease(&state->ring_lock);
	}
	LWLockRelease(state->lock);
	for (int i = 0; i < count; i++)
		status_add(result, &copies[i]);
	return (Datum) 0;
}
