-- Plain INSERT: spend.usage's columns, partitions and indexes, and no trigger.
CREATE TABLE bench.plain (LIKE spend.usage INCLUDING DEFAULTS) PARTITION BY RANGE (occurred_at);
CREATE SEQUENCE bench.plain_usage_id_seq;
ALTER TABLE bench.plain ALTER usage_id SET DEFAULT nextval('bench.plain_usage_id_seq');
CALL bench.make_leaves('bench.plain');
