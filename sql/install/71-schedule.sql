-- 71-schedule: sweeps at set times, by pg_cron where it is, else by the
-- system's cron or a systemd timer.

-- pg_cron reads the text itself, and differently from version to version; where
-- it is not there, the text must be one that cron understands.
CREATE FUNCTION crmaudit.require_crontab_schedule(cron text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF cron IS NULL OR cron !~ '^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)|[0-9*,/-]+( +[0-9A-Za-z*,/-]+){4})$' THEN
		RAISE EXCEPTION 'schedule "%" is not one of cron', cron
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It has five fields: minute, hour, day of the month, month, day of the week. ''30 2 * * *'' is every night at half past two.';
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.require_crontab_schedule(text) IS 'raises an error unless the text is a schedule of cron';

CREATE FUNCTION crmaudit.shell_word(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT CASE WHEN word ~ '^[A-Za-z0-9_./:=@,-]+$' THEN word
		-- double quotes read better where nothing in the word is special in them
		WHEN word !~ '["$`\\!]' THEN '"' || word || '"'
		ELSE '''' || replace(word, '''', '''\''''') || '''' END
$$;
COMMENT ON FUNCTION crmaudit.shell_word(text) IS 'a text as one word of a shell''s command';

-- The table by its schema and name, whatever the search_path is when it runs.
CREATE FUNCTION crmaudit.sweep_command(target regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT crmaudit.sweep(%s)', coalesce(quote_literal((SELECT format('%I.%I', n.nspname, c.relname)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target)), ''))
$$;
COMMENT ON FUNCTION crmaudit.sweep_command(regclass) IS 'the statement that sweeps a table, or all of them';

CREATE FUNCTION crmaudit.sweep_job_name(target regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'crmaudit sweep of ' || coalesce((SELECT format('%I.%I', n.nspname, c.relname)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target), 'all tables')
$$;
COMMENT ON FUNCTION crmaudit.sweep_job_name(regclass) IS 'what pg_cron knows the sweep of a table by';

CREATE FUNCTION crmaudit.crontab_line(target regclass, cron text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	database text := current_database();
BEGIN
	PERFORM crmaudit.require_crontab_schedule(cron);
	-- a name that libpq could read as something else is given as what it is
	IF database !~ '^[A-Za-z0-9_.-]+$' THEN
		database := 'dbname=''' || regexp_replace(database, '([\\''])', '\\\1', 'g') || '''';
	END IF;
	-- cron reads % as the end of the command
	RETURN cron || ' ' || replace(format('psql -X -q%s -d %s -c %s',
		CASE WHEN current_setting('port') <> '5432' THEN ' -p ' || current_setting('port') ELSE '' END,
		crmaudit.shell_word(database), crmaudit.shell_word(crmaudit.sweep_command(target))), '%', '\%');
END $$;
COMMENT ON FUNCTION crmaudit.crontab_line(regclass, text) IS 'the line for cron that sweeps a table, or all of them';

-- SECURITY DEFINER: the setting is shown to superusers only. It may stand in
-- the configuration of a server that does not load pg_cron; it is no setting then.
CREATE FUNCTION crmaudit.cron_database() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT s.setting FROM pg_settings s WHERE s.name = 'cron.database_name'
$$;
COMMENT ON FUNCTION crmaudit.cron_database() IS 'the database in which pg_cron keeps its jobs; NULL where the server does not run it';

-- pg_cron lives in one database, and can run jobs in others.
CREATE FUNCTION crmaudit.schedule(target regclass, cron text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	home constant text := crmaudit.cron_database();
	name constant text := crmaudit.sweep_job_name(target);
	command constant text := crmaudit.sweep_command(target);
	job bigint;
	message text;
BEGIN
	IF target IS NOT NULL THEN
		PERFORM crmaudit.require_protected(target);
	END IF;
	IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
		BEGIN
			EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job USING name, cron, command;
		EXCEPTION
			WHEN insufficient_privilege THEN
				GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
				RAISE EXCEPTION '%', message USING ERRCODE = 'insufficient_privilege',
					HINT = format('Have a superuser run: GRANT USAGE ON SCHEMA cron TO %I.', current_user);
			WHEN data_exception OR invalid_parameter_value THEN
				GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
				RAISE EXCEPTION '%', message USING ERRCODE = 'invalid_parameter_value',
					HINT = 'A schedule has five fields: minute, hour, day of the month, month, day of the week. ''30 2 * * *'' is every night at half past two.';
		END;
		RETURN format('pg_cron runs %s as job %s at %s (%s)', command, job, cron, coalesce(current_setting('cron.timezone', true), 'GMT'));
	END IF;
	IF home IS NOT NULL AND home <> current_database() THEN
		RAISE WARNING 'the sweep is not scheduled yet'
			USING DETAIL = format('pg_cron keeps its jobs in database "%s".', home),
				HINT = 'Run there, as a superuser, the statement that this function returns.';
		RETURN format('SELECT cron.schedule_in_database(%L, %L, %L, %L)', format('%s in %s', name, current_database()), cron, command, current_database());
	END IF;
	message := crmaudit.crontab_line(target, cron);
	RAISE WARNING 'the sweep is not scheduled yet'
		USING DETAIL = CASE WHEN home IS NULL THEN 'The server does not run pg_cron.' ELSE 'The server runs pg_cron, but the extension is not created in this database.' END,
			HINT = CASE WHEN home IS NULL
				THEN 'Put the line that this function returns into the crontab of who may sweep, or its command into a systemd timer; or install pg_cron, add it to shared_preload_libraries, and schedule again.'
				ELSE 'CREATE EXTENSION pg_cron, and schedule again; or put the line that this function returns into a crontab.' END;
	RETURN message;
END $$;
COMMENT ON FUNCTION crmaudit.schedule(regclass, text) IS 'sweeps a table, or all (NULL), at set times: by pg_cron where it is in this database; else nothing is scheduled, and the result is the line for cron, or the statement for pg_cron''s database';

CREATE FUNCTION crmaudit.unschedule(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	name constant text := crmaudit.sweep_job_name(target);
	jobs bigint[];
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
		RAISE EXCEPTION 'pg_cron is not in this database'
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'What runs the sweep is to be found in a crontab, a systemd timer, or the database that cron.database_name names.';
	END IF;
	EXECUTE 'SELECT array_agg(j.jobid) FROM cron.job j WHERE j.jobname = $1' INTO jobs USING name;
	IF jobs IS NULL THEN
		RAISE EXCEPTION 'no sweep of % is scheduled', CASE WHEN target IS NULL THEN 'all tables' ELSE format('relation "%s"', target) END
			USING ERRCODE = 'undefined_object', HINT = 'crmaudit.sweep_schedule lists those that are; others'' are theirs to unschedule.';
	END IF;
	EXECUTE 'SELECT count(cron.unschedule(j)) FROM unnest($1) j' USING jobs;
END $$;
COMMENT ON FUNCTION crmaudit.unschedule(regclass) IS 'ends what schedule() began, of a table or, for NULL, of all tables';

-- SECURITY DEFINER: an auditor sees what is scheduled, whoever did it, without
-- rights on pg_cron. Only jobs that sweep are shown.
CREATE FUNCTION crmaudit.sweep_jobs()
RETURNS TABLE (name text, job bigint, cron text, command text, username text, database text, active boolean,
	last_status text, last_started_at timestamptz, last_finished_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
		RETURN QUERY EXECUTE $query$
			SELECT substring(j.jobname::text FROM '^crmaudit sweep of (.*)$'), j.jobid, j.schedule, j.command, j.username, j.database, j.active,
				d.status, d.start_time, d.end_time
			FROM cron.job j
			LEFT JOIN LATERAL (SELECT d.status, d.start_time, d.end_time FROM cron.job_run_details d WHERE d.jobid = j.jobid ORDER BY d.runid DESC LIMIT 1) d ON true
			WHERE j.jobname::text LIKE 'crmaudit sweep of %' AND starts_with(j.command, 'SELECT crmaudit.sweep(')
			ORDER BY j.jobid $query$;
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.sweep_jobs() IS 'jobs of pg_cron that sweep, of all users; none where pg_cron is not in this database';

CREATE VIEW crmaudit.sweep_schedule WITH (security_invoker = true) AS
	SELECT (SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE j.database = current_database() AND format('%I.%I', n.nspname, c.relname) = j.name) AS target, j.name, j.cron, j.job, j.username, j.database, j.active,
		j.last_status, j.last_started_at, j.last_finished_at, j.command
	FROM crmaudit.sweep_jobs() j;
COMMENT ON VIEW crmaudit.sweep_schedule IS 'sweeps that pg_cron runs, at what times, and how they went last';
COMMENT ON COLUMN crmaudit.sweep_schedule.target IS 'the table; NULL for all tables, for one of another database, and for one that is gone';
COMMENT ON COLUMN crmaudit.sweep_schedule.cron IS 'minute, hour, day of the month, month, day of the week; in GMT unless cron.timezone says otherwise';

CREATE FUNCTION crmaudit.schedule_problems()
RETURNS TABLE (subject text, target regclass, rule text, problem text, remedy text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'schedule', s.target, NULL, p.problem, p.remedy
	FROM crmaudit.sweep_schedule s CROSS JOIN LATERAL (
		SELECT format('job %s of pg_cron sweeps %s, which is not protected, or not there', s.job, s.name), format('SELECT cron.unschedule(%s)', s.job)
		WHERE s.database = current_database() AND s.name <> 'all tables'
			AND NOT EXISTS (SELECT FROM crmaudit.protected_table t WHERE t.target = s.target)
		UNION ALL
		SELECT format('the sweep of %s by job %s of pg_cron failed at %s', s.name, s.job, to_char(s.last_started_at, 'YYYY-MM-DD HH24:MI TZ')),
			format('SELECT return_message FROM cron.job_run_details WHERE jobid = %s ORDER BY runid DESC LIMIT 1', s.job)
		WHERE s.last_status = 'failed'
		UNION ALL
		SELECT format('job %s of pg_cron, which sweeps %s, is not active', s.job, s.name), format('SELECT cron.alter_job(%s, active => true)', s.job)
		WHERE NOT s.active) AS p(problem, remedy)
$$;
COMMENT ON FUNCTION crmaudit.schedule_problems() IS 'scheduled sweeps that fail, are switched off, or sweep nothing; part of crmaudit.health';
