/*-------------------------------------------------------------------------
 *
 * capture.c
 *		From changes of rows to entries of the ledger.
 *
 * zz_crmaudit_ledger (AFTER ROW) makes an entry of each row written, hashes
 * it and hands it to the buffer.  Entries of a transaction are counted from
 * 1, without gaps: what an aborted subtransaction had counted is counted
 * again.
 *
 * Memory: a context that is reset for every row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog_scan.h"
#include "compat.h"
#include "gate/gate.h"
#include "guc.h"
#include "ledger/capture.h"
#include "ledger/guard.h"
#include "ledger/leaf.h"
#include "ledger/ledger_write.h"

PG_FUNCTION_INFO_V1(crmaudit_capture);
PG_FUNCTION_INFO_V1(crmaudit_capture_truncate);
PG_FUNCTION_INFO_V1(crmaudit_record_rows);
PG_FUNCTION_INFO_V1(crmaudit_record_schema_entry);

/* Random bytes taken from the operating system at once. */
#define SALTS_AT_ONCE	64

/* A subtransaction's first entry, for the count to go back to. */
typedef struct OrdMark
{
	SubTransactionId subid;
	int32		ord;			/* entries before it */
} OrdMark;

/* What the present transaction has captured. */
static struct
{
	int64		incarnation;	/* 0: no entry yet */
	uint64		xid;
	int32		ord;
	OrdMark    *marks;
	int			nmarks;
	int			marks_size;
}			transaction;

/* The whole-table TRUNCATE that is going on, if any. */
static Oid	truncating = InvalidOid;
static CommandId truncating_command;

static MemoryContext row_context = NULL;

bool
crm_ledger_has_entries(void)
{
	return transaction.ord > 0;
}

static void
transaction_begin(void)
{
	int64		incarnation = crm_ledger_incarnation();

	transaction.xid = U64FromFullTransactionId(GetTopFullTransactionId());
	transaction.ord = 0;
	transaction.nmarks = 0;
	transaction.marks_size = 8;
	transaction.marks = MemoryContextAlloc(TopTransactionContext,
										   transaction.marks_size * sizeof(OrdMark));
	/* last: it says that all else is there */
	transaction.incarnation = incarnation;
}

/* The next number, which an abort of the subtransaction takes back. */
static int32
next_ord(void)
{
	SubTransactionId subid = GetCurrentSubTransactionId();

	if (transaction.nmarks == 0 ||
		transaction.marks[transaction.nmarks - 1].subid != subid)
	{
		if (transaction.nmarks == transaction.marks_size)
		{
			transaction.marks =
				repalloc_huge(transaction.marks,
							  2 * transaction.marks_size * sizeof(OrdMark));
			transaction.marks_size *= 2;
		}
		transaction.marks[transaction.nmarks].subid = subid;
		transaction.marks[transaction.nmarks].ord = transaction.ord;
		transaction.nmarks++;
	}
	return ++transaction.ord;
}

/* Sixteen random bytes, valid until the next call. */
static const uint8 *
new_salt(void)
{
	static uint8 salts[SALTS_AT_ONCE][CRM_SALT_BYTES];
	static uint8 salt[CRM_SALT_BYTES];
	static int	used = SALTS_AT_ONCE;

	if (used == SALTS_AT_ONCE)
	{
		if (!pg_strong_random(salts, sizeof(salts)))
			elog(ERROR, "could not generate random values");
		used = 0;
	}
	memcpy(salt, salts[used], CRM_SALT_BYTES);
	/* a secret is not left lying about */
	memset(salts[used++], 0, CRM_SALT_BYTES);
	return salt;
}

void
crm_capture_entry(int32 table_id, Oid target, char op, Jsonb *row_key,
				  Jsonb *old, Jsonb *new, ArrayType *personal)
{
	LedgerEntry entry;
	const CurrentContext *context;

	if (transaction.incarnation == 0)
		transaction_begin();
	memset(&entry, 0, sizeof(entry));
	entry.incarnation = transaction.incarnation;
	entry.xid = transaction.xid;
	if (GetCurrentTransactionNestLevel() > 1)
		entry.subxid = U64FromFullTransactionId(GetCurrentFullTransactionId());
	entry.at = GetCurrentTimestamp();
	entry.table_id = table_id;
	entry.target = target;
	entry.ord = next_ord();
	entry.op = op;
	entry.row_key = row_key;
	entry.old = old;
	entry.new = new;
	entry.personal = personal;
	if (personal)
		entry.salt = new_salt();
	context = crm_context_current(entry.incarnation, entry.xid, entry.at);
	entry.context = context->number;
	entry.context_xid = context->xid;
	entry.actor = context->actor;
	entry.reason = context->reason;
	entry.client = context->client;
	crm_leaf_hash(&entry, context->leaf, entry.leaf);
	crm_ledger_buffer_entry(&entry);
}

