/*-------------------------------------------------------------------------
 *
 * type_person.c
 *		What a resident_id tells of its holder.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"

#include "crmaudit.h"
#include "types/area.h"
#include "types/resident_id.h"
#include "types/type_sql.h"

PG_FUNCTION_INFO_V1(crmaudit_resident_id_birth_date);
PG_FUNCTION_INFO_V1(crmaudit_resident_id_sex);
PG_FUNCTION_INFO_V1(crmaudit_resident_id_area);
PG_FUNCTION_INFO_V1(crmaudit_resident_id_area_name);
PG_FUNCTION_INFO_V1(crmaudit_resident_id_age);
PG_FUNCTION_INFO_V1(crmaudit_resident_id_age_on);
PG_FUNCTION_INFO_V1(crmaudit_resident_id_document_kind);
PG_FUNCTION_INFO_V1(crmaudit_resident_id_nationality);

/* What the first argument tells; input has seen to it that it is readable. */
static CrmPerson
person_argument(FunctionCallInfo fcinfo)
{
	CrmPerson	person = {0};

	if (!crm_resident_id_describe(PG_GETARG_INT64(0), &person))
		elog(ERROR, "resident_id is not readable");
	return person;
}

/* crmaudit.birth_date(resident_id) */
Datum
crmaudit_resident_id_birth_date(PG_FUNCTION_ARGS)
{
	int32		date = person_argument(fcinfo).birth_date;

	PG_RETURN_DATEADT(date2j(date / 10000, date / 100 % 100, date % 100) -
					  POSTGRES_EPOCH_JDATE);
}

/* crmaudit.sex(resident_id): 'M' or 'F'. */
Datum
crmaudit_resident_id_sex(PG_FUNCTION_ARGS)
{
	char		sex = person_argument(fcinfo).sex;

	PG_RETURN_TEXT_P(cstring_to_text_with_len(&sex, 1));
}

/* crmaudit.area(resident_id): six digits. */
Datum
crmaudit_resident_id_area(PG_FUNCTION_ARGS)
{
	char	   *area = psprintf("%06d", person_argument(fcinfo).area);

	PG_RETURN_TEXT_P(cstring_to_text(area));
}

/* crmaudit.area_name(resident_id): as it was in the year of birth. */
Datum
crmaudit_resident_id_area_name(PG_FUNCTION_ARGS)
{
	CrmPerson	person = person_argument(fcinfo);
	text	   *name = crm_area_name_text(person.area,
										  person.birth_date / 10000);

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(name);
}

/*
 * Completed years on a day, as age() of PostgreSQL counts them: who was born
 * on 29 February completes a year on 1 March of a common year.  NULL before
 * birth.
 */
static Datum
age_on(FunctionCallInfo fcinfo, DateADT day)
{
	int32		birth = person_argument(fcinfo).birth_date;
	int32		on = crm_date_yyyymmdd(day);

	if (on == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("cannot tell an age on this date"),
				 errhint("The date must be finite, and before the year 10000.")));
	if (on < birth)
		PG_RETURN_NULL();
	PG_RETURN_INT32(on / 10000 - birth / 10000 -
					(on % 10000 < birth % 10000));
}

/* crmaudit.age(resident_id): today, in the session's time zone. */
Datum
crmaudit_resident_id_age(PG_FUNCTION_ARGS)
{
	return age_on(fcinfo, crm_today());
}

/* crmaudit.age_on(resident_id, date) */
Datum
crmaudit_resident_id_age_on(PG_FUNCTION_ARGS)
{
	return age_on(fcinfo, PG_GETARG_DATEADT(1));
}

/* crmaudit.document_kind(resident_id) */
Datum
crmaudit_resident_id_document_kind(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		[CRM_PERSON_CITIZEN] = "citizen",
		[CRM_PERSON_PERMIT] = "permit",
		[CRM_PERSON_FOREIGNER] = "foreigner"
	};

	PG_RETURN_TEXT_P(cstring_to_text(names[person_argument(fcinfo).kind]));
}

/* crmaudit.nationality(resident_id): ISO 3166-1 numeric, of foreigners. */
Datum
crmaudit_resident_id_nationality(PG_FUNCTION_ARGS)
{
	CrmPerson	person = person_argument(fcinfo);

	if (person.kind != CRM_PERSON_FOREIGNER)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%03d", person.nationality)));
}

/* Contract in type_sql.h. */
text *
crm_area_name_text(int area, int year)
{
	char		name[CRM_AREA_NAME_SIZE];
	int			length = crm_area_name(area, year, name, sizeof(name));

	return length > 0 ? crm_text_from_utf8_or_null(name, length) : NULL;
}
