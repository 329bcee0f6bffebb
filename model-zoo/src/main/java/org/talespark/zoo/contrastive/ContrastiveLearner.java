package org.talespark.zoo.contrastive;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.lora.LoraConfig;
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.lora.TrainedWeights;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NetworkLearner;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.SampleRows;
import org.talespark.zoo.train.StepResult;

/**
 * One worker's CLIP in training: both towers forward, the loss over the pairs of all workers
 * ({@link GlobalLoss}), both towers backward.
 */
final class ContrastiveLearner implements NetworkLearner {
  private final ContrastiveLearnerConfig config;
  private final LearnerContext context;
  private final ClipTexts texts;
  private final Pretrained base; // null where all weights are trained
  private final PictureScale scale; // null where pictures are in [-1, 1]
  private final TrainedWeights weights;
  private final ClipPlans plans;
  private final GlobalLoss loss;
  private final Descent descent;
  private final CompiledGraph evaluation;
  private final INDArray totals = Nd4j.zeros(DataType.DOUBLE, 4); // loss, hits, hits, cut captions

  ContrastiveLearner(ContrastiveLearnerConfig config, LearnerContext context) {
    this.config = config;
    this.context = context;
    this.base = config.lora() == null ? null : base(config.lora());
    this.scale = base == null ? null : PictureScale.of(base);
    this.weights =
        base == null
            ? TrainedWeights.all(context.seed())
            : TrainedWeights.adapters(config.lora(), base, context.type(), context.seed());
    ClipModel.Config model = config.model();
    model.checkPictures(context.size(), "model");
    Tokenizer tokenizer = new Tokenizer(context.files().apply(config.tokenizer()));
    this.texts = new ClipTexts(model, tokenizer, config.contextLength());
    this.plans = new ClipPlans(config, weights, context.type(), context.batch());
    this.loss =
        new GlobalLoss(
            config.loss(),
            context.reducer(),
            context.type(),
            context.batch(),
            model.projectionDim());
    this.descent = new Descent(plans.training, context, config.descent(), this::limitScale);
    this.evaluation = plans.evaluation(context.type(), descent.averaged());
  }

  private Pretrained base(LoraConfig lora) {
    if (lora.base() == null) {
      throw new IllegalArgumentException(
          "Cannot train adapters: task.lora has no base, expected the model that they are added to; try --base RUN");
    }
    return context.pretrained().apply(lora.base().checkpoint());
  }

  @Override
  public StepResult step(Batch batch, Progress progress) {
    ClipTexts.Rows captions = texts.encode(batch.captions(), context.batch());
    ClipPlans.fill(plans.training, pictures(batch), captions);
    weights.draw(plans.training, progress.step(), batch.keys());
    Reducer reducer = context.reducer();
    // the gradients' mean over the workers is taken, not their sum
    GlobalLoss.Share share = plans.step(loss, batch.size(), reducer.workers(), descent.sums());

    Map<String, Double> losses = losses(share, captions.cut());
    descent.update(descent.sums().await(), batch, progress, losses);
    return new StepResult(losses);
  }

  /** As the model takes them. */
  private float[] pictures(Batch batch) {
    return scale == null ? batch.pictures() : scale.apply(batch.pictures(), context.size());
  }

  private void limitScale() {
    if (weights.frozen().isEmpty()) {
      ContrastivePull.limitScale(plans.training);
    }
  }

  /** Of the pairs of all workers. */
  private Map<String, Double> losses(GlobalLoss.Share share, int cut) {
    totals.putScalar(0, share.loss());
    totals.putScalar(1, share.pictureHits());
    totals.putScalar(2, share.textHits());
    totals.putScalar(3, cut);
    context.reducer().sum(totals);
    Map<String, Double> losses = new LinkedHashMap<>();
    losses.put("loss", totals.getDouble(0));
    losses.put("image_accuracy", totals.getDouble(1) / share.pairs());
    losses.put("text_accuracy", totals.getDouble(2) / share.pairs());
    losses.put("logit_scale", Math.exp(plans.parameter(ClipModel.LOGIT_SCALE)));
    losses.put("cut_captions", totals.getDouble(3));
    return losses;
  }

  @Override
  public Descent descent() {
    return descent;
  }

  /** What Hugging Face's processor needs, and PEFT. */
  @Override
  public Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(Tokenizer.FILE, texts.file());
    if (base == null) {
      files.put(ClipFile.PREPROCESSOR, ClipFile.preprocessor(config.model()));
    } else {
      files.put(ClipFile.PREPROCESSOR, base.file(ClipFile.PREPROCESSOR));
      files.put(PeftAdapter.CONFIG, PeftAdapter.config(config.lora()));
    }
    return files;
  }

  @Override
  public Map<String, double[]> evaluate(Batch batch) {
    int cut = texts.encode(batch.captions(), context.batch()).cut();
    return ContrastiveMetrics.sums(batch.size(), cut);
  }

  /** The embeddings of both towers. */
  @Override
  public SampleRows evaluationRows(Batch batch) {
    descent.average();
    int all = context.batch() * config.model().pixels();
    ClipPlans.fill(
        evaluation,
        Arrays.copyOf(pictures(batch), all),
        texts.encode(batch.captions(), context.batch()));
    evaluation.run();
    return ContrastiveMetrics.rows(evaluation, batch.captions());
  }

  /** It makes no pictures. */
  @Override
  public float[][][] samples(Batch batch) {
    return new float[0][][];
  }

  @Override
  public String memoryReport() {
    long trained = plans.training.parameters().layout().length();
    String what =
        config.lora() == null
            ? "contrastive model of %d parameters".formatted(trained)
            : "adapters of %d parameters on a contrastive model of %d"
                .formatted(trained, config.model().parameters());
    return "%s: %s%nevaluation: %s".formatted(what, plans.training.report(), evaluation.report());
  }

  @Override
  public void close() {
    texts.close();
    plans.close();
    evaluation.close();
    loss.close();
  }
}
