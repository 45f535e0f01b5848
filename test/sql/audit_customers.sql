-- The views about customers, on planted rows (D11, D21 to D24). Days are
-- counted from today, days of the calendar: day(n) is the midnight that began
-- the day n days ago. Years are counted from this one.
\set SHOW_CONTEXT never
SET crmaudit.calendar = 'CN';
SET crmaudit.language = 'en';
-- The session's own time zone must not matter.
SET timezone = 'America/Los_Angeles';

-- Nothing is mapped: every view is empty, and none fails.
SELECT (SELECT count(*) FROM crmaudit.interaction_frequency) + (SELECT count(*) FROM crmaudit.customer_figures) + (SELECT count(*) FROM crmaudit.silent_customers)
	+ (SELECT count(*) FROM crmaudit.churn_risk) + (SELECT count(*) FROM crmaudit.customer_churn)
	+ (SELECT count(*) FROM crmaudit.customer_segments) + (SELECT count(*) FROM crmaudit.key_customers) + (SELECT count(*) FROM crmaudit.customer_credit)
	+ (SELECT count(*) FROM crmaudit.financial_statistics) + (SELECT count(*) FROM crmaudit.sales_dynamics) AS rows;

CREATE SCHEMA customers;
CREATE FUNCTION customers.today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date $$;
CREATE FUNCTION customers.day(n int) RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT (customers.today() - n)::timestamp AT TIME ZONE 'Asia/Shanghai' $$;
CREATE FUNCTION customers.days_ago(at timestamptz) RETURNS int LANGUAGE sql STABLE AS $$ SELECT customers.today() - (at AT TIME ZONE 'Asia/Shanghai')::date $$;
CREATE FUNCTION customers.year(n int) RETURNS int LANGUAGE sql STABLE AS $$ SELECT extract(year FROM customers.today())::int + n $$;

CREATE TABLE customers.client (id text PRIMARY KEY, name text, kind text, size text, industry text, condition text, risk text, region text, manager text,
	since date, closed timestamptz, volume numeric, account text);
CREATE TABLE customers.contact (id serial PRIMARY KEY, client text, kind text, method text, at timestamptz, outcome text);
CREATE TABLE customers.complaint (id serial PRIMARY KEY, client text, kind text, at timestamptz, upheld boolean, reason text);
CREATE TABLE customers.answer (id serial PRIMARY KEY, client text, at timestamptz, answer int, reason text);
CREATE TABLE customers.contract (id serial PRIMARY KEY, client text, signed timestamptz, starts date, ends date, amount numeric, status text);
CREATE TABLE customers.payment (id serial PRIMARY KEY, client text, at timestamptz, amount numeric, account text, payer text, approval text);
CREATE TABLE customers.figures (client text, firm text, year int, fee numeric, revenue numeric, assets numeric);
CREATE TABLE customers.person (id text PRIMARY KEY, name text, position text, active boolean);

INSERT INTO customers.client (id, name, kind, industry, manager, since, closed, volume, account) VALUES
	('c01', 'Alpha', 'company', 'steel', 's1', customers.today() - 3660, NULL, NULL, '6222 0001'),
	('c02', 'Beta', 'company', 'steel', 's2', customers.today() - 1000, NULL, NULL, '6222 0002'),
	('c03', 'Gamma', 'company', 'retail', 's2', customers.today() - 1000, NULL, NULL, NULL),
	('c04', 'Delta', 'company', NULL, NULL, customers.today() - 400, NULL, 300000, NULL),
	('c05', 'Epsilon', 'person', NULL, 's1', NULL, NULL, 199999.99, NULL),
	('c06', 'Zeta', 'person', NULL, 's2', customers.today() - 1500, customers.day(20), 900000, NULL),
	('c07', 'Eta', 'person', NULL, 's2', customers.today() - 10, NULL, NULL, NULL),
	('c08', 'Theta', 'person', NULL, 's2', customers.today() - 1000, NULL, NULL, NULL),
	('c09', 'Iota', 'company', 'coal', 's2', customers.today() - 1000, NULL, NULL, NULL),
	('c10', 'Kappa', 'company', NULL, 's3', customers.today() - 2000, NULL, 500000, NULL),
	('c11', 'Lambda', 'company', NULL, 's9', customers.today() - 2000, NULL, 200000, NULL),
	-- closed from tomorrow on: still a customer
	('c12', 'Mu', 'person', NULL, 's4', customers.today() - 2000, customers.day(-1), NULL, NULL);
