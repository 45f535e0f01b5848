-- Puts the demo's CRM under rules.  Mode enforce unless told otherwise:
--
--   psql -v mode=observe -f rules.sql

\if :{?mode} \else \set mode enforce \endif

-- Who is a policyholder must give name, sex, birth date, ID number, address
-- and phone, and each must be well-formed (D1, D2); the data is checked yearly
-- (D4); consent is on record (D33).
SELECT crmaudit.protect('crm.customer',
	roles => '{"customer_no": "customer_no", "full_name": "name", "id_kind": "id_kind",
		"id_no": "resident_id", "dob": "birth_date", "sex": "sex", "mobile": "phone",
		"mail": "email", "address": "address", "postal_code": "postal_code",
		"bank_card": "bank_card", "owner_id": "owner", "source": "source",
		"status": "status", "created_at": "created_at", "updated_at": "updated_at",
		"verified_at": "verified_at", "consent_at": "consent_at",
		"consent_scope": "consent_scope"}',
	packs => '{policyholder_cn,timely,consent}', mode => :'mode');

-- What only this house can know, and what no pack assumes.
SELECT crmaudit.add_rule('crm.customer', 'status_known', 'in_set', '{status}',
	'{"values": ["active", "dormant", "closed"]}');
SELECT crmaudit.add_rule('crm.customer', 'name_length', 'length', '{full_name}',
	'{"min": 2, "max": 60}');
SELECT crmaudit.add_rule('crm.customer', 'second_mail_valid', 'format', '{profile->>email}',
	'{"type": "email"}');
SELECT crmaudit.add_rule('crm.customer', 'created_first', 'date_order',
	'{created_at,updated_at}');

SELECT crmaudit.protect('crm.company',
	roles => '{"company_no": "customer_no", "name": "company_name", "uscc": "uscc",
		"contact_name": "contact_name", "contact_phone": "phone", "contact_mail": "email",
		"address": "address", "bank_account": "bank_account", "owner_id": "owner"}',
	packs => '{company_cn}', mode => :'mode');

-- Insured persons: a minor needs no ID number (D1).
SELECT crmaudit.protect('crm.insured',
	roles => '{"full_name": "name", "id_no": "resident_id", "dob": "birth_date",
		"sex": "sex", "created_at": "created_at"}',
	packs => '{insured_cn}', mode => :'mode');

SELECT crmaudit.protect('crm.staff',
	roles => '{"full_name": "name", "phone": "phone", "email": "email", "address": "address"}',
	packs => '{contact}', mode => :'mode');
