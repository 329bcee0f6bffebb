package org.talespark.jobs.infer;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.image.Images;
import org.talespark.data.image.PictureException;
import org.talespark.data.image.Pixels;

/** The pictures and masks that requests name, cut to the square that a model works on. */
final class GivenPictures {
  private final Configuration hadoop;
  private final int size;

  GivenPictures(Configuration hadoop, int size) {
    this.hadoop = hadoop;
    this.size = size;
  }

  /** The requests' originals, [count, 3, size, size]. */
  float[] originals(List<Generation.Request> requests) {
    int each = 3 * size * size;
    float[] originals = new float[requests.size() * each];
    for (int i = 0; i < requests.size(); i++) {
      System.arraycopy(square(requests.get(i).original()), 0, originals, i * each, each);
    }
    return originals;
  }

  /** The requests' masks, [count, size, size]: 1 where they are white. */
  float[] masks(List<Generation.Request> requests) {
    int area = size * size;
    float[] masks = new float[requests.size() * area];
    for (int i = 0; i < requests.size(); i++) {
      Generation.Request request = requests.get(i);
      checkShape(request);
      float[] planes = square(request.mask());
      for (int j = 0; j < area; j++) {
        float sum = planes[j] + planes[area + j] + planes[2 * area + j]; // from -3 to 3
        masks[i * area + j] = Math.max(0, Math.min(1, (sum + 3) / 6));
      }
    }
    return masks;
  }

  /** Both are cut to squares, so a mask of another shape would lie elsewhere on its picture. */
  private void checkShape(Generation.Request request) {
    Pixels mask = upright(request.mask());
    Pixels original = upright(request.original());
    if ((long) mask.width() * original.height() != (long) mask.height() * original.width()) {
      throw new BadInputException(
          "Cannot inpaint: mask=%s is %dx%d and image=%s %dx%d, expected the same shape"
              .formatted(
                  request.mask(),
                  mask.width(),
                  mask.height(),
                  request.original(),
                  original.width(),
                  original.height()));
    }
  }

  private float[] square(String uri) {
    return decode(uri, file -> Images.decodePlanar(file, size));
  }

  private Pixels upright(String uri) {
    return decode(uri, Images::decode);
  }

  private <T> T decode(String uri, Function<byte[], T> decoder) {
    Path path = new Path(uri);
    try (InputStream in = path.getFileSystem(hadoop).open(path)) {
      return decoder.apply(in.readAllBytes());
    } catch (IOException e) {
      throw new BadInputException(
          "Cannot read picture: picture=%s; %s".formatted(uri, e.getMessage()), e);
    } catch (PictureException e) {
      throw new BadInputException(
          "Cannot use picture: picture=%s reason=%s, expected a PNG, JPEG, WebP, BMP, GIF or TIFF file; %s"
              .formatted(uri, e.reason().id(), e.getMessage()),
          e);
    }
  }
}
