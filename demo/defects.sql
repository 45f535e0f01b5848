-- Plants defects among customers, companies and staff; defects_work.sql does
-- so among contracts and what follows from them.  demo.defect is the
-- catalogue, demo.slot gives each defect its own rows, demo.planted is the
-- answer sheet.  Included by data.sql.

CREATE TABLE demo.defect (
	ord int GENERATED ALWAYS AS IDENTITY,
	defect text PRIMARY KEY,
	tab regclass NOT NULL,
	column_name text,
	kind text NOT NULL,
	demand text NOT NULL,
	per int NOT NULL DEFAULT 1,		-- rows that make one case: 2 if two share a value
	slot text NOT NULL,				-- defects of one slot fall on the same rows
	note text
);
COMMENT ON TABLE demo.defect IS 'Catalogue of planted defects (预埋缺陷目录)';
COMMENT ON COLUMN demo.defect.kind IS
	'rule kind that must find it; obligation or view where it is no rule over rows; none where the row is good';

CREATE FUNCTION demo.add_defect(defect text, tab regclass, column_name text, kind text, demand text,
	note text DEFAULT NULL, per int DEFAULT 1, slot text DEFAULT NULL) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
	INSERT INTO demo.defect (defect, tab, column_name, kind, demand, per, slot, note)
	VALUES (defect, tab, column_name, kind, demand, per, coalesce(slot, defect), note);
END;

