// What google-libphonenumber (npm) says of phone numbers: reads what values.py
// writes, prints a line "valid or invalid, reason, E.164" each.
'use strict';

const { PhoneNumberUtil, PhoneNumberFormat } = require('google-libphonenumber');
const util = PhoneNumberUtil.getInstance();

const meant = { t: '\t', n: '\n', r: '\r', v: '\v', f: '\f', '\\': '\\' };

function unescaped(cell) {
	return cell.replace(/\\(x[0-9a-f]{2}|.)/g,
		(_, c) => c.length > 1 ? String.fromCharCode(parseInt(c.slice(1), 16)) : meant[c]);
}

function verdict(region, value) {
	try {
		const number = util.parse(value, region || undefined);
		if (!util.isValidNumber(number))
			return 'invalid\tnot valid\t';
		return 'valid\t\t' + util.format(number, PhoneNumberFormat.E164);
	} catch (error) {
		return 'invalid\t' + error.message + '\t';
	}
}

const lines = require('fs').readFileSync(0, 'utf8').split('\n');
lines.pop();
for (const line of lines) {
	const [, region, cell] = line.split('\t');
	console.log(verdict(region, unescaped(cell)));
}
