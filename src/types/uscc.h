/*-------------------------------------------------------------------------
 *
 * uscc.h
 *		What a unified social credit code tells: who registered which sort of
 *		organisation, and where.
 *
 * All functions take the canonical form, 18 characters, as crm_uscc_check
 * gives it; it need not be terminated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_USCC_H
#define CRM_USCC_H

/* Room for an organisation code and its terminator. */
#define CRM_ORGANISATION_CODE_SIZE	10

/* Words in both languages, UTF-8 constants; both NULL if none are assigned. */
typedef struct CrmUsccWords
{
	const char *english;
	const char *chinese;
} CrmUsccWords;

/* The registering authority, by the first character. */
extern CrmUsccWords crm_uscc_authority(const char *canonical);

/* The type of organisation, by the first two characters. */
extern CrmUsccWords crm_uscc_type(const char *canonical);

/*
 * The area code of the registering office, by the third to eighth character.
 * 100000 is the national authority; other names give crm_area_name.
 */
extern int	crm_uscc_area(const char *canonical);

/* Writes the organisation code of GB 11714, nine characters, terminated. */
extern void crm_uscc_organisation_code(const char *canonical,
									   char out[CRM_ORGANISATION_CODE_SIZE]);

#endif							/* CRM_USCC_H */
