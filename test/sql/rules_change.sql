-- Rules change while they are at work: every change makes a version, and holds
-- at once in the session that makes it, unless it is rolled back.
\set SHOW_CONTEXT never
\set VERBOSITY terse

CREATE TABLE customer (id int PRIMARY KEY, name text, mail text, age int);
SELECT crmaudit.protect('customer');
SELECT crmaudit.add_rule('customer', 'name_length', 'length', '{name}', '{"min": 2, "max": 4}',
	condition => 'age > 0', message => 'has an odd length', owner => 'li') > 0 AS defined;
CREATE FUNCTION pg_temp.definition() RETURNS TABLE (version int, kind text, columns text[], params jsonb, severity crmaudit.severity,
	dimension text, weight real, condition text, message text, owner text, valid_from date, valid_until date, enabled boolean)
LANGUAGE sql AS $$
	SELECT version, kind, columns, params, severity, dimension, weight, condition, message, owner, valid_from, valid_until, enabled
	FROM crmaudit.rule WHERE target = 'customer'::regclass AND name = 'name_length'
$$;

-- alter_rule() returns the new version; NULL leaves as it is, an empty text
-- removes condition, message or owner, parameters are replaced as a whole.
\pset expanded on
SELECT crmaudit.alter_rule('customer', 'name_length') AS version;
SELECT version, kind, columns, params, severity, dimension, weight, condition, message, owner, valid_from, valid_until, enabled FROM pg_temp.definition();
SELECT crmaudit.alter_rule('customer', 'name_length', columns => '{mail}', params => '{"min": 3}', severity => 'critical',
	dimension => 'accuracy', weight => 2.5, condition => 'age > 1', message => 'is short', owner => 'wang',
	valid_from => '2020-01-01', valid_until => '2999-12-31') AS version;
SELECT version, kind, columns, params, severity, dimension, weight, condition, message, owner, valid_from, valid_until, enabled FROM pg_temp.definition();
SELECT crmaudit.alter_rule('customer', 'name_length', columns => '{name}', condition => '', message => '', owner => '') AS version;
SELECT version, kind, columns, params, severity, dimension, weight, condition, message, owner, valid_from, valid_until, enabled FROM pg_temp.definition();
\pset expanded off

-- Every version is kept, with who made it; the rule set counts each change.
SELECT version, definition ->> 'severity' AS severity, definition -> 'params' AS params, changed_by = session_user AS by_me, dropped_at
FROM crmaudit.rule_version WHERE target = 'customer'::regclass ORDER BY name, version;
SELECT rule_set_version FROM crmaudit.protected_table WHERE target = 'customer'::regclass;

-- A change that is wrong changes nothing; neither does one of a rule that does
-- not exist, where those that do are listed.
\set VERBOSITY default
SELECT crmaudit.alter_rule('customer', 'name_length', params => '{"min": 3, "max": 2}');
SELECT crmaudit.alter_rule('customer', 'name_length', severity => 'fatal');
SELECT crmaudit.alter_rule('customer', 'name_length', dimension => 'beauty');
SELECT crmaudit.alter_rule('customer', 'name_length', weight => 0);
SELECT crmaudit.alter_rule('customer', 'name_length', columns => '{nmae}');
SELECT crmaudit.alter_rule('customer', 'name_length', condition => 'age >');
SELECT crmaudit.alter_rule('customer', 'name_length', valid_until => '2019-12-31');
SELECT crmaudit.alter_rule('customer', 'mail_length', weight => 2);
SELECT crmaudit.drop_rule('customer', 'mail_length');
CREATE TABLE stranger (id int PRIMARY KEY);
SELECT crmaudit.drop_rule('stranger', 'mail_length');
SELECT crmaudit.protect('stranger');
SELECT crmaudit.drop_rule('stranger', 'mail_length');
DROP TABLE stranger;
\set VERBOSITY terse
SELECT version FROM pg_temp.definition();

