-- Improvement: what to do about each cause, how many points it brings, the
-- statement to start with, and whether it helped (D40, D41).
\set SHOW_CONTEXT never

CREATE SCHEMA "fm crm";
CREATE TABLE "fm crm"."Customer" (id int PRIMARY KEY, name text, "E-mail" text, mobile text, city text, agent text);
INSERT INTO "fm crm"."Customer" SELECT i, CASE WHEN i <> 1 THEN 'Li ' || i END,
	CASE WHEN i <= 2 THEN format('mailto:c%s@example.cn', i) WHEN i <= 6 THEN 'bad' ELSE format('c%s@example.cn', i) END,
	'1380013800' || i % 10, CASE WHEN i <= 3 THEN 'Suzhou' ELSE 'Nanjing' END, CASE WHEN i <= 4 THEN 'Zhang' ELSE 'Chen' END FROM generate_series(1, 100) i;
SELECT crmaudit.protect('"fm crm"."Customer"', mode => 'observe', history => false, roles => '{"mobile":"phone","agent":"owner"}') \gset
SELECT crmaudit.add_rule('"fm crm"."Customer"', 'named', 'required', '{name}') AS named \gset
SELECT crmaudit.add_rule('"fm crm"."Customer"', 'it''s a mail', 'format', '{E-mail}', '{"type":"email","due":"10 days"}') AS mail \gset
SELECT crmaudit.add_rule('"fm crm"."Customer"', 'city_known', 'in_set', '{city}', '{"values":["Nanjing"]}', severity => 'warning') AS city \gset
SELECT crmaudit.add_rule('"fm crm"."Customer"', 'phone_shared', 'shared_value', '{mobile}', '{"max_customers":1,"type":"phone","region":"CN"}', severity => 'warning') AS phone \gset
SELECT rule_set_version AS version FROM crmaudit.protected_table WHERE target = '"fm crm"."Customer"'::regclass \gset
-- The table's name is long; its number will do.
SELECT '"fm crm"."Customer"'::regclass::oid AS customer \gset

-- Clerk li entered all bad addresses but one, a month ago, and the cities
-- yesterday; a sweep found the rest.
INSERT INTO crmaudit.finding_event (at, username, run_id, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity, mode, group_key) VALUES
	(now() - interval '40 days', 'li', NULL, :customer, :mail, 1, '{"id": 1}', 'E-mail', 'seen', 'invalid', 'mailto', 'error', 'observe', NULL),
	(now() - interval '40 days', 'li', NULL, :customer, :mail, 1, '{"id": 2}', 'E-mail', 'seen', 'invalid', 'mailto', 'error', 'observe', NULL),
	(now() - interval '41 days', 'li', NULL, :customer, :mail, 1, '{"id": 3}', 'E-mail', 'seen', 'invalid', 'no_at_sign', 'error', 'observe', NULL),
	(now() - interval '42 days', 'li', NULL, :customer, :mail, 1, '{"id": 4}', 'E-mail', 'seen', 'invalid', 'no_at_sign', 'error', 'observe', NULL),
	(now() - interval '43 days', 'li', NULL, :customer, :mail, 1, '{"id": 5}', 'E-mail', 'seen', 'invalid', 'no_at_sign', 'error', 'observe', NULL),
	(now() - interval '2 days', 'wu', NULL, :customer, :mail, 1, '{"id": 6}', 'E-mail', 'seen', 'invalid', 'no_at_sign', 'error', 'observe', NULL),
	(now() - interval '1 day', 'li', NULL, :customer, :city, 1, '{"id": 1}', 'city', 'seen', 'invalid', 'not_in_set', 'warning', 'observe', NULL),
	(now() - interval '1 day', 'wu', NULL, :customer, :city, 1, '{"id": 2}', 'city', 'seen', 'invalid', 'not_in_set', 'warning', 'observe', NULL),
	(now() - interval '1 day', 'wu', NULL, :customer, :city, 1, '{"id": 3}', 'city', 'seen', 'invalid', 'not_in_set', 'warning', 'observe', NULL),
	(now() - interval '1 day', 'postgres', 1000991, :customer, :named, 1, '{"id": 1}', 'name', 'seen', 'invalid', 'missing', 'error', NULL, NULL),
	(now() - interval '1 day', 'postgres', 1000991, :customer, :phone, 1, '{"id": 7}', 'mobile', 'seen', 'invalid', 'shared_value', 'warning', NULL, 'ee'),
	(now() - interval '1 day', 'postgres', 1000991, :customer, :phone, 1, '{"id": 17}', 'mobile', 'seen', 'invalid', 'shared_value', 'warning', NULL, 'ee');

