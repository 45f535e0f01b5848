/*-------------------------------------------------------------------------
 *
 * winsorize.c
 *		Values whose extremes are replaced by percentiles of all of them.
 *
 * The bounds are those of percentile_cont(), to the last bit: NULLs do not
 * count, NaN is the greatest value.  The aggregate winsorize() gives all values
 * as an array, the window function winsorized() each in its row.
 *
 * Memory: eight bytes a value, and as many again while the bounds are sought.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(crmaudit_winsorize_accum);
PG_FUNCTION_INFO_V1(crmaudit_winsorize_combine);
PG_FUNCTION_INFO_V1(crmaudit_winsorize_serialize);
PG_FUNCTION_INFO_V1(crmaudit_winsorize_deserialize);
PG_FUNCTION_INFO_V1(crmaudit_winsorize_final);
PG_FUNCTION_INFO_V1(crmaudit_winsorized);

/* Which percentiles bound the values. */
typedef struct Fractions
{
	float8		lower;
	float8		upper;
} Fractions;

static const Fractions default_fractions = {0.01, 0.99};

/* An array must stay below MaxAllocSize, with its header and bitmap. */
#define MAX_VALUES	((int64) (MaxAllocSize / (sizeof(float8) + 1)))

/* The aggregate's state: the values in the order in which they came. */
typedef struct WinsorState
{
	Fractions	fractions;
	int64		nvalues;		/* with NULLs */
	int64		nnulls;
	int64		size;			/* of the arrays */
	float8	   *values;
	bool	   *isnull;
} WinsorState;

/* What the window function knows of a partition. */
typedef struct WinsorBounds
{
	bool		is_known;
	Fractions	fractions;
	float8		low;
	float8		high;
} WinsorBounds;

static void
require_fractions(Fractions fractions)
{
	/* written so that NaN is refused */
	if (!(fractions.lower >= 0 && fractions.lower <= fractions.upper &&
		  fractions.upper <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fractions to winsorize at must be between 0 and 1, the lower one first"),
				 errhint("At 1 %% and 99 %% they are 0.01 and 0.99.")));
}

static void
require_same_fractions(Fractions one, Fractions other)
{
	if (one.lower != other.lower || one.upper != other.upper)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fractions to winsorize at must be the same for all rows")));
}

static int
value_compare(const void *a, const void *b)
{
	return float8_cmp_internal(*(const float8 *) a, *(const float8 *) b);
}

/* percentile_cont() of values that are sorted. */
static float8
percentile(const float8 *sorted, int64 nvalues, float8 fraction)
{
	float8		position = fraction * (nvalues - 1);
	int64		first = (int64) floor(position);
	int64		second = (int64) ceil(position);

	if (first == second)
		return sorted[first];
	return sorted[first] +
		((position - first) * (sorted[second] - sorted[first]));
}

/* Sorts the values; there must be one. */
static void
find_bounds(float8 *values, int64 nvalues, Fractions fractions,
			float8 *low, float8 *high)
{
	qsort(values, nvalues, sizeof(float8), value_compare);
	*low = percentile(values, nvalues, fractions.lower);
	*high = percentile(values, nvalues, fractions.upper);
}

static float8
clamp(float8 value, float8 low, float8 high)
{
	if (float8_lt(value, low))
		return low;
	return float8_gt(value, high) ? high : value;
}

/* The context in which the aggregate's state lives. */
static MemoryContext
state_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* An empty state with room for "size" values. */
static WinsorState *
state_make(MemoryContext context, Fractions fractions, int64 size)
{
	WinsorState *state = MemoryContextAllocZero(context, sizeof(WinsorState));

	state->fractions = fractions;
	state->size = Max(size, 64);
	state->values = MemoryContextAlloc(context, state->size * sizeof(float8));
	state->isnull = MemoryContextAlloc(context, state->size * sizeof(bool));
	return state;
}

