import java.sql.DriverManager;
import java.sql.SQLException;

/** Sql URL STATEMENT: what it gives, a line for each row. A refusal has its codes. */
public class Sql {
  public static void main(String[] args) {
    int status = 0;
    try (var connection = DriverManager.getConnection(args[0])) {
      connection.setAutoCommit(true);
      try (var statement = connection.createStatement()) {
        if (statement.execute(args[1]))
          for (var rows = statement.getResultSet(); rows.next(); ) System.out.println("row " + rows.getString(1));
        else System.out.println("done");
      }
    } catch (SQLException e) {
      status = 1;
      System.out.println("vendor code " + e.getErrorCode() + ", SQLState " + e.getSQLState() + ": " + e.getMessage());
    } catch (RuntimeException e) {
      status = 1;
      System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
    }
    System.exit(status);
  }
}
