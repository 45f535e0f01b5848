/*-------------------------------------------------------------------------
 *
 * verify_fold.c
 *		Entries of single rows, folded to what the ledger says of the row, and
 *		held against the row that is there.
 *
 * Entries and rows are sorted together, by table and row, a row after its
 * entries.  The fold knows of each column the hash of its value, not the
 * value.
 *
 * Entries of one transaction may be out of order: an AFTER trigger that
 * changes the row once more has its entry written before that of the change
 * that fired it.  So two accounts are kept: what the entries say in their
 * order, and the sum of all new values less all old ones, which no order can
 * disturb.  A row that agrees with either is as recorded.
 *
 * Memory: the sort takes work_mem, the fold a few words for each column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "compat.h"
#include "ledger/verify_live.h"

typedef enum SortColumn
{
	SORT_TABLE,					/* index in run->tables */
	SORT_FIRST,					/* the row's identity */
	SORT_SECOND,
	SORT_AT,
	SORT_XID,
	SORT_ORD,
	SORT_KEYS,					/* the above are what is sorted by */
	SORT_OP = SORT_KEYS,
	SORT_SUSPECT,
	SORT_ROW_KEY,
	SORT_PAYLOAD,
	SORT_COLUMNS
} SortColumn;

/* In place of an entry's op: the row that is there. */
#define OP_LIVE			'L'

/* What an UPDATE did to a column. */
typedef struct ColumnDelta
{
	uint64		new;
	uint64		old;
	int64		column;
} ColumnDelta;

struct LiveSort
{
	LiveRun    *run;
	Tuplesortstate *sort;
	TupleDesc	desc;
	TupleTableSlot *slot;
	uint64	   *new;			/* scratch, as long as the widest table */
	uint64	   *old;
	bytea	   *payload;
};

/* What is known of a column. */
typedef struct ColumnState
{
	bool		is_known;
	uint64		value;			/* by the order of entries */
	uint64		sum;			/* by no order */
	uint64		live;
} ColumnState;

/* What is known of a row. */
typedef struct RowState
{
	LiveTable  *table;
	RowIdentity identity;
	bool		is_suspect;
	bool		has_image;		/* all its columns have been recorded */
	bool		exists;			/* by the order of entries */
	int64		count;			/* by no order */
	int64		live;			/* rows that are there */
	int			next_unknown;
	char		last_op;
	LedgerPosition last;		/* entry; at = DT_NOBEGIN: none */
	LedgerPosition key_position;	/* whose names row_key has */
	Jsonb	   *row_key;
	ColumnState *columns;
} RowState;

LiveSort *
crm_live_sort_begin(LiveRun *run)
{
	AttrNumber	keys[SORT_KEYS] = {1, 2, 3, 4, 5, 6};
	Oid			operators[SORT_KEYS] = {
		Int4LessOperator, Int8LessOperator, Int8LessOperator,
		Int8LessOperator, Int8LessOperator, Int4LessOperator
	};
	static const Oid types[SORT_COLUMNS] = {
		INT4OID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID,
		CHAROID, BOOLOID, BYTEAOID, BYTEAOID
	};
	Oid			collations[SORT_KEYS] = {0};
	bool		nulls_first[SORT_KEYS] = {0};
	LiveSort   *sort = palloc0(sizeof(LiveSort));
	int			widest = 1;

	sort->run = run;
	sort->desc = CreateTemplateTupleDesc(SORT_COLUMNS);
	for (int i = 0; i < SORT_COLUMNS; i++)
		TupleDescInitEntry(sort->desc, i + 1, NULL, types[i], -1, 0);
	sort->slot = MakeSingleTupleTableSlot(sort->desc, &TTSOpsMinimalTuple);
	sort->sort = tuplesort_begin_heap(sort->desc, SORT_KEYS,
									  keys, operators, collations, nulls_first,
									  work_mem, NULL, TUPLESORT_NONE);
	for (int i = 0; i < run->ntables; i++)
		widest = Max(widest, run->tables[i].ncolumns);
	sort->new = palloc(widest * sizeof(uint64));
	sort->old = palloc(widest * sizeof(uint64));
	sort->payload = palloc(VARHDRSZ + widest * sizeof(ColumnDelta));
	return sort;
}

