/*-------------------------------------------------------------------------
 *
 * verify_hash.c
 *		Hashes of keys and values, of entries and of rows, under the names
 *		that columns have now.
 *
 * A column that was renamed is known by its present name, one that is no more
 * is left out.  Values are hashed as they are stored, so that numbers that
 * differ in their scale alone are different; crm_image_value() makes of a row
 * the same bytes that went into its entry.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"
#include "ledger/verify_live.h"

/* Bytes of a digest in a key: "sha256:" and 32 digits. */
#define DIGEST_SIZE		39

/* The fields of an object, in order. */
typedef struct FieldWalk
{
	const JsonbContainer *object;
	int			count;
	int			next;
	const char *base;
	uint32		name_offset;
	uint32		value_offset;
} FieldWalk;

/* A field; "bytes" are those of the value that count. */
typedef struct Field
{
	const char *name;
	int			name_size;
	uint32		type;			/* of JEntry */
	const char *bytes;
	int			size;
} Field;

static void
walk_begin(FieldWalk *walk, Jsonb *object)
{
	memset(walk, 0, sizeof(FieldWalk));
	/* anything else was put there by a forger */
	if (object == NULL || !JB_ROOT_IS_OBJECT(object))
		return;
	walk->object = &object->root;
	walk->count = JB_ROOT_COUNT(object);
	walk->base = (const char *) &object->root.children[2 * walk->count];
	walk->value_offset = getJsonbOffset(walk->object, walk->count);
}

static inline uint32
walk_size(const FieldWalk *walk, int index, uint32 offset)
{
	JEntry		entry = walk->object->children[index];

	return JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) - offset :
		JBE_OFFLENFLD(entry);
}

/* Hands out the next field; nulls too. */
static inline bool
walk_next(FieldWalk *walk, Field *field)
{
	int			i = walk->next++;
	uint32		size;
	uint32		pad;

	if (i >= walk->count)
		return false;
	field->name = walk->base + walk->name_offset;
	field->name_size = walk_size(walk, i, walk->name_offset);
	walk->name_offset += field->name_size;

	field->type = walk->object->children[walk->count + i] & JENTRY_TYPEMASK;
	size = walk_size(walk, walk->count + i, walk->value_offset);
	field->bytes = walk->base + walk->value_offset;
	field->size = size;
	if (field->type == JENTRY_ISNUMERIC || field->type == JENTRY_ISCONTAINER)
	{
		pad = INTALIGN(walk->value_offset) - walk->value_offset;
		field->bytes += pad;
		field->size -= pad;
	}
	if (field->type == JENTRY_ISNUMERIC)
	{
		const char *number = field->bytes;

		field->size = VARSIZE_ANY_EXHDR(number);
		field->bytes = VARDATA_ANY(number);
	}
	walk->value_offset += size;
	return true;
}

static inline uint64
hash_bytes_of(uint64 seed, uint32 type, const char *bytes, int size)
{
	return hash_bytes_extended((const unsigned char *) bytes, size,
							   seed + type);
}

static inline uint64
field_hash(uint64 seed, uint64 column_seed, const Field *field)
{
	uint64		hash = hash_bytes_of(seed, field->type, field->bytes,
									 field->size);

	hash = hash_mix(hash ^ column_seed);
	return hash <= VALUE_UNKNOWN ? VALUE_UNKNOWN + 1 : hash;
}

/* The same of a value that is not stored yet. */
static uint64
value_hash(uint64 seed, uint64 column_seed, const JsonbValue *value)
{
	Field		field;

	switch (value->type)
	{
		case jbvString:
			field.type = JENTRY_ISSTRING;
			field.bytes = value->val.string.val;
			field.size = value->val.string.len;
			break;
		case jbvNumeric:
			field.type = JENTRY_ISNUMERIC;
			field.bytes = VARDATA_ANY(value->val.numeric);
			field.size = VARSIZE_ANY_EXHDR(value->val.numeric);
			break;
		case jbvBool:
			field.type = value->val.boolean ? JENTRY_ISBOOL_TRUE :
				JENTRY_ISBOOL_FALSE;
			field.bytes = "";
			field.size = 0;
			break;
		case jbvBinary:
			field.type = JENTRY_ISCONTAINER;
			field.bytes = (const char *) value->val.binary.data;
			field.size = value->val.binary.len;
			break;
		default:
			return VALUE_ABSENT;
	}
	return field_hash(seed, column_seed, &field);
}

/* Whether a column holds the OID of something that a restore makes anew. */
static bool
is_object_id(const ImageColumn *column)
{
	return column->kind == IMAGE_OID && column->typid != OIDOID;
}

