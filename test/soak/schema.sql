-- The tables that the soak writes to, and a count of what is written that owes
-- nothing to the ledger: statement triggers with transition tables, in the
-- writer's own transaction, so that what is rolled back is not counted.
CREATE SCHEMA soak;

CREATE TABLE soak.customer (
	id int PRIMARY KEY,
	name text NOT NULL,
	mobile text,
	mail text,
	status text NOT NULL DEFAULT 'lead',
	premium numeric(12, 2),
	profile jsonb,
	created_at timestamp NOT NULL DEFAULT '2026-01-01 09:30',
	changes int NOT NULL DEFAULT 0
);
-- A change of the day is a change of the key, and moves the row if the quarter
-- is another.
CREATE TABLE soak.visit (
	id int,
	day date,
	note text,
	seen int NOT NULL DEFAULT 0,
	PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE soak.visit_q1 PARTITION OF soak.visit FOR VALUES FROM ('2026-01-01') TO ('2026-04-01');
CREATE TABLE soak.visit_q2 PARTITION OF soak.visit FOR VALUES FROM ('2026-04-01') TO ('2026-07-01');
CREATE TABLE soak.visit_later PARTITION OF soak.visit DEFAULT;

CREATE UNLOGGED TABLE soak.truth (
	xid xid8 NOT NULL,
	target regclass NOT NULL,
	op "char" NOT NULL,
	actor text NOT NULL,
	n bigint NOT NULL
);

-- By hand for each table: the key's columns differ.
CREATE FUNCTION soak.count_customer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	who text := coalesce(nullif(current_setting('crmaudit.actor', true), ''), session_user);
	n bigint;
	kept bigint;
BEGIN
	IF TG_OP = 'INSERT' THEN
		SELECT count(*) INTO n FROM after;
		INSERT INTO soak.truth SELECT pg_current_xact_id(), TG_RELID, 'I', who, n WHERE n > 0;
	ELSIF TG_OP = 'DELETE' THEN
		SELECT count(*) INTO n FROM before;
		INSERT INTO soak.truth SELECT pg_current_xact_id(), TG_RELID, 'D', who, n WHERE n > 0;
	ELSE
		-- a change of the key is a row that goes and a row that comes
		SELECT count(*) INTO n FROM after;
		SELECT count(*) INTO kept FROM before JOIN after USING (id);
		INSERT INTO soak.truth SELECT pg_current_xact_id(), TG_RELID, c.op, who, c.n
			FROM (VALUES ('U'::"char", kept), ('D', n - kept), ('I', n - kept)) c(op, n) WHERE c.n > 0;
	END IF;
	RETURN NULL;
END $$;
CREATE FUNCTION soak.count_visit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	who text := coalesce(nullif(current_setting('crmaudit.actor', true), ''), session_user);
	n bigint;
	kept bigint;
BEGIN
	IF TG_OP = 'INSERT' THEN
		SELECT count(*) INTO n FROM after;
		INSERT INTO soak.truth SELECT pg_current_xact_id(), TG_RELID, 'I', who, n WHERE n > 0;
	ELSIF TG_OP = 'DELETE' THEN
		SELECT count(*) INTO n FROM before;
		INSERT INTO soak.truth SELECT pg_current_xact_id(), TG_RELID, 'D', who, n WHERE n > 0;
	ELSE
		SELECT count(*) INTO n FROM after;
		SELECT count(*) INTO kept FROM before JOIN after USING (id, day);
		INSERT INTO soak.truth SELECT pg_current_xact_id(), TG_RELID, c.op, who, c.n
			FROM (VALUES ('U'::"char", kept), ('D', n - kept), ('I', n - kept)) c(op, n) WHERE c.n > 0;
	END IF;
	RETURN NULL;
END $$;
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['customer', 'visit'] LOOP
		EXECUTE format('CREATE TRIGGER count_insert AFTER INSERT ON soak.%I REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION soak.count_%s()', name, name);
		EXECUTE format('CREATE TRIGGER count_update AFTER UPDATE ON soak.%I REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION soak.count_%s()', name, name);
		EXECUTE format('CREATE TRIGGER count_delete AFTER DELETE ON soak.%I REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION soak.count_%s()', name, name);
	END LOOP;
END $$;

-- Changes of a key: where the new one is taken the subtransaction is rolled back.
CREATE FUNCTION soak.move_customer(old_id int, new_id int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE soak.customer SET id = new_id, changes = changes + 1 WHERE id = old_id;
EXCEPTION WHEN unique_violation THEN
	NULL;
END $$;
CREATE FUNCTION soak.move_visit(visitor int, old_day int, new_day int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE soak.visit SET day = date '2026-01-01' + new_day, seen = seen + 1
		WHERE id = visitor AND day = date '2026-01-01' + old_day;
EXCEPTION WHEN unique_violation THEN
	NULL;
END $$;

-- Half of the rows are there before they are tracked.
INSERT INTO soak.customer (id, name, mobile, mail, premium, profile)
	SELECT n, '客户 ' || n, '13' || 500000000 + n, 'user' || n || '@mail.example.cn', n / 100.0, jsonb_build_object('city', '上海', 'n', n)
	FROM generate_series(1, 10000, 2) n;
INSERT INTO soak.visit SELECT n, date '2026-01-01' + n % 250, 'visit ' || n FROM generate_series(1, 2000) n;
TRUNCATE soak.truth;
VACUUM ANALYZE soak.customer, soak.visit;
SELECT crmaudit.track('soak.customer');
SELECT crmaudit.track('soak.visit');
