// Reads the views through JDBC, as the clients in the other languages do through theirs; see contract.pl for what is said on standard output.
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;
import java.util.TreeSet;
import org.postgresql.PGStatement;
import org.postgresql.util.PGobject;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

public class JdbcClient {
  static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  public static void main(String[] arguments) throws Exception {
    String url = "jdbc:postgresql://localhost:" + arguments[0] + "/postgres?user=";
    List<String> views = new ArrayList<>();
    Scanner names = new Scanner(System.in, StandardCharsets.UTF_8);
    while (names.hasNext()) {
      views.add(names.next());
    }
    try (Connection connection = DriverManager.getConnection(url + "bi&prepareThreshold=1")) {
      for (String view : views) {
        metadata(connection, view);
        read(connection, view, "binary");
      }
      parameters(connection);
    }
    try (Connection connection = DriverManager.getConnection(url + "bi&preferQueryMode=simple")) {
      for (String view : views) {
        read(connection, view, "text");
      }
    }
    try (Connection connection = DriverManager.getConnection(url + "app")) {
      write(connection);
    }
  }

  // What tools show before they read: DatabaseMetaData, and the metadata of a statement that was not run yet.
  static void metadata(Connection connection, String view) throws SQLException {
    try (ResultSet table = connection.getMetaData().getTables(null, "spend", view, null)) {
      while (table.next()) {
        say("view", view, table.getString("TABLE_TYPE"), table.getString("REMARKS"));
      }
    }
    try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM spend." + view);
        ResultSet column = connection.getMetaData().getColumns(null, "spend", view, null)) {
      ResultSetMetaData result = statement.getMetaData();
      for (int i = 1; column.next(); i++) {
        say("column", view, column.getString("COLUMN_NAME"), column.getString("TYPE_NAME"), "" + result.getPrecision(i), "" + result.getScale(i),
            column.getString("IS_NULLABLE") + result.isNullable(i), column.getString("REMARKS"), result.getColumnClassName(i));
      }
    }
  }

  static void read(Connection connection, String view, String mode) throws Exception {
    try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM spend." + view)) {
      // Only of a statement that it has described does the driver ask for values in binary format.
      statement.executeQuery().close();
      ResultSet rows = statement.executeQuery();
      ResultSetMetaData columns = rows.getMetaData();
      int count = columns.getColumnCount();
      List<TreeSet<String>> classes = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        classes.add(new TreeSet<>());
      }
      Method isBinary = rows.getClass().getDeclaredMethod("isBinary", int.class);
      isBinary.setAccessible(true);
      while (rows.next()) {
        String[] line = new String[count + 3];
        line[0] = "row";
        line[1] = mode;
        line[2] = view;
        for (int i = 1; i <= count; i++) {
          Object value = rows.getObject(i);
          if (value != null) {
            classes.get(i - 1).add(value.getClass().getName());
          }
          if (value != null && columns.getColumnTypeName(i).equals("timestamptz")) {
            value = rows.getObject(i, OffsetDateTime.class);
          }
          line[i + 2] = text(value);
          // Not a matter of course: a driver may fetch text although it was told not to.
          if (columns.getColumnTypeName(i).equals("timestamptz") || columns.getColumnTypeName(i).equals("int8")) {
            say("format", mode, (boolean) isBinary.invoke(rows, i) ? "binary" : "text");
          }
        }
        say(line);
      }
      for (int i = 1; i <= count; i++) {
        say("class", view, columns.getColumnName(i), String.join(",", classes.get(i - 1)));
      }
    }
  }

  static String text(Object value) {
    if (value == null) {
      return null;
    }
    if (value instanceof BigDecimal number) {
      return number.toPlainString();
    }
    if (value instanceof Date date) {
      return date.toLocalDate().toString();
    }
    if (value instanceof OffsetDateTime time) {
      return "" + ChronoUnit.MICROS.between(Instant.EPOCH, time.toInstant());
    }
    return value.toString();
  }

  // A prepared statement with parameters of every type, twice: from the second run on the server knows it by name.
  static void parameters(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT count(*), sum(cost) FROM spend.daily_spend WHERE usage_date >= ? AND day_start_at < ? "
        + "AND team = ? AND cost > ? AND calls >= ?")) {
      for (int run = 1; run <= 2; run++) {
        statement.setObject(1, LocalDate.of(2026, 3, 1));
        statement.setObject(2, OffsetDateTime.of(2026, 3, 3, 0, 0, 0, 0, ZoneOffset.UTC));
        statement.setString(3, "cheap");
        statement.setBigDecimal(4, new BigDecimal("0.000000000000000001"));
        statement.setLong(5, 1);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          say("value", "parameters", "" + row.getLong(1), row.getBigDecimal(2).toPlainString());
        }
      }
      say("value", "prepared", "" + statement.unwrap(PGStatement.class).isUseServerPrepare());
    }
    try (PreparedStatement statement = connection.prepareStatement("SELECT spend.report(?, ?, ?)")) {
      PGobject filter = new PGobject();
      filter.setType("jsonb");
      filter.setValue("{\"team\": [\"cheap\", \"both\"]}");
      statement.setString(1, "2026-03");
      statement.setArray(2, connection.createArrayOf("text", new String[] {"team", "model"}));
      statement.setObject(3, filter);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        say("value", "report", row.getString(1));
      }
    }
  }

  static void write(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(
        "INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, tags) VALUES (?, ?, ?, ?, ?) RETURNING usage_id, cost, currency, pricing_status")) {
      insert(statement, "inserted", "driver", "x");
      insert(statement, "over budget", "capped", "x");
      insert(statement, "without tag", "tagged", null);
      statement.setQueryTimeout(1);
      insert(statement, "timeout", "held", "x");
      statement.setQueryTimeout(0);
      insert(statement, "afterwards", "driver", "x");
    }
  }

  static void insert(PreparedStatement statement, String name, String team, String purpose) throws SQLException {
    PGobject tags = new PGobject();
    tags.setType("jsonb");
    tags.setValue(purpose == null ? "{}" : "{\"ticket\": \"" + purpose + "\"}");
    statement.setObject(1, OffsetDateTime.of(2026, 3, 20, 12, 0, 0, 0, ZoneOffset.UTC));
    statement.setString(2, team);
    statement.setString(3, "plain");
    statement.setLong(4, 1000003);
    statement.setObject(5, tags);
    try (ResultSet row = statement.executeQuery()) {
      row.next();
      say("value", name, row.getBigDecimal(2).toPlainString(), row.getString(3), row.getString(4), row.getLong(1) > 0 ? "numbered" : "");
    } catch (PSQLException error) {
      ServerErrorMessage server = error.getServerErrorMessage();
      say("error", name, error.getSQLState(), server.getMessage(), server.getDetail(), server.getHint());
    }
  }

  // One JSON array of strings and nulls.
  static void say(String... words) {
    StringBuilder line = new StringBuilder("[");
    for (String word : words) {
      line.append(line.length() > 1 ? "," : "");
      if (word == null) {
        line.append("null");
        continue;
      }
      line.append('"');
      for (char letter : word.toCharArray()) {
        if (letter == '"' || letter == '\\') {
          line.append('\\').append(letter);
        } else if (letter < ' ') {
          line.append(String.format("\\u%04x", (int) letter));
        } else {
          line.append(letter);
        }
      }
      line.append('"');
    }
    OUT.println(line.append(']'));
  }
}
