/*-------------------------------------------------------------------------
 *
 * value_reasons.h
 *		Reason codes of the identifier parsers; see reason.h for the form.
 *
 * A code means the same for every kind that gives it.  The first group is
 * shared, then each kind has its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_VALUE_REASONS_H
#define CRM_VALUE_REASONS_H

#define CRM_VALUE_REASONS(X) \
	X(BAD_LENGTH, "bad_length", "has the wrong length", "长度不对", \
	  NULL, NULL) \
	X(TOO_LONG, "too_long", "is too long", "过长", \
	  NULL, NULL) \
	X(BAD_CHARACTER, "bad_character", "has a character that does not belong there", "含有不应出现的字符", \
	  NULL, NULL) \
	X(CHECK_DIGIT, "check_digit", "the check character is wrong", "校验码错误", \
	  "Compare the value with the document: a character is wrong or two are swapped.", "请与证件核对：可能有一位写错或两位颠倒。") \
	X(CHECK_DIGIT_RANGE, "check_digit_range", "the check digits are not between 02 and 98", "校验码不在 02 至 98 之间", \
	  NULL, NULL) \
	X(REPEATED_DIGIT, "repeated_digit", "is one digit repeated", "由同一个数字重复而成", \
	  NULL, NULL) \
	X(SURROUNDING_BLANKS, "surrounding_blanks", "has blanks before or after it", "前后有空白", \
	  "Remove the blanks.", "请去掉前后的空白。") \
	X(FULL_WIDTH, "full_width", "is written with full-width characters", "使用了全角字符", \
	  "Write the address with half-width characters.", "请改用半角字符。") \
	X(COUNTRY_UNKNOWN, "country_unknown", "the country code is not known", "国家代码不存在", \
	  NULL, NULL) \
	X(COUNTRY_NOT_REGISTERED, "country_not_registered", "the country is not in the IBAN registry", "该国家未登记于 IBAN 名录", \
	  NULL, NULL) \
	X(COUNTRY_PREFIX_NEEDED, "country_prefix_needed", "has no country prefix", "缺少国家前缀", \
	  "Write the number with the two letters of its country, such as DE.", "请在号码前加上两位国家代码，如 DE。") \
	X(COUNTRY_PREFIX_GREECE, "country_prefix_greece", "has the prefix GR, but VAT numbers of Greece have EL", "前缀为 GR，而希腊增值税号的前缀是 EL", \
	  "Write EL for Greece.", "请将前缀改为 EL。") \
	X(COUNTRY_LEFT_UNION, "country_left_union", "is British, and the United Kingdom left the VAT area of the EU", "是英国的增值税号，英国已退出欧盟增值税区", \
	  "In trade with the EU a business in Northern Ireland has the prefix XI.", "北爱尔兰企业与欧盟往来时使用前缀 XI。") \
	X(VAT_SUFFIX_NEEDED, "vat_suffix_needed", "lacks the suffix of a number that is registered for VAT", "是企业登记号，缺少表明增值税登记的后缀", \
	  "Add the suffix that the register shows: MVA in Norway; MWST, TVA or IVA in Switzerland.", "请按登记信息加上后缀：挪威为 MVA，瑞士为 MWST、TVA 或 IVA。") \
	X(OFFICE_UNKNOWN, "office_unknown", "the code of the tax office is not assigned", "税务机关代码未分配", \
	  NULL, NULL) \
	X(NATIONAL_CHECK_DIGIT, "national_check_digit", "the national check digits are wrong", "本国校验码错误", \
	  NULL, NULL) \
	X(LEGACY_15, "legacy_15", "is a 15-digit ID number, out of force since 2013", "是 2013 年起停用的 15 位身份证号码", \
	  "Enter the 18-digit number of the present document.", "请填写现行证件上的 18 位号码。") \
	X(PROVINCE_UNKNOWN, "province_unknown", "the province code is not known", "省级代码不存在", \
	  NULL, NULL) \
	X(AREA_UNKNOWN, "area_unknown", "the area code is in no published list", "地区代码不在已公布的名录中", \
	  NULL, NULL) \
	X(AREA_NOT_IN_FORCE, "area_not_in_force", "the area code was abolished before the year of birth", "地区代码在出生年份之前已撤销", \
	  NULL, NULL) \
	X(NATIONALITY_UNKNOWN, "nationality_unknown", "the nationality code is not known", "国籍代码不存在", \
	  NULL, NULL) \
	X(BIRTH_DATE_IMPOSSIBLE, "birth_date_impossible", "the birth date does not exist", "出生日期不存在", \
	  NULL, NULL) \
	X(BIRTH_DATE_TOO_EARLY, "birth_date_too_early", "the birth date is before 1880", "出生日期早于 1880 年", \
	  NULL, NULL) \
	X(BIRTH_DATE_IN_FUTURE, "birth_date_in_future", "the birth date is in the future", "出生日期在将来", \
	  NULL, NULL) \
	X(AUTHORITY_UNKNOWN, "authority_unknown", "the registering authority or the type of organisation is not assigned", "登记管理部门代码或机构类别代码未分配", \
	  NULL, NULL) \
	X(ORGANISATION_CHECK_DIGIT, "organisation_check_digit", "the check character of the organisation code in it is wrong", "其中组织机构代码的校验码错误", \
	  NULL, NULL) \
	X(CHECK_DIGIT_EXCEPTION, "check_digit_exception", "the check character is wrong, as in Xiamen registrations before 2016", "校验码错误，2016 年前厦门登记的代码中有此情形", \
	  NULL, NULL) \
	X(CHECK_DIGIT_DEBIT_CARD, "check_digit_debit_card", "the check digit is wrong, which happens on debit cards of this issuer", "校验位错误，该发卡行的部分借记卡有此情形", \
	  "Compare the number with the card.", "请与卡面核对。") \
	X(IS_RESIDENT_ID, "is_resident_id", "is a resident ID number, not a credit code", "是居民身份证号码，不是统一社会信用代码", \
	  "Enter the credit code of the business licence, or put the number into the column for ID numbers.", "请填写营业执照上的统一社会信用代码，或将该号码移到证件号码一栏。") \
	X(COUNTRY_CODE_NEEDED, "country_code_needed", "has no country calling code", "缺少国际区号", \
	  "Write the number with + and the country calling code.", "请在号码前加上 + 和国际区号。") \
	X(CALLING_CODE_UNKNOWN, "calling_code_unknown", "the country calling code does not exist", "国际区号不存在", \
	  NULL, NULL) \
	X(REGION_UNKNOWN, "region_unknown", "the region to read it in is not known", "用以解读号码的地区代码不存在", \
	  NULL, NULL) \
	X(AREA_CODE_NEEDED, "area_code_needed", "has no area code", "缺少区号", \
	  "Write the number with its area code.", "请在号码前加上区号。") \
	X(PREFIX_UNKNOWN, "prefix_unknown", "the first digits are in no known range", "号段不在已知范围内", \
	  NULL, NULL) \
	X(EXTENSION, "extension", "has an extension", "带有分机号", \
	  "Keep the extension in a column of its own.", "请将分机号另存一栏。") \
	X(SEVERAL_VALUES, "several_values", "holds several values", "含有多个值", \
	  "Keep one value to a column.", "每一栏只填写一个值。") \
	X(NO_AT_SIGN, "no_at_sign", "has no @ sign", "缺少 @ 符号", \
	  NULL, NULL) \
	X(SEVERAL_AT_SIGNS, "several_at_signs", "has more than one @ sign", "含有多个 @ 符号", \
	  NULL, NULL) \
	X(DISPLAY_NAME, "display_name", "has a name beside the address", "地址之外还有名称", \
	  "Keep only the address that stands between < and >.", "请只保留 < 与 > 之间的地址。") \
	X(MAILTO, "mailto", "is a link that begins with \"mailto:\"", "是以“mailto:”开头的链接", \
	  "Keep only the address that stands after it.", "请只保留其后的地址。") \
	X(ROLE_ACCOUNT, "role_account", "is the address of a duty, not of a person", "是岗位邮箱，不是个人邮箱", \
	  NULL, NULL) \
	X(LOCAL_PART_EMPTY, "local_part_empty", "there is nothing before the @ sign", "@ 之前没有内容", \
	  NULL, NULL) \
	X(LOCAL_PART_TOO_LONG, "local_part_too_long", "the part before the @ sign is longer than 64 characters", "@ 之前的部分超过 64 个字符", \
	  NULL, NULL) \
	X(LOCAL_PART_DOT, "local_part_dot", "the part before the @ sign begins or ends with a dot or has two in a row", "@ 之前的部分以点开头或结尾，或有连续的点", \
	  NULL, NULL) \
	X(LOCAL_PART_QUOTED, "local_part_quoted", "the part before the @ sign is quoted", "@ 之前的部分带有引号", \
	  NULL, NULL) \
	X(DOMAIN_EMPTY, "domain_empty", "there is no domain after the @ sign", "@ 之后没有域名", \
	  NULL, NULL) \
	X(DOMAIN_DOT, "domain_dot", "the domain begins or ends with a dot or has two in a row", "域名以点开头或结尾，或有连续的点", \
	  NULL, NULL) \
	X(DOMAIN_HYPHEN, "domain_hyphen", "a label of the domain begins or ends with a hyphen", "域名的某一节以连字符开头或结尾", \
	  NULL, NULL) \
	X(DOMAIN_TOO_LONG, "domain_too_long", "the domain is longer than 255 bytes", "域名超过 255 字节", \
	  NULL, NULL) \
	X(LABEL_TOO_LONG, "label_too_long", "a label of the domain is longer than 63 bytes", "域名的某一节超过 63 字节", \
	  NULL, NULL) \
	X(DOMAIN_NOT_IDNA, "domain_not_idna", "the domain is not a valid internationalised name", "域名不是有效的国际化域名", \
	  NULL, NULL) \
	X(DOMAIN_RESERVED_LABEL, "domain_reserved_label", "a label of the domain has hyphens in its third and fourth place", "域名某一节的第三、四位为连字符，此类名称保留", \
	  NULL, NULL) \
	X(DOMAIN_DOTLESS, "domain_dotless", "the domain has no dot", "域名中没有点", \
	  NULL, NULL) \
	X(DOMAIN_LITERAL, "domain_literal", "the domain is a network address", "域名处写的是网络地址", \
	  NULL, NULL) \
	X(DOMAIN_SPECIAL_USE, "domain_special_use", "the domain is reserved and receives no mail", "域名为保留名称，不能收信", \
	  NULL, NULL) \
	X(TOP_LEVEL_DOMAIN, "top_level_domain", "the top-level domain does not end in a letter", "顶级域名不以字母结尾", \
	  NULL, NULL)

#endif							/* CRM_VALUE_REASONS_H */
