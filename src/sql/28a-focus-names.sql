-- FOCUS wants names that a ledger of usage has not: who hosts a service, who sends the invoice, which account it is booked to.
CREATE TABLE spend.focus_names (
  provider text NOT NULL DEFAULT '',
  surface text NOT NULL DEFAULT '',
  service_provider_name text,
  service_name text,
  host_provider_name text,
  invoice_issuer_name text,
  publisher_name text,
  billing_account_id text,
  billing_account_name text,
  PRIMARY KEY (provider, surface)
) USING heap;
COMMENT ON TABLE spend.focus_names IS
  'Names that the FOCUS views show for the charges of a provider. The most specific row that has a name gives it: provider and surface, provider, all; without one it follows from the provider and the organisation.';
COMMENT ON COLUMN spend.focus_names.provider IS 'Provider, normalised; '''' for all.';
COMMENT ON COLUMN spend.focus_names.surface IS 'Host that serves the model, normalised; '''' for all.';
COMMENT ON COLUMN spend.focus_names.service_provider_name IS 'ServiceProviderName: who makes the service available. Without one, the provider.';
COMMENT ON COLUMN spend.focus_names.service_name IS 'ServiceName: what is bought. Without one, the provider''s name and "API".';
COMMENT ON COLUMN spend.focus_names.host_provider_name IS 'HostProviderName: on whose machines it runs. Without one, the surface, else the service provider.';
COMMENT ON COLUMN spend.focus_names.invoice_issuer_name IS 'InvoiceIssuerName: who sends the bill. Without one, the service provider.';
COMMENT ON COLUMN spend.focus_names.publisher_name IS 'PublisherName of FOCUS 1.2: who made the service. Without one, the developer of the model, else the service provider.';
COMMENT ON COLUMN spend.focus_names.billing_account_id IS 'BillingAccountId: the account with the issuer. Without one, the organisation of the settings, else "default".';
COMMENT ON COLUMN spend.focus_names.billing_account_name IS 'BillingAccountName. Without one, the organisation of the settings.';
CREATE FUNCTION spend._normalise_focus_name() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.provider := spend.text_key(NEW.provider);
  NEW.surface := spend.text_key(NEW.surface);
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._normalise_focus_name() IS 'Internal: keys stand in their normalised form.';
CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON spend.focus_names FOR EACH ROW EXECUTE FUNCTION spend._normalise_focus_name();

CREATE FUNCTION spend._is_iso_currency(currency text) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_is_iso_currency';
COMMENT ON FUNCTION spend._is_iso_currency(text) IS 'Internal: whether ISO 4217 knows the code.';

-- Input Tokens, Cache Read Input Tokens, Output Tokens: the words of FOCUS for the four classes, the meter's own for all others.
CREATE FUNCTION spend._focus_meter(meter text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE meter WHEN 'cache_read_tokens' THEN 'Cache Read Input Tokens' WHEN 'cache_write_tokens' THEN 'Cache Write Input Tokens'
                    ELSE initcap(replace(meter, '_', ' ')) END
$$;
COMMENT ON FUNCTION spend._focus_meter(text) IS 'Internal: SkuMeter of a meter.';

CREATE FUNCTION spend._focus_unit(meter text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN meter LIKE '%!_tokens' ESCAPE '!' THEN 'Tokens'
              WHEN meter LIKE '%!_seconds' ESCAPE '!' THEN 'Seconds'
              WHEN meter LIKE '%!_minutes' ESCAPE '!' THEN 'Minutes'
              WHEN meter = 'cache_token_hours' THEN 'Token-Hours'
              WHEN meter LIKE '%gb!_days' ESCAPE '!' THEN 'GB-Days'
              WHEN meter LIKE '%!_hours' ESCAPE '!' THEN 'Hours'
              ELSE replace(initcap(replace(meter, '_', ' ')), ' ', '') END
$$;
COMMENT ON FUNCTION spend._focus_unit(text) IS 'Internal: ConsumedUnit of a meter, in the unit format of FOCUS.';

CREATE FUNCTION spend._focus_details(
  meter text, model text, developer text, family text, version text, service_tier text, surface text, speed text, variant text, tier text, condition text
) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- FOCUS 1.5 is to name the first six; until it is ratified they carry the prefix of custom keys.
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'x_ModelId', model, 'x_ModelDeveloper', developer, 'x_ModelFamily', family, 'x_ModelVersion', version,
    'x_TokenDirection', CASE WHEN meter NOT LIKE '%!_tokens' ESCAPE '!' THEN NULL WHEN meter LIKE 'output!_%' ESCAPE '!' THEN 'Output' ELSE 'Input' END,
    'x_TokenCacheAction', CASE WHEN meter LIKE 'cache!_%read!_tokens' ESCAPE '!' THEN 'Read' WHEN meter LIKE 'cache!_%write%!_tokens' ESCAPE '!' THEN 'Write'
                               WHEN meter LIKE 'input!_%tokens' ESCAPE '!' THEN 'Uncached' END,
    'x_ServiceTier', service_tier, 'x_Surface', nullif(surface, ''), 'x_Speed', nullif(speed, ''), 'x_Variant', nullif(variant, ''),
    'x_ContextTier', tier, 'x_Condition', condition))
$$;
COMMENT ON FUNCTION spend._focus_details(text, text, text, text, text, text, text, text, text, text, text) IS
  'Internal: SkuPriceDetails, the properties that all charges at one price share.';
