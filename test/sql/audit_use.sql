-- Use (D29) and performance (D30): who uses the CRM, who does not, who errs in
-- what; how its tables and statements fare, each problem with a remedy.
\set SHOW_CONTEXT never
SET timezone = 'America/New_York';

-- Nothing is mapped: the views are there, and empty.
SELECT (SELECT count(*) FROM crmaudit.inactive_users) AS inactive_users, (SELECT count(*) FROM crmaudit.crm_table_health) AS crm_table_health,
	(SELECT count(*) FROM crmaudit.slow_statements) AS slow_statements, (SELECT count(*) FROM crmaudit.statement_stability) AS statement_stability,
	(SELECT count(*) FROM crmaudit.suggest_indexes()) AS suggest_indexes;
SELECT crmaudit.pgbench_script();
SELECT crmaudit.snapshot_statements();

CREATE SCHEMA au;
-- A table without a key, of which no statements are known.
CREATE TABLE au.paper (no int, title text);
SELECT crmaudit.map_entity('news', 'au.paper', '{"news_id":"no","text":"title"}');
SELECT crmaudit.pgbench_script();
SELECT crmaudit.unmap_entity('news');
CREATE TABLE au.log (id int PRIMARY KEY, login text, person text, at timestamp, action text, result text);
CREATE TABLE au.staff (no int PRIMARY KEY, name text, kind text, dep text, left_on date);
CREATE TABLE au.customer (id int PRIMARY KEY, name text);
SET crmaudit.calendar = 'CN';
SELECT crmaudit.map_entity('usage_event', 'au.log', '{"user_id":"login","staff_id":"person","at":{"column":"at","time_zone":"Asia/Shanghai"},"action":"action","outcome":"result"}');
SELECT crmaudit.map_entity('staff', 'au.staff', '{"staff_id":"no","name":"name","kind":"kind","department":"dep","active":"left_on IS NULL"}');
SELECT crmaudit.track('au.customer');

-- Use ------------------------------------------------------------------------------------
-- The first day of this month in China, an hour after it began; there it was
-- last month in New York. Twelve months ago counts, a second earlier does not.
SELECT date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') AS month \gset
INSERT INTO au.log VALUES
	(1, 'li', '1', :'month'::timestamp + interval '1 hour', 'login', 'ok'), (2, 'li', '1', :'month'::timestamp + interval '1 hour', 'search', 'ok'),
	(3, 'li', '1', :'month'::timestamp + interval '1 hour', 'search', 'failed'), (4, 'li', '1', :'month'::timestamp + interval '1 hour', 'export', NULL),
	(5, 'li', '1', :'month'::timestamp - interval '1 second', 'login', NULL), (6, 'li', '1', :'month'::timestamp - interval '1 day 1 second', 'login', 'failed'),
	(7, 'wu', '2', :'month'::timestamp - interval '12 months', 'login', 'ok'), (8, 'wu', '2', :'month'::timestamp - interval '12 months 1 second', 'login', 'ok'),
	(9, 'wu', '2', :'month'::timestamp - interval '1 second', NULL, NULL),
	-- a clock that is wrong
	(10, 'wu', '2', :'month'::timestamp + interval '2 years', 'search', 'ok');
SET crmaudit.shared_users = 'postgres';
SET crmaudit.actor = 'li';
INSERT INTO au.customer VALUES (1, 'a'), (2, 'b');
UPDATE au.customer SET name = 'c' WHERE id = 1;
SET crmaudit.actor = 'sun';
DELETE FROM au.customer WHERE id = 2;
RESET crmaudit.actor;
SELECT age(:'month'::date, month) AS ago, user_id, staff_id, log_ins, failed_log_ins, actions, by_action, inserts, updates, deletes FROM crmaudit.usage
	WHERE user_id IN ('li', 'wu', 'sun');
-- The day of the write is today, and may be that of the log-in.
SELECT age(:'month'::date, month) AS ago, user_id, active_days FROM crmaudit.usage WHERE user_id IN ('li', 'wu') AND month < :'month'::date;

-- Who does not use it: for more than 30 days, or ever. Whoever writes, uses it;
-- a failed log-in is no use; who left, and agencies, are not looked for.
DELETE FROM au.log;
INSERT INTO au.staff VALUES (1, 'Li', 'employee', 'sales', NULL), (2, 'Wu', 'employee', 'sales', NULL), (3, 'Sun', NULL, 'service', NULL), (4, 'Qian', 'employee', 'sales', '2026-01-01'),
	(5, 'Agency', 'agency', NULL, NULL), (6, 'Zhou', 'agency staff', NULL, NULL), (7, 'Zheng', 'employee', 'sales', NULL), (8, 'Feng', 'employee', 'sales', NULL);
SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date AS today \gset
INSERT INTO au.log VALUES (1, 'li', '1', :'today'::date - 30, 'login', 'ok'), (2, 'wu', '2', :'today'::date - 31 + interval '23:59:59', 'search', 'ok'), (3, 'wu', '2', :'today'::date, 'login', 'failed'),
	(4, 'sun', '3', :'today'::date - 100, 'login', 'ok'),	-- wrote today
	(5, 'qian', '4', :'today'::date - 100, 'login', 'ok'), (6, 'feng2', '8', :'today'::date - 40, 'login', 'ok'), (7, 'feng', '8', :'today'::date - 50, 'search', 'ok'),
	(8, 'robot', NULL, :'today'::date - 60, 'login', 'ok'), (9, 'zheng', '7', :'today'::date, 'login', 'failed'),
	(10, 'wu', '2', :'today'::date + 400, 'search', 'ok');	-- a clock that is wrong
SELECT staff_id, users, department, days_unused, state, last_write_at IS NOT NULL AS writes FROM crmaudit.inactive_users;
SELECT crmaudit.unmap_entity('usage_event'), crmaudit.unmap_entity('staff');
SELECT count(*) FROM crmaudit.inactive_users;
RESET crmaudit.shared_users;

-- Errors ------------------------------------------------------------------------------------
CREATE TABLE au.person (id int PRIMARY KEY, mail text, name text);
SELECT crmaudit.protect('au.person', mode => 'observe', roles => '{"mail":"email"}');
SELECT crmaudit.add_rule('au.person', 'mail_valid', 'format', '{mail}', '{"type":"email"}') AS mail \gset
SELECT crmaudit.add_rule('au.person', 'named', 'required', '{name}') AS named \gset
SET crmaudit.shared_users = 'postgres';
SET crmaudit.actor = 'li';
INSERT INTO au.person SELECT i, CASE WHEN i <= 3 THEN 'x' WHEN i = 4 THEN 'a@b@c' ELSE 'a@example.cn' END, CASE WHEN i > 1 THEN 'Li' END FROM generate_series(1, 8) i;
SET crmaudit.actor = 'wu';
INSERT INTO au.person SELECT i, 'x', 'Wu' FROM generate_series(11, 13) i;
SET crmaudit.actor = 'sun';
INSERT INTO au.person SELECT i, 'x', 'Sun' FROM generate_series(21, 23) i;
RESET crmaudit.actor;
-- Two were refused; one a year ago, which does not count.
INSERT INTO crmaudit.rejection (at, target, operation, rules, reasons, violations, actor, username) VALUES
	(now(), 'au.person', 'INSERT', ARRAY[:mail, :named]::bigint[], '{no_at_sign,missing}', 2, 'li', 'postgres'),
	(now() - interval '60 days', 'au.person', 'INSERT', ARRAY[:mail]::bigint[], '{no_at_sign}', 1, 'li', 'postgres'),
	(now() - interval '366 days', 'au.person', 'INSERT', ARRAY[:mail]::bigint[], '{no_at_sign}', 1, 'li', 'postgres');
-- One of li's was mended, one is right as it is.
SET crmaudit.actor = 'steward';
UPDATE au.person SET mail = 'x@example.cn' WHERE id = 1;
SELECT crmaudit.false_positive(ARRAY(SELECT id FROM crmaudit.open_findings WHERE target = 'au.person'::regclass AND row_key = '{"id": 2}' AND rule = 'mail_valid'), 'so it is');
RESET crmaudit.actor;
SELECT person, rule, reason, errors, let_through, refused, still_open, last_30_days, percent_of_person, rows_written, per_100_rows, persons, train
	FROM crmaudit.error_frequency WHERE target = 'au.person'::regclass;
-- A third time, and nobody else makes it: li is to be trained, and no group.
INSERT INTO crmaudit.rejection (at, target, operation, rules, reasons, violations, actor, username) VALUES (now(), 'au.person', 'INSERT', ARRAY[:named]::bigint[], '{missing}', 1, 'li', 'postgres');
SELECT person, rule, reason, errors, let_through, refused, persons, train FROM crmaudit.error_frequency WHERE target = 'au.person'::regclass AND rule = 'named';
RESET crmaudit.shared_users;
DELETE FROM crmaudit.rejection WHERE target = 'au.person'::regclass;
SELECT crmaudit.unprotect('au.person');

