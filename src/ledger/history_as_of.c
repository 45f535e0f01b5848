/*-------------------------------------------------------------------------
 *
 * history_as_of.c
 *		as_of(), row_as_of() and restore_row(): rows as they were at a time.
 *
 * The entries come from a query that is opened as the ledger's owner, sorted
 * by key; the sort spills to disk.  What reads the rows' values by the types
 * of their columns runs with the caller's rights.
 *
 * The time of an entry is when it was written.  Of a transaction that was
 * open at the time, what it had written by then counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/xid8.h"

#include "compat.h"
#include "json_object.h"
#include "ledger/history_fold.h"
#include "ledger/ledger.h"

/* Entries read at a time. */
#define HISTORY_BATCH	1000

/* What every query of entries selects, of "e"; then come hash and key. */
#define ENTRY_COLUMNS_SQL "e.at, e.xid, e.ord, e.op, e.old, e.new, e.commitments"

/* A column of the table, as an image is read into it. */
typedef struct ColumnInput
{
	char	   *name;
	int			size;
	bool		is_visible;
	Oid			typid;			/* below domains */
	FmgrInfo	input;
	Oid			param;
	int32		typmod;
	int			hint;			/* the field where it was found last */
} ColumnInput;

PG_FUNCTION_INFO_V1(crmaudit_as_of);
PG_FUNCTION_INFO_V1(crmaudit_row_as_of);
PG_FUNCTION_INFO_V1(crmaudit_restore_row);

/* Checks ----------------------------------------------------------------- */

/* Raises an error unless the caller may read the table itself. */
static void
require_select(Oid target)
{
	if (pg_class_aclcheck(target, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(target, GetUserId(), ACL_SELECT,
								  ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(get_rel_relkind(target)),
					   get_rel_name(target));
	if (check_enable_rls(target, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for former rows of relation \"%s\"",
						get_rel_name(target)),
				 errdetail("Its row-level security cannot filter rows that are no more.")));
}

static void
refuse_time(const HistoryTable *table, const char *detail, TimestampTz at)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the ledger does not tell how relation \"%s\" was at that time",
					get_rel_name(table->target)),
			 errdetail(detail, timestamptz_to_str(at))));
}

/* Queries ---------------------------------------------------------------- */

static FoldEntry
read_entry(HeapTuple tuple, TupleDesc desc)
{
	FoldEntry	entry;
	Datum		values[7];
	bool		nulls[7];

	for (int i = 0; i < 7; i++)
		values[i] = SPI_getbinval(tuple, desc, i + 1, &nulls[i]);
	entry.at = DatumGetTimestampTz(values[0]);
	entry.xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[1]));
	entry.ord = DatumGetInt32(values[2]);
	entry.op = DatumGetChar(values[3]);
	entry.old = nulls[4] ? NULL : DatumGetJsonbP(values[4]);
	entry.new = nulls[5] ? NULL : DatumGetJsonbP(values[5]);
	entry.commitments = nulls[6] ? NULL : DatumGetJsonbP(values[6]);
	return entry;
}

/* Opens a query as the ledger's owner, who is asked only when it is opened. */
static Portal
open_query(const char *query, int nargs, Oid *types, Datum *values)
{
	HistoryRights rights;
	Portal		portal;

	crm_history_enter(&rights);
	portal = SPI_cursor_open_with_args(NULL, query, nargs, types, values, NULL,
									   false, 0);
	crm_history_leave(&rights);
	return portal;
}

