-- The work around the customers: contracts, insured persons, interactions,
-- complaints, payments; and the policy system's copy of the customers.
-- Included by data.sql after the customers' defects are planted, so that a
-- contract is signed by the name that stands in the customer's row and a
-- premium is paid from the card that stands there: else each spoilt name or
-- card would also be a payment by somebody else (D9).

-- First policy of customer i has number i, a second one customers + i, the
-- engagement of company j 2 * customers + j.
INSERT INTO crm.contract
SELECT i, 'P' || lpad(i::text, 8, '0'), c.customer_no, NULL, demo.seller(i, :staff_units),
	   (ARRAY['终身寿险', '年金保险', '重大疾病保险', '两全保险'])[1 + demo.h(i, 101, 4)],
	   s.d + make_interval(hours => 9 + demo.h(i, 102, 8), mins => demo.h(i, 103, 60)),
	   coalesce(nullif(btrim(c.full_name, U&' \3000'), ''), demo.full_name(i, demo.h(i, 1, 2) = 0)),
	   s.d + 1, (s.d + interval '10 years')::date, s.d + 15,
	   (2 + demo.h(i, 104, 60)) * 500,
	   CASE WHEN c.status = 'closed' THEN 'terminated' ELSE 'signed' END
FROM (SELECT substr(customer_no, 2)::bigint AS i, * FROM crm.customer) c
JOIN demo.sign_day s ON s.k = demo.h(i, 3, :sign_days);

INSERT INTO crm.contract
SELECT :customers + i, 'A' || lpad(i::text, 8, '0'), customer_no, NULL, staff_id, '意外伤害保险',
	   signed_at, signed_by, starts_on, (starts_on + interval '1 year')::date, cooling_off_ends,
	   100 * (1 + demo.h(i, 105, 9)),
	   CASE WHEN starts_on + interval '1 year' < :'today'::date THEN 'expired' ELSE status END
FROM (SELECT contract_id AS i, * FROM crm.contract) first
WHERE i % 5 = 0;

INSERT INTO crm.contract
SELECT 2 * :customers + j, 'E' || lpad(j::text, 8, '0'), NULL, c.company_no, c.owner_id,
	   (ARRAY['代理记账', '年度审计', '税务咨询'])[1 + demo.h(j, 106, 3)],
	   s.d + interval '15 hours', coalesce(c.contact_name, demo.full_name(6000000 + j, j % 2 = 0)),
	   s.d + 1, (s.d + interval '5 years')::date, NULL, coalesce(c.annual_fee, 0), 'signed'
FROM (SELECT substr(company_no, 2)::bigint AS j, * FROM crm.company) c
JOIN demo.sign_day s ON s.k = demo.h(j + 7000000, 3, :sign_days);

-- Three in ten policies insure somebody else: a spouse, a child with an ID
-- number, a child without one (D1 exempts it).
INSERT INTO crm.insured
SELECT i, i, CASE WHEN who = 0 THEN '配偶' ELSE '子女' END, demo.full_name(2000000 + i, male),
	   CASE WHEN who < 2
			THEN demo.resident_id(area * 100000000000 + to_char(dob, 'YYYYMMDD')::bigint * 1000
								  + CASE WHEN male THEN 1 ELSE 2 END + 2 * (person % 497)) END,
	   dob, CASE WHEN male THEN '男' ELSE '女' END, signed_at
FROM (SELECT *, CASE WHEN who = 0 THEN date '1945-01-01' + (person / 497)::int
					 ELSE signed_at::date - 400 - demo.h(i, 111, 5300) END AS dob
	  FROM (SELECT contract_id AS i, signed_at, area, demo.h(contract_id, 112, 2) = 0 AS male,
				   demo.h(contract_id, 113, 10) AS who,
				   demo.shuffle(2000000 + contract_id, 1299721, 10884300) AS person
			FROM crm.contract
			JOIN demo.place p ON p.k = demo.h(contract_id, 114, 24)
			WHERE contract_id <= :customers AND demo.h(contract_id, 113, 10) < 3
			OFFSET 0) base
	  OFFSET 0) insured;

-- The revisit of each new contract, one or two working days later, by the
-- revisiting staff and not by the adviser (D10, D16).
INSERT INTO crm.interaction
SELECT contract_id, customer_no, company_no, demo.h(contract_id, 121, :staff_units) * 20 + 2 + demo.h(contract_id, 122, 2),
	   'revisit', 'call', at, at + interval '12 minutes', 'reached', 6 + demo.h(contract_id, 123, 12),
	   'rec/' || contract_id || '.wav', '新契约回访：核对资料、条款与犹豫期', '无', '客户确认', contract_id