SELECT count(demo.add_defect(v.name, 'crm.customer', v.col, v.kind, v.demand, v.note, v.per, v.slot)) AS customer_defects
FROM (VALUES
	('missing_name', 'full_name', 'required', 'D1', NULL, 1, NULL),
	('missing_sex', 'sex', 'required', 'D1', NULL, 1, NULL),
	('missing_birth_date', 'dob', 'required', 'D1', NULL, 1, NULL),
	('missing_id', 'id_no', 'required', 'D1', NULL, 1, NULL),
	('missing_address', 'address', 'required', 'D1', NULL, 1, NULL),
	('missing_phone', 'mobile', 'required', 'D1', NULL, 1, NULL),
	('blank_name', 'full_name', 'not_blank', 'D1', NULL, 1, NULL),
	('full_width_blank_name', 'full_name', 'not_blank', 'D1', 'ideographic spaces', 1, NULL),
	('placeholder_name', 'full_name', 'placeholder', 'D2', '测试, 张先生, 不详, test ...', 1, NULL),
	('placeholder_phone', 'mobile', 'placeholder', 'D2', 'also shared by several customers', 1, NULL),
	('placeholder_mail', 'mail', 'placeholder', 'D2', NULL, 1, NULL),
	('disposable_mail', 'mail', 'not_in_list', 'D2', 'a warning', 1, NULL),
	('id_wrong_check', 'id_no', 'format', 'D2', NULL, 1, NULL),
	('id_impossible_date', 'id_no', 'format', 'D2', '30 February', 1, NULL),
	('id_unknown_province', 'id_no', 'format', 'D2', 'province 99', 1, NULL),
	('id_wrong_length', 'id_no', 'format', 'D2', '17 digits', 1, NULL),
	('id_letter', 'id_no', 'format', 'D2', 'letter O for digit 0', 1, NULL),
	('id_legacy_15', 'id_no', 'format', 'D2', 'suspect: first generation, 15 digits', 1, NULL),
	('id_unknown_county', 'id_no', 'format', 'D2', 'suspect: county 99 of a known city', 1, NULL),
	('id_other_birth_date', 'dob', 'id_matches_birth_date', 'D2', NULL, 1, NULL),
	('id_other_sex', 'sex', 'id_matches_sex', 'D2', NULL, 1, NULL),
	('phone_ten_digits', 'mobile', 'format', 'D2', NULL, 1, NULL),
	('phone_letter', 'mobile', 'format', 'D2', NULL, 1, NULL),
	('mail_no_at', 'mail', 'format', 'D2', NULL, 1, NULL),
	('mail_two_at', 'mail', 'format', 'D2', NULL, 1, NULL),
	('mail_blank_inside', 'mail', 'format', 'D2', NULL, 1, NULL),
	('mail_dotless_domain', 'mail', 'format', 'D2', 'suspect', 1, NULL),
	('json_mail_bad', 'profile->>email', 'format', 'D2', NULL, 1, NULL),
	('card_luhn', 'bank_card', 'format', 'D2', 'suspect: some real cards fail Luhn', 1, NULL),
	('status_unknown', 'status', 'in_set', 'D2', NULL, 1, NULL),
	('birth_date_future', 'dob', 'not_future', 'D2', 'also differs from the ID number', 1, NULL),
	('verified_long_ago', 'verified_at', 'max_age', 'D4', 'updated_at is as old', 1, NULL),
	('created_after_updated', 'created_at', 'date_order', 'D4', NULL, 1, NULL),
	('consent_missing', 'consent_at', 'required', 'D33', NULL, 1, NULL),
	('consent_future', 'consent_at', 'not_future', 'D33', NULL, 1, NULL),
	('consent_expired', 'consent_at', 'max_age', 'D33', 'six years old', 1, NULL),
	('name_too_long', 'full_name', 'length', 'D2', NULL, 1, NULL),
	('name_control_character', 'full_name', 'charset', 'D2', 'tabulator or bell', 1, NULL),
	('name_zero_width', 'full_name', 'charset', 'D2', 'U+200B inside', 1, NULL),
	('many_id', 'id_no', 'format', 'D2', 'three defects in one row', 1, 'many'),
	('many_phone', 'mobile', 'format', 'D2', 'three defects in one row', 1, 'many'),
	('many_mail', 'mail', 'format', 'D2', 'three defects in one row', 1, 'many'),
	('shared_phone', 'mobile', 'shared_value', 'D5', 'written differently', 2, NULL),
	('shared_card', 'bank_card', 'shared_value', 'D5', NULL, 2, NULL),
	('staff_phone', 'mobile', 'not_staff_contact', 'D5', 'a salesperson''s', 1, NULL),
	('agency_phone', 'mobile', 'not_staff_contact', 'D5', 'an agency''s', 1, NULL),
	('relative_phone', 'mobile', 'not_staff_contact', 'D5', 'a salesperson''s relative''s', 1, NULL),
	('staff_address', 'address', 'not_staff_contact', 'D5', 'a salesperson''s', 1, NULL),
	('duplicate_customer', 'id_no', 'duplicate', 'D3', 'same person twice; also unique over id_no', 2, NULL),
	('postal_two_cities', 'postal_code', 'functional_dependency', 'D3', 'postal code of another city', 1, NULL),
	('city_misspelt', 'city', 'spelling_variant', 'D3', '巿 for 市; also two cities to a postal code', 1, NULL),
	('owner_unknown', 'owner_id', 'reference', 'D36', 'no such staff', 1, NULL),
	('passport_holder', 'id_no', 'none', 'D2', 'a foreigner with a passport', 1, NULL),
	('home_return_permit', 'id_no', 'none', 'D2', '回乡证', 1, NULL),
	('taiwan_permit', 'id_no', 'none', 'D2', '台胞证', 1, NULL),
	('landline', 'mobile', 'none', 'D2', 'a landline is a phone', 1, NULL),
	('minority_name', 'full_name', 'none', 'D2', 'long name with a middle dot', 1, NULL),
	('compound_surname', 'full_name', 'none', 'D2', 'surname of two characters', 1, NULL)
) v(name, col, kind, demand, note, per, slot) \gset

