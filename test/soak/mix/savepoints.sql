\set n random(1, 10000)
\set m random(1, 10000)
BEGIN;
UPDATE soak.customer SET status = 'customer', changes = changes + 1 WHERE id = :n;
SAVEPOINT a;
DELETE FROM soak.customer WHERE id = :n;
INSERT INTO soak.customer (id, name) VALUES (:m, 'gone again') ON CONFLICT DO NOTHING;
ROLLBACK TO a;
SAVEPOINT b;
UPDATE soak.customer SET name = '客户 ' || :m, changes = changes + 1 WHERE id = :n;
RELEASE b;
UPDATE soak.customer SET status = 'paused', changes = changes + 1 WHERE id = :n;
COMMIT;
