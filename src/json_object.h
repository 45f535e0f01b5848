/*-------------------------------------------------------------------------
 *
 * json_object.h
 *		Builds a jsonb object from fields whose order is known beforehand, and
 *		its values independently of the session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_JSON_OBJECT_H
#define CRM_JSON_OBJECT_H

#include "postgres.h"

#include "utils/jsonb.h"

typedef struct JsonField
{
	const char *name;
	int			name_size;
	const JsonbValue *value;	/* null, string, number, boolean or binary */
} JsonField;

/*
 * Returns the object, in the current memory context.  Names must be unique
 * and in jsonb's order.
 */
extern Jsonb *crm_json_object(const JsonField *fields, int count);

/* Jsonb's order of names: by length, then by bytes. */
extern int	crm_json_name_order(const char *a, int a_size,
								const char *b, int b_size);

/* Text of a json scalar, in the current memory context; NULL for null. */
extern char *crm_json_scalar_text(const JsonbValue *value);

#endif							/* CRM_JSON_OBJECT_H */
