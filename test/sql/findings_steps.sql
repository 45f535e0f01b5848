-- Findings are worked off (D6): each step is taken by somebody, recorded, and
-- possible only where it makes sense.
\set SHOW_CONTEXT never
\set VERBOSITY default
CREATE ROLE fs_desk;
CREATE ROLE fs_law;
CREATE ROLE fs_chief;
CREATE ROLE fs_clerk;
CREATE ROLE fs_app;
CREATE ROLE compliance;
GRANT compliance TO fs_law;

-- An error, without the id of the finding, which depends on what ran before.
CREATE FUNCTION fs_try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	state text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN regexp_replace(concat_ws(E'\n', state || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, '')), 'finding \d+', 'finding N', 'g');
END $$;

CREATE TABLE fs_customer (id int PRIMARY KEY, mail text, phone text, clerk text, revisit_on date);
SELECT crmaudit.protect('fs_customer', mode => 'observe', roles => '{"clerk":"owner"}') \gset
SELECT crmaudit.add_rule('fs_customer', 'mail_filled', 'required', '{mail}') AS mail_rule \gset
SELECT crmaudit.add_rule('fs_customer', 'phone_filled', 'required', '{phone}', '{"verify_by":["compliance","customer service"]}') \gset
SELECT count(*) FROM crmaudit.grant_duty('steward', 'fs_desk') \gset
SELECT count(*) FROM crmaudit.grant_duty('steward', 'fs_law') \gset
SELECT count(*) FROM crmaudit.grant_duty('steward', 'fs_chief') \gset
GRANT SELECT ON fs_customer TO fs_desk, fs_law;
CREATE VIEW fs_finding AS SELECT f.*, (row_key -> 'id')::int AS customer FROM crmaudit.finding f WHERE target = 'fs_customer'::regclass;
GRANT SELECT ON fs_finding TO PUBLIC;
-- ids of the findings of customers
CREATE FUNCTION fs_ids(VARIADIC customers int[]) RETURNS bigint[] LANGUAGE sql SECURITY DEFINER AS
	$$ SELECT array_agg(id ORDER BY id) FROM fs_finding WHERE customer = ANY (customers) AND rule = 'mail_filled' $$;
INSERT INTO fs_customer SELECT i, NULL, '1', CASE WHEN i < 5 THEN 'fs_clerk' END FROM generate_series(1, 9) i;

-- Acknowledged, resolved with evidence, verified by somebody else.
SET SESSION AUTHORIZATION fs_desk;
SELECT crmaudit.acknowledge(fs_ids(1, 2));
SELECT fs_try('SELECT crmaudit.acknowledge(fs_ids(1))');
SELECT fs_try('SELECT crmaudit.verify(fs_ids(1))');
SELECT fs_try('SELECT crmaudit.resolve(fs_ids(1), '' '')');
SELECT crmaudit.resolve(fs_ids(1, 2, 3), 'letter of 3 May, file 17');
SELECT fs_try('SELECT crmaudit.resolve(fs_ids(1), ''again'')');
-- All or none: one that cannot be verified keeps the others from it.
SELECT fs_try('SELECT crmaudit.verify(fs_ids(1, 4))');
SELECT fs_try('SELECT crmaudit.verify(fs_ids(1))');
SET SESSION AUTHORIZATION fs_law;
SELECT crmaudit.verify(fs_ids(1));
SELECT fs_try('SELECT crmaudit.verify(fs_ids(1))');
SELECT customer, status, acknowledged_by, resolved_by, resolution, evidence, verified_by, verified_at IS NOT NULL AS verified
	FROM fs_finding WHERE customer < 5 ORDER BY customer;
-- What is not there, or named twice, or nothing at all.
SELECT fs_try('SELECT crmaudit.acknowledge(''{-1}'')');
SELECT fs_try('SELECT crmaudit.acknowledge(''{NULL}'')');
SELECT crmaudit.acknowledge(fs_ids(5) || fs_ids(5));
SELECT crmaudit.acknowledge('{}');
-- An old snapshot does not show what somebody else did.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT crmaudit.acknowledge(fs_ids(6));
ROLLBACK;

