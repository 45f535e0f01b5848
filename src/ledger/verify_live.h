/*-------------------------------------------------------------------------
 *
 * verify_live.h
 *		What the parts of the comparison of tables with the ledger share.
 *
 * Values are compared as seeded hashes of 64 bits, rows are named by hashes of
 * their keys of 128 bits; the seed is drawn for each run, so that nobody can
 * prepare a collision.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_VERIFY_LIVE_H
#define CRM_VERIFY_LIVE_H

#include "lib/bloomfilter.h"
#include "nodes/pg_list.h"

#include "ledger/tracked.h"
#include "ledger/verify.h"

/* In place of the hash of a value. */
#define VALUE_ABSENT	0		/* NULL */
#define VALUE_UNKNOWN	1		/* redacted */

/* Entries of a row, and of its table, come in this order. */
typedef struct LedgerPosition
{
	TimestampTz at;
	uint64		xid;
	int32		ord;
} LedgerPosition;

static inline int
position_compare(const LedgerPosition *a, const LedgerPosition *b)
{
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->xid != b->xid)
		return a->xid < b->xid ? -1 : 1;
	if (a->ord != b->ord)
		return a->ord < b->ord ? -1 : 1;
	return 0;
}

/* The name of a row. */
typedef struct RowIdentity
{
	uint64		first;
	uint64		second;
} RowIdentity;

/* An entry, as far as it is read here. */
typedef struct LiveEntry
{
	LedgerPosition position;
	int64		incarnation;
	int32		table_id;
	char		op;
	Jsonb	   *row_key;		/* this and what follows: NULL if there is
								 * none */
	Jsonb	   *old;
	Jsonb	   *new;
	Jsonb	   *commitments;
} LiveEntry;

/* What a name of an entry stands for now. */
typedef struct ColumnName
{
	char	   *name;
	int			size;
	int			column;			/* in image.columns; -1: none */
	int			key;			/* in key.columns; -1: none */
} ColumnName;

/* The names between two changes of a table's columns. */
typedef struct NameMap
{
	int			count;
	int			size;
	int			next;			/* likely to be asked for */
	ColumnName *names;
} NameMap;

/* An entry S that changed the columns. */
typedef struct ColumnChange
{
	LedgerPosition position;
	Jsonb	   *columns;		/* added, dropped, changed, renamed */
} ColumnChange;

/* From here on the value of a column is unknown, until it is recorded again. */
typedef struct UnknownColumn
{
	LedgerPosition position;
	int			column;
} UnknownColumn;

/* An entry S, until all of them are there. */
typedef struct SchemaEntry
{
	LedgerPosition position;
	Jsonb	   *details;
} SchemaEntry;

/* A tracked table during a run. */
typedef struct LiveTable
{
	int32		table_id;
	Oid			target;
	bool		is_builtin;
	bool		is_readable;
	bool		lacks_rows;		/* some cannot be read */
	bool		has_baseline;	/* every row is known */
	bool		has_oids;		/* some values are OIDs of this database */
	TimestampTz baselined_at;
	TrackedTable *tracked;
	List	   *relations;		/* OIDs of what holds its rows */
	List	   *images;			/* TrackedTable of each, which the cache may
								 * have replaced since */
	int			ncolumns;		/* of tracked->image */
	uint64	   *column_seeds;
	uint64	   *key_seeds;

	/* its history */
	List	   *schema_entries;
	int			nchanges;
	ColumnChange *changes;
	NameMap    *maps;			/* nchanges + 1 */
	int			nunknown;
	int			unknown_size;
	UnknownColumn *unknown;		/* in order */
	LedgerPosition start;		/* what is before does not count */
	TimestampTz known_since;	/* a baseline before does not count */

	/* first stage */
	int64		entries;
	bool		is_whole;		/* its sums say nothing */
	TimestampTz first_change;
	TimestampTz last_baseline;
	uint64		baseline_xid;
	uint64	   *sums;			/* nbuckets, 0 if all is well */

	/* second stage */
	bool		is_sorted;		/* some of its rows are */
	bloom_filter *keys;			/* rows that entries speak of */
} LiveTable;

/* A run of crm_verify_live(). */
typedef struct LiveRun
{
	MemoryContext memory;
	MemoryContext row_memory;	/* reset for each row */
	Snapshot	snapshot;
	Faults	   *faults;
	const SuspectKeys *suspects;
	int64		domain;
	uint64		seed;
	int			nbuckets;		/* a power of two */
	int			ntables;
	LiveTable  *tables;			/* by table_id */
	LiveTable  *last;			/* found last */
} LiveRun;

/* From verify_table.c: tracked tables. */
extern void crm_live_tables_load(LiveRun *run, Oid only_target);
extern LiveTable *crm_live_table_find(LiveRun *run, int32 table_id);

/* From verify_history.c: what became of them. */
extern void crm_live_schema_entry(LiveRun *run, LiveTable *table,
								  const LiveEntry *entry);
extern void crm_live_history(LiveTable *table);

/* From verify_hash.c */
extern void crm_live_seeds(LiveRun *run, LiveTable *table);
extern NameMap *crm_live_names(LiveTable *table,
							   const LedgerPosition *position);
extern int	crm_live_column(LiveTable *table, int epoch, const char *name,
							int size);
extern bool crm_live_identity(LiveRun *run, LiveTable *table, NameMap *names,
							  Jsonb *row_key, RowIdentity *identity);
extern void crm_live_image(LiveRun *run, LiveTable *table, NameMap *names,
						   Jsonb *image, uint64 *hashes);
extern void crm_live_redacted(LiveTable *table, NameMap *names,
							  Jsonb *commitments, const char *side,
							  uint64 *hashes);
extern void crm_live_foreign(LiveTable *table, uint64 *hashes);
extern void crm_live_row(LiveRun *run, LiveTable *table, TrackedTable *tracked,
						 TupleTableSlot *slot, uint64 *hashes);
extern Jsonb *crm_live_key_now(LiveTable *table, NameMap *names,
							   Jsonb *row_key);

/*
 * Whether an entry was written in another database than this, whose dump it
 * came with.
 */
static inline bool
is_foreign(const LiveRun *run, const LiveEntry *entry)
{
	return crm_incarnation_domain(entry->incarnation) != run->domain;
}

/* Makes each bit depend on all. */
static inline uint64
hash_mix(uint64 hash)
{
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xc4ceb9fe1a85ec53);
	hash ^= hash >> 33;
	return hash;
}

/* From verify_fold.c: the second stage. */
typedef struct LiveSort LiveSort;

extern LiveSort *crm_live_sort_begin(LiveRun *run);
extern void crm_live_sort_entry(LiveSort *sort, LiveTable *table,
								const LiveEntry *entry,
								const RowIdentity *identity, NameMap *names);
extern void crm_live_sort_row(LiveSort *sort, LiveTable *table,
							  const RowIdentity *identity, Jsonb *row_key,
							  const uint64 *hashes);
extern void crm_live_sort_judge(LiveSort *sort);

#endif							/* CRM_VERIFY_LIVE_H */
