/*-------------------------------------------------------------------------
 *
 * row_key.h
 *		The key of a row, as findings and the ledger name it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_ROW_KEY_H
#define CRM_ROW_KEY_H

#include "executor/tuptable.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

/* A column of the row key. */
typedef struct KeyColumn
{
	char	   *name;
	int			name_size;
	AttrNumber	attnum;
	Oid			typid;			/* below domains */
	FmgrInfo	output;
	bool		is_number;		/* shown as a json number */
	bool		is_hashed;		/* holds an identifier: stored as a digest */
} KeyColumn;

typedef struct RowKey
{
	int			ncolumns;
	KeyColumn  *columns;		/* in jsonb's order */
	AttrNumber	max_attnum;
	char	   *salt;			/* for hashed columns */
} RowKey;

/*
 * Looks up the columns, in the current memory context; one that the relation
 * lacks is left out.
 */
extern void crm_row_key_compile(RowKey *key, Relation rel, char **columns,
								int ncolumns, char **hashed, int nhashed);

/*
 * Returns the key of the row in "slot", deformed far enough, in the current
 * memory context.
 */
extern Jsonb *crm_row_key(const RowKey *key, TupleTableSlot *slot);

/*
 * Returns an object of scalars that names a row of another table, with digests
 * for all members but the key's columns that are stored as they are: what is
 * no part of the key may be an identifier too.
 */
extern Jsonb *crm_row_key_hide(const RowKey *key, Jsonb *members);

/* The secret that identifiers are hashed with; NULL if there is none yet. */
extern char *crm_row_key_salt(void);

#endif							/* CRM_ROW_KEY_H */