static void
sort_put(LiveSort *sort, LiveTable *table, const RowIdentity *identity,
		 const LedgerPosition *position, char op, bool is_suspect,
		 Jsonb *row_key)
{
	Datum		values[SORT_COLUMNS];
	bool		nulls[SORT_COLUMNS] = {0};
	MinimalTuple tuple;

	values[SORT_TABLE] = Int32GetDatum(table - sort->run->tables);
	values[SORT_FIRST] = Int64GetDatum((int64) identity->first);
	values[SORT_SECOND] = Int64GetDatum((int64) identity->second);
	values[SORT_AT] = Int64GetDatum(position->at);
	values[SORT_XID] = Int64GetDatum((int64) position->xid);
	values[SORT_ORD] = Int32GetDatum(position->ord);
	values[SORT_OP] = CharGetDatum(op);
	values[SORT_SUSPECT] = BoolGetDatum(is_suspect);
	values[SORT_ROW_KEY] = PointerGetDatum(row_key);
	values[SORT_PAYLOAD] = PointerGetDatum(sort->payload);
	tuple = heap_form_minimal_tuple(sort->desc, values, nulls);
	ExecStoreMinimalTuple(tuple, sort->slot, true);
	tuplesort_puttupleslot(sort->sort, sort->slot);
	ExecClearTuple(sort->slot);
}

static void
payload_set(LiveSort *sort, const void *data, Size size)
{
	SET_VARSIZE(sort->payload, VARHDRSZ + size);
	memcpy(VARDATA(sort->payload), data, size);
}

static bool
is_suspect(LiveRun *run, LiveTable *table, Jsonb *row_key)
{
	return run->suspects &&
		crm_suspects_has(run->suspects, table->table_id,
						 crm_key_hash(table->table_id, row_key));
}

/* Has an entry sorted that has a key.  In the row's memory context. */
void
crm_live_sort_entry(LiveSort *sort, LiveTable *table, const LiveEntry *entry,
					const RowIdentity *identity, NameMap *names)
{
	LiveRun    *run = sort->run;
	int			count = 0;
	ColumnDelta *deltas;

	crm_live_image(run, table, names, entry->new, sort->new);
	crm_live_image(run, table, names, entry->old, sort->old);
	if (entry->commitments)
	{
		crm_live_redacted(table, names, entry->commitments, "new", sort->new);
		crm_live_redacted(table, names, entry->commitments, "old", sort->old);
	}
	if (table->has_oids && is_foreign(run, entry))
	{
		crm_live_foreign(table, sort->new);
		crm_live_foreign(table, sort->old);
	}
	switch (entry->op)
	{
		case CRM_OP_INSERT:
		case CRM_OP_BASELINE:
			payload_set(sort, sort->new, table->ncolumns * sizeof(uint64));
			break;
		case CRM_OP_DELETE:
			payload_set(sort, sort->old, table->ncolumns * sizeof(uint64));
			break;
		case CRM_OP_UPDATE:
			deltas = (ColumnDelta *) palloc((table->ncolumns + 1) * sizeof(ColumnDelta));
			for (int i = 0; i < table->ncolumns; i++)
			{
				if (sort->new[i] == VALUE_ABSENT && sort->old[i] == VALUE_ABSENT)
					continue;
				deltas[count].new = sort->new[i];
				deltas[count].old = sort->old[i];
				deltas[count++].column = i;
			}
			payload_set(sort, deltas, count * sizeof(ColumnDelta));
			break;
		default:
			return;
	}
	sort_put(sort, table, identity, &entry->position, entry->op,
			 is_suspect(run, table, entry->row_key), entry->row_key);
}

/* Has a row sorted that is there.  In the row's memory context. */
void
crm_live_sort_row(LiveSort *sort, LiveTable *table, const RowIdentity *identity,
				  Jsonb *row_key, const uint64 *hashes)
{
	LedgerPosition position = {DT_NOEND, 0, 0};

	payload_set(sort, hashes, table->ncolumns * sizeof(uint64));
	sort_put(sort, table, identity, &position, OP_LIVE,
			 is_suspect(sort->run, table, row_key), row_key);
}

