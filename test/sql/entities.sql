-- Entities: what the CRM's own tables are mapped to, by map_entity().
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
CREATE SCHEMA crm;
CREATE TABLE crm.client (no int PRIMARY KEY, full_name varchar(40) NOT NULL, kind char(1), since date, left_on date, volume real, voltage numeric(6, 1), manager int);
INSERT INTO crm.client VALUES
	(1, '华兴纺织厂', 'C', '2020-05-01', NULL, 250000, 10, 7), (2, '王芳', 'P', '2021-12-31', '2025-06-30', 1200.5, NULL, NULL), (3, '李娜', 'X', NULL, NULL, NULL, 0.4, 8);
CREATE TABLE crm.call (id bigint PRIMARY KEY, client int, by_whom int, state text, at timestamp, entered timestamptz, day date, about text);
INSERT INTO crm.call VALUES
	(1, 1, 7, 'done', '2026-03-01 00:30', '2026-03-01 02:00+00', '2026-03-01', 'contract 5'),
	(2, 2, 7, 'nobody', '2026-03-01 23:59:59', NULL, '2026-03-02', NULL),
	(3, NULL, NULL, 'odd', NULL, NULL, NULL, NULL);

-- Nothing is mapped: every entity is there, and empty.
SELECT entity, source, mapped, missing, additional, state FROM crmaudit.entity_map WHERE entity IN ('customer', 'consent') ORDER BY entity;
SELECT count(*) AS entities, count(*) FILTER (WHERE state <> 'not mapped') AS mapped FROM crmaudit.entity_map;
SELECT (SELECT count(*) FROM crmaudit.customer()) AS customers, (SELECT count(*) FROM crmaudit.contact()) + (SELECT count(*) FROM crmaudit.customer_year())
	+ (SELECT count(*) FROM crmaudit.staff()) + (SELECT count(*) FROM crmaudit.contract()) + (SELECT count(*) FROM crmaudit.interaction())
	+ (SELECT count(*) FROM crmaudit.service_request()) + (SELECT count(*) FROM crmaudit.complaint()) + (SELECT count(*) FROM crmaudit.survey_answer())
	+ (SELECT count(*) FROM crmaudit.payment()) + (SELECT count(*) FROM crmaudit.consent()) + (SELECT count(*) FROM crmaudit.plan())
	+ (SELECT count(*) FROM crmaudit.step()) + (SELECT count(*) FROM crmaudit.report()) + (SELECT count(*) FROM crmaudit.usage_event())
	+ (SELECT count(*) FROM crmaudit.news()) AS others;

-- The canonical columns, with their types, as documented.
SELECT e.entity, string_agg(c.column_name || ' ' || c.type || coalesce(' [' || c.unit || ']', ''), ', ' ORDER BY c.position) AS columns
FROM crmaudit.entity e JOIN crmaudit.entity_column c USING (entity) WHERE e.builtin GROUP BY e.entity, e.position ORDER BY e.position;
SELECT e.entity, e.id_column, e.time_column FROM crmaudit.entity e WHERE e.builtin ORDER BY e.position;
SELECT count(*) AS without_words FROM crmaudit.entity_column WHERE english = '' OR chinese = '';

-- A mapping: columns, SQL over the row, values, an additional column, a filter.
SELECT crmaudit.map_entity('customer', 'crm.client', $${
	"customer_id": "no", "name": "full_name", "kind": {"column": "kind", "values": {"C": "company", "P": "person"}},
	"since": "since", "closed_at": "left_on", "annual_volume": "volume", "owner": "'s' || manager", "risk": {"sql": "CASE WHEN volume > 1000 THEN 'high' ELSE 'low' END", "values": {"high": "H"}},
	"voltage_kv": "voltage"}$$, 'no < 100');
SELECT customer_id, name, kind, since, closed_at, annual_volume, owner, risk, segment FROM crmaudit.customer() ORDER BY customer_id;
-- Values that are not translated stay as they are; a date is the day's beginning where reports are made.
SELECT closed_at AT TIME ZONE 'Asia/Shanghai' AS left_at, crmaudit.report_time_zone() AS zone FROM crmaudit.customer() WHERE closed_at IS NOT NULL;
SELECT entity, source, mapped, missing, additional, filter, state FROM crmaudit.entity_map WHERE entity = 'customer';
SELECT columns, types FROM crmaudit.entity_mapping WHERE entity = 'customer';
SELECT query FROM crmaudit.entity_mapping WHERE entity = 'customer';

-- Its function is inlined: a condition reaches the source and its index.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT name FROM crmaudit.customer() WHERE annual_volume > 5;
EXPLAIN (COSTS OFF) SELECT c.name FROM crmaudit.customer() c JOIN crmaudit.interaction() i USING (customer_id);
EXPLAIN (COSTS OFF) SELECT name FROM crmaudit.customer() WHERE customer_id = '1';
RESET enable_seqscan;
RESET enable_bitmapscan;

