-- What the company's apps did this month: 28,185 real calls to two production services (examples/data/README.md says where
-- they come from), given to departments, features and models by their line number, so that every run gives the same figures.
-- Run it from the top of the source tree.

CREATE SCHEMA company;
CREATE TABLE company.trace (
  line integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  trace text NOT NULL,
  occurred_at timestamptz NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL
);
\copy company.trace (trace, occurred_at, input_tokens, output_tokens) FROM 'examples/data/azure_llm_inference_2023.csv' (FORMAT csv, HEADER)

-- Of every hundred calls of a trace, the ones whose number ends in first..last come from this feature. The models have one
-- rate for short and long requests: a row stands for many calls here, and must not look like one very long one.
CREATE TABLE company.workload (
  trace text, first integer, last integer,
  department text, cost_center text, team text, feature text,
  provider text, model text, service_tier text
);
INSERT INTO company.workload VALUES
  ('code',  0, 34, 'engineering', 'CC-100', 'platform', 'ai_code_review',      'anthropic', 'claude-opus-5',        NULL),
  ('code', 35, 64, 'engineering', 'CC-100', 'mobile',   'ai_code_review',      'openai',    'gpt-5.5-codex',        NULL),
  ('code', 65, 79, 'engineering', 'CC-100', 'quality',  'ai_test_generation',  'anthropic', 'claude-sonnet-4-6',    'batch'),
  ('code', 80, 91, 'engineering', 'CC-100', 'platform', 'ai_code_completion',  'acme',      'acme-coder-32b',       NULL),
  ('code', 92, 99, 'product',     'CC-500', 'data',     'ai_sql_assistant',    'mistral',   'codestral-latest',     NULL),
  ('conv',  0, 14, 'marketing',   'CC-200', 'content',  'ai_copywriter',       'openai',    'gpt-5.5-chat',         NULL),
  ('conv', 15, 20, 'marketing',   'CC-200', 'regions',  'ai_localisation',     'mistral',   'mistral-large-latest', NULL),
  ('conv', 21, 48, 'support',     'CC-300', 'care',     'ai_chatbot',          'google',    'gemini-3.5-flash',     NULL),
  ('conv', 49, 52, 'support',     'CC-300', 'tier2',    'ai_chatbot',          'anthropic', 'claude-opus-5',        NULL),
  ('conv', 53, 68, 'sales',       'CC-400', 'outbound', 'ai_lead_research',    'anthropic', 'claude-sonnet-4-6',    NULL),
  ('conv', 69, 76, 'sales',       'CC-400', 'inbound',  'ai_call_notes',       'openai',    'gpt-5.4-mini',         NULL),
  ('conv', 77, 85, 'product',     'CC-500', 'growth',   'ai_onboarding_guide', 'anthropic', 'claude-sonnet-4-6',    NULL),
  ('conv', 86, 99, 'product',     'CC-500', 'search',   'ai_search',           'deepseek',  'deepseek-v4-pro',      NULL);

\set calls_per_row 200
\echo 'Two real traces of one hour, 28,185 calls, become the month of a company: each stands for N =' :calls_per_row 'calls.'

-- The traces' hour, stretched over the current month up to now: on the first of a month that is a short time.
CREATE TABLE company.calls AS
SELECT t.line,
       -- In seconds: an interval in days would follow the session's daylight saving time.
       least(now(), m.start + make_interval(secs => (extract(epoch FROM now() - m.start) * extract(epoch FROM t.occurred_at - h.first)
                                                     / extract(epoch FROM h.last - h.first))::double precision)) AS occurred_at,
       w.department, w.cost_center, w.team, w.feature, w.provider, w.model, w.service_tier,
       t.input_tokens * :calls_per_row AS input_tokens,
       t.output_tokens * :calls_per_row AS output_tokens,
       -- The chatbot writes each call by itself, because its budget is a hard cap; the others write a hundred at a time.
       CASE w.feature WHEN 'ai_chatbot' THEN t.line
            ELSE (row_number() OVER (PARTITION BY w.feature ORDER BY t.occurred_at, t.line) - 1) / 100 END AS batch
FROM company.trace AS t
JOIN company.workload AS w ON w.trace = t.trace AND t.line % 100 BETWEEN w.first AND w.last
CROSS JOIN (SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM company.trace) AS h
CROSS JOIN (SELECT date_trunc('month', now(), 'UTC') AS start) AS m;
CREATE INDEX ON company.calls (feature, batch);
ANALYZE company.calls;

GRANT USAGE ON SCHEMA company TO company_app;
GRANT SELECT ON company.calls TO company_app;

SELECT count(*) AS lines, sum(input_tokens + output_tokens) AS tokens, min(occurred_at)::timestamptz(0) AS first_call,
       max(occurred_at)::timestamptz(0) AS last_call
FROM company.calls;
