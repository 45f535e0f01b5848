/*-------------------------------------------------------------------------
 *
 * history_fold.c
 *		Rows as they were, folded from the entries of the ledger.
 *
 * Entries up to the time asked for are applied in order: an image replaces
 * the row, an update the columns that it names.  A row that began before its
 * first entry, since older ones were pruned, is found from the other end:
 * what later updates say of the time before them, up to a whole image.
 *
 * What happened to the table as a whole (entries S and T, the events) is kept
 * in memory and merged with the entries of every row.  Columns of entries are
 * renamed to what they are called now.
 *
 * Memory: the row's values live in one of two contexts; the other one takes
 * what still counts when a row has very many entries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "ledger/history_fold.h"
#include "ledger/ledger.h"

/* Entries of one row whose memory is held before it is cleaned up. */
#define FOLD_KEPT	256

typedef enum EventKind
{
	EVENT_EMPTIED,				/* the table was truncated, or dropped */
	EVENT_TRACKED,				/* names: columns not recorded from now on */
	EVENT_UNTRACKED,
	EVENT_COLUMNS				/* names: columns whose values changed unseen */
} EventKind;

struct FoldEvent
{
	TimestampTz at;
	uint64		xid;
	int32		ord;
	EventKind	kind;
	int			nnames;
	char	  **names;
};

Fold *
crm_fold_create(TimestampTz at)
{
	Fold	   *fold = palloc0(sizeof(Fold));

	fold->at = at;
	fold->context = CurrentMemoryContext;
	fold->memory = AllocSetContextCreate(CurrentMemoryContext,
										 "crmaudit row of the ledger",
										 ALLOCSET_DEFAULT_SIZES);
	fold->spare = AllocSetContextCreate(CurrentMemoryContext,
										"crmaudit row of the ledger",
										ALLOCSET_DEFAULT_SIZES);
	return fold;
}

/* Events ---------------------------------------------------------------- */

static const JsonbValue *
member(JsonbContainer *object, const char *name)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	return findJsonbValueFromContainer(object, JB_FOBJECT, &key);
}

/* Adds the strings of an array to the event's names. */
static void
add_names(FoldEvent *event, const JsonbValue *array)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (array == NULL || array->type != jbvBinary)
		return;
	iterator = JsonbIteratorInit(array->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM || value.type != jbvString)
			continue;
		event->names = event->names ?
			repalloc(event->names, (event->nnames + 1) * sizeof(char *)) :
			palloc(sizeof(char *));
		event->names[event->nnames++] = pnstrdup(value.val.string.val,
												 value.val.string.len);
	}
}

static void
add_rename(Fold *fold, TimestampTz at, const JsonbValue *names)
{
	if (names == NULL || names->type != jbvBinary)
		return;
	fold->renamed_at = fold->renamed_at ?
		repalloc(fold->renamed_at, (fold->nrenamed + 1) * sizeof(TimestampTz)) :
		palloc(sizeof(TimestampTz));
	fold->renamed = fold->renamed ?
		repalloc(fold->renamed, (fold->nrenamed + 1) * sizeof(Jsonb *)) :
		palloc(sizeof(Jsonb *));
	fold->renamed_at[fold->nrenamed] = at;
	fold->renamed[fold->nrenamed++] = JsonbValueToJsonb(unconstify(JsonbValue *, names));
}

/* What an entry S tells; false if it does not matter to rows. */
static bool
event_read(Fold *fold, const FoldEntry *entry, FoldEvent *event)
{
	const JsonbValue *action = member(&entry->new->root, "action");
	const JsonbValue *columns;
	char	   *word;

	if (action == NULL || action->type != jbvString)
		return false;
	word = pnstrdup(action->val.string.val, action->val.string.len);
	if (strcmp(word, "drop") == 0)
		event->kind = EVENT_EMPTIED;
	else if (strcmp(word, "untrack") == 0)
		event->kind = EVENT_UNTRACKED;
	else if (strcmp(word, "track") == 0)
	{
		event->kind = EVENT_TRACKED;
		add_names(event, member(&entry->new->root, "exclude"));
	}
	else if (strcmp(word, "alter") == 0)
	{
		columns = member(&entry->new->root, "columns");
		if (columns == NULL || columns->type != jbvBinary)
			return false;
		event->kind = EVENT_COLUMNS;
		add_names(event, member(columns->val.binary.data, "dropped"));
		add_names(event, member(columns->val.binary.data, "added"));
		add_names(event, member(columns->val.binary.data, "changed"));
		add_rename(fold, entry->at, member(columns->val.binary.data, "renamed"));
	}
	else
		return false;
	return true;
}

