# shellcheck shell=bash
# What a verdict on an identifier costs, beside what others offer; and what
# ordering by an identifier type costs, beside bigint.  bench/run reads this.

# timed STATEMENT [SETTING ...]: milliseconds of processor time that the
# statement takes, in a session that has loaded the library.  All is in memory
# and on one core, so that this is the time it takes on a machine that has
# nothing else to do.
timed()
{
	local statement=$1 setting
	shift

	for setting in "$@"; do
		set -- "$@" -c "SET $setting"
		shift
	done
	sql -c "LOAD 'crmaudit'" "$@" -c 'SET client_min_messages = log' -c 'SET log_statement_stats = on' \
		-c "$statement" 2>&1 >/dev/null |
		sed -nE 's/^!\t([0-9.]+) s user, ([0-9.]+) s system, .*/\1 \2/p' |
		tail -n 1 | awk '{ print ($1 + $2) * 1000 }'
}

# Fills a table of texts for each kind that this build knows.  Each value stands
# there five times: making them takes longer than judging them.
types_load()
{
	local kind ours

	sql -c "SELECT kind, coalesce(ours, 'true') FROM bench_types.kind ORDER BY n" -F' ' |
	while read -r kind ours; do
		sql -c "SELECT $ours FROM (VALUES ('1')) t(v)" >/dev/null 2>&1 </dev/null || continue
		perl bench/types/values.pl "$kind" $((ROWS / 5)) >"$WORK/$kind.txt"
		{
			echo "CREATE UNLOGGED TABLE bench_types.made (v text);"
			echo "COPY bench_types.made FROM STDIN;"
			cat "$WORK/$kind.txt"
			echo '\.'
			echo "CREATE UNLOGGED TABLE bench_types.$kind AS SELECT v FROM bench_types.made, generate_series(1, 5);"
			echo "DROP TABLE bench_types.made;"
			echo "VACUUM (ANALYZE, FREEZE) bench_types.$kind;"
		} | sql
		echo "$kind"
	done
}

# types_scan KIND WAY CONDITION ROUND
types_scan()
{
	local ms

	[ -n "$3" ] || return 0
	ms=$(timed "SELECT count(*) FROM bench_types.$1 WHERE $3")
	sql -c "INSERT INTO bench_types.timing VALUES ('$1', '$2', $4, $ms)"
}

# Types of 8 bytes, ordered beside the same numbers as bigint.
types_order()
{
	local round=$1 kind way table index sort

	for kind in phone resident_id; do
		[ "$(sql -c "SELECT to_regclass('bench_types.${kind}_type') IS NOT NULL")" = t ] || continue
		for way in type bigint; do
			table=bench_types.${kind}_$way
			index=$(timed "CREATE INDEX ordered ON $table (v)" \
				"maintenance_work_mem = '512MB'" 'max_parallel_maintenance_workers = 0')
			sql -c 'DROP INDEX bench_types.ordered'
			# nothing is left to send after so many rows
			sort=$(timed "SELECT v FROM $table ORDER BY v OFFSET $ROWS" "work_mem = '512MB'")
			sql -c "INSERT INTO bench_types.ordering VALUES
				('$kind', 'CREATE INDEX', '$way', $round, $index), ('$kind', 'ORDER BY', '$way', $round, $sort)"
		done
	done
}

# types_order_load KIND NUMBER: tables of the type and of what NUMBER makes of
# its values.
types_order_load()
{
	[ "$(sql -c "SELECT to_regtype('crmaudit.$1') IS NOT NULL")" = t ] || return 0
	sql -c "CREATE UNLOGGED TABLE bench_types.${1}_type AS SELECT v::crmaudit.$1 AS v FROM bench_types.number_$1" \
		-c "CREATE UNLOGGED TABLE bench_types.${1}_bigint AS SELECT ($2)::bigint AS v FROM bench_types.number_$1" \
		-c "VACUUM (ANALYZE, FREEZE) bench_types.${1}_type, bench_types.${1}_bigint"
}

# The numbers of all rows differ, in no order.
types_order_prepare()
{
	sql -c "CREATE UNLOGGED TABLE bench_types.number_phone AS
			SELECT '+8613' || (100000000 + n * 7919 % 899999963) AS v FROM generate_series(1::bigint, $ROWS) n"
	{
		echo "CREATE UNLOGGED TABLE bench_types.number_resident_id (v text);"
		echo "COPY bench_types.number_resident_id FROM STDIN;"
		[ "$(sql -c "SELECT to_regtype('crmaudit.resident_id') IS NOT NULL")" != t ] ||
			perl bench/types/values.pl resident_id "$ROWS"
		echo '\.'
		echo "DELETE FROM bench_types.number_resident_id WHERE NOT crmaudit.is_valid('resident_id', v) OR length(v) <> 18;"
	} | sql
	types_order_load phone 'substr(v, 2)'
	types_order_load resident_id 'left(v, 17)'
}

bench_types()
{
	local round kind loaded usual ours other

	sql -f bench/types/types.sql
	loaded=$(types_load)
	types_order_prepare
	if g++ -O2 -o "$WORK/libphonenumber" bench/types/libphonenumber.cc -lphonenumber >"$WORK/g++.log" 2>&1; then
		echo "libphonenumber is measured too" >&2
	else
		echo "libphonenumber is not measured (Debian: g++, libphonenumber-dev)" >&2
	fi

	for round in $(seq "$ROUNDS"); do
		for kind in $loaded; do
			usual=$(sql -c "SELECT format('v ~ %L', usual) FROM bench_types.kind WHERE kind = '$kind'")
			ours=$(sql -c "SELECT ours FROM bench_types.kind WHERE kind = '$kind'")
			other=$(sql -c "SELECT other FROM bench_types.kind WHERE kind = '$kind'")
			types_scan "$kind" scan 'v IS NOT NULL' "$round"
			types_scan "$kind" ours "$ours" "$round"
			types_scan "$kind" usual "$usual" "$round"
			types_scan "$kind" other "$other" "$round"
		done
		[ ! -x "$WORK/libphonenumber" ] || sql -c "INSERT INTO bench_types.program VALUES
			('phone', 'libphonenumber C++', $round, $("$WORK/libphonenumber" <"$WORK/phone.txt" 2>/dev/null))"
		types_order "$round"
		echo "types: round $round of $ROUNDS" >&2
	done

	psql -Xq -P footer=off -P border=2 -v rows="$ROWS" -v rounds="$ROUNDS" -f bench/types/report.sql
	echo "Read-only tables of the parsers:"
	test/lint/tables
}
