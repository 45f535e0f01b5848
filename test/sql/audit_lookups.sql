-- Look-ups in the customer database: companies, contacts, agreements, visits,
-- by what people type, with pg_trgm and without it (D27).
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET timezone = 'Asia/Shanghai';

-- Nothing is mapped: nothing is found.
SELECT (SELECT count(*) FROM crmaudit.company_lookup('a')) AS companies, (SELECT count(*) FROM crmaudit.contact_lookup('a')) AS contacts,
	(SELECT count(*) FROM crmaudit.agreement_lookup('a')) AS agreements, (SELECT count(*) FROM crmaudit.visit_lookup('a')) AS visits;

CREATE SCHEMA alu;
CREATE TABLE alu.company (id text PRIMARY KEY, name text, kind text, industry text, city text, owner text);
INSERT INTO alu.company VALUES ('E1', 'Acme Trading', 'company', 'retail', 'Wuhan', 'S1'), ('E2', 'Acme', 'company', NULL, NULL, 'S2'), ('E3', '100% Pure_Water', 'company', NULL, NULL, NULL),
	('E4', '100 Pure Waters', 'company', NULL, NULL, NULL), ('E5', '武汉泰源医疗器械有限公司', 'company', NULL, NULL, NULL), ('E6', 'C:\Data', 'company', NULL, NULL, NULL), ('E7', NULL, NULL, NULL, NULL, NULL);
CREATE TABLE alu.person (id int PRIMARY KEY, company text, name text, job text, phone text, mail text, main boolean);
INSERT INTO alu.person VALUES (1, 'E1', 'Li Wei', 'director', '+86 138-0013-1234', 'li.wei@mail.example.com', true), (2, 'E1', 'Li Weiguo', NULL, '13900139000', NULL, false), (3, 'E2', 'Chen', NULL, NULL, 'chen@mail.example.com', NULL);
CREATE TABLE alu.contract (id text PRIMARY KEY, company text, kind text, at timestamptz, signer text, status text);
INSERT INTO alu.contract VALUES ('A-1', 'E1', 'audit', '2025-01-01 10:00+08', 'Li Wei', 'signed'), ('A-2', 'E1', 'tax', '2026-01-01 10:00+08', 'Li Wei', 'signed'), ('A-12', 'E2', 'audit', NULL, 'Chen', 'draft');
CREATE TABLE alu.staff (id text PRIMARY KEY, name text);
INSERT INTO alu.staff VALUES ('S1', 'Sun Li'), ('S2', 'Zhou');
CREATE TABLE alu.visit (id int PRIMARY KEY, company text, agent text, kind text, at timestamptz, content text, problem text, result text);
INSERT INTO alu.visit VALUES (1, 'E1', 'S1', 'visit', '2026-01-01 10:00+08', 'inspection of the books', 'receipts missing', NULL), (2, 'E1', 'S1', 'revisit', '2026-02-01 10:00+08', 'revisit', NULL, 'receipts complete'),
	(3, 'E2', 'S2', 'call', '2026-02-01 10:00+08', 'receipts', NULL, NULL), (4, 'E2', 'S2', 'visit', NULL, 'talk', NULL, NULL);
SELECT crmaudit.map_entity('customer', 'alu.company', '{"customer_id":"id","name":"name","kind":"kind","industry":"industry","region":"city","owner":"owner"}');
SELECT crmaudit.map_entity('contact', 'alu.person', '{"contact_id":"id","customer_id":"company","name":"name","position":"job","phone":"phone","email":"mail","main":"main"}');
SELECT crmaudit.map_entity('contract', 'alu.contract', '{"contract_id":"id","customer_id":"company","kind":"kind","signed_at":"at","signed_by":"signer","status":"status"}');
SELECT crmaudit.map_entity('staff', 'alu.staff', '{"staff_id":"id","name":"name"}');
SELECT crmaudit.map_entity('interaction', 'alu.visit', '{"interaction_id":"id","customer_id":"company","staff_id":"agent","kind":"kind","occurred_at":"at","content":"content","problem":"problem","result":"result"}');

