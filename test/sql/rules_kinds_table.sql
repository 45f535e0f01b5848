-- Kinds about another system's table, and about a table as a whole:
-- matches_table, freshness, row_count, null_fraction.
\set SHOW_CONTEXT never
SET DateStyle = 'ISO, MDY';

CREATE SCHEMA kt_erp;
CREATE TABLE kt_customer (
	id int PRIMARY KEY,
	no text,
	name text,
	mobile text,
	mail varchar(60),
	born date,
	balance numeric,
	profile jsonb,
	closed boolean NOT NULL DEFAULT false,
	changed_at timestamptz,
	changed_on date,
	changed_text text,
	spot point
);
CREATE TABLE kt_erp.account (
	account bigint,
	number varchar(20),
	phone text,
	email text,
	birthday timestamp,
	amount float8,
	city text,
	spot box
);
SELECT crmaudit.protect('kt_customer', mode => 'observe', live => 'NOT closed');
CREATE FUNCTION pg_temp.refused(arguments text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT crmaudit.add_rule(''kt_customer'', ''r'', ' || arguments || ')';
	message := 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	detail := nullif(detail, '');
	hint := nullif(hint, '');
END $$;
-- What the sweep finds, by the SQL that it runs and with its search_path.
CREATE FUNCTION pg_temp.found(rule text, target regclass DEFAULT 'kt_customer')
RETURNS TABLE (id int, verdict text, reason text, group_value text, column_name text, row_key jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT (SELECT c.id FROM %s c WHERE c.tableoid = q.tableoid AND c.ctid = q.ctid), q.verdict, q.reason, q.group_value, to_jsonb(q) ->> ''column_name'', to_jsonb(q) -> ''row_key''
		FROM (%s) q ORDER BY 1, 6', target, crmaudit.rule_query(target, rule));
END $$;
\pset null '-'

-- matches_table ---------------------------------------------------------------------

INSERT INTO kt_customer (id, no, name, mobile, mail, born, balance, profile) VALUES
	(1, 'A1', 'Li', '138 0013 8000', 'li@example.cn', '1990-01-01', 10.50, '{"city": "x"}'),	-- the same, written otherwise
	(2, 'A2', 'Wang', '13900139000', 'wang@example.cn', '1990-01-02', 20, '{"city": "x"}'),		-- another phone, another city
	(3, 'A3', 'Zhao', NULL, '', NULL, NULL, NULL),											-- nothing here, nothing there
	(4, 'A4', 'Qian', NULL, 'qian@example.cn', '1990-01-04', NULL, NULL),					-- phone, balance and city there only
	(5, 'A5', 'Sun', NULL, NULL, NULL, NULL, NULL),											-- not there
	(6, NULL, 'Zhou', NULL, NULL, NULL, NULL, NULL),										-- no key: not compared
	(7, 'A7', 'Wu', 'abc', NULL, '1990-01-07', NULL, NULL),									-- no phone number, the same there
	(8, 'A8', 'Zheng', NULL, 'old@example.cn', NULL, NULL, NULL);							-- twice there, once as here
INSERT INTO kt_customer (id, no, name, closed) VALUES (9, 'A9', 'Feng', true);				-- does not count, and is not missing
INSERT INTO kt_erp.account VALUES
	(1, 'A1', '+86-138-0013-8000', 'li@example.cn', '1990-01-01', 10.5, 'x'),
	(2, 'A2', '+8613900139001', 'wang@example.cn', '1990-01-02', 20, 'y'),
	(3, 'A3', '', NULL, NULL, NULL, NULL),
	(4, 'A4', '13600136000', 'qian@example.cn', '1990-01-04', 4, 'z'),
	(7, 'A7', 'abc', NULL, '1990-01-07', NULL, NULL),
	(8, 'A8', NULL, 'new@example.cn', NULL, NULL, NULL),
	(8, 'A8', NULL, 'old@example.cn', NULL, NULL, NULL),
	(9, 'A9', NULL, NULL, NULL, NULL, NULL),
	(10, 'A10', NULL, NULL, NULL, NULL, NULL),
	(11, 'A11', NULL, NULL, NULL, NULL, NULL),
	(11, 'A11', NULL, NULL, NULL, NULL, NULL),
	(NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT crmaudit.add_rule('kt_customer', 'same_as_erp', 'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"},
	"columns": {"mobile": "phone", "mail": "email", "born": "birthday", "balance": "amount", "profile->>city": "city"}, "types": {"mobile": "phone"}, "region": "CN"}') \gset
SELECT * FROM pg_temp.found('same_as_erp');

-- By several columns, the whole number of the table's key among them; without
-- rows that only one of the tables has.
SELECT crmaudit.add_rule('kt_customer', 'by_id', 'matches_table', '{}', '{"table": "kt_erp.account", "key": {"id": "account", "no": "number"}, "columns": {}}') \gset
SELECT * FROM pg_temp.found('by_id');
SELECT crmaudit.add_rule('kt_customer', 'mail_only', 'matches_table', '{mail}', '{"table": "kt_erp.account", "key": {"id": "account"}, "columns": {"mail": "email"}, "missing": false}',
	condition => 'id <> 5') \gset
SELECT * FROM pg_temp.found('mail_only');
SELECT crmaudit.rule_query('kt_customer', 'mail_only') \g (format=unaligned tuples_only=on)

-- The table is kept by its qualified name; columns are followed here, and a
-- column that is compared cannot be dropped.
SET search_path = kt_erp, public;
SELECT crmaudit.add_rule('public.kt_customer', 'found_by_path', 'matches_table', '{}', '{"table": "account", "key": {"id": "account"}, "columns": {}}') \gset
RESET search_path;
ALTER TABLE kt_customer RENAME mobile TO cell;
ALTER TABLE kt_customer RENAME no TO "Customer No";
ALTER TABLE kt_customer RENAME profile TO data;
SELECT name, params FROM crmaudit.rule WHERE target = 'kt_customer'::regclass ORDER BY id;
SELECT count(*) FROM pg_temp.found('same_as_erp');
ALTER TABLE kt_customer DROP COLUMN cell;
ALTER TABLE kt_customer RENAME cell TO mobile;
ALTER TABLE kt_customer RENAME "Customer No" TO no;
ALTER TABLE kt_customer RENAME data TO profile;

-- What the other table lost breaks the rule, and says so.
ALTER TABLE kt_erp.account RENAME email TO mail;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kt_customer'::regclass AND state <> 'active' AND state NOT LIKE 'waits%' ORDER BY rule;
SELECT crmaudit.rule_query('kt_customer', 'same_as_erp');
ALTER TABLE kt_erp.account RENAME mail TO email;

\pset expanded on
\pset tuples_only on
-- Definitions that make no sense.
SELECT * FROM (VALUES
	(1, $$'matches_table', '{}', '{"table": "kt_erp.none", "key": {"no": "number"}, "columns": {}}'$$),
	(2, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"number": "no"}, "columns": {}}'$$),
	(3, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "no"}, "columns": {}}'$$),
	(4, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": 1}, "columns": {}}'$$),
	(5, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {}, "columns": {"mail": "email"}}'$$),
	(6, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {}, "missing": false}'$$),
	(7, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"spot": "amount"}}'$$),
	(8, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}, "types": {"mobile": "phone"}}'$$),
	(9, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}, "types": {"mail": "e-mail"}}'$$),
	(10, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}, "region": "China"}'$$),
	(11, $$'matches_table', '{name}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}}'$$),
	(12, $$'matches_table', '{}', '{"table": "kt_customer_pkey", "key": {"no": "number"}, "columns": {}}'$$),
	(13, $$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {}, "timing": "commit"}'$$),
	(14, $$'freshness', '{name}', '{"interval": "-1 day"}'$$),
	(15, $$'freshness', '{balance}', '{"interval": "1 day"}'$$),
	(16, $$'row_count', '{}', '{}'$$),
	(17, $$'row_count', '{}', '{"min": 3, "max": 2}'$$),
	(18, $$'row_count', '{}', '{"min": -1}'$$),
	(19, $$'null_fraction', '{name}', '{"max": 5}'$$),
	(20, $$'null_fraction', '{name}', '{"max": "few"}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;
\pset tuples_only off

-- It reads the other table with the rights of the owner: who must have them,
-- and nobody else may define it.
CREATE ROLE kt_owner;
CREATE ROLE kt_admin;
GRANT CREATE ON SCHEMA public TO kt_owner;
ALTER TABLE kt_customer OWNER TO kt_owner;
SELECT * FROM pg_temp.refused($$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}}'$$);
GRANT USAGE ON SCHEMA kt_erp TO kt_owner, kt_admin;
SELECT * FROM pg_temp.refused($$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}}'$$);
GRANT SELECT (number, email) ON kt_erp.account TO kt_owner;
SELECT * FROM pg_temp.refused($$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "phone"}}'$$);
SELECT * FROM pg_temp.refused($$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}}'$$);
GRANT SELECT ON kt_erp.account TO kt_owner;
SELECT g FROM crmaudit.grant_duty('admin', 'kt_admin') g;
GRANT SELECT, TRIGGER ON kt_customer TO kt_admin;
SET ROLE kt_admin;
SELECT * FROM pg_temp.refused($$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}}'$$);
UPDATE crmaudit.rule SET params = params || '{"missing": true}' WHERE name = 'mail_only' AND target = 'kt_customer'::regclass;
RESET ROLE;
\pset expanded off

