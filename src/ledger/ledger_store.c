/*-------------------------------------------------------------------------
 *
 * ledger_store.c
 *		Rows of ledger_entry and ledger_context, and the structs they become.
 *
 * The columns' order is fixed: a look-up by name of every column would cost a
 * reader of the ledger more than the hash.  It is checked when a relation is
 * opened.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/xid8.h"

#include "compat.h"
#include "ledger/leaf.h"
#include "ledger/ledger_store.h"

PG_FUNCTION_INFO_V1(crmaudit_ledger_leaf);
PG_FUNCTION_INFO_V1(crmaudit_ledger_context_leaf);

static const char *const entry_columns[] = {
	"incarnation", "xid", "at", "context_xid", "table_id", "target", "ord", "context", "op",
	"subxid", "row_key", "old", "new", "actor", "reason", "client",
	"personal", "salt", "commitments", "leaf"
};

static const char *const context_columns[] = {
	"incarnation", "xid", "at", "context", "actor", "session_username",
	"current_username", "client", "application_name", "reason", "leaf"
};

StaticAssertDecl(lengthof(entry_columns) == ENTRY_COLUMNS,
				 "every column of ledger_entry has a name");
StaticAssertDecl(lengthof(context_columns) == CONTEXT_COLUMNS,
				 "every column of ledger_context has a name");

static void
check_layout(Relation rel, const char *const *columns, int count)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < count; i++)
	{
		if (i >= desc->natts ||
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), columns[i]) != 0)
			elog(ERROR, "column %d of crmaudit.%s is not \"%s\"", i + 1,
				 RelationGetRelationName(rel), columns[i]);
	}
}

void
crm_ledger_check_entry_layout(Relation rel)
{
	check_layout(rel, entry_columns, ENTRY_COLUMNS);
}

void
crm_ledger_check_context_layout(Relation rel)
{
	check_layout(rel, context_columns, CONTEXT_COLUMNS);
}

/* The column's value if it has one, detoasted. */
#define NULLABLE(slot, column, get) \
	((slot)->tts_isnull[column] ? NULL : get((slot)->tts_values[column]))

/* Bytes of a fixed number; NULL if they are another number. */
static const uint8 *
fixed_bytes(TupleTableSlot *slot, int column, int size)
{
	bytea	   *bytes;

	if (slot->tts_isnull[column])
		return NULL;
	bytes = DatumGetByteaPP(slot->tts_values[column]);
	return VARSIZE_ANY_EXHDR(bytes) == size ? (uint8 *) VARDATA_ANY(bytes) : NULL;
}

static void
leaf_read(TupleTableSlot *slot, int column, uint8 *leaf)
{
	const uint8 *bytes = fixed_bytes(slot, column, CRM_HASH_BYTES);

	if (bytes)
		memcpy(leaf, bytes, CRM_HASH_BYTES);
	else
		memset(leaf, 0, CRM_HASH_BYTES);
}

/* Reads what never has to be detoasted. */
static void
fixed_columns_read(TupleTableSlot *slot, LedgerEntry *entry)
{
	Datum	   *values;

	slot_getallattrs(slot);
	values = slot->tts_values;
	entry->incarnation = DatumGetInt64(values[ENTRY_INCARNATION]);
	entry->xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[ENTRY_XID]));
	entry->at = DatumGetTimestampTz(values[ENTRY_AT]);
	entry->context_xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[ENTRY_CONTEXT_XID]));
	entry->table_id = DatumGetInt32(values[ENTRY_TABLE_ID]);
	entry->target = DatumGetObjectId(values[ENTRY_TARGET]);
	entry->ord = DatumGetInt32(values[ENTRY_ORD]);
	entry->context = DatumGetInt32(values[ENTRY_CONTEXT]);
	entry->op = DatumGetChar(values[ENTRY_OP]);
	entry->subxid = slot->tts_isnull[ENTRY_SUBXID] ? 0 :
		U64FromFullTransactionId(DatumGetFullTransactionId(values[ENTRY_SUBXID]));
	leaf_read(slot, ENTRY_LEAF, entry->leaf);
}

void
crm_ledger_entry_read_leaf(TupleTableSlot *slot, LedgerEntry *entry)
{
	memset(entry, 0, sizeof(LedgerEntry));
	fixed_columns_read(slot, entry);
	entry->row_key = NULLABLE(slot, ENTRY_ROW_KEY, DatumGetJsonbP);
}

