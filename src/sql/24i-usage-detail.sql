-- Rows, one by one: ask for a time.
CREATE VIEW spend.usage_detail WITH (security_barrier) AS
SELECT u.usage_id::text AS usage_detail_key,
       u.occurred_at,
       (u.occurred_at AT TIME ZONE s.time_zone)::date AS usage_date,
       coalesce(spend._attributed(u.attribution_id, 'department'), nullif(spend.text_key(u.department), ''), '(untagged)') AS department,
       coalesce(spend._attributed(u.attribution_id, 'workspace'), nullif(spend.text_key(u.workspace), ''), '(untagged)') AS workspace,
       coalesce(spend._attributed(u.attribution_id, 'user_group'), nullif(spend.text_key(u.user_group), ''), '(untagged)') AS user_group,
       coalesce(spend._attributed(u.attribution_id, 'workflow'), nullif(spend.text_key(u.workflow), ''), '(untagged)') AS workflow,
       coalesce(p.provider, nullif(spend.text_key(u.provider), ''), '(unknown)') AS provider,
       coalesce(nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), ''), '(unknown)') AS model,
       coalesce(nullif(spend.text_key(u.route), ''), '(untagged)') AS route_type,
       coalesce(spend._attributed(u.attribution_id, 'data_class'), nullif(spend.text_key(u.data_class), ''), '(untagged)') AS data_class,
       (CASE WHEN v.is_voided THEN 0 ELSE coalesce(u.input_tokens, 0) END)::bigint AS input_tokens,
       (CASE WHEN v.is_voided THEN 0 ELSE coalesce(u.output_tokens, 0) END)::bigint AS output_tokens,
       (CASE WHEN v.is_voided THEN 0 ELSE coalesce(u.retrieval_queries, 0) END)::bigint AS retrieval_calls,
       (CASE WHEN v.is_voided THEN 0 ELSE coalesce(u.tool_calls, 0) END)::bigint AS tool_calls,
       (CASE WHEN v.is_voided THEN 0 ELSE coalesce(u.agent_steps, 0) END)::bigint AS agent_steps,
       coalesce(u.response_cache_hit, false) AND NOT v.is_voided AS is_cache_hit,
       (CASE WHEN v.is_voided THEN 0 ELSE coalesce(u.cache_read_tokens, 0) END)::bigint AS cache_read_tokens,
       coalesce(u.fallback_of, '') AS fallback_model,
       CASE WHEN v.is_voided THEN 'voided' ELSE spend.outcome(u.status, u.blocked_reason) END AS run_status,
       u.accepted AND NOT v.is_voided AS is_accepted,
       coalesce(u.human_reviewed, false) AND NOT v.is_voided AS is_human_reviewed,
       coalesce(u.blocked_reason, '') AS blocked_reason,
       u.cost::numeric(38, 18) AS cost,
       u.currency,
       (SELECT b.owner FROM spend.budgets AS b
        WHERE b.period = 'month' AND b.measure = 'cost' AND b.cost_center IS NOT NULL AND spend.text_key(b.cost_center) = coalesce(spend._attributed(u.attribution_id, 'cost_center'), spend.text_key(u.cost_center))
          AND b.valid_during @> u.occurred_at AND spend._visible_scope(b.scope)) AS budget_owner,
       coalesce(spend._attributed(u.attribution_id, 'project'), nullif(spend.text_key(u.project), ''), '(untagged)') AS project_code,
       u.usage_id,
       u.run_id
FROM spend.usage AS u
CROSS JOIN spend._settings() AS s
-- A voided row is there to be read, and adds nothing to what reports add up.
CROSS JOIN LATERAL (SELECT u.pricing_status IS NOT DISTINCT FROM 'voided' AS is_voided) AS v
LEFT JOIN spend.prices AS p ON p.price_id = u.price_id
WHERE spend.visible(u.attribution_id)
-- Who asks for the newest rows gets them from the leaves' indexes. An ORDER BY outside is not seen in here: conditions are kept out of
-- the view, and with them the order.
ORDER BY u.occurred_at DESC;
COMMENT ON VIEW spend.usage_detail IS 'The rows of the ledger with the fields of a model-spend dashboard. Reads rows: ask for a range of occurred_at.';
COMMENT ON COLUMN spend.usage_detail.usage_detail_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.usage_detail.occurred_at IS 'When the usage happened.';
COMMENT ON COLUMN spend.usage_detail.usage_date IS 'Day in the organisation''s zone.';
COMMENT ON COLUMN spend.usage_detail.department IS 'Department.';
COMMENT ON COLUMN spend.usage_detail.workspace IS 'Workspace.';
COMMENT ON COLUMN spend.usage_detail.user_group IS 'Group of users.';
COMMENT ON COLUMN spend.usage_detail.workflow IS 'Workflow.';
COMMENT ON COLUMN spend.usage_detail.provider IS 'Provider that was priced, else as sent; (unknown) without.';
COMMENT ON COLUMN spend.usage_detail.model IS 'Model that answered, normalised.';
COMMENT ON COLUMN spend.usage_detail.route_type IS 'Route or policy that chose the model.';
COMMENT ON COLUMN spend.usage_detail.data_class IS 'Class of the data processed.';
COMMENT ON COLUMN spend.usage_detail.input_tokens IS 'Input tokens, cached ones included.';
COMMENT ON COLUMN spend.usage_detail.output_tokens IS 'Output tokens, reasoning included.';
COMMENT ON COLUMN spend.usage_detail.retrieval_calls IS 'Retrieval queries.';
COMMENT ON COLUMN spend.usage_detail.tool_calls IS 'Tool calls.';
COMMENT ON COLUMN spend.usage_detail.agent_steps IS 'Steps of the agent.';
COMMENT ON COLUMN spend.usage_detail.is_cache_hit IS 'Whether the app''s own response cache answered.';
COMMENT ON COLUMN spend.usage_detail.cache_read_tokens IS 'Input tokens read from the provider''s cache.';
COMMENT ON COLUMN spend.usage_detail.fallback_model IS 'Request or model that this call stood in for; empty when for none.';
COMMENT ON COLUMN spend.usage_detail.run_status IS 'ok, failed, abandoned or blocked (spend.outcome()); voided for a row that counts nothing any more, whose figures are 0 here.';
COMMENT ON COLUMN spend.usage_detail.is_accepted IS 'Whether the result was accepted; NULL when nobody said.';
COMMENT ON COLUMN spend.usage_detail.is_human_reviewed IS 'Whether a person reviewed the result.';
COMMENT ON COLUMN spend.usage_detail.blocked_reason IS 'Why the call was redacted or blocked; empty when it was not.';
COMMENT ON COLUMN spend.usage_detail.cost IS 'Cost; NULL when unpriced.';
COMMENT ON COLUMN spend.usage_detail.currency IS 'Currency of the cost.';
COMMENT ON COLUMN spend.usage_detail.budget_owner IS 'Owner of the plan line of the row''s cost center at that time.';
COMMENT ON COLUMN spend.usage_detail.project_code IS 'Project.';
COMMENT ON COLUMN spend.usage_detail.usage_id IS 'Number of the row.';
COMMENT ON COLUMN spend.usage_detail.run_id IS 'Run of a workflow or agent, as sent; NULL without.';
