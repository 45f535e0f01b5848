-- Where this CRM keeps what an audit speaks of, and what must happen in time.
-- Nothing is copied, and nothing in the CRM changes.

SET crmaudit.calendar = 'CN';

SELECT crmaudit.map_entity('customer', 'crm.customer', '{"customer_id": "customer_no", "name": "full_name", "kind": "''person''", "region": "city", "owner": "owner_id",
	"since": "created_at", "closed_at": "CASE WHEN status = ''closed'' THEN updated_at END", "account": "bank_card"}');
SELECT crmaudit.map_entity('customer', 'crm.company', '{"customer_id": "company_no", "name": "name", "kind": "''company''", "size": "size", "industry": "industry", "owner": "owner_id",
	"since": "created_at", "closed_at": "CASE WHEN status = ''closed'' THEN updated_at END", "annual_volume": "annual_fee", "account": "bank_account"}');
SELECT crmaudit.map_entity('contact', 'crm.company', '{"contact_id": "company_no", "customer_id": "company_no", "name": "contact_name", "phone": "contact_phone", "email": "contact_mail", "main": "true"}');
SELECT crmaudit.map_entity('customer_year', 'crm.company_year', '{"customer_id": "company_no", "firm_id": "''firm''", "year": "year", "fee": "fee", "assets": "assets", "revenue": "revenue"}');
SELECT crmaudit.map_entity('staff', 'crm.staff', '{"staff_id": "staff_id", "name": "full_name", "kind": "kind", "position": "position", "department": "department", "phone": "phone",
	"email": "email", "address": "address", "active": "active", "trained_at": "trained_at"}');
SELECT crmaudit.map_entity('staff', 'crm.agency', '{"staff_id": "''agency '' || agency_id", "name": "name", "kind": "''agency''", "phone": "phone", "address": "address"}');
SELECT crmaudit.map_entity('contract', 'crm.contract', '{"contract_id": "contract_id", "customer_id": "coalesce(customer_no, company_no)", "staff_id": "staff_id", "kind": "kind",
	"signed_at": "signed_at", "signed_by": "signed_by", "starts_on": "starts_on", "ends_on": "ends_on", "cooling_off_ends": "cooling_off_ends", "amount": "amount", "status": "status"}');
SELECT crmaudit.map_entity('interaction', 'crm.interaction', '{"interaction_id": "interaction_id", "customer_id": "coalesce(customer_no, company_no)", "staff_id": "staff_id", "kind": "kind",
	"method": "method", "occurred_at": "occurred_at", "recorded_at": "recorded_at", "outcome": "outcome", "ring_seconds": "ring_seconds", "recording": "recording",
	"content": "content", "problem": "problem", "result": "result", "related_entity": "''contract''", "related_id": "contract_id"}');
SELECT crmaudit.map_entity('complaint', 'crm.complaint', '{"complaint_id": "complaint_id", "customer_id": "customer_no", "staff_id": "staff_id",
	"kind": {"column": "kind", "values": {"投诉": "complaint", "举报": "report", "意见": "opinion"}}, "channel": "channel", "opened_at": "opened_at", "answered_at": "answered_at",
	"decided_at": "decided_at", "closed_at": "closed_at", "upheld": "upheld", "reason": "reason"}');
SELECT crmaudit.map_entity('payment', 'crm.payment', '{"payment_id": "payment_id", "customer_id": "customer_no", "contract_id": "contract_id", "paid_at": "paid_at", "amount": "amount",
	"payer_account": "payer_account", "payer_name": "payer_name", "approval": "approval"}');

-- A revisit must be of this contract: one visit does not clear two.
SELECT crmaudit.add_obligation('new_contract_revisit', 'contract', '5 working days', 'interaction', condition => 'signed_at IS NOT NULL',
	fulfilled_if => $$kind = 'revisit'$$, counting_from => 'signed_at', link => 'related', calendar => 'CN', hours => 'workdays 09:00-18:00', attempt_if => $$kind = 'revisit'$$);
SELECT crmaudit.add_obligation('complaint_answer', 'complaint', '5 working days', 'complaint', condition => $$kind <> 'report'$$, fulfilled_at => 'answered_at',
	counting_from => 'opened_at', calendar => 'CN');
