/*-------------------------------------------------------------------------
 *
 * ledger_worker.c
 *		The launcher: starts a worker in each database that needs one.
 *
 * The launcher is connected to no database, so that it is in nobody's way.
 * It starts a process for a database that was written to, or has rejections,
 * and once a minute for any other that has the extension; the process does
 * what there is to do and ends (worker_database.c).  An idle database thus
 * costs nothing, many databases share a few of max_worker_processes, and DROP
 * DATABASE finds nobody connected, or somebody who leaves soon.  A worker that
 * takes longer, for it seals a lot, is ended when somebody waits for the lock
 * that DROP DATABASE and CREATE DATABASE take on its database; what it had not
 * committed is done next time.
 *
 * Databases without the extension are looked at once a minute at most, and
 * only if they were written to: CREATE EXTENSION is a write too.  Templates
 * are left alone.
 *
 * On a standby nothing runs until it is promoted.
 *
 * Locking: see worker_state.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "guc.h"
#include "ledger/ledger_worker.h"

/* How many databases are worked in at the same time. */
#define WORKERS_AT_ONCE		3

/* How often the launcher looks whether a worker is in somebody's way. */
#define WATCH_MS			500

/* The least time between two workers in a database whose buffer fills. */
#define HURRY_MS			1000

/* The least interval, and the one where nothing is sealed. */
#define SHORTEST_MS			100
#define REJECTIONS_MS		5000

/* The longest pause after failures. */
#define LONGEST_PAUSE_MS	(5 * 60 * 1000)

/* How often the log tells of dropped rejections. */
#define WARNING_MS			60000

/* A worker that this launcher started. */
typedef struct RunningWorker
{
	WorkerDatabase *database;	/* NULL: unused */
	BackgroundWorkerHandle *handle;
} RunningWorker;

static RunningWorker running[WORKERS_AT_ONCE];

/* Whether the log has told that no process could be started. */
static bool is_short_of_processes = false;

/* Whether it has told that there are more databases than places. */
static bool has_told_of_limit = false;

/* What the log has told of dropped rejections, by place of the database. */
static int64 told_dropped[CRM_WORKER_DATABASES];
static TimestampTz told_at = 0;

extern PGDLLEXPORT void crmaudit_launcher_main(Datum arg) pg_attribute_noreturn();

/* What all of our processes have in common. */
static void
worker_fill(BackgroundWorker *worker, const char *function, const char *type)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker->bgw_library_name, "crmaudit", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker->bgw_name, type, BGW_MAXLEN);
	strlcpy(worker->bgw_type, type, BGW_MAXLEN);
}

/*
 * Asks for shared memory and the launcher, where the server preloads the
 * library.  pg_upgrade starts servers that must not be written to.
 */
void
crm_worker_init(void)
{
	BackgroundWorker worker;

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	crm_worker_state_init();
	worker_fill(&worker, "crmaudit_launcher_main", "crmaudit launcher");
	worker.bgw_restart_time = 5;
	RegisterBackgroundWorker(&worker);
}

/*
 * Prepares a process of ours for signals.  SIGTERM ends it wherever it waits:
 * a handler that only sets a flag would hold up a fast shutdown.
 */
void
crm_worker_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
}

static int
interval_ms(void)
{
	return crm_guc_seal_interval == 0 ? REJECTIONS_MS :
		Max(crm_guc_seal_interval, SHORTEST_MS);
}

/* Gives a place to a database that is to be looked after, or takes it. */
static void
database_note(Form_pg_database form)
{
	bool		is_watched = form->datallowconn && !form->datistemplate &&
	crm_database_is_chosen(NameStr(form->datname));
	WorkerDatabase *database = crm_worker_database(form->oid, is_watched);

	if (database)
		database->is_watched = is_watched;
	else if (is_watched && !has_told_of_limit)
	{
		has_told_of_limit = true;
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("the crmaudit worker cannot look after database \"%s\"",
						NameStr(form->datname)),
				 errdetail("It looks after %d databases at most.",
						   CRM_WORKER_DATABASES),
				 errhint("Name those that have the extension in crmaudit.databases.")));
	}
}

