/*-------------------------------------------------------------------------
 *
 * phone_plan.c
 *		Numbering plans: the tables, and what walks them.
 *
 * An automaton reads a national number digit by digit; the label of the state
 * where it ends is the answer.  State 0 is the one that no digit leads out of.
 *
 *-------------------------------------------------------------------------
 */
#include "types/phone_table.h"

/* Where the group of a program has matched. */
typedef struct PhoneGroup
{
	int			start;
	int			length;
} PhoneGroup;

/* Returns the region of that ISO code in upper case, or NULL. */
const PhoneRegion *
crm_phone_find_region(const char *region)
{
	unsigned	first = (unsigned) (region[0] - 'A');
	unsigned	second = (unsigned) (region[1] - 'A');
	int			index;

	if (region[0] == '\0' || first > 25 || second > 25)
		return NULL;
	index = crm_phone_region_index[first * 26 + second];
	return index == 0 ? NULL : &crm_phone_regions[index - 1];
}

/* Returns the entry of a calling code, or NULL. */
const PhoneCode *
crm_phone_code_of(int calling_code)
{
	int			index = crm_phone_code_index[calling_code];

	return index == 0 ? NULL : &crm_phone_codes[index - 1];
}

/*
 * Returns the calling code that the digits begin with, and sets *ncode to the
 * number of its digits; NULL if there is none.  No code is the beginning of
 * another.
 */
const PhoneCode *
crm_phone_find_code(const char *digits, int length, int *ncode)
{
	int			code = 0;

	for (int n = 1; n <= 3 && n <= length; n++)
	{
		code = code * 10 + (digits[n - 1] - '0');
		if (code == 0)
			return NULL;
		if (crm_phone_code_index[code] != 0)
		{
			*ncode = n;
			return &crm_phone_codes[crm_phone_code_index[code] - 1];
		}
	}
	return NULL;
}

/*
 * Lets the automaton that begins at "state" read the digits, and returns the
 * label where it ends.
 */
uint16_t
crm_phone_walk(uint16_t state, const char *digits, int length)
{
	for (int i = 0; i < length && state != 0; i++)
		state = crm_phone_states[state][digits[i] - '0'];
	return crm_phone_labels[state];
}

/*
 * Says of a number that is in no plan why.  Returns 0 if it is the beginning
 * of one that is, or one that is with digits after it; else how many digits
 * the shortest part has that no number begins with.
 */
int
crm_phone_unknown_digits(const PhoneCode *code, const char *digits, int length)
{
	uint16_t	state = code->plan;

	for (int i = 0; i < length; i++)
	{
		uint16_t	next = crm_phone_states[state][digits[i] - '0'];

		if (next == 0)
			return crm_phone_labels[state] != 0 ? 0 : i + 1;
		state = next;
	}
	return 0;
}

/*
 * Runs a program on the digits from "at" on.  Returns where the match ends, or
 * -1.  Alternatives are tried in order and options taken first, as regular
 * expressions do; a program has no loop, so this ends.
 */
static int
run_program(const uint16_t *word, const char *digits, int length, int at,
			PhoneGroup *group)
{
	for (;;)
	{
		uint16_t	w = *word++;

		if (w < PHONE_SPLIT)
		{
			if (at == length || !(w >> (digits[at] - '0') & 1))
				return -1;
			at++;
		}
		else if (w < PHONE_JUMP)
		{
			PhoneGroup	before = *group;
			int			end = run_program(word, digits, length, at, group);

			if (end >= 0)
				return end;
			*group = before;
			word += w & 0x3FFF;
		}
		else if (w < PHONE_OPEN)
			word += w & 0x3FFF;
		else if (w == PHONE_OPEN)
			group->start = at;
		else if (w == PHONE_CLOSE)
			group->length = at - group->start;
		else if (w == PHONE_END)
		{
			if (at < length)
				return -1;
		}
		else
			return at;
	}
}

/* Is the pair of digits that the number begins with in the set? */
static inline bool
begins_in(const uint8_t *starts, const char *digits, int length)
{
	int			pair;

	if (length < 2)
		return false;
	pair = (digits[0] - '0') * 10 + (digits[1] - '0');
	return starts[pair >> 3] >> (pair & 7) & 1;
}

/*
 * Returns how many digits of international prefix the number begins with; 0
 * if none, or if a 0 follows, with which no calling code begins.
 */
int
crm_phone_strip_idd(const PhoneRegion *region, const char *digits, int length)
{
	PhoneGroup	group = {0, 0};
	int			end;

	if (!begins_in(region->idd_starts, digits, length))
		return 0;
	end = run_program(crm_phone_programs + region->idd, digits, length, 0,
					  &group);
	if (end <= 0 || (end < length && digits[end] == '0'))
		return 0;
	return end;
}

/* Do the digits look like a national number of the region? */
static bool
is_general(const PhoneRegion *region, const char *digits, int length)
{
	return crm_phone_walk(region->general, digits, length) != 0;
}

/*
 * Sets *span to the number without the prefix of national notation, or with
 * what replaces it; to the number itself if it has no prefix, or if only with
 * it the number is like one of the region.
 */
void
crm_phone_strip_prefix(const PhoneRegion *region, const char *digits,
					   int length, PhoneSpan *span)
{
	PhoneGroup	group = {0, 0};
	const char *rest;
	int			nrest;
	int			end;

	span->digits = digits;
	span->length = length;
	if (!begins_in(region->prefix_starts, digits, length))
		return;
	end = run_program(crm_phone_programs + region->prefix, digits, length, 0,
					  &group);
	if (end <= 0)
		return;
	rest = digits + end;
	nrest = length - end;
	if (region->group != 0 && group.length > 0)
	{
		int			ninsert = (int) strlen(region->insert);

		/* longer than any number: whatever is put before it does not matter */
		if (ninsert + group.length + nrest > PHONE_NATIONAL_ROOM)
			return;
		memcpy(span->buffer, region->insert, (size_t) ninsert);
		memcpy(span->buffer + ninsert, digits + group.start,
			   (size_t) group.length);
		memcpy(span->buffer + ninsert + group.length, rest, (size_t) nrest);
		rest = span->buffer;
		nrest += ninsert + group.length;
	}
	if (is_general(region, digits, length) && !is_general(region, rest, nrest))
		return;
	span->digits = rest;
	span->length = nrest;
}