SELECT count(demo.add_defect(v.name, v.tab, v.col, v.kind, v.demand, v.note, v.per)) AS other_defects
FROM (VALUES
	('company_name_missing', 'crm.company'::regclass, 'name', 'required', 'D1', NULL, 1),
	('uscc_missing', 'crm.company', 'uscc', 'required', 'D1', NULL, 1),
	('uscc_wrong_check', 'crm.company', 'uscc', 'format', 'D2', NULL, 1),
	('uscc_organisation_check', 'crm.company', 'uscc', 'format', 'D2', 'only the organisation code in it is wrong', 1),
	('uscc_resident_id', 'crm.company', 'uscc', 'format', 'D2', 'the owner''s ID number instead', 1),
	('uscc_old_number', 'crm.company', 'uscc', 'format', 'D2', 'registration number of 15 digits', 1),
	('contact_missing', 'crm.company', 'contact_name', 'required', 'D1', NULL, 1),
	('contact_placeholder', 'crm.company', 'contact_name', 'placeholder', 'D2', NULL, 1),
	('company_unreachable', 'crm.company', 'contact_phone', 'at_least_one_of', 'D1', 'neither phone nor mail', 1),
	('contact_phone_bad', 'crm.company', 'contact_phone', 'format', 'D2', NULL, 1),
	('contact_mail_bad', 'crm.company', 'contact_mail', 'format', 'D2', NULL, 1),
	('contact_phone_shared', 'crm.company', 'contact_phone', 'shared_value', 'D5', NULL, 2),
	('key_account_owner', 'crm.company', 'owner_id', 'view', 'D11', '200,000 a year, but no deputy manager''s', 1),
	('staff_mail_bad', 'crm.staff', 'email', 'format', 'D2', NULL, 1),
	('staff_phone_bad', 'crm.staff', 'phone', 'format', 'D2', NULL, 1),
	('staff_unreachable', 'crm.staff', 'phone', 'at_least_one_of', 'D2', 'neither phone nor mail', 1)
) v(name, tab, col, kind, demand, note, per) \gset

-- Rows are dealt out by a permutation of 1 .. n, so that no row serves two
-- slots; tables whose rows belong together share one space.
CREATE TABLE demo.space (
	tab regclass PRIMARY KEY,
	space text NOT NULL,
	n bigint NOT NULL,
	cases int NOT NULL,				-- of each defect: a few, and 1 in 1,000 where there are more
	key_column text NOT NULL
);
INSERT INTO demo.space VALUES
	('crm.customer', 'customer', :customers, greatest(5, :customers / 1000), 'customer_no'),
	('crm.company', 'company', :companies, greatest(3, :companies / 1000), 'company_no'),
	('crm.staff', 'staff', :staff, greatest(2, :staff / 1000), 'staff_id'),
	('crm.contract', 'contract', :customers, greatest(5, :customers / 1000), 'contract_id'),
	('crm.interaction', 'contract', :customers, greatest(5, :customers / 1000), 'interaction_id'),
	('crm.payment', 'contract', :customers, greatest(5, :customers / 1000), 'payment_id'),
	('crm.core_customer', 'core', :customers, greatest(5, :customers / 1000), 'client_id'),
	('crm.insured', 'insured', :customers * 3 / 10, greatest(3, :customers / 3000), 'insured_id'),
	('crm.complaint', 'complaint', :customers / 5, greatest(3, :customers / 3000), 'complaint_id');

CREATE TABLE demo.slot (
	slot text,
	r int,				-- 0, 1, 2 ... within the slot
	space text,
	id bigint,
	key text,
	PRIMARY KEY (slot, r),
	UNIQUE (space, id)
);

-- Run again as further defects are added: only new slots get rows, after the old ones.
CREATE FUNCTION demo.deal_slots() RETURNS void
LANGUAGE sql
BEGIN ATOMIC
	INSERT INTO demo.slot
	SELECT slot, r, space, id,
		   CASE space WHEN 'customer' THEN demo.customer_no(id) WHEN 'core' THEN demo.customer_no(id)
					  WHEN 'company' THEN demo.company_no(id) ELSE id::text END
	FROM (SELECT d.slot, r, s.space,
				 1 + ((taken + row_number() OVER (PARTITION BY s.space ORDER BY d.ord, r)) * 7919) % s.n AS id
		  FROM (SELECT DISTINCT ON (slot) * FROM demo.defect ORDER BY slot, ord) d
		  JOIN demo.space s USING (tab)
		  CROSS JOIN LATERAL generate_series(0, s.cases * d.per - 1) r
		  CROSS JOIN LATERAL (SELECT count(*) AS taken FROM demo.slot t WHERE t.space = s.space) before
		  WHERE d.slot NOT IN (SELECT slot FROM demo.slot)) dealt;
END;
SELECT demo.deal_slots() \g /dev/null
ANALYZE demo.slot;

