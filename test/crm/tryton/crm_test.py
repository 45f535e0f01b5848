#!/usr/bin/python3
"""Drives Tryton 6.0 through proteus, its client library, under crmaudit.

"run" starts this with a cluster in PGHOST and an initialised, empty Tryton
database "seed".  From it come three: "plain" never sees crmaudit, "guarded"
has it in enforce mode, "watched" gets it in observe mode when it already holds
bad rows.  Statements that go through must leave "guarded" and "watched" equal
to "plain", row by row, in every table of Tryton's.

How Tryton 6.0 writes (read from its server's statement log):

- Every transaction is REPEATABLE READ; one call of a client is one
  transaction.  Errors of class OperationalError (40, 53, 55, 57 ...) are
  retried, IntegrityError (class 23) is not.
- After an IntegrityError Tryton opens a second connection and looks for a
  field, constraint or foreign key of its own to blame, by searching for their
  names in the error's text.  It finds none for a rule of crmaudit and raises
  the original error.  (A rule named like a constraint of Tryton's would give
  the user Tryton's translated message for that constraint.)
- A contact mechanism is a row (type, value).  A client formats a phone before
  it sends it; what is created by any other way is INSERTed as typed, then
  UPDATEd with the formatted "value" and "value_compact" in the same
  transaction.  That is why the phone rules look at commit.
- A client that adds a contact to a party also UPDATEs the party, with nothing
  but write_uid and write_date.
- A new party gets an address with all columns NULL, so no address rule may
  demand anything of each row.
- Erasing a party sets active to false, then overwrites with NULL, or '****'
  where the column is NOT NULL (party_identifier.code, which has no "active").
"""

import datetime
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
import xmlrpc.client
from configparser import ConfigParser
from decimal import Decimal

import passlib.utils  # noqa: F401  before Tryton resets the warning filters
import psycopg2
import psycopg2.errors
from proteus import Model, Wizard
from proteus.config import TrytondConfig
from trytond.config import config as trytond_config

CONFIG_FILE = os.environ['TRYTOND_CONFIG']
CONFIG = ConfigParser(interpolation=None)
CONFIG.read(CONFIG_FILE)
LISTEN = CONFIG.get('web', 'listen')

# What one login or wizard leaves behind; differs from run to run.
UNSTABLE_TABLES = {
    'ir_session', 'ir_session_wizard', 'ir_cache', 'res_user_login_attempt',
    'res_user_device_cookie',
    }
TIMESTAMPS = ['create_date', 'write_date']

TABLES = [
    # relation, live
    ('party_party', 'active'),
    ('party_address', 'active'),
    ('party_contact_mechanism', 'active'),
    # Has no "active"; this is what erasure writes.
    ('party_identifier', "code <> '****'"),
    ]

PHONE = "type IN ('phone', 'mobile', 'fax')"
RULES = [
    # relation, rule, kind, columns, params, condition
    ('party_party', 'name_real', 'placeholder', ['name'], {}, None),
    ('party_address', 'postal_code_cn', 'regex', ['postal_code'],
        {'pattern': '^[0-9]{6}$'}, 'country = {china}'),
    ('party_address', 'city_given', 'required', ['city'],
        {}, 'street IS NOT NULL'),
    ('party_contact_mechanism', 'email_valid', 'format', ['value'],
        {'type': 'email'}, "type = 'email'"),
    ('party_contact_mechanism', 'website_valid', 'regex', ['value'],
        {'pattern': '^https?://'}, "type = 'website'"),
    ('party_contact_mechanism', 'phone_valid', 'format', ['value'],
        {'type': 'phone', 'timing': 'commit'}, PHONE),
    ('party_contact_mechanism', 'phone_real', 'placeholder', ['value'],
        {'extra': ['+86 138 0013 8000'], 'timing': 'commit'}, PHONE),
    ('party_identifier', 'resident_id_valid', 'format', ['code'],
        {'type': 'resident_id'}, "type = 'cn_ric'"),
    ('party_identifier', 'uscc_valid', 'format', ['code'],
        {'type': 'uscc'}, "type = 'cn_uscc'"),
    ('party_identifier', 'code_real', 'placeholder', ['code'], {}, None),
    ]

passed = failed = 0


def ok(is_ok, name, detail=None):
    "Reports one check."
    global passed, failed
    if is_ok:
        passed += 1
    else:
        failed += 1
    print('ok' if is_ok else 'not ok', '-', name, flush=True)
    if not is_ok and detail is not None:
        for line in str(detail).splitlines():
            print('#   ', line, flush=True)
    return is_ok


def section(title):
    print('#', title, flush=True)


def attempt(function, *args, **kwargs):
    "Returns the exception that a call raises, or None."
    try:
        function(*args, **kwargs)
    except Exception as exception:
        return exception
    return None


def goes_through(name, function, *args, **kwargs):
    exception = attempt(function, *args, **kwargs)
    ok(exception is None, name,
        '%s: %s' % (type(exception).__name__, exception))


class Sql:
    "A connection of its own: the superuser's, or that of Tryton's role."

    def __init__(self, database, user='postgres'):
        self.connection = psycopg2.connect(dbname=database, user=user)
        self.connection.autocommit = True

    def __call__(self, query, params=None):
        with self.connection.cursor() as cursor:
            cursor.execute(query, params)
            return cursor.fetchall() if cursor.description else []

    def value(self, query, params=None):
        return self(query, params)[0][0]

    def close(self):
        self.connection.close()


