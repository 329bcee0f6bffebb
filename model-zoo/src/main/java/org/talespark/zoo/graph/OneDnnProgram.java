package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A sequence of oneDNN primitives over a plan's arrays. Where a primitive wants another layout than
 * an array has, the program converts through scratch memory, which it takes piece by piece.
 */
final class OneDnnProgram {
  private static final long ALIGNMENT_BYTES = 64;

  private final OneDnn library;
  private final stream order;
  private final Pointer scratch;
  private final long scratchBytes;
  private long taken;
  private long most;
  private final List<Kernel> steps = new ArrayList<>();

  private OneDnnProgram(OneDnn library, Pointer scratch, long scratchBytes) {
    this.library = library;
    this.order = new stream(library.cpu());
    this.scratch = scratch;
    this.scratchBytes = scratchBytes;
  }

  /**
   * An empty program.
   *
   * @param scratch float32 memory that nobody else uses while the program runs, or null
   */
  static OneDnnProgram with(OneDnn library, INDArray scratch) {
    return scratch == null
        ? new OneDnnProgram(library, Views.at(0), 0)
        : new OneDnnProgram(
            library, Views.pointer(scratch), Views.bytes(scratch.dataType(), scratch.length()));
  }

  /** A program that is only made to see how much scratch memory it takes; arrays may be null. */
  static OneDnnProgram measuring(OneDnn library) {
    return new OneDnnProgram(library, Views.at(0), Long.MAX_VALUE);
  }

  engine cpu() {
    return library.cpu();
  }

  /** Scratch memory that suffices wherever it begins, in bytes. */
  long most() {
    return most == 0 ? 0 : most + ALIGNMENT_BYTES;
  }

  /** An array, whose elements lie as described. */
  memory over(INDArray array, memory.desc layout) {
    Pointer first = array == null ? Views.at(0) : Views.pointer(array);
    return new memory(layout, library.cpu(), first);
  }

  /** The same values in the wanted layout, converted at this point of the program if need be. */
  memory converted(memory from, memory.desc wanted) {
    memory to = in(wanted, from);
    convert(from, to);
    return to;
  }

  /** Where a primitive that writes the wanted layout should write: the array itself if it fits. */
  memory in(memory.desc wanted, memory array) {
    return wanted.equals(array.get_desc()) ? array : take(wanted);
  }

  /** Copies values to another layout, unless it is the same memory. */
  void convert(memory from, memory to) {
    if (!from.equals(to)) {
      reorder step = new reorder(from, to);
      steps.add(() -> step.execute(order, from, to));
    }
  }

  void run(primitive step, Map<Integer, memory> arguments) {
    IntMemoryMap map = new IntMemoryMap();
    arguments.forEach(map::put);
    steps.add(() -> step.execute(order, map));
  }

  /** How much scratch memory is taken; {@link #release} gives back what was taken since. */
  long mark() {
    return taken;
  }

  void release(long mark) {
    taken = mark;
  }

  /** Begins at a multiple of 64 bytes: elsewhere some of oneDNN's kernels end the process. */
  private memory take(memory.desc layout) {
    long free = scratch.address() + taken;
    long address = (free + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    long end = address - scratch.address() + layout.get_size();
    if (end > scratchBytes) {
      throw new IllegalStateException(
          "Cannot lay out arrays: scratch=%d bytes, needed=%d".formatted(scratchBytes, end));
    }
    taken = end;
    most = Math.max(most, taken);
    return new memory(layout, library.cpu(), Views.at(address));
  }

  Kernel kernel() {
    return Parts.sequence(steps);
  }
}
