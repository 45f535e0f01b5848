/*-------------------------------------------------------------------------
 *
 * history.c
 *		Reading the ledger: rights, masks, keys.
 *
 * Nobody has rights on ledger_entry.  The functions here look at the rights of
 * whoever calls them, and then call an SQL function as the ledger's owner.
 * What could run code of others, such as the input function of a key's type,
 * is called before that, with the caller's rights.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "catalog_scan.h"
#include "compat.h"
#include "crmaudit.h"
#include "json_object.h"
#include "ledger/history.h"
#include "ledger/ledger.h"
#include "rules/rule.h"

/* What stands for a value that nobody may see, or that is gone. */
#define MASKED	"***"
#define ERASED	"[erased]"

/* Length of "sha256:" and the digest of an identifier in a key. */
#define KEY_DIGEST_SIZE		39

extern Datum crmaudit_mask_value(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(crmaudit_ledger_flush);
PG_FUNCTION_INFO_V1(crmaudit_mask_image);
PG_FUNCTION_INFO_V1(crmaudit_current_names);
PG_FUNCTION_INFO_V1(crmaudit_row_history);
PG_FUNCTION_INFO_V1(crmaudit_field_history);

Datum
crmaudit_ledger_flush(PG_FUNCTION_ARGS)
{
	crm_ledger_flush();
	PG_RETURN_VOID();
}

/* Tables ---------------------------------------------------------------- */

static HistoryTable *
table_find(Oid relid)
{
	HistoryTable *table = NULL;
	CatalogScan scan;
	bool		isnull;

	if (!crm_catalog_scan_begin(&scan, "tracked_table",
								"tracked_table_target_key", "target", F_OIDEQ,
								ObjectIdGetDatum(relid)))
		return NULL;
	if (crm_catalog_scan_next(&scan))
	{
		Datum		baselined_at;

		table = palloc0(sizeof(HistoryTable));
		table->target = relid;
		table->table_id = DatumGetInt32(crm_catalog_get(&scan, "table_id",
														&isnull));
		table->tracked_at = DatumGetTimestampTz(crm_catalog_get(&scan, "tracked_at",
																&isnull));
		baselined_at = crm_catalog_get(&scan, "baselined_at", &isnull);
		table->baselined_at = isnull ? DT_NOBEGIN :
			DatumGetTimestampTz(baselined_at);
		table->key = crm_catalog_get_texts(&scan, "key", &table->nkey);
		table->hashed_key = crm_catalog_get_texts(&scan, "hashed_key",
												  &table->nhashed_key);
		table->exclude = crm_catalog_get_texts(&scan, "exclude",
											   &table->nexclude);
	}
	crm_catalog_scan_end(&scan);
	return table;
}

HistoryTable *
crm_history_table(Oid relid)
{
	HistoryTable *table = table_find(relid);
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation whose history is asked for does not exist"),
				 errhint("crmaudit.change_history has the entries of tables that were dropped.")));
	if (table == NULL && get_rel_relispartition(relid))
	{
		ListCell   *cell;

		foreach(cell, get_partition_ancestors(relid))
		{
			table = table_find(lfirst_oid(cell));
			if (table)
				break;
		}
	}
	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" has no history", name),
				 errdetail("It was never tracked."),
				 errhint("Track it: SELECT crmaudit.track('%s');",
						 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
													name))));
	return table;
}

/* Rights ---------------------------------------------------------------- */

/*
 * Raises an error unless the caller owns the table, or may read the view of
 * all changes, as everyone with a duty may.
 */
static void
require_history(const HistoryTable *table)
{
	Oid			view = crm_relation_oid("change_history");

	if (object_ownercheck(RelationRelationId, table->target, GetUserId()) ||
		(OidIsValid(view) &&
		 pg_class_aclcheck(view, GetUserId(), ACL_SELECT) == ACLCHECK_OK))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for the history of relation \"%s\"",
					get_rel_name(table->target)),
			 errhint("The table's owner may read it, and whoever has a duty (crmaudit.grant_duty()) or SELECT on crmaudit.change_history.")));
}

