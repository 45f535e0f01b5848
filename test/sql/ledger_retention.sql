-- Partitions made ahead; old findings, refusals and months of the ledger go.
CREATE DATABASE ledger_retention;
\c ledger_retention
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
CREATE EXTENSION crmaudit;
-- names of months, as the days of the test do not matter
CREATE FUNCTION monthless(name text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(replace(replace(replace(name, to_char(now() AT TIME ZONE 'UTC', 'YYYYMM'), 'THIS'),
		to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYYMM'), 'NEXT'),
		to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months', 'YYYYMM'), 'NEXT_BUT_ONE'),
		'before \d.*', 'before ...')
$$;
CREATE VIEW maintained AS SELECT monthless(subject) AS subject, action, detail FROM crmaudit.maintain();
CREATE VIEW partitions AS
	SELECT monthless(c.relname) AS name, i.indexrelid IS NOT NULL AS indexed,
		(SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A' AND t.tgname IN ('ledger_guard', 'ledger_guard_truncate')) AS guards,
		EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') AS member
	FROM (SELECT relid FROM pg_partition_tree('crmaudit.ledger_entry') UNION ALL SELECT relid FROM pg_partition_tree('crmaudit.ledger_context')) p
		JOIN pg_class c ON c.oid = p.relid LEFT JOIN pg_index i ON i.indrelid = c.oid
	WHERE c.relkind = 'r' ORDER BY c.relname;

-- ahead
SELECT * FROM partitions;
SELECT * FROM maintained;
SELECT * FROM partitions;
SELECT * FROM maintained;
-- bounds are those of UTC, whatever the session's time zone
SELECT count(*) FROM pg_class WHERE relname = 'ledger_entry_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')
	AND pg_get_expr(relpartbound, oid) LIKE format('FOR VALUES FROM (''%s'')%%', date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC');
-- what is missing is mended
SELECT format('DROP TABLE crmaudit.ledger_context_%s; DROP INDEX crmaudit.ledger_entry_%1$s_xid_idx',
	to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYYMM')) AS drop_some \gset
:drop_some;
SELECT * FROM maintained;
SELECT count(*) FROM partitions WHERE indexed AND guards = 2;
-- rows of a month that are in the default partition stay there
SELECT format('DROP TABLE crmaudit.ledger_entry_%s', to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months', 'YYYYMM')) AS drop_some \gset
:drop_some;
CREATE VIEW forged AS SELECT crmaudit.ledger_incarnation() AS incarnation, xid, at, xid AS context_xid, 101 AS table_id, 0::regclass AS target, ord, 1 AS context, 'S'::"char" AS op,
	NULL::xid8 AS subxid, NULL::jsonb AS row_key, NULL::jsonb AS old, '{}'::jsonb AS new, 'test' AS actor, NULL AS reason, NULL AS client, NULL::text[] AS personal, NULL::bytea AS salt, NULL::jsonb AS commitments, ''::bytea AS leaf
	FROM (VALUES ('11'::xid8, now() + interval '2 months', 1)) AS v(xid, at, ord);
INSERT INTO crmaudit.ledger_entry SELECT * FROM forged;
SELECT * FROM maintained;
-- a table in the way
ALTER TABLE crmaudit.ledger_entry_default DISABLE TRIGGER ledger_guard;
DELETE FROM crmaudit.ledger_entry_default;
SELECT format('CREATE TABLE crmaudit.ledger_entry_%s (a int)', to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months', 'YYYYMM')) AS create_one \gset
:create_one;
SELECT * FROM maintained WHERE action = 'left';
:drop_some;
SELECT * FROM maintained;
-- a large partition gets its index from somebody who does not block writers
CREATE TABLE crmaudit.ledger_entry_201801 (LIKE crmaudit.ledger_entry);
ALTER TABLE crmaudit.ledger_entry ATTACH PARTITION crmaudit.ledger_entry_201801 FOR VALUES FROM ('2018-01-01 00:00+00') TO ('2018-02-01 00:00+00');
ALTER TABLE crmaudit.ledger_entry_201801 ALTER new SET STORAGE PLAIN;
INSERT INTO crmaudit.ledger_entry_201801 SELECT (f).* FROM (SELECT row(incarnation, xid, '2018-01-01 12:00+00'::timestamptz, xid, table_id, target, n, context, op, subxid, row_key, old,
	jsonb_build_object('a', repeat('x', 7500)), actor, reason, client, personal, salt, commitments, leaf)::crmaudit.ledger_entry AS f FROM forged, generate_series(1, 9000) n) s;
SELECT * FROM maintained;
SET crmaudit.drop_ledger = on;
DROP TABLE crmaudit.ledger_entry_201801;
RESET crmaudit.drop_ledger;

-- how long what is kept
SELECT * FROM crmaudit.retention_periods();
INSERT INTO crmaudit.retention VALUES ('findings', '1 year');
INSERT INTO crmaudit.retention VALUES ('rejection', '-1 year');
INSERT INTO crmaudit.retention VALUES ('rejection', '90 days'), ('run', NULL);
SELECT subject, keep, is_default FROM crmaudit.retention_periods();
DELETE FROM crmaudit.retention;

-- findings: of eight, those go as a whole that were over three years ago
CREATE TABLE customer (id int PRIMARY KEY, name text);
SELECT crmaudit.protect('customer', mode => 'observe');
SELECT crmaudit.add_rule('customer', 'filled', 'required', '{name}');
SELECT crmaudit.add_rule('customer', 'short', 'length', '{name}', '{"max": 3}');
SELECT id AS filled FROM crmaudit.rule WHERE name = 'filled' \gset
SELECT id AS short FROM crmaudit.rule WHERE name = 'short' \gset
INSERT INTO crmaudit.finding_event (at, rule_id, rule_version, target, row_key, event, verdict)
	SELECT now() - years * interval '1 year', rule_id, 1, 'customer', CASE WHEN id > 0 THEN jsonb_build_object('id', id) END, event, 'invalid'
	FROM (VALUES
		(1, 9, :filled, 'seen'), (1, 8, :filled, 'gone'),						-- repaired long ago
		(2, 9, :filled, 'seen'),												-- still open
		(3, 9, :filled, 'seen'), (3, 8, :filled, 'gone'), (3, 2, :filled, 'seen'),	-- open again
		(4, 9, :filled, 'seen'), (4, 2, :filled, 'gone'),						-- repaired not so long ago
		(5, 9, :filled, 'seen'), (5, 8, :filled, 'seen'), (5, 7, :filled, 'gone'),
		(6, 9, :filled, 'gone'),												-- never seen
		(1, 8, :short, 'seen'), (0, 7, :short, 'disabled'),						-- closed with its rule
		(2, 6, :short, 'seen'),													-- after that
		(0, 5, NULL, 'truncated')) AS v(id, years, rule_id, event);
INSERT INTO crmaudit.finding_event (at, rule_id, rule_version, target, row_key, event, verdict)
	VALUES (now() - interval '4 years', :filled, 1, 'customer', '{"id": 7}', 'seen', 'invalid'), (now() - interval '4 years', :short, 1, 'customer', '{"id": 7}', 'seen', 'invalid'),
		(now() - interval '1 month', :short, 1, 'customer', NULL, 'disabled', NULL);
CREATE VIEW findings AS SELECT rule, row_key, status, resolution, occurrences, id FROM crmaudit.finding ORDER BY rule, row_key;
SELECT rule, row_key, status, resolution, occurrences FROM findings;
CREATE TEMP TABLE findings_before AS SELECT * FROM findings;
BEGIN;
DELETE FROM crmaudit.finding_event WHERE event = 'truncated';
SELECT monthless(subject) AS subject, action, monthless(detail) AS detail FROM crmaudit.maintain();
SELECT rule, row_key, status, resolution, occurrences FROM findings;
-- those that stay are what they were, an end stays while it closes something
SELECT count(*) FROM (TABLE findings EXCEPT SELECT * FROM findings_before) AS d WHERE d.status = 'resolved';
SELECT event FROM crmaudit.finding_event WHERE row_key IS NULL ORDER BY id;
ROLLBACK;
INSERT INTO crmaudit.retention VALUES ('finding_event', NULL);
SELECT count(*) FROM crmaudit.maintain();
DELETE FROM crmaudit.retention;
SELECT subject, action, monthless(detail) AS detail FROM crmaudit.maintain();
SELECT rule, row_key, status, resolution, occurrences FROM findings;
SELECT new - 'before' FROM crmaudit.ledger_entry WHERE new ->> 'action' = 'retention';
SELECT count(*) FROM crmaudit.maintain();

-- refusals
INSERT INTO crmaudit.rejection (at, target, operation, rules, reasons, violations, actor, username)
	SELECT now() - months * interval '1 month', 'customer', 'INSERT', '{}', '{}', 1, 'a', 'a' FROM (VALUES (1), (11), (13), (30)) AS v(months);
SELECT subject, action, monthless(detail) AS detail FROM crmaudit.maintain();
INSERT INTO crmaudit.retention VALUES ('rejection', '90 days');
SELECT subject, action, monthless(detail) AS detail FROM crmaudit.maintain();
SELECT count(*) FROM crmaudit.rejection;
DELETE FROM crmaudit.retention;

-- the ledger: months of 2020, one in the default partition, one in its own
SELECT crmaudit.track('customer');
INSERT INTO customer VALUES (1, 'Li'), (2, 'Wu');
SELECT count(crmaudit.create_ledger_partition(p, '2020-03-01')) FROM (VALUES ('crmaudit.ledger_entry'::regclass), ('crmaudit.ledger_context')) AS t(p);
SELECT count(crmaudit.create_ledger_partition('crmaudit.ledger_entry', '2020-04-01'));
INSERT INTO crmaudit.ledger_entry SELECT incarnation, v.xid, v.at, v.xid, t.table_id, target, v.ord, context, op, subxid, '{}', old, new, actor, reason, client, personal, salt, commitments, leaf FROM forged,
	(VALUES ('11'::xid8, '2020-01-31 23:00+00'::timestamptz, 1), ('11', '2020-02-01 00:00+00', 2), ('12', '2020-03-05 00:00+00', 1), ('12', '2020-03-05 00:00+00', 2)) AS v(xid, at, ord),
	(SELECT e.table_id FROM crmaudit.tracked_table e WHERE e.target = 'customer'::regclass) t;
INSERT INTO crmaudit.ledger_context SELECT crmaudit.ledger_incarnation(), xid, at, 1, 'test', 'test', 'test', NULL, NULL, NULL, ''
	FROM (VALUES ('11'::xid8, '2020-01-31 23:00+00'::timestamptz), ('11', '2020-02-01 00:00+00'), ('12', '2020-03-05 00:00+00')) AS v(xid, at);
\set VERBOSITY terse
SELECT * FROM crmaudit.prune_ledger('2020-06-01');
\set VERBOSITY default
INSERT INTO crmaudit.ledger_block SELECT n, 1, crmaudit.ledger_incarnation(), pg_current_snapshot(), 2, 1, 2 * n, now(), '0/0', now(), '', '{}', '', '', sha256(n::text::bytea) FROM generate_series(1, 3) n;
INSERT INTO crmaudit.ledger_block_partition VALUES (1, '2020-01-01', 1, 1, ''), (1, '2020-02-01', 1, 1, ''), (2, '2020-03-01', 1, 1, '');
INSERT INTO crmaudit.ledger_transaction VALUES (1, '2020-01-01', '11', 1, ''), (1, '2020-02-01', '11', 1, ''), (2, '2020-03-01', '12', 2, ''), (3, '2020-05-01', '12', 1, '');
INSERT INTO crmaudit.ledger_key VALUES (101, 1, 7, 1, '11'), (101, 2, 7, 1, '11'), (101, 1, 7, 2, '12'), (101, 2, 7, 2, '12'), (101, 2, 7, 3, '12'), (101, 3, 7, 2, '12');
SELECT jsonb_build_object('block', block_id, 'hash', encode(hash, 'hex')) AS digest FROM crmaudit.ledger_block WHERE block_id = 3 \gset
SELECT jsonb_build_object('block', block_id, 'hash', encode(hash, 'hex')) AS older FROM crmaudit.ledger_block WHERE block_id = 2 \gset
-- sealed, but not all
SELECT * FROM crmaudit.prune_ledger('2020-06-01', :'digest');
INSERT INTO crmaudit.ledger_block_partition VALUES (3, '2020-03-01', 2, 1, '');
SELECT * FROM crmaudit.prune_ledger('2020-06-01', :'digest');
INSERT INTO crmaudit.ledger_entry SELECT incarnation, '13', '2020-03-31 23:59:59.999999+00', '13', table_id, target, 1, context, op, subxid, '{}', old, new, actor, reason, client, personal, salt, commitments, leaf FROM forged;
-- a digest, and the right one
SELECT * FROM crmaudit.prune_ledger('2020-06-01');
SELECT * FROM crmaudit.prune_ledger('2020-06-01', '{"block": "3"}');
SELECT * FROM crmaudit.prune_ledger('2020-06-01', '[]');
SELECT * FROM crmaudit.prune_ledger('2020-06-01', :'older');
SELECT * FROM crmaudit.prune_ledger('2020-06-01', '{"block": 3, "hash": "00"}');
SELECT * FROM crmaudit.prune_ledger('2020-06-01', '{"block": 4, "hash": "00"}');
-- a period to keep
INSERT INTO crmaudit.retention VALUES ('ledger', '3 years');
SELECT * FROM crmaudit.prune_ledger(now() - interval '2 years', :'digest');
DELETE FROM crmaudit.retention;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM crmaudit.prune_ledger('2020-06-01', :'digest');
ROLLBACK;
-- a transaction that is not over
BEGIN;
INSERT INTO crmaudit.ledger_entry SELECT incarnation, '14', '2020-02-02', '14', table_id, target, 1, context, op, subxid, row_key, old, new, actor, reason, client, personal, salt, commitments, leaf FROM forged;
PREPARE TRANSACTION 'ledger_retention';
SELECT * FROM crmaudit.prune_ledger('2020-06-01', :'digest');
ROLLBACK PREPARED 'ledger_retention';
-- only who may
CREATE ROLE ledger_retention_user;
GRANT SELECT ON crmaudit.ledger_block TO ledger_retention_user;
SET ROLE ledger_retention_user;
SELECT * FROM crmaudit.prune_ledger('2020-06-01', :'digest');
SELECT crmaudit.prune_ledger_months('{2020-01-01}', :'digest');
SELECT * FROM crmaudit.maintain();
RESET ROLE;
DROP OWNED BY ledger_retention_user;
DROP ROLE ledger_retention_user;

-- nothing is over
SELECT * FROM crmaudit.prune_ledger('2020-01-31', :'digest');
-- January; rows are recorded again, as their images may have been there
SELECT count(*) FROM crmaudit.ledger_entry WHERE op = 'B';
UPDATE crmaudit.tracked_table SET baselined_at = '2019-12-31' WHERE target = 'customer'::regclass;
SELECT * FROM crmaudit.prune_ledger('2020-02-15', :'digest');
SELECT count(*) FROM crmaudit.ledger_entry WHERE op = 'B' AND table_id > 100;
SELECT e.at AT TIME ZONE 'UTC' AS at, xid, ord FROM crmaudit.ledger_entry e WHERE e.at < '2021-01-01' ORDER BY 1, 2, 3;
-- the rest; the images are younger now
SELECT * FROM crmaudit.prune_ledger('2020-06-01', :'digest');
SELECT count(*) FROM crmaudit.ledger_entry WHERE op = 'B' AND table_id > 100;
SELECT (SELECT count(*) FROM crmaudit.ledger_entry WHERE at < '2021-01-01') AS entries, (SELECT count(*) FROM crmaudit.ledger_context WHERE at < '2021-01-01') AS contexts;
SELECT * FROM partitions WHERE name ~ '\d';
SELECT block_id, period, entries FROM crmaudit.ledger_block_partition ORDER BY 1, 2;
SELECT * FROM crmaudit.ledger_transaction;
SELECT * FROM crmaudit.ledger_key;
SELECT period, entries, digest = :'digest', pruned_by = session_user FROM crmaudit.ledger_pruned ORDER BY 1;
SELECT new - 'block' FROM crmaudit.ledger_entry WHERE new ->> 'action' = 'prune' ORDER BY xid, ord;
SELECT * FROM crmaudit.prune_ledger('2020-06-01', :'digest');
-- a month of which nothing was there
SELECT crmaudit.prune_ledger_months(NULL, NULL), crmaudit.prune_ledger_months('{NULL}', NULL), crmaudit.prune_ledger_months('{}', NULL);
SELECT crmaudit.prune_ledger_months('{2019-01-01}', NULL);
SELECT * FROM crmaudit.ledger_guard_faults();
\c crmaudit_regress
DROP DATABASE ledger_retention;
