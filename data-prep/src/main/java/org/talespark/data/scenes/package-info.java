/** The picture-book corpus: scenes with true captions, scene graphs, questions and stories. */
package org.talespark.data.scenes;
