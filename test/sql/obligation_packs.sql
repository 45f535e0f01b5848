-- Packs of obligations: each number of the source documents, by a row just
-- inside of it and one just outside.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';

-- What there is, in words.
SELECT pack, count(*) AS obligations, array_agg(DISTINCT d ORDER BY d) AS demands FROM crmaudit.obligation_pack, unnest(demands) d GROUP BY pack ORDER BY pack;
SELECT object, name, english FROM crmaudit.dictionary WHERE object = 'obligation of pack' ORDER BY name;
SELECT count(*) AS without_chinese FROM crmaudit.dictionary WHERE object = 'obligation of pack' AND chinese !~ '[一-龥]';

-- They can be installed before anything is mapped: their status is empty, and
-- health says why. What is there stays as it is.
SELECT crmaudit.install_pack('nothing');
SELECT crmaudit.install_pack(NULL);
SELECT p, crmaudit.install_pack(p) AS installed FROM unnest('{finance_revisit,power_supply,tourism,insurance,accounting_firm,hazard}'::text[]) WITH ORDINALITY AS u(p, n) ORDER BY n;
SELECT p, crmaudit.install_pack(p) AS installed FROM unnest('{finance_revisit,hazard}'::text[]) p ORDER BY 1;
SELECT count(*) AS status FROM crmaudit.obligation_status;
SELECT problem, count(*) FROM crmaudit.health WHERE subject = 'obligation' GROUP BY 1 ORDER BY 1;

CREATE SCHEMA pk;
CREATE TABLE pk.client (id text PRIMARY KEY, kind text, seller text, since date, left_at timestamptz, volume numeric, segment text);
CREATE TABLE pk.contract (no text PRIMARY KEY, client text, seller text, signed timestamptz, starts date, ends date, cool date);
CREATE TABLE pk.contact (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client text, who text, kind text, at timestamptz, entered timestamptz, outcome text DEFAULT 'reached', ring int, method text);
CREATE TABLE pk.person (id text PRIMARY KEY, job text, department text, active boolean DEFAULT true);
CREATE TABLE pk.ticket (no text PRIMARY KEY, client text, kind text, area text, came timestamptz, done timestamptz, archived timestamptz);
CREATE TABLE pk.grievance (no text PRIMARY KEY, client text, about text, kind text, came timestamptz, answered timestamptz, decided timestamptz, closed timestamptz, upheld boolean);
CREATE TABLE pk.plan (no text PRIMARY KEY, who text, period text, ok_at timestamptz);
CREATE TABLE pk.report (no text PRIMARY KEY, kind text, period text, sent timestamptz);
CREATE TABLE pk.step (case_no text, kind text, what text, begun timestamptz, ended timestamptz, deadline timestamptz);
SELECT crmaudit.map_entity('customer', 'pk.client', '{"customer_id": "id", "kind": "kind", "owner": "seller", "since": "since", "closed_at": "left_at", "annual_volume": "volume", "segment": "segment"}');
SELECT crmaudit.map_entity('contract', 'pk.contract', '{"contract_id": "no", "customer_id": "client", "staff_id": "seller", "signed_at": "signed", "starts_on": "starts", "ends_on": "ends", "cooling_off_ends": "cool"}');
SELECT crmaudit.map_entity('interaction', 'pk.contact', '{"interaction_id": "id", "customer_id": "client", "staff_id": "who", "kind": "kind", "occurred_at": "at", "recorded_at": "entered", "outcome": "outcome", "ring_seconds": "ring", "method": "method"}');
SELECT crmaudit.map_entity('staff', 'pk.person', '{"staff_id": "id", "position": "job", "department": "department", "active": "active"}');
SELECT crmaudit.map_entity('service_request', 'pk.ticket', '{"request_id": "no", "customer_id": "client", "kind": "kind", "area": "area", "opened_at": "came", "completed_at": "done", "archived_at": "archived"}');
SELECT crmaudit.map_entity('complaint', 'pk.grievance', '{"complaint_id": "no", "customer_id": "client", "staff_id": "about", "kind": "kind", "opened_at": "came", "answered_at": "answered", "decided_at": "decided", "closed_at": "closed", "upheld": "upheld"}');
SELECT crmaudit.map_entity('plan', 'pk.plan', '{"plan_id": "no", "staff_id": "who", "period": "period", "approved_at": "ok_at"}');
SELECT crmaudit.map_entity('report', 'pk.report', '{"report_id": "no", "kind": "kind", "period": "period", "submitted_at": "sent"}');
SELECT crmaudit.map_entity('step', 'pk.step', '{"case_id": "case_no", "case_kind": "kind", "step": "what", "entered_at": "begun", "left_at": "ended", "due_at": "deadline"}');
-- all can be told but those that need an additional column
SELECT rule, problem FROM crmaudit.health WHERE subject = 'obligation' ORDER BY 1;
ALTER TABLE pk.client ADD COLUMN kv numeric;
SELECT crmaudit.map_entity('customer', 'pk.client', '{"customer_id": "id", "kind": "kind", "owner": "seller", "since": "since", "closed_at": "left_at", "annual_volume": "volume", "segment": "segment", "voltage_kv": "kv"}');
SELECT rule, problem FROM crmaudit.health WHERE subject = 'obligation' ORDER BY 1;

