package org.talespark.zoo.train;

import java.util.function.Function;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * What a learner is made for.
 *
 * @param batch samples a worker and step
 * @param size pixels a side
 * @param learningRate the base rate
 * @param type FLOAT, or DOUBLE for checks
 * @param pretrained opens a checkpoint by its URI
 * @param files reads a file by its URI
 */
public record LearnerContext(
    int batch,
    int size,
    long seed,
    double learningRate,
    DataType type,
    Reducer reducer,
    Function<String, Pretrained> pretrained,
    Function<String, byte[]> files) {}
