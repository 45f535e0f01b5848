-- check_value() and is_valid(): the verdict of every identifier kind, the
-- reason, the part to blame, and the canonical form.
\set SHOW_CONTEXT never

-- What people type: blanks, hyphens, lower case and full-width characters are
-- no fault, and the canonical form has none of them.
SELECT kind, value, c.verdict, c.canonical
FROM (VALUES
	('bank_card', '4111 1111-1111 1111'),
	('email', 'Li.Wei+crm@Example-Corp.COM'),
	('email', '张伟@例子.公司'),
	('iban', 'gb82 west 1234 5698 7654 32'),
	('lei', '5493001kjtiigc8y1r12'),
	('phone', '+86 138-1234-5678'),
	('phone', '+44 (0)20 7946 0018'),
	('resident_id', '11010519491231002x'),
	('resident_id', '１１０１０５１９４９１２３１００２Ｘ'),
	('resident_id', '110105 19491231 002X'),
	('uscc', '91350100m000100y43')
) AS t(kind, value), crmaudit.check_value(kind, value) AS c
ORDER BY kind, value COLLATE "C";

-- A phone number is read in its region; an international one needs none, and
-- the region may be given in lower case.
SELECT value, region, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '138 1234 5678', 'CN'),
	(2, '138 1234 5678', 'cn'),
	(3, '138 1234 5678', NULL),
	(4, '138 1234 5678', ''),
	(5, '138 1234 5678', 'ZZ'),
	(6, '8613812345678', 'CN'),
	(7, '008613812345678', 'CN'),
	(8, '+8613812345678', 'US'),
	(9, '010-8888 6666', 'CN'),
	(10, '8888 6666', 'CN'),
	(11, '400-810-8888', 'CN'),
	(12, '12012345678', 'CN'),
	(13, '1381234567', 'CN'),
	(14, '138 1234 5678 转 12', 'CN'),
	(15, '13812345678、13912345678', 'CN'),
	(16, '13812345678/13912345678', 'CN'),
	(17, '1381234567a', 'CN'),
	(18, '+999 12345678', NULL),
	(19, '(202) 555-0143', 'US')
) AS t(ordinal, value, region), crmaudit.check_value('phone', value, region) AS c
ORDER BY ordinal;

-- Valid is what libphonenumber's isValidNumber() says: prefixes of national
-- notation, vanity letters, RFC 3966, text around the number and extensions
-- are read as it reads them. The part to blame ends with the digit after
-- which no number goes on.
SELECT left(value, 41) AS value, region, c.verdict, c.reason, left(c.part, 20) AS part, c.canonical
FROM (VALUES
	(1, '011 15-2345-6789', 'AR'),
	(2, '+39 06 1234 5678', NULL),
	(3, '1-800-FLOWERS', 'US'),
	(4, 'tel:020-7946-0958;phone-context=+44;ext=5', NULL),
	(5, 'Tel. (020) 7946 0958 ext. 12', 'GB'),
	(6, '＋８６ １３８－１２３４－５６７８', NULL),
	(7, '٠٢٠ ٧٩٤٦ ٠٩٥٨', 'GB'),
	(8, '+800 1234 5678', NULL),
	(9, '810 44 20 7946 0958', 'RU'),
	(10, '+1 800 111 1234', NULL),
	(11, '+49 30 123', NULL),
	(12, '010-8888 66661', 'CN'),
	(13, '555-0143', 'US'),
	(14, '1234', NULL),
	(15, '没有', 'CN'),
	(16, '13812345678 张三', 'CN'),
	(17, repeat('1', 251), 'CN')
) AS t(ordinal, value, region), crmaudit.check_value('phone', value, region) AS c
ORDER BY ordinal;

-- Every reason of the resident ID, and the part to blame: what cannot be is
-- invalid, a code that only no list knows is suspect. The old 15 digits are
-- suspect and have the 18-digit number as canonical form.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '11010519491231002X'),
	(2, '110105194912310021'),
	(3, '1101051949123100'),
	(4, '11010519491231A02X'),
	(5, '11010519490231002X'),
	(6, '110105187912310028'),
	(7, '110105209912310028'),
	(8, '990105194912310023'),
	(9, '11019919491231002X'),
	(10, '510211202001010020'),
	(11, '110105491231002'),
	(12, ''),
	(13, '911124198108030024'),
	(14, '911999198108030029')
) AS t(ordinal, value), crmaudit.check_value('resident_id', value) AS c
ORDER BY ordinal;

-- The credit code: a wrong check character is invalid, but suspect where it
-- was issued in Xiamen; a person's ID in its place is told apart.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '91350100M000100Y43'),
	(2, '91350100M000100Y44'),
	(3, '91350200M000100Y43'),
	(4, '91350100M000100Y4'),
	(5, '91350100I000100Y43'),
	(6, '97350100M000100Y4G'),
	(7, '91350100M000100Y56'),
	(8, '91990100M000100Y4U'),
	(9, '11010519491231002X')
) AS t(ordinal, value), crmaudit.check_value('uscc', value) AS c
ORDER BY ordinal;

