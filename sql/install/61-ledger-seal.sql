-- 61-ledger-seal: entries become blocks, digests of which are kept elsewhere,
-- and proofs that others check without the database (tools/ledger-check).

-- What is recorded ---------------------------------------------------------------------

-- A trigger as its tgenabled, with its definition if that is not as we made it.
CREATE FUNCTION crmaudit.ledger_trigger_states(target regclass) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT coalesce(jsonb_object_agg(relation, states), '{}') FROM (
		SELECT t.tgrelid::regclass::text AS relation,
			jsonb_object_agg(t.tgname, t.tgenabled::text || CASE WHEN t.tgqual IS NULL AND cardinality(t.tgattr::int2[]) = 0
				AND (t.tgtype, t.tgfoid) IN ((29, 'crmaudit.capture()'::regprocedure), (34, 'crmaudit.capture_truncate()'::regprocedure))
				THEN '' ELSE ' ' || pg_get_triggerdef(t.oid) END) AS states
		FROM pg_trigger t
		WHERE t.tgrelid IN (SELECT ledger_trigger_states.target UNION SELECT p.relid FROM crmaudit.partition_tree(ledger_trigger_states.target) p)
			AND t.tgname LIKE 'zz\_crmaudit\_ledger%'
		GROUP BY t.tgrelid) AS r
$$;
COMMENT ON FUNCTION crmaudit.ledger_trigger_states(regclass) IS 'triggers that record a table, on it and its partitions: A if they always fire; a trigger that is not as crmaudit makes it with its definition';

-- Only settings that are the same in every session, or each sealer would find
-- another coverage.
CREATE FUNCTION crmaudit.ledger_coverage() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT jsonb_build_object(
		'version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'crmaudit'),
		'tables', (SELECT coalesce(jsonb_object_agg(t.table_id, jsonb_build_object('name', t.name,
				'columns', (SELECT coalesce(jsonb_agg(a.attname ORDER BY a.attname), '[]') FROM pg_attribute a
					WHERE a.attrelid = t.target AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attname = ANY (t.exclude)),
				'excluded', t.exclude, 'personal', t.personal, 'require_reason', t.require_reason,
				'triggers', crmaudit.ledger_trigger_states(t.target))), '{}')
			FROM crmaudit.tracked_table t WHERE t.tracked AND t.target IS NOT NULL),
		'event_triggers', (SELECT coalesce(jsonb_object_agg(e.evtname, e.evtenabled), '{}') FROM pg_event_trigger e
			WHERE e.evtname LIKE 'crmaudit\_%'),
		'settings', (SELECT coalesce(jsonb_object_agg(s.name, CASE WHEN s.name = 'crmaudit.digest_command' AND s.setting <> ''
				THEN encode(sha256(convert_to(s.setting, 'UTF8')), 'hex') ELSE s.setting END), '{}')
			FROM pg_settings s WHERE s.name LIKE 'crmaudit.%' AND s.context IN ('sighup', 'postmaster')
				OR s.name IN ('fsync', 'full_page_writes')),
		-- what a role or the database has for its default
		'defaults', (SELECT coalesce(jsonb_agg(format('%s: %s', coalesce(r.rolname, 'all'), setting) ORDER BY r.rolname, setting), '[]')
			FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole CROSS JOIN unnest(s.setconfig) AS setting
			WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
				AND (setting LIKE 'crmaudit.mode=%' OR setting LIKE 'session\_replication\_role=%' OR setting LIKE 'event\_triggers=%')))
$$;
COMMENT ON FUNCTION crmaudit.ledger_coverage() IS 'what the ledger records at present: tracked tables, the state of their triggers, and the settings that matter; each block holds its hash';

-- Sealing ------------------------------------------------------------------------------

CREATE FUNCTION crmaudit.last_snapshot(domain bigint) RETURNS pg_snapshot
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT b.snapshot FROM crmaudit.ledger_block b
	WHERE b.incarnation >> 24 = domain AND b.snapshot IS NOT NULL ORDER BY b.block_id DESC LIMIT 1
$$;
COMMENT ON FUNCTION crmaudit.last_snapshot(bigint) IS 'snapshot of the newest block of a domain (an incarnation without its timeline)';

