-- Who is charged what: by cost center, as the centers were organised in each month.

-- The plan lines of all months from the first usage of anybody to the last, and of this one.
CREATE VIEW oracle._planned AS
SELECT m.month, spend.text_key(b.cost_center) AS cost_center, coalesce(b.currency, s.own_currency) AS currency,
       oracle.budget_limit(b.budget_id, l.since, l.until, l.since, NULL) AS amount
FROM oracle._settings AS s
CROSS JOIN LATERAL (
  SELECT date_trunc('month', least(min(u.occurred_at), now()) AT TIME ZONE s.zone) AS first, date_trunc('month', greatest(max(u.occurred_at), now()) AT TIME ZONE s.zone) AS last
  FROM (SELECT v.occurred_at FROM spend.usage AS v UNION ALL SELECT d.occurred_at FROM oracle.dropped AS d) AS u
) AS range
CROSS JOIN LATERAL (SELECT g::date AS month FROM generate_series(range.first, range.last, interval '1 month') AS g) AS m
CROSS JOIN spend.budgets AS b
CROSS JOIN LATERAL (
  SELECT m.month::timestamp AT TIME ZONE coalesce(b.time_zone, s.zone) AS since, (m.month + interval '1 month') AT TIME ZONE coalesce(b.time_zone, s.zone) AS until
) AS l
WHERE b.period = 'month' AND b.measure = 'cost' AND b.cost_center IS NOT NULL AND b.valid_during @> l.since AND oracle.sees_scope(b.scope);

CREATE VIEW oracle._charged AS
WITH unallocated AS (
  -- Usage without a cost center stays apart by department, unless something is said of it as a whole.
  SELECT s.unallocated AS label,
         NOT EXISTS (SELECT FROM spend.cost_centers AS c WHERE c.code = s.unallocated AND c.department IS NOT NULL)
         AND NOT EXISTS (SELECT FROM spend.budgets AS b WHERE b.period = 'month' AND b.measure = 'cost' AND spend.text_key(b.cost_center) = s.unallocated) AS is_split
  FROM oracle._settings AS s
), used AS (
  SELECT f.month, coalesce(f.dims ->> 'cost_center', n.label) AS cost_center, f.money AS currency, min(oracle.value(f.dims, 'department')) AS department,
         count(DISTINCT oracle.value(f.dims, 'department')) AS departments, coalesce(sum(f.cost), 0) AS actual, count(*) AS calls,
         sum(coalesce(f.input_tokens, 0) + coalesce(f.output_tokens, 0)) AS tokens, count(*) FILTER (WHERE f.cost IS NULL) AS unpriced
  FROM oracle._facts AS f CROSS JOIN unallocated AS n
  GROUP BY 1, 2, 3, CASE WHEN n.is_split AND coalesce(f.dims ->> 'cost_center', n.label) = n.label THEN oracle.value(f.dims, 'department') END
)
SELECT coalesce(u.month, p.month) AS period_start, coalesce(u.cost_center, p.cost_center) AS cost_center, coalesce(u.currency, p.currency) AS currency,
       coalesce((e.center).department, CASE u.departments WHEN 1 THEN u.department ELSE CASE WHEN u.departments IS NULL THEN '(untagged)' ELSE '(several)' END END) AS department,
       p.amount AS budget, coalesce(u.actual, 0) AS actual,
       CASE WHEN coalesce((e.center).is_charged_back, coalesce(u.cost_center, p.cost_center) <> n.label) THEN coalesce(u.actual, 0) ELSE 0 END AS chargeback,
       coalesce(u.calls, 0) AS calls, coalesce(u.tokens, 0) AS tokens, coalesce(u.unpriced, 0) AS unpriced, (e.center).name, (e.center).parent
FROM used AS u
FULL JOIN oracle._planned AS p ON p.month = u.month AND p.cost_center = u.cost_center AND p.currency = u.currency
CROSS JOIN unallocated AS n
CROSS JOIN LATERAL (SELECT oracle.center(coalesce(u.cost_center, p.cost_center), coalesce(u.month, p.month)) AS center) AS e;