-- Without a full sweep nobody knows what it brings; what most rows break comes first.
SELECT rule, action, findings, points FROM crmaudit.improvement_proposals WHERE target = :customer;

INSERT INTO crmaudit.run (id, target, started_at, finished_at, status, rows, failures, rule_set_version, sample_percent, seed, workers, snapshot)
	VALUES (1000991, :customer, now() - interval '1 day', now() - interval '1 day', 'completed', 100, 12, :version, 100, 0, 0, pg_current_snapshot());
INSERT INTO crmaudit.run_rule (run_id, rule_id, rule_version, rows, failures, errors)
	VALUES (1000991, :named, 1, 100, 1, 0), (1000991, :mail, 1, 100, 6, 0), (1000991, :city, 1, 100, 3, 0), (1000991, :phone, 1, 100, 2, 0);
INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score) VALUES (1000991, :customer, now() - interval '1 day', :version, 100, '98.5');

-- All proposals, in words.
SELECT rule, action, CASE WHEN rule <> 'phone_shared' THEN cause END AS cause, what_to_do, findings, entered_by, owner, points FROM crmaudit.improvement_proposals WHERE target = :customer;
SET crmaudit.language = 'zh';
SELECT rule, action, what_to_do FROM crmaudit.improvement_proposals WHERE target = :customer;
RESET crmaudit.language;

-- The statements to start with name things so that nothing else is meant ...
SELECT start_sql FROM crmaudit.improvement_proposals WHERE target = :customer ORDER BY rule, action, reason;
-- ... and run.
SELECT format('SELECT %L AS rule, %L AS action, count(*) FROM (%s) q', rule, action, rtrim(start_sql, ';'))
	FROM crmaudit.improvement_proposals WHERE target = :customer AND start_sql LIKE 'SELECT%' AND start_sql NOT LIKE '%alter_rule%' ORDER BY rule, action, reason \gexec
SELECT start_sql FROM crmaudit.improvement_proposals WHERE target = :customer AND action = 'reference data' \gexec
BEGIN;
SELECT start_sql FROM crmaudit.improvement_proposals WHERE target = :customer AND start_sql ~ '^UPDATE|alter_rule' ORDER BY start_sql \gexec
SELECT id, "E-mail" FROM "fm crm"."Customer" WHERE id <= 3 ORDER BY id;
SELECT name, severity FROM crmaudit.rule WHERE id = :city;
SELECT row_key, reason FROM crmaudit.open_findings WHERE target = :customer AND rule = 'it''s a mail' ORDER BY row_key;
ROLLBACK;

-- The points are those that the score wins, where a column has one rule of a
-- dimension: measured before and after.
BEGIN;
SELECT crmaudit.drop_rule(:customer, 'phone_shared') \gset
DELETE FROM crmaudit.run_rule WHERE run_id = 1000991 AND rule_id = :phone;
SELECT score::numeric AS before FROM crmaudit.measure_table(:customer) \gset
SELECT crmaudit.points_won(:mail) AS mail_points, crmaudit.points_won(:city) + crmaudit.points_won(:named) AS other_points \gset
UPDATE "fm crm"."Customer" SET "E-mail" = NULL WHERE id <= 6;
SELECT round(score::numeric - :before, 1) AS measured, round(:mail_points, 1) AS estimated FROM crmaudit.measure_table(:customer);
UPDATE "fm crm"."Customer" SET city = 'Nanjing', name = 'Li';
SELECT round(score::numeric - :before, 1) AS measured, round(:mail_points + :other_points, 1) AS estimated FROM crmaudit.measure_table(:customer);
ROLLBACK;

-- Hashed keys: the list of findings is all there is to start with.
CREATE TABLE fm_hashed (phone text PRIMARY KEY, name text);
SELECT crmaudit.protect('fm_hashed', mode => 'observe', history => false, roles => '{"phone":"phone"}') \gset
SELECT crmaudit.add_rule('fm_hashed', 'named', 'required', '{name}') \gset
INSERT INTO fm_hashed VALUES ('13800138001', NULL);
SELECT action, start_sql FROM crmaudit.improvement_proposals WHERE target = 'fm_hashed'::regclass;
DROP TABLE fm_hashed;

