-- Sums of the ledger by time, attribution and kind of usage. Writers only ever append deltas, so they never wait for each other;
-- folding adds deltas to the rollups; who reads takes both in one statement, under one snapshot, and misses nothing.

-- A transaction writes its groups packed, some forty to a row, straight into the heap: no index, trigger or constraint would be looked at.
CREATE TABLE spend.rollup_deltas (
  packed bytea NOT NULL
) USING heap WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
                   autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE spend.rollup_deltas ALTER packed SET STORAGE PLAIN;
COMMENT ON TABLE spend.rollup_deltas IS 'What transactions added to the rollups and is not folded yet. The view _unfolded_rollup shows it.';
COMMENT ON COLUMN spend.rollup_deltas.packed IS 'Sums of some groups; spend._unpack_sums() reads them.';

-- A sum that is zero is NULL, which takes no space; what most groups have comes first.
CREATE TABLE spend.rollup_quarters (
  bucket_start timestamptz NOT NULL,
  attribution_id uuid NOT NULL,
  kind_id uuid NOT NULL,
  calls bigint,
  cost numeric,
  list_cost numeric,
  input_tokens numeric,
  output_tokens numeric,
  cache_read_tokens numeric,
  unpriced_calls bigint,
  cached_calls bigint,
  failed_calls bigint,
  failed_cost numeric,
  output_reasoning_tokens numeric,
  cache_write_tokens numeric,
  tool_calls numeric,
  retrieval_queries numeric,
  agent_steps numeric,
  late_calls bigint,
  late_cost numeric,
  accepted_calls bigint,
  accepted_cost numeric,
  rejected_calls bigint,
  reviewed_calls bigint,
  retried_calls bigint,
  retried_cost numeric,
  fallback_calls bigint,
  fallback_cost numeric,
  abandoned_calls bigint,
  abandoned_cost numeric,
  blocked_calls bigint,
  blocked_cost numeric,
  original_input_tokens numeric,
  compressed_input_tokens numeric,
  PRIMARY KEY (bucket_start, attribution_id, kind_id)
) USING heap WITH (fillfactor = 85);
COMMENT ON TABLE spend.rollup_quarters IS 'Sums of the last 62 days by quarter hour. NULL stands for 0.';
COMMENT ON COLUMN spend.rollup_quarters.bucket_start IS 'Start of the quarter hour.';
COMMENT ON COLUMN spend.rollup_quarters.attribution_id IS 'The attribution.';
COMMENT ON COLUMN spend.rollup_quarters.kind_id IS 'The kind of usage, in usage_kinds.';
COMMENT ON COLUMN spend.rollup_quarters.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.rollup_quarters.unpriced_calls IS 'Rows without a cost.';
COMMENT ON COLUMN spend.rollup_quarters.failed_calls IS 'Rows whose status says that the call failed.';
COMMENT ON COLUMN spend.rollup_quarters.abandoned_calls IS 'Rows whose status says that the call was given up.';
COMMENT ON COLUMN spend.rollup_quarters.blocked_calls IS 'Rows that something blocked.';
COMMENT ON COLUMN spend.rollup_quarters.retried_calls IS 'Rows that try again: attempt above 1, or purpose retry.';
COMMENT ON COLUMN spend.rollup_quarters.fallback_calls IS 'Rows that stood in for another model.';
COMMENT ON COLUMN spend.rollup_quarters.cached_calls IS 'Rows that the app''s own response cache answered.';
COMMENT ON COLUMN spend.rollup_quarters.accepted_calls IS 'Rows whose result was accepted.';
COMMENT ON COLUMN spend.rollup_quarters.rejected_calls IS 'Rows whose result was not accepted.';
COMMENT ON COLUMN spend.rollup_quarters.reviewed_calls IS 'Rows whose result a person reviewed.';
COMMENT ON COLUMN spend.rollup_quarters.late_calls IS 'Rows that were written more than a day after their usage.';
COMMENT ON COLUMN spend.rollup_quarters.cost IS 'Cost.';
COMMENT ON COLUMN spend.rollup_quarters.list_cost IS 'Cost before customer terms.';
COMMENT ON COLUMN spend.rollup_quarters.failed_cost IS 'Cost of the failed rows.';
COMMENT ON COLUMN spend.rollup_quarters.abandoned_cost IS 'Cost of the abandoned rows.';
COMMENT ON COLUMN spend.rollup_quarters.blocked_cost IS 'Cost of the blocked rows.';
COMMENT ON COLUMN spend.rollup_quarters.retried_cost IS 'Cost of the retried rows.';
COMMENT ON COLUMN spend.rollup_quarters.fallback_cost IS 'Cost of the fallback rows.';
COMMENT ON COLUMN spend.rollup_quarters.accepted_cost IS 'Cost of the accepted rows.';
COMMENT ON COLUMN spend.rollup_quarters.late_cost IS 'Cost of the late rows.';
COMMENT ON COLUMN spend.rollup_quarters.input_tokens IS 'Input tokens, cached ones included.';
COMMENT ON COLUMN spend.rollup_quarters.cache_read_tokens IS 'Input tokens read from cache.';
COMMENT ON COLUMN spend.rollup_quarters.cache_write_tokens IS 'Input tokens written to cache.';
COMMENT ON COLUMN spend.rollup_quarters.output_tokens IS 'Output tokens, reasoning included.';
COMMENT ON COLUMN spend.rollup_quarters.output_reasoning_tokens IS 'Output tokens spent on reasoning.';
COMMENT ON COLUMN spend.rollup_quarters.tool_calls IS 'Tool calls.';
COMMENT ON COLUMN spend.rollup_quarters.retrieval_queries IS 'Retrieval queries.';
COMMENT ON COLUMN spend.rollup_quarters.agent_steps IS 'Steps of agents.';
COMMENT ON COLUMN spend.rollup_quarters.original_input_tokens IS 'Input tokens before compression, of the rows that know them.';
COMMENT ON COLUMN spend.rollup_quarters.compressed_input_tokens IS 'Input tokens of the same rows.';

