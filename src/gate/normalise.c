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
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#include "gate/gate.h"
#include "rules/kinds_format.h"

/* Whether the UPDATE changes the column. */
static bool
is_changed(const RuleColumn *column, const RuleRow *row)
{
	int			i = column->attnum - 1;

	if (row->old->tts_isnull[i] || row->slot->tts_isnull[i])
		return row->old->tts_isnull[i] != row->slot->tts_isnull[i];
	return !datum_image_eq(row->old->tts_values[i], row->slot->tts_values[i],
						   column->typbyval, column->typlen);
}

/*
 * Returns the tuple with all values normalised that rules ask for, or "tuple"
 * itself if there is nothing to change.  A form that does not fit the column
 * is left as it was typed, so that the rules judge it; so is a value that an
 * UPDATE does not change.
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

		if (!rule->normalise || rule->broken ||
			(row->old && !is_changed(&rule->columns[0], row)))
			continue;
		canonical = crm_format_canonical(rule, row);
		if (canonical == NULL)
			continue;
		attnum = rule->columns[0].attnum;
		typmod = rule->columns[0].typmod;
		if (typmod >= (int32) VARHDRSZ &&
			pg_mbstrlen(canonical) > typmod - (int32) VARHDRSZ)
			continue;
		value = rule->columns[0].is_bpchar ?
			DirectFunctionCall3(bpcharin, CStringGetDatum(canonical),
								ObjectIdGetDatum(InvalidOid),
								Int32GetDatum(typmod)) :
			CStringGetTextDatum(canonical);
		tuple = heap_modify_tuple_by_cols(tuple, desc, 1, &attnum, &value,
										  &isnull);
	}
	return tuple;
}
