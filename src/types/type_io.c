/*-------------------------------------------------------------------------
 *
 * type_io.c
 *		Input and output of the identifier types.
 *
 * Input takes what people type and gives the canonical form.  It refuses only
 * what no later edition of reference data can make right, since old dumps
 * must load for ever: see is_storable in types.h.  It depends on no setting
 * (but for what an error shows) and on no clock, so that it is immutable.
 *
 * The binary form is the canonical text.  It is read as text is, hence
 * validated, and it outlives a change of how a value is stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "crmaudit.h"
#include "guc.h"
#include "types/phone.h"
#include "types/type_sql.h"

/*
 * Raises, or saves in escontext, the error of a value that the type does not
 * take.  The value itself is a person's data: it is shown only on demand.
 */
static void
refuse(const char *type, const char *str, const CrmValue *value,
	   Node *escontext)
{
	CrmReason	reason = value->has_extension ?
	CRM_REASON_EXTENSION : value->reason;
	const char *hint = crm_reason_hint(reason);

	errsave(escontext,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 crm_guc_show_values ?
			 errmsg("invalid input syntax for type %s: \"%s\"", type, str) :
			 errmsg("invalid input syntax for type %s", type),
			 errdetail(crm_words("Reason \"%s\": %s.", "原因 \"%s\"：%s。"),
					   crm_reason_words[reason].code,
					   crm_reason_text(reason)),
			 hint ? errhint("%s", hint) : 0));
}

/*
 * Judges str, which is in the server encoding.  Returns false if the type does
 * not take it.
 */
static bool
identifier_judge(CrmCheckFunc check, const char *str, CrmValue *value)
{
	CrmOptions	options = {.want_canonical = true};
	const char *utf8 = str;
	int			length = strlen(str);

	crm_text_to_utf8(&utf8, &length);
	check(utf8, length, &options, value);
	return value->is_storable && !value->has_extension;
}

/*
 * Converts text of the server encoding to UTF-8, if that differs.  SQL_ASCII
 * says nothing of what bytes mean: they are taken as UTF-8, and judged as bad
 * characters if they are none.
 */
void
crm_text_to_utf8(const char **data, int *length)
{
	if (GetDatabaseEncoding() == PG_UTF8 ||
		GetDatabaseEncoding() == PG_SQL_ASCII)
		return;
	for (int i = 0; i < *length; i++)
	{
		if (IS_HIGHBIT_SET((*data)[i]))
		{
			*data = pg_server_to_any(pnstrdup(*data, *length), *length,
									 PG_UTF8);
			*length = strlen(*data);
			return;
		}
	}
}

/* Contract in type_sql.h. */
text *
crm_text_from_utf8(const char *data, int length)
{
	char	   *server;

	if (GetDatabaseEncoding() == PG_UTF8 ||
		GetDatabaseEncoding() == PG_SQL_ASCII)
		return cstring_to_text_with_len(data, length);
	server = pg_any_to_server(pnstrdup(data, length), length, PG_UTF8);
	return cstring_to_text(server);
}

/* Has text in UTF-8 only characters that all server encodings share? */
static bool
is_ascii(const char *data, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (IS_HIGHBIT_SET(data[i]))
			return false;
	}
	return true;
}

/* Contract in type_sql.h. */
text *
crm_text_from_utf8_or_null(const char *data, int length)
{
	int			encoding = GetDatabaseEncoding();
	Oid			conversion;
	char	   *server;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII ||
		is_ascii(data, length))
		return cstring_to_text_with_len(data, length);
	conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(conversion))
		return NULL;
	server = palloc(length * MAX_CONVERSION_GROWTH + 1);
	if (pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding,
									  (unsigned char *) data, length,
									  (unsigned char *) server,
									  length * MAX_CONVERSION_GROWTH + 1,
									  true) < length)
		return NULL;
	return cstring_to_text(server);
}

