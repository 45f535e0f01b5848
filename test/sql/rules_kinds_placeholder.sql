-- The kind placeholder: values that were typed only to fill a field are found,
-- and nothing that a real customer has.
\set SHOW_CONTEXT never

CREATE TABLE customer (id int PRIMARY KEY, value text);
SELECT crmaudit.protect('customer', mode => 'observe');
SELECT crmaudit.add_rule('customer', 'real', 'placeholder', '{value}', '{"extra": ["待補", "ZZZ top", 404]}') > 0 AS defined;
-- Values by what is found in them.
CREATE FUNCTION pg_temp.judge(sample text[]) RETURNS TABLE (verdict text, reason text, value_list text)
LANGUAGE sql AS $$
	TRUNCATE customer;
	INSERT INTO customer SELECT n, s FROM unnest(sample) WITH ORDINALITY AS t(s, n);
	SELECT v.verdict, v.reason, string_agg(c.value, ', ' ORDER BY c.id)
	FROM customer AS c LEFT JOIN crmaudit.violations(c) AS v ON true
	GROUP BY v.verdict, v.reason ORDER BY v.verdict, v.reason
$$;

-- Words of fillers in English and Chinese: every one of the list, since it is
-- searched as a sorted one.
SELECT verdict, reason, value_list FROM pg_temp.judge(ARRAY[
	'(无)', '-', '--', '---', '----', '.', '..', '...', '/', '//', '?', '??', '???', '\', '_', '__',
	'abc', 'abc123', 'abcd', 'abcde', 'anonymous', 'asd', 'asdf', 'asdfasdf', 'asdfg', 'asdfgh', 'asdfghjkl', 'default',
	'dummy', 'empty', 'fake', 'foo', 'foobar', 'n.a.', 'n/a', 'na', 'name', 'nil', 'no name', 'noname', 'none',
	'not applicable', 'not available', 'null', 'qwe', 'qwer', 'qwert', 'qwerty', 'qwertyuiop', 'sample', 'tba', 'tbd',
	'temp', 'test', 'test test', 'test user', 'test1', 'test123', 'tester', 'testing', 'testtest', 'todo', 'undefined',
	'unknown', 'unnamed', 'user', 'xx', 'xxx', 'xyz', 'zxcv', 'zxcvbn']);
SELECT verdict, reason, value_list FROM pg_temp.judge(ARRAY[
	'不明', '不清楚', '不知道', '不详', '佚名', '先生', '再说', '匿名', '占位', '同上', '名称', '女士', '姓名', '客户', '小姐',
	'待定', '待填', '待填写', '待补', '待补充', '待补录', '待录入', '无', '无名', '无名氏', '暂无', '暂缺', '未填', '未填写',
	'未提供', '未知', '未登记', '某', '某某', '某某某', '没有', '测试', '测试一', '测试人员', '测试公司', '测试客户', '测试数据',
	'测试用户', '测试账号', '空', '空白', '老板', '见附件', '详见', '默认']);

-- A surname with a title is no name; case, full width and blanks around it do
-- not matter.
SELECT verdict, reason, value_list FROM pg_temp.judge(ARRAY[
	'张先生', '李女士', '王总', '欧阳小姐', '陈老师', '赵经理', '刘某', '刘某某', '张x', '李XX', '王**', '孙*',
	'TEST', 'Test', 'Ｎ／Ａ', '　测试　', ' test ', '（无）', 'ASDF']);

-- Numbers and other characters that repeat, rise or fall; numbers and addresses
-- that everybody types; dates that programs store for none.
SELECT verdict, reason, value_list FROM pg_temp.judge(ARRAY[
	'111111', '0000', '11111111111', '12345', '123456', '654321', '98765', '1234567890', '0123456789', '9012345678',
	'13800138000', '138 0013 8000', '+86 138-0013-8000', '13900000000', '１３８００１３８０００',
	'aaa', '啊啊啊', '****', 'a@a.com', 'A@A.COM', 'test@test.com', 'xxx@xxx.com', '123@123.com', '111111@111111.com',
	'1900-01-01', '1899-12-30', '9999-12-31', '0001-01-01', '待補', 'zzz TOP', '404']);

-- What a real customer may well have is suspect, not invalid: the Chinese
-- John Doe, numbers that are sold dearly, and a domain of one's own name.
SELECT verdict, reason, value_list FROM pg_temp.judge(ARRAY[
	'张三', '李四', 'John Doe', 'wei@wei.cn', 'a@b.cn', '163@163.com', '13888888888', '13812345678', '13887654321']);

-- What must not be found: names and companies that contain a filler, common
-- names, ordinary phones, codes, addresses and dates; and no value at all.
SELECT verdict, reason, value_list FROM pg_temp.judge(ARRAY[
	NULL, '', '   ', '　', '张伟', '张三丰', '王五一', '王小姐姐妹美容', '测试仪器有限公司', '无锡市测试路1号', '无线电厂', '同上路',
	'总参谋部', '张总裁', 'Testa', 'Nathan', 'Unknown Pleasures Ltd', 'Anna', 'Otto', 'Li', 'Wu', 'Ng', 'O''Neil',
	'13812349876', '010-62781234', '+1 202 555 0143', '100084', '518000', '1000', '11', '2024', '110105194912310021',
	'li.wei@mail.cn', 'test@mail.cn', 'a@mail.cn', 'info@info-tech.cn', 'liwei@liwei.cn', '1990-01-01', '2000-01-01', '2000-12-31',
	'aabbcc', '121212', repeat('测试', 40)]);

-- Dates and timestamps are told by their value, and an amount is not a filler
-- because its digits repeat; a number of six digits and more is.
CREATE TABLE typed (id int PRIMARY KEY, born date, made_at timestamptz, amount int, big bigint);
SELECT crmaudit.protect('typed', mode => 'observe');
SELECT count(crmaudit.add_rule('typed', c, 'placeholder', ARRAY[c])) FROM unnest('{born,made_at,amount,big}'::text[]) AS c;
INSERT INTO typed VALUES
	(1, '1900-01-01', '1900-01-01 00:00', 11111, 13800138000),
	(2, '1990-01-01', '1970-01-01 00:00', 1111, 13812349876),
	(3, 'infinity', '9999-12-31 23:59', 12345, 111111),
	(4, NULL, NULL, NULL, NULL);
SELECT id, v.column_name, v.verdict FROM typed AS t, crmaudit.violations(t) AS v ORDER BY id, column_name;
DROP TABLE customer, typed;
