/**
 * Layered configuration: a recipe, configuration files, single assignments and dedicated options,
 * merged as trees and bound strictly to immutable records.
 */
package org.talespark.jobs.config;
