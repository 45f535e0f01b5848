-- Security: least privilege, duties, and what a hostile user cannot do.
\set SHOW_CONTEXT never

CREATE ROLE se_clerk LOGIN;		-- an ordinary CRM user
CREATE ROLE se_owner;		-- owns the CRM's tables
CREATE ROLE se_admin;
CREATE ROLE se_steward;
CREATE ROLE se_auditor;
GRANT ALL ON SCHEMA public TO se_owner, se_admin;
SET ROLE se_owner;
CREATE TABLE se_customer (id int PRIMARY KEY, name text, mail text);
CREATE TABLE se_parted (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE se_parted_1 PARTITION OF se_parted FOR VALUES FROM (0) TO (100);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON se_customer, se_parted TO se_clerk;
RESET ROLE;
SELECT crmaudit.protect('se_customer', live => 'id > 0') \gset
SELECT crmaudit.add_rule('se_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('se_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}', severity => 'warning') \gset
SELECT crmaudit.add_rule('se_customer', 'name_upper', 'expression', '{name}', '{"sql":"name = upper(name)","timing":"commit"}') \gset
SELECT crmaudit.protect('se_parted') \gset
SELECT crmaudit.add_rule('se_parted', 'named', 'required', '{name}') \gset

-- Whoever writes a protected table needs no right on crmaudit, in any mode.
SET SESSION AUTHORIZATION se_clerk;
INSERT INTO se_customer VALUES (1, NULL, NULL);
INSERT INTO se_customer VALUES (1, 'LI', 'bad');
INSERT INTO se_customer VALUES (2, 'wang', NULL);
INSERT INTO se_parted VALUES (1, NULL);
INSERT INTO se_parted VALUES (1, 'LI');
RESET SESSION AUTHORIZATION;
SELECT crmaudit.set_mode('se_customer', 'quarantine') \gset
SET SESSION AUTHORIZATION se_clerk;
INSERT INTO se_customer VALUES (2, NULL, NULL), (3, 'ZHAO', 'bad');
UPDATE se_customer SET mail = 'li@example.cn' WHERE id = 1;
DELETE FROM se_customer WHERE id = 3;
TRUNCATE se_customer;
RESET SESSION AUTHORIZATION;
SELECT rule, row_key, status, username FROM crmaudit.finding WHERE target = 'se_customer'::regclass ORDER BY row_key;
SELECT row_key, rules, username FROM crmaudit.quarantined WHERE target = 'se_customer'::regclass;

-- It can read nothing of crmaudit ...
SET ROLE se_clerk;
SELECT count(*) FROM crmaudit.rule;
SELECT count(*) FROM crmaudit.finding_event;
SELECT count(*) FROM crmaudit.finding;
SELECT count(*) FROM crmaudit.quarantine;
SELECT count(*) FROM crmaudit.key_salt;
SELECT count(*) FROM crmaudit.rule_status;
-- ... change nothing ...
INSERT INTO crmaudit.finding_event (target, event, username) VALUES ('se_customer', 'truncated', 'x');
UPDATE crmaudit.protected_table SET mode = 'off';
SELECT crmaudit.set_mode('se_customer', 'off') \gset
SELECT crmaudit.unprotect('se_customer') \gset
SELECT crmaudit.add_rule('se_customer', 'x', 'required', '{id}') \gset
SELECT crmaudit.drop_rule('se_customer', 'named') \gset
SELECT crmaudit.release(1) \gset
SELECT crmaudit.discard(1, 'x') \gset
SELECT g FROM crmaudit.grant_duty('admin', 'se_clerk') g;
SELECT crmaudit.revoke_duty('admin', 'se_clerk') \gset
-- ... attach no trigger function but those that partitions get, which do nothing on its own table ...
CREATE TEMP TABLE se_temp (id int);
CREATE TRIGGER x AFTER INSERT ON se_temp FOR EACH ROW EXECUTE FUNCTION crmaudit.rules_changed();
CREATE TRIGGER x BEFORE INSERT ON se_temp FOR EACH ROW EXECUTE FUNCTION crmaudit.gate();
CREATE TRIGGER y AFTER INSERT ON se_temp FOR EACH ROW EXECUTE FUNCTION crmaudit.capture();
INSERT INTO se_temp VALUES (1);
-- ... nor switch anything off. What is only about values it may call.
SET crmaudit.mode = 'off';
SET crmaudit.show_values = on;
SELECT verdict, reason FROM crmaudit.check_value('email', 'bad');
SELECT crmaudit.is_valid('email', 'li@example.cn');
-- The triggers' conditions are false, and do nothing, outside a trigger.
SELECT crmaudit.row_stored(), crmaudit.row_awaits_commit();
RESET ROLE;

-- A setting made before the library is loaded, when nobody knows whose it is,
-- does not count.
\c - se_clerk
SET crmaudit.mode = 'off';
INSERT INTO se_parted VALUES (2, NULL);
\c - postgres
\set SHOW_CONTEXT never

-- No function that PUBLIC may call runs with rights of its owner, but for those
-- of a finding's assignee, which look at who calls (findings_steps); and every
-- such function of ours has a fixed search_path.
SELECT p.oid::regprocedure FROM pg_proc p
	WHERE pronamespace = 'crmaudit'::regnamespace AND prosecdef
		AND (has_function_privilege('se_clerk', p.oid, 'EXECUTE') OR NOT 'search_path=pg_catalog, pg_temp' = ANY (proconfig)) ORDER BY p.oid::regprocedure::text;
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = prolang
	WHERE pronamespace = 'crmaudit'::regnamespace AND lanname IN ('sql', 'plpgsql')
		AND prosqlbody IS NULL AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)
		AND proname <> 'partition_leaving' -- reads the names of the command that it fires for
		-- made so that they are inlined: every name in them has its schema
		AND proname NOT IN (SELECT entity FROM crmaudit.entity UNION ALL VALUES ('obligation_rows'), ('period_range')) ORDER BY p.oid::regprocedure::text;
