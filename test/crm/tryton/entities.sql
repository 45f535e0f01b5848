-- Where Tryton 6.0 (party, sale_opportunity) keeps customers, opportunities
-- and what was said to whom, and two things that must happen in time.
--
--	psql -d <Tryton's database> -f entities.sql
--
-- as a superuser, or as a member of the role that owns Tryton's tables who has
-- crmaudit's duty "admin".  Nothing is copied, nothing of Tryton's changes,
-- and Tryton's role needs no right.  README.md says why each thing is mapped
-- the way it is.
--
-- Tryton keeps times in UTC, in columns of type timestamp: hence "time_zone".
-- A day ("since") is the calendar's, so that the time is made one with a zone
-- first.  SQL names a column of the mapped table with the table before it
-- where a sub-select has one of the same name.

\set ON_ERROR_STOP on
BEGIN;

-- A customer is any party but the company itself and those who work there.
SELECT crmaudit.map_entity('customer', 'party_party', $${
	"customer_id": "id",
	"name": "name",
	"region": "(SELECT a.city FROM party_address a WHERE a.party = party_party.id AND a.active ORDER BY a.sequence NULLS FIRST, a.id LIMIT 1)",
	"owner": "(SELECT o.employee FROM sale_opportunity o WHERE o.party = party_party.id AND o.employee IS NOT NULL ORDER BY o.start_date DESC, o.id DESC LIMIT 1)",
	"since": "create_date AT TIME ZONE 'UTC'",
	"closed_at": {"sql": "CASE WHEN NOT active THEN coalesce(write_date, create_date) END", "time_zone": "UTC"}
}$$, $$replaced_by IS NULL
	AND NOT EXISTS (SELECT FROM company_company c WHERE c.party = party_party.id)
	AND NOT EXISTS (SELECT FROM company_employee e WHERE e.party = party_party.id)$$);

SELECT crmaudit.map_entity('contact', 'party_contact_mechanism', $${
	"contact_id": "id",
	"customer_id": "party",
	"name": "name",
	"phone": "CASE WHEN type IN ('phone', 'mobile') THEN value END",
	"email": "CASE WHEN type = 'email' THEN value END"
}$$, 'active AND value IS NOT NULL');

SELECT crmaudit.map_entity('staff', 'company_employee', $${
	"staff_id": "id",
	"name": "(SELECT p.name FROM party_party p WHERE p.id = company_employee.party)",
	"kind": "'employee'",
	"phone": "(SELECT m.value FROM party_contact_mechanism m WHERE m.party = company_employee.party AND m.active AND m.type IN ('phone', 'mobile') ORDER BY m.sequence NULLS FIRST, m.id LIMIT 1)",
	"email": "(SELECT m.value FROM party_contact_mechanism m WHERE m.party = company_employee.party AND m.active AND m.type = 'email' ORDER BY m.sequence NULLS FIRST, m.id LIMIT 1)",
	"active": "coalesce(start_date <= current_date, true) AND coalesce(end_date >= current_date, true)"
}$$);

-- Users who are no employee: what they write must be somebody's, too.
SELECT crmaudit.map_entity('staff', 'res_user', $${
	"staff_id": "'user ' || id",
	"name": "coalesce(name, login)",
	"kind": "'user'",
	"email": "email",
	"active": "active"
}$$, 'employee IS NULL');

-- Every opportunity begins as a lead.
SELECT crmaudit.add_entity('opportunity', $${
	"opportunity_id": {"type": "text", "english": "identifies the opportunity", "chinese": "商机编号"},
	"customer_id": {"type": "text", "english": "the customer; a lead may have none yet", "chinese": "客户编号（线索可暂无）"},
	"staff_id": {"type": "text", "english": "the employee in charge", "chinese": "负责人编号"},
	"opened_at": {"type": "timestamptz", "english": "when it was entered", "chinese": "录入时间"},
	"starts_on": {"type": "date", "english": "first day", "chinese": "开始日期"},
	"ends_on": {"type": "date", "english": "day on which it was, or is expected to be, decided", "chinese": "结束日期（实际或预计）"},
	"amount": {"type": "numeric", "english": "expected amount; of a converted one, that of its sales", "chinese": "预计金额（转为销售后为销售金额）"},
	"probability": {"type": "numeric", "english": "probability of conversion, 0 to 1", "chinese": "成交概率（0–1）"},
	"status": {"type": "text", "english": "lead, opportunity, converted, won, lost, cancelled", "chinese": "状态：线索、商机、已转销售、赢单、输单、已取消"},
	"lost_reason": {"type": "text", "english": "why it was lost", "chinese": "输单原因"}
}$$);
SELECT crmaudit.map_entity('opportunity', 'sale_opportunity', $${
	"opportunity_id": "id",
	"customer_id": "party",
	"staff_id": "employee",
	"opened_at": {"column": "create_date", "time_zone": "UTC"},
	"starts_on": "start_date",
	"ends_on": "end_date",
	"amount": "amount",
	"probability": "conversion_probability",
	"status": "state",
	"lost_reason": "lost_reason"
}$$);

