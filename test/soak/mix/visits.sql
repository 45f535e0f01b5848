\set n random(1, 100)
\set day random(0, 240)
BEGIN;
UPDATE soak.visit SET note = nullif(note, 'seen'), seen = seen + 1 WHERE id = :n AND day BETWEEN date '2026-01-01' + :day::int AND date '2026-01-01' + :day::int + 5;
DELETE FROM soak.visit WHERE id = :n AND day = date '2026-01-01' + :day::int;
COMMIT;
