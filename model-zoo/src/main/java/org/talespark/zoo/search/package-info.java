/** Exact search for the most similar rows among many. */
package org.talespark.zoo.search;