-- What is defined, altered, disabled or dropped holds for the next statement,
-- also for one that was prepared, and in the same transaction.
PREPARE write AS INSERT INTO customer (id, name) VALUES ($1, $2);
EXECUTE write(1, '张');
SELECT crmaudit.alter_rule('customer', 'name_length', params => '{"min": 1}') AS version;
EXECUTE write(1, '张');
SELECT crmaudit.alter_rule('customer', 'name_length', params => '{"max": 3}') AS version;
EXECUTE write(2, '张伟丽丽');
SELECT crmaudit.alter_rule('customer', 'name_length', enabled => false) AS version;
EXECUTE write(2, '张伟丽丽');
SELECT crmaudit.alter_rule('customer', 'name_length', enabled => true) AS version;
EXECUTE write(3, '张伟丽丽');
SELECT crmaudit.alter_rule('customer', 'name_length', severity => 'warning') AS version;
EXECUTE write(3, '张伟丽丽');
SELECT crmaudit.drop_rule('customer', 'name_length');
EXECUTE write(4, '张伟丽丽');
BEGIN;
SELECT crmaudit.add_rule('customer', 'mail_required', 'required', '{mail}') > 0 AS defined;
EXECUTE write(5, '张');
ROLLBACK;

-- ROLLBACK takes a rule with it, and so does a rollback to a savepoint: the
-- session forgets what it had compiled.
EXECUTE write(5, '张');
SELECT crmaudit.add_rule('customer', 'mail_required', 'required', '{mail}') > 0 AS defined;
BEGIN;
SELECT crmaudit.drop_rule('customer', 'mail_required');
EXECUTE write(6, '张');
SAVEPOINT s;
SELECT crmaudit.add_rule('customer', 'name_long', 'length', '{name}', '{"min": 9}') > 0 AS defined;
SAVEPOINT t;
EXECUTE write(7, '张');
ROLLBACK TO t;
ROLLBACK TO s;
EXECUTE write(7, '张');
ROLLBACK;
EXECUTE write(8, '张');
SELECT id FROM customer ORDER BY id;

-- A rule has a term, whose first and last day belong to it. Before and after
-- it is out of work, which rule_status tells.
SELECT crmaudit.alter_rule('customer', 'mail_required', valid_from => current_date, valid_until => current_date) AS version;
EXECUTE write(8, '张');
SELECT state FROM crmaudit.rule_status WHERE target = 'customer'::regclass;
SELECT crmaudit.alter_rule('customer', 'mail_required', valid_until => current_date + 2, valid_from => current_date + 1) AS version;
SELECT state FROM crmaudit.rule_status WHERE target = 'customer'::regclass;
EXECUTE write(8, '张');
SELECT crmaudit.alter_rule('customer', 'mail_required', valid_from => current_date - 2, valid_until => current_date - 1) AS version;
SELECT state FROM crmaudit.rule_status WHERE target = 'customer'::regclass;
EXECUTE write(9, '张');
SELECT crmaudit.alter_rule('customer', 'mail_required', valid_until => 'infinity') AS version;
EXECUTE write(10, '张');

-- The other states: disabled, and off with the table's mode.
SELECT crmaudit.alter_rule('customer', 'mail_required', enabled => false) AS version;
SELECT state FROM crmaudit.rule_status WHERE target = 'customer'::regclass;
SELECT crmaudit.alter_rule('customer', 'mail_required', enabled => true) AS version;
SELECT state FROM crmaudit.rule_status WHERE target = 'customer'::regclass;
SELECT crmaudit.set_mode('customer', 'off');
SELECT state FROM crmaudit.rule_status WHERE target = 'customer'::regclass;
EXECUTE write(10, '张');
SELECT crmaudit.set_mode('customer', 'enforce');

-- Rules changed behind the functions' back hold at once as well: the tables
-- tell every session themselves.
UPDATE crmaudit.rule SET severity = 'info' WHERE target = 'customer'::regclass;
EXECUTE write(11, '张');
UPDATE crmaudit.rule SET severity = 'error' WHERE target = 'customer'::regclass;
EXECUTE write(12, '张');
BEGIN;
TRUNCATE crmaudit.rule;
EXECUTE write(12, '张');
ROLLBACK;
EXECUTE write(12, '张');

-- A dropped rule leaves its versions, the last of which says when it ended.
SELECT crmaudit.drop_rule('customer', 'mail_required');
SELECT name, count(*) AS versions, count(dropped_at) AS ended, bool_and(dropped_by = session_user) AS by_me
FROM crmaudit.rule_version WHERE target = 'customer'::regclass GROUP BY name, rule_id ORDER BY name;

-- The trigger function behind this is no function to call.
SELECT crmaudit.rules_changed();
DEALLOCATE write;
DROP TABLE customer;