/* Draws what makes the hashes of each column different. */
void
crm_live_seeds(LiveRun *run, LiveTable *table)
{
	RowImage   *image = &table->tracked->image;
	RowKey	   *key = &table->tracked->key;

	table->ncolumns = image->ncolumns;
	table->column_seeds = palloc((image->ncolumns + 1) * sizeof(uint64));
	table->key_seeds = palloc((key->ncolumns + 1) * sizeof(uint64));
	for (int i = 0; i < image->ncolumns; i++)
	{
		table->column_seeds[i] = hash_bytes_of(run->seed, 1,
											   image->columns[i].name,
											   image->columns[i].name_size);
		table->has_oids |= is_object_id(&image->columns[i]);
	}
	for (int i = 0; i < key->ncolumns; i++)
		table->key_seeds[i] = hash_bytes_of(run->seed, 2,
											key->columns[i].name,
											key->columns[i].name_size);
}

/* Whether an array of names in "columns" has this one. */
static bool
is_in_list(Jsonb *columns, const char *list, const char *name, int size)
{
	JsonbValue	buffer;
	JsonbValue	wanted;
	JsonbValue *names = getKeyJsonValueFromContainer(&columns->root, list,
													 strlen(list), &buffer);

	if (names == NULL || names->type != jbvBinary ||
		!JsonContainerIsArray(names->val.binary.data))
		return false;
	wanted.type = jbvString;
	wanted.val.string.val = unconstify(char *, name);
	wanted.val.string.len = size;
	return findJsonbValueFromContainer(names->val.binary.data, JB_FARRAY,
									   &wanted) != NULL;
}

/* The name after a change of the table's columns; false if it is no more. */
static bool
name_follow(Jsonb *columns, const char **name, int *size)
{
	JsonbValue	buffer;
	JsonbValue	name_buffer;
	JsonbValue *renamed;

	if (is_in_list(columns, "dropped", *name, *size))
		return false;
	renamed = getKeyJsonValueFromContainer(&columns->root, "renamed", 7,
										   &buffer);
	if (renamed == NULL || renamed->type != jbvBinary ||
		!JsonContainerIsObject(renamed->val.binary.data))
		return true;
	renamed = getKeyJsonValueFromContainer(renamed->val.binary.data, *name,
										   *size, &name_buffer);
	if (renamed != NULL && renamed->type == jbvString)
	{
		*name = renamed->val.string.val;
		*size = renamed->val.string.len;
	}
	return true;
}

/* What a name stands for that was given before the change "epoch". */
static void
name_resolve(LiveTable *table, int epoch, const char *name, int size,
			 ColumnName *result)
{
	RowImage   *image = &table->tracked->image;
	RowKey	   *key = &table->tracked->key;

	result->column = -1;
	result->key = -1;
	for (int i = epoch; i < table->nchanges; i++)
	{
		if (!name_follow(table->changes[i].columns, &name, &size))
			return;
	}
	for (int i = 0; i < image->ncolumns; i++)
	{
		if (image->columns[i].name_size == size &&
			memcmp(image->columns[i].name, name, size) == 0)
			result->column = i;
	}
	for (int i = 0; i < key->ncolumns; i++)
	{
		if (key->columns[i].name_size == size &&
			memcmp(key->columns[i].name, name, size) == 0)
			result->key = i;
	}
}

/* The place of "column" in image.columns, or -1. */
int
crm_live_column(LiveTable *table, int epoch, const char *name, int size)
{
	ColumnName	result;

	name_resolve(table, epoch, name, size, &result);
	return result.column;
}

static ColumnName *
name_add(LiveTable *table, NameMap *map, const char *name, int size)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(table->maps));
	ColumnName *result;

	if (map->count == map->size)
	{
		map->size = Max(16, map->size * 2);
		map->names = map->names ?
			repalloc(map->names, map->size * sizeof(ColumnName)) :
			palloc(map->size * sizeof(ColumnName));
	}
	result = &map->names[map->count++];
	result->name = pnstrdup(name, size);
	result->size = size;
	name_resolve(table, map - table->maps, name, size, result);
	MemoryContextSwitchTo(old);
	return result;
}

/* Names of an image come in the same order again and again. */
static inline ColumnName *
name_find(LiveTable *table, NameMap *map, const char *name, int size)
{
	for (int i = 0; i < map->count; i++)
	{
		int			at = map->next + i;
		ColumnName *candidate;

		if (at >= map->count)
			at -= map->count;
		candidate = &map->names[at];
		if (candidate->size == size && memcmp(candidate->name, name, size) == 0)
		{
			map->next = at + 1 < map->count ? at + 1 : 0;
			return candidate;
		}
	}
	return name_add(table, map, name, size);
}

/* The names that were in use at a position, or now. */
NameMap *
crm_live_names(LiveTable *table, const LedgerPosition *position)
{
	int			epoch = table->nchanges;

	while (position && epoch > 0 &&
		   position_compare(position, &table->changes[epoch - 1].position) < 0)
		epoch--;
	return &table->maps[epoch];
}

