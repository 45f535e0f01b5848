/*-------------------------------------------------------------------------
 *
 * accessors.c
 *		What the identifiers tell beyond their verdict: area names, persons,
 *		organisations, cards, mailboxes; and what is storable or mended.
 *
 * Build and run, from the top of the source tree:
 *
 *	cc -std=gnu11 -O2 -Isrc -o accessors test/types/accessors.c \
 *		$(find src/types -name "[a-z]*.c") -lidn2
 *	./accessors
 *
 * Prints what is not as expected, and a last line; the status is 1 if anything
 * was.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/area.h"
#include "types/bank_card.h"
#include "types/email.h"
#include "types/resident_id.h"
#include "types/types.h"
#include "types/uscc.h"

static int	passed = 0;
static int	failed = 0;

/* Compares two strings, of which either may be NULL. */
static void
expect(const char *what, const char *got, const char *expected)
{
	got = got ? got : "(null)";
	if (strcmp(got, expected) == 0)
	{
		passed++;
		return;
	}
	failed++;
	printf("%s: \"%s\" in place of \"%s\"\n", what, got, expected);
}

static void
expect_number(const char *what, long got, long expected)
{
	char		a[32];
	char		b[32];

	snprintf(a, sizeof(a), "%ld", got);
	snprintf(b, sizeof(b), "%ld", expected);
	expect(what, a, b);
}

/* Names of areas in a year, 0 for now. */
static void
test_area_name(void)
{
	static const struct
	{
		int			area;
		int			year;
		const char *name;
	}			cases[] = {
		{110105, 0, "北京市朝阳区"},
		{510000, 0, "四川省"},
		{510100, 0, "四川省成都市"},
		{510104, 0, "四川省成都市锦江区"},
		/* urban districts taken together; a city without counties */
		{510101, 0, "四川省成都市市辖区"},
		{441900, 0, "广东省东莞市"},
		{110100, 0, "北京市市辖区"},
		{429000, 0, "湖北省省直辖县级行政区划"},
		{659001, 0, "新疆维吾尔自治区石河子市"},
		/* the prefecture changed its name twice */
		{422801, 1960, "湖北省恩施地区恩施市"},
		{422801, 1990, "湖北省鄂西土家族苗族自治州恩施市"},
		{422801, 0, "湖北省恩施土家族苗族自治州恩施市"},
		/* two cities, and two years between them */
		{132201, 1982, "河北省邢台地区邢台市"},
		{132201, 1985, "河北省邢台地区南宫市"},
		{132201, 0, "河北省邢台地区南宫市"},
		/* permits */
		{810000, 0, "香港特别行政区"},
		{820000, 0, "澳门特别行政区"},
		{830000, 0, "台湾省"},
		{710000, 0, "台湾省"},
		{911124, 0, "北京市"},
		/* no codes */
		{0, 0, ""}, {110199, 0, ""}, {119999, 0, ""}, {990000, 0, ""},
		{999999, 0, ""}, {-1, 0, ""}, {810001, 0, ""}, {110201, 0, ""}
	};
	char		name[CRM_AREA_NAME_SIZE];
	char		what[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		int			length = crm_area_name(cases[i].area, cases[i].year,
										   name, sizeof(name));

		snprintf(what, sizeof(what), "area name %d in %d", cases[i].area,
				 cases[i].year);
		expect(what, name, cases[i].name);
		expect_number(what, length, (long) strlen(cases[i].name));
	}
	/* every code has a name that fits, and no half name is left */
	for (int area = 0; area < 1000000; area++)
	{
		if (crm_area_last_year(area) != CRM_AREA_NONE)
			expect_number("length of a name",
						  crm_area_name(area, 0, name, sizeof(name)) > 0, 1);
	}
	expect_number("too long", crm_area_name(110105, 0, name, 18), 0);
	expect("too long", name, "");
	expect_number("just fits", crm_area_name(110105, 0, name, 19), 18);
}