-- Those that have blocks first, so that the blocks of each stand together.
CREATE FUNCTION crmaudit.unclosed_incarnations(incarnation bigint) RETURNS TABLE (incarnation bigint)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(b.incarnation, e.incarnation)
	FROM (SELECT max(e.incarnation) AS incarnation FROM crmaudit.ledger_entry e WHERE e.incarnation >> 24 <> $1 >> 24 GROUP BY e.incarnation >> 24) AS e
		LEFT JOIN LATERAL (SELECT b.block_id, b.incarnation, b.snapshot FROM crmaudit.ledger_block b
			WHERE b.incarnation >> 24 = e.incarnation >> 24 ORDER BY b.block_id DESC LIMIT 1) AS b ON true
	WHERE (b.block_id IS NULL OR b.snapshot IS NOT NULL)
		AND NOT EXISTS (SELECT FROM crmaudit.ledger_incarnation i WHERE i.incarnation >> 24 = $1 >> 24)
	ORDER BY b.block_id DESC NULLS LAST, e.incarnation
$$;
COMMENT ON FUNCTION crmaudit.unclosed_incarnations(bigint) IS 'earlier lives of the database that may have entries which no block holds; none once a block of this incarnation''s domain is there';

-- While a dump is restored, blocks and entries of before are not all there yet,
-- and a block made now would take the place of one that comes. Triggers come
-- last: where one is missing, the worker waits. seal() does not.
CREATE FUNCTION crmaudit.may_begin_life(incarnation bigint) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM crmaudit.ledger_incarnation i WHERE i.incarnation >> 24 = $1 >> 24)
		OR EXISTS (SELECT FROM crmaudit.tracked_table t WHERE t.tracked AND NOT t.builtin)
			AND NOT EXISTS (SELECT FROM crmaudit.tracked_table t CROSS JOIN LATERAL crmaudit.ledger_trigger_faults(t.target) f
				WHERE t.tracked AND NOT t.builtin AND f.fault = 'missing')
$$;
COMMENT ON FUNCTION crmaudit.may_begin_life(bigint) IS 'whether the worker may seal: this life of the database has blocks, or a table is tracked and no trigger is missing, as would be while a dump is restored';

-- SECURITY DEFINER, for nobody else may write blocks.
CREATE FUNCTION crmaudit.seal() RETURNS bigint LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'crmaudit_seal';
COMMENT ON FUNCTION crmaudit.seal() IS 'seals what was committed since the last block into a new one, and returns its id; NULL: nothing new';

-- The text of timestamps must not depend on the session.
CREATE FUNCTION crmaudit.ledger_digest() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
	SELECT jsonb_build_object('database', current_database(), 'incarnation', b.incarnation::text, 'block', b.block_id,
		'hash', encode(b.hash, 'hex'), 'entries', b.entries_total, 'last_commit', b.last_at, 'lsn', b.lsn,
		'sealed_at', b.sealed_at, 'previous_hash', encode(b.previous_hash, 'hex'))
	FROM crmaudit.ledger_block b ORDER BY b.block_id DESC LIMIT 1
$$;
COMMENT ON FUNCTION crmaudit.ledger_digest() IS 'digest of the newest block, to be kept elsewhere: verify_ledger(digest) then finds a ledger that was rewritten; NULL: nothing is sealed';

-- Trees --------------------------------------------------------------------------------

CREATE FUNCTION crmaudit.merkle_accum(state internal, hash bytea) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_merkle_accum';
COMMENT ON FUNCTION crmaudit.merkle_accum(internal, bytea) IS 'transition function of merkle_root(): hangs a leaf into the tree';

CREATE FUNCTION crmaudit.merkle_path_accum(state internal, hash bytea, is_proved boolean) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_merkle_path_accum';
COMMENT ON FUNCTION crmaudit.merkle_path_accum(internal, bytea, boolean) IS 'transition function of merkle_path(): hangs a leaf into the tree, perhaps the one to prove';

CREATE FUNCTION crmaudit.merkle_final(state internal) RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_merkle_final';
COMMENT ON FUNCTION crmaudit.merkle_final(internal) IS 'final function of merkle_root()';

CREATE FUNCTION crmaudit.merkle_path_final(state internal) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_merkle_path_final';
COMMENT ON FUNCTION crmaudit.merkle_path_final(internal) IS 'final function of merkle_path()';

