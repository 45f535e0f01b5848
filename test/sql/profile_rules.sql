-- suggest_rules(): rules that suggest themselves, with exact counts, ready for
-- import_rules().
\set SHOW_CONTEXT never
\pset null '(null)'
SET TimeZone = 'UTC';

CREATE TABLE client (
	id int PRIMARY KEY,
	client_no text,
	serial_no text,
	full_name text,
	mobile text,
	mail text,
	gender text,
	status text,
	level int,
	postcode text,
	notes text,
	dob date,
	signed text,
	amount numeric,
	share_percent numeric,
	balance numeric,
	city text,
	created_at timestamptz NOT NULL,
	updated_at timestamptz,
	renewal_due date,
	extra jsonb,
	doubled int GENERATED ALWAYS AS (level * 2) STORED
);
INSERT INTO client
SELECT i, 'K' || lpad((i * 37 % 100000)::text, 5, '0'), (700000 + i * 113)::text || CASE WHEN i % 150 = 0 THEN 'x' ELSE '' END,
	CASE WHEN i = 5 THEN 'test' ELSE 'Anna ' || chr(65 + i % 26) || 'urelia' || repeat('n', i % 3) END,
	CASE WHEN i % 50 = 0 THEN '123' ELSE '138' || lpad((i * 7919 % 100000000)::text, 8, '0') END,
	CASE WHEN i % 40 = 0 THEN 'none' WHEN i = 299 THEN 'client298@mail.cn' WHEN i % 10 <> 1 THEN 'client' || i || '@mail.cn' END,
	CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END,
	CASE WHEN i = 7 THEN 'actve' WHEN i % 4 = 0 THEN 'closed' ELSE 'active' END,
	i % 3, lpad((i * 31 % 1000)::text, 5, '10'),
	'Called about offer ' || i || ', ' || repeat('will come back later; ', i % 4),
	CASE i WHEN 8 THEN '1889-01-01' WHEN 9 THEN '2999-01-01' ELSE date '1950-01-01' + i * 37 END,
	CASE WHEN i % 60 = 0 THEN '3.4.2024' ELSE to_char(date '2020-01-01' + i, 'YYYY-MM-DD') END,
	CASE WHEN i = 11 THEN -1 WHEN i % 100 <> 3 THEN i * 1.5 END, i % 101, i - 150, CASE i % 12 WHEN 0 THEN 'Aachen' ELSE 'Berlin' END,
	timestamptz '2020-01-01 00:00Z' + i * interval '1 day', timestamptz '2020-01-01 00:00Z' + CASE i WHEN 20 THEN 1 ELSE i * 2 END * interval '1 day',
	date '2990-01-01' + i, '{}'
FROM generate_series(1, 300) i;
ANALYZE client;

SELECT name, kind, columns, params, severity, dimension, confidence AS conf, rows, would_fail AS fail, would_suspect AS suspect
FROM crmaudit.suggest_rules('client');
SELECT name, why, english FROM crmaudit.suggest_rules('client') WHERE name ~ '^(client_no|mobile|signed|status|amount)';
-- No rule about free text but that it is there, none on cities' spelling, on
-- future dates, numbers that may be negative, or computed columns.
SELECT name FROM crmaudit.suggest_rules('client')
WHERE columns && '{notes,city,renewal_due,balance,extra,doubled}' AND kind NOT IN ('required', 'not_blank');
-- A higher bound leaves out what few rows support, or many break.
SELECT count(*) AS all, count(*) FILTER (WHERE confidence >= 0.985) AS sure,
	(SELECT count(*) FROM crmaudit.suggest_rules('client', 0.985)) AS asked FROM crmaudit.suggest_rules('client');
-- Whatever a backslash in a string is to a session, which is new.
CREATE TABLE by_default AS SELECT s::text AS line FROM crmaudit.suggest_rules('client') s UNION ALL SELECT p::text FROM crmaudit.profile('client') p
	UNION ALL SELECT crmaudit.shell_word(E'it''s "$"') UNION ALL SELECT crmaudit.column_sql('a -> 1 ->> b');
\c -
SET TimeZone = 'UTC';
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT count(*) > 20 AS lines, count(*) FILTER (WHERE NOT line IN (SELECT s::text FROM crmaudit.suggest_rules('client') s UNION ALL SELECT p::text FROM crmaudit.profile('client') p
	UNION ALL SELECT crmaudit.shell_word(E'it''s "$"') UNION ALL SELECT crmaudit.column_sql('a -> 1 ->> b'))) AS missing FROM by_default;
RESET standard_conforming_strings;
RESET escape_string_warning;
DROP TABLE by_default;
-- The bound.
SELECT crmaudit.wilson_lower(45, 45), crmaudit.wilson_lower(43, 45), crmaudit.wilson_lower(0, 10), crmaudit.wilson_lower(0, 0);

