/*-------------------------------------------------------------------------
 *
 * kinds_distribution.c
 *		The kind distribution: values are distributed as they were when
 *		crmaudit.baseline() counted them.
 *
 * Values are counted in buckets.  Numbers and dates of which there are many
 * have ten, between the deciles of the baseline; all else has one for each of
 * its most frequent values, known by a digest only, and one for the rest.
 * NULL has its own.
 *
 * The population stability index is the sum over the buckets of
 * (p - q) ln(p / q), where p is the share of the bucket today and q that of
 * the baseline (Siddiqi, Credit Risk Scorecards, 2006).  Half a row is added
 * to each bucket (Krichevsky and Trofimov), or an empty one would make it
 * infinite.
 *
 * Chi-square is that of two samples: the sum of
 * (sqrt(B / A) a - sqrt(A / B) b)^2 / (a + b), where a and b are the rows of a
 * bucket, A and B all rows, of today and of the baseline, with one degree of
 * freedom less than there are buckets (Press et al., Numerical Recipes, 14.3).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "catalog_scan.h"
#include "findings/group_key.h"
#include "rules/distribution.h"
#include "rules/rule_sql.h"
#include "rules/rules_private.h"
#include "rules/set_kind.h"

/* What the field reads as a shift that calls for action. */
#define DEFAULT_PSI		0.2
#define DEFAULT_P_VALUE	0.01

typedef struct DistributionState
{
	bool		by_chi_square;
	double		limit;			/* psi above it, or p below it, is a shift */
	bool		has_baseline;	/* when the rule was compiled */
} DistributionState;

static const RuleParam distribution_params[] = {
	{"test", PARAM_TEXT, false},
	{"psi", PARAM_SCALAR, false},
	{"p_value", PARAM_SCALAR, false},
	{NULL}
};

/* Raises the error of a parameter that is no number between the bounds. */
static double
limit_read(const RuleSource *source, const char *name, double otherwise,
		   double max)
{
	JsonbValue *value = crm_param(source, name);
	double		limit = otherwise;

	if (value)
		limit = value->type != jbvNumeric ? -1 :
			DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											   NumericGetDatum(value->val.numeric)));
	if (!(limit > 0 && limit < max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" of rule kind \"%s\" must be a number between 0 and %g",
						name, source->kind, max)));
	return limit;
}

/* Whether there is a baseline of the rule. */
static bool
baseline_exists(int64 rule_id)
{
	CatalogScan scan;
	bool		found;

	if (!crm_catalog_scan_begin(&scan, "distribution_baseline",
								"distribution_baseline_pkey", "rule_id",
								F_INT8EQ, Int64GetDatum(rule_id)))
		return false;
	found = crm_catalog_scan_next(&scan);
	crm_catalog_scan_end(&scan);
	return found;
}

static void
distribution_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	DistributionState *state = palloc0(sizeof(DistributionState));
	char	   *test = crm_param_text(source, "test");

	if (test && strcmp(test, "psi") != 0 && strcmp(test, "chi_square") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"test\" of rule kind \"%s\" cannot be \"%s\"",
						source->kind, test),
				 errhint("Tests are: psi, chi_square.")));
	state->by_chi_square = test && strcmp(test, "chi_square") == 0;
	if (crm_param(source, state->by_chi_square ? "psi" : "p_value"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("test \"%s\" takes no parameter \"%s\"",
						state->by_chi_square ? "chi_square" : "psi",
						state->by_chi_square ? "psi" : "p_value"),
				 errhint("Test psi takes \"psi\", test chi_square takes \"p_value\".")));
	state->limit = state->by_chi_square ?
		limit_read(source, "p_value", DEFAULT_P_VALUE, 1) :
		limit_read(source, "psi", DEFAULT_PSI, 100);
	if (crm_sql_equal(rule->columns[0].typid) == NULL)
		crm_column_type_error(context, &rule->columns[0],
							  "a column of a type with an operator =");
	state->has_baseline = source->id != 0 && baseline_exists(source->id);
	rule->state = state;
}

static bool
distribution_assesses(const Rule *rule, const RuleRow *row)
{
	return ((const DistributionState *) rule->state)->has_baseline;
}

/* Contract in distribution.h. */
bool
crm_distribution_is_rule(const Rule *rule)
{
	return rule->kind == &crm_kind_distribution;
}

