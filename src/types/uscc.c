/*-------------------------------------------------------------------------
 *
 * uscc.c
 *		Unified social credit codes of Chinese organisations, GB 32100-2015.
 *
 * Eighteen characters: registering authority (1), type of organisation (1),
 * area code (6), organisation code of GB 11714 (9, the last its own check
 * character), check character modulo 31.  The letters I, O, S, V and Z are
 * not used.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "types/area.h"
#include "types/types_private.h"
#include "types/uscc.h"

#define USCC_LENGTH			18
#define AREA_AT				2
#define AREA_LENGTH			6
#define ORGANISATION_AT		8
#define ORGANISATION_CHECK_AT	16
#define CHECK_AT			17

/* The area code of registrations with the national authority. */
#define AREA_NATIONAL		100000

/* A registering authority and the types of organisation it registers. */
typedef struct Authority
{
	char		code;
	CrmUsccWords words;
	struct
	{
		char		code;		/* 0 after the last */
		CrmUsccWords words;
	}			types[7];
} Authority;

/*
 * GB 32100-2015 with its first amendment of 2016.  In a macro, for the
 * indenter spoils some Chinese characters in strings elsewhere.
 */
#define OTHER	{'9', {"other", "其他"}}
#define AUTHORITIES \
	{'1', {"public body establishment", "机构编制"}, { \
		{'1', {"state organ", "机关"}}, \
		{'2', {"public institution", "事业单位"}}, \
		{'3', {"mass organisation whose establishment the central authority sets", "中央编办直接管理机构编制的群众团体"}}, \
		OTHER}}, \
	{'2', {"foreign affairs", "外交"}, { \
		{'1', {"resident office of foreign news media", "外国常驻新闻机构"}}, \
		OTHER}}, \
	{'3', {"judicial administration", "司法行政"}, { \
		{'1', {"law firm", "律师执业机构"}}, \
		{'2', {"notary office", "公证处"}}, \
		{'3', {"grassroots legal service office", "基层法律服务所"}}, \
		{'4', {"forensic institution", "司法鉴定机构"}}, \
		{'5', {"arbitration commission", "仲裁委员会"}}, \
		OTHER}}, \
	{'4', {"culture", "文化"}, { \
		{'1', {"foreign cultural centre in China", "外国在华文化中心"}}, \
		OTHER}}, \
	{'5', {"civil affairs", "民政"}, { \
		{'1', {"social association", "社会团体"}}, \
		{'2', {"private non-enterprise unit", "民办非企业单位"}}, \
		{'3', {"foundation", "基金会"}}, \
		OTHER}}, \
	{'6', {"tourism", "旅游"}, { \
		{'1', {"resident office of a foreign tourism authority", "外国旅游部门常驻代表机构"}}, \
		{'2', {"resident office of a tourism authority of Hong Kong, Macao or Taiwan", "港澳台地区旅游部门常驻内地（大陆）代表机构"}}, \
		OTHER}}, \
	{'7', {"religion", "宗教"}, { \
		{'1', {"place of religious activity", "宗教活动场所"}}, \
		{'2', {"religious school", "宗教院校"}}, \
		OTHER}}, \
	{'8', {"trade unions", "工会"}, { \
		{'1', {"grassroots trade union", "基层工会"}}, \
		OTHER}}, \
	{'9', {"market supervision", "市场监督管理（工商）"}, { \
		{'1', {"enterprise", "企业"}}, \
		{'2', {"individual business", "个体工商户"}}, \
		{'3', {"farmers' cooperative", "农民专业合作社"}}}}, \
	{'A', {"reform and establishment office of the Central Military Commission", "中央军委改革和编制办公室"}, { \
		{'1', {"military public institution", "军队事业单位"}}, \
		OTHER}}, \
	{'N', {"agriculture", "农业"}, { \
		{'1', {"collective economic organisation of a group", "组级集体经济组织"}}, \
		{'2', {"collective economic organisation of a village", "村级集体经济组织"}}, \
		{'3', {"collective economic organisation of a township", "乡镇级集体经济组织"}}, \
		OTHER}}, \
	{'Y', {"other", "其他"}, { \
		{'1', {"other", "其他"}}}}

static const Authority authorities[] = {AUTHORITIES};

#define NAUTHORITIES	((int) (sizeof(authorities) / sizeof(authorities[0])))

