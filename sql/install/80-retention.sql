-- 80-retention: how long the CRM has to keep what, what may go, and what the
-- ledger saw deleted too early (D15).
--
-- A condition is written by an administrator and evaluated by whoever reads
-- the view, with the reader's rights. So it may use columns of the entity, and
-- of PostgreSQL only what is not volatile: require_safe_expression() sees to
-- it each time, because a row may have come from anywhere.

CREATE FUNCTION crmaudit.require_safe_expression(sql text, names text[], types oid[], what text) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'crmaudit_require_safe_expression';
COMMENT ON FUNCTION crmaudit.require_safe_expression(text, text[], oid[], text) IS 'SQL that is one boolean expression over columns of these names and types, in parentheses, and is safe to run with anybody''s rights: no subquery, nothing volatile, nothing of a schema other than pg_catalog; an error for anything else';

-- Canonical columns and those that mappings add.
CREATE FUNCTION crmaudit.entity_columns(entity text) RETURNS TABLE (column_name text, type oid)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT t.key, to_regtype(t.value)::oid FROM jsonb_each_text(crmaudit.entity_types(entity)) t
$$;
COMMENT ON FUNCTION crmaudit.entity_columns(text) IS 'columns of an entity that conditions can read, with their types';

CREATE FUNCTION crmaudit.require_condition(entity text, condition text) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.require_safe_expression(condition, coalesce(array_agg(c.column_name), '{}'), coalesce(array_agg(c.type), '{}'), format('condition on entity "%s"', entity))
	FROM crmaudit.entity_columns(entity) c
$$;
COMMENT ON FUNCTION crmaudit.require_condition(text, text) IS 'a condition over the columns of an entity, in parentheses; an error unless it is safe to run with anybody''s rights';

-- A restore loads this table before what is mapped: a column or an entity that
-- is not there yet is no error.
CREATE FUNCTION crmaudit.check_record_retention() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.require_condition(NEW.entity, NEW.condition);
	RETURN NEW;
EXCEPTION WHEN undefined_column THEN
	RAISE WARNING 'condition on entity "%" does not hold for any row yet', NEW.entity
		USING DETAIL = format('It was said: %s.', SQLERRM), HINT = 'crmaudit.health tells as long as this is so.';
	RETURN NEW;
END $$;
COMMENT ON FUNCTION crmaudit.check_record_retention() IS 'trigger of retention: refuses a condition that is not safe';
CREATE TRIGGER check_record_retention BEFORE INSERT OR UPDATE ON crmaudit.retention
	FOR EACH ROW WHEN (NEW.entity IS NOT NULL) EXECUTE FUNCTION crmaudit.check_record_retention();

