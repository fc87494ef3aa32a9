CREATE FUNCTION spend._check_term_scope(scope jsonb) RETURNS void
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'spend_check_term_scope';
COMMENT ON FUNCTION spend._check_term_scope(jsonb) IS 'Internal: raises for a malformed scope of a term or commitment, or an unknown dimension in it.';
CREATE FUNCTION spend._scopes_tie(a jsonb, b jsonb) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'spend_scopes_tie';
COMMENT ON FUNCTION spend._scopes_tie(jsonb, jsonb) IS 'Internal: whether two scopes are equally specific and may cover the same row.';
CREATE FUNCTION spend._scope_covers(scope jsonb, facts jsonb) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'spend_scope_covers';
COMMENT ON FUNCTION spend._scope_covers(jsonb, jsonb) IS
  'Internal: whether a scope of a term or commitment covers usage of this SKU and these dimensions, given in one flat object.';

CREATE SEQUENCE spend.price_terms_term_id_seq;
COMMENT ON SEQUENCE spend.price_terms_term_id_seq IS 'Numbers of price terms.';
CREATE TABLE spend.price_terms (
  term_id bigint PRIMARY KEY DEFAULT nextval('spend.price_terms_term_id_seq'),
  name text NOT NULL CHECK (name <> ''),
  kind text NOT NULL CHECK (kind IN ('discount', 'markup', 'fixed')),
  percent numeric,
  amount numeric,
  currency text CHECK (currency ~ '^[A-Z][A-Z0-9_]{0,11}$'),
  scope jsonb NOT NULL DEFAULT '{}',
  valid_during tstzrange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid_during)),
  is_additional boolean NOT NULL DEFAULT false,
  precedence integer NOT NULL DEFAULT 0,
  contract text,
  reason text,
  recorded_at timestamptz NOT NULL,
  recorded_by name NOT NULL DEFAULT session_user,
  withdrawn_at timestamptz,
  CONSTRAINT price_terms_one_at_a_time EXCLUDE USING gist (name WITH =, valid_during WITH &&) WHERE (withdrawn_at IS NULL)
) USING heap;
COMMENT ON TABLE spend.price_terms IS
  'Customer terms: discounts, then mark-ups, then fixed amounts that lead from a row''s list_cost to its cost. One name holds one term at a time. Never rewritten: ended, withdrawn, or followed by another.';
COMMENT ON COLUMN spend.price_terms.term_id IS 'Number of the term; usage.price_term_ids names it.';
COMMENT ON COLUMN spend.price_terms.name IS 'Name, as explanations show it; the versions of one term share it.';
COMMENT ON COLUMN spend.price_terms.kind IS 'discount: percent off. markup: percent on top of what the discounts left. fixed: an amount added to each row.';
COMMENT ON COLUMN spend.price_terms.percent IS 'Of a discount (0 to 100) or mark-up (0 to 10000): 5 is five percent.';
COMMENT ON COLUMN spend.price_terms.amount IS 'Of a fixed term: added to the cost of each row.';
COMMENT ON COLUMN spend.price_terms.currency IS 'Of the amount; rows in another currency are not covered. Without one, that of spend.settings at the time of writing.';
COMMENT ON COLUMN spend.price_terms.scope IS
  'Rows covered: {"provider": "openai", "model": "gpt-5*", "team": ["search", "ads"]}. Keys are parts of the SKU and dimensions; * in a model stands for any characters; {} covers all.';
COMMENT ON COLUMN spend.price_terms.valid_during IS 'Half-open range of the time of use.';
COMMENT ON COLUMN spend.price_terms.is_additional IS 'False: of its kind, the highest precedence and then the most specific scope alone applies. True: applies beside that one.';
COMMENT ON COLUMN spend.price_terms.precedence IS 'A term of higher precedence is chosen before one of lower, whatever their scopes.';
COMMENT ON COLUMN spend.price_terms.contract IS 'Reference of the contract.';
COMMENT ON COLUMN spend.price_terms.reason IS 'Why the term was set, ended or withdrawn.';
COMMENT ON COLUMN spend.price_terms.recorded_at IS 'When the row was written (set by the ledger; a row that has it comes from a dump).';
COMMENT ON COLUMN spend.price_terms.recorded_by IS 'Who wrote the row.';
COMMENT ON COLUMN spend.price_terms.withdrawn_at IS 'When the term ceased to apply to any row that is priced from then on; NULL for a live term.';
ALTER SEQUENCE spend.price_terms_term_id_seq OWNED BY spend.price_terms.term_id;
CALL spend._watch('spend.price_terms');

