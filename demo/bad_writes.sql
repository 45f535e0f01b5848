-- What the application writes on a bad day: one statement each, after
-- rules.sql.  In mode enforce the ones marked "refused" raise an error, the
-- ones marked "flagged" and "stored" go through; in mode observe all do.
-- The rows are C9000101 and following, which data.sql never makes.

\set ON_ERROR_STOP off

\echo '-- stored: nothing wrong'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000101');
\echo '-- stored: phone with country code and separators'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000102', '{"mobile": "+86 138-2650-4953"}');
\echo '-- stored: a foreigner with a passport'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000103',
	'{"full_name": "LUCA BIANCHI", "id_kind": "护照", "id_no": "YA2750394"}');
\echo '-- refused: no phone'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000111', '{"mobile": null}');
\echo '-- refused: name of full-width blanks'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000112', '{"full_name": "　　"}');
\echo '-- refused: 张先生 is no name'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000113', '{"full_name": "张先生"}');
\echo '-- refused: check character of the ID number'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000114', '{"id_no": "510107199005141231"}');
\echo '-- refused: sex contradicts the ID number'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000115', '{"sex": "女"}');
\echo '-- refused: birth date contradicts the ID number'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000116', '{"dob": "1991-05-14"}');
\echo '-- refused: phone of ten digits'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000117', '{"mobile": "1382650492"}');
\echo '-- refused: placeholder phone'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000118', '{"mobile": "13800138000"}');
\echo '-- refused: two @'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000119', '{"mail": "chen@@example.com"}');
\echo '-- refused: unknown status'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000120', '{"status": "有效"}');
\echo '-- refused: second address in the json column'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000121', '{"profile": {"email": "no address"}}');
\echo '-- refused: consent given in the future'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000122',
	jsonb_build_object('consent_at', now() + interval '1 month'));
\echo '-- refused: the manager is not on the staff'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000124', '{"owner_id": 999999}');
\echo '-- refused, all of it at once'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000123',
	'{"full_name": "测试", "sex": "女", "mobile": "12345", "mail": "a@a.com", "status": "?"}');
\echo '-- flagged: suspect or a warning only'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000131', '{"id_no": "510107900514123"}');
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000132', '{"mail": "chen@intranet"}');
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000133', '{"mail": "chen.zq@mailinator.com"}');
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000134', '{"bank_card": "6228480017000037001"}');
\echo '-- flagged: the phone of another customer, written differently'
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000135',
	(SELECT jsonb_build_object('mobile', '+86-' || mobile) FROM crm.customer WHERE customer_no = 'C9000101'));
\echo '-- refused: an update that spoils a good row'
UPDATE crm.customer SET mobile = '138', updated_at = now() WHERE customer_no = 'C9000101';
\echo '-- stored: an update that leaves an old defect alone'
UPDATE crm.customer SET source = '电话'
WHERE customer_no = (SELECT row_key->>'customer_no' FROM demo.planted WHERE defect = 'missing_name' LIMIT 1);
\echo '-- stored: the repair of an old defect'
UPDATE crm.customer SET full_name = '陈志强'
WHERE customer_no = (SELECT row_key->>'customer_no' FROM demo.planted WHERE defect = 'missing_name' LIMIT 1);
\echo '-- refused: one bad row refuses the statement of three'
INSERT INTO crm.customer SELECT n.*
FROM (VALUES ('C9000141', '{}'), ('C9000142', '{"dob": null}'), ('C9000143', '{}')) b(no, patch),
	demo.new_customer(b.no, b.patch::jsonb) n;
