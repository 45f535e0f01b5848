/*-------------------------------------------------------------------------
 *
 * quarantine.c
 *		Puts a bad row aside, with all its reasons.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "gate/gate.h"
#include "rules/rule_value.h"

/* The row as jsonb. */
static Datum
row_jsonb(Relation rel, HeapTuple tuple)
{
	Datum		row = heap_copy_tuple_as_datum(tuple, RelationGetDescr(rel));
	Datum		json = DirectFunctionCall1(row_to_json, row);

	return DirectFunctionCall1(jsonb_in,
							   CStringGetDatum(TextDatumGetCString(json)));
}

/*
 * The row of an UPDATE as jsonb: what it changes, and the key.  What it leaves
 * alone may be changed by others before the row is released.
 */
static Datum
changes_jsonb(const RuleSet *ruleset, Relation rel, HeapTuple tuple,
			  TupleTableSlot *before)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Datum	   *unchanged = palloc(desc->natts * sizeof(Datum));
	Bitmapset  *keys = NULL;
	int			count = 0;

	for (int i = 0; i < ruleset->key.ncolumns; i++)
		keys = bms_add_member(keys, ruleset->key.columns[i].attnum);
	slot_getallattrs(before);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		bool		isnull;
		Datum		value = heap_getattr(tuple, i + 1, desc, &isnull);

		if (attr->attisdropped || bms_is_member(i + 1, keys) ||
			isnull != before->tts_isnull[i])
			continue;
		if (isnull || datum_image_eq(value, before->tts_values[i],
									 attr->attbyval, attr->attlen))
			unchanged[count++] = CStringGetTextDatum(NameStr(attr->attname));
	}
	return DirectFunctionCall2(jsonb_delete_array, row_jsonb(rel, tuple),
							   PointerGetDatum(construct_array(unchanged, count,
															   TEXTOID, -1, false,
															   TYPALIGN_INT)));
}

/* The violations as a json array: rule, columns, severity, reason. */
static Datum
reasons_jsonb(List *violations)
{
	StringInfoData json;
	ListCell   *cell;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	foreach(cell, violations)
	{
		const Violation *violation = lfirst(cell);
		const Rule *rule = violation->rule;

		appendStringInfo(&json, "%s{\"rule\": ", json.len > 1 ? ", " : "");
		escape_json(&json, rule->name);
		appendStringInfoString(&json, ", \"columns\": [");
		for (int i = 0; i < rule->ncolumns; i++)
		{
			if (i > 0)
				appendStringInfoString(&json, ", ");
			escape_json(&json, rule->columns[i].spec);
		}
		appendStringInfo(&json, "], \"severity\": \"%s\", \"reason\": \"%s\"}",
						 crm_severity_names[rule->severity],
						 crm_reason_words[violation->outcome.reason].code);
	}
	appendStringInfoChar(&json, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* Sets a column of crmaudit.quarantine by name. */
static void
quarantine_set(Relation rel, Datum *values, bool *nulls, const char *column,
			   Datum value)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), column);

	if (attnum == InvalidAttrNumber)
		elog(ERROR, "column \"%s\" of crmaudit.quarantine does not exist",
			 column);
	values[attnum - 1] = value;
	nulls[attnum - 1] = false;
}

/*
 * Writes the row into crmaudit.quarantine; "before" is its old version if it
 * is an UPDATE's, otherwise NULL.  The table is written directly,
 * for the user needs no right on it.
 */
void
crm_quarantine_put(const RuleSet *ruleset, Relation rel,
				   TupleTableSlot *before, HeapTuple tuple, Jsonb *row_key,
				   List *violations)
{
	Relation	quarantine = table_open(crm_relation_oid("quarantine"),
										RowExclusiveLock);
	int			natts = RelationGetDescr(quarantine)->natts;
	Datum	   *values = palloc0(natts * sizeof(Datum));
	bool	   *nulls = palloc(natts * sizeof(bool));
	char	   *username = GetUserNameFromId(GetSessionUserId(), false);
	Oid			sequence = crm_relation_oid("quarantine_id_seq");

	memset(nulls, true, natts * sizeof(bool));
	quarantine_set(quarantine, values, nulls, "id",
				   Int64GetDatum(nextval_internal(sequence, false)));
	quarantine_set(quarantine, values, nulls, "at",
				   TimestampTzGetDatum(GetCurrentStatementStartTimestamp()));
	quarantine_set(quarantine, values, nulls, "target",
				   ObjectIdGetDatum(ruleset->target));
	quarantine_set(quarantine, values, nulls, "operation",
				   CStringGetTextDatum(before ? "UPDATE" : "INSERT"));
	quarantine_set(quarantine, values, nulls, "row_key",
				   JsonbPGetDatum(row_key));
	quarantine_set(quarantine, values, nulls, "row_data",
				   before ? changes_jsonb(ruleset, rel, tuple, before) :
				   row_jsonb(rel, tuple));
	quarantine_set(quarantine, values, nulls, "reasons",
				   reasons_jsonb(violations));
	quarantine_set(quarantine, values, nulls, "username",
				   DirectFunctionCall1(namein, CStringGetDatum(username)));
	quarantine_set(quarantine, values, nulls, "status",
				   CStringGetTextDatum("waiting"));

	PushActiveSnapshot(GetTransactionSnapshot());
	CatalogTupleInsert(quarantine, heap_form_tuple(RelationGetDescr(quarantine),
												   values, nulls));
	PopActiveSnapshot();
	table_close(quarantine, NoLock);
}
