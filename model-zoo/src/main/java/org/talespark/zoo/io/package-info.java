/**
 * Weights in files: the safetensors format, read and written as streams, so that any file system
 * that offers a stream or a channel can hold them.
 *
 * <p>Format: <a
 * href="https://github.com/huggingface/safetensors#format">huggingface/safetensors</a>.
 */
package org.talespark.zoo.io;