INSERT INTO customers.person VALUES ('s1', 'Wang', ' Deputy Manager', true), ('s2', 'Li', 'salesman', true), ('s3', 'Zhao', 'deputy manager', false), ('s4', 'Sun', NULL, NULL);
INSERT INTO customers.contact (client, kind, method, at, outcome) VALUES
	('c01', 'visit', 'meeting', customers.day(500), NULL), ('c01', 'visit', 'meeting', customers.day(400), 'reached'),
	('c01', 'visit', 'meeting', customers.day(190), 'reached'), ('c01', 'visit', 'meeting', customers.day(100), 'reached'), ('c01', 'visit', 'meeting', customers.day(10), NULL),
	('c01', 'call', NULL, customers.day(50), 'reached'), ('c01', 'call', NULL, customers.day(5), 'no_answer'),
	-- planned, not yet made
	('c01', 'visit', 'meeting', customers.day(-3), NULL),
	-- a day too long ago, and just not
	('c02', 'call', NULL, customers.day(366), 'reached'), ('c02', 'call', NULL, customers.day(600), 'reached'),
	('c03', 'call', NULL, customers.day(365), 'reached'),
	('c08', 'visit', NULL, customers.day(730), 'reached'), ('c08', 'call', NULL, customers.day(30), 'no_answer'), ('c08', 'call', NULL, customers.day(20), 'refused'), ('c08', 'call', NULL, customers.day(10), 'invalid'),
	-- more than two years ago it is too old to compare with
	('c08', 'visit', NULL, customers.day(731), 'reached'),
	('c09', 'visit', NULL, customers.day(200), 'reached'), ('c09', 'visit', NULL, customers.day(400), 'reached'), ('c09', 'visit', NULL, customers.day(410), 'reached'),
	('c09', 'visit', NULL, customers.day(420), 'reached'), ('c09', 'visit', NULL, customers.day(430), 'reached'),
	('c10', 'visit', NULL, customers.day(100), 'reached'),
	-- of nobody
	(NULL, 'visit', NULL, customers.day(100), 'reached');
INSERT INTO customers.complaint (client, kind, at, upheld, reason) VALUES
	('c09', 'complaint', customers.day(40), true, 'wrong bill'), ('c09', NULL, customers.day(30), NULL, 'late answer'),
	('c09', 'opinion', customers.day(50), NULL, 'opening hours'), ('c09', 'complaint', customers.day(366), true, 'long ago'),
	('c06', 'report', customers.day(60), false, 'private charge'), ('c06', 'complaint', customers.day(386), true, 'more than a year before');
INSERT INTO customers.answer (client, at, answer, reason) VALUES
	('c10', customers.day(60), 4, 'too dear'), ('c10', customers.day(50), 3, 'not the last straw'), ('c06', customers.day(25), 4, '');
INSERT INTO customers.figures VALUES
	('c01', 'F1', customers.year(-3), 100000, NULL, NULL), ('c01', 'F1', customers.year(-2), 150000, 1000, NULL),
	('c01', 'F1', customers.year(-1), 200000, 1200, 5000), ('c01', 'F2', customers.year(-1), 50000, 1200, 5000),
	('c02', 'F1', customers.year(-2), 100, 1000, NULL), ('c02', 'F1', customers.year(-1), 100, 1000, NULL),
	('c03', 'F1', customers.year(-3), 300000, NULL, NULL), ('c03', 'F1', customers.year(-2), 200000, 100, NULL), ('c03', 'F1', customers.year(-1), 200000, 120, NULL),
	('c07', 'F1', customers.year(0), 10, NULL, NULL), ('c08', 'F1', customers.year(-3), 70, NULL, NULL),
	('c09', 'F1', customers.year(-2), 200, NULL, NULL), ('c09', 'F1', customers.year(-1), 50, NULL, NULL),
	-- of next year nothing can be known
	('c09', 'F1', customers.year(1), 9999, NULL, NULL);