CREATE VIEW pk.status AS SELECT obligation, subject_id, starts_at AT TIME ZONE 'Asia/Shanghai' AS starts_at, due_at AT TIME ZONE 'Asia/Shanghai' AS due_at,
	fulfilled_at AT TIME ZONE 'Asia/Shanghai' AS fulfilled_at, attempts AS tries, outside_hours AS outside, state FROM crmaudit.obligation_status;

-- D10, D14, D15: new contracts, signed on 30 September 2025.
INSERT INTO pk.contract (no, client, signed) SELECT no, no, '2025-09-30 15:00+08' FROM unnest('{5 wd,late,month,after month,20 s,19 s}'::text[]) no;
INSERT INTO pk.contact (client, who, kind, at, entered, outcome, ring) VALUES
	('5 wd', 'w', 'revisit', '2025-10-14 23:59:59+08', '2025-10-15 23:59:59+08', 'reached', NULL), ('late', 'w', 'revisit', '2025-10-15 00:00+08', '2025-10-17 00:00+08', 'reached', NULL),
	('month', 'w', 'revisit', '2025-10-30 23:59:59+08', NULL, 'reached', NULL), ('after month', 'w', 'revisit', '2025-10-31 00:00+08', NULL, 'reached', NULL),
	('20 s', 'w', 'revisit', '2025-10-09 10:00+08', NULL, 'no_answer', 20), ('20 s', 'w', 'revisit', '2025-10-09 14:00+08', NULL, 'no_answer', 20), ('20 s', 'w', 'revisit', '2025-10-10 16:00:00+08', NULL, 'no_answer', 20),
	('19 s', 'w', 'revisit', '2025-10-09 10:00+08', NULL, 'no_answer', 20), ('19 s', 'w', 'revisit', '2025-10-09 14:00+08', NULL, 'no_answer', 20), ('19 s', 'w', 'revisit', '2025-10-10 16:00:01+08', NULL, 'no_answer', 19);
SELECT subject_id, due_at, fulfilled_at, tries, outside, state FROM pk.status WHERE obligation = 'finance_new_contract' ORDER BY due_at, 1;
SELECT subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation = 'finance_new_contract_month' ORDER BY 1;
SELECT starts_at, due_at, fulfilled_at, state FROM pk.status WHERE obligation = 'finance_revisit_recorded' ORDER BY 1;
SELECT obligation, month, due, met, late, overdue, unreachable, rate, demanded, is_reached FROM crmaudit.obligation_coverage WHERE obligation LIKE 'finance\_new%' ORDER BY 1;