-- Found again it is open again; a repair resolves it, and whoever repaired does not verify.
SET SESSION AUTHORIZATION fs_desk;
SELECT fs_try('SELECT crmaudit.reopen(fs_ids(6))');
SELECT crmaudit.reopen(fs_ids(1), 'the letter was about another customer');
SELECT customer, status, reopened, occurrences, resolved_by, evidence, verified_by FROM fs_finding WHERE customer = 1;
RESET SESSION AUTHORIZATION;
UPDATE fs_customer SET phone = '2' WHERE id = 2;
SELECT customer, status, reopened, occurrences FROM fs_finding WHERE customer = 2;
UPDATE fs_customer SET mail = 'x' WHERE id IN (1, 2);
UPDATE fs_customer SET mail = NULL WHERE id = 2;
SELECT customer, rule, status, resolution, reopened, occurrences, evidence, resolved_by = session_user AS by_me FROM fs_finding WHERE customer < 3 ORDER BY customer;
SELECT fs_try('SELECT crmaudit.verify(fs_ids(1))') ~ 'cannot be verified by "\w+", who resolved it' AS refused;

-- Where the rule says so, each department verifies, each by another person.
UPDATE fs_customer SET phone = NULL WHERE id = 7;
SELECT array_agg(id) AS phone_ids FROM fs_finding WHERE rule = 'phone_filled' \gset
SET SESSION AUTHORIZATION fs_desk;
SELECT crmaudit.resolve(:'phone_ids', 'called');
SET SESSION AUTHORIZATION fs_chief;
SELECT fs_try(format('SELECT crmaudit.verify(%L)', :'phone_ids'));
SELECT fs_try(format('SELECT crmaudit.verify(%L, ''sales'')', :'phone_ids'));
SELECT fs_try(format('SELECT crmaudit.verify(%L, ''compliance'')', :'phone_ids'));
SET SESSION AUTHORIZATION fs_law;
SELECT crmaudit.verify(:'phone_ids', 'compliance');
SELECT fs_try(format('SELECT crmaudit.verify(%L, ''customer service'')', :'phone_ids'));
SELECT status, verified_by, verified_for FROM fs_finding WHERE rule = 'phone_filled';
SET SESSION AUTHORIZATION fs_chief;
SELECT crmaudit.verify(:'phone_ids', 'customer service');
SELECT status, verified_by, verified_for FROM fs_finding WHERE rule = 'phone_filled';
RESET SESSION AUTHORIZATION;
SELECT fs_try('SELECT crmaudit.alter_rule(''fs_customer'', ''phone_filled'', params => ''{"verify_by":[]}'')');
SELECT fs_try('SELECT crmaudit.alter_rule(''fs_customer'', ''phone_filled'', params => ''{"verify_by":["a","a"]}'')');
SELECT fs_try('SELECT crmaudit.alter_rule(''fs_customer'', ''phone_filled'', params => ''{"verify_by":[1]}'')');
SELECT fs_try('SELECT crmaudit.alter_rule(''fs_customer'', ''phone_filled'', params => ''{"verify_by":"a"}'')');

