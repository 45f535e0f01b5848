/*-------------------------------------------------------------------------
 *
 * chi_square.c
 *		crmaudit.chi_square_p(): how likely a chi-square statistic is by
 *		chance.
 *
 * That is the regularised upper incomplete gamma function
 * Q(df / 2, statistic / 2): Abramowitz and Stegun, Handbook of Mathematical
 * Functions, 26.4.19; by the series 6.5.29 where the statistic is small, and
 * by the continued fraction 6.5.31 (Lentz's method) elsewhere, each of which
 * converges fast there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"

/* Far more terms than sqrt(df) of a few thousand needs. */
#define GAMMA_TERMS	10000

PG_FUNCTION_INFO_V1(crmaudit_chi_square_p);

/* P(a, x), the lower function, by its series; for x < a + 1. */
static double
gamma_series(double a, double x)
{
	double		term = 1 / a;
	double		sum = term;

	for (int n = 1; n < GAMMA_TERMS && fabs(term) > fabs(sum) * DBL_EPSILON; n++)
	{
		term *= x / (a + n);
		sum += term;
	}
	return sum * exp(-x + a * log(x) - lgamma(a));
}

/* Q(a, x) by its continued fraction; for x >= a + 1. */
static double
gamma_fraction(double a, double x)
{
	const double tiny = DBL_MIN / DBL_EPSILON;
	double		b = x + 1 - a;
	double		c = 1 / tiny;
	double		d = 1 / b;
	double		value = d;

	for (int n = 1; n < GAMMA_TERMS; n++)
	{
		double		an = -n * (n - a);
		double		factor;

		b += 2;
		d = an * d + b;
		if (fabs(d) < tiny)
			d = tiny;
		c = b + an / c;
		if (fabs(c) < tiny)
			c = tiny;
		d = 1 / d;
		factor = d * c;
		value *= factor;
		if (fabs(factor - 1) < DBL_EPSILON)
			break;
	}
	return value * exp(-x + a * log(x) - lgamma(a));
}

/*
 * crmaudit.chi_square_p(statistic float8, df int): the probability of a
 * statistic at least as large; 1 without degrees of freedom.
 */
Datum
crmaudit_chi_square_p(PG_FUNCTION_ARGS)
{
	double		statistic = PG_GETARG_FLOAT8(0);
	int			df = PG_GETARG_INT32(1);
	double		a = df / 2.0;
	double		x = statistic / 2;

	if (isnan(statistic) || statistic < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a chi-square statistic must not be negative")));
	if (df < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("degrees of freedom must not be negative")));
	if (df == 0 || statistic == 0)
		PG_RETURN_FLOAT8(1);
	if (isinf(statistic))
		PG_RETURN_FLOAT8(0);
	PG_RETURN_FLOAT8(x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x));
}
