/*-------------------------------------------------------------------------
 *
 * tally_array.c
 *		Sums by cell as arrays of bigint.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "scoring/tally_array.h"

bool
crm_tally_array(const int64 *sums, int ncells, Datum *datum)
{
	int			nonzero = 0;
	ArrayType  *array;
	Size		size = ARR_OVERHEAD_NONULLS(1) + ncells * sizeof(int64);

	while (nonzero < ncells && sums[nonzero] == 0)
		nonzero++;
	if (nonzero == ncells)
		return false;
	array = palloc0(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = INT8OID;
	ARR_DIMS(array)[0] = ncells;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), sums, ncells * sizeof(int64));
	*datum = PointerGetDatum(array);
	return true;
}

bool
crm_tally_read(Datum datum, bool isnull, int64 *sums, int ncells)
{
	ArrayType  *array;

	memset(sums, 0, ncells * sizeof(int64));
	if (isnull)
		return true;
	array = DatumGetArrayTypeP(datum);
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != ncells ||
		ARR_HASNULL(array) || ARR_ELEMTYPE(array) != INT8OID)
		return false;
	memcpy(sums, ARR_DATA_PTR(array), ncells * sizeof(int64));
	return true;
}