-- No body depends on what a backslash in a string is to the session.
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = prolang
	WHERE pronamespace = 'crmaudit'::regnamespace AND lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL
		AND regexp_replace(prosrc, '--[^\n]*', '', 'g') ~ '\\' AND NOT coalesce('standard_conforming_strings=on' = ANY (proconfig), false);
SELECT p.oid::regprocedure FROM pg_proc p
	WHERE pronamespace = 'crmaudit'::regnamespace AND prorettype = 'trigger'::regtype AND has_function_privilege('se_clerk', p.oid, 'EXECUTE') ORDER BY 1;
SELECT c.oid::regclass FROM pg_class c
	WHERE relnamespace = 'crmaudit'::regnamespace AND relkind IN ('r', 'v', 'S') AND relname NOT IN ('reference_version', 'role_hint') AND has_table_privilege('se_clerk', c.oid, 'SELECT');
-- Only which editions of public reference data there are is no secret, and how
-- columns are called that hold a phone number.
SELECT t, has_table_privilege('se_clerk', 'crmaudit.' || t, 'SELECT, INSERT, UPDATE, DELETE') AS any_right, has_table_privilege('se_clerk', 'crmaudit.' || t, 'INSERT, UPDATE, DELETE') AS may_write FROM unnest('{reference_version,role_hint}'::text[]) t;

