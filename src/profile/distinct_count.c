/*-------------------------------------------------------------------------
 *
 * distinct_count.c
 *		Counts the distinct values of a column in one pass.
 *
 * Everything lives in the context in which the count was created, the
 * caller's, which the statement frees.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "profile/profile.h"

/* As many are counted exactly. */
#define EXACT_MAX		10000
#define FIRST_SIZE		64

/* 2^14 registers: a standard error of 0.8 %, in 16 kB. */
#define REGISTER_BITS	14

DistinctCount *
crm_distinct_create(bool keeps_values)
{
	DistinctCount *distinct = palloc0(sizeof(DistinctCount));

	distinct->context = CurrentMemoryContext;
	distinct->size = FIRST_SIZE;
	distinct->slots = palloc0(FIRST_SIZE * sizeof(SeenValue));
	distinct->keeps_values = keeps_values;
	return distinct;
}

/* The value's slot, or the free one that it belongs into. */
static SeenValue *
slot_find(SeenValue *slots, int size, uint64 hash)
{
	uint64		at = hash & (size - 1);

	while (slots[at].hash != 0 && slots[at].hash != hash)
		at = (at + 1) & (size - 1);
	return &slots[at];
}

static void
distinct_grow(DistinctCount *distinct)
{
	int			size = distinct->size * 2;
	SeenValue  *slots = MemoryContextAllocZero(distinct->context,
											   size * sizeof(SeenValue));

	for (int i = 0; i < distinct->size; i++)
	{
		if (distinct->slots[i].hash != 0)
			*slot_find(slots, size, distinct->slots[i].hash) = distinct->slots[i];
	}
	pfree(distinct->slots);
	distinct->slots = slots;
	distinct->size = size;
}

/* There are too many values to show as a set. */
static void
values_forget(DistinctCount *distinct)
{
	for (int i = 0; i < distinct->size; i++)
	{
		if (distinct->slots[i].value)
			pfree(distinct->slots[i].value);
		distinct->slots[i].value = NULL;
	}
	distinct->keeps_values = false;
}

/* There are too many values to count exactly. */
static void
distinct_estimate(DistinctCount *distinct)
{
	MemoryContext old = MemoryContextSwitchTo(distinct->context);

	initHyperLogLog(&distinct->estimate, REGISTER_BITS);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < distinct->size; i++)
	{
		if (distinct->slots[i].hash != 0)
			addHyperLogLog(&distinct->estimate, (uint32) distinct->slots[i].hash);
	}
	pfree(distinct->slots);
	distinct->slots = NULL;
	distinct->size = 0;
	distinct->has_estimate = true;
}

/* Counts a value; data is its text where values are kept. */
void
crm_distinct_add(DistinctCount *distinct, uint64 hash, const char *data,
				 int length)
{
	SeenValue  *slot;

	hash |= (uint64) (hash == 0);
	if (distinct->has_estimate)
	{
		addHyperLogLog(&distinct->estimate, (uint32) hash);
		return;
	}
	slot = slot_find(distinct->slots, distinct->size, hash);
	if (slot->hash != 0)
	{
		slot->rows++;
		return;
	}
	slot->hash = hash;
	slot->rows = 1;
	distinct->count++;
	if (distinct->keeps_values)
	{
		if (distinct->count > PROFILE_VALUES_MAX || length > PROFILE_VALUE_LENGTH)
			values_forget(distinct);
		else
		{
			slot->value = MemoryContextAlloc(distinct->context, length + 1);
			memcpy(slot->value, data, length);
			slot->value[length] = '\0';
			slot->length = length;
		}
	}
	if (distinct->count > EXACT_MAX)
		distinct_estimate(distinct);
	else if (distinct->count * 2 > distinct->size)
		distinct_grow(distinct);
}

int64
crm_distinct_result(DistinctCount *distinct)
{
	if (!distinct->has_estimate)
		return distinct->count;
	return (int64) (estimateHyperLogLog(&distinct->estimate) + 0.5);
}
