-- Everything that somebody who may write the ledger's tables can think of, one
-- attack at a time: which statuses verify_ledger() gives, and how often. Each
-- is undone. In a database of its own.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE DATABASE crmaudit_attacks TEMPLATE template0 ENCODING 'UTF8';
\set regress :DBNAME
\c crmaudit_attacks
SET client_min_messages = warning;
CREATE EXTENSION crmaudit;

-- Four blocks, and what is not sealed yet. Transactions have one entry and
-- many; some were rolled back; one gives a reason and has a context of its own.
CREATE TABLE a (id int PRIMARY KEY, name text, phone text, mail text, amount numeric);
CREATE TABLE b (id int PRIMARY KEY, name text);
SELECT crmaudit.track('a', personal => '{phone,mail}');
SELECT crmaudit.track('b');
SELECT crmaudit.seal();
INSERT INTO a SELECT n, 'n' || n, '138' || n, NULL, n * 1.1 FROM generate_series(1, 10) n;
INSERT INTO a SELECT n, 'n' || n, '138' || n, n || '@x', n * 1.1 FROM generate_series(21, 25) n;
SELECT crmaudit.seal();
BEGIN;
SET LOCAL crmaudit.reason = 'because';
UPDATE a SET amount = 0 WHERE id <= 3;
DELETE FROM a WHERE id = 10;
COMMIT;
UPDATE a SET phone = '99' WHERE id = 4;
UPDATE a SET phone = '98' WHERE id = 5;
INSERT INTO b VALUES (1, 'x');
SELECT crmaudit.seal();
INSERT INTO a VALUES (11, 'x', '1', 'm', 2);
BEGIN;
INSERT INTO a VALUES (14, 'x', '1', 'm', 2);
ROLLBACK;
SELECT crmaudit.seal();
INSERT INTO a VALUES (12, 'x', '1', 'm', 2), (13, 'x', '1', 'm', 2);
BEGIN;
INSERT INTO a VALUES (15, 'x', '1', 'm', 2);
ROLLBACK;
INSERT INTO b VALUES (2, 'x'), (3, 'y'), (4, 'z');
SELECT * FROM crmaudit.verify_ledger();

-- The attacker's tools: nothing refuses him, and he computes all hashes anew.
CREATE TABLE digest AS SELECT block_id, jsonb_build_object('block', block_id, 'hash', encode(hash, 'hex')) AS digest FROM crmaudit.ledger_block;
CREATE VIEW e AS SELECT * FROM crmaudit.ledger_entry;
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT oid::regclass AS rel FROM pg_class WHERE relnamespace = 'crmaudit'::regnamespace AND relname LIKE 'ledger\_%' AND relkind IN ('r', 'p') LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', r.rel);
	END LOOP;
END $$;
CREATE FUNCTION xid_of(of text, op "char", id int) RETURNS xid8 LANGUAGE sql AS $$
	SELECT e.xid FROM crmaudit.ledger_entry e JOIN crmaudit.tracked_table t USING (table_id)
	WHERE t.target = of::regclass AND e.op = xid_of.op AND e.row_key ->> 'id' = xid_of.id::text
$$;
CREATE FUNCTION releaf() RETURNS void LANGUAGE sql AS $$
	UPDATE crmaudit.ledger_entry e SET leaf = crmaudit.ledger_leaf(e, c) FROM crmaudit.ledger_context c
	WHERE (c.incarnation, c.xid, c.context) = (e.incarnation, e.context_xid, e.context)
$$;
CREATE FUNCTION reroot_tx() RETURNS void LANGUAGE sql AS $$
	UPDATE crmaudit.ledger_transaction t SET root = n.root, entries = n.entries FROM (
		SELECT xid, date_trunc('month', at AT TIME ZONE 'UTC')::date AS period, count(*) AS entries, crmaudit.merkle_root(leaf ORDER BY ord) AS root
		FROM crmaudit.ledger_entry GROUP BY 1, 2) n WHERE (n.xid, n.period) = (t.xid, t.period)
