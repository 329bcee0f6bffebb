/**
 * The native runtime under ND4J: which build of it runs, with how many threads, inside which memory
 * limits. Nothing else in the project sets these.
 */
package org.talespark.zoo.runtime;