-- The row of the same slot with the other half of a pair.
CREATE VIEW demo.pair AS
SELECT b.slot, b.r, b.key, a.key AS first_key, a.id AS first_id
FROM demo.slot b JOIN demo.slot a ON a.slot = b.slot AND a.r = b.r - 1
WHERE b.r % 2 = 1;

-- Missing, blank, filler (D1, D2).
UPDATE crm.customer SET full_name = NULL FROM demo.slot WHERE slot = 'missing_name' AND customer_no = key;
UPDATE crm.customer SET sex = NULL FROM demo.slot WHERE slot = 'missing_sex' AND customer_no = key;
UPDATE crm.customer SET dob = NULL FROM demo.slot WHERE slot = 'missing_birth_date' AND customer_no = key;
UPDATE crm.customer SET id_no = NULL FROM demo.slot WHERE slot = 'missing_id' AND customer_no = key;
UPDATE crm.customer SET address = NULL FROM demo.slot WHERE slot = 'missing_address' AND customer_no = key;
UPDATE crm.customer SET mobile = NULL FROM demo.slot WHERE slot = 'missing_phone' AND customer_no = key;
UPDATE crm.customer SET full_name = repeat(' ', 1 + r % 3) FROM demo.slot WHERE slot = 'blank_name' AND customer_no = key;
UPDATE crm.customer SET full_name = repeat(U&'\3000', 1 + r % 3) FROM demo.slot WHERE slot = 'full_width_blank_name' AND customer_no = key;
UPDATE crm.customer SET full_name = (ARRAY['测试', '张先生', '不详', 'test', '李女士', '王总', '未知', '同上'])[1 + r % 8]
FROM demo.slot WHERE slot = 'placeholder_name' AND customer_no = key;
UPDATE crm.customer SET mobile = (ARRAY['13800138000', '11111111111', '18888888888', '12345678901'])[1 + r % 4]
FROM demo.slot WHERE slot = 'placeholder_phone' AND customer_no = key;
UPDATE crm.customer SET mail = (ARRAY['a@a.com', 'test@test.com'])[1 + r % 2]
FROM demo.slot WHERE slot = 'placeholder_mail' AND customer_no = key;
UPDATE crm.customer SET mail = split_part(mail, '@', 1) || (ARRAY['@mailinator.com', '@10minutemail.com', '@guerrillamail.com'])[1 + r % 3]
FROM demo.slot WHERE slot = 'disposable_mail' AND customer_no = key;

-- Identifiers that cannot be, or deserve a look (D2).
UPDATE crm.customer SET id_no = left(id_no, 17) || CASE right(id_no, 1) WHEN '5' THEN '6' ELSE '5' END
FROM demo.slot WHERE slot = 'id_wrong_check' AND customer_no = key;
UPDATE crm.customer SET id_no = demo.resident_id((left(id_no, 10) || '0230' || substr(id_no, 15, 3))::bigint)
FROM demo.slot WHERE slot = 'id_impossible_date' AND customer_no = key;
UPDATE crm.customer SET id_no = demo.resident_id(('990101' || substr(id_no, 7, 11))::bigint)
FROM demo.slot WHERE slot = 'id_unknown_province' AND customer_no = key;
UPDATE crm.customer SET id_no = left(id_no, 17) FROM demo.slot WHERE slot = 'id_wrong_length' AND customer_no = key;
UPDATE crm.customer SET id_no = overlay(id_no PLACING 'O' FROM 3 + strpos(substr(id_no, 3), '0') - 1)
FROM demo.slot WHERE slot = 'id_letter' AND customer_no = key;
UPDATE crm.customer SET dob = old_dob, id_no = left(id_no, 6) || to_char(old_dob, 'YYMMDD') || substr(id_no, 15, 3)
FROM demo.slot CROSS JOIN LATERAL (
	-- born before 2000, or the 15 digits would mean another century; and when
	-- nobody else is born, or they would by chance be another one's
	SELECT CASE WHEN dob >= '2000-01-01' THEN (dob - interval '60 years')::date ELSE dob END AS old_dob
	FROM crm.customer c WHERE c.customer_no = key) d
