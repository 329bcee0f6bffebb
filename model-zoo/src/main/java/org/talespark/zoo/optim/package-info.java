/**
 * What happens between a gradient and the next parameters: accumulation, clipping, schedule,
 * optimizer and averaging. All of it works on flat arrays, in place, block by block through scratch
 * memory that stays in the processor's cache, without allocating, and gives the same bits on every
 * machine.
 */
package org.talespark.zoo.optim;
