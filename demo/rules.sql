-- Puts the demo's CRM under rules.  Mode enforce unless told otherwise:
--
--   psql -v mode=observe -f rules.sql

\if :{?mode} \else \set mode enforce \endif

-- Contacts that are nobody's but the staff's, an agency's, a relative's (D5).
SELECT crmaudit.map_staff('crm.staff', 'phone', 'self', 'phone');
SELECT crmaudit.map_staff('crm.staff', 'address', 'self', 'address');
SELECT crmaudit.map_staff('crm.agency', 'phone', 'agency', 'phone');
SELECT crmaudit.map_staff('crm.agency', 'address', 'agency', 'address');
SELECT crmaudit.map_staff('crm.staff_relative', 'phone', 'relative', 'phone');

-- Who is a policyholder must give name, sex, birth date, ID number, address
-- and phone, and each must be well-formed (D1, D2); the data is checked yearly
-- (D4); consent is on record (D33).  Whose data gives the phone, the card or
-- the address of somebody else is suspicious (D5).
SELECT crmaudit.protect('crm.customer',
	roles => '{"customer_no": "customer_no", "full_name": "name", "id_kind": "id_kind",
		"id_no": "resident_id", "dob": "birth_date", "sex": "sex", "mobile": "phone",
		"mail": "email", "address": "address", "postal_code": "postal_code",
		"bank_card": "bank_card", "owner_id": "owner", "source": "source",
		"status": "status", "created_at": "created_at", "updated_at": "updated_at",
		"verified_at": "verified_at", "consent_at": "consent_at",
		"consent_scope": "consent_scope"}',
	packs => '{policyholder_cn,timely,consent,suspicious_cn}', mode => :'mode');

-- What only this house can know, and what no pack assumes.
SELECT crmaudit.add_rule('crm.customer', 'status_known', 'in_set', '{status}',
	'{"values": ["active", "dormant", "closed"]}');
SELECT crmaudit.add_rule('crm.customer', 'name_length', 'length', '{full_name}',
	'{"min": 2, "max": 60}');
SELECT crmaudit.add_rule('crm.customer', 'second_mail_valid', 'format', '{profile->>email}',
	'{"type": "email"}');
SELECT crmaudit.add_rule('crm.customer', 'created_first', 'date_order',
	'{created_at,updated_at}');

-- What only other rows show: one person once (D3), a manager who exists (D36),
-- one city to a postal code, a city spelt as the others spell it (D3).
SELECT crmaudit.add_rule('crm.customer', 'id_once', 'unique', '{id_no}',
	'{"type": "resident_id"}');
SELECT crmaudit.add_rule('crm.customer', 'owner_known', 'reference', '{owner_id}',
	'{"table": "crm.staff", "column": "staff_id"}');
SELECT crmaudit.add_rule('crm.customer', 'postal_code_city', 'functional_dependency',
	'{postal_code}', '{"determines": "city"}', severity => 'warning');
SELECT crmaudit.add_rule('crm.customer', 'city_spelling', 'spelling_variant', '{city}',
	severity => 'warning');

SELECT crmaudit.protect('crm.company',
	roles => '{"company_no": "customer_no", "name": "company_name", "uscc": "uscc",
		"contact_name": "contact_name", "contact_phone": "phone", "contact_mail": "email",
		"address": "address", "bank_account": "bank_account", "owner_id": "owner"}',
	packs => '{company_cn,suspicious_cn}', mode => :'mode');

-- Insured persons: a minor needs no ID number (D1).
SELECT crmaudit.protect('crm.insured',
	roles => '{"full_name": "name", "id_no": "resident_id", "dob": "birth_date",
		"sex": "sex", "created_at": "created_at"}',
	packs => '{insured_cn}', mode => :'mode');

SELECT crmaudit.protect('crm.staff',
	roles => '{"full_name": "name", "phone": "phone", "email": "email", "address": "address"}',
	packs => '{contact}', mode => :'mode');

-- Every contract is followed by a revisit, in five working days: give it ten
-- days before a missing one is an error (D1, D10).  Without an index on the
-- interactions' contract only sweeps look.
SELECT crmaudit.protect('crm.contract', mode => :'mode');
SELECT crmaudit.add_rule('crm.contract', 'revisited', 'has_related', '{}',
	'{"table": "crm.interaction", "key": {"contract_id": "contract_id"}, "condition": "kind = ''revisit''"}',
	condition => 'signed_at < now() - interval ''10 days''');

-- The policy system knows the same customers by the same data (D3).
SELECT crmaudit.protect('crm.core_customer', mode => :'mode');
SELECT crmaudit.add_rule('crm.core_customer', 'same_in_crm', 'matches_table', '{}',
	'{"table": "crm.customer", "key": {"client_id": "customer_no"}, "types": {"tel": "phone"}, "region": "CN",
	  "columns": {"client_name": "full_name", "cert_no": "id_no", "tel": "mobile"}}', severity => 'warning');

-- Suspicious customers are worked off within three working days of receiving
-- the list, and compliance and customer service verify it (D6).
SELECT crmaudit.alter_rule(target, name,
	params => params || '{"from": "distributed", "verify_by": ["compliance", "customer service"]}')
FROM crmaudit.rule WHERE pack = 'suspicious_cn' ORDER BY id;
