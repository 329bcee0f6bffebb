package org.talespark.data.tokenizer;

import static java.util.Objects.requireNonNull;

import org.apache.spark.sql.SparkSession;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;

/**
 * Trains a tokenizer on the training captions of a dataset: Spark counts words, the driver merges.
 * The result depends on the captions and the settings alone.
 */
public final class TokenizerTraining {

  /**
   * A tokenizer.
   *
   * @param json the content of {@code tokenizer.json}
   * @param captions how many it was trained on
   * @param words words in them
   * @param distinctWords different words in them
   * @param leastWordCount rarer words were left out for lack of memory; 1 when none was
   */
  @SuppressWarnings("ArrayRecordComponent") // a file's bytes, compared by nobody
  public record Trained(
      byte[] json,
      int merges,
      long captions,
      long words,
      long distinctWords,
      long leastWordCount) {}

  private final Dataset dataset;
  private final int vocabulary;
  private final TokenizerConfig config;
  private final WordCounts.Limits limits;

  /**
   * Describes a training.
   *
   * @param vocabulary ids, special tokens and bytes included
   * @throws IllegalArgumentException when that is too small or too large
   */
  public TokenizerTraining(Dataset dataset, int vocabulary, TokenizerConfig config) {
    this(dataset, vocabulary, config, WordCounts.Limits.defaults());
  }

  TokenizerTraining(
      Dataset dataset, int vocabulary, TokenizerConfig config, WordCounts.Limits limits) {
    this.dataset = requireNonNull(dataset, "dataset");
    this.vocabulary = vocabulary;
    this.config = requireNonNull(config, "config");
    this.limits = limits;
    config.checkVocabulary(vocabulary);
  }

  /**
   * Trains.
   *
   * @throws BadInputException when the dataset has no training caption
   * @throws IllegalArgumentException when its captions give fewer tokens than wanted; the message
   *     says how many they give
   */
  public Trained run(SparkSession spark) {
    spark.sparkContext().setJobGroup("tokenizer", "tokenizer " + dataset.uri(), true);
    try {
      WordCounts.TrainingCaptions captions = WordCounts.captions(dataset, spark);
      if (captions.count() == 0) {
        throw new BadInputException(
            "Cannot train tokenizer: dataset=%s has no training caption, expected at least one"
                .formatted(dataset.uri()));
      }
      try (WordCounts counts = WordCounts.of(captions.rows())) {
        WordCounts.Totals totals = counts.totals(limits);
        BpeTrainer trainer = new BpeTrainer();
        counts.forEach(totals.leastCount(), trainer::add);
        Bpe bpe =
            trainer.train(
                vocabulary - config.special().size(), config.leastPairCount(), config.special());
        if (bpe.size() < vocabulary) {
          throw tooSmall(bpe.size(), totals);
        }
        return new Trained(
            TokenizerJson.write(bpe),
            bpe.merges().size(),
            captions.count(),
            totals.words(),
            totals.distinct(),
            totals.leastCount());
      }
    } finally {
      spark.sparkContext().clearJobGroup();
    }
  }

  private IllegalArgumentException tooSmall(int possible, WordCounts.Totals totals) {
    return new IllegalArgumentException(
        "Cannot train tokenizer: vocab=%d, expected at most %d, which is all that %d distinct words with pairs of least_pair_count=%d give; try --vocab %d or more captions"
            .formatted(vocabulary, possible, totals.distinct(), config.leastPairCount(), possible));
  }
}
