/*-------------------------------------------------------------------------
 *
 * phone.h
 *		What is known of a phone number that is stored as an integer.
 *
 * A number is stored as the digits of its E.164 form, calling code first, as
 * one integer: +86 138 1234 5678 is 8613812345678.  No calling code begins
 * with 0, so that zeros at the start of the national number are kept.
 *
 * Nothing here depends on PostgreSQL, allocates or fails.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_PHONE_H
#define CRM_PHONE_H

#include <stdbool.h>
#include <stdint.h>

/* Kinds of number; gen/phone_table.pl writes these values into the table. */
typedef enum CrmPhoneType
{
	CRM_PHONE_UNKNOWN,
	CRM_PHONE_FIXED_LINE,
	CRM_PHONE_MOBILE,
	CRM_PHONE_FIXED_LINE_OR_MOBILE, /* plans such as the US have one range */
	CRM_PHONE_TOLL_FREE,
	CRM_PHONE_PREMIUM_RATE,
	CRM_PHONE_SHARED_COST,
	CRM_PHONE_VOIP,
	CRM_PHONE_PERSONAL_NUMBER,
	CRM_PHONE_PAGER,
	CRM_PHONE_UAN,
	CRM_PHONE_VOICEMAIL
} CrmPhoneType;

/* Digits of the largest int64. */
#define CRM_PHONE_DIGITS_MAX	19

/*
 * Digits of the shortest national number that is stored.  No plan has fewer;
 * this is no part of the metadata, so that no edition makes a dump unreadable.
 */
#define CRM_PHONE_NATIONAL_MIN	4

/* Room for any format of a number, with its terminating zero. */
#define CRM_PHONE_FORMAT_MAX	48

/* A stored number, taken apart. */
typedef struct CrmPhone
{
	int			calling_code;
	int			national_length;
	char		national[CRM_PHONE_DIGITS_MAX + 1]; /* digits, terminated */
	char		region[4];		/* ISO 3166-1 alpha-2; "001" for numbers of no
								 * country; "" if the plan does not tell */
	CrmPhoneType type;			/* unknown if the number is not valid */
} CrmPhone;

/* The edition of libphonenumber's metadata, such as "9.0.35". */
extern const char crm_phone_metadata_version[];

/* The SQL word for a type: "mobile", "fixed_line" ... */
extern const char *crm_phone_type_name(CrmPhoneType type);

/*
 * Takes a stored number apart.  Returns false, with *phone unset, if it does
 * not begin with a calling code.
 */
extern bool crm_phone_describe(int64_t number, CrmPhone *phone);

/*
 * Writes a stored number as it is written in its country, or with its calling
 * code for use abroad; terminated.  Returns the length; 0, with nothing
 * written, if the number does not begin with a calling code.
 */
extern int	crm_phone_format(int64_t number, bool international,
							 char out[CRM_PHONE_FORMAT_MAX]);

#endif							/* CRM_PHONE_H */
