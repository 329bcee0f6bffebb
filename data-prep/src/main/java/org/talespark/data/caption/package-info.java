/** Captions as they come, whatever their bytes, into clean text; nothing here fails or cuts. */
package org.talespark.data.caption;
