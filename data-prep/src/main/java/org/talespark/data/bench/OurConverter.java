package org.talespark.data.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.talespark.data.image.ImageDecoder;
import org.talespark.data.image.Images;

/** The path that preparation takes. */
record OurConverter(int size, int quality, int threads) implements Converter {

  @Override
  public double seconds(List<Path> pictures, Path out) throws IOException {
    ImageDecoder decoder = new ImageDecoder(ImageDecoder.Limits.defaults());
    long start = System.nanoTime();
    Threads.each(
        threads,
        pictures.size(),
        i -> {
          Path picture = pictures.get(i);
          byte[] file = Files.readAllBytes(picture);
          byte[] jpeg = Images.encodeJpeg(decoder.square(file, size).pixels(), quality);
          Files.write(out.resolve(picture.getFileName()), jpeg);
        });
    return (System.nanoTime() - start) / 1e9;
  }
}
