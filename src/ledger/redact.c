/*-------------------------------------------------------------------------
 *
 * redact.c
 *		Personal values go, their commitments stay: the hash of an entry is
 *		what it was (doc/ledger-format.md).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "json_object.h"
#include "ledger/guard.h"
#include "ledger/history.h"
#include "ledger/leaf.h"
#include "ledger/ledger_store.h"

PG_FUNCTION_INFO_V1(crmaudit_redacted_entry);
PG_FUNCTION_INFO_V1(crmaudit_redact_entries);
PG_FUNCTION_INFO_V1(crmaudit_tracked_keys);

/* Names, as texts. */
typedef struct Names
{
	int			count;
	Datum	   *texts;
} Names;

static Names
names_read(ArrayType *array)
{
	Names		names;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names.texts,
					  NULL, &names.count);
	return names;
}

static bool
same_text(Datum a, Datum b)
{
	text	   *first = DatumGetTextPP(a);
	text	   *second = DatumGetTextPP(b);

	return VARSIZE_ANY_EXHDR(first) == VARSIZE_ANY_EXHDR(second) &&
		memcmp(VARDATA_ANY(first), VARDATA_ANY(second),
			   VARSIZE_ANY_EXHDR(first)) == 0;
}

static bool
names_have(const Names *names, Datum name)
{
	for (int i = 0; i < names->count; i++)
	{
		if (same_text(names->texts[i], name))
			return true;
	}
	return false;
}

/* The member of an object; NULL if there is none, or it is null. */
static JsonbValue *
member(JsonbContainer *object, const char *name, int size)
{
	JsonbValue *value;

	if (object == NULL || !JsonContainerIsObject(object))
		return NULL;
	value = getKeyJsonValueFromContainer(object, name, size, NULL);
	return value == NULL || value->type == jbvNull ? NULL : value;
}

static JsonbContainer *
as_container(const JsonbValue *value)
{
	return value && value->type == jbvBinary ? value->val.binary.data : NULL;
}

/* {"c" or "s": hash in hexadecimal} */
static JsonbValue *
hash_object(const char *kind, const uint8 *hash)
{
	char		hex[2 * CRM_HASH_BYTES];
	JsonbValue	value;
	JsonField	field;
	JsonbValue *result = palloc(sizeof(JsonbValue));

	hex_encode((const char *) hash, CRM_HASH_BYTES, hex);
	value.type = jbvString;
	value.val.string.val = hex;
	value.val.string.len = sizeof(hex);
	field.name = kind;
	field.name_size = strlen(kind);
	field.value = &value;
	JsonbToJsonbValue(crm_json_object(&field, 1), result);
	return result;
}

/* The salt of a column: of the entry's, or as an earlier redaction kept it. */
static bool
column_salt(const LedgerEntry *entry, char side, const text * name,
			JsonbContainer *kept, uint8 *salt)
{
	JsonbValue *hex;

	if (entry->salt)
	{
		crm_column_salt(entry->salt, VARDATA_ANY(name),
						VARSIZE_ANY_EXHDR(name), side, salt);
		return true;
	}
	hex = member(kept, "s", 1);
	if (hex == NULL || hex->type != jbvString ||
		hex->val.string.len != 2 * CRM_HASH_BYTES)
		return false;
	hex_decode(hex->val.string.val, hex->val.string.len, (char *) salt);
	return true;
}

static int
field_order(const void *a, const void *b)
{
	const JsonField *first = a;
	const JsonField *second = b;

	return crm_json_name_order(first->name, first->name_size,
							   second->name, second->name_size);
}

/*
 * What stays of the personal columns of one image: the commitments to those
 * in "columns" and to those erased before, the salts of the others.  A value
 * without a salt was put there by a forger: "is_damaged" is set.
 */
static Jsonb *
commitments_make(const LedgerEntry *entry, char side, Jsonb *image,
				 const Names *personal, const Names *columns,
				 bool *is_damaged)
{
	JsonField  *fields = palloc(personal->count * sizeof(JsonField) + 1);
	JsonbContainer *before = NULL;
	int			count = 0;

	if (entry->commitments)
		before = as_container(member(&entry->commitments->root,
									 side == CRM_SIDE_OLD ? "old" : "new", 3));
	for (int i = 0; i < personal->count; i++)
	{
		text	   *name = DatumGetTextPP(personal->texts[i]);
		int			size = VARSIZE_ANY_EXHDR(name);
		JsonbValue *kept = member(before, VARDATA_ANY(name), size);
		JsonbValue *value = image ? member(&image->root, VARDATA_ANY(name), size) : NULL;
		uint8		hash[CRM_HASH_BYTES];

		if (value && !column_salt(entry, side, name, as_container(kept), hash))
		{
			*is_damaged = true;
			/* perhaps the commitment to what he put it in place of is there */
			if (member(as_container(kept), "c", 1) == NULL)
				continue;
		}
		else if (value)
		{
			if (names_have(columns, personal->texts[i]))
			{
				crm_column_commitment(hash, VARDATA_ANY(name), size, side, value,
									  hash);
				kept = hash_object("c", hash);
			}
			else
				kept = hash_object("s", hash);
		}
		if (kept == NULL)
			continue;
		fields[count].name = VARDATA_ANY(name);
		fields[count].name_size = size;
		fields[count++].value = kept;
	}
	if (count == 0)
		return NULL;
	qsort(fields, count, sizeof(JsonField), field_order);
	return crm_json_object(fields, count);
}