-- One that was converted is a contract, signed when its history first says so;
-- lost after that, it was terminated.  "opportunity_id" is an additional
-- column, by which what was said about it is found.
SELECT crmaudit.map_entity('contract', 'sale_opportunity', $${
	"contract_id": "id",
	"opportunity_id": "id::text",
	"customer_id": "party",
	"staff_id": "employee",
	"kind": "'sale'",
	"signed_at": {"sql": "(SELECT min(coalesce(h.write_date, h.create_date)) FROM sale_opportunity__history h WHERE h.id = sale_opportunity.id AND h.state IN ('converted', 'won'))", "time_zone": "UTC"},
	"starts_on": "start_date",
	"amount": "amount",
	"status": {"column": "state", "values": {"converted": "signed", "won": "signed", "lost": "terminated"}}
}$$, $$state IN ('converted', 'won')
	OR state = 'lost' AND EXISTS (SELECT FROM sale_opportunity__history h WHERE h.id = sale_opportunity.id AND h.state IN ('converted', 'won'))$$);

-- Notes on a party, an opportunity or a sale.  What Tryton itself copied from
-- an opportunity to its sale was said once.
SELECT crmaudit.map_entity('interaction', 'ir_note', $${
	"interaction_id": "'note ' || id",
	"opportunity_id": "CASE split_part(resource, ',', 1) WHEN 'sale.opportunity' THEN split_part(resource, ',', 2) WHEN 'sale.sale' THEN (SELECT split_part(s.origin, ',', 2) FROM sale_sale s WHERE s.id = split_part(resource, ',', 2)::int AND s.origin LIKE 'sale.opportunity,%') END",
	"customer_id": "CASE split_part(resource, ',', 1) WHEN 'party.party' THEN (SELECT coalesce(p.replaced_by, p.id) FROM party_party p WHERE p.id = split_part(resource, ',', 2)::int) WHEN 'sale.opportunity' THEN (SELECT o.party FROM sale_opportunity o WHERE o.id = split_part(resource, ',', 2)::int) ELSE (SELECT s.party FROM sale_sale s WHERE s.id = split_part(resource, ',', 2)::int) END",
	"staff_id": "coalesce((SELECT u.employee::text FROM res_user u WHERE u.id = ir_note.create_uid), 'user ' || create_uid)",
	"kind": "'note'",
	"method": "'note'",
	"occurred_at": {"column": "create_date", "time_zone": "UTC"},
	"recorded_at": {"column": "create_date", "time_zone": "UTC"},
	"content": "message",
	"related_entity": {"sql": "split_part(resource, ',', 1)", "values": {"party.party": "customer", "sale.opportunity": "opportunity", "sale.sale": "sale"}},
	"related_id": "split_part(resource, ',', 2)"
}$$, $$split_part(resource, ',', 1) IN ('party.party', 'sale.opportunity', 'sale.sale')
	AND NOT EXISTS (SELECT FROM sale_sale s JOIN ir_note o ON o.resource = s.origin
		WHERE ir_note.resource = 'sale.sale,' || s.id AND o.message = ir_note.message AND o.copy_to_resources LIKE '%sale.sale%')$$);

-- E-mail that was sent from within Tryton.
SELECT crmaudit.map_entity('interaction', 'ir_email', $${
	"interaction_id": "'email ' || id",
	"opportunity_id": "CASE split_part(resource, ',', 1) WHEN 'sale.opportunity' THEN split_part(resource, ',', 2) WHEN 'sale.sale' THEN (SELECT split_part(s.origin, ',', 2) FROM sale_sale s WHERE s.id = split_part(resource, ',', 2)::int AND s.origin LIKE 'sale.opportunity,%') END",
	"customer_id": "CASE split_part(resource, ',', 1) WHEN 'party.party' THEN (SELECT coalesce(p.replaced_by, p.id) FROM party_party p WHERE p.id = split_part(resource, ',', 2)::int) WHEN 'sale.opportunity' THEN (SELECT o.party FROM sale_opportunity o WHERE o.id = split_part(resource, ',', 2)::int) ELSE (SELECT s.party FROM sale_sale s WHERE s.id = split_part(resource, ',', 2)::int) END",
	"staff_id": "coalesce((SELECT u.employee::text FROM res_user u WHERE u.id = ir_email.create_uid), 'user ' || create_uid)",
	"kind": "'message'",
	"method": "'email'",
	"occurred_at": {"column": "create_date", "time_zone": "UTC"},
	"recorded_at": {"column": "create_date", "time_zone": "UTC"},
	"content": "subject",
	"related_entity": {"sql": "split_part(resource, ',', 1)", "values": {"party.party": "customer", "sale.opportunity": "opportunity", "sale.sale": "sale"}},
	"related_id": "split_part(resource, ',', 2)"
}$$, $$split_part(resource, ',', 1) IN ('party.party', 'sale.opportunity', 'sale.sale')$$);

-- Each lead is taken up within five working days, each sale within a month.
SELECT crmaudit.add_obligation('lead_followed_up', 'opportunity', '5 working days', 'interaction',
	link => 'opportunity', calendar => 'CN');
SELECT crmaudit.add_obligation('sale_cared_for', 'contract', '1 month', 'interaction',
	condition => $$status = 'signed'$$, link => 'opportunity', calendar => 'CN');

COMMIT;
