-- The same job in PL/pgSQL, as a competent DBA would write it: the price by an index probe at the time of use, three budget
-- counters updated with their limit checked, and an hourly rollup kept by upsert. The tables that are updated leave room
-- for HOT updates; every statement in the triggers is a static one, so its plan is cached.
--
-- It does less than the ledger: no normalised names, no tiers, no cached or modality rates beyond one, one time zone, no
-- savepoint or deletion accounting, no alerts.
CREATE TABLE bench.peer (LIKE spend.usage INCLUDING DEFAULTS) PARTITION BY RANGE (occurred_at);
CREATE SEQUENCE bench.peer_usage_id_seq;
ALTER TABLE bench.peer ALTER usage_id SET DEFAULT nextval('bench.peer_usage_id_seq');
CALL bench.make_leaves('bench.peer');

CREATE TABLE bench.peer_prices (
  price_id bigint NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  valid_from timestamptz NOT NULL,
  valid_until timestamptz NOT NULL,
  input_rate numeric NOT NULL,   -- per million tokens
  cached_rate numeric NOT NULL,
  output_rate numeric NOT NULL,
  PRIMARY KEY (provider, model, valid_from)
);
INSERT INTO bench.peer_prices
SELECT p.price_id, p.provider, p.model,
  coalesce(lower(p.valid_during), '-infinity'), coalesce(upper(p.valid_during), 'infinity'),
  split_part(r.rates ->> 'input_tokens', '/', 1)::numeric,
  split_part(coalesce(r.rates ->> 'cache_read_tokens', r.rates ->> 'input_tokens'), '/', 1)::numeric,
  split_part(r.rates ->> 'output_tokens', '/', 1)::numeric
FROM spend.prices AS p, LATERAL (SELECT p.price::jsonb -> 'rates') AS r (rates)
WHERE p.superseded_at IS NULL AND (p.region, p.surface, p.service_tier, p.speed, p.variant) = ('', '', 'standard', '', '')
  AND r.rates ->> 'input_tokens' LIKE '%/1M' AND r.rates ->> 'output_tokens' LIKE '%/1M'
  AND coalesce(r.rates ->> 'cache_read_tokens', '/1M') LIKE '%/1M';

CREATE TABLE bench.peer_budgets (
  level text NOT NULL,
  value text NOT NULL,
  period_start date NOT NULL,
  amount numeric NOT NULL,
  spent numeric NOT NULL DEFAULT 0,
  PRIMARY KEY (level, value, period_start)
) WITH (fillfactor = 40);
CREATE TABLE bench.peer_rollup (
  hour timestamptz NOT NULL,
  department text NOT NULL,
  team text NOT NULL,
  model text NOT NULL,
  calls bigint NOT NULL,
  input_tokens numeric NOT NULL,
  output_tokens numeric NOT NULL,
  cost numeric NOT NULL,
  PRIMARY KEY (hour, department, team, model)
) WITH (fillfactor = 40);

CREATE FUNCTION bench.peer_price() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  price bench.peer_prices;
BEGIN
  NEW.recorded_at := now();
  SELECT * INTO price FROM bench.peer_prices AS p
  WHERE p.provider = NEW.provider AND p.model = NEW.request_model AND p.valid_from <= NEW.occurred_at
  ORDER BY p.valid_from DESC LIMIT 1;
  IF NOT FOUND OR price.valid_until <= NEW.occurred_at THEN
    NEW.pricing_status := 'unpriced';
    RETURN NEW;
  END IF;
  NEW.cost := ((coalesce(NEW.input_tokens, 0) - coalesce(NEW.cache_read_tokens, 0)) * price.input_rate
    + coalesce(NEW.cache_read_tokens, 0) * price.cached_rate
    + coalesce(NEW.output_tokens, 0) * price.output_rate) * 0.000001;
  NEW.currency := 'USD';
  NEW.price_id := price.price_id;
  NEW.pricing_status := 'priced';
  RETURN NEW;
END
$$;

CREATE FUNCTION bench.peer_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  period date := date_trunc('month', NEW.occurred_at);
BEGIN
  IF NEW.cost IS NULL THEN
    RETURN NULL;
  END IF;
  -- Always in this order, so that two writers of one row each cannot deadlock.
  UPDATE bench.peer_budgets SET spent = spent + NEW.cost
  WHERE level = 'all' AND value = '' AND period_start = period AND spent + NEW.cost <= amount;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'budget exceeded';
  END IF;
  UPDATE bench.peer_budgets SET spent = spent + NEW.cost
  WHERE level = 'department' AND value = NEW.department AND period_start = period AND spent + NEW.cost <= amount;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'budget of department % exceeded', NEW.department;
  END IF;
  UPDATE bench.peer_budgets SET spent = spent + NEW.cost
  WHERE level = 'team' AND value = NEW.team AND period_start = period AND spent + NEW.cost <= amount;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'budget of team % exceeded', NEW.team;
  END IF;
  INSERT INTO bench.peer_rollup AS r
  VALUES (date_trunc('hour', NEW.occurred_at), NEW.department, NEW.team, NEW.request_model, 1, coalesce(NEW.input_tokens, 0),
    coalesce(NEW.output_tokens, 0), NEW.cost)
  ON CONFLICT (hour, department, team, model) DO UPDATE
  SET calls = r.calls + 1, input_tokens = r.input_tokens + EXCLUDED.input_tokens,
    output_tokens = r.output_tokens + EXCLUDED.output_tokens, cost = r.cost + EXCLUDED.cost;
  RETURN NULL;
END
$$;

DO $$
DECLARE
  leaf regclass;
BEGIN
  FOR leaf IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'bench.peer'::regclass LOOP
    EXECUTE format('CREATE TRIGGER price BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION bench.peer_price()', leaf);
    EXECUTE format('CREATE TRIGGER account AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION bench.peer_account()', leaf);
  END LOOP;
END
$$;
