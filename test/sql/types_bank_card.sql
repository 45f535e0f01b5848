-- Bank card numbers: lengths, Luhn's formula, debit cards without it.
\set SHOW_CONTEXT never
\pset null '(null)'

-- Any number of 12 to 19 digits that Luhn's formula accepts is valid, whatever
-- its first digits: no list of prefixes is complete.
SELECT value, c.verdict, c.reason
FROM (VALUES
	(1, '123456789015'),
	(2, '1234567890123456785'),
	(3, '378282246310005'),
	(4, '3530111333300000'),
	(5, '4111111111111111'),
	(6, '6212261234567890128')
) AS t(ordinal, value), crmaudit.check_value('bank_card', value) AS c
ORDER BY ordinal;

-- One digit repeated is left to a rule about placeholders; only zeros, which
-- the formula accepts, are no number.
SELECT value, c.verdict, c.reason
FROM (VALUES
	('000000000000'),
	('0000000000000000'),
	('5555555555555555'),
	('8888888888888888')
) AS t(value), crmaudit.check_value('bank_card', value) AS c
ORDER BY value;

-- A wrong check digit is suspect under the prefix of a Chinese debit card, if
-- the card has as many digits as the bank's; a credit card's is invalid.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '6212261234567890129'),
	(2, '621226123456789012'),
	(3, '6259960000000001'),
	(4, '4111111111111112')
) AS t(ordinal, value), crmaudit.check_value('bank_card', value) AS c
ORDER BY ordinal;

-- People group the digits; letters are blamed before the length.
SELECT value, c.verdict, c.reason, c.part, c.canonical
FROM (VALUES
	(1, '6228 4804 0256 4890 018'),
	(2, '６２２８４８０４０２５６４８９００１８'),
	(3, '6228-4804-0256-4890-01O'),
	(4, '4111'),
	(5, '41111111111111111111'),
	(6, '4111.1111.1111.1111'),
	(7, 'card')
) AS t(ordinal, value), crmaudit.check_value('bank_card', value) AS c
ORDER BY ordinal;

-- What the type tells: issuer and type of Chinese cards by prefix, brand by
-- range; NULL where nothing is known.
SET search_path = public, crmaudit;
SELECT value AS card, issuer(value::bank_card), card_type(value::bank_card), brand(value::bank_card), mask(value::bank_card)
FROM (VALUES
	(1, '6212261234567890128'),
	(2, '6259960000000000'),
	(3, '4111111111111111'),
	(4, '378282246310005'),
	(5, '000000000018')
) AS t(ordinal, value)
ORDER BY ordinal;
