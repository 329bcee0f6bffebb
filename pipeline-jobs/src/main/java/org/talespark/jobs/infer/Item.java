package org.talespark.jobs.infer;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Something to embed: a picture, a text, or a pair of both.
 *
 * @param image a picture file, or null
 * @param text or null
 * @param metadata what the dataset knows of the sample, or null
 */
@SuppressWarnings("ArrayRecordComponent") // a file's bytes, compared by nobody
public record Item(String key, byte[] image, String text, JsonNode metadata) {}
