# shellcheck shell=bash
# What a sweep costs, beside reading the same columns, beside the same checks
# and groupings as SQL; how it grows with rows, findings and workers; and
# whether it finds the demo's planted defects, and nothing else.  bench/run
# reads this.
#	ROWS		rows of the small tables (here 1,000,000)
#	SWEEP_ROWS	rows of the large ones (ten times that)
#	CUSTOMERS	customers of the demo (1,000,000)

SWEEP_SMALL=${ROWS:-1000000}
SWEEP_ROWS=${SWEEP_ROWS:-$((10 * SWEEP_SMALL))}
CUSTOMERS=${CUSTOMERS:-$((SWEEP_SMALL < 1000000 ? SWEEP_SMALL : 1000000))}

# sweep_time CASE ROUND STATEMENT [FAILURES]: its time, in a transaction that is
# rolled back, so that each round finds the state of the first; what must be
# found, if it is a sweep.  All has been read once before.
sweep_time()
{
	local ms found table

	table=$(sql -c "SELECT source FROM bench_sweep.scenario WHERE name = '$1'")
	sql -c VACUUM -c CHECKPOINT -c "SELECT count(*) FROM bench_sweep.$table" >/dev/null
	sql >"$WORK/sweep.out" <<SQL
LOAD 'crmaudit';
SELECT coalesce(max(id), 0) AS last FROM crmaudit.run \gset
BEGIN;
\timing on
$3;
SET CONSTRAINTS ALL IMMEDIATE;
\timing off
SELECT 'failures ' || failures FROM crmaudit.run WHERE id > :last;
ROLLBACK;
SQL
	ms=$(sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$WORK/sweep.out" | awk '{ ms += $1 } END { print ms }')
	found=$(sed -n 's/^failures //p' "$WORK/sweep.out")
	[ "$found" = "${4:-}" ] || die "$1: found ${found:-nothing} instead of ${4:-nothing}"
	sql -c "INSERT INTO bench_sweep.timing VALUES ('$1', $2, $ms)"
}

# sweep_rounds PART: its cases in turn, another one first in each round.
sweep_rounds()
{
	local round name failures statement

	for round in $(seq "$ROUNDS"); do
		for name in $(sql -c "SELECT name FROM bench_sweep.scenario WHERE part = '$1'
			ORDER BY (n + $round) % (SELECT count(*) FROM bench_sweep.scenario WHERE part = '$1'), n"); do
			failures=$(sql -c "SELECT failures FROM bench_sweep.scenario WHERE name = '$name'")
			statement=$(sql -c "SELECT statement FROM bench_sweep.scenario WHERE name = '$name'")
			sweep_time "$name" "$round" "$statement" "$failures"
		done
		echo "sweep: $1, round $round of $ROUNDS" >&2
	done
}

# sweep_memory TITLE TABLE: the most memory that the backend has of its own in
# each phase of a sweep, above what it had after a sweep of a small table.
sweep_memory()
{
	local pid='' now phase base='' samples=0
	local -A peak=([scan]=0 [write]=0 [fold]=0)

	rm -f "$WORK/pid"
	sql >"$WORK/sweep.out" 2>&1 <<SQL &
SELECT crmaudit.sweep('bench_sweep.warm', workers => 0);
\o $WORK/pid
SELECT pg_backend_pid();
\o
SELECT pg_sleep(0.5);
BEGIN;
SELECT crmaudit.sweep('bench_sweep.$2', workers => 0);
ROLLBACK;
\echo complete
SQL
	while [ -n "$(jobs -rp)" ]; do
		[ -n "$pid" ] || pid=$(cat "$WORK/pid" 2>/dev/null) || true
		now=
		[ -z "$pid" ] || now=$(awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || true
		if [ -n "$now" ]; then
			[ -n "$base" ] || base=$now
			# Asked afterwards: what was read is of this phase, or of the one before.
			phase=$(sql -c "SELECT CASE phase WHEN 'writing' THEN 'write' ELSE 'scan' END FROM crmaudit.sweep_progress WHERE pid = $pid")
			phase=${phase:-fold}
			[ "$now" -le "${peak[$phase]}" ] || peak[$phase]=$now
			samples=$((samples + 1))
		fi
		sleep 0.01
	done
	wait
	grep -qx complete "$WORK/sweep.out" || die "$(cat "$WORK/sweep.out")"
	sql -c "INSERT INTO bench_sweep.memory (title, base_kb, scan_kb, write_kb, fold_kb, samples)
		VALUES ('$1', $base, ${peak[scan]}, ${peak[write]}, ${peak[fold]}, $samples)" -c VACUUM
	echo "sweep: memory, $1" >&2
}

# Findings that are there already; then rounds beside the same table without.
sweep_again()
{
	sql -c "SELECT crmaudit.sweep('bench_sweep.bad_large', workers => 0)" -c 'VACUUM ANALYZE' >/dev/null
	sweep_rounds again
	sweep_memory "large, 1 % bad, found before" bad_large
}

sweep_large()
{
	local need=$((SWEEP_ROWS * 600 / 1024)) free

	# Two tables with their keys, WAL, and as much again for sorting.
	free=$(df -k --output=avail "$RUN" | tail -n 1)
	[ "$free" -gt "$need" ] || die "$SWEEP_ROWS rows need $need KB on the disk of $RUN, $free are free"
	sql -v rows="$SWEEP_ROWS" -f bench/sweep/large.sql >/dev/null
	sweep_rounds large
	sweep_memory "small, no findings" good
	sweep_memory "large, no findings" good_large
	sweep_memory "large, 1 % bad, found first" bad_large
	sweep_again
}

bench_sweep()
{
	# The phase of a sweep is known where the server has loaded the library; its
	# worker, which would fold what is found, is kept elsewhere.
	ledger_restart "-c shared_preload_libraries=crmaudit -c crmaudit.databases=postgres"
	createdb bench_sweep
	export PGDATABASE=bench_sweep
	sql -c 'CREATE EXTENSION crmaudit'
	sql -v rows="$SWEEP_SMALL" -f bench/data.sql
	sql -f bench/rules.sql
	sql -v rows="$SWEEP_SMALL" -f bench/sweep/sweep.sql >/dev/null
	! wanted sweep_rows sweep || sweep_rounds rows
	! wanted sweep_groups sweep || sweep_rounds groups
	! wanted sweep_large sweep || sweep_large
	psql -Xq -P footer=off -P border=2 -v rows="$SWEEP_SMALL" -v large="$SWEEP_ROWS" -v rounds="$ROUNDS" -f bench/sweep/report.sql
	export PGDATABASE=bench
	dropdb bench_sweep
	ledger_restart
}

# The demo at its full size: what was planted is found, and nothing else.
bench_demo_exact()
{
	local file ms

	createdb bench_demo
	export PGDATABASE=bench_demo
	sql -c 'CREATE EXTENSION crmaudit'
	for file in schema data; do
		sql -v customers="$CUSTOMERS" -f demo/$file.sql >/dev/null
	done
	echo "demo_exact: $CUSTOMERS customers are there" >&2
	sql -v mode=observe -f demo/rules.sql >/dev/null
	ms=$(sql -c '\timing on' -c 'SELECT crmaudit.sweep()' | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p')
	psql -Xq -P footer=off -P border=2 -v customers="$CUSTOMERS" -v ms="$ms" -f bench/sweep/demo_exact.sql
	export PGDATABASE=bench
	dropdb bench_demo
}
