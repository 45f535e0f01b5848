-- export_rules() and import_rules(): the rules of a table as json, to keep them
-- under version control or carry them elsewhere.
\set SHOW_CONTEXT never

CREATE SCHEMA "CRM";
CREATE FUNCTION "CRM".is_even(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0';
CREATE TABLE "CRM"."Customer" (id int PRIMARY KEY, name text, mail text, age int, country text);
SET search_path = public, "CRM";
SELECT crmaudit.protect('"Customer"', roles => '{"mail": "email"}', packs => '{contact}');
SELECT crmaudit.add_rule('"Customer"', 'even', 'expression', '{age}', '{"sql": "is_even(age)"}', severity => 'warning',
	weight => 0.5, condition => 'name IS NOT NULL', message => 'is odd', owner => 'li',
	valid_from => '2024-01-01', valid_until => '2999-12-31') > 0 AS defined;
SELECT crmaudit.add_rule('"Customer"', 'idle', 'required', '{name}') > 0 AS defined;
SELECT crmaudit.alter_rule('"Customer"', 'idle', enabled => false) AS version;
RESET search_path;

-- Every name is qualified; what is not set is left out; ids and versions are
-- this database's own.
SELECT jsonb_pretty(crmaudit.export_rules('"CRM"."Customer"'));

-- What was exported can be imported: into a table without rules it makes the
-- same rules, and where they are there already it changes nothing.
SELECT crmaudit.export_rules('"CRM"."Customer"') AS exported \gset
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = '"CRM"."Customer"'::regclass;
SELECT crmaudit.export_rules('"CRM"."Customer"');
SELECT crmaudit.import_rules(:'exported') AS imported;
SELECT crmaudit.export_rules('"CRM"."Customer"') = :'exported' AS same;
SELECT crmaudit.import_rules(:'exported') AS imported;
SELECT crmaudit.export_rules('"CRM"."Customer"') = :'exported' AS same;

-- A rule of the same name is replaced as a whole: its kind too, and what the
-- import does not state has its default, not what the old rule had.
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [
	{"name": "even", "kind": "range", "columns": ["age"], "params": {"min": 1}}]}') AS imported;
SELECT kind, columns, params, severity, dimension, weight, condition, message, owner, valid_from, valid_until, enabled
FROM crmaudit.rule WHERE target = '"CRM"."Customer"'::regclass AND name = 'even';

-- Other rules stay, and few members are needed.
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [{"name": "some", "kind": "row_count", "params": {"min": 1}}]}') AS imported;
SELECT name, severity, weight FROM crmaudit.rule WHERE target = '"CRM"."Customer"'::regclass ORDER BY name;

-- What is no export, or does not fit this database, is refused as a whole.
SELECT crmaudit.import_rules(NULL);
SELECT crmaudit.import_rules('[]');
SELECT crmaudit.import_rules('{"rules": []}');
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": {}}');
SELECT crmaudit.import_rules('{"target": "crm.nothing", "rules": []}');
SELECT crmaudit.import_rules('{"target": null, "rules": []}');
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [{"name": "r", "kind": "required", "colums": ["name"]}]}');
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [{"name": "r", "columns": ["name"]}]}');
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [{"kind": "required", "columns": ["name"]}]}');
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [7]}');
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [{"name": "r", "kind": "required", "columns": "name"}]}');
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [
	{"name": "good", "kind": "required", "columns": ["name"]},
	{"name": "even", "kind": "required", "columns": ["name"], "severity": "fatal"}]}');
SELECT crmaudit.import_rules('{"target": "\"CRM\".\"Customer\"", "rules": [
	{"name": "r", "kind": "expression", "params": {"sql": "is_even(age)"}}]}');
CREATE TABLE stranger (id int PRIMARY KEY);
SELECT crmaudit.export_rules('stranger');
SELECT crmaudit.export_rules(NULL);
SELECT crmaudit.import_rules('{"target": "stranger", "rules": []}');
SELECT crmaudit.import_rules('{"target": "public.stranger", "rules": []}');
SELECT count(*) FROM crmaudit.rule WHERE target = '"CRM"."Customer"'::regclass AND name IN ('good', 'r');
DROP TABLE stranger;
\set VERBOSITY terse
DROP SCHEMA "CRM" CASCADE;
