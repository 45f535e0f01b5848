/*-------------------------------------------------------------------------
 *
 * kinds_format.c
 *		Kinds about identifiers: format, id_matches_birth_date,
 *		id_matches_sex.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "rules/kinds_format.h"
#include "rules/rules_private.h"
#include "rules/set_rule.h"

/* State of a format rule. */
typedef struct FormatState
{
	CrmCheckFunc check;
	CrmOptions	options;		/* what every value is judged with */
	int			region_column;	/* index into the rule's columns, or -1 */
	int			nnone;
	char	  **none;			/* marks of absence */
} FormatState;

/* State of id_matches_sex. */
typedef struct SexState
{
	int			nmale;
	char	  **male;
	int			nfemale;
	char	  **female;
} SexState;

static const RuleParam format_params[] = {
	{"type", PARAM_TEXT, true},
	{"region", PARAM_TEXT, false},
	{"region_column", PARAM_TEXT, false},
	{"none", PARAM_SCALARS, false},
	{"normalise", PARAM_BOOLEAN, false},
	{"role_accounts", PARAM_BOOLEAN, false},
	{"national_check", PARAM_BOOLEAN, false},
	{"multiple", PARAM_BOOLEAN, false},
	{"service_numbers", PARAM_BOOLEAN, false},
	{"extension_marks", PARAM_BOOLEAN, false},
	{"area", PARAM_TEXT, false},
	{NULL}
};

/* The parameters that one identifier type only takes. */
typedef struct TypeParam
{
	const char *name;
	CrmCheckFunc check;
	size_t		offset;			/* of the flag in CrmOptions */
	bool		is_chinese;		/* about numbers of region CN */
} TypeParam;

static const TypeParam type_params[] = {
	{"role_accounts", crm_email_check, offsetof(CrmOptions, role_accounts), false},
	{"national_check", crm_iban_check, offsetof(CrmOptions, national_check), false},
	{"multiple", crm_phone_check, offsetof(CrmOptions, multiple), false},
	{"service_numbers", crm_phone_check, offsetof(CrmOptions, service_numbers), true},
	{"extension_marks", crm_phone_check, offsetof(CrmOptions, extension_marks), true},
	{"area", crm_phone_check, 0, true}
};

static const RuleParam sex_params[] = {
	{"male", PARAM_SCALARS, false},
	{"female", PARAM_SCALARS, false},
	{NULL}
};

static const RuleParam no_params[] = {{NULL}};

/*
 * Whether the column is part of the partition key of "rel", or of a
 * partitioned table above or below it.
 */
static bool
is_partition_key(Relation rel, const char *column)
{
	Oid			relid = RelationGetRelid(rel);
	List	   *relids = find_all_inheritors(relid, AccessShareLock, NULL);
	ListCell   *cell;

	if (rel->rd_rel->relispartition)
		relids = list_concat(relids, get_partition_ancestors(relid));
	foreach(cell, relids)
	{
		Relation	one = table_open(lfirst_oid(cell), AccessShareLock);
		AttrNumber	attnum = get_attnum(lfirst_oid(cell), column);
		Bitmapset  *attnums =
		bms_make_singleton(attnum - FirstLowInvalidHeapAttributeNumber);
		bool		found = has_partition_attrs(one, attnums, NULL);

		table_close(one, NoLock);
		if (found)
			return true;
	}
	return false;
}

/* Raises an error unless the canonical form can be written into the column. */
static void
check_normalise(RuleCompile *context, const RuleColumn *column)
{
	if (column->npath > 0 || !crm_column_is_text(column) ||
		getBaseType(column->typid) != column->typid)
		crm_column_type_error(context, column,
							  "a text column, not a domain, where \"normalise\" is set");
	if (is_partition_key(context->rel, column->spec))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot normalise column \"%s\" of a partition key",
						column->spec),
				 errhint("A trigger must not move a row to another partition.")));
}

