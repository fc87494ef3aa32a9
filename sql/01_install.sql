-- CREATE EXTENSION, what it makes and who may use it; DROP EXTENSION leaves nothing.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

-- It names the next steps, seeds nothing, and can be dropped and made again in one session.
INSERT INTO spend.settings DEFAULT VALUES;
INSERT INTO spend.usage (request_model, input_tokens, output_tokens) VALUES ('regress-model', 1, 1);
SELECT count(*) > 0 AS made_partitions FROM spend.maintain();
DROP EXTENSION pg_spend;
SELECT to_regnamespace('spend') IS NULL AS schema_gone;
SELECT spend.version();
CREATE EXTENSION pg_spend;
SELECT spend.version() = extversion AS library_and_extension_agree FROM pg_extension WHERE extname = 'pg_spend';
CREATE EXTENSION pg_spend;
SELECT count(*) AS usage_rows FROM spend.usage;
DO $$
DECLARE
  name regclass;
  filled boolean;
BEGIN
  FOR name IN SELECT oid FROM pg_class WHERE relnamespace = 'spend'::regnamespace AND relkind IN ('r', 'p') LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO filled;
    IF filled THEN RAISE NOTICE '% is not empty', name; END IF;
  END LOOP;
END
$$;
-- A new row works at once, with nothing loaded: recorded, not free.
INSERT INTO spend.usage (request_model, input_tokens, output_tokens) VALUES ('regress-model', 1000, 100)
RETURNING usage_id, cost, currency, pricing_status, pricing_reason;
-- The warning comes once per connection and model.
INSERT INTO spend.usage (request_model, input_tokens, output_tokens) VALUES ('regress-model', 1000, 100), ('regress-other', 1, 1)
RETURNING usage_id, cost, pricing_status, pricing_reason;

-- A schema of this name that somebody else made is not taken over.
DROP EXTENSION pg_spend;
CREATE SCHEMA spend;
CREATE EXTENSION pg_spend;
DROP SCHEMA spend;
CREATE EXTENSION pg_spend SCHEMA public;
DROP EXTENSION IF EXISTS pg_spend;
CREATE EXTENSION pg_spend;
ALTER EXTENSION pg_spend SET SCHEMA public;

-- All that the schema holds belongs to the extension (leaves of coming months will not: they dump as plain tables).
SELECT pg_describe_object(classid, objid, 0) AS not_a_member
FROM (
  SELECT 'pg_class'::regclass AS classid, oid AS objid FROM pg_class WHERE relnamespace = 'spend'::regnamespace AND relkind NOT IN ('i', 'c')
  UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'spend'::regnamespace
  UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprnamespace = 'spend'::regnamespace
  UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass WHERE opcnamespace = 'spend'::regnamespace
) AS ours
WHERE NOT EXISTS (
  SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
  WHERE d.classid = ours.classid AND d.objid = ours.objid AND d.deptype = 'e' AND e.extname = 'pg_spend')
ORDER BY 1;
-- The parent of the ledger carries nothing that a dump could not restore.
SELECT count(*) FILTER (WHERE kind = 'index') AS indexes, count(*) FILTER (WHERE kind = 'trigger') AS triggers, count(*) FILTER (WHERE kind = 'constraint') AS constraints
FROM (
  SELECT 'index' AS kind FROM pg_index WHERE indrelid = 'spend.usage'::regclass
  UNION ALL SELECT 'trigger' FROM pg_trigger WHERE tgrelid = 'spend.usage'::regclass
  UNION ALL SELECT 'constraint' FROM pg_constraint WHERE conrelid = 'spend.usage'::regclass AND contype <> 'n'
) AS x;
-- What a dump carries rows of.
SELECT string_agg(t::regclass::text, ' ' ORDER BY t::regclass::text COLLATE "C") AS dumped FROM pg_extension, unnest(extconfig) AS t WHERE extname = 'pg_spend';

