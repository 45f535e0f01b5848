/*-------------------------------------------------------------------------
 *
 * leaf.c
 *		The hashes of entries, contexts and blocks: doc/ledger-format.md.
 *
 * Whoever writes an entry and whoever verifies it hashes the same stored
 * values by the same function.
 *
 * Memory: the message is put together in one buffer of the backend, which is
 * given up when a row has made it large.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "ledger/leaf.h"
#include "ledger/merkle.h"

/* What the message's buffer may keep between rows. */
#define MESSAGE_KEPT	(64 * 1024)
/* What it has at once. */
#define MESSAGE_USUAL	1024

/* Offset of PostgreSQL's epoch from that of Unix, in microseconds. */
#define EPOCH_OFFSET \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* The message; what follows sees to it that there is room. */
static char *message = NULL;
static Size message_size = 0;
static Size message_max = 0;

/* Makes room for so many bytes more. */
static inline char *
message_room(Size more)
{
	if (unlikely(message_size + more > message_max))
	{
		Size		wanted = Max(message_max * 2, message_size + more);

		message = message ? repalloc_huge(message, wanted) :
			MemoryContextAllocHuge(TopMemoryContext, wanted);
		message_max = wanted;
	}
	return message + message_size;
}

static inline void
put_bytes(const void *data, Size size)
{
	memcpy(message_room(size), data, size);
	message_size += size;
}

static inline void
put_byte(uint8 byte)
{
	*message_room(1) = byte;
	message_size++;
}

static inline void
put_int32(uint32 number)
{
	number = pg_hton32(number);
	put_bytes(&number, sizeof(number));
}

static inline void
put_int64(uint64 number)
{
	number = pg_hton64(number);
	put_bytes(&number, sizeof(number));
}

/* Starts a message with the byte that tells what is hashed. */
static void
message_begin(uint8 tag)
{
	if (message_max > MESSAGE_KEPT)
	{
		pfree(message);
		message = NULL;
		message_max = 0;
	}
	message_size = 0;
	(void) message_room(MESSAGE_USUAL);
	put_byte(tag);
}

static void
message_end(uint8 *hash)
{
	crm_sha256(message, message_size, hash);
}

/* Puts a number where four bytes were left for it. */
static inline void
put_int32_at(Size at, uint32 number)
{
	number = pg_hton32(number);
	memcpy(message + at, &number, sizeof(number));
}

/* Text enters as UTF-8; in a database without an encoding as it is. */
static inline void
put_converted(const char *text, Size size)
{
	int			encoding = GetDatabaseEncoding();
	char	   *converted;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
	{
		put_bytes(text, size);
		return;
	}
	converted = pg_server_to_any(text, size, PG_UTF8);
	put_bytes(converted, converted == text ? size : strlen(converted));
	if (converted != text)
		pfree(converted);
}

/* Text with its length before it, and perhaps its kind between the two. */
static inline void
put_sized(char tag, const char *text, Size size)
{
	Size		at = message_size;

	/* the length is known only after the conversion */
	put_int32(0);
	if (tag)
		put_byte(tag);
	put_converted(text, size);
	put_int32_at(at, message_size - at - sizeof(uint32));
}

static inline void
put_text(const char *text, Size size)
{
	put_sized('\0', text, size);
}

static void
put_time(TimestampTz at)
{
	put_int64(at + EPOCH_OFFSET);
}

