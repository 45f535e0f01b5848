-- Payments and signatures that are not the customer's own, and contracts that
-- lack what they need (D9, D34).
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET crmaudit.calendar = 'CN';
SET timezone = 'America/New_York';

-- Nothing is mapped: the views are empty.
SELECT (SELECT count(*) FROM crmaudit.third_party_payments) AS payments, (SELECT count(*) FROM crmaudit.seller_controlled_accounts) AS accounts,
	(SELECT count(*) FROM crmaudit.signed_by_others) AS signatures, (SELECT count(*) FROM crmaudit.contract_compliance) AS contracts;

CREATE SCHEMA act;
CREATE TABLE act.customer (id text PRIMARY KEY, kind text, name text, owner text, account text);
INSERT INTO act.customer VALUES
	('K1', 'person', '张 伟', 'S1', '6217 0000 0001'), ('K2', 'person', 'Chen Yi', 'S1', '6217000000002'), ('K3', NULL, '王芳', 'S1', NULL), ('K4', 'person', NULL, 'S2', '6217000000004'),
	('K5', 'company', 'Acme Ltd', 'S2', '0099'), ('K6', 'company', 'No Contacts Ltd', 'S2', NULL), ('K7', 'person', '李军', 'S2', '6217000000007'), ('K8', 'person', '赵敏', 'S2', '6217000000007');
CREATE TABLE act.contact (id int PRIMARY KEY, customer text, name text);
INSERT INTO act.contact VALUES (1, 'K5', 'Wu Ling'), (2, 'K5', 'He Ping'), (3, 'K5', ' '), (4, 'K1', 'his wife');
CREATE TABLE act.staff (id text PRIMARY KEY, name text, account text);
INSERT INTO act.staff VALUES ('S1', '李军', '8888-0001'), ('S2', 'Qian Duo', NULL), ('S3', 'Sun Li', NULL), ('S4', 'Zhou Yu', '88880004'), ('S5', 'Sun Li', NULL), ('S6', NULL, '');
CREATE TABLE act.contract (id text PRIMARY KEY, customer text, agent text, kind text, signed timestamptz, signer text, starts date, ends date, amount numeric, status text);
CREATE TABLE act.payment (id int PRIMARY KEY, customer text, contract text, paid timestamptz, amount numeric, account text, payer text, approval text);

-- Signatures. Blanks and case do not matter, nor does what is not known.
INSERT INTO act.contract (id, customer, agent, signer, signed) VALUES
	('own', 'K1', 'S1', '张伟', '2026-01-05'), ('own, typed', 'K2', 'S1', ' chen  YI ', '2026-01-05'), ('nameless', 'K4', 'S1', 'anybody', '2026-01-05'), ('blank', 'K1', 'S1', ' ', '2026-01-05'), ('null', 'K1', 'S1', NULL, '2026-01-05'),
	('wife', 'K1', 'S1', 'his wife', '2026-01-05'), ('adviser', 'K3', 'S1', '李军', '2026-01-06'), ('of his name', 'K7', 'S1', '李军', '2026-01-05'), ('staff', 'K3', 'S1', 'Zhou Yu', '2026-01-05'),
	('one of two', 'K3', 'S1', 'sun li', '2026-01-05'), ('contact', 'K5', 'S2', 'he ping', '2026-01-05'), ('the company', 'K5', 'S2', 'ACME Ltd', '2026-01-05'), ('no contact', 'K5', 'S2', 'Nobody', '2026-01-05'),
	('not known', 'K6', 'S2', 'Nobody', '2026-01-05'), ('adviser again', 'K6', 'S2', 'Qian Duo', '2026-01-05'), ('customer unknown', 'K99', 'S2', 'Qian Duo', '2026-01-05'),
	-- no adviser: the owner is; S1 is not, where the contract has another
	('owner', 'K3', NULL, '李军', '2026-01-05'), ('owner, not adviser', 'K3', 'S2', '李军', '2026-01-05'), ('owner of a company', 'K6', NULL, 'Qian Duo', '2026-01-05'), ('other than the owner', 'K3', NULL, 'Zhou Yu', '2026-01-05');