void
crm_fold_event(Fold *fold, const FoldEntry *entry)
{
	MemoryContext old = MemoryContextSwitchTo(fold->context);
	FoldEvent	event = {entry->at, entry->xid, entry->ord, EVENT_EMPTIED};

	if (entry->op == CRM_OP_TRUNCATE ||
		(entry->new && JB_ROOT_IS_OBJECT(entry->new) &&
		 event_read(fold, entry, &event)))
	{
		fold->events = fold->events ?
			repalloc(fold->events, (fold->nevents + 1) * sizeof(FoldEvent)) :
			palloc(sizeof(FoldEvent));
		fold->events[fold->nevents++] = event;
	}
	MemoryContextSwitchTo(old);
}

void
crm_fold_events_done(Fold *fold)
{
	MemoryContext old = MemoryContextSwitchTo(fold->context);

	for (int i = 0; i < fold->nevents; i++)
	{
		FoldEvent  *event = &fold->events[i];

		for (int j = 0; j < event->nnames; j++)
		{
			for (int k = 0; k < fold->nrenamed; k++)
			{
				const JsonbValue *now = fold->renamed_at[k] <= event->at ? NULL :
				member(&fold->renamed[k]->root, event->names[j]);

				if (now && now->type == jbvString)
					event->names[j] = pnstrdup(now->val.string.val,
											   now->val.string.len);
			}
		}
	}
	MemoryContextSwitchTo(old);
}

bool
crm_fold_is_tracked(const Fold *fold)
{
	bool		tracked = true;

	for (int i = 0; i < fold->nevents && fold->events[i].at <= fold->at; i++)
	{
		if (fold->events[i].kind == EVENT_TRACKED)
			tracked = true;
		else if (fold->events[i].kind == EVENT_UNTRACKED)
			tracked = false;
	}
	return tracked;
}

/* Fields ---------------------------------------------------------------- */

FoldField *
crm_fold_find(const Fold *fold, const char *name, int size)
{
	for (int i = 0; i < fold->nfields; i++)
	{
		if (fold->fields[i].size == size &&
			memcmp(fold->fields[i].name, name, size) == 0)
			return &fold->fields[i];
	}
	return NULL;
}

/* The field of that name; if it is new, "is_new" becomes true. */
static FoldField *
field_get(Fold *fold, const char *name, int size, bool *is_new)
{
	FoldField  *field = crm_fold_find(fold, name, size);

	*is_new = field == NULL;
	if (field)
		return field;
	if (fold->nfields == fold->size)
	{
		MemoryContext old = MemoryContextSwitchTo(fold->context);

		fold->size = Max(32, fold->size * 2);
		fold->fields = fold->fields ?
			repalloc(fold->fields, fold->size * sizeof(FoldField)) :
			palloc(fold->size * sizeof(FoldField));
		MemoryContextSwitchTo(old);
	}
	field = &fold->fields[fold->nfields++];
	field->name = name;
	field->size = size;
	return field;
}

/* Sets a field, or, if "keep", only one that is not there yet. */
static void
field_set(Fold *fold, const char *name, int size, const JsonbValue *value,
		  bool is_unknown, bool keep)
{
	bool		is_new;
	FoldField  *field = field_get(fold, name, size, &is_new);

	if (keep && !is_new)
		return;
	field->is_unknown = is_unknown;
	field->is_null = value == NULL;
	if (value)
		field->value = *value;
}

/* Sets a field for each column of an image: its value, or NULL. */
static void
image_set(Fold *fold, Jsonb *image, bool as_null, bool keep)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (image == NULL || !JB_ROOT_IS_OBJECT(image))
		return;
	iterator = JsonbIteratorInit(&image->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbValue	name = value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		field_set(fold, name.val.string.val, name.val.string.len,
				  as_null ? NULL : &value, false, keep);
	}
}

/*
 * Sets a field for each column that was erased from one side of an entry: as
 * unknown, or as NULL.
 */
