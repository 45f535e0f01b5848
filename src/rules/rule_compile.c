/*-------------------------------------------------------------------------
 *
 * rule_compile.c
 *		Turns the rules of the catalog into a rule set for one relation.
 *
 * A rule set is compiled per leaf relation, by column names, because a
 * partition has its own attribute numbers.  Defining a rule runs the same
 * code, so that what a definer was told is right will compile; what no longer
 * does (a column's type changed) is marked broken and passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "rules/rules_private.h"

PG_FUNCTION_INFO_V1(crmaudit_rule_check);
PG_FUNCTION_INFO_V1(crmaudit_sweep_only);

/* Fills a source from what a definer, or a view, states. */
void
crm_rule_source_from_args(RuleSource *source, const char *name,
						  const char *kind, ArrayType *columns, Jsonb *params)
{
	Datum	   *elements;
	bool	   *nulls;

	memset(source, 0, sizeof(*source));
	source->name = pstrdup(name);
	source->kind = pstrdup(kind);
	source->params = params;
	source->valid_from = DATEVAL_NOBEGIN;
	source->valid_until = DATEVAL_NOEND;
	deconstruct_array(columns, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &source->ncolumns);
	source->columns = palloc((source->ncolumns + 1) * sizeof(char *));
	for (int i = 0; i < source->ncolumns; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("columns of a rule must not be null")));
		source->columns[i] = TextDatumGetCString(elements[i]);
	}
}

/*
 * Compiles SQL of a rule, unless it is only to be parsed; notes whether its
 * outcome can change, and whether it may run in a parallel worker.
 */
ExprState *
crm_rule_expression(RuleCompile *context, const char *sql, const char *what,
					Rule *rule)
{
	Node	   *expr = crm_expression_parse(context->rel, context->relname, sql,
											what, &rule->attnums);

	rule->is_immutable &= !contain_mutable_functions(expr);
	rule->is_parallel_safe &= crm_expression_is_parallel_safe(expr);
	if (context->parse_only)
		return NULL;
	return crm_expression_prepare(expr);
}

/*
 * Compiles one rule in the current context; raises an error that names what
 * is wrong.
 */
void
crm_rule_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	const RuleKind *kind = crm_rule_kind_find(source->kind);
	char	   *timing;
	int			member = -1;

	crm_rule_kind_check(source, kind);
	rule->kind = kind;
	rule->eval = kind->eval;
	rule->set = kind->set;
	rule->group_type = "text";
	rule->kind_level_row = kind->level == LEVEL_ROW;
	rule->is_set = kind->level >= LEVEL_SET;
	rule->is_immutable = rule->kind_level_row && !kind->follows_clock;
	rule->is_parallel_safe = true;
	rule->ncolumns = source->ncolumns;
	rule->nallcolumns = source->ncolumns;
	rule->columns = palloc0((source->ncolumns + 1) * sizeof(RuleColumn));
	for (int i = 0; i < source->ncolumns; i++)
	{
		crm_column_resolve(context->rel, source->columns[i], &rule->columns[i]);
		rule->attnums = bms_add_member(rule->attnums, rule->columns[i].attnum);
		/* json, unlike jsonb, can hold what is no text: \u0000 */
		rule->is_guarded |= rule->columns[i].npath > 0 &&
			!rule->columns[i].is_jsonb;
	}
	if (kind->compile)
		kind->compile(context, rule);
	if (source->condition)
	{
		rule->condition = crm_rule_expression(context, source->condition,
											  "rule condition", rule);
		rule->condition_sql = pstrdup(source->condition);
		rule->is_guarded = true;
	}
	rule->read = palloc((bms_num_members(rule->attnums) + 1) *
						sizeof(AttrNumber));
	while ((member = bms_next_member(rule->attnums, member)) >= 0)
		rule->read[rule->nread++] = member;
	timing = crm_param_text(source, "timing");
	rule->at_commit = timing != NULL && strcmp(timing, "commit") == 0;
}