$$;
CREATE FUNCTION reroot_period() RETURNS void LANGUAGE sql AS $$
	UPDATE crmaudit.ledger_block_partition p SET root = n.root, entries = n.entries, transactions = n.transactions FROM (
		SELECT block_id, period, sum(entries) AS entries, count(*) AS transactions, crmaudit.merkle_root(root ORDER BY xid) AS root
		FROM crmaudit.ledger_transaction GROUP BY 1, 2) n WHERE (n.block_id, n.period) = (p.block_id, p.period)
$$;
CREATE FUNCTION reroot_block() RETURNS void LANGUAGE sql AS $$
	UPDATE crmaudit.ledger_block b SET root = n.root, entries = n.entries, transactions = n.transactions FROM (
		SELECT block_id, sum(entries) AS entries, sum(transactions) AS transactions, crmaudit.merkle_root(root ORDER BY period) AS root
		FROM crmaudit.ledger_block_partition GROUP BY 1) n WHERE n.block_id = b.block_id
$$;
CREATE FUNCTION block_hash(b crmaudit.ledger_block) RETURNS bytea LANGUAGE sql AS $$
	SELECT sha256('\x0301'::bytea || int8send(b.block_id) || int8send(b.incarnation) || int4send(length(b.snapshot::text)) || convert_to(b.snapshot::text, 'UTF8')
		|| int8send(b.entries) || int8send(b.transactions) || int8send(b.entries_total) || int8send(coalesce(crmaudit.microseconds(b.last_at), 0))
		|| pg_lsn_send(b.lsn) || int8send(crmaudit.microseconds(b.sealed_at)) || b.root || b.coverage_hash || b.previous_hash)
$$;
CREATE FUNCTION rehash(first bigint, last bigint DEFAULT 1000) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	b crmaudit.ledger_block;
BEGIN
	FOR b IN SELECT * FROM crmaudit.ledger_block WHERE block_id BETWEEN first AND last ORDER BY block_id LOOP
		UPDATE crmaudit.ledger_block n SET previous_hash = p.hash, entries_total = p.entries_total + n.entries
			FROM crmaudit.ledger_block p WHERE n.block_id = b.block_id AND p.block_id = b.block_id - 1;
		UPDATE crmaudit.ledger_block n SET hash = block_hash(n) WHERE block_id = b.block_id;
	END LOOP;
