-- What spend.status says of the ledger's machinery.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE VIEW regress.status AS SELECT rollup_percent, warning, hint FROM spend.status;

-- Nothing to warn of: no usage; a small ledger; many rows of few groups.
SELECT * FROM regress.status;
INSERT INTO spend.usage (team, user_id) VALUES ('a', 'u1'), ('a', 'u2');
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT * FROM regress.status;
INSERT INTO spend.usage (occurred_at, team, user_id) SELECT now(), 'a', 'u' || i % 100 FROM generate_series(1, 998) AS i;
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT * FROM regress.status;
-- A user for every third row: sums are many, and the dimension to blame is named. It is left out of the sums from there on.
INSERT INTO spend.usage (occurred_at, team, user_id) SELECT now(), 't' || i % 7, 'v' || i / 3 FROM generate_series(1, 2000) AS i;
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT rollup_percent > 20 AS sparse, regexp_replace(warning, '\d+', 'N') AS warning, hint FROM regress.status;
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('user_id', false);
INSERT INTO spend.usage (occurred_at, team, user_id) SELECT now(), 't' || i % 7, 'w' || i / 3 FROM generate_series(1, 9000) AS i;
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT rollup_percent < 20 AS dense, warning, hint FROM regress.status;
-- Kinds of usage that are many have no dimension to blame.
DELETE FROM spend.usage;
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
INSERT INTO spend.usage (occurred_at, request_model) SELECT now(), 'model-' || i FROM generate_series(1, 1500) AS i;
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT * FROM regress.status;
-- What waits for upkeep, for delivery, for a price or for a newer catalog.
CREATE VIEW regress.waiting AS SELECT unfolded_sums > 0 AS has_unfolded, default_partition_rows, undelivered_alerts, oldest_undelivered_at IS NOT NULL AS has_oldest, unpriced_calls, catalog_checked_date, catalog_age_days >= 0 AS has_age
FROM spend.status;
DELETE FROM spend.usage;
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT * FROM regress.waiting;
INSERT INTO spend.prices (provider, model, price, origin, checked_date) VALUES ('acme', 'a1', '{"rates": {"input_tokens": "1/1"}}', 'catalog', '2026-01-02'), ('acme', 'a2', '{"rates": {"input_tokens": "1/1"}}', 'user', '2026-02-03');
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('small', 10, 'total', 'alert');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2001-01-01', 'a', 'a1', 20), ('2001-01-01', 'a', 'unknown', 1), ('2001-01-01', 'b', 'unknown', 1);
SELECT * FROM regress.waiting;
-- Of the rows without a price each reader counts those it may see.
CREATE ROLE regress_status;
SELECT spend.grant_access('regress_status', 'reader', '{"team": "b"}');
SET ROLE regress_status;
SELECT unpriced_calls FROM spend.status;
RESET ROLE;
SELECT spend.revoke_access('regress_status', 'reader');
DROP ROLE regress_status;
UPDATE spend.alerts SET delivered_at = now();
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT * FROM regress.waiting;
