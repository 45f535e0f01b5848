# shellcheck shell=bash
# How long the audit views take on the demo at its full size, with the indexes
# that crmaudit.suggest_indexes() names.  bench/run reads this.
#	CUSTOMERS	customers of the demo (1,000,000)

# views_time VIEW: all of its rows and columns, once after a first time.
views_time()
{
	local ms rows

	rows=$(sql -c "SELECT count(v) FROM crmaudit.$1 v")
	ms=$(sql -c '\timing on' -c "SELECT count(v) FROM crmaudit.$1 v" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p')
	sql -c "INSERT INTO bench_views.timing VALUES ('$1', $rows, $ms)"
	echo "views: $1, $ms ms" >&2
}

bench_views()
{
	local file name customers=${CUSTOMERS:-1000000}

	createdb bench_views
	export PGDATABASE=bench_views
	sql -c 'CREATE EXTENSION crmaudit' -c 'CREATE SCHEMA bench_views' \
		-c 'CREATE TABLE bench_views.timing (name text, rows bigint, ms float8)' \
		-c "ALTER DATABASE bench_views SET max_parallel_workers_per_gather = 2"
	for file in schema data entities; do
		sql -v customers="$customers" -f demo/$file.sql >/dev/null
	done
	echo "views: $customers customers are there" >&2
	sql -c "SELECT statement FROM crmaudit.suggest_indexes()" | sql >/dev/null
	sql -c 'VACUUM ANALYZE'
	# Every view that reads an entity, by itself or through others or functions.
	for name in $(sql -f bench/views/views.sql); do
		views_time "$name"
	done
	psql -Xq -P footer=off -P border=2 -v customers="$customers" -f bench/views/report.sql
	export PGDATABASE=bench
	dropdb bench_views
}
