/*-------------------------------------------------------------------------
 *
 * capture_ddl.c
 *		What a command does to rows of a tracked table without a trigger's
 *		knowing.
 *
 * Rows leave together with their partition, and a column's values are computed
 * anew.  When DETACH PARTITION or DROP TABLE has been done, nobody can tell any more
 * which rows it took; so they are recorded when the command begins.  If it
 * fails, the entries go with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"

#include "catalog_scan.h"
#include "compat.h"
#include "ledger/capture.h"

PG_FUNCTION_INFO_V1(crmaudit_record_leaving);
PG_FUNCTION_INFO_V1(crmaudit_require_leaving_seen);

/* Whether a command began that nobody could look into. */
static bool is_unseen = false;

/* The table that a relation is a partition of; InvalidOid if it is none. */
static Oid
parent_of(Oid relid)
{
	List	   *ancestors = OidIsValid(relid) && get_rel_relispartition(relid) ?
	get_partition_ancestors(relid) : NIL;

	return ancestors == NIL ? InvalidOid : linitial_oid(ancestors);
}

/*
 * Records the rows of a partition as deleted.  The caller has seen that the
 * user may take it away.
 *
 * Locking: what the command will take, on the parent before the partition, for
 * writers come to it through the parent, or directly.
 */
static void
rows_leave(Oid relid, Oid parent)
{
	ListCell   *cell;

	LockRelationOid(parent, AccessExclusiveLock);
	/* find_all_inheritors() locks what is below it only */
	LockRelationOid(relid, AccessExclusiveLock);
	/* it may have left while we waited */
	if (parent_of(relid) != parent)
		return;
	foreach(cell, find_all_inheritors(relid, ShareRowExclusiveLock, NULL))
	{
		Relation	rel = relation_open(lfirst_oid(cell), NoLock);

		if (rel->rd_rel->relkind == RELKIND_RELATION)
			(void) crm_capture_relation(rel, CRM_OP_DELETE);
		relation_close(rel, NoLock);
	}
}

/* The parent of a partition of a tracked table; InvalidOid if it is none. */
static Oid
tracked_parent(Oid relid)
{
	Oid			parent = parent_of(relid);

	return OidIsValid(parent) && OidIsValid(crm_tracked_target_of(relid)) ?
		parent : InvalidOid;
}

/* A table that is dropped.  If it may not be, the command will say so. */
static void
drop_leaves(RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	Oid			parent = tracked_parent(relid);

	if (OidIsValid(parent) &&
		(object_ownercheck(RelationRelationId, relid, GetUserId()) ||
		 object_ownercheck(NamespaceRelationId, get_rel_namespace(relid),
						   GetUserId())))
		rows_leave(relid, parent);
}

/*
 * A partition that is detached, for which its parent's owner is enough.
 * Where the parent is another, or with IF EXISTS not there, nothing leaves.
 */
static void
detach_leaves(RangeVar *parent_name, PartitionCmd *partition)
{
	Oid			relid = RangeVarGetRelid(partition->name, NoLock, true);
	Oid			parent = tracked_parent(relid);

	if (!OidIsValid(parent) ||
		RangeVarGetRelid(parent_name, NoLock, true) != parent ||
		!object_ownercheck(RelationRelationId, parent, GetUserId()))
		return;
	if (partition->concurrent)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot detach partition \"%s\" of a tracked table concurrently",
						partition->name->relname),
				 errdetail("Its rows go into the ledger as deleted, and nobody may write them meanwhile."),
				 errhint("Leave out CONCURRENTLY.")));
	rows_leave(relid, parent);
}

/*
 * Records that a column's values are computed anew, for which its type may be
 * the same before and after.
 */
