package org.talespark.data.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lower;
import static org.apache.spark.sql.functions.trim;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.BadInputException;
import org.talespark.data.Sha256;

/** A text file with the SHA-256 of a picture file on each line; blank lines are passed over. */
record Blocklist(String uri) {

  private static final Pattern SHA256 = Pattern.compile("[0-9a-fA-F]{64}");
  private static final int SHOWN = 40;

  /**
   * Reads the file through.
   *
   * @return a digest of its hashes
   * @throws BadInputException when it is missing, or naming the first line that is no hash
   */
  String check(Configuration hadoop) throws IOException {
    MessageDigest digest = Sha256.digest();
    Path path = new Path(uri);
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                path.getFileSystem(hadoop).open(path), StandardCharsets.ISO_8859_1))) {
      int number = 0;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        number++;
        String hash = line.strip();
        if (hash.isEmpty()) {
          continue;
        }
        if (!SHA256.matcher(hash).matches()) {
          throw new BadInputException(
              "Cannot read blocklist: blocklist=%s line=%d text=%s, expected 64 hexadecimal digits"
                  .formatted(uri, number, hash.substring(0, Math.min(SHOWN, hash.length()))));
        }
        digest.update(hash.toLowerCase(Locale.ROOT).getBytes(StandardCharsets.US_ASCII));
      }
    } catch (FileNotFoundException e) {
      throw new BadInputException(
          "Cannot read blocklist: blocklist=%s does not exist, expected a text file of SHA-256 hashes"
              .formatted(uri),
          e);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The distinct hashes, in lower case, in the column {@code hash}. */
  Dataset<Row> hashes(SparkSession spark) {
    return spark
        .read()
        .text(uri)
        .select(lower(trim(col("value"))).alias("hash"))
        .where(col("hash").notEqual(""))
        .distinct();
  }
}
