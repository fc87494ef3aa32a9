-- Names of models: what organisations call them, how good they are, and whose prices stand in.

CREATE FUNCTION spend._model_form(model text) RETURNS text
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_model_form';
COMMENT ON FUNCTION spend._model_form(text) IS 'Internal: the form in which two spellings of one model''s name are equal.';
CREATE FUNCTION spend._model_pattern_is_valid(pattern text) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_model_pattern_is_valid';
COMMENT ON FUNCTION spend._model_pattern_is_valid(text) IS 'Internal: whether a pattern of model names is within the limits.';
CREATE FUNCTION spend._canonical_provider(provider text) RETURNS text
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_canonical_provider';
COMMENT ON FUNCTION spend._canonical_provider(text) IS 'Internal: the name under which a provider is known here, whatever an SDK or gateway calls it.';

CREATE SEQUENCE spend.model_aliases_alias_id_seq;
COMMENT ON SEQUENCE spend.model_aliases_alias_id_seq IS 'Numbers of aliases.';
CREATE TABLE spend.model_aliases (
  alias_id bigint PRIMARY KEY DEFAULT nextval('spend.model_aliases_alias_id_seq'),
  alias text NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  for_provider text NOT NULL DEFAULT '',
  for_surface text NOT NULL DEFAULT '',
  is_override boolean NOT NULL DEFAULT false,
  valid_during tstzrange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid_during)),
  origin text NOT NULL DEFAULT 'user' CHECK (origin IN ('user', 'catalog')),
  reason text,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  recorded_by name NOT NULL DEFAULT session_user,
  CONSTRAINT model_aliases_one_at_a_time EXCLUDE USING gist (
    spend._model_form(alias) WITH =, for_provider WITH =, for_surface WITH =, origin WITH =, valid_during WITH &&
  )
) USING heap;
COMMENT ON TABLE spend.model_aliases IS
  'Further names of models: deployments, in-house names, and patterns with "*". A name stands for one model at a time; a second meaning is refused when it is written.';
COMMENT ON COLUMN spend.model_aliases.alias_id IS 'Number of the alias.';
COMMENT ON COLUMN spend.model_aliases.alias IS 'The name that usage rows carry, normalised. With "*" a pattern, where "*" is any run of characters and a number before it is whole.';
COMMENT ON COLUMN spend.model_aliases.provider IS 'Provider of the model it stands for.';
COMMENT ON COLUMN spend.model_aliases.model IS 'Model it stands for.';
COMMENT ON COLUMN spend.model_aliases.for_provider IS 'Only rows of this provider, and those that name none and a model of which it is the maker (an override: of this provider only); '''' for all.';
COMMENT ON COLUMN spend.model_aliases.for_surface IS 'Only rows of this surface; '''' for all.';
COMMENT ON COLUMN spend.model_aliases.is_override IS 'true: wins over a price of that very name. Not with a pattern.';
COMMENT ON COLUMN spend.model_aliases.valid_during IS 'Half-open range of the time of use for which the name has this meaning.';
COMMENT ON COLUMN spend.model_aliases.origin IS 'user: set by hand. catalog: from a catalog; asked after all that were set by hand.';
COMMENT ON COLUMN spend.model_aliases.reason IS 'Why the alias was set.';
COMMENT ON COLUMN spend.model_aliases.recorded_at IS 'When the row was written.';
COMMENT ON COLUMN spend.model_aliases.recorded_by IS 'Who wrote the row.';
ALTER SEQUENCE spend.model_aliases_alias_id_seq OWNED BY spend.model_aliases.alias_id;

