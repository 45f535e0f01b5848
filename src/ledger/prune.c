/*-------------------------------------------------------------------------
 *
 * prune.c
 *		A month of the ledger goes; its blocks stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#include "compat.h"
#include "ledger/guard.h"

PG_FUNCTION_INFO_V1(crmaudit_prune_ledger_month);

/* The month, the digest, the number of entries. */
#define PRUNE_ARGS	3

typedef struct Pruning
{
	Datum		args[PRUNE_ARGS];
	const char *nulls;			/* as SPI takes them */
} Pruning;

#define IN_MONTH(column) \
	column " >= $1::pg_catalog.timestamp AT TIME ZONE 'UTC'" \
	" AND " column " < ($1 + interval '1 month') AT TIME ZONE 'UTC'"

/*
 * In this order, for keys are found by their entries.  A month without a
 * partition of its own lies in the default one.
 */
static const char *const statements[] = {
	"DELETE FROM crmaudit.ledger_key k USING crmaudit.ledger_entry e, crmaudit.ledger_block b"
	" WHERE " IN_MONTH("e.at") " AND k.xid = e.xid AND k.ord = e.ord"
	" AND k.block_id IN (SELECT p.block_id FROM crmaudit.ledger_block_partition p WHERE p.period = $1)"
	" AND b.block_id = k.block_id AND b.incarnation >> 24 = e.incarnation >> 24",
	"DELETE FROM crmaudit.ledger_transaction WHERE period = $1",
	"SELECT crmaudit.drop_ledger_partition('crmaudit.ledger_entry', $1)",
	"SELECT crmaudit.drop_ledger_partition('crmaudit.ledger_context', $1)",
	"DELETE FROM crmaudit.ledger_entry WHERE " IN_MONTH("at"),
	"DELETE FROM crmaudit.ledger_context WHERE " IN_MONTH("at"),
	"INSERT INTO crmaudit.ledger_pruned (period, entries, digest) SELECT $1, $3, $2 WHERE $3 > 0",
	"SELECT crmaudit.record_schema_entry(0, pg_catalog.jsonb_build_object('action', 'prune',"
	" 'period', $1, 'entries', $3, 'block', $2 -> 'block')) WHERE $3 > 0"
};

static void
statement_run(const char *command, Pruning *pruning)
{
	Oid			types[PRUNE_ARGS] = {DATEOID, JSONBOID, INT8OID};

	if (SPI_execute_with_args(command, PRUNE_ARGS, types,
							  pruning->args,
							  pruning->nulls, false, 0) < 0)
		elog(ERROR, "could not prune the ledger");
}

static void
pruning_run(void *arg)
{
	for (int i = 0; i < lengthof(statements); i++)
		statement_run(statements[i], arg);
}

/*
 * crmaudit.prune_ledger_month(period date, digest jsonb) returns bigint: the
 * entries that went.  What prune_ledger() must look at first is looked at
 * here, so that nobody gets past it.
 */
Datum
crmaudit_prune_ledger_month(PG_FUNCTION_ARGS)
{
	Pruning		pruning;
	int64		entries;
	bool		isnull;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	pruning.args[0] = PG_GETARG_DATUM(0);
	pruning.args[1] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	pruning.args[2] = Int64GetDatum(0);
	pruning.nulls = PG_ARGISNULL(1) ? " n " : "   ";
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	statement_run("SELECT crmaudit.require_prunable($1, $2)", &pruning);
	entries = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull));
	pruning.args[2] = Int64GetDatum(entries);
	crm_guard_lift(pruning_run, &pruning);
	SPI_finish();
	PG_RETURN_INT64(entries);
}
