-- Plants defects among contracts, insured persons, interactions, complaints,
-- payments and the policy system's copy, then writes demo.planted.  Included
-- by data.sql.

SELECT count(demo.add_defect(v.name, v.tab, v.col, v.kind, v.demand, v.note, v.per)) AS work_defects
FROM (VALUES
	('insured_adult_no_id', 'crm.insured'::regclass, 'id_no', 'required', 'D1', 'of age when the record was made', 1),
	('insured_birth_date_missing', 'crm.insured', 'dob', 'required', 'D1', NULL, 1),
	('insured_id_wrong_check', 'crm.insured', 'id_no', 'format', 'D2', NULL, 1),
	('minor_without_id', 'crm.insured', 'id_no', 'none', 'D1', 'a minor insured is exempt', 1),
	('contract_dates_missing', 'crm.contract', 'starts_on', 'view', 'D34', 'neither begin nor end', 1),
	('contract_expired_active', 'crm.contract', 'ends_on', 'view', 'D34', 'ended, status still signed', 1),
	('contract_unsigned', 'crm.contract', 'signed_by', 'view', 'D34', NULL, 1),
	('contract_signed_by_other', 'crm.contract', 'signed_by', 'view', 'D9', 'signed by the adviser', 1),
	('revisit_missing', 'crm.contract', NULL, 'obligation', 'D10', 'no new-contract revisit', 1),
	('revisit_late', 'crm.contract', NULL, 'obligation', 'D10', '11 to 13 days after signing', 1),
	('revisit_by_adviser', 'crm.interaction', 'staff_id', 'view', 'D16', 'the contract''s own adviser revisits', 1),
	('revisit_ring_short', 'crm.interaction', 'ring_seconds', 'view', 'D14', 'no answer after 8 seconds, tried once', 1),
	('revisit_night_call', 'crm.interaction', 'occurred_at', 'view', 'D14', 'a call at 21:30', 1),
	('revisit_record_gap', 'crm.interaction', 'recording', 'view', 'D15', 'neither recording, content nor result', 1),
	('revisit_backdated', 'crm.interaction', 'recorded_at', 'view', 'D15', 'entered ten days later', 1),
	('third_party_payment', 'crm.payment', 'payer_account', 'view', 'D9', 'another''s name and account, no approval', 1),
	('seller_payment', 'crm.payment', 'payer_account', 'view', 'D9', 'the adviser pays from one account for several', 2),
	('complaint_late', 'crm.complaint', 'answered_at', 'obligation', 'D12', 'answered after 20 days', 1),
	('complaint_unanswered', 'crm.complaint', 'answered_at', 'obligation', 'D12', NULL, 1),
	('agent_two_upheld', 'crm.complaint', 'staff_id', 'view', 'D7', 'two upheld mis-selling complaints of one agent', 2),
	('core_name_differs', 'crm.core_customer', 'client_name', 'matches_table', 'D3', NULL, 1),
	('core_phone_differs', 'crm.core_customer', 'tel', 'matches_table', 'D3', 'an old number', 1),
	('core_missing', 'crm.core_customer', NULL, 'matches_table', 'D3', 'not in the policy system', 1)
) v(name, tab, col, kind, demand, note, per) \gset
SELECT demo.deal_slots() \g /dev/null

-- Slots of insured persons were dealt as ordinal numbers: which policies have
-- one is not known before.
UPDATE demo.slot SET id = -i.insured_id, key = i.insured_id::text
FROM (SELECT insured_id, row_number() OVER (ORDER BY demo.h(insured_id, 161, 1000000), insured_id) AS ordinal
	  FROM crm.insured) i
JOIN (SELECT slot, r, row_number() OVER (ORDER BY slot COLLATE "C", r) AS ordinal
	  FROM demo.slot WHERE space = 'insured') o USING (ordinal)
WHERE demo.slot.slot = o.slot AND demo.slot.r = o.r;
UPDATE demo.slot SET id = -id WHERE space = 'insured';
ANALYZE demo.slot;

