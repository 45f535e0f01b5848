-- National check digits in IBANs. Those of four countries are part of
-- validity; those of others are looked at by rules with "national_check", and
-- make a value suspect.
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TABLE account (iban text PRIMARY KEY);
SELECT crmaudit.protect('account', mode => 'observe');
SELECT crmaudit.add_rule('account', 'iban', 'format', '{iban}', '{"type": "iban", "national_check": true}') IS NOT NULL AS added;

-- The IBAN with check digits of its own that are right for this account.
CREATE FUNCTION as_iban(country text, bban text) RETURNS text LANGUAGE sql AS $$
	SELECT country || lpad((98 - string_agg(
		CASE WHEN c BETWEEN '0' AND '9' THEN c ELSE (ascii(c) - 55)::text END, '' ORDER BY place)::numeric % 97)::text, 2, '0') || bban
	FROM string_to_table(bban || country || '00', NULL) WITH ORDINALITY AS t(c, place)
$$;

-- Published examples, two for each country of the registry as far as there
-- are two, then of countries that use IBANs without being in it. "spoilt" has
-- the last digit of the checked part raised by one, and IBAN check digits that
-- are right again.
CREATE TABLE example (country text, bban text, place int, ordinal serial);
INSERT INTO example (country, bban, place) VALUES
	('AL', '212110090000000235698741', 8), ('AL', '202111090000000001234567', 8),
	('BA', '1290079401028494', 16), ('BA', '3385804800211234', 16),
	('BI', '10000100010000332045181', 23),
	('CZ', '08000000192000145399', 10), ('CZ', '55000000001011038930', 20),
	('DJ', '00010000000154000100186', 23), ('DJ', '10002010010409943020008', 23),
	('EE', '2200221020145685', 16), ('EE', '1000001020145685', 16),
	('FI', '12345600000785', 14), ('FI', '10093000123458', 14),
	('FR', '20041010050500013M02606', 23), ('FR', '30006000011234567890189', 23),
	('HR', '10010051863000160', 7), ('HR', '23600001101234565', 17),
	('HU', '117730161111101800000000', 8), ('HU', '117730161111101800000000', 16), ('HU', '116000060000000012345676', 24),
	('IS', '0159260076545510730339', 21), ('IS', '0001121234563108962099', 21),
	('IT', 'X0542811101000000123456', 23), ('IT', 'K0310412701000000820420', 23),
	('MC', '11222000010123456789030', 23), ('MC', '12739000700011111000H79', 23),
	('MK', '250120000058984', 15), ('MK', '200002785123453', 15),
	('MR', '00020001010000123456753', 23), ('MR', '00012000010000002037372', 23),
	('NL', 'ABNA0417164300', 14), ('NL', 'RABO0300065264', 14),
	('PL', '109010140000071219812874', 8), ('PL', '105000997603123456789123', 8),
	('PT', '000201231234567890154', 21), ('PT', '002700000001234567833', 21),
	('RS', '260005601001611379', 18), ('RS', '105008123123123173', 18),
	('SI', '263300012039086', 15), ('SI', '191000000123438', 15),
	('SK', '12000000198742637541', 10), ('SK', '75000000000012345671', 20),
	('SM', 'U0322509800000000270100', 23), ('SM', 'P0854009812123456789123', 23),
	('ST', '000100010051845310146', 21), ('ST', '000200000289355710148', 21),
	('TL', '0080012345678910157', 19), ('TL', '0010012345678910106', 19),
	('TN', '10006035183598478831', 20), ('TN', '14207207100707129648', 20),
	('XK', '1212012345678906', 16), ('XK', '1000000000000053', 16),
	('AO', '004400006729503010102', 21), ('AO', '000600000100037131174', 21),
	('BF', 'BF0840101300463574000390', 24),
	('BJ', 'BJ0610100100144390000769', 24), ('BJ', 'B00610100400271101192591', 24),
	('CF', '20001000010120069700160', 23),
	('CG', '30011000101013451300019', 23),
	('CI', 'A00060174100178530011852', 24),
	('CM', '10002000300277976315008', 23),
	('CV', '000300004547069110176', 21), ('CV', '000500000020108215144', 21),
	('GA', '40021010032001890020126', 23),
	('GQ', '50002001003715228190196', 23),
	('KM', '00005000010010904400137', 23),
	('MA', '011519000001205000534921', 24),
	('MG', '00005030071289421016045', 23),
	('ML', 'ML0160120102600100668497', 24), ('ML', 'D00890170001002120000447', 24),
	('MZ', '000100000011834194157', 21), ('MZ', '000301080016367102371', 21),
	('NE', 'NE0380100100130305000268', 24),
	('SN', 'SN0100152000048500003035', 24),
	('TD', '60002000010271091600153', 23), ('TD', '60003000203710253860174', 23),
	('TG', 'TG0090604310346500400070', 24);