/* Contract in distribution.h. */
Baseline *
crm_baseline_read(const Rule *rule)
{
	CatalogScan scan;
	Baseline   *baseline = palloc0(sizeof(Baseline));
	bool		isnull;

	if (!crm_catalog_scan_begin(&scan, "distribution_baseline",
								"distribution_baseline_pkey", "rule_id",
								F_INT8EQ, Int64GetDatum(rule->id)))
		return NULL;
	if (!crm_catalog_scan_next(&scan))
	{
		crm_catalog_scan_end(&scan);
		return NULL;
	}
	baseline->salt_id = crm_catalog_get_text(&scan, "salt_id");
	baseline->is_ordered = DatumGetBool(crm_catalog_get(&scan, "is_ordered", &isnull));
	crm_catalog_scan_end(&scan);

	if (!crm_catalog_scan_begin(&scan, "distribution_bucket",
								"distribution_bucket_pkey", "rule_id",
								F_INT8EQ, Int64GetDatum(rule->id)))
		return NULL;
	while (crm_catalog_scan_next(&scan))
	{
		Bucket	   *bucket;

		if (baseline->nbuckets == CRM_BASELINE_BUCKETS)
			elog(ERROR, "baseline of rule \"%s\" has too many buckets", rule->name);
		bucket = &baseline->buckets[baseline->nbuckets++];
		bucket->bucket = DatumGetInt32(crm_catalog_get(&scan, "bucket", &isnull));
		bucket->lower = crm_catalog_get_text(&scan, "lower");
		bucket->digest = crm_catalog_get_text(&scan, "digest");
		bucket->rows = DatumGetInt64(crm_catalog_get(&scan, "rows", &isnull));
	}
	crm_catalog_scan_end(&scan);
	return baseline;
}

/* Contract in distribution.h. */
char *
crm_distribution_salt(const Baseline *baseline)
{
	return crm_group_key("baseline", baseline->salt_id,
						 strlen(baseline->salt_id));
}

/* Contract in distribution.h. */
char *
crm_distribution_values(const Rule *rule, const char *source, bool is_ordered)
{
	const RuleColumn *column = &rule->columns[0];

	return psprintf("(SELECT %s AS value FROM %s) AS v",
					is_ordered ?
					psprintf("(%s)::%s", crm_sql_column(column, "this_row"),
							 crm_sql_type(getBaseType(column->typid))) :
					crm_sql_column_text(column, "this_row"), source);
}

/* Contract in distribution.h. */
char *
crm_distribution_digest(const char *salt)
{
	return psprintf("pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to("
					"pg_catalog.concat(%s, g.value), 'UTF8')), 'hex'), 24)",
					quote_literal_cstr(salt));
}

/* The lower bounds of the buckets, as an array of the column's type. */
static char *
bounds_sql(const Rule *rule, const Baseline *baseline)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < baseline->nbuckets; i++)
	{
		if (baseline->buckets[i].lower)
			appendStringInfo(&sql, "%s\"%s\"", sql.len > 0 ? "," : "",
							 baseline->buckets[i].lower);
	}
	return psprintf("%s::%s[]", quote_literal_cstr(psprintf("{%s}", sql.data)),
					crm_sql_type(getBaseType(rule->columns[0].typid)));
}

/* Contract in distribution.h. */
char *
crm_distribution_counts(const Rule *rule, const Baseline *baseline,
						const char *salt, const char *source)
{
	char	   *values = crm_distribution_values(rule, source,
												 baseline->is_ordered);
	StringInfoData sql;
	int			ndigests = 0;

	if (baseline->is_ordered)
		return psprintf("SELECT CASE WHEN v.value IS NULL THEN %d ELSE pg_catalog.width_bucket(v.value, %s) END AS bucket,\n"
						"\t\tpg_catalog.count(*) AS n\n"
						"\tFROM %s\n"
						"\tGROUP BY 1",
						CRM_BUCKET_NULL, bounds_sql(rule, baseline), values);
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT CASE WHEN g.value IS NULL THEN %d ELSE COALESCE(b.bucket, %d) END AS bucket,\n"
					 "\t\tpg_catalog.sum(g.n) AS n\n"
					 "\tFROM (SELECT v.value, pg_catalog.count(*) AS n FROM %s GROUP BY v.value) AS g\n"
					 "\tLEFT JOIN (VALUES ",
					 CRM_BUCKET_NULL, CRM_BUCKET_OTHER, values);
	for (int i = 0; i < baseline->nbuckets; i++)
	{
		const Bucket *bucket = &baseline->buckets[i];

		if (bucket->digest)
			appendStringInfo(&sql, "%s(%d, %s)", ndigests++ > 0 ? ", " : "",
							 bucket->bucket, quote_literal_cstr(bucket->digest));
	}
	if (ndigests == 0)
		appendStringInfo(&sql, "(%d, NULL)", CRM_BUCKET_OTHER);
	appendStringInfo(&sql, ") AS b(bucket, digest) ON b.digest " CRM_SQL_OP("=") " %s\n"
					 "\tGROUP BY 1", crm_distribution_digest(salt));
	return sql.data;
}