static void
column_computed(RangeVar *name, const char *column)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	Relation	rel;
	TrackedTable *table;
	StringInfoData details;

	if (!OidIsValid(relid) || !OidIsValid(crm_tracked_target_of(relid)) ||
		!object_ownercheck(RelationRelationId, relid, GetUserId()))
		return;
	rel = relation_open(relid, AccessShareLock);
	table = crm_tracked_lookup(rel);
	if (table)
	{
		initStringInfo(&details);
		appendStringInfoString(&details, "{\"action\": \"alter\", \"columns\": {\"changed\": [");
		escape_json(&details, column);
		appendStringInfoString(&details, "]}}");
		crm_capture_entry(table->table_id, table->target, CRM_OP_SCHEMA, NULL,
						  NULL,
						  DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
															 CStringGetDatum(details.data))),
						  NULL);
	}
	relation_close(rel, NoLock);
}

/* Records what a command takes from tracked tables, or changes in all rows. */
static void
statement_record(Node *statement)
{
	ListCell   *cell;

	if (IsA(statement, DropStmt))
	{
		DropStmt   *drop = (DropStmt *) statement;

		foreach(cell, drop->objects)
		{
			if (drop->removeType == OBJECT_TABLE)
				drop_leaves(makeRangeVarFromNameList((List *) lfirst(cell)));
		}
	}
	else if (IsA(statement, AlterTableStmt))
	{
		AlterTableStmt *alter = (AlterTableStmt *) statement;

		foreach(cell, alter->cmds)
		{
			AlterTableCmd *command = lfirst(cell);

			if (crm_computes_column(command))
				column_computed(alter->relation, command->name);
			else if (command->subtype == AT_DetachPartition)
				detach_leaves(alter->relation, (PartitionCmd *) command->def);
		}
	}
}

/*
 * The command that is about to run; NULL if nobody can tell.  The hook knows
 * it, unless this very command had the library loaded; then it is the
 * portal's, if a client sent it.
 */
static Node *
command_at_hand(void)
{
	Node	   *statement = crm_ledger_utility_statement();

	if (statement == NULL && ActivePortal && ActivePortal->stmts != NIL)
		statement = linitial_node(PlannedStmt, ActivePortal->stmts)->utilityStmt;
	if (statement &&
		(IsA(statement, DropStmt) || IsA(statement, AlterTableStmt)))
		return statement;
	return NULL;
}

/* Whether there is a table of which partitions could leave. */
static bool
partitions_are_tracked(void)
{
	CatalogScan scan;
	bool		found = false;

	if (!crm_catalog_scan_begin(&scan, "tracked_table", NULL, NULL, InvalidOid,
								0))
		return false;
	while (!found && crm_catalog_scan_next(&scan))
	{
		bool		isnull;
		Datum		target = crm_catalog_get(&scan, "target", &isnull);

		found = !isnull &&
			get_rel_relkind(DatumGetObjectId(target)) == RELKIND_PARTITIONED_TABLE &&
			DatumGetBool(crm_catalog_get(&scan, "tracked", &isnull));
	}
	crm_catalog_scan_end(&scan);
	return found;
}

/*
 * crmaudit.record_leaving(): what event trigger partition_leaving() calls when
 * ALTER TABLE or DROP TABLE begins.
 */
Datum
crmaudit_record_leaving(PG_FUNCTION_ARGS)
{
	Node	   *statement;

	is_unseen = false;
	statement = command_at_hand();
	if (statement)
		statement_record(statement);
	else
		is_unseen = partitions_are_tracked();
	PG_RETURN_VOID();
}

/*
 * crmaudit.require_leaving_seen(): called when the command has taken a
 * partition from a tracked table.
 */
Datum
crmaudit_require_leaving_seen(PG_FUNCTION_ARGS)
{
	if (is_unseen)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("crmaudit was loaded too late to record the rows that leave a tracked table with their partition"),
				 errdetail("The command was run by a function, and is the first of the session that has to do with crmaudit."),
				 errhint("Run it again, or add crmaudit to shared_preload_libraries or session_preload_libraries.")));
	PG_RETURN_VOID();
}
