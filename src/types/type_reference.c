/*-------------------------------------------------------------------------
 *
 * type_reference.c
 *		crmaudit.reference_version: which editions of reference data the
 *		library holds.
 *
 * The editions stand in the headers of the generated tables too; "make lint"
 * compares the two.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <idn2.h>

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "compat.h"
#include "types/phone.h"

/* A table, or a library that judges values. */
typedef struct Reference
{
	const char *name;
	const char *header;			/* of the table; NULL for a library */
	const char *version;		/* NULL: known when the library is loaded */
	const char *source;
	const char *licence;
} Reference;

static const Reference references[] = {
	{"administrative divisions of China (GB/T 2260)", "area_table.h",
	"November 2025", "areacodes.csv of yescallop/areacodes", "CC0 1.0"},
	{"bank card prefixes", "card_table.h",
	"2.0.6", "facts in npm bankcardinfo", ""},
	{"countries (ISO 3166-1)", "nationality_table.h",
	"4.15", "facts in Debian iso-codes", ""},
	{"IBAN structures (ISO 13616-2)", "iban_table.h",
	"4.5.4", "facts in npm ibantools", ""},
	{"internationalised domain names (IDNA 2008)", NULL,
	NULL, "GNU libidn2", "LGPL-3.0+ or GPL-2.0+"},
	{"phone numbering plans", "phone_table.h",
	crm_phone_metadata_version, "PhoneNumberMetadata.xml of google/libphonenumber", "Apache-2.0"},
	{"Unicode normalisation", "unicode_table.h",
	"14.0.0", "Unicode Character Database", "Unicode"}
};

PG_FUNCTION_INFO_V1(crmaudit_reference_versions);

/* crmaudit.reference_versions(): reference, version, source, licence. */
Datum
crmaudit_reference_versions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(references); i++)
	{
		const Reference *reference = &references[i];
		Datum		values[4];
		bool		nulls[4] = {false};

		values[0] = CStringGetTextDatum(reference->name);
		values[1] = CStringGetTextDatum(reference->version ?
										reference->version :
										idn2_check_version(NULL));
		values[2] = CStringGetTextDatum(reference->source);
		values[3] = CStringGetTextDatum(reference->licence);
		nulls[3] = reference->licence[0] == '\0';
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
