/** Models that read a picture and a text together: fusion encoder, its objectives and training. */
package org.talespark.zoo.fusion;
