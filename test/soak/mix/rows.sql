\set n random(1, 9990)
UPDATE soak.customer SET status = CASE status WHEN 'lead' THEN 'customer' ELSE 'lead' END, changes = changes + 1 WHERE id BETWEEN :n AND :n + 9;
