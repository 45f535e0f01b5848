/*-------------------------------------------------------------------------
 *
 * normal_form.h
 *		The form by which values are compared, whoever typed them.
 *
 * An identifier is compared by its canonical form.  What is none of its type
 * is compared as text, for a wrong number can be shared too; but where it has
 * neither a digit nor an @ sign, it says that there is no value (none, 无).
 * Further forms are for what has no syntax: text, address, bank_account.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_NORMAL_FORM_H
#define CRM_NORMAL_FORM_H

#include "types/type_sql.h"

typedef enum NormalKind
{
	NORMAL_IDENTIFIER,
	NORMAL_TEXT,				/* trimmed, one blank for several */
	NORMAL_ADDRESS,				/* and half-width, lower case, no blanks but
								 * between ASCII letters and digits */
	NORMAL_ACCOUNT				/* letters and digits only, upper case */
} NormalKind;

typedef struct CrmNormalForm
{
	const char *type;			/* its name */
	NormalKind	kind;
	const CrmIdentifier *identifier;
	char		region[3];		/* of phone numbers; empty for none */
} CrmNormalForm;

/* Fills in the form of that name; false if there is none. */
extern bool crm_normal_form_find(const char *type, CrmNormalForm *form);

/* Likewise, or an error that lists all; region may be NULL. */
extern void crm_normal_form_require(const char *type, const char *region,
									CrmNormalForm *form);

/*
 * The value's normal form, in the server encoding and the current memory
 * context; false if it has none, and is no value.
 */
extern bool crm_normal_value(const CrmNormalForm *form, const char *data,
							 int length, const char **normal,
							 int *normal_length);

#endif							/* CRM_NORMAL_FORM_H */