static void
erased_set(Fold *fold, Jsonb *commitments, const char *side, bool as_null,
		   bool keep)
{
	const JsonbValue *columns = commitments && JB_ROOT_IS_OBJECT(commitments) ?
	member(&commitments->root, side) : NULL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (columns == NULL || columns->type != jbvBinary)
		return;
	iterator = JsonbIteratorInit(columns->val.binary.data);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbValue	name = value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type == jbvBinary && member(value.val.binary.data, "c"))
			field_set(fold, name.val.string.val, name.val.string.len, NULL,
					  !as_null, keep);
	}
}

/* A whole row.  Columns that are not in its image are NULL. */
static void
row_set(Fold *fold, Jsonb *image, Jsonb *commitments, const char *side,
		bool keep)
{
	if (!keep)
		fold->nfields = 0;
	image_set(fold, image, false, keep);
	erased_set(fold, commitments, side, false, keep);
	for (int i = 0; i < fold->nexclude; i++)
		field_set(fold, fold->exclude[i], strlen(fold->exclude[i]), NULL, true,
				  true);
	fold->status = FOLD_PRESENT;
	fold->is_partial = false;
}

/* Rows ------------------------------------------------------------------ */

void
crm_fold_begin(Fold *fold)
{
	MemoryContextReset(fold->memory);
	fold->status = FOLD_UNKNOWN;
	fold->is_partial = false;
	fold->nfields = 0;
	fold->is_done = false;
	fold->next_event = 0;
	fold->nexclude = 0;
	fold->nkept = 0;
}

static void
event_apply(Fold *fold, const FoldEvent *event)
{
	bool		is_later = event->at > fold->at;

	switch (event->kind)
	{
		case EVENT_EMPTIED:
		case EVENT_UNTRACKED:
			if (is_later)
			{
				/* what comes after it tells nothing of the time before */
				fold->is_done = true;
				break;
			}
			fold->status = event->kind == EVENT_EMPTIED ? FOLD_ABSENT :
				FOLD_UNKNOWN;
			fold->is_partial = false;
			fold->nfields = 0;
			break;
		case EVENT_TRACKED:
			fold->exclude = event->names;
			fold->nexclude = event->nnames;
			break;
		case EVENT_COLUMNS:
			if (fold->status != FOLD_PRESENT && !is_later)
				break;
			for (int i = 0; i < event->nnames; i++)
				field_set(fold, event->names[i], strlen(event->names[i]), NULL,
						  true, is_later);
			break;
	}
}

/* Applies the events before an entry, or all up to the time if it is NULL. */
static void
events_apply(Fold *fold, const FoldEntry *entry)
{
	for (; fold->next_event < fold->nevents && !fold->is_done; fold->next_event++)
	{
		const FoldEvent *event = &fold->events[fold->next_event];

		if (entry == NULL ? event->at > fold->at :
			(event->at != entry->at ? event->at > entry->at :
			 event->xid != entry->xid ? event->xid > entry->xid :
			 event->ord > entry->ord))
			break;
		event_apply(fold, event);
	}
}

/* An entry up to the time. */
static void
entry_apply(Fold *fold, const FoldEntry *entry)
{
	switch (entry->op)
	{
		case CRM_OP_INSERT:
		case CRM_OP_BASELINE:
			row_set(fold, entry->new, entry->commitments, "new", false);
			break;
		case CRM_OP_UPDATE:
			if (fold->status != FOLD_PRESENT)
			{
				fold->status = FOLD_PRESENT;
				fold->is_partial = true;
				fold->nfields = 0;
			}
			image_set(fold, entry->old, true, false);
			erased_set(fold, entry->commitments, "old", true, false);
			image_set(fold, entry->new, false, false);
			erased_set(fold, entry->commitments, "new", false, false);
			break;
		case CRM_OP_DELETE:
			fold->status = FOLD_ABSENT;
			fold->nfields = 0;
			break;
		default:
			break;
	}
}

/* An entry after the time, of a row that is not wholly known. */
static void
entry_undo(Fold *fold, const FoldEntry *entry)
{
	fold->is_done = entry->op != CRM_OP_UPDATE;
	switch (entry->op)
	{
		case CRM_OP_INSERT:
			if (fold->status == FOLD_UNKNOWN)
				fold->status = FOLD_ABSENT;
			break;
		case CRM_OP_BASELINE:
			row_set(fold, entry->new, entry->commitments, "new", true);
			break;
		case CRM_OP_DELETE:
			row_set(fold, entry->old, entry->commitments, "old", true);
			break;
		case CRM_OP_UPDATE:
			fold->status = FOLD_PRESENT;
			fold->is_partial = true;
			image_set(fold, entry->old, false, true);
			erased_set(fold, entry->commitments, "old", false, true);
			image_set(fold, entry->new, true, true);
			erased_set(fold, entry->commitments, "new", true, true);
			break;
		default:
			break;
	}
}