-- A false positive stays one.
SET SESSION AUTHORIZATION fs_desk;
SELECT fs_try('SELECT crmaudit.false_positive(fs_ids(3), ''x'')');
SELECT fs_try('SELECT crmaudit.false_positive(fs_ids(4), NULL)');
SELECT crmaudit.false_positive(fs_ids(4), 'has no mail, and says so');
-- A waiver is approved by another person than asks, and ends.
SELECT fs_try('SELECT crmaudit.waive(fs_ids(5), current_date, ''moving house'', ''fs_desk'')');
SELECT fs_try('SELECT crmaudit.waive(fs_ids(5), current_date, ''moving house'', '''')');
SELECT fs_try('SELECT crmaudit.waive(fs_ids(5), current_date, NULL, ''fs_chief'')');
SELECT fs_try('SELECT crmaudit.waive(fs_ids(5), current_date - 1, ''moving house'', ''fs_chief'')');
SELECT fs_try('SELECT crmaudit.waive(fs_ids(5), ''infinity'', ''moving house'', ''fs_chief'')');
SELECT fs_try('SELECT crmaudit.waive(fs_ids(5), NULL, ''moving house'', ''fs_chief'')');
SELECT crmaudit.assign(fs_ids(5), 'fs_chief');
SELECT fs_try('SELECT crmaudit.waive(fs_ids(5), current_date, ''moving house'', ''fs_chief'')');
SELECT crmaudit.assign(fs_ids(5), 'fs_clerk');
SELECT crmaudit.waive(fs_ids(5), current_date, 'moving house', 'fs_chief');
RESET SESSION AUTHORIZATION;
UPDATE fs_customer SET mail = '' WHERE id IN (4, 5);
UPDATE fs_customer SET mail = NULL WHERE id IN (4, 5);
SELECT customer, status, occurrences, assignee, evidence, waived_until = current_date AS until_today, waived_by, approved_by FROM fs_finding WHERE customer IN (4, 5) ORDER BY customer;
-- Over, the finding is open, in the view and when it is seen again.
UPDATE crmaudit.finding_event SET valid_until = current_date - 1 WHERE event = 'waived' AND target = 'fs_customer'::regclass;
SELECT status FROM fs_finding WHERE customer = 5;
SELECT crmaudit.fold_findings() > 0 AS folded;
SELECT status FROM fs_finding WHERE customer = 5;
SELECT count(*) FROM crmaudit.open_findings WHERE id = ANY (fs_ids(5));
SET SESSION AUTHORIZATION fs_desk;
SELECT crmaudit.acknowledge(fs_ids(5));
RESET SESSION AUTHORIZATION;
SELECT status FROM fs_finding WHERE customer = 5;

-- Distribution: whom one names, whom assignment has for the rule, the owner of
-- the rule, of the row, whom assignment has for the table.
INSERT INTO fs_customer VALUES (11, NULL, '1', 'fs_clerk'), (12, NULL, '1', NULL);
SET SESSION AUTHORIZATION fs_desk;
SELECT crmaudit.distribute(fs_ids(11), 'fs_chief');
SELECT crmaudit.distribute(fs_ids(11));
SELECT fs_try('SELECT crmaudit.distribute(fs_ids(11, 12))');
RESET SESSION AUTHORIZATION;
SELECT customer, assignee, distributed_at IS NOT NULL AS distributed FROM fs_finding WHERE customer > 10 ORDER BY customer;
INSERT INTO crmaudit.assignment VALUES ('fs_customer', NULL, 'sales');
SET SESSION AUTHORIZATION fs_desk;
SELECT crmaudit.distribute(fs_ids(11, 12));
SELECT customer, assignee FROM fs_finding WHERE customer > 10 ORDER BY customer;
RESET SESSION AUTHORIZATION;
SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', owner => 'rule owner') \gset
SELECT crmaudit.distribute(fs_ids(11, 12));
SELECT customer, assignee FROM fs_finding WHERE customer > 10 ORDER BY customer;
INSERT INTO crmaudit.assignment VALUES ('fs_customer', :mail_rule, 'mail desk');
SELECT crmaudit.distribute(fs_ids(11, 12));
SELECT customer, assignee FROM fs_finding WHERE customer > 10 ORDER BY customer;
-- Who may not read the table learns no owner.
DELETE FROM crmaudit.assignment;
SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', owner => '') \gset
SET SESSION AUTHORIZATION fs_chief;
SELECT fs_try('SELECT crmaudit.distribute(fs_ids(11))');
RESET SESSION AUTHORIZATION;
SELECT fs_try('SELECT crmaudit.distribute(fs_ids(1))');
SELECT fs_try('SELECT crmaudit.distribute(''{-1}'')');
SELECT fs_try('SELECT crmaudit.assign(fs_ids(11), '''')');