-- Card numbers: some real debit cards fail the check digit, so that it is
-- suspect there and invalid elsewhere.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '6228480402564890018'),
	(2, '6228480402564890019'),
	(3, '4111111111111112'),
	(4, '41111111111'),
	(5, '4111x11111111111'),
	(6, '0000000000000000')
) AS t(ordinal, value), crmaudit.check_value('bank_card', value) AS c
ORDER BY ordinal;

-- IBAN and LEI: length by country, check digits, and the digits outside 02 to
-- 98, which the arithmetic accepts and no issuer gives.
SELECT kind, value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, 'iban', 'GB82WEST12345698765432'),
	(2, 'iban', 'GB82WEST12345698765433'),
	(3, 'iban', 'GB82WEST1234569876543'),
	(4, 'iban', 'GB82WEST1234569876543!'),
	(5, 'iban', 'XX82WEST12345698765432'),
	(6, 'iban', 'GB99WEST00000000000029'),
	(7, 'iban', 'FR8420041010050500013M02607'),
	(8, 'lei', '5493001KJTIIGC8Y1R12'),
	(9, 'lei', '5493001KJTIIGC8Y1R13'),
	(10, 'lei', '5493001KJTIIGC8Y1R1'),
	(11, 'lei', '5493001KJTII!C8Y1R12'),
	(12, 'lei', '5493001KJTII00002501')
) AS t(ordinal, kind, value), crmaudit.check_value(kind, value) AS c
ORDER BY ordinal;

-- E-mail: what no server takes is invalid; what some take, or what is spelt
-- oddly, is suspect. The domain "example" is for examples, and passes.
SELECT left(value, 24) AS value, c.verdict, c.reason, left(c.part, 12) AS part
FROM (VALUES
	(1, 'li.wei@mail.cn'),
	(2, 'li.wei'),
	(3, 'li@wei@mail.cn'),
	(4, '@mail.cn'),
	(5, 'li.wei@'),
	(6, '.li@mail.cn'),
	(7, 'li..wei@mail.cn'),
	(8, 'li wei@mail.cn'),
	(9, 'li@mail..cn'),
	(10, 'li@-mail.cn'),
	(11, 'li@ma_il.cn'),
	(12, 'li@localhost'),
	(13, 'li@mail.example'),
	(14, 'li@mail.c0'),
	(15, 'li@ab--cd.cn'),
	(16, 'li@[192.0.2.1]'),
	(17, '"li wei"@mail.cn'),
	(18, 'Li Wei <li@mail.cn>'),
	(19, 'li@mail.cn; wei@mail.cn'),
	(20, ' li@mail.cn'),
	(21, 'ｌｉ＠ｍａｉｌ．ｃｎ'),
	(22, '   '),
	(23, repeat('l', 65) || '@mail.cn'),
	(24, 'li@' || repeat('m', 64) || '.cn'),
	(25, 'li@' || repeat('mail.', 52) || 'cn')
) AS t(ordinal, value), crmaudit.check_value('email', value) AS c
ORDER BY ordinal;

-- Three verdicts, but is_valid() only asks for one of them.
SELECT value, c.verdict, crmaudit.is_valid('bank_card', value) AS is_valid
FROM (VALUES (1, '6228480402564890018'), (2, '6228480402564890019'), (3, '4111111111111112')) AS t(ordinal, value),
	crmaudit.check_value('bank_card', value) AS c
ORDER BY ordinal;

-- NULL has no verdict; neither function is STRICT, for the region may be NULL.
SELECT verdict, reason, part, canonical, message FROM crmaudit.check_value('email', NULL);
SELECT verdict, reason, part, canonical, message FROM crmaudit.check_value(NULL, 'li@mail.cn');
SELECT crmaudit.is_valid('email', NULL) AS no_value, crmaudit.is_valid(NULL, 'x') AS no_kind,
	crmaudit.is_valid('email', 'li@mail.cn', NULL) AS no_region;

-- The words are in the language of the session, the codes are not.
SET crmaudit.language = 'zh';
SELECT verdict, reason, message FROM crmaudit.check_value('resident_id', '110105194912310021');
SET crmaudit.language = 'en';
SELECT verdict, reason, message FROM crmaudit.check_value('resident_id', '110105194912310021');
RESET crmaudit.language;

-- A kind that is not known is an error that lists those that are.
SELECT crmaudit.check_value('e-mail', 'li@mail.cn');
SELECT crmaudit.is_valid('fax', '1');

-- So is a region that cannot be one.
SELECT crmaudit.check_value('phone', '13812345678', 'China');
