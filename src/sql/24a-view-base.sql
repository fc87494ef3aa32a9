-- What BI reads. Base types only, every numeric with a typmod, one surrogate text key and one time column per view; NULL dimensions
-- read (untagged), so totals equal the ledger. The views belong to the extension's owner and filter by spend.visible().
-- Keys are hashes of JSON arrays: unambiguous whatever the parts contain, and the same under every DateStyle.

CREATE VIEW spend._skus WITH (security_barrier) AS
SELECT DISTINCT ON (k.sku_id) k.sku_id, k.provider, k.model, k.surface, k.region, k.service_tier, k.speed, k.variant, k.currency
FROM spend._kinds AS k ORDER BY k.sku_id;
COMMENT ON VIEW spend._skus IS 'Internal: the SKUs that were used, each with a currency.';

-- Rights are asked once for an attribution, not for every sum. What the dictionary does not know is for those who may see all.
CREATE VIEW spend._seen AS
SELECT a.attribution_id, a.dimensions, spend.visible(a.attribution_id) AS is_visible FROM spend._dimensions_of AS a;
COMMENT ON VIEW spend._seen IS 'Internal: the dictionary of attributions, and which of them the current role may see.';

CREATE VIEW spend._months AS
SELECT g.month::date AS period_start
FROM (SELECT date_trunc('month', now() AT TIME ZONE z)::date AS month, z FROM spend._rollup_zone() AS z) AS this
CROSS JOIN LATERAL (
  SELECT min(d.bucket_start AT TIME ZONE this.z) AS first, max(d.bucket_start AT TIME ZONE this.z) AS last
  FROM spend._unfolded_rollup AS d
) AS unfolded
CROSS JOIN LATERAL generate_series(
  least(this.month, date_trunc('month', unfolded.first)::date, (SELECT min(r.usage_month) FROM spend.rollup_months AS r))::timestamp,
  greatest(this.month, date_trunc('month', unfolded.last)::date, (SELECT max(r.usage_month) FROM spend.rollup_months AS r))::timestamp, '1 month') AS g(month);
COMMENT ON VIEW spend._months IS 'Internal: the months from the first usage to the last, and to now.';

-- The sums of a month with the names of what they belong to, as far as the current role may see them.
CREATE VIEW spend._month_facts AS
SELECT m.*, a.dimensions, k.provider, k.model, k.service_tier, k.currency, k.operation, k.route, k.purpose, k.tier, k.sku_id, k.pricing_status,
       k.pricing_reason, k.cache_saving, k.source
FROM spend._usage_months AS m
JOIN spend._kinds AS k USING (kind_id)
LEFT JOIN spend._seen AS a USING (attribution_id)
WHERE coalesce(a.is_visible, spend.visible(NULL));
COMMENT ON VIEW spend._month_facts IS
  'Internal: sums by month with names, visible ones; folded and not. Whoever adds them up drops groups whose calls are 0: they were moved elsewhere.';

-- Sums of a month by the values of two dimensions, of one or of none. Conditions on the month and the dimension of a view reach the lists of
-- both, from which the function is called.
CREATE FUNCTION spend._months_of_usage(zone text) RETURNS SETOF date
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 12 AS 'MODULE_PATHNAME', 'spend_months_of_usage';
COMMENT ON FUNCTION spend._months_of_usage(text) IS 'Internal: the months of which there are sums, folded or not, in a zone.';
DO $$
DECLARE
  sums text := (
    SELECT string_agg(format('%I %s', a.attname, a.atttypid::regtype), ', ' ORDER BY a.attnum)
    FROM pg_attribute AS a WHERE a.attrelid = 'spend.rollup_quarters'::regclass AND a.attnum > 0 AND a.atttypid IN ('bigint'::regtype, 'numeric'::regtype));
