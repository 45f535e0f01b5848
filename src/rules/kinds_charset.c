/*-------------------------------------------------------------------------
 *
 * kinds_charset.c
 *		The kind charset: which characters a value may consist of.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "rules/rules_private.h"

/* A range of code points, and the class it belongs to. */
typedef struct CharRange
{
	pg_wchar	first;
	pg_wchar	last;
	int			class;
} CharRange;

typedef struct CharsetState
{
	uint32		allow;			/* classes; 0: all */
	uint32		forbid;
} CharsetState;

typedef enum CharClass
{
	CHAR_CONTROL,
	CHAR_DIGIT,
	CHAR_EMOJI,
	CHAR_FULL_WIDTH,
	CHAR_HAN,
	CHAR_HANGUL,
	CHAR_KANA,
	CHAR_LATIN,
	CHAR_CYRILLIC,
	CHAR_GREEK,
	CHAR_ARABIC,
	CHAR_PRIVATE_USE,
	CHAR_PUNCTUATION,
	CHAR_REPLACEMENT,
	CHAR_SPACE,
	CHAR_ZERO_WIDTH,
	CHAR_OTHER
} CharClass;

static const char *const class_names[] = {
	"control", "digit", "emoji", "full_width", "han", "hangul", "kana",
	"latin", "cyrillic", "greek", "arabic", "private_use", "punctuation",
	"replacement", "space", "zero_width", "other"
};

/*
 * Unicode 15 blocks and characters, in ascending order; what stands in no
 * range is "other".
 */
static const CharRange ranges[] = {
	{0x0000, 0x001F, CHAR_CONTROL},
	{0x0020, 0x0020, CHAR_SPACE},
	{0x0021, 0x002F, CHAR_PUNCTUATION},
	{0x0030, 0x0039, CHAR_DIGIT},
	{0x003A, 0x0040, CHAR_PUNCTUATION},
	{0x0041, 0x005A, CHAR_LATIN},
	{0x005B, 0x0060, CHAR_PUNCTUATION},
	{0x0061, 0x007A, CHAR_LATIN},
	{0x007B, 0x007E, CHAR_PUNCTUATION},
	{0x007F, 0x009F, CHAR_CONTROL},
	{0x00A0, 0x00A0, CHAR_SPACE},
	{0x00A1, 0x00A9, CHAR_PUNCTUATION},
	{0x00AA, 0x00AA, CHAR_LATIN},
	{0x00AB, 0x00AC, CHAR_PUNCTUATION},
	{0x00AD, 0x00AD, CHAR_ZERO_WIDTH},
	{0x00AE, 0x00B9, CHAR_PUNCTUATION},
	{0x00BA, 0x00BA, CHAR_LATIN},
	{0x00BB, 0x00BF, CHAR_PUNCTUATION},
	{0x00C0, 0x00D6, CHAR_LATIN},
	{0x00D7, 0x00D7, CHAR_PUNCTUATION},
	{0x00D8, 0x00F6, CHAR_LATIN},
	{0x00F7, 0x00F7, CHAR_PUNCTUATION},
	{0x00F8, 0x024F, CHAR_LATIN},
	{0x0300, 0x036F, CHAR_LATIN},
	{0x0370, 0x03FF, CHAR_GREEK},
	{0x0400, 0x052F, CHAR_CYRILLIC},
	{0x0600, 0x065F, CHAR_ARABIC},
	{0x0660, 0x0669, CHAR_DIGIT},
	{0x066A, 0x06EF, CHAR_ARABIC},
	{0x06F0, 0x06F9, CHAR_DIGIT},
	{0x06FA, 0x077F, CHAR_ARABIC},
	{0x1100, 0x11FF, CHAR_HANGUL},
	{0x180E, 0x180E, CHAR_ZERO_WIDTH},
	{0x1E00, 0x1EFF, CHAR_LATIN},
	{0x2000, 0x200A, CHAR_SPACE},
	{0x200B, 0x200F, CHAR_ZERO_WIDTH},
	{0x2010, 0x2027, CHAR_PUNCTUATION},
	{0x2028, 0x2029, CHAR_CONTROL},
	{0x202A, 0x202E, CHAR_ZERO_WIDTH},
	{0x202F, 0x202F, CHAR_SPACE},
	{0x2030, 0x205E, CHAR_PUNCTUATION},
	{0x205F, 0x205F, CHAR_SPACE},
	{0x2060, 0x206F, CHAR_ZERO_WIDTH},
	{0x2600, 0x27BF, CHAR_EMOJI},
	{0x2E80, 0x2FDF, CHAR_HAN},
	{0x3000, 0x3000, CHAR_SPACE},
	{0x3001, 0x3004, CHAR_PUNCTUATION},
	{0x3005, 0x3007, CHAR_HAN},
	{0x3008, 0x3020, CHAR_PUNCTUATION},
	{0x3021, 0x3029, CHAR_HAN},
	{0x3041, 0x30FF, CHAR_KANA},
	{0x3130, 0x318F, CHAR_HANGUL},
	{0x3400, 0x4DBF, CHAR_HAN},
	{0x4E00, 0x9FFF, CHAR_HAN},
	{0xAC00, 0xD7AF, CHAR_HANGUL},
	{0xE000, 0xF8FF, CHAR_PRIVATE_USE},
	{0xF900, 0xFAFF, CHAR_HAN},
	{0xFE00, 0xFE0F, CHAR_ZERO_WIDTH},
	{0xFE30, 0xFE6F, CHAR_PUNCTUATION},
	{0xFEFF, 0xFEFF, CHAR_ZERO_WIDTH},
	{0xFF01, 0xFF60, CHAR_FULL_WIDTH},
	{0xFF61, 0xFF65, CHAR_PUNCTUATION},
	{0xFF66, 0xFF9F, CHAR_KANA},
	{0xFFE0, 0xFFE6, CHAR_FULL_WIDTH},
	{0xFFFD, 0xFFFD, CHAR_REPLACEMENT},
	{0x1F000, 0x1FAFF, CHAR_EMOJI},
	{0x20000, 0x3FFFD, CHAR_HAN},
	{0xE0000, 0xE0FFF, CHAR_ZERO_WIDTH},
	{0xF0000, 0x10FFFF, CHAR_PRIVATE_USE}
};

