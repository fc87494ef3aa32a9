-- Providers' payloads into token_usage: spend.usage_from, usage_lines, usage_problem, usage_from_otel. What each API means is tested
-- with the core; here is what SQL adds.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

-- by shape, by provider, by API; the body and the usage alone
SELECT spend.usage_from('openai', '{"model": "gpt-4o", "usage": {"prompt_tokens": 5200, "completion_tokens": 350, "prompt_tokens_details": {"cached_tokens": 4096}}}');
SELECT spend.usage_from('anthropic', '{"input_tokens": 9, "cache_read_input_tokens": 183, "cache_creation_input_tokens": 50, "output_tokens": 12}');
SELECT spend.usage_from('google', '{"usageMetadata": {"promptTokenCount": 17, "candidatesTokenCount": 201, "thoughtsTokenCount": 213, "toolUsePromptTokenCount": 119}}');
SELECT spend.usage_from('openai', '{"usage": {"input_tokens": 23, "output_tokens": 1056}}', 'images') AS images,
       spend.usage_from('openai', '{"usage": {"input_tokens": 23, "output_tokens": 1056}}') AS responses;
SELECT spend.usage_from(NULL, '[{"message": {"usage": {"input_tokens": 69}}}, {"usage": {"output_tokens": 40}}, {"usage": {"output_tokens": 100}}]') AS stream;
SELECT spend.usage_from_otel('{"gen_ai.usage.input_tokens": "120", "gen_ai.usage.output_tokens": "40"}') AS otel,
       spend.usage_from_otel('{"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 120}') AS agent,
       spend.usage_from_otel(NULL) AS nothing;

-- missing is NULL and malformed is NULL, each with its reason; zero is {}
SELECT p.payload, spend.usage_from('openai', p.payload) AS usage, spend.usage_problem('openai', p.payload) AS problem
FROM (VALUES ('{"usage": {"prompt_tokens": 0, "completion_tokens": 0}}'::jsonb), (NULL), ('null'), ('{}'), ('[]'), ('7'), ('"text"'),
             ('{"usage": null}'), ('{"usage": {}}'), ('{"usage": 7}'), ('{"usage": {"total_tokens": 7}}'),
             ('{"usage": {"prompt_tokens": -1}}'), ('{"usage": {"prompt_tokens": "many"}}'), ('{"usage": {"prompt_tokens": 1e15}}'),
             ('{"usage": {"prompt_tokens": [1]}}'), ('{"gen_ai.operation.name": "execute_tool", "gen_ai.usage.input_tokens": 1}')) AS p(payload);
SELECT spend.usage_from('openai', '{"usage": 7}', strict => true);
SELECT spend.usage_from('openai', '{"model": "gpt-5"}', strict => true);
SELECT * FROM spend.usage_lines('openai', '{"usage": {"prompt_tokens": -1}}', strict => true);
SELECT spend.usage_from('openai', NULL, strict => true) AS nothing,
       spend.usage_from('openai', '{"gen_ai.operation.name": "execute_tool", "gen_ai.usage.input_tokens": 1}', strict => true) AS not_billed;
SELECT length(spend.usage_problem('openai', to_jsonb(repeat('x', 17 * 1024 * 1024)))) > 0 AS too_large;

-- contradictory counts come out as sent, and are judged where they are priced
SELECT spend.usage_from('openai', '{"usage": {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 12}}}') AS usage \gset
SELECT spend.cost('{"rates": {"input_tokens": "1/1M", "cache_read_tokens": "0.1/1M", "output_tokens": "2/1M"}}'::spend.price, :'usage'::spend.token_usage);

-- several models, the vendor's own cost, what served
SELECT model, usage, service_tier, region FROM spend.usage_lines('anthropic', '{"model": "claude-sonnet-5", "usage": {
  "input_tokens": 2390, "output_tokens": 121, "output_tokens_details": {"thinking_tokens": 28}, "service_tier": "standard", "inference_geo": "us",
  "iterations": [{"type": "message", "input_tokens": 1128, "output_tokens": 110},
                 {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 2518, "output_tokens": 22},
                 {"type": "message", "input_tokens": 1262, "output_tokens": 11}]}}');
