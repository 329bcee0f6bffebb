/** Texts for models: tokens, and the transformer that reads them. */
package org.talespark.zoo.text;