SELECT crmaudit.map_entity('customer', 'act.customer', '{"customer_id":"id","kind":"kind","name":"name","owner":"owner","account":"account"}');
SELECT crmaudit.map_entity('contact', 'act.contact', '{"contact_id":"id","customer_id":"customer","name":"name"}');
SELECT crmaudit.map_entity('staff', 'act.staff', '{"staff_id":"id","name":"name","account":"account"}');
SELECT crmaudit.map_entity('contract', 'act.contract', '{"contract_id":"id","customer_id":"customer","staff_id":"agent","kind":"kind","signed_at":"signed","signed_by":"signer","starts_on":"starts","ends_on":"ends","amount":"amount","status":"status"}');
SELECT contract_id, customer_id, staff_id, signed_by, signer_id, reason, severity, in_words FROM crmaudit.signed_by_others;

-- Two sources know the customers, one of them by another name: each contract
-- shows once, and what one of the sources says is his name is his.
CREATE TABLE act.customer_of_old AS SELECT id, kind, CASE id WHEN 'K1' THEN 'his wife' ELSE name END AS name, owner, '555'::text AS account FROM act.customer;
SELECT crmaudit.map_entity('customer', 'act.customer_of_old', '{"customer_id":"id","kind":"kind","name":"name","owner":"owner","account":"account"}');
SELECT contract_id, reason FROM crmaudit.signed_by_others;
SELECT crmaudit.unmap_entity('customer', 'act.customer_of_old');

-- Payments. The customer's account is known, or it is not; so is the payer.
INSERT INTO act.payment VALUES
	(1, 'K1', NULL, '2026-01-01', 10, '621700000001', '张伟', NULL), (2, 'K1', NULL, '2026-01-02', 10, NULL, NULL, NULL), (3, 'K3', NULL, '2026-01-03', 10, '777', '王芳', NULL), (4, 'K4', NULL, '2026-01-04', 10, '6217-0000-00004', 'anybody', NULL),
	(5, 'K1', NULL, '2026-01-05', 10, '555', '张伟', NULL), (6, 'K2', NULL, '2026-01-06', 10, '6217000000002', 'Her Mother', NULL), (7, 'K2', NULL, '2026-01-07', 10, '556', 'Her Mother', 'A-2026-7'),
	(8, 'K2', NULL, '2026-01-08', 10, '556', 'Her Mother', ' '), (9, NULL, 'no contact', '2026-01-09', 10, '100', 'ACME  LTD', NULL), (10, 'K3', 'wife', '2026-01-10', 10, NULL, 'Someone', NULL), (11, 'K99', NULL, '2026-01-11', 10, '1', 'x', NULL);
SELECT crmaudit.map_entity('payment', 'act.payment', '{"payment_id":"id","customer_id":"customer","contract_id":"contract","paid_at":"paid","amount":"amount","payer_account":"account","payer_name":"payer","approval":"approval"}');
SELECT payment_id, customer_id, contract_id, staff_id, payer_account, payer_name, other_name, other_account, approval, approved, reason, severity, in_words FROM crmaudit.third_party_payments;
-- The same with two sources: by the one 555 is everybody's account, and K1 his wife.
SELECT crmaudit.map_entity('customer', 'act.customer_of_old', '{"customer_id":"id","kind":"kind","name":"name","owner":"owner","account":"account"}');
CREATE TABLE act.contract_of_old AS SELECT * FROM act.contract;
SELECT crmaudit.map_entity('contract', 'act.contract_of_old', '{"contract_id":"id","customer_id":"customer","staff_id":"agent"}');
SELECT payment_id, other_name, other_account, reason FROM crmaudit.third_party_payments;
SELECT crmaudit.unmap_entity('customer', 'act.customer_of_old'), crmaudit.unmap_entity('contract', 'act.contract_of_old');
-- None of this is a seller's.
SELECT count(*) FROM crmaudit.seller_controlled_accounts;

