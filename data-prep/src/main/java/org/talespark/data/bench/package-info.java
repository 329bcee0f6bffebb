/** Speed of the picture path beside its peers: generated photographs, turns, figures. */
package org.talespark.data.bench;
