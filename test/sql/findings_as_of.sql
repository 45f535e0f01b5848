-- Findings as of a time: what their events up to it come to is what the view
-- showed then, whatever steps people took.
\set SHOW_CONTEXT never
CREATE TABLE fa_customer (id int PRIMARY KEY, mail text, name text);
SELECT crmaudit.protect('fa_customer', mode => 'observe');
SELECT crmaudit.add_rule('fa_customer', 'mail_filled', 'required', '{mail}', '{"due": "3 working days"}', owner => 'sales') > 0 AS rule;
SELECT crmaudit.add_rule('fa_customer', 'named', 'required', '{name}', '{"due": "3 working days", "from": "distributed", "verify_by": ["compliance", "customer service"]}') > 0 AS rule;
INSERT INTO fa_customer SELECT i, NULL, NULL FROM generate_series(1, 12) i;
CREATE ROLE regress_clerk;
CREATE ROLE regress_checker;
CREATE ROLE regress_boss;
SELECT count(*) FROM crmaudit.grant_duty('steward', 'regress_clerk');
SELECT count(*) FROM crmaudit.grant_duty('steward', 'regress_checker');
GRANT SELECT ON fa_customer TO regress_clerk, regress_checker;
CREATE FUNCTION fa_ids(rule text, VARIADIC keys int[]) RETURNS bigint[] LANGUAGE sql SECURITY DEFINER AS $$
	SELECT array_agg(f.id) FROM crmaudit.finding f WHERE f.target = 'fa_customer'::regclass AND f.rule = fa_ids.rule AND (f.row_key ->> 'id')::int = ANY (keys) $$;
-- Where the function and the view differ.
CREATE VIEW fa_difference AS
	SELECT f.id, f.row_key, f.status, a.status AS status_as_of
	FROM (SELECT * FROM crmaudit.finding WHERE target = 'fa_customer'::regclass) f
	FULL JOIN (SELECT * FROM crmaudit.findings_as_of(clock_timestamp()) WHERE target = 'fa_customer'::regclass) a ON a.id = f.id
	WHERE (f.status, f.assignee, f.occurrences, f.due_at, f.resolution, f.resolved_by, f.resolved_at, f.evidence, f.waived_until, f.first_seen, f.last_seen, f.reason, f.severity, f.rule_version)
		IS DISTINCT FROM (a.status, a.assignee, a.occurrences, a.due_at, a.resolution, a.resolved_by, a.resolved_at, a.evidence, a.waived_until, a.first_seen, a.last_seen, a.reason, a.severity, a.rule_version);
SELECT * FROM fa_difference;
SELECT clock_timestamp() AS before_steps \gset

SET SESSION AUTHORIZATION regress_clerk;
SELECT crmaudit.distribute(fa_ids('named', 1, 2, 3), 'wang'), crmaudit.assign(fa_ids('named', 2), 'li'), crmaudit.acknowledge(fa_ids('mail_filled', 1, 2)),
	crmaudit.resolve(fa_ids('mail_filled', 2, 3, 4, 5), 'letter 17'), crmaudit.resolve(fa_ids('named', 4, 5), 'letter 18'), crmaudit.false_positive(fa_ids('mail_filled', 6, 7), 'has none'),
	crmaudit.waive(fa_ids('mail_filled', 8, 9), current_date + 30, 'moving', 'regress_boss'), crmaudit.answer(fa_ids('mail_filled', 10), 'called');
SET SESSION AUTHORIZATION regress_checker;
SELECT crmaudit.verify(fa_ids('mail_filled', 3, 4)), crmaudit.verify(fa_ids('named', 4), 'compliance'), crmaudit.reopen(fa_ids('mail_filled', 7), 'has one');
RESET SESSION AUTHORIZATION;
SELECT * FROM fa_difference;
-- Seen again, repaired, a rule disabled: after steps of each kind.
UPDATE fa_customer SET mail = 'a@163.com' WHERE id IN (1, 3, 5, 6, 8, 10);
SELECT * FROM fa_difference;
UPDATE fa_customer SET mail = NULL WHERE id IN (3, 5, 6, 8, 10);
SELECT * FROM fa_difference;
SELECT crmaudit.alter_rule('fa_customer', 'named', enabled => false) AS version;
SELECT * FROM fa_difference;
SELECT r.name AS rule, status, count(*) FROM crmaudit.findings_as_of(clock_timestamp()) a JOIN crmaudit.rule r ON r.id = a.rule_id
	WHERE a.target = 'fa_customer'::regclass GROUP BY 1, 2 ORDER BY 1, 2;
-- As it was before all that.
SELECT status, count(*) FROM crmaudit.findings_as_of(:'before_steps') WHERE target = 'fa_customer'::regclass GROUP BY 1;
TRUNCATE fa_customer;
SELECT * FROM fa_difference;
DROP VIEW fa_difference;
DROP FUNCTION fa_ids;
SELECT crmaudit.unprotect('fa_customer');
DROP OWNED BY regress_clerk, regress_checker;
DROP ROLE regress_clerk, regress_checker, regress_boss;
