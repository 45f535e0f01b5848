/*-------------------------------------------------------------------------
 *
 * sweep_choice.c
 *		Sweeps of some of the rows: a sample, or those that changed.
 *
 * A sample takes, of each stratum, the rows whose key has the smallest hash
 * under the seed: the same rows at each run while the table has them, and at
 * least one of each stratum.  Which rows is asked in SQL, with the rights of
 * the table's owner; they are then read in the order of the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "rules/rules_private.h"
#include "sweep/sweep.h"

/* More values than that are no strata, but the column's values. */
#define STRATA_MAX		1000

/* Rows fetched at a time. */
#define CHOICE_BATCH	1000

/* The rows that count, as a FROM item. */
static char *
live_rows(SweepTable *sweep)
{
	Rule		none = {0};
	Relation	rel = table_open(sweep->target, NoLock);
	char	   *source = crm_sweep_source(sweep->ruleset, &none, rel);

	table_close(rel, NoLock);
	return source;
}

/* Refuses a stratum that is no column of the table. */
static void
require_column(SweepTable *sweep, const char *name)
{
	if (get_attnum(sweep->target, name) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
						sweep->ruleset->target_name),
				 errhint("A sample has its strata by a column.")));
}

/* SQL that gives the rows of a sample, with the stratum of each and its size. */
char *
crm_sweep_sample_query(SweepTable *sweep, double percent, int64 seed,
					   const char *stratum)
{
	const RowKey *key = &sweep->ruleset->key;
	StringInfoData sql;

	if (stratum)
		require_column(sweep, stratum);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT c.tableoid, c.ctid, c.stratum, c.total FROM (SELECT this_row.tableoid, this_row.ctid");
	appendStringInfo(&sql, ", %s%s::pg_catalog.text AS stratum",
					 stratum ? "this_row." : "",
					 stratum ? quote_identifier(stratum) : "NULL");
	appendStringInfo(&sql, ", pg_catalog.count(*) OVER (PARTITION BY %s%s) AS total, pg_catalog.row_number() OVER (PARTITION BY %s%s",
					 stratum ? "this_row." : "",
					 stratum ? quote_identifier(stratum) : "NULL::pg_catalog.text",
					 stratum ? "this_row." : "",
					 stratum ? quote_identifier(stratum) : "NULL::pg_catalog.text");
	appendStringInfoString(&sql, " ORDER BY pg_catalog.hashtextextended(pg_catalog.concat_ws('|', ''");
	for (int i = 0; i < key->ncolumns; i++)
		appendStringInfo(&sql, ", this_row.%s",
						 quote_identifier(key->columns[i].name));
	appendStringInfo(&sql, "), " INT64_FORMAT ")) AS n FROM %s) AS c",
					 seed, live_rows(sweep));
	appendStringInfo(&sql, " WHERE c.n OPERATOR(pg_catalog.<=) pg_catalog.ceil(c.total::pg_catalog.numeric OPERATOR(pg_catalog.*) %s OPERATOR(pg_catalog./) 100)",
					 psprintf("%.6f", percent));
	appendStringInfoString(&sql, " ORDER BY c.tableoid, c.ctid");
	return sql.data;
}

/* The place of a stratum among those there are, adding it. */
static SweepStratum *
stratum_find(SweepTable *sweep, SweepChoice *choice, const char *value)
{
	SweepStratum *stratum;
	MemoryContext old;

	for (int i = 0; i < choice->nstrata; i++)
	{
		stratum = &choice->strata[i];
		if (value == NULL ? stratum->value == NULL :
			stratum->value && strcmp(stratum->value, value) == 0)
			return stratum;
	}
	if (choice->nstrata == STRATA_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a sample has %d strata at most", STRATA_MAX),
				 errhint("Take a column of few values.")));
	old = MemoryContextSwitchTo(sweep->context);
	choice->strata = choice->strata ?
		repalloc(choice->strata, (choice->nstrata + 1) * sizeof(SweepStratum)) :
		palloc(sizeof(SweepStratum));
	stratum = &choice->strata[choice->nstrata++];
	memset(stratum, 0, sizeof(*stratum));
	stratum->value = value ? pstrdup(value) : NULL;
	MemoryContextSwitchTo(old);
	return stratum;
}

/* Keeps the key of a row that is judged. */
static void
choice_add(SweepTable *sweep, SweepChoice *choice, SweepLeaf *leaf)
{
	MemoryContext old = MemoryContextSwitchTo(sweep->row_context);
	Datum		key = JsonbPGetDatum(crm_row_key(&leaf->ruleset->key, leaf->slot));
	bool		isnull = false;

	tuplestore_putvalues(choice->keys, crm_sweep_key_desc(), &key, &isnull);
	MemoryContextSwitchTo(old);
}

