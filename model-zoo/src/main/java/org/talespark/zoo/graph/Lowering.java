package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.RandomOp;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.BaseCompatOp;
import org.nd4j.linalg.api.ops.impl.shape.tensorops.BaseTensorOp;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Turns the part of a SameDiff graph that some targets need into nodes over values of known shape.
 *
 * <p>Shapes are inferred once, op by op, with ND4J's own shape functions over stand-in arrays; no
 * operation runs, except those whose inputs are all known, which become constants. Reshapes become
 * views, and so do the two results of an {@code add_bp} without broadcasting, which are both the
 * incoming gradient.
 */
final class Lowering {
  /** Larger results are computed in each step rather than kept as constants. */
  private static final long MAX_FOLDED_ELEMENTS = 1 << 16;

  private static final Set<String> VIEW_OPS =
      Set.of("identity", "stop_gradient", "reshape", "expand_dims", "squeeze", "flatten_2d");
  private static final Set<String> LIKE_OPS =
      Set.of("zeros_as", "ones_as", "zeroslike", "oneslike");

  private final SameDiff graph;
  private final Map<String, long[]> inputShapes;
  private final Map<String, INDArray> bound;
  private final Map<String, Value> values = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private final Map<DataType, INDArray> standIns = new HashMap<>();
  private int views;
  private int folded;

  Lowering(SameDiff graph, Map<String, long[]> inputShapes, Map<String, INDArray> bound) {
    this.graph = graph;
    this.inputShapes = inputShapes;
    this.bound = bound;
  }

  List<Node> nodes() {
    return nodes;
  }

  Map<String, Value> values() {
    return values;
  }

  int views() {
    return views;
  }

  int folded() {
    return folded;
  }

  /** Lowers everything that the target variables need, in the order of the graph. */
  void lower(Set<String> targets) {
    Set<String> needed = neededOps(targets);
    for (String op : needed) {
      lower(graph.getOps().get(op));
    }
    for (String target : targets) {
      value(target);
    }
  }

  Value value(String name) {
    Value value = values.get(name);
    return value != null ? value : leaf(name);
  }

  /** Needed op names so that every op comes after those it reads from. */
  private Set<String> neededOps(Set<String> targets) {
    Set<String> needed = new LinkedHashSet<>();
    List<String> open = new ArrayList<>(targets);
    while (!open.isEmpty()) {
      String variable = open.remove(open.size() - 1);
      String op = producer(variable);
      if (op != null && needed.add(op)) {
        open.addAll(
            graph.getOps().get(op).getInputsToOp() == null
                ? List.of()
                : graph.getOps().get(op).getInputsToOp());
      }
    }
    Set<String> ordered = new LinkedHashSet<>();
    for (String op : graph.getOps().keySet()) {
      if (needed.contains(op)) {
        visit(op, ordered);
      }
    }
    return ordered;
  }

  private void visit(String first, Set<String> ordered) {
    List<String> stack = new ArrayList<>(List.of(first));
    while (!stack.isEmpty()) {
      String op = stack.get(stack.size() - 1);
      List<String> inputs = graph.getOps().get(op).getInputsToOp();
      boolean ready = true;
      for (String input : inputs == null ? List.<String>of() : inputs) {
        String producer = producer(input);
        if (producer != null && !ordered.contains(producer)) {
          stack.add(producer);
          ready = false;
        }
      }
      if (ready) {
        stack.remove(stack.size() - 1);
        ordered.add(op);
      }
    }
  }

  private String producer(String variable) {
    if (!graph.getVariables().containsKey(variable)) {
      throw new IllegalArgumentException(
          "Cannot compile graph: variable=%s does not exist".formatted(variable));
    }
    return graph.getVariables().get(variable).getOutputOfOp();
  }

