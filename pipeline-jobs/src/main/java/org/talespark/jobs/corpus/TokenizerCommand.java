package org.talespark.jobs.corpus;

import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.data.tokenizer.TokenizerConfig;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import org.talespark.jobs.config.ConfigTree;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tokenizer}: a dataset's captions into {@code tokenizer.json}. */
@Command(
    name = "tokenizer",
    description = "Trains a byte-level BPE tokenizer on the captions of a dataset.")
public final class TokenizerCommand extends JobCommand {

  /** The keys below {@code tokenizer}. */
  record Keys(TokenizerConfig tokenizer) {}

  /** What a dry run prints. */
  record Plan(
      TokenizerConfig tokenizer,
      int vocabulary,
      String dataset,
      long trainingSamples,
      String out) {}

  @Option(
      names = "--dataset",
      required = true,
      paramLabel = "URI",
      description = "A prepared dataset.")
  private String dataset;

  @Option(
      names = "--vocab",
      required = true,
      paramLabel = "N",
      description = "Size of the vocabulary, special tokens and 256 bytes included.")
  private int vocabulary;

  @Option(
      names = "--special",
      paramLabel = "NAME",
      description =
          "A special token such as <image>, ids from 0 on; may be repeated. Replaces the default"
              + " <pad>, <eos>, <bos>.")
  private List<String> special;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The folder of tokenizer.json.")
  private String out;

  private TokenizerConfig config(Context context) {
    ConfigTree.Builder defaults =
        ConfigTree.builder().option("the defaults", "tokenizer", TokenizerConfig.defaults());
    return context
        .overlay(defaults)
        .option("--special", "tokenizer.special", special)
        .build()
        .bind(Keys.class)
        .tokenizer();
  }

  @Override
  protected boolean takesConfiguration() {
    return true;
  }

  @Override
  protected Object run(Context context) throws Exception {
    TokenizerJob job = new TokenizerJob(dataset, vocabulary, out, config(context));
    SparkSession spark = context.spark();
    TokenizerJob.Result result = job.run(spark);
    job.commit(spark, context.resultLine(result));
    return result;
  }

  @Override
  protected Object plan(Context context) {
    TokenizerConfig config = config(context);
    config.checkVocabulary(vocabulary);
    long samples = Dataset.open(dataset, new Configuration()).samples(Split.TRAIN);
    return new Plan(config, vocabulary, dataset, samples, out);
  }
}
