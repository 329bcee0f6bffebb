/** Pictures that are nearly the same: fingerprints of one, and groups among many. */
package org.talespark.data.dedup;
