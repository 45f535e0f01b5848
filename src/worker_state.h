/*-------------------------------------------------------------------------
 *
 * worker_state.h
 *		What sessions and the background worker share: the databases that it
 *		looks after, and rejections on their way into crmaudit.rejection.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_WORKER_STATE_H
#define CRM_WORKER_STATE_H

#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

/* Sizes of what is kept of a rejection. */
#define CRM_REJECTION_RULES		8
#define CRM_REJECTION_ACTOR		128
#define CRM_REJECTION_CLIENT	64
#define CRM_REJECTION_KEY		384

#define CRM_WORKER_ERROR		256

/* What was refused; an empty text is one that is not known. */
typedef struct Rejection
{
	int			next;			/* place in the buffer; -1: the last one */
	TimestampTz at;
	Oid			target;
	Oid			userid;			/* session user */
	char		operation;		/* I, U, or C: by a rule judged at commit */
	int			violations;		/* of which the first nrules are listed */
	int			nrules;
	int64		rules[CRM_REJECTION_RULES];
	uint16		reasons[CRM_REJECTION_RULES];	/* CrmReason */
	char		actor[CRM_REJECTION_ACTOR];
	char		client[CRM_REJECTION_CLIENT];
	char		application_name[NAMEDATALEN];
	char		row_key[CRM_REJECTION_KEY]; /* json */
} Rejection;

/* How far the process that works in a database has come. */
typedef enum WorkerPhase
{
	WORKER_NONE,
	WORKER_STARTED,				/* or on its way */
	WORKER_DONE					/* it has said how it went */
} WorkerPhase;

/*
 * A database.  Its place is given up only when the database is dropped, so
 * that a session may keep a pointer to its own.
 */
typedef struct WorkerDatabase
{
	pg_atomic_uint32 has_work;	/* written to since a worker last began */

	/* these belong to the lock of the state */
	Oid			oid;			/* invalid: a free place */
	uint32		generation;		/* when the place was given */
	bool		is_watched;
	bool		has_extension;
	WorkerPhase phase;
	int			pid;			/* 0: no worker */
	TimestampTz started_at;
	TimestampTz sealed_at;
	TimestampTz maintained_at;
	TimestampTz failed_at;
	int			nfailures;		/* in a row */
	bool		maintain_failed;	/* and what "error" tells of is that */
	bool		maintain_put_off;	/* but for retention */
	char		error[CRM_WORKER_ERROR];	/* of the last run; empty: none */

	/* and these to ring_lock */
	int			first;
	int			last;
	int			nwaiting;
	int64		nwritten;
	int64		ndropped;
} WorkerDatabase;

#define CRM_WORKER_DATABASES	512

typedef struct WorkerState
{
	LWLock	   *lock;
	pg_atomic_uint32 generation;	/* counts places that were given out */
	Latch	   *launcher_latch;
	int			launcher_pid;	/* 0: it does not run */
	slock_t		ring_lock;
	int			nrecords;
	int			nfree;
	int			free;			/* first of a list; -1: none */
	WorkerDatabase databases[CRM_WORKER_DATABASES];
	Rejection	records[FLEXIBLE_ARRAY_MEMBER];
} WorkerState;

/* NULL if the library was not preloaded. */
extern WorkerState *crm_worker_state;

/* Set in our own workers, whose commits make no work. */
extern bool crm_is_worker;

extern void crm_worker_state_init(void);

/* Whether the worker is to look after a database of that name. */
extern bool crm_database_is_chosen(const char *name);

/*
 * The place of a database; gives it one if "create" is set.  NULL if it has
 * none, or all are taken.  The caller holds no lock.
 */
extern WorkerDatabase *crm_worker_database(Oid oid, bool create);

extern void crm_worker_database_forget(WorkerDatabase *database);

/* The place of the session's own, if a worker looks after it. */
extern WorkerDatabase *crm_worker_my_database(void);

/* Rejections: a session puts, the worker of the database takes. */
extern void crm_rejection_put(WorkerDatabase *database,
							  const Rejection *rejection);
extern int	crm_rejection_peek(WorkerDatabase *database,
							   const Rejection **batch, int size);
extern void crm_rejection_remove(WorkerDatabase *database, int count,
								 bool is_written);

#endif							/* CRM_WORKER_STATE_H */