-- Who did not answer, refused or has no such number was not revisited; no outcome is as good as a
-- revisit. The 20 seconds are of calls that nobody answered. Hours are of calls.
INSERT INTO pk.contract (no, client, signed) SELECT no, no, '2025-09-30 15:00+08' FROM unnest('{o no_answer,o refused,o invalid,o none,r refused,r invalid,r no_answer,w visit}'::text[]) no;
INSERT INTO pk.contact (client, kind, at, outcome) VALUES ('o no_answer', 'revisit', '2025-10-09 10:00+08', 'no_answer'), ('o refused', 'revisit', '2025-10-09 10:00+08', 'refused'), ('o invalid', 'revisit', '2025-10-09 10:00+08', 'invalid'), ('o none', 'revisit', '2025-10-09 10:00+08', NULL);
INSERT INTO pk.contact (client, kind, at, outcome, ring) SELECT 'r ' || o, 'revisit', at::timestamptz, o, 5 FROM unnest('{refused,invalid,no_answer}'::text[]) o, unnest('{2025-10-09 10:00+08,2025-10-09 14:00+08,2025-10-10 10:00+08}'::text[]) at;
INSERT INTO pk.contact (client, kind, method, at) VALUES ('w visit', 'revisit', 'visit', '2025-10-09 20:00+08');
INSERT INTO pk.contact (client, kind, method, at, outcome) VALUES ('w visit', 'revisit', 'phone', '2025-10-09 19:00+08', 'no_answer'), ('w visit', 'revisit', NULL, '2025-10-09 18:00+08', 'no_answer'), ('w visit', 'revisit', 'letter', '2025-10-09 17:00+08', 'no_answer');
SELECT subject_id, fulfilled_at, tries, outside, state FROM pk.status WHERE obligation = 'finance_new_contract' AND subject_id ~ '^[orw] ' ORDER BY 1;
SELECT obligation, subject_id, state FROM pk.status WHERE obligation = 'finance_new_contract_month' AND subject_id ~ '^o ' ORDER BY 1, 2;
-- no obligation of a pack is fulfilled by a call that nobody answered, but a spot check
SELECT o.name FROM crmaudit.obligation o
WHERE o.fulfilled_by = 'interaction' AND o.fulfilled_at IS NULL AND o.fulfilled_if !~ $$AND coalesce\(outcome, 'reached'\) = 'reached'$$ ORDER BY 1;
-- What was only drafted or offered, or was cancelled, is no contract; an unknown status is one.
BEGIN;
ALTER TABLE pk.contract ADD COLUMN state text;
UPDATE pk.contract SET state = CASE no WHEN 'o refused' THEN 'draft' WHEN 'o invalid' THEN 'offered' WHEN 'o no_answer' THEN 'cancelled' WHEN 'r refused' THEN 'signed' END, starts = '2025-10-20', ends = '2025-10-20', cool = '2025-10-20' WHERE no ~ '^[or] ';
SELECT crmaudit.map_entity('contract', 'pk.contract', '{"contract_id": "no", "customer_id": "client", "staff_id": "seller", "signed_at": "signed", "starts_on": "starts", "ends_on": "ends", "cooling_off_ends": "cool", "status": "state"}');
SELECT o.name, array_agg(DISTINCT s.subject_id ORDER BY s.subject_id) AS subjects FROM crmaudit.obligation o LEFT JOIN crmaudit.obligation_status s ON s.obligation = o.name AND s.subject_id ~ '^[or] '
WHERE o.for_each = 'contract' GROUP BY 1 ORDER BY 1;
ROLLBACK;
DELETE FROM pk.contract WHERE no ~ '^[orw] ';
DELETE FROM pk.contact WHERE client ~ '^[orw] ';
-- D16, D44: a spot check by another person, whatever its outcome; as revisit_spot_checks has it
SELECT crmaudit.map_entity('interaction', 'pk.contact', '{"interaction_id": "id", "customer_id": "client", "staff_id": "who", "kind": "kind", "occurred_at": "at", "recorded_at": "entered", "outcome": "outcome", "ring_seconds": "ring", "method": "method", "related_entity": "''interaction''", "related_id": "client"}');
INSERT INTO pk.contact (id, client, who, kind, at) OVERRIDING SYSTEM VALUE VALUES (9001, 'other', 'r1', 'revisit', '2025-11-02 10:00+08'), (9002, 'self', 'r1', 'revisit', '2025-11-02 10:00+08'),
	(9003, 'both', 'r1', 'revisit', '2025-11-02 10:00+08'), (9004, 'nobody', NULL, 'revisit', '2025-11-02 10:00+08'), (9005, 'by nobody', 'r1', 'revisit', '2025-11-02 10:00+08'), (9006, 'revisited', 'r1', 'revisit', '2025-11-02 10:00+08');
INSERT INTO crmaudit.sample_member (sample_id, entity, subject_id, stratum, drawn_at) SELECT -1, 'interaction', i, '', '2025-11-03 10:00+08' FROM unnest('{9001,9002,9003,9004,9005,9006}'::text[]) i;
INSERT INTO pk.contact (client, who, kind, at, outcome) VALUES ('9001', 'r2', 'spot_check', '2025-12-03 23:59:59+08', 'no_answer'), ('9002', 'r1', 'spot_check', '2025-11-05 10:00+08', 'reached'),
	('9003', 'r1', 'spot_check', '2025-11-05 10:00+08', 'reached'), ('9003', 'r2', 'spot_check', '2025-11-06 10:00+08', 'reached'), ('9004', 'r2', 'spot_check', '2025-11-05 10:00+08', 'reached'),
	('9005', NULL, 'spot_check', '2025-11-05 10:00+08', 'reached'), ('9006', 'r2', 'revisit', '2025-11-05 10:00+08', 'reached');
