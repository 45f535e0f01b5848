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
#include "utils/numeric.h"

#include "findings/finding.h"

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
			return OutputFunctionCall(unconstify(FmgrInfo *, &key->output),
									  datum);
	}
}

/* Fills the json value of one key column. */
static void
key_value(const RuleSet *ruleset, const KeyColumn *key, TupleTableSlot *slot,
		  JsonbValue *value)
{
	char	   *text;

	if (slot->tts_isnull[key->attnum - 1])
	{
		value->type = jbvNull;
		return;
	}
	text = key_text(key, slot->tts_values[key->attnum - 1]);
	if (key->is_number && !key->is_hashed)
	{
		value->type = jbvNumeric;
		value->val.numeric =
			DatumGetNumeric(DirectFunctionCall3(numeric_in,
												CStringGetDatum(text),
												ObjectIdGetDatum(InvalidOid),
												Int32GetDatum(-1)));
		return;
	}
	if (key->is_hashed)
		text = identifier_digest(ruleset->salt, text);
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = strlen(text);
}

/*
 * Returns the key of the row in "slot", deformed far enough, in the current
 * memory context.
 */
Jsonb *
crm_row_key(const RuleSet *ruleset, TupleTableSlot *slot)
{
	JsonbParseState *state = NULL;
	JsonbValue *object;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < ruleset->nkeys; i++)
	{
		const KeyColumn *key = &ruleset->keys[i];
		JsonbValue	value;

		value.type = jbvString;
		value.val.string.val = key->name;
		value.val.string.len = strlen(key->name);
		pushJsonbValue(&state, WJB_KEY, &value);
		key_value(ruleset, key, slot, &value);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}
