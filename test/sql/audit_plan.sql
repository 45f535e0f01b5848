-- Audit as a process (D37, D38): plan, steps, tasks, comments, report.
\set SHOW_CONTEXT never
SET timezone = 'America/New_York';
SET crmaudit.calendar = 'CN';

CREATE SCHEMA an;
CREATE TABLE an.customer (id int PRIMARY KEY, name text, mail text, agent text);
CREATE TABLE an.other (id int PRIMARY KEY, mail text);
INSERT INTO an.customer SELECT i, CASE WHEN i <> 1 THEN 'Li' END, CASE WHEN i <= 4 THEN 'bad' ELSE 'a@example.cn' END, CASE WHEN i = 2 THEN 'Zhang' ELSE 'Wu' END FROM generate_series(1, 10) i;
INSERT INTO an.other VALUES (1, 'bad');
SELECT crmaudit.protect('an.customer', mode => 'observe', history => false, roles => '{"agent":"owner"}');
SELECT crmaudit.protect('an.other', mode => 'observe', history => false);
SELECT crmaudit.add_rule('an.customer', 'named', 'required', '{name}') AS named \gset
SELECT crmaudit.add_rule('an.customer', 'mail|valid', 'format', '{mail}', '{"type":"email"}') AS mail \gset
SELECT crmaudit.add_rule('an.other', 'mail', 'format', '{mail}', '{"type":"email"}') AS other \gset
SELECT count(*) FROM crmaudit.sweep('an.customer');
SELECT count(*) FROM crmaudit.sweep('an.other');

-- Plan -----------------------------------------------------------------------------------
SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date AS today \gset
SELECT crmaudit.plan_audit('spring audit', 'Are customers'' data true?', 'branch 3; | and # in a name', :'today'::date - 10, :'today'::date + 10, '{lead,member}', '{an.customer}') AS plan \gset
SELECT name, goal, scope, targets, team, ends_on - starts_on AS days, made_by = session_user AS mine, closed_at FROM crmaudit.audit_plan WHERE id = :plan;
-- What a plan must have.
SELECT crmaudit.plan_audit('spring audit', 'g', 's', :'today', :'today', '{a}');
SELECT crmaudit.plan_audit(' ', 'g', 's', :'today', :'today', '{a}');
SELECT crmaudit.plan_audit('x', '', 's', :'today', :'today', '{a}');
SELECT crmaudit.plan_audit('x', 'g', 's', :'today', :'today'::date - 1, '{a}');
SELECT crmaudit.plan_audit('x', 'g', 's', :'today', 'infinity', '{a}');
SELECT crmaudit.plan_audit('x', 'g', 's', :'today', :'today', '{}');
SELECT crmaudit.plan_audit('x', 'g', 's', :'today', :'today', '{a,NULL}');
SELECT crmaudit.plan_audit('x', 'g', 's', :'today', :'today', '{a}', '{pg_class}');

-- Steps and tasks, within the dates of what they belong to.
SELECT crmaudit.add_audit_step(:plan, 'collect', :'today'::date - 10, :'today'::date - 1) AS collect \gset
SELECT crmaudit.add_audit_step(:plan, 'interview', :'today'::date - 5, :'today'::date + 5) AS interview \gset
SELECT crmaudit.add_audit_step(:plan, 'report', :'today'::date + 6, :'today'::date + 10) AS report \gset
\set VERBOSITY terse
SELECT crmaudit.add_audit_step(:plan, 'late', :'today'::date + 6, :'today'::date + 11);
\set VERBOSITY default
SELECT crmaudit.add_audit_step(-1, 'x', :'today', :'today');
SELECT crmaudit.add_audit_task(:collect, 'export the table', 'lead') AS export \gset
SELECT crmaudit.add_audit_task(:interview, 'ask Wu', 'member', :'today'::date - 1) AS ask \gset
SELECT crmaudit.add_audit_task(:interview, 'ask Zhang', 'member', :'today') AS ask2 \gset
SELECT crmaudit.add_audit_task(:interview, 'ask Li', 'stranger');
\set VERBOSITY terse
SELECT crmaudit.add_audit_task(:interview, 'ask Li', 'lead', :'today'::date + 6);
\set VERBOSITY default
SELECT crmaudit.add_audit_task(-1, 'x', 'lead');
SELECT audit, position, step, tasks, tasks_done, tasks_overdue, state FROM crmaudit.audit_progress WHERE plan_id = :plan;