def snapshot(database, without=TIMESTAMPS, physical=False):
    """
    The rows of all tables of Tryton's in a database, as sorted text.

    With "physical" also where a row stands and which transaction wrote it, so
    that even an update to the same values shows.
    """
    sql = Sql(database)
    system = 'ctid::text, xmin::text, ' if physical else ''
    tables = [table for table, in sql(
            "SELECT relname FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " ORDER BY relname")]
    result = {}
    for table in tables:
        if table in UNSTABLE_TABLES:
            continue
        result[table] = sorted(str(row) for row in sql(
                'SELECT ' + system + '(to_jsonb(t) - %s::text[])::text'
                ' FROM public."' + table + '" t', (without,)))
    sql.close()
    return result


def differences(left, right):
    result = []
    for table in sorted(left.keys() | right.keys()):
        a, b = left.get(table, []), right.get(table, [])
        if a != b:
            result.append(table)
            result += ['  - ' + row[:300] for row in a if row not in b][:2]
            result += ['  + ' + row[:300] for row in b if row not in a][:2]
    return '\n'.join(result)


def same(name, left, right):
    difference = differences(left, right)
    ok(not difference, name, difference)


class Crm:
    "Tryton on one database, as a client sees it."

    def __init__(self, database, user='admin'):
        self.database = database
        uri = CONFIG.get('database', 'uri')
        self.config = TrytondConfig(
            uri + database, user=user, config_file=CONFIG_FILE)

    def model(self, name):
        return Model.get(name, self.config)

    def create(self, name, *values):
        "Creates records as an import does, without the client's formatting."
        return self.config.get_proxy(name).create(
            list(values), self.config.context)

    def wizard(self, name, record=None):
        return Wizard(
            name, [record] if record else None, config=self.config)

    def country(self, code):
        country, = self.model('country.country').find([('code', '=', code)])
        return country

    def new_party(self, name=None, country=None, contacts=(), **address):
        Party = self.model('party.party')
        party = Party(name=name)
        if country:
            party.addresses[0].country = self.country(country)
        for field, value in address.items():
            setattr(party.addresses[0], field, value)
        party.save()
        for type_, value in contacts:
            add_contact(party, type_, value)
        if contacts:
            party.save()
        return party

    def party(self, name):
        party, = self.model('party.party').find([
                ('name', '=', name),
                ('active', 'in', [True, False]),
                ])
        return party


def add_contact(party, type_, value):
    contact = party.contact_mechanisms.new(type=type_)
    contact.value = value
    return contact


def add_identifier(party, type_, code):
    identifier = party.identifiers.new(type=type_)
    identifier.code = code
    return identifier


def contact(party, type_):
    result, = [c for c in party.contact_mechanisms if c.type == type_]
    return result


def erase(crm, party):
    party.active = False
    party.save()
    wizard = crm.wizard('party.erase', party)
    wizard.execute('erase')


def prepare():
    "Base data, once: countries, a currency, a company with an employee."
    crm = Crm('seed')
    for name, code, code3, numeric in [
            ('China', 'CN', 'CHN', '156'), ('Germany', 'DE', 'DEU', '276')]:
        crm.model('country.country')(
            name=name, code=code, code3=code3, code_numeric=numeric).save()
    currency = crm.model('currency.currency')(
        name='Euro', code='EUR', numeric_code='978', symbol='€')
    currency.save()

    party = crm.new_party('Kundenbuch AG', 'DE')
    wizard = crm.wizard('company.company.config')
    wizard.execute('company')
    wizard.form.party = party
    wizard.form.currency = currency
    wizard.execute('add')
    company, = crm.model('company.company').find()
    clerk = crm.new_party('Erika Beispiel', 'DE')
    crm.model('company.employee')(party=clerk, company=company).save()


#
# What a CRM does all day.  Each flow works alike on every database, so that
# the same ids and codes come out.
#

def flow_person(crm):
    party = crm.new_party('张伟', 'CN',
        street='淮海中路 999 号\n18 楼', postal_code='200031', city='上海',
        contacts=[
            ('phone', '021 6252 1234'),
            ('email', 'zhang.wei@example.com'),
            ('website', 'https://example.com/zhang'),
            ('other', 'WeChat zhangwei'),
            ])
    add_identifier(party, 'cn_ric', '11010519491231002X')
    party.save()


def flow_companies(crm):
    party = crm.new_party('Müller Maschinenbau GmbH', 'DE',
        street='Invalidenstraße 1', postal_code='10115', city='Berlin',
        contacts=[
            ('phone', '030 901820'),
            ('fax', '+49 30 901821'),
            ('email', 'info@mueller-maschinenbau.de'),
            ('email', 'einkauf@mueller-maschinenbau.de'),
            ('sip', 'sip:info@mueller-maschinenbau.de'),
            ])
    add_identifier(party, 'de_vat', 'DE136695976')
    party.save()
    party = crm.new_party('北京例子科技有限公司', 'CN',
        street='中关村大街 27 号', postal_code='100080', city='北京')
    add_identifier(party, 'cn_uscc', '91110000600037341L')
    party.save()


def flow_bare(crm):
    # Neither name nor address: Tryton allows it, and so must the rules.
    crm.new_party()
    crm.new_party('Nur ein Name')


def flow_as_typed(crm):
    # INSERT '139 1365 2478', UPDATE '+86 139 1365 2478', COMMIT.
    crm.create('party.contact_mechanism', {
            'party': crm.party('张伟').id,
            'type': 'mobile',
            'value': '139 1365 2478',
            })


def flow_import(crm):
    # Parent and children in one transaction, several at once.
    crm.create('party.party', *[{
                'name': 'Import %d' % i,
                'addresses': [('create', [{
                                'street': 'Ring %d' % i,
                                'city': 'Köln',
                                'country': crm.country('DE').id,
                                }])],
                'contact_mechanisms': [('create', [{
                                'type': 'email',
                                'value': 'import%d@example.org' % i,
                                }, {
                                'type': 'phone',
                                'value': '+49 221 2210%02d' % i,
                                }])],
                } for i in range(10)])


def flow_change(crm):
    party = crm.party('Müller Maschinenbau GmbH')
    party.name = 'Müller Maschinenbau AG'
    party.addresses[0].street = 'Invalidenstraße 2'
    contact(party, 'phone').value = '030 901899'
    contact(party, 'sip').active = False
    party.save()
    contact(party, 'fax').delete()


def flow_replace(crm):
    keep = crm.party('Nur ein Name')
    double = crm.new_party('Nur ein Name', 'DE', city='Ulm',
        contacts=[('email', 'double@example.org')])
    wizard = crm.wizard('party.replace', double)
    wizard.form.destination = keep
    wizard.execute('replace')


def flow_erase(crm):
    party = crm.new_party('Vergissmeinnicht', 'DE',
        street='Weg 1', postal_code='20095', city='Hamburg',
        contacts=[('email', 'erase@example.org'), ('phone', '040 428280')])
    add_identifier(party, 'de_vat', 'DE136695976')
    party.save()
    erase(crm, party)


def flow_delete(crm):
    crm.new_party('Versehen', 'DE', city='Ulm',
        contacts=[('email', 'oops@example.org')]).delete()


def flow_sale(crm):
    Opportunity = crm.model('sale.opportunity')
    company, = crm.model('company.company').find()
    employee, = crm.model('company.employee').find()
    customer = crm.party('Import 1')
    lead = Opportunity(description='Presse', company=company)
    lead.save()
    lead.party = customer
    lead.address = customer.addresses[0]
    lead.contact = contact(customer, 'email')
    lead.employee = employee
    lead.save()
    lead.click('opportunity')
    lead.click('convert')
    assert lead.state == 'converted', lead.state
    assert len(lead.sales) == 1
    assert lead.sales[0].party == customer


FLOWS = [
    ('a person with address, contacts and resident ID', flow_person),
    ('companies with tax identifiers', flow_companies),
    ('parties with nothing but a name, or less', flow_bare),
    ('a phone stored as typed, then formatted', flow_as_typed),
    ('ten parties with children in one transaction', flow_import),
    ('changes of party, address and contacts', flow_change),
    ('a duplicate replaced', flow_replace),
    ('a party erased', flow_erase),
    ('a party deleted', flow_delete),
    ('a lead, an opportunity, a sale', flow_sale),
    ]


def run_flows(crm, where):
    for name, flow in FLOWS:
        goes_through('%s: %s' % (where, name), flow, crm)


def flow_bad(crm):
    "Rows that break rules, and that Tryton itself has nothing against."
    party = crm.new_party('测试', 'CN',
        street='某路', postal_code='2000', city=None,
        contacts=[
            ('email', 'not an address'),
            ('website', 'ftp:/nowhere'),
            ('mobile', '138 0013 8000'),
            ])
    add_identifier(party, None, '111111')
    party.save()


def test_baseline(plain):
    section('Tryton without crmaudit')
    run_flows(plain, 'plain')
    value = Sql('plain').value(
        "SELECT value FROM party_contact_mechanism WHERE type = 'mobile'")
    ok(value == '+86 139 1365 2478', 'plain: a phone is formatted', value)


def protect(sql, mode, error_style='rule'):
    # "live" is given each time, because protect sets all options.
    for table, live in TABLES:
        sql('SELECT crmaudit.protect(%s::regclass, mode => %s, live => %s,'
            ' error_style => %s)', (table, mode, live, error_style))


def set_mode(sql, mode):
    for table, _ in TABLES:
        sql('SELECT crmaudit.set_mode(%s::regclass, %s)', (table, mode))


def add_rules(sql):
    china = sql.value("SELECT id FROM country_country WHERE code = 'CN'")
    for table, rule, kind, columns, params, condition in RULES:
        if condition:
            condition = condition.format(china=china)
        sql('SELECT crmaudit.add_rule(%s::regclass, %s, %s, %s::text[],'
            ' params => %s::jsonb, condition => %s)',
            (table, rule, kind, columns, json.dumps(params), condition))


def deploy(sql, mode):
    sql('CREATE EXTENSION crmaudit')
    protect(sql, mode)
    add_rules(sql)


def refused(name, table, rule, column, function, *args, more=False, **kwargs):
    """
    Checks that a call fails as a rule's refusal, and what the client sees.

    proteus with the server in its own process passes psycopg2's error on: the
    fields are there.  Its text is what any other client shows the user.
    """
    exception = attempt(function, *args, **kwargs)
    primary = ('new row for relation "%s" violates rule "%s" (column "%s")'
        % (table, rule, column))
    if isinstance(exception, psycopg2.Error):
        diag = exception.diag
        fields = (exception.pgcode, diag.schema_name, diag.table_name,
            diag.column_name, diag.constraint_name)
        ok(fields == ('23514', 'public', table, column, rule),
            '%s: refused as class 23 with table, column and rule' % name,
            fields)
    else:
        ok(False, '%s: refused' % name, repr(exception))
    ok(primary in str(exception) and (' more' in str(exception)) >= more,
        '%s: the client sees rule and column' % name, exception)
    return exception


def test_enforce(crm, plain_rows):
    section('enforce: good rows go through unchanged')
    sql = Sql(crm.database)
    deploy(sql, 'enforce')
    run_flows(crm, 'guarded')
    same('guarded: every row as without crmaudit',
        plain_rows, snapshot(crm.database))
    found = sql.value("SELECT string_agg(format('%s %s %s', rule, reason, status), ', ') FROM crmaudit.finding")
    ok(found is None, 'guarded: no findings', found)

    section('enforce: bad rows are refused')
    before = snapshot(crm.database, physical=True)
    party = crm.party('张伟')
    zhang = party.id

    def client(type_, value):
        record = crm.model('party.party')(zhang)
        add_contact(record, type_, value)
        record.save()

    error = refused('bad e-mail from a client',
        'party_contact_mechanism', 'email_valid', 'value',
        client, 'email', 'zhang.wei@@example')
    ok('zhang.wei@@example' not in str(error),
        'the error does not repeat the value', error)
    refused('bad e-mail from an import',
        'party_contact_mechanism', 'email_valid', 'value',
        crm.create, 'party.contact_mechanism', {
            'party': zhang, 'type': 'email', 'value': 'zhang.wei at example'})
    refused('bad website',
        'party_contact_mechanism', 'website_valid', 'value',
        client, 'website', 'example')
    refused('filler phone, at commit, from a client',
        'party_contact_mechanism', 'phone_real', 'value',
        client, 'mobile', '138 0013 8000')
    refused('filler phone, at commit, from an import',
        'party_contact_mechanism', 'phone_real', 'value',
        crm.create, 'party.contact_mechanism', {
            'party': zhang, 'type': 'mobile', 'value': '13800138000'})
    refused('filler name', 'party_party', 'name_real', 'name',
        crm.new_party, '测试', 'CN')
    refused('postal code of China with four digits',
        'party_address', 'postal_code_cn', 'postal_code',
        crm.new_party, '王芳', 'CN', street='某路 1 号', city='上海',
        postal_code='2000')
    refused('street without city', 'party_address', 'city_given', 'city',
        crm.new_party, '王芳', 'CN', street='某路 1 号')
    exception = attempt(crm.new_party, '王芳', 'CN', street='某路 1 号',
        postal_code='2000')
    ok('and 1 more' in str(exception) and 'city_given' in str(exception)
        and 'postal_code_cn' in str(exception),
        'two violations of a row in one error', exception)

    def identifier(type_, code):
        record = crm.model('party.party')(zhang)
        add_identifier(record, type_, code)
        record.save()

    refused('filler identifier', 'party_identifier', 'code_real', 'code',
        identifier, None, '111111')

    # The edit of a good row into a bad one.
    def edit():
        record = crm.model('party.party')(zhang)
        contact(record, 'email').value = 'zhang.wei'
        record.save()

    refused('good e-mail changed to a bad one',
        'party_contact_mechanism', 'email_valid', 'value', edit)

    # One bad child of ten parties undoes all of the transaction.
    refused('one bad row of an import',
        'party_contact_mechanism', 'email_valid', 'value',
        crm.create, 'party.party', *[{
                'name': 'Batch %d' % i,
                'contact_mechanisms': [('create', [{
                                'type': 'email',
                                'value': 'b%d%sexample.org' % (
                                    i, ' ' if i == 7 else '@'),
                                }])],
                } for i in range(10)])

    # Tryton checks these itself; a script that writes SQL does not.
    section('enforce: scripts beside Tryton, with the role of Tryton')
    script = Sql(crm.database, 'tryton')
    for name, table, rule, column, insert in [
            ('resident ID with a wrong check character', 'party_identifier',
                'resident_id_valid', 'code',
                "INSERT INTO party_identifier (party, type, code)"
                " VALUES (%s, 'cn_ric', '110105194912310021')"),
            ('credit code with a wrong length', 'party_identifier',
                'uscc_valid', 'code',
                "INSERT INTO party_identifier (party, type, code)"
                " VALUES (%s, 'cn_uscc', '91110000600037341')"),
            ('phone with letters', 'party_contact_mechanism',
                'phone_valid', 'value',
                "INSERT INTO party_contact_mechanism"
                " (active, party, type, value)"
                " VALUES (true, %s, 'phone', 'call me')"),
            ]:
        refused(name, table, rule, column, script, insert, (zhang,))
    for what in ['TABLE crmaudit.rule', 'TABLE crmaudit.finding',
            "SELECT crmaudit.set_mode('party_party', 'off')",
            "DELETE FROM crmaudit.finding_event"]:
        exception = attempt(script, what)
        ok(isinstance(exception, psycopg2.errors.InsufficientPrivilege),
            'the role of Tryton may not: %s' % what, repr(exception))
    script.close()

    same('guarded: refusals leave nothing behind',
        before, snapshot(crm.database, physical=True))
    goes_through('guarded: Tryton goes on after refusals',
        client, 'email', 'zhang.wei@example.net')
    sql.close()


def test_old_rows(crm):
    section('enforce: rows that were bad before')
    sql = Sql(crm.database)
    set_mode(sql, 'off')
    goes_through('bad rows are stored while the gate is off', flow_bad, crm)
    set_mode(sql, 'enforce')
    party = crm.party('测试')
    id_ = party.id

    def change(**values):
        record = crm.model('party.party')(id_)
        for field, value in values.items():
            type_, field = field.split('_', 1)
            setattr(contact(record, type_), field, value)
        record.save()

    goes_through('a comment on a bad e-mail', change, email_comment='bounces')
    refused('a bad e-mail changed to another bad one',
        'party_contact_mechanism', 'email_valid', 'value',
        change, email_value='still not an address')
    goes_through('a bad e-mail mended',
        change, email_value='mended@example.org')
    goes_through('a bad website deactivated', change, website_active=False)

    def move():
        record = crm.model('party.party')(id_)
        record.addresses[0].name = 'Lager'
        record.save()

    goes_through('a name on a bad address', move)

    def replace():
        keep = crm.new_party('王芳')
        # Tryton asks back when the names differ.
        record = crm.model('party.party')(id_)
        record.name = '王芳'
        record.save()
        wizard = crm.wizard('party.replace', record)
        wizard.form.destination = keep
        wizard.execute('replace')

    goes_through('a name mended, and the bad party replaced', replace)

    def bad_party():
        set_mode(sql, 'off')
        flow_bad(crm)
        set_mode(sql, 'enforce')
        return crm.party('测试')

    party = bad_party()
    goes_through('a bad party erased', erase, crm, party)
    left = sql('SELECT DISTINCT p.name, i.code, a.street, a.postal_code, c.value'
        ' FROM party_party p JOIN party_identifier i ON i.party = p.id'
        ' JOIN party_address a ON a.party = p.id'
        ' JOIN party_contact_mechanism c ON c.party = p.id'
        ' WHERE p.id = %s', (party.id,))
    ok(left == [(None, '****', None, None, None)], 'nothing of it is left', left)

    goes_through('a bad party deleted', bad_party().delete)
    sql.close()


def test_native(crm):
    section("enforce: error_style 'native'")
    sql = Sql(crm.database)
    protect(sql, 'enforce', 'native')
    # Tryton treats all of class 23 alike, so the style changes only what the
    # client may read from the error.
    exception = attempt(crm.new_party, '王芳', 'CN', street='某路 1 号')
    ok(isinstance(exception, psycopg2.errors.NotNullViolation)
        and exception.diag.column_name == 'city',
        'a missing value is 23502 with the column', repr(exception))
    print('#   ', str(exception).splitlines()[0])
    exception = attempt(crm.new_party, '测试')
    ok(isinstance(exception, psycopg2.errors.CheckViolation)
        and exception.diag.column_name == 'name',
        'any other violation is 23514 with the column', repr(exception))
    print('#   ', str(exception).splitlines()[0])
    protect(sql, 'enforce')
    sql.close()


class Server:
    "Tryton's own server, for clients on the wire."

    def __init__(self, *databases):
        self.log = open('trytond.log', 'ab')
        self.process = subprocess.Popen(
            ['/usr/bin/trytond', '-c', CONFIG_FILE, '-d', *databases],
            stdout=self.log, stderr=self.log)

    def __enter__(self):
        for _ in range(300):
            # The call that proteus makes first.
            preferences = self.proxy('plain').model.res.user.get_preferences
            if not attempt(preferences, True, {}):
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        self.__exit__()
        raise Exception('trytond did not start, see trytond.log')

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    @staticmethod
    def proxy(database):
        return xmlrpc.client.ServerProxy(
            'http://admin:admin@%s/%s/' % (LISTEN, database),
            allow_none=True, use_builtin_types=True)


def test_wire(crm, server):
    section('enforce: a client on the wire')
    sql = Sql(crm.database)
    proxy = server.proxy(crm.database)
    party = crm.party('张伟').id

    def create(type_, value):
        return proxy.model.party.contact_mechanism.create(
            [{'party': party, 'type': type_, 'value': value}], {})

    goes_through('a good e-mail over XML-RPC',
        create, 'email', 'wire@example.org')
    # Each try takes an id, so the sequence counts them.
    sequence = 'SELECT last_value FROM party_contact_mechanism_id_seq'
    for name, rule, type_, value in [
            ('a bad e-mail', 'email_valid', 'email', 'wire example'),
            ('a filler phone', 'phone_real', 'mobile', '13800138000')]:
        before = sql.value(sequence)
        exception = attempt(create, type_, value)
        ok(isinstance(exception, xmlrpc.client.Fault)
            and 'violates rule "%s" (column "value")' % rule
            in exception.faultString,
            '%s over XML-RPC: the client sees rule and column' % name,
            repr(exception))
        ok(sql.value(sequence) == before + 1,
            '%s over XML-RPC: Tryton does not try again' % name)
    sql.close()


def findings(sql):
    return {(str(table), rule): count for table, rule, count in sql(
            'SELECT f.target::text, r.name, count(*)'
            ' FROM crmaudit.finding f JOIN crmaudit.rule r ON r.id = f.rule_id'
            " WHERE f.status = 'open' GROUP BY 1, 2")}


def test_observe(plain, watched):
    section('observe: existing data')
    for crm in plain, watched:
        goes_through('%s: bad rows without crmaudit' % crm.database,
            flow_bad, crm)
    before = snapshot('watched', without=[], physical=True)
    sql = Sql('watched')
    deploy(sql, 'observe')
    same('watched: deployment changes no row',
        before, snapshot('watched', without=[], physical=True))
    if sql.value("SELECT to_regproc('crmaudit.sweep') IS NOT NULL"):
        sql('SELECT crmaudit.sweep()')
        same('watched: a sweep changes no row',
            before, snapshot('watched', without=[], physical=True))
        ok({('party_contact_mechanism', 'email_valid'),
            ('party_party', 'name_real')} <= findings(sql).keys(),
            'watched: a sweep finds the old bad rows', findings(sql))

    section('observe: new data')
    old = findings(sql)

    def bad_again(crm):
        party = crm.new_party('test', 'CN', street='某路', postal_code='1',
            contacts=[('email', 'nobody'), ('mobile', '13800138000')])
        add_identifier(party, None, '222222')
        party.save()

    def edit(crm):
        party = crm.party('张伟')
        contact(party, 'email').value = 'zhang.wei'
        party.save()

    for crm in plain, watched:
        goes_through('%s: new bad rows' % crm.database, bad_again, crm)
        goes_through('%s: a good row edited to a bad one' % crm.database,
            edit, crm)
    same('watched: every row as without crmaudit',
        snapshot('plain'), snapshot('watched'))
    new = findings(sql)
    new = {key: new[key] - old.get(key, 0) for key in new
        if new[key] != old.get(key, 0)}
    expected = {
        ('party_party', 'name_real'): 1,
        ('party_address', 'postal_code_cn'): 1,
        ('party_address', 'city_given'): 1,
        ('party_contact_mechanism', 'email_valid'): 2,
        ('party_contact_mechanism', 'phone_real'): 1,
        ('party_identifier', 'code_real'): 1,
        }
    ok(new == expected, 'watched: a finding for each violation', new)

    party = watched.party('test')
    contact(party, 'email').value = 'somebody@example.org'
    party.save()
    ok(findings(sql)['party_contact_mechanism', 'email_valid']
        == old.get(('party_contact_mechanism', 'email_valid'), 0) + 1,
        'watched: a repair closes the finding', findings(sql))
    erase(watched, party)
    left = sql.value("SELECT count(*) FROM crmaudit.finding f"
        " WHERE f.status = 'open' AND f.target = 'party_party'::regclass"
        " AND f.row_key = jsonb_build_object('id', %s)", (party.id,))
    ok(left == 0, 'watched: an erasure closes the findings', left)
    text = sql.value("SELECT string_agg(f::text, '') FROM crmaudit.finding f")
    ok('nobody' not in text and '13800138000' not in text
        and 'zhang' not in text, 'watched: findings hold no values')
    sql.close()


def test_concurrent(crm, server):
    section('observe: four clients at once, REPEATABLE READ, no retry')
    sql = Sql(crm.database)
    before = findings(sql).get(('party_contact_mechanism', 'email_valid'), 0)
    errors = []

    def work(worker):
        proxy = server.proxy(crm.database)
        for i in range(15):
            exception = attempt(proxy.model.party.party.create, [{
                        'name': 'Client %d %d' % (worker, i),
                        'contact_mechanisms': [['create', [{
                                        'type': 'email',
                                        'value': 'bad %d %d' % (worker, i),
                                        }]]],
                        }], {})
            if exception:
                errors.append(exception)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ok(not errors, 'no transaction fails', errors[:2])
    after = findings(sql).get(('party_contact_mechanism', 'email_valid'), 0)
    ok(after - before == 60, 'each bad row has its finding', after - before)
    sql.close()


def test_suggest(sql):
    "What crmaudit makes of Tryton's tables by itself."
    section('Tryton as a CRM that nobody described')
    suggested = {}
    for table in ('party_party', 'party_address', 'party_contact_mechanism'):
        for name, params, condition, fail in sql(
                'SELECT name, params, condition, would_fail'
                ' FROM crmaudit.suggest_rules(%s::regclass)', (table,)):
            suggested[table, name] = (params, condition, fail)
    contact = 'party_contact_mechanism'
    ok(suggested.get((contact, 'value_email_valid'), (0, 0))[:2] ==
        ({'type': 'email'}, "type IN ('email')"),
        'suggested: an e-mail address where the type says so', suggested)
    params, condition, _ = suggested.get(
        (contact, 'value_phone_valid'), ({}, None, 0))
    ok(params.get('type') == 'phone' and condition is not None
        and condition.startswith("type IN ('"),
        'suggested: a phone number where the type says so', suggested)
    ok({(contact, 'type_known'), (contact, 'create_date_not_future')}
        <= set(suggested), 'suggested: sets and dates', suggested)
    rules = sql.value('SELECT crmaudit.suggested_rules_json(%s::regclass)',
        (contact,))
    ok(sql.value("SELECT bool_and(t.failed = s.would_fail)"
            " FROM crmaudit.try_rules(%s::regclass, %s::jsonb) t"
            " JOIN crmaudit.suggest_rules(%s::regclass) s USING (name)"
            " JOIN crmaudit.rule_kind k USING (kind)"
            " WHERE k.level = 'row'",
            (contact, json.dumps(rules['rules']), contact)),
        'suggested: counts are those of the rules')


#
# What is audited across tables: who was spoken to, and in time?
#

class Mailbox(socketserver.ThreadingTCPServer):
    "Takes the mail that Tryton sends."
    daemon_threads = True
    received = 0

    class Session(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b'220 mailbox\r\n')
            for line in self.rfile:
                if line.startswith(b'data'):
                    self.wfile.write(b'354 go on\r\n')
                    while self.rfile.readline() not in (b'.\r\n', b''):
                        pass
                    self.server.received += 1
                self.wfile.write(b'250 done\r\n')

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        trytond_config.set('email', 'uri',
            'smtp://%s:%d' % self.server_address)
        trytond_config.set('email', 'from', 'crm@example.org')
        return super().__enter__()

    def __exit__(self, *error):
        self.shutdown()
        super().__exit__(*error)


class Clock:
    """
    Moves what Tryton wrote to where a test needs it.

    Tryton stamps each row with the server's time, and no client can say
    another.  All times here are UTC, as in Tryton's columns.
    """

    def __init__(self, sql):
        self.sql = sql

    def created(self, table, id_, at):
        self.sql('UPDATE ' + table + ' SET create_date = %s WHERE id = %s',
            (at, id_))

    def written(self, table, id_, at):
        self.sql('UPDATE ' + table + ' SET write_date = %s WHERE id = %s',
            (at, id_))

    def converted(self, lead, at):
        self.sql("UPDATE sale_opportunity__history SET write_date = %s"
            " WHERE id = %s AND state = 'converted'", (at, lead.id))


def note(crm, record, message, **values):
    result = crm.model('ir.note')(resource=record, message=message, **values)
    result.save()
    return result


def email(crm, record, subject):
    id_ = crm.config.get_proxy('ir.email').send(
        'kunde@example.org', '', '', subject, 'Guten Tag', [],
        [record.__class__.__name__, record.id], None, None,
        crm.config.context)
    return crm.model('ir.email')(id_)


def staff_user(admin):
    "A user who is the employee; the administrator is none."
    company, = admin.model('company.company').find()
    employee, = admin.model('company.employee').find()
    user = admin.model('res.user')(name='Erika Beispiel', login='erika')
    user.companies.append(company)
    user.company = company
    user.employees.append(employee)
    user.employee = employee
    for group in admin.model('res.group').find():
        user.groups.append(group)
    user.save()


# customer, city, whether the lead becomes a sale
LEADS = [
    ('安徽例子纸业有限公司', '合肥', True),
    ('Berliner Druckhaus GmbH', 'Berlin', True),
    ('成都例子包装有限公司', '成都', False),
    ('大连例子港务有限公司', '大连', True),
    ('Emder Werft AG', 'Emden', True),
    ('福州例子茶业有限公司', '福州', True),
    ]
ANHUI, BERLIN, CHENGDU, DALIAN, EMDEN, FUZHOU = [name for name, *_ in LEADS]
CLOSED, DOUBLE = 'Gießener Garn GmbH', 'Anhui Example Paper'


def flow_sales_work(admin, erika, clock):
    """
    A sales department's work, as its people do it in Tryton.

    China is eight hours ahead of Tryton's clock; 1 to 7 October 2024 were
    holidays, and Saturday the 12th was worked.
    """
    lead = {}
    company, = erika.model('company.company').find()
    employee, = erika.model('company.employee').find()
    for name, city, _ in LEADS:
        party = erika.new_party(name, 'DE' if name.isascii() else 'CN',
            city=city, contacts=[('email', 'info@example.org')])
        clock.created('party_party', party.id, '2024-01-31 18:00')
        opportunity = erika.model('sale.opportunity')(
            description='Presse', company=company, party=party,
            address=party.addresses[0], employee=employee,
            start_date=datetime.date(2024, 9, 30), amount=Decimal('1000'))
        opportunity.save()
        clock.created('sale_opportunity', opportunity.id, '2024-09-30 02:00')
        lead[name] = opportunity

    # Who took up the lead, and when: within five working days is before the
    # 12th ends, which is at 16:00 of Tryton's clock.
    said = note(erika, lead[ANHUI], 'Besuch vereinbart')
    clock.created('ir_note', said.id, '2024-10-12 15:59:59')
    said = note(erika, lead[BERLIN], 'Angebot besprochen',
        copy_to_resources=['sale.sale'])
    clock.created('ir_note', said.id, '2024-10-12 16:00')
    said = email(erika, lead[DALIAN], 'Ihre Anfrage')
    clock.created('ir_email', said.id, '2024-10-08 01:00')
    for name in EMDEN, FUZHOU:
        said = note(erika, lead[name], 'Angerufen')
        clock.created('ir_note', said.id, '2024-09-30 02:30')

    for name, _, is_sold in LEADS:
        if is_sold:
            lead[name].click('opportunity')
            lead[name].click('convert')
            if name != FUZHOU:
                clock.converted(lead[name], '2024-11-05 03:00')

    # What was said after the sale; Tryton copied Berlin's note to it.
    said = note(erika, lead[ANHUI], 'Zufrieden')
    clock.created('ir_note', said.id, '2024-12-05 15:00')
    said = email(erika, lead[DALIAN].sales[0], 'Ihr Auftrag')
    clock.created('ir_email', said.id, '2024-12-05 16:00')

    # A sale with a line has an amount, which Tryton gives the opportunity.
    sale = lead[ANHUI].sales[0]
    line = sale.lines.new()
    line.description = 'Papier'
    line.quantity = 2
    line.unit_price = Decimal('450')
    sale.save()
    sale.click('quote')
    # One that is cancelled makes it a lost one.
    lead[EMDEN].sales[0].click('cancel')

    # A note on a party that is replaced, and a party that leaves.
    double = erika.new_party(DOUBLE, 'DE', city='Ulm')
    clock.created('party_party', double.id, '2024-01-31 18:00')
    said = note(admin, admin.party(DOUBLE), 'Rückruf erbeten')
    clock.created('ir_note', said.id, '2024-03-01 09:00')
    keep = erika.party(ANHUI)
    double.name = ANHUI
    double.save()
    wizard = erika.wizard('party.replace', double)
    wizard.form.destination = keep
    wizard.execute('replace')
    closed = erika.new_party(CLOSED, 'DE', city='Gießen')
    clock.created('party_party', closed.id, '2024-01-31 18:00')
    closed.active = False
    closed.save()
    clock.written('party_party', closed.id, '2024-06-30 16:30')
    return lead


def rows(sql, query):
    "Its rows, each as text with its values in one line."
    return ['|'.join('' if value is None else str(value) for value in row)
        for row in sql(query)]


def shows(sql, name, query, expected):
    found = rows(sql, query)
    ok(found == expected, name,
        '\n'.join(['  - ' + row for row in expected if row not in found]
            + ['  + ' + row for row in found if row not in expected]
            or ['in another order'] + found))


# What an auditor reads: customers and staff by name, times in Tryton's zone.
# Nothing depends on the day on which the test runs.
VIEWS = {
    'interactions': (
        "SELECT i.occurred_at, c.name, w.name, i.kind, i.related_entity"
        " FROM crmaudit.interaction() i"
        " LEFT JOIN crmaudit.customer() c USING (customer_id)"
        " LEFT JOIN crmaudit.staff() w USING (staff_id)"
        ' ORDER BY i.occurred_at, c.name COLLATE "C"', [
            # written on the party that was replaced
            '2024-03-01 09:00:00+00:00|安徽例子纸业有限公司|Administrator'
            '|note|customer',
            '2024-09-30 02:30:00+00:00|Emder Werft AG|Erika Beispiel'
            '|note|opportunity',
            '2024-09-30 02:30:00+00:00|福州例子茶业有限公司|Erika Beispiel'
            '|note|opportunity',
            '2024-10-08 01:00:00+00:00|大连例子港务有限公司|Erika Beispiel'
            '|message|opportunity',
            '2024-10-12 15:59:59+00:00|安徽例子纸业有限公司|Erika Beispiel'
            '|note|opportunity',
            # and not once more for the sale that Tryton copied it to
            '2024-10-12 16:00:00+00:00|Berliner Druckhaus GmbH|Erika Beispiel'
            '|note|opportunity',
            '2024-12-05 15:00:00+00:00|安徽例子纸业有限公司|Erika Beispiel'
            '|note|opportunity',
            '2024-12-05 16:00:00+00:00|大连例子港务有限公司|Erika Beispiel'
            '|message|sale',
            ]),
    'contracts': (
        "SELECT c.name, k.signed_at, k.starts_on, k.amount::numeric(9, 2),"
        "  k.status"
        " FROM crmaudit.contract() k"
        " JOIN crmaudit.customer() c USING (customer_id)"
        " WHERE k.signed_at < '2025-01-01'"
        ' ORDER BY c.name COLLATE "C"', [
            'Berliner Druckhaus GmbH|2024-11-05 03:00:00+00:00|2024-09-30'
            '|1000.00|signed',
            'Emder Werft AG|2024-11-05 03:00:00+00:00|2024-09-30'
            '|0.00|terminated',
            '大连例子港务有限公司|2024-11-05 03:00:00+00:00|2024-09-30'
            '|1000.00|signed',
            '安徽例子纸业有限公司|2024-11-05 03:00:00+00:00|2024-09-30'
            '|900.00|signed',
            ]),
    'obligation_status': (
        "SELECT s.obligation, c.name, w.name, s.starts_at, s.due_at,"
        "  s.fulfilled_at, s.attempts, s.state"
        " FROM crmaudit.obligation_status s"
        " JOIN crmaudit.customer() c USING (customer_id)"
        " JOIN crmaudit.staff() w USING (staff_id)"
        " WHERE s.state <> 'open'"
        ' ORDER BY s.obligation, c.name COLLATE "C"', [
            'lead_followed_up|%s|Erika Beispiel|2024-09-30 02:00:00+00:00'
            '|2024-10-12 16:00:00+00:00|%s' % row for row in [
                (BERLIN, '2024-10-12 16:00:00+00:00|1|late'),
                (EMDEN, '2024-09-30 02:30:00+00:00|1|met'),
                (DALIAN, '2024-10-08 01:00:00+00:00|1|met'),
                (ANHUI, '2024-10-12 15:59:59+00:00|1|met'),
                (CHENGDU, '|0|overdue'),
                (FUZHOU, '2024-09-30 02:30:00+00:00|1|met'),
                ]
            ] + [
            'sale_cared_for|%s|Erika Beispiel|2024-11-05 03:00:00+00:00'
            '|2024-12-05 16:00:00+00:00|%s' % row for row in [
                (BERLIN, '|0|overdue'),
                (DALIAN, '2024-12-05 16:00:00+00:00|1|late'),
                (ANHUI, '2024-12-05 15:00:00+00:00|1|met'),
                ]
            ]),
    # Fuzhou, sold today, is open.
    'obligation_coverage': (
        "SELECT v.obligation, v.month, w.name, v.due, v.met, v.late,"
        "  v.overdue, v.rate, v.demanded, v.is_reached"
        " FROM crmaudit.obligation_coverage v"
        " JOIN crmaudit.staff() w USING (staff_id)"
        " WHERE v.open = 0 ORDER BY 1, 2", [
            'lead_followed_up|2024-10-01|Erika Beispiel'
            '|6|4|1|1|0.6667|1.0|False',
            'sale_cared_for|2024-12-01|Erika Beispiel'
            '|3|1|1|1|0.3333|1.0|False',
            ]),
    # The clerk's customers, and those whom nobody has sold anything; one has a
    # row for each year since.
    'churn_by_staff': (
        "SELECT year, name, at_start, won, lost, at_end, churn_rate"
        " FROM crmaudit.churn_by_staff WHERE year <= 2025"
        " ORDER BY year, staff_id", [
            '2024|Erika Beispiel|0|6|0|6|0.000',
            '2024||0|1|1|0|1.000',
            '2025|Erika Beispiel|6|0|0|6|0.000',
            ]),
    'silent_customers': (
        "SELECT name, since, last_contact_at,"
        "  (now() AT TIME ZONE 'Asia/Shanghai')::date - days_silent"
        " FROM crmaudit.silent_customers"
        ' ORDER BY days_silent DESC, name COLLATE "C"', [
            '成都例子包装有限公司|2024-02-01||2024-02-01',
            'Berliner Druckhaus GmbH|2024-02-01|2024-11-05 03:00:00+00:00'
            '|2024-11-05',
            'Emder Werft AG|2024-02-01|2024-11-05 03:00:00+00:00|2024-11-05',
            '安徽例子纸业有限公司|2024-02-01|2024-12-05 15:00:00+00:00'
            '|2024-12-05',
            # past midnight in China
            '大连例子港务有限公司|2024-02-01|2024-12-05 16:00:00+00:00'
            '|2024-12-06',
            ]),
    }


def show_views(sql, when):
    for view, (query, expected) in VIEWS.items():
        shows(sql, '%s: %s' % (when, view), query, expected)


def update(database, *modules):
    "Tryton's own upgrade of its tables."
    done = subprocess.run(
        ['/usr/bin/trytond-admin', '-c', CONFIG_FILE, '-d', database,
            '-u', *modules], capture_output=True, text=True)
    ok(done.returncode == 0,
        'trytond-admin --update %s' % ' '.join(modules), done.stderr)


def auditor():
    "Reads the views, and Tryton's tables under them; writes nothing."
    sql = Sql('audited')
    sql('CREATE ROLE auditor LOGIN')
    sql("SELECT crmaudit.grant_duty('auditor', 'auditor')")
    sql('GRANT SELECT ON party_party, party_address, party_contact_mechanism,'
        ' company_company, company_employee, res_user, sale_opportunity,'
        ' sale_opportunity__history, sale_sale, ir_note, ir_email'
        ' TO auditor')
    sql.close()
    result = Sql('audited', 'auditor')
    result("SET timezone = 'UTC'")
    return result


def broken(sql):
    return rows(sql, "SELECT entity, source, state FROM crmaudit.entity_map"
        " WHERE state LIKE 'broken%' ORDER BY entity, source::text")


def test_entities():
    section('entities: customers, opportunities, notes and e-mail')
    admin = Crm('audited')
    staff_user(admin)
    sql = Sql('audited')
    sql("ALTER DATABASE audited SET crmaudit.calendar = 'CN'")
    deploy(sql, 'enforce')
    before = snapshot('audited', without=[], physical=True)
    done = subprocess.run(['psql', '-qX', '-d', 'audited', '-U', 'postgres',
            '-f', 'entities.sql'], capture_output=True, text=True)
    ok(done.returncode == 0, 'entities.sql', done.stderr)
    same('audited: the mapping changes no row',
        before, snapshot('audited', without=[], physical=True))

    erika = Crm('audited', 'erika')
    with Mailbox(('127.0.0.1', 0), Mailbox.Session) as mailbox:
        goes_through('audited: the work of a sales department',
            flow_sales_work, admin, erika, Clock(sql))
    ok(mailbox.received == 2, 'Tryton sent its e-mail', mailbox.received)
    written = snapshot('audited', without=[], physical=True)
    reader = auditor()
    show_views(reader, 'what Tryton wrote')
    shows(reader, 'a sale of today is open, for the month that it has',
        "SELECT c.name, s.obligation, s.attempts,"
        "  (s.due_at AT TIME ZONE 'Asia/Shanghai')::date"
        "  - (s.starts_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN 29 AND 32"
        " FROM crmaudit.obligation_status s"
        " JOIN crmaudit.customer() c USING (customer_id)"
        " WHERE s.state = 'open'",
        [FUZHOU + '|sale_cared_for|0|True'])
    reader("SET timezone = 'America/New_York'")
    shows(reader, 'the session\'s time zone changes nothing',
        "SELECT state, count(*) FROM crmaudit.obligation_status"
        " GROUP BY state ORDER BY state",
        ['late|2', 'met|5', 'open|1', 'overdue|2'])
    reader("SET timezone = 'UTC'")
    same('audited: reading changes no row',
        written, snapshot('audited', without=[], physical=True))

    section('entities: what is overdue becomes a finding')
    overdue = ("SELECT f.rule, o.description, c.name, f.status, f.assignee"
        " FROM crmaudit.finding f"
        " JOIN sale_opportunity o ON o.id = (f.row_key ->> 'id')::int"
        " JOIN crmaudit.customer() c ON c.customer_id = o.party::text"
        " WHERE f.target = 'sale_opportunity'::regclass"
        " ORDER BY f.rule")
    employee = str(sql.value('SELECT id FROM company_employee'))
    sql('SELECT crmaudit.sweep_obligations()')
    shows(sql, 'of whoever was in charge', overdue, [
            'lead_followed_up|Presse|%s|open|%s' % (CHENGDU, employee),
            'sale_cared_for|Presse|%s|open|%s' % (BERLIN, employee),
            ])
    lead, = erika.model('sale.opportunity').find(
        [('party.name', '=', CHENGDU)])
    goes_through('a note on it, at last', note, erika, lead, 'Angerufen')
    sql('SELECT crmaudit.sweep_obligations()')
    shows(sql, 'and the finding is resolved', overdue, [
            'lead_followed_up|Presse|%s|resolved|%s' % (CHENGDU, employee),
            'sale_cared_for|Presse|%s|open|%s' % (BERLIN, employee),
            ])
    lead.notes[0].delete()

    section("entities: Tryton's role has no right, and alters its tables")
    script = Sql('audited', 'tryton')
    for what in ['TABLE crmaudit.obligation_status',
            "SELECT crmaudit.unmap_entity('interaction')",
            'DELETE FROM crmaudit.entity_mapping']:
        exception = attempt(script, what)
        ok(isinstance(exception, psycopg2.errors.InsufficientPrivilege),
            'the role of Tryton may not: %s' % what, repr(exception))
    goes_through('an entity reads with the rights of whoever asks', script,
        'SELECT * FROM crmaudit.interaction()')
    update('audited', 'sale_opportunity')
    for alter in [
            'sale_opportunity ALTER amount TYPE numeric(18, 4)',
            'sale_opportunity ALTER number TYPE varchar(500)',
            'ir_note ALTER resource TYPE varchar(200)',
            'sale_opportunity RENAME amount TO expected_amount',
            'sale_opportunity RENAME state TO phase',
            'ir_email RENAME subject TO headline',
            'ir_email RENAME TO ir_mail',
            ]:
        goes_through('ALTER TABLE ' + alter, script, 'ALTER TABLE ' + alter)
    show_views(reader, 'altered')
    ok(not broken(reader), 'the mapping follows', broken(reader))
    for alter in [
            'ir_mail RENAME TO ir_email',
            'ir_email RENAME headline TO subject',
            'sale_opportunity RENAME phase TO state',
            'sale_opportunity RENAME expected_amount TO amount',
            ]:
        script('ALTER TABLE ' + alter)

    # A sub-select's table is no source, so nothing follows its columns.
    goes_through('a column is renamed that only a sub-select reads', script,
        'ALTER TABLE sale_opportunity__history RENAME write_date TO changed')
    ok(broken(reader) == ['contract|sale_opportunity'
            '|broken: column h.write_date does not exist'],
        'the map tells what cannot be read', broken(reader))
    goes_through('Tryton writes on', note, erika, lead, 'Noch einmal')
    lead.reload()
    lead.notes[0].delete()
    script('ALTER TABLE sale_opportunity__history'
        ' RENAME changed TO write_date')
    show_views(reader, 'renamed back')
    for connection in sql, reader, script:
        connection.close()


def test_update_module(crm):
    section("enforce: Tryton's own upgrade of its tables")
    sql = Sql(crm.database)
    triggers = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"
    before = sql.value(triggers)
    update(crm.database, 'party')
    # Tryton widens a column by ALTER TABLE ... ALTER COLUMN ... TYPE.
    goes_through('a column of a rule changes its type',
        Sql(crm.database, 'tryton'),
        'ALTER TABLE party_contact_mechanism ALTER value TYPE varchar(500)')
    ok(sql.value(triggers) == before, 'the triggers are still there')
    refused('bad e-mail after the upgrade',
        'party_contact_mechanism', 'email_valid', 'value',
        crm.create, 'party.contact_mechanism', {
            'party': crm.party('张伟').id, 'type': 'email', 'value': 'bad'})
    sql.close()


def main(baseline):
    subprocess.run([sys.executable, '-W', 'ignore', __file__, '--prepare'],
        check=True)
    sql = Sql('postgres')
    for database in 'plain', 'guarded', 'watched', 'audited':
        sql('CREATE DATABASE %s TEMPLATE seed OWNER tryton' % database)
    sql.close()

    plain = Crm('plain')
    test_baseline(plain)
    plain_rows = snapshot('plain')

    watched = Crm('watched')
    run_flows(watched, 'watched')
    same('two runs of Tryton write the same rows',
        plain_rows, snapshot('watched'))
    if not baseline:
        guarded = Crm('guarded')
        test_enforce(guarded, plain_rows)
        test_old_rows(guarded)
        test_native(guarded)
        test_observe(plain, watched)
        with Server('plain', 'guarded', 'watched') as server:
            test_wire(guarded, server)
            test_suggest(Sql('watched'))
            test_concurrent(watched, server)
        test_update_module(guarded)
        test_entities()


if __name__ == '__main__':
    if '--prepare' in sys.argv:
        prepare()
        sys.exit()
    crash = attempt(main, '--baseline' in sys.argv)
    if crash:
        import traceback
        ok(False, 'the test runs to its end',
            ''.join(traceback.format_exception(crash)))
    print('%d passed, %d failed' % (passed, failed), flush=True)
    # Tryton's threads that listen for cache messages would keep us alive.
    os._exit(1 if failed or not passed else 0)
