-- 42-findings-steps: working off findings (D6). Each step appends one event
-- per finding, after a look at its status under a lock, so that two persons at
-- once cannot both take it. Steps run with the rights of the owner, for nobody
-- may append events by hand; they record the session user.

CREATE FUNCTION crmaudit.lock_findings(ids bigint[]) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'crmaudit_lock_findings';
COMMENT ON FUNCTION crmaudit.lock_findings(bigint[]) IS 'keeps others from taking steps on findings until the transaction ends';

CREATE FUNCTION crmaudit.require_person() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result constant text := crmaudit.person();
BEGIN
	IF result IS NULL THEN
		RAISE EXCEPTION 'user "%" does not say who acts', session_user
			USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'crmaudit.shared_users lists it as the user of an application, behind which there are several persons.',
				HINT = 'The application must set crmaudit.actor.';
	END IF;
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.require_person() IS 'the person who acts, or an error if it is not known';

CREATE FUNCTION crmaudit.require_text(value text, what text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(btrim(value), '') = '' THEN
		RAISE EXCEPTION '% must not be empty', what USING ERRCODE = 'invalid_parameter_value';
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.require_text(text, text) IS 'raises an error unless a text says something';

-- Steps run with the rights of the owner: who calls is the session's user, or
-- the role that he took on. Whoever may assign findings may work off all.
-- Others do not learn either which there are.
CREATE FUNCTION crmaudit.require_assigned(ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	me constant text := crmaudit.require_person();
	caller constant name := coalesce(nullif(current_setting('role'), 'none'), session_user);
	foreign_id bigint;
BEGIN
	IF has_function_privilege(caller, 'crmaudit.assign(bigint[], text)', 'EXECUTE') THEN
		RETURN;
	END IF;
	SELECT i INTO foreign_id FROM unnest(ids) i
		WHERE NOT EXISTS (SELECT FROM crmaudit.finding f WHERE f.id = i AND me IN (f.assignee, f.escalated_to)) ORDER BY i LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'finding % is not assigned to "%"', foreign_id, me USING ERRCODE = 'insufficient_privilege';
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.require_assigned(bigint[]) IS 'raises an error that names the first finding that is not assigned, or escalated, to the person who acts, unless he has the duty steward';

-- Locks findings, and returns them in the order of their ids.
CREATE FUNCTION crmaudit.require_findings(ids bigint[], step text, allowed text[]) RETURNS crmaudit.finding[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result crmaudit.finding[];
	wrong record;
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'findings are worked off in transactions of level READ COMMITTED only'
			USING ERRCODE = 'active_sql_transaction', DETAIL = 'Another level does not show what somebody else did meanwhile.';
	END IF;
	PERFORM crmaudit.require_person();
	-- an id of an event is taken by a transaction that has one itself
	PERFORM pg_current_xact_id();
	PERFORM crmaudit.lock_findings(ids);
	SELECT array_agg(f ORDER BY f.id) INTO result FROM crmaudit.finding f WHERE f.id = ANY (ids);
	SELECT i AS id INTO wrong FROM unnest(ids) i WHERE i IS NULL OR NOT i = ANY (SELECT r.id FROM unnest(result) r) ORDER BY i LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'finding % does not exist', coalesce(wrong.id::text, 'NULL') USING ERRCODE = 'undefined_object';
	END IF;
	SELECT r.id, r.status INTO wrong FROM unnest(result) r WHERE NOT r.status = ANY (allowed) ORDER BY r.id LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'finding % cannot be %', wrong.id, step
			USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('Its status is %s.', wrong.status),
				HINT = format('The status must be one of: %s.', array_to_string(allowed, ', '));
	END IF;
	RETURN coalesce(result, '{}');
END $$;
COMMENT ON FUNCTION crmaudit.require_findings(bigint[], text, text[]) IS 'locks findings and returns them, or raises an error that names the first that does not exist or is in another status';

CREATE FUNCTION crmaudit.append_steps(findings crmaudit.finding[], event text, note text DEFAULT NULL, assignees text[] DEFAULT NULL,
	due_at timestamptz[] DEFAULT NULL, valid_until date DEFAULT NULL, approved_by text DEFAULT NULL, department text DEFAULT NULL, person text DEFAULT crmaudit.person())
RETURNS int LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result int;
BEGIN
	INSERT INTO crmaudit.finding_event (at, rule_id, rule_version, target, row_key, column_name, event, severity, group_key,
			actor, person, assignee, due_at, note, valid_until, approved_by, department)
		SELECT statement_timestamp(), f.rule_id, f.rule_version, f.target, f.row_key, f.column_name, append_steps.event, f.severity, f.group_key,
			nullif(current_setting('crmaudit.actor', true), ''), append_steps.person, append_steps.assignees[f.ordinality], append_steps.due_at[f.ordinality],
			append_steps.note, append_steps.valid_until, append_steps.approved_by, append_steps.department
		FROM unnest(findings) WITH ORDINALITY AS f
		ORDER BY f.ordinality;
	GET DIAGNOSTICS result = ROW_COUNT;
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.append_steps(crmaudit.finding[], text, text, text[], timestamptz[], date, text, text, text) IS 'appends an event to each of the findings, and returns how many there are';

-- Reading the row of a finding -----------------------------------------------------

-- With the caller's rights, and row security is the caller's. A time must be
-- read back as it was, whatever style the session has.
CREATE FUNCTION crmaudit.row_texts(target regclass, row_key jsonb, expressions text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, MDY' AS $$
DECLARE
	identity text;
	result text[];
BEGIN
	IF row_key IS NULL OR row_key = '{}' OR NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = target)
		OR EXISTS (SELECT FROM crmaudit.protected_table p WHERE p.target = row_texts.target AND row_key ?| p.hashed_key)
		OR EXISTS (SELECT FROM jsonb_object_keys(row_key) k WHERE NOT EXISTS (
			SELECT FROM pg_attribute a WHERE a.attrelid = row_texts.target AND a.attname = k AND NOT a.attisdropped)) THEN
		RETURN NULL;
	END IF;
	SELECT string_agg(format('this_row.%I %s', k.key, CASE WHEN k.value IS NULL THEN 'IS NULL' ELSE format('%s %L', crmaudit.equality(target, k.key), k.value) END), ' AND ')
		INTO identity FROM jsonb_each_text(row_key) k;
	EXECUTE format('SELECT ARRAY[%s]::text[] FROM %s AS this_row WHERE %s',
		(SELECT string_agg(format('(%s)::text', coalesce(x, 'NULL')), ', ' ORDER BY n) FROM unnest(expressions) WITH ORDINALITY AS u(x, n)), target, identity)
		INTO result;
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.row_texts(regclass, jsonb, text[]) IS 'SQL expressions over the row of a finding, as text, read with the caller''s rights; NULL if the row is not there, or is named by a digest';

-- "Not after a day" lets the day be used.
CREATE FUNCTION crmaudit.end_of(day date) RETURNS timestamptz LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT (day + 1)::timestamptz
$$;
COMMENT ON FUNCTION crmaudit.end_of(date) IS 'when a day is over';
CREATE FUNCTION crmaudit.end_of(moment timestamp) RETURNS timestamptz LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT moment::timestamptz
$$;
COMMENT ON FUNCTION crmaudit.end_of(timestamp) IS 'the time itself, in the time zone of the session';
CREATE FUNCTION crmaudit.end_of(moment timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT moment
$$;
COMMENT ON FUNCTION crmaudit.end_of(timestamptz) IS 'the time itself';

-- Distribution -----------------------------------------------------------------------

CREATE TABLE crmaudit.assignment (
	target regclass NOT NULL,
	rule_id bigint,
	assignee text NOT NULL CHECK (btrim(assignee) <> '')
);
COMMENT ON TABLE crmaudit.assignment IS 'who gets findings that are distributed to nobody in particular';
COMMENT ON COLUMN crmaudit.assignment.rule_id IS 'of which rule, whoever owns the row; NULL: of those rows of the table that nobody owns';
CREATE UNIQUE INDEX assignment_target_rule ON crmaudit.assignment (target, coalesce(rule_id, 0));

CREATE TABLE crmaudit.escalation (
	assignee text,
	superior text NOT NULL CHECK (btrim(superior) <> '')
);
COMMENT ON TABLE crmaudit.escalation IS 'to whom an overdue finding goes';
COMMENT ON COLUMN crmaudit.escalation.assignee IS 'whose findings; NULL: those of all others';
CREATE UNIQUE INDEX escalation_assignee ON crmaudit.escalation (coalesce(assignee, ''));

SELECT pg_catalog.pg_extension_config_dump('crmaudit.assignment', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.escalation', '');

CREATE FUNCTION crmaudit.append_distribution(ids bigint[], assignee text, owners text[], not_after timestamptz[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	findings constant crmaudit.finding[] := crmaudit.require_findings(ids, 'distributed', '{open,acknowledged}');
	assignees text[];
	dues timestamptz[];
	nobody bigint;
BEGIN
	SELECT array_agg(coalesce(nullif(btrim(append_distribution.assignee), ''), a.assignee, r.owner, o.owner, t.assignee) ORDER BY f.id),
		array_agg(least(CASE WHEN r.params ->> 'from' = 'distributed'
			THEN crmaudit.finding_due(statement_timestamp(), r.params ->> 'due') ELSE f.due_at END, o.not_after) ORDER BY f.id)
		INTO assignees, dues
		FROM unnest(findings) f
		LEFT JOIN unnest(ids, owners, not_after) AS o(id, owner, not_after) ON o.id = f.id
		LEFT JOIN crmaudit.rule r ON r.id = f.rule_id
		LEFT JOIN crmaudit.assignment a ON a.target = f.target AND a.rule_id = f.rule_id
		LEFT JOIN crmaudit.assignment t ON t.target = f.target AND t.rule_id IS NULL;
	SELECT findings[n].id INTO nobody FROM unnest(assignees) WITH ORDINALITY AS u(a, n) WHERE u.a IS NULL ORDER BY n LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'finding % has nobody to be distributed to', nobody
			USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Neither the rule, nor the row, nor the table says who works it off.',
				HINT = 'Name somebody, or fill crmaudit.assignment.';
	END IF;
	RETURN crmaudit.append_steps(findings, 'distributed', NULL, assignees, dues);
END $$;
COMMENT ON FUNCTION crmaudit.append_distribution(bigint[], text, text[], timestamptz[]) IS 'implementation of distribute(), which reads the rows with the caller''s rights; nothing it is handed can put a due date off';

CREATE FUNCTION crmaudit.distribute(ids bigint[], assignee text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	one record;
	terms text[];
	wanted bigint[] := ARRAY(SELECT DISTINCT i FROM unnest(ids) i ORDER BY i);
	owners text[] := '{}';
	not_after timestamptz[] := '{}';
BEGIN
	FOR one IN
		SELECT i AS id, f.target, f.row_key, r.params ->> 'not_after' AS not_after, coalesce(nullif(btrim(distribute.assignee), ''), r.owner) IS NULL AS needs_owner,
			(SELECT crmaudit.column_sql(o.key) FROM jsonb_each_text(p.roles) o WHERE o.value = 'owner' ORDER BY length(o.key), o.key LIMIT 1) AS owner_sql
		FROM unnest(wanted) WITH ORDINALITY AS u(i, n)
		LEFT JOIN crmaudit.finding f ON f.id = i
		LEFT JOIN crmaudit.rule r ON r.id = f.rule_id
		LEFT JOIN crmaudit.protected_table p ON p.target = f.target
		ORDER BY n
	LOOP
		terms := NULL;
		IF one.not_after IS NOT NULL OR one.needs_owner AND one.owner_sql IS NOT NULL AND has_table_privilege(one.target, 'SELECT') THEN
			terms := crmaudit.row_texts(one.target, one.row_key, ARRAY[one.owner_sql,
				CASE WHEN one.not_after IS NOT NULL THEN format('crmaudit.end_of(%s)', one.not_after) END]);
		END IF;
		owners := owners || nullif(btrim(terms[1]), '');
		not_after := not_after || terms[2]::timestamptz;
	END LOOP;
	RETURN crmaudit.append_distribution(wanted, assignee, owners, not_after);
END $$;
COMMENT ON FUNCTION crmaudit.distribute(bigint[], text) IS 'hands findings to whoever works them off, from when on the due date of some rules counts; NULL: as the table assignment says, or the owner of the rule, of the row, or whom assignment has for the table';

-- Other steps --------------------------------------------------------------------------

CREATE FUNCTION crmaudit.assign(ids bigint[], assignee text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	findings crmaudit.finding[];
BEGIN
	PERFORM crmaudit.require_text(assignee, 'assignee');
	findings := crmaudit.require_findings(ids, 'assigned', '{open,acknowledged}');
	RETURN crmaudit.append_steps(findings, 'assigned', NULL, array_fill(btrim(assignee), ARRAY[cardinality(findings)]));
END $$;
COMMENT ON FUNCTION crmaudit.assign(bigint[], text) IS 'gives findings to somebody else, who has until the same day';

-- For the assignee too, who need have no right on findings.
CREATE FUNCTION crmaudit.acknowledge(ids bigint[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.require_assigned(ids);
	RETURN crmaudit.append_steps(crmaudit.require_findings(ids, 'acknowledged', '{open}'), 'acknowledged');
END $$;
COMMENT ON FUNCTION crmaudit.acknowledge(bigint[]) IS 'says that findings are being looked into; for those to whom they are assigned, and stewards';

CREATE FUNCTION crmaudit.resolve(ids bigint[], evidence text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.require_text(evidence, 'evidence');
	PERFORM crmaudit.require_assigned(ids);
	RETURN crmaudit.append_steps(crmaudit.require_findings(ids, 'resolved', '{open,acknowledged}'), 'resolved', evidence);
END $$;
COMMENT ON FUNCTION crmaudit.resolve(bigint[], text) IS 'says that findings are worked off, and by what that is shown: a text, or where the document is (D6); seen again they are open again; for those to whom they are assigned, and stewards';

-- Who may speak for a department: a role of its name says so, where there is one.
CREATE FUNCTION crmaudit.require_department(rule text, verify_by jsonb, department text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF verify_by IS NOT NULL AND NOT coalesce(verify_by ? department, false) THEN
		RAISE EXCEPTION 'findings of rule "%" are verified by %', rule, (SELECT string_agg(d, ' and ') FROM jsonb_array_elements_text(verify_by) d)
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Say for which of them: crmaudit.verify(ids, department).';
	END IF;
	IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = department) AND NOT pg_has_role(session_user, department::name, 'MEMBER')
		AND crmaudit.person() = session_user::text THEN
		RAISE EXCEPTION 'user "%" is not a member of role "%"', session_user, department
			USING ERRCODE = 'insufficient_privilege', DETAIL = 'Who verifies for a department that is a role must belong to it.';
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.require_department(text, jsonb, text) IS 'raises an error unless findings of a rule can be verified by the session for a department';

CREATE FUNCTION crmaudit.verify(ids bigint[], department text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	me constant text := crmaudit.person();
	findings crmaudit.finding[];
	one record;
BEGIN
	department := nullif(btrim(department), '');
	findings := crmaudit.require_findings(ids, 'verified', '{resolved}');
	FOR one IN
		SELECT f.id, f.rule, f.resolved_by, f.verified_by, f.verified_for, v.definition -> 'params' -> 'verify_by' AS verify_by
		FROM unnest(findings) f LEFT JOIN crmaudit.rule_version v ON v.rule_id = f.rule_id AND v.version = f.rule_version
	LOOP
		PERFORM crmaudit.require_department(one.rule, one.verify_by, department);
		IF one.resolved_by = me THEN
			RAISE EXCEPTION 'finding % cannot be verified by "%", who resolved it', one.id, me
				USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Another person must verify it (D6).';
		ELSIF me = ANY (one.verified_by) OR department = ANY (one.verified_for) THEN
			RAISE EXCEPTION 'finding % cannot be verified twice by "%"', one.id, CASE WHEN me = ANY (one.verified_by) THEN me ELSE department END
				USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Each department verifies it once, and each through another person (D6).';
		END IF;
	END LOOP;
	RETURN crmaudit.append_steps(findings, 'verified', department => department);
END $$;
COMMENT ON FUNCTION crmaudit.verify(bigint[], text) IS 'confirms that resolved findings are; by another person than who resolved them, and where the rule says {"verify_by": [...]}, for each of these departments by another person (D6)';

CREATE FUNCTION crmaudit.false_positive(ids bigint[], reason text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.require_text(reason, 'reason');
	RETURN crmaudit.append_steps(crmaudit.require_findings(ids, 'marked as false positive', '{open,acknowledged}'), 'false_positive', reason);
END $$;
COMMENT ON FUNCTION crmaudit.false_positive(bigint[], text) IS 'says that what was found is right as it is; seen again it stays so';

CREATE FUNCTION crmaudit.waive(ids bigint[], until date, reason text, approved_by text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	me constant text := crmaudit.person();
	findings crmaudit.finding[];
	concerned bigint;
BEGIN
	PERFORM crmaudit.require_text(reason, 'reason');
	PERFORM crmaudit.require_text(approved_by, 'approved_by');
	approved_by := btrim(approved_by);
	IF until IS NULL OR until < current_date OR until = 'infinity' THEN
		RAISE EXCEPTION 'a waiver must end, and not before today'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'What is right as it is, is a false positive: crmaudit.false_positive().';
	ELSIF approved_by = me THEN
		RAISE EXCEPTION 'a waiver cannot be approved by "%", who asks for it', me
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Another person must approve it (D16, D36).';
	END IF;
	findings := crmaudit.require_findings(ids, 'waived', '{open,acknowledged}');
	SELECT f.id INTO concerned FROM unnest(findings) f WHERE f.assignee = approved_by ORDER BY f.id LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'the waiver of finding % cannot be approved by "%", to whom it is assigned', concerned, approved_by
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Another person must approve it (D16, D36).';
	END IF;
	RETURN crmaudit.append_steps(findings, 'waived', reason, valid_until => until, approved_by => approved_by);
END $$;
COMMENT ON FUNCTION crmaudit.waive(bigint[], date, text, text) IS 'tolerates findings until a day is over, as another person approved; then they are open again';

CREATE FUNCTION crmaudit.reopen(ids bigint[], reason text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN crmaudit.append_steps(crmaudit.require_findings(ids, 'reopened', '{resolved,verified,false_positive,waived}'), 'reopened', reason);
END $$;
COMMENT ON FUNCTION crmaudit.reopen(bigint[], text) IS 'opens findings again: they were not resolved after all, or are no false positives, or are tolerated no longer';

-- For everybody: the assignee of a finding need have no right on it.
CREATE FUNCTION crmaudit.answer(ids bigint[], answer text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	findings crmaudit.finding[];
BEGIN
	PERFORM crmaudit.require_text(answer, 'answer');
	PERFORM crmaudit.require_assigned(ids);
	findings := crmaudit.require_findings(ids, 'answered', '{open,acknowledged,resolved,verified,false_positive,waived}');
	RETURN crmaudit.append_steps(findings, 'answered', answer);
END $$;
COMMENT ON FUNCTION crmaudit.answer(bigint[], text) IS 'what the person concerned says about findings (D37); changes no status; for everybody to whom they are assigned, and those who work findings off';

-- A family that shares a phone is no error. What joins the group later is.
CREATE FUNCTION crmaudit.clear_group(group_key text, reason text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ids bigint[];
BEGIN
	PERFORM crmaudit.require_text(reason, 'reason');
	IF NOT EXISTS (SELECT FROM crmaudit.finding f WHERE f.group_key = clear_group.group_key) THEN
		RAISE EXCEPTION 'group "%" does not exist', group_key USING ERRCODE = 'undefined_object', HINT = 'crmaudit.work_list shows the groups.';
	END IF;
	-- all of them, so that nobody changes the status of one meanwhile
	ids := ARRAY(SELECT f.id FROM crmaudit.finding f WHERE f.group_key = clear_group.group_key);
	PERFORM crmaudit.lock_findings(ids);
	ids := ARRAY(SELECT f.id FROM crmaudit.finding f WHERE f.group_key = clear_group.group_key AND f.status IN ('open', 'acknowledged'));
	RETURN crmaudit.append_steps(crmaudit.require_findings(ids, 'cleared', '{open,acknowledged}'), 'false_positive', reason);
END $$;
COMMENT ON FUNCTION crmaudit.clear_group(text, text) IS 'marks the open findings of a group as false positives, for its rows may share the value; a row that joins it later is found, and so is one of these when it moves to another group';

-- Escalation ---------------------------------------------------------------------------

CREATE FUNCTION crmaudit.escalate() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	findings crmaudit.finding[];
	superiors text[];
	result int;
	news jsonb;
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RETURN 0;
	END IF;
	-- one at a time, or a finding would be escalated twice
	BEGIN
		LOCK TABLE crmaudit.escalation IN SHARE ROW EXCLUSIVE MODE NOWAIT;
	EXCEPTION WHEN lock_not_available THEN
		RETURN 0;
	END;
	SELECT array_agg(f ORDER BY f.id), array_agg(coalesce(e.superior, d.superior) ORDER BY f.id)
		INTO findings, superiors
		FROM crmaudit.finding f
		LEFT JOIN crmaudit.escalation e ON e.assignee = f.assignee
		LEFT JOIN crmaudit.escalation d ON d.assignee IS NULL
		WHERE f.status IN ('open', 'acknowledged') AND f.due_at < now() AND f.escalated_at IS NULL;
	IF findings IS NULL THEN
		RETURN 0;
	END IF;
	PERFORM pg_current_xact_id();
	result := crmaudit.append_steps(findings, 'escalated', NULL, superiors, person => NULL);
	SELECT jsonb_agg(n.one) INTO news FROM (
		SELECT jsonb_build_object('kind', 'overdue', 'target', f.target::text, 'rule', left(f.rule, 200), 'severity', max(f.severity), 'findings', count(*)) AS one
		FROM unnest(findings) f GROUP BY f.target, f.rule_id, f.rule) n;
	PERFORM crmaudit.notify_findings(news);
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.escalate() IS 'hands each overdue finding to the superior of its assignee, once, notifies channel crmaudit, and returns how many there were';
