/*-------------------------------------------------------------------------
 *
 * image.h
 *		Images of rows, as the ledger stores them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_IMAGE_H
#define CRM_IMAGE_H

#include "executor/tuptable.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "json_object.h"

/* How a column becomes a json value. */
typedef enum ImageKind
{
	IMAGE_BOOL,
	IMAGE_INT2,
	IMAGE_INT4,
	IMAGE_INT8,
	IMAGE_OID,					/* also regclass and its like */
	IMAGE_NUMERIC,
	IMAGE_FLOAT4,
	IMAGE_FLOAT8,
	IMAGE_TEXT,
	IMAGE_NAME,
	IMAGE_DATETIME,
	IMAGE_BYTEA,
	IMAGE_JSONB,
	IMAGE_OUTPUT				/* the type's output function */
} ImageKind;

typedef struct ImageColumn
{
	char	   *name;
	int			name_size;
	AttrNumber	attnum;
	Oid			typid;			/* below domains */
	int16		typlen;
	bool		typbyval;
	ImageKind	kind;
	bool		is_personal;
	FmgrInfo	output;
} ImageColumn;

/* What of a relation's rows is recorded. */
typedef struct RowImage
{
	int			ncolumns;
	ImageColumn *columns;		/* in jsonb's order */
	AttrNumber	max_attnum;
	bool		has_personal;
	JsonbValue *values;			/* scratch, as long as columns */
} RowImage;

/*
 * Looks up a relation's columns, in the current memory context, but for those
 * excluded.
 */
extern void crm_image_compile(RowImage *image, Relation rel, char **exclude,
							  int nexclude, char **personal, int npersonal);

/*
 * The image of the row in "slot", deformed far enough: its columns that are
 * not NULL.  Only those marked, if "marked" is not NULL.  "personal" tells
 * whether a personal column is in it.  In the current memory context.
 */
extern Jsonb *crm_image_make(RowImage *image, TupleTableSlot *slot,
							 const bool *marked, bool *personal);

/*
 * Marks the columns whose stored values differ; false if there is none.
 */
extern bool crm_image_compare(const RowImage *image, TupleTableSlot *old,
							  TupleTableSlot *new, bool *marked);

/* The json value of one column. */
extern void crm_image_value(ImageColumn *column, Datum datum,
							JsonbValue *value);

#endif							/* CRM_IMAGE_H */
