/**
 * What a compiled plan gains over SameDiff's interpreter, measured in one process on graphs that
 * both can run.
 */
package org.talespark.zoo.bench;