/* What 17 digits tell. */
static void
test_resident_id(void)
{
	CrmPerson	person = {0};
	char		text[19];

	expect_number("citizen",
				  crm_resident_id_describe(INT64_C(11010519491231002), &person),
				  true);
	expect_number("kind", person.kind, CRM_PERSON_CITIZEN);
	expect_number("birth date", person.birth_date, 19491231);
	expect_number("sex", person.sex, 'F');
	expect_number("area", person.area, 110105);
	expect_number("nationality", person.nationality, 0);
	crm_resident_id_text(INT64_C(11010519491231002), text);
	expect("text", text, "11010519491231002X");
	expect_number("number", crm_resident_id_number(text) ==
				  INT64_C(11010519491231002), true);

	crm_resident_id_describe(INT64_C(83000019900101001), &person);
	expect_number("permit", person.kind, CRM_PERSON_PERMIT);
	expect_number("sex", person.sex, 'M');
	crm_resident_id_describe(INT64_C(91112419810803002), &person);
	expect_number("foreigner", person.kind, CRM_PERSON_FOREIGNER);
	expect_number("province", person.area, 110000);
	expect_number("nationality", person.nationality, 124);
	expect_number("nationality",
				  crm_resident_id_nationality(INT64_C(91112419810803002)), 124);

	/* leading zeros are digits; dates decide what is storable */
	crm_resident_id_text(INT64_C(10519491231002), text);
	expect("text", text, "000105194912310024");
	expect_number("storable",
				  crm_resident_id_is_storable(INT64_C(10519491231002)), true);
	expect_number("1879",
				  crm_resident_id_is_storable(INT64_C(11010518791231002)), false);
	expect_number("no day",
				  crm_resident_id_is_storable(INT64_C(11010519000229002)), false);
	expect_number("negative", crm_resident_id_is_storable(-1), false);
	expect_number("18 digits",
				  crm_resident_id_describe(INT64_C(110105194912310021), &person),
				  false);
}

/* What a credit code tells. */
static void
test_uscc(void)
{
	char		organisation[CRM_ORGANISATION_CODE_SIZE];

	expect("authority", crm_uscc_authority("91510104MA61T07R24").chinese,
		   "市场监督管理（工商）");
	expect("type", crm_uscc_type("91510104MA61T07R24").chinese, "企业");
	expect("type", crm_uscc_type("N2110112MA00000078").english,
		   "collective economic organisation of a village");
	expect("type", crm_uscc_type("94510104MA61T07R2T").chinese, "(null)");
	expect("authority", crm_uscc_authority("B4510104MA61T07R2T").english,
		   "(null)");
	expect_number("area", crm_uscc_area("91510104MA61T07R24"), 510104);
	expect_number("area", crm_uscc_area("N2010112MA00000078"), 10112);
	crm_uscc_organisation_code("91510104MA61T07R24", organisation);
	expect("organisation", organisation, "MA61T07R2");
}

/* Issuer, type and brand of a card. */
static void
expect_card(const char *digits, const char *issuer, const char *code,
			const char *type, const char *brand)
{
	CrmCard		card;

	crm_bank_card_describe(digits, (int) strlen(digits), &card);
	expect(digits, card.issuer, issuer);
	expect(digits, card.issuer_code, code);
	expect(digits, crm_card_type_name(card.type), type);
	expect(digits, card.brand, brand);
}

static void
test_bank_card(void)
{
	const char *none = "(null)";
	CrmCard		card;

	expect_card("6212261234567890128", "中国工商银行", "ICBC", "debit", "unionpay");
	expect_card("6228480402564890018", "中国农业银行", "ABC", "debit", "unionpay");
	expect_card("6259190000000000", "中国邮政储蓄银行", "PSBC", "credit", "unionpay");
	expect_card("4111111111111111", none, none, none, "visa");
	expect_card("5500000000000004", none, none, none, "mastercard");
	expect_card("2221000000000009", none, none, none, "mastercard");
	expect_card("378282246310005", none, none, none, "amex");
	expect_card("3530111333300000", none, none, none, "jcb");
	expect_card("30569309025904", none, none, none, "diners");
	expect_card("6011000990139424", none, none, none, "discover");
	expect_card("2200000000000004", none, none, none, "mir");
	expect_card("123456789015", none, none, none, none);
	expect_number("short", crm_bank_card_describe("4111", 4, &card), false);
	expect("short", card.brand, none);
}

/* The key of a mailbox is also its own key. */
static void
expect_key(const char *address, const char *expected)
{
	char		key[CRM_EMAIL_KEY_SIZE];
	char		again[CRM_EMAIL_KEY_SIZE];
	int			length = crm_email_match_key(address, strlen(address), key);

	expect(address, key, expected);
	expect_number(address, length, (long) strlen(expected));
	crm_email_match_key(key, (size_t) length, again);
	expect(key, again, expected);
}

