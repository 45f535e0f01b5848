-- Writes doc/reasons.md, for a database that has the extension:
--
--   psql -XqAt -f doc/reasons.sql >doc/reasons.md
--
-- "make lint" compares the two.
SELECT $$# Reason codes

Findings, `violations()`, `check_value()` and the view `crmaudit.reason` give a reason as one of these codes. They are stable:
applications may branch on them. The words appear in errors after the column, in the language of `crmaudit.language`.

Generated from the view by [reasons.sql](reasons.sql); do not edit.

| code | English | 中文 | hint |
|---|---|---|---|$$;
SELECT format('| `%s` | %s | %s | %s |', reason, english, chinese, hint) FROM crmaudit.reason;
