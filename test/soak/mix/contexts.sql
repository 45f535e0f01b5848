\set n random(1, 10000)
BEGIN;
SELECT set_config('crmaudit.actor', 'clerk ' || :client_id, true), set_config('crmaudit.reason', 'call of the customer', true);
UPDATE soak.customer SET mobile = '138' || :n, changes = changes + 1 WHERE id = :n;
SELECT set_config('crmaudit.actor', 'chief of clerk ' || :client_id, true);
UPDATE soak.customer SET mobile = '139' || :n, changes = changes + 1 WHERE id = :n;
SELECT set_config('crmaudit.actor', 'clerk ' || :client_id, true);
INSERT INTO soak.visit VALUES (:n % 100 + 1, '2026-08-01', 'call') ON CONFLICT (id, day) DO UPDATE SET seen = visit.seen + 1;
COMMIT;
