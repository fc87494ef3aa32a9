-- What a fresh connection takes for its first call, beside the same call again. psql variable: call.
SET jit = off;
\timing on
\echo figure first
:call
\echo figure later
:call
