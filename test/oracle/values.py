"""values.py KIND COUNT SEED: random values of a kind, a line "kind, region,
value" each, the value escaped as COPY's text format does.

Four in ten are good, the others have an error, a dress (blanks, full-width
characters ...), or only the shape.  Good ones are made with the oracles' own
tables and check digits, so that what they know is covered.
"""
import os
import random
import re
import string
import sys

import stdnum

DIGITS = string.digits
UPPER = string.ascii_uppercase
ALNUM = DIGITS + UPPER


def pick(characters, count):
    return ''.join(random.choice(characters) for _ in range(count))


def data_lines(name):
    """The lines of one of python-stdnum's tables."""
    path = os.path.join(os.path.dirname(stdnum.__file__), name)
    with open(path, encoding='utf-8') as table:
        return [line.rstrip('\n') for line in table if not line.startswith('#')]


# Errors and dresses, of any kind of value.

def with_error(value):
    if len(value) < 3:
        return value + random.choice(ALNUM)
    at = random.randrange(len(value) - 1)
    how = random.randrange(8)
    if how <= 2:
        same = DIGITS if value[at].isdigit() else UPPER
        return value[:at] + random.choice(same) + value[at + 1:]
    if how == 3:
        return value[:at] + value[at + 1] + value[at] + value[at + 2:]
    if how == 4:
        return value[:at] + value[at + 1:]
    if how == 5:
        return value[:at] + value[at] + value[at:]
    if how == 6:
        return value[:at] + random.choice(ALNUM + string.punctuation + 'é中٣') + value[at + 1:]
    return value[:-1] + random.choice(ALNUM)


def dressed(value):
    how = random.randrange(7)
    if how == 0:
        return ' ' * random.randint(0, 2) + value + random.choice(['', ' ', '\t', '\u3000', '\n'])
    if how == 1:
        return ' '.join(value[i:i + 4] for i in range(0, len(value), 4))
    if how == 2:
        return '-'.join(value[i:i + 4] for i in range(0, len(value), 4))
    if how == 3:
        return value.lower()
    if how == 4:
        return ''.join(chr(ord(c) + 0xFEE0) if '!' <= c <= '~' else c for c in value)
    if how == 5:
        at = random.randrange(len(value) + 1)
        return value[:at] + random.choice(' -./\u00a0\u2013\u200b') + value[at:]
    return value.swapcase()


# Good values.

def resident_id_good():
    from stdnum.cn import ric
    if not hasattr(resident_id_good, 'areas'):
        resident_id_good.areas = [line[:6] for line in data_lines('cn/loc.dat')
                                  if re.match(r'\d{6}', line)]
    area = random.choice(resident_id_good.areas)
    if random.random() < 0.05:
        area = random.choice(['441900', '442000', '460400', '810000', '820000', '830000'])
    elif random.random() < 0.05:
        area = area[:2] + pick(DIGITS, 4)
    body = '%s%04d%02d%02d%03d' % (
        area, random.randint(1900, 2025), random.randint(1, 12), random.randint(1, 28),
        random.randint(1, 999))
    if random.random() < 0.05:
        return body[:6] + body[8:]
    return body + ric.calc_check_digit(body + '0')


def uscc_good():
    from stdnum.cn import uscc
    letters = '0123456789ABCDEFGHJKLMNPQRTUWXY'
    code = random.choice(['M' + pick(letters, 7), pick(DIGITS, 8)])
    total = sum(w * int(c, 36) for w, c in zip((3, 7, 9, 10, 5, 8, 4, 2), code))
    check = '0X987654321'[total % 11]
    if random.random() < 0.05:
        check = random.choice(DIGITS)
    authority = random.choice(['91', '91', '91', '92', '93', '11', '12', '51', '52', '53', '31',
                               '35', '59', '29', '41', '62', '72', '81', 'N1', 'A1', 'Y1', '19'])
    area = random.choice(['110101', '310115', '440300', '350200', '330106', '100000', '510104',
                          '110000', pick(DIGITS, 6)])
    body = authority + area + code + check
    if not body[0].isdigit():
        body = '9' + body[1:]
        good = authority[0] + body[1:]
        values = [letters.index(c) for c in good]
        total = sum(v * pow(3, i, 31) for i, v in enumerate(values))
        return good + letters[-total % 31]
    return body + uscc.calc_check_digit(body)


def bank_card_good():
    from stdnum import luhn
    prefix = random.choice(['622202', '621700', '622848', '4', '51', '34', '37', '6011', '35', '62',
                            '2221', pick(DIGITS, 4)])
    length = random.choice([16, 16, 16, 19, 19, 15, 14, 13, 12, 18, 17, 11, 20])
    body = prefix + pick(DIGITS, length - 1 - len(prefix))
    return body + luhn.calc_check_digit(body)


