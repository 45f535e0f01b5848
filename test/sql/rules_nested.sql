-- Rules that look at rules while they run, rules that change while they are in
-- use, and other things that must not end in a crash.
\set SHOW_CONTEXT never

CREATE TABLE rn_customer (id int PRIMARY KEY, name text, parent int, profile json);
SELECT crmaudit.protect('rn_customer') \gset

-- A path into json that leads nowhere.
SELECT crmaudit.add_rule('rn_customer', 'mail_valid', 'format', '{profile->>email}', '{"type":"email"}') \gset
INSERT INTO rn_customer (id, profile) VALUES (1, '{"a": 1}'), (2, '{"email": null}'), (3, '[]'), (4, NULL), (5, '1');
INSERT INTO rn_customer (id, profile) VALUES (6, '{"email": "x"}');

-- SQL of a rule that has the same rules evaluated: an error, not a recursion.
SELECT crmaudit.add_rule('rn_customer', 'scored', 'expression', params => '{"sql":"crmaudit.score(rn_customer) IS NOT NULL"}') \gset
INSERT INTO rn_customer (id) VALUES (7);
SET crmaudit.show_values = on;
INSERT INTO rn_customer (id) VALUES (7);
RESET crmaudit.show_values;
SELECT id, rule, verdict, reason FROM rn_customer c, crmaudit.violations(c) WHERE id = 1;
SELECT crmaudit.drop_rule('rn_customer', 'scored') \gset

CREATE FUNCTION rn_parent_is_good(parent int) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT count(*) = 0 FROM public.rn_customer c, crmaudit.violations(c) WHERE c.id = $1
$$;
SELECT crmaudit.add_rule('rn_customer', 'parent_good', 'expression', params => '{"sql":"concat(name, name) = repeat(name, 2) AND rn_parent_is_good(parent) AND concat(name, name) = repeat(name, 2)"}') \gset
INSERT INTO rn_customer VALUES (8, 'Li', 1);
SELECT crmaudit.drop_rule('rn_customer', 'parent_good') \gset

-- Of another table it may; there the rules may change in the meantime.
CREATE TABLE rn_order (id int PRIMARY KEY, customer text);
SELECT crmaudit.protect('rn_order', mode => 'observe') \gset
SELECT crmaudit.add_rule('rn_order', 'customer_good', 'expression', params => '{"sql":"crmaudit.score(ROW(id, customer, 1, NULL)::rn_customer)::numeric > 99"}') \gset
SELECT crmaudit.add_rule('rn_customer', 'named', 'not_blank', '{name}') \gset
INSERT INTO rn_order VALUES (1, 'Li'), (2, ' ');
SELECT crmaudit.add_rule('rn_customer', 'rule_' || i, 'expression', params => jsonb_build_object('sql', format('name <> %L AND id > 0 AND parent > 0', i))) IS NULL AS added
FROM generate_series(1, 3) i;
INSERT INTO rn_order VALUES (3, 'Li'), (4, ' ');
SELECT row_key, rule, verdict FROM crmaudit.finding WHERE target = 'rn_order'::regclass ORDER BY 1, 2;

-- Rules change while a statement uses them.
CREATE FUNCTION rn_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM crmaudit.alter_rule('rn_customer', 'named', message => 'row ' || NEW.id);
	INSERT INTO rn_order VALUES (NEW.id, NEW.name);
	RETURN NEW;
END $$;
CREATE TRIGGER change_early BEFORE INSERT ON rn_customer FOR EACH ROW EXECUTE FUNCTION rn_change();
INSERT INTO rn_customer VALUES (21, 'Li', 1), (22, 'Wang', 1), (23, 'Zhou', 1);
INSERT INTO rn_customer VALUES (24, 'Li', 1), (25, ' ', 1);
DROP TRIGGER change_early ON rn_customer;
SELECT id, rule, message FROM rn_customer c, crmaudit.violations(c) ORDER BY 1, 2 LIMIT 4;

DROP TABLE rn_customer CASCADE;
DROP TABLE rn_order;
DROP FUNCTION rn_parent_is_good, rn_change;
