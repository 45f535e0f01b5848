-- Sweeps of some of the rows: a sample, and what changed since the last one.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA part;
CREATE TABLE part.customer (no int PRIMARY KEY, mail text, kind text, edited date);
INSERT INTO part.customer SELECT g, CASE WHEN g % 10 = 0 THEN 'none' ELSE 'w' || g || '@mail.cn' END,
	CASE WHEN g <= 5 THEN 'rare' WHEN g <= 400 THEN 'company' WHEN g <= 1990 THEN 'person' END, '2026-01-01' FROM generate_series(1, 2000) g;
SELECT crmaudit.protect('part.customer', mode => 'observe', history => false);
SELECT crmaudit.add_rule('part.customer', 'mail_valid', 'format', '{mail}', '{"type": "email"}') > 0 AS added;
SELECT crmaudit.add_rule('part.customer', 'mail_unique', 'unique', '{mail}') > 0 AS added;

-- Of each stratum a tenth, and one row at least (D13); the bounds hold the truth.
SELECT count(*) AS runs FROM crmaudit.sweep('part.customer', sample_percent => 10, seed => 42, stratum => 'kind');
CREATE VIEW part.last_run AS SELECT * FROM crmaudit.run WHERE target = 'part.customer'::regclass ORDER BY id DESC LIMIT 1;
SELECT status, rows, sample_percent, seed, stratum, workers FROM part.last_run;
SELECT stratum, total, rows, rate_low <= 0.1 AND rate_high >= 0.1 AS holds_the_truth FROM crmaudit.run_stratum WHERE run_id = (SELECT id FROM part.last_run) ORDER BY stratum;
SELECT count(*) AS rules, bool_and(rate_low < failure_rate AND failure_rate < rate_high) AS bounded FROM crmaudit.run_rule WHERE run_id = (SELECT id FROM part.last_run);
CREATE TABLE part.first_sample AS SELECT row_key FROM crmaudit.finding_event WHERE run_id = (SELECT id FROM part.last_run);
SELECT count(*) AS histories FROM crmaudit.score_history WHERE target = 'part.customer'::regclass;
-- The same seed, the same rows; another, others.
SELECT count(*) AS runs FROM crmaudit.sweep('part.customer', sample_percent => 10, seed => 42, stratum => 'kind');
SELECT count(*) AS differences FROM (
	(SELECT row_key FROM part.first_sample EXCEPT SELECT row_key FROM crmaudit.finding_event WHERE run_id = (SELECT id FROM part.last_run))
	UNION ALL
	(SELECT row_key FROM crmaudit.finding_event WHERE run_id = (SELECT id FROM part.last_run) EXCEPT SELECT row_key FROM part.first_sample)) d;
SET DateStyle = 'German';
SET TimeZone = 'Asia/Shanghai';
SELECT count(*) AS runs FROM crmaudit.sweep('part.customer', sample_percent => 10, seed => 43);
RESET DateStyle;
RESET TimeZone;
SELECT rows, stratum FROM part.last_run;
SELECT count(*) > 0 AS others FROM (SELECT row_key FROM crmaudit.finding_event WHERE run_id = (SELECT id FROM part.last_run) EXCEPT SELECT row_key FROM part.first_sample) d;
-- A sample tells of its rows only: of the others nothing is gone.
SELECT event, count(*) > 0 AS any FROM crmaudit.finding_event WHERE run_id = (SELECT id FROM part.last_run) GROUP BY 1;
-- Strata are few.
SELECT crmaudit.sweep('part.customer', sample_percent => 99, stratum => 'no');
-- One row is a sample too.
SELECT count(*) AS runs FROM crmaudit.sweep('part.customer', sample_percent => 0.001);
SELECT rows FROM part.last_run;

-- What changed. The first time that is all.
SELECT count(*) AS runs FROM crmaudit.sweep_changed('part.customer');
SELECT status, rows, failures FROM part.last_run;
-- Not known: neither recorded, nor does a column say so.
SELECT crmaudit.sweep_changed('part.customer');
SELECT crmaudit.sweep_changed('part.last_run');

-- By the ledger, whatever the gate was told.
SELECT crmaudit.protect('part.customer', mode => 'observe');
SELECT count(*) AS runs FROM crmaudit.sweep('part.customer');
SELECT count(*) AS runs FROM crmaudit.sweep_changed('part.customer');
SELECT status, rows, failures FROM part.last_run;
SET crmaudit.mode = 'off';
UPDATE part.customer SET mail = 'spoilt' WHERE no = 1;
UPDATE part.customer SET mail = 'mended@mail.cn' WHERE no = 10;
INSERT INTO part.customer VALUES (3000, 'none', 'person', '2026-01-01');
BEGIN;
UPDATE part.customer SET mail = 'never' WHERE no = 2;
ROLLBACK;
RESET crmaudit.mode;
SELECT count(*) AS runs FROM crmaudit.sweep_changed('part.customer');
SELECT status, rows, failures FROM part.last_run;
SELECT event, row_key, reason FROM crmaudit.finding_event
	WHERE run_id = (SELECT max(id) FROM crmaudit.run WHERE target = 'part.customer'::regclass AND status = 'changed rows') ORDER BY 1, 2;
-- The rule that looks at other rows is judged on all of them.
SELECT rules FROM part.last_run;
SELECT event, row_key FROM crmaudit.finding_event WHERE run_id = (SELECT id FROM part.last_run) AND row_key ->> 'no' IN ('10', '3000') ORDER BY 1, 2;
-- Only once.
SELECT count(*) AS runs FROM crmaudit.sweep_changed('part.customer');
SELECT rows FROM part.last_run;
-- Where rules changed, all of the table is swept.
SELECT crmaudit.alter_rule('part.customer', 'mail_valid', severity => 'warning');
SELECT crmaudit.add_rule('part.customer', 'kind_filled', 'required', '{kind}') > 0 AS added;
SELECT count(*) AS runs FROM crmaudit.sweep_changed('part.customer');
SELECT status, rows, failures, rules FROM part.last_run;
SELECT crmaudit.unswept_rules('part.customer') IS NULL AS all_swept;

-- By a column with the role updated_at.
SELECT crmaudit.protect('part.customer', roles => '{"edited": "updated_at"}', mode => 'observe', history => false);
SELECT count(*) AS runs FROM crmaudit.sweep('part.customer');
SET crmaudit.mode = 'off';
UPDATE part.customer SET mail = 'spoilt too', edited = current_date + 1 WHERE no = 3;
RESET crmaudit.mode;
SELECT count(*) AS runs FROM crmaudit.sweep_changed('part.customer');
SELECT status, rows, failures FROM part.last_run;

-- Of a key that is hashed the ledger has digests only.
CREATE TABLE part.person (id_no text PRIMARY KEY, mail text);
SELECT crmaudit.protect('part.person', roles => '{"id_no": "resident_id"}', mode => 'observe');
SELECT count(*) AS runs FROM crmaudit.sweep('part.person');
SELECT crmaudit.sweep_changed('part.person');
SELECT crmaudit.sweep_table('part.person', NULL, 100, 0, NULL, 0, pg_current_snapshot(), NULL, NULL);
SELECT crmaudit.unprotect('part.person');
SELECT crmaudit.unprotect('part.customer');
DROP SCHEMA part CASCADE;
