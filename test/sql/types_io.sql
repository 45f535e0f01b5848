-- Input, output and casts of the identifier types.
\set SHOW_CONTEXT never
SET search_path = public, crmaudit;

-- Input takes what people type; output is the canonical form.
SELECT 'Li.Wei@EXAMPLE.com'::email, ' +86 138-0013 8000'::phone, '11010519491231002x'::resident_id,
	'91350100m000100y43'::uscc, '4111 1111-1111 1111'::bank_card, 'gb82 west 1234 5698 7654 32'::iban,
	'5493001kjtiigc8y1r12'::lei, 'atu13585627'::vat_id \gx

-- A value that is none is refused, with the reason and what mends it. It is a
-- person's, so that the error does not show it.
SELECT 'li.wei'::email;
SELECT '13800138000'::phone;
SELECT '110105194912310020'::resident_id;
SELECT '110105194912310021'::uscc;
SELECT '4111111111111112'::bank_card;
SELECT 'GB82WEST12345698765431'::iban;
SELECT '5493001KJTIIGC8Y1R13'::lei;
SELECT 'ATU13585628'::vat_id;
SELECT ''::email;
SET crmaudit.language = 'zh';
SELECT '110105194912310020'::resident_id;
RESET crmaudit.language;

-- A superuser may have errors show it.
SET crmaudit.show_values = on;
SELECT 'li.wei'::email;
RESET crmaudit.show_values;

-- Refused is only what no later edition of reference data can make right, or
-- an old dump would not load: an unknown area, a date that is still to come, a
-- number in no known range are the verdict's matter.
SELECT value::resident_id, verdict, reason FROM (VALUES ('990105194912310023'), ('11019919491231002X'), ('110105299912310020')) AS t(value), check_value('resident_id', value);
SELECT value::phone, verdict, reason FROM (VALUES ('+8619012345678'), ('+8612012345678'), ('+861380013800')) AS t(value), check_value('phone', value);
-- The debit cards and credit codes whose check character is known to be wrong
-- are suspect, and taken.
SELECT value::bank_card, verdict FROM (VALUES ('6228480402564890019')) AS t(value), check_value('bank_card', value);
SELECT '+999123456789'::phone;

-- An Italian tax office that is in no list yet.
SELECT value::vat_id, verdict, reason FROM (VALUES ('IT00743112153')) AS t(value), check_value('vat_id', value);
-- What a plan makes nothing of is read as it was written: plans change, and
-- dumps must load. Anything else of that kind is no number.
SELECT '+490077185153'::phone, '+950005850288'::phone;
SELECT '+49 0077185153'::phone;
SELECT '+49123'::phone;
SELECT '+99912345678'::phone;
SELECT '+9999999999999999999'::phone;

-- A number in national notation is read in a region. There is no phone(CN): a
-- literal never sees a type modifier, so that it could not work everywhere.
SELECT phone('138 0013 8000', 'CN'), phone('020 7946 0018', 'gb'), phone('+8613800138000'), phone('+8613800138000', NULL), phone(NULL, 'CN');
SELECT phone('138 0013 8000', 'China');
SELECT phone('138 0013', 'CN');
SELECT phone('+861380013', 'CN'), phone('12012345678', 'CN');
SELECT phone('(010) 6552 9988 ext. 12', 'CN');

-- An extension has no place in the type.
SELECT '+861088886666;ext=12'::phone;

-- The form of 15 digits, out of force since 2013, becomes the one of 18.
SELECT '110105491231002'::resident_id;

-- Cards keep their zeros, and sort by length first.
SELECT c::bank_card FROM (VALUES ('4111111111111111'), ('0000000000000042'), ('6212345678900000003'), ('500000000009'), ('0000000000000000018')) AS t(c) ORDER BY c::bank_card;

