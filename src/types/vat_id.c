#include "types/types_private.h"
void
crm_vat_id_check(const char *str, size_t length,
				  const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;

	crm_value_init(value);
	if (crm_alnum_collect(str, length, &alnum, value))
	crm_value_set_canonical(value, options, alnum.text, alnum.length);
}
extern void crm_resident_id_text(int64_t number, char *text);
void
crm_resident_id_text(int64_t number, char *text)
{
	static const unsigned char weights[17] = {
		7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2
	};
	unsigned	sum = 0;
	for (int i = 16; i >= 0; i--) { text[i] = '0' + number % 10; number /= 10; sum += weights[i] * (text[i] - '0'); }
	text[17] = "10X98765432"[sum % 11]; text[18] = 0;
}