-- Due from the day a list was distributed, and not after the revisit (D6).
SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"due":"72 hours","from":"distributed","not_after":"revisit_on"}') \gset
SELECT params ->> 'not_after' AS not_after, attnames FROM crmaudit.rule WHERE id = :mail_rule;
SET timezone = 'Asia/Shanghai';
INSERT INTO fs_customer VALUES (21, NULL, '1', 'fs_clerk', NULL), (22, NULL, '1', 'fs_clerk', current_date), (23, NULL, '1', 'fs_clerk', current_date + 30);
SELECT customer, due_at FROM fs_finding WHERE customer > 20 ORDER BY customer;
SELECT crmaudit.distribute(fs_ids(21, 22, 23));
SELECT customer, due_at - distributed_at = '72 hours' AS in_time, due_at = (current_date + 1)::timestamptz AS end_of_today FROM fs_finding WHERE customer > 20 ORDER BY customer;
RESET timezone;
-- It follows the renaming of columns, which cannot be dropped.
ALTER TABLE fs_customer RENAME COLUMN revisit_on TO "Revisit on";
SELECT params ->> 'not_after' AS not_after, attnames FROM crmaudit.rule WHERE id = :mail_rule;
ALTER TABLE fs_customer DROP COLUMN "Revisit on";
SELECT crmaudit.distribute(fs_ids(22));
-- Nobody reads by it what he may not read.
SET SESSION AUTHORIZATION fs_chief;
SELECT fs_try('SELECT crmaudit.distribute(fs_ids(22))');
RESET SESSION AUTHORIZATION;
SELECT fs_try($$SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"due":"soon"}')$$);
SELECT fs_try($$SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"from":"birth"}')$$);
SELECT fs_try($$SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"not_after":"id"}')$$);
SELECT fs_try($$SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"not_after":"no_column"}')$$);
SELECT fs_try($$SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"not_after":"now()), (now()"}')$$);
SELECT fs_try($$SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"not_after":"(SELECT now())"}')$$);
SELECT fs_try($$SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"not_after":5}')$$);
-- SQL of a rule is for the owner of the table, also past add_rule().
CREATE ROLE fs_admin;
SELECT count(*) FROM crmaudit.grant_duty('admin', 'fs_admin') \gset
SET SESSION AUTHORIZATION fs_admin;
SELECT fs_try($$SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"not_after":"now()"}')$$);
UPDATE crmaudit.rule SET params = '{"not_after":"now()"}' WHERE id = :mail_rule;
RESET SESSION AUTHORIZATION;

-- Overdue, it goes to the superior, once; to nobody, where there is none.
SELECT crmaudit.alter_rule('fs_customer', 'mail_filled', params => '{"due":"1 millisecond"}') \gset
INSERT INTO crmaudit.escalation VALUES ('fs_clerk', 'fs_chief'), (NULL, 'head office');
INSERT INTO fs_customer VALUES (31, NULL, '1', 'fs_clerk'), (32, NULL, '1', 'somebody');
SELECT pg_sleep(0.01) \gset
SELECT crmaudit.distribute(fs_ids(31, 32)) \gset
SELECT problem ~ '^2 findings are overdue' AS told FROM crmaudit.health WHERE subject = 'finding' AND target = 'fs_customer'::regclass;
SELECT crmaudit.escalate();
SELECT crmaudit.escalate();
SELECT customer, assignee, escalated_to, status FROM fs_finding WHERE customer > 30 ORDER BY customer;
SELECT count(*) FROM crmaudit.health WHERE subject = 'finding' AND target = 'fs_customer'::regclass;
DELETE FROM crmaudit.escalation;

