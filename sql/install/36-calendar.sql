-- 36-calendar: working days. Which days are off, and when something is due.

CREATE TABLE crmaudit.calendar (
	calendar text PRIMARY KEY CHECK (octet_length(calendar) BETWEEN 1 AND 63),
	english text NOT NULL,
	chinese text NOT NULL,
	time_zone text,
	weekend int[] NOT NULL DEFAULT '{6,7}'
		CHECK (weekend <@ '{1,2,3,4,5,6,7}' AND NOT weekend @> '{1,2,3,4,5,6,7}' AND array_position(weekend, NULL) IS NULL),
	first_year int,
	last_year int,
	builtin boolean NOT NULL DEFAULT false,
	CHECK (first_year <= last_year),
	CHECK ((first_year IS NULL) = (last_year IS NULL))
);
COMMENT ON TABLE crmaudit.calendar IS 'working-day calendars; CN knows the holidays and working weekends of China, weekdays is Monday to Friday';
COMMENT ON COLUMN crmaudit.calendar.time_zone IS 'where its days begin and end; NULL: in the session''s time zone';
COMMENT ON COLUMN crmaudit.calendar.weekend IS 'days of the week that are off, 1 for Monday to 7 for Sunday';
COMMENT ON COLUMN crmaudit.calendar.first_year IS 'the first year whose days off it knows; NULL: any year, for a calendar without holidays, or one that is kept up';
COMMENT ON COLUMN crmaudit.calendar.last_year IS 'the last year; crmaudit.calendar_year holds those that were added';

-- A year of its own, because pg_dump cannot tell a changed row of the
-- extension's from one that CREATE EXTENSION makes again.
CREATE TABLE crmaudit.calendar_year (
	calendar text NOT NULL,
	year int NOT NULL,
	added_at timestamptz NOT NULL DEFAULT now(),
	added_by name NOT NULL DEFAULT session_user,
	PRIMARY KEY (calendar, year)
);
COMMENT ON TABLE crmaudit.calendar_year IS 'years that were added to a calendar by add_calendar_year(), beyond those it came with';

-- A company's own row stands beside the one that comes with crmaudit, and
-- wins: it is dumped, the other is not.
CREATE TABLE crmaudit.calendar_day (
	calendar text NOT NULL,
	day date NOT NULL CHECK (isfinite(day)),
	is_working boolean NOT NULL,
	name text,
	chinese text,
	builtin boolean NOT NULL DEFAULT false,
	PRIMARY KEY (calendar, day, builtin)
);
COMMENT ON TABLE crmaudit.calendar_day IS 'days that are off, or worked, against their weekday; a day of one''s own (builtin false) wins over one that comes with crmaudit';

SELECT pg_catalog.pg_extension_config_dump('crmaudit.calendar', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.calendar_year', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.calendar_day', 'WHERE NOT builtin');

CREATE FUNCTION crmaudit.calendar_changed() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'crmaudit_calendar_changed';
COMMENT ON FUNCTION crmaudit.calendar_changed() IS 'trigger on the tables of calendars: makes every backend read them anew';
CREATE TRIGGER calendar_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crmaudit.calendar
	FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.calendar_changed();
CREATE TRIGGER calendar_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crmaudit.calendar_year
	FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.calendar_changed();
CREATE TRIGGER calendar_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crmaudit.calendar_day
	FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.calendar_changed();

-- Counting -------------------------------------------------------------------------

-- In C, from a copy that every backend keeps: any distance costs the same.
CREATE FUNCTION crmaudit.is_working_day(day date, calendar text DEFAULT NULL) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_is_working_day';
COMMENT ON FUNCTION crmaudit.is_working_day(date, text) IS 'whether a day is a working day; an error for a year that the calendar does not know';

CREATE FUNCTION crmaudit.add_working_days(day date, n int, calendar text DEFAULT NULL) RETURNS date
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_add_working_days';
COMMENT ON FUNCTION crmaudit.add_working_days(date, int, text) IS 'the n-th working day after a day, or before it for a negative n; for 0 the day itself, whatever it is';

CREATE FUNCTION crmaudit.working_days_between(from_date date, to_date date, calendar text DEFAULT NULL) RETURNS int
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_working_days_between';
COMMENT ON FUNCTION crmaudit.working_days_between(date, date, text) IS 'working days after the first day, up to and including the second; negative if the second is earlier';

CREATE FUNCTION crmaudit.day_of(at timestamptz, calendar text DEFAULT NULL) RETURNS date
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_day_of';
COMMENT ON FUNCTION crmaudit.day_of(timestamptz, text) IS 'the day in the calendar''s time zone';

CREATE FUNCTION crmaudit.end_of_day(day date, calendar text DEFAULT NULL) RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_end_of_day';
COMMENT ON FUNCTION crmaudit.end_of_day(date, text) IS 'when a day ends (24:00) in the calendar''s time zone';

CREATE FUNCTION crmaudit.due_at(since timestamptz, due text, calendar text DEFAULT NULL) RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_due_at';
COMMENT ON FUNCTION crmaudit.due_at(timestamptz, text, text) IS 'when something is due: "3 working days" ends with the third working day after, at 24:00 in the calendar''s time zone; an interval ends to the second';

