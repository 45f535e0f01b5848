-- Events are folded into the state of their findings; what is folded and what
-- is not reads the same.
\set SHOW_CONTEXT never
CREATE TABLE ff_customer (id int PRIMARY KEY, mail text, note text);
SELECT crmaudit.protect('ff_customer', mode => 'observe') \gset
SELECT crmaudit.add_rule('ff_customer', 'mail_filled', 'required', '{mail}') AS mail_rule \gset
SELECT crmaudit.add_rule('ff_customer', 'note_filled', 'required', '{note}', '{"due":"36 hours"}', severity => 'warning') AS note_rule \gset
CREATE VIEW ff_finding AS SELECT * FROM crmaudit.finding WHERE target = 'ff_customer'::regclass;
CREATE VIEW ff_short AS SELECT rule, (row_key -> 'id')::int AS customer, status, occurrences, reopened, resolution FROM ff_finding;
SELECT count(crmaudit.fold_findings()) FROM generate_series(1, 3);
SELECT count(*) FROM crmaudit.unfolded_events();

-- Whatever has happened, and wherever it is cut in two, the findings are the same.
INSERT INTO ff_customer SELECT i, NULL, CASE WHEN i % 2 = 0 THEN 'x' END FROM generate_series(1, 6) i;
UPDATE ff_customer SET mail = 'x' WHERE id < 4;
UPDATE ff_customer SET mail = NULL WHERE id < 3;
DELETE FROM ff_customer WHERE id = 6;
SELECT crmaudit.acknowledge(ARRAY(SELECT id FROM ff_finding WHERE rule = 'note_filled' AND status = 'open')) AS acknowledged;
SELECT * FROM ff_short ORDER BY 1, 2;
CREATE TEMP TABLE ff_before AS SELECT * FROM ff_finding;
SELECT crmaudit.fold_findings();
SELECT count(*) FROM crmaudit.unfolded_events();
SELECT count(*) FROM (TABLE ff_before EXCEPT TABLE ff_finding) AS d;
SELECT crmaudit.alter_rule('ff_customer', 'note_filled', enabled => false) \gset
TRUNCATE ff_customer;
SELECT crmaudit.alter_rule('ff_customer', 'note_filled', enabled => true) \gset
INSERT INTO ff_customer VALUES (1, NULL, NULL), (7, NULL, NULL);
SELECT * FROM ff_short ORDER BY 1, 2;
DROP TABLE ff_before;
CREATE TEMP TABLE ff_before AS SELECT * FROM ff_finding;
-- from the beginning, in one go
BEGIN;
DELETE FROM crmaudit.finding_state WHERE target = 'ff_customer'::regclass;
UPDATE crmaudit.finding_fold SET folded_to = (SELECT min(id) - 1 FROM crmaudit.finding_event WHERE target = 'ff_customer'::regclass);
SELECT count(*) FROM (TABLE ff_before EXCEPT TABLE ff_finding) AS d;
SELECT crmaudit.fold_findings() = count(*) AS all FROM crmaudit.finding_event WHERE target = 'ff_customer'::regclass;
SELECT count(*) FROM (TABLE ff_before EXCEPT TABLE ff_finding) AS d;
ROLLBACK;
-- one by one
CREATE PROCEDURE ff_fold_each(target regclass) LANGUAGE plpgsql AS $$
DECLARE
	one bigint;
BEGIN
	-- the ids of events that are not there yet are holes
	FOR one IN SELECT e.id FROM crmaudit.finding_event e WHERE e.target = ff_fold_each.target ORDER BY e.id LOOP
		UPDATE crmaudit.finding_fold SET folded_to = (SELECT max(id) FROM crmaudit.finding_event), holes = int8multirange(int8range(one, one, '[]')),
			new_holes = '{}', holes_xmax = crmaudit.next_xid(), new_holes_xmax = crmaudit.next_xid();
		PERFORM crmaudit.fold_findings();
	END LOOP;
END $$;
BEGIN;
DELETE FROM crmaudit.finding_state WHERE target = 'ff_customer'::regclass;
CALL ff_fold_each('ff_customer');
SELECT count(*) FROM (TABLE ff_before EXCEPT TABLE ff_finding) AS d;
SELECT count(*) = (SELECT count(*) FROM ff_before) AS same FROM ff_finding;
ROLLBACK;

