/** Corpus folders to datasets: cleaning, dedup, splits, shards, index and manifest. */
package org.talespark.data.prepare;
