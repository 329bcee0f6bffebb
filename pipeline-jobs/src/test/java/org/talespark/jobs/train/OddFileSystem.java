package org.talespark.jobs.train;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/** Local files at {@code odd:///}: counts what is opened, and can fail or hang. */
public final class OddFileSystem extends RawLocalFileSystem {
  static final AtomicInteger OPENED = new AtomicInteger();
  static final AtomicInteger FAILURES = new AtomicInteger();
  static volatile CountDownLatch gate = new CountDownLatch(0);

  static Configuration configuration() {
    Configuration hadoop = new Configuration();
    hadoop.set("fs.odd.impl", OddFileSystem.class.getName());
    OPENED.set(0);
    FAILURES.set(0);
    gate = new CountDownLatch(0);
    return hadoop;
  }

  @Override
  public URI getUri() {
    return URI.create("odd:///");
  }

  @Override
  public FSDataInputStream open(Path path, int buffer) throws IOException {
    if (path.getName().endsWith(".tar")) {
      OPENED.incrementAndGet();
      if (FAILURES.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        throw new IOException("the network is down");
      }
      try {
        gate.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
    return super.open(path, buffer);
  }
}
