-- Calendars of one's own, years that were published, days that differ in the
-- company; what comes with crmaudit cannot be changed.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';

-- A company's own day off, and one that it works; taken back again.
SELECT crmaudit.set_calendar_day('CN', '2025-06-16', false, 'founding day', NULL), crmaudit.set_calendar_day('CN', '2025-10-02', true);
SELECT crmaudit.is_working_day('2025-06-16', 'CN') AS founding_day, crmaudit.is_working_day('2025-10-02', 'CN') AS inventory, crmaudit.add_working_days('2025-09-30', 1, 'CN') AS next;
SELECT day, is_working, name, builtin FROM crmaudit.calendar_day WHERE calendar = 'CN' AND day IN ('2025-06-16', '2025-10-02') ORDER BY day, builtin;
SELECT crmaudit.set_calendar_day('CN', '2025-06-16', true, 'founding day, worked');
SELECT crmaudit.is_working_day('2025-06-16', 'CN') AS founding_day;
SELECT crmaudit.set_calendar_day('CN', '2025-06-16', NULL), crmaudit.set_calendar_day('CN', '2025-10-02', NULL);
SELECT crmaudit.is_working_day('2025-06-16', 'CN') AS monday, crmaudit.is_working_day('2025-10-02', 'CN') AS national_day;
SELECT crmaudit.set_calendar_day('Mars', '2025-06-16', false);
SELECT crmaudit.set_calendar_day('CN', 'infinity', false);
SELECT crmaudit.set_calendar_day(NULL, '2025-06-16', false);

-- Next year, once it is published. Undone with its transaction, also in the
-- copy that the session keeps.
BEGIN;
SELECT crmaudit.add_calendar_year('CN', 2027, '{2027-01-01}', '{2027-01-03}');
SELECT crmaudit.add_working_days('2026-12-31', 1, 'CN') AS sunday_worked, crmaudit.is_working_day('2027-12-31', 'CN') AS friday;
SAVEPOINT before_2029;
SELECT crmaudit.add_calendar_year('CN', 2029, '{}', '{}');
SELECT crmaudit.is_working_day('2029-01-01', 'CN') AS monday;
-- The year between is not known.
SELECT crmaudit.working_days_between('2027-12-01', '2029-01-31', 'CN');
ROLLBACK TO before_2029;
SELECT crmaudit.is_working_day('2029-01-01', 'CN');
ROLLBACK;
SELECT crmaudit.add_working_days('2026-12-31', 1, 'CN');
SELECT crmaudit.add_calendar_year('CN', 2026, '{2026-01-05}', '{}');
SELECT crmaudit.add_calendar_year('weekdays', 2026, '{}', '{}');
SELECT crmaudit.add_calendar_year('CN', 2027, '{2026-12-31}', '{}');
SELECT crmaudit.add_calendar_year('CN', 2027, ARRAY[NULL]::date[], '{}');
SELECT crmaudit.add_calendar_year('CN', 2027, '{2027-01-02}', '{2027-01-02}');
SELECT crmaudit.add_calendar_year('CN', 2027, NULL, '{}');
SELECT crmaudit.add_calendar_year('Mars', 2027, '{}', '{}');

