/*-------------------------------------------------------------------------
 *
 * ledger_context.c
 *		Who acts, from where and why: rows of crmaudit.ledger_context.
 *
 * A session mostly has one, which its transactions share.  Another begins
 * where something of it changes, and where a month does, so that an entry's
 * context is in the partition of its month.  The last few are kept, for a
 * foreign key's action runs as the table's owner, and then the user goes on.
 *
 * Lifetime: the session, once the transaction that wrote it has committed;
 * whoever sees a later transaction of the session sees that one too.  The
 * abort of a subtransaction drops those it made, whose rows are gone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "crmaudit.h"
#include "guc.h"
#include "ledger/leaf.h"
#include "ledger/ledger_store.h"
#include "ledger/ledger_write.h"

/* How many contexts are kept. */
#define CONTEXTS_KEPT	8

/* A context, and what must be the same for it to hold. */
typedef struct KnownContext
{
	bool		is_used;
	SubTransactionId subid;		/* made it; invalid: it has committed */
	int64		incarnation;
	Oid			session_userid;
	Oid			current_userid;
	char	   *actor;
	char	   *reason;
	char	   *application_name;
	TimestampTz month_start;
	TimestampTz month_end;
	MemoryContext memory;		/* owns the texts */
	CurrentContext current;
} KnownContext;

static KnownContext known[CONTEXTS_KEPT];
static int	last = 0;			/* the one used last */
static int	next_replaced = 0;
static int32 numbers = 0;		/* given out in this transaction */

/* What a transaction made stays, if it has committed. */
void
crm_context_xact_end(bool committed)
{
	for (int i = 0; i < CONTEXTS_KEPT; i++)
	{
		if (known[i].subid != InvalidSubTransactionId && !committed)
			known[i].is_used = false;
		known[i].subid = InvalidSubTransactionId;
	}
	numbers = 0;
}

void
crm_context_subxact_abort(SubTransactionId subid)
{
	for (int i = 0; i < CONTEXTS_KEPT; i++)
	{
		if (known[i].subid >= subid)
			known[i].is_used = false;
	}
}

static const char *
setting(const char *value)
{
	return value ? value : "";
}

static bool
context_holds(const KnownContext *item, int64 incarnation, TimestampTz at)
{
	return item->is_used && item->incarnation == incarnation &&
		at >= item->month_start && at < item->month_end &&
		item->current_userid == GetUserId() &&
		item->session_userid == GetSessionUserId() &&
		strcmp(item->actor, setting(crm_guc_actor)) == 0 &&
		strcmp(item->reason, setting(crm_guc_reason)) == 0 &&
		strcmp(item->application_name, setting(application_name)) == 0;
}

static text *
text_or_null(const char *value)
{
	return value && value[0] ? cstring_to_text(value) : NULL;
}

/* Fills a place with the context as it is now, and buffers its row. */
static void
context_make(KnownContext *item, int64 incarnation, uint64 xid, TimestampTz at)
{
	LedgerContext context;
	MemoryContext old;

	if (item->memory == NULL)
		item->memory = AllocSetContextCreate(TopMemoryContext,
											 "crmaudit ledger context",
											 ALLOCSET_SMALL_SIZES);
	item->is_used = false;
	MemoryContextReset(item->memory);
	old = MemoryContextSwitchTo(item->memory);
	item->session_userid = GetSessionUserId();
	item->current_userid = GetUserId();
	item->actor = pstrdup(setting(crm_guc_actor));
	item->reason = pstrdup(setting(crm_guc_reason));
	item->application_name = pstrdup(setting(application_name));
	item->month_start = crm_ledger_month_start(at);
	item->month_end = crm_ledger_month_end(at);

	memset(&context, 0, sizeof(context));
	context.incarnation = incarnation;
	context.xid = xid;
	context.at = at;
	context.context = ++numbers;
	context.session_username =
		cstring_to_text(GetUserNameFromId(item->session_userid, false));
	context.current_username =
		cstring_to_text(GetUserNameFromId(item->current_userid, false));
	context.actor = text_or_null(item->actor);
	if (context.actor == NULL)
		context.actor = context.session_username;
	context.client = text_or_null(crm_client_address());
	context.application_name = text_or_null(item->application_name);
	context.reason = text_or_null(item->reason);
	crm_context_hash(&context, context.leaf);
	crm_ledger_buffer_context(&context);

	item->current.xid = xid;
	item->current.number = context.context;
	item->current.actor = context.actor;
	item->current.reason = context.reason;
	item->current.client = context.client;
	memcpy(item->current.leaf, context.leaf, CRM_HASH_BYTES);
	item->incarnation = incarnation;
	item->subid = GetCurrentSubTransactionId();
	item->is_used = true;
	MemoryContextSwitchTo(old);
}

/* A place that is not used, or the one used longest. */
static int
place_find(void)
{
	int			place = next_replaced;

	for (int i = 0; i < CONTEXTS_KEPT; i++)
	{
		if (!known[i].is_used)
			return i;
	}
	next_replaced = (next_replaced + 1) % CONTEXTS_KEPT;
	return place;
}

/*
 * Returns the context of an entry that is made now.  It stays valid until the
 * next call.
 */
const CurrentContext *
crm_context_current(int64 incarnation, uint64 xid, TimestampTz at)
{
	if (context_holds(&known[last], incarnation, at))
		return &known[last].current;
	for (int i = 0; i < CONTEXTS_KEPT; i++)
	{
		if (context_holds(&known[i], incarnation, at))
		{
			last = i;
			return &known[i].current;
		}
	}
	last = place_find();
	context_make(&known[last], incarnation, xid, at);
	return &known[last].current;
}