/* Whether a key column of an entry is of the kind that it has now. */
static bool
has_present_form(const KeyColumn *column, const Field *field)
{
	bool		is_digest = field->type == JENTRY_ISSTRING &&
	field->size == DIGEST_SIZE && memcmp(field->bytes, "sha256:", 7) == 0;

	if (field->type == JENTRY_ISNULL)
		return true;
	if (column->is_hashed)
		return is_digest;
	if (column->is_number)
		return field->type == JENTRY_ISNUMERIC;
	return field->type == JENTRY_ISSTRING && !is_digest;
}

/*
 * The identity of a row; false if the key is of other columns than now, or of
 * another kind.
 */
bool
crm_live_identity(LiveRun *run, LiveTable *table, NameMap *names,
				  Jsonb *row_key, RowIdentity *identity)
{
	RowKey	   *key = &table->tracked->key;
	FieldWalk	walk;
	Field		field;

	identity->first = 0;
	identity->second = 0;
	walk_begin(&walk, row_key);
	if (walk.count != key->ncolumns)
		return false;
	while (walk_next(&walk, &field))
	{
		ColumnName *name = name_find(table, names, field.name,
									 field.name_size);

		if (name->key < 0 || !has_present_form(&key->columns[name->key], &field))
			return false;
		identity->first += field_hash(run->seed, table->key_seeds[name->key],
									  &field);
		identity->second += field_hash(~run->seed,
									   table->key_seeds[name->key], &field);
	}
	return true;
}

/* The hashes of an image, by column. */
void
crm_live_image(LiveRun *run, LiveTable *table, NameMap *names, Jsonb *image,
			   uint64 *hashes)
{
	FieldWalk	walk;
	Field		field;

	memset(hashes, 0, table->ncolumns * sizeof(uint64));
	walk_begin(&walk, image);
	while (walk_next(&walk, &field))
	{
		int			column = name_find(table, names, field.name,
									   field.name_size)->column;

		if (column >= 0 && field.type != JENTRY_ISNULL)
			hashes[column] = field_hash(run->seed, table->column_seeds[column],
										&field);
	}
}

/* Marks the columns of one side that were erased. */
void
crm_live_redacted(LiveTable *table, NameMap *names, Jsonb *commitments,
				  const char *side, uint64 *hashes)
{
	JsonbValue	buffer;
	JsonbValue *columns;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	int			column = -1;
	int			depth = 0;

	if (commitments == NULL || !JB_ROOT_IS_OBJECT(commitments))
		return;
	columns = getKeyJsonValueFromContainer(&commitments->root, side,
										   strlen(side), &buffer);
	if (columns == NULL || columns->type != jbvBinary ||
		!JsonContainerIsObject(columns->val.binary.data))
		return;
	it = JsonbIteratorInit(columns->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_OBJECT)
			depth++;
		else if (token == WJB_END_OBJECT)
			depth--;
		else if (token == WJB_KEY && depth == 1)
			column = name_find(table, names, value.val.string.val,
							   value.val.string.len)->column;
		else if (token == WJB_KEY && depth == 2 && column >= 0 &&
				 value.val.string.len == 1 && value.val.string.val[0] == 'c')
			hashes[column] = VALUE_UNKNOWN;
	}
}

/* Marks the columns whose values mean something in another database only. */
void
crm_live_foreign(LiveTable *table, uint64 *hashes)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (hashes[i] != VALUE_ABSENT &&
			is_object_id(&table->tracked->image.columns[i]))
			hashes[i] = VALUE_UNKNOWN;
	}
}

/*
 * The hashes of a row that is there, deformed far enough; "tracked" is its
 * partition, whose columns stand in the same order.
 */
void
crm_live_row(LiveRun *run, LiveTable *table, TrackedTable *tracked,
			 TupleTableSlot *slot, uint64 *hashes)
{
	RowImage   *image = &tracked->image;

	for (int i = 0; i < image->ncolumns; i++)
	{
		ImageColumn *column = &image->columns[i];
		JsonbValue	value;

		hashes[i] = VALUE_ABSENT;
		if (slot->tts_isnull[column->attnum - 1])
			continue;
		crm_image_value(column, slot->tts_values[column->attnum - 1], &value);
		hashes[i] = value_hash(run->seed, table->column_seeds[i], &value);
	}
}

/* A key under the names of now. */
Jsonb *
crm_live_key_now(LiveTable *table, NameMap *names, Jsonb *row_key)
{
	JsonbIterator *it = JsonbIteratorInit(&row_key->root);
	JsonbParseState *state = NULL;
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue *result = NULL;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			ColumnName *name = name_find(table, names, value.val.string.val,
										 value.val.string.len);

			if (name->key >= 0)
			{
				value.val.string.val = table->tracked->key.columns[name->key].name;
				value.val.string.len = table->tracked->key.columns[name->key].name_size;
			}
		}
		result = pushJsonbValue(&state, token,
								token < WJB_BEGIN_ARRAY ? &value : NULL);
	}
	return JsonbValueToJsonb(result);
}