/*
 * The value of a character in GB 32100's alphabet plus one, 0 for what is not
 * in it.
 */
static const unsigned char alphabet_value[128] = {
	['0'] = 1,['1'] = 2,['2'] = 3,['3'] = 4,['4'] = 5,
	['5'] = 6,['6'] = 7,['7'] = 8,['8'] = 9,['9'] = 10,
	['A'] = 11,['B'] = 12,['C'] = 13,['D'] = 14,['E'] = 15,['F'] = 16,
	['G'] = 17,['H'] = 18,['J'] = 19,['K'] = 20,['L'] = 21,['M'] = 22,
	['N'] = 23,['P'] = 24,['Q'] = 25,['R'] = 26,['T'] = 27,['U'] = 28,
	['W'] = 29,['X'] = 30,['Y'] = 31
};

/* GB 11714 counts letters as 10 to 35 of the full alphabet. */
static inline unsigned
organisation_value(char c)
{
	return (unsigned) (c - (c >= 'A' ? 'A' - 10 : '0'));
}

/*
 * Returns the position of the first character that cannot stand where it
 * does, or -1.  The area code is of digits; the authority may be a letter.
 */
static int
find_bad_character(const char *text)
{
	for (int i = 0; i < USCC_LENGTH; i++)
	{
		if (alphabet_value[(unsigned char) text[i]] == 0)
			return i;
		if (i >= 1 && i < ORGANISATION_AT && !crm_is_digit(text[i]))
			return i;
	}
	return -1;
}

/*
 * Is every character in the alphabet, and none but the first of those before
 * the organisation code a letter?  Then *sum is a multiple of 31 if the check
 * character is right: the weights of the others are the powers of 3.
 */
static bool
sum_characters(const char *text, uint64_t *sum)
{
	unsigned	marks = 0;

	*sum = 0;
	for (int i = CHECK_AT - 1; i >= 0; i--)
	{
		/* beyond 31 for what is not in the alphabet */
		unsigned	character = alphabet_value[(unsigned char) text[i]] - 1u;

		marks |= character;
		*sum = *sum * 3 + character;
	}
	marks |= alphabet_value[(unsigned char) text[CHECK_AT]] - 1u;
	*sum += alphabet_value[(unsigned char) text[CHECK_AT]] - 1u;
	/* a character that is certainly a digit in place of the authority */
	return marks <= 31 &&
		crm_eight_are_digits((crm_load_eight(text) & ~UINT64_C(0xFF)) | '0');
}

/*
 * Is the check character of the organisation code right (GB 11714)?  The
 * weights, 3, 7, 9 ... 4, 2, are the powers of 2 modulo 11.
 */
static bool
organisation_check_ok(const char *code)
{
	static const char check_characters[] = "0X987654321";
	unsigned	sum = 0;

	for (int i = 0; i < 8; i++)
		sum = sum * 2 + organisation_value(code[i]);
	return code[8] == check_characters[sum * 2 % 11];
}

/* Returns the authority of this code, or NULL. */
static const Authority *
find_authority(char code)
{
	/* nearly all codes are of companies */
	if (code == '9')
		return &authorities[8];
	for (int i = 0; i < NAUTHORITIES; i++)
	{
		if (authorities[i].code == code)
			return &authorities[i];
	}
	return NULL;
}

/* Returns the words of the type that the code begins with, or NULL. */
static const CrmUsccWords *
find_type(const char *text)
{
	const Authority *authority = find_authority(text[0]);

	if (authority == NULL)
		return NULL;
	for (int i = 0; authority->types[i].code != '\0'; i++)
	{
		if (authority->types[i].code == text[1])
			return &authority->types[i].words;
	}
	return NULL;
}

/* Contracts of the next four in uscc.h. */
CrmUsccWords
crm_uscc_authority(const char *canonical)
{
	const Authority *authority = find_authority(canonical[0]);
	CrmUsccWords none = {NULL, NULL};

	return authority != NULL ? authority->words : none;
}

CrmUsccWords
crm_uscc_type(const char *canonical)
{
	const CrmUsccWords *words = find_type(canonical);
	CrmUsccWords none = {NULL, NULL};

	return words != NULL ? *words : none;
}

int
crm_uscc_area(const char *canonical)
{
	uint64_t	digits = crm_load_eight(canonical) - CRM_EIGHT('0');

	/* without the first two characters */
	return (int) crm_eight_number(digits & ~UINT64_C(0xFFFF), 10);
}