/* Reads what happened to the table as a whole, and checks the time. */
static void
read_events(Fold *fold, const HistoryTable *table)
{
	Oid			type = INT4OID;
	Datum		table_id = Int32GetDatum(table->table_id);
	HistoryRights rights;
	bool		isnull;
	Datum		horizon;

	if (fold->at < table->tracked_at)
		refuse_time(table, "Its tracking began at %s.", table->tracked_at);
	crm_history_enter(&rights);
	SPI_execute("SELECT crmaudit.read_horizon()", false, 1);
	horizon = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							&isnull);
	if (!isnull && fold->at < DatumGetTimestampTz(horizon))
		refuse_time(table, "Entries before %s were pruned.",
					DatumGetTimestampTz(horizon));
	SPI_execute_with_args("SELECT " ENTRY_COLUMNS_SQL
						  " FROM crmaudit.read_table_events($1) e",
						  1, &type, &table_id, NULL, false, 0);
	crm_history_leave(&rights);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		FoldEntry	entry = read_entry(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc);

		crm_fold_event(fold, &entry);
	}
	crm_fold_events_done(fold);
	SPI_freetuptable(SPI_tuptable);
	if (!crm_fold_is_tracked(fold))
		refuse_time(table, "It was not tracked then.", 0);
}

/* All entries of a table that matter at the time, by key and in order. */
static Portal
open_rows(const Fold *fold, const HistoryTable *table)
{
	bool		later = table->baselined_at > fold->at;
	const char *key = fold->nrenamed > 0 ?
	"crmaudit.current_names(e.row_key, e.at, $3, $4)" : "e.row_key";
	Oid			types[] = {INT4OID, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID, JSONBARRAYOID};
	Datum		values[4];
	Datum	   *times = palloc((fold->nrenamed + 1) * sizeof(Datum));
	Datum	   *names = palloc((fold->nrenamed + 1) * sizeof(Datum));

	for (int i = 0; i < fold->nrenamed; i++)
	{
		times[i] = TimestampTzGetDatum(fold->renamed_at[i]);
		names[i] = JsonbPGetDatum(fold->renamed[i]);
	}
	values[0] = Int32GetDatum(table->table_id);
	values[1] = TimestampTzGetDatum(fold->at);
	values[2] = PointerGetDatum(construct_array(times, fold->nrenamed,
												TIMESTAMPTZOID, 8,
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(construct_array(names, fold->nrenamed, JSONBOID,
												-1, false, TYPALIGN_INT));
	return open_query(psprintf("SELECT " ENTRY_COLUMNS_SQL ", e.hash, e.key FROM "
							   "(SELECT e.*, k.key, pg_catalog.jsonb_hash_extended(k.key, 0) AS hash"
							   " FROM crmaudit.ledger_entry e, LATERAL (SELECT %s AS key OFFSET 0) k"
							   " WHERE e.table_id OPERATOR(pg_catalog.=) $1 AND e.row_key IS NOT NULL%s) e "
							   "ORDER BY e.hash, e.key, e.at, e.xid, e.ord",
							   key, later ? "" :
							   " AND e.at OPERATOR(pg_catalog.<=) $2"),
					  4, types, values);
}

/* as_of() ---------------------------------------------------------------- */

/* How the columns of a table are read. */
static ColumnInput *
columns_create(Oid target, TupleDesc desc)
{
	ColumnInput *columns = palloc0((desc->natts + 1) * sizeof(ColumnInput));

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		ColumnInput *column = &columns[i];
		Oid			input;

		if (attr->attisdropped)
			continue;
		column->name = pstrdup(NameStr(attr->attname));
		column->size = strlen(column->name);
		column->is_visible = crm_history_may_see(GetUserId(), target,
												 column->name);
		column->typid = getBaseType(attr->atttypid);
		column->typmod = attr->atttypmod;
		getTypeInputInfo(attr->atttypid, &input, &column->param);
		fmgr_info(input, &column->input);
	}
	return columns;
}

/* A value of an image as text; NULL if the type reads it otherwise. */
static char *
value_words(const JsonbValue *value)
{
	if (value->type == jbvBinary)
		return JsonbToCString(NULL, value->val.binary.data,
							  value->val.binary.len);
	return crm_json_scalar_text(value);
}

/* Reads a field's value into a column. */
static Datum
column_read(ColumnInput *column, FoldField *field)
{
	/* the ledger has money as a number of its smallest unit */
	if (column->typid == MONEYOID && field->value.type == jbvNumeric)
		return DirectFunctionCall1(numeric_int8,
								   NumericGetDatum(field->value.val.numeric));
	if (column->typid == JSONBOID)
		return JsonbPGetDatum(JsonbValueToJsonb(&field->value));
	return InputFunctionCall(&column->input, value_words(&field->value),
							 column->param, column->typmod);
}

/* The field of a column, which mostly stands where it stood before. */
static FoldField *
column_field(const Fold *fold, ColumnInput *column)
{
	FoldField  *field;

	if (column->hint < fold->nfields)
	{
		field = &fold->fields[column->hint];
		if (field->size == column->size &&
			memcmp(field->name, column->name, column->size) == 0)
			return field;
	}
	field = crm_fold_find(fold, column->name, column->size);
	if (field)
		column->hint = field - fold->fields;
	return field;
}

/* What as_of() has at hand for each row. */
typedef struct AsOf
{
	Fold	   *fold;
	ColumnInput *columns;
	Tuplestorestate *store;
	TupleDesc	desc;
	Datum	   *values;
	bool	   *nulls;
	MemoryContext row_context;
} AsOf;

/* Ends the row with a key, and returns it if it was there. */
static void
row_end(AsOf *as_of, Jsonb *key)
{
	Fold	   *fold = as_of->fold;
	MemoryContext old;

	crm_fold_end(fold);
	if (fold->status != FOLD_PRESENT)
		return;
	if (fold->is_partial)
		crm_fold_key(fold, key);
	MemoryContextReset(as_of->row_context);
	old = MemoryContextSwitchTo(as_of->row_context);
	for (int i = 0; i < as_of->desc->natts; i++)
	{
		ColumnInput *column = &as_of->columns[i];
		FoldField  *field = column->is_visible ? column_field(fold, column) : NULL;

		as_of->nulls[i] = field == NULL || field->is_null || field->is_unknown;
		if (!as_of->nulls[i])
			as_of->values[i] = column_read(column, field);
	}
	MemoryContextSwitchTo(old);
	tuplestore_putvalues(as_of->store, as_of->desc, as_of->values, as_of->nulls);
}

/* Folds the rows of a query, whose last two columns are hash and key. */
static void
fold_rows(AsOf *as_of, Portal portal)
{
	MemoryContext key_context = AllocSetContextCreate(CurrentMemoryContext,
													  "crmaudit key of the ledger",
													  ALLOCSET_SMALL_SIZES);
	MemoryContext batch_context = AllocSetContextCreate(CurrentMemoryContext,
														"crmaudit entries of the ledger",
														ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	int64		hash = 0;
	Jsonb	   *key = NULL;

	for (;;)
	{
		SPI_cursor_fetch(portal, true, HISTORY_BATCH);
		if (SPI_processed == 0)
			break;
		/* reading an entry detoasts */
		MemoryContextReset(batch_context);
		MemoryContextSwitchTo(batch_context);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple	tuple = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			FoldEntry	entry = read_entry(tuple, desc);
			bool		isnull;
			int64		next_hash = DatumGetInt64(SPI_getbinval(tuple, desc, 8,
																&isnull));
			Jsonb	   *next = DatumGetJsonbP(SPI_getbinval(tuple, desc, 9,
															&isnull));

			if (key == NULL || hash != next_hash ||
				compareJsonbContainers(&key->root, &next->root) != 0)
			{
				MemoryContext old;

				if (key)
					row_end(as_of, key);
				MemoryContextReset(key_context);
				old = MemoryContextSwitchTo(key_context);
				key = (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(next));
				MemoryContextSwitchTo(old);
				hash = next_hash;
				crm_fold_begin(as_of->fold);
			}
			crm_fold_add(as_of->fold, &entry);
		}
		MemoryContextSwitchTo(caller);
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	}
	if (key)
		row_end(as_of, key);
}

/* The table whose row type the first argument has. */
static HistoryTable *
table_argument(FunctionCallInfo fcinfo)
{
	Oid			typid = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relid = OidIsValid(typid) ? get_typ_typrelid(typid) : InvalidOid;
	HistoryTable *table;

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("first argument of as_of() must be a row of a tracked table"),
				 errhint("For example: SELECT * FROM crmaudit.as_of(NULL::crm.customer, '2026-01-01');")));
	table = crm_history_table(relid);
	if (table->target != relid)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" is a partition", get_rel_name(relid)),
				 errdetail("The ledger does not tell which partition a row was in."),
				 errhint("Ask for the rows of \"%s\".",
						 get_rel_name(table->target))));
	return table;
}

