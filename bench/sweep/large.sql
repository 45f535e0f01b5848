-- Large tables, without and with findings; bench/sweep/sweep.sql came before.
SET search_path = bench_sweep;

CALL fill('good_large', :rows, false);
CALL fill('bad_large', :rows, true);
VACUUM (ANALYZE, FREEZE) good_large, bad_large;
SELECT bench.add_rules('good_large', 'observe');
SELECT bench.add_rules('bad_large', 'observe');

SELECT add_sweep('small', 'large', 'small table, no findings', 'good', 0, 0),
	add_sweep('good_large', 'large', 'large table, no findings', 'good_large', 0, 0),
	add_sweep('bad_large', 'large', 'large table, 1 % bad, found for the first time', 'bad_large', 0, :rows / 100),
	add_sweep('good_again', 'again', 'large table, no findings', 'good_large', 0, 0),
	add_sweep('bad_again', 'again', 'large table, 1 % bad, all found before', 'bad_large', 0, :rows / 100);
