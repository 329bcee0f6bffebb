/** Language models: a decoder of the LLaMA family, and its training on captions. */
package org.talespark.zoo.language;
