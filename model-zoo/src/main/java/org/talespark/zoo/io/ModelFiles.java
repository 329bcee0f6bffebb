package org.talespark.zoo.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files of a model's directory, on any file system. */
public interface ModelFiles {
  /** Whether there is a file of this name. */
  boolean has(String name) throws IOException;

  /** Opens a file to read. */
  SeekableByteChannel open(String name) throws IOException;

  /** Begins a file, replacing one that is there. */
  OutputStream create(String name) throws IOException;

  /** A small file as a whole. */
  default byte[] bytes(String name) throws IOException {
    try (SeekableByteChannel channel = open(name)) {
      return Channels.newInputStream(channel).readAllBytes();
    }
  }

  /** A directory of the machine. */
  static ModelFiles of(Path directory) {
    return new ModelFiles() {
      @Override
      public boolean has(String name) {
        return Files.isRegularFile(directory.resolve(name));
      }

      @Override
      public SeekableByteChannel open(String name) throws IOException {
        return Files.newByteChannel(directory.resolve(name));
      }

      @Override
      public OutputStream create(String name) throws IOException {
        return Files.newOutputStream(directory.resolve(name));
      }

      @Override
      public String toString() {
        return directory.toString();
      }
    };
  }
}