/* crmaudit.as_of(anyelement, timestamptz) returns setof anyelement */
Datum
crmaudit_as_of(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HistoryTable *table = table_argument(fcinfo);
	AsOf		as_of;

	require_select(table->target);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("time of as_of() must not be null")));
	InitMaterializedSRF(fcinfo, 0);
	as_of.store = rsinfo->setResult;
	as_of.desc = rsinfo->setDesc;
	as_of.columns = columns_create(table->target, as_of.desc);
	as_of.values = palloc0((as_of.desc->natts + 1) * sizeof(Datum));
	as_of.nulls = palloc0((as_of.desc->natts + 1) * sizeof(bool));
	as_of.fold = crm_fold_create(PG_GETARG_TIMESTAMPTZ(1));
	as_of.row_context = AllocSetContextCreate(CurrentMemoryContext,
											  "crmaudit row as of a time",
											  ALLOCSET_DEFAULT_SIZES);
	crm_ledger_flush();
	SPI_connect();
	read_events(as_of.fold, table);
	fold_rows(&as_of, open_rows(as_of.fold, table));
	SPI_finish();
	return (Datum) 0;
}

/* row_as_of() ------------------------------------------------------------ */

/* Folds the entries of one row, those after the time too. */
static void
fold_row(Fold *fold, const HistoryTable *table, ArrayType *keys)
{
	Oid			types[] = {INT4OID, JSONBARRAYOID};
	Datum		values[2];
	HistoryRights rights;

	values[0] = Int32GetDatum(table->table_id);
	values[1] = PointerGetDatum(keys);
	crm_history_enter(&rights);
	SPI_execute_with_args("SELECT " ENTRY_COLUMNS_SQL " FROM (SELECT (f.entry).* FROM crmaudit.find_row_entries($1, $2) f) e "
						  "WHERE e.row_key IS NOT NULL ORDER BY e.at, e.xid, e.ord",
						  2, types, values, NULL, false, 0);
	crm_history_leave(&rights);
	crm_fold_begin(fold);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		FoldEntry	entry = read_entry(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc);

		crm_fold_add(fold, &entry);
	}
	crm_fold_end(fold);
}

