package org.talespark.data.corpus;

/** Bytes in memory, or none of them when they were too many. */
final class HeldBlob implements Blob {

  private final byte[] content;
  private final long bytes;

  HeldBlob(byte[] content, long bytes) {
    this.content = content;
    this.bytes = bytes;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public byte[] read() {
    if (content == null) {
      throw FileBlob.tooLong(bytes);
    }
    return content;
  }
}
