-- A report as one JSON value, for pipelines that send it on.

CREATE FUNCTION spend._period_of(period text, today date, OUT since date, OUT until date) RETURNS record
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  words text := lower(regexp_replace(btrim(period), '[[:space:]]+', ' ', 'g'));
  parts text[];
  first_month integer := (spend._settings()).fiscal_year_start;
  step interval;
BEGIN
  IF words ~ '[.][.]' THEN
    SELECT a.since, b.until INTO since, until
    FROM spend._period_of(split_part(words, '..', 1), today) AS a, spend._period_of(split_part(words, '..', 2), today) AS b;
    IF since >= until THEN
      RAISE EXCEPTION 'period "%" ends before it begins', left(period, 100) USING ERRCODE = 'invalid_parameter_value', HINT = 'Write the earlier end first.';
    END IF;
    RETURN;
  END IF;
  parts := regexp_match(words, '^(this|last) (day|week|month|quarter|year|fiscal year)$');
  IF words IN ('today', 'yesterday') THEN
    parts := ARRAY[CASE words WHEN 'today' THEN 'this' ELSE 'last' END, 'day'];
  END IF;
  IF parts IS NOT NULL THEN
    step := CASE parts[2] WHEN 'quarter' THEN interval '3 months' WHEN 'fiscal year' THEN interval '1 year' ELSE ('1 ' || parts[2])::interval END;
    since := CASE parts[2]
      WHEN 'day' THEN today
      WHEN 'week' THEN today - (extract(isodow FROM today)::integer - (spend._settings()).week_start + 7) % 7
      WHEN 'fiscal year' THEN make_date(extract(year FROM today - make_interval(months => first_month - 1))::integer, first_month, 1)
      ELSE date_trunc(parts[2], today::timestamp)::date
    END;
    IF parts[1] = 'last' THEN
      since := since - step;
    END IF;
    until := since + step;
    RETURN;
  END IF;
  parts := regexp_match(words, '^last ([1-9][0-9]{0,3}) days$');
  IF parts IS NOT NULL THEN
    since := today - parts[1]::integer + 1;
    until := today + 1;
    RETURN;
  END IF;
  BEGIN
    IF words ~ '^[0-9]{4}$' THEN
      since := make_date(words::integer, 1, 1);
      until := since + interval '1 year';
    ELSIF words ~ '^fy ?[0-9]{4}$' THEN
      -- Named after the calendar year in which it ends.
      until := make_date(right(words, 4)::integer + CASE first_month WHEN 1 THEN 1 ELSE 0 END, first_month, 1);
      since := until - interval '1 year';
    ELSIF words ~ '^[0-9]{4}-[0-9]{2}$' THEN
      since := make_date(left(words, 4)::integer, right(words, 2)::integer, 1);
      until := since + interval '1 month';
    ELSIF words ~ '^[0-9]{4}-q[1-4]$' THEN
      since := make_date(left(words, 4)::integer, 3 * right(words, 1)::integer - 2, 1);
      until := since + interval '3 months';
    ELSIF words ~ '^[0-9]{4}-w[0-9]{2}$' THEN
      since := to_date(replace(words, 'w', ''), 'IYYY-IW');
      until := since + 7;
      IF to_char(since, 'IYYY-"w"IW') <> words THEN
        since := NULL;
      END IF;
    ELSIF words ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN
      since := make_date(left(words, 4)::integer, substr(words, 6, 2)::integer, right(words, 2)::integer);
      until := since + 1;
    END IF;
  EXCEPTION WHEN data_exception THEN
    since := NULL;
  END;
  IF since IS NULL OR until IS NULL THEN
    RAISE EXCEPTION 'unknown period "%"', left(period, 100)
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Write a day (2026-11-27), an ISO week (2026-W48), a month (2026-11), a quarter (2026-Q4), a year (2026), a fiscal year (FY2026), "today", "this month", "last quarter", "last 30 days", or a range of two of them (2026-10..2026-11).';
  END IF;
END
$$;
COMMENT ON FUNCTION spend._period_of(text, date) IS 'Internal: the days [since, until) that the name of a period means.';

-- Two views and not one: months have a thirtieth of the sums of days.
CREATE VIEW spend._report_days WITH (security_barrier) AS
SELECT d.usage_date, a.dimensions, k.provider, k.model, k.surface, k.region, k.service_tier, k.speed, k.variant, k.currency, k.operation, k.route, k.purpose, k.tier,
       d.calls, d.cost, d.list_cost, d.unpriced_calls, d.input_tokens, d.output_tokens, d.cache_read_tokens, d.failed_calls, d.blocked_calls, d.accepted_calls
