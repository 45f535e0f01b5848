# What was refused is known afterwards: in crmaudit.rejection, where the worker
# writes it, otherwise in the server's log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rejections');
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'crmaudit'
crmaudit.seal_interval = 200ms
crmaudit.discovery_interval = 1s
crmaudit.rejection_buffer = 64
CONF
$node->start;

# A secret that must not turn up anywhere.
my $secret = 'secret';
my $setup = <<'SQL';
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, mail text, code text);
SELECT crmaudit.protect('customer');
SELECT crmaudit.add_rule('customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}');
SELECT crmaudit.add_rule('customer', 'code_long', 'length', '{code}', '{"min":2,"timing":"commit"}');
SELECT crmaudit.add_rule('customer', 'code_number', 'expression', params => '{"sql":"code IS NULL OR code::int > 0"}', condition => 'id > 100');
CREATE TABLE other (name text PRIMARY KEY, a text, b text, c text, d text, e text, f text, g text, h text, i text, j text);
SELECT crmaudit.protect('other', error_style => 'native');
SELECT crmaudit.add_rule('other', 'filled_' || c, 'required', ARRAY[c]) FROM unnest('{a,b,c,d,e,f,g,h,i,j}'::text[]) c;
CREATE TABLE watched (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('watched', mode => 'observe');
SELECT crmaudit.add_rule('watched', 'mail_valid', 'format', '{mail}', '{"type":"email"}');
CREATE TABLE aside (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('aside', mode => 'quarantine');
SELECT crmaudit.add_rule('aside', 'mail_valid', 'format', '{mail}', '{"type":"email"}');
CREATE ROLE clerk LOGIN;
GRANT ALL ON customer, other, watched, aside TO clerk;
SQL
$node->safe_psql('postgres', $setup);

my @clerk = (extra_params => [ '-U', 'clerk' ], on_error_stop => 0);

sub clerk
{
	my ($db, $sql) = @_;

	local $ENV{PGAPPNAME} = 'crm';
	return ($node->psql($db, $sql, @clerk))[2];
}

# The rejections since the last call, once there are so many.
my $seen = 0;

sub rejections_are
{
	my ($count, $expected, $name) = @_;

	$node->poll_query_until('postgres', "SELECT count(*) = $seen + $count FROM crmaudit.rejection")
	  or diag($node->safe_psql('postgres', 'SELECT * FROM crmaudit.worker_status()'));
	query_is($node, 'postgres', <<"SQL", $expected, $name);
SELECT r.target, r.operation, string_agg(v.name, ','), r.reasons, r.violations, r.row_key, r.actor, r.username, r.client, r.application_name
FROM (SELECT * FROM crmaudit.rejection ORDER BY id OFFSET $seen) r
LEFT JOIN crmaudit.rule v ON v.id = ANY (r.rules)
GROUP BY r.id, r.target, r.operation, r.reasons, r.violations, r.row_key, r.actor, r.username, r.client, r.application_name ORDER BY r.id
SQL
	$seen += $count;
	return;
}

# Each operation; savepoints and EXCEPTION blocks, although their error is
# caught; and nothing for a row that is stored, skipped, or put aside.
clerk('postgres', "SET crmaudit.actor = 'wang'; INSERT INTO customer VALUES (1, '$secret', 'ab')");
rejections_are(1, 'customer|INSERT|mail_valid|{no_at_sign}|1|{"id": 1}|wang|clerk|[local]|crm', 'INSERT');
clerk('postgres', "INSERT INTO customer VALUES (1, 'a\@163.com', 'ab'); UPDATE customer SET id = 2, mail = '$secret'");
rejections_are(1, 'customer|UPDATE|mail_valid|{no_at_sign}|1|{"id": 1}|clerk|clerk|[local]|crm', 'UPDATE, by the key that the row has');
clerk('postgres', "INSERT INTO customer VALUES (3, 'a\@163.com', 'x')");
rejections_are(1, 'customer|COMMIT|code_long|{shorter}|1|{"id": 3}|clerk|clerk|[local]|crm', 'at commit');
clerk('postgres', <<"SQL");
BEGIN;
SAVEPOINT a;
INSERT INTO customer VALUES (4, '$secret');
ROLLBACK TO a;
DO \$\$ BEGIN INSERT INTO customer VALUES (5, '$secret'); EXCEPTION WHEN OTHERS THEN NULL; END \$\$;
COMMIT;
INSERT INTO watched VALUES (1, '$secret');
INSERT INTO aside VALUES (1, '$secret');
INSERT INTO watched VALUES (1, '$secret') ON CONFLICT DO NOTHING;
SQL
rejections_are(2, "customer|INSERT|mail_valid|{no_at_sign}|1|{\"id\": 4}|clerk|clerk|[local]|crm\n"
	  . 'customer|INSERT|mail_valid|{no_at_sign}|1|{"id": 5}|clerk|clerk|[local]|crm', 'savepoint and EXCEPTION');
clerk('postgres', "INSERT INTO customer VALUES (101, 'a\@163.com', '$secret')");
rejections_are(1, 'customer|INSERT|code_number|{rule_error}|1|{"id": 101}|clerk|clerk|[local]|crm', 'a rule that fails');
# Ten violations, a key that is too long, an actor that is cut between characters.
like(clerk('postgres', "SET crmaudit.actor = '" . ("\x{e7}\x{8e}\x{8b}" x 50) . "'; INSERT INTO other VALUES (repeat('x', 1000))"), qr/violates rule "filled_a"/, 'ten violations');
rejections_are(1, 'other|INSERT|filled_a,filled_b,filled_c,filled_d,filled_e,filled_f,filled_g,filled_h|{missing,missing,missing,missing,missing,missing,missing,missing}|10||'
	  . ("\x{e7}\x{8e}\x{8b}" x 42) . '|clerk|[local]|crm', 'what does not fit');
# A live condition that fails is no rule.
$node->safe_psql('postgres', q{SELECT crmaudit.protect('customer', live => 'id < 1000 OR code::int > 0')});
clerk('postgres', "INSERT INTO customer VALUES (1001, 'a\@163.com', '$secret')");
rejections_are(1, 'customer|INSERT||{rule_error}|1|{"id": 1001}|clerk|clerk|[local]|crm', 'a live condition that fails');

query_is($node, 'postgres', q{SELECT actor, username, target, rule, reason, rejections, first_at <= last_at FROM crmaudit.rejections_by_user WHERE target = 'customer'::regclass ORDER BY rejections DESC, rule, actor},
	"clerk|clerk|customer|mail_valid|no_at_sign|3|t\nclerk|clerk|customer|code_long|shorter|1|t\nclerk|clerk|customer|code_number|rule_error|1|t\nwang|clerk|customer|mail_valid|no_at_sign|1|t\nclerk|clerk|customer||rule_error|1|t",
	'who keeps making which error (D29)');
like(clerk('postgres', 'SELECT * FROM crmaudit.rejection'), qr/permission denied/, 'not for everyone to read');
unlike($node->safe_psql('postgres', 'SELECT * FROM crmaudit.rejection'), qr/$secret/, 'no value is recorded');
unlike(slurp_file($node->logfile), qr/crmaudit rejection:/, 'nor is a line in the log');

# The buffer is full: three quarters of it are kept for one database, the rest
# is counted.  Another database has room.
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', $setup =~ s/CREATE ROLE.*//r);
$node->safe_psql('postgres', 'CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION \'refused\'; END$$;
	CREATE TRIGGER refuse BEFORE INSERT ON crmaudit.rejection EXECUTE FUNCTION refuse()');
my $flood = q{DO $$ BEGIN FOR i IN 1 .. 100 LOOP
	BEGIN INSERT INTO customer VALUES (10 + i, 'secret'); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$};
clerk('postgres', $flood);
query_is($node, 'postgres', q{SELECT rejections_waiting, rejections_dropped FROM crmaudit.worker_status() WHERE database = 'postgres'}, '48|52', 'what does not fit is counted');
query_is($node, 'postgres', q{SELECT problem FROM crmaudit.health WHERE subject = 'rejection'}, '52 rejections were not recorded, for the buffer was full', 'and health tells it');
$node->wait_for_log(qr/WARNING:  \d+ rejections in database "postgres" were not recorded/);
clerk('second', "INSERT INTO customer VALUES (1, '$secret')");
ok($node->poll_query_until('second', 'SELECT count(*) = 1 FROM crmaudit.rejection'), 'another database has room');
$node->safe_psql('postgres', 'DROP TRIGGER refuse ON crmaudit.rejection');
ok($node->poll_query_until('postgres', "SELECT count(*) = $seen + 48 FROM crmaudit.rejection"), 'what was kept is written');
query_is($node, 'postgres', q{SELECT min((row_key ->> 'id')::int), max((row_key ->> 'id')::int), bool_and(good) FROM (
	SELECT row_key, id, (row_key ->> 'id')::int - 11 = id - min(id) OVER () AS good FROM crmaudit.rejection WHERE (row_key ->> 'id')::int BETWEEN 11 AND 99) r},
	'11|58|t', 'in order, from the first');
query_is($node, 'postgres', q{SELECT rejections_waiting, rejections_written, rejections_dropped FROM crmaudit.worker_status() WHERE database = 'postgres'},
	'0|' . ($seen + 48) . '|52', 'and the counters agree');
clerk('postgres', $flood);
ok($node->poll_query_until('postgres', q{SELECT rejections_waiting = 0 AND rejections_written + rejections_dropped = 200 + } . $seen . q{ FROM crmaudit.worker_status() WHERE database = 'postgres'}), 'all are accounted for');

# Rejections are dumped.
like(dump_text($node, 'second', '--data-only'), qr/COPY crmaudit\.rejection .*\n1\t.*no_at_sign/, 'a dump holds them');

# Where no worker takes them, the log has a line of json.
sub log_is
{
	my ($db, $sql, $expected, $name) = @_;
	my $offset = -s $node->logfile;
	my $stderr = clerk($db, $sql);
	my @lines = slurp_file($node->logfile, $offset) =~ /LOG:  crmaudit rejection: (.*)\n(?!\t)/g;
	my @facts = map { decode_json($_) } @lines;

	unlike($stderr, qr/crmaudit rejection/, "$name: the client does not see it");
	like(delete $_->{at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00$/, "$name: time in UTC") foreach @facts;
	is_deeply(\@facts, $expected, $name) or diag(explain(\@lines));
	return;
}
my %common = (target => 'public.customer', reasons => ['no_at_sign'], rules => ['mail_valid'], violations => 1, operation => 'INSERT',
	username => 'clerk', client => '[local]', application_name => 'crm');
$node->safe_psql('postgres', 'ALTER SYSTEM SET crmaudit.databases = postgres');
$node->reload;
$node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM crmaudit.worker_status()');
log_is('second', "INSERT INTO customer VALUES (2, '$secret')", [ { %common, database => 'second', actor => 'clerk', row_key => { id => 2 } } ], 'a database that is not chosen');

# A shutdown may come before the worker: what waits is lost, and the log tells.
$node->safe_psql('postgres', "ALTER SYSTEM SET crmaudit.seal_interval = '1h'");
$node->reload;
sleep(1);
clerk('postgres', "INSERT INTO customer VALUES (2, '$secret')") foreach 1 .. 2;
query_is($node, 'postgres', q{SELECT rejections_waiting FROM crmaudit.worker_status() WHERE database = 'postgres'}, '2', 'two are waiting');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
like(slurp_file($node->logfile), qr/LOG:  2 rejections have not been written/, 'and the log tells of them when the server stops');
query_is($node, 'postgres', 'SELECT crmaudit.worker_pid(), count(*) FROM crmaudit.worker_status()', '|0', 'no preload, no worker');
log_is('postgres', "SET client_min_messages = debug1; SET crmaudit.actor = E'a\"\\nb'; INSERT INTO customer VALUES (500, '$secret'); INSERT INTO watched VALUES (50, '$secret')",
	[ { %common, database => 'postgres', actor => "a\"\nb", row_key => { id => 500 } } ], 'no preload');
log_is('postgres', "INSERT INTO other VALUES (repeat('x', 1000))",
	[ { %common, database => 'postgres', actor => 'clerk', target => 'public.other', violations => 10, rules => [ map { "filled_$_" } 'a' .. 'h' ], reasons => [ ('missing') x 8 ] } ], 'what does not fit');
log_is('postgres', "INSERT INTO customer VALUES (1001, 'a\@163.com', '$secret')",
	[ { %common, database => 'postgres', actor => 'clerk', rules => [], reasons => ['rule_error'], row_key => { id => 1001 } } ], 'a live condition that fails');
unlike(join("\n", grep { /crmaudit rejection/ } split /\n/, slurp_file($node->logfile)), qr/$secret/, 'no value is logged');

done_testing();