/* The commitments of both images. */
static Jsonb *
commitments_of(const LedgerEntry *entry, const Names *personal,
			   const Names *columns, bool *is_damaged)
{
	Jsonb	   *sides[2];
	JsonbValue	values[2];
	JsonField	fields[2];
	int			count = 0;

	sides[0] = commitments_make(entry, CRM_SIDE_NEW, entry->new, personal, columns,
								is_damaged);
	sides[1] = commitments_make(entry, CRM_SIDE_OLD, entry->old, personal, columns,
								is_damaged);
	for (int i = 0; i < 2; i++)
	{
		if (sides[i] == NULL)
			continue;
		JsonbToJsonbValue(sides[i], &values[count]);
		fields[count].name = i == 0 ? "new" : "old";
		fields[count].name_size = 3;
		fields[count].value = &values[count];
		count++;
	}
	return crm_json_object(fields, count);
}

/* The names that are in both. */
static ArrayType *
names_common(const Names *personal, const Names *columns)
{
	Datum	   *texts = palloc(personal->count * sizeof(Datum) + 1);
	int			count = 0;

	for (int i = 0; i < personal->count; i++)
	{
		if (names_have(columns, personal->texts[i]))
			texts[count++] = personal->texts[i];
	}
	return construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT);
}

static Jsonb *
image_without(Jsonb *image, ArrayType *columns)
{
	if (image == NULL)
		return NULL;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete_array,
											  JsonbPGetDatum(image),
											  PointerGetDatum(columns)));
}

/*
 * crmaudit.redacted_entry(entry, columns text[]) returns ledger_entry: the
 * entry without the values of its personal columns among "columns".
 */
Datum
crmaudit_redacted_entry(PG_FUNCTION_ARGS)
{
	TupleTableSlot *slot = crm_ledger_row_slot(PG_GETARG_HEAPTUPLEHEADER(0));
	Names		columns = names_read(PG_GETARG_ARRAYTYPE_P(1));
	const uint8 context[CRM_HASH_BYTES] = {0};
	uint8		before[CRM_HASH_BYTES];
	uint8		after[CRM_HASH_BYTES];
	LedgerEntry entry;
	bool		is_damaged = false;
	Datum		values[ENTRY_COLUMNS];
	bool		nulls[ENTRY_COLUMNS];
	HeapTuple	tuple;

	crm_ledger_entry_read(slot, &entry);
	crm_leaf_hash(&entry, context, before);
	if (entry.personal)
	{
		Names		personal = names_read(entry.personal);
		ArrayType  *erased = names_common(&personal, &columns);

		entry.commitments = commitments_of(&entry, &personal, &columns,
										   &is_damaged);
		entry.old = image_without(entry.old, erased);
		entry.new = image_without(entry.new, erased);
		entry.salt = NULL;
	}
	crm_leaf_hash(&entry, context, after);
	if (!is_damaged && memcmp(before, after, CRM_HASH_BYTES) != 0)
		elog(ERROR, "redaction would change the hash of entry %d of transaction " UINT64_FORMAT,
			 entry.ord, entry.xid);
	crm_ledger_entry_values(&entry, values, nulls);
	tuple = heap_form_tuple(slot->tts_tupleDescriptor, values, nulls);
	PG_RETURN_DATUM(heap_copy_tuple_as_datum(tuple, slot->tts_tupleDescriptor));
}

/* Arguments of the statement, and how many entries it redacted. */
typedef struct Redaction
{
	Datum		args[3];
	uint64		entries;
} Redaction;

/* Redacts the entries; what they hold when they are locked counts. */
static void
redaction_run(void *arg)
{
	Redaction  *redaction = arg;
	Oid			types[] = {INT4OID, JSONBARRAYOID, TEXTARRAYOID};

	if (SPI_execute_with_args("UPDATE crmaudit.ledger_entry e SET (old, new, salt, commitments) ="
							  " (SELECT r.old, r.new, r.salt, r.commitments FROM crmaudit.redacted_entry(e, $3) r)"
							  " FROM crmaudit.find_personal_entries($1, $2, $3) f"
							  " WHERE e.xid = f.xid AND e.ord = f.ord AND e.incarnation = f.incarnation"
							  " AND e.personal && $3",
							  3, types, redaction->args, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not redact entries of the ledger");
	redaction->entries = SPI_processed;
}

/*
 * crmaudit.redact_entries(table_id int, keys jsonb[], columns text[]) returns
 * bigint: implementation of redact().
 */
Datum
crmaudit_redact_entries(PG_FUNCTION_ARGS)
{
	Redaction	redaction;

	for (int i = 0; i < 3; i++)
		redaction.args[i] = PG_GETARG_DATUM(i);
	crm_ledger_flush();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	crm_guard_lift(redaction_run, &redaction);
	SPI_finish();
	PG_RETURN_INT64(redaction.entries);
}

/*
 * crmaudit.tracked_keys(target regclass, key jsonb) returns record: the id of
 * the tracked table, and the keys under which the ledger may have the row.
 */
Datum
crmaudit_tracked_keys(PG_FUNCTION_ARGS)
{
	HistoryTable *table = crm_history_table(PG_GETARG_OID(0));
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int32GetDatum(table->table_id);
	values[1] = PointerGetDatum(crm_history_keys(table, PG_GETARG_JSONB_P(1), NULL));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
