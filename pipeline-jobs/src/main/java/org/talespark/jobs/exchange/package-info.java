/**
 * Collective operations between the workers of one run: the tasks of a Spark barrier stage sum
 * their gradients over Spark's own network layer, so that encryption and authentication are those
 * of the cluster.
 *
 * <p>Layers, from the outside in: {@link org.talespark.jobs.exchange.RingExchange}; {@code
 * OperationQueue}, which orders the operations and keeps every wait limited; {@code Operation} and
 * its kinds ({@code RingSum}, {@code TreeSum}, {@code Share}), the state machines of one collective
 * each; {@code Mesh}, which greets and moves validated frames between every pair of workers,
 * through {@code Outgoing}, {@code FrameReader} and {@code FrameWriter}. {@code RingSchedule},
 * {@code TreeSchedule}, {@code Carriage} (how chunks travel), {@code FlatMemory}, {@code Sums} and
 * {@code Halves} are the arithmetic.
 */
package org.talespark.jobs.exchange;
