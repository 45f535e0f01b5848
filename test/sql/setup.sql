-- Creates the extension that all other tests use.
CREATE EXTENSION crmaudit;
