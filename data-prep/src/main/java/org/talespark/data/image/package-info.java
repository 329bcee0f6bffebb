/** Picture files to pixels and back: header checks, decoding, resizing, encoding, grids. */
package org.talespark.data.image;
