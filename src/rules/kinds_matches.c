/*-------------------------------------------------------------------------
 *
 * kinds_matches.c
 *		The kind matches_table: the same customer has the same data in the
 *		table of another system.
 *
 * The other table is only named in the compiled rule: it may be altered while
 * a rule set is cached.  It is looked up, without a lock, when the rule is
 * compiled, which tells the definer what is wrong, and the query is made of
 * it anew for each sweep.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "json_object.h"
#include "rules/rule_sql.h"
#include "rules/rules_private.h"
#include "rules/set_kind.h"
#include "rules/set_rule.h"

/* A column here, and the one that holds the same there. */
typedef struct MatchedColumn
{
	RuleColumn	here;
	char	   *attname;		/* of "here", without a path */
	char	   *there;
	char	   *type;			/* identifier type to compare by, or NULL */
} MatchedColumn;

typedef struct MatchesState
{
	char	   *table;			/* qualified */
	int			nkeys;			/* of the columns; they come first */
	int			ncolumns;
	MatchedColumn *columns;
	char	   *region;
	bool		missing;		/* a row that only one table has is a finding */
} MatchesState;

static const RuleParam matches_params[] = {
	{"table", PARAM_TEXT, true},
	{"key", PARAM_OBJECT, true},
	{"columns", PARAM_OBJECT, true},
	{"types", PARAM_OBJECT, false},
	{"region", PARAM_TEXT, false},
	{"missing", PARAM_BOOLEAN, false},
	{NULL}
};

/* The other table in SQL. */
static char *
other_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/*
 * The other table, or an error: none that would run the code of others with
 * the rights of the target's owner, as set_rule.c says.  Whoever looks at the
 * state of rules need not have a right on its schema: that of the owner
 * matters.
 */
static Oid
other_find(const char *name, Oid target)
{
	List	   *names = textToQualifiedNameList(cstring_to_text(name));
	RangeVar   *range = makeRangeVarFromNameList(names);
	Oid			relid;

	if (range->schemaname)
		relid = get_relname_relid(range->relname,
								  get_namespace_oid(range->schemaname, true));
	else
		relid = RangeVarGetRelid(range, NoLock, true);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" does not exist", name)));
	crm_other_kind_require(relid, target, name);
	crm_other_rows_require(relid, target, other_name(relid));
	return relid;
}

/* The column's number in the other table, or an error. */
static AttrNumber
other_column(Oid relid, const char *here, const char *there, Relation rel)
{
	AttrNumber	attnum = get_attnum(relid, there);

	if (attnum <= InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						there, get_rel_name(relid)),
				 errhint("Write {\"column of %s\": \"column of %s\"}.",
						 RelationGetRelationName(rel), get_rel_name(relid))));
	return attnum;
}

/* Appends the pairs of columns that a parameter maps. */
static void
pairs_read(RuleCompile *context, Rule *rule, MatchesState *state,
		   const char *param, Oid other)
{
	JsonbContainer *object = crm_param(context->source, param)->val.binary.data;
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	value;
	MatchedColumn *column = NULL;

	state->columns = repalloc(state->columns,
							  (state->ncolumns + JsonContainerSize(object) + 1) *
							  sizeof(MatchedColumn));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *spec = pnstrdup(value.val.string.val,
										value.val.string.len);

			column = &state->columns[state->ncolumns++];
			memset(column, 0, sizeof(*column));
			crm_column_resolve(context->rel, spec, &column->here);
			column->attname = get_attname(RelationGetRelid(context->rel),
										  column->here.attnum, false);
			rule->attnums = bms_add_member(rule->attnums, column->here.attnum);
			rule->is_guarded |= column->here.npath > 0 && !column->here.is_jsonb;
		}
		else if (token == WJB_VALUE)
		{
			if (value.type != jbvString)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("parameter \"%s\" of rule kind \"%s\" must map columns to columns of the other table",
								param, context->source->kind),
						 errhint("For example: {\"customer_no\": \"id\"}.")));
			column->there = pnstrdup(value.val.string.val, value.val.string.len);
			(void) other_column(other, column->here.spec, column->there,
								context->rel);
		}
	}
}

