/*-------------------------------------------------------------------------
 *
 * dqscore.c
 *		Input, output, comparison, casts and average of the type dqscore.
 *
 * Text form: the overall score, then each assessed dimension by name, as in
 * "93.75 completeness=100 validity=75"; "-" where nothing was assessed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "scoring/dqscore.h"

PG_FUNCTION_INFO_V1(crmaudit_dqscore_in);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_out);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_recv);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_send);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_cmp);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_eq);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_ne);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_lt);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_le);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_gt);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_ge);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_hash);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_to_numeric);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_dimension);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_accum);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_combine);
PG_FUNCTION_INFO_V1(crmaudit_dqscore_avg);

/* Raises the error of a text that is no dqscore. */
static void
refuse_text(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"",
					"dqscore", text),
			 errhint("It reads like: 93.75 completeness=100 validity=75.")));
}

/*
 * Reads "-", or a number from 0 to 100 with at most four decimals, at *at;
 * false if neither stands there.
 */
static bool
part_read(const char **at, int32 *part)
{
	int64		value = 0;
	int			decimals = -1;
	const char *start = *at;

	if (**at == '-')
	{
		(*at)++;
		*part = DQSCORE_NULL;
		return true;
	}
	for (; (**at >= '0' && **at <= '9') || (**at == '.' && decimals < 0); (*at)++)
	{
		if (**at == '.')
		{
			decimals = 0;
			continue;
		}
		if (decimals == 4 || value > DQSCORE_MAX)
			return false;
		value = value * 10 + (**at - '0');
		decimals += decimals >= 0;
	}
	if (*at == start || decimals == 0)
		return false;
	for (int i = Max(decimals, 0); i < 4; i++)
		value *= 10;
	*part = (int32) value;
	return value <= DQSCORE_MAX;
}

Datum
crmaudit_dqscore_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	const char *at = text;
	DqScore    *score = palloc(sizeof(DqScore));

	for (int i = 0; i < DQSCORE_PARTS; i++)
		score->parts[i] = DQSCORE_NULL;
	while (*at == ' ')
		at++;
	if (!part_read(&at, &score->parts[0]))
		refuse_text(text);
	while (*at == ' ')
	{
		int			length;
		int			dimension;

		while (*at == ' ')
			at++;
		if (*at == '\0')
			break;
		length = strcspn(at, "=");
		dimension = crm_dimension_find(pnstrdup(at, length));
		at += length;
		if (*at != '=' || dimension < 0 ||
			score->parts[1 + dimension] != DQSCORE_NULL)
			refuse_text(text);
		at++;
		if (!part_read(&at, &score->parts[1 + dimension]))
			refuse_text(text);
	}
	if (*at != '\0')
		refuse_text(text);
	PG_RETURN_POINTER(score);
}

/* Appends a part without trailing zeros. */
static void
part_append(StringInfo text, int32 part)
{
	if (part == DQSCORE_NULL)
	{
		appendStringInfoChar(text, '-');
		return;
	}
	appendStringInfo(text, "%d", part / DQSCORE_UNITS);
	if (part % DQSCORE_UNITS != 0)
	{
		appendStringInfo(text, ".%04d", part % DQSCORE_UNITS);
		while (text->data[text->len - 1] == '0')
			text->data[--text->len] = '\0';
	}
}

Datum
crmaudit_dqscore_out(PG_FUNCTION_ARGS)
{
	DqScore    *score = PG_GETARG_DQSCORE_P(0);
	StringInfoData text;

	initStringInfo(&text);
	part_append(&text, score->parts[0]);
	for (int i = 0; i < CRM_DIMENSIONS; i++)
	{
		if (score->parts[1 + i] == DQSCORE_NULL)
			continue;
		appendStringInfo(&text, " %s=", crm_dimension_names[i]);
		part_append(&text, score->parts[1 + i]);
	}
	PG_RETURN_CSTRING(text.data);
}

Datum
crmaudit_dqscore_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	DqScore    *score = palloc(sizeof(DqScore));

	for (int i = 0; i < DQSCORE_PARTS; i++)
	{
		int32		part = (int32) pq_getmsgint(buffer, 4);

		if (part < DQSCORE_NULL || part > DQSCORE_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("invalid binary representation of type %s",
							"dqscore")));
		score->parts[i] = part;
	}
	PG_RETURN_POINTER(score);
}

