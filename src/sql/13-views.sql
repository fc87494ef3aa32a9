CREATE VIEW spend.budget_status WITH (security_barrier) AS
WITH current_period AS (
  SELECT p.budget_id, p.generation, p.period_start, p.period_end, p.currency, p.time_zone FROM spend._budget_periods() AS p
), counted AS (
  -- A rolling budget has a counter for each day of its window, any other one for its period.
  SELECT c.budget_id, c.group_hash, c.group_values, sum(c.spent) AS spent, sum(c.calls)::bigint AS calls, sum(c.unpriced_calls)::bigint AS unpriced_calls
  FROM spend._counter_totals AS c
  JOIN current_period AS p ON p.budget_id = c.budget_id AND p.generation = c.generation AND c.period_start >= p.period_start AND c.period_start < p.period_end
  GROUP BY 1, 2, 3
), uncertain AS (
  -- A counter is loaded when the first row moves it. What came before the budget was defined stands in the rows only.
  SELECT p.budget_id, p.period_start, p.period_end
  FROM current_period AS p
  JOIN spend.budget_epochs AS e ON e.budget_id = p.budget_id AND e.redefined_at >= p.period_start
  JOIN spend.budgets AS b ON b.budget_id = p.budget_id
  WHERE b.group_by <> '{}' OR b.period = 'rolling' OR p.budget_id NOT IN (SELECT c.budget_id FROM counted AS c)
  UNION
  -- Whoever should have stored its row was rolled back; folding makes it.
  SELECT p.budget_id, p.period_start, p.period_end
  FROM current_period AS p
  JOIN spend._unfolded_counters AS d
    ON d.budget_id = p.budget_id AND d.generation = p.generation AND d.period_start >= p.period_start AND d.period_start < p.period_end
  WHERE NOT EXISTS (SELECT FROM spend.counters AS c
                    WHERE (c.budget_id, c.generation, c.period_start, c.group_hash) = (d.budget_id, d.generation, d.period_start, d.group_hash))
), uncounted AS (
  SELECT r.budget_id, r.group_hash, r.group_values, sum(r.amount) AS spent, sum(r.calls)::bigint AS calls, sum(r.unpriced_calls)::bigint AS unpriced_calls
  FROM (SELECT min(u.period_start) AS since, max(u.period_end) AS until FROM uncertain AS u) AS range
  CROSS JOIN LATERAL (
    SELECT u FROM spend.usage AS u
    WHERE (u.occurred_at >= range.since AND u.occurred_at < range.until) OR (u.enforced_at >= range.since AND u.enforced_at < range.until)
  ) AS rows
  CROSS JOIN LATERAL spend._row_counters(rows.u) AS r
  JOIN uncertain AS p ON p.budget_id = r.budget_id AND r.period_start >= p.period_start AND r.period_start < p.period_end
  WHERE range.since IS NOT NULL
    AND NOT EXISTS (SELECT FROM spend.counters AS c
                    WHERE (c.budget_id, c.generation, c.period_start, c.group_hash) = (r.budget_id, r.generation, r.period_start, r.group_hash))
  GROUP BY 1, 2, 3
), known AS (
  SELECT t.budget_id, t.group_hash, t.group_values, sum(t.spent) AS spent, sum(t.calls)::bigint AS calls, sum(t.unpriced_calls)::bigint AS unpriced_calls
  FROM (SELECT * FROM counted UNION ALL SELECT * FROM uncounted) AS t
  GROUP BY 1, 2, 3
), refused AS (
  SELECT r.budget_id, r.group_hash, min(r.group_values::text)::jsonb AS group_values, sum(r.refused_calls)::bigint AS refused_calls,
         sum(r.refused_cost) AS refused_cost
  FROM (
    SELECT w.budget_id, w.generation, w.period_start, w.group_hash, w.group_values, w.refused_calls, w.refused_cost FROM spend.refusals AS w
    UNION ALL
    SELECT u.budget_id, u.generation, u.period_start, u.group_hash, u.group_values, u.refused_calls, u.refused_cost FROM spend._unwritten_refusals() AS u
  ) AS r
  JOIN current_period AS p USING (budget_id, generation, period_start)
  GROUP BY 1, 2
), held AS (
  SELECT a.budget_id, a.group_hash, a.group_values, sum(a.amount) AS held
  FROM spend.hold_amounts AS a
  JOIN current_period AS p ON p.budget_id = a.budget_id AND p.generation = a.generation AND a.period_start >= p.period_start AND a.period_start < p.period_end
  WHERE a.expires_at > clock_timestamp()
  GROUP BY 1, 2, 3
), totals AS (
  SELECT * FROM known
  UNION ALL
  SELECT o.budget_id, o.group_hash, max(o.group_values::text)::jsonb, 0, 0, 0
  FROM (SELECT r.budget_id, r.group_hash, r.group_values FROM refused AS r UNION ALL SELECT h.budget_id, h.group_hash, h.group_values FROM held AS h) AS o
  WHERE NOT EXISTS (SELECT FROM known AS k WHERE (k.budget_id, k.group_hash) = (o.budget_id, o.group_hash))
  GROUP BY 1, 2
)
SELECT md5(jsonb_build_array(b.budget_id, p.period_start AT TIME ZONE 'UTC', t.group_hash)::text) AS budget_status_key,
       b.budget_id,
       b.name AS budget_name,
       -- Drivers know no infinite time: they say year 1, year 9999 or not a date.
       nullif(p.period_start, '-infinity') AS period_start_at,
       nullif(p.period_end, 'infinity') AS period_end_at,
       CASE WHEN isfinite(p.period_start) THEN (p.period_start AT TIME ZONE p.time_zone)::date END AS period_start,
       b.period AS period_kind,
       CASE WHEN b.group_by = '{}' THEN ''
            ELSE coalesce((SELECT string_agg(g.key || '=' || g.value, ', ' ORDER BY g.key) FROM jsonb_each_text(t.group_values) AS g), '') END AS group_label,
       b.measure,
       nullif(p.currency, '') AS currency,
       l.amount::numeric(38, 18) AS amount,
       coalesce(t.spent, 0)::numeric(38, 18) AS spent,
       coalesce(h.held, 0)::numeric(38, 18) AS held,
       (l.amount - coalesce(t.spent, 0))::numeric(38, 18) AS remaining,
       -- At most 10 digits before the point: a figure beyond that says nothing more.
       least(coalesce(t.spent, 0) * 100 / nullif(l.amount, 0), 9999999999)::numeric(14, 4) AS used_percent,
       coalesce(t.spent, 0) > l.amount AS is_exceeded,
       b.on_exceeded,
       b.is_critical,
       coalesce(t.calls, 0) AS calls,
       coalesce(t.unpriced_calls, 0) AS unpriced_calls,
       coalesce(f.refused_calls, 0) AS refused_calls,
       coalesce(f.refused_cost, 0)::numeric(38, 18) AS refused_cost,
       CASE WHEN b.on_exceeded = 'reject' THEN greatest(coalesce(t.spent, 0) - l.amount, 0) ELSE 0 END::numeric(38, 18) AS debt,
       b.cost_center,
       b.owner
