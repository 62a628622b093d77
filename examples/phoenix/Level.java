import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hadoop.hbase.client.Get;
import org.apache.hadoop.hbase.util.Bytes;

/** The schema level, as Phoenix itself takes it: the timestamp of the row of SYSTEM.CATALOG in SYSTEM.CATALOG. */
public class Level {
  public static void main(String[] args) throws Exception {
    long level = 0;
    try (var connection = ConnectionFactory.createConnection(HBaseConfiguration.create());
        var table = connection.getTable(TableName.valueOf("SYSTEM.CATALOG"))) {
      for (var cell : table.get(new Get(Bytes.toBytes("\0SYSTEM\0CATALOG"))).rawCells())
        level = Math.max(level, cell.getTimestamp());
    }
    System.out.println(level);
    String wanted = System.getenv("SKEWGATE_TO_LEVEL");
    System.exit(wanted == null || level >= Long.parseLong(wanted) ? 0 : 1);
  }
}
