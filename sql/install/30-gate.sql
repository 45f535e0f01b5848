-- 30-gate: rules enforced while rows are written.

-- Trigger functions. EXECUTE on them is what lets a user attach them: PUBLIC
-- has it for those that a partition gets when it is made by the table's owner,
-- and that do nothing on a table that is not protected (99-privileges).
CREATE FUNCTION crmaudit.gate() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'crmaudit_gate';
COMMENT ON FUNCTION crmaudit.gate() IS 'trigger zz_crmaudit_gate, BEFORE ROW: judges a row, refuses or quarantines it';

CREATE FUNCTION crmaudit.stored() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'crmaudit_stored';
COMMENT ON FUNCTION crmaudit.stored() IS 'trigger zz_crmaudit_stored, AFTER ROW: writes the findings of a statement';

CREATE FUNCTION crmaudit.truncating() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'crmaudit_truncating';
COMMENT ON FUNCTION crmaudit.truncating() IS 'trigger zz_crmaudit_truncate, BEFORE TRUNCATE: resolves the findings of a table, or of a partition''s rows, and takes them out of the scores';

CREATE FUNCTION crmaudit.truncated() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'crmaudit_truncated';
COMMENT ON FUNCTION crmaudit.truncated() IS 'trigger zz_crmaudit_truncated, AFTER TRUNCATE: the command that emptied a whole table is over';

CREATE FUNCTION crmaudit.commit_gate() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'crmaudit_commit_gate';
COMMENT ON FUNCTION crmaudit.commit_gate() IS 'trigger zz_crmaudit_commit, deferred: judges the last version of a row by rules with "timing":"commit"';

-- Conditions of the triggers: evaluated as whoever writes the row, harmless
-- elsewhere. Volatile, or the planner would evaluate them beforehand.
CREATE FUNCTION crmaudit.row_stored() RETURNS boolean LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'crmaudit_row_stored';
COMMENT ON FUNCTION crmaudit.row_stored() IS 'condition of trigger zz_crmaudit_stored: confirms what the gate found; means nothing outside a trigger';

CREATE FUNCTION crmaudit.row_awaits_commit() RETURNS boolean LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'crmaudit_row_awaits_commit';
COMMENT ON FUNCTION crmaudit.row_awaits_commit() IS 'condition of trigger zz_crmaudit_commit; means nothing outside a trigger';

-- Triggers of a table --------------------------------------------------------------

-- Only what is missing, so that protect() mends a table whose trigger was dropped.
CREATE FUNCTION crmaudit.create_trigger(target regclass, name text, event text, action text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = target AND t.tgname = name) THEN
		EXECUTE format('CREATE TRIGGER %I %s ON %s %s', name, event, target, action);
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.create_trigger(regclass, text, text, text) IS 'creates a trigger unless the table has it';