INSERT INTO customers.payment (client, at, amount, account, payer, approval) VALUES
	('c04', customers.day(365), 60, NULL, 'Delta', NULL), ('c04', customers.day(1), 60, NULL, 'Delta', NULL), ('c04', customers.day(366), 40, NULL, 'Delta', NULL),
	('c04', customers.day(730), 60, NULL, 'Delta', NULL), ('c04', customers.day(731), 1000, NULL, 'Delta', NULL), ('c04', customers.day(-1), 5000, NULL, 'Delta', NULL);

SELECT crmaudit.map_entity('customer', 'customers.client', '{"customer_id": "id", "name": "name", "kind": "kind", "size": "size", "industry": "industry", "operating_condition": "condition",
	"risk": "risk", "region": "region", "owner": "manager", "since": "since", "closed_at": "closed", "annual_volume": "volume", "account": "account"}');
SELECT crmaudit.map_entity('interaction', 'customers.contact', '{"interaction_id": "id", "customer_id": "client", "kind": "kind", "method": "method", "occurred_at": "at", "outcome": "outcome"}');

-- Number, first, last and mean interval by channel, and over all channels:
-- 490 days between five visits are 122.5 each, 495 between seven contacts 82.5.
SELECT customer_id AS id, kind, method, interactions AS n, reached, customers.days_ago(first_at) AS first, customers.days_ago(last_at) AS last, days_since_last AS since_last,
	mean_interval_days AS mean, customer_interactions AS all_n, customers.days_ago(customer_last_at) AS all_last, customer_mean_interval_days AS all_mean
FROM crmaudit.interaction_frequency;

-- Silent is who was not reached for more than 365 days: not Gamma (365), not Eta, who is
-- new; Delta was never in contact, and of Epsilon not even that is known. Zeta left.
SELECT customer_id AS id, name, customers.days_ago(last_contact_at) AS last, days_silent, failed_attempts, last_payment_at FROM crmaudit.silent_customers;
-- Who complains, answers, signs or pays is not silent; who pays shows.
SELECT crmaudit.map_entity('complaint', 'customers.complaint', '{"complaint_id": "id", "customer_id": "client", "kind": "kind", "opened_at": "at", "upheld": "upheld", "reason": "reason"}');
SELECT crmaudit.map_entity('survey_answer', 'customers.answer', '{"answer_id": "id", "customer_id": "client", "answered_at": "at", "answer": "answer", "reason": "reason"}');
SELECT crmaudit.map_entity('contract', 'customers.contract', '{"contract_id": "id", "customer_id": "client", "signed_at": "signed", "starts_on": "starts", "ends_on": "ends", "amount": "amount", "status": "status"}');
SELECT crmaudit.map_entity('payment', 'customers.payment', '{"payment_id": "id", "customer_id": "client", "paid_at": "at", "amount": "amount", "payer_account": "account", "payer_name": "payer", "approval": "approval"}');
INSERT INTO customers.contract (client, signed) VALUES ('c08', customers.day(365)), ('c12', customers.day(3));
SELECT customer_id AS id, days_silent, failed_attempts, customers.days_ago(last_payment_at) AS last_payment FROM crmaudit.silent_customers;
DELETE FROM customers.contract;
INSERT INTO crmaudit.customer_setting VALUES ('silent_days', '399');
SELECT customer_id AS id, days_silent FROM crmaudit.silent_customers;
DELETE FROM crmaudit.customer_setting;

-- What the views stand on. An opinion is no complaint, and the future is not yet.
SELECT customer_id AS id, is_closed, days_silent, contacts, contacts_before AS before, failed_attempts AS failed, complaints, upheld
FROM crmaudit.customer_figures ORDER BY customer_id;

-- Volume: fees of all firms in the last full year, or else payments of 365 days.
SELECT crmaudit.map_entity('customer_year', 'customers.figures', '{"customer_id": "client", "firm_id": "firm", "year": "year", "fee": "fee", "revenue": "revenue", "assets": "assets"}');
SELECT customer_id AS id, volume_source AS source, volume, volume_before AS before, round(volume_earlier_mean, 2) AS earlier, volume_this_year AS this_year, change,
	yearly_business AS business, yearly_business_from AS "from", life_cycle
