/*-------------------------------------------------------------------------
 *
 * area.c
 *		Looking up administrative division codes and nationalities.
 *
 *-------------------------------------------------------------------------
 */
#include <stdint.h>
#include <string.h>

#include "types/area.h"
#include "types/area_table.h"
#include "types/nationality_table.h"

#define NATIONALITIES \
	((int) (sizeof(nationality_codes) / sizeof(nationality_codes[0])))

/*
 * Residence permits use 810000, 820000 and 830000, Taiwan compatriots'
 * numbers 710000; no counties are told apart.
 */
static bool
area_is_permit(int area)
{
	return area == 710000 || area == 810000 || area == 820000 ||
		area == 830000;
}

/* Contract in area.h.  A prefecture has some ten codes: a scan is enough. */
int
crm_area_last_year(int area)
{
	int			prefix = area / 100;
	const uint8_t *counties;
	const uint8_t *found;
	int			year;

	if (prefix < CRM_AREA_FIRST || prefix > CRM_AREA_LAST)
		return area_is_permit(area) ? CRM_AREA_IN_FORCE : CRM_AREA_NONE;
	prefix -= CRM_AREA_FIRST;
	counties = area_counties + area_start[prefix];
	found = memchr(counties, area % 100,
				   (size_t) (area_start[prefix + 1] - area_start[prefix]));
	if (found == NULL)
		return CRM_AREA_NONE;
	year = area_last_years[found - area_counties];
	return year == 0 ? CRM_AREA_IN_FORCE : CRM_AREA_YEAR_BASE + year;
}

/* Contract in area.h; 81 to 83 are Hong Kong, Macao, Taiwan on permits. */
bool
crm_province_is_known(int province)
{
	static const bool known[100] = {
		[11] = true,[12] = true,[13] = true,[14] = true,[15] = true,
		[21] = true,[22] = true,[23] = true,
		[31] = true,[32] = true,[33] = true,[34] = true,[35] = true,
		[36] = true,[37] = true,
		[41] = true,[42] = true,[43] = true,[44] = true,[45] = true,
		[46] = true,
		[50] = true,[51] = true,[52] = true,[53] = true,[54] = true,
		[61] = true,[62] = true,[63] = true,[64] = true,[65] = true,
		[71] = true,[81] = true,[82] = true,[83] = true
	};

	return province >= 0 && province < 100 && known[province];
}

/* Contract in area.h. */
bool
crm_nationality_is_known(int nationality)
{
	int			low = 0;
	int			high = NATIONALITIES - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (nationality == nationality_codes[middle])
			return true;
		if (nationality < nationality_codes[middle])
			high = middle - 1;
		else
			low = middle + 1;
	}
	return false;
}
