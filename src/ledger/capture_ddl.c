/*-------------------------------------------------------------------------
 *
 * capture_ddl.c
 *		Rows that leave a tracked table together with their partition.
 *
 * When DETACH PARTITION or DROP TABLE has been done, nobody can tell any more
 * which rows it took; so they are recorded when the command begins.  If it
 * fails, the entries go with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "ledger/capture.h"

PG_FUNCTION_INFO_V1(crmaudit_partition_leaving);

/* Records the rows of a partition as deleted. */
static void
rows_leave(RangeVar *name, bool concurrently)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	ListCell   *cell;

	if (!OidIsValid(relid) || !get_rel_relispartition(relid) ||
		!OidIsValid(crm_tracked_target_of(relid)))
		return;
	/* the command itself will say that it is not allowed */
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		return;
	if (concurrently)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot detach partition \"%s\" of a tracked table concurrently",
						name->relname),
				 errdetail("Its rows go into the ledger as deleted, and nobody may write them meanwhile."),
				 errhint("Leave out CONCURRENTLY.")));
	foreach(cell, find_all_inheritors(relid, ShareRowExclusiveLock, NULL))
	{
		Relation	rel = relation_open(lfirst_oid(cell), NoLock);

		if (rel->rd_rel->relkind == RELKIND_RELATION)
			(void) crm_capture_relation(rel, CRM_OP_DELETE);
		relation_close(rel, NoLock);
	}
}

/*
 * crmaudit.partition_leaving(): event trigger on ddl_command_start.
 */
Datum
crmaudit_partition_leaving(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;
	ListCell   *cell;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by event trigger manager",
						"partition_leaving")));
	if (IsA(data->parsetree, DropStmt))
	{
		DropStmt   *drop = (DropStmt *) data->parsetree;

		foreach(cell, drop->objects)
		{
			if (drop->removeType == OBJECT_TABLE)
				rows_leave(makeRangeVarFromNameList((List *) lfirst(cell)), false);
		}
	}
	else if (IsA(data->parsetree, AlterTableStmt))
	{
		foreach(cell, ((AlterTableStmt *) data->parsetree)->cmds)
		{
			AlterTableCmd *command = lfirst(cell);

			if (command->subtype == AT_DetachPartition)
			{
				PartitionCmd *partition = (PartitionCmd *) command->def;

				rows_leave(partition->name, partition->concurrent);
			}
		}
	}
	return PointerGetDatum(NULL);
}
