-- 64-ledger-retention: the ledger is only appended to; its partitions are made
-- ahead; old months go, personal values are erased, and the proof stays.

-- The guard --------------------------------------------------------------------------

CREATE TABLE crmaudit.ledger_pruned (
	period date PRIMARY KEY,
	entries bigint NOT NULL,
	digest jsonb NOT NULL,
	pruned_by name NOT NULL DEFAULT session_user,
	pruned_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE crmaudit.ledger_pruned IS 'months that crmaudit.prune_ledger() took out of the ledger; their blocks stay';
COMMENT ON COLUMN crmaudit.ledger_pruned.period IS 'first day of the month, UTC';
COMMENT ON COLUMN crmaudit.ledger_pruned.digest IS 'the digest, kept outside the database, that was handed over';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.ledger_pruned', '');

CREATE FUNCTION crmaudit.ledger_guard() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'crmaudit_ledger_guard';
COMMENT ON FUNCTION crmaudit.ledger_guard() IS 'triggers ledger_guard and ledger_guard_truncate: refuse UPDATE, DELETE and TRUNCATE of a table of the ledger';

-- What the tables of the ledger ought to have and have not.
CREATE FUNCTION crmaudit.ledger_guard_faults() RETURNS TABLE (relation regclass, trigger_name name, fault text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.oid, wanted.name, CASE WHEN t.oid IS NULL THEN 'missing' WHEN t.tgenabled = 'D' THEN 'disabled' ELSE 'not enabled always' END
	FROM pg_class c CROSS JOIN (VALUES ('ledger_guard'::name), ('ledger_guard_truncate')) AS wanted(name)
		LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = wanted.name AND t.tgfoid = 'crmaudit.ledger_guard()'::regprocedure
	WHERE c.relnamespace = 'crmaudit'::regnamespace AND c.relkind IN ('r', 'p') AND starts_with(c.relname, 'ledger_')
		AND t.tgenabled IS DISTINCT FROM 'A'
	ORDER BY c.relname, wanted.name
$$;
COMMENT ON FUNCTION crmaudit.ledger_guard_faults() IS 'triggers that keep the ledger append-only and are missing or disabled; crmaudit.maintain() mends them';

CREATE FUNCTION crmaudit.create_ledger_guard(relation regclass, trigger_name name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.create_trigger(relation, trigger_name,
		CASE trigger_name WHEN 'ledger_guard' THEN 'BEFORE UPDATE OR DELETE' ELSE 'BEFORE TRUNCATE' END,
		CASE trigger_name WHEN 'ledger_guard' THEN 'FOR EACH ROW EXECUTE FUNCTION crmaudit.ledger_guard()' ELSE 'EXECUTE FUNCTION crmaudit.ledger_guard()' END);
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, trigger_name);
END $$;
COMMENT ON FUNCTION crmaudit.create_ledger_guard(regclass, name) IS 'creates, or enables, a trigger that keeps a table of the ledger append-only';

SELECT crmaudit.create_ledger_guard(relation, trigger_name) FROM crmaudit.ledger_guard_faults();

-- DROP EXTENSION takes the event triggers that would fire on sql_drop along.
-- A hook in the library sees every drop; here it is loaded in time. Without
-- the library nothing can be recorded or verified, and all can be dropped.
CREATE FUNCTION crmaudit.load_drop_guard() RETURNS void LANGUAGE c
AS 'MODULE_PATHNAME', 'crmaudit_load_drop_guard';
COMMENT ON FUNCTION crmaudit.load_drop_guard() IS 'loads the library, which refuses that the ledger is dropped while it holds entries';

CREATE FUNCTION crmaudit.before_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.load_drop_guard();
EXCEPTION WHEN OTHERS THEN
	NULL;
END $$;
COMMENT ON FUNCTION crmaudit.before_drop() IS 'event trigger: sees that the library is loaded before the ledger could be dropped';
CREATE EVENT TRIGGER crmaudit_before_drop ON ddl_command_start
	WHEN TAG IN ('DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED', 'DROP TABLE', 'ALTER TABLE')
	EXECUTE FUNCTION crmaudit.before_drop();
COMMENT ON EVENT TRIGGER crmaudit_before_drop IS 'sees that the ledger is not dropped while it holds entries, unless crmaudit.drop_ledger is on';
ALTER EVENT TRIGGER crmaudit_before_drop ENABLE ALWAYS;

-- Partitions -------------------------------------------------------------------------

CREATE FUNCTION crmaudit.months_ahead() RETURNS SETOF date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month')::date FROM generate_series(0, 2) n
$$;
COMMENT ON FUNCTION crmaudit.months_ahead() IS 'this month and the next two, by their first day (UTC)';

-- Outside the extension's membership: pg_dump leaves out the rows of a member.
-- An index of its own, for one of the parent's would make pg_restore fail.
CREATE FUNCTION crmaudit.create_ledger_partition(parent regclass, month date) RETURNS regclass
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relname constant text := (SELECT c.relname FROM pg_class c WHERE c.oid = parent)
		|| coalesce(to_char(month, '"_"YYYYMM'), '_default');
	result regclass := to_regclass(format('crmaudit.%I', relname));
	grantee oid;
BEGIN
	IF result IS NULL THEN
		-- the worker may be at it as well
		EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
		result := to_regclass(format('crmaudit.%I', relname));
	END IF;
	IF result IS NOT NULL THEN
		RETURN result;
	END IF;
	IF month IS NULL THEN
		-- first, or the rows of this month would stay in the default partition
		PERFORM crmaudit.create_ledger_partition(parent, m) FROM crmaudit.months_ahead() m;
	END IF;
	-- the library writes it as a heap, whatever default_table_access_method says
	EXECUTE format('CREATE TABLE crmaudit.%I (LIKE %s) USING heap', relname, parent);
	result := format('crmaudit.%I', relname);
	-- what ALTER DEFAULT PRIVILEGES may have granted
	FOR grantee IN SELECT DISTINCT a.grantee FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = result AND a.grantee <> c.relowner LOOP
		EXECUTE format('REVOKE ALL ON %s FROM %s', result, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END);
	END LOOP;
	PERFORM crmaudit.create_ledger_index(result);
	PERFORM crmaudit.create_ledger_guard(result, 'ledger_guard_truncate');
	EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', parent, result,
		CASE WHEN month IS NULL THEN 'DEFAULT'
			ELSE format('FOR VALUES FROM (%L) TO (%L)', month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC') END);
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.create_ledger_partition(regclass, date) IS 'creates the partition of ledger_entry or ledger_context for the month that begins on a day (UTC); NULL: the default partition, and before it those of months_ahead()';
REVOKE EXECUTE ON FUNCTION crmaudit.create_ledger_partition(regclass, date) FROM PUBLIC;

CREATE FUNCTION crmaudit.create_ledger_index(partition regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	relname constant text := (SELECT c.relname FROM pg_class c WHERE c.oid = partition);
BEGIN
	EXECUTE format('CREATE INDEX %I ON %s (xid, %s)', relname || '_xid_idx', partition,
		CASE WHEN relname LIKE 'ledger\_entry%' THEN 'ord' ELSE 'context' END);
END $$;
COMMENT ON FUNCTION crmaudit.create_ledger_index(regclass) IS 'creates the index of a partition of the ledger';

CREATE FUNCTION crmaudit.drop_ledger_partition(parent regclass, month date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	partition regclass;
BEGIN
	SELECT p.relid INTO partition FROM crmaudit.partition_tree(parent) p JOIN pg_class c ON c.oid = p.relid
		WHERE right(c.relname, 7) = to_char(month, '"_"YYYYMM');
	IF FOUND THEN
		EXECUTE format('DROP TABLE %s', partition);
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.drop_ledger_partition(regclass, date) IS 'drops the partition of a month of ledger_entry or ledger_context, if it has one; the guard refuses it while there are rows, unless prune_ledger() calls';

-- Maintenance ------------------------------------------------------------------------

CREATE TABLE crmaudit.retention (
	subject text UNIQUE,
	keep interval CHECK (keep >= '0'),
	entity text,
	condition text,
	counting_from text,
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	CHECK ((subject IS NULL) <> (entity IS NULL)),
	CHECK (entity IS NOT NULL OR condition IS NULL AND counting_from IS NULL)
);
COMMENT ON TABLE crmaudit.retention IS 'how long what is kept, where it is not the default: a row is either of crmaudit''s own records (subject), which retention_periods() shows, or of an entity of the CRM, which record_retention_periods() shows (D15)';
COMMENT ON COLUMN crmaudit.retention.subject IS 'ledger, finding_event, rejection or run';
COMMENT ON COLUMN crmaudit.retention.keep IS 'NULL: for ever';
COMMENT ON COLUMN crmaudit.retention.entity IS 'entity whose rows the CRM has to keep: the view record_retention tells which may go';
COMMENT ON COLUMN crmaudit.retention.condition IS 'SQL over the entity''s columns: the row holds for those only, and goes before one without a condition';
COMMENT ON COLUMN crmaudit.retention.counting_from IS 'column of the entity from which the time counts; NULL: the one that tells when it happened';
CREATE UNIQUE INDEX retention_entity ON crmaudit.retention (entity, coalesce(condition, ''));
SELECT pg_catalog.pg_extension_config_dump('crmaudit.retention', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.retention_id_seq', '');

-- What the condition says is checked in 80-revisits, where entities are known.
CREATE FUNCTION crmaudit.check_retention() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NEW.subject IS NOT NULL THEN
		PERFORM crmaudit.require_choice(NEW.subject, '{ledger,finding_event,rejection,run}', 'subject');
	END IF;
	RETURN NEW;
END $$;
COMMENT ON FUNCTION crmaudit.check_retention() IS 'trigger of retention: refuses what has no retention';
CREATE TRIGGER check_retention BEFORE INSERT OR UPDATE ON crmaudit.retention
	FOR EACH ROW EXECUTE FUNCTION crmaudit.check_retention();

-- Three years for what documents ask for (D15). The ledger goes only when
-- prune_ledger() is called; its period says what that must leave.
CREATE FUNCTION crmaudit.retention_periods()
RETURNS TABLE (subject text, keep interval, is_default boolean, meaning text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT d.subject, CASE WHEN r.subject IS NULL THEN d.keep ELSE r.keep END, r.subject IS NULL, d.meaning
	FROM (VALUES
		('ledger', NULL::interval, 'prune_ledger() refuses to take what is younger; nothing goes by itself'),
		('finding_event', '3 years', 'findings resolved longer ago go; open ones stay'),
		('rejection', '1 year', 'records of refused rows go'),
		('run', '3 years', 'runs of checks and what they measured go')) AS d(subject, keep, meaning)
		LEFT JOIN crmaudit.retention r USING (subject)
$$;
COMMENT ON FUNCTION crmaudit.retention_periods() IS 'how long what is kept: the defaults, and what the table retention says instead';

-- A finding goes as a whole or not at all. What it came to is folded first, so
-- that an event of a table or a rule, once folded, closes nothing any more.
-- False positives and waivers stay: they say what is not to be found again.
CREATE FUNCTION crmaudit.prune_findings(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	fold crmaudit.finding_fold;
	result bigint;
	ends bigint;
BEGIN
	PERFORM crmaudit.fold_findings();
	SELECT * INTO fold FROM crmaudit.finding_fold;
	WITH over AS (
		DELETE FROM crmaudit.finding_state s
			WHERE s.status IN ('resolved', 'verified', 'unseen') AND s.changed_at < before
				AND NOT EXISTS (SELECT FROM crmaudit.unfolded_events() u WHERE u.target = s.target AND u.rule_id = s.rule_id AND u.row_key = s.row_key)
			RETURNING s.target, s.rule_id, s.row_key
	)
	DELETE FROM crmaudit.finding_event e USING over o
		WHERE e.target = o.target AND e.rule_id = o.rule_id AND e.row_key = o.row_key;
	GET DIAGNOSTICS result = ROW_COUNT;
	DELETE FROM crmaudit.finding_event n
		WHERE n.row_key IS NULL AND n.at < before AND n.id <= fold.folded_to AND NOT n.id <@ (fold.holes + fold.new_holes)
			AND NOT EXISTS (SELECT FROM crmaudit.finding_event e
				WHERE e.row_key IS NOT NULL AND e.target = n.target AND e.id < n.id AND e.rule_id = coalesce(n.rule_id, e.rule_id));
	GET DIAGNOSTICS ends = ROW_COUNT;
	RETURN result + ends;
END $$;
COMMENT ON FUNCTION crmaudit.prune_findings(timestamptz) IS 'deletes findings that were resolved before a time, with their events, and returns how many events';

-- The last run of a table stays: the next one goes on from it.
CREATE FUNCTION crmaudit.prune_runs(before timestamptz) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	WITH gone AS (
		DELETE FROM crmaudit.run r WHERE r.started_at < before
			AND EXISTS (SELECT FROM crmaudit.run l WHERE l.target = r.target AND l.id > r.id AND l.status = 'completed' AND l.rules IS NULL)
			RETURNING r.id
	), rules AS (
		DELETE FROM crmaudit.run_rule s USING gone g WHERE s.run_id = g.id
	), strata AS (
		DELETE FROM crmaudit.run_stratum s USING gone g WHERE s.run_id = g.id
	), history AS (
		DELETE FROM crmaudit.score_history h USING gone g WHERE h.run_id = g.id
	)
	SELECT count(*) FROM gone
$$;
COMMENT ON FUNCTION crmaudit.prune_runs(timestamptz) IS 'deletes runs that began before a time, with what they measured, but for the last one of a table; returns how many';

-- Deletes what is too old, and says so in the ledger.
CREATE FUNCTION crmaudit.maintain_retention() RETURNS TABLE (subject text, action text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	found record;
	rows_gone bigint;
BEGIN
	FOR found IN
		SELECT p.subject, now() - p.keep AS before, a.attname AS column_name
		FROM crmaudit.retention_periods() p
			JOIN pg_attribute a ON a.attrelid = to_regclass('crmaudit.' || p.subject) AND NOT a.attisdropped
				AND a.attname = CASE p.subject WHEN 'run' THEN 'started_at' ELSE 'at' END
		WHERE p.keep IS NOT NULL
	LOOP
		BEGIN
			IF found.subject = 'finding_event' THEN
				rows_gone := crmaudit.prune_findings(found.before);
			ELSIF found.subject = 'run' THEN
				rows_gone := crmaudit.prune_runs(found.before);
			ELSE
				EXECUTE format('DELETE FROM crmaudit.%I WHERE %I < $1', found.subject, found.column_name) USING found.before;
				GET DIAGNOSTICS rows_gone = ROW_COUNT;
			END IF;
			IF rows_gone > 0 THEN
				PERFORM crmaudit.record_schema_entry(0, jsonb_build_object('action', 'retention', 'table', 'crmaudit.' || found.subject,
					'before', found.before, 'rows', rows_gone));
				RETURN QUERY SELECT found.subject, 'pruned', format('%s rows from before %s', rows_gone, to_char(found.before, 'YYYY-MM-DD'));
			END IF;
		EXCEPTION WHEN lock_not_available THEN
			RETURN QUERY SELECT found.subject, 'put off', 'somebody has locked the table';
		END;
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.maintain_retention() IS 'deletes findings, rejections and runs that are older than retention_periods() says';

-- A writer waits for none of this: what needs a lock that somebody holds is
-- put off to the next run.
CREATE FUNCTION crmaudit.maintain_guards() RETURNS TABLE (subject text, action text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	found record;
BEGIN
	FOR found IN SELECT * FROM crmaudit.ledger_guard_faults() LOOP
		BEGIN
			PERFORM crmaudit.create_ledger_guard(found.relation, found.trigger_name);
			PERFORM crmaudit.record_schema_entry(0, jsonb_build_object('action', 'guard', 'relation', found.relation::text,
				'trigger', found.trigger_name, 'fault', found.fault));
			RETURN QUERY SELECT found.relation::text, 'guarded', format('trigger %s was %s', found.trigger_name, found.fault);
		EXCEPTION WHEN lock_not_available THEN
			RETURN QUERY SELECT found.relation::text, 'put off', format('trigger %s is %s, and somebody writes to the table', found.trigger_name, found.fault);
		END;
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.maintain_guards() IS 'mends the triggers that keep the ledger append-only, and records that it did';

CREATE FUNCTION crmaudit.maintain_partitions() RETURNS TABLE (subject text, action text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
#variable_conflict use_column
DECLARE
	found record;
BEGIN
	FOR found IN
		SELECT p.relid::regclass AS partition, c.relname FROM (VALUES ('crmaudit.ledger_entry'::regclass), ('crmaudit.ledger_context')) AS r(parent)
			CROSS JOIN crmaudit.partition_tree(r.parent) p JOIN pg_class c ON c.oid = p.relid
		WHERE p.isleaf
			AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
				WHERE i.indrelid = p.relid AND i.indisvalid AND a.attname = 'xid')
	LOOP
		BEGIN
			IF pg_relation_size(found.partition) > 64 * 1024 * 1024 THEN
				RETURN QUERY SELECT found.partition::text, 'left', format('its index is missing, and the table is large: CREATE INDEX CONCURRENTLY ON %s (xid, %s)',
					found.partition, CASE WHEN found.relname LIKE 'ledger\_entry%' THEN 'ord' ELSE 'context' END);
			ELSE
				PERFORM crmaudit.create_ledger_index(found.partition);
				RETURN QUERY SELECT found.partition::text, 'indexed', 'its index was missing';
			END IF;
		EXCEPTION WHEN lock_not_available THEN
			RETURN QUERY SELECT found.partition::text, 'put off', 'its index is missing, and somebody writes to the table';
		END;
	END LOOP;
	-- last, and the two tables of a month at a time: attaching locks the default partition until the transaction ends
	FOR found IN
		SELECT r.parent, d.month, format('%s_%s', r.parent, coalesce(to_char(d.month, 'YYYYMM'), 'default')) AS partition
		FROM (SELECT m FROM crmaudit.months_ahead() m UNION ALL SELECT NULL) AS d(month)
			CROSS JOIN (VALUES ('crmaudit.ledger_entry'::regclass), ('crmaudit.ledger_context')) AS r(parent)
		WHERE NOT EXISTS (SELECT FROM crmaudit.partition_tree(r.parent) p JOIN pg_class c ON c.oid = p.relid
			WHERE c.relname LIKE '%' || coalesce(to_char(d.month, '"\_"YYYYMM'), '\_default'))
		ORDER BY d.month, r.parent::text DESC
	LOOP
		BEGIN
			IF to_regclass(found.partition) IS NOT NULL THEN
				RETURN QUERY SELECT found.partition, 'left', 'a table of this name is there, and is not attached';
			ELSE
				PERFORM crmaudit.create_ledger_partition(found.parent, found.month);
				RETURN QUERY SELECT found.partition, 'created', NULL;
			END IF;
		EXCEPTION
			WHEN lock_not_available THEN
				RETURN QUERY SELECT found.partition, 'put off', 'somebody writes to the default partition';
			WHEN check_violation THEN
				RETURN QUERY SELECT found.partition, 'left', 'the default partition holds rows of this month, which stay there';
		END;
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.maintain_partitions() IS 'makes the ledger''s partitions of this month and the next two, the default one, and their indexes';

-- Another's extension must not keep the other chores from being done.
CREATE FUNCTION crmaudit.maintain_statements() RETURNS TABLE (subject text, action text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY SELECT 'crmaudit.statement_snapshot', 'noted', format('%s statements', n) FROM crmaudit.snapshot_statements() n WHERE n > 0;
EXCEPTION WHEN OTHERS THEN
	RETURN QUERY SELECT 'crmaudit.statement_snapshot', 'put off', SQLERRM;
END $$;
COMMENT ON FUNCTION crmaudit.maintain_statements() IS 'notes what statements on mapped tables took until now, where pg_stat_statements is loaded';

-- SECURITY DEFINER: it does the owner's chores, for the worker, pg_cron or an admin.
CREATE FUNCTION crmaudit.maintain() RETURNS TABLE (subject text, action text, detail text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
BEGIN
	BEGIN
		LOCK TABLE crmaudit.retention IN SHARE ROW EXCLUSIVE MODE NOWAIT;
	EXCEPTION WHEN lock_not_available THEN
		RETURN QUERY SELECT 'crmaudit.maintain()', 'put off', 'it is running elsewhere';
		RETURN;
	END;
	PERFORM crmaudit.fold();
	RETURN QUERY SELECT 'finding', 'escalated', format('%s overdue findings', n) FROM crmaudit.escalate() n WHERE n > 0;
	RETURN QUERY SELECT * FROM crmaudit.maintain_retention();
	RETURN QUERY SELECT * FROM crmaudit.maintain_statements();
	RETURN QUERY SELECT * FROM crmaudit.maintain_guards();
	RETURN QUERY SELECT * FROM crmaudit.maintain_partitions();
END $$;
COMMENT ON FUNCTION crmaudit.maintain() IS 'chores, for once a day: deletes what retention_periods() says, mends the ledger''s guards and indexes, makes its partitions ahead; returns what was done, and what could not be done now';

-- Pruning the ledger -----------------------------------------------------------------

-- What was committed until then must be seen, which an old snapshot does not.
CREATE FUNCTION crmaudit.lock_sealing() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'the ledger is pruned and redacted in transactions of level READ COMMITTED only' USING ERRCODE = 'active_sql_transaction';
	END IF;
	LOCK TABLE crmaudit.ledger_block IN SHARE UPDATE EXCLUSIVE MODE;
END $$;
COMMENT ON FUNCTION crmaudit.lock_sealing() IS 'keeps others from sealing, pruning and redacting until the transaction ends; writers do not wait';

-- Whether a month may go, and how many entries it has.
CREATE FUNCTION crmaudit.require_prunable(period date, digest jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	month constant text := to_char(period, 'YYYY-MM');
	ends constant timestamptz := (period + interval '1 month') AT TIME ZONE 'UTC';
	here constant oid := (SELECT oid FROM pg_database WHERE datname = current_database());
	sealed bigint;
	last_block bigint;
	present bigint;
BEGIN
	SELECT coalesce(sum(b.entries), 0), max(b.block_id) INTO sealed, last_block FROM crmaudit.ledger_block_partition b
		WHERE b.period = require_prunable.period;
	SELECT count(*) INTO present FROM crmaudit.ledger_entry e WHERE e.at >= period::timestamp AT TIME ZONE 'UTC' AND e.at < ends;
	IF EXISTS (SELECT FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'relation' AND l.database = here AND l.relation = to_regclass('crmaudit.ledger_entry_default') AND l.mode = 'RowExclusiveLock'
			AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND coalesce(a.xact_start, '-infinity') < ends) THEN
		RAISE EXCEPTION 'a transaction that is not over may have entries of month %', month
			USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'It writes to the default partition, and began before the month ended or is prepared.',
				HINT = 'Wait until it is over; pg_prepared_xacts shows what is prepared.';
	ELSIF present > sealed THEN
		RAISE EXCEPTION 'month % of the ledger has entries that no block holds', month
			USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('%s entries, of which %s are sealed.', present, sealed),
				HINT = 'Seal them: SELECT crmaudit.seal();';
	ELSIF present < sealed THEN
		RAISE EXCEPTION 'month % of the ledger lacks entries that were sealed', month
			USING ERRCODE = 'data_corrupted', DETAIL = format('%s entries, where %s were sealed.', present, sealed),
				HINT = 'crmaudit.verify_ledger() tells which. A ledger that somebody tampered with is not pruned.';
	ELSIF sealed = 0 THEN
		RETURN 0;
	ELSIF digest IS NULL THEN
		RAISE EXCEPTION 'pruning the ledger needs a digest that was kept outside the database'
			USING ERRCODE = 'invalid_parameter_value', HINT = format('Hand over what crmaudit.ledger_digest() gave after block %s, from where it was kept.', last_block);
	ELSIF coalesce(jsonb_typeof(digest -> 'block') <> 'number' OR jsonb_typeof(digest -> 'hash') <> 'string', true) THEN
		RAISE EXCEPTION 'parameter "digest" is not a digest of the ledger'
			USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It lacks "block" or "hash".';
	ELSIF (digest ->> 'block')::bigint < last_block THEN
		RAISE EXCEPTION 'the digest of block % is older than entries of month %', digest ->> 'block', month
			USING ERRCODE = 'invalid_parameter_value', HINT = format('Hand over a digest of block %s or a later one.', last_block);
	ELSIF NOT EXISTS (SELECT FROM crmaudit.ledger_block b WHERE b.block_id = (digest ->> 'block')::bigint AND encode(b.hash, 'hex') = digest ->> 'hash') THEN
		RAISE EXCEPTION 'the digest of block % is not of this ledger', digest ->> 'block'
			USING ERRCODE = 'data_corrupted', DETAIL = 'The block is not there, or its hash is another.', HINT = 'crmaudit.verify_ledger() looks into it.';
	END IF;
	RETURN sealed;
END $$;
COMMENT ON FUNCTION crmaudit.require_prunable(date, jsonb) IS 'returns the entries of a month of the ledger, or raises an error if it must not be pruned';

-- All checks are in it; the guard is lifted only while it runs.
CREATE FUNCTION crmaudit.prune_ledger_months(periods date[], digest jsonb) RETURNS bigint[]
LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'crmaudit_prune_ledger_months';
COMMENT ON FUNCTION crmaudit.prune_ledger_months(date[], jsonb) IS 'implementation of prune_ledger(): drops months, records that, and returns how many entries each had';

-- Whoever reads or writes the ledger holds a weak lock on it; who comes later
-- must not wait behind us for long.
CREATE FUNCTION crmaudit.lock_ledger(periods date[], tries int DEFAULT 50) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
	partitions constant text := (SELECT string_agg(', ' || p.relid::regclass, '' ORDER BY p.relid)
		FROM (VALUES ('crmaudit.ledger_entry'::regclass), ('crmaudit.ledger_context')) AS r(parent)
			CROSS JOIN crmaudit.partition_tree(r.parent) p JOIN pg_class c ON c.oid = p.relid
		WHERE right(c.relname, 6) = ANY (SELECT to_char(m, 'YYYYMM') FROM unnest(periods) m));
BEGIN
	FOR i IN 1 .. tries LOOP
		BEGIN
			EXECUTE format('LOCK TABLE ONLY crmaudit.ledger_entry, ONLY crmaudit.ledger_context%s IN ACCESS EXCLUSIVE MODE', partitions);
			RETURN;
		EXCEPTION WHEN lock_not_available THEN
			PERFORM pg_sleep(0.1);
		END;
	END LOOP;
	RAISE EXCEPTION 'could not lock the ledger, for transactions write to it or read it'
		USING ERRCODE = 'lock_not_available', HINT = 'Try again when no long transaction writes to tracked tables, and nobody verifies the ledger.';
END $$;
COMMENT ON FUNCTION crmaudit.lock_ledger(date[], int) IS 'locks the ledger and the partitions of months against readers and writers, without letting those wait for long';

-- Months of the ledger that are over before a time.
CREATE FUNCTION crmaudit.ledger_months(before timestamptz) RETURNS SETOF date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT m.period FROM (
		SELECT to_date(right(c.relname, 6), 'YYYYMM') FROM (SELECT relid FROM crmaudit.partition_tree('crmaudit.ledger_entry') UNION ALL SELECT relid FROM crmaudit.partition_tree('crmaudit.ledger_context')) p
			JOIN pg_class c ON c.oid = p.relid WHERE c.relname ~ '_\d{6}$'
		UNION SELECT b.period FROM crmaudit.ledger_block_partition b WHERE NOT EXISTS (SELECT FROM crmaudit.ledger_pruned g WHERE g.period = b.period)
		UNION SELECT date_trunc('month', e.at AT TIME ZONE 'UTC') FROM crmaudit.ledger_entry e WHERE e.at < before
			AND e.tableoid = to_regclass('crmaudit.ledger_entry_default')
	) AS m(period)
	WHERE (m.period + interval '1 month') AT TIME ZONE 'UTC' <= least(before, now())
	ORDER BY m.period
$$;
COMMENT ON FUNCTION crmaudit.ledger_months(timestamptz) IS 'months of the ledger, by their first day (UTC), that ended before a time';

-- A row whose only whole image goes is recorded again. Not where the gate or
-- the scorer appends in bulk, and an entry is only of what people decide.
CREATE FUNCTION crmaudit.record_baselines(periods date[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ends constant timestamptz := (SELECT (max(p) + interval '1 month') AT TIME ZONE 'UTC' FROM unnest(periods) p);
	result bigint := 0;
	tracked regclass;
BEGIN
	FOR tracked IN
		SELECT t.target FROM crmaudit.tracked_table t
		WHERE t.tracked AND t.target IS NOT NULL AND (t.baselined_at IS NULL OR t.baselined_at < ends)
			AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = t.target AND g.tgname = 'zz_crmaudit_ledger' AND g.tgtype & 4 <> 0)
			AND EXISTS (SELECT FROM crmaudit.ledger_entry e WHERE e.at < ends AND e.table_id = t.table_id)
		ORDER BY t.table_id
	LOOP
		result := result + crmaudit.record_baseline(tracked);
	END LOOP;
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.record_baselines(date[]) IS 'records the rows of tracked tables of which whole images may be in months of the ledger that are to be pruned; returns how many';

CREATE FUNCTION crmaudit.prune_ledger(before timestamptz, digest jsonb DEFAULT NULL)
RETURNS TABLE (period date, entries bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	keep constant interval := (SELECT p.keep FROM crmaudit.retention_periods() p WHERE p.subject = 'ledger');
	periods date[];
BEGIN
	IF before > now() - keep THEN
		RAISE EXCEPTION 'the ledger is kept for %', keep
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The table crmaudit.retention says so.';
	END IF;
	PERFORM crmaudit.lock_sealing();
	periods := ARRAY(SELECT crmaudit.ledger_months(before));
	PERFORM crmaudit.require_prunable(p, digest) FROM unnest(periods) p;
	PERFORM crmaudit.record_baselines(periods);
	RETURN QUERY SELECT u.p, u.n FROM unnest(periods, crmaudit.prune_ledger_months(periods, digest)) AS u(p, n);
END $$;
COMMENT ON FUNCTION crmaudit.prune_ledger(timestamptz, jsonb) IS 'drops the months of the ledger that ended before a time, if all their entries are sealed and covered by a digest that was kept outside; blocks stay, so that the rest still verifies';

-- Erasing personal values ---------------------------------------------------------------

CREATE FUNCTION crmaudit.redacted_entry(entry crmaudit.ledger_entry, columns text[]) RETURNS crmaudit.ledger_entry
LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'crmaudit_redacted_entry';
COMMENT ON FUNCTION crmaudit.redacted_entry(crmaudit.ledger_entry, text[]) IS 'an entry of the ledger without the values of those of the columns that are personal; its hash is the same';

CREATE FUNCTION crmaudit.find_personal_entries(table_id int, keys jsonb[], columns text[])
RETURNS TABLE (incarnation bigint, xid xid8, ord int, in_clear boolean)
LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
	SELECT e.incarnation, e.xid, e.ord, NOT coalesce(e.personal @> ARRAY(SELECT c FROM unnest(columns) c WHERE e.old ? c OR e.new ? c), false)
	FROM (SELECT (f.entry).* FROM crmaudit.find_row_entries(table_id, keys) f) e
	WHERE e.op <> 'S' AND (e.old ?| columns OR e.new ?| columns)
$$;
COMMENT ON FUNCTION crmaudit.find_personal_entries(int, jsonb[], text[]) IS 'entries of a row that hold a value of one of the columns; in_clear: one that was not personal when it was written';

-- The guard is lifted only while it runs.
CREATE FUNCTION crmaudit.redact_entries(table_id int, keys jsonb[], columns text[]) RETURNS bigint
LANGUAGE c STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'crmaudit_redact_entries';
COMMENT ON FUNCTION crmaudit.redact_entries(int, jsonb[], text[]) IS 'implementation of redact(): erases values in entries of a row, and returns in how many';

-- What columns were called before, as the ledger recorded it.
CREATE FUNCTION crmaudit.former_names(table_id int, columns text[]) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE renaming AS MATERIALIZED (
		SELECT m.key AS old, m.value AS new FROM crmaudit.find_renames(table_id) r, unnest(r.renamed) u(names), jsonb_each_text(u.names) m
	), names AS (
		SELECT c AS name FROM unnest(columns) c
		UNION SELECT r.old FROM names n JOIN renaming r ON r.new = n.name
	)
	SELECT array_agg(n.name) FROM names n
$$;
COMMENT ON FUNCTION crmaudit.former_names(int, text[]) IS 'columns of a tracked table under all names that they had';

CREATE FUNCTION crmaudit.tracked_keys(target regclass, key jsonb, OUT table_id int, OUT keys jsonb[])
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'crmaudit_tracked_keys';
COMMENT ON FUNCTION crmaudit.tracked_keys(regclass, jsonb) IS 'the tracked table that a relation is, or belongs to, and the keys under which the ledger may have one of its rows';

-- Of a key, only what the ledger names rows by the digest of.
CREATE FUNCTION crmaudit.require_erasable(settings crmaudit.tracked_table, columns text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wrong text;
BEGIN
	IF coalesce(cardinality(columns), 0) = 0 THEN
		RAISE EXCEPTION 'redaction needs the columns to erase' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT c INTO wrong FROM unnest(columns) c
		WHERE c = ANY (settings.key) AND c <> ALL (settings.hashed_key) OR c IS NULL OR c <> ALL (settings.personal) LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	ELSIF wrong = ANY (settings.key) THEN
		RAISE EXCEPTION 'column "%" of relation "%" cannot be erased from the ledger', wrong, settings.name
			USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It belongs to the key, by which the ledger names the row.';
	END IF;
	RAISE EXCEPTION 'column "%" of relation "%" is not personal', wrong, settings.name
		USING ERRCODE = 'invalid_parameter_value',
			DETAIL = 'Only what was declared personal when it was recorded can be erased without breaking the proof.',
			HINT = format('Personal are: %s.', coalesce(nullif(array_to_string(settings.personal, ', '), ''), 'none; see track(personal)'));
END $$;
COMMENT ON FUNCTION crmaudit.require_erasable(crmaudit.tracked_table, text[]) IS 'raises an error unless the columns are personal, and not shown by the key';

-- Rows put aside hold values too. That they are erased is recorded with what
-- they were, so that this is erased as well.
CREATE FUNCTION crmaudit.redact_quarantine(target regclass, keys jsonb[], columns text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	own constant int := (SELECT t.table_id FROM crmaudit.tracked_table t WHERE t.target = 'crmaudit.quarantine'::regclass);
	ids jsonb[];
BEGIN
	WITH erased AS (
		UPDATE crmaudit.quarantine q SET row_data = q.row_data - columns
			WHERE q.target IN (SELECT p.relid FROM crmaudit.partition_tree(redact_quarantine.target) p)
				AND q.row_key = ANY (keys) AND q.row_data ?| columns RETURNING q.id)
	SELECT array_agg(jsonb_build_object('id', e.id)) INTO ids FROM erased e;
	PERFORM crmaudit.redact_entries(own, ids, '{row_data}');
END $$;
COMMENT ON FUNCTION crmaudit.redact_quarantine(regclass, jsonb[], text[]) IS 'erases columns of a row from where it was put aside, and from the history of that';

CREATE FUNCTION crmaudit.redact_row(table_id int, keys jsonb[], columns text[], reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	settings constant crmaudit.tracked_table := (SELECT t FROM crmaudit.tracked_table t WHERE t.table_id = redact_row.table_id);
	names text[];
	in_clear bigint;
	result bigint;
BEGIN
	IF coalesce(btrim(reason), '') = '' THEN
		RAISE EXCEPTION 'redaction needs a reason' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM crmaudit.require_erasable(settings, columns);
	PERFORM crmaudit.lock_sealing();
	names := crmaudit.former_names(table_id, columns);
	result := crmaudit.redact_entries(table_id, keys, names);
	PERFORM crmaudit.redact_quarantine(settings.target, keys, names);
	PERFORM crmaudit.record_schema_entry(table_id, jsonb_build_object('action', 'redact', 'key', keys[1],
		'columns', columns, 'reason', reason, 'entries', result));
	SELECT count(*) INTO in_clear FROM crmaudit.find_personal_entries(table_id, keys, names) f WHERE f.in_clear;
	IF in_clear > 0 THEN
		RAISE WARNING 'entries that still hold values of these columns, which were not personal when they were recorded: %', in_clear
			USING HINT = 'Without breaking the proof they go only with their month: crmaudit.prune_ledger().';
	END IF;
	RAISE NOTICE 'erased values stay on disk until VACUUM has removed old versions of the rows'
		USING HINT = 'VACUUM crmaudit.ledger_entry, crmaudit.quarantine; backups and archived WAL have them too.';
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.redact_row(int, jsonb[], text[], text) IS 'implementation of redact(), with the rights of the ledger''s owner';

-- Values of the key are read by the types of the columns, with the caller's rights.
CREATE FUNCTION crmaudit.redact(target regclass, key jsonb, columns text[], reason text) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.redact_row(k.table_id, k.keys, columns, reason) FROM crmaudit.tracked_keys(target, key) k
$$;
COMMENT ON FUNCTION crmaudit.redact(regclass, jsonb, text[], text) IS 'erases personal columns of a row from the ledger and the quarantine, keeps the proof, and returns in how many entries (D33); the row itself is erased first, by whoever owns it';