/* Text that may be missing. */
static void
put_nullable(const text * value)
{
	put_byte(value != NULL);
	if (value)
		put_text(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/* A value: its length, its kind, its text. */
static void
put_value(const JsonbValue *value)
{
	char	   *text;

	switch (value->type)
	{
		case jbvString:
			put_sized(CRM_VALUE_STRING, value->val.string.val,
					  value->val.string.len);
			break;
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
			put_sized(CRM_VALUE_NUMBER, text, strlen(text));
			pfree(text);
			break;
		case jbvBool:
			text = value->val.boolean ? "true" : "false";
			put_sized(CRM_VALUE_BOOLEAN, text, strlen(text));
			break;
		case jbvBinary:
			text = JsonbToCString(NULL, value->val.binary.data,
								  value->val.binary.len);
			put_sized(CRM_VALUE_JSON, text, strlen(text));
			pfree(text);
			break;
		default:
			elog(ERROR, "unexpected value of type %d in a ledger image",
				 (int) value->type);
	}
}

/* Whether a column is in entry.personal. */
static bool
is_personal(const LedgerEntry *entry, const char *name, int size)
{
	char	   *at;
	int			count;

	if (entry->personal == NULL)
		return false;
	count = ArrayGetNItems(ARR_NDIM(entry->personal),
						   ARR_DIMS(entry->personal));
	at = ARR_DATA_PTR(entry->personal);
	for (int i = 0; i < count; i++)
	{
		if (VARSIZE_ANY_EXHDR(at) == size &&
			memcmp(VARDATA_ANY(at), name, size) == 0)
			return true;
		at = att_addlength_pointer(at, -1, at);
		at = (char *) att_align_nominal(at, TYPALIGN_INT);
	}
	return false;
}

/*
 * Steps through the columns of an image in jsonb's order, that is by length
 * of the name and then by its bytes, nulls left out.
 */
static bool
image_next(JsonbIterator **it, JsonbValue *name, JsonbValue *value)
{
	JsonbIteratorToken token;

	for (;;)
	{
		token = JsonbIteratorNext(it, name, true);
		if (token == WJB_BEGIN_OBJECT)
			continue;
		if (token != WJB_KEY)
			return false;
		(void) JsonbIteratorNext(it, value, true);
		if (value->type != jbvNull)
			return true;
	}
}

/* The columns of an image that are not personal, with their number before. */
static void
put_image(const LedgerEntry *entry, Jsonb *image, bool may_be_personal)
{
	JsonbIterator *it;
	JsonbValue	name;
	JsonbValue	value;
	uint32		count = 0;
	Size		at = message_size;

	put_int32(0);
	if (image == NULL)
		return;
	it = JsonbIteratorInit(&image->root);
	while (image_next(&it, &name, &value))
	{
		if (may_be_personal &&
			is_personal(entry, name.val.string.val, name.val.string.len))
			continue;
		put_text(name.val.string.val, name.val.string.len);
		put_value(&value);
		count++;
	}
	put_int32_at(at, count);
}

void
crm_column_salt(const uint8 *salt, const char *name, int name_size, char side,
				uint8 *column_salt)
{
	message_begin(CRM_HASH_SALT);
	put_bytes(salt, CRM_SALT_BYTES);
	put_text(name, name_size);
	put_byte(side);
	message_end(column_salt);
}

void
crm_column_commitment(const uint8 *column_salt, const char *name,
					  int name_size, char side, const JsonbValue *value,
					  uint8 *commitment)
{
	message_begin(CRM_HASH_COMMITMENT);
	put_text(name, name_size);
	put_byte(side);
	put_bytes(column_salt, CRM_HASH_BYTES);
	put_value(value);
	message_end(commitment);
}

/*
 * What redaction left of a column: {"old"|"new": {name: {"c"|"s": hex}}}, its
 * commitment or its salt.
 */
static bool
redacted_hash(const LedgerEntry *entry, char side, const char *name,
			  int name_size, const char *kind, uint8 *hash)
{
	JsonbValue	found;
	const char *path[3];
	int			sizes[3];
	JsonbContainer *container = &entry->commitments->root;

	path[0] = side == CRM_SIDE_OLD ? "old" : "new";
	path[1] = name;
	path[2] = kind;
	sizes[0] = 3;
	sizes[1] = name_size;
	sizes[2] = 1;
	for (int i = 0; i < 3; i++)
	{
		if (!JsonContainerIsObject(container) ||
			getKeyJsonValueFromContainer(container, path[i], sizes[i],
										 &found) == NULL)
			return false;
		if (i < 2)
		{
			if (found.type != jbvBinary)
				return false;
			container = found.val.binary.data;
		}
	}
	if (found.type != jbvString || found.val.string.len != 2 * CRM_HASH_BYTES)
		return false;
	/* what is no hexadecimal digit was put there by a forger */
	for (int i = 0; i < 2 * CRM_HASH_BYTES; i++)
	{
		if (!isxdigit((unsigned char) found.val.string.val[i]))
			return false;
	}
	hex_decode(found.val.string.val, 2 * CRM_HASH_BYTES, (char *) hash);
	return true;
}

/*
 * The commitment of a value that is there.  A value without a salt was put
 * where redaction had erased one: it gets what no value has.
 */
static void
commitment_compute(const LedgerEntry *entry, char side, JsonbValue *name,
				   JsonbValue *value, uint8 *hash)
{
	const char *word = name->val.string.val;
	int			size = name->val.string.len;
	uint8		column_salt[CRM_HASH_BYTES];

	if (entry->salt)
		crm_column_salt(entry->salt, word, size, side, column_salt);
	else if (entry->commitments == NULL ||
			 !redacted_hash(entry, side, word, size, "s", column_salt))
	{
		memset(hash, 0, CRM_HASH_BYTES);
		return;
	}
	crm_column_commitment(column_salt, word, size, side, value, hash);
}

static int
commitment_order(const void *a, const void *b)
{
	const LedgerCommitment *first = a;
	const LedgerCommitment *second = b;

	if (first->side != second->side)
		return first->side == CRM_SIDE_OLD ? -1 : 1;
	if (first->name_size != second->name_size)
		return first->name_size < second->name_size ? -1 : 1;
	return memcmp(first->name, second->name, first->name_size);
}

/*
 * Gathers the commitments of one image: those of its values, and those that
 * redaction kept.
 */
static int
commitments_gather(const LedgerEntry *entry, char side, Jsonb *image,
				   LedgerCommitment *list)
{
	JsonbIterator *it;
	JsonbValue	name;
	JsonbValue	value;
	int			count = 0;
	int			npersonal = ArrayGetNItems(ARR_NDIM(entry->personal),
										   ARR_DIMS(entry->personal));
	char	   *at = ARR_DATA_PTR(entry->personal);

	if (image)
	{
		it = JsonbIteratorInit(&image->root);
		while (count < npersonal && image_next(&it, &name, &value))
		{
			LedgerCommitment *item = &list[count];

			if (!is_personal(entry, name.val.string.val, name.val.string.len))
				continue;
			item->name = name.val.string.val;
			item->name_size = name.val.string.len;
			item->side = side;
			commitment_compute(entry, side, &name, &value, item->hash);
			count++;
		}
	}
	for (int i = 0; entry->commitments && i < npersonal && count < npersonal; i++)
	{
		LedgerCommitment *item = &list[count];

		item->name = VARDATA_ANY(at);
		item->name_size = VARSIZE_ANY_EXHDR(at);
		item->side = side;
		if (redacted_hash(entry, side, item->name, item->name_size, "c",
						  item->hash))
			count++;
		at = att_addlength_pointer(at, -1, at);
		at = (char *) att_align_nominal(at, TYPALIGN_INT);
	}
	return count;
}

/* The commitments to the entry's personal columns; returns their number. */
uint32
crm_entry_commitments(const LedgerEntry *entry, LedgerCommitment **list)
{
	int			npersonal;
	int			count;

	*list = NULL;
	if (entry->personal == NULL)
		return 0;
	npersonal = ArrayGetNItems(ARR_NDIM(entry->personal),
							   ARR_DIMS(entry->personal));
	*list = palloc(2 * npersonal * sizeof(LedgerCommitment) + 1);
	count = commitments_gather(entry, CRM_SIDE_OLD, entry->old, *list);
	count += commitments_gather(entry, CRM_SIDE_NEW, entry->new,
								*list + count);
	if (entry->commitments)
		qsort(*list, count, sizeof(LedgerCommitment), commitment_order);
	return count;
}

/*
 * The hash of an entry.  Its context is known by its own hash, so that an
 * entry cannot be given to another.
 */
void
crm_leaf_hash(const LedgerEntry *entry, const uint8 *context_leaf, uint8 *hash)
{
	LedgerCommitment *commitments;
	uint32		ncommitments = crm_entry_commitments(entry, &commitments);

	message_begin(CRM_HASH_LEAF);
	put_byte(CRM_LEDGER_VERSION);
	put_int64(entry->incarnation);
	put_int64(entry->xid);
	put_int64(entry->subxid);
	put_int32(entry->ord);
	put_time(entry->at);
	put_int32(entry->table_id);
	put_byte(entry->op);
	put_image(entry, entry->row_key, false);
	put_image(entry, entry->old, true);
	put_image(entry, entry->new, true);
	put_int32(ncommitments);
	for (uint32 i = 0; i < ncommitments; i++)
	{
		put_text(commitments[i].name, commitments[i].name_size);
		put_byte(commitments[i].side);
		put_bytes(commitments[i].hash, CRM_HASH_BYTES);
	}
	put_bytes(context_leaf, CRM_HASH_BYTES);
	message_end(hash);
	if (commitments)
		pfree(commitments);
}

void
crm_context_hash(const LedgerContext *context, uint8 *hash)
{
	message_begin(CRM_HASH_CONTEXT);
	put_byte(CRM_LEDGER_VERSION);
	put_int64(context->incarnation);
	put_int64(context->xid);
	put_int32(context->context);
	put_time(context->at);
	put_nullable(context->actor);
	put_nullable(context->session_username);
	put_nullable(context->current_username);
	put_nullable(context->client);
	put_nullable(context->application_name);
	put_nullable(context->reason);
	message_end(hash);
}

void
crm_block_hash(const LedgerBlock *block, uint8 *hash)
{
	const char *snapshot = block->snapshot ? block->snapshot : "";

	message_begin(CRM_HASH_BLOCK);
	put_byte(CRM_LEDGER_VERSION);
	put_int64(block->block_id);
	put_int64(block->incarnation);
	put_text(snapshot, strlen(snapshot));
	put_int64(block->entries);
	put_int64(block->transactions);
	put_int64(block->entries_total);
	if (block->has_last_at)
		put_time(block->last_at);
	else
		put_int64(0);
	put_int64(block->lsn);
	put_time(block->sealed_at);
	put_bytes(block->root, CRM_HASH_BYTES);
	put_bytes(block->coverage_hash, CRM_HASH_BYTES);
	put_bytes(block->previous_hash, CRM_HASH_BYTES);
	message_end(hash);
}
