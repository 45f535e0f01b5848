-- How long each audit view takes; obligation_status may take 15 s, the others 10.
\echo
\echo 'Audit views, :customers customers'
SELECT (SELECT count(*) FROM crmaudit.customer()) AS customers, (SELECT count(*) FROM crmaudit.contract()) AS contracts,
	(SELECT count(*) FROM crmaudit.interaction()) AS interactions, (SELECT count(*) FROM crmaudit.complaint()) AS complaints;
SELECT name AS view, rows, round((ms / 1000)::numeric, 2) AS seconds,
	CASE WHEN name LIKE 'obligation%' THEN 15 ELSE 10 END AS wanted
FROM bench_views.timing ORDER BY ms DESC;
