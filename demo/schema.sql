-- The demo's CRM as it stood before crmaudit came: an insurance agency and
-- accounting firm.  Nothing here knows of crmaudit.  Columns are as loose as
-- grown CRMs have them: no CHECK, hardly a NOT NULL, text nearly everywhere,
-- or there would be nothing to audit.  Foreign keys and further indexes are
-- made at the end of data.sql, after the load.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET client_encoding = 'UTF8';
DROP SCHEMA IF EXISTS crm CASCADE;
CREATE SCHEMA crm;
COMMENT ON SCHEMA crm IS 'CRM of an insurance agency and accounting firm (保险代理与会计服务客户管理)';

CREATE TABLE crm.agency (
	agency_id int PRIMARY KEY,
	name text,
	phone varchar(30),
	address text
);
COMMENT ON TABLE crm.agency IS 'Insurance agencies that sell for us (代理机构)';

CREATE TABLE crm.staff (
	staff_id int PRIMARY KEY,
	full_name text,
	kind text,
	agency_id int,
	department text,
	position text,
	phone varchar(30),
	email varchar(120),
	address text,
	active boolean,
	trained_at date
);
COMMENT ON TABLE crm.staff IS 'Employees and the agencies'' staff (员工与代理机构人员)';
COMMENT ON COLUMN crm.staff.kind IS 'employee (本公司员工) or agency staff (代理机构人员)';
COMMENT ON COLUMN crm.staff.trained_at IS 'last training before selling (上岗培训日期)';

CREATE TABLE crm.staff_relative (
	relative_id int PRIMARY KEY,
	staff_id int,
	relation text,
	full_name text,
	phone varchar(30)
);
COMMENT ON TABLE crm.staff_relative IS 'Relatives whom the staff declared (员工亲属申报)';

CREATE TABLE crm.customer (
	customer_no text PRIMARY KEY,
	full_name text,
	id_kind varchar(20),
	id_no varchar(40),
	dob date,
	sex varchar(4),
	mobile varchar(40),
	mail varchar(200),
	city text,
	address text,
	postal_code varchar(10),
	bank_card varchar(40),
	profile jsonb,
	source varchar(20),
	status varchar(20),
	owner_id int,
	consent_at timestamptz,
	consent_scope text,
	verified_at timestamptz,
	created_at timestamptz,
	updated_at timestamptz
);
COMMENT ON TABLE crm.customer IS 'Persons: policyholders and other private customers (个人客户、投保人)';
COMMENT ON COLUMN crm.customer.id_kind IS 'kind of document (证件类型): 身份证, 护照, 回乡证, 台胞证';
COMMENT ON COLUMN crm.customer.owner_id IS 'staff in charge (客户经理); no foreign key: people leave';
COMMENT ON COLUMN crm.customer.profile IS 'what had no column: wechat, email (second address)';
COMMENT ON COLUMN crm.customer.verified_at IS 'last time the data was checked with the customer (资料核实时间)';
COMMENT ON COLUMN crm.customer.consent_at IS 'consent to the use of personal data (个人信息处理授权时间)';

CREATE TABLE crm.company (
	company_no text PRIMARY KEY,
	name text,
	uscc varchar(40),
	industry text,
	size text,
	contact_name text,
	contact_phone varchar(40),
	contact_mail varchar(200),
	address text,
	bank_account varchar(40),
	annual_fee numeric(14,2),
	owner_id int,
	status varchar(20),
	verified_at timestamptz,
	created_at timestamptz,
	updated_at timestamptz
);
COMMENT ON TABLE crm.company IS 'Companies whose books we keep or audit (企业客户)';
COMMENT ON COLUMN crm.company.uscc IS 'Unified Social Credit Code (统一社会信用代码)';
COMMENT ON COLUMN crm.company.annual_fee IS 'yearly business in yuan; from 200,000 a key account (重点客户)';

CREATE TABLE crm.company_year (
	company_no text,
	year int,
	fee numeric(14,2),
	assets numeric(16,2),
	revenue numeric(16,2),
	PRIMARY KEY (company_no, year)
);
COMMENT ON TABLE crm.company_year IS 'Fees and size of a company by year (企业客户年度数据)';

CREATE TABLE crm.contract (
	contract_id bigint PRIMARY KEY,
	contract_no text,
	customer_no text,
	company_no text,
	staff_id int,
	kind text,
	signed_at timestamptz,
	signed_by text,
	starts_on date,
	ends_on date,
	cooling_off_ends date,
	amount numeric(14,2),
	status varchar(20)
);
COMMENT ON TABLE crm.contract IS 'Policies and engagements (保单与业务约定书)';
COMMENT ON COLUMN crm.contract.cooling_off_ends IS 'last day of the cooling-off period (犹豫期届满日)';

CREATE TABLE crm.insured (
	insured_id bigint PRIMARY KEY,
	contract_id bigint,
	relation text,
	full_name text,
	id_no varchar(40),
	dob date,
	sex varchar(4),
	created_at timestamptz
);
COMMENT ON TABLE crm.insured IS 'Insured persons of a policy, minors among them (被保险人)';

CREATE TABLE crm.interaction (
	interaction_id bigint PRIMARY KEY,
	customer_no text,
	company_no text,
	staff_id int,
	kind varchar(20),
	method varchar(20),
	occurred_at timestamptz,
	recorded_at timestamptz,
	outcome varchar(20),
	ring_seconds int,
	recording text,
	content text,
	problem text,
	result text,
	contract_id bigint
);
COMMENT ON TABLE crm.interaction IS 'Visits, calls, revisits, letters, messages (拜访、电话、回访)';
COMMENT ON COLUMN crm.interaction.outcome IS 'reached (接通), no_answer (无人接听), refused (拒访), invalid (无效)';
COMMENT ON COLUMN crm.interaction.ring_seconds IS 'how long a call rang before it was given up (振铃秒数)';

CREATE TABLE crm.complaint (
	complaint_id bigint PRIMARY KEY,
	customer_no text,
	staff_id int,
	kind varchar(20),
	channel varchar(20),
	opened_at timestamptz,
	answered_at timestamptz,
	decided_at timestamptz,
	closed_at timestamptz,
	upheld boolean,
	reason text
);
COMMENT ON TABLE crm.complaint IS 'Complaints, reports of wrongdoing, opinions (投诉、举报、意见)';

CREATE TABLE crm.payment (
	payment_id bigint PRIMARY KEY,
	customer_no text,
	contract_id bigint,
	paid_at timestamptz,
	amount numeric(14,2),
	payer_account varchar(40),
	payer_name text,
	approval text
);
COMMENT ON TABLE crm.payment IS 'Premiums paid (缴费记录)';
COMMENT ON COLUMN crm.payment.approval IS 'document that allows payment from another''s account (他人账户付款审批)';

CREATE TABLE crm.core_customer (
	client_id text PRIMARY KEY,
	client_name text,
	cert_no varchar(40),
	tel varchar(40)
);
COMMENT ON TABLE crm.core_customer IS
	'The same customers as the policy system knows them (核心业务系统客户资料)';
