package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.jobs.checkpoint.MiniHdfs;
import org.talespark.jobs.cluster.Sessions;

/** Training from HDFS to HDFS, of which a part is lost meanwhile. */
@Tag("slow")
@Timeout(180)
class TrainHdfsTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());
  private static final long STEPS = 60;

  @TempDir private Path folder;

  private static TrainJob.Result train(SparkSession session, String dataset, String out)
      throws Exception {
    TrainConfig config = Tiny.config("train.steps=" + STEPS);
    return new TrainJob(config, dataset, out, null, false, SILENT).run(session);
  }

  @Test
  void aRunThatLosesADatanodeEqualsOneOnALocalDisk() throws Exception {
    Path dataset = Tiny.dataset(folder);
    Path local = folder.resolve("local");
    try (MiniHdfs hdfs = MiniHdfs.start(folder.resolve("hdfs"));
        FileSystem fs = hdfs.fileSystem();
        SparkSession session =
            Sessions.open(Tiny.MASTER, "hdfs", Sessions.defaultConfig(Tiny.MASTER))) {
      train(session, Tiny.uri(dataset), Tiny.uri(local));

      org.apache.hadoop.fs.Path root = new org.apache.hadoop.fs.Path(hdfs.uri("/talespark"));
      org.apache.hadoop.fs.Path data = new org.apache.hadoop.fs.Path(root, "dataset");
      org.apache.hadoop.fs.Path run = new org.apache.hadoop.fs.Path(root, "run");
      fs.mkdirs(root);
      fs.copyFromLocalFile(new org.apache.hadoop.fs.Path(dataset.toUri()), data);
      Thread killer =
          new Thread(
              () -> {
                try {
                  while (!fs.exists(
                      new org.apache.hadoop.fs.Path(run, "checkpoints/step-00000010/COMMITTED"))) {
                    Thread.sleep(20);
                  }
                  hdfs.killDatanode();
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      killer.start();
      TrainJob.Result result = train(session, data.toString(), run.toString());
      killer.join();
      assertThat(hdfs.killed()).isEqualTo(1);
      assertThat(result.step()).isEqualTo(STEPS);

      Configuration conf = session.sessionState().newHadoopConf();
      assertThat(RunDirectory.checkpoint(run.toString(), conf).path().getName())
          .isEqualTo(RunDirectory.checkpoint(Tiny.uri(local), conf).path().getName());
      Path fetched = folder.resolve("fetched");
      assertThat(FileUtil.copy(fs, run, fetched.toFile(), false, conf)).isTrue();
      TrainProcess.checkNothingIsOrphaned(fetched);
      TrainProcess.checkSameEnd(fetched, local, STEPS);
    }
  }
}
