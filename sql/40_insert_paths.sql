-- Whatever way a row comes in, it is stored as it was priced: through the parent or into a leaf, beside other triggers,
-- through COPY, by a plain statement, a prepared one or a function, with the columns in another order.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "2/1M"}}', '-infinity') AS price \gset
INSERT INTO spend.budgets (name, amount, period, thresholds) VALUES ('all', 1000000, 'total', '{}');
CREATE FUNCTION regress.stored() RETURNS TABLE (leaf text, rows bigint, cost numeric, stamped bigint, attributed bigint, spent numeric) LANGUAGE sql AS $$
  SELECT tableoid::regclass, count(*), sum(cost), count(recorded_at), count(attribution_id), (SELECT c.spent FROM spend._counter_totals AS c)
  FROM spend.usage GROUP BY 1 ORDER BY 1
$$;
-- Through the parent, into the leaf, from a query, as one of many rows.
INSERT INTO spend.usage (request_model, input_tokens) VALUES ('gpt-regress', 1000000) RETURNING cost, currency, pricing_status, recorded_at = now() AS stamped, attribution_id IS NOT NULL AS attributed;
INSERT INTO spend.usage_default (request_model, input_tokens) VALUES ('gpt-regress', 1000000) RETURNING cost, currency, pricing_status, recorded_at = now() AS stamped, attribution_id IS NOT NULL AS attributed;
INSERT INTO spend.usage (request_model, input_tokens, team) SELECT 'gpt-regress', 1000000 * i, 'T' || i FROM generate_series(1, 3) AS i RETURNING team, cost, currency;
WITH added AS (INSERT INTO spend.usage (request_model, input_tokens) VALUES ('gpt-regress', 1), ('unknown', 1), ('gpt-regress', 3) RETURNING cost, currency, pricing_reason)
SELECT * FROM added;
PREPARE one (numeric) AS INSERT INTO spend.usage (request_model, input_tokens) VALUES ('gpt-regress', $1) RETURNING cost;
EXECUTE one (5);
EXECUTE one (7);
CREATE FUNCTION regress.note(tokens numeric) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  computed numeric;
BEGIN
  INSERT INTO spend.usage (request_model, input_tokens) VALUES ('gpt-regress', tokens) RETURNING cost INTO computed;
  RETURN computed;
END
$$;
SELECT regress.note(9);
COPY spend.usage (request_model, input_tokens, team) FROM STDIN;
gpt-regress	1000000	T1
gpt-regress	2000000	T2
\.
COPY spend.usage_default (request_model, input_tokens) FROM STDIN;
gpt-regress	1000000
\.
SELECT * FROM regress.stored();
-- Values that live out of line, in the source and in the row.
CREATE TABLE regress.wide (request_model text, input_tokens numeric, team text, tags jsonb);
ALTER TABLE regress.wide ALTER tags SET STORAGE EXTERNAL, ALTER team SET STORAGE EXTERNAL;
INSERT INTO regress.wide SELECT 'gpt-regress', 11, repeat('Ab', 3000), jsonb_build_object('note', repeat('x', 10000));
INSERT INTO spend.usage (request_model, input_tokens, team, tags) SELECT * FROM regress.wide RETURNING cost, length(team), length(tags ->> 'note');
UPDATE spend.usage SET feature = 'search' WHERE input_tokens = 11 RETURNING cost, length(team);
SELECT length(dimensions ->> 'team'), dimensions ->> 'feature' AS feature FROM spend.attributions WHERE length(dimensions ->> 'team') > 100 ORDER BY 2 NULLS FIRST;
-- Triggers of others before and after ours. The one before changes what is priced, the one after sees what was computed.
CREATE FUNCTION regress.double() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.input_tokens := NEW.input_tokens * 2;
  RETURN NEW;
END
$$;
CREATE FUNCTION regress.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.route := NEW.cost || ' ' || NEW.currency;
  RETURN NEW;
END
$$;
CREATE TRIGGER a_double BEFORE INSERT ON spend.usage_default FOR EACH ROW EXECUTE FUNCTION regress.double();
INSERT INTO spend.usage (request_model, input_tokens) VALUES ('gpt-regress', 1000000) RETURNING input_tokens, route, cost, currency;
CREATE TRIGGER z_look BEFORE INSERT ON spend.usage_default FOR EACH ROW EXECUTE FUNCTION regress.look();
INSERT INTO spend.usage (request_model, input_tokens) VALUES ('gpt-regress', 1000000) RETURNING input_tokens, route, cost, currency;
COPY spend.usage (request_model, input_tokens) FROM STDIN;
gpt-regress	13
\.
SELECT input_tokens, route, cost, currency, recorded_at IS NOT NULL AS stamped FROM spend.usage WHERE input_tokens = 26;
DROP TRIGGER a_double ON spend.usage_default;
DROP TRIGGER z_look ON spend.usage_default;
-- A leaf whose columns stand in another order: the row is converted on its way there.
DO $$
DECLARE
  columns text := (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum DESC)
    FROM pg_attribute WHERE attrelid = 'spend.usage'::regclass AND attnum > 0);
BEGIN
  EXECUTE format('CREATE TABLE spend.usage_backwards (%s)', columns);
END
$$;
ALTER TABLE spend.usage_backwards ALTER usage_id SET NOT NULL, ALTER occurred_at SET NOT NULL;
ALTER TABLE spend.usage ATTACH PARTITION spend.usage_backwards FOR VALUES FROM ('2999-01-01') TO ('2999-02-01');
CALL spend._equip_leaf('spend.usage_backwards');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-01-05', 'gpt-regress', 1000000), (now(), 'gpt-regress', 1000000), ('2999-01-06', 'gpt-regress', 500000)
RETURNING cost, currency, pricing_status, attribution_id IS NOT NULL AS attributed;
SELECT * FROM regress.stored();
SELECT * FROM spend.verify();
