-- What is measured on a value of each kind, and what others offer for it.
CREATE SCHEMA bench_types;
CREATE SCHEMA isn;
CREATE EXTENSION isn SCHEMA isn;

-- "usual" is the regular expression that people put into a CHECK.  isbn is no
-- kind of ours: it shows what a checked type of contrib takes.
CREATE TABLE bench_types.kind (
	n int GENERATED ALWAYS AS IDENTITY,
	kind text PRIMARY KEY,
	wanted numeric,
	usual text NOT NULL,
	ours text,
	other text
);
INSERT INTO bench_types.kind (kind, wanted, usual, ours, other) VALUES
	('phone', 0.3, '^(\+?86[- ]?)?1[3-9]\d{9}$|^0\d{2,3}-?\d{7,8}$|^\+[1-9][\d -]{6,18}$', $$crmaudit.is_valid('phone', v, 'CN')$$, NULL),
	('email', 0.25, '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$', $$crmaudit.is_valid('email', v)$$, NULL),
	('resident_id', 0.12, '^[1-9]\d{5}(18|19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]$', $$crmaudit.is_valid('resident_id', v)$$, NULL),
	('bank_card', 0.1, '^\d{12,19}$', $$crmaudit.is_valid('bank_card', v)$$, NULL),
	('uscc', 0.12, '^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$', $$crmaudit.is_valid('uscc', v)$$, NULL),
	('iban', 0.25, '^[A-Z]{2}\d{2}( ?[0-9A-Z]{4}){2,7}( ?[0-9A-Z]{1,3})?$', $$crmaudit.is_valid('iban', v)$$, NULL),
	('lei', NULL, '^[0-9A-Z]{18}\d{2}$', $$crmaudit.is_valid('lei', v)$$, NULL),
	('vat_id', NULL, '^[A-Z]{2}[0-9A-Z]{2,12}$', $$crmaudit.is_valid('vat_id', v)$$, NULL),
	('isbn', NULL, '^97[89]\d{10}$', NULL, $$isn.is_valid(v::isn.ean13)$$);

-- Milliseconds of a whole scan; "way" is scan, usual, ours or other.
CREATE TABLE bench_types.timing (kind text, way text, round int, ms float8);

-- Microseconds a value, of programs that time themselves.
CREATE TABLE bench_types.program (kind text, name text, round int, us float8);

-- Milliseconds of an index and of a sort, of a type and of bigint beside it.
CREATE TABLE bench_types.ordering (kind text, what text, way text, round int, ms float8);
