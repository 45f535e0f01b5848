# What is exported of the ledger is checked without the database, by a script
# that shares no code with it; whatever is changed in an export is found.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $check = "$FindBin::RealBin/../../tools/ledger-check";
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = start_node('proof');

# Values whose text is not obvious: digits beyond a double's, characters that
# JSON escapes, other planes of Unicode, nested and empty json, nothing at all.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, name text, phone text, amount numeric, score float8, live boolean, born date, seen timestamptz,
	tags text[], details jsonb, photo bytea, address text);
SELECT crmaudit.track('customer', personal => '{phone,details,address}');
INSERT INTO customer VALUES
	(1, '王小明 😀 "\' || E'\n\t\x01\x7f', '13800138000', 123456789012345678901234567890.123456789012345678900, 0.1, true, '1960-02-29', '2026-01-01 00:00:00.000001+08',
		'{a,NULL,"b c"}', '{"b": [1.50, {"z": null, "aa": "\u0001\"\\"}], "a": {}}', '\x00ff', 'Straße 1'),
	(2, '', NULL, 'NaN', 'Infinity', NULL, 'infinity', '0044-03-15 BC', '{}', '[]', '', NULL),
	(3, NULL, '', -0.00, 1e300, false, NULL, NULL, NULL, 'null', NULL, '');
SELECT crmaudit.seal();
BEGIN;
SET LOCAL crmaudit.actor = '王经理';
SET LOCAL crmaudit.reason = 'because';
UPDATE customer SET phone = '13900139000', amount = 1.50, details = '{"a": 1.0}' WHERE id = 1;
SET LOCAL crmaudit.reason = 'another';
SAVEPOINT s;
UPDATE customer SET id = 4 WHERE id = 2;
RELEASE s;
TRUNCATE customer;
COMMIT;
INSERT INTO customer (id, phone) SELECT n, '138' || n FROM generate_series(10, 40) n;
SELECT crmaudit.seal();
INSERT INTO customer (id) VALUES (99);
SELECT crmaudit.seal();
SQL

# Writes the result of a query to a file, and returns its name.
sub file_of
{
	my ($name, $sql) = @_;

	append_to_file("$dir/$name", $node->safe_psql('postgres', $sql) . "\n");
	return "$dir/$name";
}

# Runs the script; its lines must match, and its status be 0, or 1 for a fault.
sub checked
{
	my ($status, $expected, $name, @files) = @_;
	my $result = IPC::Run::run([ $check, @files ], '>', \my $stdout, '2>', \my $stderr);

	is($? >> 8, $status, "$name: status") or diag($stdout, $stderr);
	like($stdout . $stderr, $expected, "$name: result");
	return;
}

# The same file with something changed in it.
sub changed
{
	my ($file, $name, $change) = @_;
	my @lines = split /^/, slurp_file($file);
	my $before = join '', @lines;

	$change->(\@lines);
	isnt(join('', @lines), $before, "$name: is a change");
	append_to_file("$dir/$name", join '', @lines);
	return "$dir/$name";
}

my $block = file_of('block', 'SELECT crmaudit.export_block(2)');
my $disclosed = file_of('disclosed', 'SELECT crmaudit.export_block(b, true) FROM generate_series(1, 2) b');
my $chain = file_of('chain', 'SELECT crmaudit.export_chain()');
my $digest = file_of('digest', 'SELECT crmaudit.ledger_digest()');

# Without personal values, and with them: the hashes are the same.
checked(0, qr/\Ablock 2: intact, \d+ entries\nno digest given.*\n\z/, 'a block', $block);
checked(0, qr/block 1: intact.*\nblock 2: intact.*\nchain: 2 blocks, from 1 to 2\n/, 'blocks with personal values', $disclosed);
unlike(slurp_file($block), qr/13900139000|Straße/, 'no personal value unless asked for');
like(slurp_file($disclosed), qr/13900139000/, 'disclosed when asked for');
checked(0, qr/chain: 3 blocks, from 1 to 3\ndigest of block 3: matches\n/, 'a chain with a digest', $chain, $digest);
checked(0, qr/intact/, 'all together', $chain, $block, $digest, $disclosed);

