-- Order, equality, hashing, LIKE and statistics of the identifier types.
\set SHOW_CONTEXT never
SET search_path = public, crmaudit;

-- Two ways to write a value are one value.
SELECT '+86 138 0013 8000'::phone = '+8613800138000', 'a@EXAMPLE.com'::email = 'a@example.com', 'A@example.com'::email = 'a@example.com',
	'gb82 west 1234 5698 7654 32'::iban = 'GB82WEST12345698765432';

-- Text-like types compare byte by byte, whatever the collation.
SELECT m FROM (VALUES ('b@example.com'::email), ('B@example.com'), ('a@例子.公司'), ('é@example.com')) AS t(m) ORDER BY m;
-- Numbers compare as numbers.
SELECT p FROM (VALUES ('+8613800138000'::phone), ('+24762889'), ('+390612345678'), ('+39612345678')) AS t(p) ORDER BY p DESC;
SELECT '+8613800138000'::phone < '+8613800138001', '+8613800138000'::phone <= '+8613800138000', '+8613800138000'::phone > '+8613800138001',
	'+8613800138000'::phone >= '+8613800138001', '+8613800138000'::phone <> '+8613800138001';

CREATE TABLE customer (id int, mail email, mobile phone, id_no resident_id);
INSERT INTO customer
SELECT n, 'user' || n || '@example' || n % 7 || '.com', phone('+86138' || to_char(n, 'FM00000000')),
	resident_id('11010519491231' || to_char(n % 1000, 'FM000') || substr('10X98765432', 1 + (s + n % 10 * 2 + n / 10 % 10 * 4 + n / 100 % 10 * 8) % 11, 1))
FROM generate_series(1, 4000) n,
	-- the weighted sum of the first fourteen digits
	(SELECT sum(w * substr('11010519491231', i::int, 1)::int)::int AS s FROM unnest('{7,9,10,5,8,4,2,1,6,3,7,9,10,5}'::int[]) WITH ORDINALITY u(w, i)) AS checked;
CREATE UNIQUE INDEX customer_mail ON customer (mail);
CREATE UNIQUE INDEX customer_mobile ON customer (mobile);
CREATE INDEX customer_id_no ON customer USING hash (id_no);
VACUUM ANALYZE customer;

-- Equality is a look-up in the index alone, whichever way the value is typed.
EXPLAIN (COSTS OFF) SELECT mobile FROM customer WHERE mobile = '+86 138-0000-1234';
SELECT mobile FROM customer WHERE mobile = '+86 138-0000-1234';
EXPLAIN (COSTS OFF) SELECT id FROM customer WHERE id_no = '11010519491231002x'::text::resident_id;
EXPLAIN (COSTS OFF) SELECT id FROM customer WHERE id_no = '11010519491231002X';
SELECT count(*) FROM customer WHERE id_no = '11010519491231002X';
INSERT INTO customer (mail) VALUES ('user1@EXAMPLE1.com');
EXPLAIN (COSTS OFF) SELECT count(*) FROM customer a JOIN customer b USING (mobile);
SELECT count(*) FROM customer a JOIN customer b USING (mobile);
SET enable_hashjoin = off;
SELECT count(*) FROM customer a JOIN customer b USING (mail);
RESET enable_hashjoin;
SELECT count(DISTINCT mobile), count(DISTINCT mail), count(DISTINCT id_no) FROM customer;

