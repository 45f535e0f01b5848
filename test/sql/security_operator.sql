-- Who may create operators has none of his called by what others read.
SET client_min_messages = warning;
CREATE SCHEMA so_crm;
CREATE SCHEMA so_own;
CREATE TABLE so_crm.customer (code text PRIMARY KEY, mail text, owner text);
INSERT INTO so_crm.customer VALUES ('a', 'none', 'li'), ('b', 'b@mail.cn', 'li');
SELECT crmaudit.protect('so_crm.customer', roles => '{"owner": "owner"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('so_crm.customer', 'mail_valid', 'format', '{mail}', '{"type": "email"}') > 0 AS added;
SELECT count(*) AS runs FROM crmaudit.sweep('so_crm.customer');
CREATE ROLE so_stranger;
GRANT ALL ON SCHEMA so_own TO so_stranger;
SET ROLE so_stranger;
CREATE TABLE so_own.loot (who text);
GRANT INSERT ON so_own.loot TO PUBLIC;
CREATE FUNCTION so_own.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO so_own.loot VALUES (current_user); RETURN true; END';
CREATE OPERATOR so_own.= (LEFTARG = text, RIGHTARG = text, FUNCTION = so_own.trap);
RESET ROLE;
SELECT owner, rule FROM crmaudit.finding_statistics WHERE target = 'so_crm.customer'::regclass AND period_kind = 'month';
SELECT owner FROM crmaudit.work_list WHERE target = 'so_crm.customer'::regclass;
SELECT count(*) AS trapped FROM so_own.loot;
SELECT crmaudit.equality('so_crm.customer', 'code') AS of_text;
-- A type of an extension has its own still.
CREATE TABLE so_crm.typed (mail crmaudit.email);
SELECT crmaudit.equality('so_crm.typed', 'mail') AS of_email;
SELECT crmaudit.unprotect('so_crm.customer');
DROP SCHEMA so_crm, so_own CASCADE;
DROP ROLE so_stranger;
