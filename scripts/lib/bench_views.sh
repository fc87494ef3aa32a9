# The "views" part of scripts/bench: every standard view against GROUP BY over the rows, at N rows and a tenth of them with the same
# dimensions, and over sparse dimensions; how large the rollups are; folding against inserting (bench/views/).

VIEWS_BENCH=$SOURCE_ROOT/bench/views
# The views over sums. Those over rows (usage_detail, call_costs, full_cost, focus) take as long as the rows that are asked for.
WHOLE_VIEWS=(daily_spend spend_by_model chargeback_monthly chargeback_tree budget_status spend_change unit_costs efficiency data_quality
  unpriced_usage weekly_report statement_lines coverage source_usage)

# views_setup ROWS: three databases that measuring does not change, and one to write to.
views_setup() {
  local name rows users
  while read -r name rows users; do
    createdb "views_$name"
    run_sql -d "views_$name" -c 'CREATE EXTENSION pg_spend CASCADE' 2>"$SPEND_WORK/log/extension"
    say "loading $rows rows of $name dimensions"
    run_sql -d "views_$name" -v rows="$rows" -v users="$users" -f "$VIEWS_BENCH/rows.sql" >"$SPEND_WORK/log/views" 2>&1 ||
      { tail -n 5 "$SPEND_WORK/log/views" >&2; return 1; }
    [[ -z $(run_sql -d "views_$name" -c "SELECT 1 FROM spend.rollup_deltas LIMIT 1") ]] || die "views_$name: deltas are left"
  done <<<"dense $1 0
tenth $(($1 / 10)) 0
sparse $(($1 / 10)) 2000
folding 10000 0"
}

# views_answer DATABASE QUERY [WARM]: the answer on stdout, and its milliseconds in $SPEND_WORK/tmp/time; with WARM those of a second run.
views_answer() {
  local log=$SPEND_WORK/tmp/answer query="${2//:month/"(date_trunc('month', current_date) - interval '1 month')::date"}"
  run_sql -d "$1" ${3:+-c '\o /dev/null' -c "$query" -c '\o'} -c '\timing on' -c "$query" >"$log"
  sed -nE 's/^Time: ([0-9.]+) ms.*/\1/p' "$log" >"$SPEND_WORK/tmp/time"
  # Trailing zeros differ: a view has 18 decimals.
  sed -E '/^Time:/d; s/(\.[0-9]*[1-9])0+(\||$)/\1\2/g; s/\.0+(\||$)/\1/g' "$log"
}