/* Copies what does not depend on the relation. */
static void
rule_init(Rule *rule, const RuleSource *source)
{
	memset(rule, 0, sizeof(*rule));
	rule->id = source->id;
	rule->version = source->version;
	rule->name = pstrdup(source->name);
	rule->severity = source->severity;
	rule->dimension = source->dimension;
	rule->weight = source->weight;
	rule->message = source->message ? pstrdup(source->message) : NULL;
}

/* A rule, or a live condition, to compile under guard. */
typedef struct GuardedCompile
{
	RuleCompile *context;
	Rule	   *rule;
	RuleSet    *ruleset;
	const char *live;
	RuleColumn *column;
} GuardedCompile;

static void
compile_rule(void *argument)
{
	GuardedCompile *compile = argument;

	crm_rule_compile(compile->context, compile->rule);
}

/* Compiles a rule of the catalog; one that fails is marked broken. */
static void
rule_compile_or_mark(RuleCompile *context, Rule *rule)
{
	GuardedCompile compile = {.context = context,.rule = rule};
	char	   *broken;

	rule_init(rule, context->source);
	broken = crm_run_guarded(compile_rule, &compile);
	if (broken)
	{
		rule_init(rule, context->source);
		rule->broken = broken;
	}
}

static void
compile_live(void *argument)
{
	GuardedCompile *compile = argument;
	RuleSet    *ruleset = compile->ruleset;

	Node	   *expr = crm_expression_parse(compile->context->rel,
											ruleset->target_name, compile->live,
											"live condition",
											&ruleset->live_attnums);

	ruleset->live_is_mutable = contain_mutable_functions(expr);
	ruleset->live_is_parallel_safe = crm_expression_is_parallel_safe(expr);
	ruleset->live = crm_expression_prepare(expr);
	ruleset->live_sql = pstrdup(compile->live);
}

/* Compiles the live condition; one that fails is marked broken. */
static void
ruleset_compile_live(RuleSet *ruleset, Relation rel, const char *sql)
{
	RuleCompile context = {rel, ruleset->target_name, NULL, false, ruleset->target, NIL, false};
	GuardedCompile compile = {.context = &context,.ruleset = ruleset,.live = sql};

	ruleset->live_broken = crm_run_guarded(compile_live, &compile);
	if (ruleset->live_broken)
		ruleset->live_attnums = NULL;
}

/* Returns the index of the cell of a column and dimension, adding it. */
static int
cell_find(RuleSet *ruleset, const char *column, const RuleSource *source)
{
	ScoreCell  *cell;

	for (int i = 0; i < ruleset->ncells; i++)
	{
		cell = &ruleset->cells[i];
		if (cell->dimension == source->dimension &&
			strcmp(cell->column, column) == 0)
		{
			cell->weight = Max(cell->weight, source->weight);
			return i;
		}
	}
	ruleset->cells = ruleset->cells ?
		repalloc(ruleset->cells, (ruleset->ncells + 1) * sizeof(ScoreCell)) :
		palloc(sizeof(ScoreCell));
	cell = &ruleset->cells[ruleset->ncells];
	cell->column = pstrdup(column);
	cell->dimension = source->dimension;
	cell->weight = source->weight;
	cell->is_live = true;
	return ruleset->ncells++;
}

/*
 * Gives a rule its cells: one for each of its columns, or, where it names
 * none, for each column that it reads.  By the catalog alone, whether or not
 * the rule can be compiled or is in force, so that the cells of a version of
 * the rules are the same in every session, on every day and in every
 * partition: sums over them are stored.
 */
static int
rule_find_cells(RuleSet *ruleset, const RuleSource *source, int *cells)
{
	int			count = 0;

	/* an alarm looks at scores, and is no part of them */
	if (strcmp(source->kind, crm_kind_score_drop.name) == 0)
		return 0;
	for (int i = 0; i < source->ncolumns; i++)
		cells[count++] = cell_find(ruleset, source->columns[i], source);
	for (int i = 0; source->ncolumns == 0 && i < source->nreads; i++)
		cells[count++] = cell_find(ruleset, source->reads[i], source);
	if (count == 0)
		cells[count++] = cell_find(ruleset, source->name, source);
	return count;
}