-- Times: without a zone they are of the zone that reports are made in, or of
-- the one that is given; the session's does not matter.
SELECT crmaudit.map_entity('interaction', 'crm.call', $${"interaction_id": "id", "customer_id": "client", "staff_id": "by_whom",
	"outcome": {"column": "state", "values": {"done": "reached", "nobody": "no_answer"}}, "occurred_at": "at", "recorded_at": "entered"}$$);
CREATE VIEW crm.seen AS SELECT interaction_id, occurred_at AT TIME ZONE 'UTC' AS occurred_at, recorded_at AT TIME ZONE 'UTC' AS recorded_at, outcome FROM crmaudit.interaction();
SELECT * FROM crm.seen ORDER BY interaction_id;
SET TimeZone = 'America/New_York';
SET DateStyle = 'German';
SELECT interaction_id, extract(epoch FROM occurred_at - '2026-03-01 00:00+08') AS seconds FROM crmaudit.interaction() ORDER BY interaction_id;
SELECT crmaudit.map_entity('interaction', 'crm.call', $${"interaction_id": "id", "customer_id": "client",
	"occurred_at": {"column": "at", "time_zone": "Europe/Berlin"}, "recorded_at": {"column": "day", "time_zone": "America/New_York"}}$$);
SET DateStyle = 'ISO, YMD';
SET TimeZone = 'UTC';
SELECT interaction_id, occurred_at, recorded_at FROM crmaudit.interaction() ORDER BY interaction_id;
-- ... nor does that of whoever alters the table later
SET TimeZone = 'America/New_York';
ALTER TABLE crm.call RENAME at TO happened;
ALTER TABLE crm.call RENAME happened TO at;
SELECT crmaudit.map_entity('interaction', 'crm.call', '{"interaction_id": "id", "occurred_at": "at"}');
SET TimeZone = 'UTC';
ALTER TABLE crm.call RENAME at TO happened;
SELECT interaction_id, occurred_at FROM crmaudit.interaction() ORDER BY interaction_id;
ALTER TABLE crm.call RENAME happened TO at;
-- A time of elsewhere is of the day that it is here.
CREATE TABLE crm.prospect (id int PRIMARY KEY, created timestamp(0));
INSERT INTO crm.prospect VALUES (1, '2026-02-28 15:59:59'), (2, '2026-02-28 16:00:00');
SET crmaudit.calendar = 'CN';
SELECT crmaudit.map_entity('customer', 'crm.prospect', $${"customer_id": "'prospect ' || id", "since": {"column": "created", "time_zone": "UTC"}, "closed_at": {"column": "created", "time_zone": "UTC"}}$$);
SELECT customer_id, to_char(since, 'YYYY-MM-DD') AS since, closed_at AT TIME ZONE 'Asia/Shanghai' AS closed_at FROM crmaudit.customer() WHERE customer_id LIKE 'prospect %' ORDER BY 1;
SELECT crmaudit.unmap_entity('customer', 'crm.prospect');
RESET crmaudit.calendar;
DROP TABLE crm.prospect;
-- A moment as a date, and dates as text, whatever the session's style.
SELECT crmaudit.map_entity('customer', 'crm.call', $${"customer_id": "id", "since": "entered", "region": "day", "segment": "at", "size": "entered"}$$);
SET DateStyle = 'German';
SET TimeZone = 'America/New_York';
SELECT customer_id, to_char(since, 'YYYY-MM-DD') AS since, region, segment, size FROM crmaudit.customer() WHERE since IS NOT NULL OR region IS NOT NULL ORDER BY 1;
SELECT crmaudit.map_entity('customer', 'crm.call', $${"customer_id": "id", "since": {"column": "entered", "time_zone": "America/New_York"}, "size": {"column": "entered", "time_zone": "America/New_York"}}$$);
SELECT customer_id, to_char(since, 'YYYY-MM-DD') AS since, size FROM crmaudit.customer() WHERE since IS NOT NULL ORDER BY 1;
SET DateStyle = 'ISO, YMD';
SET TimeZone = 'UTC';
SELECT crmaudit.unmap_entity('customer', 'crm.call');

