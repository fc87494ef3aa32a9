-- What the readers see: plain SELECTs on views, as roles that may read them and nothing else.

SET ROLE company_finance;

\echo 'Chargeback of the month: what each cost center had planned, what it used, what is booked to it.'
SELECT coalesce(cost_center, 'all') AS cost_center, department, currency,
       round(sum(budget), 2) AS budget, round(sum(actual), 2) AS actual, round(sum(variance), 2) AS variance,
       round(sum(chargeback), 2) AS chargeback, sum(calls) AS calls, sum(unpriced_calls) AS unpriced
FROM spend.chargeback_monthly
GROUP BY GROUPING SETS ((cost_center, department, currency), (currency))
ORDER BY cost_center IS NULL, cost_center;

\echo 'Budgets of which a quarter or more is used. "halt" and "alert" record what crosses them, "reject" refuses it.'
SELECT budget_name, group_label, round(amount, 2) AS amount, round(spent, 2) AS spent, round(used_percent, 1) AS percent,
       is_exceeded, on_exceeded, unpriced_calls AS unpriced
FROM spend.budget_status
WHERE used_percent >= 25
ORDER BY budget_id, budget_status.spent DESC;

\echo 'Spend by model.'
SELECT provider, model, service_tier, calls, input_tokens, output_tokens, round(cost, 2) AS cost, currency, unpriced_calls AS unpriced
FROM spend.spend_by_model
ORDER BY spend_by_model.cost DESC, model;

\echo 'Usage without a price: the in-house model. It is counted and listed, never taken for free.'
SELECT provider, model, pricing_reason, calls, input_tokens, output_tokens FROM spend.unpriced_usage;

SET ROLE company_support;
\echo 'The same view, as the team lead of support sees it.'
SELECT cost_center, department, round(budget, 2) AS budget, round(actual, 2) AS actual, round(variance, 2) AS variance
FROM spend.chargeback_monthly;
RESET ROLE;

\echo 'Alerts, each written in the transaction that crossed the threshold. (To an administrator; NOTIFY spend_alert wakes listeners.)'
SELECT alert_id, event, budget_name, threshold_percent AS percent, group_values, round(spent, 2) AS spent, amount, currency
FROM spend.alerts
ORDER BY alert_id;

\echo 'The chargeback adds up to the ledger, to the last digit:'
SELECT (SELECT sum(actual) FROM spend.chargeback_monthly) AS chargeback, (SELECT sum(cost) FROM spend.usage) AS ledger;

\echo 'spend.verify() counts every budget again from the rows, and lists what differs:'
SELECT * FROM spend.verify();
