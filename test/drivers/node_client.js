// Reads the views through node-postgres; see contract.pl for what is said on standard output.
const { Client } = require('pg');

const TYPES = { 16: 'bool', 20: 'int8', 23: 'int4', 25: 'text', 1082: 'date', 1184: 'timestamptz', 1700: 'numeric', 3802: 'jsonb' };
const say = (...words) => console.log(JSON.stringify(words));

function text(value, type) {
  if (value === null) return null;
  // Midnight of the day, by the clock of this process.
  if (type === 1082) return [value.getFullYear(), value.getMonth() + 1, value.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
  if (value instanceof Date) return String(BigInt(value.getTime()) * 1000n);
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

function show(view, result, mode) {
  const classes = result.fields.map(() => new Set());
  for (const row of result.rows) {
    row.forEach((value, place) => {
      if (value !== null) classes[place].add(value instanceof Date ? 'Date' : typeof value);
    });
    say('row', mode, view, ...row.map((value, place) => text(value, result.fields[place].dataTypeID)));
  }
  result.fields.forEach((field, place) => say('class', view, field.name, [...classes[place]].sort().join(',')));
}

// The driver has no metadata but that of a result; comments come from the catalogs, as tools ask for them.
async function metadata(client, view, result) {
  const comments = await client.query({
    text: `SELECT c.column_name, c.is_nullable, col_description(format('spend.%I', c.table_name)::regclass, c.ordinal_position), obj_description(format('spend.%I', c.table_name)::regclass)
      FROM information_schema.columns AS c WHERE c.table_schema = 'spend' AND c.table_name = $1 ORDER BY c.ordinal_position`,
    values: [view],
    rowMode: 'array',
  });
  say('view', view, 'VIEW', comments.rows[0][3]);
  result.fields.forEach((field, place) => {
    const size = field.dataTypeModifier < 4 ? [0, 0] : [(field.dataTypeModifier - 4) >> 16, (field.dataTypeModifier - 4) & 65535];
    const [name, nullable, comment] = comments.rows[place];
    say('column', view, name === field.name ? name : `${field.name} is not ${name}`, TYPES[field.dataTypeID] ?? String(field.dataTypeID), ...size.map(String), nullable, comment, '');
  });
}

async function insert(client, name, team, ticket) {
  try {
    const result = await client.query({
      name: 'insert',
      text: 'INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, tags) VALUES ($1, $2, $3, $4, $5) RETURNING usage_id, cost, currency, pricing_status',
      values: [new Date(Date.UTC(2026, 2, 20, 12)), team, 'plain', 1000003, ticket === null ? {} : { ticket }],
    });
    const row = result.rows[0];
    say('value', name, row.cost, row.currency, row.pricing_status, Number(row.usage_id) > 0 ? 'numbered' : '');
  } catch (error) {
    say('error', name, error.code, error.message, error.detail ?? null, error.hint ?? null);
  }
}

async function main() {
  const views = require('fs').readFileSync(0, 'utf8').split(/\s+/).filter(Boolean);
  const options = { host: 'localhost', port: Number(process.argv[2]), database: 'postgres' };
  const reader = new Client({ ...options, user: 'bi' });
  await reader.connect();
  for (const view of views) {
    const query = `SELECT * FROM spend.${view}`;
    const result = await reader.query({ text: query, rowMode: 'array' });
    await metadata(reader, view, result);
    show(view, result, 'text');
    show(view, await reader.query({ name: view, text: query, rowMode: 'array', values: [] }), 'prepared');
  }
  const filtered = {
    name: 'filtered',
    text: 'SELECT count(*), sum(cost) FROM spend.daily_spend WHERE usage_date >= $1 AND day_start_at < $2 AND team = $3 AND cost > $4 AND calls >= $5',
    values: ['2026-03-01', new Date(Date.UTC(2026, 2, 3)), 'cheap', '0.000000000000000001', 1],
    rowMode: 'array',
  };
  for (let run = 1; run <= 2; run++) say('value', 'parameters', ...(await reader.query(filtered)).rows[0]);
  const prepared = await reader.query("SELECT count(*) FROM pg_prepared_statements WHERE name = 'filtered'");
  say('value', 'prepared', String(prepared.rows[0].count === '1'));
  const report = await reader.query('SELECT spend.report($1, $2, $3) AS report', ['2026-03', ['team', 'model'], { team: ['cheap', 'both'] }]);
  say('value', 'report', JSON.stringify(report.rows[0].report));
  await reader.end();

  const writer = new Client({ ...options, user: 'app', statement_timeout: 1000 });
  await writer.connect();
  await insert(writer, 'inserted', 'driver', 'x');
  await insert(writer, 'over budget', 'capped', 'x');
  await insert(writer, 'without tag', 'tagged', null);
  await insert(writer, 'timeout', 'held', 'x');
  await insert(writer, 'afterwards', 'driver', 'x');
  await writer.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