void
crm_ledger_entry_read(TupleTableSlot *slot, LedgerEntry *entry)
{
	fixed_columns_read(slot, entry);
	entry->row_key = NULLABLE(slot, ENTRY_ROW_KEY, DatumGetJsonbP);
	entry->old = NULLABLE(slot, ENTRY_OLD, DatumGetJsonbP);
	entry->new = NULLABLE(slot, ENTRY_NEW, DatumGetJsonbP);
	entry->actor = NULLABLE(slot, ENTRY_ACTOR, DatumGetTextPP);
	entry->reason = NULLABLE(slot, ENTRY_REASON, DatumGetTextPP);
	entry->client = NULLABLE(slot, ENTRY_CLIENT, DatumGetTextPP);
	entry->personal = NULLABLE(slot, ENTRY_PERSONAL, DatumGetArrayTypeP);
	/* put there by a forger; the hash is wrong without it, too */
	if (entry->personal && ARR_HASNULL(entry->personal))
		entry->personal = NULL;
	entry->salt = fixed_bytes(slot, ENTRY_SALT, CRM_SALT_BYTES);
	entry->commitments = NULLABLE(slot, ENTRY_COMMITMENTS, DatumGetJsonbP);
}

void
crm_ledger_context_read(TupleTableSlot *slot, LedgerContext *context)
{
	Datum	   *values;

	slot_getallattrs(slot);
	values = slot->tts_values;
	context->incarnation = DatumGetInt64(values[CONTEXT_INCARNATION]);
	context->xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[CONTEXT_XID]));
	context->at = DatumGetTimestampTz(values[CONTEXT_AT]);
	context->context = DatumGetInt32(values[CONTEXT_CONTEXT]);
	context->actor = NULLABLE(slot, CONTEXT_ACTOR, DatumGetTextPP);
	context->session_username = NULLABLE(slot, CONTEXT_SESSION_USERNAME,
										 DatumGetTextPP);
	context->current_username = NULLABLE(slot, CONTEXT_CURRENT_USERNAME,
										 DatumGetTextPP);
	context->client = NULLABLE(slot, CONTEXT_CLIENT, DatumGetTextPP);
	context->application_name = NULLABLE(slot, CONTEXT_APPLICATION_NAME,
										 DatumGetTextPP);
	context->reason = NULLABLE(slot, CONTEXT_REASON, DatumGetTextPP);
	leaf_read(slot, CONTEXT_LEAF, context->leaf);
}

static Datum
bytes_datum(const uint8 *bytes, int size)
{
	bytea	   *result = palloc(VARHDRSZ + size);

	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), bytes, size);
	return PointerGetDatum(result);
}

static void
set_pointer(Datum *values, bool *nulls, int column, const void *pointer)
{
	nulls[column] = pointer == NULL;
	values[column] = PointerGetDatum(pointer);
}

void
crm_ledger_entry_values(const LedgerEntry *entry, Datum *values, bool *nulls)
{
	memset(nulls, false, ENTRY_COLUMNS * sizeof(bool));
	values[ENTRY_INCARNATION] = Int64GetDatum(entry->incarnation);
	values[ENTRY_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(entry->xid));
	values[ENTRY_AT] = TimestampTzGetDatum(entry->at);
	values[ENTRY_TABLE_ID] = Int32GetDatum(entry->table_id);
	values[ENTRY_TARGET] = ObjectIdGetDatum(entry->target);
	values[ENTRY_ORD] = Int32GetDatum(entry->ord);
	values[ENTRY_CONTEXT] = Int32GetDatum(entry->context);
	values[ENTRY_OP] = CharGetDatum(entry->op);
	nulls[ENTRY_SUBXID] = entry->subxid == 0;
	values[ENTRY_SUBXID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(entry->subxid));
	values[ENTRY_CONTEXT_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(entry->context_xid));
	set_pointer(values, nulls, ENTRY_ROW_KEY, entry->row_key);
	set_pointer(values, nulls, ENTRY_OLD, entry->old);
	set_pointer(values, nulls, ENTRY_NEW, entry->new);
	set_pointer(values, nulls, ENTRY_ACTOR, entry->actor);
	set_pointer(values, nulls, ENTRY_REASON, entry->reason);
	set_pointer(values, nulls, ENTRY_CLIENT, entry->client);
	set_pointer(values, nulls, ENTRY_PERSONAL, entry->personal);
	nulls[ENTRY_SALT] = entry->salt == NULL;
	if (entry->salt)
		values[ENTRY_SALT] = bytes_datum(entry->salt, CRM_SALT_BYTES);
	set_pointer(values, nulls, ENTRY_COMMITMENTS, entry->commitments);
	values[ENTRY_LEAF] = bytes_datum(entry->leaf, CRM_HASH_BYTES);
}

