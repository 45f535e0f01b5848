/*-------------------------------------------------------------------------
 *
 * baseline.c
 *		Counts how the values of a column are distributed: for
 *		crmaudit.baseline(), which stores it, and for whoever wants to see the
 *		shift.
 *
 * The SQL runs with the rights of the table's owner, who wrote the rule's
 * condition, and not with those of the caller, whose rights it could abuse.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "rules/distribution.h"
#include "rules/rule_sql.h"
#include "rules/rule_value.h"
#include "sweep/sweep_source.h"

/* A rule whose values are counted. */
typedef struct Measure
{
	Rule	   *rule;
	RuleSet    *ruleset;
	char	   *source;
	MemoryContext result;		/* in which what is returned lives */
} Measure;

PG_FUNCTION_INFO_V1(crmaudit_measure_distribution);
PG_FUNCTION_INFO_V1(crmaudit_distribution_shift);

/* Runs SQL as the table's owner; SPI must be connected. */
static void
run_as_owner(const Measure *measure, const char *sql)
{
	Oid			userid;
	int			security;
	int			result;

	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(crm_relation_owner(measure->ruleset->target),
						   security | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	result = SPI_execute(sql, true, 0);
	SetUserIdAndSecContext(userid, security);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

/* A field of the result: as text, or as a number; NULL, or 0, if it is NULL. */
static char *
result_text(const Measure *measure, uint64 row, int column)
{
	char	   *value = SPI_getvalue(SPI_tuptable->vals[row],
									 SPI_tuptable->tupdesc, column);

	return value ? MemoryContextStrdup(measure->result, value) : NULL;
}

static int64
result_int(uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* Opens the rule's table; the rule must be one of kind distribution. */
static Relation
measure_begin(Measure *measure, Oid target, const char *name)
{
	Relation	rel = table_open(target, AccessShareLock);

	measure->result = CurrentMemoryContext;
	measure->rule = crm_rule_require(rel, name, &measure->ruleset);
	if (!crm_distribution_is_rule(measure->rule))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("rule \"%s\" of relation \"%s\" is not of kind \"distribution\"",
						name, RelationGetRelationName(rel))));
	measure->source = crm_sweep_source(measure->ruleset, measure->rule, rel);
	return rel;
}

/* Whether the column is of a type whose values are parted by their order. */
static bool
type_is_ordered(const RuleColumn *column, bool *is_number)
{
	*is_number = column->value_class == VALUE_NUMBER;
	return *is_number || column->value_class == VALUE_DATE ||
		column->value_class == VALUE_TIMESTAMP ||
		column->value_class == VALUE_TIMESTAMPTZ;
}

static Bucket *
bucket_add(Baseline *baseline, int number, int64 rows)
{
	Bucket	   *bucket = &baseline->buckets[baseline->nbuckets++];

	bucket->bucket = number;
	bucket->rows = rows;
	return bucket;
}

/* Parts an ordered column at its deciles; false if it holds codes only. */
static bool
part_ordered(const Measure *measure, Baseline *baseline)
{
	bool		is_number;
	char	   *values;

	if (!type_is_ordered(&measure->rule->columns[0], &is_number))
		return false;
	values = crm_distribution_values(measure->rule, measure->source, true);
	if (is_number)
	{
		run_as_owner(measure,
					 psprintf("SELECT pg_catalog.count(*) FROM (SELECT DISTINCT v.value FROM %s"
							  " WHERE v.value IS NOT NULL LIMIT %d) AS g",
							  values, CRM_BASELINE_CODES + 1));
		if (result_int(0, 1) <= CRM_BASELINE_CODES)
			return false;
	}
	run_as_owner(measure,
				 psprintf("SELECT DISTINCT b.value, (b.value)::pg_catalog.text FROM pg_catalog.unnest(("
						  "SELECT pg_catalog.percentile_disc(ARRAY(SELECT i / %d.0 FROM pg_catalog.generate_series(1, %d) AS i))"
						  " WITHIN GROUP (ORDER BY v.value) FROM %s)) AS b(value) WHERE b.value IS NOT NULL ORDER BY 1",
						  CRM_BASELINE_PARTS, CRM_BASELINE_PARTS - 1, values));
	baseline->is_ordered = true;
	bucket_add(baseline, CRM_BUCKET_NULL, 0);
	bucket_add(baseline, 0, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		bucket_add(baseline, i + 1, 0)->lower = result_text(measure, i, 2);
	return true;
}

/* Counts the rows of an ordered column's parts. */
static void
count_ordered(const Measure *measure, Baseline *baseline)
{
	run_as_owner(measure,
				 psprintf("SELECT c.bucket, c.n FROM (%s) AS c",
						  crm_distribution_counts(measure->rule, baseline, "",
												  measure->source)));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		number = SPI_getbinval(SPI_tuptable->vals[i],
										   SPI_tuptable->tupdesc, 1, &isnull);

		/* buckets are numbered from that of NULL on */
		baseline->buckets[DatumGetInt32(number) - CRM_BUCKET_NULL].rows =
			result_int(i, 2);
	}
}

/* Finds the most frequent values of a column, and counts their rows. */
static void
count_values(const Measure *measure, Baseline *baseline, const char *salt)
{
	int64		rows;

	run_as_owner(measure,
				 psprintf("WITH g AS MATERIALIZED (SELECT v.value, pg_catalog.count(*) AS n FROM %s GROUP BY v.value)\n"
						  "SELECT (SELECT pg_catalog.sum(g.n)::pg_catalog.int8 FROM g WHERE g.value IS NULL),\n"
						  "\t(SELECT pg_catalog.sum(g.n)::pg_catalog.int8 FROM g WHERE g.value IS NOT NULL), NULL::pg_catalog.text\n"
						  "UNION ALL\n"
						  "(SELECT NULL, g.n, %s FROM g WHERE g.value IS NOT NULL AND g.n >= %d\n"
						  "ORDER BY g.n DESC, g.value LIMIT %d)",
						  crm_distribution_values(measure->rule,
												  measure->source, false),
						  crm_distribution_digest(salt), CRM_BASELINE_ROWS,
						  CRM_BASELINE_VALUES));
	bucket_add(baseline, CRM_BUCKET_NULL, result_int(0, 1));
	rows = result_int(0, 2);
	bucket_add(baseline, CRM_BUCKET_OTHER, 0);
	for (uint64 i = 1; i < SPI_processed; i++)
	{
		bucket_add(baseline, i, result_int(i, 2))->digest =
			result_text(measure, i, 3);
		rows -= result_int(i, 2);
	}
	baseline->buckets[1].rows = rows;
}

/*
 * crmaudit.measure_distribution(target regclass, rule text, salt_id text)
 *
 * Buckets of today's values: number, lower bound, digest, rows.
 */
Datum
crmaudit_measure_distribution(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Baseline	baseline = {0};
	Measure		measure;
	Relation	rel;

	InitMaterializedSRF(fcinfo, 0);
	rel = measure_begin(&measure, PG_GETARG_OID(0),
						text_to_cstring(PG_GETARG_TEXT_PP(1)));
	baseline.salt_id = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (part_ordered(&measure, &baseline))
		count_ordered(&measure, &baseline);
	else
		count_values(&measure, &baseline, crm_distribution_salt(&baseline));
	SPI_finish();
	table_close(rel, NoLock);
	for (int i = 0; i < baseline.nbuckets; i++)
	{
		const Bucket *bucket = &baseline.buckets[i];
		Datum		values[4];
		bool		nulls[4] = {false};

		values[0] = Int32GetDatum(bucket->bucket);
		nulls[1] = bucket->lower == NULL;
		if (bucket->lower)
			values[1] = CStringGetTextDatum(bucket->lower);
		nulls[2] = bucket->digest == NULL;
		if (bucket->digest)
			values[2] = CStringGetTextDatum(bucket->digest);
		values[3] = Int64GetDatum(bucket->rows);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The buckets of a rule that has a baseline, with today's rows, into SPI. */
static void
run_shift(const Measure *measure, const Baseline *baseline)
{
	run_as_owner(measure,
				 psprintf("%sSELECT s.bucket, s.b::pg_catalog.int8, s.a::pg_catalog.int8,\n"
						  "\t(s.p - s.q) * pg_catalog.ln(s.p / s.q) AS psi,\n"
						  "\tpg_catalog.power((pg_catalog.sqrt(s.all_b / s.all_a) * s.a) - (pg_catalog.sqrt(s.all_a / s.all_b) * s.b), 2) / (s.a + s.b) AS chi_square\n"
						  "FROM share AS s ORDER BY s.bucket",
						  crm_distribution_cells(measure->rule, baseline,
												 crm_distribution_salt(baseline),
												 measure->source)));
}

/*
 * crmaudit.distribution_shift(target regclass, rule text)
 *
 * For each bucket the rows of the baseline and of today, and what it adds to
 * the population stability index and to chi-square; nothing without a baseline.
 */
Datum
crmaudit_distribution_shift(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Baseline   *baseline;
	Measure		measure;
	Relation	rel;

	InitMaterializedSRF(fcinfo, 0);
	rel = measure_begin(&measure, PG_GETARG_OID(0),
						text_to_cstring(PG_GETARG_TEXT_PP(1)));
	baseline = crm_baseline_read(measure.rule);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (baseline)
		run_shift(&measure, baseline);
	for (uint64 i = 0; baseline && i < SPI_processed; i++)
	{
		Datum		values[5];
		bool		nulls[5];

		for (int j = 0; j < 5; j++)
			values[j] = SPI_getbinval(SPI_tuptable->vals[i],
									  SPI_tuptable->tupdesc, j + 1, &nulls[j]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	SPI_finish();
	table_close(rel, NoLock);
	return (Datum) 0;
}
