-- 10-types: identifiers. The same C code serves the types, the rules, and the
-- functions that judge a value.

CREATE FUNCTION crmaudit.check_value(kind text, value text, region text DEFAULT NULL,
	OUT verdict text, OUT reason text, OUT part text, OUT canonical text, OUT message text)
RETURNS record LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'crmaudit_check_value';
COMMENT ON FUNCTION crmaudit.check_value(text, text, text) IS 'judges an identifier of that kind: valid, suspect or invalid, why, which part of it, and its canonical form; NULL for a NULL value';

CREATE FUNCTION crmaudit.is_valid(kind text, value text, region text DEFAULT NULL)
RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'crmaudit_is_valid';
COMMENT ON FUNCTION crmaudit.is_valid(text, text, text) IS 'whether the verdict of check_value() is valid; NULL for a NULL value';

CREATE FUNCTION crmaudit.explain_value(value text, params jsonb,
	OUT verdict text, OUT reason text, OUT part text, OUT canonical text, OUT message text, OUT "position" int, OUT suggestion text)
RETURNS record LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'crmaudit_explain_value';
COMMENT ON FUNCTION crmaudit.explain_value(text, jsonb) IS 'judges a value as a rule of kind format with these parameters does; also the position of the part to blame, in characters from 1 on, and what to write instead where that is certain';

-- Types ---------------------------------------------------------------------------

-- Three are a number of 64 bits and compare as such; the others are their
-- canonical form and compare byte by byte, whatever the collation. So their
-- operators are the server's own, as fast as those of bigint and bytea.
-- Binary-coercible to text they are not: an implicit cast would let text's
-- operators in. Functions of one shape are made in loops.
DO $$
DECLARE
	t record;
	op record;
	words text;
	signature text;
