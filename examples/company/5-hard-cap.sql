-- One more call of the chatbot, over the hard cap of its department: the INSERT fails, and an app that inserts before it
-- calls the model does not call it. The figures are in DETAIL for roles that may read this budget; others see its name only.

SELECT spend.grant_access('company_support', 'writer') \g /dev/null
\echo 'One more call of the chatbot, over the hard cap of support:'
SET ROLE company_support;
\set ON_ERROR_STOP off
INSERT INTO spend.usage (department, cost_center, team, feature, provider, request_model, input_tokens, output_tokens)
VALUES ('support', 'CC-300', 'tier2', 'ai_chatbot', 'anthropic', 'claude-opus-5', 600000, 100000);
\set refused_with :LAST_ERROR_SQLSTATE
\set ON_ERROR_STOP on
RESET ROLE;
\echo 'SQLSTATE' :refused_with
