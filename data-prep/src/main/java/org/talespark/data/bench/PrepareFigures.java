package org.talespark.data.bench;

import java.util.OptionalDouble;

/**
 * What {@link PrepareBench} found. Rates are pictures a second by the clock, divided by the
 * threads; rates and ratios are medians over the turns.
 *
 * @param pictures how many were converted
 * @param threads working at the same time
 * @param imagesPerSecondPerCore of ours
 * @param imageioRatio ours over ImageIO's
 * @param pythonRatio ours over the Python script's with as many processes; empty when it did not
 *     run
 */
public record PrepareFigures(
    int pictures,
    int threads,
    int turns,
    double imagesPerSecondPerCore,
    double imageioImagesPerSecondPerCore,
    double imageioRatio,
    OptionalDouble pythonImagesPerSecondPerCore,
    OptionalDouble pythonRatio) {}
