-- Whose usage it was turns out to be somebody else's. Cost stays what it is, and is booked elsewhere.
CREATE FUNCTION spend._reattribution_lines(
  batch_id bigint, OUT old_dimensions jsonb, OUT new_dimensions jsonb, OUT currency text, OUT calls bigint, OUT unpriced_calls bigint, OUT cost numeric
) RETURNS SETOF record
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.dimensions, n.dimensions, s.currency, s.calls, s.unpriced_calls, s.cost
  FROM (
    SELECT a.old_attribution_id, a.attribution_id, a.new_currency AS currency, count(*) AS calls, count(*) FILTER (WHERE a.new_cost IS NULL) AS unpriced_calls,
           trim_scale(coalesce(sum(a.new_cost), 0)) AS cost
    FROM spend.adjustments AS a
    WHERE a.batch_id = _reattribution_lines.batch_id
    GROUP BY 1, 2, 3
  ) AS s
  LEFT JOIN LATERAL (SELECT d.dimensions FROM spend.attributions AS d WHERE d.attribution_id = s.old_attribution_id LIMIT 1) AS o ON true
  LEFT JOIN LATERAL (SELECT d.dimensions FROM spend.attributions AS d WHERE d.attribution_id = s.attribution_id LIMIT 1) AS n ON true
  ORDER BY o.dimensions::text COLLATE "C", n.dimensions::text COLLATE "C", s.currency COLLATE "C" NULLS LAST
$$;
COMMENT ON FUNCTION spend._reattribution_lines(bigint) IS 'Internal: what one re-attribution moved, from which attribution to which.';

CREATE FUNCTION spend.reattribute(
  since timestamptz, until timestamptz DEFAULT 'infinity', filter jsonb DEFAULT '{}', reason text DEFAULT NULL, dry_run boolean DEFAULT false,
  dimensions jsonb DEFAULT NULL, include_closed boolean DEFAULT false,
  OUT batch_id bigint, OUT old_dimensions jsonb, OUT new_dimensions jsonb, OUT currency text, OUT calls bigint, OUT unpriced_calls bigint, OUT cost numeric
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Without dimensions: those that the row has by what counts as one now.
  assignments text := 'cost = u.cost';
  differs text := 'u.attribution_id IS DISTINCT FROM (SELECT n.attribution_id FROM spend._attribution_now(u) AS n)';
BEGIN
  PERFORM spend._check_range(since, until, filter);
  IF dimensions IS NOT NULL THEN
    SELECT l.assignments, l.differs INTO assignments, differs FROM spend._change_list(dimensions, true) AS l;
  END IF;
  RETURN QUERY
  SELECT c.batch_id, r.*
  FROM spend._correct_where('reattribute', since, until, filter, reason, dry_run, include_closed, assignments, differs, 'spend._reattribution_lines($1)') AS c
  CROSS JOIN LATERAL jsonb_to_recordset(c.lines)
    AS r(old_dimensions jsonb, new_dimensions jsonb, currency text, calls bigint, unpriced_calls bigint, cost numeric);
END
$$;
COMMENT ON FUNCTION spend.reattribute(timestamptz, timestamptz, jsonb, text, boolean, jsonb, boolean) IS
  'Attributes the usage of [since, until) that a filter selects, as in spend.reprice(), to other dimensions: {"team": "search", "cost_center": null}. Without dimensions the rows are attributed anew as if they were written now, by the dimensions that are registered and the allocation rules of now. The cost stays; budgets and rollups move in the same transaction, what was stays in spend.adjustments. Returns rows and cost from each attribution to each; Closed periods are left alone unless include_closed; dry_run does the work, reports it and takes it back. For administrators.';
