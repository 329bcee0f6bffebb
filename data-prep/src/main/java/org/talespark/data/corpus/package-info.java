/** Readers of corpora: folders, WebDataset tars, Parquet, JSONL and CSV become candidates. */
package org.talespark.data.corpus;
