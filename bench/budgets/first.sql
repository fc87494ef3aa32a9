-- What the first row of a connection takes, and the first question to the gate, in milliseconds; the library is loaded before. psql variable: user.
\o /dev/null
SELECT '{}'::spend.token_usage;
\o
SELECT clock_timestamp() AS began \gset
INSERT INTO spend.usage (team, user_id, environment, request_model, input_tokens) VALUES ('t1', :'user', 'prod', 'm', 1);
SELECT round(1000 * extract(epoch FROM clock_timestamp() - :'began'), 3) AS first_row, clock_timestamp() AS began \gset
SELECT hold_id FROM spend.authorize('m', jsonb_build_object('team', 't1', 'user_id', :'user', 'environment', 'prod'), '{"input_tokens": 1}') \gset
SELECT :first_row, round(1000 * extract(epoch FROM clock_timestamp() - :'began'), 3);
\o /dev/null
SELECT spend.release(:hold_id);