-- Any events in any order, steps that make no sense among them.
BEGIN;
SELECT crmaudit.fold_findings() > 0 AS folded;
DO $$
BEGIN
	PERFORM setseed(0.5);
	FOR i IN 1 .. 600 LOOP
		INSERT INTO crmaudit.finding_event (target, rule_id, rule_version, row_key, event, verdict, reason, severity, username, actor, person, assignee,
				due_at, note, valid_until, approved_by, department, group_key, run_id)
			SELECT 'ff_customer', r.id, 1 + i % 2, CASE WHEN e.event NOT IN ('truncated', 'disabled') THEN jsonb_build_object('id', 1000 + floor(random() * 6)::int) END,
				e.event, 'invalid', 'reason ' || i, 'warning', 'user ' || i, 'actor ' || i, 'person ' || i, 'assignee ' || i,
				CASE WHEN i % 3 = 0 THEN now() + i * interval '1 hour' END, 'note ' || i, current_date + (i % 7 - 3), 'boss ' || i, 'department ' || i % 4,
				'group ' || i % 5, CASE WHEN i % 5 = 0 AND e.event IN ('seen', 'gone') THEN 1000000 + i END
			FROM (SELECT * FROM crmaudit.rule WHERE target = 'ff_customer'::regclass ORDER BY random() LIMIT 1) r,
				(SELECT u.event FROM unnest(CASE WHEN i % 60 = 0 THEN '{truncated,disabled}' ELSE '{seen,seen,seen,seen,gone,distributed,assigned,acknowledged,resolved,verified,false_positive,waived,reopened,answered,escalated}' END::text[]) AS u(event)
					ORDER BY random() LIMIT 1) e;
	END LOOP;
END $$;
CREATE TEMP TABLE ff_random AS SELECT * FROM ff_finding;
SELECT count(*), count(DISTINCT status) > 2 AS various FROM ff_random WHERE row_key ->> 'id' >= '1000' AND length(row_key ->> 'id') = 4;
CREATE TEMP TABLE ff_left AS SELECT id FROM crmaudit.unfolded_events();
DO $$
DECLARE
	piece bigint[];
BEGIN
	-- in pieces, each in its turn
	FOR i IN 1 .. 60 LOOP
		piece := ARRAY(SELECT id FROM ff_left ORDER BY id OFFSET (i - 1) * 10 LIMIT 10);
		UPDATE crmaudit.finding_fold SET folded_to = (SELECT max(id) FROM crmaudit.finding_event), holes = (SELECT range_agg(int8range(s, s, '[]')) FROM unnest(piece) s),
			new_holes = '{}', holes_xmax = crmaudit.next_xid(), new_holes_xmax = crmaudit.next_xid();
		PERFORM crmaudit.fold_findings();
	END LOOP;
END $$;
SELECT count(*) FROM crmaudit.unfolded_events();
SELECT count(*) FROM (TABLE ff_random EXCEPT TABLE ff_finding) AS d;
SELECT count(*) FROM (TABLE ff_finding EXCEPT TABLE ff_random) AS d;
ROLLBACK;

-- What is folded stays what it is without its events.
BEGIN;
SELECT crmaudit.fold_findings() > 0 AS folded;
DELETE FROM crmaudit.finding_event WHERE target = 'ff_customer'::regclass;
SELECT count(*) FROM (TABLE ff_before EXCEPT TABLE ff_finding) AS d;
INSERT INTO ff_customer VALUES (3, NULL, 'x');
SELECT * FROM ff_short WHERE customer = 3 ORDER BY rule;
ROLLBACK;

-- Ids that a transaction took along when it failed are holes, until every
-- transaction that might own one is over.
SELECT crmaudit.fold_findings() > 0 AS folded;
BEGIN;
INSERT INTO ff_customer SELECT i, NULL, NULL FROM generate_series(101, 110) i;
ROLLBACK;
INSERT INTO ff_customer VALUES (111, NULL, 'x');
SELECT crmaudit.fold_findings();
SELECT (SELECT sum(upper(h) - lower(h)) FROM unnest(holes + new_holes) h) AS holes FROM crmaudit.finding_fold;
DO $$
BEGIN
	-- autovacuum is such a transaction, too
	FOR i IN 1 .. 200 LOOP
		PERFORM crmaudit.fold_findings();
		EXIT WHEN (SELECT isempty(f.holes + f.new_holes) FROM crmaudit.finding_fold f);
		COMMIT;
		PERFORM pg_sleep(0.05);
	END LOOP;
