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
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "rules/rules_private.h"

PG_FUNCTION_INFO_V1(crmaudit_rule_check);

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

/* Compiles SQL of a rule, unless it is only to be parsed. */
ExprState *
crm_rule_expression(RuleCompile *context, const char *sql, const char *what,
					Rule *rule)
{
	if (!context->parse_only)
		return crm_expression_compile(context->rel, context->relname, sql,
									  what, &rule->attnums);
	(void) crm_expression_parse(context->rel, context->relname, sql, what,
								&rule->attnums);
	return NULL;
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
	rule->kind_level_row = kind->level == LEVEL_ROW;
	rule->ncolumns = source->ncolumns;
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

	ruleset->live = crm_expression_compile(compile->context->rel,
										   ruleset->target_name, compile->live,
										   "live condition",
										   &ruleset->live_attnums);
}

/* Compiles the live condition; one that fails is marked broken. */
static void
ruleset_compile_live(RuleSet *ruleset, Relation rel, const char *sql)
{
	RuleCompile context = {rel, ruleset->target_name, NULL, false};
	GuardedCompile compile = {.context = &context,.ruleset = ruleset,.live = sql};

	ruleset->live_broken = crm_run_guarded(compile_live, &compile);
	if (ruleset->live_broken)
		ruleset->live_attnums = NULL;
}

/* Returns the index of the cell of a column and dimension, adding it. */
static int
cell_find(RuleSet *ruleset, const char *column, const Rule *rule)
{
	ScoreCell  *cell;

	for (int i = 0; i < ruleset->ncells; i++)
	{
		cell = &ruleset->cells[i];
		if (cell->dimension == rule->dimension &&
			strcmp(cell->column, column) == 0)
		{
			cell->weight = Max(cell->weight, rule->weight);
			return i;
		}
	}
	ruleset->cells = ruleset->cells ?
		repalloc(ruleset->cells, (ruleset->ncells + 1) * sizeof(ScoreCell)) :
		palloc(sizeof(ScoreCell));
	cell = &ruleset->cells[ruleset->ncells];
	cell->column = pstrdup(column);
	cell->dimension = rule->dimension;
	cell->weight = rule->weight;
	return ruleset->ncells++;
}

/*
 * Gives the rule its cells: one for each of its columns, or, where it names
 * none, for each attribute that it reads.
 */
static void
rule_assign_cells(RuleSet *ruleset, Rule *rule, const RuleSource *source,
				  Relation rel)
{
	int			member = -1;

	if (source->ncolumns > 0)
	{
		rule->cells = palloc(source->ncolumns * sizeof(int));
		for (int i = 0; i < source->ncolumns; i++)
			rule->cells[rule->ncells++] = cell_find(ruleset,
													source->columns[i], rule);
		return;
	}
	rule->cells = palloc((bms_num_members(rule->attnums) + 1) * sizeof(int));
	while ((member = bms_next_member(rule->attnums, member)) >= 0)
		rule->cells[rule->ncells++] =
			cell_find(ruleset,
					  NameStr(TupleDescAttr(RelationGetDescr(rel), member - 1)->attname),
					  rule);
	if (rule->ncells == 0)
		rule->cells[rule->ncells++] = cell_find(ruleset, rule->name, rule);
}

/* Sums up what the rules read: the gate deforms and compares that much. */
static void
ruleset_compile_reads(RuleSet *ruleset, Relation rel)
{
	Bitmapset  *reads = bms_copy(ruleset->live_attnums);
	int			member = -1;

	for (int i = 0; i < ruleset->nrules; i++)
		reads = bms_add_members(reads, ruleset->rules[i].attnums);
	for (int i = 0; i < ruleset->key.ncolumns; i++)
		reads = bms_add_member(reads, ruleset->key.columns[i].attnum);
	ruleset->read_attnums = palloc((bms_num_members(reads) + 1) *
								   sizeof(AttrNumber));
	while ((member = bms_next_member(reads, member)) >= 0)
	{
		ruleset->read_attnums[ruleset->nread++] = member;
		ruleset->max_attnum = Max(ruleset->max_attnum, member);
	}
	ruleset->changed = palloc0((RelationGetDescr(rel)->natts + 1) *
							   sizeof(bool));
}

