-- Live scores: what is written is counted, folded, and told to be stale where
-- it could not be counted.  That they equal a scan after anything is shown by
-- test/t/score_live.pl.
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TABLE sl (id int PRIMARY KEY, name text, mail text, age int, clerk text, closed boolean NOT NULL DEFAULT false);
SELECT crmaudit.protect('sl', roles => '{"clerk":"owner"}', mode => 'observe', history => false, live => 'NOT closed');
SELECT count(crmaudit.add_rule('sl', name, kind, columns::text[], params::jsonb, severity))
FROM (VALUES
	('name_filled', 'required', '{name}', '{}', 'error'),
	('name_long', 'length', '{name}', '{"min": 2}', 'warning'),
	('mail_valid', 'format', '{mail}', '{"type": "email"}', 'error'),
	('age_range', 'range', '{age}', '{"min": 0, "max": 150}', 'critical')
) AS t(name, kind, columns, params, severity);
INSERT INTO sl VALUES (1, '张伟', 'zhang@mail.cn', 30, 'li', false), (2, '王', 'bad', 200, 'li', false), (3, NULL, NULL, NULL, NULL, false), (4, NULL, 'bad', -1, 'wang', true);

-- Live figures beside those of a scan.
CREATE FUNCTION pg_temp.live(target regclass, OUT rows bigint, OUT score numeric, OUT clean numeric, OUT coverage numeric, OUT stale boolean, OUT deltas bigint, OUT equal_to_scan boolean)
LANGUAGE sql AS $$
	SELECT l.rows, l.score::numeric, l.clean_row_rate, l.coverage, l.stale, l.deltas,
		(l.rows, l.score::text, l.clean_row_rate, l.coverage) IS NOT DISTINCT FROM (m.rows, m.score::text, m.clean_row_rate, m.coverage)
			AND NOT EXISTS (SELECT column_name, dimension, assessed, failed, score FROM crmaudit.live_column_scores(target)
				EXCEPT SELECT * FROM crmaudit.measure_columns(target))
	FROM crmaudit.live_table_score(target) l, crmaudit.measure_table(target) m
$$;

-- NULL before the first count; health says so.
SELECT rows, score, stale FROM crmaudit.table_score WHERE target = 'sl'::regclass;
SELECT count(*) FROM crmaudit.column_score WHERE target = 'sl'::regclass;
SELECT problem, remedy FROM crmaudit.score_problems() WHERE target = 'sl'::regclass;
SELECT crmaudit.rebase_scores('sl') AS rows;
SELECT * FROM pg_temp.live('sl');
SELECT count(*) FROM crmaudit.score_problems() WHERE target = 'sl'::regclass;

-- One delta for a transaction, table and owner; none where nothing that rules
-- read changes, or the row was not stored, or it does not count.
BEGIN;
INSERT INTO sl VALUES (5, '李娜', 'li@mail.cn', 40, 'li');
UPDATE sl SET mail = 'wang@mail.cn' WHERE id = 2;
DELETE FROM sl WHERE id = 3;
-- a transaction reads what it wrote
SELECT * FROM pg_temp.live('sl');
COMMIT;
SELECT owner, rows, clean, evaluations, errors, assessed, failed, lost, truncated, stale FROM crmaudit.score_delta WHERE target = 'sl'::regclass ORDER BY truncated DESC, owner;
INSERT INTO sl VALUES (5, 'x') ON CONFLICT DO NOTHING;
UPDATE sl SET id = 15 WHERE id = 5;
UPDATE sl SET age = age WHERE id = 1;
UPDATE sl SET name = 'y' WHERE id = 4;
SELECT * FROM pg_temp.live('sl');
-- A row that begins to count, one that ends to, one that changes its owner.
UPDATE sl SET closed = id = 1 WHERE id IN (1, 4);
UPDATE sl SET clerk = 'wang' WHERE id = 2;
SELECT * FROM pg_temp.live('sl');
SELECT owner, rows, score, clean_row_rate FROM crmaudit.owner_score WHERE target = 'sl'::regclass;
SELECT value, rows, score, clean_row_rate FROM crmaudit.segment_score('sl', 'clerk');
SELECT value, rows FROM crmaudit.segment_score('sl', 'nothing');
SELECT value, rows FROM crmaudit.segment_score('pg_class', 'relname');