  private Value leaf(String name) {
    SDVariable variable = graph.getVariable(name);
    Value value;
    if (bound.containsKey(name)) {
      INDArray array = bound.get(name);
      value = new Value(name, Value.Kind.BOUND, array.dataType(), array.shape(), array);
    } else if (variable.getVariableType() == VariableType.PLACEHOLDER) {
      long[] shape = inputShapes.get(name);
      if (shape == null) {
        throw new IllegalArgumentException(
            "Cannot compile graph: no shape for placeholder %s; give one with input(name, shape)"
                .formatted(name));
      }
      INDArray array = Nd4j.zeros(variable.dataType(), shape);
      value = new Value(name, Value.Kind.INPUT, variable.dataType(), shape, array);
    } else {
      INDArray array = variable.getArr(true);
      value =
          new Value(name, Value.Kind.CONSTANT, array.dataType(), array.shape(), contiguous(array));
    }
    values.put(name, value);
    return value;
  }

  private static INDArray contiguous(INDArray array) {
    return array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array)
        ? array
        : array.dup('c');
  }

  private void lower(SameDiffOp sameDiffOp) {
    DifferentialFunction op = sameDiffOp.getOp();
    if (op instanceof RandomOp
        || op.opName().startsWith("random")
        || op.opName().contains("dropout")) {
      throw new IllegalArgumentException(
          "Cannot compile graph: op=%s name=%s draws random numbers; feed them as a placeholder"
              .formatted(op.opName(), op.getOwnName()));
    }
    if (op instanceof BaseCompatOp || op instanceof BaseTensorOp) {
      throw new IllegalArgumentException(
          "Cannot compile graph: op=%s name=%s is control flow, expected a static graph"
              .formatted(op.opName(), op.getOwnName()));
    }
    List<Value> inputs = new ArrayList<>();
    for (String arg : op.argNames() == null ? new String[0] : op.argNames()) {
      inputs.add(value(arg));
    }
    String[] outputs = op.outputVariablesNames();

    if (op.opName().equals("shape_of")) {
      constant(outputs[0], Nd4j.createFromArray(inputs.get(0).shape).castTo(type(outputs[0])));
      return;
    }
    if (op.opName().equals("add_bp") && sameShapes(inputs)) {
      view(outputs[0], inputs.get(2), inputs.get(2).shape);
      view(outputs[1], inputs.get(2), inputs.get(2).shape);
      return;
    }
    if (op instanceof FusedOp fused) {
      compute(op, inputs, fused.outputShapes(inputs.stream().map(v -> v.shape).toList()));
      return;
    }
    boolean fold = inputs.stream().allMatch(Value::known);
    OpContext context = Nd4j.getExecutioner().buildContext();
    List<LongShapeDescriptor> shapes = inferShapes(op, inputs, context);
    long elements =
        shapes.stream().mapToLong(s -> s.isEmpty() ? 0 : Views.length(s.getShape())).sum();
    if (LIKE_OPS.contains(op.opName()) && elements <= MAX_FOLDED_ELEMENTS) {
      fold = true;
    }
    if (fold && elements <= MAX_FOLDED_ELEMENTS) {
      fold(op, inputs, outputs, shapes);
      return;
    }
    if (isView(op, inputs.get(0))
        && Views.length(shapes.get(0).getShape()) == inputs.get(0).length()) {
      view(outputs[0], inputs.get(0), shapes.get(0).getShape());
      return;
    }
    compute(op, inputs, shapes.stream().map(LongShapeDescriptor::getShape).toList());
  }

  private void compute(DifferentialFunction op, List<Value> inputs, List<long[]> shapes) {
    String[] outputs = op.outputVariablesNames();
    List<Value> results = new ArrayList<>();
    for (int i = 0; i < outputs.length; i++) {
      Value value =
          new Value(outputs[i], Value.Kind.COMPUTED, type(outputs[i]), shapes.get(i), null);
      values.put(outputs[i], value);
      results.add(value);
    }
    nodes.add(new Node(op, inputs, results));
  }

  private static boolean sameShapes(List<Value> inputs) {
    return inputs.stream().allMatch(v -> Arrays.equals(v.shape, inputs.get(0).shape));
  }

  private static boolean isView(DifferentialFunction op, Value input) {
    if (!VIEW_OPS.contains(op.opName())) {
      return false;
    }
    if (op.opName().equals("reshape")) {
      long[] arguments = ((DynamicCustomOp) op).iArgs();
      return arguments.length == 0 || arguments[0] != -102;
    }
    return input.length() > 0;
  }

  private DataType type(String variable) {
    return graph.getVariable(variable).dataType();
  }

  private void constant(String name, INDArray array) {
    values.put(name, new Value(name, Value.Kind.CONSTANT, array.dataType(), array.shape(), array));
    folded++;
  }

  private void view(String name, Value base, long[] shape) {
    if (base.known()) {
      constant(name, Views.view(base.array.reshape(base.length()), 0, shape));
      return;
    }
    Value value = new Value(name, base.kind, base.type, shape, null);
    value.base = base;
    values.put(name, value);
    views++;
  }

  private void fold(
      DifferentialFunction op,
      List<Value> inputs,
      String[] outputs,
      List<LongShapeDescriptor> shapes) {
    List<INDArray> results = new ArrayList<>();
    for (int i = 0; i < outputs.length; i++) {
      results.add(Nd4j.create(shapes.get(i).asDataType(type(outputs[i])), true));
    }
    OpContext context = context(op, List.of(arrays(inputs)), results);
    if (op instanceof DynamicCustomOp custom) {
      Nd4j.getExecutioner().exec(custom, context);
    } else {
      Nd4j.getExecutioner().exec((Op) op, context);
    }
    for (int i = 0; i < outputs.length; i++) {
      constant(outputs[i], results.get(i));
    }
  }

  /** Arrays of the right type and shape; only the known ones have meaningful contents. */
  private INDArray[] arrays(List<Value> inputs) {
    return inputs.stream()
        .map(v -> v.array != null ? v.array : standIn(v.type, v.shape))
        .toArray(INDArray[]::new);
  }

  private INDArray standIn(DataType type, long[] shape) {
    long length = Math.max(1, Views.length(shape));
    INDArray buffer = standIns.get(type);
    if (buffer == null || buffer.length() < length) {
      buffer = Nd4j.createUninitialized(type, length);
      standIns.put(type, buffer);
    }
    return Views.view(buffer, 0, shape);
  }

  private List<LongShapeDescriptor> inferShapes(
      DifferentialFunction op, List<Value> inputs, OpContext context) {
    parameterize(op, arrays(inputs), context);
    List<LongShapeDescriptor> shapes =
        op instanceof DynamicCustomOp custom
            ? custom.calculateOutputShape(context)
            : ((BaseOp) op).calculateOutputShape(context);
    int expected = op.outputVariablesNames().length;
    if (shapes == null || shapes.size() != expected) {
      throw new IllegalStateException(
          "Cannot infer shapes: op=%s name=%s gives %s, expected %d outputs"
              .formatted(op.opName(), op.getOwnName(), shapes, expected));
    }
    return shapes;
  }

  /** A context of its own for an operation, with its arrays and arguments. */
  static OpContext context(DifferentialFunction op, List<INDArray> in, List<INDArray> out) {
    OpContext context = Nd4j.getExecutioner().buildContext();
    parameterize(op, in.toArray(INDArray[]::new), context);
    for (int i = 0; i < out.size(); i++) {
      context.setOutputArray(i, out.get(i));
    }
    return context;
  }

  /** Sets inputs and arguments as SameDiff's interpreter would. */
  static void parameterize(DifferentialFunction op, INDArray[] inputs, OpContext context) {
    if (op instanceof DynamicCustomOp custom) {
      context.setInputArrays(inputs);
      context.setIArguments(custom.iArgs());
      context.setTArguments(custom.tArgs());
      context.setBArguments(custom.bArgs());
      context.setDArguments(custom.dArgs());
      return;
    }
    boolean axes = false;
    if (op instanceof ReduceOp reduce
        && reduce.getOpType() != Op.Type.REDUCE3
        && inputs.length == 2) {
      op.setDimensions(Shape.normalizeAxis(inputs[0].rank(), inputs[1].toIntVector()));
      ((BaseReduceOp) op).setEmptyReduce(false);
      axes = true;
    } else if (op instanceof ScalarOp scalar && inputs.length == 2) {
      scalar.setScalar(inputs[1]);
      axes = true;
    }
    context.setInputArray(0, inputs[0]);
    if (inputs.length == 2 && !axes) {
      context.setInputArray(1, inputs[1]);
    }
  }
}