static void
push_string(JsonbParseState **state, JsonbIteratorToken token, char *string)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = string;
	value.val.string.len = strlen(string);
	pushJsonbValue(state, token, &value);
}

/*
 * The image of the row as far as it is known and may be read, and the columns
 * of which neither holds.
 */
static Jsonb *
row_image(const Fold *fold, const HistoryTable *table, Jsonb *clear,
		  ArrayType **unknown)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(get_rel_type_id(table->target), -1);
	ColumnInput *columns = columns_create(table->target, desc);
	Datum	   *names = palloc((desc->natts + 1) * sizeof(Datum));
	int			nnames = 0;
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < desc->natts; i++)
	{
		ColumnInput *column = &columns[i];
		FoldField  *field;
		JsonbValue	name;

		if (column->name == NULL || TupleDescAttr(desc, i)->attgenerated)
			continue;
		field = crm_fold_find(fold, column->name, column->size);
		name.type = jbvString;
		name.val.string.val = column->name;
		name.val.string.len = column->size;
		if (findJsonbValueFromContainer(&clear->root, JB_FOBJECT, &name) == NULL &&
			(!column->is_visible || (field ? field->is_unknown : fold->is_partial)))
			names[nnames++] = CStringGetTextDatum(column->name);
		else if (field && !field->is_null && !field->is_unknown &&
				 column->is_visible)
		{
			pushJsonbValue(&state, WJB_KEY, &name);
			pushJsonbValue(&state, WJB_VALUE, &field->value);
		}
	}
	*unknown = construct_array(names, nnames, TEXTOID, -1, false, TYPALIGN_INT);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * The key in clear, as text.  What was given as a digest is taken from the
 * row, if that was there.
 */
