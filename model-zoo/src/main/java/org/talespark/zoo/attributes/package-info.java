/** What is in a picture: a classifier of settings, things and colours, and what it measures. */
package org.talespark.zoo.attributes;