/* Makes room for "more" values. */
static void
state_reserve(WinsorState *state, int64 more)
{
	int64		wanted = state->nvalues + more;

	if (wanted > MAX_VALUES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot winsorize more than %lld values into an array",
						(long long) MAX_VALUES),
				 errhint("The window function crmaudit.winsorized() has no such limit.")));
	if (wanted <= state->size)
		return;
	state->size = Min(Max(2 * state->size, wanted), MAX_VALUES);
	state->values = repalloc(state->values, state->size * sizeof(float8));
	state->isnull = repalloc(state->isnull, state->size * sizeof(bool));
}

/* The fractions that the caller gave, or the default ones. */
static Fractions
fraction_args(FunctionCallInfo fcinfo)
{
	Fractions	fractions = default_fractions;

	if (PG_NARGS() > 2)
	{
		fractions.lower = PG_ARGISNULL(2) ? get_float8_nan() : PG_GETARG_FLOAT8(2);
		fractions.upper = PG_ARGISNULL(3) ? get_float8_nan() : PG_GETARG_FLOAT8(3);
		require_fractions(fractions);
	}
	return fractions;
}

/* winsorize_accum(internal, value float8 [, lower float8, upper float8]) */
Datum
crmaudit_winsorize_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = state_context(fcinfo);
	Fractions	fractions = fraction_args(fcinfo);
	WinsorState *state;

	if (PG_ARGISNULL(0))
		state = state_make(context, fractions, 0);
	else
		state = (WinsorState *) PG_GETARG_POINTER(0);
	require_same_fractions(state->fractions, fractions);
	state_reserve(state, 1);
	state->isnull[state->nvalues] = PG_ARGISNULL(1);
	state->values[state->nvalues] = PG_ARGISNULL(1) ? 0 : PG_GETARG_FLOAT8(1);
	state->nnulls += PG_ARGISNULL(1);
	state->nvalues++;
	PG_RETURN_POINTER(state);
}

/* Values of the second state come after those of the first. */
Datum
crmaudit_winsorize_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = state_context(fcinfo);
	WinsorState *state = PG_ARGISNULL(0) ? NULL : (WinsorState *) PG_GETARG_POINTER(0);
	WinsorState *other = PG_ARGISNULL(1) ? NULL : (WinsorState *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	/* the other one may live in a shorter context */
	if (state == NULL)
		state = state_make(context, other->fractions, other->nvalues);
	require_same_fractions(state->fractions, other->fractions);
	state_reserve(state, other->nvalues);
	memcpy(state->values + state->nvalues, other->values,
		   other->nvalues * sizeof(float8));
	memcpy(state->isnull + state->nvalues, other->isnull,
		   other->nvalues * sizeof(bool));
	state->nvalues += other->nvalues;
	state->nnulls += other->nnulls;
	PG_RETURN_POINTER(state);
}

/* Between processes of one server only: the machine's own form. */
Datum
crmaudit_winsorize_serialize(PG_FUNCTION_ARGS)
{
	WinsorState *state;
	Size		value_bytes;
	bytea	   *result;
	char	   *at;

	state_context(fcinfo);
	state = (WinsorState *) PG_GETARG_POINTER(0);
	value_bytes = state->nvalues * sizeof(float8);
	result = palloc(VARHDRSZ + sizeof(WinsorState) + value_bytes + state->nvalues);
	SET_VARSIZE(result, VARHDRSZ + sizeof(WinsorState) + value_bytes + state->nvalues);
	at = VARDATA(result);
	memcpy(at, state, sizeof(WinsorState));
	at += sizeof(WinsorState);
	memcpy(at, state->values, value_bytes);
	memcpy(at + value_bytes, state->isnull, state->nvalues);
	PG_RETURN_BYTEA_P(result);
}

