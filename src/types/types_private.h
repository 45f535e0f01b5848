/*-------------------------------------------------------------------------
 *
 * types_private.h
 *		What the identifier parsers share among themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_TYPES_PRIVATE_H
#define CRM_TYPES_PRIVATE_H

#include <string.h>

#include "types/eight_bytes.h"
#include "types/types.h"

/*
 * No identifier, however dressed up, is longer than this.  The bound keeps
 * the refusal of a huge input cheap.
 */
#define CRM_INPUT_MAX		1024

/* Room for the longest alphanumeric identifier, an IBAN of 34 characters. */
#define CRM_ALNUM_MAX		40

/* What crm_alnum_collect_style takes beside letters, digits and separators. */
typedef enum AlnumStyle
{
	ALNUM_ORDINARY,				/* nothing */
	ALNUM_VAT					/* dots and slashes as separators; + and *,
								 * which are characters of Irish numbers */
} AlnumStyle;

/*
 * An alphanumeric identifier without its dress: half-width, upper-case, no
 * separators.  is_plain says that the input was so already, hence positions
 * are the same in both.
 */
typedef struct AlnumText
{
	const char *text;			/* not terminated: the input itself if there
								 * was nothing to change, else "changed" */
	char		changed[CRM_ALNUM_MAX];
	int			length;
	bool		is_plain;
	AlnumStyle	style;
} AlnumText;

/* functions from fold.c */
extern bool crm_alnum_collect_style(const char *str, size_t length,
									AlnumStyle style, AlnumText *alnum,
									CrmValue *value);
extern void crm_alnum_blame(const char *str, size_t length,
							const AlnumText *alnum, CrmValue *value,
							CrmVerdict verdict, CrmReason reason,
							int index, int count);
extern int	crm_utf8_decode(const char *str, size_t length, uint32_t *c);
extern int	crm_utf8_encode(uint32_t c, char *out);
extern uint32_t crm_full_width_fold(uint32_t c);
extern bool crm_is_blank(uint32_t c);
extern void crm_trim(const char *str, size_t length,
					 size_t *start, size_t *end);

/* functions from checksum.c */
extern int	crm_mod97(const char *text, int length, int remainder);
extern bool crm_check_digits_ok(const char *digits);
extern int	crm_weighted_sum(const char *digits, const int16_t *weights,
							 int count);
extern int	crm_luhn_sum(const char *digits, int length);
extern bool crm_mod11_10_ok(const char *digits, int length);

/* functions from calendar.c */
extern bool crm_date_exists(int year, int month, int day);

/* functions from nfc.c */
extern int	crm_nfc_normalise(const char *str, size_t length,
							  char *out, size_t out_size);
extern bool crm_unicode_is_mark(uint32_t c);
extern bool crm_unicode_is_invisible(uint32_t c);

/*
 * Copies the canonical form of a storable value, if it was asked for, and
 * terminates it.
 */
static inline void
crm_value_set_canonical(CrmValue *value, const CrmOptions *options,
						const char *text, int length)
{
	if (!options->want_canonical)
		return;
	memcpy(value->canonical, text, (size_t) length);
	value->canonical[length] = '\0';
	value->canonical_length = length;
	value->is_storable = true;
}

/* Returns the number that these digits spell. */
static inline int
crm_digits_number(const char *digits, int count)
{
	int			number = 0;

	for (int i = 0; i < count; i++)
		number = number * 10 + (digits[i] - '0');
	return number;
}

/*
 * Collects the letters and digits of the input, upper-case and half-width,
 * and drops blanks and dashes.  Returns false, with the blame set, if there
 * is any other character, more than CRM_ALNUM_MAX of them, or none.
 */
static inline bool
crm_alnum_collect(const char *str, size_t length,
				  AlnumText *alnum, CrmValue *value)
{
	if (length < sizeof(uint64_t) || length > CRM_ALNUM_MAX ||
		!crm_are_plain(str, length))
		return crm_alnum_collect_style(str, length, ALNUM_ORDINARY,
									   alnum, value);
	alnum->style = ALNUM_ORDINARY;
	alnum->text = str;
	alnum->length = (int) length;
	alnum->is_plain = true;
	return true;
}

#endif							/* CRM_TYPES_PRIVATE_H */