/* Reads the parameter "area"; the trunk prefix 0 may stand before the code. */
static void
read_area(const char *area, CrmOptions *options)
{
	if (area[0] == '0')
		area++;
	if (area[0] == '\0' || strlen(area) >= sizeof(options->area) ||
		strspn(area, "0123456789") != strlen(area))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"area\" must be an area code"),
				 errhint("An area code has digits only, such as 028.")));
	strcpy(options->area, area);
}

/*
 * A parameter about Chinese numbers makes CN the region if none is given; with
 * another one it would have no effect.
 */
static void
require_chinese(const RuleSource *source, const char *param,
				CrmOptions *options)
{
	if (crm_param(source, "region_column") != NULL ||
		strcmp(options->region, "CN") == 0)
		return;
	if (options->region[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is about phone numbers of region CN",
						param),
				 errhint("Leave \"region\" out, or name a \"region_column\".")));
	strcpy(options->region, "CN");
}

/*
 * Reads into *options what the parameters of a format rule say of how a value
 * of this type is judged.
 */
static void
read_options(const RuleSource *source, const CrmIdentifier *identifier,
			 CrmOptions *options)
{
	char	   *region = crm_param_text(source, "region");
	char	   *area = crm_param_text(source, "area");

	if (region)
		crm_region_require(region, strlen(region), options->region);
	for (int i = 0; i < lengthof(type_params); i++)
	{
		const TypeParam *param = &type_params[i];

		if (crm_param(source, param->name) == NULL)
			continue;
		if (param->check != identifier->check)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("identifier type \"%s\" takes no parameter \"%s\"",
							identifier->name, param->name)));
		if (param->is_chinese)
			require_chinese(source, param->name, options);
		if (param->offset != 0)
			*((bool *) ((char *) options + param->offset)) =
				crm_param_bool(source, param->name, false);
	}
	if (area)
		read_area(area, options);
}

/*
 * Reads the parameters of a format rule that is about no row; returns how its
 * identifier type is judged.
 */
CrmCheckFunc
crm_format_options(Jsonb *params, CrmOptions *options)
{
	char	   *column = "value";
	RuleSource	source = {.kind = "format",.ncolumns = 1,.columns = &column,
	.params = params};
	const CrmIdentifier *identifier;
	char	   *type;

	crm_rule_kind_check(&source, &crm_kind_format);
	type = crm_param_text(&source, "type");
	identifier = crm_identifier_require(type, strlen(type));
	memset(options, 0, sizeof(CrmOptions));
	read_options(&source, identifier, options);
	return identifier->check;
}

static void
format_compile(RuleCompile *context, Rule *rule)
{
	const RuleSource *source = context->source;
	FormatState *state = palloc0(sizeof(FormatState));
	char	   *type = crm_param_text(source, "type");
	const CrmIdentifier *identifier = crm_identifier_require(type, strlen(type));
	char	   *region_column = crm_param_text(source, "region_column");

	state->check = identifier->check;
	read_options(source, identifier, &state->options);
	state->region_column = -1;
	if (region_column)
	{
		state->region_column = crm_rule_add_column(context, rule,
												   region_column);
		/* a path is read even where the rule's own column is none */
		rule->is_guarded |= rule->columns[state->region_column].npath > 0;
	}
	state->none = crm_param_texts(source, "none", &state->nnone);
	rule->normalise = crm_param_bool(source, "normalise", false);
	if (rule->normalise)
		check_normalise(context, &rule->columns[0]);
	rule->state = state;
}

/*
 * Judges a resident ID, remembering the last one: several rules of a row read
 * the same number.
 */
