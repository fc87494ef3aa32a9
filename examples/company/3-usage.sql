-- The apps write their usage. They know nothing of prices or budgets: they insert what they know, in transactions of their
-- own, as a role that may do nothing else. The one thing an app handles is SP001, the refusal of a hard cap.

CREATE PROCEDURE company.write_usage(INOUT recorded bigint DEFAULT 0, INOUT refused bigint DEFAULT 0)
  LANGUAGE plpgsql AS $$
DECLARE
  batch record;
  written bigint;
BEGIN
  FOR batch IN
    SELECT c.feature, c.batch AS number, count(*) AS calls FROM company.calls AS c GROUP BY 1, 2 ORDER BY max(c.occurred_at), max(c.line)
  LOOP
    BEGIN
      -- The idempotency key makes it safe to run this again: what is recorded is not recorded twice.
      INSERT INTO spend.usage (occurred_at, source, idempotency_key, department, cost_center, team, feature, environment,
                               provider, request_model, service_tier, operation, input_tokens, output_tokens, status)
      SELECT c.occurred_at, c.feature, 'call-' || c.line, c.department, c.cost_center, c.team, c.feature, 'prod',
             c.provider, c.model, c.service_tier, 'chat', c.input_tokens, c.output_tokens, 'ok'
      FROM company.calls AS c
      WHERE c.feature = batch.feature AND c.batch = batch.number
      ORDER BY c.line;
      GET DIAGNOSTICS written = ROW_COUNT;
      recorded := recorded + written;
    EXCEPTION WHEN SQLSTATE 'SP001' THEN
      refused := refused + batch.calls;
    END;
    COMMIT;
  END LOOP;
END
$$;

GRANT EXECUTE ON PROCEDURE company.write_usage TO company_app;
\echo 'The apps insert their usage. Each row is priced, attributed and counted in its own transaction.'
SET ROLE company_app;
CALL company.write_usage();
RESET ROLE;