/* Reads pg_database; afterwards every place belongs to a database. */
static void
databases_read(void)
{
	WorkerState *state = crm_worker_state;
	uint32		generation = pg_atomic_read_u32(&state->generation);
	bool	   *is_there = palloc0(CRM_WORKER_DATABASES * sizeof(bool));
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		WorkerDatabase *database;

		database_note(form);
		database = crm_worker_database(form->oid, false);
		if (database)
			is_there[database - state->databases] = true;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();

	/* later places may belong to databases that came after the snapshot */
	for (int i = 0; i < CRM_WORKER_DATABASES; i++)
	{
		WorkerDatabase *database = &state->databases[i];

		if (OidIsValid(database->oid) && !is_there[i] &&
			database->generation <= generation && database->pid == 0)
		{
			crm_worker_database_forget(database);
			told_dropped[i] = 0;
		}
	}
	pfree(is_there);
}

static bool
buffer_fills(void)
{
	return crm_worker_state->nfree < crm_worker_state->nrecords / 2;
}

/*
 * How long after the start of a database's last worker, in milliseconds, the
 * next one is due; -1 if there is nothing to do.
 */
static int64
database_pause(WorkerDatabase *database)
{
	bool		has_work = pg_atomic_read_u32(&database->has_work) != 0;

	if (!OidIsValid(database->oid) || database->pid != 0)
		return -1;
	if (database->nfailures > 0)
		return Min((int64) interval_ms() << Min(database->nfailures, 20),
				   LONGEST_PAUSE_MS);
	if (database->nwaiting > 0)
		return Min(interval_ms(),
				   buffer_fills() ? HURRY_MS : CRM_HEARTBEAT_MS);
	if (!database->is_watched)
		return -1;
	if (!database->has_extension)
		return has_work ? crm_guc_discovery_interval * INT64CONST(1000) : -1;
	return crm_guc_seal_interval > 0 && has_work ?
		Min(interval_ms(), CRM_HEARTBEAT_MS) : CRM_HEARTBEAT_MS;
}

/* Whether a worker is to be started in the database now. */
static bool
database_is_due(WorkerDatabase *database, TimestampTz now)
{
	int64		pause = database_pause(database);

	return pause >= 0 &&
		now >= TimestampTzPlusMilliseconds(database->started_at, pause);
}

/*
 * How long the launcher sleeps, unless it is woken: until the next database is
 * due, and no longer than it takes one that is written to now.
 */
static long
nap_ms(int nrunning)
{
	int64		nap = nrunning > 0 ? Min(WATCH_MS, interval_ms()) :
	Min(interval_ms(), crm_guc_discovery_interval * INT64CONST(1000));
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < CRM_WORKER_DATABASES; i++)
	{
		WorkerDatabase *database = &crm_worker_state->databases[i];
		int64		pause = database_pause(database);

		if (pause >= 0)
			nap = Min(nap, pause - (now - database->started_at) / 1000 + 1);
	}
	/* what is overdue waits for something else */
	return Max(nap, SHORTEST_MS);
}

/*
 * Whether nobody drops, copies or moves the database, or waits to: each takes
 * a lock on it that a session takes for a moment when it connects.
 */
static bool
database_is_free(Oid oid)
{
	LOCKTAG		tag;
	bool		result;

	StartTransactionCommand();
	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, oid, 0);
	result = LockAcquire(&tag, RowExclusiveLock, false,
						 true) != LOCKACQUIRE_NOT_AVAIL;
	CommitTransactionCommand();
	return result;
}

/* Starts a worker in a database; false if there is no process for it. */
static bool
database_start(WorkerDatabase *database, RunningWorker *place)
{
	BackgroundWorker worker;

	worker_fill(&worker, "crmaudit_worker_main", "crmaudit worker");
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database->oid);
	worker.bgw_notify_pid = MyProcPid;
	LWLockAcquire(crm_worker_state->lock, LW_EXCLUSIVE);
	database->phase = WORKER_STARTED;
	database->started_at = GetCurrentTimestamp();
	LWLockRelease(crm_worker_state->lock);
	if (RegisterDynamicBackgroundWorker(&worker, &place->handle))
	{
		place->database = database;
		is_short_of_processes = false;
		return true;
	}
	database->phase = WORKER_NONE;
	if (!is_short_of_processes)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not start a crmaudit worker"),
				 errdetail("All background processes are in use."),
				 errhint("Increase max_worker_processes.")));
	is_short_of_processes = true;
	return false;
}

/* Notes a worker that ended without saying how it went. */
static void
database_failed(WorkerDatabase *database)
{
	LWLockAcquire(crm_worker_state->lock, LW_EXCLUSIVE);
	database->nfailures++;
	database->failed_at = GetCurrentTimestamp();
	strlcpy(database->error, "the worker was ended, or could not connect",
			CRM_WORKER_ERROR);
	LWLockRelease(crm_worker_state->lock);
	pg_atomic_write_u32(&database->has_work, 1);
}