-- One rule whose calendar ends must not keep a view from showing all others.
CREATE FUNCTION crmaudit.due_date(since timestamptz, due text, calendar text DEFAULT NULL) RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_due_date';
COMMENT ON FUNCTION crmaudit.due_date(timestamptz, text, text) IS 'due_at() for views: NULL where the calendar does not know the year, of which crmaudit.health tells';

CREATE FUNCTION crmaudit.deadline(since timestamptz, within text, calendar text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_deadline';
COMMENT ON FUNCTION crmaudit.deadline(timestamptz, text, text, text) IS 'when a length of time is over: minutes and hours to the second; days, working days, weeks, months and years at 24:00 of the last day in the time zone, the calendar''s unless given (31 January and 1 month: the end of 28 February); an error for working days of a year that the calendar does not know';

CREATE FUNCTION crmaudit.known_deadline(since timestamptz, within text, calendar text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_known_deadline';
COMMENT ON FUNCTION crmaudit.known_deadline(timestamptz, text, text, text) IS 'deadline() for views: NULL where the calendar does not know the year, of which crmaudit.health tells';

CREATE FUNCTION crmaudit.within_hours(at timestamptz, hours text, calendar text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_within_hours';
COMMENT ON FUNCTION crmaudit.within_hours(timestamptz, text, text, text) IS 'whether a moment lies in hours like "10:00-11:00,14:00-16:00", both ends included; with "workdays " before them, only on working days; NULL where the calendar does not know the year';

-- Keeping them ------------------------------------------------------------------------

CREATE FUNCTION crmaudit.require_calendar(calendar text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- raises the error itself
	PERFORM crmaudit.end_of_day('2000-01-01', coalesce(calendar, ''));
END $$;
COMMENT ON FUNCTION crmaudit.require_calendar(text) IS 'raises an error unless the calendar exists';

CREATE FUNCTION crmaudit.add_calendar(calendar text, english text, time_zone text, chinese text DEFAULT NULL,
	weekend int[] DEFAULT '{6,7}', first_year int DEFAULT NULL, last_year int DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF calendar IS NULL OR octet_length(calendar) NOT BETWEEN 1 AND 63 THEN
		RAISE EXCEPTION 'name of a calendar must have 1 to 63 bytes' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF EXISTS (SELECT FROM crmaudit.calendar c WHERE c.calendar = add_calendar.calendar) THEN
		RAISE EXCEPTION 'calendar "%" already exists', calendar
			USING ERRCODE = 'duplicate_object', HINT = 'Change its days with crmaudit.set_calendar_day().';
	END IF;
	IF weekend IS NULL OR NOT weekend <@ '{1,2,3,4,5,6,7}' OR weekend @> '{1,2,3,4,5,6,7}' OR array_position(weekend, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'weekend of a calendar must be days of the week, six at most'
			USING ERRCODE = 'invalid_parameter_value', HINT = '1 is Monday, 7 is Sunday; ''{6,7}'' is the usual one.';
	END IF;
	IF (first_year IS NULL) <> (last_year IS NULL) OR first_year > last_year THEN
		RAISE EXCEPTION 'a calendar knows the years from the first to the last, or, without either, any year'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	-- raises an error for a time zone that does not exist
	PERFORM now() AT TIME ZONE time_zone;
	INSERT INTO crmaudit.calendar (calendar, english, chinese, time_zone, weekend, first_year, last_year)
		VALUES (calendar, coalesce(english, calendar), coalesce(chinese, english, calendar), time_zone, weekend, first_year, last_year);
END $$;
COMMENT ON FUNCTION crmaudit.add_calendar(text, text, text, text, int[], int, int) IS 'makes a calendar; without years it knows every year, as one without holidays does';

CREATE FUNCTION crmaudit.set_calendar_day(calendar text, day date, is_working boolean, name text DEFAULT NULL, chinese text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	PERFORM crmaudit.require_calendar(calendar);
	IF day IS NULL OR NOT isfinite(day) THEN
		RAISE EXCEPTION 'day of a calendar must be a date' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF is_working IS NULL THEN
		DELETE FROM crmaudit.calendar_day d
			WHERE d.calendar = set_calendar_day.calendar AND d.day = set_calendar_day.day AND NOT d.builtin;
		RETURN;
	END IF;
	INSERT INTO crmaudit.calendar_day (calendar, day, is_working, name, chinese)
		VALUES (set_calendar_day.calendar, set_calendar_day.day, set_calendar_day.is_working, set_calendar_day.name, set_calendar_day.chinese)
		ON CONFLICT (calendar, day, builtin) DO UPDATE
			SET is_working = excluded.is_working, name = excluded.name, chinese = excluded.chinese;
END $$;
COMMENT ON FUNCTION crmaudit.set_calendar_day(text, date, boolean, text, text) IS 'makes a day a working day, or one off, whatever the calendar says of it; NULL takes that back';

CREATE FUNCTION crmaudit.add_calendar_year(calendar text, year int, days_off date[], working_days date[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	outside date;
BEGIN
	PERFORM crmaudit.require_calendar(calendar);
	IF year IS NULL OR days_off IS NULL OR working_days IS NULL THEN
		RAISE EXCEPTION 'a year of a calendar needs its days off and the weekend days that are worked'
			USING ERRCODE = 'null_value_not_allowed', HINT = 'An empty array says that there are none.';
	END IF;
	IF EXISTS (SELECT FROM crmaudit.calendar c WHERE c.calendar = add_calendar_year.calendar
			AND (c.first_year IS NULL OR add_calendar_year.year BETWEEN c.first_year AND c.last_year))
		OR EXISTS (SELECT FROM crmaudit.calendar_year y WHERE y.calendar = add_calendar_year.calendar AND y.year = add_calendar_year.year) THEN
		RAISE EXCEPTION 'calendar "%" knows the year % already', calendar, year
			USING ERRCODE = 'duplicate_object', HINT = 'Change its days with crmaudit.set_calendar_day().';
	END IF;
	SELECT d INTO outside FROM unnest(days_off || working_days) d WHERE extract(year FROM d) IS DISTINCT FROM add_calendar_year.year LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'day % is not of the year %', outside, year USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT d INTO outside FROM unnest(days_off) d WHERE d = ANY (working_days) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'day % cannot be both off and worked', outside USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO crmaudit.calendar_year (calendar, year) VALUES (add_calendar_year.calendar, add_calendar_year.year);
	INSERT INTO crmaudit.calendar_day (calendar, day, is_working)
		SELECT DISTINCT add_calendar_year.calendar, d.day, d.is_working
		FROM (SELECT unnest(days_off) AS day, false AS is_working UNION ALL SELECT unnest(working_days), true) d
		ON CONFLICT (calendar, day, builtin) DO NOTHING;
END $$;
COMMENT ON FUNCTION crmaudit.add_calendar_year(text, int, date[], date[]) IS 'tells a calendar a year: its days off, and the weekend days that are worked; days that were set before stay';

-- What would not survive a dump is refused. 84-calendar-days attaches it, when
-- what comes with crmaudit is there.
CREATE FUNCTION crmaudit.guard_calendar() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'row of crmaudit.% comes with crmaudit and cannot be changed', TG_TABLE_NAME
		USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'A change of it would be lost in a dump.',
			HINT = 'Say it with a row of your own: crmaudit.set_calendar_day(), crmaudit.add_calendar_year() or crmaudit.add_calendar().';
END $$;
COMMENT ON FUNCTION crmaudit.guard_calendar() IS 'trigger: refuses to change what comes with crmaudit';

-- What is not as it should be ---------------------------------------------------------------

-- Next year's days are published in November.
CREATE FUNCTION crmaudit.calendar_gaps(calendars text[], today date)
RETURNS TABLE (subject text, target regclass, rule text, problem text, remedy text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH needed AS (
		SELECT extract(year FROM today)::int AS year
		UNION ALL
		SELECT extract(year FROM today)::int + 1 WHERE extract(month FROM today) >= 11
	)
	SELECT 'calendar', NULL::regclass, NULL::text, format('calendar %s does not know the year %s', c.calendar, n.year),
		format('SELECT crmaudit.add_calendar_year(%L, %s, ARRAY[...]::date[], ARRAY[...]::date[])', c.calendar, n.year)
	FROM crmaudit.calendar c CROSS JOIN needed n
	WHERE c.calendar = ANY (calendars) AND n.year NOT BETWEEN c.first_year AND c.last_year
		AND NOT EXISTS (SELECT FROM crmaudit.calendar_year y WHERE y.calendar = c.calendar AND y.year = n.year)
$$;
COMMENT ON FUNCTION crmaudit.calendar_gaps(text[], date) IS 'which of some calendars do not know the year of a day, or from November on the next';

-- Of calendars that something is counted by: the default one, and those of the company.
CREATE FUNCTION crmaudit.calendar_problems(today date DEFAULT current_date)
RETURNS TABLE (subject text, target regclass, rule text, problem text, remedy text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH used AS (
		SELECT coalesce(nullif(current_setting('crmaudit.calendar', true), ''), 'weekdays') AS calendar
		UNION
		SELECT c.calendar FROM crmaudit.calendar c WHERE NOT c.builtin
		UNION
		SELECT y.calendar FROM crmaudit.calendar_year y
	)
	SELECT 'calendar', NULL::regclass, NULL::text, format('calendar %s does not exist', u.calendar), 'set crmaudit.calendar to one that crmaudit.calendar lists'
	FROM used u WHERE NOT EXISTS (SELECT FROM crmaudit.calendar c WHERE c.calendar = u.calendar)
	UNION ALL
	SELECT g.subject, g.target, g.rule, g.problem, g.remedy FROM crmaudit.calendar_gaps(ARRAY(SELECT u.calendar FROM used u), today) g
$$;
COMMENT ON FUNCTION crmaudit.calendar_problems(date) IS 'calendars in use that do not know this year, or from November on the next; part of crmaudit.health';
