/*-------------------------------------------------------------------------
 *
 * probe.c
 *		Looking for other rows while a row is written.
 *
 * As foreign keys do it: a query is planned once and kept, and runs with the
 * rights of the table's owner.  It sees what the transaction sees (at READ
 * COMMITTED what is committed now), and what the statement itself has written
 * so far; two sessions that write the same value at once do not see each
 * other, which only a sweep finds.  The snapshot's command number stands for
 * a CommandCounterIncrement(), which would make many commands of a statement.
 *
 * Lifetime: a plan belongs to its Probe, and is freed with the memory context
 * the Probe was made in, the rule set's.
 *
 * Locks: those of any query on the tables that are looked into.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "rules/probe.h"

struct Probe
{
	int			nargs;
	bool		has_conditions; /* see ProbeSql */
	SPIPlanPtr	plan;			/* NULL: not prepared */
	bool		is_planned;
	MemoryContextCallback callback;
};

static void
probe_free(void *arg)
{
	Probe	   *probe = arg;

	if (probe->plan)
		SPI_freeplan(probe->plan);
	probe->plan = NULL;
}

/* Makes a probe in the current memory context. */
Probe *
crm_probe_create(void)
{
	Probe	   *probe = palloc0(sizeof(Probe));

	probe->callback.func = probe_free;
	probe->callback.arg = probe;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &probe->callback);
	return probe;
}

bool
crm_probe_is_prepared(const Probe *probe)
{
	return probe->plan != NULL;
}

void
crm_probe_sql_begin(ProbeSql *sql)
{
	initStringInfo(&sql->text);
	sql->has_conditions = false;
	sql->nargs = 0;
	sql->types = NULL;
}

/* Adds an argument; returns what stands for it in the SQL. */
char *
crm_probe_sql_arg(ProbeSql *sql, Oid typid)
{
	sql->types = sql->types ?
		repalloc(sql->types, (sql->nargs + 1) * sizeof(Oid)) :
		palloc(sizeof(Oid));
	sql->types[sql->nargs++] = typid;
	return psprintf("$%d", sql->nargs);
}

/* Appends the condition that a column has the value, by an argument. */
void
crm_probe_sql_match(ProbeSql *sql, ProbeMatch match,
					const CrmNormalForm *form, const char *column_sql,
					Oid typid)
{
	switch (match)
	{
		case MATCH_NORMAL:
			crm_append_normal(&sql->text, form, column_sql, typid);
			appendStringInfo(&sql->text, " OPERATOR(pg_catalog.=) %s",
							 crm_probe_sql_arg(sql, TEXTOID));
			break;
		case MATCH_EQUAL:
			typid = getBaseType(typid);
			generate_operator_clause(&sql->text, column_sql, typid,
									 crm_type_equality(typid),
									 crm_probe_sql_arg(sql, typid), typid);
			break;
		case MATCH_SPELLINGS:
			appendStringInfo(&sql->text,
							 "(%s)::pg_catalog.text OPERATOR(pg_catalog.=) ANY (%s)",
							 column_sql, crm_probe_sql_arg(sql, TEXTARRAYOID));
			break;
		case MATCH_NONE:
			elog(ERROR, "a probe needs an index");
	}
}

/* Appends the rule's own table as a FROM item. */
void
crm_probe_sql_own_table(ProbeSql *sql, const RuleSet *ruleset)
{
	/* the rules of a table do not concern those that inherit from it */
	appendStringInfo(&sql->text, "%s%s AS this_row",
					 get_rel_relkind(ruleset->target) == RELKIND_PARTITIONED_TABLE ?
					 "" : "ONLY ",
					 quote_qualified_identifier(ruleset->target_schema,
												ruleset->target_name));
}

/* Appends "(key columns are those in arguments) IS NOT TRUE". */
static void
append_not_key(ProbeSql *sql, const RowKey *key)
{
	bool		any = false;

	appendStringInfoString(&sql->text, " AND (");
	for (int i = 0; i < key->ncolumns; i++)
	{
		const KeyColumn *column = &key->columns[i];
		char	   *arg = crm_probe_sql_arg(sql, column->typid);
		Oid			equality = crm_type_equality(column->typid);

		if (!OidIsValid(equality))
			continue;
		if (any)
			appendStringInfoString(&sql->text, " AND ");
		generate_operator_clause(&sql->text,
								 psprintf("this_row.%s",
										  quote_identifier(column->name)),
								 column->typid, equality, arg, column->typid);
		any = true;
	}
	appendStringInfo(&sql->text, "%s) IS NOT TRUE", any ? "" : "true");
}

/*
 * Appends which rows of the rule's own table count: those that live and for
 * which the rule's condition holds, but neither version of the row itself.
 */