FROM spend.budgets AS b
JOIN current_period AS p USING (budget_id)
LEFT JOIN totals AS t USING (budget_id)
LEFT JOIN refused AS f ON (f.budget_id, f.group_hash) = (t.budget_id, t.group_hash)
LEFT JOIN held AS h ON (h.budget_id, h.group_hash) = (t.budget_id, t.group_hash)
CROSS JOIN LATERAL (
  SELECT spend._budget_limit(b.budget_id, p.period_start, p.period_end, coalesce(t.group_hash, '00000000-0000-0000-0000-000000000000')) AS amount
) AS l
WHERE b.valid_during && tstzrange(p.period_start, p.period_end);
COMMENT ON VIEW spend.budget_status IS 'Budgets in their current period: limit, spent, remaining; one row per combination of group_by values that was used.';
COMMENT ON COLUMN spend.budget_status.budget_status_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.budget_status.budget_id IS 'Number of the budget.';
COMMENT ON COLUMN spend.budget_status.budget_name IS 'Name of the budget.';
COMMENT ON COLUMN spend.budget_status.period_start_at IS 'Start of the current period, of a rolling budget of its window; NULL for total.';
COMMENT ON COLUMN spend.budget_status.period_end_at IS 'End of the current period; NULL for total.';
COMMENT ON COLUMN spend.budget_status.period_start IS 'Day on which the period began in the budget''s zone; NULL for total.';
COMMENT ON COLUMN spend.budget_status.period_kind IS 'As in spend.budgets: hour to fiscal_year, total, range or rolling.';
COMMENT ON COLUMN spend.budget_status.group_label IS 'Values of the group_by dimensions; empty without group_by.';
COMMENT ON COLUMN spend.budget_status.measure IS 'cost, tokens or calls.';
COMMENT ON COLUMN spend.budget_status.currency IS 'Currency of the amounts; NULL for tokens and calls.';
COMMENT ON COLUMN spend.budget_status.amount IS 'The limit.';
COMMENT ON COLUMN spend.budget_status.spent IS 'Used so far, up to the last commit.';
COMMENT ON COLUMN spend.budget_status.held IS 'Set aside by spend.authorize() for calls under way, so not free either.';
COMMENT ON COLUMN spend.budget_status.remaining IS 'amount − spent; negative when exceeded.';
COMMENT ON COLUMN spend.budget_status.used_percent IS 'spent in percent of amount; NULL when the amount is 0.';
COMMENT ON COLUMN spend.budget_status.is_exceeded IS 'Whether spent is above amount.';
COMMENT ON COLUMN spend.budget_status.on_exceeded IS 'alert, halt or reject.';
COMMENT ON COLUMN spend.budget_status.is_critical IS 'Whether work under this budget must not be stopped by other means.';
COMMENT ON COLUMN spend.budget_status.calls IS 'Rows counted.';
COMMENT ON COLUMN spend.budget_status.unpriced_calls IS 'Rows among them without a price in the budget''s currency.';
COMMENT ON COLUMN spend.budget_status.refused_calls IS 'Rows that the budget has refused; counted where the library has shared memory.';
COMMENT ON COLUMN spend.budget_status.refused_cost IS 'Their cost, as far as they had a price, in the currency of their prices.';
COMMENT ON COLUMN spend.budget_status.debt IS 'What a reject budget holds above its limit: recorded facts, which are never refused.';
COMMENT ON COLUMN spend.budget_status.cost_center IS 'Cost center whose plan line this is.';
COMMENT ON COLUMN spend.budget_status.owner IS 'Who answers for the budget.';

CREATE VIEW spend.active_pauses WITH (security_barrier) AS
SELECT p.pause_id::text AS active_pauses_key,
       p.paused_at,
       p.pause_id,
       p.scope::text AS scope,
       p.on_insert,
       p.reason,
       p.paused_by::text AS paused_by
FROM spend.pauses AS p
WHERE p.resumed_at IS NULL AND spend._visible_scope(p.scope);
COMMENT ON VIEW spend.active_pauses IS 'Work that spend.pause() has stopped.';
COMMENT ON COLUMN spend.active_pauses.active_pauses_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.active_pauses.paused_at IS 'Since when.';
COMMENT ON COLUMN spend.active_pauses.pause_id IS 'Number of the pause, for spend.resume().';
COMMENT ON COLUMN spend.active_pauses.scope IS 'Work that is stopped, as in budgets.scope.';
COMMENT ON COLUMN spend.active_pauses.on_insert IS 'record: usage of it is recorded all the same. reject: an INSERT of it fails (SP005).';
COMMENT ON COLUMN spend.active_pauses.reason IS 'Why.';
COMMENT ON COLUMN spend.active_pauses.paused_by IS 'Who paused it.';