-- propose() keeps them; what waits is not kept twice.
SELECT crmaudit.propose(:customer);
SELECT crmaudit.propose(:customer);
SELECT crmaudit.propose('pg_class');
SELECT rule, action, reason, findings_then, findings_now, score_then, score_now, points_expected, helped, verdict, in_words FROM crmaudit.improvement_effect WHERE target = :customer;

-- carry_out() says who did it and when, once.
SELECT id AS mailto FROM crmaudit.improvement WHERE target = :customer AND reason = 'mailto' \gset
SELECT id AS no_at_sign FROM crmaudit.improvement WHERE target = :customer AND reason = 'no_at_sign' \gset
SELECT id AS training FROM crmaudit.improvement WHERE target = :customer AND action = 'training' \gset
SELECT id AS list FROM crmaudit.improvement WHERE target = :customer AND action = 'reference data' \gset
SELECT id AS cities FROM crmaudit.improvement WHERE target = :customer AND action = 'clean-up' AND reason = 'not_in_set' \gset
SELECT id AS gate FROM crmaudit.improvement WHERE target = :customer AND action = 'prevention' AND rule_id = :city \gset
SELECT crmaudit.carry_out(-1);
SELECT crmaudit.carry_out(:mailto, 'links taken out') \gset
DO $$
BEGIN
	PERFORM crmaudit.carry_out(id) FROM crmaudit.improvement WHERE note = 'links taken out';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+', 'N');
END $$;
SELECT status, done_at IS NOT NULL AS has_time, done_by = session_user AS by_me, note FROM crmaudit.improvement WHERE id = :mailto;
-- Once done it may be proposed again, if it is still needed.
BEGIN;
SELECT crmaudit.propose(:customer);
ROLLBACK;

-- A clean-up helped if fewer are open; as long as more are, only a sweep can tell.
SELECT crmaudit.carry_out(:no_at_sign) \gset
SELECT id = :mailto AS mailto, findings_then, findings_now, helped, verdict FROM crmaudit.improvement_effect WHERE id IN (:mailto, :no_at_sign) ORDER BY id = :no_at_sign;
UPDATE "fm crm"."Customer" SET "E-mail" = substr("E-mail", 8) WHERE "E-mail" LIKE 'mailto:%';
INSERT INTO crmaudit.run (id, target, started_at, finished_at, status, rows, failures, rule_set_version, sample_percent, seed, workers, snapshot)
	VALUES (1000992, :customer, now() + interval '1 second', now(), 'completed', 100, 10, :version, 100, 0, 0, pg_current_snapshot());
INSERT INTO crmaudit.run_rule (run_id, rule_id, rule_version, rows, failures, errors) VALUES (1000992, :mail, 1, 100, 4, 0);
INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score) VALUES (1000992, :customer, now() + interval '1 second', :version, 100, '99.25');
SELECT id = :mailto AS mailto, findings_then, findings_now, score_then, score_now, helped, verdict, in_words FROM crmaudit.improvement_effect WHERE id IN (:mailto, :no_at_sign) ORDER BY id = :no_at_sign;
BEGIN;
INSERT INTO crmaudit.finding_event (at, username, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity)
	VALUES (now(), 'li', :customer, :mail, 1, '{"id": 8}', 'E-mail', 'seen', 'invalid', 'no_at_sign', 'error');
SELECT findings_then, findings_now, helped, verdict, in_words FROM crmaudit.improvement_effect WHERE id = :no_at_sign;
ROLLBACK;
-- A score by other rules is not compared.
SELECT crmaudit.alter_rule(:customer, 'named', severity => 'critical') \gset
INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score) VALUES (1000993, :customer, now() + interval '2 seconds', :version + 1, 100, '60');
SELECT score_then, score_now FROM crmaudit.improvement_effect WHERE id = :mailto;

-- Training is judged by what came in as long after as before, and by whether
-- chance would do as much.
SELECT crmaudit.carry_out(:training) \gset
SELECT verdict, in_words FROM crmaudit.improvement_effect WHERE id = :training;
UPDATE crmaudit.improvement SET done_at = now() - interval '30 days' WHERE id = :training;
SELECT new_before, new_after, helped, verdict FROM crmaudit.improvement_effect WHERE id = :training;
BEGIN;
INSERT INTO crmaudit.finding_event (at, username, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity)
	SELECT now() - interval '50 days', 'li', :customer, :mail, 1, jsonb_build_object('id', i), 'E-mail', 'seen', 'invalid', 'no_at_sign', 'error' FROM generate_series(11, 16) i;