SELECT c.client, s.due_at, s.fulfilled_at, s.state FROM pk.status s JOIN pk.contact c ON c.id::text = s.subject_id WHERE s.obligation = 'finance_spot_check' ORDER BY s.subject_id;
-- a CRM that does not tell who cannot have any
BEGIN;
SELECT crmaudit.map_entity('interaction', 'pk.contact', '{"interaction_id": "id", "kind": "kind", "occurred_at": "at", "related_entity": "''interaction''", "related_id": "client"}');
SELECT gap FROM crmaudit.obligation WHERE name = 'finance_spot_check';
ROLLBACK;
DELETE FROM crmaudit.sample_member WHERE sample_id = -1;
DELETE FROM pk.contact WHERE client ~ '^900' OR id > 9000;
SELECT crmaudit.map_entity('interaction', 'pk.contact', '{"interaction_id": "id", "customer_id": "client", "staff_id": "who", "kind": "kind", "occurred_at": "at", "recorded_at": "entered", "outcome": "outcome", "ring_seconds": "ring", "method": "method"}');

-- D11: every customer once a year.
INSERT INTO pk.client (id, since) VALUES ('in the year', '2024-03-01'), ('a day late', '2024-03-01');
INSERT INTO pk.contact (client, who, kind, at) VALUES ('in the year', 'w', 'revisit', '2025-03-01 23:59:59+08'), ('a day late', 'w', 'revisit', '2025-03-02 00:00+08');
SELECT obligation, subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation IN ('finance_yearly_revisit', 'accounting_yearly') AND starts_at < '2025-01-01' ORDER BY 1, 2;

-- D11: from 10 kV on once in a calendar year, by visit or meeting; from 65 kV on by the marketing section.
INSERT INTO pk.person (id, job, department) VALUES ('w', 'clerk', 'service'), ('m', 'clerk', 'marketing'), ('d', 'deputy manager', 'management'), ('c', '副经理', 'management'), ('y', '职员', '营销部');
INSERT INTO pk.client (id, since, kv, segment) VALUES ('9.9 kV', '2025-01-01', 9.9, NULL), ('10 kV', '2025-01-01', 10, NULL), ('10 kV late', '2025-01-01', 10, NULL), ('10 kV call', '2025-01-01', 10, NULL), ('64.9 kV', '2025-01-01', 64.9, NULL), ('65 kV', '2025-01-01', 65, NULL), ('65 kV other', '2025-01-01', 65, NULL), ('65 kV zh', '2025-01-01', 65, NULL), ('media', '2025-01-01', NULL, 'media'), ('left', '2025-01-01', 10, NULL);
UPDATE pk.client SET left_at = '2025-06-01' WHERE id = 'left';
-- who will leave has not left
INSERT INTO pk.client (id, kind, since, kv, segment, volume, left_at) SELECT name, 'partner', '2025-01-01', kv, 'media', 300000, at FROM (VALUES ('leaves 10', 10, now() + interval '1 year'), ('leaves 65', 65, now() + interval '1 year'), ('has left', 10, now() - interval '1 second')) AS v(name, kv, at);
SELECT obligation, subject_id FROM pk.status WHERE subject_id ~ 'lea?[fv]' AND subject_id <> 'left' GROUP BY 1, 2 ORDER BY 1, 2;
DELETE FROM pk.client WHERE id ~ '^(leaves|has left)';
INSERT INTO pk.contact (client, who, kind, method, at) VALUES ('10 kV', 'w', 'visit', NULL, '2025-12-31 23:59:59+08'), ('10 kV late', 'w', 'visit', NULL, '2026-01-01 00:00+08'), ('10 kV call', 'w', 'call', 'call', '2025-05-05 10:00+08'),
	('64.9 kV', 'w', 'revisit', 'meeting', '2025-05-05 10:00+08'), ('65 kV', 'm', 'visit', NULL, '2025-05-05 10:00+08'), ('65 kV other', 'w', 'visit', NULL, '2025-05-05 10:00+08'), ('65 kV zh', 'y', 'visit', NULL, '2025-05-05 10:00+08'), ('media', 'w', 'visit', NULL, '2025-05-05 10:00+08');
