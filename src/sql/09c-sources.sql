CREATE TABLE spend.sources (
  source text PRIMARY KEY CHECK (source = spend.text_key(source) AND source <> ''),
  is_sanctioned boolean NOT NULL DEFAULT true,
  owner text,
  reason text
) USING heap;
COMMENT ON TABLE spend.sources IS
  'Apps and feeds that may write usage, by usage.source. Where there is an entry at all, a source without one is not sanctioned. Nothing is refused; spend.coverage and spend.data_quality show the money.';
COMMENT ON COLUMN spend.sources.source IS 'Source in its normalised form (spend.text_key), as in usage.source.';
COMMENT ON COLUMN spend.sources.is_sanctioned IS 'Whether its use is allowed.';
COMMENT ON COLUMN spend.sources.owner IS 'Who answers for it.';
COMMENT ON COLUMN spend.sources.reason IS 'Why it is, or is not.';

CREATE FUNCTION spend._normalise_source() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.source := spend.text_key(NEW.source);
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._normalise_source() IS 'Internal: sources stand in their normalised form, whatever the case they were typed in.';
CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON spend.sources FOR EACH ROW EXECUTE FUNCTION spend._normalise_source();
