/*-------------------------------------------------------------------------
 *
 * kinds_placeholder.c
 *		The kind placeholder: values typed only to fill a field.
 *
 * A value is compared as a whole, after blanks are trimmed, full-width
 * characters narrowed and ASCII letters lowered: the company named
 * "测试仪器" is none.  What a real customer may well have (a phone that ends
 * in eight equal digits is sold dearly in China; some people are called 张三)
 * is suspect, not invalid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/datetime.h"

#include "rules/rules_private.h"

/* The longest value that can be a placeholder, in bytes. */
#define PLACEHOLDER_MAX		64

typedef struct PlaceholderState
{
	int			nextra;
	char	  **extra;
} PlaceholderState;

static const RuleParam placeholder_params[] = {
	{"extra", PARAM_SCALARS, false},
	{NULL}
};

/* Folded, and sorted by strcmp for bsearch. */
static const char *const filler_words[] = {
	"(无)", "-", "--", "---", "----", ".", "..", "...", "/", "//", "?", "??",
	"???", "\\", "_", "__", "abc", "abc123", "abcd", "abcde", "anonymous",
	"asd", "asdf", "asdfasdf", "asdfg", "asdfgh", "asdfghjkl", "default",
	"dummy", "empty", "fake", "foo", "foobar", "n.a.", "n/a", "na", "name",
	"nil", "no name", "noname", "none", "not applicable", "not available",
	"null", "qwe", "qwer", "qwert", "qwerty", "qwertyuiop", "sample", "tba",
	"tbd", "temp", "test", "test test", "test user", "test1", "test123",
	"tester", "testing", "testtest", "todo", "undefined", "unknown",
	"unnamed", "user", "xx", "xxx", "xyz", "zxcv", "zxcvbn", "不明", "不清楚",
	"不知道", "不详", "佚名", "先生", "再说", "匿名", "占位", "同上", "名称",
	"女士", "姓名", "客户", "小姐", "待填", "待填写", "待定", "待录入",
	"待补", "待补充", "待补录", "无", "无名", "无名氏", "暂无", "暂缺",
	"未填", "未填写", "未提供", "未登记", "未知", "某", "某某", "某某某",
	"没有", "测试", "测试一", "测试人员", "测试公司", "测试客户", "测试数据",
	"测试用户", "测试账号", "空", "空白", "老板", "见附件", "详见", "默认"
};

/* Names of the Chinese John Doe: real people bear them too. */
static const char *const doubtful_words[] = {
	"张三", "李四", "王五", "赵六", "john doe", "jane doe", "max mustermann"
};

/* What follows a surname when the given name is not known. */
static const char *const titles[] = {
	"先生", "女士", "小姐", "太太", "总", "老板", "老师", "经理", "主任",
	"师傅", "阿姨", "大哥", "大姐", "某", "某某", "xx", "x", "**", "*"
};

static int
word_compare(const void *key, const void *word)
{
	return strcmp((const char *) key, *(const char *const *) word);
}

/* Folds the value into "folded"; returns its length, or -1 if too long. */
static int
value_fold(const char *data, int length, char *folded)
{
	const unsigned char *at = (const unsigned char *) data;
	int			out = 0;

	while (length > 0)
	{
		int			c = *at;
		int			used = 1;

		/* full-width forms U+FF01 to U+FF5E, and the ideographic space */
		if (c == 0xEF && length >= 3 &&
			((at[1] == 0xBC && at[2] >= 0x81) || (at[1] == 0xBD && at[2] <= 0x9E)))
		{
			c = at[1] == 0xBC ? at[2] - 0x60 : at[2] - 0x20;
			used = 3;
		}
		else if (c == 0xE3 && length >= 3 && at[1] == 0x80 && at[2] == 0x80)
		{
			c = ' ';
			used = 3;
		}
		if (out >= PLACEHOLDER_MAX)
			return -1;
		/* leading blanks go */
		if (c != ' ' || out > 0)
			folded[out++] = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
		at += used;
		length -= used;
	}
	while (out > 0 && folded[out - 1] == ' ')
		out--;
	folded[out] = '\0';
	return out;
}

