CREATE TABLE spend.access (
  member text NOT NULL,
  access text NOT NULL CHECK (access IN ('reader', 'writer', 'approver', 'admin')),
  scope jsonb NOT NULL DEFAULT '{}',
  granted_by name NOT NULL DEFAULT session_user,
  granted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (member, access)
) USING heap;
COMMENT ON TABLE spend.access IS 'Who may read, write and administer; kept by spend.grant_access() and spend.revoke_access().';
COMMENT ON COLUMN spend.access.member IS 'Name of the role.';
COMMENT ON COLUMN spend.access.access IS 'reader: the views. writer: INSERT into usage, and the gate. approver: spend.approve() and spend.decline(). admin: configuration and everything in the views.';
COMMENT ON COLUMN spend.access.scope IS 'As in budgets.scope. For a reader: the rows it sees. For an approver: the budgets it decides for, those that lie within.';
COMMENT ON COLUMN spend.access.granted_by IS 'Who granted it.';
COMMENT ON COLUMN spend.access.granted_at IS 'When.';
CALL spend._watch('spend.access');

CREATE FUNCTION spend.visible(attribution_id uuid) RETURNS boolean
  LANGUAGE c STABLE COST 1 AS 'MODULE_PATHNAME', 'spend_visible';
COMMENT ON FUNCTION spend.visible(uuid) IS 'Whether the current role may see rows of this attribution; views filter by it.';
CREATE FUNCTION spend._visible_scope(scope jsonb) RETURNS boolean
  LANGUAGE c STABLE STRICT COST 1 AS 'MODULE_PATHNAME', 'spend_visible_scope';
COMMENT ON FUNCTION spend._visible_scope(jsonb) IS 'Internal: whether the current role may see every row of this scope.';