-- Names and numbers, the closest first, whatever the case and blanks around it.
SELECT customer_id, name, kind, industry, region, owner, match FROM crmaudit.company_lookup(' ACME ');
SELECT customer_id, match FROM crmaudit.company_lookup('e5');
SELECT customer_id, match FROM crmaudit.company_lookup('泰源');
-- What has a meaning in patterns has none here.
SELECT customer_id, match FROM crmaudit.company_lookup('0%');
SELECT customer_id, match FROM crmaudit.company_lookup('e_W');
SELECT customer_id, match FROM crmaudit.company_lookup(':\d');
SELECT customer_id, match FROM crmaudit.company_lookup($$'; DROP SCHEMA alu; --$$);
-- As many rows as are wanted; nothing is searched for nothing.
SELECT customer_id FROM crmaudit.company_lookup('a', 1);
SELECT (SELECT count(*) FROM crmaudit.company_lookup('')) AS empty, (SELECT count(*) FROM crmaudit.company_lookup('  ')) AS blank, (SELECT count(*) FROM crmaudit.company_lookup(NULL)) AS nothing,
	(SELECT count(*) FROM crmaudit.contact_lookup('')) AS contacts, (SELECT count(*) FROM crmaudit.agreement_lookup('')) AS agreements, (SELECT count(*) FROM crmaudit.visit_lookup('')) AS visits;

-- A contact by name, phone however it is typed, address or company; the main one first.
SELECT contact_id, name, "position", main, phone, email, customer_id, customer_name, match FROM crmaudit.contact_lookup('li wei');
SELECT contact_id, match FROM crmaudit.contact_lookup('138 0013 1234');
SELECT contact_id, match FROM crmaudit.contact_lookup('(0013)');
-- However both are typed, with the country code or without, it is the number.
UPDATE alu.person SET phone = '139 0013 9000' WHERE id = 2;
SELECT p.typed, l.contact_id, l.match FROM unnest('{13800131234,13900139000,+86 139-0013-9000,0086 13900139000,1390013900}'::text[]) WITH ORDINALITY AS p(typed, n) CROSS JOIN LATERAL crmaudit.contact_lookup(p.typed) l ORDER BY p.n;
UPDATE alu.person SET phone = '13900139000' WHERE id = 2;
-- Three digits are no number.
SELECT contact_id, match FROM crmaudit.contact_lookup('138');
SELECT contact_id, match FROM crmaudit.contact_lookup('CHEN@mail.example.com');
SELECT contact_id, match FROM crmaudit.contact_lookup('acme t');
SELECT contact_id, match FROM crmaudit.contact_lookup('E1');

-- An agreement by number, kind, signer or company, the latest first.
SELECT contract_id, kind, status, signed_at, signed_by, customer_id, customer_name, match FROM crmaudit.agreement_lookup('a-1');
SELECT contract_id, match FROM crmaudit.agreement_lookup('acme');
SELECT contract_id, match FROM crmaudit.agreement_lookup('Audit');
SELECT contract_id, match FROM crmaudit.agreement_lookup('li w');

-- Visits and revisits by what was found, done, for whom or by whom; calls are none.
SELECT interaction_id, kind, occurred_at, content, problem, result, customer_id, customer_name, staff_id, staff_name, match FROM crmaudit.visit_lookup('receipts');
SELECT interaction_id, match FROM crmaudit.visit_lookup('acme');
SELECT interaction_id, match FROM crmaudit.visit_lookup('zhou');
SELECT interaction_id, match FROM crmaudit.visit_lookup('S1', 1);

-- Whom two sources know alike shows once.
CREATE TABLE alu.company_of_old AS SELECT * FROM alu.company;
CREATE TABLE alu.staff_of_old AS SELECT * FROM alu.staff;
SELECT crmaudit.map_entity('customer', 'alu.company_of_old', '{"customer_id":"id","name":"name","kind":"kind","industry":"industry","region":"city","owner":"owner"}');
SELECT crmaudit.map_entity('staff', 'alu.staff_of_old', '{"staff_id":"id","name":"name"}');
SELECT customer_id, match FROM crmaudit.company_lookup('acme');
SELECT interaction_id, match FROM crmaudit.visit_lookup('receipts');
SELECT crmaudit.unmap_entity('customer', 'alu.company_of_old'), crmaudit.unmap_entity('staff', 'alu.staff_of_old');

-- A word with a slip is found with pg_trgm, in whatever schema it is; without, it is not.
SELECT count(*) AS without FROM crmaudit.company_lookup('Acme Tradin Co');
SELECT operator, function FROM crmaudit.trigram_operator();
CREATE SCHEMA "Alu words";
CREATE EXTENSION pg_trgm SCHEMA "Alu words";
SELECT operator, function FROM crmaudit.trigram_operator();
SELECT customer_id, name, match FROM crmaudit.company_lookup('Acme Trding');
SELECT contact_id, name, match FROM crmaudit.contact_lookup('Li Weigou');
SELECT contract_id, customer_name, match FROM crmaudit.agreement_lookup('acme trding');
SELECT interaction_id, customer_name, match FROM crmaudit.visit_lookup('acme trding');
-- What is contained comes before what is similar, and of that the closest first.
SELECT customer_id, match FROM crmaudit.company_lookup('pure water');

-- They read with the caller's rights: who may not read the CRM's table gets
-- nothing, and who may not use the schema of pg_trgm does without it.
CREATE ROLE alu_auditor;
SELECT count(*) AS rights FROM crmaudit.grant_duty('auditor', 'alu_auditor');
GRANT USAGE ON SCHEMA alu TO alu_auditor;
GRANT SELECT ON alu.company TO alu_auditor;
GRANT SELECT (id, company, name, job, mail, main) ON alu.person TO alu_auditor;
SET ROLE alu_auditor;
SELECT customer_id, match FROM crmaudit.company_lookup('acme');
SELECT count(*) AS similar FROM crmaudit.company_lookup('Acme Trding');
SELECT contact_id FROM crmaudit.contact_lookup('li wei');
SELECT contract_id FROM crmaudit.agreement_lookup('a-1');
RESET ROLE;
GRANT SELECT ON alu.person TO alu_auditor;
GRANT USAGE ON SCHEMA "Alu words" TO alu_auditor;
ALTER TABLE alu.person ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON alu.person TO alu_auditor USING (id = 2);
SET ROLE alu_auditor;
SELECT contact_id, phone FROM crmaudit.contact_lookup('li wei');
SELECT customer_id, match FROM crmaudit.company_lookup('Acme Trding');
RESET ROLE;

-- An auditor may read all views of this kind.
GRANT SELECT ON ALL TABLES IN SCHEMA alu TO alu_auditor;
SET ROLE alu_auditor;
SELECT (SELECT count(*) FROM crmaudit.complaint_timeliness) AS timeliness, (SELECT count(*) FROM crmaudit.complaint_analysis) AS analysis, (SELECT count(*) FROM crmaudit.complaint_monthly) AS monthly,
	(SELECT count(*) FROM crmaudit.satisfaction) AS satisfaction, (SELECT count(*) FROM crmaudit.audit_clues) AS clues, (SELECT count(*) FROM crmaudit.visit_plan_completion) AS plans,
	(SELECT count(*) FROM crmaudit.churn_by_staff) AS churn, (SELECT count(*) FROM crmaudit.staff_appraisal) AS appraisal, (SELECT count(*) FROM crmaudit.agent_recheck) AS recheck,
	(SELECT count(*) FROM crmaudit.third_party_payments) AS payments, (SELECT count(*) FROM crmaudit.seller_controlled_accounts) AS accounts,
	(SELECT count(*) FROM crmaudit.signed_by_others) AS signatures, (SELECT count(*) FROM crmaudit.contract_compliance) AS contracts;
RESET ROLE;

-- An operator that a stranger makes is not called.
DROP EXTENSION pg_trgm;
CREATE FUNCTION alu.steal(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called'; END $$;
CREATE OPERATOR alu.<% (FUNCTION = alu.steal, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR alu.~~* (FUNCTION = alu.steal, LEFTARG = text, RIGHTARG = text);
SET search_path = alu, public;
SELECT customer_id FROM crmaudit.company_lookup('Acme Trding');
SELECT customer_id FROM crmaudit.company_lookup('acme');
RESET search_path;

SELECT count(*) AS duty FROM crmaudit.revoke_duty('auditor', 'alu_auditor');
SELECT count(crmaudit.unmap_entity(e)) AS unmapped FROM unnest('{customer,contact,staff,contract,interaction}'::text[]) e;
DROP SCHEMA alu, "Alu words" CASCADE;
DROP ROLE alu_auditor;
