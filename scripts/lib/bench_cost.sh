# The "cost" part of scripts/bench: sums over priced rows, the number of models, a rate card, the first row of a connection.
# Made-up models and calls, by fixed formulas (bench/cost/).

COST_BENCH=$SOURCE_ROOT/bench/cost
COST_MODELS=2500
COST_VERSIONS=3
cost_sizes=(10 2500 100000)

# cost_database NAME MODELS VERSIONS WITH_CARD ROWS
cost_database() {
  createdb "$1"
  run_sql -d "$1" -c 'CREATE EXTENSION pg_spend CASCADE' 2>"$SPEND_WORK/log/extension"
  run_sql -d "$1" -v models="$2" -v versions="$3" -v with_card="$4" -f "$COST_BENCH/models.sql"
  run_sql -d "$1" -v models="$2" -v rows="$5" -f "$COST_BENCH/rows.sql"
}

# cost_setup ROWS
cost_setup() {
  local models
  cost_database cost "$COST_MODELS" "$COST_VERSIONS" true "$1"
  for models in "${cost_sizes[@]}"; do cost_database "cost_$models" "$models" 1 false $(($1 / 5)); done
}

# cost_sums DATABASE WITH_PEERS: "name milliseconds" for each sum. All that sum the same cost must agree.
cost_sums() {
  local log=$SPEND_WORK/log/sums
  run_sql -d "$1" -v with_peers="$2" -f "$COST_BENCH/sums.sql" >"$log" 2>&1 || { tail -n 5 "$log" >&2; return 1; }
  [[ $(grep '^result|' "$log" | sort -u | wc -l) -eq 1 ]] || die "the costs differ: $(grep '^result|' "$log" | sort -u | tr '\n' ' ')"
  awk '/^figure / { name = $2 } /^Time: / { print name, $2 }' "$log"
}

# cost_first CALL: the median of what the first call takes beyond the second, over fresh connections, in milliseconds.
cost_first() {
  local i count=31
  for ((i = 0; i < count; i++)); do
    run_sql -d cost -v call="$1" -f "$COST_BENCH/first.sql" | awk '/^Time: / { t[++n] = $2 } END { print t[1] - t[2] }'
  done | sort -n | sed -n "$(((count + 1) / 2))p"
}

# measure_cost ROUND ROWS
measure_cost() {
  local round=$1 count=$2 models name value
  local usage="'{\"input_tokens\": 1200, \"output_tokens\": 350}'::spend.token_usage"
  while read -r name value; do
    local of=$count
    [[ $name != rowwise ]] || of=$((count / 20))
    record cost "$count" "$name" "$round" "$(awk -v t="$value" -v n="$of" 'BEGIN { printf "%.4f", 1000 * t / n }')"
  done < <(cost_sums cost true)
  for models in $(in_turn "$round" "${cost_sizes[@]}"); do
    while read -r name value; do
      [[ $name != function ]] ||
        record models "$((count / 5))" "$models" "$round" "$(awk -v t="$value" -v n=$((count / 5)) 'BEGIN { printf "%.4f", 1000 * t / n }')"
    done < <(cost_sums "cost_$models" false)
  done
  record first connection builtin "$round" "$(cost_first "SELECT md5('gpt-4o');")"
  record first connection library "$round" "$(cost_first "SELECT $usage;")"
  record first connection price "$round" "$(cost_first "SELECT spend.cost('{\"rates\": {\"input_tokens\": \"1/1M\", \"output_tokens\": \"1/1M\"}}'::spend.price, $usage);")"
  record first connection model "$round" "$(cost_first "SELECT spend.cost('family-23-model-120', $usage, 'vendor-0', '2025-01-02Z');")"
  record first connection card "$round" "$(cost_first "SELECT spend.cost(card, $usage, 'family-23-model-120', '2025-01-02Z') FROM bench.card;")"
}

cost_title() {
  case $1 in
    sum) echo "\`sum(input * 2 + output * 10)\` of bigint columns" ;;
    numeric) echo "the same of numeric columns, as the ledger has them" ;;
    function) echo "\`sum(spend.cost(model, usage, provider, at))\`" ;;
    card) echo "the same under a rate card: \`spend.cost(card, usage, model, at)\`" ;;
    join) echo "join with the price table, numeric arithmetic" ;;
    rowwise) echo "PL/pgSQL function, numeric arithmetic, 1/20 of the rows" ;;
    10 | 2500 | 100000) echo "$1 models" ;;
    builtin) echo "\`md5()\`: what any first call takes" ;;
    library) echo "\`token_usage\` from text: with loading the library" ;;
    price) echo "\`spend.cost(price, usage)\`" ;;
    model) echo "\`spend.cost(model, usage, provider, at)\`: with reading the prices" ;;
    *) echo "$1" ;;
  esac
}

cost_report() {
  cat <<TEXT

## Cost of stored usage

$COST_MODELS models with $COST_VERSIONS prices each, one after the other; each row at the price of its own time. The columns
of the bare sum lie before the usage in the same table. All sums ran over the rows once before; one process.
TEXT
  table cost "µs per row"
  printf '\nThe same function, a fifth of the rows, the models in turn:\n'
  table models "µs per row"
  printf '\nWhat the first call of a fresh connection takes beyond the second, with %s prices in the table:\n' \
    "$((COST_MODELS * COST_VERSIONS))"
  table first "ms"
}
