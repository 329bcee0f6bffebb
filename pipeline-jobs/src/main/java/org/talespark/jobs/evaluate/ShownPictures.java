package org.talespark.jobs.evaluate;

import java.util.Map;

/**
 * The pictures of one prompt.
 *
 * @param files PNG files by what they are, as in {@link PictureFigures}
 */
record ShownPictures(String prompt, Map<String, byte[]> files) {}