FROM crmaudit.customer_figures ORDER BY customer_id;

-- The place in the life cycle: a change of 10 % is none yet.
INSERT INTO customers.client (id, since, closed) SELECT 'z' || n, '2000-01-01', customers.day(1) FROM generate_series(1, 9) n;
INSERT INTO customers.figures (client, year, fee) SELECT 'z' || t.n, customers.year(t.y), t.fee FROM (VALUES
	(1, -2, 100), (1, -1, 110), (2, -2, 100), (2, -1, 110.01), (3, -2, 100), (3, -1, 90), (4, -2, 100), (4, -1, 89.99), (5, -1, 1), (6, -2, 1),
	-- steady, but it was more: the mean of 200, 0 and 100 is 100, 0.9 of it 90; of 201, 0 and 100 it is more
	(7, -4, 200), (7, -2, 100), (7, -1, 90), (8, -4, 201), (8, -2, 100), (8, -1, 90), (9, -1, NULL)) AS t(n, y, fee);
SELECT customer_id AS id, volume, volume_before AS before, round(volume_earlier_mean, 2) AS earlier, life_cycle FROM crmaudit.customer_figures WHERE customer_id LIKE 'z%' ORDER BY customer_id;
-- If only one year is known, there is nothing to compare with.
DELETE FROM customers.figures WHERE client LIKE 'z%';
DELETE FROM customers.client WHERE id LIKE 'z%';
SELECT crmaudit.map_entity('customer_year', 'customers.figures', '{"customer_id": "client", "firm_id": "firm", "year": "year", "fee": "fee", "revenue": "revenue"}', format('year = %s', customers.year(-1)));
SELECT customer_id AS id, volume, volume_before AS before, life_cycle FROM crmaudit.customer_figures WHERE volume_source = 'customer_year' ORDER BY customer_id;
SELECT crmaudit.map_entity('customer_year', 'customers.figures', '{"customer_id": "client", "firm_id": "firm", "year": "year", "fee": "fee", "revenue": "revenue"}');

-- Risk of churn. Iota: recency 30/365 = 0.0822, frequency 1 - 1/4 = 0.75, complaints (2 + 1)/3 = 1,
-- volume 1 - 50/200 = 0.75: 30*0.0822 + 20*0.75 + 25*1 + 25*0.75 = 61.2 of 100.
-- Delta: recency 1, complaints 0, volume 0; frequency is not assessed: 30 of 80.
SELECT customer_id AS id, score, level, reason, recency_risk AS recency, frequency_risk AS frequency, complaint_risk AS complaint, volume_risk AS volume, assessed FROM crmaudit.churn_risk;
SET crmaudit.language = 'zh';
SELECT customer_id AS id, reason FROM crmaudit.churn_risk WHERE customer_id IN ('c02', 'c09');
SET crmaudit.language = 'en';
-- Weights and limits are settings. A component that does not weigh does not count.
INSERT INTO crmaudit.customer_setting VALUES ('churn_recency', '0'), ('churn_frequency', '0'), ('churn_complaints', '0'), ('churn_high', '70'), ('churn_medium', '75');
SELECT customer_id AS id, score, level FROM crmaudit.churn_risk WHERE score > 0 OR customer_id IN ('c05', 'c10');
DELETE FROM crmaudit.customer_setting;

-- Who left, who is about to, and why. The last of Kappa's contracts is over since yesterday; Lambda's ends today,
-- and another of Beta's was terminated while one is in force.
INSERT INTO customers.contract (client, signed, starts, ends, amount, status) VALUES
	('c10', customers.day(700), customers.today() - 700, customers.today() - 300, 1000, 'signed'), ('c10', customers.day(300), customers.today() - 300, customers.today() - 1, 1000, 'signed'),
	('c11', customers.day(300), customers.today() - 300, customers.today(), 1000, 'signed'),
	('c02', customers.day(130), customers.today() - 130, customers.today() + 70, 1000, 'signed'), ('c02', customers.day(300), customers.today() - 300, NULL, NULL, 'terminated'),
	('c12', customers.day(300), customers.today() - 300, customers.today() + 10, NULL, 'terminated'),
	-- not signed; a draft is none, though it bears a date
	('c01', NULL, customers.today() - 300, customers.today() - 200, 10000, 'draft'), ('c10', customers.day(2), NULL, NULL, 500, 'draft');
