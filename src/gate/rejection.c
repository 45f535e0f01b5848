/*-------------------------------------------------------------------------
 *
 * rejection.c
 *		That a row was refused, recorded where the error does not undo it.
 *
 * A statement that is refused leaves nothing in the database.  Who keeps
 * making which error is told by what is put into shared memory just before
 * the error is raised: the background worker writes it to
 * crmaudit.rejection.  Where none does (the library is not preloaded, or the
 * worker does not look after this database) a line of the server's log holds
 * the same facts: "crmaudit rejection: " and a json object.
 *
 * No value of the row is recorded but its key, as findings name it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "gate/gate.h"
#include "guc.h"
#include "row_key.h"
#include "worker_state.h"

/* Copies a text as far as it fits; NULL becomes an empty one. */
static void
copy_text(char *to, const char *text, int size)
{
	int			length = text ? strlen(text) : 0;

	if (length >= size)
		length = pg_mbcliplen(text, length, size - 1);
	if (length > 0)
		memcpy(to, text, length);
	to[length] = '\0';
}

/* The role may be dropped while it has sessions: its number must do then. */
static const char *
user_name(Oid userid)
{
	const char *name = GetUserNameFromId(userid, true);

	return name ? name : psprintf("%u", userid);
}

/* Fills in all but what was wrong. */
static void
rejection_begin(Rejection *rejection, const RuleSet *ruleset,
				const RuleRow *row, bool at_commit)
{
	Jsonb	   *row_key = crm_row_key(&ruleset->key,
									  row->old ? row->old : row->slot);
	char	   *key_text = JsonbToCString(NULL, &row_key->root,
										  VARSIZE(row_key));

	memset(rejection, 0, sizeof(Rejection));
	rejection->at = GetCurrentTimestamp();
	rejection->target = ruleset->target;
	rejection->userid = GetSessionUserId();
	rejection->operation = at_commit ? 'C' : row->old ? 'U' : 'I';
	copy_text(rejection->actor, crm_guc_actor && crm_guc_actor[0] ?
			  crm_guc_actor : user_name(rejection->userid),
			  CRM_REJECTION_ACTOR);
	copy_text(rejection->client, crm_client_address(), CRM_REJECTION_CLIENT);
	copy_text(rejection->application_name, application_name, NAMEDATALEN);
	/* half a key would be no json */
	if (ruleset->key.ncolumns > 0 && strlen(key_text) < CRM_REJECTION_KEY)
		strcpy(rejection->row_key, key_text);
}

/* The database's place in shared memory, if a worker takes rejections there. */
static WorkerDatabase *
worker_that_takes(void)
{
	WorkerDatabase *database;

	if (crm_worker_state == NULL || crm_worker_state->launcher_pid == 0)
		return NULL;
	database = crm_worker_my_database();
	if (database == NULL)
	{
		/* the worker has not seen the database yet */
		HeapTuple	tuple = SearchSysCache1(DATABASEOID,
											ObjectIdGetDatum(MyDatabaseId));
		Form_pg_database form;

		if (!HeapTupleIsValid(tuple))
			return NULL;
		form = (Form_pg_database) GETSTRUCT(tuple);
		if (!form->datistemplate && form->datallowconn &&
			crm_database_is_chosen(NameStr(form->datname)))
			database = crm_worker_database(MyDatabaseId, true);
		ReleaseSysCache(tuple);
	}
	return database && database->is_watched ? database : NULL;
}

/* Appends a member of a json object, unless its text is empty. */
static void
append_member(StringInfo json, const char *name, const char *text)
{
	if (text[0] == '\0')
		return;
	appendStringInfo(json, ", \"%s\": ", name);
	escape_json(json, text);
}

/* The line of the server's log.  "rules" are those the rejection lists. */
static void
log_rejection(const RuleSet *ruleset, const Rejection *rejection,
			  const Rule *const *rules)
{
	const int	utc = 0;
	char		at[MAXDATELEN + 1];
	StringInfoData json;

	initStringInfo(&json);
	JsonEncodeDateTime(at, TimestampTzGetDatum(rejection->at), TIMESTAMPTZOID,
					   &utc);
	appendStringInfo(&json, "{\"at\": \"%s\"", at);
	append_member(&json, "database", get_database_name(MyDatabaseId));
	append_member(&json, "target",
				  quote_qualified_identifier(ruleset->target_schema,
											 ruleset->target_name));
	append_member(&json, "operation",
				  crm_operation_name(rejection->operation));
	appendStringInfoString(&json, ", \"rules\": [");
	for (int i = 0; i < rejection->nrules; i++)
	{
		if (i > 0)
			appendStringInfoString(&json, ", ");
		escape_json(&json, rules[i]->name);
	}
	appendStringInfoString(&json, "], \"reasons\": [");
	for (int i = 0; i < Max(rejection->nrules, 1); i++)
		appendStringInfo(&json, "%s\"%s\"", i > 0 ? ", " : "",
						 crm_reason_words[rejection->reasons[i]].code);
	appendStringInfo(&json, "], \"violations\": %d", rejection->violations);
	if (rejection->row_key[0] != '\0')
		appendStringInfo(&json, ", \"row_key\": %s", rejection->row_key);
	append_member(&json, "actor", rejection->actor);
	append_member(&json, "username",
				  user_name(rejection->userid));
	append_member(&json, "client", rejection->client);
	append_member(&json, "application_name", rejection->application_name);
	appendStringInfoChar(&json, '}');
	ereport(LOG_SERVER_ONLY,
			(errmsg_internal("crmaudit rejection: %s", json.data),
			 errhidestmt(true), errhidecontext(true)));
}

static void
rejection_end(const RuleSet *ruleset, const Rejection *rejection,
			  const Rule *const *rules)
{
	WorkerDatabase *database = worker_that_takes();

	if (database)
		crm_rejection_put(database, rejection);
	else
		log_rejection(ruleset, rejection, rules);
}

/* Records that a row is refused, for it breaks rules. */
void
crm_rejection_record(const RuleSet *ruleset, const RuleRow *row,
					 List *violations)
{
	Rejection	rejection;
	const Rule *rules[CRM_REJECTION_RULES];
	ListCell   *cell;

	rejection_begin(&rejection, ruleset, row,
					((Violation *) linitial(violations))->rule->at_commit);
	rejection.violations = list_length(violations);
	foreach(cell, violations)
	{
		const Violation *violation = lfirst(cell);

		if (rejection.nrules == CRM_REJECTION_RULES)
			break;
		rules[rejection.nrules] = violation->rule;
		rejection.rules[rejection.nrules] = violation->rule->id;
		rejection.reasons[rejection.nrules++] = violation->outcome.reason;
	}
	rejection_end(ruleset, &rejection, rules);
}

/*
 * Records that a row is refused, for a rule that could not be evaluated, or
 * the live condition if "rule" is NULL.
 */
void
crm_rejection_record_error(const RuleSet *ruleset, const RuleRow *row,
						   const Rule *rule)
{
	Rejection	rejection;

	rejection_begin(&rejection, ruleset, row, rule && rule->at_commit);
	rejection.violations = 1;
	rejection.nrules = rule ? 1 : 0;
	rejection.rules[0] = rule ? rule->id : 0;
	rejection.reasons[0] = CRM_REASON_RULE_ERROR;
	rejection_end(ruleset, &rejection, &rule);
}

/* What crmaudit.rejection and the log call an operation. */
const char *
crm_operation_name(char operation)
{
	return operation == 'C' ? "COMMIT" : operation == 'U' ? "UPDATE" : "INSERT";
}