CREATE FUNCTION spend._check_price_term() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  other spend.price_terms;
  is_percentage boolean := NEW.kind IN ('discount', 'markup');
  most numeric := CASE NEW.kind WHEN 'discount' THEN 100 ELSE 10000 END;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.term_id, NEW.name, NEW.kind, NEW.percent, NEW.amount, NEW.currency, NEW.scope, NEW.is_additional, NEW.precedence, NEW.recorded_at)
       IS DISTINCT FROM (OLD.term_id, OLD.name, OLD.kind, OLD.percent, OLD.amount, OLD.currency, OLD.scope, OLD.is_additional, OLD.precedence, OLD.recorded_at) THEN
      RAISE EXCEPTION 'price term "%" cannot be rewritten', OLD.name
        USING ERRCODE = 'feature_not_supported', DETAIL = 'Rows that it has priced are explained by it.',
              HINT = 'Call spend.set_price_term() with the same name for what holds from a time on, or spend.end_price_term().';
    END IF;
  ELSIF NEW.recorded_at IS NOT NULL THEN
    RETURN NEW;  -- from a dump: it was checked, and what its scope names may be restored after it
  ELSE
    NEW.recorded_at := now();
  END IF;
  IF NEW.kind = 'fixed' THEN
    NEW.currency := coalesce(NEW.currency, (spend._settings()).currency);
  END IF;
  IF (NEW.percent IS NOT NULL) <> is_percentage OR (NEW.amount IS NULL) <> is_percentage OR (NEW.currency IS NULL) <> is_percentage THEN
    RAISE EXCEPTION 'price term "%" has the wrong figures for a %', NEW.name, NEW.kind
      USING ERRCODE = 'invalid_parameter_value', HINT = 'discount and markup have a percent; fixed has an amount, and a currency.';
  END IF;
  IF is_percentage AND (NEW.percent = 'NaN' OR NEW.percent < 0 OR NEW.percent > most OR scale(trim_scale(NEW.percent)) > 6) THEN
    RAISE EXCEPTION 'percent of price term "%" is out of range', NEW.name
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('A %s of %s percent.', NEW.kind, NEW.percent),
            HINT = format('Write 5 for five percent; a %s is 0 to %s, with at most 6 decimals.%s', NEW.kind, most,
                          CASE WHEN NEW.percent < 0 THEN format(' The opposite of a %s is a %s.', NEW.kind, CASE NEW.kind WHEN 'discount' THEN 'markup' ELSE 'discount' END) ELSE '' END);
  END IF;
  IF NOT is_percentage AND (NEW.amount = 'NaN' OR NEW.amount < 0 OR NEW.amount >= 1e12 OR scale(trim_scale(NEW.amount)) > 18) THEN
    RAISE EXCEPTION 'amount of price term "%" is out of range', NEW.name
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The amount is %s.', NEW.amount),
            HINT = 'An amount per row is zero or more, below 1e12, with at most 18 decimals: no cost becomes negative. Write a discount to take something off.';
  END IF;
  NEW.valid_during := tstzrange(nullif(lower(NEW.valid_during), '-infinity'), nullif(upper(NEW.valid_during), 'infinity'));
  PERFORM spend._check_term_scope(NEW.scope);
  IF NOT NEW.is_additional AND NEW.withdrawn_at IS NULL THEN
    -- One change at a time: two new terms cannot see each other.
    PERFORM spend._lock('spend.price_terms');
    SELECT t.* INTO other
    FROM spend.price_terms AS t
    WHERE t.term_id <> NEW.term_id AND t.name <> NEW.name AND t.kind = NEW.kind AND NOT t.is_additional AND t.withdrawn_at IS NULL
      AND t.precedence = NEW.precedence AND t.currency IS NOT DISTINCT FROM NEW.currency AND t.valid_during && NEW.valid_during
      AND spend._scopes_tie(t.scope, NEW.scope)
    ORDER BY t.term_id LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'price terms "%" and "%" could both be chosen for a row', other.name, NEW.name
        USING ERRCODE = 'invalid_parameter_value',
              DETAIL = format('Both are a %s, of equal precedence, equally specific (%s and %s), and valid at the same time.', NEW.kind, other.scope, NEW.scope),
              HINT = 'Give one a higher precedence, make it is_additional to apply both, or change scope or validity.';
    END IF;
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_price_term() IS 'Internal: refuses a term that could not work, that leaves a choice open, or that rewrites what rows are explained by.';
CREATE TRIGGER check_price_term BEFORE INSERT OR UPDATE ON spend.price_terms FOR EACH ROW EXECUTE FUNCTION spend._check_price_term();

