-- The reference, written as Markdown from the comments on the extension's own objects. Run by scripts/reference.
--
-- Public is what lives in schema spend and whose name does not start with an underscore. Functions that only serve a
-- type, an operator, a cast, an aggregate or a trigger are part of what they serve.

\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset footer off
\pset recordsep '\n'
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;
-- The settings of the library appear in pg_settings once it is loaded.
LOAD '$libdir/pg_spend';

CREATE TEMP VIEW members AS
SELECT classid, objid
FROM pg_depend
WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_spend');

CREATE TEMP VIEW supporting AS
SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typsubscript]::oid[]) AS oid
FROM pg_type WHERE oid IN (SELECT objid FROM members WHERE classid = 'pg_type'::regclass)
UNION SELECT unnest(ARRAY[oprcode, oprrest, oprjoin]::oid[])
FROM pg_operator WHERE oid IN (SELECT objid FROM members WHERE classid = 'pg_operator'::regclass)
UNION SELECT castfunc FROM pg_cast WHERE oid IN (SELECT objid FROM members WHERE classid = 'pg_cast'::regclass)
UNION SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn]::oid[])
FROM pg_aggregate WHERE aggfnoid IN (SELECT objid FROM members WHERE classid = 'pg_proc'::regclass)
UNION SELECT amproc FROM pg_amproc
UNION SELECT oid FROM pg_proc WHERE prorettype IN ('trigger'::regtype, 'event_trigger'::regtype);

-- The arguments of functions as one would write them: short type names, defaults without casts.
CREATE TEMP VIEW arguments AS
SELECT p.oid, a.position, a.mode IN ('i', 'b', 'v') AS is_input, a.name,
       concat_ws(' ', nullif(a.name, ''), replace(format_type(a.type, NULL), 'timestamp with time zone', 'timestamptz'),
         'DEFAULT ' || regexp_replace(CASE WHEN a.mode IN ('i', 'b', 'v') THEN pg_get_function_arg_default(p.oid, a.position::int) END,
                                      '::[a-z_ ."]+(\[\])?$', '')) AS text
FROM pg_proc p,
     unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]),
            coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[p.pronargs::int])),
            coalesce(p.proargnames, array_fill(''::text, ARRAY[p.pronargs::int]))) WITH ORDINALITY AS a (type, mode, name, position)
WHERE p.oid IN (SELECT objid FROM members WHERE classid = 'pg_proc'::regclass);

CREATE TEMP VIEW signatures AS
SELECT p.oid,
       format('spend.%s(%s)', p.proname,
              coalesce((SELECT string_agg(coalesce(nullif(a.name, ''), a.text), ', ' ORDER BY a.position)
                        FROM arguments a WHERE a.oid = p.oid AND a.is_input), '')) AS short,
       format(CASE WHEN i.wide THEN E'spend.%s(\n    %s\n)' ELSE 'spend.%s(%s)' END, p.proname,
              CASE WHEN i.wide THEN replace(i.list, E'\t', E'\n    ') ELSE replace(coalesce(i.list, ''), E'\t', ' ') END)
       || CASE
            WHEN p.prokind = 'p' THEN ''
            WHEN o.list IS NOT NULL THEN format(E' → %s (\n    %s\n)', CASE WHEN p.proretset THEN 'rows' ELSE 'one row' END, o.list)
            ELSE ' → ' || replace(pg_get_function_result(p.oid), 'timestamp with time zone', 'timestamptz')
          END AS long
FROM pg_proc p,
     LATERAL (SELECT string_agg(a.text, E',\t' ORDER BY a.position) AS list, coalesce(sum(length(a.text) + 2) > 80, false) AS wide
              FROM arguments a WHERE a.oid = p.oid AND a.is_input) i,
     LATERAL (SELECT string_agg(a.text, E',\n    ' ORDER BY a.position) AS list
              FROM arguments a WHERE a.oid = p.oid AND NOT a.is_input) o
WHERE p.oid IN (SELECT objid FROM members WHERE classid = 'pg_proc'::regclass);

-- One row for each public object: its section, its heading, how to write it where that is more, its comment.
CREATE TEMP VIEW objects AS
SELECT 'Types' AS section, format('%s', t.typname) AS sort_key, format('spend.%s', t.typname) AS title, NULL::text AS signature,
       obj_description(t.oid, 'pg_type') AS comment, NULL::oid AS relid
FROM pg_type t
WHERE t.oid IN (SELECT objid FROM members WHERE classid = 'pg_type'::regclass)
  AND t.typname NOT LIKE '\_%' AND t.typtype IN ('b', 'd', 'e', 'r')
UNION ALL
SELECT CASE p.prokind WHEN 'a' THEN 'Aggregates' WHEN 'p' THEN 'Procedures' ELSE 'Functions' END,
       p.proname || ' ' || pg_get_function_identity_arguments(p.oid),
       g.short, g.long, obj_description(p.oid, 'pg_proc'), NULL
FROM pg_proc p JOIN signatures g ON g.oid = p.oid
WHERE p.oid IN (SELECT objid FROM members WHERE classid = 'pg_proc'::regclass)
  AND p.pronamespace = 'spend'::regnamespace AND p.proname NOT LIKE '\_%'
  AND (p.prokind = 'a' OR p.oid NOT IN (SELECT s.oid FROM supporting s WHERE s.oid IS NOT NULL))