SELECT customer_id AS id, state, customers.today() - left_on AS left_on, how, why, years_of_cooperation AS years, volume_at_stake AS volume, score FROM crmaudit.customer_churn;

-- Segments. Steel grew from 2000 to 2200, which is 10 % and steady; coal has no revenue, so that our volume tells.
-- All volume is 1649999.99 + 150: class A while the larger ones make less than 1320119.99, B less than 1567642.49.
UPDATE customers.client SET size = 'large', condition = 'sound', risk = 'low', region = 'north' WHERE id = 'c01';
SELECT customer_id AS id, kind, size, industry, industry_growth AS growth, industry_trend AS trend, operating_condition AS condition, risk, region,
	volume, years_of_cooperation AS years, cooperation, value_class AS class, life_cycle, change, is_key
FROM crmaudit.customer_segments;
-- A year ago today is a year.
UPDATE customers.client SET since = customers.today() - interval '1 year' WHERE id = 'c07';
UPDATE customers.client SET since = customers.today() - interval '5 years' + interval '1 day' WHERE id = 'c08';
UPDATE customers.client SET since = customers.today() - interval '5 years' WHERE id = 'c09';
SELECT customer_id AS id, cooperation FROM crmaudit.customer_segments WHERE customer_id IN ('c07', 'c08', 'c09') ORDER BY customer_id;

-- Key customers: 200,000 is enough, 199,999.99 is not; who may own one stands in the settings.
SELECT crmaudit.map_entity('staff', 'customers.person', '{"staff_id": "id", "name": "name", "position": "position", "active": "active"}');
SELECT customer_id AS id, name, volume, volume_from, life_cycle, owner, owner_name, owner_position, ownership, in_words FROM crmaudit.key_customers;
INSERT INTO crmaudit.customer_setting VALUES ('key_volume', '100'), ('key_positions', '{SALESMAN,"Deputy Manager"}');
UPDATE customers.client SET manager = 's4' WHERE id = 'c02';
SELECT customer_id AS id, volume, owner, ownership FROM crmaudit.key_customers;
DELETE FROM crmaudit.customer_setting;
UPDATE customers.client SET manager = 's2' WHERE id = 'c02';
INSERT INTO customers.person VALUES ('s5', 'Qian', '副总经理', true);
UPDATE customers.client SET manager = 's5' WHERE id = 'c04';
SELECT customer_id AS id, ownership, in_words FROM crmaudit.key_customers WHERE customer_id = 'c04';
-- Whom another source knows, too, is one; he has left when he has left all.
CREATE TABLE customers.agent (id text PRIMARY KEY, active boolean);
INSERT INTO customers.agent VALUES ('s5', false);
SELECT crmaudit.map_entity('staff', 'customers.agent', '{"staff_id": "id", "active": "active"}');
SELECT customer_id AS id, owner_name, ownership FROM crmaudit.key_customers WHERE customer_id = 'c04';
SELECT crmaudit.unmap_entity('staff', 'customers.agent');
-- Without a staff table positions are not known.
SELECT crmaudit.unmap_entity('staff');
SELECT customer_id AS id, ownership FROM crmaudit.key_customers WHERE customer_id = 'c01';