END $$;
SELECT isempty(holes + new_holes) AS closed, folded_to = (SELECT max(id) FROM crmaudit.finding_event) AS all FROM crmaudit.finding_fold;
-- An old snapshot does not show what others folded.
INSERT INTO ff_customer VALUES (112, NULL, 'x');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT crmaudit.fold_findings();
SELECT customer, status FROM ff_short WHERE customer = 112;
COMMIT;
SELECT crmaudit.fold_findings();

-- A sweep speaks as of its snapshot. What was repaired, or was found, or
-- somebody did since then is not undone by it.
INSERT INTO ff_customer VALUES (201, NULL, 'x'), (202, NULL, 'x'), (203, NULL, 'x'), (204, NULL, 'x');
ALTER TABLE ff_customer DISABLE TRIGGER zz_crmaudit_gate;
INSERT INTO ff_customer VALUES (205, NULL, 'x'), (206, NULL, 'x');
ALTER TABLE ff_customer ENABLE TRIGGER zz_crmaudit_gate;
SELECT pg_current_snapshot() AS snapshot \gset
UPDATE ff_customer SET mail = 'x' WHERE id = 201;
SELECT crmaudit.resolve(ARRAY(SELECT id FROM ff_finding WHERE row_key = '{"id": 202}'), 'x');
UPDATE ff_customer SET mail = 'x' WHERE id = 203;
UPDATE ff_customer SET mail = NULL WHERE id = 203;
UPDATE ff_customer SET mail = 'x' WHERE id = 205;
INSERT INTO crmaudit.run (target, started_at, finished_at, status, rows, failures, rule_set_version, sample_percent, seed, workers, snapshot)
	VALUES ('ff_customer', now(), now(), 'completed', 0, 0, 1, 100, 0, 0, :'snapshot') RETURNING id AS run \gset
-- the second time after folding, which must remember it all
PREPARE ff_sweep(text) AS INSERT INTO crmaudit.finding_event (target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity, run_id)
	SELECT 'ff_customer', :mail_rule, 1, jsonb_build_object('id', i), 'mail', $1, 'invalid', 'missing', 'error', :run FROM generate_series(201, 206) i;
BEGIN;
EXECUTE ff_sweep('seen');
SELECT customer, status, occurrences FROM ff_short WHERE customer > 200 ORDER BY 1;
ROLLBACK;
SELECT crmaudit.fold_findings() > 0 AS folded;
EXECUTE ff_sweep('seen');
SELECT customer, status, occurrences FROM ff_short WHERE customer > 200 ORDER BY 1;
SELECT crmaudit.fold_findings() > 0 AS folded;
SELECT customer, status, occurrences FROM ff_short WHERE customer > 200 ORDER BY 1;
SELECT run_id = :run AS by_sweep, (row_key -> 'id')::int AS customer FROM ff_finding WHERE (row_key -> 'id')::int > 200 ORDER BY 2;
-- what it does not find is gone, but for what was found since
EXECUTE ff_sweep('gone');
SELECT customer, status, resolution FROM ff_short WHERE customer > 200 ORDER BY 1;
SELECT resolved_by FROM ff_finding WHERE row_key = '{"id": 204}';
-- The next sweep has seen all of that.
SELECT pg_current_snapshot() AS snapshot \gset
UPDATE crmaudit.run SET snapshot = :'snapshot' WHERE id = :run;
EXECUTE ff_sweep('seen');
SELECT crmaudit.fold_findings() > 0 AS folded;
SELECT customer, status, occurrences FROM ff_short WHERE customer > 200 ORDER BY 1;
-- A rule that was disabled while it was on has no new finding from it.
SELECT crmaudit.alter_rule('ff_customer', 'mail_filled', enabled => false) \gset
SELECT crmaudit.alter_rule('ff_customer', 'mail_filled', enabled => true) \gset
EXECUTE ff_sweep('seen');
INSERT INTO crmaudit.finding_event (target, rule_id, rule_version, row_key, event, run_id) VALUES ('ff_customer', :mail_rule, 1, '{"id": 207}', 'seen', :run);
SELECT customer, status, resolution FROM ff_short WHERE customer > 200 AND rule = 'mail_filled' ORDER BY 1;
BEGIN;
SELECT crmaudit.fold_findings() > 0 AS folded;
SELECT count(*) FROM ff_short WHERE customer = 207;
ROLLBACK;
SELECT pg_current_snapshot() AS snapshot \gset
UPDATE crmaudit.run SET snapshot = :'snapshot' WHERE id = :run;
EXECUTE ff_sweep('seen');
SELECT crmaudit.fold_findings() > 0 AS folded;
DEALLOCATE ff_sweep;
-- A transaction id of the database that a dump came from is no reason to doubt a sweep.
UPDATE crmaudit.finding_state SET last_xid = '9000000000000', last_incarnation = last_incarnation + 1 WHERE target = 'ff_customer'::regclass;
INSERT INTO crmaudit.finding_event (target, rule_id, rule_version, row_key, event, run_id) VALUES ('ff_customer', :mail_rule, 1, '{"id": 201}', 'gone', :run);
SELECT customer, status, resolution FROM ff_short WHERE customer = 201;
DELETE FROM crmaudit.run WHERE id = :run;