-- SQL with a subquery; names that it finds by the search_path of whoever maps.
CREATE FUNCTION crm.manager_name(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'manager ' || $1$$;
SET search_path = crm;
SELECT crmaudit.map_entity('interaction', 'call', $${"interaction_id": "call.id", "customer_id": "client", "occurred_at": "at",
	"staff_id": "manager_name((SELECT c.manager FROM client c WHERE c.no = call.client))", "related_entity": "CASE WHEN about ~ '^contract' THEN 'contract' END", "related_id": "split_part(about, ' ', 2) -- a comment"}$$,
	'EXISTS (SELECT FROM client WHERE no = client)');
RESET search_path;
SELECT interaction_id, customer_id, staff_id, related_entity, related_id FROM crmaudit.interaction() ORDER BY interaction_id;

-- Several sources are united; a column that one lacks is NULL there.
CREATE TABLE crm."Besuch" ("Nr" uuid, "Kunde" text, "Zeit" timestamptz);
INSERT INTO crm."Besuch" VALUES ('00000000-0000-0000-0000-000000000001', '1', '2026-04-01 10:00+08');
SELECT crmaudit.map_entity('interaction', 'crm."Besuch"', $${"interaction_id": "Nr", "customer_id": "Kunde", "occurred_at": "Zeit", "kind": "'visit'", "mood": "'fine'::text"}$$);
SELECT interaction_id, customer_id, kind, staff_id, occurred_at FROM crmaudit.interaction() ORDER BY interaction_id;
SELECT source, mapped, additional, state FROM crmaudit.entity_map WHERE entity = 'interaction' ORDER BY source::text;
-- the keys of their rows; without a primary key, the entity's id
SELECT m.source, k.row_key FROM crmaudit.entity_mapping m CROSS JOIN LATERAL (SELECT (xpath('/row/row_key/text()', x))[1]::text AS row_key
	FROM unnest(xpath('/table/row', query_to_xml(format('SELECT row_key FROM (%s) q ORDER BY row_key', m.query), false, false, ''))) x) k WHERE m.entity = 'interaction' ORDER BY 1, 2;
-- The same source again replaces what was said of it.
SELECT crmaudit.map_entity('interaction', 'crm."Besuch"', $${"interaction_id": "Nr", "kind": "'call'"}$$);
SELECT interaction_id, customer_id, kind FROM crmaudit.interaction() WHERE kind IS NOT NULL;

-- A view, a materialized view and a partitioned table are sources too.
CREATE VIEW crm.staff_view AS SELECT 7 AS id, '陈明'::text AS name, true AS here UNION ALL SELECT 8, '赵敏', NULL;
CREATE MATERIALIZED VIEW crm.staff_stored AS SELECT 9 AS id, 'agency'::text AS what;
CREATE TABLE crm.paid (id int, day date, amount money, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE crm.paid_2026 (junk int, amount money, day date NOT NULL, id int NOT NULL);
ALTER TABLE crm.paid_2026 DROP COLUMN junk;
ALTER TABLE crm.paid ATTACH PARTITION crm.paid_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO crm.paid VALUES (1, '2026-02-03', 12.5);
SELECT crmaudit.map_entity('staff', 'crm.staff_view', '{"staff_id": "id", "name": "name", "active": "here"}');
SELECT crmaudit.map_entity('staff', 'crm.staff_stored', '{"staff_id": "id", "kind": "what"}');
SELECT crmaudit.map_entity('payment', 'crm.paid', '{"payment_id": "id", "paid_at": "day", "amount": "amount::numeric"}');
SELECT staff_id, name, active, kind FROM crmaudit.staff() ORDER BY staff_id;
SELECT payment_id, paid_at, amount FROM crmaudit.payment();
SELECT row_key FROM crmaudit.entity_mapping m, LATERAL (SELECT jsonb_object_keys(m.types) AS k) t, LATERAL (SELECT (query_to_xml(m.query, false, true, ''))::text ~ '"day"|&quot;day&quot;' AS row_key) q WHERE m.source = 'crm.paid'::regclass AND k = 'row_key';

-- What cannot be mapped, and why.
SELECT crmaudit.map_entity('client', 'crm.client', '{"customer_id": "no"}');
SELECT crmaudit.map_entity(NULL, 'crm.client', '{"customer_id": "no"}');
SELECT crmaudit.map_entity('sample_member', 'crm.client', '{"subject_id": "no"}');
SELECT crmaudit.map_entity('customer', NULL, '{"customer_id": "no"}');
SELECT crmaudit.map_entity('customer', 'crm.client_pkey', '{"customer_id": "no"}');
CREATE TEMPORARY TABLE passing (no int PRIMARY KEY);
SELECT crmaudit.map_entity('customer', 'passing', '{"customer_id": "no"}');
DROP TABLE passing;
SELECT crmaudit.map_entity('customer', 'crm.nothing', '{"customer_id": "no"}');
SELECT crmaudit.map_entity('customer', 'crm.client', NULL);
SELECT crmaudit.map_entity('customer', 'crm.client', '["no"]');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"name": "full_name"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "Volt": "voltage"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "row_key": "voltage"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": null}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": 5}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": {"colum": "full_name"}}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": {"column": "full_name", "zone": "UTC"}}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": {"column": "full_name", "sql": "upper(full_name)"}}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "kind": {"column": "kind", "values": ["C"]}}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "kind": {"column": "kind", "values": {"C": {"x": 1}}}}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": "fullname"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": {"column": "upper(full_name)"}}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": "upper(full_name"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": ""}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "since": "full_name"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "annual_volume": "kind"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "closed_at": "volume"}');
SELECT crmaudit.map_entity('staff', 'crm.client', '{"staff_id": "no", "active": "manager"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "closed_at": {"column": "left_on", "time_zone": "Mars/Olympus"}}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no"}', 'no');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no"}', 'nr > 5');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no"}', 'count(*) > 5');
-- an additional column has one type in all sources
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "voltage_kv": "voltage"}');
SELECT crmaudit.map_entity('customer', 'crm."Besuch"', '{"customer_id": "Nr", "voltage_kv": "''high''::text"}');
SELECT crmaudit.unmap_entity('customer', 'crm.call');
SELECT crmaudit.unmap_entity('client');
SELECT crmaudit.unmap_entity('complaint');
-- a name in quotes is not quoted twice
SELECT crmaudit.unmap_entity('customer', 'crm."Besuch"');
SELECT crmaudit.map_entity('customer', 'crm."Besuch"', '{"customer_id": "Nr", "since": "Kunde"}');
-- a domain fits where what it is over does, and shows its values as that does
CREATE DOMAIN crm.short_text AS varchar(10);
CREATE DOMAIN crm.word AS crm.short_text CHECK (value <> '');
CREATE DOMAIN crm.birthday AS date;
CREATE DOMAIN crm.instant AS timestamp;
CREATE DOMAIN crm.cash AS real;
CREATE DOMAIN crm.flag AS boolean;
CREATE TABLE crm.fancy (id crm.word PRIMARY KEY, day crm.birthday, at crm.instant, volume crm.cash, here crm.flag);
INSERT INTO crm.fancy VALUES ('a', '2026-03-01', '2026-03-01 10:00', 12.5, true), ('b', NULL, NULL, NULL, false);
SELECT crmaudit.map_entity('customer', 'crm.fancy', '{"customer_id": "id", "name": "day", "since": "day", "closed_at": "at", "annual_volume": "volume", "born_on": "day", "code": "id"}', 'here');
SET DateStyle = 'German';
SELECT customer_id, name, to_char(since, 'YYYY-MM-DD') AS since, extract(epoch FROM closed_at - '2026-03-01 10:00+08') AS seconds, annual_volume FROM crmaudit.customer() WHERE customer_id = 'a';
SET DateStyle = 'ISO, YMD';
SELECT types FROM crmaudit.entity_mapping WHERE source = 'crm.fancy'::regclass;
SELECT crmaudit.map_entity('staff', 'crm.fancy', '{"staff_id": "id", "active": "here", "trained_at": "day"}');
SELECT staff_id, active, extract(epoch FROM trained_at - '2026-03-01 00:00+08') AS seconds FROM crmaudit.staff() WHERE staff_id IN ('a', 'b') ORDER BY 1;
SELECT crmaudit.map_entity('staff', 'crm.fancy', '{"staff_id": "id", "active": "volume"}');
SELECT crmaudit.unmap_entity('customer', 'crm.fancy'), crmaudit.unmap_entity('staff', 'crm.fancy');
-- ... also in an entity of one's own, and in the conditions of obligations
SELECT crmaudit.add_entity('reading', '{"reading_id": "crm.word", "read_at": {"type": "timestamptz", "time": true}, "day": "crm.birthday", "here": "crm.flag"}');
SELECT crmaudit.map_entity('reading', 'crm.fancy', '{"reading_id": "id", "read_at": "at", "day": "day", "here": "here"}');
SELECT crmaudit.add_obligation('counted', 'reading', '1 day', 'reading', condition => 'here', fulfilled_at => 'read_at', counting_from => 'day', calendar => 'CN') > 0 AS added;
SELECT subject_id, starts_at, due_at, state FROM crmaudit.obligation_status WHERE obligation = 'counted';
SELECT crmaudit.drop_obligation('counted'), crmaudit.drop_entity('reading');
DROP TABLE crm.fancy;
-- values of a column that is no text become the type that is wanted
SELECT crmaudit.map_entity('staff', 'crm.client', '{"staff_id": "no", "active": {"column": "manager", "values": {"7": "true", "8": "false"}}}');
SELECT staff_id, active FROM crmaudit.staff() WHERE staff_id IN ('1', '2', '3') ORDER BY 1;
SELECT crmaudit.unmap_entity('staff', 'crm.client');
-- A word that nobody translated is NULL unless it is a value of that type: no
-- row of the CRM is an error to the reader. What is listed must be one.
CREATE TABLE crm.opinion (id int PRIMARY KEY, words text COLLATE "C", said varchar(10), day date, fee text);
INSERT INTO crm.opinion VALUES (1, '满意', '是', '2026-03-01', '1.50'), (2, '其它', '其它', '1900-01-01', '面议'), (3, '3', 'OFF', NULL, '-7'), (4, '99999999999', '2', '2026-03-02', '1e5'), (5, NULL, NULL, NULL, NULL), (6, '', E'yes\n', NULL, '1.'), (7, E'4\n', 'tr', NULL, '２');
SELECT crmaudit.map_entity('survey_answer', 'crm.opinion', '{"answer_id": "id", "answer": {"column": "words", "values": {"满意": 1, "不满意": 4}}, "question": {"column": "said", "values": {"是": "yes"}}, "answered_at": {"column": "day", "values": {"1900-01-01": null}}}');
SELECT crmaudit.map_entity('complaint', 'crm.opinion', '{"complaint_id": "id", "upheld": {"column": "said", "values": {"是": true, "否": false}}, "closed_at": {"column": "fee", "values": {"面议": "infinity"}}}');
SELECT crmaudit.map_entity('payment', 'crm.opinion', '{"payment_id": {"column": "id", "values": {"7": "seven"}}, "amount": {"column": "fee", "values": {"免费": 0}}}');
SET DateStyle = 'German';
SELECT answer_id, answer, question, s.answered_at AT TIME ZONE crmaudit.report_time_zone() = day AS is_that_day, upheld, closed_at, amount
FROM crmaudit.survey_answer() s JOIN crmaudit.complaint() c ON c.complaint_id = s.answer_id JOIN crmaudit.payment() p ON p.payment_id IN (s.answer_id, 'seven') AND (p.payment_id = 'seven') = (s.answer_id = '7')
JOIN crm.opinion o ON o.id::text = s.answer_id WHERE p.amount IS DISTINCT FROM 12.50 ORDER BY 1;
SET DateStyle = 'ISO, YMD';
SELECT crmaudit.map_entity('survey_answer', 'crm.opinion', '{"answer_id": "id", "answer": {"column": "words", "values": {"满意": "good"}}}');
SELECT crmaudit.unmap_entity(e, 'crm.opinion') FROM unnest('{survey_answer,complaint,payment}'::text[]) e;
DROP TABLE crm.opinion;

