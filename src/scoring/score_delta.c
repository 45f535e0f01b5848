/*-------------------------------------------------------------------------
 *
 * score_delta.c
 *		What a transaction changes in the scores of protected tables.
 *
 * The gate tells what a row changes before it is stored; that is kept as
 * pending, and enters the transaction's tally when the row was stored.  An
 * INSERT adds a row, a DELETE takes one out, an UPDATE does both: where the
 * owner and whether the row counts stay, only with the rules that the change
 * can concern, for what other rules said of both versions cancels out.
 *
 * There is a tally for each table, version of its rules and owner of rows.
 * Before commit each becomes a row of crmaudit.score_delta (delta_write.c).
 *
 * Lifetime: tallies belong to the transaction.  A tally is a stack of frames,
 * one for each subtransaction that changed it: its abort drops its frames,
 * its end adds them to those below.  A frame that covers hides those below:
 * the table was truncated, or a sweep counted what they say.
 *
 * Memory: a context below TopTransactionContext.  Many owners are bounded by
 * writing early (CRM_TALLIES_MANY).  What is pending is session scratch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "scoring/delta_private.h"
#include "scoring/score_live.h"

/* One version of the row that is about to be stored. */
typedef struct PendingVersion
{
	bool		counts;
	bool		has_owner;
	char		owner[CRM_OWNER_MAX];
	RowScore	score;
} PendingVersion;

/* What the row that is about to be stored changes. */
static struct
{
	bool		is_set;
	SubTransactionId subid;		/* that is about to store it */
	Oid			target;
	int			version;
	int			ncells;
	PendingVersion before;
	PendingVersion after;
	int			size;			/* of the arrays by cell */
	bool	   *touched;		/* cells of rules that the UPDATE concerns */
}			pending;

static MemoryContext delta_context = NULL;
static HTAB *tallies = NULL;
static TallyLevel *levels = NULL;	/* the innermost first */

/* Where the last row went: mostly the next goes there too. */
static TallyFrame *last_frame = NULL;

/* How many tallies are too many. */
static long many_tallies = CRM_TALLIES_MANY;

/* Pending ------------------------------------------------------------------ */

void
crm_score_forget(void)
{
	pending.is_set = false;
}

/* Begins to note what a row changes. */
static void
pending_begin(const RuleSet *ruleset)
{
	if (ruleset->ncells > pending.size)
	{
		int			size = ruleset->ncells + 8;

		pending.size = 0;
		pending.before.score.cells = pending.before.score.cells ?
			repalloc(pending.before.score.cells, size) :
			MemoryContextAlloc(CacheMemoryContext, size);
		pending.after.score.cells = pending.after.score.cells ?
			repalloc(pending.after.score.cells, size) :
			MemoryContextAlloc(CacheMemoryContext, size);
		pending.touched = pending.touched ?
			repalloc(pending.touched, size * sizeof(bool)) :
			MemoryContextAlloc(CacheMemoryContext, size * sizeof(bool));
		pending.size = size;
	}
	pending.subid = GetCurrentSubTransactionId();
	pending.target = ruleset->target;
	pending.version = ruleset->rule_set_version;
	pending.ncells = ruleset->ncells;
	pending.before.counts = false;
	pending.after.counts = false;
}

/* Begins a version of the row, and says whose it is. */
static void
version_begin(PendingVersion *version, const RuleSet *ruleset,
			  const RuleRow *row)
{
	version->counts = true;
	version->has_owner = ruleset->owner != NULL &&
		crm_score_owner(ruleset, row->slot, version->owner);
	crm_row_score_begin(ruleset, &version->score);
}

/* The outcome of a rule on a version, found if the gate did not need it. */
static inline RuleOutcome
version_outcome(const Rule *rule, const RuleRow *row, RuleOutcome *known)
{
	if (known->state == RULE_UNKNOWN)
		*known = crm_rule_eval_guarded(rule, row);
	return *known;
}

