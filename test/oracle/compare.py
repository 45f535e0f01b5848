"""compare.py VALUES OURS ORACLE [SECOND]: agreement of judge.c with an oracle.

The policy is that of shared/vectors/README.md: what both do not call valid
agrees, whether invalid or suspect; on some reasons to suspect the oracles have
no opinion.  What differs is put into classes: "disputed" where the standard, or
a second oracle, speaks against the oracle; "dressed" where only blanks,
separators or full-width characters are judged differently; the rest is to be
looked at, and makes the exit status 1.
"""
import re
import sys
from collections import defaultdict

from verdicts import unescaped
import verdicts

# Suspicions of which the oracles know nothing.
NO_OPINION = ('legacy_15', 'area_not_in_force', 'country_left_union')

# (kind, oracle's verdict, its reason, our reason, value, class): a regular
# expression each, where '' is for any.  Our verdict is the other one.
DISPUTED = [
    ('resident_id', 'valid', '', 'birth_date_in_future', '', 'the oracle knows no today'),
    ('resident_id', 'valid', '', 'birth_date_too_early', '', 'nobody born before 1880 has a number'),
    ('resident_id', 'invalid', 'InvalidComponent', '', '', "area in use, not in the oracle's table"),
    ('uscc', 'valid', '', 'organisation_check_digit|authority_unknown|area_unknown', '',
     'the oracle looks at no authority, area, organisation code'),
    ('uscc', 'invalid', 'InvalidFormat', '', '[ANYany]', 'authorities A, N, Y (GB 32100)'),
    ('bank_card', 'valid', '', 'bad_length|repeated_digit', '', 'Luhn knows no length'),
    ('iban', 'valid', '', 'check_digit_range', '', 'check digits 00, 01, 99'),
    ('iban', 'valid', '', 'country_not_registered|country_unknown', '', 'country not in the registry'),
    ('iban', 'invalid', 'InvalidComponent', '', '[Bb][Ee]', "bank not in the oracle's Belgian table"),
    ('iban', 'invalid', 'InvalidComponent', '', '', "country newer than the oracle's table"),
    ('lei', 'valid', '', 'bad_length|bad_character|check_digit_range', '',
     'the oracle looks at the modulus only'),
    ('vat_id', 'valid', '', 'country_unknown', '[Gg][Rr]', 'GR stands for no country (EL)'),
    # RFC 5891, 4.4: xn---55qx5d decodes to what is encoded as xn--55qx5d
    ('email', 'valid', '', 'domain_not_idna', '.*[@.][Xx][Nn]--',
     'A-label that its U-label does not lead back to'),
]

# What the alphanumeric kinds pass over.
PLAIN = re.compile(r'[0-9A-Z]+\Z')


def rows(path, cells):
    with open(path, encoding='utf-8', newline='\n') as file:
        for line in file:
            row = line.rstrip('\n').split('\t')
            yield row + [''] * (cells - len(row))


def dispute(kind, value, oracle, ours):
    for of_kind, verdict, reason, our_reason, shape, name in DISPUTED:
        if (of_kind == kind and verdict == oracle[0] and
                (not reason or re.fullmatch(reason, oracle[1])) and
                (re.fullmatch(our_reason, ours[1]) if our_reason else ours[0] == 'valid') and
                re.match(shape, unescaped(ours[2]) or value)):
            return 'disputed: ' + name
    return None


def classify(kind, region, value, ours, oracle, second):
    """The class of a row; 'agree' if there is nothing to say."""
    accepts = ours[0] == 'valid' or (ours[0] == 'suspect' and ours[1] in NO_OPINION)
    canonical = unescaped(ours[2])
    if oracle[0] == 'valid' and accepts:
        if canonical == oracle[2]:
            return 'agree'
        if kind == 'vat_id' and re.match(r'CHE\d{9}', canonical) and canonical[:12] == oracle[2][:12]:
            return 'disputed: MWST, TVA and IVA are one suffix in three languages'
        return 'DIFFERS: canonical form'
    if oracle[0] != 'valid' and ours[0] != 'valid':
        return 'agree'
    if second and (second[0] == 'valid') == accepts and second[0] != oracle[0]:
        return 'disputed: plan changed since 8.12.57, the old edition says as we do'
    if oracle[0] != 'valid' and kind != 'phone' and canonical != value:
        # refused for its dress, if the oracle takes what we make of it
        is_valid, reason, _ = getattr(verdicts, kind)(region, canonical)
        if is_valid:
            return 'dressed: the oracle takes the canonical form only'
        oracle = ('invalid', reason)
    name = dispute(kind, value, oracle, ours)
    if name:
        return name
    if oracle[0] != 'valid':
        return 'DIFFERS: oracle invalid (%s), ours valid' % oracle[1]
    if kind not in ('email', 'phone') and not PLAIN.match(value):
        return 'dressed: the oracle takes more'
    if kind == 'phone' and re.search(r'[^-+()./ 0-9]', value):
        return 'dressed: the oracle takes more (%s)' % ours[1]
    return 'DIFFERS: oracle valid, ours %s (%s)' % (ours[0], ours[1])


def main():
    values, ours, oracle = sys.argv[1:4]
    second = rows(sys.argv[4], 3) if len(sys.argv) > 4 else None
    classes = defaultdict(list)
    for (kind, region, cell), our, their in zip(rows(values, 3), rows(ours, 3), rows(oracle, 3)):
        other = next(second) if second else None
        name = classify(kind, region, unescaped(cell), our, their, other)
        classes[name].append((region, cell, our, their))
    total = sum(map(len, classes.values()))
    agree = len(classes.pop('agree', []))
    count = {word: sum(len(found) for name, found in classes.items() if name.startswith(word))
             for word in ('disputed', 'dressed', 'DIFFERS')}
    print('%-12s agree %6d of %6d (%6.2f %% of what is not disputed or dressed)  disputed %d  dressed %d  differ %d' % (
        kind, agree, total, 100.0 * agree / max(1, agree + count['DIFFERS']),
        count['disputed'], count['dressed'], count['DIFFERS']))
    for name in sorted(classes):
        print('    %s: %d' % (name, len(classes[name])))
        for region, cell, our, their in classes[name][:10 if name.startswith('DIFFERS') else 3]:
            print('        %s%s -> %s %s %s; oracle %s %s %s' % (
                (region + ' ') if region else '', cell, *our, *their))
    sys.exit(1 if count['DIFFERS'] else 0)


if __name__ == '__main__':
    sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')
    main()