TRUNCATE act.payment;
INSERT INTO act.payment VALUES
	-- S1's account, though it stands with K1, too, and though somebody approved; not for 李军, who is a customer of the same name
	(1, 'K1', NULL, '2026-02-01', 10, '88880001', '张伟', 'A-1'), (2, 'K2', NULL, '2026-02-02', 20, '8888 0001', 'Chen Yi', NULL), (3, 'K7', NULL, '2026-02-03', 30, '88880001', '李军', NULL),
	-- the adviser's name, from an account that nobody knows; another one's name; the names of two
	(4, 'K3', NULL, '2026-02-04', 40, '900', '李军', NULL), (5, 'K8', NULL, '2026-02-05', 50, '901', '李军', NULL), (6, 'K8', NULL, '2026-02-06', 60, '902', 'SUN LI', NULL),
	-- one account for two customers of S2 who do not have it, for one of them twice; by contract it is S1's customer
	(7, 'K4', NULL, '2026-02-07', 70, '903', 'Friend', NULL), (8, 'K8', NULL, '2026-02-08', 80, '903', 'Friend', NULL), (9, 'K8', NULL, '2026-02-09', 90, '903', 'Friend', NULL), (10, 'K5', 'own', '2026-02-10', 100, '903', 'Friend', NULL),
	-- K7 and K8 have an account in common; an employer pays by approval; the account is one of the two customers' own; nothing is known but the name
	(11, 'K7', NULL, '2026-02-11', 1, '6217000000007', '李军', NULL), (12, 'K8', NULL, '2026-02-12', 1, '6217000000007', '赵敏', NULL),
	(13, 'K7', NULL, '2026-02-13', 1, '904', 'Employer', 'A-2'), (14, 'K8', NULL, '2026-02-14', 1, '904', 'Employer', 'A-2'),
	(15, 'K2', NULL, '2026-02-15', 1, '6217000000002', 'Chen Yi', NULL), (16, 'K1', NULL, '2026-02-16', 1, '6217000000002', 'Chen Yi', NULL),
	(17, 'K3', NULL, '2026-02-17', 1, NULL, 'Friend', NULL), (18, 'K1', NULL, '2026-02-18', 1, NULL, 'Friend', NULL),
	-- a staff member's account pays for nobody who is known
	(19, NULL, NULL, '2026-02-19', 5, '88880004', 'Zhou Yu', NULL);
SELECT staff_id, reason, severity, payer_account, payer_name, customers, payments, amount, without_approval AS unapproved, customer_ids, payment_ids, in_words FROM crmaudit.seller_controlled_accounts;

-- Contracts. Their last day is still theirs, and days are those of Shanghai.
TRUNCATE act.contract;
INSERT INTO act.contract (id, kind, signed, signer, starts, ends, amount, status)
	SELECT v.id, v.kind, v.signed::timestamptz, v.signer, v.starts::date, d.today + v.ends, v.amount, v.status
	FROM (SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date AS today) d, (VALUES
		('01 good', 'life', '2025-01-01', 'x', '2025-01-01', 1, 100, 'signed'), ('02 last day', 'life', '2025-01-01', 'x', '2025-01-01', 0, 100, 'signed'), ('03 over', 'life', '2025-01-01', 'x', '2025-01-01', -1, 100, 'signed'),
		('04 over, no status', 'life', '2025-01-01', 'x', '2024-01-01', -1, 100, NULL), ('05 over, expired', 'life', '2025-01-01', 'x', '2024-01-01', -1, 100, 'expired'), ('06 terminated', 'life', '2025-01-01', 'x', '2024-01-01', -1, 100, 'terminated'),
		('07 no start', 'life', '2025-01-01', 'x', NULL, 1, 100, 'signed'), ('08 no dates', 'life', '2025-01-01', 'x', NULL, NULL, 100, 'signed'), ('09 no name', 'life', '2025-01-01', E'\t\u3000 ', '2025-01-01', 1, 100, 'signed'),
		('10 no time', 'life', NULL, 'x', '2025-01-01', 1, 100, 'signed'), ('11 all of it', 'life', NULL, NULL, NULL, -1, 100, 'signed'), ('12 draft', 'life', NULL, NULL, NULL, NULL, 100, 'draft'), ('13 offered', 'life', NULL, NULL, NULL, NULL, 100, 'offered'),
		('14 reversed', 'life', '2025-01-01', 'x', '2999-01-01', 1, 100, 'signed'), ('15 same day', 'life', '2025-01-01', 'x', '2025-01-01', 1, NULL, 'signed')
	) AS v(id, kind, signed, signer, starts, ends, amount, status);
