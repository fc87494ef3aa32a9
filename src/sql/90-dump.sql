-- Every table and sequence is dumped with its rows; nothing is seeded here, so nothing collides on restore. Left out: what only means
-- something to this cluster (budget_epochs), what is derived (budget_keys) and what has no rows (commit_window). Month leaves are no members and dump as plain tables.
DO $$
DECLARE
  name text;
BEGIN
  -- One statement each: all of them update one row of pg_extension.
  FOREACH name IN ARRAY ARRAY[
    'settings', 'dimensions', 'attributions', 'cost_centers', 'dimension_values', 'allocation_rules', 'allocation_rules_rule_id_seq', 'required_tags', 'sources', 'required_tags_requirement_id_seq', 'prices', 'prices_price_id_seq', 'price_history', 'model_aliases', 'model_aliases_alias_id_seq', 'models', 'providers', 'price_terms', 'price_terms_term_id_seq', 'commitments', 'commitments_commitment_id_seq', 'adjustments', 'adjustments_adjustment_id_seq',
    'adjustments_batch_id_seq', 'usage_default', 'usage_usage_id_seq',
    'focus_names', 'overheads', 'overheads_overhead_id_seq',
    'periods', 'statements', 'focus_bookings', 'focus_booked_sums', 'usage_keys', 'usage_conflicts', 'usage_kinds', 'rollup', 'rollup_quarters', 'rollup_months', 'rollup_deltas', 'rollup_state', 'sealed_rollup', 'sealed_counters', 'budgets', 'budgets_budget_id_seq', 'budget_amounts', 'budget_overrides', 'budget_overrides_override_id_seq', 'change_log',
    'change_log_change_id_seq', 'pauses', 'pauses_pause_id_seq', 'counters', 'counter_deltas', 'refusals', 'alerts', 'alerts_alert_id_seq', 'access', 'holds', 'holds_hold_id_seq', 'hold_amounts',
    'decisions', 'decisions_decision_id_seq', 'approvals', 'approvals_approval_id_seq'
  ] LOOP
    PERFORM pg_extension_config_dump(format('spend.%I', name)::regclass, '');
  END LOOP;
END
$$;
