-- Counting working days: of China's calendar, of Monday to Friday, in whatever
-- time zone the session is.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';

-- National Day and Mid-autumn 2025: off from 1 to 8 October, Sunday 28
-- September and Saturday 11 October worked.
SELECT day, to_char(day, 'Dy') AS weekday, crmaudit.is_working_day(day, 'CN') AS china, crmaudit.is_working_day(day, 'weekdays') AS weekdays
FROM (SELECT date '2025-09-27' + i AS day FROM generate_series(0, 16) i) d ORDER BY day;
-- The contract's example: signed on 30 September, five working days end on 14 October.
SELECT crmaudit.add_working_days('2025-09-30', 5, 'CN') AS china, crmaudit.add_working_days('2025-09-30', 5, 'weekdays') AS weekdays;
-- From a holiday, a working Saturday, a Sunday.
SELECT day, crmaudit.add_working_days(day, 1, 'CN') AS next, crmaudit.add_working_days(day, -1, 'CN') AS previous, crmaudit.add_working_days(day, 0, 'CN') AS itself
FROM unnest('{2025-10-03,2025-10-11,2025-10-12,2025-09-28}'::date[]) day ORDER BY day;
-- Spring Festival 2026: nine days off, 14 and 28 February worked.
SELECT crmaudit.add_working_days('2026-02-13', n, 'CN') AS day, n FROM generate_series(1, 4) n;
SELECT crmaudit.working_days_between('2026-02-13', '2026-02-28', 'CN') AS to_the_end, crmaudit.working_days_between('2026-02-28', '2026-02-13', 'CN') AS backwards,
	crmaudit.working_days_between('2026-02-14', '2026-02-23', 'CN') AS none, crmaudit.working_days_between('2026-02-14', '2026-02-14', 'CN') AS same;
-- Over years, forwards and back.
SELECT crmaudit.add_working_days('2024-12-31', 1, 'CN') AS next_year, crmaudit.add_working_days('2025-01-02', -2, 'CN') AS last_year,
	crmaudit.add_working_days('2004-01-01', 5000, 'CN') AS far, crmaudit.add_working_days('2024-03-29', -5000, 'CN') AS back;
-- Both functions say the same, for every day there is, and so does a count of
-- the days one by one.
WITH day AS (
	SELECT d::date AS day, coalesce(c.is_working, extract(isodow FROM d) < 6) AS is_working
	FROM generate_series(date '2004-01-01', '2026-12-31', '1 day') d LEFT JOIN crmaudit.calendar_day c ON c.calendar = 'CN' AND c.day = d
), counted AS (
	SELECT day, is_working, sum(is_working::int) OVER (ORDER BY day) AS count FROM day
), listed AS (
	SELECT array_agg(day ORDER BY day) AS days FROM day WHERE is_working
)
SELECT count(*) AS days, count(*) FILTER (WHERE is_working) AS working,
	count(*) FILTER (WHERE crmaudit.is_working_day(day, 'CN') <> is_working) AS wrong,
	count(*) FILTER (WHERE crmaudit.working_days_between('2003-12-31', day, 'CN') <> count) AS counted_wrong,
	count(*) FILTER (WHERE count + 7 <= cardinality(days) AND crmaudit.add_working_days(day, 7, 'CN') <> days[count + 7]) AS added_wrong,
	count(*) FILTER (WHERE count - is_working::int - 6 > 0 AND crmaudit.add_working_days(day, -7, 'CN') <> days[count - is_working::int - 6]) AS subtracted_wrong
FROM counted CROSS JOIN listed;
-- The number of days off a year, as the State Council has set it: weekdays off
-- less weekend days worked.
SELECT extract(year FROM day) AS year, count(*) FILTER (WHERE NOT is_working AND extract(isodow FROM day) < 6) AS weekdays_off, count(*) FILTER (WHERE is_working) AS weekend_worked
FROM crmaudit.calendar_day WHERE calendar = 'CN' GROUP BY 1 ORDER BY 1;
SELECT day, is_working, name, chinese FROM crmaudit.calendar_day WHERE calendar = 'CN' AND day IN ('2026-02-14', '2026-02-17') ORDER BY day;

-- A year the calendar does not know is an error, not a guess, as soon as a day
-- of it is looked at.
SELECT crmaudit.is_working_day('2003-12-31', 'CN');
SELECT crmaudit.is_working_day('2027-01-01', 'CN');
SELECT crmaudit.add_working_days('2026-12-31', 1, 'CN');
SELECT crmaudit.add_working_days('2026-12-30', 1, 'CN') AS still_known, crmaudit.add_working_days('2003-12-31', 1, 'CN') AS nothing_of_2003;
SELECT crmaudit.add_working_days('2004-01-02', -1, 'CN');
SELECT crmaudit.add_working_days('2020-01-01', 100000, 'CN');
SELECT crmaudit.working_days_between('2026-01-01', '2027-01-01', 'CN');
SELECT crmaudit.due_at('2026-12-31 08:00+08', '1 working day', 'CN');
-- A view shows no date instead of failing; health tells.
SELECT crmaudit.due_date('2026-12-31 08:00+08', '1 working day', 'CN') IS NULL AS unknown, crmaudit.due_date('2026-12-30 08:00+08', '1 working day', 'CN') AS known,
	crmaudit.due_date('2026-12-31 08:00+08', '1 working day', 'Mars') IS NULL AS no_calendar;