/* Reports a row. */
static void
row_fault(LiveSort *sort, RowState *row, const char *detail)
{
	Fault		fault;

	memset(&fault, 0, sizeof(fault));
	fault.status = "UNAUDITED_WRITE";
	fault.target = row->table->target;
	if (row->last.at != DT_NOBEGIN)
	{
		fault.xid = row->last.xid;
		fault.ord = row->last.ord;
	}
	fault.row_key = crm_live_key_now(row->table,
									 crm_live_names(row->table,
													row->live > 0 ? NULL : &row->key_position),
									 row->row_key);
	fault.detail = unconstify(char *, detail);
	crm_fault_add(sort->run->faults, &fault);
}

/* Several rows have one key: only the sums can tell. */
static void
judge_many(LiveSort *sort, RowState *row)
{
	bool		same = row->count == row->live;

	if (!row->table->has_baseline)
		return;
	for (int i = 0; same && i < row->table->ncolumns; i++)
		same = !row->columns[i].is_known ||
			row->columns[i].sum == row->columns[i].live;
	if (!same)
		row_fault(sort, row,
				  psprintf("the %lld rows with this key are not as recorded",
						   (long long) row->live));
}

static void
judge_columns(LiveSort *sort, RowState *row)
{
	RowImage   *image = &row->table->tracked->image;
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < row->table->ncolumns; i++)
	{
		ColumnState *column = &row->columns[i];

		if (!column->is_known || column->live == column->value ||
			column->live == column->sum)
			continue;
		if (names.len > 0)
			appendStringInfoString(&names, ", ");
		appendStringInfoString(&names, image->columns[i].name);
	}
	if (names.len > 0)
		row_fault(sort, row, psprintf("columns differ from the last recorded image: %s",
									  names.data));
}

/* The end of a row's entries. */
static void
row_judge(LiveSort *sort, RowState *row)
{
	if (row->is_suspect)
		return;
	if (row->live == 0)
	{
		if (row->has_image && row->exists && row->count != 0 &&
			!row->table->lacks_rows)
			row_fault(sort, row, "the row was recorded and is not there");
	}
	else if (row->live > 1)
		judge_many(sort, row);
	else if (!row->has_image)
	{
		if (row->table->has_baseline)
			row_fault(sort, row, row->last_op == CRM_OP_DELETE ?
					  "the row was recorded as deleted and is there" :
					  "no entry recorded that the row was inserted");
	}
	else if (!row->exists && row->count != 1)
		row_fault(sort, row, "the row was recorded as deleted and is there");
	else
		judge_columns(sort, row);
}

static void
row_begin(RowState *row, LiveTable *table, const RowIdentity *identity)
{
	ColumnState *columns = row->columns;

	memset(row, 0, sizeof(RowState));
	row->columns = columns;
	row->table = table;
	row->identity = *identity;
	row->last.at = DT_NOBEGIN;
	for (int i = 0; i < table->ncolumns; i++)
	{
		memset(&columns[i], 0, sizeof(ColumnState));
		columns[i].is_known = true;
	}
}

/* Columns whose values changed, before a position, without an entry. */
static void
row_forget(RowState *row, const LedgerPosition *position)
{
	LiveTable  *table = row->table;

	while (row->next_unknown < table->nunknown &&
		   position_compare(&table->unknown[row->next_unknown].position,
							position) < 0)
		row->columns[table->unknown[row->next_unknown++].column].is_known = false;
}

/* The entry that has the whole row: INSERT, DELETE, baseline. */
static void
row_image(RowState *row, char op, const LedgerPosition *position,
		  const uint64 *hashes)
{
	/* a baseline of rows that share their key has an entry for each */
	bool		restarts = op == CRM_OP_BASELINE &&
	!(row->last_op == CRM_OP_BASELINE && row->last.xid == position->xid);

	if (op != CRM_OP_DELETE)
		row->has_image = true;
	row->exists = op != CRM_OP_DELETE;
	/* it was not known whether the row was there */
	if (restarts || (row->count < 0 && row->last.xid != position->xid))
		row->count = 0;
	row->count += op == CRM_OP_DELETE ? -1 : 1;
	for (int i = 0; i < row->table->ncolumns; i++)
	{
		ColumnState *column = &row->columns[i];

		column->is_known = hashes[i] != VALUE_UNKNOWN || op == CRM_OP_DELETE;
		column->value = op == CRM_OP_DELETE ? VALUE_ABSENT : hashes[i];
		if (restarts)
			column->sum = 0;
		column->sum += op == CRM_OP_DELETE ? -hashes[i] : hashes[i];
	}
}

