-- The caches of every backend hear of a change of a configuration table through this trigger.
CREATE FUNCTION spend.invalidate() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'spend_invalidate';
COMMENT ON FUNCTION spend.invalidate() IS 'Trigger of configuration tables: makes every backend load them again.';

CREATE PROCEDURE spend._watch(config_table regclass)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER invalidate_row AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION spend.invalidate()', config_table);
  EXECUTE format('CREATE TRIGGER invalidate_all AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION spend.invalidate()', config_table);
  -- ALWAYS: rows that arrive by logical replication change the configuration too.
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER invalidate_row, ENABLE ALWAYS TRIGGER invalidate_all', config_table);
END
$$;
COMMENT ON PROCEDURE spend._watch(regclass) IS 'Internal: attaches the invalidation triggers.';

-- A table, not a GUC: the organisation's settings must be the same for every session and survive a dump.
CREATE TABLE spend.settings (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  organisation text,
  time_zone text NOT NULL DEFAULT 'UTC',
  currency text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z][A-Z0-9_]{0,11}$'),
  fiscal_year_start integer NOT NULL DEFAULT 1 CHECK (fiscal_year_start BETWEEN 1 AND 12),
  week_start integer NOT NULL DEFAULT 1 CHECK (week_start BETWEEN 1 AND 7),
  unallocated_cost_center text NOT NULL DEFAULT '(untagged)',
  max_clock_skew interval NOT NULL DEFAULT '1 day' CHECK (max_clock_skew >= '0' AND max_clock_skew <= '100 years'),
  strict_usage boolean NOT NULL DEFAULT false,
  strict_pricing boolean NOT NULL DEFAULT false
) USING heap;
COMMENT ON TABLE spend.settings IS 'Settings of the organisation: at most one row; without it the defaults hold.';
COMMENT ON COLUMN spend.settings.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN spend.settings.organisation IS 'Name of the organisation, for reports.';
COMMENT ON COLUMN spend.settings.time_zone IS 'Zone in which days and months of reports and budgets begin.';
COMMENT ON COLUMN spend.settings.currency IS 'Currency of budgets that name none (ISO 4217).';
COMMENT ON COLUMN spend.settings.fiscal_year_start IS 'Month in which the fiscal year begins, 1 to 12.';
COMMENT ON COLUMN spend.settings.week_start IS 'First day of the week, 1 (Monday) to 7.';
COMMENT ON COLUMN spend.settings.unallocated_cost_center IS 'What reports call the cost center of usage that names none.';
COMMENT ON COLUMN spend.settings.max_clock_skew IS 'A row whose occurred_at is further from now is flagged late or future, and one that a writer inserts is held against the budgets of now, too.';
COMMENT ON COLUMN spend.settings.strict_usage IS 'True: an INSERT whose counts contradict each other fails (SP004). False: counts are clamped and the row is flagged inconsistent.';
COMMENT ON COLUMN spend.settings.strict_pricing IS 'True: an INSERT for which there is no price fails (SP003). False: the row is stored as unpriced.';
CALL spend._watch('spend.settings');

CREATE FUNCTION spend._check_settings() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM now() AT TIME ZONE NEW.time_zone;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_settings() IS 'Internal: refuses an unknown time zone.';
CREATE TRIGGER check_settings BEFORE INSERT OR UPDATE ON spend.settings FOR EACH ROW EXECUTE FUNCTION spend._check_settings();

CREATE FUNCTION spend._settings() RETURNS spend.settings
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT s FROM spend.settings AS s), ROW(true, NULL, 'UTC', 'USD', 1, 1, '(untagged)', '1 day', false, false)::spend.settings)
$$;
COMMENT ON FUNCTION spend._settings() IS 'Internal: the settings, or their defaults.';
