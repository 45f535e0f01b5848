/*-------------------------------------------------------------------------
 *
 * resident_id.h
 *		What a resident ID number tells, from its first 17 digits.
 *
 * The eighteenth character follows from the others, so that the 17 digits, as
 * an integer, are the whole number.  That is how the SQL type stores it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_RESIDENT_ID_H
#define CRM_RESIDENT_ID_H

#include <stdbool.h>
#include <stdint.h>

/* The documents that share the numbering. */
typedef enum CrmPersonKind
{
	CRM_PERSON_CITIZEN,
	CRM_PERSON_PERMIT,			/* residence permit of someone from Hong Kong
								 * (81), Macao (82) or Taiwan (83) */
	CRM_PERSON_FOREIGNER		/* permanent residence ID of a foreigner */
} CrmPersonKind;

/* What a number tells of a person. */
typedef struct CrmPerson
{
	CrmPersonKind kind;
	int32_t		birth_date;		/* yyyymmdd */
	char		sex;			/* 'M' or 'F' */
	int			area;			/* the six digits; of a foreigner's ID the
								 * province, as pp0000.  See crm_area_name */
	int			nationality;	/* ISO 3166-1 numeric, foreigners only; else 0 */
} CrmPerson;

/*
 * Returns the first 17 digits of a canonical form (18 characters), as
 * crm_resident_id_check gives it.
 */
extern int64_t crm_resident_id_number(const char *canonical);

/*
 * Is this a number that crm_resident_id_check calls storable: 17 digits at
 * most, with a birth date that exists and is not before 1880?  Leading zeros
 * are digits.
 */
extern bool crm_resident_id_is_storable(int64_t number17);

/*
 * Reads what the number tells; false, with *person untouched, unless it is
 * storable.
 */
extern bool crm_resident_id_describe(int64_t number17, CrmPerson *person);

/* Writes the 18 characters of a storable number, terminated. */
extern void crm_resident_id_text(int64_t number17, char out[19]);

/* Returns the numeric country code in a foreigner's ID, 0 in any other. */
extern int	crm_resident_id_nationality(int64_t number17);

#endif							/* CRM_RESIDENT_ID_H */
