/*-------------------------------------------------------------------------
 *
 * value_list.c
 *		Backend-local copies of the lists in crmaudit.value_list.
 *
 * A list is read when a rule first needs it, and shared by all rule sets, so
 * that a hundred partitions hold one copy of the disposable domains.  An
 * entry is never removed; invalidation only marks it, and the next look-up
 * reads it anew.  Values are compared in lower case (ASCII).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "rules/rules_private.h"

/* Longest name of a list that is told apart. */
#define LIST_NAME_LENGTH	128

struct ValueList
{
	char		name[LIST_NAME_LENGTH]; /* hash key */
	bool		valid;
	MemoryContext context;
	int			count;
	char	  **values;			/* sorted */
};

static HTAB *value_lists = NULL;
static Oid	value_list_relid = InvalidOid;
static uint64 invalidations = 0;

void
crm_value_list_init(void)
{
	HASHCTL		ctl;

	ctl.keysize = LIST_NAME_LENGTH;
	ctl.entrysize = sizeof(ValueList);
	ctl.hcxt = CacheMemoryContext;
	value_lists = hash_create("crmaudit value lists", 16, &ctl,
							  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* Marks all lists if "relid" is their table, or InvalidOid (everything). */
void
crm_value_list_invalidate(Oid relid)
{
	HASH_SEQ_STATUS status;
	ValueList  *list;

	if (value_lists == NULL ||
		(OidIsValid(relid) && relid != value_list_relid))
		return;
	invalidations++;
	hash_seq_init(&status, value_lists);
	while ((list = hash_seq_search(&status)) != NULL)
		list->valid = false;
}

static int
value_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
lower_in_place(char *text)
{
	for (; *text; text++)
		*text = pg_ascii_tolower((unsigned char) *text);
}

static void
value_list_load(ValueList *list)
{
	uint64		invalidations_before = invalidations;
	MemoryContext old;

	if (list->context)
		MemoryContextReset(list->context);
	else
		list->context = AllocSetContextCreate(CacheMemoryContext,
											  "crmaudit value list",
											  ALLOCSET_DEFAULT_SIZES);
	value_list_relid = crm_relation_oid("value_list");
	old = MemoryContextSwitchTo(list->context);
	list->values = crm_catalog_list(list->name, &list->count);
	for (int i = 0; i < list->count; i++)
		lower_in_place(list->values[i]);
	qsort(list->values, list->count, sizeof(char *), value_compare);
	MemoryContextSwitchTo(old);
	/* a message may have come meanwhile, about what the scan did not see */
	list->valid = invalidations == invalidations_before;
}

/* Returns the list of that name, which stays where it is for ever. */
ValueList *
crm_value_list_get(const char *name)
{
	ValueList  *list;
	bool		found;

	if (strlen(name) >= LIST_NAME_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("name of a value list is longer than %d bytes",
						LIST_NAME_LENGTH - 1)));
	list = hash_search(value_lists, name, HASH_ENTER, &found);
	if (!found)
	{
		list->valid = false;
		list->context = NULL;
		list->count = 0;
		list->values = NULL;
	}
	return list;
}

/* Whether the value, in lower case, stands in the list. */
bool
crm_value_list_has(ValueList *list, const char *data, int length)
{
	char		buffer[256];
	char	   *value = buffer;

	if (!list->valid)
		value_list_load(list);
	if (length >= (int) sizeof(buffer))
		value = palloc(length + 1);
	memcpy(value, data, length);
	value[length] = '\0';
	lower_in_place(value);
	return bsearch(&value, list->values, list->count, sizeof(char *),
				   value_compare) != NULL;
}

/* Whether the domain of an e-mail address, or one above it, is in the list. */
bool
crm_value_list_has_domain(ValueList *list, const char *data, int length)
{
	const char *end = data + length;
	const char *at = end;

	while (at > data && at[-1] != '@')
		at--;
	if (at == data)
		return false;
	while (at < end)
	{
		if (crm_value_list_has(list, at, end - at))
			return true;
		at = memchr(at, '.', end - at);
		if (at == NULL)
			break;
		at++;
	}
	return false;
}
