-- Budgets in their current period, what waits for a word, and what is stopped.

-- The period of now: its bounds, and the moment whose amount holds.
CREATE VIEW oracle._periods AS
SELECT b.*, z.zone, coalesce(b.currency, s.own_currency) AS money, p.since, p.until, p.amount_at
FROM spend.budgets AS b
CROSS JOIN oracle._settings AS s
CROSS JOIN LATERAL (SELECT coalesce(b.time_zone, s.zone) AS zone) AS z
CROSS JOIN LATERAL (SELECT now() AT TIME ZONE z.zone AS local) AS n
CROSS JOIN LATERAL (
  SELECT CASE b.period
           WHEN 'week' THEN n.local::date - (extract(isodow FROM n.local)::integer - s.week_start + 7) % 7
           WHEN 'fiscal_year' THEN date_trunc('month', n.local) - make_interval(months => (extract(month FROM n.local)::integer - s.fiscal_year_start + 12) % 12)
           WHEN 'rolling' THEN n.local::date - (b.rolling_days - 1)
           WHEN 'total' THEN NULL WHEN 'range' THEN NULL WHEN 'hour' THEN NULL
           ELSE date_trunc(b.period, n.local) END::timestamp AS first
) AS f
CROSS JOIN LATERAL (
  SELECT CASE b.period WHEN 'total' THEN '-infinity' WHEN 'range' THEN lower(b.valid_during) WHEN 'hour' THEN date_trunc('hour', now(), z.zone) ELSE f.first AT TIME ZONE z.zone END AS since,
         CASE b.period WHEN 'total' THEN 'infinity' WHEN 'range' THEN upper(b.valid_during) WHEN 'hour' THEN date_trunc('hour', now(), z.zone) + interval '1 hour'
           WHEN 'week' THEN (f.first + interval '7 days') AT TIME ZONE z.zone WHEN 'fiscal_year' THEN (f.first + interval '1 year') AT TIME ZONE z.zone
           WHEN 'rolling' THEN (n.local::date + 1)::timestamp AT TIME ZONE z.zone
           ELSE (f.first + ('1 ' || replace(b.period, 'quarter', 'month'))::interval * CASE b.period WHEN 'quarter' THEN 3 ELSE 1 END) AT TIME ZONE z.zone END AS until,
         CASE b.period WHEN 'rolling' THEN n.local::date::timestamp AT TIME ZONE z.zone WHEN 'total' THEN '-infinity' WHEN 'range' THEN lower(b.valid_during)
           WHEN 'hour' THEN date_trunc('hour', now(), z.zone) ELSE f.first AT TIME ZONE z.zone END AS amount_at
) AS p
WHERE oracle.sees_scope(b.scope) AND b.valid_during && tstzrange(p.since, p.until);

-- What a row is covered by: its attribution, and what only the row has. Names of the row are normalised, its ids are not.
CREATE VIEW oracle._counted AS
SELECT p.budget_id, g.label, g."values", CASE p.measure WHEN 'calls' THEN 1 WHEN 'tokens' THEN coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)
         ELSE CASE WHEN r.currency = p.money THEN r.cost ELSE 0 END END AS amount,
       (p.measure = 'cost' AND (r.cost IS NULL OR r.currency <> p.money))::integer AS unpriced
FROM oracle._facts AS r
CROSS JOIN LATERAL (
  SELECT r.dims || jsonb_strip_nulls(jsonb_build_object('run_id', nullif(r.run_id, ''), 'request_id', nullif(r.request_id, ''), 'provider', r.sent_provider, 'model', r.model,
                                                        'route', r.route_key, 'purpose', r.purpose_key, 'source', r.source_key)) AS facts
) AS k
JOIN oracle._periods AS p ON CASE
  WHEN (r.occurred_at >= p.since AND r.occurred_at < p.until AND p.valid_during @> r.occurred_at)
       OR (r.enforced_at >= p.since AND r.enforced_at < p.until AND p.valid_during @> r.enforced_at) THEN p.scope = '{}' OR oracle.covers(p.scope, k.facts) ELSE false END
