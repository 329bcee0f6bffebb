package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.Progress;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.infer.EmbeddingSet.Kind;
import org.talespark.jobs.infer.FoundItems.Found;
import org.talespark.jobs.infer.Queries.Query;
import org.talespark.jobs.infer.SearchPage.Answer;
import org.talespark.jobs.metrics.JobLabel;
import org.talespark.jobs.metrics.TaskProgress;
import org.talespark.zoo.contrastive.ClipEmbedder;
import org.talespark.zoo.search.Hit;

/**
 * The pictures or texts that are most similar to some queries, exactly, as Spark jobs: {@code
 * results.jsonl} with a line for each query, and {@code results.html} with what was found.
 */
final class SearchJob {
  /** The command's name in its output. */
  static final String COMMAND = "infer search";

  static final String RESULTS = "results.jsonl";
  static final String PAGE = "results.html";

  /** Embeddings of an input that has none yet; gone when the job ends. */
  private static final String EMBEDDINGS = "embeddings";

  private static final List<String> ENTRIES = List.of(RESULTS, PAGE, EMBEDDINGS);
  private static final int MOST = 10_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * What to search, and for what.
   *
   * @param input embeddings, or what {@code infer embed} takes
   * @param split of a dataset
   * @param kind of what is wanted
   * @param most results of a query
   */
  record Settings(
      String checkpoint, String input, Split split, Queries queries, Kind kind, int most) {
    Settings {
      requireNonNull(checkpoint, "checkpoint");
      requireNonNull(input, "input");
      requireNonNull(split, "split");
      requireNonNull(queries, "queries");
      requireNonNull(kind, "kind");
      if (most < 1 || most > MOST) {
        throw new IllegalArgumentException(
            "Cannot search: --top=%d, expected 1 to %d".formatted(most, MOST));
      }
    }
  }

  /**
   * What was searched.
   *
   * @param rows that were compared with each query
   * @param searchSeconds of comparing alone
   */
  record Result(int queries, long rows, double searchSeconds) {}

  /** A line of {@code results.jsonl}. */
  record Line(String query, String kind, List<String> keys, List<Double> scores) {}

  private final Settings settings;
  private final String out;
  private final PrintStream log;

  /** Checks nothing yet; {@link #run} does. */
  SearchJob(Settings settings, String out, PrintStream log) {
    this.settings = requireNonNull(settings, "settings");
    this.out = requireNonNull(out, "out");
    this.log = requireNonNull(log, "log");
  }

  /** Writes everything but the commit; the caller commits with the result's line. */
  @SuppressWarnings("try") // the label is used by closing it
  Result run(SparkSession spark) throws IOException {
    Configuration hadoop = spark.sessionState().newHadoopConf();
    ClipCheckpoint model = ClipCheckpoint.find(settings.checkpoint(), hadoop);
    List<Query> queries = settings.queries().read(hadoop);
    boolean embedded = EmbeddingSet.isIn(settings.input(), hadoop);
    EmbeddingSet given = embedded ? given(model, hadoop) : null;
    List<ItemSource> sources =
        embedded ? null : ItemSource.of(settings.input(), settings.split(), hadoop);
    FileSystem fs = new Path(out).getFileSystem(hadoop);
    CommittedOutput output =
        CommittedOutput.open(fs, new Path(out), COMMAND, ENTRIES, CommittedOutput.Existing.REPLACE);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    try (JobLabel label = JobLabel.of(context.sc(), "search", "search " + settings.input())) {
      Path scratch = output.path(EMBEDDINGS);
      EmbeddingSet set = embedded ? given : embedded(context, hadoop, model, sources, scratch);
      EmbeddingSet.Rows rows = set.rows(settings.kind());
      if (rows.count() == 0) {
        throw new BadInputException(
            "Cannot search: input=%s holds no %s; try another --find"
                .formatted(settings.input(), settings.kind().id()));
      }
      float[][] wanted = embedded(context, hadoop, model, queries);
      long started = System.nanoTime();
      List<List<Hit>> hits = search(context, hadoop, rows, wanted);
      double seconds = (System.nanoTime() - started) / 1e9;
      List<Answer> answers = answers(set, queries, hits);
      fs.delete(scratch, true);
      writeLines(output, answers);
      SearchPage page = new SearchPage(model.uri(), settings.kind(), rows.count(), answers);
      try (OutputStream file = output.create(PAGE)) {
        file.write(page(context, hadoop, set.origin(), page).getBytes(UTF_8));
      }
      return new Result(queries.size(), rows.count(), seconds);
    }
  }

  private EmbeddingSet given(ClipCheckpoint model, Configuration hadoop) throws IOException {
    EmbeddingSet set = EmbeddingSet.open(settings.input(), hadoop);
    if (!set.origin().sha256().equals(model.sha256())) {
      throw new BadInputException(
          "Cannot search: input=%s was embedded with checkpoint=%s weights_sha256=%s, expected those of checkpoint=%s weights_sha256=%s; try that checkpoint, or embed again"
              .formatted(
                  settings.input(),
                  set.origin().checkpoint(),
                  set.origin().sha256(),
                  model.uri(),
                  model.sha256()));
    }
    if (set.rows(settings.kind()).width() != model.width()) {
      throw new BadInputException(
          "Cannot search: input=%s has rows of width=%d, expected %d as checkpoint=%s makes them"
              .formatted(
                  settings.input(), set.rows(settings.kind()).width(), model.width(), model.uri()));
    }
    return set;
  }

