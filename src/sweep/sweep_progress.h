/*-------------------------------------------------------------------------
 *
 * sweep_progress.h
 *		How far sweeps have come, in shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SWEEP_PROGRESS_H
#define CRM_SWEEP_PROGRESS_H

#include "datatype/timestamp.h"
#include "port/atomics.h"

/* What a sweep is doing. */
typedef enum SweepPhase
{
	SWEEP_SCANNING,
	SWEEP_GROUPING,				/* rows that share a value are brought
								 * together */
	SWEEP_QUERYING,				/* kinds that are SQL */
	SWEEP_WRITING
} SweepPhase;

/* A sweep that is running. */
typedef struct SweepProgress
{
	int			pid;			/* of the leader; 0: the place is free */
	Oid			database;
	Oid			target;
	int			workers;
	TimestampTz started_at;
	pg_atomic_uint32 phase;
	pg_atomic_uint64 blocks_total;
	pg_atomic_uint64 blocks_done;
	pg_atomic_uint64 rows;
	pg_atomic_uint64 findings;
} SweepProgress;

extern void crm_sweep_progress_init(void);
extern SweepProgress *crm_sweep_progress_begin(Oid target);
extern SweepProgress *crm_sweep_progress_of(int pid, Oid target);
extern void crm_sweep_progress_phase(SweepProgress *progress, SweepPhase phase);
extern void crm_sweep_progress_end(SweepProgress *progress);

#endif							/* CRM_SWEEP_PROGRESS_H */
