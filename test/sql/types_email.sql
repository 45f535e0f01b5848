-- E-mail addresses: internationalised ones, special names, limits, role
-- accounts, what stands around an address, free mail.
\set SHOW_CONTEXT never
\pset null '(null)'

-- The domain is in lower case and in U-labels, the local part in NFC and
-- otherwise as it was written: e with a combining acute accent becomes one
-- character, capitals stay.
SELECT value, c.verdict, c.canonical, length(c.canonical) AS length
FROM (VALUES
	(1, 'Anna.Li@MAIL.Example.CN'),
	(2, 'user@XN--FSQU00A.xn--0zwm56d'),
	(3, '用户@例子.公司'),
	(4, U&'Jose\0301@b\00FCcher.example'),
	(5, 'a@faß.de'),
	(6, 'o''brien+news@mail.cn')
) AS t(ordinal, value), crmaudit.check_value('email', value) AS c
ORDER BY ordinal;

-- What IDNA 2008 does not allow is invalid: an A-label that decodes to
-- nothing, a symbol, an accent at the beginning of a label. (Unaligned, since
-- servers differ in how wide they take such characters to be.)
\pset format unaligned
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, 'a@xn--a.cn'),
	(2, 'a@☃.cn'),
	(3, U&'a@\0301a.cn'),
	(4, U&'a\200Bb@mail.cn')
) AS t(ordinal, value), crmaudit.check_value('email', value) AS c
ORDER BY ordinal;
\pset format aligned

-- Names under which nobody receives mail are suspect, and so are a domain
-- without a dot and a network address; "example" is for examples, and valid.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	('a@mail.arpa'), ('a@mail.invalid'), ('a@mail.local'), ('a@mail.localhost'),
	('a@mail.onion'), ('a@mail.TEST'), ('a@localhost'), ('a@test'), ('a@intranet'),
	('a@[192.0.2.1]'), ('a@[IPv6:2001:db8::1]'), ('a@[192.0.2]'), ('"a b"@mail.cn'),
	('a@mail.example'), ('a@example.com'), ('a@example.net'), ('a@example.org')
) AS t(value), crmaudit.check_value('email', value) AS c
ORDER BY value COLLATE "C";

-- Limits: 64 characters before the @ sign (characters, not bytes), 63 bytes in
-- a label, 254 in the address.
SELECT what, c.verdict, c.reason
FROM (VALUES
	(1, '64 letters', repeat('a', 64) || '@mail.cn'),
	(2, '65 letters', repeat('a', 65) || '@mail.cn'),
	(3, '64 Chinese', repeat('张', 64) || '@mail.cn'),
	(4, 'label of 63', 'a@' || repeat('m', 63) || '.cn'),
	(5, 'label of 64', 'a@' || repeat('m', 64) || '.cn'),
	(6, 'address of 254', 'a@' || repeat(repeat('m', 49) || '.', 5) || 'cn'),
	(7, 'address of 255', 'ab@' || repeat(repeat('m', 49) || '.', 5) || 'cn')
) AS t(ordinal, what, value), crmaudit.check_value('email', value) AS c
ORDER BY ordinal;

-- A name beside the address, or a link, is invalid, and is told as such even
-- where the name is the address once more. Several addresses are something
-- else.
SELECT value, c.verdict, c.reason, c.part
FROM (VALUES
	(1, 'Anna <a@b.cn>'),
	(2, '<a@b.cn>'),
	(3, '"a@b.cn" <a@b.cn>'),
	(4, 'Anna <a@b..cn>'),
	(5, 'Anna <ab.cn>'),
	(6, 'c@d.cn <a@b.cn>'),
	(7, 'Anna <a@b.cn>, Bert <c@d.cn>'),
	(8, 'mailto:a@b.cn'),
	(9, 'MAILTO:a@b.cn?subject=hello'),
	(10, 'mailto:')
) AS t(ordinal, value), crmaudit.check_value('email', value) AS c
ORDER BY ordinal;

-- Role accounts are suspect only where a rule asks for it, whatever their case
-- and tag; a doubt about the domain comes first.
CREATE TABLE contact (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('contact', mode => 'observe');
SELECT count(crmaudit.add_rule('contact', name, kind, '{mail}', params::jsonb))
FROM (VALUES
	('address', 'format', '{"type": "email"}'),
	('person', 'format', '{"type": "email", "role_accounts": true}')
) AS t(name, kind, params);
INSERT INTO contact VALUES
	(1, 'info@firm.cn'),
	(2, 'No-Reply+x1@firm.cn'),
	(3, 'information@firm.cn'),
	(4, 'postmaster@公司.cn'),
	(5, 'sales@firm.local'),
	(6, '+info@firm.cn'),
	(7, ' hr@firm.cn');
SELECT id, mail, coalesce(string_agg(format('%s: %s %s', v.rule, v.verdict, v.reason), ', ' ORDER BY v.rule) FILTER (WHERE v.rule IS NOT NULL), '-') AS violations
FROM contact AS c LEFT JOIN crmaudit.violations(c) AS v ON true
GROUP BY id, mail ORDER BY id;

-- Free mail is a matter of a list, as disposable domains are: the domain, or
-- one above it, stands there or not. No domain is in both lists.
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'contact'::regclass;
SELECT count(crmaudit.add_rule('contact', 'company_address', 'not_in_list', '{mail}',
	'{"list": "free_mail_domains", "part": "domain"}', severity => 'warning'));
TRUNCATE contact;
INSERT INTO contact VALUES
	(1, 'anna@QQ.com'), (2, 'anna@163.com'), (3, 'anna@vip.163.com'), (4, 'anna@gmail.com'),
	(5, 'anna@firm.cn'), (6, 'anna@qq.com.cn'), (7, 'anna@mailinator.com');
SELECT id, mail, v.rule, v.severity, v.reason FROM contact AS c, crmaudit.violations(c) AS v ORDER BY id;
SELECT count(*) > 5000 AS is_filled, count(*) FILTER (WHERE NOT builtin) AS own FROM crmaudit.value_list WHERE list = 'free_mail_domains';
SELECT a.value FROM crmaudit.value_list a JOIN crmaudit.value_list b USING (value)
WHERE a.list = 'free_mail_domains' AND b.list = 'disposable_domains';

DROP TABLE contact;

-- What the type tells: its parts, the form for programs without RFC 6531, and
-- one key for all spellings of a mailbox whose provider's habits are known.
SET search_path = public, crmaudit;
SELECT value::email, local_part(value::email), domain(value::email), ascii_form(value::email), match_key(value::email)
FROM (VALUES
	(1, 'Li.Wei+crm@GoogleMail.com'),
	(2, 'liwei@gmail.com'),
	(3, 'Li.Wei+crm@firm.example'),
	(4, '"a@b"@例子.公司'),
	(5, 'Info@BÜCHER.example')
) AS t(ordinal, value)
ORDER BY ordinal;
