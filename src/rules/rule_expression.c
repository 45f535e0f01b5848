/*-------------------------------------------------------------------------
 *
 * rule_expression.c
 *		SQL of a rule: expression, condition, and a target's live condition.
 *
 * An expression is text in the catalog, every name in it qualified, so that
 * it is parsed with search_path = pg_catalog whoever writes the row.  When it
 * is defined it is parsed with the definer's search_path and deparsed.  It
 * has the limits of a CHECK constraint.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/varlena.h"

#include "rules/rules_private.h"

/*
 * What the row as a whole is called in a stored expression, so that it can be
 * read after the table was renamed.
 */
#define STORED_ALIAS	"this_row"

PG_FUNCTION_INFO_V1(crmaudit_canonical_expression);
PG_FUNCTION_INFO_V1(crmaudit_canonical_time);
PG_FUNCTION_INFO_V1(crmaudit_expression_columns);
PG_FUNCTION_INFO_V1(crmaudit_time_columns);
PG_FUNCTION_INFO_V1(crmaudit_require_expression);

/* Error callback: moves an error position into the expression's own text. */
void
crm_expression_error_context(void *arg)
{
	ExpressionSource *context = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(context->sql);
	}
	errcontext("%s", context->what);
}

/* Sets a parameter until the caller leaves its GUC nest level. */
static void
set_for_now(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Raises the error of SQL that goes beyond the limits. */
static void
refuse_construct(const char *what, const char *construct)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot use %s in a %s", construct, what),
			 errhint("It has the limits of a CHECK constraint: it reads this row only, and gives the same answer each time.")));
}

/* Returns the one expression that "sql" consists of. */
Node *
crm_expression_parse_raw(const char *sql, const char *what)
{
	List	   *statements = raw_parser(sql, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select = (SelectStmt *) linitial_node(RawStmt, statements)->stmt;

	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->havingClause != NULL ||
		select->windowClause != NIL || select->sortClause != NIL ||
		select->distinctClause != NIL || select->limitOffset != NULL ||
		select->limitCount != NULL || select->lockingClause != NIL ||
		select->withClause != NULL || select->op != SETOP_NONE ||
		linitial_node(ResTarget, select->targetList)->name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("%s must be one SQL expression", what)));
	return linitial_node(ResTarget, select->targetList)->val;
}

/*
 * crmaudit.require_expression(sql text, what text) returns text
 *
 * Returns SQL that is one expression, so that it can be put into a statement
 * and change nothing else there; raises an error for anything else.
 */
Datum
crmaudit_require_expression(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *what = text_to_cstring(PG_GETARG_TEXT_PP(1));
	ExpressionSource context = {sql, what};
	ErrorContextCallback callback;

	callback.callback = crm_expression_error_context;
	callback.arg = &context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	(void) crm_expression_parse_raw(sql, what);
	error_context_stack = callback.previous;
	/* a comment ends with the line */
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("(%s\n)", sql)));
}

/* Checks that the columns an expression reads are what the gate can show. */
static void
expression_check_columns(Relation rel, Node *expr, const char *what)
{
	List	   *vars = pull_var_clause(expr, 0);
	ListCell   *cell;

	foreach(cell, vars)
	{
		Var		   *var = lfirst_node(Var, cell);

		/* tableoid too: a row that is being inserted has none yet */
		if (var->varattno < 0)
			refuse_construct(what, "a system column");
		for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
		{
			/* attribute 0 is the whole row */
			if ((var->varattno == 0 || var->varattno == i + 1) &&
				TupleDescAttr(RelationGetDescr(rel), i)->attgenerated)
				refuse_construct(what, "a generated column");
		}
	}
}

/* Adds all attributes of "rel", for an expression that reads the whole row. */
static Bitmapset *
add_all_attributes(Bitmapset *attnums, Relation rel)
{
	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
	{
		if (!TupleDescAttr(RelationGetDescr(rel), i)->attisdropped)
			attnums = bms_add_member(attnums, i + 1);
	}
	return attnums;
}

/* Checks that an expression tells a time; it keeps its type. */
static void
expression_require_time(Node *expr, const char *what)
{
	Oid			typid = exprType(expr);

	if (typid != DATEOID && typid != TIMESTAMPOID && typid != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s must be a date or a timestamp, not type %s", what,
						format_type_be(typid))));
}

/*
 * Parses "sql" as an expression over a row of "rel" that is boolean, or a
 * date or timestamp if "is_time".  "colnames" gives the columns other names, attribute by attribute (a rename is followed by
 * parsing with the old names); NIL leaves them.
 */
