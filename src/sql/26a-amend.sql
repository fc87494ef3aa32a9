-- What an app has sent was wrong. The row is changed as an UPDATE would change it; what it was stays in spend.adjustments.

CREATE FUNCTION spend._check_reason(reason text) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION 'a correction needs a reason'
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Whoever reads the row later asks why it was changed.';
  END IF;
END
$$;
COMMENT ON FUNCTION spend._check_reason(text) IS 'Internal: refuses a correction without a reason.';

-- Nobody can correct what the key of a row or the books of a hold rest on; time is the ledger's own order.
CREATE FUNCTION spend._change_list(changes jsonb, only_dimensions boolean, OUT assignments text, OUT differs text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  item record;
  new_value text;
  tags text := 'u.tags';
  sets text[] := '{}';
  tests text[] := '{}';
BEGIN
  IF jsonb_typeof(changes) IS DISTINCT FROM 'object' OR changes = '{}' THEN
    RAISE EXCEPTION 'the changes must be a JSON object with at least one member'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Write them as ''{"request_model": "gpt-4o", "team": null}''.';
  END IF;
  FOR item IN
    SELECT c.key, c.value, c.value #>> '{}' AS text, jsonb_typeof(c.value) AS json_type, a.atttypid, format_type(a.atttypid, NULL) AS type,
           d.name IS NOT NULL AS is_tag, a.attname = ANY (spend._dimension_columns()) AS is_dimension
    FROM jsonb_each(changes) AS c
    LEFT JOIN pg_attribute AS a ON a.attrelid = 'spend.usage'::regclass AND a.attname = c.key AND a.attnum > 0 AND NOT a.attisdropped
      AND (CASE WHEN only_dimensions THEN a.attname = ANY (spend._dimension_columns())
                ELSE a.attname NOT IN ('usage_id', 'occurred_at', 'source', 'idempotency_key', 'hold_id', 'recorded_at', 'enforced_at', 'timing', 'attribution_id',
                                       'cost', 'list_cost', 'computed_cost', 'currency', 'price_id', 'price_term_ids', 'pricing_status', 'pricing_reason', 'matched_by') END)
    LEFT JOIN spend.dimensions AS d ON d.name = c.key
    -- The whole of the tags first, single ones into them.
    ORDER BY c.key <> 'tags', c.key
  LOOP
    IF item.key = 'occurred_at' THEN
      RAISE EXCEPTION 'the time of a usage row cannot be changed'
        USING ERRCODE = 'feature_not_supported', HINT = 'Void the row and insert it with the right time.';
    ELSIF item.atttypid IS NULL AND NOT item.is_tag THEN
      RAISE EXCEPTION '"%" cannot be changed', item.key
        USING ERRCODE = 'invalid_parameter_value',
              HINT = CASE WHEN only_dimensions THEN 'Dimensions are the dimension columns of spend.usage and the tags in spend.dimensions.'
                          ELSE 'Changes name what an app sends: columns of spend.usage but its key, or tags in spend.dimensions. Other meters stand in "other_usage".' END;
    ELSIF item.key = 'tags' OR item.type = 'spend.token_usage' THEN
      IF item.json_type NOT IN ('object', 'null') THEN
        RAISE EXCEPTION '"%" must be an object', item.key USING ERRCODE = 'invalid_parameter_value';
      END IF;
    ELSIF item.json_type IN ('object', 'array') THEN
      RAISE EXCEPTION '"%" must be a single value', item.key USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF item.key = 'tags' THEN
      tags := coalesce(quote_literal(item.text), 'NULL') || '::jsonb';
    ELSIF item.atttypid IS NULL THEN
      tags := CASE WHEN item.text IS NULL THEN format('(%s - %L)', tags, item.key)
                   ELSE format('(coalesce(%s, ''{}'') || %L::jsonb)', tags, jsonb_build_object(item.key, item.value)) END;
    ELSE
      new_value := format('%L::%s', item.text, item.type);
      sets := sets || format('%I = %s', item.key, new_value);
      -- What is written in another way is the same dimension; token_usage has no operator in this search path.
      tests := tests || CASE
        WHEN item.is_dimension THEN format('coalesce(spend.text_key(u.%I), '''') IS DISTINCT FROM coalesce(spend.text_key(%s), '''')', item.key, new_value)
        WHEN item.type = 'spend.token_usage' THEN format('u.%I::text IS DISTINCT FROM (%s)::text', item.key, new_value)
        ELSE format('u.%I IS DISTINCT FROM %s', item.key, new_value) END;
    END IF;
  END LOOP;
  IF tags <> 'u.tags' THEN
    sets := sets || ('tags = ' || tags);
    tests := tests || format('u.tags IS DISTINCT FROM %s', tags);
  END IF;
  assignments := array_to_string(sets, ', ');
  differs := array_to_string(tests, ' OR ');
END
$$;
COMMENT ON FUNCTION spend._change_list(jsonb, boolean) IS 'Internal: the SET list over u that changes stand for, and the condition that it changes anything.';

-- The row's time, by which its leaf is found.
CREATE FUNCTION spend._correctable_row(usage_id bigint, occurred_at timestamptz, include_closed boolean) RETURNS timestamptz
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  closed_until timestamptz := spend._closed_until();
  target record;
BEGIN
  SELECT u.occurred_at, u.pricing_status, u.pricing_reason INTO target
  FROM spend.usage AS u
  WHERE u.usage_id = _correctable_row.usage_id AND (_correctable_row.occurred_at IS NULL OR u.occurred_at = _correctable_row.occurred_at);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'usage row % does not exist', coalesce(_correctable_row.usage_id::text, '(null)')
      USING ERRCODE = 'no_data_found', HINT = 'Rows of months that were dropped are gone; a row is in the month of its occurred_at only.';
  END IF;
  IF target.pricing_status = 'voided' THEN
    RAISE EXCEPTION 'usage row % is voided', _correctable_row.usage_id
      USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'The reason was: ' || coalesce(target.pricing_reason, ''),
            HINT = 'A voided row stays as it is. What was right after all is inserted anew, under another idempotency key.';
  END IF;
  IF target.occurred_at < closed_until AND include_closed IS NOT TRUE THEN
    RAISE EXCEPTION 'usage row % belongs to a closed period', _correctable_row.usage_id
      USING ERRCODE = 'SP008', DETAIL = format('It is of %s; periods are closed until %s.', target.occurred_at, closed_until),
            HINT = 'With include_closed => true it is corrected all the same: the statement of its period stays, the difference stands in that of the next one.';
  END IF;
  RETURN target.occurred_at;
END
$$;
COMMENT ON FUNCTION spend._correctable_row(bigint, timestamptz, boolean) IS 'Internal: the time of a usage row; raises where there is none, or it cannot be changed any more.';

-- One row: the change is made where it was found. Whoever changed it meanwhile is waited for, and the row taken as it is then.
CREATE FUNCTION spend._correct_row(
  kind text, usage_id bigint, occurred_at timestamptz, include_closed boolean, reason text, assignments text, differs text,
  OUT batch_id bigint, OUT old_cost numeric, OUT new_cost numeric, OUT old_currency text, OUT new_currency text
)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  at timestamptz := spend._correctable_row(_correct_row.usage_id, _correct_row.occurred_at, include_closed);
BEGIN
  batch_id := nextval('spend.adjustments_batch_id_seq');
  IF spend._correct_rows(kind, batch_id, _correct_row.reason, format(
       'UPDATE spend.usage AS u SET %s WHERE u.usage_id = %s AND u.occurred_at = $1 AND u.pricing_status IS DISTINCT FROM ''voided'' AND (%s)',
       assignments, _correct_row.usage_id, differs), at, at) = 0 THEN
    -- Nothing to change, unless somebody was faster.
    PERFORM spend._correctable_row(_correct_row.usage_id, at, include_closed);
  END IF;
  SELECT a.batch_id, trim_scale(a.old_cost), trim_scale(a.new_cost), a.old_currency, a.new_currency
  INTO batch_id, old_cost, new_cost, old_currency, new_currency
  FROM spend.adjustments AS a WHERE a.batch_id = _correct_row.batch_id;
  IF NOT FOUND THEN
    SELECT NULL, trim_scale(u.cost), trim_scale(u.cost), u.currency, u.currency INTO batch_id, old_cost, new_cost, old_currency, new_currency
    FROM spend.usage AS u WHERE u.usage_id = _correct_row.usage_id AND u.occurred_at = at;
  END IF;
END
$$;
COMMENT ON FUNCTION spend._correct_row(text, bigint, timestamptz, boolean, text, text, text) IS
  'Internal: corrects one row; batch_id is NULL when there was nothing to change.';

-- Many rows. What it reports is the answer of a function of ours to the number of the correction.
CREATE FUNCTION spend._correct_where(
  kind text, since timestamptz, until timestamptz, filter jsonb, reason text, dry_run boolean, include_closed boolean, assignments text, differs text, report text,
  OUT batch_id bigint, OUT lines jsonb
)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF dry_run IS NOT TRUE THEN
    PERFORM spend._check_reason(reason);
  END IF;
  -- One large correction at a time: two of them would take the same rows in different orders.
  since := spend._open_since(since, include_closed);
  PERFORM spend._lock('spend.adjustments');
  -- A dry run is the real thing, taken back: what it reports cannot differ from what the call would do.
  BEGIN
    batch_id := nextval('spend.adjustments_batch_id_seq');
    PERFORM spend._correct_rows(kind, batch_id, reason, format(
      'UPDATE spend.usage AS u SET %s WHERE u.occurred_at >= $1 AND u.occurred_at < $2 AND u.pricing_status IS DISTINCT FROM ''voided'' AND (%s) AND (%s)',
      assignments, spend._usage_condition(filter), differs), since, until);
    EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(l)), ''[]'') FROM %s AS l', report) INTO lines USING batch_id;
    IF dry_run THEN
      RAISE EXCEPTION 'dry run' USING ERRCODE = 'SPDRY';
    END IF;
  EXCEPTION WHEN SQLSTATE 'SPDRY' THEN
    batch_id := NULL;
  END;
