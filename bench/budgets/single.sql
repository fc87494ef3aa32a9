-- pgbench: one row of a user who has a budget.
\set number random(1, 6)
INSERT INTO spend.usage (team, user_id, environment, request_model, input_tokens) VALUES ('t1', 'u' || :number, 'prod', 'm', 1);
