/*-------------------------------------------------------------------------
 *
 * email_domain.h
 *		The domain of an e-mail address.  Private to the e-mail parser.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_EMAIL_DOMAIN_H
#define CRM_EMAIL_DOMAIN_H

#include "types/types_private.h"

/* RFC 1035 */
#define DOMAIN_MAX			255
#define LABEL_MAX			63

/* A domain that has been judged, in its canonical form. */
typedef struct EmailDomain
{
	int			length;
	char		text[CRM_CANONICAL_MAX + 1];
	int			ascii_length;
	char		ascii[DOMAIN_MAX + 1];	/* with A-labels */
} EmailDomain;

/* Bits of crm_email_class, by byte. */
#define EMAIL_ATOM			1	/* atext of RFC 5322 */
#define EMAIL_ALNUM			2	/* letter or digit */
#define EMAIL_LETTER		4

extern const unsigned char crm_email_class[256];

/* functions from email_domain.c */
extern bool crm_domain_is_plain(const char *domain, size_t length);
extern bool crm_domain_check(const char *str, size_t start, size_t length,
							 EmailDomain *domain, CrmValue *value);
extern void crm_ascii_lower(char *str, size_t length);

#endif							/* CRM_EMAIL_DOMAIN_H */
