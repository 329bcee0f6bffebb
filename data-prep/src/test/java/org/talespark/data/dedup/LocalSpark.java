package org.talespark.data.dedup;

import org.apache.spark.sql.SparkSession;

/** A small session for tests. */
final class LocalSpark {

  private LocalSpark() {}

  static SparkSession open(String name) {
    return SparkSession.builder()
        .master("local[2]")
        .appName(name)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate();
  }
}