/* Reads which columns are compared as identifiers. */
static void
types_read(const RuleSource *source, MatchesState *state)
{
	JsonbValue *types = crm_param(source, "types");
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *spec = NULL;
	char		region[3];

	state->region = crm_param_text(source, "region");
	if (state->region)
		crm_region_require(state->region, strlen(state->region), region);
	if (types == NULL)
		return;
	iterator = JsonbIteratorInit(types->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		int			i = 0;

		if (token == WJB_KEY)
			spec = pnstrdup(value.val.string.val, value.val.string.len);
		if (token != WJB_VALUE)
			continue;
		while (i < state->ncolumns && strcmp(state->columns[i].here.spec, spec) != 0)
			i++;
		if (i == state->ncolumns)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"types\" names column \"%s\", which is not compared",
							spec),
					 errhint("It maps columns of \"key\" and \"columns\" to identifier types.")));
		state->columns[i].type = value.type != jbvString ? pstrdup("") :
			pnstrdup(value.val.string.val, value.val.string.len);
		(void) crm_identifier_require(state->columns[i].type,
									  strlen(state->columns[i].type));
	}
}

/* Two values of the n-th pair of columns, in forms that can be compared. */
static bool
column_pair(const MatchesState *state, int n, Oid other, SqlPair *pair)
{
	const MatchedColumn *column = &state->columns[n];
	char	   *here = crm_sql_column(&column->here, "this_row");
	char	   *there = psprintf("other_row.%s", quote_identifier(column->there));
	Oid			typid = get_atttype(other, get_attnum(other, column->there));

	if (column->type == NULL)
		return crm_sql_pair(pair, here, column->here.typid, there, typid,
							n < state->nkeys);
	here = psprintf("crmaudit.comparable_value(%s, (%s)::pg_catalog.text, %s)",
					quote_literal_cstr(column->type), here,
					state->region ? quote_literal_cstr(state->region) : "NULL");
	there = psprintf("crmaudit.comparable_value(%s, (%s)::pg_catalog.text, %s)",
					 quote_literal_cstr(column->type), there,
					 state->region ? quote_literal_cstr(state->region) : "NULL");
	return crm_sql_pair(pair, here, TEXTOID, there, TEXTOID, true);
}

/* Raises an error unless each pair can be compared, and the owner may. */
static void
pairs_check(RuleCompile *context, const MatchesState *state, Oid other)
{
	Oid			target = crm_target_of(RelationGetRelid(context->rel));
	Oid			owner = crm_relation_owner(OidIsValid(target) ? target :
										   RelationGetRelid(context->rel));
	bool		may_read = pg_class_aclcheck(other, owner, ACL_SELECT) == ACLCHECK_OK;

	if (!DatumGetBool(DirectFunctionCall3(has_schema_privilege_id_id,
										  ObjectIdGetDatum(owner),
										  ObjectIdGetDatum(get_rel_namespace(other)),
										  CStringGetTextDatum("USAGE"))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("owner of relation \"%s\" may not use schema \"%s\"",
						RelationGetRelationName(context->rel),
						get_namespace_name(get_rel_namespace(other))),
				 errhint("Grant USAGE on it to %s.",
						 GetUserNameFromId(owner, false))));
	for (int i = 0; i < state->ncolumns; i++)
	{
		const MatchedColumn *column = &state->columns[i];
		AttrNumber	attnum = get_attnum(other, column->there);
		SqlPair		pair;

		if (!may_read &&
			pg_attribute_aclcheck(other, attnum, owner, ACL_SELECT) != ACLCHECK_OK)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("owner of relation \"%s\" may not read column \"%s\" of relation \"%s\"",
							RelationGetRelationName(context->rel),
							column->there, get_rel_name(other)),
					 errhint("Grant SELECT on it to %s.",
							 GetUserNameFromId(owner, false))));
		if (!column_pair(state, i, other, &pair))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("columns \"%s\" of type %s and \"%s\" of type %s cannot be compared",
							column->here.spec,
							format_type_be(column->here.typid), column->there,
							format_type_be(get_atttype(other, attnum)))));
	}
}

/* The rule's own columns, if it names any, are some of those compared. */
static void
own_columns_check(const RuleSource *source, const MatchesState *state)
{
	for (int i = 0; i < source->ncolumns; i++)
	{
		int			j = 0;

		while (j < state->ncolumns &&
			   strcmp(state->columns[j].here.spec, source->columns[i]) != 0)
			j++;
		if (j == state->ncolumns)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of the rule is not compared",
							source->columns[i]),
					 errhint("Name columns of the parameter \"columns\", or none.")));
	}
}