-- Savepoints and rollbacks.
BEGIN;
SAVEPOINT a;
DELETE FROM sl;
SAVEPOINT b;
INSERT INTO sl VALUES (20, 'z', 'z', 999, 'li');
ROLLBACK TO b;
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
ROLLBACK TO a;
INSERT INTO sl VALUES (21, 'zz', 'z', 1, 'li');
RELEASE a;
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
COMMIT;
BEGIN;
DELETE FROM sl;
ROLLBACK;
SELECT * FROM pg_temp.live('sl');
BEGIN;
INSERT INTO sl VALUES (22, 'zz', 'z', 1, 'a name of an owner that is too long to be told apart in the end ' || repeat('x', 200));
PREPARE TRANSACTION 'crmaudit_sl';
SELECT rows FROM crmaudit.table_score WHERE target = 'sl'::regclass;
COMMIT PREPARED 'crmaudit_sl';
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
SELECT length(owner), rows FROM crmaudit.owner_score WHERE target = 'sl'::regclass AND owner LIKE 'a name%';

-- Folding changes no figure.
SELECT crmaudit.fold_scores() > 0 AS folded;
SELECT * FROM pg_temp.live('sl');
SELECT crmaudit.fold_scores();
-- A TRUNCATE voids what was before, also in its own transaction.
BEGIN;
INSERT INTO sl VALUES (30, 'aa', 'a', 1, 'li');
SAVEPOINT a;
TRUNCATE sl;
INSERT INTO sl VALUES (31, 'bb', 'b@mail.cn', 1, 'li'), (32, 'b', 'b', 1, 'li');
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
ROLLBACK TO a;
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
TRUNCATE sl;
INSERT INTO sl VALUES (31, 'bb', 'b@mail.cn', 1, 'li'), (32, 'b', 'b', 1, 'li');
COMMIT;
SELECT * FROM pg_temp.live('sl');
SELECT rows, truncated, stale FROM crmaudit.score_delta WHERE target = 'sl'::regclass ORDER BY truncated DESC, owner;
SELECT crmaudit.fold_scores() > 0 AS folded;
SELECT * FROM pg_temp.live('sl');
TRUNCATE sl;
SELECT rows, score, equal_to_scan FROM pg_temp.live('sl');

-- A count within a transaction holds what it wrote so far, and goes with a
-- rollback.
BEGIN;
INSERT INTO sl VALUES (40, 'bb', 'b@mail.cn', 1, 'li');
SAVEPOINT a;
INSERT INTO sl VALUES (41, 'bb', 'b', 1, 'li');
SELECT crmaudit.rebase_scores('sl');
INSERT INTO sl VALUES (42, 'b', 'b', 1, 'li');
SELECT * FROM pg_temp.live('sl');
ROLLBACK TO a;
INSERT INTO sl VALUES (43, 'b', 'b', 1, 'li');
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
SELECT crmaudit.rebase_scores('sl');
COMMIT;
SELECT * FROM pg_temp.live('sl');
BEGIN ISOLATION LEVEL REPEATABLE READ;
TRUNCATE sl;
INSERT INTO sl VALUES (44, 'bb', 'b', 1, 'li');
SELECT crmaudit.rebase_scores('sl');
INSERT INTO sl VALUES (45, 'bb', 'b', 1, 'li');
COMMIT;
SELECT * FROM pg_temp.live('sl');

-- So many owners that some are written before the transaction ends; a rollback
-- and a TRUNCATE around them hold all the same.
BEGIN;
INSERT INTO sl SELECT n, 'xx', 'x', n % 200, 'clerk ' || n % 6000 FROM generate_series(1000, 13000) n;
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
SAVEPOINT a;
UPDATE sl SET mail = 'y@mail.cn', clerk = 'new ' || clerk WHERE id > 1000;
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
ROLLBACK TO a;
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
COMMIT;
SELECT rows, deltas > 5000 AS many, equal_to_scan FROM pg_temp.live('sl');
SELECT count(*), sum(rows) FROM crmaudit.owner_score WHERE target = 'sl'::regclass;
BEGIN;
TRUNCATE sl;
SAVEPOINT a;
INSERT INTO sl SELECT n, 'xx', 'x', n % 200, 'clerk ' || n % 6000 FROM generate_series(1000, 13000) n;
RELEASE a;
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
COMMIT;
SELECT rows, equal_to_scan FROM pg_temp.live('sl');
SELECT crmaudit.fold_scores() > 5000 AS folded;
DELETE FROM sl WHERE id >= 1000;
INSERT INTO sl VALUES (44, 'bb', 'b', 1, 'li');
SELECT crmaudit.fold_scores() > 5000 AS folded;
SELECT rows, deltas, equal_to_scan FROM pg_temp.live('sl');
SELECT count(*) AS owners FROM crmaudit.score_owner WHERE target = 'sl'::regclass;

