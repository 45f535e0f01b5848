# Databases in other encodings and collations than UTF-8 in C: the extension
# installs, checks work, and words are Chinese where the encoding has them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('encodings');

foreach my $encoding ('LATIN1', 'SQL_ASCII', 'EUC_CN')
{
	$node->safe_psql('postgres', "CREATE DATABASE $encoding TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	my $db = lc $encoding;
	stores($node, $db, 'CREATE EXTENSION crmaudit', "$encoding: CREATE EXTENSION");
	stores($node, $db, <<'SQL', "$encoding: protect()");
CREATE TABLE customer (id int PRIMARY KEY, full_name text, id_kind text, id_no text, mail text, mobile text);
SELECT crmaudit.protect('customer', packs => '{person_cn}',
	roles => '{"full_name":"name","id_kind":"id_kind","id_no":"resident_id","mail":"email","mobile":"phone"}');
SQL
	refuses($node, $db, "INSERT INTO customer (id, full_name, mail) VALUES (1, 'Smith', 'bad')", qr/violates rule "email_valid"[\s\S]*has no \@ sign/, "$encoding: bad mail");
	refuses($node, $db, "INSERT INTO customer (id, full_name) VALUES (1, 'test')", qr/violates rule "name_not_placeholder"/, "$encoding: placeholder");
	refuses($node, $db, "INSERT INTO customer (id, full_name, id_no) VALUES (1, 'Smith', '11010519491231002Y')", qr/violates rule "resident_id_valid"/, "$encoding: resident ID");
	refuses($node, $db, "INSERT INTO customer (id, full_name, id_kind, id_no) VALUES (1, 'Smith', 'passport', '?')", qr/violates rule "passport_shape"/, "$encoding: rule with a condition");
	stores($node, $db, "INSERT INTO customer VALUES (1, 'Smith', '111', '11010519491231002X', 'john.smith\@gmx.de', '13918276354')", "$encoding: good row");
	# No view meets a character that the encoding does not have.
	foreach my $language ('en', 'zh')
	{
		foreach my $view (split /\n/, $node->safe_psql($db, q{SELECT relname FROM pg_class WHERE relnamespace = 'crmaudit'::regnamespace AND relkind = 'v' ORDER BY 1}))
		{
			stores($node, $db, "SET crmaudit.language = $language; SELECT * FROM crmaudit.$view", "$encoding: view $view in $language");
		}
	}
	# Every reason and rule has words in a message.
	stores($node, $db, q{SET crmaudit.language = zh; SELECT crmaudit.reason_in_words(reason) FROM crmaudit.reason}, "$encoding: all reasons");
}

# Words: Chinese where the encoding has them, else English.
my $bad = "SET crmaudit.language = zh; INSERT INTO customer (id, full_name, mail) VALUES (2, 'Smith', 'bad')";
refuses($node, 'latin1', $bad, qr/has no \@ sign/, 'LATIN1: English words, for it has no Chinese');
{
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	my (undef, undef, $stderr) = $node->psql('euc_cn', $bad);
	utf8::decode($stderr);
	like($stderr, qr/\p{Han}/, 'EUC_CN: Chinese words');
	query_is($node, 'euc_cn', q{SELECT chinese FROM crmaudit.role WHERE role = 'name'}, "\xe5\xa7\x93\xe5\x90\x8d", 'EUC_CN: Chinese names of roles');
	# Chinese values and conditions are compared as what they are.
	refuses($node, 'euc_cn', "INSERT INTO customer (id, full_name) VALUES (2, '测试')", qr/violates rule "name_not_placeholder"/, 'EUC_CN: Chinese placeholder');
	refuses($node, 'euc_cn', "INSERT INTO customer (id, full_name, id_kind, id_no) VALUES (2, 'Smith', '护照', '?')", qr/violates rule "passport_shape"/, 'EUC_CN: Chinese kind of document');
	stores($node, 'euc_cn', "INSERT INTO customer (id, full_name) VALUES (2, '王建国')", 'EUC_CN: Chinese name');
	stores($node, 'euc_cn', q{SELECT crmaudit.add_rule('customer', 'han', 'charset', '{full_name}', '{"allow":["han","space"]}')}, 'EUC_CN: rule on characters');
	refuses($node, 'euc_cn', "INSERT INTO customer (id, full_name) VALUES (3, 'Smith')", qr/violates rule "han"/, 'EUC_CN: characters');
	stores($node, 'euc_cn', "INSERT INTO customer (id, full_name) VALUES (3, '李小红')", 'EUC_CN: Chinese characters');
}
query_is($node, 'latin1', q{SELECT chinese FROM crmaudit.role WHERE role = 'name'}, 'name of a person', 'LATIN1: what would be Chinese is English');
query_is($node, 'latin1', q{SELECT count(*) FROM (TABLE crmaudit.dimension) d, (SELECT role, english, chinese FROM crmaudit.role UNION ALL SELECT pack, english, chinese FROM crmaudit.pack) r
	WHERE r.chinese <> r.english OR d.chinese <> d.english}, '0', 'LATIN1: so are all others');

# A collation that sorts lists otherwise than by bytes finds their values.
SKIP:
{
	skip 'no ICU', 3 if $node->safe_psql('postgres', "SELECT count(*) FROM pg_collation WHERE collname = 'en-x-icu'") eq '0';

	$node->safe_psql('postgres', "CREATE DATABASE icu TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
	$node->safe_psql('icu', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, code text);
SELECT crmaudit.protect('customer');
INSERT INTO crmaudit.value_list SELECT l || n, n FROM generate_series(1, 20) n, unnest('{a,B,c,D,_e,Z}'::text[]) l;
SELECT crmaudit.add_rule('customer', 'code_' || l, 'in_list', '{code}', jsonb_build_object('list', l || '7')) FROM unnest('{a,B,c,D,_e,Z}'::text[]) l;
SQL
	stores($node, 'icu', "INSERT INTO customer VALUES (1, '7')", 'ICU collation: value in six lists');
	refuses($node, 'icu', "INSERT INTO customer VALUES (2, '8')", qr/and 5 more/, 'ICU collation: value in none of them');
}

done_testing();