SELECT obligation, subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation IN ('power_large_customer', 'power_largest_customer', 'power_delegates_and_media') AND due_at <= '2026-01-01' ORDER BY 1, 2;
-- the plan of visits: approved in the year before
INSERT INTO pk.plan VALUES ('in time', 's', '2026', '2025-12-31 23:59:59+08'), ('late', 's', '2026', '2026-01-01 00:00+08'), ('none', 's', '2026', NULL), ('month', 's', '2026-03', '2026-02-28 23:59:59+08'), ('month late', 's', '2026-03', '2026-03-01 00:00+08'), ('quarter', 's', '2026-Q2', '2026-03-31 23:59:59+08');
SELECT obligation, subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation IN ('power_visit_plan', 'accounting_plan_approved') ORDER BY 1, 2;

-- D12: 7 working days after a connection is archived, 24 hours after a repair is, 48 under an exception.
INSERT INTO pk.ticket (no, client, kind, archived, area) VALUES ('7 wd', 't1', 'new_connection', '2025-09-30 15:00+08', NULL), ('8 wd', 't2', 'changed_connection', '2025-09-30 15:00+08', NULL), ('moved', 't3', 'move', '2025-09-30 15:00+08', NULL),
	('24 h', 't4', 'repair', '2025-11-03 15:00+08', NULL), ('24 h 1 s', 't5', 'repair', '2025-11-03 15:00+08', NULL), ('48 h', 't6', 'repair', '2025-11-03 15:00+08', 'flooded'), ('48 h 1 s', 't7', 'repair', '2025-11-03 15:00+08', 'flooded');
INSERT INTO pk.contact (client, kind, at) VALUES ('t1', 'revisit', '2025-10-16 23:59:59+08'), ('t2', 'revisit', '2025-10-17 00:00+08'), ('t4', 'revisit', '2025-11-04 15:00+08'), ('t5', 'revisit', '2025-11-04 15:00:01+08'), ('t6', 'revisit', '2025-11-05 15:00+08'), ('t7', 'revisit', '2025-11-05 15:00:01+08');
SELECT obligation, subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation IN ('power_connection_revisit', 'power_repair_revisit') ORDER BY 1, 2;
SELECT crmaudit.extend('power_repair_revisit', $$area = 'flooded'$$, '48 hours', 'flood, declared on 3 November', 'head office');
SELECT subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation = 'power_repair_revisit' ORDER BY 1;
-- D12: the repair itself in 45, 90 or 120 minutes.
INSERT INTO pk.ticket (no, client, kind, area, came, done) SELECT area || ' ' || minutes, 'x', 'repair', area, '2025-11-03 23:50+08', '2025-11-03 23:50+08'::timestamptz + minutes * interval '1 minute' + CASE WHEN minutes % 15 = 0 THEN interval '0' ELSE interval '-59.999999 seconds' END
FROM (VALUES ('town', 45), ('town', 46), ('country', 90), ('country', 91), ('remote', 120), ('remote', 121)) AS v(area, minutes);
SELECT obligation, subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation ~ '^power_repair_(town|country|remote)$' ORDER BY due_at, 2;
-- D12, D19: complaints and opinions 5 working days, reports 10.
INSERT INTO pk.grievance (no, client, kind, came, answered, closed) VALUES ('c 5', 'g1', 'complaint', '2025-09-30 15:00+08', '2025-10-14 23:59:59+08', '2025-10-15 10:00+08'), ('c 6', 'g2', 'complaint', '2025-09-30 15:00+08', '2025-10-15 00:00+08', '2025-10-15 10:00+08'),
	('r 10', 'g3', 'report', '2025-09-30 15:00+08', '2025-10-21 23:59:59+08', NULL), ('r 11', 'g4', 'report', '2025-09-30 15:00+08', '2025-10-22 00:00+08', NULL),
	('o 5', 'g5', 'opinion', '2025-09-30 15:00+08', NULL, '2025-10-14 23:59:59+08'), ('o 6', 'g6', 'opinion', '2025-09-30 15:00+08', NULL, '2025-10-15 00:00+08');
