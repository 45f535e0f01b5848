/*-------------------------------------------------------------------------
 *
 * guc.c
 *		The settings of crmaudit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/varlena.h"

#include "compat.h"
#include "guc.h"

int			crm_guc_mode = CRM_OVERRIDE_DEFAULT;
int			crm_guc_language = CRM_LANGUAGE_AUTO;
bool		crm_guc_show_values = false;
bool		crm_guc_strict_update = false;
int			crm_guc_max_reported = 20;
bool		crm_guc_refuse_quarantined = false;
char	   *crm_guc_actor = NULL;
char	   *crm_guc_reason = NULL;
char	   *crm_guc_shared_users = NULL;
bool		crm_guc_baseline = true;
bool		crm_guc_drop_ledger = false;
bool		crm_guc_digest_log = false;
char	   *crm_guc_digest_file = NULL;
bool		crm_guc_digest_notify = false;
char	   *crm_guc_digest_command = NULL;
char	   *crm_guc_databases = NULL;
int			crm_guc_discovery_interval = 60;
int			crm_guc_seal_interval = 5000;
int			crm_guc_rejection_buffer = 4096;

static const struct config_enum_entry mode_options[] = {
	{"default", CRM_OVERRIDE_DEFAULT, false},
	{"observe", CRM_OVERRIDE_OBSERVE, false},
	{"off", CRM_OVERRIDE_OFF, false},
	{NULL, 0, false}
};

static const struct config_enum_entry language_options[] = {
	{"auto", CRM_LANGUAGE_AUTO, false},
	{"en", CRM_LANGUAGE_EN, false},
	{"zh", CRM_LANGUAGE_ZH, false},
	{NULL, 0, false}
};

/* A relative path would depend on the server's working directory. */
static bool
digest_file_check(char **value, void **extra, GucSource source)
{
	if ((*value)[0] == '\0' || is_absolute_path(*value))
		return true;
	GUC_check_errdetail("The path must be absolute.");
	return false;
}

