/*-------------------------------------------------------------------------
 *
 * type_number.c
 *		The identifier types that are a number of 64 bits, passed by value:
 *		between the number and its canonical form.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "types/resident_id.h"
#include "types/type_sql.h"

#define RESIDENT_ID_LENGTH	18
#define CARD_LENGTH_MIN		12
#define CARD_LENGTH_MAX		19

/* Reads digits that are known to be digits and to fit. */
static uint64
read_digits(const char *digits, int length)
{
	uint64		number = 0;

	for (int i = 0; i < length; i++)
		number = number * 10 + (uint64) (digits[i] - '0');
	return number;
}

/* Writes the number with zeros before it, terminated. */
static void
write_digits(uint64 number, char *text, int length)
{
	text[length] = '\0';
	while (length > 0)
	{
		text[--length] = (char) ('0' + number % 10);
		number /= 10;
	}
}

/* The form is "+" and digits, the first of which is not 0. */
int64
crm_phone_pack(const char *canonical, int length)
{
	return (int64) read_digits(canonical + 1, length - 1);
}

int
crm_phone_unpack(int64 number, char *text)
{
	text[0] = '+';
	return 1 + pg_lltoa(number, text + 1);
}

int64
crm_resident_id_pack(const char *canonical, int length)
{
	return crm_resident_id_number(canonical);
}

int
crm_resident_id_unpack(int64 number, char *text)
{
	crm_resident_id_text(number, text);
	return RESIDENT_ID_LENGTH;
}

/*
 * How many card numbers are shorter than "length" digits.  All of them
 * together are less than 2^64, so that a rank fits; it is shifted, since the
 * number is compared as a signed one.
 */
static uint64
shorter_cards(int length)
{
	uint64		count = 0;
	uint64		power = UINT64CONST(1000000000000);

	for (int i = CARD_LENGTH_MIN; i < length; i++)
	{
		count += power;
		power *= 10;
	}
	return count;
}

int64
crm_bank_card_pack(const char *canonical, int length)
{
	uint64		rank = shorter_cards(length) + read_digits(canonical, length);

	return (int64) (rank ^ (UINT64CONST(1) << 63));
}

int
crm_bank_card_unpack(int64 number, char *text)
{
	uint64		rank = (uint64) number ^ (UINT64CONST(1) << 63);
	int			length = CARD_LENGTH_MAX;

	while (rank < shorter_cards(length))
		length--;
	write_digits(rank - shorter_cards(length), text, length);
	return length;
}
