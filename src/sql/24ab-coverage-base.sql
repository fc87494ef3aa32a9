CREATE FUNCTION spend._has_budget(attribution_id uuid, since timestamptz, until timestamptz) RETURNS boolean
  LANGUAGE c STABLE STRICT COST 10 AS 'MODULE_PATHNAME', 'spend_has_budget';
COMMENT ON FUNCTION spend._has_budget(uuid, timestamptz, timestamptz) IS
  'Internal: whether a budget that is valid in a time covers usage of an attribution, by its dimensions alone; NULL for one that the current role may not see.';

-- The sums of a month, and what they are covered by.
CREATE VIEW spend._covered_facts AS
SELECT f.*,
       coalesce(spend._has_budget(f.attribution_id, f.usage_month::timestamp AT TIME ZONE z, (f.usage_month + interval '1 month') AT TIME ZONE z), false) AS has_budget,
       k.are_known AND f.dimensions ? 'api_key'
         AND NOT EXISTS (SELECT FROM spend.dimension_values AS v WHERE v.dimension = 'api_key' AND v.value = f.dimensions ->> 'api_key') AS has_unknown_key,
       s.are_known AND f.source IS NOT NULL
         AND NOT EXISTS (SELECT FROM spend.sources AS v WHERE v.source = f.source AND v.is_sanctioned) AS has_unsanctioned_source
FROM spend._month_facts AS f
CROSS JOIN spend._rollup_zone() AS z
CROSS JOIN (SELECT EXISTS (SELECT FROM spend.dimension_values AS v WHERE v.dimension = 'api_key') AS are_known) AS k
CROSS JOIN (SELECT EXISTS (SELECT FROM spend.sources) AS are_known) AS s;
COMMENT ON VIEW spend._covered_facts IS 'Internal: sums by month, visible ones, with what they are covered by.';

-- Of values that look alike the one that was used first is the original.
CREATE VIEW spend._look_alikes AS
SELECT l.dimension, l.dimension_value, l.looks_like
FROM (
  SELECT s.dimension, s.dimension_value, count(*) OVER (PARTITION BY s.dimension, s.skeleton) AS values_alike,
         first_value(s.dimension_value) OVER (PARTITION BY s.dimension, s.skeleton ORDER BY s.first_seen_at, s.dimension_value COLLATE "C") AS looks_like
  FROM (
    SELECT v.key AS dimension, v.value AS dimension_value, spend.skeleton(v.value) AS skeleton, min(a.first_seen_at) AS first_seen_at
    FROM spend.attributions AS a CROSS JOIN LATERAL jsonb_each_text(a.dimensions) AS v
    WHERE spend.visible(a.attribution_id)
    GROUP BY 1, 2
  ) AS s
) AS l
WHERE l.values_alike > 1;
COMMENT ON VIEW spend._look_alikes IS 'Internal: values of a dimension that look like others of it, as far as the current role may see them.';