CREATE AGGREGATE crmaudit.merkle_root(hash bytea) (
	SFUNC = crmaudit.merkle_accum, STYPE = internal, SSPACE = 2100, FINALFUNC = crmaudit.merkle_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crmaudit.merkle_root(bytea) IS 'root of the tree over hashes (RFC 6962); give ORDER BY';

CREATE AGGREGATE crmaudit.merkle_path(hash bytea, is_proved boolean) (
	SFUNC = crmaudit.merkle_path_accum, STYPE = internal, SSPACE = 4200, FINALFUNC = crmaudit.merkle_path_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crmaudit.merkle_path(bytea, boolean) IS 'audit path of the leaf for which is_proved is true, from leaf to root: [{"left"|"right": sibling}, ...]; NULL: no such leaf; give ORDER BY';

-- Proofs and exports --------------------------------------------------------------------

CREATE FUNCTION crmaudit.entry_commitments(entry crmaudit.ledger_entry) RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_entry_commitments';
COMMENT ON FUNCTION crmaudit.entry_commitments(crmaudit.ledger_entry) IS 'commitments to all personal columns of an entry, as ledger_entry.commitments holds them: with these instead of the values it still has its hash; NULL: no personal value';

-- Numbers beyond 2^53 are strings, times microseconds since 1970: what a reader
-- of JSON would round is not left to him.
CREATE FUNCTION crmaudit.microseconds(at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT (extract(epoch FROM at) * 1000000)::bigint
$$;
COMMENT ON FUNCTION crmaudit.microseconds(timestamptz) IS 'a time as the ledger hashes it: microseconds since 1970-01-01 00:00 UTC';

CREATE FUNCTION crmaudit.context_json(context crmaudit.ledger_context) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('incarnation', context.incarnation::text, 'xid', context.xid::text, 'at', crmaudit.microseconds(context.at),
		'context', context.context, 'actor', context.actor, 'session_username', context.session_username,
		'current_username', context.current_username, 'client', context.client, 'application_name', context.application_name,
		'reason', context.reason)
$$;
COMMENT ON FUNCTION crmaudit.context_json(crmaudit.ledger_context) IS 'what the hash of a context is computed from';

CREATE FUNCTION crmaudit.entry_json(entry crmaudit.ledger_entry, with_personal boolean) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('incarnation', entry.incarnation::text, 'xid', entry.xid::text, 'subxid', entry.subxid::text, 'ord', entry.ord,
		'at', crmaudit.microseconds(entry.at), 'table_id', entry.table_id, 'op', entry.op, 'row_key', entry.row_key,
		'personal', coalesce(to_jsonb(entry.personal), '[]'))
		|| CASE WHEN with_personal OR entry.personal IS NULL
			THEN jsonb_build_object('old', entry.old, 'new', entry.new, 'salt', encode(entry.salt, 'hex'), 'commitments', entry.commitments)
			ELSE jsonb_build_object('old', entry.old - entry.personal, 'new', entry.new - entry.personal, 'salt', NULL,
				'commitments', crmaudit.entry_commitments(entry)) END
$$;
COMMENT ON FUNCTION crmaudit.entry_json(crmaudit.ledger_entry, boolean) IS 'what the hash of an entry is computed from; without personal values the commitments to them stand instead';

CREATE FUNCTION crmaudit.block_json(block crmaudit.ledger_block) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('database', current_database(), 'block', block.block_id, 'version', block.version, 'incarnation', block.incarnation::text,
		'snapshot', block.snapshot::text, 'entries', block.entries, 'transactions', block.transactions, 'entries_total', block.entries_total,
		'last_at', crmaudit.microseconds(block.last_at), 'lsn', block.lsn::text, 'sealed_at', crmaudit.microseconds(block.sealed_at),
		'root', encode(block.root, 'hex'), 'coverage_hash', encode(block.coverage_hash, 'hex'),
		'previous_hash', encode(block.previous_hash, 'hex'), 'hash', encode(block.hash, 'hex'))
$$;
COMMENT ON FUNCTION crmaudit.block_json(crmaudit.ledger_block) IS 'what the hash of a block is computed from, and the hash';

CREATE FUNCTION crmaudit.require_block(block_id bigint) RETURNS crmaudit.ledger_block
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result crmaudit.ledger_block;
BEGIN
	SELECT * INTO result FROM crmaudit.ledger_block b WHERE b.block_id = require_block.block_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'block % of the ledger does not exist', block_id USING ERRCODE = 'no_data_found';
	END IF;
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.require_block(bigint) IS 'returns a block, or raises an error';

-- The blocks of a domain stand together, and each sees what those before see.
CREATE FUNCTION crmaudit.block_of(incarnation bigint, xid xid8) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	low bigint;
	high bigint;
	middle bigint;
BEGIN
	SELECT min(i.first_block) INTO low FROM crmaudit.ledger_incarnation i WHERE i.incarnation >> 24 = block_of.incarnation >> 24;
	SELECT coalesce(min(i.first_block), (SELECT max(b.block_id) + 1 FROM crmaudit.ledger_block b)) INTO high
		FROM crmaudit.ledger_incarnation i WHERE i.incarnation >> 24 <> block_of.incarnation >> 24 AND i.first_block > low;
	-- the first block that sees the transaction is in [low, high]; high: none
	WHILE low < high LOOP
		middle := (low + high) / 2;
		IF (SELECT b.snapshot IS NULL OR pg_visible_in_snapshot(xid, b.snapshot) FROM crmaudit.ledger_block b WHERE b.block_id = middle) THEN
			high := middle;
		ELSE
			low := middle + 1;
		END IF;
	END LOOP;
	RETURN (SELECT b.block_id FROM crmaudit.ledger_block b WHERE b.block_id = low AND b.incarnation >> 24 = block_of.incarnation >> 24);
END $$;
COMMENT ON FUNCTION crmaudit.block_of(bigint, xid8) IS 'block that holds the entries of a transaction; NULL: they are not sealed';

CREATE FUNCTION crmaudit.read_proof(xid xid8, ord int, incarnation bigint, with_personal boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	entry crmaudit.ledger_entry;
	context crmaudit.ledger_context;
	block crmaudit.ledger_block;
	lives constant bigint := coalesce(read_proof.incarnation, crmaudit.ledger_incarnation()) >> 24;
	month date;
BEGIN
	SELECT * INTO entry FROM crmaudit.ledger_entry e WHERE e.xid = read_proof.xid AND e.ord = read_proof.ord AND e.incarnation >> 24 = lives;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'entry % of transaction % does not exist', read_proof.ord, read_proof.xid
			USING ERRCODE = 'no_data_found', HINT = 'An entry of an earlier life of the database needs its incarnation.';
	END IF;
	SELECT * INTO block FROM crmaudit.ledger_block b WHERE b.block_id = crmaudit.block_of(entry.incarnation, entry.xid);
	IF NOT FOUND THEN
		RAISE EXCEPTION 'entry % of transaction % is not sealed', read_proof.ord, read_proof.xid
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Seal it: SELECT crmaudit.seal();';
	END IF;
	SELECT * INTO context FROM crmaudit.ledger_context c WHERE c.xid = entry.context_xid AND c.context = entry.context AND c.incarnation = entry.incarnation;
	month := date_trunc('month', entry.at AT TIME ZONE 'UTC')::date;
	RETURN jsonb_build_object('kind', 'proof', 'entry', crmaudit.entry_json(entry, with_personal), 'context', crmaudit.context_json(context),
		'path', (SELECT crmaudit.merkle_path(e.leaf, e.ord = entry.ord ORDER BY e.ord) FROM crmaudit.ledger_entry e
			WHERE e.xid = entry.xid AND e.incarnation >> 24 = lives
				AND e.at >= month::timestamp AT TIME ZONE 'UTC' AND e.at < (month + interval '1 month') AT TIME ZONE 'UTC')
			|| (SELECT crmaudit.merkle_path(t.root, t.xid = entry.xid ORDER BY t.xid) FROM crmaudit.ledger_transaction t
				WHERE t.block_id = block.block_id AND t.period = month)
			|| (SELECT crmaudit.merkle_path(p.root, p.period = month ORDER BY p.period) FROM crmaudit.ledger_block_partition p
				WHERE p.block_id = block.block_id),
		'block', crmaudit.block_json(block));
END $$;
COMMENT ON FUNCTION crmaudit.read_proof(xid8, int, bigint, boolean) IS 'result of ledger_proof(), read with the rights of the caller';

-- Whoever may not read ledger_entry gets what holds no personal value.
CREATE FUNCTION crmaudit.masked_proof(xid xid8, ord int, incarnation bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.read_proof(xid, ord, incarnation, false)
$$;
COMMENT ON FUNCTION crmaudit.masked_proof(xid8, int, bigint) IS 'result of ledger_proof() without personal values';

CREATE FUNCTION crmaudit.ledger_proof(xid xid8, ord int, incarnation bigint DEFAULT NULL, with_personal boolean DEFAULT false) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN with_personal THEN crmaudit.read_proof(xid, ord, incarnation, true) ELSE crmaudit.masked_proof(xid, ord, incarnation) END
$$;
COMMENT ON FUNCTION crmaudit.ledger_proof(xid8, int, bigint, boolean) IS 'proves to others that an entry is in its block (tools/ledger-check checks it); incarnation: NULL is the present one; with_personal: discloses personal values too';

CREATE FUNCTION crmaudit.export_chain(first_block bigint DEFAULT 1, last_block bigint DEFAULT NULL) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('kind', 'chain', 'block', crmaudit.block_json(b)) FROM crmaudit.ledger_block b
	WHERE b.block_id >= first_block AND (last_block IS NULL OR b.block_id <= last_block) ORDER BY b.block_id
$$;
COMMENT ON FUNCTION crmaudit.export_chain(bigint, bigint) IS 'exports blocks without their entries, for tools/ledger-check to check how they are linked';

CREATE FUNCTION crmaudit.read_block(block_id bigint, with_personal boolean) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	block constant crmaudit.ledger_block := crmaudit.require_block(read_block.block_id);
BEGIN
	RETURN NEXT jsonb_build_object('kind', 'block', 'block', crmaudit.block_json(block),
		'coverage', (SELECT b.coverage FROM crmaudit.ledger_block b
			WHERE b.block_id <= block.block_id AND b.coverage IS NOT NULL ORDER BY b.block_id DESC LIMIT 1));
	RETURN QUERY
		SELECT jsonb_build_object('kind', 'pruned', 'period', p.period, 'entries', p.entries, 'root', encode(p.root, 'hex'))
		FROM crmaudit.ledger_block_partition p
		WHERE p.block_id = block.block_id AND NOT EXISTS (SELECT FROM crmaudit.ledger_transaction t WHERE t.block_id = p.block_id AND t.period = p.period)
		ORDER BY p.period;
	RETURN QUERY
		SELECT jsonb_build_object('kind', 'entry', 'entry', crmaudit.entry_json(e, with_personal), 'context', crmaudit.context_json(c))
		FROM crmaudit.ledger_transaction t
			JOIN crmaudit.ledger_entry e ON e.xid = t.xid AND e.incarnation >> 24 = block.incarnation >> 24
				AND e.at >= t.period::timestamp AT TIME ZONE 'UTC' AND e.at < (t.period + interval '1 month') AT TIME ZONE 'UTC'
			LEFT JOIN crmaudit.ledger_context c ON c.xid = e.context_xid AND c.context = e.context AND c.incarnation = e.incarnation
		WHERE t.block_id = block.block_id
		ORDER BY t.period, e.xid, e.ord;
END $$;
COMMENT ON FUNCTION crmaudit.read_block(bigint, boolean) IS 'result of export_block(), read with the rights of the caller';

CREATE FUNCTION crmaudit.masked_block(block_id bigint) RETURNS SETOF jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.read_block(block_id, false)
$$;
COMMENT ON FUNCTION crmaudit.masked_block(bigint) IS 'result of export_block() without personal values';

CREATE FUNCTION crmaudit.export_block(block_id bigint, with_personal boolean DEFAULT false) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF with_personal THEN
		RETURN QUERY SELECT crmaudit.read_block(block_id, true);
	ELSE
		RETURN QUERY SELECT crmaudit.masked_block(block_id);
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.export_block(bigint, boolean) IS 'exports a block for tools/ledger-check: a line about the block, one for each month of it that was pruned, and one for each entry; with_personal: discloses personal values too';