-- A waiver counts while it lasts: repaired and broken again meanwhile it is tolerated still.
SELECT crmaudit.waive(ARRAY(SELECT id FROM ff_finding WHERE row_key = '{"id": 202}'), current_date, 'x', 'boss');
UPDATE ff_customer SET mail = 'x' WHERE id = 202;
SELECT status, resolution FROM ff_short WHERE customer = 202;
UPDATE ff_customer SET mail = NULL WHERE id = 202;
SELECT status FROM ff_short WHERE customer = 202;
SELECT crmaudit.fold_findings() > 0 AS folded;
-- over, it is open and due from then on, and steps are taken on it
UPDATE crmaudit.finding_state SET waived_until = current_date - 2 WHERE row_key = '{"id": 202}' AND target = 'ff_customer'::regclass;
SELECT status FROM ff_short WHERE customer = 202;
SELECT crmaudit.acknowledge(ARRAY(SELECT id FROM ff_finding WHERE row_key = '{"id": 202}'));
SELECT status, opened_at::date = current_date - 1 AS since_then, waived_until FROM ff_finding WHERE row_key = '{"id": 202}';

-- Groups: who shares a value is cleared at once; who joins later, or moves to another group, is not.
CREATE PROCEDURE ff_share(customers int[], group_key text) LANGUAGE sql AS $$
	INSERT INTO crmaudit.finding_event (target, rule_id, rule_version, row_key, event, verdict, reason, severity, group_key)
		SELECT r.target, r.id, r.version, jsonb_build_object('id', i), 'seen', 'suspect', 'missing', r.severity, group_key
		FROM crmaudit.rule r, unnest(customers) i WHERE r.target = 'ff_customer'::regclass AND r.name = 'note_filled'
$$;
CALL ff_share('{301,302}', 'ff group one');
SELECT crmaudit.clear_group('ff group one', 'a family');
SELECT crmaudit.clear_group('ff group one', 'a family');
SELECT crmaudit.clear_group('ff group two', 'a family');
SELECT crmaudit.clear_group('ff group one', '');
CALL ff_share('{301,302,303}', 'ff group one');
SELECT customer, status, occurrences FROM ff_short WHERE customer > 300 ORDER BY 1;
SELECT crmaudit.fold_findings() > 0 AS folded;
CALL ff_share('{302}', 'ff group two');
SELECT customer, status, occurrences FROM ff_short WHERE customer > 300 ORDER BY 1;
SELECT row_key, evidence, resolution FROM ff_finding WHERE row_key = '{"id": 301}';

-- A renamed key names the same finding, folded or not.
SELECT count(*) AS n FROM ff_finding \gset
ALTER TABLE ff_customer RENAME COLUMN id TO number;
SELECT count(*) = :n AS same, count(*) FILTER (WHERE row_key ? 'id') AS old_names FROM ff_finding;
UPDATE ff_customer SET mail = 'x' WHERE number IN (111, 112, 203);
SELECT row_key, status FROM ff_finding WHERE row_key ->> 'number' IN ('111', '112', '203') AND rule = 'mail_filled' ORDER BY 1;
SELECT count(*) = :n AS same FROM ff_finding;