/* Contract in type_sql.h. */
text *
crm_text_from_canonical(CrmCheckFunc check, const CrmValue *value)
{
	text	   *canonical = crm_text_from_utf8_or_null(value->canonical,
													   value->canonical_length);
	CrmOptions	options = {.want_canonical = true,.ascii_domain = true};
	CrmValue	ascii;

	if (canonical)
		return canonical;
	check(value->canonical, value->canonical_length, &options, &ascii);
	return crm_text_from_utf8_or_null(ascii.canonical, ascii.canonical_length);
}

/* Reads a type that is its canonical form as text. */
static Datum
text_in(const char *type, CrmCheckFunc check, const char *str,
		Node *escontext)
{
	CrmValue	value;
	text	   *canonical;

	if (!identifier_judge(check, str, &value))
	{
		refuse(type, str, &value, escontext);
		return (Datum) 0;
	}
	canonical = crm_text_from_canonical(check, &value);
	if (canonical == NULL)		/* raises PostgreSQL's error, which says why */
		canonical = crm_text_from_utf8(value.canonical, value.canonical_length);
	return PointerGetDatum(canonical);
}

/*
 * Reads what output once wrote: + and digits that begin with a calling code.
 * Numbering plans change, and one in which the number makes no sense must not
 * keep a dump from loading.
 */
static bool
phone_written(const char *str, int64 *number)
{
	CrmPhone	phone;
	int			length = strlen(str);

	if (str[0] != '+' || length > CRM_PHONE_DIGITS_MAX + 1 ||
		strspn(str + 1, "0123456789") != (size_t) (length - 1))
		return false;
	errno = 0;
	*number = strtoll(str + 1, NULL, 10);
	return errno == 0 && crm_phone_describe(*number, &phone) &&
		phone.national_length >= CRM_PHONE_NATIONAL_MIN;
}

/* Reads a type that is a number; see type_number.c. */
static Datum
number_in(const char *type, CrmCheckFunc check, CrmPackFunc pack,
		  const char *str, Node *escontext)
{
	CrmValue	value;

	if (!identifier_judge(check, str, &value))
	{
		refuse(type, str, &value, escontext);
		return (Datum) 0;
	}
	return Int64GetDatum(pack(value.canonical, value.canonical_length));
}

static Datum
bank_card_in(const char *str, Node *escontext)
{
	return number_in("bank_card", crm_bank_card_check, crm_bank_card_pack,
					 str, escontext);
}

static Datum
resident_id_in(const char *str, Node *escontext)
{
	return number_in("resident_id", crm_resident_id_check,
					 crm_resident_id_pack, str, escontext);
}

/* The same of a phone number; whatever was once written is read. */
static Datum
phone_in(const char *str, Node *escontext)
{
	CrmValue	value;
	int64		number;

	if (identifier_judge(crm_phone_check, str, &value))
		number = crm_phone_pack(value.canonical, value.canonical_length);
	else if (!phone_written(str, &number))
	{
		refuse("phone", str, &value, escontext);
		return (Datum) 0;
	}
	return Int64GetDatum(number);
}

/* The canonical form of such a number. */
static Datum
number_out(int64 number, CrmUnpackFunc unpack)
{
	char		text[CRM_NUMBER_TEXT_MAX];
	int			length = unpack(number, text);

	return CStringGetDatum(pnstrdup(text, length));
}

static Datum
number_send(int64 number, CrmUnpackFunc unpack)
{
	char		text[CRM_NUMBER_TEXT_MAX];
	int			length = unpack(number, text);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendtext(&buffer, text, length);
	return PointerGetDatum(pq_endtypsend(&buffer));
}

/* The text of a binary message, in the server encoding. */
static char *
message_text(FunctionCallInfo fcinfo)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			length;

	return pq_getmsgtext(message, message->len - message->cursor, &length);
}

