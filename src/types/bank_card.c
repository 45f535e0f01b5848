/*-------------------------------------------------------------------------
 *
 * bank_card.c
 *		Bank card numbers, ISO/IEC 7812-1: 12 to 19 digits, the last of which
 *		is a check digit by Luhn's formula.
 *
 * Some Chinese banks have issued debit cards whose last digit is no check
 * digit.  A wrong one is only suspect under the prefixes of debit cards.
 * Nothing else that is known of a prefix bears on the verdict.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/bank_card.h"
#include "types/card_table.h"
#include "types/types_private.h"

#define CARD_PREFIXES \
	((int) (sizeof(card_prefixes) / sizeof(card_prefixes[0])))

#define CARD_LENGTH_MIN		12
#define CARD_LENGTH_MAX		19

/* A brand has the numbers from first to last, compared at their six digits. */
typedef struct BrandRange
{
	uint32_t	first;
	uint32_t	last;
	uint8_t		length_min;
	uint8_t		length_max;
	const char *brand;
} BrandRange;

/*
 * Issuer ranges by ISO/IEC 7812, as the networks publish them.  The first
 * range that holds a number counts, so that the narrow ones come first: RuPay
 * and Discover share 65, China UnionPay and Discover 622126 to 622925.
 */
static const BrandRange brand_ranges[] = {
	{506099, 506198, 16, 19, "verve"},
	{507865, 507964, 16, 19, "verve"},
	{650002, 650027, 16, 19, "verve"},
	{508500, 508999, 16, 16, "rupay"},
	{606985, 607984, 16, 16, "rupay"},
	{608001, 608500, 16, 16, "rupay"},
	{652150, 653149, 16, 16, "rupay"},
	{817200, 820199, 16, 16, "rupay"},
	{501900, 501999, 16, 16, "dankort"},
	{220000, 220499, 16, 19, "mir"},
	{222100, 272099, 16, 16, "mastercard"},
	{510000, 559999, 16, 16, "mastercard"},
	{340000, 349999, 15, 15, "amex"},
	{370000, 379999, 15, 15, "amex"},
	{352800, 358999, 16, 19, "jcb"},
	{300000, 305999, 14, 19, "diners"},
	{309500, 309599, 14, 19, "diners"},
	{360000, 369999, 14, 19, "diners"},
	{380000, 399999, 14, 19, "diners"},
	{400000, 499999, 13, 19, "visa"},
	{620000, 629999, 13, 19, "unionpay"},
	{810000, 817199, 16, 19, "unionpay"},
	{601100, 601199, 16, 19, "discover"},
	{644000, 659999, 16, 19, "discover"},
	{500000, 509999, 12, 19, "maestro"},
	{560000, 589999, 12, 19, "maestro"},
	{630000, 639999, 12, 19, "maestro"},
	{670000, 679999, 12, 19, "maestro"},
	{860000, 860099, 16, 16, "uzcard"},
	{979200, 979289, 16, 16, "troy"},
	{986000, 986099, 16, 16, "humo"}
};