-- Nor does a view of somebody else, or a policy, run with the owner's rights:
-- neither when the rule is defined, nor later.
CREATE VIEW kt_erp.account_view AS SELECT number, email FROM kt_erp.account;
GRANT SELECT ON kt_erp.account_view TO kt_owner;
SELECT message, detail FROM pg_temp.refused($$'matches_table', '{}', '{"table": "kt_erp.account_view", "key": {"no": "number"}, "columns": {"mail": "email"}}'$$);
ALTER VIEW kt_erp.account_view OWNER TO kt_owner;
SELECT crmaudit.add_rule('kt_customer', 'by_view', 'matches_table', '{}', '{"table": "kt_erp.account_view", "key": {"no": "number"}, "columns": {"mail": "email"}}') > 0 AS added;
SELECT count(*) > 0 AS found FROM pg_temp.found('by_view');
ALTER VIEW kt_erp.account_view OWNER TO CURRENT_USER;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kt_customer'::regclass AND rule = 'by_view';
SELECT crmaudit.rule_query('kt_customer', 'by_view');
SELECT crmaudit.drop_rule('kt_customer', 'by_view');
ALTER TABLE kt_erp.account ENABLE ROW LEVEL SECURITY;
SELECT message, detail FROM pg_temp.refused($$'matches_table', '{}', '{"table": "kt_erp.account", "key": {"no": "number"}, "columns": {"mail": "email"}}'$$);
SELECT crmaudit.rule_query('kt_customer', 'mail_only');
ALTER TABLE kt_erp.account DISABLE ROW LEVEL SECURITY;