INSERT INTO pk.contact (client, kind, at) VALUES ('g1', 'revisit', '2025-10-24 23:59:59+08'), ('g2', 'revisit', '2025-10-25 00:00+08');
SELECT obligation, subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation IN ('power_complaint_answer', 'power_report_answer', 'power_opinion_handled') ORDER BY 1, 2;
-- ... and 7 working days after they are closed the revisit
SELECT subject_id, starts_at, due_at, fulfilled_at, state FROM pk.status WHERE obligation = 'power_complaint_revisit' ORDER BY 1;
-- D19: statistics by the 7th of the next month, 16:00, holidays or not.
INSERT INTO pk.report VALUES ('16:00', 'revisit', '2025-10', '2025-11-07 16:00+08'), ('after 16:00', 'revisit', '2025-10', '2025-11-07 16:00:00.000001+08'), ('holiday', 'revisit', '2025-09', '2025-10-09 10:00+08'), ('missing', 'revisit', '2025-12', NULL), ('yearly', 'revisit', '2025', '2026-12-31'), ('other', 'sales', '2025-10', NULL);
SELECT subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation = 'power_revisit_statistics' ORDER BY 1;

-- D12: tour customers: before use, within 3 days after it, again a month after it.
INSERT INTO pk.contract (no, client, signed, starts, ends) SELECT 'tour ' || c, c, '2025-10-01 10:00+08', '2025-10-20', '2025-10-25' FROM unnest('{u1,u2,u3,u4}'::text[]) c;
INSERT INTO pk.contact (client, kind, at) VALUES ('u1', 'call', '2025-10-19 23:59:59+08'), ('u2', 'message', '2025-10-20 00:00+08'), ('u1', 'call', '2025-10-28 23:59:59+08'), ('u2', 'call', '2025-10-29 00:00+08'),
	('u1', 'call', '2025-11-25 00:00+08'), ('u2', 'call', '2025-11-24 23:59:59+08'), ('u3', 'call', '2025-12-04 23:59:59+08'), ('u4', 'call', '2025-12-05 00:00+08');
SELECT obligation, subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation IN ('tourism_before_use', 'tourism_after_use', 'tourism_month_after_use') AND subject_id LIKE 'tour%' ORDER BY 1, 2;
-- D12, D14: partners: in each month a visit, and two calls or messages; hours advised.
INSERT INTO pk.client (id, kind, since) VALUES ('partner', 'partner', '2025-09-01');
INSERT INTO pk.contact (client, kind, at) VALUES ('partner', 'visit', '2025-09-30 23:59:59+08'), ('partner', 'call', '2025-09-01 09:00+08'), ('partner', 'message', '2025-09-30 17:00+08'),
	('partner', 'visit', '2025-11-01 00:00+08'), ('partner', 'call', '2025-10-31 08:59:59+08'), ('partner', 'call', '2025-11-01 11:00:01+08'), ('partner', 'call', '2025-11-02 15:00+08');
SELECT obligation, starts_at, due_at, fulfilled_at, tries, outside, state FROM pk.status WHERE obligation LIKE 'tourism\_partner%' AND due_at <= '2025-12-01' ORDER BY 1, 2;
-- who refuses calls, and who left (times ours)
INSERT INTO pk.contact (client, kind, at, outcome) VALUES ('v1', 'call', '2025-11-03 10:00+08', 'refused'), ('v2', 'call', '2025-11-03 10:00+08', 'refused'), ('v1', 'message', '2025-11-06 23:59:59+08', 'reached'), ('v2', 'message', '2025-11-07 00:00+08', 'reached');
INSERT INTO pk.client (id, since, left_at) VALUES ('gone 1', '2020-01-01', '2025-11-03 10:00+08'), ('gone 2', '2020-01-01', '2025-11-03 10:00+08');
INSERT INTO pk.contact (client, kind, at) VALUES ('gone 1', 'revisit', '2025-11-10 23:59:59+08'), ('gone 2', 'revisit', '2025-11-11 00:00+08');
SELECT obligation, due_at, fulfilled_at, state FROM pk.status WHERE obligation IN ('tourism_refuser', 'tourism_termination') AND starts_at > '2025-11-01' ORDER BY 1, 3;

