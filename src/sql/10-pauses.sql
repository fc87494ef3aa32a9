CREATE SEQUENCE spend.pauses_pause_id_seq;
COMMENT ON SEQUENCE spend.pauses_pause_id_seq IS 'Numbers of pauses.';
CREATE TABLE spend.pauses (
  pause_id bigint PRIMARY KEY DEFAULT nextval('spend.pauses_pause_id_seq'),
  scope jsonb NOT NULL,
  on_insert text NOT NULL CHECK (on_insert IN ('record', 'reject')),
  reason text NOT NULL,
  paused_by name NOT NULL DEFAULT session_user,
  paused_at timestamptz NOT NULL DEFAULT now(),
  resumed_by name,
  resumed_at timestamptz,
  resume_reason text
) USING heap;
COMMENT ON TABLE spend.pauses IS 'Work that was stopped by spend.pause(), and when it was let go on. Kept by the two functions.';
COMMENT ON COLUMN spend.pauses.pause_id IS 'Number of the pause.';
COMMENT ON COLUMN spend.pauses.scope IS 'Work that is stopped, as in budgets.scope; {} is all.';
COMMENT ON COLUMN spend.pauses.on_insert IS 'record: usage of it is recorded all the same. reject: an INSERT of it fails (SP005).';
COMMENT ON COLUMN spend.pauses.reason IS 'Why, as the error says.';
COMMENT ON COLUMN spend.pauses.paused_by IS 'Who paused it.';
COMMENT ON COLUMN spend.pauses.paused_at IS 'When.';
COMMENT ON COLUMN spend.pauses.resumed_by IS 'Who let it go on; NULL while it is paused.';
COMMENT ON COLUMN spend.pauses.resumed_at IS 'When.';
COMMENT ON COLUMN spend.pauses.resume_reason IS 'Why.';
ALTER SEQUENCE spend.pauses_pause_id_seq OWNED BY spend.pauses.pause_id;
CALL spend._watch('spend.pauses');
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON spend.pauses
  FOR EACH ROW EXECUTE FUNCTION spend._log_change('pause', 'pause_id', 'paused_at');

CREATE FUNCTION spend.pause(scope jsonb, reason text, on_insert text DEFAULT 'record') RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number bigint;
BEGIN
  IF scope IS NULL OR reason IS NULL OR on_insert IS NULL THEN
    RAISE EXCEPTION 'scope, reason and on_insert must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Say why: it is what people will read when their work stops.';
  END IF;
  IF on_insert NOT IN ('record', 'reject') THEN
    RAISE EXCEPTION 'unknown on_insert "%"', on_insert
      USING ERRCODE = 'invalid_parameter_value', HINT = 'on_insert is record, for usage that has happened when it is inserted, or reject.';
  END IF;
  PERFORM spend._check_scope(scope, '{}', true);
  INSERT INTO spend.pauses (scope, reason, on_insert) VALUES (pause.scope, pause.reason, pause.on_insert) RETURNING pause_id INTO number;
  RETURN number;
END
$$;
COMMENT ON FUNCTION spend.pause(jsonb, text, text) IS
  'Stops work without disturbing the rest, in every session from its next row on: the gate denies it, and with on_insert = ''reject'' an INSERT of its usage fails (SP005). Returns the number of the pause.';

CREATE FUNCTION spend.resume(pause_id bigint, reason text DEFAULT NULL) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target spend.pauses;
BEGIN
  SELECT p.* INTO target FROM spend.pauses AS p WHERE p.pause_id = resume.pause_id FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'pause % does not exist', resume.pause_id USING ERRCODE = 'undefined_object';
  END IF;
  IF target.resumed_at IS NOT NULL THEN
    RAISE EXCEPTION 'pause % has ended', resume.pause_id
      USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('%s resumed it at %s.', target.resumed_by, target.resumed_at);
  END IF;
  UPDATE spend.pauses AS p SET resumed_by = session_user, resumed_at = now(), resume_reason = resume.reason WHERE p.pause_id = target.pause_id;
END
$$;
COMMENT ON FUNCTION spend.resume(bigint, text) IS 'Ends a pause. Work that another pause stops, too, stays stopped.';

CREATE FUNCTION spend.resume(scope jsonb, reason text DEFAULT NULL) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ended bigint;
BEGIN
  UPDATE spend.pauses AS p SET resumed_by = session_user, resumed_at = now(), resume_reason = resume.reason
  WHERE p.scope = resume.scope AND p.resumed_at IS NULL;
  GET DIAGNOSTICS ended = ROW_COUNT;
  IF ended = 0 THEN
    RAISE EXCEPTION 'nothing is paused under this scope'
      USING ERRCODE = 'undefined_object', DETAIL = format('The scope is %s.', resume.scope), HINT = 'spend.active_pauses lists what is paused.';
  END IF;
  RETURN ended;
END
$$;
COMMENT ON FUNCTION spend.resume(jsonb, text) IS 'Ends every pause that was made with exactly this scope, and returns their number.';

-- A scope in quotes is neither a number nor jsonb to the server, which could not tell which of the two is meant.
CREATE FUNCTION spend.resume(scope text, reason text DEFAULT NULL) RETURNS bigint
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS 'SELECT spend.resume($1::jsonb, $2)';
COMMENT ON FUNCTION spend.resume(text, text) IS 'The same for a scope that is written without a cast.';