-- What is not counted is told: writes in mode off, other rules, other lists,
-- another condition. A write that changes nothing of what rules read does not matter.
CREATE FUNCTION pg_temp.stale() RETURNS boolean LANGUAGE sql AS $$
	SELECT stale FROM crmaudit.table_score WHERE target = 'sl'::regclass
$$;
SET crmaudit.mode = off;
UPDATE sl SET age = 1 WHERE id = 44;
SELECT pg_temp.stale();
BEGIN; UPDATE sl SET age = 2; ROLLBACK;
SELECT pg_temp.stale();
UPDATE sl SET age = 2 WHERE id = 44;
RESET crmaudit.mode;
SELECT rows, score, stale, as_of < now() AS as_of_the_count FROM crmaudit.table_score WHERE target = 'sl'::regclass;
SELECT problem, remedy FROM crmaudit.health WHERE target = 'sl'::regclass AND subject = 'score';
SELECT crmaudit.fold_scores();
SELECT pg_temp.stale();
SELECT crmaudit.rebase_scores('sl'), pg_temp.stale();
SELECT crmaudit.set_mode('sl', 'off');
INSERT INTO sl VALUES (46, 'bb', 'b', 1, 'li');
SELECT crmaudit.set_mode('sl', 'observe');
SELECT pg_temp.stale();
-- TRUNCATE makes it all known again
TRUNCATE sl;
SELECT pg_temp.stale();
SELECT crmaudit.protect('sl', mode => 'observe', history => false, live => '');
SELECT pg_temp.stale();
SELECT crmaudit.rebase_scores('sl');
INSERT INTO crmaudit.value_list VALUES ('sl', 'x');
SELECT crmaudit.add_rule('sl', 'listed', 'in_list', '{name}', '{"list": "sl"}', 'warning') > 0 AS added;
INSERT INTO sl VALUES (50, 'x', 'b', 1, 'li');
-- the score stands until the next sweep, and says by which version it is
SELECT t.rows, t.stale, p.rule_set_version - t.rule_set_version AS behind FROM crmaudit.table_score t JOIN crmaudit.protected_table p USING (target) WHERE target = 'sl'::regclass;
SELECT regexp_replace(problem, '\d+', 'N', 'g') AS problem, remedy FROM crmaudit.score_problems() WHERE target = 'sl'::regclass;
SELECT crmaudit.rebase_scores('sl'), pg_temp.stale();
INSERT INTO crmaudit.value_list VALUES ('another', 'x');
SELECT pg_temp.stale();
INSERT INTO crmaudit.value_list VALUES ('sl', 'y');
SELECT pg_temp.stale();
SELECT crmaudit.rebase_scores('sl'), pg_temp.stale();
DELETE FROM crmaudit.value_list WHERE list IN ('sl', 'another') AND value <> 'x';
SELECT pg_temp.stale();
SELECT crmaudit.rebase_scores('sl'), pg_temp.stale();
ALTER TABLE sl ALTER COLUMN age TYPE bigint;
SELECT pg_temp.stale();
SELECT crmaudit.rebase_scores('sl'), pg_temp.stale();
ALTER TABLE sl ADD COLUMN free text;
ALTER TABLE sl RENAME COLUMN clerk TO agent;
SELECT pg_temp.stale();
ALTER TABLE sl DISABLE TRIGGER zz_crmaudit_gate;
SELECT pg_temp.stale();
ALTER TABLE sl ENABLE TRIGGER zz_crmaudit_gate;
-- Switched off, the score is the last count's.
SELECT crmaudit.protect('sl', mode => 'observe', history => false, live_scores => false);
SELECT crmaudit.rebase_scores('sl');
INSERT INTO sl VALUES (51, 'x', 'b', 1, 'li');
SELECT rows, stale, as_of < now() AS as_of_the_count FROM crmaudit.table_score WHERE target = 'sl'::regclass;
SELECT crmaudit.protect('sl', mode => 'observe', history => false);
SELECT pg_temp.stale();
-- Rules that look at the clock carry the last ratio; the others go on.
SELECT crmaudit.add_rule('sl', 'not_old', 'expression', '{age}', '{"sql": "age < 1000 + extract(year FROM now())"}', 'warning', weight => 2) > 0 AS added;
SELECT crmaudit.add_rule('sl', 'for_a_time', 'required', '{mail}', severity => 'warning', valid_from => '2000-01-01') > 0 AS added;
SELECT crmaudit.rebase_scores('sl');
INSERT INTO sl VALUES (52, NULL, NULL, 99999, 'li');
SELECT column_name, dimension, assessed, failed, score, is_live FROM crmaudit.live_column_scores('sl') ORDER BY 1, 2;
SELECT rows, clean, coverage, stale, equal_to_scan FROM pg_temp.live('sl');
SELECT crmaudit.rebase_scores('sl');
SELECT rows, clean, coverage, stale, equal_to_scan FROM pg_temp.live('sl');
SELECT crmaudit.drop_rule('sl', r.name) FROM crmaudit.rule r WHERE r.target = 'sl'::regclass AND r.name IN ('not_old', 'for_a_time', 'listed');

