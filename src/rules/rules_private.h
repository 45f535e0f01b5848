/*-------------------------------------------------------------------------
 *
 * rules_private.h
 *		What the files of src/rules/ share among themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_RULES_PRIVATE_H
#define CRM_RULES_PRIVATE_H

#include "rules/rule.h"

#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "types/type_sql.h"

/* When a kind of rule is evaluated. */
typedef enum RuleLevel
{
	LEVEL_ROW,					/* a row by itself */
	LEVEL_UPDATE,				/* an old row and its new version */
	LEVEL_SET,					/* needs other rows */
	LEVEL_TABLE					/* a statement about a whole table */
} RuleLevel;

/* What a parameter of a kind must be. */
typedef enum ParamType
{
	PARAM_TEXT,
	PARAM_INTEGER,
	PARAM_BOOLEAN,
	PARAM_SCALAR,				/* a string or a number */
	PARAM_INTERVAL,
	PARAM_SCALARS,				/* array of strings and numbers */
	PARAM_PAIRS,				/* array of pairs of strings, null allowed */
	PARAM_OBJECT,
	PARAM_OBJECTS				/* array of objects */
} ParamType;

typedef struct RuleParam
{
	const char *name;			/* NULL ends the list */
	ParamType	type;
	bool		required;
} RuleParam;

/* A rule as the catalog, or a definer, states it. */
typedef struct RuleSource
{
	int64		id;
	int			version;
	char	   *name;
	char	   *kind;
	int			ncolumns;
	char	  **columns;
	Jsonb	   *params;			/* an object */
	CrmSeverity severity;
	CrmDimension dimension;
	float4		weight;
	char	   *condition;
	char	   *message;
	DateADT		valid_from;		/* DATEVAL_NOBEGIN if open */
	DateADT		valid_until;	/* DATEVAL_NOEND if open */
	int			nreads;
	char	  **reads;			/* names of the columns it reads */
} RuleSource;

/* Settings of a protected table, as the catalog states them. */
typedef struct TargetSource
{
	Oid			target;
	CrmMode		mode;
	ErrorStyle	error_style;
	char	   *live;
	int			nkeys;
	char	  **keys;
	int			nhashed;
	char	  **hashed_keys;
	char	   *owner;			/* column of role owner, or NULL */
	char	   *score;			/* column of role score, or NULL */
	bool		live_scores;
	int			rule_set_version;
} TargetSource;

/* A column that holds contacts of staff, as crmaudit.staff_source states. */
typedef struct StaffSource
{
	Oid			relid;
	char	   *column;
	char	   *relation;
} StaffSource;

/* Context of one rule's compilation. */
typedef struct RuleCompile
{
	Relation	rel;
	const char *relname;		/* name that expressions may qualify with */
	const RuleSource *source;
	bool		parse_only;		/* SQL is parsed, not planned: planning may
								 * run functions in it */
	Oid			target;			/* the protected table: rel, or its root */
	List	   *depends;		/* other relations whose changes matter */
	bool		has_missing;	/* one of them is not there */
} RuleCompile;

/*
 * A kind of rule.  compile() checks columns and parameters, raises an error
 * a definer understands, and fills rule->state in the current context.
 */
typedef struct RuleKind
{
	const char *name;
	RuleLevel	level;
	int			min_columns;
	int			max_columns;	/* -1: any number */
	const RuleParam *params;
	CrmDimension dimension;
	const char *nulls;			/* what it does with NULL */
	const char *english;		/* template: {columns}, {1}, {2}, {param} */
	const char *chinese;
	void		(*compile) (RuleCompile *context, Rule *rule);
	RuleEval	eval;			/* of set kinds: at write time; compile() may
								 * clear rule->eval if it cannot */
	bool		follows_clock;	/* the same row may fail another day */
	const struct SetKind *set;	/* LEVEL_SET and LEVEL_TABLE */
} RuleKind;

extern const RuleKind *const crm_rule_kinds[];
extern const int crm_rule_kind_count;

/* From rule_kind.c */
extern const RuleKind *crm_rule_kind_find(const char *name);
extern void crm_rule_kind_check(const RuleSource *source, const RuleKind *kind);
extern Jsonb *crm_empty_params(void);

/* From rule_param.c: parameters of a rule; NULL or the default if absent. */
extern JsonbValue *crm_param(const RuleSource *source, const char *name);
extern char *crm_param_text(const RuleSource *source, const char *name);
extern bool crm_param_bool(const RuleSource *source, const char *name,
						   bool otherwise);
extern int	crm_param_int(const RuleSource *source, const char *name,
						  int otherwise);
extern char **crm_param_texts(const RuleSource *source, const char *name,
							  int *count);
extern Datum crm_param_read(const RuleSource *source, const char *name,
							char *text, Oid typid);
extern void crm_param_either_error(const char *kind, const char *name,
								   const char *other) pg_attribute_noreturn();
extern void crm_param_bounds_error(void) pg_attribute_noreturn();

/* From rule_column.c */
extern void crm_column_resolve(Relation rel, const char *spec,
							   RuleColumn *column);
extern AttrNumber crm_column_attnum(Relation rel, const char *spec);
extern char *crm_column_rename(const char *spec, const char *from,
							   const char *to);
extern bool crm_column_is_text(const RuleColumn *column);
extern bool crm_column_convert(const RuleColumn *column, Datum datum,
							   const char **data, int *length);

/* Whether the value is a date: yes, NULL, or text that is none. */
typedef enum DateReading
{
	DATE_IS_NULL,
	DATE_READ,
	DATE_UNREADABLE
} DateReading;

extern DateReading crm_column_date(const RuleColumn *column,
								   TupleTableSlot *slot, DateADT *date);