/* Returns the first row of the prefix, or of one after it. */
static int
find_prefix(uint32_t prefix)
{
	int			low = 0;
	int			high = CARD_PREFIXES;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (card_prefixes[middle].prefix < prefix)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Returns the row of the longest prefix of this number, of cards with as many
 * digits; only of that type, unless it is CRM_CARD_UNKNOWN.  NULL if none.
 */
static const CardPrefix *
find_card(const char *digits, int length, CrmCardType type)
{
	const CardPrefix *found = NULL;
	uint32_t	prefix = 0;

	for (int i = 0; i < CRM_CARD_PREFIX_MAX; i++)
	{
		prefix = prefix * 10 + (uint32_t) (digits[i] - '0');
		if (i + 1 < CRM_CARD_PREFIX_MIN)
			continue;
		for (int row = find_prefix(prefix); row < CARD_PREFIXES &&
			 card_prefixes[row].prefix == prefix; row++)
		{
			if ((card_prefixes[row].lengths >> (length - CARD_LENGTH_MIN) & 1) &&
				(type == CRM_CARD_UNKNOWN || card_prefixes[row].type == type))
			{
				found = &card_prefixes[row];
				break;
			}
		}
	}
	return found;
}

/* Returns the brand of a number of 12 to 19 digits, or NULL. */
static const char *
find_brand(const char *digits, int length)
{
	uint32_t	prefix = 0;

	for (int i = 0; i < 6; i++)
		prefix = prefix * 10 + (uint32_t) (digits[i] - '0');
	for (size_t i = 0; i < sizeof(brand_ranges) / sizeof(brand_ranges[0]); i++)
	{
		const BrandRange *range = &brand_ranges[i];

		if (prefix >= range->first && prefix <= range->last &&
			length >= range->length_min && length <= range->length_max)
			return range->brand;
	}
	return NULL;
}

/* Contract in bank_card.h. */
bool
crm_bank_card_describe(const char *digits, int length, CrmCard *card)
{
	const CardPrefix *row;

	memset(card, 0, sizeof(*card));
	if (length < CARD_LENGTH_MIN || length > CARD_LENGTH_MAX)
		return false;
	card->brand = find_brand(digits, length);
	row = find_card(digits, length, CRM_CARD_UNKNOWN);
	if (row != NULL)
	{
		card->issuer = card_issuers[row->issuer].name;
		card->issuer_code = card_issuers[row->issuer].code;
		card->type = (CrmCardType) row->type;
	}
	return true;
}

/* Contract in bank_card.h. */
const char *
crm_card_type_name(CrmCardType type)
{
	switch (type)
	{
		case CRM_CARD_DEBIT:
			return "debit";
		case CRM_CARD_CREDIT:
			return "credit";
		case CRM_CARD_SEMI_CREDIT:
			return "semi_credit";
		case CRM_CARD_PREPAID:
			return "prepaid";
		case CRM_CARD_UNKNOWN:
			break;
	}
	return NULL;
}

/* Is every digit a zero?  Luhn's formula has nothing against that. */
static bool
is_all_zeros(const char *digits, int length)
{
	return digits[0] == '0' &&
		memcmp(digits, digits + 1, (size_t) length - 1) == 0;
}

/* Blames the check digit of a number that Luhn's formula refuses. */
static void
blame_check_digit(const char *str, size_t length, const AlnumText *alnum,
				  CrmValue *value)
{
	if (find_card(alnum->text, alnum->length, CRM_CARD_DEBIT) != NULL)
		crm_alnum_blame(str, length, alnum, value, CRM_SUSPECT,
						CRM_REASON_CHECK_DIGIT_DEBIT_CARD,
						alnum->length - 1, 1);
	else
		crm_alnum_blame(str, length, alnum, value, CRM_INVALID,
						CRM_REASON_CHECK_DIGIT, alnum->length - 1, 1);
}

/* Blames the first character that is no digit; false if there is none. */
static bool
blame_character(const char *str, size_t length, const AlnumText *alnum,
				CrmValue *value)
{
	for (int i = 0; i < alnum->length; i++)
	{
		if (!crm_is_digit(alnum->text[i]))
		{
			crm_alnum_blame(str, length, alnum, value, CRM_INVALID,
							CRM_REASON_BAD_CHARACTER, i, 1);
			return true;
		}
	}
	return false;
}

/*
 * Judges a bank card number.  One digit repeated is a number like any other,
 * for placeholders are found by a rule of their own; only zeros cannot be.
 */
void
crm_bank_card_check(const char *str, size_t length,
					const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;

	crm_value_init(value);
	if (!crm_alnum_collect(str, length, &alnum, value))
		return;
	if (alnum.length < CARD_LENGTH_MIN || alnum.length > CARD_LENGTH_MAX ||
		!crm_are_digits(alnum.text, alnum.length))
	{
		if (!blame_character(str, length, &alnum, value))
			crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH,
							0, length);
		return;
	}
	if (crm_luhn_sum(alnum.text, alnum.length) % 10 != 0)
		blame_check_digit(str, length, &alnum, value);
	else if (is_all_zeros(alnum.text, alnum.length))
		crm_value_blame(value, CRM_INVALID, CRM_REASON_REPEATED_DIGIT,
						0, length);
	if (value->verdict != CRM_INVALID)
		crm_value_set_canonical(value, options, alnum.text, alnum.length);
}