-- Credit. Beta owes 100 of 200 days of 1000 (what falls due within 30 days can wait): 500, of which 250 are paid, half of that from
-- an account not Beta's and without approval: 100*0.5 - 50*0.5 = 25. Alpha paid all of it.
-- Of Lambda 270 of 300 days are due: 900. Kappa paid 400 + 600 of 1000 + (299 - 29)/299*1000, from an account that is not known, in another's name but approved.
-- Mu's contract has no term: all of it is due 30 days after it began, and so is Eta's, but not Theta's.
INSERT INTO customers.contract (client, signed, starts, ends, amount, status) VALUES
	('c01', customers.day(395), customers.today() - 395, customers.today() - 30, 3650, 'signed'),
	('c01', customers.day(395), customers.today() - 395, customers.today() - 30, 9999, 'cancelled'), ('c01', customers.day(395), customers.today() - 395, customers.today() - 30, 9999, 'offered'),
	('c07', customers.day(30), NULL, NULL, 100, NULL), ('c08', customers.day(29), NULL, NULL, 100, 'signed');
INSERT INTO customers.payment (client, at, amount, account, payer, approval) VALUES
	('c01', customers.day(200), 3650, '62220001', 'somebody', NULL),
	('c02', customers.day(20), 125, '62220002', NULL, NULL), ('c02', customers.day(10), 125, '62229999', NULL, ' '),
	('c10', customers.day(20), 400, NULL, 'Kappa ', NULL), ('c10', customers.day(20), 600, NULL, 'Omega', 'A-17'),
	('c07', customers.day(5), 300, '1', NULL, NULL);
SELECT customer_id AS id, credit, grade, payment_points AS payment, data_points AS data, complaint_points AS complaint, assessed, amount_due AS due, amount_paid AS paid,
	paid_share, foreign_share, complaints
FROM crmaudit.customer_credit;
-- A payment without a customer is its contract's customer's. Accounts and names are compared without what people
-- write between digits and words: now Beta paid 500 of 500, a quarter of it from another account.
ALTER TABLE customers.payment ADD contract int;
SELECT crmaudit.map_entity('payment', 'customers.payment', '{"payment_id": "id", "customer_id": "client", "contract_id": "contract", "paid_at": "at", "amount": "amount", "payer_account": "account", "payer_name": "payer", "approval": "approval"}');
INSERT INTO customers.payment (client, contract, at, amount, account, payer)
	SELECT NULL, min(k.id), customers.day(9), 250, '6222-0002', NULL FROM customers.contract k WHERE k.client = 'c02' AND k.status = 'signed'
	UNION ALL SELECT 'c10', NULL, customers.day(9), 10, NULL, ' KAPPA'
	UNION ALL SELECT NULL, NULL, customers.day(9), 7, NULL, 'nobody' UNION ALL SELECT NULL, -1, customers.day(9), 7, NULL, 'no such contract';
SELECT customer_id AS id, contract_id IS NOT NULL AS by_contract, customers.days_ago(paid_at) AS paid, amount, payer_account, payer_name FROM crmaudit.customer_payment WHERE paid_at = customers.day(9) ORDER BY customer_id;
SELECT customer_id AS id, payment_points AS payment, amount_due AS due, amount_paid AS paid, paid_share, foreign_share FROM crmaudit.customer_credit WHERE customer_id IN ('c02', 'c10');
SELECT customers.days_ago(last_payment_at) AS last_payment FROM crmaudit.customer_figures WHERE customer_id = 'c02';
DELETE FROM customers.payment WHERE at = customers.day(9);
-- The quality of data counts where the table is protected: 0.75 for an error, 0.25 for a warning, times 40.
INSERT INTO customers.client (id, name, kind) VALUES ('c13', NULL, 'other'), ('c14', 'Xi', 'other');
SELECT crmaudit.protect('customers.client', mode => 'observe');
SELECT crmaudit.add_rule('customers.client', 'named', 'required', '{name}') > 0 AS added;
SELECT crmaudit.add_rule('customers.client', 'kinds', 'in_set', '{kind}', '{"values": ["person", "company"]}', severity => 'warning') > 0 AS added;
SELECT count(*) AS swept FROM crmaudit.sweep('customers.client');
SELECT customer_id AS id, credit, grade, payment_points AS payment, data_points AS data, complaint_points AS complaint, assessed, open_findings
FROM crmaudit.customer_credit WHERE customer_id IN ('c01', 'c09', 'c13', 'c14');
-- Customers of another source, that is not protected, are not assessed; the others still are.
CREATE TABLE customers.client_of_branch (id int PRIMARY KEY, name text);
INSERT INTO customers.client_of_branch VALUES (901, NULL);
SELECT crmaudit.map_entity('customer', 'customers.client_of_branch', '{"customer_id": "id", "name": "name"}');
SELECT customer_id AS id, credit, data_points AS data, assessed, open_findings FROM crmaudit.customer_credit WHERE customer_id IN ('c01', 'c13', '901');
INSERT INTO crmaudit.customer_setting VALUES ('credit_payment', '0'), ('credit_complaints', '0');
SELECT customer_id AS id, credit, grade, assessed FROM crmaudit.customer_credit WHERE customer_id IN ('c01', 'c13', '901');
DELETE FROM crmaudit.customer_setting;
SELECT crmaudit.unmap_entity('customer', 'customers.client_of_branch');

