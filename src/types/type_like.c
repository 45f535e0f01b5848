/*-------------------------------------------------------------------------
 *
 * type_like.c
 *		Planner support of LIKE on the text-like identifier types.
 *
 * PostgreSQL's own support for LIKE knows text only.  The types compare byte
 * by byte, so that what begins with a prefix is a range of any of their btree
 * indexes, as with text_pattern_ops.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

PG_FUNCTION_INFO_V1(crmaudit_like_support);
PG_FUNCTION_INFO_V1(crmaudit_likesel);
PG_FUNCTION_INFO_V1(crmaudit_nlikesel);

/* What a pattern begins with, and what follows. */
typedef struct LikePrefix
{
	char	   *text;
	int			length;
	bool		is_all;			/* the pattern has no wildcard */
	bool		is_prefix;		/* nothing but one % follows */
	double		rest;			/* selectivity of what follows */
} LikePrefix;

/*
 * How much of what has the prefix each character of the rest lets through: the
 * figures with which PostgreSQL estimates LIKE on text.
 */
#define FIXED_CHARACTER	0.20
#define ANY_CHARACTER	0.9
#define ANY_TEXT		5.0

/* Of a pattern that begins with a wildcard, or is not known. */
#define UNKNOWN_PATTERN	0.005

/* Reads the pattern up to its first wildcard, and undoes escapes. */
static void
prefix_read(const text * pattern, LikePrefix *prefix)
{
	const char *data = VARDATA_ANY(pattern);
	int			length = VARSIZE_ANY_EXHDR(pattern);
	int			i;

	prefix->text = palloc(length + 1);
	prefix->length = 0;
	for (i = 0; i < length && data[i] != '%' && data[i] != '_'; i++)
	{
		if (data[i] == '\\' && ++i == length)
			break;
		prefix->text[prefix->length++] = data[i];
	}
	prefix->is_all = i == length;
	prefix->is_prefix = i == length - 1 && data[i] == '%';
	prefix->rest = 1;
	for (; i < length; i++)
		prefix->rest *= data[i] == '%' ? ANY_TEXT :
			data[i] == '_' ? ANY_CHARACTER : FIXED_CHARACTER;
	prefix->rest = Min(prefix->rest, 1);
}

/*
 * Turns the prefix into the least text that is greater than all that begin
 * with it; false if there is none.
 */
static bool
prefix_increment(char *data, int length, int *new_length)
{
	mbcharacter_incrementer increment =
	pg_database_encoding_character_incrementer();

	while (length > 0)
	{
		int			start = pg_mbcliplen(data, length, length - 1);

		if (increment((unsigned char *) data + start, length - start))
		{
			*new_length = length;
			return true;
		}
		length = start;
	}
	return false;
}

/* "leftop OPERATOR text", by the operator of that strategy in the family. */
static Expr *
comparison(Oid opfamily, Node *leftop, int strategy,
		   const char *data, int length)
{
	Oid			type = exprType(leftop);
	Oid			operator = get_opfamily_member(opfamily, type, type, strategy);
	Const	   *constant;

	if (!OidIsValid(operator))
		return NULL;
	constant = makeConst(type, -1, InvalidOid, -1,
						 PointerGetDatum(cstring_to_text_with_len(data, length)),
						 false, false);
	return make_opclause(operator, BOOLOID, false, (Expr *) leftop,
						 (Expr *) constant, InvalidOid, InvalidOid);
}

/*
 * The conditions that follow from "leftop LIKE pattern", with operators of the
 * family; NIL if there are none.  *prefix says whether more is to be checked.
 */
static List *
like_conditions(Oid opfamily, Node *leftop, Const *pattern,
				LikePrefix *prefix)
{
	Expr	   *from;
	Expr	   *upto = NULL;
	int			length;

	if (pattern->constisnull || pattern->consttype != TEXTOID)
		return NIL;
	prefix_read(DatumGetTextPP(pattern->constvalue), prefix);
	if (prefix->is_all)
		from = comparison(opfamily, leftop, BTEqualStrategyNumber,
						  prefix->text, prefix->length);
	else if (prefix->length == 0)
		return NIL;
	else
	{
		from = comparison(opfamily, leftop, BTGreaterEqualStrategyNumber,
						  prefix->text, prefix->length);
		if (prefix_increment(prefix->text, prefix->length, &length))
			upto = comparison(opfamily, leftop, BTLessStrategyNumber,
							  prefix->text, length);
	}
	if (from == NULL)
		return NIL;
	return upto ? list_make2(from, upto) : list_make1(from);
}

/* Support function of LIKE on the identifier types: conditions on an index. */
Datum
crmaudit_like_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestIndexCondition *req;
	List	   *args = NIL;
	List	   *conditions;
	LikePrefix	prefix;

	if (!IsA(request, SupportRequestIndexCondition))
		PG_RETURN_POINTER(NULL);
	req = (SupportRequestIndexCondition *) request;
	if (is_opclause(req->node))
		args = ((OpExpr *) req->node)->args;
	else if (is_funcclause(req->node))
		args = ((FuncExpr *) req->node)->args;
	if (list_length(args) != 2 || req->indexarg != 0 ||
		!IsA(lsecond(args), Const))
		PG_RETURN_POINTER(NULL);
	conditions = like_conditions(req->opfamily, linitial(args),
								 (Const *) lsecond(args), &prefix);
	if (conditions != NIL)
		req->lossy = !prefix.is_all && !prefix.is_prefix;
	PG_RETURN_POINTER(conditions);
}

/* What part of the rows LIKE lets through, by the statistics of its prefix. */
static double
like_selectivity(FunctionCallInfo fcinfo)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);
	Node	   *leftop = linitial(args);
	Node	   *pattern = estimate_expression_value(root, lsecond(args));
	Oid			opclass = GetDefaultOpClass(exprType(leftop), BTREE_AM_OID);
	List	   *conditions;
	LikePrefix	prefix;
	double		selectivity;

	if (!IsA(pattern, Const) || !OidIsValid(opclass))
		return UNKNOWN_PATTERN;
	conditions = like_conditions(get_opclass_family(opclass), leftop,
								 (Const *) pattern, &prefix);
	if (conditions == NIL)
		return UNKNOWN_PATTERN;
	selectivity = clauselist_selectivity(root, conditions, varRelid,
										 JOIN_INNER, NULL) * prefix.rest;
	CLAMP_PROBABILITY(selectivity);
	return selectivity;
}

/* Restriction estimators of LIKE and NOT LIKE. */
Datum
crmaudit_likesel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(like_selectivity(fcinfo));
}

Datum
crmaudit_nlikesel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(1 - like_selectivity(fcinfo));
}