-- The state machine reads cursors that give it events, and no others.
BEGIN;
SELECT * FROM crmaudit.findings_of('ff_nothing');
ROLLBACK;
BEGIN;
DECLARE ff_other CURSOR FOR SELECT 1 AS id;
SELECT * FROM crmaudit.findings_of('ff_other');
ROLLBACK;
BEGIN;
SELECT replace(crmaudit.finding_stream('SELECT * FROM crmaudit.finding_event', 'crmaudit.finding_event', true), 's AS folded', 'NULL::text AS folded') AS query \gset
DECLARE ff_other CURSOR FOR :query;
SELECT * FROM crmaudit.findings_of('ff_other');
ROLLBACK;
BEGIN;
SELECT crmaudit.finding_stream('SELECT * FROM crmaudit.finding_event WHERE target = ''ff_customer''::regclass', 'crmaudit.finding_event', false) AS query \gset
DECLARE ff_events CURSOR FOR :query;
SELECT count(*) = (SELECT count(*) FROM ff_finding WHERE status <> 'unseen') AS all FROM crmaudit.findings_of('ff_events') WHERE status <> 'unseen';
ROLLBACK;

-- Incomplete and false data are counted apart (D8).
SELECT d, r, crmaudit.finding_nature(d, r) FROM (VALUES ('completeness', 'missing'), ('validity', 'blank'), ('validity', 'checksum'), ('accuracy', 'placeholder'),
	('completeness', 'placeholder'), ('completeness', 'no_match'), ('consistency', 'sex_differs'), ('uniqueness', 'shared'), ('timeliness', 'too_old'),
	('validity', 'rule_error'), (NULL, NULL)) v(d, r);