static Node *
expression_parse(Relation rel, const char *relname, List *colnames,
				 const char *sql, const char *what, bool is_time)
{
	ExpressionSource context = {sql, what};
	ErrorContextCallback callback;
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item;
	Node	   *expr;

	callback.callback = crm_expression_error_context;
	callback.arg = &context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	pstate->p_sourcetext = sql;
	item = addRangeTableEntryForRelation(pstate, rel, AccessShareLock,
										 makeAlias(relname, colnames),
										 false, true);
	addNSItemToQuery(pstate, item, false, true, true);
	if (strstr(sql, STORED_ALIAS) != NULL && strcmp(relname, STORED_ALIAS) != 0)
	{
		item = addRangeTableEntryForRelation(pstate, rel, AccessShareLock,
											 makeAlias(STORED_ALIAS, colnames),
											 false, true);
		addNSItemToQuery(pstate, item, false, true, false);
	}
	expr = transformExpr(pstate, crm_expression_parse_raw(sql, what),
						 EXPR_KIND_OTHER);
	/* before its type is looked at, where it would be an error of its own */
	if (expression_returns_set(expr))
		refuse_construct(what, "a set-returning function");
	/* both names stand for the one row */
	ChangeVarNodes(expr, 2, 1, 0);
	if (is_time)
		expression_require_time(expr, what);
	else
		expr = coerce_to_boolean(pstate, expr, what);
	assign_expr_collations(pstate, expr);

	if (pstate->p_hasSubLinks)
		refuse_construct(what, "a subquery");
	if (pstate->p_hasAggs)
		refuse_construct(what, "an aggregate function");
	if (pstate->p_hasWindowFuncs)
		refuse_construct(what, "a window function");
	if (contain_volatile_functions(expr))
		refuse_construct(what, "a volatile function");
	expression_check_columns(rel, expr, what);

	free_parsestate(pstate);
	error_context_stack = callback.previous;
	return expr;
}

/*
 * Sets what the text of an expression depends on, until the caller's GUC
 * level ends: the text is stored by one session and read by all others.
 * pg_dump sets the same.
 */
static void
stored_form_settings(void)
{
	static const char *const settings[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "postgres"},
		{"extra_float_digits", "3"},
		{"standard_conforming_strings", "on"}
	};

	for (int i = 0; i < lengthof(settings); i++)
		set_for_now(settings[i][0], settings[i][1]);
}

/* Parses the stored text of an expression; see crm_expression_parse(). */
static Node *
expression_parse_stored(Relation rel, const char *relname, const char *sql,
						const char *what, bool is_time, Bitmapset **attnums)
{
	int			guc_level = NewGUCNestLevel();
	Node	   *expr;
	Bitmapset  *reads = NULL;
	int			member = -1;

	stored_form_settings();
	expr = expression_parse(rel, relname, NIL, sql, what, is_time);
	AtEOXact_GUC(true, guc_level);

	pull_varattnos(expr, 1, &reads);
	while ((member = bms_next_member(reads, member)) >= 0)
	{
		AttrNumber	attnum = member + FirstLowInvalidHeapAttributeNumber;

		if (attnum > 0)
			*attnums = bms_add_member(*attnums, attnum);
		else if (attnum == InvalidAttrNumber)
			*attnums = add_all_attributes(*attnums, rel);
	}
	return expr;
}

/*
 * Parses the stored text of a boolean expression, and adds the attributes that
 * it reads to *attnums.  No function in it is called, so that this may run
 * with other rights than those of the table's owner.
 */
Node *
crm_expression_parse(Relation rel, const char *relname, const char *sql,
					 const char *what, Bitmapset **attnums)
{
	return expression_parse_stored(rel, relname, sql, what, false, attnums);
}

/*
 * Makes an expression ready to run, in the current context.  Planning runs
 * functions in it with the rights of the table's owner: what they name must
 * not be looked up by the search_path of whoever writes a row.
 */
ExprState *
crm_expression_prepare(Node *expr)
{
	int			guc_level = NewGUCNestLevel();
	ExprState  *result;

	stored_form_settings();
	result = ExecInitExpr(expression_planner((Expr *) expr), NULL);
	AtEOXact_GUC(true, guc_level);
	return result;
}

/* Whether an expression may run in a parallel worker. */
bool
crm_expression_is_parallel_safe(Node *expr)
{
	Query	   *query = makeNode(Query);

	query->commandType = CMD_SELECT;
	query->targetList = list_make1(makeTargetEntry((Expr *) expr, 1, NULL,
												   false));
	return max_parallel_hazard(query) == PROPARALLEL_SAFE;
}

/*
 * Column names for an alias: those of "rel", but "names" for the attributes
 * in "attnums".
 */