static void
test_match_key(void)
{
	expect_key("Anna.Li+crm@gmail.com", "annali@gmail.com");
	expect_key("a.n.n.a@googlemail.com", "anna@gmail.com");
	expect_key("Anna.Li+crm@outlook.com", "anna.li@outlook.com");
	expect_key("anna+a+b@live.cn", "anna@live.cn");
	expect_key("anna+a@me.com", "anna@icloud.com");
	expect_key("anna@mac.com", "anna@icloud.com");
	expect_key("anna+a@pm.me", "anna@proton.me");
	expect_key("anna.li+a@ya.ru", "anna-li@yandex.ru");
	expect_key("anna.li-shop@yahoo.com", "anna.li@yahoo.com");
	expect_key("anna+a@yahoo.com", "anna+a@yahoo.com");
	expect_key("anna+a@fastmail.fm", "anna@fastmail.fm");
	/* of others nothing is known but that nobody tells case apart */
	expect_key("Anna.Li+crm@firm.cn", "anna.li+crm@firm.cn");
	expect_key("12345+a@qq.com", "12345+a@qq.com");
	expect_key("+crm@gmail.com", "+crm@gmail.com");
	expect_key("\"a+b@c\"@gmail.com", "\"a+b@c\"@gmail.com");
	expect_key("张伟@例子.公司", "张伟@例子.公司");
	expect_key("nobody", "");
	expect_key("", "");
}

/* What a check leaves beside the verdict. */
static void
expect_value(const char *kind, const char *text, CrmOptions options,
			 CrmVerdict verdict, bool is_storable, bool is_mended,
			 const char *canonical)
{
	CrmValue	value;

	options.want_canonical = true;
	crm_identifier_find(kind)->check(text, strlen(text), &options, &value);
	expect_number(text, value.verdict, verdict);
	expect_number(text, value.is_storable, is_storable);
	expect_number(text, value.is_mended, is_mended);
	expect(text, value.canonical, canonical);
	expect_number(text, value.canonical_length, (long) strlen(canonical));
}

static void
test_storable(void)
{
	CrmOptions	none = {.want_canonical = true};
	CrmOptions	today = {.today = 20261127};
	const char *kind = "resident_id";

	/* only a list, or the clock, speaks against these */
	expect_value(kind, "000105194912310024", none, CRM_INVALID, true, false,
				 "000105194912310024");
	expect_value(kind, "110105209901010020", today, CRM_INVALID, true, false,
				 "110105209901010020");
	expect_value(kind, "110105209901010020", none, CRM_VALID, true, false,
				 "110105209901010020");
	expect_value(kind, "110105491231002", none, CRM_SUSPECT, true, false,
				 "11010519491231002X");
	/* these cannot be */
	expect_value(kind, "110105209901010021", today, CRM_INVALID, false, false,
				 "");
	expect_value(kind, "110105187912310024", none, CRM_INVALID, false, false,
				 "");
	expect_value(kind, "110105190002290025", none, CRM_INVALID, false, false,
				 "");
	expect_value(kind, "911124810803002", none, CRM_INVALID, false, false, "");
	expect_value("bank_card", "6212261234567890129", none, CRM_SUSPECT, true,
				 false, "6212261234567890129");
}

static void
test_mended(void)
{
	CrmOptions	none = {.want_canonical = true};
	CrmOptions	ascii = {.ascii_domain = true};
	CrmOptions	roles = {.role_accounts = true};
	const char *kind = "email";

	expect_value(kind, "Anna <A@B.cn>", none, CRM_INVALID, false, true, "A@b.cn");
	expect_value(kind, "\"a@b.cn\" <a@b.cn>", none, CRM_INVALID, false, true,
				 "a@b.cn");
	expect_value(kind, "c@d.cn <a@b.cn>", none, CRM_INVALID, false, false, "");
	expect_value(kind, "Anna <a@b..cn>", none, CRM_INVALID, false, false, "");
	expect_value(kind, "Anna <>", none, CRM_INVALID, false, false, "");
	expect_value(kind, "mailto:a@b.cn?cc=c@d.cn", none, CRM_INVALID, false,
				 true, "a@b.cn");
	expect_value(kind, "mailto:a%2Bb@b.cn", none, CRM_INVALID, false, false, "");
	expect_value(kind, "Info@例子.公司", ascii, CRM_VALID, true, false,
				 "Info@xn--fsqu00a.xn--55qx5d");
	expect_value(kind, "a@xn--fsqu00a.xn--55qx5d", none, CRM_VALID, true, false,
				 "a@例子.公司");
	expect_value(kind, "a@B.cn", ascii, CRM_VALID, true, false, "a@b.cn");
	expect_value(kind, "Info@b.cn", roles, CRM_SUSPECT, true, false, "Info@b.cn");
}

int
main(void)
{
	test_area_name();
	test_resident_id();
	test_uscc();
	test_bank_card();
	test_match_key();
	test_storable();
	test_mended();
	printf("%d passed, %d failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
