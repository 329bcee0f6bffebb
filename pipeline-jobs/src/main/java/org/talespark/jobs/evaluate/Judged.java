package org.talespark.jobs.evaluate;

import java.io.Serializable;
import org.talespark.zoo.attributes.AttributePrediction;

/**
 * A picture as the classifier sees it.
 *
 * @param features [F]
 * @param png the picture, where it is to be shown; else null
 */
@SuppressWarnings("ArrayRecordComponent")
record Judged(
    int index, String caption, AttributePrediction prediction, float[] features, byte[] png)
    implements Serializable {}
