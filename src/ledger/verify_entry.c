/*-------------------------------------------------------------------------
 *
 * verify_entry.c
 *		Verification of one entry: what it holds is what was hashed.
 *
 * A context is shared by many entries.  What is wrong with it is told of the
 * first of them, and the others are only not to be believed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/datetime.h"

#include "compat.h"
#include "ledger/verify_walk.h"

static bool
text_same(const text * a, const text * b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* Computes the hash of the entry's context, unless it is that of the last. */
static void
context_verify(EntryWalk *walk, LedgerScan *scan, const LedgerEntry *entry)
{
	const LedgerContext *context = crm_ledger_scan_context(scan);

	if (context && context == walk->context &&
		walk->context_xid == context->xid &&
		walk->context_number == context->context)
		return;
	walk->context = context;
	if (context == NULL)
		return;
	walk->context_xid = context->xid;
	walk->context_number = context->context;
	crm_context_hash(context, walk->context_leaf);
	walk->context_is_right = memcmp(walk->context_leaf, context->leaf,
									CRM_HASH_BYTES) == 0;
}

/* Whether the entry names the table that its table_id stands for. */
static bool
target_is_right(EntryWalk *walk, const LedgerEntry *entry)
{
	if (walk->table_id != entry->table_id || walk->table_id == 0)
	{
		TrackedTarget *found = hash_search(walk->run->targets,
										   &entry->table_id, HASH_FIND, NULL);

		walk->table_id = entry->table_id;
		walk->target = found ? found->target : InvalidOid;
	}
	return !OidIsValid(walk->target) || walk->target == entry->target;
}

/* Whether the fault of the entry's context is told the first time. */
static bool
context_is_new(EntryWalk *walk, const LedgerEntry *entry)
{
	ChainRun   *run = walk->run;
	ContextKey	key = {entry->context_xid, entry->context};
	bool		found;

	if (run->contexts == NULL)
	{
		HASHCTL		ctl;

		ctl.keysize = sizeof(ContextKey);
		ctl.entrysize = sizeof(ContextKey);
		ctl.hcxt = run->memory;
		run->contexts = hash_create("crmaudit contexts at fault", 64, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(run->contexts, &key, HASH_ENTER, &found);
	return !found;
}

/*
 * Computes the entry's hash; NULL if it is right, else what is not.  "is_told"
 * is set if that is its context, and was told of another entry.
 */
const char *
crm_entry_problem(EntryWalk *walk, LedgerScan *scan,
				  const LedgerEntry *entry, bool *is_told)
{
	const LedgerContext *context;
	uint8		leaf[CRM_HASH_BYTES];

	*is_told = false;
	context_verify(walk, scan, entry);
	context = walk->context;
	if (context == NULL)
	{
		*is_told = !context_is_new(walk, entry);
		return "its context, and that of others perhaps, is missing";
	}
	crm_leaf_hash(entry, walk->context_leaf, leaf);
	if (!walk->context_is_right)
	{
		*is_told = !context_is_new(walk, entry);
		return memcmp(leaf, entry->leaf, CRM_HASH_BYTES) != 0 ?
			"its context, and that of others perhaps, is not what was hashed" :
			"the hash of its context, and that of others perhaps, was altered";
	}
	if (memcmp(leaf, entry->leaf, CRM_HASH_BYTES) != 0)
		return "it is not what was hashed";
	if (!target_is_right(walk, entry))
		return "it names another table than was recorded";
	if (!text_same(entry->actor, context->actor) ||
		!text_same(entry->reason, context->reason) ||
		!text_same(entry->client, context->client))
		return "actor, reason or client are not those of its context";
	return NULL;
}

/* A member of an object as text, in a buffer; false if it is no string. */
static bool
member_text(Jsonb *object, const char *name, char *buffer, int size)
{
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(object) ||
		getKeyJsonValueFromContainer(&object->root, name, strlen(name),
									 &value) == NULL ||
		value.type != jbvString || value.val.string.len >= size)
		return false;
	memcpy(buffer, value.val.string.val, value.val.string.len);
	buffer[value.val.string.len] = '\0';
	return true;
}

/* Notes that an entry, which is right, records that a month was pruned. */
void
crm_pruning_note(ChainRun *run, const LedgerEntry *entry)
{
	char		text[MAXDATELEN];
	int			year;
	int			month;
	int			day;
	PrunedMonth *pruned;

	if (entry->op != CRM_OP_SCHEMA || entry->table_id != 0 ||
		entry->new == NULL ||
		!member_text(entry->new, "action", text, sizeof(text)) ||
		strcmp(text, "prune") != 0 ||
		!member_text(entry->new, "period", text, sizeof(text)) ||
		sscanf(text, "%d-%d-%d", &year, &month, &day) != 3 ||
		!IS_VALID_JULIAN(year, month, day))
		return;
	pruned = crm_pruned_find(run, date2j(year, month, day) - POSTGRES_EPOCH_JDATE);
	if (pruned)
		pruned->is_recorded = true;
}
