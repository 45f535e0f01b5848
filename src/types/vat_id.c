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
