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

# Identifiers.  A value is judged in UTF-8, to which the server can convert from
# every encoding, so that a verdict is the same in all; part and canonical form
# are converted back.  What can happen on the way:
#
# - The canonical form holds what the encoding lacks: the domain of an e-mail
#   address can, written with A-labels; it keeps them then.
# - SQL_ASCII says nothing of what bytes mean.  They are taken as UTF-8.
# - Between EUC_CN and GB18030 PostgreSQL has no conversion; it says so itself.
sub answers
{
	my ($db, $values) = @_;
	local $ENV{PGCLIENTENCODING} = 'UTF8';

	return $node->safe_psql($db, q{SELECT kind, c.verdict, c.reason, c.part, c.canonical, crmaudit.is_valid(kind, value, region)
		FROM (VALUES } . join(', ', map { my ($kind, $value, $region) = @$_; "('$kind', '$value', '" . ($region // '') . "')" } @$values) . q{) t(kind, value, region),
			LATERAL crmaudit.check_value(kind, value, region) c});
}

# Judged as in UTF-8, and with as many lines as there are values.
sub judged_as_in_utf8
{
	my ($db, $values, $name) = @_;
	my $expected = answers('postgres', $values);

	is(scalar(split /\n/, $expected), scalar @$values, "$name: all values are judged");
	is(answers($db, $values), $expected, "$name: as in UTF-8");
	return;
}

$node->safe_psql('postgres', 'CREATE EXTENSION crmaudit');
my @ascii = (
	[ 'bank_card', '4111 1111-1111 1111' ], [ 'bank_card', '4111111111111112' ],
	[ 'email', 'Li.Wei@Example-Corp.COM' ], [ 'email', 'li.wei@example..com' ], [ 'email', ' a@b.test ' ],
	[ 'iban', 'gb82 west 1234 5698 7654 32' ], [ 'iban', 'GB82WEST12345698765433' ],
	[ 'lei', '5493001kjtiigc8y1r12' ], [ 'lei', '5493001KJTIIGC8Y1R1!' ],
	[ 'phone', '138-1234-5678', 'CN' ], [ 'phone', '(010) 6552 9988 ext 12', 'CN' ],
	[ 'resident_id', '11010519491231002x' ], [ 'resident_id', '110105491231002' ],
	[ 'uscc', '91350100m000100y43' ], [ 'uscc', '91350100I000100Y43' ],
	[ 'vat_id', 'atu 13585627' ], [ 'vat_id', 'ATU13585628' ]);
judged_as_in_utf8($_, \@ascii, "$_, ASCII") foreach ('latin1', 'sql_ascii', 'euc_cn');

# Characters that the encoding has: no-break spaces, dashes, accents.
my @latin = (
	[ 'email', 'jörg.müller@BÜCHER.example' ], [ 'email', 'jörg@xn--bcher-kva.example' ], [ 'email', "a\@b\xc2\xa7.example" ],
	[ 'phone', "138\xc2\xa01234\xc2\xa05678", 'CN' ], [ 'phone', '138 1234 567é', 'CN' ],
	map { [ $_, "4111\xc2\xa01111\xc2\xa01111\xc2\xa01111" ], [ $_, '1101051949123100é' ] } ('bank_card', 'iban', 'lei', 'resident_id', 'uscc', 'vat_id'));
judged_as_in_utf8($_, \@latin, "$_, accents") foreach ('latin1', 'sql_ascii');

# Full-width characters and Chinese.
my @chinese = (
	[ 'bank_card', '４１１１１１１１１１１１１１１１' ], [ 'bank_card', '卡4111111111111111' ],
	[ 'email', '张伟@例子.公司' ], [ 'email', 'ａ＠ｅｘａｍｐｌｅ．ｃｏｍ' ], [ 'email', '张伟＠例子。公司　' ], [ 'email', '张 伟@例子.公司' ],
	[ 'iban', 'ＧＢ８２ＷＥＳＴ１２３４５６９８７６５４３２' ], [ 'lei', '５４９３００１ＫＪＴＩＩＧＣ８Ｙ１Ｒ１２' ],
	[ 'phone', '０１０－６５５２９９８８', 'CN' ], [ 'phone', '01065529988转123', 'CN' ], [ 'phone', '13812345678、13912345678', 'CN' ],
	[ 'resident_id', '１１０１０５　１９４９１２３１　００２Ｘ' ], [ 'resident_id', '一10105194912310021' ],
	[ 'uscc', '９１３５０１００Ｍ０００１００Ｙ４３' ], [ 'vat_id', 'ＡＴＵ１３５８５６２７' ]);
judged_as_in_utf8($_, \@chinese, "$_, Chinese") foreach ('sql_ascii', 'euc_cn');

# A domain whose U-labels the encoding does not have.
my %foreign = (latin1 => 'user@xn--fsqu00a.xn--55qx5d', euc_cn => 'user@xn--kln-sna.example');
foreach my $db (sort keys %foreign)
{
	query_is($node, $db, "SELECT crmaudit.is_valid('email', '$foreign{$db}')", 't', "$db: domain beyond the encoding is valid");
	my (undef, $stdout) = $node->psql($db, "SELECT canonical FROM crmaudit.check_value('email', '$foreign{$db}')");
	is($stdout, $foreign{$db}, "$db: and keeps its A-labels");
	(undef, $stdout) = $node->psql($db, <<"SQL");
CREATE TABLE subscriber (id int PRIMARY KEY, mail text);
SELECT FROM crmaudit.protect('subscriber');
SELECT FROM crmaudit.add_rule('subscriber', 'mail', 'format', '{mail}', '{"type":"email","normalise":true}');
INSERT INTO subscriber VALUES (1, ' $foreign{$db}') RETURNING mail;
SQL
	like($stdout, qr/^\Q$foreign{$db}\E$/m, "$db: also where it is written back");
}
query_is($node, 'sql_ascii', "SELECT canonical FROM crmaudit.check_value('email', '$foreign{latin1}')", 'user@例子.公司', 'sql_ascii: U-labels in UTF-8');

# Bytes without meaning are bad characters: a row is judged, never stopped by an
# error.  (The client takes what comes as it is.)
{
	local $ENV{PGCLIENTENCODING} = 'SQL_ASCII';
	foreach my $kind ('bank_card', 'email', 'iban', 'lei', 'resident_id', 'uscc', 'vat_id')
	{
		query_is($node, 'sql_ascii', "SELECT verdict, reason FROM crmaudit.check_value('$kind', E'1\\xe9\@b.de', 'CN')", 'invalid|bad_character', "sql_ascii: $kind that is not UTF-8");
	}
	query_is($node, 'sql_ascii', "SELECT verdict FROM crmaudit.check_value('phone', E'1\\xe9', 'CN')", 'invalid', 'sql_ascii: phone that is not UTF-8');
	stores($node, 'sql_ascii', q{SET crmaudit.mode = observe; INSERT INTO customer (id, mail) VALUES (9, E'\\xb1\\xb1')}, 'sql_ascii: observed, not refused');
}
{
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	query_is($node, 'sql_ascii', "SELECT crmaudit.mask('\xc3\xa9a\@\xc3\xa9.fr'::crmaudit.email), crmaudit.mask('phone', '\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9')", "\xc3\xa9***\@\xc3\xa9.fr|\xc3\xa9**\xc3\xa9", 'sql_ascii: whole characters are masked');
}

# Vietnamese accents are characters of their own in WIN1258, and not in NFC:
# such an address has no canonical form that the encoding could hold.
$node->safe_psql('postgres', q{CREATE DATABASE win1258 TEMPLATE template0 ENCODING 'WIN1258' LOCALE 'C'});
stores($node, 'win1258', 'CREATE EXTENSION crmaudit', 'win1258: CREATE EXTENSION');
query_is($node, 'win1258', q{SELECT verdict, canonical IS NULL FROM crmaudit.check_value('email', E'\\xea\\xf2@x.vn')}, 'valid|t', 'win1258: judged, without a canonical form');
refuses($node, 'win1258', q{SELECT E'\\xea\\xf2@x.vn'::crmaudit.email}, qr/has no equivalent in encoding "WIN1258"/, 'win1258: the type says why not');
stores($node, 'win1258', <<'SQL', 'win1258: nothing is written back');
CREATE TABLE subscriber (id int PRIMARY KEY, mail text);
SELECT FROM crmaudit.protect('subscriber', mode => 'observe');
SELECT FROM crmaudit.add_rule('subscriber', 'mail', 'format', '{mail}', '{"type":"email","normalise":true}');
INSERT INTO subscriber VALUES (1, E'\xea\xf2@x.vn');
SQL

# A client may speak an encoding that no server can have; four bytes a
# character among them.
{
	my $address = pack 'H*', $node->safe_psql('postgres', q{SELECT encode(convert_to(U&'\5F20\4F1F@k\00F6ln.\516C\53F8', 'GB18030'), 'hex')});
	my $number = pack 'H*', $node->safe_psql('postgres', q{SELECT encode(convert_to(U&'\FF11\FF13812345678', 'GB18030'), 'hex')});
	local $ENV{PGCLIENTENCODING} = 'GB18030';
	query_is($node, 'postgres', "SELECT canonical = U&'\\5F20\\4F1F\@k\\00F6ln.\\516C\\53F8' FROM crmaudit.check_value('email', '$address')", 't', 'GB18030 client: e-mail');
	query_is($node, 'postgres', "SELECT verdict, canonical FROM crmaudit.check_value('phone', '$number', 'CN')", 'valid|+8613812345678', 'GB18030 client: phone');
	my ($rc, undef, $stderr) = $node->psql('euc_cn', 'SELECT 1');
	like($stderr, qr/conversion between GB18030 and EUC_CN is not supported/, 'GB18030 client of an EUC_CN server: PostgreSQL says why not');
}

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
