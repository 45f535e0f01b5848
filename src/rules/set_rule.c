/*-------------------------------------------------------------------------
 *
 * set_rule.c
 *		What the kinds that look at other rows share: other tables, equality,
 *		and SQL about columns.
 *
 * A rule that looks into another table does so with the rights of the owner
 * of its own table.  So that nobody's code runs with them, the other table
 * must be a table (or a view that the owner could have made) without row
 * security for the owner; that would hide rows besides.
 *
 * Locks: the other table is locked as a query would lock it, while the rule
 * is compiled.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "rules/set_rule.h"

/*
 * Locks the table of that schema and name, and returns it; InvalidOid if there
 * is none.  Whoever writes, or reads rule_status, need not have the right to
 * name it.
 */
static Oid
lock_table(List *names)
{
	Oid			schema = get_namespace_oid(strVal(linitial(names)), true);
	Oid			relid = OidIsValid(schema) ?
	get_relname_relid(strVal(lsecond(names)), schema) : InvalidOid;

	if (!OidIsValid(relid))
		return InvalidOid;
	LockRelationOid(relid, AccessShareLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		return InvalidOid;
	return relid;
}

/* Raises an error unless a rule of the target may look into the relation. */
void
crm_other_kind_require(Oid relid, Oid target, const char *name)
{
	char		kind = get_rel_relkind(relid);

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE &&
		!(kind == RELKIND_VIEW &&
		  object_ownercheck(RelationRelationId, relid,
							crm_relation_owner(target))))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a rule cannot look into relation \"%s\"", name),
				 errdetail("It must be a table, or a view of the same owner as relation \"%s\".",
						   get_rel_name(target))));
}

/*
 * Raises an error if row security hides rows of the relation, by its name in
 * SQL, from the owner of the target.
 */
void
crm_other_rows_require(Oid relid, Oid target, const char *sql_name)
{
	Oid			owner = crm_relation_owner(target);

	if (check_enable_rls(relid, owner, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("row security of relation %s applies to role \"%s\", who owns relation \"%s\"",
						sql_name, GetUserNameFromId(owner, false),
						get_rel_name(target)),
				 errdetail("Rows that it hides would count as absent.")));
}

/*
 * Looks up another table by its qualified name; raises an error if it cannot
 * be looked into.
 */
void
crm_other_table_find(RuleCompile *context, const char *name, OtherTable *table)
{
	List	   *names = crm_qualified_name_list(name);

	/* if the definition found the table its name is qualified */
	table->relid = list_length(names) == 2 ? lock_table(names) : InvalidOid;
	context->has_missing |= !OidIsValid(table->relid);
	if (!OidIsValid(table->relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" does not exist", name),
				 errdetail("A rule of kind \"%s\" looks into it.",
						   context->source->kind)));
	table->name = quote_qualified_identifier(strVal(linitial(names)),
											 strVal(lsecond(names)));
	crm_other_kind_require(table->relid, context->target, name);
	context->depends = lappend_oid(context->depends, table->relid);
}

/* Attribute of another table, and its type below domains; an error if none. */
AttrNumber
crm_other_column(const OtherTable *table, const char *column, Oid *type)
{
	Relation	rel = table_open(table->relid, NoLock);
	AttrNumber	attnum = crm_column_attnum(rel, column);

	if (strcmp(NameStr(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attname),
			   column) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a column of another table cannot be a path: \"%s\"",
						column)));
	*type = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
	table_close(rel, NoLock);
	return attnum;
}

/*
 * Raises an error unless the owner of the rule's table may read the columns
 * (all of them for NULL), and reads all rows.
 */
void
crm_other_table_check(RuleCompile *context, const OtherTable *table,
					  char **columns, int ncolumns)
{
	Oid			owner = crm_relation_owner(context->target);
	bool		may_read = pg_class_aclcheck(table->relid, owner,
											 ACL_SELECT) == ACLCHECK_OK;

	if (!may_read && columns)
	{
		may_read = true;
		for (int i = 0; i < ncolumns; i++)
			may_read &= pg_attribute_aclcheck(table->relid,
											  get_attnum(table->relid, columns[i]),
											  owner, ACL_SELECT) == ACLCHECK_OK;
	}
	if (!may_read ||
		object_aclcheck(NamespaceRelationId, get_rel_namespace(table->relid),
						owner, ACL_USAGE) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\", who owns relation \"%s\", may not read relation %s",
						GetUserNameFromId(owner, false),
						get_rel_name(context->target), table->name),
				 errdetail("A rule looks into another table with the rights of the table's owner.")));
	crm_other_rows_require(table->relid, context->target, table->name);
}

/* Whether values of the type are compared as text. */
static bool
is_text_like(Oid typid)
{
	return typid == BPCHAROID || typid == VARCHAROID || typid == TEXTOID;
}

/* The operator "=" of a type; InvalidOid if it has none. */
Oid
crm_type_equality(Oid typid)
{
	return lookup_type_cache(typid, TYPECACHE_EQ_OPR)->eq_opr;
}

