-- Plain inheritance: a child is a table of its own, with or without protection.
\set SHOW_CONTEXT never

CREATE TABLE gi_person (id int PRIMARY KEY, name text);
CREATE TABLE gi_client (PRIMARY KEY (id), card text) INHERITS (gi_person);
SELECT crmaudit.protect('gi_person') \gset
SELECT crmaudit.add_rule('gi_person', 'named', 'required', '{name}') \gset

-- Row triggers are not inherited, as primary keys are not: protecting the
-- parent protects the parent's own rows.
INSERT INTO gi_person VALUES (1, NULL);
INSERT INTO gi_client VALUES (2, NULL);
UPDATE gi_person SET name = NULL WHERE id = 2;

-- The child is protected for itself, with its own rules; writing it through
-- the parent meets them.
SELECT crmaudit.protect('gi_client', mode => 'observe') \gset
SELECT crmaudit.add_rule('gi_client', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gi_client', 'card_required', 'required', '{card}') \gset
INSERT INTO gi_client VALUES (3, 'Li', NULL);
UPDATE gi_person SET name = NULL WHERE id = 3;
SELECT target, rule, row_key, status FROM crmaudit.finding
	WHERE target IN ('gi_person'::regclass, 'gi_client'::regclass) ORDER BY target::text, row_key, rule;
SELECT crmaudit.set_mode('gi_client', 'enforce') \gset
UPDATE gi_person SET name = 'Li' WHERE id = 3;
UPDATE gi_person SET name = NULL WHERE id = 3;

-- TRUNCATE of the parent empties the child as well, and resolves its findings.
TRUNCATE gi_person;
SELECT target, rule, row_key, status, resolution FROM crmaudit.finding
	WHERE target IN ('gi_person'::regclass, 'gi_client'::regclass) ORDER BY target::text, row_key, rule;

-- TRUNCATE of the child alone, or of the parent only, is about that table.
SELECT crmaudit.set_mode('gi_person', 'observe') \gset
SELECT crmaudit.set_mode('gi_client', 'observe') \gset
SELECT crmaudit.rebase_scores('gi_person'), crmaudit.rebase_scores('gi_client');
INSERT INTO gi_person VALUES (6, NULL);
INSERT INTO gi_client VALUES (7, NULL, NULL);
TRUNCATE gi_client;
SELECT target, rule, row_key FROM crmaudit.open_findings
	WHERE target IN ('gi_person'::regclass, 'gi_client'::regclass) ORDER BY target::text, row_key, rule;
INSERT INTO gi_client VALUES (8, 'Li', NULL);
TRUNCATE ONLY gi_person;
SELECT target, rule, row_key FROM crmaudit.open_findings
	WHERE target IN ('gi_person'::regclass, 'gi_client'::regclass) ORDER BY target::text, row_key, rule;
SELECT target, rows, clean_row_rate, stale FROM crmaudit.table_score WHERE target IN ('gi_person'::regclass, 'gi_client'::regclass) ORDER BY target::text;
SELECT crmaudit.set_mode('gi_person', 'enforce') \gset
SELECT crmaudit.set_mode('gi_client', 'enforce') \gset

-- Parent and child are independent: either may be unprotected.
SELECT crmaudit.unprotect('gi_person') \gset
INSERT INTO gi_person VALUES (4, NULL);
INSERT INTO gi_client VALUES (5, NULL, NULL);

DROP TABLE gi_person, gi_client;