bool
crm_history_may_see(Oid reader, Oid target, const char *column)
{
	AttrNumber	attnum;

	/* of a table that was dropped nobody has rights any more */
	if (superuser_arg(reader))
		return true;
	if (!OidIsValid(target) || get_rel_relkind(target) == '\0' ||
		check_enable_rls(target, reader, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(target, reader, ACL_SELECT) == ACLCHECK_OK)
		return true;
	attnum = get_attnum(target, column);
	return attnum > 0 &&
		pg_attribute_aclcheck(target, attnum, reader, ACL_SELECT) == ACLCHECK_OK;
}

void
crm_history_enter(HistoryRights *rights)
{
	GetUserIdAndSecContext(&rights->userid, &rights->security);
	SetUserIdAndSecContext(crm_relation_owner(crm_relation_oid("ledger_entry")),
						   rights->security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
}

void
crm_history_leave(const HistoryRights *rights)
{
	SetUserIdAndSecContext(rights->userid, rights->security);
}

/* Masks ----------------------------------------------------------------- */

/* Text of a scalar, or of json nested in a column. */
static text *
value_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return cstring_to_text_with_len(value->val.string.val,
											value->val.string.len);
		case jbvNumeric:
			return cstring_to_text(DatumGetCString(DirectFunctionCall1(numeric_out,
																	   NumericGetDatum(value->val.numeric))));
		default:
			return NULL;
	}
}

bool
crm_history_is_digest(const JsonbValue *value)
{
	return value->type == jbvString &&
		value->val.string.len == KEY_DIGEST_SIZE &&
		strncmp(value->val.string.val, "sha256:", 7) == 0;
}

/* A string as a json value. */
static void
set_string(JsonbValue *value, text * string)
{
	value->type = jbvString;
	value->val.string.val = VARDATA_ANY(string);
	value->val.string.len = VARSIZE_ANY_EXHDR(string);
}

/*
 * Masks the value of a column of a role: as crmaudit.mask() does where the
 * role is a kind of identifier, wholly where it is not.  A digest, which a key
 * has in the place of an identifier, tells nothing already.
 */
static void
mask_value(const char *name, int name_size, Jsonb *roles, JsonbValue *value)
{
	text	   *string = value_text(value);
	JsonbValue *role = NULL;

	if (value->type == jbvNull || crm_history_is_digest(value))
		return;
	if (roles && string)
	{
		JsonbValue	key;

		key.type = jbvString;
		key.val.string.val = unconstify(char *, name);
		key.val.string.len = name_size;
		role = findJsonbValueFromContainer(&roles->root, JB_FOBJECT, &key);
	}
	if (role && role->type == jbvString)
	{
		text	   *kind = cstring_to_text_with_len(role->val.string.val,
													role->val.string.len);

		if (crm_identifier_find(text_to_cstring(kind)))
		{
			set_string(value, DatumGetTextPP(DirectFunctionCall2(crmaudit_mask_value,
																 PointerGetDatum(kind),
																 PointerGetDatum(string))));
			return;
		}
	}
	set_string(value, cstring_to_text(MASKED));
}

static bool
array_has(ArrayType *names, const char *name, int size)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		text	   *element;

		if (nulls[i])
			continue;
		element = DatumGetTextPP(elements[i]);
		if (VARSIZE_ANY_EXHDR(element) == size &&
			memcmp(VARDATA_ANY(element), name, size) == 0)
			return true;
	}
	return false;
}

/* Adds to an object which columns were erased. */
static void
push_erased(JsonbParseState **state, Jsonb *erased)
{
	JsonbIterator *iterator = JsonbIteratorInit(&erased->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue	mark;

	mark.type = jbvString;
	mark.val.string.val = "c";
	mark.val.string.len = 1;
	(void) JsonbIteratorNext(&iterator, &value, true);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbValue	name = value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type != jbvBinary ||
			findJsonbValueFromContainer(value.val.binary.data, JB_FOBJECT,
										&mark) == NULL)
			continue;
		pushJsonbValue(state, WJB_KEY, &name);
		set_string(&value, cstring_to_text(ERASED));
		pushJsonbValue(state, WJB_VALUE, &value);
	}
}

/* The image with what the reader may not see masked. */
static Jsonb *
mask_image(Jsonb *image, Jsonb *erased, Oid target, ArrayType *personal,
		   Jsonb *roles, Oid reader)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(&image->root);
	JsonbIteratorToken token;
	JsonbValue	value;

	(void) JsonbIteratorNext(&iterator, &value, true);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbValue	name = value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (personal &&
			array_has(personal, name.val.string.val, name.val.string.len) &&
			!crm_history_may_see(reader, target,
								 pnstrdup(name.val.string.val,
										  name.val.string.len)))
			mask_value(name.val.string.val, name.val.string.len, roles, &value);
		pushJsonbValue(&state, WJB_KEY, &name);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	if (erased)
		push_erased(&state, erased);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* crmaudit.mask_image(image, erased, target, personal, roles, reader) */