-- Days in the organisation's zone, cut once more where the UTC day changes: both kinds of day can be told. And months, by which most
-- reports go, and which have a thirtieth of the rows. A row all of which is of one quarter hour says which, and stands for it in the finer
-- tables: where each call is a group of its own, there is one row of it.
DO $$
DECLARE
  sums text := (
    SELECT string_agg(format('%I %s%s', a.attname, a.atttypid::regtype, CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END), ', ' ORDER BY a.attnum)
    FROM pg_attribute AS a WHERE a.attrelid = 'spend.rollup_quarters'::regclass AND a.attnum > 0 AND a.attname <> 'bucket_start');
  name text;
BEGIN
  EXECUTE format('CREATE TABLE spend.rollup (usage_month date NOT NULL, usage_date date NOT NULL, usage_date_utc date NOT NULL, bucket_start timestamptz, %s,
                  PRIMARY KEY (usage_date, usage_date_utc, attribution_id, kind_id)) USING heap WITH (fillfactor = 85)', sums);
  EXECUTE format('CREATE TABLE spend.rollup_months (usage_month date NOT NULL, usage_date date, usage_date_utc date, bucket_start timestamptz, %s,
                  PRIMARY KEY (usage_month, attribution_id, kind_id)) USING heap WITH (fillfactor = 85)', sums);
  -- The rows of months that were dropped, as they were then.
  EXECUTE format('CREATE TABLE spend.sealed_rollup (usage_month date NOT NULL, usage_date date NOT NULL, usage_date_utc date NOT NULL, %s) USING heap', sums);
  FOREACH name IN ARRAY ARRAY['rollup', 'rollup_months', 'sealed_rollup'] LOOP
    EXECUTE (
      SELECT string_agg(format('COMMENT ON COLUMN spend.%I.%I IS %L', name, a.attname, col_description(a.attrelid, a.attnum)), '; ')
      FROM pg_attribute AS a WHERE a.attrelid = 'spend.rollup_quarters'::regclass AND a.attnum > 0 AND a.attname <> 'bucket_start');
  END LOOP;
