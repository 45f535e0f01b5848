/*-------------------------------------------------------------------------
 *
 * seal_snapshot.c
 *		Snapshots as blocks store them.
 *
 * What a block holds is decided by the ids of transactions: those that its
 * snapshot sees and that of the block before does not.  Ids are of 64 bits
 * and of top transactions, as entries have them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "lib/stringinfo.h"

#include "ledger/seal.h"

/* Ids of a snapshot lie before the next id, by less than an epoch. */
static uint64
widen(TransactionId xid, FullTransactionId next)
{
	uint32		epoch = EpochFromFullTransactionId(next);

	if (!TransactionIdIsNormal(xid))
		return xid;
	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return U64FromFullTransactionId(FullTransactionIdFromEpochAndXid(epoch, xid));
}

static int
xid_order(const void *a, const void *b)
{
	uint64		first = *(const uint64 *) a;
	uint64		second = *(const uint64 *) b;

	return first < second ? -1 : first > second;
}

/*
 * Converts a snapshot just taken.  The sealing transaction's own id counts as
 * running: what it writes after sealing belongs to the next block.
 */
void
crm_snapshot_convert(SealSnapshot *result, Snapshot snapshot)
{
	FullTransactionId next = ReadNextFullTransactionId();
	FullTransactionId own = GetTopFullTransactionIdIfAny();
	int			kept = 0;

	result->xmax = widen(snapshot->xmax, next);
	result->running = palloc((snapshot->xcnt + 1) * sizeof(uint64));
	result->nrunning = 0;
	for (uint32 i = 0; i < snapshot->xcnt; i++)
		result->running[result->nrunning++] = widen(snapshot->xip[i], next);
	if (FullTransactionIdIsValid(own) &&
		U64FromFullTransactionId(own) < result->xmax)
		result->running[result->nrunning++] = U64FromFullTransactionId(own);

	/* while it is being prepared, a transaction is there twice */
	qsort(result->running, result->nrunning, sizeof(uint64), xid_order);
	for (int i = 0; i < result->nrunning; i++)
	{
		if (kept == 0 || result->running[kept - 1] != result->running[i])
			result->running[kept++] = result->running[i];
	}
	result->nrunning = kept;
	result->xmin = widen(snapshot->xmin, next);
	if (kept > 0 && result->running[0] < result->xmin)
		result->xmin = result->running[0];
}

/* Reads what the output function of pg_snapshot wrote. */
void
crm_snapshot_parse(SealSnapshot *result, const char *text)
{
	int			commas = 0;
	char	   *at;

	for (const char *c = text; *c; c++)
		commas += *c == ',';
	result->running = palloc((commas + 1) * sizeof(uint64));
	result->nrunning = 0;
	result->xmin = strtoull(text, &at, 10);
	result->xmax = strtoull(at + 1, &at, 10);
	while (*at && at[1])
		result->running[result->nrunning++] = strtoull(at + 1, &at, 10);
}

/* The same as the output function of pg_snapshot would write it. */
char *
crm_snapshot_text(const SealSnapshot *snapshot)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, UINT64_FORMAT ":" UINT64_FORMAT ":",
					 snapshot->xmin, snapshot->xmax);
	for (int i = 0; i < snapshot->nrunning; i++)
		appendStringInfo(&text, "%s" UINT64_FORMAT, i > 0 ? "," : "",
						 snapshot->running[i]);
	return text.data;
}

bool
crm_snapshot_is_running(const SealSnapshot *snapshot, uint64 xid)
{
	return snapshot->nrunning > 0 &&
		bsearch(&xid, snapshot->running, snapshot->nrunning, sizeof(uint64),
				xid_order) != NULL;
}
