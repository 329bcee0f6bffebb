/** The reading side of prepared datasets: manifest, shards and samples. */
package org.talespark.data.dataset;
