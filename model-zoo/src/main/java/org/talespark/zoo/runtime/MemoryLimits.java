package org.talespark.zoo.runtime;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;

/**
 * The memory that this process may use, in bytes.
 *
 * @param heap the Java heap's limit
 * @param offHeap JavaCPP's limit on native arrays, {@code org.bytedeco.javacpp.maxbytes}
 * @param physical JavaCPP's limit on the whole process, {@code
 *     org.bytedeco.javacpp.maxphysicalbytes}; 0 means none
 * @param available the machine's memory, or that of the control group when it is smaller
 */
public record MemoryLimits(long heap, long offHeap, long physical, long available) {

  private static final List<Path> CGROUP_FILES =
      List.of(
          Path.of("/sys/fs/cgroup/memory.max"),
          Path.of("/sys/fs/cgroup/memory/memory.limit_in_bytes"));

  private static final double MIB = 1 << 20;

  /** The limits in force now. Loads JavaCPP, so the platform must be chosen before. */
  static MemoryLimits current() {
    return new MemoryLimits(
        Runtime.getRuntime().maxMemory(),
        Pointer.maxBytes(),
        Pointer.maxPhysicalBytes(),
        availableMemory());
  }

  /** The memory of the machine or of the control group, whichever is smaller. */
  public static long availableMemory() {
    long machine = Long.MAX_VALUE;
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean os) {
      machine = os.getTotalMemorySize();
    }
    for (Path file : CGROUP_FILES) {
      machine = Math.min(machine, limitIn(file).orElse(Long.MAX_VALUE));
    }
    return machine;
  }

  private static Optional<Long> limitIn(Path file) {
    try {
      String text = Files.isReadable(file) ? Files.readString(file).strip() : "max";
      return text.matches("\\d{1,18}") ? Optional.of(Long.valueOf(text)) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // the machine's own memory stands
    }
  }

  /**
   * Refuses limits under which a process that needs {@code budget} bytes of native arrays must
   * fail, and returns warnings about limits that promise more than the machine has.
   *
   * @throws IllegalStateException naming the property to set
   */
  List<String> check(long budget) {
    if (budget > 0 && offHeap > 0 && offHeap < budget) {
      throw new IllegalStateException(
          "Cannot keep the memory budget: org.bytedeco.javacpp.maxbytes=%s, expected at least the budget of %s; try -Dorg.bytedeco.javacpp.maxbytes=%s or a smaller batch"
              .formatted(mib(offHeap), mib(budget), mib(budget)));
    }
    if (budget > 0 && physical > 0 && physical < heap + budget) {
      throw new IllegalStateException(
          "Cannot keep the memory budget: org.bytedeco.javacpp.maxphysicalbytes=%s, expected at least heap %s plus budget %s; try -Dorg.bytedeco.javacpp.maxphysicalbytes=%s"
              .formatted(mib(physical), mib(heap), mib(budget), mib(heap + budget)));
    }
    if (budget > 0 && heap + budget > available) {
      throw new IllegalStateException(
          "Cannot keep the memory budget: memory=%s, expected at least heap %s plus budget %s; try a smaller heap, a smaller batch or fewer workers on this machine"
              .formatted(mib(available), mib(heap), mib(budget)));
    }
    List<String> warnings = new ArrayList<>();
    if (heap + offHeap > available) {
      warnings.add(
          "The limits promise more than there is: heap %s plus off-heap %s, memory %s"
              .formatted(mib(heap), mib(offHeap), mib(available)));
    }
    if (physical > 0 && physical < heap + offHeap) {
      warnings.add(
          "org.bytedeco.javacpp.maxphysicalbytes=%s is reached before heap %s and off-heap %s are used"
              .formatted(mib(physical), mib(heap), mib(offHeap)));
    }
    return warnings;
  }

  private static String mib(long bytes) {
    return Math.round(bytes / MIB) + "m";
  }
}
