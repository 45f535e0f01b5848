/*-------------------------------------------------------------------------
 *
 * ledger_store.h
 *		Rows of ledger_entry and ledger_context, and the structs they become.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_LEDGER_STORE_H
#define CRM_LEDGER_STORE_H

#include "access/htup.h"
#include "executor/tuptable.h"
#include "utils/rel.h"

#include "ledger/ledger.h"

/* Columns of crmaudit.ledger_entry, in the order of 60-ledger.sql. */
typedef enum LedgerEntryColumn
{
	ENTRY_INCARNATION,
	ENTRY_XID,
	ENTRY_AT,
	ENTRY_CONTEXT_XID,
	ENTRY_TABLE_ID,
	ENTRY_TARGET,
	ENTRY_ORD,
	ENTRY_CONTEXT,
	ENTRY_OP,
	ENTRY_SUBXID,
	ENTRY_ROW_KEY,
	ENTRY_OLD,
	ENTRY_NEW,
	ENTRY_ACTOR,
	ENTRY_REASON,
	ENTRY_CLIENT,
	ENTRY_PERSONAL,
	ENTRY_SALT,
	ENTRY_COMMITMENTS,
	ENTRY_LEAF,
	ENTRY_COLUMNS
} LedgerEntryColumn;

/* Columns of crmaudit.ledger_context. */
typedef enum LedgerContextColumn
{
	CONTEXT_INCARNATION,
	CONTEXT_XID,
	CONTEXT_AT,
	CONTEXT_CONTEXT,
	CONTEXT_ACTOR,
	CONTEXT_SESSION_USERNAME,
	CONTEXT_CURRENT_USERNAME,
	CONTEXT_CLIENT,
	CONTEXT_APPLICATION_NAME,
	CONTEXT_REASON,
	CONTEXT_LEAF,
	CONTEXT_COLUMNS
} LedgerContextColumn;

/* Raises an error unless a relation has exactly these columns. */
extern void crm_ledger_check_entry_layout(Relation rel);
extern void crm_ledger_check_context_layout(Relation rel);

/*
 * Reads a row.  What is of variable length points into the slot, or is
 * detoasted into the current memory context.  A leaf or salt of the wrong
 * size, which only a forger writes, is taken as zeros.
 */
extern void crm_ledger_entry_read(TupleTableSlot *slot, LedgerEntry *entry);
extern void crm_ledger_context_read(TupleTableSlot *slot,
									LedgerContext *context);

/* Reads the columns of fixed length, row_key and leaf; the rest is NULL. */
extern void crm_ledger_entry_read_leaf(TupleTableSlot *slot,
									   LedgerEntry *entry);

/* Fills the values of a row; "leaf" and "salt" are copied into new byteas. */
extern void crm_ledger_entry_values(const LedgerEntry *entry, Datum *values,
									bool *nulls);
extern void crm_ledger_context_values(const LedgerContext *context,
									  Datum *values, bool *nulls);

/* A slot of a row given to an SQL function. */
extern TupleTableSlot *crm_ledger_row_slot(HeapTupleHeader row);

/* First and last bound of the month of a time, UTC. */
extern TimestampTz crm_ledger_month_start(TimestampTz at);
extern TimestampTz crm_ledger_month_end(TimestampTz at);

#endif							/* CRM_LEDGER_STORE_H */
