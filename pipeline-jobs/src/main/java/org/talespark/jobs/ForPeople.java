package org.talespark.jobs;

/** A result that says itself better than a plain list of its keys would. */
public interface ForPeople {

  /** A few lines for a terminal. */
  String text();
}
