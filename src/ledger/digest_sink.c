/*-------------------------------------------------------------------------
 *
 * digest_sink.c
 *		Where digests of blocks go: log, file, NOTIFY, a command.
 *
 * A digest that is kept where the database's superuser cannot change it proves
 * that the ledger was not rewritten.  It must not leave before its block is
 * committed, or a rollback would later look like a forgery.  A sink that fails
 * gives a warning: the block is there, and the next digest covers it.
 *
 * Lifetime: what is remembered belongs to the transaction; the abort of a
 * subtransaction drops what was sealed in it.
 *
 * Memory: TopTransactionContext.  Nothing is allocated after commit, when an
 * error would be a panic.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/xact.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "libpq/pqsignal.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "guc.h"
#include "ledger/digest_sink.h"

/* The channel that listeners of digests listen to. */
#define DIGEST_CHANNEL	"crmaudit"

/* More than a digest with a database's name ever needs. */
#define DIGEST_BYTES	2048

/* A block of this transaction. */
typedef struct PendingDigest
{
	SubTransactionId subid;
	char		line[DIGEST_BYTES]; /* with a line feed; empty: no sink */
} PendingDigest;

static List *pending = NIL;

/* What crmaudit.digest_command is to be given next. */
static char for_command[DIGEST_BYTES];

static bool
has_sink(void)
{
	return crm_guc_digest_log || crm_guc_digest_notify ||
		crm_guc_digest_file[0] != '\0' || crm_guc_digest_command[0] != '\0';
}

void
crm_digest_remember(void)
{
	PendingDigest *item = MemoryContextAllocZero(TopTransactionContext,
												 sizeof(PendingDigest));
	MemoryContext old;

	item->subid = GetCurrentSubTransactionId();
	if (has_sink())
	{
		char	   *text;

		if (SPI_execute("SELECT crmaudit.ledger_digest()", false, 1) != SPI_OK_SELECT ||
			SPI_processed != 1)
			elog(ERROR, "could not read the digest of the ledger");
		text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		snprintf(item->line, DIGEST_BYTES, "%s\n", text);
		if (crm_guc_digest_notify)
			Async_Notify(DIGEST_CHANNEL, text);
	}
	old = MemoryContextSwitchTo(TopTransactionContext);
	pending = lappend(pending, item);
	MemoryContextSwitchTo(old);
}

/* Appends a line to crmaudit.digest_file; false, with errno, if it fails. */
static bool
file_append(const char *line)
{
	int			size = strlen(line);
	int			file = open(crm_guc_digest_file,
							O_WRONLY | O_APPEND | O_CREAT | PG_BINARY,
							S_IRUSR | S_IWUSR);
	int			written;
	int			failure = 0;

	if (file < 0)
		return false;
	errno = 0;
	written = write(file, line, size);
	if (written != size)
		failure = errno ? errno : ENOSPC;
	else if (pg_fsync(file) != 0)
		failure = errno;
	if (close(file) != 0 && failure == 0)
		failure = errno;
	errno = failure;
	return failure == 0;
}

/* Hands a committed block's digest on; must not raise an error. */
static void
digest_emit(const PendingDigest *item)
{
	if (item->line[0] == '\0')
		return;
	if (crm_guc_digest_log)
		ereport(LOG,
				(errmsg("digest of the ledger: %.*s",
						(int) strlen(item->line) - 1, item->line),
				 errhidestmt(true), errhidecontext(true)));
	if (crm_guc_digest_file[0] != '\0' && !file_append(item->line))
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not append the digest of the ledger to file \"%s\": %m",
						crm_guc_digest_file),
				 errdetail("The block is sealed; the next digest covers it."),
				 errhint("See crmaudit.digest_file.")));
	strlcpy(for_command, item->line, DIGEST_BYTES);
}

static void
xact_callback(XactEvent event, void *arg)
{
	ListCell   *cell;

	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (pending != NIL)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot PREPARE a transaction that has sealed the ledger"),
						 errdetail("Nobody else could seal until it ends.")));
			break;
		case XACT_EVENT_COMMIT:
			foreach(cell, pending)
				digest_emit(lfirst(cell));
			pending = NIL;
			break;
		case XACT_EVENT_ABORT:
			pending = NIL;
			break;
		default:
			break;
	}
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	/* while it aborts, greater ids are those nested in it */
	while (event == SUBXACT_EVENT_ABORT_SUB && pending != NIL &&
		   ((PendingDigest *) llast(pending))->subid >= subid)
		pending = list_delete_last(pending);
}

void
crm_digest_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}

void
crm_digest_run_command(void)
{
	FILE	   *pipe;
	bool		is_written;
	int			status;

	if (crm_guc_digest_command[0] == '\0' || for_command[0] == '\0')
		return;
	/* as in OpenPipeStream(): programs do not expect it to be ignored */
	pqsignal(SIGPIPE, SIG_DFL);
	pipe = popen(crm_guc_digest_command, "w");
	pqsignal(SIGPIPE, SIG_IGN);
	if (pipe == NULL)
	{
		ereport(WARNING,
				(errmsg("could not run crmaudit.digest_command: %m")));
		return;
	}
	is_written = fputs(for_command, pipe) >= 0 && fflush(pipe) == 0;
	status = pclose(pipe);
	for_command[0] = '\0';
	if (status != 0 || !is_written)
		ereport(WARNING,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("crmaudit.digest_command failed"),
				 status != 0 ? errdetail_internal("%s", wait_result_to_str(status)) :
				 errdetail("It did not read its input."),
				 errhint("It is given the digest on its standard input.")));
}
