/*-------------------------------------------------------------------------
 *
 * distribution.h
 *		Baselines of the kind distribution, and the SQL that counts values in
 *		their buckets.
 *
 * Everything is made in the current memory context.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_DISTRIBUTION_H
#define CRM_DISTRIBUTION_H

#include "rules/rule.h"

/* Values that have a bucket of their own, or parts of an ordered column. */
#define CRM_BASELINE_VALUES		50
#define CRM_BASELINE_PARTS		10

/*
 * Numbers of not more values than this are codes.  Fewer rows than this have
 * no bucket of their own: a value may be a person's.
 */
#define CRM_BASELINE_CODES		20
#define CRM_BASELINE_ROWS		10

/* Numbers of buckets; the others are 1 ... or, where ordered, 0 ... */
#define CRM_BUCKET_NULL			(-1)
#define CRM_BUCKET_OTHER		0

#define CRM_BASELINE_BUCKETS	(CRM_BASELINE_VALUES + 2)

typedef struct Bucket
{
	int			bucket;
	char	   *lower;			/* bound, included; NULL: none */
	char	   *digest;			/* of a value, or NULL */
	int64		rows;
} Bucket;

typedef struct Baseline
{
	char	   *salt_id;
	bool		is_ordered;
	int			nbuckets;
	Bucket		buckets[CRM_BASELINE_BUCKETS];	/* by number */
} Baseline;

extern bool crm_distribution_is_rule(const Rule *rule);

/* The stored baseline of a rule; NULL if there is none. */
extern Baseline *crm_baseline_read(const Rule *rule);

/*
 * What values are digested with: of the database's secret, so that whoever
 * reads a baseline cannot guess them.
 */
extern char *crm_distribution_salt(const Baseline *baseline);

/* FROM item v(value) of the rule's values. */
extern char *crm_distribution_values(const Rule *rule, const char *source,
									 bool is_ordered);

/* The digest of g.value. */
extern char *crm_distribution_digest(const char *salt);

/* SELECT bucket, n: how many rows today's values have in each bucket. */
extern char *crm_distribution_counts(const Rule *rule,
									 const Baseline *baseline,
									 const char *salt, const char *source);

/*
 * WITH ... share(bucket, b, a, all_a, all_b, p, q): rows of each
 * bucket, of all, and smoothed shares; a and p of today, b and q of the
 * baseline.  Empty if there are no rows today.
 */
extern char *crm_distribution_cells(const Rule *rule,
									const Baseline *baseline,
									const char *salt, const char *source);

#endif							/* CRM_DISTRIBUTION_H */
