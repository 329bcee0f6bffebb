package org.talespark.zoo.runtime;

import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/** Sets up the native runtime before the first test, so that every test runs the fast build. */
public final class FastNativesListener implements LauncherSessionListener {

  @Override
  public void launcherSessionOpened(LauncherSession session) {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(2));
  }
}
