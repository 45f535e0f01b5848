\set n random(1, 10000)
\set day random(0, 250)
BEGIN;
SELECT set_config('crmaudit.actor', 'two phases', true);
UPDATE soak.customer SET premium = premium + 1, changes = changes + 1 WHERE id = :n;
SAVEPOINT a;
INSERT INTO soak.visit VALUES (:n % 100 + 1, date '2026-01-01' + :day::int, 'prepared') ON CONFLICT (id, day) DO UPDATE SET seen = visit.seen + 1;
PREPARE TRANSACTION 'soak :client_id';
COMMIT PREPARED 'soak :client_id';