void
crm_ledger_context_values(const LedgerContext *context, Datum *values,
						  bool *nulls)
{
	memset(nulls, false, CONTEXT_COLUMNS * sizeof(bool));
	values[CONTEXT_INCARNATION] = Int64GetDatum(context->incarnation);
	values[CONTEXT_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(context->xid));
	values[CONTEXT_AT] = TimestampTzGetDatum(context->at);
	values[CONTEXT_CONTEXT] = Int32GetDatum(context->context);
	set_pointer(values, nulls, CONTEXT_ACTOR, context->actor);
	set_pointer(values, nulls, CONTEXT_SESSION_USERNAME,
				context->session_username);
	set_pointer(values, nulls, CONTEXT_CURRENT_USERNAME,
				context->current_username);
	set_pointer(values, nulls, CONTEXT_CLIENT, context->client);
	set_pointer(values, nulls, CONTEXT_APPLICATION_NAME,
				context->application_name);
	set_pointer(values, nulls, CONTEXT_REASON, context->reason);
	values[CONTEXT_LEAF] = bytes_datum(context->leaf, CRM_HASH_BYTES);
}

/* Midnight, UTC, at the beginning of a month counted from January of year 0. */
static TimestampTz
month_begin(int months)
{
	return (date2j(months / 12, months % 12 + 1, 1) - POSTGRES_EPOCH_JDATE) *
		USECS_PER_DAY;
}

static int
month_number(TimestampTz at)
{
	int64		days = at / USECS_PER_DAY;
	int			year;
	int			month;
	int			day;

	if (at % USECS_PER_DAY < 0)
		days--;
	j2date(days + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return year * 12 + month - 1;
}

TimestampTz
crm_ledger_month_start(TimestampTz at)
{
	return month_begin(month_number(at));
}

TimestampTz
crm_ledger_month_end(TimestampTz at)
{
	return month_begin(month_number(at) + 1);
}

/*
 * Forms a slot from a row given to an SQL function, whose type is that of one
 * of our tables.
 */
TupleTableSlot *
crm_ledger_row_slot(HeapTupleHeader row)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row),
												   HeapTupleHeaderGetTypMod(row));
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	HeapTuple	tuple = palloc0(HEAPTUPLESIZE);

	tuple->t_len = HeapTupleHeaderGetDatumLength(row);
	tuple->t_data = row;
	ExecStoreHeapTuple(tuple, slot, false);
	return slot;
}

/*
 * crmaudit.ledger_leaf(entry, context) returns bytea: the hash that the entry
 * ought to have.
 */
Datum
crmaudit_ledger_leaf(PG_FUNCTION_ARGS)
{
	TupleTableSlot *entry_slot = crm_ledger_row_slot(PG_GETARG_HEAPTUPLEHEADER(0));
	TupleTableSlot *context_slot = crm_ledger_row_slot(PG_GETARG_HEAPTUPLEHEADER(1));
	LedgerEntry entry;
	LedgerContext context;
	uint8		hash[CRM_HASH_BYTES];

	crm_ledger_context_read(context_slot, &context);
	crm_context_hash(&context, hash);
	crm_ledger_entry_read(entry_slot, &entry);
	crm_leaf_hash(&entry, hash, hash);
	ExecDropSingleTupleTableSlot(entry_slot);
	ExecDropSingleTupleTableSlot(context_slot);
	PG_RETURN_DATUM(bytes_datum(hash, CRM_HASH_BYTES));
}

/* crmaudit.ledger_context_leaf(context) returns bytea */
Datum
crmaudit_ledger_context_leaf(PG_FUNCTION_ARGS)
{
	TupleTableSlot *slot = crm_ledger_row_slot(PG_GETARG_HEAPTUPLEHEADER(0));
	LedgerContext context;
	uint8		hash[CRM_HASH_BYTES];

	crm_ledger_context_read(slot, &context);
	crm_context_hash(&context, hash);
	ExecDropSingleTupleTableSlot(slot);
	PG_RETURN_DATUM(bytes_datum(hash, CRM_HASH_BYTES));
}