-- SQL that tries to break out is one expression or an error.
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": "full_name) AS x FROM crm.client; DROP TABLE crm.call; SELECT (1"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": "full_name, 1"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": "full_name FROM crm.client"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no"}', 'true) UNION SELECT (1');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no"}', 'true UNION SELECT 1');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "name": "full_name /*"}');
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "no", "kind": {"column": "kind", "values": {"C": "it''s; DROP TABLE crm.call"}}}', E'no <> 0 -- and\n');
SELECT kind FROM crmaudit.customer() ORDER BY customer_id;
-- no SELECT of the mapping's is followed by anything else
SELECT crmaudit.canonical_query('SELECT 1 AS a; DROP TABLE crm.call', 'pg_catalog');
SELECT crmaudit.canonical_query('SELECT 1 AS a) + (SELECT 2', 'pg_catalog');
SELECT * FROM crmaudit.canonical_query('SELECT 1 AS a UNION ALL SELECT no FROM client -- all', 'crm');

-- ALTER TABLE and so on: nothing is kept from changing, and the mapping follows.
SELECT crmaudit.map_entity('customer', 'crm.client', $${"customer_id": "no", "name": "upper(full_name)", "annual_volume": "client.volume", "kind": "kind"}$$);
ALTER TABLE crm.client ALTER COLUMN volume TYPE numeric(14, 2), ALTER COLUMN full_name TYPE text, ALTER COLUMN no TYPE bigint;
ALTER TABLE crm.client RENAME full_name TO title;
ALTER TABLE crm.client RENAME no TO client_no;
-- a new column takes the old name, and means something else
ALTER TABLE crm.client ADD COLUMN full_name text DEFAULT 'not this';
SELECT customer_id, name, annual_volume FROM crmaudit.customer() ORDER BY 1;
ALTER TABLE crm.client RENAME TO customers;
SELECT customer_id, name, annual_volume FROM crmaudit.customer() ORDER BY 1;
ALTER SCHEMA crm RENAME TO kdxt;
SELECT customer_id, name, annual_volume FROM crmaudit.customer() ORDER BY 1;
SELECT entity, source, state FROM crmaudit.entity_map WHERE state <> 'not mapped' ORDER BY entity, source::text;
-- what SQL said of another thing by a name that is gone, is not found; health tells
SELECT target, rule, problem, remedy FROM crmaudit.health WHERE subject = 'entity' ORDER BY 1;
ALTER SCHEMA kdxt RENAME TO crm;
SELECT crmaudit.unmap_entity('interaction', 'crm.call');
SELECT target, problem FROM crmaudit.health WHERE subject = 'entity';
ALTER TABLE crm.customers RENAME TO client;
SELECT row_key FROM (SELECT xmlparse(document query_to_xml(query, false, false, '')::text)::text ~ 'client_no' AS row_key FROM crmaudit.entity_mapping WHERE entity = 'customer') q;
-- A column that it reads is dropped: it says so, and is mapped again.
ALTER TABLE crm.client DROP COLUMN kind, ADD COLUMN sort text;
SELECT entity, source, state FROM crmaudit.entity_map WHERE entity = 'customer';
SELECT customer_id FROM crmaudit.customer();
SELECT target, problem, remedy FROM crmaudit.health WHERE subject = 'entity';
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "client_no", "name": "title"}');
SELECT customer_id, name FROM crmaudit.customer() ORDER BY 1;
SELECT count(*) AS problems FROM crmaudit.health WHERE subject = 'entity';
-- One that it does not read may go.
ALTER TABLE crm.client DROP COLUMN voltage;
SELECT count(*) FROM crmaudit.customer();
-- A source is dropped: the entity is empty again.
CREATE TABLE crm.lead (id int PRIMARY KEY);
INSERT INTO crm.lead VALUES (77);
SELECT crmaudit.map_entity('customer', 'crm.lead', '{"customer_id": "id"}');
SELECT count(*) FROM crmaudit.customer();
DROP TABLE crm.lead;
DROP VIEW crm.staff_view;
DROP MATERIALIZED VIEW crm.staff_stored;
DROP TABLE crm.paid;
SELECT count(*) AS customers, (SELECT count(*) FROM crmaudit.staff()) AS staff, (SELECT count(*) FROM crmaudit.payment()) AS payments FROM crmaudit.customer();
SELECT entity, source, state FROM crmaudit.entity_map WHERE entity IN ('customer', 'staff', 'payment') ORDER BY 1;
-- What is taken back stays as it was.
BEGIN;
SELECT crmaudit.unmap_entity('customer');
SELECT count(*) FROM crmaudit.customer();
ROLLBACK;
SELECT count(*) FROM crmaudit.customer();