-- ENABLE ALWAYS: what the apply worker of a subscription writes counts in the
-- scores; that is all they do there, for it must store what the publisher
-- accepted. Partitions follow. One that somebody disabled stays so.
-- SECURITY DEFINER: the right TRIGGER is enough to protect a table, but ALTER
-- TABLE wants its owner. It only completes what somebody with that right began.
CREATE FUNCTION crmaudit.fire_gate_always(target regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found record;
BEGIN
	FOR found IN SELECT t.tgrelid::regclass AS relation, t.tgname FROM crmaudit.partition_tree(target) p JOIN pg_trigger t ON t.tgrelid = p.relid
		WHERE t.tgenabled IN ('O', 'R') AND t.tgfoid IN ('crmaudit.gate()'::regprocedure, 'crmaudit.stored()'::regprocedure,
			'crmaudit.truncating()'::regprocedure, 'crmaudit.truncated()'::regprocedure) AND starts_with(t.tgname::text, 'zz_crmaudit_')
	LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', found.relation, found.tgname);
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.fire_gate_always(regclass) IS 'has the gate''s triggers on a table and its partitions fire for what replication writes, too';

-- PostgreSQL does not hand statement triggers down to partitions.
-- SECURITY DEFINER: who makes, attaches or detaches a partition, or unprotects,
-- need not own all partitions. Nobody can do harm by it: it goes by what the
-- protected table itself has.
CREATE FUNCTION crmaudit.hand_down_truncate_trigger(relation regclass) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.create_trigger(l.relid, 'zz_crmaudit_truncate', 'BEFORE TRUNCATE', 'FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.truncating()')
	FROM crmaudit.protected_table p
	JOIN pg_trigger t ON t.tgrelid = p.target AND t.tgname = 'zz_crmaudit_truncate' AND t.tgfoid = 'crmaudit.truncating()'::regprocedure
	CROSS JOIN LATERAL crmaudit.partition_tree(relation) l
	JOIN pg_class c ON c.oid = l.relid AND c.relkind = 'r'
	WHERE p.target = relation OR p.target IN (SELECT a.relid FROM pg_partition_ancestors(relation) a);
	SELECT crmaudit.fire_gate_always(relation)
$$;
COMMENT ON FUNCTION crmaudit.hand_down_truncate_trigger(regclass) IS 'creates the trigger zz_crmaudit_truncate on partitions below a relation that lack it, if the protected table has it';

CREATE FUNCTION crmaudit.take_back_truncate_triggers() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relation regclass;
BEGIN
	FOR relation IN SELECT t.tgrelid FROM pg_depend d JOIN pg_trigger t ON t.oid = d.objid
		WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = 'crmaudit.truncating()'::regprocedure
			AND t.tgname = 'zz_crmaudit_truncate' AND NOT EXISTS (SELECT FROM crmaudit.protected_table p
				WHERE p.target = t.tgrelid OR p.target IN (SELECT a.relid FROM pg_partition_ancestors(t.tgrelid) a))
	LOOP
		EXECUTE format('DROP TRIGGER zz_crmaudit_truncate ON %s', relation);
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.take_back_truncate_triggers() IS 'drops the trigger zz_crmaudit_truncate of tables that are not protected, nor partitions of one that is';

CREATE FUNCTION crmaudit.create_gate_triggers(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	partition regclass;
BEGIN
	FOR partition IN SELECT relid FROM pg_partition_tree(target) WHERE relid <> target LOOP
		IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = partition AND t.tgname LIKE 'zz\_crmaudit\_%' AND t.tgname NOT IN ('zz_crmaudit_ledger_truncate', 'zz_crmaudit_truncate') AND t.tgparentid = 0) THEN
			RAISE EXCEPTION 'partition "%" of relation "%" has triggers of its own named zz_crmaudit', partition, target
				USING ERRCODE = 'duplicate_object', HINT = format('Unprotect it first: SELECT crmaudit.unprotect(%L);', partition);
		END IF;
	END LOOP;
	PERFORM crmaudit.create_trigger(target, 'zz_crmaudit_gate', 'BEFORE INSERT OR UPDATE OR DELETE', 'FOR EACH ROW EXECUTE FUNCTION crmaudit.gate()');
	PERFORM crmaudit.create_trigger(target, 'zz_crmaudit_stored', 'AFTER INSERT OR UPDATE OR DELETE', 'FOR EACH ROW WHEN (crmaudit.row_stored()) EXECUTE FUNCTION crmaudit.stored()');
	PERFORM crmaudit.create_trigger(target, 'zz_crmaudit_truncate', 'BEFORE TRUNCATE', 'FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.truncating()');
	PERFORM crmaudit.create_trigger(target, 'zz_crmaudit_truncated', 'AFTER TRUNCATE', 'FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.truncated()');
	PERFORM crmaudit.hand_down_truncate_trigger(target);
END $$;
COMMENT ON FUNCTION crmaudit.create_gate_triggers(regclass) IS 'creates the gate''s triggers on a table';

-- Its name sorts before zz_crmaudit_stored, whose condition forgets the row.
CREATE FUNCTION crmaudit.create_commit_trigger(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = target AND t.tgname = 'zz_crmaudit_commit') THEN
		EXECUTE format('CREATE CONSTRAINT TRIGGER zz_crmaudit_commit AFTER INSERT OR UPDATE ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (crmaudit.row_awaits_commit()) EXECUTE FUNCTION crmaudit.commit_gate()', target);
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.create_commit_trigger(regclass) IS 'creates the deferred trigger that rules with "timing":"commit" need';

CREATE FUNCTION crmaudit.drop_commit_trigger(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = target AND t.tgname = 'zz_crmaudit_commit') THEN
		EXECUTE format('DROP TRIGGER zz_crmaudit_commit ON %s', target);
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.drop_commit_trigger(regclass) IS 'drops the deferred trigger when no rule needs it';

-- protect() ---------------------------------------------------------------------------

-- The columns that identify a row: the primary key, the replica identity, or a
-- unique index over columns that are NOT NULL.
CREATE FUNCTION crmaudit.row_identity(target regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, position)
		JOIN pg_attribute a ON a.attrelid = target AND a.attnum = k.attnum
		WHERE k.position <= i.indnkeyatts ORDER BY k.position)
	FROM pg_index i
	WHERE i.indrelid = target AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
		AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) AS k(attnum)
			JOIN pg_attribute a ON a.attrelid = target AND a.attnum = k.attnum WHERE NOT a.attnotnull)
	ORDER BY i.indisprimary DESC, i.indisreplident DESC, i.indnkeyatts, i.indexrelid
	LIMIT 1
