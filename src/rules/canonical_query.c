/*-------------------------------------------------------------------------
 *
 * canonical_query.c
 *		SQL of a mapping or an obligation, with every name qualified.
 *
 * Input of a constant runs while a query is analysed: that of an array of
 * domains runs their CHECKs.  So SQL is analysed as whoever owns what it
 * reads, in a security-restricted operation, never with the rights of the
 * extension's owner.
 *
 * The text is read by sessions of any standard_conforming_strings: constants
 * with a backslash are written as E''.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "compat.h"
#include "rules/rules_private.h"

PG_FUNCTION_INFO_V1(crmaudit_deparse_query);
PG_FUNCTION_INFO_V1(crmaudit_needed_columns);

#ifdef CRM_HAS_QUERYDEF

/* Analyses one SELECT as "role" would, with nothing else allowed to it. */
static Query *
analyse_as(const char *sql, const char *path, Oid role)
{
	List	   *statements;
	RawStmt    *statement;
	Query	   *query;
	Oid			userid;
	int			security;
	int			guc_level;

	statements = raw_parser(sql, RAW_PARSE_DEFAULT);
	if (list_length(statements) != 1 ||
		!IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("%s must be one SQL expression", "query")));
	statement = linitial_node(RawStmt, statements);

	check_is_member_of_role(GetUserId(), role);
	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(role, security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	query = parse_analyze_fixedparams(statement, sql, NULL, 0, NULL);
	AtEOXact_GUC(true, guc_level);
	SetUserIdAndSecContext(userid, security);
	if (query->commandType != CMD_SELECT || query->utilityStmt != NULL ||
		query->hasModifyingCTE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s must be one SQL expression", "query")));
	return query;
}

/*
 * What PostgreSQL has deparsed with standard_conforming_strings on, such that
 * it means the same with it off.
 */
static char *
settle_backslashes(const char *text)
{
	StringInfoData result;
	const char *at = text;

	initStringInfo(&result);
	while (*at)
	{
		const char *end;
		char		quote = *at;

		if (quote != '\'' && quote != '"')
		{
			appendStringInfoChar(&result, *at++);
			continue;
		}
		/* a quote that is doubled ends one and begins another */
		for (end = at + 1; *end && (*end != quote || end[1] == quote); end++)
			if (*end == quote)
				end++;
		if (*end)
			end++;
		if (quote == '\'' && memchr(at, '\\', end - at) != NULL)
		{
			appendStringInfoString(&result, " E");
			for (; at < end; at++)
			{
				if (*at == '\\')
					appendStringInfoChar(&result, '\\');
				appendStringInfoChar(&result, *at);
			}
		}
		else
			appendBinaryStringInfo(&result, at, end - at);
		at = end;
	}
	return result.data;
}

/*
 * What workers may run of the query, in the words of CREATE FUNCTION.  The
 * planner does not ask that of what it inlines, and views are looked into.
 * Scribbles on the query.
 */
static const char *
parallel_word(Query *query)
{
	AcquireRewriteLocks(query, true, false);
	switch (max_parallel_hazard(linitial_node(Query, QueryRewrite(query))))
	{
		case PROPARALLEL_SAFE:
			return "safe";
		case PROPARALLEL_RESTRICTED:
			return "restricted";
		default:
			return "unsafe";
	}
}

/* Columns of a level of the query that are among those found. */
static List *
columns_found(List *rtable, List *found, int offset, List *columns)
{
	ListCell   *cell;
	int			varno = offset;

	foreach(cell, rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);
		ListCell   *name;
		int			attno = 0;

		varno++;
		foreach(name, entry->eref->colnames)
		{
			if (crm_is_nonnullable(found, varno, ++attno))
				columns = lappend(columns, psprintf("%s.%s", entry->eref->aliasname,
													strVal(lfirst(name))));
		}
	}
	return columns;
}

#endif

/*
 * crmaudit.deparse_query(sql text, path text, role oid, OUT query text,
 *						  OUT names text[], OUT types text[],
 *						  OUT parallel text)
 *
 * NULLs before PostgreSQL 15, which cannot deparse but a view.
 */
Datum
crmaudit_deparse_query(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[4] = {0};
	bool		nulls[4] = {true, true, true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
#ifdef CRM_HAS_QUERYDEF
	{
		Query	   *query = analyse_as(text_to_cstring(PG_GETARG_TEXT_PP(0)),
									   text_to_cstring(PG_GETARG_TEXT_PP(1)),
									   PG_GETARG_OID(2));
		Datum	   *names = palloc((list_length(query->targetList) + 1) * sizeof(Datum));
		Datum	   *types = palloc((list_length(query->targetList) + 1) * sizeof(Datum));
		int			count = 0;
		ListCell   *cell;

		foreach(cell, query->targetList)
		{
			TargetEntry *entry = lfirst_node(TargetEntry, cell);
			Oid			typid = exprType((Node *) entry->expr);

			if (entry->resjunk)
				continue;
			if (get_typtype(typid) == TYPTYPE_PSEUDO)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
						 errmsg("column \"%s\" has pseudo-type %s",
								entry->resname, format_type_be(typid))));
			names[count] = CStringGetTextDatum(entry->resname);
			types[count++] =
				CStringGetTextDatum(format_type_with_typemod(typid, exprTypmod((Node *) entry->expr)));
		}
		values[0] = CStringGetTextDatum(settle_backslashes(pg_get_querydef(query, false)));
		values[1] = PointerGetDatum(construct_array(names, count, TEXTOID, -1,
													false, TYPALIGN_INT));
		values[2] = PointerGetDatum(construct_array(types, count, TEXTOID, -1,
													false, TYPALIGN_INT));
		values[3] = CStringGetTextDatum(parallel_word(query));
		memset(nulls, 0, sizeof(nulls));
	}
#endif
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/*
 * crmaudit.needed_columns(sql text, path text, role oid) returns text[]
 *
 * Columns that must have a value for the condition of a SELECT, or that of
 * the subquery that it ends with, to hold, as "alias.column".  NULL before
 * PostgreSQL 15.
 */
Datum
crmaudit_needed_columns(PG_FUNCTION_ARGS)
{
#ifdef CRM_HAS_QUERYDEF
	Query	   *query = analyse_as(text_to_cstring(PG_GETARG_TEXT_PP(0)),
								   text_to_cstring(PG_GETARG_TEXT_PP(1)),
								   PG_GETARG_OID(2));
	int			offset = list_length(query->rtable);
	Query	   *inner = offset > 0 ? llast_node(RangeTblEntry, query->rtable)->subquery : NULL;
	Node	   *condition;
	List	   *found;
	List	   *columns;
	Datum	   *names;
	ListCell   *cell;
	int			count = 0;

	if (query->jointree->quals != NULL || inner == NULL)
	{
		found = find_nonnullable_vars(query->jointree->quals);
		columns = columns_found(query->rtable, found, 0, NIL);
	}
	else
	{
		/* of both levels: the outer one as it is, the inner one after it */
		condition = inner->jointree->quals;
		OffsetVarNodes(condition, offset, 0);
		IncrementVarSublevelsUp(condition, -1, 1);
		found = find_nonnullable_vars(condition);
		columns = columns_found(query->rtable, found, 0, NIL);
		columns = columns_found(inner->rtable, found, offset, columns);
	}
	names = palloc((list_length(columns) + 1) * sizeof(Datum));
	foreach(cell, columns)
		names[count++] = CStringGetTextDatum((char *) lfirst(cell));
	PG_RETURN_ARRAYTYPE_P(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
#else
	PG_RETURN_NULL();
#endif
}
