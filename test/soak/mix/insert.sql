\set n random(1, 10000)
INSERT INTO soak.customer (id, name, mobile, mail, premium) VALUES (:n, '客户 ' || :n, '13700000000', 'new@mail.example.cn', 100) ON CONFLICT DO NOTHING;