CREATE FUNCTION spend._privileges(access text, OUT privilege text, OUT object text) RETURNS SETOF record
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH ours AS (
    SELECT c.oid, c.relname, c.relkind FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace
  ), functions(kind, signature) AS (
    VALUES ('user', 'spend.version()'), ('user', 'spend.text_key(text)'), ('user', 'spend.format_amount(numeric, text, text)'),
           ('user', 'spend.cost(text, spend.token_usage, text, timestamptz, jsonb)'),
           ('user', 'spend.cost(spend.price, spend.token_usage, jsonb)'),
           ('user', 'spend.cost_breakdown(text, spend.token_usage, text, timestamptz, jsonb)'),
           ('user', 'spend.cost_breakdown(spend.price, spend.token_usage, jsonb)'),
           ('user', 'spend.cost(spend.price_table, spend.token_usage, text, timestamptz, jsonb, text)'),
           ('user', 'spend.cost_breakdown(spend.price_table, spend.token_usage, text, timestamptz, jsonb, text)'),
           ('user', 'spend.what_if(spend.usage, spend.price_table, text, text)'),
           ('user', 'spend.estimate(text, bigint, bigint, text, timestamptz, jsonb)'),
           ('user', 'spend.usage_from(text, jsonb, text, boolean)'), ('user', 'spend.usage_lines(text, jsonb, text, boolean)'),
           ('user', 'spend.usage_problem(text, jsonb, text)'), ('user', 'spend.usage_from_otel(jsonb)'), ('user', 'spend.resolve_model(text, text)'),
           ('writer', 'spend.authorize(text, jsonb, spend.token_usage, text, interval, bigint, jsonb)'), ('writer', 'spend.release(bigint)'),
           ('writer', 'spend.settle(bigint, spend.token_usage, text, text, text, text, timestamptz, boolean)'), ('writer', 'spend._reopen_hold(bigint)'),
           ('approver', 'spend.approve(bigint, text, interval)'), ('approver', 'spend.decline(bigint, text)'),
           ('approver', 'spend._may_decide(bigint[])'), ('reader', 'spend._may_decide(bigint[])'),
           ('reader', 'spend.visible(uuid)'), ('reader', 'spend._attributed(uuid, text)'), ('reader', 'spend._missing_tags(jsonb)'), ('reader', 'spend._has_budget(uuid, timestamptz, timestamptz)'), ('user', 'spend.skeleton(text)'), ('reader', 'spend._allocation_steps(spend.usage)'),
           ('reader', 'spend._visible_scope(jsonb)'), ('reader', 'spend._focus_drawn()'), ('reader', 'spend._settings()'),
           ('reader', 'spend._rollup_zone()'), ('reader', 'spend._pending_rollup()'), ('reader', 'spend._unpack_sums(bytea)'), ('reader', 'spend._stretch_of(tid)'), ('reader', 'spend._months_of_usage(text)'), ('reader', 'spend._month_sums(date, text, text, text)'), ('reader', 'spend._day_sums(date, text, text)'), ('reader', 'spend._month_issues(date, text[], timestamptz, timestamptz, text)'),
           ('reader', 'spend._focus_rows()'), ('reader', 'spend._focus_1_2_rows()'), ('reader', 'spend._efficiency_rows()'),
           ('reader', 'spend._spend_change_rows()'), ('reader', 'spend._coverage_rows()'), ('reader', 'spend._data_quality_rows()'),
           ('reader', 'spend.report(text, text[], jsonb)'), ('reader', 'spend._period_of(text, date)'), ('reader', 'spend._report_dimensions()'), ('reader', 'spend._report_dimension(text)'),
           ('reader', 'spend._cost_component(text)'), ('reader', 'spend._is_iso_currency(text)'), ('reader', 'spend._base_price(spend.price)'), ('reader', 'spend._discount_factor(numeric, numeric, jsonb, text, date)'),
           ('reader', 'spend._sum_lines(spend.price, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric)'), ('reader', 'spend._is_sum(spend.price, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric)'),
           ('reader', 'spend._row_cost_lines(spend.usage, spend.price)'), ('reader', 'spend._kind_id(spend.usage)'), ('reader', 'spend._focus_meter(text)'), ('reader', 'spend._focus_unit(text)'),
           ('reader', 'spend._focus_details(text, text, text, text, text, text, text, text, text, text, text)'),
           ('reader', 'spend.outcome(text, text)'), ('reader', 'spend._budget_periods()'), ('reader', 'spend._budget_limit(bigint, timestamptz, timestamptz, uuid)'), ('reader', 'spend._row_counters(spend.usage)'),
           ('admin', 'spend.set_price(text, text, spend.price, timestamptz, text, text, text, text, text, text)'),
           ('reader', 'spend.explain(bigint, timestamptz)'), ('reader', 'spend._charge_lines(spend.usage, spend.price)'),
           ('reader', 'spend._utc(timestamptz)'), ('reader', 'spend._minor_digits(text)'), ('admin', 'spend.reprice(timestamptz, timestamptz, jsonb, text, boolean, boolean)'),
           ('writer', 'spend.record_outcome(bigint, text, text, boolean, boolean, text, text, text)'), ('admin', 'spend.record_outcome(bigint, text, text, boolean, boolean, text, text, text)'),
           ('admin', 'spend.close_period(date, text)'), ('admin', 'spend.amend(bigint, jsonb, text, timestamptz, boolean)'), ('admin', 'spend.amend_where(timestamptz, timestamptz, jsonb, jsonb, text, boolean, boolean)'),
           ('admin', 'spend.void(bigint, text, timestamptz, boolean)'), ('admin', 'spend.reattribute(timestamptz, timestamptz, jsonb, text, boolean, jsonb, boolean)'), ('admin', 'spend.void_where(timestamptz, timestamptz, jsonb, text, boolean, boolean)'),
           ('admin', 'spend.mispriced_usage(timestamptz, timestamptz, jsonb)'), ('admin', 'spend.prices_as_of(timestamptz)'),
           ('admin', 'spend.import_catalog(text, jsonb, timestamptz, boolean)'),
           ('admin', 'spend.price_impact(text, text, spend.price, text, text, text, text, text)'),
           ('admin', 'spend.load_catalog()'), ('admin', 'spend.maintain(integer)'), ('admin', 'spend.verify(boolean)'), ('admin', 'spend.verify_holds(boolean)'), ('admin', 'spend.verify_rollups()'),
           ('admin', 'spend.drop_rows(date, boolean)'), ('reader', 'spend._counter_memory()'), ('reader', 'spend._rollup_density()'), ('reader', 'spend._waiting()'), ('reader', 'spend._unpriced_calls()'), ('reader', 'spend._unwritten_refusals()'),
           ('reader', 'spend.commitment_status(text, timestamptz, timestamptz, timestamptz)'), ('reader', 'spend.tokens(spend.usage)'),
           ('reader', 'spend._commitment_periods(spend.commitments, timestamptz, timestamptz)'), ('reader', 'spend._period_step(text)'),
           ('reader', 'spend._commitment_due(spend.commitments, numeric, numeric, numeric, numeric)'), ('reader', 'spend._tiered_amount(numeric, jsonb, text)'),
           ('admin', 'spend.set_price_term(text, text, numeric, numeric, text, jsonb, timestamptz, timestamptz, boolean, integer, text, text)'),
           ('admin', 'spend.end_price_term(text, timestamptz, text)'),
           ('admin', 'spend.apply_price_terms(numeric, jsonb, text, timestamptz)'), ('admin', 'spend.apply_price_terms(spend.usage, numeric, text)'),
           ('admin', 'spend.price_term_lines(numeric, jsonb, text, timestamptz)'), ('reader', 'spend.price_term_lines(spend.usage)'),
           ('admin', 'spend.set_budget_amount(text, numeric, text, timestamptz)'), ('admin', 'spend.top_up_budget(text, numeric, text, jsonb, tstzrange)'),
           ('admin', 'spend.set_budget_limit(text, jsonb, numeric, text, tstzrange)'), ('admin', 'spend.end_budget_override(bigint, text)'), ('admin', 'spend.alert_drivers(bigint, integer)'),
           ('admin', 'spend.pause(jsonb, text, text)'), ('admin', 'spend.resume(bigint, text)'), ('admin', 'spend.resume(jsonb, text)'), ('admin', 'spend.resume(text, text)'),
           ('admin', 'spend.change_cost_center(text, date, text, text, text, text, text, boolean, text)'),
           ('admin', 'spend.set_allocation_rule(text, jsonb, jsonb, integer, timestamptz, timestamptz, boolean, text)'),
           ('admin', 'spend.end_allocation_rule(text, timestamptz)'),
           ('admin', 'spend.preview_allocation_rule(text, jsonb, jsonb, integer, timestamptz, timestamptz, boolean, timestamptz, timestamptz)'),
           ('admin', 'spend.grant_access(regrole, text, jsonb)'), ('admin', 'spend.revoke_access(regrole, text)')
  )
  SELECT 'USAGE', 'SCHEMA spend'
  UNION ALL
  SELECT 'EXECUTE', 'FUNCTION ' || f.signature FROM functions AS f
  WHERE f.kind = 'user' OR (f.kind = 'writer' AND access = 'writer') OR (f.kind = 'reader' AND access IN ('reader', 'admin')) OR (f.kind = 'approver' AND access IN ('approver', 'admin')) OR (f.kind = 'admin' AND access = 'admin')
  UNION ALL
  SELECT 'SELECT', format('TABLE spend.%I', o.relname) FROM ours AS o
  WHERE o.relkind = 'v' AND NOT starts_with(o.relname, '_') AND access IN ('reader', 'admin')
  UNION ALL
  SELECT 'SELECT', 'TABLE spend.pending_approvals' WHERE access = 'approver'
  UNION ALL
  SELECT format('INSERT (%s)', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)), 'TABLE spend.usage'
  FROM pg_attribute AS a
  WHERE access = 'writer' AND a.attrelid = 'spend.usage'::regclass AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attname NOT IN ('usage_id', 'recorded_at', 'cost', 'list_cost', 'currency', 'price_id', 'price_term_ids', 'pricing_status', 'pricing_reason', 'matched_by', 'computed_cost', 'attribution_id', 'timing', 'enforced_at')
  HAVING count(*) > 0
  UNION ALL
  SELECT 'SELECT (usage_id, cost, currency, pricing_status)', 'TABLE spend.usage' WHERE access = 'writer'
  UNION ALL
  SELECT 'USAGE', 'SEQUENCE spend.usage_usage_id_seq' WHERE access = 'writer'
  UNION ALL
  -- The executor asks it as the role that inserts; a role without it inserts as well, only slower.
  SELECT 'EXECUTE', 'FUNCTION spend._needs_row_trigger(boolean, bigint, tid, oid)' WHERE access = 'writer'
  UNION ALL
  SELECT 'SELECT, INSERT, UPDATE, DELETE', format('TABLE spend.%I', t)
  FROM unnest(ARRAY['settings', 'dimensions', 'cost_centers', 'dimension_values', 'required_tags', 'sources', 'budgets', 'commitments', 'model_aliases', 'providers', 'focus_names', 'overheads']) AS t WHERE access = 'admin'
  UNION ALL
  SELECT 'SELECT', format('TABLE spend.%I', t)
  FROM unnest(ARRAY['periods', 'statements', 'focus_bookings', 'focus_booked_sums', 'prices', 'allocation_rules', 'price_history', 'price_terms', 'alerts', 'counters', '_counter_totals', 'refusals', 'budget_amounts', 'budget_overrides', 'change_log', 'pauses', 'usage_conflicts', 'access', 'attributions', 'holds', 'hold_amounts', 'decisions', 'approvals']) AS t WHERE access = 'admin'
  UNION ALL
  SELECT 'UPDATE (attempts, next_attempt_at, last_error, delivered_at)', 'TABLE spend.alerts' WHERE access = 'admin'
  UNION ALL
  -- Who set a limit, and when, is for the ledger to say.
  SELECT 'INSERT (budget_id, valid_from, amount, reason), UPDATE (amount, reason), DELETE', 'TABLE spend.budget_amounts' WHERE access = 'admin'
  UNION ALL
  SELECT 'INSERT (budget_id, group_values, kind, amount, valid_during, reason), UPDATE (amount, valid_during, reason), DELETE', 'TABLE spend.budget_overrides'
  WHERE access = 'admin'
  UNION ALL
  -- Two privileges of their own: taking an administrator's away leaves a reader's.
  SELECT 'SELECT', 'TABLE spend.models' WHERE access IN ('reader', 'admin')
  UNION ALL
  SELECT 'INSERT, UPDATE, DELETE', 'TABLE spend.models' WHERE access = 'admin'
  UNION ALL
  SELECT 'USAGE', format('SEQUENCE spend.%I', t) FROM unnest(ARRAY['budgets_budget_id_seq', 'required_tags_requirement_id_seq', 'budget_overrides_override_id_seq', 'commitments_commitment_id_seq', 'model_aliases_alias_id_seq', 'overheads_overhead_id_seq']) AS t WHERE access = 'admin'
  UNION ALL
  -- The views that public ones read through a function see what the role may see, as all do.
  SELECT 'SELECT', format('TABLE spend.%I', t)
  FROM unnest(ARRAY['_focus', '_focus_1_2', '_efficiency', '_spend_change', '_coverage', '_data_quality', '_visible_commitments', '_commitment_usage', '_visible_attributions', '_report_days', '_report_months']) AS t WHERE access IN ('reader', 'admin')
