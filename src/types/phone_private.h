/*-------------------------------------------------------------------------
 *
 * phone_private.h
 *		What the files about phone numbers share among themselves.
 *
 * phone_text.c reads what was typed into digits (with phone_symbols.c and
 * phone_extension.c), phone_parse.c finds calling
 * code and national number, phone_plan.c walks the tables, phone_practice.c
 * has what Chinese usage adds, phone.c gives the verdict.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_PHONE_PRIVATE_H
#define CRM_PHONE_PRIVATE_H

#include "types/phone.h"
#include "types/types_private.h"

/* libphonenumber's bounds: of the input, in UTF-16 units, and of a national
 * number, in digits. */
#define PHONE_INPUT_MAX		250
#define PHONE_NATIONAL_MIN	2
#define PHONE_NATIONAL_MAX	17

/* Room for a national number with a few digits put before it. */
#define PHONE_NATIONAL_ROOM	24

/*
 * How a region writes its numbers.  Bit n of the lengths says that a national
 * number can have n digits, or a local one, dialled within its area only.
 * "general" is the state at which the automaton of everything that looks like
 * a number of the region begins.  "idd" and "prefix" are programs that match
 * the prefix of an international call and that of national notation; where a
 * "group" of the latter has matched, "insert" and what it has matched replace
 * the prefix.  The starts have a bit for each pair of digits with which a
 * prefix can begin.
 */
typedef struct PhoneRegion
{
	char		id[4];
	uint16_t	calling_code;
	uint32_t	lengths;
	uint32_t	local_lengths;
	uint16_t	general;
	uint16_t	idd;
	uint16_t	prefix;
	uint8_t		group;
	char		insert[5];
	uint8_t		idd_starts[13];
	uint8_t		prefix_starts[13];
} PhoneRegion;

/*
 * A calling code.  "plan" and "format" are states at which automata begin.
 * Where the first ends on a national number, the label is 0 or region (counted
 * from 1) * 16 + CrmPhoneType; that of the second is an index of
 * crm_phone_format_pairs.  mobile[d] has the lengths of mobile numbers that
 * begin with d.
 */
typedef struct PhoneCode
{
	uint16_t	code;
	uint8_t		main_region;
	uint8_t		nregions;
	uint16_t	plan;
	uint16_t	format;
	uint32_t	lengths;
	uint32_t	local_lengths;
	uint32_t	mobile[10];
} PhoneCode;

/* A format: where its template begins, and how many digits $1, $2 ... get. */
typedef struct PhoneFormat
{
	uint16_t	template;
	uint8_t		groups[5];
} PhoneFormat;

typedef struct PhoneFormatPair
{
	uint16_t	national;
	uint16_t	international;
} PhoneFormatPair;

/* Words of a program; anything less is a mask of digits. */
#define PHONE_SPLIT			0x4000	/* try what follows, else skip n words */
#define PHONE_JUMP			0x8000	/* skip n words */
#define PHONE_OPEN			0xC001	/* the group begins here */
#define PHONE_CLOSE			0xC002	/* ... and ends here */
#define PHONE_END			0xC003	/* no digits may be left */
#define PHONE_MATCH			0xC004

/*
 * Symbols that stand for characters beyond ASCII in phone_text.c and
 * phone_extension.c: of the words for "extension" in full width, in Spanish
 * and in Russian, and punctuation.
 */
#define PHONE_SYM_OTHER			0x80
#define PHONE_SYM_PUNCTUATION	0x81	/* may stand between digits */
#define PHONE_SYM_STOP			0x90	/* may not, but is no word either */
#define PHONE_SYM_NO_BREAK		0x82
#define PHONE_SYM_NO_BREAK_STR	"\x82"
#define PHONE_SYM_FULL_STOP		0x83
#define PHONE_SYM_WIDE_TILDE	0x84
#define PHONE_SYM_WIDE_HASH		0x85
#define PHONE_SYM_WIDE_E		0x86
#define PHONE_SYM_WIDE_X		0x87
#define PHONE_SYM_WIDE_T		0x88
#define PHONE_SYM_WIDE_N		0x89
#define PHONE_SYM_WIDE_I		0x8A
#define PHONE_SYM_ACUTE			0x8B
#define PHONE_SYM_O_ACUTE		0x8C
#define PHONE_SYM_DE			0x8D
#define PHONE_SYM_O				0x8E
#define PHONE_SYM_BE			0x8F