-- D6: before the cooling-off period ends. D7, D16: upheld complaints, by another person. D9: approvals by their deadline.
INSERT INTO pk.contract (no, client, signed, cool) VALUES ('cool 1', 'i1', '2025-09-30 10:00+08', '2025-10-15'), ('cool 2', 'i2', '2025-09-30 10:00+08', '2025-10-15');
INSERT INTO pk.contact (client, kind, at) VALUES ('i1', 'revisit', '2025-10-15 23:59:59+08'), ('i2', 'revisit', '2025-10-16 00:00+08');
INSERT INTO pk.grievance (no, client, about, kind, came, decided, upheld) VALUES ('other', 'i3', 'w', 'sales', '2025-09-30', '2025-10-10 10:00+08', true), ('himself', 'i4', 'w', 'sales', '2025-09-30', '2025-10-10 10:00+08', true), ('late', 'i5', 'w', 'sales', '2025-09-30', '2025-10-10 10:00+08', true), ('dismissed', 'i6', 'w', 'sales', '2025-09-30', '2025-10-10 10:00+08', false);
INSERT INTO pk.contact (client, kind, who, at) VALUES ('i3', 'revisit', 'm', '2025-11-10 23:59:59+08'), ('i4', 'revisit', 'w', '2025-10-11 10:00+08'), ('i5', 'revisit', 'm', '2025-11-11 00:00+08');
INSERT INTO pk.step VALUES ('pay 1', 'approval', 'third_party_payment', '2025-11-03 10:00+08', '2025-11-05 10:00+08', '2025-11-05 10:00+08'), ('pay 2', 'approval', 'third_party_payment', '2025-11-03 10:00+08', '2025-11-05 10:00:01+08', '2025-11-05 10:00+08'), ('pay 3', 'approval', 'other', '2025-11-03 10:00+08', NULL, '2025-11-05 10:00+08');
SELECT obligation, subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation LIKE 'insurance%' AND subject_id !~ '^(5 wd|late|month|after|20|19|tour)' OR obligation = 'insurance_upheld_complaint' ORDER BY 1, 2;

-- D11: key accounts, 200,000 yuan a year or more, by a deputy manager.
INSERT INTO pk.client (id, since, volume) VALUES ('200000', '2024-03-01', 200000), ('199999.99', '2024-03-01', 199999.99), ('by clerk', '2024-03-01', 300000), ('chinese title', '2024-03-01', 300000);
INSERT INTO pk.contact (client, kind, who, at) VALUES ('200000', 'visit', 'd', '2025-03-01 23:59:59+08'), ('by clerk', 'visit', 'w', '2025-01-01 10:00+08'), ('chinese title', 'visit', 'c', '2025-03-02 00:00+08');
SELECT subject_id, due_at, fulfilled_at, state FROM pk.status WHERE obligation = 'accounting_key_account' AND starts_at < '2025-01-01' ORDER BY 1;
-- D18: every salesperson a plan of the year, and of each month: what is for it counts, whenever it
-- was approved, and nothing that was approved in it for another. From now on, or as of a date.
INSERT INTO pk.person (id, job) VALUES ('planner', 'sales'), ('sluggard', '业务员'), ('retired', 'sales');
UPDATE pk.person SET active = false WHERE id = 'retired';
UPDATE pk.person SET active = NULL WHERE id = 'sluggard';
SELECT obligation, subject_id, count(*), min(due_at - starts_at) AS within, bool_and(starts_at = date_trunc(CASE obligation WHEN 'accounting_monthly_plan' THEN 'month' ELSE 'year' END, now() AT TIME ZONE 'Asia/Shanghai')) AS now
FROM pk.status WHERE obligation IN ('accounting_yearly_plan', 'accounting_monthly_plan') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT crmaudit.alter_obligation('accounting_yearly_plan', valid_from => '2025-01-01'), crmaudit.alter_obligation('accounting_monthly_plan', valid_from => '2025-01-15');
INSERT INTO pk.plan VALUES ('y1', 'planner', '2025', '2025-01-31 23:59:59+08'), ('y2', 'sluggard', '2025', '2025-02-01 00:00+08'), ('jan', 'planner', '2025-01', '2024-12-20 10:00+08'), ('mar', 'planner', '202503', '2025-02-03 10:00+08'),
	('apr', 'planner', '2025-04', '2025-04-06 23:59:59+08'), ('apr 2', 'planner', '2025-04', '2025-04-05 10:00+08'), ('may', 'planner', '2025-05', '2025-05-07 00:00+08'), ('jun', 'planner', '2025-06', NULL), ('q1', 'sluggard', '2025-Q1', '2024-12-01 10:00+08'), ('odd', 'sluggard', 'January', '2024-12-01 10:00+08');
SELECT obligation, subject_id, starts_at, due_at, fulfilled_at, tries, state FROM pk.status WHERE obligation IN ('accounting_yearly_plan', 'accounting_monthly_plan') AND starts_at < CASE WHEN subject_id = 'planner' THEN '2025-07-01' ELSE '2025-02-01' END::timestamp ORDER BY 1 DESC, 2, 3;
SELECT crmaudit.alter_obligation('accounting_monthly_plan', recurring => 'calendar quarter', within => '');
SELECT subject_id, starts_at, due_at, fulfilled_at, state FROM pk.status WHERE obligation = 'accounting_monthly_plan' AND starts_at < '2025-07-01' ORDER BY 1, 2;
SELECT crmaudit.alter_obligation('accounting_monthly_plan', recurring => 'calendar month', within => '5 days', min_count => 2, hours => '09:00-17:00');
SELECT subject_id, fulfilled_at, tries, outside, state FROM pk.status WHERE obligation = 'accounting_monthly_plan' AND subject_id = 'planner' AND starts_at < '2025-05-01' ORDER BY starts_at;

