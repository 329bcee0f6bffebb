package org.talespark.data.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.talespark.data.dataset.Dataset;

/** Datasets of captions without pictures: a manifest and an index. */
final class IndexedDataset {

  private static final StructType ONE =
      new StructType()
          .add("key", "string")
          .add("status", "string")
          .add("split", "string")
          .add("caption", "string");
  private static final StructType SEVERAL =
      ONE.add("captions", DataTypes.createArrayType(DataTypes.StringType));

  private IndexedDataset() {}

  /** One training sample a list of captions, and a test sample and a rejected row beside them. */
  static Dataset write(SparkSession spark, Path root, List<List<String>> samples)
      throws IOException {
    List<Row> rows = new ArrayList<>();
    boolean several = samples.stream().anyMatch(s -> s.size() > 1);
    for (List<String> captions : samples) {
      rows.add(row(several, "accepted", "train", captions));
    }
    rows.add(row(several, "accepted", "test", List.of("zzz unseen zzz")));
    rows.add(row(several, "rejected", null, List.of("qqq rejected qqq")));
    Path parts = root.resolve("parts");
    spark
        .createDataFrame(rows, several ? SEVERAL : ONE)
        .coalesce(1)
        .write()
        .mode(SaveMode.Overwrite)
        .parquet(parts.toUri().toString());
    try (Stream<Path> files = Files.list(parts)) {
      Path part = files.filter(f -> f.toString().endsWith(".parquet")).findFirst().orElseThrow();
      Files.move(part, root.resolve("index.parquet"));
    }
    manifest(root, samples.size(), rows.size());
    return Dataset.open(root.toString(), new Configuration());
  }

  private static Row row(boolean several, String status, String split, List<String> captions) {
    String first = captions.isEmpty() ? null : captions.get(0);
    return several
        ? RowFactory.create("k", status, split, first, captions.toArray(String[]::new))
        : RowFactory.create("k", status, split, first);
  }

  static void manifest(Path root, long train, long rows) throws IOException {
    Files.writeString(
        root.resolve("dataset.json"),
        """
        {"schema_version": 1, "settings": {}, "input": {"sources": [], "fingerprint": "", "rows": %d},
         "status": {"accepted": %d, "rejected": 1}, "reasons": {"blank": 1},
         "splits": {"train": %d, "test": 1}, "shards": [],
         "index": {"path": "index.parquet", "rows": %d, "bytes": 1, "sha256": "%s"}}
        """
            .formatted(rows, rows - 1, train, rows, "0".repeat(64)));
  }
}
