/*-------------------------------------------------------------------------
 *
 * entity_expression.c
 *		SQL that one role writes, and others run with their own rights.
 *
 * A condition over an entity's columns is written by an administrator and
 * evaluated when an auditor reads a view.  What it may call is therefore
 * limited to what cannot act in the auditor's name: functions, operators and
 * types of pg_catalog that are not volatile, and no other table.  Names with
 * a schema are looked for in the text as it is parsed, before anything is
 * looked up: input of a constant runs while an expression is analysed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "rules/rules_private.h"

/* Columns that an expression may read. */
typedef struct EntityColumns
{
	int			count;
	Datum	   *names;
	Datum	   *types;
} EntityColumns;

PG_FUNCTION_INFO_V1(crmaudit_require_safe_expression);

/* Raises the error of SQL that is not safe. */
static void
refuse(const char *what, const char *construct)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot use %s in the %s", construct, what),
			 errdetail("It is evaluated with the rights of whoever reads."),
			 errhint("Use the entity's columns, and functions and operators of PostgreSQL itself that are not volatile.")));
}

/* Whether a name is qualified by another schema than pg_catalog. */
static bool
is_of_stranger(List *names)
{
	return list_length(names) > 1 &&
		(list_length(names) > 2 ||
		 strcmp(strVal(linitial(names)), "pg_catalog") != 0);
}

/* Refuses names of other schemas, and queries. */
static bool
check_names(Node *node, void *context)
{
	const char *what = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		refuse(what, "a subquery");
	if (IsA(node, FuncCall) && is_of_stranger(((FuncCall *) node)->funcname))
		refuse(what, "a function of a schema");
	if (IsA(node, A_Expr) && is_of_stranger(((A_Expr *) node)->name))
		refuse(what, "an operator of a schema");
	if (IsA(node, TypeName) && is_of_stranger(((TypeName *) node)->names))
		refuse(what, "a type of a schema");
	if (IsA(node, CollateClause) &&
		is_of_stranger(((CollateClause *) node)->collname))
		refuse(what, "a collation of a schema");
	return raw_expression_tree_walker(node, check_names, context);
}

/* Functions that read relations by name, views of strangers among them. */
static bool
reads_relations(Oid function, void *context)
{
	switch (function)
	{
		case F_TABLE_TO_XML:
		case F_TABLE_TO_XMLSCHEMA:
		case F_TABLE_TO_XML_AND_XMLSCHEMA:
		case F_SCHEMA_TO_XML:
		case F_SCHEMA_TO_XMLSCHEMA:
		case F_SCHEMA_TO_XML_AND_XMLSCHEMA:
		case F_DATABASE_TO_XML:
		case F_DATABASE_TO_XMLSCHEMA:
		case F_DATABASE_TO_XML_AND_XMLSCHEMA:
			return true;
		default:
			return false;
	}
}

static bool
contain_relation_readers(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, reads_relations, NULL))
		return true;
	return expression_tree_walker(node, contain_relation_readers, context);
}

/* Parser hook: a column of the entity, NULL if it has none of that name. */
static Node *
resolve_column(ParseState *pstate, ColumnRef *reference, Node *var)
{
	EntityColumns *columns = pstate->p_ref_hook_state;
	Node	   *field = linitial(reference->fields);

	if (var != NULL || list_length(reference->fields) != 1 ||
		!IsA(field, String))
		return var;
	for (int i = 0; i < columns->count; i++)
	{
		Oid			typid = DatumGetObjectId(columns->types[i]);

		if (strcmp(TextDatumGetCString(columns->names[i]), strVal(field)) == 0)
			return (Node *) makeVar(1, i + 1, typid, -1,
									get_typcollation(typid), 0);
	}
	return NULL;
}

/*
 * crmaudit.require_safe_expression(sql text, names text[], types oid[],
 *									what text) returns text
 *
 * Returns SQL that is one boolean expression over columns of these names and
 * types and is safe to run in anybody's name under search_path = pg_catalog;
 * raises an error for anything else.
 */
Datum
crmaudit_require_safe_expression(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *what = text_to_cstring(PG_GETARG_TEXT_PP(3));
	ExpressionSource source = {sql, what};
	ErrorContextCallback callback;
	EntityColumns columns;
	int			ntypes;
	int			guc_level;
	ParseState *pstate;
	Node	   *raw;
	Node	   *expr;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false,
					  TYPALIGN_INT, &columns.names, NULL, &columns.count);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), OIDOID, sizeof(Oid), true,
					  TYPALIGN_INT, &columns.types, NULL, &ntypes);
	columns.count = Min(columns.count, ntypes);

	callback.callback = crm_expression_error_context;
	callback.arg = &source;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	raw = crm_expression_parse_raw(sql, what);
	(void) check_names(raw, what);

	guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	pstate = make_parsestate(NULL);
	pstate->p_sourcetext = sql;
	pstate->p_post_columnref_hook = resolve_column;
	pstate->p_ref_hook_state = &columns;
	expr = transformExpr(pstate, raw, EXPR_KIND_WHERE);
	expr = coerce_to_boolean(pstate, expr, what);
	assign_expr_collations(pstate, expr);
	AtEOXact_GUC(true, guc_level);
	if (contain_volatile_functions(expr))
		refuse(what, "a volatile function");
	if (contain_relation_readers(expr, NULL))
		refuse(what, "a function that reads tables");
	free_parsestate(pstate);
	error_context_stack = callback.previous;

	/* a comment ends with the line */
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("(%s\n)", sql)));
}
