/*-------------------------------------------------------------------------
 *
 * history.h
 *		Reading the ledger: what the functions that do it share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_HISTORY_H
#define CRM_HISTORY_H

#include "utils/array.h"
#include "utils/jsonb.h"

#include "row_key.h"

/* A table that is, or once was, tracked. */
typedef struct HistoryTable
{
	Oid			target;			/* the tracked table */
	int32		table_id;
	TimestampTz tracked_at;
	TimestampTz baselined_at;	/* DT_NOBEGIN: never */
	char	  **key;
	int			nkey;
	char	  **hashed_key;
	int			nhashed_key;
	char	  **exclude;
	int			nexclude;
} HistoryTable;

/* Whose rights were in force before the ledger's owner's. */
typedef struct HistoryRights
{
	Oid			userid;
	int			security;
} HistoryRights;

/*
 * The tracked table that a relation is, or is a partition of.  Raises an error
 * if there is none.
 */
extern HistoryTable *crm_history_table(Oid relid);

/* Whether a role may see the values of a column of a table. */
extern bool crm_history_may_see(Oid reader, Oid target, const char *column);

/*
 * The keys under which the ledger may have a row.  "clear", if it is not NULL,
 * becomes an object of the key's values as text, without those that were given
 * as digests.
 */
extern ArrayType *crm_history_keys(const HistoryTable *table, Jsonb *key,
								   Jsonb **clear);

/*
 * Reads as the ledger's owner.  What is run in between must be ours; an error
 * restores the rights with the transaction.
 */
extern void crm_history_enter(HistoryRights *rights);
extern void crm_history_leave(const HistoryRights *rights);

/* Whether the value of a key is the digest of an identifier. */
extern bool crm_history_is_digest(const JsonbValue *value);

/* An image by the names that its columns have now. */
extern Jsonb *crm_history_current_names(Jsonb *image, TimestampTz at,
										int nrenamed,
										const TimestampTz *renamed_at,
										Jsonb *const *renamed);

/* The names that an entry S says columns were given: {"old": "new"}. */
extern bool crm_history_renamed(Jsonb *details, Datum *names);

/* A key by the names that its columns had before they were given those. */
extern Jsonb *crm_history_former_names(Jsonb *key, Jsonb *names);

#endif							/* CRM_HISTORY_H */