/* Enters all rules into a version. */
static void
version_enter_all(PendingVersion *version, const RuleSet *ruleset,
				  const RuleRow *row, RuleOutcome *known)
{
	version_begin(version, ruleset, row);
	for (int i = 0; i < ruleset->nlive; i++)
	{
		int			n = ruleset->live_rules[i];
		const Rule *rule = &ruleset->rules[n];

		crm_row_score_add(rule, version_outcome(rule, row, &known[n]),
						  &version->score);
	}
}

void
crm_score_insert(const RuleSet *ruleset, const RuleRow *row)
{
	pending_begin(ruleset);
	version_enter_all(&pending.after, ruleset, row, ruleset->after);
	pending.is_set = true;
}

void
crm_score_delete(const RuleSet *ruleset, const RuleRow *before)
{
	pending_begin(ruleset);
	version_enter_all(&pending.before, ruleset, before, ruleset->before);
	pending.is_set = true;
}

/* Enters a rule that the UPDATE does not concern into both versions. */
static void
enter_unaffected(const RuleSet *ruleset, int n, const RuleRow *row)
{
	const Rule *rule = &ruleset->rules[n];
	RuleOutcome outcome = version_outcome(rule, row, &ruleset->after[n]);

	crm_row_score_add(rule, outcome, &pending.before.score);
	crm_row_score_add(rule, outcome, &pending.after.score);
}

static bool
touches_cell(const Rule *rule)
{
	for (int i = 0; i < rule->ncells; i++)
	{
		if (pending.touched[rule->cells[i]])
			return true;
	}
	return false;
}

/*
 * Enters the rules that the UPDATE concerns, and those that share a cell with
 * them.  What the others say matters only where the change makes the row
 * clean, or the contrary: then it may be unclean by them anyway.
 */
static void
enter_changed(const RuleSet *ruleset, const RuleRow *row,
			  const RuleRow *before)
{
	memset(pending.touched, 0, ruleset->ncells * sizeof(bool));
	for (int i = 0; i < ruleset->nlive; i++)
	{
		int			n = ruleset->live_rules[i];
		const Rule *rule = &ruleset->rules[n];

		if (!crm_rule_is_affected(ruleset, rule))
			continue;
		crm_row_score_add(rule, version_outcome(rule, before, &ruleset->before[n]),
						  &pending.before.score);
		crm_row_score_add(rule, version_outcome(rule, row, &ruleset->after[n]),
						  &pending.after.score);
		for (int j = 0; j < rule->ncells; j++)
			pending.touched[rule->cells[j]] = true;
	}
	for (int i = 0; i < ruleset->nlive; i++)
	{
		int			n = ruleset->live_rules[i];
		const Rule *rule = &ruleset->rules[n];

		if (!crm_rule_is_affected(ruleset, rule) && touches_cell(rule))
			enter_unaffected(ruleset, n, row);
	}
	for (int i = 0; i < ruleset->nlive &&
		 (pending.before.score.violations == 0) !=
		 (pending.after.score.violations == 0); i++)
	{
		int			n = ruleset->live_rules[i];
		const Rule *rule = &ruleset->rules[n];

		if (!crm_rule_is_affected(ruleset, rule) && !touches_cell(rule))
			enter_unaffected(ruleset, n, row);
	}
}

void
crm_score_update(const RuleSet *ruleset, const RuleRow *row, bool row_is_live,
				 const RuleRow *before, bool before_is_live)
{
	if (!row_is_live && !before_is_live)
		return;
	pending_begin(ruleset);
	if (row_is_live != before_is_live ||
		(ruleset->owner && ruleset->changed[ruleset->owner->attnum]))
	{
		if (row_is_live)
			version_enter_all(&pending.after, ruleset, row, ruleset->after);
		if (before_is_live)
			version_enter_all(&pending.before, ruleset, before,
							  ruleset->before);
	}
	else
	{
		version_begin(&pending.before, ruleset, before);
		version_begin(&pending.after, ruleset, row);
		enter_changed(ruleset, row, before);
	}
	pending.is_set = true;
}

/* Tallies ------------------------------------------------------------------- */