WHERE slot = 'id_legacy_15' AND customer_no = key;
UPDATE crm.customer SET id_no = demo.resident_id((left(id_no, 4) || '99' || substr(id_no, 7, 11))::bigint)
FROM demo.slot WHERE slot = 'id_unknown_county' AND customer_no = key;
UPDATE crm.customer SET dob = dob - (ARRAY[1, 30, 366, 3653])[1 + r % 4]
FROM demo.slot WHERE slot = 'id_other_birth_date' AND customer_no = key;
UPDATE crm.customer SET sex = CASE sex WHEN '男' THEN '女' ELSE '男' END
FROM demo.slot WHERE slot = 'id_other_sex' AND customer_no = key;
-- The last digit is lost: without the first, ten digits can be a landline.
UPDATE crm.customer SET mobile = left(right(regexp_replace(mobile, '[^0-9]', '', 'g'), 11), 10)
FROM demo.slot WHERE slot = 'phone_ten_digits' AND customer_no = key;
UPDATE crm.customer SET mobile = overlay(right(regexp_replace(mobile, '[^0-9]', '', 'g'), 11) PLACING 'A' FROM 6)
FROM demo.slot WHERE slot = 'phone_letter' AND customer_no = key;
UPDATE crm.customer SET mail = replace(mail, '@', '#') FROM demo.slot WHERE slot = 'mail_no_at' AND customer_no = key;
UPDATE crm.customer SET mail = replace(mail, '@', '@@') FROM demo.slot WHERE slot = 'mail_two_at' AND customer_no = key;
UPDATE crm.customer SET mail = overlay(mail PLACING ' ' FROM 3 FOR 0) FROM demo.slot WHERE slot = 'mail_blank_inside' AND customer_no = key;
UPDATE crm.customer SET mail = split_part(mail, '@', 1) || '@intranet' FROM demo.slot WHERE slot = 'mail_dotless_domain' AND customer_no = key;
UPDATE crm.customer SET profile = profile || jsonb_build_object('email', (ARRAY['wechat only', 'none.example.com', 'x@@example.com'])[1 + r % 3])
FROM demo.slot WHERE slot = 'json_mail_bad' AND customer_no = key;
UPDATE crm.customer SET bank_card = left(bank_card, 18) || (right(bank_card, 1)::int + 3) % 10
FROM demo.slot WHERE slot = 'card_luhn' AND customer_no = key;
UPDATE crm.customer SET id_no = left(id_no, 17) || CASE right(id_no, 1) WHEN '5' THEN '6' ELSE '5' END,
	mobile = left(right(regexp_replace(mobile, '[^0-9]', '', 'g'), 11), 7), mail = replace(mail, '@', '')
FROM demo.slot WHERE slot = 'many' AND customer_no = key;

-- Sets, dates, characters (D2, D4, D33).
UPDATE crm.customer SET status = (ARRAY['ACTIVE', '有效', 'aktive'])[1 + r % 3] FROM demo.slot WHERE slot = 'status_unknown' AND customer_no = key;
UPDATE crm.customer SET dob = :'today'::date + 100 + r FROM demo.slot WHERE slot = 'birth_date_future' AND customer_no = key;
UPDATE crm.customer SET verified_at = :'today'::date - interval '430 days', updated_at = :'today'::date - interval '430 days',
	created_at = created_at - interval '1200 days'
FROM demo.slot WHERE slot = 'verified_long_ago' AND customer_no = key;
UPDATE crm.customer SET created_at = updated_at + make_interval(hours => 1 + r % 48)
FROM demo.slot WHERE slot = 'created_after_updated' AND customer_no = key;
UPDATE crm.customer SET consent_at = NULL FROM demo.slot WHERE slot = 'consent_missing' AND customer_no = key;
UPDATE crm.customer SET consent_at = :'today'::date + interval '400 days' FROM demo.slot WHERE slot = 'consent_future' AND customer_no = key;
UPDATE crm.customer SET consent_at = :'today'::date - interval '2200 days', created_at = :'today'::date - interval '2300 days'
FROM demo.slot WHERE slot = 'consent_expired' AND customer_no = key;
UPDATE crm.customer SET full_name = repeat(full_name, 40) FROM demo.slot WHERE slot = 'name_too_long' AND customer_no = key;
UPDATE crm.customer SET full_name = overlay(full_name PLACING chr(CASE r % 2 WHEN 0 THEN 9 ELSE 7 END) FROM 2 FOR 0)
FROM demo.slot WHERE slot = 'name_control_character' AND customer_no = key;
UPDATE crm.customer SET full_name = overlay(full_name PLACING U&'\200B' FROM 2 FOR 0) FROM demo.slot WHERE slot = 'name_zero_width' AND customer_no = key;

