-- What no value may do to check_value(): take long, or depend on a collation.

-- Whatever kind it is meant for and whatever it is made of, a megabyte is
-- refused before it is read: 200 of them for each kind.  Most of the time goes
-- into fetching them; test/types/refusal.c measures the refusal itself.
CREATE TABLE megabyte (filling text PRIMARY KEY, value text NOT NULL);
ALTER TABLE megabyte ALTER value SET STORAGE EXTERNAL;
INSERT INTO megabyte
SELECT f, repeat(f, 1048576 / octet_length(f))
FROM unnest('{1,a,@," ",-,+,a@b.,１}'::text[]) f;

SET statement_timeout = '20s';
SELECT kind, count(*), count(*) FILTER (WHERE crmaudit.is_valid(kind, value, region)) AS valid
FROM unnest('{bank_card,email,iban,lei,phone,resident_id,uscc,vat_id}'::text[]) kind,
	megabyte,
	generate_series(1, 25) i,
	-- no answer is remembered from the call before
	LATERAL (VALUES (CASE WHEN i % 2 = 1 THEN 'CN' ELSE 'US' END)) r(region)
GROUP BY kind
ORDER BY kind COLLATE "C";
RESET statement_timeout;

-- The whole value is to blame, for its length; nobody wants to read it again.
SELECT kind, c.verdict, c.reason, c.part, c.canonical, count(*)
FROM unnest('{bank_card,email,iban,lei,phone,resident_id,uscc,vat_id}'::text[]) kind,
	megabyte,
	LATERAL crmaudit.check_value(kind, value) c
GROUP BY 1, 2, 3, 4, 5
ORDER BY kind COLLATE "C", reason COLLATE "C";

-- A verdict does not depend on the collation of the value: in none of those
-- that the server has does one letter stand for another, Turkish i included.
CREATE FUNCTION verdicts(collation_name text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format($query$
		SELECT string_agg(concat_ws('|', kind, value, c.verdict, c.reason, c.part, c.canonical), E'\n' ORDER BY ordinal)
		FROM (VALUES
			(1, 'bank_card', '６２２８４８０４０２５６４８９００１８', NULL),
			(2, 'bank_card', '4111111111111112', NULL),
			(3, 'email', 'INFO.Iı@MAIL.EXAMPLE', NULL),
			(4, 'email', 'İi@Straße.example', NULL),
			(5, 'email', 'i@İSTANBUL.example', NULL),
			(6, 'email', 'STRASSE@ΣΊΣΥΦΟΣ.example', NULL),
			(7, 'email', 'a@b.LOCALHOST', NULL),
			(8, 'iban', 'gb82west12345698765432', NULL),
			(9, 'iban', 'LI21 0881 0000 2324 013A i', NULL),
			(10, 'lei', '5493001kjtiigc8y1r12', NULL),
			(11, 'phone', '138 1234 5678', 'cn'),
			(12, 'phone', '06 1234 5678', 'it'),
			(13, 'phone', '+1 202 555 0143 EXT 7', 'US'),
			(14, 'resident_id', '11010519491231002x', NULL),
			(15, 'resident_id', '110105194912310021', NULL),
			(16, 'uscc', '91350100m000100y43', NULL),
			(17, 'uscc', '91350100i000100y43', NULL),
			(18, 'vat_id', 'atu 13585627', NULL)
		) AS t(ordinal, kind, value, region),
			LATERAL crmaudit.check_value(kind, value COLLATE %1$s, region COLLATE %1$s) AS c
	$query$, collation_name) INTO answer;
	RETURN answer;
END
$$;
SELECT regexp_split_to_table(verdicts('"C"'), E'\n') AS "verdicts in collation C";

-- The lower-case i of Turkish, and a collation in which case does not count,
-- are added where there is ICU.
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_collation WHERE collname = 'en-x-icu') THEN
		CREATE COLLATION turkish (provider = icu, locale = 'tr');
		CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
	END IF;
END
$$;
SELECT c.oid::regcollation AS "collation with other verdicts"
FROM pg_collation c
WHERE c.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))
	-- the database's own, and a sample of the hundreds of others
	AND (c.collnamespace <> 'pg_catalog'::regnamespace OR c.collname ~ '^(default|C|POSIX|ucs_basic|(tr|az|lt|de|el|zh|ja|ar|th|und).*)$')
	AND verdicts(c.oid::regcollation::text) <> verdicts('"C"');

DROP FUNCTION verdicts;
DROP TABLE megabyte;
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_collation WHERE collname = 'turkish') THEN
		DROP COLLATION turkish;
		DROP COLLATION caseless;
	END IF;
END
$$;