/* Length in bytes of the UTF-8 character that begins with "byte". */
static int
character_length(unsigned char byte)
{
	if (byte < 0x80)
		return 1;
	if (byte < 0xE0)
		return 2;
	return byte < 0xF0 ? 3 : 4;
}

/* Whether one character stands there at least "least" times, and no other. */
static bool
is_repetition(const char *text, int length, int least)
{
	int			size = character_length((unsigned char) text[0]);

	if (length < size * least || length % size != 0)
		return false;
	for (int i = size; i < length; i++)
	{
		if (text[i] != text[i - size])
			return false;
	}
	return true;
}

/* Whether digits rise, or fall, by one, 9 and 0 being neighbours. */
static bool
is_run(const char *digits, int length, int step)
{
	for (int i = 1; i < length; i++)
	{
		if ((digits[i] - '0' - (digits[i - 1] - '0') - step) % 10 != 0)
			return false;
	}
	return true;
}

static bool
is_digits(const char *text, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return length > 0;
}

/* A surname and a title: 张先生, 欧阳女士, 王总. */
static bool
is_surname_and_title(const char *text, int length)
{
	for (int i = 0; i < (int) lengthof(titles); i++)
	{
		int			title = strlen(titles[i]);
		int			surname = length - title;

		/* one or two Han characters, three bytes each */
		if ((surname == 3 || surname == 6) &&
			(unsigned char) text[0] >= 0xE4 && (unsigned char) text[0] <= 0xE9 &&
			strcmp(text + surname, titles[i]) == 0)
			return true;
	}
	return false;
}

/* Drops +86, blanks and hyphens of a phone; returns the number of digits. */
static int
phone_digits(const char *text, int length, char *digits)
{
	int			count = 0;

	if (strncmp(text, "+86", 3) == 0)
	{
		text += 3;
		length -= 3;
	}
	for (int i = 0; i < length; i++)
	{
		if (text[i] >= '0' && text[i] <= '9')
			digits[count++] = text[i];
		else if (text[i] != ' ' && text[i] != '-')
			return 0;
	}
	return count;
}

/* Judges a number: 13800138000, 11111111111, 12345678. */
static RuleOutcome
digits_judge(const char *digits, int length)
{
	if (is_repetition(digits, length, 4))
		return RULE_FAIL(PLACEHOLDER);
	if (length >= 5 && (is_run(digits, length, 1) || is_run(digits, length, -1)))
		return RULE_FAIL(PLACEHOLDER);
	if (length == 11 && digits[0] == '1')
	{
		/* the number on China Mobile's own posters */
		if (strncmp(digits, "13800138000", 11) == 0 ||
			strncmp(digits + 3, "00000000", 8) == 0)
			return RULE_FAIL(PLACEHOLDER);
		if (is_repetition(digits + 3, 8, 8) || is_run(digits + 3, 8, 1) ||
			is_run(digits + 3, 8, -1))
			return RULE_DOUBT(PLACEHOLDER_SUSPECTED);
	}
	return RULE_PASS;
}

/* Whether the text, of that length, is one of the filler words. */
static bool
is_filler(const char *text)
{
	return bsearch(text, filler_words, lengthof(filler_words),
				   sizeof(char *), word_compare) != NULL;
}

/*
 * Judges an e-mail address: a@a.com, test@test.cn, xxx@xxx.com.  A short name
 * of its own domain is suspect, for some have one: wei@wei.cn.
 */
static RuleOutcome
email_judge(const char *text, const char *at)
{
	char		local[PLACEHOLDER_MAX + 1];
	int			length = at - text;

	memcpy(local, text, length);
	local[length] = '\0';
	if (length == 1 && at[1] != '\0' && at[2] == '.' && at[1] != local[0])
		return RULE_DOUBT(PLACEHOLDER_SUSPECTED);
	if (strncmp(at + 1, local, length) != 0 || at[1 + length] != '.')
		return RULE_PASS;
	if (length == 1 || is_filler(local) || is_repetition(local, length, 3) ||
		(is_digits(local, length) && is_run(local, length, 1)))
		return RULE_FAIL(PLACEHOLDER);
	return length <= 3 || is_digits(local, length) ? RULE_DOUBT(PLACEHOLDER_SUSPECTED) : RULE_PASS;
}

