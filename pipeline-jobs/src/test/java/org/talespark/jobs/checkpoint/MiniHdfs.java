package org.talespark.jobs.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.server.namenode.EditLogFileOutputStream;

/** HDFS in this JVM: a namenode and three datanodes, two of which hold each block. */
public final class MiniHdfs implements AutoCloseable {
  private static final int DATANODES = 3;

  private final MiniDFSCluster cluster;
  private int killed;

  private MiniHdfs(MiniDFSCluster cluster) {
    this.cluster = cluster;
  }

  /** Starts it; the files are kept below a folder. */
  public static MiniHdfs start(Path folder) throws IOException {
    Configuration conf = new Configuration();
    conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.toString());
    conf.setInt("dfs.replication", 2);
    conf.setInt("dfs.namenode.handler.count", 4);
    conf.setInt("dfs.datanode.handler.count", 2);
    conf.setInt("dfs.heartbeat.interval", 1);
    conf.setInt("dfs.namenode.heartbeat.recheck-interval", 1000);
    conf.setInt("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", 10);
    EditLogFileOutputStream.setShouldSkipFsyncForTesting(true);
    MiniDFSCluster cluster =
        new MiniDFSCluster.Builder(conf).numDataNodes(DATANODES).checkExitOnShutdown(false).build();
    cluster.waitActive();
    return new MiniHdfs(cluster);
  }

  /** The URI of a path. */
  public String uri(String path) {
    return cluster.getURI() + path;
  }

  /** A client of its own. */
  public FileSystem fileSystem() throws IOException {
    return cluster.getNewFileSystemInstance(0);
  }

  /** Ends one more datanode with all its connections, in the middle of whatever it does. */
  public synchronized void killDatanode() {
    cluster.stopDataNode(0);
    killed++;
  }

  /** How many datanodes are gone. */
  public synchronized int killed() {
    return killed;
  }

  @Override
  public void close() {
    cluster.shutdown(true);
  }
}
