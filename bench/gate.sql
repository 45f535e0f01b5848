-- What checking costs at write time: the same meaning by four means.
SELECT bench.add_scenario('plain', 'plain table');

SELECT bench.add_scenario('empty', 'empty trigger in C');
CREATE FUNCTION bench.empty_trigger() RETURNS trigger LANGUAGE c AS 'empty_trigger';
CREATE TRIGGER empty BEFORE INSERT OR UPDATE ON empty
	FOR EACH ROW EXECUTE FUNCTION bench.empty_trigger();

-- The constraints and the PL/pgSQL trigger say what the twelve rules say, but
-- without check digits and calendar: they would be slower still.
SELECT bench.add_scenario('checks', 'ten CHECK constraints');
ALTER TABLE checks
	ADD CHECK (full_name IS NOT NULL AND char_length(full_name) BETWEEN 2 AND 60),
	ADD CHECK (mobile IS NOT NULL AND mobile ~ '^(\+?86)?1[3-9][0-9]{9}$'),
	ADD CHECK (id_no ~ '^[1-9][0-9]{5}(18|19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]$'),
	ADD CHECK (substr(id_no, 7, 8) = to_char(birth_date, 'YYYYMMDD')),
	ADD CHECK (substr(id_no, 17, 1) ~ CASE sex WHEN 'M' THEN '[13579]' WHEN 'F' THEN '[02468]' ELSE '' END),
	ADD CHECK (mail ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$'),
	ADD CHECK (card ~ '^[1-9][0-9]{11,18}$'),
	ADD CHECK (status IN ('lead', 'customer', 'paused', 'closed')),
	ADD CHECK (premium BETWEEN 0 AND 1000000),
	ADD CHECK (created_at <= now());

SELECT bench.add_scenario('plpgsql', 'PL/pgSQL trigger');
CREATE FUNCTION bench.check_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.full_name IS NULL OR char_length(new.full_name) NOT BETWEEN 2 AND 60 THEN
		RAISE check_violation USING MESSAGE = 'full_name';
	END IF;
	IF new.mobile IS NULL OR new.mobile !~ '^(\+?86)?1[3-9][0-9]{9}$' THEN
		RAISE check_violation USING MESSAGE = 'mobile';
	END IF;
	IF new.id_no !~ '^[1-9][0-9]{5}(18|19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]$' THEN
		RAISE check_violation USING MESSAGE = 'id_no';
	END IF;
	IF substr(new.id_no, 7, 8) <> to_char(new.birth_date, 'YYYYMMDD') THEN
		RAISE check_violation USING MESSAGE = 'birth_date';
	END IF;
	IF substr(new.id_no, 17, 1) !~ (CASE new.sex WHEN 'M' THEN '[13579]' WHEN 'F' THEN '[02468]' ELSE '' END) THEN
		RAISE check_violation USING MESSAGE = 'sex';
	END IF;
	IF new.mail !~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$' THEN
		RAISE check_violation USING MESSAGE = 'mail';
	END IF;
	IF new.card !~ '^[1-9][0-9]{11,18}$' THEN
		RAISE check_violation USING MESSAGE = 'card';
	END IF;
	IF new.status NOT IN ('lead', 'customer', 'paused', 'closed') THEN
		RAISE check_violation USING MESSAGE = 'status';
	END IF;
	IF new.premium NOT BETWEEN 0 AND 1000000 THEN
		RAISE check_violation USING MESSAGE = 'premium';
	END IF;
	IF new.created_at > now() THEN
		RAISE check_violation USING MESSAGE = 'created_at';
	END IF;
	RETURN new;
END
$$;
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON plpgsql
	FOR EACH ROW EXECUTE FUNCTION bench.check_row();

\ir rules.sql
SELECT bench.add_scenario('gate_12', 'crmaudit, 12 rules', '<= 1.6; checks / this >= 3');
SELECT bench.add_rules('gate_12', 'enforce');
SELECT bench.add_scenario('gate_12_no_scores', '12 rules, no live scores');
SELECT bench.add_rules('gate_12_no_scores', 'enforce', live_scores => false);
SELECT bench.add_scenario('gate_13', 'crmaudit, 13 rules', '<= 12 rules + 0.01');
SELECT bench.add_rules('gate_13', 'enforce', 1);
SELECT bench.add_scenario('gate_200', 'crmaudit, 200 rules', '<= 4');
SELECT bench.add_rules('gate_200', 'enforce', 188);
SELECT bench.add_scenario('observe', 'crmaudit observes, 1 % bad', '<= 1.9', 'one_percent_bad');
SELECT bench.add_rules('observe', 'observe');