static RuleOutcome
text_judge(const PlaceholderState *state, const char *text, int length)
{
	char		digits[PLACEHOLDER_MAX + 1];
	const char *at = strchr(text, '@');
	int			count;

	for (int i = 0; i < state->nextra; i++)
	{
		if (strcmp(state->extra[i], text) == 0)
			return RULE_FAIL(PLACEHOLDER);
	}
	if (is_filler(text) || is_surname_and_title(text, length))
		return RULE_FAIL(PLACEHOLDER);
	for (int i = 0; i < (int) lengthof(doubtful_words); i++)
	{
		if (strcmp(doubtful_words[i], text) == 0)
			return RULE_DOUBT(PLACEHOLDER_SUSPECTED);
	}
	if (at != NULL)
		return at > text ? email_judge(text, at) : RULE_PASS;
	count = phone_digits(text, length, digits);
	if (count > 0)
		return digits_judge(digits, count);
	return is_repetition(text, length, 3) ? RULE_FAIL(PLACEHOLDER) : RULE_PASS;
}

/* Dates that programs store for "none". */
static bool
is_filler_date(DateADT date)
{
	switch (crm_date_yyyymmdd(date))
	{
		case 10101:
		case 11111111:
		case 18991230:
		case 18991231:
		case 19000101:
		case 20990101:
		case 20991231:
		case 29991231:
		case 99991231:
			return true;
		default:
			return DATE_NOT_FINITE(date);
	}
}

static void
placeholder_compile(RuleCompile *context, Rule *rule)
{
	PlaceholderState *state = palloc0(sizeof(PlaceholderState));

	state->extra = crm_param_texts(context->source, "extra", &state->nextra);
	for (int i = 0; i < state->nextra; i++)
	{
		const char *data = state->extra[i];
		int			length = strlen(data);
		char	   *folded = palloc(PLACEHOLDER_MAX + 1);

		crm_text_to_utf8(&data, &length);
		if (value_fold(data, length, folded) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("placeholder in parameter \"extra\" is longer than %d bytes",
							PLACEHOLDER_MAX)));
		state->extra[i] = folded;
	}
	rule->state = state;
}

static RuleOutcome
placeholder_eval(const Rule *rule, const RuleRow *row)
{
	const RuleColumn *column = &rule->columns[0];
	char		folded[PLACEHOLDER_MAX + 1];
	const char *data;
	int			length;
	DateADT		date;

	if (column->value_class == VALUE_DATE ||
		column->value_class == VALUE_TIMESTAMP ||
		column->value_class == VALUE_TIMESTAMPTZ)
	{
		if (crm_column_date(column, row->slot, &date) != DATE_READ)
			return RULE_SKIP;
		return is_filler_date(date) ? RULE_FAIL(PLACEHOLDER) : RULE_PASS;
	}
	if (!crm_column_utf8(column, row->slot, &data, &length))
		return RULE_SKIP;
	length = value_fold(data, length, folded);
	if (length < 0)
		return RULE_PASS;
	if (length == 0)
		return RULE_SKIP;
	/* an amount of 1111 is none, a phone of 11111111 is */
	if (column->value_class == VALUE_NUMBER && length < 6)
		return RULE_PASS;
	if (length == 10 && folded[4] == '-' &&
		crm_column_date(column, row->slot, &date) == DATE_READ)
		return is_filler_date(date) ? RULE_FAIL(PLACEHOLDER) : RULE_PASS;
	return text_judge(rule->state, folded, length);
}

const RuleKind crm_kind_placeholder = {
	"placeholder", LEVEL_ROW, 1, 1, placeholder_params, CRM_ACCURACY,
	"NULL and blank pass",
	"{columns} is no placeholder", "{columns} 不是占位值",
	placeholder_compile, placeholder_eval
};