Datum
crmaudit_mask_image(PG_FUNCTION_ARGS)
{
	Jsonb	   *image;
	Jsonb	   *erased = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	ArrayType  *personal = PG_ARGISNULL(3) ? NULL : PG_GETARG_ARRAYTYPE_P(3);

	if (PG_ARGISNULL(0))
	{
		if (erased == NULL)
			PG_RETURN_NULL();
		image = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												   CStringGetDatum("{}")));
	}
	else
		image = PG_GETARG_JSONB_P(0);
	if (!JB_ROOT_IS_OBJECT(image) || (erased && !JB_ROOT_IS_OBJECT(erased)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an image of a row is a json object")));
	if (personal && ARR_NDIM(personal) == 0)
		personal = NULL;
	if (personal == NULL && erased == NULL)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_RETURN_JSONB_P(mask_image(image, erased,
								 PG_ARGISNULL(2) ? InvalidOid : PG_GETARG_OID(2),
								 personal,
								 PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4),
								 PG_ARGISNULL(5) ? GetUserId() : PG_GETARG_OID(5)));
}

/* Names of columns ------------------------------------------------------- */

Jsonb *
crm_history_current_names(Jsonb *image, TimestampTz at, int nrenamed,
						  const TimestampTz *renamed_at, Jsonb *const *renamed)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (image == NULL || nrenamed == 0 || renamed_at[nrenamed - 1] <= at)
		return image;
	iterator = JsonbIteratorInit(&image->root);
	(void) JsonbIteratorNext(&iterator, &value, true);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbValue	name = value;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; i < nrenamed; i++)
		{
			JsonbValue *now = renamed_at[i] <= at ? NULL :
			findJsonbValueFromContainer(&renamed[i]->root, JB_FOBJECT,
										&name);

			if (now && now->type == jbvString)
				name = *now;
		}
		(void) JsonbIteratorNext(&iterator, &value, true);
		pushJsonbValue(&state, WJB_KEY, &name);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

bool
crm_history_renamed(Jsonb *details, Datum *names)
{
	JsonbValue	key;
	JsonbValue *found;

	key.type = jbvString;
	key.val.string.val = "columns";
	key.val.string.len = strlen("columns");
	found = findJsonbValueFromContainer(&details->root, JB_FOBJECT, &key);
	if (found == NULL || found->type != jbvBinary)
		return false;
	key.val.string.val = "renamed";
	key.val.string.len = strlen("renamed");
	found = findJsonbValueFromContainer(found->val.binary.data, JB_FOBJECT, &key);
	if (found == NULL || found->type != jbvBinary)
		return false;
	*names = JsonbPGetDatum(JsonbValueToJsonb(found));
	return true;
}

Jsonb *
crm_history_former_names(Jsonb *key, Jsonb *names)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(key))
		return key;
	iterator = JsonbIteratorInit(&key->root);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbIterator *pairs = JsonbIteratorInit(&names->root);
		JsonbValue	name = value;
		JsonbValue	old;
		JsonbValue	new;

		if (token != WJB_KEY)
			continue;
		while ((token = JsonbIteratorNext(&pairs, &old, true)) != WJB_DONE)
		{
			if (token != WJB_KEY)
				continue;
			(void) JsonbIteratorNext(&pairs, &new, true);
			if (new.type == jbvString &&
				new.val.string.len == value.val.string.len &&
				memcmp(new.val.string.val, value.val.string.val,
					   value.val.string.len) == 0)
				name = old;
		}
		(void) JsonbIteratorNext(&iterator, &value, true);
		pushJsonbValue(&state, WJB_KEY, &name);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * crmaudit.current_names(image, at, renamed_at, renamed).  Everyone may call it,
 * with anything: an element that is NULL is an error.
 */