-- The desk: who, what, why, how it stands now, masked, and by when.
CREATE TABLE ff_account (id int PRIMARY KEY, mobile text, owner text, code text);
SELECT crmaudit.protect('ff_account', mode => 'observe', roles => '{"owner":"owner","mobile":"phone"}') \gset
SELECT crmaudit.add_rule('ff_account', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN","due":"36 hours"}') \gset
SELECT crmaudit.add_rule('ff_account', 'mobile_short', 'length', '{mobile}', '{"max":12}', severity => 'warning') \gset
SELECT crmaudit.add_rule('ff_account', 'code_upper', 'expression', params => '{"sql":"code = upper(code)"}') \gset
SELECT crmaudit.add_rule('ff_account', 'code_short', 'length', '{code}', '{"max":2}') \gset
INSERT INTO ff_account VALUES (1, '1391827635', 'li', 'abc'), (2, '13918276354 ext', NULL, NULL), (3, '12', 'wu', NULL);
DELETE FROM ff_account WHERE id = 3;
CREATE VIEW ff_work AS SELECT customer, owner, rule, reason, nature, masked_value, severity, status, due_at > now() AS in_time, overdue FROM crmaudit.work_list WHERE target = 'ff_account'::regclass;
SELECT * FROM ff_work ORDER BY customer, rule;
-- Who may not read the table, sees no value of it; nor does one whom row security keeps from the row.
CREATE ROLE ff_desk;
SELECT count(*) FROM crmaudit.grant_duty('steward', 'ff_desk') \gset
SET SESSION AUTHORIZATION ff_desk;
SELECT customer, owner, rule, masked_value FROM crmaudit.work_list WHERE target = 'ff_account'::regclass ORDER BY customer, rule;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON ff_account TO ff_desk;
ALTER TABLE ff_account ENABLE ROW LEVEL SECURITY;
CREATE POLICY ff_li ON ff_account TO ff_desk USING (owner = 'li');
SET SESSION AUTHORIZATION ff_desk;
SELECT customer, owner, rule, masked_value FROM crmaudit.work_list WHERE target = 'ff_account'::regclass ORDER BY customer, rule;
RESET SESSION AUTHORIZATION;
-- A row named by a digest is not looked up.
CREATE TABLE ff_citizen (id_no text PRIMARY KEY, mail text);
SELECT crmaudit.protect('ff_citizen', mode => 'observe', roles => '{"id_no":"resident_id"}') \gset
SELECT crmaudit.add_rule('ff_citizen', 'mail_long', 'length', '{mail}', '{"min":9}') \gset
INSERT INTO ff_citizen VALUES ('11010519491231002X', 'secret');
SELECT customer LIKE '%11010519491231002X%' AS shown, masked_value FROM crmaudit.work_list WHERE target = 'ff_citizen'::regclass;
-- What is not as it should be shows in health: events that nobody folds, rules whose due dates cannot be told.
CREATE FUNCTION ff_day(day date) RETURNS date LANGUAGE sql IMMUTABLE AS 'SELECT day';
SELECT crmaudit.add_rule('ff_account', 'code_filled', 'required', '{code}', '{"not_after":"ff_day(''2026-01-01'')"}') \gset
DROP FUNCTION ff_day;
BEGIN;
INSERT INTO crmaudit.finding_event (at, target, event) SELECT now() - interval '2 hours', 'ff_citizen', 'truncated' FROM generate_series(1, 10001);
SELECT target, rule, regexp_replace(problem, '\d+', 'N', 'g') ~ '^(N events of findings are not folded, the oldest of N-N-N N:N:N|its findings get no due date: function)' AS told, remedy
	FROM crmaudit.health WHERE subject = 'finding' AND (target IS NULL OR target = 'ff_account'::regclass) ORDER BY target;
ROLLBACK;

-- No value is in a state, as there is none in an event.
SELECT count(crmaudit.fold_findings()) FROM generate_series(1, 2);
SELECT count(*) FROM crmaudit.finding_state s WHERE s::text ~ 'secret|1391827635|11010519491231002X';

-- A dropped table resolves its findings, whether folded or not.
CREATE TEMP TABLE ff_rules AS SELECT id FROM crmaudit.rule WHERE target IN ('ff_customer'::regclass, 'ff_account'::regclass, 'ff_citizen'::regclass);
DROP VIEW ff_work, ff_short, ff_finding;
DROP TABLE ff_customer;
SELECT status, resolution, count(*) > 0 AS some FROM crmaudit.finding WHERE rule_id IN (TABLE ff_rules) AND rule IN ('mail_filled', 'note_filled') AND status NOT IN ('false_positive', 'resolved') GROUP BY 1, 2;
SELECT crmaudit.fold_findings() > 0 AS folded;
DROP TABLE ff_account, ff_citizen;
SELECT crmaudit.fold_findings() > 0 AS folded;
SELECT count(*) FROM crmaudit.open_findings f JOIN crmaudit.finding USING (id) WHERE rule_id IN (TABLE ff_rules);
SELECT count(*) FROM crmaudit.finding_state WHERE target <> 0 AND rule_id IN (TABLE ff_rules);
DROP TABLE ff_rules;
DROP PROCEDURE ff_share, ff_fold_each;
SELECT crmaudit.revoke_duty('steward', 'ff_desk') \gset
DROP ROLE ff_desk;

-- A family that shares a phone, as the sweep finds it: cleared in one call, it
-- stays cleared; who takes their phone later does not.
CREATE TABLE ff_family (id int PRIMARY KEY, phone text);
SELECT crmaudit.protect('ff_family', mode => 'observe', history => false) \gset
SELECT crmaudit.add_rule('ff_family', 'phone_shared', 'shared_value', '{phone}', '{"type":"phone","region":"CN"}') \gset
INSERT INTO ff_family VALUES (1, '13918276354'), (2, '+86 139 1827 6354'), (3, '13918276355');
SELECT count(*) FROM crmaudit.sweep('ff_family');
SELECT customer, status, count(*) OVER (PARTITION BY group_key) AS in_group FROM crmaudit.work_list WHERE target = 'ff_family'::regclass ORDER BY 1;
SELECT crmaudit.clear_group((SELECT DISTINCT group_key FROM crmaudit.work_list WHERE target = 'ff_family'::regclass), 'husband and wife');
SELECT count(*) FROM crmaudit.sweep('ff_family');
SELECT row_key, status, occurrences FROM crmaudit.finding WHERE target = 'ff_family'::regclass ORDER BY row_key;
INSERT INTO ff_family VALUES (4, '139-1827-6354');
UPDATE ff_family SET phone = '13918276355' WHERE id = 2;
SELECT count(*) FROM crmaudit.sweep('ff_family');
SELECT row_key, status FROM crmaudit.finding WHERE target = 'ff_family'::regclass ORDER BY row_key;
-- Gone with its rows, which without an index only the sweep can tell.
DELETE FROM ff_family;
SELECT count(*) FROM crmaudit.sweep('ff_family');
SELECT row_key, status, resolution FROM crmaudit.finding WHERE target = 'ff_family'::regclass ORDER BY row_key;
DROP TABLE ff_family;
