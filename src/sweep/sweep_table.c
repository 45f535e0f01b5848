/*-------------------------------------------------------------------------
 *
 * sweep_table.c
 *		What leader and workers of a sweep know of its table alike: rules,
 *		partitions, and the numbers of rows.
 *
 * A row's number is the number of its block, counted through all partitions,
 * and its place in the block.  Blocks are counted after the snapshot was
 * taken, so that every row that it sees has one.
 *
 * Memory: all lives in SweepTable.context.
 *
 * Locking: AccessShareLock on the table and its partitions, until the
 * transaction ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "port/pg_bitutils.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sweep/sweep.h"

/* Refuses a relation that has no rows of its own to read. */
static void
require_readable(Relation rel)
{
	if (rel->rd_rel->relkind == RELKIND_RELATION ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot sweep relation \"%s\"",
					RelationGetRelationName(rel)),
			 errdetail("It is a foreign table, whose rows are elsewhere."),
			 errhint("Sweep the table where its rows are, or detach the partition.")));
}

/* Adds a relation with rows. */
static void
add_leaf(SweepTable *sweep, Oid relid, int64 *next_block)
{
	Relation	rel = table_open(relid, AccessShareLock);
	SweepLeaf  *leaf = &sweep->leaves[sweep->nleaves];

	require_readable(rel);
	if (rel->rd_rel->relkind == RELKIND_RELATION)
	{
		memset(leaf, 0, sizeof(*leaf));
		leaf->relid = relid;
		leaf->first_block = *next_block;
		leaf->nblocks = RelationGetNumberOfBlocks(rel);
		*next_block += leaf->nblocks;
		sweep->nleaves++;
	}
	table_close(rel, NoLock);
}

/* Finds the relations with rows; children by inheritance are other tables. */
static void
find_leaves(SweepTable *sweep, Relation rel)
{
	int64		next_block = 0;
	List	   *relids = list_make1_oid(sweep->target);
	ListCell   *cell;

	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		relids = find_all_inheritors(sweep->target, AccessShareLock, NULL);
	sweep->leaves = palloc0(list_length(relids) * sizeof(SweepLeaf));
	foreach(cell, relids)
		add_leaf(sweep, lfirst_oid(cell), &next_block);
	sweep->offset_bits = pg_leftmost_one_pos32(MaxHeapTuplesPerPage) + 1;
	sweep->location_bits = sweep->offset_bits +
		pg_leftmost_one_pos64(next_block + 1) + 1;
}

/* Raises the error of a sweep that would mix two versions of the rules. */
void
crm_sweep_rules_changed(const SweepTable *sweep)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("rules of relation \"%s\" changed while it was being swept",
					sweep->ruleset->target_name),
			 errhint("Sweep it again.")));
}

/* Whether the sweep evaluates rules of this kind at all. */
static bool
rule_is_swept(const Rule *rule)
{
	return rule->broken == NULL && (rule->kind_level_row || rule->set != NULL);
}

/*
 * Opens the sweep of a table by the rules for which "selected" is true (by
 * their order; NULL: all), in the current memory context.
 */