/* Judges one of the rows that the query gave. */
static void
judge_chosen(SweepTable *sweep, SweepChoice *choice, HeapTuple tuple,
			 TupleDesc desc)
{
	bool		isnull;
	Oid			relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
	ItemPointer tid = (ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 2, &isnull));
	char	   *value = SPI_getvalue(tuple, desc, 3);
	SweepStratum *stratum = stratum_find(sweep, choice, value);
	int64		before = sweep->totals.findings;

	if (value)
		pfree(value);
	stratum->total = DatumGetInt64(SPI_getbinval(tuple, desc, 4, &isnull));
	for (int i = 0; i < sweep->nleaves; i++)
	{
		SweepLeaf  *leaf = &sweep->leaves[i];
		int64		location;

		if (leaf->relid != relid)
			continue;
		location = crm_sweep_location(sweep, leaf, tid);
		if (!crm_sweep_fetch(sweep, location, &leaf))
			return;
		sweep->totals.scanned++;
		if (crm_sweep_judge(sweep, leaf, true))
			crm_sweep_count_row(sweep, leaf);
		choice_add(sweep, choice, leaf);
		stratum->rows++;
		stratum->failures += sweep->totals.findings > before;
	}
}

/* The equality operator of a type, as SQL names it. */
static char *
equality_sql(Oid typid)
{
	Oid			operator = lookup_type_cache(typid, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char	   *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "type %u has no equality operator", typid);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	result = psprintf("OPERATOR(%s.%s)",
					  quote_identifier(get_namespace_name(form->oprnamespace)),
					  NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return result;
}

/*
 * SQL that gives the rows whose keys are in crmaudit_changed; NULL if a key
 * column is an identifier, of which the ledger has only a digest.
 */
char *
crm_sweep_changed_query(SweepTable *sweep)
{
	const RowKey *key = &sweep->ruleset->key;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT this_row.tableoid, this_row.ctid, NULL::pg_catalog.text, 0::pg_catalog.int8 FROM %s JOIN crmaudit_changed AS c ON true",
					 live_rows(sweep));
	for (int i = 0; i < key->ncolumns; i++)
	{
		const KeyColumn *column = &key->columns[i];
		const char *name = quote_identifier(column->name);

		if (column->is_hashed)
			return NULL;
		appendStringInfo(&sql, " AND this_row.%s::%s %s (c.row_key OPERATOR(pg_catalog.->>) %s)::%s",
						 name, format_type_be_qualified(column->typid),
						 equality_sql(column->typid),
						 quote_literal_cstr(column->name),
						 format_type_be_qualified(column->typid));
	}
	appendStringInfoString(&sql, " ORDER BY 1, 2");
	return sql.data;
}

/* SQL that gives the rows that a column says were changed since a time. */
char *
crm_sweep_updated_query(SweepTable *sweep, const char *column,
						TimestampTz since)
{
	return psprintf("SELECT this_row.tableoid, this_row.ctid, NULL::pg_catalog.text, 0::pg_catalog.int8 FROM %s WHERE this_row.%s OPERATOR(pg_catalog.>=) %s::pg_catalog.timestamptz ORDER BY 1, 2",
					live_rows(sweep), quote_identifier(column),
					quote_literal_cstr(timestamptz_to_str(since)));
}

/*
 * Judges the rows that a query gives: tableoid, ctid, stratum, and how many
 * rows the stratum has.  The rights are the table owner's.
 */
void
crm_sweep_choose(SweepTable *sweep, SweepChoice *choice, const char *query,
				 Tuplestorestate *changed)
{
	static const char *const settings[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		/* what a key looks like must not depend on the session */
		{"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", "3"}
	};
	int			guc_level;
	Portal		portal;

	if (query == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the ledger names rows of relation \"%s\" by digests only",
						sweep->ruleset->target_name),
				 errhint("Sweep all of it.")));
	guc_level = NewGUCNestLevel();
	choice->keys = tuplestore_begin_heap(false, false, work_mem);
	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	if (changed)
		crm_sweep_register("crmaudit_changed", crm_sweep_key_desc(), changed);
	portal = SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, true,
									   CURSOR_OPT_NO_SCROLL);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, CHOICE_BATCH);
		/* all is sorted by now; rules are evaluated with the session's */
		if (guc_level > 0)
			AtEOXact_GUC(true, guc_level);
		guc_level = 0;
		if (SPI_processed == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		for (uint64 i = 0; i < SPI_processed; i++)
			judge_chosen(sweep, choice, SPI_tuptable->vals[i],
						 SPI_tuptable->tupdesc);
		crm_sweep_guard_close(sweep);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	if (changed)
		tuplestore_end(changed);
}