void
crm_uscc_organisation_code(const char *canonical,
						   char out[CRM_ORGANISATION_CODE_SIZE])
{
	memcpy(out, canonical + ORGANISATION_AT, CRM_ORGANISATION_CODE_SIZE - 1);
	out[CRM_ORGANISATION_CODE_SIZE - 1] = '\0';
}

/*
 * Companies registered in Xiamen before 2016 hold codes of this form whose
 * check character was computed in another way; they are real.
 */
static bool
is_xiamen_exception(const char *text)
{
	return text[0] == '9' && text[1] >= '1' && text[1] <= '3' &&
		memcmp(text + AREA_AT, "3502", 4) == 0 &&
		memcmp(text + ORGANISATION_AT, "M000", 4) == 0;
}

/*
 * People write their ID number where the code is asked for; it has the same
 * length.  Says so in place of what has been said of the code: as invalid as
 * that was, but only of a valid number if it was right.
 */
static void
tell_resident_id(const char *str, size_t length, const CrmOptions *options,
				 CrmValue *value)
{
	bool		is_invalid = value->verdict == CRM_INVALID;
	CrmOptions	plain = *options;
	CrmValue	as_id;

	plain.want_canonical = false;
	crm_resident_id_check(str, length, &plain, &as_id);
	if (as_id.verdict == CRM_VALID ||
		(is_invalid && as_id.verdict == CRM_SUSPECT))
		crm_value_blame(value, is_invalid ? CRM_INVALID : CRM_SUSPECT,
						CRM_REASON_IS_RESIDENT_ID, 0, length);
}

/*
 * Judges a code whose shape and check character are right: what the lists of
 * areas and authorities say can only make it suspect.
 */
static void
check_content(const char *str, size_t length, const AlnumText *alnum,
			  const CrmOptions *options, CrmValue *value)
{
	const char *text = alnum->text;
	int			area = crm_uscc_area(text);

	if (find_type(text) == NULL)
		crm_alnum_blame(str, length, alnum, value, CRM_SUSPECT,
						CRM_REASON_AUTHORITY_UNKNOWN, 0, 2);
	else if (!organisation_check_ok(text + ORGANISATION_AT))
		crm_alnum_blame(str, length, alnum, value, CRM_SUSPECT,
						CRM_REASON_ORGANISATION_CHECK_DIGIT,
						ORGANISATION_CHECK_AT, 1);
	else if (area != AREA_NATIONAL && crm_area_last_year(area) == CRM_AREA_NONE)
		crm_alnum_blame(str, length, alnum, value, CRM_SUSPECT,
						CRM_REASON_AREA_UNKNOWN, AREA_AT, AREA_LENGTH);

	/*
	 * Both can be right by chance; a company's code, from 9 on, would be a
	 * foreigner's, of whom there are few.
	 */
	else if (text[0] != '9' && crm_are_digits(text, CHECK_AT))
		tell_resident_id(str, length, options, value);
}

/*
 * Judges a credit code.  Its area may have been abolished: codes outlive it.
 */
void
crm_uscc_check(const char *str, size_t length,
			   const CrmOptions *options, CrmValue *value)
{
	AlnumText	alnum;
	uint64_t	sum;

	crm_value_init(value);
	if (!crm_alnum_collect(str, length, &alnum, value))
		return;
	if (alnum.length != USCC_LENGTH)
	{
		crm_value_blame(value, CRM_INVALID, CRM_REASON_BAD_LENGTH, 0, length);
		return;
	}
	if (!sum_characters(alnum.text, &sum))
	{
		crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
						CRM_REASON_BAD_CHARACTER,
						find_bad_character(alnum.text), 1);
		return;
	}
	if (sum % 31 == 0)
		check_content(str, length, &alnum, options, value);
	else if (is_xiamen_exception(alnum.text))
		crm_alnum_blame(str, length, &alnum, value, CRM_SUSPECT,
						CRM_REASON_CHECK_DIGIT_EXCEPTION, CHECK_AT, 1);
	else
	{
		crm_alnum_blame(str, length, &alnum, value, CRM_INVALID,
						CRM_REASON_CHECK_DIGIT, CHECK_AT, 1);
		tell_resident_id(str, length, options, value);
		return;
	}
	crm_value_set_canonical(value, options, alnum.text, USCC_LENGTH);
}