CROSS JOIN LATERAL (
  SELECT coalesce(string_agg(n.name || '=' || coalesce(k.facts ->> n.name, '(none)'), ', ' ORDER BY n.name), '') AS label,
         coalesce(jsonb_object_agg(n.name, coalesce(k.facts ->> n.name, '(none)')), '{}') AS "values"
  FROM unnest(p.group_by) AS n(name)
) AS g;

CREATE VIEW oracle._holding AS
SELECT p.budget_id, a.group_values, sum(a.amount) AS held
FROM oracle._periods AS p
JOIN spend.hold_amounts AS a ON a.budget_id = p.budget_id AND a.period_start >= p.since AND a.period_start < p.until
JOIN spend.holds AS h ON h.hold_id = a.hold_id AND h.state = 'open' AND h.expires_at > clock_timestamp()
GROUP BY 1, 2;

-- Groups of budgets whose name begins with "each" show what has been used only.
CREATE VIEW oracle.budget_status AS
SELECT p.budget_id, p.name AS budget_name, nullif(p.since, '-infinity') AS period_start_at, nullif(p.until, 'infinity') AS period_end_at, CASE WHEN isfinite(p.since) THEN (p.since AT TIME ZONE p.zone)::date END AS period_start,
       p.period AS period_kind, coalesce(c.label, '') AS group_label, p.measure, CASE p.measure WHEN 'cost' THEN p.money END AS currency, l.amount::numeric(38, 18) AS amount,
       coalesce(c.spent, 0)::numeric(38, 18) AS spent, coalesce(c.held, 0)::numeric(38, 18) AS held, (l.amount - coalesce(c.spent, 0))::numeric(38, 18) AS remaining,
       least(coalesce(c.spent, 0) * 100 / nullif(l.amount, 0), 9999999999)::numeric(14, 4) AS used_percent, coalesce(c.spent, 0) > l.amount AS is_exceeded, p.on_exceeded, p.is_critical,
       coalesce(c.calls, 0) AS calls, coalesce(c.unpriced, 0) AS unpriced_calls,
       (CASE WHEN p.on_exceeded = 'reject' THEN greatest(coalesce(c.spent, 0) - l.amount, 0) ELSE 0 END)::numeric(38, 18) AS debt, p.cost_center, p.owner
FROM oracle._periods AS p
LEFT JOIN (
  SELECT x.budget_id, x.label, x."values", sum(x.amount) AS spent, sum(x.calls)::bigint AS calls, sum(x.unpriced)::bigint AS unpriced, sum(x.held) AS held
  FROM (
    SELECT n.budget_id, n.label, n."values", n.amount, 1 AS calls, n.unpriced, 0 AS held FROM oracle._counted AS n
    UNION ALL
    SELECT h.budget_id, coalesce((SELECT string_agg(v.key || '=' || v.value, ', ' ORDER BY v.key) FROM jsonb_each_text(h.group_values) AS v), ''), h.group_values, 0, 0, 0, h.held
    FROM oracle._holding AS h
  ) AS x GROUP BY 1, 2, 3
) AS c USING (budget_id)
CROSS JOIN LATERAL (SELECT oracle.budget_limit(p.budget_id, p.since, p.until, p.amount_at, CASE WHEN p.group_by <> '{}' THEN c."values" END) AS amount) AS l;

CREATE VIEW oracle.active_pauses AS
SELECT p.pause_id::text AS active_pauses_key, p.paused_at, p.pause_id, p.scope::text AS scope, p.on_insert, p.reason, p.paused_by::text AS paused_by
FROM spend.pauses AS p WHERE p.resumed_at IS NULL AND oracle.sees_scope(p.scope);

-- Who may decide is a matter of rights that the tests of the gate look at; whoever sees all sees all of them, a reader none.
CREATE VIEW oracle.pending_approvals AS
SELECT a.approval_id::text AS pending_approvals_key, a.requested_at, a.approval_id, a.writer,
       (SELECT string_agg(b.name, ', ' ORDER BY b.name) FROM spend.budgets AS b WHERE b.budget_id = ANY (a.budget_ids)) AS budget_names, a.provider, a.model,
       a.dimensions::text AS dimensions, a.context::text AS context, a.estimate::text AS estimate, a.cost::numeric(38, 18) AS cost, a.currency, a.expires_at
FROM spend.approvals AS a WHERE a.state = 'requested' AND a.expires_at > now() AND oracle.scope() = '{}';
