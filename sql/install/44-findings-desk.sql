-- 44-findings-desk: what those see who work findings off.

CREATE FUNCTION crmaudit.key_in_words(row_key jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(format('%s %s', k.key, coalesce(k.value, 'NULL')), ', ') FROM jsonb_each_text(row_key) k
$$;
COMMENT ON FUNCTION crmaudit.key_in_words(jsonb) IS 'the key of a row as one reads it; NULL for a finding about a table as a whole';

-- As the type masks that the rule checks for, else by the role of the column,
-- else the first character stays.
CREATE FUNCTION crmaudit.mask_as(type text, role text, value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kind constant text := CASE WHEN type IS NOT NULL THEN type WHEN role IN ('resident_id', 'uscc', 'vat_id', 'lei', 'phone', 'email', 'bank_card', 'iban') THEN role END;
BEGIN
	IF kind IS NOT NULL THEN
		BEGIN
			RETURN crmaudit.mask(kind, value);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END IF;
	RETURN left(value, 1) || repeat('*', least(length(value) - 1, 8));
END $$;
COMMENT ON FUNCTION crmaudit.mask_as(text, text, text) IS 'masks a value as mask() does for a type or a role, or but for its first character';

CREATE FUNCTION crmaudit.masked_row(target regclass, row_key jsonb, column_name text, type text, OUT owner text, OUT value text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	roles constant jsonb := (SELECT p.roles FROM crmaudit.protected_table p WHERE p.target = masked_row.target);
	texts text[];
BEGIN
	IF roles IS NOT NULL AND has_table_privilege(target, 'SELECT') THEN
		texts := crmaudit.row_texts(target, row_key, ARRAY[
			(SELECT crmaudit.column_sql(o.key) FROM jsonb_each_text(roles) o WHERE o.value = 'owner' ORDER BY length(o.key), o.key LIMIT 1),
			crmaudit.column_sql(column_name)]);
		owner := texts[1];
		value := crmaudit.mask_as(type, roles ->> column_name, texts[2]);
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.masked_row(regclass, jsonb, text, text) IS 'owner of a row, and a masked value of it, read with the caller''s rights; NULL if the caller may not read the table, or the row is gone';

-- The row is looked at last, so that a page of a long list costs a page.
CREATE VIEW crmaudit.work_list WITH (security_invoker = true) AS
	SELECT w.target, w.id, w.customer, (w.looked_up).owner, w.assignee, w.rule, crmaudit.reason_in_words(w.reason) AS reason, w.nature,
		w.column_name, (w.looked_up).value AS masked_value, w.group_key, w.severity, w.status,
		w.first_seen, w.distributed_at, w.due_at, coalesce(w.due_at < now(), false) AS overdue, w.answers, w.escalated_to
	FROM (
		SELECT f.target, f.id, crmaudit.key_in_words(f.row_key) AS customer, f.assignee, f.rule, f.reason, f.nature, f.column_name,
			f.group_key, f.severity, f.status, f.first_seen, f.distributed_at, f.due_at, f.answers, f.escalated_to,
			crmaudit.masked_row(f.target, f.row_key, f.column_name, r.params ->> 'type') AS looked_up
		FROM crmaudit.finding f
		LEFT JOIN crmaudit.rule r ON r.id = f.rule_id
		WHERE f.status IN ('open', 'acknowledged')
		ORDER BY f.group_key, f.due_at, f.severity DESC, f.id) w;
COMMENT ON VIEW crmaudit.work_list IS 'the steward''s desk: what is to be worked off, by group and due date; owner and masked value are read from the row with the reader''s rights';
COMMENT ON COLUMN crmaudit.work_list.customer IS 'the key of the row';
COMMENT ON COLUMN crmaudit.work_list.masked_value IS 'what stands in the column now, masked';

-- With the rights of the owner, and only what was given to whoever asks.
CREATE FUNCTION crmaudit.assigned_findings()
RETURNS TABLE (id bigint, target regclass, rule text, row_key jsonb, column_name text, reason text, in_words text, severity crmaudit.severity,
	status text, assignee text, first_seen timestamptz, distributed_at timestamptz, due_at timestamptz, overdue boolean, answers int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT f.id, f.target, f.rule, f.row_key, f.column_name, f.reason, crmaudit.reason_in_words(f.reason), f.severity, f.status, f.assignee,
		f.first_seen, f.distributed_at, f.due_at, coalesce(f.due_at < now(), false), f.answers
	FROM crmaudit.finding f
	WHERE f.status IN ('open', 'acknowledged') AND crmaudit.person() IN (f.assignee, f.escalated_to)
	ORDER BY f.due_at, f.severity DESC, f.id
$$;
COMMENT ON FUNCTION crmaudit.assigned_findings() IS 'implementation of the view my_findings';

CREATE VIEW crmaudit.my_findings WITH (security_invoker = true) AS
	SELECT a.id, a.target, a.rule, a.row_key, a.column_name, a.reason, a.in_words, a.severity, a.status, a.assignee,
		a.first_seen, a.distributed_at, a.due_at, a.overdue, a.answers
	FROM crmaudit.assigned_findings() a;
COMMENT ON VIEW crmaudit.my_findings IS 'open findings that are assigned, or escalated, to the session''s user or the actor of a shared one; for everybody (D37), and without values';

-- Problems -----------------------------------------------------------------------

CREATE FUNCTION crmaudit.due_problem(target regclass, params jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.due_date(now(), params ->> 'due');
	PERFORM crmaudit.time_columns(target, params ->> 'not_after');
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
COMMENT ON FUNCTION crmaudit.due_problem(regclass, jsonb) IS 'why the due dates of a rule cannot be told; NULL if they can';

CREATE FUNCTION crmaudit.findings_problems() RETURNS TABLE (subject text, target regclass, rule text, problem text, remedy text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'finding', NULL::regclass, NULL::text, format('%s events of findings are not folded, the oldest of %s', u.n, to_char(u.oldest, 'YYYY-MM-DD HH24:MI:SS TZ')),
		CASE WHEN crmaudit.worker_pid() IS NOT NULL THEN 'look into the server''s log for what keeps the worker from folding'
			ELSE 'set shared_preload_libraries = ''crmaudit'', or let cron call SELECT crmaudit.fold_findings()' END
	FROM (SELECT count(*) AS n, min(e.at) AS oldest FROM crmaudit.unfolded_events() e) u
	WHERE u.n > 100000 OR u.n > 10000 AND u.oldest < now() - interval '1 hour'
	UNION ALL
	SELECT 'finding', f.target, f.rule, format('%s findings are overdue, the oldest since %s', count(*), to_char(min(f.due_at), 'YYYY-MM-DD')),
		'crmaudit.overdue_findings lists them; SELECT crmaudit.escalate() hands them to superiors'
	FROM crmaudit.finding f WHERE f.status IN ('open', 'acknowledged') AND f.due_at < now() AND f.escalated_at IS NULL
	GROUP BY f.target, f.rule
	UNION ALL
	SELECT 'finding', r.target, r.name, format('its findings get no due date: %s', crmaudit.due_problem(r.target, r.params)), 'mend it with crmaudit.alter_rule(), or add the year to the calendar'
	FROM crmaudit.rule r WHERE r.params ?| '{due,not_after}' AND crmaudit.due_problem(r.target, r.params) IS NOT NULL
$$;
COMMENT ON FUNCTION crmaudit.findings_problems() IS 'what of the findings is not as it should be; part of crmaudit.health';