static void
resident_id_check(const char *data, int length, int32 today, CrmValue *value)
{
	static char last[24];
	static int	last_length = -1;
	static int32 last_today;
	static CrmVerdict last_verdict;
	static CrmReason last_reason;
	static int32 last_birth_date;
	static char last_sex;
	CrmOptions	options = {.today = today};

	if (length == last_length && today == last_today &&
		memcmp(data, last, length) == 0)
	{
		value->verdict = last_verdict;
		value->reason = last_reason;
		value->birth_date = last_birth_date;
		value->sex = last_sex;
		return;
	}
	crm_resident_id_check(data, length, &options, value);
	if (length > (int) sizeof(last))
		return;
	memcpy(last, data, length);
	last_length = length;
	last_today = today;
	last_verdict = value->verdict;
	last_reason = value->reason;
	last_birth_date = value->birth_date;
	last_sex = value->sex;
}

static bool
is_none(const FormatState *state, const char *data, int length)
{
	for (int i = 0; i < state->nnone; i++)
	{
		if (state->none[i] && strlen(state->none[i]) == (size_t) length &&
			memcmp(state->none[i], data, length) == 0)
			return true;
	}
	return false;
}

/* Judges the value of a format rule; false if there is none. */
static bool
format_judge(const Rule *rule, const RuleRow *row, bool want_canonical,
			 CrmValue *value)
{
	const FormatState *state = rule->state;
	CrmOptions	options = state->options;
	const char *data;
	int			length;

	if (!crm_column_utf8(&rule->columns[0], row->slot, &data, &length) ||
		length == 0 || is_none(state, data, length))
		return false;
	options.want_canonical = want_canonical;
	if (state->region_column >= 0)
	{
		const char *code;
		int			code_length;
		char		region[3];

		/* what is no code leaves the default, as NULL does */
		if (crm_column_text(&rule->columns[state->region_column], row->slot,
							&code, &code_length) &&
			crm_region_code(code, code_length, region))
			memcpy(options.region, region, sizeof(options.region));
	}
	if (state->check == crm_resident_id_check)
	{
		options.today = crm_today_yyyymmdd();
		if (!want_canonical)
		{
			resident_id_check(data, length, options.today, value);
			return true;
		}
	}
	state->check(data, length, &options, value);
	return true;
}

static RuleOutcome
format_eval(const Rule *rule, const RuleRow *row)
{
	CrmValue	value;

	if (!format_judge(rule, row, false, &value))
		return RULE_SKIP;
	switch (value.verdict)
	{
		case CRM_VALID:
			return RULE_PASS;
		case CRM_SUSPECT:
			return RULE_OUTCOME(RULE_SUSPECT, value.reason);
		default:
			return RULE_OUTCOME(RULE_FAILED, value.reason);
	}
}

/*
 * Gives the canonical form of a format rule's value if it differs from what
 * the row holds; NULL if there is nothing to write back.  A phone number with
 * an extension stays as it is, since the form has no place for it.
 */
char *
crm_format_canonical(const Rule *rule, const RuleRow *row)
{
	const FormatState *state = rule->state;
	CrmValue	value;
	text	   *form;
	char	   *canonical;
	const char *data;
	int			length;

	if (!format_judge(rule, row, true, &value) ||
		value.verdict == CRM_INVALID || value.canonical_length == 0 ||
		value.has_extension ||
		!crm_column_text(&rule->columns[0], row->slot, &data, &length))
		return NULL;
	form = crm_text_from_canonical(state->check, &value);
	if (form == NULL)
		return NULL;
	canonical = text_to_cstring(form);
	if (strlen(canonical) == (size_t) length &&
		memcmp(canonical, data, length) == 0)
		return NULL;
	return canonical;
}

/*
 * Reads the resident ID of column 0; false if there is none, or none that
 * tells a birth date and a sex.
 */
static bool
resident_id_read(const Rule *rule, const RuleRow *row, CrmValue *value)
{
	const char *data;
	int			length;

	if (!crm_column_utf8(&rule->columns[0], row->slot, &data, &length) ||
		length == 0)
		return false;
	resident_id_check(data, length, crm_today_yyyymmdd(), value);
	return value->birth_date != 0 && value->sex != 0;
}

