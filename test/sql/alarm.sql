-- A score that falls from one sweep to the next raises an alarm: a finding on
-- the table, and a NOTIFY. What the sweep writes is written here by hand.
\set SHOW_CONTEXT never
CREATE TABLE al_customer (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('al_customer');
SELECT crmaudit.set_alarm('al_customer', 5) > 0 AS has_id, crmaudit.set_alarm('al_customer', 2.5, 'completeness', 'warning', 'data steward') > 0 AS has_id;
SELECT rule, kind, severity, dimension, in_words, owner FROM crmaudit.rule_status WHERE target = 'al_customer'::regclass;
SET crmaudit.language = 'zh';
SELECT rule, in_words FROM crmaudit.rule_status WHERE target = 'al_customer'::regclass;
RESET crmaudit.language;
-- It assesses no row: scores know nothing of it.
INSERT INTO al_customer VALUES (1, 'x');
SELECT score, coverage FROM crmaudit.table_score WHERE target = 'al_customer'::regclass;
SELECT count(*) FROM crmaudit.column_score WHERE target = 'al_customer'::regclass;

-- A sweep that measured so much; returns how many alarms were raised.
CREATE FUNCTION al_sweep(run bigint, score text, version int, hours int DEFAULT NULL) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO crmaudit.run (id, target, started_at, finished_at, status, rows, failures, rule_set_version, sample_percent, seed, workers, snapshot)
		VALUES (900000 + run, 'al_customer', now(), now(), 'completed', 1, 0, version, 100, 0, 0, pg_current_snapshot());
	INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score)
		VALUES (900000 + run, 'al_customer', timestamptz '2026-01-01' + coalesce(hours, run) * interval '1 hour', version, 1, score::crmaudit.dqscore);
	RETURN crmaudit.raise_alarm(900000 + run);
END $$;
CREATE VIEW al_finding AS
	SELECT rule, status, reason, severity, occurrences, row_key, assignee, resolution FROM crmaudit.finding WHERE target = 'al_customer'::regclass ORDER BY rule;

-- Within the permitted: nothing. The first sweep has nothing to compare with.
SELECT al_sweep(1, '90 completeness=95 validity=85', 1) AS first, al_sweep(2, '85 completeness=93 validity=77', 1) AS within, (SELECT count(*) FROM al_finding) AS findings;
-- Both fall: two findings on the table, whose key is empty.
SELECT al_sweep(3, '79.9 completeness=90 validity=70', 1) AS raised;
SELECT * FROM al_finding;
SELECT rule, row_key, reason, in_words, assignee FROM crmaudit.open_findings WHERE target = 'al_customer'::regclass ORDER BY rule;
-- It stays that low: the alarm stays on, and is not raised again.
SELECT al_sweep(4, '79.95 completeness=90', 1) AS raised;
SELECT rule, status, occurrences FROM al_finding;
-- It falls further: raised again.
SELECT al_sweep(5, '70 completeness=90', 1) AS raised;
SELECT rule, status, occurrences FROM al_finding;
-- Rising to where the last fall began is not yet what it was before the first.
SELECT al_sweep(6, '79.99 completeness=90.4', 1) AS raised;
SELECT rule, status FROM al_finding;
-- Within what is permitted of what it was before it fell: over.
SELECT al_sweep(7, '80 completeness=90.5', 1) AS raised;
SELECT rule, status, resolution FROM al_finding;
-- A next fall begins anew, from the last sweep.
SELECT al_sweep(8, '74.9 completeness=90.5', 1) AS raised, al_sweep(9, '74.9', 1) AS not_again;
SELECT rule, status, occurrences FROM al_finding;

-- A stricter version of the rules is not worse data.
SELECT al_sweep(10, '40 completeness=30', 2) AS stricter, al_sweep(11, '34.9 completeness=30', 2) AS worse;
-- Of another version than the alarm is on for it cannot be told whether it is over.
SELECT al_sweep(12, '100 completeness=100', 3) AS other_version;
SELECT rule, status, occurrences FROM al_finding;
-- What was not assessed is not compared.
SELECT al_sweep(13, '-', 3) AS nothing_assessed, al_sweep(14, '10', 3) AS after_it;
-- A sample leaves no score to compare.
SELECT crmaudit.raise_alarm(-1);

-- Fewer points, and without one of them.
SELECT crmaudit.set_alarm('al_customer', 50) = (SELECT id FROM crmaudit.rule WHERE name = 'score_alarm') AS same_rule, crmaudit.set_alarm('al_customer', NULL, 'completeness') IS NULL AS ended;
SELECT rule, status, resolution FROM al_finding;
SELECT al_sweep(15, '100 completeness=100', 4), al_sweep(16, '60 completeness=0', 4) AS permitted, al_sweep(17, '9.9', 4) AS raised;
SELECT crmaudit.alter_rule('al_customer', 'score_alarm', enabled => false);
SELECT al_sweep(18, '100', 5), al_sweep(19, '0', 5) AS disabled;
-- Of a table that is emptied the findings are over.
SELECT crmaudit.alter_rule('al_customer', 'score_alarm', enabled => true);
SELECT al_sweep(20, '100', 6), al_sweep(21, '0', 6) AS raised;
SELECT rule, status FROM al_finding WHERE rule = 'score_alarm';
TRUNCATE al_customer;
SELECT rule, status, resolution FROM al_finding WHERE rule = 'score_alarm';

-- What is refused.
SELECT crmaudit.set_alarm('al_customer', NULL, 'validity');
SELECT crmaudit.set_alarm('al_customer', 0);
SELECT crmaudit.set_alarm('al_customer', 'NaN');
SELECT crmaudit.set_alarm('al_customer', 101);
SELECT crmaudit.set_alarm('al_customer', 5, 'beauty');
SELECT crmaudit.set_alarm('pg_class', 5);
SELECT crmaudit.add_rule('al_customer', 'fall', 'score_drop', params => '{"max_drop": "much", "of": "score"}');
SELECT crmaudit.add_rule('al_customer', 'fall', 'score_drop', params => '{"max_drop": 5, "of": "beauty"}');
SELECT crmaudit.add_rule('al_customer', 'fall', 'score_drop', params => '{"max_drop": 5}');
DELETE FROM crmaudit.score_history WHERE target = 'al_customer'::regclass;
DELETE FROM crmaudit.run WHERE target = 'al_customer'::regclass;
SELECT crmaudit.unprotect('al_customer');