-- Rights: the source's owner maps, and whoever reads needs his own right on it.
CREATE ROLE crm_reader;
CREATE ROLE crm_admin;
CREATE ROLE crm_owner;
SELECT count(*) AS warnings FROM crmaudit.grant_duty('admin', 'crm_admin');
GRANT USAGE ON SCHEMA crm TO crm_reader, crm_admin, crm_owner;
GRANT SELECT ON crm.client TO crm_reader, crm_admin;
CREATE TABLE crm.secret (id int PRIMARY KEY, name text);
SET ROLE crm_admin;
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "client_no"}');
SELECT crmaudit.map_entity('customer', 'crm.secret', '{"customer_id": "id", "name": "name"}');
RESET ROLE;
GRANT USAGE ON SCHEMA crmaudit TO crm_reader;
SET ROLE crm_reader;
SELECT customer_id, name FROM crmaudit.customer() ORDER BY 1;
RESET ROLE;
GRANT SELECT ON crm."Besuch" TO crm_reader;
SET ROLE crm_reader;
SELECT customer_id, name FROM crmaudit.customer() ORDER BY 1;
SELECT crmaudit.map_entity('customer', 'crm.client', '{"customer_id": "client_no"}');
RESET ROLE;
-- A table that changes hands takes the trust along.
GRANT crm_owner TO crm_admin;
ALTER TABLE crm.secret OWNER TO crm_owner;
INSERT INTO crm.secret VALUES (1, 'x');
SET ROLE crm_admin;
SELECT crmaudit.map_entity('customer', 'crm.secret', '{"customer_id": "id + 900", "name": "name"}');
-- nobody writes in another's name
UPDATE crmaudit.entity_mapping SET mapped_by = 'postgres' WHERE source = 'crm.secret'::regclass;
RESET ROLE;
SELECT mapped_by FROM crmaudit.entity_mapping WHERE source = 'crm.secret'::regclass;
SELECT customer_id FROM crmaudit.customer() WHERE customer_id = '901';
ALTER TABLE crm.secret OWNER TO postgres;
SELECT customer_id FROM crmaudit.customer() WHERE customer_id = '901';
SELECT entity, source, state FROM crmaudit.entity_map WHERE source = 'crm.secret'::regclass;
SELECT problem FROM crmaudit.health WHERE subject = 'entity';
-- The tables that the functions are made from are no way to another's rights.
SET ROLE crm_admin;
INSERT INTO crmaudit.entity_column (entity, column_name, position, type, english, chinese) VALUES ('customer', 'x', 99, 'text) LANGUAGE sql AS ''SELECT 1''; ALTER ROLE crm_admin SUPERUSER; --', 'x', 'x');
RESET ROLE;
SELECT rolsuper FROM pg_roles WHERE rolname = 'crm_admin';
DELETE FROM crmaudit.entity_column WHERE NOT builtin;
DROP TABLE crm.secret;

