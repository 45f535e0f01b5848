/*-------------------------------------------------------------------------
 *
 * crmaudit.c
 *		Loading of the library, and what every part shares: words, today.
 *
 * The library works without shared_preload_libraries: it is loaded when the
 * first protected table is written, or the first function called.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "common/ip.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/backend_status.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"

#include "calendar/calendar.h"
#include "crmaudit.h"
#include "findings/finding.h"
#include "gate/gate.h"
#include "guc.h"
#include "ledger/digest_sink.h"
#include "ledger/ledger.h"
#include "ledger/ledger_worker.h"
#include "rules/rule.h"
#include "sweep/sweep_progress.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

const char *const crm_severity_names[CRM_SEVERITIES] = {
	"info", "warning", "error", "critical"
};

const char *const crm_dimension_names[CRM_DIMENSIONS] = {
	"completeness", "validity", "consistency", "uniqueness", "timeliness",
	"accuracy"
};

const char *const crm_verdict_names[3] = {"valid", "suspect", "invalid"};

/* In the order of CrmMode. */
static const char *const mode_names[] = {
	"off", "observe", "quarantine", "enforce"
};

/*
 * Loads quietly: an error here would break CREATE FUNCTION, dumps and every
 * use of the types.
 */
void
_PG_init(void)
{
	crm_guc_define();
	crm_rule_cache_init();
	crm_calendar_init();
	crm_findings_init();
	crm_gate_init();
	crm_ledger_init();
	crm_digest_init();
	crm_worker_init();
	crm_sweep_progress_init();
}

static int
name_find(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

int
crm_severity_find(const char *name)
{
	return name_find(crm_severity_names, CRM_SEVERITIES, name);
}

int
crm_dimension_find(const char *name)
{
	return name_find(crm_dimension_names, CRM_DIMENSIONS, name);
}

int
crm_mode_find(const char *name)
{
	return name_find(mode_names, lengthof(mode_names), name);
}

const char *
crm_mode_name(CrmMode mode)
{
	return mode_names[mode];
}

Oid
crm_relation_oid(const char *relname)
{
	Oid			namespace = get_namespace_oid("crmaudit", true);

	return OidIsValid(namespace) ? get_relname_relid(relname, namespace)
		: InvalidOid;
}

bool
crm_speaks_chinese(void)
{
	if (crm_guc_language == CRM_LANGUAGE_AUTO)
		return locale_messages != NULL &&
			strncmp(locale_messages, "zh", 2) == 0;
	return crm_guc_language == CRM_LANGUAGE_ZH;
}

const char *
crm_words(const char *english, const char *chinese)
{
	int			encoding = GetDatabaseEncoding();

	if (!crm_speaks_chinese())
		return english;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return chinese;
	if (encoding == PG_EUC_CN)
		return pg_any_to_server(chinese, strlen(chinese), PG_UTF8);
	return english;
}

const char *
crm_reason_text(CrmReason reason)
{
	const CrmReasonWords *words = &crm_reason_words[reason];

	return crm_words(words->english, words->chinese);
}

const char *
crm_reason_hint(CrmReason reason)
{
	const CrmReasonWords *words = &crm_reason_words[reason];

	return words->hint ? crm_words(words->hint, words->hint_chinese) : NULL;
}

/*
 * Today in the session's time zone, by the transaction's clock.  Cached until
 * the day ends, for breaking a timestamp down costs more than most rules.
 */
DateADT
crm_today(void)
{
	static pg_tz *computed_in = NULL;
	static TimestampTz begins = 0;
	static TimestampTz ends = 0;
	static DateADT today;
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (now < begins || now >= ends || session_timezone != computed_in)
	{
		today = DatumGetDateADT(DirectFunctionCall1(timestamptz_date,
													TimestampTzGetDatum(now)));
		begins = DatumGetTimestampTz(DirectFunctionCall1(date_timestamptz,
														 DateADTGetDatum(today)));
		ends = DatumGetTimestampTz(DirectFunctionCall1(date_timestamptz,
													   DateADTGetDatum(today + 1)));
		computed_in = session_timezone;
	}
	return today;
}

/* The same as the identifier parsers take it. */
int32
crm_today_yyyymmdd(void)
{
	static DateADT converted = 0;
	static int32 result = 20000101;
	DateADT		today = crm_today();

	if (today != converted)
	{
		result = crm_date_yyyymmdd(today);
		converted = today;
	}
	return result;
}

/* A date as the identifier parsers write it; 0 if it has no such form. */
int32
crm_date_yyyymmdd(DateADT date)
{
	int			year;
	int			month;
	int			day;

	if (DATE_NOT_FINITE(date))
		return 0;
	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return year > 9999 ? 0 : year * 10000 + month * 100 + day;
}

char *
crm_client_address(void)
{
	const SockAddr *address;
	char		host[NI_MAXHOST];

	if (MyBEEntry == NULL)
		return NULL;
	address = (const SockAddr *) &MyBEEntry->st_clientaddr;
	if (address->addr.ss_family == AF_UNIX)
		return pstrdup("[local]");
	if (address->addr.ss_family != AF_INET &&
		address->addr.ss_family != AF_INET6)
		return NULL;
	if (pg_getnameinfo_all(&address->addr, address->salen, host, sizeof(host),
						   NULL, 0, NI_NUMERICHOST) != 0)
		return NULL;
	return pstrdup(host);
}