Datum
crmaudit_dqscore_send(PG_FUNCTION_ARGS)
{
	DqScore    *score = PG_GETARG_DQSCORE_P(0);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	for (int i = 0; i < DQSCORE_PARTS; i++)
		pq_sendint32(&buffer, score->parts[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* By the overall score, then by the dimensions; not assessed sorts first. */
static int
dqscore_compare(FunctionCallInfo fcinfo)
{
	DqScore    *a = PG_GETARG_DQSCORE_P(0);
	DqScore    *b = PG_GETARG_DQSCORE_P(1);

	for (int i = 0; i < DQSCORE_PARTS; i++)
	{
		if (a->parts[i] != b->parts[i])
			return a->parts[i] < b->parts[i] ? -1 : 1;
	}
	return 0;
}

Datum
crmaudit_dqscore_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(dqscore_compare(fcinfo));
}

Datum
crmaudit_dqscore_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(dqscore_compare(fcinfo) == 0);
}

Datum
crmaudit_dqscore_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(dqscore_compare(fcinfo) != 0);
}

Datum
crmaudit_dqscore_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(dqscore_compare(fcinfo) < 0);
}

Datum
crmaudit_dqscore_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(dqscore_compare(fcinfo) <= 0);
}

Datum
crmaudit_dqscore_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(dqscore_compare(fcinfo) > 0);
}

Datum
crmaudit_dqscore_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(dqscore_compare(fcinfo) >= 0);
}

Datum
crmaudit_dqscore_hash(PG_FUNCTION_ARGS)
{
	return hash_any((unsigned char *) PG_GETARG_DQSCORE_P(0), sizeof(DqScore));
}

/* A part as numeric with four decimals at most; SQL NULL if not assessed. */
static Datum
part_numeric(FunctionCallInfo fcinfo, int32 part)
{
	StringInfoData text;

	if (part == DQSCORE_NULL)
		PG_RETURN_NULL();
	initStringInfo(&text);
	part_append(&text, part);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text.data),
							   ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/* The cast to numeric: the overall score. */
Datum
crmaudit_dqscore_to_numeric(PG_FUNCTION_ARGS)
{
	return part_numeric(fcinfo, PG_GETARG_DQSCORE_P(0)->parts[0]);
}

/* crmaudit.dimension_score(dqscore, dimension text) */
Datum
crmaudit_dqscore_dimension(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int			dimension = crm_dimension_find(name);

	if (dimension < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimension \"%s\" does not exist", name),
				 errhint("Dimensions are: completeness, validity, consistency, uniqueness, timeliness, accuracy.")));
	return part_numeric(fcinfo, PG_GETARG_DQSCORE_P(0)->parts[1 + dimension]);
}

/*
 * State of avg(dqscore): an array of int8, for each part its sum and its
 * count.  Checked here, since anyone can call a transition function.
 */
static int64 *
avg_state(ArrayType *array)
{
	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) ||
		ARR_DIMS(array)[0] != 2 * DQSCORE_PARTS ||
		ARR_ELEMTYPE(array) != INT8OID)
		elog(ERROR, "expected an int8 array of %d elements", 2 * DQSCORE_PARTS);
	return (int64 *) ARR_DATA_PTR(array);
}

Datum
crmaudit_dqscore_accum(PG_FUNCTION_ARGS)
{
	ArrayType  *array = AggCheckCallContext(fcinfo, NULL) ?
	PG_GETARG_ARRAYTYPE_P(0) : PG_GETARG_ARRAYTYPE_P_COPY(0);
	DqScore    *score = PG_GETARG_DQSCORE_P(1);
	int64	   *state = avg_state(array);

	for (int i = 0; i < DQSCORE_PARTS; i++)
	{
		if (score->parts[i] == DQSCORE_NULL)
			continue;
		state[2 * i] += score->parts[i];
		state[2 * i + 1]++;
	}
	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
crmaudit_dqscore_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *array = AggCheckCallContext(fcinfo, NULL) ?
	PG_GETARG_ARRAYTYPE_P(0) : PG_GETARG_ARRAYTYPE_P_COPY(0);
	int64	   *state = avg_state(array);
	int64	   *other = avg_state(PG_GETARG_ARRAYTYPE_P(1));

	for (int i = 0; i < 2 * DQSCORE_PARTS; i++)
		state[i] += other[i];
	PG_RETURN_ARRAYTYPE_P(array);
}

/* NULL of no scores at all, as for other averages. */
Datum
crmaudit_dqscore_avg(PG_FUNCTION_ARGS)
{
	int64	   *state = avg_state(PG_GETARG_ARRAYTYPE_P(0));
	DqScore    *score = palloc(sizeof(DqScore));
	bool		any = false;

	for (int i = 0; i < DQSCORE_PARTS; i++)
	{
		int64		sum = state[2 * i];
		int64		count = state[2 * i + 1];

		if (sum < 0 || count < 0 || (count > 0 && sum / count > DQSCORE_MAX))
			elog(ERROR, "sums and counts belong to no scores");
		score->parts[i] = count == 0 ? DQSCORE_NULL :
			(int32) ((sum + count / 2) / count);
		any |= count > 0;
	}
	if (!any)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(score);
}
