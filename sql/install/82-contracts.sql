-- 82-contracts: payments that are not the customer's own, signatures that are
-- not his, and contracts that lack what they need.
--
-- Names are compared without blanks and case, accounts without what people
-- write between the digits; that is done only where the plain texts differ.

CREATE FUNCTION crmaudit.name_key(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(lower(replace(crmaudit.normalised(name, 'text'), ' ', '')), '');
COMMENT ON FUNCTION crmaudit.name_key(text) IS 'a name without blanks and in lower case, as names are compared; NULL for what is no name';

-- Payments ----------------------------------------------------------------------------

-- What is not known of the customer or the payer is not held against them.
CREATE FUNCTION crmaudit.third_party_payments_rows()
RETURNS TABLE (payment_id text, paid_at timestamp with time zone, customer_id text, contract_id text, staff_id text, amount numeric, payer_account text, payer_name text, other_name boolean, other_account boolean, approval text, approved boolean, reason text, severity crmaudit.severity, in_words text)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET enable_nestloop = off SET work_mem = '64MB' AS $$
	WITH payments AS (
		SELECT p.payment_id, p.paid_at, coalesce(p.customer_id, k.customer_id) AS customer_id, p.contract_id, k.staff_id, p.amount,
			p.payer_account, p.payer_name, nullif(btrim(p.approval), '') AS approval
		FROM crmaudit.payment() p LEFT JOIN crmaudit.contract() k ON k.contract_id = p.contract_id
	), suspects AS MATERIALIZED (
		SELECT p.payment_id, p.paid_at, p.customer_id, p.contract_id, min(p.staff_id) AS staff_id, p.amount, p.payer_account, p.payer_name, p.approval
		FROM payments p JOIN crmaudit.customer() c ON c.customer_id = p.customer_id
		WHERE p.payer_name <> c.name AND crmaudit.name_key(p.payer_name) <> crmaudit.name_key(c.name)
			OR p.payer_account <> c.account AND crmaudit.normalised(p.payer_account, 'bank_account') <> crmaudit.normalised(c.account, 'bank_account')
		GROUP BY p.payment_id, p.paid_at, p.customer_id, p.contract_id, p.amount, p.payer_account, p.payer_name, p.approval
	), compared AS (
		-- several sources may know the customer: what one of them says is his own
		SELECT p.payment_id, p.paid_at, p.customer_id, p.contract_id, coalesce(p.staff_id, min(c.owner)) AS staff_id, p.amount, p.payer_account, p.payer_name, p.approval,
			bool_and(crmaudit.name_key(p.payer_name) <> crmaudit.name_key(c.name)) AS other_name,
			bool_and(crmaudit.normalised(p.payer_account, 'bank_account') <> crmaudit.normalised(c.account, 'bank_account')) AS other_account
		FROM suspects p JOIN crmaudit.customer() c ON c.customer_id = p.customer_id
		GROUP BY p.payment_id, p.paid_at, p.customer_id, p.contract_id, p.staff_id, p.amount, p.payer_account, p.payer_name, p.approval
	), judged AS (
		SELECT c.payment_id, c.paid_at, c.customer_id, c.contract_id, c.staff_id, c.amount, c.payer_account, c.payer_name, c.approval, c.other_name, c.other_account,
			CASE WHEN c.other_name AND c.other_account THEN 'other_name_and_account' WHEN c.other_name THEN 'other_name' ELSE 'other_account' END AS reason
		FROM compared c WHERE c.other_name OR c.other_account
	)
	SELECT j.payment_id, j.paid_at, j.customer_id, j.contract_id, j.staff_id, j.amount, j.payer_account, j.payer_name, j.other_name, j.other_account,
		j.approval, j.approval IS NOT NULL AS approved, j.reason,
		CASE WHEN j.approval IS NOT NULL THEN 'info' WHEN j.other_name THEN 'error' ELSE 'warning' END::crmaudit.severity AS severity,
		CASE WHEN (SELECT crmaudit.speaks_english()) THEN w.english ELSE w.chinese END AS in_words
	FROM judged j JOIN crmaudit.work_word w ON w.word = j.reason
	ORDER BY approved, severity DESC, j.paid_at, j.payment_id
$$;
COMMENT ON FUNCTION crmaudit.third_party_payments_rows() IS 'implementation of third_party_payments';
CREATE VIEW crmaudit.third_party_payments WITH (security_invoker = true) AS
	SELECT payment_id, paid_at, customer_id, contract_id, staff_id, amount, payer_account, payer_name, other_name, other_account, approval, approved, reason, severity, in_words FROM crmaudit.third_party_payments_rows();
COMMENT ON VIEW crmaudit.third_party_payments IS 'payments whose payer''s name or account is not the customer''s, those without an approval first; other_name and other_account are NULL where the customer''s or the payer''s is not known; staff_id is the contract''s adviser, or else the customer''s owner (D9)';

-- One row for each staff member and account. That an account pays for others
-- by approval is an exception that D9 allows; a staff member's never is.
CREATE FUNCTION crmaudit.seller_controlled_accounts_rows()
RETURNS TABLE (staff_id text, reason text, severity crmaudit.severity, payer_account text, payer_name text, customers bigint, payments bigint, amount numeric, without_approval bigint, first_paid_at timestamp with time zone, last_paid_at timestamp with time zone, customer_ids text[], payment_ids text[], in_words text)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET enable_nestloop = off SET work_mem = '64MB' AS $$
	WITH persons AS MATERIALIZED (
		SELECT s.staff_id, crmaudit.name_key(s.name) AS name_key, crmaudit.normalised(s.account, 'bank_account') AS account_key FROM crmaudit.staff() s
	), payments AS MATERIALIZED (
		SELECT t.payment_id, t.paid_at, t.customer_id, t.staff_id, t.amount, t.payer_account, t.payer_name, t.approved, t.other_name, t.other_account,
			crmaudit.normalised(t.payer_account, 'bank_account') AS account_key, crmaudit.name_key(t.payer_name) AS name_key
		FROM crmaudit.third_party_payments t
	), shared AS (
		SELECT p.staff_id, p.account_key FROM payments p
		WHERE NOT p.approved AND (p.other_account OR p.other_account IS NULL AND p.other_name) AND p.account_key IS NOT NULL AND p.staff_id IS NOT NULL
		GROUP BY p.staff_id, p.account_key HAVING count(DISTINCT p.customer_id) >= 2
	), named AS (
		SELECT p.payment_id, n.staff_id, n.staff_id = p.staff_id AS is_adviser, bool_or(n.staff_id = p.staff_id) OVER (PARTITION BY p.payment_id) AS has_adviser
		FROM payments p JOIN persons n ON n.name_key = p.name_key WHERE p.other_name
	), hits AS (
		SELECT 1 AS rank, 'staff_account' AS reason, n.staff_id, p.payment_id, p.paid_at, coalesce(p.customer_id, k.customer_id) AS customer_id, p.amount,
			p.payer_account, p.payer_name, nullif(btrim(p.approval), '') IS NOT NULL AS approved, n.account_key, n.name_key
		FROM crmaudit.payment() p
		JOIN (SELECT staff_id, account_key, name_key FROM persons WHERE account_key IS NOT NULL) n ON n.account_key = crmaudit.normalised(p.payer_account, 'bank_account')
		LEFT JOIN crmaudit.contract() k ON k.contract_id = p.contract_id
		LEFT JOIN crmaudit.customer() c ON c.customer_id = coalesce(p.customer_id, k.customer_id)
		-- staff may be customers, too
		WHERE crmaudit.name_key(c.name) IS DISTINCT FROM n.name_key
		UNION ALL
		SELECT CASE WHEN n.is_adviser THEN 2 ELSE 4 END, CASE WHEN n.is_adviser THEN 'adviser_name' ELSE 'staff_name' END, n.staff_id,
			p.payment_id, p.paid_at, p.customer_id, p.amount, p.payer_account, p.payer_name, p.approved, p.account_key, p.name_key
		FROM named n JOIN payments p ON p.payment_id = n.payment_id
		WHERE n.is_adviser OR n.has_adviser IS NOT TRUE
		UNION ALL
		SELECT 3, 'one_account', s.staff_id, p.payment_id, p.paid_at, p.customer_id, p.amount, p.payer_account, p.payer_name, p.approved, p.account_key, p.name_key
		FROM shared s JOIN payments p ON p.staff_id = s.staff_id AND p.account_key = s.account_key
		WHERE NOT p.approved AND (p.other_account OR p.other_account IS NULL AND p.other_name)
	), payments_of AS (
		-- a payment counts once, for the gravest reason
		SELECT DISTINCT ON (h.staff_id, coalesce(h.account_key, h.name_key), h.payment_id) h.*, coalesce(h.account_key, h.name_key) AS account
		FROM hits h ORDER BY h.staff_id, coalesce(h.account_key, h.name_key), h.payment_id, h.rank
	), accounts AS (
		SELECT p.staff_id, p.account, min(p.rank) AS rank, (array_agg(p.reason ORDER BY p.rank))[1] AS reason,
			min(p.payer_account) AS payer_account, min(p.payer_name) AS payer_name, count(DISTINCT p.customer_id) AS customers, count(*) AS payments,
			sum(p.amount) AS amount, count(*) FILTER (WHERE NOT p.approved) AS without_approval, min(p.paid_at) AS first_paid_at, max(p.paid_at) AS last_paid_at,
			array_agg(DISTINCT p.customer_id ORDER BY p.customer_id) FILTER (WHERE p.customer_id IS NOT NULL) AS customer_ids, array_agg(p.payment_id ORDER BY p.paid_at, p.payment_id) AS payment_ids
		FROM payments_of p GROUP BY p.staff_id, p.account
	)
	SELECT a.staff_id, a.reason, CASE a.rank WHEN 1 THEN 'critical' WHEN 4 THEN 'warning' ELSE 'error' END::crmaudit.severity AS severity,
		a.payer_account, a.payer_name, a.customers, a.payments, a.amount, a.without_approval, a.first_paid_at, a.last_paid_at, a.customer_ids, a.payment_ids,
		CASE WHEN (SELECT crmaudit.speaks_english()) THEN w.english ELSE w.chinese END AS in_words
	FROM accounts a JOIN crmaudit.work_word w ON w.word = a.reason
	ORDER BY a.rank, a.customers DESC, a.staff_id, a.account
$$;
COMMENT ON FUNCTION crmaudit.seller_controlled_accounts_rows() IS 'implementation of seller_controlled_accounts';
CREATE VIEW crmaudit.seller_controlled_accounts WITH (security_invoker = true) AS
	SELECT staff_id, reason, severity, payer_account, payer_name, customers, payments, amount, without_approval, first_paid_at, last_paid_at, customer_ids, payment_ids, in_words FROM crmaudit.seller_controlled_accounts_rows();
COMMENT ON VIEW crmaudit.seller_controlled_accounts IS 'accounts from which a staff member seems to pay for customers, one row for each of both, by the gravest reason: the account is a staff member''s; the payer has the name of the adviser, and it is not the customer''s; the account pays, without approval, for two or more customers of the adviser whose own it is not; the payer has the name of another staff member, which can be chance (D9)';

-- Signatures -----------------------------------------------------------------------------

-- A company signs by one of its contacts; of whom it has none, nothing is said
-- unless staff signed.
CREATE FUNCTION crmaudit.signed_by_others_rows()
RETURNS TABLE (contract_id text, customer_id text, staff_id text, kind text, signed_at timestamp with time zone, signed_by text, signer_id text, amount numeric, reason text, severity crmaudit.severity, in_words text)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET enable_nestloop = off SET work_mem = '64MB' AS $$
	WITH candidates AS MATERIALIZED (
		-- where the contract names no adviser, the owner is his
		SELECT k.contract_id, k.customer_id, coalesce(k.staff_id, min(c.owner)) AS staff_id, k.kind, k.signed_at, k.signed_by, k.amount, crmaudit.name_key(k.signed_by) AS name_key,
			bool_or(c.kind IN ('company', 'organisation', 'organization', 'enterprise', 'business', 'firm', 'agency')) IS TRUE AS is_company
		FROM crmaudit.contract() k JOIN crmaudit.customer() c ON c.customer_id = k.customer_id
		WHERE k.signed_by <> c.name AND crmaudit.name_key(k.signed_by) <> crmaudit.name_key(c.name)
		GROUP BY k.contract_id, k.customer_id, k.staff_id, k.kind, k.signed_at, k.signed_by, k.amount
	), suspects AS MATERIALIZED (
		-- several sources may know the customer: what one of them says is his name
		SELECT s.* FROM candidates s WHERE NOT EXISTS (
			SELECT FROM (SELECT c.customer_id, crmaudit.name_key(c.name) AS name_key FROM crmaudit.customer() c WHERE c.customer_id IN (SELECT d.customer_id FROM candidates d) OFFSET 0) n
			WHERE n.customer_id = s.customer_id AND n.name_key = s.name_key)
	), contacts AS MATERIALIZED (
		SELECT DISTINCT t.customer_id, crmaudit.name_key(t.name) AS name_key FROM crmaudit.contact() t
		WHERE t.customer_id IN (SELECT s.customer_id FROM suspects s WHERE s.is_company) AND crmaudit.name_key(t.name) IS NOT NULL
	), persons AS MATERIALIZED (
		SELECT s.staff_id, crmaudit.name_key(s.name) AS name_key FROM crmaudit.staff() s
	), judged AS (
		SELECT s.contract_id, s.customer_id, s.staff_id, s.kind, s.signed_at, s.signed_by, s.amount,
			CASE WHEN a.staff_id IS NOT NULL THEN 'signed_by_adviser'
				WHEN s.is_company AND t.customer_id IS NOT NULL THEN NULL
				WHEN n.name_key IS NOT NULL THEN 'signed_by_staff'
				WHEN NOT s.is_company THEN 'signed_by_other'
				WHEN o.customer_id IS NOT NULL THEN 'signed_by_no_contact' END AS reason,
			coalesce(a.staff_id, n.staff_id) AS signer_id
		FROM suspects s
		LEFT JOIN (SELECT DISTINCT staff_id, name_key FROM persons) a ON a.staff_id = s.staff_id AND a.name_key = s.name_key
		LEFT JOIN (SELECT name_key, CASE WHEN count(*) = 1 THEN min(staff_id) END AS staff_id FROM persons WHERE name_key IS NOT NULL GROUP BY name_key) n ON n.name_key = s.name_key
		LEFT JOIN contacts t ON t.customer_id = s.customer_id AND t.name_key = s.name_key
		LEFT JOIN (SELECT DISTINCT customer_id FROM contacts) o ON o.customer_id = s.customer_id
	)
	SELECT j.contract_id, j.customer_id, j.staff_id, j.kind, j.signed_at, j.signed_by, CASE WHEN j.reason IN ('signed_by_adviser', 'signed_by_staff') THEN j.signer_id END AS signer_id, j.amount, j.reason,
		CASE j.reason WHEN 'signed_by_adviser' THEN 'critical' WHEN 'signed_by_no_contact' THEN 'warning' ELSE 'error' END::crmaudit.severity AS severity,
		CASE WHEN (SELECT crmaudit.speaks_english()) THEN w.english ELSE w.chinese END AS in_words
	FROM judged j JOIN crmaudit.work_word w ON w.word = j.reason
	ORDER BY severity DESC, j.signed_at, j.contract_id
$$;
COMMENT ON FUNCTION crmaudit.signed_by_others_rows() IS 'implementation of signed_by_others';
CREATE VIEW crmaudit.signed_by_others WITH (security_invoker = true) AS
	SELECT contract_id, customer_id, staff_id, kind, signed_at, signed_by, signer_id, amount, reason, severity, in_words FROM crmaudit.signed_by_others_rows();
COMMENT ON VIEW crmaudit.signed_by_others IS 'contracts signed by another name than the customer''s, worst by that of the adviser; a company (kind company, organisation, enterprise, business, firm or agency) signs by any of its contacts, and one that has no contacts shows only where staff signed; staff_id is the contract''s adviser, or else the customer''s owner; signer_id is the staff member of that name, NULL if several have it (D9)';

-- Contracts ---------------------------------------------------------------------------------

CREATE TABLE crmaudit.approval_threshold (
	kind text PRIMARY KEY,
	amount numeric NOT NULL CHECK (amount >= 0)
);
COMMENT ON TABLE crmaudit.approval_threshold IS 'from which amount in yuan contracts of a kind need an approval, * for all other kinds; without a row, any amount does';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.approval_threshold', '');

CREATE FUNCTION crmaudit.set_approval_threshold(amount numeric, kind text DEFAULT '*') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	IF kind IS NULL OR set_approval_threshold.amount < 0 OR set_approval_threshold.amount IN ('NaN', 'Infinity') THEN
		RAISE EXCEPTION 'threshold of approvals must be an amount for a kind of contract'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The kind * stands for all kinds that have no amount of their own; NULL as the amount takes a threshold back.';
	END IF;
	DELETE FROM crmaudit.approval_threshold t WHERE t.kind = set_approval_threshold.kind;
	INSERT INTO crmaudit.approval_threshold (kind, amount)
		SELECT set_approval_threshold.kind, set_approval_threshold.amount WHERE set_approval_threshold.amount IS NOT NULL;
END $$;
COMMENT ON FUNCTION crmaudit.set_approval_threshold(numeric, text) IS 'sets from which amount in yuan contracts of a kind (* for all that have none of their own) need an approval; NULL takes that back, and then any amount does';

-- Only what the CRM keeps can be missing: columns that are not mapped, and
-- approvals where no case has any, are not asked for.
CREATE VIEW crmaudit.contract_compliance WITH (security_invoker = true) AS
	WITH settings AS MATERIALIZED (
		SELECT (now() AT TIME ZONE z.zone)::date AS today, m.has_start, m.has_end, m.has_time, m.has_signer, a.has_approvals
		FROM (SELECT crmaudit.report_time_zone() AS zone) z
		CROSS JOIN (SELECT bool_or(m.columns ? 'starts_on') AS has_start, bool_or(m.columns ? 'ends_on') AS has_end,
				bool_or(m.columns ? 'signed_at') AS has_time, bool_or(m.columns ? 'signed_by') AS has_signer
			FROM crmaudit.entity_mapping m WHERE m.entity = 'contract') m
		CROSS JOIN (SELECT EXISTS (SELECT FROM crmaudit.step() s WHERE s.case_kind = 'approval') AS has_approvals) a
	), approved AS (
		SELECT DISTINCT s.case_id FROM crmaudit.step() s WHERE s.case_kind = 'approval'
	), contracts AS (
		SELECT c.contract_id, c.customer_id, c.staff_id, c.kind, c.status, c.starts_on, c.ends_on,
			nullif(concat_ws(', ', CASE WHEN t.has_start AND isfinite(c.starts_on) IS NOT TRUE THEN 'starts_on' END, CASE WHEN t.has_end AND (c.ends_on > '-infinity') IS NOT TRUE THEN 'ends_on' END), '') AS dates_missing,
			nullif(concat_ws(', ', CASE WHEN t.has_time AND isfinite(c.signed_at) IS NOT TRUE THEN 'signed_at' END, CASE WHEN t.has_signer AND crmaudit.normalised(c.signed_by, 'text') IS NULL THEN 'signed_by' END), '') AS unsigned,
			nullif(c.ends_on, '-infinity') < nullif(c.starts_on, 'infinity') AS is_reversed,
			nullif(c.ends_on, '-infinity') < t.today AND (c.status IN ('expired', 'terminated', 'cancelled', 'closed')) IS NOT TRUE AS is_expired,
			t.has_approvals AND a.case_id IS NULL AND c.amount > 0 AND c.amount >= coalesce(k.amount, o.amount, 0) AS is_unapproved
		FROM crmaudit.contract() c CROSS JOIN settings t
		LEFT JOIN approved a ON a.case_id = c.contract_id
		LEFT JOIN crmaudit.approval_threshold k ON k.kind = c.kind AND k.kind <> '*'
		LEFT JOIN crmaudit.approval_threshold o ON o.kind = '*'
		-- what is not signed yet is no contract
		WHERE (c.status IN ('draft', 'offered')) IS NOT TRUE
	), faults AS (
		SELECT c.contract_id, c.customer_id, c.staff_id, c.kind, c.status, f.reason, f.severity, f.what
		FROM contracts c
		CROSS JOIN LATERAL (VALUES (c.unsigned IS NOT NULL, 'unsigned', 'error', c.unsigned), (c.is_unapproved, 'no_approval', 'error', NULL),
			(c.dates_missing IS NOT NULL, 'dates_missing', 'warning', c.dates_missing), (c.is_reversed, 'dates_reversed', 'error', NULL),
			(c.is_expired, 'expired_active', 'warning', NULL)) AS f(is_fault, reason, severity, what)
		WHERE (c.unsigned IS NOT NULL OR c.is_unapproved OR c.dates_missing IS NOT NULL OR c.is_reversed OR c.is_expired) AND f.is_fault
	)
	SELECT f.contract_id, f.customer_id, f.staff_id, f.kind, f.status, f.reason, f.severity::crmaudit.severity AS severity,
		CASE WHEN (SELECT crmaudit.speaks_english()) THEN w.english || coalesce(': ' || f.what || '.', '')
			ELSE w.chinese || coalesce(': ' || f.what, '') END AS in_words
	FROM faults f JOIN crmaudit.work_word w ON w.word = f.reason
	ORDER BY severity DESC, f.contract_id, f.reason;
COMMENT ON VIEW crmaudit.contract_compliance IS 'faults of contracts, one row for each: unsigned (no time, or no name), no_approval (an amount above the threshold, and no step with case_kind approval whose case_id is the contract; not asked for where no case has any), dates_missing, dates_reversed, expired_active (the last day has passed, and status is not expired, terminated, cancelled or closed); drafts and offers are left out, and columns that are not mapped are not asked for (D34)';