# Every entry is proved to be in its block, as it is and with its personal values.
my $proofs = file_of('proofs', 'SELECT crmaudit.ledger_proof(xid, ord, with_personal => open) FROM crmaudit.ledger_entry, (VALUES (true), (false)) AS v(open)');
my $count = $node->safe_psql('postgres', 'SELECT 2 * count(*) FROM crmaudit.ledger_entry');
checked(0, qr/\A(entry \d+ of transaction \d+: proved to be in block [123]\n){$count}chain: 3 blocks/, 'proofs of all entries', $proofs, $chain);

# What was redacted is exported as it was before.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE copy AS SELECT xid, ord, crmaudit.ledger_proof(xid, ord) AS proof FROM crmaudit.ledger_entry;
DO $$
DECLARE
	partition regclass;
BEGIN
	FOR partition IN SELECT relid FROM pg_partition_tree('crmaudit.ledger_entry') LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', partition);
	END LOOP;
END $$;
UPDATE crmaudit.ledger_entry e SET commitments = crmaudit.entry_commitments(e), old = old - personal, new = new - personal, salt = NULL WHERE salt IS NOT NULL;
SQL
query_is($node, 'postgres', 'SELECT count(*) > 0, count(*) FILTER (WHERE proof <> crmaudit.ledger_proof(xid, ord)) FROM copy', 't|0', 'redaction does not show in a proof');
checked(0, qr/intact/, 'a redacted block', file_of('redacted', 'SELECT crmaudit.export_block(2, true)'));