-- Text and varchar become a type by assignment, and the other way round;
-- nothing is converted implicitly, or text's operators would compare.
CREATE TABLE contact (id int, mail text, mobile varchar(20));
INSERT INTO contact VALUES (1, 'A@Example.COM', '+8613800138000'), (2, NULL, NULL);
CREATE TABLE typed (id int, mail email, mobile phone);
INSERT INTO typed SELECT * FROM contact;
SELECT * FROM typed ORDER BY id;
UPDATE contact SET mail = typed.mail FROM typed WHERE typed.id = contact.id;
SELECT mail FROM contact ORDER BY id;
ALTER TABLE contact ALTER mail TYPE email, ALTER mobile TYPE phone;
SELECT * FROM contact ORDER BY id;
SELECT count(*) FROM typed WHERE mail = mobile;
SELECT count(*) FROM typed WHERE mail = 'A@example.com'::text;
INSERT INTO typed SELECT 3, 'nobody'::text, NULL;

-- The binary form is the canonical text, and is validated as text is.
CREATE TABLE all_types (m email, p phone, r resident_id, u uscc, b bank_card, i iban, l lei, v vat_id);
INSERT INTO all_types VALUES ('a@例子.公司', '+390612345678', '11010519491231002X', '91350100M000100Y43', '4111111111111111',
	'GB82WEST12345698765432', '5493001KJTIIGC8Y1R12', 'ATU13585627'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT format('COPY all_types TO %L (FORMAT binary)', current_setting('data_directory') || '/types_io.bin') AS copy_out,
	format('COPY back FROM %L (FORMAT binary)', current_setting('data_directory') || '/types_io.bin') AS copy_in \gset
:copy_out;
CREATE TABLE back (LIKE all_types);
:copy_in;
SELECT count(*) FROM all_types one JOIN back other ON one IS NOT DISTINCT FROM other;
-- Binary text that is no number does not become one.
CREATE TABLE words (w text);
INSERT INTO words VALUES ('+86138');
SELECT format('COPY words TO %L (FORMAT binary)', current_setting('data_directory') || '/types_io.bin') AS copy_out,
	format('COPY ids FROM %L (FORMAT binary)', current_setting('data_directory') || '/types_io.bin') AS copy_in \gset
:copy_out;
CREATE TABLE ids (r resident_id);
:copy_in;

-- Canonical forms are fixed points, and so are what the types give.
SELECT a.m::text::email = a.m AND a.p::text::phone = a.p AND a.r::text::resident_id = a.r AND a.u::text::uscc = a.u
	AND a.b::text::bank_card = a.b AND a.i::text::iban = a.i AND a.l::text::lei = a.l AND a.v::text::vat_id = a.v AS ok
FROM all_types a;

-- Eight bytes, by value, where the value fits.
SELECT typname, typlen, typbyval = (current_setting('block_size')::int > 0 AND typlen = 8) AS by_value FROM pg_type
WHERE typnamespace = 'crmaudit'::regnamespace AND typtype = 'b' AND typelem = 0 AND typname <> 'dqscore' ORDER BY typname COLLATE "C";

-- A value as somebody may see it who need not know it.
SELECT mask(m), mask(p), mask(r), mask(u), mask(b), mask(i), mask(l), mask(v) FROM all_types WHERE m IS NOT NULL \gx
SELECT kind, value, mask(kind, value) FROM (VALUES ('email', '@'), ('email', 'ab'), ('email', '张伟@例子.公司'), ('email', ''), ('phone', '7'), ('phone', '13800138000'),
	('bank_card', '411111111111'), ('resident_id', '未知')) AS t(kind, value);
SELECT mask('passport', 'E12345678');

-- The least and the greatest.
SELECT min(m), max(m) FROM (VALUES ('b@x.cn'::email), ('B@x.cn'), ('é@x.cn'), (NULL)) AS t(m);
SELECT min(p), max(p) FROM (VALUES ('+8613800138000'::phone), ('+390612345678')) AS t(p);
SELECT max(v), min(l) FROM all_types AS t(m, p, r, u, b, i, l, v);

DROP TABLE contact, typed, all_types, back, words, ids;