BEGIN
  EXECUTE format('CREATE FUNCTION spend._month_sums(month date, first_dimension text, second_dimension text, zone text)
                  RETURNS TABLE (first_value text, second_value text, kind_id uuid, %s)
                  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 COST 1000 AS ''MODULE_PATHNAME'', ''spend_month_sums''', sums);
  EXECUTE format('CREATE FUNCTION spend._day_sums(month date, dimension text, zone text)
                  RETURNS TABLE (usage_date date, first_value text, kind_id uuid, %s)
                  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1000 COST 1000 AS ''MODULE_PATHNAME'', ''spend_day_sums''', sums);
  EXECUTE format('CREATE FUNCTION spend._month_issues(month date, columns text[], since timestamptz, until timestamptz, zone text)
                  RETURNS TABLE (first_value text, second_value text, kind_id uuid, %s)
                  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 100 COST 1000 AS ''MODULE_PATHNAME'', ''spend_month_issues''', sums);
END
$$;
COMMENT ON FUNCTION spend._month_sums(date, text, text, text) IS
  'Internal: the sums of a month, folded or not, by kind and the values of at most two dimensions, as far as the current role may see them. A group may come several times.';
COMMENT ON FUNCTION spend._month_issues(date, text[], timestamptz, timestamptz, text) IS
  'Internal: the sums of a month by kind: of all, without values; and of what lacks a column (untagged), a required tag (missing_tag), or a budget that is valid in the time (unbudgeted).';
COMMENT ON FUNCTION spend._day_sums(date, text, text) IS 'Internal: the same of each day of a month, by the values of at most one dimension.';

-- What is asked of a month is asked one after the other, because the list of dimensions comes from the month: so it is read once.
DO $$
DECLARE
  sums text := spend._each_sum('s.%I');
BEGIN
  EXECUTE format($q$
    CREATE VIEW spend._month_totals AS
    SELECT m.usage_month, k.provider, k.model, k.service_tier, k.currency, k.pricing_status, k.pricing_reason, k.source, %s
    FROM spend._rollup_zone() AS z
    CROSS JOIN LATERAL spend._months_of_usage(z) AS m(usage_month)
    CROSS JOIN LATERAL spend._month_sums(m.usage_month, NULL, NULL, z) AS s
    JOIN spend._kinds AS k USING (kind_id)$q$, sums);
  EXECUTE format($q$
    CREATE VIEW spend._month_dimensions AS
    SELECT r.report_month, r.is_previous, d.dimension,
           CASE WHEN NOT d.is_of_kind THEN coalesce(s.first_value, '(untagged)')
                ELSE CASE d.dimension WHEN 'total' THEN '(all)'
                                      WHEN 'provider' THEN coalesce(k.provider, '(unknown)')
                                      WHEN 'model' THEN coalesce(k.model, '(unknown)')
                                      WHEN 'service_tier' THEN k.service_tier
                                      WHEN 'operation' THEN coalesce(k.operation, '(untagged)')
                                      WHEN 'route' THEN coalesce(k.route, '(untagged)')
                                      WHEN 'purpose' THEN coalesce(k.purpose, '(untagged)') END END AS dimension_value,
           k.currency, k.tier, k.purpose, k.cache_saving, k.sku_id, %s
    FROM spend._rollup_zone() AS z
    CROSS JOIN LATERAL spend._months_of_usage(z) AS m(usage_month)
    CROSS JOIN LATERAL (
      VALUES (m.usage_month, 'total', true), (m.usage_month, 'cost_center', false), (m.usage_month, 'department', false), (m.usage_month, 'team', false),
             (m.usage_month, 'project', false), (m.usage_month, 'feature', false), (m.usage_month, 'workflow', false), (m.usage_month, 'application', false),
             (m.usage_month, 'agent', false), (m.usage_month, 'api_key', false), (m.usage_month, 'user_id', false), (m.usage_month, 'user_group', false),
             (m.usage_month, 'workspace', false), (m.usage_month, 'environment', false), (m.usage_month, 'customer', false),
             (m.usage_month, 'customer_segment', false), (m.usage_month, 'geography', false), (m.usage_month, 'data_class', false),
             (m.usage_month, 'provider', true), (m.usage_month, 'model', true), (m.usage_month, 'service_tier', true), (m.usage_month, 'operation', true),
             (m.usage_month, 'route', true), (m.usage_month, 'purpose', true)
      UNION ALL
      SELECT m.usage_month, n.name, false
      FROM spend.dimensions AS n
      WHERE n.is_rolled_up AND NOT EXISTS (SELECT FROM pg_attribute AS t WHERE t.attrelid = 'spend.usage'::regclass AND t.attname = n.name)
    ) AS d(usage_month, dimension, is_of_kind)
    CROSS JOIN LATERAL (VALUES (m.usage_month, false), ((m.usage_month + interval '1 month')::date, true)) AS r(report_month, is_previous)
    CROSS JOIN LATERAL spend._month_sums(d.usage_month, CASE WHEN NOT d.is_of_kind THEN d.dimension END, NULL, z) AS s
    JOIN spend._kinds AS k USING (kind_id)$q$, sums);
END
$$;
COMMENT ON VIEW spend._month_totals IS 'Internal: sums by month and kind, as far as the current role may see them; a group may stand several times.';
COMMENT ON VIEW spend._month_dimensions IS
  'Internal: sums by month, kind and value of a dimension, once for every dimension, and for each twice: for the month, and for the one after it, in which they are the previous ones. A group may stand several times.';
