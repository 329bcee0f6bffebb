package org.talespark.jobs.corpus;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.Sha256;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.tokenizer.TokenizerConfig;
import org.talespark.data.tokenizer.TokenizerTraining;
import org.talespark.data.tokenizer.TokenizerTraining.Trained;
import org.talespark.jobs.checkpoint.CommittedOutput;

/**
 * Trains a tokenizer on a dataset's training captions and commits {@code tokenizer.json}. An output
 * that holds the tokenizer of this dataset and these settings stays as it is; any other one is
 * replaced when the new tokenizer is there.
 */
public final class TokenizerJob {

  /** The command's name in its output. */
  public static final String COMMAND = "tokenizer";

  /** The file that the Hugging Face libraries load. */
  public static final String FILE = "tokenizer.json";

  private static final List<String> ENTRIES = List.of(FILE);
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  /**
   * What was trained.
   *
   * @param special tokens with ids from 0 on
   * @param captions how many it was trained on
   * @param leastWordCount rarer words were left out for lack of memory; 1 when none was
   * @param datasetSha256 of the dataset's manifest
   * @param sha256 of {@code tokenizer.json}
   * @param unchanged whether the output held this tokenizer already
   */
  public record Result(
      int vocabulary,
      int merges,
      List<String> special,
      long leastPairCount,
      long captions,
      long words,
      long distinctWords,
      long leastWordCount,
      String datasetSha256,
      String sha256,
      boolean unchanged) {
    public Result {
      special = List.copyOf(special);
      requireNonNull(datasetSha256, "datasetSha256");
      requireNonNull(sha256, "sha256");
    }
  }

  private final String dataset;
  private final int vocabulary;
  private final String out;
  private final TokenizerConfig config;
  private Trained trained;

  /**
   * Describes a run.
   *
   * @throws IllegalArgumentException when the vocabulary has no room for special tokens and bytes
   */
  public TokenizerJob(String dataset, int vocabulary, String out, TokenizerConfig config) {
    this.dataset = requireNonNull(dataset, "dataset");
    this.vocabulary = vocabulary;
    this.out = requireNonNull(out, "out");
    this.config = requireNonNull(config, "config");
    config.checkVocabulary(vocabulary);
  }

  /** Trains where needed, and writes nothing yet. */
  public Result run(SparkSession spark) throws IOException {
    Configuration hadoop = spark.sessionState().newHadoopConf();
    Path directory = new Path(out);
    FileSystem fs = directory.getFileSystem(hadoop);
    CommittedOutput.check(fs, directory, COMMAND);
    Dataset opened = Dataset.open(dataset, hadoop);
    String datasetSha256 = Sha256.hex(opened.manifest().toJson());
    Optional<Result> earlier = earlier(fs, directory).filter(result -> isOf(result, datasetSha256));
    if (earlier.isPresent()) {
      return earlier.get();
    }
    trained = new TokenizerTraining(opened, vocabulary, config).run(spark);
    return new Result(
        vocabulary,
        trained.merges(),
        config.special(),
        config.leastPairCount(),
        trained.captions(),
        trained.words(),
        trained.distinctWords(),
        trained.leastWordCount(),
        datasetSha256,
        Sha256.hex(trained.json()),
        false);
  }

  /** Writes and commits what {@link #run} trained, if it did; {@code resultLine} is the result. */
  public void commit(SparkSession spark, String resultLine) throws IOException {
    if (trained == null) {
      return;
    }
    Path directory = new Path(out);
    FileSystem fs = directory.getFileSystem(spark.sessionState().newHadoopConf());
    CommittedOutput output =
        CommittedOutput.open(fs, directory, COMMAND, ENTRIES, CommittedOutput.Existing.REPLACE);
    try (OutputStream file = output.create(FILE)) {
      file.write(trained.json());
    }
    output.commit(resultLine);
  }

  private boolean isOf(Result result, String datasetSha256) {
    return result.datasetSha256().equals(datasetSha256)
        && result.vocabulary() == vocabulary
        && result.special().equals(config.special())
        && result.leastPairCount() == config.leastPairCount();
  }

  /** The result of a committed output whose file is whole. */
  private static Optional<Result> earlier(FileSystem fs, Path directory) throws IOException {
    Optional<String> line = CommittedOutput.result(fs, directory);
    if (line.isEmpty()) {
      return Optional.empty();
    }
    try (InputStream file = fs.open(new Path(directory, FILE))) {
      Result result = JSON.readValue(line.get(), Result.class);
      return Sha256.hex(file.readAllBytes()).equals(result.sha256())
          ? Optional.of(unchanged(result))
          : Optional.empty();
    } catch (JsonProcessingException | FileNotFoundException e) {
      return Optional.empty(); // of another release, or damaged: made again
    }
  }

  private static Result unchanged(Result result) {
    return new Result(
        result.vocabulary(),
        result.merges(),
        result.special(),
        result.leastPairCount(),
        result.captions(),
        result.words(),
        result.distinctWords(),
        result.leastWordCount(),
        result.datasetSha256(),
        result.sha256(),
        true);
  }
}