/* Sums up what the rules read: the gate deforms and compares that much. */
static void
ruleset_compile_reads(RuleSet *ruleset, Relation rel)
{
	Bitmapset  *reads = bms_copy(ruleset->live_attnums);
	int			member = -1;

	for (int i = 0; i < ruleset->nall; i++)
		reads = bms_add_members(reads, ruleset->rules[i].attnums);
	if (ruleset->owner)
		reads = bms_add_member(reads, ruleset->owner->attnum);
	for (int i = 0; i < ruleset->key.ncolumns; i++)
		reads = bms_add_member(reads, ruleset->key.columns[i].attnum);
	ruleset->read_attnums = palloc((bms_num_members(reads) + 1) *
								   sizeof(AttrNumber));
	while ((member = bms_next_member(reads, member)) >= 0)
	{
		ruleset->read_attnums[ruleset->nread++] = member;
		ruleset->max_attnum = Max(ruleset->max_attnum, member);
	}
	if (ruleset->score)
		ruleset->max_attnum = Max(ruleset->max_attnum, ruleset->score->attnum);
	ruleset->changed = palloc0((RelationGetDescr(rel)->natts + 1) *
							   sizeof(bool));
	ruleset->after = palloc0((ruleset->nrules + 1) * sizeof(RuleOutcome));
	ruleset->before = palloc0((ruleset->nrules + 1) * sizeof(RuleOutcome));
}

/* Lists the rules that count in live scores. */
static void
ruleset_compile_live_rules(RuleSet *ruleset, bool live_scores)
{
	ruleset->counts_live = live_scores && !ruleset->live_is_mutable;
	ruleset->live_rules = palloc((ruleset->nrules + 1) * sizeof(int));
	for (int i = 0; i < ruleset->nrules; i++)
	{
		const Rule *rule = &ruleset->rules[i];

		if (rule->broken == NULL && rule->kind_level_row &&
			rule->is_immutable)
			ruleset->live_rules[ruleset->nlive++] = i;
	}
}

/* Enters a compiled rule into what the rule set sums up. */
static void
ruleset_count_rule(RuleSet *ruleset, const Rule *rule)
{
	ruleset->ncommit += rule->at_commit && rule->eval != NULL;
	ruleset->has_guarded |= rule->is_guarded;
	ruleset->has_normalise |= rule->normalise;
	if (!rule->is_immutable && (rule->kind_level_row || rule->is_set))
	{
		for (int i = 0; i < rule->ncells; i++)
			ruleset->cells[rule->cells[i]].is_live = false;
	}
}

/*
 * Compiles the rules that are in force today; those that only the sweep
 * evaluates come last.
 */