/* An entry that holds a whole row: of INSERT, DELETE, baseline. */
void
crm_capture_row(TrackedTable *table, char op, TupleTableSlot *slot)
{
	bool		personal = false;
	Jsonb	   *image;

	slot_getsomeattrs(slot, table->max_attnum);
	image = crm_image_make(&table->image, slot, NULL, &personal);
	crm_capture_entry(table->table_id, table->target, op,
					  crm_row_key(&table->key, slot),
					  op == CRM_OP_DELETE ? image : NULL,
					  op == CRM_OP_DELETE ? NULL : image,
					  personal ? table->personal : NULL);
}

/* An UPDATE: the columns that changed; a new key makes it another row. */
static void
capture_update(TrackedTable *table, TupleTableSlot *old, TupleTableSlot *new)
{
	bool		personal = false;
	bool		key_changed = false;
	Jsonb	   *before;
	Jsonb	   *after;

	slot_getsomeattrs(old, table->max_attnum);
	slot_getsomeattrs(new, table->max_attnum);
	if (!crm_image_compare(&table->image, old, new, table->marked))
		return;
	for (int i = 0; i < table->image.ncolumns; i++)
		key_changed |= table->marked[i] && table->is_key[i];
	if (key_changed)
	{
		crm_capture_row(table, CRM_OP_DELETE, old);
		crm_capture_row(table, CRM_OP_INSERT, new);
		return;
	}
	before = crm_image_make(&table->image, old, table->marked, &personal);
	after = crm_image_make(&table->image, new, table->marked, &personal);
	crm_capture_entry(table->table_id, table->target, CRM_OP_UPDATE,
					  crm_row_key(&table->key, new), before, after,
					  personal ? table->personal : NULL);
}

/* Switches to the context of a row, emptied. */
static MemoryContext
row_begin(void)
{
	if (row_context == NULL)
		row_context = AllocSetContextCreate(TopMemoryContext,
											"crmaudit ledger row",
											ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(row_context);
	return MemoryContextSwitchTo(row_context);
}

static void
require_reason(const TrackedTable *table)
{
	if (!table->require_reason || (crm_guc_reason && crm_guc_reason[0]))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("a change of relation \"%s\" needs a reason",
					get_rel_name(table->target)),
			 errhint("Say why: SET LOCAL crmaudit.reason = '...';")));
}

/*
 * crmaudit.capture(): the AFTER ROW trigger zz_crmaudit_ledger.  A table
 * whose row in tracked_table is not there, as in the middle of a restore, is
 * not recorded; crmaudit.health tells of it.  The extension's own tables have
 * their triggers before a dump's rows come: they are not recorded until the
 * ledger itself is there.
 */
Datum
crmaudit_capture(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	TrackedEntry *entry = fcinfo->flinfo ? fcinfo->flinfo->fn_extra : NULL;
	TrackedTable *table;
	MemoryContext old;

	if (entry == NULL)
	{
		crm_trigger_check(fcinfo, "capture", "AFTER", "ROW");
		entry = crm_tracked_entry(RelationGetRelid(trigdata->tg_relation));
		if (fcinfo->flinfo)
			fcinfo->flinfo->fn_extra = entry;
	}
	table = crm_tracked_get(entry, trigdata->tg_relation);
	if (table == NULL ||
		(table->table_id <= CRM_OWN_TABLES && crm_ledger_is_restored()))
		return PointerGetDatum(NULL);
	require_reason(table);
	old = row_begin();
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		crm_capture_row(table, CRM_OP_INSERT, trigdata->tg_trigslot);
	else if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		crm_capture_row(table, CRM_OP_DELETE, trigdata->tg_trigslot);
	else
		capture_update(table, trigdata->tg_trigslot, trigdata->tg_newslot);
	MemoryContextSwitchTo(old);
	return PointerGetDatum(NULL);
}