CREATE VIEW spoilt AS
SELECT ordinal, as_iban(country, overlay(bban PLACING ((substr(bban, place, 1)::int + 1) % 10)::text FROM place FOR 1)) AS iban
FROM example;

-- Without the parameter none of them is told from its spoilt neighbour.
SELECT count(*) AS pairs,
	count(*) FILTER (WHERE c.verdict = 'valid') AS "valid",
	count(*) FILTER (WHERE c.verdict = 'suspect' AND c.reason = 'country_not_registered') AS not_registered,
	count(*) FILTER (WHERE (s.verdict, s.reason) IS DISTINCT FROM (c.verdict, c.reason)) AS told_apart
FROM example JOIN spoilt USING (ordinal), crmaudit.check_value('iban', as_iban(country, bban)) AS c,
	crmaudit.check_value('iban', iban) AS s;

-- With it every example passes, or is only not registered, and every spoilt
-- one is suspect.
INSERT INTO account
SELECT as_iban(country, bban) FROM example
UNION SELECT iban FROM spoilt;
CREATE VIEW verdict AS
SELECT a.iban, v.severity, v.verdict, v.reason
FROM account AS a LEFT JOIN crmaudit.violations(a) AS v ON true;
SELECT e.iban AS example, e.reason, s.iban AS spoilt, s.severity, s.verdict, s.reason
FROM example JOIN spoilt USING (ordinal) JOIN verdict AS e ON e.iban = as_iban(country, bban)
	JOIN verdict AS s ON s.iban = spoilt.iban
ORDER BY ordinal;

-- Giro accounts of the Netherlands never had check digits; Czech and Croatian
-- numbers have them in two parts; other countries have none that are looked at.
TRUNCATE account;
INSERT INTO account
SELECT as_iban(country, bban) FROM (VALUES
	('NL', 'INGB0001234567'),
	('CZ', '08000000202000145399'), ('HR', '10010051863000161'),
	('DE', '370400440532013000'), ('GB', 'WEST12345698765432')
) AS t(country, bban);
SELECT * FROM verdict ORDER BY iban;

-- Those of Belgium, Spain, Montenegro and Norway make the IBAN invalid in any
-- case, and the part says which digits are wrong.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, as_iban('BE', '539007547034')), (2, as_iban('BE', '539007547035')),
	(3, as_iban('ES', '21000418450200051332')), (4, as_iban('ES', '21000418460200051332')),
	(5, as_iban('ME', '505000012345678951')), (6, as_iban('ME', '505000012345678952')),
	(7, as_iban('NO', '86011117947')), (8, as_iban('NO', '86011117948'))
) AS t(ordinal, value), crmaudit.check_value('iban', value) AS c
ORDER BY ordinal;

DROP VIEW spoilt, verdict;
DROP TABLE account, example;
DROP FUNCTION as_iban;

-- What the type tells.
SET search_path = public, crmaudit;
SELECT country('GB82WEST12345698765432'::iban), bban('GB82WEST12345698765432'), mask('GB82WEST12345698765432'::iban);
