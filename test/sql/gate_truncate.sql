-- TRUNCATE of partitions: their rows leave as if they were deleted, so that
-- findings and live scores are those of a sweep.
\set SHOW_CONTEXT never

CREATE TABLE gr_deal (kind text, id int, name text, mail text, clerk text, closed boolean NOT NULL DEFAULT false, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE gr_a PARTITION OF gr_deal FOR VALUES IN ('a') PARTITION BY RANGE (id);
CREATE TABLE gr_a_low PARTITION OF gr_a FOR VALUES FROM (0) TO (5);
CREATE TABLE gr_a_high PARTITION OF gr_a DEFAULT;
-- other attribute numbers
CREATE TABLE gr_b (gone int, closed boolean NOT NULL DEFAULT false, clerk text, mail text, name text, id int NOT NULL, kind text NOT NULL);
ALTER TABLE gr_b DROP COLUMN gone;
ALTER TABLE gr_deal ATTACH PARTITION gr_b FOR VALUES IN ('b');
SELECT crmaudit.protect('gr_deal', roles => '{"clerk":"owner"}', mode => 'observe', history => false, live => 'NOT closed') \gset
SELECT count(crmaudit.add_rule('gr_deal', name, kind, columns::text[], params::jsonb, severity))
FROM (VALUES
	('name_filled', 'required', '{name}', '{}', 'error'),
	('mail_valid', 'format', '{mail}', '{"type": "email"}', 'warning'),
	('quotient', 'expression', '{id}', '{"sql": "100 / (id - 3) > -50"}', 'info')
) AS t(name, kind, columns, params, severity);
-- a partition that is made later
CREATE TABLE gr_c PARTITION OF gr_deal FOR VALUES IN ('c');
CREATE TABLE gr_log (note text);

CREATE VIEW gr_triggers AS
	SELECT t.tgrelid::regclass AS relation, t.tgname, pg_get_triggerdef(t.oid) LIKE '% BEFORE TRUNCATE ON %' AS before
	FROM pg_trigger t WHERE t.tgname IN ('zz_crmaudit_truncate', 'zz_crmaudit_truncated') AND t.tgrelid::regclass::text LIKE 'gr%';
SELECT * FROM gr_triggers ORDER BY relation::text, tgname;

CREATE FUNCTION gr_fill() RETURNS void LANGUAGE sql AS $$
	INSERT INTO gr_deal SELECT kind, id, CASE WHEN id % 3 > 0 THEN 'x' END, CASE WHEN id % 2 > 0 THEN 'x' || kind || id || '@mail.cn' ELSE 'bad' END,
			CASE WHEN id % 4 > 0 THEN 'c' || id % 4 END, id = 4
		FROM unnest('{a,b,c}'::text[]) kind, generate_series(1, 8) id
		ON CONFLICT DO NOTHING
$$;
-- Live figures beside those of a scan; open findings beside what is wrong.
CREATE FUNCTION pg_temp.state(OUT rows bigint, OUT score numeric, OUT stale boolean, OUT scores_are_true boolean, OUT open_findings bigint, OUT findings_are_true boolean)
LANGUAGE sql AS $$
	WITH findings AS (SELECT rule, row_key FROM crmaudit.open_findings WHERE target = 'gr_deal'::regclass),
		violations AS (SELECT v.rule, jsonb_build_object('kind', d.kind, 'id', d.id) AS row_key
			FROM gr_deal d CROSS JOIN LATERAL crmaudit.violations(d) v WHERE NOT d.closed)
	SELECT l.rows, l.score::numeric, l.stale,
		(l.rows, l.score::text, l.clean_row_rate, l.coverage) IS NOT DISTINCT FROM (m.rows, m.score::text, m.clean_row_rate, m.coverage)
			AND NOT EXISTS (SELECT column_name, dimension, assessed, failed, score FROM crmaudit.live_column_scores('gr_deal')
				EXCEPT SELECT * FROM crmaudit.measure_columns('gr_deal'))
			AND NOT EXISTS (SELECT owner, o.rows, score::text, clean_row_rate, coverage FROM crmaudit.live_owner_scores('gr_deal') o
				EXCEPT SELECT value, s.rows, s.score::text, s.clean_row_rate, s.coverage FROM crmaudit.measure_segments('gr_deal', 'clerk') s)
			AND (SELECT count(*) FROM crmaudit.live_owner_scores('gr_deal')) = (SELECT count(*) FROM crmaudit.measure_segments('gr_deal', 'clerk')),
		(SELECT count(*) FROM crmaudit.open_findings WHERE target = 'gr_deal'::regclass),
		NOT EXISTS (TABLE findings EXCEPT TABLE violations) AND NOT EXISTS (TABLE violations EXCEPT TABLE findings)
	FROM crmaudit.live_table_score('gr_deal') l, crmaudit.measure_table('gr_deal') m
$$;
SELECT gr_fill();
SELECT crmaudit.rebase_scores('gr_deal');
SELECT * FROM pg_temp.state();

-- One partition, a subtree, several in a command.
TRUNCATE gr_b;
SELECT * FROM pg_temp.state();
TRUNCATE gr_a;
SELECT * FROM pg_temp.state();
SELECT gr_fill();
TRUNCATE gr_c, gr_log, gr_a_high, gr_b RESTART IDENTITY CASCADE;
SELECT * FROM pg_temp.state();
SELECT resolution, count(*) FROM crmaudit.finding WHERE target = 'gr_deal'::regclass AND status = 'resolved' GROUP BY 1 ORDER BY 1;
-- With the whole, whichever is named first.
SELECT gr_fill();
TRUNCATE gr_deal, gr_c;
SELECT * FROM pg_temp.state();
SELECT gr_fill();
TRUNCATE gr_a_low, gr_log, gr_deal;
SELECT * FROM pg_temp.state();
-- Only what was empty: nothing is written.
SELECT crmaudit.fold_scores() > 0 AS folded;
TRUNCATE gr_b;
TRUNCATE gr_a, gr_c;
SELECT count(*) FROM crmaudit.score_delta WHERE target = 'gr_deal'::regclass;
SELECT * FROM pg_temp.state();

-- With other writes of the same transaction, and rolled back in part.
SELECT gr_fill();
BEGIN;
INSERT INTO gr_deal VALUES ('b', 20, NULL, 'bad', 'c1'), ('c', 20, NULL, NULL, 'c1');
UPDATE gr_deal SET mail = NULL WHERE kind = 'b' AND id < 4;
SAVEPOINT a;
TRUNCATE gr_b;
INSERT INTO gr_deal VALUES ('b', 21, NULL, 'bad', 'c9');
SELECT * FROM pg_temp.state();
SAVEPOINT b;
TRUNCATE gr_b, gr_c;
SELECT * FROM pg_temp.state();
RELEASE b;
SELECT * FROM pg_temp.state();
ROLLBACK TO a;
SELECT * FROM pg_temp.state();
DELETE FROM gr_deal WHERE kind = 'b' AND id > 6;
UPDATE gr_deal SET kind = 'c', id = id + 100 WHERE kind = 'b' AND id < 3;
TRUNCATE gr_b;
COMMIT;
SELECT * FROM pg_temp.state();
-- The whole, and then again a part of what came after.
BEGIN;
TRUNCATE gr_deal;
SELECT gr_fill();
SAVEPOINT a;
TRUNCATE gr_c;
ROLLBACK TO a;
TRUNCATE gr_a_high;
SELECT * FROM pg_temp.state();
COMMIT;
SELECT * FROM pg_temp.state();
-- A part, and then the whole; the whole fails.
SELECT gr_fill();
CREATE FUNCTION gr_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE TRIGGER zzz BEFORE TRUNCATE ON gr_deal FOR EACH STATEMENT EXECUTE FUNCTION gr_refuse();
BEGIN;
TRUNCATE gr_b;
DO $$ BEGIN TRUNCATE gr_deal; EXCEPTION WHEN raise_exception THEN NULL; END $$;
TRUNCATE gr_c;
SELECT * FROM pg_temp.state();
COMMIT;
SELECT * FROM pg_temp.state();
DROP TRIGGER zzz ON gr_deal;

-- Triggers of others: one that writes elsewhere and fails in part before the
-- tables are emptied, and one that brings rows back afterwards.
CREATE FUNCTION gr_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO gr_log VALUES (tg_relname);
	BEGIN
		INSERT INTO gr_log VALUES (1 / 0);
	EXCEPTION WHEN division_by_zero THEN
		TRUNCATE gr_log;
	END;
	RETURN NULL;
END $$;
CREATE FUNCTION gr_after() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM gr_fill(); RETURN NULL; END $$;
CREATE TRIGGER a BEFORE TRUNCATE ON gr_deal FOR EACH STATEMENT EXECUTE FUNCTION gr_before();
CREATE TRIGGER a BEFORE TRUNCATE ON gr_a_high FOR EACH STATEMENT EXECUTE FUNCTION gr_before();
CREATE TRIGGER b AFTER TRUNCATE ON gr_deal FOR EACH STATEMENT EXECUTE FUNCTION gr_after();
CREATE TRIGGER b AFTER TRUNCATE ON gr_a_high FOR EACH STATEMENT EXECUTE FUNCTION gr_after();
SELECT gr_fill();
TRUNCATE gr_a_high;
SELECT * FROM pg_temp.state();
TRUNCATE gr_deal;
SELECT * FROM pg_temp.state();
DROP TRIGGER a ON gr_deal;
DROP TRIGGER a ON gr_a_high;
DROP TRIGGER b ON gr_deal;
DROP TRIGGER b ON gr_a_high;

-- TRUNCATE knows no snapshot: at other levels too all rows go.
BEGIN ISOLATION LEVEL SERIALIZABLE;
TRUNCATE gr_b;
SELECT * FROM pg_temp.state();
COMMIT;
SELECT * FROM pg_temp.state();

-- The right TRUNCATE is enough.
SELECT gr_fill();
CREATE ROLE regress_crmaudit_truncater;
GRANT TRUNCATE ON gr_c TO regress_crmaudit_truncater;
SET ROLE regress_crmaudit_truncater;
SELECT count(*) FROM gr_c;
TRUNCATE gr_c;
TRUNCATE gr_deal;
RESET ROLE;
SELECT * FROM pg_temp.state();

-- In mode off, as DELETE: not counted, and noticed where there were rows.
SET crmaudit.mode = off;
TRUNCATE gr_c;
SELECT * FROM pg_temp.state();
TRUNCATE gr_b;
SELECT * FROM pg_temp.state();
RESET crmaudit.mode;
SELECT crmaudit.rebase_scores('gr_deal');
SELECT count(*) FROM crmaudit.sweep('gr_deal');
SELECT * FROM pg_temp.state();
-- Where writes are not counted, findings are resolved all the same.
SELECT gr_fill();
SELECT crmaudit.protect('gr_deal', mode => 'observe', history => false, live_scores => false) \gset
SELECT crmaudit.rebase_scores('gr_deal');
TRUNCATE gr_b;
SELECT rows, stale, open_findings, findings_are_true FROM pg_temp.state();
SELECT crmaudit.protect('gr_deal', mode => 'observe', history => false) \gset
SELECT crmaudit.rebase_scores('gr_deal');

-- Partitions that leave lose the trigger, those that come get it.
ALTER TABLE gr_deal DETACH PARTITION gr_a;
ALTER TABLE gr_deal DETACH PARTITION gr_b CONCURRENTLY;
SELECT * FROM gr_triggers ORDER BY relation::text, tgname;
ALTER TABLE gr_deal ATTACH PARTITION gr_a FOR VALUES IN ('a');
CREATE TABLE gr_a_top PARTITION OF gr_a FOR VALUES FROM (100) TO (200);
ALTER TABLE gr_deal ATTACH PARTITION gr_b FOR VALUES IN ('b');
SELECT * FROM gr_triggers ORDER BY relation::text, tgname;
SELECT crmaudit.rebase_scores('gr_deal');
SELECT gr_fill();
INSERT INTO gr_deal VALUES ('a', 100, NULL, NULL, 'c1');
TRUNCATE gr_a_high, gr_a_top, gr_b;
SELECT * FROM pg_temp.state();
-- health tells of one that lacks it, or where it is disabled; protect() mends.
DROP TRIGGER zz_crmaudit_truncate ON gr_b;
ALTER TABLE gr_c DISABLE TRIGGER zz_crmaudit_truncate;
SELECT problem, remedy FROM crmaudit.health WHERE subject = 'trigger' AND target = 'gr_deal'::regclass;
SELECT crmaudit.protect('gr_deal', mode => 'observe', history => false) \gset
ALTER TABLE gr_c ENABLE ALWAYS TRIGGER zz_crmaudit_truncate;
DROP TRIGGER zz_crmaudit_truncate ON gr_deal;
SELECT problem, remedy FROM crmaudit.health WHERE subject = 'trigger' AND target = 'gr_deal'::regclass;
SELECT crmaudit.protect('gr_deal', mode => 'observe', history => false) \gset
SELECT problem, remedy FROM crmaudit.health WHERE subject = 'trigger' AND target = 'gr_deal'::regclass;

-- Rows that share what they should not: the findings of both go.
TRUNCATE gr_deal;
CREATE INDEX ON gr_deal (mail);
SELECT crmaudit.add_rule('gr_deal', 'mail_unique', 'unique', '{mail}') \gset
INSERT INTO gr_deal VALUES ('b', 1, 'x', 'same@mail.cn', 'c1'), ('b', 2, 'x', 'same@mail.cn', 'c1');
SELECT count(*) FROM crmaudit.sweep('gr_deal');
SELECT rule, row_key FROM crmaudit.open_findings WHERE target = 'gr_deal'::regclass ORDER BY row_key;
TRUNCATE gr_b;
SELECT rule, row_key FROM crmaudit.open_findings WHERE target = 'gr_deal'::regclass ORDER BY row_key;

-- The functions are for their triggers only.
SELECT crmaudit.truncating();
CREATE TRIGGER x AFTER TRUNCATE ON gr_log FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.truncating();
TRUNCATE gr_log;
DROP TRIGGER x ON gr_log;
CREATE TRIGGER x BEFORE TRUNCATE ON gr_log FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.truncating();
TRUNCATE gr_log;

SELECT crmaudit.unprotect('gr_deal') \gset
SELECT * FROM gr_triggers ORDER BY relation::text, tgname;
TRUNCATE gr_b;
DROP VIEW gr_triggers;
DROP TABLE gr_deal, gr_log;
DROP FUNCTION gr_fill(), gr_refuse(), gr_before(), gr_after();
DROP ROLE regress_crmaudit_truncater;