static void
matches_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	MatchesState *state = palloc0(sizeof(MatchesState));
	Oid			other;

	state->table = crm_param_text(source, "table");
	state->missing = crm_param_bool(source, "missing", true);
	state->columns = palloc(sizeof(MatchedColumn));
	other = other_find(state->table, context->target);
	pairs_read(context, rule, state, "key", other);
	state->nkeys = state->ncolumns;
	pairs_read(context, rule, state, "columns", other);
	if (state->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"key\" of rule kind \"%s\" must name a column",
						source->kind)));
	if (state->nkeys == state->ncolumns && !state->missing)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule of kind \"%s\" has nothing to compare",
						source->kind),
				 errhint("Name columns in \"columns\", or leave \"missing\" true.")));
	types_read(source, state);
	pairs_check(context, state, other);
	own_columns_check(source, state);
	rule->state = state;
}

/* A row without its key has no counterpart to compare with. */
static bool
matches_assesses(const Rule *rule, const RuleRow *row)
{
	const MatchesState *state = rule->state;

	for (int i = 0; i < state->nkeys; i++)
	{
		const RuleColumn *column = &state->columns[i].here;
		const char *data;
		int			length;
		bool		isnull;

		(void) crm_column_datum(column, row->slot, &isnull);
		if (isnull ||
			(column->npath > 0 &&
			 !crm_column_text(column, row->slot, &data, &length)))
			return false;
	}
	return true;
}

/*
 * A key value of the other table, as the row would have it in its key here:
 * whole numbers are json numbers.
 */
static char *
key_member_sql(const MatchedColumn *column, int n)
{
	switch (getBaseType(column->here.typid))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return psprintf("CASE WHEN (o.r%d)::pg_catalog.text " CRM_SQL_OP("~") " '^-?[0-9]{1,18}$' "
							"THEN pg_catalog.to_jsonb((o.r%d)::pg_catalog.text::pg_catalog.int8) "
							"ELSE pg_catalog.to_jsonb((o.r%d)::pg_catalog.text) END",
							n, n, n);
		case DATEOID:
		case TIMESTAMPOID:
			return psprintf("pg_catalog.to_jsonb(o.r%d)", n);
		default:
			return psprintf("pg_catalog.to_jsonb((o.r%d)::pg_catalog.text)", n);
	}
}

/* Whether the source, as the sweep makes it, leaves no row of the table out. */
static bool
source_is_all(const char *source, Relation rel)
{
	return strcmp(source, crm_sql_source(rel, NULL)) == 0;
}

/* The parts of the query that depend on the columns. */
typedef struct MatchesSql
{
	StringInfoData values;		/* of the other table: k1, r1, ..., c1 */
	StringInfoData here_keys;	/* of this one: k1, ... */
	StringInfoData here;		/* and then c1, ... */
	StringInfoData there_filled;
	StringInfoData here_filled;
	StringInfoData keys;		/* t.k1 = o.k1 AND ... */
	StringInfoData differs;		/* t.c1 differs OR ... */
	StringInfoData names;		/* of the columns that differ */
	StringInfoData raw;			/* o.r1, ... */
	StringInfoData members;		/* 'customer_no', o.r1, ... */
	StringInfoData key_names;	/* customer_no, ... */
} MatchesSql;

static void
matches_sql_init(MatchesSql *sql)
{
	StringInfo	parts[] = {
		&sql->values, &sql->here_keys, &sql->here, &sql->there_filled, &sql->here_filled,
		&sql->keys, &sql->differs, &sql->names, &sql->raw, &sql->members,
		&sql->key_names
	};

	for (int i = 0; i < lengthof(parts); i++)
		initStringInfo(parts[i]);
}

static void
matches_sql_key(MatchesSql *sql, const MatchedColumn *column,
				const SqlPair *pair, int n)
{
	const char *comma = n > 1 ? ", " : "";
	const char *and = n > 1 ? " AND " : "";

	appendStringInfo(&sql->values, "%s%s AS k%d, other_row.%s AS r%d", comma,
					 pair->second, n, quote_identifier(column->there), n);
	appendStringInfo(&sql->here_keys, "%s%s AS k%d", comma, pair->first, n);
	appendStringInfo(&sql->there_filled, "%s(%s) IS NOT NULL", and, pair->second);
	appendStringInfo(&sql->here_filled, "%st.k%d IS NOT NULL", and, n);
	appendStringInfo(&sql->keys, "%st.k%d %s o.k%d", and, n, pair->equal, n);
	appendStringInfo(&sql->raw, "%so.r%d", comma, n);
	appendStringInfo(&sql->members, "%s%s, %s", comma,
					 quote_literal_cstr(column->here.spec),
					 key_member_sql(column, n));
	appendStringInfo(&sql->key_names, "%s%s", comma, column->here.spec);
}