-- A step is done when its tasks are, and once.
SELECT crmaudit.complete_audit_step(:collect, 'done');
SELECT crmaudit.complete_audit_task(:export, '');
SELECT crmaudit.complete_audit_task(:export, 'file 2026/17');
SELECT crmaudit.complete_audit_task(:export, 'again');
SELECT crmaudit.complete_audit_task(-1, 'x');
SELECT crmaudit.complete_audit_step(:collect, 'ten rows | all there');
SELECT crmaudit.complete_audit_step(:collect, 'again');
SELECT crmaudit.add_audit_task(:collect, 'more', 'lead');
SELECT crmaudit.close_audit(:plan);
SELECT position, tasks, tasks_done, state, result, done_by = session_user AS by_me FROM crmaudit.audit_progress WHERE plan_id = :plan;
SELECT evidence, done_by = session_user AS by_me FROM crmaudit.audit_task WHERE id = :export;

-- Comments -------------------------------------------------------------------------------
SELECT id AS finding FROM crmaudit.finding WHERE rule_id = :mail AND row_key = '{"id": 2}' \gset
SELECT crmaudit.comment('finding', :finding, ' Who entered this? ') AS question \gset
SELECT crmaudit.comment('finding', :finding, 'Zhang did.', :question) AS answer \gset
SELECT crmaudit.comment('step', :interview, 'Wu is on leave.') AS leave \gset
SELECT crmaudit.comment('task', :ask, 'asked by phone') AS task_comment \gset
SELECT crmaudit.comment('plan', :plan, 'Begin earlier next year.') AS plan_comment \gset
SELECT subject, audit, step, task, rule, person = session_user AS by_me, words, reply_to IS NOT NULL AS is_reply, is_answered FROM crmaudit.audit_comments WHERE id BETWEEN :question AND :plan_comment;
SELECT crmaudit.comment('customer', 1, 'x');
SELECT crmaudit.comment('step', -1, 'x');
SELECT crmaudit.comment('plan', :plan, '  ');
-- What an error says, less numbers that differ.
CREATE FUNCTION an.refusal(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN format('%s: %s', SQLSTATE, regexp_replace(SQLERRM, '\d+', 'N', 'g'));
END $$;
SELECT an.refusal(format('SELECT crmaudit.comment(%L, %s, %L, %s)', 'plan', :plan, 'x', :question));

-- Duties: an auditor plans, comments and reports, and writes nothing by himself;
-- whom a finding is assigned to, and the team, may comment; nobody else.
CREATE ROLE an_auditor;
CREATE ROLE an_clerk;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'an_auditor') \gset
GRANT USAGE ON SCHEMA an TO an_auditor, an_clerk;
GRANT SELECT ON ALL TABLES IN SCHEMA an TO an_auditor;
SET ROLE an_auditor;
SELECT crmaudit.plan_audit('autumn audit', 'g', 's', :'today', :'today', '{member}') AS autumn \gset
SELECT crmaudit.add_audit_step(:autumn, 'one', :'today', :'today') AS one \gset
SELECT crmaudit.comment('step', :one, 'by an auditor') > 0 AS commented;
SELECT crmaudit.audit_report(:autumn) LIKE '# Audit report %: autumn audit%' AS reported;
SELECT count(*) AS kept, bool_and(made_by = session_user) AS by_me FROM crmaudit.kept_report WHERE plan_id = :autumn;
UPDATE crmaudit.audit_plan SET goal = 'another';
DELETE FROM crmaudit.audit_comment;
INSERT INTO crmaudit.kept_report (plan_id, figures, report) VALUES (:autumn, '{}', 'all is well');
RESET ROLE;
SET crmaudit.shared_users = 'postgres';
SET crmaudit.actor = 'member';
SET ROLE an_clerk;
SELECT crmaudit.comment('step', :one, 'by the team') > 0 AS commented;
SET crmaudit.actor = 'stranger';
SELECT an.refusal(format('SELECT crmaudit.comment(%L, %s, %L)', 'step', :one, 'x'));
SELECT crmaudit.comment('finding', -1, 'x');
SELECT crmaudit.plan_audit('x', 'g', 's', :'today', :'today', '{a}');
SELECT count(*) FROM crmaudit.audit_comments;
RESET ROLE;
RESET crmaudit.actor;
RESET crmaudit.shared_users;

