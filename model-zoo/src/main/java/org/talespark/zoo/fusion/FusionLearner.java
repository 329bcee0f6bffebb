package org.talespark.zoo.fusion;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.contrastive.ClipFile;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.contrastive.ContrastiveMetrics;
import org.talespark.zoo.contrastive.ContrastivePull;
import org.talespark.zoo.contrastive.GlobalLoss;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.HeldOut;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NetworkLearner;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.SampleRows;
import org.talespark.zoo.train.StepResult;

/**
 * One worker's fusion model in training.
 *
 * <p>All losses are means over the batch of all workers, which may differ in pairs and tokens:
 * their numbers are summed before the backward pass. Masks depend on the sample, negatives on the
 * sample and the texts of all workers, so N workers make the steps of one with the whole batch.
 */
final class FusionLearner implements NetworkLearner {
  private final FusionLearnerConfig config;
  private final LearnerContext context;
  private final FusionModel model;
  private final Tokenizer tokenizer;
  private final ClipTexts texts;
  private final ContrastivePull pull; // null without the contrastive loss
  private final GlobalLoss contrast; // likewise
  private final MaskedTokens masked; // null without masked language modelling
  private final NegativeTexts negatives; // null without matching
  private final FusionPlan plan;
  private final Descent descent;
  private final FusionPlan evaluation;

  FusionLearner(FusionLearnerConfig config, LearnerContext context) {
    this.config = config;
    this.context = context;
    Objectives objectives = config.objectives();
    ClipModel.Config clip = config.model().clip();
    clip.checkPictures(context.size(), "model.clip");
    int batch = context.batch();
    int length = config.contextLength();
    this.tokenizer = new Tokenizer(context.files().apply(config.tokenizer()));
    this.texts = new ClipTexts(clip, tokenizer, length);
    this.pull =
        objectives.contrastive() == null
            ? null
            : new ContrastivePull(objectives.contrastive().loss(), batch, clip.projectionDim());
    this.contrast =
        pull == null
            ? null
            : new GlobalLoss(
                pull.loss(), context.reducer(), context.type(), batch, clip.projectionDim());
    this.masked = objectives.mlm() == null ? null : masked(objectives.mlm(), batch, length);
    this.negatives =
        objectives.itm() == null
            ? null
            : new NegativeTexts(
                objectives.itm().negatives(), clip, context.reducer(), batch, length);
    this.model = model(NegativeTexts.EACH);
    this.plan = FusionPlan.training(model, pull, context.type(), context.seed());
    this.descent =
        new Descent(
            plan.graph,
            context,
            config.descent(),
            pull == null ? () -> {} : () -> ContrastivePull.limitScale(plan.graph));
    this.evaluation = FusionPlan.evaluation(model(1), context.type(), descent.averaged());
  }

  private MaskedTokens masked(Objectives.MaskedLanguage mlm, int batch, int length) {
    MaskVocabulary vocabulary = MaskVocabulary.of(tokenizer, mlm.maskToken());
    return new MaskedTokens(vocabulary, mlm.share(), batch, length);
  }

  private FusionModel model(int negativesOfAPicture) {
    int most = masked == null ? 0 : masked.most();
    return new FusionModel(
        config.model(),
        config.objectives(),
        new FusionModel.Shape(context.batch(), config.contextLength(), most, negativesOfAPicture));
  }

  /** Sums over the workers. */
  private double[] summed(double... own) {
    INDArray sums = Nd4j.createFromArray(own);
    context.reducer().sum(sums);
    return sums.toDoubleVector();
  }

  // --- training

