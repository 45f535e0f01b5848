/*-------------------------------------------------------------------------
 *
 * kinds_alarm.c
 *		The kind that watches a table's score from sweep to sweep.
 *
 * Neither the gate nor the scan of a sweep evaluates it: when a sweep has
 * ended, crmaudit.raise_alarm() compares what it measured with the sweep
 * before.  As a rule, an alarm has a version, an owner and findings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "rules/rules_private.h"

static const RuleParam drop_params[] = {
	{"max_drop", PARAM_SCALAR, true},
	{"of", PARAM_TEXT, true},
	{NULL}
};

static void
drop_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	char	   *of = crm_param_text(source, "of");
	double		drop =
	DatumGetFloat8(crm_param_read(source, "max_drop",
								  crm_param_text(source, "max_drop"),
								  FLOAT8OID));

	/* NaN is neither */
	if (!(drop > 0 && drop <= 100))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"max_drop\" of rule kind \"score_drop\" must be points of a score"),
				 errhint("It is above 0, and 100 at most.")));
	if (strcmp(of, "score") != 0 && crm_dimension_find(of) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"of\" of rule kind \"score_drop\" is neither \"score\" nor a dimension: \"%s\"",
						of),
				 errhint("Choose one of: score, completeness, validity, consistency, uniqueness, timeliness, accuracy.")));
}

const RuleKind crm_kind_score_drop = {
	"score_drop", LEVEL_TABLE, 0, 0, drop_params, CRM_VALIDITY,
	"a score that is NULL is not compared",
	"{of} falls by at most {max_drop} from one sweep to the next",
	"两次检查之间 {of} 下降不超过 {max_drop}",
	drop_compile, NULL
};