-- LIKE with a prefix is a range of the same index; what follows the prefix is
-- checked on the row. What VACUUM found visible to all, and so which plan is
-- cheaper, depends on who else is there.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT mail FROM customer WHERE mail LIKE 'user12%';
SELECT count(*) FROM customer WHERE mail LIKE 'user12%';
EXPLAIN (COSTS OFF) SELECT mail FROM customer WHERE mail LIKE 'user1_@%';
SELECT count(*) FROM customer WHERE mail LIKE 'user1_@%';
EXPLAIN (COSTS OFF) SELECT mail FROM customer WHERE mail LIKE 'user12@example5.com';
SELECT mail FROM customer WHERE mail LIKE 'user12@example5.com';
RESET enable_seqscan;
RESET enable_bitmapscan;
EXPLAIN (COSTS OFF) SELECT mail FROM customer WHERE mail LIKE '%@example5.com';
SELECT count(*) FROM customer WHERE mail LIKE '%@example5.com';
SELECT count(*) FROM customer WHERE mail NOT LIKE 'user%5.com';
SELECT count(*) FROM customer WHERE mail ILIKE 'USER12%' AND mail NOT ILIKE '%5.COM';
-- An escaped wildcard is a character like others.
EXPLAIN (COSTS OFF) SELECT mail FROM customer WHERE mail LIKE 'user\_1%';
SELECT count(*) FROM customer WHERE mail LIKE 'user\_1%';
-- A pattern that is no constant, NULL, or a prefix after which nothing sorts.
PREPARE by_prefix AS SELECT count(*) FROM customer WHERE mail LIKE $1;
EXECUTE by_prefix('user12%');
SELECT count(*) FROM customer WHERE mail LIKE NULL;
SELECT count(*) FROM customer WHERE mail LIKE '用户%';
DEALLOCATE by_prefix;
-- What LIKE lets through is estimated from the histogram: within a tenth of the
-- table of what it is.
CREATE FUNCTION estimate(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM customer WHERE ' || condition INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SELECT pattern, abs(estimate(format('mail LIKE %L', pattern)) - (SELECT count(*) FROM customer WHERE mail LIKE pattern)) < 400 AS close,
	abs(estimate(format('mail NOT LIKE %L', pattern)) - (SELECT count(*) FROM customer WHERE mail NOT LIKE pattern)) < 400 AS close_not
FROM unnest('{user1%,user12%,user12@example5.com,user%,v%}'::text[]) AS pattern;
SELECT estimate($$mail LIKE '%5.com'$$) AS "unknown", estimate($$mail LIKE NULL$$) AS "null";
DROP FUNCTION estimate;

-- A hash index has no ranges.
CREATE TABLE hashed (mail email);
CREATE INDEX ON hashed USING hash (mail);
EXPLAIN (COSTS OFF) SELECT mail FROM hashed WHERE mail LIKE 'a%';

-- The key of a mailbox is made to be indexed.
CREATE INDEX customer_mailbox ON customer (match_key(mail));
EXPLAIN (COSTS OFF) SELECT id FROM customer WHERE match_key(mail) = 'user12@example5.com';
SELECT max(mail) FROM customer;

-- Trigrams, through the cast.
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE INDEX customer_mail_trgm ON customer USING gin ((mail::text) gin_trgm_ops);
CREATE INDEX customer_mobile_trgm ON customer USING gin ((mobile::text) gin_trgm_ops);
ANALYZE customer;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM customer WHERE mail::text LIKE '%r123@%';
EXPLAIN (COSTS OFF) SELECT id FROM customer WHERE mobile::text LIKE '%1234';
SELECT id FROM customer WHERE mobile::text LIKE '%1234';
RESET enable_seqscan;
DROP EXTENSION pg_trgm CASCADE;

-- Statistics: distinct values, a histogram in the type's order, correlation.
SELECT attname, n_distinct, array_length(histogram_bounds, 1) AS bounds, round(correlation::numeric, 1) AS correlation
FROM pg_stats WHERE tablename = 'customer' AND attname IN ('mail', 'mobile', 'id_no') ORDER BY attname;

-- Hash and range partitions.
CREATE TABLE by_hash (mobile phone, mail email) PARTITION BY HASH (mobile, mail);
CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_hash_1 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO by_hash SELECT mobile, mail FROM customer;
SELECT count(*) > 1500 AS has_its_share FROM by_hash_0 UNION ALL SELECT count(*) > 1500 FROM by_hash_1;
CREATE TABLE by_range (mobile phone PRIMARY KEY) PARTITION BY RANGE (mobile);
CREATE TABLE by_range_cn PARTITION OF by_range FOR VALUES FROM ('+8613000000000') TO ('+8619999999999');
CREATE TABLE by_range_other PARTITION OF by_range DEFAULT;
INSERT INTO by_range VALUES ('+8613800138000'), ('+4915112345678');
SELECT tableoid::regclass, mobile FROM by_range ORDER BY 2;

-- A foreign key, and an array.
CREATE TABLE visit (mobile phone REFERENCES by_range, mails email[]);
INSERT INTO visit VALUES ('+86 138 0013 8000', '{A@b.CN,c@d.cn}');
INSERT INTO visit VALUES ('+8613800138001');
SELECT * FROM visit WHERE 'A@b.cn' = ANY (mails);

-- An index is sorted by the comparison of bigint and bytea, and may be
-- deduplicated.
SELECT opcname, amproc FROM pg_opclass c JOIN pg_amproc p ON amprocfamily = opcfamily
WHERE opcnamespace = 'crmaudit'::regnamespace AND opcname IN ('phone_ops', 'email_ops') AND opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree') AND amprocnum IN (2, 4) ORDER BY 1, 2;

-- Rules on such columns: the verdict, beyond what input refuses.
ALTER TABLE customer ADD PRIMARY KEY (id);
SELECT protect('customer', roles => '{"mail":"email","mobile":"phone","id_no":"resident_id"}', packs => '{contact,person_cn}', mode => 'observe');
INSERT INTO customer VALUES (4001, 'a@localhost', '+8612012345678', '11019919491231002X');
SELECT rule, column_name, severity, reason FROM open_findings WHERE row_key = '{"id":4001}' ORDER BY rule;
SELECT unprotect('customer');

DROP TABLE customer, hashed, by_hash, visit, by_range;