BEGIN
	FOR t IN SELECT * FROM (VALUES
		('email', 'bytea', 'e-mail address (RFC 5321, RFC 6531); domain in lower case and as U-labels, local part as written, in NFC'),
		('uscc', 'bytea', 'unified social credit code of a Chinese organisation (GB 32100), 统一社会信用代码'),
		('iban', 'bytea', 'international bank account number (ISO 13616), without blanks'),
		('lei', 'bytea', 'legal entity identifier (ISO 17442)'),
		('vat_id', 'bytea', 'VAT number with its country prefix, of the EU, Northern Ireland, the United Kingdom, Norway and Switzerland'),
		('phone', 'int8', 'phone number (ITU-T E.164), with + and calling code, without extension; ordered by its digits as a number'),
		('resident_id', 'int8', 'Chinese resident ID number (GB 11643), 居民身份证号码, of 18 characters'),
		('bank_card', 'int8', 'bank card number (ISO/IEC 7812), 12 to 19 digits; ordered by length, then by digits')
	) AS v(name, base, words) LOOP
		EXECUTE format('CREATE TYPE crmaudit.%I', t.name);
		EXECUTE format('CREATE FUNCTION crmaudit.%1$s_in(cstring) RETURNS crmaudit.%1$I LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS %2$L, %3$L',
			t.name, '$libdir/crmaudit', 'crmaudit_' || t.name || '_in');
		EXECUTE format('CREATE FUNCTION crmaudit.%1$s_recv(internal) RETURNS crmaudit.%1$I LANGUAGE c STABLE STRICT PARALLEL SAFE AS %2$L, %3$L',
			t.name, '$libdir/crmaudit', 'crmaudit_' || t.name || '_recv');
		IF t.base = 'bytea' THEN
			EXECUTE format('CREATE FUNCTION crmaudit.%1$s_out(crmaudit.%1$I) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS %2$L', t.name, 'textout');
			EXECUTE format('CREATE FUNCTION crmaudit.%1$s_send(crmaudit.%1$I) RETURNS bytea LANGUAGE internal STABLE STRICT PARALLEL SAFE AS %2$L', t.name, 'textsend');
		ELSE
			EXECUTE format('CREATE FUNCTION crmaudit.%1$s_out(crmaudit.%1$I) RETURNS cstring LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS %2$L, %3$L',
				t.name, '$libdir/crmaudit', 'crmaudit_' || t.name || '_out');
			EXECUTE format('CREATE FUNCTION crmaudit.%1$s_send(crmaudit.%1$I) RETURNS bytea LANGUAGE c STABLE STRICT PARALLEL SAFE AS %2$L, %3$L',
				t.name, '$libdir/crmaudit', 'crmaudit_' || t.name || '_send');
		END IF;
		EXECUTE format('CREATE TYPE crmaudit.%1$I (INPUT = crmaudit.%1$s_in, OUTPUT = crmaudit.%1$s_out, RECEIVE = crmaudit.%1$s_recv, SEND = crmaudit.%1$s_send, LIKE = %2$s)',
			t.name, CASE t.base WHEN 'bytea' THEN 'text' ELSE 'int8' END);
		EXECUTE format('COMMENT ON TYPE crmaudit.%I IS %L', t.name,
			crmaudit.unescape(t.words, regexp_replace(t.words, ', (\\u[0-9a-f]{4})+', '')));
		FOR op IN SELECT * FROM (VALUES
			('in', 'cstring', 'input'), ('out', NULL, 'output'), ('recv', 'internal', 'binary input'), ('send', NULL, 'binary output')
		) AS v(name, argument, words) LOOP
			EXECUTE format('COMMENT ON FUNCTION crmaudit.%s_%s(%s) IS %L', t.name, op.name,
				coalesce(op.argument, 'crmaudit.' || t.name), op.words || ' of type ' || t.name);
		END LOOP;

		-- Text that people typed is read as input reads it.
		FOREACH words IN ARRAY '{text,character varying}'::text[] LOOP
			EXECUTE format('CREATE CAST (%s AS crmaudit.%I) WITH INOUT AS ASSIGNMENT', words, t.name);
			EXECUTE format('COMMENT ON CAST (%s AS crmaudit.%I) IS %L', words, t.name, 'reads the text as input does');
			EXECUTE format('CREATE CAST (crmaudit.%I AS %s) WITH INOUT AS ASSIGNMENT', t.name, words);
			EXECUTE format('COMMENT ON CAST (crmaudit.%I AS %s) IS %L', t.name, words, 'the canonical form');
		END LOOP;

		signature := format('crmaudit.%1$I, crmaudit.%1$I', t.name);
		PERFORM crmaudit.create_operators(t.name, 'internal', t.base);
		EXECUTE format('CREATE FUNCTION crmaudit.%1$s_cmp(%2$s) RETURNS int LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS %3$L',
			t.name, signature, CASE t.base WHEN 'bytea' THEN 'byteacmp' ELSE 'btint8cmp' END);
		EXECUTE format('COMMENT ON FUNCTION crmaudit.%s_cmp(%s) IS %L', t.name, signature, 'btree comparison');
		EXECUTE format('CREATE OPERATOR CLASS crmaudit.%1$s_ops DEFAULT FOR TYPE crmaudit.%1$I USING btree AS OPERATOR 1 crmaudit.<, OPERATOR 2 crmaudit.<=, OPERATOR 3 crmaudit.=, OPERATOR 4 crmaudit.>=, OPERATOR 5 crmaudit.>, FUNCTION 1 crmaudit.%1$s_cmp(%2$s), FUNCTION 2 pg_catalog.%3$s(internal), FUNCTION 4 pg_catalog.btequalimage(oid)',
			t.name, signature, CASE t.base WHEN 'bytea' THEN 'bytea_sortsupport' ELSE 'btint8sortsupport' END);
		EXECUTE format('COMMENT ON OPERATOR CLASS crmaudit.%s_ops USING btree IS %L', t.name, 'order of ' || t.name);

		FOR op IN SELECT * FROM (VALUES ('smaller', 'min', '<', 'the least value'), ('larger', 'max', '>', 'the greatest value')) AS v(name, aggregate, symbol, words) LOOP
			EXECUTE format('CREATE FUNCTION crmaudit.%1$s_%2$s(%3$s) RETURNS crmaudit.%1$I LANGUAGE %4$s IMMUTABLE STRICT PARALLEL SAFE AS %5$s',
				t.name, op.name, signature, CASE t.base WHEN 'bytea' THEN 'c' ELSE 'internal' END,
				CASE t.base WHEN 'bytea' THEN format('%L, %L', '$libdir/crmaudit', 'crmaudit_text_' || op.name) ELSE quote_literal('int8' || op.name) END);
			EXECUTE format('COMMENT ON FUNCTION crmaudit.%s_%s(%s) IS %L', t.name, op.name, signature, op.words || ' of two');
			EXECUTE format('CREATE AGGREGATE crmaudit.%1$s(crmaudit.%2$I) (SFUNC = crmaudit.%2$s_%3$s, STYPE = crmaudit.%2$I, COMBINEFUNC = crmaudit.%2$s_%3$s, SORTOP = OPERATOR(crmaudit.%4$s), PARALLEL = SAFE)',
				op.aggregate, t.name, op.name, op.symbol);
			EXECUTE format('COMMENT ON AGGREGATE crmaudit.%s(crmaudit.%I) IS %L', op.aggregate, t.name, op.words);
		END LOOP;

		EXECUTE format('CREATE FUNCTION crmaudit.%1$s_hash(crmaudit.%1$I) RETURNS int LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS %2$L',
			t.name, CASE t.base WHEN 'bytea' THEN 'hashvarlena' ELSE 'hashint8' END);
		EXECUTE format('COMMENT ON FUNCTION crmaudit.%1$s_hash(crmaudit.%1$I) IS %2$L', t.name, 'hash');
		EXECUTE format('CREATE FUNCTION crmaudit.%1$s_hash_extended(crmaudit.%1$I, bigint) RETURNS bigint LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS %2$L',
			t.name, CASE t.base WHEN 'bytea' THEN 'hashvarlenaextended' ELSE 'hashint8extended' END);
		EXECUTE format('COMMENT ON FUNCTION crmaudit.%1$s_hash_extended(crmaudit.%1$I, bigint) IS %2$L', t.name, 'hash with a seed');
		EXECUTE format('CREATE OPERATOR CLASS crmaudit.%1$s_ops DEFAULT FOR TYPE crmaudit.%1$I USING hash AS OPERATOR 1 crmaudit.=, FUNCTION 1 crmaudit.%1$s_hash(crmaudit.%1$I), FUNCTION 2 crmaudit.%1$s_hash_extended(crmaudit.%1$I, bigint)', t.name);
		EXECUTE format('COMMENT ON OPERATOR CLASS crmaudit.%s_ops USING hash IS %L', t.name, 'equality of ' || t.name);

		EXECUTE format('CREATE FUNCTION crmaudit.mask(crmaudit.%I) RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS %L, %L',
			t.name, '$libdir/crmaudit', 'crmaudit_mask_' || t.name);
		EXECUTE format('COMMENT ON FUNCTION crmaudit.mask(crmaudit.%I) IS %L', t.name, CASE t.name
			WHEN 'email' THEN 'the address with all but the first character of the local part hidden'
			WHEN 'bank_card' THEN 'the first 6 and the last 4 digits, as PCI DSS allows'
			ELSE 'the value with its middle hidden' END);
	END LOOP;
