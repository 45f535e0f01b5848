/*-------------------------------------------------------------------------
 *
 * eight_bytes.h
 *		Eight characters at a time, in one 64-bit integer.
 *
 * The parsers are called for every row that is written, and most values are
 * plain digits: these few functions are what makes them fast.  The first
 * character is the lowest byte, whatever the machine's byte order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_EIGHT_BYTES_H
#define CRM_EIGHT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The byte c, eight times. */
#define CRM_EIGHT(c)		(UINT64_C(0x0101010101010101) * (c))

/* Is c an ASCII digit? */
static inline bool
crm_is_digit(char c)
{
	return (unsigned) (c - '0') <= 9;
}

/* Loads the eight bytes at str. */
static inline uint64_t
crm_load_eight(const char *str)
{
	uint64_t	bytes;

	memcpy(&bytes, str, sizeof(bytes));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	bytes = __builtin_bswap64(bytes);
#endif
	return bytes;
}

/*
 * Returns the top bit of each byte that is at least c.  Of bytes below 0x80
 * only; c is so too.
 */
static inline uint64_t
crm_eight_at_least(uint64_t bytes, unsigned char c)
{
	return (bytes + CRM_EIGHT(0x80u - c)) & CRM_EIGHT(0x80);
}

/* Are all eight digits or upper-case letters? */
static inline bool
crm_eight_are_plain(uint64_t bytes)
{
	uint64_t	low = bytes & CRM_EIGHT(0x7F);
	uint64_t	digits;
	uint64_t	letters;

	digits = crm_eight_at_least(low, '0') & ~crm_eight_at_least(low, '9' + 1);
	letters = crm_eight_at_least(low, 'A') & ~crm_eight_at_least(low, 'Z' + 1);
	return ((digits | letters) & ~bytes) == CRM_EIGHT(0x80);
}

/* Are all eight digits? */
static inline bool
crm_eight_are_digits(uint64_t bytes)
{
	/* adding 6 to what is above '9' changes the high half of the byte */
	return ((bytes & CRM_EIGHT(0xF0)) == CRM_EIGHT('0')) &
		(((bytes + CRM_EIGHT(6)) & CRM_EIGHT(0xF0)) == CRM_EIGHT('0'));
}

/* Are all characters digits?  There are eight or more. */
static inline bool
crm_are_digits(const char *str, int length)
{
	bool		ok = crm_eight_are_digits(crm_load_eight(str + length - 8));

	for (int i = 0; i + 8 < length; i += 8)
		ok &= crm_eight_are_digits(crm_load_eight(str + i));
	return ok;
}

/*
 * Returns the number that eight digits (0 to 9, not characters) spell in this
 * base, of 10 at most.  Neighbours are joined three times: to four numbers of
 * two digits, to two of four, to one.
 */
static inline uint32_t
crm_eight_number(uint64_t digits, uint32_t base)
{
	uint64_t	factor = base;

	digits = digits * (1 + (factor << 8)) >> 8 &
		UINT64_C(0x00FF00FF00FF00FF);
	factor *= factor;
	digits = digits * (1 + (factor << 16)) >> 16 &
		UINT64_C(0x0000FFFF0000FFFF);
	factor *= factor;
	return (uint32_t) (digits * (1 + (factor << 32)) >> 32);
}

/* Are all digits or upper-case letters?  There are eight or more. */
static inline bool
crm_are_plain(const char *str, size_t length)
{
	bool		ok = crm_eight_are_plain(crm_load_eight(str + length - 8));

	for (size_t i = 0; i + 8 < length; i += 8)
		ok &= crm_eight_are_plain(crm_load_eight(str + i));
	return ok;
}

#endif							/* CRM_EIGHT_BYTES_H */
