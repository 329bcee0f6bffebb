package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;

/** Takes a payload as it arrives. */
interface Inflow {
  /** The next bytes; valid only during the call. */
  void take(ByteBuffer piece);

  /** The last byte has been taken. */
  void end();

  /** Lets a payload pass that nobody wants any more. */
  Inflow NOWHERE =
      new Inflow() {
        @Override
        public void take(ByteBuffer piece) {}

        @Override
        public void end() {}
      };
}