-- Entities of one's own.
SELECT crmaudit.add_entity('meter_reading', '{"meter_reading_id": "text", "customer_id": "text", "read_at": "timestamptz", "kwh": {"type": "numeric(12,3)", "unit": "kWh", "english": "energy used", "chinese": "用电量"}}');
SELECT count(*) FROM crmaudit.meter_reading();
SELECT entity, id_column, time_column, english, chinese, builtin FROM crmaudit.entity WHERE entity = 'meter_reading';
SELECT column_name, position, type, unit, english, chinese FROM crmaudit.entity_column WHERE entity = 'meter_reading' ORDER BY position;
SELECT crmaudit.map_entity('meter_reading', 'crm.call', '{"meter_reading_id": "id", "customer_id": "client", "read_at": "at", "kwh": "1.5"}');
SELECT meter_reading_id, customer_id, read_at, kwh FROM crmaudit.meter_reading() ORDER BY 1;
SELECT mapped, missing, state FROM crmaudit.entity_map WHERE entity = 'meter_reading';
SELECT object, name, english, chinese FROM crmaudit.dictionary WHERE name LIKE 'meter\_reading%' OR (object = 'mapped column' AND target = 'crm.call'::regclass) ORDER BY 1, 2, 3;
-- two moments: which one tells when it happened
SELECT crmaudit.add_entity('task', '{"task_id": "text", "begun_at": {"type": "timestamptz", "time": true}, "done_at": "timestamptz"}');
SELECT crmaudit.add_entity('thing', '{"thing_id": "text", "begun_at": "timestamptz", "done_at": "timestamptz"}');
SELECT entity, time_column FROM crmaudit.entity WHERE NOT builtin ORDER BY 1;
-- what cannot be added
SELECT crmaudit.add_entity('Task', '{"task_id": "text"}');
SELECT crmaudit.add_entity(NULL, '{"task_id": "text"}');
SELECT crmaudit.add_entity('task', '{"task_id": "text"}');
SELECT crmaudit.add_entity('customer', '{"customer_id": "text"}');
SELECT crmaudit.add_entity('stamp_report', NULL);
SELECT crmaudit.add_entity('stamp_report', '{}');
SELECT crmaudit.add_entity('stamp_report', '[]');
SELECT crmaudit.add_entity('stamp_report', '{"id": "text"}');
SELECT crmaudit.add_entity('stamp_report', '{"stamp_report_id": "text", "Name": "text"}');
SELECT crmaudit.add_entity('stamp_report', '{"stamp_report_id": "text", "source": "text"}');
SELECT crmaudit.add_entity('stamp_report', '{"stamp_report_id": "text", "name": "texts"}');
SELECT crmaudit.add_entity('stamp_report', '{"stamp_report_id": "text", "name": "not a type"}');
SELECT crmaudit.add_entity('stamp_report', '{"stamp_report_id": "text", "name": "text) AS x; DROP TABLE crm.call; --"}');
SELECT crmaudit.add_entity('stamp_report', '{"stamp_report_id": "text", "name": 5}');
SELECT crmaudit.add_entity('stamp_report', '{"stamp_report_id": "text", "name": {"english": "x"}}');
SELECT crmaudit.add_entity('stamp_report', '{"stamp_report_id": "text", "at": {"type": "timestamptz", "time": "often"}}');
SELECT crmaudit.drop_entity('customer');
SELECT crmaudit.drop_entity('nothing');
SELECT crmaudit.add_obligation('task_done', 'task', '1 days', 'task', fulfilled_at => 'done_at') > 0 AS added;
SELECT crmaudit.drop_entity('task');
SELECT crmaudit.drop_obligation('task_done');
SELECT crmaudit.drop_entity('task');
SELECT crmaudit.drop_entity('thing');
SELECT crmaudit.drop_entity('meter_reading');
SELECT to_regprocedure('crmaudit.meter_reading()') AS function, count(*) AS rows FROM crmaudit.entity_mapping WHERE entity = 'meter_reading';