void
crm_probe_sql_counts(ProbeSql *sql, const Rule *rule, const RuleSet *ruleset)
{
	sql->has_conditions = ruleset->live_sql || rule->condition_sql;
	if (ruleset->live_sql)
		appendStringInfo(&sql->text, " AND (%s)", ruleset->live_sql);
	if (rule->condition_sql)
		appendStringInfo(&sql->text, " AND (%s)", rule->condition_sql);
	append_not_key(sql, &ruleset->key);
	append_not_key(sql, &ruleset->key);
}

/* What crm_probe_prepare() and crm_probe_run() do as the table's owner. */
typedef struct ProbeRole
{
	Oid			userid;
	int			security;
} ProbeRole;

static void
become_owner(ProbeRole *role, const RuleSet *ruleset)
{
	GetUserIdAndSecContext(&role->userid, &role->security);
	SetUserIdAndSecContext(crm_relation_owner(ruleset->target),
						   role->security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
}

/* Prepares the SQL; its plan is made when it is run first. */
void
crm_probe_prepare(Probe *probe, const RuleSet *ruleset, ProbeSql *sql)
{
	ProbeRole	role;

	become_owner(&role, ruleset);
	PG_TRY();
	{
		SPIPlanPtr	plan;

		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		plan = SPI_prepare_cursor(sql->text.data, sql->nargs, sql->types,
								  CURSOR_OPT_GENERIC_PLAN);
		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s",
				 SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		probe->plan = plan;
		probe->nargs = sql->nargs;
		probe->has_conditions = sql->has_conditions;
		probe->is_planned = false;
		SPI_finish();
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(role.userid, role.security);
	}
	PG_END_TRY();
}

void
crm_probe_args_begin(const Probe *probe, ProbeArgs *args)
{
	args->count = 0;
	args->values = palloc(probe->nargs * sizeof(Datum));
	args->nulls = palloc(probe->nargs);
}

void
crm_probe_arg(ProbeArgs *args, Datum value, bool isnull)
{
	args->values[args->count] = value;
	args->nulls[args->count++] = isnull ? 'n' : ' ';
}

void
crm_probe_arg_text(ProbeArgs *args, const char *data, int length)
{
	crm_probe_arg(args,
				  PointerGetDatum(cstring_to_text_with_len(data, length)),
				  false);
}

static void
args_key(ProbeArgs *args, const RowKey *key, TupleTableSlot *slot)
{
	for (int i = 0; i < key->ncolumns; i++)
	{
		AttrNumber	attnum = key->columns[i].attnum;

		crm_probe_arg(args, slot ? slot->tts_values[attnum - 1] : (Datum) 0,
					  slot == NULL || slot->tts_isnull[attnum - 1]);
	}
}

/* The arguments of crm_probe_sql_counts(). */
void
crm_probe_args_own_keys(ProbeArgs *args, const RuleRow *row)
{
	args_key(args, &row->ruleset->key, row->slot);
	args_key(args, &row->ruleset->key, row->old);
}

static void
set_for_now(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Runs the query, planning it if it has no plan.  Only an index makes sense:
 * a plan that was made while the table was small would scan it for every row
 * of a load.
 *
 * Functions in conditions run with the owner's rights: what they name must
 * not be looked up by the writer's search_path.
 */
static int
probe_execute(Probe *probe, const ProbeArgs *args, int limit)
{
	bool		is_planned = probe->is_planned &&
	SPI_plan_is_valid(probe->plan);
	bool		sets = !is_planned || probe->has_conditions;
	int			guc_level = sets ? NewGUCNestLevel() : 0;
	int			result;

	if (probe->has_conditions)
		set_for_now("search_path", "pg_catalog, pg_temp");
	if (!is_planned)
	{
		set_for_now("enable_seqscan", "off");
		set_for_now("enable_bitmapscan", "off");
		set_for_now("jit", "off");
	}
	PushCopiedSnapshot(GetTransactionSnapshot());
	/* rows of the running command too */
	GetActiveSnapshot()->curcid = GetCurrentCommandId(false) + 1;
	result = SPI_execute_snapshot(probe->plan, args->values, args->nulls,
								  GetActiveSnapshot(), InvalidSnapshot, true,
								  false, limit);
	PopActiveSnapshot();
	if (result != SPI_OK_SELECT)
		elog(ERROR, "a probe failed: %s", SPI_result_code_string(result));
	if (sets)
		AtEOXact_GUC(true, guc_level);
	probe->is_planned = true;
	return (int) SPI_processed;
}

/* Returns how many rows the query gives, at most "limit". */
int
crm_probe_run(Probe *probe, const RuleSet *ruleset, const ProbeArgs *args,
			  int limit)
{
	ProbeRole	role;
	volatile int found = 0;

	become_owner(&role, ruleset);
	PG_TRY();
	{
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		found = probe_execute(probe, args, limit);
		SPI_finish();
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(role.userid, role.security);
	}
	PG_END_TRY();
	return found;
}