static void
ruleset_compile_rules(RuleSet *ruleset, Relation rel, List *sources)
{
	RuleCompile context = {rel, ruleset->target_name, NULL, false, ruleset->target, NIL, false};
	Rule	   *later = palloc0((list_length(sources) + 1) * sizeof(Rule));
	int			nlater = 0;
	ListCell   *cell;

	ruleset->rules = palloc0((list_length(sources) + 1) * sizeof(Rule));
	foreach(cell, sources)
	{
		Rule		rule;
		int		   *cells;
		int			ncells;
		bool		has_term;

		context.source = lfirst(cell);
		cells = palloc((context.source->ncolumns + context.source->nreads + 1) *
					   sizeof(int));
		ncells = rule_find_cells(ruleset, context.source, cells);
		has_term = context.source->valid_from != DATEVAL_NOBEGIN ||
			context.source->valid_until != DATEVAL_NOEND;
		ruleset->has_dates |= has_term;
		/* also while the rule is not in force: sums over cells are stored */
		for (int i = 0; has_term && i < ncells; i++)
			ruleset->cells[cells[i]].is_live = false;
		if (ruleset->compiled_on < context.source->valid_from ||
			ruleset->compiled_on > context.source->valid_until)
			continue;
		rule_compile_or_mark(&context, &rule);
		rule.ncells = ncells;
		rule.cells = cells;
		rule.is_immutable &= !has_term;
		if (rule.broken || rule.eval)
			ruleset->rules[ruleset->nrules++] = rule;
		else
			later[nlater++] = rule;
		if (!rule.broken)
			ruleset_count_rule(ruleset, &rule);
	}
	memcpy(ruleset->rules + ruleset->nrules, later, nlater * sizeof(Rule));
	ruleset->nall = ruleset->nrules + nlater;
	pfree(later);
	ruleset->depends = palloc((list_length(context.depends) + 1) * sizeof(Oid));
	ruleset->has_missing = context.has_missing;
	foreach(cell, context.depends)
		ruleset->depends[ruleset->ndepends++] = lfirst_oid(cell);
}

static void
compile_column(void *argument)
{
	GuardedCompile *compile = argument;

	crm_column_resolve(compile->context->rel, compile->live,
					   compile->column);
}

/* A column with a meaning for scores; NULL if it is not there any more. */
static RuleColumn *
ruleset_compile_column(RuleSet *ruleset, Relation rel, const char *spec)
{
	RuleCompile context = {rel, ruleset->target_name, NULL, false};
	RuleColumn *column = palloc0(sizeof(RuleColumn));
	GuardedCompile compile = {.context = &context,.live = spec,.column = column};

	if (spec == NULL || crm_run_guarded(compile_column, &compile) != NULL)
		return NULL;
	return column;
}

/* Whether the column can hold a score: as protect() sees to, but since then. */
static bool
holds_score(const RuleColumn *column)
{
	switch (column->typid)
	{
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return column->npath == 0;
		default:
			return column->typid ==
				GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
								CStringGetDatum("dqscore"),
								ObjectIdGetDatum(get_namespace_oid("crmaudit", true)));
	}
}

Oid
crm_relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Compiles the rule set of "rel", which belongs to the protected table
 * "target".  The result lives in a context of its own under the current one.
 *
 * SQL is compiled as the table's owner, who defined it: whether a rule can be
 * compiled must not depend on what the writer may name, and planning may run
 * functions in it.
 */
