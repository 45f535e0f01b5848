-- Findings: one per rule and row, folded from events that are only appended.
\set SHOW_CONTEXT never

CREATE TABLE fi_customer (id int PRIMARY KEY, mail text, mobile text);
SELECT crmaudit.protect('fi_customer', mode => 'observe') \gset
SELECT crmaudit.add_rule('fi_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}', owner => 'desk') \gset
SELECT crmaudit.add_rule('fi_customer', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN"}', severity => 'warning') \gset

-- Seen again it counts; first_seen stays, last_seen moves; the id is that of
-- the first time. A new version of the rule is the one that the last event cites.
INSERT INTO fi_customer VALUES (1, 'secret', NULL);
SELECT id, first_seen, last_seen FROM crmaudit.finding WHERE target = 'fi_customer'::regclass \gset first_
SELECT pg_sleep(0.01) \gset
SELECT crmaudit.alter_rule('fi_customer', 'mail_valid', severity => 'critical') \gset
UPDATE fi_customer SET mail = 'secret too' WHERE id = 1;
SELECT id = :first_id AS same_id, first_seen = :'first_first_seen' AS same_first, last_seen > :'first_last_seen' AS later_last,
	occurrences, rule_version, severity, status, assignee, username = session_user AS by_me
	FROM crmaudit.finding WHERE target = 'fi_customer'::regclass;

-- Resolved it has a time and a resolution; reopened it has none again.
UPDATE fi_customer SET mail = 'li@example.cn' WHERE id = 1;
SELECT id = :first_id AS same_id, status, resolved_at >= last_seen AS has_time, resolution FROM crmaudit.finding WHERE target = 'fi_customer'::regclass;
UPDATE fi_customer SET mail = 'secret' WHERE id = 1;
SELECT id = :first_id AS same_id, status, resolved_at, resolution, occurrences FROM crmaudit.finding WHERE target = 'fi_customer'::regclass;

-- No value of a row is in an event: key, column and reason tell where to look.
SELECT count(*) FROM crmaudit.finding_event e WHERE e::text LIKE '%secret%';
SELECT row_key, column_name, reason, severity, verdict, mode FROM crmaudit.finding_event
	WHERE target = 'fi_customer'::regclass AND event = 'seen' ORDER BY id DESC LIMIT 1;

-- Forms of a key: numbers, texts, other types by their text, NULL.
CREATE TABLE fi_keys (a bigint, b text, c date, d uuid, e numeric, f int, g timestamptz, h bytea, name text);
SELECT crmaudit.protect('fi_keys', mode => 'observe', key => '{a,b,c,d,e,f,g,h}') \gset
SELECT crmaudit.add_rule('fi_keys', 'named', 'required', '{name}') \gset
SET datestyle = 'German';
SET timezone = 'Asia/Shanghai';
SET bytea_output = 'escape';
INSERT INTO fi_keys VALUES (9007199254740993, 'a "quoted" 名', '2024-02-29', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1.50, NULL, '2024-02-29 12:00+08', '\xDEAD', NULL);
RESET datestyle;
RESET timezone;
RESET bytea_output;
SELECT row_key FROM crmaudit.finding WHERE target = 'fi_keys'::regclass;
-- The key does not depend on the session, or the repair would not find it.
UPDATE fi_keys SET name = 'Li';
SELECT count(*) FILTER (WHERE status = 'open') AS open, count(*) FROM crmaudit.finding WHERE target = 'fi_keys'::regclass;

-- More than a statement's buffer holds: all are written, once.
TRUNCATE fi_customer;
INSERT INTO fi_customer SELECT i, 'bad', 'bad' FROM generate_series(1, 2500) i;
SELECT rule, count(*), max(occurrences) FROM crmaudit.open_findings WHERE target = 'fi_customer'::regclass AND (row_key -> 'id')::int > 1 GROUP BY rule ORDER BY rule;
SELECT rule, open_findings FROM crmaudit.rule_status WHERE target = 'fi_customer'::regclass ORDER BY rule;
UPDATE fi_customer SET mail = NULL, mobile = NULL;
SELECT status, count(*) FROM crmaudit.finding WHERE target = 'fi_customer'::regclass GROUP BY status;

-- open_findings: the gravest first.
INSERT INTO fi_customer VALUES (3001, 'bad', 'bad');
SELECT rule, row_key, severity, in_words, assignee FROM crmaudit.open_findings WHERE target = 'fi_customer'::regclass;
SET crmaudit.language = 'zh';
SELECT rule, in_words FROM crmaudit.open_findings WHERE target = 'fi_customer'::regclass;
RESET crmaudit.language;

-- "due" says when a finding must be worked off; overdue ones have a view.
-- Working days are Monday to Friday unless crmaudit.calendar says otherwise, and end at 24:00.
SELECT crmaudit.due_date('2024-05-31 10:00+00', '3 working days') = date '2024-06-06' AS over_a_weekend,
	crmaudit.due_date('2024-05-31 10:00+00', '1 working day') = date '2024-06-04' AS monday,
	crmaudit.due_date('2024-05-31 10:00+00', '36 hours') = '2024-06-01 22:00+00' AS hours,
	crmaudit.due_date('2024-05-31 10:00+00', NULL) IS NULL AS none;
SELECT crmaudit.due_date('2024-05-31', 'soon');
SELECT crmaudit.alter_rule('fi_customer', 'mail_valid', params => '{"type":"email","due":"3 working days"}') \gset
SELECT crmaudit.alter_rule('fi_customer', 'mobile_valid', params => '{"type":"phone","region":"CN","due":"1 millisecond"}') \gset
INSERT INTO fi_customer VALUES (3002, 'bad', 'bad');
SELECT pg_sleep(0.01) \gset
SELECT rule, due_at = crmaudit.due_date(first_seen, CASE rule WHEN 'mail_valid' THEN '3 working days' ELSE '1 millisecond' END) AS due
	FROM crmaudit.open_findings WHERE target = 'fi_customer'::regclass AND row_key = '{"id": 3002}' ORDER BY rule;
SELECT rule, row_key, overdue_by > interval '0' AS overdue FROM crmaudit.overdue_findings WHERE target = 'fi_customer'::regclass;

-- A dropped rule resolves its findings, which keep its name.
SELECT crmaudit.drop_rule('fi_customer', 'mobile_valid') \gset
SELECT rule, row_key, status, resolution FROM crmaudit.finding
	WHERE target = 'fi_customer'::regclass AND (row_key -> 'id')::int > 3000 ORDER BY row_key, rule;
-- A rule of the same name is another one.
SELECT crmaudit.add_rule('fi_customer', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN"}') \gset
INSERT INTO fi_customer VALUES (3003, NULL, 'bad');
UPDATE fi_customer SET mobile = '123' WHERE id = 3002;
SELECT row_key, status, occurrences FROM crmaudit.finding
	WHERE target = 'fi_customer'::regclass AND rule = 'mobile_valid' AND (row_key -> 'id')::int > 3001 ORDER BY row_key, status;

-- A dropped table resolves them too, and its rules are gone.
SELECT array_agg(id) AS rules FROM crmaudit.rule WHERE target = 'fi_customer'::regclass \gset dropped_
DROP TABLE fi_customer;
SELECT rule, status, resolution, count(*) FROM crmaudit.finding
	WHERE rule_id = ANY (:'dropped_rules') AND resolution IS DISTINCT FROM 'repaired or deleted' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) FROM crmaudit.rule WHERE id = ANY (:'dropped_rules');
SELECT name, max(version) AS version, count(dropped_at) AS dropped FROM crmaudit.rule_version WHERE rule_id = ANY (:'dropped_rules') GROUP BY name ORDER BY name;

-- An event of a key so long that it is compressed or stored apart is found by the indexes too.
CREATE TABLE fi_wide (key text PRIMARY KEY, name text);
SELECT crmaudit.protect('fi_wide', mode => 'observe', history => false);
SELECT crmaudit.add_rule('fi_wide', 'filled', 'required', '{name}') AS wide_rule \gset
INSERT INTO fi_wide SELECT (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 70) j), NULL FROM generate_series(1, 3) i;
SET enable_seqscan = off;
SELECT count(*) FROM generate_series(0, 2) i JOIN crmaudit.finding_event e ON e.id = (SELECT max(id) FROM crmaudit.finding_event) - i WHERE e.rule_id = :wide_rule;
RESET enable_seqscan;
UPDATE fi_wide SET name = 'x';
SELECT status, count(*) FROM crmaudit.finding WHERE target = 'fi_wide'::regclass GROUP BY status;
DROP TABLE fi_wide;

DROP TABLE fi_keys;
