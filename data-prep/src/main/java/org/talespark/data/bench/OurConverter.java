package org.talespark.data.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.talespark.data.image.ImageDecoder;
import org.talespark.data.image.Images;

/** The path that preparation takes. */
record OurConverter(ImageDecoder decoder, int size, int quality, int threads)
    implements JavaConverter {

  OurConverter(int size, int quality, int threads) {
    this(new ImageDecoder(ImageDecoder.Limits.defaults()), size, quality, threads);
  }

  @Override
  public byte[] convert(Path picture) throws IOException {
    return Images.encodeJpeg(decoder.square(Files.readAllBytes(picture), size).pixels(), quality);
  }
}
