/*-------------------------------------------------------------------------
 *
 * guard.c
 *		The ledger is only appended to.
 *
 * Triggers refuse UPDATE, DELETE and TRUNCATE of its tables.  Against their
 * being dropped there is a hook, for no event trigger of the extension's own
 * fires on sql_drop while the extension goes.  The hook comes with the
 * library; an event trigger on ddl_command_start sees that it is loaded.
 *
 * The guard is lifted only around C code that prunes or redacts, so that no
 * statement can leave it lifted.  A superuser can disable the triggers; the
 * verification of the ledger finds what he did.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "gate/gate.h"
#include "guc.h"
#include "ledger/guard.h"
#include "ledger/ledger.h"

PG_FUNCTION_INFO_V1(crmaudit_ledger_guard);
PG_FUNCTION_INFO_V1(crmaudit_load_drop_guard);

static bool is_lifted = false;
static object_access_hook_type previous_hook = NULL;

void
crm_guard_lift(void (*work) (void *), void *arg)
{
	bool		before = is_lifted;

	is_lifted = true;
	PG_TRY();
	{
		work(arg);
	}
	PG_FINALLY();
	{
		is_lifted = before;
	}
	PG_END_TRY();
}

static const char *
event_word(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "UPDATE";
	return TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

/*
 * crmaudit.ledger_guard(): the triggers ledger_guard, BEFORE UPDATE OR DELETE
 * FOR EACH ROW, and ledger_guard_truncate, BEFORE TRUNCATE.
 */
Datum
crmaudit_ledger_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	crm_trigger_check(fcinfo, "ledger_guard", "BEFORE",
					  CALLED_AS_TRIGGER(fcinfo) &&
					  TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event) ?
					  "STATEMENT" : "ROW");
	if (!is_lifted)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s of relation \"%s\" is refused",
						event_word(trigdata->tg_event),
						RelationGetRelationName(trigdata->tg_relation)),
				 errdetail("It is a part of the ledger, which is only appended to."),
				 errhint("crmaudit.redact() erases personal values, crmaudit.prune_ledger() old months.")));
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		return PointerGetDatum(trigdata->tg_newtuple);
	return PointerGetDatum(TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ?
						   trigdata->tg_trigtuple : NULL);
}

/* Whether a relation is a table of the ledger, by its name. */
static bool
is_ledger_table(Oid relid)
{
	char	   *relname = get_rel_name(relid);
	char	   *namespace;

	if (relname == NULL || strncmp(relname, "ledger_", strlen("ledger_")) != 0)
		return false;
	namespace = get_namespace_name(get_rel_namespace(relid));
	return namespace != NULL && strcmp(namespace, "crmaudit") == 0;
}

/* Whether a table, which is locked, has a row. */
static bool
has_rows(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	bool		result = table_scan_getnextslot(scan, ForwardScanDirection, slot);

	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return result;
}

/*
 * Refuses to drop a table of the ledger, or a column of it, while it has rows.
 * Called for each object, whatever the command was.
 *
 * Where the extension is dropped and created in one transaction, as pg_restore
 * --clean --single-transaction does, the new ledger begins anew.  Not so in a
 * subtransaction, which may be rolled back.
 */
static void
drop_guard(ObjectAccessType access, Oid class, Oid object, int column,
		   void *arg)
{
	char		kind;

	if (previous_hook)
		previous_hook(access, class, object, column, arg);
	if (access != OAT_DROP || class != RelationRelationId || is_lifted ||
		!is_ledger_table(object))
		return;
	kind = get_rel_relkind(object);
	if (kind == RELKIND_PARTITIONED_TABLE && column == 0 &&
		GetCurrentTransactionNestLevel() == 1)
		crm_ledger_forget();
	if (kind != RELKIND_RELATION || crm_guc_drop_ledger || !has_rows(object))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the ledger cannot be dropped while it holds entries"),
			 errdetail("Relation \"%s\" has rows.", get_rel_name(object)),
			 errhint("crmaudit.prune_ledger() drops old months. To give up the ledger: SET crmaudit.drop_ledger = on;")));
}

/*
 * crmaudit.load_drop_guard(): that it can be called says that the library is
 * loaded.
 */
Datum
crmaudit_load_drop_guard(PG_FUNCTION_ARGS)
{
	PG_RETURN_VOID();
}

void
crm_guard_init(void)
{
	previous_hook = object_access_hook;
	object_access_hook = drop_guard;
}
