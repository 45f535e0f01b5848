-- error_style: what frameworks parse.
\set SHOW_CONTEXT never

CREATE TABLE gs_customer (id int PRIMARY KEY, name text, alias text, mail text, amount int);
SELECT crmaudit.protect('gs_customer', error_style => 'native') \gset
SELECT crmaudit.add_rule('gs_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gs_customer', 'alias_filled', 'not_blank', '{alias}') \gset
SELECT crmaudit.add_rule('gs_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
SELECT crmaudit.add_rule('gs_customer', 'amount_inverse', 'expression', params => '{"sql":"1 / amount >= 0"}') \gset

-- What is required is missing: as NOT NULL, 23502, with the column.
INSERT INTO gs_customer VALUES (1, NULL, 'a', NULL, 1);
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;
INSERT INTO gs_customer VALUES (1, 'Li', ' ', NULL, 1);
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;

-- Anything else: as CHECK, 23514.
INSERT INTO gs_customer VALUES (1, 'Li', 'a', 'bad', 1);
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;

-- The first violation decides.
INSERT INTO gs_customer VALUES (1, NULL, 'a', 'bad', 1);
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;

-- A rule that fails keeps the SQLSTATE of its SQL, in either style.
INSERT INTO gs_customer VALUES (1, 'Li', 'a', NULL, 0);
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;

-- In style "rule" it is always 23514, a class that no client retries.
SELECT crmaudit.protect('gs_customer', error_style => 'rule') \gset
INSERT INTO gs_customer VALUES (1, NULL, 'a', NULL, 1);
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;

DROP TABLE gs_customer;
