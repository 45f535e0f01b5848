-- A column of the CRM's own table that the gate keeps filled with the score.
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TABLE sc (id int PRIMARY KEY, gone int, quality numeric(5,1), name text, mail text, closed boolean NOT NULL DEFAULT false, free text);
ALTER TABLE sc DROP COLUMN gone;
INSERT INTO sc VALUES (1, NULL, '张伟', 'bad', false), (2, NULL, NULL, 'zhang@mail.cn', false), (3, NULL, NULL, NULL, true);
-- The column must be able to hold a score.
SELECT crmaudit.protect('sc', roles => '{"free":"score"}');
SELECT crmaudit.protect('sc', roles => '{"quality":"score"}', mode => 'observe', history => false, live => 'NOT closed');
SELECT crmaudit.add_rule('sc', 'name_filled', 'required', '{name}') > 0 AS added;
SELECT crmaudit.add_rule('sc', 'mail_valid', 'format', '{mail}', '{"type":"email"}') > 0 AS added;

INSERT INTO sc (id, name, mail, quality) VALUES (10, '李娜', 'li@mail.cn', 7), (11, NULL, 'li@mail.cn', NULL) RETURNING id, quality;
INSERT INTO sc (id, name, mail) VALUES (10, 'x', 'bad') ON CONFLICT (id) DO UPDATE SET mail = excluded.mail RETURNING id, quality;
COPY sc (id, name, mail) FROM STDIN;
12	王	wang
\.
-- What is written into it is replaced; an UPDATE of something else leaves an old
-- row alone; a row that does not count has none.
UPDATE sc SET quality = 1 WHERE id = 12;
UPDATE sc SET free = 'x' WHERE id = 1;
UPDATE sc SET closed = true WHERE id = 11;
SELECT id, quality, crmaudit.score(s)::numeric AS score FROM sc s ORDER BY id;
-- Those that were there before are filled on demand.
SELECT crmaudit.fill_scores('sc', 1);
SELECT crmaudit.fill_scores('sc');
SELECT crmaudit.fill_scores('sc');
SELECT id, quality FROM sc ORDER BY id;
SELECT count(*) FROM sc s WHERE quality IS DISTINCT FROM crmaudit.score(s)::numeric::numeric(5,1);
-- In mode off it is not touched.
SET crmaudit.mode = off;
UPDATE sc SET mail = 'li@mail.cn', quality = 0 WHERE id = 10 RETURNING quality;
RESET crmaudit.mode;
SELECT crmaudit.fill_scores('sc');
SELECT quality FROM sc WHERE id = 10;
DROP TABLE sc;

-- Any type that can hold one, in partitions too; with normalisation, the form
-- that is stored is scored.
CREATE TABLE sc (id int, mobile text, q crmaudit.dqscore, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE sc_1 PARTITION OF sc FOR VALUES FROM (0) TO (10);
CREATE TABLE sc_2 (q crmaudit.dqscore, mobile text, id int NOT NULL);
ALTER TABLE sc ATTACH PARTITION sc_2 FOR VALUES FROM (10) TO (20);
INSERT INTO sc VALUES (9, '1');
SELECT crmaudit.protect('sc', roles => '{"q":"score"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sc', 'mobile', 'format', '{mobile}', '{"type":"phone","region":"CN","normalise":true}') > 0 AS added;
SELECT crmaudit.add_rule('sc', 'canonical', 'regex', '{mobile}', '{"pattern":"^[+]86"}') > 0 AS added;
INSERT INTO sc VALUES (1, '138 2650 4927'), (11, '138') RETURNING id, mobile, q;
UPDATE sc SET id = 12, mobile = '139 1827 6354' WHERE id = 1 RETURNING id, mobile, q;
UPDATE sc SET id = 2 WHERE id = 11 RETURNING id, mobile, q;
SELECT crmaudit.fill_scores('sc');
SELECT id, q FROM sc ORDER BY id;
SELECT crmaudit.rebase_scores('sc');
UPDATE sc SET q = NULL;
SELECT (l.rows, l.score::text) = (m.rows, m.score::text) AS same FROM crmaudit.live_table_score('sc') l, crmaudit.measure_table('sc') m;
DROP TABLE sc;
CREATE TABLE sc (id int PRIMARY KEY, mail text, a smallint, b real, c double precision, d bigint);
SELECT crmaudit.protect('sc', roles => '{"d":"score"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sc', 'mail_valid', 'format', '{mail}', '{"type":"email"}', 'warning') > 0 AS added;
INSERT INTO sc VALUES (1, 'a@mail.cn'), (2, 'a') RETURNING id, d;
SELECT crmaudit.unprotect('sc');
SELECT crmaudit.protect('sc', roles => '{"a":"score"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sc', 'mail_valid', 'format', '{mail}', '{"type":"email"}', 'warning') > 0 AS added;
UPDATE sc SET mail = mail || 'x' RETURNING id, a;
SELECT crmaudit.unprotect('sc');
SELECT crmaudit.protect('sc', roles => '{"b":"score"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sc', 'mail_valid', 'format', '{mail}', '{"type":"email"}', 'warning') > 0 AS added;
UPDATE sc SET mail = mail || 'x' RETURNING id, b;
SELECT crmaudit.unprotect('sc');
SELECT crmaudit.protect('sc', roles => '{"c":"score"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sc', 'mail_valid', 'format', '{mail}', '{"type":"email"}', 'warning') > 0 AS added;
UPDATE sc SET mail = mail || 'x' RETURNING id, c;
-- The column is not there for rules to change; without the role it cannot be filled.
SELECT crmaudit.unprotect('sc');
SELECT crmaudit.protect('sc', mode => 'observe', history => false);
SELECT crmaudit.fill_scores('sc');
DROP TABLE sc;

-- A rule that fails where only the score asks for it keeps nothing else from
-- being counted.
CREATE TABLE sc (id int PRIMARY KEY, mail text, age int, q numeric);
SELECT crmaudit.protect('sc', roles => '{"q":"score"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sc', 'mail_valid', 'format', '{mail}', '{"type":"email"}') > 0 AS added;
SELECT crmaudit.add_rule('sc', 'quotient', 'expression', '{age}', '{"sql": "100 / age > 0"}') > 0 AS added;
INSERT INTO sc VALUES (1, 'a@mail.cn', 0), (2, 'a@localhost', 0);
SELECT crmaudit.rebase_scores('sc');
UPDATE sc SET mail = 'bad' RETURNING id, q;
SELECT (l.rows, l.score::text, l.coverage) = (m.rows, m.score::text, m.coverage) AS same FROM crmaudit.live_table_score('sc') l, crmaudit.measure_table('sc') m;
DROP TABLE sc;

-- A column that ends at 99.9 would refuse the best rows; and there is one score.
CREATE TABLE sc (id int PRIMARY KEY, mail text, low numeric(3,1), wide numeric(5,2), other numeric);
SELECT crmaudit.protect('sc', roles => '{"low":"score"}', mode => 'observe', history => false);
SELECT crmaudit.protect('sc', roles => '{"wide":"score", "other":"score"}', mode => 'observe', history => false);
SELECT crmaudit.protect('sc', roles => '{"wide":"score"}', mode => 'observe', history => false);
SELECT crmaudit.add_rule('sc', 'mail_valid', 'format', '{mail}', '{"type":"email"}') > 0 AS added;
INSERT INTO sc VALUES (1, 'a@mail.cn') RETURNING wide;
SELECT crmaudit.protect('sc', roles => '{"other":"score"}', mode => 'observe', history => false);
DROP TABLE sc;
