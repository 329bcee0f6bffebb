/**
 * Training by sparse updates over ND4J's parameter server (strategy {@code gradient-sharing}): each
 * worker sends the elements of its update that reach a threshold and keeps the rest for later.
 *
 * <p>Layers, from the outside in: {@link org.talespark.jobs.sharing.SharedUpdates} is what a
 * trainer calls and {@link org.talespark.jobs.sharing.ParameterServerRoot} what the driver keeps;
 * {@code ThresholdCodec} turns updates into messages; {@code Mesh} is a worker's place among the
 * others, {@code Node} its parameter server; {@code GuardedTransport} is the library's transport
 * with limits and a filter. The decision and its reasons: docs/adr/0010-gradient-sharing.md.
 */
package org.talespark.jobs.sharing;
