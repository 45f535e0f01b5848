\set n random(1, 10000)
BEGIN;
UPDATE soak.customer SET status = 'never', changes = changes + 1 WHERE id = :n;
INSERT INTO soak.visit VALUES (:n, '2027-01-01', 'never') ON CONFLICT DO NOTHING;
ROLLBACK;