-- What to fix first: points by rule. Without a sweep there are no failures.
SELECT crmaudit.rebase_scores('sl');
SELECT rule, severity, dimension, failures, points, at_most FROM crmaudit.what_to_fix_first WHERE target = 'sl'::regclass;
-- It is what the score gains: mail_valid is alone in its cell.
BEGIN;
SELECT score AS before FROM crmaudit.table_score WHERE target = 'sl'::regclass \gset
SELECT points FROM crmaudit.what_to_fix_first WHERE target = 'sl'::regclass AND rule = 'mail_valid' \gset
UPDATE sl SET mail = 'b@mail.cn' WHERE mail IS NOT NULL;
SELECT abs(score - :before - :points) < 0.0002 AS gained FROM crmaudit.table_score WHERE target = 'sl'::regclass;
ROLLBACK;
SELECT score = score_adjusted AS nothing_waived FROM crmaudit.table_score WHERE target = 'sl'::regclass;

-- The trend compares scores by the same rules only.
INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score) VALUES
	(-1, 'sl', '2026-01-01', 1, 10, '90'), (-2, 'sl', '2026-01-02', 1, 10, '92.5'), (-3, 'sl', '2026-01-03', 2, 10, '80');
SELECT at, score, change, rules_changed, rule_set_version FROM crmaudit.score_trend WHERE target = 'sl'::regclass;
DELETE FROM crmaudit.score_history WHERE run_id < 0;