CREATE FUNCTION crmaudit.record_retention_periods()
RETURNS TABLE (entity text, condition text, keep interval, counting_from text, is_default boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(r.entity, d.entity), coalesce(r.condition, d.condition), CASE WHEN r.id IS NULL THEN d.keep ELSE r.keep END,
		coalesce(r.counting_from, e.time_column), r.id IS NULL
	FROM (VALUES ('interaction', NULL, interval '3 years'), ('interaction', $q$kind = 'letter'$q$, '1 year')) AS d(entity, condition, keep)
	FULL JOIN (SELECT * FROM crmaudit.retention t WHERE t.entity IS NOT NULL) r ON r.entity = d.entity AND coalesce(r.condition, '') = coalesce(d.condition, '')
	LEFT JOIN crmaudit.entity e ON e.entity = coalesce(r.entity, d.entity)
	ORDER BY 1, coalesce(r.condition, d.condition) IS NULL, 3 DESC, 2
$$;
COMMENT ON FUNCTION crmaudit.record_retention_periods() IS 'how long the CRM has to keep rows of entities: interactions three years, letters one (D15), and what the table retention says instead or besides; of conditions that hold for a row the longest period counts, before that without a condition';

-- Why a period cannot be applied; NULL if it can.
CREATE FUNCTION crmaudit.retention_problem(entity text, condition text, counting_from text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM crmaudit.entity e WHERE e.entity = retention_problem.entity) THEN
		RETURN format('entity "%s" does not exist', entity);
	ELSIF counting_from IS NULL THEN
		RETURN format('entity "%s" has no column that tells when it happened: set counting_from', entity);
	ELSIF NOT EXISTS (SELECT FROM crmaudit.entity_columns(entity) c WHERE c.column_name = counting_from
			AND c.type IN ('timestamptz'::regtype, 'date'::regtype)) THEN
		RETURN format('entity "%s" has no column "%s" of type date or timestamptz', entity, counting_from);
	END IF;
	PERFORM crmaudit.require_condition(entity, condition);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
COMMENT ON FUNCTION crmaudit.retention_problem(text, text, text) IS 'why a period of retention cannot be applied; NULL if it can';

CREATE FUNCTION crmaudit.retention_problems() RETURNS TABLE (subject text, target regclass, rule text, problem text, remedy text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'retention', NULL::regclass, NULL::text, format('a period of retention does not count: %s', p.problem), 'mend or delete the row of crmaudit.retention'
	FROM crmaudit.record_retention_periods() r CROSS JOIN LATERAL crmaudit.retention_problem(r.entity, r.condition, r.counting_from) AS p(problem)
	WHERE p.problem IS NOT NULL AND NOT r.is_default
$$;
COMMENT ON FUNCTION crmaudit.retention_problems() IS 'periods of retention that cannot be applied; part of crmaudit.health';

-- Reading the ledger ----------------------------------------------------------------------

-- With the owner's rights, for nobody else reads ledger_entry; a key is masked
-- to whoever may not read it in the table itself, as in change_history. By the
-- names that columns have now.
CREATE VIEW crmaudit.ledger_insertion WITH (security_barrier = true) AS
	SELECT t.target, CASE WHEN n.renamed IS NULL THEN k.row_key ELSE crmaudit.current_names(k.row_key, e.at, n.renamed_at, n.renamed) END AS row_key, e.at, e.actor
	FROM crmaudit.ledger_entry e
	JOIN crmaudit.tracked_table t ON t.table_id = e.table_id
	LEFT JOIN crmaudit.protected_table p ON p.target = t.target
	LEFT JOIN (SELECT s.table_id, array_agg(s.at ORDER BY s.at, s.xid, s.ord) AS renamed_at, array_agg(s.new #> '{columns,renamed}' ORDER BY s.at, s.xid, s.ord) AS renamed
		FROM crmaudit.ledger_entry s WHERE s.op = 'S' AND s.new #> '{columns,renamed}' IS NOT NULL GROUP BY s.table_id) n ON n.table_id = e.table_id
	CROSS JOIN LATERAL crmaudit.mask_image(e.row_key, NULL, t.target, e.personal || t.personal, p.roles) AS k(row_key)
	WHERE e.op = 'I' AND t.target IS NOT NULL;
COMMENT ON VIEW crmaudit.ledger_insertion IS 'when the ledger saw which row inserted, and by whom; keys are masked as in change_history';

-- Likewise. What is masked, or was erased, is left
-- out of the image: it would not fit the column's type.
CREATE VIEW crmaudit.ledger_deletion WITH (security_barrier = true) AS
	SELECT t.target, e.op = 'T' AS is_truncation, crmaudit.mask_image(e.row_key, NULL, t.target, e.personal || t.personal, p.roles) AS row_key,
		crmaudit.current_names((SELECT coalesce(jsonb_object_agg(o.key, o.value), '{}') FROM jsonb_each(crmaudit.mask_image(e.old, NULL, t.target, e.personal || t.personal, p.roles)) o
			WHERE o.value = e.old -> o.key), e.at, coalesce(n.renamed_at, '{}'), coalesce(n.renamed, '{}')) AS old,
		e.at, e.actor
	FROM crmaudit.ledger_entry e
	JOIN crmaudit.tracked_table t ON t.table_id = e.table_id
	LEFT JOIN crmaudit.protected_table p ON p.target = t.target
	LEFT JOIN (SELECT s.table_id, array_agg(s.at ORDER BY s.at, s.xid, s.ord) AS renamed_at, array_agg(s.new #> '{columns,renamed}' ORDER BY s.at, s.xid, s.ord) AS renamed
		FROM crmaudit.ledger_entry s WHERE s.op = 'S' AND s.new #> '{columns,renamed}' IS NOT NULL GROUP BY s.table_id) n ON n.table_id = e.table_id
	WHERE t.target IS NOT NULL AND (e.op = 'D' OR e.op = 'T' AND e.target = t.target);
COMMENT ON VIEW crmaudit.ledger_deletion IS 'rows that the ledger saw deleted, as they were, and truncations; without personal values that the reader may not see, and without erased ones';

-- The mapping's query, over deleted rows (each as last deleted) instead of the
-- source. It is a SELECT that PostgreSQL itself has written, where FROM of the
-- outermost level alone is indented like this; where columns were renamed since
-- it was mapped, the source is one level deeper. NULL if it is neither.
CREATE FUNCTION crmaudit.deleted_query(mapping crmaudit.entity_mapping) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT format(E'SELECT %s, m.deleted_at, m.deleted_by\nFROM (%s) AS m',
		(SELECT string_agg(format(CASE WHEN mapping.types ? c.column_name THEN 'm.%I' ELSE 'NULL::%2$s AS %1$I' END, c.column_name, c.type::regtype), ', ') FROM crmaudit.entity_columns(mapping.entity) c),
		' SELECT deleted_at, deleted_by, ' || substr(mapping.query, 9, f.outermost - 9) || replace(f.between, ' ( SELECT s.', ' ( SELECT s.deleted_at, s.deleted_by, s.')
			|| format(E'\n   FROM (SELECT r.*, d.at AS deleted_at, d.actor AS deleted_by FROM (SELECT DISTINCT ON (l.row_key) l.* FROM crmaudit.ledger_deletion l WHERE l.target = %2$L::regclass AND NOT l.is_truncation ORDER BY l.row_key, l.at DESC) d CROSS JOIN LATERAL jsonb_populate_record(NULL::%1$s, d.old) r)',
				mapping.source, mapping.source)
			|| CASE WHEN f.rest NOT LIKE ' %' THEN format(' AS %I', (SELECT c.relname FROM pg_class c WHERE c.oid = mapping.source)) ELSE '' END
			|| f.rest)
	FROM (SELECT o.outermost, substr(mapping.query, o.outermost, i.place - 1) AS between, substr(mapping.query, o.outermost + i.place - 1 + length(i.item)) AS rest
		FROM (SELECT strpos(mapping.query, E'\n   FROM ') AS outermost) o
		CROSS JOIN LATERAL (SELECT v.item, strpos(substr(mapping.query, o.outermost), v.item) AS place
			FROM (VALUES (E'\n   FROM ' || mapping.source), (E'\n           FROM ' || mapping.source)) AS v(item)) i
		WHERE starts_with(mapping.query, ' SELECT ') AND o.outermost > 0
			AND (i.place = 1 OR i.place > 1 AND i.item LIKE E'\n    %' AND starts_with(substr(mapping.query, o.outermost), E'\n   FROM ( SELECT s.'))) f
$$;
COMMENT ON FUNCTION crmaudit.deleted_query(crmaudit.entity_mapping) IS 'the query of a mapping over what was deleted from its source, with deleted_at and deleted_by';

-- What is to be kept ----------------------------------------------------------------------

-- One scan: the number of the first period that applies, the longest before others.
-- Since ever is no time from which a period could have ended.
CREATE FUNCTION crmaudit.retention_query(entity text, source text, more text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	zone constant text := crmaudit.report_time_zone();
	one record;
	cases text := '';
	times text := '';
	keeps interval[] := '{}';
BEGIN
	FOR one IN
		SELECT r.condition, r.keep, r.counting_from, (SELECT c.type FROM crmaudit.entity_columns(r.entity) c WHERE c.column_name = r.counting_from) AS type
		FROM crmaudit.record_retention_periods() r
		WHERE r.entity = retention_query.entity AND crmaudit.retention_problem(r.entity, r.condition, r.counting_from) IS NULL
		ORDER BY r.condition IS NULL, r.keep DESC, r.condition
	LOOP
		keeps := keeps || one.keep;
		cases := cases || format(' WHEN %s THEN %s', coalesce(crmaudit.require_condition(entity, one.condition), 'true'), cardinality(keeps));
		times := times || CASE WHEN one.type = 'date'::regtype THEN format(' WHEN %s THEN nullif(this_row.%I, ''-infinity'')::timestamp AT TIME ZONE %L', cardinality(keeps), one.counting_from, zone)
			ELSE format(' WHEN %s THEN nullif(this_row.%I, ''-infinity'')', cardinality(keeps), one.counting_from) END;
	END LOOP;
	IF cases = '' THEN
		RETURN NULL;
	END IF;
	RETURN format($q$
		SELECT q.id, q.at, k.keep, CASE WHEN k.keep IS NULL THEN 'infinity' ELSE (q.at AT TIME ZONE %1$L + k.keep) AT TIME ZONE %1$L END AS keep_until%2$s
		FROM (SELECT this_row.%3$I::text AS id, CASE c.period%4$s END AS at, c.period%5$s
			FROM (%6$s) AS this_row CROSS JOIN LATERAL (SELECT CASE%7$s END AS period) c) q
		JOIN unnest(%8$L::interval[]) WITH ORDINALITY AS k(keep, period) ON k.period = q.period$q$,
		zone, replace(more, 'this_row.', 'q.'), (SELECT e.id_column FROM crmaudit.entity e WHERE e.entity = retention_query.entity), times, more, source, cases, keeps);
END $$;
COMMENT ON FUNCTION crmaudit.retention_query(text, text, text) IS 'SQL that gives for rows of an entity, read from a query, how long each is to be kept; more: further columns of the query; NULL: no period applies';

-- A row is there again if its source has one of its id, or another source, an
-- archive, has one of its id and time: numbers alone are often alike.
-- What is wrong first; the rest as it comes, for there is much of it.
CREATE FUNCTION crmaudit.retained_records()
RETURNS TABLE (entity text, subject_id text, counts_from timestamptz, keep interval, keep_until timestamptz, state text, deleted_at timestamptz, deleted_by text)
LANGUAGE plpgsql STABLE ROWS 1000000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names constant text[] := ARRAY(SELECT DISTINCT r.entity FROM crmaudit.record_retention_periods() r
		WHERE crmaudit.retention_problem(r.entity, r.condition, r.counting_from) IS NULL ORDER BY 1);
	name text;
	id_column text;
	time_column text;
	mapping crmaudit.entity_mapping;
BEGIN
	FOREACH name IN ARRAY names LOOP
		SELECT e.id_column, e.time_column INTO id_column, time_column FROM crmaudit.entity e WHERE e.entity = name;
		FOR mapping IN SELECT m.* FROM crmaudit.valid_mappings(name) m WHERE EXISTS (SELECT FROM crmaudit.tracked_table t WHERE t.target = m.source) LOOP
			CONTINUE WHEN crmaudit.deleted_query(mapping) IS NULL;
			RETURN QUERY EXECUTE format($q$
				SELECT %1$L::text, k.id, k.at, k.keep, k.keep_until, CASE WHEN k.at IS NULL THEN 'deleted, its time cannot be told' ELSE 'deleted too early' END, k.deleted_at, k.deleted_by
				FROM (%2$s) k
				WHERE (k.at IS NULL OR k.keep_until > k.deleted_at) AND NOT EXISTS (SELECT FROM (%4$s) e WHERE e.%3$I = k.id AND (e.source = %5$L::regclass OR %6$s))
				ORDER BY k.deleted_at, k.id COLLATE "C"$q$,
				name, crmaudit.retention_query(name, crmaudit.deleted_query(mapping), ', this_row.deleted_at, this_row.deleted_by' || coalesce(', this_row.' || quote_ident(time_column), '')),
				id_column, crmaudit.entity_query(name, true), mapping.source,
				coalesce(format('e.%I = k.%1$I', time_column), 'false'));
			RETURN QUERY SELECT name, NULL::text, NULL::timestamptz, NULL::interval, NULL::timestamptz, 'truncated, which rows cannot be told', d.at, d.actor
				FROM crmaudit.ledger_deletion d WHERE d.target = mapping.source AND d.is_truncation ORDER BY d.at;
		END LOOP;
	END LOOP;
	FOREACH name IN ARRAY names LOOP
		RETURN QUERY EXECUTE format($q$SELECT %L::text, k.id, k.at, k.keep, k.keep_until, CASE WHEN k.keep_until <= now() THEN 'may go' ELSE 'must stay' END, NULL::timestamptz, NULL::text FROM (%s) k$q$,
			name, crmaudit.retention_query(name, crmaudit.entity_query(name, true), ''));
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.retained_records() IS 'implementation of the view record_retention; reads with the caller''s rights';

CREATE VIEW crmaudit.record_retention WITH (security_invoker = true) AS
	SELECT r.entity, r.subject_id, r.counts_from, r.keep, r.keep_until, r.state, r.deleted_at, r.deleted_by
	FROM crmaudit.retained_records() r;
COMMENT ON VIEW crmaudit.record_retention IS 'rows of entities that have a period of retention (D15): first what was deleted too early, as the ledger saw; then may go, for the period is over, and must stay, also where no time tells since when; not sorted, for there is much of it';