static void
matches_sql_column(MatchesSql *sql, const MatchedColumn *column,
				   const SqlPair *pair, int n)
{
	char	   *differs;

	/* which looks for its operator in pg_catalog first */
	if (strcmp(pair->equal, CRM_SQL_OP("=")) == 0)
		differs = psprintf("t.c%d IS DISTINCT FROM o.c%d", n, n);
	else
		differs = psprintf("(t.c%d %s o.c%d) IS NOT TRUE AND (t.c%d IS NOT NULL OR o.c%d IS NOT NULL)",
						   n, pair->equal, n, n, n);

	appendStringInfo(&sql->values, ", %s AS c%d", pair->second, n);
	appendStringInfo(&sql->here, ", %s AS c%d", pair->first, n);
	appendStringInfo(&sql->differs, "%s%s", n > 1 ? " OR " : "", differs);
	appendStringInfo(&sql->names, ", CASE WHEN %s THEN %s END", differs,
					 quote_literal_cstr(column->here.spec));
}

/*
 * Appends the rows here that differ, or that the other table lacks; one line
 * a row, also if its key stands there several times.
 */
static void
append_here(StringInfo query, const MatchesState *state, const MatchesSql *sql,
			const char *source)
{
	bool		has_columns = state->ncolumns > state->nkeys;

	appendStringInfo(query,
					 "(SELECT DISTINCT ON (t.tableoid, t.ctid) t.tableoid, t.ctid, 'invalid' AS verdict,\n"
					 "\tCASE WHEN o.k1 IS NULL THEN 'missing_in_table' ELSE 'differs_from_table' END AS reason,\n"
					 "\tNULL::pg_catalog.text AS group_value,\n"
					 "\tCASE WHEN o.k1 IS NULL THEN %s ELSE pg_catalog.concat_ws(', '%s) END AS column_name,\n"
					 "\tNULL::pg_catalog.jsonb AS row_key\n"
					 "FROM (SELECT tableoid, ctid, %s%s FROM %s) AS t\n",
					 quote_literal_cstr(sql->key_names.data), has_columns ?
					 sql->names.data : ", NULL", sql->here_keys.data,
					 sql->here.data, source);
	appendStringInfo(query, "%s JOIN other_values AS o ON %s\n",
					 state->missing ? "LEFT" : "INNER", sql->keys.data);
	appendStringInfo(query, "WHERE %s AND (%s%s%s)\n"
					 "ORDER BY t.tableoid, t.ctid, reason, column_name)",
					 sql->here_filled.data,
					 state->missing ? "o.k1 IS NULL" : "",
					 state->missing && has_columns ? " OR " : "",
					 has_columns ? sql->differs.data : "");
}

/*
 * Appends the rows that only the other table has.  They are held against all
 * rows here: one that does not count, or for which the condition does not
 * hold, is not missing.
 */
static void
append_there(StringInfo query, const MatchesSql *sql, Relation rel)
{
	appendStringInfo(query,
					 "\nUNION ALL\n"
					 "SELECT DISTINCT NULL::pg_catalog.oid, NULL::pg_catalog.tid, 'invalid', 'missing_here', NULL::pg_catalog.text,\n"
					 "\t%s, pg_catalog.jsonb_build_object(%s)\n"
					 "FROM other_values AS o\n"
					 "WHERE NOT EXISTS (SELECT FROM (SELECT %s FROM %s AS this_row) AS t WHERE %s)",
					 quote_literal_cstr(sql->key_names.data), sql->members.data,
					 sql->here_keys.data, crm_sql_rows(rel), sql->keys.data);
}

/*
 * Appends the same for a source that is all rows of the table: one join tells
 * what differs and what either side lacks.
 */