END $$;
-- Verification must see the rows that the attack changes in the same transaction.
CREATE FUNCTION attack_digest(label text, digest_of bigint, VARIADIC commands text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	command text;
	nrows bigint;
	result text;
BEGIN
	FOREACH command IN ARRAY commands LOOP
		EXECUTE command;
		GET DIAGNOSTICS nrows = ROW_COUNT;
		IF nrows = 0 AND command !~ '^(alter|drop)' THEN
			RAISE WARNING 'nothing done by: %', command;
		END IF;
	END LOOP;
	SELECT string_agg(f.status || ' ' || f.count, ', ' ORDER BY f.status) INTO result FROM (
		SELECT status, count(*) FROM crmaudit.verify_ledger((SELECT digest FROM digest WHERE block_id = digest_of)) GROUP BY status) f;
	RAISE EXCEPTION USING ERRCODE = 'P0999', MESSAGE = coalesce(result, 'intact');
EXCEPTION WHEN SQLSTATE 'P0999' THEN
	RETURN label || ': ' || SQLERRM;
END $$;
CREATE FUNCTION attack(label text, VARIADIC commands text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT attack_digest(label, NULL, VARIADIC commands)
$$;
\pset tuples_only on
\pset format unaligned


-- Nothing is wrong, also if all is computed anew from what is there.
SELECT attack('intact');
SELECT attack('rehash all is intact', $$select releaf()$$, $$select reroot_tx()$$, $$select reroot_period()$$, $$select reroot_block()$$, $$select rehash(1)$$);
SELECT attack_digest('rehash intact w digest', 2, $$select rehash(1)$$);

-- An entry is edited: its values, its key, its place, what it says of who did it.
SELECT attack('edit new', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('edit personal value', $$update e set new=new||'{"phone":"5"}' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('edit old', $$update e set old=old||'{"amount":5}' where op='U' and row_key->>'id'='2'$$);
SELECT attack('null old', $$update e set old=null where op='U' and row_key->>'id'='2'$$);
SELECT attack('edit row_key', $$update e set row_key='{"id":77}' where op='U' and row_key->>'id'='2'$$);
SELECT attack('null row_key', $$update e set row_key=null where op='U' and row_key->>'id'='2'$$);
SELECT attack('op', $$update e set op='I' where op='U' and row_key->>'id'='2'$$);
SELECT attack('at', $$update e set at=at-interval '1 s' where op='U' and row_key->>'id'='2'$$);
SELECT attack('at other month', $$update e set at=at-interval '2 months' where op='U' and row_key->>'id'='2'$$);
SELECT attack('at infinity', $$update e set at='infinity' where op='U' and row_key->>'id'='2'$$);
SELECT attack('at -infinity', $$update e set at='-infinity' where op='U' and row_key->>'id'='2'$$);
SELECT attack('table_id', $$update e set table_id=9999 where op='U' and row_key->>'id'='2'$$);
SELECT attack('target', $$update e set target='b' where op='U' and row_key->>'id'='2'$$);
SELECT attack('target dropped oid', $$update e set target=999999 where op='U' and row_key->>'id'='2'$$);
SELECT attack('subxid', $$update e set subxid='5' where op='U' and row_key->>'id'='2'$$);
SELECT attack('context', $$update e set context=context+50 where op='U' and row_key->>'id'='2'$$);
SELECT attack('context to other', $$update e set context=1, context_xid=(select xid from crmaudit.ledger_context c where c.xid<>e.context_xid limit 1) where op='U' and row_key->>'id'='2'$$);
SELECT attack('actor', $$update e set actor='x' where op='U' and row_key->>'id'='2'$$);
SELECT attack('reason', $$update e set reason=null where op='U' and row_key->>'id'='2'$$);
SELECT attack('client', $$update e set client='x' where op='U' and row_key->>'id'='2'$$);
SELECT attack('personal fewer', $$update e set personal='{mail}' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('personal null', $$update e set personal=null where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('personal {NULL}', $$update e set personal='{NULL}' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('personal {NULL,..}', $$update e set personal=array_fill(null::text,array[100000]) where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('personal 2d', $$update e set personal='{{phone,x},{y,NULL}}' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('personal {}', $$update e set personal='{}' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('salt', $$update e set salt=sha256(salt) where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('salt16', $$update e set salt=substr(sha256(salt),1,16) where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('salt null', $$update e set salt=null where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('commitments garbage', $$update e set commitments='[1,2]' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('commitments garbage2', $$update e set commitments='{"new":5}', salt=null where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('commitments scalar', $$update e set commitments='5', salt=null where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('row_key scalar', $$update e set row_key='5' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('new array', $$update e set new='[[1],2]' where xid=xid_of('a','I',1) and ord=3$$);

-- Values that were erased are no fault; values that were put in their place are.
SELECT attack('redacted', $$update crmaudit.ledger_entry e set commitments=crmaudit.entry_commitments(e), new=new-'phone', salt=null where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('redacted all', $$update crmaudit.ledger_entry e set commitments=crmaudit.entry_commitments(e), new=new-'{phone,mail}'::text[], salt=null where table_id>100 and new is not null and personal is not null and old is null$$);
SELECT attack('redacted then edited', $$update crmaudit.ledger_entry e set commitments=crmaudit.entry_commitments(e), new=new-'phone'||'{"phone":"1"}', salt=null where xid=xid_of('a','I',1) and ord=3$$);

-- Hashes are edited too, step by step up to the whole chain, which only a digest finds (D35).
SELECT attack('leaf', $$update e set leaf=sha256(leaf) where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('leaf short', $$update e set leaf='\\x01' where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('value+leaf', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('value+leaf of 2', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord in (3,4)$$, $$select releaf()$$);
SELECT attack('value+leaf+txroot', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$, $$select reroot_tx()$$);
SELECT attack('value+leaf+tx+period', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$, $$select reroot_tx()$$, $$select reroot_period()$$);
SELECT attack('value+..+block', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$, $$select reroot_tx()$$, $$select reroot_period()$$, $$select reroot_block()$$);
SELECT attack('value+..+block+hash', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$, $$select reroot_tx()$$, $$select reroot_period()$$, $$select reroot_block()$$, $$select rehash(2,2)$$);
SELECT attack_digest('rewritten, digest', 3, $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$, $$select reroot_tx()$$, $$select reroot_period()$$, $$select reroot_block()$$, $$select rehash(2)$$);
SELECT attack('rewritten, no digest', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$, $$select reroot_tx()$$, $$select reroot_period()$$, $$select reroot_block()$$, $$select rehash(2)$$);

-- Entries are deleted.
SELECT attack('delete middle', $$delete from e where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('delete first', $$delete from e where xid=xid_of('a','I',1) and ord=1$$);
SELECT attack('delete last', $$delete from e where xid=xid_of('a','I',1) and ord=10$$);
SELECT attack('delete two apart', $$delete from e where xid=xid_of('a','I',1) and ord in (3,6)$$);
SELECT attack('delete single tx', $$delete from e where xid=xid_of('a','U',4)$$);
SELECT attack('delete last tx', $$delete from e where xid=xid_of('b','I',1)$$);
SELECT attack('delete all of a block', $$delete from e where xid=xid_of('a','I',11)$$);

-- The list of transactions is edited, with entries and without.
SELECT attack('delete tx and its row', $$delete from crmaudit.ledger_transaction where xid=xid_of('a','U',4)$$, $$delete from e where xid=xid_of('a','U',4)$$);
SELECT attack('delete row, fix tx', $$delete from e where xid=xid_of('a','I',1) and ord=10$$, $$select reroot_tx()$$);
SELECT attack('delete tx row only', $$delete from crmaudit.ledger_transaction where xid=xid_of('a','U',4)$$);
SELECT attack('tx entries', $$update crmaudit.ledger_transaction set entries=entries+1 where xid=xid_of('a','U',4)$$);
SELECT attack('tx entries less', $$update crmaudit.ledger_transaction set entries=entries-1 where xid=xid_of('a','I',1)$$);
SELECT attack('tx entries neg', $$update crmaudit.ledger_transaction set entries=-1 where xid=xid_of('a','U',4)$$);
SELECT attack('tx entries +1-1', $$update crmaudit.ledger_transaction set entries=entries+1 where xid=xid_of('a','U',4)$$, $$update crmaudit.ledger_transaction set entries=entries-1 where xid=xid_of('a','U',1)$$);
SELECT attack('tx root', $$update crmaudit.ledger_transaction set root=sha256(root) where xid=xid_of('a','U',4)$$);
SELECT attack('tx xid', $$update crmaudit.ledger_transaction set xid='3' where xid=xid_of('a','U',4)$$);
SELECT attack('tx period', $$update crmaudit.ledger_transaction set period='2020-01-01' where xid=xid_of('a','U',4)$$);
SELECT attack('tx block', $$update crmaudit.ledger_transaction set block_id=2 where xid=xid_of('a','U',4)$$);
SELECT attack('tx extra', $$insert into crmaudit.ledger_transaction select block_id,period,'2',1,root from crmaudit.ledger_transaction where xid=xid_of('a','U',4)$$);
SELECT attack('tx extra other period', $$insert into crmaudit.ledger_transaction select block_id,'2020-01-01','2',1,root from crmaudit.ledger_transaction where xid=xid_of('a','U',4)$$);
SELECT attack('tx double', $$insert into crmaudit.ledger_transaction select * from crmaudit.ledger_transaction where xid=xid_of('a','U',4)$$);

-- The list of months is edited.
SELECT attack('bp root', $$update crmaudit.ledger_block_partition set root=sha256(root) where block_id=3$$);
SELECT attack('bp entries', $$update crmaudit.ledger_block_partition set entries=1+entries where block_id=3$$);
SELECT attack('bp transactions', $$update crmaudit.ledger_block_partition set transactions=1+transactions where block_id=3$$);
SELECT attack('bp period', $$update crmaudit.ledger_block_partition set period='2020-01-01' where block_id=3$$);
SELECT attack('bp delete', $$delete from crmaudit.ledger_block_partition where block_id=3$$);
SELECT attack('bp insert', $$insert into crmaudit.ledger_block_partition values (3,'2020-01-01',0,0,sha256(''))$$);
SELECT attack('bp insert beyond', $$insert into crmaudit.ledger_block_partition values (30,'2020-01-01',0,0,sha256(''))$$);
SELECT attack('block ' || c, 'update crmaudit.ledger_block set '||c||' where block_id=3')
	FROM unnest(array['entries=entries+1','transactions=transactions+1','entries_total=entries_total+1','last_at=now()','last_at=null','lsn=''0/1''','sealed_at=now()','root=sha256(root)','coverage=''{}''','coverage_hash=sha256('''')','previous_hash=sha256('''')','hash=sha256('''')','snapshot=null','snapshot=''5:5:''','snapshot=''1000000:1000000:''','incarnation=incarnation+1','incarnation=incarnation+(1::bigint<<24)','version=2']) AS c;
SELECT attack('block1 ' || c, 'update crmaudit.ledger_block set '||c||' where block_id=1')
	FROM unnest(array['entries=entries+1','root=sha256(root)','coverage=''{}''','coverage=null','previous_hash=sha256('''')','hash=sha256('''')','snapshot=null','version=2']) AS c;
SELECT attack('block4(last) ' || c, 'update crmaudit.ledger_block set '||c||' where block_id=4')
	FROM unnest(array['entries=entries+1','root=sha256(root)','coverage=''{}''','previous_hash=sha256('''')','hash=sha256('''')','snapshot=null','snapshot=''5:5:''','version=2']) AS c;

-- Blocks are deleted, with what belongs to them and without.
SELECT attack('block del middle', $$delete from crmaudit.ledger_block where block_id=3$$);
SELECT attack('block del first', $$delete from crmaudit.ledger_block where block_id=1$$);
SELECT attack('block del first2', $$delete from crmaudit.ledger_block where block_id<=2$$);
SELECT attack('block del middle w rows', $$delete from e using crmaudit.ledger_transaction t where t.xid=e.xid and block_id=3$$, $$delete from crmaudit.ledger_block where block_id=3$$, $$delete from crmaudit.ledger_block_partition where block_id=3$$, $$delete from crmaudit.ledger_transaction where block_id=3$$, $$delete from crmaudit.ledger_key where block_id=3$$);
SELECT attack('block del last', $$delete from crmaudit.ledger_block where block_id=4$$);
SELECT attack('block del last bp', $$delete from crmaudit.ledger_block where block_id=4$$, $$delete from crmaudit.ledger_block_partition where block_id=4$$);
SELECT attack('block del last bp,tx', $$delete from crmaudit.ledger_block where block_id=4$$, $$delete from crmaudit.ledger_block_partition where block_id=4$$, $$delete from crmaudit.ledger_transaction where block_id=4$$);
SELECT attack('block del last bp,tx,key', $$delete from crmaudit.ledger_block where block_id=4$$, $$delete from crmaudit.ledger_block_partition where block_id=4$$, $$delete from crmaudit.ledger_transaction where block_id=4$$, $$delete from crmaudit.ledger_key where block_id=4$$);
SELECT attack('block del last w rows', $$delete from e using crmaudit.ledger_transaction t where t.xid=e.xid and block_id=4$$, $$delete from crmaudit.ledger_block where block_id=4$$, $$delete from crmaudit.ledger_block_partition where block_id=4$$, $$delete from crmaudit.ledger_transaction where block_id=4$$, $$delete from crmaudit.ledger_key where block_id=4$$);
SELECT attack_digest('block del last w rows, digest', 4, $$delete from e using crmaudit.ledger_transaction t where t.xid=e.xid and block_id=4$$, $$delete from crmaudit.ledger_block where block_id=4$$, $$delete from crmaudit.ledger_block_partition where block_id=4$$, $$delete from crmaudit.ledger_transaction where block_id=4$$, $$delete from crmaudit.ledger_key where block_id=4$$);
SELECT attack_digest('block del last, digest', 4, $$delete from crmaudit.ledger_block where block_id=4$$);
SELECT attack('all blocks gone', $$delete from crmaudit.ledger_block$$);
SELECT attack_digest('blocks table truncated all', 4, $$delete from crmaudit.ledger_block$$, $$delete from crmaudit.ledger_block_partition$$, $$delete from crmaudit.ledger_transaction$$);
SELECT attack_digest('ledger emptied', 4, $$delete from crmaudit.ledger_block$$, $$delete from crmaudit.ledger_block_partition$$, $$delete from crmaudit.ledger_transaction$$, $$delete from e$$, $$delete from crmaudit.ledger_key$$);
SELECT attack('entries emptied', $$delete from e$$);

-- Entries are forged.
SELECT attack('forged ord+1', $$insert into e select (jsonb_populate_record(e,'{"ord":11}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('forged ord+5', $$insert into e select (jsonb_populate_record(e,'{"ord":15}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('forged ord 0', $$insert into e select (jsonb_populate_record(e,'{"ord":0}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('forged ord -1', $$insert into e select (jsonb_populate_record(e,'{"ord":-1}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('duplicate', $$insert into e select * from e where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('forged dup ord', $$insert into e select (jsonb_populate_record(e,'{"new":{"id":3}}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('forged old xid', $$insert into e select (jsonb_populate_record(e,'{"xid":"5","ord":1}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('forged 3 old xid', $$insert into e select (jsonb_populate_record(e,'{"xid":"5"}')).* from e where xid=xid_of('a','I',1) and ord<=3$$, $$select releaf()$$);
SELECT attack('forged xid between', format($$insert into e select (jsonb_populate_record(e,'{"xid":"%s","ord":1}')).* from e where xid=xid_of('a','I',1) and ord=3$$, (select pg_snapshot_xmax(snapshot) from crmaudit.ledger_block where block_id=2)), $$select releaf()$$);
SELECT attack('forged with no leaf', $$insert into e select (jsonb_populate_record(e,'{"xid":"5","ord":1}')).* from e where xid=xid_of('a','I',1) and ord=3$$);
SELECT attack('forged other month', $$insert into e select (jsonb_populate_record(e,'{"at":"2024-01-01","ord":11}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('forged tail future xid', $$insert into e select (jsonb_populate_record(e,'{"xid":"999999","ord":1}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('forged tail huge xid', $$insert into e select (jsonb_populate_record(e,'{"xid":"18446744073709551615","ord":1}')).* from e where xid=xid_of('a','I',1) and ord=3$$, $$select releaf()$$);
SELECT attack('forged tail dup', $$insert into e select * from e where xid=xid_of('a','I',12) and ord=1$$, $$select releaf()$$);
SELECT attack('forged domain', $$insert into e select (jsonb_populate_record(e,jsonb_build_object('incarnation',5<<24))).* from e where xid=xid_of('a','I',12) and ord=1$$, $$select releaf()$$);
SELECT attack('move to other domain', $$update e set incarnation=5<<24 where xid=xid_of('a','I',1) and ord=3$$);

-- Entries change places.
SELECT attack('edit ord last', $$update e set ord=12 where xid=xid_of('a','I',1) and ord=10$$);
SELECT attack('edit ord middle', $$update e set ord=12 where xid=xid_of('a','I',1) and ord=5$$);
SELECT attack('edit ord +leaf', $$update e set ord=12 where xid=xid_of('a','I',1) and ord=10$$, $$select releaf()$$);
SELECT attack('single at other month', $$update e set at=at-interval '2 months' where xid=xid_of('a','I',11)$$);
SELECT attack('relabelled pruned', 'insert into crmaudit.ledger_pruned values (''2020-01-01'',5,''{}'')','update crmaudit.ledger_block_partition set period=''2020-01-01'' where block_id=3','delete from e using crmaudit.ledger_transaction t where t.xid=e.xid and block_id=3','delete from crmaudit.ledger_transaction where block_id=3');
SELECT attack('swap values', $$update e set new=(select new from e x where x.xid=e.xid and x.ord=7-e.ord) where xid=xid_of('a','I',1) and ord in (3,4)$$);
SELECT attack('swap ords', $$update e set ord=7-ord where xid=xid_of('a','I',1) and ord in (3,4)$$);
SELECT attack('swap ords+leaf', $$update e set ord=7-ord where xid=xid_of('a','I',1) and ord in (3,4)$$, $$select releaf()$$);
SELECT attack('swap leaves', $$update e set leaf=(select leaf from e x where x.xid=e.xid and x.ord=7-e.ord) where xid=xid_of('a','I',1) and ord in (3,4)$$);
SELECT attack('swap xids', format($$update e set xid=case when xid='%1$s' then '%2$s'::xid8 else '%1$s'::xid8 end where xid in ('%1$s','%2$s')$$, xid_of('a','U',4), xid_of('a','U',5)));
SELECT attack('xid', $$update e set xid='5' where xid=xid_of('a','U',4)$$);

-- What is not sealed yet: each entry verifies by itself, and rows are held against it.
SELECT attack('tail edit', $$update e set new=new||'{"amount":5}' where xid=xid_of('a','I',12) and ord=1$$);
SELECT attack('tail delete first', $$delete from e where xid=xid_of('a','I',12) and ord=1$$);
SELECT attack('tail delete middle', $$delete from e where xid=xid_of('b','I',2) and ord=2$$);
SELECT attack('tail delete last', $$delete from e where xid=xid_of('b','I',2) and ord=3$$);

-- Contexts are edited; what is wrong with one is told once.
SELECT attack('context actor', $$update crmaudit.ledger_context set actor='x' where reason='because'$$);
SELECT attack('context app', $$update crmaudit.ledger_context set application_name='x' where reason='because'$$);
SELECT attack('context leaf', $$update crmaudit.ledger_context set leaf=sha256(leaf) where reason='because'$$);
SELECT attack('context deleted', $$delete from crmaudit.ledger_context where reason='because'$$);
SELECT attack('context actor+leaf', $$update crmaudit.ledger_context c set actor='x', leaf=sha256(leaf) where reason='because'$$, $$update crmaudit.ledger_context c set leaf=crmaudit.ledger_context_leaf(c) where reason='because'$$);
SELECT attack('context duplicate', $$insert into crmaudit.ledger_context select (jsonb_populate_record(c,'{"actor":"y"}')).* from crmaudit.ledger_context c where reason='because'$$);

-- Partitions and indexes are not there.
SELECT attack('partition detached', format('alter table crmaudit.ledger_entry detach partition crmaudit.ledger_entry_%s', to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')));
SELECT attack('context partition gone', format('alter table crmaudit.ledger_context detach partition crmaudit.ledger_context_%s', to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')));
SELECT attack('index gone', format('drop index crmaudit.ledger_entry_%s_xid_idx', to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')));

-- What no hash covers, for it can be had from what others cover.
SELECT attack('incarnation deleted', $$delete from crmaudit.ledger_incarnation$$);
SELECT attack('incarnation edited', $$update crmaudit.ledger_incarnation set previous_hash=sha256('')$$);
SELECT attack('incarnation first', $$update crmaudit.ledger_incarnation set first_block=3$$);
SELECT attack('key deleted', $$delete from crmaudit.ledger_key where block_id=4$$);
SELECT attack('key edited', $$update crmaudit.ledger_key set key_hash=5 where block_id=4$$);

-- Triggers are switched off.
SELECT attack('trigger disabled', $$alter table a disable trigger zz_crmaudit_ledger$$);
SELECT attack('trigger not always', $$alter table a enable trigger zz_crmaudit_ledger$$);
SELECT attack('trigger dropped', $$drop trigger zz_crmaudit_ledger on a$$);
SELECT attack('truncate trigger dropped', $$drop trigger zz_crmaudit_ledger_truncate on a$$);
SELECT attack('trigger off + write', $$alter table a disable trigger zz_crmaudit_ledger$$, $$update a set amount=9 where id=1$$);

-- Months seem pruned.
SELECT attack('pruned', 'insert into crmaudit.ledger_pruned values (date_trunc(''month'', now() at time zone ''UTC''),5,''{}'')', 'delete from e','delete from crmaudit.ledger_transaction','delete from crmaudit.ledger_key');
SELECT attack('pruned but one', 'insert into crmaudit.ledger_pruned values (date_trunc(''month'', now() at time zone ''UTC''),5,''{}'')', 'delete from e where not (row_key->>''id''=''3'' and op=''I'' and table_id=101)','delete from crmaudit.ledger_transaction','delete from crmaudit.ledger_key');
SELECT attack('pruned false', 'insert into crmaudit.ledger_pruned values (''2020-01-01'',5,''{}'')', 'delete from e','delete from crmaudit.ledger_transaction','delete from crmaudit.ledger_key');

-- Blocks are forged.
SELECT attack('block appended garbage', $$insert into crmaudit.ledger_block select (jsonb_populate_record(b,'{"block_id":9}')).* from crmaudit.ledger_block b where block_id=4$$);
SELECT attack('block appended', $$insert into crmaudit.ledger_block select (jsonb_populate_record(b,'{"block_id":5}')).* from crmaudit.ledger_block b where block_id=4$$);
SELECT attack('block 0', $$insert into crmaudit.ledger_block select (jsonb_populate_record(b,'{"block_id":0}')).* from crmaudit.ledger_block b where block_id=4$$);

-- A statement that changed rows in an outer block, whose entries are not
-- written yet: what cannot be seen is not called intact.
DO $$
BEGIN
	UPDATE a SET amount = 5 WHERE id = 1;
	BEGIN
		RAISE WARNING '%', (SELECT status || ' ' || detail FROM crmaudit.verify_ledger());
	EXCEPTION WHEN division_by_zero THEN
		NULL;
	END;
END $$;
SELECT attack('rows changed by the statement itself', $$update a set amount=6 where id=1$$, $$delete from b where id=1$$);

-- The work split between sessions; each entry is read once.
SELECT crmaudit.seal() IS NOT NULL;
SELECT first_block, last_block FROM crmaudit.verify_ranges(3) ORDER BY 1;
SELECT first_block, last_block FROM crmaudit.verify_ranges(1);
UPDATE e SET new = '{}' WHERE xid = xid_of('a', 'I', 1) AND ord = 3;
SELECT r.first_block, v.status, v.ord FROM crmaudit.verify_ranges(3) r, crmaudit.verify_ledger_range(r.first_block, r.last_block) v;
SELECT status FROM crmaudit.verify_ledger(crmaudit.ledger_digest(), true);
\pset tuples_only off
\pset format aligned
\c :regress
DROP DATABASE crmaudit_attacks;
