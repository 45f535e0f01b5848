/*-------------------------------------------------------------------------
 *
 * normalise.c
 *		Writes the canonical form of a value back into the row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "gate/gate.h"
#include "rules/kinds_format.h"

/*
 * Returns the tuple with all values normalised that rules ask for, or "tuple"
 * itself if there is nothing to change.  A form that does not fit the column
 * is left as it was typed, so that the rules judge it.
 */
HeapTuple
crm_normalise(const RuleSet *ruleset, Relation rel, const RuleRow *row,
			  HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < ruleset->nrules; i++)
	{
		const Rule *rule = &ruleset->rules[i];
		int			attnum;
		int32		typmod;
		char	   *canonical;
		Datum		value;
		bool		isnull = false;

		if (!rule->normalise || rule->broken)
			continue;
		canonical = crm_format_canonical(rule, row);
		if (canonical == NULL)
			continue;
		canonical = pg_any_to_server(canonical, strlen(canonical), PG_UTF8);
		attnum = rule->columns[0].attnum;
		typmod = rule->columns[0].typmod;
		if (typmod >= (int32) VARHDRSZ &&
			pg_mbstrlen(canonical) > typmod - (int32) VARHDRSZ)
			continue;
		value = CStringGetTextDatum(canonical);
		tuple = heap_modify_tuple_by_cols(tuple, desc, 1, &attnum, &value,
										  &isnull);
	}
	return tuple;
}
