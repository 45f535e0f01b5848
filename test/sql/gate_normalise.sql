-- "normalise": the canonical form is written back into the row.
\set SHOW_CONTEXT never

CREATE TABLE gn_customer (id int PRIMARY KEY, mobile text, fixed char(16), short varchar(11), mail text, id_no text, note text);
SELECT crmaudit.protect('gn_customer') \gset
SELECT crmaudit.add_rule('gn_customer', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN","normalise":true}') \gset
SELECT crmaudit.add_rule('gn_customer', 'fixed_valid', 'format', '{fixed}', '{"type":"phone","region":"CN","normalise":true}') \gset
SELECT crmaudit.add_rule('gn_customer', 'short_valid', 'format', '{short}', '{"type":"phone","region":"CN","normalise":true}') \gset
SELECT crmaudit.add_rule('gn_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
SELECT crmaudit.add_rule('gn_customer', 'id_valid', 'format', '{id_no}', '{"type":"resident_id","normalise":true}') \gset
SELECT crmaudit.add_rule('gn_customer', 'mobile_e164', 'regex', '{mobile}', '{"pattern":"^\\+86"}') \gset

-- E.164, upper case, full width to half width; other rules judge what is
-- stored. A column without the parameter stays as it was typed.
INSERT INTO gn_customer (id, mobile, mail, id_no) VALUES (1, '139 1234 5678', 'Li@EXAMPLE.CN', '１１０１０５１９４９１２３１００２x');
SELECT id, mobile, mail, id_no FROM gn_customer;

-- On UPDATE as well, but only what it changes: an unrelated change does not
-- rewrite an old value.
UPDATE gn_customer SET mobile = '(139) 8765-4321' WHERE id = 1;
SELECT mobile FROM gn_customer WHERE id = 1;
SET crmaudit.mode = 'off';
INSERT INTO gn_customer (id, mobile) VALUES (2, '139 1234 5678');
RESET crmaudit.mode;
UPDATE gn_customer SET note = 'called', mobile = mobile WHERE id = 2;
SELECT mobile FROM gn_customer WHERE id = 2;

-- A column that is too short for the canonical form keeps what was typed. One
-- of type char is padded, as ever.
INSERT INTO gn_customer (id, short, fixed) VALUES (3, '13912345678', '13912345678');
SELECT short, fixed, octet_length(fixed) FROM gn_customer WHERE id = 3;

-- What is invalid stays as it is, in the error and in a finding; NULL stays NULL.
INSERT INTO gn_customer (id, mobile) VALUES (4, '139 1234');
SELECT crmaudit.set_mode('gn_customer', 'observe') \gset
INSERT INTO gn_customer (id, mobile) VALUES (4, '139 1234'), (5, NULL);
SELECT id, mobile FROM gn_customer WHERE id IN (4, 5) ORDER BY id;

-- Triggers after the row was written, RETURNING and COPY see the stored form.
INSERT INTO gn_customer (id, mobile) VALUES (6, '139 1234 5678') RETURNING mobile;
COPY gn_customer (id, mobile) FROM stdin;
7	139 1234 5678
8	139-1234-5678
\.
SELECT id, mobile FROM gn_customer WHERE id IN (7, 8) ORDER BY id;

-- A quarantined row is kept in the form that was judged.
SELECT crmaudit.set_mode('gn_customer', 'quarantine') \gset
INSERT INTO gn_customer (id, mobile, mail) VALUES (9, '139 1234 5678', 'bad');
SELECT row_data ->> 'mobile' AS mobile, row_data ->> 'mail' AS mail FROM crmaudit.quarantine WHERE target = 'gn_customer'::regclass;

-- Never a partition key, of whatever level: a trigger must not move a row.
CREATE TABLE gn_parted (id int, mobile text, mail text, PRIMARY KEY (id, mobile, mail)) PARTITION BY LIST (mobile);
CREATE TABLE gn_parted_rest PARTITION OF gn_parted DEFAULT PARTITION BY LIST (mail);
CREATE TABLE gn_parted_rest_rest PARTITION OF gn_parted_rest DEFAULT;
SELECT crmaudit.protect('gn_parted') \gset
SELECT crmaudit.add_rule('gn_parted', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN","normalise":true}') \gset
SELECT crmaudit.add_rule('gn_parted', 'mail_valid', 'format', '{mail}', '{"type":"email","normalise":true}') \gset
SELECT crmaudit.add_rule('gn_parted', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN"}') \gset

-- Nor a column that could not take the form, or whose domain may refuse it.
CREATE DOMAIN gn_phone AS text CHECK (length(value) = 11);
ALTER TABLE gn_customer ADD COLUMN checked gn_phone, ADD COLUMN number bigint, ADD COLUMN profile jsonb;
SELECT crmaudit.add_rule('gn_customer', 'checked_valid', 'format', '{checked}', '{"type":"phone","normalise":true}') \gset
SELECT crmaudit.add_rule('gn_customer', 'number_valid', 'format', '{number}', '{"type":"phone","normalise":true}') \gset
SELECT crmaudit.add_rule('gn_customer', 'profile_valid', 'format', '{profile->>mobile}', '{"type":"phone","normalise":true}') \gset

DELETE FROM crmaudit.quarantine WHERE target = 'gn_customer'::regclass;
DROP TABLE gn_customer, gn_parted;
DROP DOMAIN gn_phone;
