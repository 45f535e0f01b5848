/*-------------------------------------------------------------------------
 *
 * email.h
 *		What an e-mail address tells beyond its form: whose mailbox it is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_EMAIL_H
#define CRM_EMAIL_H

#include <stdbool.h>
#include <stddef.h>

/* Room for a match key and its terminator: CRM_CANONICAL_MAX + 1. */
#define CRM_EMAIL_KEY_SIZE	337

/*
 * Writes the form by which a search for duplicates compares addresses,
 * terminated, and returns its length.  "canonical" is the canonical form, as
 * crm_email_check gives it, with U-labels; what has no @ sign gives 0 and an
 * empty string.
 *
 * ASCII letters of the local part are in lower case.  Where the provider is
 * known to deliver them to one mailbox, addresses with tags, with dots, and in
 * its several domains have one key.  No more is done to those of others: a
 * server may tell anna+li from anna.
 *
 * A key is its own key.  It is not an address to write to.
 */
extern int	crm_email_match_key(const char *canonical, size_t length,
								char out[CRM_EMAIL_KEY_SIZE]);

/*
 * Is this local part, whatever its case and up to a +tag, the name of a duty
 * and not of a person: info, noreply, postmaster ...?
 */
extern bool crm_email_is_role_account(const char *local, size_t length);

#endif							/* CRM_EMAIL_H */
