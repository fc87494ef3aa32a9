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

-- Each once for every dimension, so that a report is by whichever it asks for. The names come from a list of their own: a condition on
-- the dimension is met there first, and values of no other one are looked up.
CREATE VIEW spend._month_dimensions AS
SELECT f.*, d.dimension,
       CASE WHEN NOT d.is_of_kind THEN coalesce(f.dimensions ->> d.dimension, '(untagged)')
            ELSE CASE d.dimension WHEN 'total' THEN '(all)'
                                  WHEN 'provider' THEN coalesce(f.provider, '(unknown)')
                                  WHEN 'model' THEN coalesce(f.model, '(unknown)')
                                  WHEN 'service_tier' THEN f.service_tier
                                  WHEN 'operation' THEN coalesce(f.operation, '(untagged)')
                                  WHEN 'route' THEN coalesce(f.route, '(untagged)')
                                  WHEN 'purpose' THEN coalesce(f.purpose, '(untagged)') END END AS dimension_value
FROM spend._month_facts AS f
CROSS JOIN (
  VALUES ('total', true), ('cost_center', false), ('department', false), ('team', false), ('project', false), ('feature', false), ('workflow', false),
         ('application', false), ('agent', false), ('api_key', false), ('user_id', false), ('user_group', false), ('workspace', false),
         ('environment', false), ('customer', false), ('customer_segment', false), ('geography', false), ('data_class', false),
         ('provider', true), ('model', true), ('service_tier', true), ('operation', true), ('route', true), ('purpose', true)
  UNION ALL
  SELECT n.name, false
  FROM spend.dimensions AS n
  WHERE n.is_rolled_up AND NOT EXISTS (SELECT FROM pg_attribute AS t WHERE t.attrelid = 'spend.usage'::regclass AND t.attname = n.name)
) AS d(dimension, is_of_kind);
COMMENT ON VIEW spend._month_dimensions IS 'Internal: sums by month, once for every dimension.';
