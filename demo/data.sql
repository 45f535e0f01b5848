-- Fills the demo's CRM and plants defects in it:
--
--   psql -f schema.sql -f data.sql                          1,000 customers
--   psql -v customers=1000000 -f schema.sql -f data.sql     as many as wanted
--   psql -v today=2026-03-02 ...                            as of a fixed day
--
-- Between 1,000 and 1,000,000 customers.  Everything follows from the number
-- of customers and the day: the same rows at each run.  The day matters,
-- because data is to be a year old at most (D4) and followed up in days (D10).
--
-- First all rows are good; defects.sql then spoils rows that demo.planted
-- lists, and contracts, interactions and the rest are made for the result.

\set ON_ERROR_STOP on
\if :{?customers} \else \set customers 1000 \endif
SET client_min_messages = warning;
SET client_encoding = 'UTF8';
SET timezone = 'Asia/Shanghai';
SET synchronous_commit = off;
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
\if :{?today} \else
SELECT current_date AS today \gset
\endif
SELECT :customers BETWEEN 1000 AND 1000000 AS size_ok,
	   :customers / 10 AS companies,
	   20 * greatest(3, :customers / 10000) AS staff,
	   greatest(3, :customers / 10000) AS staff_units \gset
\if :size_ok \else
\warn 'customers must be between 1000 and 1000000'
\quit
\endif
\ir functions.sql

-- Working days outside every holiday season, so that good work is in time and
-- in hours (D10, D14) under any published calendar.  w is the last such day
-- up to d.
CREATE TABLE demo.workday AS
SELECT d, max(d) FILTER (WHERE quiet) OVER (ORDER BY d) AS w
FROM (SELECT d::date AS d,
			 extract(isodow FROM d) < 6
			 AND NOT to_char(d, 'MMDD')::int BETWEEN 118 AND 228
			 AND NOT to_char(d, 'MMDD')::int BETWEEN 402 AND 407
			 AND NOT to_char(d, 'MMDD')::int BETWEEN 427 AND 507
			 AND NOT to_char(d, 'MMDD')::int BETWEEN 528 AND 630
			 AND NOT to_char(d, 'MMDD')::int BETWEEN 910 AND 1012
			 AND NOT to_char(d, 'MMDD')::int BETWEEN 1228 AND 1231
			 AND to_char(d, 'MMDD')::int > 104 AS quiet
	  FROM generate_series(:'today'::timestamp - interval '1200 days',
						   :'today'::timestamp, '1 day') d) days;
ALTER TABLE demo.workday ADD PRIMARY KEY (d);

-- Days on which contracts are signed: the revisit of the next day or the day
-- after is on a working day.
CREATE TABLE demo.sign_day AS
SELECT row_number() OVER (ORDER BY d)::int - 1 AS k, d
FROM demo.workday w
WHERE w = d AND d BETWEEN :'today'::date - 1000 AND :'today'::date - 14
  AND EXISTS (SELECT FROM demo.workday n WHERE n.w = w.d + 2 AND n.d = w.d + 2)
  AND EXISTS (SELECT FROM demo.workday n WHERE n.w = w.d + 1 AND n.d = w.d + 1);
ALTER TABLE demo.sign_day ADD PRIMARY KEY (k);
ANALYZE demo.workday, demo.sign_day, demo.place;
SELECT count(*) AS sign_days FROM demo.sign_day \gset

-- Minute of the day that every text on call hours allows: 10-11, 15-16 (D14).
CREATE FUNCTION demo.call_time(i bigint) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN make_interval(hours => CASE WHEN demo.h(i, 41, 2) = 0 THEN 10 ELSE 15 END,
					 mins => demo.h(i, 42, 58), secs => demo.h(i, 43, 60));

