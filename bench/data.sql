-- The rows that every case writes: valid, deterministic, computed beforehand.
CREATE SCHEMA bench;

-- The check character of a resident ID's first 17 digits (GB 11643).
CREATE FUNCTION bench.resident_id(body text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT body || substr('10X98765432', 1 + sum(w * substr(body, i::int, 1)::int)::int % 11, 1)
	FROM unnest('{7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2}'::int[]) WITH ORDINALITY AS t (w, i)
$$;

-- Luhn's digit behind an even number of digits.
CREATE FUNCTION bench.luhn(body text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT body || (10 - sum(d / 10 + d % 10) % 10) % 10
	FROM (SELECT substr(body, i, 1)::int * CASE WHEN (length(body) - i) % 2 = 0 THEN 2 ELSE 1 END
		FROM generate_series(1, length(body)) i) AS t (d)
$$;

CREATE UNLOGGED TABLE bench.valid AS
SELECT n::bigint AS customer_no,
	substr('王李张刘陈杨黄赵吴周', 1 + n % 10, 1) || substr('伟芳娜敏静丽强磊军洋', 1 + n / 10 % 10, 1)
		|| substr('明华国文玉红春秀海建', 1 + n / 100 % 10, 1) AS full_name,
	bench.resident_id((ARRAY['110101', '310101', '440106', '510104', '330106'])[1 + n % 5]
		|| to_char(birth_date, 'YYYYMMDD') || lpad((n % 1000)::text, 3, '0')) AS id_no,
	birth_date,
	CASE WHEN n % 2 = 1 THEN 'M' ELSE 'F' END AS sex,
	'13' || (5 + n % 5) || lpad((n::bigint * 7919 % 100000000)::text, 8, '0') AS mobile,
	'user' || n || '@mail' || n % 97 || '.example.cn' AS mail,
	bench.luhn('622202' || lpad((n::bigint * 104729 % 1000000000000)::text, 12, '0')) AS card,
	(ARRAY['lead', 'customer', 'paused', 'closed'])[1 + n % 4] AS status,
	(n % 5000000 / 100.0)::numeric(12, 2) AS premium,
	timestamp '2024-01-01' + n % 500000 * interval '1 minute' AS created_at
FROM (SELECT n, date '1950-01-01' + (n::bigint * 37 % 18000)::int AS birth_date
	FROM generate_series(1, :rows) n) t;

-- The same, but every hundredth row has a mobile number that cannot be.
CREATE UNLOGGED TABLE bench.one_percent_bad AS SELECT * FROM bench.valid;
UPDATE bench.one_percent_bad SET mobile = '12345' WHERE customer_no % 100 = 0;

VACUUM ANALYZE bench.valid, bench.one_percent_bad;

-- A case writes all rows of "source" into the table that bears its name.
CREATE TABLE bench.scenario (
	n int GENERATED ALWAYS AS IDENTITY,
	name text PRIMARY KEY,
	title text NOT NULL,
	source text NOT NULL DEFAULT 'valid',
	bound text NOT NULL DEFAULT ''
);
CREATE TABLE bench.timing (name text, round int, ms float8);

CREATE FUNCTION bench.add_scenario(name text, title text, bound text DEFAULT '', source text DEFAULT 'valid') RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	INSERT INTO bench.scenario (name, title, bound, source) VALUES (name, title, bound, source);
	EXECUTE format('CREATE TABLE %I (
		customer_no bigint PRIMARY KEY,
		full_name text,
		id_no text,
		birth_date date,
		sex text,
		mobile text,
		mail text,
		card text,
		status text,
		premium numeric(12, 2),
		created_at timestamp)', name);
END
$$;
