/*-------------------------------------------------------------------------
 *
 * prune.c
 *		Months of the ledger go; their blocks stay.
 *
 * Locking: what takes long, the search for keys, comes first.  The lock that
 * keeps readers and writers off is held while partitions are dropped, after
 * a last look at what they hold.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"

#include "compat.h"
#include "ledger/guard.h"

PG_FUNCTION_INFO_V1(crmaudit_prune_ledger_months);

/* Arguments of every statement: the month, the digest, its entries, all months. */
#define PRUNE_ARGS	4

typedef struct Pruning
{
	Datum		args[PRUNE_ARGS];
	char		nulls[PRUNE_ARGS + 1];	/* as SPI takes them */
	int			nperiods;
	Datum	   *periods;
	Datum	   *entries;
} Pruning;

#define IN_MONTH(column) \
	column " >= $1::pg_catalog.timestamp AT TIME ZONE 'UTC'" \
	" AND " column " < ($1 + interval '1 month') AT TIME ZONE 'UTC'"

/* Keys are found by their entries. */
static const char *const index_statements[] = {
	"DELETE FROM crmaudit.ledger_key k USING crmaudit.ledger_entry e, crmaudit.ledger_block b"
	" WHERE " IN_MONTH("e.at") " AND k.xid = e.xid AND k.ord = e.ord"
	" AND k.block_id IN (SELECT p.block_id FROM crmaudit.ledger_block_partition p WHERE p.period = $1)"
	" AND b.block_id = k.block_id AND b.incarnation >> 24 = e.incarnation >> 24",
	"DELETE FROM crmaudit.ledger_transaction WHERE period = $1"
};

/* A month without a partition of its own lies in the default one. */
static const char *const entry_statements[] = {
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
	Oid			types[PRUNE_ARGS] = {DATEOID, JSONBOID, INT8OID, DATEARRAYOID};

	if (SPI_execute_with_args(command, PRUNE_ARGS, types, pruning->args,
							  pruning->nulls, false, 0) < 0)
		elog(ERROR, "could not prune the ledger");
}

/* Whether the month may go: an error if not.  Its entries are an argument then. */
static void
month_check(Pruning *pruning)
{
	bool		isnull;
	int64		entries;

	statement_run("SELECT crmaudit.require_prunable($1, $2)", pruning);
	entries = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull));
	pruning->args[2] = Int64GetDatum(entries);
}

static void
pruning_run(void *arg)
{
	Pruning    *pruning = arg;

	for (int i = 0; i < pruning->nperiods; i++)
	{
		pruning->args[0] = pruning->periods[i];
		month_check(pruning);
		for (int j = 0; j < lengthof(index_statements); j++)
			statement_run(index_statements[j], pruning);
	}
	statement_run("SELECT crmaudit.lock_ledger($4)", pruning);
	for (int i = 0; i < pruning->nperiods; i++)
	{
		pruning->args[0] = pruning->periods[i];
		month_check(pruning);
		pruning->entries[i] = pruning->args[2];
		for (int j = 0; j < lengthof(entry_statements); j++)
			statement_run(entry_statements[j], pruning);
	}
}

/*
 * crmaudit.prune_ledger_months(periods date[], digest jsonb) returns bigint[]:
 * the entries that went, by month.  What prune_ledger() must look at is looked
 * at here, so that nobody gets past it.
 */
Datum
crmaudit_prune_ledger_months(PG_FUNCTION_ARGS)
{
	Pruning		pruning;
	ArrayType  *periods;
	MemoryContext context = CurrentMemoryContext;

	if (PG_ARGISNULL(0) || array_contains_nulls(PG_GETARG_ARRAYTYPE_P(0)))
		PG_RETURN_NULL();
	periods = PG_GETARG_ARRAYTYPE_P(0);
	deconstruct_array(periods, DATEOID, sizeof(int32), true, TYPALIGN_INT,
					  &pruning.periods, NULL, &pruning.nperiods);
	pruning.entries = palloc0(pruning.nperiods * sizeof(Datum) + 1);
	pruning.args[0] = (Datum) 0;
	pruning.args[1] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	pruning.args[2] = Int64GetDatum(0);
	pruning.args[3] = PointerGetDatum(periods);
	strcpy(pruning.nulls, PG_ARGISNULL(1) ? " n  " : "    ");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (pruning.nperiods > 0)
		crm_guard_lift(pruning_run, &pruning);
	MemoryContextSwitchTo(context);
	periods = construct_array(pruning.entries, pruning.nperiods, INT8OID,
							  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	SPI_finish();
	PG_RETURN_ARRAYTYPE_P(periods);
}
