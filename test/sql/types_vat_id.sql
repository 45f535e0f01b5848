-- VAT numbers: the member states of the EU, Northern Ireland, the United
-- Kingdom, Norway and Switzerland.
\set SHOW_CONTEXT never
\pset null '(null)'

-- A number of every country, and the same with one check digit changed, which
-- is invalid everywhere. The canonical form is prefix and number; that of
-- Switzerland has the German suffix, whatever language the value has.
CREATE TABLE sample (right_one text PRIMARY KEY, wrong_one text);
INSERT INTO sample VALUES
	('ATU13585627', 'ATU13585626'),
	('BE0428759497', 'BE0428759498'),
	('BG175074752', 'BG175074751'),
	('CHE-107.787.577 IVA', 'CHE-107.787.578 IVA'),
	('CY10259033P', 'CY10259033Z'),
	('CZ25123891', 'CZ25123890'),
	('DE136695976', 'DE136695978'),
	('DK13585628', 'DK13585627'),
	('EE100931558', 'EE100931559'),
	('EL094259216', 'EL094259217'),
	('ESB58378431', 'ESB58378432'),
	('FI20774740', 'FI20774741'),
	('FR40303265045', 'FR41303265045'),
	('GB980780684', 'GB980780685'),
	('HR33392005961', 'HR33392005962'),
	('HU12892312', 'HU12892313'),
	('IE6433435F', 'IE6433435E'),
	('IT00743110157', 'IT00743110158'),
	('LT119511515', 'LT119511516'),
	('LU15027442', 'LU15027443'),
	('LV40003521600', 'LV40003521601'),
	('MT11679112', 'MT11679113'),
	('NL004495445B01', 'NL004495446B01'),
	('NO 995 525 828 MVA', 'NO 995 525 829 MVA'),
	('PL8567346215', 'PL8567346216'),
	('PT501964843', 'PT501964842'),
	('RO18547290', 'RO18547291'),
	('SE123456789701', 'SE123456789801'),
	('SI50223054', 'SI50223055'),
	('SK2022749619', 'SK2022749618'),
	('XI980780684', 'XI980780685');
SELECT right_one, r.verdict, r.canonical, wrong_one, w.verdict, w.reason, w.part
FROM sample, crmaudit.check_value('vat_id', right_one) AS r,
	crmaudit.check_value('vat_id', wrong_one) AS w
ORDER BY right_one COLLATE "C";

-- Countries with several forms: short Belgian, Greek and Dutch numbers, whose
-- zeros the canonical form has; the Dutch number of sole traders; French keys
-- with letters; Irish numbers with a second letter or a sign; Spaniards,
-- foreigners and companies; departments and health authorities; and numbers of
-- people who trade under their own names.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	('BE428759497'),
	('BG7523169263'), ('BG7111042925'), ('BG7552A10004'), ('BG7523169264'),
	('CZ7103192745'), ('CZ991231123'), ('CZ640903926'), ('CZ7103192746'), ('CZ110312'),
	('EL94259216'),
	('ES54362315K'), ('ESX5253868R'), ('ESM1234567L'), ('ESJ99216582'), ('ESJ9921658B'), ('ESX5253868K'),
	('FRK7399859412'), ('FR4Z123456782'), ('FR4Z123456783'), ('FRO7399859412'),
	('IE6433435OA'), ('IE8D79739I'), ('IE8+79739I'), ('IE8*79739I'), ('IE6433435OB'),
	('LT100001919017'),
	('LV16117519997'), ('LV16117519998'),
	('NL4495445B01'), ('NL123456789B13'), ('NL004495445B00'),
	('RO1630615123457'), ('RO1630615123458'), ('RO19'), ('RO1'),
	('SK7103192745'),
	('XI434031494'), ('XIGD001'), ('XIHA500'), ('XI980780684001')
) AS t(value), crmaudit.check_value('vat_id', value) AS c
ORDER BY value COLLATE "C";

-- Blanks, hyphens, dots, slashes, lower case and full-width characters are no
-- fault here; to the other kinds dots, slashes and signs remain foreign.
SELECT kind, value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, 'vat_id', ' de 136.695.976 '),
	(2, 'vat_id', 'CZ710319/2745'),
	(3, 'vat_id', 'ＡＴ－Ｕ１３５８５６２７'),
	(4, 'vat_id', 'ie8＋79739i'),
	(5, 'vat_id', 'DE136695976+'),
	(6, 'iban', 'GB82.WEST12345698765432'),
	(7, 'iban', 'GB82WEST1234569876543/2'),
	(8, 'lei', '5493001KJTII+C8Y1R12')
) AS t(ordinal, kind, value), crmaudit.check_value(kind, value) AS c
ORDER BY ordinal;

