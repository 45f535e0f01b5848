/*-------------------------------------------------------------------------
 *
 * bank_card.h
 *		What a bank card number tells: issuer, type of card, brand.
 *
 * All of it is reference data that never bears on the verdict of a number
 * whose check digit is right.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_BANK_CARD_H
#define CRM_BANK_CARD_H

#include <stdbool.h>

typedef enum CrmCardType
{
	CRM_CARD_UNKNOWN,
	CRM_CARD_DEBIT,
	CRM_CARD_CREDIT,
	CRM_CARD_SEMI_CREDIT,		/* 准贷记卡: credit against a deposit */
	CRM_CARD_PREPAID
} CrmCardType;

/* What a number tells; the strings are UTF-8 constants. */
typedef struct CrmCard
{
	const char *issuer;			/* Chinese name; NULL if not known */
	const char *issuer_code;	/* short name, such as ICBC; NULL likewise */
	CrmCardType type;
	const char *brand;			/* "visa", "unionpay" ...; NULL if none */
} CrmCard;

/*
 * Reads what the digits of a canonical form tell, 12 to 19 of them.  Returns
 * false, with *card all unknown, if there are fewer or more.
 */
extern bool crm_bank_card_describe(const char *digits, int length,
								   CrmCard *card);

/*
 * Returns the name of a type: "debit", "credit", "semi_credit", "prepaid";
 * NULL if it is unknown.
 */
extern const char *crm_card_type_name(CrmCardType type);

#endif							/* CRM_BANK_CARD_H */
