/*-------------------------------------------------------------------------
 *
 * rule.h
 *		Compiled rules: what the gate, the scores and the sweep evaluate.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_RULE_H
#define CRM_RULE_H

#include "crmaudit.h"
#include "row_key.h"

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

struct Rule;
struct RuleKind;
struct RuleSet;

/* How the value of a column is read. */
typedef enum ValueClass
{
	VALUE_TEXT,					/* text, varchar, char, domains over them */
	VALUE_DATE,
	VALUE_TIMESTAMP,
	VALUE_TIMESTAMPTZ,
	VALUE_NUMBER,				/* integers, floats, numeric */
	VALUE_OTHER					/* read through its output function */
} ValueClass;

/* One step of a path into a json value: a key, or an array index. */
typedef struct PathStep
{
	char	   *key;
	int			key_length;
	bool		is_index;		/* the key reads as a number: */
	int			index;			/* from the end if negative */
} PathStep;

/* A column of a rule, or a path into a json or jsonb column. */
typedef struct RuleColumn
{
	char	   *spec;			/* as defined: mail, profile->>email */
	AttrNumber	attnum;
	Oid			typid;			/* of the value: text for a path */
	int32		typmod;
	Oid			collation;
	int16		typlen;
	bool		typbyval;
	ValueClass	value_class;
	bool		is_plain_text;	/* text or varchar, no path */
	bool		is_bpchar;
	bool		is_jsonb;
	int			npath;			/* 0: the column itself */
	PathStep   *path;
	FmgrInfo	output;			/* for VALUE_OTHER, VALUE_NUMBER */
} RuleColumn;

/*
 * The row under judgement.  The slots are deformed up to the rule set's
 * max_attnum.  old is NULL where there is no older version.
 */
typedef struct RuleRow
{
	TupleTableSlot *slot;
	TupleTableSlot *old;
	const struct RuleSet *ruleset;	/* whose econtext SQL runs in */
} RuleRow;

/* Outcome of one rule on one row. */
typedef enum RuleState
{
	RULE_NOT_ASSESSED,			/* nothing to check, or condition false */
	RULE_PASSED,
	RULE_SUSPECT,
	RULE_FAILED,
	RULE_ERROR					/* the rule itself failed */
} RuleState;

typedef struct RuleOutcome
{
	RuleState	state;
	CrmReason	reason;
} RuleOutcome;

#define RULE_OUTCOME(s, r)	((RuleOutcome) {(s), (r)})
#define RULE_PASS			RULE_OUTCOME(RULE_PASSED, CRM_REASON_NONE)
#define RULE_SKIP			RULE_OUTCOME(RULE_NOT_ASSESSED, CRM_REASON_NONE)
#define RULE_FAIL(r)		RULE_OUTCOME(RULE_FAILED, CRM_REASON_##r)
#define RULE_DOUBT(r)		RULE_OUTCOME(RULE_SUSPECT, CRM_REASON_##r)

typedef RuleOutcome (*RuleEval) (const struct Rule *rule, const RuleRow *row);

/* A rule, compiled for one relation. */
typedef struct Rule
{
	int64		id;
	int			version;
	char	   *name;
	const struct RuleKind *kind;
	const struct SetKind *set;	/* of kinds that look at other rows */
	CrmSeverity severity;
	CrmDimension dimension;
	float4		weight;
	char	   *message;		/* own words instead of the reason's, or NULL */
	bool		at_commit;		/* "timing":"commit" */
	bool		normalise;		/* "normalise":true */
	bool		is_guarded;		/* runs SQL, which can fail */
	bool		kind_level_row; /* about a row by itself, not about an UPDATE */
	bool		is_set;			/* about other rows too, or the whole table */
	bool		is_immutable;	/* the same row has the same outcome at any
								 * time: live scores count it as it is written */
	bool		is_parallel_safe;
	char	   *broken;			/* why it cannot be evaluated, or NULL */
	int			ncolumns;
	int			nallcolumns;	/* with those that parameters name */
	RuleColumn *columns;
	RuleEval	eval;
	void	   *state;			/* of the kind */
	char	   *no_probe;		/* why the gate does not evaluate a kind that
								 * looks at other rows, or NULL */
	const char *group_type;		/* of what rows of a group share, as its key
								 * tells it: phone, text ... */
	bool		(*group_value) (const struct Rule *rule, const RuleRow *row,
								const char **data, int *length);
	ExprState  *condition;
	char	   *condition_sql;	/* canonical, or NULL */
	Bitmapset  *attnums;		/* all attributes it reads */
	int			nread;			/* the same, as an array for the gate */
	AttrNumber *read;
	int			ncells;
	int		   *cells;			/* indexes into RuleSet.cells */
} Rule;