-- Every reason. Greek numbers have EL; British ones are no longer numbers of
-- the EU; a Norwegian or Swiss number without its suffix is right, but does
-- not say that the business is registered for VAT; a Latvian code in 32 tells
-- no birth date.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '  '),
	(2, 'DE'),
	(3, 'DE13669597'),
	(4, 'DE-1366 9597 6X'),
	(5, 'DE136695-97O'),
	(6, 'DE036695976'),
	(7, 'ATX13585627'),
	(8, 'DE136695979'),
	(9, '136695976'),
	(10, 'US136695976'),
	(11, 'CH-107.787.577 MWST'),
	(12, 'GR094259216'),
	(13, 'GB980780684'),
	(14, 'NO995525828'),
	(15, 'CHE-107.787.577'),
	(16, 'CHE-107.787.577 VAT'),
	(17, 'IT00743111150'),
	(18, 'CY12259033P'),
	(19, 'XIGD500'),
	(20, 'CZ7113192746'),
	(21, 'LV31027519990'),
	(22, 'LV32536426576'),
	(23, 'RO1631315123457'),
	(24, 'DE!36695976')
) AS t(ordinal, value), crmaudit.check_value('vat_id', value) AS c
ORDER BY ordinal;

-- A region is the country of a value that has no prefix; a prefix goes before
-- it. Where the region is the United Kingdom its numbers are no surprise.
SELECT value, region, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '136695976', 'DE'),
	(2, '136 695 978', 'DE'),
	(3, 'DE136695976', 'FR'),
	(4, '094259216', 'GR'),
	(5, '107.787.577 mwst', 'CH'),
	(6, '995525828 MVA', 'NO'),
	(7, 'U13585627', 'AT'),
	(8, '428759497', 'BE'),
	(9, 'GB980780684', 'GB'),
	(10, '980780684', 'IM'),
	(11, '53 0000 04605', 'MC'),
	(12, '136695976', 'US'),
	(13, 'XI980780684', 'GB')
) AS t(ordinal, value, region), crmaudit.check_value('vat_id', value, region) AS c
ORDER BY ordinal;

-- Every single wrong digit is found where the check is one of ISO 7064 or
-- Luhn, and where no weight has a factor of the modulus: one digit of the
-- number is replaced by each of the others, and none may pass.
SELECT left(right_one, 2) AS country, count(*) AS tried,
	count(*) FILTER (WHERE crmaudit.is_valid('vat_id', changed)) AS passed
FROM sample, generate_series(1, length(right_one)) AS place, generate_series(0, 9) AS digit,
	LATERAL overlay(right_one PLACING digit::text FROM place FOR 1) AS changed
WHERE left(right_one, 2) IN ('AT', 'BE', 'CH', 'DE', 'DK', 'EE', 'FI', 'FR', 'HR', 'HU', 'IE', 'IT', 'LU', 'MT', 'NO', 'PL', 'SE', 'SK')
	AND substr(right_one, place, 1) BETWEEN '0' AND '9' AND changed <> right_one
GROUP BY 1
ORDER BY 1;

-- A rule takes the region from its parameter or from a column, and writes the
-- canonical form back.
CREATE TABLE customer (id int PRIMARY KEY, vat text, country char(2));
SELECT crmaudit.protect('customer', mode => 'enforce');
SELECT crmaudit.add_rule('customer', 'vat', 'format', '{vat}',
	'{"type": "vat_id", "region": "DE", "region_column": "country", "normalise": true}') IS NOT NULL AS added;
INSERT INTO customer VALUES
	(1, '136 695 976', NULL),
	(2, '434 0314 94', 'GB'),
	(3, 'che-107.787.577 tva', 'CH'),
	(4, 'gr 094259216', 'GR'),
	(5, '', 'FR');
SELECT * FROM customer ORDER BY id;
INSERT INTO customer VALUES (6, 'DE136695978', NULL);

DROP TABLE customer, sample;

-- What the type tells: the country of ISO 3166-1, which is not the prefix of
-- Greece and of Northern Ireland.
SET search_path = public, crmaudit;
SELECT value AS vat, country(value::vat_id), mask(value::vat_id) FROM (VALUES ('ATU13585627'), ('EL094259216'), ('XI432525179')) AS t(value) ORDER BY value;
