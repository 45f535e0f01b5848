/*-------------------------------------------------------------------------
 *
 * rule_catalog.c
 *		Reads the configuration tables.
 *
 * They are scanned directly: whoever writes a protected table needs no right
 * on them, no plan is made, and the snapshot is the catalog's, so that a rule
 * holds from the moment its change is committed, as a CHECK does.  Columns
 * are looked up by name, for library and script may differ in version.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "catalog_scan.h"
#include "rules/rules_private.h"

/* Whether the relation itself is protected. */
static bool
is_protected(Oid relid)
{
	CatalogScan scan;
	bool		found;

	if (!crm_catalog_scan_begin(&scan, "protected_table", "protected_table_pkey",
								"target", F_OIDEQ, ObjectIdGetDatum(relid)))
		return false;
	found = crm_catalog_scan_next(&scan);
	crm_catalog_scan_end(&scan);
	return found;
}

/*
 * Returns the protected table that a relation belongs to: itself, or one of
 * the partitioned tables above it; InvalidOid if there is none.  The one
 * place that answers this question.
 */
Oid
crm_target_of(Oid relid)
{
	ListCell   *cell;

	if (is_protected(relid))
		return relid;
	if (!get_rel_relispartition(relid))
		return InvalidOid;
	foreach(cell, get_partition_ancestors(relid))
	{
		if (is_protected(lfirst_oid(cell)))
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/*
 * The column, or path, that is mapped to a role; NULL if there is none.  Of
 * several the shortest, as the packs do.
 */
static char *
role_column(CatalogScan *scan, const char *role)
{
	bool		isnull;
	Datum		datum = crm_catalog_get(scan, "roles", &isnull);
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *spec = NULL;
	char	   *found = NULL;

	iterator = JsonbIteratorInit(&DatumGetJsonbP(datum)->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			spec = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && value.type == jbvString &&
				 value.val.string.len == strlen(role) &&
				 memcmp(value.val.string.val, role, strlen(role)) == 0 &&
				 (found == NULL || strlen(spec) < strlen(found)))
			found = spec;
	}
	return found;
}

/* Reads the settings of a protected table; false if it is none. */
bool
crm_catalog_target(Oid target, TargetSource *source)
{
	CatalogScan scan;
	bool		found;
	bool		isnull;

	if (!crm_catalog_scan_begin(&scan, "protected_table", "protected_table_pkey",
								"target", F_OIDEQ, ObjectIdGetDatum(target)))
		return false;
	found = crm_catalog_scan_next(&scan);
	if (found)
	{
		source->target = target;
		source->mode = crm_mode_find(crm_catalog_get_text(&scan, "mode"));
		source->error_style =
			strcmp(crm_catalog_get_text(&scan, "error_style"), "native") == 0 ?
			ERROR_STYLE_NATIVE : ERROR_STYLE_RULE;
		source->live = crm_catalog_get_text(&scan, "live");
		source->keys = crm_catalog_get_texts(&scan, "key", &source->nkeys);
		source->hashed_keys = crm_catalog_get_texts(&scan, "hashed_key",
													&source->nhashed);
		source->owner = role_column(&scan, "owner");
		source->rule_set_version =
			DatumGetInt32(crm_catalog_get(&scan, "rule_set_version", &isnull));
	}
	crm_catalog_scan_end(&scan);
	return found;
}

/* Reads the current row of crmaudit.rule. */
static RuleSource *
rule_source_read(CatalogScan *scan)
{
	RuleSource *source = palloc0(sizeof(RuleSource));
	bool		isnull;
	Datum		datum;
	char	   *dimension;

	source->id = DatumGetInt64(crm_catalog_get(scan, "id", &isnull));
	source->version = DatumGetInt32(crm_catalog_get(scan, "version", &isnull));
	source->name = crm_catalog_get_text(scan, "name");
	source->kind = crm_catalog_get_text(scan, "kind");
	source->columns = crm_catalog_get_texts(scan, "columns", &source->ncolumns);
	source->params = DatumGetJsonbPCopy(crm_catalog_get(scan, "params", &isnull));
	datum = crm_catalog_get(scan, "severity", &isnull);
	source->severity =
		crm_severity_find(DatumGetCString(DirectFunctionCall1(enum_out, datum)));
	dimension = crm_catalog_get_text(scan, "dimension");
	source->dimension = crm_dimension_find(dimension);
	source->weight = DatumGetFloat4(crm_catalog_get(scan, "weight", &isnull));
	source->condition = crm_catalog_get_text(scan, "condition");
	source->message = crm_catalog_get_text(scan, "message");
	datum = crm_catalog_get(scan, "valid_from", &isnull);
	source->valid_from = isnull ? DATEVAL_NOBEGIN : DatumGetDateADT(datum);
	source->reads = crm_catalog_get_texts(scan, "attnames", &source->nreads);
	datum = crm_catalog_get(scan, "valid_until", &isnull);
	source->valid_until = isnull ? DATEVAL_NOEND : DatumGetDateADT(datum);
	return source;
}

static int
rule_source_compare(const ListCell *a, const ListCell *b)
{
	int64		first = ((RuleSource *) lfirst(a))->id;
	int64		second = ((RuleSource *) lfirst(b))->id;

	return first < second ? -1 : first > second;
}

/* Returns the enabled rules of a protected table, in the order of their ids. */
List *
crm_catalog_rules(Oid target)
{
	CatalogScan scan;
	List	   *rules = NIL;
	bool		isnull;

	if (!crm_catalog_scan_begin(&scan, "rule", "rule_target_name_key", "target",
								F_OIDEQ, ObjectIdGetDatum(target)))
		return NIL;
	while (crm_catalog_scan_next(&scan))
	{
		if (DatumGetBool(crm_catalog_get(&scan, "enabled", &isnull)))
			rules = lappend(rules, rule_source_read(&scan));
	}
	crm_catalog_scan_end(&scan);
	list_sort(rules, rule_source_compare);
	return rules;
}

/* Sets the weights that a table states. */
static void
dimension_weights_read(const char *relname, double *weights)
{
	CatalogScan scan;
	bool		isnull;

	if (!crm_catalog_scan_begin(&scan, relname, NULL, NULL, InvalidOid, 0))
		return;
	while (crm_catalog_scan_next(&scan))
	{
		int			dimension = crm_dimension_find(crm_catalog_get_text(&scan, "dimension"));

		if (dimension >= 0)
			weights[dimension] =
				DatumGetFloat4(crm_catalog_get(&scan, "weight", &isnull));
	}
	crm_catalog_scan_end(&scan);
}

/* Reads the weight of each dimension: the default, or the override. */
void
crm_catalog_dimension_weights(double *weights)
{
	memset(weights, 0, CRM_DIMENSIONS * sizeof(double));
	dimension_weights_read("dimension", weights);
	dimension_weights_read("dimension_weight", weights);
}

/* Reads the values of a list. */
char	  **
crm_catalog_list(const char *list, int *count)
{
	CatalogScan scan;
	char	  **values = palloc(64 * sizeof(char *));
	int			size = 64;

	*count = 0;
	if (!crm_catalog_scan_begin(&scan, "value_list", "value_list_pkey", "list",
								F_TEXTEQ, CStringGetTextDatum(list)))
		return values;
	while (crm_catalog_scan_next(&scan))
	{
		if (*count == size)
		{
			size *= 2;
			values = repalloc(values, size * sizeof(char *));
		}
		values[(*count)++] = crm_catalog_get_text(&scan, "value");
	}
	crm_catalog_scan_end(&scan);
	return values;
}

static int
staff_source_compare(const ListCell *a, const ListCell *b)
{
	const StaffSource *first = lfirst(a);
	const StaffSource *second = lfirst(b);
	int			order;

	if (first->relid != second->relid)
		return first->relid < second->relid ? -1 : 1;
	order = strcmp(first->column, second->column);
	return order != 0 ? order : strcmp(first->relation, second->relation);
}

/* Reads the columns that hold contacts of staff of a type, in one order. */
List *
crm_catalog_staff(const char *type)
{
	CatalogScan scan;
	List	   *sources = NIL;
	bool		isnull;

	if (!crm_catalog_scan_begin(&scan, "staff_source", NULL, NULL, InvalidOid, 0))
		return NIL;
	while (crm_catalog_scan_next(&scan))
	{
		StaffSource *source;

		if (strcmp(crm_catalog_get_text(&scan, "type"), type) != 0)
			continue;
		source = palloc(sizeof(StaffSource));
		source->relid = DatumGetObjectId(crm_catalog_get(&scan, "source", &isnull));
		source->column = crm_catalog_get_text(&scan, "column_name");
		source->relation = crm_catalog_get_text(&scan, "relation");
		sources = lappend(sources, source);
	}
	crm_catalog_scan_end(&scan);
	list_sort(sources, staff_source_compare);
	return sources;
}