-- Indexes -----------------------------------------------------------------------------------
CREATE TABLE au.visit (id bigint PRIMARY KEY, customer_no int, clerk varchar(10), about numeric, day date, entered timestamptz, state text) WITH (autovacuum_enabled = off);
CREATE TABLE au."Case" ("No" text, step text, "When" timestamptz) PARTITION BY LIST (step);
CREATE TABLE au.case_a PARTITION OF au."Case" FOR VALUES IN ('a');
SELECT crmaudit.map_entity('interaction', 'au.visit', '{"interaction_id":"id","customer_id":"customer_no","staff_id":"clerk","related_id":"about","kind":"''visit''","occurred_at":{"column":"day","time_zone":"Asia/Shanghai"},"outcome":{"column":"state","values":{"done":"reached"}}}');
-- a timestamp without a zone, as most CRMs have it
CREATE TABLE au.request (id int PRIMARY KEY, archived timestamp(3));
SELECT crmaudit.map_entity('service_request', 'au.request', '{"request_id":"id","archived_at":{"column":"archived","time_zone":"Asia/Shanghai"}}');
SELECT crmaudit.map_entity('step', 'au."Case"', '{"case_id":"No","step":"step","entered_at":"When"}');
INSERT INTO au.visit SELECT i, i % 100, 's' || i % 10, NULL, '2026-03-01'::date + i % 20, now(), CASE i % 3 WHEN 0 THEN 'done' ELSE 'planned' END FROM generate_series(1, 2000) i;
ANALYZE au.visit;
SELECT source, entity, key_columns, reason, estimated_size, statement FROM crmaudit.suggest_indexes();
-- The statements work, the planner uses the indexes, and nothing is left to suggest.
SELECT replace(statement, ' CONCURRENTLY', '') FROM crmaudit.suggest_indexes() \gexec
SELECT count(*) FROM crmaudit.suggest_indexes();
SELECT crmaudit.unmap_entity('service_request');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT FROM crmaudit.interaction() i WHERE i.customer_id = '7' AND i.occurred_at >= '2026-03-05 00:00+08';
RESET enable_seqscan;
-- An index that is partial, invalid, or of other columns first, does not count; a longer one does.
DROP INDEX au.visit_clerk_timezone_idx;
CREATE INDEX clerk_some ON au.visit (clerk) WHERE state = 'done';
CREATE INDEX clerk_second ON au.visit (state, clerk, ((day::timestamp AT TIME ZONE 'Asia/Shanghai')));
SELECT statement FROM crmaudit.suggest_indexes();
CREATE INDEX clerk_long ON au.visit (clerk, (day::timestamp AT TIME ZONE 'Asia/Shanghai'), state);
SELECT statement FROM crmaudit.suggest_indexes();
DROP INDEX au.clerk_long;

-- Tables ------------------------------------------------------------------------------------
-- 2000 rows, of which 800 are dead, and the pages of rows that were long.
UPDATE au.visit SET state = repeat('x', 1500);
UPDATE au.visit SET state = 'planned';
SELECT pg_stat_force_next_flush();
VACUUM (ANALYZE) au.visit;
DELETE FROM au.visit WHERE id <= 800;
SELECT pg_stat_force_next_flush();
SELECT aspect, CASE WHEN aspect IN ('dead rows', 'missing indexes') THEN value END AS value, unit, is_problem, remedy FROM crmaudit.crm_table_health WHERE target = 'au.visit'::regclass AND NOT aspect IN ('bloat', 'sequential scans');
SELECT aspect, value BETWEEN 80 AND 99.9 AS value, is_problem, regexp_replace(remedy, 'about.*', 'about ...') AS remedy FROM crmaudit.crm_table_health WHERE target = 'au.visit'::regclass AND aspect = 'bloat';
VACUUM (FULL, ANALYZE) au.visit;
SELECT crmaudit.bloat_estimate('au.visit') AS bloat_after;
-- Partitions are seen one by one; a view by the table behind it.
SELECT target, entities, aspect, value, is_problem FROM crmaudit.crm_table_health WHERE target <> 'au.visit'::regclass;

