/*-------------------------------------------------------------------------
 *
 * lei.c
 *		Legal entity identifiers, ISO 17442-1: 18 letters and digits, then two
 *		check digits by ISO 7064 MOD 97-10.
 *
 *-------------------------------------------------------------------------
 */
#include "types/types_private.h"

#define LEI_LENGTH			20
#define LEI_CHECK_AT		18

/* Judges a legal entity identifier; there is nothing to make one suspect. */
void
crm_lei_check(const char *str, size_t length,
			  const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;

	crm_value_init(value);
	if (!crm_alnum_collect(str, length, &alnum, value))
		return;
	if (alnum.length != LEI_LENGTH)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH, 0, length);
		return;
	}
	for (int i = LEI_CHECK_AT; i < LEI_LENGTH; i++)
	{
		if (!crm_is_digit(alnum.text[i]))
		{
			crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
							CRM_REASON_BAD_CHARACTER, i, 1);
			return;
		}
	}
	if (crm_mod97(alnum.text, LEI_LENGTH, 0) != 1)
		crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
						CRM_REASON_CHECK_DIGIT, LEI_CHECK_AT, 2);
	else if (!crm_check_digits_ok(alnum.text + LEI_CHECK_AT))
		crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
						CRM_REASON_CHECK_DIGIT_RANGE, LEI_CHECK_AT, 2);
	else
		crm_value_set_canonical(value, options, alnum.text, LEI_LENGTH);
}