/* Contract in distribution.h. */
char *
crm_distribution_cells(const Rule *rule, const Baseline *baseline,
					   const char *salt, const char *source)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "WITH baseline (bucket, rows) AS (VALUES ");
	for (int i = 0; i < baseline->nbuckets; i++)
		appendStringInfo(&sql, "%s(%d, %lld::pg_catalog.float8)",
						 i > 0 ? ", " : "", baseline->buckets[i].bucket,
						 (long long) baseline->buckets[i].rows);
	appendStringInfo(&sql, "),\n"
					 "today AS (\n\t%s),\n",
					 crm_distribution_counts(rule, baseline, salt, source));
	appendStringInfoString(&sql,
						   "cell AS (\n"
						   "\tSELECT b.bucket, b.rows AS b, COALESCE(t.n, 0)::pg_catalog.float8 AS a\n"
						   "\tFROM baseline AS b LEFT JOIN today AS t ON t.bucket " CRM_SQL_OP("=") " b.bucket\n"
						   "\tWHERE b.rows " CRM_SQL_OP(">") " 0 OR t.n " CRM_SQL_OP(">") " 0),\n"
						   "total AS (\n"
						   "\tSELECT pg_catalog.sum(c.a) AS a, pg_catalog.sum(c.b) AS b, pg_catalog.count(*)::pg_catalog.float8 " CRM_SQL_OP("/") " 2 AS half FROM cell AS c),\n"
						   "share AS (\n"
						   "\tSELECT c.*, t.a AS all_a, t.b AS all_b,\n"
						   "\t\t(c.a " CRM_SQL_OP("+") " 0.5) " CRM_SQL_OP("/") " (t.a " CRM_SQL_OP("+") " t.half) AS p,\n"
						   "\t\t(c.b " CRM_SQL_OP("+") " 0.5) " CRM_SQL_OP("/") " (t.b " CRM_SQL_OP("+") " t.half) AS q\n"
						   "\tFROM cell AS c CROSS JOIN total AS t WHERE t.a " CRM_SQL_OP(">") " 0)\n");
	return sql.data;
}

static char *
distribution_query(const Rule *rule, const RuleSet *ruleset, const char *source)
{
	const DistributionState *state = rule->state;
	const char *outcome =
	"SELECT NULL::pg_catalog.oid AS tableoid, NULL::pg_catalog.tid AS ctid,\n"
	"\t'invalid' AS verdict, 'distribution_shifted' AS reason, NULL::pg_catalog.text AS group_value\n";
	Baseline   *baseline = crm_baseline_read(rule);
	char	   *salt;

	if (baseline == NULL)
		return psprintf("-- there is no baseline: SELECT crmaudit.baseline(%s)\n%sWHERE false",
						quote_literal_cstr(quote_qualified_identifier(ruleset->target_schema,
																	  ruleset->target_name)),
						outcome);
	salt = crm_distribution_salt(baseline);
	if (state->by_chi_square)
		return psprintf("%s%s"
						"FROM (SELECT pg_catalog.sum(pg_catalog.power((pg_catalog.sqrt(s.all_b " CRM_SQL_OP("/") " s.all_a) " CRM_SQL_OP("*") " s.a) " CRM_SQL_OP("-") "\n"
						"\t\t\t(pg_catalog.sqrt(s.all_a " CRM_SQL_OP("/") " s.all_b) " CRM_SQL_OP("*") " s.b), 2) " CRM_SQL_OP("/") " (s.a " CRM_SQL_OP("+") " s.b)) AS statistic,\n"
						"\t\tpg_catalog.count(*)::pg_catalog.int4 " CRM_SQL_OP("-") " 1 AS df FROM share AS s HAVING pg_catalog.count(*) " CRM_SQL_OP(">") " 0) AS m\n"
						"WHERE crmaudit.chi_square_p(m.statistic, m.df) " CRM_SQL_OP("<") " %.17g",
						crm_distribution_cells(rule, baseline, salt, source),
						outcome, state->limit);
	return psprintf("%s%s"
					"FROM (SELECT pg_catalog.sum((s.p " CRM_SQL_OP("-") " s.q) " CRM_SQL_OP("*") " pg_catalog.ln(s.p " CRM_SQL_OP("/") " s.q)) AS psi FROM share AS s) AS m\n"
					"WHERE m.psi " CRM_SQL_OP(">") " %.17g",
					crm_distribution_cells(rule, baseline, salt, source),
					outcome, state->limit);
}

static const SetKind distribution_set = {
	.assesses = distribution_assesses,
	.query = distribution_query
};

const RuleKind crm_kind_distribution = {
	"distribution", LEVEL_TABLE, 1, 1, distribution_params, CRM_CONSISTENCY,
	"NULL is a value like any other",
	"the distribution of {columns} is that of its baseline",
	"{columns} 的分布与基线一致",
	distribution_compile, NULL, false, &distribution_set
};
