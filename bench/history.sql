-- Reading a ledger of 5,000,000 entries: planted in 35 months, 200,000 rows of
-- 25 entries each, sealed in 500 blocks. For psql, in a cluster of its own:
--	psql -d postgres -f bench/history.sql
-- Times are CPU of the backend, read from /proc.
DROP DATABASE IF EXISTS crmaudit_history;
CREATE DATABASE crmaudit_history;
\c crmaudit_history
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, full_name text, phone text, mail text, city text, status text, owner text, updated_at timestamptz);
SELECT crmaudit.track('customer', personal=>'{phone,mail}');
SELECT t.table_id AS tid FROM crmaudit.tracked_table t WHERE target='customer'::regclass \gset
SELECT crmaudit.create_ledger_partition(p, m::date) FROM unnest('{crmaudit.ledger_entry,crmaudit.ledger_context}'::regclass[]) p, generate_series('2023-12-01'::timestamp,'2026-10-01','1 month') m;
UPDATE crmaudit.tracked_table SET tracked_at='2023-12-01', baselined_at='2023-12-01' WHERE target='customer'::regclass;

-- entry n: transaction 1000000 + n/10, ord 1..10; 200,000 rows
INSERT INTO crmaudit.ledger_entry
SELECT crmaudit.ledger_incarnation(), (1000000000 + n/10)::text::xid8, '2023-12-01'::timestamptz + n * interval '18 seconds', (1000000000 + n/10)::text::xid8, :tid, 'customer'::regclass, n%10+1, 1,
  CASE WHEN n < 200000 THEN 'I' ELSE 'U' END::"char", NULL, jsonb_build_object('id', r),
  CASE WHEN n >= 200000 THEN jsonb_build_object('status','s'||(n-200000)%7,'city','city'||(n%100)) END,
  CASE WHEN n < 200000 THEN jsonb_build_object('id',r,'full_name','Name '||r,'phone','+86138'||r,'mail','m'||r||'@example.cn','city','city'||(n%100),'status','new','owner','li','updated_at','2023-12-01T00:00:00+00:00')
    ELSE jsonb_build_object('status','s'||n%7,'city','city'||(n%101)) END,
  'li', 'batch', '[local]', '{phone,mail}', '\x000102030405060708090a0b0c0d0e0f', NULL, '\x0000000000000000000000000000000000000000000000000000000000000000'
FROM (SELECT n, CASE WHEN n < 200000 THEN n ELSE (n::bigint*7919)%200000 END AS r FROM generate_series(0,4999999) n) g;
INSERT INTO crmaudit.ledger_context
SELECT crmaudit.ledger_incarnation(), (1000000000 + x)::text::xid8, '2023-12-01'::timestamptz + x * interval '180 seconds', 1, 'li','li','li','[local]','crm','batch','\x00' FROM generate_series(0,499999) x;
INSERT INTO crmaudit.ledger_block SELECT b, 1, crmaudit.ledger_incarnation(), format('%s:%s:', 1000000000+b*1000, 1000000000+b*1000)::pg_snapshot, 10000, 1000, b*10000, '2023-12-01', '0/0', '2023-12-01'::timestamptz + b*interval '180000 seconds', '\x','{}','\x','\x','\x' FROM generate_series(1,500) b;
INSERT INTO crmaudit.ledger_key SELECT table_id, ord, h, b, xid FROM (SELECT e.table_id, e.ord, jsonb_hash_extended(row_key, table_id) AS h, (xid::text::bigint-1000000000)/1000+1 AS b, xid FROM crmaudit.ledger_entry e WHERE row_key IS NOT NULL AND table_id=:tid) s ORDER BY b, h;
INSERT INTO crmaudit.ledger_block_partition SELECT DISTINCT b, date_trunc('month', ('2023-12-01'::timestamptz + s * interval '1 second') AT TIME ZONE 'UTC')::date, 1, 1, '\x'::bytea
	FROM generate_series(1, 500) b, LATERAL (VALUES ((b - 1) * 180000), (b * 180000 - 1)) v(s);
VACUUM ANALYZE;
INSERT INTO crmaudit.ledger_key SELECT e.table_id, e.ord, jsonb_hash_extended('null', e.table_id), 500, e.xid FROM crmaudit.ledger_entry e WHERE row_key IS NULL AND table_id > 100;
CREATE FUNCTION cpu() RETURNS numeric LANGUAGE sql AS $$
	SELECT (split_part(s, ' ', 14)::numeric + split_part(s, ' ', 15)::numeric) * 10 FROM pg_read_file('/proc/' || pg_backend_pid() || '/stat') s $$;
SELECT count(*) FROM crmaudit.row_history('customer', '5') \gset
SELECT cpu() \gset
DO $$ BEGIN FOR i IN 1 .. 2000 LOOP PERFORM count(*) FROM crmaudit.row_history('customer', to_jsonb((i * 7717) % 200000)); END LOOP; END $$;
SELECT round((cpu() - :cpu) / 2000, 2) AS row_history_ms \gset
SELECT cpu() \gset
DO $$ BEGIN FOR i IN 1 .. 500 LOOP PERFORM crmaudit.restore_row('customer', to_jsonb((i * 7717) % 200000), '2025-01-01'); END LOOP; END $$;
SELECT round((cpu() - :cpu) / 500, 2) AS restore_row_ms \gset
SELECT cpu() \gset
SELECT count(*) FROM crmaudit.as_of(NULL::customer, '2026-11-01') \gset
SELECT round((cpu() - :cpu) / 1000, 1) AS as_of_s \gset
SELECT cpu() \gset
SELECT count(new) FROM crmaudit.change_history WHERE at >= '2026-09-01' AND at < '2026-10-01' \gset
SELECT round(cpu() - :cpu) AS month_ms \gset
\echo row_history(), 25 entries: :row_history_ms ms; restore_row(): :restore_row_ms ms; as_of() over all: :as_of_s s; a month of change_history: :month_ms ms
