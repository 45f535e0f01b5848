# shellcheck shell=bash
# What a recorded table costs its writers, beside other means; how fast the
# ledger is sealed and verified, and a row's history found.  bench/run reads
# this.
#	ENTRIES	length of the long ledger (5,000,000)
#	SLICE	seconds that pgbench runs at a time (5)

ENTRIES=${ENTRIES:-5000000}
SLICE=${SLICE:-5}
LEDGER_CLIENTS=16

# Debian's table_log, unpacked into the private installation only.
ledger_tablelog()
{
	local package

	package=postgresql-$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')-tablelog
	[ ! -e "$("$PG_CONFIG" --sharedir)/extension/table_log.control" ] || return 0
	mkdir -p "$WORK/tablelog"
	(cd "$WORK/tablelog" && apt-get -qq download "$package" && dpkg-deb -x "$package"_*.deb "$WORK/root") >/dev/null 2>&1 || {
		echo "tablelog is not measured (Debian: $package)" >&2
		return 1
	}
}

# ledger_restart [OPTIONS]: restarts the server, with options for it.
ledger_restart()
{
	as_user pg_ctl -D "$RUN/data" -w stop >/dev/null
	as_user pg_ctl -D "$RUN/data" -l "$RUN/server.log" -o "${1:-}" -w start >/dev/null
}

# The cluster as the ledger is run: with its worker, for one database.
ledger_begin()
{
	local tablelog=false

	! ledger_tablelog || tablelog=true
	ledger_restart "-c shared_preload_libraries=crmaudit -c crmaudit.databases=bench_ledger -c crmaudit.discovery_interval=1"
	createdb bench_ledger
	export PGDATABASE=bench_ledger
	sql -c 'CREATE EXTENSION crmaudit'
	ledger_sealer off
	sql -v rows="$ROWS" -f bench/data.sql
	sql -v tablelog="$tablelog" -f bench/ledger/ledger.sql >/dev/null
}

ledger_end()
{
	sql -d postgres -c 'ALTER SYSTEM RESET ALL'
	ledger_restart
	dropdb bench_ledger
	export PGDATABASE=bench
}

# ledger_sealer on | off: the worker seals every second, or not at all.
ledger_sealer()
{
	local interval=0

	[ "$1" = off ] || interval=1s
	sql -c "ALTER SYSTEM SET crmaudit.seal_interval = '$interval'" -c 'SELECT pg_reload_conf()' >/dev/null
}

# ledger_statement WAY STATEMENT ROUND SQL: its time, and what it writes to WAL.
ledger_statement()
{
	local ms wal

	read -r ms wal < <(sql <<SQL | sed 's/^Time: \([0-9.]*\) ms.*/\1/' | tr '\n' ' '
SELECT pg_current_wal_insert_lsn() AS start \gset
\timing on
$4;
\timing off
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), :'start');
SQL
	) || true
	[ -n "$wal" ] || die "$1: $2 failed"
	sql -c "INSERT INTO bench_ledger.bulk VALUES ('$1', '$2', $3, $ms, $wal)"
}

# All rows are written, then two columns of all of them; no page is written to
# WAL as a whole because of a checkpoint in between.
ledger_bulk()
{
	local round name

	for round in $(seq "$ROUNDS"); do
		sql -c "SELECT name FROM bench_ledger.way ORDER BY (n + $round) % (SELECT count(*) FROM bench_ledger.way)" |
		while read -r name; do
			sql -c CHECKPOINT -c 'SELECT count(*) FROM bench.valid' >/dev/null
			ledger_statement "$name" INSERT "$round" "INSERT INTO bench_ledger.$name SELECT * FROM bench.valid"
			ledger_statement "$name" UPDATE "$round" "UPDATE bench_ledger.$name
				SET premium = premium + 1, status = CASE status WHEN 'lead' THEN 'customer' ELSE 'lead' END"
			ledger_empty "$name"
		done
		echo "ledger: bulk, round $round of $ROUNDS" >&2
	done
}

