/*-------------------------------------------------------------------------
 *
 * history_fold.h
 *		Rows as they were, folded from the entries of the ledger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_HISTORY_FOLD_H
#define CRM_HISTORY_FOLD_H

#include "ledger/history.h"

/* What the entries of a row tell of it. */
typedef enum FoldStatus
{
	FOLD_UNKNOWN,				/* nothing */
	FOLD_ABSENT,				/* it was not there */
	FOLD_PRESENT
} FoldStatus;

/* A column of the row. */
typedef struct FoldField
{
	const char *name;
	int			size;
	bool		is_unknown;		/* not recorded, or erased */
	bool		is_null;
	JsonbValue	value;
} FoldField;

/* An entry of a row. */
typedef struct FoldEntry
{
	TimestampTz at;
	uint64		xid;
	int32		ord;
	char		op;
	Jsonb	   *old;
	Jsonb	   *new;
	Jsonb	   *commitments;
} FoldEntry;

typedef struct FoldEvent FoldEvent;

typedef struct Fold
{
	TimestampTz at;				/* the time that is asked for */
	MemoryContext context;		/* of what lasts */
	int			nevents;		/* of the table as a whole */
	FoldEvent  *events;
	int			nrenamed;
	TimestampTz *renamed_at;
	Jsonb	  **renamed;

	/* the row */
	FoldStatus	status;
	bool		is_partial;		/* fields may be missing */
	int			nfields;
	FoldField  *fields;

	/* how far it is folded */
	bool		is_done;
	int			next_event;
	char	  **exclude;		/* columns not recorded at this point */
	int			nexclude;
	int			size;			/* of the array of fields */
	int			nkept;			/* entries that memory is held of */
	MemoryContext memory;		/* of the fields */
	MemoryContext spare;
} Fold;

/* An empty fold for a table, in the current memory context. */
extern Fold *crm_fold_create(TimestampTz at);

/*
 * Adds what happened to the table as a whole: an entry S, or a T that emptied
 * all of it.  In order, and all before the first row.
 */
extern void crm_fold_event(Fold *fold, const FoldEntry *entry);
extern void crm_fold_events_done(Fold *fold);

/* Whether the table was tracked at the time, as far as the events tell. */
extern bool crm_fold_is_tracked(const Fold *fold);

/* A row: its entries, in order, also those after the time if they matter. */
extern void crm_fold_begin(Fold *fold);
extern void crm_fold_add(Fold *fold, const FoldEntry *entry);
extern void crm_fold_end(Fold *fold);

/* After the end: what the row's key, by present names, tells of columns. */
extern void crm_fold_key(Fold *fold, Jsonb *key);

extern FoldField *crm_fold_find(const Fold *fold, const char *name, int size);

#endif							/* CRM_HISTORY_FOLD_H */