extern DateReading crm_column_timestamp(const RuleColumn *column,
										TupleTableSlot *slot,
										TimestampTz *timestamp);
extern void crm_column_require_date(RuleCompile *context, Rule *rule, int n);
extern void crm_column_type_error(RuleCompile *context, const RuleColumn *column,
								  const char *wanted) pg_attribute_noreturn();

/* From rule_expression.c */
/* What the error context says of a parse. */
typedef struct ExpressionSource
{
	const char *sql;
	const char *what;
} ExpressionSource;

extern void crm_expression_error_context(void *arg);
extern Node *crm_expression_parse_raw(const char *sql, const char *what);
extern Node *crm_expression_parse(Relation rel, const char *relname,
								  const char *sql, const char *what,
								  Bitmapset **attnums);

extern ExprState *crm_expression_prepare(Node *expr);
extern bool crm_expression_is_parallel_safe(Node *expr);

/* From rule_eval.c */
extern bool crm_expression_eval(ExprState *expression, const RuleRow *row,
								bool *isnull);

/* From rule_eval.c */
typedef void (*GuardedFunc) (void *argument);

extern char *crm_run_guarded(GuardedFunc func, void *argument);

/* From rule_catalog.c */
extern Oid	crm_target_of(Oid relid);
extern bool crm_catalog_target(Oid target, TargetSource *source);
extern List *crm_catalog_rules(Oid target);
extern void crm_catalog_dimension_weights(double *weights);
extern char **crm_catalog_list(const char *list, int *count);
extern List *crm_catalog_staff(const char *type);

/* From rule_compile.c */
extern void crm_rule_compile(RuleCompile *context, Rule *rule);
extern RuleSet *crm_ruleset_compile(Relation rel, Oid target);
extern ExprState *crm_rule_expression(RuleCompile *context, const char *sql,
									  const char *what, Rule *rule);
extern void crm_rule_source_from_args(RuleSource *source, const char *name,
									  const char *kind, ArrayType *columns,
									  Jsonb *params);

/* The attribute's datum; the slot must be deformed that far. */
static inline Datum
crm_column_datum(const RuleColumn *column, TupleTableSlot *slot, bool *isnull)
{
	*isnull = slot->tts_isnull[column->attnum - 1];
	return slot->tts_values[column->attnum - 1];
}

/*
 * Gives the value as text in the server encoding; returns false if it is
 * NULL.  The text may point into the row.
 */
static inline bool
crm_column_text(const RuleColumn *column, TupleTableSlot *slot,
				const char **data, int *length)
{
	bool		isnull;
	Datum		datum = crm_column_datum(column, slot, &isnull);

	if (isnull)
		return false;
	if (column->is_plain_text)
	{
		text	   *value = DatumGetTextPP(datum);

		*data = VARDATA_ANY(value);
		*length = VARSIZE_ANY_EXHDR(value);
		return true;
	}
	return crm_column_convert(column, datum, data, length);
}

/* As crm_column_text(), in UTF-8: what the identifier parsers take. */
static inline bool
crm_column_utf8(const RuleColumn *column, TupleTableSlot *slot,
				const char **data, int *length)
{
	if (!crm_column_text(column, slot, data, length))
		return false;
	if (GetDatabaseEncoding() != PG_UTF8)
		crm_text_to_utf8(data, length);
	return true;
}

/* From value_list.c */
typedef struct ValueList ValueList;

extern void crm_value_list_init(void);
extern void crm_value_list_invalidate(Oid relid);
extern ValueList *crm_value_list_get(const char *name);
extern bool crm_value_list_has(ValueList *list, const char *data, int length);
extern bool crm_value_list_has_domain(ValueList *list, const char *data,
									  int length);

/* The kinds, from the kinds_*.c */
extern const RuleKind crm_kind_required;
extern const RuleKind crm_kind_not_blank;
extern const RuleKind crm_kind_at_least_one_of;
extern const RuleKind crm_kind_format;
extern const RuleKind crm_kind_id_matches_birth_date;
extern const RuleKind crm_kind_id_matches_sex;
extern const RuleKind crm_kind_regex;
extern const RuleKind crm_kind_length;
extern const RuleKind crm_kind_charset;
extern const RuleKind crm_kind_in_set;
extern const RuleKind crm_kind_in_list;
extern const RuleKind crm_kind_not_in_list;
extern const RuleKind crm_kind_placeholder;
extern const RuleKind crm_kind_range;
extern const RuleKind crm_kind_date_order;
extern const RuleKind crm_kind_not_future;
extern const RuleKind crm_kind_max_age;
extern const RuleKind crm_kind_columns_equal;
extern const RuleKind crm_kind_columns_differ;
extern const RuleKind crm_kind_expression;
extern const RuleKind crm_kind_immutable;
extern const RuleKind crm_kind_transition;
extern const RuleKind crm_kind_changed_together;
extern const RuleKind crm_kind_unique;
extern const RuleKind crm_kind_shared_value;
extern const RuleKind crm_kind_not_staff_contact;
extern const RuleKind crm_kind_reference;
extern const RuleKind crm_kind_matches_table;
extern const RuleKind crm_kind_functional_dependency;
extern const RuleKind crm_kind_spelling_variant;
extern const RuleKind crm_kind_has_related;
extern const RuleKind crm_kind_duplicate;
extern const RuleKind crm_kind_freshness;
extern const RuleKind crm_kind_row_count;
extern const RuleKind crm_kind_null_fraction;
extern const RuleKind crm_kind_distribution;
extern const RuleKind crm_kind_score_drop;

#endif							/* CRM_RULES_PRIVATE_H */
