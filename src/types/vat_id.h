/*-------------------------------------------------------------------------
 *
 * vat_id.h
 *		What the checks of VAT numbers share.
 *
 * A check gets the national number: without prefix and suffix, of one of the
 * country's shapes, with leading zeros that were left out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_VAT_ID_H
#define CRM_VAT_ID_H

#include "types/types_private.h"

/* Most shapes, suffixes and weights of a country. */
#define VAT_SHAPES			4
#define VAT_SUFFIXES		4
#define VAT_WEIGHTS			10

/* What a check finds; reason is CRM_REASON_NONE if nothing. */
typedef struct VatFault
{
	CrmReason	reason;
	CrmVerdict	verdict;
	int			at;				/* first character to blame */
	int			count;
} VatFault;

typedef struct VatCountry VatCountry;

typedef VatFault (*VatCheckFunc) (const VatCountry *country,
								  const char *number, int length);

/*
 * A country.  In a shape d is a digit, n one that is not 0, a letter a, a
 * letter or digit x, a letter or one of the signs + and * s; a question mark
 * allows a digit at the end, and other characters stand for themselves.
 */
struct VatCountry
{
	char		prefix[4];
	signed char padded;			/* zeros may be left out before a number of
								 * this length; 0 if they may not */
	signed char padded_from;	/* and this is the shortest such number */
	VatCheckFunc check;
	const char *shapes[VAT_SHAPES];
	const char *suffixes[VAT_SUFFIXES]; /* the first is the canonical one */
	short		modulus;		/* of checks by a weighted sum */
	short		nweights;
	int16_t		weights[VAT_WEIGHTS];
};

/* Blames this part with CHECK_DIGIT unless the check digits are right. */
static inline VatFault
crm_vat_checked(bool is_right, int at, int count)
{
	VatFault	fault = {CRM_REASON_NONE, CRM_VALID, at, count};

	if (!is_right)
	{
		fault.reason = CRM_REASON_CHECK_DIGIT;
		fault.verdict = CRM_INVALID;
	}
	return fault;
}

/* Refuses a number for another reason. */
static inline VatFault
crm_vat_refused(CrmReason reason, int at, int count)
{
	VatFault	fault = {reason, CRM_INVALID, at, count};

	return fault;
}

/* functions from vat_id_business.c */
extern VatFault crm_vat_sum(const VatCountry *country,
							const char *number, int length);
extern VatFault crm_vat_sum_mod_10(const VatCountry *country,
								   const char *number, int length);
extern VatFault crm_vat_mod11_10(const VatCountry *country,
								 const char *number, int length);
extern VatFault crm_vat_austria(const VatCountry *country,
								const char *number, int length);
extern VatFault crm_vat_belgium(const VatCountry *country,
								const char *number, int length);
extern VatFault crm_vat_cyprus(const VatCountry *country,
							   const char *number, int length);
extern VatFault crm_vat_france(const VatCountry *country,
							   const char *number, int length);
extern VatFault crm_vat_ireland(const VatCountry *country,
								const char *number, int length);
extern VatFault crm_vat_italy(const VatCountry *country,
							  const char *number, int length);
extern VatFault crm_vat_lithuania(const VatCountry *country,
								  const char *number, int length);
extern VatFault crm_vat_luxembourg(const VatCountry *country,
								   const char *number, int length);
extern VatFault crm_vat_netherlands(const VatCountry *country,
									const char *number, int length);
extern VatFault crm_vat_slovenia(const VatCountry *country,
								 const char *number, int length);
extern VatFault crm_vat_sweden(const VatCountry *country,
							   const char *number, int length);
extern VatFault crm_vat_united_kingdom(const VatCountry *country,
									   const char *number, int length);

/* functions from vat_id_person.c */
extern VatFault crm_vat_bulgaria(const VatCountry *country,
								 const char *number, int length);
extern VatFault crm_vat_czechia(const VatCountry *country,
								const char *number, int length);
extern VatFault crm_vat_latvia(const VatCountry *country,
							   const char *number, int length);
extern VatFault crm_vat_romania(const VatCountry *country,
								const char *number, int length);
extern VatFault crm_vat_slovakia(const VatCountry *country,
								 const char *number, int length);
extern VatFault crm_vat_spain(const VatCountry *country,
							  const char *number, int length);

#endif							/* CRM_VAT_ID_H */