CREATE FUNCTION spend._check_model_alias() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  other spend.model_aliases;
BEGIN
  NEW.alias := spend.text_key(NEW.alias);
  NEW.provider := spend.text_key(NEW.provider);
  NEW.model := spend.text_key(NEW.model);
  NEW.for_provider := spend.text_key(NEW.for_provider);
  NEW.for_surface := spend.text_key(NEW.for_surface);
  IF NEW.alias = '' OR NEW.provider = '' OR NEW.model = '' THEN
    RAISE EXCEPTION 'an alias needs a name, and the provider and model that it stands for'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF position('*' IN NEW.alias) > 0 AND (NEW.is_override OR NOT spend._model_pattern_is_valid(NEW.alias)) THEN
    RAISE EXCEPTION 'invalid pattern of model names "%"', left(NEW.alias, 300)
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A pattern has 3 to 256 characters, at most 7 stars beside them, and cannot be an override.';
  END IF;
  -- Two meanings of one name at one time are refused here, not met when a row is priced. The constraint catches what comes at once.
  SELECT a.* INTO other FROM spend.model_aliases AS a
  WHERE spend._model_form(a.alias) = spend._model_form(NEW.alias) AND a.for_provider = NEW.for_provider AND a.for_surface = NEW.for_surface AND a.origin = NEW.origin
    AND a.valid_during && NEW.valid_during AND a.alias_id <> NEW.alias_id
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'alias "%" is ambiguous', NEW.alias
      USING ERRCODE = 'exclusion_violation',
            DETAIL = format('"%s" stands for %s %s already (alias_id %s, %s); it cannot stand for %s %s too.',
                            other.alias, other.provider, other.model, other.alias_id, other.valid_during, NEW.provider, NEW.model),
            HINT = 'Close the other alias'' valid_during first, or restrict one of them with for_provider or for_surface.';
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_model_alias() IS 'Internal: aliases stand in their normalised form, and none has two meanings.';
CREATE TRIGGER check_model_alias BEFORE INSERT OR UPDATE ON spend.model_aliases FOR EACH ROW EXECUTE FUNCTION spend._check_model_alias();
CALL spend._watch('spend.model_aliases');

-- Another spelling of a priced model is that model: a price set under it would hold only for rows that spell it so. Catalogs may list
-- both; a price set by hand may not.
CREATE INDEX prices_model_form_idx ON spend.prices (spend._model_form(model), provider);
CREATE FUNCTION spend._check_price_spelling() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  other text;
BEGIN
  SELECT p.model INTO other FROM spend.prices AS p
  WHERE spend._model_form(p.model) = spend._model_form(NEW.model) AND p.provider = NEW.provider AND p.model <> NEW.model AND p.superseded_at IS NULL
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'model "%" of provider "%" is ambiguous', NEW.model, NEW.provider
      USING ERRCODE = 'exclusion_violation',
            DETAIL = format('It is another spelling of "%s", which has a price already.', other),
            HINT = format('Set the price of "%s": rows that spell it "%s" get it too.', other, NEW.model);
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_price_spelling() IS 'Internal: a price set by hand uses the spelling under which the model is priced already.';
-- Fires after "normalise": triggers fire in the order of their names.
CREATE TRIGGER spelling BEFORE INSERT OR UPDATE OF provider, model ON spend.prices FOR EACH ROW WHEN (NEW.origin = 'user')
  EXECUTE FUNCTION spend._check_price_spelling();

