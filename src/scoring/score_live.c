#include "postgres.h"

#include "scoring/score_live.h"

void
crm_score_before_sweep(const RuleSet *ruleset)
{
}

void
crm_score_store_baseline(const RuleSet *ruleset, const ScoreBaseline *baseline,
						 Snapshot snapshot)
{
}
