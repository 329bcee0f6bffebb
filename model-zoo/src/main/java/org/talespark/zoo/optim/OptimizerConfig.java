package org.talespark.zoo.optim;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import java.util.Objects;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.ParameterLayout;

/**
 * Which optimizer, and its constants; in configuration an object with {@code type} one of {@code
 * adamw}, {@code adam}, {@code muon}, {@code sgd}, {@code lion}. Constants left out have PyTorch's
 * defaults (for Lion those of its paper).
 *
 * <p>Weight decay applies to parameters of two or more dimensions only: biases and the gains of
 * norms keep their size.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = OptimizerConfig.AdamW.class, name = "adamw"),
  @JsonSubTypes.Type(value = OptimizerConfig.Adam.class, name = "adam"),
  @JsonSubTypes.Type(value = OptimizerConfig.Muon.class, name = "muon"),
  @JsonSubTypes.Type(value = OptimizerConfig.Sgd.class, name = "sgd"),
  @JsonSubTypes.Type(value = OptimizerConfig.Lion.class, name = "lion")
})
public sealed interface OptimizerConfig {
  /**
   * A new optimizer with its state at zero.
   *
   * @param layout of the flat arrays that it will update
   * @param type FLOAT or DOUBLE
   * @param peers that update the same parameters
   */
  Optimizer create(ParameterLayout layout, DataType type, Peers peers);

  /** For a worker that updates by itself. */
  default Optimizer create(ParameterLayout layout, DataType type) {
    return create(layout, type, Peers.NONE);
  }

  /** Adam with decoupled weight decay (arXiv:1711.05101), scaled by the learning rate. */
  @JsonPropertyOrder({"beta1", "beta2", "eps", "weight_decay"})
  record AdamW(
      double beta1, double beta2, double eps, @JsonProperty("weight_decay") double weightDecay)
      implements OptimizerConfig {
    public AdamW {
      Checks.fraction("beta1", beta1);
      Checks.fraction("beta2", beta2);
      Checks.notNegative("eps", eps);
      Checks.notNegative("weight_decay", weightDecay);
    }

    @JsonCreator
    static AdamW of(
        @JsonProperty("beta1") Double beta1,
        @JsonProperty("beta2") Double beta2,
        @JsonProperty("eps") Double eps,
        @JsonProperty("weight_decay") Double weightDecay) {
      return new AdamW(
          Objects.requireNonNullElse(beta1, 0.9),
          Objects.requireNonNullElse(beta2, 0.999),
          Objects.requireNonNullElse(eps, 1e-8),
          Objects.requireNonNullElse(weightDecay, 0.01));
    }

    @Override
    public Optimizer create(ParameterLayout layout, DataType type, Peers peers) {
      return new AdamOptimizer(layout, type, new AdamRule(beta1, beta2, eps, weightDecay));
    }
  }

  /** Adam (arXiv:1412.6980), without weight decay. */
  record Adam(double beta1, double beta2, double eps) implements OptimizerConfig {
    public Adam {
      Checks.fraction("beta1", beta1);
      Checks.fraction("beta2", beta2);
      Checks.notNegative("eps", eps);
    }

    @JsonCreator
    static Adam of(
        @JsonProperty("beta1") Double beta1,
        @JsonProperty("beta2") Double beta2,
        @JsonProperty("eps") Double eps) {
      return new Adam(
          Objects.requireNonNullElse(beta1, 0.9),
          Objects.requireNonNullElse(beta2, 0.999),
          Objects.requireNonNullElse(eps, 1e-8));
    }

    @Override
    public Optimizer create(ParameterLayout layout, DataType type, Peers peers) {
      return new AdamOptimizer(layout, type, new AdamRule(beta1, beta2, eps, 0));
    }
  }

  /**
   * Muon (Jordan 2024; arXiv:2502.16982) for matrices, AdamW for all else.
   *
   * @param rms root mean square of a matrix's update at a learning rate of 1; 0.2 is about AdamW's
   * @param beta1 of AdamW, as {@code beta2} and {@code eps}
   * @param exclude parts of the names of matrices that are AdamW's: embeddings, and what stands
   *     next to inputs and outputs
   * @param every steps after which matrices get new directions; between them they move along the
   *     last ones
   */
  @JsonPropertyOrder({
    "momentum",
    "rms",
    "weight_decay",
    "beta1",
    "beta2",
    "eps",
    "exclude",
    "every"
  })
  record Muon(
      double momentum,
      double rms,
      @JsonProperty("weight_decay") double weightDecay,
      double beta1,
      double beta2,
      double eps,
      List<String> exclude,
      int every)
      implements OptimizerConfig {
    private static final List<String> EXCLUDED = List.of("emb", "conv_in", "conv_out", "lm_head");

    public Muon {
      Checks.fraction("momentum", momentum);
      Checks.positive("rms", rms);
      Checks.notNegative("weight_decay", weightDecay);
      Checks.fraction("beta1", beta1);
      Checks.fraction("beta2", beta2);
      Checks.notNegative("eps", eps);
      exclude = List.copyOf(exclude);
      Checks.require(every >= 1, "every", every, "at least 1");
    }

    @JsonCreator
    static Muon of(
        @JsonProperty("momentum") Double momentum,
        @JsonProperty("rms") Double rms,
        @JsonProperty("weight_decay") Double weightDecay,
        @JsonProperty("beta1") Double beta1,
        @JsonProperty("beta2") Double beta2,
        @JsonProperty("eps") Double eps,
        @JsonProperty("exclude") List<String> exclude,
        @JsonProperty("every") Integer every) {
      return new Muon(
          Objects.requireNonNullElse(momentum, 0.95),
          Objects.requireNonNullElse(rms, 0.2),
          Objects.requireNonNullElse(weightDecay, 0.01),
          Objects.requireNonNullElse(beta1, 0.9),
          Objects.requireNonNullElse(beta2, 0.999),
          Objects.requireNonNullElse(eps, 1e-8),
          Objects.requireNonNullElse(exclude, EXCLUDED),
          Objects.requireNonNullElse(every, 1));
    }

    @Override
    public Optimizer create(ParameterLayout layout, DataType type, Peers peers) {
      return new MuonOptimizer(layout, type, this, peers);
    }

    /** Matrices of two or more rows and columns, unless excluded. */
    Group groupOf(ParameterLayout.Slot slot) {
      boolean matrix =
          slot.shape().size() > 1
              && slot.shape().get(0) > 1
              && slot.length() > slot.shape().get(0)
              && exclude.stream().noneMatch(slot.name()::contains);
      return matrix ? Group.ORTHOGONAL : Group.of(slot);
    }
  }

  /** Gradient descent; momentum 0 keeps no state, weight decay is added to the gradient. */
  @JsonPropertyOrder({"momentum", "nesterov", "weight_decay"})
  record Sgd(double momentum, boolean nesterov, @JsonProperty("weight_decay") double weightDecay)
      implements OptimizerConfig {
    public Sgd {
      Checks.fraction("momentum", momentum);
      Checks.notNegative("weight_decay", weightDecay);
      if (nesterov && momentum == 0) {
        throw new IllegalArgumentException(
            "Cannot configure optimizer: nesterov=true momentum=0, expected momentum > 0");
      }
    }

    @JsonCreator
    static Sgd of(
        @JsonProperty("momentum") Double momentum,
        @JsonProperty("nesterov") Boolean nesterov,
        @JsonProperty("weight_decay") Double weightDecay) {
      return new Sgd(
          Objects.requireNonNullElse(momentum, 0.0),
          Objects.requireNonNullElse(nesterov, false),
          Objects.requireNonNullElse(weightDecay, 0.0));
    }

    @Override
    public Optimizer create(ParameterLayout layout, DataType type, Peers peers) {
      return new SgdOptimizer(layout, type, momentum, nesterov, weightDecay);
    }
  }

  /** Lion (arXiv:2302.06675); wants a learning rate 3 to 10 times below AdamW's. */
  @JsonPropertyOrder({"beta1", "beta2", "weight_decay"})
  record Lion(double beta1, double beta2, @JsonProperty("weight_decay") double weightDecay)
      implements OptimizerConfig {
    public Lion {
      Checks.fraction("beta1", beta1);
      Checks.fraction("beta2", beta2);
      Checks.notNegative("weight_decay", weightDecay);
    }

    @JsonCreator
    static Lion of(
        @JsonProperty("beta1") Double beta1,
        @JsonProperty("beta2") Double beta2,
        @JsonProperty("weight_decay") Double weightDecay) {
      return new Lion(
          Objects.requireNonNullElse(beta1, 0.9),
          Objects.requireNonNullElse(beta2, 0.99),
          Objects.requireNonNullElse(weightDecay, 0.0));
    }

    @Override
    public Optimizer create(ParameterLayout layout, DataType type, Peers peers) {
      return new LionOptimizer(layout, type, beta1, beta2, weightDecay);
    }
  }
}
