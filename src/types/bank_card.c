/*-------------------------------------------------------------------------
 *
 * bank_card.c
 *		Bank card numbers, ISO/IEC 7812-1: 12 to 19 digits, the last of which
 *		is a check digit by Luhn's formula.
 *
 * Some Chinese banks have issued debit cards whose last digit is no check
 * digit.  A wrong one is only suspect under the prefixes of debit cards.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/card_table.h"
#include "types/types_private.h"

#define DEBIT_PREFIXES \
	((int) (sizeof(card_debit_prefixes) / sizeof(card_debit_prefixes[0])))

#define CARD_LENGTH_MIN		12
#define CARD_LENGTH_MAX		19

/* Returns the lengths of card numbers with this prefix, 0 if it is unknown. */
static uint32_t
find_debit_prefix(uint32_t prefix)
{
	int			low = 0;
	int			high = DEBIT_PREFIXES - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (prefix == card_debit_prefixes[middle].prefix)
			return card_debit_prefixes[middle].lengths;
		if (prefix < card_debit_prefixes[middle].prefix)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return 0;
}

/* Is this, by prefix and length, the number of a Chinese debit card? */
static bool
is_chinese_debit_card(const char *digits, int length)
{
	uint32_t	prefix = 0;

	for (int i = 0; i < CRM_CARD_PREFIX_MAX; i++)
	{
		prefix = prefix * 10 + (uint32_t) (digits[i] - '0');
		if (i + 1 >= CRM_CARD_PREFIX_MIN &&
			(find_debit_prefix(prefix) >> length & 1))
			return true;
	}
	return false;
}

/* Are all digits the same? */
static bool
is_one_digit_repeated(const char *digits, int length)
{
	return memcmp(digits, digits + 1, (size_t) length - 1) == 0;
}

/*
 * Judges a bank card number.  Neither prefix nor brand makes a number suspect
 * whose check digit is right; one digit repeated does.
 */
void
crm_bank_card_check(const char *str, size_t length,
					const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;

	crm_value_init(value);
	if (!crm_alnum_collect(str, length, &alnum, value))
		return;
	for (int i = 0; i < alnum.length; i++)
	{
		if (!crm_is_digit(alnum.text[i]))
		{
			crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
							CRM_REASON_BAD_CHARACTER, i, 1);
			return;
		}
	}
	if (alnum.length < CARD_LENGTH_MIN || alnum.length > CARD_LENGTH_MAX)
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH, 0, length);
	else if (crm_luhn_sum(alnum.text, alnum.length) % 10 != 0)
	{
		if (is_chinese_debit_card(alnum.text, alnum.length))
			crm_alnum_blame(str, length, &alnum, value, CRM_SUSPECT,
							CRM_REASON_CHECK_DIGIT_DEBIT_CARD,
							alnum.length - 1, 1);
		else
			crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
							CRM_REASON_CHECK_DIGIT, alnum.length - 1, 1);
	}
	else if (is_one_digit_repeated(alnum.text, alnum.length))
		crm_value_blame(value,
						alnum.text[0] == '0' ? CRM_INVALID : CRM_SUSPECT,
						CRM_REASON_REPEATED_DIGIT, 0, length);
	if (value->verdict != CRM_INVALID)
		crm_value_set_canonical(value, options, alnum.text, alnum.length);
}
