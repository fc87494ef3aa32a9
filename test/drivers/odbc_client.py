# Reads the views through ODBC; see contract.pl for what is said on standard output.
import datetime
import decimal
import json
import re
import sys
import threading

import pyodbc


def say(*words):
    print(json.dumps(words))


def text(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        # ODBC has no zone: times are those of the session's.
        return str((value - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1))
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


# What tools ask the driver for. It has no comments: they come from the catalogs.
def metadata(connection, view):
    comments = connection.cursor().execute(
        "SELECT col_description(c.oid, a.attnum), obj_description(c.oid) FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relnamespace = 'spend'::regnamespace AND c.relname = ? ORDER BY a.attnum", view).fetchall()
    for table in connection.cursor().tables(table=view, schema="spend"):
        say("view", view, table.table_type, comments[0][1])
    for place, column in enumerate(connection.cursor().columns(table=view, schema="spend")):
        say("column", view, column.column_name, column.type_name, str(column.column_size), str(column.decimal_digits or 0), str(column.nullable), comments[place][0], "")


def show(view, cursor, mode):
    classes = [set() for _ in cursor.description]
    for row in cursor:
        for place, value in enumerate(row):
            if value is not None:
                classes[place].add(type(value).__name__)
        say("row", mode, view, *map(text, row))
    for place, column in enumerate(cursor.description):
        say("class", view, column[0], ",".join(sorted(classes[place])))


def insert(cursor, name, team, ticket):
    try:
        row = cursor.execute(
            "INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, tags) VALUES (?, ?, ?, ?, ?::jsonb) RETURNING usage_id, cost, currency, pricing_status",
            datetime.datetime(2026, 3, 20, 12), team, "plain", 1000003, json.dumps({"ticket": ticket} if ticket else {}),
        ).fetchone()
        say("value", name, text(row[1]), row[2], row[3], "numbered" if row[0] > 0 else "")
    except pyodbc.Error as error:
        say("error", name, error.args[0], *error_parts(error.args[1]))


# The driver has one text for all that the server says.
def error_parts(message):
    found = re.match(r"(?:\[[^\]]*\] ?)*ERROR: (.*?)(?:;?\n(?:DETAIL: )?(.*?))?(?:;?\nHINT: (.*?))?;?\n?Error while executing the query.*", message, re.S)
    return found.groups() if found else (message, None, None)


options = f"DRIVER={{PostgreSQL Unicode}};Servername=localhost;Port={sys.argv[1]};Database=postgres;ConnSettings=SET TimeZone='UTC';BoolsAsChar=0;"
views = sys.stdin.read().split()
for mode in "prepared", "text":
    reader = pyodbc.connect(options + f"Username=bi;UseServerSidePrepare={int(mode == 'prepared')}", autocommit=True)
    for view in views:
        if mode == "prepared":
            metadata(reader, view)
        cursor = reader.cursor()
        # A parameter makes it a prepared statement; without one the driver asks directly.
        cursor.execute(f"SELECT * FROM spend.{view} WHERE ? = 1", 1)
        show(view, cursor, mode)
    for run in 1, 2:
        row = reader.cursor().execute(
            "SELECT count(*), sum(cost) FROM spend.daily_spend WHERE usage_date >= ? AND day_start_at < ? AND team = ? AND cost > ? AND calls >= ?",
            datetime.date(2026, 3, 1), datetime.datetime(2026, 3, 3), "cheap", decimal.Decimal("0.000000000000000001"), 1,
        ).fetchone()
        say("value", "parameters", *map(text, row))
    if mode == "prepared":
        say("value", "prepared", text(reader.cursor().execute("SELECT count(*) FROM pg_prepared_statements").fetchone()[0] > 0))
    report = reader.cursor().execute("SELECT spend.report(?, ?::text[], ?::jsonb)", "2026-03", "{team,model}", '{"team": ["cheap", "both"]}').fetchone()
    say("value", "report", report[0])
    reader.close()

writer = pyodbc.connect(options + "Username=app", autocommit=True)
insert(writer.cursor(), "inserted", "driver", "x")
insert(writer.cursor(), "over budget", "capped", "x")
insert(writer.cursor(), "without tag", "tagged", None)
# As a program that gives up does: from another thread. The driver knows no time limit but the server's statement_timeout.
cursor = writer.cursor()
timer = threading.Timer(1, cursor.cancel)
timer.start()
insert(cursor, "timeout", "held", "x")
timer.join()
insert(writer.cursor(), "afterwards", "driver", "x")
writer.close()
