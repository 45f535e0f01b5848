/*-------------------------------------------------------------------------
 *
 * group_key.h
 *		What names a group of rows that share a value, without showing it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_GROUP_KEY_H
#define CRM_GROUP_KEY_H

#include "postgres.h"

/*
 * Digest of a value, salted with the secret of this database, in the current
 * memory context.  "what" tells kinds of values apart (phone, text ...): the
 * same phone has the same key in whatever table and rule.
 */
extern char *crm_group_key(const char *what, const char *data, int length);

#endif							/* CRM_GROUP_KEY_H */
