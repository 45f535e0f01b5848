# The customers of a public sample CRM (Senzing's truth set) go through mode
# observe: nothing is refused, and the findings are those that a person finds
# who reads the file.  Skipped where the file is absent; it lies in a directory
# "shared" beside the source tree, or in the one that SHARED names.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = ($ENV{SHARED} || '../shared') . '/data/crm/senzing_customers.csv';
plan skip_all => "$file is absent" unless -r $file;

open my $in, '<', $file or die "$file: $!\n";
my $header = <$in>;
close $in;
$header =~ s/\s+$//;
my @columns = map { lc } split /,/, $header;
my %types = (record_id => 'text PRIMARY KEY', amount => 'numeric');

my $node = PostgreSQL::Test::Cluster->new('senzing');
$node->init;
$node->start;

# psql reads the file, for the server need not be able to.
sub load
{
	my ($status, $stdout, $stderr) =
	  $node->psql('postgres', "\\copy customer FROM '$file' CSV HEADER");
	return ($status, $stderr);
}

$node->safe_psql('postgres',
	'CREATE EXTENSION crmaudit; CREATE TABLE customer ('
	  . join(', ', map { "$_ " . ($types{$_} || 'text') } @columns)
	  . ')');

# Rules as a DBA would write them who has not seen the data.
$node->safe_psql('postgres', <<'END');
SELECT crmaudit.protect('customer', mode => 'observe', history => false,
	roles => '{"record_id": "customer_no", "primary_name_last": "name", "primary_name_org": "company_name",
		"gender": "sex", "date_of_birth": "birth_date", "email_address": "email",
		"phone_number": "phone", "addr_line1": "address", "addr_postal_code": "postal_code",
		"ssn_number": "resident_id", "status": "status"}');

SELECT crmaudit.add_rule('customer', 'name_present', 'at_least_one_of',
	'{primary_name_last,primary_name_full,primary_name_org,native_name_full}');
SELECT crmaudit.add_rule('customer', 'first_name_present', 'not_blank', '{primary_name_first}',
	condition => $$record_type = 'PERSON' AND primary_name_last <> ''$$);
SELECT crmaudit.add_rule('customer', 'name_real', 'placeholder', '{primary_name_last}');
SELECT crmaudit.add_rule('customer', 'contact_present', 'at_least_one_of', '{email_address,phone_number}');
SELECT crmaudit.add_rule('customer', 'email_valid', 'format', '{email_address}', '{"type": "email"}');
SELECT crmaudit.add_rule('customer', 'email_lasting', 'not_in_list', '{email_address}',
	'{"list": "disposable_domains", "part": "domain"}', severity => 'warning');
SELECT crmaudit.add_rule('customer', 'phone_valid', 'format', '{phone_number}', '{"type": "phone", "region": "US"}');
SELECT crmaudit.add_rule('customer', 'birth_date_form', 'regex', '{date_of_birth}',
	'{"pattern": "^\\d{4}-\\d\\d-\\d\\d$"}');
SELECT crmaudit.add_rule('customer', 'birth_date_past', 'not_future', '{date_of_birth}');
SELECT crmaudit.add_rule('customer', 'gender_known', 'in_set', '{gender}', '{"values": ["M", "F", "Male", "Female"]}',
	severity => 'warning');
SELECT crmaudit.add_rule('customer', 'record_type_known', 'in_set', '{record_type}', '{"values": ["PERSON", "ORGANIZATION"]}');
SELECT crmaudit.add_rule('customer', 'status_known', 'in_set', '{status}', '{"values": ["Active", "Inactive", "Terminated"]}');
SELECT crmaudit.add_rule('customer', 'amount_present', 'required', '{amount}');
SELECT crmaudit.add_rule('customer', 'amount_in_range', 'range', '{amount}', '{"min": 0, "max": 1000}');
SELECT crmaudit.add_rule('customer', 'ssn_form', 'regex', '{ssn_number}', '{"pattern": "^\\d{3}-\\d\\d-\\d{4}$"}');
SELECT crmaudit.add_rule('customer', 'state_code', 'regex', '{addr_state}', '{"pattern": "^[A-Z]{2}$"}', severity => 'warning');
SELECT crmaudit.add_rule('customer', 'passport_country_code', 'regex', '{passport_country}', '{"pattern": "^[A-Z]{2}$"}',
	severity => 'warning');