static void
id_matches_birth_date_compile(RuleCompile *context, Rule *rule)
{
	crm_column_require_date(context, rule, 1);
}

static RuleOutcome
id_matches_birth_date_eval(const Rule *rule, const RuleRow *row)
{
	CrmValue	value;
	DateADT		date;

	switch (crm_column_date(&rule->columns[1], row->slot, &date))
	{
		case DATE_IS_NULL:
			return RULE_SKIP;
		case DATE_UNREADABLE:
			return RULE_DOUBT(NOT_A_DATE);
		case DATE_READ:
			break;
	}
	if (!resident_id_read(rule, row, &value))
		return RULE_SKIP;
	return crm_date_yyyymmdd(date) == value.birth_date ? RULE_PASS
		: RULE_FAIL(BIRTH_DATE_DIFFERS);
}

static void
id_matches_sex_compile(RuleCompile *context, Rule *rule)
{
	static char *male[] = {"M", "男", "1", "male"};
	static char *female[] = {"F", "女", "2", "female"};
	SexState   *state = palloc0(sizeof(SexState));

	state->male = crm_param_texts(context->source, "male", &state->nmale);
	state->female = crm_param_texts(context->source, "female", &state->nfemale);
	if (state->male == NULL)
	{
		state->male = male;
		state->nmale = lengthof(male);
	}
	if (state->female == NULL)
	{
		state->female = female;
		state->nfemale = lengthof(female);
	}
	rule->state = state;
}

static bool
code_is_one_of(char **codes, int count, const char *data, int length)
{
	for (int i = 0; i < count; i++)
	{
		if (codes[i] && strlen(codes[i]) == (size_t) length &&
			pg_strncasecmp(codes[i], data, length) == 0)
			return true;
	}
	return false;
}

static RuleOutcome
id_matches_sex_eval(const Rule *rule, const RuleRow *row)
{
	const SexState *state = rule->state;
	CrmValue	value;
	const char *data;
	int			length;
	char		sex;

	if (!crm_column_utf8(&rule->columns[1], row->slot, &data, &length) ||
		length == 0)
		return RULE_SKIP;
	if (code_is_one_of(state->male, state->nmale, data, length))
		sex = 'M';
	else if (code_is_one_of(state->female, state->nfemale, data, length))
		sex = 'F';
	/* GB/T 2261.1: 0 is unknown, 9 unstated */
	else if (length == 1 && (data[0] == '0' || data[0] == '9'))
		return RULE_SKIP;
	else
		return RULE_DOUBT(SEX_UNKNOWN_CODE);
	if (!resident_id_read(rule, row, &value))
		return RULE_SKIP;
	return sex == value.sex ? RULE_PASS : RULE_FAIL(SEX_DIFFERS);
}

const RuleKind crm_kind_format = {
	"format", LEVEL_ROW, 1, 1, format_params, CRM_VALIDITY,
	"NULL and the empty string pass, and further marks of absence in \"none\"",
	"{columns} is {type}", "{columns} 是有效的{type}",
	format_compile, format_eval
};

const RuleKind crm_kind_id_matches_birth_date = {
	"id_matches_birth_date", LEVEL_ROW, 2, 2, no_params, CRM_CONSISTENCY,
	"passes if either is NULL, or the ID tells no date",
	"the resident ID in {1} tells the birth date in {2}",
	"{1} 中的居民身份证号码与 {2} 的出生日期相符",
	id_matches_birth_date_compile, id_matches_birth_date_eval
};

const RuleKind crm_kind_id_matches_sex = {
	"id_matches_sex", LEVEL_ROW, 2, 2, sex_params, CRM_CONSISTENCY,
	"passes if either is NULL, or the sex is unknown or unstated",
	"the resident ID in {1} tells the sex in {2}",
	"{1} 中的居民身份证号码与 {2} 的性别相符",
	id_matches_sex_compile, id_matches_sex_eval
};