extern const PhoneRegion crm_phone_regions[];
extern const PhoneCode crm_phone_codes[];
extern const uint8_t crm_phone_code_index[1000];
extern const uint8_t crm_phone_region_index[26 * 26];
extern const uint16_t crm_phone_programs[];
extern const char crm_phone_templates[];
extern const PhoneFormat crm_phone_formats[];
extern const PhoneFormatPair crm_phone_format_pairs[];
extern const uint16_t crm_phone_labels[];
extern const uint16_t crm_phone_states[][10];

/*
 * What was typed: the digits of the number, without its extension.  A letter
 * among them that stands for none is passed over; "letter" is the byte of the
 * first one, or -1.  "start" is the byte at which the reading began.  positions[i] is the byte of digit i;
 * it is not set where is_plain says that counting the ASCII digits from
 * "start" gives the same.
 */
typedef struct PhoneText
{
	const char *str;
	size_t		length;
	size_t		start;
	bool		has_plus;
	bool		has_extension;
	bool		is_plain;
	int			letter;
	int			ndigits;
	char		digits[PHONE_INPUT_MAX + 2];
	uint16_t	positions[PHONE_INPUT_MAX + 2];
} PhoneText;

/* The characters of the input, or of a part of it. */
typedef struct PhoneSymbols
{
	int			n;
	unsigned char symbol[PHONE_INPUT_MAX + 2];
	uint16_t	at[PHONE_INPUT_MAX + 2];	/* byte where the symbol stands */
} PhoneSymbols;

/*
 * A number in its parts.  "from" is the digit of the text at which the
 * national number begins, or -1 if digits were put before it.  It is settled
 * if reading its E.164 form is known to change nothing.
 */
typedef struct PhoneNumber
{
	const PhoneCode *code;
	bool		is_settled;
	int			from;
	int			length;			/* of the national number */
	char		national[PHONE_NATIONAL_ROOM];
} PhoneNumber;

/* Part of a string of digits; or other digits, kept in its own buffer. */
typedef struct PhoneSpan
{
	const char *digits;
	int			length;
	char		buffer[PHONE_NATIONAL_ROOM];
} PhoneSpan;

/* functions from phone_text.c */
extern bool crm_phone_read(const char *str, size_t length,
						   const CrmOptions *options, PhoneText *text,
						   CrmValue *value);
extern void crm_phone_blame(const PhoneText *text, CrmValue *value,
							CrmVerdict verdict, CrmReason reason,
							int first, int last);

/* functions from phone_symbols.c */
extern bool crm_symbol_is_punctuation(unsigned char symbol);
extern bool crm_symbols_make(const char *str, size_t length,
							 PhoneSymbols *symbols);
extern int	crm_symbols_find(const PhoneSymbols *symbols, int from,
							 const char *word);
extern bool crm_symbols_apply_context(PhoneSymbols *symbols, int at);
extern bool crm_symbols_extract(PhoneSymbols *symbols);

/* Is the symbol a letter of ASCII? */
static inline bool
crm_symbol_is_letter(unsigned char symbol)
{
	return (unsigned) ((symbol | 0x20) - 'a') < 26;
}

/* functions from phone_extension.c */
extern bool crm_phone_extension_at(const unsigned char *symbols, int n, int at);
extern size_t crm_phone_mark_at(const char *str, size_t length);

/* functions from phone_parse.c */
extern bool crm_phone_parse(const PhoneText *text, const PhoneRegion *region,
							PhoneNumber *number, CrmValue *value);
extern bool crm_phone_settle(PhoneNumber *number);

/* functions from phone_plan.c */
extern const PhoneRegion *crm_phone_find_region(const char *region);
extern const PhoneCode *crm_phone_find_code(const char *digits, int length,
											int *ncode);
extern const PhoneCode *crm_phone_code_of(int calling_code);
extern uint16_t crm_phone_walk(uint16_t state, const char *digits, int length);
extern int	crm_phone_unknown_digits(const PhoneCode *code, const char *digits,
									 int length);
extern int	crm_phone_strip_idd(const PhoneRegion *region, const char *digits,
								int length);
extern void crm_phone_strip_prefix(const PhoneRegion *region,
								   const char *digits, int length,
								   PhoneSpan *span);

/* functions from phone_practice.c */
extern bool crm_phone_is_service(const PhoneNumber *number);
extern bool crm_phone_is_local(const PhoneNumber *number);
extern bool crm_phone_complete(PhoneNumber *number, const char *area);
extern void crm_phone_check_one(const char *str, size_t length,
								const CrmOptions *options, CrmValue *value);
extern void crm_phone_check_several(const char *str, size_t length,
									const CrmOptions *options,
									CrmValue *value);

#endif							/* CRM_PHONE_PRIVATE_H */
