package org.talespark.data.corpus;

import java.io.Closeable;
import java.util.Iterator;

/**
 * The candidates of a portion in their order, one at a time in memory. Failing storage is thrown as
 * {@link java.io.UncheckedIOException}; damage of what is stored is a refused candidate.
 */
public interface Candidates extends Iterator<Candidate>, Closeable {}