# Each change is found.
my %change = (
	'a value' => sub { s/"id": (?=\d)/$&7/ or s/"actor": "/$&x/ for $_[0][3] },
	'an actor' => sub { s/"actor": "[^"]*"/"actor": "nobody"/ for $_[0][1] },
	'a reason' => sub { s/because/because of/ for @{ $_[0] } },
	'a time' => sub { s/("entry": \{"at": \d+)(\d)/$1 . ($2 + 1) % 10/e for $_[0][2] },
	'a commitment' => sub { s/("c": "...)(.)/$1 . ($2 eq 'a' ? 'b' : 'a')/e for @{ $_[0] } },
	'an entry is missing' => sub { splice @{ $_[0] }, 5, 1 },
	'the last entry is missing' => sub { pop @{ $_[0] } },
	'an entry is there twice' => sub { splice @{ $_[0] }, 5, 0, $_[0][5] },
	'two entries change places' => sub { @{ $_[0] }[ 5, 6 ] = @{ $_[0] }[ 6, 5 ] },
	'the coverage' => sub { s/"A"/"D"/ for $_[0][0] },
	'a count' => sub { s/"entries": (\d+)/'"entries": ' . ($1 + 1)/e for $_[0][0] },
	'the root' => sub { s/"root": "./"root": "/ for $_[0][0] },
	'the snapshot' => sub { s/"snapshot": "/$&1/ for $_[0][0] },
	'the time of sealing' => sub { s/"sealed_at": /$&1/ for $_[0][0] },
);
checked(1, qr/^FAULT: block 2: /m, "changed: $_", changed($block, $_, $change{$_})) foreach sort keys %change;

# A proof holds for its entry only.
my $proof = file_of('proof', 'SELECT crmaudit.ledger_proof(xid, ord) FROM crmaudit.ledger_entry WHERE ord = 2 AND op = \'D\'');
checked(0, qr/proved to be in block 2/, 'a proof', $proof);
checked(1, qr/FAULT: entry \d+ of transaction \d+: is not in block 2/, 'a proof of another entry', changed($proof, 'other', sub { s/"ord": 2/"ord": 3/ for $_[0][0] }));
checked(1, qr/is not in block 2/, 'a proof with another path', changed($proof, 'path', sub { s/"left"/"right"/ for $_[0][0] }));

# Blocks that are all right by themselves, but not the ones there were.
checked(1, qr/FAULT: block 3: does not continue the block before/, 'a link', changed($chain, 'link', sub { $_[0][1] = $_[0][0] =~ s/"block": 1,/"block": 2,/r }), $digest);
checked(0, qr/chain: 2 blocks, from 1 to 3, with gaps/, 'a gap', changed($chain, 'gap', sub { splice @{ $_[0] }, 1, 1 }));
checked(1, qr/FAULT: blocks 1 to 1: no chain leads to them/, 'what a digest does not prove', "$dir/gap", $digest);
checked(1, qr/FAULT: digest of block 3: the block is not here/, 'the last block is missing', changed($chain, 'short', sub { pop @{ $_[0] } }), $digest);
checked(1, qr/FAULT: digest of block 3: the block is another/, 'a digest of another ledger', $chain, changed($digest, 'another', sub { s/("hash": "...)(.)/$1 . ($2 eq 'a' ? 'b' : 'a')/e for $_[0][0] }));
# A file of digests holds those of other databases and of earlier blocks.
my $old = file_of('old', "SELECT jsonb_set(crmaudit.ledger_digest(), '{database}', '\"other\"') || '{\"block\": 7}'");
checked(0, qr/digest of block 3: matches\ndigests of other databases or blocks: 1\n/, 'digests of others', $chain, $old, $digest);
checked(1, qr/FAULT: no digest is of these blocks/, 'digests of others only', $chain, $old);
checked(2, qr/line 1: no JSON/, 'no JSON', "$FindBin::RealBin/ledger_proof.pl");
checked(2, qr/usage: ledger-check FILE/, 'no file');

# Months that were pruned: their roots stand for their entries.
$node->safe_psql('postgres', <<'SQL');
SELECT crmaudit.create_ledger_partition('crmaudit.ledger_entry', '2031-01-01');
BEGIN;
INSERT INTO customer (id) SELECT n FROM generate_series(101, 109) n;
-- as if it had been on the border of months, the last of them the one at hand
DO $$
DECLARE
	partition regclass;
BEGIN
	FOR partition IN SELECT relid FROM pg_partition_tree('crmaudit.ledger_entry') LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', partition);
	END LOOP;
	UPDATE crmaudit.ledger_entry SET at = CASE WHEN ord <= 3 THEN timestamptz '2030-12-31 23:00+00' ELSE '2031-01-01 00:00+00' END
		WHERE xid = pg_current_xact_id() AND ord <= 5;
	UPDATE crmaudit.ledger_entry e SET leaf = crmaudit.ledger_leaf(e, c) FROM crmaudit.ledger_context c
		WHERE e.xid = pg_current_xact_id() AND c.incarnation = e.incarnation AND c.xid = e.context_xid AND c.context = e.context;
END $$;
COMMIT;
SELECT crmaudit.seal();
SQL
checked(0, qr/block 4: intact, 9 entries\n/, 'a block of three months', file_of('months', 'SELECT crmaudit.export_block(4)'));
$node->safe_psql('postgres', <<'SQL');
ALTER TABLE crmaudit.ledger_transaction DISABLE TRIGGER ALL;
DELETE FROM crmaudit.ledger_transaction WHERE period = '2030-12-01';
DELETE FROM crmaudit.ledger_entry WHERE at < '2031-01-01 00:00+00' AND at > '2030-12-01';
SQL
my $pruned = file_of('pruned', 'SELECT crmaudit.export_block(4)');
checked(0, qr/block 4: intact, 6 entries, 3 pruned\n/, 'a pruned month', $pruned);
checked(1, qr/FAULT: block 4: its entries/, 'another root of a pruned month', changed($pruned, 'pruned_root', sub { s/("root": "...)(.)/$1 . ($2 eq 'a' ? 'b' : 'a')/e for $_[0][1] }));
checked(0, qr/(.* proved to be in block 4\n){6}/, 'proofs of what is left', file_of('left', "SELECT crmaudit.ledger_proof(xid, ord) FROM crmaudit.ledger_entry WHERE row_key ->> 'id' LIKE '10_' ORDER BY ord"));

# In databases of other encodings the hashes are over UTF-8 too; without an
# encoding, over the bytes as they are.
for my $encoding ('EUC_CN', 'LATIN1', 'SQL_ASCII')
{
	my $db = lc $encoding;
	my $name = $encoding eq 'LATIN1' ? 'Straße' : '王小明';

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($db, <<"SQL");
SET client_encoding = 'UTF8';
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, name text, phone text, details jsonb);
SELECT crmaudit.track('customer', personal => '{phone}');
SET crmaudit.actor = '$name';
INSERT INTO customer VALUES (1, '$name', '$name 1', '{"a": "$name"}');
SELECT crmaudit.seal();
SQL
	append_to_file("$dir/$db", $node->safe_psql($db, "SET client_encoding = 'UTF8'; SELECT crmaudit.export_block(1, true); SELECT crmaudit.export_block(1)") . "\n");
	like(slurp_file("$dir/$db"), qr/$name/, "$encoding: exported in UTF-8");
	checked(0, qr/\A(block 1: intact, \d+ entries\n){2}/, $encoding, "$dir/$db");
}

done_testing();
