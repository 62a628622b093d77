import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.LocalHBaseCluster;

/** HBase: a master and a region server in this JVM, with a ZooKeeper elsewhere. Ends in order on SIGTERM. */
public class Node {
  public static void main(String[] args) throws Exception {
    var cluster = new LocalHBaseCluster(HBaseConfiguration.create(), 1);
    cluster.startup();
    Runtime.getRuntime().addShutdownHook(new Thread(cluster::shutdown));
    cluster.waitOnMaster(cluster.getMasters().get(0));
  }
}