-- The dictionary tells all of it, in both languages.
SELECT object, count(*), count(english) AS english, count(chinese) AS chinese FROM crmaudit.dictionary WHERE object IN ('entity', 'entity column') GROUP BY 1 ORDER BY 1;
SELECT object, name, english, chinese FROM crmaudit.dictionary WHERE object = 'entity column' AND name LIKE 'payment.%' ORDER BY name;
SELECT object, target, name, english, chinese FROM crmaudit.dictionary WHERE object = 'mapped column' AND target = 'crm.client'::regclass ORDER BY name;

-- Periods.
SELECT p, crmaudit.period_range(p) FROM unnest('{2026,2024-02,202402,2026-Q1,2026Q4,2026-03-15,2026-13,2026-Q5,26,march,2026-3,9999}'::text[]) WITH ORDINALITY AS u(p, n) ORDER BY n;

-- Input of a constant runs while SQL is parsed: with the rights of the owner of
-- what it reads, whoever maps; nobody names a role that he is no member of.
CREATE DOMAIN crm.own_code AS text CHECK (current_user = 'crm_owner');
CREATE TABLE crm.shop (no int PRIMARY KEY, code text, opened timestamptz);
ALTER TABLE crm.shop OWNER TO crm_owner;
GRANT USAGE ON SCHEMA crm TO crm_owner;
SELECT crmaudit.map_entity('contract', 'crm.shop', $${"contract_id": "no", "kind": "code = ANY ('{1}'::crm.own_code[]::text[])", "signed_at": "opened"}$$);
SELECT crmaudit.add_obligation('shop_seen', 'contract', '1 day', 'contract', fulfilled_at => 'signed_at', counting_from => 'signed_at', condition => $$'1' = ANY ('{1}'::crm.own_code[]::text[])$$) > 0 AS added;
SELECT query IS NOT NULL AS is_told, problem FROM crmaudit.obligation WHERE name = 'shop_seen';
SET ROLE crm_owner;
SELECT * FROM crmaudit.deparse_query('SELECT 1 AS a', 'pg_catalog', 'postgres'::regrole);
RESET ROLE;
GRANT EXECUTE ON FUNCTION crmaudit.deparse_query(text, text, oid), crmaudit.needed_columns(text, text, oid) TO crm_owner;
SET ROLE crm_owner;
\set VERBOSITY sqlstate
SELECT * FROM crmaudit.deparse_query('SELECT 1 AS a', 'pg_catalog', 'postgres'::regrole);
SELECT * FROM crmaudit.needed_columns('SELECT 1 AS a', 'pg_catalog', 'postgres'::regrole);
\set VERBOSITY default
SELECT * FROM crmaudit.needed_columns('SELECT 1 AS a', 'pg_catalog', 'crm_owner'::regrole);
SELECT * FROM crmaudit.deparse_query('SELECT 1 AS a', 'pg_catalog', 'crm_owner'::regrole);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION crmaudit.deparse_query(text, text, oid), crmaudit.needed_columns(text, text, oid) FROM crm_owner;
-- which columns a condition cannot do without
SELECT sql, crmaudit.needed_columns('SELECT FROM crm.client AS c WHERE ' || sql, 'pg_catalog', 'postgres'::regrole) FROM unnest('{c.volume > 5 AND title = ''x'',volume > 5 OR title = ''x'',volume > 5 OR volume + 1 < 3,coalesce(volume\, 1) > 0,NOT (left_on < since)}'::text[]) WITH ORDINALITY AS u(sql, n) ORDER BY n;
SELECT crmaudit.needed_columns('SELECT FROM crm.client AS c, LATERAL (SELECT FROM (SELECT c.manager AS boss) AS m WHERE c.volume > 5 AND boss = 7) AS x', 'pg_catalog', 'postgres'::regrole);
SELECT crmaudit.needed_columns('SELECT FROM crm.client AS c', 'pg_catalog', 'postgres'::regrole);
SELECT * FROM crmaudit.deparse_query('SELECT 1 AS a; SELECT 2', 'pg_catalog', 'postgres'::regrole);
SELECT * FROM crmaudit.canonical_query('SELECT row(1) AS a', 'pg_catalog');
SELECT crmaudit.drop_obligation('shop_seen');
SELECT crmaudit.unmap_entity('contract', 'crm.shop');
-- A view that a condition names runs what its owner wrote, as whoever reads.
SELECT crmaudit.require_safe_expression($$table_to_xml('crm.shop', true, true, '') IS NOT NULL$$, '{no}', '{23}', 'condition');
-- A backslash means itself in whatever session reads.
INSERT INTO crm.shop VALUES (1, 'a\b''c', now());
SELECT crmaudit.map_entity('contract', 'crm.shop', $${"contract_id": "no", "kind": "CASE WHEN code = 'a\\b''c' THEN 'x\\y' ELSE 'no' END", "signed_at": "opened"}$$);
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT kind FROM crmaudit.contract();
RESET standard_conforming_strings;
RESET escape_string_warning;
SELECT kind FROM crmaudit.contract();
SELECT crmaudit.unmap_entity('contract', 'crm.shop');