END
$$;
-- Folding writes rows about in the order of time; to look up each of their days costs more than to write the row.
CREATE INDEX rollup_months_usage_date_idx ON spend.rollup_months USING brin (usage_date) WITH (pages_per_range = 32, autosummarize = on);
-- Whoever loads a counter looks whether any of its days are here.
CREATE INDEX sealed_rollup_usage_date_idx ON spend.sealed_rollup (usage_date);
COMMENT ON TABLE spend.rollup IS 'Sums by day, for ever: they outlive the rows. NULL stands for 0.';
COMMENT ON COLUMN spend.rollup.usage_month IS 'First day of the month of usage_date.';
COMMENT ON COLUMN spend.rollup.usage_date IS 'Day in the organisation''s zone.';
COMMENT ON COLUMN spend.rollup.usage_date_utc IS 'Day in UTC.';
COMMENT ON COLUMN spend.rollup.bucket_start IS 'Start of the quarter hour of all that is summed up here, if it is one; then it is not in rollup_quarters.';
COMMENT ON TABLE spend.rollup_months IS 'The same sums by month of usage_date. NULL stands for 0.';
COMMENT ON COLUMN spend.rollup_months.usage_month IS 'First day of the month.';
COMMENT ON COLUMN spend.rollup_months.usage_date IS 'Day of bucket_start in the organisation''s zone.';
COMMENT ON COLUMN spend.rollup_months.usage_date_utc IS 'Day of bucket_start in UTC.';
COMMENT ON COLUMN spend.rollup_months.bucket_start IS
  'Start of the quarter hour of all that is summed up here, if it is one; then it is neither in rollup nor in rollup_quarters.';
COMMENT ON TABLE spend.sealed_rollup IS 'What rows that were dropped summed up to: rollup equals the rows that are there and these.';
COMMENT ON COLUMN spend.sealed_rollup.usage_month IS 'First day of the month of usage_date.';
COMMENT ON COLUMN spend.sealed_rollup.usage_date IS 'Day in the organisation''s zone.';
COMMENT ON COLUMN spend.sealed_rollup.usage_date_utc IS 'Day in UTC.';

CREATE TABLE spend.rollup_state (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  time_zone text NOT NULL
) USING heap;
COMMENT ON TABLE spend.rollup_state IS 'How the rollups are cut: at most one row, written by the first folding.';
COMMENT ON COLUMN spend.rollup_state.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN spend.rollup_state.time_zone IS 'Zone of the days in rollup. When it is not that of the settings, spend.maintain() cuts them anew.';

-- A server that publishes all its tables sends these too; here the rows of the ledger themselves are summed up as they arrive.
CREATE FUNCTION spend._refuse_replicated() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'spend_refuse_replicated';
COMMENT ON FUNCTION spend._refuse_replicated() IS 'Internal: skips rows that logical replication brings.';
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['rollup_deltas', 'rollup_quarters', 'rollup', 'rollup_months', 'rollup_state'] LOOP
    EXECUTE format('CREATE TRIGGER refuse_replicated BEFORE INSERT OR UPDATE OR DELETE ON spend.%I FOR EACH ROW EXECUTE FUNCTION spend._refuse_replicated()', name);
    EXECUTE format('ALTER TABLE spend.%I ENABLE REPLICA TRIGGER refuse_replicated', name);
  END LOOP;
END
$$;

CREATE FUNCTION spend._unpack_sums(packed bytea) RETURNS SETOF spend.rollup_quarters
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'spend_unpack_sums';
COMMENT ON FUNCTION spend._unpack_sums(bytea) IS 'Internal: the groups of packed sums, or of several one behind the other. A group may come several times.';

CREATE FUNCTION spend._stretch_of(place tid) RETURNS bigint
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_stretch_of';
COMMENT ON FUNCTION spend._stretch_of(tid) IS 'Internal: the number of the stretch of a table, of 32 MiB, in which a row lies.';

CREATE FUNCTION spend._pending_rollup() RETURNS SETOF spend.rollup_quarters
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'spend_pending_rollup';
COMMENT ON FUNCTION spend._pending_rollup() IS 'Internal: the deltas that this transaction will append when it commits.';

