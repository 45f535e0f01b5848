/*-------------------------------------------------------------------------
 *
 * probe_index.c
 *		Whether an index serves a probe, and which one would.
 *
 * Looked up when a rule is compiled.  A rule set is compiled anew when its
 * table, or one that it looks into, gets or loses an index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/hash.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"

#include "rules/probe.h"

/* What a probe compares. */
typedef struct ProbeTerm
{
	Node	   *expr;			/* over the table, as varno 1 */
	Oid			operator;		/* equality */
} ProbeTerm;

/* What is asked of the indexes of a table. */
typedef struct IndexSearch
{
	Relation	rel;
	int			nterms;
	ProbeTerm  *terms;
	bool		by_array;		/* = ANY, which btree only can do */
	RuleCompile *context;
	const char *const *clauses; /* SQL that the probe demands besides */
	int			nclauses;
} IndexSearch;

/* An expression over a row of "rel", from SQL. */
static Node *
expression_node(Relation rel, const char *sql)
{
	Bitmapset  *attnums = NULL;
	Node	   *test = crm_expression_parse(rel, "this_row",
											psprintf("(%s) IS NOT NULL", sql),
											"probe", &attnums);

	return (Node *) castNode(NullTest, test)->arg;
}

/* A column of "rel". */
static Node *
column_node(Relation rel, AttrNumber attnum)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

	return (Node *) makeVar(1, attnum, attr->atttypid, attr->atttypmod,
							attr->attcollation, 0);
}

static Node *
strip_relabel(Node *node)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Whether column "i" of an index is compared by the term. */
static bool
index_column_serves(Relation index, int i, const ProbeTerm *term)
{
	AttrNumber	attnum = index->rd_index->indkey.values[i];
	Node	   *expr = strip_relabel(term->expr);
	int			strategy;

	if (attnum != 0)
	{
		if (!IsA(expr, Var) || ((Var *) expr)->varattno != attnum)
			return false;
	}
	else
	{
		List	   *expressions = RelationGetIndexExpressions(index);
		int			before = 0;

		for (int j = 0; j < i; j++)
			before += index->rd_index->indkey.values[j] == 0;
		if (!equal(strip_relabel(list_nth(expressions, before)), expr))
			return false;
	}
	if (OidIsValid(index->rd_indcollation[i]) &&
		index->rd_indcollation[i] != exprCollation(term->expr))
		return false;
	strategy = get_op_opfamily_strategy(term->operator, index->rd_opfamily[i]);
	return strategy == (index->rd_rel->relam == HASH_AM_OID ?
						HTEqualStrategyNumber : BTEqualStrategyNumber);
}

/* What the probe demands, parsed; NULL where it cannot be. */
typedef struct ClauseParse
{
	const IndexSearch *search;
	List	   *clauses;
} ClauseParse;

static void
parse_clauses(void *argument)
{
	ClauseParse *parse = argument;

	for (int i = 0; i < parse->search->nclauses; i++)
	{
		Bitmapset  *attnums = NULL;
		Node	   *clause = crm_expression_parse(parse->search->rel, "this_row",
												  parse->search->clauses[i],
												  "probe", &attnums);

		clause = (Node *) canonicalize_qual((Expr *) clause, false);
		parse->clauses = list_concat(parse->clauses,
									 make_ands_implicit((Expr *) clause));
	}
}

/* Whether a partial index has all the rows that the probe looks for. */
static bool
predicate_holds(const IndexSearch *search, Relation index)
{
	List	   *predicate = RelationGetIndexPredicate(index);
	ClauseParse parse = {search, NIL};

	if (predicate == NIL)
		return true;
	return crm_run_guarded(parse_clauses, &parse) == NULL &&
		predicate_implied_by(predicate, parse.clauses, false);
}

/* Whether the first columns of the index are what the probe compares. */
static bool
index_serves(const IndexSearch *search, Relation index)
{
	Form_pg_index form = index->rd_index;
	bool		is_hash = index->rd_rel->relam == HASH_AM_OID;

	if (!form->indisvalid || form->indnkeyatts < search->nterms ||
		(is_hash ? search->by_array : index->rd_rel->relam != BTREE_AM_OID))
		return false;
	for (int i = 0; i < search->nterms; i++)
	{
		bool		found = false;

		for (int j = 0; j < search->nterms && !found; j++)
			found = index_column_serves(index, j, &search->terms[i]);
		if (!found)
			return false;
	}
	return predicate_holds(search, index);
}

static bool
can_have_index(Relation rel)
{
	return rel->rd_rel->relkind != RELKIND_VIEW &&
		rel->rd_rel->relkind != RELKIND_FOREIGN_TABLE;
}

/* Whether some index of the table serves. */
static bool
search_indexes(const IndexSearch *search)
{
	List	   *indexes;
	ListCell   *cell;
	bool		found = false;

	if (!can_have_index(search->rel))
		return false;
	indexes = RelationGetIndexList(search->rel);
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		found = index_serves(search, index);
		index_close(index, NoLock);
		if (found)
			break;
	}
	list_free(indexes);
	return found;
}

/*
 * SQL that a probe of the rule's own table demands: the live condition, the
 * rule's, and that the columns are not NULL.
 */