SELECT crmaudit.add_rule('customer', 'address_trimmed', 'regex', '{addr_line1}', '{"pattern": "^\\S(.*\\S)?$"}', severity => 'warning');
-- These look at other rows; without an index only a sweep does.
SELECT crmaudit.add_rule('customer', 'email_unique', 'unique', '{email_address}', severity => 'warning');
SELECT crmaudit.add_rule('customer', 'phone_shared', 'shared_value', '{phone_number}',
	'{"max_customers": 1, "type": "phone", "region": "US"}', severity => 'warning');
END

is((load())[0], 0, 'COPY goes through');
is($node->safe_psql('postgres', 'SELECT count(*) FROM customer'), '120', 'nothing is refused');

# What a reader of the file finds; where there are few, which.
my $expected = <<'END';
address_trimmed|no_match|warning|7|1030 1053 1056 1069 1070 1077 1078
amount_present|missing|error|30|
birth_date_form|no_match|error|61|
birth_date_past|not_a_date|warning|61|
contact_present|all_missing|error|63|
email_valid|display_name|error|2|1034 1058
first_name_present|missing|error|2|1061 1062
gender_known|not_in_set|warning|4|1078 1079 1100 1103
name_present|all_missing|error|1|1055
passport_country_code|no_match|warning|6|1045 1046 1050 1055 1082 1084
phone_valid|area_code_needed|error|2|1033 1088
phone_valid|bad_length|error|2|1085 1091
phone_valid|prefix_unknown|warning|2|2063 2072
ssn_form|no_match|error|3|1067 1079 1080
state_code|no_match|warning|2|1010 1030
END
chomp $expected;
is( $node->safe_psql('postgres', <<'END'), $expected, 'the findings are those of the file');
SELECT rule, reason, severity, count(*),
	CASE WHEN count(*) < 10 THEN string_agg(row_key->>'record_id', ' ' ORDER BY row_key->>'record_id') END
FROM crmaudit.open_findings GROUP BY rule, reason, severity ORDER BY rule;
END

is( $node->safe_psql('postgres', <<'END'),
SELECT rule, state FROM crmaudit.rule_status WHERE state <> 'active' ORDER BY rule;
END
	"email_unique|active in sweeps: at write time it needs CREATE INDEX ON public.customer (crmaudit.normalised(email_address, 'email'))\n"
	  . "phone_shared|active in sweeps: at write time it needs CREATE INDEX ON public.customer (crmaudit.normalised(phone_number, 'phone', 'US'))",
	'rules about other rows say that only sweeps evaluate them, and why');

# No value of a row is in what was remembered.
is( $node->safe_psql('postgres', <<'END'),
SELECT count(*) FROM crmaudit.finding_event e, customer c, jsonb_each_text(to_jsonb(c) - 'record_id') v
WHERE c.record_id = e.row_key->>'record_id' AND length(v.value) > 5
	AND strpos((to_jsonb(e) - '{id,at,xid,target,column_name,username}'::text[])::text, v.value) > 0;
END
	'0', 'findings hold no values');

# The same file in mode enforce.
$node->safe_psql('postgres',
	"TRUNCATE customer; SELECT crmaudit.set_mode('customer', 'enforce')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM crmaudit.open_findings'),
	'0', 'TRUNCATE resolves the findings');
my ($status, $stderr) = load();
isnt($status, 0, 'mode enforce refuses the file');
like($stderr, qr/new row for relation "customer" violates rule "birth_date_form" \(column "date_of_birth"\)/,
	'with the error of its first row');
unlike(join("\n", grep { !/^CONTEXT/ } split /\n/, $stderr), qr/Smith/, 'which shows no value but in CONTEXT');

$node->stop;
done_testing();
