/*-------------------------------------------------------------------------
 *
 * ledger.h
 *		The ledger: what was written, by whom, when and why.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_LEDGER_H
#define CRM_LEDGER_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

#define CRM_HASH_BYTES		32	/* SHA-256 */
#define CRM_SALT_BYTES		16
#define CRM_LEDGER_VERSION	1	/* of leaves and blocks */

/* Kinds of entries: crmaudit.ledger_entry.op. */
#define CRM_OP_INSERT		'I'
#define CRM_OP_UPDATE		'U'
#define CRM_OP_DELETE		'D'
#define CRM_OP_TRUNCATE		'T'
#define CRM_OP_SCHEMA		'S'
#define CRM_OP_BASELINE		'B'

/* Ids of the extension's own tables go up to this. */
#define CRM_OWN_TABLES		100

/* A row of crmaudit.ledger_context. */
typedef struct LedgerContext
{
	int64		incarnation;
	uint64		xid;
	TimestampTz at;
	int32		context;
	text	   *actor;
	text	   *session_username;
	text	   *current_username;
	text	   *client;			/* this and what follows: NULL if unknown */
	text	   *application_name;
	text	   *reason;
	uint8		leaf[CRM_HASH_BYTES];
} LedgerContext;

/* A row of crmaudit.ledger_entry. */
typedef struct LedgerEntry
{
	int64		incarnation;
	uint64		xid;
	uint64		subxid;			/* 0: in the top transaction */
	TimestampTz at;
	int32		table_id;
	Oid			target;
	int32		ord;
	int32		context;		/* number in the transaction context_xid */
	uint64		context_xid;
	char		op;
	Jsonb	   *row_key;		/* this and what follows: NULL if there is
								 * none */
	Jsonb	   *old;
	Jsonb	   *new;
	text	   *actor;
	text	   *reason;
	text	   *client;
	ArrayType  *personal;		/* text[] */
	const uint8 *salt;			/* CRM_SALT_BYTES */
	Jsonb	   *commitments;
	uint8		leaf[CRM_HASH_BYTES];
} LedgerEntry;

extern void crm_ledger_init(void);

/* From capture.c: the backend's buffer. */
extern void crm_ledger_flush(void);
extern bool crm_ledger_is_flushed(void);
extern bool crm_ledger_has_entries(void);

/* The ledger is dropped: what comes in this transaction is for another. */
extern void crm_ledger_forget(void);

/* From incarnation.c */
extern void crm_incarnation_init(void);
extern int64 crm_ledger_incarnation(void);

/*
 * Transaction ids can be compared within a domain: one database of one
 * cluster, across promotions.  The timeline is the rest of an incarnation.
 */
#define CRM_TIMELINE_BITS	24

static inline int64
crm_incarnation_domain(int64 incarnation)
{
	return incarnation >> CRM_TIMELINE_BITS;
}

#endif							/* CRM_LEDGER_H */