-- What only other rows show (D3, D5, D36).
UPDATE crm.customer c SET mobile = '+86 ' || right(regexp_replace(f.mobile, '[^0-9]', '', 'g'), 11)
FROM demo.pair JOIN crm.customer f ON f.customer_no = first_key WHERE slot = 'shared_phone' AND c.customer_no = key;
UPDATE crm.customer c SET bank_card = f.bank_card
FROM demo.pair JOIN crm.customer f ON f.customer_no = first_key WHERE slot = 'shared_card' AND c.customer_no = key;
UPDATE crm.customer c SET full_name = f.full_name, dob = f.dob, sex = f.sex, id_no = f.id_no, city = f.city,
	address = replace(f.address, '室', ''), postal_code = f.postal_code
FROM demo.pair JOIN crm.customer f ON f.customer_no = first_key WHERE slot = 'duplicate_customer' AND c.customer_no = key;
-- Salespersons whose own data stays good lend it, each once while they last:
-- two customers with the same salesperson's phone would share a value besides.
CREATE VIEW demo.lender AS
SELECT row_number() OVER (ORDER BY demo.h(staff_id, 171, 1000000), staff_id) - 1 AS r, s.*
FROM crm.staff s
WHERE staff_id % 20 NOT BETWEEN 1 AND 4
  AND staff_id NOT IN (SELECT id FROM demo.slot WHERE space = 'staff');
SELECT count(*) AS lenders FROM demo.lender \gset
UPDATE crm.customer SET mobile = s.phone FROM demo.slot JOIN demo.lender s ON s.r = demo.slot.r % :lenders
WHERE slot = 'staff_phone' AND customer_no = key;
UPDATE crm.customer SET mobile = a.phone FROM demo.slot JOIN crm.agency a ON a.agency_id = 1 + r % greatest(5, :staff / 20)
WHERE slot = 'agency_phone' AND customer_no = key;
UPDATE crm.customer SET mobile = v.phone FROM demo.slot JOIN demo.lender s ON s.r = demo.slot.r % :lenders
JOIN crm.staff_relative v ON v.relative_id = s.staff_id
WHERE slot = 'relative_phone' AND customer_no = key;
UPDATE crm.customer SET address = s.address FROM demo.slot JOIN demo.lender s ON s.r = demo.slot.r % :lenders
WHERE slot = 'staff_address' AND customer_no = key;
UPDATE crm.customer c SET postal_code = p.postal_code
FROM demo.slot, demo.place p JOIN demo.place o ON p.k = (o.k + 12) % 24
WHERE slot = 'postal_two_cities' AND c.customer_no = key AND o.postal_code = c.postal_code;
UPDATE crm.customer SET city = replace(city, '市', '巿') FROM demo.slot WHERE slot = 'city_misspelt' AND customer_no = key;
UPDATE crm.customer SET owner_id = 900000 + r FROM demo.slot WHERE slot = 'owner_unknown' AND customer_no = key;

-- Good rows of a kind that a careless rule calls bad.
UPDATE crm.customer SET full_name = (ARRAY['MARIA ROSSI', 'JOHN MILLER', 'ANNA SCHMIDT'])[1 + r % 3], id_kind = '护照',
	id_no = (ARRAY['YA', 'PB', 'CK'])[1 + r % 3] || right(demo.mobile_digits(demo.shuffle(id, 7927, 2073600)), 7)