UNION ALL
SELECT 'Operators', o.oprname || ' ' || o.oprleft::regtype || ' ' || o.oprright::regtype,
       format('%s%s %s → %s', CASE WHEN o.oprleft <> 0 THEN o.oprleft::regtype || ' ' END, o.oprname, o.oprright::regtype, o.oprresult::regtype),
       NULL, obj_description(o.oid, 'pg_operator'), NULL
FROM pg_operator o
WHERE o.oid IN (SELECT objid FROM members WHERE classid = 'pg_operator'::regclass)
UNION ALL
SELECT 'Casts', c.castsource::regtype || ' ' || c.casttarget::regtype,
       format('%s → %s (%s)', c.castsource::regtype, c.casttarget::regtype,
              CASE c.castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'on assignment' ELSE 'explicit' END),
       NULL, obj_description(c.oid, 'pg_cast'), NULL
FROM pg_cast c
WHERE c.oid IN (SELECT objid FROM members WHERE classid = 'pg_cast'::regclass)
UNION ALL
SELECT CASE WHEN c.relkind IN ('v', 'm') THEN 'Views' ELSE 'Tables' END, c.relname::text, format('spend.%s', c.relname),
       NULL, obj_description(c.oid, 'pg_class'), c.oid
FROM pg_class c
WHERE c.oid IN (SELECT objid FROM members WHERE classid = 'pg_class'::regclass)
  AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition AND c.relname NOT LIKE '\_%';

CREATE TEMP VIEW columns AS
SELECT o.section, o.title, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid) AS value, col_description(a.attrelid, a.attnum) AS comment
FROM objects o
JOIN pg_attribute a ON a.attrelid = o.relid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum;

\if :missing_only
SELECT rtrim(section, 's') || ' ' || title || ' has no comment'
FROM objects WHERE comment IS NULL ORDER BY section, sort_key COLLATE "C";
SELECT 'column ' || title || '.' || attname || ' has no comment'
FROM columns WHERE comment IS NULL ORDER BY title, attnum;
SELECT 'setting ' || name || ' has no description'
FROM pg_settings WHERE name LIKE 'pg_spend.%' AND coalesce(short_desc, '') = '' ORDER BY name;
\else
CREATE TEMP TABLE lines (line bigint GENERATED ALWAYS AS IDENTITY, body text);
INSERT INTO lines (body) VALUES
  ('# Reference'), (''),
  ('Written by `scripts/reference` from the comments in the SQL (`src/sql`); change it there.'), ('');

DO $$
DECLARE
  part text;
  object record;
  attribute record;
BEGIN
  FOREACH part IN ARRAY ARRAY['Types', 'Functions', 'Procedures', 'Aggregates', 'Operators', 'Casts', 'Views', 'Tables'] LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM pg_temp.objects WHERE section = part);
    INSERT INTO pg_temp.lines (body) VALUES ('## ' || part), ('');
    FOR object IN SELECT * FROM pg_temp.objects WHERE section = part ORDER BY sort_key COLLATE "C" LOOP
      INSERT INTO pg_temp.lines (body) VALUES ('### `' || object.title || '`'), ('');
      IF object.signature IS NOT NULL THEN
        INSERT INTO pg_temp.lines (body) VALUES ('```'), (object.signature), ('```'), ('');
      END IF;
      INSERT INTO pg_temp.lines (body) VALUES (coalesce(object.comment, '')), ('');
      IF object.relid IS NOT NULL THEN
        INSERT INTO pg_temp.lines (body) VALUES ('| column | type | |'), ('|---|---|---|');
        FOR attribute IN SELECT * FROM pg_temp.columns c WHERE c.title = object.title ORDER BY attnum LOOP
          INSERT INTO pg_temp.lines (body) VALUES (format('| `%s` | %s | %s |', attribute.attname,
            replace(attribute.type, 'timestamp with time zone', 'timestamptz') || CASE WHEN attribute.attnotnull THEN ' NOT NULL' ELSE '' END
              || coalesce(' DEFAULT `' || replace(regexp_replace(attribute.value, '::regclass|::[a-z_ ."]+(\[\])?$', '', 'g'), '|', '\|') || '`', ''),
            replace(replace(coalesce(attribute.comment, ''), '|', '\|'), E'\n', ' ')));
        END LOOP;
        INSERT INTO pg_temp.lines (body) VALUES ('');
      END IF;
    END LOOP;
  END LOOP;
  IF EXISTS (SELECT FROM pg_settings WHERE name LIKE 'pg_spend.%') THEN
    INSERT INTO pg_temp.lines (body) VALUES ('## Settings'), ('');
    INSERT INTO pg_temp.lines (body) VALUES ('| setting | default | who may set it | |'), ('|---|---|---|---|');
    INSERT INTO pg_temp.lines (body)
    SELECT format('| `%s` | %s | %s | %s |', name, coalesce(nullif(boot_val, '') || coalesce(' ' || unit, ''), '(empty)'), context,
                  replace(concat_ws(' ', short_desc || CASE WHEN short_desc LIKE '%.' THEN '' ELSE '.' END, extra_desc), '|', '\|'))
    FROM pg_settings WHERE name LIKE 'pg_spend.%' ORDER BY name COLLATE "C";
    INSERT INTO pg_temp.lines (body) VALUES ('');
  END IF;
END
$$;
SELECT body FROM lines WHERE line < (SELECT max(line) FROM lines) ORDER BY line;
\endif