  private EmbeddingSet embedded(
      JavaSparkContext context,
      Configuration hadoop,
      ClipCheckpoint model,
      List<ItemSource> sources,
      Path scratch)
      throws IOException {
    long total = EmbedJob.rows(sources);
    try (TaskProgress done =
        new TaskProgress(context.sc(), Progress.of(log, "embed", "rows", 0, total), total)) {
      new EmbeddingWriter(context, hadoop, model, scratch)
          .write(
              sources,
              EmbedJob.origin(model, settings.input(), settings.split(), hadoop),
              false,
              done.counter());
    }
    return EmbeddingSet.at(scratch, hadoop);
  }

  /** The rows of the queries, in order. */
  private static float[][] embedded(
      JavaSparkContext context, Configuration hadoop, ClipCheckpoint model, List<Query> queries) {
    List<Queries.Piece> pieces = Queries.pieces(queries);
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    return context
        .parallelize(pieces, Embedding.partitions(context, pieces.size()))
        .mapPartitions(part -> rows(part, model, conf.value().value()))
        .collect()
        .toArray(float[][]::new);
  }

  private static Iterator<float[]> rows(
      Iterator<Queries.Piece> pieces, ClipCheckpoint model, Configuration hadoop)
      throws IOException {
    List<float[]> rows = new ArrayList<>();
    try (ClipEmbedder embedder = model.open(hadoop)) {
      Embedding embedding = new Embedding(embedder, hadoop);
      while (pieces.hasNext()) {
        embedding.run(
            pieces.next(),
            embedded -> rows.add(embedded.text() == null ? embedded.image() : embedded.text()));
      }
    }
    return rows.iterator();
  }

  private List<List<Hit>> search(
      JavaSparkContext context, Configuration hadoop, EmbeddingSet.Rows rows, float[][] wanted) {
    Progress progress = Progress.of(log, "search", "rows", 0, rows.count());
    try (TaskProgress done = new TaskProgress(context.sc(), progress, rows.count())) {
      return RowSearch.run(context, hadoop, rows, wanted, settings.most(), done.counter());
    }
  }

  private List<Answer> answers(EmbeddingSet set, List<Query> queries, List<List<Hit>> hits)
      throws IOException {
    TreeSet<Long> rows = new TreeSet<>();
    hits.forEach(each -> each.forEach(hit -> rows.add(hit.row())));
    Map<Long, String> keys = set.keys(settings.kind(), rows);
    List<Answer> answers = new ArrayList<>();
    for (int q = 0; q < queries.size(); q++) {
      List<Hit> found = hits.get(q);
      answers.add(
          new Answer(
              queries.get(q),
              found.stream().map(Hit::row).toList(),
              found.stream().map(hit -> keys.get(hit.row())).toList(),
              found.stream().map(Hit::score).toList()));
    }
    return answers;
  }

  private static void writeLines(CommittedOutput output, List<Answer> answers) throws IOException {
    try (BufferedWriter writer =
        new BufferedWriter(new OutputStreamWriter(output.create(RESULTS), UTF_8))) {
      for (Answer answer : answers) {
        Line line =
            new Line(
                answer.query().label(), answer.query().kind().id(), answer.keys(), answer.scores());
        writer.write(JSON.writeValueAsString(line));
        writer.write('\n');
      }
    }
  }

  private String page(
      JavaSparkContext context, Configuration hadoop, EmbeddingSet.Origin origin, SearchPage page) {
    Map<Long, String> keys = new HashMap<>();
    Map<String, byte[]> queries = new HashMap<>();
    for (Answer answer : page.shown()) {
      for (int i = 0; i < answer.rows().size(); i++) {
        keys.put(answer.rows().get(i), answer.keys().get(i));
      }
      String image = answer.query().image();
      if (image != null) {
        queries.put(image, FoundItems.small(Queries.picture(image, hadoop), image));
      }
    }
    List<ItemSource> sources;
    try {
      sources = ItemSource.of(origin.input(), origin.split(), hadoop);
    } catch (BadInputException e) {
      // the embeddings say all there is to say; only the page has nothing to show
      String note = "Without pictures: what was embedded is not there any more. " + e.getMessage();
      log.println("search: " + note);
      return page.html(Map.of(), queries, note);
    }
    Map<Long, Found> found = FoundItems.fetch(context, hadoop, sources, settings.kind(), keys);
    return page.html(found, queries, "");
  }

  /** Makes the output valid: {@code resultLine} is the result as {@code --json} prints it. */
  void commit(SparkSession spark, String resultLine) throws IOException {
    CommittedOutput.commit(spark.sessionState().newHadoopConf(), out, COMMAND, ENTRIES, resultLine);
  }
}
