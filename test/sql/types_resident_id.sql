-- Resident ID numbers: areas and their years, permits, dates, the old form.
\set SHOW_CONTEXT never
\pset null '(null)'

-- A code stands for ever in the numbers of those who got it, so that an
-- abolished area is no fault by itself: 132201 was in force until 1993. Only
-- somebody who was born later cannot have got it.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, '510104198001011236'),
	(2, '132201198501010018'),
	(3, '13220119960101001X')
) AS t(ordinal, value), crmaudit.check_value('resident_id', value) AS c
ORDER BY ordinal;

-- Codes that take areas together are in no list of counties, but in numbers:
-- the urban districts of a prefecture (510101), cities without counties
-- (441900, 442000, 460400), what a municipality (110100) or a province
-- (429000) governs directly.
SELECT value, c.verdict, c.reason
FROM (VALUES
	('510101198001011237'),
	('44190019900101001X'),
	('44200019900101002X'),
	('460400201601010019'),
	('110100200001010014'),
	('42900420000101001' || '5'),
	('42900020000101001X')
) AS t(value), crmaudit.check_value('resident_id', value) AS c
ORDER BY value;

-- Residence permits of people from Hong Kong, Macao and Taiwan have the form
-- of a citizen's number; 710000 stands in numbers of Taiwan compatriots.
SELECT value, c.verdict, c.reason
FROM (VALUES
	('810000199001010019'),
	('820000199001010029'),
	('830000199001010012'),
	('710000199001010015')
) AS t(value), crmaudit.check_value('resident_id', value) AS c
ORDER BY value;

-- The permit of a foreigner has 9, the province and the nationality: an
-- unknown province cannot be, an unknown nationality is in no list of ours.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, '911124198108030024'),
	(2, '911999198108030029'),
	(3, '990124198108030028')
) AS t(ordinal, value), crmaudit.check_value('resident_id', value) AS c
ORDER BY ordinal;

-- Unknown provinces are invalid, unknown counties of a known one suspect.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, '990105194912310023'),
	(2, '000105194912310024'),
	(3, '11019919491231002X')
) AS t(ordinal, value), crmaudit.check_value('resident_id', value) AS c
ORDER BY ordinal;

-- The birth date exists (1900 was no leap year, 2000 was), is not before 1880
-- and not in the future. A future date is blamed before the check character.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, '110105190002290025'),
	(2, '110105200002290021'),
	(3, '110105187912310024'),
	(4, '110105188001010025'),
	(5, '110105209901010020'),
	(6, '110105209901010021')
) AS t(ordinal, value), crmaudit.check_value('resident_id', value) AS c
ORDER BY ordinal;

-- The 15 digits of before 1999 are suspect and have the 18 as canonical form;
-- order codes from 996 on were of people born in the eighteen hundreds. A
-- doubt about the area comes first; an impossible date is impossible here too,
-- and where it stands is told in the old form.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '110105491231002'),
	(2, '110105901231997'),
	(3, '110105701231997'),
	(4, '110199491231002'),
	(5, '110105490231002'),
	(6, '990105491231002'),
	(7, '11010549123100X'),
	(8, '911124810803002')
) AS t(ordinal, value), crmaudit.check_value('resident_id', value) AS c
ORDER BY ordinal;

-- Anything but digits is blamed where it stands in what was typed: X is for
-- the end only, and a letter O is no zero that we mend.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, '11010519491X310021'),
	(2, '110105 19491231 0O2X'),
	(3, '１１０１０５１９４９１２３１００２Y'),
	(4, '1101051949123100211')
) AS t(ordinal, value), crmaudit.check_value('resident_id', value) AS c
ORDER BY ordinal;

\set leap_id 110105200402290012
-- What the type tells. The name of the area is that of the year of birth.
SET search_path = public, crmaudit;
SELECT value AS id_no, birth_date(value::resident_id), sex(value::resident_id), area(value::resident_id), area_name(value::resident_id),
	document_kind(value::resident_id), nationality(value::resident_id)
FROM (VALUES
	(1, '11010519491231002X'),
	(2, '110105491231002'),
	(3, '990105194912310023'),
	(4, '11019919491231002X'),
	(5, '911156199001010010'),
	(6, '810000199001010027')
) AS t(ordinal, value)
ORDER BY ordinal;
-- Completed years: who was born on 29 February has a birthday on 1 March of a
-- common year, and before birth there is no age.
SELECT day, age_on(id_no, day) FROM (VALUES (date '2022-02-28'), ('2022-03-01'), ('2024-02-28'), ('2024-02-29'), ('2004-02-28')) AS t(day),
	(VALUES (:'leap_id'::resident_id)) AS u(id_no) ORDER BY day;
SELECT age(id_no) = age_on(id_no, current_date) AS ok FROM (VALUES (:'leap_id'::resident_id)) AS t(id_no);
SELECT age_on(:'leap_id', 'infinity');