-- Rows are put one behind the other before they are unpacked, since the function costs more than most of them; by stretches of the
-- table, since no value is larger than a gigabyte.
CREATE VIEW spend._unfolded_rollup AS
SELECT u.*
FROM (SELECT string_agg(d.packed, ''::bytea) AS packed FROM spend.rollup_deltas AS d GROUP BY spend._stretch_of(d.ctid)) AS s
CROSS JOIN LATERAL spend._unpack_sums(s.packed) AS u
UNION ALL
SELECT p.* FROM spend._pending_rollup() AS p;
COMMENT ON VIEW spend._unfolded_rollup IS 'Internal: sums that are in no rollup yet, those of the running transaction included; a group may stand several times.';
DO $$
BEGIN
  EXECUTE (
    SELECT string_agg(format('COMMENT ON COLUMN spend._unfolded_rollup.%I IS %L', a.attname, col_description(a.attrelid, a.attnum)), '; ')
    FROM pg_attribute AS a WHERE a.attrelid = 'spend.rollup_quarters'::regclass AND a.attnum > 0);
END
$$;

CREATE FUNCTION spend._rollup_zone() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT s.time_zone FROM spend.rollup_state AS s), (spend._settings()).time_zone)
$$;
COMMENT ON FUNCTION spend._rollup_zone() IS 'Internal: the zone in whose days views count.';

CREATE FUNCTION spend._each_sum(template text) RETURNS text
  LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(format(template, a.attname), ', ' ORDER BY a.attnum)
  FROM pg_attribute AS a
  WHERE a.attrelid = 'spend.rollup_quarters'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('bigint'::regtype, 'numeric'::regtype)
$$;
COMMENT ON FUNCTION spend._each_sum(text) IS 'Internal: the template with the name of each of the sums that rollups have, for statements over all of them.';

-- What views are made of: each sum once, folded or not, those of the running transaction included.
DO $$
DECLARE
  sums text := spend._each_sum('%I');
  added text := spend._each_sum('sum(d.%1$I) AS %1$I');
  unfolded text := format($q$
    SELECT date_trunc('month', l.local_time)::date AS usage_month, l.local_time::date AS usage_date, (d.bucket_start AT TIME ZONE 'UTC')::date AS usage_date_utc,
           d.attribution_id, d.kind_id, %1$s
    FROM spend._unfolded_rollup AS d
    CROSS JOIN spend._rollup_zone() AS z
    CROSS JOIN LATERAL (SELECT d.bucket_start AT TIME ZONE z AS local_time) AS l$q$, sums);
BEGIN
  EXECUTE format('CREATE VIEW spend._usage_days AS SELECT usage_month, usage_date, usage_date_utc, attribution_id, kind_id, %1$s FROM spend.rollup
                  UNION ALL SELECT usage_month, usage_date, usage_date_utc, attribution_id, kind_id, %1$s FROM spend.rollup_months WHERE usage_date IS NOT NULL
                  UNION ALL %2$s', sums, unfolded);
  -- Only what is not folded is summed up here: there may be many deltas of a group, and one row of it among the months.
  EXECUTE format('CREATE VIEW spend._usage_months AS SELECT usage_month, attribution_id, kind_id, %1$s FROM spend.rollup_months
                  UNION ALL SELECT d.usage_month, d.attribution_id, d.kind_id, %3$s FROM (%2$s) AS d GROUP BY 1, 2, 3', sums, unfolded, added);
  EXECUTE format('CREATE VIEW spend._usage_quarters AS SELECT bucket_start, attribution_id, kind_id, %1$s FROM spend.rollup_quarters
                  UNION ALL SELECT bucket_start, attribution_id, kind_id, %1$s FROM spend.rollup WHERE bucket_start IS NOT NULL
                  UNION ALL SELECT bucket_start, attribution_id, kind_id, %1$s FROM spend.rollup_months WHERE bucket_start IS NOT NULL
                  UNION ALL SELECT bucket_start, attribution_id, kind_id, %1$s FROM spend._unfolded_rollup', sums);
END
$$;
COMMENT ON VIEW spend._usage_days IS 'Internal: all sums by day, folded or not; a day, attribution and kind may stand several times.';
COMMENT ON VIEW spend._usage_months IS 'Internal: all sums by month, folded or not; a month, attribution and kind may stand twice.';
COMMENT ON VIEW spend._usage_quarters IS 'Internal: all sums by quarter hour, folded or not; of the folded ones, the recent.';