CREATE FUNCTION spend.end_price_term(name text, at timestamptz DEFAULT now(), reason text DEFAULT NULL) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ended bigint;
BEGIN
  UPDATE spend.price_terms AS t
  SET valid_during = CASE WHEN lower(t.valid_during) >= at OR at = '-infinity' THEN t.valid_during ELSE tstzrange(lower(t.valid_during), at) END,
      withdrawn_at = CASE WHEN lower(t.valid_during) >= at OR at = '-infinity' THEN now() END,
      reason = coalesce(end_price_term.reason, t.reason)
  WHERE t.name = end_price_term.name AND t.withdrawn_at IS NULL AND (upper(t.valid_during) IS NULL OR upper(t.valid_during) > at)
  RETURNING t.term_id INTO ended;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no price term "%" is in force at % or later', name, at
      USING ERRCODE = 'undefined_object', HINT = 'SELECT name, valid_during FROM spend.price_terms WHERE withdrawn_at IS NULL shows those that are.';
  END IF;
  RETURN ended;
END
$$;
COMMENT ON FUNCTION spend.end_price_term(text, timestamptz, text) IS
  'Ends the term of this name at a time; one that would begin then or later is withdrawn. Recorded rows keep their cost. Returns the number of the term.';

CREATE FUNCTION spend.set_price_term(
  name text, kind text, percent numeric DEFAULT NULL, amount numeric DEFAULT NULL, currency text DEFAULT NULL, scope jsonb DEFAULT '{}',
  valid_from timestamptz DEFAULT now(), valid_until timestamptz DEFAULT NULL, is_additional boolean DEFAULT false, precedence integer DEFAULT 0,
  contract text DEFAULT NULL, reason text DEFAULT NULL
) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  starts timestamptz := nullif(valid_from, '-infinity');
  ends timestamptz := nullif(valid_until, 'infinity');
  next_start timestamptz;
  new_id bigint;
  affected bigint;
BEGIN
  IF name IS NULL OR kind IS NULL OR scope IS NULL OR valid_from IS NULL THEN
    RAISE EXCEPTION 'name, kind, scope and valid_from must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF kind NOT IN ('discount', 'markup', 'fixed') THEN
    RAISE EXCEPTION 'unknown kind of price term "%"', kind USING ERRCODE = 'invalid_parameter_value', HINT = 'The kinds are discount, markup and fixed.';
  END IF;
  IF ends <= valid_from THEN
    RAISE EXCEPTION 'price term "%" ends before it begins', name USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM spend._lock('spend.price_terms');

  SELECT min(lower(t.valid_during)) INTO next_start
  FROM spend.price_terms AS t
  WHERE t.name = set_price_term.name AND t.withdrawn_at IS NULL AND lower(t.valid_during) > valid_from;
  IF next_start IS NOT NULL AND (ends IS NULL OR next_start < ends) THEN
    ends := next_start;
  END IF;
  -- The version in force at the start: ended there, or withdrawn when it starts at the same moment.
  UPDATE spend.price_terms AS t
  SET valid_during = CASE WHEN lower(t.valid_during) IS NOT DISTINCT FROM starts THEN t.valid_during ELSE tstzrange(lower(t.valid_during), starts) END,
      withdrawn_at = CASE WHEN lower(t.valid_during) IS NOT DISTINCT FROM starts THEN now() END
  WHERE t.name = set_price_term.name AND t.withdrawn_at IS NULL
    AND (CASE WHEN starts IS NULL THEN lower_inf(t.valid_during) ELSE t.valid_during @> starts END);
  INSERT INTO spend.price_terms AS t (name, kind, percent, amount, currency, scope, valid_during, is_additional, precedence, contract, reason)
  VALUES (name, kind, percent, amount, currency, scope, tstzrange(starts, ends), coalesce(is_additional, false), coalesce(precedence, 0), contract, reason)
  RETURNING t.term_id INTO new_id;

  IF valid_from < now() THEN
    SELECT coalesce(sum(g.calls), 0) INTO affected
    FROM (
      SELECT count(*) AS calls, a.dimensions,
             jsonb_build_object('provider', coalesce(p.provider, u.provider), 'model', coalesce(p.model, nullif(u.response_model, ''), u.request_model),
                                'surface', u.surface, 'region', u.region, 'service_tier', u.service_tier, 'speed', u.speed, 'variant', u.variant) AS sku
      FROM spend.usage AS u
      LEFT JOIN spend.prices AS p ON p.price_id = u.price_id
      LEFT JOIN LATERAL (SELECT d.dimensions FROM spend.attributions AS d WHERE d.attribution_id = u.attribution_id LIMIT 1) AS a ON true
      WHERE u.occurred_at >= valid_from AND u.cost IS NOT NULL AND u.pricing_status IS DISTINCT FROM 'voided'
        AND coalesce(u.started_at, u.occurred_at) >= valid_from AND (ends IS NULL OR coalesce(u.started_at, u.occurred_at) < ends)
      GROUP BY a.dimensions, sku
    ) AS g
    WHERE spend._scope_covers(set_price_term.scope, coalesce(g.dimensions, '{}') || g.sku);
    IF affected > 0 THEN
      RAISE NOTICE '% usage rows since % keep the cost they were given', affected, valid_from
        USING HINT = 'Later terms never change a recorded row by themselves; re-rating is a step of its own.';
    END IF;
  END IF;
  RETURN new_id;
