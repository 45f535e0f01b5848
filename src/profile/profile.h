/*-------------------------------------------------------------------------
 *
 * profile.h
 *		What the files of src/profile/ share: what is gathered of a column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_PROFILE_H
#define CRM_PROFILE_H

#include "crmaudit.h"

#include "lib/hyperloglog.h"
#include "lib/stringinfo.h"

/* Values of a column are shown as a set only up to that many. */
#define PROFILE_VALUES_MAX		50
#define PROFILE_VALUE_LENGTH	60	/* bytes */

/* A value that was seen. */
typedef struct SeenValue
{
	uint64		hash;			/* 0: the slot is free */
	int64		rows;
	char	   *value;			/* kept while there are few */
	int			length;
} SeenValue;

/*
 * Counts distinct values: exactly, by their 64-bit hashes, up to a bound;
 * beyond it by HyperLogLog.
 */
typedef struct DistinctCount
{
	MemoryContext context;
	int			count;			/* slots in use */
	int			size;			/* a power of two; 0: is an estimate */
	SeenValue  *slots;
	bool		keeps_values;
	bool		has_estimate;
	hyperLogLogState estimate;
} DistinctCount;

/* How a text can be written as a date. */
typedef enum DateForm
{
	DATE_FORM_NONE,
	DATE_FORM_ISO,				/* 2024-5-31, 2024/05/31, with time or not */
	DATE_FORM_COMPACT,			/* 20240531 */
	DATE_FORM_NUMERIC,			/* 31.5.2024, 5/31/24 */
	DATE_FORM_MONTH,			/* 31-May-24, May 31, 2024 */
	DATE_FORM_CHINESE			/* with the words for year, month and day */
} DateForm;

#define DATE_FORMS	(DATE_FORM_CHINESE + 1)

/* An identifier kind that the values of a column are held against. */
typedef struct KindProbe
{
	const CrmIdentifier *kind;
	CrmOptions	options;
	int64		tried;
	int64		valid;
	int64		suspect;
	int64		chance_tried;	/* phone: numbers with random digits */
	int64		chance_valid;
	int64		grouped;		/* phone: written in groups as in that region */
	bool		given_up;
} KindProbe;

/* The longest value whose shape is taken, and the longest shape, in bytes. */
#define SHAPE_VALUE_MAX		200
#define SHAPE_MAX			64

/* Shapes of a column that are told apart; what comes later is not counted. */
#define SHAPES_MAX			1000

/* The longest value whose letters are compared from row to row. */
#define SHAPE_LETTERS_MAX	40

typedef struct ShapeCount
{
	char		shape[SHAPE_MAX];	/* key, padded with zeros */
	int64		rows;
	int			length;			/* of letters; 0: they are not compared */
	char		letters[SHAPE_LETTERS_MAX]; /* the character that stands there
											 * in all values, or 0 */
} ShapeCount;

/* Lengths in characters that are counted one by one. */
#define LENGTHS_MAX	64

/* What the sampled values of a text column gave. */
typedef struct TextProfile
{
	int64		values;			/* that are not blank */
	struct HTAB *shapes;
	KindProbe  *probes;
	int			nprobes;
	int64		forms[DATE_FORMS];
	int64		lengths[LENGTHS_MAX + 1];
	int64		codes;			/* ASCII letters, digits, - _ . / only */
	int64		with_digits;
	int64		with_separators;	/* phone: + ( ) - or a blank */
	int64		spaced;			/* several words */
	int64		han;			/* Chinese characters only */
} TextProfile;

typedef enum ProfileClass
{
	PROFILE_TEXT,
	PROFILE_DATE,
	PROFILE_INTEGER,
	PROFILE_NUMBER,
	PROFILE_BOOLEAN,
	PROFILE_OTHER
} ProfileClass;

/* From text_profile.c: what of "tried" would be valid by chance. */
static inline double
crm_probe_chance(const KindProbe *probe)
{
	return probe->chance_tried == 0 ? 0 :
		(double) probe->chance_valid / probe->chance_tried * probe->tried;
}

/* From distinct_count.c */
extern DistinctCount *crm_distinct_create(bool keeps_values);
extern void crm_distinct_add(DistinctCount *distinct, uint64 hash,
							 const char *data, int length);
extern int64 crm_distinct_result(DistinctCount *distinct);

/* From text_profile.c */
extern TextProfile *crm_text_profile_create(void);
extern void crm_text_profile_add(TextProfile *profile, const char *data,
								 int length, int chars);

/* From text_shape.c */
extern void crm_shape_add(struct HTAB *shapes, const char *data, int length);
extern struct HTAB *crm_shapes_create(void);
extern ShapeCount **crm_shapes_sorted(struct HTAB *shapes, int *count);
extern void crm_shape_regex(const ShapeCount *shape, StringInfo regex);
extern DateForm crm_date_form(const char *data, int length);

#endif							/* CRM_PROFILE_H */