-- lastval() is the application's, which asks for the number it was given.
CREATE TABLE sl_serial (id serial PRIMARY KEY, name text);
ALTER SEQUENCE sl_serial_id_seq RESTART 4711;
SELECT crmaudit.protect('sl_serial', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sl_serial', 'filled', 'required', '{name}') > 0 AS added;
SELECT crmaudit.rebase_scores('sl_serial');
INSERT INTO sl_serial (name) VALUES ('x');
SELECT lastval();
SELECT rows, deltas, equal_to_scan FROM pg_temp.live('sl_serial');
-- Of what has the same id a TRUNCATE voids nothing, wherever it is stored.
INSERT INTO crmaudit.score_delta SELECT 1, xid, target, owner, rule_set_version, rows, clean, evaluations, errors, assessed, failed, lost, truncated, stale, at
	FROM crmaudit.score_delta WHERE target = 'sl_serial'::regclass;
INSERT INTO crmaudit.score_delta SELECT id, xid, target, owner, rule_set_version, 0, 0, 0, 0, NULL, NULL, NULL, true, stale, at
	FROM crmaudit.score_delta WHERE target = 'sl_serial'::regclass AND id > 1;
SELECT rows, deltas, equal_to_scan FROM pg_temp.live('sl_serial');
SELECT crmaudit.fold_scores() > 0 AS folded;
SELECT rows, deltas, equal_to_scan FROM pg_temp.live('sl_serial');
DROP TABLE sl_serial;

-- Without protection there are no scores, and none come back.
SELECT crmaudit.unprotect('sl');
SELECT count(*) FROM crmaudit.score_state WHERE target = 'sl'::regclass;
SELECT crmaudit.rebase_scores('sl');
DROP TABLE sl;

-- A sweep is at work: try_sweep_lock() in a transaction that waits to commit.
CREATE TABLE sl (id int PRIMARY KEY, name text);
SELECT crmaudit.protect('sl', history => false);
BEGIN;
SELECT crmaudit.try_sweep_lock('sl');
PREPARE TRANSACTION 'crmaudit_sl';
SELECT crmaudit.rebase_scores('sl');
ROLLBACK PREPARED 'crmaudit_sl';
CREATE ROLE regress_crmaudit_scorer;
SELECT count(*) FROM crmaudit.grant_duty('admin', 'regress_crmaudit_scorer');
SET ROLE regress_crmaudit_scorer;
SELECT crmaudit.rebase_scores('sl');
RESET ROLE;
SELECT crmaudit.revoke_duty('admin', 'regress_crmaudit_scorer');
DROP ROLE regress_crmaudit_scorer;
DROP TABLE sl;

-- Policies hide no row from a score.
CREATE TABLE sl (id int PRIMARY KEY, name text);
SELECT crmaudit.protect('sl', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sl', 'filled', 'required', '{name}') > 0 AS added;
INSERT INTO sl VALUES (1, 'a'), (2, NULL);
ALTER TABLE sl ENABLE ROW LEVEL SECURITY;
CREATE POLICY one ON sl USING (id = 1);
SELECT crmaudit.rebase_scores('sl');
DROP TABLE sl;

-- Nor where they apply to the owner, who is no superuser; and what a rule of
-- his calls is not what the caller's path says.
CREATE ROLE regress_crmaudit_owner;
CREATE SCHEMA sl_path;
CREATE FUNCTION sl_path.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
CREATE FUNCTION sl_small(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN value = lower(value); END $$;
GRANT USAGE ON SCHEMA sl_path TO regress_crmaudit_owner;
CREATE TABLE sl (id int PRIMARY KEY, name text);
ALTER TABLE sl OWNER TO regress_crmaudit_owner;
ALTER FUNCTION sl_small OWNER TO regress_crmaudit_owner;
SELECT crmaudit.protect('sl', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sl', 'small', 'expression', '{name}', '{"sql": "sl_small(name)"}') > 0 AS added;
INSERT INTO sl VALUES (1, 'a'), (2, 'B');
ALTER TABLE sl ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY one ON sl USING (id = 1);
SET search_path = sl_path, pg_catalog, public;
SELECT crmaudit.rebase_scores('sl');
RESET search_path;
SELECT column_name, assessed, failed FROM crmaudit.live_column_scores('sl');
SELECT crmaudit.unprotect('sl');
DROP TABLE sl;
DROP FUNCTION sl_small;
DROP SCHEMA sl_path CASCADE;
DROP ROLE regress_crmaudit_owner;

-- A transaction that reads only writes nothing.
BEGIN READ ONLY;
SAVEPOINT a;
SELECT crmaudit.rebase_scores('pg_class');
ROLLBACK TO a;
SELECT crmaudit.fold_scores();
ROLLBACK TO a;
SELECT crmaudit.mark_scores_stale('pg_class');
ROLLBACK;

-- Partitions that come and go. That one is truncated is counted: gate_truncate.
CREATE TABLE sl (kind text, id int, name text, clerk text, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE sl_a PARTITION OF sl FOR VALUES IN ('a');
CREATE TABLE sl_b PARTITION OF sl FOR VALUES IN ('b');
SELECT crmaudit.protect('sl', roles => '{"clerk":"owner"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sl', 'filled', 'required', '{name}') > 0 AS added;
INSERT INTO sl VALUES ('a', 1, 'x', 'li'), ('b', 1, NULL, 'li');
SELECT crmaudit.rebase_scores('sl');
UPDATE sl SET kind = 'b', id = 2, name = NULL, clerk = 'wang' WHERE kind = 'a';
SELECT * FROM pg_temp.live('sl');
SELECT owner, rows, score FROM crmaudit.owner_score WHERE target = 'sl'::regclass;
CREATE TABLE sl_c PARTITION OF sl FOR VALUES IN ('c');
TRUNCATE sl_c;
SELECT pg_temp.stale();
TRUNCATE sl_b;
SELECT pg_temp.stale();
TRUNCATE sl;
SELECT pg_temp.stale();
ALTER TABLE sl DETACH PARTITION sl_c;
SELECT pg_temp.stale(), crmaudit.rebase_scores('sl');
ALTER TABLE sl ATTACH PARTITION sl_c FOR VALUES IN ('c');
SELECT pg_temp.stale(), crmaudit.rebase_scores('sl');
DROP TABLE sl_c;
SELECT pg_temp.stale();
DROP TABLE sl;
