/** Contrastive models of pictures and texts: CLIP, its losses and its training. */
package org.talespark.zoo.contrastive;
