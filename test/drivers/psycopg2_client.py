# Reads the views through psycopg2; see contract.pl for what is said on standard output.
import datetime
import decimal
import json
import sys
import threading

import psycopg2
import psycopg2.extras

TYPES = {16: "bool", 20: "int8", 23: "int4", 25: "text", 1082: "date", 1184: "timestamptz", 1700: "numeric", 3802: "jsonb"}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


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
        return str((value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def show(view, cursor, mode):
    classes = [set() for _ in cursor.description]
    for row in cursor:
        for place, value in enumerate(row):
            if value is not None:
                classes[place].add(type(value).__name__)
        say("row", mode, view, *map(text, row))
    for place, column in enumerate(cursor.description):
        say("class", view, column.name, ",".join(sorted(classes[place])))


# The driver has no metadata but that of a result; comments come from the catalogs, as tools ask for them.
def metadata(connection, view, description):
    cursor = connection.cursor()
    cursor.execute(
        "SELECT c.column_name, c.is_nullable, col_description(format('spend.%%I', c.table_name)::regclass, c.ordinal_position), obj_description(format('spend.%%I', c.table_name)::regclass)"
        " FROM information_schema.columns AS c WHERE c.table_schema = 'spend' AND c.table_name = %s ORDER BY c.ordinal_position",
        (view,),
    )
    columns = cursor.fetchall()
    say("view", view, "VIEW", columns[0][3])
    for column, (name, nullable, comment, _) in zip(description, columns):
        say("column", view, name if name == column.name else f"{column.name} is not {name}", TYPES.get(column.type_code, str(column.type_code)),
            str(column.precision or 0), str(column.scale or 0), nullable, comment, "")


def insert(connection, name, team, ticket):
    cursor = connection.cursor()
    try:
        cursor.execute(
            "INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, tags) VALUES (%s, %s, %s, %s, %s) RETURNING usage_id, cost, currency, pricing_status",
            (datetime.datetime(2026, 3, 20, 12, tzinfo=datetime.timezone.utc), team, "plain", 1000003, psycopg2.extras.Json({"ticket": ticket} if ticket else {})),
        )
        usage_id, cost, currency, status = cursor.fetchone()
        say("value", name, text(cost), currency, status, "numbered" if usage_id > 0 else "")
    except psycopg2.Error as error:
        say("error", name, error.pgcode, error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)


options = {"host": "localhost", "port": sys.argv[1], "dbname": "postgres"}
reader = psycopg2.connect(user="bi", **options)
reader.autocommit = True
for view in sys.stdin.read().split():
    cursor = reader.cursor()
    cursor.execute(f"SELECT * FROM spend.{view}")
    metadata(reader, view, cursor.description)
    show(view, cursor, "text")
    # The driver sends text only; it uses what is prepared in SQL.
    cursor.execute(f"PREPARE {view} AS SELECT * FROM spend.{view}")
    cursor.execute(f"EXECUTE {view}")
    show(view, cursor, "prepared")
cursor = reader.cursor()
for run in 1, 2:
    cursor.execute(
        "SELECT count(*), sum(cost) FROM spend.daily_spend WHERE usage_date >= %s AND day_start_at < %s AND team = %s AND cost > %s AND calls >= %s",
        (datetime.date(2026, 3, 1), datetime.datetime(2026, 3, 3, tzinfo=datetime.timezone.utc), "cheap", decimal.Decimal("0.000000000000000001"), 1),
    )
    say("value", "parameters", *map(text, cursor.fetchone()))
cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'daily_spend'")
say("value", "prepared", text(cursor.fetchone()[0] == 1))
cursor.execute("SELECT spend.report(%s, %s, %s)", ("2026-03", ["team", "model"], psycopg2.extras.Json({"team": ["cheap", "both"]})))
say("value", "report", text(cursor.fetchone()[0]))
reader.close()

writer = psycopg2.connect(user="app", **options)
writer.autocommit = True
insert(writer, "inserted", "driver", "x")
insert(writer, "over budget", "capped", "x")
insert(writer, "without tag", "tagged", None)
# As a program that gives up does: from another thread.
timer = threading.Timer(1, writer.cancel)
timer.start()
insert(writer, "timeout", "held", "x")
timer.join()
insert(writer, "afterwards", "driver", "x")
writer.close()