-- Monday to Friday has no such years.
SELECT crmaudit.add_working_days('2031-12-31', 1, 'weekdays') AS next, crmaudit.add_working_days('1999-12-31', -1, 'weekdays') AS previous,
	crmaudit.is_working_day('0001-01-01 BC', 'weekdays') AS long_ago;
-- What is no date, and what lies beyond all dates.
SELECT crmaudit.add_working_days('infinity', 3, 'CN') AS never, crmaudit.add_working_days(NULL, 3, 'CN') IS NULL AS no_day, crmaudit.add_working_days('2025-01-01', NULL, 'CN') IS NULL AS no_number,
	crmaudit.day_of('-infinity', 'CN') AS begin, crmaudit.end_of_day('infinity', 'CN') AS end, crmaudit.due_at('infinity', '3 working days', 'CN') AS due;
SELECT crmaudit.is_working_day('infinity', 'CN');
SELECT crmaudit.working_days_between('2025-01-01', 'infinity', 'CN');
SELECT crmaudit.add_working_days('5874897-12-31', 1, 'weekdays');
SELECT crmaudit.add_working_days('2025-01-01', 2147483647, 'weekdays');
SELECT crmaudit.end_of_day('5874897-12-31', 'CN');
SELECT crmaudit.is_working_day('2025-01-01', 'Mars');
SELECT crmaudit.is_working_day('2025-01-01', repeat('x', 64));

-- The default calendar, until it is set, is Monday to Friday.
SHOW crmaudit.calendar;
SELECT crmaudit.is_working_day('2025-10-01') AS wednesday;
SET crmaudit.calendar = 'CN';
SELECT crmaudit.is_working_day('2025-10-01') AS national_day, crmaudit.add_working_days('2025-09-30', 5), crmaudit.working_days_between('2025-09-30', '2025-10-14');
RESET crmaudit.calendar;
-- Who could choose it could put off what is due.
CREATE ROLE regress_clerk;
SET ROLE regress_clerk;
SET crmaudit.calendar = 'CN';
-- Anybody may count.
SELECT crmaudit.is_working_day('2025-10-11', 'CN'), crmaudit.due_at('2025-09-30 10:00+08', '5 working days', 'CN');
RESET ROLE;
DROP ROLE regress_clerk;

-- Days begin and end in the calendar's time zone. 23:30 in Shanghai on
-- Tuesday is still Tuesday; an hour later it is Wednesday, though Tuesday in UTC.
SELECT zone, at AT TIME ZONE 'Asia/Shanghai' AS shanghai, crmaudit.day_of(at, 'CN') AS day, crmaudit.due_at(at, '1 working day', 'CN') AT TIME ZONE 'Asia/Shanghai' AS due
FROM (VALUES (timestamptz '2025-03-04 23:30+08'), ('2025-03-05 00:30+08')) AS t(at), (VALUES ('UTC'), ('America/New_York')) AS z(zone), set_config('TimeZone', zone, true)
ORDER BY zone, at;
SELECT crmaudit.end_of_day('2025-03-04', 'CN') AT TIME ZONE 'UTC' AS utc;
-- "weekdays" belongs to no country: its days are the session's.
BEGIN;
SET LOCAL TimeZone = 'America/New_York';
SELECT crmaudit.day_of('2025-03-05 00:30+08', 'weekdays') AS new_york, crmaudit.due_at('2025-03-05 00:30+08', '1 working day', 'weekdays') AS due;
SET LOCAL TimeZone = 'Asia/Shanghai';
SELECT crmaudit.day_of('2025-03-05 00:30+08', 'weekdays') AS shanghai, crmaudit.due_at('2025-03-05 00:30+08', '1 working day', 'weekdays') AS due;
COMMIT;

-- Lengths of time: working days end at 24:00, an interval to the second.
SELECT crmaudit.due_at('2025-09-30 10:00+08', due, 'CN') AT TIME ZONE 'Asia/Shanghai' AS due_at, due
FROM unnest('{1 working day,5 working days,0 working days, 12 working days ,36 hours,2 days,1 month,00:10}'::text[]) due;
SELECT crmaudit.due_at(now(), NULL, 'CN') IS NULL AS nothing, crmaudit.due_at(NULL, '1 day', 'CN') IS NULL AS never;
SELECT crmaudit.due_at(now(), 'soon');
SELECT crmaudit.due_at(now(), '3 working day s');
SELECT crmaudit.due_at(now(), '12345 working days');
SELECT crmaudit.due_at(now(), 'working days');
SELECT crmaudit.due_at(now(), '-1 working days');
SELECT crmaudit.due_date(now(), '99999999999999999999 days');
SELECT crmaudit.due_at('2025-01-01 10:00+08', '9999 working days', 'CN');
