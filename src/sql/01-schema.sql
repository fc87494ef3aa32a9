\echo Use "CREATE EXTENSION pg_spend CASCADE" to load this file. \quit

-- Every name below is schema-qualified or from pg_catalog; nothing a caller put on its path is ever found.
SET LOCAL search_path TO pg_catalog, pg_temp;

DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'pg_spend needs a database in UTF8, this one is in %', current_setting('server_encoding')
      USING ERRCODE = 'feature_not_supported',
            DETAIL = 'Dimension values are compared in their Unicode normal form.',
            HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
  END IF;
END
$$;

-- Plain CREATE: a schema of this name that somebody else made first is an error, not a place to install into.
CREATE SCHEMA spend;
COMMENT ON SCHEMA spend IS 'AI spend: usage is priced, attributed and checked against budgets as it is inserted (extension pg_spend)';

CREATE FUNCTION spend.version() RETURNS text
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_version';
COMMENT ON FUNCTION spend.version() IS 'Version of the loaded pg_spend library.';

CREATE FUNCTION spend.text_key(value text) RETURNS text
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_text_key';
COMMENT ON FUNCTION spend.text_key(text) IS
  'The form under which names and dimension values are compared: Unicode NFKC, case folded, white space trimmed and collapsed.';
CREATE FUNCTION spend.skeleton(value text) RETURNS text
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_skeleton';
COMMENT ON FUNCTION spend.skeleton(text) IS
  'What a name looks like: names that people can hardly tell apart have the same skeleton (Unicode TS #39): a Cyrillic а and an a, 1 and l. Only to compare.';

-- What is done one at a time. Not by advisory locks, which any role can take, and keep.
CREATE FUNCTION spend._lock(subject regclass, key integer DEFAULT 0) RETURNS void
  LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'spend_lock';
COMMENT ON FUNCTION spend._lock(regclass, integer) IS 'Internal: takes a lock that only the extension can take, to the end of the transaction.';
CREATE FUNCTION spend._try_lock(subject regclass, key integer DEFAULT 0) RETURNS boolean
  LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'spend_try_lock';
COMMENT ON FUNCTION spend._try_lock(regclass, integer) IS 'Internal: the same; false while somebody else has it.';