SELECT new_before, new_after, helped, verdict FROM crmaudit.improvement_effect WHERE id = :training;
ROLLBACK;
BEGIN;
INSERT INTO crmaudit.finding_event (at, username, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity)
	SELECT now() - interval '5 days', 'li', :customer, :mail, 1, jsonb_build_object('id', i), 'E-mail', 'seen', 'invalid', 'no_at_sign', 'error' FROM generate_series(11, 30) i;
SELECT new_before, new_after, helped, verdict FROM crmaudit.improvement_effect WHERE id = :training;
-- Since yesterday noon nothing came in; but then it seldom does.
UPDATE crmaudit.improvement SET done_at = now() - interval '36 hours' WHERE id = :training;
SELECT new_before, new_after, helped, verdict FROM crmaudit.improvement_effect WHERE id = :training;
ROLLBACK;

BEGIN;
UPDATE crmaudit.improvement SET done_at = now() - interval '200 days' WHERE id = :training;
SELECT new_before, new_after, helped, verdict FROM crmaudit.improvement_effect WHERE id = :training;
ROLLBACK;

-- A rule that judges otherwise cannot be compared, unless that was the
-- proposal. Its severity, which prevention raises, changes no judgement.
SELECT crmaudit.carry_out(:cities) \gset
SELECT crmaudit.carry_out(:list) \gset
SELECT crmaudit.carry_out(:gate) \gset
SELECT crmaudit.alter_rule(:customer, 'city_known', severity => 'error') \gset
UPDATE crmaudit.improvement SET done_at = now() - interval '12 hours' WHERE id IN (:cities, :list, :gate);
SELECT action, verdict FROM crmaudit.improvement_effect WHERE id IN (:cities, :list, :gate) ORDER BY action;
SELECT crmaudit.alter_rule(:customer, 'city_known', params => '{"values":["Nanjing","Suzhou"]}') \gset
INSERT INTO crmaudit.finding_event (target, rule_id, rule_version, row_key, event, run_id)
	SELECT :customer, :city, 3, jsonb_build_object('id', i), 'gone', 1000992 FROM generate_series(1, 3) i;
SELECT action, findings_then, findings_now, helped, verdict, in_words FROM crmaudit.improvement_effect WHERE id IN (:cities, :list, :gate) ORDER BY action;

-- The steward proposes and carries out, but does not make up who did; the
-- auditor reads; others do neither.
CREATE ROLE fm_steward;
CREATE ROLE fm_auditor;
CREATE ROLE fm_clerk;
SELECT count(*) FROM crmaudit.grant_duty('steward', 'fm_steward') \gset
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'fm_auditor') \gset
SET ROLE fm_steward;
SELECT crmaudit.propose() > 0 AS more;
SELECT crmaudit.carry_out(max(id)) FROM crmaudit.improvement WHERE status = 'proposed' \gset
UPDATE crmaudit.improvement SET findings = 1000;
UPDATE crmaudit.improvement SET done_by = 'li';
INSERT INTO crmaudit.improvement (target, rule_id, rule_version, action, findings, proposed_by) VALUES (:customer, :mail, 1, 'training', 1, 'li');
DELETE FROM crmaudit.improvement;
SET ROLE fm_auditor;
SELECT count(*) > 0 AS proposals FROM crmaudit.improvement_proposals WHERE target = :customer;
SELECT count(*) > 0 AS effects FROM crmaudit.improvement_effect WHERE target = :customer;
SELECT crmaudit.propose();
SELECT crmaudit.carry_out(1);
SET ROLE fm_clerk;
SELECT count(*) FROM crmaudit.improvement_proposals;
SELECT count(*) FROM crmaudit.improvement_effect;
SELECT count(*) FROM crmaudit.improvement;
RESET ROLE;

-- The history of a dropped table stays, under no table.
DROP SCHEMA "fm crm" CASCADE;
SELECT target, rule, action, verdict FROM crmaudit.improvement_effect WHERE id IN (:mailto, :training) ORDER BY action;

SELECT crmaudit.revoke_duty('steward', 'fm_steward') \gset
SELECT crmaudit.revoke_duty('auditor', 'fm_auditor') \gset
DROP ROLE fm_steward, fm_auditor, fm_clerk;
DELETE FROM crmaudit.improvement;
DELETE FROM crmaudit.run_rule WHERE run_id BETWEEN 1000991 AND 1000993;
DELETE FROM crmaudit.run WHERE id BETWEEN 1000991 AND 1000993;
DELETE FROM crmaudit.score_history WHERE run_id BETWEEN 1000991 AND 1000993;
