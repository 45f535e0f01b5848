-- Runs before every other test: creates the extension.
CREATE EXTENSION crmaudit;
SELECT extname, extrelocatable FROM pg_extension WHERE extname = 'crmaudit';
