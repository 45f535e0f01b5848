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
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(crmaudit_like_support);

/* What a pattern begins with. */
typedef struct LikePrefix
{
	char	   *text;
	int			length;
	bool		is_all;			/* the pattern has no wildcard */
	bool		is_prefix;		/* nothing but one % follows */
} LikePrefix;

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
comparison(SupportRequestIndexCondition *req, Node *leftop, int strategy,
		   const char *data, int length)
{
	Oid			type = exprType(leftop);
	Oid			operator = get_opfamily_member(req->opfamily, type, type,
											   strategy);
	Const	   *constant;

	if (!OidIsValid(operator))
		return NULL;
	constant = makeConst(type, -1, InvalidOid, -1,
						 PointerGetDatum(cstring_to_text_with_len(data, length)),
						 false, false);
	return make_opclause(operator, BOOLOID, false, (Expr *) leftop,
						 (Expr *) constant, InvalidOid, InvalidOid);
}

/* The conditions on an index that follow from "leftop LIKE pattern". */
static List *
like_conditions(SupportRequestIndexCondition *req, Node *leftop,
				Const *pattern)
{
	LikePrefix	prefix;
	Expr	   *from;
	Expr	   *upto = NULL;
	int			length;

	if (pattern->constisnull || pattern->consttype != TEXTOID)
		return NIL;
	prefix_read(DatumGetTextPP(pattern->constvalue), &prefix);
	req->lossy = !prefix.is_all && !prefix.is_prefix;
	if (prefix.is_all)
		from = comparison(req, leftop, BTEqualStrategyNumber,
						  prefix.text, prefix.length);
	else if (prefix.length == 0)
		return NIL;
	else
	{
		from = comparison(req, leftop, BTGreaterEqualStrategyNumber,
						  prefix.text, prefix.length);
		if (prefix_increment(prefix.text, prefix.length, &length))
			upto = comparison(req, leftop, BTLessStrategyNumber,
							  prefix.text, length);
	}
	if (from == NULL)
		return NIL;
	return upto ? list_make2(from, upto) : list_make1(from);
}

/* Support function of LIKE on the identifier types. */
Datum
crmaudit_like_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestIndexCondition *req;
	List	   *args = NIL;

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
	PG_RETURN_POINTER(like_conditions(req, linitial(args),
									  (Const *) lsecond(args)));
}