static List *
alias_names(Relation rel, ArrayType *attnums, ArrayType *names)
{
	TupleDesc	desc = RelationGetDescr(rel);
	char	  **all = palloc(desc->natts * sizeof(char *));
	int			count;
	int			nnames;
	Datum	   *numbers;
	Datum	   *strings;
	List	   *result = NIL;

	for (int i = 0; i < desc->natts; i++)
		all[i] = TupleDescAttr(desc, i)->attisdropped ? "" :
			NameStr(TupleDescAttr(desc, i)->attname);
	deconstruct_array(attnums, INT2OID, 2, true, TYPALIGN_SHORT, &numbers,
					  NULL, &count);
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &strings, NULL,
					  &nnames);
	for (int i = 0; i < Min(count, nnames); i++)
	{
		int			attnum = DatumGetInt16(numbers[i]);

		if (attnum > 0 && attnum <= desc->natts)
			all[attnum - 1] = TextDatumGetCString(strings[i]);
	}
	for (int i = 0; i < desc->natts; i++)
	{
		/* an alias list skips dropped columns */
		if (!TupleDescAttr(desc, i)->attisdropped)
			result = lappend(result, makeString(all[i]));
	}
	return result;
}

/* What canonical_expression() and canonical_time() have in common. */
static Datum
canonical_form(FunctionCallInfo fcinfo, bool is_time)
{
	Oid			target = PG_GETARG_OID(0);
	char	   *sql;
	char	   *path;
	char	   *what;
	Relation	rel;
	char	   *relname;
	int			guc_level;
	List	   *names = NIL;
	Node	   *expr;
	char	   *canonical;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) ||
		PG_ARGISNULL(3))
		PG_RETURN_NULL();
	sql = text_to_cstring(PG_GETARG_TEXT_PP(1));
	path = text_to_cstring(PG_GETARG_TEXT_PP(2));
	what = text_to_cstring(PG_GETARG_TEXT_PP(3));
	rel = table_open(target, AccessShareLock);
	relname = pstrdup(RelationGetRelationName(rel));
	guc_level = NewGUCNestLevel();
	if (!PG_ARGISNULL(4) && !PG_ARGISNULL(5))
		names = alias_names(rel, PG_GETARG_ARRAYTYPE_P(4),
							PG_GETARG_ARRAYTYPE_P(5));
	set_for_now("search_path", path);
	expr = expression_parse(rel, relname, names, sql, what, is_time);
	stored_form_settings();
	canonical = deparse_expression(expr, deparse_context_for(STORED_ALIAS, target),
								   false, false);
	AtEOXact_GUC(true, guc_level);
	table_close(rel, NoLock);
	PG_RETURN_TEXT_P(cstring_to_text(canonical));
}

/*
 * crmaudit.canonical_expression(target regclass, sql text, path text,
 *								 what text, attnums int2[], names text[])
 *
 * Checks SQL over a row of "target", parsed with search_path = path, and
 * returns it with every name qualified.  attnums and names, if given, say
 * what columns were called when "sql" was written.  NULL for no SQL.
 */
Datum
crmaudit_canonical_expression(PG_FUNCTION_ARGS)
{
	return canonical_form(fcinfo, false);
}

/*
 * crmaudit.canonical_time(...): the same for SQL that gives a date or a
 * timestamp.
 */
Datum
crmaudit_canonical_time(PG_FUNCTION_ARGS)
{
	return canonical_form(fcinfo, true);
}

/* What expression_columns() and time_columns() have in common. */
static Datum
columns_read(FunctionCallInfo fcinfo, bool is_time)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Bitmapset  *attnums = NULL;
	Datum	   *elements;
	int			count = 0;
	int			member = -1;

	(void) expression_parse_stored(rel, RelationGetRelationName(rel), sql,
								   "rule expression", is_time, &attnums);
	table_close(rel, NoLock);
	elements = palloc(bms_num_members(attnums) * sizeof(Datum));
	while ((member = bms_next_member(attnums, member)) >= 0)
		elements[count++] = Int16GetDatum(member);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, INT2OID, 2, true,
										  TYPALIGN_SHORT));
}

/*
 * crmaudit.expression_columns(target regclass, sql text) returns int2[]: the
 * attributes that a canonical expression reads.
 */
Datum
crmaudit_expression_columns(PG_FUNCTION_ARGS)
{
	return columns_read(fcinfo, false);
}

/* crmaudit.time_columns(...): the same for one that gives a time. */
Datum
crmaudit_time_columns(PG_FUNCTION_ARGS)
{
	return columns_read(fcinfo, true);
}