UPDATE act.contract SET starts = ends WHERE id LIKE '15%';
SELECT contract_id, reason, severity, in_words FROM crmaudit.contract_compliance;
SET crmaudit.language = 'zh';
SELECT contract_id, reason, in_words FROM crmaudit.contract_compliance WHERE contract_id ~ '^(03|08|09|14)';
RESET crmaudit.language;

-- Approvals are asked for where there are any, from a threshold that can be set
-- by kind; without one, for any amount.
TRUNCATE act.contract;
INSERT INTO act.contract (id, kind, signed, signer, starts, ends, amount, status) SELECT v.*, 'x', '2025-01-01', '2999-01-01', w.amount, 'signed'
	FROM (VALUES ('a', 'life', '2025-01-01'::timestamptz), ('b', 'life', '2025-01-01'), ('c', 'audit', '2025-01-01'), ('d', 'audit', '2025-01-01'), ('e', NULL, '2025-01-01'), ('f', 'life', '2025-01-01'), ('g', 'life', '2025-01-01')) v(id, kind, signed)
	JOIN (VALUES ('a', 100000), ('b', 99999.99), ('c', 500), ('d', 499), ('e', 100000), ('f', 0), ('g', 100001)) w(id, amount) USING (id);
CREATE TABLE act.step (case_id text, kind text, step text);
SELECT crmaudit.map_entity('step', 'act.step', '{"case_id":"case_id","case_kind":"kind","step":"step"}');
INSERT INTO act.step VALUES ('a', 'hazard', 'found');
SELECT count(*) AS without_approvals FROM crmaudit.contract_compliance;
INSERT INTO act.step VALUES ('g', 'approval', 'head'), ('g', 'approval', 'deputy'), ('zzz', 'approval', 'head');
SELECT contract_id, reason FROM crmaudit.contract_compliance;
SELECT crmaudit.set_approval_threshold(100000), crmaudit.set_approval_threshold(500, 'audit');
SELECT contract_id, reason, severity, in_words FROM crmaudit.contract_compliance;
SELECT crmaudit.set_approval_threshold(NULL), crmaudit.set_approval_threshold(200000, 'life');
SELECT contract_id, reason FROM crmaudit.contract_compliance;
SELECT crmaudit.set_approval_threshold(-1);
SELECT crmaudit.set_approval_threshold(1, NULL);
SELECT crmaudit.set_approval_threshold(NULL, 'life'), crmaudit.set_approval_threshold(NULL, 'audit');
SELECT kind, amount FROM crmaudit.approval_threshold;

-- A column that the CRM does not keep is not missing.
UPDATE act.contract SET signer = NULL, ends = NULL;
INSERT INTO act.step SELECT id, 'approval', 'head' FROM act.contract;
SELECT crmaudit.map_entity('contract', 'act.contract', '{"contract_id":"id","starts_on":"starts","amount":"amount"}');
SELECT count(*) AS faults FROM crmaudit.contract_compliance;

SELECT count(crmaudit.unmap_entity(e)) AS unmapped FROM unnest('{customer,contact,staff,contract,payment,step}'::text[]) e;
DROP SCHEMA act CASCADE;