CREATE FUNCTION oracle.center_label(code text, name text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(name, (SELECT v.label FROM spend.dimension_values AS v WHERE v.dimension = 'cost_center' AND v.value = code), code)
$$;

CREATE VIEW oracle.chargeback_monthly AS
SELECT md5(jsonb_build_array(c.period_start, c.cost_center, c.department, c.currency)::text) AS chargeback_monthly_key, c.period_start::timestamp AT TIME ZONE s.zone AS period_start_at,
       c.period_start, 'month' AS period_kind, c.cost_center, c.department, c.currency, c.budget::numeric(38, 18) AS budget, c.actual::numeric(38, 18) AS actual,
       (c.budget - c.actual)::numeric(38, 18) AS variance, c.chargeback::numeric(38, 18) AS chargeback, c.calls, c.tokens::bigint AS tokens, c.unpriced AS unpriced_calls,
       oracle.center_label(c.cost_center, c.name) AS cost_center_label, c.parent AS parent_cost_center
FROM oracle._charged AS c CROSS JOIN oracle._settings AS s;

-- Of each center those above it in that month, itself first.
CREATE VIEW oracle._above AS
WITH RECURSIVE up AS (
  SELECT DISTINCT c.period_start, c.cost_center, c.cost_center AS above, 0 AS steps FROM oracle._charged AS c
  UNION ALL
  SELECT u.period_start, u.cost_center, (oracle.center(u.above, u.period_start)).parent, u.steps + 1 FROM up AS u WHERE (oracle.center(u.above, u.period_start)).parent IS NOT NULL
)
SELECT * FROM up;

CREATE VIEW oracle.chargeback_tree AS
SELECT md5(jsonb_build_array(t.period_start, t.above, t.currency)::text) AS chargeback_tree_key, t.period_start::timestamp AT TIME ZONE s.zone AS period_start_at, t.period_start,
       'month' AS period_kind, t.above AS cost_center, oracle.center_label(t.above, (e.center).name) AS cost_center_label, (e.center).parent AS parent_cost_center, w.path, w.depth,
       t.currency, t.budget::numeric(38, 18) AS budget, t.actual::numeric(38, 18) AS actual, (t.budget - t.actual)::numeric(38, 18) AS variance,
       t.chargeback::numeric(38, 18) AS chargeback, t.own::numeric(38, 18) AS own_actual, t.calls::bigint AS calls, t.unpriced::bigint AS unpriced_calls
FROM (
  SELECT c.period_start, a.above, c.currency, sum(c.budget) AS budget, sum(c.actual) AS actual, sum(c.chargeback) AS chargeback,
         coalesce(sum(c.actual) FILTER (WHERE a.steps = 0), 0) AS own, sum(c.calls) AS calls, sum(c.unpriced) AS unpriced
  FROM oracle._charged AS c JOIN oracle._above AS a ON a.period_start = c.period_start AND a.cost_center = c.cost_center
  GROUP BY 1, 2, 3
) AS t
CROSS JOIN oracle._settings AS s
CROSS JOIN LATERAL (SELECT oracle.center(t.above, t.period_start) AS center) AS e
CROSS JOIN LATERAL (
  WITH RECURSIVE up AS (
    SELECT t.above AS code, 0 AS steps UNION ALL SELECT (oracle.center(u.code, t.period_start)).parent, u.steps + 1 FROM up AS u WHERE (oracle.center(u.code, t.period_start)).parent IS NOT NULL
  )
  SELECT string_agg(u.code, ' / ' ORDER BY u.steps DESC) AS path, (count(*) - 1)::integer AS depth FROM up AS u
) AS w;

-- Rounded down first; what the rounded total has more goes, unit by unit, to the largest rests.
CREATE VIEW oracle.statement_lines AS
SELECT md5(jsonb_build_array(l.period_start, l.usage_start_date, l.cost_center, l.department, l.currency)::text) AS statement_lines_key, p.period_start_at, l.period_start,
       'month' AS period_kind, l.usage_start_date, CASE WHEN l.is_correction THEN 'Correction' ELSE '' END AS charge_class, l.cost_center, l.department, l.currency,
       l.amount::numeric(38, 18) AS amount, (CASE WHEN l.chargeback = l.actual THEN l.amount ELSE round(l.chargeback, l.digits) END)::numeric(38, 18) AS chargeback,
       l.actual::numeric(38, 18) AS exact_amount, l.calls, l.unpriced_calls, p.closed_at
FROM (
  SELECT d.*, d.floor + CASE WHEN d.place <= (round(d.total, d.digits) - d.total_floor) * power(10::numeric, d.digits) THEN power(10::numeric, -d.digits) ELSE 0 END AS amount
  FROM (
    SELECT b.*, sum(b.actual) OVER w AS total, sum(b.floor) OVER w AS total_floor,
           row_number() OVER (PARTITION BY b.period_start, b.currency ORDER BY b.actual - b.floor DESC, b.usage_start_date, b.cost_center COLLATE "C", b.department COLLATE "C") AS place
    FROM (
      SELECT s.*, k.digits, floor(s.actual * power(10::numeric, k.digits)) / power(10::numeric, k.digits) AS floor
      FROM spend.statements AS s CROSS JOIN LATERAL (SELECT CASE s.currency WHEN 'JPY' THEN 0 WHEN 'KWD' THEN 3 ELSE 2 END AS digits) AS k
    ) AS b
    WINDOW w AS (PARTITION BY b.period_start, b.currency)
  ) AS d
) AS l
JOIN spend.periods AS p USING (period_start)
WHERE oracle.sees(jsonb_build_object('cost_center', l.cost_center));

-- What statements have booked of closed months, against what the reports say of them: due lines wait for the next statement. After the last closing, none is left.
CREATE VIEW oracle._unbooked AS
SELECT coalesce(c.period_start, b.usage_start_date) AS month, coalesce(c.cost_center, b.cost_center) AS cost_center, coalesce(c.department, b.department) AS department,
       coalesce(c.currency, b.currency) AS currency, coalesce(c.actual, 0) - coalesce(b.actual, 0) AS actual, coalesce(c.chargeback, 0) - coalesce(b.chargeback, 0) AS chargeback,
       coalesce(c.calls, 0) - coalesce(b.calls, 0) AS calls
FROM (SELECT * FROM oracle._charged AS c WHERE c.period_start <= (SELECT max(p.period_start) FROM spend.periods AS p)) AS c
FULL JOIN (
  SELECT s.usage_start_date, s.cost_center, s.department, s.currency, sum(s.actual) AS actual, sum(s.chargeback) AS chargeback, sum(s.calls) AS calls FROM spend.statements AS s GROUP BY 1, 2, 3, 4
) AS b ON (b.usage_start_date, b.cost_center, b.department, b.currency) = (c.period_start, c.cost_center, c.department, c.currency)
WHERE (coalesce(c.actual, 0), coalesce(c.chargeback, 0), coalesce(c.calls, 0)) IS DISTINCT FROM (coalesce(b.actual, 0), coalesce(b.chargeback, 0), coalesce(b.calls, 0));