RuleSet *
crm_ruleset_compile(Relation rel, Oid target)
{
	static uint64 last_serial = 0;
	TargetSource source;
	List	   *sources;
	RuleSet    *ruleset;
	MemoryContext context;
	MemoryContext old;
	Oid			userid;
	int			security;

	if (!crm_catalog_target(target, &source))
		return NULL;
	sources = crm_catalog_rules(target);

	context = AllocSetContextCreate(CurrentMemoryContext, "crmaudit rule set",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	ruleset = palloc0(sizeof(RuleSet));
	ruleset->context = context;
	ruleset->serial = ++last_serial;
	ruleset->relid = RelationGetRelid(rel);
	ruleset->target = target;
	ruleset->target_name = get_rel_name(target);
	ruleset->target_schema = get_namespace_name(get_rel_namespace(target));
	ruleset->mode = source.mode;
	ruleset->error_style = source.error_style;
	ruleset->rule_set_version = source.rule_set_version;
	ruleset->live_is_parallel_safe = true;
	ruleset->compiled_on = crm_today();
	ruleset->econtext = CreateStandaloneExprContext();
	crm_catalog_dimension_weights(ruleset->dimension_weights);
	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(crm_relation_owner(target),
						   security | SECURITY_RESTRICTED_OPERATION);
	if (source.live)
		ruleset_compile_live(ruleset, rel, source.live);
	ruleset_compile_rules(ruleset, rel, sources);
	/* which rows count may change without a write */
	for (int i = 0; ruleset->live_is_mutable && i < ruleset->ncells; i++)
		ruleset->cells[i].is_live = false;
	ruleset->owner = ruleset_compile_column(ruleset, rel, source.owner);
	/* json, unlike jsonb, can hold what is no text */
	if (ruleset->owner && ruleset->owner->npath > 0 && !ruleset->owner->is_jsonb)
		ruleset->owner = NULL;
	ruleset->score = ruleset_compile_column(ruleset, rel, source.score);
	if (ruleset->score && !holds_score(ruleset->score))
		ruleset->score = NULL;
	SetUserIdAndSecContext(userid, security);
	crm_row_key_compile(&ruleset->key, rel, source.keys, source.nkeys,
						source.hashed_keys, source.nhashed);
	ruleset_compile_reads(ruleset, rel);
	ruleset_compile_live_rules(ruleset, source.live_scores);
	MemoryContextSwitchTo(old);
	return ruleset;
}

/*
 * Compiles the rule that the arguments (target, name, kind, columns, params,
 * condition, parse_only) state; raises the error a definer needs.  Only the
 * condition may be NULL; false if anything else is.
 */
static bool
compile_arguments(FunctionCallInfo fcinfo, RuleSource *source, Rule *rule)
{
	Relation	rel;
	RuleCompile context;

	/* not STRICT, for the condition may be NULL */
	for (int i = 0; i < 7; i++)
	{
		if (i != 5 && PG_ARGISNULL(i))
			return false;
	}
	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	crm_rule_source_from_args(source, text_to_cstring(PG_GETARG_TEXT_PP(1)),
							  text_to_cstring(PG_GETARG_TEXT_PP(2)),
							  PG_GETARG_ARRAYTYPE_P(3), PG_GETARG_JSONB_P(4));
	if (!PG_ARGISNULL(5))
		source->condition = text_to_cstring(PG_GETARG_TEXT_PP(5));
	context.rel = rel;
	context.relname = RelationGetRelationName(rel);
	context.source = source;
	context.parse_only = PG_GETARG_BOOL(6);
	context.target = RelationGetRelid(rel);
	context.depends = NIL;
	context.has_missing = false;
	rule_init(rule, source);
	crm_rule_compile(&context, rule);
	table_close(rel, NoLock);
	return true;
}

/*
 * crmaudit.rule_check(target regclass, name text, kind text, columns text[],
 *					   params jsonb, condition text, parse_only boolean)
 *
 * Compiles a rule as the gate would; returns the attributes that the rule
 * reads as int2[].  parse_only calls no function of the rule's SQL: a view may
 * check rules with a reader's rights.
 */
Datum
crmaudit_rule_check(PG_FUNCTION_ARGS)
{
	RuleSource	source;
	Rule		rule;
	Datum	   *elements;
	int			count = 0;
	int			member = -1;

	if (!compile_arguments(fcinfo, &source, &rule))
		PG_RETURN_NULL();
	elements = palloc((bms_num_members(rule.attnums) + 1) * sizeof(Datum));
	while ((member = bms_next_member(rule.attnums, member)) >= 0)
		elements[count++] = Int16GetDatum(member);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, INT2OID, 2, true,
										  TYPALIGN_SHORT));
}

/*
 * crmaudit.sweep_only(target regclass, name text, kind text, columns text[],
 *					   params jsonb, condition text, parse_only boolean)
 *
 * Says why the gate does not evaluate a rule that looks at other rows, or the
 * whole table; NULL if it does.
 */
Datum
crmaudit_sweep_only(PG_FUNCTION_ARGS)
{
	RuleSource	source;
	Rule		rule;

	if (!compile_arguments(fcinfo, &source, &rule) || rule.eval != NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(rule.no_probe ? rule.no_probe :
									 rule.kind->level == LEVEL_TABLE ?
									 "it is about the table as a whole" :
									 "its kind is not evaluated as rows are written"));
}
