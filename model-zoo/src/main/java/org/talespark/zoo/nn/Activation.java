package org.talespark.zoo.nn;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;

/** What happens to each element inside a feed-forward part, under Hugging Face's names. */
public enum Activation {
  /** x sigmoid(1.702 x). */
  @JsonProperty("quick_gelu")
  QUICK_GELU,
  /** x Phi(x), with the error function. */
  @JsonProperty("gelu")
  GELU;

  /** Adds it to a graph. */
  public SDVariable apply(Ops ops, SDVariable x) {
    return switch (this) {
      case QUICK_GELU -> ops.quickGelu(x);
      case GELU -> ops.gelu(x);
    };
  }
}
