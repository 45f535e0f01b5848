/*-------------------------------------------------------------------------
 *
 * capture.h
 *		From changes of rows to entries of the ledger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_CAPTURE_H
#define CRM_CAPTURE_H

#include "ledger/ledger.h"
#include "ledger/tracked.h"

/* From ledger_buffer.c */
extern void crm_ledger_buffer_init(void);
extern Node *crm_ledger_utility_statement(void);
extern void crm_ledger_buffer_abort(SubTransactionId subid);
extern void crm_ledger_buffer_bypass(void);
extern void crm_ledger_buffer_forget(void);

/* From capture.c: adds an entry of the present transaction. */
extern void crm_capture_entry(int32 table_id, Oid target, char op,
							  Jsonb *row_key, Jsonb *old, Jsonb *new,
							  ArrayType *personal);
extern int64 crm_capture_relation(Relation rel, char op);
extern void crm_capture_row(TrackedTable *table, char op, TupleTableSlot *slot);

#endif							/* CRM_CAPTURE_H */