$$;
COMMENT ON FUNCTION spend._privileges(text) IS 'Internal: the privileges that make up one kind of access.';

-- Entries are kept by name, so that a dump has them; but a role may be dropped, or renamed, and another one get its name.
CREATE FUNCTION spend._holds_access(member oid, access text) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM (
      SELECT aclexplode(c.relacl) AS item FROM pg_class AS c WHERE c.oid = CASE access WHEN 'reader' THEN 'spend.daily_spend'::regclass WHEN 'admin' THEN 'spend.budgets'::regclass END
      UNION ALL
      SELECT aclexplode(p.proacl) FROM pg_proc AS p
      WHERE p.oid = CASE access WHEN 'writer' THEN 'spend.authorize(text, jsonb, spend.token_usage, text, interval, bigint, jsonb)'::regprocedure
                                WHEN 'approver' THEN 'spend.approve(bigint, text, interval)'::regprocedure END
    ) AS a
    WHERE (a.item).grantee = member)
$$;
COMMENT ON FUNCTION spend._holds_access(oid, text) IS 'Internal: whether a role has the privileges that its entry in spend.access speaks of; what another entry has given as well counts, too.';

CREATE FUNCTION spend.grant_access(member regrole, access text, scope jsonb DEFAULT '{}') RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  item record;
BEGIN
  IF member IS NULL OR access IS NULL OR scope IS NULL THEN
    RAISE EXCEPTION 'member, access and scope must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = member) THEN
    RAISE EXCEPTION 'role with number % does not exist', member::oid USING ERRCODE = 'undefined_object';
  END IF;
  IF access NOT IN ('reader', 'writer', 'approver', 'admin') THEN
    RAISE EXCEPTION 'unknown access "%"', access
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Access is reader, writer, approver or admin.';
  END IF;
  PERFORM spend._check_scope(scope, '{}', false);
  IF scope <> '{}' AND access NOT IN ('reader', 'approver') THEN
    RAISE EXCEPTION 'only a reader''s or an approver''s access has a scope' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  DELETE FROM spend.access AS a
  WHERE a.member = (SELECT r.rolname FROM pg_roles AS r WHERE r.oid = grant_access.member) AND NOT spend._holds_access(grant_access.member, a.access);
  FOR item IN SELECT p.privilege, p.object FROM spend._privileges(access) AS p LOOP
    EXECUTE format('GRANT %s ON %s TO %s', item.privilege, item.object, member);
  END LOOP;
  INSERT INTO spend.access AS a (member, access, scope)
  VALUES ((SELECT r.rolname FROM pg_roles AS r WHERE r.oid = grant_access.member), grant_access.access, grant_access.scope)
  ON CONFLICT ON CONSTRAINT access_pkey DO UPDATE SET scope = excluded.scope, granted_by = session_user, granted_at = now();