-- PUBLIC has nothing: no schema, no table, no sequence, and of functions only those that touch no table.
SELECT has_schema_privilege('public', 'spend', 'USAGE') AS usage, has_schema_privilege('public', 'spend', 'CREATE') AS create;
SELECT c.oid::regclass AS granted_to_public
FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
WHERE c.relnamespace = 'spend'::regnamespace AND a.grantee = 0;
SELECT c.oid::regclass AS column_granted_to_public
FROM pg_attribute AS t JOIN pg_class AS c ON c.oid = t.attrelid CROSS JOIN LATERAL aclexplode(t.attacl) AS a
WHERE c.relnamespace = 'spend'::regnamespace AND a.grantee = 0;
SELECT p.oid::regprocedure AS open_to_public_and_not_pure
FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.pronamespace = 'spend'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
  AND NOT (p.prokind = 'a' OR (l.lanname = 'c' AND p.provolatile = 'i'));

-- Every function in another language than C pins its search path, but for those that are put in the place of a view and name nothing that a path could
-- lead to; nothing else runs with the owner's rights.
SELECT p.oid::regprocedure AS unpinned
FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.pronamespace = 'spend'::regnamespace AND (l.lanname <> 'c' OR p.prosecdef)
  AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
  AND p.prosrc !~ '^SELECT v\.\* FROM spend\._[a-z0-9_]+ AS v$'
  AND p.prokind <> 'a';
SELECT p.proname AS runs_as_owner FROM pg_proc AS p WHERE p.pronamespace = 'spend'::regnamespace AND p.prosecdef ORDER BY 1;

-- Nothing without a comment.
SELECT pg_describe_object(classid, objid, objsubid) AS without_comment
FROM (
  SELECT 'pg_class'::regclass AS classid, c.oid AS objid, 0 AS objsubid FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
  UNION ALL
  SELECT 'pg_class'::regclass, a.attrelid, a.attnum FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
  WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT 'pg_proc'::regclass, oid, 0 FROM pg_proc WHERE pronamespace = 'spend'::regnamespace
  UNION ALL SELECT 'pg_type'::regclass, oid, 0 FROM pg_type WHERE typnamespace = 'spend'::regnamespace AND typtype = 'b' AND typelem = 0
  UNION ALL SELECT 'pg_operator'::regclass, oid, 0 FROM pg_operator WHERE oprnamespace = 'spend'::regnamespace
) AS ours
WHERE NOT EXISTS (SELECT FROM pg_description AS d WHERE (d.classoid, d.objoid, d.objsubid) = (ours.classid, ours.objid, ours.objsubid))
ORDER BY 1;

-- Parameters are no reserved words, so that every one can be named in a call without quotes.
SELECT p.oid::regprocedure AS function, n.name AS reserved
FROM pg_proc AS p CROSS JOIN LATERAL unnest(p.proargnames) AS n(name) JOIN pg_get_keywords() AS k ON k.word = n.name
WHERE p.pronamespace = 'spend'::regnamespace AND k.catcode = 'R';

-- Uninstalling leaves nothing, whatever was stored.
SELECT count(*) > 0 AS made_partitions FROM spend.maintain();
DROP EXTENSION pg_spend;
SELECT count(*) AS left_over FROM pg_class WHERE relname ~ '^usage_[0-9]';

-- Default privileges that an administrator gave for new objects do not open the ledger, now or for leaves to come.
CREATE ROLE regress_default;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_default, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_default;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_default;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_default;
CREATE EXTENSION pg_spend;
SELECT count(*) > 0 AS made_partitions FROM spend.maintain();
SELECT c.oid::regclass AS open_relation FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a WHERE c.relnamespace = 'spend'::regnamespace AND a.grantee <> c.relowner;
SELECT has_schema_privilege('regress_default', 'spend', 'USAGE') AS schema, count(*) FILTER (WHERE has_function_privilege('regress_default', p.oid, 'EXECUTE') AND NOT (p.prokind = 'a' OR p.provolatile = 'i')) AS functions
FROM pg_proc AS p WHERE p.pronamespace = 'spend'::regnamespace;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_default, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM regress_default;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_default;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_default;
DROP EXTENSION pg_spend;
DROP OWNED BY regress_default;
DROP ROLE regress_default;
CREATE EXTENSION pg_spend;