/* Output of the text types is textout() and textsend(). */
#define TEXT_TYPE(type) \
PG_FUNCTION_INFO_V1(crmaudit_##type##_in); \
Datum \
crmaudit_##type##_in(PG_FUNCTION_ARGS) \
{ \
	return text_in(#type, crm_##type##_check, PG_GETARG_CSTRING(0), \
				   fcinfo->context); \
} \
PG_FUNCTION_INFO_V1(crmaudit_##type##_recv); \
Datum \
crmaudit_##type##_recv(PG_FUNCTION_ARGS) \
{ \
	return text_in(#type, crm_##type##_check, message_text(fcinfo), NULL); \
}

/* A type that is a number, and "read(str, escontext)" reads it. */
#define NUMBER_TYPE(type, read) \
PG_FUNCTION_INFO_V1(crmaudit_##type##_in); \
Datum \
crmaudit_##type##_in(PG_FUNCTION_ARGS) \
{ \
	return read(PG_GETARG_CSTRING(0), fcinfo->context); \
} \
PG_FUNCTION_INFO_V1(crmaudit_##type##_out); \
Datum \
crmaudit_##type##_out(PG_FUNCTION_ARGS) \
{ \
	return number_out(PG_GETARG_INT64(0), crm_##type##_unpack); \
} \
PG_FUNCTION_INFO_V1(crmaudit_##type##_recv); \
Datum \
crmaudit_##type##_recv(PG_FUNCTION_ARGS) \
{ \
	return read(message_text(fcinfo), NULL); \
} \
PG_FUNCTION_INFO_V1(crmaudit_##type##_send); \
Datum \
crmaudit_##type##_send(PG_FUNCTION_ARGS) \
{ \
	return number_send(PG_GETARG_INT64(0), crm_##type##_unpack); \
}

TEXT_TYPE(email)
TEXT_TYPE(iban)
TEXT_TYPE(lei)
TEXT_TYPE(uscc)
TEXT_TYPE(vat_id)
NUMBER_TYPE(bank_card, bank_card_in)
NUMBER_TYPE(phone, phone_in)
NUMBER_TYPE(resident_id, resident_id_in)

PG_FUNCTION_INFO_V1(crmaudit_phone_read);

/*
 * crmaudit.phone(text, region): reads a number in the notation of the region
 * or, without one, as input does.  What a number in national notation is
 * depends on its plan, so that one which the plan does not have is refused.
 */
Datum
crmaudit_phone_read(PG_FUNCTION_ARGS)
{
	CrmOptions	options = {.want_canonical = true};
	CrmValue	value;
	text	   *region;
	char	   *str;
	const char *utf8;
	int			length;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	str = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(1))
	{
		region = PG_GETARG_TEXT_PP(1);
		crm_region_require(VARDATA_ANY(region), VARSIZE_ANY_EXHDR(region),
						   options.region);
	}
	utf8 = str;
	length = strlen(str);
	crm_text_to_utf8(&utf8, &length);
	crm_phone_check(utf8, length, &options, &value);
	if (value.verdict == CRM_INVALID || value.has_extension)
	{
		CrmValue	alone;

		options.region[0] = '\0';
		crm_phone_check(utf8, length, &options, &alone);
		if (!alone.is_storable || alone.has_extension)
			refuse("phone", str, &value, NULL);
		value = alone;
	}
	PG_RETURN_INT64(crm_phone_pack(value.canonical, value.canonical_length));
}

PG_FUNCTION_INFO_V1(crmaudit_text_smaller);
PG_FUNCTION_INFO_V1(crmaudit_text_larger);

/* Compares two values of a text type as their operators do. */
static int
compare_texts(FunctionCallInfo fcinfo)
{
	return DatumGetInt32(DirectFunctionCall2(byteacmp, PG_GETARG_DATUM(0),
											 PG_GETARG_DATUM(1)));
}

/* The smaller of two values of a text type, for min(). */
Datum
crmaudit_text_smaller(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(compare_texts(fcinfo) <= 0 ? 0 : 1));
}

/* The larger of two, for max(). */
Datum
crmaudit_text_larger(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(compare_texts(fcinfo) >= 0 ? 0 : 1));
}