SELECT model, usage, reported_cost, reported_currency, problem FROM spend.usage_lines('xai', '{"model": "grok-3-mini", "usage": {"prompt_tokens": 12,
  "completion_tokens": 1, "total_tokens": 303, "prompt_tokens_details": {"cached_tokens": 11}, "completion_tokens_details": {"reasoning_tokens": 290},
  "cost_in_usd_ticks": 1466250}}');
SELECT * FROM spend.usage_lines('openai', '{"model": "gpt-5", "service_tier": "flex", "usage": {"prompt_tokens": "x"}}');
SELECT model, variant, reported_cost FROM spend.usage_lines('perplexity', '{"model": "sonar-pro", "usage": {"prompt_tokens": 14,
  "completion_tokens": 1000, "search_context_size": "high", "cost": {"total_cost": 0.029042}}}');
-- each result of a batch is a line of its own
SELECT model, usage FROM spend.usage_lines('openai', to_jsonb(
  '{"custom_id": "a", "response": {"body": {"id": "c-1", "object": "chat.completion", "model": "gpt-4o", "usage": {"prompt_tokens": 22, "completion_tokens": 2}}}}' || E'\n' ||
  '{"custom_id": "b", "response": {"body": {"id": "c-2", "object": "chat.completion", "model": "gpt-4o", "usage": {"prompt_tokens": 20, "completion_tokens": 9}}}}'));
SELECT count(*) FROM spend.usage_lines('openai', NULL);
SELECT count(*) FROM spend.usage_lines(NULL, '{"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 120}');

-- in an INSERT: one token_usage is enough, the columns are filled from it
SELECT spend.set_price('xai', 'grok-3-mini', '{"rates": {"input_tokens": "0.3/1M", "cache_read_tokens": "0.075/1M", "output_tokens": "0.5/1M"}}', '2020-01-01') > 0 AS ok;
WITH line AS (
  SELECT * FROM spend.usage_lines('xai', '{"model": "grok-3-mini", "usage": {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 303,
    "prompt_tokens_details": {"cached_tokens": 11, "text_tokens": 12}, "completion_tokens_details": {"reasoning_tokens": 290}, "cost_in_usd_ticks": 1466250}}')
)
INSERT INTO spend.usage (occurred_at, provider, response_model, service_tier, other_usage, reported_cost)
SELECT '2026-01-05 09:00+00', 'xai', model, service_tier, usage, reported_cost FROM line;
INSERT INTO spend.usage (occurred_at, provider, response_model, other_usage)
VALUES ('2026-01-05 10:00+00', 'xai', 'grok-3-mini', spend.usage_from('xai', '{"usage": null}')),
       ('2026-01-05 11:00+00', 'xai', 'grok-3-mini', spend.usage_from('xai', '{"usage": {"prompt_tokens": 0, "completion_tokens": 0}}')),
       ('2026-01-05 12:00+00', 'xai', 'grok-3-mini', spend.usage_from('xai', '{"usage": {"prompt_tokens": 10, "completion_tokens": 4}}'));
INSERT INTO spend.usage (occurred_at, provider, response_model, input_tokens, other_usage)
VALUES ('2026-01-05 13:00+00', 'xai', 'grok-3-mini', 7, '{"input_tokens": 9, "output_tokens": 4}');
SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'HH24') AS hour, input_tokens, cache_read_tokens, output_tokens, output_reasoning_tokens, other_usage,
       cost, cost = reported_cost AS as_billed, pricing_status, pricing_reason
FROM spend.usage ORDER BY occurred_at;
UPDATE spend.usage SET other_usage = '{"output_tokens": 8, "tool_calls": 2}', output_tokens = NULL WHERE occurred_at = '2026-01-05 12:00+00';
SELECT input_tokens, output_tokens, tool_calls, other_usage, cost FROM spend.usage WHERE occurred_at = '2026-01-05 12:00+00';
SELECT * FROM spend.verify();

-- immutable: usable in an index and a generated column
CREATE TABLE responses (body jsonb, usage spend.token_usage GENERATED ALWAYS AS (spend.usage_from('openai', body)) STORED);
INSERT INTO responses VALUES ('{"usage": {"prompt_tokens": 5, "completion_tokens": 2}}');
SELECT usage FROM responses;
SELECT proname, provolatile, proparallel FROM pg_proc WHERE pronamespace = 'spend'::regnamespace AND proname IN ('usage_from', 'usage_lines', 'usage_problem', 'usage_from_otel') ORDER BY proname;
DROP TABLE responses;
