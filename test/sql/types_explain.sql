-- explain_value(): what a rule of kind format says of a value, where the part
-- to blame stands, and what to write instead.
\set SHOW_CONTEXT never
SET search_path = public, crmaudit;

-- Position counts characters; a suggestion is made only where it is certain.
SELECT value, e.verdict, e.reason, e.part, e.position, e.canonical, e.suggestion
FROM (VALUES
	(1, '张伟 a@example.com', '{"type":"email"}'),
	(2, '  a@Example.com', '{"type":"email"}'),
	(3, 'a@example.com', '{"type":"email"}'),
	(4, 'a＠example.com', '{"type":"email"}'),
	(5, '身份证110105194912310020', '{"type":"resident_id"}'),
	(6, '110105 19491231 002x', '{"type":"resident_id"}'),
	(7, '9135O100M000100Y43', '{"type":"uscc"}'),
	(8, '13800138000', '{"type":"phone","region":"CN"}'),
	(9, '13800138000', '{"type":"phone"}'),
	(10, '', '{"type":"lei"}'),
	(11, '+86 10-65529988 ext 12', '{"type":"phone"}'),
	(12, 'Anna <anna@firm.cn>', '{"type":"email"}')
) AS t(n, value, params), explain_value(value, params::jsonb) AS e
ORDER BY n;
SELECT (explain_value(NULL, '{"type":"email"}')).verdict;

-- Parameters are checked as a rule's are.
SELECT explain_value('x', '{}');
SELECT explain_value('x', '[]');
SELECT explain_value('x', '{"type":"passport"}');
SELECT explain_value('x', '{"type":"email","area":"028"}');
SELECT explain_value('x', '{"type":"phone","colour":"red"}');
SELECT explain_value('x', '{"type":"phone","region":"China"}');
