-- 63-ledger-history: reading the ledger.
--
-- Nobody has rights on ledger_entry. What reads it is of three kinds: views,
-- which read with their owner's rights and mask with the reader's; functions
-- in C, which look at the reader's rights first and then call a function
-- read_...() or find_...() as the ledger's owner; and these themselves, which
-- read with their caller's rights, so that nobody else gets anything from them.

CREATE FUNCTION crmaudit.ledger_flush() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_ledger_flush';
COMMENT ON FUNCTION crmaudit.ledger_flush() IS 'writes the entries of the ledger that this session has gathered and not yet written';

-- Masks ------------------------------------------------------------------------------
-- By the rights on the table as tracked_table knows it: after a restore, or when
-- numbers begin again, ledger_entry.target may be the number of another table.

CREATE FUNCTION crmaudit.mask_image(image jsonb, erased jsonb, target regclass, personal text[], roles jsonb, reader oid DEFAULT NULL)
RETURNS jsonb LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_mask_image';
COMMENT ON FUNCTION crmaudit.mask_image(jsonb, jsonb, regclass, text[], jsonb, oid) IS 'an image of a row as a role may see it (NULL: the current one): personal columns on which it has no SELECT are masked as mask() does for the column''s role, or wholly; erased ones say so';

CREATE FUNCTION crmaudit.op_in_words(op "char") RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE op WHEN 'I' THEN 'insert' WHEN 'U' THEN 'update' WHEN 'D' THEN 'delete'
		WHEN 'T' THEN 'truncate' WHEN 'S' THEN 'schema' WHEN 'B' THEN 'baseline' END
$$;
COMMENT ON FUNCTION crmaudit.op_in_words("char") IS 'ledger_entry.op in words';

-- Names of columns -------------------------------------------------------------------

CREATE FUNCTION crmaudit.current_names(image jsonb, at timestamptz, renamed_at timestamptz[], renamed jsonb[]) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_current_names';
COMMENT ON FUNCTION crmaudit.current_names(jsonb, timestamptz, timestamptz[], jsonb[]) IS 'an image of a row recorded at a time, by the names that its columns have now; renamed: {"old": "new"}, the earliest first';

-- Entries ----------------------------------------------------------------------------

CREATE FUNCTION crmaudit.find_entries(wanted int, keys jsonb[])
RETURNS TABLE (block_id bigint, session_username text, current_username text, application_name text, entry crmaudit.ledger_entry)
LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_find_entries';
COMMENT ON FUNCTION crmaudit.find_entries(int, jsonb[]) IS 'entries of rows of a table, with what their contexts say; the key null stands for those of the table as a whole';

CREATE FUNCTION crmaudit.find_row_entries(wanted int, keys jsonb[])
RETURNS TABLE (block_id bigint, session_username text, current_username text, application_name text, entry crmaudit.ledger_entry)
LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_find_row_entries';
COMMENT ON FUNCTION crmaudit.find_row_entries(int, jsonb[]) IS 'entries of a row under all names that the columns of its key ever had, and those of its table as a whole';