END $$;

-- LIKE on the types that are text; a prefix uses any btree index.
CREATE FUNCTION crmaudit.like_support(internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_like_support';
COMMENT ON FUNCTION crmaudit.like_support(internal) IS 'planner support of LIKE on identifiers';
CREATE FUNCTION crmaudit.likesel(internal, oid, internal, int) RETURNS float8
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_likesel';
COMMENT ON FUNCTION crmaudit.likesel(internal, oid, internal, int) IS 'restriction selectivity of LIKE on identifiers';
CREATE FUNCTION crmaudit.nlikesel(internal, oid, internal, int) RETURNS float8
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_nlikesel';
COMMENT ON FUNCTION crmaudit.nlikesel(internal, oid, internal, int) IS 'restriction selectivity of NOT LIKE on identifiers';
DO $$
DECLARE
	type text;
	op record;
BEGIN
	FOREACH type IN ARRAY '{email,uscc,iban,lei,vat_id}'::text[] LOOP
		FOR op IN SELECT * FROM (VALUES
			('like', '~~', '!~~', 'textlike', 'crmaudit.likesel', 'likejoinsel', ' SUPPORT crmaudit.like_support', 'matches LIKE expression'),
			('notlike', '!~~', '~~', 'textnlike', 'crmaudit.nlikesel', 'nlikejoinsel', '', 'does not match LIKE expression'),
			('ilike', '~~*', '!~~*', 'texticlike', 'pg_catalog.iclikesel', 'iclikejoinsel', '', 'matches LIKE expression, case-insensitive'),
			('notilike', '!~~*', '~~*', 'texticnlike', 'pg_catalog.icnlikesel', 'icnlikejoinsel', '', 'does not match LIKE expression, case-insensitive')
		) AS v(name, symbol, negator, internal_name, restrict_function, join_function, support, words) LOOP
			EXECUTE format('CREATE FUNCTION crmaudit.%1$s_%2$s(crmaudit.%1$I, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE%3$s AS %4$L',
				type, op.name, op.support, op.internal_name);
			EXECUTE format('COMMENT ON FUNCTION crmaudit.%1$s_%2$s(crmaudit.%1$I, text) IS %3$L', type, op.name, 'implementation of ' || op.symbol || ' operator');
			EXECUTE format('CREATE OPERATOR crmaudit.%1$s (LEFTARG = crmaudit.%2$I, RIGHTARG = text, FUNCTION = crmaudit.%2$s_%3$s, NEGATOR = OPERATOR(crmaudit.%4$s), RESTRICT = %5$s, JOIN = pg_catalog.%6$s)',
				op.symbol, type, op.name, op.negator, op.restrict_function, op.join_function);
			EXECUTE format('COMMENT ON OPERATOR crmaudit.%s (crmaudit.%I, text) IS %L', op.symbol, type, op.words);
		END LOOP;
	END LOOP;
END $$;

CREATE FUNCTION crmaudit.mask(kind text, value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_mask_value';
COMMENT ON FUNCTION crmaudit.mask(text, text) IS 'masks text as mask() of that type does, whether it is such an identifier or not';

-- IMMUTABLE since it is made to be indexed, as collations are. Parsing a number
-- costs some hundred comparisons of integers.
CREATE FUNCTION crmaudit.normalised(value text, type text, region text DEFAULT NULL) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crmaudit_normalised';
COMMENT ON FUNCTION crmaudit.normalised(text, text, text) IS 'the form by which values are compared: an identifier''s canonical form (what is none as text), or that of text, address, bank_account; NULL for what is no value; an index on it is to be rebuilt after an update of crmaudit that changes what it knows';

CREATE FUNCTION crmaudit.phone(value text, region text DEFAULT NULL) RETURNS crmaudit.phone
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_phone_read';
COMMENT ON FUNCTION crmaudit.phone(text, text) IS 'reads a phone number, also one in the national notation of the region (ISO 3166-1); an error if it is none; NULL for a NULL value';

-- What an identifier tells ---------------------------------------------------------

-- What rests on reference data is STABLE: a later edition may say otherwise.

CREATE FUNCTION crmaudit.local_part(crmaudit.email) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_email_local_part';
COMMENT ON FUNCTION crmaudit.local_part(crmaudit.email) IS 'what stands before the @ sign';
CREATE FUNCTION crmaudit.domain(crmaudit.email) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_email_domain';
COMMENT ON FUNCTION crmaudit.domain(crmaudit.email) IS 'the domain, in lower case and as U-labels';
CREATE FUNCTION crmaudit.ascii_form(crmaudit.email) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_email_ascii_form';
COMMENT ON FUNCTION crmaudit.ascii_form(crmaudit.email) IS 'the address with its domain as A-labels (xn--), for programs without RFC 6531';
-- IMMUTABLE since it is made to be indexed, as collations are.
CREATE FUNCTION crmaudit.match_key(crmaudit.email) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_email_match_key';
COMMENT ON FUNCTION crmaudit.match_key(crmaudit.email) IS 'one form for all spellings that reach the same mailbox, as far as the habits of its provider are known; to find duplicates, not to write to; an index on it is to be rebuilt after an update of crmaudit that changes what it knows';

CREATE FUNCTION crmaudit.country_code(crmaudit.phone) RETURNS int
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_phone_country_code';
COMMENT ON FUNCTION crmaudit.country_code(crmaudit.phone) IS 'country calling code (ITU-T E.164)';
CREATE FUNCTION crmaudit.national_number(crmaudit.phone) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_phone_national_number';
COMMENT ON FUNCTION crmaudit.national_number(crmaudit.phone) IS 'the digits behind the calling code, without trunk prefix';
CREATE FUNCTION crmaudit.region(crmaudit.phone) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_phone_region';
COMMENT ON FUNCTION crmaudit.region(crmaudit.phone) IS 'region of a valid number (ISO 3166-1 alpha-2), 001 for one of the whole world; else NULL';
CREATE FUNCTION crmaudit.number_type(crmaudit.phone) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_phone_number_type';
COMMENT ON FUNCTION crmaudit.number_type(crmaudit.phone) IS 'fixed_line, mobile, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, voip, personal_number, pager, uan, voicemail; unknown for a number that is not valid';
CREATE FUNCTION crmaudit.national_format(crmaudit.phone) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_phone_national_format';
COMMENT ON FUNCTION crmaudit.national_format(crmaudit.phone) IS 'as it is written and dialled in its country';
CREATE FUNCTION crmaudit.international_format(crmaudit.phone) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_phone_international_format';
COMMENT ON FUNCTION crmaudit.international_format(crmaudit.phone) IS 'as it is written elsewhere, with + and the calling code (ITU-T E.123)';

CREATE FUNCTION crmaudit.birth_date(crmaudit.resident_id) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_resident_id_birth_date';
COMMENT ON FUNCTION crmaudit.birth_date(crmaudit.resident_id) IS 'birth date of the holder';
CREATE FUNCTION crmaudit.sex(crmaudit.resident_id) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_resident_id_sex';
COMMENT ON FUNCTION crmaudit.sex(crmaudit.resident_id) IS 'sex of the holder, M or F';
CREATE FUNCTION crmaudit.area(crmaudit.resident_id) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_resident_id_area';
COMMENT ON FUNCTION crmaudit.area(crmaudit.resident_id) IS 'code of the division (GB/T 2260) in which the number was first issued, six digits; of a foreigner, the province';
CREATE FUNCTION crmaudit.area_name(crmaudit.resident_id) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_resident_id_area_name';
COMMENT ON FUNCTION crmaudit.area_name(crmaudit.resident_id) IS 'Chinese name of that division as it was in the year of birth; NULL if unknown, or if the database encoding has no such characters';
CREATE FUNCTION crmaudit.age(crmaudit.resident_id) RETURNS int
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_resident_id_age';
COMMENT ON FUNCTION crmaudit.age(crmaudit.resident_id) IS 'age of the holder today, in completed years';
CREATE FUNCTION crmaudit.age_on(crmaudit.resident_id, date) RETURNS int
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_resident_id_age_on';
COMMENT ON FUNCTION crmaudit.age_on(crmaudit.resident_id, date) IS 'age of the holder on a day, in completed years; NULL before birth';
CREATE FUNCTION crmaudit.document_kind(crmaudit.resident_id) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_resident_id_document_kind';
COMMENT ON FUNCTION crmaudit.document_kind(crmaudit.resident_id) IS 'citizen, permit (of somebody from Hong Kong, Macao or Taiwan) or foreigner';
CREATE FUNCTION crmaudit.nationality(crmaudit.resident_id) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_resident_id_nationality';
COMMENT ON FUNCTION crmaudit.nationality(crmaudit.resident_id) IS 'nationality in a foreigner''s number (ISO 3166-1 numeric); NULL in any other';

CREATE FUNCTION crmaudit.authority(crmaudit.uscc) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_uscc_authority';
COMMENT ON FUNCTION crmaudit.authority(crmaudit.uscc) IS 'the registering authority in words (GB 32100), in the language of crmaudit.language; NULL if not assigned';
CREATE FUNCTION crmaudit.organisation_type(crmaudit.uscc) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_uscc_organisation_type';
COMMENT ON FUNCTION crmaudit.organisation_type(crmaudit.uscc) IS 'the type of organisation in words (GB 32100), in the language of crmaudit.language; NULL if not assigned';
CREATE FUNCTION crmaudit.area(crmaudit.uscc) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC
	SELECT substr($1::text, 3, 6);
END;
COMMENT ON FUNCTION crmaudit.area(crmaudit.uscc) IS 'code of the division (GB/T 2260) of the registering office, six digits';
CREATE FUNCTION crmaudit.area_name(crmaudit.uscc) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_uscc_area_name';
COMMENT ON FUNCTION crmaudit.area_name(crmaudit.uscc) IS 'Chinese name of that division, as it is or was last; NULL if unknown, or if the database encoding has no such characters';
CREATE FUNCTION crmaudit.organisation_code(crmaudit.uscc) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC
	SELECT substr($1::text, 9, 9);
END;
COMMENT ON FUNCTION crmaudit.organisation_code(crmaudit.uscc) IS 'the organisation code (GB 11714) in it, nine characters';

CREATE FUNCTION crmaudit.issuer(crmaudit.bank_card) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_bank_card_issuer';
COMMENT ON FUNCTION crmaudit.issuer(crmaudit.bank_card) IS 'the Chinese bank that issued it, by its prefix; NULL if unknown';
CREATE FUNCTION crmaudit.card_type(crmaudit.bank_card) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_bank_card_card_type';
COMMENT ON FUNCTION crmaudit.card_type(crmaudit.bank_card) IS 'debit, credit, semi_credit or prepaid, by its prefix; NULL if unknown';
CREATE FUNCTION crmaudit.brand(crmaudit.bank_card) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_bank_card_brand';
COMMENT ON FUNCTION crmaudit.brand(crmaudit.bank_card) IS 'brand by the ranges of ISO/IEC 7812: visa, mastercard, unionpay ...; NULL if unknown';

CREATE FUNCTION crmaudit.country(crmaudit.iban) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC
	SELECT substr($1::text, 1, 2);
END;
COMMENT ON FUNCTION crmaudit.country(crmaudit.iban) IS 'country of the account (ISO 3166-1 alpha-2)';
CREATE FUNCTION crmaudit.bban(crmaudit.iban) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC
	SELECT substr($1::text, 5);
END;
COMMENT ON FUNCTION crmaudit.bban(crmaudit.iban) IS 'the national account number in it';
CREATE FUNCTION crmaudit.country(crmaudit.vat_id) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC
	SELECT CASE substr($1::text, 1, 2) WHEN 'EL' THEN 'GR' WHEN 'XI' THEN 'GB' ELSE substr($1::text, 1, 2) END;
END;
COMMENT ON FUNCTION crmaudit.country(crmaudit.vat_id) IS 'country of the prefix (ISO 3166-1 alpha-2; Northern Ireland, XI, is GB)';

CREATE FUNCTION crmaudit.reference_versions(OUT reference text, OUT version text, OUT source text, OUT licence text)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'crmaudit_reference_versions';
COMMENT ON FUNCTION crmaudit.reference_versions() IS 'editions of the reference data in the library; the view reference_version adds the value lists';
