/*-------------------------------------------------------------------------
 *
 * sweep.h
 *		What the files of src/sweep/ share: a sweep of one table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_SWEEP_H
#define CRM_SWEEP_H

#include "rules/rule.h"
#include "rules/set_kind.h"
#include "scoring/score_live.h"
#include "sweep/sweep_progress.h"
#include "sweep/sweep_source.h"

#include "access/tableam.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"
#include "utils/tuplesort.h"

/* A rule, as the rule set of the table as a whole lists it. */
typedef struct SweepRule
{
	const Rule *rule;
	bool		selected;		/* the sweep evaluates it */
	int			group;			/* index into SweepTable.groups, or -1 */
	int64		rows;			/* for which its condition holds; of kinds
								 * that look at other rows */
	int64		counted;		/* of them, those that a judge asks for */
	int64		assessed;		/* rows that it says something of */
	int64		failures;		/* rows that break it */
	int64		errors;			/* rows on which it failed to run */
	bool		failed;			/* its query did */
} SweepRule;

/*
 * A relation with rows: the table itself, or a partition of it.  Rows of all
 * of them are numbered together, see sweep_location().
 */
typedef struct SweepLeaf
{
	Oid			relid;
	int64		first_block;	/* of the numbering of all leaves together */
	int64		nblocks;
	Relation	rel;			/* open while it is read */
	const RuleSet *ruleset;
	int		   *indexes;		/* of its rules among the table's */
	int			nplan;			/* rules to evaluate, the immutable ones first */
	int			nimmutable;
	int			nunguarded_immutable;
	int		   *plan;			/* indexes of rules of ruleset */
	int			nset;
	int		   *set;			/* likewise, kinds that look at other rows */
	int			nbroken;
	TupleTableSlot *slot;
} SweepLeaf;

/* A group rule's values: hash and place of each, in one number. */
typedef struct SweepGroup
{
	int			rule;			/* index into SweepTable.rules */
	Tuplesortstate *sort;		/* where rows are collected here, or NULL */
	int			nbuffered;		/* or on their way to the leader */
	int64	   *buffer;
} SweepGroup;

/* Values that a worker sends at a time. */
#define CRM_GROUP_BUFFER	4096

/* A violation found. */
typedef struct SweepFinding
{
	int			rule;			/* index into SweepTable.rules */
	RuleOutcome outcome;
	const Jsonb *row_key;
	const char *column_name;	/* NULL: the rule's first */
	const char *group_key;		/* or NULL */
} SweepFinding;

/* What a scan counts. */
typedef struct SweepTotals
{
	int64		scanned;		/* rows seen, also those that do not count */
	int64		rows;			/* that count */
	int64		findings;
} SweepTotals;

/* Sums over the rows of an owner, or over those that have none. */
typedef struct SweepSums
{
	ScoreTally *live;			/* by immutable rules about a row by itself */
	ScoreTally *full;			/* by all; the same as "live" where
								 * SweepTable.full_is_live */
} SweepSums;

struct SweepTable;
typedef void (*SweepEmit) (struct SweepTable *sweep,
						   const SweepFinding *finding);
typedef void (*SweepEmitGroup) (struct SweepTable *sweep, SweepGroup *group);

/* A sweep of one table, in the leader or in a worker. */
typedef struct SweepTable
{
	Oid			target;
	const RuleSet *ruleset;		/* of the table itself */
	Oid			owner;			/* whose rights rules are evaluated with */
	Snapshot	snapshot;
	int			nrules;
	SweepRule  *rules;			/* as ruleset->rules */
	int			nleaves;
	SweepLeaf  *leaves;
	int			location_bits;	/* of a row's number */
	int			offset_bits;
	int			ngroups;
	SweepGroup *groups;
	SweepTotals totals;
	RowScore   *live_score;		/* scratch: by immutable rules */
	RowScore   *full_score;		/* scratch: by all */
	RuleOutcome *outcomes;		/* scratch, by place in a leaf's plan */
	ScoreTally *full_tally;		/* of all owners together, after the scan */
	bool		full_is_live;	/* all rules that are evaluated are immutable */
	HTAB	   *owners;			/* of OwnerEntry; NULL if there is no owner */
	SweepSums	ownerless;		/* rows without an owner */
	MemoryContext context;		/* lives as long as the sweep */
	MemoryContext row_context;	/* reset for each row */
	ResourceOwner resowner;		/* of what lives as long as the sweep */
	bool		guard_is_open;
	ResourceOwner guard_resowner;
	int			guard_rows;
	bool		in_worker;
	SweepEmit	emit;
	SweepEmitGroup emit_group;
	void	   *sink;			/* of emit */
	MemoryContext emit_context; /* reset for each violation */
	SweepProgress *progress;	/* or NULL */
} SweepTable;