# measure_views ROUND: each question to the view and to the rows, one after the other; and every view in whole.
measure_views() {
  local round=$1 database name view rows from_rows from_view
  for database in dense tenth sparse; do
    while IFS=$'\t' read -r name view rows; do
      [[ $name != \#* ]] || continue
      from_rows=$(views_answer "views_$database" "$rows")
      record "views_$database" "$name" rows "$round" "$(cat "$SPEND_WORK/tmp/time")"
      from_view=$(views_answer "views_$database" "$view" warm)
      record "views_$database" "$name" view "$round" "$(cat "$SPEND_WORK/tmp/time")"
      [[ -n $from_view && $from_view == "$from_rows" ]] || die "$name: the view says otherwise than the rows ($SPEND_WORK)"
    done <"$VIEWS_BENCH/queries.tsv"
    for view in "${WHOLE_VIEWS[@]}"; do
      [[ -n $(views_answer "views_$database" "SELECT count(v) FROM spend.$view AS v" warm) ]] || die "$view: no answer"
      record "whole_$database" "$view" view "$round" "$(cat "$SPEND_WORK/tmp/time")"
    done
  done
}

# measure_folding ROUND: rows of 16 clients in hundreds, and of 64 one by one, while nobody folds; then their deltas are folded.
measure_folding() {
  local round=$1 part clients inserted script=$SPEND_WORK/tmp/clients.sql
  for part in batches clients; do
    clients=$([[ $part == batches ]] && echo 16 || echo 64)
    run_sql -d views_folding -c 'SELECT count(*) FROM spend.maintain(0)' >/dev/null
    sed "s/TARGET/spend.usage/" "$BENCH/$part.sql" >"$script"
    inserted=$(pgbench -n -M prepared -c "$clients" -j 2 -T "$seconds" -f "$script" views_folding 2>"$SPEND_WORK/log/pgbench" |
      sed -nE 's/^tps = ([0-9.]+).*/\1/p')
    record folding "$part" inserted "$round" "$(run_sql -d views_folding -c "SELECT count(*) / $seconds FROM spend.rollup_deltas AS d CROSS JOIN LATERAL spend._unpack_sums(d.packed)")"
    [[ -n $inserted ]] || die "no client wrote"
    record folding "$part" folded "$round" "$(printf '%s\n' "SELECT count(*) AS deltas FROM spend.rollup_deltas AS d CROSS JOIN LATERAL spend._unpack_sums(d.packed) \\gset" \
      "SELECT clock_timestamp() AS start \\gset" "SELECT count(*) AS done FROM spend.maintain(0) \\gset" \
      "SELECT round(:deltas / extract(epoch FROM clock_timestamp() - :'start'))" | run_sql -d views_folding)"
  done
}

views_rows() { run_sql -d "views_$1" -c 'SELECT sum(rows) FROM bench.loaded'; }

views_report() {
  local database
  printf '\n## Views\n\n'
  echo "Usage of three whole months and this one: N rows of dense dimensions (50 teams and 5 models, so 250 groups at a time), a tenth"
  echo "of them with the same dimensions, and a tenth with 2,000 users and four features beside, where nearly each row is a group of its"
  echo "own on its day. Milliseconds without parallel workers, of views in the second run of a session; each answer of a view was the"
  echo "same, to the last digit, as that of the rows. What 100 million rows of the dense dimensions take follows from both sizes: a"
  echo "straight line through them, never below the larger one."
  for database in dense sparse; do
    printf '\n| %s dimensions, %s rows | rows, ms | view, ms | times faster |%s\n|---|--:|--:|--:|%s\n' \
      "$database" "$(views_rows "$database")" \
      "$([[ $database == sparse ]] || echo " view of $(views_rows tenth) rows, ms | at 100 million: rows, ms | view, ms |")" \
      "$([[ $database == sparse ]] || echo '--:|--:|--:|')"
    awk -F'|' -v database="$database" -v many="$(views_rows dense)" -v few="$(views_rows tenth)" '
      function at_100_million(name, kind) {
        slope = (time["views_dense", name, kind] - time["views_tenth", name, kind]) / (many - few)
        return time["views_dense", name, kind] + (slope > 0 ? slope * (100000000 - many) : 0)
      }
      { time[$1, $2, $3] = $4 }
      $1 == "views_" database && $3 == "view" { names[++count] = $2 }
      END {
        for (i = 1; i <= count; i++) {
          name = names[i]
          rows = time["views_" database, name, "rows"]
          view = time["views_" database, name, "view"]
          printf (rows < 10 * view ? "| %s | %.1f | %.1f | %.1f |" : "| %s | %.1f | %.1f | %.0f |"), name, rows, view, rows / view
          if (database == "dense")
            printf " %.1f | %.0f | %.1f |", time["views_tenth", name, "view"], at_100_million(name, "rows"), at_100_million(name, "view")
          printf "\n"
        }
      }' "$FIGURES.medians"
  done
  printf '\nEvery view over sums in whole, all months and all columns of it:\n\n| view, ms | %s rows, dense | %s rows, dense | %s rows, sparse |\n|---|--:|--:|--:|\n' \
    "$(views_rows dense)" "$(views_rows tenth)" "$(views_rows sparse)"
  awk -F'|' '
    $1 ~ /^whole_/ { time[$1, $2] = $4; if ($1 == "whole_dense") names[++count] = $2 }
    END {
      for (i = 1; i <= count; i++)
        printf "| %s | %.1f | %.1f | %.1f |\n", names[i], time["whole_dense", names[i]], time["whole_tenth", names[i]], time["whole_sparse", names[i]]
    }' "$FIGURES.medians"
  printf '\n| rollups | rows of usage | quarter hours | days | months | bytes for each row of usage | of them days and months |\n|---|--:|--:|--:|--:|--:|--:|\n'
  for database in dense tenth sparse; do
    run_sql -d "views_$database" -F ' | ' -c "SELECT '| $database', u.rows, (SELECT count(*) FROM spend.rollup_quarters), (SELECT count(*) FROM spend.rollup),
      (SELECT count(*) FROM spend.rollup_months),
      round((pg_total_relation_size('spend.rollup_quarters') + pg_total_relation_size('spend.rollup') + pg_total_relation_size('spend.rollup_months')) / u.rows, 1),
      round((pg_total_relation_size('spend.rollup') + pg_total_relation_size('spend.rollup_months')) / u.rows, 1) || ' |'
      FROM (SELECT sum(rows) AS rows FROM bench.loaded) AS u"
  done
  printf '\n## Folding\n\n'
  echo "Deltas that clients write in a second while nobody folds, and how many one session folds in a second afterwards; and of the loads"
  echo "above, where a row of a bulk load may be a group of its own."
  printf '\n| | inserted, deltas/s | folded, deltas/s | times |\n|---|--:|--:|--:|\n'
  awk -F'|' '$1 == "folding" { if ($3 == "inserted") inserted = $4; else
    printf "| %s | %.0f | %.0f | %.1f |\n", $2 == "batches" ? "16 clients, 100 rows each" : "64 clients, one row each", inserted, $4, $5 }' "$FIGURES.medians"
  for database in dense sparse; do
    run_sql -d "views_$database" -F ' | ' -c "SELECT '| bulk, $database', round(1000 * sum(deltas) / sum(insert_ms)), round(1000 * sum(deltas) / sum(fold_ms)),
      round(sum(insert_ms) / sum(fold_ms), 1) || ' |' FROM bench.loaded"
  done
}
