package org.talespark.jobs.sharing;

import java.util.Arrays;

/**
 * What nodes say to each other, carried by the parameter server as an array of INT: {@value
 * #HEADER} numbers of header, then the body.
 *
 * <p>Header: magic, run (2), sender, kind, step (2), elements of the whole update, bits of the
 * threshold, count. For {@link Kind#BEAT} the count is how many workers the sender has heard.
 */
final class SharedMessage {
  /** What a message is for. */
  enum Kind {
    /** A sign of life. */
    BEAT(1),
    /** An update as indexes. */
    SPARSE(2),
    /** An update as two bits an element. */
    BITMAP(3),
    /** Numbers that only cost time. */
    DENSE(4),
    /** The sender leaves in good order. */
    LEAVE(5);

    private final int code;

    Kind(int code) {
      this.code = code;
    }
  }

  /** A message that is not one, or not one of ours. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    Malformed(String message) {
      super(message);
    }
  }

  static final int HEADER = 10;
  private static final int MAGIC = 0x54534731; // "TSG1"
  private static final int[] NOTHING = {};

  private final long run;
  private final int rank;
  private final Kind kind;
  private final long step;
  private final int length;
  private final float threshold;
  private final int count;
  private final int[] body;

  private SharedMessage(
      long run,
      int rank,
      Kind kind,
      long step,
      int length,
      float threshold,
      int count,
      int[] body) {
    this.run = run;
    this.rank = rank;
    this.kind = kind;
    this.step = step;
    this.length = length;
    this.threshold = threshold;
    this.count = count;
    this.body = body;
  }

  static SharedMessage beat(long run, int rank, int heard) {
    return new SharedMessage(run, rank, Kind.BEAT, 0, 0, 0, heard, NOTHING);
  }

  static SharedMessage leave(long run, int rank) {
    return new SharedMessage(run, rank, Kind.LEAVE, 0, 0, 0, 0, NOTHING);
  }

  static SharedMessage dense(long run, int rank, long number, int[] body) {
    return new SharedMessage(run, rank, Kind.DENSE, number, 0, 0, 0, body);
  }

  static SharedMessage update(long run, int rank, long step, EncodedUpdate update) {
    Kind kind = update.bitmap() ? Kind.BITMAP : Kind.SPARSE;
    return new SharedMessage(
        run, rank, kind, step, update.length(), update.threshold(), update.count(), update.body());
  }

  long run() {
    return run;
  }

  /** The sender; the root's is the number of workers. */
  int rank() {
    return rank;
  }

  Kind kind() {
    return kind;
  }

  long step() {
    return step;
  }

  int count() {
    return count;
  }

  boolean isUpdate() {
    return kind == Kind.SPARSE || kind == Kind.BITMAP;
  }

  /** The update that it carries. */
  EncodedUpdate update() {
    return new EncodedUpdate(kind == Kind.BITMAP, threshold, length, count, body);
  }

  int[] toInts() {
    int[] out = new int[HEADER + body.length];
    out[0] = MAGIC;
    out[1] = (int) (run >>> 32);
    out[2] = (int) run;
    out[3] = rank;
    out[4] = kind.code;
    out[5] = (int) (step >>> 32);
    out[6] = (int) step;
    out[7] = length;
    out[8] = Float.floatToRawIntBits(threshold);
    out[9] = count;
    System.arraycopy(body, 0, out, HEADER, body.length);
    return out;
  }

  /**
   * Reads a message and checks that whoever uses it cannot fail.
   *
   * @param workers how many take part
   * @throws Malformed when anything in it is out of its bounds
   */
  static SharedMessage parse(int[] in, int workers) throws Malformed {
    require(in.length >= HEADER && in[0] == MAGIC, "magic");
    int rank = in[3];
    require(rank >= 0 && rank <= workers, "rank=" + rank);
    long step = join(in[5], in[6]);
    require(step >= 0, "step=" + step);
    require(in[7] >= 0, "length=" + in[7]);
    require(in[9] >= 0, "count=" + in[9]);
    int[] body = in.length == HEADER ? NOTHING : Arrays.copyOfRange(in, HEADER, in.length);
    SharedMessage message =
        new SharedMessage(
            join(in[1], in[2]),
            rank,
            kind(in[4]),
            step,
            in[7],
            Float.intBitsToFloat(in[8]),
            in[9],
            body);
    if (message.isUpdate()) {
      String fault = message.update().fault();
      require(fault == null, fault);
    } else {
      require(message.kind == Kind.DENSE || body.length == 0, "body=" + body.length);
    }
    return message;
  }

  private static long join(int high, int low) {
    return (long) high << 32 | Integer.toUnsignedLong(low);
  }

  private static Kind kind(int code) throws Malformed {
    for (Kind kind : Kind.values()) {
      if (kind.code == code) {
        return kind;
      }
    }
    throw new Malformed("kind=" + code);
  }

  private static void require(boolean good, String fault) throws Malformed {
    if (!good) {
      throw new Malformed(fault);
    }
  }
}
