package org.talespark.data.corpus;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.BZip2Codec;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.io.compress.GzipCodec;
import org.apache.hadoop.util.ReflectionUtils;

/**
 * Opens files so that failing storage can be told from damaged content: the former is thrown as
 * {@link UncheckedIOException}, whatever decompressor or parser stands between.
 */
final class Storage {

  private static final int BUFFER = 1 << 16;

  private Storage() {}

  /** The file as it is stored. */
  static FSDataInputStream open(FoundFile file, Configuration hadoop) throws IOException {
    Path path = new Path(file.uri());
    return path.getFileSystem(hadoop).open(path, BUFFER);
  }

  /** How a file is compressed by its name, or null. */
  static CompressionCodec codec(FoundFile file, Configuration hadoop) {
    String name = file.name().toLowerCase(Locale.ROOT);
    if (name.endsWith(".tgz")) {
      return ReflectionUtils.newInstance(GzipCodec.class, hadoop);
    }
    if (name.endsWith(".tbz2")) {
      return ReflectionUtils.newInstance(BZip2Codec.class, hadoop);
    }
    return new CompressionCodecFactory(hadoop).getCodec(new Path(name));
  }

  /**
   * The content, decompressed. Damage is thrown as {@link IOException} when reading, also where a
   * decompressor throws something else or reads before it is asked to.
   */
  static InputStream decompressed(InputStream stored, CompressionCodec codec) {
    return new Decompressed(stored, codec);
  }

  /** The content of a file that may be compressed. */
  static InputStream content(FoundFile file, Configuration hadoop) throws IOException {
    CompressionCodec codec = codec(file, hadoop);
    InputStream stored = open(file, hadoop);
    return codec == null ? new Guarded(stored) : decompressed(stored, codec);
  }

  /** Storage that fails, thrown past everything that takes an IOException for damage. */
  static final class Guarded extends FilterInputStream {

    Guarded(InputStream in) {
      super(in);
    }

    @Override
    public int read() {
      try {
        return super.read();
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot read input", e);
      }
    }

    @Override
    public int read(byte[] buffer, int offset, int length) {
      try {
        return super.read(buffer, offset, length);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot read input", e);
      }
    }
  }

  private static final class Decompressed extends InputStream {

    private final InputStream stored;
    private final CompressionCodec codec;
    private InputStream in;

    Decompressed(InputStream stored, CompressionCodec codec) {
      this.stored = stored;
      this.codec = codec;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      try {
        if (in == null) {
          in = codec.createInputStream(new Guarded(stored));
        }
        return in.read(buffer, offset, length);
      } catch (UncheckedIOException e) {
        throw e;
      } catch (RuntimeException e) {
        throw new IOException("the compressed data are damaged", e);
      }
    }

    @Override
    public void close() throws IOException {
      if (in == null) {
        stored.close();
      } else {
        in.close();
      }
    }
  }
}
