package org.talespark.jobs.infer;

/**
 * A line of an input of prompts.
 *
 * @param text what to draw, or null where the line does not say
 * @param seed in place of the job's, or null
 * @param image whole URI of a picture to begin with, or null
 * @param mask whole URI of a picture that is white where that one is made anew, or null
 */
record Prompt(String text, Long seed, String image, String mask) {}