static const char *const *
own_clauses(RuleCompile *context, const Rule *rule, Oid relid, int *count)
{
	const char **clauses = palloc((rule->ncolumns + 2) * sizeof(char *));
	TargetSource target;

	*count = 0;
	if (relid != context->target)
		return clauses;
	for (int i = 0; i < rule->ncolumns; i++)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		crm_append_column(&sql, &rule->columns[i], "this_row");
		appendStringInfoString(&sql, " IS NOT NULL");
		clauses[(*count)++] = sql.data;
	}
	if (context->source->condition)
		clauses[(*count)++] = context->source->condition;
	if (crm_catalog_target(relid, &target) && target.live)
		clauses[(*count)++] = target.live;
	return clauses;
}

/* Says what index would serve; NULL if none can. */
static char *
missing_index(Relation rel, const char *columns)
{
	if (!can_have_index(rel))
		return NULL;
	return psprintf("CREATE INDEX ON %s (%s)",
					quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
											   RelationGetRelationName(rel)),
					columns);
}

/* A path as somebody writes it in CREATE INDEX, in its parentheses. */
static char *
readable_path(const RuleColumn *column)
{
	const char *arrow = strstr(column->spec, "->");
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "(%s",
					 quote_identifier(pnstrdup(column->spec,
											   arrow - column->spec)));
	for (int i = 0; i < column->npath; i++)
		appendStringInfo(&sql, " %s %s", i == column->npath - 1 ? "->>" : "->",
						 column->path[i].is_index ? column->path[i].key :
						 quote_literal_cstr(column->path[i].key));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* The normal form of a column as somebody writes it in CREATE INDEX. */
static char *
normal_for_index(const CrmNormalForm *form, const char *column_sql)
{
	return form->region[0] == '\0' ?
		psprintf("crmaudit.normalised(%s, %s)", column_sql,
				 quote_literal_cstr(form->type)) :
		psprintf("crmaudit.normalised(%s, %s, %s)", column_sql,
				 quote_literal_cstr(form->type),
				 quote_literal_cstr(form->region));
}

/*
 * How the values of one column can be looked up.  "form" is NULL where they
 * are compared as they are.  If nothing serves, *missing says which index
 * would.
 */
ProbeMatch
crm_probe_match(RuleCompile *context, const Rule *rule, Oid relid,
				const char *column, const CrmNormalForm *form, char **missing)
{
	Relation	rel = table_open(relid, AccessShareLock);
	RuleColumn	resolved;
	StringInfoData name;
	StringInfoData normal;
	ProbeTerm	term;
	IndexSearch search = {.rel = rel,.nterms = 1,.terms = &term,.context = context};
	const char *own;
	Oid			base;
	ProbeMatch	match = MATCH_NONE;

	crm_column_resolve(rel, column, &resolved);
	base = getBaseType(resolved.typid);
	own = resolved.npath > 0 ? NULL : crm_identifier_type_name(base);
	initStringInfo(&name);
	crm_append_column(&name, &resolved, "this_row");
	search.clauses = own_clauses(context, rule, relid, &search.nclauses);
	initStringInfo(&normal);
	crm_append_normal(&normal, form, name.data, resolved.typid);

	if (form == NULL || (own && strcmp(own, form->type) == 0))
	{
		term.expr = resolved.npath > 0 ? expression_node(rel, name.data) :
			column_node(rel, resolved.attnum);
		term.operator = crm_type_equality(base);
		if (OidIsValid(term.operator) && search_indexes(&search))
			match = MATCH_EQUAL;
	}
	else
	{
		term.expr = expression_node(rel, normal.data);
		term.operator = TextEqualOperator;
		if (search_indexes(&search))
			match = MATCH_NORMAL;
		else if (resolved.is_plain_text && own == NULL)
		{
			search.by_array = true;
			term.expr = column_node(rel, resolved.attnum);
			if (search_indexes(&search))
				match = MATCH_SPELLINGS;
		}
	}
	if (match == MATCH_NONE)
	{
		char	   *column_sql = resolved.npath > 0 ? readable_path(&resolved) :
		pstrdup(quote_identifier(column));

		*missing = missing_index(rel, form && (own == NULL || strcmp(own, form->type) != 0) ?
								 normal_for_index(form, column_sql) : column_sql);
	}
	table_close(rel, NoLock);
	return match;
}

/*
 * Whether rows can be looked up by several columns at once, each by its
 * operator.
 */
bool
crm_probe_match_columns(RuleCompile *context, const Rule *rule, Oid relid,
						char **columns, const Oid *operators, int count,
						char **missing)
{
	Relation	rel = table_open(relid, AccessShareLock);
	IndexSearch search = {.rel = rel,.nterms = count,.context = context};
	StringInfoData names;
	bool		found;

	initStringInfo(&names);
	search.terms = palloc(count * sizeof(ProbeTerm));
	search.clauses = own_clauses(context, rule, relid, &search.nclauses);
	for (int i = 0; i < count; i++)
	{
		AttrNumber	attnum = crm_column_attnum(rel, columns[i]);

		search.terms[i].expr = column_node(rel, attnum);
		search.terms[i].operator = operators[i];
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(columns[i]));
	}
	found = search_indexes(&search);
	if (!found)
		*missing = missing_index(rel, names.data);
	table_close(rel, NoLock);
	return found;
}
