-- The kinds range, date_order, not_future and max_age: order and time. NULL
-- passes.
\set SHOW_CONTEXT never

CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE customer (
	id int PRIMARY KEY,
	age int,
	rate numeric,
	name text COLLATE "C",
	born date,
	made_at timestamptz,
	typed text,
	extra jsonb,
	score positive
);
SELECT crmaudit.protect('customer', mode => 'observe');
CREATE FUNCTION pg_temp.verdicts() RETURNS TABLE (id int, violations text)
LANGUAGE sql AS $$
	SELECT id, coalesce(string_agg(DISTINCT format('%s: %s %s', v.rule, v.verdict, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL), '-')
	FROM customer AS c LEFT JOIN crmaudit.violations(c) AS v ON true
	GROUP BY id ORDER BY id
$$;

-- range: bounds are included and read in the column's type, whose order counts;
-- a number in text, or in json, is compared as a number, and what is none is
-- suspect; bounds that are strings compare as text does.
SELECT count(crmaudit.add_rule('customer', name, 'range', columns::text[], params::jsonb))
FROM (VALUES
	('age', '{age}', '{"min": 0, "max": 150}'),
	('rate', '{rate}', '{"max": 0.5}'),
	('name', '{name}', '{"min": "A", "max": "M"}'),
	('born', '{born}', '{"min": "1900-01-01"}'),
	('made_at', '{made_at}', '{"min": "2024-01-01 00:00+00", "max": "2024-12-31 23:59:59+00"}'),
	('typed', '{typed}', '{"min": 9, "max": 100}'),
	('extra', '{extra->>height}', '{"min": 9, "max": 100}'),
	('score', '{score}', '{"min": 0, "max": 10}')
) AS t(name, columns, params);
INSERT INTO customer (id, age, rate, name, born, made_at, typed, extra, score) VALUES
	(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(2, 0, 0.5, 'A', '1900-01-01', '2024-01-01 00:00+00', '9', '{"height": 9}', 10),
	(3, 150, -1, 'M', 'infinity', '2024-12-31 23:59:59+00', '100.0', '{"height": "100"}', 1),
	(4, -1, 0.51, 'Ma', '1899-12-31', '2023-12-31 23:59:59+00', '8.999', '{"height": 8}', 11),
	(5, 151, 'NaN', '', '-infinity', '2025-01-01 00:00+00', '100.001', '{"height": 1e3}', NULL),
	(6, NULL, NULL, 'a', NULL, NULL, 'tall', '{"height": "tall"}', NULL),
	(7, NULL, NULL, NULL, NULL, NULL, '', '{"height": null}', NULL),
	(8, NULL, NULL, NULL, NULL, NULL, ' 10', '{"height": []}', NULL);
SELECT id, violations FROM pg_temp.verdicts();
TRUNCATE customer;
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'customer'::regclass;

-- date_order: the first is not after the second, nor equal to it if "strict";
-- a day is compared with the day of a moment. Text is read as year, month, day
-- whatever DateStyle says, and what is no date is suspect.
SET timezone = 'Asia/Shanghai';
SELECT count(crmaudit.add_rule('customer', name, 'date_order', columns::text[], params::jsonb))
FROM (VALUES
	('born_made', '{born,made_at}', '{}'),
	('born_made_strictly', '{born,made_at}', '{"strict": true}'),
	('typed_made', '{typed,made_at}', '{}')
) AS t(name, columns, params);
INSERT INTO customer (id, born, made_at, typed) VALUES
	(1, NULL, '2024-05-01 00:00', NULL),
	(2, '2024-05-01', NULL, '2024-05-01'),
	(3, '2024-04-30', '2024-05-01 00:00', '2024/4/30'),
	(4, '2024-05-01', '2024-05-01 00:00', '2024.05.01'),
	(5, '2024-05-02', '2024-05-01 23:59', '20240502'),
	(6, NULL, '2024-05-01 00:00', '01/05/2024'),
	(7, NULL, '2024-05-01 00:00', '2024-04-30 12:00'),
	(8, NULL, '2024-05-01 00:00', '2024-13-01'),
	(9, NULL, '2024-05-01 00:00', '2024-4/30'),
	(10, 'infinity', '-infinity', '   ');
SET datestyle = 'SQL, DMY';
SELECT id, violations FROM pg_temp.verdicts();
RESET datestyle;
TRUNCATE customer;
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'customer'::regclass;

-- Two moments are compared as moments.
CREATE TABLE visit (id int PRIMARY KEY, begun timestamp, ended timestamptz);
SELECT crmaudit.protect('visit', mode => 'observe');
SELECT crmaudit.add_rule('visit', 'begun_ended', 'date_order', '{begun,ended}') > 0 AS defined;
INSERT INTO visit VALUES
	(1, '2024-05-01 10:00', '2024-05-01 10:00+08'),
	(2, '2024-05-01 10:00:01', '2024-05-01 10:00+08'),
	(3, '2024-05-01 10:00', '2024-05-01 10:00+00');
SELECT id, v.reason FROM visit AS t, crmaudit.violations(t) AS v WHERE column_name = 'begun' ORDER BY id;
DROP TABLE visit;

-- not_future: today is not the future, nor is the moment at which the row is
-- written, even if that is after the transaction began.
SELECT count(crmaudit.add_rule('customer', name, 'not_future', ARRAY[name])) FROM unnest('{born,made_at,typed}'::text[]) AS name;
BEGIN;
INSERT INTO customer (id, born, made_at, typed) VALUES
	(1, NULL, NULL, NULL),
	(2, current_date, clock_timestamp(), to_char(current_date, 'YYYY-MM-DD')),
	(3, current_date + 1, now() + interval '1 minute', to_char(current_date + 1, 'YYYYMMDD')),
	(4, '1900-01-01', '-infinity', '1900-01-01'),
	(5, 'infinity', 'infinity', 'tomorrow');
SELECT id, violations FROM pg_temp.verdicts();
ROLLBACK;
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'customer'::regclass;

-- max_age: by the calendar, to the moment; a day counts from its beginning.
SELECT count(crmaudit.add_rule('customer', name, 'max_age', ARRAY[name], '{"interval": "1 year"}')) FROM unnest('{born,made_at,typed}'::text[]) AS name;
BEGIN;
INSERT INTO customer (id, born, made_at, typed) VALUES
	(1, NULL, NULL, NULL),
	(2, current_date, now() - interval '1 year', to_char(current_date, 'YYYY-MM-DD')),
	(3, (now() - interval '1 year 1 day')::date, now() - interval '1 year 1 second', to_char(now() - interval '1 year 1 day', 'YYYY/MM/DD')),
	(4, current_date + 1000, 'infinity', '3000-01-01'),
	(5, '-infinity', '-infinity', 'long ago');
SELECT id, violations FROM pg_temp.verdicts();
ROLLBACK;
DROP TABLE customer;
DROP DOMAIN positive;
RESET timezone;
