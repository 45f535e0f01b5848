/*-------------------------------------------------------------------------
 *
 * row_key.c
 *		The key of a row: a json object of its key columns by name.
 *
 * A key column that holds an identifier enters as a digest, salted with the
 * database's secret: an ID number has too few values for a plain one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "catalog_scan.h"
#include "fixed_output.h"
#include "json_object.h"
#include "row_key.h"

/* How much of the digest is kept: 128 bits. */
#define KEY_DIGEST_BYTES	16

/* Digest of an identifier, as hexadecimal text. */
static char *
identifier_digest(const char *salt, const char *text)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *hex = palloc(strlen("sha256:") + 2 * KEY_DIGEST_BYTES + 1);
	char	   *at = hex + sprintf(hex, "sha256:");
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(context) < 0 ||
		(salt && pg_cryptohash_update(context, (const uint8 *) salt,
									  strlen(salt)) < 0) ||
		pg_cryptohash_update(context, (const uint8 *) text, strlen(text)) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a SHA-256 digest");
	pg_cryptohash_free(context);
	for (int i = 0; i < KEY_DIGEST_BYTES; i++)
		at += sprintf(at, "%02x", digest[i]);
	return hex;
}

/*
 * The text of a key value.  It must not depend on the session's settings, for
 * another session may repair the row.
 */
static char *
key_text(const KeyColumn *key, Datum datum)
{
	const int	utc = 0;
	char	   *words;

	switch (key->typid)
	{
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			words = palloc(MAXDATELEN + 1);
			JsonEncodeDateTime(words, datum, key->typid, &utc);
			return words;
		case BYTEAOID:
			return psprintf("\\x%s",
							TextDatumGetCString(DirectFunctionCall2(binary_encode, datum,
																	CStringGetTextDatum("hex"))));
		default:
			return crm_fixed_output(unconstify(FmgrInfo *, &key->output),
									datum);
	}
}

/* Fills the json value of one key column. */
static void
key_value(const RowKey *key, const KeyColumn *column, TupleTableSlot *slot,
		  JsonbValue *value)
{
	Datum		datum = slot->tts_values[column->attnum - 1];
	char	   *text;

	if (slot->tts_isnull[column->attnum - 1])
	{
		value->type = jbvNull;
		return;
	}
	if (column->is_number && !column->is_hashed)
	{
		value->type = jbvNumeric;
		value->val.numeric =
			int64_to_numeric(column->typid == INT2OID ? DatumGetInt16(datum) :
							 column->typid == INT4OID ? DatumGetInt32(datum) :
							 column->typid == REGCLASSOID ? DatumGetObjectId(datum) :
							 DatumGetInt64(datum));
		return;
	}
	text = key_text(column, datum);
	if (column->is_hashed)
		text = identifier_digest(key->salt, text);
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = strlen(text);
}

Jsonb *
crm_row_key(const RowKey *key, TupleTableSlot *slot)
{
	JsonbValue *values = palloc(key->ncolumns * sizeof(JsonbValue) + 1);
	JsonField  *fields = palloc(key->ncolumns * sizeof(JsonField) + 1);
	Jsonb	   *result;

	for (int i = 0; i < key->ncolumns; i++)
	{
		fields[i].name = key->columns[i].name;
		fields[i].name_size = key->columns[i].name_size;
		fields[i].value = &values[i];
		key_value(key, &key->columns[i], slot, &values[i]);
	}
	result = crm_json_object(fields, key->ncolumns);
	pfree(fields);
	pfree(values);
	return result;
}

/* Order of jsonb. */
static int
column_order(const void *a, const void *b)
{
	const KeyColumn *first = a;
	const KeyColumn *second = b;

	return crm_json_name_order(first->name, first->name_size,
							   second->name, second->name_size);
}

/* The database's secret; NULL if there is none yet. */
char *
crm_row_key_salt(void)
{
	CatalogScan scan;
	char	   *salt = NULL;

	if (!crm_catalog_scan_begin(&scan, "key_salt", NULL, NULL, InvalidOid, 0))
		return NULL;
	if (crm_catalog_scan_next(&scan))
		salt = crm_catalog_get_text(&scan, "salt");
	crm_catalog_scan_end(&scan);
	return salt;
}

void
crm_row_key_compile(RowKey *key, Relation rel, char **columns, int ncolumns,
					char **hashed, int nhashed)
{
	key->columns = palloc0((ncolumns + 1) * sizeof(KeyColumn));
	key->ncolumns = 0;
	key->max_attnum = 0;
	for (int i = 0; i < ncolumns; i++)
	{
		KeyColumn  *column = &key->columns[key->ncolumns];
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel), columns[i]);
		Form_pg_attribute attr;
		Oid			output;
		bool		is_varlena;

		if (attnum <= 0)
			continue;
		attr = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
		column->name = pstrdup(columns[i]);
		column->name_size = strlen(columns[i]);
		column->attnum = attnum;
		column->typid = getBaseType(attr->atttypid);
		/* the name of a relation would depend on the search_path */
		column->is_number = column->typid == INT2OID ||
			column->typid == INT4OID || column->typid == INT8OID ||
			column->typid == REGCLASSOID;
		for (int j = 0; j < nhashed; j++)
			column->is_hashed |= strcmp(hashed[j], columns[i]) == 0;
		getTypeOutputInfo(attr->atttypid, &output, &is_varlena);
		fmgr_info(output, &column->output);
		key->max_attnum = Max(key->max_attnum, attnum);
		key->ncolumns++;
	}
	qsort(key->columns, key->ncolumns, sizeof(KeyColumn), column_order);
	key->salt = nhashed > 0 ? crm_row_key_salt() : NULL;
}

/* Contract in row_key.h. */
Jsonb *
crm_row_key_hide(const RowKey *key, Jsonb *members)
{
	int			count = JB_ROOT_COUNT(members);
	JsonbValue *values = palloc(count * sizeof(JsonbValue) + 1);
	JsonField  *fields = palloc(count * sizeof(JsonField) + 1);
	JsonbIterator *iterator = JsonbIteratorInit(&members->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *salt = crm_row_key_salt();
	int			n = -1;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		bool		is_open = false;

		if (token == WJB_KEY)
		{
			n++;
			fields[n].name = value.val.string.val;
			fields[n].name_size = value.val.string.len;
			fields[n].value = &values[n];
		}
		if (token != WJB_VALUE)
			continue;
		for (int i = 0; i < key->ncolumns; i++)
			is_open |= !key->columns[i].is_hashed &&
				key->columns[i].name_size == fields[n].name_size &&
				memcmp(key->columns[i].name, fields[n].name,
					   fields[n].name_size) == 0;
		values[n] = value;
		if (is_open || value.type == jbvNull)
			continue;
		values[n].type = jbvString;
		values[n].val.string.val =
			identifier_digest(salt, crm_json_scalar_text(&value));
		values[n].val.string.len = strlen(values[n].val.string.val);
	}
	return crm_json_object(fields, count);
}