static void
tallies_open(void)
{
	HASHCTL		ctl;

	if (tallies)
		return;
	delta_context = AllocSetContextCreate(TopTransactionContext,
										  "crmaudit scores",
										  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(TallyKey);
	ctl.entrysize = sizeof(TallyEntry);
	ctl.hcxt = delta_context;
	tallies = hash_create("crmaudit score tallies", 64, &ctl,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The level of the current subtransaction, or of the one named. */
static TallyLevel *
level_get(SubTransactionId subid)
{
	TallyLevel *level = levels;

	if (level && level->subid == subid)
		return level;
	level = MemoryContextAlloc(delta_context, sizeof(TallyLevel));
	level->subid = subid;
	dlist_init(&level->frames);
	level->outer = levels;
	levels = level;
	return level;
}

/* The entry's frame of the current subtransaction. */
static TallyFrame *
entry_frame(TallyEntry *entry)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	TallyFrame *frame = entry->top;
	MemoryContext old;

	if (frame && frame->subid == subid)
		return frame;
	old = MemoryContextSwitchTo(delta_context);
	frame = palloc0(sizeof(TallyFrame));
	frame->subid = subid;
	frame->entry = entry;
	frame->below = entry->top;
	frame->tally = crm_tally_create(entry->ncells);
	entry->top = frame;
	dlist_push_tail(&level_get(subid)->frames, &frame->node);
	MemoryContextSwitchTo(old);
	return frame;
}

static TallyEntry *
entry_get(Oid target, int version, int ncells, const char *owner)
{
	TallyKey	key;
	TallyEntry *entry;
	bool		found;

	tallies_open();
	memset(&key, 0, sizeof(key));
	key.target = target;
	key.version = version;
	key.has_owner = owner != NULL;
	if (owner)
		strcpy(key.owner, owner);
	entry = hash_search(tallies, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->top = NULL;
		entry->ncells = ncells;
	}
	return entry;
}

/* What concerns the table as a whole has a version that no rules have. */
static TallyEntry *
entry_get_marker(Oid target)
{
	return entry_get(target, CRM_MARKER_VERSION, 0, NULL);
}

/* The frame that a version of the pending row goes to. */
static TallyFrame *
pending_frame(const PendingVersion *version)
{
	const char *owner = version->has_owner ? version->owner : NULL;
	const TallyKey *key;

	if (last_frame && last_frame->subid == GetCurrentSubTransactionId())
	{
		key = &last_frame->entry->key;
		if (key->target == pending.target && key->version == pending.version &&
			key->has_owner == version->has_owner &&
			(owner == NULL || strcmp(key->owner, owner) == 0))
			return last_frame;
	}
	last_frame = entry_frame(entry_get(pending.target, pending.version,
									   pending.ncells, owner));
	return last_frame;
}

void
crm_score_confirm(void)
{
	if (!pending.is_set)
		return;
	pending.is_set = false;
	if (pending.before.counts)
		crm_tally_add_row(pending_frame(&pending.before)->tally,
						  &pending.before.score, pending.ncells, -1);
	if (pending.after.counts)
		crm_tally_add_row(pending_frame(&pending.after)->tally,
						  &pending.after.score, pending.ncells, 1);
	if (hash_get_num_entries(tallies) > many_tallies)
	{
		crm_deltas_write_early();
		/* some may have to stay */
		many_tallies = CRM_TALLIES_MANY + 2 * hash_get_num_entries(tallies);
	}
}

/* Empties the tallies of a table, in a way that a rollback undoes. */
static TallyFrame *
tallies_cover(Oid target)
{
	TallyFrame *marker = entry_frame(entry_get_marker(target));
	HASH_SEQ_STATUS status;
	TallyEntry *entry;

	crm_score_forget();
	hash_seq_init(&status, tallies);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		TallyFrame *frame;

		if (entry->key.target != target || entry->top == NULL)
			continue;
		frame = entry_frame(entry);
		crm_tally_clear(frame->tally, entry->ncells);
		frame->covers = true;
	}
	marker->covers = true;
	marker->stale = false;
	return marker;
}

void
crm_score_truncated(Oid target)
{
	tallies_cover(target)->truncated = true;
}

bool
crm_score_cover(Oid target)
{
	TallyEntry *entry;
	bool		truncated = false;

	if (tallies == NULL)
		return false;
	entry = entry_get_marker(target);
	for (TallyFrame *frame = entry->top; frame; frame = frame->below)
	{
		truncated |= frame->truncated;
		if (frame->covers)
			break;
	}
	tallies_cover(target)->truncated = false;
	return truncated;
}

void
crm_score_mark_stale(Oid target)
{
	static TallyFrame *last_stale = NULL;

	crm_score_forget();
	/* frames may be gone: their addresses are only compared */
	if (last_stale && last_stale == last_frame && last_frame->stale &&
		last_frame->entry->key.target == target &&
		last_frame->subid == GetCurrentSubTransactionId())
		return;
	last_frame = entry_frame(entry_get_marker(target));
	last_frame->stale = true;
	last_stale = last_frame;
}

void
crm_score_own(Oid target, ScoreAdd add, void *argument, bool *truncated,
			  bool *stale)
{
	HASH_SEQ_STATUS status;
	TallyEntry *entry;

	*truncated = false;
	*stale = false;
	if (tallies == NULL)
		return;
	hash_seq_init(&status, tallies);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->key.target != target)
			continue;
		for (TallyFrame *frame = entry->top; frame; frame = frame->below)
		{
			*truncated |= frame->truncated;
			*stale |= frame->stale;
			if (entry->key.version != CRM_MARKER_VERSION)
				add(argument, entry->key.version,
					entry->key.has_owner ? entry->key.owner : NULL,
					frame->tally, entry->ncells);
			if (frame->covers)
				break;
		}
	}
}