static void
append_both(StringInfo query, const MatchesState *state, const MatchesSql *sql,
			const char *source)
{
	bool		has_columns = state->ncolumns > state->nkeys;

	appendStringInfo(query,
					 "SELECT DISTINCT ON (j.tableoid, j.ctid, j.row_key) j.tableoid, j.ctid, 'invalid' AS verdict, j.reason,\n"
					 "\tNULL::pg_catalog.text AS group_value, j.column_name, j.row_key\n"
					 "FROM (SELECT t.tableoid, t.ctid,\n"
					 "\t\tCASE WHEN o.k1 IS NULL THEN 'missing_in_table' WHEN t.tableoid IS NULL THEN 'missing_here' ELSE 'differs_from_table' END AS reason,\n"
					 "\t\tCASE WHEN o.k1 IS NULL OR t.tableoid IS NULL THEN %s ELSE pg_catalog.concat_ws(', '%s) END AS column_name,\n"
					 "\t\tCASE WHEN t.tableoid IS NULL THEN pg_catalog.jsonb_build_object(%s) END AS row_key\n",
					 quote_literal_cstr(sql->key_names.data), has_columns ?
					 sql->names.data : ", NULL", sql->members.data);
	appendStringInfo(query,
					 "\tFROM (SELECT tableoid, ctid, %s%s FROM %s) AS t\n"
					 "\tFULL JOIN other_values AS o ON %s\n"
					 "\tWHERE (t.tableoid IS NULL OR %s) AND (o.k1 IS NULL OR t.tableoid IS NULL%s%s)) AS j\n"
					 "ORDER BY j.tableoid, j.ctid, j.row_key, j.reason, j.column_name",
					 sql->here_keys.data, sql->here.data, source,
					 sql->keys.data, sql->here_filled.data,
					 has_columns ? " OR " : "",
					 has_columns ? sql->differs.data : "");
}

/*
 * Reads a foreign table once, whatever it is joined with.
 */
static char *
matches_query(const Rule *rule, const RuleSet *ruleset, const char *source)
{
	const MatchesState *state = rule->state;
	Oid			other = other_find(state->table, ruleset->target);
	Relation	rel = table_open(ruleset->relid, AccessShareLock);
	MatchesSql	sql;
	StringInfoData query;

	matches_sql_init(&sql);
	for (int i = 0; i < state->ncolumns; i++)
	{
		const MatchedColumn *column = &state->columns[i];
		SqlPair		pair;

		(void) other_column(other, column->here.spec, column->there, rel);
		if (!column_pair(state, i, other, &pair))
			elog(ERROR, "columns of rule \"%s\" cannot be compared", rule->name);
		if (i < state->nkeys)
			matches_sql_key(&sql, column, &pair, i + 1);
		else
			matches_sql_column(&sql, column, &pair, i - state->nkeys + 1);
	}
	initStringInfo(&query);
	appendStringInfo(&query,
					 "WITH other_values AS %sMATERIALIZED (\n"
					 "\tSELECT %s\n"
					 "\tFROM %s AS other_row WHERE %s)\n",
					 get_rel_relkind(other) == RELKIND_FOREIGN_TABLE ? "" : "NOT ",
					 sql.values.data,
					 other_name(other), sql.there_filled.data);
	if (state->missing && source_is_all(source, rel))
		append_both(&query, state, &sql, source);
	else
	{
		append_here(&query, state, &sql, source);
		if (state->missing)
			append_there(&query, &sql, rel);
	}
	table_close(rel, NoLock);
	return query.data;
}

/* Whether a list of columns, separated by ", ", has this one. */
static bool
list_has(const char *list, const char *column)
{
	Size		length = strlen(column);

	for (const char *at = strstr(list, column); at; at = strstr(at + 1, column))
	{
		bool		begins = at == list ||
		(at - list >= 2 && strncmp(at - 2, ", ", 2) == 0);

		if (begins && (at[length] == '\0' || strncmp(at + length, ", ", 2) == 0))
			return true;
	}
	return false;
}

/*
 * Where the row has its counterpart, the columns that differ are wrong, and no
 * others.
 */
static Bitmapset *
matches_concerns(const Rule *rule, const RuleSet *ruleset, RuleOutcome outcome,
				 const char *column_name)
{
	const MatchesState *state = rule->state;
	Bitmapset  *cells = NULL;

	if (outcome.reason != CRM_REASON_DIFFERS_FROM_TABLE || column_name == NULL)
		return NULL;
	for (int i = state->nkeys; i < state->ncolumns; i++)
	{
		const MatchedColumn *column = &state->columns[i];

		if (!list_has(column_name, column->here.spec))
			continue;
		for (int j = 0; j < rule->ncells; j++)
		{
			const char *of = ruleset->cells[rule->cells[j]].column;

			if (strcmp(of, column->here.spec) == 0 ||
				strcmp(of, column->attname) == 0)
				cells = bms_add_member(cells, rule->cells[j]);
		}
	}
	return cells;
}

static const SetKind matches_set = {
	.assesses = matches_assesses,
	.concerns = matches_concerns,
	.query = matches_query
};

const RuleKind crm_kind_matches_table = {
	"matches_table", LEVEL_SET, 0, -1, matches_params, CRM_CONSISTENCY,
	"NULL equals NULL",
	"the same customer has the same data in {table}",
	"同一客户的数据与 {table} 一致",
	matches_compile, NULL, false, &matches_set
};
