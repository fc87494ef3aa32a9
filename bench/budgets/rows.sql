-- One batch of usage: users who have a budget and users who have none. "known" comes again and again; "new" brings a new user with each row.
-- psql variables: rows, users ('known' or 'new'), round. Prints the milliseconds of the INSERT.
SELECT clock_timestamp() AS began \gset
INSERT INTO spend.usage (team, user_id, environment, request_model, input_tokens)
SELECT 't' || i % 10,
       CASE WHEN :'users' = 'new' THEN 'n' || :'round' || '-' || i WHEN i % 100 < 60 THEN 'u' || i % 6 + 1 ELSE 'x' || i % 97 END,
       CASE WHEN i % 4 = 0 THEN 'test' ELSE 'prod' END, 'm', i % 1000
FROM generate_series(1, :rows) AS i;
SELECT extract(epoch FROM clock_timestamp() - :'began') * 1000;
