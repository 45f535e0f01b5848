/*-------------------------------------------------------------------------
 *
 * rule_words.c
 *		A rule in words, for views and the dictionary.
 *
 * Each kind has a template in English and Chinese.  {columns} stands for all
 * columns, {1} and {2} for one of them, {name} for a parameter.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "json_object.h"
#include "rules/rules_private.h"

PG_FUNCTION_INFO_V1(crmaudit_rule_in_words);
PG_FUNCTION_INFO_V1(crmaudit_reasons);
PG_FUNCTION_INFO_V1(crmaudit_reason_in_words);

static void
append_columns(StringInfo words, const RuleSource *source)
{
	for (int i = 0; i < source->ncolumns; i++)
		appendStringInfo(words, "%s%s", i > 0 ? ", " : "", source->columns[i]);
}

/* Appends a parameter: a scalar as it is, anything else as json. */
static void
append_param(StringInfo words, const RuleSource *source, const char *name)
{
	JsonbValue *value = crm_param(source, name);
	char	   *scalar = value ? crm_json_scalar_text(value) : NULL;
	const CrmIdentifier *identifier = NULL;

	if (value == NULL)
	{
		appendStringInfoString(words, "…");
		return;
	}
	if (scalar != NULL && strcmp(name, "type") == 0)
		identifier = crm_identifier_find(scalar);
	if (identifier != NULL)
		appendStringInfoString(words, crm_speaks_chinese() ?
							   identifier->chinese : identifier->english);
	else if (scalar != NULL)
		appendStringInfoString(words, scalar);
	else
		JsonbToCString(words, value->val.binary.data, value->val.binary.len);
}

/* Appends what the placeholder between the braces stands for. */
static void
append_placeholder(StringInfo words, const RuleSource *source,
				   const char *name)
{
	int			column = name[0] - '1';

	if (strcmp(name, "columns") == 0)
		append_columns(words, source);
	else if (name[1] == '\0' && column >= 0 && column < source->ncolumns)
		appendStringInfoString(words, source->columns[column]);
	else
		append_param(words, source, name);
}

/*
 * crmaudit.rule_in_words(kind, columns, params): in the language of
 * crmaudit.language; NULL for an unknown kind.
 */
Datum
crmaudit_rule_in_words(PG_FUNCTION_ARGS)
{
	RuleSource	source;
	const RuleKind *kind;
	const char *at;
	StringInfoData words;

	crm_rule_source_from_args(&source, "", text_to_cstring(PG_GETARG_TEXT_PP(0)),
							  PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_JSONB_P(2));
	kind = crm_rule_kind_find(source.kind);
	if (kind == NULL)
		PG_RETURN_NULL();

	initStringInfo(&words);
	at = crm_words(kind->english, kind->chinese);
	while (*at)
	{
		const char *close = *at == '{' ? strchr(at, '}') : NULL;

		if (close == NULL)
			appendStringInfoChar(&words, *at++);
		else
		{
			append_placeholder(&words, &source,
							   pnstrdup(at + 1, close - at - 1));
			at = close + 1;
		}
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(words.data, words.len));
}

/* A constant in UTF-8 as text in the server encoding; NULL if it has none. */
static Datum
constant_text(const char *constant, bool *isnull)
{
	int			encoding = GetDatabaseEncoding();
	bool		is_ascii = true;

	*isnull = true;
	if (constant == NULL)
		return (Datum) 0;
	for (const char *at = constant; *at; at++)
		is_ascii &= !IS_HIGHBIT_SET(*at);
	if (!is_ascii && encoding != PG_UTF8 && encoding != PG_SQL_ASCII &&
		encoding != PG_EUC_CN)
		return (Datum) 0;
	*isnull = false;
	if (!is_ascii && encoding == PG_EUC_CN)
		constant = pg_any_to_server(constant, strlen(constant), PG_UTF8);
	return CStringGetTextDatum(constant);
}

/*
 * crmaudit.reasons(): a row per reason code; the view crmaudit.reason.
 */
Datum
crmaudit_reasons(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = CRM_REASON_NONE + 1; i < CRM_REASON_COUNT; i++)
	{
		const CrmReasonWords *words = &crm_reason_words[i];
		Datum		values[5];
		bool		nulls[5];

		values[0] = constant_text(words->code, &nulls[0]);
		values[1] = constant_text(words->english, &nulls[1]);
		values[2] = constant_text(words->chinese, &nulls[2]);
		values[3] = constant_text(words->hint, &nulls[3]);
		values[4] = constant_text(words->hint_chinese, &nulls[4]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * crmaudit.reason_in_words(reason text): in the language of
 * crmaudit.language; the code itself if it is unknown.
 */
Datum
crmaudit_reason_in_words(PG_FUNCTION_ARGS)
{
	char	   *code = text_to_cstring(PG_GETARG_TEXT_PP(0));

	for (int i = CRM_REASON_NONE + 1; i < CRM_REASON_COUNT; i++)
	{
		if (strcmp(crm_reason_words[i].code, code) == 0)
			PG_RETURN_TEXT_P(cstring_to_text(crm_reason_text(i)));
	}
	PG_RETURN_TEXT_P(cstring_to_text(code));
}
