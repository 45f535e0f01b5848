-- sweep(): what is already in a table, rules about a row by itself.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA swept;
CREATE TABLE swept.customer (no int PRIMARY KEY, name text, mobile text, mail text, status text, owner text, updated_at timestamptz DEFAULT '2026-01-01');
INSERT INTO swept.customer
	SELECT g, CASE WHEN g % 50 = 0 THEN NULL ELSE '王芳' END, '138' || lpad((26504927 + g)::text, 8, '0'),
		CASE WHEN g % 40 = 0 THEN 'no address' ELSE 'w' || g || '@mail.cn' END,
		CASE WHEN g % 25 = 0 THEN 'gone' ELSE 'active' END, 'seller ' || g % 3
	FROM generate_series(1, 1000) g;
SELECT crmaudit.protect('swept.customer', roles => '{"owner": "owner"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('swept.customer', 'name_filled', 'required', '{name}') > 0 AS added;
SELECT crmaudit.add_rule('swept.customer', 'mobile_valid', 'format', '{mobile}', '{"type": "phone", "region": "CN"}') > 0 AS added;
SELECT crmaudit.add_rule('swept.customer', 'mail_valid', 'format', '{mail}', '{"type": "email"}', condition => 'no > 500') > 0 AS added;
SELECT crmaudit.add_rule('swept.customer', 'status_known', 'in_set', '{status}', '{"values": ["active"]}', severity => 'warning') > 0 AS added;

-- What it returns, and what it leaves.
CREATE VIEW swept.last_run AS SELECT * FROM crmaudit.run WHERE target = 'swept.customer'::regclass ORDER BY id DESC LIMIT 1;
CREATE VIEW swept.last_rules AS
	SELECT r.name, s.rows, s.failures, s.errors, s.failure_rate, s.rate_low, s.rate_high
	FROM crmaudit.run_rule s JOIN swept.last_run u ON u.id = s.run_id JOIN crmaudit.rule r ON r.id = s.rule_id ORDER BY r.id;
CREATE VIEW swept.last_events AS
	SELECT e.event, count(*) FROM crmaudit.finding_event e JOIN swept.last_run u ON u.id = e.run_id GROUP BY 1 ORDER BY 1;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', workers => 0);
SELECT status, rows, failures, score, clean_row_rate, coverage, rules, sample_percent, workers, started_at <= finished_at AS in_order FROM swept.last_run;
SELECT * FROM swept.last_rules;
SELECT * FROM swept.last_events;
SELECT rule, status, count(*), min(verdict), min(reason) FROM crmaudit.finding WHERE target = 'swept.customer'::regclass GROUP BY 1, 2 ORDER BY 1;
SELECT h.rows, h.score::numeric, h.clean_row_rate, h.coverage FROM crmaudit.score_history h JOIN swept.last_run u ON u.id = h.run_id;

-- Again, by workers: the same; findings are seen again, none twice.
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', workers => 2);
SELECT status, rows, failures, score, clean_row_rate, coverage FROM swept.last_run;
SELECT * FROM swept.last_rules;
SELECT rule, status, count(*), sum(occurrences) AS occurrences FROM crmaudit.finding WHERE target = 'swept.customer'::regclass GROUP BY 1, 2 ORDER BY 1;

-- What was repaired behind the gate's back is gone, what was spoilt is new.
SET crmaudit.mode = 'off';
UPDATE swept.customer SET name = '李娜' WHERE no = 50;
UPDATE swept.customer SET name = NULL WHERE no = 51;
DELETE FROM swept.customer WHERE no = 1000;
RESET crmaudit.mode;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', workers => 0);
SELECT * FROM swept.last_events;
SELECT row_key, rule, status, occurrences, resolution FROM crmaudit.finding
	WHERE target = 'swept.customer'::regclass AND row_key ->> 'no' IN ('50', '51', '1000') ORDER BY (row_key ->> 'no')::int, rule;

-- Some of the rules: findings of the others are left alone, and there is no score.
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', rules => '{status_known}');
SELECT status, rows, failures, score, rules FROM swept.last_run;
SELECT * FROM swept.last_rules;
SELECT * FROM swept.last_events;

-- A rule whose SQL fails on a row is an error of that row, with workers too.
SELECT crmaudit.add_rule('swept.customer', 'ratio', 'expression', params => '{"sql": "1 / (no - 77) <> 5"}') > 0 AS added;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', workers => 0);
SELECT * FROM swept.last_rules WHERE name = 'ratio';
SELECT row_key, verdict, reason FROM crmaudit.finding WHERE rule = 'ratio' AND target = 'swept.customer'::regclass;
SELECT coverage, workers FROM swept.last_run;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', workers => 2);
SELECT * FROM swept.last_rules WHERE name = 'ratio';
SELECT coverage, workers AS workers_where_a_rule_fails FROM swept.last_run;
SELECT crmaudit.drop_rule('swept.customer', 'ratio');
-- SQL that must not run in a worker is left to the leader.
CREATE FUNCTION swept.unsafe(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS 'BEGIN RETURN $1 > 0; END';
SELECT crmaudit.add_rule('swept.customer', 'unsafe', 'expression', params => '{"sql": "swept.unsafe(no)"}') > 0 AS added;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', workers => 2);
SELECT workers FROM swept.last_run;
SELECT crmaudit.drop_rule('swept.customer', 'unsafe');

-- Rows that do not count are not judged.
SELECT crmaudit.protect('swept.customer', mode => 'observe', live => $$status <> 'gone'$$, history => false);
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer');
SELECT rows, failures FROM swept.last_run;
SELECT * FROM swept.last_events;
SELECT crmaudit.protect('swept.customer', mode => 'observe', live => '', history => false);

-- The transaction that sweeps sees what it wrote itself, and takes all back.
BEGIN;
INSERT INTO swept.customer (no, name, mobile, mail, status) VALUES (5000, NULL, '13826504927', 'a@mail.cn', 'active');
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer');
SELECT rows FROM swept.last_run;
SELECT status FROM crmaudit.finding WHERE target = 'swept.customer'::regclass AND row_key = '{"no": 5000}';
ROLLBACK;
SELECT count(*) AS findings_of_it FROM crmaudit.finding WHERE target = 'swept.customer'::regclass AND row_key = '{"no": 5000}';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', workers => 2);
ROLLBACK;

-- Cut short, it leaves the session as it was, and what others catch is rolled back.
CREATE FUNCTION swept.slow(int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(0.005); RETURN true; END';
SELECT crmaudit.add_rule('swept.customer', 'slow', 'expression', params => '{"sql": "swept.slow(no)"}') > 0 AS added;
SET statement_timeout = '300ms';
SELECT crmaudit.sweep_table('swept.customer', NULL, 100, 0, NULL, 0, NULL, NULL, NULL);
RESET statement_timeout;
SELECT 'the session goes on' AS then;
CREATE TABLE swept.marker (word text);
SET statement_timeout = '500ms';
DO $$
BEGIN
	BEGIN
		INSERT INTO swept.marker VALUES ('rolled back');
		PERFORM crmaudit.sweep_table('swept.customer', NULL, 100, 0, NULL, 0, NULL, NULL, NULL);
	EXCEPTION WHEN query_canceled THEN
		INSERT INTO swept.marker VALUES ('caught');
	END;
END $$;
RESET statement_timeout;
SELECT * FROM swept.marker;
SELECT crmaudit.drop_rule('swept.customer', 'slow');

-- A json value that is no text breaks a rule on it, and nothing else.
CREATE TABLE swept.document (id int PRIMARY KEY, j json);
INSERT INTO swept.document VALUES (1, '{"a": "x"}'), (2, '{"a": "x"}'), (3, '{"a": "\u0000"}');
SELECT crmaudit.protect('swept.document', mode => 'observe', history => false);
SELECT crmaudit.add_rule('swept.document', 'a_unique', 'unique', '{j->>a}') > 0 AS added;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.document', workers => 2);
SELECT rows, failures, errors FROM crmaudit.run_rule WHERE run_id = (SELECT max(id) FROM crmaudit.run);

-- The owner's own policies hide no rows from a sweep.
CREATE TABLE swept.tenant (id int PRIMARY KEY, owner int);
INSERT INTO swept.tenant VALUES (1, 9), (2, 9);
CREATE TABLE swept.owner (id int);
SELECT crmaudit.protect('swept.tenant', mode => 'observe', history => false);
SELECT crmaudit.add_rule('swept.tenant', 'owner_known', 'reference', '{owner}', '{"table": "swept.owner", "column": "id"}') > 0 AS added;
CREATE ROLE sweep_owner;
GRANT USAGE ON SCHEMA swept TO sweep_owner;
ALTER TABLE swept.tenant OWNER TO sweep_owner;
ALTER TABLE swept.owner OWNER TO sweep_owner;
ALTER TABLE swept.tenant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY first ON swept.tenant USING (id = 1);
SELECT count(*) AS runs FROM crmaudit.sweep('swept.tenant');
SELECT rows, failures, errors FROM crmaudit.run_rule WHERE run_id = (SELECT max(id) FROM crmaudit.run);
SELECT count(*) AS runs FROM crmaudit.sweep('swept.tenant', sample_percent => 99);
SELECT rows FROM crmaudit.run ORDER BY id DESC LIMIT 1;
SELECT crmaudit.unprotect('swept.tenant'), crmaudit.unprotect('swept.document');
DROP TABLE swept.tenant, swept.owner, swept.document;
DROP OWNED BY sweep_owner;
DROP ROLE sweep_owner;

-- All tables at once.
CREATE TABLE swept.empty (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('swept.empty', mode => 'observe', history => false);
SELECT crmaudit.add_rule('swept.empty', 'mail_valid', 'format', '{mail}', '{"type": "email"}') > 0 AS added;
SELECT count(*) >= 2 AS all_tables FROM crmaudit.sweep();
SELECT rows, failures, score, clean_row_rate, coverage FROM crmaudit.run WHERE target = 'swept.empty'::regclass;

-- Errors.
SELECT crmaudit.sweep('swept.last_run');
CREATE TABLE swept.other (id int);
SELECT crmaudit.sweep('swept.other');
SELECT crmaudit.sweep('swept.customer', rules => '{name_filled,no_such_rule}');
SELECT crmaudit.sweep('swept.customer', rules => '{NULL}');
SELECT crmaudit.sweep(rules => '{name_filled}');
SELECT crmaudit.sweep('swept.customer', sample_percent => 0);
SELECT crmaudit.sweep('swept.customer', sample_percent => 'NaN');
SELECT crmaudit.sweep('swept.customer', stratum => 'owner');
SELECT crmaudit.sweep('swept.customer', sample_percent => 10, stratum => 'no_such_column');
SELECT crmaudit.sweep('swept.customer', workers => -1);
SELECT crmaudit.sweep('swept.customer', workers => 1000);
SELECT crmaudit.sweep_table('swept.customer', NULL, 100, 0, NULL, 0, NULL, now(), NULL);
BEGIN READ ONLY;
SELECT crmaudit.sweep('swept.customer');
ROLLBACK;

-- Who may: a duty, and the right to read all rows.
CREATE ROLE sweep_steward;
SELECT count(*) FROM crmaudit.grant_duty('steward', 'sweep_steward');
SET ROLE sweep_steward;
SELECT count(*) FROM crmaudit.sweep('swept.customer');
RESET ROLE;
GRANT USAGE ON SCHEMA swept TO sweep_steward;
GRANT SELECT ON swept.customer TO sweep_steward;
SET ROLE sweep_steward;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer', workers => 2);
RESET ROLE;
ALTER TABLE swept.customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON swept.customer USING (owner = current_user);
SET ROLE sweep_steward;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer');
RESET ROLE;
SELECT count(*) AS runs FROM crmaudit.sweep('swept.customer');
ALTER TABLE swept.customer DISABLE ROW LEVEL SECURITY;
SELECT crmaudit.revoke_duty('steward', 'sweep_steward');
SET ROLE sweep_steward;
SELECT crmaudit.sweep('swept.customer');
SELECT * FROM crmaudit.sweep_progress;
RESET ROLE;
DROP OWNED BY sweep_steward;
DROP ROLE sweep_steward;

SELECT crmaudit.unprotect('swept.customer'), crmaudit.unprotect('swept.empty');
DROP SCHEMA swept CASCADE;
