-- Twelve rules, and "more" of simple kinds.
CREATE FUNCTION bench.add_rules(target regclass, mode text, more int DEFAULT 0, live_scores boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM crmaudit.protect(target, mode => mode, history => false, live_scores => live_scores);
	PERFORM crmaudit.add_rule(target, 'name_required', 'required', '{full_name}'),
		crmaudit.add_rule(target, 'mobile_required', 'required', '{mobile}'),
		crmaudit.add_rule(target, 'id_valid', 'format', '{id_no}', '{"type":"resident_id"}'),
		crmaudit.add_rule(target, 'id_birth_date', 'id_matches_birth_date', '{id_no,birth_date}'),
		crmaudit.add_rule(target, 'id_sex', 'id_matches_sex', '{id_no,sex}'),
		crmaudit.add_rule(target, 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN"}'),
		crmaudit.add_rule(target, 'mail_valid', 'format', '{mail}', '{"type":"email"}'),
		crmaudit.add_rule(target, 'card_valid', 'format', '{card}', '{"type":"bank_card"}'),
		crmaudit.add_rule(target, 'name_length', 'length', '{full_name}', '{"min":2,"max":60}'),
		crmaudit.add_rule(target, 'status_known', 'in_set', '{status}', '{"values":["lead","customer","paused","closed"]}'),
		crmaudit.add_rule(target, 'premium_range', 'range', '{premium}', '{"min":0,"max":1000000}'),
		crmaudit.add_rule(target, 'created_past', 'not_future', '{created_at}');
	FOR i IN 1 .. more LOOP
		CASE i % 4
			WHEN 0 THEN PERFORM crmaudit.add_rule(target, 'more_' || i, 'length', '{mail}', '{"min":3,"max":200}');
			WHEN 1 THEN PERFORM crmaudit.add_rule(target, 'more_' || i, 'required', '{status}');
			WHEN 2 THEN PERFORM crmaudit.add_rule(target, 'more_' || i, 'range', '{birth_date}', '{"min":"1900-01-01","max":"2100-01-01"}');
			ELSE PERFORM crmaudit.add_rule(target, 'more_' || i, 'in_set', '{sex}', '{"values":["M","F"]}');
		END CASE;
	END LOOP;
END
$$;