END
$$;
COMMENT ON FUNCTION spend._correct_where(text, timestamptz, timestamptz, jsonb, text, boolean, boolean, text, text, text) IS
  'Internal: corrects the rows that a range and a filter select, or says what that would change: the lines of a report, as JSON.';

CREATE FUNCTION spend.amend(
  usage_id bigint, changes jsonb, reason text, occurred_at timestamptz DEFAULT NULL, include_closed boolean DEFAULT false,
  OUT batch_id bigint, OUT old_cost numeric, OUT new_cost numeric, OUT old_currency text, OUT new_currency text
)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM spend._check_reason(reason);
  SELECT c.batch_id, c.old_cost, c.new_cost, c.old_currency, c.new_currency INTO batch_id, old_cost, new_cost, old_currency, new_currency
  FROM spend._change_list(changes, false) AS l
  CROSS JOIN LATERAL spend._correct_row('amend', amend.usage_id, amend.occurred_at, include_closed, amend.reason, l.assignments, l.differs) AS c;
END
$$;
COMMENT ON FUNCTION spend.amend(bigint, jsonb, text, timestamptz, boolean) IS
  'Corrects a recorded row: changes names columns that an app sends, or tags in spend.dimensions, with their new values (null for none). What was, who changed it and why stays in spend.adjustments. Where the price depends on a change the row is priced again, at its own time; budgets and rollups move by the difference in the same transaction, nothing is refused. batch_id is NULL when there was nothing to change. With the row''s time only its month is read. A row of a closed period is refused (SP008) unless include_closed. For administrators.';