FROM demo.slot WHERE slot = 'passport_holder' AND customer_no = key;
UPDATE crm.customer SET id_kind = '回乡证', id_no = CASE r % 2 WHEN 0 THEN 'H' ELSE 'M' END || right(demo.mobile_digits(demo.shuffle(id, 7927, 2073600)), 8)
FROM demo.slot WHERE slot = 'home_return_permit' AND customer_no = key;
UPDATE crm.customer SET id_kind = '台胞证', id_no = right(demo.mobile_digits(demo.shuffle(id, 7927, 2073600)), 8)
FROM demo.slot WHERE slot = 'taiwan_permit' AND customer_no = key;
UPDATE crm.customer c SET mobile = p.dial || '-' || CASE r % 2 WHEN 0 THEN '6' ELSE '8' END || right(demo.mobile(1900000 + r), 7)
FROM demo.slot, demo.place p WHERE slot = 'landline' AND c.customer_no = key AND p.postal_code = c.postal_code;
UPDATE crm.customer SET full_name = (ARRAY['阿卜杜拉·买买提', '古丽娜尔·艾合买提', '扎西·多吉'])[1 + r % 3]
FROM demo.slot WHERE slot = 'minority_name' AND customer_no = key;
UPDATE crm.customer SET full_name = (ARRAY['欧阳', '司马', '上官', '诸葛'])[1 + r % 4] || right(full_name, 1)
FROM demo.slot WHERE slot = 'compound_surname' AND customer_no = key;

-- Companies and staff.
UPDATE crm.company SET name = NULL FROM demo.slot WHERE slot = 'company_name_missing' AND company_no = key;
UPDATE crm.company SET uscc = NULL FROM demo.slot WHERE slot = 'uscc_missing' AND company_no = key;
UPDATE crm.company SET uscc = left(uscc, 17) || CASE right(uscc, 1) WHEN '5' THEN 'K' ELSE '5' END
FROM demo.slot WHERE slot = 'uscc_wrong_check' AND company_no = key;
UPDATE crm.company SET uscc = demo.uscc(left(uscc, 16) || CASE substr(uscc, 17, 1) WHEN '4' THEN '7' ELSE '4' END)
FROM demo.slot WHERE slot = 'uscc_organisation_check' AND company_no = key;
UPDATE crm.company SET uscc = demo.resident_id((substr(uscc, 3, 6) || '1968070' || (1 + r % 9) || lpad((11 + r * 2 % 900)::text, 3, '0'))::bigint)
FROM demo.slot WHERE slot = 'uscc_resident_id' AND company_no = key;
UPDATE crm.company SET uscc = substr(uscc, 3, 6) || '00' || lpad((2000000 + id * 37 % 7000000)::text, 7, '0')
FROM demo.slot WHERE slot = 'uscc_old_number' AND company_no = key;
UPDATE crm.company SET contact_name = NULL FROM demo.slot WHERE slot = 'contact_missing' AND company_no = key;
UPDATE crm.company SET contact_name = (ARRAY['王总', '李女士', '不详'])[1 + r % 3] FROM demo.slot WHERE slot = 'contact_placeholder' AND company_no = key;
UPDATE crm.company SET contact_phone = NULL, contact_mail = NULL FROM demo.slot WHERE slot = 'company_unreachable' AND company_no = key;
UPDATE crm.company SET contact_phone = left(contact_phone, 9) FROM demo.slot WHERE slot = 'contact_phone_bad' AND company_no = key;
UPDATE crm.company SET contact_mail = replace(contact_mail, '@', ' at ') FROM demo.slot WHERE slot = 'contact_mail_bad' AND company_no = key;
UPDATE crm.company c SET contact_phone = f.contact_phone
FROM demo.pair JOIN crm.company f ON f.company_no = first_key WHERE slot = 'contact_phone_shared' AND c.company_no = key;
UPDATE crm.company SET annual_fee = 260000 + r * 1000, owner_id = demo.seller(id, :staff_units)
FROM demo.slot WHERE slot = 'key_account_owner' AND company_no = key;
UPDATE crm.staff SET email = replace(email, '@', '') FROM demo.slot WHERE slot = 'staff_mail_bad' AND staff_id = id;
UPDATE crm.staff SET phone = left(phone, 8) FROM demo.slot WHERE slot = 'staff_phone_bad' AND staff_id = id;
UPDATE crm.staff SET phone = NULL, email = NULL FROM demo.slot WHERE slot = 'staff_unreachable' AND staff_id = id;
