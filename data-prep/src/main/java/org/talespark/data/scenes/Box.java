package org.talespark.data.scenes;

/** A rectangle in shares of the picture's side, origin at the top left. */
record Box(double left, double top, double width, double height) {

  double right() {
    return left + width;
  }

  double bottom() {
    return top + height;
  }

  double centreX() {
    return left + width / 2;
  }

  double centreY() {
    return top + height / 2;
  }

  /** The shared area over the smaller of the two areas. */
  double overlap(Box other) {
    double w = Math.min(right(), other.right()) - Math.max(left, other.left);
    double h = Math.min(bottom(), other.bottom()) - Math.max(top, other.top);
    if (w <= 0 || h <= 0) {
      return 0;
    }
    return w * h / Math.min(width * height, other.width * other.height);
  }
}
