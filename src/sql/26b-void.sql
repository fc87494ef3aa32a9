-- What should not have been recorded: a test, a call that was counted twice. The row stays and counts nothing. There is no way back: a
-- row that comes and goes is none that an auditor could follow. What was right after all is inserted anew.

CREATE FUNCTION spend.void(
  usage_id bigint, reason text, occurred_at timestamptz DEFAULT NULL, include_closed boolean DEFAULT false,
  OUT batch_id bigint, OUT old_cost numeric, OUT currency text
)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM spend._check_reason(reason);
  SELECT c.batch_id, c.old_cost, c.old_currency INTO batch_id, old_cost, currency
  FROM spend._correct_row('void', void.usage_id, void.occurred_at, include_closed, void.reason, 'cost = u.cost', 'true') AS c;
END
$$;
COMMENT ON FUNCTION spend.void(bigint, text, timestamptz, boolean) IS
  'Takes a row out of all sums, views and budgets, once and for all: it stays with cost 0 and pricing_status voided, what it cost stays in spend.adjustments. Its idempotency key stays taken, so that the same message does not bring it back. A row of a closed period is refused (SP008) unless include_closed. For administrators.';

CREATE FUNCTION spend.void_where(
  since timestamptz, until timestamptz, filter jsonb, reason text DEFAULT NULL, dry_run boolean DEFAULT false, include_closed boolean DEFAULT false,
  OUT batch_id bigint, OUT provider text, OUT model text, OUT currency text, OUT calls bigint, OUT old_cost numeric, OUT new_cost numeric,
  OUT difference numeric
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM spend._check_range(since, until, filter);
  RETURN QUERY
  SELECT c.batch_id, r.*
  FROM spend._correct_where('void', since, until, filter, reason, dry_run, include_closed, 'cost = u.cost', 'true', 'spend._adjustment_lines($1)') AS c
  CROSS JOIN LATERAL jsonb_to_recordset(c.lines)
    AS r(provider text, model text, currency text, calls bigint, old_cost numeric, new_cost numeric, difference numeric);
END
$$;
COMMENT ON FUNCTION spend.void_where(timestamptz, timestamptz, jsonb, text, boolean, boolean) IS
  'The same for all rows of [since, until) that a filter selects, as in spend.reprice(). Rows that are voided already are passed over. Returns the totals by provider, model and currency; Closed periods are left alone unless include_closed; dry_run does the work, reports it and takes it back.';