/* Frames --------------------------------------------------------------------- */

HTAB *
crm_tallies(void)
{
	return tallies;
}

/* Drops the innermost frame of an entry, and the entry if it was the last. */
void
crm_frame_drop(TallyFrame *frame)
{
	TallyEntry *entry = frame->entry;

	if (last_frame == frame)
		last_frame = NULL;
	dlist_delete(&frame->node);
	entry->top = frame->below;
	pfree(frame->tally);
	pfree(frame);
	if (entry->top == NULL)
		hash_search(tallies, &entry->key, HASH_REMOVE, NULL);
}

/* Adds a frame to the one of the subtransaction around it. */
static void
frame_merge(TallyFrame *frame, SubTransactionId parent)
{
	TallyFrame *below = frame->below;

	if (below == NULL || below->subid != parent)
	{
		dlist_delete(&frame->node);
		frame->subid = parent;
		dlist_push_tail(&level_get(parent)->frames, &frame->node);
		return;
	}
	if (frame->covers)
	{
		crm_tally_clear(below->tally, frame->entry->ncells);
		below->covers = true;
		below->truncated = false;
		below->stale = false;
	}
	crm_tally_add(below->tally, frame->tally, frame->entry->ncells);
	below->truncated |= frame->truncated;
	below->stale |= frame->stale;
	crm_frame_drop(frame);
}

/*
 * Ends the level of a subtransaction.  While one is ending, every greater id
 * belongs to one nested in it.
 */
static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	/* a rule that failed meanwhile ended in a subtransaction of its own */
	if (event == SUBXACT_EVENT_ABORT_SUB && pending.subid >= subid)
		crm_score_forget();
	last_frame = NULL;
	while (levels && levels->subid >= subid)
	{
		TallyLevel *level = levels;
		dlist_mutable_iter iter;

		levels = level->outer;
		dlist_foreach_modify(iter, &level->frames)
		{
			TallyFrame *frame = dlist_container(TallyFrame, node, iter.cur);

			if (event == SUBXACT_EVENT_ABORT_SUB)
				crm_frame_drop(frame);
			else
				frame_merge(frame, parent);
		}
		pfree(level);
	}
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			crm_score_forget();
			if (tallies)
				crm_deltas_write();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			/* all goes with TopTransactionContext */
			crm_score_forget();
			delta_context = NULL;
			tallies = NULL;
			levels = NULL;
			last_frame = NULL;
			many_tallies = CRM_TALLIES_MANY;
			break;
		default:
			break;
	}
}

void
crm_score_delta_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}