$$;
COMMENT ON FUNCTION crmaudit.row_identity(regclass) IS 'the columns that identify a row of a table; NULL if none do';

CREATE FUNCTION crmaudit.require_protectable(target regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	class pg_class;
	kinds constant jsonb := '{"v":"a view","m":"a materialized view","f":"a foreign table","S":"a sequence","i":"an index","I":"an index","c":"a composite type","t":"a TOAST table"}';
	other regclass;
BEGIN
	IF target IS NULL THEN
		RAISE EXCEPTION 'relation to protect must not be null' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT * INTO class FROM pg_class WHERE oid = target;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'relation to protect does not exist' USING ERRCODE = 'undefined_table';
	END IF;
	IF class.relkind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION 'cannot protect relation "%"', target
			USING ERRCODE = 'wrong_object_type', DETAIL = format('It is %s.', kinds ->> class.relkind::text),
				HINT = 'Only ordinary and partitioned tables can be protected.';
	END IF;
	IF class.relpersistence = 't' OR class.relnamespace IN ('pg_catalog'::regnamespace, 'crmaudit'::regnamespace) THEN
		RAISE EXCEPTION 'cannot protect relation "%"', target
			USING ERRCODE = 'wrong_object_type', DETAIL = 'It is a temporary or a system table.',
				HINT = 'Only ordinary and partitioned tables can be protected.';
	END IF;
	SELECT p.target INTO other FROM crmaudit.protected_table p
		WHERE p.target <> require_protectable.target
			AND (p.target IN (SELECT relid FROM pg_partition_ancestors(require_protectable.target))
				OR p.target IN (SELECT relid FROM pg_partition_tree(require_protectable.target)));
	IF FOUND THEN
		RAISE EXCEPTION 'relation "%" belongs to the same partitioned table as "%", which is protected already', target, other
			USING ERRCODE = 'duplicate_object', HINT = 'Protect the partitioned table as a whole.';
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.require_protectable(regclass) IS 'raises an error unless the relation can be protected';

-- Roles must be known and columns exist; a path must lead into json.
CREATE FUNCTION crmaudit.check_roles(target regclass, roles jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	column_spec text;
	role text;
BEGIN
	IF jsonb_typeof(roles) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION 'roles must be a json object that maps columns to roles'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'For example: {"mail": "email", "mobile": "phone"}.';
	END IF;
	FOR column_spec, role IN SELECT key, value FROM jsonb_each_text(roles) LOOP
		PERFORM crmaudit.require_choice(role, ARRAY(SELECT r.role FROM crmaudit.role r ORDER BY 1), 'role');
		PERFORM crmaudit.rule_check(target, '', 'required', ARRAY[column_spec], '{}', NULL, true);
		IF role = 'score' AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = column_spec
			AND a.atttypid IN ('crmaudit.dqscore'::regtype, 'numeric'::regtype, 'real'::regtype, 'double precision'::regtype,
				'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype)) THEN
			RAISE EXCEPTION 'column "%" of relation "%" cannot hold scores', column_spec, target
				USING ERRCODE = 'datatype_mismatch', HINT = 'Its type must be crmaudit.dqscore, numeric, real, double precision, or an integer type.';
		END IF;
		-- numeric(3,1) ends at 99.9
		IF role = 'score' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = column_spec
			AND a.atttypid = 'numeric'::regtype AND a.atttypmod >= 4
			AND ((a.atttypmod - 4) >> 16) - (((a.atttypmod - 4) & 2047) # 1024) + 1024 < 3) THEN
			RAISE EXCEPTION 'column "%" of relation "%" cannot hold the score 100', column_spec, target
				USING ERRCODE = 'datatype_mismatch', HINT = 'Declare it numeric(5,2), or without a precision.';
		END IF;
	END LOOP;
	IF cardinality(crmaudit.role_columns(roles, 'score')) > 1 THEN
		RAISE EXCEPTION 'only one column can have the role "score"' USING ERRCODE = 'invalid_parameter_value';
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.check_roles(regclass, jsonb) IS 'raises an error unless all roles and columns exist';

CREATE FUNCTION crmaudit.make_key_salt() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO crmaudit.key_salt SELECT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
		WHERE NOT EXISTS (SELECT FROM crmaudit.key_salt)
$$;
COMMENT ON FUNCTION crmaudit.make_key_salt() IS 'makes the secret that identifiers in keys are hashed with, unless there is one';

-- The row of protected_table that protect() asks for, over what there was.
CREATE FUNCTION crmaudit.prepare_table(target regclass, roles jsonb, packs text[], mode text, history boolean,
	live text, error_style text, key text[], live_scores boolean, path text)
RETURNS crmaudit.protected_table LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	result crmaudit.protected_table;
	pack text;
BEGIN
	SELECT * INTO result FROM crmaudit.protected_table p WHERE p.target = prepare_table.target;
	result.target := target;
	PERFORM crmaudit.require_choice(mode, '{enforce,observe,quarantine,off}', 'mode');
	PERFORM crmaudit.require_choice(error_style, '{rule,native}', 'error style');
	FOREACH pack IN ARRAY coalesce(packs, '{}') LOOP
		PERFORM crmaudit.require_choice(pack, ARRAY(SELECT p.pack FROM crmaudit.pack p ORDER BY 1), 'pack');
	END LOOP;
	PERFORM crmaudit.check_roles(target, coalesce(result.roles, '{}') || coalesce(roles, '{}'));
	result.mode := mode;
	result.history := coalesce(history, true);
	result.error_style := error_style;
	result.live_scores := coalesce(live_scores, true);
	result.roles := coalesce(result.roles, '{}') || coalesce(roles, '{}');
	result.packs := ARRAY(SELECT DISTINCT p FROM unnest(coalesce(result.packs, '{}') || coalesce(packs, '{}')) p ORDER BY p);
	IF live IS NOT NULL THEN
		PERFORM crmaudit.require_table_owner(target, 'live condition');
		result.live := nullif(live, '');
		IF result.live IS NOT NULL THEN
			result.live := crmaudit.canonical_expression(target, live, path, 'live condition', NULL, NULL);
		END IF;
	END IF;
	result.key := coalesce(key, result.key, crmaudit.row_identity(target));
	IF coalesce(cardinality(result.key), 0) = 0 THEN
		RAISE EXCEPTION 'relation "%" has no primary key', target
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Findings name a row by its key.',
				HINT = 'Name the columns that identify a row: key => ARRAY[...].';
	END IF;
	PERFORM crmaudit.rule_check(target, '', 'required', ARRAY[k], '{}', NULL, true) FROM unnest(result.key) k;
	IF EXISTS (SELECT FROM unnest(result.key) k WHERE NOT EXISTS (
		SELECT FROM pg_attribute a WHERE a.attrelid = prepare_table.target AND a.attname = k)) THEN
		RAISE EXCEPTION 'a key consists of columns, not of paths into them' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT coalesce(array_agg(k), '{}') INTO result.hashed_key FROM unnest(result.key) k
		JOIN crmaudit.role r ON r.role = result.roles ->> k AND r.is_identifier;
	PERFORM crmaudit.make_key_salt() WHERE cardinality(result.hashed_key) > 0;
	result.attnums := ARRAY(
		SELECT unnest(crmaudit.rule_check(target, '', 'required', ARRAY[spec], '{}', NULL, true))
			FROM (SELECT unnest(result.key) UNION SELECT jsonb_object_keys(result.roles)) AS s(spec)
		UNION SELECT unnest(crmaudit.expression_columns(target, result.live)) ORDER BY 1);
	result.attnames := crmaudit.column_names(target, result.attnums);
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.prepare_table(regclass, jsonb, text[], text, boolean, text, text, text[], boolean, text) IS 'checks the arguments of protect(), and merges them with the present settings';

CREATE FUNCTION crmaudit.protect_table(target regclass, roles jsonb, packs text[], mode text, history boolean,
	live text, error_style text, key text[], live_scores boolean, path text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	settings crmaudit.protected_table;
BEGIN
	PERFORM crmaudit.require_protectable(target);
	settings := crmaudit.prepare_table(target, roles, packs, mode, history, live, error_style, key, live_scores, path);
	-- waits for another who protects the table at this moment
	INSERT INTO crmaudit.protected_table (target, mode, history, live, error_style, key, hashed_key, live_scores, roles, packs, attnums, attnames)
		VALUES (settings.target, settings.mode, settings.history, settings.live, settings.error_style, settings.key,
			settings.hashed_key, settings.live_scores, settings.roles, settings.packs, settings.attnums, settings.attnames)
		ON CONFLICT ON CONSTRAINT protected_table_pkey DO UPDATE SET mode = excluded.mode, history = excluded.history, live = excluded.live,
			error_style = excluded.error_style, key = excluded.key, hashed_key = excluded.hashed_key,
			live_scores = excluded.live_scores, roles = excluded.roles, packs = excluded.packs,
			attnums = excluded.attnums, attnames = excluded.attnames;
	PERFORM crmaudit.create_gate_triggers(target);
	PERFORM crmaudit.apply_packs(target);
	IF settings.history THEN
		PERFORM crmaudit.track(target, key => settings.key);
	ELSIF EXISTS (SELECT FROM crmaudit.tracked_table t WHERE t.target = protect_table.target AND t.tracked) THEN
		PERFORM crmaudit.untrack(target);
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.protect_table(regclass, jsonb, text[], text, boolean, text, text, text[], boolean, text) IS 'implementation of protect(); path is the search_path that live is parsed with';

CREATE FUNCTION crmaudit.protect(target regclass, roles jsonb DEFAULT '{}', packs text[] DEFAULT '{}',
	mode text DEFAULT 'enforce', history boolean DEFAULT true, live text DEFAULT NULL,
	error_style text DEFAULT 'rule', key text[] DEFAULT NULL, live_scores boolean DEFAULT true)
RETURNS void LANGUAGE sql
BEGIN ATOMIC
	SELECT crmaudit.protect_table(target, roles, packs, mode, history, live, error_style, key, live_scores,
		pg_catalog.current_setting('search_path'));
END;
COMMENT ON FUNCTION crmaudit.protect(regclass, jsonb, text[], text, boolean, text, text, text[], boolean) IS 'puts a table under protection; called again it adds roles and packs and sets the other options (live: NULL leaves it, an empty text removes it)';

CREATE FUNCTION crmaudit.unprotect(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	trigger_name name;
BEGIN
	PERFORM crmaudit.require_protected(target);
	PERFORM crmaudit.drop_rule(r.target, r.name) FROM crmaudit.rule r WHERE r.target = unprotect.target;
	DELETE FROM crmaudit.protected_table p WHERE p.target = unprotect.target;
	IF EXISTS (SELECT FROM crmaudit.tracked_table t WHERE t.target = unprotect.target AND t.tracked) THEN
		PERFORM crmaudit.untrack(target);
	END IF;
	FOR trigger_name IN SELECT t.tgname FROM pg_trigger t
		WHERE t.tgrelid = target AND t.tgname LIKE 'zz\_crmaudit\_%' AND NOT t.tgisinternal
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', trigger_name, target);
	END LOOP;
	PERFORM crmaudit.take_back_truncate_triggers();
END $$;
COMMENT ON FUNCTION crmaudit.unprotect(regclass) IS 'removes triggers and rules from a table, and resolves its findings';

CREATE FUNCTION crmaudit.set_mode(target regclass, mode text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.require_protected(target);
	PERFORM crmaudit.require_choice(mode, '{enforce,observe,quarantine,off}', 'mode');
	UPDATE crmaudit.protected_table p SET mode = set_mode.mode WHERE p.target = set_mode.target;
END $$;
COMMENT ON FUNCTION crmaudit.set_mode(regclass, text) IS 'changes the mode of a protected table: enforce, observe, quarantine or off';

-- Quarantine ------------------------------------------------------------------------------

CREATE TABLE crmaudit.quarantine (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL,
	target regclass NOT NULL,
	operation text NOT NULL CHECK (operation IN ('INSERT', 'UPDATE')),
	row_key jsonb NOT NULL,
	row_data jsonb NOT NULL,
	reasons jsonb NOT NULL,
	username name NOT NULL,
	status text NOT NULL CHECK (status IN ('waiting', 'released', 'discarded')),
	decided_at timestamptz,
	decided_by name,
	decision text
);
COMMENT ON TABLE crmaudit.quarantine IS 'rows put aside in mode quarantine: the row, why, who and when; holds personal data';
COMMENT ON COLUMN crmaudit.quarantine.row_data IS 'the row of an INSERT; of an UPDATE what it changes, and the key';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.quarantine', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.quarantine_id_seq', '');

CREATE FUNCTION crmaudit.require_quarantined(id bigint) RETURNS crmaudit.quarantine
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	entry crmaudit.quarantine;
BEGIN
	SELECT * INTO entry FROM crmaudit.quarantine q WHERE q.id = require_quarantined.id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'quarantined row % does not exist', id USING ERRCODE = 'undefined_object';
	END IF;
	IF entry.status <> 'waiting' THEN
		RAISE EXCEPTION 'quarantined row % was % already', id, entry.status
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = format('By %s at %s.', entry.decided_by, entry.decided_at);
	END IF;
	RETURN entry;
END $$;
COMMENT ON FUNCTION crmaudit.require_quarantined(bigint) IS 'returns a row that waits in quarantine, locked, or raises an error';

-- Columns that a released row may write: not generated ones; an identity
-- column that is always generated only by an INSERT.
CREATE FUNCTION crmaudit.writable_columns(target regclass, operation text) RETURNS name[]
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
	WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		AND NOT (a.attidentity = 'a' AND operation = 'UPDATE')
$$;
COMMENT ON FUNCTION crmaudit.writable_columns(regclass, text) IS 'columns of a table that an INSERT or an UPDATE can write';

-- Runs with the caller's rights on the table; the gate judges the row as in
-- mode enforce, so that a row that is still bad raises the gate's error.
CREATE FUNCTION crmaudit.release(id bigint, patch jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET crmaudit.refuse_quarantined = on AS $$
DECLARE
	entry crmaudit.quarantine := crmaudit.require_quarantined(id);
	columns name[] := crmaudit.writable_columns(entry.target, entry.operation);
	old_key jsonb;
	unknown text;
	names text;
	stored bigint;
BEGIN
	SELECT key INTO unknown FROM jsonb_object_keys(coalesce(patch, '{}')) key WHERE NOT key = ANY (columns) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'column "%" of relation "%" does not exist, or cannot be written', unknown, entry.target USING ERRCODE = 'undefined_column';
	END IF;
	entry.row_data := entry.row_data || coalesce(patch, '{}');
	-- a column that was added meanwhile keeps what it has
	SELECT string_agg(format('%I', c), ', ') INTO names FROM unnest(columns) c WHERE entry.row_data ? c::text;
	IF entry.operation = 'INSERT' THEN
		EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)',
			entry.target, names) USING entry.row_data;
	ELSE
		-- the row to update still has its old key; what of it is hashed is taken as unchanged
		old_key := entry.row_data || (entry.row_key - coalesce(
			(SELECT p.hashed_key FROM crmaudit.protected_table p WHERE p.target = entry.target), '{}'));
		EXECUTE format('UPDATE %1$s AS t SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)) WHERE %3$s',
			entry.target, names,
			(SELECT string_agg(format('t.%1$I IS NOT DISTINCT FROM (jsonb_populate_record(NULL::%2$s, $2)).%1$I', k, entry.target), ' AND ')
				FROM jsonb_object_keys(entry.row_key) k)) USING entry.row_data, old_key;
	END IF;
	GET DIAGNOSTICS stored = ROW_COUNT;
	IF stored <> 1 THEN
		RAISE EXCEPTION 'quarantined row % was not stored', id
			USING ERRCODE = 'no_data_found',
				DETAIL = format('%s changed %s rows of relation "%s".', entry.operation, stored, entry.target),
				HINT = 'The row to update may be gone; crmaudit.discard() ends the matter.';
	END IF;
	UPDATE crmaudit.quarantine q SET status = 'released', decided_at = now(), decided_by = session_user,
			decision = CASE WHEN patch <> '{}' THEN 'repaired: ' || (SELECT string_agg(key, ', ') FROM jsonb_object_keys(patch) key) END
		WHERE q.id = release.id;
END $$;
COMMENT ON FUNCTION crmaudit.release(bigint, jsonb) IS 'writes a quarantined row again, with the columns in patch repaired; a row that is still bad raises the gate''s error and stays';

CREATE FUNCTION crmaudit.discard(id bigint, reason text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(btrim(reason), '') = '' THEN
		RAISE EXCEPTION 'discarding a quarantined row needs a reason' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM crmaudit.require_quarantined(id);
	UPDATE crmaudit.quarantine q SET status = 'discarded', decided_at = now(), decided_by = session_user, decision = reason
		WHERE q.id = discard.id;
END $$;
COMMENT ON FUNCTION crmaudit.discard(bigint, text) IS 'gives up a quarantined row, with the reason';
