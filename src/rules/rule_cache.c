/*-------------------------------------------------------------------------
 *
 * rule_cache.c
 *		Backend-local cache of compiled rule sets, one entry per relation.
 *
 * Lifetime: an entry is never removed, so that a trigger may keep a pointer
 * to it for its statement.  The callbacks only clear "valid", for they run at
 * any lock acquisition, also in an aborted transaction; the rule set is
 * compiled anew at the next look-up.  The old one may still be in use further
 * up the stack; it is put on a list and freed when the transaction ends.
 *
 * Memory: entries live in CacheMemoryContext, each rule set in a context of
 * its own below it.  A rule set is compiled in a context of the current
 * transaction and moved only when it is complete.
 *
 * Rules changed by a transaction that rolls back: their relcache message is
 * replayed locally at abort, so that the entry is compiled again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/catcache.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "rules/rules_private.h"

struct RuleSetEntry
{
	Oid			relid;			/* hash key */
	bool		valid;
	RuleSet    *ruleset;		/* NULL: not protected */
};

static HTAB *rule_cache = NULL;

/* Relations that some rule set has looked into besides its own. */
static HTAB *depended_on = NULL;

/* Some rule looks into a table that is not there. */
static bool any_missing = false;
static RuleSet *stale_rulesets = NULL;

/* Whether some entry was marked since rule sets were last freed. */
static bool any_marked = false;

PG_FUNCTION_INFO_V1(crmaudit_rules_changed);

/* Marks the entries whose rules look into another relation. */
static void
mark_dependents(Oid relid)
{
	HASH_SEQ_STATUS status;
	RuleSetEntry *entry;

	hash_seq_init(&status, rule_cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		for (int i = 0; entry->ruleset && i < entry->ruleset->ndepends; i++)
		{
			if (entry->ruleset->depends[i] == relid)
			{
				entry->valid = false;
				any_marked = true;
			}
		}
	}
}

/* Marks the entry of a relation, or all of them for InvalidOid. */
static void
relcache_callback(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	RuleSetEntry *entry;

	crm_value_list_invalidate(relid);
	if (OidIsValid(relid))
	{
		entry = hash_search(rule_cache, &relid, HASH_FIND, NULL);
		if (entry)
		{
			entry->valid = false;
			any_marked = true;
		}
		if (hash_search(depended_on, &relid, HASH_FIND, NULL) != NULL)
			mark_dependents(relid);
		return;
	}
	any_marked = true;
	hash_seq_init(&status, rule_cache);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->valid = false;
}

/* A function, operator or type changed: rare, so that all is marked. */
static void
syscache_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	relcache_callback((Datum) 0, InvalidOid);
}

/* A table was created or renamed: perhaps one that a rule looks into. */
static void
table_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	if (!any_missing)
		return;
	any_missing = false;
	relcache_callback((Datum) 0, InvalidOid);
}

/* Puts the entry's rule set on the list of those to be freed. */
static void
entry_retire(RuleSetEntry *entry)
{
	if (entry->ruleset == NULL)
		return;
	entry->ruleset->next_stale = stale_rulesets;
	stale_rulesets = entry->ruleset;
	entry->ruleset = NULL;
}

/*
 * Retires the rule sets of marked entries: a table that was dropped is not
 * looked up again.
 */
static void
retire_marked(void)
{
	HASH_SEQ_STATUS status;
	RuleSetEntry *entry;

	any_marked = false;
	hash_seq_init(&status, rule_cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!entry->valid)
			entry_retire(entry);
	}
}

/* Frees rule sets that are out of date, once nobody can be using them. */
static void
xact_callback(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (any_marked)
		retire_marked();
	while (stale_rulesets != NULL)
	{
		RuleSet    *ruleset = stale_rulesets;

		stale_rulesets = ruleset->next_stale;
		FreeExprContext(ruleset->econtext, false);
		MemoryContextDelete(ruleset->context);
	}
}