-- Statements --------------------------------------------------------------------------------
-- No value is shown: strings, long numbers and comments are taken out, and what
-- cannot be taken apart is not shown.
SELECT q, crmaudit.statement_text(q) FROM (VALUES
	(1, $q$SELECT * FROM au.visit WHERE state = $1 AND clerk LIKE 'Li%' AND id = 13800138000 AND customer_no = 42$q$),
	(2, $q$/* user Li */ select 1 -- 13800138001
		from au.visit$q$),
	(3, $q$SELECT E'it\'s Li', 'it''s', B'1' FROM au.visit$q$),
	(4, $q$SELECT "Li's", 'Li' FROM "au"."visit"$q$),
	(5, $q$SELECT $$Li$$ FROM au.visit$q$),
	(6, $q$SELECT 'C:\' || 'Li' FROM au.visit$q$),
	(7, $q$SELECT 'open$q$),
	(8, $q$/* /* Li */ Li */ SELECT 1$q$),
	(9, $q$COPY au.visit FROM '/tmp/li'$q$),
	(10, $q$WITH a AS (SELECT $1) DELETE FROM au.visit$q$),
	(11, $q$CREATE TABLE li AS SELECT 'Li'$q$)) AS v(n, q) ORDER BY n;
-- A table is known by its name in FROM, JOIN, INTO, UPDATE, not as a column or a string of letters.
SELECT q, ARRAY(SELECT relation FROM crmaudit.mapped_tables() m WHERE v.q ~* m.pattern ORDER BY relation::text) AS tables FROM (VALUES
	(1, 'select * from au.visit'), (2, 'SELECT * FROM Visit v JOIN "au"."Case" c ON true'), (3, 'select visit from other'), (4, 'select * from other.visit'),
	(5, 'select * from visits'), (6, 'select * from "Case"'), (7, 'select * from Case'), (8, 'select * from a, visit'), (9, 'update only au.visit set state = $1'), (10, 'select * from visit.other')) AS v(n, q) ORDER BY n;

-- Stability, by snapshots: one that is steady, one that jumps, one that grew
-- slower, one after a reset, one of two days.
SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date AS today \gset
INSERT INTO crmaudit.statement (queryid, query, tables) SELECT q, 'SELECT ' || q, '{au.visit}' FROM generate_series(1, 5) q;
INSERT INTO crmaudit.statement_snapshot (day, queryid, calls, total_ms)
	SELECT :'today'::date - 20 + d, q, 100 * (d + 1), sum(100 * ms) OVER (PARTITION BY q ORDER BY d)
	FROM generate_series(0, 20) d CROSS JOIN generate_series(1, 3) q
	CROSS JOIN LATERAL (SELECT CASE q WHEN 1 THEN 2.0 WHEN 2 THEN CASE WHEN d % 5 = 0 THEN 20 ELSE 4 END ELSE CASE WHEN d > 13 THEN 3.0 ELSE 2.0 END END AS ms) m;
INSERT INTO crmaudit.statement_snapshot (day, queryid, calls, total_ms) VALUES
	(:'today'::date - 31, 4, 1, 1000), (:'today'::date - 3, 4, 100, 1000), (:'today'::date - 2, 4, 200, 2000), (:'today'::date - 1, 4, 50, 500), (:'today', 4, 60, 620),
	(:'today'::date - 2, 5, 100, 100), (:'today'::date - 1, 5, 100, 100), (:'today', 5, 200, 200);
SELECT queryid, days, calls, mean_ms, fastest_day_ms, slowest_day_ms, :'today'::date - slowest_day AS slowest_day_ago, variation, trend, verdict, remedy FROM crmaudit.statement_stability;
DELETE FROM crmaudit.statement_snapshot;
DELETE FROM crmaudit.statement;

-- A script for pgbench: keys by chance, words of the CRM, and nothing of anybody.
CREATE TABLE au.client (no int PRIMARY KEY, mobile bigint, kind text, name text);
INSERT INTO au.client SELECT i, 13800138000 + i, (ARRAY['person', 'company', 'it''s'])[1 + i % 3], 'Name ' || i % 5 FROM generate_series(10, 109) i;
SELECT crmaudit.map_entity('customer', 'au.client', '{"customer_id":"no","kind":"kind","name":"name","account":"mobile"}');
ANALYZE au.client, au.visit;
SELECT crmaudit.pgbench_script();
-- A schema whose name needs quotes, and a table without rows, of which a script gets NULL.
CREATE SCHEMA "au Cold";
CREATE TABLE "au Cold".client (no text PRIMARY KEY);
SELECT setup, value FROM crmaudit.pgbench_value('"au Cold".client', 'no', 'v');
\set v_block 0
SELECT coalesce((SELECT quote_literal(no) FROM "au Cold".client WHERE ctid >= format('(%s,0)', :v_block)::tid AND no IS NOT NULL LIMIT 1), 'NULL') AS v \gset
SELECT count(*) FROM "au Cold".client WHERE no = :v;
SELECT crmaudit.pgbench_statement('SELECT * FROM au.client WHERE kind = $1 AND name LIKE $2 AND no BETWEEN $3 AND $4 AND mobile IN ($5, $6) ORDER BY no LIMIT $7 OFFSET $8', '{au.client}', 1);
SELECT q, crmaudit.pgbench_statement(q, '{au.client}', 1) IS NULL AS left_out FROM (VALUES (1, 'SELECT * FROM au.client FOR UPDATE'), (2, 'SELECT $1 FROM au.client'), (3, 'UPDATE au.client SET name = $1'),
	(4, 'SELECT * FROM au.client WHERE other = $1'), (5, 'SELECT no[1:2] FROM au.client'), (6, 'SELECT no::text FROM au.client')) AS v(n, q) ORDER BY n;

SELECT crmaudit.unmap_entity('customer'), crmaudit.unmap_entity('interaction'), crmaudit.unmap_entity('step');
SELECT crmaudit.untrack('au.customer');
SET client_min_messages = warning;
DROP SCHEMA au, "au Cold" CASCADE;