/* A score's cell: one column in one dimension. */
typedef struct ScoreCell
{
	char	   *column;
	CrmDimension dimension;
	float4		weight;			/* the largest of its rules' */
	bool		is_live;		/* all its rules are immutable; if not, live
								 * scores carry the last sweep's ratio */
} ScoreCell;

/* How an error presents itself to the client. */
typedef enum ErrorStyle
{
	ERROR_STYLE_RULE,
	ERROR_STYLE_NATIVE
} ErrorStyle;

/* All that the gate knows of a relation. */
typedef struct RuleSet
{
	MemoryContext context;		/* owns everything below */
	struct RuleSet *next_stale; /* see rule_cache.c */
	uint64		serial;			/* no other rule set of the session has it */
	Oid			relid;			/* the relation compiled for */
	Oid			target;			/* the protected table: relid or its root */
	char	   *target_name;
	char	   *target_schema;
	CrmMode		mode;
	ErrorStyle	error_style;
	ExprState  *live;			/* NULL: every row counts */
	char	   *live_broken;	/* why the condition cannot be compiled, or
								 * NULL; then every row counts too */
	Bitmapset  *live_attnums;
	int			compiled_on;	/* date: rules may begin or end */
	char	   *live_sql;		/* canonical; NULL: every row counts */
	bool		live_is_mutable;
	bool		live_is_parallel_safe;
	bool		has_dates;		/* some rule has a term */
	int			rule_set_version;
	int			nrules;			/* that the gate evaluates; they come first */
	int			nall;			/* with those that only the sweep evaluates */
	Rule	   *rules;
	int			ncommit;		/* how many of them are checked at commit */
	bool		has_guarded;
	bool		has_normalise;
	RowKey		key;
	int			ndepends;		/* other relations whose changes matter */
	Oid		   *depends;
	bool		has_missing;	/* one of them is not there, and may come */
	int			ncells;			/* follows from the catalog's rules alone,
								 * also from those that are broken or not in
								 * force */
	ScoreCell  *cells;
	RuleColumn *owner;			/* column of role owner, or NULL */
	double		dimension_weights[CRM_DIMENSIONS];
	AttrNumber	max_attnum;		/* highest attribute that must be deformed */
	int			nread;			/* attributes that some rule reads */
	AttrNumber *read_attnums;
	bool	   *changed;		/* scratch of an UPDATE, by attribute number */
	ExprContext *econtext;
} RuleSet;

/* From rule_cache.c */
typedef struct RuleSetEntry RuleSetEntry;

extern void crm_rule_cache_init(void);
extern RuleSetEntry *crm_ruleset_entry(Oid relid);
extern RuleSet *crm_ruleset_get(RuleSetEntry *entry, Relation rel);
extern RuleSet *crm_ruleset_lookup(Relation rel);

/* From rule_compile.c */
extern Oid	crm_relation_owner(Oid relid);

/* From rule_eval.c */
extern void crm_ruleset_begin_row(const RuleSet *ruleset);
extern RuleOutcome crm_rule_eval(const Rule *rule, const RuleRow *row);
extern RuleOutcome crm_rule_eval_guarded(const Rule *rule, const RuleRow *row);
extern RuleOutcome crm_rule_condition(const Rule *rule, const RuleRow *row);
extern RuleOutcome crm_rule_condition_guarded(const Rule *rule,
											  const RuleRow *row);
extern bool crm_rule_assesses(const Rule *rule, const RuleRow *row);
extern bool crm_ruleset_live(const RuleSet *ruleset, const RuleRow *row);
extern bool crm_ruleset_live_guarded(const RuleSet *ruleset,
									 const RuleRow *row);

/* "invalid" has the rule's severity; "suspect" is a warning at most. */
static inline CrmSeverity
crm_outcome_severity(const Rule *rule, RuleOutcome outcome)
{
	if (outcome.state == RULE_SUSPECT && rule->severity > CRM_WARNING)
		return CRM_WARNING;
	return rule->severity;
}

static inline bool
crm_outcome_violates(RuleOutcome outcome)
{
	return outcome.state >= RULE_SUSPECT;
}

/*
 * Whether an error tells nothing of a rule: the statement was cancelled, or
 * would succeed at another time.
 */
static inline bool
crm_error_cancels(int sqlstate)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	return category == ERRCODE_OPERATOR_INTERVENTION ||
		category == ERRCODE_INSUFFICIENT_RESOURCES ||
		category == ERRCODE_TRANSACTION_ROLLBACK ||
		sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ||
		sqlstate == ERRCODE_STATEMENT_TOO_COMPLEX;
}

#endif							/* CRM_RULE_H */