SweepTable *
crm_sweep_open(Oid target, const bool *selected, int nselected,
			   Snapshot snapshot, bool in_worker)
{
	Relation	rel = table_open(target, AccessShareLock);
	SweepTable *sweep = palloc0(sizeof(SweepTable));

	sweep->target = target;
	sweep->ruleset = crm_ruleset_lookup(rel);
	if (sweep->ruleset == NULL)
		elog(ERROR, "relation %u is not protected", target);
	sweep->owner = crm_relation_owner(target);
	sweep->snapshot = snapshot;
	sweep->in_worker = in_worker;
	sweep->context = CurrentMemoryContext;
	sweep->resowner = CurrentResourceOwner;
	sweep->row_context = AllocSetContextCreate(CurrentMemoryContext,
											   "crmaudit sweep row",
											   ALLOCSET_DEFAULT_SIZES);
	sweep->nrules = sweep->ruleset->nall;
	if (selected && nselected != sweep->nrules)
		crm_sweep_rules_changed(sweep);
	sweep->rules = palloc0((sweep->nrules + 1) * sizeof(SweepRule));
	for (int i = 0; i < sweep->nrules; i++)
	{
		sweep->rules[i].rule = &sweep->ruleset->rules[i];
		sweep->rules[i].group = -1;
		sweep->rules[i].selected = rule_is_swept(&sweep->ruleset->rules[i]) &&
			(selected == NULL || selected[i]);
	}
	find_leaves(sweep, rel);
	sweep->live_score = crm_row_score_create(sweep->ruleset);
	sweep->full_score = crm_row_score_create(sweep->ruleset);
	sweep->outcomes = palloc0((sweep->nrules + 1) * sizeof(RuleOutcome));
	sweep->full_tally = crm_tally_create(sweep->ruleset->ncells);
	sweep->full_is_live = true;
	for (int i = 0; i < sweep->nrules; i++)
		sweep->full_is_live &= sweep->rules[i].rule->broken == NULL &&
			(!sweep->rules[i].selected || sweep->rules[i].rule->is_immutable);
	crm_sweep_sums_create(sweep, &sweep->ownerless);
	if (sweep->ruleset->owner)
	{
		HASHCTL		ctl;

		ctl.keysize = CRM_OWNER_MAX;
		ctl.entrysize = sizeof(OwnerEntry);
		ctl.hcxt = sweep->context;
		sweep->owners = hash_create("crmaudit sweep owners", 256, &ctl,
									HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	table_close(rel, NoLock);
	return sweep;
}

/* The place among the table's rules of a rule of a partition; -1 if none. */
static int
find_rule(const SweepTable *sweep, const Rule *rule)
{
	for (int i = 0; i < sweep->nrules; i++)
	{
		if (sweep->rules[i].rule->id == rule->id)
			return i;
	}
	return -1;
}

/* Whether the plan's rule belongs into this pass: see plan_leaf(). */
static bool
plan_takes(const Rule *rule, int pass)
{
	if (pass == 0)
		return rule->is_immutable && !rule->is_guarded;
	if (pass == 1)
		return rule->is_immutable && rule->is_guarded;
	return !rule->is_immutable;
}

/* Orders the rules: immutable without SQL, immutable with SQL, the others. */
static void
plan_leaf(SweepTable *sweep, SweepLeaf *leaf)
{
	const RuleSet *ruleset = leaf->ruleset;

	leaf->plan = palloc((ruleset->nall + 1) * sizeof(int));
	leaf->set = palloc((ruleset->nall + 1) * sizeof(int));
	leaf->indexes = palloc((ruleset->nall + 1) * sizeof(int));
	leaf->nplan = leaf->nset = leaf->nbroken = 0;
	for (int i = 0; i < ruleset->nall; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		leaf->indexes[i] = find_rule(sweep, rule);
		if (rule->broken)
			leaf->nbroken++;
		else if (rule->set != NULL && leaf->indexes[i] >= 0 &&
				 sweep->rules[leaf->indexes[i]].selected)
			leaf->set[leaf->nset++] = i;
	}
	for (int pass = 0; pass < 3; pass++)
	{
		for (int i = 0; i < ruleset->nall; i++)
		{
			const Rule *rule = &ruleset->rules[i];

			if (rule->broken == NULL && rule->kind_level_row &&
				leaf->indexes[i] >= 0 &&
				sweep->rules[leaf->indexes[i]].selected &&
				plan_takes(rule, pass))
				leaf->plan[leaf->nplan++] = i;
		}
		if (pass == 0)
			leaf->nunguarded_immutable = leaf->nplan;
		if (pass == 1)
			leaf->nimmutable = leaf->nplan;
	}
}

/* Opens a relation with rows, and compiles its rules. */
void
crm_sweep_leaf_open(SweepTable *sweep, SweepLeaf *leaf)
{
	MemoryContext old;

	if (leaf->rel)
		return;
	old = MemoryContextSwitchTo(sweep->context);
	leaf->rel = table_open(leaf->relid, AccessShareLock);
	/* once: a rule set stays as it is until the transaction ends */
	if (leaf->ruleset == NULL)
	{
		leaf->ruleset = crm_ruleset_lookup(leaf->rel);
		if (leaf->ruleset == NULL ||
			leaf->ruleset->rule_set_version != sweep->ruleset->rule_set_version)
			crm_sweep_rules_changed(sweep);
		plan_leaf(sweep, leaf);
	}
	leaf->slot = table_slot_create(leaf->rel, NULL);
	MemoryContextSwitchTo(old);
}

/* Closes it; the lock stays. */
void
crm_sweep_leaf_close(SweepLeaf *leaf)
{
	if (leaf->rel == NULL)
		return;
	ExecDropSingleTupleTableSlot(leaf->slot);
	table_close(leaf->rel, NoLock);
	leaf->rel = NULL;
}

/* The number of a row. */
int64
crm_sweep_location(const SweepTable *sweep, const SweepLeaf *leaf,
				   ItemPointer tid)
{
	return (leaf->first_block + ItemPointerGetBlockNumber(tid))
		<< sweep->offset_bits | ItemPointerGetOffsetNumber(tid);
}

/* The relation of a row, and its place there. */
SweepLeaf *
crm_sweep_locate(const SweepTable *sweep, int64 location, ItemPointer tid)
{
	int64		block = location >> sweep->offset_bits;
	int			low = 0;
	int			high = sweep->nleaves - 1;

	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (sweep->leaves[middle].first_block <= block)
			low = middle;
		else
			high = middle - 1;
	}
	ItemPointerSet(tid, (BlockNumber) (block - sweep->leaves[low].first_block),
				   (OffsetNumber) (location & ((1 << sweep->offset_bits) - 1)));
	return &sweep->leaves[low];
}

/*
 * Reads the row of that number into its relation's slot; false if the
 * snapshot does not see it.
 */
bool
crm_sweep_fetch(SweepTable *sweep, int64 location, SweepLeaf **leaf)
{
	ItemPointerData tid;

	*leaf = crm_sweep_locate(sweep, location, &tid);
	crm_sweep_leaf_open(sweep, *leaf);
	return table_tuple_fetch_row_version((*leaf)->rel, &tid, sweep->snapshot,
										 (*leaf)->slot);
}
