/*-------------------------------------------------------------------------
 *
 * type_sql.h
 *		What the SQL side of the identifier types (type_*.c) shares.
 *
 * The parsers beside it know nothing of PostgreSQL; the files type_*.c make
 * types of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_TYPE_SQL_H
#define CRM_TYPE_SQL_H

#include "postgres.h"

#include "fmgr.h"

#include "compat.h"
#include "types/types.h"

/* A longer part than this is a text, and not pointed at. */
#define CRM_PART_MAX		1024

/* Room for a number as text, its sign or check character and the NUL. */
#define CRM_NUMBER_TEXT_MAX	24

/*
 * Three types fit into a number of 64 bits, whose order is the type's order:
 * a phone number is its E.164 digits; a resident ID its first 17 digits, for
 * the check character follows from them; a bank card number, which may begin
 * with zeros, its rank among all numbers of 12 to 19 digits.
 *
 * Pack takes a storable canonical form; unpack writes that form, terminated,
 * and returns its length.
 */
typedef int64 (*CrmPackFunc) (const char *canonical, int length);
typedef int (*CrmUnpackFunc) (int64 number, char *text);

extern int64 crm_phone_pack(const char *canonical, int length);
extern int	crm_phone_unpack(int64 number, char *text);
extern int64 crm_resident_id_pack(const char *canonical, int length);
extern int	crm_resident_id_unpack(int64 number, char *text);
extern int64 crm_bank_card_pack(const char *canonical, int length);
extern int	crm_bank_card_unpack(int64 number, char *text);

/*
 * Between the server encoding and the UTF-8 of the parsers.  What has no form
 * in the server encoding is an error, or NULL.
 */
extern text * crm_text_from_utf8(const char *data, int length);
extern text * crm_text_from_utf8_or_null(const char *data, int length);
extern void crm_text_to_utf8(const char **data, int *length);

/*
 * The canonical form of a judged value, which has one.  That of an e-mail
 * address can hold characters that the value did not: its domain is written
 * with A-labels where the server encoding lacks them, and where it lacks those
 * of the local part (in NFC), there is no form, and NULL is returned.
 */
extern text * crm_text_from_canonical(CrmCheckFunc check,
									  const CrmValue *value);

/*
 * The name of an area (see area.h) in that year, or NULL if it is not known
 * or the server encoding cannot hold it.
 */
extern text * crm_area_name_text(int area, int year);

/*
 * Copies a region code, in upper case, to the three bytes of "region"; gives
 * false (or an error) if it is not two letters.
 */
extern bool crm_region_code(const char *data, int length, char *region);
extern void crm_region_require(const char *data, int length, char *region);

/* What check_value() answers, and explain_value() with two columns more. */
typedef enum AnswerColumn
{
	ANSWER_VERDICT,
	ANSWER_REASON,
	ANSWER_PART,				/* NULL if none is to blame, or all of much */
	ANSWER_CANONICAL,			/* NULL if the value is invalid */
	ANSWER_MESSAGE
} AnswerColumn;

#define ANSWER_COLUMNS	5

/* Fills in the columns; data is the value in UTF-8, which "check" judged. */
extern void crm_answer_fill(CrmCheckFunc check, const CrmValue *value,
							const char *data, Datum *values, bool *nulls);

/* The identifier type of that name, or an error that lists all. */
extern const CrmIdentifier *crm_identifier_require(const char *name,
												   int length);

#endif							/* CRM_TYPE_SQL_H */
