\set n random(1, 10000)
\set premium random(0, 100000)
UPDATE soak.customer SET premium = :premium, mail = nullif('user' || :premium % 7, 'user3'), changes = changes + 1 WHERE id = :n;
