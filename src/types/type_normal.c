/*-------------------------------------------------------------------------
 *
 * type_normal.c
 *		crmaudit.normalised(): the form by which values are compared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "crmaudit.h"
#include "types/normal_form.h"
#include "types/types_private.h"

PG_FUNCTION_INFO_V1(crmaudit_normalised);

/* The forms that are no identifier's. */
static const struct
{
	const char *name;
	NormalKind	kind;
}			other_forms[] = {
	{"text", NORMAL_TEXT},
	{"address", NORMAL_ADDRESS},
	{"bank_account", NORMAL_ACCOUNT}
};

/* Contract in normal_form.h. */
bool
crm_normal_form_find(const char *type, CrmNormalForm *form)
{
	memset(form, 0, sizeof(*form));
	form->identifier = crm_identifier_find(type);
	if (form->identifier)
	{
		form->type = form->identifier->name;
		form->kind = NORMAL_IDENTIFIER;
		return true;
	}
	for (int i = 0; i < lengthof(other_forms); i++)
	{
		if (strcmp(other_forms[i].name, type) == 0)
		{
			form->type = other_forms[i].name;
			form->kind = other_forms[i].kind;
			return true;
		}
	}
	return false;
}

/* Names of all forms, for a hint. */
static char *
form_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < crm_identifier_count; i++)
		appendStringInfo(&names, "%s, ", crm_identifiers[i].name);
	for (int i = 0; i < lengthof(other_forms); i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 other_forms[i].name);
	return names.data;
}

/* Contract in normal_form.h. */
void
crm_normal_form_require(const char *type, const char *region,
						CrmNormalForm *form)
{
	if (!crm_normal_form_find(type, form))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("values of type \"%s\" cannot be normalised", type),
				 errhint("Types are: %s.", form_names())));
	if (region == NULL || region[0] == '\0')
		return;
	if (form->identifier == NULL || form->identifier->check != crm_phone_check)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("values of type \"%s\" have no region", type),
				 errhint("Only phone numbers are written differently in each region.")));
	crm_region_require(region, strlen(region), form->region);
}

static bool
is_ascii_alnum(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z');
}

/*
 * Writes the text in the form of that kind, or of what is no identifier, to
 * "out", which has room for the
 * input, and returns its length.  Input and output are UTF-8.
 */
static int
normal_text(NormalKind kind, const char *data, int length, char *out)
{
	int			size = 0;
	bool		blank = false;
	bool		lower = kind == NORMAL_ADDRESS || kind == NORMAL_IDENTIFIER;

	for (int at = 0; at < length;)
	{
		uint32_t	c;
		int			bytes = crm_utf8_decode(data + at, length - at, &c);

		if (kind != NORMAL_TEXT)
			c = crm_full_width_fold(c);
		if (crm_is_blank(c) || crm_unicode_is_invisible(c))
			blank |= crm_is_blank(c);
		else if (kind == NORMAL_ACCOUNT)
		{
			if (is_ascii_alnum(c))
				out[size++] = pg_ascii_toupper((unsigned char) c);
		}
		else
		{
			if (blank && size > 0 && kind != NORMAL_IDENTIFIER &&
				(kind != NORMAL_ADDRESS ||
				 (is_ascii_alnum(c) &&
				  is_ascii_alnum((unsigned char) out[size - 1]))))
				out[size++] = ' ';
			blank = false;
			if (kind == NORMAL_IDENTIFIER && c == '-')
				;				/* a separator, as blanks are */
			else if (c < 0x80)
				out[size++] = lower ?
					pg_ascii_tolower((unsigned char) c) : (char) c;
			else if (bytes == 1)
				out[size++] = data[at]; /* no UTF-8 */
			else
				size += crm_utf8_encode(c, out + size);
		}
		at += bytes;
	}
	return size;
}

/* Whether text can be meant as an identifier, or the number of an account. */
static bool
has_substance(const char *data, int length)
{
	for (int i = 0; i < length; i++)
	{
		if ((data[i] >= '0' && data[i] <= '9') || data[i] == '@')
			return true;
	}
	return false;
}

/* The canonical form of an identifier; false if it has none. */
static bool
canonical_value(const CrmNormalForm *form, const char *data, int length,
				const char **normal, int *normal_length)
{
	CrmOptions	options = {.want_canonical = true};
	CrmValue	value;
	text	   *canonical;

	memcpy(options.region, form->region, sizeof(options.region));
	/* an extension is left out of the form, however it is written */
	options.extension_marks = strcmp(form->region, "CN") == 0;
	form->identifier->check(data, length, &options, &value);
	if (value.canonical_length == 0)
		return false;
	if (GetDatabaseEncoding() == PG_UTF8)
	{
		*normal = pnstrdup(value.canonical, value.canonical_length);
		*normal_length = value.canonical_length;
		return true;
	}
	canonical = crm_text_from_canonical(form->identifier->check, &value);
	if (canonical == NULL)
		return false;
	*normal = VARDATA_ANY(canonical);
	*normal_length = VARSIZE_ANY_EXHDR(canonical);
	return true;
}

/* Contract in normal_form.h. */
bool
crm_normal_value(const CrmNormalForm *form, const char *data, int length,
				 const char **normal, int *normal_length)
{
	char	   *out;
	int			size;

	if (GetDatabaseEncoding() != PG_UTF8)
		crm_text_to_utf8(&data, &length);
	if (form->kind == NORMAL_IDENTIFIER &&
		canonical_value(form, data, length, normal, normal_length))
		return true;
	out = palloc(length + 1);
	size = normal_text(form->kind, data, length, out);
	if (size == 0 || ((form->kind == NORMAL_IDENTIFIER ||
					   form->kind == NORMAL_ACCOUNT) &&
					  !has_substance(out, size)))
		return false;
	*normal = out;
	*normal_length = size;
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		/* folding yields ASCII only, so that the encoding has all of it */
		text	   *server = crm_text_from_utf8(out, size);

		*normal = VARDATA_ANY(server);
		*normal_length = VARSIZE_ANY_EXHDR(server);
	}
	return true;
}

/*
 * crmaudit.normalised(value text, type text, region text): NULL for what is
 * no value.  Reads no clock and no setting: it may be indexed.
 */
Datum
crmaudit_normalised(PG_FUNCTION_ARGS)
{
	CrmNormalForm form;
	text	   *value;
	const char *normal;
	int			length;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	crm_normal_form_require(text_to_cstring(PG_GETARG_TEXT_PP(1)),
							PG_ARGISNULL(2) ? NULL :
							text_to_cstring(PG_GETARG_TEXT_PP(2)), &form);
	value = PG_GETARG_TEXT_PP(0);
	if (!crm_normal_value(&form, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
						  &normal, &length))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(normal, length));
}
