-- 78-obligations: what must happen within a time after something else.

CREATE TABLE crmaudit.obligation (name text PRIMARY KEY, for_each text, fulfilled_by text);
COMMENT ON TABLE crmaudit.obligation IS 'obligations';
CREATE FUNCTION crmaudit.make_obligation_functions() RETURNS void LANGUAGE sql AS '';
COMMENT ON FUNCTION crmaudit.make_obligation_functions() IS 'x';
