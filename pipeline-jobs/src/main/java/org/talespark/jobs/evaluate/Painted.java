package org.talespark.jobs.evaluate;

import java.io.Serializable;

/**
 * A picture and what it shows, or is to show.
 *
 * @param index its place among the prompts, or in the split
 * @param caption empty without texts
 * @param picture [3, size, size] in [-1, 1]
 */
@SuppressWarnings("ArrayRecordComponent") // a picture, compared by nobody
record Painted(int index, String caption, float[] picture) implements Serializable {}
