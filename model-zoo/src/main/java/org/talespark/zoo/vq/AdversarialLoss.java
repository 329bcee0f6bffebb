package org.talespark.zoo.vq;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;

/** Losses of discriminator and generator over patch logits; all are means. */
enum AdversarialLoss {
  /** max(0, 1 - real) + max(0, 1 + fake), halved; the generator minimises -fake. */
  HINGE {
    @Override
    SDVariable discriminator(Ops ops, SDVariable real, SDVariable fake) {
      SDVariable onReal = ops.relu(real.neg().add(1.0)).mean();
      SDVariable onFake = ops.relu(fake.add(1.0)).mean();
      return onReal.add(onFake).mul(0.5);
    }

    @Override
    SDVariable generator(Ops ops, SDVariable fake) {
      return fake.mean().neg();
    }
  },

  /** softplus(-real) + softplus(fake), halved; the generator minimises softplus(-fake). */
  NON_SATURATING {
    @Override
    SDVariable discriminator(Ops ops, SDVariable real, SDVariable fake) {
      return ops.softplus(real.neg()).mean().add(ops.softplus(fake).mean()).mul(0.5);
    }

    @Override
    SDVariable generator(Ops ops, SDVariable fake) {
      return ops.softplus(fake.neg()).mean();
    }
  };

  abstract SDVariable discriminator(Ops ops, SDVariable real, SDVariable fake);

  abstract SDVariable generator(Ops ops, SDVariable fake);
}