static void
row_update(RowState *row, const ColumnDelta *deltas, int count)
{
	for (int i = 0; i < count; i++)
	{
		ColumnState *column = &row->columns[deltas[i].column];

		column->is_known = deltas[i].new != VALUE_UNKNOWN;
		column->value = deltas[i].new;
		column->sum += deltas[i].new - deltas[i].old;
	}
}

/* Adds what was sorted to what is known of its row. */
static void
row_add(RowState *row, char op, const LedgerPosition *position,
		const void *payload, Size size)
{
	row_forget(row, position);
	switch (op)
	{
		case OP_LIVE:
			row->live++;
			for (int i = 0; i < row->table->ncolumns; i++)
				row->columns[i].live += ((const uint64 *) payload)[i];
			return;
		case CRM_OP_UPDATE:
			row_update(row, payload, size / sizeof(ColumnDelta));
			break;
		default:
			row_image(row, op, position, payload);
			break;
	}
	row->last_op = op;
	row->last = *position;
}

/* Reads what was sorted. */
static void
sorted_read(LiveSort *sort, RowIdentity *identity, LedgerPosition *position,
			int *table, char *op)
{
	Datum	   *values = sort->slot->tts_values;

	slot_getallattrs(sort->slot);
	*table = DatumGetInt32(values[SORT_TABLE]);
	*op = DatumGetChar(values[SORT_OP]);
	identity->first = (uint64) DatumGetInt64(values[SORT_FIRST]);
	identity->second = (uint64) DatumGetInt64(values[SORT_SECOND]);
	position->at = DatumGetInt64(values[SORT_AT]);
	position->xid = (uint64) DatumGetInt64(values[SORT_XID]);
	position->ord = DatumGetInt32(values[SORT_ORD]);
}

static void
key_keep(RowState *row, MemoryContext memory, Datum key,
		 const LedgerPosition *position)
{
	MemoryContext old = MemoryContextSwitchTo(memory);

	if (row->row_key)
		pfree(row->row_key);
	row->row_key = (Jsonb *) PG_DETOAST_DATUM_COPY(key);
	row->key_position = *position;
	MemoryContextSwitchTo(old);
}

/* Sorts, folds, and reports what differs. */
void
crm_live_sort_judge(LiveSort *sort)
{
	LiveRun    *run = sort->run;
	RowState	row;
	bool		has_row = false;
	int			widest = 1;
	void	   *aligned;

	for (int i = 0; i < run->ntables; i++)
		widest = Max(widest, run->tables[i].ncolumns);
	memset(&row, 0, sizeof(row));
	row.columns = palloc(widest * sizeof(ColumnState));
	aligned = palloc(widest * sizeof(ColumnDelta));
	tuplesort_performsort(sort->sort);
	while (tuplesort_gettupleslot(sort->sort, true, false, sort->slot, NULL))
	{
		RowIdentity identity;
		LedgerPosition position;
		int			index;
		char		op;
		bytea	   *payload;
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(run->row_memory);
		old = MemoryContextSwitchTo(run->row_memory);
		sorted_read(sort, &identity, &position, &index, &op);
		if (!has_row || row.table != &run->tables[index] ||
			row.identity.first != identity.first ||
			row.identity.second != identity.second)
		{
			Jsonb	   *key = row.row_key;

			if (has_row)
				row_judge(sort, &row);
			if (key)
				pfree(key);
			row_begin(&row, &run->tables[index], &identity);
			has_row = true;
		}
		key_keep(&row, run->memory, sort->slot->tts_values[SORT_ROW_KEY],
				 &position);
		row.is_suspect |= DatumGetBool(sort->slot->tts_values[SORT_SUSPECT]);
		/* a copy, for in the sorted tuple it need not be aligned */
		payload = (bytea *) DatumGetPointer(sort->slot->tts_values[SORT_PAYLOAD]);
		memcpy(aligned, VARDATA_ANY(payload), VARSIZE_ANY_EXHDR(payload));
		row_add(&row, op, &position, aligned, VARSIZE_ANY_EXHDR(payload));
		MemoryContextSwitchTo(old);
	}
	if (has_row)
		row_judge(sort, &row);
	tuplesort_end(sort->sort);
	ExecDropSingleTupleTableSlot(sort->slot);
}
