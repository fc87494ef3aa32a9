-- Of a cost center what is said of it last, over all its time. Not as a FULL JOIN: PostgreSQL 17 knows no way to make one whose
-- condition it could reduce by what a query asks for.
CREATE VIEW spend._labels AS
WITH centers AS (SELECT DISTINCT ON (c.code) c.code, c.name, c.owner, c.parent FROM spend.cost_centers AS c ORDER BY c.code, c.valid_during DESC)
SELECT v.dimension, v.value, coalesce(c.name, v.label) AS label, coalesce(c.owner, v.owner) AS owner, coalesce(c.parent, v.parent) AS parent
FROM spend.dimension_values AS v LEFT JOIN centers AS c ON v.dimension = 'cost_center' AND v.value = c.code
UNION ALL
SELECT 'cost_center', c.code, c.name, c.owner, c.parent
FROM centers AS c
WHERE NOT EXISTS (SELECT FROM spend.dimension_values AS v WHERE v.dimension = 'cost_center' AND v.value = c.code);
COMMENT ON VIEW spend._labels IS 'Internal: what is said of values of dimensions.';
DO $$
DECLARE
  name name;
BEGIN
  FOR name IN SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = 'spend._labels'::regclass AND a.attnum > 0 LOOP
    EXECUTE format('COMMENT ON COLUMN spend._labels.%I IS %L', name, 'Internal: as in the tables.');
  END LOOP;
END
$$;

CREATE VIEW spend.dimension_labels WITH (security_barrier) AS
SELECT md5(jsonb_build_array(d.dimension, d.dimension_value)::text) AS dimension_labels_key,
       d.first_seen_at,
       d.dimension,
       d.dimension_value,
       coalesce(l.label, d.dimension_value) AS dimension_label,
       l.owner,
       l.parent,
       coalesce(p.label, l.parent) AS parent_label
FROM (
  SELECT v.key AS dimension, v.value AS dimension_value, min(a.first_seen_at) AS first_seen_at
  FROM spend.attributions AS a CROSS JOIN LATERAL jsonb_each_text(a.dimensions) AS v
  WHERE spend.visible(a.attribution_id)
  GROUP BY 1, 2
) AS d
LEFT JOIN spend._labels AS l ON l.dimension = d.dimension AND l.value = d.dimension_value
LEFT JOIN spend._labels AS p ON p.dimension = l.dimension AND p.value = l.parent;
COMMENT ON VIEW spend.dimension_labels IS 'Every value of a dimension that usage carried, with its name, owner and parent: what daily_spend and others are joined with to show names.';
COMMENT ON COLUMN spend.dimension_labels.dimension_labels_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.dimension_labels.first_seen_at IS 'When usage with the value was first written.';
COMMENT ON COLUMN spend.dimension_labels.dimension IS 'Dimension.';
COMMENT ON COLUMN spend.dimension_labels.dimension_value IS 'Value, normalised.';
COMMENT ON COLUMN spend.dimension_labels.dimension_label IS 'Name for people; the value where it has none.';
COMMENT ON COLUMN spend.dimension_labels.owner IS 'Who answers for it.';
COMMENT ON COLUMN spend.dimension_labels.parent IS 'Value of the same dimension that it is a part of; of a cost center, its parent of today.';
COMMENT ON COLUMN spend.dimension_labels.parent_label IS 'Name of the parent.';