static const RuleParam charset_params[] = {
	{"allow", PARAM_SCALARS, false},
	{"forbid", PARAM_SCALARS, false},
	{NULL}
};

static CharClass
class_of(pg_wchar c)
{
	int			low = 0;
	int			high = lengthof(ranges) - 1;

	/* most text is ASCII or Han */
	if (c >= 0x4E00 && c <= 0x9FFF)
		return CHAR_HAN;
	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (c < ranges[middle].first)
			high = middle - 1;
		else if (c > ranges[middle].last)
			low = middle + 1;
		else
			return ranges[middle].class;
	}
	return CHAR_OTHER;
}

/* Names of all classes, for a hint. */
static char *
all_class_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < (int) lengthof(class_names); i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", class_names[i]);
	return names.data;
}

/* Reads a parameter's class names into a bit mask. */
static uint32
classes_read(const RuleSource *source, const char *param)
{
	int			count;
	char	  **names = crm_param_texts(source, param, &count);
	uint32		classes = 0;

	for (int i = 0; i < count; i++)
	{
		int			class = 0;

		while (class < (int) lengthof(class_names) &&
			   strcmp(class_names[class], names[i]) != 0)
			class++;
		if (class == (int) lengthof(class_names))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("character class \"%s\" does not exist", names[i]),
					 errhint("Character classes are: %s.", all_class_names())));
		classes |= (uint32) 1 << class;
	}
	return classes;
}

static void
charset_compile(RuleCompile *context, Rule *rule)
{
	CharsetState *state = palloc(sizeof(CharsetState));

	if (!crm_column_is_text(&rule->columns[0]))
		crm_column_type_error(context, &rule->columns[0], "a text column");
	state->allow = classes_read(context->source, "allow");
	state->forbid = classes_read(context->source, "forbid");
	if (state->allow == 0 && state->forbid == 0)
		crm_param_either_error("charset", "allow", "forbid");
	rule->state = state;
}

static RuleOutcome
charset_eval(const Rule *rule, const RuleRow *row)
{
	const CharsetState *state = rule->state;
	const char *data;
	int			length;

	if (!crm_column_utf8(&rule->columns[0], row->slot, &data, &length))
		return RULE_SKIP;
	while (length > 0)
	{
		int			size = pg_utf_mblen((const unsigned char *) data);
		uint32		class;

		if (size > length)
			break;
		class = (uint32) 1 << class_of(utf8_to_unicode((const unsigned char *) data));
		if (state->forbid & class)
			return RULE_FAIL(CHARACTER_FORBIDDEN);
		if (state->allow != 0 && !(state->allow & class))
			return RULE_FAIL(CHARACTER_NOT_ALLOWED);
		data += size;
		length -= size;
	}
	return RULE_PASS;
}

const RuleKind crm_kind_charset = {
	"charset", LEVEL_ROW, 1, 1, charset_params, CRM_VALIDITY,
	"NULL passes",
	"{columns} has only permitted characters", "{columns} 只含允许的字符",
	charset_compile, charset_eval
};
