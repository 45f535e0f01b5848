-- Longer than the sealer's interval, on rows of its own.
\set n -1 - :client_id
BEGIN;
INSERT INTO soak.customer (id, name) VALUES (:n, 'long') ON CONFLICT (id) DO UPDATE SET changes = customer.changes + 1;
\sleep 1500 ms
UPDATE soak.customer SET status = 'long', changes = changes + 1 WHERE id = :n;
COMMIT;
