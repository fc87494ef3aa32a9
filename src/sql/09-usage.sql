CREATE SEQUENCE spend.usage_usage_id_seq;
COMMENT ON SEQUENCE spend.usage_usage_id_seq IS 'Numbers of usage rows.';

-- The parent has no key, index, trigger or identity: a partitioned member table with any of them does not survive a dump. Each leaf
-- has its own, from spend._equip_leaf().
-- What rows are accounted and summed by comes first: a tuple is taken apart only as far as it is read.
CREATE TABLE spend.usage (
  usage_id bigint NOT NULL DEFAULT nextval('spend.usage_usage_id_seq'),
  occurred_at timestamptz NOT NULL DEFAULT now(),
  recorded_at timestamptz,
  attribution_id uuid,
  cost numeric,
  currency text,
  input_tokens numeric,
  output_tokens numeric,
  enforced_at timestamptz,
  started_at timestamptz,
  source text,
  idempotency_key text,
  cost_center text,
  department text,
  team text,
  project text,
  feature text,
  workflow text,
  application text,
  agent text,
  api_key text,
  user_id text,
  user_group text,
  workspace text,
  environment text,
  customer text,
  customer_segment text,
  geography text,
  data_class text,
  tags jsonb,
  provider text,
  request_model text,
  response_model text,
  operation text,
  service_tier text,
  region text,
  surface text,
  speed text,
  variant text,
  route text,
  fallback_of text,
  attempt integer,
  purpose text,
  cache_read_tokens numeric,
  cache_write_tokens numeric,
  output_reasoning_tokens numeric,
  tool_calls numeric,
  retrieval_queries numeric,
  agent_steps numeric,
  original_input_tokens numeric,
  other_usage spend.token_usage,
  status text,
  accepted boolean,
  human_reviewed boolean,
  blocked_reason text,
  response_cache_hit boolean,
  run_id text,
  trace_id text,
  span_id text,
  request_id text,
  hold_id bigint,
  reported_cost numeric,
  reported_currency text,
  list_cost numeric,
  price_id bigint,
  price_term_ids bigint[],
  timing text,
  pricing_status text,
  pricing_reason text,
  matched_by text,
  computed_cost numeric
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE spend.usage IS 'The ledger: one row per metered event. Apps insert what they know; cost, currency and attribution are computed in the same transaction.';
COMMENT ON COLUMN spend.usage.usage_id IS 'Number of the row.';
COMMENT ON COLUMN spend.usage.occurred_at IS 'When the usage happened: decides period and bucket.';
COMMENT ON COLUMN spend.usage.started_at IS 'When the call started: decides the price where it is known.';
COMMENT ON COLUMN spend.usage.recorded_at IS 'When the row was written (set by the ledger).';
COMMENT ON COLUMN spend.usage.enforced_at IS 'When the row is counted by budgets a second time: when it was written, for a late or future row of a writer (computed).';
COMMENT ON COLUMN spend.usage.timing IS 'late or future when occurred_at was further from the time of writing than settings.max_clock_skew (computed).';
COMMENT ON COLUMN spend.usage.source IS 'App or feed that wrote the row; idempotency keys are unique within it.';
COMMENT ON COLUMN spend.usage.idempotency_key IS 'The same key and payload again is skipped; another payload is skipped and listed in usage_conflicts.';
COMMENT ON COLUMN spend.usage.cost_center IS 'Dimension: cost center.';
COMMENT ON COLUMN spend.usage.department IS 'Dimension: department.';
COMMENT ON COLUMN spend.usage.team IS 'Dimension: team.';
COMMENT ON COLUMN spend.usage.project IS 'Dimension: project.';
COMMENT ON COLUMN spend.usage.feature IS 'Dimension: product feature.';
COMMENT ON COLUMN spend.usage.workflow IS 'Dimension: workflow.';
COMMENT ON COLUMN spend.usage.application IS 'Dimension: application.';
COMMENT ON COLUMN spend.usage.agent IS 'Dimension: agent.';
COMMENT ON COLUMN spend.usage.api_key IS 'Dimension: name of the API key (never the key itself).';
COMMENT ON COLUMN spend.usage.user_id IS 'Dimension: user.';
COMMENT ON COLUMN spend.usage.user_group IS 'Dimension: group of users.';
COMMENT ON COLUMN spend.usage.workspace IS 'Dimension: workspace.';
COMMENT ON COLUMN spend.usage.environment IS 'Dimension: environment (prod, staging, ...).';
COMMENT ON COLUMN spend.usage.customer IS 'Dimension: customer on whose behalf the call was made.';
COMMENT ON COLUMN spend.usage.customer_segment IS 'Dimension: customer segment.';
COMMENT ON COLUMN spend.usage.geography IS 'Dimension: geography.';
COMMENT ON COLUMN spend.usage.data_class IS 'Dimension: class of the data processed.';
COMMENT ON COLUMN spend.usage.tags IS 'Further facts; a key registered in spend.dimensions is a dimension.';
COMMENT ON COLUMN spend.usage.provider IS 'Provider; may be left out where the model has one only.';
COMMENT ON COLUMN spend.usage.request_model IS 'Model asked for.';
COMMENT ON COLUMN spend.usage.response_model IS 'Model that answered: priced on it when given.';
COMMENT ON COLUMN spend.usage.operation IS 'OpenTelemetry gen_ai.operation.name (chat, embeddings, ...).';
COMMENT ON COLUMN spend.usage.service_tier IS 'Service tier that served the call; standard when not given.';
COMMENT ON COLUMN spend.usage.region IS 'Region that served the call.';
COMMENT ON COLUMN spend.usage.surface IS 'Host that served the model where it is sold apart.';
COMMENT ON COLUMN spend.usage.speed IS 'Speed grade.';
COMMENT ON COLUMN spend.usage.variant IS 'Request parameters that pick the price; several as "quality=hd, size=1024x1792".';
COMMENT ON COLUMN spend.usage.route IS 'Route or policy that chose the model.';
COMMENT ON COLUMN spend.usage.fallback_of IS 'Request or model this call stood in for.';
COMMENT ON COLUMN spend.usage.attempt IS 'Number of the attempt, from 1.';
COMMENT ON COLUMN spend.usage.purpose IS 'work, retry, evaluation, loop or experiment.';
COMMENT ON COLUMN spend.usage.input_tokens IS 'All input tokens, cached and written to cache included.';
COMMENT ON COLUMN spend.usage.output_tokens IS 'All output tokens, reasoning included.';
COMMENT ON COLUMN spend.usage.cache_read_tokens IS 'Input tokens read from the provider''s cache.';
COMMENT ON COLUMN spend.usage.cache_write_tokens IS 'Input tokens written to the provider''s cache.';
COMMENT ON COLUMN spend.usage.output_reasoning_tokens IS 'Output tokens spent on reasoning.';
COMMENT ON COLUMN spend.usage.tool_calls IS 'Tool calls made; billed where the price has a rate for them.';
COMMENT ON COLUMN spend.usage.retrieval_queries IS 'Retrieval queries made; billed where the price has a rate for them.';
COMMENT ON COLUMN spend.usage.agent_steps IS 'Steps of the agent; not billed.';
COMMENT ON COLUMN spend.usage.original_input_tokens IS 'Input tokens before compression; not billed.';
COMMENT ON COLUMN spend.usage.other_usage IS 'Quantities of every other meter. A quantity that has a column may be given here too: it is moved there, unless the column is set.';
COMMENT ON COLUMN spend.usage.status IS 'How the call ended (ok, error, ...).';
COMMENT ON COLUMN spend.usage.accepted IS 'Whether the result was accepted.';
COMMENT ON COLUMN spend.usage.human_reviewed IS 'Whether a person reviewed the result.';
COMMENT ON COLUMN spend.usage.blocked_reason IS 'Why the call was blocked.';
COMMENT ON COLUMN spend.usage.response_cache_hit IS 'Whether the app''s own response cache answered.';
COMMENT ON COLUMN spend.usage.run_id IS 'Run of a workflow or agent.';
COMMENT ON COLUMN spend.usage.trace_id IS 'OpenTelemetry trace.';
COMMENT ON COLUMN spend.usage.span_id IS 'OpenTelemetry span.';
COMMENT ON COLUMN spend.usage.request_id IS 'The provider''s id of the request.';
COMMENT ON COLUMN spend.usage.hold_id IS 'Hold that this row settles.';
COMMENT ON COLUMN spend.usage.reported_cost IS 'Cost that the app or vendor reported; kept beside ours.';
COMMENT ON COLUMN spend.usage.reported_currency IS 'Currency of reported_cost; USD when not given.';
COMMENT ON COLUMN spend.usage.cost IS 'Cost by the price valid at the time of use and after the customer terms, or the reported one where the provider''s policy is trust; NULL when unpriced (computed).';
COMMENT ON COLUMN spend.usage.list_cost IS 'Cost by the price alone, before customer terms (computed).';
COMMENT ON COLUMN spend.usage.currency IS 'Currency of the cost (computed).';
COMMENT ON COLUMN spend.usage.price_id IS 'Row of spend.prices that priced the row (computed).';
COMMENT ON COLUMN spend.usage.price_term_ids IS 'Rows of spend.price_terms that led from list_cost to cost, in their order; NULL for none (computed).';
COMMENT ON COLUMN spend.usage.pricing_status IS 'priced, priced_with_fallback, reported, free, inconsistent, unpriced, or voided: the row counts in no sum any more (computed).';
COMMENT ON COLUMN spend.usage.pricing_reason IS 'Why unpriced, inconsistent or voided, or what stood in (computed).';
COMMENT ON COLUMN spend.usage.matched_by IS
  'How the model''s name was recognised where it was not by its exact name: override, alias, normalised, pattern or fallback_provider; price_id says as what (computed).';
COMMENT ON COLUMN spend.usage.computed_cost IS 'Where the cost is the reported one: what price and customer terms would have made it, in that price''s currency (computed).';
COMMENT ON COLUMN spend.usage.attribution_id IS 'Content hash of the rolled-up dimension values (computed).';
ALTER SEQUENCE spend.usage_usage_id_seq OWNED BY spend.usage.usage_id;

CREATE TABLE spend.usage_default PARTITION OF spend.usage DEFAULT USING heap;
COMMENT ON TABLE spend.usage_default IS 'Leaf for rows of months that have no partition yet, so that no row is ever refused; spend.maintain() moves them out.';

CREATE FUNCTION spend.price_row() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'spend_price_row';
COMMENT ON FUNCTION spend.price_row() IS 'Trigger, BEFORE ROW on leaves of spend.usage: checks, prices and attributes the row.';
CREATE FUNCTION spend.account_row() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'spend_account_row';
COMMENT ON FUNCTION spend.account_row() IS 'Trigger, AFTER ROW on leaves of spend.usage: moves budgets by stored rows.';
CREATE FUNCTION spend._needs_row_trigger(is_after boolean, secret bigint, new_row tid, leaf oid) RETURNS boolean
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'spend_needs_row_trigger';
COMMENT ON FUNCTION spend._needs_row_trigger(boolean, bigint, tid, oid) IS
  'Internal: what the executor asks instead of calling price_row() and account_row() for each of many rows. True, and nothing else, when anybody else asks.';
CREATE FUNCTION spend.refuse_truncate() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'the ledger cannot be truncated'
    USING ERRCODE = 'feature_not_supported',
          DETAIL = 'TRUNCATE names no rows, so budgets could not follow.',
          HINT = 'DELETE the rows, or drop the extension.';
END
$$;
COMMENT ON FUNCTION spend.refuse_truncate() IS 'Trigger, BEFORE TRUNCATE on leaves of spend.usage: refuses.';

-- ALTER DEFAULT PRIVILEGES may have given a new leaf to somebody, such as a role that is to read all tables.
CREATE PROCEDURE spend._make_private(relation regclass)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = relation AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM %s', item.kind, relation, item.grantee);
  END LOOP;
END
$$;
COMMENT ON PROCEDURE spend._make_private(regclass) IS 'Internal: takes every right on a table or sequence away from all but its owner.';

CREATE PROCEDURE spend._equip_leaf(leaf regclass)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name name := (SELECT c.relname FROM pg_class AS c WHERE c.oid = leaf);
BEGIN
  EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I PRIMARY KEY (usage_id)', leaf, name || '_pkey');
  EXECUTE format('CREATE INDEX %I ON %s (occurred_at)', name || '_occurred_at_idx', leaf);
  EXECUTE format('CREATE INDEX %I ON %s (occurred_at) WHERE pricing_status = ''unpriced''', name || '_unpriced_idx', leaf);
  EXECUTE format('CREATE INDEX %I ON %s (enforced_at) WHERE enforced_at IS NOT NULL', name || '_enforced_at_idx', leaf);
  -- A budget for each run is counted again from the rows of one run.
  EXECUTE format('CREATE INDEX %I ON %s (run_id) WHERE run_id IS NOT NULL', name || '_run_id_idx', leaf);
  -- What is known later of a call names its request.
  EXECUTE format('CREATE INDEX %I ON %s (request_id) WHERE request_id IS NOT NULL', name || '_request_id_idx', leaf);
  EXECUTE format('CREATE TRIGGER price_row BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION spend.price_row()', leaf);
  EXECUTE format('CREATE TRIGGER account_row AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION spend.account_row()', leaf);
  EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION spend.refuse_truncate()', leaf);
  -- ALWAYS: rows that logical replication applies move budgets here too; they are not priced again.
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER account_row', leaf);
  CALL spend._make_private(leaf);
END
$$;
COMMENT ON PROCEDURE spend._equip_leaf(regclass) IS 'Internal: gives a leaf of spend.usage its key, indexes and triggers.';
CALL spend._equip_leaf('spend.usage_default');

-- Unpartitioned, so that a key holds for ever and over all months, which no unique key of a partitioned table could.
CREATE TABLE spend.usage_keys (
  source text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  payload_hash uuid NOT NULL,
  usage_id bigint NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, idempotency_key)
) USING heap;
COMMENT ON TABLE spend.usage_keys IS 'Idempotency keys seen, for ever: the same key again is the same fact.';
COMMENT ON COLUMN spend.usage_keys.source IS 'usage.source, '''' for none.';
COMMENT ON COLUMN spend.usage_keys.idempotency_key IS 'usage.idempotency_key.';
COMMENT ON COLUMN spend.usage_keys.payload_hash IS 'Hash of the row''s columns without its time.';
COMMENT ON COLUMN spend.usage_keys.usage_id IS 'Row that came first.';
COMMENT ON COLUMN spend.usage_keys.recorded_at IS 'When it came.';

CREATE TABLE spend.usage_conflicts (
  source text NOT NULL,
  idempotency_key text NOT NULL,
  usage_id bigint NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  refused_row jsonb NOT NULL
) USING heap;
COMMENT ON TABLE spend.usage_conflicts IS 'Rows that came under a known idempotency key with another payload: skipped, but kept here.';
COMMENT ON COLUMN spend.usage_conflicts.source IS 'usage.source, '''' for none.';
COMMENT ON COLUMN spend.usage_conflicts.idempotency_key IS 'usage.idempotency_key.';
COMMENT ON COLUMN spend.usage_conflicts.usage_id IS 'Row that holds the key.';
COMMENT ON COLUMN spend.usage_conflicts.recorded_at IS 'When the conflicting row came.';
COMMENT ON COLUMN spend.usage_conflicts.refused_row IS 'The row that was skipped.';

CREATE FUNCTION spend.tokens(usage spend.usage) RETURNS spend.token_usage
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_tokens';
COMMENT ON FUNCTION spend.tokens(spend.usage) IS 'The quantities of a usage row as one token_usage: what a price is applied to.';