END
$$;
COMMENT ON FUNCTION spend.grant_access(regrole, text, jsonb) IS
  'Gives a role access: reader (the views, within a scope), writer (INSERT into usage, and the four columns that RETURNING needs; the gate), approver (decides over calls that need approval, under budgets within a scope) or admin (configuration, and all in the views).';

CREATE FUNCTION spend.revoke_access(member regrole, access text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role_name name := (SELECT r.rolname FROM pg_roles AS r WHERE r.oid = member);
  item record;
BEGIN
  DELETE FROM spend.access AS a WHERE a.member = role_name AND a.access = revoke_access.access;
  IF NOT FOUND AND spend._holds_access(member, access) AND NOT EXISTS (SELECT FROM spend.access AS a WHERE a.member = role_name) THEN
    RAISE EXCEPTION 'role "%" has no entry in spend.access as %', role_name, access
      USING ERRCODE = 'undefined_object', DETAIL = 'It has the privileges, as a role that was renamed has.', HINT = 'Grant it the access again, then revoke it.';
  ELSIF NOT FOUND THEN
    RAISE EXCEPTION 'role "%" has no access as %', role_name, access USING ERRCODE = 'undefined_object';
  END IF;
  -- What another kind of access still needs is kept.
  FOR item IN
    SELECT p.privilege, p.object FROM spend._privileges(access) AS p
    EXCEPT
    SELECT p.privilege, p.object FROM spend.access AS a CROSS JOIN LATERAL spend._privileges(a.access) AS p WHERE a.member = role_name
  LOOP
    EXECUTE format('REVOKE %s ON %s FROM %s', item.privilege, item.object, member);
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend.revoke_access(regrole, text) IS 'Takes one kind of access away from a role.';