-- Of twenty staff the first is a deputy manager, two and three revisit, four
-- is compliance, the others sell.
CREATE FUNCTION demo.seller(i bigint, units int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN demo.h(i, 51, units) * 20 + 5 + demo.h(i, 52, 16);

INSERT INTO crm.agency
SELECT a, p.city || (ARRAY['安泰', '同信', '嘉禾', '广济', '明德'])[1 + a % 5] || '保险代理有限公司' ||
	   CASE WHEN a > 24 THEN '第' || a || '分公司' ELSE '' END,
	   p.dial || '-' || (6 + a % 3)::text || right(demo.mobile(1700000 + a), 7),
	   p.province || p.city || p.district || demo.street(16000000 + a)
FROM generate_series(1, greatest(5, :staff / 20)) a
JOIN demo.place p ON p.k = a % 24;

INSERT INTO crm.staff
SELECT s, demo.full_name(5000000 + s, s % 2 = 0),
	   CASE WHEN s % 20 BETWEEN 5 AND 12 OR s % 20 < 5 THEN 'employee' ELSE 'agency staff' END,
	   CASE WHEN s % 20 > 12 THEN 1 + demo.h(s, 61, greatest(5, :staff / 20)) END,
	   CASE WHEN s % 20 IN (2, 3) THEN '客户服务部' WHEN s % 20 = 4 THEN '合规部'
			WHEN s % 20 > 12 THEN '代理渠道' ELSE '业务部' END,
	   CASE WHEN s % 20 = 1 THEN '副总经理' WHEN s % 20 IN (2, 3) THEN '回访专员'
			WHEN s % 20 = 4 THEN '合规专员' WHEN s % 20 > 12 THEN '保险代理人' ELSE '客户经理' END,
	   demo.mobile(1800000 + s),
	   demo.name_pinyin(5000000 + s, s % 2 = 0) || s || '@crm.example.org',
	   p.province || p.city || p.district || demo.street(16100000 + s),
	   s % 20 <> 19, :'today'::date - 30 - demo.h(s, 62, 300)
FROM generate_series(1, :staff) s
JOIN demo.place p ON p.k = demo.h(s, 63, 24);

INSERT INTO crm.staff_relative
SELECT s, s, (ARRAY['配偶', '父亲', '母亲', '兄弟'])[1 + s % 4],
	   demo.full_name(5100000 + s, s % 2 = 1), demo.mobile(1850000 + s)
FROM generate_series(1, :staff) s;

-- Each layer is fenced by OFFSET 0, so that what it computes is computed once.
INSERT INTO crm.customer
SELECT demo.customer_no(i), demo.full_name(i, male), '身份证',
	   demo.resident_id(body), dob, CASE WHEN male THEN '男' ELSE '女' END,
	   CASE demo.h(i, 4, 40)			-- as people type it
			WHEN 0 THEN '+86' || mobile
			WHEN 1 THEN substr(mobile, 1, 3) || '-' || substr(mobile, 4, 4) || '-' || substr(mobile, 8)
			WHEN 2 THEN substr(mobile, 1, 3) || ' ' || substr(mobile, 4, 4) || ' ' || substr(mobile, 8)
			ELSE mobile END,
	   pinyin || number || '@' || demo.mail_domain(demo.h(i, 5, 8)),
	   city, province || city || district || demo.street(demo.shuffle(i, 1299743, 15555557)),
	   postal_code, demo.bank_card(card),
	   CASE WHEN demo.h(i, 6, 3) > 0
			THEN jsonb_build_object('wechat', 'wx_' || pinyin || number,
									'email', pinyin || '.' || number || '@' || demo.mail_domain(demo.h(i, 7, 8)))
			ELSE jsonb_build_object('wechat', 'wx_' || pinyin || number) END,
	   (ARRAY['代理人', '网点', '电话', '网站', '转介绍'])[1 + demo.h(i, 8, 5)],
	   CASE WHEN demo.h(i, 9, 20) = 0 THEN 'closed' WHEN demo.h(i, 9, 20) < 3 THEN 'dormant' ELSE 'active' END,
	   demo.seller(i, :staff_units),
	   verified, '保险服务;回访;账单通知', verified, created, verified + interval '7 minutes'
FROM (SELECT *, greatest(created, (:'today'::date - 2 - demo.h(i, 10, 270))::timestamptz
								  + make_interval(hours => 11, mins => demo.h(i, 11, 60))) AS verified,
			 area * 100000000000 + to_char(dob, 'YYYYMMDD')::bigint * 1000
				+ CASE WHEN male THEN 1 ELSE 2 END + 2 * (person % 497) AS body,
			 (ARRAY[622848, 621700, 622202, 621661, 621226, 622262])[1 + demo.h(i, 12, 6)]::bigint
				* 1000000000000 + demo.shuffle(i, 478239476341, 999999999989) AS card,
			 demo.name_pinyin(i, male) AS pinyin
	  FROM (SELECT *, demo.mobile_digits(number) AS mobile, date '1945-01-01' + (person / 497)::int AS dob
			FROM (SELECT i, p.*, demo.h(i, 1, 2) = 0 AS male,
						 demo.shuffle(i, 1299709, 2073600) AS number,
						 demo.shuffle(i, 1299721, 10884300) AS person,
						 (s.d - 1 - demo.h(i, 13, 20)) + make_interval(hours => 9, mins => demo.h(i, 14, 59)) AS created
				  FROM generate_series(1, :customers::bigint) i
				  JOIN demo.place p ON p.k = demo.h(i, 2, 24)
				  JOIN demo.sign_day s ON s.k = demo.h(i, 3, :sign_days)
				  OFFSET 0) base
			OFFSET 0) person
	  OFFSET 0) customer;

-- One company to ten customers; a key account belongs to a deputy manager (D11).
INSERT INTO crm.company
SELECT demo.company_no(j), name, demo.uscc('91' || area || demo.organisation_code('MA' || demo.base31(demo.shuffle(j, 715827883, 887503681)))),
	   industry, (ARRAY['微型', '小型', '小型', '中型'])[1 + demo.h(j, 72, 4)],
	   demo.full_name(6000000 + j, j % 2 = 0), demo.mobile(1500000 + j),
	   demo.name_pinyin(6000000 + j, j % 2 = 0) || j || '@' || demo.mail_domain(demo.h(j, 73, 8)),
	   province || city || district || demo.street(16300000 + j),
	   '1001' || lpad(demo.shuffle(j, 478239476341, 999999999989)::text, 13, '0'),
	   fee, CASE WHEN fee >= 200000 THEN demo.h(j, 74, :staff_units) * 20 + 1 ELSE demo.seller(j + 7000000, :staff_units) END,
	   'active', verified, created, verified + interval '5 minutes'
FROM (SELECT *, substr(city, 1, 2) || name_1 || name_2 || name_no || industry || '有限公司' AS name,
			 greatest(created, (:'today'::date - 2 - demo.h(j, 75, 270))::timestamptz + interval '16 hours') AS verified
	  FROM (SELECT j, p.*, CASE WHEN demo.h(j, 76, 12) = 0 THEN 200000 + 1000 * demo.h(j, 77, 500)
								ELSE 6000 + 100 * demo.h(j, 77, 1500) END AS fee,
				   substr('华鑫恒瑞宏泰盛隆嘉诚博雅', 1 + demo.h(j, 78, 12), 1) AS name_1,
				   substr('源达通远创联科信业兴腾跃', 1 + demo.h(j, 79, 12), 1) AS name_2,
				   CASE WHEN j > 40 THEN j::text ELSE '' END AS name_no,
				   (ARRAY['贸易', '餐饮管理', '信息技术', '建筑工程', '物流', '医疗器械'])[1 + demo.h(j, 80, 6)] AS industry,
				   (s.d - 1 - demo.h(j, 81, 20)) + make_interval(hours => 9, mins => demo.h(j, 82, 59)) AS created
			FROM generate_series(1, :companies::bigint) j
			JOIN demo.place p ON p.k = demo.h(j, 83, 24)
			JOIN demo.sign_day s ON s.k = demo.h(j + 7000000, 3, :sign_days)
			OFFSET 0) base
	  OFFSET 0) company;

INSERT INTO crm.company_year
SELECT demo.company_no(j), y, fee, round(fee * (20 + demo.h(j, 91, 80)) * 10), round(fee * (10 + demo.h(j + y, 92, 60)) * 10)
FROM generate_series(1, :companies::bigint) j
JOIN crm.company c ON c.company_no = demo.company_no(j)
CROSS JOIN LATERAL (SELECT extract(year FROM :'today'::date)::int - back AS y,
						   round(c.annual_fee * (100 - back * (demo.h(j, 93, 20) - 5)) / 100, 2) AS fee
					FROM generate_series(1, 3) back) years
ORDER BY j, y;

\ir defects.sql
\ir work.sql
\ir defects_work.sql

-- As a grown CRM has them: keys where the programmers thought of them.
ALTER TABLE crm.contract ADD FOREIGN KEY (customer_no) REFERENCES crm.customer;
ALTER TABLE crm.interaction ADD FOREIGN KEY (customer_no) REFERENCES crm.customer;
ALTER TABLE crm.complaint ADD FOREIGN KEY (customer_no) REFERENCES crm.customer;
ALTER TABLE crm.payment ADD FOREIGN KEY (contract_id) REFERENCES crm.contract;
ALTER TABLE crm.insured ADD FOREIGN KEY (contract_id) REFERENCES crm.contract;
CREATE INDEX ON crm.customer (mobile);
CREATE INDEX ON crm.customer (owner_id);
CREATE INDEX ON crm.contract (customer_no);
CREATE INDEX ON crm.interaction (customer_no);
CREATE INDEX ON crm.complaint (customer_no);
CREATE INDEX ON crm.payment (contract_id);
VACUUM ANALYZE crm.customer, crm.company, crm.staff;
ANALYZE crm.contract, crm.insured, crm.interaction, crm.complaint, crm.payment, crm.core_customer,
	crm.agency, crm.staff_relative, crm.company_year, demo.planted;

-- A good new customer as the application would enter it; "patch" spoils it.
-- bad_writes.sql, story.sql and tests use it.
CREATE FUNCTION demo.new_customer(customer_no text, patch jsonb DEFAULT '{}') RETURNS crm.customer
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT jsonb_populate_record(NULL::crm.customer, jsonb_build_object(
		'customer_no', customer_no, 'full_name', '陈志强', 'id_kind', '身份证',
		'id_no', demo.resident_id(51010719900514000 + 101 + 2 * (right(customer_no, 3)::bigint % 400)),
		'dob', '1990-05-14', 'sex', '男', 'mobile', demo.mobile(1960000 + right(customer_no, 4)::int),
		'mail', 'chenzhiqiang' || customer_no || '@mail.example.com', 'city', '成都市',
		'address', '四川省成都市武侯区锦绣巷' || right(customer_no, 3) || '号', 'postal_code', '610041',
		'bank_card', demo.bank_card(622848001700000000 + right(customer_no, 4)::bigint * 37),
		'source', '网站', 'status', 'active', 'owner_id', 6, 'consent_at', now(),
		'consent_scope', '保险服务', 'verified_at', now(), 'created_at', now(), 'updated_at', now()
		) || patch);
END;
COMMENT ON FUNCTION demo.new_customer IS 'A good row of crm.customer, with what patch changes in it';

RESET timezone;
RESET synchronous_commit;
RESET work_mem;
RESET maintenance_work_mem;
RESET client_min_messages;
