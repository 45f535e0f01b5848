\set n random(1, 100)
\set old random(0, 250)
\set new random(0, 250)
\set from random(1, 10000)
\set to random(1, 10000)
BEGIN;
SELECT soak.move_visit(:n, :old, :new);
SELECT soak.move_customer(:from, :to);
COMMIT;