Datum
crmaudit_current_names(PG_FUNCTION_ARGS)
{
	Datum	   *times;
	Datum	   *maps;
	int			ntimes;
	int			nmaps;
	TimestampTz *renamed_at;
	Jsonb	  **renamed;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3) ||
		ARR_NDIM(PG_GETARG_ARRAYTYPE_P(2)) == 0)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TIMESTAMPTZOID, 8,
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &times, NULL, &ntimes);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), JSONBOID, -1, false,
					  TYPALIGN_INT, &maps, NULL, &nmaps);
	if (nmaps != ntimes || !JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("current_names() takes an object, and as many renamings as times")));
	renamed_at = palloc(ntimes * sizeof(TimestampTz));
	renamed = palloc(ntimes * sizeof(Jsonb *));
	for (int i = 0; i < ntimes; i++)
	{
		renamed_at[i] = DatumGetTimestampTz(times[i]);
		renamed[i] = DatumGetJsonbP(maps[i]);
	}
	PG_RETURN_JSONB_P(crm_history_current_names(PG_GETARG_JSONB_P(0),
												PG_GETARG_TIMESTAMPTZ(1),
												ntimes, renamed_at, renamed));
}

/* Keys ------------------------------------------------------------------ */

static void
refuse_key(const HistoryTable *table)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < table->nkey; i++)
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "", table->key[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this is not a key of relation \"%s\"",
					get_rel_name(table->target)),
			 errdetail("The key is (%s).", columns.data),
			 errhint("It is given as a json object of all its columns, or as a value where it is one column.")));
}

/* The value that a key gives a column. */
static void
key_given(const HistoryTable *table, Jsonb *key, const char *column,
		  JsonbValue *value)
{
	JsonbValue	name;
	JsonbValue *found;

	if (JB_ROOT_IS_SCALAR(key))
	{
		(void) JsonbExtractScalar(&key->root, value);
		return;
	}
	name.type = jbvString;
	name.val.string.val = unconstify(char *, column);
	name.val.string.len = strlen(column);
	found = findJsonbValueFromContainer(&key->root, JB_FOBJECT, &name);
	if (found == NULL || found->type == jbvBinary)
		refuse_key(table);
	*value = *found;
}

static bool
is_hashed(const HistoryTable *table, const char *column)
{
	for (int i = 0; i < table->nhashed_key; i++)
	{
		if (strcmp(table->hashed_key[i], column) == 0)
			return true;
	}
	return false;
}

/* What a key says of one of its columns. */
typedef struct KeyPart
{
	JsonbValue	given;
	bool		is_digest;		/* given as a digest */
	char	   *text;			/* in the form of the column's type */
} KeyPart;

/* The given value as the input function of the column's type takes it. */
static char *
key_words(const JsonbValue *given, Oid typid)
{
	if (given->type == jbvBool)
		return given->val.boolean ? "true" : "false";
	/* 7.0 is the integer 7 */
	if (given->type == jbvNumeric && TypeCategory(getBaseType(typid)) == TYPCATEGORY_NUMERIC)
		return numeric_normalize(given->val.numeric);
	return text_to_cstring(value_text(given));
}

/*
 * Reads the given value by the column's type, whose input function is called
 * with the caller's rights, into the slot.
 */
static void
key_part_read(const HistoryTable *table, Jsonb *key, const char *column,
			  TupleTableSlot *slot, KeyPart *part)
{
	AttrNumber	attnum = get_attnum(table->target, column);
	Form_pg_attribute attr;
	Oid			input;
	Oid			output;
	Oid			param;
	bool		is_varlena;

	key_given(table, key, column, &part->given);
	part->is_digest = is_hashed(table, column) &&
		crm_history_is_digest(&part->given);
	part->text = NULL;
	if (attnum <= 0 || part->is_digest || part->given.type == jbvNull)
		return;
	attr = TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1);
	getTypeInputInfo(attr->atttypid, &input, &param);
	slot->tts_values[attnum - 1] =
		OidInputFunctionCall(input, key_words(&part->given, attr->atttypid),
							 param, attr->atttypmod);
	slot->tts_isnull[attnum - 1] = false;
	getTypeOutputInfo(attr->atttypid, &output, &is_varlena);
	part->text = OidOutputFunctionCall(output, slot->tts_values[attnum - 1]);
}

