"""verdicts.py: what the Python oracles say of values.

Reads what values.py writes, prints a line "valid or invalid, reason, canonical
form" each.
"""
import re
import sys


def by_stdnum(module, value, canonical=lambda number: number):
    try:
        return True, '', canonical(module.validate(value))
    except Exception as error:  # any exception is a refusal, its name the reason
        return False, type(error).__name__, ''


def resident_id(_, value):
    from stdnum.cn import ric
    return by_stdnum(ric, value)


def uscc(_, value):
    from stdnum.cn import uscc as module
    return by_stdnum(module, value)


def bank_card(_, value):
    from stdnum import luhn
    from stdnum.util import clean
    return by_stdnum(luhn, clean(value, ' -').strip())


def iban(_, value):
    from stdnum import iban as module
    return by_stdnum(module, value)


def lei(_, value):
    from stdnum import lei as module
    return by_stdnum(module, value)


def vat_id(_, value):
    """By the country in front; eu.vat has the member states and XI."""
    from stdnum.ch import vat as swiss
    from stdnum.eu import vat as european
    from stdnum.gb import vat as british
    from stdnum.no import mva as norwegian
    country = value.strip().upper()[:2]
    if country == 'CH':
        return by_stdnum(swiss, value)
    if country == 'GB':
        return by_stdnum(british, value, lambda number: 'GB' + number)
    if country == 'NO':
        return by_stdnum(norwegian, value.strip()[2:], lambda number: 'NO' + number)
    return by_stdnum(european, value)


def email(_, value):
    from email_validator import EmailNotValidError, validate_email
    try:
        return True, '', validate_email(value, check_deliverability=False).email
    except EmailNotValidError as error:
        return False, str(error)[:60], ''


def phone(region, value):
    """The old edition, of 2022: a second opinion beside phone.js."""
    import phonenumbers as p
    try:
        number = p.parse(value, region or None)
    except p.NumberParseException as error:
        return False, str(error.error_type), ''
    if not p.is_valid_number(number):
        return False, 'not valid', ''
    return True, '', p.format_number(number, p.PhoneNumberFormat.E164)


def unescaped(cell):
    meant = {'t': '\t', 'n': '\n', 'r': '\r', 'v': '\v', 'f': '\f', '\\': '\\'}
    return re.sub(r'\\(x[0-9a-f]{2}|.)',
                  lambda m: chr(int(m[1][1:], 16)) if len(m[1]) > 1 else meant[m[1]], cell)


def main():
    for line in sys.stdin:
        kind, region, cell = line.rstrip('\n').split('\t')
        is_valid, reason, canonical = globals()[kind](region, unescaped(cell))
        reason = re.sub(r'\s', ' ', reason)
        print('valid' if is_valid else 'invalid', reason, canonical, sep='\t')


if __name__ == '__main__':
    sys.stdin.reconfigure(encoding='utf-8', newline='\n')
    sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')
    main()