-- What workers must not run, a view of it included, makes the functions of the entity and of obligations unsafe; that of obligations is restricted by itself.
CREATE FUNCTION crm.shout(t text) RETURNS text LANGUAGE plpgsql PARALLEL UNSAFE AS $$ BEGIN RETURN upper(t); EXCEPTION WHEN data_exception THEN RETURN t; END $$;
CREATE VIEW crm.loud_shop AS SELECT no, crm.shout(code) AS code, opened FROM crm.shop;
CREATE VIEW crm.marked AS SELECT p.proname, p.proparallel FROM pg_proc p WHERE p.oid IN ('crmaudit.contract()'::regprocedure, 'crmaudit.obligation_rows()'::regprocedure);
SELECT crmaudit.map_entity('contract', 'crm.shop', '{"contract_id": "no", "kind": "code", "signed_at": "opened"}');
SELECT crmaudit.add_obligation('shop_seen', 'contract', '5 days', 'interaction', counting_from => 'signed_at') > 0 AS added;
SELECT * FROM crm.marked ORDER BY 1;
SELECT crmaudit.map_entity('contract', 'crm.loud_shop', '{"contract_id": "no + 1000", "kind": "code", "signed_at": "opened"}');
SELECT * FROM crm.marked ORDER BY 1;
SELECT crmaudit.unmap_entity('contract', 'crm.loud_shop');
SELECT * FROM crm.marked ORDER BY 1;
SELECT crmaudit.map_entity('contract', 'crm.shop', '{"contract_id": "no", "kind": "crm.shout(code)", "signed_at": "opened"}');
SELECT * FROM crm.marked ORDER BY 1;
SELECT crmaudit.drop_obligation('shop_seen');
SELECT crmaudit.unmap_entity('contract', 'crm.shop');

-- All as it was.
SELECT crmaudit.unmap_entity('customer'), crmaudit.unmap_entity('interaction');
SELECT count(*) AS mapped FROM crmaudit.entity_map WHERE state <> 'not mapped';
SELECT crmaudit.revoke_duty('admin', 'crm_admin');
REVOKE USAGE ON SCHEMA crmaudit FROM crm_reader;
DROP SCHEMA crm CASCADE;
DROP OWNED BY crm_admin, crm_owner, crm_reader;
DROP ROLE crm_admin, crm_owner, crm_reader;