/* An object of the key's columns by name. */
static Jsonb *
key_object(const HistoryTable *table, const JsonbValue *values,
		   const bool *left_out)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < table->nkey; i++)
	{
		JsonbValue	name;
		JsonbValue	value = values[i];

		if (left_out && left_out[i])
			continue;
		name.type = jbvString;
		name.val.string.val = table->key[i];
		name.val.string.len = strlen(table->key[i]);
		pushJsonbValue(&state, WJB_KEY, &name);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

ArrayType *
crm_history_keys(const HistoryTable *table, Jsonb *key, Jsonb **clear)
{
	Relation	rel = table_open(table->target, AccessShareLock);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel),
													&TTSOpsVirtual);
	KeyPart    *parts = palloc0(table->nkey * sizeof(KeyPart));
	JsonbValue *values = palloc0(table->nkey * sizeof(JsonbValue));
	JsonbValue *canonicals = palloc0(table->nkey * sizeof(JsonbValue));
	bool	   *left_out = palloc0(table->nkey * sizeof(bool));
	RowKey		row_key;
	Jsonb	   *canonical;
	Datum		keys[2];
	int			nkeys = 0;

	if (JB_ROOT_IS_SCALAR(key) ? table->nkey != 1 :
		(!JB_ROOT_IS_OBJECT(key) || JB_ROOT_COUNT(key) != table->nkey))
		refuse_key(table);
	memset(slot->tts_isnull, true,
		   slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < table->nkey; i++)
		key_part_read(table, key, table->key[i], slot, &parts[i]);
	crm_row_key_compile(&row_key, rel, table->key, table->nkey,
						table->hashed_key, table->nhashed_key);
	canonical = crm_row_key(&row_key, slot);

	/* what the column's type says of the value, or else the value as given */
	for (int i = 0; i < table->nkey; i++)
	{
		JsonbValue	name;
		JsonbValue *found;

		name.type = jbvString;
		name.val.string.val = table->key[i];
		name.val.string.len = strlen(table->key[i]);
		found = findJsonbValueFromContainer(&canonical->root, JB_FOBJECT, &name);
		values[i] = parts[i].text && found ? *found : parts[i].given;
		canonicals[i] = values[i];
	}
	keys[nkeys++] = JsonbPGetDatum(key_object(table, values, NULL));
	/* the column's type may have been another when the row was recorded */
	for (int i = 0; i < table->nkey; i++)
	{
		if (!is_hashed(table, table->key[i]))
			values[i] = parts[i].given;
	}
	keys[nkeys++] = JsonbPGetDatum(key_object(table, values, NULL));
	if (clear)
	{
		for (int i = 0; i < table->nkey; i++)
		{
			left_out[i] = parts[i].is_digest;
			if (parts[i].text == NULL)
				values[i] = parts[i].given;
			else
				set_string(&values[i], is_hashed(table, table->key[i]) ?
						   cstring_to_text(parts[i].text) :
						   value_text(&canonicals[i]));
		}
		*clear = key_object(table, values, left_out);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	return construct_array(keys, nkeys, JSONBOID, -1, false, TYPALIGN_INT);
}

/* Functions of rows ------------------------------------------------------ */

/* Returns the rows of a query that is run as the ledger's owner. */
static void
return_query(FunctionCallInfo fcinfo, const char *query, int nargs, Oid *types,
			 Datum *values)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HistoryRights rights;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	crm_history_enter(&rights);
	SPI_execute_with_args(query, nargs, types, values, NULL, false, 0);
	crm_history_leave(&rights);
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
}

/* crmaudit.row_history(target, key) */
Datum
crmaudit_row_history(PG_FUNCTION_ARGS)
{
	Oid			types[] = {OIDOID, INT4OID, JSONBARRAYOID};
	Datum		values[3];
	HistoryTable *table = crm_history_table(PG_GETARG_OID(0));

	require_history(table);
	crm_ledger_flush();
	values[0] = ObjectIdGetDatum(GetUserId());
	values[1] = Int32GetDatum(table->table_id);
	values[2] = PointerGetDatum(crm_history_keys(table, PG_GETARG_JSONB_P(1), NULL));
	return_query(fcinfo, "SELECT * FROM crmaudit.read_row_history($1, $2, $3)",
				 3, types, values);
	return (Datum) 0;
}

/* crmaudit.field_history(target, key, column_name) */
Datum
crmaudit_field_history(PG_FUNCTION_ARGS)
{
	Oid			types[] = {OIDOID, INT4OID, JSONBARRAYOID, TEXTOID};
	Datum		values[4];
	HistoryTable *table = crm_history_table(PG_GETARG_OID(0));

	require_history(table);
	crm_ledger_flush();
	values[0] = ObjectIdGetDatum(GetUserId());
	values[1] = Int32GetDatum(table->table_id);
	values[2] = PointerGetDatum(crm_history_keys(table, PG_GETARG_JSONB_P(1), NULL));
	values[3] = PG_GETARG_DATUM(2);
	return_query(fcinfo, "SELECT * FROM crmaudit.read_field_history($1, $2, $3, $4)",
				 4, types, values);
	return (Datum) 0;
}
