/*-------------------------------------------------------------------------
 *
 * bulk_insert.c
 *		Rows in bulk into our own tables, as those of a catalog are written.
 *
 * A row that TOAST will take is inserted by itself: what inserts a catalog's
 * rows in bulk would index it by the place of the tuple that it was before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "executor/executor.h"

#include "bulk_insert.h"

static HeapTuple
tuple_of(TupleTableSlot *slot)
{
	return ExecFetchSlotHeapTuple(slot, true, NULL);
}

void
crm_bulk_insert(Relation rel, TupleTableSlot **slots, int count,
				CatalogIndexState indexes)
{
	int			done = 0;

	while (done < count)
	{
		int			size = 0;

		while (done + size < count &&
			   tuple_of(slots[done + size])->t_len <= TOAST_TUPLE_THRESHOLD)
			size++;
		if (size > 0)
			CatalogTuplesMultiInsertWithInfo(rel, slots + done, size, indexes);
		done += size;
		if (done < count)
			CatalogTupleInsertWithInfo(rel, tuple_of(slots[done++]), indexes);
	}
}
