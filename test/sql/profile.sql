-- profile(): what the columns of a table hold, counted and judged; and
-- try_rules(): what rules would say of rows, without defining them.
\set SHOW_CONTEXT never
\pset null '(null)'

-- A table that nobody described.
CREATE TABLE client (
	gone int,
	client_no text PRIMARY KEY,
	"姓名" text,
	"手机" varchar(20),
	"E-Mail" text,
	phone text,
	phone_type char(6),
	gender text,
	status text,
	"note""s" text,
	dob date,
	entered text,
	amount numeric,
	visits int,
	vip boolean,
	extra json,
	tags text[],
	created_at timestamptz,
	updated_at timestamptz,
	empty text,
	double_visits int GENERATED ALWAYS AS (visits * 2) STORED
);
ALTER TABLE client DROP COLUMN gone;
INSERT INTO client
SELECT 'K' || lpad(i::text, 5, '0'), chr(24352 + i % 7) || chr(20255 + i % 11) || CASE WHEN i % 3 = 0 THEN '' ELSE chr(26143 + i % 5) END,
	CASE WHEN i % 50 = 0 THEN '123' ELSE '138' || lpad((i * 7919 % 100000000)::text, 8, '0') END,
	CASE WHEN i % 40 = 0 THEN 'none' WHEN i % 10 <> 1 THEN 'client' || i || '@mail.cn' END,
	'see file ' || i, CASE i % 3 WHEN 0 THEN 'mobile' ELSE 'home' END,
	CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END,
	CASE WHEN i = 7 THEN 'actve' WHEN i % 4 = 0 THEN 'closed' ELSE 'active' END,
	CASE WHEN i % 5 = 0 THEN '  ' ELSE 'Called about offer ' || i || ', will come back later; likes "' || repeat('x', i % 9) || '"' END,
	date '1950-01-01' + i * 37, CASE WHEN i % 20 = 0 THEN '3.4.2024' ELSE to_char(date '2020-01-01' + i, 'YYYY-MM-DD') END,
	CASE WHEN i % 100 <> 3 THEN i * 1.5 END, i % 9, i % 2 = 0, '{"a": 1}', ARRAY['x', i::text],
	timestamptz '2020-01-01 00:00Z' + i * interval '1 day', timestamptz '2021-01-01 00:00Z' + i * interval '1 day', NULL
FROM generate_series(1, 200) i;

-- Types, counts, lengths; the range of numbers and dates only. A column that
-- cannot be compared has no distinct values.
SET TimeZone = 'UTC';
SELECT column_name, data_type, rows, nulls, blanks, distinct_values, distinct_is_exact AS exact, min_length AS min, max_length AS max, min_value, max_value
FROM crmaudit.profile('client');

-- Shapes and verdicts tell no value; codes are shown, where each stands in five rows.
SELECT column_name, patterns -> 0 AS pattern, jsonb_array_length(patterns) AS patterns, verdicts, value_rows
FROM crmaudit.profile('client') WHERE patterns IS NOT NULL OR value_rows IS NOT NULL;
-- Content decides: "phone" is none. The name breaks ties.
SELECT column_name, likely_role, confidence FROM crmaudit.profile('client') WHERE likely_role IS NOT NULL;

-- Content alone, under names that say nothing, or something else.
CREATE TABLE bare AS SELECT "手机" AS a1, "E-Mail" AS a2, gender AS a3, client_no AS a4, "姓名" AS phone_type, "E-Mail" AS email_type, i::text AS mobile
FROM client, LATERAL (SELECT substr(client_no, 2)::int AS i) n;
SELECT column_name, likely_role, confidence FROM crmaudit.profile('bare');
SELECT name AS column_name, crmaudit.name_words(name) AS words, crmaudit.hinted_roles(name) AS hints
FROM unnest('{MobilePhone2,EMAIL_ADDRESS,phone_type,date_of_birth,addr_city,手机号码,手机类型,full name,product_id}'::text[]) name;

-- Phones without a country: the region in which more are valid than by chance.
CREATE TABLE numbers AS SELECT '(212) 55' || i % 10 || '-' || 1000 + i AS us, '+4930' || 1000000 + i * 37 AS international, 100000 + i * 7 AS number,
	(31000000 + i * 7919)::text AS digits
FROM generate_series(1, 60) i;
SELECT column_name, verdicts -> 'phone' AS phone, likely_role FROM crmaudit.profile('numbers');

-- A sample is the same for the same seed; counts are over all rows.
CREATE TABLE many AS SELECT CASE WHEN i % 3 = 0 THEN 'A' || i ELSE i::text END AS code, i FROM generate_series(1, 30000) i;
SELECT column_name, rows, distinct_is_exact AS exact, abs(distinct_values - 30000) < 1500 AS near FROM crmaudit.profile('many', 1000);
SELECT (SELECT patterns FROM crmaudit.profile('many', 1000, 1) LIMIT 1) = (SELECT patterns FROM crmaudit.profile('many', 1000, 1) LIMIT 1) AS same,
	(SELECT patterns FROM crmaudit.profile('many', 1000, 1) LIMIT 1) = (SELECT patterns FROM crmaudit.profile('many', 1000, 2) LIMIT 1) AS another_seed;
SELECT sampled BETWEEN 850 AND 1150 AS sampled FROM crmaudit.profile_columns('many', 1000, 0) WHERE class = 'text';

