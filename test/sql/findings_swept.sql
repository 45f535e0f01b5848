-- From the tables to the auditor's lists: what a sweep finds stands in the
-- list of suspicious customers by group, across tables and rules (D5), in the
-- statistics, and in the proposals.
\set SHOW_CONTEXT never

CREATE TABLE fw_staff (id int PRIMARY KEY, name text, phone text);
CREATE TABLE fw_policyholder (id int PRIMARY KEY, customer text, mobile text, agent text, came_from text);
CREATE TABLE fw_insured (no text PRIMARY KEY, customer text, tel text, seller text);
INSERT INTO fw_staff VALUES (1, 'Zhang', '139-0013-9001');
-- One phone stands with C1 and C2, and again with C1 and C9 as insured, in three spellings; another is a
-- salesperson's, which two customers have.
INSERT INTO fw_policyholder VALUES (1, 'C1', '13800138001', 'Zhang', 'web'), (2, 'C2', '+86 138 0013 8001', 'Zhang', 'agency'),
	(3, 'C3', '13900139001', 'Sun', 'web'), (4, 'C4', '13700137004', 'Sun', 'web'), (5, 'C5', '139 0013 9001', 'Sun', 'web');
INSERT INTO fw_insured VALUES ('A', 'C1', '138-0013-8001', 'Zhang'), ('B', 'C9', '13800138001', 'Wu'), ('C', 'C7', '13600136007', 'Wu');
SELECT crmaudit.map_staff('fw_staff', 'phone', 'self', 'phone') \gset
SELECT crmaudit.protect('fw_policyholder', mode => 'observe', history => false, packs => '{suspicious_cn}',
	roles => '{"customer":"customer_no","mobile":"phone","agent":"owner","came_from":"source"}') \gset
SELECT crmaudit.protect('fw_insured', mode => 'observe', history => false, packs => '{suspicious_cn}',
	roles => '{"customer":"customer_no","tel":"phone","seller":"owner"}') \gset
SELECT count(*) AS runs FROM crmaudit.sweep('fw_policyholder') \gset
SELECT count(*) AS runs FROM crmaudit.sweep('fw_insured') \gset

-- A group is known by its digest, which differs from database to database.
SELECT g.n AS "group", s.target, s.row_key, s.reason, s.customers, s.owner, s.due_at IS NOT NULL AS has_due, s.rule
	FROM crmaudit.suspicious_customers s
	JOIN (SELECT group_key, row_number() OVER (ORDER BY min(row_key::text)) AS n FROM crmaudit.suspicious_customers
		WHERE target IN ('fw_policyholder'::regclass, 'fw_insured'::regclass) GROUP BY group_key) g ON g.group_key = s.group_key
	ORDER BY g.n, s.target::text, s.row_key, s.rule;

-- The owner is answerable for what was there before. Whose phone a shared one
-- is nobody knows yet; that of a member of staff is false.
SELECT period_kind, entered_by, target, channel, incomplete_cases, false_cases, other_cases
	FROM crmaudit.case_statistics WHERE target IN ('fw_policyholder'::regclass, 'fw_insured'::regclass) AND period_kind = 'quarter'
	ORDER BY entered_by, target::text, channel;

-- What it brings, and whether it helped: C2 gets a phone of its own.
SELECT crmaudit.propose('fw_policyholder') AS proposals;
SELECT i.id FROM crmaudit.improvement i JOIN crmaudit.rule r ON r.id = i.rule_id
	WHERE i.target = 'fw_policyholder'::regclass AND r.name = 'phone_shared' AND i.action = 'clean-up' \gset
UPDATE fw_policyholder SET mobile = '13500135002' WHERE id = 2;
SELECT crmaudit.carry_out(:id, 'asked the customer') \gset
SELECT count(*) AS runs FROM crmaudit.sweep('fw_policyholder') \gset
SELECT findings_then, findings_now, score_now > score_then AS better, round(score_now - score_then, 1) AS won, helped, verdict FROM crmaudit.improvement_effect WHERE id = :id;

DELETE FROM crmaudit.improvement;
SELECT crmaudit.unmap_staff('fw_staff', 'phone') \gset
DROP TABLE fw_policyholder, fw_insured, fw_staff;
