-- How the demo makes its values.  Every value is a function of a row number
-- and a salt, so that each run gives the same rows, whatever the locale.
-- The functions are plain expressions that the planner inlines; a million
-- customers would take many minutes otherwise.
--
-- All persons, numbers and addresses are invented; a made-up number can by
-- chance belong to somebody.

DROP SCHEMA IF EXISTS demo CASCADE;
CREATE SCHEMA demo;
COMMENT ON SCHEMA demo IS 'What generates the demo''s CRM, and the list of defects planted in it';

-- A number from 0 to n - 1.
CREATE FUNCTION demo.h(i bigint, salt bigint, n int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN abs(hashint8extended(i, salt) % n)::int;

-- The character lists hold no surname twice as a given name and no character
-- that makes a placeholder (先生, 女士, 总, 某, 三, 四 ...): a good name must
-- not look like a filler by chance.
CREATE FUNCTION demo.surname(k int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substr('王李张刘陈杨黄赵吴周徐孙马朱胡郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆', k + 1, 1);

CREATE FUNCTION demo.surname_pinyin(k int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('{wang,li,zhang,liu,chen,yang,huang,zhao,wu,zhou,xu,sun,ma,zhu,hu,guo,he,gao,luo,zheng,liang,xie,song,tang,xu,deng,feng,han,cao,zeng,peng,xiao,cai,pan,tian,dong,yuan,yu,yu,ye,jiang,du,su,wei,cheng,lv,ding,shen,ren,yao,lu,fu,zhong,jiang,cui,tan,liao,fan,wang,lu}'::text[])[k + 1];

CREATE FUNCTION demo.given(male boolean, k int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substr(CASE WHEN male
	THEN '伟强磊军洋勇杰涛超刚平辉鹏健浩宇博峰建国志俊文斌昊毅飞龙翔凯'
	ELSE '芳娜敏静丽艳娟霞秀英兰萍红玉梅雪琳慧莉婷玲燕佳颖欣怡蕾倩雯璐' END, k + 1, 1);

CREATE FUNCTION demo.given_pinyin(male boolean, k int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (CASE WHEN male
	THEN '{wei,qiang,lei,jun,yang,yong,jie,tao,chao,gang,ping,hui,peng,jian,hao,yu,bo,feng,jian,guo,zhi,jun,wen,bin,hao,yi,fei,long,xiang,kai}'::text[]
	ELSE '{fang,na,min,jing,li,yan,juan,xia,xiu,ying,lan,ping,hong,yu,mei,xue,lin,hui,li,ting,ling,yan,jia,ying,xin,yi,lei,qian,wen,lu}'::text[] END)[k + 1];

-- Three in four given names have two characters.
CREATE FUNCTION demo.full_name(i bigint, male boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN demo.surname(demo.h(i, 21, 60)) || demo.given(male, demo.h(i, 22, 30)) ||
	CASE WHEN demo.h(i, 23, 4) > 0 THEN demo.given(male, demo.h(i, 24, 30)) ELSE '' END;

CREATE FUNCTION demo.name_pinyin(i bigint, male boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN demo.surname_pinyin(demo.h(i, 21, 60)) || demo.given_pinyin(male, demo.h(i, 22, 30)) ||
	CASE WHEN demo.h(i, 23, 4) > 0 THEN demo.given_pinyin(male, demo.h(i, 24, 30)) ELSE '' END;

-- The only place that names mail domains: reserved ones (RFC 2606), so that
-- no address reaches anybody.
CREATE FUNCTION demo.mail_domain(k int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('{mail.example.com,example.net,example.org,qq.example.com,163.example.net,126.example.org,sina.example.com,work.example.net}'::text[])[k + 1];

-- A permutation of 0 .. m - 1, wherever p is prime and does not divide m.
CREATE FUNCTION demo.shuffle(i bigint, p bigint, m bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (i * p + 104729) % m;

-- Mobile number of person n < 2,073,600, different for each n.  Digit steps
-- after the prefix are 2 to 5 and 2 to 4 in turn: no digit twice in a row, no
-- ascending run, no repeated pair, so none looks like a placeholder.
CREATE FUNCTION demo.mobile_digits(k bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('{130,131,132,133,135,136,137,138,139,150,151,152,153,155,156,157,158,159,180,181,182,183,185,186,187,188,189,177,198,199}'::text[])[1 + k / 69120]
	|| (k / 6912 % 10)::text
	|| ((k / 6912 + 2 + k % 4) % 10)::text
	|| ((k / 6912 + 4 + k % 4 + k / 4 % 3) % 10)::text
	|| ((k / 6912 + 6 + k % 4 + k / 4 % 3 + k / 12 % 4) % 10)::text
	|| ((k / 6912 + 8 + k % 4 + k / 4 % 3 + k / 12 % 4 + k / 48 % 3) % 10)::text
	|| ((k / 6912 + 10 + k % 4 + k / 4 % 3 + k / 12 % 4 + k / 48 % 3 + k / 144 % 4) % 10)::text
	|| ((k / 6912 + 12 + k % 4 + k / 4 % 3 + k / 12 % 4 + k / 48 % 3 + k / 144 % 4 + k / 576 % 3) % 10)::text
	|| ((k / 6912 + 14 + k % 4 + k / 4 % 3 + k / 12 % 4 + k / 48 % 3 + k / 144 % 4 + k / 576 % 3 + k / 1728) % 10)::text;

CREATE FUNCTION demo.mobile(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN demo.mobile_digits(demo.shuffle(n, 1299709, 2073600));

-- GB 11643: the ID number of 17 digits with its check character.
CREATE FUNCTION demo.resident_id(b bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN b::text || substr('10X98765432', 1 + ((
	b / 10000000000000000 % 10 * 7 + b / 1000000000000000 % 10 * 9 +
	b / 100000000000000 % 10 * 10 + b / 10000000000000 % 10 * 5 +
	b / 1000000000000 % 10 * 8 + b / 100000000000 % 10 * 4 +
	b / 10000000000 % 10 * 2 + b / 1000000000 % 10 +
	b / 100000000 % 10 * 6 + b / 10000000 % 10 * 3 +
	b / 1000000 % 10 * 7 + b / 100000 % 10 * 9 +
	b / 10000 % 10 * 10 + b / 1000 % 10 * 5 +
	b / 100 % 10 * 8 + b / 10 % 10 * 4 + b % 10 * 2) % 11)::int, 1);

-- Luhn: a card number of 18 digits with its check digit.
CREATE FUNCTION demo.doubled(d bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN d % 10 * 2 - CASE WHEN d % 10 > 4 THEN 9 ELSE 0 END;

CREATE FUNCTION demo.bank_card(b bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN b::text || ((10 - (
	demo.doubled(b) + b / 10 % 10 +
	demo.doubled(b / 100) + b / 1000 % 10 +
	demo.doubled(b / 10000) + b / 100000 % 10 +
	demo.doubled(b / 1000000) + b / 10000000 % 10 +
	demo.doubled(b / 100000000) + b / 1000000000 % 10 +
	demo.doubled(b / 10000000000) + b / 100000000000 % 10 +
	demo.doubled(b / 1000000000000) + b / 10000000000000 % 10 +
	demo.doubled(b / 100000000000000) + b / 1000000000000000 % 10 +
	demo.doubled(b / 10000000000000000) + b / 100000000000000000 % 10) % 10) % 10)::text;

CREATE FUNCTION demo.digit36(c text, k int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN strpos('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', substr(c, k, 1)) - 1;

-- The credit code's alphabet has no I, O, S, V, Z.
CREATE FUNCTION demo.digit31(c text, k int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(c, k, 1)) - 1;

-- GB 11714: an organisation code of eight characters with its check character.
CREATE FUNCTION demo.organisation_code(c text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN c || substr('0X987654321', 1 + (
	demo.digit36(c, 1) * 3 + demo.digit36(c, 2) * 7 + demo.digit36(c, 3) * 9 + demo.digit36(c, 4) * 10 +
	demo.digit36(c, 5) * 5 + demo.digit36(c, 6) * 8 + demo.digit36(c, 7) * 4 + demo.digit36(c, 8) * 2) % 11, 1);

-- GB 32100: a credit code of 17 characters with its check character.
CREATE FUNCTION demo.uscc(c text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN c || substr('0YXWUTRQPNMLKJHGFEDCBA987654321', 1 + (
	demo.digit31(c, 1) + demo.digit31(c, 2) * 3 + demo.digit31(c, 3) * 9 + demo.digit31(c, 4) * 27 +
	demo.digit31(c, 5) * 19 + demo.digit31(c, 6) * 26 + demo.digit31(c, 7) * 16 + demo.digit31(c, 8) * 17 +
	demo.digit31(c, 9) * 20 + demo.digit31(c, 10) * 29 + demo.digit31(c, 11) * 25 + demo.digit31(c, 12) * 13 +
	demo.digit31(c, 13) * 8 + demo.digit31(c, 14) * 24 + demo.digit31(c, 15) * 10 + demo.digit31(c, 16) * 30 +
	demo.digit31(c, 17) * 28) % 31, 1);

CREATE FUNCTION demo.letter31(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substr('0123456789ABCDEFGHJKLMNPQRTUWXY', 1 + (n % 31)::int, 1);

-- Six characters of the credit code's alphabet, different for each number.
CREATE FUNCTION demo.base31(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN demo.letter31(n) || demo.letter31(n / 31) || demo.letter31(n / 961) ||
	demo.letter31(n / 29791) || demo.letter31(n / 923521) || demo.letter31(n / 28629151);

CREATE FUNCTION demo.customer_no(i bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'C' || lpad(i::text, 7, '0');

CREATE FUNCTION demo.company_no(i bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'E' || lpad(i::text, 6, '0');

-- Street part of address n, different for each n < 17,280,000.
CREATE FUNCTION demo.street(k bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('{人民路,中山路,解放路,建设路,和平路,新华路,文化路,长江路,黄河路,北京路,南京路,胜利路,友谊路,光明路,东风路,红旗路,青年路,学院路,公园路,滨河路,朝阳路,迎宾路,振兴路,府前街,花园街,桃源街,兴隆街,永安街,太平街,新兴街,幸福里,锦绣巷,梧桐巷,银杏巷,翠竹巷,丹桂路,玉兰路,海棠路,紫荆路,芙蓉路}'::text[])[1 + k % 40]
	|| (1 + k / 40 % 500)::text || '号' || (1 + k / 20000 % 12)::text || '幢'
	|| (1 + k / 240000 % 18)::text || '0' || (1 + k / 4320000)::text || '室';

-- Districts in force today, with postal code and dialling code of the city.
CREATE TABLE demo.place (
	k int PRIMARY KEY,
	area int NOT NULL,
	province text NOT NULL,
	city text NOT NULL,
	district text NOT NULL,
	postal_code text NOT NULL,
	dial text NOT NULL
);
INSERT INTO demo.place VALUES
	(0, 110101, '', '北京市', '东城区', '100010', '010'),
	(1, 110105, '', '北京市', '朝阳区', '100020', '010'),
	(2, 110108, '', '北京市', '海淀区', '100080', '010'),
	(3, 120101, '', '天津市', '和平区', '300041', '022'),
	(4, 310104, '', '上海市', '徐汇区', '200030', '021'),
	(5, 310110, '', '上海市', '杨浦区', '200082', '021'),
	(6, 310115, '', '上海市', '浦东新区', '200135', '021'),
	(7, 500103, '', '重庆市', '渝中区', '400010', '023'),
	(8, 210102, '辽宁省', '沈阳市', '和平区', '110001', '024'),
	(9, 320102, '江苏省', '南京市', '玄武区', '210018', '025'),
	(10, 320106, '江苏省', '南京市', '鼓楼区', '210009', '025'),
	(11, 330102, '浙江省', '杭州市', '上城区', '310002', '0571'),
	(12, 330106, '浙江省', '杭州市', '西湖区', '310013', '0571'),
	(13, 420102, '湖北省', '武汉市', '江岸区', '430014', '027'),
	(14, 420106, '湖北省', '武汉市', '武昌区', '430061', '027'),
	(15, 440106, '广东省', '广州市', '天河区', '510630', '020'),
	(16, 440104, '广东省', '广州市', '越秀区', '510030', '020'),
	(17, 440305, '广东省', '深圳市', '南山区', '518052', '0755'),
	(18, 440304, '广东省', '深圳市', '福田区', '518048', '0755'),
	(19, 510107, '四川省', '成都市', '武侯区', '610041', '028'),
	(20, 510104, '四川省', '成都市', '锦江区', '610011', '028'),
	(21, 610103, '陕西省', '西安市', '碑林区', '710001', '029'),
	(22, 410102, '河南省', '郑州市', '中原区', '450007', '0371'),
	(23, 430102, '湖南省', '长沙市', '芙蓉区', '410011', '0731');
