/*-------------------------------------------------------------------------
 *
 * score_ddl.c
 *		Notices that rows come, go or change without a row trigger.
 *
 * A partition that is attached, detached or dropped, a column of another type,
 * a trigger that is disabled: the table's scores are marked as stale.  So they
 * are by another list of values, but not where a restore brings the same list
 * back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "tcop/deparse_utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "rules/rules_private.h"
#include "scoring/score_ddl.h"
#include "scoring/score_delta.h"

static object_access_hook_type previous_hook = NULL;

PG_FUNCTION_INFO_V1(crmaudit_changes_rows);
PG_FUNCTION_INFO_V1(crmaudit_moves_partitions);
PG_FUNCTION_INFO_V1(crmaudit_lists_digest);

/* Whether a part of ALTER TABLE attaches or detaches a partition. */
static bool
part_moves_partition(const AlterTableCmd *command)
{
	return command->subtype == AT_AttachPartition ||
		command->subtype == AT_DetachPartition ||
		command->subtype == AT_DetachPartitionFinalize;
}

/* Whether a part of ALTER TABLE changes which rows there are, or are counted. */
static bool
part_changes_rows(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AlterColumnType:
		case AT_DisableTrig:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
			return true;
		default:
			return part_moves_partition(command);
	}
}

/* Whether the test holds for a part of an ALTER TABLE. */
static bool
any_part(const CollectedCommand *command,
		 bool (*test) (const AlterTableCmd *command))
{
	ListCell   *cell;

	if (command->type != SCT_AlterTable)
		return false;
	foreach(cell, command->d.alterTable.subcmds)
	{
		CollectedATSubcmd *part = lfirst(cell);

		if (IsA(part->parsetree, AlterTableCmd) &&
			test((AlterTableCmd *) part->parsetree))
			return true;
	}
	return false;
}

/*
 * crmaudit.changes_rows(command pg_ddl_command) returns boolean
 */
Datum
crmaudit_changes_rows(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(any_part((CollectedCommand *) PG_GETARG_POINTER(0),
							part_changes_rows));
}

/*
 * crmaudit.moves_partitions(command pg_ddl_command) returns boolean
 */
Datum
crmaudit_moves_partitions(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(any_part((CollectedCommand *) PG_GETARG_POINTER(0),
							part_moves_partition));
}

static uint64
text_hash(const char *text)
{
	return hash_bytes_extended((const unsigned char *) text, strlen(text), 0);
}

int64
crm_lists_digest(Oid target)
{
	uint64		digest = 0;
	ListCell   *cell;

	foreach(cell, crm_catalog_rules(target))
	{
		const RuleSource *source = lfirst(cell);
		char	   *list = crm_param_text(source, "list");
		char	  **values;
		int			count;

		if (list == NULL)
			continue;
		values = crm_catalog_list(list, &count);
		/* in any order */
		for (int i = 0; i < count; i++)
			digest += hash_combine64(text_hash(list), text_hash(values[i]));
	}
	return (int64) digest;
}

/*
 * crmaudit.lists_digest(target regclass) returns bigint
 */
Datum
crmaudit_lists_digest(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(crm_lists_digest(PG_GETARG_OID(0)));
}

/* A partition is dropped, by itself or with the whole. */
static void
partition_guard(ObjectAccessType access, Oid class, Oid object, int column,
				void *arg)
{
	Oid			target;

	if (previous_hook)
		previous_hook(access, class, object, column, arg);
	if (access != OAT_DROP || class != RelationRelationId || column != 0 ||
		!get_rel_relispartition(object) ||
		get_rel_relkind(object) != RELKIND_RELATION)
		return;
	target = crm_target_of(object);
	if (OidIsValid(target))
		crm_score_mark_stale(target);
}

void
crm_score_ddl_init(void)
{
	previous_hook = object_access_hook;
	object_access_hook = partition_guard;
}
