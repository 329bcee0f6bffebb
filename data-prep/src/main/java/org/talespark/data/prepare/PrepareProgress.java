package org.talespark.data.prepare;

/** Is told how far long work has come; called from another thread than the job's. */
@FunctionalInterface
public interface PrepareProgress {

  /**
   * Tells.
   *
   * @param work such as {@code examine}
   * @param done tasks that have ended well
   * @param total tasks that there are
   */
  void at(String work, int done, int total);

  /** Tells nobody. */
  static PrepareProgress none() {
    return (work, done, total) -> {};
  }
}