UPDATE crm.insured SET relation = '配偶', id_no = NULL, dob = date '1970-03-01' + 97 * (r % 100) FROM demo.slot WHERE slot = 'insured_adult_no_id' AND insured_id = id;
UPDATE crm.insured SET dob = NULL, id_no = coalesce(id_no, demo.resident_id((510107::bigint * 100000000 + 20150611) * 1000 + 100 + 2 * (id % 400) + CASE sex WHEN '男' THEN 1 ELSE 0 END))
FROM demo.slot WHERE slot = 'insured_birth_date_missing' AND insured_id = id;
UPDATE crm.insured SET id_no = CASE right(good, 1) WHEN '5' THEN left(good, 17) || '6' ELSE left(good, 17) || '5' END
FROM demo.slot CROSS JOIN LATERAL (
	SELECT coalesce(n.id_no, demo.resident_id(510107::bigint * 100000000000 + to_char(n.dob, 'YYYYMMDD')::bigint * 1000
											  + 100 + 2 * (id % 400) + CASE n.sex WHEN '男' THEN 1 ELSE 0 END)) AS good
	FROM crm.insured n WHERE n.insured_id = id) g
WHERE slot = 'insured_id_wrong_check' AND insured_id = id;
UPDATE crm.insured SET relation = '子女', id_no = NULL, dob = created_at::date - 800 - 211 * (r % 20) FROM demo.slot WHERE slot = 'minor_without_id' AND insured_id = id;

UPDATE crm.contract SET starts_on = NULL, ends_on = NULL FROM demo.slot WHERE slot = 'contract_dates_missing' AND contract_id = id;
UPDATE crm.contract SET ends_on = :'today'::date - 3 - r % 9, status = 'signed' FROM demo.slot WHERE slot = 'contract_expired_active' AND contract_id = id;
UPDATE crm.contract SET signed_by = NULL FROM demo.slot WHERE slot = 'contract_unsigned' AND contract_id = id;
UPDATE crm.contract c SET signed_by = s.full_name FROM demo.slot, crm.staff s
WHERE slot = 'contract_signed_by_other' AND contract_id = id AND s.staff_id = c.staff_id;
DELETE FROM crm.interaction USING demo.slot WHERE slot = 'revisit_missing' AND interaction_id = id;
UPDATE crm.interaction SET occurred_at = occurred_at + interval '10 days', recorded_at = recorded_at + interval '10 days'
FROM demo.slot WHERE slot = 'revisit_late' AND interaction_id = id;
UPDATE crm.interaction SET staff_id = c.staff_id FROM demo.slot JOIN crm.contract c ON c.contract_id = id
WHERE slot = 'revisit_by_adviser' AND interaction_id = id;
UPDATE crm.interaction SET outcome = 'no_answer', ring_seconds = 8, recording = NULL, content = '无人接听', problem = NULL, result = '待再联系'
FROM demo.slot WHERE slot = 'revisit_ring_short' AND interaction_id = id;
UPDATE crm.interaction SET occurred_at = date_trunc('day', occurred_at) + interval '21:30', recorded_at = date_trunc('day', occurred_at) + interval '21:50'
FROM demo.slot WHERE slot = 'revisit_night_call' AND interaction_id = id;
UPDATE crm.interaction SET recording = NULL, content = NULL, problem = NULL, result = NULL
FROM demo.slot WHERE slot = 'revisit_record_gap' AND interaction_id = id;
UPDATE crm.interaction SET recorded_at = occurred_at + interval '10 days'
FROM demo.slot WHERE slot = 'revisit_backdated' AND interaction_id = id;
UPDATE crm.payment SET payer_name = demo.full_name(8000000 + r, true), payer_account = demo.bank_card(622848000000000000 + demo.shuffle(r, 478239476341, 999999999989))
FROM demo.slot WHERE slot = 'third_party_payment' AND payment_id = id;
UPDATE crm.payment SET payer_name = s.full_name, payer_account = demo.bank_card(621700999000000000 + s.staff_id)
FROM demo.slot JOIN demo.slot f ON f.slot = 'seller_payment' AND f.r = demo.slot.r - demo.slot.r % 2
JOIN crm.contract c ON c.contract_id = f.id JOIN crm.staff s USING (staff_id)
WHERE demo.slot.slot = 'seller_payment' AND payment_id = demo.slot.id;