static Jsonb *
clear_key(const Fold *fold, const HistoryTable *table, Jsonb *clear)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < table->nkey; i++)
	{
		char	   *name = table->key[i];
		FoldField  *field = crm_fold_find(fold, name, strlen(name));
		JsonbValue	key;
		JsonbValue *given;

		key.type = jbvString;
		key.val.string.val = name;
		key.val.string.len = strlen(name);
		given = findJsonbValueFromContainer(&clear->root, JB_FOBJECT, &key);
		pushJsonbValue(&state, WJB_KEY, &key);
		if (given)
			pushJsonbValue(&state, WJB_VALUE, given);
		else if (fold->status == FOLD_PRESENT && field && !field->is_null &&
				 !field->is_unknown &&
				 crm_history_may_see(GetUserId(), table->target, name))
			push_string(&state, WJB_VALUE, value_words(&field->value));
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of the key must be given in clear",
							name),
					 errdetail("The ledger has nothing but its digest, or you may not read it.")));
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* crmaudit.row_as_of(target, key, at) */
Datum
crmaudit_row_as_of(PG_FUNCTION_ARGS)
{
	HistoryTable *table = crm_history_table(PG_GETARG_OID(0));
	Fold	   *fold;
	ArrayType  *keys;
	ArrayType  *unknown;
	Jsonb	   *clear;
	Jsonb	   *image;
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {false, false, false, false, false};

	require_select(table->target);
	keys = crm_history_keys(table, PG_GETARG_JSONB_P(1), &clear);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	fold = crm_fold_create(PG_GETARG_TIMESTAMPTZ(2));
	crm_ledger_flush();
	SPI_connect();
	read_events(fold, table);
	fold_row(fold, table, keys);
	SPI_finish();

	clear = clear_key(fold, table, clear);
	image = row_image(fold, table, clear, &unknown);
	values[0] = ObjectIdGetDatum(table->target);
	values[1] = BoolGetDatum(fold->status == FOLD_PRESENT);
	nulls[1] = fold->status == FOLD_UNKNOWN;
	values[2] = JsonbPGetDatum(clear);
	values[3] = JsonbPGetDatum(image);
	values[4] = PointerGetDatum(unknown);
	nulls[3] = nulls[4] = fold->status != FOLD_PRESENT;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* crmaudit.restore_row(target, key, as_of, execute) */
Datum
crmaudit_restore_row(PG_FUNCTION_ARGS)
{
	Oid			types[] = {REGCLASSOID, JSONBOID, TIMESTAMPTZOID};
	Datum		values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	MemoryContext caller = CurrentMemoryContext;
	char	   *statement;
	text	   *result = NULL;

	SPI_connect();
	SPI_execute_with_args("SELECT crmaudit.restore_statement($1, $2, $3)", 3,
						  types, values, NULL, false, 1);
	statement = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (statement)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		result = cstring_to_text(statement);
		MemoryContextSwitchTo(old);
	}
	if (statement && PG_GETARG_BOOL(3))
	{
		int			code = SPI_execute(statement, false, 0);

		if (code < 0)
			elog(ERROR, "the statement failed: %s", SPI_result_code_string(code));
		if (SPI_processed == 0)
			ereport(NOTICE,
					(errmsg("the statement wrote no row"),
					 errdetail("A policy, a trigger or the mode quarantine kept it from the row.")));
	}
	SPI_finish();
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}