UPDATE customers.client SET since = '2010-01-01' WHERE id = 'c01';
-- The reports, on facts of long ago. No kind is not an empty one. A year and a month begin at midnight in Shanghai: 16:00 UTC.
INSERT INTO customers.client (id, kind, since, closed) VALUES ('r1', 'company', '2018-12-31', '2021-01-31T16:00:00Z'), ('r2', 'person', '2019-01-01', '2021-01-31T15:59:59Z'), ('r3', NULL, NULL, '2020-12-15'), ('r4', '', NULL, '2020-12-15');
INSERT INTO customers.contract (client, signed, ends, amount, status) VALUES
	('r1', '2020-11-05', '2020-12-01', 1000, 'signed'), ('r1', '2020-12-31T15:59:59Z', '2020-12-31', 500, 'signed'), ('r2', '2020-12-31T16:00:00Z', '2021-01-01', 800, 'signed'), ('r2', NULL, NULL, 7, 'draft'), ('r2', '2020-12-31T16:00:00Z', NULL, 7, 'offered');
INSERT INTO customers.payment (client, at, amount) VALUES ('r1', '2019-11-20', 100), ('r3', '2020-11-20', 10), ('r4', '2019-11-20', 5), ('r1', '2020-11-20', 200), ('r1', '2020-12-31T15:59:59Z', 150), ('r2', '2020-12-31T16:00:00Z', 50), ('gone', '2020-12-31T16:00:00Z', 25);
INSERT INTO customers.figures VALUES ('r1', 'F1', 2019, 100, 5000, 9000), ('r1', 'F1', 2020, 120, 6000, 9500), ('r2', 'F1', 2020, 40, NULL, NULL), ('r2', 'F2', 2020, 40, NULL, NULL), ('r3', 'F1', 2020, NULL, 1, 1);
SELECT year, is_total AS total, kind, customers AS n, contracts, contracted, payments, paid, payers, paid_per_payer AS each, fee, fee_customers AS fees, mean_fee, largest_fee_share AS largest, assets, revenue, paid_change, fee_change
FROM crmaudit.financial_statistics WHERE year <= 2021;
-- A customer of two sources has his facts once.
CREATE TABLE customers.former (id text PRIMARY KEY, kind text);
INSERT INTO customers.former VALUES ('r1', 'company');
SELECT crmaudit.map_entity('customer', 'customers.former', '{"customer_id": "id", "kind": "kind"}');
SELECT year, kind, customers AS n, contracts, paid, fee FROM crmaudit.financial_statistics WHERE year = 2020 AND kind = 'company';
SELECT crmaudit.unmap_entity('customer', 'customers.former');
SELECT month, new_customers AS new, lost_customers AS lost, customers_at_end AS at_end, contracts, contracted, payments, paid, contacts, contracted_change AS contracted_m, contracted_change_of_year AS contracted_y, paid_change AS paid_m, paid_change_of_year AS paid_y
FROM crmaudit.sales_dynamics WHERE month IN ('2018-12-01', '2019-01-01', '2019-02-01') OR month BETWEEN '2020-10-01' AND '2021-03-01';
SELECT max(month) = date_trunc('month', customers.today()) AS to_this_month, count(*) = 1 + 12 * (extract(year FROM max(month)) - extract(year FROM min(month))) + extract(month FROM max(month)) - extract(month FROM min(month)) AS without_gaps FROM crmaudit.sales_dynamics;

