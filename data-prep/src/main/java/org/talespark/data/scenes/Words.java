package org.talespark.data.scenes;

/** English, as far as picture books need it. */
final class Words {

  private static final String[] NUMBERS = {"zero", "one", "two", "three"};

  private Words() {}

  /** "a red cat", "an owl". */
  static String article(String noun) {
    return ("aeioAEIO".indexOf(noun.charAt(0)) >= 0 ? "an " : "a ") + noun;
  }

  static String capital(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }

  static String number(long n) {
    return NUMBERS[(int) n];
  }
}