/* An operator "left = right", or InvalidOid. */
static Oid
equality_between(Oid left, Oid right)
{
	Oid			family;

	if (left == right)
		return crm_type_equality(left);
	if (is_text_like(left) && is_text_like(right))
		return TextEqualOperator;
	family = lookup_type_cache(left, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
	return OidIsValid(family) ?
		get_opfamily_member(family, left, right, BTEqualStrategyNumber) :
		InvalidOid;
}

/* Compiles a pair of columns that are to be equal. */
void
crm_column_pair_compile(RuleCompile *context, const Rule *rule,
						const OtherTable *table, const char *other_name,
						int own, ColumnPair *pair)
{
	const RuleColumn *column = &rule->columns[own];

	pair->other_name = pstrdup(other_name);
	pair->other_attnum = crm_other_column(table, other_name, &pair->other_type);
	pair->own = own;
	pair->own_type = getBaseType(column->typid);
	pair->equality = equality_between(pair->other_type, pair->own_type);
	if (!OidIsValid(pair->equality))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of type %s cannot be compared with column \"%s\" of relation %s, of type %s",
						column->spec, format_type_be(column->typid),
						other_name, table->name,
						format_type_be(pair->other_type))));
}

/* Adds a column that the rule reads besides its own; returns its index. */
int
crm_rule_add_column(RuleCompile *context, Rule *rule, const char *spec)
{
	int			index = rule->nallcolumns++;

	rule->columns = repalloc(rule->columns,
							 (index + 1) * sizeof(RuleColumn));
	crm_column_resolve(context->rel, spec, &rule->columns[index]);
	rule->attnums = bms_add_member(rule->attnums,
								   rule->columns[index].attnum);
	rule->is_guarded |= rule->columns[index].npath > 0 &&
		!rule->columns[index].is_jsonb;
	return index;
}

/*
 * Lets the gate evaluate the rule if an index serves its probe; if not, notes
 * which one would ("missing", or NULL if none can).  A probe runs SQL.
 */
void
crm_rule_set_probe(Rule *rule, bool has_index, const char *missing)
{
	if (has_index)
	{
		rule->is_guarded = true;
		return;
	}
	rule->eval = NULL;
	rule->no_probe = missing ?
		psprintf("at write time it needs %s", missing) :
		pstrdup("no index can serve it at write time");
}

const char *
crm_identifier_type_name(Oid typid)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	Form_pg_type type;
	const CrmIdentifier *identifier = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", typid);
	type = (Form_pg_type) GETSTRUCT(tuple);
	if (type->typnamespace == get_namespace_oid("crmaudit", true))
		identifier = crm_identifier_find(NameStr(type->typname));
	ReleaseSysCache(tuple);
	return identifier ? identifier->name : NULL;
}

/*
 * Whether nobody but a superuser can have made the code that makes text of
 * the type's values.
 */
bool
crm_type_is_trusted(Oid typid)
{
	HeapTuple	tuple;
	Oid			namespace;

	if (IsBinaryCoercible(typid, TEXTOID) ||
		crm_identifier_type_name(typid) != NULL)
		return true;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", typid);
	namespace = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
	ReleaseSysCache(tuple);
	return namespace == PG_CATALOG_NAMESPACE;
}

/* A string constant of type text. */
void
crm_append_literal(StringInfo sql, const char *literal)
{
	char	   *quoted = quote_literal_cstr(literal);

	appendStringInfo(sql, "%s::pg_catalog.text", quoted);
}

void
crm_append_column(StringInfo sql, const RuleColumn *column, const char *alias)
{
	const char *arrow = strstr(column->spec, "->");
	char	   *name = column->npath == 0 ? pstrdup(column->spec) :
	pnstrdup(column->spec, arrow - column->spec);

	if (column->npath > 0)
	{
		for (int length = strlen(name); length > 0 && name[length - 1] == ' ';)
			name[--length] = '\0';
	}
	for (int i = 0; i < column->npath; i++)
		appendStringInfoChar(sql, '(');
	appendStringInfo(sql, "%s.%s", alias, quote_identifier(name));
	for (int i = 0; i < column->npath; i++)
	{
		const PathStep *step = &column->path[i];

		appendStringInfo(sql, " OPERATOR(pg_catalog.%s) ",
						 i == column->npath - 1 ? "->>" : "->");
		if (step->is_index)
			appendStringInfo(sql, "%d)", step->index);
		else
			appendStringInfo(sql, "%s)", quote_literal_cstr(step->key));
	}
}

/*
 * Appends the normal form of a value; one of the form's own type has it, and
 * is compared as text.
 */
void
crm_append_normal(StringInfo sql, const CrmNormalForm *form,
				  const char *column_sql, Oid typid)
{
	const char *own = crm_identifier_type_name(getBaseType(typid));

	if (form == NULL || (own && strcmp(own, form->type) == 0))
	{
		appendStringInfo(sql, "(%s)::pg_catalog.text", column_sql);
		return;
	}
	appendStringInfo(sql, "crmaudit.normalised((%s)::pg_catalog.text, ",
					 column_sql);
	crm_append_literal(sql, form->type);
	appendStringInfoString(sql, ", ");
	if (form->region[0] != '\0')
		crm_append_literal(sql, form->region);
	else
		appendStringInfoString(sql, "NULL::pg_catalog.text");
	appendStringInfoChar(sql, ')');
}