/* Forgets workers that have ended; returns how many have not. */
static int
running_reap(void)
{
	int			count = 0;

	for (int i = 0; i < WORKERS_AT_ONCE; i++)
	{
		RunningWorker *worker = &running[i];
		BgwHandleStatus status;
		pid_t		pid;

		if (worker->database == NULL)
			continue;
		status = GetBackgroundWorkerPid(worker->handle, &pid);
		if (status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED)
		{
			count++;
			continue;
		}
		if (worker->database->phase != WORKER_DONE)
			database_failed(worker->database);
		worker->database->phase = WORKER_NONE;
		pfree(worker->handle);
		worker->database = NULL;
	}
	return count;
}

/* Ends workers that somebody waits for. */
static void
running_watch(void)
{
	for (int i = 0; i < WORKERS_AT_ONCE; i++)
	{
		RunningWorker *worker = &running[i];

		if (worker->database && worker->database->pid != 0 &&
			!database_is_free(worker->database->oid))
			TerminateBackgroundWorker(worker->handle);
	}
}

static bool
is_running(const WorkerDatabase *database)
{
	for (int i = 0; i < WORKERS_AT_ONCE; i++)
	{
		if (running[i].database == database)
			return true;
	}
	return false;
}

/*
 * Starts workers where they are due.  The search goes on from where the last
 * one ended, so that each database has its turn.
 */
static void
databases_serve(int nrunning)
{
	static int	next = 0;
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < CRM_WORKER_DATABASES && nrunning < WORKERS_AT_ONCE; i++)
	{
		WorkerDatabase *database;
		int			place = 0;

		database = &crm_worker_state->databases[next];
		next = (next + 1) % CRM_WORKER_DATABASES;
		if (!database_is_due(database, now) || is_running(database) ||
			!database_is_free(database->oid))
			continue;
		while (running[place].database != NULL)
			place++;
		if (!database_start(database, &running[place]))
			break;
		nrunning++;
	}
}

/* Says in the log how many rejections were dropped since it last did. */
static void
dropped_tell(void)
{
	WorkerState *state = crm_worker_state;
	TimestampTz now = GetCurrentTimestamp();

	if (now < TimestampTzPlusMilliseconds(told_at, WARNING_MS))
		return;
	for (int i = 0; i < CRM_WORKER_DATABASES; i++)
	{
		WorkerDatabase *database = &state->databases[i];
		int64		dropped;
		char	   *name;

		SpinLockAcquire(&state->ring_lock);
		dropped = database->ndropped;
		SpinLockRelease(&state->ring_lock);
		if (!OidIsValid(database->oid) || dropped <= told_dropped[i])
			continue;
		StartTransactionCommand();
		name = get_database_name(database->oid);
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg(INT64_FORMAT " rejections in database \"%s\" were not recorded",
						dropped - told_dropped[i], name ? name : ""),
				 errdetail("They came faster than the crmaudit worker writes them."),
				 errhint("Increase crmaudit.rejection_buffer.")));
		CommitTransactionCommand();
		told_dropped[i] = dropped;
		told_at = now;
	}
}

static void
launcher_exit(int code, Datum arg)
{
	WorkerState *state = crm_worker_state;
	int			nwaiting;

	SpinLockAcquire(&state->ring_lock);
	nwaiting = state->nrecords - state->nfree;
	SpinLockRelease(&state->ring_lock);
	if (nwaiting > 0)
		ereport(LOG,
				(errmsg("%d rejections have not been written", nwaiting),
				 errdetail("They are lost if the server stops now.")));
	state->launcher_latch = NULL;
	state->launcher_pid = 0;
}

/* The launcher's function. */
void
crmaudit_launcher_main(Datum arg)
{
	MemoryContext memory;

	crm_is_worker = true;
	crm_worker_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	memory = AllocSetContextCreate(TopMemoryContext, "crmaudit launcher",
								   ALLOCSET_DEFAULT_SIZES);
	before_shmem_exit(launcher_exit, 0);
	crm_worker_state->launcher_latch = MyLatch;
	crm_worker_state->launcher_pid = MyProcPid;
	pgstat_report_activity(STATE_IDLE, NULL);

	for (;;)
	{
		int			nrunning;

		MemoryContextReset(memory);
		MemoryContextSwitchTo(memory);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		databases_read();
		MemoryContextSwitchTo(TopMemoryContext);
		nrunning = running_reap();
		running_watch();
		databases_serve(nrunning);
		dropped_tell();
		MemoryContextSwitchTo(memory);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 nap_ms(running_reap()), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