CREATE FUNCTION spend.amend_where(
  since timestamptz, until timestamptz, filter jsonb, changes jsonb, reason text DEFAULT NULL, dry_run boolean DEFAULT false, include_closed boolean DEFAULT false,
  OUT batch_id bigint, OUT provider text, OUT model text, OUT currency text, OUT calls bigint, OUT old_cost numeric, OUT new_cost numeric,
  OUT difference numeric
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM spend._check_range(since, until, filter);
  RETURN QUERY
  SELECT c.batch_id, r.*
  FROM spend._change_list(changes, false) AS l
  CROSS JOIN LATERAL spend._correct_where('amend', since, until, filter, reason, dry_run, include_closed, l.assignments, l.differs, 'spend._adjustment_lines($1)') AS c
  CROSS JOIN LATERAL jsonb_to_recordset(c.lines)
    AS r(provider text, model text, currency text, calls bigint, old_cost numeric, new_cost numeric, difference numeric);
END
$$;
COMMENT ON FUNCTION spend.amend_where(timestamptz, timestamptz, jsonb, jsonb, text, boolean, boolean) IS
  'The same for all rows of [since, until) that a filter selects, as in spend.reprice(): {"request_id": "..."}, {"run_id": ["...", "..."]}. Returns the totals by provider, model and currency; Closed periods are left alone unless include_closed; dry_run does the work, reports it and takes it back.';
