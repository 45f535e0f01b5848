/*-------------------------------------------------------------------------
 *
 * types.h
 *		The one interface of all identifier kinds: a value goes in; a verdict,
 *		a reason code, the part to blame and the canonical form come out.
 *
 * Nothing here or in the parsers depends on PostgreSQL headers, so that each
 * parser can be fuzzed and measured alone.  Input is UTF-8 of the given
 * length, not terminated.  A parser never fails, never allocates (but libidn2
 * does, for the domain of an e-mail address), and leaves its whole answer in
 * the caller's CrmValue.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_TYPES_H
#define CRM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "types/reason.h"

/*
 * The three verdicts.  Invalid is what cannot be; suspect is what deserves a
 * look: real data holds values that a published standard calls wrong.
 */
typedef enum CrmVerdict
{
	CRM_VALID,
	CRM_SUSPECT,
	CRM_INVALID
} CrmVerdict;

/* The longest canonical form of any kind, in bytes (an e-mail address). */
#define CRM_CANONICAL_MAX	336

/* What the caller asks of a parser. */
typedef struct CrmOptions
{
	char		region[3];		/* default region, ISO 3166-1 alpha-2 in upper
								 * case; empty for none */
	bool		want_canonical; /* fill CrmValue.canonical; costs a little */
	bool		ascii_domain;	/* email: canonical form with A-labels, for
								 * encodings other than UTF-8 */
	int32_t		today;			/* yyyymmdd, for "not in the future"; 0 if the
								 * caller does not know */

	/* The rest is asked for by parameters of a rule only. */
	bool		role_accounts;	/* email: info@, noreply@ ... are suspect */
	bool		national_check; /* iban: look at every country's own digits */
	bool		multiple;		/* phone: several numbers, joined by / or ; */
	bool		service_numbers;	/* phone: short numbers such as 95598 */
	bool		extension_marks;	/* phone: Chinese words for "extension" */
	char		area[8];		/* phone: area code that completes a local
								 * number, digits only; empty for none */
} CrmOptions;

/*
 * What a parser answers.  "part" is a byte range of the input; its length is
 * 0 if no part is to blame.  canonical is set (and terminated) if it was
 * asked for and either flag is, or if a parameter of a rule makes a value
 * valid that its type would not take; otherwise its length is 0.
 *
 * A value is storable if nothing but reference data, which a later edition
 * may correct, can speak against it: its type takes it.  Every valid and
 * suspect value is, unless a parameter of a rule made it so.  A value is mended if it is invalid as it stands, and
 * canonical is what was certainly meant.
 */
typedef struct CrmValue
{
	CrmVerdict	verdict;
	CrmReason	reason;			/* CRM_REASON_NONE if valid */
	int			part_start;
	int			part_length;
	bool		has_extension;	/* phone: an extension, or words after the
								 * number, are not in canonical */
	bool		is_storable;	/* with want_canonical only */
	bool		is_mended;		/* likewise */
	int32_t		birth_date;		/* yyyymmdd, resident_id only; else 0 */
	char		sex;			/* 'M' or 'F', resident_id only; else 0 */
	int			canonical_length;
	char		canonical[CRM_CANONICAL_MAX + 1];
} CrmValue;

typedef void (*CrmCheckFunc) (const char *str, size_t length,
							  const CrmOptions *options, CrmValue *value);

/* An identifier kind, as the registry in registry.c lists it. */
typedef struct CrmIdentifier
{
	const char *name;			/* SQL name: "email", "resident_id" ... */
	const char *english;		/* in words, with article: "an e-mail address" */
	const char *chinese;
	CrmCheckFunc check;
} CrmIdentifier;

extern const CrmIdentifier crm_identifiers[];
extern const int crm_identifier_count;

/* Returns the kind of that name, or NULL. */
extern const CrmIdentifier *crm_identifier_find(const char *name);

extern void crm_bank_card_check(const char *str, size_t length,
								const CrmOptions *options, CrmValue *value);
extern void crm_email_check(const char *str, size_t length,
							const CrmOptions *options, CrmValue *value);
extern void crm_iban_check(const char *str, size_t length,
						   const CrmOptions *options, CrmValue *value);
extern void crm_lei_check(const char *str, size_t length,
						  const CrmOptions *options, CrmValue *value);
extern void crm_phone_check(const char *str, size_t length,
							const CrmOptions *options, CrmValue *value);
extern void crm_resident_id_check(const char *str, size_t length,
								  const CrmOptions *options, CrmValue *value);
extern void crm_uscc_check(const char *str, size_t length,
						   const CrmOptions *options, CrmValue *value);
extern void crm_vat_id_check(const char *str, size_t length,
							 const CrmOptions *options, CrmValue *value);

/* Sets a verdict that blames a part of the value. */
static inline void
crm_value_blame(CrmValue *value, CrmVerdict verdict, CrmReason reason,
				size_t start, size_t length)
{
	value->verdict = verdict;
	value->reason = reason;
	value->part_start = (int) start;
	value->part_length = (int) length;
}

/* The state in which every parser begins: valid, nothing to blame. */
static inline void
crm_value_init(CrmValue *value)
{
	value->verdict = CRM_VALID;
	value->reason = CRM_REASON_NONE;
	value->part_start = 0;
	value->part_length = 0;
	value->birth_date = 0;
	value->sex = 0;
	value->has_extension = false;
	value->is_storable = false;
	value->is_mended = false;
	value->canonical_length = 0;
	value->canonical[0] = '\0';
}

#endif							/* CRM_TYPES_H */
