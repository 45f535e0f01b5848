/*-------------------------------------------------------------------------
 *
 * rule_sql.c
 *		SQL made of a rule; see rule_sql.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "rules/rule_sql.h"

char *
crm_sql_rows(Relation rel)
{
	return psprintf("%s%s",
					rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
											   RelationGetRelationName(rel)));
}

char *
crm_sql_source(Relation rel, const char *where)
{
	return psprintf("(SELECT tableoid, ctid, * FROM %s AS this_row%s%s) AS this_row",
					crm_sql_rows(rel), where ? " WHERE " : "",
					where ? where : "");
}

char *
crm_sql_column(const RuleColumn *column, const char *alias)
{
	StringInfoData sql;
	const char *arrow = column->npath > 0 ? strstr(column->spec, "->") : NULL;
	int			length = arrow ? arrow - column->spec : strlen(column->spec);
	char	   *name;

	while (arrow && length > 0 && column->spec[length - 1] == ' ')
		length--;
	name = psprintf("%s.%s", alias,
					quote_identifier(pnstrdup(column->spec, length)));
	if (column->npath == 0)
		return name;
	initStringInfo(&sql);
	appendStringInfo(&sql, "pg_catalog.%s_extract_path_text(%s, VARIADIC ARRAY[",
					 column->is_jsonb ? "jsonb" : "json", name);
	for (int i = 0; i < column->npath; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "",
						 quote_literal_cstr(column->path[i].key));
	appendStringInfoString(&sql, "]::pg_catalog.text[])");
	return sql.data;
}

char *
crm_sql_column_text(const RuleColumn *column, const char *alias)
{
	return psprintf("(%s)::pg_catalog.text COLLATE pg_catalog.\"C\"",
					crm_sql_column(column, alias));
}

char *
crm_sql_type(Oid typid)
{
	return format_type_extended(typid, -1, FORMAT_TYPE_FORCE_QUALIFY);
}

/* An operator as SQL names it. */
static char *
operator_sql(Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char	   *sql;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	sql = psprintf("OPERATOR(%s.%s)",
				   quote_identifier(get_namespace_name(form->oprnamespace)),
				   NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return sql;
}

char *
crm_sql_equal(Oid typid)
{
	TypeCacheEntry *type = lookup_type_cache(typid, TYPECACHE_EQ_OPR);

	return OidIsValid(type->eq_opr) ? operator_sql(type->eq_opr) : NULL;
}

/* The operator = of the two types that joins can sort or hash by, or none. */
static Oid
equality_find(Oid first, Oid second)
{
	TypeCacheEntry *left = lookup_type_cache(first, TYPECACHE_BTREE_OPFAMILY |
											 TYPECACHE_HASH_OPFAMILY);
	TypeCacheEntry *right = lookup_type_cache(second, TYPECACHE_BTREE_OPFAMILY |
											  TYPECACHE_HASH_OPFAMILY);

	if (OidIsValid(left->btree_opf) && left->btree_opf == right->btree_opf)
		return get_opfamily_member(left->btree_opf, left->btree_opintype,
								   right->btree_opintype, BTEqualStrategyNumber);
	if (OidIsValid(left->hash_opf) && left->hash_opf == right->hash_opf)
		return get_opfamily_member(left->hash_opf, left->hash_opintype,
								   right->hash_opintype, HTEqualStrategyNumber);
	return InvalidOid;
}

static bool
is_number(Oid typid)
{
	switch (typid)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return true;
		default:
			return false;
	}
}

static bool
is_text(Oid typid)
{
	return typid == TEXTOID || typid == VARCHAROID || typid == BPCHAROID;
}

/*
 * A value as text.  That of a key stays what the planner has statistics of.
 */
static char *
as_text(const char *value, bool is_key)
{
	return psprintf(is_key ? "(%s)::pg_catalog.text COLLATE pg_catalog.\"C\"" :
					"NULLIF((%s)::pg_catalog.text, '') COLLATE pg_catalog.\"C\"",
					value);
}

bool
crm_sql_pair(SqlPair *pair, const char *first, Oid first_type,
			 const char *second, Oid second_type, bool is_key)
{
	Oid			left = getBaseType(first_type);
	Oid			right = getBaseType(second_type);
	Oid			equal = InvalidOid;

	if (!is_text(left) && !is_text(right))
		equal = equality_find(left, right);
	if (OidIsValid(equal))
	{
		pair->first = pstrdup(first);
		pair->second = pstrdup(second);
		pair->equal = operator_sql(equal);
		return true;
	}
	if (is_number(left) && is_number(right))
	{
		pair->first = psprintf("(%s)::pg_catalog.numeric", first);
		pair->second = psprintf("(%s)::pg_catalog.numeric", second);
		pair->equal = CRM_SQL_OP("=");
		return true;
	}
	if (!is_text(left) && !is_text(right) &&
		TypeCategory(left) != TYPCATEGORY_STRING &&
		TypeCategory(right) != TYPCATEGORY_STRING)
		return false;
	pair->first = as_text(first, is_key);
	pair->second = as_text(second, is_key);
	pair->equal = CRM_SQL_OP("=");
	return true;
}