UPDATE crm.complaint SET opened_at = opened_at - interval '8 days', answered_at = opened_at + interval '12 days', decided_at = opened_at + interval '12 days', closed_at = opened_at + interval '13 days'
FROM demo.slot WHERE slot = 'complaint_late' AND complaint_id = id;
UPDATE crm.complaint SET answered_at = NULL, decided_at = NULL, closed_at = NULL, upheld = NULL
FROM demo.slot WHERE slot = 'complaint_unanswered' AND complaint_id = id;
UPDATE crm.complaint SET kind = '投诉', reason = '误导销售', upheld = true, staff_id = c.owner_id
FROM demo.slot JOIN demo.slot f ON f.slot = 'agent_two_upheld' AND f.r = demo.slot.r - demo.slot.r % 2
JOIN crm.customer c ON c.customer_no = demo.customer_no(5 * f.id - 2)
WHERE demo.slot.slot = 'agent_two_upheld' AND complaint_id = demo.slot.id;

UPDATE crm.core_customer SET client_name = coalesce(client_name, '') || '一' FROM demo.slot WHERE slot = 'core_name_differs' AND client_id = key;
UPDATE crm.core_customer SET tel = demo.mobile(1950000 + r) FROM demo.slot WHERE slot = 'core_phone_differs' AND client_id = key;
DELETE FROM crm.core_customer USING demo.slot WHERE slot = 'core_missing' AND client_id = key;

CREATE TABLE demo.planted (
	defect text NOT NULL,
	tab regclass NOT NULL,
	row_key jsonb NOT NULL,
	column_name text,
	kind text NOT NULL,
	demand text NOT NULL,
	note text
);
COMMENT ON TABLE demo.planted IS 'Each defect planted in the CRM, with its row and what must find it (预埋缺陷清单)';
INSERT INTO demo.planted
SELECT d.defect, d.tab,
	   jsonb_build_object(p.key_column,
			CASE WHEN p.space IN ('customer', 'company', 'core') THEN to_jsonb(s.key) ELSE to_jsonb(s.id) END),
	   d.column_name, d.kind, d.demand, d.note
FROM demo.defect d
JOIN demo.slot s USING (slot)
JOIN demo.space p USING (tab)
WHERE d.kind <> 'none'
ORDER BY d.ord, s.r;

-- Planted values that several rows had to borrow are shared values besides.
INSERT INTO demo.planted
SELECT 'borrowed_phone_shared', 'crm.customer', jsonb_build_object('customer_no', customer_no), 'mobile', 'shared_value', 'D5',
	   'a consequence of ' || slot
FROM (SELECT customer_no, slot, count(*) OVER (PARTITION BY mobile) AS n
	  FROM crm.customer JOIN demo.slot ON key = customer_no
	  WHERE slot IN ('placeholder_phone', 'staff_phone', 'agency_phone', 'relative_phone')) borrowed
WHERE n > 1
ORDER BY slot COLLATE "C", customer_no COLLATE "C";
CREATE INDEX ON demo.planted (tab, row_key);

CREATE TABLE demo.planted_good AS
SELECT d.defect AS name, d.tab,
	   jsonb_build_object(p.key_column, CASE p.space WHEN 'customer' THEN to_jsonb(s.key) ELSE to_jsonb(s.id) END) AS row_key,
	   d.column_name, d.demand, d.note
FROM demo.defect d
JOIN demo.slot s USING (slot)
JOIN demo.space p USING (tab)
WHERE d.kind = 'none'
ORDER BY d.ord, s.r;
COMMENT ON TABLE demo.planted_good IS 'Good rows that a careless rule would call bad (易被误报的正常行)';
