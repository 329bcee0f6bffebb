package org.talespark.jobs.evaluate;

import java.util.List;
import java.util.Map;
import org.talespark.zoo.attributes.Estimate;
import org.talespark.zoo.attributes.PromptAccuracy;

/**
 * What was measured of pictures. Each map has one entry for what was {@code generated}, for the
 * {@code real} pictures of the same prompts, and, where there are such, for {@code unguided}
 * generations and for what the {@code first_stage} gives back of the real ones.
 *
 * @param pictures that were generated
 * @param referencePictures real ones that distances are measured to
 * @param promptAccuracy by the number of things in the prompt; empty without texts
 * @param frechetDistance to the reference pictures; that of the real ones is the floor
 * @param notes what could not be measured, and why
 */
record PictureFigures(
    int pictures,
    int referencePictures,
    Map<String, List<PromptAccuracy.Group>> promptAccuracy,
    Map<String, Estimate> frechetDistance,
    List<String> notes) {
  static final String GENERATED = "generated";
  static final String UNGUIDED = "unguided";
  static final String FIRST_STAGE = "first_stage";
  static final String REAL = "real";
}