CREATE TABLE spend.providers (
  provider text PRIMARY KEY,
  fallback_provider text,
  reported_cost_policy text NOT NULL DEFAULT 'verify' CHECK (reported_cost_policy IN ('ignore', 'verify', 'trust')),
  tolerance numeric NOT NULL DEFAULT 0.01 CHECK (tolerance >= 0 AND tolerance < 1e6),
  reason text
) USING heap;
CREATE UNIQUE INDEX providers_canonical_idx ON spend.providers (spend._canonical_provider(provider));
COMMENT ON TABLE spend.providers IS 'What holds for a provider as a whole. One without a row has the defaults.';
COMMENT ON COLUMN spend.providers.provider IS 'Provider, normalised. Other names of it (vertex_ai of google, aws.bedrock of bedrock) mean the same.';
COMMENT ON COLUMN spend.providers.fallback_provider IS
  'Provider whose price of a model stands in where this one has none: one hop. '''' for none; NULL for the built-in one (azure: the model''s maker if that is openai or anthropic; google: anthropic for its models).';
COMMENT ON COLUMN spend.providers.reported_cost_policy IS
  'What the cost that the provider reports is worth. ignore: kept, nothing else. verify: ours counts, differences are in reported_cost_differences. trust: theirs counts.';
COMMENT ON COLUMN spend.providers.tolerance IS 'Share of our cost by which a reported cost may differ without being counted as different.';
COMMENT ON COLUMN spend.providers.reason IS 'Why it was set so.';
CREATE FUNCTION spend._normalise_provider() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.provider := spend.text_key(NEW.provider);
  NEW.fallback_provider := spend.text_key(NEW.fallback_provider);
  IF NEW.provider = '' THEN
    RAISE EXCEPTION 'the provider must have a name' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._normalise_provider() IS 'Internal: providers stand in their normalised form.';
CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON spend.providers FOR EACH ROW EXECUTE FUNCTION spend._normalise_provider();
CALL spend._watch('spend.providers');

CREATE FUNCTION spend.resolve_model(model text, provider text DEFAULT NULL, OUT provider text, OUT model text, OUT matched_by text) RETURNS record
  LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'spend_resolve_model';
COMMENT ON FUNCTION spend.resolve_model(text, text) IS
  'The priced model that a name means today, as the ledger would price it, and how it was recognised: override, exact, alias, normalised, pattern or fallback_provider. NULL in all columns when no model is meant, or several are.';

CREATE TABLE spend.models (
  provider text NOT NULL,
  model text NOT NULL,
  tier text NOT NULL CHECK (tier IN ('premium', 'standard', 'economy')),
  label text,
  owner text,
  origin text NOT NULL DEFAULT 'user' CHECK (origin IN ('user', 'catalog')),
  developer text,
  family text,
  version text,
  PRIMARY KEY (provider, model)
) USING heap;
COMMENT ON TABLE spend.models IS
  'How much of a model one buys: premium, standard or economy. load_catalog() proposes a tier by list price; a row of your own stays.';
COMMENT ON COLUMN spend.models.provider IS 'Provider, normalised.';
COMMENT ON COLUMN spend.models.model IS 'Model as it is priced, normalised.';
COMMENT ON COLUMN spend.models.tier IS
  'premium, standard or economy. Proposed from the standard list price of a million tokens, three quarters input: premium from 8 USD, economy below 2.50.';
COMMENT ON COLUMN spend.models.label IS 'Name to show.';
COMMENT ON COLUMN spend.models.owner IS 'Who answers for the use of the model.';
COMMENT ON COLUMN spend.models.origin IS 'user: set by hand. catalog: proposed by load_catalog(), and proposed anew with each load.';
COMMENT ON COLUMN spend.models.developer IS 'Who made the model, for FOCUS.';
COMMENT ON COLUMN spend.models.family IS 'Family of the model, for FOCUS.';
COMMENT ON COLUMN spend.models.version IS 'Version of the model, for FOCUS.';

CREATE FUNCTION spend._normalise_model() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.provider := spend.text_key(NEW.provider);
  NEW.model := spend.text_key(NEW.model);
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._normalise_model() IS 'Internal: models stand in their normalised form.';
CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON spend.models FOR EACH ROW EXECUTE FUNCTION spend._normalise_model();

CREATE PROCEDURE spend._propose_model_tiers()
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO spend.models AS m (provider, model, tier, origin)
  SELECT c.provider, c.model, CASE WHEN c.cost >= 8 THEN 'premium' WHEN c.cost < 2.5 THEN 'economy' ELSE 'standard' END, 'catalog'
  FROM (
    SELECT DISTINCT ON (p.provider, p.model) p.provider, p.model,
           spend.cost(p.price, '{"input_tokens": 750000, "output_tokens": 250000}', '{}') AS cost
    FROM spend.prices AS p
    WHERE p.superseded_at IS NULL AND p.origin = 'catalog' AND p.service_tier = 'standard' AND p.price::jsonb ->> 'currency' = 'USD'
      AND (p.surface, p.region, p.speed, p.variant) = ('', '', '', '') AND p.valid_during @> now()
    ORDER BY p.provider, p.model
  ) AS c
  -- Embeddings, images and the like have no such price, and no tier.
  WHERE c.cost > 0
  ON CONFLICT (provider, model) DO UPDATE SET tier = excluded.tier WHERE m.origin = 'catalog' AND m.tier <> excluded.tier
$$;
COMMENT ON PROCEDURE spend._propose_model_tiers() IS 'Internal: tiers of the catalog''s models by their list price; rows set by hand stay.';