/* Captures all rows of one relation, and counts them. */
int64
crm_capture_relation(Relation rel, char op)
{
	TrackedTable *table = crm_tracked_lookup(rel);
	TupleTableSlot *slot;
	TableScanDesc scan;
	Snapshot	snapshot;
	int64		count = 0;

	if (table == NULL)
		return 0;
	slot = table_slot_create(rel, NULL);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = table_beginscan(rel, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		old = row_begin();
		crm_capture_row(table, op, slot);
		MemoryContextSwitchTo(old);
		count++;
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	return count;
}

/* Whether this TRUNCATE empties the whole tracked table. */
static bool
truncates_all(Oid relid, Oid target)
{
	if (relid == target)
	{
		truncating = target;
		truncating_command = GetCurrentCommandId(false);
		return true;
	}
	return truncating == target &&
		truncating_command == GetCurrentCommandId(false);
}

/*
 * crmaudit.capture_truncate(): the BEFORE TRUNCATE trigger
 * zz_crmaudit_ledger_truncate.  The whole table gives one entry T; a
 * partition alone gives an entry D for each of its rows.
 */
Datum
crmaudit_capture_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	TrackedTable *table;

	crm_trigger_check(fcinfo, "capture_truncate", "BEFORE", "STATEMENT");
	rel = trigdata->tg_relation;
	table = crm_tracked_lookup(rel);
	if (table == NULL)
		return PointerGetDatum(NULL);
	require_reason(table);
	if (!truncates_all(RelationGetRelid(rel), table->target))
		(void) crm_capture_relation(rel, CRM_OP_DELETE);
	else if (RelationGetRelid(rel) == table->target)
		crm_capture_entry(table->table_id, table->target, CRM_OP_TRUNCATE,
						  NULL, NULL, NULL, NULL);
	return PointerGetDatum(NULL);
}

/*
 * crmaudit.record_rows(target regclass) returns bigint: an entry B for each
 * row there is, its partitions' included.  Nobody writes meanwhile: a change
 * that commits later would seem to have come before.  Needs SELECT on the
 * table.
 */
Datum
crmaudit_record_rows(PG_FUNCTION_ARGS)
{
	Oid			target = PG_GETARG_OID(0);
	List	   *relations;
	int64		count = 0;
	ListCell   *cell;

	PreventCommandIfReadOnly("crmaudit.record_rows()");
	/* whoever may not read the table must not read it in the ledger */
	if (pg_class_aclcheck(target, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(get_rel_relkind(target)),
					   get_rel_name(target));
	/* find_all_inheritors() locks what is below it only */
	LockRelationOid(target, ShareRowExclusiveLock);
	relations = find_all_inheritors(target, ShareRowExclusiveLock, NULL);
	foreach(cell, relations)
	{
		Oid			relid = lfirst_oid(cell);
		Relation	rel;

		/* a child by inheritance is a table of its own */
		if (relid != target && !get_rel_relispartition(relid))
			continue;
		rel = relation_open(relid, NoLock);
		if (rel->rd_rel->relkind == RELKIND_RELATION)
			count += crm_capture_relation(rel, CRM_OP_BASELINE);
		relation_close(rel, NoLock);
	}
	PG_RETURN_INT64(count);
}

/* The table that an id stands for; InvalidOid if it was dropped. */
static Oid
table_of_id(int32 table_id)
{
	CatalogScan scan;
	bool		isnull = true;
	Datum		target = (Datum) 0;

	if (crm_catalog_scan_begin(&scan, "tracked_table", "tracked_table_pkey",
							   "table_id", F_INT4EQ, Int32GetDatum(table_id)))
	{
		if (crm_catalog_scan_next(&scan))
			target = crm_catalog_get(&scan, "target", &isnull);
		crm_catalog_scan_end(&scan);
	}
	return isnull ? InvalidOid : DatumGetObjectId(target);
}

/*
 * crmaudit.record_schema_entry(table_id int, details jsonb): an entry S.  What
 * pg_restore makes is no change.
 */
Datum
crmaudit_record_schema_entry(PG_FUNCTION_ARGS)
{
	int32		table_id = PG_GETARG_INT32(0);

	PreventCommandIfReadOnly("crmaudit.record_schema_entry()");
	if (crm_ledger_is_restored())
		PG_RETURN_VOID();
	crm_capture_entry(table_id, table_of_id(table_id), CRM_OP_SCHEMA,
					  NULL, NULL, PG_GETARG_JSONB_P(1), NULL);
	PG_RETURN_VOID();
}

static void
transaction_end(bool committed)
{
	memset(&transaction, 0, sizeof(transaction));
	truncating = InvalidOid;
	crm_ledger_buffer_forget();
	crm_context_xact_end(committed);
}

void
crm_ledger_forget(void)
{
	transaction_end(false);
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			crm_ledger_flush();
			crm_ledger_buffer_bypass();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			transaction_end(event == XACT_EVENT_COMMIT);
			break;
		default:
			break;
	}
}

/*
 * Forgets what an aborted subtransaction did.  While one is ending, every
 * greater id belongs to one nested in it.
 */
static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	truncating = InvalidOid;
	if (transaction.incarnation == 0)
		return;
	crm_ledger_buffer_abort(subid);
	crm_context_subxact_abort(subid);
	while (transaction.nmarks > 0 &&
		   transaction.marks[transaction.nmarks - 1].subid >= subid)
		transaction.ord = transaction.marks[--transaction.nmarks].ord;
}

void
crm_ledger_init(void)
{
	crm_incarnation_init();
	crm_tracked_init();
	crm_ledger_buffer_init();
	crm_guard_init();
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}
