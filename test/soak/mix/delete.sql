\set n random(1, 10000)
DELETE FROM soak.customer WHERE id = :n;
