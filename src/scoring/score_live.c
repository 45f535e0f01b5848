#include "postgres.h"

#include "mb/pg_wchar.h"

#include "rules/rules_private.h"
#include "scoring/score_live.h"

bool
crm_score_owner(const RuleSet *ruleset, TupleTableSlot *slot, char *owner)
{
	const char *data;
	int			length;

	if (!crm_column_text(ruleset->owner, slot, &data, &length))
		return false;
	length = pg_mbcliplen(data, length, CRM_OWNER_MAX - 1);
	memcpy(owner, data, length);
	owner[length] = '\0';
	return true;
}

void
crm_score_before_sweep(const RuleSet *ruleset)
{
}

void
crm_score_store_baseline(const RuleSet *ruleset, const ScoreBaseline *baseline,
						 Snapshot snapshot)
{
}