def iban_good():
    from stdnum import iban
    if not hasattr(iban_good, 'countries'):
        iban_good.countries = re.findall(r'^([A-Z]{2}) .*bban="([^"]+)"',
                                         '\n'.join(data_lines('iban.dat')), re.M)
    country, structure = random.choice(iban_good.countries)
    if random.random() < 0.2:
        country, structure = random.choice(
            [c for c in iban_good.countries if c[0] in ('BE', 'ES', 'NO', 'ME', 'DE', 'FR')])
    account = ''
    for count, kind in re.findall(r'(\d+)!?([nac])', structure):
        account += pick({'n': DIGITS, 'a': UPPER, 'c': ALNUM}[kind], int(count))
    # Where the oracle looks at national check digits, most shall be right.
    if country in ('BE', 'ES', 'NO', 'ME') and random.random() < 0.8:
        at, count = {'BE': (10, 2), 'ES': (8, 2), 'NO': (10, 1), 'ME': (16, 2)}[country]
        for digits in range(10 ** count):
            account = account[:at] + str(digits).zfill(count) + account[at + count:]
            value = country + iban.calc_check_digits(country + '00' + account) + account
            if iban.is_valid(value):
                return value
    return country + iban.calc_check_digits(country + '00' + account) + account


def lei_good():
    from stdnum.iso7064 import mod_97_10
    body = pick(DIGITS, 4) + '00' + pick(ALNUM, 12) if random.random() < 0.5 else pick(ALNUM, 18)
    return body + mod_97_10.calc_check_digits(body)


# '#' is a digit, '@' a letter, '*' either; what makes sense is left to chance
# and the oracle: most check digits are met within some dozens of tries.
VAT_SHAPES = {
    'AT': ['U########'], 'BE': ['0#########', '1#########'], 'BG': ['#########', '##########'],
    'CY': ['########@', '10######@'], 'CZ': ['########', '#########', '##########'],
    'DE': ['#########'], 'DK': ['########'], 'EE': ['#########'], 'EL': ['#########'],
    'ES': ['########@', '@########', '@#######@', 'X#######@'], 'FI': ['########'],
    'FR': ['###########', '*##########', '#@#########'], 'HR': ['###########'],
    'HU': ['########'], 'IE': ['#######@', '#######@A', '#######@H', '#@#####@'],
    'IT': ['###########', '#######0###', '0000######0'], 'LT': ['#########', '#######1#', '##########1#'],
    'LU': ['########'], 'LV': ['###########', '4##########'], 'MT': ['########'],
    'NL': ['#########B##'], 'PL': ['##########'], 'PT': ['#########', '5########'],
    'RO': ['########', '##########', '######', '##'], 'SE': ['##########01'], 'SI': ['########'],
    'SK': ['##########'], 'XI': ['#########', '############', 'GD###', 'HA###'],
    'GB': ['#########', '############', 'GD###', 'HA###'],
    'NO': ['#########MVA', '#########'], 'CHE': ['#########MWST', '#########TVA', '#########IVA']}


def vat_id_good():
    from verdicts import vat_id
    country = random.choice(sorted(VAT_SHAPES))
    shape = random.choice(VAT_SHAPES[country])
    for _ in range(150):
        value = country + ''.join({'#': random.choice(DIGITS), '@': random.choice(UPPER),
                                   '*': random.choice(ALNUM)}.get(c, c) for c in shape)
        if vat_id('', value)[0]:
            break
    return value


LABELS = ['example', 'mail', 'firm', 'a', 'x1', '163', 'bücher', 'faß', '例子', '中国', 'пример',
          'مثال', 'xn--fsqu00a', 'xn--bcher-kva', 'ab--cd', 'Ünïcode', 'ｆｕｌｌ', 'ёж', '한국',
          'ไทย', 'l·l', 'ab-cd', 'ɐ', 'K', 'ⅷ', 'αβγς', 'עברית', 'हिन्दी', 'ﬁ', '①', 'mañana']
TOPS = ['com', 'cn', 'de', 'org', 'example', 'museum', 'COM', '公司', 'рф', 'xn--55qx5d', 'test',
        'local', 'c', '1a', 'a1', '123', 'x-y']


def email_good():
    atom = string.ascii_letters + DIGITS + "!#$%&'*+-/=?^_`{|}~"
    local = '.'.join(pick(random.choice([string.ascii_lowercase, string.ascii_letters + DIGITS, atom]),
                          random.randint(1, 10)) for _ in range(random.choice([1, 1, 2, 3])))
    if random.random() < 0.1:
        local = random.choice(['张伟', 'jörg', 'e\u0301', 'Ωμέγα', 'ﬁx', 'اسم', '한글', 'a\u0327\u0301', '😀',
                               'x' * 64, 'x' * 65, '"a b"', '"a\\"b"', 'ö' * 40])
    labels = [random.choice(LABELS) if random.random() < 0.5 else
              pick(string.ascii_lowercase + DIGITS + '-', random.randint(1, 12)).strip('-') or 'a'
              for _ in range(random.choice([1, 1, 1, 2, 3]))]
    if random.random() < 0.03:
        labels.append('x' * random.choice([62, 63, 64]))
    if random.random() < 0.02:
        labels += ['y' * 60] * random.choice([3, 4])
    return local + '@' + '.'.join(labels + [random.choice(TOPS)])