/* Where digests go; one configuration for all who seal. */
static void
digest_settings_define(void)
{
	DefineCustomBoolVariable("crmaudit.digest_log",
							 "Writes the digest of each block to the server's log.",
							 NULL,
							 &crm_guc_digest_log,
							 false,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomStringVariable("crmaudit.digest_file",
							   "File to which the digest of each block is appended.",
							   "An absolute path, best on storage that can only "
							   "be appended to; none if empty.",
							   &crm_guc_digest_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   digest_file_check, NULL, NULL);

	DefineCustomBoolVariable("crmaudit.digest_notify",
							 "Notifies channel \"crmaudit\" of the digest of each block.",
							 NULL,
							 &crm_guc_digest_notify,
							 false,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);

	/* A shell command run as the server's user: it may hold secrets. */
	DefineCustomStringVariable("crmaudit.digest_command",
							   "Shell command that the worker gives the digest of each block.",
							   "On its standard input.",
							   &crm_guc_digest_command,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
}

static bool
names_check(char **value, void **extra, GucSource source)
{
	char	   *copy = pstrdup(*value);
	List	   *names = NIL;
	bool		is_list = SplitGUCList(copy, ',', &names);

	if (!is_list)
		GUC_check_errdetail("It is not a list of names, separated by commas.");
	list_free(names);
	pfree(copy);
	return is_list;
}

/* The background worker: one for the cluster, so that no session sets these. */
static void
worker_settings_define(void)
{
	DefineCustomStringVariable("crmaudit.databases",
							   "Databases that the background worker looks after.",
							   "Every one in which the extension is found, if empty.",
							   &crm_guc_databases,
							   "",
							   PGC_SIGHUP, GUC_LIST_INPUT,
							   names_check, NULL, NULL);

	DefineCustomIntVariable("crmaudit.discovery_interval",
							"How often the background worker looks whether a database has the extension now.",
							NULL,
							&crm_guc_discovery_interval,
							60, 1, 3600,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomIntVariable("crmaudit.seal_interval",
							"How often the background worker seals the ledger, where there is something to seal.",
							"Zero: it does not.  Rejections are written as often, "
							"but once a minute at least.",
							&crm_guc_seal_interval,
							5000, 0, 3600 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);

	/* Only a server that preloads the library has the memory. */
	DefineCustomIntVariable("crmaudit.rejection_buffer",
							"How many rejections can wait for the background worker to write them.",
							"A database can fill three quarters of it.",
							&crm_guc_rejection_buffer,
							4096, 64, 1000000,
							process_shared_preload_libraries_in_progress ?
							PGC_POSTMASTER : PGC_SIGHUP,
							0, NULL, NULL, NULL);
}

void
crm_guc_define(void)
{
	/* Who could set this could write what he likes: superusers only. */
	DefineCustomEnumVariable("crmaudit.mode",
							 "Overrides the mode of every protected table.",
							 "For a maintenance window: \"observe\" refuses nothing, "
							 "\"off\" neither refuses nor records.",
							 &crm_guc_mode,
							 CRM_OVERRIDE_DEFAULT, mode_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomEnumVariable("crmaudit.language",
							 "Language of the words in errors and views.",
							 "\"auto\" follows lc_messages.  Reason codes are "
							 "the same in every language.",
							 &crm_guc_language,
							 CRM_LANGUAGE_AUTO, language_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	/* Values end up in server logs, so that users may not decide this. */
	DefineCustomBoolVariable("crmaudit.show_values",
							 "Shows the offending value in an error to a user who may read its column.",
							 NULL,
							 &crm_guc_show_values,
							 false,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("crmaudit.strict_update",
							 "Checks all rules on UPDATE, not only those that read a changed column.",
							 NULL,
							 &crm_guc_strict_update,
							 false,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("crmaudit.max_reported",
							"How many violations of a row an error describes.",
							NULL,
							&crm_guc_max_reported,
							20, 1, 1000,
							PGC_USERSET, 0, NULL, NULL, NULL);

	/* Only ever stricter, so that anyone may set it. */
	DefineCustomBoolVariable("crmaudit.refuse_quarantined",
							 "Refuses a bad row of a table in mode quarantine instead of putting it aside.",
							 "For a session that wants the error; release() uses it.",
							 &crm_guc_refuse_quarantined,
							 false,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomStringVariable("crmaudit.actor",
							   "Who acts, as the ledger records it.",
							   "For an application that connects as one user "
							   "for all of its own; the session user if empty.",
							   &crm_guc_actor,
							   "",
							   PGC_USERSET, 0, NULL, NULL, NULL);

	/* Who could set this could verify what he resolved himself. */
	DefineCustomStringVariable("crmaudit.shared_users",
							   "Users as which an application connects for all of its own.",
							   "Where findings are worked off, crmaudit.actor tells "
							   "the persons behind them apart.",
							   &crm_guc_shared_users,
							   "",
							   PGC_SUSET, GUC_LIST_INPUT,
							   names_check, NULL, NULL);

	DefineCustomStringVariable("crmaudit.reason",
							   "Why rows are changed, as the ledger records it.",
							   NULL,
							   &crm_guc_reason,
							   "",
							   PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("crmaudit.baseline",
							 "Records the rows that are there when a table begins to be tracked.",
							 "Off for a large table: record_baseline() does it later.",
							 &crm_guc_baseline,
							 true,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	/* The ledger is evidence: its owner alone cannot do away with it. */
	DefineCustomBoolVariable("crmaudit.drop_ledger",
							 "Lets the ledger be dropped although it holds entries.",
							 "DROP EXTENSION needs it, and whatever else would "
							 "drop a table of the ledger.",
							 &crm_guc_drop_ledger,
							 false,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	digest_settings_define();
	worker_settings_define();

	MarkGUCPrefixReserved("crmaudit");
}
