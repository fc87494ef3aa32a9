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