def email_junk():
    base = email_good()
    how = random.randrange(4)
    if how == 0:
        return pick(string.printable, random.randint(1, 30))
    if how == 1:
        at = random.randrange(len(base))
        return base[:at] + chr(random.choice([random.randrange(0x20, 0x7F), random.randrange(0x80, 0x600),
                                              random.randrange(0x2000, 0x2100), random.randrange(0x4E00, 0x9FFF),
                                              random.randrange(0xFE00, 0xFFF0)])) + base[at:]
    if how == 2:
        return base.replace('.', random.choice(['..', '。', '．', ' .', '.-', '-.']), 1)
    return random.choice(['a@[192.0.2.%d]' % random.randint(0, 300), 'a@[IPv6:2001:db8::%x]' % random.randint(0, 99999),
                          'John <%s>' % base, base + ',' + base, '@' + base, base + '.', base.replace('@', '')])


def phone_rows(count):
    """Example numbers of every region and type in several notations, changed
    in some digits or not; and digits of any length."""
    import phonenumbers as p
    formats = [p.PhoneNumberFormat.E164, p.PhoneNumberFormat.INTERNATIONAL,
               p.PhoneNumberFormat.NATIONAL, p.PhoneNumberFormat.RFC3966]
    regions = sorted(p.SUPPORTED_REGIONS) + ['001']
    for i in range(count):
        region = regions[i % len(regions)]
        number = None
        if region == '001':
            number = p.example_number_for_non_geo_entity(random.choice(sorted(p.COUNTRY_CODES_FOR_NON_GEO_REGIONS)))
        elif random.random() < 0.9:
            number = p.example_number_for_type(region, random.randrange(11))
        if number is None:
            value = random.choice(['', '', '0', '+', '+%d' % p.country_code_for_region(region)
                                   if region != '001' else '+']) + pick(DIGITS, random.randint(3, 13))
        else:
            national = p.national_significant_number(number)
            # Digits after a random place: numbers in and beside every range.
            if random.random() < 0.7:
                keep = random.randint(1, len(national))
                national = national[:keep] + pick(DIGITS, len(national) - keep)
            if random.random() < 0.1:
                national = national[:-1] if random.random() < 0.5 else national + random.choice(DIGITS)
            changed = p.PhoneNumber(country_code=number.country_code, national_number=int(national),
                                    italian_leading_zero=national.startswith('0') or None,
                                    number_of_leading_zeros=len(national) - len(national.lstrip('0')) or None)
            value = p.format_number(changed, random.choice(formats)) if int(national) else '+' + national
        how = random.random()
        if how < 0.03:
            value = with_error(value)
        elif how < 0.08:
            value = random.choice([
                value + random.choice([' ext. 12', 'x3', ' #7', '转123', ';ext=5']), '00' + value.lstrip('+'),
                value.replace(' ', '.'), value.replace('-', ' '), '(' + value + ')', dressed(value),
                value.replace('+', '＋'), re.sub(r'\d', lambda d: chr(0x0660 + int(d[0])), value)])
        default = region if region != '001' else ''
        if random.random() < 0.2:
            default = random.choice(['', random.choice(regions[:-1])])
        yield default, value


def plain_rows(kind, count):
    good = globals()[kind + '_good']
    shape = {'resident_id': (DIGITS, 18), 'uscc': ('0123456789ABCDEFGHJKLMNPQRTUWXY', 18),
             'bank_card': (DIGITS, 16), 'iban': (ALNUM, 22), 'lei': (ALNUM, 20), 'vat_id': (ALNUM, 11)}
    for _ in range(count):
        how = random.random()
        value = good()
        if 0.4 <= how < 0.75:
            value = with_error(value)
        elif 0.75 <= how < 0.87:
            value = dressed(value)
        elif how >= 0.87:
            if kind == 'email':
                value = email_junk()
            elif how < 0.93:
                value = value[:4] + pick(*shape[kind])[4:]
            else:
                value = with_error(with_error(value))
        yield '', value


def escaped(value):
    for plain, escape in (('\\', '\\\\'), ('\t', '\\t'), ('\n', '\\n'), ('\r', '\\r'),
                          ('\v', '\\v'), ('\f', '\\f'), ('\0', '\\x00')):
        value = value.replace(plain, escape)
    return value


def main():
    kind, count = sys.argv[1], int(sys.argv[2])
    random.seed('%s %s' % (kind, sys.argv[3]))
    rows = phone_rows(count) if kind == 'phone' else plain_rows(kind, count)
    for region, value in rows:
        print(kind, region, escaped(value), sep='\t')


if __name__ == '__main__':
    sys.stdout.reconfigure(encoding='utf-8', errors='surrogatepass')
    main()