FROM spend._usage_days AS d
JOIN spend._kinds AS k USING (kind_id)
LEFT JOIN spend._seen AS a USING (attribution_id)
WHERE coalesce(a.is_visible, spend.visible(NULL));
COMMENT ON VIEW spend._report_days IS 'Internal: sums by day, visible ones.';
CREATE VIEW spend._report_months WITH (security_barrier) AS
SELECT d.usage_month AS usage_date, a.dimensions, k.provider, k.model, k.surface, k.region, k.service_tier, k.speed, k.variant, k.currency, k.operation, k.route, k.purpose, k.tier,
       d.calls, d.cost, d.list_cost, d.unpriced_calls, d.input_tokens, d.output_tokens, d.cache_read_tokens, d.failed_calls, d.blocked_calls, d.accepted_calls
FROM spend._usage_months AS d
JOIN spend._kinds AS k USING (kind_id)
LEFT JOIN spend._seen AS a USING (attribution_id)
WHERE coalesce(a.is_visible, spend.visible(NULL));
COMMENT ON VIEW spend._report_months IS 'Internal: the same by month.';

CREATE FUNCTION spend._report_dimensions(OUT name text, OUT expression text, OUT missing text) RETURNS SETOF record
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT v.name, format('coalesce(f.dimensions ->> %L, ''(untagged)'')', v.name), '(untagged)'
  FROM (
    SELECT unnest(ARRAY['cost_center', 'department', 'team', 'project', 'feature', 'workflow', 'application', 'agent', 'api_key', 'user_id', 'user_group', 'workspace', 'environment',
                        'customer', 'customer_segment', 'geography', 'data_class']) AS name
    UNION
    SELECT d.name FROM spend.dimensions AS d
  ) AS v
  WHERE NOT EXISTS (SELECT FROM spend.dimensions AS d WHERE d.name = v.name AND NOT d.is_rolled_up)
  UNION ALL
  SELECT v.name, format('coalesce(f.%I, %L)', v.name, v.missing), v.missing
  FROM (VALUES ('provider', '(unknown)'), ('model', '(unknown)'), ('surface', ''), ('region', ''), ('service_tier', ''), ('speed', ''), ('variant', ''),
               ('operation', '(untagged)'), ('route', '(untagged)'), ('purpose', '(untagged)'), ('tier', '(untagged)')) AS v(name, missing)
  UNION ALL
  VALUES ('day', 'to_char(f.usage_date, ''YYYY-MM-DD'')', ''), ('week', 'to_char(f.usage_date, ''IYYY-"W"IW'')', ''), ('month', 'to_char(f.usage_date, ''YYYY-MM'')', '')
$$;
COMMENT ON FUNCTION spend._report_dimensions() IS 'Internal: what a report may be by, the SQL for it, and what stands for usage without a value.';

CREATE FUNCTION spend._report_dimension(wanted text, OUT name text, OUT expression text, OUT missing text) RETURNS record
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT d.* INTO name, expression, missing FROM spend._report_dimensions() AS d WHERE d.name = wanted;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown dimension "%"', left(wanted, 100)
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A report is by, and filters by: ' || (SELECT string_agg(d.name, ', ' ORDER BY d.name COLLATE "C") FROM spend._report_dimensions() AS d) || '.';
  END IF;
END
$$;
COMMENT ON FUNCTION spend._report_dimension(text) IS 'Internal: the SQL for one dimension of a report; an error for one that does not exist.';

CREATE FUNCTION spend.report(period text, group_by text[] DEFAULT '{}', filter jsonb DEFAULT '{}') RETURNS jsonb
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  zone text := spend._rollup_zone();
  since date;
  until date;
  item record;
  dimension record;
  names text := '';
  groups text := '';
  condition text := '';
  result jsonb;
