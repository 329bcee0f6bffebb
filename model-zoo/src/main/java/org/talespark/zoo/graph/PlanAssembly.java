package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Makes a plan in two stages: the constructor lowers the graph, orders it, finds lifetimes and
 * places every array, and knows all sizes; {@link #allocate()} allocates and binds the kernels.
 */
final class PlanAssembly {
  private static final int ALIGNMENT_BYTES = 64;

  private final CompiledGraph.Builder request;
  private final Lowering lowering;
  private final List<Node> nodes;
  private final Map<String, Value> gradientValues = new LinkedHashMap<>();
  private final Map<String, Integer> readyStep = new LinkedHashMap<>();
  private final List<Value> gradientCopies = new ArrayList<>();
  private final List<String> gradientCopyTargets = new ArrayList<>();
  private final Map<DataType, List<MemoryPlanner.Request>> requests = new HashMap<>();
  private final Map<DataType, MemoryPlanner.Placement> placements = new HashMap<>();
  private final ParameterLayout layout;
  private final DataType parameterType;

  final List<Kernel> kernels = new ArrayList<>();
  final List<OpCall> calls = new ArrayList<>();
  final Map<String, INDArray> inputs = new LinkedHashMap<>();
  final Map<String, INDArray> outputs = new LinkedHashMap<>();
  final Map<String, INDArray> inputGradients = new LinkedHashMap<>();
  final List<INDArray> owned = new ArrayList<>();
  final int earlySteps;
  final PlanReport report;
  GradientBuckets buckets;
  Parameters parameters;
  Parameters gradients;

  PlanAssembly(CompiledGraph.Builder request) {
    this.request = request;
    Map<String, String> gradientNames = request.differentiate();
    Map<String, INDArray> bound = new LinkedHashMap<>(request.bound);
    Map<String, INDArray> trained = new LinkedHashMap<>();
    for (String name : request.trainable) {
      trained.put(
          name,
          request.parameters != null
              ? request.parameters.view(name)
              : request.graph.getVariable(name).getArr(true));
    }
    parameterType = commonType(trained.values());
    bound.putAll(trained);

    lowering = new Lowering(request.graph, request.inputShapes, bound);
    Set<String> targets = new LinkedHashSet<>(request.outputs);
    targets.addAll(request.losses);
    targets.addAll(gradientNames.values());
    lowering.lower(targets);
    gradientNames.forEach((name, gradient) -> gradientValues.put(name, lowering.value(gradient)));

    markLate(lowering.nodes());
    List<Node> early = new ArrayList<>(lowering.nodes());
    early.sort(Comparator.comparing(n -> n.late)); // stable
    nodes = BatchRuns.gather(early);
    earlySteps = (int) nodes.stream().filter(n -> !n.late).count();

    Lifetimes.find(nodes);
    keepResults();
    layout = request.parameters != null ? request.parameters.layout() : layOut(trained);
    placeGradients();
    int inPlace = Lifetimes.shareInPlace(nodes);
    Lifetimes.joinRuns(nodes);
    requestMemory();
    report = measure(inPlace);
    if (report.totalBytes() > request.budgetBytes) {
      throw new IllegalArgumentException(
          "Cannot plan graph: it needs %d bytes (%s), budget=%d; use a smaller batch or model, or raise the budget"
              .formatted(report.totalBytes(), report, request.budgetBytes));
    }
  }

  private void markLate(List<Node> nodes) {
    Set<Value> late = new HashSet<>();
    for (String name : request.lateInputs) {
      late.add(lowering.value(name));
    }
    for (Node node : nodes) {
      node.late = node.inputs.stream().anyMatch(v -> late.contains(v.root()) || late.contains(v));
      if (node.late) {
        late.addAll(node.outputs);
      }
    }
  }

  /** What is read after a step lives on. */
  private void keepResults() {
    Set<String> kept = new LinkedHashSet<>(request.outputs);
    kept.addAll(request.losses);
    for (String name : kept) {
      lowering.value(name).root().last = nodes.size();
    }
    for (String name : request.gradientInputs) {
      gradientValues.get(name).root().last = nodes.size();
    }
  }

  /** Parameters in the order in which their gradients become ready. */
  private ParameterLayout layOut(Map<String, INDArray> trained) {
    Map<String, Integer> ready = new LinkedHashMap<>();
    for (String name : request.trainable) {
      ready.put(name, readyStep(gradientValues.get(name)));
    }
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (String name : sortedByReadiness(ready)) {
      shapes.put(name, trained.get(name).shape());
    }
    return ParameterLayout.of(shapes);
  }

  private static int readyStep(Value gradient) {
    int step = gradient.root().first;
    return step == Integer.MAX_VALUE ? 0 : step;
  }

  /** Lets each gradient be written straight into the flat array, or copied where it cannot. */
  private void placeGradients() {
    for (String name : request.trainable) {
      Value root = gradientValues.get(name).root();
      ParameterLayout.Slot slot = layout.slot(name);
      boolean direct =
          root.kind == Value.Kind.COMPUTED
              && root.gradientOffset < 0
              && root.length() == slot.length()
              && root.type == parameterType
              && root.last < nodes.size();
      if (direct) {
        root.gradientOffset = slot.offset();
      } else {
        gradientCopies.add(gradientValues.get(name));
        gradientCopyTargets.add(name);
        if (root.gradientOffset < 0) {
          root.last = nodes.size();
        }
      }
      readyStep.put(name, direct ? readyStep(root) : nodes.size());
    }
  }

  private void requestMemory() {
    for (Node node : nodes) {
      for (Value output : node.outputs) {
        Value root = output.root();
        if (output == root && root.inArena()) {
          List<MemoryPlanner.Request> of =
              requests.computeIfAbsent(root.type, t -> new ArrayList<>());
          root.request = of.size();
          of.add(
              new MemoryPlanner.Request(root.first, root.last, aligned(root.length(), root.type)));
        }
      }
    }
    for (int i = 0; i < nodes.size(); i++) {
      long elements = request.kernels.scratch(shapes(nodes.get(i), i));
      if (elements > 0) {
        List<MemoryPlanner.Request> of =
            requests.computeIfAbsent(DataType.FLOAT, t -> new ArrayList<>());
        nodes.get(i).scratch = of.size();
        of.add(new MemoryPlanner.Request(i, i, aligned(elements, DataType.FLOAT)));
      }
    }
    requests.forEach((type, of) -> placements.put(type, MemoryPlanner.place(of)));
  }

  private static OpShapes shapes(Node node, int step) {
    return new OpShapes(
        node.op,
        node.inputs.stream().map(v -> v.shape).toList(),
        node.outputs.stream().map(v -> v.shape).toList(),
        node.outputs.get(0).type,
        unused(node, step));
  }

  private static long aligned(long elements, DataType type) {
    long unit = ALIGNMENT_BYTES / type.width();
    return (elements + unit - 1) / unit * unit;
  }

  private PlanReport measure(int inPlace) {
    long arena = 0;
    for (Map.Entry<DataType, MemoryPlanner.Placement> e : placements.entrySet()) {
      arena += Views.bytes(e.getKey(), e.getValue().length());
    }
    long sum = 0;
    for (Node node : nodes) {
      for (Value output : node.outputs) {
        if (output.gradientOffset < 0) {
          sum += output.bytes();
        }
      }
    }
    long constants = 0;
    for (Value value : lowering.values().values()) {
      if (value.known() && value.base == null) {
        constants += value.bytes();
      }
    }
    return new PlanReport(
        arena,
        sum,
        constants,
        2 * Views.bytes(parameterType, layout.length()),
        nodes.size(),
        lowering.views(),
        inPlace,
        lowering.folded());
  }

  void allocate() {
    parameters =
        request.parameters != null ? request.parameters : new Parameters(layout, parameterType);
    gradients = new Parameters(layout, parameterType);
    owned.add(gradients.flat());
    for (String name : request.trainable) {
      INDArray view = parameters.view(name);
      if (request.parameters == null) {
        view.assign(request.graph.getVariable(name).getArr(true));
      }
      lowering.value(name).array = view;
    }
    Map<DataType, INDArray> arenas = new HashMap<>();
    placements.forEach(
        (type, placement) -> {
          INDArray arena = Nd4j.zeros(type, Math.max(1, placement.length()));
          arenas.put(type, arena);
          owned.add(arena);
        });
    for (Node node : nodes) {
      node.inputs.forEach(v -> array(v, arenas));
      node.outputs.forEach(v -> array(v, arenas));
    }
    bindKernels(arenas.get(DataType.FLOAT));
    bindCopies(arenas);
    buckets =
        GradientBuckets.of(layout, readyStep, kernels.size(), parameterType, request.bucketBytes);
    for (String name : request.inputShapes.keySet()) {
      inputs.put(name, lowering.value(name).array);
    }
    Set<String> readable = new LinkedHashSet<>(request.outputs);
    readable.addAll(request.losses);
    for (String name : readable) {
      outputs.put(name, array(lowering.value(name), arenas));
    }
    for (String name : request.gradientInputs) {
      inputGradients.put(name, array(gradientValues.get(name), arenas));
    }
  }

  private INDArray array(Value value, Map<DataType, INDArray> arenas) {
    if (value.array == null) {
      Value root = value.root();
      if (root.array != null) {
        value.array = Views.view(root.array, 0, value.shape);
      } else if (root.gradientOffset >= 0) {
        value.array = Views.view(gradients.flat(), root.gradientOffset, value.shape);
      } else {
        long offset = placements.get(root.type).offsets().get(root.request);
        value.array = Views.view(arenas.get(root.type), offset, value.shape);
      }
    }
    return value.array;
  }

  private void bindKernels(INDArray floats) {
    for (int step = 0; step < nodes.size(); step++) {
      Node node = nodes.get(step);
      List<INDArray> in = node.inputs.stream().map(v -> v.array).toList();
      List<INDArray> out = node.outputs.stream().map(v -> v.array).toList();
      OpContext context = node.op instanceof FusedOp ? null : Lowering.context(node.op, in, out);
      OpCall call =
          new OpCall(node.op, in, out, context, unused(node, step), scratch(node, floats));
      calls.add(call);
      if (node.run == null) {
        kernels.add(request.kernels.bind(call).orElseThrow());
      } else if (node.run.beginsWith(node)) {
        kernels.add(node.run.kernel(request.kernels, Parts.threads()));
      } else {
        kernels.add(BatchRun.nothing());
      }
    }
  }

  private static Set<Integer> unused(Node node, int step) {
    Set<Integer> unused = new HashSet<>();
    for (int i = 0; i < node.outputs.size(); i++) {
      Value root = node.outputs.get(i).root();
      if (root.inArena() && root.last == step) {
        unused.add(i);
      }
    }
    return unused;
  }

  private INDArray scratch(Node node, INDArray floats) {
    if (node.scratch < 0) {
      return null;
    }
    MemoryPlanner.Request of = requests.get(DataType.FLOAT).get(node.scratch);
    long offset = placements.get(DataType.FLOAT).offsets().get(node.scratch);
    return Views.view(floats, offset, new long[] {of.size()});
  }

  private void bindCopies(Map<DataType, INDArray> arenas) {
    for (int i = 0; i < gradientCopies.size(); i++) {
      INDArray from = array(gradientCopies.get(i), arenas);
      kernels.add(copy(from, gradients.view(gradientCopyTargets.get(i))));
      calls.add(null);
      readyStep.put(gradientCopyTargets.get(i), kernels.size() - 1);
    }
  }

  /** Copies whole arrays of the same type and length. */
  private static Kernel copy(INDArray from, INDArray to) {
    Pointer source = Views.pointer(from);
    Pointer target = Views.pointer(to);
    long bytes = Views.bytes(from.dataType(), from.length());
    return () -> Pointer.memcpy(target, source, bytes);
  }

  private static DataType commonType(Collection<INDArray> arrays) {
    DataType type = null;
    for (INDArray array : arrays) {
      if (type != null && type != array.dataType()) {
        throw new IllegalArgumentException(
            "Cannot compile graph: trainable variables of types %s and %s, expected one type"
                .formatted(type, array.dataType()));
      }
      type = array.dataType();
    }
    return type == null ? DataType.FLOAT : type;
  }

  private static List<String> sortedByReadiness(Map<String, Integer> readyStep) {
    List<String> names = new ArrayList<>(readyStep.keySet());
    names.sort(Comparator.comparingInt(readyStep::get));
    return names;
  }
}