void
crm_rule_cache_init(void)
{
	HASHCTL		ctl;

	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(RuleSetEntry);
	ctl.hcxt = CacheMemoryContext;
	rule_cache = hash_create("crmaudit rule cache", 64, &ctl,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.entrysize = sizeof(Oid);
	depended_on = hash_create("crmaudit tables that rules look into", 16, &ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	crm_value_list_init();
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(RELNAMENSP, table_callback, (Datum) 0);
	RegisterXactCallback(xact_callback, NULL);
}

/* Returns the cache's entry of a relation, which stays where it is for ever. */
RuleSetEntry *
crm_ruleset_entry(Oid relid)
{
	RuleSetEntry *entry;
	bool		found;

	entry = hash_search(rule_cache, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->ruleset = NULL;
	}
	return entry;
}

/* Compiles the entry's rule set anew. */
static void
entry_rebuild(RuleSetEntry *entry, Relation rel)
{
	Oid			target;
	RuleSet    *ruleset = NULL;

	entry_retire(entry);
	/* a message that arrives meanwhile clears this again */
	entry->valid = true;
	PG_TRY();
	{
		target = crm_target_of(RelationGetRelid(rel));
		if (OidIsValid(target))
			ruleset = crm_ruleset_compile(rel, target);
	}
	PG_CATCH();
	{
		entry->valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (ruleset)
	{
		any_missing |= ruleset->has_missing;
		for (int i = 0; i < ruleset->ndepends; i++)
			(void) hash_search(depended_on, &ruleset->depends[i], HASH_ENTER,
							   NULL);
		MemoryContextSetParent(ruleset->context, CacheMemoryContext);
	}
	entry->ruleset = ruleset;
}

/*
 * Returns the compiled rules of "rel", or NULL if it is not protected.  The
 * result stays usable until the transaction ends, but is out of date once
 * invalidation messages were processed.
 */
RuleSet *
crm_ruleset_get(RuleSetEntry *entry, Relation rel)
{
	if (entry->valid && entry->ruleset && entry->ruleset->has_dates &&
		entry->ruleset->compiled_on != crm_today())
		entry->valid = false;
	if (!entry->valid)
		entry_rebuild(entry, rel);
	return entry->ruleset;
}

RuleSet *
crm_ruleset_lookup(Relation rel)
{
	return crm_ruleset_get(crm_ruleset_entry(RelationGetRelid(rel)), rel);
}

/* Sends the message that makes every backend compile a target's rules anew. */
static void
target_invalidate(Oid target)
{
	ListCell   *cell;

	if (!OidIsValid(target) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(target)))
		return;
	CacheInvalidateRelcacheByRelid(target);
	if (!has_subclass(target))
		return;
	foreach(cell, find_all_inheritors(target, NoLock, NULL))
	{
		/* a partition may be dropped at this moment */
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(cell))))
			CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
	}
}

/* The OID in a row's column "target". */
static Oid
tuple_target(TriggerData *trigdata, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	bool		isnull;
	Datum		datum;

	if (tuple == NULL)
		return InvalidOid;
	datum = heap_getattr(tuple, get_attnum(RelationGetRelid(trigdata->tg_relation),
										   "target"), desc, &isnull);
	return isnull ? InvalidOid : DatumGetObjectId(datum);
}

/*
 * crmaudit.rules_changed(): trigger on the configuration tables.  As a row
 * trigger it invalidates the row's target; as a statement trigger all targets
 * (TRUNCATE, or the weights of the dimensions), or the value lists.
 */
Datum
crmaudit_rules_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"rules_changed")));
	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
	{
		target_invalidate(tuple_target(trigdata, trigdata->tg_trigtuple));
		target_invalidate(tuple_target(trigdata, trigdata->tg_newtuple));
	}
	else if (strcmp(RelationGetRelationName(trigdata->tg_relation),
					"value_list") == 0)
		CacheInvalidateRelcache(trigdata->tg_relation);
	else
		CacheInvalidateRelcacheAll();
	return PointerGetDatum(NULL);
}
