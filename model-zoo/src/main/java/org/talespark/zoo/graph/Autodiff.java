package org.talespark.zoo.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Appends the backward pass of a SameDiff graph to the graph itself, with each operation's own
 * {@code doDiff}.
 *
 * <p>SameDiff's {@code createGradFunction} copies the graph through a serialised form first, which
 * turns an operation with a corrected gradient back into the stock one; here the operations stay
 * what they are. Operations are differentiated first in, first out, as soon as all their consumers
 * have been, which is also SameDiff's order, so sums of contributions round the same way.
 */
final class Autodiff {
  private final SameDiff graph;
  private final Map<String, SDVariable> gradients = new LinkedHashMap<>();

  /** Floating-point variables on a path from a wanted variable to a loss. */
  private final Set<String> active = new HashSet<>();

  private Autodiff(SameDiff graph) {
    this.graph = graph;
  }

  /**
   * The gradients of the sum of {@code losses} (scalars) with respect to {@code wanted}, by name; a
   * variable without a path to the losses is absent.
   */
  static Map<String, SDVariable> gradients(
      SameDiff graph, Collection<String> losses, Collection<String> wanted) {
    Autodiff autodiff = new Autodiff(graph);
    autodiff.findActive(losses, new LinkedHashSet<>(wanted));
    autodiff.differentiate(losses);
    Map<String, SDVariable> result = new LinkedHashMap<>();
    for (String name : wanted) {
      if (autodiff.gradients.containsKey(name)) {
        result.put(name, autodiff.gradients.get(name));
      }
    }
    return result;
  }

  private void findActive(Collection<String> losses, Set<String> wanted) {
    Set<String> reachesLoss = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(losses);
    while (!open.isEmpty()) {
      String name = open.remove();
      if (graph.getVariable(name).dataType().isFPType() && reachesLoss.add(name)) {
        SameDiffOp producer = producer(name);
        if (producer != null) {
          open.addAll(inputs(producer));
        }
      }
    }
    Set<String> dependsOnWanted = new HashSet<>();
    open.addAll(wanted);
    while (!open.isEmpty()) {
      String name = open.remove();
      if (dependsOnWanted.add(name)) {
        for (SameDiffOp consumer : consumers(name)) {
          open.addAll(outputs(consumer));
        }
      }
    }
    active.addAll(reachesLoss);
    active.retainAll(dependsOnWanted);
  }

  private void differentiate(Collection<String> losses) {
    Map<String, Integer> waiting = new HashMap<>(); // op -> consumers of its outputs still to do
    Set<SameDiffOp> relevant = new LinkedHashSet<>();
    for (String name : active) {
      SameDiffOp producer = producer(name);
      if (producer != null) {
        relevant.add(producer);
      }
    }
    for (SameDiffOp op : relevant) {
      Set<SameDiffOp> consumers = new HashSet<>();
      for (String output : outputs(op)) {
        if (active.contains(output)) {
          consumers.addAll(consumers(output));
        }
      }
      consumers.retainAll(relevant);
      waiting.put(op.getName(), consumers.size());
    }

    Deque<SameDiffOp> ready = new ArrayDeque<>();
    for (String loss : losses) {
      SDVariable variable = graph.getVariable(loss);
      gradients.put(loss, graph.constant(Nd4j.scalar(variable.dataType(), 1.0)));
      SameDiffOp producer = producer(loss);
      if (producer != null
          && waiting.getOrDefault(producer.getName(), -1) == 0
          && !ready.contains(producer)) {
        ready.add(producer);
      }
    }
    while (!ready.isEmpty()) {
      SameDiffOp op = ready.remove();
      differentiate(op.getOp());
      Set<String> seen = new HashSet<>();
      for (String input : inputs(op)) {
        SameDiffOp producer = active.contains(input) ? producer(input) : null;
        if (producer != null
            && seen.add(producer.getName())
            && waiting.merge(producer.getName(), -1, Integer::sum) == 0) {
          ready.add(producer);
        }
      }
    }
  }

  private void differentiate(DifferentialFunction op) {
    List<SDVariable> incoming = new ArrayList<>();
    for (SDVariable output : op.outputVariables()) {
      SDVariable gradient = gradients.get(output.name());
      if (gradient == null && output.dataType().isFPType()) {
        gradient = graph.zerosLike(output);
      }
      incoming.add(gradient);
    }
    List<SDVariable> outgoing = op.doDiff(incoming);
    SDVariable[] arguments = op.args();
    for (int i = 0; i < outgoing.size() && i < arguments.length; i++) {
      String name = arguments[i].name();
      if (!active.contains(name)) {
        continue;
      }
      SDVariable earlier = gradients.get(name);
      gradients.put(name, earlier == null ? outgoing.get(i) : earlier.add(outgoing.get(i)));
    }
  }

  private SameDiffOp producer(String variable) {
    String op = graph.getVariables().get(variable).getOutputOfOp();
    return op == null ? null : graph.getOps().get(op);
  }

  private List<SameDiffOp> consumers(String variable) {
    List<String> ops = graph.getVariables().get(variable).getInputsForOp();
    return ops == null
        ? List.of()
        : ops.stream().distinct().map(name -> graph.getOps().get(name)).toList();
  }

  private static List<String> inputs(SameDiffOp op) {
    return op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
  }

  private static List<String> outputs(SameDiffOp op) {
    return op.getOutputsOfOp() == null ? List.of() : op.getOutputsOfOp();
  }
}