-- freshness ----------------------------------------------------------------------------

SELECT crmaudit.add_rule('kt_customer', 'fresh_at', 'freshness', '{changed_at}', '{"interval": "2 hours"}') \gset
SELECT crmaudit.add_rule('kt_customer', 'fresh_on', 'freshness', '{changed_on}', '{"interval": "1 day"}') \gset
SELECT crmaudit.add_rule('kt_customer', 'fresh_text', 'freshness', '{changed_text}', '{"interval": "1 day"}') \gset
CREATE FUNCTION pg_temp.stale() RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(r || ' ' || f.reason ORDER BY r) FROM unnest('{fresh_at,fresh_on,fresh_text}'::text[]) r, pg_temp.found(r) f
$$;
-- Nothing to judge.
SELECT pg_temp.stale();
-- The latest value counts, but not one of the future, and not that of a row
-- that does not count.
UPDATE kt_customer SET changed_at = now() - interval '3 hours', changed_on = current_date - 2, changed_text = to_char(current_date - 2, 'YYYY/MM/DD') WHERE id = 1;
UPDATE kt_customer SET changed_at = now() + interval '1 year', changed_on = current_date + 1, changed_text = '9999-12-31' WHERE id = 2;
UPDATE kt_customer SET changed_at = now(), changed_on = current_date, changed_text = current_date::text WHERE id = 9;
UPDATE kt_customer SET changed_text = 'yesterday' WHERE id = 3;
SELECT pg_temp.stale();
-- A date is fresh as long as any hour of it is.
UPDATE kt_customer SET changed_at = now() - interval '1 hour', changed_on = current_date - 1, changed_text = to_char(current_date - 1, 'YYYYMMDD') WHERE id = 4;
SELECT pg_temp.stale();