-- Renamings of columns.
CREATE FUNCTION crmaudit.find_renames(wanted int, OUT renamed_at timestamptz[], OUT renamed jsonb[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(array_agg((f.entry).at ORDER BY (f.entry).at, (f.entry).xid, (f.entry).ord), '{}'),
		coalesce(array_agg((f.entry).new #> '{columns,renamed}' ORDER BY (f.entry).at, (f.entry).xid, (f.entry).ord), '{}')
	FROM crmaudit.find_entries(wanted, '{"null"}') f
	WHERE (f.entry).op = 'S' AND (f.entry).new #> '{columns,renamed}' IS NOT NULL
$$;
COMMENT ON FUNCTION crmaudit.find_renames(int) IS 'when columns of a table were renamed, and how: {"old": "new"}, the earliest first';

-- One row ----------------------------------------------------------------------------

CREATE FUNCTION crmaudit.read_row_history(reader oid, wanted int, keys jsonb[])
RETURNS TABLE (at timestamptz, xid xid8, ord int, op text, actor text, username text, client text, application_name text, reason text,
	old jsonb, new jsonb, block_id bigint, row_key jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH found AS MATERIALIZED (SELECT f.block_id, f.session_username, f.application_name, (f.entry).* FROM crmaudit.find_row_entries(wanted, keys) f
		WHERE (f.entry).op <> 'S')
	SELECT e.at, e.xid, e.ord, crmaudit.op_in_words(e.op), e.actor, e.session_username, e.client, e.application_name, e.reason,
		crmaudit.mask_image(e.old, e.commitments -> 'old', t.target, e.personal || t.personal, p.roles, reader),
		crmaudit.mask_image(e.new, e.commitments -> 'new', t.target, e.personal || t.personal, p.roles, reader),
		e.block_id,
		crmaudit.mask_image(e.row_key, NULL, t.target, e.personal || t.personal, p.roles, reader)
	FROM found e
	JOIN crmaudit.tracked_table t ON t.table_id = wanted
	LEFT JOIN crmaudit.protected_table p ON p.target = t.target
	-- what emptied the table matters to a row that had been there
	WHERE e.op <> 'T' OR e.target = t.target AND e.at >= (SELECT min(f.at) FROM found f WHERE f.op <> 'T')
	ORDER BY e.at, e.xid, e.ord
$$;
COMMENT ON FUNCTION crmaudit.read_row_history(oid, int, jsonb[]) IS 'implementation of row_history(), which calls it as the ledger''s owner';

CREATE FUNCTION crmaudit.row_history(target regclass, key jsonb)
RETURNS TABLE (at timestamptz, xid xid8, ord int, op text, actor text, username text, client text, application_name text, reason text,
	old jsonb, new jsonb, block_id bigint, row_key jsonb)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_row_history';
COMMENT ON FUNCTION crmaudit.row_history(regclass, jsonb) IS 'what happened to a row, the earliest first (D35); key: {"id": 7}, or 7 where one column is the key; op: insert, update, delete, truncate or baseline; block_id: NULL while not sealed; for the table''s owner and those who may read change_history; personal values are masked to whoever has no SELECT on the column';

CREATE FUNCTION crmaudit.read_field_history(reader oid, wanted int, keys jsonb[], column_name text)
RETURNS TABLE (at timestamptz, xid xid8, ord int, op text, old_value text, new_value text, actor text, username text, reason text, block_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	settings crmaudit.tracked_table := (SELECT t FROM crmaudit.tracked_table t WHERE t.table_id = wanted);
	roles constant jsonb := (SELECT p.roles FROM crmaudit.protected_table p WHERE p.target = settings.target);
	renames record;
	e record;
	is_known boolean := false;
	is_seen boolean := false;
	before text;
	value text;
BEGIN
	IF read_field_history.column_name = ANY (settings.exclude) THEN
		RAISE EXCEPTION 'column "%" of relation "%" is not recorded', read_field_history.column_name, settings.name
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Record it: SELECT crmaudit.track(%L, exclude => ...);', settings.name);
	END IF;
	SELECT * INTO renames FROM crmaudit.find_renames(wanted);
	FOR e IN
		SELECT f.at, f.xid, f.ord, f.op, f.target, f.actor, f.reason, f.block_id, f.session_username,
			crmaudit.mask_image(crmaudit.current_names(f.old, f.at, renames.renamed_at, renames.renamed),
				crmaudit.current_names(f.commitments -> 'old', f.at, renames.renamed_at, renames.renamed),
				settings.target, f.personal || settings.personal, roles, reader) AS old,
			crmaudit.mask_image(crmaudit.current_names(f.new, f.at, renames.renamed_at, renames.renamed),
				crmaudit.current_names(f.commitments -> 'new', f.at, renames.renamed_at, renames.renamed),
				settings.target, f.personal || settings.personal, roles, reader) AS new
		FROM (SELECT r.block_id, r.session_username, (r.entry).* FROM crmaudit.find_row_entries(wanted, keys) r WHERE (r.entry).op <> 'S') f
		ORDER BY f.at, f.xid, f.ord
	LOOP
		CONTINUE WHEN e.op = 'T' AND (e.target <> settings.target OR NOT is_known);
		is_seen := is_seen OR coalesce(e.old ? read_field_history.column_name OR e.new ? read_field_history.column_name, false);
		value := e.new ->> read_field_history.column_name;
		-- an update that left it alone, a baseline that says what was known
		CONTINUE WHEN e.op = 'U' AND NOT coalesce(e.old ? read_field_history.column_name OR e.new ? read_field_history.column_name, false)
			OR e.op = 'B' AND is_known AND value IS NOT DISTINCT FROM before;
		at := e.at; xid := e.xid; ord := e.ord; op := crmaudit.op_in_words(e.op);
		old_value := CASE WHEN e.op IN ('U', 'D') THEN e.old ->> read_field_history.column_name WHEN e.op IN ('B', 'T') THEN before END;
		new_value := value;
		actor := e.actor; username := e.session_username; reason := e.reason; block_id := e.block_id;
		is_known := e.op NOT IN ('D', 'T');
		before := CASE WHEN is_known THEN value END;
		RETURN NEXT;
	END LOOP;
	IF NOT is_seen AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = settings.target
		AND a.attname = read_field_history.column_name AND a.attnum > 0 AND NOT a.attisdropped) THEN
		RAISE EXCEPTION 'column "%" of relation "%" does not exist', read_field_history.column_name, settings.name
			USING ERRCODE = 'undefined_column';
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.read_field_history(oid, int, jsonb[], text) IS 'implementation of field_history(), which calls it as the ledger''s owner';

CREATE FUNCTION crmaudit.field_history(target regclass, key jsonb, column_name text)
RETURNS TABLE (at timestamptz, xid xid8, ord int, op text, old_value text, new_value text, actor text, username text, reason text, block_id bigint)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_field_history';
COMMENT ON FUNCTION crmaudit.field_history(regclass, jsonb, text) IS 'what one column of a row was, when and by whom it was changed (D35), the earliest first; the column by its present name, or the last that it had';

-- As it was --------------------------------------------------------------------------

-- Where ledger_key does not have that the table was tracked, it has no entries
-- of tables, and the ledger is read.
CREATE FUNCTION crmaudit.read_table_events(wanted int)
RETURNS TABLE (at timestamptz, xid xid8, ord int, op "char", old jsonb, new jsonb, commitments jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	-- a partition that was emptied has an entry D for each row
	root constant regclass := (SELECT t.target FROM crmaudit.tracked_table t WHERE t.table_id = wanted);
	is_tracked boolean := false;
	e crmaudit.ledger_entry;
BEGIN
	FOR e IN SELECT (f.entry).* FROM crmaudit.find_entries(wanted, '{"null"}') f LOOP
		is_tracked := is_tracked OR coalesce(e.op = 'S' AND e.new ->> 'action' = 'track', false);
	END LOOP;
	IF is_tracked THEN
		RETURN QUERY SELECT (f.entry).at, (f.entry).xid, (f.entry).ord, (f.entry).op, (f.entry).old, (f.entry).new, (f.entry).commitments
			FROM crmaudit.find_entries(wanted, '{"null"}') f WHERE (f.entry).op = 'S' OR (f.entry).target = root ORDER BY 1, 2, 3;
	ELSE
		RETURN QUERY SELECT r.at, r.xid, r.ord, r.op, r.old, r.new, r.commitments FROM crmaudit.ledger_entry r
			WHERE r.table_id = wanted AND (r.op = 'S' OR r.op = 'T' AND r.target = root) ORDER BY 1, 2, 3;
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.read_table_events(int) IS 'changes of a table and of its tracking, and its truncations, the earliest first; for as_of(), which calls it as the ledger''s owner';

-- From the month of the first block on.
CREATE FUNCTION crmaudit.read_horizon() RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	first constant timestamp := (SELECT min(b.period) FROM crmaudit.ledger_block_partition b
		WHERE b.block_id = (SELECT p.block_id FROM crmaudit.ledger_block_partition p ORDER BY p.block_id LIMIT 1));
	month timestamp := first;
BEGIN
	WHILE month < now() AT TIME ZONE 'UTC' AND NOT EXISTS (SELECT FROM crmaudit.ledger_entry e
		WHERE e.at >= month AT TIME ZONE 'UTC' AND e.at < (month + interval '1 month') AT TIME ZONE 'UTC')
	LOOP
		month := month + interval '1 month';
	END LOOP;
	RETURN nullif(month, first) AT TIME ZONE 'UTC';
END $$;
COMMENT ON FUNCTION crmaudit.read_horizon() IS 'end of the last month whose entries are gone; NULL: nothing was pruned';

CREATE FUNCTION crmaudit.as_of(anyelement, at timestamptz) RETURNS SETOF anyelement
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10000 AS 'MODULE_PATHNAME', 'crmaudit_as_of';
COMMENT ON FUNCTION crmaudit.as_of(anyelement, timestamptz) IS 'rows of a tracked table as they were at a time: SELECT * FROM crmaudit.as_of(NULL::crm.customer, ''2026-01-01''); needs SELECT on the table; what was not recorded or erased, and columns without SELECT, are NULL';

CREATE FUNCTION crmaudit.row_as_of(target regclass, key jsonb, at timestamptz,
	OUT relation regclass, OUT was_there boolean, OUT row_key jsonb, OUT image jsonb, OUT unknown text[])
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_row_as_of';
COMMENT ON FUNCTION crmaudit.row_as_of(regclass, jsonb, timestamptz) IS 'a row as it was at a time, in the form of the ledger''s images; was_there: NULL if the ledger does not know; unknown: columns that were not recorded, were erased, or may not be read';

-- Columns that a statement can write, in order, each with its value as it was.
CREATE FUNCTION crmaudit.restorable_columns(target regclass, row_key jsonb, image jsonb, unknown text[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'always', a.attidentity = 'a',
		'literal', coalesce(CASE a.base
			WHEN 'jsonb'::regtype THEN quote_literal((image -> a.attname)::text)
			WHEN 'money'::regtype THEN '(' || (image ->> a.attname) || '::numeric / ' || power(10::numeric, scale('1'::money::numeric))::bigint || ')::money'
			ELSE quote_literal(coalesce(row_key ->> a.attname, image ->> a.attname)) END, 'NULL')) ORDER BY a.attnum), '[]')
	FROM (SELECT a.*, (WITH RECURSIVE d(oid, base) AS (SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
			UNION ALL SELECT t.oid, t.typbasetype FROM d JOIN pg_type t ON t.oid = d.base) SELECT d.oid FROM d WHERE d.base = 0) AS base
		FROM pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') a
	WHERE row_key ? a.attname OR NOT a.attname = ANY (unknown)
$$;
COMMENT ON FUNCTION crmaudit.restorable_columns(regclass, jsonb, jsonb, text[]) IS 'columns of a table that restore_row() can write, each with the literal of its value';

-- The operator of the type's default btree or hash operator class, wherever
-- that is: whoever may create operators must not have his own called.
CREATE FUNCTION crmaudit.equality(target regclass, column_name text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((
		SELECT format('OPERATOR(%s.%s)', o.oprnamespace::regnamespace, o.oprname)
		FROM pg_attribute a
			CROSS JOIN LATERAL (WITH RECURSIVE d(oid, base) AS (SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
				UNION ALL SELECT t.oid, t.typbasetype FROM d JOIN pg_type t ON t.oid = d.base) SELECT d.oid FROM d WHERE d.base = 0) AS b
			JOIN pg_opclass c ON c.opcdefault AND c.opcintype = b.oid
			JOIN pg_am m ON m.oid = c.opcmethod AND m.amname IN ('btree', 'hash')
			JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amoplefttype = c.opcintype AND p.amoprighttype = c.opcintype
				AND p.amopstrategy = CASE m.amname WHEN 'btree' THEN 3 ELSE 1 END
			JOIN pg_operator o ON o.oid = p.amopopr
		WHERE a.attrelid = target AND a.attname = column_name AND o.oprnamespace <> 'pg_catalog'::regnamespace
		ORDER BY m.amname LIMIT 1), '=')
$$;
COMMENT ON FUNCTION crmaudit.equality(regclass, text) IS 'the operator that compares a column for equality, as a statement names it';

CREATE FUNCTION crmaudit.restore_statement(target regclass, key jsonb, as_of timestamptz) RETURNS text
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was record;
	columns jsonb;
	identity text;
	is_there boolean;
	changes text;
	statement text;
BEGIN
	SELECT * INTO was FROM crmaudit.row_as_of(target, key, as_of);
	IF was.was_there IS NULL THEN
		RAISE EXCEPTION 'the ledger does not tell whether the row of relation "%" was there', was.relation
			USING ERRCODE = 'no_data_found', HINT = 'crmaudit.row_history() shows what it knows of the row.';
	END IF;
	columns := crmaudit.restorable_columns(was.relation, was.row_key, was.image, was.unknown);
	SELECT string_agg(format('%I %s', k.key, CASE WHEN k.value IS NULL THEN 'IS NULL' ELSE format('%s %L', crmaudit.equality(was.relation, k.key), k.value) END), ' AND ')
		INTO identity FROM jsonb_each_text(was.row_key) k;
	EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s)', was.relation, identity) INTO is_there;
	IF NOT was.was_there THEN
		statement := CASE WHEN is_there THEN format('DELETE FROM %s WHERE %s', was.relation, identity) END;
	ELSIF NOT is_there THEN
		SELECT format('INSERT INTO %s (%s)%s VALUES (%s)', was.relation, string_agg(quote_ident(c ->> 'name'), ', '),
				CASE WHEN bool_or((c ->> 'always')::boolean) THEN ' OVERRIDING SYSTEM VALUE' ELSE '' END, string_agg(c ->> 'literal', ', '))
			INTO statement FROM jsonb_array_elements(columns) c;
	ELSE
		-- compared as text, for some types have no equality
		SELECT format('SELECT nullif(array_to_string(ARRAY[%s]::text[], '', ''), '''') FROM %s WHERE %s', string_agg(format(
				'CASE WHEN (%I)::text IS DISTINCT FROM (%s::%s)::text THEN %L END', c ->> 'name', c ->> 'literal', c ->> 'type',
				format('%I = %s', c ->> 'name', c ->> 'literal')), ', '), was.relation, identity)
			INTO statement FROM jsonb_array_elements(columns) c WHERE NOT (c ->> 'always')::boolean AND NOT was.row_key ? (c ->> 'name');
		EXECUTE statement INTO changes;
		statement := CASE WHEN changes IS NOT NULL THEN format('UPDATE %s SET %s WHERE %s', was.relation, changes, identity) END;
	END IF;
	IF was.was_there AND was.unknown <> '{}' THEN
		RAISE NOTICE 'columns that cannot be restored: %', array_to_string(was.unknown, ', ')
			USING DETAIL = 'They were not recorded then, were erased since, or may not be read.';
	END IF;
	RETURN statement;
END $$;
COMMENT ON FUNCTION crmaudit.restore_statement(regclass, jsonb, timestamptz) IS 'the statement that restore_row() gives; reads with the caller''s rights';

-- In C, for the statement runs under the caller's search_path, as its triggers may want.
CREATE FUNCTION crmaudit.restore_row(target regclass, key jsonb, as_of timestamptz, execute boolean DEFAULT false) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_restore_row';
COMMENT ON FUNCTION crmaudit.restore_row(regclass, jsonb, timestamptz, boolean) IS 'the statement that makes a row again what it was at a time (INSERT, UPDATE of the columns that differ, DELETE if it was not there); NULL if it is so; execute: runs it, with the caller''s rights and through the gate';

-- Everything -------------------------------------------------------------------------

-- With the owner's rights, for nobody else reads ledger_entry; what masks is
-- called as the reader. Not ordered: a filter on "at" reads only its months.
CREATE VIEW crmaudit.change_history WITH (security_barrier = true) AS
	SELECT e.at, e.xid, e.ord, coalesce(t.target, e.target) AS target, t.name AS table_name, crmaudit.op_in_words(e.op) AS op,
		crmaudit.mask_image(e.row_key, NULL, t.target, e.personal || t.personal, p.roles) AS row_key,
		crmaudit.mask_image(e.old, e.commitments -> 'old', t.target, e.personal || t.personal, p.roles) AS old,
		crmaudit.mask_image(e.new, e.commitments -> 'new', t.target, CASE WHEN e.op <> 'S' THEN e.personal || t.personal END, p.roles) AS new,
		e.actor, c.session_username AS username, c.current_username, e.client, c.application_name, e.reason
	FROM crmaudit.ledger_entry e
	LEFT JOIN crmaudit.tracked_table t ON t.table_id = e.table_id
	LEFT JOIN crmaudit.protected_table p ON p.target = t.target
	LEFT JOIN crmaudit.ledger_context c ON c.xid = e.context_xid AND c.context = e.context AND c.incarnation = e.incarnation;
COMMENT ON VIEW crmaudit.change_history IS 'all entries of the ledger (D35): what was written, by whom, when and why; personal values are masked to whoever has no SELECT on the column; filter by at, target or xid';
COMMENT ON COLUMN crmaudit.change_history.op IS 'insert, update, delete, truncate, schema (change of the table or of its tracking) or baseline (row as it was when recorded as a whole)';
COMMENT ON COLUMN crmaudit.change_history.old IS 'update: changed columns before; delete: the row';
COMMENT ON COLUMN crmaudit.change_history.new IS 'insert, baseline: the row; update: changed columns after; schema: what changed';
COMMENT ON COLUMN crmaudit.change_history.actor IS 'who the application says acts; a claim, to which username is the evidence';
COMMENT ON COLUMN crmaudit.change_history.username IS 'session user';

CREATE VIEW crmaudit.user_activity AS
	SELECT h.at::date AS day, h.actor, h.username, h.target, h.table_name,
		count(*) FILTER (WHERE h.op = 'insert') AS inserts, count(*) FILTER (WHERE h.op = 'update') AS updates,
		count(*) FILTER (WHERE h.op = 'delete') AS deletes, count(*) FILTER (WHERE h.op = 'truncate') AS truncates,
		count(*) FILTER (WHERE h.op = 'schema') AS schema_changes, count(DISTINCT h.row_key_hash) AS rows,
		count(DISTINCT h.xid) AS transactions, min(h.at) AS first_at, max(h.at) AS last_at
	FROM (SELECT e.at, e.xid, e.actor, c.session_username AS username, coalesce(t.target, e.target) AS target, t.name AS table_name,
			crmaudit.op_in_words(e.op) AS op, jsonb_hash_extended(e.row_key, 0) AS row_key_hash
		FROM crmaudit.ledger_entry e
		LEFT JOIN crmaudit.tracked_table t ON t.table_id = e.table_id
		LEFT JOIN crmaudit.ledger_context c ON c.xid = e.context_xid AND c.context = e.context AND c.incarnation = e.incarnation
		WHERE e.op <> 'B') h
	GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW crmaudit.user_activity IS 'who changed how much, when, by which operations (D29): a row per day, actor, session user and table; rows: different rows written';