-- A calendar of one's own: Friday and Saturday off, in a time zone with summer
-- time. Days of 23 and 25 hours end at midnight.
SELECT crmaudit.add_calendar('Cairo', 'Cairo office', 'Africa/Cairo', NULL, '{5,6}', 2025, 2025);
SELECT crmaudit.set_calendar_day('Cairo', '2025-07-23', false, 'Revolution Day');
SELECT crmaudit.add_working_days('2025-07-22', 1, 'Cairo') AS after_holiday, crmaudit.add_working_days('2025-07-24', 1, 'Cairo') AS sunday;
SELECT crmaudit.end_of_day(day, 'Cairo') - crmaudit.end_of_day(day - 1, 'Cairo') AS length, crmaudit.end_of_day(day, 'Cairo') AT TIME ZONE 'UTC' AS ends, day
FROM unnest('{2025-04-24,2025-04-25,2025-10-30,2025-10-31}'::date[]) day ORDER BY day;
-- A day more is the same hour there, also when the clocks are changed.
SELECT crmaudit.due_at('2025-04-24 12:00 Africa/Cairo', '1 day', 'Cairo') AT TIME ZONE 'Africa/Cairo' AS a_day, crmaudit.due_at('2025-04-24 12:00 Africa/Cairo', '24 hours', 'Cairo') AT TIME ZONE 'Africa/Cairo' AS hours;
SELECT crmaudit.is_working_day('2026-01-01', 'Cairo');
SELECT calendar, english, chinese, time_zone, weekend, first_year, last_year, builtin FROM crmaudit.calendar ORDER BY calendar;
SELECT crmaudit.add_calendar('Cairo', 'again', 'Africa/Cairo');
SELECT crmaudit.add_calendar('', 'nameless', 'UTC');
SELECT crmaudit.add_calendar('none', 'never works', 'UTC', weekend => '{1,2,3,4,5,6,7}');
SELECT crmaudit.add_calendar('none', 'an eighth day', 'UTC', weekend => '{8}');
SELECT crmaudit.add_calendar('none', 'nowhere', 'Mars/Olympus');
SELECT crmaudit.add_calendar('none', 'backwards', 'UTC', first_year => 2026, last_year => 2025);
SELECT crmaudit.add_calendar('none', 'half', 'UTC', first_year => 2026);
-- Every day is worked, and every week has one.
SELECT crmaudit.add_calendar('always', 'no day off', 'UTC', weekend => '{}'), crmaudit.add_calendar('sundays', 'Sundays only', 'UTC', weekend => '{1,2,3,4,5,6}');
SELECT crmaudit.add_working_days('2025-01-01', 10, 'always') AS always, crmaudit.add_working_days('2025-01-01', 2, 'sundays') AS sundays, crmaudit.add_working_days('2025-01-01', -2, 'sundays') AS back;
-- A time zone that is not known here, as after a move to another machine.
UPDATE crmaudit.calendar SET time_zone = 'Mars/Olympus' WHERE calendar = 'always';
SELECT crmaudit.is_working_day('2025-01-01', 'always');
DELETE FROM crmaudit.calendar WHERE calendar IN ('always', 'sundays');
SELECT crmaudit.is_working_day('2025-01-01', 'sundays');

-- What comes with crmaudit would be lost in a dump if it were changed.
UPDATE crmaudit.calendar SET last_year = 2027 WHERE calendar = 'CN';
DELETE FROM crmaudit.calendar_day WHERE calendar = 'CN' AND day = '2025-10-01';
UPDATE crmaudit.calendar_day SET builtin = true WHERE calendar = 'Cairo';
INSERT INTO crmaudit.calendar_day VALUES ('CN', '2027-01-01', false, NULL, NULL, true);
-- The trigger that makes sessions read calendars anew is no function to call.
SELECT crmaudit.calendar_changed();

-- Health: calendars in use that do not know this year, or the next.
SELECT * FROM crmaudit.calendar_problems('2025-10-31');
SELECT * FROM crmaudit.calendar_problems('2025-11-01');
SET crmaudit.calendar = 'CN';
SELECT * FROM crmaudit.calendar_problems('2026-11-01') ORDER BY problem;
SET crmaudit.calendar = 'Mars';
SELECT * FROM crmaudit.calendar_problems('2025-06-01') ORDER BY problem;
SELECT count(*) FROM crmaudit.health WHERE subject = 'calendar' AND problem LIKE '%Mars%';
RESET crmaudit.calendar;
SELECT crmaudit.add_calendar_year('Cairo', 2026, '{}', '{}');
SELECT * FROM crmaudit.calendar_problems('2025-11-01');

-- The ledger knows who added what.
SELECT op, row_key FROM crmaudit.ledger_entry WHERE target IN ('crmaudit.calendar'::regclass, 'crmaudit.calendar_year'::regclass) AND row_key ->> 'calendar' <> 'ac_days' ORDER BY xid, ord;
DELETE FROM crmaudit.calendar_year;
DELETE FROM crmaudit.calendar_day WHERE NOT builtin;
DELETE FROM crmaudit.calendar WHERE NOT builtin;