FROM (SELECT contract_id, customer_no, company_no,
			 signed_at::date + 1 + demo.h(contract_id, 124, 2) + demo.call_time(contract_id) AS at
	  FROM crm.contract
	  OFFSET 0) revisit;

-- A visit within each further year (D11), and a message now and then.
INSERT INTO crm.interaction
SELECT (2 + year) * :customers + contract_id, customer_no, company_no, staff_id, 'visit', 'visit', at, at + interval '5 hours',
	   'reached', NULL, NULL, '年度拜访：保单检视', '无', '资料已核对', contract_id
FROM (SELECT contract_id, customer_no, company_no, staff_id, year,
			 w.w + make_interval(hours => 9 + demo.h(contract_id, 131, 7)) AS at
	  FROM crm.contract
	  CROSS JOIN generate_series(1, 3) year
	  JOIN demo.workday w ON w.d = signed_at::date + 290 * year AND w.w < :'today'::date - 2
	  WHERE contract_id <= :customers
	  OFFSET 0) visit;

INSERT INTO crm.interaction
SELECT (4 + year) * :customers + contract_id, customer_no, company_no, staff_id, 'visit', 'visit', at, at + interval '5 hours',
	   'reached', NULL, NULL, '年度拜访：账务与税务沟通', '无', '无异常', contract_id
FROM (SELECT contract_id, customer_no, company_no, staff_id, year,
			 w.w + make_interval(hours => 9 + demo.h(contract_id, 131, 7)) AS at
	  FROM crm.contract
	  CROSS JOIN generate_series(1, 3) year
	  JOIN demo.workday w ON w.d = signed_at::date + 290 * year AND w.w < :'today'::date - 2
	  WHERE contract_id > 2 * :customers
	  OFFSET 0) visit;

INSERT INTO crm.interaction
SELECT 10 * :customers + contract_id, customer_no, NULL, staff_id, 'message', 'wechat', at, at,
	   'reached', NULL, NULL, '账单与服务通知', '无', '已送达', contract_id
FROM (SELECT contract_id, customer_no, staff_id,
			 greatest(signed_at::date + 7, w.w) + make_interval(hours => 10 + demo.h(contract_id, 141, 8)) AS at
	  FROM crm.contract
	  JOIN demo.workday w ON w.d = :'today'::date - 3 - demo.h(contract_id, 142, 300)
	  WHERE contract_id <= :customers AND demo.h(contract_id, 143, 5) < 2
	  OFFSET 0) message;

-- Two complaints to ten customers, answered within three days, all closed.
-- A complaint of mis-selling is upheld only where it is planted (D7).
INSERT INTO crm.complaint
SELECT j, customer_no, owner_id, (ARRAY['投诉', '投诉', '意见'])[1 + demo.h(j, 151, 3)],
	   (ARRAY['电话', '信函', '网点', '微信'])[1 + demo.h(j, 152, 4)],
	   opened, opened + make_interval(hours => 3 + demo.h(j, 153, 60)), opened + interval '6 days', opened + interval '8 days',
	   reason <> '误导销售' AND demo.h(j, 154, 3) = 0, reason
FROM (SELECT j, c.customer_no, c.owner_id,
			 greatest(w.w, s.d + 1) + make_interval(hours => 9 + demo.h(j, 155, 8)) AS opened,
			 (ARRAY['理赔时效', '服务态度', '误导销售', '保单送达', '扣款争议'])[1 + demo.h(j, 156, 5)] AS reason
	  FROM (SELECT (substr(customer_no, 2)::bigint + 2) / 5 AS j, *
			FROM crm.customer WHERE substr(customer_no, 2)::bigint % 5 = 3) c
	  JOIN demo.sign_day s ON s.k = demo.h(5 * j - 2, 3, :sign_days)
	  JOIN demo.workday w ON w.d = :'today'::date - 14 - demo.h(j, 157, 300)
	  OFFSET 0) complaint;

-- First premiums, from the customer's own card and in the customer's name.
INSERT INTO crm.payment
SELECT contract_id, c.customer_no, contract_id, signed_at + interval '20 minutes', amount,
	   c.bank_card, signed_by, NULL
FROM crm.contract
JOIN crm.customer c USING (customer_no);

INSERT INTO crm.core_customer
SELECT customer_no, full_name, id_no, mobile
FROM crm.customer;
