/*-------------------------------------------------------------------------
 *
 * iban_national.h
 *		National check digits in an IBAN, and which part is wrong.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_IBAN_NATIONAL_H
#define CRM_IBAN_NATIONAL_H

#include <stdbool.h>

/* Check digits that some digits of the national account number give. */
typedef struct IbanNational
{
	char		code[3];		/* the country */
	unsigned char from;			/* the part that is checked, in the BBAN */
	unsigned char length;
	unsigned char blame_from;	/* where the check digits stand */
	unsigned char blame_length;
	bool		(*check) (const char *text, int length);
} IbanNational;

extern const IbanNational *crm_iban_validity_fault(const char *code,
												   const char *bban);
extern const IbanNational *crm_iban_national_fault(const char *code,
												   const char *bban);

#endif							/* CRM_IBAN_NATIONAL_H */