ledger_empty()
{
	sql -c "TRUNCATE bench_ledger.$1"
	case $1 in
		ledger | ledger_searched) sql -c 'SELECT bench_ledger.empty_ledger()' >/dev/null ;;
		json) sql -c 'TRUNCATE bench_ledger.json_audit' ;;
		tablelog) sql -c 'TRUNCATE bench_ledger.tablelog_log' ;;
	esac
}

# ledger_pgbench OPTION ...: runs pgbench for a slice with the script on standard
# input; prints tps, the average latency, that of 99 and of 99.9 of 100
# transactions, and the longest, in ms.
ledger_pgbench()
{
	rm -rf "$RUN/latency"
	mkdir -p "$RUN/latency"
	pgbench -n "$@" -f - --log --log-prefix="$RUN/latency/log" >"$WORK/pgbench.log" 2>&1 || die "$(cat "$WORK/pgbench.log")"
	sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$WORK/pgbench.log" | tr '\n' ' '
	cat "$RUN"/latency/log* | awk '{ print $3 }' | sort -n |
		awk '{ v[NR] = $1; sum += $1 }
			END { print sum / NR / 1000, v[int((NR - 1) * 0.99) + 1] / 1000, v[int((NR - 1) * 0.999) + 1] / 1000, v[NR] / 1000 }'
}

# Single rows, all ways in turn, with and without the sealer: as PostgreSQL is
# set up, and where recording weighs most.
ledger_single()
{
	local durability round name table protocol tps average p99 p999 longest

	for name in $(sql -c "SELECT name FROM bench_ledger.way WHERE base = 'plain'"); do
		sql -c "INSERT INTO bench_ledger.$name SELECT * FROM bench.valid" -c "VACUUM ANALYZE bench_ledger.$name"
	done
	sql -c 'SELECT crmaudit.seal()' >/dev/null
	for durability in on off; do
		sql -c "ALTER SYSTEM SET fsync = $durability" -c 'SELECT pg_reload_conf()' >/dev/null
		protocol=simple
		[ $durability = on ] || protocol=prepared
		for round in $(seq "$ROUNDS"); do
			sql -c "SELECT name FROM (SELECT name, n FROM bench_ledger.way WHERE base = 'plain' UNION ALL VALUES ('unsealed', 0)) w ORDER BY (n + $round) % 5" |
			while read -r name; do
				table=$name
				[ "$name" != unsealed ] || table=ledger
				[ "$name" != ledger ] || ledger_sealer on
				sql -c "VACUUM bench_ledger.$table" -c CHECKPOINT
				read -r tps average p99 p999 longest < <(ledger_pgbench -M $protocol -c $LEDGER_CLIENTS -j 2 -T "$SLICE" <<SQL
\set mobile random(13500000000, 13999999999)
\set n random(1, $ROWS)
UPDATE bench_ledger.$table SET mobile = (:mobile)::text WHERE customer_no = :n;
SQL
				)
				sql -c "INSERT INTO bench_ledger.single VALUES ('$durability', '$name', $round, $tps, $p999, $longest)"
				if [ "$table" = ledger ]; then
					[ "$name" = unsealed ] || ledger_sealer off
					# What is left does not disturb the next.
					sql -c 'SELECT crmaudit.seal()' >/dev/null
				fi
			done
			echo "ledger: single rows, fsync $durability, round $round of $ROUNDS" >&2
		done
	done
	# The fastest sealer is one that does not run.
	[ "$(sql -c 'SELECT count(*) > 4 * '"$ROUNDS"' FROM crmaudit.ledger_block')" = t ] || die "the worker has sealed nothing"
	for name in $(sql -c "SELECT name FROM bench_ledger.way WHERE base = 'plain'"); do
		ledger_empty "$name"
	done
}

