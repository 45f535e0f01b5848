\set n random(1, 10000)
BEGIN;
UPDATE soak.customer SET status = 'never', changes = changes + 1 WHERE id = :n;
PREPARE TRANSACTION 'soak :client_id';
ROLLBACK PREPARED 'soak :client_id';