-- The owner of a partitioned table has no right here, and makes partitions.
CREATE ROLE se_landlord;
CREATE TABLE se_land (id int, region text, mail text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
ALTER TABLE se_land OWNER TO se_landlord;
SELECT crmaudit.protect('se_land') \gset
SELECT crmaudit.add_rule('se_land', 'mail_valid', 'format', '{mail}', '{"type":"email", "timing":"commit"}') \gset
GRANT CREATE ON SCHEMA public TO se_landlord;
SET ROLE se_landlord;
CREATE TABLE se_north PARTITION OF se_land FOR VALUES IN ('N');
CREATE TABLE se_south (id int NOT NULL, region text NOT NULL, mail text);
ALTER TABLE se_land ATTACH PARTITION se_south FOR VALUES IN ('S');
INSERT INTO se_land VALUES (1, 'N', 'li.na@163.com');
INSERT INTO se_land VALUES (2, 'S', 'li.na@@163.com');
ALTER TABLE se_land DETACH PARTITION se_south;
DROP TABLE se_south, se_north;
RESET ROLE;
SELECT * FROM crmaudit.verify_live('se_land');
DROP TABLE se_land;
REVOKE ALL ON SCHEMA public FROM se_landlord;
DROP ROLE se_landlord;

-- A hostile search_path, temporary table, function or operator fools nothing:
-- every name is qualified, and pg_temp comes last.
SELECT crmaudit.set_mode('se_customer', 'enforce') \gset
SET SESSION AUTHORIZATION se_clerk;
CREATE TEMP TABLE protected_table AS SELECT 'se_customer'::regclass AS target, 'off'::text AS mode;
CREATE TEMP TABLE rule (id bigint, target regclass);
CREATE FUNCTION pg_temp.upper(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION pg_temp.always(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.always);
SET search_path = pg_temp, public, pg_catalog;
INSERT INTO se_customer VALUES (4, 'small', NULL);
RESET search_path;
DROP OPERATOR pg_temp.= (text, text);
DROP FUNCTION pg_temp.upper(text), pg_temp.always(text, text);
DROP TABLE pg_temp.protected_table, pg_temp.rule;
RESET SESSION AUTHORIZATION;
-- An operator that the definer sees is the one that is kept.
SELECT params ->> 'sql' AS sql FROM crmaudit.rule WHERE target = 'se_customer'::regclass AND name = 'name_upper';

-- Row-level security: the gate judges what may be written; policies judge by
-- themselves.
SELECT crmaudit.set_mode('se_customer', 'observe') \gset
ALTER TABLE se_customer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY se_own ON se_customer USING (name <> 'SECRET') WITH CHECK (name IS DISTINCT FROM 'SECRET');
SET SESSION AUTHORIZATION se_clerk;
INSERT INTO se_customer VALUES (5, NULL, NULL);
INSERT INTO se_customer VALUES (6, 'SECRET', 'bad');
RESET SESSION AUTHORIZATION;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'se_customer'::regclass AND (row_key -> 'id')::int IN (5, 6);
ALTER TABLE se_customer DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
DROP POLICY se_own ON se_customer;

-- Duties. grant_duty() says which rights on the CRM's own tables are missing,
-- because the views are read with the reader's rights.
SELECT g FROM crmaudit.grant_duty('steward', 'se_steward') g WHERE g LIKE '%se\_%' ORDER BY g;
SELECT g FROM crmaudit.grant_duty('auditor', 'se_auditor') g WHERE g LIKE '%se\_%' ORDER BY g;
GRANT SELECT ON se_customer, se_parted TO se_auditor;
SELECT g FROM crmaudit.grant_duty('auditor', 'se_auditor') g WHERE g LIKE '%se\_%' ORDER BY g;
SELECT g FROM crmaudit.grant_duty('admin', 'se_admin') g WHERE g LIKE '%se\_%' ORDER BY g;
SELECT duty, grantee, granted_by = session_user AS by_me FROM crmaudit.duty_grant WHERE grantee LIKE 'se\_%' ORDER BY duty;
SELECT g FROM crmaudit.grant_duty('boss', 'se_admin') g;

-- admin: the whole life of a table that it owns, and rules of others' tables,
-- but for SQL, which runs as whoever writes.
SET SESSION AUTHORIZATION se_admin;
CREATE TABLE se_owned (id text PRIMARY KEY, mobile text, mail text);
SELECT crmaudit.protect('se_owned', roles => '{"id":"resident_id","mobile":"phone","mail":"email"}', packs => '{contact}', live => 'id <> ''''') \gset
SELECT crmaudit.add_rule('se_owned', 'short', 'expression', params => '{"sql":"length(mobile) < 20","timing":"commit"}', condition => 'mobile <> ''''') \gset
SELECT crmaudit.alter_rule('se_owned', 'short', severity => 'warning') \gset
SELECT crmaudit.set_mode('se_owned', 'observe') \gset
INSERT INTO se_owned VALUES ('x', 'bad', NULL);
SELECT rule, username, refused FROM crmaudit.preview_mode('se_owned', 'enforce');
SELECT crmaudit.import_rules(crmaudit.export_rules('se_owned')) > 0 AS imported;
SELECT rule, state, open_findings FROM crmaudit.rule_status WHERE target = 'se_owned'::regclass ORDER BY rule_id;
SELECT crmaudit.drop_rule('se_owned', 'short') \gset
INSERT INTO crmaudit.value_list VALUES ('se_list', 'x');
DELETE FROM crmaudit.value_list WHERE list = 'se_list';
SELECT crmaudit.unprotect('se_owned') \gset
DROP TABLE se_owned;
SELECT crmaudit.add_rule('se_customer', 'named_too', 'not_blank', '{name}', severity => 'warning') \gset
SELECT crmaudit.drop_rule('se_customer', 'named_too') \gset
SELECT crmaudit.add_rule('se_customer', 'sql', 'expression', params => '{"sql":"true"}') \gset
SELECT crmaudit.add_rule('se_customer', 'condition', 'required', '{name}', condition => 'true') \gset
-- It cannot rewrite what happened, nor hand out duties.
DELETE FROM crmaudit.finding_event;
UPDATE crmaudit.finding_event SET event = 'gone';
DELETE FROM crmaudit.rule_version;
DELETE FROM crmaudit.quarantine;
INSERT INTO crmaudit.duty_grant (duty, grantee) VALUES ('auditor', 'se_admin');
-- ... nor read through the ledger what it may not read, nor have personal
-- values masked by its rights on another table.
BEGIN;
INSERT INTO crmaudit.tracked_table (target, name, key) VALUES ('pg_authid', 'x', '{oid}');
SELECT crmaudit.record_rows('pg_authid');
ROLLBACK;
UPDATE crmaudit.tracked_table SET target = 'se_parted' WHERE table_id > 100;
-- ... nor record what did not happen; what it does to a table is recorded.
SELECT crmaudit.record_schema_entry(101, '{"action":"untrack"}');
CREATE TABLE se_tracked (id int PRIMARY KEY);
SELECT crmaudit.track('se_tracked') \gset
SELECT crmaudit.untrack('se_tracked') \gset
SELECT new ->> 'action' AS action, username, current_username = username AS by_itself FROM crmaudit.change_history WHERE target = 'se_tracked'::regclass AND op = 'schema' ORDER BY at, xid, ord;
DROP TABLE se_tracked;
RESET SESSION AUTHORIZATION;

-- steward: works off findings and quarantine, with its own rights on the table.
SELECT crmaudit.set_mode('se_customer', 'quarantine') \gset
INSERT INTO se_customer VALUES (7, NULL, NULL), (8, NULL, NULL);
CREATE FUNCTION se_waiting(n int) RETURNS bigint LANGUAGE sql AS $$
	SELECT id FROM crmaudit.quarantine WHERE target = 'se_customer'::regclass AND row_data ->> 'id' = n::text $$;
SET SESSION AUTHORIZATION se_steward;
SELECT row_key, in_words FROM crmaudit.quarantined WHERE target = 'se_customer'::regclass AND (row_key -> 'id')::int > 6 ORDER BY id;
SELECT crmaudit.release(se_waiting(7), '{"name": "QIAN"}') \gset
RESET SESSION AUTHORIZATION;
GRANT SELECT, INSERT, UPDATE ON se_customer TO se_steward;
SET SESSION AUTHORIZATION se_steward;
SELECT crmaudit.release(se_waiting(7), '{"name": "QIAN"}') \gset
SELECT crmaudit.discard(se_waiting(8), 'a test') \gset
SELECT status, decided_by FROM crmaudit.quarantine WHERE id IN (se_waiting(7), se_waiting(8)) ORDER BY id;
SELECT rule, row_key FROM crmaudit.open_findings WHERE target = 'se_customer'::regclass ORDER BY id;
SELECT crmaudit.set_mode('se_customer', 'off') \gset
UPDATE crmaudit.rule SET enabled = false;
DELETE FROM crmaudit.quarantine;
SELECT count(*) FROM crmaudit.key_salt;
RESET SESSION AUTHORIZATION;

SELECT crmaudit.rebase_scores('se_customer') AS customers, crmaudit.rebase_scores('se_parted') AS parted;
-- auditor: reads every view, changes nothing.
SET SESSION AUTHORIZATION se_auditor;
DO $$
DECLARE
	view_name text;
BEGIN
	FOR view_name IN SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'crmaudit'::regnamespace AND relkind = 'v' ORDER BY relname LOOP
		EXECUTE format('SELECT FROM %s', view_name);
	END LOOP;
END $$;
SELECT rule, kind, state, in_words FROM crmaudit.rule_status WHERE target = 'se_customer'::regclass ORDER BY rule_id;
SELECT target, rows FROM crmaudit.table_score WHERE target IN ('se_customer'::regclass, 'se_parted'::regclass) ORDER BY target::text;
SELECT count(*) > 0 AS rules FROM crmaudit.rule_version;
SELECT count(*) FROM crmaudit.key_salt;
SELECT crmaudit.set_mode('se_customer', 'off') \gset
SELECT crmaudit.add_rule('se_customer', 'x', 'required', '{id}') \gset
SELECT crmaudit.discard(1, 'x') \gset
UPDATE crmaudit.quarantine SET status = 'discarded';
INSERT INTO crmaudit.value_list VALUES ('x', 'x');
DELETE FROM crmaudit.finding_event;
RESET SESSION AUTHORIZATION;

-- Who defines the rules must not audit them: not in one role, nor by
-- membership, in either direction or of a third.
SELECT g FROM crmaudit.grant_duty('auditor', 'se_admin') g;
SELECT g FROM crmaudit.grant_duty('admin', 'se_auditor') g;
CREATE ROLE se_group;
GRANT se_group TO se_admin;
SELECT g FROM crmaudit.grant_duty('auditor', 'se_group') g;
REVOKE se_group FROM se_admin;
GRANT se_admin TO se_group;
SELECT g FROM crmaudit.grant_duty('auditor', 'se_group') g;
REVOKE se_admin FROM se_group;
CREATE ROLE se_both;
GRANT se_admin, se_group TO se_both;
SELECT g FROM crmaudit.grant_duty('auditor', 'se_group') g;
DROP ROLE se_both;
SELECT g FROM crmaudit.grant_duty('steward', 'se_admin') g WHERE g LIKE '%se\_%' ORDER BY g;

-- revoke_duty() takes what the duty gave, and leaves what another one needs.
SELECT crmaudit.revoke_duty('auditor', 'se_steward') \gset
SELECT crmaudit.revoke_duty('boss', 'se_steward') \gset
SELECT crmaudit.revoke_duty('steward', 'se_admin') \gset
SELECT has_table_privilege('se_admin', 'crmaudit.rule', 'UPDATE') AS may_update, has_table_privilege('se_admin', 'crmaudit.quarantine', 'UPDATE') AS may_decide;
SELECT crmaudit.revoke_duty('admin', 'se_admin') \gset
SELECT crmaudit.revoke_duty('steward', 'se_steward') \gset
SELECT crmaudit.revoke_duty('auditor', 'se_auditor') \gset
SELECT c.oid::regclass FROM pg_class c, unnest('{se_admin,se_steward,se_auditor}'::text[]) r
	WHERE relnamespace = 'crmaudit'::regnamespace AND relkind IN ('r', 'v') AND relname NOT IN ('reference_version', 'role_hint') AND has_table_privilege(r, c.oid, 'SELECT, INSERT, UPDATE, DELETE');
-- Once revoked it no longer excludes the other.
SELECT g FROM crmaudit.grant_duty('auditor', 'se_admin') g WHERE g LIKE '%se\_%' ORDER BY g;
SELECT crmaudit.revoke_duty('auditor', 'se_admin') \gset

-- Trigger functions called as something else: errors of the trigger protocol,
-- not a crash, nor rows that vanish.
SELECT crmaudit.gate();
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;
SELECT crmaudit.stored();
SELECT crmaudit.truncated();
SELECT crmaudit.commit_gate();
SELECT crmaudit.rules_changed();
CREATE TABLE se_wrong (id int);
CREATE TRIGGER x AFTER INSERT ON se_wrong FOR EACH ROW EXECUTE FUNCTION crmaudit.gate();
INSERT INTO se_wrong VALUES (1);
DROP TRIGGER x ON se_wrong;
CREATE TRIGGER x BEFORE INSERT ON se_wrong FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.gate();
INSERT INTO se_wrong VALUES (1);
DROP TRIGGER x ON se_wrong;
CREATE TRIGGER x BEFORE INSERT ON se_wrong FOR EACH ROW EXECUTE FUNCTION crmaudit.stored();
INSERT INTO se_wrong VALUES (1);
DROP TRIGGER x ON se_wrong;
CREATE TRIGGER x BEFORE INSERT ON se_wrong FOR EACH ROW EXECUTE FUNCTION crmaudit.commit_gate();
INSERT INTO se_wrong VALUES (1);
DROP TRIGGER x ON se_wrong;
CREATE TRIGGER x AFTER INSERT ON se_wrong FOR EACH ROW EXECUTE FUNCTION crmaudit.truncated();
INSERT INTO se_wrong VALUES (1);
DROP TRIGGER x ON se_wrong;
-- On a table that is not protected the gate does nothing.
CREATE TRIGGER x BEFORE INSERT ON se_wrong FOR EACH ROW EXECUTE FUNCTION crmaudit.gate();
INSERT INTO se_wrong VALUES (1);
SELECT count(*) FROM se_wrong;

DELETE FROM crmaudit.quarantine WHERE target = 'se_customer'::regclass;
DROP FUNCTION se_waiting(int);
DROP TABLE se_customer, se_parted, se_wrong;
REVOKE ALL ON SCHEMA public FROM se_owner, se_admin;
DROP ROLE se_clerk, se_owner, se_admin, se_steward, se_auditor, se_group;

-- CREATE EXTENSION runs as a superuser; a function that somebody puts where its
-- script might look for one of PostgreSQL's is not called.
CREATE ROLE regress_stranger;
CREATE DATABASE regress_stranger_db;
\c regress_stranger_db
GRANT CREATE ON SCHEMA public TO regress_stranger;
SET ROLE regress_stranger;
CREATE TABLE public.called (who name);
CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.called VALUES (current_user); RETURN pg_catalog.format($1, VARIADIC ARRAY[$2]); END $$;
CREATE FUNCTION public.format(text, name, name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.called VALUES (current_user); RETURN pg_catalog.format($1, VARIADIC ARRAY[$2, $3]); END $$;
GRANT ALL ON public.called TO PUBLIC;
RESET ROLE;
CREATE EXTENSION crmaudit;
SELECT count(*) AS calls FROM public.called;
\c crmaudit_regress
DROP DATABASE regress_stranger_db;
DROP ROLE regress_stranger;