-- Settings must make sense.
INSERT INTO crmaudit.customer_setting VALUES ('key_volumes', '1');
INSERT INTO crmaudit.customer_setting VALUES ('key_volume', 'much');
INSERT INTO crmaudit.customer_setting VALUES ('key_volume', '-1');
INSERT INTO crmaudit.customer_setting VALUES ('key_volume', 'NaN');
INSERT INTO crmaudit.customer_setting VALUES ('silent_days', '1.5');
INSERT INTO crmaudit.customer_setting VALUES ('value_a', '80');
INSERT INTO crmaudit.customer_setting VALUES ('key_positions', 'manager');
SELECT name, value, unit FROM crmaudit.customer_parameter ORDER BY name;

-- An auditor needs his duty, and the right to read the CRM's own tables.
CREATE ROLE customers_auditor;
SELECT count(*) >= 0 AS granted FROM crmaudit.grant_duty('auditor', 'customers_auditor');
GRANT USAGE ON SCHEMA customers TO customers_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA customers TO customers_auditor;
SET ROLE customers_auditor;
SELECT (SELECT count(*) FROM crmaudit.interaction_frequency) AS frequency, (SELECT count(*) FROM crmaudit.silent_customers) AS silent, (SELECT count(*) FROM crmaudit.churn_risk) AS risk,
	(SELECT count(*) FROM crmaudit.customer_churn) AS churn, (SELECT count(*) FROM crmaudit.customer_segments) AS segments, (SELECT count(*) FROM crmaudit.key_customers) AS key,
	(SELECT count(*) FROM crmaudit.customer_credit WHERE data_points < 100) AS credit, (SELECT count(*) > 0 FROM crmaudit.financial_statistics) AS statistics,
	(SELECT count(*) > 0 FROM crmaudit.sales_dynamics) AS dynamics, (SELECT count(*) FROM crmaudit.customer_importance) AS importance;
RESET ROLE;
REVOKE SELECT ON customers.payment FROM customers_auditor;
SET ROLE customers_auditor;
SELECT count(*) FROM crmaudit.customer_credit;
RESET ROLE;

SELECT crmaudit.revoke_duty('auditor', 'customers_auditor');
SELECT crmaudit.unprotect('customers.client');
-- Since ever, or without end: not known since when, and no last day.
INSERT INTO customers.client (id, name, kind, since, closed) VALUES ('c21', 'Ever', 'other', '-infinity', 'infinity');
INSERT INTO customers.contract (client, signed, starts, ends, amount, status) VALUES ('c21', customers.day(99), customers.today() - 99, 'infinity', 300, 'signed'), ('c21', customers.day(99), '-infinity', customers.today() + 99, 200, 'signed');
INSERT INTO customers.client (id) VALUES ('c22');
INSERT INTO customers.contact (client, kind, at) VALUES ('c22', 'call', '-infinity'), ('c21', 'call', '-infinity'), ('c21', 'call', customers.day(4));
SELECT interactions, days_since_last FROM crmaudit.interaction_frequency WHERE customer_id IN ('c21', 'c22');
SELECT days_silent FROM crmaudit.customer_figures WHERE customer_id = 'c22';
SELECT since, customers.days_ago(last_contact_at) AS last_contact, is_closed, contracts_over FROM crmaudit.customer_figures WHERE customer_id = 'c21';
SELECT years_of_cooperation AS years, cooperation FROM crmaudit.customer_segments WHERE customer_id = 'c21';
SELECT amount_due AS due FROM crmaudit.customer_credit WHERE customer_id = 'c21';
SELECT min(month) > '1900-01-01' AS begins, max(month) = date_trunc('month', customers.today()) AS ends FROM crmaudit.sales_dynamics;
SELECT sum(crmaudit.unmap_entity(e)) AS unmapped FROM unnest('{customer,interaction,complaint,survey_answer,contract,payment,customer_year}'::text[]) e;
RESET timezone;
SET client_min_messages = warning;
DROP SCHEMA customers CASCADE;
DROP ROLE customers_auditor;