  @Override
  public StepResult step(Batch batch, Progress progress) {
    Reducer reducer = context.reducer();
    Objectives objectives = config.objectives();
    long[] keys =
        batch.keys().stream()
            .mapToLong(key -> NoiseKey.training(context.seed(), progress.step(), key))
            .toArray();
    ClipTexts.Rows own = texts.encode(batch.captions(), context.batch());
    mask(plan, own, keys);
    double[] all = summed(batch.size(), masked == null ? 0 : masked.total(), own.cut());
    plan.fillPairs(batch.pictures(), own);
    plan.graph.runEarly();

    int workers = reducer.workers(); // the gradients' mean over them is taken, not their sum
    GlobalLoss.Share share = null;
    if (pull != null) {
      double factor = workers * objectives.contrastive().weight();
      double bias = pull.hasBias() ? parameter(ContrastivePull.LOGIT_BIAS) : 0;
      share = pull.compute(contrast, plan.graph, batch.size(), scale(), bias, factor);
    }
    NegativeTexts.Drawn drawn = null;
    int[] matches = new int[context.batch()]; // of each picture, that count
    if (negatives != null) {
      drawn = negatives.draw(own, keys, contrast);
      int each = drawn.any() ? model.shape().matches() : 1;
      Arrays.fill(matches, 0, batch.size(), each);
      plan.fillMatchWeights(matches, workers * objectives.itm().weight() / (all[0] * each));
    }
    if (masked != null) {
      double weight = workers * objectives.mlm().weight() / Math.max(1, all[1]);
      plan.fillMaskedWeights(masked, weight);
    }
    plan.fillTexts(own, drawn == null ? null : drawn.texts());
    plan.graph.runLate(descent.sums());

    Map<String, Double> losses = losses(share, matches, all);
    descent.update(descent.sums().await(), batch, progress, losses);
    return new StepResult(losses);
  }

  private double scale() {
    return Math.exp(parameter(ClipModel.LOGIT_SCALE));
  }

  private double parameter(String name) {
    return plan.graph.parameters().view(name).getDouble(0);
  }

  private void mask(FusionPlan target, ClipTexts.Rows own, long[] keys) {
    if (masked != null) {
      masked.draw(own, Arrays.stream(keys).map(MaskedTokens::key).toArray());
      target.fillMasked(masked);
    }
  }

  /**
   * Of the pairs of all workers.
   *
   * @param counts how many pairs of each picture count
   * @param all pairs, masked tokens and cut captions of all workers
   */
  private Map<String, Double> losses(GlobalLoss.Share share, int[] counts, double[] all) {
    FusionMetrics.Answers words = words(plan);
    FusionMetrics.Answers matches = matches(plan, counts, model.shape().matches());
    double[] sums =
        summed(
            share == null ? 0 : share.loss(),
            share == null ? 0 : share.pictureHits(),
            share == null ? 0 : share.textHits(),
            words.nats(),
            words.hits(),
            matches.nats(),
            matches.hits(),
            matches.count());
    Objectives objectives = config.objectives();
    Map<String, Double> losses = new LinkedHashMap<>();
    losses.put("loss", 0.0);
    double loss = 0;
    if (share != null) {
      loss += objectives.contrastive().weight() * sums[0];
      losses.put("contrastive_loss", sums[0]);
      losses.put("image_accuracy", sums[1] / share.pairs());
      losses.put("text_accuracy", sums[2] / share.pairs());
      losses.put("logit_scale", scale());
    }
    if (masked != null) {
      double tokens = Math.max(1, all[1]);
      loss += objectives.mlm().weight() * sums[3] / tokens;
      losses.put(FusionMetrics.MLM_LOSS, sums[3] / tokens);
      losses.put(FusionMetrics.MLM_ACCURACY, sums[4] / tokens);
      losses.put("masked_tokens", all[1]);
    }
    if (negatives != null) {
      loss += objectives.itm().weight() * sums[5] / sums[7];
      losses.put(FusionMetrics.ITM_LOSS, sums[5] / sums[7]);
      losses.put(FusionMetrics.ITM_ACCURACY, sums[6] / sums[7]);
    }
    losses.put("loss", loss);
    losses.put("cut_captions", all[2]);
    return losses;
  }

