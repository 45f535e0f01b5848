/*-------------------------------------------------------------------------
 *
 * worker_database.c
 *		What the background worker does in one database, once.
 *
 * It looks for the extension, runs crmaudit.maintain() if the hour has come,
 * writes rejections, folds findings and scores, and seals the ledger; then
 * the process ends.  Each step is a transaction of its own, or several, and
 * can be done again: one that fails does not keep the others from being done.  The launcher tries again
 * after a pause that doubles.  An error is written to the log when it is not
 * the one before, and stays in crmaudit.worker_status().
 *
 * The process acts as the bootstrap superuser, whatever settings the database
 * has.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "crmaudit.h"
#include "gate/gate.h"
#include "guc.h"
#include "ledger/digest_sink.h"
#include "ledger/ledger_worker.h"
#include "ledger/seal.h"

/* How often crmaudit.maintain() is run, and how soon again if it failed. */
#define MAINTAIN_MS			(60 * 60 * 1000)
#define MAINTAIN_AGAIN_MS	(60 * 1000)

/* Rejections written by one transaction. */
#define REJECTIONS_BATCH	1000

/* The database that this process works in. */
static WorkerDatabase *database = NULL;

/* A step; runs in a transaction, connected to SPI, with a snapshot. */
typedef void (*WorkerStep) (void);

/* What the step that finds the extension found. */
static bool has_extension = false;

/* How many rejections the step has written, which are removed at its commit. */
static int	nwritten = 0;

/* Whether a step left something for the next run. */
static bool is_unfinished = false;

/* Why the last step that failed did. */
static char failure[CRM_WORKER_ERROR] = "";

/* When one failed last in this run, and whether for more than others' locks. */
static TimestampTz failed_at = 0;
static bool has_failed = false;

static void
worker_exit(int code, Datum arg)
{
	if (database->pid == MyProcPid)
		database->pid = 0;
}

/* Takes the place of the database's worker; ends if there is another one. */
static void
worker_attach(Oid oid)
{
	bool		is_mine = false;

	database = crm_worker_database(oid, false);
	if (database == NULL)
		proc_exit(0);
	LWLockAcquire(crm_worker_state->lock, LW_EXCLUSIVE);
	if (database->pid == 0)
	{
		database->pid = MyProcPid;
		is_mine = true;
	}
	LWLockRelease(crm_worker_state->lock);
	if (!is_mine)
		proc_exit(0);
	before_shmem_exit(worker_exit, 0);
}

/* Settings of the database, or of the superuser, that could disturb. */
static void
worker_settings(void)
{
	static const char *const settings[][2] = {
		{"application_name", "crmaudit worker"},
		{"search_path", "pg_catalog, pg_temp"},
		{"role", "none"},
		{"session_replication_role", "origin"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"statement_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		/* whoever alters a table of ours is not waited for with others' */
		{"lock_timeout", "1000"},
		{"client_min_messages", "error"}
	};

	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET,
						PGC_S_OVERRIDE);
}

static void
step_find(void)
{
	has_extension = OidIsValid(get_extension_oid("crmaudit", true));
}

/* Whether the extension has a function of that name without arguments. */
static bool
function_exists(const char *name)
{
	return SearchSysCacheExists3(PROCNAMEARGSNSP, CStringGetDatum(name),
								 PointerGetDatum(buildoidvector(NULL, 0)),
								 ObjectIdGetDatum(get_namespace_oid("crmaudit",
																	true)));
}

/*
 * Has the step give up where it would wait for long: who drops the extension
 * meanwhile must not be the one that a deadlock ends.
 */
