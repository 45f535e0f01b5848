/*-------------------------------------------------------------------------
 *
 * stub.c
 *		In place of capture.c, on this branch only: REMOVE AT MERGE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ledger/ledger.h"

void
crm_ledger_flush(void)
{
}

bool
crm_ledger_has_entries(void)
{
	return false;
}