BEGIN
  IF period IS NULL OR group_by IS NULL OR filter IS NULL THEN
    RAISE EXCEPTION 'period, group_by and filter must not be null'
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Leave group_by and filter out for the whole of a period.';
  END IF;
  IF jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION 'filter must be a JSON object'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Write it as ''{"team": "search", "model": ["gpt-4o", "gpt-4o-mini"]}''.';
  END IF;
  SELECT p.since, p.until INTO since, until FROM spend._period_of(period, (now() AT TIME ZONE zone)::date) AS p;
  FOR item IN SELECT g.name, g.number FROM unnest(group_by) WITH ORDINALITY AS g(name, number) ORDER BY 2 LOOP
    IF item.name IS NULL OR item.name = ANY (group_by[:item.number - 1]) THEN
      RAISE EXCEPTION 'group_by names a dimension twice, or null' USING ERRCODE = 'invalid_parameter_value', HINT = 'Name each dimension once.';
    END IF;
    dimension := spend._report_dimension(item.name);
    names := names || format(', %L, g.v%s', item.name, item.number);
    groups := groups || format(', %s AS v%s', dimension.expression, item.number);
  END LOOP;
  FOR item IN SELECT f.key, f.value FROM jsonb_each(filter) AS f ORDER BY f.key COLLATE "C" LOOP
    dimension := spend._report_dimension(item.key);
    IF jsonb_typeof(item.value) = 'object'
       OR (jsonb_typeof(item.value) = 'array' AND EXISTS (SELECT FROM jsonb_array_elements(item.value) AS v WHERE jsonb_typeof(v) IN ('object', 'array'))) THEN
      RAISE EXCEPTION 'filter "%" must be a value or an array of values', item.key USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Compared as everywhere, in normalised form; null means usage without a value.
    condition := condition || format(' AND %s = ANY (%L::text[])', dimension.expression, ARRAY(
      SELECT CASE WHEN v = 'null' THEN dimension.missing WHEN item.key IN ('day', 'week', 'month') THEN v #>> '{}' ELSE spend.text_key(v #>> '{}') END
      FROM jsonb_array_elements(CASE jsonb_typeof(item.value) WHEN 'array' THEN item.value ELSE jsonb_build_array(item.value) END) AS v));
  END LOOP;
  EXECUTE format($q$
    WITH line AS (
      SELECT f.currency, sum(f.calls)::bigint AS calls, coalesce(sum(f.unpriced_calls), 0)::bigint AS unpriced_calls, coalesce(sum(f.cost), 0) AS cost,
             coalesce(sum(f.list_cost), 0) AS list_cost, coalesce(sum(f.input_tokens), 0)::bigint AS input_tokens, coalesce(sum(f.output_tokens), 0)::bigint AS output_tokens,
             coalesce(sum(f.cache_read_tokens), 0)::bigint AS cache_read_tokens, coalesce(sum(f.failed_calls), 0)::bigint AS failed_calls,
             coalesce(sum(f.blocked_calls), 0)::bigint AS blocked_calls, coalesce(sum(f.accepted_calls), 0)::bigint AS accepted_calls%2$s
      FROM spend.%1$I AS f
      WHERE f.usage_date >= $1 AND f.usage_date < $2%3$s
      GROUP BY f.currency%4$s
      HAVING sum(f.calls) <> 0
    ), named AS (
      SELECT g.*, jsonb_build_object(%5$s) AS labels,
             jsonb_build_object('calls', g.calls, 'unpriced_calls', g.unpriced_calls, 'cost', trim_scale(g.cost)::text, 'list_cost', trim_scale(g.list_cost)::text, 'currency', g.currency,
                                'input_tokens', g.input_tokens, 'output_tokens', g.output_tokens, 'cache_read_tokens', g.cache_read_tokens, 'failed_calls', g.failed_calls,
                                'blocked_calls', g.blocked_calls, 'accepted_calls', g.accepted_calls) AS figures
      FROM line AS g
    )
    SELECT jsonb_build_object(
      'rows', coalesce(jsonb_agg(n.figures || jsonb_build_object('group', n.labels) ORDER BY n.currency COLLATE "C", n.cost DESC, n.labels::text COLLATE "C"), '[]'),
      'totals', coalesce((
        SELECT jsonb_agg(jsonb_build_object('currency', t.currency, 'cost', trim_scale(t.cost)::text, 'list_cost', trim_scale(t.list_cost)::text, 'calls', t.calls, 'unpriced_calls', t.unpriced_calls)
                         ORDER BY t.currency COLLATE "C")
        FROM (SELECT l.currency, sum(l.cost) AS cost, sum(l.list_cost) AS list_cost, sum(l.calls)::bigint AS calls, sum(l.unpriced_calls)::bigint AS unpriced_calls FROM line AS l GROUP BY 1) AS t
      ), '[]'))
    FROM named AS n
    $q$,
    -- Whole months are summed up already, unless days are asked for.
    CASE WHEN extract(day FROM since) = 1 AND extract(day FROM until) = 1 AND NOT group_by && ARRAY['day', 'week'] AND NOT filter ?| ARRAY['day', 'week'] THEN '_report_months' ELSE '_report_days' END,
    groups, condition, (SELECT coalesce(string_agg(', ' || 11 + g, '' ORDER BY g), '') FROM generate_series(1, cardinality(group_by)) AS g), substr(names, 3))
  INTO result USING since, until;
  RETURN jsonb_build_object('period', period, 'since', since, 'until', until, 'time_zone', zone, 'group_by', to_jsonb(group_by), 'filter', filter) || result;
END
$$;
COMMENT ON FUNCTION spend.report(text, text[], jsonb) IS
  'What was spent in a period, as JSON: rows by the dimensions of group_by and currency, dearest first, and totals. period: 2026-11, 2026-Q4, 2026-W48, 2026-11-27, 2026, FY2026, "this month", "last 30 days", 2026-10..2026-11; until is the day after the last. filter: {"team": ["search", null]}. Amounts are strings, so that no parser makes binary fractions of them. A reader gets their part.';