static void
give_way(void)
{
	(void) set_config_option("lock_timeout", "200ms", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/*
 * While a dump is restored, nothing is made that it brings: neither partitions
 * nor their indexes and triggers.  As little is needed before a table is tracked.
 */
static void
step_maintain(void)
{
	const char *command = "SELECT crmaudit.maintain()";

	if (!function_exists("maintain"))
		return;
	give_way();
	if (SPI_execute("SELECT WHERE crmaudit.may_begin_life(crmaudit.ledger_incarnation())",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read crmaudit.ledger_incarnation");
	database->maintain_put_off = SPI_processed == 0;
	if (database->maintain_put_off)
		command = "SELECT crmaudit.maintain_retention()";
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "could not run crmaudit.maintain()");
}

/* Folds what sessions appended, so that who reads has less to add up. */
static void
step_fold(void)
{
	if (!function_exists("fold"))
		return;
	give_way();
	if (SPI_execute("SELECT crmaudit.fold() WHERE crmaudit.may_begin_life(crmaudit.ledger_incarnation())",
					false, 0) < 0)
		elog(ERROR, "could not run crmaudit.fold()");
}

static void
step_seal(void)
{
	give_way();
	(void) crm_seal(true);
}

/*
 * A transaction that is prepared now may be committed by a session that writes
 * nothing itself, and marks nothing.
 */
static void
step_prepared(void)
{
	if (SPI_execute("SELECT FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database()",
					true, 1) < 0)
		elog(ERROR, "could not read pg_prepared_xacts");
	is_unfinished |= SPI_processed > 0;
}

/* A text, or NULL where it is not known. */
static Datum
text_datum(const char *text, char *null)
{
	*null = text[0] == '\0' ? 'n' : ' ';
	return CStringGetTextDatum(text);
}

static Datum
rules_datum(const Rejection *rejection)
{
	Datum		rules[CRM_REJECTION_RULES];

	for (int i = 0; i < rejection->nrules; i++)
		rules[i] = Int64GetDatum(rejection->rules[i]);
	return PointerGetDatum(construct_array(rules, rejection->nrules, INT8OID,
										   sizeof(int64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

static Datum
reasons_datum(const Rejection *rejection)
{
	/* a live condition that fails is no rule, but has a reason */
	int			count = Max(rejection->nrules, 1);
	Datum		reasons[CRM_REJECTION_RULES];

	for (int i = 0; i < count; i++)
		reasons[i] =
			CStringGetTextDatum(crm_reason_words[rejection->reasons[i]].code);
	return PointerGetDatum(construct_array(reasons, count, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* Writes one rejection with the prepared INSERT. */
static void
rejection_write(SPIPlanPtr plan, const Rejection *rejection)
{
	char	   *username = GetUserNameFromId(rejection->userid, true);
	Datum		values[11];
	char		nulls[11];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = TimestampTzGetDatum(rejection->at);
	values[1] = ObjectIdGetDatum(rejection->target);
	values[2] =
		CStringGetTextDatum(crm_operation_name(rejection->operation));
	values[3] = rules_datum(rejection);
	values[4] = reasons_datum(rejection);
	values[5] = Int32GetDatum(rejection->violations);
	values[6] = text_datum(rejection->row_key, &nulls[6]);
	values[7] = text_datum(rejection->actor, &nulls[7]);
	values[8] = text_datum(username ? username :
						   psprintf("%u", rejection->userid), &nulls[8]);
	values[9] = text_datum(rejection->client, &nulls[9]);
	values[10] = text_datum(rejection->application_name, &nulls[10]);
	if (SPI_execute_plan(plan, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write crmaudit.rejection");
}

static void
step_rejections(void)
{
	static Oid	types[11] = {TIMESTAMPTZOID, REGCLASSOID, TEXTOID, INT8ARRAYOID,
	TEXTARRAYOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	const Rejection **batch = palloc(REJECTIONS_BATCH * sizeof(Rejection *));
	int			count = crm_rejection_peek(database, batch, REJECTIONS_BATCH);
	MemoryContext memory;
	SPIPlanPtr	plan;

	nwritten = 0;
	if (count == 0)
		return;
	plan = SPI_prepare("INSERT INTO crmaudit.rejection (at, target, operation, rules, reasons, violations,"
					   " row_key, actor, username, client, application_name)"
					   " VALUES ($1, $2, $3, $4, $5, $6, $7::pg_catalog.jsonb, $8, $9, $10, $11)",
					   lengthof(types), types);
	if (plan == NULL)
		elog(ERROR, "could not write crmaudit.rejection");
	memory = AllocSetContextCreate(CurrentMemoryContext, "crmaudit rejection",
								   ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < count; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(memory);

		rejection_write(plan, batch[i]);
		MemoryContextSwitchTo(old);
		MemoryContextReset(memory);
	}
	nwritten = count;
}

/*
 * Keeps an error, and writes it to the log unless the last run's was the same.
 * That others hold a lock is not worth the log.
 */
static void
step_failed(MemoryContext context)
{
	ErrorData  *error;
	bool		is_locked_out;
	int			used;
	int			length;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	HOLD_INTERRUPTS();
	is_locked_out = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
	has_failed |= !is_locked_out;
	failed_at = GetCurrentTimestamp();
	used = snprintf(failure, CRM_WORKER_ERROR, "%s: ",
					unpack_sql_state(error->sqlerrcode));
	length = pg_mbcliplen(error->message, strlen(error->message),
						  CRM_WORKER_ERROR - used - 1);
	memcpy(failure + used, error->message, length);
	failure[used + length] = '\0';
	if (!is_locked_out && strcmp(failure, database->error) != 0)
		EmitErrorReport();
	FlushErrorState();
	AbortOutOfAnyTransaction();
	RESUME_INTERRUPTS();
	FreeErrorData(error);
	is_unfinished = true;
}

/* Runs a step; false, and why in "failure", if it fails. */
static bool
step_run(WorkerStep step, const char *activity)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool result = true;

	CHECK_FOR_INTERRUPTS();
	pgstat_report_activity(STATE_RUNNING, activity);
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		PushActiveSnapshot(GetTransactionSnapshot());
		step();
		PopActiveSnapshot();
		SPI_finish();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		step_failed(context);
		result = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return result;
}

/* Runs a step in which the extension is used, if it is still there. */
static bool
step_use(WorkerStep step, const char *activity)
{
	if (!step_run(step_find, "looking for the extension"))
		return false;
	return !has_extension || step_run(step, activity);
}

/*
 * Writes the rejections there are, and those that come meanwhile; but not for
 * ever.
 */
static bool
write_rejections(void)
{
	for (int i = 0; i < crm_worker_state->nrecords / REJECTIONS_BATCH + 1; i++)
	{
		nwritten = 0;
		if (!step_use(step_rejections, "writing rejections"))
			return false;
		/* no interrupt has been served since the commit */
		crm_rejection_remove(database, nwritten, true);
		if (nwritten < REJECTIONS_BATCH)
			break;
	}
	return true;
}

/*
 * Drops rejections for which there is no table: it was dropped, or the
 * transaction that makes it did not commit in time.
 */
static void
drop_rejections(void)
{
	TimestampTz now = GetCurrentTimestamp();
	const Rejection *oldest;

	while (crm_rejection_peek(database, &oldest, 1) > 0 &&
		   now >= TimestampTzPlusMilliseconds(oldest->at,
											  crm_guc_discovery_interval * INT64CONST(1000)))
		crm_rejection_remove(database, 1, false);
}

/*
 * Runs crmaudit.maintain() if the time has come.  That it fails does not hold
 * up the rest.
 */
static void
worker_maintain(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now < TimestampTzPlusMilliseconds(database->maintained_at,
										  database->maintain_failed || database->maintain_put_off ?
										  MAINTAIN_AGAIN_MS : MAINTAIN_MS))
	{
		/* what it failed of stays to be seen */
		if (database->maintain_failed)
			strlcpy(failure, database->error, CRM_WORKER_ERROR);
		return;
	}
	database->maintain_failed = !step_use(step_maintain,
										  "SELECT crmaudit.maintain()");
	database->maintained_at = now;
}

/* Does all there is to do; false if a step failed that is tried at once. */
static bool
worker_run(void)
{
	bool		result;

	if (!step_run(step_find, "looking for the extension"))
		return false;
	database->has_extension = has_extension;
	if (!has_extension)
	{
		drop_rejections();
		return true;
	}
	if (database->is_watched)
		worker_maintain();
	result = write_rejections();
	if (database->is_watched && !step_use(step_fold, "SELECT crmaudit.fold()"))
		result = false;
	if (!database->is_watched || crm_guc_seal_interval == 0)
		return result;
	/* before sealing: one that is committed meanwhile is for the next time */
	if (max_prepared_xacts > 0 &&
		!step_run(step_prepared, "looking for prepared transactions"))
		result = false;
	if (step_use(step_seal, "sealing the ledger"))
		database->sealed_at = GetCurrentTimestamp();
	else
		result = false;
	pgstat_report_activity(STATE_RUNNING, "crmaudit.digest_command");
	crm_digest_run_command();
	return result;
}

/* Says how it went. */
static void
worker_report(bool is_well)
{
	if (is_unfinished)
		pg_atomic_write_u32(&database->has_work, 1);
	LWLockAcquire(crm_worker_state->lock, LW_EXCLUSIVE);
	if (is_well || !has_failed)
		database->nfailures = 0;
	else
		database->nfailures++;
	if (failed_at != 0)
		database->failed_at = failed_at;
	strlcpy(database->error, failure, CRM_WORKER_ERROR);
	database->phase = WORKER_DONE;
	LWLockRelease(crm_worker_state->lock);
}

/* The function of a worker in one database. */
void
crmaudit_worker_main(Datum arg)
{
	crm_is_worker = true;
	crm_worker_signals();
	worker_attach(DatumGetObjectId(arg));
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg),
											  InvalidOid, 0);
	worker_settings();

	/* first of all: what is committed from here on is for the next run */
	pg_atomic_write_u32(&database->has_work, 0);
	pg_memory_barrier();
	worker_report(worker_run());
	proc_exit(0);
}