-- They can be imported once the table is protected, and then find what was
-- foretold.
SELECT crmaudit.suggested_rules_json('client') ->> 'target' AS target, crmaudit.suggested_rules_json('client') #> '{rules,0}' AS first;
SELECT crmaudit.import_rules(crmaudit.suggested_rules_json('client'));
SELECT crmaudit.protect('client', mode => 'observe', history => false);
SELECT name, kind, would_fail, would_suspect INTO TEMP foretold FROM crmaudit.suggest_rules('client');
SELECT crmaudit.import_rules(crmaudit.suggested_rules_json('client')) = count(*) AS imported FROM foretold;
SELECT f.name, f.would_fail, f.would_suspect, n.failed, n.suspect FROM foretold f
	JOIN crmaudit.rule_kind k USING (kind)
	LEFT JOIN (SELECT rule, count(DISTINCT c.id) FILTER (WHERE v.verdict = 'invalid') AS failed, count(DISTINCT c.id) FILTER (WHERE v.verdict = 'suspect') AS suspect
		FROM client c, crmaudit.violations(c) v GROUP BY rule) n ON n.rule = f.name
WHERE k.level = 'row' AND (f.would_fail, f.would_suspect) IS DISTINCT FROM (coalesce(n.failed, 0), coalesce(n.suspect, 0));
SELECT name, would_fail FROM foretold WHERE kind = 'unique' ORDER BY name;
SELECT crmaudit.unprotect('client');

-- A column that holds many kinds of values, and one that says which; a key of
-- another table without a foreign key.
CREATE SCHEMA party;
CREATE TABLE party.party (id int PRIMARY KEY, code text);
INSERT INTO party.party SELECT i, 'P' || i FROM generate_series(1, 40) i;
CREATE TABLE party.contact_mechanism (id int PRIMARY KEY, party_id int, type text NOT NULL, value text);
INSERT INTO party.contact_mechanism
SELECT i, CASE WHEN i = 1 THEN 999 ELSE 1 + i % 40 END, CASE i % 4 WHEN 0 THEN 'phone' WHEN 1 THEN 'mobile' WHEN 2 THEN 'email' ELSE 'website' END,
	CASE WHEN i % 30 = 2 THEN 'ask her' WHEN i % 4 IN (0, 1) THEN '+86 138' || lpad((i * 7919 % 100000000)::text, 8, '0')
		WHEN i % 4 = 2 THEN 'c' || i || '@mail.cn' ELSE 'https://c' || i || '.cn/' END
FROM generate_series(1, 120) i;
SELECT name, kind, columns, params, condition, confidence AS conf, would_fail AS fail, why FROM crmaudit.suggest_rules('party.contact_mechanism');
SELECT crmaudit.protect('party.contact_mechanism', mode => 'observe', history => false);
SELECT crmaudit.import_rules(crmaudit.suggested_rules_json('party.contact_mechanism'));
SELECT v.rule, count(*) FROM party.contact_mechanism m, crmaudit.violations(m) v GROUP BY 1 ORDER BY 1;

-- Nothing comes of nothing, and little of little.
CREATE TABLE nothing (a int, mail text);
SELECT * FROM crmaudit.suggest_rules('nothing');
SELECT crmaudit.suggested_rules_json('nothing');
INSERT INTO nothing VALUES (1, 'a@mail.cn');
SELECT name FROM crmaudit.suggest_rules('nothing', 0);
UPDATE nothing SET mail = NULL, a = NULL;
INSERT INTO nothing SELECT NULL, NULL FROM generate_series(1, 50);
SELECT name FROM crmaudit.suggest_rules('nothing', 0);

-- Names that must be quoted, and two columns whose rules would have one name.
CREATE TABLE "Odd ""one""" ("E-Mail" text, "id'no" text, "a->>b" text);
INSERT INTO "Odd ""one""" SELECT 'c' || i || '@mail.cn', 'X' || 1000 + i, 'Y' || 1000 + i FROM generate_series(1, 60) i;
SELECT name, kind, columns, params, would_fail FROM crmaudit.suggest_rules('"Odd ""one"""');
SELECT crmaudit.protect('"Odd ""one"""', mode => 'observe', history => false, key => '{E-Mail}');
SELECT crmaudit.import_rules(crmaudit.suggested_rules_json('"Odd ""one"""'));

SELECT count(crmaudit.unprotect(t)) FROM unnest('{party.contact_mechanism,"\"Odd \"\"one\"\"\""}'::regclass[]) t;
DROP TABLE client, nothing, "Odd ""one""";
SET client_min_messages = warning;
DROP SCHEMA party CASCADE;
