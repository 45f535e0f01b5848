\set n random(1, 100)
\set day random(0, 250)
INSERT INTO soak.visit VALUES (:n, date '2026-01-01' + :day::int, 'seen') ON CONFLICT (id, day) DO UPDATE SET seen = visit.seen + 1;