-- row_count, null_fraction: judged by counts; the query shows them ---------------------------------

SELECT crmaudit.add_rule('kt_customer', 'some', 'row_count', '{}', '{"min": 1, "max": 100}') \gset
SELECT crmaudit.add_rule('kt_customer', 'few_nulls', 'null_fraction', '{mail}', '{"max": 0.05}', condition => 'id < 100') \gset
SELECT crmaudit.rule_query('kt_customer', 'some') \g (format=unaligned tuples_only=on)
SELECT crmaudit.rule_query('kt_customer', 'few_nulls') AS query \gset
\echo :query
:query;

-- rule_query(): what has no SQL, what there is not, and who may not read -----------------------------

SELECT crmaudit.add_rule('kt_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.rule_query('kt_customer', 'named');
SELECT crmaudit.rule_query('kt_customer', 'nmaed');
CREATE ROLE kt_steward;
SELECT g FROM crmaudit.grant_duty('steward', 'kt_steward') g;
SET ROLE kt_steward;
SELECT crmaudit.rule_query('kt_customer', 'few_nulls');
-- The state of a rule is not that of the reader's rights.
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kt_customer'::regclass AND rule = 'same_as_erp';
RESET ROLE;

-- Partitions belong to the table, children by inheritance do not.
CREATE TABLE kt_parted (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE kt_parted_1 PARTITION OF kt_parted FOR VALUES FROM (0) TO (10);
CREATE TABLE kt_parted_2 PARTITION OF kt_parted FOR VALUES FROM (10) TO (20);
SELECT crmaudit.protect('kt_parted', mode => 'observe') \gset
SELECT crmaudit.add_rule('kt_parted', 'same', 'matches_table', '{}', '{"table": "kt_erp.account", "key": {"id": "account"}, "columns": {"name": "city"}}') \gset
INSERT INTO kt_parted VALUES (1, 'x'), (2, 'x'), (9, NULL), (19, NULL);
SELECT * FROM pg_temp.found('same', 'kt_parted');
-- By a key that is NULL in some rows, and is there several times.
SELECT crmaudit.add_rule('kt_parted', 'known', 'matches_table', '{}', '{"table": "kt_erp.account", "key": {"name": "city"}, "columns": {"id": "account"}}') \gset
SELECT * FROM pg_temp.found('known', 'kt_parted');
SELECT crmaudit.rule_query('kt_parted', 'known') \g (format=unaligned tuples_only=on)

SELECT crmaudit.unprotect('kt_customer');
SELECT crmaudit.unprotect('kt_parted');
DROP FUNCTION pg_temp.stale, pg_temp.found;
DROP TABLE kt_customer, kt_parted;
DROP SCHEMA kt_erp CASCADE;
SELECT crmaudit.revoke_duty('admin', 'kt_admin'), crmaudit.revoke_duty('steward', 'kt_steward');
REVOKE ALL ON SCHEMA public FROM kt_owner;
DROP ROLE kt_owner, kt_admin, kt_steward;