-- No row, no column, one row, NULL only.
CREATE TABLE nothing (a int, b text, "C d" date);
SELECT column_name, rows, nulls, distinct_values, min_length, min_value, patterns, verdicts, likely_role FROM crmaudit.profile('nothing');
INSERT INTO nothing VALUES (NULL, NULL, NULL);
SELECT column_name, rows, nulls, distinct_values, likely_role FROM crmaudit.profile('nothing');
UPDATE nothing SET a = 1, b = 'x', "C d" = 'infinity';
SELECT column_name, nulls, distinct_values, min_value, patterns FROM crmaudit.profile('nothing');
CREATE TABLE bald ();
INSERT INTO bald DEFAULT VALUES;
SELECT * FROM crmaudit.profile('bald');

-- A table with partitions as a whole, a parent without its children; views,
-- materialized or not, and tables of another server.
CREATE TABLE parts (k int, mail text) PARTITION BY LIST (k);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE part_2 (mail text, x int, k int);
ALTER TABLE part_2 DROP COLUMN x;
ALTER TABLE parts ATTACH PARTITION part_2 FOR VALUES IN (2);
INSERT INTO parts SELECT 1 + i % 2, 'a' || i || '@mail.cn' FROM generate_series(1, 20) i;
SELECT column_name, rows, likely_role FROM crmaudit.profile('parts');
CREATE TABLE parent (a text);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES ('a');
INSERT INTO child VALUES ('b');
SELECT rows FROM crmaudit.profile('parent');
CREATE VIEW client_view AS SELECT client_no, "E-Mail" AS mail FROM client;
SELECT column_name, rows, likely_role FROM crmaudit.profile('client_view');
CREATE MATERIALIZED VIEW client_kept AS SELECT * FROM client_view;
SELECT column_name, rows, likely_role FROM crmaudit.profile('client_kept');

-- What cannot be read row by row.
CREATE SEQUENCE counter;
SELECT crmaudit.profile('counter');
SELECT crmaudit.profile('client', 0);

-- Rights are the caller's: columns that he may not read are left out, and rows
-- that a policy hides do not count.
CREATE ROLE profile_reader;
SET ROLE profile_reader;
SELECT count(*) FROM crmaudit.profile('client');
RESET ROLE;
GRANT SELECT (client_no, "手机") ON client TO profile_reader;
SET ROLE profile_reader;
SELECT column_name, rows, likely_role FROM crmaudit.profile('client');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "required", "columns": ["client_no"]}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "required", "columns": ["status"]}]');
SELECT name, confidence, would_fail FROM crmaudit.suggest_rules('client') WHERE kind IN ('regex', 'format');
RESET ROLE;
ALTER TABLE client ENABLE ROW LEVEL SECURITY;
CREATE POLICY some_rows ON client TO profile_reader USING (client_no <= 'K00050');
SET ROLE profile_reader;
SELECT column_name, rows FROM crmaudit.profile('client');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "required", "columns": ["client_no"]}]');
RESET ROLE;
ALTER TABLE client DISABLE ROW LEVEL SECURITY;

-- Rules on trial -----------------------------------------------------------------
-- Each as import_rules() takes it; an error of a rule's SQL is counted. Kinds
-- about other rows or about an UPDATE assess nothing.
SELECT * FROM crmaudit.try_rules('client', '[
	{"name": "mail", "kind": "format", "columns": ["E-Mail"], "params": {"type": "email"}, "severity": "error"},
	{"name": "phone", "kind": "format", "columns": ["手机"], "params": {"type": "phone", "region": "CN"}},
	{"name": "filled", "kind": "required", "columns": ["amount"]},
	{"name": "of the active", "kind": "required", "columns": ["amount"], "condition": "status = ''active''"},
	{"name": "sql", "kind": "expression", "params": {"sql": "10 / (visits - 1) > 0"}},
	{"name": "path", "kind": "required", "columns": ["extra->>a"]},
	{"name": "in future", "kind": "not_future", "columns": ["entered"]},
	{"name": "unique", "kind": "unique", "columns": ["E-Mail"]},
	{"name": "update", "kind": "immutable", "columns": ["status"]}]');
SELECT * FROM crmaudit.try_rules('parts', '[{"name": "a", "kind": "range", "columns": ["k"], "params": {"max": 1}}, {"name": "mail", "kind": "format", "columns": ["mail"], "params": {"type": "email"}}]');
SELECT * FROM crmaudit.try_rules('client_view', '[{"name": "a", "kind": "format", "columns": ["mail"], "params": {"type": "email"}}]');
SELECT * FROM crmaudit.try_rules('bare', '[{"name": "whole row", "kind": "expression", "params": {"sql": "bare.* IS NOT NULL"}}]');
SELECT * FROM crmaudit.try_rules('client', '[]');
-- Names in SQL must be qualified, as for import_rules().
CREATE FUNCTION is_big(numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 100';
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "expression", "params": {"sql": "is_big(amount)"}}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "expression", "params": {"sql": "public.is_big(amount)"}}]');
-- What is no rule.
SELECT * FROM crmaudit.try_rules('client', '{}');
SELECT * FROM crmaudit.try_rules('client', '[1]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a"}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": 1}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "required", "columns": "status"}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "required", "columns": [1]}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "required", "columns": ["status"], "params": []}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "required", "columns": ["nix"]}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "nix"}]');
SELECT * FROM crmaudit.try_rules('client', '[{"name": "a", "kind": "required", "columns": ["double_visits"]}]');

DROP TABLE client, bare, numbers, many, nothing, bald, parts, parent, child CASCADE;
DROP SEQUENCE counter;
DROP FUNCTION is_big(numeric);
DROP ROLE profile_reader;