-- Report ---------------------------------------------------------------------------------
-- An obligation: of four contracts one was revisited in time, one late, one not
-- at all; the fourth is due later.
CREATE TABLE an.contract (id int PRIMARY KEY, customer int, signed date, revisited date);
INSERT INTO an.contract VALUES (1, 1, :'today'::date - 3, :'today'::date - 2), (2, 2, :'today'::date - 5, :'today'::date - 1), (3, 3, :'today'::date - 3, NULL), (4, 4, :'today', NULL);
SELECT crmaudit.map_entity('contract', 'an.contract', '{"contract_id":"id","customer_id":"customer","signed_at":"signed","revisited_at":"revisited::timestamptz"}');
SELECT crmaudit.add_obligation('an revisit', 'contract', '2 days', NULL, counting_from => 'signed_at', fulfilled_at => 'revisited_at') > 0 AS added;
SELECT obligation, sum(due) AS due, sum(met) AS met, sum(late) AS late, sum(overdue) AS overdue FROM crmaudit.obligation_coverage WHERE obligation = 'an revisit' GROUP BY obligation;
-- Nothing of it depends on the language of the session, nor names values of rows.
SET crmaudit.language = 'zh';
CREATE FUNCTION an.told(report text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(report, '\d{4}-\d\d-\d\d', '<day>', 'g'), E'(ledger [^\n]*?[: ])(\\d+, [0-9a-f]{64}|none 无)', '\1<block>')
$$;
SELECT an.told(crmaudit.audit_report(:plan));
RESET crmaudit.language;
-- Three are mended, two names are lost, one is filled in, and there is another
-- rule: what changed is told.
UPDATE an.customer SET mail = 'a@example.cn' WHERE id IN (1, 2, 3);
UPDATE an.customer SET name = NULL WHERE id IN (5, 6);
UPDATE an.customer SET name = 'Li' WHERE id = 1;
UPDATE an.contract SET revisited = signed + 1 WHERE id = 3;
SELECT crmaudit.add_rule('an.customer', 'agent_known', 'in_set', '{agent}', '{"values":["Wu"]}', severity => 'warning') \gset
SELECT count(*) FROM crmaudit.sweep('an.customer');
SELECT substring(crmaudit.audit_report(:plan, keep => false) FROM '## 5.*');
-- It was not kept: the next one tells the same. Then nothing changed.
SELECT substring(crmaudit.audit_report(:plan, keep => false) FROM '## 5.*') = substring(crmaudit.audit_report(:plan) FROM '## 5.*') AS same;
SELECT substring(crmaudit.audit_report(:plan, keep => false) FROM '## 5.*');
SELECT count(*), bool_and(report LIKE '# Audit%') AS reports, max(figures #>> '{tables,an.customer,rows}') AS rows FROM crmaudit.kept_report WHERE plan_id = :plan;
-- In a transaction that only reads it can be made, and not kept.
BEGIN READ ONLY;
SELECT length(crmaudit.audit_report(:plan, keep => false)) > 1000 AS is_long;
COMMIT;
SELECT crmaudit.audit_report(-1);

-- A closed audit stays as it is; it can still be spoken about.
SELECT crmaudit.complete_audit_task(:ask, 'note 1'), crmaudit.complete_audit_task(:ask2, 'note 2'), crmaudit.complete_audit_step(:interview, 'asked'), crmaudit.complete_audit_step(:report, 'written');
SELECT crmaudit.close_audit(:plan);
\set VERBOSITY terse
SELECT crmaudit.close_audit(:plan);
SELECT crmaudit.add_audit_step(:plan, 'x', :'today', :'today');
\set VERBOSITY default
SELECT crmaudit.comment('plan', :plan, 'well done') > 0 AS commented;

SELECT crmaudit.drop_obligation('an revisit'), crmaudit.unmap_entity('contract');
SELECT crmaudit.unprotect('an.customer'), crmaudit.unprotect('an.other');
-- What is protected no longer, and what is demanded no longer, has changed, too.
SELECT substring(crmaudit.audit_report(:plan, keep => false) FROM '## 5.*');
-- Nothing in a name is markup.
SELECT crmaudit.markdown_text(E'a | b\n# *c* _d_ ~~e~~ `f` [g](h) <i> &lt; \\ ');
DELETE FROM crmaudit.kept_report;
DELETE FROM crmaudit.audit_comment;
DELETE FROM crmaudit.audit_task;
DELETE FROM crmaudit.audit_step;
DELETE FROM crmaudit.audit_plan;
SELECT crmaudit.revoke_duty('auditor', 'an_auditor');
SET client_min_messages = warning;
DROP SCHEMA an CASCADE;
DROP ROLE an_auditor, an_clerk;
