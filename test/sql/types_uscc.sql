-- Unified social credit codes: authorities and types, areas, inner and outer
-- check characters, codes that are somebody's ID number.
\set SHOW_CONTEXT never
\pset null '(null)'

-- Every authority of GB 32100 with a type that it registers: companies, state
-- organs, public institutions, associations, law firms, religious and military
-- bodies, collectives, others.
SELECT value, c.verdict, c.reason
FROM (VALUES
	('91510104MA61T07R24'),
	('93510104MA61T07R2X'),
	('111000000000136290'),
	('125101044507123478'),
	('52100000500001237F'),
	('31110000400412346A'),
	('35110000400412346X'),
	('711100004004123466'),
	('811100004004123465'),
	('A11100004004123463'),
	('N2110112MA00000078'),
	('Y1110000400412346E')
) AS t(value), crmaudit.check_value('uscc', value) AS c
ORDER BY value COLLATE "C";

-- A type that the authority does not register is suspect, for the list has
-- grown before.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	('94510104MA61T07R2T'),
	('90510104MA61T07R27'),
	('36110000400412346T')
) AS t(value), crmaudit.check_value('uscc', value) AS c
ORDER BY value;

-- The area is the registering office's: 100000 is the national one, 110100 a
-- municipality's; a province that does not exist is only suspect here, because
-- the code as a whole checks.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	('9110000071093123XR'),
	('9111010071093123X3'),
	('9199010071093123XR')
) AS t(value), crmaudit.check_value('uscc', value) AS c
ORDER BY value;

-- The organisation code has a check character of its own. Letters that are not
-- in the alphabet, and letters in the area, are blamed where they stand.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, '91510104MA61T07R11'),
	(2, '91510104MA61T07R25'),
	(3, '91510104MA61TO7R24'),
	(4, '9151A104MA61T07R24'),
	(5, '91510104 ma61-t07r24'),
	(6, '91510104MA61T07R2')
) AS t(ordinal, value), crmaudit.check_value('uscc', value) AS c
ORDER BY ordinal;

-- An ID number in the column is told as such, whatever else is wrong with it:
-- valid, of an unknown area, and, but only as suspect, where the code is right
-- as well. Fifteen digits are more likely the old registration number of a
-- company.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '11010519491231002X'),
	(2, '11019919491231002X'),
	(3, '131101196001012353'),
	(4, '110105194912310021'),
	(5, '110105491231002')
) AS t(ordinal, value), crmaudit.check_value('uscc', value) AS c
ORDER BY ordinal;

-- What the type tells, in the language of crmaudit.language.
SET search_path = public, crmaudit;
SELECT value AS code, authority(value::uscc), organisation_type(value::uscc), area(value::uscc), area_name(value::uscc), organisation_code(value::uscc)
FROM (VALUES (1, '91350100M000100Y43'), (2, '91350200M0001WUL09')) AS t(ordinal, value)
ORDER BY ordinal;
SET crmaudit.language = 'zh';
SELECT authority('91350100M000100Y43'), organisation_type('91350100M000100Y43');
RESET crmaudit.language;
