# suggest_rules() on tables it has never seen: a public sample CRM (Senzing's
# truth set), loaded as text without a key, and the demo's, whose planted defects
# the suggested rules find.  The sample is skipped where the file is absent; it
# lies in a directory "shared" beside the source tree, or in the one that SHARED
# names.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('profile');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION crmaudit');

my $file = ($ENV{SHARED} || '../shared') . '/data/crm/senzing_customers.csv';
SKIP:
{
	skip "$file is absent", 7 unless -r $file;

	open my $in, '<', $file or die "$file: $!\n";
	my $header = <$in>;
	close $in;
	$header =~ s/\s+$//;
	my $columns = join ', ', map { $_ . ($_ eq 'amount' ? ' numeric' : ' text') } map { lc } split /,/, $header;
	$node->safe_psql('postgres', "CREATE TABLE sample ($columns); \\copy sample FROM '$file' CSV HEADER");

	is($node->safe_psql('postgres', <<'END'), <<'EOR' =~ s/\n$//r, 'roles are those that a reader of the file gives');
SELECT likely_role, string_agg(column_name, ' ') FROM crmaudit.profile('sample') WHERE likely_role IS NOT NULL AND rows - nulls >= 10
GROUP BY likely_role ORDER BY likely_role;
END
address|addr_line1
birth_date|date_of_birth
customer_no|record_id
email|email_address
name|primary_name_last primary_name_first
passport|passport_number
phone|phone_number
postal_code|addr_postal_code
region|passport_country
sex|gender
source|data_source
status|status
EOR

	$node->safe_psql('postgres', q{CREATE TABLE suggested AS SELECT * FROM crmaudit.suggest_rules('sample')});

	# E-mail, phone, dates, sets, lengths and uniqueness, by itself.
	is($node->safe_psql('postgres', <<'END'), <<'EOR' =~ s/\n$//r, 'rules, and how many rows each would fail');
SELECT name, params - 'pattern', would_fail, would_suspect FROM suggested
WHERE kind IN ('format', 'in_set', 'unique', 'range', 'regex') OR kind = 'length' AND params -> 'min' = params -> 'max' ORDER BY name;
END
addr_postal_code_length|{"max": 5, "min": 5}|3|0
addr_state_length|{"max": 2, "min": 2}|2|0
addr_type_known|{"values": ["HOME", "MAILING", "PRIMARY", "BUSINESS"]}|1|0
amount_range|{"min": 0}|0|0
date_is_date|{}|0|0
date_of_birth_is_date|{}|0|0
drivers_license_state_length|{"max": 2, "min": 2}|1|0
email_address_valid|{"type": "email"}|2|0
gender_known|{"values": ["F", "M", "Female", "Male", "U", "Unknown"]}|0|0
phone_number_valid|{"type": "phone", "region": "US"}|4|2
phone_type_known|{"values": ["HOME", "MOBILE"]}|0|0
record_id_shape|{}|0|0
record_id_unique|{}|0|0
record_type_known|{"values": ["PERSON", "ORGANIZATION"]}|0|0
status_known|{"values": ["Active", "Inactive", "Terminated"]}|0|0
EOR

	is($node->safe_psql('postgres', q{SELECT count(*) FROM suggested WHERE confidence < 0.5 OR confidence > 1 OR would_fail > rows}),
		'0', 'bounds hold');

	# No value of a person is in a profile, or in a suggestion.
	is($node->safe_psql('postgres', <<'END'), '0', 'a profile shows no personal value');
SELECT count(*) FROM crmaudit.profile('sample') p, sample s, unnest(ARRAY[s.primary_name_last, s.date_of_birth, s.email_address, s.phone_number, s.addr_line1]) v
WHERE length(v) > 5 AND strpos((to_jsonb(p) - 'column_name')::text, v) > 0;
END
	is($node->safe_psql('postgres', <<'END'), '0', 'nor does a suggestion');
SELECT count(*) FROM suggested p, sample s, unnest(ARRAY[s.primary_name_last, s.date_of_birth, s.email_address, s.phone_number, s.addr_line1]) v
WHERE length(v) > 5 AND strpos(to_jsonb(p)::text, v) > 0;
END

	$node->safe_psql('postgres', q{SELECT crmaudit.protect('sample', mode => 'observe', history => false, key => '{record_id}')});
	is($node->safe_psql('postgres', q{SELECT crmaudit.import_rules(crmaudit.suggested_rules_json('sample')) = (SELECT count(*) FROM suggested)}),
		't', 'all can be imported');
	is($node->safe_psql('postgres', <<'END'), '0', 'and say of the rows what was foretold');
SELECT count(*) FROM suggested f LEFT JOIN (
	SELECT rule, count(DISTINCT s.record_id) AS rows FROM sample s, crmaudit.violations(s) v GROUP BY rule) n ON n.rule = f.name
WHERE f.kind <> 'unique' AND f.would_fail + f.would_suspect <> coalesce(n.rows, 0);
END
}

# The demo's customers: every role is found, and of the defects planted in them
# all that a rule about a row can tell.
$node->safe_psql('postgres', "SET client_min_messages = error;\n\\set customers 1000\n\\i demo/schema.sql\n\\i demo/data.sql");

# With the tables alone: no roles, no packs.
$node->safe_psql('postgres', <<'END');
CREATE TABLE found_roles AS SELECT t AS target, p.column_name, p.likely_role
	FROM unnest('{crm.customer,crm.company,crm.insured,crm.staff}'::regclass[]) t, crmaudit.profile(t) p WHERE likely_role IS NOT NULL;
SELECT crmaudit.protect(t, mode => 'observe', history => false) FROM unnest('{crm.customer,crm.company,crm.insured,crm.staff}'::regclass[]) t;
SELECT crmaudit.import_rules(crmaudit.suggested_rules_json(t)) FROM unnest('{crm.customer,crm.company,crm.insured,crm.staff}'::regclass[]) t;
CREATE TABLE found AS
	SELECT 'crm.customer'::regclass AS tab, jsonb_build_object('customer_no', t.customer_no) AS row_key, v.rule FROM crm.customer t, crmaudit.violations(t) v
	UNION SELECT 'crm.company'::regclass, jsonb_build_object('company_no', t.company_no), v.rule FROM crm.company t, crmaudit.violations(t) v
	UNION SELECT 'crm.staff'::regclass, jsonb_build_object('staff_id', t.staff_id), v.rule FROM crm.staff t, crmaudit.violations(t) v;
END
# What is left is in a json column, or breaks no rule that the rows could tell.
is($node->safe_psql('postgres', <<'END'), "crm.customer|max_age|10\ncrm.customer|format profile->>email|5", 'defects planted in the demo that the suggested rules do not find');
SELECT p.tab, p.kind || CASE WHEN p.kind = 'format' THEN ' ' || p.column_name ELSE '' END, count(*) FROM demo.planted p
WHERE p.tab::text IN ('crm.customer', 'crm.company', 'crm.staff')
	AND p.kind IN (SELECT kind FROM crmaudit.rule_kind WHERE level IN ('row', 'update'))
	AND NOT EXISTS (SELECT FROM found f WHERE f.tab = p.tab AND f.row_key = p.row_key)
GROUP BY 1, 2 ORDER BY 3 DESC;
END
is($node->safe_psql('postgres', <<'END'), '', 'rules that speak against rows in which nothing was planted');
SELECT f.tab, f.rule, count(*) FROM found f
WHERE NOT EXISTS (SELECT FROM demo.planted p WHERE f.tab = p.tab AND f.row_key = p.row_key) GROUP BY 1, 2 ORDER BY 1, 2;
END

# The roles are those that demo/rules.sql gives.
$node->safe_psql('postgres', <<'END');
SET client_min_messages = error;
SELECT crmaudit.unprotect(t) FROM unnest('{crm.customer,crm.company,crm.insured,crm.staff}'::regclass[]) t;
\set mode observe
\i demo/rules.sql
END
is($node->safe_psql('postgres', <<'END'), '', 'roles that a person gave the columns of the demo, and profile() did not');
SELECT p.target, r.key, r.value, f.likely_role FROM crmaudit.protected_table p CROSS JOIN LATERAL jsonb_each_text(p.roles) r
LEFT JOIN found_roles f ON f.target = p.target AND f.column_name = r.key WHERE f.likely_role IS DISTINCT FROM r.value;
END

$node->stop;
done_testing();
