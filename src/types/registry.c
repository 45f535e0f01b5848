/*-------------------------------------------------------------------------
 *
 * registry.c
 *		The list of identifier kinds, by their SQL names.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/types.h"

/*
 * X(SQL name, in English, in Chinese).  In a macro because the indenter spoils
 * some Chinese characters in strings elsewhere.
 */
#define IDENTIFIERS(X) \
	X(bank_card, "a bank card number", "银行卡号") \
	X(email, "an e-mail address", "电子邮件地址") \
	X(iban, "an IBAN", "国际银行账号（IBAN）") \
	X(lei, "a legal entity identifier", "全球法人识别编码（LEI）") \
	X(phone, "a phone number", "电话号码") \
	X(resident_id, "a resident ID number", "居民身份证号码") \
	X(uscc, "a unified social credit code", "统一社会信用代码") \
	X(vat_id, "a VAT number", "增值税号")

#define IDENTIFIER_ENTRY(name, english, chinese) \
	{#name, english, chinese, crm_##name##_check},
#define IDENTIFIER_ONE(name, english, chinese)	+ 1

const CrmIdentifier crm_identifiers[] = {
	IDENTIFIERS(IDENTIFIER_ENTRY)
};

const int	crm_identifier_count = 0 IDENTIFIERS(IDENTIFIER_ONE);

/* Returns the kind of that SQL name, or NULL. */
const CrmIdentifier *
crm_identifier_find(const char *name)
{
	for (int i = 0; i < crm_identifier_count; i++)
	{
		if (strcmp(crm_identifiers[i].name, name) == 0)
			return &crm_identifiers[i];
	}
	return NULL;
}