/* Moves what the fields point to into the other context. */
static void
fields_move(Fold *fold)
{
	MemoryContext other = fold->spare;
	MemoryContext old = MemoryContextSwitchTo(other);

	for (int i = 0; i < fold->nfields; i++)
	{
		FoldField  *field = &fold->fields[i];
		JsonbValue *value = &field->value;

		field->name = pnstrdup(field->name, field->size);
		if (field->is_null)
			continue;
		if (value->type == jbvString)
			value->val.string.val = pnstrdup(value->val.string.val,
											 value->val.string.len);
		else if (value->type == jbvNumeric)
			value->val.numeric =
				DatumGetNumericCopy(NumericGetDatum(value->val.numeric));
		else if (value->type == jbvBinary)
		{
			JsonbContainer *copy = palloc(value->val.binary.len);

			memcpy(copy, value->val.binary.data, value->val.binary.len);
			value->val.binary.data = copy;
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(fold->memory);
	fold->spare = fold->memory;
	fold->memory = other;
	fold->nkept = 0;
}

/* A copy that lasts, by the names that its columns have now. */
static Jsonb *
keep_image(Fold *fold, Jsonb *image, TimestampTz at)
{
	if (image == NULL)
		return NULL;
	image = (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(image));
	return crm_history_current_names(image, at, fold->nrenamed,
									 fold->renamed_at, fold->renamed);
}

/* The same of commitments, whose columns stand below "old" and "new". */
static Jsonb *
keep_commitments(Fold *fold, Jsonb *commitments, TimestampTz at)
{
	static const char *const sides[] = {"new", "old"};
	JsonbParseState *state = NULL;

	if (commitments == NULL || !JB_ROOT_IS_OBJECT(commitments))
		return NULL;
	commitments = (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(commitments));
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < lengthof(sides); i++)
	{
		const JsonbValue *columns = member(&commitments->root, sides[i]);
		Jsonb	   *renamed;
		JsonbValue	value;

		if (columns == NULL || columns->type != jbvBinary)
			continue;
		renamed = JsonbValueToJsonb(unconstify(JsonbValue *, columns));
		renamed = crm_history_current_names(renamed, at, fold->nrenamed,
											fold->renamed_at, fold->renamed);
		value.type = jbvString;
		value.val.string.val = unconstify(char *, sides[i]);
		value.val.string.len = strlen(sides[i]);
		pushJsonbValue(&state, WJB_KEY, &value);
		value.type = jbvBinary;
		value.val.binary.data = &renamed->root;
		value.val.binary.len = VARSIZE(renamed) - VARHDRSZ;
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

void
crm_fold_add(Fold *fold, const FoldEntry *entry)
{
	FoldEntry	kept = *entry;
	MemoryContext old;

	if (fold->is_done)
		return;
	if (entry->at > fold->at)
	{
		events_apply(fold, NULL);
		if (fold->status == FOLD_ABSENT ||
			(fold->status == FOLD_PRESENT && !fold->is_partial))
			fold->is_done = true;
	}
	events_apply(fold, entry);
	if (fold->is_done)
		return;
	if (fold->nkept++ == FOLD_KEPT)
		fields_move(fold);
	old = MemoryContextSwitchTo(fold->memory);
	kept.old = keep_image(fold, entry->old, entry->at);
	kept.new = keep_image(fold, entry->new, entry->at);
	kept.commitments = keep_commitments(fold, entry->commitments, entry->at);
	MemoryContextSwitchTo(old);
	if (entry->at > fold->at)
		entry_undo(fold, &kept);
	else
		entry_apply(fold, &kept);
}

void
crm_fold_end(Fold *fold)
{
	if (!fold->is_done)
		events_apply(fold, NULL);
}

void
crm_fold_key(Fold *fold, Jsonb *key)
{
	JsonbIterator *iterator = JsonbIteratorInit(&key->root);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbValue	name = value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (!crm_history_is_digest(&value) && value.type != jbvNull)
			field_set(fold, name.val.string.val, name.val.string.len, &value,
					  false, true);
	}
}
