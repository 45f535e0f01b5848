-- What replication writes is stored as it is, nothing is found, but it counts
-- in the scores.  See also test/t/replication.pl.
\set SHOW_CONTEXT never

CREATE TABLE gx_visit (kind text, id int, note text, phone text, clerk text, score int, closed boolean NOT NULL DEFAULT false, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE gx_a PARTITION OF gx_visit FOR VALUES IN ('a');
CREATE TABLE gx_b (closed boolean NOT NULL DEFAULT false, clerk text, note text, score int, phone text, id int NOT NULL, kind text NOT NULL);
ALTER TABLE gx_visit ATTACH PARTITION gx_b FOR VALUES IN ('b');
SELECT crmaudit.protect('gx_visit', roles => '{"clerk":"owner","score":"score"}', history => false, live => 'NOT closed') \gset
SELECT count(crmaudit.add_rule('gx_visit', name, kind, columns::text[], params::jsonb, severity))
FROM (VALUES
	('note_filled', 'required', '{note}', '{}', 'error'),
	('phone_valid', 'format', '{phone}', '{"type": "phone", "region": "CN", "normalise": true}', 'error'),
	('phone_late', 'required', '{phone}', '{"timing": "commit"}', 'error'),
	('quotient', 'expression', '{id}', '{"sql": "100 / (id - 3) > -50"}', 'error')
) AS t(name, kind, columns, params, severity);
CREATE TABLE gx_c PARTITION OF gx_visit FOR VALUES IN ('c');
-- The triggers fire always, also on partitions that come later.
CREATE VIEW gx_triggers AS
	SELECT t.tgenabled, t.tgname, count(*), string_agg(t.tgrelid::regclass::text, ' ' ORDER BY t.tgrelid::regclass::text) AS relations
	FROM pg_trigger t WHERE t.tgname LIKE 'zz\_crmaudit\_%' AND t.tgrelid::regclass::text LIKE 'gx%' GROUP BY 1, 2;
SELECT * FROM gx_triggers ORDER BY tgname;
CREATE FUNCTION pg_temp.state(OUT rows bigint, OUT clean_row_rate numeric, OUT stale boolean, OUT scores_are_true boolean, OUT finding_events bigint)
LANGUAGE sql AS $$
	SELECT l.rows, l.clean_row_rate, l.stale,
		(l.rows, l.score::text, l.clean_row_rate, l.coverage) IS NOT DISTINCT FROM (m.rows, m.score::text, m.clean_row_rate, m.coverage)
			AND NOT EXISTS (SELECT column_name, dimension, assessed, failed, score FROM crmaudit.live_column_scores('gx_visit')
				EXCEPT SELECT * FROM crmaudit.measure_columns('gx_visit'))
			AND NOT EXISTS (SELECT owner, o.rows, score::text, clean_row_rate, coverage FROM crmaudit.live_owner_scores('gx_visit') o
				EXCEPT SELECT value, s.rows, s.score::text, s.clean_row_rate, s.coverage FROM crmaudit.measure_segments('gx_visit', 'clerk') s),
		(SELECT count(*) FROM crmaudit.finding_event WHERE target = 'gx_visit'::regclass)
	FROM crmaudit.live_table_score('gx_visit') l, crmaudit.measure_table('gx_visit') m
$$;
SELECT crmaudit.rebase_scores('gx_visit');

SET session_replication_role = replica;
INSERT INTO gx_visit SELECT kind, id, CASE WHEN id % 3 > 0 THEN 'x' END, CASE WHEN id % 2 > 0 THEN '138 2650 4927' ELSE 'bad' END, 'c' || id % 3, 7, id = 4
	FROM unnest('{a,b,c}'::text[]) kind, generate_series(1, 8) id;
COPY gx_visit (kind, id, note) FROM stdin;
a	20	\N
b	20	x
\.
SELECT * FROM pg_temp.state();
-- as it came: neither refused, nor normalised, nor is the score written
SELECT phone, score, count(*) FROM gx_visit GROUP BY 1, 2 ORDER BY 1, 2;
UPDATE gx_visit SET note = NULL, clerk = 'c9' WHERE id IN (1, 4);
UPDATE gx_visit SET closed = NOT closed WHERE id IN (4, 5);
UPDATE gx_visit SET note = note WHERE id = 7;
SELECT * FROM pg_temp.state();
UPDATE gx_visit SET kind = 'c', id = id + 100, phone = NULL WHERE kind = 'a' AND id > 5;
DELETE FROM gx_visit WHERE id IN (2, 3);
INSERT INTO gx_visit (kind, id) VALUES ('a', 20) ON CONFLICT DO NOTHING;
INSERT INTO gx_visit (kind, id) VALUES ('a', 20), ('b', 21) ON CONFLICT (kind, id) DO UPDATE SET note = 'x';
SELECT * FROM pg_temp.state();
BEGIN;
SAVEPOINT a;
TRUNCATE gx_c;
SELECT * FROM pg_temp.state();
ROLLBACK TO a;
TRUNCATE gx_b;
COMMIT;
SELECT * FROM pg_temp.state();
TRUNCATE gx_visit;
INSERT INTO gx_visit (kind, id) VALUES ('a', 1);
SELECT * FROM pg_temp.state();
-- mode off, as elsewhere
SET crmaudit.mode = off;
DELETE FROM gx_visit;
SELECT stale FROM pg_temp.state();
RESET crmaudit.mode;
-- nothing is counted, nothing is judged
RESET session_replication_role;
SELECT crmaudit.protect('gx_visit', history => false, live_scores => false) \gset
SELECT crmaudit.rebase_scores('gx_visit');
SET session_replication_role = replica;
INSERT INTO gx_visit (kind, id) VALUES ('a', 2), ('b', 2);
TRUNCATE gx_a;
SELECT count(*) FROM crmaudit.score_delta WHERE target = 'gx_visit'::regclass;
SELECT finding_events FROM pg_temp.state();
RESET session_replication_role;
INSERT INTO gx_visit (kind, id) VALUES ('a', 4);

-- A trigger that is not enabled always is told, and protect() mends it; one
-- that is disabled stays so.
ALTER TABLE gx_visit ENABLE TRIGGER zz_crmaudit_stored;
ALTER TABLE gx_a DISABLE TRIGGER zz_crmaudit_gate, ENABLE REPLICA TRIGGER zz_crmaudit_truncate;
SELECT problem, remedy FROM crmaudit.health WHERE subject = 'trigger' AND target = 'gx_visit'::regclass ORDER BY problem;
SELECT crmaudit.protect('gx_visit', history => false) \gset
SELECT problem, remedy FROM crmaudit.health WHERE subject = 'trigger' AND target = 'gx_visit'::regclass ORDER BY problem;

-- The right TRIGGER is enough, as before.
CREATE ROLE regress_crmaudit_protector;
CREATE TABLE gx_plain (id int PRIMARY KEY);
GRANT SELECT, TRIGGER ON gx_plain TO regress_crmaudit_protector;
SELECT count(*) FROM crmaudit.grant_duty('admin', 'regress_crmaudit_protector');
SET ROLE regress_crmaudit_protector;
SELECT crmaudit.protect('gx_plain', history => false) \gset
RESET ROLE;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'gx_plain'::regclass AND NOT tgisinternal ORDER BY 1;
SELECT crmaudit.revoke_duty('admin', 'regress_crmaudit_protector');

DROP VIEW gx_triggers;
DROP TABLE gx_visit, gx_plain;
DROP OWNED BY regress_crmaudit_protector;
DROP ROLE regress_crmaudit_protector;