/* Compiles the rules that are in force today. */
static void
ruleset_compile_rules(RuleSet *ruleset, Relation rel, List *sources)
{
	RuleCompile context = {rel, ruleset->target_name, NULL, false};
	ListCell   *cell;

	ruleset->rules = palloc0((list_length(sources) + 1) * sizeof(Rule));
	foreach(cell, sources)
	{
		Rule	   *rule = &ruleset->rules[ruleset->nrules];

		context.source = lfirst(cell);
		if (context.source->valid_from != DATEVAL_NOBEGIN ||
			context.source->valid_until != DATEVAL_NOEND)
			ruleset->has_dates = true;
		if (ruleset->compiled_on < context.source->valid_from ||
			ruleset->compiled_on > context.source->valid_until)
			continue;
		rule_compile_or_mark(&context, rule);
		if (!rule->broken && rule->eval == NULL)
			continue;			/* waits for the sweep */
		ruleset->nrules++;
		if (rule->broken)
			continue;
		rule_assign_cells(ruleset, rule, context.source, rel);
		ruleset->ncommit += rule->at_commit;
		ruleset->has_guarded |= rule->is_guarded;
		ruleset->has_normalise |= rule->normalise;
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
	ruleset->compiled_on = crm_today();
	ruleset->econtext = CreateStandaloneExprContext();
	crm_catalog_dimension_weights(ruleset->dimension_weights);
	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(crm_relation_owner(target),
						   security | SECURITY_RESTRICTED_OPERATION);
	if (source.live)
		ruleset_compile_live(ruleset, rel, source.live);
	ruleset_compile_rules(ruleset, rel, sources);
	SetUserIdAndSecContext(userid, security);
	crm_row_key_compile(&ruleset->key, rel, source.keys, source.nkeys,
						source.hashed_keys, source.nhashed);
	ruleset_compile_reads(ruleset, rel);
	MemoryContextSwitchTo(old);
	return ruleset;
}

/*
 * crmaudit.rule_check(target regclass, name text, kind text, columns text[],
 *					   params jsonb, condition text, parse_only boolean)
 *
 * Compiles a rule as the gate would; raises the error a definer needs, and
 * returns the attributes that the rule reads as int2[].  parse_only calls no
 * function of the rule's SQL: a view may check rules with a reader's rights.
 * Only the condition may be NULL; else the result is.
 */
Datum
crmaudit_rule_check(PG_FUNCTION_ARGS)
{
	Relation	rel;
	RuleSource	source;
	RuleCompile context;
	Rule		rule;
	Datum	   *elements;
	int			count = 0;
	int			member = -1;

	/* not STRICT, for the condition may be NULL */
	for (int i = 0; i < 7; i++)
	{
		if (i != 5 && PG_ARGISNULL(i))
			PG_RETURN_NULL();
	}
	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	crm_rule_source_from_args(&source, text_to_cstring(PG_GETARG_TEXT_PP(1)),
							  text_to_cstring(PG_GETARG_TEXT_PP(2)),
							  PG_GETARG_ARRAYTYPE_P(3), PG_GETARG_JSONB_P(4));
	if (!PG_ARGISNULL(5))
		source.condition = text_to_cstring(PG_GETARG_TEXT_PP(5));
	context.rel = rel;
	context.relname = RelationGetRelationName(rel);
	context.source = &source;
	context.parse_only = PG_GETARG_BOOL(6);
	rule_init(&rule, &source);
	crm_rule_compile(&context, &rule);
	table_close(rel, NoLock);

	elements = palloc((bms_num_members(rule.attnums) + 1) * sizeof(Datum));
	while ((member = bms_next_member(rule.attnums, member)) >= 0)
		elements[count++] = Int16GetDatum(member);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, INT2OID, 2, true,
										  TYPALIGN_SHORT));
}