-- D43: every step of a hazard by its deadline; a notice, and a re-check (times ours).
INSERT INTO pk.step VALUES ('h1', 'hazard', 'found', '2025-09-30 10:00+08', '2025-10-01 10:00+08', '2025-10-01 10:00+08'), ('h1', 'hazard', 'notice', '2025-10-10 23:59:59+08', NULL, '2099-01-01'), ('h1', 'hazard', 'rectified', '2025-10-31 10:00+08', '2025-10-31 10:00+08', NULL), ('h1', 'hazard', 'recheck', '2025-11-30 23:59:59+08', NULL, NULL),
	('h2', 'hazard', 'found', '2025-09-30 10:00+08', '2025-10-01 10:00:01+08', '2025-10-01 10:00+08'), ('h2', 'hazard', 'notice', '2025-10-12 00:00+08', NULL, NULL), ('h2', 'hazard', 'rectified', '2025-10-31 10:00+08', '2025-10-31 10:00+08', NULL), ('h2', 'hazard', 'Re-check', '2025-12-01 00:00+08', NULL, NULL), ('h3', 'hazard', 'found', '2025-09-30 10:00+08', NULL, '2025-10-01 10:00+08');
SELECT obligation, subject_id, starts_at, due_at, fulfilled_at, state FROM pk.status WHERE obligation LIKE 'hazard%' ORDER BY 1, 2, 3;

-- Those of a pack are altered and dropped like others, and installed again after the mapping.
SELECT crmaudit.alter_obligation('hazard_notice', within => '4 working days');
SELECT crmaudit.alter_obligation('hazard_notice', condition => 'stage = 5');
SELECT crmaudit.install_pack('hazard');
SELECT within, pack, version FROM crmaudit.obligation WHERE name = 'hazard_notice';
SELECT crmaudit.drop_obligation(name) FROM crmaudit.obligation ORDER BY name;
SELECT p, crmaudit.install_pack(p) AS installed FROM unnest('{finance_revisit,power_supply,tourism,insurance,accounting_firm,hazard}'::text[]) WITH ORDINALITY AS u(p, n) ORDER BY n;
SELECT count(*) AS problems FROM crmaudit.health WHERE subject = 'obligation';
SELECT within, pack, version FROM crmaudit.obligation WHERE name = 'hazard_notice';
SELECT subject_id, due_at, state FROM pk.status WHERE obligation = 'hazard_notice' ORDER BY 1;
-- no extension of what ends with its period, or has no beginning
SELECT crmaudit.extend('power_large_customer', 'true', '30 days', 'flood', 'head office');
SELECT crmaudit.extend('power_visit_plan', 'true', '30 days', 'flood', 'head office');
-- a sweep makes findings of those, too, that have no beginning: plans and reports
BEGIN;
SELECT count(*) > 0 AS swept FROM crmaudit.sweep_obligations();
SELECT rule, row_key, severity FROM crmaudit.open_findings WHERE target IN ('pk.plan'::regclass, 'pk.report'::regclass) ORDER BY 1, 2::text;
ROLLBACK;
-- a pack of one's own
INSERT INTO crmaudit.obligation_pack (pack, name, position, definition, english, chinese) VALUES ('ours', 'our_call', 1, '{"for_each": "contract", "within": "2 days", "fulfilled_by": "interaction", "calendar": "CN"}', 'new contracts: a call within 2 days', '新合同：2 日内致电');
SELECT crmaudit.install_pack('ours');
SELECT subject_id, due_at, state FROM pk.status WHERE obligation = 'our_call' AND subject_id = 'tour u1';
DELETE FROM crmaudit.obligation_pack WHERE pack = 'ours';

SELECT crmaudit.drop_obligation(name) FROM crmaudit.obligation ORDER BY name;
SELECT crmaudit.unmap_entity(e) FROM unnest('{customer,contract,interaction,staff,service_request,complaint,plan,report,step}'::text[]) e;
DROP SCHEMA pk CASCADE;
SELECT count(*) FROM crmaudit.obligation;