END
$$;
COMMENT ON FUNCTION spend.set_price_term(text, text, numeric, numeric, text, jsonb, timestamptz, timestamptz, boolean, integer, text, text) IS
  'Sets a customer term from a time on: ends the version of the same name in force and begins the new one; says how many recorded rows keep their cost. Returns the number of the new term.';

CREATE FUNCTION spend.apply_price_terms(list_cost numeric, facts jsonb DEFAULT '{}', currency text DEFAULT 'USD', at timestamptz DEFAULT now()) RETURNS numeric
  LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'spend_apply_price_terms';
COMMENT ON FUNCTION spend.apply_price_terms(numeric, jsonb, text, timestamptz) IS
  'A cost by the price card after the customer terms valid at a time. facts: SKU and dimensions in one object, with the keys of price_terms.scope. NULL stays NULL.';
CREATE FUNCTION spend.apply_price_terms(usage spend.usage, list_cost numeric, currency text DEFAULT NULL) RETURNS numeric
  LANGUAGE c STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'spend_apply_price_terms_row';
COMMENT ON FUNCTION spend.apply_price_terms(spend.usage, numeric, text) IS
  'A cost of a usage row by any price card after the customer terms of today that hold at the row''s own time; in the row''s currency unless another is named. The row itself does not change.';
CREATE FUNCTION spend.price_term_lines(
  list_cost numeric, facts jsonb DEFAULT '{}', currency text DEFAULT 'USD', at timestamptz DEFAULT now(),
  OUT term_id bigint, OUT name text, OUT kind text, OUT condition text, OUT amount numeric
) RETURNS SETOF record
  LANGUAGE c STABLE PARALLEL SAFE ROWS 3 AS 'MODULE_PATHNAME', 'spend_price_term_lines';
COMMENT ON FUNCTION spend.price_term_lines(numeric, jsonb, text, timestamptz) IS
  'The steps of spend.apply_price_terms(): what each term adds or takes, in the order in which they apply. list_cost and the amounts add up to the result exactly.';
CREATE FUNCTION spend.price_term_lines(
  usage spend.usage, OUT term_id bigint, OUT name text, OUT kind text, OUT condition text, OUT amount numeric
) RETURNS SETOF record
  LANGUAGE c STABLE PARALLEL SAFE ROWS 3 AS 'MODULE_PATHNAME', 'spend_price_term_lines_row';
COMMENT ON FUNCTION spend.price_term_lines(spend.usage) IS
  'The terms that priced a recorded row, also those that ended since: list_cost and the amounts add up to its cost exactly. No row where no term applied.';
