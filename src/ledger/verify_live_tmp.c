#include "postgres.h"
#include "ledger/verify.h"
void
crm_verify_live(Faults *faults, Snapshot snapshot, const SuspectKeys *suspects, Oid only_target)
{
}