-- Who finds something assigned answers, without any right (D37), and sees only that.
INSERT INTO fs_customer VALUES (33, NULL, '1', 'fs_clerk');
SELECT crmaudit.distribute(fs_ids(33)) \gset
SELECT fs_ids(31) AS mine, fs_ids(32) AS others \gset
SET SESSION AUTHORIZATION fs_clerk;
SELECT rule, row_key, in_words, status, overdue FROM crmaudit.my_findings WHERE id = ANY (:'mine') OR id = ANY (:'others');
SELECT crmaudit.answer(:'mine', 'asked the customer, waiting');
SELECT fs_try(format('SELECT crmaudit.answer(%L, ''x'')', :'others'));
SELECT fs_try('SELECT crmaudit.answer(''{-1}'', ''x'')');
SELECT fs_try(format('SELECT crmaudit.answer(%L, '''')', :'mine'));
-- He looks into it, and clears it with evidence (D6); others verify.
SELECT crmaudit.acknowledge(:'mine');
SELECT fs_try(format('SELECT crmaudit.acknowledge(%L)', :'others'));
SELECT fs_try('SELECT crmaudit.resolve(fs_ids(31, 32, 33), ''x'')');
SELECT fs_try('SELECT crmaudit.resolve(fs_ids(33), '''')');
SELECT crmaudit.resolve(fs_ids(33), 'letter, file 18');
SELECT fs_try('SELECT crmaudit.verify(fs_ids(33))');
SELECT fs_try('SELECT crmaudit.assign(fs_ids(31), ''x'')');
SELECT count(*) FROM crmaudit.finding;
RESET SESSION AUTHORIZATION;
SELECT customer, status, acknowledged_by, resolved_by, resolution, evidence FROM fs_finding WHERE customer > 30 ORDER BY customer;
-- A role that is taken on has what rights it has.
SET ROLE fs_clerk;
SELECT fs_try('SELECT crmaudit.acknowledge(fs_ids(32))') ~ 'finding N is not assigned' AS refused;
RESET ROLE;
-- The superior sees what was escalated.
SET SESSION AUTHORIZATION fs_chief;
SELECT row_key, assignee, answers FROM crmaudit.my_findings WHERE id = ANY (:'mine') OR id = ANY (:'others');

-- Behind the user of an application there are persons, whom crmaudit.actor tells apart.
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM crmaudit.grant_duty('steward', 'fs_app') \gset
SET crmaudit.shared_users = 'other_app, fs_app';
SET crmaudit.actor = 'li';
SET SESSION AUTHORIZATION fs_app;
SELECT crmaudit.resolve(:'mine', 'seen the passport');
SELECT fs_try(format('SELECT crmaudit.verify(%L)', :'mine'));
RESET crmaudit.actor;
SELECT fs_try(format('SELECT crmaudit.verify(%L)', :'mine'));
SELECT count(*) FROM crmaudit.my_findings;
SET crmaudit.actor = 'wang';
SELECT crmaudit.verify(:'mine');
SET crmaudit.shared_users = '';
SELECT status, resolved_by, verified_by FROM fs_finding WHERE id = ANY (:'mine');
-- Elsewhere it is only a claim.
SET SESSION AUTHORIZATION fs_desk;
SELECT crmaudit.person();
RESET SESSION AUTHORIZATION;
RESET crmaudit.actor;
RESET crmaudit.shared_users;
SET crmaudit.shared_users = 'a b c,,';
SELECT event, username, actor, person, note FROM crmaudit.finding_event WHERE row_key = '{"id": 31}' AND target = 'fs_customer'::regclass ORDER BY id;

-- The ledger has every step, and no event that only says seen or gone.
SELECT DISTINCT new ->> 'event' AS event FROM crmaudit.ledger_entry e JOIN crmaudit.tracked_table t USING (table_id)
	WHERE t.name = 'crmaudit.finding_event' AND op = 'I' AND (new ->> 'target')::oid = 'fs_customer'::regclass ORDER BY 1;

-- Other steps belong to the steward; nobody else takes one, and nobody writes events or state.
SET SESSION AUTHORIZATION fs_clerk;
SELECT crmaudit.assign('{1}', 'x');
SELECT crmaudit.distribute('{1}');
SELECT crmaudit.clear_group('x', 'y');
SELECT crmaudit.fold_findings();
SELECT count(*) FROM crmaudit.work_list;
SET SESSION AUTHORIZATION fs_desk;
INSERT INTO crmaudit.finding_event (target, event) VALUES ('fs_customer', 'truncated');
UPDATE crmaudit.finding_state SET status = 'resolved';
SELECT crmaudit.append_steps('{}', 'seen');
INSERT INTO crmaudit.assignment VALUES ('fs_customer', NULL, 'x');
-- An auditor reads all of it, and changes nothing.
RESET SESSION AUTHORIZATION;
CREATE ROLE fs_auditor;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'fs_auditor') \gset
SET SESSION AUTHORIZATION fs_auditor;
SELECT count(*) > 0 AS reads FROM crmaudit.finding_event WHERE event = 'answered' AND note LIKE 'asked%';
SELECT count(*) > 0 AS reads FROM crmaudit.work_list WHERE target = 'fs_customer'::regclass;
SELECT count(*) > 0 AS reads FROM crmaudit.finding_state;
SELECT count(*) >= 0 AS reads FROM crmaudit.findings_problems();
SELECT crmaudit.acknowledge('{1}');
SELECT crmaudit.answer('{1}', 'x');
RESET SESSION AUTHORIZATION;
SELECT crmaudit.revoke_duty('auditor', 'fs_auditor') \gset
DROP VIEW fs_finding;
DROP FUNCTION fs_ids, fs_try;
DROP TABLE fs_customer;
SELECT count(*) FROM crmaudit.assignment;
SELECT count(crmaudit.revoke_duty('steward', r::regrole)) FROM unnest('{fs_desk,fs_law,fs_chief,fs_app}'::text[]) r;
SELECT crmaudit.revoke_duty('admin', 'fs_admin') \gset
DROP ROLE fs_desk, fs_law, fs_chief, fs_clerk, fs_app, fs_admin, fs_auditor, compliance;
