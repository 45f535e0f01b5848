-- What is swept, and what that is compared with.
CREATE SCHEMA bench_sweep;
SET search_path = bench_sweep;

-- A case is a statement about a table; a sweep finds so many failures there.
CREATE TABLE scenario (
	n int GENERATED ALWAYS AS IDENTITY,
	name text PRIMARY KEY,
	part text NOT NULL,
	title text NOT NULL,
	source text NOT NULL,
	statement text NOT NULL,
	failures bigint
);
CREATE TABLE timing (name text, round int, ms float8);
CREATE TABLE memory (n int GENERATED ALWAYS AS IDENTITY, title text, base_kb bigint, scan_kb bigint, write_kb bigint, fold_kb bigint, samples int);

CREATE FUNCTION add_sweep(name text, part text, title text, source text, workers int, failures bigint) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
	INSERT INTO bench_sweep.scenario (name, part, title, source, statement, failures)
	VALUES (name, part, title, source, format('SELECT crmaudit.sweep(%L, workers => %s)', 'bench_sweep.' || source, workers), failures);
END;

-- The rows of bench.valid, again and again with other keys, until there are
-- enough; every hundredth is bad, if so wanted.
CREATE PROCEDURE fill(name text, rows bigint, bad boolean) LANGUAGE plpgsql AS $$
DECLARE
	step bigint := (SELECT max(customer_no) FROM bench.valid);
BEGIN
	EXECUTE format('CREATE TABLE bench_sweep.%I (LIKE bench.valid)', name);
	FOR shift IN 0 .. rows - 1 BY step LOOP
		EXECUTE format($insert$
			INSERT INTO bench_sweep.%I
			SELECT customer_no + $1, full_name, id_no, birth_date, sex,
				CASE WHEN $3 AND (customer_no + $1) %% 100 = 0 THEN '12345' ELSE mobile END,
				mail, card, status, premium, created_at
			FROM bench.valid WHERE customer_no + $1 <= $2
		$insert$, name) USING shift, rows, bad;
	END LOOP;
	EXECUTE format('ALTER TABLE bench_sweep.%I ADD PRIMARY KEY (customer_no)', name);
END $$;

CALL fill('good', :rows, false);
-- What a session needs once is there after a sweep of this one.
CALL fill('warm', 1000, true);
CALL fill('shared', :rows, false);
-- Every hundredth row has the phone of the row before it, and every hundredth the bank card.
UPDATE shared s SET mobile = b.mobile FROM bench.valid b WHERE s.customer_no % 100 = 0 AND b.customer_no = s.customer_no - 1;
UPDATE shared s SET card = b.card FROM bench.valid b WHERE s.customer_no % 100 = 50 AND b.customer_no = s.customer_no - 1;
VACUUM (FULL, FREEZE) shared;
VACUUM (ANALYZE, FREEZE) good, warm, shared;

-- Rules come after the rows: nothing is judged before the sweep.
SELECT bench.add_rules('good', 'observe');
SELECT bench.add_rules('warm', 'observe');
SELECT crmaudit.protect('shared', mode => 'observe', history => false);
SELECT crmaudit.add_rule('shared', 'shared_mobile', 'shared_value', '{mobile}', '{"type":"phone","region":"CN"}'),
	crmaudit.add_rule('shared', 'shared_card', 'shared_value', '{card}', '{"type":"bank_card"}');

INSERT INTO scenario (name, part, title, source, statement)
SELECT 'scan', 'rows', 'sum(octet_length(...)) over all columns', 'good',
	format('SELECT sum(%s) FROM bench_sweep.good', string_agg(format('octet_length(%I%s)', attname, CASE atttypid WHEN 'text'::regtype THEN '' ELSE '::text' END), ' + ' ORDER BY attnum))
FROM pg_attribute WHERE attrelid = 'good'::regclass AND attnum > 0;
-- As bench/gate.sql has them: without check digits and calendar.
INSERT INTO scenario (name, part, title, source, statement) VALUES ('checks', 'rows', 'the same checks as SQL, count(*) FILTER', 'good', $$
	SELECT count(*) FILTER (WHERE full_name IS NULL),
		count(*) FILTER (WHERE mobile IS NULL),
		count(*) FILTER (WHERE id_no !~ '^[1-9][0-9]{5}(18|19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]$'),
		count(*) FILTER (WHERE substr(id_no, 7, 8) <> to_char(birth_date, 'YYYYMMDD')),
		count(*) FILTER (WHERE substr(id_no, 17, 1) !~ CASE sex WHEN 'M' THEN '[13579]' WHEN 'F' THEN '[02468]' ELSE '' END),
		count(*) FILTER (WHERE mobile !~ '^(\+?86)?1[3-9][0-9]{9}$'),
		count(*) FILTER (WHERE mail !~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$'),
		count(*) FILTER (WHERE card !~ '^[1-9][0-9]{11,18}$'),
		count(*) FILTER (WHERE char_length(full_name) NOT BETWEEN 2 AND 60),
		count(*) FILTER (WHERE status NOT IN ('lead', 'customer', 'paused', 'closed')),
		count(*) FILTER (WHERE premium NOT BETWEEN 0 AND 1000000),
		count(*) FILTER (WHERE created_at > now())
	FROM bench_sweep.good$$);
SELECT add_sweep('sweep_' || workers, 'rows', format('sweep, %s', CASE workers WHEN 0 THEN 'no worker' WHEN 1 THEN 'one worker' ELSE 'two workers' END), 'good', workers, 0)
FROM generate_series(0, 2) workers;

INSERT INTO scenario (name, part, title, source, statement) VALUES ('group_by', 'groups', 'two GROUP BY ... HAVING count(*) > 1', 'shared', $$
	SELECT count(*) FROM (SELECT mobile FROM bench_sweep.shared GROUP BY mobile HAVING count(*) > 1) s;
	SELECT count(*) FROM (SELECT card FROM bench_sweep.shared GROUP BY card HAVING count(*) > 1) s$$);
SELECT add_sweep('groups_' || workers, 'groups', format('sweep, %s', CASE workers WHEN 0 THEN 'no worker' ELSE 'two workers' END), 'shared', workers, 4 * (:rows / 100))
FROM unnest('{0,2}'::int[]) workers;