  /** What a plan has made of the masked positions. */
  private FusionMetrics.Answers words(FusionPlan of) {
    if (masked == null) {
      return FusionMetrics.Answers.NONE;
    }
    int most = masked.most();
    int[] right = new int[context.batch() * most];
    for (int i = 0; i < right.length; i++) {
      boolean counts = i % most < masked.count(i / most);
      right[i] = counts ? masked.label(i / most, i % most) : -1;
    }
    return FusionMetrics.Answers.of(
        of.graph.output(FusionModel.MASKED_LOSSES),
        of.graph.output(FusionModel.MASKED_PREDICTED),
        right);
  }

  /** What a plan has made of pairs, of which the first {@code counts} of each picture count. */
  private FusionMetrics.Answers matches(FusionPlan of, int[] counts, int each) {
    if (negatives == null) {
      return FusionMetrics.Answers.NONE;
    }
    int[] right = new int[counts.length * each];
    for (int i = 0; i < right.length; i++) {
      int answer = i % each == 0 ? 1 : 0;
      right[i] = i % each < counts[i / each] ? answer : -1;
    }
    return FusionMetrics.Answers.of(
        of.graph.output(FusionModel.MATCH_LOSSES),
        of.graph.output(FusionModel.MATCH_PREDICTED),
        right);
  }

  @Override
  public Descent descent() {
    return descent;
  }

  @Override
  public Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(Tokenizer.FILE, texts.file());
    files.put(ClipFile.PREPROCESSOR, ClipFile.preprocessor(config.model().clip()));
    return files;
  }

  // --- evaluation

  @Override
  public Map<String, double[]> evaluate(Batch batch) {
    return evaluate(batch, HeldOut.of(batch.captions()));
  }

  @Override
  public Map<String, double[]> evaluate(Batch batch, HeldOut all) {
    descent.average();
    CompiledGraph graph = evaluation.graph;
    long[] keys = batch.keys().stream().mapToLong(NoiseKey::evaluation).toArray();
    ClipTexts.Rows own = texts.encode(batch.captions(), context.batch());
    mask(evaluation, own, keys);
    evaluation.fillPairs(batch.pictures(), own);
    int[] counts = new int[context.batch()];
    ClipTexts.Rows others = null;
    if (negatives != null) {
      OtherCaptions drawn = OtherCaptions.draw(texts, own, keys, all, context.batch());
      for (int b = 0; b < batch.size(); b++) {
        counts[b] = drawn.found()[b] ? 2 : 0;
      }
      others = drawn.texts();
    }
    evaluation.fillTexts(own, others);
    graph.run();
    Map<String, double[]> sums = ContrastiveMetrics.sums(batch.size(), own.cut());
    if (masked != null) {
      sums.put(FusionMetrics.MASKED, words(evaluation).sums());
    }
    if (negatives != null) {
      sums.put(FusionMetrics.MATCHED, matches(evaluation, counts, 2).sums());
    }
    return sums;
  }

  /** The embeddings of both towers; none without the contrastive loss. */
  @Override
  public SampleRows evaluationRows(Batch batch) {
    if (pull == null) {
      return SampleRows.NONE;
    }
    descent.average();
    evaluation.fillPairs(batch.pictures(), texts.encode(batch.captions(), context.batch()));
    evaluation.graph.runEarly();
    return ContrastiveMetrics.rows(evaluation.graph, batch.captions());
  }

  /** It makes no pictures. */
  @Override
  public float[][][] samples(Batch batch) {
    return new float[0][][];
  }

  @Override
  public String memoryReport() {
    return "fusion model of %d parameters: %s%nevaluation: %s"
        .formatted(
            plan.graph.parameters().layout().length(),
            plan.graph.report(),
            evaluation.graph.report());
  }

  @Override
  public void close() {
    texts.close();
    plan.close();
    evaluation.close();
    if (contrast != null) {
      contrast.close();
    }
  }
}