# ledger_pass TITLE ENTRIES STATEMENT: its time, its time on the processor, and
# the most memory that the backend had of its own while it ran.
ledger_pass()
{
	local pid out=$WORK/pass.out peak=0 now ms cpu

	: >"$WORK/pid"
	sql -c "LOAD 'crmaudit'" -c "SELECT pg_backend_pid()" -o "$WORK/pid" -c 'SET client_min_messages = log' \
		-c 'SET log_statement_stats = on' -c '\timing on' -c "$3" >"$out" 2>&1 &
	while [ -n "$(jobs -rp)" ]; do
		pid=$(cat "$WORK/pid")
		if [ -n "$pid" ]; then
			now=$(awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || true
			[ "${now:-0}" -le "$peak" ] || peak=$now
		fi
		sleep 0.02
	done
	wait
	ms=$(sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$out" | tail -n 1)
	cpu=$(sed -nE 's/^!\t([0-9.]+) s user, ([0-9.]+) s system, .*/\1 \2/p' "$out" | tail -n 1 | awk '{ print ($1 + $2) * 1000 }')
	[ -n "$ms" ] || die "$(cat "$out")"
	sql -c "INSERT INTO bench_ledger.pass (title, entries, ms, cpu, peak_kb) VALUES ('$1', $2, $ms, $cpu, $peak)"
	echo "ledger: $1" >&2
}

ledger_verify()
{
	ledger_pass verify "$(sql -c 'SELECT count(*) FROM crmaudit.ledger_entry')" 'SELECT count(*) FROM crmaudit.verify_ledger()'
	[ -z "$(sql -c 'SELECT status FROM crmaudit.verify_ledger()')" ] || die "the ledger does not verify"
}

# ledger_lookup TITLE
ledger_lookup()
{
	local tps average p99 p999 longest

	read -r tps average p99 p999 longest < <(ledger_pgbench -M prepared -T "$SLICE" <<SQL
\set n random(1, $ROWS)
SELECT count(*) FROM crmaudit.row_history('bench_ledger.account', jsonb_build_object('customer_no', :n::int));
SQL
	)
	sql -c "INSERT INTO bench_ledger.lookup (title, entries, average, p99, longest)
		SELECT '$1', count(*), $average, $p99, $longest FROM crmaudit.ledger_entry"
}

# Two lengths; what grows with the ledger shows between them.
ledger_length()
{
	local passes=$((ENTRIES / ROWS)) pass

	[ $passes -ge 5 ] || die "ENTRIES is less than five times ROWS"
	sql -c "SELECT crmaudit.track('bench_ledger.account')" >/dev/null
	for pass in $(seq $passes); do
		sql -c "CALL bench_ledger.write_accounts($ROWS)" -c 'VACUUM ANALYZE bench_ledger.account'
		if [ "$pass" = $((passes / 5)) ] || [ "$pass" = $passes ]; then
			ledger_pass "seal, transactions of 1,000 rows" \
				"$(sql -c 'SELECT count(*) - coalesce((SELECT sum(entries) FROM crmaudit.ledger_block), 0) FROM crmaudit.ledger_entry')" \
				'SELECT crmaudit.seal()'
			sql -c 'VACUUM ANALYZE'
			ledger_verify
		fi
	done
	ledger_lookup "all is sealed"
	sql -c "UPDATE bench_ledger.account SET premium = premium + 1 WHERE customer_no <= 10000"
	ledger_lookup "10,000 entries are not sealed"
	sql -c 'SELECT crmaudit.seal()' >/dev/null

	pgbench -n -M prepared -c $LEDGER_CLIENTS -j 2 -t $((ENTRIES / 25 / LEDGER_CLIENTS)) -f - >"$WORK/pgbench.log" 2>&1 <<SQL || die "$(cat "$WORK/pgbench.log")"
\set n random(1, $ROWS)
UPDATE bench_ledger.account SET premium = premium + 1 WHERE customer_no = :n;
SQL
	ledger_pass "seal, transactions of one row" $((ENTRIES / 25 / LEDGER_CLIENTS * LEDGER_CLIENTS)) 'SELECT crmaudit.seal()'
}

bench_ledger()
{
	ledger_begin
	! wanted ledger_bulk ledger || ledger_bulk
	! wanted ledger_single ledger || ledger_single
	! wanted ledger_length ledger || ledger_length
	psql -Xq -P footer=off -P border=2 -v rows="$ROWS" -v rounds="$ROUNDS" -v slice="$SLICE" -v clients=$LEDGER_CLIENTS -f bench/ledger/report.sql
	ledger_end
}
