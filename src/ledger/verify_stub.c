/*-------------------------------------------------------------------------
 *
 * verify_stub.c
 *		In place of verify.c, until it is there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "access/transam.h"
#include "utils/xid8.h"

#include "ledger/verify.h"

void
crm_fault_add(Faults *faults, const Fault *fault)
{
	Datum		values[7] = {0};
	bool		nulls[7];

	memset(nulls, true, sizeof(nulls));
	nulls[0] = false;
	values[0] = CStringGetTextDatum(fault->status);
	nulls[1] = fault->block_id == 0;
	values[1] = Int64GetDatum(fault->block_id);
	nulls[2] = fault->xid == 0;
	values[2] = FullTransactionIdGetDatum(FullTransactionIdFromU64(fault->xid));
	nulls[3] = fault->ord == 0;
	values[3] = Int32GetDatum(fault->ord);
	nulls[4] = !OidIsValid(fault->target);
	values[4] = ObjectIdGetDatum(fault->target);
	nulls[5] = fault->row_key == NULL;
	values[5] = PointerGetDatum(fault->row_key);
	nulls[6] = fault->detail == NULL;
	if (fault->detail)
		values[6] = CStringGetTextDatum(fault->detail);
	tuplestore_putvalues(faults->store, faults->desc, values, nulls);
	faults->count++;
}

bool
crm_suspects_has(const SuspectKeys *suspects, int32 table_id, int64 key_hash)
{
	return false;
}

int64
crm_key_hash(int32 table_id, Jsonb *row_key)
{
	return DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended,
											 JsonbPGetDatum(row_key),
											 Int64GetDatum((int64) table_id)));
}
