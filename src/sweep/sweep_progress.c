/*-------------------------------------------------------------------------
 *
 * sweep_progress.c
 *		How far sweeps have come, in shared memory.
 *
 * Needs the library in shared_preload_libraries; without it there are no
 * places, and a sweep runs unseen.
 *
 * Locking: the LWLock "crmaudit sweep" guards who has a place.  The counters
 * are atomic: leader and workers add, the view reads.
 *
 * Lifetime: a place is given back when the sweep ends, by an error too
 * (callbacks at the end of transactions, and of the process).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "sweep/sweep_progress.h"

#define PROGRESS_NAME	"crmaudit sweep"
#define PROGRESS_PLACES	64

typedef struct ProgressState
{
	LWLock	   *lock;
	SweepProgress places[PROGRESS_PLACES];
} ProgressState;

static ProgressState *state = NULL;
static SweepProgress *mine = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static const char *const phase_names[] = {
	"scanning", "grouping", "querying", "writing"
};

PG_FUNCTION_INFO_V1(crmaudit_sweep_progress);

static void
request_hook(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(sizeof(ProgressState));
	RequestNamedLWLockTranche(PROGRESS_NAME, 1);
}

static void
startup_hook(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	state = ShmemInitStruct(PROGRESS_NAME, sizeof(ProgressState), &found);
	if (!found)
	{
		memset(state, 0, sizeof(ProgressState));
		state->lock = &GetNamedLWLockTranche(PROGRESS_NAME)->lock;
		for (int i = 0; i < PROGRESS_PLACES; i++)
		{
			pg_atomic_init_u32(&state->places[i].phase, 0);
			pg_atomic_init_u64(&state->places[i].blocks_total, 0);
			pg_atomic_init_u64(&state->places[i].blocks_done, 0);
			pg_atomic_init_u64(&state->places[i].rows, 0);
			pg_atomic_init_u64(&state->places[i].findings, 0);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

static void
release_mine(void)
{
	if (mine == NULL)
		return;
	LWLockAcquire(state->lock, LW_EXCLUSIVE);
	mine->pid = 0;
	LWLockRelease(state->lock);
	mine = NULL;
}

static void
exit_callback(int code, Datum arg)
{
	release_mine();
}

static void
xact_callback(XactEvent event, void *arg)
{
	if (mine && (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
				 event == XACT_EVENT_PREPARE))
		release_mine();
}

void
crm_sweep_progress_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	if (!process_shared_preload_libraries_in_progress)
		return;
	CRM_REQUEST_SHMEM(previous_request_hook, request_hook);
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_hook;
}

/* Takes a place for a sweep; NULL without shared memory, or if all are taken. */
SweepProgress *
crm_sweep_progress_begin(Oid target)
{
	static bool watched = false;

	if (state == NULL)
		return NULL;
	if (!watched)
		before_shmem_exit(exit_callback, (Datum) 0);
	watched = true;
	release_mine();
	LWLockAcquire(state->lock, LW_EXCLUSIVE);
	for (int i = 0; i < PROGRESS_PLACES && mine == NULL; i++)
	{
		SweepProgress *place = &state->places[i];

		if (place->pid != 0)
			continue;
		mine = place;
		place->pid = MyProcPid;
		place->database = MyDatabaseId;
		place->target = target;
		place->workers = 0;
		place->started_at = GetCurrentTimestamp();
		pg_atomic_write_u32(&place->phase, SWEEP_SCANNING);
		pg_atomic_write_u64(&place->blocks_total, 0);
		pg_atomic_write_u64(&place->blocks_done, 0);
		pg_atomic_write_u64(&place->rows, 0);
		pg_atomic_write_u64(&place->findings, 0);
	}
	LWLockRelease(state->lock);
	return mine;
}

/* The place of another process's sweep, for its workers; NULL if it has none. */
SweepProgress *
crm_sweep_progress_of(int pid, Oid target)
{
	SweepProgress *found = NULL;

	if (state == NULL)
		return NULL;
	LWLockAcquire(state->lock, LW_SHARED);
	for (int i = 0; i < PROGRESS_PLACES && found == NULL; i++)
	{
		if (state->places[i].pid == pid && state->places[i].target == target)
			found = &state->places[i];
	}
	LWLockRelease(state->lock);
	return found;
}

void
crm_sweep_progress_phase(SweepProgress *progress, SweepPhase phase)
{
	if (progress)
		pg_atomic_write_u32(&progress->phase, phase);
}

void
crm_sweep_progress_end(SweepProgress *progress)
{
	if (progress)
		release_mine();
}

/*
 * crmaudit.sweep_progresses(): the sweeps of this database that are running.
 */
Datum
crmaudit_sweep_progress(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (state == NULL)
		return (Datum) 0;
	LWLockAcquire(state->lock, LW_SHARED);
	for (int i = 0; i < PROGRESS_PLACES; i++)
	{
		SweepProgress *place = &state->places[i];
		Datum		values[9];
		bool		nulls[9] = {false};

		if (place->pid == 0 || place->database != MyDatabaseId)
			continue;
		values[0] = Int32GetDatum(place->pid);
		values[1] = ObjectIdGetDatum(place->target);
		values[2] = TimestampTzGetDatum(place->started_at);
		values[3] = CStringGetTextDatum(phase_names[pg_atomic_read_u32(&place->phase)]);
		values[4] = Int32GetDatum(place->workers);
		values[5] = Int64GetDatum((int64) pg_atomic_read_u64(&place->blocks_total));
		values[6] = Int64GetDatum((int64) pg_atomic_read_u64(&place->blocks_done));
		values[7] = Int64GetDatum((int64) pg_atomic_read_u64(&place->rows));
		values[8] = Int64GetDatum((int64) pg_atomic_read_u64(&place->findings));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	LWLockRelease(state->lock);
	return (Datum) 0;
}