Datum
crmaudit_winsorize_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *data;
	char	   *at;
	WinsorState sent;
	WinsorState *state;
	Size		value_bytes;

	state_context(fcinfo);
	data = PG_GETARG_BYTEA_PP(0);
	at = VARDATA_ANY(data);
	memcpy(&sent, at, sizeof(WinsorState));
	at += sizeof(WinsorState);
	value_bytes = sent.nvalues * sizeof(float8);
	if (VARSIZE_ANY_EXHDR(data) != sizeof(WinsorState) + value_bytes + sent.nvalues)
		elog(ERROR, "unexpected length of a serialized winsorize state");
	state = state_make(CurrentMemoryContext, sent.fractions, sent.nvalues);
	state->nvalues = sent.nvalues;
	state->nnulls = sent.nnulls;
	memcpy(state->values, at, value_bytes);
	memcpy(state->isnull, at + value_bytes, sent.nvalues);
	PG_RETURN_POINTER(state);
}

/* The state stays as it is: a moving window goes on with it. */
Datum
crmaudit_winsorize_final(PG_FUNCTION_ARGS)
{
	WinsorState *state;
	int64		known;
	float8	   *sorted;
	float8		low = 0;
	float8		high = 0;
	Datum	   *elements;
	ArrayType  *result;
	int			dims[1];
	int			lbs[1] = {1};

	state_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (WinsorState *) PG_GETARG_POINTER(0);
	known = state->nvalues - state->nnulls;
	if (known > 0)
	{
		int64		count = 0;

		sorted = palloc(known * sizeof(float8));
		for (int64 i = 0; i < state->nvalues; i++)
		{
			if (!state->isnull[i])
				sorted[count++] = state->values[i];
		}
		find_bounds(sorted, known, state->fractions, &low, &high);
		pfree(sorted);
	}
	elements = MemoryContextAllocHuge(CurrentMemoryContext,
									  state->nvalues * sizeof(Datum));
	for (int64 i = 0; i < state->nvalues; i++)
		elements[i] = Float8GetDatum(clamp(state->values[i], low, high));
	dims[0] = (int) state->nvalues;
	result = construct_md_array(elements, state->isnull, 1, dims, lbs,
								FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
								TYPALIGN_DOUBLE);
	pfree(elements);
	PG_RETURN_ARRAYTYPE_P(result);
}

/* Finds the bounds of the values in the partition, if one is not NULL. */
static void
partition_bounds(WindowObject winobj, WinsorBounds *bounds)
{
	int64		nrows = WinGetPartitionRowCount(winobj);
	float8	   *values = MemoryContextAllocHuge(CurrentMemoryContext,
												nrows * sizeof(float8));
	int64		count = 0;

	for (int64 row = 0; row < nrows; row++)
	{
		bool		isnull;
		bool		isout;
		Datum		value;

		CHECK_FOR_INTERRUPTS();
		value = WinGetFuncArgInPartition(winobj, 0, row, WINDOW_SEEK_HEAD,
										 false, &isnull, &isout);
		if (!isnull && !isout)
			values[count++] = DatumGetFloat8(value);
	}
	if (count > 0)
		find_bounds(values, count, bounds->fractions, &bounds->low, &bounds->high);
	pfree(values);
}

/* A fraction as the current row has it; NULL comes as NaN, which is refused. */
static float8
fraction_current(WindowObject winobj, int arg)
{
	bool		isnull;
	Datum		value = WinGetFuncArgCurrent(winobj, arg, &isnull);

	return isnull ? get_float8_nan() : DatumGetFloat8(value);
}

/* crmaudit.winsorized(value float8, lower float8, upper float8) OVER (...) */
Datum
crmaudit_winsorized(PG_FUNCTION_ARGS)
{
	WindowObject winobj = PG_WINDOW_OBJECT();
	WinsorBounds *bounds = WinGetPartitionLocalMemory(winobj, sizeof(WinsorBounds));
	Fractions	fractions = {fraction_current(winobj, 1), fraction_current(winobj, 2)};
	bool		isnull;
	Datum		value;

	require_fractions(fractions);
	if (!bounds->is_known)
	{
		bounds->fractions = fractions;
		partition_bounds(winobj, bounds);
		bounds->is_known = true;
	}
	require_same_fractions(bounds->fractions, fractions);
	value = WinGetFuncArgCurrent(winobj, 0, &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(clamp(DatumGetFloat8(value), bounds->low, bounds->high));
}
