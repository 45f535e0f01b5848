/*-------------------------------------------------------------------------
 *
 * probe.h
 *		Looking for other rows while a row is written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_PROBE_H
#define CRM_PROBE_H

#include "rules/set_rule.h"

/* How a probe finds rows with the same value. */
typedef enum ProbeMatch
{
	MATCH_NONE,					/* no index serves: sweeps only */
	MATCH_NORMAL,				/* an index on the normal form */
	MATCH_EQUAL,				/* one on the column, whose values are equal
								 * if they are the same */
	MATCH_SPELLINGS				/* one on the column, by usual spellings of
								 * the value */
} ProbeMatch;

/* A planned query, which goes with the memory context it was made in. */
typedef struct Probe Probe;

/* SQL of a probe while it is put together, and the types of its arguments. */
typedef struct ProbeSql
{
	StringInfoData text;
	bool		has_conditions; /* SQL that somebody wrote is in it */
	int			nargs;
	Oid		   *types;
} ProbeSql;

/* Arguments of one run, in the order in which the SQL took them. */
typedef struct ProbeArgs
{
	int			count;
	Datum	   *values;
	char	   *nulls;
} ProbeArgs;

/* From probe.c */
extern Probe *crm_probe_create(void);
extern bool crm_probe_is_prepared(const Probe *probe);
extern void crm_probe_sql_begin(ProbeSql *sql);
extern char *crm_probe_sql_arg(ProbeSql *sql, Oid typid);
extern void crm_probe_sql_match(ProbeSql *sql, ProbeMatch match,
								const CrmNormalForm *form,
								const char *column_sql, Oid typid);
extern void crm_probe_sql_own_table(ProbeSql *sql, const RuleSet *ruleset);
extern void crm_probe_sql_counts(ProbeSql *sql, const Rule *rule,
								 const RuleSet *ruleset);
extern void crm_probe_prepare(Probe *probe, const RuleSet *ruleset,
							  ProbeSql *sql);
extern void crm_probe_args_begin(const Probe *probe, ProbeArgs *args);
extern void crm_probe_arg(ProbeArgs *args, Datum value, bool isnull);
extern void crm_probe_arg_text(ProbeArgs *args, const char *data, int length);
extern void crm_probe_args_own_keys(ProbeArgs *args, const RuleRow *row);
extern int	crm_probe_run(Probe *probe, const RuleSet *ruleset,
						  const ProbeArgs *args, int limit);

/* From probe_index.c */
extern ProbeMatch crm_probe_match(RuleCompile *context, const Rule *rule,
								  Oid relid, const char *column,
								  const CrmNormalForm *form, char **missing);
extern bool crm_probe_match_columns(RuleCompile *context, const Rule *rule,
									Oid relid, char **columns,
									const Oid *operators, int count,
									char **missing);

/* From probe_spelling.c */
extern Datum crm_probe_spellings(const CrmNormalForm *form, const char *data,
								 int length, const char *normal,
								 int normal_length);

#endif							/* CRM_PROBE_H */