/* An owner's sums, in a hash. */
typedef struct OwnerEntry
{
	char		owner[CRM_OWNER_MAX];	/* hash key */
	SweepSums	sums;
} OwnerEntry;

/* What was asked for. */
typedef struct SweepRequest
{
	const char *status;			/* of the run */
	ArrayType  *rules;			/* names, or NULL */
	double		sample_percent;
	int64		seed;
	char	   *stratum;
	int			workers;		/* that there were */
	TimestampTz started_at;
	bool		is_full;		/* all rules on all rows */
} SweepRequest;

/* A stratum of a sample. */
typedef struct SweepStratum
{
	char	   *value;			/* NULL: of rows that have none */
	int64		total;			/* rows that count */
	int64		rows;			/* of them in the sample */
	int64		failures;		/* rows with a violation of their own */
} SweepStratum;

/* Which rows a sweep of some of them judges. */
typedef struct SweepChoice
{
	int			nstrata;
	SweepStratum *strata;
	Tuplestorestate *keys;		/* their row keys */
} SweepChoice;

/* From sweep_table.c: what leader and workers know of the table alike. */
extern SweepTable *crm_sweep_open(Oid target, const bool *selected,
								  int nselected, Snapshot snapshot,
								  bool in_worker);
extern void crm_sweep_rules_changed(const SweepTable *sweep) pg_attribute_noreturn();
extern void crm_sweep_leaf_open(SweepTable *sweep, SweepLeaf *leaf);
extern void crm_sweep_leaf_close(SweepLeaf *leaf);
extern int64 crm_sweep_location(const SweepTable *sweep, const SweepLeaf *leaf,
								ItemPointer tid);
extern SweepLeaf *crm_sweep_locate(const SweepTable *sweep, int64 location,
								   ItemPointer tid);
extern bool crm_sweep_fetch(SweepTable *sweep, int64 location,
							SweepLeaf **leaf);

/* From sweep_scan.c: rows are read and judged. */
extern void crm_sweep_scan_leaf(SweepTable *sweep, SweepLeaf *leaf,
								TableScanDesc scan);
extern void crm_sweep_count_row(SweepTable *sweep, SweepLeaf *leaf);
extern bool crm_sweep_judge(SweepTable *sweep, SweepLeaf *leaf, bool emits);
extern void crm_sweep_guard_close(SweepTable *sweep);

/* From sweep_sums.c: what is counted, by owner. */
extern void crm_sweep_sums_create(SweepTable *sweep, SweepSums *sums);
extern SweepSums *crm_sweep_owner_sums(SweepTable *sweep, const char *owner);
extern SweepSums *crm_sweep_row_sums(SweepTable *sweep, SweepLeaf *leaf);
extern void crm_sweep_sums_total(SweepTable *sweep);
extern void crm_sweep_sums_failed(SweepTable *sweep, int64 errors);
extern void crm_sweep_sums_drop_failed(SweepTable *sweep);
extern void crm_sweep_sums_violate(SweepTable *sweep, const Rule *rule,
								   RuleOutcome outcome);
extern void crm_sweep_sums_baseline(SweepTable *sweep,
									ScoreBaseline *baseline);

/* From sweep_parallel.c */
extern int	crm_sweep_scan_parallel(SweepTable *sweep, int nworkers);
extern bool crm_sweep_parallel_is_safe(const SweepTable *sweep);

/* From sweep_set.c: kinds that look at other rows. */
extern void crm_sweep_groups_begin(SweepTable *sweep);
extern void crm_sweep_group_put(SweepTable *sweep, SweepGroup *group,
								int64 item);
extern void crm_sweep_sets_finish(SweepTable *sweep);

/* From sweep_choice.c: sweeps of some of the rows. */
extern char *crm_sweep_sample_query(SweepTable *sweep, double percent,
									int64 seed, const char *stratum);
extern char *crm_sweep_changed_query(SweepTable *sweep);
extern char *crm_sweep_updated_query(SweepTable *sweep, const char *column,
									 TimestampTz since);
extern void crm_sweep_choose(SweepTable *sweep, SweepChoice *choice,
							 const char *query, Tuplestorestate *changed);

/* From sweep_write.c: what a sweep leaves in our tables. */
extern TupleDesc crm_sweep_key_desc(void);
extern void crm_sweep_register(const char *name, TupleDesc desc,
							   Tuplestorestate *store);
extern void crm_sweep_sink_open(SweepTable *sweep);
extern void crm_sweep_sink_close(SweepTable *sweep);
extern Tuplestorestate *crm_sweep_changed_keys(SweepTable *sweep,
											   const char *snapshot);
extern int64 crm_sweep_write(SweepTable *sweep, const SweepRequest *request,
							 const SweepChoice *choice);

#endif							/* CRM_SWEEP_H */
