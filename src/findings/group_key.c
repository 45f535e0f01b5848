/*-------------------------------------------------------------------------
 *
 * group_key.c
 *		What names a group of rows that share a value, without showing it.
 *
 * A phone or an ID number has too few values for a plain digest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/memutils.h"

#include "crmaudit.h"
#include "findings/group_key.h"
#include "row_key.h"

/* How much of the digest is kept: 96 bits. */
#define GROUP_KEY_BYTES	12

/* The secret does not change while the extension is there. */
static Oid	salt_of = InvalidOid;
static char *salt = NULL;

static const char *
current_salt(void)
{
	Oid			relid = crm_relation_oid("key_salt");

	if (relid != salt_of || salt == NULL)
	{
		char	   *read = crm_row_key_salt();

		if (salt)
			pfree(salt);
		salt = read ? MemoryContextStrdup(TopMemoryContext, read) : NULL;
		salt_of = relid;
	}
	return salt ? salt : "";
}

char *
crm_group_key(const char *what, const char *data, int length)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *hex = palloc(2 * GROUP_KEY_BYTES + 1);
	const char *secret = current_salt();
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) secret, strlen(secret)) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) what, strlen(what) + 1) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) data, length) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a SHA-256 digest");
	pg_cryptohash_free(context);
	for (int i = 0; i < GROUP_KEY_BYTES; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	return hex;
}
